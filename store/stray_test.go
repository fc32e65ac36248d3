package store_test

import (
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
func TestForgottenInHand(t *testing.T) {
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
