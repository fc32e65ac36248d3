package bot

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"aftercare/bot/text"
	"aftercare/store"
)

func (b *Bot) sceneRoutes() map[string]handler {
	return map[string]handler{
		"scene/ended":  b.sceneEnded,
		"scene/with":   b.sceneWith,  // picked from a menu
		"scene/alone":  b.sceneAlone, // Yes, for me alone
		"scene/undo":   b.sceneUndo,
		"scene/list":   b.sceneList,
		"scene/change": b.sceneChange,
		"scene/resize": b.sceneResize,
		"scene/retime": b.sceneRetime,
		"scene/notice": b.sceneNotice,
	}
}

// sceneEnded records a scene. What it lacks it asks for with buttons that carry
// the time and the size, and nothing else.
func (b *Bot) sceneEnded(ctx context.Context, e *event) (reply, error) {
	loc, known, err := b.zoneOf(ctx, e)
	if err != nil {
		return reply{}, err
	}
	at, err := parseWhen(e.options["when"], b.store.Now(), loc)
	if err != nil {
		return reply{}, err
	}
	size := store.Size(e.options["size"])
	if size == "" {
		size = store.Usual
	}
	sc, err := b.store.EndScene(ctx, store.Ended{By: e.who, Partners: e.people, At: at, Size: size, Request: e.request})
	switch {
	case errors.Is(err, store.ErrScenes):
		return b.sceneOften(ctx, e)
	case errors.Is(err, store.ErrWhich):
		return b.askWith(ctx, e, at, size)
	case errors.Is(err, store.ErrAlone):
		return b.askAlone(ctx, e, at, size)
	case err != nil:
		return reply{}, err
	}
	s := b.noted(sc)
	if !known && clockWords.MatchString(strings.ToLower(e.options["when"])) {
		s = s.add(text.T(text.SceneUtc))
	}
	return tell(s), nil
}

// clockWords are words that mean a time of the day, and so a time zone.
var clockWords = regexp.MustCompile(`\d[:.]\d|\d ?[ap]m\b|noon|midnight|night|morning|evening|afternoon`)

// mostPartners is how many partners a scene may have, as the command has it.
const mostPartners = 3

func moment(at time.Time) string { return strconv.FormatInt(at.Unix(), 36) }

func readMoment(s string) time.Time {
	n, _ := strconv.ParseInt(s, 36, 64)
	return time.Unix(n, 0).UTC()
}

// readSize returns a size from a custom id; none is the usual one.
func readSize(s string) store.Size {
	for _, known := range sizes {
		if string(known.size) == s {
			return known.size
		}
	}
	return store.Usual
}

func (b *Bot) askWith(ctx context.Context, e *event, at time.Time, size store.Size) (reply, error) {
	pacts, err := b.store.Pacts(ctx, e.who.ID)
	if err != nil {
		return reply{}, err
	}
	return tell(line(text.T(text.SceneWhich)).with(
		menuOf(mostPartners, text.T(text.PickPartner), partnerChoices(pacts), "scene/with", moment(at), string(size)))), nil
}

// askAlone offers check-ins for oneself. Somebody who has not agreed to anything
// yet sees the terms first.
func (b *Bot) askAlone(ctx context.Context, e *event, at time.Time, size store.Size) (reply, error) {
	agreed, err := b.store.Agreed(ctx, e.who.ID)
	if err != nil {
		return reply{}, err
	}
	s, yes, consent := line(text.T(text.SceneAlone)), text.LabelAlone, "0"
	if !agreed {
		s, yes, consent = s.add("", b.terms(text.TermsAlone)), text.LabelAgree, strconv.Itoa(consentVersion)
	}
	return tell(s.with(
		button(text.T(yes), "scene/alone", moment(at), string(size), consent),
		button(text.T(text.LabelNotnow), "declined"))), nil
}

func (b *Bot) sceneWith(ctx context.Context, e *event) (reply, error) {
	if len(e.values) == 0 {
		return reply{}, store.ErrGone
	}
	ended := store.Ended{By: e.who, At: readMoment(e.arg(0)), Size: readSize(e.arg(1)), Request: e.request}
	for _, v := range e.values {
		pact, _ := strconv.ParseInt(v, 36, 64)
		ended.Pacts = append(ended.Pacts, pact)
	}
	sc, err := b.store.EndScene(ctx, ended)
	if errors.Is(err, store.ErrScenes) {
		return b.sceneOften(ctx, e)
	} else if err != nil {
		return reply{}, err
	}
	return show(b.noted(sc)), nil
}

func (b *Bot) sceneAlone(ctx context.Context, e *event) (reply, error) {
	ended := store.Ended{By: e.who, Alone: true, At: readMoment(e.arg(0)), Size: readSize(e.arg(1)), Request: e.request}
	if e.arg(2) == strconv.Itoa(consentVersion) {
		ended.Consent = consentVersion
	}
	sc, err := b.store.EndScene(ctx, ended)
	if err != nil {
		return reply{}, err
	}
	r := show(b.noted(sc))
	if ended.Consent > 0 {
		hello, err := b.store.FirstLine(ctx, e.who.ID)
		if err != nil {
			return reply{}, err
		}
		r.after = b.ifRefused(hello, r.say)
	}
	return r, nil
}

// justNow is how recent an end needs no saying.
const justNow = 2 * time.Minute

// checkinsCome says when the check-ins of a scene come.
func checkinsCome(sc store.Scene, several, one text.Key) string {
	if sc.Paused && (len(sc.CheckIns) > 0 || !sc.LineAt.IsZero()) {
		return text.T(text.NoticePaused)
	} else if !sc.LineAt.IsZero() {
		return text.T(text.SceneNotedLight, "times", in(sc.LineAt))
	} else if sc.Nothing {
		return text.T(text.SceneNotedNothing)
	}
	switch len(sc.CheckIns) {
	case 0:
		return text.T(text.SceneNotedNone)
	case 1:
		return text.T(one, "times", in(sc.CheckIns[0]))
	}
	return text.T(several, "times", list(times(sc.CheckIns)))
}

// noted is the one quiet line after a scene was recorded.
func (b *Bot) noted(sc store.Scene) say {
	s := line(checkinsCome(sc, text.SceneNoted, text.SceneNotedOne))
	if b.store.Now().Sub(sc.EndedAt) > justNow {
		s = s.add(text.T(text.SceneEnded, "when", at(sc.EndedAt)))
	}
	return s.with(
		button(text.T(text.LabelChange), "scene/change", number(sc.ID)),
		button(text.T(text.LabelUndo), "scene/undo", number(sc.ID)))
}

// sceneUndo serves the command and the button; the command is for the last one.
func (b *Bot) sceneUndo(ctx context.Context, e *event) (reply, error) {
	err := b.store.UndoScene(ctx, e.who.ID, e.id(0))
	if errors.Is(err, store.ErrGone) {
		return tell(line(text.T(text.SceneUndoNone))), nil
	} else if err != nil {
		return reply{}, err
	}
	return show(line(text.T(text.SceneUndone))), nil
}

func (b *Bot) sceneList(ctx context.Context, e *event) (reply, error) {
	upcoming, err := b.store.Upcoming(ctx, e.who.ID)
	if err != nil {
		return reply{}, err
	}
	return tell(upcomingList(upcoming)), nil
}

func upcomingList(upcoming []store.Upcoming) say {
	if len(upcoming) == 0 {
		return line(text.T(text.SceneListNone))
	}
	var lines []string
	for _, u := range upcoming {
		if u.Line {
			lines = append(lines, text.T(text.SceneListLight, "when", in(u.At)))
			continue
		}
		if u.Round {
			lines = append(lines, roundLine(u))
			continue
		}
		if len(u.Partners) == 0 {
			lines = append(lines, text.T(text.SceneListAlone, "when", in(u.At)))
			continue
		}
		lines = append(lines, text.T(text.SceneListLine, "when", in(u.At), "names", list(names(u.Partners))))
	}
	return line(text.T(text.SceneList)).addList(lines)
}

// sceneChange offers another time and another size.
func (b *Bot) sceneChange(ctx context.Context, e *event) (reply, error) {
	sc, err := b.store.Recorded(ctx, e.who.ID, e.id(0))
	if err != nil {
		return reply{}, err
	}
	var options []choice
	for _, s := range sizes {
		options = append(options, choice{text.T(s.label), string(s.size)})
	}
	return show(line(text.T(text.SceneChange)).
		with(menu(text.T(text.PickSize), options, "scene/resize", number(sc.ID))).
		with(button(text.T(text.LabelTime), "scene/retime", number(sc.ID)),
			button(text.T(text.LabelUndo), "scene/undo", number(sc.ID)))), nil
}

func (b *Bot) sceneResize(ctx context.Context, e *event) (reply, error) {
	if len(e.values) == 0 || e.id(0) == 0 {
		return reply{}, store.ErrGone
	}
	sc, err := b.store.ChangeScene(ctx, e.who.ID, e.id(0), time.Time{}, readSize(e.values[0]))
	if err != nil {
		return reply{}, err
	}
	return show(b.noted(sc)), nil
}

// sceneRetime opens the form for another time, and takes what was filled in.
func (b *Bot) sceneRetime(ctx context.Context, e *event) (reply, error) {
	if e.id(0) == 0 {
		return reply{}, store.ErrGone
	}
	if _, err := b.store.Recorded(ctx, e.who.ID, e.id(0)); err != nil {
		return reply{}, err
	}
	if !e.inForm {
		return ask(form{
			title: text.T(text.FormWhen), route: "scene/retime", args: e.args,
			fields: []field{{label: text.T(text.FormWhenField), hint: text.T(text.FormWhenHint), max: 100, required: true}},
		}), nil
	}
	loc, _, err := b.zoneOf(ctx, e)
	if err != nil {
		return reply{}, err
	}
	at, err := parseWhen(e.options[formField], b.store.Now(), loc)
	if err != nil {
		return reply{}, err
	}
	sc, err := b.store.ChangeScene(ctx, e.who.ID, e.id(0), at, "")
	if err != nil {
		return reply{}, err
	}
	return show(b.noted(sc)), nil
}

// noticeSays is what somebody is told of a scene that a partner recorded.
func noticeSays(delivery int64, n store.Notice) say {
	to := func(key text.Key, c store.Choice) discordButton {
		return button(text.T(key), "scene/notice", number(delivery), string(c))
	}
	if n.AskFirst {
		return stoppable(delivery, n, line(text.T(text.NoticeAsk)), to(text.LabelYes, store.ChoiceYes), to(text.LabelNo, store.ChoiceNo), helpButton())
	}
	if n.Scene.Round && n.Scene.Paused {
		return line(text.T(text.NoticePaused))
	} else if n.Scene.Round {
		return line(text.T(text.RoundYes))
	}
	s := line(text.T(text.Notice))
	if len(n.Scene.CheckIns) > 0 {
		s = s.add(text.T(text.NoticeTimes, "times", list(times(n.Scene.CheckIns))))
	} else if !n.Scene.LineAt.IsZero() {
		s = s.add(text.T(text.NoticeLight, "times", in(n.Scene.LineAt)))
	}
	return stoppable(delivery, n, s,
		to(text.LabelOk, store.ChoiceOK), to(text.LabelNotours, store.ChoiceNotOurs), to(text.LabelAskfirst, store.ChoiceAskFirst))
}

func (b *Bot) sceneNotice(ctx context.Context, e *event) (reply, error) {
	c := store.Choice(e.arg(1))
	n, err := b.store.Choose(ctx, e.who.ID, e.id(0), c)
	if err != nil {
		return reply{}, err
	}
	if c == store.ChoiceStop {
		return show(b.stoppedSay(e, n)), nil
	} else if n.Out {
		return show(line(text.T(text.NoticeNone))), nil
	}
	if n.AskFirst {
		ask := noticeSays(e.id(0), n)
		if c == store.ChoiceAskFirst {
			ask.words = append([]string{text.T(text.NoticeFirst)}, ask.words...)
		}
		return show(ask), nil
	}
	s := line()
	if c == store.ChoiceAskFirst {
		s = s.add(text.T(text.NoticeFirst))
	}
	if n.Scene.Round && n.Scene.Paused && !n.Scene.Nothing {
		return show(s.add(text.T(text.NoticePaused))), nil
	} else if n.Scene.Round && !n.Scene.Nothing {
		return show(s.add(text.T(text.RoundYes))), nil
	}
	if len(n.Scene.CheckIns) > 0 || !n.Scene.LineAt.IsZero() || n.Scene.Nothing && c == store.ChoiceYes {
		s = s.add(checkinsCome(n.Scene, text.NoticeOk, text.NoticeOkOne))
	}
	if len(s.words) == 0 {
		s = s.add(text.T(text.CheckinSkipped))
	}
	return show(s.with(button(text.T(text.LabelNotours), "scene/notice", number(e.id(0)), string(store.ChoiceNotOurs)))), nil
}
