package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"
)

// Choice is what somebody says to a scene that a partner recorded.
type Choice string

// The choices.
const (
	ChoiceOK       Choice = "ok"    // fine
	ChoiceYes      Choice = "yes"   // asked first: book it
	ChoiceNo       Choice = "no"    // asked first: don't
	ChoiceNotOurs  Choice = "not"   // this wasn't ours
	ChoiceAskFirst Choice = "first" // from now on, ask me first
	ChoiceStop     Choice = "stop"  // from now on, nothing that this partner sets up
)

// Notice is what somebody is told of a scene that a partner recorded.
type Notice struct {
	AskFirst bool  // nothing is booked yet
	Scene    Scene // with their own check-ins, or the line in their place, that are still to come
	Out      bool  // they said that it wasn't theirs
	Several  bool  // one of several that a partner has set up within a day

	Stopped Private // after ChoiceStop: whom, by name
	Pact    int64   // and by which pact
}

func (t *tx) ownNotice(account Private, delivery int64) (p person, scene int64, err error) {
	if p, err = t.findOrGone(account); err != nil {
		return p, 0, err
	}
	err = t.QueryRow(`
		SELECT d.scene
		FROM deliveries d
		JOIN participants i ON i.scene = d.scene AND i.person = d.recipient
		WHERE d.id = $1 AND d.recipient = $2 AND d.kind = 'notice' AND d.want <> 'delete'
	`, delivery, p.id).Scan(&scene)
	if errors.Is(err, sql.ErrNoRows) {
		return p, 0, ErrGone
	}
	return p, scene, err
}

func (t *tx) notice(scene, person int64) (n Notice, err error) {
	var state string
	if err := t.QueryRow(`SELECT state FROM participants WHERE scene = $1 AND person = $2`, scene, person).Scan(&state); err != nil {
		return n, err
	}
	n.AskFirst, n.Out = state == "asked", state == "out"
	if n.Several, err = t.several(scene, person); err != nil {
		return n, err
	}
	n.Scene, err = t.scene(scene, person)
	// One that waited for closed DMs tells what still comes, and nothing that "comes 25 hours ago".
	past := func(due time.Time) bool { return due.Before(t.time()) }
	n.Scene.CheckIns = slices.DeleteFunc(n.Scene.CheckIns, past)
	if past(n.Scene.LineAt) {
		n.Scene.LineAt = time.Time{}
	}
	return n, err
}

// Choose takes what somebody says to a notice of theirs. Nobody else learns of
// it. ErrGone if the scene was undone or is no longer kept.
func (s *Store) Choose(ctx context.Context, account Private, delivery int64, choice Choice) (n Notice, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		p, scene, err := t.ownNotice(account, delivery)
		if err != nil {
			return err
		}
		if _, err := t.Exec(`UPDATE participants SET replied_at = $3 WHERE scene = $1 AND person = $2`, scene, p.id, t.now); err != nil {
			return err
		}
		var stopped side
		switch choice {
		case ChoiceOK:
		case ChoiceYes:
			if err := t.join(scene, p.id, "in", nil, nil); err != nil {
				return err
			}
			err = t.plan(scene, p.id)
		case ChoiceNo, ChoiceNotOurs:
			err = t.stepOut(scene, p.id)
		case ChoiceAskFirst:
			if _, err := t.change(p, func(s *Settings) { s.AskFirst = true }); err != nil {
				return err
			}
			err = t.askInstead(scene, p.id)
		case ChoiceStop:
			stopped, err = t.stopAll(p, scene)
		default:
			err = ErrGone
		}
		if err != nil {
			return err
		}
		n, err = t.notice(scene, p.id)
		n.Stopped, n.Pact = stopped.name, stopped.pact
		return err
	})
	return n, err
}

// askInstead takes back what was booked for somebody who wants to be asked first:
// this time too. What they recorded themselves, or have been asked, stays.
func (t *tx) askInstead(scene, person int64) error {
	res, err := t.Exec(`
		UPDATE participants SET state = 'asked'
		WHERE scene = $1 AND person = $2 AND state = 'in' AND recorded_at IS NULL
		  AND NOT EXISTS (SELECT 1 FROM checkins WHERE scene = $1 AND person = $2 AND state NOT IN ('planned', 'cancelled'))
	`, scene, person)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return t.cancelIn(scene, person, false)
}

// stepOut is leaveScene with the notice left standing: it shows what they chose.
func (t *tx) stepOut(scene, person int64) error {
	if _, err := t.Exec(`UPDATE participants SET state = 'out', recorded_at = NULL WHERE scene = $1 AND person = $2`, scene, person); err != nil {
		return err
	}
	return t.cancelIn(scene, person, false)
}
