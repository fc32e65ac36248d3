package store_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"aftercare/store"
	"aftercare/store/storetest"
)

// What the package comment says of a ciphertext: its parts, that its nonce is of
// chance, and that its text is filled up.
func TestFormatOfACiphertext(t *testing.T) {
	t.Parallel()
	w, _ := asked(t)
	at := w.at(sam, store.KindCheckIn)
	w.step(w.Feel(w.ctx, sam.ID, at, "low"))
	sealed := func(words int) (b []byte) {
		w.step(w.Write(w.ctx, sam.ID, at, store.Secret(strings.Repeat("x", words))))
		w.ok(store.DB(w.Store).QueryRow(`SELECT text FROM words WHERE text IS NOT NULL ORDER BY id DESC`).Scan(&b))
		return b
	}
	for words, blocks := range map[int]int{1: 1, 63: 1, 64: 2, 127: 2, 128: 3, 500: 8} {
		b := sealed(words)
		if len(b) != 5+24+64*blocks+16 || b[0] != 1 { // 1: TINK
			t.Errorf("%d letters take %d bytes, and the first is %d", words, len(b), b[0])
		}
	}
	a, b := sealed(5), sealed(5)
	if !bytes.Equal(a[:5], b[:5]) || bytes.Equal(a[5:29], b[5:29]) {
		t.Error("another key, or the same nonce")
	}
}

// Each key opens under its own id only, and the lookups are 16 bytes.
func TestFormatOfTheKeys(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.rows(2, "persons WHERE length(lookup) = 16 AND length(key_id) = 16")
	raw, err := os.ReadFile(w.opts.KeysPath)
	w.ok(err)
	swap := func(where string) {
		w.Helper()
		w.ok(w.Close())
		db, err := sql.Open("sqlite", w.opts.KeysPath)
		w.ok(err)
		_, err = db.Exec(`
			UPDATE keys SET wrapped = (SELECT o.wrapped FROM keys o WHERE o.id <> keys.id AND ` + where + ` LIMIT 1)
			WHERE id = (SELECT MIN(id) FROM keys WHERE ` + where + `)`)
		w.ok(err)
		w.ok(db.Close())
	}
	swap(`length(id) = 16`)
	w.Store = storetest.OpenAt(t, w.opts, w.clock.Now)
	_, err = w.Pacts(w.ctx, alex.ID)
	_, other := w.Pacts(w.ctx, sam.ID)
	if err == nil && other == nil {
		t.Error("one person's key opened in the place of another's")
	}
	w.ok(w.Close())
	w.ok(os.WriteFile(w.opts.KeysPath, raw, 0o600))
	w.Store = storetest.OpenAt(t, w.opts, w.clock.Now)
	swap(`id IN (CAST('house' AS BLOB), CAST('hash' AS BLOB))`)
	w.refusesToOpen(w.opts, store.ErrKey)
}

// The master key itself is in none of the files, in any form in which it is written.
func TestMasterKeyIsInNoFile(t *testing.T) {
	t.Parallel()
	text, err := store.NewMasterKey()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(text, "aftercare-key-1-") || strings.ContainsAny(text, "=+/ \n") {
		t.Errorf("it is %d letters of another form", len(text))
	}
	w := &world{T: t, ctx: t.Context(), clock: storetest.NewClock(), opts: storetest.Options(t)}
	if w.opts.Key, err = store.ParseMasterKey(text); err != nil {
		t.Fatal(err)
	}
	w.Store = storetest.OpenAt(t, w.opts, w.clock.Now)
	w.link(alex, sam)
	dir, _ := w.backUp()
	copied, err := os.ReadFile(w.opts.Files().KeysCopy(dir))
	w.ok(err)
	files := w.files()
	files["the copy"] = copied
	for name, b := range files {
		if bytes.Contains(b, []byte(text[20:60])) {
			t.Errorf("%s has the master key", name)
		}
	}
}

// However many keys come and go, no byte of one that was destroyed stays in the
// keys file, nor in its copy.
func TestDestroyedKeysLeaveNoBytes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	w.backUpTo(dir)
	gone := map[string][]byte{}
	var here []store.Who
	for i := range 400 {
		if len(here) < 100 || rand.IntN(2) == 0 {
			who := store.Who{ID: store.Secret(fmt.Sprint(950000000000000000 + i)), Name: store.Secret("kit")}
			_, _, err := w.Invite(w.ctx, who, 1)
			w.ok(err)
			here = append(here, who)
		} else {
			n := rand.IntN(len(here))
			before := w.peoplesKeys()
			w.erase(here[n])
			here = append(here[:n], here[n+1:]...)
			after := w.peoplesKeys()
			for id, key := range before {
				if after[id] == nil {
					gone[id] = key
				}
			}
		}
		if i%50 == 0 {
			w.ok(store.CopyKeys(w.ctx, w.opts.Files(), dir))
		}
	}
	w.ok(store.CopyKeys(w.ctx, w.opts.Files(), dir))
	if len(gone) < 50 {
		t.Fatalf("%d keys were destroyed only", len(gone))
	}
	for _, path := range []string{w.opts.KeysPath, w.opts.Files().KeysCopy(dir)} {
		b, err := os.ReadFile(path)
		w.ok(err)
		for id, key := range w.peoplesKeys() {
			if !bytes.Contains(b, key) {
				t.Fatalf("%s lacks the key %x of somebody who is there, so this finds nothing", path, id)
			}
		}
		for _, key := range gone {
			for at := 10; at+16 <= len(key)-24; at += 16 { // its end is what every keyset ends in
				if bytes.Contains(b, key[at:at+16]) {
					t.Errorf("%s has bytes of a key that was destroyed", path)
					break
				}
			}
		}
	}
}

// peoplesKeys are those of wrapped that belong to somebody.
func (w *world) peoplesKeys() map[string][]byte {
	w.Helper()
	keys := w.wrapped()
	maps.DeleteFunc(keys, func(id string, _ []byte) bool { return len(id) != 16 })
	return keys
}
