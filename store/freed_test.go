package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"aftercare/store"
)

// long words stand on pages of their own.
var long = strings.Repeat("Long words, of which there are many. ", 150)

// What is forgotten stands in no page of the database, of its log, or of the keys
// file: not when its time is over, nor when somebody leaves, at once and before any sweep.
func TestFreedPages(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world, pact int64){
		"forgotten": func(w *world, _ int64) {
			for range 5 {
				w.clock.Advance(8 * 24 * time.Hour)
				w.sweep()
				w.deliver()
			}
		},
		"left": func(w *world, pact int64) { w.ok(w.Leave(w.ctx, sam.ID, pact)) },
		"left by both, and everybody forgotten": func(w *world, pact int64) {
			w.ok(w.Leave(w.ctx, sam.ID, pact))
			w.ok(w.Leave(w.ctx, alex.ID, pact))
			w.ok(w.Stop(w.ctx, sam.ID, 0)) // the one for sam alone
			for _, who := range []store.Who{alex, sam} {
				w.ok(w.SaveCard(w.ctx, who, store.Card{}, 0))
				w.ok(second(w.ChangeSettings(w.ctx, who.ID, func(s *store.Settings) { *s = store.Settings{} })))
			}
			for range 5 {
				w.clock.Advance(8 * 24 * time.Hour)
				w.sweep()
				w.deliver()
			}
		},
		"cleared away": func(w *world, _ int64) {
			w.ok(second(w.Clear(w.ctx, alex.ID)))
			w.deliver()
			w.sweep()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, pact := lived(t)
			for i := range 3 { // enough of it that pages are split and moved
				w.hear(alex, fmt.Sprint("80000000000000001", i), long, "")
				w.hear(sam, fmt.Sprint("80000000000000002", i), long, "")
				w.later(24 * time.Hour)
			}
			before, keys := w.sealed(), w.wrapped()
			end(w, pact)
			if n := w.freed(before, keys); n < 3 {
				t.Errorf("only %d blobs went", n)
			}
		})
	}
}
