package scheduler

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"aftercare/store"
)

func TestOutcomes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want Outcome
	}{
		{nil, Sent},
		{fmt.Errorf("x: %w", store.ErrGone), Gone},
		{store.ErrRefused, Refused},
		{store.RetryError{After: time.Second}, Held},
		{store.NotSentError{Err: errors.New("x")}, Unsent},
		{store.NotSentError{Err: store.RetryError{After: time.Second}}, Held},
		{errors.New("x"), Unsure},
	} {
		if got := outcomeOf(c.err); got != c.want {
			t.Errorf("%v is %s, want %s", c.err, got, c.want)
		}
	}
}
