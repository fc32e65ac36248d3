package store

import (
	"context"
	"database/sql"
	"time"
)

// Tidy is how long the bot's messages stay in somebody's DM.
type Tidy string

// How long.
const (
	TidyWeek  Tidy = ""      // a week, which is how long an answer is kept
	TidyDay   Tidy = "day"   // a day
	TidyNever Tidy = "never" // until they are cleared away
)

const (
	tidyWeek = 7 * 24 * time.Hour
	tidyDay  = 24 * time.Hour
	forEver  = 1 << 62 * time.Nanosecond
)

// MessagesStay returns how long the bot's messages stay in a person's DM; ends is
// false if that has no end.
func (s Settings) MessagesStay() (d time.Duration, ends bool) {
	switch s.Tidy {
	case TidyNever:
		return 0, false
	case TidyDay:
		return tidyDay, true
	}
	return tidyWeek, true
}

// waitsForThem tells of a delivery d whether its message waits for its person to
// open it. None of those shows words or a feeling: a preview that does is read.
const waitsForThem = `
	CASE d.kind
		WHEN 'relay' THEN (SELECT CASE WHEN d.part < 0 THEN s.need_read_at ELSE s.read_at END IS NULL FROM shares s WHERE s.id = d.share)
		WHEN 'checkin' THEN (SELECT c.state IN ('asked', 'answering') AND c.step IN ('prompt', 'later') FROM checkins c WHERE c.id = d.checkin)
		WHEN 'notice' THEN (SELECT i.state = 'asked' FROM participants i WHERE i.scene = d.scene AND i.person = d.recipient)
		WHEN 'standing' THEN (SELECT s.state = 'offered' FROM standings s WHERE s.id = d.standing)
		WHEN 'after' THEN (SELECT a.step IN ('prompt', 'later') FROM afters a WHERE a.scene = d.scene AND a.person = d.recipient AND a.kind = 'after')
		WHEN 'moment' THEN (SELECT a.step IN ('prompt', 'later') FROM afters a WHERE a.scene = d.scene AND a.person = d.recipient AND a.kind = 'moment')
		ELSE 0
	END`

// standsNow is a delivery d whose message stands and is nobody's business: not on
// its way, nor to come once more.
const standsNow = `d.message IS NOT NULL AND d.kind <> 'stray' AND d.want = 'edit' AND d.lease IS NULL`

// takeOut has the message of a delivery taken out of its DM.
func (t *tx) takeOut(delivery int64, kind Kind) error {
	if kind == KindRelay {
		return t.setAside(delivery)
	}
	_, err := t.Exec(`UPDATE deliveries SET `+retracting+` WHERE id = $2`, t.now, delivery)
	return err
}

// standingMessage is a message that stands in a DM.
type standingMessage struct {
	id, recipient, sentAt int64
	kind                  Kind
	waits                 bool
}

// standingSQL lists messages that stand in DMs.
func standingSQL(where string) string {
	return `
		SELECT d.id, d.recipient, COALESCE(d.sent_at, d.due_at), d.kind, COALESCE(` + waitsForThem + `, 0)
		FROM deliveries d
		JOIN persons p ON p.id = d.recipient
		WHERE ` + standsNow + ` AND ` + where
}

// tooOld is a message that has stood for a week, or for a day in the DM of somebody
// whose settings are not everybody's; $1 is a day ago, and $2 a week.
const tooOld = `d.sent_at <= $1 AND (d.sent_at <= $2 OR p.chose = 1)`

func (t *tx) standingIn(where string, args ...any) (out []standingMessage, err error) {
	rows, err := t.Query(standingSQL(where), args...)
	err = each(rows, err, func(r *sql.Rows) error {
		var m standingMessage
		err := r.Scan(&m.id, &m.recipient, &m.sentAt, &m.kind, &m.waits)
		out = append(out, m)
		return err
	})
	return out, err
}

// tidyUp has those messages taken out that have stood in somebody's DM for as long
// as they want that. What waits for them stays while it is kept.
func (s *Store) tidyUp(ctx context.Context) (n int64, err error) {
	var due []standingMessage
	err = s.inView(ctx, func(t *tx) error {
		if due, err = t.tooOld(); err != nil {
			return err
		}
		return nil
	})
	for len(due) > 0 && err == nil {
		some := due[:min(len(due), tidyAtOnce)]
		due = due[len(some):]
		err = s.inTx(ctx, func(t *tx) error {
			for _, m := range some {
				still, err := t.standingIn(`d.id = $1`, m.id)
				if err != nil {
					return err
				}
				if len(still) == 0 || still[0].waits {
					continue // something was done to it since
				}
				if err := t.takeOut(m.id, m.kind); err != nil {
					return err
				}
			}
			return nil
		})
		n += int64(len(some))
	}
	return n, err
}

// tooOld returns the messages that have stood for as long as their people want.
// Settings are sealed, so they are looked at where they are not everybody's.
func (t *tx) tooOld() (out []standingMessage, err error) {
	week, day := t.now-tidyWeek.Milliseconds(), t.now-tidyDay.Milliseconds()
	all, err := t.standingIn(tooOld, day, week)
	if err != nil {
		return nil, err
	}
	stay := map[int64]time.Duration{}
	for _, m := range all {
		if m.waits {
			continue // it goes with what it is about
		}
		d, known := stay[m.recipient]
		if !known {
			p, err := t.person(m.recipient)
			if err != nil {
				return nil, err
			}
			var ends bool
			if d, ends = p.settings.MessagesStay(); !ends {
				d = forEver
			}
			stay[m.recipient] = d
		}
		if m.sentAt <= t.now-d.Milliseconds() {
			out = append(out, m)
		}
	}
	return out, nil
}

// Cleared is what became of the bot's messages in a DM.
type Cleared struct {
	Gone  int // that are taken out now
	Stays int // that wait for their person, and say nothing by themselves
}

// Clear has the bot's own messages taken out of a person's DM. What waits for them
// stays: what was left for them and they have not read, and what they have not
// opened. A check-in that they are in the middle of is closed up, and waits as well;
// what they answered so far is kept. ErrNotAgreed.
func (s *Store) Clear(ctx context.Context, account Private) (c Cleared, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		c = Cleared{}
		p, err := t.find(account)
		if err != nil {
			return err
		}
		closed, err := t.closeUp(p.id)
		if err != nil {
			return err
		}
		all, err := t.standingIn(`d.recipient = $1`, p.id)
		if err != nil {
			return err
		}
		for _, m := range all {
			if m.waits || closed[m.id] {
				c.Stays++
				continue
			}
			c.Gone++
			if err := t.takeOut(m.id, m.kind); err != nil {
				return err
			}
			if err := t.forgetUnsent(m); err != nil {
				return err
			}
		}
		n, err := t.Exec(`UPDATE deliveries SET due_at = $2, next_at = $2 WHERE recipient = $1 AND kind = 'stray' AND lease IS NULL AND next_at > $2`, p.id, t.now)
		if err != nil {
			return err
		}
		more, err := n.RowsAffected()
		c.Gone += int(more)
		return err
	})
	return c, err
}

// forgetUnsent forgets words that were typed with no check-in open, and that its
// person has passed on to nobody when they clear away the question about it.
func (t *tx) forgetUnsent(m standingMessage) error {
	if m.kind != KindOffer {
		return nil
	}
	drafts, err := t.ids(`SELECT a.id FROM deliveries d JOIN answers a ON a.id = d.answer WHERE d.id = $1 AND a.state = 'draft'`, m.id)
	if err != nil {
		return err
	}
	for _, id := range drafts {
		if err := t.forgetAnswer(id); err != nil {
			return err
		}
	}
	return nil
}

// closeUp brings the check-ins that somebody is in the middle of back to their first
// line, which tells nothing, and returns their messages.
func (t *tx) closeUp(person int64) (map[int64]bool, error) {
	closed := map[int64]bool{}
	rows, err := t.Query(`
		SELECT d.id
		FROM checkins c
		JOIN deliveries d ON d.checkin = c.id AND d.kind = 'checkin'
		WHERE c.person = $1 AND c.state IN ('asked', 'answering') AND c.step NOT IN ('prompt', 'later') AND `+standsNow, person)
	err = each(rows, err, func(r *sql.Rows) error {
		var id int64
		err := r.Scan(&id)
		closed[id] = true
		return err
	})
	if err != nil {
		return nil, err
	}
	for id := range closed {
		if _, err := t.Exec(`UPDATE checkins SET step = 'prompt' WHERE id = (SELECT checkin FROM deliveries WHERE id = $1)`, id); err != nil {
			return nil, err
		}
		if _, err := t.Exec(`UPDATE deliveries SET `+amending+` WHERE id = $2`, t.now, id); err != nil {
			return nil, err
		}
	}
	return closed, nil
}
