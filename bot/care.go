package bot

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"aftercare/bot/text"
	"aftercare/store"
)

func (b *Bot) careRoutes() map[string]handler {
	return map[string]handler{
		"care/card":   b.careCard,
		"care/agreed": b.careAgreed, // Yes, to keeping a card
		"care/show":   b.careShow,
		"care/words":  b.careWords,
		"care/for":    b.careFor, // picked from a menu
		"care/write":  b.helpFirst(b.careWrite, b.giftGoes),
		"care/remove": b.careRemove,
	}
}

// mostOfField is how much one field of a card holds: five of them fit one message
// with room to spare.
const mostOfField = 250

// cardField is a part of a card, in the form and shown.
type cardField struct {
	id                 string
	label, hint, shown text.Key
	of                 func(*store.Card) *store.Private
}

// cardFields are in the order of the form.
var cardFields = []cardField{
	{"helps", text.FormCardHelps, text.FormCardHelpsHint, text.CareHelps, func(c *store.Card) *store.Private { return &c.Helps }},
	{"worse", text.FormCardWorse, text.FormCardWorseHint, text.CareWorse, func(c *store.Card) *store.Private { return &c.Worse }},
	{"reach", text.FormCardReach, text.FormCardReachHint, text.CareReach, func(c *store.Card) *store.Private { return &c.Reach }},
	{"comfort", text.FormCardComfort, text.FormCardComfortHint, text.CareComfort, func(c *store.Card) *store.Private { return &c.Comfort }},
	{"avoid", text.FormCardAvoid, text.FormCardAvoidHint, text.CareAvoid, func(c *store.Card) *store.Private { return &c.Avoid }},
}

// careCard opens the form with what is kept, and takes what was filled in. Whoever
// has not agreed to anything yet sees the terms before they write.
func (b *Bot) careCard(ctx context.Context, e *event) (reply, error) {
	if e.inForm {
		return b.careKeep(ctx, e)
	}
	agreed, err := b.store.Agreed(ctx, e.who.ID)
	if err != nil {
		return reply{}, err
	}
	if !agreed {
		return tell(line(text.T(text.TermsCard, "operator", b.operator())).with(
			button(text.T(text.LabelAgree), "care/agreed"),
			button(text.T(text.LabelNotnow), "declined"))), nil
	}
	c, err := b.store.Card(ctx, e.who.ID)
	if err != nil {
		return reply{}, err
	}
	return ask(cardForm(c)), nil
}

// careAgreed opens the form. The yes goes with it: nothing is kept before the card is.
func (b *Bot) careAgreed(ctx context.Context, e *event) (reply, error) {
	c, err := b.store.Card(ctx, e.who.ID)
	if err != nil {
		return reply{}, err
	}
	return ask(cardForm(c, strconv.Itoa(consentVersion))), nil
}

func cardForm(c store.Card, args ...string) form {
	f := form{title: text.T(text.FormCard), route: "care/card", args: args}
	for _, in := range cardFields {
		f.fields = append(f.fields, field{
			id: in.id, label: text.T(in.label), hint: text.T(in.hint), value: in.of(&c).Reveal(), max: mostOfField,
		})
	}
	return f
}

func (b *Bot) careKeep(ctx context.Context, e *event) (reply, error) {
	var c store.Card
	for _, in := range cardFields {
		*in.of(&c) = store.Secret(strings.TrimSpace(e.options[in.id]))
	}
	consent := 0
	if e.arg(0) == strconv.Itoa(consentVersion) {
		consent = consentVersion
	}
	if err := b.store.SaveCard(ctx, e.who, c, consent); err != nil {
		return reply{}, err
	}
	if c.Empty() {
		return show(line(text.T(text.CareCardCleared))), nil
	}
	return show(line(text.T(text.CareCardKept))), nil
}

// careShow shows one's own card, or a partner's. Whatever the reason that there is
// none of a partner's, the answer is the same.
func (b *Bot) careShow(ctx context.Context, e *event) (reply, error) {
	if len(e.people) > 0 && e.people[0] != e.who.ID {
		c, name, err := b.store.CardOf(ctx, e.who.ID, e.people[0])
		if errors.Is(err, store.ErrNothing) {
			return tell(line(text.T(text.CareShowNone))), nil
		} else if err != nil {
			return reply{}, err
		}
		return tell(line(text.T(text.CareShow, "name", named(name)), cardSays(c, mostListed-100))), nil
	}
	c, err := b.store.Card(ctx, e.who.ID)
	if err != nil {
		return reply{}, err
	}
	if c.Empty() {
		return tell(line(text.T(text.CareCardNone))), nil
	}
	return tell(line(text.T(text.CareShowMine), cardSays(c, mostListed-100))), nil
}

// cardSays shows a card as its person wrote it, what makes it worse first. Where it
// is longer than limit, its longest parts are cut.
func cardSays(c store.Card, limit int) string {
	order := []int{1, 0, 2, 3, 4}
	for most := limit; ; most -= most/8 + 1 {
		var out []string
		for _, i := range order {
			if words := quoteOf(cardFields[i].of(&c).Reveal(), most); words != "" {
				out = append(out, text.T(cardFields[i].shown), words)
			}
		}
		if all := strings.Join(out, "\n"); codeUnits(all) <= limit || most < 10 {
			return all
		}
	}
}

// quoteOf quotes as much of somebody's words as fits.
func quoteOf(words string, most int) string {
	all := cutText(plain(words), most-len(quoteMark)-1, len(quoteMark))
	switch len(all) {
	case 0:
		return ""
	case 1:
		return quoteLines(all[0])
	}
	return quoteLines(all[0] + ellipsis)
}
