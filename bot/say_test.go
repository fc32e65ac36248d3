package bot

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"aftercare/bot/text"
	"aftercare/store"
)

// Words that take more room than they seem to.
var hostile = map[string]string{
	"none":        "",
	"plain":       words4000("Quiet today, and I keep smiling about it. "),
	"one word":    words4000("x"),
	"stars":       words4000("*"),
	"everyone":    words4000("@everyone "),
	"links":       words4000("[here](https://example.org) "),
	"families":    words4000("👨‍👩‍👧‍👦"),
	"flags":       words4000("🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"),
	"piled marks": words4000("e" + strings.Repeat("\u0301", 15)),
	"lines":       words4000("a\n"),
	"quotes":      words4000("> a\n"),
	"fences":      words4000("```\n"),
	"numbers":     words4000("1. "),
}

func words4000(s string) string {
	r := []rune(strings.Repeat(s, 4000/len([]rune(s))+1))
	return strings.TrimSpace(string(r[:4000]))
}

var longNames = []string{
	strings.Repeat("🧡", 32), strings.Repeat("*", 32), strings.Repeat("👩‍🚀", 10), "Sam", "",
}

func readersOf(n, name int) (out []store.Reader) {
	for i := range n {
		out = append(out, store.Reader{Pact: bigID - int64(i), Name: store.Secret(longNames[(name+i)%len(longNames)])})
	}
	return out
}

const bigID = 1<<63 - 1 // the longest row number

func fits(t *testing.T, what string, s say) {
	t.Helper()
	raw, err := json.Marshal(s.payload())
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range misfits(raw) {
		t.Errorf("%s: %s", what, wrong)
	}
}

// firstLine is what a lock screen shows of a message at least.
func firstLine(s say) string {
	first, _, _ := strings.Cut(s.content(), "\n")
	return first
}

// fitForStrangers holds the first line against the rules for first lines.
func fitForStrangers(t *testing.T, what string, s say) {
	t.Helper()
	as := text.Sentence{Kind: text.First, Say: firstLine(s), For: "a test"}
	for _, err := range text.Lint(map[text.Key]text.Sentence{text.Hello: as}) {
		t.Errorf("%s: its first line is %q: %v", what, as.Say, err)
	}
	if strings.Contains(as.Say, "Sam") {
		t.Errorf("%s: its first line is %q: a name", what, as.Say)
	}
}

func answerOf(words string) store.Answer {
	a := store.Answer{Feeling: "low", Need: "space", OnlyWords: true, Form: store.Secret(words)}
	if words != "" {
		a.Words = []store.Private{store.Secret(words)}
	}
	return a
}

var allSteps = []store.Step{
	store.StepPrompt, store.StepFeeling, store.StepNeed, store.StepWords, store.StepShare,
	store.StepDone, store.StepChange, store.StepLater, store.StepSkipped,
}

func TestCheckInsFit(t *testing.T) {
	for name, words := range hostile {
		for _, step := range allSteps {
			for readers := range 4 {
				for i := range longNames[:min(readers, 1)*(len(longNames)-1)+1] { // one will do for nobody
					c := store.CheckIn{
						Step: step, Last: true, Late: true, LaterAt: houseBegins, LaterLeft: 2,
						Answer: answerOf(words), Readers: readersOf(readers, i),
					}
					for _, l := range []store.Level{"", store.ShareWords} {
						for r := range c.Readers {
							c.Readers[r].Level = l
						}
						c.Answer.Shared = l == store.ShareWords
						s := checkinSays(bigID, c)
						// A sentence may join it: see welcomeBack.
						fits(t, fmt.Sprintf("%s, %d readers, %s", step, readers, name), s.add("", text.T(text.DmsClosed)))
					}
				}
			}
		}
	}
}

func TestCheckInsWithoutAnswer(t *testing.T) {
	for _, step := range allSteps {
		for readers := range 4 {
			c := store.CheckIn{Step: step, LaterAt: houseBegins, Readers: readersOf(readers, 3)}
			s := checkinSays(1, c)
			fits(t, string(step), s)
			if n := strings.Count(s.content(), "?"); n > 1 {
				t.Errorf("%s asks %d questions: %q", step, n, s.content())
			}
		}
	}
	fits(t, "below", checkinSays(1, store.CheckIn{Panel: true}).with(helpButton()))
}

// Every step has a way out, and none looks better than another.
func TestEveryStepHasAWayOut(t *testing.T) {
	ways := []string{text.T(text.LabelSkip), text.T(text.LabelOpen), text.T(text.LabelChange), text.T(text.LabelBack)}
	for _, step := range allSteps {
		s := checkinSays(1, store.CheckIn{Step: step, LaterLeft: 1, LaterAt: houseBegins, Answer: answerOf("x"), Readers: readersOf(2, 3)})
		raw, _ := json.Marshal(s.payload())
		if !slices.ContainsFunc(ways, func(way string) bool { return strings.Contains(string(raw), `"label":"`+way+`"`) }) {
			t.Errorf("%s has no way out: %s", step, raw)
		}
		if !strings.Contains(string(raw), customID("care/lines")) {
			t.Errorf("%s has no help: %s", step, raw)
		}
	}
}

func TestRelaysFit(t *testing.T) {
	for name, words := range hostile {
		for i := range longNames {
			for _, level := range []store.Level{store.ShareWords, store.ShareGist} {
				r := store.Relay{
					From: store.Secret(longNames[i]), Read: true, Level: level, Answer: answerOf(words),
					Sent: true, Back: store.Secret(words),
				}
				for part := range relayParts(r) {
					s := relaySays(bigID, part, r)
					fits(t, fmt.Sprintf("%s, part %d at %s", name, part, level), s.add("", text.T(text.DmsClosed)))
				}
			}
		}
	}
	fits(t, "touch", relaySays(bigID, 0, store.Relay{Read: true, Touch: true, Level: store.ShareWords}))
	fits(t, "unread", relaySays(bigID, 7, store.Relay{}))
}

func TestARelayHoldsAllWords(t *testing.T) {
	for name, words := range hostile {
		r := store.Relay{From: store.Secret("Sam"), Read: true, Level: store.ShareWords, Answer: store.Answer{Words: []store.Private{store.Secret(words)}}}
		var shown strings.Builder
		for part := range relayParts(r) {
			for _, line := range strings.Split(relaySays(1, part, r).content(), "\n") {
				if rest, ok := strings.CutPrefix(line, quoteMark); ok {
					shown.WriteString(rest)
				}
			}
		}
		if got, want := withoutSpace(shown.String()), withoutSpace(plain(words)); got != want {
			t.Errorf("%s: %d of %d bytes arrive", name, len(got), len(want))
		}
	}
}

func TestGistHoldsNothingElse(t *testing.T) {
	for name, words := range hostile {
		r := store.Relay{Read: true, Level: store.ShareGist, Answer: answerOf(words)}
		if got := relayParts(r); !slices.Equal(got, []string{text.T(text.GistSpace)}) {
			t.Errorf("%s: the gist is %q", name, got)
		}
		if strings.Contains(relaySays(1, 0, r).content(), text.T(text.RelayCue)) {
			t.Errorf("%s: the gist of something hard has a cue, which tells the feeling", name)
		}
	}
}

// A gist tells no feeling: its words hold none's name, unless they are the same
// whatever the feeling is.
func TestGistTellsNoFeeling(t *testing.T) {
	for _, need := range append([]store.Need{""}, store.Needs...) {
		said := map[string]bool{}
		for _, f := range append([]store.Feeling{""}, store.Feelings...) {
			said[gist(store.Answer{Feeling: f, Need: need})] = true
		}
		for _, f := range store.Feelings {
			label := text.T(text.Key("feeling." + string(f)))
			if g := gist(store.Answer{Feeling: f, Need: need}); len(said) > 1 && slices.Contains(strings.Fields(g), strings.TrimRight(label, ".")) {
				t.Errorf("%s and %s: %q holds %q", f, need, g, label)
			}
		}
	}
}

func TestGist(t *testing.T) {
	for _, c := range []struct {
		feeling store.Feeling
		need    store.Need
		want    text.Key
	}{
		{"", "", text.GistHere},
		{"low", "", text.GistHere},
		{"numb", "", text.GistHere},
		{"good", "", text.GistWell},
		{"ok", "", text.GistWell},
		{"", "nothing", text.GistNothing},
		{"low", "nothing", text.GistNothing},
		{"good", "nothing", text.GistWell},
		{"good", "kind", text.GistKind},
		{"low", "call", text.GistCall},
		{"mixed", "company", text.GistCompany},
		{"glowing", "space", text.GistSpace},
	} {
		if got := gist(store.Answer{Feeling: c.feeling, Need: c.need}); got != text.T(c.want) {
			t.Errorf("%q and %q: %q", c.feeling, c.need, got)
		}
	}
}

func TestOffersFit(t *testing.T) {
	for name, words := range hostile {
		for i := range longNames {
			for n := range 7 {
				o := store.Offer{Answer: answerOf(words), Readers: readersOf(n, i)}
				fits(t, fmt.Sprintf("an offer of %s to %d", name, n), offerSays(bigID, o).add("", text.T(text.DmsClosed)))
				if n == 0 {
					continue
				}
				o.First = o.Readers[n-1].Pact
				fits(t, "an offer to whom they replied to", offerSays(bigID, o))
				o.Done = true
				for r := range o.Readers {
					o.Readers[r].Level = store.ShareWords
				}
				fits(t, "a done offer", offerSays(bigID, o))
			}
		}
	}
}

func TestNoticesFit(t *testing.T) {
	for _, ask := range []bool{false, true} {
		s := noticeSays(bigID, store.Notice{AskFirst: ask})
		fits(t, "notice", s)
		fitForStrangers(t, "notice", s)
	}
}

// TestFirstLines holds the first line of every message as it is posted, whatever
// became of its subject between claim and send.
func TestFirstLines(t *testing.T) {
	sam := readersOf(3, 3)
	for i := range sam {
		sam[i].Level = store.ShareWords
	}
	shared := answerOf("I feel low since our scene, Sam!")
	shared.Shared = true
	for _, late := range []bool{false, true} {
		for _, last := range []bool{false, true} {
			fitForStrangers(t, "a check-in", checkinSays(1, store.CheckIn{Step: store.StepPrompt, Late: late, Last: last}))
		}
	}
	fitForStrangers(t, "a panel", checkinSays(1, store.CheckIn{Step: store.StepShare, Answer: shared, Readers: sam}))
	fitForStrangers(t, "a panel of somebody alone", checkinSays(1, store.CheckIn{Step: store.StepDone, Last: true, Answer: answerOf("x")}))
	fitForStrangers(t, "an offer", offerSays(1, store.Offer{Answer: shared, Readers: sam}))
	long := store.Relay{From: store.Secret("Sam"), Level: store.ShareWords, Answer: answerOf(words4000("I feel low since our scene. "))}
	fitForStrangers(t, "a relay", relaySays(1, 0, long))
	long.Read = true
	for part := 1; part < len(relayParts(long)); part++ {
		fitForStrangers(t, "a relay that goes on", relaySays(1, part, long))
	}
	b := &Bot{}
	for _, c := range []store.Content{
		{Kind: store.KindHello}, {Kind: store.KindLinked, Partner: store.Secret("Sam")},
		{Kind: store.KindRemark, Note: store.NoteOnlyWords}, {Kind: store.KindRemark, Note: store.NoteNobody},
	} {
		s, err := b.words(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		fits(t, string(c.Kind), s)
		fitForStrangers(t, string(c.Kind), s)
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Hour: "1 hour", 24 * time.Hour: "24 hours", 90 * time.Minute: "90 minutes", time.Minute: "1 minute",
		time.Second: "1 second", 90 * time.Second: "90 seconds", 1500 * time.Millisecond: "1.5s",
	} {
		if got := span(d); got != want {
			t.Errorf("span(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestList(t *testing.T) {
	for _, c := range []struct {
		in   []string
		want string
	}{
		{nil, ""}, {[]string{"a"}, "a"}, {[]string{"a", "b"}, "a and b"}, {[]string{"a", "b", "c"}, "a, b and c"},
	} {
		if got := list(c.in); got != c.want {
			t.Errorf("list(%q) = %q", c.in, got)
		}
	}
}

// Adding to a message changes no other message made from the same one.
func TestSayIsAValue(t *testing.T) {
	base := line("a", "b").with(helpButton()).with(helpButton())
	one, two := base.add("one"), base.add("two")
	left, right := base.with(button("l", "l")), base.with(button("r", "r"))
	if one.content() != "a\nb\none" || two.content() != "a\nb\ntwo" || base.content() != "a\nb" {
		t.Errorf("%q %q %q", one.content(), two.content(), base.content())
	}
	l, _ := json.Marshal(left.rows[2])
	r, _ := json.Marshal(right.rows[2])
	if !strings.Contains(string(l), "1:l") || !strings.Contains(string(r), "1:r") || len(base.rows) != 2 {
		t.Errorf("%s %s", l, r)
	}
}

func TestPayloadAlwaysHasComponents(t *testing.T) {
	raw, err := json.Marshal(line("x").payload())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"components":[]`, `"parse":[]`, `"flags":4`} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("%s is not in %s", want, raw)
		}
	}
}
