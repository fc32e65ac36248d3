package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"
)

// What a partner sets up can become too much. Whoever records very many scenes with
// one partner within an hour is asked to wait (ErrScenes). And whoever is brought
// into several within a day can stop what that partner sets up from reaching them.
//
// A stop is a setting of one's own, by pact, and sealed with the others. The scene is
// recorded as ever, with its person in it as somebody who said that it wasn't
// theirs: to the partner that has always looked like any other scene. What the
// partner leaves for them still comes, and so does what others set up.

const (
	scenesAnHour = 5 // recorded by one person with one partner, undone ones included
	severalADay  = 3 // set up by one partner, from which on their notice offers a stop
)

// withOne counts what one person has recorded with another since then.
func (t *tx) withOne(by, with int64, since time.Duration) (n int, err error) {
	err = t.QueryRow(`
		SELECT COUNT(*)
		FROM participants p
		JOIN participants o ON o.scene = p.scene AND o.person = $2
		WHERE p.person = $1 AND p.request IS NOT NULL AND p.scene >= $3
	`, by, with, firstID(t.time().Add(-since))).Scan(&n)
	return n, err
}

// notSoMany is ErrScenes for somebody who has recorded very many scenes with one of
// the partners within an hour.
func (t *tx) notSoMany(me int64, partners []int64) error {
	for _, p := range partners {
		if n, err := t.withOne(me, p, time.Hour); err != nil {
			return err
		} else if n >= scenesAnHour {
			return ErrScenes
		}
	}
	return nil
}

// stops tells whether a person has stopped what a partner sets up.
func (t *tx) stops(p person, partner int64) (bool, error) {
	if len(p.settings.Stopped) == 0 {
		return false, nil
	}
	sides, err := t.sides(p.id)
	if err != nil {
		return false, err
	}
	i := slices.IndexFunc(sides, func(s side) bool { return s.partner == partner })
	return i >= 0 && slices.Contains(p.settings.Stopped, sides[i].pact), nil
}

// heldBack tells whether somebody is in a scene only as one who has stopped whoever
// recorded it.
func (t *tx) heldBack(scene int64, p person) (bool, error) {
	if len(p.settings.Stopped) == 0 {
		return false, nil
	}
	var out bool
	err := t.QueryRow(`
		SELECT state = 'out' AND replied_at IS NULL AND recorded_at IS NULL FROM participants WHERE scene = $1 AND person = $2
	`, scene, p.id).Scan(&out)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !out {
		return false, nil
	} else if err != nil {
		return false, err
	}
	by, err := t.recordedBy(scene, p.id)
	if err != nil || by == 0 {
		return false, err
	}
	return t.stops(p, by)
}

// bring puts a partner who is missing from a scene into it, and owes them a line
// about it. Nothing is booked for somebody who wants to be asked first, and nothing
// reaches somebody who has stopped what comes from whoever records it.
func (t *tx) bring(scene, partner, by int64, missing bool) error {
	p, err := t.person(partner)
	if err != nil {
		return err
	}
	stopped, err := t.stops(p, by)
	if err != nil {
		return err
	}
	switch {
	case stopped && missing:
		return t.join(scene, partner, "out", nil, nil)
	case !missing:
		if held, err := t.heldBack(scene, p); err != nil || !held || stopped {
			return err
		}
	}
	state := "in"
	if p.settings.AskFirst {
		state = "asked"
	}
	if err := t.join(scene, partner, state, nil, nil); err != nil {
		return err
	}
	if p.settings.Much == MuchNone {
		return t.plan(scene, partner) // nothing comes, so that there is nothing to tell
	}
	if _, err := t.owe(owed{to: partner, kind: KindNotice, scene: scene}); err != nil {
		return err
	}
	if state == "asked" {
		return nil
	}
	return t.plan(scene, partner)
}

// recordedBy returns which of the others in a scene recorded it first; 0: none.
func (t *tx) recordedBy(scene, person int64) (by int64, err error) {
	err = t.QueryRow(`
		SELECT person FROM participants
		WHERE scene = $1 AND person <> $2 AND recorded_at IS NOT NULL
		ORDER BY recorded_at, person
		LIMIT 1
	`, scene, person).Scan(&by)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return by, err
}

// several tells whether whoever recorded a scene has set up several for a person
// within a day.
func (t *tx) several(scene, person int64) (bool, error) {
	by, err := t.recordedBy(scene, person)
	if err != nil || by == 0 {
		return false, err
	}
	n, err := t.withOne(by, person, 24*time.Hour)
	return n >= severalADay, err
}

// stopAll stops what whoever recorded a scene sets up for a person from reaching
// them, and takes back what of theirs is still to come and was not replied to.
func (t *tx) stopAll(p person, scene int64) (stopped side, err error) {
	by, err := t.recordedBy(scene, p.id)
	if err != nil {
		return side{}, err
	}
	sides, err := t.sides(p.id)
	if err != nil {
		return side{}, err
	}
	i := slices.IndexFunc(sides, func(s side) bool { return s.partner == by })
	if i < 0 {
		return side{}, ErrGone
	}
	if _, err := t.change(p, func(s *Settings) { s.stop(sides[i].pact, true) }); err != nil {
		return side{}, err
	}
	others, err := t.ids(`
		SELECT p.scene
		FROM participants p
		WHERE p.person = $1 AND p.scene <> $3 AND p.state IN ('in', 'asked') AND p.recorded_at IS NULL AND p.replied_at IS NULL
		  AND EXISTS (SELECT 1 FROM participants o WHERE o.scene = p.scene AND o.person = $2 AND o.recorded_at IS NOT NULL)
		  AND NOT EXISTS (
			SELECT 1 FROM participants o
			WHERE o.scene = p.scene AND o.person NOT IN ($1, $2) AND o.recorded_at IS NOT NULL
		  )
		  AND NOT EXISTS (
			SELECT 1 FROM checkins c WHERE c.scene = p.scene AND c.person = $1 AND c.state NOT IN ('planned', 'cancelled')
		  )
	`, p.id, by, scene)
	if err != nil {
		return side{}, err
	}
	for _, other := range others {
		if err := t.leaveScene(other, p.id, false); err != nil {
			return side{}, err
		}
	}
	return sides[i], t.stepOut(scene, p.id)
}

// stop sets whether what the partner of a pact sets up is stopped.
func (s *Settings) stop(pact int64, stopped bool) {
	s.Stopped = slices.DeleteFunc(slices.Clone(s.Stopped), func(id int64) bool { return id == pact })
	if stopped {
		s.Stopped = append(s.Stopped, pact)
	}
	if len(s.Stopped) == 0 {
		s.Stopped = nil
	}
}

// LetCome has what the partner of a pact sets up reach a
// person again, from the next scene on, and returns the partner's name. ErrGone for
// a pact that isn't theirs.
func (s *Store) LetCome(ctx context.Context, account Private, pact int64) (partner Private, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		p, err := t.findOrGone(account)
		if err != nil {
			return err
		}
		mine, err := t.sideOf(p.id, pact)
		if err != nil {
			return err
		}
		partner = mine.name
		_, err = t.change(p, func(s *Settings) { s.stop(pact, false) })
		return err
	})
	return partner, err
}

// forgetStop forgets that somebody stopped what came by a pact that they leave.
func (t *tx) forgetStop(person, pact int64) error {
	p, err := t.person(person)
	if err != nil || !slices.Contains(p.settings.Stopped, pact) {
		return err
	}
	_, err = t.change(p, func(s *Settings) { s.stop(pact, false) })
	return err
}
