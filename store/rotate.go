package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Rotate wraps every key of a keys file under a new master key, in one transaction:
// whenever it is interrupted, one of the two opens all of them, and the other none.
// A file that the new key opens already is left as it is. It returns how many keys
// there are. The people's own keys stay the same, and with them the database.
//
// It returns ErrInUse, ErrKey, ErrKeysMissing and ErrDamaged. Options need the
// paths and the key in force.
func Rotate(ctx context.Context, o Options, next MasterKey) (n int, err error) {
	defer func() { err = explain(err) }()
	now, err := o.Key.aead()
	if err != nil {
		return 0, err
	}
	then, err := next.aead()
	if err != nil {
		return 0, err
	}
	lock, err := alone(o.Path)
	if err != nil {
		return 0, err
	}
	defer lock.Close()
	if err := ensureFile(o.KeysPath, false); err != nil {
		return 0, fmt.Errorf("keys file: %w", err)
	}
	db, err := sql.Open("sqlite", "file:"+escapePath(o.KeysPath)+keysPragmas)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if n, err = rotate(ctx, db, now, then); err != nil {
		return 0, fmt.Errorf("keys file %s: %w", o.KeysPath, err)
	}
	_ = rebuild(context.WithoutCancel(ctx), db) // it is done; this is noted, and tried again at the next start
	return n, nil
}

func rotate(ctx context.Context, db *sql.DB, now, then tink.AEAD) (n int, err error) {
	if err := whole(ctx, db); err != nil {
		return 0, err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	var hash []byte
	err = tx.QueryRowContext(ctx, `SELECT wrapped, (SELECT COUNT(*) FROM keys) FROM keys WHERE id = $1`, hashID).Scan(&hash, &n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, ErrKeysMissing
	} else if err != nil {
		return 0, err
	}
	if _, err := then.Decrypt(hash, hashID); err == nil {
		return n, nil // it was done before
	}
	for last := []byte{}; ; {
		ids, wrapped, err := someKeys(ctx, tx, last)
		if err != nil {
			return 0, err
		}
		if len(ids) == 0 {
			if _, err := tx.ExecContext(ctx, toRebuild); err != nil {
				return 0, err
			}
			return n, tx.Commit()
		}
		for i, id := range ids {
			again, err := rewrap(id, wrapped[i], now, then)
			if err != nil {
				return 0, err
			}
			if _, err := tx.ExecContext(ctx, `UPDATE keys SET wrapped = $2 WHERE id = $1`, id, again); err != nil {
				return 0, err
			}
		}
		last = ids[len(ids)-1]
	}
}

func someKeys(ctx context.Context, tx *sql.Tx, after []byte) (ids, wrapped [][]byte, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, wrapped FROM keys WHERE id > $1 ORDER BY id LIMIT 500`, after)
	err = each(rows, err, func(r *sql.Rows) error {
		var id, w []byte
		err := r.Scan(&id, &w)
		ids, wrapped = append(ids, id), append(wrapped, w)
		return err
	})
	return ids, wrapped, err
}

// rewrap wraps one key anew.
func rewrap(id, wrapped []byte, now, then tink.AEAD) ([]byte, error) {
	if bytes.Equal(id, hashID) {
		hash, err := now.Decrypt(wrapped, id)
		if err != nil {
			return nil, ErrKey
		}
		return then.Encrypt(hash, id)
	}
	h, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(wrapped)), now, id)
	if err != nil {
		return nil, ErrKey
	}
	var b bytes.Buffer
	err = h.WriteWithAssociatedData(keyset.NewBinaryWriter(&b), then, id)
	return b.Bytes(), err
}
