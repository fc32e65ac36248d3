package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
)

// Talk is whom somebody may let know that they'd like to talk.
type Talk struct {
	Readers []Reader // those who were told have ShareWords
	Several bool     // they have other pacts too
}

// talkAt is what one of a person's own messages is about.
type talkAt struct {
	person, scene, checkin int64
}

// ownTalk takes any message of a person's own that is about a scene. ErrGone for
// all else.
func (t *tx) ownTalk(account Private, delivery int64) (at talkAt, err error) {
	p, err := t.findOrGone(account)
	if err != nil {
		return at, err
	}
	err = t.QueryRow(`
		SELECT d.recipient, COALESCE(d.scene, c.scene), COALESCE(d.checkin, 0)
		FROM deliveries d
		LEFT JOIN checkins c ON c.id = d.checkin
		JOIN participants p ON p.scene = COALESCE(d.scene, c.scene) AND p.person = d.recipient AND p.state = 'in'
		WHERE d.id = $1 AND d.recipient = $2 AND d.want <> 'delete'
		  AND COALESCE(c.state, '') NOT IN ('cancelled', 'lapsed', 'folded')
	`, delivery, p.id).Scan(&at.person, &at.scene, &at.checkin)
	if errors.Is(err, sql.ErrNoRows) {
		return at, ErrGone
	}
	return at, err
}

// talkOf returns the wish to talk that belongs to a check-in, or to a scene; one
// with id 0 if there is none.
func (t *tx) talkOf(at talkAt) (answer, error) {
	all, err := t.about(at.scene, at.person, "talk")
	if err != nil {
		return answer{}, err
	}
	i := slices.IndexFunc(all, func(a answer) bool { return a.body.CheckIn == at.checkin })
	if i < 0 {
		return answer{}, nil
	}
	return all[i], nil
}

func (t *tx) talk(at talkAt) (v Talk, err error) {
	a, err := t.talkOf(at)
	if err != nil {
		return v, err
	}
	readers, err := t.readers(at.scene, at.person)
	if err != nil {
		return v, err
	}
	for _, r := range readers {
		level, err := t.levelFor(a, r.partner)
		if err != nil {
			return v, err
		}
		v.Readers = append(v.Readers, Reader{Pact: r.pact, Name: r.name, Level: level})
	}
	err = t.QueryRow(`SELECT COUNT(*) > 1 FROM sides WHERE person = $1`, at.person).Scan(&v.Several)
	return v, err
}

// Talk returns whom a person may let know that they'd like to talk. delivery is
// any message of their own that is about a scene or a check-in. Nobody is told.
// ErrGone if it isn't theirs, or is no longer kept.
func (s *Store) Talk(ctx context.Context, account Private, delivery int64) (v Talk, err error) {
	err = s.inView(ctx, func(t *tx) error {
		at, err := t.ownTalk(account, delivery)
		if err != nil {
			return err
		}
		v, err = t.talk(at)
		return err
	})
	return v, err
}

// TellTalk lets one partner know that a person would like to talk, once for each
// check-in, or takes that back. Whoever has left or paused is told nothing, and
// the person can't tell. ErrGone as in Talk, and for a pact that isn't of the scene.
func (s *Store) TellTalk(ctx context.Context, account Private, delivery, pact int64, tell bool) (v Talk, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		at, err := t.ownTalk(account, delivery)
		if err != nil {
			return err
		}
		if err := t.tellTalk(at, pact, tell); err != nil {
			return err
		}
		v, err = t.talk(at)
		return err
	})
	return v, err
}

func (t *tx) tellTalk(at talkAt, pact int64, tell bool) error {
	readers, err := t.readers(at.scene, at.person)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(readers, func(r side) bool { return r.pact == pact })
	if i < 0 {
		return ErrGone
	}
	a, err := t.talkOf(at)
	if err != nil {
		return err
	}
	level := ShareWords
	if !tell {
		level = ShareKept
	}
	if a.id == 0 && !tell {
		return nil
	}
	if tell {
		if err := t.notTooMuch(at.person, readers[i].partner); err != nil {
			return err
		}
	}
	if a.id == 0 {
		if a, err = t.newAnswer(answer{writer: at.person, kind: "talk", scene: at.scene, state: "draft"}, nil); err != nil {
			return err
		}
		a.body = body{Topic: TopicTalk, CheckIn: at.checkin}
		if err := t.saveBody(a); err != nil {
			return err
		}
	}
	if err := t.chooses(a, readers[i].partner, level); err != nil {
		return err
	}
	return t.carryFor(a.id, readers[i].partner)
}

// forgetTalk takes back the wish to talk that belongs to a check-in.
func (t *tx) forgetTalk(checkin int64) error {
	var at talkAt
	err := t.QueryRow(`SELECT id, scene, person FROM checkins WHERE id = $1`, checkin).Scan(&at.checkin, &at.scene, &at.person)
	if err != nil {
		return err
	}
	a, err := t.talkOf(at)
	if err != nil || a.id == 0 {
		return err
	}
	return t.forgetAnswer(a.id)
}
