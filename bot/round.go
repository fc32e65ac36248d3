package bot

import (
	"context"
	"errors"
	"strconv"

	"aftercare/bot/text"
	"aftercare/store"
)

func (b *Bot) roundRoutes() map[string]handler {
	return map[string]handler{
		"checkin/now":    b.checkinNow,
		"checkin/with":   b.checkinWith,  // picked from a menu
		"checkin/alone":  b.checkinAlone, // Yes, for me alone
		"checkin/pause":  b.checkinPause,
		"checkin/resume": b.checkinResume,
		"fits/open":      b.fitsOpen,
		"fits/keep":      b.fitsKeep,
		"fits/change":    b.fitsChange,
	}
}

// checkinNow asks for a round. Somebody without a pact has it for themselves, and
// sees the terms first if they have not agreed to anything yet.
func (b *Bot) checkinNow(ctx context.Context, e *event) (reply, error) {
	asked := store.Ended{By: e.who, Partners: e.people, Request: e.request}
	r, err := b.store.AskRound(ctx, asked)
	if errors.Is(err, store.ErrAlone) {
		agreed, agreedErr := b.store.Agreed(ctx, e.who.ID)
		if agreedErr != nil {
			return reply{}, agreedErr
		}
		if !agreed {
			return tell(line(text.T(text.RoundAlone), "", b.terms(text.TermsAlone)).with(
				button(text.T(text.LabelAgree), "checkin/alone", strconv.Itoa(consentVersion), b.store.Ticket(e.who.ID, 0)),
				button(text.T(text.LabelNotnow), "declined"))), nil
		}
		asked.Alone = true
		r, err = b.store.AskRound(ctx, asked)
	}
	if errors.Is(err, store.ErrWhich) {
		pacts, err := b.store.Pacts(ctx, e.who.ID)
		if err != nil {
			return reply{}, err
		}
		return tell(line(text.T(text.RoundWhich)).with(
			menuOf(mostPartners, text.T(text.PickPartner), partnerChoices(pacts), "checkin/with"))), nil
	}
	s, err := roundSays(r, err)
	return tell(s), err
}

func (b *Bot) checkinWith(ctx context.Context, e *event) (reply, error) {
	if len(e.values) == 0 {
		return reply{}, store.ErrGone
	}
	s, err := roundSays(b.store.AskRound(ctx, store.Ended{By: e.who, Pacts: pactsOf(e.values), Request: e.request}))
	return show(s), err
}

func pactsOf(values []string) (pacts []int64) {
	for _, v := range values {
		pact, _ := strconv.ParseInt(v, 36, 64)
		pacts = append(pacts, pact)
	}
	return pacts
}

func (b *Bot) checkinAlone(ctx context.Context, e *event) (reply, error) {
	if e.arg(0) != strconv.Itoa(consentVersion) || e.arg(1) != b.store.Ticket(e.who.ID, 0) {
		return reply{}, store.ErrGone
	}
	asked := store.Ended{By: e.who, Alone: true, Consent: consentVersion, Request: e.request}
	s, err := roundSays(b.store.AskRound(ctx, asked))
	if err != nil {
		return reply{}, err
	}
	hello, err := b.store.FirstLine(ctx, e.who.ID)
	if err != nil {
		return reply{}, err
	}
	r := show(s)
	r.after = b.ifRefused(hello, s)
	return r, nil
}

// roundSays is the one quiet line after somebody asked for a round.
func roundSays(r store.Round, err error) (say, error) {
	var soon store.SoonError
	switch {
	case errors.As(err, &soon):
		return line(text.T(text.RoundSoon, "when", in(soon.At))), nil
	case err != nil:
		return say{}, err
	case r.At.IsZero():
		return line(text.T(text.RoundAlready)), nil
	case len(r.Partners) == 0:
		return line(text.T(text.RoundYes)), nil
	}
	return line(text.T(text.RoundNoted, "names", list(names(r.Partners))), text.T(text.RoundNow)), nil
}

// roundLine is a round that is still to come, in the list.
func roundLine(u store.Upcoming) string {
	if len(u.Partners) == 0 {
		return text.T(text.SceneListRoundAlone, "when", in(u.At))
	}
	return text.T(text.SceneListRound, "when", in(u.At), "names", list(names(u.Partners)))
}

// fitsSays asks whether a pact still fits. Whoever has several opens it first: no
// name stands in a message that was not opened.
func fitsSays(delivery int64, f store.Fits, opened bool) say {
	s := line(text.T(text.Fits))
	if f.Several {
		if !opened {
			return s.with(button(text.T(text.LabelOpen), "fits/open", number(delivery)), helpButton())
		}
		s = line(text.T(text.FitsWith, "name", named(f.Partner)))
	}
	return s.add(text.T(text.FitsAsk)).with(
		button(text.T(text.LabelFits), "fits/keep", number(delivery)),
		button(text.T(text.LabelChange), "fits/change", number(delivery)),
		helpButton())
}

func (b *Bot) fitsOpen(ctx context.Context, e *event) (reply, error) {
	f, err := b.store.Fits(ctx, e.who.ID, e.id(0))
	if err != nil {
		return reply{}, err
	}
	return show(fitsSays(e.id(0), f, true)), nil
}

// fitsKeep and fitsChange note nothing: the answer is nobody's but theirs.
func (b *Bot) fitsKeep(ctx context.Context, e *event) (reply, error) {
	if _, err := b.store.Fits(ctx, e.who.ID, e.id(0)); err != nil {
		return reply{}, err
	}
	return show(line(text.T(text.FitsKeep))), nil
}

func (b *Bot) fitsChange(ctx context.Context, e *event) (reply, error) {
	if _, err := b.store.Fits(ctx, e.who.ID, e.id(0)); err != nil {
		return reply{}, err
	}
	return show(line(text.T(text.FitsChange)).with(helpButton())), nil
}
