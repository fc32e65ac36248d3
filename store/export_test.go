package store

import (
	"context"
	"database/sql"
	"io/fs"
	"time"
)

// What the tests beside this package may look at.

// DB is the database itself.
func DB(s *Store) *sql.DB { return s.write }

// KeysDB is the keys file.
func KeysDB(s *Store) *sql.DB { return s.keys.db }

// Tx is what a step of a transaction is given.
type Tx = tx

// InTx runs fn in a transaction.
func InTx(ctx context.Context, s *Store, fn func(*Tx) error) error { return s.inTx(ctx, fn) }

// MostAtOnce is how many are committed at once.
const MostAtOnce = mostAtOnce

// NewID makes a row number.
func NewID(s *Store, at time.Time) int64 { return s.ids.next(at) }

// Known is the newest schema.
const Known = 1

// OpenAs opens a ciphertext as that of a person, for a column of a row.
func OpenAs(s *Store, person int64, column string, row int64, sealed []byte) (text string, err error) {
	err = s.inView(context.Background(), func(t *tx) error {
		p, err := t.open(person, column, row, sealed)
		text = p.Reveal()
		return err
	})
	return text, err
}

// WithSteps has a store know other migrations.
func WithSteps(o Options, steps fs.FS) Options {
	o.steps = steps
	return o
}

// Steps are the migrations that there are.
func Steps() fs.FS { return migrations }
