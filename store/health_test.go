package store_test

import (
	"strings"
	"testing"
	"time"
)

// TestReadyIsWhenATryWasToBegin claims a check-in late, puts it off, and claims it
// late again.
func TestReadyIsWhenATryWasToBegin(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.end(alex, sam)
	w.deliver()
	w.clock.Advance(25 * time.Hour)
	due, err := w.ClaimDue(w.ctx, 1)
	w.ok(err)
	if len(due) != 1 || !due[0].Ready.Equal(due[0].Due) || !due[0].Ready.Equal(w.clock.Now().Add(-time.Hour)) {
		t.Fatalf("%+v", due)
	}
	until := w.clock.Now().Add(10 * time.Minute)
	w.ok(w.PostponeUnsent(w.ctx, due[0], until))
	w.clock.Advance(11 * time.Minute)
	again, err := w.ClaimDue(w.ctx, 10)
	w.ok(err)
	for _, d := range again {
		if d.ID == due[0].ID && d.Ready.Equal(until) && d.Due.Equal(due[0].Due) {
			return
		}
	}
	t.Errorf("%+v", again)
}

func TestWritable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ok(w.Writable(w.ctx))
	w.pragma(`PRAGMA query_only = 1`)
	if err := w.Writable(w.ctx); err == nil || !strings.Contains(err.Error(), "it can only be read") {
		t.Errorf("where nothing can be written: %v", err)
	}
	w.pragma(`PRAGMA query_only = 0`)
	w.ok(w.Writable(w.ctx))
}
