package store

import (
	"database/sql"
	"errors"
)

// tooSoon tells whether a relay that has come due is to wait longer, because the
// reader's own prompt has moved since, and has it wait.
func (t *tx) tooSoon(d Delivery) (waits bool, err error) {
	if d.Kind != KindRelay || d.Part != 0 || d.Want != Post || !d.UnsureSince.IsZero() {
		return false, nil
	}
	var share int64
	if err := t.QueryRow(`SELECT share FROM deliveries WHERE id = $1`, d.ID).Scan(&share); err != nil {
		return false, err
	}
	when, err := t.opensAt(share)
	at := when.at
	if err != nil || at <= t.now {
		return false, err
	}
	if _, err := t.Exec(`UPDATE deliveries SET due_at = $2, next_at = $2 WHERE id = $1`, d.ID, at); err != nil {
		return false, err
	}
	return true, t.needAhead(share, when)
}

// needAhead has a need go ahead once more that was left to the rest (see withTheRest),
// since that is to wait after all.
func (t *tx) needAhead(id int64, when opening) error {
	if !when.together {
		return nil
	}
	_, view, shares, err := t.given(`id = (SELECT answer FROM shares WHERE id = $1)`, id)
	if err != nil {
		return err
	}
	for _, s := range shares {
		if s.id == id && view.Need.Travels() && waits(s.level, view) {
			return t.carryNeed(s, when.need)
		}
	}
	return nil
}

// withTheRest tells whether a need that has come due is no longer ahead of anything,
// because the rest has come due as well and has it in it, and then has it not come.
func (t *tx) withTheRest(d Delivery) (comes bool, err error) {
	if d.Kind != KindRelay || d.Part != needPart || d.Want != Post || !d.UnsureSince.IsZero() {
		return false, nil
	}
	var share int64
	err = t.QueryRow(`
		SELECT r.share FROM deliveries d
		JOIN deliveries r ON r.share = d.share AND r.part = 0
		WHERE d.id = $1 AND r.want = 'post' AND r.waiting = 0 AND r.next_at <= $2
	`, d.ID, t.now).Scan(&share)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	when, err := t.opensAt(share)
	if err != nil || when.at > t.now {
		return false, err
	}
	return true, t.retractPart(share, needPart)
}

// retractNeed takes out the need that went ahead of a relay.
func (t *tx) retractNeed(delivery int64) error {
	_, err := t.Exec(`
		UPDATE deliveries SET `+retracting+`
		WHERE share = (SELECT share FROM deliveries WHERE id = $2) AND part = $3 AND want <> 'delete'
	`, t.now, delivery, needPart)
	return err
}
