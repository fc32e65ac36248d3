package store_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"aftercare/store"
)

// between is a context that has something happen in the middle of a backup: whatever
// works with a database asks its context first.
type between struct {
	context.Context
	look func()
}

func (b between) Done() <-chan struct{} { b.look(); return b.Context.Done() }

// backUpWhile takes a backup in the middle of which something happens: just before the
// database is copied, or just after.
func (w *world) backUpWhile(copied bool, happens func()) (dir string) {
	w.Helper()
	dir = w.TempDir()
	var once sync.Once
	happened := false
	ctx := between{w.ctx, func() {
		parts, err := filepath.Glob(filepath.Join(dir, "*.part"))
		if err != nil || len(parts) != 1 {
			return
		}
		if fi, err := os.Stat(parts[0]); err != nil || copied != (fi.Size() > 0) {
			return
		}
		once.Do(func() { happens(); happened = true })
	}}
	_, err := store.TakeBackup(ctx, w.opts.Files(), dir, w.clock.Now())
	w.ok(err)
	if !happened {
		w.Fatal("nothing happened meanwhile")
	}
	return dir
}

// Who agrees while a backup is being taken is in the database with a key in the copy of
// the keys: else the backup would not open, for anybody.
func TestBackupHasEverybodysKey(t *testing.T) {
	t.Parallel()
	w := scenario(t)
	before := w.count("persons")
	dir := w.backUpWhile(false, func() {
		somebody, _ := couple(0)
		_, _, err := w.Invite(w.ctx, somebody, 1)
		w.ok(err)
	})
	k := w.restored(dir)
	k.rows(before+1, "persons")
	k.opened(0)
}

// Who erases everything while a backup is being taken is in that database, and can't be
// read in it.
func TestErasedDuringABackup(t *testing.T) {
	t.Parallel()
	w := scenario(t)
	dir := w.backUpWhile(true, func() {
		kept, err := w.Kept(w.ctx, sam.ID)
		w.ok(err)
		w.ok(w.Erase(w.ctx, sam.ID, kept.Person))
	})
	k := w.restored(dir)
	kept, err := k.Kept(k.ctx, sam.ID)
	w.ok(err)
	if kept.Any {
		t.Errorf("%+v is kept of somebody who is gone", kept)
	}
}
