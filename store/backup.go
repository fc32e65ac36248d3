package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// Files are what there is to back up. No key is needed for that.
type Files struct{ Path, KeysPath string }

// name is what the names of backups begin with.
func (f Files) name() string {
	return strings.TrimSuffix(filepath.Base(f.Path), filepath.Ext(f.Path))
}

// KeysCopy is where the copy of the keys is in a folder of backups: in a folder of
// its own, so that it can be kept apart from the databases.
func (f Files) KeysCopy(dir string) string {
	return filepath.Join(dir, "keys", f.name()+".keys")
}

// LockIn is the file in a folder of backups that keeps two from being taken at once.
func (f Files) LockIn(dir string) string { return filepath.Join(dir, "."+f.name()+".lock") }

// Backup is one copy of a database.
type Backup struct {
	Path string
	At   time.Time // when it was taken, to the second
}

// stamp is the time in a backup's name, in UTC. Names in order are in time's order.
const stamp = "20060102T150405Z"

// TakeBackup makes a copy of the database in a folder, and brings the copy of the
// keys there up to date. The bot may run meanwhile, and waits for nothing. Of the
// keys there is one copy, overwritten in place: an older one would open what was
// erased since. The folder has to be there.
func TakeBackup(ctx context.Context, f Files, dir string, at time.Time) (b Backup, err error) {
	defer func() { err = explain(err) }()
	if fresh, err := isFresh(f.Path); err != nil {
		return b, err
	} else if fresh {
		return b, fmt.Errorf("%s: there is no database to back up; check store.path in the configuration", f.Path)
	}
	if fi, err := os.Stat(dir); err != nil {
		return b, err
	} else if !fi.IsDir() {
		return b, fmt.Errorf("%s is no folder; name one for the backups", dir)
	}
	if err := ensureFile(f.KeysPath, false); err != nil {
		return b, fmt.Errorf("keys file %w", err)
	}
	lock := flock.New(f.LockIn(dir))
	if ok, err := lock.TryLock(); err != nil {
		return b, err
	} else if !ok {
		return b, fmt.Errorf("%s: %w", dir, ErrBackingUp)
	}
	defer lock.Close()
	if parts, err := filepath.Glob(filepath.Join(globEscape(dir), f.name()+"-*.part*")); err == nil {
		for _, part := range parts { // what a crash left
			os.Remove(part)
		}
	}
	// Before the database as well: a folder that belongs to another one gets nothing.
	if err := copyKeys(ctx, f, dir); err != nil {
		return b, err
	}
	b = Backup{Path: filepath.Join(dir, f.name()+"-"+at.UTC().Format(stamp)+".db"), At: at.UTC().Truncate(time.Second)}
	if err := copyDatabase(ctx, f.Path, b.Path, at); err != nil {
		return Backup{}, fmt.Errorf("backup %s: %w", b.Path, err)
	}
	// After the database: so the copy has the key of everybody in it.
	return b, copyKeys(ctx, f, dir)
}

var globSpecial = strings.NewReplacer(`*`, `[*]`, `?`, `[?]`, `[`, `[[]`)

func globEscape(path string) string { return globSpecial.Replace(path) }

// Backups lists the databases that TakeBackup made in a folder, the newest first.
func Backups(f Files, dir string) (out []Backup, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, explain(err)
	}
	for _, e := range entries {
		text, ours := strings.CutPrefix(e.Name(), f.name()+"-")
		text, is := strings.CutSuffix(text, ".db")
		if at, err := time.Parse(stamp, text); ours && is && err == nil {
			out = append(out, Backup{Path: filepath.Join(dir, e.Name()), At: at})
		}
	}
	slices.SortFunc(out, func(a, b Backup) int { return b.At.Compare(a.At) })
	return out, nil
}

// KeptAside lists what an update or a restore has kept beside the database and the
// keys file, under other names, and what one that was killed has left there.
func (f Files) KeptAside() (out []string, err error) {
	for _, path := range []string{f.Path, f.KeysPath} {
		dir := filepath.Dir(path)
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, explain(err)
		}
		for _, e := range entries {
			name, whole := e.Name(), filepath.Join(dir, e.Name())
			aside := strings.HasPrefix(name, filepath.Base(path)+".replaced-") || strings.HasPrefix(name, filepath.Base(path)+".restoring")
			before := path == f.Path && strings.HasPrefix(name, f.name()+"-before-v")
			if (aside || before) && !slices.Contains(out, whole) {
				out = append(out, whole)
			}
		}
	}
	return out, nil
}

// Prune deletes all but the newest databases of a folder. The copy of the keys
// stays: it serves them all.
func Prune(f Files, dir string, keep int) error {
	all, err := Backups(f, dir)
	if err != nil || len(all) <= keep {
		return err
	}
	for _, b := range all[max(keep, 1):] {
		if err := os.Remove(b.Path); err != nil {
			return explain(err)
		}
	}
	return nil
}

// copyDatabase makes a copy of a database as it is at one moment, while others
// write to it. It is built anew, so that nothing that was deleted is in it, looked
// through, and has its name only when it is whole and on the disk.
func copyDatabase(ctx context.Context, from, to string, at time.Time) (err error) {
	part := to + ".part"
	defer func() {
		if err != nil {
			os.Remove(part)
			os.Remove(part + "-journal")
		}
	}()
	f, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) // SQLite would let others read it
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	// Able to write, though it only reads: it takes along what SQLite needs beside
	// the file when nobody else has it open.
	db, err := sql.Open("sqlite", "file:"+escapePath(from)+"?mode=rw&_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `VACUUM INTO $1`, part)
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("database %s: %w", from, err)
	}
	if err := markCopy(ctx, part, at); err != nil {
		return err
	}
	if err := Settle(part); err != nil {
		return err
	}
	if err := os.Rename(part, to); err != nil {
		return err
	}
	return Settle(filepath.Dir(to))
}

// markCopy looks through a copy and notes in it that it is one.
func markCopy(ctx context.Context, path string, at time.Time) error {
	db, err := sql.Open("sqlite", "file:"+escapePath(path)+"?_pragma=journal_mode(DELETE)&_pragma=synchronous(FULL)&_pragma=secure_delete(1)")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if err := whole(ctx, db); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `UPDATE house SET copied_at = $1`, at.UnixMilli())
	return err
}

// Settle has the disk keep a file, or the names in a folder. What can't be
// synced is left to the system.
func Settle(path string) error {
	how := os.O_RDWR
	fi, err := os.Stat(path)
	if err != nil {
		return err
	}
	if fi.IsDir() {
		how = os.O_RDONLY
	}
	f, err := os.OpenFile(path, how, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !fi.IsDir() { // not every system can sync a folder
		return err
	}
	return nil
}

// CopyKeys brings the copy of the keys in a folder of backups up to date: in
// place, all of it or nothing, so that a key that was destroyed is overwritten
// there as well. When nothing has changed it writes nothing.
func CopyKeys(ctx context.Context, f Files, dir string) error {
	return explain(copyKeys(ctx, f, dir))
}

func copyKeys(ctx context.Context, f Files, dir string) (err error) {
	to := f.KeysCopy(dir)
	defer func() {
		if err != nil {
			err = fmt.Errorf("copy of the keys %s: %w", to, err)
		}
	}()
	if err := os.Mkdir(filepath.Dir(to), 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	if sameFile(to, f.KeysPath) {
		return errors.New("this is the keys file itself; name another folder for the backups")
	}
	if err := ensureFile(f.KeysPath, false); err != nil {
		return fmt.Errorf("keys file %w", err)
	}
	if err := ensureFile(to, true); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+escapePath(to)+keysPragmas)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // so that what is attached is there in the transaction
	if _, err := db.ExecContext(ctx, keysSchema); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, `ATTACH $1 AS live`, "file:"+escapePath(f.KeysPath)+"?mode=ro"); err != nil {
		return fmt.Errorf("keys file %s: %w", f.KeysPath, err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := takeOver(ctx, tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	return rebuild(ctx, db)
}

func sameFile(a, b string) bool {
	fa, err := os.Stat(a)
	if err != nil {
		return false
	}
	fb, err := os.Stat(b)
	return err == nil && os.SameFile(fa, fb)
}

// takeOver makes the keys of a copy those of the live file. What the live file
// never had is not deleted: it may be all that is left of it.
func takeOver(ctx context.Context, tx *sql.Tx) error {
	var have, unknown int
	err := tx.QueryRowContext(ctx, `
		SELECT (SELECT COUNT(*) FROM live.keys WHERE id IN ($1, $2)), (
			SELECT COUNT(*)
			FROM main.keys
			WHERE id NOT IN ($1, $2)
			  AND id NOT IN (SELECT id FROM live.keys)
			  AND id NOT IN (SELECT id FROM live.destroyed)
		)
	`, houseID, hashID).Scan(&have, &unknown)
	switch {
	case err != nil:
		return err
	case have < 2:
		return ErrKeysMissing
	case unknown > 0:
		return ErrCopyForeign
	}
	overwritten := int64(0)
	for _, step := range []string{
		`DELETE FROM main.keys WHERE id NOT IN (SELECT id FROM live.keys)`,
		`UPDATE main.keys SET wrapped = l.wrapped FROM live.keys l WHERE l.id = main.keys.id AND l.wrapped <> main.keys.wrapped`,
	} {
		res, err := tx.ExecContext(ctx, step)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		overwritten += n
	}
	for _, step := range []string{
		`INSERT INTO main.keys (id, wrapped) SELECT id, wrapped FROM live.keys WHERE true ON CONFLICT DO NOTHING`,
		`INSERT INTO main.destroyed (id) SELECT id FROM live.destroyed WHERE true ON CONFLICT DO NOTHING`,
	} {
		if _, err := tx.ExecContext(ctx, step); err != nil {
			return err
		}
	}
	if overwritten == 0 {
		return nil
	}
	_, err = tx.ExecContext(ctx, toRebuild)
	return err
}
