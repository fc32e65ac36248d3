package bot

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/bwmarrin/discordgo"

	"aftercare/bot/text"
	"aftercare/store"
)

type discordButton = discordgo.MessageComponent

func (b *Bot) checkinRoutes() map[string]handler {
	act := func(do func(ctx context.Context, e *event) (store.CheckIn, error)) handler {
		return func(ctx context.Context, e *event) (reply, error) {
			c, err := do(ctx, e)
			if err != nil {
				return reply{}, err
			}
			return show(b.checkinShown(e.id(0), c)), nil
		}
	}
	s := b.store
	return map[string]handler{
		"checkin/open": act(func(ctx context.Context, e *event) (store.CheckIn, error) { return s.Open(ctx, e.who.ID, e.id(0)) }),
		"checkin/skip": act(func(ctx context.Context, e *event) (store.CheckIn, error) { return s.Skip(ctx, e.who.ID, e.id(0)) }),
		"checkin/back": act(func(ctx context.Context, e *event) (store.CheckIn, error) {
			return s.TakeBack(ctx, e.who.ID, e.id(0))
		}),
		"checkin/feel": act(func(ctx context.Context, e *event) (store.CheckIn, error) {
			return s.Feel(ctx, e.who.ID, e.id(0), store.Feeling(e.arg(1)))
		}),
		"checkin/need": act(func(ctx context.Context, e *event) (store.CheckIn, error) {
			return s.Need(ctx, e.who.ID, e.id(0), store.Need(e.arg(1)))
		}),
		"checkin/share": act(func(ctx context.Context, e *event) (store.CheckIn, error) {
			return s.Share(ctx, e.who.ID, e.id(0), e.id(1), store.Level(e.arg(2)))
		}),
		"checkin/go": act(func(ctx context.Context, e *event) (store.CheckIn, error) {
			return s.Go(ctx, e.who.ID, e.id(0), store.Step(e.arg(1)))
		}),
		"checkin/later": b.checkinLater,
		"checkin/write": b.helpFirst(b.checkinWrite, b.answerIsOut),
	}
}

func (b *Bot) checkinLater(ctx context.Context, e *event) (reply, error) {
	c, err := b.store.Later(ctx, e.who.ID, e.id(0))
	if errors.Is(err, store.ErrTooOften) {
		return tell(line(text.T(text.CheckinLaterNone))), nil
	} else if err != nil {
		return reply{}, err
	}
	return show(b.checkinShown(e.id(0), c)), nil
}

const mostWords = 4000 // Discord's own limit, for a form as for a message

// checkinWrite opens the form for words, and takes what was filled in.
func (b *Bot) checkinWrite(ctx context.Context, e *event) (reply, error) {
	if e.inForm {
		c, err := b.store.Write(ctx, e.who.ID, e.id(0), store.Secret(strings.TrimSpace(e.options[formField])))
		if err != nil {
			return reply{}, err
		}
		return show(b.checkinShown(e.id(0), c)), nil
	}
	c, err := b.store.CheckIn(ctx, e.who.ID, e.id(0))
	if err != nil {
		return reply{}, err
	}
	labelled := text.FormWordsField
	if c.Answer.Form.IsZero() && len(c.Answer.Words) > 0 {
		labelled = text.FormWordsMore
	}
	return ask(form{
		title: text.T(text.FormWords), route: "checkin/write", args: e.args[:min(len(e.args), 1)],
		fields: []field{{label: text.T(labelled), value: c.Answer.Form.Reveal(), max: mostWords}},
	}), nil
}

// checkinSays is a check-in at the step where its person is. delivery is the
// message it stands in, through which they go on.
func checkinSays(delivery int64, c store.CheckIn) say {
	p := panel{number(delivery), c}
	if c.Panel {
		return line(text.T(text.CheckinBelow))
	}
	if c.Plain {
		return p.atOnce()
	}
	switch c.Step {
	case store.StepFeeling:
		return p.feeling()
	case store.StepNeed:
		return p.need()
	case store.StepWords:
		return p.words()
	case store.StepShare:
		return p.share()
	case store.StepDone:
		return p.done()
	case store.StepChange:
		return p.change()
	case store.StepLater:
		return line(text.T(text.CheckinLater, "when", in(c.LaterAt))).with(p.to(text.LabelOpen, "checkin/open"), p.help())
	case store.StepSkipped:
		return p.end(line(text.T(text.CheckinSkipped))).with(p.to(text.LabelOpen, "checkin/open"), p.help())
	}
	return p.prompt()
}

// panel puts the steps of one check-in into words.
type panel struct {
	id string
	c  store.CheckIn
}

func (p panel) to(key text.Key, route string, args ...string) discordButton {
	return button(text.T(key), route, append([]string{p.id}, args...)...)
}

// ways is the row of ways out that every step has.
func (p panel) ways() []discordButton {
	if p.c.Changing {
		return []discordButton{p.to(text.LabelBack, "checkin/skip"), p.help()}
	}
	var row []discordButton
	if p.c.LaterLeft > 0 {
		row = append(row, p.to(text.LabelLater, "checkin/later"))
	}
	return append(row, p.to(text.LabelSkip, "checkin/skip"), p.help())
}

func (p panel) help() discordButton { return helpAbout(p.id, p.c.Readers) }

// hereSays is a line that asks nothing, after a scene.
func hereSays(delivery int64, h store.Here) say {
	s := line(text.T(text.Here))
	if h.Instead {
		s = line(text.T(text.HereInstead), text.T(text.HereWords))
	}
	return s.with(button(text.T(text.LabelTalk), "talk/ask", number(delivery)), helpButton())
}

func (p panel) prompt() say {
	var s say
	if p.c.Late {
		s = s.add(text.T(text.CheckinLate))
	}
	if p.c.Again {
		s = s.add(text.T(text.CheckinAgain))
	}
	s = p.lastOne(s.add(text.T(text.CheckinPrompt)))
	return s.with(append([]discordButton{p.to(text.LabelOpen, "checkin/open")}, p.ways()...)...)
}

// atOnce is the prompt with its question, for those whose previews need not be neutral.
func (p panel) atOnce() say {
	s, q := line(), p.feeling()
	if p.c.Late {
		s = s.add(text.T(text.CheckinLate))
	}
	if p.c.Again {
		s = s.add(text.T(text.CheckinAgain))
	}
	q.words = append(p.lastOne(s).words, q.words...)
	return q
}

// lastOne adds that no other one comes, as far as that is so.
func (p panel) lastOne(s say) say {
	switch {
	case p.c.Standing:
		return s
	case p.c.Round:
		return s.add(text.T(text.CheckinJustone))
	case p.c.Last:
		return s.add(text.T(text.CheckinLastone))
	}
	return s
}

// with says whom a check-in is with, to whoever has several partners.
func (p panel) with() say {
	if !p.c.Several || len(p.c.Readers) == 0 {
		return say{}
	}
	return line(text.T(text.CheckinWith, "names", list(readerNames(p.c.Readers))))
}

func (p panel) feeling() say {
	s := p.with().add(text.T(text.CheckinFeeling))
	var row []discordButton
	for i, f := range store.Feelings {
		row = append(row, p.to(text.Key("feeling."+string(f)), "checkin/feel", string(f)))
		if i == 3 {
			s, row = s.with(row...), nil
		}
	}
	return s.with(row...).with(p.ways()...)
}

// mostOfHelps is how much of what one's own card says stands below the question.
const mostOfHelps = 1000

func (p panel) need() say {
	var s say
	switch {
	case p.c.Answer.Feeling != "low":
	case p.c.Round:
		s = s.add(text.T(text.CheckinNeedLowRound))
	default:
		s = s.add(text.T(text.CheckinNeedLow))
	}
	s = s.add(text.T(text.CheckinNeed))
	if card := quoteOf(p.c.Card.Helps.Reveal(), mostOfHelps); card != "" {
		if p.c.Answer.Feeling.Hard() {
			s = s.add(text.T(text.CheckinNeedCard), card)
		}
		s = s.with(p.to(text.NeedCard, "checkin/need", string(store.NeedCard)))
	}
	var row []discordButton
	for _, n := range store.Needs {
		row = append(row, p.to(text.Key("need."+string(n)), "checkin/need", string(n)))
	}
	return s.with(row...).with(p.ways()...)
}

func (p panel) words() say {
	return line(text.T(text.CheckinWords), text.T(text.CheckinWordsHow)).
		with(p.to(text.LabelWrite, "checkin/write"), p.to(text.LabelNowords, "checkin/skip", "words")).
		with(p.ways()...)
}

// share shows the answer and its gist, and asks who sees it. Nothing is nobody's
// to see.
func (p panel) share() say {
	ways := append([]discordButton{p.to(text.LabelWrite, "checkin/write")}, p.ways()...)
	if p.c.Answer.Empty() {
		return line(text.T(text.CheckinShareNone)).with(ways...)
	}
	s := p.mine().add(text.T(text.CheckinMineGist, "gist", gist(p.c.Answer)))
	s = s.add(p.cardGoes()...).add(text.T(text.CheckinShare))
	for _, r := range firstReaders(p.c.Readers) {
		s = s.with(p.levels(r)...)
	}
	return s.with(ways...)
}

// cardGoes says, where it does, that their care card goes along.
func (p panel) cardGoes() []string {
	if p.c.Answer.Need == store.NeedCard {
		return []string{text.T(text.CheckinShareCardEither)}
	} else if p.c.WithCard {
		return []string{text.T(text.CheckinShareCard)}
	}
	return nil
}

// shareLevels are what a reader can be given, as it is called where there is one
// reader, and where there are several.
var shareLevels = []struct {
	level     store.Level
	one, each text.Key
}{
	{store.ShareWords, text.LabelWords, text.LabelWordsFor},
	{store.ShareGist, text.LabelGist, text.LabelGistFor},
	{store.ShareKept, text.LabelKept, text.LabelKeptFor},
}

// levels is the row of one reader.
func (p panel) levels(r store.Reader) (row []discordButton) {
	for i := range shareLevels {
		row = append(row, levelButton(i, r, p.c.Several, "checkin/share", p.id, number(r.Pact)))
	}
	return row
}

// levelButton gives a reader one of the shareLevels. With several readers it says
// whose it is, and marks what was chosen.
func levelButton(i int, r store.Reader, several bool, route string, args ...string) discordButton {
	l := shareLevels[i]
	b := discordgo.Button{Label: text.T(l.one), Style: discordgo.SecondaryButton, CustomID: customID(route, append(args, string(l.level))...)}
	if several {
		b.Label = text.T(l.each, "name", label(nameOf(r.Name), 40))
	}
	if several && r.Level == l.level {
		b.Style = discordgo.PrimaryButton
	}
	return b
}

// mine echoes an answer to its writer.
func (p panel) mine() say { return echo(text.T(text.CheckinMine), p.c.Answer) }

// How much of one's own words an echo holds: a family of emoji is one character,
// and many code units.
const (
	echoed      = 600
	echoedUnits = 1300
)

func echo(head string, a store.Answer) say {
	var s say
	if a.Empty() {
		return s
	}
	s = s.add(head)
	if tapped := inShort(a); tapped != "" {
		s = s.add(tapped)
	}
	if words := allWords(a); words != "" {
		s = s.add("> " + within(shorten(words, echoed), echoedUnits))
	} else if a.Forgotten {
		s = s.add(text.T(text.CheckinMinePast)) // whether it was read or not, which this must not tell
	}
	if a.OnlyWords {
		s = s.add(text.T(text.CheckinOnlyWords))
	}
	return s
}

// inShort says what was tapped of an answer, in its writer's voice.
func inShort(a store.Answer) string {
	var all []string
	if a.Feeling != "" {
		all = append(all, text.T(text.Key("answer.feeling."+string(a.Feeling))))
	}
	if a.Need != "" {
		all = append(all, text.T(text.Key("answer.need."+string(a.Need))))
	}
	return strings.Join(all, " ")
}

func allWords(a store.Answer) string {
	var all []string
	for _, w := range a.Words {
		all = append(all, w.Reveal())
	}
	return strings.Join(all, "\n")
}

// end adds to the last message of the last check-in that it is the last.
func (p panel) end(s say) say {
	if p.c.Round {
		return s.add(text.T(text.CheckinEndRound))
	}
	if p.c.Last {
		return s.add(text.T(text.CheckinEnd))
	}
	return s
}

// shared says where an answer went, or will go. What waits in a pact set to
// together is told in one sentence for ever: another one later would tell
// something of the partner.
func (p panel) shared() (s say) {
	var to, later []string
	for _, r := range p.c.Readers {
		switch {
		case r.Level != store.ShareWords && r.Level != store.ShareGist:
		case r.Waits && p.c.Answer.Need.Travels():
			later = append(later, text.T(text.CheckinTogetherNeed, "name", named(r.Name)))
		case r.Waits:
			later = append(later, text.T(text.CheckinTogether, "name", named(r.Name)))
		default:
			to = append(to, named(r.Name))
		}
	}
	if len(to) > 0 {
		key := text.CheckinShared
		if p.c.AsSet {
			key = text.CheckinAsset
		}
		s = s.add(text.T(key, "names", list(to)))
	}
	return s.add(later...)
}

func (p panel) done() say {
	s := p.shared()
	switch {
	case p.c.Answer.Empty():
		s = line(text.T(text.CheckinSkipped))
	case len(s.words) == 0 || !p.c.Answer.Shared:
		s = line(text.T(text.CheckinKept))
		if p.c.AsSet && len(p.c.Readers) > 0 {
			s = line(text.T(text.CheckinAssetKept))
		}
	}
	if p.c.Answer.Shared && slices.ContainsFunc(p.c.Readers, p.withCard) {
		s = s.add(text.T(text.CheckinSharedCard))
	}
	row := []discordButton{p.to(text.LabelChange, "checkin/go", string(store.StepChange))}
	if p.c.Answer.Shared {
		row = append(row, p.to(text.LabelTakeback, "checkin/back"))
	}
	if p.mayTalk() {
		row = append(row, talkButton(p.id))
	}
	return p.end(s).with(append(row, p.help())...)
}

// mayTalk tells whether the end of a check-in offers to tell a partner that its
// person would like to talk: after something hard, unless they said that space
// helps, or shared that a call would.
func (p panel) mayTalk() bool {
	a := p.c.Answer
	return len(p.c.Readers) > 0 && a.Feeling.Hard() && a.Need != "space" && !(a.Shared && a.Need == "call")
}

// withCard tells whether somebody is given the writer's card with their answer.
func (p panel) withCard(r store.Reader) bool {
	return r.Level == store.ShareWords && p.c.WithCard || r.Level == store.ShareGist && p.c.Answer.Need == store.NeedCard
}

func (p panel) change() say {
	row := []discordButton{
		p.to(text.LabelFeeling, "checkin/go", string(store.StepFeeling)),
		p.to(text.LabelNeed, "checkin/go", string(store.StepNeed)),
		p.to(text.LabelWrite, "checkin/write"),
	}
	if len(p.c.Readers) > 0 {
		row = append(row, p.to(text.LabelSharing, "checkin/go", string(store.StepShare)))
	}
	return p.mine().add(text.T(text.CheckinChange)).
		with(row...).
		with(p.ways()...)
}

// gist is one line that tells neither the feeling nor the words.
func gist(a store.Answer) string {
	switch {
	case a.CardGone:
		return text.T(text.GistHere) // and not what they never said instead
	case a.Need != "" && a.Need != "nothing":
		return text.T(text.Key("gist." + string(a.Need)))
	case a.Feeling != "" && !a.Feeling.Hard():
		return text.T(text.GistWell)
	case a.Need == "nothing":
		return text.T(text.GistNothing)
	}
	return text.T(text.GistHere)
}
