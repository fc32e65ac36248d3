package bot

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"aftercare/bot/discordtest"
	"aftercare/bot/text"
	"aftercare/store"
)

// A phrase that shows the help page, and words as long that don't.
const (
	showsHelp = "Tonight I want to die, far away."
	showsNone = "Tonight I want to fly, far away."
)

// checkedIn is a house in which alex is asked how they are, and sam is linked
// with them. It returns the arguments of alex's check-in.
func checkedIn(t *testing.T) (h *house, alex, sam *discordtest.Person, row string) {
	t.Helper()
	h = newHouse(t)
	alex, sam = h.discord.Person("alex"), h.discord.Person("sam")
	h.link(alex, sam)
	h.run(alex, "scene ended")
	h.pass(24 * time.Hour)
	open := h.newest(alex, "checkin/open")
	h.press(alex, open)
	return h, alex, sam, strings.TrimPrefix(open, customID("checkin/open")+":")
}

// plainly is what of the database is in clear and no row number or time, and
// what the log says: what a phrase could leave a trace in.
func (h *house) plainly() string {
	h.t.Helper()
	var out strings.Builder
	for _, query := range []string{
		`SELECT kind || ' ' || state || ' ' || (source IS NULL) || (body IS NULL) || (reply_to IS NULL) FROM answers ORDER BY id`,
		`SELECT state || ' ' || step || ' ' || postponed FROM checkins ORDER BY person, mark`,
		`SELECT kind || ' ' || want || ' ' || part || ' ' || round || ' ' || (next_at IS NULL) FROM deliveries ORDER BY recipient, id`,
		`SELECT COUNT(*) || ' shares' FROM shares`, `SELECT COUNT(*) || ' words' FROM words`,
	} {
		out.WriteString(strings.Join(h.column(query), "\n") + "\n")
	}
	return out.String()
}

// TestNoTraceOfAPhrase plays the same evening with and without one: nothing but
// the sealed words differs.
func TestNoTraceOfAPhrase(t *testing.T) {
	evening := func(words string) (trace string) {
		h, alex, sam, row := checkedIn(t)
		pacts, err := h.store.Pacts(t.Context(), store.Secret(alex.ID()))
		if err != nil {
			t.Fatal(err)
		}
		got := h.submit(alex, customID("checkin/write", row), words)
		if has := strings.Contains(got.content, text.T(text.HelpShown)); has != (words == showsHelp) {
			t.Errorf("alex sees %s", got.raw)
		}
		trace = h.plainly()
		h.press(alex, customID("checkin/share", row, number(pacts[0].ID), string(store.ShareWords)))
		h.pass(0)
		relay := strings.TrimPrefix(h.newest(sam, "relay/read"), customID("relay/read")+":")
		h.press(sam, customID("relay/read", relay))
		got = h.submit(sam, customID("relay/word", relay), words)
		if words == showsHelp {
			got = h.press(sam, got.ids[0])
			if !says(got.content, text.RelaySent) {
				t.Errorf("sam sees %s", got.raw)
			}
		}
		h.pass(0)
		h.newest(alex, "relay/read") // it arrived
		if bad := h.log.take(); len(bad) > 0 {
			t.Errorf("the log: %s", bad)
		}
		return trace + h.plainly()
	}
	if with, without := evening(showsHelp), evening(showsNone); with != without {
		t.Errorf("it can be told:\n%s", firstChange(without, with))
	}
}

func TestHeldWords(t *testing.T) {
	h, alex, sam, row := checkedIn(t)
	h.submit(alex, customID("checkin/write", row), "Fine.")
	pacts, err := h.store.Pacts(t.Context(), store.Secret(alex.ID()))
	if err != nil {
		t.Fatal(err)
	}
	h.press(alex, customID("checkin/share", row, number(pacts[0].ID), string(store.ShareWords)))
	h.pass(0)
	relay := strings.TrimPrefix(h.newest(sam, "relay/read"), customID("relay/read")+":")
	h.press(sam, customID("relay/read", relay))
	hold := func() (send, change, keep string) {
		t.Helper()
		before := h.commits()
		got := h.submit(sam, customID("relay/word", relay), showsHelp)
		if h.commits() != before || len(got.ids) != 4 || got.flags&flagEphemeral == 0 {
			t.Fatalf("%s", got.raw)
		}
		return got.ids[0], got.ids[1], got.ids[2]
	}
	gone := func(what string, p *discordtest.Person, id string) {
		t.Helper()
		before := h.commits()
		if got := h.press(p, id); !says(got.content, text.ErrGone) || h.commits() != before {
			t.Errorf("%s: %s", what, got.raw)
		}
	}

	first, _, keep := hold()
	gone("somebody else's", alex, first)
	if got := h.press(sam, keep); !says(got.content, text.PhraseKept) {
		t.Errorf("kept: %s", got.raw)
	}
	gone("kept ones", sam, first)

	older, _, _ := hold()
	send, change, _ := hold()
	gone("an older one", sam, older)
	if got := h.press(sam, change); got.kind != 9 || !strings.Contains(got.raw, showsHelp) {
		t.Errorf("change: %s", got.raw)
	}
	if got := h.press(sam, send); !says(got.content, text.RelaySent) {
		t.Errorf("sent: %s", got.raw)
	}
	gone("sent already", sam, send)

	late, _, _ := hold()
	h.pass(2 * time.Hour)
	gone("too late", sam, late)

	// What the words belonged to may be gone by then.
	taken, _, _ := hold()
	h.press(alex, customID("checkin/back", row))
	gone("taken back", sam, taken)
	if got := h.submit(sam, customID("relay/word", relay), showsHelp); !says(got.content, text.ErrGone) {
		t.Errorf("to nothing: %s", got.raw)
	}
}

func TestHelpFirstFits(t *testing.T) {
	b := &Bot{o: Options{Operator: "Robin"}}
	for range 8 {
		b.o.HelpLines = append(b.o.HelpLines, HelpLine{strings.Repeat("*", 60), strings.Repeat("x", 100), houseBegins})
	}
	for name, words := range hostile {
		for readers := range 4 {
			for i := range longNames {
				what := fmt.Sprintf("%s, %d readers %d", name, readers, i)
				a := answerOf(showsHelp + words)
				rs := readersOf(readers, i)
				c := store.CheckIn{Step: store.StepShare, LaterLeft: 2, Answer: a, Readers: rs, Several: true}
				fits(t, what, b.checkinShown(bigID, c).add("", text.T(text.DmsClosed)))
				fits(t, what, b.offerShown(bigID, store.Offer{Answer: a, Readers: rs}).add("", text.T(text.DmsClosed)))
				for _, settled := range []bool{false, true} {
					for topic := range topics {
						p := store.After{
							Step: store.StepShare, Topic: topic, Readers: rs, Several: true, Last: true, LaterLeft: 2, Moment: topic == store.TopicMoment,
							Parts: []store.Part{{Topic: topic, Answer: a, Readers: rs, Settled: settled}},
						}
						fits(t, what, b.afterShown(bigID, p).add("", text.T(text.DmsClosed)))
						p.Parts[0].Answer = answerOf(words)
						fits(t, what, b.afterShown(bigID, p).add("", text.T(text.DmsClosed)))
						p.Step = store.StepFeeling
						fits(t, what, b.afterShown(bigID, p).add("", text.T(text.DmsClosed)))
					}
				}
				fits(t, what, talkSays(number(bigID), store.Talk{Readers: rs}))
				fits(t, what, talkSays(number(bigID), store.Talk{Readers: chose(rs, store.ShareWords)}))
			}
		}
	}
}
