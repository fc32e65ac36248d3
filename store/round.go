package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

const (
	sameRound   = time.Hour     // two who ask this close get one round
	roundsApart = 3 * time.Hour // in one pact, when somebody asks for them
)

// SoonError says that there was a round a little while ago, and when there can
// be another.
type SoonError struct{ At time.Time }

// Error implements error.
func (e SoonError) Error() string { return "not before " + e.At.Format(time.DateTime) }

// Round is a round as one of those who asked for it sees it.
type Round struct {
	Partners []Private // names
	At       time.Time // of their own check-in; zero: it came already
}

// AskRound has a check-in come now, for whoever asks and for the partners named,
// or finds the one that a partner asked for within the last hour. The time and the
// size of what is given count for nothing. Errors as in EndScene, and SoonError.
func (s *Store) AskRound(ctx context.Context, e Ended) (r Round, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		me, scene, err := t.recordOnce(e, t.askRound)
		if err != nil {
			return err
		}
		r, err = t.round(scene, me.id)
		return err
	})
	return r, err
}

func (t *tx) askRound(me person, e Ended, request []byte) (scene int64, err error) {
	partners, err := t.partners(me, e)
	if err != nil {
		return 0, err
	}
	if err := t.seldom(me.id); err != nil {
		return 0, err
	}
	scene, err = t.recentRound(me.id, partners)
	if err != nil {
		return 0, err
	}
	if scene == 0 {
		if scene, err = t.newRound(t.now, nil); err != nil {
			return 0, err
		}
		for _, p := range partners {
			if err := t.bringToRound(scene, p, me.id); err != nil {
				return 0, err
			}
		}
	}
	if err := t.join(scene, me.id, "in", &t.now, request); err != nil {
		return 0, err
	}
	return scene, t.plan(scene, me.id)
}

// recentRound finds the round of the last hour in which all of them are, or 0. A
// round with one of them in the last 3 hours is a SoonError.
func (t *tx) recentRound(me int64, partners []int64) (found int64, err error) {
	var last int64
	for i := range max(len(partners), 1) {
		id, at, err := t.lastRound(me, partners, i)
		if err != nil {
			return 0, err
		}
		last = max(last, at)
		if i == 0 {
			found = id
		} else if id != found {
			found = 0
		}
	}
	switch {
	case last > t.now-sameRound.Milliseconds() && found != 0:
		return found, nil
	case last > t.now-roundsApart.Milliseconds():
		return 0, SoonError{At: fromMilli(last).Add(roundsApart)}
	}
	return 0, nil
}

// lastRound returns the last round that somebody asked for with the i-th of the
// partners in it, or with nobody else where there are none.
func (t *tx) lastRound(me int64, partners []int64, i int) (id, at int64, err error) {
	with, args := `NOT EXISTS (SELECT 1 FROM participants o WHERE o.scene = s.id AND o.person <> $1)`, []any{me}
	if len(partners) > 0 {
		with, args = `EXISTS (SELECT 1 FROM participants o WHERE o.scene = s.id AND o.person = $2)`, append(args, partners[i])
	}
	err = t.QueryRow(`
		SELECT s.id, s.ended_at
		FROM participants p
		JOIN scenes s ON s.id = p.scene
		WHERE p.person = $1 AND s.kind = 'round' AND s.occasion IS NULL AND `+with+`
		ORDER BY s.ended_at DESC, s.id DESC
		LIMIT 1
	`, args...).Scan(&id, &at)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return id, at, err
}

// newRound makes a round; one that belongs to a standing check-in has an occasion.
func (t *tx) newRound(at int64, occasion []byte) (int64, error) {
	id := t.newID()
	_, err := t.Exec(`
		INSERT INTO scenes (id, kind, ended_at, size, occasion, forget_at)
		VALUES ($1, 'round', $2, $3, $4, $5)
	`, id, at, Light, occasion, at+keepScene.Milliseconds())
	return id, err
}

// bringToRound is bring for a round: its check-in is the line about it.
func (t *tx) bringToRound(scene, partner, by int64) error {
	p, err := t.person(partner)
	if err != nil {
		return err
	}
	stopped, err := t.stops(p, by)
	if err != nil {
		return err
	}
	if stopped {
		return t.join(scene, partner, "out", nil, nil)
	}
	if p.settings.AskFirst {
		if err := t.join(scene, partner, "asked", nil, nil); err != nil || p.settings.Much == MuchNone {
			return err // nothing comes to them, so that there is nothing to ask
		}
		due := p.settings.Awake(t.time()).UnixMilli()
		_, err = t.owe(owed{to: partner, kind: KindNotice, scene: scene, due: due})
		return err
	}
	if err := t.join(scene, partner, "in", nil, nil); err != nil {
		return err
	}
	return t.plan(scene, partner)
}

// planRound books the one check-in of a round, for now. Somebody who wants to hear
// nothing is asked only if they asked for it themselves.
func (t *tx) planRound(scene, person int64) error {
	p, err := t.person(person)
	if err != nil {
		return err
	}
	own, err := t.asksItself(scene, person)
	if err != nil {
		return err
	}
	if p.settings.Much == MuchNone && !own {
		return nil
	}
	return t.book(scene, person, 0, t.now)
}

// asksItself tells whether somebody asked for a round themselves.
func (t *tx) asksItself(scene, person int64) (own bool, err error) {
	err = t.QueryRow(`
		SELECT EXISTS (SELECT 1 FROM participants WHERE scene = $1 AND person = $2 AND recorded_at IS NOT NULL)
	`, scene, person).Scan(&own)
	return own, err
}

// atOwnWish tells whether a check-in is the one that somebody asked for just now:
// whoever asks at night is awake.
func (t *tx) atOwnWish(checkin int64) (own bool, err error) {
	err = t.QueryRow(`
		SELECT EXISTS (
			SELECT 1
			FROM checkins c
			JOIN scenes s ON s.id = c.scene AND s.kind = 'round'
			JOIN participants p ON p.scene = c.scene AND p.person = c.person
			WHERE c.id = $1 AND c.postponed = 0 AND p.recorded_at IS NOT NULL
		)
	`, checkin).Scan(&own)
	return own, err
}

func (t *tx) round(scene, person int64) (r Round, err error) {
	readers, err := t.readers(scene, person)
	if err != nil {
		return r, err
	}
	for _, reader := range readers {
		r.Partners = append(r.Partners, reader.name)
	}
	var due int64
	err = t.QueryRow(`
		SELECT d.due_at
		FROM checkins c
		JOIN deliveries d ON d.checkin = c.id AND d.kind = 'checkin'
		WHERE c.scene = $1 AND c.person = $2 AND c.state = 'planned'
	`, scene, person).Scan(&due)
	if errors.Is(err, sql.ErrNoRows) {
		return r, nil
	} else if err != nil {
		return r, err
	}
	r.At = fromMilli(due)
	return r, nil
}
