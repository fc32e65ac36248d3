package store_test

import (
	"testing"
	"time"

	"aftercare/store"
)

const daily = "0 14 * * *"

func (w *world) proposal(by store.Who, partners ...store.Who) store.Proposal {
	w.Helper()
	e := w.ended(by, partners...)
	return store.Proposal{By: by, Partners: e.Partners, Spec: store.Secret(daily), Request: e.Request}
}

// turns takes what turns are due, as the scheduler does; each comes next at 14:00
// in its person's zone.
func (w *world) turns() (taken int) {
	w.Helper()
	for {
		due, err := w.TurnsDue(w.ctx, 10)
		w.ok(err)
		if len(due) == 0 {
			return taken
		}
		for _, turn := range due {
			if turn.Spec.Reveal() != daily {
				w.Errorf("the turn is %q", turn.Spec.Reveal())
			}
			var next time.Time
			if turn.Zone != nil {
				now := w.Now().In(turn.Zone)
				next = time.Date(now.Year(), now.Month(), now.Day(), 14, 0, 0, 0, turn.Zone)
				if !next.After(now) {
					next = next.AddDate(0, 0, 1)
				}
			}
			w.ok(w.TakeTurn(w.ctx, turn, next))
			w.ok(w.TakeTurn(w.ctx, turn, next)) // twice is once
			taken++
		}
	}
}

// later lets time pass, takes what turns are due, and sends what is.
func (w *world) later(d time.Duration) int {
	w.Helper()
	w.clock.Advance(d)
	w.turns()
	n := 0
	for _, m := range w.deliver() {
		if m.Kind == store.KindCheckIn {
			n++
		}
	}
	return n
}

// agreed is a world in which alex and sam have a daily check-in at 14:00. It is
// noon by UTC: 13:00 in Berlin, 23:00 in Sydney.
func agreed(t *testing.T, zone string) (w *world, pact int64, st store.Standing) {
	t.Helper()
	w, pact = linked(t)
	w.zone(alex, "Europe/Berlin")
	w.zone(sam, zone)
	st, err := w.Propose(w.ctx, w.proposal(alex))
	w.ok(err)
	w.pass(10 * time.Hour) // sam may be asleep
	_, err = w.AgreeTo(w.ctx, sam.ID, w.at(sam, store.KindStanding))
	w.ok(err)
	w.turns()
	return w, pact, st
}

func TestStandingNeedsBoth(t *testing.T) {
	w, _ := linked(t)
	_, err := w.Propose(w.ctx, w.proposal(alex))
	w.is(err, store.ErrZone)
	_, err = w.Propose(w.ctx, w.proposal(robin))
	w.is(err, store.ErrNotAgreed)
	w.zone(alex, "Europe/Berlin")
	p := w.proposal(alex)
	st, err := w.Propose(w.ctx, p)
	w.ok(err)
	again, err := w.Propose(w.ctx, p)
	w.ok(err)
	same, err := w.Propose(w.ctx, w.proposal(alex))
	w.ok(err)
	if again.ID != st.ID || same.ID != st.ID || !st.Asked || st.Alone {
		t.Error(st, again, same)
	}
	w.got(w.deliver(), sam, store.KindStanding, 1)
	if n := w.later(26 * time.Hour); n != 0 {
		t.Errorf("%d check-ins before a yes", n)
	}
	at := w.at(sam, store.KindStanding)
	for _, who := range []store.Who{alex, kit} {
		_, err = w.AgreeTo(w.ctx, who.ID, at)
		w.is(err, store.ErrGone)
	}
	v, err := w.AgreeTo(w.ctx, sam.ID, at)
	w.ok(err)
	if !v.On || !v.NoZone || v.Spec.Reveal() != daily || v.From != alex.Name {
		t.Errorf("%+v", v)
	}
	_, err = w.AgreeTo(w.ctx, sam.ID, at) // twice
	w.ok(err)
	w.turns()
	if n := w.later(24 * time.Hour); n != 1 {
		t.Errorf("%d check-ins; sam has no zone", n)
	}
	w.zone(sam, "Asia/Kolkata")
	w.turns()
	if n := w.later(24 * time.Hour); n != 2 {
		t.Errorf("%d check-ins", n)
	}
}

// TestOneRoundForADate: in Sydney it is 14:00 ten hours sooner, and what is said
// then is carried to Berlin in the same round.
func TestOneRoundForADate(t *testing.T) {
	w, pact, _ := agreed(t, "Australia/Sydney")
	if n := w.later(6 * time.Hour); n != 1 { // 15:00 in Sydney
		t.Fatalf("%d check-ins in Sydney", n)
	}
	w.answer(sam, "good", "hello", pact, store.ShareWords)
	w.got(w.deliver(), alex, store.KindRelay, 1)
	if n := w.later(10 * time.Hour); n != 1 { // 15:00 in Berlin
		t.Fatalf("%d check-ins in Berlin", n)
	}
	w.rows(1, "scenes")
	w.rows(2, "checkins")
	if c := w.last(alex, store.KindCheckIn).CheckIn; !c.Standing || !c.Late || len(c.Readers) != 1 {
		t.Errorf("%+v", c)
	}
	w.later(14 * time.Hour)
	w.rows(2, "scenes")
}

func TestStandingMissed(t *testing.T) {
	w, _, _ := agreed(t, "Europe/Berlin")
	w.later(15*time.Hour + time.Minute) // the first, at 14:00
	w.restart()
	if n := w.later(10*24*time.Hour + 11*time.Hour); n > 2 {
		t.Errorf("a burst of %d", n)
	}
	w.pass(13 * time.Hour)
	if n := w.later(0); n != 2 {
		t.Errorf("%d check-ins, each on time", n)
	}
}

func TestStandingEnds(t *testing.T) {
	for name, end := range map[string]func(w *world, pact int64, st store.Standing){
		"stopped": func(w *world, _ int64, st store.Standing) { w.ok(w.Stop(w.ctx, sam.ID, st.ID)) },
		"all":     func(w *world, _ int64, _ store.Standing) { w.ok(w.Stop(w.ctx, sam.ID, 0)) },
		"left":    func(w *world, pact int64, _ store.Standing) { w.ok(w.Leave(w.ctx, sam.ID, pact)) },
		"paused":  func(w *world, _ int64, _ store.Standing) { w.ok(w.Pause(w.ctx, sam.ID)) },
	} {
		t.Run(name, func(t *testing.T) {
			w, pact, st := agreed(t, "Europe/Berlin")
			before, err := w.Standings(w.ctx, alex.ID)
			w.ok(err)
			end(w, pact, st)
			if n := w.later(15*time.Hour + time.Minute); n != 0 {
				t.Errorf("%d check-ins", n)
			}
			w.forget()
			after, err := w.Standings(w.ctx, alex.ID)
			w.ok(err)
			if len(after) != 1 || after[0] != before[0] || after[0].Asked {
				t.Errorf("alex can tell: %+v, and before %+v", after, before)
			}
			mine, err := w.Standings(w.ctx, sam.ID)
			w.ok(err)
			if len(mine) != 0 != (name == "paused") {
				t.Errorf("sam has %+v", mine)
			}
			w.is(w.Stop(w.ctx, kit.ID, st.ID), store.ErrGone)
			w.ok(w.Stop(w.ctx, alex.ID, st.ID))
			w.is(w.Stop(w.ctx, alex.ID, st.ID), store.ErrGone)
			w.pass(24 * time.Hour)
			w.forget()
			if name != "paused" {
				w.rows(0, "standings")
				w.rows(0, "deliveries WHERE kind = 'standing'")
			}
		})
	}
}

func TestSuggestionLapses(t *testing.T) {
	w, _ := linked(t)
	w.zone(alex, "Europe/Berlin")
	_, err := w.Propose(w.ctx, w.proposal(alex))
	w.ok(err)
	w.deliver()
	at := w.at(sam, store.KindStanding)
	w.pass(13 * 24 * time.Hour)
	w.forget()
	if list, err := w.Standings(w.ctx, alex.ID); err != nil || len(list) != 1 || !list[0].Asked {
		t.Error(list, err)
	}
	w.pass(24 * time.Hour)
	w.forget()
	if m := w.last(sam, store.KindStanding); m.Want != store.Delete {
		t.Error("the suggestion still stands in the DM")
	}
	w.forget()
	w.rows(0, "standings")
	w.rows(0, "turns")
	_, err = w.AgreeTo(w.ctx, sam.ID, at)
	w.is(err, store.ErrGone)
}

// TestSuggestionGoes: whoever leaves, or stops it, is no longer asking.
func TestSuggestionGoes(t *testing.T) {
	for name, end := range map[string]func(w *world, pact int64, st store.Standing){
		"stopped":     func(w *world, _ int64, st store.Standing) { w.ok(w.Stop(w.ctx, alex.ID, st.ID)) },
		"left":        func(w *world, pact int64, _ store.Standing) { w.ok(w.Leave(w.ctx, alex.ID, pact)) },
		"they left":   func(w *world, pact int64, _ store.Standing) { w.ok(w.Leave(w.ctx, sam.ID, pact)) },
		"both unsent": func(w *world, pact int64, st store.Standing) { w.ok(w.Stop(w.ctx, alex.ID, 0)) },
	} {
		t.Run(name, func(t *testing.T) {
			w, pact := linked(t)
			w.zone(alex, "Europe/Berlin")
			st, err := w.Propose(w.ctx, w.proposal(alex))
			w.ok(err)
			w.deliver()
			at := w.at(sam, store.KindStanding)
			end(w, pact, st)
			w.deliver()
			if m := w.last(sam, store.KindStanding); m.Want != store.Delete {
				t.Error("the suggestion still stands in the DM")
			}
			_, err = w.AgreeTo(w.ctx, sam.ID, at)
			w.is(err, store.ErrGone)
			_, err = w.Suggestion(w.ctx, sam.ID, at)
			w.is(err, store.ErrGone)
		})
	}
}

func TestStandingLimits(t *testing.T) {
	w, _ := linked(t)
	w.zone(alex, "Europe/Berlin")
	propose := func(spec string) (store.Standing, error) {
		p := w.proposal(alex)
		p.Spec = store.Secret(spec)
		return w.Propose(w.ctx, p)
	}
	for _, spec := range []string{"0 1 * * *", "0 2 * * *", "0 3 * * *"} {
		_, err := propose(spec)
		w.ok(err)
	}
	_, err := propose("0 4 * * *")
	w.is(err, store.ErrMany)
	w.ok(w.Stop(w.ctx, alex.ID, 0))
	for _, spec := range []string{"0 5 * * *", "0 6 * * *"} {
		_, err := propose(spec)
		w.ok(err)
	}
	_, err = propose("0 7 * * *")
	w.is(err, store.ErrTooOften)
	w.pass(25 * time.Hour)
	w.forget()
	_, err = propose("0 7 * * *")
	w.ok(err)
}

// TestStandingInClear: no spec and no date stands in the database.
func TestStandingInClear(t *testing.T) {
	w, _, _ := agreed(t, "Australia/Sydney")
	w.later(24 * time.Hour)
	w.rows(0, "standings WHERE instr(CAST(spec AS TEXT), '14 *') > 0")
	w.rows(0, "scenes WHERE occasion IS NOT NULL AND length(occasion) <> 16")
}

// TestZoneChange: the next turn is computed anew, and a date has one check-in.
func TestZoneChange(t *testing.T) {
	w, _, _ := agreed(t, "Australia/Sydney")
	if n := w.later(6 * time.Hour); n != 1 {
		t.Fatalf("%d check-ins in Sydney", n)
	}
	w.zone(sam, "Europe/Berlin")
	if w.turns() != 1 {
		t.Error("the turn was not computed anew")
	}
	if n := w.later(10 * time.Hour); n != 1 {
		t.Errorf("%d check-ins; sam had that date's", n)
	}
	if n := w.later(24 * time.Hour); n != 2 {
		t.Errorf("%d check-ins", n)
	}
}

func TestStandingAloneKeepsAPerson(t *testing.T) {
	w := newWorld(t)
	_, _, err := w.Invite(w.ctx, kit, 1)
	w.ok(err)
	w.zone(kit, "Europe/Berlin")
	p := w.proposal(kit)
	p.Alone = true
	st, err := w.Propose(w.ctx, p)
	w.ok(err)
	if !st.Alone || st.Asked {
		t.Errorf("%+v", st)
	}
	w.turns()
	if n := w.later(2*time.Hour + time.Minute); n != 1 {
		t.Errorf("%d check-ins", n)
	}
	for range 50 {
		w.later(24 * time.Hour)
		w.forget()
	}
	w.rows(1, "persons")
	w.ok(w.Stop(w.ctx, kit.ID, st.ID))
	w.forget()
	w.rows(0, "standings")
}

func TestFits(t *testing.T) {
	w, pact := linked(t)
	ask := func(want int) {
		t.Helper()
		if _, err := w.AskFits(w.ctx); err != nil {
			t.Fatal(err)
		}
		sent := w.deliver()
		w.got(sent, alex, store.KindFits, want)
		w.got(sent, sam, store.KindFits, want)
	}
	w.pass(70 * 24 * time.Hour)
	ask(0) // nothing has happened
	w.end(alex)
	ask(0)
	w.pass(24 * time.Hour)
	w.pass(24 * time.Hour)
	ask(0) // a check-in came just now
	w.pass(13 * time.Hour)
	ask(1)
	ask(0)
	first := w.at(alex, store.KindFits)
	if f, err := w.Store.Fits(w.ctx, alex.ID, first); err != nil || f.Partner != sam.Name || f.Several {
		t.Error(f, err)
	}
	for _, who := range []store.Who{sam, kit} {
		_, err := w.Store.Fits(w.ctx, who.ID, first)
		w.is(err, store.ErrGone)
	}
	for i := range 10 { // by ten scenes, and not by rounds
		w.end(alex)
		w.pass(24 * time.Hour)
		_, err := w.round(sam)
		w.ok(err)
		w.deliver()
		w.pass(48 * time.Hour)
		if w.pass(13 * time.Hour); i < 9 {
			ask(0)
		}
	}
	ask(1)
	w.pass(61 * 24 * time.Hour)
	ask(0) // nothing in these 60 days
	_, err := w.round(sam)
	w.ok(err)
	w.deliver()
	w.pass(13 * time.Hour)
	w.ok(w.Pause(w.ctx, sam.ID))
	_, err = w.AskFits(w.ctx)
	w.ok(err)
	sent := w.deliver()
	w.got(sent, alex, store.KindFits, 1)
	w.got(sent, sam, store.KindFits, 0)
	w.ok(w.Resume(w.ctx, sam.ID))
	w.ok(w.Leave(w.ctx, alex.ID, pact))
	w.deliver()
	if m := w.last(alex, store.KindFits); m.Want != store.Delete {
		t.Error("the question still stands in the DM of somebody who left")
	}
	_, err = w.Store.Fits(w.ctx, alex.ID, first)
	w.is(err, store.ErrGone)
	_, err = w.AskFits(w.ctx)
	w.ok(err)
	w.got(w.deliver(), sam, store.KindFits, 1) // and sam can't tell
}
