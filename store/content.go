package store

import (
	"context"
	"database/sql"
	"encoding/base32"
	"errors"
	"strconv"
	"strings"
)

// Content is a delivery as it is right now, ready to be put into words.
type Content struct {
	Delivery int64
	Kind     Kind
	Part     int
	Want     Want
	To       Private // Discord's id of the recipient
	Channel  Private // their DM; empty before it was first opened
	Message  Private // the message that stands there; empty before it was posted
	Silent   bool    // they have quiet hours now
	Paused   bool    // they have paused: what they had read closes if it changes (see CloseRelay)
	Nonce    string  // the same for every try at one message, 24 characters

	Note    Note
	Partner Private // KindLinked: with whom
	Notice  *Notice
	CheckIn *CheckIn // KindCheckIn and KindPanel
	Here    *Here
	Relay   *Relay
	Offer   *Offer
	Trend   *Trend

	Suggestion *Suggestion // KindStanding
	Fits       *Fits
	After      *After // KindAfter and KindMoment
}

// Content loads what a claimed delivery is to say at this moment. ErrGone means
// that there is nothing to send: it was taken back, or is no longer kept.
func (s *Store) Content(ctx context.Context, d Delivery) (c Content, err error) {
	err = s.inView(ctx, func(t *tx) error {
		c, err = t.content(d)
		return err
	})
	return c, err
}

type contentRow struct {
	pact, scene, checkin, answer, share int64
	standing                            int64
	note                                sql.NullString
}

func (t *tx) content(d Delivery) (c Content, err error) {
	var r contentRow
	var account, message []byte
	var round int64
	c = Content{Delivery: d.ID}
	err = t.QueryRow(`
		SELECT d.kind, d.part, d.want, d.round, d.message, p.account, d.note,
		       COALESCE(d.pact, 0), COALESCE(d.scene, 0), COALESCE(d.checkin, 0), COALESCE(d.answer, 0), COALESCE(d.share, 0), COALESCE(d.standing, 0)
		FROM deliveries d
		JOIN persons p ON p.id = d.recipient
		WHERE d.id = $1
	`, d.ID).Scan(&c.Kind, &c.Part, &c.Want, &round, &message, &account, &r.note, &r.pact, &r.scene, &r.checkin, &r.answer, &r.share, &r.standing)
	if errors.Is(err, sql.ErrNoRows) {
		return c, ErrGone
	} else if err != nil {
		return c, err
	}
	if c.Want == Edit && len(message) == 0 {
		c.Want = Post // it was answered before it was noted as sent
	}
	c.Nonce = t.nonce(d.ID, round)
	if c.To, err = t.open(d.Recipient, "persons.account", d.Recipient, account); err != nil {
		return c, err
	}
	if c.Message, err = t.open(d.Recipient, "deliveries.message", d.ID, message); err != nil {
		return c, err
	}
	p, err := t.person(d.Recipient)
	if err != nil {
		return c, err
	}
	c.Channel, c.Paused = p.channel, p.paused
	c.Silent = p.settings.Awake(t.time()).After(t.time())
	if c.Want == Delete {
		if c.Message.IsZero() && d.UnsureSince.IsZero() {
			return c, ErrGone
		}
		return c, nil
	}
	if p.paused && c.Want == Post {
		return c, ErrGone
	}
	return c, t.fill(&c, p, r)
}

// fill adds what the kind of a delivery speaks of.
func (t *tx) fill(c *Content, to person, r contentRow) error {
	c.Note = Note(r.note.String)
	switch c.Kind {
	case KindLinked:
		return t.fillLinked(c, to.id, r.pact)
	case KindNotice:
		n, err := t.notice(r.scene, to.id)
		c.Notice = &n
		return err
	case KindHere:
		c.Here = &Here{Instead: c.Part == partLight}
	case KindCheckIn, KindPanel:
		return t.fillCheckin(c, to)
	case KindAfter, KindMoment:
		return t.fillAfter(c)
	case KindOffer:
		a, err := t.loadAnswer(`id = $1`, r.answer)
		if err != nil {
			return err
		}
		if a.state == "gone" {
			return ErrGone
		}
		v, err := t.offer(a)
		c.Offer = &v
		return err
	case KindTrend:
		v, err := t.trend(to)
		c.Trend = &v
		return err
	case KindRelay:
		a, err := t.loadAnswer(`id = (SELECT answer FROM shares WHERE id = $1)`, r.share)
		if err != nil {
			return err
		}
		if a.state != "shared" {
			return ErrGone
		}
		v, err := t.relay(c.Delivery, r.share, a)
		v.Read = v.Read || c.Want == Post && to.settings.Plain
		c.Relay = &v
		return err
	case KindStanding:
		return t.fillSuggestion(c, to, r.standing)
	case KindFits:
		v, err := t.fits(r.pact, to.id)
		c.Fits = &v
		return err
	}
	return nil
}

func (t *tx) fillCheckin(c *Content, to person) error {
	row, err := t.checkinOf(c.Delivery)
	if err != nil {
		return err
	}
	switch row.state {
	case "cancelled", "lapsed", "folded":
		return ErrGone
	}
	v, err := t.view(row)
	c.CheckIn = &v
	if c.Want != Post || c.Kind != KindCheckIn {
		return err
	}
	if v.Step == StepLater {
		v.Step = StepPrompt // this is the message that they asked for
	}
	v.Plain = to.settings.Plain && v.Step == StepPrompt
	return err
}

func (t *tx) fillSuggestion(c *Content, to person, standing int64) error {
	st, err := t.standing(standing)
	if err != nil {
		return err
	}
	v, err := t.suggestion(st, to)
	c.Suggestion = &v
	return err
}

func (t *tx) fillLinked(c *Content, recipient, pact int64) error {
	var sealed []byte
	err := t.QueryRow(`SELECT partner_name FROM sides WHERE pact = $1 AND person = $2`, pact, recipient).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrGone
	} else if err != nil {
		return err
	}
	c.Partner, err = t.open(recipient, "sides.partner_name", pact, sealed)
	return err
}

// nonce names one message to one recipient for Discord, which shows a second one
// with the same nonce to nobody.
func (t *tx) nonce(delivery, round int64) string {
	sum := t.s.lookup("nonce", strconv.FormatInt(delivery, 10), strconv.FormatInt(round, 10))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum))[:24]
}
