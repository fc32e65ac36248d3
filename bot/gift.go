package bot

import (
	"context"
	"strconv"
	"strings"

	"aftercare/bot/text"
	"aftercare/store"
)

// careWords opens the form for kind words to a partner. With none named it shows
// what was left, and asks for whom with several partners.
func (b *Bot) careWords(ctx context.Context, e *event) (reply, error) {
	if len(e.people) > 0 {
		g, err := b.store.GiftsFor(ctx, e.who.ID, e.people[0], 0)
		if err != nil {
			return reply{}, err
		}
		if g.Full {
			return tell(b.giftsSay(e, line(text.T(text.CareWordsFull)), g)), nil
		}
		return ask(giftForm(b.gifted(e, g))), nil
	}
	pacts, err := b.store.Pacts(ctx, e.who.ID)
	switch {
	case err != nil:
		return reply{}, err
	case len(pacts) == 0:
		return tell(line(text.T(text.PartnerListNone))), nil
	case len(pacts) > 1:
		return tell(line(text.T(text.CareWordsWhich)).with(menu(text.T(text.PickGift), partnerChoices(pacts), "care/for"))), nil
	}
	g, err := b.store.GiftsFor(ctx, e.who.ID, store.Private{}, pacts[0].ID)
	if err != nil {
		return reply{}, err
	}
	return tell(b.giftsSay(e, line(), g)), nil
}

func (b *Bot) careFor(ctx context.Context, e *event) (reply, error) {
	if len(e.values) == 0 {
		return reply{}, store.ErrGone
	}
	e.args = e.values
	g, err := b.store.GiftsFor(ctx, e.who.ID, store.Private{}, e.id(0))
	if err != nil {
		return reply{}, err
	}
	return show(b.giftsSay(e, line(), g)), nil
}

// gifted is what the buttons about somebody's kind words carry. Both ends of a pact
// have one number, so a ticket says whose button it is.
func (b *Bot) gifted(e *event, g store.Gifts) []string {
	return []string{number(g.Pact), b.store.Ticket(e.who.ID, g.Pact)}
}

func giftForm(args []string) form {
	return form{
		title: text.T(text.FormGift), route: "care/write", args: args,
		fields: []field{{label: text.T(text.FormGiftField), hint: text.T(text.FormGiftHint), max: mostWords, required: true}},
	}
}

// careWrite opens the form for the partner of a pact, and takes what was written.
func (b *Bot) careWrite(ctx context.Context, e *event) (reply, error) {
	if err := b.ticketed(e); err != nil {
		return reply{}, err
	}
	if !e.inForm {
		g, err := b.store.GiftsFor(ctx, e.who.ID, store.Private{}, e.id(0))
		if err != nil {
			return reply{}, err
		}
		if g.Full {
			return show(b.giftsSay(e, line(text.T(text.CareWordsFull)), g)), nil
		}
		return ask(giftForm(b.gifted(e, g))), nil
	}
	g, err := b.store.LeaveGift(ctx, e.who.ID, e.id(0), store.Secret(strings.TrimSpace(e.options[formField])), e.request)
	if err != nil {
		return reply{}, err
	}
	return show(b.giftsSay(e, line(text.T(text.CareWordsKept, "name", named(g.To))), g)), nil
}

// giftGoes is for kind words, which nobody is asked about once more.
func (b *Bot) giftGoes(_ context.Context, e *event) (bool, error) {
	err := b.ticketed(e)
	return err == nil, err
}

// careRemove removes what the button names, or what was picked. It says the same
// whatever had become of that.
func (b *Bot) careRemove(ctx context.Context, e *event) (reply, error) {
	if err := b.ticketed(e); err != nil {
		return reply{}, err
	}
	if len(e.values) > 0 {
		e.args = append(e.args[:2:2], e.values[0])
	}
	g, err := b.store.RemoveGift(ctx, e.who.ID, e.id(2), e.id(0))
	if err != nil {
		return reply{}, err
	}
	s := line(text.T(text.CareWordsRemoved))
	if g.Pact == 0 {
		return show(s), nil
	}
	return show(b.giftsSay(e, s, g)), nil
}

// giftsSay lists what was left for a partner, by when: what it says is not shown
// again. There is a way to remove each.
func (b *Bot) giftsSay(e *event, s say, g store.Gifts) say {
	return giftsSay(b.gifted(e, g), s, g)
}

// removeButtons is how many there are; more kind words than that are in a menu.
const removeButtons = 5

func giftsSay(args []string, s say, g store.Gifts) say {
	if len(g.Left) == 0 {
		s = s.add(text.T(text.CareWordsNone, "name", named(g.To)))
	} else {
		s = s.add(text.T(text.CareWords, "name", named(g.To)))
		var row []discordButton
		var choices []choice
		for i, w := range g.Left {
			n := strconv.Itoa(i + 1)
			remove := text.T(text.LabelRemove, "n", n)
			s = s.add(text.T(text.CareWordsLine, "n", n, "when", at(w.At)))
			row = append(row, button(remove, "care/remove", append(args[:2:2], number(w.ID))...))
			choices = append(choices, choice{remove, number(w.ID)})
		}
		if len(row) > removeButtons {
			s = s.with(menu(text.T(text.PickRemove), choices, "care/remove", args...))
		} else {
			s = s.with(row...)
		}
	}
	if g.Full {
		return s
	}
	return s.with(button(text.T(text.LabelGift), "care/write", args...))
}
