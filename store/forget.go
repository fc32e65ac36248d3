package store

import (
	"context"
	"database/sql"
	"time"
)

const (
	keepLine     = 7 * 24 * time.Hour  // a delivery that belongs to nothing else, done or tried in vain
	keepPerson   = 30 * 24 * time.Hour // after they agreed, once nothing of theirs is left
	forgetAtOnce = 500                 // rows a transaction, so that nobody waits for it; the sweeps have it too
)

// Forget deletes what was kept long enough: words a day after they were read and
// everything else of an answer after 7 days, kind words after 30, a scene with its
// check-ins 7 days after its last mark, codes after a day, somebody's own history
// after 2 years, a pact for one scene once that is over. It returns how many rows went. Then it empties the write-ahead log,
// where pages still stand as they were before.
func (s *Store) Forget(ctx context.Context) (total int64, err error) {
	for {
		n, err := s.dissolve(ctx) // before the scenes go that tell when
		total += n
		if err != nil {
			return total, err
		}
		if n < forgetAtOnce {
			break
		}
	}
	for {
		n, err := s.forgetSome(ctx)
		total += n
		if err != nil {
			return total, err
		}
		if n == 0 {
			break
		}
	}
	if err := s.inTx(ctx, (*tx).catchUpWithClock); err != nil {
		return total, err
	}
	n, err := s.tidyUp(ctx)
	total += n
	if err != nil {
		return total, err
	}
	n, err = s.forgetPeople(ctx)
	total += n
	if err != nil {
		return total, err
	}
	return total, s.emptyLog(ctx)
}

// emptyLog empties the write-ahead log. Beside a backup or another long read it
// can't, and is done the next time.
func (s *Store) emptyLog(ctx context.Context) error {
	return s.copyLog(ctx, "TRUNCATE")
}

// copyLog copies the write-ahead log into the file, in one of SQLite's modes.
func (s *Store) copyLog(ctx context.Context, mode string) error {
	var busy, pages, moved int
	return s.tidy.QueryRowContext(ctx, `PRAGMA wal_checkpoint(`+mode+`)`).Scan(&busy, &pages, &moved)
}

// checkpointEvery is how many commits the write-ahead log takes until it is copied
// into the file; a commit of several people's acts is some ten pages.
const checkpointEvery = 64

// WantsCheckpoint tells whether there is enough in the write-ahead log for a
// Checkpoint. It asks no database.
func (s *Store) WantsCheckpoint() bool { return s.commits.Load() >= checkpointEvery }

// Checkpoint copies the write-ahead log into the file, if there is enough of it.
// SQLite by itself has a commit do that now and then, for which everybody waits;
// it still does when the log has become 64 MB. Call it often, beside other things.
func (s *Store) Checkpoint(ctx context.Context) error {
	if !s.WantsCheckpoint() {
		return nil
	}
	s.commits.Store(0)
	return s.copyLog(ctx, "PASSIVE")
}

// sweepPeople deletes those of whom nothing is left to do; $1 is when they agreed
// at the latest.
const sweepPeople = `
	DELETE FROM persons
	WHERE id IN (
		SELECT persons.id
		FROM persons
		WHERE consent_at <= $1 AND chose = 0 AND ` + nothingLeft + `
		LIMIT 500
	)
	RETURNING id, key_id
`

// forgetPeople deletes those of whom nothing is left to do, 30 days after they
// agreed, and destroys their keys. It waits while a newer database may still take the
// place of one that was restored: there may be more of them in that.
func (s *Store) forgetPeople(ctx context.Context) (int64, error) {
	if spared, err := s.sparesKeys(ctx); err != nil {
		return 0, err
	} else if spared {
		return 0, s.destroyKeys(ctx)
	}
	people := map[int64][]byte{}
	err := s.inTx(ctx, func(t *tx) error {
		clear(people)
		rows, err := t.Query(sweepPeople, t.now-keepPerson.Milliseconds())
		err = each(rows, err, func(r *sql.Rows) error {
			var id int64
			var key []byte
			err := r.Scan(&id, &key)
			people[id] = key
			return err
		})
		if err != nil {
			return err
		}
		for id, key := range people {
			t.s.keys.retire(id, key)
			if err := t.condemn(key); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		for id, key := range people {
			s.keys.reinstate(id, key)
		}
		return 0, err
	}
	return int64(len(people)), s.destroyKeys(ctx)
}

// sweeps are the retention rules; $1 is now. How many rows at once stands in them as
// a number: with a parameter SQLite plans them anew each time. A share
// that was kept from somebody does not hold up the words: they were read when
// all who were given something have read it.
var sweeps = []struct {
	what string
	sql  string
	back time.Duration // $1 is this long ago
}{
	{"strays", `
		DELETE FROM deliveries WHERE id IN (
			SELECT id FROM deliveries
			WHERE kind = 'stray' AND lease IS NULL AND (next_at IS NULL OR due_at <= $1)
			LIMIT 500
		)`, keepStray},
	{"codes", `DELETE FROM invites WHERE id IN (SELECT id FROM invites WHERE expires_at <= $1 LIMIT 500)`, 0},
	{"read words", `
		UPDATE words SET text = NULL WHERE id IN (
			SELECT w.id
			FROM words w
			JOIN answers a ON a.id = w.answer
			WHERE w.text IS NOT NULL
			  AND a.state = 'shared'
			  AND EXISTS (SELECT 1 FROM shares s WHERE s.answer = a.id AND s.read_at <= $1)
			  AND NOT EXISTS (
				SELECT 1
				FROM shares s
				JOIN deliveries d ON d.share = s.id AND d.part = 0 AND d.want <> 'delete'
				WHERE s.answer = a.id AND (s.read_at IS NULL OR s.read_at > $1)
			  )
			LIMIT 500
		)`, keepReadWords},
	{"unread relays", `
		UPDATE deliveries
		SET want = 'delete', version = version + 1, waiting = 0, next_at = $1
		WHERE lease IS NULL AND want <> 'delete' AND message IS NOT NULL AND id IN (
			SELECT d.id
			FROM answers a
			JOIN shares s ON s.answer = a.id
			JOIN deliveries d ON d.share = s.id AND CASE WHEN d.part < 0 THEN s.need_read_at ELSE s.read_at END IS NULL
			WHERE a.forget_at <= $1 AND d.want <> 'delete' AND d.message IS NOT NULL
			LIMIT 500
		)`, 0},
	{"words past their time", `
		DELETE FROM words WHERE id IN (
			SELECT w.id FROM words w JOIN answers a ON a.id = w.answer WHERE a.forget_at <= $1 LIMIT 500
		)`, 0},
	{"feelings past their time", `
		UPDATE answers SET body = NULL, state = 'gone'
		WHERE state <> 'gone' AND id IN (SELECT id FROM answers WHERE forget_at <= $1 AND state <> 'gone' LIMIT 500)`, 0},
	{"answers", `
		DELETE FROM answers WHERE id IN (
			SELECT a.id
			FROM answers a
			WHERE a.forget_at <= $1
			  AND NOT EXISTS (
				SELECT 1 FROM shares s JOIN deliveries d ON d.share = s.id
				WHERE s.answer = a.id AND d.want = 'delete' AND d.next_at IS NOT NULL
			  )
			LIMIT 500
		)`, 0},
	{"taken back", `
		DELETE FROM answers WHERE id IN (
			SELECT a.id
			FROM answers a
			WHERE a.state = 'gone'
			  AND a.created_at <= $1
			  AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.answer = a.id AND d.next_at IS NOT NULL)
			  AND NOT EXISTS (
				SELECT 1 FROM shares s JOIN deliveries d ON d.share = s.id
				WHERE s.answer = a.id AND (d.next_at IS NOT NULL OR d.message IS NOT NULL)
			  )
			LIMIT 500
		)`, time.Hour},
	{"kind words", `DELETE FROM gifts WHERE id IN (SELECT id FROM gifts WHERE forget_at <= $1 LIMIT 500)`, 0},
	{"kind words for nobody", `
		UPDATE gifts SET text = NULL WHERE id IN (SELECT id FROM gifts WHERE undone = 1 AND text IS NOT NULL AND created_at <= $1 LIMIT 500)`, keepInTakeout},
	{"own history", `DELETE FROM feelings WHERE id IN (SELECT id FROM feelings WHERE at <= $1 LIMIT 500)`, keepHistory},
	{"notes", `
		DELETE FROM deliveries WHERE id IN (
			SELECT id FROM deliveries
			WHERE kind = 'trend' AND due_at <= $1 AND COALESCE(sent_at, due_at) <= $1 AND lease IS NULL
			LIMIT 500
		)`, keepNote},
	{"scenes", `DELETE FROM scenes WHERE id IN (SELECT id FROM scenes WHERE forget_at <= $1 LIMIT 500)`, 0},
	{"suggestions in DMs", `
		UPDATE deliveries
		SET want = 'delete', version = version + 1, waiting = 0, next_at = $1
		WHERE lease IS NULL AND want <> 'delete' AND message IS NOT NULL AND id IN (
			SELECT d.id
			FROM standings s
			JOIN deliveries d ON d.standing = s.id
			WHERE s.state = 'offered' AND s.created_at <= $1 AND d.want <> 'delete' AND d.message IS NOT NULL
			LIMIT 500
		)`, suggestionLasts},
	{"suggestions", `
		DELETE FROM standings WHERE id IN (
			SELECT s.id
			FROM standings s
			WHERE s.state = 'offered'
			  AND s.created_at <= $1
			  AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.standing = s.id AND (d.lease IS NOT NULL OR d.want = 'delete' AND d.next_at IS NOT NULL))
			LIMIT 500
		)`, suggestionLasts},
	{"stopped by all", `
		DELETE FROM standings WHERE id IN (
			SELECT s.id
			FROM standings s
			WHERE s.created_at <= $1
			  AND NOT EXISTS (SELECT 1 FROM turns n WHERE n.standing = s.id)
			  AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.standing = s.id AND (d.lease IS NOT NULL OR d.want = 'delete' AND d.next_at IS NOT NULL))
			LIMIT 500
		)`, 24 * time.Hour},
	{"lines", `
		DELETE FROM deliveries WHERE id IN (
			SELECT id
			FROM deliveries
			WHERE kind IN ('hello', 'linked', 'remark') AND due_at <= $1 AND lease IS NULL AND waiting = 0
			LIMIT 500
		)`, keepLine},
}

func (s *Store) forgetSome(ctx context.Context) (n int64, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		n = 0
		let, more, err := t.letGoOld()
		if n = int64(let); err != nil || more {
			return err
		}
		for _, sweep := range sweeps {
			res, err := t.Exec(sweep.sql, t.now-sweep.back.Milliseconds())
			if err != nil {
				return err
			}
			rows, err := res.RowsAffected()
			if err != nil {
				return err
			}
			n += rows
		}
		return nil
	})
	return n, err
}
