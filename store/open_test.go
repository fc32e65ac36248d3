package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aftercare/store"
	"aftercare/store/storetest"
)

func (w *world) refusesToOpen(o store.Options, want error) {
	w.Helper()
	s, err := store.Open(w.ctx, o)
	if err == nil {
		s.Close()
	}
	w.is(err, want)
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.refusesToOpen(w.opts, store.ErrInUse)
	w.ok(w.Close())
	before, err := os.ReadFile(w.opts.KeysPath)
	w.ok(err)
	other := storetest.Options(t)

	wrong := w.opts
	wrong.Key = other.Key
	w.refusesToOpen(wrong, store.ErrKey)

	missing := w.opts
	missing.KeysPath += ".elsewhere"
	w.refusesToOpen(missing, store.ErrKeysMissing)
	if _, err := os.Stat(missing.KeysPath); !errors.Is(err, os.ErrNotExist) {
		t.Error("an empty keys file was made for an old database")
	}
	w.ok(os.WriteFile(missing.KeysPath, nil, 0o600))
	w.refusesToOpen(missing, store.ErrKeysMissing)

	foreign := w.opts
	foreign.KeysPath = other.KeysPath
	other.Key = w.opts.Key
	w.ok(storetest.OpenAt(t, other, time.Now).Close())
	w.refusesToOpen(foreign, store.ErrKeysForeign)

	elsewhere := w.opts
	elsewhere.Path += ".elsewhere"
	w.refusesToOpen(elsewhere, store.ErrDatabaseMissing) // and the keys are still there
	after, err := os.ReadFile(w.opts.KeysPath)
	w.ok(err)
	if string(before) != string(after) {
		t.Error("the keys file changed")
	}

	same := w.opts
	same.KeysPath = same.Path
	if _, err := store.Open(w.ctx, same); err == nil {
		t.Error("the keys are in the database")
	}
	none := w.opts
	none.Marks = nil
	if _, err := store.Open(w.ctx, none); err == nil {
		t.Error("no marks")
	}
	w.restart()
	if pacts, err := w.Pacts(w.ctx, alex.ID); len(pacts) != 1 || err != nil {
		t.Errorf("%v, %v", pacts, err)
	}
}

func TestNewerDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := store.DB(w.Store).Exec(`PRAGMA user_version = 99`)
	w.ok(err)
	w.ok(w.Close())
	_, err = store.Open(w.ctx, w.opts)
	var newer store.NewerError
	if !errors.As(err, &newer) || newer.Have != 99 || newer.Know != store.Known {
		t.Fatal(err)
	}
	for _, number := range []string{"99", "1"} {
		if !strings.Contains(err.Error(), number) {
			t.Errorf("%v does not name %s", err, number)
		}
	}
}

func TestSchemaVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var v, keys int
	w.ok(store.DB(w.Store).QueryRow(`PRAGMA user_version`).Scan(&v))
	w.ok(store.DB(w.Store).QueryRow(`PRAGMA foreign_keys`).Scan(&keys))
	if v != store.Known || keys != 1 {
		t.Errorf("version %d, foreign keys %d", v, keys)
	}
	w.restart()
	for _, path := range []string{w.opts.Path, w.opts.KeysPath} {
		fi, err := os.Stat(path)
		w.ok(err)
		if fi.Mode().Perm() != 0o600 {
			t.Errorf("%s is %v", filepath.Base(path), fi.Mode())
		}
	}
}

// A key without a person is swept at the next start; a person's is not.
func TestKeysAreSwept(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	_, err := store.KeysDB(w.Store).Exec(`INSERT INTO keys (id, wrapped) VALUES (X'01', X'02')`)
	w.ok(err)
	w.restart()
	var n int
	w.ok(store.KeysDB(w.Store).QueryRow(`SELECT COUNT(*) FROM keys`).Scan(&n))
	if n != 4 {
		t.Errorf("%d keys, want those of two people and the house's two", n)
	}
}

// However many there are, and wherever they stand in line, those and no others go.
func TestManyKeysAreSwept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 10 {
		_, _, err := w.Invite(w.ctx, store.Who{ID: store.Secret(fmt.Sprint(910000000000000000 + int64(i))), Name: store.Secret("kit")}, 1)
		w.ok(err)
	}
	before := w.keys()
	_, err := store.KeysDB(w.Store).Exec(`
		WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 255)
		INSERT INTO keys (id, wrapped)
		SELECT CASE WHEN i < 128 THEN CAST(printf('%04d', i) AS BLOB) ELSE randomblob(16) END, X'02' FROM n
		UNION ALL SELECT X'FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF', X'02'
	`)
	w.ok(err)
	w.restart()
	if after := w.keys(); after != before {
		t.Errorf("the keys are\n%s, want\n%s", after, before)
	}
	storetest.Crowd(t, w.opts.Path, 2000, w.clock.Now()) // of a hundred more people
	before = w.keys()
	w.restart()
	if after := w.keys(); after != before || strings.Count(before, "\n") < 111 {
		t.Errorf("the keys are\n%s, want\n%s", after, before)
	}
}

func (w *world) keys() (ids string) {
	w.Helper()
	w.ok(store.KeysDB(w.Store).QueryRow(`SELECT group_concat(hex(id), char(10)) FROM keys`).Scan(&ids))
	return ids
}

// A crash between any two steps of the first start is made good at the next.
func TestFirstStartInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ok(w.Close())
	for _, name := range []string{w.opts.Path, w.opts.Path + "-wal", w.opts.Path + "-shm"} {
		w.ok(os.RemoveAll(name))
	}
	w.restart() // the keys file was made, the database was not
	_, err := store.DB(w.Store).Exec(`DELETE FROM house`)
	w.ok(err)
	w.restart() // the schema was, the proof was not
	w.link(alex, sam)
}

func TestViewsNeverWrite(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	w.answer(sam, "low", "x", pact, store.ShareWords)
	w.hear(alex, "m", "offer", "")
	w.deliver()
	code, _, err := w.Invite(w.ctx, kit, 1)
	w.ok(err)
	w.deliver()
	var before, after int
	w.ok(store.DB(w.Store).QueryRow(`SELECT total_changes()`).Scan(&before))
	dump := w.dump()
	second(w.Pacts(w.ctx, alex.ID))
	second(w.PactWith(w.ctx, alex.ID, sam.ID))
	second(w.Agreed(w.ctx, alex.ID))
	second(w.Here(w.ctx, alex))
	second(w.FirstLine(w.ctx, alex.ID))
	second(w.Upcoming(w.ctx, alex.ID))
	second(w.Recorded(w.ctx, alex.ID, 0))
	w.ok(second(w.Invitation(w.ctx, alex.ID, code)))
	for _, m := range w.inbox {
		second(w.CheckIn(w.ctx, m.To, m.As.ID))
		second(w.Relay(w.ctx, m.To, m.As.ID))
		second(w.Content(w.ctx, m.As))
	}
	w.ok(second(w.Relay(w.ctx, alex.ID, w.at(alex, store.KindRelay))))
	w.ok(store.DB(w.Store).QueryRow(`SELECT total_changes()`).Scan(&after))
	if before != after || w.dump() != dump {
		t.Error("a view wrote")
	}
}

// A deadline in the middle, whenever that is, leaves nothing half-written, and the
// store goes on. The clock is read once a transaction, after its beginning: that
// is where this one ends, and then at every later moment that chance gives.
func TestDeadlineInTheMiddle(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	dump := w.dump()
	for i := range 40 {
		ctx, cancel := context.WithCancel(w.ctx)
		w.Now = func() time.Time {
			time.AfterFunc(time.Duration(i)*20*time.Microsecond, cancel)
			return w.clock.Now()
		}
		_, err := w.EndScene(ctx, w.ended(alex, sam))
		cancel()
		if err == nil {
			break // it was quick enough to do all of it
		}
		if w.dump() != dump {
			t.Fatalf("%v, and half of it is there", err)
		}
	}
	w.Now = w.clock.Now
	w.end(alex, sam)
	w.rows(4, "checkins")
}
