package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aftercare/store"
	"aftercare/store/storetest"
)

// An old copy of the database, with the master key and the keys file of today, opens
// for everybody but those who have been forgotten since: their keys are gone.
func TestOldCopyOfSomebodyForgotten(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.ok(w.SaveCard(w.ctx, alex, store.Card{Helps: store.Secret("xA-helps")}, 0))
	w.ok(second2(w.Invite(w.ctx, robin, storetest.Consent)))
	alone := w.ended(robin)
	alone.Alone, alone.Consent = true, storetest.Consent
	w.ok(second(w.EndScene(w.ctx, alone)))
	w.pass(24 * time.Hour)
	w.hear(robin, "91", "xR-words", "")
	if !strings.Contains(w.takeout(robin), "xR-words") {
		t.Fatal("there is nothing to lose")
	}
	old := filepath.Join(t.TempDir(), "old.db")
	_, err := store.DB(w.Store).Exec(`VACUUM INTO $1`, old)
	w.ok(err)

	for range 6 {
		w.pass(8 * 24 * time.Hour)
		w.forget()
	}
	w.is(second(w.Takeout(w.ctx, robin.ID)), store.ErrNotAgreed)
	w.ok(w.Close())
	keys, err := os.ReadFile(w.opts.KeysPath)
	w.ok(err)
	w.opts.Path, w.opts.KeysPath = old, filepath.Join(filepath.Dir(old), "today.keys")
	w.ok(os.WriteFile(w.opts.KeysPath, keys, 0o600))
	w.Store = storetest.OpenAt(t, w.opts, w.clock.Now)
	if !strings.Contains(w.takeout(alex), "xA-helps") {
		t.Error("alex is not in the old copy")
	}
	file, err := w.Takeout(w.ctx, robin.ID)
	if err == nil || !file.IsZero() {
		t.Error("robin's words open again")
	}
	rows, err := store.DB(w.Store).Query(`SELECT w.id, a.writer, w.text FROM words w JOIN answers a ON a.id = w.answer`)
	w.ok(err)
	defer rows.Close()
	for rows.Next() { // those that the start has not taken out
		var sealed []byte
		var id, person int64
		w.ok(rows.Scan(&id, &person, &sealed))
		if text, err := store.OpenAs(w.Store, person, "words.text", id, sealed); err == nil {
			t.Errorf("a word opens: %q", text)
		}
	}
	w.ok(rows.Err())
}
