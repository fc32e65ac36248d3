package bot

import (
	"context"

	"aftercare/bot/text"
	"aftercare/store"
)

// talkRoutes let a partner know that somebody would like to talk. "talk/ask" works
// from any message of one's own that is about a scene or a check-in, given its
// delivery.
func (b *Bot) talkRoutes() map[string]handler {
	act := func(tells bool) handler {
		return func(ctx context.Context, e *event) (reply, error) {
			t, err := b.store.TellTalk(ctx, e.who.ID, e.id(0), e.id(1), tells)
			if err != nil {
				return reply{}, err
			}
			return show(toldSays(e.arg(0), t)), nil
		}
	}
	return map[string]handler{
		"talk/ask":  b.talkAsk,
		"talk/tell": act(true),
		"talk/back": act(false),
	}
}

// talkAsk asks before anybody is told. Alone there is nobody to tell, and the
// lines are for them.
func (b *Bot) talkAsk(ctx context.Context, e *event) (reply, error) {
	t, err := b.store.Talk(ctx, e.who.ID, e.id(0))
	if err != nil {
		return reply{}, err
	}
	if len(t.Readers) == 0 {
		return tell(b.help()), nil
	}
	return tell(talkSays(e.arg(0), t)), nil
}

// talkSays asks whom to tell, and says who was. id is of the message that it is about.
func talkSays(id string, t store.Talk) say {
	var tells, backs []discordButton
	for _, r := range firstReaders(t.Readers) {
		name := label(nameOf(r.Name), 40)
		switch {
		case r.Level != store.ShareWords:
			tells = append(tells, button(text.T(text.LabelTellthem, "name", name), "talk/tell", id, number(r.Pact)))
		case len(t.Readers) == 1:
			backs = append(backs, button(text.T(text.LabelTakeback), "talk/back", id, number(r.Pact)))
		default:
			backs = append(backs, button(text.T(text.LabelUntell, "name", name), "talk/back", id, number(r.Pact)))
		}
	}
	if told := given(t.Readers); len(told) > 0 {
		return line(text.T(text.TalkTold, "names", list(told))).with(append(tells, backs...)...)
	}
	no := button(text.T(text.LabelDont), "talk/no")
	if len(t.Readers) == 1 {
		return line(text.T(text.TalkAsk, "name", named(t.Readers[0].Name))).with(append(tells, no)...)
	}
	return line(text.T(text.TalkWhom)).with(append(tells, no)...)
}

// toldSays says who was told. Where that was taken back it asks again, if there
// are several.
func toldSays(id string, t store.Talk) say {
	if len(given(t.Readers)) > 0 {
		return talkSays(id, t)
	}
	back := line(text.T(text.TalkBack))
	if len(t.Readers) < 2 {
		return back
	}
	s := talkSays(id, t)
	s.words = append(back.words, s.words...)
	return s
}

// helpAbout is More help on a message that is about a scene: below the lines it
// offers to tell a partner, where there is one.
func helpAbout(id string, readers []store.Reader) discordButton {
	if len(readers) == 0 {
		return helpButton()
	}
	return button(text.T(text.LabelHelp), "care/lines", id)
}

// talkButton asks whether to tell a partner.
func talkButton(id string) discordButton { return button(text.T(text.LabelTotalk), "talk/ask", id) }

// given are the names of those who were given something.
func given(readers []store.Reader) (names []string) {
	for _, r := range readers {
		if r.Level == store.ShareWords || r.Level == store.ShareGist {
			names = append(names, named(r.Name))
		}
	}
	return names
}

func readerNames(readers []store.Reader) (names []string) {
	for _, r := range readers {
		names = append(names, named(r.Name))
	}
	return names
}

// firstReaders are those for whom a message has rows: no check-in has more
// partners than four, and a message five rows.
func firstReaders(readers []store.Reader) []store.Reader {
	return readers[:min(len(readers), store.MostReaders)]
}
