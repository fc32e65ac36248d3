package store_test

import (
	"testing"
	"time"

	"aftercare/store"
)

// Words typed under a check-in whose send was not noted are its answer: while it is
// in hand, and after a crash in between.
func TestTypedBeforeTheSendIsMarked(t *testing.T) {
	t.Parallel()
	for _, crashed := range []bool{false, true} {
		w, _ := linked(t)
		w.end(alex, sam)
		w.deliver()
		w.clock.Advance(24 * time.Hour)
		_, err := w.ClaimDue(w.ctx, 10)
		w.ok(err)
		if crashed {
			w.restart()
		}
		w.hear(sam, "1500000000000000007", "a word", "")
		w.rows(1, "checkins WHERE state = 'answering'")
		w.rows(0, "deliveries WHERE kind = 'offer'")
		w.clock.Advance(store.Lease + time.Second)
		w.got(w.deliver(), sam, store.KindCheckIn, 1)
		if c := w.last(sam, store.KindCheckIn).CheckIn; c == nil || c.Step != store.StepShare || len(c.Answer.Words) != 1 {
			t.Errorf("crashed %t: %+v", crashed, c)
		}
	}
}
