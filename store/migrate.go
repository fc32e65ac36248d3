package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema up to date, a transaction a step, forward only. A
// newer file and a damaged one are left as they are.
func (s *Store) migrate(ctx context.Context) error {
	names, err := fs.Glob(migrations, "migrations/*.sql")
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
	for i, name := range names[have:] {
		if err := s.step(ctx, name, have+i+1); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// newestSchema is the version that migrate brings a database to.
func newestSchema() int {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		panic("store: " + err.Error())
	}
	return len(names)
}

func (s *Store) step(ctx context.Context, name string, version int) error {
	b, err := migrations.ReadFile(name)
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
