package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema up to date, a transaction a step, forward only, and
// takes a backup of an old database first. A newer file and a damaged one are left
// as they are.
func (s *Store) migrate(ctx context.Context, o Options) error {
	steps := o.migrations()
	names, err := fs.Glob(steps, "migrations/*.sql")
	if err != nil {
		return err
	}
	var have int
	if err := s.write.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&have); err != nil {
		return err
	}
	if have > len(names) {
		return NewerError{Have: have, Know: len(names)}
	}
	if err := sound(ctx, s.write); err != nil {
		return err
	}
	if have > 0 && have < len(names) {
		if err := backUpBefore(ctx, o, len(names), s.Now()); err != nil {
			return fmt.Errorf("no backup could be made before the update to version %d, and nothing is changed: %w", len(names), err)
		}
	}
	for i, name := range names[have:] {
		if err := s.step(ctx, steps, name, have+i+1); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (o Options) migrations() fs.FS {
	if o.steps != nil {
		return o.steps
	}
	return migrations
}

// known returns the newest version of a database that this program knows.
func (o Options) known() (int, error) {
	names, err := fs.Glob(o.migrations(), "migrations/*.sql")
	return len(names), err
}

// backUpBefore makes a copy of a database beside it, before it is brought to a version.
func backUpBefore(ctx context.Context, o Options, version int, at time.Time) error {
	to := filepath.Join(filepath.Dir(o.Path), fmt.Sprintf("%s-before-v%d-%s.db", o.Files().name(), version, at.UTC().Format(stamp)))
	if err := copyDatabase(ctx, o.Path, to, at); err != nil {
		return err
	}
	if o.Log != nil {
		o.Log.Info("the database is about to be updated; a backup was made", "version", version, "backup", to,
			"undo", "aftercare restore --replace "+to)
	}
	return nil
}

func (s *Store) step(ctx context.Context, steps fs.FS, name string, version int) error {
	b, err := fs.ReadFile(steps, name)
	if err != nil {
		return err
	}
	return s.in(ctx, s.write, nil, func(t *tx) error { // alone: it may take long, and ends with ctx
		if _, err := t.Exec(string(b)); err != nil {
			return err
		}
		_, err := t.Exec(fmt.Sprintf(`PRAGMA user_version = %d`, version))
		return err
	})
}
