package store_test

import (
	"testing"

	"aftercare/store"
	"aftercare/store/storetest"
)

// Killed between the rows and the key, the next start destroys the key.
func TestEraseKilled(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	w.answer(sam, "good", "einseins", pact, store.ShareWords)
	w.deliver()
	keys := w.wrapped()
	k := w.killed()
	if ok, err := k.Agreed(w.ctx, sam.ID); !ok || err != nil {
		t.Error("killed before it began, it is erased", err)
	}
	w.ok(k.Close())
	w.erase(sam)
	k = w.killed()
	k.bringBack(keys)
	var orphans int
	for id := range keys {
		if _, still := k.wrapped()[id]; still {
			continue
		}
		orphans++
	}
	if orphans != 1 {
		t.Errorf("%d of the keys are destroyed, want sam's", orphans)
	}
	for _, m := range k.deliver() {
		if m.Want != store.Delete {
			t.Errorf("%+v", m)
		}
	}
	if ok, err := k.Agreed(w.ctx, sam.ID); ok || err != nil {
		t.Error("they came back", err)
	}
}

// Killed there within the days after a restore, in which other keys without a person
// are spared, it destroys that one all the same; and if the keys file could not be
// written to, without a start.
func TestEraseHalfDone(t *testing.T) {
	t.Parallel()
	for name, goOn := range map[string]func(w *world, backup string) *world{
		"started again": func(w *world, _ string) *world { return w.killed() },
		"swept":         func(w *world, _ string) *world { w.sweep(); return w },
		"restored from before": func(w *world, backup string) *world {
			w.ok(w.Close())
			source, err := store.FindBackup(w.opts.Files(), backup)
			w.ok(err)
			w.ok(second(store.Restore(w.ctx, w.opts, source, true, w.clock.Now())))
			w.Store = storetest.OpenAt(w.T, w.opts, w.clock.Now)
			if ok, err := w.Agreed(w.ctx, sam.ID); ok || err != nil {
				w.Error("they came back", err)
			}
			return w
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, _ := linked(t)
			_, err := store.DB(w.Store).Exec(`UPDATE house SET restored_at = $1`, w.clock.Now().UnixMilli())
			w.ok(err)
			_, err = store.KeysDB(w.Store).Exec(`INSERT INTO keys (id, wrapped) VALUES (X'01', X'02')`) // of somebody in a newer backup
			w.ok(err)
			backup, _ := w.backUp()
			keys := w.wrapped()
			_, err = store.KeysDB(w.Store).Exec(`CREATE TEMP TRIGGER full BEFORE DELETE ON keys BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`)
			w.ok(err)
			kept, err := w.Kept(w.ctx, sam.ID)
			w.ok(err)
			if err := w.Erase(w.ctx, sam.ID, kept.Person); err == nil {
				t.Error("it does not say that the key is still there")
			}
			if n := len(w.wrapped()); n != len(keys)+1 { // and one for what stays of them
				t.Errorf("%d keys, want the %d from before and one", n, len(keys))
			}
			_, err = store.KeysDB(w.Store).Exec(`DROP TRIGGER full`)
			w.ok(err)
			w = goOn(w, backup)
			gone := 0
			for id := range keys {
				if _, still := w.wrapped()[id]; !still {
					gone++
				}
			}
			if _, spared := w.wrapped()["\x01"]; gone != 1 || !spared {
				t.Errorf("%d of the keys are destroyed, want sam's", gone)
			}
			w.rows(0, "condemned")
		})
	}
}

// bringBack puts keys back that were destroyed, and starts again.
func (w *world) bringBack(keys map[string][]byte) {
	w.Helper()
	db := store.KeysDB(w.Store)
	_, err := db.Exec(`DELETE FROM destroyed`)
	w.ok(err)
	for id, key := range keys {
		_, err := db.Exec(`INSERT INTO keys (id, wrapped) VALUES ($1, $2) ON CONFLICT DO NOTHING`, []byte(id), key)
		w.ok(err)
	}
	w.restart()
}
