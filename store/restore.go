package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Source is what to restore.
type Source struct {
	Database string // a database that TakeBackup made, or that was kept before an update
	Keys     string // a copy of the keys file: used if the live one is gone or is no use
}

// Restored tells what a restore did.
type Restored struct {
	At     time.Time // when the backup was taken; zero if that is not in it
	Keys   string    // the copy that is the keys file now; "": the keys file that was there
	Erased int       // people in the backup who were erased since, and stay so
	Aside  []string  // what was there before, under new names
}

// FindBackup returns the source that a name stands for: a folder of backups, of
// which it is the newest database, or one database. ErrNoBackup.
func FindBackup(f Files, name string) (Source, error) {
	fi, err := os.Stat(name)
	if errors.Is(err, os.ErrNotExist) {
		return Source{}, fmt.Errorf("%s: %w", name, ErrNoBackup)
	} else if err != nil {
		return Source{}, explain(err)
	}
	if !fi.IsDir() {
		return Source{Database: name, Keys: f.KeysCopy(filepath.Dir(name))}, nil
	}
	all, err := Backups(f, name)
	if err != nil {
		return Source{}, err
	}
	if len(all) == 0 {
		return Source{}, fmt.Errorf("%s has no %s-<date>.db: %w", name, f.name(), ErrNoBackup)
	}
	return Source{Database: all[0].Path, Keys: f.KeysCopy(name)}, nil
}

// restore is one restore on its way.
type restore struct {
	o     Options
	from  Source
	when  string // in the names of what is kept aside
	done  Restored
	stage string // the database, beside where it goes
	keys  string // the keys, beside where they go; "": those that are there stay
}

// Restore puts a backup in the place of a database. Everything is looked through
// and tried before anything is touched, and what was there is kept beside under
// another name. The keys file that is there stays if it opens the backup: it is
// newer than any copy, and so whoever was erased since stays erased.
//
// It returns ErrInUse, ErrThere, ErrNoBackup, ErrKey, ErrKeysMissing,
// ErrKeysForeign, ErrKeysOlder, ErrDamaged and NewerError.
func Restore(ctx context.Context, o Options, from Source, replace bool, at time.Time) (done Restored, err error) {
	defer func() { err = explain(err) }()
	lock, err := alone(o.Path)
	if err != nil {
		return done, err
	}
	defer lock.Close()
	fresh, err := isFresh(o.Path)
	if err != nil {
		return done, err
	}
	if !fresh && !replace {
		return done, fmt.Errorf("%s: %w", o.Path, ErrThere)
	}
	if sameFile(from.Database, o.Path) {
		return done, fmt.Errorf("%s is the database itself: %w", from.Database, ErrNoBackup)
	}
	r := &restore{o: o, from: from, when: at.UTC().Format(stamp), stage: o.Path + ".restoring"}
	defer r.clear()
	r.clear()
	if err := r.prepare(ctx); err != nil {
		return done, fmt.Errorf("nothing is changed: %w", err)
	}
	if err := r.replace(); err != nil {
		return done, err
	}
	return r.done, nil
}

// clear takes away what was made on the way.
func (r *restore) clear() {
	for _, end := range []string{"", "-wal", "-shm", "-journal"} {
		os.Remove(r.stage + end)
		os.Remove(r.o.KeysPath + ".restoring" + end)
	}
}

// prepare makes a copy of the backup beside where it goes, tries it, and notes in
// it that it is one. What was kept aside once may have a log beside it.
func (r *restore) prepare(ctx context.Context) error {
	fi, err := os.Stat(r.from.Database)
	if err != nil {
		return err
	}
	if err := copyFile(r.from.Database, r.stage); err != nil {
		return err
	}
	if err := copyFile(r.from.Database+"-wal", r.stage+"-wal"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := r.onStage(ctx, `PRAGMA user_version`); err != nil { // opening it brings the log in
		return r.unsound(err)
	}
	if err := r.check(ctx); err != nil {
		return err
	}
	if err := r.condemn(ctx); err != nil {
		return err
	}
	return r.onStage(ctx, `UPDATE house SET copied_at = COALESCE(copied_at, $1)`, fi.ModTime().UnixMilli())
}

// condemn notes in the copy which keys the database that it replaces has condemned and
// not destroyed yet: who erased everything does not come back by that. A database that
// can't be read says nothing.
func (r *restore) condemn(ctx context.Context) error {
	if fresh, err := isFresh(r.o.Path); fresh || err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+escapePath(r.o.Path)+"?mode=ro")
	if err != nil {
		return err
	}
	defer db.Close()
	keys, err := condemned(ctx, db)
	if err != nil {
		return nil
	}
	for _, id := range keys {
		if err := r.onStage(ctx, `INSERT INTO condemned (key_id) VALUES ($1) ON CONFLICT DO NOTHING`, id); err != nil {
			return err
		}
	}
	return nil
}

func (r *restore) onStage(ctx context.Context, query string, args ...any) error {
	db, err := sql.Open("sqlite", "file:"+escapePath(r.stage)+"?_pragma=journal_mode(DELETE)&_pragma=synchronous(FULL)&_pragma=secure_delete(1)")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(ctx, query, args...)
	return errors.Join(err, db.Close())
}

// unsound says of what is wrong with the backup itself that another one is needed.
func (r *restore) unsound(err error) error {
	if code := resultCode(err); code == codeCorrupt || code == codeNotADB || errors.Is(err, ErrDamaged) {
		found := strings.TrimSuffix(err.Error(), ": "+ErrDamaged.Error())
		return fmt.Errorf("%s is damaged, or no backup (%s); name another one", r.from.Database, found)
	}
	return fmt.Errorf("%s: %w", r.from.Database, err)
}

// check looks through the database and finds the keys that open it.
func (r *restore) check(ctx context.Context) error {
	db, err := sql.Open("sqlite", "file:"+escapePath(r.stage)+"?mode=ro&immutable=1")
	if err != nil {
		return err
	}
	defer db.Close()
	proof, err := r.checkDatabase(ctx, db)
	if err != nil {
		return r.unsound(err)
	}
	live := explain(r.checkKeys(ctx, db, proof, r.o.KeysPath))
	if live == nil {
		return nil
	}
	r.keys = r.o.KeysPath + ".restoring"
	if err := copyFile(r.from.Keys, r.keys); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w\nThere is no copy of the keys at %s; name one with --keys", live, r.from.Keys)
	} else if err != nil {
		return err
	}
	if err := r.checkKeys(ctx, db, proof, r.keys); err != nil {
		return fmt.Errorf("neither of the keys files opens it:\n%w\n%w", live, renamed{err, r.keys, r.from.Keys})
	}
	r.done.Keys = r.from.Keys
	return nil
}

// renamed is an error that names one file for another.
type renamed struct {
	error
	from, to string
}

// Error implements error.
func (r renamed) Error() string { return strings.ReplaceAll(r.error.Error(), r.from, r.to) }

// Unwrap returns the cause.
func (r renamed) Unwrap() error { return r.error }

func (r *restore) checkDatabase(ctx context.Context, db *sql.DB) (proof []byte, err error) {
	if err := whole(ctx, db); err != nil {
		return nil, err
	}
	var have, known int
	if err := db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&have); err != nil {
		return nil, err
	}
	if known, err = r.o.known(); err != nil {
		return nil, err
	}
	if have > known {
		return nil, NewerError{Have: have, Know: known}
	}
	var copied sql.NullInt64
	err = db.QueryRowContext(ctx, `SELECT proof, copied_at FROM house`).Scan(&proof, &copied)
	if have == 0 || errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("it is no database of aftercare: %w", ErrNoBackup)
	} else if err != nil {
		return nil, err
	}
	if copied.Valid {
		r.done.At = fromMilli(copied.Int64)
	}
	return proof, nil
}

// checkKeys tells what keeps a keys file from opening a database, if anything does.
func (r *restore) checkKeys(ctx context.Context, db *sql.DB, proof []byte, path string) error {
	k, err := openKeys(ctx, path, r.o.Key, false)
	if err != nil {
		return err
	}
	defer k.db.Close()
	if err := k.prove(proof); err != nil {
		return fmt.Errorf("keys file %s: %w", path, err)
	}
	differ, err := k.compare(ctx, db)
	if err != nil {
		return err
	}
	r.done.Erased = len(differ.erased)
	if err := differ.older(); err != nil {
		return fmt.Errorf("keys file %s: %w", path, err)
	}
	return nil
}

// replace keeps aside what is there, and puts the backup into its place: the keys
// first, over those that are there, and the database last. So a start after a
// crash in the middle finds one of the two and says what is to be restored, and
// never none, which it would take for a new beginning.
func (r *restore) replace() error {
	if r.keys != "" {
		if err := r.aside(r.o.KeysPath, "-journal", os.Rename); err != nil {
			return err
		}
		if err := r.aside(r.o.KeysPath, "", copyFile); err != nil {
			return err
		}
		if err := os.Rename(r.keys, r.o.KeysPath); err != nil {
			return err
		}
		if err := Settle(filepath.Dir(r.o.KeysPath)); err != nil {
			return err
		}
	}
	for _, end := range []string{"", "-wal"} {
		if err := r.aside(r.o.Path, end, os.Rename); err != nil {
			return err
		}
	}
	for _, end := range []string{"-wal", "-shm"} { // what is left of it is empty
		if err := os.Remove(r.o.Path + end); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if err := os.Rename(r.stage, r.o.Path); err != nil {
		return err
	}
	return Settle(filepath.Dir(r.o.Path))
}

// aside keeps a file that is there under another name. What SQLite has beside it
// keeps its name's end, so that the two still belong together.
func (r *restore) aside(path, end string, keep func(from, to string) error) error {
	fi, err := os.Stat(path + end)
	if errors.Is(err, os.ErrNotExist) || err == nil && fi.Size() == 0 {
		return nil
	} else if err != nil {
		return err
	}
	to := path + ".replaced-" + r.when + end
	if err := keep(path+end, to); err != nil {
		return err
	}
	r.done.Aside = append(r.done.Aside, to)
	return nil
}

// copyFile copies a file, for its owner alone, and has the disk keep the copy.
func copyFile(from, to string) (err error) {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	if err := os.Remove(to); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	if _, err := io.Copy(dst, src); err != nil {
		return err
	}
	return dst.Sync()
}
