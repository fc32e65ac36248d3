package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"
)

// marksFor returns when somebody's check-ins of a scene are due after its end: at
// their own marks, or those of the house.
func (s *Store) marksFor(own []time.Duration, size Size) []time.Duration {
	marks := own
	if len(marks) == 0 {
		marks = s.marks
	}
	switch size {
	case Light:
		return marks[:1]
	case Intense:
		if !slices.Contains(marks, intenseMark) {
			marks = append(slices.Clone(marks), intenseMark)
			slices.Sort(marks)
		}
	}
	return marks
}

// forgetScene returns when a scene is forgotten that has the marks of the house;
// plan puts it off for those who have later ones.
func (s *Store) forgetScene(endedAt int64, size Size) int64 {
	return forgetAfter(endedAt, s.marksFor(nil, size))
}

func forgetAfter(endedAt int64, marks []time.Duration) int64 {
	return endedAt + marks[len(marks)-1].Milliseconds() + keepScene.Milliseconds()
}

// plan books a participant's check-ins at the marks of the scene, moves those
// that are booked at another time, and drops those that no longer belong. Marks
// that had passed when the scene was recorded are left out, but never all: then
// the last one is due at once. What has been asked stays as it is.
func (t *tx) plan(scene, person int64) error { return t.planFor(scene, person, true) }

// planFor is plan, or without late the same for marks that are still to come.
func (t *tx) planFor(scene, person int64, late bool) error {
	var endedAt int64
	var size Size
	if err := t.QueryRow(`SELECT ended_at, size FROM scenes WHERE id = $1`, scene).Scan(&endedAt, &size); err != nil {
		return err
	}
	p, err := t.person(person)
	if err != nil {
		return err
	}
	marks := t.s.marksFor(p.settings.Marks, size)
	if _, err := t.Exec(`UPDATE scenes SET forget_at = MAX(forget_at, $2) WHERE id = $1`, scene, forgetAfter(endedAt, marks)); err != nil {
		return err
	}
	if err := t.planHere(scene, p, endedAt, marks[0], late); err != nil {
		return err
	}
	if p.settings.Much != MuchFull {
		marks = nil
	}
	if err := t.dropUnmarked(scene, person, marks); err != nil {
		return err
	}
	for i, mark := range marks {
		due := endedAt + mark.Milliseconds()
		if due <= t.now {
			if i < len(marks)-1 || !late {
				if err := t.unplan(scene, person, mark); err != nil {
					return err
				}
				continue
			}
			due = t.now
		}
		if err := t.book(scene, person, mark, due); err != nil {
			return err
		}
	}
	return nil
}

// The parts of a scene's lines that ask nothing.
const (
	partTouch = 0 // an hour after its end
	partLight = 1 // in place of all its check-ins
)

const touchAfter = time.Hour

// planHere plans the lines that ask nothing, for those who want them, and drops
// those that are no longer wanted. One whose time has passed is left out, and so
// is one in place of check-ins that have come.
func (t *tx) planHere(scene int64, p person, endedAt int64, first time.Duration, late bool) error {
	var begun bool
	err := t.QueryRow(`
		SELECT EXISTS (SELECT 1 FROM checkins WHERE scene = $1 AND person = $2 AND asked_at IS NOT NULL)
	`, scene, p.id).Scan(&begun)
	if err != nil {
		return err
	}
	for part, after := range map[int]time.Duration{partTouch: touchAfter, partLight: first} {
		wanted := p.settings.Touch && p.settings.Much != MuchNone
		if part == partLight {
			wanted = p.settings.Much == MuchLight && !begun
		}
		due := endedAt + after.Milliseconds()
		if !wanted || due+onTime.Milliseconds() < t.now || !late && due <= t.now {
			_, err := t.Exec(`
				UPDATE deliveries SET `+retracting+`
				WHERE recipient = $2 AND kind = 'here' AND scene = $3 AND part = $4 AND message IS NULL AND want = 'post'
			`, t.now, p.id, scene, part)
			if err != nil {
				return err
			}
			continue
		}
		if _, err := t.owe(owed{to: p.id, kind: KindHere, part: part, scene: scene, due: due}); err != nil {
			return err
		}
	}
	return nil
}

// book plans one check-in and the delivery that carries it.
func (t *tx) book(scene, person int64, mark time.Duration, due int64) error {
	var id int64
	err := t.QueryRow(`
		INSERT INTO checkins (id, scene, person, mark, due_at, state)
		VALUES ($1, $2, $3, $4, $5, 'planned')
		ON CONFLICT (scene, person, mark) DO UPDATE
		SET due_at = excluded.due_at, state = 'planned'
		WHERE state IN ('planned', 'cancelled') AND asked_at IS NULL
		RETURNING id
	`, t.newID(), scene, person, mark.Milliseconds(), due).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // asked already
	} else if err != nil {
		return err
	}
	_, err = t.owe(owed{to: person, kind: KindCheckIn, checkin: id, due: due})
	return err
}

func (t *tx) unplan(scene, person int64, mark time.Duration) error {
	_, err := t.Exec(`DELETE FROM checkins WHERE scene = $1 AND person = $2 AND mark = $3 AND state = 'planned'`, scene, person, mark.Milliseconds())
	return err
}

func (t *tx) dropUnmarked(scene, person int64, marks []time.Duration) error {
	args := []any{scene, person}
	for _, m := range marks {
		args = append(args, m.Milliseconds())
	}
	_, err := t.Exec(`
		DELETE FROM checkins
		WHERE scene = $1 AND person = $2 AND state = 'planned'
		  AND mark NOT IN (`+placeholders(3, len(marks))+`)
	`, args...)
	return err
}

func (t *tx) replan(scene int64) error {
	persons, err := t.ids(`SELECT person FROM participants WHERE scene = $1 AND state = 'in'`, scene)
	if err != nil {
		return err
	}
	for _, p := range persons {
		if err := t.plan(scene, p); err != nil {
			return err
		}
	}
	return nil
}

// Upcoming is one of a person's own check-ins that is still to come.
type Upcoming struct {
	At       time.Time
	Partners []Private // names; none for a check-in for oneself
}

// Upcoming returns a person's own next check-ins, soonest first, at most 25.
func (s *Store) Upcoming(ctx context.Context, account Private) (out []Upcoming, err error) {
	err = s.inView(ctx, func(t *tx) error {
		p, err := t.find(account)
		if errors.Is(err, ErrNotAgreed) {
			return nil
		} else if err != nil {
			return err
		}
		var scenes []int64
		rows, err := t.Query(`
			SELECT d.due_at, c.scene
			FROM checkins c
			JOIN deliveries d ON d.checkin = c.id AND d.kind = 'checkin'
			WHERE c.person = $1 AND d.next_at IS NOT NULL AND d.want = 'post' AND (c.state = 'planned' OR c.step = 'later')
			ORDER BY d.due_at
			LIMIT 25
		`, p.id)
		err = each(rows, err, func(r *sql.Rows) error {
			var due, scene int64
			err := r.Scan(&due, &scene)
			out, scenes = append(out, Upcoming{At: fromMilli(due)}), append(scenes, scene)
			return err
		})
		if err != nil {
			return err
		}
		for i, scene := range scenes {
			sc, err := t.scene(scene, p.id)
			if err != nil {
				return err
			}
			out[i].Partners = sc.Partners
		}
		return nil
	})
	return out, err
}
