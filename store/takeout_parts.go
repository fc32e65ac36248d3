package store

import (
	"database/sql"
	"fmt"
	"slices"
)

// The parts of a takeout. Each reads only rows that are the person's own, and what of
// a shared row everybody in it sees.

func takeSettings(s Settings) takenSettings {
	out := takenSettings{
		AskFirst: s.AskFirst, Zone: some(s.Zone), Touch: s.Touch, Much: string(s.Much), Share: some(string(s.Share)),
		Plain: s.Plain, Nudge: s.Nudge, Language: some(s.Language), History: s.History, Trend: s.Trend, After: s.After,
	}
	if s.Much == MuchFull {
		out.Much = "full"
	}
	if out.Tidy = string(s.Tidy); s.Tidy == TidyWeek {
		out.Tidy = "week"
	}
	if s.Quiet != nil {
		clock := func(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }
		out.Quiet = &takenHours{clock(s.Quiet.From), clock(s.Quiet.To)}
	}
	for _, m := range s.Marks {
		out.Marks = append(out.Marks, m.Hours())
	}
	return out
}

func (k taker) takeAccount(out *takeout) error {
	var account, seen []byte
	var at, paused, until sql.NullInt64
	a := takenAccount{Name: k.me.name.Reveal(), DM: some(k.me.channel.Reveal())}
	err := k.QueryRow(`
		SELECT account, seen, consent_version, consent_at, paused_at, paused_until FROM persons WHERE id = $1
	`, k.me.id).Scan(&account, &seen, &a.Agreed.Version, &at, &paused, &until)
	if err != nil {
		return err
	}
	id, err := k.open(k.me.id, "persons.account", k.me.id, account)
	if err != nil {
		return err
	}
	heard, err := k.open(k.me.id, "persons.seen", k.me.id, seen)
	a.ID, a.Heard = id.Reveal(), some(heard.Reveal())
	a.Agreed.At, a.Paused, a.Until = moment(at), moment(paused), moment(until)
	out.Account = a
	return err
}

func (k taker) takeInvites(out *takeout) error {
	out.Invites = []takenInvite{}
	rows, err := k.Query(`
		SELECT consent_version, consent_at, expires_at, once FROM invites WHERE inviter = $1 ORDER BY id
	`, k.me.id)
	return each(rows, err, func(r *sql.Rows) error {
		var i takenInvite
		var at, expires sql.NullInt64
		err := r.Scan(&i.Agreed.Version, &at, &expires, &i.Once)
		i.Agreed.At, i.Expires = moment(at), moment(expires)
		out.Invites = append(out.Invites, i)
		return err
	})
}

func (k taker) takePartners(out *takeout) error {
	out.Partners = []takenPartner{}
	for _, s := range k.sides {
		p := takenPartner{
			Name: s.name.Reveal(), Linked: moment(sql.NullInt64{Int64: s.since, Valid: true}), Once: s.once, Mode: s.terms.mode(),
			Stopped: slices.Contains(k.me.settings.Stopped, s.pact),
			Changed: moment(sql.NullInt64{Int64: s.terms.Changed, Valid: s.terms.Changed != 0}),
		}
		var at, asked, last sql.NullInt64
		err := k.QueryRow(`
			SELECT consent_version, consent_at, fit_asked_at, fit_scenes, fit_last_at FROM sides WHERE pact = $1 AND person = $2
		`, s.pact, k.me.id).Scan(&p.Agreed.Version, &at, &asked, &p.Fits.Scenes, &last)
		if err != nil {
			return err
		}
		p.Agreed.At, p.Fits.Asked, p.Fits.Last = moment(at), moment(asked), moment(last)
		out.Partners = append(out.Partners, p)
	}
	return nil
}

func (k taker) takeCard(out *takeout) error {
	c, err := k.card(k.me.id)
	if err != nil || c.Empty() {
		return err
	}
	var at sql.NullInt64
	if err := k.QueryRow(`SELECT changed_at FROM cards WHERE person = $1`, k.me.id).Scan(&at); err != nil {
		return err
	}
	out.Card = &takenCard{
		Helps: c.Helps.Reveal(), Worse: c.Worse.Reveal(), Reach: c.Reach.Reveal(),
		Comfort: c.Comfort.Reveal(), Avoid: c.Avoid.Reveal(), Changed: moment(at),
	}
	return nil
}

// takeGifts lists kind words as /care words does: the same whether they were given or not.
func (k taker) takeGifts(out *takeout) error {
	out.Gifts = []takenGift{}
	type gift struct {
		taken      takenGift
		id, reader int64
		made       int64
	}
	var all []gift
	rows, err := k.Query(`
		SELECT id, reader, created_at, forget_at FROM gifts WHERE writer = $1 AND forget_at > $2 ORDER BY id
	`, k.me.id, k.now)
	err = each(rows, err, func(r *sql.Rows) error {
		var g gift
		var until sql.NullInt64
		err := r.Scan(&g.id, &g.reader, &g.made, &until)
		g.taken.Left, g.taken.Until = moment(sql.NullInt64{Int64: g.made, Valid: true}), moment(until)
		all = append(all, g)
		return err
	})
	if err != nil {
		return err
	}
	for _, g := range all {
		var known bool
		if g.taken.To, known = k.name(g.reader); !known {
			continue
		}
		if g.made+keepInTakeout.Milliseconds() <= k.now {
			g.taken.Omitted = true
		} else if g.taken.Words, err = k.giftWords(g.id); err != nil {
			return err
		}
		out.Gifts = append(out.Gifts, g.taken)
	}
	return nil
}

// giftWords reads kind words where they wait, or where they were given.
func (k taker) giftWords(gift int64) (*string, error) {
	var sealed []byte
	var given sql.NullInt64
	if err := k.QueryRow(`SELECT text, answer FROM gifts WHERE id = $1`, gift).Scan(&sealed, &given); err != nil {
		return nil, err
	}
	text, err := k.open(k.me.id, "gifts.text", gift, sealed)
	if err != nil || !given.Valid {
		return some(text.Reveal()), err
	}
	a, err := k.loadAnswer(`id = $1`, given.Int64)
	if err != nil {
		return nil, err
	}
	v, err := k.answerView(a)
	if err != nil || len(v.Words) == 0 {
		return nil, err
	}
	return some(v.Words[0].Reveal()), nil
}

func (k taker) takeStandings(out *takeout) error {
	out.Standing = []takenStanding{}
	ends, err := k.ends(k.me.id)
	if err != nil {
		return err
	}
	for _, st := range ends {
		s := takenStanding{Cron: st.spec.Reveal(), Own: st.proposer == k.me.id, On: st.on}
		if st.partner != 0 {
			name, _ := k.name(st.other(k.me.id))
			s.With = some(name)
		}
		var made, next sql.NullInt64
		err := k.QueryRow(`
			SELECT s.created_at, t.next_at FROM standings s JOIN turns t ON t.standing = s.id AND t.person = $2 WHERE s.id = $1
		`, st.id, k.me.id).Scan(&made, &next)
		if err != nil {
			return err
		}
		next.Valid = next.Int64 != 0 // 0: it is about to be computed
		s.Made, s.Next = moment(made), moment(next)
		out.Standing = append(out.Standing, s)
	}
	return nil
}

func (k taker) takeHistory(out *takeout) error {
	out.History = []takenFeeling{}
	err := k.felt(k.me.id, func(f Felt, b feltBody) bool {
		out.History = append(out.History, takenFeeling{
			At: &f.At, Asked: &f.Asked, Feeling: f.Feeling, Mark: hours(b.Mark), Size: some(f.Size), Round: f.Round,
		})
		return true
	})
	slices.Reverse(out.History)
	return err
}

func (k taker) takeNotes(out *takeout) error {
	out.Notes = []takenTrendNotes{}
	rows, err := k.Query(`
		SELECT due_at, sent_at FROM deliveries WHERE recipient = $1 AND kind = 'trend' AND want <> 'delete' ORDER BY id
	`, k.me.id)
	return each(rows, err, func(r *sql.Rows) error {
		var due, sent sql.NullInt64
		err := r.Scan(&due, &sent)
		out.Notes = append(out.Notes, takenTrendNotes{moment(due), moment(sent)})
		return err
	})
}
