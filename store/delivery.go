package store

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"slices"
	"time"
)

// Kind is what a delivery carries.
type Kind string

// The kinds.
const (
	KindHello   Kind = "hello"   // the first line, after they agreed
	KindLinked  Kind = "linked"  // a pact was made
	KindNotice  Kind = "notice"  // a partner recorded a scene
	KindCheckIn Kind = "checkin" // a check-in
	KindPanel   Kind = "panel"   // what the bot understood of typed words, to a check-in
	KindOffer   Kind = "offer"   // the same, where no check-in is open: pass it on, or forget it
	KindRelay   Kind = "relay"   // something was left for them
	KindRemark  Kind = "remark"  // a plain sentence

	KindHere     Kind = "here"     // an hour after a scene, for those who want it: nothing to answer
	KindStanding Kind = "standing" // a partner suggests a standing check-in
	KindFits     Kind = "fits"     // does this still fit?
	KindAfter    Kind = "after"    // after the last mark: what to keep, what to change
	KindMoment   Kind = "moment"   // the day after that: one moment they loved
	KindTrend    Kind = "trend"    // a private note on their own history
)

// Note is what a remark says.
type Note string

// The notes.
const (
	NoteOnlyWords Note = "only_words" // an attachment, sticker, voice message or forward can't be carried
	NoteNobody    Note = "nobody"     // words, no check-in open, and nobody to pass them on to
)

// Want is what Discord is to do with a delivery's message.
type Want string

// The wants.
const (
	Post   Want = "post"
	Edit   Want = "edit"
	Delete Want = "delete"
)

// Lease is how long a delivery that somebody has in hand stays theirs.
const Lease = 2 * time.Minute

// Delivery is one direct message that the bot owes somebody, as claimed.
type Delivery struct {
	ID        int64
	Recipient int64
	Kind      Kind
	Part      int
	Want      Want
	Due       time.Time
	Ready     time.Time // when it was to be taken: due, or after the wait since the last try
	Attempts  int       // that failed before this one

	// UnsureSince is when an earlier try to post it began of which nobody knows
	// whether it reached Discord; zero if there is none.
	UnsureSince time.Time

	lease   int64 // names this claim: a mark by an earlier one is nothing
	version int64 // of the row when it was claimed
}

// owed is a delivery to be made.
type owed struct {
	to                                  int64
	kind                                Kind
	part                                int
	pact, scene, checkin, answer, share int64
	standing                            int64
	note                                Note
	due                                 int64 // 0: now
}

// owe writes down that a message is owed. Owed once more, it is due at the new
// time; a message that stands already is left to stand. One that was to be taken
// out is shown anew if it still stands, and else posted as another message.
func (t *tx) owe(o owed) (id int64, err error) {
	if o.due == 0 {
		o.due = t.now
	}
	wanted := sql.NullInt64{Int64: o.due, Valid: slices.Contains(prompts, o.kind)}
	if wanted.Valid {
		own, err := t.atOwnWish(o.checkin)
		if err != nil {
			return 0, err
		}
		if !own {
			if o.due, err = t.awake(o.to, o.due); err != nil {
				return 0, err
			}
		}
	}
	null := func(id int64) sql.NullInt64 { return sql.NullInt64{Int64: id, Valid: id != 0} }
	err = t.QueryRow(`
		INSERT INTO deliveries (id, recipient, kind, part, pact, scene, checkin, answer, share, note, due_at, next_at, standing, wanted_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13)
		ON CONFLICT (recipient, kind, subject, part) DO UPDATE
		SET due_at  = excluded.due_at,
		    wanted_at = excluded.wanted_at,
		    want    = CASE WHEN message IS NULL THEN 'post' WHEN want = 'delete' THEN 'edit' ELSE want END,
		    next_at = CASE WHEN lease IS NULL AND (message IS NULL OR want = 'delete') THEN excluded.next_at ELSE next_at END,
		    round   = round + (want = 'delete' AND CASE WHEN message IS NULL THEN lease IS NULL AND sent_at IS NOT NULL ELSE lease IS NOT NULL END),
		    waiting = 0,
		    version = version + 1
		RETURNING id
	`, t.newID(), o.to, o.kind, o.part, null(o.pact), null(o.scene), null(o.checkin), null(o.answer), null(o.share),
		sql.NullString{String: string(o.note), Valid: o.note != ""}, o.due, null(o.standing), wanted).Scan(&id)
	return id, err
}

// What people do to deliveries that are out or on their way; $1 is now. A row in
// somebody's hand keeps its lease, and is looked at again when it is marked.
const (
	retracting = `want = 'delete', version = version + 1, waiting = 0,
		next_at = CASE WHEN lease IS NOT NULL THEN next_at WHEN message IS NULL AND unsure_at IS NULL THEN NULL ELSE $1 END`
	notAgain = `want = 'edit', version = version + 1, waiting = 0,
		next_at = CASE WHEN lease IS NOT NULL THEN next_at WHEN unsure_at IS NULL THEN NULL ELSE $1 END`
	ending = `want = CASE WHEN message IS NULL THEN 'delete' ELSE 'edit' END, lease = NULL, version = version + 1,
		next_at = CASE WHEN message IS NULL AND unsure_at IS NOT NULL THEN $1 END`
	amending = `want = CASE WHEN message IS NULL AND lease IS NULL THEN want ELSE 'edit' END, version = version + 1,
		next_at = CASE WHEN lease IS NOT NULL OR message IS NULL THEN next_at ELSE $1 END`
)

// retract takes the messages about a subject out of their DMs, or stops them.
func (t *tx) retract(column string, subject int64) error {
	_, err := t.Exec(`UPDATE deliveries SET `+retracting+` WHERE `+column+` = $2`, t.now, subject)
	return err
}

// amend has the messages about a subject shown as they are now.
func (t *tx) amend(column string, subject int64) error {
	_, err := t.Exec(`UPDATE deliveries SET `+amending+` WHERE want <> 'delete' AND `+column+` = $2`, t.now, subject)
	return err
}

// unsent returns the id of a delivery that a person has not been sent yet, or 0.
func (t *tx) unsent(person int64, kind Kind) (id int64, err error) {
	err = t.QueryRow(`
		SELECT id FROM deliveries
		WHERE recipient = $1 AND kind = $2 AND sent_at IS NULL AND (next_at IS NOT NULL OR waiting = 1)
	`, person, kind).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return id, err
}

// wakeWaiting makes due again what Discord refused, or a pause held back. That is
// not late before now: it waited for its person.
func (t *tx) wakeWaiting(person int64) error {
	res, err := t.Exec(`
		UPDATE deliveries
		SET waiting = 0, next_at = MAX(due_at, $1)
		WHERE recipient = $2 AND waiting = 1
	`, t.now, person)
	if err != nil {
		return err
	}
	woken, err := res.RowsAffected()
	if err != nil {
		return err
	}
	_, err = t.Exec(`
		UPDATE persons SET refused_at = NULL, woken_at = CASE WHEN $2 THEN $3 ELSE woken_at END WHERE id = $1
	`, person, woken > 0, t.now)
	return err
}

// ClaimDue takes up to n due deliveries into hand, soonest first, and returns
// them; none means that nothing is due. It takes one a person, and none of a
// person who has one in hand already, so that one person's messages keep their
// order and none of them waits in a claim for the others. Late check-ins are
// settled on the way (see settle), and the messages of whoever has paused are
// laid aside.
//
// A claim that is neither marked, postponed nor refused within Lease comes back.
func (s *Store) ClaimDue(ctx context.Context, n int) ([]Delivery, error) {
	return s.claimAll(ctx, n, false)
}

// ClaimFresh is ClaimDue for what has come due just now. What an outage left
// behind is not among it, so that it need not wait for all of that.
func (s *Store) ClaimFresh(ctx context.Context, n int) ([]Delivery, error) {
	return s.claimAll(ctx, n, true)
}

func (s *Store) claimAll(ctx context.Context, n int, fresh bool) ([]Delivery, error) {
	for {
		due, settled, err := s.claim(ctx, n, fresh)
		if err != nil || len(due) > 0 || !settled {
			return due, err
		}
	}
}

// claim claims one batch. settled tells that some were due and none of them is
// sent, so that there may be more behind them.
func (s *Store) claim(ctx context.Context, n int, fresh bool) (due []Delivery, settled bool, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		candidates, err := t.candidates(n, fresh)
		if err != nil {
			return err
		}
		settled = len(candidates) > 0
		taken := map[int64]bool{}
		for _, d := range candidates {
			if taken[d.Recipient] {
				continue
			}
			send, err := t.settle(d)
			if err != nil {
				return err
			}
			if !send {
				continue
			}
			if err := t.take(&d); err != nil {
				return err
			}
			taken[d.Recipient] = true
			due = append(due, d)
		}
		return nil
	})
	return due, settled, err
}

// take puts a delivery into hand.
func (t *tx) take(d *Delivery) error {
	d.lease = rand.Int64()
	_, err := t.Exec(`
		UPDATE deliveries
		SET lease = $2, next_at = $3, want = $4, waiting = 0,
		    unsure_at = CASE WHEN $4 = 'post' THEN COALESCE(unsure_at, $5) ELSE unsure_at END
		WHERE id = $1
	`, d.ID, d.lease, t.now+Lease.Milliseconds(), d.Want, t.now)
	return err
}

// claimable is what may be claimed at $1: not what belongs to a person who has
// another one in hand.
const claimable = `NOT EXISTS (
	SELECT 1 FROM deliveries h
	WHERE h.recipient = d.recipient AND h.lease IS NOT NULL AND h.next_at > $1
)`

// candidates returns what is due: what people left for each other before any
// prompt, each soonest first. Fresh leaves out what an outage left behind.
func (t *tx) candidates(n int, fresh bool) (out []Delivery, err error) {
	since := int64(0)
	if fresh {
		since = t.now - onTime.Milliseconds()
	}
	for _, kinds := range []string{`NOT ` + isPrompt, isPrompt} {
		some, err := t.candidatesOf(kinds, since, n-len(out))
		if err != nil {
			return nil, err
		}
		if out = append(out, some...); len(out) >= n {
			break
		}
	}
	return out, nil
}

// candidatesOf is candidates for some kinds. An edit of a message that a crash
// kept from being noted is its first post.
func (t *tx) candidatesOf(kinds string, since int64, n int) (out []Delivery, err error) {
	rows, err := t.Query(`
		SELECT id, recipient, kind, part, CASE WHEN want = 'edit' AND message IS NULL THEN 'post' ELSE want END,
		       due_at, next_at, attempts, version, unsure_at
		FROM deliveries d
		WHERE next_at <= $1 AND next_at > $3 AND `+kinds+` AND `+claimable+`
		ORDER BY next_at, id
		LIMIT $2
	`, t.now, n, since)
	err = each(rows, err, func(r *sql.Rows) error {
		var d Delivery
		var due, ready int64
		var unsure sql.NullInt64
		err := r.Scan(&d.ID, &d.Recipient, &d.Kind, &d.Part, &d.Want, &due, &ready, &d.Attempts, &d.version, &unsure)
		d.Due, d.Ready = fromMilli(due), fromMilli(ready)
		if unsure.Valid {
			d.UnsureSince = fromMilli(unsure.Int64)
		}
		out = append(out, d)
		return err
	})
	return out, err
}

const nextDue = `
	SELECT next_at
	FROM deliveries d
	WHERE next_at IS NOT NULL AND (lease IS NOT NULL OR ` + claimable + `)
	ORDER BY next_at
	LIMIT 1
`

// NextDue returns when the next delivery is to be looked at; a time that has
// passed means now. What is due to somebody who has another one in hand is not
// counted: marking that one is when to look again. ok is false when nothing is owed.
func (s *Store) NextDue(ctx context.Context) (at time.Time, ok bool, err error) {
	var next sql.NullInt64
	err = s.inView(ctx, func(t *tx) error {
		err := t.QueryRow(nextDue, t.now).Scan(&next)
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		return err
	})
	return fromMilli(next.Int64), next.Valid, err
}

// Reshow has one of a person's own messages shown as things are now. Somebody
// else's, or one that is gone, is nothing.
func (s *Store) Reshow(ctx context.Context, account Private, delivery int64) error {
	return s.inTx(ctx, func(t *tx) error {
		p, err := t.find(account)
		if err != nil {
			return err
		}
		_, err = t.Exec(`UPDATE deliveries SET `+amending+` WHERE id = $2 AND recipient = $3 AND want <> 'delete'`, t.now, delivery, p.id)
		return err
	})
}
