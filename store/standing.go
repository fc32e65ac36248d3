package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"
)

const (
	standingsEach   = 3                   // ends that one person may have
	proposalsADay   = 5                   // by one person, stopped ones included
	suggestionLasts = 14 * 24 * time.Hour // without a yes
)

// Proposal is a standing check-in that somebody builds: for them and one partner,
// as in Ended, or for themselves alone.
type Proposal struct {
	By       Who
	Partners []Private
	Pacts    []int64
	Alone    bool
	Spec     Private // a cron expression of five fields
	Request  string  // Discord's id of the interaction: the same one twice is proposed once
}

// Standing is one person's end of a standing check-in.
type Standing struct {
	ID    int64
	Spec  Private
	With  Private // name
	Alone bool
	Asked bool // with has not said yes
}

// Suggestion is a standing check-in as the partner who is asked sees it.
type Suggestion struct {
	Spec    Private
	From    Private // name
	Several bool    // they have other pacts too, so that it has to be said whose this is
	On      bool    // they said yes
	NoZone  bool    // their time zone is not known: it waits for that
	Paused  bool    // they have paused: it rests until that ends
}

type standingRow struct {
	id, proposer, partner int64
	on                    bool
	spec                  Private
}

func (st standingRow) other(person int64) int64 {
	if person == st.proposer {
		return st.partner
	}
	return st.proposer
}

func (t *tx) standing(id int64) (st standingRow, err error) {
	var sealed []byte
	err = t.QueryRow(`
		SELECT id, proposer, COALESCE(partner, 0), state = 'on', spec FROM standings WHERE id = $1
	`, id).Scan(&st.id, &st.proposer, &st.partner, &st.on, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return st, ErrGone
	} else if err != nil {
		return st, err
	}
	st.spec, err = t.open(st.proposer, "standings.spec", id, sealed)
	return st, err
}

// ends returns a person's ends of standing check-ins, oldest first.
func (t *tx) ends(person int64) (out []standingRow, err error) {
	ids, err := t.ids(`SELECT standing FROM turns WHERE person = $1 ORDER BY standing`, person)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		st, err := t.standing(id)
		if err != nil {
			return nil, err
		}
		out = append(out, st)
	}
	return out, nil
}

// standingFor is a standing check-in as one of its people sees it.
func (t *tx) standingFor(st standingRow, person int64) (v Standing, err error) {
	v = Standing{ID: st.id, Spec: st.spec, Alone: st.partner == 0, Asked: !st.on}
	if !v.Alone {
		v.With, err = t.nameFor(person, st.other(person))
	}
	return v, err
}

// Standings returns a person's own ends of standing check-ins, oldest first.
// Somebody who never agreed has none.
func (s *Store) Standings(ctx context.Context, account Private) (out []Standing, err error) {
	err = s.viewOf(ctx, account, func(t *tx, p person) error {
		ends, err := t.ends(p.id)
		if err != nil {
			return err
		}
		for _, st := range ends {
			v, err := t.standingFor(st, p.id)
			if err != nil {
				return err
			}
			out = append(out, v)
		}
		return nil
	})
	return out, err
}

// Propose builds a standing check-in. For oneself alone it stands at once; a
// partner is asked, and nothing runs before their yes. The same one twice is one.
// Errors as in EndScene; ErrOneScene in a pact that is for one scene; ErrZone while the proposer's own time zone is not known;
// ErrMany past 3 of one's own; ErrTooOften for the 6th proposal in a day.
func (s *Store) Propose(ctx context.Context, p Proposal) (v Standing, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		me, err := t.find(p.By.ID)
		if err != nil {
			return err
		}
		if me.paused {
			return ErrPaused
		}
		if _, ok := me.settings.Location(); !ok {
			return ErrZone
		}
		st, err := t.propose(me, p)
		if err != nil {
			return err
		}
		v, err = t.standingFor(st, me.id)
		return err
	})
	return v, err
}

func (t *tx) propose(me person, p Proposal) (st standingRow, err error) {
	request := t.s.lookup("request", p.Request)
	var done int64
	err = t.QueryRow(`SELECT id FROM standings WHERE request = $1`, request).Scan(&done)
	if err == nil {
		return t.standing(done)
	} else if !errors.Is(err, sql.ErrNoRows) {
		return st, err
	}
	with := Ended{Partners: p.Partners, Pacts: p.Pacts, Alone: p.Alone}
	chosen, err := t.chosen(me, with)
	if err != nil {
		return st, err
	}
	if slices.ContainsFunc(chosen, func(s side) bool { return s.once }) {
		return st, ErrOneScene // whether the partner is still there makes no difference
	}
	partners, err := t.partners(me, with)
	if err != nil {
		return st, err
	}
	st = standingRow{proposer: me.id, spec: p.Spec, on: len(partners) == 0}
	if len(partners) > 0 {
		st.partner = partners[0]
	}
	ends, err := t.ends(me.id)
	if err != nil {
		return st, err
	}
	same := func(o standingRow) bool { return o.other(me.id) == st.partner && o.spec == st.spec }
	if i := slices.IndexFunc(ends, same); i >= 0 {
		return ends[i], nil
	}
	if len(ends) >= standingsEach {
		return st, ErrMany
	}
	if err := t.seldomProposed(me.id); err != nil {
		return st, err
	}
	return t.putStanding(st, request)
}

func (t *tx) seldomProposed(person int64) error {
	var n int
	err := t.QueryRow(`
		SELECT COUNT(*) FROM standings WHERE proposer = $1 AND created_at > $2
	`, person, t.now-(24*time.Hour).Milliseconds()).Scan(&n)
	if err == nil && n >= proposalsADay {
		err = ErrTooOften
	}
	return err
}

// putStanding writes a standing check-in down with its proposer's end, and asks
// the partner, at a time when they are awake.
func (t *tx) putStanding(st standingRow, request []byte) (standingRow, error) {
	st.id = t.newID()
	sealed, err := t.seal(st.proposer, "standings.spec", st.id, st.spec)
	if err != nil {
		return st, err
	}
	state, next := "offered", sql.NullInt64{}
	if st.on {
		state, next.Valid = "on", true
	}
	_, err = t.Exec(`
		INSERT INTO standings (id, proposer, partner, state, spec, request, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
	`, st.id, st.proposer, sql.NullInt64{Int64: st.partner, Valid: st.partner != 0}, state, sealed, request, t.now)
	if err != nil {
		return st, err
	}
	if err := t.putEnd(st.id, st.proposer, next); err != nil || st.on {
		return st, err
	}
	due, err := t.awake(st.partner, t.now)
	if err != nil {
		return st, err
	}
	_, err = t.owe(owed{to: st.partner, kind: KindStanding, standing: st.id, due: due})
	return st, err
}

func (t *tx) putEnd(standing, person int64, next sql.NullInt64) error {
	_, err := t.Exec(`
		INSERT INTO turns (standing, person, next_at)
		VALUES ($1, $2, $3)
		ON CONFLICT (standing, person) DO UPDATE SET next_at = excluded.next_at
	`, standing, person, next)
	return err
}

// ownSuggestion loads the standing check-in behind a message that asks about one.
func (t *tx) ownSuggestion(account Private, delivery int64) (p person, st standingRow, err error) {
	if p, err = t.findOrGone(account); err != nil {
		return p, st, err
	}
	var id int64
	err = t.QueryRow(`
		SELECT standing FROM deliveries WHERE id = $1 AND recipient = $2 AND kind = 'standing' AND want <> 'delete'
	`, delivery, p.id).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return p, st, ErrGone
	} else if err != nil {
		return p, st, err
	}
	st, err = t.standing(id)
	return p, st, err
}

func (t *tx) suggestion(st standingRow, person person) (v Suggestion, err error) {
	v = Suggestion{Spec: st.spec}
	if v.From, err = t.nameFor(person.id, st.proposer); err != nil {
		return v, err
	}
	_, known := person.settings.Location()
	v.NoZone, v.Paused = !known, person.paused
	if v.On, err = t.hasEnd(st.id, person.id); err != nil {
		return v, err
	}
	err = t.QueryRow(`SELECT COUNT(*) > 1 FROM sides WHERE person = $1`, person.id).Scan(&v.Several)
	return v, err
}

func (t *tx) hasEnd(standing, person int64) (has bool, err error) {
	err = t.QueryRow(`SELECT EXISTS (SELECT 1 FROM turns WHERE standing = $1 AND person = $2)`, standing, person).Scan(&has)
	return has, err
}

// Suggestion returns what a partner suggests by a message, or ErrGone.
func (s *Store) Suggestion(ctx context.Context, account Private, delivery int64) (v Suggestion, err error) {
	err = s.inView(ctx, func(t *tx) error {
		p, st, err := t.ownSuggestion(account, delivery)
		if err != nil {
			return err
		}
		v, err = t.suggestion(st, p)
		return err
	})
	return v, err
}

// AgreeTo is a partner's yes to a suggestion: it runs from now on, for both. ErrGone
// if it was stopped, or the pact no longer holds; ErrMany as in Propose.
func (s *Store) AgreeTo(ctx context.Context, account Private, delivery int64) (v Suggestion, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		p, st, err := t.ownSuggestion(account, delivery)
		if err != nil {
			return err
		}
		if err := t.agreeTo(st, p.id); err != nil {
			return err
		}
		v, err = t.suggestion(st, p)
		return err
	})
	return v, err
}

func (t *tx) agreeTo(st standingRow, person int64) error {
	if has, err := t.hasEnd(st.id, person); err != nil || has {
		return err // said before
	}
	wanted, err := t.hasEnd(st.id, st.proposer)
	if err != nil {
		return err
	}
	linked, err := t.linked(person, st.proposer)
	if err != nil {
		return err
	}
	if st.on || !wanted || !linked {
		return ErrGone
	}
	ends, err := t.ends(person)
	if err != nil {
		return err
	}
	if len(ends) >= standingsEach {
		return ErrMany
	}
	if _, err := t.Exec(`UPDATE standings SET state = 'on' WHERE id = $1`, st.id); err != nil {
		return err
	}
	for _, p := range []int64{st.proposer, person} {
		if err := t.putEnd(st.id, p, sql.NullInt64{Valid: true}); err != nil {
			return err
		}
	}
	return nil
}

// Stop ends a standing check-in, for both of its people; 0 is all of one's own.
// The other is not told, and sees theirs as it was. ErrGone for what isn't theirs.
func (s *Store) Stop(ctx context.Context, account Private, standing int64) error {
	return s.inTx(ctx, func(t *tx) error {
		p, err := t.findOrGone(account)
		if err != nil {
			return err
		}
		ends, err := t.ends(p.id)
		if err != nil {
			return err
		}
		stopped := false
		for _, st := range ends {
			if standing != 0 && standing != st.id {
				continue
			}
			stopped = true
			if err := t.stop(st, p.id); err != nil {
				return err
			}
		}
		if !stopped {
			return ErrGone
		}
		return nil
	})
}

func (t *tx) stop(st standingRow, person int64) error {
	if _, err := t.Exec(`DELETE FROM turns WHERE standing = $1 AND person = $2`, st.id, person); err != nil {
		return err
	}
	if st.on {
		return nil
	}
	return t.retract(`standing`, st.id) // the partner is no longer asked
}

// stopWith ends all that stands between a person and a partner whom they leave,
// what the partner asked them among it.
func (t *tx) stopWith(person, partner int64) error {
	_, err := t.Exec(`
		UPDATE deliveries SET `+retracting+`
		WHERE recipient = $2 AND kind = 'standing' AND want <> 'delete'
		  AND standing IN (SELECT id FROM standings WHERE proposer = $3 AND partner = $2 AND state = 'offered')
	`, t.now, person, partner)
	if err != nil {
		return err
	}
	ends, err := t.ends(person)
	if err != nil {
		return err
	}
	for _, st := range ends {
		if st.other(person) != partner {
			continue
		}
		if err := t.stop(st, person); err != nil {
			return err
		}
	}
	return nil
}
