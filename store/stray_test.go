package store_test

import (
	"slices"
	"testing"
	"time"

	"aftercare/store"
)

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
		"a relay that is changed": func(w *world, pact int64) time.Duration {
			w.answer(sam, "good", "x", pact, store.ShareWords)
			w.deliver()
			w.ok(second(w.Read(w.ctx, alex.ID, w.at(alex, store.KindRelay))))
			w.passes(0)
			w.clock.Advance(7*24*time.Hour - time.Minute)
			w.deliver()
			_, err := store.DB(w.Store).Exec(`UPDATE deliveries SET want = 'edit', version = version + 1, next_at = $1 WHERE kind = 'relay'`, w.clock.Now().UnixMilli())
			w.ok(err)
			return time.Minute
		},
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

// A check-in that somebody wants no more while it is on its way does not stay, with
// buttons that do nothing.
func TestUnplannedInHand(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.end(alex, sam)
	w.deliver()
	w.clock.Advance(24 * time.Hour)
	due, err := w.ClaimDue(w.ctx, 100)
	w.ok(err)
	if len(due) != 2 {
		t.Fatalf("%d are due", len(due))
	}
	w.set(alex, func(s *store.Settings) { s.Much = store.MuchNone })
	w.set(sam, func(s *store.Settings) { s.Much = store.MuchNone })
	for _, d := range due {
		w.arrives(d, store.Private{})
	}
}

// What shows words that were typed, and of which nobody knows whether it stands, is
// looked for however much is typed until then.
func TestPanelsThatMayStand(t *testing.T) {
	t.Parallel()
	w, _ := asked(t)
	w.hear(sam, "800000000000000001", "one", "")
	first := w.claimed(store.KindPanel)
	w.hear(sam, "800000000000000002", "two", "")
	w.ok(w.Postpone(w.ctx, first, w.clock.Now().Add(time.Minute))) // sent, for all we know
	again := w.claimed(store.KindPanel)
	w.ok(w.Postpone(w.ctx, again, w.clock.Now().Add(time.Hour))) // Discord can't be asked
	second := w.claimed(store.KindPanel)
	if first.ID != again.ID || first.ID == second.ID {
		t.Fatalf("%d, %d, %d are in hand", first.ID, again.ID, second.ID)
	}
	w.ok(w.MarkSent(w.ctx, second, store.Sent{Channel: store.Secret("dm"), Message: store.Secret("below")}))
	w.hear(sam, "800000000000000003", "three", "")
	w.rows(1, "deliveries WHERE id = $1 AND want = 'delete' AND unsure_at IS NOT NULL AND next_at IS NOT NULL", first.ID)
}

// claimed claims what is due, which is one, of a kind.
func (w *world) claimed(kind store.Kind) store.Delivery {
	w.Helper()
	due, err := w.ClaimDue(w.ctx, 100)
	w.ok(err)
	if len(due) != 1 || due[0].Kind != kind {
		w.Fatalf("%+v is due", due)
	}
	return due[0]
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
