package bot

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/bwmarrin/discordgo"

	"aftercare/bot/text"
	"aftercare/bot/zone"
	"aftercare/store"
)

func (b *Bot) settingsRoutes() map[string]handler {
	return map[string]handler{
		"settings":       b.settings,
		"settings/agree": b.settingsAgree,
		"settings/home":  b.settingsHome,
		"settings/pick":  b.settingsPick, // one to change, from the menu
		"settings/set":   b.settingsSet,  // its value
		"settings/zone":  b.settingsZone, // Yes, that's my time
		"settings/place": b.settingsPlace,
		"settings/city":  b.settingsCity,
		"settings/marks": b.settingsMarks,
		"settings/quiet": b.settingsQuiet,
	}
}

// value is one choice of a setting.
type value struct {
	id    string
	label text.Key
	set   func(*store.Settings)
}

// setting is one line of the panel. One without values has a page of its own.
type setting struct {
	id     string
	name   text.Key
	about  text.Key
	values []value
	now    func(store.Settings) string // which of the values holds
}

// onOff is a setting that is on or off.
func onOff(id string, name, about, off, on text.Key, at func(*store.Settings) *bool) setting {
	set := func(to bool) func(*store.Settings) { return func(s *store.Settings) { *at(s) = to } }
	return setting{id, name, about, []value{{"off", off, set(false)}, {"on", on, set(true)}}, func(s store.Settings) string {
		if *at(&s) {
			return "on"
		}
		return "off"
	}}
}

// settingsList is every setting, in the order of the panel.
var settingsList = []setting{
	{id: "zone", name: text.SettingsNameZone, about: text.SettingsAboutZone},
	{id: "quiet", name: text.SettingsNameQuiet, about: text.SettingsAboutQuiet},
	{id: "marks", name: text.SettingsNameMarks, about: text.SettingsAboutMarks},
	onOff("touch", text.SettingsNameTouch, text.SettingsAboutTouch, text.SettingsTouchOff, text.SettingsTouchOn,
		func(s *store.Settings) *bool { return &s.Touch }),
	{"much", text.SettingsNameMuch, text.SettingsAboutMuch, []value{
		{"full", text.SettingsMuchFull, func(s *store.Settings) { s.Much = store.MuchFull }},
		{"light", text.SettingsMuchLight, func(s *store.Settings) { s.Much = store.MuchLight }},
		{"none", text.SettingsMuchNone, func(s *store.Settings) { s.Much = store.MuchNone }},
	}, func(s store.Settings) string { return either(string(s.Much), "full") }},
	{"share", text.SettingsNameShare, text.SettingsAboutShare, []value{
		{"ask", text.SettingsShareAsk, func(s *store.Settings) { s.Share = "" }},
		{"words", text.SettingsShareWords, func(s *store.Settings) { s.Share = store.ShareWords }},
		{"gist", text.SettingsShareGist, func(s *store.Settings) { s.Share = store.ShareGist }},
		{"kept", text.SettingsShareKept, func(s *store.Settings) { s.Share = store.ShareKept }},
	}, func(s store.Settings) string { return either(string(s.Share), "ask") }},
	onOff("plain", text.SettingsNamePlain, text.SettingsAboutPlain, text.SettingsPlainOff, text.SettingsPlainOn,
		func(s *store.Settings) *bool { return &s.Plain }),
	onOff("ask", text.SettingsNameAsk, text.SettingsAboutAsk, text.SettingsAskOff, text.SettingsAskOn,
		func(s *store.Settings) *bool { return &s.AskFirst }),
	onOff("nudge", text.SettingsNameNudge, text.SettingsAboutNudge, text.SettingsNudgeOff, text.SettingsNudgeOn,
		func(s *store.Settings) *bool { return &s.Nudge }),
	onOff("after", text.SettingsNameAfter, text.SettingsAboutAfter, text.SettingsAfterOff, text.SettingsAfterOn,
		func(s *store.Settings) *bool { return &s.After }),
	onOff("history", text.SettingsNameHistory, text.SettingsAboutHistory, text.SettingsHistoryOff, text.SettingsHistoryOn,
		func(s *store.Settings) *bool { return &s.History }),
	onOff("trend", text.SettingsNameTrend, text.SettingsAboutTrend, text.SettingsTrendOff, text.SettingsTrendOn,
		func(s *store.Settings) *bool { return &s.Trend }),
	{"tidy", text.SettingsNameTidy, text.SettingsAboutTidy, []value{
		{"day", text.SettingsTidyDay, func(s *store.Settings) { s.Tidy = store.TidyDay }},
		{"week", text.SettingsTidyWeek, func(s *store.Settings) { s.Tidy = store.TidyWeek }},
		{"never", text.SettingsTidyNever, func(s *store.Settings) { s.Tidy = store.TidyNever }},
	}, func(s store.Settings) string { return either(string(s.Tidy), "week") }},
	{"language", text.SettingsNameLanguage, text.SettingsAboutLanguage, []value{
		{"en", text.SettingsLanguageEn, func(s *store.Settings) { s.Language = "" }},
	}, func(s store.Settings) string { return either(s.Language, "en") }},
}

func either(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func findSetting(id string) (setting, bool) {
	i := slices.IndexFunc(settingsList, func(s setting) bool { return s.id == id })
	if i < 0 {
		return setting{}, false
	}
	return settingsList[i], true
}

// settings serves the command: the panel, or the time zone that was named.
func (b *Bot) settings(ctx context.Context, e *event) (reply, error) {
	now, err := b.store.Settings(ctx, e.who.ID)
	if errors.Is(err, store.ErrNotAgreed) {
		return tell(b.keepTerms()), nil
	} else if err != nil {
		return reply{}, err
	}
	if city, ok := e.options["zone"]; ok {
		return tell(b.confirmZone(city)), nil
	}
	return tell(b.panelOf(now)), nil
}

func (b *Bot) termsOf(key text.Key) string { return text.T(key, "operator", b.operator()) }

// thenHistory is where a yes leads that was asked for by the command for one's own
// history, which is a setting.
const thenHistory = "history"

// keepTerms asks for a yes before settings are kept. then says where it leads; the
// panel, if nowhere else.
func (b *Bot) keepTerms(then ...string) say {
	return line(b.termsOf(text.TermsKeep)).with(
		button(text.T(text.LabelAgree), "settings/agree", append([]string{strconv.Itoa(consentVersion)}, then...)...),
		button(text.T(text.LabelNotnow), "declined"))
}

func (b *Bot) settingsAgree(ctx context.Context, e *event) (reply, error) {
	if e.arg(0) != strconv.Itoa(consentVersion) {
		return reply{}, store.ErrGone
	}
	hello, err := b.store.Agree(ctx, e.who, consentVersion)
	if err != nil {
		return reply{}, err
	}
	var r reply
	if e.arg(1) == thenHistory {
		r, err = b.history(ctx, e, show, "")
	} else {
		r, err = b.settingsHome(ctx, e)
	}
	r.after = b.ifRefused(hello, r.say)
	return r, err
}

func (b *Bot) settingsHome(ctx context.Context, e *event) (reply, error) {
	now, err := b.store.Settings(ctx, e.who.ID)
	if err != nil {
		return reply{}, err
	}
	return show(b.panelOf(now)), nil
}

// panelOf is the list of settings as they stand, and the menu to change one.
func (b *Bot) panelOf(now store.Settings) say {
	s := line(text.T(text.SettingsHead))
	var options []choice
	for _, set := range settingsList {
		s = s.add(text.T(text.SettingsLine, "name", text.T(set.name), "value", b.stands(set, now)))
		options = append(options, choice{text.T(set.name), set.id})
	}
	return s.add("", text.T(text.SettingsPrivate)).with(menu(text.T(text.SettingsPick), options, "settings/pick"))
}

// stands tells how a setting stands.
func (b *Bot) stands(set setting, now store.Settings) string {
	switch set.id {
	case "zone":
		loc, ok := now.Location()
		if !ok {
			return text.T(text.SettingsZoneNone)
		}
		return text.T(text.SettingsZoneHere, "city", zone.City(now.Zone), "time", clock(b.store.Now().In(loc)))
	case "quiet":
		return quietNow(now)
	case "marks":
		if len(now.Marks) == 0 {
			return text.T(text.SettingsMarksHouse, "marks", b.marks())
		}
		return text.T(text.SettingsMarksOwn, "marks", spans(now.Marks))
	}
	for _, v := range set.values {
		if v.id == set.now(now) {
			return text.T(v.label)
		}
	}
	return ""
}

func quietNow(now store.Settings) string {
	h := store.DefaultQuiet
	if now.Quiet != nil {
		h = *now.Quiet
	}
	if h.From == h.To {
		return text.T(text.SettingsQuietNone)
	}
	s := text.T(text.SettingsQuietSpan, "from", minute(h.From), "to", minute(h.To))
	if _, known := now.Location(); !known {
		s = text.T(text.SettingsQuietWaiting, "span", s)
	}
	return s
}

// settingsPick opens the page of one setting.
func (b *Bot) settingsPick(ctx context.Context, e *event) (reply, error) {
	if len(e.values) == 0 {
		return reply{}, store.ErrGone
	}
	set, ok := findSetting(e.values[0])
	if !ok {
		return reply{}, store.ErrGone
	}
	now, err := b.store.Settings(ctx, e.who.ID)
	if err != nil {
		return reply{}, err
	}
	return show(b.pageOf(set, now)), nil
}

func back() discordgo.MessageComponent {
	return button(text.T(text.SettingsLabelBack), "settings/home")
}

// pageOf is one setting, with what it does and its choices.
func (b *Bot) pageOf(set setting, now store.Settings) say {
	s := line(text.T(text.SettingsLine, "name", text.T(set.name), "value", b.stands(set, now)), text.T(set.about))
	switch set.id {
	case "zone":
		return s.with(button(text.T(text.SettingsLabelCity), "settings/city"), back())
	case "quiet":
		return quietPage(s)
	case "marks":
		return marksPage(s)
	}
	var options []choice
	for _, v := range set.values {
		options = append(options, choice{text.T(v.label), v.id})
	}
	return s.with(menu(text.T(text.SettingsPickValue), options, "settings/set", set.id)).with(back())
}

// settingsSet takes the value of a setting.
func (b *Bot) settingsSet(ctx context.Context, e *event) (reply, error) {
	set, ok := findSetting(e.arg(0))
	if !ok || len(e.values) == 0 {
		return reply{}, store.ErrGone
	}
	i := slices.IndexFunc(set.values, func(v value) bool { return v.id == e.values[0] })
	if i < 0 {
		return reply{}, store.ErrGone
	}
	if set.id == "trend" && set.values[i].id == "on" {
		now, err := b.store.Settings(ctx, e.who.ID)
		if err != nil {
			return reply{}, err
		}
		if !now.History {
			return tell(line(text.T(text.SettingsTrendNeeds))), nil
		}
	}
	return b.save(ctx, e, set.values[i].set)
}

// save changes settings and shows the list as it is then.
func (b *Bot) save(ctx context.Context, e *event, change func(*store.Settings)) (reply, error) {
	now, err := b.store.ChangeSettings(ctx, e.who.ID, change)
	if err != nil {
		return reply{}, err
	}
	s := b.panelOf(now)
	s.words = append([]string{text.T(text.SettingsSaved)}, s.words...)
	return show(s), nil
}

// clock shows the time of a day; minute the same from minutes after midnight.
func clock(t time.Time) string { return t.Format("15:04") }

func minute(n int) string { return clock(time.Date(2000, 1, 1, 0, n, 0, 0, time.UTC)) }

func spans(marks []time.Duration) string {
	var out []string
	for _, m := range marks {
		out = append(out, span(m))
	}
	return list(out)
}

// zoneOf returns the time zone of whoever acts; ok is false while it is not known.
func (b *Bot) zoneOf(ctx context.Context, e *event) (loc *time.Location, ok bool, err error) {
	now, err := b.store.Settings(ctx, e.who.ID)
	if err != nil && !errors.Is(err, store.ErrNotAgreed) {
		return nil, false, err
	}
	loc, ok = now.Location()
	return loc, ok, nil
}
