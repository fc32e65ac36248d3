package bot

import (
	"context"
	"errors"
	"strings"

	"github.com/bwmarrin/discordgo"

	"aftercare/bot/text"
	"aftercare/store"
)

// sceneOften says that there were very many scenes, and offers to change the last
// one: who records many is likely to be putting one right.
func (b *Bot) sceneOften(ctx context.Context, e *event) (reply, error) {
	last, err := b.store.Recorded(ctx, e.who.ID, 0)
	if errors.Is(err, store.ErrGone) { // all of them are undone
		return reply{}, store.ErrScenes
	} else if err != nil {
		return reply{}, err
	}
	return tell(oftenSays(last)), nil
}

func oftenSays(last store.Scene) say {
	return line(text.T(text.SceneOftenChange)).with(
		button(text.T(text.LabelChange), "scene/change", number(last.ID)),
		button(text.T(text.LabelNotnow), "declined"))
}

// stoppable puts the buttons of a notice below it, and one more where a partner has
// set up several: that is when somebody looks for it.
func stoppable(delivery int64, n store.Notice, s say, row ...discordButton) say {
	if n.Several {
		row = append(row, button(text.T(text.LabelStopthese), "scene/notice", number(delivery), string(store.ChoiceStop)))
	}
	return s.with(row...)
}

// come is what the way back carries. Both ends of a pact have one number, so a
// ticket says whose button it is.
func (b *Bot) come(e *event, pact int64) []string {
	return []string{number(pact), b.store.Ticket(e.who.ID, pact)}
}

func (b *Bot) stoppedSay(e *event, n store.Notice) say {
	return stoppedSays(b.come(e, n.Pact), n.Stopped)
}

func stoppedSays(come []string, name store.Private) say {
	return line(text.T(text.NoticeStopped, "name", named(name))).with(
		button(text.T(text.LabelLetcome), "partner/come", come...), helpButton())
}

// partnerCome lets what a partner sets up reach somebody again.
func (b *Bot) partnerCome(ctx context.Context, e *event) (reply, error) {
	if len(e.values) > 0 {
		e.args = strings.Split(e.values[0], ".")
	}
	if err := b.ticketed(e); err != nil {
		return reply{}, err
	}
	name, err := b.store.LetCome(ctx, e.who.ID, e.id(0))
	if err != nil {
		return reply{}, err
	}
	return show(line(text.T(text.NoticeLetcome, "name", named(name)))), nil
}

// comeRow is the way back below the list of partners, where something is stopped.
func (b *Bot) comeRow(e *event, pacts []store.Pact) []discordgo.MessageComponent {
	var all []choice
	for _, p := range pacts {
		if !p.Stopped {
			continue
		}
		args := b.come(e, p.ID)
		if len(pacts) == 1 {
			return []discordgo.MessageComponent{button(text.T(text.LabelLetcome), "partner/come", args...)}
		}
		all = append(all, choice{text.T(text.LabelLetcomeFor, "name", label(nameOf(p.Partner), 40)), args[0] + "." + args[1]})
	}
	if len(all) == 0 {
		return nil
	}
	return []discordgo.MessageComponent{letCome(all)}
}

func letCome(all []choice) discordgo.MessageComponent {
	return menu(text.T(text.PickLetcome), fit(all), "partner/come")
}
