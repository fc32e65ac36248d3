package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
)

// What of an answer goes to whom, and how it gets there and back.

// levelFor returns what a reader is given of an answer; empty if that was not chosen.
func (t *tx) levelFor(a answer, reader int64) (Level, error) {
	var id int64
	var sealed []byte
	err := t.QueryRow(`SELECT id, level FROM shares WHERE answer = $1 AND reader = $2`, a.id, reader).Scan(&id, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	return t.openLevel(a.writer, id, sealed)
}

func (t *tx) openLevel(writer, share int64, sealed []byte) (Level, error) {
	text, err := t.open(writer, "shares.level", share, sealed)
	return Level(text.Reveal()), err
}

// give sets what a reader is given of an answer. It goes on its way by carry.
func (t *tx) give(a answer, reader int64, level Level) error {
	var id int64
	var before []byte
	err := t.QueryRow(`SELECT id, level FROM shares WHERE answer = $1 AND reader = $2`, a.id, reader).Scan(&id, &before)
	if errors.Is(err, sql.ErrNoRows) {
		id, err = t.newID(), nil
	}
	if err != nil {
		return err
	}
	was, err := t.openLevel(a.writer, id, before)
	if err != nil {
		return err
	}
	if was == ShareWords && level == ShareGist {
		if err := t.takeFromLeft(a, id, reader); err != nil {
			return err
		}
	}
	sealed, err := t.seal(a.writer, "shares.level", id, Secret(string(level)))
	if err != nil {
		return err
	}
	_, err = t.Exec(`
		INSERT INTO shares (id, answer, reader, level)
		VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET level = excluded.level
	`, id, a.id, reader, sealed)
	return err
}

// Share sets what one reader is given of the answer to a check-in, which goes on
// its way. When that is set for each of them, the check-in is done. ErrGone for a pact
// that is not theirs, or not of this scene, or a level we don't know; ErrMuch for what
// was given and taken back again and again.
func (s *Store) Share(ctx context.Context, account Private, delivery, pact int64, level Level) (CheckIn, error) {
	if !slices.Contains(levels, level) {
		return CheckIn{}, ErrGone
	}
	return s.onCheckIn(ctx, account, delivery, func(t *tx, c *checkin) error {
		readers, err := t.readersOf(*c)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(readers, func(r side) bool { return r.pact == pact })
		if i < 0 {
			return ErrGone
		}
		a, err := t.answerTo(c)
		if err != nil {
			return err
		}
		if err := t.chooses(a, readers[i].partner, level); err != nil {
			return err
		}
		if err := t.noReask(c.id); err != nil {
			return err
		}
		for _, r := range readers {
			if level, err := t.levelFor(a, r.partner); err != nil || level == "" {
				c.step = StepShare
				if err != nil {
					return err
				}
				return t.carry(a.id) // theirs goes now; the others may never be chosen
			}
		}
		return t.finish(c, a)
	})
}

// TakeBack takes back all that was shared of the answer to a check-in. The
// answer stays with its writer.
func (s *Store) TakeBack(ctx context.Context, account Private, delivery int64) (CheckIn, error) {
	return s.onCheckIn(ctx, account, delivery, func(t *tx, c *checkin) error {
		if c.state != "done" {
			return nil
		}
		a, err := t.answerTo(c)
		if err != nil {
			return err
		}
		readers, err := t.ids(`SELECT reader FROM shares WHERE answer = $1`, a.id)
		if err != nil {
			return err
		}
		for _, r := range readers {
			if err := t.give(a, r, ShareKept); err != nil {
				return err
			}
		}
		return t.finish(c, a)
	})
}

// carry brings what each reader has in their DM in line with what they are given:
// it owes a relay, has one shown anew, or takes it out. A partner who has left
// or paused is given nothing, and the writer can't tell.
func (t *tx) carry(id int64) error { return t.carryFor(id, 0) }

// given returns an answer, what is to be seen of it, and whom it was given to.
func (t *tx) given(where string, id int64) (a answer, view Answer, shares []share, err error) {
	if a, err = t.loadAnswer(where, id); err != nil {
		return a, view, nil, err
	}
	if view, err = t.answerView(a); err != nil {
		return a, view, nil, err
	}
	shares, err = t.shares(a)
	return a, view, shares, err
}

// carryFor is carry where only what one reader is given has changed: the others'
// messages are left alone, and show no sign of it. 0 is all of them.
func (t *tx) carryFor(id, reader int64) error {
	a, view, shares, err := t.given(`id = $1`, id)
	if err != nil {
		return err
	}
	state := "kept"
	for _, s := range shares {
		if s.level == ShareKept || s.level == unchosen || view.Empty() && a.kind != "touch" && a.kind != "talk" {
			if err := t.retract(`share`, s.id); err != nil {
				return err
			}
			continue
		}
		state = "shared"
		if reader != 0 && s.reader != reader {
			continue
		}
		if err := t.carryTo(a, view, s); err != nil {
			return err
		}
	}
	_, err = t.Exec(`
		UPDATE answers
		SET state = $2, shared_at = CASE $2 WHEN 'shared' THEN COALESCE(shared_at, $3) ELSE shared_at END
		WHERE id = $1
	`, a.id, state, t.now)
	return err
}

// takeFromLeft takes words out of the DM of a reader who has left, of which their
// writer has taken something back. They are shown nothing anew, and what was taken
// back does not stay with them.
func (t *tx) takeFromLeft(a answer, share, reader int64) error {
	holds, err := t.linked(a.writer, reader)
	if err != nil || holds {
		return err
	}
	return t.retract(`share`, share)
}

type share struct {
	id, reader int64
	level      Level
	read       bool
}

func (t *tx) shares(a answer) (out []share, err error) {
	rows, err := t.Query(`SELECT id, reader, level, read_at IS NOT NULL FROM shares WHERE answer = $1 ORDER BY id`, a.id)
	err = each(rows, err, func(r *sql.Rows) error {
		var s share
		var sealed []byte
		if err := r.Scan(&s.id, &s.reader, &sealed, &s.read); err != nil {
			return err
		}
		if s.level, err = t.openLevel(a.writer, s.id, sealed); err != nil {
			return err
		}
		out = append(out, s)
		return nil
	})
	return out, err
}

func (t *tx) carryTo(a answer, view Answer, s share) error {
	holds, err := t.linked(a.writer, s.reader)
	if err != nil || !holds { // whoever has left gets nothing new, not even in place
		return err
	}
	when, err := t.opening(a, s.reader)
	if err != nil {
		return err
	}
	if when.together {
		left, err := t.hasLeft(s.id)
		if err != nil {
			return err
		}
		if !left {
			return t.carryTogether(view, s, when)
		}
	}
	var standing bool
	err = t.QueryRow(`SELECT EXISTS (SELECT 1 FROM deliveries WHERE share = $1 AND part = 0 AND want <> 'delete')`, s.id).Scan(&standing)
	if err != nil {
		return err
	}
	if standing {
		if view.stays() && s.level == ShareWords {
			return nil // what they read stays as they read it
		}
		return t.showAnew(s)
	}
	if _, err := t.Exec(`UPDATE shares SET read_at = NULL WHERE id = $1`, s.id); err != nil {
		return err
	}
	_, err = t.owe(owed{to: s.reader, kind: KindRelay, share: s.id, due: max(when.at, t.now)})
	return err
}

// showAnew has a relay shown as it is now, if it was read: before that its first
// line says nothing. A gist has one message, whatever the bot thinks.
func (t *tx) showAnew(s share) error {
	if !s.read {
		return nil
	}
	if s.level != ShareWords {
		_, err := t.Exec(`UPDATE deliveries SET `+retracting+` WHERE share = $2 AND part > 0 AND want <> 'delete'`, t.now, s.id)
		if err != nil {
			return err
		}
	}
	return t.amend(`share`, s.id)
}

// forgetAnswer deletes what somebody answered and takes it out of every DM. The
// bare row stays until those messages are gone.
func (t *tx) forgetAnswer(id int64) error {
	if _, err := t.Exec(`DELETE FROM words WHERE answer = $1`, id); err != nil {
		return err
	}
	if _, err := t.Exec(`UPDATE answers SET body = NULL, state = 'gone' WHERE id = $1`, id); err != nil {
		return err
	}
	if _, err := t.Exec(`DELETE FROM feelings WHERE answer = $1`, id); err != nil {
		return err
	}
	if err := t.retract(`answer`, id); err != nil {
		return err
	}
	shares, err := t.ids(`SELECT id FROM shares WHERE answer = $1`, id)
	if err != nil {
		return err
	}
	for _, s := range shares {
		if err := t.retract(`share`, s); err != nil {
			return err
		}
	}
	return nil
}

// unshare takes an answer from one reader. One that belongs to no check-in, and of
// which nobody else was given anything, is deleted.
func (t *tx) unshare(id, reader int64) error {
	a, err := t.loadAnswer(`id = $1`, id)
	if err != nil {
		return err
	}
	if err := t.give(a, reader, ShareKept); err != nil {
		return err
	}
	shares, err := t.shares(a)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(shares, func(s share) bool { return s.level == ShareWords || s.level == ShareGist }) {
		return nil
	}
	if a.kind != "checkin" {
		return t.forgetAnswer(id)
	}
	_, err = t.Exec(`UPDATE answers SET state = 'kept' WHERE id = $1 AND state = 'shared'`, id)
	return err
}
