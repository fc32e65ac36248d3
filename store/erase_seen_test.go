package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"aftercare/store"
)

// sees is all that somebody can find out about a partner, in words. Row numbers
// are left out, which differ from run to run.
func (w *world) sees(who, partner store.Who) string {
	w.Helper()
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	pacts, err := w.Pacts(w.ctx, who.ID)
	w.ok(err)
	for _, p := range pacts {
		say("linked with %s since %v, %s, %v, %v %v %v", p.Partner.Reveal(), p.Since, p.Mode, p.Changed, p.Once, p.Had, p.Until)
	}
	coming, err := w.Upcoming(w.ctx, who.ID)
	w.ok(err)
	for _, u := range coming {
		say("to come: %v %v %v %s", u.At, u.Round, u.Line, names(u.Partners))
	}
	standings, err := w.Standings(w.ctx, who.ID)
	w.ok(err)
	for _, s := range standings {
		say("standing: %s with %s %v %v", s.Spec.Reveal(), s.With.Reveal(), s.Alone, s.Asked)
	}
	_, err = w.PactWith(w.ctx, who.ID, partner.ID)
	say("pact by name: %v", err)
	c, name, err := w.CardOf(w.ctx, who.ID, partner.ID)
	say("card: %v %s %v", c.Empty(), name.Reveal(), err)
	g, err := w.GiftsFor(w.ctx, who.ID, partner.ID, 0)
	say("kind words: %d %s %v", len(g.Left), g.To.Reveal(), err)
	for _, p := range pacts {
		g, err := w.GiftsFor(w.ctx, who.ID, store.Private{}, p.ID)
		say("kind words by the link: %d %v", len(g.Left), err)
	}
	_, err = w.EndScene(w.ctx, w.ended(who, partner))
	say("a scene: %v", err)
	_, err = w.round(who, partner)
	say("a round: %v", err)
	_, err = w.Propose(w.ctx, w.proposal(who, partner))
	say("every so often: %v", err)
	for _, m := range w.inbox {
		if m.To != who.ID || m.Want == store.Delete {
			continue
		}
		switch m.Kind {
		case store.KindCheckIn, store.KindPanel:
			v, err := w.CheckIn(w.ctx, who.ID, m.As.ID)
			say("%s: %s %v %v %v %v: %s", m.Kind, v.Step, v.Last, v.Several, texts(v.Answer), err, readersSeen(v.Readers))
		case store.KindRelay:
			v, err := w.Relay(w.ctx, who.ID, m.As.ID)
			say("relay: %v %v %v %v", v.Read, v.Sent, texts(v.Answer), err)
		}
	}
	return b.String()
}

func names(all []store.Private) string {
	var out []string
	for _, n := range all {
		out = append(out, n.Reveal())
	}
	return strings.Join(out, ", ")
}

func readersSeen(all []store.Reader) string {
	var out []string
	for _, r := range all {
		out = append(out, fmt.Sprintf("%s %s %v", r.Name.Reveal(), r.Level, r.Waits))
	}
	return strings.Join(out, ", ")
}

// gets is what reaches somebody's DM while time passes, in words.
func (w *world) gets(who store.Who, d time.Duration, times int) string {
	w.Helper()
	var b strings.Builder
	for range times {
		w.clock.Advance(d)
		w.turns()
		w.sweep()
		for _, m := range w.deliver() {
			if m.To != who.ID {
				continue
			}
			kind := m.Kind
			if m.Want == store.Delete {
				kind = ""
			}
			fmt.Fprintf(&b, "%v %s %s\n", w.clock.Now(), m.Want, kind)
		}
	}
	return b.String()
}

// To a partner, somebody who erased everything looks as if they had left: at once,
// by whatever they try, by what comes to them, and when the two link again.
func TestEraseLooksLikeLeaving(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(w *world){
		"two who did all that two can do": func(w *world) {},
		"with a relay that was read, and answered": func(w *world) {
			relay := w.at(alex, store.KindRelay)
			w.ok(second(w.Read(w.ctx, alex.ID, relay)))
			w.ok(second(w.SendBack(w.ctx, alex.ID, relay, store.Secret("x"), "again")))
			w.deliver()
		},
		"who share together": func(w *world) {
			p := w.pact(alex)
			w.ok(w.SetMode(w.ctx, alex.ID, p.ID, store.Together))
			w.clock.Advance(7 * time.Hour)
			w.end(alex, sam)
			w.later(24 * time.Hour)
			w.answer(alex, "low", "y", p.ID, store.ShareWords)
			w.deliver()
		},
		"during a pause": func(w *world) { w.ok(w.Pause(w.ctx, sam.ID)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compareEnds(t, func(t *testing.T) *world {
				w, _ := lived(t)
				begin(w)
				return w
			})
		})
	}
	for name, after := range map[string]time.Duration{"linked for one scene": time.Hour, "and it was asked about": 25 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compareEnds(t, func(t *testing.T) *world {
				w := newWorld(t)
				w.linkOnce(alex, sam)
				w.deliver()
				w.end(sam, alex)
				w.pass(after)
				return w
			})
		})
	}
}

// compareEnds has sam leave in one world and erase everything in another.
func compareEnds(t *testing.T, begin func(t *testing.T) *world) {
	t.Helper()
	var seen [2]string
	for i, end := range []func(w *world){
		func(w *world) {
			pacts, err := w.Pacts(w.ctx, sam.ID)
			w.ok(err)
			for _, p := range pacts {
				w.ok(w.Leave(w.ctx, sam.ID, p.ID))
			}
		},
		func(w *world) { w.erase(sam) },
	} {
		w := begin(t)
		end(w)
		var b strings.Builder
		b.WriteString(w.sees(alex, sam))
		b.WriteString(w.gets(alex, time.Minute, 1))
		b.WriteString(w.shares(alex))
		b.WriteString(w.gets(alex, 6*time.Hour, 8))
		b.WriteString(w.sees(alex, sam))
		if pacts, err := w.Pacts(w.ctx, alex.ID); err == nil && len(pacts) > 0 {
			again := w.killed()             // and what they see if the two link again
			_ = again.Resume(w.ctx, sam.ID) // who erased everything has no pause
			again.link(sam, alex)
			again.keep(sam, "tea", "noise")
			again.deliver()
			b.WriteString("linked again\n" + again.sees(alex, sam) + again.gets(alex, 6*time.Hour, 8))
			w.ok(again.Close())
		}
		b.WriteString(w.gets(alex, 24*time.Hour, 12))
		b.WriteString(w.sees(alex, sam))
		seen[i] = b.String()
	}
	if seen[0] == seen[1] {
		return
	}
	left, erased := strings.Split(seen[0], "\n"), strings.Split(seen[1], "\n")
	for i := range max(len(left), len(erased)) {
		a, b := at(left, i), at(erased, i)
		if a != b {
			t.Fatalf("line %d\n   left: %s\n erased: %s", i+1, a, b)
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(the end)"
}

// shares has somebody share what they were asked, as far as they can.
func (w *world) shares(who store.Who) string {
	w.Helper()
	var b strings.Builder
	for _, m := range w.inbox {
		if m.To != who.ID || m.Kind != store.KindCheckIn || m.Want == store.Delete {
			continue
		}
		v, err := w.CheckIn(w.ctx, who.ID, m.As.ID)
		if errors.Is(err, store.ErrGone) {
			continue
		}
		w.ok(err)
		for _, r := range v.Readers {
			v, err := w.Share(w.ctx, who.ID, m.As.ID, r.Pact, store.ShareWords)
			fmt.Fprintf(&b, "shared: %s %v %s\n", v.Step, err, readersSeen(v.Readers))
		}
	}
	return b.String()
}
