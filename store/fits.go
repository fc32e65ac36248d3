package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

const (
	fitsEvery  = 60 * 24 * time.Hour // since a pact was made, or its person was last asked
	fitsScenes = 10                  // or so many scenes, if that is sooner
	fitsAfter  = 12 * time.Hour      // not so soon after a check-in
)

// Fits is the question whether a pact still fits, as one of its two sees it.
type Fits struct {
	Partner Private // name
	Several bool    // they have other pacts too, so that it has to be said which
}

// fitsDue finds for whom it is time. How many at once stands in it as in the sweeps.
const fitsDue = `
	SELECT s.pact, s.person
	FROM sides s
	JOIN pacts x ON x.id = s.pact
	JOIN persons p ON p.id = s.person
	WHERE s.fit_last_at > $1
	  AND (s.fit_scenes >= $2 OR COALESCE(s.fit_asked_at, x.made_at) <= $1)
	  AND p.paused_at IS NULL
	  AND NOT EXISTS (
		SELECT 1 FROM checkins c WHERE c.person = s.person AND (c.state = 'planned' OR c.asked_at > $3)
	  )
	LIMIT 100
`

// AskFits owes the question whether it still fits to each person for whose pact it
// is time: after 60 days or 10 scenes, if there was anything in the last 60 days,
// and never beside a check-in. Nobody else is told. It returns how many.
func (s *Store) AskFits(ctx context.Context) (n int, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		type due struct{ pact, person int64 }
		var all []due
		rows, err := t.Query(fitsDue, t.now-fitsEvery.Milliseconds(), fitsScenes, t.now-fitsAfter.Milliseconds())
		err = each(rows, err, func(r *sql.Rows) error {
			var d due
			err := r.Scan(&d.pact, &d.person)
			all = append(all, d)
			return err
		})
		if err != nil {
			return err
		}
		for _, d := range all {
			if err := t.askFits(d.pact, d.person); err != nil {
				return err
			}
		}
		n = len(all)
		return nil
	})
	return n, err
}

// askFits owes the question. It takes the place of the one before.
func (t *tx) askFits(pact, person int64) error {
	_, err := t.Exec(`UPDATE sides SET fit_asked_at = $3, fit_scenes = 0 WHERE pact = $1 AND person = $2`, pact, person, t.now)
	if err != nil {
		return err
	}
	due, err := t.awake(person, t.now)
	if err != nil {
		return err
	}
	res, err := t.Exec(`
		UPDATE deliveries
		SET want = 'post', due_at = $3, wanted_at = $4, next_at = CASE WHEN lease IS NULL THEN $3 ELSE next_at END,
		    round = round + 1, version = version + 1, waiting = 0
		WHERE pact = $1 AND recipient = $2 AND kind = 'fits'
	`, pact, person, due, t.now)
	if err != nil {
		return err
	}
	if again, err := res.RowsAffected(); err != nil || again > 0 {
		return err
	}
	_, err = t.owe(owed{to: person, kind: KindFits, pact: pact})
	return err
}

// countFits notes for a person's sides that a scene or a round has reached them, by
// the first of its check-ins. Only scenes are counted.
func (t *tx) countFits(delivery int64) error {
	_, err := t.Exec(`
		UPDATE sides
		SET fit_last_at = $2,
		    fit_scenes = fit_scenes + (SELECT s.kind = 'scene' FROM checkins c JOIN scenes s ON s.id = c.scene WHERE c.id = (SELECT checkin FROM deliveries WHERE id = $1))
		WHERE person = (SELECT recipient FROM deliveries WHERE id = $1)
		  AND partner IN (
			SELECT i.person
			FROM checkins c
			JOIN participants i ON i.scene = c.scene
			WHERE c.id = (SELECT checkin FROM deliveries WHERE id = $1)
		  )
		  AND NOT EXISTS (
			SELECT 1
			FROM checkins c
			JOIN checkins o ON o.scene = c.scene AND o.person = c.person AND o.asked_at IS NOT NULL
			WHERE c.id = (SELECT checkin FROM deliveries WHERE id = $1)
		  )
	`, delivery, t.now)
	return err
}

// ownFits checks that a message asks a person about a pact of theirs.
func (t *tx) ownFits(account Private, delivery int64) (v Fits, err error) {
	p, err := t.findOrGone(account)
	if err != nil {
		return v, err
	}
	var pact int64
	err = t.QueryRow(`
		SELECT pact FROM deliveries WHERE id = $1 AND recipient = $2 AND kind = 'fits' AND want <> 'delete'
	`, delivery, p.id).Scan(&pact)
	if errors.Is(err, sql.ErrNoRows) {
		return v, ErrGone
	} else if err != nil {
		return v, err
	}
	return t.fits(pact, p.id)
}

func (t *tx) fits(pact, person int64) (v Fits, err error) {
	var sealed []byte
	err = t.QueryRow(`
		SELECT partner_name, (SELECT COUNT(*) > 1 FROM sides o WHERE o.person = s.person)
		FROM sides s
		WHERE s.pact = $1 AND s.person = $2
	`, pact, person).Scan(&sealed, &v.Several)
	if errors.Is(err, sql.ErrNoRows) {
		return v, ErrGone
	} else if err != nil {
		return v, err
	}
	v.Partner, err = t.open(person, "sides.partner_name", pact, sealed)
	return v, err
}

// Fits returns what a message that asks whether it still fits is about, or ErrGone.
func (s *Store) Fits(ctx context.Context, account Private, delivery int64) (v Fits, err error) {
	err = s.inView(ctx, func(t *tx) error {
		v, err = t.ownFits(account, delivery)
		return err
	})
	return v, err
}
