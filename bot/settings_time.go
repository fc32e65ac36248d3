package bot

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"aftercare/bot/text"
	"aftercare/bot/zone"
	"aftercare/store"
)

// settingsCompletions offers time zones while somebody types a city.
func (b *Bot) settingsCompletions(_ context.Context, e *event) (reply, error) {
	var r reply
	for _, p := range zone.Find(e.options["zone"], 25) {
		if loc, err := time.LoadLocation(p.Zone); err == nil {
			says := p.Name + ", " + clock(b.store.Now().In(loc))
			if !zone.Fixed(p.Zone) { // whose name has the sign the other way round
				says += " (" + p.Zone + ")"
			}
			r.offer = append(r.offer, choice{label(says, 100), p.Zone})
		}
	}
	return r, nil
}

// confirmZone shows what time it is in a city, before that becomes somebody's own.
func (b *Bot) confirmZone(city string) say {
	places := zone.Whole(city)
	if len(places) == 0 {
		places = zone.Find(city, 20)
	}
	if len(places) == 0 {
		return line(text.T(text.SettingsZoneUnread)).with(button(text.T(text.SettingsLabelCity), "settings/city"), back())
	}
	if len(places) > 1 {
		var options []choice
		for _, p := range places {
			options = append(options, choice{label(p.Name+" ("+p.Zone+")", 80), p.Zone})
		}
		return line(text.T(text.SettingsZoneWhich)).
			with(menu(text.T(text.SettingsPickCity), options, "settings/place")).
			with(back())
	}
	return b.askZone(places[0])
}

func (b *Bot) askZone(p zone.Place) say {
	loc, err := time.LoadLocation(p.Zone)
	if err != nil {
		return line(text.T(text.SettingsZoneUnread)).with(back())
	}
	there := b.store.Now().In(loc)
	var s say
	if zone.Fixed(p.Zone) {
		s = s.add(text.T(text.SettingsZoneFixed, "zone", p.Name))
	}
	return s.add(text.T(text.SettingsZoneConfirm, "city", displayName(p.Name), "day", there.Weekday().String(), "time", clock(there))).with(
		button(text.T(text.SettingsLabelYes), "settings/zone", p.Zone),
		button(text.T(text.SettingsLabelCity), "settings/city"), back())
}

// settingsPlace takes the city that was meant, of several with one name.
func (b *Bot) settingsPlace(_ context.Context, e *event) (reply, error) {
	if len(e.values) == 0 {
		return reply{}, store.ErrGone
	}
	return show(b.confirmZone(e.values[0])), nil
}

// settingsCity opens the form for a city, and takes what was filled in.
func (b *Bot) settingsCity(_ context.Context, e *event) (reply, error) {
	if e.inForm {
		return show(b.confirmZone(e.options[formField])), nil
	}
	return ask(form{title: text.T(text.SettingsFormCity), route: "settings/city",
		fields: []field{{label: text.T(text.SettingsFormCityField), max: 60, required: true}}}), nil
}

func (b *Bot) settingsZone(ctx context.Context, e *event) (reply, error) {
	if e.arg(0) == "" {
		return reply{}, store.ErrGone
	}
	return b.save(ctx, e, func(s *store.Settings) { s.Zone = e.arg(0) })
}

// quietPage has a menu for each end of the quiet hours, with the hours of a day.
func quietPage(s say) say {
	var from, until []choice
	for h := range 24 {
		value := strconv.Itoa(h * 60)
		from = append(from, choice{text.T(text.SettingsQuietFrom, "time", minute(h*60)), value})
		until = append(until, choice{text.T(text.SettingsQuietUntil, "time", minute(h*60)), value})
	}
	return s.
		with(menu(text.T(text.SettingsPickFrom), from, "settings/quiet", "from")).
		with(menu(text.T(text.SettingsPickTo), until, "settings/quiet", "to")).
		with(button(text.T(text.SettingsLabelNoquiet), "settings/quiet", "none"), back())
}

// settingsQuiet takes one end of the quiet hours, and shows the page again: there
// is another end.
func (b *Bot) settingsQuiet(ctx context.Context, e *event) (reply, error) {
	at, end := 0, e.arg(0)
	switch end {
	case "none":
	case "from", "to":
		if len(e.values) == 0 {
			return reply{}, store.ErrGone
		}
		var err error
		if at, err = strconv.Atoi(e.values[0]); err != nil {
			return reply{}, store.ErrGone
		}
	default:
		return reply{}, store.ErrGone
	}
	now, err := b.store.ChangeSettings(ctx, e.who.ID, func(s *store.Settings) {
		h := store.DefaultQuiet
		if s.Quiet != nil && s.Quiet.From != s.Quiet.To {
			h = *s.Quiet
		}
		switch end {
		case "from":
			h.From = at
		case "to":
			h.To = at
		default:
			h = store.Hours{}
		}
		s.Quiet = &h
	})
	if err != nil {
		return reply{}, err
	}
	set, _ := findSetting("quiet")
	return show(b.pageOf(set, now)), nil
}

// The check-in times that the menu has. Others are written.
var commonMarks = []time.Duration{
	3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 36 * time.Hour, 48 * time.Hour, 72 * time.Hour, 96 * time.Hour, 120 * time.Hour, 168 * time.Hour,
}

const mostCheckins = 6

func marksPage(s say) say {
	var options []choice
	for _, m := range commonMarks {
		options = append(options, choice{span(m), m.String()})
	}
	return s.
		with(menuOf(mostCheckins, text.T(text.SettingsPickMarks), options, "settings/marks", "pick")).
		with(button(text.T(text.SettingsLabelOther), "settings/marks"), button(text.T(text.SettingsLabelHouse), "settings/marks", "house"), back())
}

// settingsMarks takes check-in times from the menu or the form, which it opens.
func (b *Bot) settingsMarks(ctx context.Context, e *event) (reply, error) {
	switch {
	case e.arg(0) == "house":
		return b.save(ctx, e, func(s *store.Settings) { s.Marks = nil })
	case e.inForm, e.arg(0) == "pick":
		words := e.values
		if e.inForm {
			words = []string{e.options[formField]}
		}
		marks, bad, why := readMarks(strings.Join(words, ", "))
		if why != "" {
			return tell(marksRefused(bad, why)), nil
		}
		return b.save(ctx, e, func(s *store.Settings) { s.Marks = marks })
	}
	return ask(form{title: text.T(text.SettingsFormMarks), route: "settings/marks",
		fields: []field{{label: text.T(text.SettingsFormMarksField), max: 100, required: true}}}), nil
}

// marksRefused gives back what was written, says why it can't be, and offers to
// write it once more.
func marksRefused(words string, why text.Key) say {
	return line(text.T(why, "words", shorten(words, 60))).with(button(text.T(text.SettingsLabelOther), "settings/marks"))
}

var markPattern = regexp.MustCompile(`^(\d{1,3}) ?(h|hours?|hrs?|d|days?|)(?:0m0s)?$`)

// readMarks reads "24h, 48 hours and 3d", in any order; they come back rising. A
// bare number is hours. Of what it can't take, it returns the words and why.
func readMarks(words string) (marks []time.Duration, bad string, why text.Key) {
	comma := strings.NewReplacer(" and ", ",", ";", ",").Replace(words)
	for w := range strings.SplitSeq(comma, ",") {
		if w = strings.TrimSpace(w); w == "" {
			continue
		}
		m := markPattern.FindStringSubmatch(strings.ToLower(w))
		if m == nil {
			return nil, w, text.SettingsMarksUnread
		}
		n, _ := strconv.Atoi(m[1])
		unit := time.Hour
		if strings.HasPrefix(m[2], "d") {
			unit = 24 * time.Hour
		}
		mark := time.Duration(n) * unit
		if mark < time.Hour || mark > 7*24*time.Hour {
			return nil, w, text.SettingsMarksFar
		}
		marks = append(marks, mark)
	}
	slices.Sort(marks)
	marks = slices.Compact(marks)
	switch {
	case len(marks) == 0:
		return nil, words, text.SettingsMarksUnread
	case len(marks) > mostCheckins:
		return nil, words, text.SettingsMarksMany
	}
	return marks, "", ""
}
