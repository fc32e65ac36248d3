package store_test

import (
	"testing"
	"time"

	"aftercare/store"
)

// forgetsAll forgets what was kept long enough, and takes its messages out.
func (w *world) forgetsAll() {
	w.Helper()
	for range 2 {
		_, err := w.Forget(w.ctx)
		w.ok(err)
		w.deliver()
	}
}

// A database that is put back after an older one was tried has its people still, and
// those too of whom there was nothing left to do in the older one.
func TestOlderForgetsNobodyOfTheNewer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, _, err := w.Invite(w.ctx, kit, 1)
	w.ok(err)
	w.deliver()
	w.clock.Advance(29 * 24 * time.Hour)
	w.forgetsAll()
	dir, _ := w.backUp()
	w.link(alex, kit)
	w.ok(w.Close())
	from, err := store.FindBackup(w.opts.Files(), dir)
	w.ok(err)
	done, err := store.Restore(w.ctx, w.opts, from, true, w.clock.Now())
	w.ok(err)
	w.restart()
	w.clock.Advance(3 * 24 * time.Hour)
	w.forgetsAll()
	w.ok(w.Close())
	_, err = store.Restore(w.ctx, w.opts, store.Source{Database: done.Aside[0], Keys: from.Keys}, true, w.clock.Now())
	w.ok(err)
	w.restart()
	if ok, err := w.Agreed(w.ctx, kit.ID); !ok || err != nil {
		t.Errorf("kit is gone, %v", err)
	}
	if pacts, err := w.Pacts(w.ctx, kit.ID); len(pacts) != 1 || err != nil {
		t.Errorf("%d pacts, %v", len(pacts), err)
	}

	// In one that stays, they go when its time is over.
	older := w.restored(dir)
	older.clock.Advance(8 * 24 * time.Hour)
	older.forgetsAll()
	older.rows(0, "persons")
}
