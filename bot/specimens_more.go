package bot

import (
	"time"

	"github.com/bwmarrin/discordgo"

	"aftercare/bot/text"
	"aftercare/store"
)

// Rhythms for specimens, and a pact with Sam alone.
var (
	sundays = rhythm{days: 1 << time.Sunday, minute: 19 * 60}
	ofMonth = rhythm{date: 1, minute: 8 * 60}
	withSam = pacts[:1]
)

// headed is a message with a sentence above it.
func headed(key text.Key, s say) say {
	s.words = append(made(key).words, s.words...)
	return s
}

// listSpecimens are the pacts of somebody, in each way that they can stand.
func (b *Bot) listSpecimens(now time.Time) []specimen {
	since, changed := now.AddDate(0, -2, 0), now.AddDate(0, -1, 0)
	pact := func(name string, change func(*store.Pact)) store.Pact {
		p := store.Pact{ID: 1, Partner: store.Secret(name), Since: since, Mode: store.AtOnce}
		change(&p)
		return p
	}
	together := pact("Sam", func(p *store.Pact) { p.Mode, p.Changed = store.Together, changed })
	atOnce := pact("Sam", func(p *store.Pact) { p.Changed = changed })
	once := pact("Kit", func(p *store.Pact) { p.Once, p.Until = true, now.AddDate(0, 0, 30) })
	had := pact("Robin", func(p *store.Pact) { p.Once, p.Had, p.Until = true, true, now.AddDate(0, 0, 3) })
	stopped := pact("Sam", func(p *store.Pact) { p.Stopped = true })
	return []specimen{
		{"/partner list", b.pactList([]store.Pact{pact("Sam", func(*store.Pact) {})}, nil)},
		{"/partner list, with a link that opens together", b.pactList([]store.Pact{together}, nil)},
		{"/partner list, with several, two of them for one scene", b.pactList([]store.Pact{atOnce, once, had}, nil)},
		{"/partner list, after Stop these", b.pactList([]store.Pact{stopped}, []discordgo.MessageComponent{sampleButton(text.LabelLetcome)})},
		{"/partner list, after Stop these, with several", b.pactList([]store.Pact{stopped, once}, []discordgo.MessageComponent{letCome([]choice{{text.T(text.LabelLetcomeFor, "name", "Sam"), "1.x"}})})},
		{"/partner list, with nobody", b.pactList(nil, nil)},
	}
}

// roundSpecimens are about a check-in that somebody asks for.
func (b *Bot) roundSpecimens(now time.Time) []specimen {
	at := func(step store.Step, change func(*store.CheckIn)) say {
		c := store.CheckIn{Step: step, Round: true, LaterLeft: 2, Readers: someone}
		change(&c)
		return b.checkinShown(1, c)
	}
	noted := func(r store.Round, err error) say {
		s, _ := roundSays(r, err)
		return s
	}
	return []specimen{
		{"/checkin now", noted(store.Round{At: now, Partners: []store.Private{store.Secret("Sam")}}, nil)},
		{"for oneself alone", noted(store.Round{At: now}, nil)},
		{"one came within the hour", noted(store.Round{}, nil)},
		{"one came a little longer ago", noted(store.Round{}, store.SoonError{At: now.Add(2 * time.Hour)})},
		{"with several partners and none named", made(text.RoundWhich).with(menuOf(mostPartners, text.T(text.PickPartner), partnerChoices(pacts), "x"))},
		{"with nobody linked, for the first time", made(text.RoundAlone).add("", made(text.TermsAlone).content()).with(sampleButton(text.LabelAgree), sampleButton(text.LabelNotnow))},
		{"to a partner who is asked first, and says yes", made(text.RoundYes)},
		{"it comes", at(store.StepPrompt, func(*store.CheckIn) {})},
		{"Low", at(store.StepNeed, func(c *store.CheckIn) { c.Answer = tired })},
		{"Skip", at(store.StepSkipped, func(*store.CheckIn) {})},
	}
}

// standingSpecimens are about check-ins that come every so often.
func standingSpecimens() []specimen {
	panel := func(r rhythm, who string) say { return building{r: r, who: who, ticket: "x", pacts: withSam}.says() }
	sam, days := store.Secret("Sam"), rhythm{days: weekdays, minute: -1}
	suggested := store.Suggestion{Spec: store.Secret(sundays.spec()), From: sam}
	on, noZone, paused := suggested, suggested, suggested
	on.On, noZone.On, noZone.NoZone, paused.On, paused.Paused = true, true, true, true, true
	spec := func(r rhythm) store.Private { return store.Secret(r.spec()) }
	return []specimen{
		{"/checkin every, the first time", headed(text.EveryNone, panel(rhythm{minute: -1}, "1"))},
		{"days were chosen", panel(days, "1")},
		{"a time too", panel(sundays, "1")},
		{"For me alone", panel(ofMonth, alone)},
		{"In words", ask(everyForm(nil))},
		{"Set it up, with a partner", proposedSays(store.Standing{With: sam, Asked: true}, sundays, false)},
		{"Set it up, for oneself, in one's quiet hours", proposedSays(store.Standing{Alone: true}, ofMonth, true)},
		{"Set it up, of what is there already", proposedSays(store.Standing{With: sam}, sundays, false)},
		{"/checkin every, with one", standingList([]store.Standing{{ID: 1, Spec: spec(sundays), With: sam}}, "x")},
		{"/checkin every, with several", standingList([]store.Standing{
			{ID: 1, Spec: spec(sundays), With: sam}, {ID: 2, Spec: spec(ofMonth), Alone: true}, {ID: 3, Spec: spec(sundays), With: store.Secret("Kit"), Asked: true},
		}, "x")},
		{"Stop it", made(text.EveryStopped)},
		{"to the partner, in the DM", suggestionSays(1, suggested)},
		{"Yes, by somebody with several partners", suggestedWith(1, suggested)},
		{"Yes", suggestionSays(1, on)},
		{"Yes, with no time zone", suggestionSays(1, noZone)},
		{"Yes, by somebody who has paused", suggestionSays(1, paused)},
		{"Not for me", made(text.StandingNo)},
	}
}

func fitsSpecimens() []specimen {
	f := store.Fits{Partner: store.Secret("Sam")}
	several := f
	several.Several = true
	return []specimen{
		{"it comes", fitsSays(1, f, false)},
		{"it comes, to somebody with several partners", fitsSays(1, several, false)},
		{"Open, to somebody with several partners", fitsSays(1, several, true)},
		{"Keep", made(text.FitsKeep)},
		{"Change", made(text.FitsChange).with(helpButton())},
	}
}

// historySpecimens are about one's own history.
func historySpecimens(now time.Time) []specimen {
	o, off := own{"0", "x"}, store.History{Zone: time.UTC, From: now.AddDate(0, 0, -28), To: now}
	on := off
	on.On = true
	none, some := on, on
	none.More = true
	for i, f := range []store.Feeling{"good", "low", "glowing", "flat"} {
		mark := time.Duration(1+i%2) * 24 * time.Hour
		some.Felt = append(some.Felt, store.Felt{ID: int64(i + 1), At: now.AddDate(0, 0, -20+9*(i/2)).Add(mark), Mark: mark, Feeling: f})
	}
	long := some
	long.From, long.Zoned, long.Notes, long.Felt = now.AddDate(-1, 0, 0), true, true, nil
	for i := range 180 {
		long.Felt = append(long.Felt, store.Felt{ID: int64(i + 1), At: long.From.AddDate(0, 0, 2*i), Round: true, Feeling: store.Feelings[(i+i/5)%len(store.Feelings)]})
	}
	shown := func(h store.History, span int) say {
		s, err := o.shown(h, historySpans[span])
		if err != nil {
			panic("bot: " + err.Error())
		}
		return s
	}
	return []specimen{
		{"/care history, for the first time", made(text.TermsKeep).with(sampleButton(text.LabelAgree), sampleButton(text.LabelNotnow))},
		{"/care history, while it is off", shown(off, 0)},
		{"Not now", made(text.HistoryDeclined)},
		{"Keep my history", made(text.HistoryBegun)},
		{"/care history, with nothing yet", shown(on, 0)},
		{"/care history, with nothing in these weeks", shown(none, 0)},
		{"/care history", shown(some, 0)},
		{"the last year, of somebody with a lot in it", shown(long, 2)},
		{"Remove one", o.removing(some, 0, "weeks")},
		{"one was removed", headed(text.HistoryRemoved, shown(some, 0))},
		{"Stop keeping it", o.stopping("weeks")},
		{"Stop and delete it", made(text.HistoryStopped)},
		{"Tell me if lows repeat", o.noted(true)},
		{"Stop notes on lows", o.noted(false)},
		{"a note comes", o.trendPrompt(text.TrendFirst)},
		{"Not now, to a note", o.trendPrompt(text.TrendLater)},
		{"Read, of a note", trendSays(store.Trend{Low: 4, All: 5})},
		{"Read, once it is no longer so", made(text.TrendOver).with(helpButton())},
	}
}

// eraseSpecimens are about everything that is kept, and about the DM.
func eraseSpecimens() []specimen {
	return []specimen{
		{"/privacy erase", eraseSays(1)},
		{"Erase everything", made(text.EraseDone)},
		{"Not now", made(text.EraseKept)},
		{"/privacy erase, from somebody of whom nothing is kept", made(text.EraseNothing)},
		{"/care clear", clearSays(store.Cleared{Gone: 3})},
		{"something waits there", clearSays(store.Cleared{Gone: 3, Stays: 1})},
		{"nothing else stands there", clearSays(store.Cleared{Stays: 1})},
		{"nothing stands there", clearSays(store.Cleared{})},
	}
}
