package store

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
)

// Destroyed counts the keys that were destroyed since the start. When it has
// grown, copies of the keys file are to be brought up to date (see CopyKeys).
func (s *Store) Destroyed() int64 { return s.keys.gone.Load() }

// condemn notes, in the transaction in which somebody goes, that nobody has their key
// any more.
func (t *tx) condemn(key []byte) error {
	_, err := t.Exec(`INSERT INTO condemned (key_id) VALUES ($1) ON CONFLICT DO NOTHING`, key)
	return err
}

// condemned returns the keys that a database has condemned, and that were not noted as
// destroyed since.
func condemned(ctx context.Context, db *sql.DB) (keys [][]byte, err error) {
	rows, err := db.QueryContext(ctx, `SELECT key_id FROM condemned`)
	err = each(rows, err, func(r *sql.Rows) error {
		var id []byte
		err := r.Scan(&id)
		keys = append(keys, id)
		return err
	})
	return keys, err
}

// destroyKeys destroys the keys that nobody has any more. A crash before it is done,
// or a keys file that can't be written to, leaves the note; the next start and each
// Forget go on from there.
func (s *Store) destroyKeys(ctx context.Context) error {
	keys, err := condemned(ctx, s.read)
	if err != nil {
		return err
	}
	if err := s.keys.destroy(ctx, keys); err != nil || len(keys) == 0 {
		return err
	}
	return s.inTx(ctx, func(t *tx) error {
		for _, id := range keys {
			if _, err := t.Exec(`DELETE FROM condemned WHERE key_id = $1`, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// destroy deletes keys, and notes that they were there.
func (k *keyring) destroy(ctx context.Context, keys [][]byte) error {
	if len(keys) == 0 {
		return rebuild(ctx, k.db) // if it could not be the last time
	}
	tx, err := k.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, id := range keys {
		if _, err := tx.ExecContext(ctx, `INSERT INTO destroyed (id) VALUES ($1) ON CONFLICT DO NOTHING`, id); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM keys WHERE id = $1`, id); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, toRebuild); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	k.gone.Add(int64(len(keys)))
	_ = rebuild(context.WithoutCancel(ctx), k.db) // they are gone; this is noted, and the next Forget tries it again
	return nil
}

// toRebuild notes, in the transaction that overwrites keys, that a keys file is to
// be rebuilt. SQLite overwrites what is deleted where it stands, and not what is
// left, within a page, of where it stood before its neighbours had it moved.
const toRebuild = `PRAGMA user_version = 1`

// rebuild builds a keys file anew if that was noted.
func rebuild(ctx context.Context, db *sql.DB) error {
	var noted int
	if err := db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&noted); err != nil || noted == 0 {
		return err
	}
	if _, err := db.ExecContext(ctx, `VACUUM`); err != nil {
		return err
	}
	_, err := db.ExecContext(ctx, `PRAGMA user_version = 0`)
	return err
}

// apart is where the people of a database and a keys file differ.
type apart struct {
	orphans [][]byte // keys that no person has
	erased  [][]byte // keys that a person has and that were destroyed
	missing int      // people whose key was never in this keys file
}

// compare tells where the people of a database and the keys differ.
func (k *keyring) compare(ctx context.Context, db *sql.DB) (a apart, err error) {
	orphans, without, err := k.unmatched(ctx, db)
	if err != nil {
		return a, err
	}
	a.orphans = orphans
	for _, id := range without {
		var destroyed bool
		if err := k.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM destroyed WHERE id = $1)`, id).Scan(&destroyed); err != nil {
			return a, err
		}
		if destroyed {
			a.erased = append(a.erased, id)
		} else {
			a.missing++
		}
	}
	return a, nil
}

// older returns ErrKeysOlder if there are people without a key.
func (a apart) older() error {
	if a.missing == 0 {
		return nil
	}
	return fmt.Errorf("it has no key for %d of the people in the database: %w", a.missing, ErrKeysOlder)
}

// unmatched goes through both lists at once, so that neither must be in memory:
// keys without a person, and the key ids of people without a key.
func (k *keyring) unmatched(ctx context.Context, db *sql.DB) (orphans, without [][]byte, err error) {
	used, err := db.QueryContext(ctx, `SELECT key_id FROM persons ORDER BY key_id`)
	if err != nil {
		return nil, nil, err
	}
	defer used.Close()
	keys, err := k.db.QueryContext(ctx, `SELECT id FROM keys WHERE id NOT IN ($1, $2) ORDER BY id`, houseID, hashID)
	if err != nil {
		return nil, nil, err
	}
	defer keys.Close()
	key, err := nextOf(keys)
	if err != nil {
		return nil, nil, err
	}
	person, err := nextOf(used)
	for err == nil && (key != nil || person != nil) {
		at := bytes.Compare(key, person)
		switch {
		case person == nil || key != nil && at < 0:
			orphans = append(orphans, key)
			key, err = nextOf(keys)
		case key == nil || at > 0:
			without = append(without, person)
			person, err = nextOf(used)
		default:
			if key, err = nextOf(keys); err == nil {
				person, err = nextOf(used)
			}
		}
	}
	return orphans, without, err
}

// nextOf returns the next of a list of ids, or nil after the last.
func nextOf(rows *sql.Rows) (id []byte, err error) {
	if !rows.Next() {
		return nil, rows.Err()
	}
	err = rows.Scan(&id)
	return id, err
}

// matchKeys puts right what differs between the people and their keys. A key that
// nobody has is what a crash left before somebody had it, and is destroyed. Somebody
// whose key was destroyed comes from a copy of the database, and goes.
func (s *Store) matchKeys(ctx context.Context) error {
	if err := s.destroyKeys(ctx); err != nil {
		return err
	}
	differ, err := s.keys.compare(ctx, s.read)
	if err != nil {
		return err
	}
	if err := differ.older(); err != nil {
		return err
	}
	if err := s.buryLost(ctx, differ.erased); err != nil {
		return err
	}
	spared, err := s.sparesKeys(ctx)
	if err != nil || spared {
		return err
	}
	return s.keys.destroy(ctx, differ.orphans)
}
