package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// sparedAfterRestore is how long after a restore the keys stay of people who are
// not in the restored database: so long a newer one can still take its place.
const sparedAfterRestore = 7 * 24 * time.Hour

// sparesKeys tells whether keys without a person are to stay.
func (s *Store) sparesKeys(ctx context.Context) (spares bool, err error) {
	var copied, restored sql.NullInt64
	err = s.read.QueryRowContext(ctx, `SELECT copied_at, restored_at FROM house`).Scan(&copied, &restored)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	lately := s.Now().Add(-sparedAfterRestore).UnixMilli()
	return copied.Valid || restored.Valid && restored.Int64 > lately, err
}

// wasRestored does, at the first start on a copy of the database, what that needs.
// Nobody knows which messages went out after it was taken: those that are due are
// looked for in their DMs before they are sent. Standing check-ins go on with the
// next one, and whoever was to be asked by now whether it still fits is not.
func (t *tx) wasRestored() error {
	var copied sql.NullInt64
	err := t.QueryRow(`SELECT copied_at FROM house`).Scan(&copied)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !copied.Valid {
		return nil
	} else if err != nil {
		return err
	}
	_, err = t.Exec(`
		UPDATE deliveries SET unsure_at = COALESCE(unsure_at, $2)
		WHERE want = 'post' AND (next_at <= $1 OR waiting = 1)
	`, t.now, copied.Int64)
	if err != nil {
		return err
	}
	if _, err := t.Exec(`UPDATE turns SET next_at = 0 WHERE next_at <= $1`, t.now); err != nil {
		return err
	}
	_, err = t.Exec(`
		UPDATE sides SET fit_asked_at = $1, fit_scenes = 0
		WHERE fit_scenes >= $2 OR COALESCE(fit_asked_at, (SELECT made_at FROM pacts WHERE id = pact)) <= $3
	`, t.now, fitsScenes, t.now-fitsEvery.Milliseconds())
	if err != nil {
		return err
	}
	_, err = t.Exec(`UPDATE house SET copied_at = NULL, restored_at = $1`, t.now)
	return err
}
