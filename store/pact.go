package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const (
	inviteLasts = 24 * time.Hour
	openInvites = 5 // per person; the oldest gives way
)

// Pact is one person's end of a pact.
type Pact struct {
	ID      int64
	Partner Private // name, as it was last known to this person
	Since   time.Time
	Mode    Mode
	Changed time.Time // when either of them last changed the mode; zero: never
	Once    bool      // for one scene
	Had     bool      // and it has had it
	Stopped bool      // what the partner sets up does not reach this person, who wanted that
	Until   time.Time // when such a one dissolves by itself, as things are
}

// Invitation is what a code stands for.
type Invitation struct {
	ID   int64
	From Private // name
	Once bool    // for one scene
}

// The letters of a code: no I, L, O or U, so that it survives being read aloud.
var codeLetters = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// newCode returns 50 bits of chance as XXXXX-XXXXX.
func newCode() string {
	var b [7]byte
	rand.Read(b[:]) // never fails
	c := codeLetters.EncodeToString(b[:])
	return c[:5] + "-" + c[5:10]
}

// plainCode is a code as people may type it, made comparable.
func plainCode(code string) string {
	if i := strings.LastIndexByte(code, ':'); i >= 0 {
		code = code[i+1:] // "code:" copied along with it
	}
	return strings.Map(func(r rune) rune {
		switch r = unicode.ToUpper(r); {
		case r == 'O':
			return '0'
		case r == 'I' || r == 'L':
			return '1'
		case r >= '0' && r <= '9' || r >= 'A' && r <= 'Z':
			return r
		}
		return -1 // dashes of all lengths, spaces, quotes
	}, code)
}

// Invite makes a code for somebody who has just agreed, and owes them their
// first line. It returns the id of that delivery, or 0 if they had it before.
func (s *Store) Invite(ctx context.Context, who Who, consent int) (code string, hello int64, err error) {
	return s.newInvite(ctx, who, consent, false)
}

// InviteOnce is Invite for a pact that is for one scene.
func (s *Store) InviteOnce(ctx context.Context, who Who, consent int) (code string, hello int64, err error) {
	return s.newInvite(ctx, who, consent, true)
}

func (s *Store) newInvite(ctx context.Context, who Who, consent int, once bool) (code string, hello int64, err error) {
	code = newCode()
	err = s.inTx(ctx, func(t *tx) error {
		p, err := t.greet(who, consent)
		if err != nil {
			return err
		}
		_, err = t.Exec(`
			DELETE FROM invites
			WHERE inviter = $1 AND id NOT IN (
				SELECT id FROM invites WHERE inviter = $1 ORDER BY id DESC LIMIT $2
			)
		`, p.id, openInvites-1)
		if err != nil {
			return err
		}
		_, err = t.Exec(`
			INSERT INTO invites (id, code, inviter, consent_version, consent_at, expires_at, once)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
		`, t.newID(), s.lookup("code", plainCode(code)), p.id, consent, t.now, t.now+inviteLasts.Milliseconds(), once)
		if err != nil {
			return err
		}
		hello, err = t.unsent(p.id, KindHello)
		return err
	})
	return code, hello, err
}

// Invitation returns what a code stands for. Wrong, used, expired, one's own and
// refused for good are one error: ErrCode.
func (s *Store) Invitation(ctx context.Context, account Private, code string) (inv Invitation, err error) {
	err = s.inView(ctx, func(t *tx) error {
		row, err := t.invite(`code = $1`, s.lookup("code", plainCode(code)))
		if err != nil {
			return err
		}
		inv, err = t.invitation(row, account)
		return err
	})
	return inv, err
}

type invite struct {
	id, inviter, consentAt int64
	consent                int
	once                   bool
}

func (t *tx) invite(where string, arg any) (i invite, err error) {
	err = t.QueryRow(`
		SELECT id, inviter, consent_version, consent_at, once
		FROM invites
		WHERE expires_at > $2 AND `+where,
		arg, t.now).Scan(&i.id, &i.inviter, &i.consent, &i.consentAt, &i.once)
	if errors.Is(err, sql.ErrNoRows) {
		return i, ErrCode
	}
	return i, err
}

// invitation checks that an invite may be taken by account.
func (t *tx) invitation(i invite, account Private) (Invitation, error) {
	from, err := t.account(i.inviter)
	if err != nil {
		return Invitation{}, err
	}
	var refused bool
	err = t.QueryRow(`SELECT EXISTS (SELECT 1 FROM refusals WHERE pair = $1)`, t.refusal(account, from)).Scan(&refused)
	if err != nil {
		return Invitation{}, err
	}
	if refused || from == account {
		return Invitation{}, ErrCode
	}
	p, err := t.person(i.inviter)
	return Invitation{ID: i.id, From: p.name, Once: i.once}, err
}

func (t *tx) refusal(who, whom Private) []byte {
	return t.s.lookup("refusal", who.Reveal(), whom.Reveal())
}

func (t *tx) refuser(who Private) []byte { return t.s.lookup("refuser", who.Reveal()) }

// Accept makes the pact that an invitation offered, uses it up, and owes both a
// line. The consent of both is kept with the pact.
func (s *Store) Accept(ctx context.Context, who Who, invitation int64, consent int) (linked Linked, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		i, err := t.invite(`id = $1`, invitation)
		if err != nil {
			return err
		}
		if _, err := t.invitation(i, who.ID); err != nil {
			return err
		}
		me, _, err := t.agree(who, consent)
		if err != nil {
			return err
		}
		if _, err := t.Exec(`DELETE FROM invites WHERE id = $1`, i.id); err != nil {
			return err
		}
		linked, err = t.link(me, i, consent)
		return err
	})
	return linked, err
}

// Linked is a pact that was just made, as its accepter sees it.
type Linked struct {
	With Private // name
	Line int64   // the delivery owed to the accepter about it, whose refusal they are told
	Kept bool    // the code was for one scene, and they have a lasting pact, which stays as it is
}

// link joins the accepter and the inviter and owes each a line about it. A code
// for one scene changes nothing between two who have a lasting pact; where one of
// them had left it, it is what both agree to now. A lasting code makes a once-pact
// last, and a once code gives one that has had its scene another one.
func (t *tx) link(me person, i invite, consent int) (l Linked, err error) {
	other, err := t.person(i.inviter)
	if err != nil {
		return l, err
	}
	l.With = other.name
	if err := t.sameAgain(me.id, other.id); err != nil {
		return l, err
	}
	low, high := min(me.id, other.id), max(me.id, other.id)
	err = t.QueryRow(`
		SELECT $3 AND EXISTS (
			SELECT 1 FROM pacts p
			WHERE p.low = $1 AND p.high = $2 AND p.once = 0 AND (SELECT COUNT(*) FROM sides s WHERE s.pact = p.id) = 2
		)
	`, low, high, i.once).Scan(&l.Kept)
	if err != nil {
		return l, err
	}
	var pact int64
	err = t.QueryRow(`
		INSERT INTO pacts (id, low, high, made_at, once)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (low, high) DO UPDATE
		SET made_at = CASE WHEN $6 THEN made_at ELSE excluded.made_at END,
		    once    = CASE WHEN $6 THEN once ELSE excluded.once END
		RETURNING id
	`, t.newID(), low, high, t.now, i.once, l.Kept).Scan(&pact)
	if err != nil {
		return l, err
	}
	if err := t.bothSides(pact, me, other, consent, i); err != nil {
		return l, err
	}
	if err := t.letGo(`d.pact = $1 AND d.kind = 'linked'`, pact); err != nil {
		return l, err
	}
	if _, err := t.Exec(`DELETE FROM deliveries WHERE pact = $1 AND kind = 'linked'`, pact); err != nil {
		return l, err
	}
	if _, err := t.owe(owed{to: other.id, kind: KindLinked, pact: pact}); err != nil {
		return l, err
	}
	l.Line, err = t.owe(owed{to: me.id, kind: KindLinked, pact: pact})
	return l, err
}

// bothSides gives a pact its two sides. Who links anew finds the terms as whoever
// stayed has them.
func (t *tx) bothSides(pact int64, me, other person, consent int, i invite) error {
	if err := t.forgetUndone(me.id, other.id); err != nil {
		return err
	}
	had, err := t.ids(`SELECT person FROM sides WHERE pact = $1`, pact)
	if err != nil {
		return err
	}
	if err := t.side(pact, me, other, consent, t.now); err != nil {
		return err
	}
	if err := t.side(pact, other, me, i.consent, i.consentAt); err != nil {
		return err
	}
	if len(had) != 1 {
		return nil
	}
	return t.sameTerms(pact, had[0], me.id+other.id-had[0])
}

func (t *tx) side(pact int64, me, other person, consent int, at int64) error {
	name, err := t.seal(me.id, "sides.partner_name", pact, other.name)
	if err != nil {
		return err
	}
	account, err := t.account(other.id)
	if err != nil {
		return err
	}
	sealed, err := t.seal(me.id, "sides.partner_account", pact, account)
	if err != nil {
		return err
	}
	_, err = t.Exec(`
		INSERT INTO sides (pact, person, partner, partner_name, partner_account, consent_version, consent_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (pact, person) DO UPDATE
		SET partner_name = excluded.partner_name, partner_account = excluded.partner_account, consent_version = excluded.consent_version, consent_at = excluded.consent_at,
		    fit_asked_at = NULL, fit_scenes = 0, fit_last_at = NULL
	`, pact, me.id, other.id, name, sealed, consent, at)
	return err
}

// Refuse is "don't ask again": further codes of the same person are ErrCode.
func (s *Store) Refuse(ctx context.Context, account Private, invitation int64) error {
	return s.inTx(ctx, func(t *tx) error {
		i, err := t.invite(`id = $1`, invitation)
		if err != nil {
			return err
		}
		from, err := t.account(i.inviter)
		if err != nil {
			return err
		}
		_, err = t.Exec(`
			INSERT INTO refusals (pair, refuser, refused_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
		`, t.refusal(account, from), t.refuser(account), t.now)
		return err
	})
}

// side is one person's end of a pact, as a step of a transaction needs it.
type side struct {
	pact    int64
	partner int64
	name    Private // the partner's
	account Private // the partner's, whether they are still somebody or not
	since   int64
	once    bool // the pact is for one scene
	terms   terms
	holds   bool // the partner has a side too, and has not paused
}

// sides returns a person's ends of pacts, oldest first, those that a partner has
// left among them: only holds tells, and no person is told what it says.
func (t *tx) sides(person int64) (out []side, err error) {
	rows, err := t.Query(`
		SELECT s.pact, s.partner, s.partner_name, s.partner_account, p.made_at, p.once, s.terms,
		       EXISTS (SELECT 1 FROM sides o WHERE o.pact = s.pact AND o.person = s.partner)
		       AND EXISTS (SELECT 1 FROM persons r WHERE r.id = s.partner AND r.paused_at IS NULL)
		FROM sides s
		JOIN pacts p ON p.id = s.pact
		WHERE s.person = $1
		ORDER BY s.pact
	`, person)
	err = each(rows, err, func(r *sql.Rows) error {
		var s side
		var sealed, sealedAccount, sealedTerms []byte
		if err := r.Scan(&s.pact, &s.partner, &sealed, &sealedAccount, &s.since, &s.once, &sealedTerms, &s.holds); err != nil {
			return err
		}
		if err := t.openJSON(person, "sides.terms", s.pact, sealedTerms, &s.terms); err != nil {
			return err
		}
		if s.name, err = t.open(person, "sides.partner_name", s.pact, sealed); err != nil {
			return err
		}
		if s.account, err = t.open(person, "sides.partner_account", s.pact, sealedAccount); err != nil {
			return err
		}
		out = append(out, s)
		return nil
	})
	return out, err
}

// sideOf returns a person's own end of a pact. ErrGone: it isn't theirs.
func (t *tx) sideOf(person, pact int64) (side, error) {
	sides, err := t.sides(person)
	if err != nil {
		return side{}, err
	}
	i := slices.IndexFunc(sides, func(s side) bool { return s.pact == pact })
	if i < 0 {
		return side{}, ErrGone
	}
	return sides[i], nil
}

// PactWith returns the id of a person's own end of the pact with an account, or ErrNotLinked.
func (s *Store) PactWith(ctx context.Context, account, partner Private) (pact int64, err error) {
	err = s.inView(ctx, func(t *tx) error {
		me, err := t.find(account)
		if errors.Is(err, ErrNotAgreed) {
			return ErrNotLinked
		} else if err != nil {
			return err
		}
		sides, err := t.sides(me.id)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(sides, func(s side) bool { return s.account == partner })
		if i < 0 {
			return ErrNotLinked
		}
		pact = sides[i].pact
		return nil
	})
	return pact, err
}

// Ticket binds a row to an account: a button that carries one works for whoever
// it was made for, and is no use to anybody else. It is 13 characters.
func (s *Store) Ticket(account Private, row int64) string {
	sum := s.lookup("ticket", account.Reveal(), strconv.FormatInt(row, 10))
	return codeLetters.EncodeToString(sum[:8])
}

// FirstLine returns the id of the first line that a person has not been sent yet, or 0.
func (s *Store) FirstLine(ctx context.Context, account Private) (delivery int64, err error) {
	err = s.inView(ctx, func(t *tx) error {
		p, err := t.find(account)
		if err != nil {
			return err
		}
		delivery, err = t.unsent(p.id, KindHello)
		return err
	})
	return delivery, err
}
