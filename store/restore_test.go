package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"aftercare/store"
	"aftercare/store/storetest"
)

func logTo(b *bytes.Buffer) *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

// withStep is our migrations and one more.
func withStep(t *testing.T, sql string) fs.FS {
	t.Helper()
	steps := fstest.MapFS{"migrations/0002_next.sql": {Data: []byte(sql)}}
	names, err := fs.Glob(store.Steps(), "migrations/*.sql")
	if err != nil || len(names) != store.Known {
		t.Fatal(names, err)
	}
	for _, name := range names {
		b, err := fs.ReadFile(store.Steps(), name)
		if err != nil {
			t.Fatal(err)
		}
		steps[name] = &fstest.MapFile{Data: b}
	}
	return steps
}

// A restore that is refused says why and what to do, and touches nothing.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	w := scenario(t)
	dir, b := w.backUp()
	files := w.opts.Files()
	source, err := store.FindBackup(files, dir)
	w.ok(err)
	if source.Database != b.Path || source.Keys != files.KeysCopy(dir) {
		t.Errorf("%+v", source)
	}
	_, err = store.Restore(w.ctx, w.opts, source, true, w.clock.Now())
	w.is(err, store.ErrInUse)
	w.ok(w.Close())

	other, _ := linked(t)
	_, othersBackup := other.backUp()
	olderKeys := filepath.Join(t.TempDir(), "older.keys")
	damaged := filepath.Join(t.TempDir(), "damaged.db")
	raw, err := os.ReadFile(b.Path)
	w.ok(err)
	w.ok(os.WriteFile(damaged, append(bytes.Clone(raw[:3*4096]), bytes.Repeat([]byte{7}, len(raw)-3*4096)...), 0o600))
	noise := filepath.Join(t.TempDir(), "noise.db")
	w.ok(os.WriteFile(noise, bytes.Repeat([]byte("noise "), 1000), 0o600))
	foreign := filepath.Join(t.TempDir(), "foreign.db")
	db, err := sql.Open("sqlite", foreign)
	w.ok(err)
	_, err = db.Exec(`CREATE TABLE anything (x)`)
	w.ok(err)
	w.ok(db.Close())
	w.ok(os.WriteFile(olderKeys, keysWithout(w), 0o600))

	wrong := w.opts
	wrong.Key = other.opts.Key
	lost := w.opts // another machine, on which there is nothing yet
	lost.Path, lost.KeysPath = w.elsewhere().Path, w.elsewhere().KeysPath
	for name, c := range map[string]struct {
		o       store.Options
		from    store.Source
		replace bool
		is      error
		says    string
	}{
		"a database is there":            {w.opts, source, false, store.ErrThere, "--replace"},
		"the wrong master key":           {wrong, source, true, store.ErrKey, "master key does not open"},
		"another database's backup":      {w.opts, store.Source{Database: othersBackup.Path, Keys: source.Keys}, true, store.ErrKeysForeign, "another database"},
		"a damaged backup":               {w.opts, store.Source{Database: damaged, Keys: source.Keys}, true, nil, "damaged"},
		"no database at all":             {w.opts, store.Source{Database: noise, Keys: source.Keys}, true, nil, "name another one"},
		"a database of something else":   {w.opts, store.Source{Database: foreign, Keys: source.Keys}, true, store.ErrNoBackup, "no database of aftercare"},
		"the database itself":            {w.opts, store.Source{Database: w.opts.Path, Keys: source.Keys}, true, store.ErrNoBackup, "itself"},
		"keys that are older":            {lost, store.Source{Database: b.Path, Keys: olderKeys}, false, store.ErrKeysOlder, "no key for 1 of the people"},
		"no keys anywhere":               {lost, store.Source{Database: b.Path, Keys: "none"}, false, store.ErrKeysMissing, "--keys"},
		"the wrong master key elsewhere": {store.Options{Path: lost.Path, KeysPath: lost.KeysPath, Key: other.opts.Key}, source, false, store.ErrKey, "master key does not open"},
	} {
		before := w.files()
		_, err := store.Restore(w.ctx, c.o, c.from, c.replace, w.clock.Now())
		if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
		if fmt.Sprint(before) != fmt.Sprint(w.files()) {
			t.Errorf("%s: something was changed", name)
		}
		for _, path := range []string{lost.Path, lost.KeysPath} {
			if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s: %s is there", name, path)
			}
		}
	}
	for _, empty := range []string{t.TempDir(), filepath.Join(dir, "none")} {
		_, err := store.FindBackup(files, empty)
		w.is(err, store.ErrNoBackup)
	}
	w.restart()
	w.sound()
}

// keysWithout returns the keys file of a closed world without one person's key.
func keysWithout(w *world) []byte {
	w.Helper()
	path := filepath.Join(w.TempDir(), "x.keys")
	b, err := os.ReadFile(w.opts.KeysPath)
	w.ok(err)
	w.ok(os.WriteFile(path, b, 0o600))
	db, err := sql.Open("sqlite", path)
	w.ok(err)
	_, err = db.Exec(`DELETE FROM keys WHERE id = (SELECT MIN(id) FROM keys WHERE length(id) = 16)`)
	w.ok(err)
	w.ok(db.Close())
	b, err = os.ReadFile(path)
	w.ok(err)
	return b
}

// A start with keys that are older than the database is refused, and nobody is lost.
func TestKeysOlderThanTheDatabase(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.ok(w.Close())
	whole, err := os.ReadFile(w.opts.KeysPath)
	w.ok(err)
	w.ok(os.WriteFile(w.opts.KeysPath, keysWithout(w), 0o600))
	w.refusesToOpen(w.opts, store.ErrKeysOlder)
	w.ok(os.WriteFile(w.opts.KeysPath, whole, 0o600))
	w.restart()
	w.rows(2, "persons")
	w.opened(0)
}

// What was there is kept beside, log and all, and can be gone back to. Whoever came
// after the backup is there again then: a restore spares their keys for a week.
func TestRestoreKeepsWhatWasThere(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	dir, _ := w.backUp()
	w.link(alex, kit)
	left := w.files()
	w.ok(w.Close())
	w.ok(os.WriteFile(w.opts.Path, left["aftercare.db"], 0o600)) // as a kill leaves it, with kit in the log alone
	w.ok(os.WriteFile(w.opts.Path+"-wal", left["aftercare.db-wal"], 0o600))
	source, err := store.FindBackup(w.opts.Files(), dir)
	w.ok(err)
	done, err := store.Restore(w.ctx, w.opts, source, true, w.clock.Now())
	w.ok(err)
	if len(done.Aside) != 2 || done.Keys != "" || done.Aside[1] != done.Aside[0]+"-wal" {
		t.Fatalf("%+v", done)
	}
	w.Store = storetest.OpenAt(t, w.opts, w.clock.Now)
	w.rows(2, "persons")
	w.restart()
	w.ok(w.Close())
	w.clock.Advance(time.Minute)
	second(store.Restore(w.ctx, w.opts, store.Source{Database: done.Aside[0]}, true, w.clock.Now()))
	w.Store = storetest.OpenAt(t, w.opts, w.clock.Now)
	w.rows(3, "persons")
	w.rows(1, "house WHERE restored_at IS NOT NULL") // though it was none that TakeBackup made
	w.opened(0)

	w.ok(w.Close())
	second(store.Restore(w.ctx, w.opts, source, true, w.clock.Now()))
	w.Store = storetest.OpenAt(t, w.opts, w.clock.Now)
	keys := strings.Count(w.keys(), "\n")
	w.clock.Advance(8 * 24 * time.Hour)
	w.restart()
	if now := strings.Count(w.keys(), "\n"); now != keys-1 {
		t.Errorf("%d keys a week later, %d before; kit's was to go", now, keys)
	}
}

// A damaged keys file is replaced by the copy, and kept aside.
func TestRestoreKeysToo(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	dir, _ := w.backUp()
	w.ok(w.Close())
	b, err := os.ReadFile(w.opts.KeysPath)
	w.ok(err)
	w.ok(os.WriteFile(w.opts.KeysPath, append(bytes.Clone(b[:4096]), bytes.Repeat([]byte{9}, len(b)-4096)...), 0o600))
	w.refusesToOpen(w.opts, store.ErrDamaged)
	source, err := store.FindBackup(w.opts.Files(), dir)
	w.ok(err)
	done, err := store.Restore(w.ctx, w.opts, source, true, w.clock.Now())
	w.ok(err)
	if done.Keys != source.Keys || len(done.Aside) != 2 {
		t.Errorf("%+v", done)
	}
	w.Store = storetest.OpenAt(t, w.opts, w.clock.Now)
	w.opened(0)
	if pacts, err := w.Pacts(w.ctx, alex.ID); len(pacts) != 1 || err != nil {
		t.Errorf("%v, %v", pacts, err)
	}
}

// What was sent after the backup was taken is looked for before it is sent again.
// What comes later is not: nothing of it can be there.
func TestRestoredIsLookedFor(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.end(alex, sam)
	w.deliver()
	w.clock.Advance(23 * time.Hour)
	dir, b := w.backUp()
	w.pass(time.Hour) // the check-ins at 24 hours go out
	w.clock.Advance(time.Hour)
	k := w.restored(dir)
	due, err := k.ClaimDue(k.ctx, 10)
	k.ok(err)
	if len(due) != 2 {
		t.Fatalf("%d are due", len(due))
	}
	for _, d := range due {
		if !d.UnsureSince.Equal(b.At) {
			t.Errorf("looked for since %v, want %v", d.UnsureSince, b.At)
		}
		k.ok(k.MarkSent(k.ctx, d, store.Sent{Message: store.Secret(fmt.Sprint("found-", d.ID)), Channel: store.Secret("dm")}))
	}
	k.clock.Advance(23 * time.Hour)
	due, err = k.ClaimDue(k.ctx, 10)
	k.ok(err)
	if len(due) != 2 || !due[0].UnsureSince.IsZero() {
		t.Errorf("%d are due a day later, unsure since %v", len(due), due[0].UnsureSince)
	}
	k.rows(1, "house WHERE copied_at IS NULL AND restored_at IS NOT NULL")
}

// What fell due between a backup and the restore of it is not made anew: it may
// have come. Standing check-ins go on with the next one.
func TestRestoredStandingsGoOn(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.clock.Advance(time.Hour)
	_, err := store.DB(w.Store).Exec(`
		INSERT INTO standings (id, proposer, partner, state, spec, created_at) SELECT 1, MIN(id), MAX(id), 'on', X'00', 1 FROM persons`)
	w.ok(err)
	_, err = store.DB(w.Store).Exec(`INSERT INTO turns (standing, person, next_at) SELECT 1, id, $1 FROM persons`, w.clock.Now().Add(time.Hour).UnixMilli())
	w.ok(err)
	_, err = store.DB(w.Store).Exec(`UPDATE sides SET fit_scenes = 50, fit_last_at = $1`, w.clock.Now().UnixMilli())
	w.ok(err)
	dir, _ := w.backUp()
	sooner := w.restored(dir)
	sooner.rows(2, "turns WHERE next_at > 0")
	w.clock.Advance(2 * time.Hour)
	k := w.restored(dir)
	k.rows(2, "turns WHERE next_at = 0")
	if n, err := k.AskFits(k.ctx); n != 0 || err != nil {
		t.Errorf("%d were asked whether it still fits, %v", n, err)
	}
}

// A new master key opens everything, and the old one nothing.
func TestRotate(t *testing.T) {
	t.Parallel()
	w := scenario(t)
	dir, _ := w.backUp()
	next := storetest.Options(t).Key
	_, err := store.Rotate(w.ctx, w.opts, next)
	w.is(err, store.ErrInUse)
	w.ok(w.Close())
	wrong := w.opts
	wrong.Key = storetest.Options(t).Key
	_, err = store.Rotate(w.ctx, wrong, next)
	w.is(err, store.ErrKey)
	missing := w.opts
	missing.KeysPath += ".elsewhere"
	_, err = store.Rotate(w.ctx, missing, next)
	w.is(err, store.ErrKeysMissing)

	before, err := os.ReadFile(w.opts.KeysPath)
	w.ok(err)
	n, err := store.Rotate(w.ctx, w.opts, next)
	w.ok(err)
	again, err := store.Rotate(w.ctx, w.opts, next) // as after an interruption
	w.ok(err)
	if n != 6 || again != n {
		t.Errorf("%d keys, and %d the second time; want those of four people and the house's two", n, again)
	}
	after, err := os.ReadFile(w.opts.KeysPath)
	w.ok(err)
	if len(after) != len(before) || bytes.Equal(after, before) {
		t.Error("the keys file is as it was")
	}
	old := w.opts
	w.refusesToOpen(old, store.ErrKey)
	w.opts.Key = next
	w.restart()
	w.opened(0)
	w.ok(store.CopyKeys(w.ctx, w.opts.Files(), dir))
	copied := *w
	copied.restored(dir).opened(0)
	w.end(alex, kit)
	w.restart()
}

// settleMany adds people to a closed world, through the front door.
func settleMany(w *world, n int) {
	w.Helper()
	w.Store = storetest.OpenAt(w.T, w.opts, w.clock.Now)
	all := make(chan int)
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for i := range all {
				who := store.Who{ID: store.Secret(fmt.Sprint(940000000000000000 + i)), Name: store.Secret("kit")}
				if _, _, err := w.Invite(w.ctx, who, 1); err != nil {
					w.Error(err)
				}
			}
		})
	}
	for i := range n {
		all <- i
	}
	close(all)
	wg.Wait()
	w.ok(w.Close())
}

// Ended at any moment, one of the two keys opens everything and the other nothing.
func TestRotateInterrupted(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.ok(w.Close())
	settleMany(w, 300)
	kept := 0
	for range 20 { // a busy machine may not get to interrupting it
		if kept >= 3 {
			break
		}
		kept += w.rotateInterrupted(storetest.Options(t).Key)
	}
	if kept < 3 {
		t.Errorf("it was interrupted %d times only", kept)
	}
	w.restart()
	w.opened(0)
}

// rotateInterrupted begins a rotation again and again, for a little longer each time,
// until one comes to its end. It returns how many did not.
func (w *world) rotateInterrupted(next store.MasterKey) (kept int) {
	w.Helper()
	for i := 0; ; i++ {
		ctx, cancel := context.WithTimeout(w.ctx, time.Duration(i)*500*time.Microsecond)
		_, err := store.Rotate(ctx, w.opts, next)
		cancel()
		now, other := w.opts, w.opts
		now.Key = next
		if err != nil {
			now, other = other, now
		}
		w.refusesToOpen(other, store.ErrKey)
		w.opts = now
		if err == nil {
			return kept
		}
		kept++
	}
}
