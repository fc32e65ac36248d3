package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
)

// Card is a care card: what somebody wrote in calm, for themselves and for those
// they are linked with. Each part may be empty.
type Card struct {
	Helps   Private // what helps
	Worse   Private // what makes it worse
	Reach   Private // how to reach me
	Comfort Private // food and comfort
	Avoid   Private // words to avoid
}

// Empty tells whether there is nothing on a card.
func (c Card) Empty() bool { return c == Card{} }

// cardBody is a card as it is sealed.
type cardBody struct {
	Helps   string `json:"helps,omitempty"`
	Worse   string `json:"worse,omitempty"`
	Reach   string `json:"reach,omitempty"`
	Comfort string `json:"comfort,omitempty"`
	Avoid   string `json:"avoid,omitempty"`
}

// card returns a person's card; an empty one if they keep none.
func (t *tx) card(person int64) (c Card, err error) {
	var sealed []byte
	err = t.QueryRow(`SELECT body FROM cards WHERE person = $1`, person).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return c, nil
	} else if err != nil {
		return c, err
	}
	var b cardBody
	if err := t.openJSON(person, "cards.body", person, sealed, &b); err != nil {
		return c, err
	}
	return Card{Secret(b.Helps), Secret(b.Worse), Secret(b.Reach), Secret(b.Comfort), Secret(b.Avoid)}, nil
}

// Card returns a person's own card; an empty one if they keep none, or have not
// agreed to anything.
func (s *Store) Card(ctx context.Context, account Private) (c Card, err error) {
	err = s.viewOf(ctx, account, func(t *tx, p person) error {
		c, err = t.card(p.id)
		return err
	})
	return c, err
}

// CardOf returns the card of a partner, and their name. Never linked, left,
// paused and no card are all ErrNothing: from outside they look the same. Naming
// oneself gives one's own card without a name.
func (s *Store) CardOf(ctx context.Context, account, partner Private) (c Card, name Private, err error) {
	if account == partner {
		c, err = s.Card(ctx, account)
		return c, Private{}, err
	}
	err = s.inView(ctx, func(t *tx) error {
		var found side
		me, err := t.find(account)
		if err == nil {
			found, err = t.partner(me, partner)
		}
		if errors.Is(err, ErrNotLinked) || errors.Is(err, ErrNotAgreed) {
			return ErrNothing
		} else if err != nil {
			return err
		}
		if c, err = t.card(found.partner); err != nil {
			return err
		}
		if c.Empty() {
			return ErrNothing
		}
		name = found.name
		return nil
	})
	return c, name, err
}

// partner returns the side on which a person is linked with an account now, or
// ErrNotLinked, or ErrSelf.
func (t *tx) partner(me person, account Private) (side, error) {
	sides, err := t.sides(me.id)
	if err != nil {
		return side{}, err
	}
	chosen, err := t.named(me, sides, []Private{account})
	if err != nil {
		return side{}, err
	}
	if !chosen[0].holds {
		return side{}, ErrNotLinked
	}
	return chosen[0], nil
}

// SaveCard keeps a card; an empty one is deleted. Consent is the version of what
// they just agreed to, or 0. Nobody is written to for it. ErrNotAgreed for somebody
// who has not agreed to anything; ErrNothing if nothing was kept and nothing is to be.
func (s *Store) SaveCard(ctx context.Context, who Who, c Card, consent int) error {
	return s.inTx(ctx, func(t *tx) error {
		p, err := t.find(who.ID)
		switch {
		case errors.Is(err, ErrNotAgreed) && c.Empty():
			return ErrNothing
		case errors.Is(err, ErrNotAgreed) && consent > 0:
			p, _, err = t.agree(who, consent)
		}
		if err != nil {
			return err
		}
		was, err := t.card(p.id)
		if err != nil {
			return err
		}
		if err := t.saveCard(p.id, c); err != nil {
			return err
		}
		if err := t.showCardAnew(p.id); err != nil {
			return err
		}
		if was.loses(c) {
			if err := t.takeCardFromLeft(p.id, was); err != nil {
				return err
			}
		}
		return t.askNeedAnew(p.id)
	})
}

// askNeedAnew has a person's own check-ins at a question that speaks of their card
// shown with it as it is now.
func (t *tx) askNeedAnew(person int64) error {
	_, err := t.Exec(`
		UPDATE deliveries SET `+amending+`
		WHERE recipient = $2 AND kind IN ('checkin', 'panel') AND message IS NOT NULL AND want <> 'delete'
		  AND checkin IN (
			SELECT id FROM checkins
			WHERE person = $2 AND step IN ('need', 'share') AND state IN ('asked', 'answering', 'done'))
	`, t.now, person)
	return err
}

func (t *tx) saveCard(person int64, c Card) error {
	if c.Empty() {
		res, err := t.Exec(`DELETE FROM cards WHERE person = $1`, person)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return ErrNothing
	}
	sealed, err := t.sealJSON(person, "cards.body", person, cardBody{
		c.Helps.Reveal(), c.Worse.Reveal(), c.Reach.Reveal(), c.Comfort.Reveal(), c.Avoid.Reveal(),
	})
	if err != nil {
		return err
	}
	_, err = t.Exec(`
		INSERT INTO cards (person, body, changed_at)
		VALUES ($1, $2, $3)
		ON CONFLICT (person) DO UPDATE SET body = excluded.body, changed_at = excluded.changed_at
	`, person, sealed, t.now)
	return err
}

// showCardAnew has the relays of a person's check-ins that were read, and with
// which their card may go, shown with it as it is now: what was taken off it is
// taken out of their partners' DMs too.
func (t *tx) showCardAnew(person int64) error {
	_, err := t.Exec(`
		UPDATE deliveries SET `+amending+`
		WHERE want <> 'delete' AND share IN (
			SELECT s.id
			FROM answers a
			JOIN shares s ON s.answer = a.id AND (s.read_at IS NOT NULL OR s.need_read_at IS NOT NULL)
			JOIN sides theirs ON theirs.person = s.reader AND theirs.partner = a.writer
			WHERE a.writer = $2 AND a.kind = 'checkin' AND a.state = 'shared'
		)
	`, t.now, person)
	return err
}

// loses tells whether something was taken off a card: not changed, of which whoever has
// left learns nothing.
func (c Card) loses(now Card) bool {
	gone := func(was, is Private) bool { return is.IsZero() && !was.IsZero() }
	return gone(c.Helps, now.Helps) || gone(c.Worse, now.Worse) || gone(c.Reach, now.Reach) ||
		gone(c.Comfort, now.Comfort) || gone(c.Avoid, now.Avoid)
}

// takeCardFromLeft takes out what was left for those who have left since and have read
// it, where a card that was taken off in part or whole went with it.
func (t *tx) takeCardFromLeft(person int64, was Card) error {
	ids, err := t.ids(`
		SELECT DISTINCT a.id
		FROM answers a
		JOIN shares s ON s.answer = a.id
		WHERE a.writer = $1 AND a.kind = 'checkin' AND a.state = 'shared'
		  AND NOT EXISTS (SELECT 1 FROM sides theirs WHERE theirs.person = s.reader AND theirs.partner = a.writer)
	`, person)
	if err != nil {
		return err
	}
	for _, id := range ids {
		a, err := t.loadAnswer(`id = $1`, id)
		if err != nil {
			return err
		}
		shares, err := t.shares(a)
		if err != nil {
			return err
		}
		for _, s := range shares {
			if !was.goesWith(a.body, s.level) {
				continue
			}
			if err := t.takeFromLeft(a, s.id, s.reader); err != nil {
				return err
			}
		}
	}
	return nil
}

// cardWith returns the card that goes with an answer to one reader. It goes where
// its writer said that what is on it would help, and with the words of a low; to
// nobody who has left.
func (t *tx) cardWith(a answer, reader int64, level Level) (c Card, err error) {
	if a.body.Need != NeedCard && !a.body.Feeling.Low() {
		return c, nil // most of the time
	}
	if holds, err := t.linked(a.writer, reader); err != nil || !holds {
		return c, err
	}
	if c, err = t.card(a.writer); err != nil || !c.goesWith(a.body, level) {
		return Card{}, err
	}
	return c, nil
}

func (c Card) goesWith(b body, level Level) bool {
	asked := b.Need == NeedCard && !c.Helps.IsZero()
	return level == ShareGist && asked || level == ShareWords && (asked || b.Feeling.Low())
}

// linked tells whether two people both have their end of a pact. A pause does not
// count: what was shared before it stays as it is.
func (t *tx) linked(a, b int64) (holds bool, err error) {
	err = t.QueryRow(`
		SELECT EXISTS (
			SELECT 1
			FROM sides mine
			JOIN sides theirs ON theirs.pact = mine.pact AND theirs.person = mine.partner
			WHERE mine.person = $1 AND mine.partner = $2
		)
	`, a, b).Scan(&holds)
	return holds, err
}

// mayNeed tells whether somebody can choose a need: their card, only while it says
// what helps.
func (t *tx) mayNeed(person int64, n Need) (bool, error) {
	if n != NeedCard {
		return slices.Contains(Needs, n), nil
	}
	c, err := t.card(person)
	return !c.Helps.IsZero(), err
}
