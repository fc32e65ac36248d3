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
// Their writer gets no receipt, and what they see tells nothing of the reader: words
// stay on the list for 30 days after they were written, given or not, read or not,
// and removing them says the same and takes them back in any state.
//
// How many may be left follows from what the writer knows as well: five in a week,
// and five more once a scene of both has had the first mark of the house, which is
// when they come as a rule. Whether they did come is not asked.

const (
	mostGifts  = 5  // new ones, from one person to another
	mostListed = 25 // in all: a menu of Discord's holds no more
	giftsAnew  = 7 * 24 * time.Hour
	keepGift   = 30 * 24 * time.Hour
)

// Gifts are the kind words that somebody left for one partner, as they see them.
type Gifts struct {
	Pact int64
	To   Private // name
	Left []Gift  // oldest first
	Full bool    // there is no room for more
}

// Gift is some of them. What they say is not shown again.
type Gift struct {
	ID int64
	At time.Time // when they were written
}

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
	since, err := t.giftsSince(me.id, to.partner)
	if err != nil {
		return g, err
	}
	recent := 0
	rows, err := t.Query(`
		SELECT id, created_at FROM gifts WHERE writer = $1 AND reader = $2 AND forget_at > $3 ORDER BY id
	`, me.id, to.partner, t.now)
	err = each(rows, err, func(r *sql.Rows) error {
		var id, at int64
		err := r.Scan(&id, &at)
		g.Left = append(g.Left, Gift{ID: id, At: fromMilli(at)})
		if at >= since {
			recent++
		}
		return err
	})
	g.Full = recent >= mostGifts || len(g.Left) >= mostListed
	return g, err
}

// giftsSince returns the time before which what was written no longer takes up room.
// The scenes are those that the writer is in as far as they know: what the reader
// says to one does not count. None of them is forgotten within a week of its first mark.
func (t *tx) giftsSince(writer, reader int64) (since int64, err error) {
	err = t.QueryRow(`
		SELECT MAX($3, COALESCE((
			SELECT MAX(s.ended_at) + $4
			FROM participants w
			JOIN participants r ON r.scene = w.scene AND r.person = $2
			JOIN scenes s ON s.id = w.scene
			WHERE w.person = $1 AND w.state <> 'out' AND s.kind = 'scene' AND s.ended_at + $4 <= $5
		), 0))
	`, writer, reader, t.now-giftsAnew.Milliseconds()+1, t.s.marks[0].Milliseconds(), t.now).Scan(&since)
	return since, err
}

// GiftsFor returns what somebody left for a partner: an account, or where pact is not 0
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
// ErrNothing for no words; ErrFull where there is no room.
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
		case g.Full:
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

// RemoveGift removes kind words, and takes them back if they were given already.
// What is not there is removed as well as what is. There is nothing in g where the
// partner can't be named, whatever the reason. ErrGone for a pact that is not theirs.
func (s *Store) RemoveGift(ctx context.Context, account Private, gift, pact int64) (g Gifts, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		me, err := t.findOrGone(account)
		if err != nil {
			return err
		}
		mine, err := t.sideOf(me.id, pact)
		if err != nil {
			return err
		}
		if err := t.removeGift(me.id, gift); err != nil || !mine.holds {
			return err
		}
		g, err = t.gifts(me, mine)
		return err
	})
	return g, err
}

func (t *tx) removeGift(writer, gift int64) error {
	var answer sql.NullInt64
	err := t.QueryRow(`DELETE FROM gifts WHERE id = $1 AND writer = $2 RETURNING answer`, gift, writer).Scan(&answer)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !answer.Valid {
		return nil
	} else if err != nil {
		return err
	}
	return t.forgetAnswer(answer.Int64)
}

// giveAll gives somebody all the kind words that wait for them. During a pause of
// theirs, or of the writer's, they go on waiting.
func (t *tx) giveAll(reader int64) error {
	waiting, err := t.ids(`
		SELECT g.id
		FROM gifts g
		JOIN persons r ON r.id = g.reader
		JOIN persons w ON w.id = g.writer
		WHERE g.reader = $1 AND g.text IS NOT NULL AND g.forget_at > $2 AND g.undone = 0
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
// place, that has just reached them.
func (t *tx) giveWith(d Delivery) error {
	if d.Kind != KindCheckIn && (d.Kind != KindHere || d.Part != partLight) {
		return nil
	}
	return t.giveAll(d.Recipient)
}

// dropGifts deletes what somebody who leaves had left for a partner. What the partner
// left for them is given no more; it stays on its writer's own list for its time, so
// that nothing there tells. What was given is a relay, and goes as one.
func (t *tx) dropGifts(me, partner int64) error {
	if _, err := t.Exec(`DELETE FROM gifts WHERE writer = $1 AND reader = $2`, me, partner); err != nil {
		return err
	}
	_, err := t.Exec(`UPDATE gifts SET undone = 1 WHERE writer = $1 AND reader = $2`, partner, me)
	return err
}

// forgetUndone deletes what was undone between two people, who link anew.
func (t *tx) forgetUndone(a, b int64) error {
	_, err := t.Exec(`
		DELETE FROM gifts WHERE undone = 1 AND ((writer = $1 AND reader = $2) OR (writer = $2 AND reader = $1))
	`, a, b)
	return err
}
