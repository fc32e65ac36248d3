package main

import (
	"bytes"
	"database/sql"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"aftercare/store"
	"aftercare/store/storetest"
)

// TestKeeper has the backups of a running bot follow what happens in its store:
// so many databases are kept, and a key that was destroyed goes from the copy.
func TestKeeper(t *testing.T) {
	o, clock, dir := storetest.Options(t), storetest.NewClock(), t.TempDir()
	s := storetest.OpenAt(t, o, clock.Now)
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	k := &keeper{store: s, files: o.Files(), dir: dir, keep: 2, log: slog.New(slog.NewTextHandler(&log, nil))}
	copied := o.Files().KeysCopy(dir)
	keys := func() (n int) {
		t.Helper()
		db, err := sql.Open("sqlite", copied)
		ok(err)
		defer db.Close()
		ok(db.QueryRow(`SELECT COUNT(*) FROM keys WHERE length(id) = 16`).Scan(&n))
		return n
	}
	ok(k.CopyKeys(t.Context())) // there is nothing yet
	if last, err := k.LastBackup(); err != nil || !last.IsZero() {
		t.Errorf("%v, %v", last, err)
	}
	storetest.Link(t, s, storetest.Alex, storetest.Sam)
	_, _, err := s.Invite(t.Context(), storetest.Kit, storetest.Consent)
	ok(err)
	for range 3 {
		clock.Advance(24 * time.Hour)
		ok(k.Backup(t.Context()))
	}
	if last, err := k.LastBackup(); err != nil || !last.Equal(clock.Now()) {
		t.Errorf("%v, %v, want %v", last, err, clock.Now())
	}
	if all, err := store.Backups(o.Files(), dir); err != nil || len(all) != 2 {
		t.Errorf("%v, %v", all, err)
	}
	if n := keys(); n != 3 {
		t.Errorf("%d keys in the copy, want those of three people", n)
	}

	clock.Advance(40 * 24 * time.Hour)
	_, err = s.Forget(t.Context()) // kit, of whom nothing is left
	ok(err)
	if n := keys(); n != 3 {
		t.Errorf("%d keys in the copy before it was brought up to date", n)
	}
	ok(k.CopyKeys(t.Context()))
	if n := keys(); n != 2 {
		t.Errorf("%d keys in the copy, want those of the two who are left", n)
	}
	ok(os.Remove(copied))
	ok(k.CopyKeys(t.Context()))
	if _, err := os.Stat(copied); err == nil {
		t.Error("it was written, though nothing had changed")
	}
	clock.Advance(-60 * 24 * time.Hour) // what a clock that was ahead has named is not the last
	if last, err := k.LastBackup(); err != nil || !last.IsZero() {
		t.Errorf("%v, %v", last, err)
	}
	k.dir += "/nowhere"
	for what, err := range map[string]error{"backup": k.Backup(t.Context()), "last": func() error { _, err := k.LastBackup(); return err }()} {
		if err == nil || !strings.Contains(err.Error(), "backup.dir") || !strings.Contains(err.Error(), "make the folder") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
