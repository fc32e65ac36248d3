package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
)

// Options say where a Store lives.
type Options struct {
	Path     string          // the database
	KeysPath string          // the wrapped keys of the people in it
	Key      MasterKey       // wraps those keys
	Marks    []time.Duration // when a check-in is due after a scene's end; rising, at least one

	Now func() time.Time // the clock, as Store.Now; nil: time.Now
	Log *slog.Logger     // told what was done before a migration; nil: nobody

	steps fs.FS // the migrations; nil: ours
}

// Files returns the two files.
func (o Options) Files() Files { return Files{Path: o.Path, KeysPath: o.KeysPath} }

// Store is the database. It owns the program's only clock.
type Store struct {
	// Now is the clock. Set it before the first use or not at all.
	Now func() time.Time

	// AskAbout tells of words whose writer is asked who sees them, even if they have
	// set that. Nothing is kept of what it says. Set it as Now; nil is no words.
	AskAbout func(words string) bool

	marks []time.Duration
	write *sql.DB // one connection, which is whose turn it is in line
	line  line
	read  *sql.DB
	tidy  *sql.DB // empties the write-ahead log, and gives way to everybody
	keys  *keyring
	lock  *flock.Flock
	ids   idSource

	commits atomic.Int64 // since the write-ahead log was last copied into the file

	ready, readyToRead map[string]*sql.Stmt // see prepare
}

const (
	pragmas      = "?_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=secure_delete(1)&_pragma=temp_store(2)&_pragma=cache_size(-32768)"
	readPragmas  = pragmas + "&_pragma=query_only(1)&_txlock=deferred"
	writePragmas = pragmas + "&_pragma=wal_autocheckpoint(16384)&_txlock=immediate" // see Checkpoint
	readers      = 4
)

// Open opens the database and its keys file, makes both where there is neither,
// and brings the schema up to date. Only one process may have it open: ErrInUse.
// It also returns ErrKey, ErrKeysMissing, ErrKeysForeign, ErrDatabaseMissing,
// ErrKeysOlder, ErrDamaged and NewerError. Each error of the machine names the file and says
// what to do.
func Open(ctx context.Context, o Options) (_ *Store, err error) {
	if len(o.Marks) == 0 {
		return nil, errors.New("store: no marks")
	}
	if filepath.Clean(o.Path) == filepath.Clean(o.KeysPath) {
		return nil, errors.New("store: the keys need a file of their own")
	}
	s := &Store{Now: time.Now, marks: slices.Clone(o.Marks)}
	if o.Now != nil {
		s.Now = o.Now
	}
	defer func() {
		if err != nil {
			s.Close()
			err = explain(err)
		}
	}()
	if s.lock, err = alone(o.Path); err != nil {
		return nil, err
	}
	fresh, err := isFresh(o.Path)
	if err != nil {
		return nil, err
	}
	if s.keys, err = openKeys(ctx, o.KeysPath, o.Key, fresh); err != nil {
		return nil, err
	}
	if err := s.openDatabase(ctx, o); err != nil {
		return nil, fmt.Errorf("database %s: %w", o.Path, err)
	}
	return s, nil
}

// alone takes the lock that every process takes which changes a database's files.
func alone(path string) (*flock.Flock, error) {
	// Opened for writing, so that a disk that can only be read is noticed here.
	lock := flock.New(path+".lock", flock.SetFlag(os.O_CREATE|os.O_RDWR))
	ok, err := lock.TryLock()
	switch {
	case err != nil:
		return nil, fmt.Errorf("database folder %s: %w", filepath.Dir(path), err)
	case !ok:
		lock.Close()
		return nil, fmt.Errorf("%s: %w", path, ErrInUse)
	}
	return lock, nil
}

func (s *Store) openDatabase(ctx context.Context, o Options) (err error) {
	path := o.Path
	if err := ensureFile(path, true); err != nil {
		return err
	}
	if s.write, err = sql.Open("sqlite", "file:"+escapePath(path)+writePragmas); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	if err := s.migrate(ctx, o); err != nil {
		return err
	}
	if s.read, err = sql.Open("sqlite", "file:"+escapePath(path)+readPragmas); err != nil {
		return err
	}
	if s.tidy, err = sql.Open("sqlite", "file:"+escapePath(path)+strings.Replace(pragmas, "busy_timeout(5000)", "busy_timeout(20)", 1)); err != nil {
		return err
	}
	s.tidy.SetMaxOpenConns(1)
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	if err := s.prepare(ctx); err != nil {
		return err
	}
	if err := s.proveKeys(ctx); err != nil {
		return err
	}
	return s.recover(ctx)
}

// prepare keeps ready the statements that run all day whether anything happens or
// not. Nearly all of what such a one takes is SQLite reading and planning it.
func (s *Store) prepare(ctx context.Context) (err error) {
	often := append([]string{fitsDue, pactsOnce, sweepPeople, relaysAhead, noticesAhead}, setRight...)
	for _, sweep := range sweeps {
		often = append(often, sweep.sql)
	}
	for _, f := range forgotten {
		often = append(often, goingOld(f.of))
	}
	if s.ready, err = prepared(ctx, s.write, often); err != nil {
		return err
	}
	s.readyToRead, err = prepared(ctx, s.read, []string{nextDue, nextTurn, standingSQL(tooOld)})
	return err
}

func prepared(ctx context.Context, db *sql.DB, queries []string) (map[string]*sql.Stmt, error) {
	ready := map[string]*sql.Stmt{}
	for _, query := range queries {
		stmt, err := db.PrepareContext(ctx, query)
		if err != nil {
			return nil, err
		}
		ready[query] = stmt
	}
	return ready, nil
}

// checkWithin is how long a start waits to hear whether a file is sound. A file
// with a million check-ins to come, 200 MB, takes SQLite 5 to 6 seconds: of those
// the first go to the pages, and what is left is looking into each row.
const checkWithin = 3 * time.Second

// sound returns ErrDamaged for a file that SQLite finds damaged. One so big that
// it can't be looked through in time is taken as sound: a bot that starts late
// every day is worse than one that finds the damage later.
func sound(ctx context.Context, db *sql.DB) error {
	looking, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	err := whole(looking, db)
	if err != nil && looking.Err() != nil && ctx.Err() == nil {
		return nil
	}
	return err
}

// whole is sound that takes the time it takes.
func whole(ctx context.Context, db *sql.DB) error {
	var found string
	err := db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&found)
	if err == nil && found != "ok" {
		return fmt.Errorf("%s: %w", found[strings.LastIndex(found, "\n")+1:], ErrDamaged)
	}
	return err
}

// isFresh tells whether there is no database yet. An empty file is none.
func isFresh(path string) (bool, error) {
	fi, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil
	} else if err != nil {
		return false, err
	} else if fi.IsDir() {
		return false, fmt.Errorf("%s is a folder; name a file in the configuration", path)
	}
	return fi.Size() == 0, nil
}

// escapePath makes a path safe inside a file: URI.
func escapePath(path string) string {
	return (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()
}

const proof = "aftercare"

// proveKeys writes the proof into a new database and opens it in an old one, so
// that a keys file of another database is noticed now and not one day later.
func (s *Store) proveKeys(ctx context.Context) error {
	return s.inTx(ctx, func(t *tx) error {
		var sealed []byte
		err := t.QueryRow(`SELECT proof FROM house`).Scan(&sealed)
		if errors.Is(err, sql.ErrNoRows) {
			if sealed, err = sealBytes(s.keys.house, "house.proof", 1, []byte(proof)); err != nil {
				return err
			}
			_, err = t.Exec(`INSERT INTO house (id, proof) VALUES (1, $1)`, sealed)
			return err
		} else if err != nil {
			return err
		}
		return s.keys.prove(sealed)
	})
}

// prove returns ErrKeysForeign for the proof of another database.
func (k *keyring) prove(sealed []byte) error {
	if b, err := openBytes(k.house, "house.proof", 1, sealed); err != nil || string(b) != proof {
		return ErrKeysForeign
	}
	return nil
}

// recover puts right what a crash left: deliveries that some dead process has in
// hand, which go back to the time they were due, and keys without a person. It also
// does what a restore left to do.
func (s *Store) recover(ctx context.Context) error {
	err := s.inTx(ctx, func(t *tx) error {
		var last int64
		err := t.QueryRow(`
			SELECT MAX(
				COALESCE((SELECT MAX(id) FROM persons), 0),
				COALESCE((SELECT MAX(id) FROM scenes), 0),
				COALESCE((SELECT MAX(id) FROM standings), 0),
				COALESCE((SELECT MAX(id) FROM answers), 0),
				COALESCE((SELECT MAX(id) FROM words), 0),
				COALESCE((SELECT MAX(id) FROM feelings), 0),
				COALESCE((SELECT MAX(id) FROM deliveries), 0)
			)
		`).Scan(&last)
		if err != nil {
			return err
		}
		s.ids.after(last)
		if _, err = t.Exec(`UPDATE deliveries SET lease = NULL, next_at = due_at WHERE lease IS NOT NULL`); err != nil {
			return err
		}
		return t.wasRestored()
	})
	if err != nil {
		return err
	}
	return s.matchKeys(ctx)
}

// Close closes the database. Nothing may use the Store any more.
func (s *Store) Close() error {
	var errs []error
	for _, db := range []*sql.DB{s.tidy, s.read, s.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if s.keys != nil {
		errs = append(errs, s.keys.db.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// tx is a transaction, or one caller's part of it, with one fixed time.
type tx struct {
	*sql.Tx
	ctx     context.Context
	s       *Store
	now     int64 // Unix milliseconds
	shared  bool  // there are others' parts in it
	ready   map[string]*sql.Stmt
	refused error // of a statement: what comes after would be half of it, or outside of it
}

// Exec runs under the transaction's context.
func (t *tx) Exec(query string, args ...any) (sql.Result, error) {
	if ready, ok := t.ready[query]; ok {
		ctx := t.during()
		res, err := t.StmtContext(ctx, ready).ExecContext(ctx, args...)
		return res, t.note(err)
	}
	res, err := t.Tx.ExecContext(t.during(), query, args...)
	return res, t.note(err)
}

// Query runs under the transaction's context.
func (t *tx) Query(query string, args ...any) (*sql.Rows, error) {
	if ready, ok := t.ready[query]; ok {
		ctx := t.during()
		rows, err := t.StmtContext(ctx, ready).QueryContext(ctx, args...)
		return rows, t.note(err)
	}
	rows, err := t.Tx.QueryContext(t.during(), query, args...)
	return rows, t.note(err)
}

// QueryRow runs under the transaction's context.
func (t *tx) QueryRow(query string, args ...any) *sql.Row {
	if ready, ok := t.ready[query]; ok {
		ctx := t.during()
		row := t.StmtContext(ctx, ready).QueryRowContext(ctx, args...)
		t.note(row.Err())
		return row
	}
	row := t.Tx.QueryRowContext(t.during(), query, args...)
	t.note(row.Err())
	return row
}

// during returns the context of one statement. In a shared transaction the caller's
// ends it before a statement and not in the middle of one: SQLite rolls back all of
// a transaction of which it must break off a write.
func (t *tx) during() context.Context {
	switch {
	case !t.shared || t.ctx.Err() != nil:
		return t.ctx
	case t.refused != nil:
		ended, end := context.WithCancel(t.ctx)
		end()
		return ended
	}
	return context.WithoutCancel(t.ctx)
}

// note keeps what SQLite refused first.
func (t *tx) note(err error) error {
	if t.refused == nil && resultCode(err) != 0 {
		t.refused = err
	}
	return err
}

// time returns the transaction's time.
func (t *tx) time() time.Time { return fromMilli(t.now) }

func (t *tx) newID() int64 { return t.s.ids.next(t.time()) }

// inView runs fn in a transaction that only reads, and so waits for no writer.
func (s *Store) inView(ctx context.Context, fn func(*tx) error) error {
	return s.in(ctx, s.read, s.readyToRead, fn)
}

// in runs fn in a transaction of its own.
func (s *Store) in(ctx context.Context, db *sql.DB, ready map[string]*sql.Stmt, fn func(*tx) error) error {
	ctx, cancel := sparing(ctx)
	defer cancel()
	begun, err := begin(ctx, ctx, db)
	if err != nil {
		return err
	}
	defer begun.Rollback()
	if err := fn(&tx{Tx: begun, ctx: ctx, s: s, now: s.Now().UnixMilli(), ready: ready}); err != nil {
		return err
	}
	return begun.Commit()
}

// mostSpared is how long before its caller's deadline a transaction gives up at
// the latest: time to say that it could not be done.
const mostSpared = 500 * time.Millisecond

// sparing leaves of the time that a caller has a fifth, or mostSpared.
func sparing(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, end.Add(-min(mostSpared, time.Until(end)/5)))
}

// begin waits for another program that has the file locked, a backup for example:
// as long as ctx says, and without a deadline for SQLite's busy_timeout. The
// transaction is over when that of life is.
func begin(ctx, life context.Context, db *sql.DB) (*sql.Tx, error) {
	_, ends := ctx.Deadline()
	for {
		begun, err := db.BeginTx(life, nil)
		if err == nil || !ends || ctx.Err() != nil || resultCode(err) != codeBusy {
			return begun, err
		}
	}
}

func fromMilli(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// each calls scan for every row and closes them.
func each(rows *sql.Rows, err error, scan func(*sql.Rows) error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// placeholders returns "$from, ..., $from+n-1".
func placeholders(from, n int) string {
	p := make([]string, n)
	for i := range p {
		p[i] = fmt.Sprintf("$%d", from+i)
	}
	return strings.Join(p, ", ")
}

// ids returns the one column of a query.
func (t *tx) ids(query string, args ...any) (out []int64, err error) {
	rows, err := t.Query(query, args...)
	err = each(rows, err, func(r *sql.Rows) error {
		var id int64
		err := r.Scan(&id)
		out = append(out, id)
		return err
	})
	return out, err
}
