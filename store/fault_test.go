package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aftercare/store"
	"aftercare/store/storetest"
)

// full lets the database grow no further, until room is made.
func (w *world) full() {
	w.Helper()
	var pages int
	w.ok(store.DB(w.Store).QueryRow(`PRAGMA page_count`).Scan(&pages))
	w.pragma(fmt.Sprintf(`PRAGMA max_page_count = %d`, pages))
}

func (w *world) room() {
	w.Helper()
	w.pragma(`PRAGMA max_page_count = 4294967294`)
}

func (w *world) pragma(query string) {
	w.Helper()
	_, err := store.DB(w.Store).Exec(query)
	w.ok(err)
}

// untilRefused does something again and again until the disk is full, and holds
// that the try that failed left nothing.
func (w *world) untilRefused(what string, act func(i int) error) {
	w.Helper()
	for i := range 2000 {
		before := w.dump()
		err := act(i)
		if errors.Is(err, store.ErrTooOften) {
			w.Fatalf("%s: %v before the disk was full", what, err)
		}
		if err == nil {
			continue
		}
		if !strings.Contains(err.Error(), "full") {
			w.Errorf("%s: %v, want that the disk is full", what, err)
		}
		if w.dump() != before {
			w.Errorf("%s: half of it is there", what)
		}
		return
	}
	w.Fatalf("%s: the disk never got full", what)
}

// What can't be written on a full disk is not written at all, and is written when
// there is room again, in the same process.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	w, pact := linked(t)
	w.end(alex, sam)
	w.pass(24 * time.Hour)
	at := w.at(sam, store.KindCheckIn)
	long := strings.Repeat("words ", 600)
	for what, act := range map[string]func(i int) error{
		"a scene": func(i int) error {
			w.clock.Advance(12 * time.Hour)
			return last(w.EndScene(w.ctx, w.ended(alex, sam)))
		},
		"words in a form": func(i int) error {
			return last(w.Write(w.ctx, sam.ID, at, store.Secret(strings.Repeat(long, 1+i))))
		},
		"a person": func(i int) error {
			who := store.Who{ID: store.Secret(fmt.Sprint(910000000000000000 + int64(i))), Name: store.Secret("kit")}
			_, _, err := w.Invite(w.ctx, who, 1)
			return err
		},
	} {
		w.full()
		w.untilRefused(what, act)
		w.room()
		w.ok(act(0))
	}
	w.step(w.Share(w.ctx, sam.ID, at, pact, store.ShareWords))
	w.got(w.deliver(), alex, store.KindRelay, 1)
	if err := w.Store.Close(); err != nil {
		t.Error(err)
	}
	w.Store = storetest.OpenAt(t, w.opts, w.clock.Now) // and the file is sound
}

func last[T any](_ T, err error) error { return err }

// A message that went out as the disk was full stays in hand: it comes back when
// its lease runs out, as one of which nobody knows, and is noted once there is room.
func TestFullDiskAfterSending(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.end(alex, sam)
	w.clock.Advance(24 * time.Hour)
	due, err := w.ClaimDue(w.ctx, 1)
	w.ok(err)
	w.pragma(`CREATE TRIGGER full BEFORE UPDATE OF sent_at ON deliveries BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`)
	before := w.dump()
	sent := store.Sent{Channel: store.Secret("dm"), Message: store.Secret("123")}
	if err := w.MarkSent(w.ctx, due[0], sent); err == nil || w.dump() != before {
		t.Errorf("%v, and something of it is there", err)
	}
	w.pragma(`DROP TRIGGER full`)
	w.clock.Advance(store.Lease + time.Second)
	again, err := w.ClaimDue(w.ctx, 10)
	w.ok(err)
	i := 0
	for ; i < len(again) && again[i].ID != due[0].ID; i++ {
	}
	if i == len(again) || again[i].UnsureSince.IsZero() {
		t.Fatal("it did not come back as one of which nobody knows")
	}
	w.ok(w.MarkSent(w.ctx, due[0], sent)) // too late: it is in another hand
	w.ok(w.MarkSent(w.ctx, again[i], sent))
	w.rows(1, "deliveries WHERE id = $1 AND sent_at IS NOT NULL AND next_at IS NULL AND unsure_at IS NULL", due[0].ID)
}

// another opens the database as a backup does.
func (w *world) another() *sql.Conn {
	w.Helper()
	db, err := sql.Open("sqlite", w.opts.Path)
	w.ok(err)
	w.Cleanup(func() { db.Close() })
	c, err := db.Conn(w.ctx)
	w.ok(err)
	return c
}

func (w *world) on(c *sql.Conn, query string) {
	w.Helper()
	_, err := c.ExecContext(w.ctx, query)
	w.ok(err)
}

// Whoever has a deadline hears in time that another program has the file locked,
// those who wait in line included, and nothing of it is there. Whoever has more
// time than the lock lasts does not notice it.
func TestLockedByAnother(t *testing.T) {
	t.Parallel()
	dir := storetest.Options(t)
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, ctx: t.Context(), clock: storetest.NewClock(), opts: dir}
		w.Store = storetest.OpenAt(t, w.opts, w.clock.Now)
		w.link(alex, sam)
		w.deliver()
		dump, c := w.dump(), w.another()
		w.on(c, `BEGIN IMMEDIATE`)
		answers := make(chan error, 5)
		for range cap(answers) {
			e := w.ended(alex, sam)
			go func() {
				ctx, cancel := context.WithTimeout(w.ctx, 2500*time.Millisecond)
				defer cancel()
				_, err := w.EndScene(ctx, e)
				if err != nil && ctx.Err() != nil {
					err = fmt.Errorf("no time left to say so: %w", err)
				}
				answers <- err
			}()
		}
		patient := make(chan error, 1)
		go func() {
			ctx, cancel := context.WithTimeout(w.ctx, 10*time.Second)
			defer cancel()
			patient <- w.Hear(ctx, store.Typed{By: sam, Message: "1", Text: store.Secret("typed")})
		}()
		for range cap(answers) {
			if err := <-answers; !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "no time") {
				t.Errorf("got %v", err)
			}
		}
		time.Sleep(5500 * time.Millisecond) // 8 s in all
		w.on(c, `ROLLBACK`)
		if err := <-patient; err != nil {
			t.Errorf("what could wait failed: %v", err)
		}
		w.ok(c.Close())
		if strings.Contains(w.dump(), "scenes.") || w.dump() == dump {
			t.Error("a scene is there, or the typed words are not")
		}
		w.end(alex, sam)
		w.rows(4, "checkins")
	})
}

// A long read, which is what a backup does, is in nobody's way.
func TestLongRead(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	c := w.another()
	w.on(c, `BEGIN`)
	w.on(c, `SELECT COUNT(*) FROM persons`)
	begun := time.Now()
	w.end(alex, sam)
	w.pass(24 * time.Hour)
	w.rows(4, "checkins")
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("took %v beside a long read", took)
	}
	w.on(c, `ROLLBACK`)
}

// Housekeeping beside a long read: what it can't do then waits for the next time,
// and nobody waits for it.
func TestForgetBesideALongRead(t *testing.T) {
	t.Parallel()
	o := storetest.Options(t)
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, ctx: t.Context(), clock: storetest.NewClock(), opts: o}
		w.Store = storetest.OpenAt(t, w.opts, w.clock.Now)
		w.link(alex, sam)
		c := w.another()
		w.on(c, `BEGIN`)
		w.on(c, `SELECT COUNT(*) FROM persons`)
		w.end(alex, sam)
		done := make(chan error, 1)
		go func() { done <- last(w.Forget(w.ctx)) }()
		time.Sleep(20 * time.Millisecond)
		ctx, cancel := context.WithTimeout(w.ctx, 2500*time.Millisecond)
		defer cancel()
		if _, err := w.EndScene(ctx, w.ended(sam, alex)); err != nil {
			t.Errorf("a scene could not be recorded meanwhile: %v", err)
		}
		w.ok(<-done)
		w.on(c, `ROLLBACK`)
		w.ok(c.Close())
	})
}

// populated is a closed database with something in each table, and its bytes.
func populated(t *testing.T) (o store.Options, path map[string][]byte) {
	t.Helper()
	w, pact := linked(t)
	for range 30 {
		w.end(alex, sam)
		w.pass(24 * time.Hour)
		w.answer(sam, "low", strings.Repeat("words ", 300), pact, store.ShareWords)
		w.pass(time.Hour)
	}
	w.ok(w.Close())
	path = map[string][]byte{}
	for _, p := range []string{w.opts.Path, w.opts.KeysPath} {
		b, err := os.ReadFile(p)
		w.ok(err)
		path[p] = b
	}
	return w.opts, path
}

func TestDamaged(t *testing.T) {
	t.Parallel()
	o, sound := populated(t)
	for what, spoil := range map[string]func(b []byte) []byte{
		"a page of noise in the middle": func(b []byte) []byte { return noise(b, len(b)/2/4096*4096, 4096) },
		"noise over its first page":     func(b []byte) []byte { return noise(b, 0, 100) },
		"noise in a page's header":      func(b []byte) []byte { return noise(b, len(b)/2/4096*4096, 8) },
		"cut in the middle":             func(b []byte) []byte { return b[:len(b)/2] },
		"cut to one page":               func(b []byte) []byte { return b[:4096] },
		"another file":                  func([]byte) []byte { return []byte(strings.Repeat("not a database\n", 100)) },
	} {
		for _, path := range []string{o.Path, o.KeysPath} {
			b := spoil(append([]byte(nil), sound[path]...))
			if len(b) == len(sound[path]) && string(b) == string(sound[path]) {
				t.Fatal(what, "spoils nothing")
			}
			write(t, path, b)
			s, err := store.Open(t.Context(), o)
			if err == nil {
				s.Close()
			}
			if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "restore") {
				t.Errorf("%s of %d bytes, %s: %v", path, len(b), what, err)
			}
			if after, _ := os.ReadFile(path); string(after) != string(b) {
				t.Errorf("%s: it was written to", what)
			}
			write(t, path, sound[path])
		}
	}
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal("the sound one:", err)
	}
	s.Close()
}

func noise(b []byte, at, n int) []byte {
	for i := at; i < min(at+n, len(b)); i++ {
		b[i] = byte(i*131 + 17)
	}
	return b
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, beside := range []string{"-wal", "-shm", "-journal"} {
		os.Remove(path + beside)
	}
}

// BenchmarkOpenLarge tells how long a start takes with a million check-ins to come,
// and everybody's key.
func BenchmarkOpenLarge(b *testing.B) {
	o := storetest.Options(b)
	s := storetest.OpenAt(b, o, time.Now)
	if _, err := store.KeysDB(s).Exec(`
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
		INSERT INTO keys (id, wrapped) SELECT CAST('k' || i AS BLOB), randomblob(160) FROM n
	`); err != nil {
		b.Fatal(err)
	}
	s.Close()
	storetest.Crowd(b, o.Path, 1_000_000, time.Date(2027, 3, 5, 12, 0, 0, 0, time.UTC))
	for b.Loop() {
		s, err := store.Open(b.Context(), o)
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}
