package store_test

import (
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"aftercare/store"
	"aftercare/store/storetest"
)

// filesOf is what lies in a folder: names and contents.
func (w *world) filesOf(dir string) map[string][32]byte {
	w.Helper()
	entries, err := os.ReadDir(dir)
	w.ok(err)
	all := map[string][32]byte{}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		w.ok(err)
		all[e.Name()] = sha256.Sum256(b)
	}
	return all
}

// TestInspectChangesNothing looks at a new place, at a database that is open and at
// one that is not. Nothing there is different afterwards.
func TestInspectChangesNothing(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	if got := store.Inspect(w.ctx, w.opts); !got.InUse || got.Fresh || got.Database != nil || got.Keys != nil || got.Schema != store.Known || got.Newest != store.Known || got.Size < 4096 {
		t.Errorf("open: %+v", got)
	}
	w.ok(w.Close())
	before := w.filesOf(filepath.Dir(w.opts.Path))
	got := store.Inspect(w.ctx, w.opts)
	if got.InUse || got.Fresh || got.Database != nil || got.Keys != nil || got.Schema != store.Known {
		t.Errorf("closed: %+v", got)
	}
	keyless := w.opts
	keyless.Key = store.MasterKey{}
	if got := store.Inspect(w.ctx, keyless); got.Keys != nil {
		t.Errorf("without a key: %v", got.Keys)
	}
	if after := w.filesOf(filepath.Dir(w.opts.Path)); len(after) != len(before) || !slices.Equal(sorted(before), sorted(after)) {
		t.Errorf("files before %v, after %v", before, after)
	}
	w.restart() // and it opens as ever

	fresh := storetest.Options(t)
	if got := store.Inspect(w.ctx, fresh); !got.Fresh || got.Database != nil || got.Keys != nil {
		t.Errorf("nothing there: %+v", got)
	}
	if left := w.filesOf(filepath.Dir(fresh.Path)); len(left) != 0 {
		t.Errorf("it made %v", left)
	}
}

func sorted(files map[string][32]byte) (out []string) {
	for name, sum := range files {
		out = append(out, name+string(sum[:]))
	}
	slices.Sort(out)
	return out
}

// TestInspectFinds spoils one thing at a time.
func TestInspectFinds(t *testing.T) {
	t.Parallel()
	other := storetest.Options(t)
	for name, c := range map[string]struct {
		spoil          func(w *world, o *store.Options)
		database, keys error
	}{
		"another master key": {func(w *world, o *store.Options) { o.Key = other.Key }, nil, store.ErrKey},
		"no keys file":       {func(w *world, o *store.Options) { o.KeysPath += ".elsewhere" }, nil, store.ErrKeysMissing},
		"no database":        {func(w *world, o *store.Options) { o.Path += ".elsewhere" }, store.ErrDatabaseMissing, nil},
		"keys of another database": {func(w *world, o *store.Options) {
			foreign := storetest.Options(w.T)
			foreign.Key = o.Key
			w.ok(storetest.OpenAt(w.T, foreign, time.Now).Close())
			o.KeysPath = foreign.KeysPath
		}, nil, store.ErrKeysForeign},
		"an empty keys file": {func(w *world, o *store.Options) { w.ok(os.Truncate(o.KeysPath, 0)) }, nil, store.ErrKeysMissing},
		"an empty keys file and no key": {func(w *world, o *store.Options) {
			w.ok(os.Truncate(o.KeysPath, 0))
			o.Key = store.MasterKey{}
		}, nil, store.ErrKeysMissing},
		"a damaged database": {func(w *world, o *store.Options) { w.damage(o.Path) }, store.ErrDamaged, nil},
		"a damaged keys file": {func(w *world, o *store.Options) {
			w.ok(os.WriteFile(o.KeysPath, []byte("this was a file of keys once"), 0o600))
		}, nil, store.ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, _ := linked(t)
			w.ok(w.Close())
			o := w.opts
			c.spoil(w, &o)
			got := store.Inspect(w.ctx, o)
			if !errors.Is(got.Database, c.database) || !errors.Is(got.Keys, c.keys) {
				t.Errorf("database: %v\nkeys: %v", got.Database, got.Keys)
			}
		})
	}
}

// Where nobody has come yet, a database that is gone is no loss: it is as before the
// first start, whose key has to be the one there is.
func TestInspectFindsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ok(w.Close())
	w.ok(os.Remove(w.opts.Path))
	if got := store.Inspect(w.ctx, w.opts); !got.Fresh || got.Database != nil || got.Keys != nil {
		t.Errorf("%+v", got)
	}
	o := w.opts
	o.Key = storetest.Options(t).Key
	if got := store.Inspect(w.ctx, o); !errors.Is(got.Keys, store.ErrKey) {
		t.Errorf("with another key: %+v", got)
	}
	w.ok(storetest.OpenAt(t, w.opts, time.Now).Close())
}

func (w *world) damage(path string) {
	w.Helper()
	b, err := os.ReadFile(path)
	w.ok(err)
	for i := 4096; i < len(b); i++ {
		b[i] = 0x55
	}
	w.ok(os.WriteFile(path, b, 0o600))
}

func TestInspectFindsANewerDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := store.DB(w.Store).Exec(`PRAGMA user_version = 99`)
	w.ok(err)
	var newer store.NewerError
	if got := store.Inspect(w.ctx, w.opts); !errors.As(got.Database, &newer) || newer.Have != 99 {
		t.Errorf("%+v", got)
	}
}
