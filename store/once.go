package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// A pact "once" is for one scene. It dissolves by itself a day after that scene's
// last mark, so that the last answers still reach each other; then all that passed
// through it goes, as if both had left. Nobody is told: its terms said so. One that
// never had a scene dissolves after 30 days. A scene that was undone is none.
//
// Its end is told by the house's marks and not by anybody's own, which a partner
// may not learn. Where those had passed when the scene was recorded, the check-in
// came then, and the day is counted from there.
const (
	onceAfter  = 24 * time.Hour
	onceUnused = 30 * 24 * time.Hour
)

// onceEnds returns when a once-pact dissolves, and whether it has had its scene.
func (t *tx) onceEnds(low, high, madeAt int64) (at int64, had bool, err error) {
	var endedAt, recordedAt int64
	var size Size
	err = t.QueryRow(`
		SELECT s.ended_at, s.size, (SELECT MIN(r.recorded_at) FROM participants r WHERE r.scene = s.id)
		FROM participants a
		JOIN participants b ON b.scene = a.scene AND b.person = $2
		JOIN scenes s ON s.id = a.scene
		WHERE a.person = $1 AND s.kind = 'scene' AND s.id >= $3
		  AND EXISTS (SELECT 1 FROM participants r WHERE r.scene = s.id AND r.recorded_at IS NOT NULL)
		ORDER BY s.id
		LIMIT 1
	`, low, high, firstID(fromMilli(madeAt))).Scan(&endedAt, &size, &recordedAt)
	if errors.Is(err, sql.ErrNoRows) {
		return madeAt + onceUnused.Milliseconds(), false, nil
	} else if err != nil {
		return 0, false, err
	}
	marks := t.s.marksFor(nil, size)
	last := max(endedAt+marks[len(marks)-1].Milliseconds(), recordedAt)
	return last + onceAfter.Milliseconds(), true, nil
}

// onceSpent tells whether a pact was for one scene, and has had another one than
// the one that is recorded now. It does not ask whether the partner is still there.
func (t *tx) onceSpent(me int64, s side, at int64) (bool, error) {
	if !s.once {
		return false, nil
	}
	_, had, err := t.onceEnds(me, s.partner, s.since)
	if err != nil || !had {
		return false, err
	}
	same, _, err := t.merge(me, []int64{s.partner}, at)
	return same == 0, err
}

const pactsOnce = `SELECT id, low, high, made_at FROM pacts WHERE once = 1`

// dissolve ends the once-pacts that are over, for both sides at once.
func (s *Store) dissolve(ctx context.Context) (n int64, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		n = 0
		type pact struct{ id, low, high, madeAt int64 }
		var all []pact
		rows, err := t.Query(pactsOnce)
		err = each(rows, err, func(r *sql.Rows) error {
			var p pact
			err := r.Scan(&p.id, &p.low, &p.high, &p.madeAt)
			all = append(all, p)
			return err
		})
		if err != nil {
			return err
		}
		for _, p := range all {
			at, _, err := t.onceEnds(p.low, p.high, p.madeAt)
			if err != nil {
				return err
			}
			if at > t.now {
				continue
			}
			for _, person := range []int64{p.low, p.high} {
				if err := t.leave(person, p.id); err != nil && !errors.Is(err, ErrGone) { // one had left before
					return err
				}
			}
			if n++; n == forgetAtOnce {
				return nil
			}
		}
		return nil
	})
	return n, err
}

// Pacts returns a person's pacts, oldest first. Somebody who never agreed has none.
func (s *Store) Pacts(ctx context.Context, account Private) (pacts []Pact, err error) {
	err = s.inView(ctx, func(t *tx) error {
		p, err := t.find(account)
		if errors.Is(err, ErrNotAgreed) {
			return nil
		} else if err != nil {
			return err
		}
		sides, err := t.sides(p.id)
		if err != nil {
			return err
		}
		for _, s := range sides {
			pact := Pact{ID: s.pact, Partner: s.name, Since: fromMilli(s.since), Mode: s.terms.mode(), Once: s.once}
			if s.terms.Changed != 0 {
				pact.Changed = fromMilli(s.terms.Changed)
			}
			if s.once {
				until, had, err := t.onceEnds(p.id, s.partner, s.since)
				if err != nil {
					return err
				}
				pact.Until, pact.Had = fromMilli(until), had
			}
			pacts = append(pacts, pact)
		}
		return nil
	})
	return pacts, err
}
