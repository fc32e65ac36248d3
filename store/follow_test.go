package store_test

import (
	"testing"
	"time"

	"aftercare/store"
)

func (w *world) set(who store.Who, change func(*store.Settings)) {
	w.Helper()
	_, err := w.ChangeSettings(w.ctx, who.ID, change)
	w.ok(err)
}

// TestNothingMore takes back what was to come again, at the two settings that
// promise no more questions, and leaves what nobody asked them to.
func TestNothingMore(t *testing.T) {
	t.Parallel()
	for _, much := range []store.Much{store.MuchNone, store.MuchLight} {
		w, _ := linked(t)
		w.set(alex, func(s *store.Settings) { s.Nudge = true })
		w.end(alex, sam)
		w.pass(24 * time.Hour) // alex is to have one more word
		w.step(w.Later(w.ctx, sam.ID, w.at(sam, store.KindCheckIn)))
		for _, who := range []store.Who{alex, sam} {
			w.set(who, func(s *store.Settings) { s.Much = much })
		}
		w.deliver()
		for _, who := range []store.Who{alex, sam} {
			c := w.last(who, store.KindCheckIn)
			if c.Want != store.Edit || c.CheckIn.Step != store.StepPrompt || c.CheckIn.Again || c.CheckIn.Late {
				t.Errorf("%s: it stands as %s, %+v", much, c.Want, c.CheckIn)
			}
		}
		for _, m := range append(w.pass(6*time.Hour), w.pass(24*time.Hour)...) {
			if m.Kind == store.KindCheckIn {
				t.Errorf("%s: it came again: %+v", much, m.CheckIn)
			}
		}
		// What they ask for once more is theirs to have.
		w.set(sam, func(s *store.Settings) { s.Much = store.MuchNone })
		w.step(w.Later(w.ctx, sam.ID, w.at(sam, store.KindCheckIn)))
		w.got(w.pass(3*time.Hour), sam, store.KindCheckIn, 1)
	}
}

// TestNothingMoreBeforeTheSendIsMarked is the same for one that is on its way.
func TestNothingMoreBeforeTheSendIsMarked(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.end(alex, sam)
	w.deliver()
	w.clock.Advance(24 * time.Hour)
	due, err := w.ClaimDue(w.ctx, 10)
	w.ok(err)
	for _, d := range due {
		c, err := w.Content(w.ctx, d)
		w.ok(err)
		w.step(w.Later(w.ctx, c.To, d.ID))
		_, err = w.ChangeSettings(w.ctx, c.To, func(s *store.Settings) { s.Much = store.MuchNone })
		w.ok(err)
		w.ok(w.MarkSent(w.ctx, d, store.Sent{Message: store.Secret("m")}))
	}
	for _, m := range append(w.deliver(), w.pass(4*time.Hour)...) {
		if m.Want == store.Post {
			t.Errorf("it came again: %+v", m)
		}
	}
}

// TestNothingLeavesRounds: a check-in that was asked for now is not one after a scene.
func TestNothingLeavesRounds(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	_, err := w.AskRound(w.ctx, w.ended(alex, sam))
	w.ok(err)
	w.deliver()
	w.step(w.Later(w.ctx, alex.ID, w.at(alex, store.KindCheckIn)))
	w.set(alex, func(s *store.Settings) { s.Much = store.MuchNone })
	w.got(w.pass(3*time.Hour), alex, store.KindCheckIn, 1)
}

// TestStandingWithNothing: a standing check-in was agreed on its own.
func TestStandingWithNothing(t *testing.T) {
	t.Parallel()
	w, _, _ := agreed(t, "Europe/Berlin")
	w.set(sam, func(s *store.Settings) { s.Much = store.MuchNone })
	w.turns()
	if n := w.later(15 * time.Hour); n != 2 {
		t.Errorf("%d check-ins came, want one for each", n)
	}
}

// TestLateIsOurs: late is what the bot kept somebody waiting for, and not what
// waited for them.
func TestLateIsOurs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		wait func(w *world)
		late bool
	}{
		"an outage": {func(w *world) { w.clock.Advance(25 * time.Hour) }, true},
		"a pause":   {func(w *world) { w.ok(w.Pause(w.ctx, alex.ID)); w.pass(25 * time.Hour); w.ok(w.Resume(w.ctx, alex.ID)) }, false},
		"a pause, and then an outage": {func(w *world) {
			w.ok(w.Pause(w.ctx, alex.ID))
			w.pass(25 * time.Hour)
			w.ok(w.Resume(w.ctx, alex.ID))
			w.clock.Advance(time.Hour)
		}, true},
		"a pause long before": {func(w *world) {
			w.ok(w.Pause(w.ctx, alex.ID))
			w.pass(time.Hour)
			w.ok(w.Resume(w.ctx, alex.ID))
			w.clock.Advance(24 * time.Hour)
		}, true},
		"an outage, and then a word": {func(w *world) { w.clock.Advance(25 * time.Hour); w.ok(w.Retry(w.ctx, alex.ID)) }, true},
		"closed DMs": {func(w *world) {
			w.clock.Advance(24 * time.Hour)
			due, err := w.ClaimDue(w.ctx, 10)
			w.ok(err)
			for _, d := range due {
				w.ok(w.MarkRefused(w.ctx, d))
			}
			w.clock.Advance(time.Hour)
			w.ok(w.Retry(w.ctx, alex.ID))
		}, false},
	} {
		w, _ := linked(t)
		w.end(alex, sam)
		w.deliver()
		c.wait(w)
		w.deliver()
		if m := w.last(alex, store.KindCheckIn); m.CheckIn.Late != c.late {
			t.Errorf("%s: late is %t", name, m.CheckIn.Late)
		}
	}
}

// TestUpcomingLine lists the one line in place of check-ins, until it has come.
func TestUpcomingLine(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.set(sam, func(s *store.Settings) { s.Much, s.Touch = store.MuchLight, true })
	w.end(alex, sam)
	list, err := w.Upcoming(w.ctx, sam.ID)
	w.ok(err)
	if len(list) != 1 || !list[0].Line || !list[0].At.Equal(w.clock.Now().Add(24*time.Hour)) {
		t.Errorf("%+v", list)
	}
	w.pass(24 * time.Hour)
	if list, err = w.Upcoming(w.ctx, sam.ID); err != nil || len(list) > 0 {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestTogetherFarApart: 21 hours lie between the two, so that one is asked long
// before the other has a check-in of that date.
func TestTogetherFarApart(t *testing.T) {
	t.Parallel()
	w, pact, _ := agreed(t, "Pacific/Auckland")
	w.ok(w.SetMode(w.ctx, alex.ID, pact, store.Together))
	w.set(alex, func(s *store.Settings) { s.Zone = "America/Los_Angeles" })
	w.turns()
	for w.clock.Now().UTC().Hour() != 1 { // 14:00 for sam
		w.later(time.Hour)
	}
	w.answer(sam, "good", "until the evening", pact, store.ShareWords)
	for hours := range 48 {
		if got(w.deliver(), alex, store.KindRelay) > 0 || got(w.inbox, alex, store.KindRelay) > 0 {
			if hours != 33 {
				t.Errorf("it came after %d hours, want 12 after the other was asked", hours)
			}
			return
		}
		w.later(time.Hour)
	}
	t.Error("it never came")
}
