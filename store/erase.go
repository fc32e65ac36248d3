package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"

	"github.com/tink-crypto/tink-go/v2/tink"
)

// Erasing is complete and quiet. All rows of a person go in one transaction, which
// condemns their key, and then that is destroyed: a crash between the two leaves a
// condemned key, which the next start destroys.
//
// A row of theirs in the table of persons may stay for a while, with another key
// and another lookup, no name, no account and no settings. Two things hang on it,
// and neither says who they were:
//
//   - the bot's messages in their DM, and those with their words in others', which
//     are strays until Discord has taken them out;
//   - what partners see. To a partner it looks as if they had left: their own end of
//     the pact, scenes that they were both in and what the partner shared stay as
//     they were. The partner's end holds the name and the account, sealed by the
//     partner, so that they can be named in a command as before.
//
// It goes with the last of those. Who agrees again is another person; when the two
// link again, the partner's end is the one they had (sameAgain).

// Kept tells what an erasing would be about.
type Kept struct {
	Person int64 // their row, which binds the question to who they are now; 0: they are nobody
	Any    bool  // something is kept about them
}

// Kept returns what there is to erase about an account. Somebody who never agreed
// may still have said "don't ask again".
func (s *Store) Kept(ctx context.Context, account Private) (k Kept, err error) {
	err = s.inView(ctx, func(t *tx) error {
		k.Person, k.Any = 0, false
		err := t.QueryRow(`SELECT id FROM persons WHERE lookup = $1`, s.lookup("person", account.Reveal())).Scan(&k.Person)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		return t.QueryRow(`
			SELECT $1 OR EXISTS (SELECT 1 FROM refusals WHERE refuser = $2)
		`, k.Person != 0, t.refuser(account)).Scan(&k.Any)
	})
	return k, err
}

// Erase erases all there is about an account, at once. Person is as Kept told it:
// ErrGone if they are somebody else by now, so that an old question erases nothing
// new. Nobody is told.
func (s *Store) Erase(ctx context.Context, account Private, person int64) error {
	kept, err := s.Kept(ctx, account)
	if err != nil {
		return err
	} else if kept.Person != person || !kept.Any {
		return ErrGone // and nothing is written for whoever tries
	}
	var b burial
	err = s.inTx(ctx, func(t *tx) error {
		b = burial{}
		found, err := t.find(account)
		if err != nil && !errors.Is(err, ErrNotAgreed) {
			return err
		}
		if found.id != person {
			return ErrGone
		}
		if _, err := t.Exec(`DELETE FROM refusals WHERE refuser = $1`, t.refuser(account)); err != nil || person == 0 {
			return err
		}
		return t.bury(&b, person, false)
	})
	if err != nil {
		for _, key := range b.keys {
			s.keys.reinstate(person, key)
		}
		return err
	}
	_ = s.emptyLog(ctx) // they are gone; beside a long read the log is emptied with the next sweep
	return s.destroyKeys(ctx)
}

// burial is what is to be undone when the transaction that buries somebody fails.
type burial struct {
	keys [][]byte // no longer anybody's
}

// grave is the row that stays of somebody.
type grave struct {
	person int64
	keyID  []byte
	key    tink.AEAD
}

// bury deletes all that is a person's, and makes their row one of nobody's. Where
// their key is lost, what is sealed by it is not looked into.
func (t *tx) bury(b *burial, person int64, lost bool) error {
	var old []byte
	if err := t.QueryRow(`SELECT key_id FROM persons WHERE id = $1`, person).Scan(&old); err != nil {
		return err
	}
	g := grave{person: person}
	var err error
	if g.keyID, err = t.s.keys.add(t.ctx); err != nil {
		return err
	}
	if g.key, err = t.s.keys.key(t.ctx, g.keyID); err != nil {
		return err
	}
	for _, step := range []func(grave, bool) error{t.strayOwn, t.strayWords, t.keepForPartners, t.deleteRows, t.unname} {
		if err := step(g, lost); err != nil {
			return err
		}
	}
	b.keys = append(b.keys, old)
	t.s.keys.retire(person, old)
	if err := t.condemn(old); err != nil {
		return err
	}
	left, err := t.Exec(`DELETE FROM persons WHERE id = $1 AND `+nothingLeft, person)
	if err != nil {
		return err
	}
	if n, err := left.RowsAffected(); err != nil || n == 0 {
		return err
	}
	b.keys = append(b.keys, g.keyID)
	t.s.keys.retire(person, g.keyID)
	return t.condemn(g.keyID)
}

// nothingLeft is a row in persons on which nothing hangs.
const nothingLeft = `
	    NOT EXISTS (SELECT 1 FROM pacts x WHERE x.low = persons.id OR x.high = persons.id)
	AND NOT EXISTS (SELECT 1 FROM invites x WHERE x.inviter = persons.id)
	AND NOT EXISTS (SELECT 1 FROM participants x WHERE x.person = persons.id)
	AND NOT EXISTS (SELECT 1 FROM answers x WHERE x.writer = persons.id)
	AND NOT EXISTS (SELECT 1 FROM shares x WHERE x.reader = persons.id)
	AND NOT EXISTS (SELECT 1 FROM turns x WHERE x.person = persons.id)
	AND NOT EXISTS (SELECT 1 FROM standings x JOIN turns y ON y.standing = x.id WHERE x.proposer = persons.id OR x.partner = persons.id)
	AND NOT EXISTS (SELECT 1 FROM cards x WHERE x.person = persons.id)
	AND NOT EXISTS (SELECT 1 FROM gifts x WHERE x.writer = persons.id OR x.reader = persons.id)
	AND NOT EXISTS (SELECT 1 FROM feelings x WHERE x.person = persons.id)
	AND NOT EXISTS (SELECT 1 FROM deliveries x WHERE x.recipient = persons.id AND x.kind = 'stray')`

// strayOwn has the bot's messages in their own DM taken out.
func (t *tx) strayOwn(g grave, lost bool) error {
	messages := map[int64][]byte{}
	rows, err := t.Query(`
		SELECT d.id, d.message FROM deliveries d
		WHERE d.recipient = $1 AND (`+mayStand+` OR d.kind = 'stray')`, g.person)
	err = each(rows, err, func(r *sql.Rows) error {
		var id int64
		var sealed []byte
		err := r.Scan(&id, &sealed)
		messages[id] = sealed
		return err
	})
	if err != nil || lost { // they go with all that is sent to them
		return err
	}
	for id, sealed := range messages {
		message, err := t.open(g.person, "deliveries.message", id, sealed)
		if err != nil {
			return err
		}
		if sealed != nil {
			if sealed, err = sealBytes(g.key, "deliveries.message", id, []byte(message.Reveal())); err != nil {
				return err
			}
		}
		if _, err := t.Exec(straying, id, t.now); err != nil {
			return err
		}
		if _, err := t.Exec(`UPDATE deliveries SET message = $2, sent_at = NULL, words_of = NULL WHERE id = $1`, id, sealed); err != nil {
			return err
		}
	}
	return nil
}

// strayWords has the messages taken out that stand in others' DMs and carry what is
// theirs: words, and what they suggested that was not agreed to.
func (t *tx) strayWords(g grave, _ bool) error {
	ids, err := t.ids(`
		SELECT d.id FROM deliveries d
		WHERE `+mayStand+` AND d.recipient <> $1 AND (
			d.share IN (SELECT s.id FROM answers a JOIN shares s ON s.answer = a.id WHERE a.writer = $1)
			OR d.standing IN (SELECT id FROM standings WHERE proposer = $1 AND state = 'offered')
		)`, g.person)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := t.Exec(straying, id, t.now); err != nil {
			return err
		}
	}
	return t.recall(g.person, 0)
}

// keepForPartners seals anew what a partner sees and they had made: when a standing
// check-in comes to the partner, who has an end of it.
func (t *tx) keepForPartners(g grave, lost bool) error {
	if lost {
		return nil
	}
	specs := map[int64][]byte{}
	rows, err := t.Query(`
		SELECT s.id, s.spec FROM standings s
		WHERE s.proposer = $1 AND EXISTS (SELECT 1 FROM turns n WHERE n.standing = s.id AND n.person <> $1)
	`, g.person)
	err = each(rows, err, func(r *sql.Rows) error {
		var id int64
		var sealed []byte
		err := r.Scan(&id, &sealed)
		specs[id] = sealed
		return err
	})
	if err != nil {
		return err
	}
	for id, sealed := range specs {
		spec, err := t.open(g.person, "standings.spec", id, sealed)
		if err != nil {
			return err
		}
		if sealed, err = sealBytes(g.key, "standings.spec", id, []byte(spec.Reveal())); err != nil {
			return err
		}
		if _, err := t.Exec(`UPDATE standings SET spec = $2, request = NULL WHERE id = $1`, id, sealed); err != nil {
			return err
		}
	}
	return nil
}

// deleteRows deletes all that is theirs, and no more of what is a partner's than
// goes when somebody leaves.
func (t *tx) deleteRows(g grave, lost bool) error {
	for _, q := range []string{
		`DELETE FROM invites WHERE inviter = $1`,
		`DELETE FROM gifts WHERE writer = $1`,
		`UPDATE gifts SET undone = 1 WHERE reader = $1`, // they stay on their writer's list, as when somebody leaves
		`DELETE FROM cards WHERE person = $1`,
		`DELETE FROM feelings WHERE person = $1`,
		`DELETE FROM turns WHERE person = $1`,
		`DELETE FROM answers WHERE writer = $1`,
		`DELETE FROM afters WHERE person = $1`,
		`UPDATE checkins SET joined = NULL WHERE person = $1`,
		`DELETE FROM checkins WHERE person = $1`,
		`DELETE FROM standings WHERE proposer = $1 AND NOT EXISTS (SELECT 1 FROM turns n WHERE n.standing = standings.id)`,
		`DELETE FROM sides WHERE person = $1`,
		`DELETE FROM scenes WHERE id IN (SELECT p.scene FROM participants p WHERE p.person = $1)
		 AND NOT EXISTS (SELECT 1 FROM participants o WHERE o.scene = scenes.id AND o.person <> $1)`,
		`UPDATE participants SET state = 'out', request = NULL, replied_at = NULL, terms = NULL WHERE person = $1`,
	} {
		if _, err := t.Exec(q, g.person); err != nil {
			return err
		}
	}
	if lost {
		if _, err := t.Exec(`DELETE FROM standings WHERE proposer = $1`, g.person); err != nil {
			return err
		}
	}
	_, err := t.Exec(`DELETE FROM deliveries WHERE recipient = $1 AND (kind <> 'stray' OR $2)`, g.person, lost)
	if err != nil {
		return err
	}
	pacts, err := t.ids(`SELECT id FROM pacts WHERE low = $1 OR high = $1`, g.person)
	if err != nil {
		return err
	}
	for _, pact := range pacts {
		if err := t.dropPact(pact); err != nil {
			return err
		}
	}
	return nil
}

// unname makes their row one that nobody finds and that says nothing. The DM is
// known for as long as there is something to be taken out of it.
func (t *tx) unname(g grave, lost bool) error {
	lookup := make([]byte, 16)
	rand.Read(lookup) // never fails
	texts := map[string][]byte{}
	for column, text := range map[string]string{"account": "", "name": "", "settings": "{}"} {
		sealed, err := sealBytes(g.key, "persons."+column, g.person, []byte(text))
		if err != nil {
			return err
		}
		texts[column] = sealed
	}
	var channel []byte
	if !lost {
		p, err := t.person(g.person)
		if err != nil {
			return err
		}
		if !p.channel.IsZero() {
			if channel, err = sealBytes(g.key, "persons.channel", g.person, []byte(p.channel.Reveal())); err != nil {
				return err
			}
		}
	}
	_, err := t.Exec(`
		UPDATE persons
		SET lookup = $2, key_id = $3, account = $4, name = $5, settings = $6, channel = $7, seen = NULL, chose = 0,
		    consent_version = 0, consent_at = 0, paused_at = NULL, paused_until = NULL, refused_at = NULL, woken_at = NULL
		WHERE id = $1
	`, g.person, lookup, g.keyID, texts["account"], texts["name"], texts["settings"], channel)
	return err
}

// buryLost buries those whose key was destroyed: a database from before was put in
// the place of the one in which they had gone.
func (s *Store) buryLost(ctx context.Context, gone [][]byte) error {
	if len(gone) == 0 {
		return nil
	}
	var b burial
	err := s.inTx(ctx, func(t *tx) error {
		b = burial{}
		var lost []int64
		for _, key := range gone {
			people, err := t.ids(`SELECT id FROM persons WHERE key_id = $1`, key)
			if err != nil {
				return err
			}
			lost = append(lost, people...)
		}
		for _, id := range lost { // what is to be told to any of them can't be looked into
			if _, err := t.Exec(`DELETE FROM deliveries WHERE recipient = $1`, id); err != nil {
				return err
			}
		}
		for _, id := range lost {
			if err := t.bury(&b, id, true); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.destroyKeys(ctx)
}
