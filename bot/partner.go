package bot

import (
	"context"
	"errors"
	"strings"
	"time"

	"aftercare/bot/text"
	"aftercare/store"
)

// consentVersion is the version of the terms that people agree to. It rises with
// every change of their meaning, and is kept with each consent.
const consentVersion = 1

func (b *Bot) partnerRoutes() map[string]handler {
	return map[string]handler{
		"partner/invite":  b.partnerInvite,
		"partner/invited": b.partnerInvited, // Yes, to one's own invite
		"partner/accept":  b.partnerAccept,
		"partner/yes":     b.partnerYes,
		"partner/never":   b.partnerNever,
		"partner/list":    b.partnerList,
		"partner/mode":    b.partnerMode, // at once, or together
		"partner/come":    b.partnerCome, // what they set up may reach me again
		"partner/leave":   b.partnerLeave,
		"partner/left":    b.partnerLeft, // chosen from a menu
	}
}

// inviteOnce is the argument of the Yes to an invite for one scene.
const inviteOnce = "once"

// pactTerms are what both agree to before they are linked.
func (b *Bot) pactTerms(once bool) string {
	if once {
		return b.terms(text.TermsOnce)
	}
	return b.terms(text.Terms)
}

func (b *Bot) terms(key text.Key) string {
	return text.T(key, "marks", b.marks(), "operator", b.operator())
}

// partnerInvite shows what the inviter agrees to. Nothing is stored yet.
func (b *Bot) partnerInvite(_ context.Context, e *event) (reply, error) {
	once := e.options["once"] == "true"
	var args []string
	if once {
		args = append(args, inviteOnce)
	}
	return tell(line(b.pactTerms(once)).with(
		button(text.T(text.LabelAgree), "partner/invited", args...),
		button(text.T(text.LabelNotnow), "declined"))), nil
}

func (b *Bot) partnerInvited(ctx context.Context, e *event) (reply, error) {
	invite := b.store.Invite
	if e.arg(0) == inviteOnce {
		invite = b.store.InviteOnce
	}
	code, hello, err := invite(ctx, e.who, consentVersion)
	if err != nil {
		return reply{}, err
	}
	r := show(line(
		text.T(text.PartnerCode, "code", code),
		text.T(text.PartnerCodeHow),
		text.T(text.PartnerCodeLine, "code", code)))
	r.after = b.ifRefused(hello, r.say)
	return r, nil
}

// ifRefused waits for what becomes of somebody's first line, and adds to the
// reply how to open their DMs if Discord would not show it to them.
func (b *Bot) ifRefused(delivery int64, s say) func(context.Context) (say, bool) {
	if delivery == 0 {
		return nil
	}
	return b.unlessSent(delivery, b.outcomes.expect(delivery), s)
}

func (b *Bot) unlessSent(delivery int64, outcome <-chan error, s say) func(context.Context) (say, bool) {
	return func(ctx context.Context) (say, bool) {
		defer b.outcomes.forget(delivery)
		select {
		case err := <-outcome:
			return s.add("", text.T(text.DmsClosed)), errors.Is(err, store.ErrRefused)
		case <-ctx.Done():
			return say{}, false
		}
	}
}

// partnerAccept shows what a code stands for, unless there were too many wrong ones.
func (b *Bot) partnerAccept(ctx context.Context, e *event) (reply, error) {
	account := e.who.ID.Reveal()
	if b.guesses.spent(account) {
		return reply{}, errGuesses
	}
	inv, err := b.store.Invitation(ctx, e.who.ID, e.options["code"])
	if errors.Is(err, store.ErrCode) {
		b.guesses.spend(account)
	}
	if err != nil {
		return reply{}, err
	}
	ticket := b.store.Ticket(e.who.ID, inv.ID)
	return tell(line(text.T(text.PartnerFrom, "name", named(inv.From)), "", b.pactTerms(inv.Once)).with(
		button(text.T(text.LabelAgree), "partner/yes", number(inv.ID), ticket),
		button(text.T(text.LabelNotnow), "declined"),
		button(text.T(text.LabelDontask), "partner/never", number(inv.ID), ticket))), nil
}

// ticketed refuses a button that was not made for whoever presses it.
func (b *Bot) ticketed(e *event) error {
	if b.store.Ticket(e.who.ID, e.id(0)) != e.arg(1) {
		return store.ErrGone
	}
	return nil
}

func (b *Bot) partnerYes(ctx context.Context, e *event) (reply, error) {
	if err := b.ticketed(e); err != nil {
		return reply{}, err
	}
	linked, err := b.store.Accept(ctx, e.who, e.id(0), consentVersion)
	if err != nil {
		return reply{}, err
	}
	says := text.PartnerLinked
	if linked.Kept {
		says = text.PactKept
	}
	r := show(line(text.T(says, "name", named(linked.With))))
	r.after = b.ifRefused(linked.Line, r.say)
	return r, nil
}

func (b *Bot) partnerNever(ctx context.Context, e *event) (reply, error) {
	if err := b.ticketed(e); err != nil {
		return reply{}, err
	}
	if err := b.store.Refuse(ctx, e.who.ID, e.id(0)); err != nil && !errors.Is(err, store.ErrCode) {
		return reply{}, err
	}
	return show(line(text.T(text.PartnerRefused))), nil
}

// fit keeps a list within one menu.
func fit[T any](items []T) []T { return items[:min(len(items), 20)] }

// partnerLeave ends a pact at once; with several and none named it asks which.
func (b *Bot) partnerLeave(ctx context.Context, e *event) (reply, error) {
	if len(e.people) > 0 {
		pact, err := b.store.PactWith(ctx, e.who.ID, e.people[0])
		if errors.Is(err, store.ErrNotLinked) {
			return tell(line(text.T(text.PartnerLeaveNone))), nil
		} else if err != nil {
			return reply{}, err
		}
		s, err := b.leave(ctx, e, pact)
		return tell(s), err
	}
	pacts, err := b.store.Pacts(ctx, e.who.ID)
	switch {
	case err != nil:
		return reply{}, err
	case len(pacts) == 0:
		return tell(line(text.T(text.PartnerLeaveNone))), nil
	case len(pacts) > 1:
		return tell(line(text.T(text.PartnerLeaveWhich)).with(menu(text.T(text.PickLeave), partnerChoices(pacts), "partner/left"))), nil
	}
	s, err := b.leave(ctx, e, pacts[0].ID)
	return tell(s), err
}

func partnerChoices(pacts []store.Pact) (out []choice) {
	for _, p := range fit(pacts) {
		out = append(out, choice{label(nameOf(p.Partner), 80), number(p.ID)})
	}
	return out
}

func (b *Bot) partnerLeft(ctx context.Context, e *event) (reply, error) {
	if len(e.values) == 0 {
		return reply{}, store.ErrGone
	}
	e.args = e.values
	s, err := b.leave(ctx, e, e.id(0))
	return show(s), err
}

func (b *Bot) leave(ctx context.Context, e *event, pact int64) (say, error) {
	if err := b.store.Leave(ctx, e.who.ID, pact); err != nil {
		return say{}, err
	}
	return line(text.T(text.PartnerLeft)), nil
}

// named is a name in the middle of a sentence.
func named(p store.Private) string {
	if n := displayName(p.Reveal()); n != "" {
		return n
	}
	return text.T(text.NameUnknown)
}

// nameOf is a name on a button, where nothing is markup.
func nameOf(p store.Private) string {
	if strings.TrimSpace(p.Reveal()) == "" {
		return text.T(text.NameUnknown)
	}
	return p.Reveal()
}

func names(list []store.Private) (out []string) {
	for _, n := range list {
		out = append(out, named(n))
	}
	return out
}

func times(list []time.Time) (out []string) {
	for _, t := range list {
		out = append(out, in(t))
	}
	return out
}
