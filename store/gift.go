package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"
)

// Kind words are written now and given later: with the next check-in that is put
// in front of their reader, or when the reader records a low, whichever is first.
// They are given as a relay like any other.
//
// Their writer gets no receipt, and what they can list tells no more than what
// they know anyway: words leave the list with the reader's next check-in for a
// scene of both. Given before that, at a low or for a scene with somebody else,
// they stay listed, and removing them takes them back.

const (
	mostGifts = 5 // waiting, from one person to another
	keepGift  = 30 * 24 * time.Hour
)

// Gifts are the kind words that wait for one partner, as their writer sees them.
type Gifts struct {
	Pact    int64
	To      Private // name
	Waiting []Gift  // oldest first
}

// Gift is some of them. What they say is not shown again.
type Gift struct {
	ID int64
	At time.Time // when they were written
}

// Full tells whether there is no room for more.
func (g Gifts) Full() bool { return len(g.Waiting) >= mostGifts }

// giver returns who writes kind words, and to whom: a partner's account, or a pact
// of theirs. ErrNotLinked and ErrSelf as in EndScene, ErrPaused during their own pause.
func (t *tx) giver(account, partner Private, pact int64) (me person, to side, err error) {
	me, err = t.find(account)
	if errors.Is(err, ErrNotAgreed) {
		return me, to, ErrNotLinked
	} else if err != nil {
		return me, to, err
	}
	if me.paused {
		return me, to, ErrPaused
	}
	if pact == 0 {
		to, err = t.partner(me, partner)
		return me, to, err
	}
	sides, err := t.sides(me.id)
	if err != nil {
		return me, to, err
	}
	i := slices.IndexFunc(sides, func(s side) bool { return s.pact == pact && s.holds })
	if i < 0 {
		return me, to, ErrNotLinked
	}
	return me, sides[i], nil
}

func (t *tx) gifts(me person, to side) (g Gifts, err error) {
	g = Gifts{Pact: to.pact, To: to.name}
	rows, err := t.Query(`SELECT id, created_at FROM gifts WHERE writer = $1 AND reader = $2 ORDER BY id`, me.id, to.partner)
	err = each(rows, err, func(r *sql.Rows) error {
		var id, at int64
		err := r.Scan(&id, &at)
		g.Waiting = append(g.Waiting, Gift{ID: id, At: fromMilli(at)})
		return err
	})
	return g, err
}

// GiftsFor returns what waits for a partner: an account, or where pact is not 0
// whoever that pact is with. Errors as of LeaveGift.
func (s *Store) GiftsFor(ctx context.Context, account, partner Private, pact int64) (g Gifts, err error) {
	err = s.inView(ctx, func(t *tx) error {
		me, to, err := t.giver(account, partner, pact)
		if err != nil {
			return err
		}
		g, err = t.gifts(me, to)
		return err
	})
	return g, err
}

// LeaveGift leaves kind words for the partner of a pact. Request is Discord's id
// of the interaction: the same one twice is left once. ErrNotLinked for a partner
// who can't be named, whatever the reason; ErrPaused during one's own pause;
// ErrNothing for no words; ErrFull where as many wait as may.
func (s *Store) LeaveGift(ctx context.Context, account Private, pact int64, text Private, request string) (g Gifts, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		me, to, err := t.giver(account, Private{}, pact)
		if err != nil {
			return err
		}
		if g, err = t.gifts(me, to); err != nil {
			return err
		}
		source := s.lookup("request", request)
		var done bool
		err = t.QueryRow(`
			SELECT EXISTS (SELECT 1 FROM gifts WHERE source = $1) OR EXISTS (SELECT 1 FROM answers WHERE source = $1)
		`, source).Scan(&done)
		switch {
		case err != nil || done:
			return err
		case text.IsZero():
			return ErrNothing
		case g.Full():
			return ErrFull
		}
		if err := t.newGift(me.id, to.partner, text, source); err != nil {
			return err
		}
		g, err = t.gifts(me, to)
		return err
	})
	return g, err
}

func (t *tx) newGift(writer, reader int64, text Private, source []byte) error {
	id := t.newID()
	sealed, err := t.seal(writer, "gifts.text", id, text)
	if err != nil {
		return err
	}
	_, err = t.Exec(`
		INSERT INTO gifts (id, writer, reader, text, source, created_at, forget_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
	`, id, writer, reader, sealed, source, t.now, t.now+keepGift.Milliseconds())
	return err
}

// RemoveGift removes kind words that are listed, and takes them back if they were
// given already. removed is false for what was no longer listed; and always where
// the partner can't be named, so that it looks the same whatever the reason. Then
// there is nothing in g. ErrGone for a pact that is not theirs.
func (s *Store) RemoveGift(ctx context.Context, account Private, gift, pact int64) (removed bool, g Gifts, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		me, err := t.findOrGone(account)
		if err != nil {
			return err
		}
		sides, err := t.sides(me.id)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(sides, func(s side) bool { return s.pact == pact })
		if i < 0 {
			return ErrGone
		}
		found, err := t.removeGift(me.id, gift)
		if err != nil || !sides[i].holds {
			return err
		}
		removed = found
		g, err = t.gifts(me, sides[i])
		return err
	})
	return removed, g, err
}

func (t *tx) removeGift(writer, gift int64) (found bool, err error) {
	var answer sql.NullInt64
	err = t.QueryRow(`DELETE FROM gifts WHERE id = $1 AND writer = $2 RETURNING answer`, gift, writer).Scan(&answer)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	} else if err != nil || !answer.Valid {
		return err == nil, err
	}
	return true, t.forgetAnswer(answer.Int64)
}

// giveAll gives somebody all the kind words that wait for them. During a pause of
// theirs, or of the writer's, they go on waiting.
func (t *tx) giveAll(reader int64) error {
	waiting, err := t.ids(`
		SELECT g.id
		FROM gifts g
		JOIN persons r ON r.id = g.reader
		JOIN persons w ON w.id = g.writer
		WHERE g.reader = $1 AND g.answer IS NULL AND g.forget_at > $2
		  AND r.paused_at IS NULL AND w.paused_at IS NULL
		ORDER BY g.id
	`, reader, t.now)
	if err != nil {
		return err
	}
	for _, id := range waiting {
		if err := t.giveOne(id); err != nil {
			return err
		}
	}
	return nil
}

// giveOne makes kind words an answer that is shared with their reader. It is kept
// no longer than they would have been.
func (t *tx) giveOne(gift int64) error {
	a := answer{kind: "word", state: "draft"}
	var reader, forgetAt int64
	var sealed, source []byte
	err := t.QueryRow(`SELECT writer, reader, text, source, forget_at FROM gifts WHERE id = $1`, gift).
		Scan(&a.writer, &reader, &sealed, &source, &forgetAt)
	if err != nil {
		return err
	}
	text, err := t.open(a.writer, "gifts.text", gift, sealed)
	if err != nil {
		return err
	}
	if a, err = t.insertAnswer(a, source, forgetAt); err != nil {
		return err
	}
	if err := t.addWords(a, nil, text); err != nil {
		return err
	}
	if _, err := t.Exec(`UPDATE gifts SET text = NULL, answer = $2 WHERE id = $1`, gift, a.id); err != nil {
		return err
	}
	if err := t.give(a, reader, ShareWords); err != nil {
		return err
	}
	return t.carry(a.id)
}

// giveWith gives what waits for the recipient of a check-in, or of the line in its
// place, that has just reached them. What those wrote who are in its scene leaves
// their lists.
func (t *tx) giveWith(d Delivery) error {
	if d.Kind != KindCheckIn && (d.Kind != KindHere || d.Part != partLight) {
		return nil
	}
	if err := t.giveAll(d.Recipient); err != nil {
		return err
	}
	_, err := t.Exec(`
		DELETE FROM gifts
		WHERE reader = $1 AND answer IS NOT NULL AND writer IN (
			SELECT i.person
			FROM deliveries d
			LEFT JOIN checkins c ON c.id = d.checkin
			JOIN participants i ON i.scene = COALESCE(d.scene, c.scene)
			WHERE d.id = $2
		)
	`, d.Recipient, d.ID)
	return err
}

// dropGifts deletes what waits between two people, in both directions. What was
// given is a relay, and goes as one.
func (t *tx) dropGifts(a, b int64) error {
	_, err := t.Exec(`DELETE FROM gifts WHERE (writer = $1 AND reader = $2) OR (writer = $2 AND reader = $1)`, a, b)
	return err
}
