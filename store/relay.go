package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
)

// Relay is what somebody left for a reader, as far as they gave it.
type Relay struct {
	From  Private // name
	Touch bool    // "thinking of you": no words
	About Topic   // what their words are about, where they were asked for that; TopicTalk has none
	Read  bool
	Level Level
	// Answer is all of it at ShareWords; at ShareGist what the gist is made from,
	// and not to be shown itself.
	Answer Answer
	Card   Card // the writer's, where it goes with what they left
	Parts  int  // messages it stands in
	Ahead  bool // the need alone, while the rest waits: Answer holds no more
	Sent   bool // the reader sent something back that they can change or take back
	Back   Private
	Nudged bool // the reader has sent "thinking of you"
}

// ownRelay loads the share behind a message of its reader. ErrGone is for all else,
// and for what waits and has not been sent.
func (t *tx) ownRelay(account Private, delivery int64) (me person, shareID int64, a answer, err error) {
	if me, err = t.findOrGone(account); err != nil {
		return me, 0, a, err
	}
	var id int64
	err = t.QueryRow(`
		SELECT s.id, s.answer
		FROM deliveries d
		JOIN shares s ON s.id = d.share
		WHERE d.id = $1 AND d.recipient = $2 AND d.want <> 'delete'
		  AND (d.message IS NOT NULL OR d.lease IS NOT NULL OR d.unsure_at IS NOT NULL)
	`, delivery, me.id).Scan(&shareID, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return me, 0, a, ErrGone
	} else if err != nil {
		return me, 0, a, err
	}
	if a, err = t.loadAnswer(`id = $1`, id); err != nil {
		return me, 0, a, err
	}
	if a.state != "shared" {
		return me, 0, a, ErrGone
	}
	return me, shareID, a, nil
}

// relay returns what was left for a reader, as one of its messages shows it.
func (t *tx) relay(delivery, shareID int64, a answer) (v Relay, err error) {
	var sealed []byte
	var reader int64
	err = t.QueryRow(`
		SELECT s.reader, s.level, d.part = $3, CASE d.part WHEN $3 THEN s.need_read_at ELSE s.read_at END IS NOT NULL
		FROM deliveries d
		JOIN shares s ON s.id = d.share
		WHERE d.id = $1 AND s.id = $2
	`, delivery, shareID, needPart).Scan(&reader, &sealed, &v.Ahead, &v.Read)
	if err != nil {
		return v, err
	}
	if v.Level, err = t.openLevel(a.writer, shareID, sealed); err != nil {
		return v, err
	}
	if v.From, err = t.nameFor(reader, a.writer); err != nil {
		return v, err
	}
	v.Touch, v.About = a.kind == "touch", a.body.Topic
	if v.Card, err = t.cardWith(a, reader, v.Level); err != nil {
		return v, err
	}
	if v.Answer, err = t.answerView(a); err != nil {
		return v, err
	}
	v.Answer.Forgotten = v.Answer.stays()
	if v.Ahead {
		v.Level, v.Parts = ShareGist, 1
		v.Answer = Answer{Need: v.Answer.Need, Shared: true}
		return v, t.sentBack(shareID, reader, &v)
	}
	if err := t.QueryRow(`SELECT COUNT(*) FROM deliveries WHERE share = $1 AND part >= 0 AND want <> 'delete'`, shareID).Scan(&v.Parts); err != nil {
		return v, err
	}
	return v, t.sentBack(shareID, reader, &v)
}

// nameFor returns how a person knows a partner.
func (t *tx) nameFor(person, partner int64) (Private, error) {
	sides, err := t.sides(person)
	if err != nil {
		return Private{}, err
	}
	i := slices.IndexFunc(sides, func(s side) bool { return s.partner == partner })
	if i < 0 {
		return Private{}, nil
	}
	return sides[i].name, nil
}

// sentBack fills in what the reader of a share has sent back.
func (t *tx) sentBack(shareID, reader int64, v *Relay) error {
	var touched bool
	err := t.QueryRow(`
		SELECT EXISTS (SELECT 1 FROM answers WHERE reply_to = $1 AND writer = $2 AND kind = 'touch' AND state = 'shared')
	`, shareID, reader).Scan(&touched)
	if err != nil {
		return err
	}
	v.Nudged = touched
	last, err := t.lastBack(shareID, reader)
	if err != nil {
		return err
	}
	v.Sent = touched || last.id != 0
	if last.id == 0 {
		return nil
	}
	words, err := t.ownView(last)
	v.Back = words.Form
	return err
}

// lastBack returns the last words that the reader of a share sent back by a form.
func (t *tx) lastBack(shareID, reader int64) (answer, error) {
	var id int64
	err := t.QueryRow(`
		SELECT MAX(id) FROM answers WHERE reply_to = $1 AND writer = $2 AND kind = 'word' AND state = 'shared' AND source IS NOT NULL
		HAVING MAX(id) IS NOT NULL
	`, shareID, reader).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return answer{}, nil
	} else if err != nil {
		return answer{}, err
	}
	return t.loadAnswer(`id = $1`, id)
}

// Relay returns what was left for a reader, and whether they have read it. ErrGone
// if it was taken back, is no longer kept, or is not theirs.
func (s *Store) Relay(ctx context.Context, account Private, delivery int64) (v Relay, err error) {
	err = s.inView(ctx, func(t *tx) error {
		_, id, a, err := t.ownRelay(account, delivery)
		if err != nil {
			return err
		}
		v, err = t.relay(delivery, id, a)
		return err
	})
	return v, err
}

// Read opens what was left for a reader. Its writer is never told.
func (s *Store) Read(ctx context.Context, account Private, delivery int64) (v Relay, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		_, id, a, err := t.ownRelay(account, delivery)
		if err != nil {
			return err
		}
		before, err := t.relay(delivery, id, a)
		if err != nil {
			return err
		}
		if err := t.readShare(delivery); err != nil {
			return err
		}
		v, err = t.relay(delivery, id, a)
		v.Answer.Forgotten = v.Answer.Forgotten && before.Read // else nothing stands there that could stay
		return err
	})
	return v, err
}

// readShare notes that what a message shows of a share was read: the need alone, where
// the rest waits, or all of it.
func (t *tx) readShare(delivery int64) error {
	_, err := t.Exec(`
		UPDATE shares
		SET read_at      = CASE WHEN d.part = $3 THEN read_at ELSE COALESCE(read_at, $2) END,
		    need_read_at = CASE WHEN d.part = $3 THEN COALESCE(need_read_at, $2) ELSE need_read_at END
		FROM deliveries d
		WHERE shares.id = d.share AND d.id = $1
	`, delivery, t.now, needPart)
	return err
}

// SetParts says in how many messages the words of a relay stand, and owes or
// takes out the ones after the first. The one that had the buttons is shown anew.
func (s *Store) SetParts(ctx context.Context, account Private, delivery int64, parts int) error {
	return s.inTx(ctx, func(t *tx) error {
		me, id, _, err := t.ownRelay(account, delivery)
		if err != nil {
			return err
		}
		var have int
		if err := t.QueryRow(`SELECT COUNT(*) FROM deliveries WHERE share = $1 AND part >= 0 AND want <> 'delete'`, id).Scan(&have); err != nil || have == parts {
			return err
		}
		_, err = t.Exec(`UPDATE deliveries SET `+amending+` WHERE share = $2 AND part > 0 AND part < $3 AND want <> 'delete'`, t.now, id, parts)
		if err != nil {
			return err
		}
		_, err = t.Exec(`UPDATE deliveries SET `+retracting+` WHERE share = $2 AND part >= $3 AND want <> 'delete'`, t.now, id, parts)
		if err != nil {
			return err
		}
		for part := 1; part < parts; part++ {
			if _, err := t.owe(owed{to: me.id, kind: KindRelay, share: id, part: part}); err != nil {
				return err
			}
		}
		return nil
	})
}

// SendBack carries words to whoever left something, the same way as theirs came.
// Request is Discord's id of the interaction: the same one twice is sent once. ErrMuch
// for the 31st within an hour.
func (s *Store) SendBack(ctx context.Context, account Private, delivery int64, text Private, request string) (Relay, error) {
	return s.back(ctx, account, delivery, func(t *tx, me person, shareID int64, a answer) error {
		if text.IsZero() {
			return ErrNothing
		}
		return t.sendBack(me, shareID, a, "word", text, s.lookup("request", request))
	})
}

// Touch carries "thinking of you" back, once for each thing that was left. ErrMuch as
// in SendBack.
func (s *Store) Touch(ctx context.Context, account Private, delivery int64) (Relay, error) {
	return s.back(ctx, account, delivery, func(t *tx, me person, shareID int64, a answer) error {
		var done bool
		err := t.QueryRow(`
			SELECT EXISTS (SELECT 1 FROM answers WHERE reply_to = $1 AND writer = $2 AND kind = 'touch' AND state = 'shared')
		`, shareID, me.id).Scan(&done)
		if err != nil || done {
			return err
		}
		return t.sendBack(me, shareID, a, "touch", Private{}, nil)
	})
}

func (s *Store) back(ctx context.Context, account Private, delivery int64, act func(*tx, person, int64, answer) error) (v Relay, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		me, id, a, err := t.ownRelay(account, delivery)
		if err != nil {
			return err
		}
		if err := act(t, me, id, a); err != nil {
			return err
		}
		v, err = t.relay(delivery, id, a)
		return err
	})
	return v, err
}

func (t *tx) sendBack(me person, shareID int64, to answer, kind string, text Private, source []byte) error {
	var left bool // by me: I know, and am told so
	err := t.QueryRow(`SELECT NOT EXISTS (SELECT 1 FROM sides WHERE person = $1 AND partner = $2)`, me.id, to.writer).Scan(&left)
	if err != nil {
		return err
	}
	if left {
		return ErrGone
	}
	if source != nil {
		var done bool
		if err := t.QueryRow(`SELECT EXISTS (SELECT 1 FROM answers WHERE source = $1)`, source).Scan(&done); err != nil || done {
			return err
		}
	}
	if err := t.notTooMuch(me.id, to.writer); err != nil {
		return err
	}
	a, err := t.newAnswer(answer{writer: me.id, kind: kind, replyTo: shareID, state: "draft"}, source)
	if err != nil {
		return err
	}
	if !text.IsZero() {
		if err := t.addWords(a, nil, text); err != nil {
			return err
		}
	}
	if err := t.give(a, to.writer, ShareWords); err != nil {
		return err
	}
	return t.carry(a.id)
}

// ChangeBack changes the last words that a reader sent back; none takes them
// back. ErrGone if there are none.
func (s *Store) ChangeBack(ctx context.Context, account Private, delivery int64, text Private) (Relay, error) {
	return s.back(ctx, account, delivery, func(t *tx, me person, shareID int64, _ answer) error {
		a, err := t.lastBack(shareID, me.id)
		if err != nil {
			return err
		}
		if a.id == 0 {
			return ErrGone
		}
		if text.IsZero() {
			return t.forgetAnswer(a.id)
		}
		if err := t.writeForm(a, text); err != nil {
			return err
		}
		return t.carry(a.id)
	})
}

// TakeBackBack takes back all that a reader sent back to one relay.
func (s *Store) TakeBackBack(ctx context.Context, account Private, delivery int64) (Relay, error) {
	return s.back(ctx, account, delivery, func(t *tx, me person, shareID int64, _ answer) error {
		sent, err := t.ids(`SELECT id FROM answers WHERE reply_to = $1 AND writer = $2 AND state <> 'gone'`, shareID, me.id)
		if err != nil {
			return err
		}
		for _, id := range sent {
			if err := t.forgetAnswer(id); err != nil {
				return err
			}
		}
		return nil
	})
}

// Offer is words that somebody typed with no check-in open.
type Offer struct {
	Answer  Answer
	Readers []Reader
	Done    bool  // passed on to at least one of them
	First   int64 // pact of the partner they replied to, if they did
}

func (t *tx) ownOffer(account Private, delivery int64) (me person, a answer, err error) {
	if me, err = t.findOrGone(account); err != nil {
		return me, a, err
	}
	var id int64
	err = t.QueryRow(`SELECT COALESCE(answer, 0) FROM deliveries WHERE id = $1 AND recipient = $2 AND kind = 'offer' AND want <> 'delete'`, delivery, me.id).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return me, a, ErrGone
	} else if err != nil {
		return me, a, err
	}
	a, err = t.loadAnswer(`id = $1`, id)
	if err == nil && a.state == "gone" {
		err = ErrGone
	}
	return me, a, err
}

func (t *tx) offer(a answer) (v Offer, err error) {
	if v.Answer, err = t.ownView(a); err != nil {
		return v, err
	}
	sides, err := t.sides(a.writer)
	if err != nil {
		return v, err
	}
	var to int64
	if a.replyTo != 0 {
		err := t.QueryRow(`SELECT a.writer FROM shares s JOIN answers a ON a.id = s.answer WHERE s.id = $1`, a.replyTo).Scan(&to)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return v, err
		}
	}
	for _, s := range sides {
		level, err := t.levelFor(a, s.partner)
		if err != nil {
			return v, err
		}
		if s.partner == to {
			v.First = s.pact
		}
		v.Done = v.Done || level == ShareWords
		v.Readers = append(v.Readers, Reader{Pact: s.pact, Name: s.name, Level: level})
	}
	return v, nil
}

func (s *Store) onOffer(ctx context.Context, account Private, delivery int64, act func(*tx, person, answer) error) (v Offer, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		me, a, err := t.ownOffer(account, delivery)
		if err != nil {
			return err
		}
		if err := act(t, me, a); err != nil {
			return err
		}
		if a, err = t.loadAnswer(`id = $1`, a.id); err != nil {
			return err
		}
		v, err = t.offer(a)
		return err
	})
	return v, err
}

// PassOn carries offered words to one partner. ErrGone for a pact that isn't theirs;
// ErrMuch for the 31st within an hour.
func (s *Store) PassOn(ctx context.Context, account Private, delivery, pact int64) (Offer, error) {
	return s.onOffer(ctx, account, delivery, func(t *tx, me person, a answer) error {
		sides, err := t.sides(me.id)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(sides, func(s side) bool { return s.pact == pact })
		if i < 0 {
			return ErrGone
		}
		if level, err := t.levelFor(a, sides[i].partner); err != nil || level == ShareWords {
			return err // pressed twice
		}
		if err := t.notTooMuch(me.id, sides[i].partner); err != nil {
			return err
		}
		if err := t.give(a, sides[i].partner, ShareWords); err != nil {
			return err
		}
		return t.carry(a.id)
	})
}

// ForgetOffer deletes offered words, and takes them back from whoever has them.
func (s *Store) ForgetOffer(ctx context.Context, account Private, delivery int64) error {
	return s.inTx(ctx, func(t *tx) error {
		_, a, err := t.ownOffer(account, delivery)
		if err != nil {
			return err
		}
		if err := t.forgetAnswer(a.id); err != nil {
			return err
		}
		// The message itself says that they are forgotten; it is not taken out.
		_, err = t.Exec(`
			UPDATE deliveries
			SET want = 'edit', next_at = CASE WHEN lease IS NULL THEN NULL ELSE next_at END
			WHERE id = $1
		`, delivery)
		return err
	})
}
