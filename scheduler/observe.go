package scheduler

import (
	"errors"
	"time"

	"aftercare/store"
)

// Outcome is what became of one try at a delivery.
type Outcome string

// The outcomes.
const (
	Sent    Outcome = "sent"
	Gone    Outcome = "gone"    // there was nothing to send any more
	Refused Outcome = "refused" // Discord would not; it waits for its person
	Held    Outcome = "held"    // Discord, or a limit kept here, asked to wait; it is tried again
	Unsent  Outcome = "unsent"  // it surely did not arrive; it is tried again
	Unsure  Outcome = "unsure"  // nobody knows whether it arrived; it is looked for and tried again
)

// Outcomes lists all there are.
var Outcomes = []Outcome{Sent, Gone, Refused, Held, Unsent, Unsure}

// Observer is told of every try at a delivery: how it ended, and how long that was
// after it was to begin. It is called from many goroutines and must not block.
type Observer interface {
	Delivered(kind store.Kind, o Outcome, late time.Duration)
}

type blind struct{}

func (blind) Delivered(store.Kind, Outcome, time.Duration) {}

// Observe sets who is told. Before Run only.
func (s *Scheduler) Observe(o Observer) { s.observer = o }

// StillAfter is how long after its last turn the loop is taken to stand still: it
// never sleeps for longer than half of that.
const StillAfter = 2 * idleLook

// Turned tells how long ago the loop last came round. It is a fact about this
// process: a clock that is set makes no difference.
func (s *Scheduler) Turned() time.Duration {
	return time.Since(s.begun) - time.Duration(s.turned.Load())
}

// outcomeOf tells how a try ended. See Sender for its errors.
func outcomeOf(err error) Outcome {
	switch {
	case err == nil:
		return Sent
	case errors.Is(err, store.ErrGone):
		return Gone
	case errors.Is(err, store.ErrRefused):
		return Refused
	case errors.As(err, new(store.RetryError)):
		return Held
	case errors.As(err, new(store.NotSentError)):
		return Unsent
	}
	return Unsure
}
