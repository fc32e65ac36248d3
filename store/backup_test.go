package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"aftercare/store"
	"aftercare/store/storetest"
)

// backUp takes a backup of the running store into a folder of its own.
func (w *world) backUp() (dir string, b store.Backup) {
	w.Helper()
	dir = w.TempDir()
	return dir, w.backUpTo(dir)
}

func (w *world) backUpTo(dir string) store.Backup {
	w.Helper()
	b, err := store.TakeBackup(w.ctx, w.opts.Files(), dir, w.clock.Now())
	w.ok(err)
	return b
}

// elsewhere is where a restore goes on another machine.
func (w *world) elsewhere() store.Options {
	w.Helper()
	o := w.opts
	dir := w.TempDir()
	o.Path, o.KeysPath = filepath.Join(dir, "aftercare.db"), filepath.Join(dir, "aftercare.keys")
	return o
}

// restored is the world as it is in a backup, on another machine.
func (w *world) restored(from string) *world {
	w.Helper()
	k := *w
	k.opts = w.elsewhere()
	source, err := store.FindBackup(k.opts.Files(), from)
	w.ok(err)
	second(store.Restore(w.ctx, k.opts, source, false, w.clock.Now()))
	k.Store = storetest.OpenAt(w.T, k.opts, w.clock.Now)
	k.sound()
	return &k
}

// sound holds that the database is whole.
func (w *world) sound() {
	w.Helper()
	for _, query := range []string{`PRAGMA quick_check`, `PRAGMA integrity_check`, `SELECT COALESCE((SELECT 'a row without its parent' FROM pragma_foreign_key_check), 'ok')`} {
		var found string
		w.ok(store.DB(w.Store).QueryRow(query).Scan(&found))
		if found != "ok" {
			w.Errorf("%s: %s", query, found)
		}
	}
}

// couple is somebody who writes all the time.
func couple(i int) (a, b store.Who) {
	who := func(n int) store.Who {
		return store.Who{ID: store.Secret(fmt.Sprint(920000000000000000 + n)), Name: store.Secret(fmt.Sprint("name-", n))}
	}
	return who(2 * i), who(2*i + 1)
}

// A backup taken while everybody writes is of one moment, whole, and opens: each
// person in it, and each message that is owed.
func TestBackupUnderLoad(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const couples, backups = 6, 3
	writing, stop := context.WithCancel(w.ctx)
	var all sync.WaitGroup
	wrote := make(chan bool, 10_000)
	for i := range couples {
		a, b := couple(i)
		w.link(a, b)
		all.Go(func() {
			for n := 0; writing.Err() == nil; n++ {
				if _, err := w.EndScene(w.ctx, w.ended(a, b)); err != nil && !errors.Is(err, store.ErrTooOften) {
					t.Error(err)
				}
				typed := store.Typed{By: b, Message: fmt.Sprint(i, "-", n), Text: store.Secret("words of a moment")}
				if err := w.Hear(w.ctx, typed); err != nil && !errors.Is(err, store.ErrTooOften) {
					t.Error(err)
				}
				_, _, err := w.Invite(w.ctx, store.Who{ID: store.Secret(fmt.Sprintf("93%d00%d", i, n)), Name: store.Secret("kit")}, 1)
				if err != nil {
					t.Error(err)
				}
				select {
				case wrote <- true:
				default:
				}
			}
		})
	}
	dirs := make([]string, 0, backups)
	for range backups {
		for range 30 { // so that there is something new in each
			<-wrote
		}
		dir, _ := w.backUp()
		dirs = append(dirs, dir)
	}
	stop()
	all.Wait()
	people := 0
	for _, dir := range dirs {
		k := w.restored(dir)
		n := k.count("persons")
		if n <= people {
			t.Errorf("%d people in a later backup, %d in the one before: nobody wrote", n, people)
		}
		people = n
		k.clock.Advance(24 * time.Hour)
		if sent := k.deliver(); len(sent) < couples*2 { // each is opened and put into words
			t.Errorf("%d messages came", len(sent))
		}
		for i := range couples {
			a, _ := couple(i)
			pacts, err := k.Pacts(k.ctx, a.ID)
			if err != nil || len(pacts) != 1 || !strings.HasPrefix(pacts[0].Partner.Reveal(), "name-") {
				t.Errorf("%d pacts, %v", len(pacts), err)
			}
		}
		k.opened(0)
		w.ok(k.Close())
	}
}

// opened opens something of every person, of whom so many have no name any more.
func (w *world) opened(nameless int) {
	w.Helper()
	rows, err := store.DB(w.Store).Query(`SELECT id, account FROM persons`)
	w.ok(err)
	accounts := map[int64][]byte{}
	for rows.Next() {
		var id int64
		var sealed []byte
		w.ok(rows.Scan(&id, &sealed))
		accounts[id] = sealed
	}
	w.ok(rows.Err())
	for id, sealed := range accounts {
		text, err := store.OpenAs(w.Store, id, "persons.account", id, sealed)
		if err != nil {
			w.Errorf("%q, %v", text, err)
		}
		if text == "" {
			nameless--
		}
	}
	if nameless != 0 {
		w.Errorf("%d people have no name, which was not to be", -nameless)
	}
}

// Whoever is erased after a backup stays gone, whichever keys file it is restored
// with: the live one, or the copy that was brought up to date since. Everybody
// else is there, and their words.
func TestErasedStayErased(t *testing.T) {
	t.Parallel()
	w := scenario(t)
	w.link(robin, kit)
	w.deliver()
	dir, _ := w.backUp()
	at := w.clock.Now()
	copied := w.opts.Files().KeysCopy(dir)
	var key, wrapped []byte
	w.ok(store.DB(w.Store).QueryRow(`SELECT p.key_id FROM persons p JOIN answers a ON a.writer = p.id JOIN words w ON w.answer = a.id WHERE a.kind = 'word'`).Scan(&key))
	w.ok(store.KeysDB(w.Store).QueryRow(`SELECT wrapped FROM keys WHERE id = $1`, key).Scan(&wrapped))
	inCopies := func() (n int) {
		for _, path := range []string{copied, w.opts.KeysPath} {
			b, err := os.ReadFile(path)
			w.ok(err)
			if bytes.Contains(b, wrapped[40:72]) {
				n++
			}
		}
		return n
	}
	if inCopies() != 2 {
		t.Fatal("the key was never there")
	}
	before := w.restored(dir) // as long as the copy of the keys is as old, they come back
	before.rows(4, "persons")
	gone := w.Destroyed()
	w.erase(sam)
	if w.Destroyed() != gone+1 {
		t.Error("nobody is told that a key was destroyed")
	}
	if inCopies() != 1 {
		t.Error("the key is still in the keys file, or went from the copy by itself")
	}
	w.ok(store.CopyKeys(w.ctx, w.opts.Files(), dir))
	if inCopies() != 0 {
		t.Error("the key is still there")
	}

	k := w.restored(dir)
	k.withoutSam()
	source, err := store.FindBackup(w.opts.Files(), dir)
	w.ok(err)
	w.ok(w.Close())
	w.ok(os.Remove(copied)) // the live keys file is enough
	done, err := store.Restore(w.ctx, w.opts, source, true, w.clock.Now())
	w.ok(err)
	if done.Erased != 1 || done.Keys != "" || !done.At.Equal(at) {
		t.Errorf("%+v", done)
	}
	w.Store = storetest.OpenAt(t, w.opts, w.clock.Now)
	w.sound()
	w.withoutSam()
}

// withoutSam holds that nothing of sam is there, and everything of the others: alex
// still has their own end of the link. Where sam was is somebody without a name.
func (w *world) withoutSam() {
	w.Helper()
	w.rows(4, "persons")
	second(w.Pacts(w.ctx, sam.ID))
	if ok, err := w.Agreed(w.ctx, sam.ID); ok || err != nil {
		w.Errorf("agreed: %v, %v", ok, err)
	}
	for _, table := range []string{"pacts", "sides", "participants", "checkins", "deliveries", "shares", "answers"} {
		column := map[string]string{"pacts": "low", "deliveries": "recipient", "shares": "reader", "answers": "writer"}[table]
		if column == "" {
			column = "person"
		}
		w.rows(0, table+` WHERE `+column+` NOT IN (SELECT id FROM persons)`)
	}
	pacts, err := w.Pacts(w.ctx, alex.ID)
	if err != nil || len(pacts) != 2 {
		w.Errorf("alex has %d pacts, %v", len(pacts), err)
	}
	w.rows(0, "answers WHERE writer NOT IN (SELECT person FROM sides)")
	w.clock.Advance(24 * time.Hour)
	for _, m := range w.deliver() {
		if m.To == sam.ID {
			w.Error("something came to somebody who was erased")
		}
	}
	w.opened(1)
}

// Backups can be read by their owner alone, hold nothing in clear and no bytes of
// what was deleted, and are of the moment at which they were taken.
func TestBackupFiles(t *testing.T) {
	t.Parallel()
	w := scenario(t)
	var sealed []byte
	w.ok(store.DB(w.Store).QueryRow(`SELECT text FROM words LIMIT 1`).Scan(&sealed))
	dir, first := w.backUp()
	b, err := os.ReadFile(first.Path)
	w.ok(err)
	if !bytes.Contains(b, sealed[5:40]) {
		t.Fatal("the words are not in the first backup")
	}
	w.clock.Advance(8 * 24 * time.Hour)
	second(w.Forget(w.ctx))
	last := w.backUpTo(dir)
	for _, path := range []string{last.Path, w.opts.Files().KeysCopy(dir)} {
		fi, err := os.Stat(path)
		w.ok(err)
		b, err := os.ReadFile(path)
		w.ok(err)
		if fi.Mode().Perm() != 0o600 || len(b) == 0 {
			t.Errorf("%s: %v, %d bytes", path, fi.Mode(), len(b))
		}
		for _, secret := range []string{"einseins", "zweizwei", alex.ID.Reveal(), "glowing", string(sealed[5:40])} {
			if bytes.Contains(b, []byte(secret)) {
				t.Errorf("%s holds %q", path, secret)
			}
		}
	}
	all, err := store.Backups(w.opts.Files(), dir)
	if err != nil || len(all) != 2 || all[0].Path != last.Path || !all[1].At.Equal(first.At) {
		t.Errorf("%v, %v", all, err)
	}
	w.ok(os.WriteFile(filepath.Join(dir, "aftercare-notes.db"), nil, 0o600))
	w.ok(store.Prune(w.opts.Files(), dir, 1))
	names, err := filepath.Glob(filepath.Join(dir, "*.db"))
	if err != nil || len(names) != 2 { // the newest, and what is not ours
		t.Errorf("%v, %v", names, err)
	}
}

// A copy of the keys of another database, or a newer one, is never overwritten.
func TestCopyKeysRefuses(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	dir, _ := w.backUp()
	read := func() string {
		b, err := os.ReadFile(w.opts.Files().KeysCopy(dir))
		w.ok(err)
		return string(b)
	}
	before := read()
	w.ok(store.CopyKeys(w.ctx, w.opts.Files(), dir))
	if read() != before {
		t.Error("it was written, though nothing has changed")
	}
	other, _ := linked(t)
	err := store.CopyKeys(w.ctx, other.opts.Files(), dir)
	w.is(err, store.ErrCopyForeign)
	w.is(second(store.TakeBackup(w.ctx, other.opts.Files(), dir, other.clock.Now().Add(time.Minute))), store.ErrCopyForeign)
	if all, err := store.Backups(w.opts.Files(), dir); len(all) != 1 || err != nil {
		t.Errorf("%v, %v: another database is the newest of the folder now", all, err)
	}
	if read() != before || !strings.Contains(fmt.Sprint(err), dir) {
		t.Errorf("it was written, or is not named: %v", err)
	}
	_, err = store.TakeBackup(w.ctx, w.opts.Files(), filepath.Join(dir, "none"), w.clock.Now())
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "make the folder") {
		t.Error(err)
	}
	lost := w.opts.Files()
	lost.KeysPath += ".elsewhere"
	for _, err := range []error{store.CopyKeys(w.ctx, lost, dir), second(store.TakeBackup(w.ctx, lost, dir, w.clock.Now().Add(time.Hour)))} {
		w.is(err, store.ErrKeysMissing)
	}
	if all, err := store.Backups(w.opts.Files(), dir); len(all) != 1 || err != nil || read() != before {
		t.Errorf("%v, %v: something was made of a database without its keys", all, err)
	}
	itself := w.opts.Files()
	itself.KeysPath = itself.KeysCopy(dir)
	if err := store.CopyKeys(w.ctx, itself, dir); err == nil || !strings.Contains(err.Error(), "itself") || read() != before {
		t.Error(err)
	}
}

// A backup that was cut off in the middle is none, and the next one clears it up.
func TestBackupCutOff(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	dir := t.TempDir()
	ended, end := context.WithCancel(w.ctx)
	end()
	if _, err := store.TakeBackup(ended, w.opts.Files(), dir, w.clock.Now()); err == nil {
		t.Error("it was made")
	}
	left := filepath.Join(dir, "aftercare-20200101T000000Z.db.part")
	w.ok(os.WriteFile(left, []byte("half of it"), 0o600))
	if all, err := store.Backups(w.opts.Files(), dir); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
	w.backUpTo(dir)
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Error("it is still there")
	}
}

// Before an old database is changed a copy of it is kept beside it, which can be
// gone back to.
func TestBackupBeforeMigration(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.ok(w.Close())
	var log bytes.Buffer
	newer := store.WithSteps(w.opts, withStep(t, `ALTER TABLE house ADD COLUMN news TEXT; UPDATE house SET news = 'x';`))
	newer.Log = logTo(&log)
	w.Store = storetest.OpenAt(t, newer, w.clock.Now)
	w.rows(1, "house WHERE news = 'x'")
	kept, err := filepath.Glob(filepath.Join(filepath.Dir(w.opts.Path), "aftercare-before-v2-*.db"))
	if err != nil || len(kept) != 1 || !strings.Contains(log.String(), kept[0]) {
		t.Fatalf("%v, %v, and the log says %s", kept, err, &log)
	}
	w.ok(w.Close())
	w.Store = storetest.OpenAt(t, newer, w.clock.Now)
	w.ok(w.Close())
	if again, _ := filepath.Glob(filepath.Join(filepath.Dir(w.opts.Path), "*before*")); len(again) != 1 {
		t.Errorf("another one was made without need: %v", again)
	}

	_, err = store.Open(w.ctx, w.opts) // by the program before
	var ahead store.NewerError
	if !errors.As(err, &ahead) || !strings.Contains(err.Error(), "aftercare restore --replace") || !strings.Contains(err.Error(), "-before-v2-") {
		t.Error(err)
	}
	source, err := store.FindBackup(w.opts.Files(), kept[0])
	w.ok(err)
	second(store.Restore(w.ctx, w.opts, source, true, w.clock.Now()))
	w.Store = storetest.OpenAt(t, w.opts, w.clock.Now)
	if pacts, err := w.Pacts(w.ctx, alex.ID); len(pacts) != 1 || err != nil {
		t.Errorf("%v, %v", pacts, err)
	}
}

// A backup that can't be made keeps the database as it was.
func TestNoMigrationWithoutBackup(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.ok(w.Close())
	at := w.clock.Now().UTC().Format("20060102T150405Z")
	w.ok(os.Mkdir(filepath.Join(filepath.Dir(w.opts.Path), "aftercare-before-v2-"+at+".db.part"), 0o700)) // in its way
	newer := store.WithSteps(w.opts, withStep(t, `DROP TABLE house`))
	newer.Now = w.clock.Now
	if _, err := store.Open(w.ctx, newer); err == nil || !strings.Contains(err.Error(), "no backup could be made") {
		t.Error(err)
	}
	w.restart()
	w.rows(1, "house")
}

// What comes with the schema is copied whole: no table is left out.
func TestBackupHasEveryRow(t *testing.T) {
	t.Parallel()
	w := scenario(t)
	dir, b := w.backUp()
	before := w.dump()
	db, err := sql.Open("sqlite", b.Path)
	w.ok(err)
	defer db.Close()
	var copied int64
	w.ok(db.QueryRow(`SELECT copied_at FROM house`).Scan(&copied))
	if copied != w.clock.Now().UnixMilli() {
		t.Errorf("taken at %d", copied)
	}
	if got := w.dumpFrom(db); got != before {
		t.Errorf("in the backup\n%s\nwant\n%s", got, before)
	}
	w.restored(dir)
}
