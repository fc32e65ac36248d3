package store_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"aftercare/store"
	"aftercare/store/storetest"
)

// killed returns the world as a kill at this very moment would leave it: a copy
// of its files as they are, opened anew.
func (w *world) killed() *world {
	w.Helper()
	dir := w.TempDir()
	for name, b := range w.files() {
		w.ok(os.WriteFile(filepath.Join(dir, name), b, 0o600))
	}
	k := *w
	k.opts.Path = filepath.Join(dir, filepath.Base(w.opts.Path))
	k.opts.KeysPath = filepath.Join(dir, filepath.Base(w.opts.KeysPath))
	k.Store = storetest.OpenAt(w.T, k.opts, w.clock.Now)
	return &k
}

// Killed between any two steps of claim, send and mark, everything that is owed
// reaches its person, and what may have been posted is tried with one nonce.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	w, pact := linked(t)
	w.end(alex, sam)
	w.deliver()
	w.clock.Advance(24 * time.Hour)

	check := func(point string, tried map[int64]string, want int) {
		t.Helper()
		k := w.killed()
		sent := k.deliver()
		if len(sent) != want {
			t.Errorf("killed %s: %d sent after it, want %d", point, len(sent), want)
		}
		for _, m := range sent {
			if point == "after it was taken back" && m.As.Want != store.Delete {
				t.Errorf("killed %s: it wants %s", point, m.As.Want)
			}
			if nonce, ok := tried[m.As.ID]; ok && nonce != m.Nonce {
				t.Errorf("killed %s: tried with another nonce", point)
			}
		}
		k.rows(0, "deliveries WHERE kind = 'checkin' AND message IS NULL AND due_at <= $1", k.clock.Now().UnixMilli())
		w.ok(k.Close())
	}

	check("before the claim", nil, 2)
	tried := map[int64]string{}
	due, err := w.ClaimDue(w.ctx, 10)
	w.ok(err)
	check("after the claim", tried, 2)
	for i, d := range due {
		c, err := w.Content(w.ctx, d)
		w.ok(err)
		tried[d.ID] = c.Nonce
		check("after the words were found, or after they were sent", tried, 2-i)
		w.ok(w.MarkSent(w.ctx, d, store.Sent{Message: store.Secret("m" + c.Nonce), Channel: store.Secret("dm")}))
		check("after the mark", tried, 1-i)
		w.inbox = append(w.inbox, storetest.Sent{Content: c, As: d, Message: "m" + c.Nonce})
	}

	// And an answer between two kills is there once.
	w.answer(sam, "low", "x", pact, store.ShareWords)
	check("after the answer", nil, 1)
	due, err = w.ClaimDue(w.ctx, 10)
	w.ok(err)
	c, err := w.Content(w.ctx, due[0])
	w.ok(err)
	check("while the relay is in hand", map[int64]string{due[0].ID: c.Nonce}, 1)
	w.ok(w.Postpone(w.ctx, due[0], w.clock.Now().Add(time.Minute)))
	check("while it waits for its retry", nil, 0)
	w.clock.Advance(time.Minute)
	check("at its retry", map[int64]string{due[0].ID: c.Nonce}, 1)
	w.step(w.TakeBack(w.ctx, sam.ID, w.at(sam, store.KindCheckIn)))
	// Nobody knows whether the first try got it there: it is looked for, to be
	// taken out, and not posted.
	check("after it was taken back", nil, 1)
}
