package store_test

import (
	"slices"
	"testing"
	"time"

	"aftercare/store"
)

// claimed claims what is due, and returns the one of a kind to somebody.
func (w *world) claimed(kind store.Kind) store.Delivery {
	w.Helper()
	due, err := w.ClaimDue(w.ctx, 100)
	w.ok(err)
	for _, d := range due {
		if d.Kind == kind {
			return d
		}
	}
	w.Fatalf("nothing of kind %s is due", kind)
	panic("unreachable")
}

// What may stand in the DM of somebody who paused, since a crash came between, is
// looked for and taken out when it is no longer kept.
func TestUnsureIsNotForgotten(t *testing.T) {
	t.Parallel()
	kept := map[store.Kind]time.Duration{store.KindRelay: 7 * 24 * time.Hour, store.KindStanding: 14 * 24 * time.Hour}
	for kind, leave := range map[store.Kind]func(w *world, pact int64){
		store.KindRelay: func(w *world, pact int64) {
			w.end(alex, sam)
			w.pass(24 * time.Hour)
			w.answer(alex, "low", "the words", pact, store.ShareWords)
		},
		store.KindStanding: func(w *world, pact int64) {
			w.zone(alex, "Europe/Berlin")
			_, err := w.Propose(w.ctx, w.proposal(alex, sam))
			w.ok(err)
		},
	} {
		w, pact := linked(t)
		leave(w, pact)
		d := w.claimed(kind) // the process is killed when Discord has it
		w.ok(w.Pause(w.ctx, sam.ID))
		w.pass(time.Hour)
		w.rows(1, "deliveries WHERE id = $1 AND unsure_at IS NOT NULL AND waiting = 1", d.ID)
		w.clock.Advance(kept[kind])
		_, err := w.Forget(w.ctx)
		w.ok(err)
		w.rows(0, "answers")
		w.rows(0, "standings")
		w.rows(1, "deliveries WHERE id = $1 AND kind = 'stray' AND unsure_at IS NOT NULL AND next_at IS NOT NULL", d.ID)
	}
}

// A message that is in hand when what it shows is forgotten is still known when it was
// sent, and is taken out when its reader wants that, and not before.
func TestForgottenInHandAndStays(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	at := w.answer(alex, "low", "the words", pact, store.ShareWords)
	w.clock.Advance(time.Hour)
	w.deliver()
	relay := w.last(sam, store.KindRelay)
	_, err := w.Read(w.ctx, sam.ID, relay.As.ID)
	w.ok(err)
	w.clock.Advance(7*24*time.Hour - time.Hour - time.Minute)
	w.step(w.Feel(w.ctx, alex.ID, at, "good"))
	d := w.claimed(store.KindRelay)
	w.clock.Advance(time.Minute)
	_, err = w.Forget(w.ctx)
	w.ok(err)
	w.rows(0, "answers")
	w.ok(w.MarkSent(w.ctx, d, store.Sent{Message: store.Secret(relay.Message)}))
	w.rows(1, "deliveries WHERE id = $1 AND message IS NOT NULL AND next_at = $2", d.ID, w.clock.Now().Add(time.Hour).UnixMilli())
}

// A check-in that is on its way when its person wants none any more is taken out, and
// does not stand there with nothing behind it.
func TestUnplannedInHand(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(s *store.Settings){
		"nothing":     func(s *store.Settings) { s.Much = store.MuchNone },
		"other marks": func(s *store.Settings) { s.Marks = []time.Duration{30 * time.Hour} },
	} {
		w, _ := linked(t)
		w.end(alex)
		w.clock.Advance(24 * time.Hour)
		d := w.claimed(store.KindCheckIn)
		_, err := w.ChangeSettings(w.ctx, alex.ID, change)
		w.ok(err)
		w.ok(w.MarkSent(w.ctx, d, store.Sent{Channel: store.Secret("dm"), Message: store.Secret("there")}))
		gone := false
		for _, m := range w.deliver() {
			gone = gone || m.As.ID == d.ID && m.Want == store.Delete
		}
		if n := w.count("deliveries WHERE id = $1 AND message IS NOT NULL", d.ID); !gone && n == 0 {
			t.Errorf("%s: it stands there, and nobody knows of it", name)
		}
	}
}

// Whoever wants no check-in any more gets none, also not one that was joined to one that
// is on its way.
func TestUnplannedInHandAndJoined(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]int{"the older scene": 0, "the newer scene": 1} {
		w, _ := linked(t)
		w.link(alex, kit)
		w.deliver()
		scenes := []int64{w.end(alex, sam).ID, w.end(alex, kit).ID}
		_, err := store.DB(w.Store).Exec(`
			UPDATE deliveries SET due_at = due_at - 60000, next_at = next_at - 60000 WHERE checkin IN (SELECT id FROM checkins WHERE scene = $1)
		`, scenes[first])
		w.ok(err)
		w.ok(w.Pause(w.ctx, sam.ID))
		w.ok(w.Pause(w.ctx, kit.ID))
		w.deliver()
		w.clock.Advance(24 * time.Hour)
		d := w.claimed(store.KindCheckIn)
		w.rows(1, "checkins WHERE joined IS NOT NULL")
		_, err = w.ChangeSettings(w.ctx, alex.ID, func(s *store.Settings) { s.Much = store.MuchNone })
		w.ok(err)
		w.ok(w.MarkSent(w.ctx, d, store.Sent{Channel: store.Secret("dm"), Message: store.Secret("there")}))
		for range 3 {
			if n := got(w.pass(24*time.Hour), alex, store.KindCheckIn); n != 0 {
				t.Errorf("on its way is that of %s: %d come", name, n)
			}
		}
	}
}

// A message that shows typed words and may stand is looked for until it is found, also
// when more is typed meanwhile.
func TestUnsurePanelIsLookedFor(t *testing.T) {
	t.Parallel()
	w, _ := asked(t)
	w.hear(alex, "101", "one", "")
	d := w.claimed(store.KindPanel) // the process is killed when Discord has it
	w.hear(alex, "102", "two", "")
	w.clock.Advance(store.Lease)
	w.ok(w.MarkSent(w.ctx, w.claimed(store.KindPanel), store.Sent{Message: store.Secret("second")}))
	again := w.claimed(store.KindPanel)
	if again.ID != d.ID || again.Want != store.Delete {
		t.Fatalf("%+v", again)
	}
	w.ok(w.Postpone(w.ctx, again, w.clock.Now().Add(time.Minute))) // Discord is away
	w.deliver()
	w.hear(alex, "103", "three", "")
	w.rows(1, "deliveries WHERE id = $1 AND want = 'delete' AND next_at IS NOT NULL", d.ID)
}

// arrives marks a delivery as sent, of which nothing may stay in the DM.
func (w *world) arrives(d store.Delivery, message store.Private) {
	w.Helper()
	if message.IsZero() {
		message = store.Secret("late-message")
	}
	w.ok(w.MarkSent(w.ctx, d, store.Sent{Channel: store.Secret("dm"), Message: message}))
	for range 9 {
		for _, m := range w.deliver() {
			if m.Want == store.Delete && m.Content.Message == message {
				return
			}
		}
		w.clock.Advance(24 * time.Hour)
		w.sweep()
	}
	w.Error("it stays for ever")
}

// What is on its way to a DM while the thing that it is about is forgotten is not
// lost sight of: it is taken out of the DM when its time has come.
func TestForgottenInHand(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(w *world, pact int64) (at time.Duration){
		"a relay that is read": func(w *world, pact int64) time.Duration {
			w.answer(sam, "good", "x", pact, store.ShareWords)
			w.deliver()
			w.clock.Advance(7*24*time.Hour - time.Minute)
			w.deliver()
			w.ok(second(w.Read(w.ctx, alex.ID, w.at(alex, store.KindRelay))))
			_, err := store.DB(w.Store).Exec(`UPDATE deliveries SET want = 'edit', version = version + 1, next_at = $1 WHERE kind = 'relay'`, w.clock.Now().UnixMilli())
			w.ok(err)
			return time.Minute
		},
		"a relay that comes late": func(w *world, pact int64) time.Duration {
			w.ok(w.Pause(w.ctx, alex.ID))
			w.answer(sam, "good", "x", pact, store.ShareWords)
			w.clock.Advance(7*24*time.Hour - time.Minute)
			w.ok(w.Resume(w.ctx, alex.ID))
			return time.Minute
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, pact := asked(t)
			last := prepare(w, pact)
			due, err := w.ClaimDue(w.ctx, 100)
			w.ok(err)
			i := slices.IndexFunc(due, func(d store.Delivery) bool { return d.Kind == store.KindRelay })
			if i < 0 {
				t.Fatalf("no relay is due: %+v", due)
			}
			c, err := w.Content(w.ctx, due[i])
			w.ok(err)
			w.clock.Advance(last)
			w.sweep()
			w.rows(0, "answers WHERE body IS NOT NULL AND id = (SELECT MIN(id) FROM answers)")
			w.arrives(due[i], c.Message)
		})
	}
}

// What has nothing to say any more and may stand in the DM is looked for, to be taken out.
func TestDroppedThatMayStand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pact := w.link(alex, sam)
	due, err := w.ClaimDue(w.ctx, 100)
	w.ok(err)
	i := slices.IndexFunc(due, func(d store.Delivery) bool { return d.Kind == store.KindLinked })
	if i < 0 {
		t.Fatalf("%+v", due)
	}
	w.ok(w.Postpone(w.ctx, due[i], w.clock.Now())) // sent, for all we know
	for _, who := range []store.Who{alex, sam} {
		if c, err := w.Content(w.ctx, due[i]); err == nil && c.To == who.ID {
			w.ok(w.Leave(w.ctx, who.ID, pact))
		}
	}
	again := w.claimed(store.KindLinked)
	w.is(second(w.Content(w.ctx, again)), store.ErrGone)
	w.ok(w.Drop(w.ctx, again))
	w.rows(1, "deliveries WHERE id = $1 AND want = 'delete' AND unsure_at IS NOT NULL AND next_at IS NOT NULL", again.ID)
	again = w.claimed(store.KindLinked)
	w.ok(w.MarkSent(w.ctx, again, store.Sent{Channel: store.Secret("dm")}))
	w.rows(0, "deliveries WHERE id = $1 AND next_at IS NOT NULL", again.ID)
}

// Of what was put off, and may have come again, it is not known what is to be done before
// it is looked for. It waits for a pause to end, since that may be to post it.
func TestUnsureWaitsInAPause(t *testing.T) {
	t.Parallel()
	for name, inHand := range map[string]bool{"before it is claimed": false, "in hand": true} {
		w, _ := asked(t)
		at := w.at(alex, store.KindCheckIn)
		w.step(w.Later(w.ctx, alex.ID, at))
		w.clock.Advance(3 * time.Hour)
		w.ok(w.Postpone(w.ctx, w.claimed(store.KindCheckIn), w.clock.Now().Add(time.Minute)))
		w.step(w.Open(w.ctx, alex.ID, at))
		if inHand {
			d := w.claimed(store.KindCheckIn)
			w.ok(w.Pause(w.ctx, alex.ID))
			w.ok(w.Drop(w.ctx, d))
		} else {
			w.ok(w.Pause(w.ctx, alex.ID))
			w.got(w.deliver(), alex, store.KindCheckIn, 0)
		}
		w.rows(1, "deliveries WHERE id = $1 AND want = 'edit' AND waiting = 1 AND next_at IS NULL AND unsure_at IS NOT NULL", at)
		w.ok(w.Resume(w.ctx, alex.ID))
		if d := w.claimed(store.KindCheckIn); d.ID != at || d.Want != store.Edit || d.UnsureSince.IsZero() {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// A check-in that is too late, and may have come in time, is looked for and taken out.
func TestTooLateAndUnsure(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.end(alex)
	w.deliver()
	w.clock.Advance(24 * time.Hour)
	d := w.claimed(store.KindCheckIn) // the process is killed when Discord has it
	w.clock.Advance(49 * time.Hour)
	for again := w.claimed(store.KindCheckIn); again.ID != d.ID || again.Want != store.Delete; again = w.claimed(store.KindCheckIn) {
		w.ok(w.MarkSent(w.ctx, again, store.Sent{Channel: store.Secret("dm"), Message: store.Secret("another")}))
	}
}
