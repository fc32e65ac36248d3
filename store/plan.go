package store

import (
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
// the last one is due at once. What has been asked stays as it is, and so does
// what is due and was held up (see overdue).
func (t *tx) plan(scene, person int64) error { return t.planFor(scene, person, true) }

// planFor is plan, or without late the same for marks that are still to come.
func (t *tx) planFor(scene, person int64, late bool) error {
	var endedAt int64
	var size Size
	var isRound bool
	if err := t.QueryRow(`SELECT ended_at, size, kind = 'round' FROM scenes WHERE id = $1`, scene).Scan(&endedAt, &size, &isRound); err != nil {
		return err
	}
	if isRound && !late {
		return nil // it has no mark to come
	} else if isRound {
		return t.planRound(scene, person)
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
	overdue, err := t.overdue(scene, person, endedAt, marks, late)
	if err != nil {
		return err
	}
	if err := t.dropUnmarked(scene, person, append(overdue, marks...)); err != nil {
		return err
	}
	for i, mark := range marks {
		due := endedAt + mark.Milliseconds()
		switch {
		case due > t.now:
			err = t.book(scene, person, mark, due)
		case slices.Contains(overdue, mark): // it stays as it is
		case i < len(marks)-1 || !late:
			err = t.unplan(scene, person, mark)
		default:
			err = t.book(scene, person, mark, t.now)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// overdue returns the marks of the check-ins that are due and were not asked yet:
// a night, closed DMs or an outage held them up. They are owed, and planning anew,
// because somebody recorded the scene once more or changed something, loses none.
// They give way to the last one where that is due at once instead, and one at a mark
// that there is no more gives way to a new one that is still to come.
func (t *tx) overdue(scene, person, endedAt int64, marks []time.Duration, late bool) (owed []time.Duration, err error) {
	if len(marks) == 0 {
		return nil, nil // they want none
	}
	var booked, begun []time.Duration // begun: asked, or folded into another; they are not booked again
	rows, err := t.Query(`
		SELECT mark, state = 'planned' AND due_at <= $3, asked_at IS NOT NULL OR state NOT IN ('planned', 'cancelled')
		FROM checkins
		WHERE scene = $1 AND person = $2
	`, scene, person, t.now)
	err = each(rows, err, func(r *sql.Rows) error {
		var milli int64
		var held, began bool
		err := r.Scan(&milli, &held, &began)
		mark := time.Duration(milli) * time.Millisecond
		booked = append(booked, mark)
		if held {
			owed = append(owed, mark)
		}
		if began {
			begun = append(begun, mark)
		}
		return err
	})
	toCome := func(m time.Duration) bool { return endedAt+m.Milliseconds() > t.now }
	last := marks[len(marks)-1]
	if late && !toCome(last) && !slices.Contains(owed, last) && !slices.Contains(begun, last) {
		return nil, err
	}
	if slices.ContainsFunc(marks, func(m time.Duration) bool { return toCome(m) && !slices.Contains(booked, m) }) {
		owed = slices.DeleteFunc(owed, func(m time.Duration) bool { return !slices.Contains(marks, m) })
	}
	return owed, err
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
	if err := t.partPlanned(`c.scene = $1 AND c.person = $2 AND c.mark = $3`, scene, person, mark.Milliseconds()); err != nil {
		return err
	}
	_, err := t.Exec(`DELETE FROM checkins WHERE scene = $1 AND person = $2 AND mark = $3 AND state = 'planned'`, scene, person, mark.Milliseconds())
	return err
}

func (t *tx) dropUnmarked(scene, person int64, marks []time.Duration) error {
	args := []any{scene, person}
	for _, m := range marks {
		args = append(args, m.Milliseconds())
	}
	err := t.partPlanned(`c.scene = $1 AND c.person = $2 AND c.mark NOT IN (`+placeholders(3, len(marks))+`)`, args...)
	if err != nil {
		return err
	}
	_, err = t.Exec(`
		DELETE FROM checkins
		WHERE scene = $1 AND person = $2 AND state = 'planned'
		  AND mark NOT IN (`+placeholders(3, len(marks))+`)
	`, args...)
	return err
}

// partPlanned parts the check-ins that are about to be deleted, not asked yet,
// from what was joined to them while they were on their way. One that may have come
// meanwhile is taken out.
func (t *tx) partPlanned(where string, args ...any) error {
	heads, err := t.ids(`
		SELECT c.id FROM checkins c
		WHERE c.state = 'planned' AND EXISTS (SELECT 1 FROM checkins j WHERE j.joined = c.id) AND `+where, args...)
	if err != nil {
		return err
	}
	for _, id := range heads {
		if err := t.partWays(id); err != nil {
			return err
		}
	}
	return t.letGo(`d.checkin IN (SELECT c.id FROM checkins c WHERE c.state = 'planned' AND `+where+`)`, args...)
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
