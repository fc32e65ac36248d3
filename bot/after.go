package bot

import (
	"context"
	"errors"
	"strings"

	"aftercare/bot/text"
	"aftercare/store"
)

// afterRoutes are the buttons of what comes after the last mark.
func (b *Bot) afterRoutes() map[string]handler {
	act := func(do func(ctx context.Context, e *event) (store.After, error)) handler {
		return func(ctx context.Context, e *event) (reply, error) {
			a, err := do(ctx, e)
			if errors.Is(err, store.ErrTooOften) && !e.inForm {
				return tell(line(text.T(text.CheckinLaterNone))), nil
			} else if err != nil {
				return reply{}, err
			}
			return show(b.afterShown(e.id(0), a)), nil
		}
	}
	s := b.store
	topic := func(e *event) store.Topic { return store.Topic(e.arg(1)) }
	return map[string]handler{
		"after/open": act(func(ctx context.Context, e *event) (store.After, error) {
			return s.OpenAfter(ctx, e.who.ID, e.id(0), topic(e))
		}),
		"after/later": act(func(ctx context.Context, e *event) (store.After, error) { return s.LaterAfter(ctx, e.who.ID, e.id(0)) }),
		"after/skip":  act(func(ctx context.Context, e *event) (store.After, error) { return s.SkipAfter(ctx, e.who.ID, e.id(0)) }),
		"after/share": act(func(ctx context.Context, e *event) (store.After, error) {
			return s.SharePart(ctx, e.who.ID, e.id(0), topic(e), e.id(2), store.Level(e.arg(3)))
		}),
		"after/keep": act(func(ctx context.Context, e *event) (store.After, error) {
			return s.KeepPart(ctx, e.who.ID, e.id(0), topic(e), false)
		}),
		"after/back": act(func(ctx context.Context, e *event) (store.After, error) {
			return s.KeepPart(ctx, e.who.ID, e.id(0), topic(e), true)
		}),
		"after/part":  b.afterPart,
		"after/write": b.helpFirst(b.afterWrite, b.partIsOut),
	}
}

// topics are what the parts are called, and how they are asked for and read.
var topics = map[store.Topic]struct{ label, field, relay text.Key }{
	store.TopicKeep:   {text.LabelKeep, text.FormKeepField, text.RelayKeep},
	store.TopicChange: {text.LabelDifferent, text.FormDifferentField, text.RelayDifferent},
	store.TopicMoment: {text.LabelMoment, text.FormMomentField, text.RelayMoment},
}

// afterPart opens the form for a part, or what was written already.
func (b *Bot) afterPart(ctx context.Context, e *event) (reply, error) {
	a, err := b.store.After(ctx, e.who.ID, e.id(0))
	if err != nil {
		return reply{}, err
	}
	topic := store.Topic(e.arg(1))
	if _, written := a.Part(topic); !written {
		return b.afterWrite(ctx, e)
	}
	if a, err = b.store.OpenAfter(ctx, e.who.ID, e.id(0), topic); err != nil {
		return reply{}, err
	}
	return show(b.afterShown(e.id(0), a)), nil
}

// afterWrite opens the form for a part, and takes what was filled in.
func (b *Bot) afterWrite(ctx context.Context, e *event) (reply, error) {
	topic := store.Topic(e.arg(1))
	t, known := topics[topic]
	if !known {
		return reply{}, store.ErrGone
	}
	if e.inForm {
		a, err := b.store.WritePart(ctx, e.who.ID, e.id(0), topic, store.Secret(strings.TrimSpace(e.options[formField])))
		if err != nil {
			return reply{}, err
		}
		return show(b.afterShown(e.id(0), a)), nil
	}
	a, err := b.store.After(ctx, e.who.ID, e.id(0))
	if err != nil {
		return reply{}, err
	}
	part, _ := a.Part(topic)
	labelled := t.field
	if part.Answer.Form.IsZero() && len(part.Answer.Words) > 0 {
		labelled = text.FormWordsMore
	}
	return ask(form{
		title: text.T(t.label), route: "after/write", args: []string{e.arg(0), e.arg(1)},
		fields: []field{{label: text.T(labelled), value: part.Answer.Form.Reveal(), max: mostWords}},
	}), nil
}

// partIsOut tells whether new words on a topic go out at once: a partner has them.
func (b *Bot) partIsOut(ctx context.Context, e *event) (bool, error) {
	a, err := b.store.After(ctx, e.who.ID, e.id(0))
	part, _ := a.Part(store.Topic(e.arg(1)))
	return part.Answer.Shared, err
}

// afterShown is afterSays, with the help page before words that hold one of the
// phrases go out.
func (b *Bot) afterShown(delivery int64, a store.After) say {
	s := afterSays(delivery, a)
	part, _ := a.Part(a.Topic)
	words := allWords(part.Answer)
	if a.Step != store.StepShare || part.Settled || !helpDue(part.Answer) {
		return s
	}
	if len(part.Readers) != 1 {
		return b.withHelp(s, say{}, words, text.PhraseChoose)
	}
	p := afterPanel{number(delivery), a}
	topic := string(part.Topic)
	s.rows = nil
	return b.withHelp(s.with(
		p.to(text.LabelSend, "after/share", topic, number(part.Readers[0].Pact), string(store.ShareWords)),
		p.to(text.LabelChange, "after/write", topic),
		p.to(text.LabelKeepback, "after/keep", topic)).with(p.ways(text.LabelAsklater)...), p.with(), words, text.PhraseYours)
}

// afterSays is what comes after the last mark, at the step where its person is.
func afterSays(delivery int64, a store.After) say {
	p := afterPanel{number(delivery), a}
	switch a.Step {
	case store.StepFeeling:
		return p.question()
	case store.StepShare:
		part, _ := a.Part(a.Topic)
		if part.Settled {
			return p.settled(part)
		}
		return p.share(part)
	case store.StepLater:
		return line(text.T(text.CheckinLater, "when", in(a.LaterAt))).with(p.to(text.LabelOpen, "after/open"), p.help())
	case store.StepSkipped:
		return p.end(line(text.T(text.CheckinSkipped))).with(p.to(text.LabelOpen, "after/open"), p.help())
	}
	return p.prompt()
}

// afterPanel puts the steps into words.
type afterPanel struct {
	id string
	a  store.After
}

func (p afterPanel) to(key text.Key, route string, args ...string) discordButton {
	return button(text.T(key), route, append([]string{p.id}, args...)...)
}

func (p afterPanel) help() discordButton { return helpAbout(p.id, p.a.Readers) }

// ways are the ways out; later says how the first of them is called.
func (p afterPanel) ways(later text.Key) (row []discordButton) {
	if p.a.LaterLeft > 0 {
		row = append(row, p.to(later, "after/later"))
	}
	return append(row, p.to(text.LabelSkip, "after/skip"), p.help())
}

func (p afterPanel) prompt() say {
	s := line(text.T(text.AfterPrompt))
	if p.a.Moment {
		s = line(text.T(text.AfterMomentPrompt))
	}
	if p.a.Last {
		s = s.add(text.T(text.CheckinLastone))
	}
	return s.with(append([]discordButton{p.to(text.LabelOpen, "after/open")}, p.ways(text.LabelLater)...)...)
}

// with says whom it was with, to whoever has several partners.
func (p afterPanel) with() say {
	if !p.a.Several || len(p.a.Readers) == 0 {
		return say{}
	}
	return line(text.T(text.CheckinWith, "names", list(readerNames(p.a.Readers))))
}

func (p afterPanel) question() say {
	s := p.with()
	if p.a.Moment {
		return s.add(text.T(text.AfterMoment), text.T(text.AfterMomentHow), text.T(text.CheckinWordsHow)).
			with(append([]discordButton{p.to(text.LabelTell, "after/part", string(store.TopicMoment))}, p.ways(text.LabelAsklater)...)...)
	}
	return s.add(text.T(text.AfterQuestion), text.T(text.AfterQuestionHow)).
		with(append([]discordButton{
			p.to(text.LabelKeep, "after/part", string(store.TopicKeep)),
			p.to(text.LabelDifferent, "after/part", string(store.TopicChange)),
		}, p.ways(text.LabelAsklater)...)...)
}

// share shows a part and asks who sees it.
func (p afterPanel) share(part store.Part) say {
	s := echo(text.T(text.AfterMine, "topic", text.T(topics[part.Topic].label)), part.Answer).add(text.T(text.CheckinShare))
	for _, r := range firstReaders(part.Readers) {
		s = s.with(p.levels(part, r)...)
	}
	return s.with(p.to(text.LabelChange, "after/write", string(part.Topic)), p.to(text.LabelSkip, "after/keep", string(part.Topic)), p.help())
}

// levels is the row of one reader: all of it, or nothing.
func (p afterPanel) levels(part store.Part, r store.Reader) (row []discordButton) {
	for i, l := range shareLevels {
		if l.level != store.ShareGist {
			row = append(row, levelButton(i, r, p.a.Several, "after/share", p.id, string(part.Topic), number(r.Pact)))
		}
	}
	return row
}

// settled says what became of a part.
func (p afterPanel) settled(part store.Part) say {
	topic := text.T(topics[part.Topic].label)
	s := line(text.T(text.AfterKept, "topic", topic))
	if to := given(part.Readers); len(to) > 0 {
		s = line(text.T(text.AfterShared, "topic", topic, "names", list(to)))
	}
	s = p.end(s)
	row := []discordButton{p.to(text.LabelChange, "after/write", string(part.Topic))}
	switch {
	case len(part.Readers) > 1:
		for _, r := range firstReaders(part.Readers) {
			s = s.with(p.levels(part, r)...)
		}
	case part.Answer.Shared:
		row = append(row, p.to(text.LabelTakeback, "after/back", string(part.Topic)))
	default:
		for _, r := range part.Readers {
			row = append(row, p.to(text.LabelWords, "after/share", string(part.Topic), number(r.Pact), string(store.ShareWords)))
		}
	}
	for _, other := range []store.Topic{store.TopicKeep, store.TopicChange} {
		if !p.a.Moment && other != part.Topic {
			row = append(row, p.to(topics[other].label, "after/part", string(other)))
		}
	}
	return s.with(append(row, p.help())...)
}

func (p afterPanel) end(s say) say {
	if p.a.Last {
		return s.add(text.T(text.CheckinEnd))
	}
	return s
}
