package store

import (
	"context"
)

// UndoScene undoes what a person recorded; scene 0 is the last one. If nobody
// else recorded it too, it ends for all in it; otherwise only for them. ErrGone
// as in Recorded.
func (s *Store) UndoScene(ctx context.Context, account Private, scene int64) error {
	return s.inTx(ctx, func(t *tx) error {
		p, id, err := t.recorded(account, scene)
		if err != nil {
			return err
		}
		if _, err := t.Exec(`UPDATE participants SET recorded_at = NULL WHERE scene = $1 AND person = $2`, id, p.id); err != nil {
			return err
		}
		leaving, err := t.ids(`
			SELECT person FROM participants
			WHERE scene = $1
			  AND (person = $2 OR NOT EXISTS (SELECT 1 FROM participants WHERE scene = $1 AND recorded_at IS NOT NULL AND state <> 'out'))
		`, id, p.id)
		if err != nil {
			return err
		}
		for _, person := range leaving {
			if err := t.undoFor(id, person, person == p.id); err != nil {
				return err
			}
		}
		return nil
	})
}

// undoFor ends a scene for one person. What another has begun to answer stays
// theirs: nobody's words go because a partner changed their mind.
func (t *tx) undoFor(scene, person int64, own bool) error {
	var begun bool
	err := t.QueryRow(`
		SELECT EXISTS (
			SELECT 1 FROM checkins c
			JOIN checkins h ON h.id = COALESCE(c.joined, c.id)
			WHERE c.scene = $1 AND c.person = $2 AND h.state = 'answering'
		)
	`, scene, person).Scan(&begun)
	if err != nil {
		return err
	}
	if own || !begun {
		return t.leaveScene(scene, person, false)
	}
	if err := t.dropAfters(scene, person, false); err != nil {
		return err
	}
	if err := t.dropLines(scene, person); err != nil {
		return err
	}
	checkins, err := t.ids(`SELECT id FROM checkins WHERE scene = $1 AND person = $2 AND state IN ('planned', 'asked')`, scene, person)
	if err != nil {
		return err
	}
	return t.cancelAll(checkins)
}

// leaveScene ends a scene for one person: what is open is cancelled, its drafts
// are deleted, and its messages are taken out of their DM. What they answered in
// full is deleted only if forget says so, which is so when they leave the pact. Then
// it stays noted that they recorded it: for the others nothing was undone.
func (t *tx) leaveScene(scene, person int64, forget bool) error {
	if _, err := t.Exec(`
		UPDATE participants SET state = 'out', recorded_at = CASE WHEN $3 THEN recorded_at END
		WHERE scene = $1 AND person = $2
	`, scene, person, forget); err != nil {
		return err
	}
	if _, err := t.Exec(`
		UPDATE deliveries SET `+retracting+`
		WHERE recipient = $2 AND scene = $3 AND kind NOT IN ('after', 'moment')
	`, t.now, person, scene); err != nil {
		return err
	}
	return t.cancelIn(scene, person, forget)
}

// dropLines takes back what is about a scene and is neither a check-in, nor the
// notice of it, nor what comes after it (see dropAfters).
func (t *tx) dropLines(scene, person int64) error {
	_, err := t.Exec(`
		UPDATE deliveries SET `+retracting+`
		WHERE recipient = $2 AND scene = $3 AND kind NOT IN ('notice', 'after', 'moment')
	`, t.now, person, scene)
	return err
}

// cancelIn cancels a person's check-ins in a scene: the open ones, or all.
func (t *tx) cancelIn(scene, person int64, all bool) error {
	if err := t.dropAfters(scene, person, all); err != nil {
		return err
	}
	if err := t.dropLines(scene, person); err != nil {
		return err
	}
	checkins, err := t.ids(`
		SELECT id FROM checkins
		WHERE scene = $1 AND person = $2
		  AND ($3 OR state IN ('planned', 'asked', 'answering')
		       OR joined IN (SELECT id FROM checkins WHERE state IN ('planned', 'asked', 'answering')))
	`, scene, person, all)
	if err != nil {
		return err
	}
	return t.cancelAll(checkins)
}

func (t *tx) cancelAll(checkins []int64) error {
	for _, id := range checkins {
		if err := t.cancel(id); err != nil {
			return err
		}
	}
	return nil
}
