package store

import (
	"errors"
	"time"
)

const (
	afterLast    = 20 * time.Hour // after the last check-in: what to keep, what to change
	momentAfter  = 24 * time.Hour // after that: one moment
	afterLaterBy = 24 * time.Hour
)

// wantsAfter tells whether a person is asked after the last mark of a scene: if
// they want to be, and the scene was with somebody, and not a light one, which is
// to end with its one check-in. In links that end by themselves it has to come
// before they do, seen from now, or have been booked.
func (t *tx) wantsAfter(scene, person int64) (bool, error) {
	p, err := t.person(person)
	if err != nil || !p.settings.After || p.settings.Much != MuchFull {
		return false, err
	}
	var fits bool
	err = t.QueryRow(`
		SELECT EXISTS (
			SELECT 1
			FROM scenes s
			JOIN participants p ON p.scene = s.id AND p.person = $2 AND p.state = 'in'
			WHERE s.id = $1 AND s.kind = 'scene' AND s.size <> 'light'
		)
	`, scene, person).Scan(&fits)
	if err != nil || !fits {
		return false, err
	}
	readers, err := t.readers(scene, person)
	if err != nil || len(readers) == 0 {
		return false, err
	}
	over, err := t.onceOver(scene, person)
	if err != nil || over == 0 {
		return err == nil, err
	}
	var booked bool
	err = t.QueryRow(`
		SELECT EXISTS (SELECT 1 FROM deliveries WHERE recipient = $1 AND scene = $2 AND kind = 'after' AND want <> 'delete')
	`, person, scene).Scan(&booked)
	due := p.settings.Awake(fromMilli(t.now + afterLast.Milliseconds())).UnixMilli()
	return booked || due+onceLeast.Milliseconds() <= over, err
}

// afterwards owes what comes after a message that was just sent: the questions
// after the last check-in, and after those the one about a moment. changed tells
// that its person has done something to it already.
func (t *tx) afterwards(d Delivery, changed bool) error {
	switch d.Kind {
	case KindCheckIn:
		return t.afterCheckin(d)
	case KindAfter, KindMoment:
		a, err := t.afterOf(d.ID)
		if errors.Is(err, ErrGone) {
			return nil // taken back while it was on its way
		} else if err != nil {
			return err
		}
		if a.step == stepLater && !changed {
			a.step = stepAtPrompt
			if err := t.saveAfter(a); err != nil {
				return err
			}
		}
		if a.kind == KindMoment || a.step == stepLater || a.step == stepSkipped {
			return nil
		}
		return t.bookAfter(KindMoment, a.scene, a.person, momentAfter)
	}
	return nil
}

// afterCheckin books the questions after a check-in that was the last.
func (t *tx) afterCheckin(d Delivery) error {
	c, err := t.checkinOf(d.ID)
	if err != nil {
		return err
	}
	var more bool
	err = t.QueryRow(`
		SELECT EXISTS (SELECT 1 FROM checkins WHERE scene = $1 AND person = $2 AND mark > $3 AND state NOT IN ('folded', 'lapsed', 'cancelled'))
	`, c.scene, c.person, c.mark).Scan(&more)
	if err != nil || more {
		return err
	}
	if wanted, err := t.wantsAfter(c.scene, c.person); err != nil || !wanted {
		return err
	}
	return t.bookAfter(KindAfter, c.scene, c.person, afterLast)
}

// bookAfter owes a question, or moves it. One that was asked already stays. There
// is none about a moment where the links end by themselves, which is before that.
func (t *tx) bookAfter(kind Kind, scene, person int64, in time.Duration) error {
	if kind == KindMoment {
		if over, err := t.onceOver(scene, person); err != nil || over != 0 {
			return err
		}
	}
	_, err := t.Exec(`
		INSERT INTO afters (scene, person, kind) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
	`, scene, person, kind)
	if err != nil {
		return err
	}
	var asked bool
	err = t.QueryRow(`
		SELECT EXISTS (SELECT 1 FROM deliveries WHERE recipient = $1 AND kind = $2 AND scene = $3 AND sent_at IS NOT NULL)
	`, person, kind, scene).Scan(&asked)
	if err != nil || asked {
		return err
	}
	_, err = t.owe(owed{to: person, kind: kind, scene: scene, due: t.now + in.Milliseconds()})
	return err
}

// endAfterwards ends a question that is no longer wanted, or comes too late: it
// is about a time that its person has gone on from.
func (t *tx) endAfterwards(d Delivery) (ended bool, err error) {
	a, err := t.afterOf(d.ID)
	if err != nil {
		return false, err
	}
	wanted, err := t.wantsAfter(a.scene, a.person)
	if err != nil {
		return false, err
	}
	var more bool // a check-in is still to come: the scene was changed
	err = t.QueryRow(`SELECT EXISTS (SELECT 1 FROM checkins WHERE scene = $1 AND person = $2 AND state = 'planned')`, a.scene, a.person).Scan(&more)
	if err != nil || wanted && !more && t.time().Sub(d.Due) <= lapseLine {
		return false, err
	}
	_, err = t.Exec(`UPDATE deliveries SET `+ending+` WHERE id = $2`, t.now, d.ID)
	return true, err
}

// dropAfters ends what comes to a person after a scene: what stands unanswered
// goes out of their DM, and so does what they began. What they shared or kept
// goes too if all says so. A wish to talk goes with the last message on which it
// could be taken back.
func (t *tx) dropAfters(scene, person int64, all bool) error {
	answers, err := t.ids(`
		SELECT id FROM answers
		WHERE scene = $1 AND writer = $2 AND kind IN ('part', 'talk') AND state <> 'gone' AND ($3 OR state = 'draft')
	`, scene, person, all)
	if err != nil {
		return err
	}
	for _, id := range answers {
		if err := t.forgetAnswer(id); err != nil {
			return err
		}
	}
	stays := false
	for _, kind := range []Kind{KindAfter, KindMoment} {
		parts, err := t.parts(after{scene: scene, person: person, kind: kind})
		if err != nil {
			return err
		}
		if len(parts) > 0 {
			stays = true // it is where they change it, or take it back
			continue
		}
		_, err = t.Exec(`
			UPDATE deliveries SET `+retracting+`
			WHERE recipient = $2 AND scene = $3 AND kind = $4
		`, t.now, person, scene, kind)
		if err != nil {
			return err
		}
	}
	if stays {
		return nil
	}
	talk, err := t.talkOf(talkAt{person: person, scene: scene})
	if err != nil || talk.id == 0 {
		return err
	}
	return t.forgetAnswer(talk.id)
}
