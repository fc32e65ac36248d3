package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

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
	stray   bool // what it was about is gone
}

// inHand returns a claimed delivery as it stands, and whether it is still ours.
func (t *tx) inHand(d Delivery) (st standing, ok bool, err error) {
	var version int64
	err = t.QueryRow(`
		SELECT want, due_at, message, version, unsure_at IS NOT NULL, kind = 'stray'
		FROM deliveries
		WHERE id = $1 AND lease = $2
	`, d.ID, d.lease).Scan(&st.want, &st.due, &st.message, &version, &st.unsure, &st.stray)
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
		return Delete, st.goes(now)
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
	case st.want == Delete:
		return Delete, st.goes(now)
	}
	return st.want, now
}

// goes tells when a message that stands is to be taken out: at once, or a stray at its time.
func (st standing) goes(now int64) int64 {
	if st.stray {
		return max(st.due, now)
	}
	return now
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
		if st.stray { // it was about to be posted when what it is about went
			return t.reached(d.Recipient, sent.Channel)
		}
		if d.Kind == KindCheckIn {
			if err := t.asked(d.ID, st.changed); err != nil {
				return err
			}
			if !st.changed {
				if err := t.nudge(d.ID); err != nil {
					return err
				}
			}
		}
		if err := t.giveWith(d); err != nil {
			return err
		}
		if d.Kind == KindRelay && !st.changed {
			if err := t.readAtOnce(d); err != nil {
				return err
			}
		}
		if d.Kind == KindRelay && d.Part == 0 { // what went ahead of it is in it
			if err := t.retractNeed(d.ID); err != nil {
				return err
			}
		}
		if err := t.afterwards(d, st.changed); err != nil {
			return err
		}
		if err := t.sawFirst(d.Recipient, sent.Message); err != nil {
			return err
		}
		return t.reached(d.Recipient, sent.Channel)
	})
}

// readAtOnce notes that what was left stands open in the DM of somebody whose
// previews need not be neutral.
func (t *tx) readAtOnce(d Delivery) error {
	p, err := t.person(d.Recipient)
	if err != nil || !p.settings.Plain {
		return err
	}
	return t.readShare(d.ID)
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
// between the two it waits. A further message of long words that have become shorter
// is taken out.
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
		if paused && (st.want == Post || st.want == Edit && st.message != nil && st.unsure) {
			return t.layAside(d.ID)
		}
		switch {
		case st.message == nil && st.unsure: // it is looked for, to be taken out
			return t.release(d, Delete, t.now, nil)
		case st.message == nil: // nothing stands and nothing is owed
			return t.release(d, Delete, 0, nil)
		case d.Kind == KindRelay && d.Part > 0:
			return t.release(d, Delete, t.now, st.message)
		}
		return t.release(d, st.want, 0, st.message)
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
