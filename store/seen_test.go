package store_test

import (
	"testing"
	"time"

	"aftercare/store"
)

// A DM is open from the first message of ours that can be answered, and is looked
// through from there; what was heard moves the place on, and nothing moves it back.
func TestConversations(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	if open, err := w.Conversations(w.ctx); err != nil || len(open) != 0 {
		t.Fatalf("open before anything was asked: %v %v", open, err)
	}
	w.end(alex, sam)
	w.pass(24 * time.Hour)
	after := func() string {
		t.Helper()
		open, err := w.Conversations(w.ctx)
		w.ok(err)
		for _, c := range open {
			if c.With == sam.ID {
				return c.After.Reveal()
			}
		}
		return ""
	}
	w.ok(w.Seen(w.ctx, sam.ID, store.Secret("1500000000000000000")))
	if got := after(); got != "1500000000000000000" {
		t.Fatalf("looked through from %q", got)
	}
	w.hear(sam, "1500000000000000007", "words", "")
	w.hear(sam, "1500000000000000003", "words that came late", "")
	if got := after(); got != "1500000000000000007" {
		t.Errorf("looked through from %q after hearing a newer and an older one", got)
	}
	w.pass(8 * 24 * time.Hour) // what is owed still goes out
	w.pass(8 * 24 * time.Hour)
	if got := after(); got != "" {
		t.Errorf("still open, from %q", got)
	}
}
