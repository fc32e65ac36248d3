package store

import (
	"database/sql"
	"time"
)

// A clock that was ahead and is set right leaves behind what was to happen "now" by
// it, and would happen only once it shows that time again: what somebody left for
// another, what they took back, a retry. What was planned for later stays.

// farAhead is more than any wait that begins now: the longest retry, and the longest
// that Discord may ask for, are 15 minutes.
const farAhead = 20 * time.Minute

// setRight is what a clock that was ahead left behind, for what is never planned;
// $1 is now, $2 farAhead from now. The indexes deliveries_failed and deliveries_now
// have the same words.
var setRight = []string{`
	UPDATE deliveries SET next_at = $1
	WHERE next_at > $2 AND attempts > 0 AND due_at <= $1 AND lease IS NULL
`, `
	UPDATE deliveries SET next_at = $1, due_at = MIN(due_at, $1)
	WHERE next_at > $2 AND ` + isNow + ` AND lease IS NULL
`}

const isNow = `(want <> 'post' OR kind IN ('hello', 'linked', 'panel', 'offer', 'remark')) AND kind <> 'stray'`

// What is planned at times, if it was by a clock that was ahead; $1 is
// farAhead from now. The index deliveries_soon has the words of isSoon.
const (
	isSoon       = `kind IN ('relay', 'notice', 'standing')`
	relaysAhead  = `SELECT id, share, part FROM deliveries WHERE next_at > $1 AND ` + isSoon + ` AND kind = 'relay' AND want = 'post' AND lease IS NULL`
	noticesAhead = `SELECT id, recipient FROM deliveries WHERE next_at > $1 AND ` + isSoon + ` AND kind <> 'relay' AND want = 'post' AND lease IS NULL`
)

// catchUpWithClock makes due now what was due by a clock that was ahead. What waits
// for its reader's time, or for the end of their night, is asked anew when that is.
func (t *tx) catchUpWithClock() error {
	ahead := t.now + farAhead.Milliseconds()
	for _, query := range setRight {
		if _, err := t.Exec(query, t.now, ahead); err != nil {
			return err
		}
	}
	if err := t.openAnew(relaysAhead, ahead); err != nil {
		return err
	}
	type line struct{ id, to int64 }
	var lines []line
	rows, err := t.Query(noticesAhead, ahead)
	err = each(rows, err, func(r *sql.Rows) error {
		var l line
		err := r.Scan(&l.id, &l.to)
		lines = append(lines, l)
		return err
	})
	if err != nil {
		return err
	}
	for _, l := range lines {
		p, err := t.person(l.to)
		if err != nil {
			return err
		}
		if err := t.bringForward(l.id, p.settings.Awake(t.time()).UnixMilli()); err != nil {
			return err
		}
	}
	return nil
}

// bringForward has a delivery be due at a time, if that is sooner.
func (t *tx) bringForward(delivery, at int64) error {
	_, err := t.Exec(`
		UPDATE deliveries
		SET due_at = $2, next_at = CASE WHEN next_at IS NULL THEN NULL ELSE $2 END
		WHERE id = $1 AND due_at > $2
	`, delivery, at)
	return err
}
