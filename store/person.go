package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Who is somebody as Discord shows them.
type Who struct {
	ID      Private // Discord's id of the account
	Name    Private // what they call themselves
	Channel Private // the DM with the bot, where known
}

type person struct {
	id       int64
	name     Private
	channel  Private
	settings Settings
	paused   bool
	refused  bool
}

// find returns the person with a Discord id, or ErrNotAgreed.
func (t *tx) find(account Private) (person, error) {
	var id int64
	err := t.QueryRow(`SELECT id FROM persons WHERE lookup = $1`, t.s.lookup("person", account.Reveal())).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return person{}, ErrNotAgreed
	} else if err != nil {
		return person{}, err
	}
	return t.person(id)
}

func (t *tx) person(id int64) (p person, err error) {
	var name, channel, settings []byte
	var paused, refused sql.NullInt64
	err = t.QueryRow(`
		SELECT name, channel, settings, paused_at, refused_at
		FROM persons
		WHERE id = $1
	`, id).Scan(&name, &channel, &settings, &paused, &refused)
	if err != nil {
		return p, err
	}
	p = person{id: id, paused: paused.Valid, refused: refused.Valid}
	if p.name, err = t.open(id, "persons.name", id, name); err != nil {
		return p, err
	}
	if p.channel, err = t.open(id, "persons.channel", id, channel); err != nil {
		return p, err
	}
	return p, t.openJSON(id, "persons.settings", id, settings, &p.settings)
}

// account returns a person's Discord id.
func (t *tx) account(id int64) (Private, error) {
	var sealed []byte
	if err := t.QueryRow(`SELECT account FROM persons WHERE id = $1`, id).Scan(&sealed); err != nil {
		return Private{}, err
	}
	return t.open(id, "persons.account", id, sealed)
}

// viewOf is inView for what somebody asks about themself: there is nothing to see
// for those who never agreed.
func (s *Store) viewOf(ctx context.Context, account Private, look func(*tx, person) error) error {
	return s.inView(ctx, func(t *tx) error {
		p, err := t.find(account)
		if errors.Is(err, ErrNotAgreed) {
			return nil
		} else if err != nil {
			return err
		}
		return look(t, p)
	})
}

// findOrGone is find for those who press the button of a message: ErrGone for
// somebody who is no person.
func (t *tx) findOrGone(account Private) (person, error) {
	p, err := t.find(account)
	if errors.Is(err, ErrNotAgreed) {
		err = ErrGone
	}
	return p, err
}

// agree makes somebody a person, or notes that a person agreed once more. met
// tells that they are new.
func (t *tx) agree(who Who, version int) (p person, met bool, err error) {
	p, err = t.find(who.ID)
	if errors.Is(err, ErrNotAgreed) {
		p, err = t.meet(who, version)
		return p, true, err
	} else if err != nil {
		return p, false, err
	}
	_, err = t.Exec(`
		UPDATE persons
		SET consent_version = $2, consent_at = $3
		WHERE id = $1 AND consent_version <> $2
	`, p.id, version, t.now)
	if err != nil {
		return p, false, err
	}
	return p, false, t.rename(&p, who)
}

// greet is agree for whoever hears nothing else from the bot yet: a new person is
// owed their first line.
func (t *tx) greet(who Who, version int) (person, error) {
	p, met, err := t.agree(who, version)
	if err != nil || !met {
		return p, err
	}
	_, err = t.owe(owed{to: p.id, kind: KindHello})
	return p, err
}

func (t *tx) meet(who Who, version int) (p person, err error) {
	keyID, err := t.s.keys.add(t.ctx)
	if err != nil {
		return p, err
	}
	a, err := t.s.keys.key(t.ctx, keyID)
	if err != nil {
		return p, err
	}
	p = person{id: t.newID(), name: who.Name, channel: who.Channel}
	sealed := map[string][]byte{}
	for column, text := range map[string]Private{"account": who.ID, "name": who.Name, "channel": who.Channel, "settings": Secret("{}")} {
		if column == "channel" && text.IsZero() {
			continue
		}
		if sealed[column], err = sealBytes(a, "persons."+column, p.id, []byte(text.Reveal())); err != nil {
			return p, err
		}
	}
	_, err = t.Exec(`
		INSERT INTO persons (id, lookup, key_id, account, name, channel, settings, consent_version, consent_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
	`, p.id, t.s.lookup("person", who.ID.Reveal()), keyID, sealed["account"], sealed["name"], sealed["channel"], sealed["settings"], version, t.now)
	return p, err
}

// rename notes a new name or DM channel, in the pacts that hold as well.
func (t *tx) rename(p *person, who Who) error {
	if !who.Channel.IsZero() && who.Channel != p.channel {
		if err := t.keepChannel(p.id, who.Channel); err != nil {
			return err
		}
		p.channel = who.Channel
	}
	if who.Name.IsZero() || who.Name == p.name {
		return nil
	}
	p.name = who.Name
	sealed, err := t.seal(p.id, "persons.name", p.id, who.Name)
	if err != nil {
		return err
	}
	if _, err := t.Exec(`UPDATE persons SET name = $2 WHERE id = $1`, p.id, sealed); err != nil {
		return err
	}
	sides, err := t.sides(p.id)
	if err != nil {
		return err
	}
	for _, side := range sides { // a partner who has left has no row to change
		if sealed, err = t.seal(side.partner, "sides.partner_name", side.pact, who.Name); err != nil {
			return err
		}
		if _, err := t.Exec(`UPDATE sides SET partner_name = $3 WHERE pact = $1 AND person = $2`, side.pact, side.partner, sealed); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) keepChannel(person int64, channel Private) error {
	sealed, err := t.seal(person, "persons.channel", person, channel)
	if err != nil {
		return err
	}
	_, err = t.Exec(`UPDATE persons SET channel = $2 WHERE id = $1`, person, sealed)
	return err
}

func (t *tx) saveSettings(p person) error {
	sealed, err := t.sealJSON(p.id, "persons.settings", p.id, p.settings)
	if err != nil {
		return err
	}
	if _, err = t.Exec(`UPDATE persons SET settings = $2 WHERE id = $1`, p.id, sealed); err != nil {
		return err
	}
	return t.retime(p.id)
}

// Agreed tells whether somebody has agreed to anything yet.
func (s *Store) Agreed(ctx context.Context, account Private) (ok bool, err error) {
	err = s.inView(ctx, func(t *tx) error {
		_, err := t.find(account)
		if errors.Is(err, ErrNotAgreed) {
			return nil
		}
		ok = err == nil
		return err
	})
	return ok, err
}

// Here notes that a person is at the keyboard: a new name or channel is kept. It
// returns the delivery that has waited longest since Discord refused it, or 0:
// Retry has it tried again. Somebody who is no person yet is nothing to note.
func (s *Store) Here(ctx context.Context, who Who) (waiting int64, err error) {
	same := false
	err = s.inView(ctx, func(t *tx) error {
		p, err := t.find(who.ID)
		if err != nil {
			return err
		}
		sameChannel := who.Channel.IsZero() || who.Channel == p.channel
		same = sameChannel && (who.Name.IsZero() || who.Name == p.name)
		if !p.refused || p.paused {
			return nil
		}
		err = t.QueryRow(`SELECT id FROM deliveries WHERE recipient = $1 AND waiting = 1 ORDER BY due_at, id LIMIT 1`, p.id).Scan(&waiting)
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		return err
	})
	if errors.Is(err, ErrNotAgreed) {
		return 0, nil
	}
	if err != nil || same {
		return waiting, err
	}
	return waiting, s.inTx(ctx, func(t *tx) error {
		p, err := t.find(who.ID)
		if err != nil {
			return err
		}
		return t.rename(&p, who)
	})
}

// Retry makes due again what Discord refused to put in front of a person.
func (s *Store) Retry(ctx context.Context, account Private) error {
	return s.inTx(ctx, func(t *tx) error {
		p, err := t.find(account)
		if err != nil || p.paused {
			return err
		}
		return t.wakeWaiting(p.id)
	})
}

// Pause stops everything for a person until Resume. Nobody else is told, and
// from outside it looks like never having been linked.
func (s *Store) Pause(ctx context.Context, account Private) error {
	return s.PauseUntil(ctx, account, time.Time{})
}

// PauseUntil is Pause that ends by itself. During a pause it changes when that
// ends; a zero time is no end.
func (s *Store) PauseUntil(ctx context.Context, account Private, until time.Time) error {
	return s.inTx(ctx, func(t *tx) error {
		p, err := t.find(account)
		if err != nil {
			return err
		}
		end := sql.NullInt64{Int64: until.UnixMilli(), Valid: !until.IsZero()}
		_, err = t.Exec(`UPDATE persons SET paused_at = COALESCE(paused_at, $2), paused_until = $3 WHERE id = $1`, p.id, t.now, end)
		return err
	})
}

// Resume ends a pause. What waited and is not too old goes out.
func (s *Store) Resume(ctx context.Context, account Private) error {
	return s.inTx(ctx, func(t *tx) error {
		p, err := t.find(account)
		if err != nil || !p.paused {
			return err
		}
		return t.resume(p.id)
	})
}

func (t *tx) resume(person int64) error {
	if _, err := t.Exec(`UPDATE persons SET paused_at = NULL, paused_until = NULL WHERE id = $1`, person); err != nil {
		return err
	}
	// What is in hand may have been found paused a moment ago, and is asked again.
	if _, err := t.Exec(`UPDATE deliveries SET version = version + 1 WHERE recipient = $1 AND lease IS NOT NULL`, person); err != nil {
		return err
	}
	return t.wakeWaiting(person)
}

// EndPauses ends the pauses whose time has come.
func (s *Store) EndPauses(ctx context.Context) error {
	return s.inTx(ctx, func(t *tx) error {
		people, err := t.ids(`SELECT id FROM persons WHERE paused_until <= $1`, t.now)
		if err != nil {
			return err
		}
		for _, p := range people {
			if err := t.resume(p); err != nil {
				return err
			}
		}
		return nil
	})
}
