package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/gofrs/flock"
)

// Inspection is what a look at a Store's files found.
type Inspection struct {
	Fresh  bool  // there is no database yet, and no keys file
	InUse  bool  // a process has it open
	Schema int   // the version of the database
	Newest int   // the version that this program makes of it
	Size   int64 // in bytes, with what is not written back yet

	Database error // what is wrong with the database; it says what to do
	Keys     error // the same for the keys file, and for whether the master key opens it
}

// Inspect looks through a Store's files and changes nothing in them, whether or not
// a process has them open. An empty o.Key leaves out what needs one, and o.Marks is
// not looked at.
func Inspect(ctx context.Context, o Options) Inspection {
	for {
		in := inspect(ctx, o)
		if in.InUse || in.Database == nil || ctx.Err() != nil || !inUse(o.Path) {
			return in
		}
		// It was started meanwhile, and changed what was taken to stand still.
	}
}

func inspect(ctx context.Context, o Options) (in Inspection) {
	var err error
	if in.Newest, err = o.known(); err != nil {
		in.Database = err
		return in
	}
	fresh, err := isFresh(o.Path)
	if err != nil {
		in.Database = explain(err)
		return in
	}
	if _, err := os.Stat(o.KeysPath); fresh && errors.Is(err, fs.ErrNotExist) {
		in.Fresh = true
		return in
	}
	if fresh {
		switch err := lookAtKeys(ctx, o, nil, fresh); {
		case errors.Is(err, ErrDatabaseMissing):
			in.Database = err
		case err != nil && !errors.Is(err, ErrKeysMissing):
			in.Fresh, in.Keys = true, fmt.Errorf("%s: %w", o.KeysPath, explain(err))
		default:
			in.Fresh = true // a start was broken off, or nobody has come yet
		}
		return in
	}
	in.InUse = inUse(o.Path)
	in.Size = sizeOf(o.Path) + sizeOf(o.Path+"-wal")
	proof, err := in.look(ctx, o.Path)
	if err != nil {
		in.Database = fmt.Errorf("%s: %w", o.Path, explain(err))
	}
	if err := lookAtKeys(ctx, o, proof, fresh); err != nil {
		in.Keys = fmt.Errorf("%s: %w", o.KeysPath, explain(err))
	}
	return in
}

// inUse tells whether a process has the database open. It holds the lock for no
// longer than it takes to see whether it is free.
func inUse(path string) bool {
	name := path + ".lock"
	if _, err := os.Stat(name); err != nil {
		return false // and none is made
	}
	l := flock.New(name, flock.SetFlag(os.O_RDONLY))
	defer l.Close()
	free, err := l.TryRLock()
	return err == nil && !free
}

func sizeOf(path string) int64 {
	fi, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return fi.Size()
}

// look reads the whole database and returns its proof (see proveKeys).
func (in *Inspection) look(ctx context.Context, path string) (proof []byte, err error) {
	db, err := sql.Open("sqlite", readOnly(path, in.InUse))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if err := whole(ctx, db); err != nil {
		return nil, err
	}
	if err := db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&in.Schema); err != nil {
		return nil, err
	}
	if in.Schema > in.Newest {
		return nil, NewerError{Have: in.Schema, Know: in.Newest}
	}
	err = db.QueryRowContext(ctx, `SELECT proof FROM house`).Scan(&proof)
	return proof, err
}

// readOnly returns how to open a database that is not to be changed. One that
// nobody has open and that has no log beside it stands still; SQLite would have to
// make a log to read it otherwise.
func readOnly(path string, open bool) string {
	dsn := "file:" + escapePath(path) + "?mode=ro&_pragma=busy_timeout(5000)&_pragma=query_only(1)"
	if _, err := os.Stat(path + "-wal"); !open && errors.Is(err, fs.ErrNotExist) {
		dsn += "&immutable=1"
	}
	return dsn
}

// lookAtKeys reads the keys file, opens it, and opens the proof with it, if there is
// one. fresh says that there is no database, and people's keys are not to be there.
func lookAtKeys(ctx context.Context, o Options, sealed []byte, fresh bool) error {
	if _, err := os.Stat(o.KeysPath); errors.Is(err, fs.ErrNotExist) {
		return ErrKeysMissing
	}
	db, err := sql.Open("sqlite", "file:"+escapePath(o.KeysPath)+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer db.Close()
	if err := whole(ctx, db); err != nil {
		return err
	}
	switch n, err := countKeys(ctx, db); {
	case err != nil:
		return err
	case n == 0:
		return ErrKeysMissing
	case n > houseKeys && fresh:
		return ErrDatabaseMissing
	case o.Key == (MasterKey{}):
		return nil
	}
	k := &keyring{db: db}
	if k.master, err = o.Key.aead(); err != nil {
		return err
	}
	if err := k.unlock(ctx); err != nil || sealed == nil {
		return err
	}
	if b, err := openBytes(k.house, "house.proof", 1, sealed); err != nil || string(b) != proof {
		return ErrKeysForeign
	}
	return nil
}

// countKeys tells how many keys a keys file has. An empty file has none.
func countKeys(ctx context.Context, db *sql.DB) (n int, err error) {
	err = db.QueryRowContext(ctx, `SELECT COUNT(*) FROM sqlite_master WHERE name = 'keys'`).Scan(&n)
	if err != nil || n == 0 {
		return 0, err
	}
	return n, db.QueryRowContext(ctx, `SELECT COUNT(*) FROM keys`).Scan(&n)
}
