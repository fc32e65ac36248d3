package store_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"aftercare/store"
	"aftercare/store/storetest"
)

// crowded is a world in which everybody has something everywhere. Each text that
// somebody can write freely begins with what is in marks for them.
//
// Alex is linked with sam and with kit, and robin with sam. All of it is so young that
// no word could have been read a day ago.
type crowded struct {
	*world
	withSam, withKit, robinSam int64
	gift                       int64 // of alex, to sam
}

var (
	crowd = []store.Who{alex, sam, kit, robin}
	marks = map[store.Who]string{alex: "xA-", sam: "xS-", kit: "xK-", robin: "xR-"}
	zones = map[store.Who]string{alex: "Europe/Berlin", sam: "Asia/Tokyo", kit: "America/Bogota", robin: "Africa/Nairobi"}
)

// freely are the texts that each of the crowd has written.
var freely = strings.Fields("helps worse reach comfort avoid gift typed formed part back offer")

func newCrowd(t *testing.T) *crowded {
	t.Helper()
	w := &crowded{world: newWorld(t, time.Hour, 2*time.Hour)}
	w.withSam, w.withKit, w.robinSam = w.link(alex, sam), w.link(alex, kit), w.link(robin, sam)
	w.deliver()
	for _, who := range crowd {
		w.settle(who)
	}
	w.ok(w.SetMode(w.ctx, alex.ID, w.withKit, store.Together))
	w.ok(w.SetMode(w.ctx, robin.ID, w.robinSam, store.Together))
	w.standings()
	w.end(alex, sam, kit)
	w.end(robin, sam)
	w.pass(0)
	for i, who := range crowd { // before any check-in: these wait for their reader's
		pact, reader := []int64{w.withSam, w.withSam, w.withKit, w.robinSam}[i], []store.Who{sam, alex, alex, sam}[i]
		g := w.leave(who, pact, marks[who]+"gift")
		if g.To != reader.Name {
			t.Fatal("left for somebody else")
		}
		if who == alex {
			w.gift = g.Left[0].ID
		}
	}
	w.pass(time.Hour)
	for i, who := range crowd {
		w.answers(who, []int64{w.withSam, w.withSam, w.withKit, w.robinSam}[i])
	}
	w.deliver()
	for i, who := range []store.Who{alex, sam, kit, robin} {
		at := w.at(who, store.KindRelay)
		w.ok(second(w.Read(w.ctx, who.ID, at)))
		w.ok(second(w.SendBack(w.ctx, who.ID, at, store.Secret(marks[who]+"back"), "back"+string(rune('0'+i)))))
		w.ok(second(w.Touch(w.ctx, who.ID, at)))
	}
	w.pass(time.Hour)
	w.pass(20 * time.Hour) // what comes after the last mark
	for _, who := range crowd {
		at := w.at(who, store.KindAfter)
		w.ok(second(w.OpenAfter(w.ctx, who.ID, at, store.TopicKeep)))
		w.ok(second(w.WritePart(w.ctx, who.ID, at, store.TopicKeep, store.Secret(marks[who]+"part"))))
	}
	w.afterwards()
	return w
}

// settle is who they are, what they set, and their card.
func (w *crowded) settle(who store.Who) {
	w.Helper()
	_, err := w.ChangeSettings(w.ctx, who.ID, func(s *store.Settings) {
		*s = store.Settings{
			Zone: zones[who], Quiet: &store.Hours{From: 60, To: 60}, Touch: true, Plain: true, Nudge: true,
			Marks: []time.Duration{time.Hour, 2 * time.Hour}, History: true, Trend: true, After: true, Share: store.ShareGist, Language: "en",
		}
	})
	w.ok(err)
	text := func(field string) store.Private { return store.Secret(marks[who] + field) }
	w.ok(w.SaveCard(w.ctx, who, store.Card{
		Helps: text("helps"), Worse: text("worse"), Reach: text("reach"), Comfort: text("comfort"), Avoid: text("avoid"),
	}, 0))
}

// standings gives alex and sam a standing check-in, robin one alone, and has kit
// suggest one that nobody has agreed to.
func (w *crowded) standings() {
	w.Helper()
	for i, p := range []store.Proposal{
		{By: alex, Pacts: []int64{w.withSam}, Spec: store.Secret("1 1 * * 1")},
		{By: kit, Pacts: []int64{w.withKit}, Spec: store.Secret("2 2 * * 2")},
		{By: robin, Alone: true, Spec: store.Secret("3 3 * * 3")},
	} {
		p.Request = "standing" + string(rune('0'+i))
		w.ok(second(w.Propose(w.ctx, p)))
	}
	w.deliver()
	w.ok(second(w.AgreeTo(w.ctx, sam.ID, w.at(sam, store.KindStanding))))
}

// answers has somebody answer their check-in with words from a form and typed ones,
// and share them with one partner.
func (w *crowded) answers(who store.Who, pact int64) {
	w.Helper()
	at := w.at(who, store.KindCheckIn)
	w.step(w.Open(w.ctx, who.ID, at))
	w.step(w.Feel(w.ctx, who.ID, at, "low"))
	w.step(w.Need(w.ctx, who.ID, at, "company"))
	w.step(w.Write(w.ctx, who.ID, at, store.Secret(marks[who]+"formed")))
	w.hear(who, "9"+who.ID.Reveal(), marks[who]+"typed", w.last(who, store.KindCheckIn).Message)
	w.step(w.Share(w.ctx, who.ID, at, pact, store.ShareWords))
	w.ok(second(w.TellTalk(w.ctx, who.ID, at, pact, true)))
}

// afterwards is what else there can be: words typed with no check-in open, a code, a
// scene to come, a note on their history, a pause, and "don't ask again".
func (w *crowded) afterwards() {
	w.Helper()
	code, _, err := w.Invite(w.ctx, robin, storetest.Consent)
	w.ok(err)
	inv, err := w.Invitation(w.ctx, kit.ID, code)
	w.ok(err)
	w.ok(w.Refuse(w.ctx, kit.ID, inv.ID))
	for _, who := range crowd {
		w.skipAll(who)
		w.hear(who, "8"+who.ID.Reveal(), marks[who]+"offer", "")
		w.ok(second2(w.Invite(w.ctx, who, storetest.Consent)))
		_, err := store.DB(w.Store).Exec(`
			INSERT INTO deliveries (id, recipient, kind, due_at, sent_at)
			SELECT (SELECT MAX(id) FROM deliveries) + 1, id, 'trend', 1000, 2000 FROM persons WHERE key_id = (
				SELECT key_id FROM persons ORDER BY id LIMIT 1 OFFSET $1)`, slices.Index(crowd, who))
		w.ok(err)
	}
	w.end(alex, sam)
	w.end(robin, sam)
	for _, who := range crowd {
		w.ok(w.PauseUntil(w.ctx, who.ID, w.clock.Now().Add(90*24*time.Hour)))
	}
}

// skipAll ends what is open for somebody.
func (w *crowded) skipAll(who store.Who) {
	w.Helper()
	for _, m := range w.inbox {
		if m.To == who.ID && m.Kind == store.KindCheckIn && m.Want == store.Post {
			w.Skip(w.ctx, who.ID, m.As.ID) // gone, or done, is fine as well
		}
	}
}

func second2[A, B any](_ A, _ B, err error) error { return err }

func (w *world) takeout(who store.Who) string {
	w.Helper()
	file, err := w.Takeout(w.ctx, who.ID)
	w.ok(err)
	return file.Reveal()
}

// Everybody's file has all of their own words and none of anybody else's, nor where
// others live, nor their accounts.
func TestTakeoutIsOnesOwn(t *testing.T) {
	t.Parallel()
	w := newCrowd(t)
	for _, who := range crowd {
		file := w.takeout(who)
		w.ok(store.ReadTakeout([]byte(file)))
		for _, field := range freely {
			if !strings.Contains(file, marks[who]+field) {
				t.Errorf("%s's file is without their %s", who.Name.Reveal(), field)
			}
		}
		for _, own := range []string{who.ID.Reveal(), who.Name.Reveal(), zones[who], `"feeling": "low"`, `"need": "company"`} {
			if !strings.Contains(file, own) {
				t.Errorf("%s's file is without %s", who.Name.Reveal(), own)
			}
		}
		for _, other := range crowd {
			if other == who {
				continue
			}
			for _, theirs := range []string{marks[other], other.ID.Reveal(), zones[other]} {
				if strings.Contains(file, theirs) {
					t.Errorf("%s's file has %s of %s", who.Name.Reveal(), theirs, other.Name.Reveal())
				}
			}
			if linked := who == alex && other != robin || other == alex && who != robin || who == sam && other == robin || who == robin && other == sam; !linked && strings.Contains(file, `"`+other.Name.Reveal()+`"`) {
				t.Errorf("%s's file names %s, whom they do not know", who.Name.Reveal(), other.Name.Reveal())
			}
		}
	}
	if t.Failed() && testing.Verbose() {
		t.Log(w.takeout(alex))
	}
}

func TestTakeoutOfNobody(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.is(second(w.Takeout(w.ctx, robin.ID)), store.ErrNotAgreed)
}

// TestTakeoutTellsNothingOfPartners holds that the file is the same to the letter
// whatever the partner did, at once, when words that were read are forgotten, and when
// most else is.
func TestTakeoutTellsNothingOfPartners(t *testing.T) {
	t.Parallel()
	when := []time.Duration{0, 25 * time.Hour, 6 * 24 * time.Hour, 29 * 24 * time.Hour}
	after := func(act func(w *world, pact int64)) (files []string) {
		w, pact := asked(t)
		_, err := w.ChangeSettings(w.ctx, alex.ID, func(s *store.Settings) { s.History, s.After = true, true })
		w.ok(err)
		w.zone(alex, "UTC")
		w.zone(sam, "UTC")
		for spec, by := range []store.Who{alex, sam} {
			p := store.Proposal{By: by, Pacts: []int64{pact}, Spec: store.Secret(strconv.Itoa(spec) + " 19 * * 0"), Request: by.Name.Reveal()}
			w.ok(second(w.Propose(w.ctx, p)))
			w.deliver()
			asked := []store.Who{sam, alex}[spec]
			w.ok(second(w.AgreeTo(w.ctx, asked.ID, w.at(asked, store.KindStanding))))
		}
		w.leave(alex, pact, "kind")
		w.answer(alex, "low", "words", pact, store.ShareWords)
		w.ok(second(w.TellTalk(w.ctx, alex.ID, w.at(alex, store.KindCheckIn), pact, true)))
		w.deliver()
		act(w, pact)
		since := time.Duration(0)
		for _, at := range when {
			w.pass(at - since)
			w.forget()
			since = at
			files = append(files, w.takeout(alex))
		}
		return files
	}
	nothing := after(func(*world, int64) {})
	if !strings.Contains(nothing[0], "words") || !strings.Contains(nothing[0], `"kind"`) || !strings.Contains(nothing[0], `"agreed": true`) {
		t.Error("there is nothing in the file to compare")
	}
	read := func(w *world) {
		for _, m := range w.inbox {
			if m.To == sam.ID && m.Kind == store.KindRelay {
				w.ok(second(w.Read(w.ctx, sam.ID, m.As.ID)))
			}
		}
	}
	for name, act := range map[string]func(w *world, pact int64){
		"read it":        func(w *world, _ int64) { read(w) },
		"read and left":  func(w *world, pact int64) { read(w); w.ok(w.Leave(w.ctx, sam.ID, pact)) },
		"left":           func(w *world, pact int64) { w.ok(w.Leave(w.ctx, sam.ID, pact)) },
		"paused":         func(w *world, _ int64) { w.ok(w.Pause(w.ctx, sam.ID)) },
		"answered a low": func(w *world, pact int64) { w.answer(sam, "low", "theirs", pact, store.ShareWords); read(w) },
		"kept it":        func(w *world, pact int64) { w.answer(sam, "good", "theirs", pact, store.ShareKept) },
		"skipped":        func(w *world, _ int64) { w.step(w.Skip(w.ctx, sam.ID, w.at(sam, store.KindCheckIn))) },
		"left kind words": func(w *world, pact int64) {
			w.leave(sam, pact, "theirs")
			w.step(w.Feel(w.ctx, alex.ID, w.at(alex, store.KindCheckIn), "low"))
		},
		"wrote a card": func(w *world, _ int64) { w.ok(w.SaveCard(w.ctx, sam, store.Card{Helps: store.Secret("tea")}, 0)) },
		"changed settings": func(w *world, _ int64) {
			_, err := w.ChangeSettings(w.ctx, sam.ID, func(s *store.Settings) { s.Much, s.AskFirst, s.Zone = store.MuchNone, true, "Asia/Tokyo" })
			w.ok(err)
		},
		"closed their DMs": func(w *world, pact int64) {
			w.ok(second(w.SendBack(w.ctx, sam.ID, w.at(sam, store.KindRelay), store.Secret("theirs"), "back")))
			due, err := w.ClaimDue(w.ctx, 10)
			w.ok(err)
			for _, d := range due {
				w.ok(w.MarkRefused(w.ctx, d))
			}
		},
		"erased themselves":         func(w *world, _ int64) { w.erase(sam) },
		"read and erased":           func(w *world, _ int64) { read(w); w.erase(sam) },
		"stopped the standing ones": func(w *world, _ int64) { w.ok(w.Stop(w.ctx, sam.ID, 0)) },
		"linked with another":       func(w *world, _ int64) { w.link(sam, kit) },
	} {
		t.Run(name, func(t *testing.T) {
			for i, file := range after(act) {
				if at := differs(nothing[i], file); at != "" {
					t.Errorf("after %v the file tells: %s", when[i], at)
				}
			}
		})
	}
}

// differs names the first line in which two files differ.
func differs(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(x), len(y)) {
		if i >= len(x) || i >= len(y) || x[i] != y[i] {
			return strings.Join(x[min(i, len(x)):min(i+2, len(x))], " ") + " | " + strings.Join(y[min(i, len(y)):min(i+2, len(y))], " ")
		}
	}
	return ""
}

// Words that somebody may have read are in the file for a day, and what was kept to
// oneself as long as it is kept.
func TestTakeoutLeavesOutWords(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	w.leave(alex, pact, "aGift")
	w.answer(alex, "low", "aShared", pact, store.ShareWords)
	w.answer(sam, "low", "aKept", pact, store.ShareKept)
	has := func(who store.Who, words string, want bool) {
		t.Helper()
		if got := strings.Contains(w.takeout(who), words); got != want {
			t.Errorf("%s in the file: %v, want %v", words, got, want)
		}
	}
	w.clock.Advance(24*time.Hour - time.Millisecond)
	for words, who := range map[string]store.Who{"aGift": alex, "aShared": alex, "aKept": sam} {
		has(who, words, true)
	}
	w.clock.Advance(time.Millisecond)
	has(alex, "aGift", false)
	has(alex, "aShared", false)
	has(alex, `"feeling": "low"`, true)
	has(sam, "aKept", true)
	w.step(w.TakeBack(w.ctx, alex.ID, w.at(alex, store.KindCheckIn))) // that it was shared stays so
	has(alex, "aShared", false)
	w.clock.Advance(7 * 24 * time.Hour)
	has(sam, "aKept", false)
}

// What was given of kind words is on their list, and is no answer: it would tell that
// their reader was low, or has had a check-in.
func TestTakeoutOfGivenGifts(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	w.leave(alex, pact, "aGift")
	before := w.takeout(alex)
	w.step(w.Feel(w.ctx, sam.ID, w.at(sam, store.KindCheckIn), "low"))
	w.got(w.deliver(), sam, store.KindRelay, 1)
	if at := differs(before, w.takeout(alex)); at != "" {
		t.Error(at)
	}
}

func TestTakeoutVersion(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	var head struct {
		Format  string
		Version int
		MadeAt  time.Time `json:"made_at"`
	}
	w.ok(json.Unmarshal([]byte(w.takeout(sam)), &head))
	if head.Format != "aftercare-export" || head.Version != store.TakeoutVersion || !head.MadeAt.Equal(w.clock.Now()) {
		t.Errorf("%+v", head)
	}
}

var (
	documented = regexp.MustCompile("(?m)^\\| `([a-z_.\\[\\]]+)` \\|")
	example    = regexp.MustCompile("(?s)```json\n(.*?)```")
)

// TestTakeoutIsDocumented holds the paper about the format against the code.
func TestTakeoutIsDocumented(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join("..", "cmd", "aftercare", "docs", "export-format.md"))
	if err != nil {
		t.Fatal(err)
	}
	var papers []string
	for _, m := range documented.FindAllStringSubmatch(string(b), -1) {
		papers = append(papers, m[1])
	}
	fields := store.TakeoutFields()
	for _, f := range fields {
		if !slices.Contains(papers, f) {
			t.Errorf("%s is in no row of export-format.md", f)
		}
	}
	for _, f := range papers {
		if !slices.Contains(fields, f) {
			t.Errorf("export-format.md has %s, and a file has not", f)
		}
	}
	if len(papers) != len(slices.Compact(slices.Sorted(slices.Values(papers)))) {
		t.Error("export-format.md has a field twice")
	}
	m := example.FindSubmatch(b)
	if m == nil {
		t.Fatal("export-format.md shows no file")
	}
	if err := store.ReadTakeout(m[1]); err != nil {
		t.Errorf("the example of export-format.md: %v", err)
	}
	if !strings.Contains(string(b), "`version` 1") || store.TakeoutVersion != 1 {
		t.Error("export-format.md is of another version")
	}
}
