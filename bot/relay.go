package bot

import (
	"context"
	"strings"

	"aftercare/bot/text"
	"aftercare/store"
)

func (b *Bot) relayRoutes() map[string]handler {
	return map[string]handler{
		"relay/read":    b.relayRead,
		"relay/later":   b.relayLater,
		"relay/word":    b.helpFirst(b.relayWord, b.backGoesOut),
		"relay/touch":   b.relayAct(b.store.Touch),
		"relay/rewrite": b.helpFirst(b.relayRewrite, b.backGoesOut),
		"relay/back":    b.relayAct(b.store.TakeBackBack),
		"offer/pass":    b.offerPass,
		"offer/forget":  b.offerForget,
	}
}

// relayRead opens what was left. Long words stand in several messages; those
// after the first follow as deliveries.
func (b *Bot) relayRead(ctx context.Context, e *event) (reply, error) {
	r, err := b.store.Read(ctx, e.who.ID, e.id(0))
	if err != nil {
		return reply{}, err
	}
	parts := relayParts(r)
	if len(parts) != r.Parts && !r.Answer.Forgotten {
		if err := b.store.SetParts(ctx, e.who.ID, e.id(0), len(parts)); err != nil {
			return reply{}, err
		}
	}
	return show(relaySays(e.id(0), 0, r)), nil
}

func (b *Bot) relayLater(ctx context.Context, e *event) (reply, error) {
	r, err := b.store.Relay(ctx, e.who.ID, e.id(0))
	if err != nil {
		return reply{}, err
	}
	if r.Read {
		return show(relaySays(e.id(0), 0, r)), nil
	}
	return show(line(text.T(text.RelayLater)).with(button(text.T(text.LabelRead), "relay/read", e.arg(0)))), nil
}

// relayAct is a button that does one thing and shows the same message again.
func (b *Bot) relayAct(do func(context.Context, store.Private, int64) (store.Relay, error)) handler {
	return func(ctx context.Context, e *event) (reply, error) {
		r, err := do(ctx, e.who.ID, e.id(0))
		if err != nil {
			return reply{}, err
		}
		return show(relayTail(e, r)), nil
	}
}

// relayTail is the message with the buttons: the last part.
func relayTail(e *event, r store.Relay) say {
	return relaySays(e.id(0), len(relayParts(r))-1, r)
}

func backForm(e *event, route string, value store.Private) reply {
	return ask(form{
		title: text.T(text.FormBack), route: route, args: e.args[:min(len(e.args), 1)],
		fields: []field{{label: text.T(text.FormBackField), value: value.Reveal(), max: mostWords, required: value.IsZero()}},
	})
}

func (b *Bot) relayWord(ctx context.Context, e *event) (reply, error) {
	if !e.inForm {
		if _, err := b.store.Relay(ctx, e.who.ID, e.id(0)); err != nil {
			return reply{}, err
		}
		return backForm(e, "relay/word", store.Private{}), nil
	}
	r, err := b.store.SendBack(ctx, e.who.ID, e.id(0), store.Secret(strings.TrimSpace(e.options[formField])), e.request)
	if err != nil {
		return reply{}, err
	}
	return show(relayTail(e, r)), nil
}

func (b *Bot) relayRewrite(ctx context.Context, e *event) (reply, error) {
	if !e.inForm {
		r, err := b.store.Relay(ctx, e.who.ID, e.id(0))
		if err != nil {
			return reply{}, err
		}
		return backForm(e, "relay/rewrite", r.Back), nil
	}
	r, err := b.store.ChangeBack(ctx, e.who.ID, e.id(0), store.Secret(strings.TrimSpace(e.options[formField])))
	if err != nil {
		return reply{}, err
	}
	return show(relayTail(e, r)), nil
}

// perMessage is how much of somebody's words one message holds. It leaves room
// for what stands around them.
const perMessage = 1600

// relayParts cuts what was left into what each message says. There is always one.
func relayParts(r store.Relay) []string {
	switch {
	case r.Touch:
		return []string{text.T(text.RelayTouch)}
	case r.About == store.TopicTalk:
		return []string{text.T(text.RelayTalk)}
	case r.Level == store.ShareGist:
		return withCard([]string{gist(r.Answer)}, r.Card)
	}
	var head []string
	if t, ok := topics[r.About]; ok {
		head = append(head, text.T(t.relay))
	}
	if tapped := inShort(r.Answer); tapped != "" {
		head = append(head, tapped)
	}
	out := parts(allWords(r.Answer), perMessage)
	if len(out) == 0 {
		out = []string{""}
		if len(head) == 0 {
			head = append(head, gist(r.Answer)) // it was words alone, and they are no longer kept
		}
	}
	out[0] = strings.TrimSpace(strings.Join(append(head, out[0]), "\n"))
	return withCard(out, r.Card)
}

// mostOfCard is how much of a card goes with what was left. It fits one message
// with a gist, and a card with all its fields filled in fits it.
const mostOfCard = perMessage - 100

// withCard puts a card below what was left, in a message of its own if need be.
func withCard(all []string, c store.Card) []string {
	says := cardSays(c, mostOfCard)
	if says == "" {
		return all
	}
	says = text.T(text.RelayCard) + "\n" + says
	last := len(all) - 1
	if both := strings.TrimSpace(all[last] + "\n" + says); codeUnits(both) <= perMessage {
		all[last] = both
		return all
	}
	return append(all, says)
}

// relaySays is one message of a relay: the neutral line before Read, and after it
// a part of the words. The buttons stand below the last part. delivery is the
// message it stands in.
func relaySays(delivery int64, part int, r store.Relay) say {
	id := number(delivery)
	if !r.Read {
		return line(text.T(text.RelayFirst)).with(
			button(text.T(text.LabelRead), "relay/read", id),
			button(text.T(text.LabelNotnow), "relay/later", id))
	}
	if r.Answer.Forgotten && r.Level == store.ShareWords {
		// We no longer have what they read. It stands there, and stays.
		return say{keep: true}.with(relayButtons(id, r)...)
	}
	all := relayParts(r)
	part = min(max(part, 0), len(all)-1)
	var s say
	if part == 0 {
		s = s.add(relayFrom(r))
	} else {
		s = s.add(text.T(text.RelayMore)) // posted as it is, so its first line is for anybody's eyes
	}
	s = s.add(all[part])
	if part < len(all)-1 {
		return s
	}
	if r.Level == store.ShareWords && r.Answer.Feeling.Hard() {
		s = s.add(text.T(text.RelayCue))
	}
	if r.About == store.TopicChange {
		s = s.add(text.T(text.RelayDifferentCue))
	}
	if r.Sent {
		s = s.add(text.T(text.RelaySent))
	}
	return s.with(relayButtons(id, r)...)
}

func relayFrom(r store.Relay) string {
	if r.From.IsZero() {
		return text.T(text.RelayFromSomeone)
	}
	return text.T(text.RelayFrom, "name", named(r.From))
}

func relayButtons(id string, r store.Relay) (row []discordButton) {
	word := text.LabelSendback
	if !r.Back.IsZero() {
		row = append(row, button(text.T(text.LabelChangeback), "relay/rewrite", id))
		word = text.LabelSendmore
	}
	row = append(row, button(text.T(word), "relay/word", id))
	if !r.Nudged {
		row = append(row, button(text.T(text.LabelTouch), "relay/touch", id))
	}
	if r.Sent {
		row = append(row, button(text.T(text.LabelTakeback), "relay/back", id))
	}
	return append(row, helpButton())
}

func (b *Bot) offerPass(ctx context.Context, e *event) (reply, error) {
	if len(e.values) > 0 {
		e.args = append(e.args[:min(len(e.args), 1)], e.values[0])
	}
	o, err := b.store.PassOn(ctx, e.who.ID, e.id(0), e.id(1))
	if err != nil {
		return reply{}, err
	}
	return show(b.offerShown(e.id(0), o)), nil
}

func (b *Bot) offerForget(ctx context.Context, e *event) (reply, error) {
	if err := b.store.ForgetOffer(ctx, e.who.ID, e.id(0)); err != nil {
		return reply{}, err
	}
	return show(line(text.T(text.OfferForgotten))), nil
}

// offerSays shows words that were typed with no check-in open, and asks whether
// to pass them on. Whoever was replied to comes first.
func offerSays(delivery int64, o store.Offer) say {
	id := number(delivery)
	if o.Done {
		var to []string
		for _, r := range o.Readers {
			if r.Level == store.ShareWords {
				to = append(to, named(r.Name))
			}
		}
		return line(text.T(text.OfferDone, "names", list(to))).
			with(button(text.T(text.LabelTakeback), "offer/forget", id))
	}
	s := echo(text.T(text.OfferMine), o.Answer).add(text.T(text.OfferAsk))
	forget := button(text.T(text.LabelForget), "offer/forget", id)
	var row []discordButton
	var all []choice
	for _, r := range fit(o.Readers) {
		if o.First != 0 && r.Pact != o.First {
			continue
		}
		says := text.T(text.LabelPassto, "name", label(nameOf(r.Name), 40))
		row = append(row, button(says, "offer/pass", id, number(r.Pact)))
		all = append(all, choice{says, number(r.Pact)})
	}
	if len(row) > 4 { // with Forget it, a row holds five
		return s.with(menu(text.T(text.PickPartner), all, "offer/pass", id)).with(forget)
	}
	return s.with(append(row, forget)...)
}
