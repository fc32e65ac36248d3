package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// keyring is the keys file: one wrapped key a row. It is a file of its own, so
// that backups of it and of the database can be kept apart, and small, so that a
// destroyed key is really gone: secure_delete overwrites it, and the file is built
// anew.
type keyring struct {
	db      *sql.DB
	master  tink.AEAD
	house   tink.AEAD // seals what belongs to nobody
	hashKey []byte    // for lookup

	mu    sync.Mutex
	cache map[int64]tink.AEAD // by person; bounded
	dead  map[string]bool     // ids of keys that are not to be cached any more

	gone atomic.Int64 // keys destroyed since the start
}

const (
	keysPragmas = "?_pragma=busy_timeout(5000)&_pragma=journal_mode(DELETE)&_pragma=synchronous(FULL)&_pragma=secure_delete(1)&_pragma=temp_store(2)&_txlock=immediate"
	keysSchema  = `
		CREATE TABLE IF NOT EXISTS keys (
			id      BLOB PRIMARY KEY,
			wrapped BLOB NOT NULL -- sealed by the master key
		) STRICT, WITHOUT ROWID;
		CREATE TABLE IF NOT EXISTS destroyed ( -- tells somebody erased from somebody whose key is in a newer file
			id BLOB PRIMARY KEY -- of chance: it names nobody
		) STRICT, WITHOUT ROWID`
	cachedKeys = 4096
	houseKeys  = 2 // those that are nobody's
)

var (
	houseID = []byte("house")
	hashID  = []byte("hash")
)

// openKeys opens the keys file, and makes it when fresh says that the database
// is new too.
func openKeys(ctx context.Context, path string, master MasterKey, fresh bool) (*keyring, error) {
	a, err := master.aead()
	if err != nil {
		return nil, err
	}
	if err := ensureFile(path, fresh); err != nil {
		return nil, fmt.Errorf("keys file: %w", err)
	}
	db, err := sql.Open("sqlite", "file:"+escapePath(path)+keysPragmas)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	k := &keyring{db: db, master: a, cache: map[int64]tink.AEAD{}, dead: map[string]bool{}}
	if err := k.load(ctx, fresh); err != nil {
		db.Close()
		return nil, fmt.Errorf("keys file %s: %w", path, err)
	}
	return k, nil
}

func ensureFile(path string, fresh bool) error {
	_, err := os.Stat(path)
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if !fresh {
		return fmt.Errorf("%s: %w", path, ErrKeysMissing)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func (k *keyring) load(ctx context.Context, fresh bool) error {
	if err := sound(ctx, k.db); err != nil {
		return err
	}
	if _, err := k.db.ExecContext(ctx, keysSchema); err != nil {
		return err
	}
	_ = rebuild(ctx, k.db) // what a crash left; if it can't be done now, then with the next key
	var n int
	if err := k.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM keys`).Scan(&n); err != nil {
		return err
	}
	switch {
	case n == 0 && !fresh:
		return ErrKeysMissing
	case n > houseKeys && fresh: // a crash may leave those
		return ErrDatabaseMissing
	case n == 0:
		if err := k.begin(ctx); err != nil {
			return err
		}
	}
	return k.unlock(ctx)
}

// unlock opens what the house itself needs, with the master key.
func (k *keyring) unlock(ctx context.Context) error {
	wrapped, err := k.wrapped(ctx, hashID)
	if err != nil {
		return err
	}
	if k.hashKey, err = k.master.Decrypt(wrapped, hashID); err != nil {
		return ErrKey
	}
	k.house, err = k.key(ctx, houseID)
	return err
}

// begin fills a new keys file, both rows or none.
func (k *keyring) begin(ctx context.Context) error {
	tx, err := k.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	hash := make([]byte, 32)
	rand.Read(hash) // never fails
	wrapped, err := k.master.Encrypt(hash, hashID)
	if err != nil {
		return err
	}
	house, err := k.wrap(houseID)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO keys (id, wrapped) VALUES ($1, $2), ($3, $4)`, hashID, wrapped, houseID, house); err != nil {
		return err
	}
	return tx.Commit()
}

func (k *keyring) wrap(id []byte) ([]byte, error) {
	h, err := keyset.NewHandle(aead.XChaCha20Poly1305KeyTemplate())
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = h.WriteWithAssociatedData(keyset.NewBinaryWriter(&b), k.master, id)
	return b.Bytes(), err
}

func (k *keyring) wrapped(ctx context.Context, id []byte) (b []byte, err error) {
	err = k.db.QueryRowContext(ctx, `SELECT wrapped FROM keys WHERE id = $1`, id).Scan(&b)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrKeysForeign
	}
	return b, err
}

func (k *keyring) key(ctx context.Context, id []byte) (tink.AEAD, error) {
	b, err := k.wrapped(ctx, id)
	if err != nil {
		return nil, err
	}
	h, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(b)), k.master, id)
	if err != nil {
		return nil, ErrKey
	}
	return aead.New(h)
}

// add makes a person's key and commits it before the person is: a key without a
// person is harmless and swept at the next start, a person without a key is not.
func (k *keyring) add(ctx context.Context) (id []byte, err error) {
	id = make([]byte, 16)
	rand.Read(id)
	wrapped, err := k.wrap(id)
	if err != nil {
		return nil, err
	}
	_, err = k.db.ExecContext(ctx, `INSERT INTO keys (id, wrapped) VALUES ($1, $2)`, id, wrapped)
	return id, err
}

// cached returns the key of a person, reading it at most once in a while.
func (k *keyring) cached(ctx context.Context, person int64, id func() ([]byte, error)) (tink.AEAD, error) {
	k.mu.Lock()
	a, ok := k.cache[person]
	k.mu.Unlock()
	if ok {
		return a, nil
	}
	keyID, err := id()
	if err != nil {
		return nil, err
	}
	if a, err = k.key(ctx, keyID); err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.dead[string(keyID)] {
		return a, nil // for a view of how things were; the next one finds another key, or none
	}
	if len(k.cache) >= cachedKeys {
		clear(k.cache)
	}
	k.cache[person] = a
	return a, nil
}

func (t *tx) personKey(person int64) (tink.AEAD, error) {
	return t.s.keys.cached(t.ctx, person, func() (id []byte, err error) {
		err = t.QueryRow(`SELECT key_id FROM persons WHERE id = $1`, person).Scan(&id)
		return id, err
	})
}

// retire has a key be cached no more, before the transaction ends that takes it from
// its person: whoever looks at how things were before reads it each time.
func (k *keyring) retire(person int64, id []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.cache, person)
	k.dead[string(id)] = true
}

// reinstate undoes retire: the transaction failed.
func (k *keyring) reinstate(person int64, id []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.cache, person) // which may hold the one that it did not get
	delete(k.dead, string(id))
}
