package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"
)

// TurnLate is how late a turn is still taken.
const TurnLate = foldAfter

// Turn is a standing check-in that is due for one of its people.
type Turn struct {
	Standing, Person int64
	Spec             Private        // a cron expression of five fields
	Zone             *time.Location // the person's; nil: not known
	At               time.Time      // zero: when it comes is to be computed, and nothing more
}

const nextTurn = `
	SELECT MIN(at) FROM (
		SELECT MIN(next_at) AS at FROM turns WHERE next_at IS NOT NULL
		UNION ALL
		SELECT MIN(paused_until) FROM persons WHERE paused_until IS NOT NULL
	)
`

// NextTurn returns when the next standing check-in comes, or the next pause ends,
// whichever is sooner; ok is false without any.
func (s *Store) NextTurn(ctx context.Context) (at time.Time, ok bool, err error) {
	var next sql.NullInt64
	err = s.inView(ctx, func(t *tx) error {
		return t.QueryRow(nextTurn).Scan(&next)
	})
	return fromMilli(next.Int64), next.Valid, err
}

// TurnsDue returns up to n turns that are to be taken, soonest first.
func (s *Store) TurnsDue(ctx context.Context, n int) (out []Turn, err error) {
	err = s.inView(ctx, func(t *tx) error {
		rows, err := t.Query(`
			SELECT standing, person, next_at FROM turns WHERE next_at <= $1 ORDER BY next_at LIMIT $2
		`, t.now, n)
		err = each(rows, err, func(r *sql.Rows) error {
			var turn Turn
			var at int64
			err := r.Scan(&turn.Standing, &turn.Person, &at)
			if at != 0 {
				turn.At = fromMilli(at)
			}
			out = append(out, turn)
			return err
		})
		if err != nil {
			return err
		}
		for i := range out {
			if err := t.fillTurn(&out[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

func (t *tx) fillTurn(turn *Turn) error {
	st, err := t.standing(turn.Standing)
	if err != nil {
		return err
	}
	turn.Spec = st.spec
	p, err := t.person(turn.Person)
	if err != nil {
		return err
	}
	if zone, ok := p.settings.Location(); ok {
		turn.Zone = zone
	}
	return nil
}

// TakeTurn books the check-in of a turn, and notes when the next one comes; a zero
// time is never. Nothing is booked for a turn that was to be computed, or is more
// than 12 hours late, or while one of its people is not there: then it looks the
// same from outside whatever the reason. A turn that has changed meanwhile is left
// as it is.
func (s *Store) TakeTurn(ctx context.Context, turn Turn, next time.Time) error {
	return s.inTx(ctx, func(t *tx) error {
		at := int64(0)
		if !turn.At.IsZero() {
			at = turn.At.UnixMilli()
		}
		res, err := t.Exec(`
			UPDATE turns SET next_at = $4 WHERE standing = $1 AND person = $2 AND next_at = $3
		`, turn.Standing, turn.Person, at, sql.NullInt64{Int64: next.UnixMilli(), Valid: !next.IsZero()})
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		if at == 0 || turn.Zone == nil || t.time().Sub(turn.At) > TurnLate {
			return nil
		}
		st, err := t.standing(turn.Standing)
		if err != nil {
			return err
		}
		there, err := t.there(st, turn.Person)
		if err != nil || !there {
			return err
		}
		return t.bookTurn(st, turn)
	})
}

// there tells whether a standing check-in runs for a person: they have not paused,
// and the other has their end of it and of the pact, has not paused, and can be reached.
// How much they want to hear after a scene is another question.
func (t *tx) there(st standingRow, person int64) (there bool, err error) {
	p, err := t.person(person)
	if err != nil || p.paused {
		return false, err
	}
	if st.partner == 0 {
		return true, nil
	}
	other := st.other(person)
	if linked, err := t.linked(person, other); err != nil || !linked {
		return false, err
	}
	err = t.QueryRow(`
		SELECT EXISTS (
			SELECT 1
			FROM turns n
			JOIN persons p ON p.id = n.person
			WHERE n.standing = $1 AND n.person = $2 AND p.paused_at IS NULL AND p.refused_at IS NULL
		)
	`, st.id, other).Scan(&there)
	return there, err
}

// bookTurn books one check-in. Both people are in the round of their same local
// date, whoever comes first.
func (t *tx) bookTurn(st standingRow, turn Turn) error {
	at := turn.At.UnixMilli()
	scene, err := t.occurrence(t.occasionOf(st.id, turn.At.In(turn.Zone)), at)
	if err != nil {
		return err
	}
	for _, p := range []int64{st.proposer, st.partner} {
		if p == 0 {
			continue
		}
		if err := t.join(scene, p, "in", nil, nil); err != nil {
			return err
		}
	}
	return t.book(scene, turn.Person, 0, at)
}

// occasionOf names the round of a standing check-in on a local date.
func (t *tx) occasionOf(standing int64, local time.Time) []byte {
	return t.s.lookup("occasion", strconv.FormatInt(standing, 10), local.Format(time.DateOnly))
}

// occurrence returns the round of an occasion.
func (t *tx) occurrence(occasion []byte, at int64) (scene int64, err error) {
	err = t.QueryRow(`
		UPDATE scenes SET forget_at = MAX(forget_at, $2) WHERE occasion = $1 RETURNING id
	`, occasion, at+keepScene.Milliseconds()).Scan(&scene)
	if errors.Is(err, sql.ErrNoRows) {
		return t.newRound(at, occasion)
	}
	return scene, err
}

// retime has a person's turns computed anew, after they changed their zone.
func (t *tx) retime(person int64) error {
	_, err := t.Exec(`
		UPDATE turns SET next_at = 0
		WHERE person = $1 AND standing IN (SELECT id FROM standings WHERE state = 'on')
	`, person)
	return err
}
