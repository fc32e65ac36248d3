package store

import (
	"context"
	"database/sql"
	"errors"
)

// Leave ends a person's end of a pact, at once and for both directions: what
// they left for the other is taken out of the other's DM, what was not read yet
// by them is cancelled, and their answers are deleted. The other is not told,
// and keeps their own end and their own check-ins. ErrGone: no such end.
func (s *Store) Leave(ctx context.Context, account Private, pact int64) error {
	err := s.inTx(ctx, func(t *tx) error {
		p, err := t.findOrGone(account)
		if err != nil {
			return err
		}
		return t.leave(p.id, pact, false)
	})
	if err != nil {
		return err
	}
	_ = s.emptyLog(ctx) // it is left; beside a long read the log is emptied with the next sweep
	return nil
}

// leave is all of Leave. A once-pact that is over is left by both, and each goes on
// alone with what is still to come.
func (t *tx) leave(person, pact int64, over bool) error {
	var partner int64
	err := t.QueryRow(`DELETE FROM sides WHERE pact = $1 AND person = $2 RETURNING partner`, pact, person).Scan(&partner)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrGone
	} else if err != nil {
		return err
	}
	if err := t.forgetStop(person, pact); err != nil {
		return err
	}
	if err := t.silence(person, partner); err != nil {
		return err
	}
	if err := t.stopWith(person, partner); err != nil {
		return err
	}
	_, err = t.Exec(`UPDATE deliveries SET `+retracting+` WHERE pact = $2 AND recipient = $3 AND kind = 'fits'`, t.now, pact, person)
	if err != nil {
		return err
	}
	if err := t.withdraw(person, over); err != nil {
		return err
	}
	return t.dropPact(pact)
}

// dropPact deletes a pact that both have left.
func (t *tx) dropPact(pact int64) error {
	err := t.letGo(`d.pact = $1 AND NOT EXISTS (SELECT 1 FROM sides WHERE pact = $1)`, pact)
	if err != nil {
		return err
	}
	_, err = t.Exec(`DELETE FROM pacts WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM sides WHERE pact = $1)`, pact)
	return err
}

// silence takes back all that passed from me to partner, and what partner left
// for me that I have not read. Kind words that wait are given in neither direction.
func (t *tx) silence(me, partner int64) error {
	if err := t.dropGifts(me, partner); err != nil {
		return err
	}
	mine, err := t.ids(`
		SELECT s.answer
		FROM shares s
		JOIN answers a ON a.id = s.answer
		WHERE a.writer = $1 AND s.reader = $2
	`, me, partner)
	if err != nil {
		return err
	}
	_, err = t.Exec(`
		UPDATE deliveries SET `+retracting+`
		WHERE share IN (
			SELECT s.id
			FROM shares s
			JOIN answers a ON a.id = s.answer
			WHERE (a.writer = $2 AND s.reader = $3)
			   OR (a.writer = $3 AND s.reader = $2 AND s.read_at IS NULL)
		)
	`, t.now, me, partner)
	if err != nil {
		return err
	}
	for _, answer := range mine {
		if err := t.unshare(answer, partner); err != nil {
			return err
		}
	}
	return t.recall(me, partner)
}

// withdraw takes a person out of the scenes in which nobody is left whom they
// are linked with: their check-ins end, and their answers to them are deleted. With
// over, those that are still to come do come, for them alone.
func (t *tx) withdraw(me int64, over bool) error {
	scenes, err := t.ids(`
		SELECT p.scene
		FROM participants p
		WHERE p.person = $1
		  AND EXISTS (SELECT 1 FROM participants o WHERE o.scene = p.scene AND o.person <> $1)
		  AND NOT EXISTS (
			SELECT 1
			FROM participants o
			JOIN sides s ON s.person = $1 AND s.partner = o.person
			WHERE o.scene = p.scene AND o.person <> $1
		  )
	`, me)
	if err != nil {
		return err
	}
	for _, scene := range scenes {
		alone := false
		if over {
			if alone, err = t.goOnAlone(scene, me); err != nil {
				return err
			}
		}
		if alone {
			continue
		}
		if err := t.leaveScene(scene, me, true); err != nil {
			return err
		}
	}
	return nil
}
