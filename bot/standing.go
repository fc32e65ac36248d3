package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"aftercare/bot/text"
	"aftercare/store"
)

func (b *Bot) standingRoutes() map[string]handler {
	return map[string]handler{
		"checkin/every": b.checkinEvery,
		"every/new":     b.everyNew,
		"every/days":    b.everyPick((*building).takeDays),
		"every/date":    b.everyPick((*building).takeDate),
		"every/hour":    b.everyPick((*building).takeHour),
		"every/who":     b.everyPick(func(p *building, values []string) { p.choose(values[0]) }),
		"every/words":   b.everyWords,
		"every/set":     b.everySet,
		"every/stop":    b.everyStop,
		"standing/yes":  b.standingYes,
		"standing/no":   b.standingNo,
	}
}

// mostStanding is how many standing check-ins a person may have.
const mostStanding = 3

// checkinEvery builds a standing check-in from words. Without any it shows what
// stands, and the panel to build one.
func (b *Bot) checkinEvery(ctx context.Context, e *event) (reply, error) {
	words := e.options["when"]
	if strings.TrimSpace(words) != "" {
		r, err := parseEvery(words)
		if err != nil {
			return reply{}, err
		}
		s, err := b.proposed(ctx, e, r, store.Proposal{Partners: e.people})
		return tell(s), err
	}
	standings, err := b.store.Standings(ctx, e.who.ID)
	if err != nil {
		return reply{}, err
	}
	if len(e.people) == 0 && len(standings) > 0 {
		return tell(standingList(standings, b.store.Ticket(e.who.ID, 0))), nil
	}
	s, err := b.panelFor(ctx, e, len(standings) == 0)
	return tell(s), err
}

// standingList is what stands, with a way to stop each of it.
func standingList(standings []store.Standing, ticket string) say {
	var lines []string
	var row []discordButton
	for i, st := range standings {
		head := ""
		if len(standings) > 1 {
			head = strconv.Itoa(i+1) + ". "
			row = append(row, button(text.T(text.LabelStopOne, "n", strconv.Itoa(i+1)), "every/stop", number(st.ID)))
		}
		lines = append(lines, head+standingLine(st))
	}
	if len(standings) == 1 {
		row = append(row, button(text.T(text.LabelStop), "every/stop", number(standings[0].ID)))
	} else {
		row = append(row, button(text.T(text.LabelStopAll), "every/stop", "all", ticket))
	}
	if len(standings) < mostStanding {
		row = append(row, button(text.T(text.LabelAddone), "every/new", ticket))
	}
	return line(text.T(text.EveryList)).addList(lines).with(row...)
}

func standingLine(st store.Standing) string {
	rhythm := readSpec(st.Spec.Reveal()).says()
	switch {
	case st.Alone:
		return text.T(text.EveryLineAlone, "rhythm", rhythm)
	case st.Asked:
		return text.T(text.EveryLineAsked, "rhythm", rhythm, "name", named(st.With))
	}
	return text.T(text.EveryLine, "rhythm", rhythm, "name", named(st.With))
}

// building is what was chosen so far in the panel. It goes along in the custom
// ids: a rhythm and a row number, and nothing else.
type building struct {
	r      rhythm
	who    string // a pact, alone, or nothing yet
	ticket string // whose panel it is
	pacts  []store.Pact
}

const alone = "0"

func (p building) args() []string {
	return []string{number(int64(p.r.days)), number(int64(p.r.date)), number(int64(p.r.minute)), p.who, p.ticket}
}

func (b *Bot) newBuilding(ctx context.Context, e *event) (p building, err error) {
	p = building{r: rhythm{minute: -1}, ticket: b.store.Ticket(e.who.ID, 0)}
	p.pacts, err = b.store.Pacts(ctx, e.who.ID)
	return p, err
}

// readBuilding reads what args wrote. Whatever somebody made up is a rhythm, or
// nothing chosen.
func (b *Bot) readBuilding(ctx context.Context, e *event) (p building, err error) {
	if p, err = b.newBuilding(ctx, e); err != nil {
		return p, err
	}
	if e.arg(4) != p.ticket {
		return p, store.ErrGone
	}
	p.r = rhythm{days: days(e.id(0)) & everyDay, date: int(e.id(1)), minute: int(e.id(2))}
	if p.r.date < 0 || p.r.date > lastSafeDate {
		p.r.date = 0
	}
	if p.r.date != 0 {
		p.r.days = 0
	}
	if e.arg(2) == "" || p.r.minute < 0 || p.r.minute >= 24*60 {
		p.r.minute = -1
	}
	p.choose(e.arg(3))
	return p, nil
}

// choose takes whom it is with; without a choice that is the only one there is.
func (p *building) choose(who string) {
	known := slices.ContainsFunc(p.pacts, func(pact store.Pact) bool { return number(pact.ID) == who })
	switch {
	case known || who == alone:
		p.who = who
	case len(p.pacts) == 0:
		p.who = alone
	case len(p.pacts) == 1:
		p.who = number(p.pacts[0].ID)
	default:
		p.who = ""
	}
}

// panelFor is the empty panel; a partner who was named is chosen in it.
func (b *Bot) panelFor(ctx context.Context, e *event, first bool) (say, error) {
	settings, err := b.store.Settings(ctx, e.who.ID)
	if err != nil {
		return say{}, err
	}
	if _, known := settings.Location(); !known {
		return say{}, store.ErrZone
	}
	p, err := b.newBuilding(ctx, e)
	if err != nil {
		return say{}, err
	}
	who := ""
	if len(e.people) > 0 {
		pact, err := b.store.PactWith(ctx, e.who.ID, e.people[0])
		if err != nil {
			return say{}, err
		}
		who = number(pact)
	}
	p.choose(who)
	s := p.says()
	if first {
		s.words = append([]string{text.T(text.EveryNone)}, s.words...)
	}
	return s, nil
}

func (b *Bot) everyNew(ctx context.Context, e *event) (reply, error) {
	if e.arg(0) != b.store.Ticket(e.who.ID, 0) {
		return reply{}, store.ErrGone
	}
	s, err := b.panelFor(ctx, e, false)
	return show(s), err
}

func (p building) says() say {
	var s say
	switch ready := p.r.whole(); {
	case ready && p.who == alone:
		s = line(text.T(text.EveryAskReadyAlone, "rhythm", p.r.says()))
	case ready:
		s = line(text.T(text.EveryAskReady, "rhythm", p.r.says()))
	default:
		s = line(text.T(text.EveryAsk))
		if so := p.r.says(); so != "" {
			s = s.add(text.T(text.EveryAskSoFar, "rhythm", so))
		}
	}
	s = s.with(p.menu("every/days", text.EveryPickDays, dayChoices())).
		with(p.menu("every/date", text.EveryPickDate, dateChoices())).
		with(p.menu("every/hour", text.EveryPickHour, hourChoices()))
	if len(p.pacts) > 0 {
		s = s.with(p.menu("every/who", text.EveryPickWho, p.whoChoices()))
	}
	var row []discordButton
	if p.r.whole() && p.who != "" {
		row = append(row, button(text.T(text.LabelSetup), "every/set", p.args()...))
	}
	return s.with(append(row,
		button(text.T(text.LabelInwords), "every/words", p.args()...),
		button(text.T(text.LabelNotnow), "declined"))...)
}

// menu shows in its place what was chosen from it.
func (p building) menu(route string, key text.Key, options []choice) discordButton {
	placeholder, most := text.T(key), 1
	switch {
	case route == "every/days":
		if most = 7; p.r.days != 0 {
			placeholder = p.r.saysDays()
		}
	case route == "every/date" && p.r.date != 0:
		placeholder = p.r.saysDays()
	case route == "every/hour" && p.r.minute >= 0:
		placeholder = p.r.saysTime()
	case route == "every/who":
		for _, o := range options {
			if o.value == p.who {
				placeholder = o.label
			}
		}
	}
	return menuOf(most, label(placeholder, 80), options, route, p.args()...)
}

func (p building) whoChoices() []choice {
	return append(partnerChoices(p.pacts), choice{text.T(text.LabelMeonly), alone})
}

func dayChoices() []choice {
	out := []choice{
		{text.T(text.DayAll), number(int64(everyDay))},
		{text.T(text.DayWeek), number(int64(weekdays))},
		{text.T(text.DayWeekend), number(int64(weekend))},
	}
	for _, d := range fromMonday {
		out = append(out, choice{dayName(d), number(1 << d)})
	}
	return out
}

// mostChoices is how many lines Discord's menus have.
const mostChoices = 25

func dateChoices() (out []choice) {
	for d := 1; d <= mostChoices; d++ {
		out = append(out, choice{ordinal(d), number(int64(d))})
	}
	return out
}

func hourChoices() (out []choice) {
	for h := range 24 {
		out = append(out, choice{fmt.Sprintf("%02d:00", h), number(int64(h * 60))})
	}
	return out
}

// everyPick takes what was chosen from one of the menus.
func (b *Bot) everyPick(take func(p *building, values []string)) handler {
	return func(ctx context.Context, e *event) (reply, error) {
		if len(e.values) == 0 {
			return reply{}, store.ErrGone
		}
		p, err := b.readBuilding(ctx, e)
		if err != nil {
			return reply{}, err
		}
		take(&p, e.values)
		return show(p.says()), nil
	}
}

func (p *building) takeDays(values []string) {
	p.r.days, p.r.date = 0, 0
	for _, v := range values {
		p.r.days |= days(readNumber(v)) & everyDay
	}
}

func (p *building) takeDate(values []string) {
	if date := readNumber(values[0]); date > 0 && date <= lastSafeDate {
		p.r.days, p.r.date = 0, int(date)
	}
}

func (p *building) takeHour(values []string) {
	if minute := readNumber(values[0]); minute >= 0 && minute < 24*60 {
		p.r.minute = int(minute)
	}
}

// readNumber reads what number wrote; anything else is 0.
func readNumber(s string) int64 {
	n, _ := strconv.ParseInt(s, 36, 64)
	return n
}

// everyWords opens the form for words, and takes them into the panel.
func (b *Bot) everyWords(ctx context.Context, e *event) (reply, error) {
	p, err := b.readBuilding(ctx, e)
	if err != nil {
		return reply{}, err
	}
	if !e.inForm {
		return ask(everyForm(e.args)), nil
	}
	if p.r, err = parseEvery(e.options[formField]); err != nil {
		return reply{}, err
	}
	return show(p.says()), nil
}

func everyForm(args []string) form {
	return form{
		title: text.T(text.EveryForm), route: "every/words", args: args,
		fields: []field{{label: text.T(text.EveryFormField), hint: text.T(text.EveryFormHint), max: 100, required: true}},
	}
}

func (b *Bot) everySet(ctx context.Context, e *event) (reply, error) {
	p, err := b.readBuilding(ctx, e)
	if err != nil {
		return reply{}, err
	}
	if !p.r.whole() || p.who == "" {
		return reply{}, store.ErrGone
	}
	with := store.Proposal{Alone: p.who == alone}
	if !with.Alone {
		with.Pacts = pactsOf([]string{p.who})
	}
	s, err := b.proposed(ctx, e, p.r, with)
	return show(s), err
}

// proposed proposes a standing check-in, and says so. Where it is not said whom it
// is with, and there are several, the panel asks.
func (b *Bot) proposed(ctx context.Context, e *event, r rhythm, with store.Proposal) (say, error) {
	with.By, with.Spec, with.Request = e.who, store.Secret(r.spec()), e.request
	st, err := b.store.Propose(ctx, with)
	if errors.Is(err, store.ErrAlone) {
		with.Alone = true
		st, err = b.store.Propose(ctx, with)
	}
	if errors.Is(err, store.ErrWhich) {
		p, err := b.newBuilding(ctx, e)
		p.r = r
		return p.says(), err
	} else if err != nil {
		return say{}, err
	}
	quiet, err := b.atQuiet(ctx, e, r)
	if err != nil {
		return say{}, err
	}
	return proposedSays(st, r, quiet), nil
}

// proposedSays is what became of a proposal; quiet tells that its time lies within
// their own quiet hours.
func proposedSays(st store.Standing, r rhythm, quiet bool) say {
	s := line(text.T(text.EverySet, "rhythm", r.says()))
	switch {
	case !st.Alone && !st.Asked:
		s = line(text.T(text.EveryAlready, "name", named(st.With), "rhythm", r.says()))
	case !st.Alone:
		s = line(text.T(text.EverySuggested, "name", named(st.With), "rhythm", r.says()))
	}
	if quiet {
		s = s.add(text.T(text.EveryQuiet))
	}
	return s.with(button(text.T(text.LabelStop), "every/stop", number(st.ID)))
}

// atQuiet tells whether a time of the day lies within somebody's own quiet hours.
func (b *Bot) atQuiet(ctx context.Context, e *event, r rhythm) (bool, error) {
	settings, err := b.store.Settings(ctx, e.who.ID)
	if err != nil {
		return false, err
	}
	zone, _ := settings.Location()
	now := b.store.Now().In(zone)
	at := time.Date(now.Year(), now.Month(), now.Day(), 0, r.minute, 0, 0, zone)
	return settings.Awake(at).After(at), nil
}

func (b *Bot) everyStop(ctx context.Context, e *event) (reply, error) {
	id, all := e.id(0), e.arg(0) == "all" && e.arg(1) == b.store.Ticket(e.who.ID, 0)
	if all {
		id = 0
	} else if id == 0 {
		return reply{}, store.ErrGone
	}
	if err := b.store.Stop(ctx, e.who.ID, id); err != nil {
		return reply{}, err
	}
	return show(line(text.T(text.EveryStopped))), nil
}

// suggestionSays is what a partner suggests, without a name: it may be read over a
// shoulder.
func suggestionSays(delivery int64, v store.Suggestion) say {
	if v.On {
		return agreedSays(v)
	}
	rhythm := readSpec(v.Spec.Reveal()).says()
	return line(text.T(text.Standing), text.T(text.StandingWhen, "rhythm", rhythm)).with(suggestionWays(delivery, "")...)
}

func suggestionWays(delivery int64, sure string) []discordButton {
	return []discordButton{
		button(text.T(text.LabelYes), "standing/yes", number(delivery), sure),
		button(text.T(text.LabelNotforme), "standing/no", number(delivery)),
		helpButton(),
	}
}

// suggestedWith says whose suggestion it is, to whoever has several partners.
func suggestedWith(delivery int64, v store.Suggestion) say {
	return line(text.T(text.StandingWith, "name", named(v.From))).with(suggestionWays(delivery, "sure")...)
}

func agreedSays(v store.Suggestion) say {
	s := line(text.T(text.StandingOn, "rhythm", readSpec(v.Spec.Reveal()).says()))
	if v.NoZone {
		s = s.add(text.T(text.StandingZone))
	}
	if v.Paused {
		s = s.add(text.T(text.StandingPaused))
	}
	return s
}

// standingYes says yes. Whoever has several partners is told first whose it is.
func (b *Bot) standingYes(ctx context.Context, e *event) (reply, error) {
	v, err := b.store.Suggestion(ctx, e.who.ID, e.id(0))
	if err != nil {
		return reply{}, err
	}
	if v.Several && !v.On && e.arg(1) != "sure" {
		return show(suggestedWith(e.id(0), v)), nil
	}
	if v, err = b.store.AgreeTo(ctx, e.who.ID, e.id(0)); err != nil {
		return reply{}, err
	}
	return show(agreedSays(v)), nil
}

// standingNo notes nothing: a no looks like no answer, to everybody.
func (b *Bot) standingNo(ctx context.Context, e *event) (reply, error) {
	if _, err := b.store.Suggestion(ctx, e.who.ID, e.id(0)); err != nil {
		return reply{}, err
	}
	return show(line(text.T(text.StandingNo))), nil
}
