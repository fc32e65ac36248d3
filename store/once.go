package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"
)

// A pact "once" is for one scene. It dissolves by itself a day after that scene's
// last mark, so that the last answers still reach each other; then all that passed
// through it goes, as if both had left. Nobody is told: its terms said so. One that
// never had a scene dissolves after 30 days. A scene that was undone is none.
//
// Its end is told by the house's marks and not by anybody's own, which a partner
// may not learn. Where those had passed when the scene was recorded, the check-in
// came then, and the day is counted from there. Somebody's own later check-ins come
// all the same, to them alone: they were told of them, and sharing is over.
const (
	onceAfter  = 24 * time.Hour
	onceUnused = 30 * 24 * time.Hour
	onceLeast  = time.Hour // what would come later than that before the end is not begun
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

// onceOver returns when a person is linked with nobody in a scene any more, since
// all those links are for one scene; 0 where one lasts, or there is none.
func (t *tx) onceOver(scene, person int64) (at int64, err error) {
	readers, err := t.readers(scene, person)
	if err != nil {
		return 0, err
	}
	for _, r := range readers {
		if !r.once {
			return 0, nil
		}
		ends, _, err := t.onceEnds(person, r.partner, r.since)
		if err != nil {
			return 0, err
		}
		at = max(at, ends)
	}
	return at, nil
}

// goOnAlone ends a scene for one person but for what is still to come to them by
// their own settings, and tells whether there is any. It is theirs from then on:
// nobody else can undo it for them.
func (t *tx) goOnAlone(scene, person int64) (alone bool, err error) {
	var lines int
	err = t.QueryRow(`
		SELECT COUNT(*) FROM deliveries
		WHERE recipient = $1 AND scene = $2 AND kind = 'here' AND want = 'post' AND message IS NULL AND next_at IS NOT NULL AND due_at > $3
	`, person, scene, t.now).Scan(&lines)
	if err != nil {
		return false, err
	}
	toCome, err := t.ids(`
		SELECT c.id
		FROM checkins c
		JOIN deliveries d ON d.checkin = c.id AND d.kind = 'checkin'
		WHERE c.scene = $1 AND c.person = $2 AND c.state = 'planned'
		  AND d.want = 'post' AND d.message IS NULL AND d.due_at > $3
	`, scene, person, t.now)
	if err != nil || len(toCome)+lines == 0 {
		return false, err
	}
	all, err := t.ids(`SELECT id FROM checkins WHERE scene = $1 AND person = $2`, scene, person)
	if err != nil {
		return false, err
	}
	for _, id := range all {
		if slices.Contains(toCome, id) {
			continue
		}
		if err := t.cancel(id); err != nil {
			return false, err
		}
	}
	if err := t.dropAfters(scene, person, true); err != nil {
		return false, err
	}
	_, err = t.Exec(`
		UPDATE deliveries SET `+retracting+`
		WHERE recipient = $2 AND scene = $3 AND kind NOT IN ('after', 'moment')
		  AND NOT (kind = 'here' AND want = 'post' AND message IS NULL AND next_at IS NOT NULL AND due_at > $1)
	`, t.now, person, scene)
	if err != nil {
		return false, err
	}
	_, err = t.Exec(`
		UPDATE participants
		SET recorded_at = COALESCE(recorded_at, (SELECT ended_at FROM scenes WHERE id = $1))
		WHERE scene = $1 AND person = $2
	`, scene, person)
	return true, err
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
				if err := t.leave(person, p.id, true); err != nil && !errors.Is(err, ErrGone) { // one had left before
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
	err = s.viewOf(ctx, account, func(t *tx, p person) error {
		sides, err := t.sides(p.id)
		if err != nil {
			return err
		}
		for _, s := range sides {
			pact := Pact{ID: s.pact, Partner: s.name, Since: fromMilli(s.since), Mode: s.terms.mode(), Once: s.once}
			pact.Stopped = slices.Contains(p.settings.Stopped, s.pact)
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
