package store_test

import (
	"slices"
	"testing"
	"time"

	"aftercare/store"
)

// What people did while the clock was ahead comes once it is set right, and not
// when it shows that time again.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]struct {
		do   func(w *world, pact int64)
		want store.Want
		kind store.Kind
		to   store.Who
	}{
		"an answer is shared": {func(w *world, pact int64) {
			w.answer(sam, "low", "too much", pact, store.ShareWords)
		}, store.Post, store.KindRelay, alex},
		"words are typed":     {func(w *world, _ int64) { w.hear(sam, "m", "some words", "") }, store.Post, store.KindPanel, sam},
		"a scene is recorded": {func(w *world, _ int64) { w.end(alex, sam) }, store.Post, store.KindNotice, sam},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, pact := asked(t)
			w.clock.Advance(3 * time.Hour)
			act.do(w, pact)
			w.clock.Advance(-3 * time.Hour)
			if sent := w.deliver(); len(sent) != 0 {
				t.Fatalf("%d went out by themselves: the test tells nothing", len(sent))
			}
			second(w.Forget(w.ctx))
			w.got(w.deliver(), act.to, act.kind, 1)
		})
	}
}

func TestClockSetBackTakesBack(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	at := w.answer(sam, "low", "too much", pact, store.ShareWords)
	w.deliver()
	w.clock.Advance(3 * time.Hour)
	w.step(w.TakeBack(w.ctx, sam.ID, at))
	w.clock.Advance(-3 * time.Hour)
	second(w.Forget(w.ctx))
	for _, sent := range w.deliver() {
		if sent.Kind == store.KindRelay && sent.Want == store.Delete {
			return
		}
	}
	t.Error("what was taken back still stands")
}

// What was planned for later stays planned.
func TestClockSetBackLeavesPlans(t *testing.T) {
	t.Parallel()
	w, pact := inTogether(t)
	w.answer(sam, "low", "too much", pact, store.ShareWords)
	w.end(alex, sam)
	w.deliver()
	plans := func() []int {
		in := func(d time.Duration) int64 { return w.clock.Now().Add(d).UnixMilli() }
		return []int{
			w.count(`deliveries WHERE kind = 'checkin' AND next_at > $1`, in(20*time.Hour)),
			w.count(`deliveries WHERE kind = 'relay' AND part = 0 AND next_at > $1`, in(11*time.Hour)),
		}
	}
	before := plans()
	second(w.Forget(w.ctx))
	if after := plans(); !slices.Equal(before, after) || before[0] < 4 || before[1] != 1 {
		t.Errorf("planned were %v check-ins and relays, and now %v", before, after)
	}
}
