package store

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
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
	Attempts  int // that failed before this one

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
	null := func(id int64) sql.NullInt64 { return sql.NullInt64{Int64: id, Valid: id != 0} }
	err = t.QueryRow(`
		INSERT INTO deliveries (id, recipient, kind, part, pact, scene, checkin, answer, share, note, due_at, next_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
		ON CONFLICT (recipient, kind, subject, part) DO UPDATE
		SET due_at  = excluded.due_at,
		    want    = CASE WHEN message IS NULL THEN 'post' WHEN want = 'delete' THEN 'edit' ELSE want END,
		    next_at = CASE WHEN lease IS NULL AND (message IS NULL OR want = 'delete') THEN excluded.next_at ELSE next_at END,
		    round   = round + (want = 'delete' AND CASE WHEN message IS NULL THEN lease IS NULL AND sent_at IS NOT NULL ELSE lease IS NOT NULL END),
		    waiting = 0,
		    version = version + 1
		RETURNING id
	`, t.newID(), o.to, o.kind, o.part, null(o.pact), null(o.scene), null(o.checkin), null(o.answer), null(o.share),
		sql.NullString{String: string(o.note), Valid: o.note != ""}, o.due).Scan(&id)
	return id, err
}

// What people do to deliveries that are out or on their way; $1 is now. A row in
// somebody's hand keeps its lease, and is looked at again when it is marked.
const (
	retracting = `want = 'delete', version = version + 1, waiting = 0,
		next_at = CASE WHEN lease IS NOT NULL THEN next_at WHEN message IS NULL AND unsure_at IS NULL THEN NULL ELSE $1 END`
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

// wakeWaiting makes due again what Discord refused, or a pause held back.
func (t *tx) wakeWaiting(person int64) error {
	if _, err := t.Exec(`UPDATE persons SET refused_at = NULL WHERE id = $1`, person); err != nil {
		return err
	}
	_, err := t.Exec(`
		UPDATE deliveries
		SET waiting = 0, next_at = MAX(due_at, $1)
		WHERE recipient = $2 AND waiting = 1
	`, t.now, person)
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

// candidates returns what is due. An edit of a message that a crash kept from
// being noted is its first post.
func (t *tx) candidates(n int, fresh bool) (out []Delivery, err error) {
	since, order := int64(0), `kind = 'checkin', next_at, id` // what people left for each other goes first
	if fresh {
		since, order = t.now-onTime.Milliseconds(), `next_at, id`
	}
	rows, err := t.Query(`
		SELECT id, recipient, kind, part, CASE WHEN want = 'edit' AND message IS NULL THEN 'post' ELSE want END,
		       due_at, attempts, version, unsure_at
		FROM deliveries d
		WHERE next_at <= $1 AND next_at > $3 AND `+claimable+`
		ORDER BY `+order+`
		LIMIT $2
	`, t.now, n, since)
	err = each(rows, err, func(r *sql.Rows) error {
		var d Delivery
		var due int64
		var unsure sql.NullInt64
		err := r.Scan(&d.ID, &d.Recipient, &d.Kind, &d.Part, &d.Want, &due, &d.Attempts, &d.version, &unsure)
		d.Due = fromMilli(due)
		if unsure.Valid {
			d.UnsureSince = fromMilli(unsure.Int64)
		}
		out = append(out, d)
		return err
	})
	return out, err
}

// NextDue returns when the next delivery is to be looked at; a time that has
// passed means now. What is due to somebody who has another one in hand is not
// counted: marking that one is when to look again. ok is false when nothing is owed.
func (s *Store) NextDue(ctx context.Context) (at time.Time, ok bool, err error) {
	var next sql.NullInt64
	err = s.inView(ctx, func(t *tx) error {
		err := t.QueryRow(`
			SELECT next_at
			FROM deliveries d
			WHERE next_at IS NOT NULL AND (lease IS NOT NULL OR `+claimable+`)
			ORDER BY next_at
			LIMIT 1
		`, t.now).Scan(&next)
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		return err
	})
	return fromMilli(next.Int64), next.Valid, err
}

// Sent is what became of a delivery at Discord.
type Sent struct {
	Channel Private // the DM, so that it need not be opened again
	Message Private // the message that stands there now; none after a deletion
}

// standing is a claimed delivery as it is now, which people may have changed
// since it was claimed.
type standing struct {
	want    Want
	due     int64
	message []byte
	changed bool
	unsure  bool // it may stand in the DM without our knowing where
}

// inHand returns a claimed delivery as it stands, and whether it is still ours.
func (t *tx) inHand(d Delivery) (st standing, ok bool, err error) {
	var version int64
	err = t.QueryRow(`
		SELECT want, due_at, message, version, unsure_at IS NOT NULL
		FROM deliveries
		WHERE id = $1 AND lease = $2
	`, d.ID, d.lease).Scan(&st.want, &st.due, &st.message, &version, &st.unsure)
	if errors.Is(err, sql.ErrNoRows) {
		return st, false, nil
	}
	st.changed = version != d.version
	return st, err == nil, err
}

// next tells what a delivery that reached Discord, and whose message is now as
// given, wants next, and when; 0 is never.
func (st standing) next(message []byte, now int64) (Want, int64) {
	switch {
	case message == nil && (!st.changed || st.want == Delete):
		return Delete, 0
	case message == nil:
		return Post, max(st.due, now)
	case !st.changed:
		return Edit, 0
	case st.want == Delete:
		return Delete, now
	case st.want == Post && st.due > now: // asked again later
		return Post, st.due
	}
	return Edit, now
}

// still tells what a delivery that did not reach Discord wants, after people did
// something to it.
func (st standing) still(now int64) (Want, int64) {
	switch {
	case st.message == nil && st.want == Delete && st.unsure:
		return Delete, now // it is looked for, to be taken out
	case st.message == nil && st.want == Delete:
		return Delete, 0
	case st.message == nil || st.want == Post:
		return Post, max(st.due, now)
	}
	return st.want, now
}

func (t *tx) release(d Delivery, want Want, next int64, message []byte) error {
	_, err := t.Exec(`
		UPDATE deliveries
		SET lease = NULL, want = $2, next_at = $3, message = $4, heard_as = CASE WHEN $4 IS NULL THEN NULL ELSE heard_as END
		WHERE id = $1
	`, d.ID, want, sql.NullInt64{Int64: next, Valid: next != 0}, message)
	return err
}

// MarkSent notes that a delivery reached Discord. If people did something to it
// in the meantime, it is due again as what they want now.
func (s *Store) MarkSent(ctx context.Context, d Delivery, sent Sent) error {
	return s.inTx(ctx, func(t *tx) error {
		st, ok, err := t.inHand(d)
		if err != nil || !ok { // erased meanwhile, or no longer in our hand
			return err
		}
		var message, heard []byte
		if !sent.Message.IsZero() {
			if message, err = t.seal(d.Recipient, "deliveries.message", d.ID, sent.Message); err != nil {
				return err
			}
			heard = s.lookup("message", sent.Message.Reveal())
		}
		want, next := st.next(message, t.now)
		if err := t.release(d, want, next, message); err != nil {
			return err
		}
		_, err = t.Exec(`
			UPDATE deliveries
			SET heard_as = $2, sent_at = CASE WHEN $4 = 'post' THEN $3 ELSE sent_at END, attempts = 0, waiting = 0, unsure_at = NULL
			WHERE id = $1
		`, d.ID, heard, t.now, d.Want)
		if err != nil || d.Want != Post { // only a post tells that their DMs are open
			return err
		}
		if d.Kind == KindCheckIn {
			if err := t.asked(d.ID, st.changed); err != nil {
				return err
			}
		}
		if err := t.sawFirst(d.Recipient, sent.Message); err != nil {
			return err
		}
		return t.reached(d.Recipient, sent.Channel)
	})
}

// reached notes that a person's DMs are open: what waited goes out after it.
func (t *tx) reached(person int64, channel Private) error {
	p, err := t.person(person)
	if err != nil {
		return err
	}
	if !channel.IsZero() && channel != p.channel {
		if err := t.keepChannel(person, channel); err != nil {
			return err
		}
	}
	if p.paused {
		return nil
	}
	var waiting bool
	if err := t.QueryRow(`SELECT EXISTS (SELECT 1 FROM deliveries WHERE recipient = $1 AND waiting = 1)`, person).Scan(&waiting); err != nil {
		return err
	}
	if !waiting && !p.refused {
		return nil
	}
	return t.wakeWaiting(person)
}

// Drop notes that there is nothing to send: the delivery was taken back between
// claim and send, or what it spoke of is no longer kept. For somebody who paused
// between the two it waits.
func (s *Store) Drop(ctx context.Context, d Delivery) error {
	return s.inTx(ctx, func(t *tx) error {
		st, ok, err := t.inHand(d)
		if err != nil || !ok {
			return err
		}
		if err := t.notSent(d, &st); err != nil {
			return err
		}
		if st.changed {
			want, next := st.still(t.now)
			return t.release(d, want, next, st.message)
		}
		var paused bool
		if err := t.QueryRow(`SELECT paused_at IS NOT NULL FROM persons WHERE id = $1`, d.Recipient).Scan(&paused); err != nil {
			return err
		}
		if paused && st.want == Post {
			return t.layAside(d.ID)
		}
		want := st.want
		if st.message == nil {
			want = Delete // nothing stands and nothing is owed
		}
		return t.release(d, want, 0, st.message)
	})
}

// layAside has a delivery wait for its person.
func (t *tx) layAside(delivery int64) error {
	_, err := t.Exec(`UPDATE deliveries SET waiting = 1, next_at = NULL, lease = NULL WHERE id = $1`, delivery)
	return err
}

// notSent notes that a try surely did not reach Discord: it is as unsure as it
// was before.
func (t *tx) notSent(d Delivery, st *standing) error {
	if !d.UnsureSince.IsZero() {
		return nil
	}
	st.unsure = false
	_, err := t.Exec(`UPDATE deliveries SET unsure_at = NULL WHERE id = $1`, d.ID)
	return err
}

// Postpone gives a delivery back after a failure of which nobody knows whether
// the message reached Discord, to be tried again at the given time, or at once if
// people did something to it in the meantime.
func (s *Store) Postpone(ctx context.Context, d Delivery, until time.Time) error {
	return s.postpone(ctx, d, until, false)
}

// PostponeUnsent is Postpone for a message that surely did not reach Discord.
func (s *Store) PostponeUnsent(ctx context.Context, d Delivery, until time.Time) error {
	return s.postpone(ctx, d, until, true)
}

func (s *Store) postpone(ctx context.Context, d Delivery, until time.Time, unsent bool) error {
	return s.inTx(ctx, func(t *tx) error {
		st, ok, err := t.inHand(d)
		if err != nil || !ok {
			return err
		}
		if unsent {
			if err := t.notSent(d, &st); err != nil {
				return err
			}
		}
		want, next := st.want, until.UnixMilli()
		if st.changed {
			want, next = st.still(t.now)
		}
		if err := t.release(d, want, next, st.message); err != nil {
			return err
		}
		_, err = t.Exec(`UPDATE deliveries SET attempts = attempts + 1 WHERE id = $1`, d.ID)
		return err
	})
}

// MarkRefused notes that Discord would not put a message in front of its
// recipient. It waits for them: see Here. The others' messages go on.
func (s *Store) MarkRefused(ctx context.Context, d Delivery) error {
	return s.inTx(ctx, func(t *tx) error {
		st, ok, err := t.inHand(d)
		if err != nil || !ok {
			return err
		}
		if err := t.notSent(d, &st); err != nil {
			return err
		}
		if _, err := t.Exec(`UPDATE persons SET refused_at = $2 WHERE id = $1`, d.Recipient, t.now); err != nil {
			return err
		}
		if st.want == Delete { // taken back meanwhile, or it can't be taken out
			return t.release(d, Delete, 0, st.message)
		}
		return t.layAside(d.ID)
	})
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
