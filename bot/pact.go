package bot

import (
	"context"
	"strings"

	"github.com/bwmarrin/discordgo"

	"aftercare/bot/text"
	"aftercare/store"
)

func (b *Bot) partnerList(ctx context.Context, e *event) (reply, error) {
	s, err := b.pactsSay(ctx, e)
	return tell(s), err
}

// partnerMode sets when what is shared in a pact goes: from a button, or from the
// menu of whoever has several. It says to what and not "the other", so that an old
// button does what it says.
func (b *Bot) partnerMode(ctx context.Context, e *event) (reply, error) {
	if len(e.values) > 0 {
		e.args = strings.Split(e.values[0], ".")
	}
	if err := b.store.SetMode(ctx, e.who.ID, e.id(0), store.Mode(e.arg(1))); err != nil {
		return reply{}, err
	}
	s, err := b.pactsSay(ctx, e)
	return show(s), err
}

// pactsSay is the list of somebody's pacts, with what can be changed about them.
func (b *Bot) pactsSay(ctx context.Context, e *event) (say, error) {
	pacts, err := b.store.Pacts(ctx, e.who.ID)
	if err != nil {
		return say{}, err
	}
	return b.pactList(pacts, b.comeRow(e, pacts)), nil
}

// pactList has the way back from what was stopped below it, where there is one.
func (b *Bot) pactList(pacts []store.Pact, come []discordgo.MessageComponent) say {
	if len(pacts) == 0 {
		return line(text.T(text.PartnerListNone))
	}
	var lines []string
	for _, p := range pacts {
		lines = append(lines, b.pactLine(p))
	}
	s := line(text.T(text.PartnerList)).addList(lines).add("", text.T(text.PactHow))
	if len(pacts) == 1 {
		p := pacts[0]
		return s.with(append([]discordgo.MessageComponent{button(text.T(otherMode(p, text.PactToTogether, text.PactToAtOnce)), "partner/mode", number(p.ID), string(other(p)))}, come...)...)
	}
	var all []choice
	for _, p := range fit(pacts) {
		says := text.T(otherMode(p, text.PactToTogetherFor, text.PactToAtOnceFor), "name", label(nameOf(p.Partner), 40))
		all = append(all, choice{says, number(p.ID) + "." + string(other(p))})
	}
	s = s.with(menu(text.T(text.PactWhich), all, "partner/mode"))
	if len(come) > 0 {
		s = s.with(come...)
	}
	return s
}

// other is the mode that a pact can be changed to.
func other(p store.Pact) store.Mode {
	if p.Mode == store.Together {
		return store.AtOnce
	}
	return store.Together
}

func otherMode(p store.Pact, together, atOnce text.Key) text.Key {
	if other(p) == store.Together {
		return together
	}
	return atOnce
}

// pactLine is one pact: with whom, its marks, and its mode since when.
func (b *Bot) pactLine(p store.Pact) string {
	words := []string{text.T(text.PartnerListLine, "name", named(p.Partner), "since", on(p.Since), "marks", b.marks())}
	switch {
	case p.Once && p.Had:
		words = append(words, text.T(text.PactOnceHad, "until", on(p.Until)))
	case p.Once:
		words = append(words, text.T(text.PactOnce, "until", on(p.Until)))
	}
	switch {
	case p.Changed.IsZero():
		words = append(words, text.T(text.PactAtOnce))
	case p.Mode == store.Together:
		words = append(words, text.T(text.PactTogetherSince, "date", on(p.Changed)))
	default:
		words = append(words, text.T(text.PactAtOnceSince, "date", on(p.Changed)))
	}
	if p.Stopped {
		words = append(words, text.T(text.PactStopped))
	}
	return strings.Join(words, " ")
}
