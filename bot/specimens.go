package bot

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"

	"aftercare/bot/text"
	"aftercare/store"
)

// Specimen is a message that the bot can send, or a form that it can open, with
// made-up people and words in it.
type Specimen struct {
	Part string // of the page: who it is for, or what it belongs to
	What string // when it is said
	JSON []byte // as Discord is given it
}

// Specimens returns every message there is, for somebody who reads them all in one
// go. They come from what Send and the handlers use, so that they are what people
// get. Whoever adds a message adds a line to the list of its part; the test of
// this file misses a sentence that is in none.
func Specimens(now time.Time, o Options) []Specimen {
	b := &Bot{o: o, store: &store.Store{Now: func() time.Time { return now }}}
	var out []Specimen
	for _, part := range []struct {
		name string
		list []specimen
	}{
		{"Linking", b.linkingSpecimens(now)},
		{"A scene", b.sceneSpecimens(now)},
		{"A check-in", b.checkinSpecimens(now)},
		{"Words that show the help page first", b.helpFirstSpecimens()},
		{"After the last mark", b.afterSpecimens(now)},
		{"A check-in that somebody asks for", b.roundSpecimens(now)},
		{"Check-ins that come every so often", standingSpecimens()},
		{"I'd like to talk", talkSpecimens()},
		{"What a partner left", relaySpecimens()},
		{"Typed with no check-in open", offerSpecimens()},
		{"A care card, and kind words", careSpecimens(now)},
		{"One's own history", historySpecimens(now)},
		{"Does this still fit", fitsSpecimens()},
		{"Settings", b.settingsSpecimens()},
		{"Erasing and clearing", eraseSpecimens()},
		{"Help, privacy, pausing", b.plainSpecimens(now)},
		{"What can't be done", excuseSpecimens()},
		{"An operator's check", checkSpecimens()},
		{"Commands, as a whole server sees them", b.commandSpecimens()},
	} {
		for _, s := range part.list {
			out = append(out, Specimen{Part: part.name, What: s.what, JSON: s.json()})
		}
	}
	return out
}

// specimen is one of them: what is said, or a form.
type specimen struct {
	what string
	says any // say or reply
}

func (s specimen) json() []byte {
	var payload any
	switch says := s.says.(type) {
	case say:
		p := says.payload()
		p.Attachments = says.attached()
		payload = p
	case reply:
		payload = says.say.payload()
		if says.form != nil {
			payload = says.form.payload()
		}
	default:
		panic("bot: no specimen: " + s.what)
	}
	out, err := json.Marshal(payload)
	if err != nil {
		panic("bot: " + err.Error())
	}
	return out
}

// made fills sentences with what is made up, for what a handler says in one line.
func made(keys ...text.Key) (s say) {
	day := time.Date(2026, time.March, 12, 20, 0, 0, 0, time.UTC)
	values := map[string]string{
		"name": "Sam", "names": "Sam and Kit", "times": in(day), "when": in(day), "since": on(day), "marks": "24 hours and 48 hours",
		"n": "1", "operator": "Robin", "code": "7K2QM-X4VTB",
	}
	for _, key := range keys {
		var fill []string
		for _, name := range text.All()[key].Placeholders() {
			fill = append(fill, name, values[name])
		}
		s = s.add(text.T(key, fill...))
	}
	return s
}

// sampleButton is a button of a handler that leads nowhere.
func sampleButton(key text.Key) discordButton { return button(text.T(key), "x", string(key)) }

// People and words for specimens.
var (
	someone  = []store.Reader{{Pact: 1, Name: store.Secret("Sam")}}
	several  = []store.Reader{{Pact: 1, Name: store.Secret("Sam")}, {Pact: 2, Name: store.Secret("Kit")}}
	tired    = wrote(store.Answer{Feeling: "low", Need: "call"}, "Tired, and a little far away.")
	bright   = wrote(store.Answer{Feeling: "good", Need: "nothing"}, "Smiling, still.")
	heavy    = wrote(store.Answer{Feeling: "low"}, "Tonight, I just want to die.")
	pacts    = []store.Pact{{ID: 1, Partner: store.Secret("Sam")}, {ID: 2, Partner: store.Secret("Kit")}}
	aTeaTime = wrote(store.Answer{}, "Tea, and talking until late.")
)

func wrote(a store.Answer, words string) store.Answer {
	a.Words, a.Form = []store.Private{store.Secret(words)}, store.Secret(words)
	return a
}

// chose gives readers a level.
func chose(readers []store.Reader, level store.Level) []store.Reader {
	out := append([]store.Reader(nil), readers...)
	for i := range out {
		out[i].Level = level
	}
	return out
}

func (b *Bot) linkingSpecimens(now time.Time) []specimen {
	yes, no, never := sampleButton(text.LabelAgree), sampleButton(text.LabelNotnow), sampleButton(text.LabelDontask)
	out := []specimen{
		{"/partner invite: what one agrees to", made(text.Terms).with(yes, no)},
		{"/partner invite, for one scene", made(text.TermsOnce).with(yes, no)},
		{"not now", made(text.Declined)},
		{"yes: the code", made(text.PartnerCode, text.PartnerCodeHow, text.PartnerCodeLine)},
		{"their first line, in the DM", made(text.Hello)},
		{"/partner accept", made(text.PartnerFrom).add("", made(text.Terms).content()).with(yes, no, never)},
		{"yes", made(text.PartnerLinked)},
		{"yes, to a code for one scene, with a lasting link", made(text.PactKept)},
		{"to each of the two, in the DM", made(text.Linked)},
		{"don't ask again", made(text.PartnerRefused)},
	}
	return append(append(out, b.listSpecimens(now)...), []specimen{
		{"/partner leave, with several", made(text.PartnerLeaveWhich).with(menu(text.T(text.PickLeave), partnerChoices(pacts), "x"))},
		{"/partner leave", made(text.PartnerLeft)},
		{"/partner leave, with nobody", made(text.PartnerLeaveNone)},
		{"Discord would not open a DM: said below a reply", made(text.DmsClosed)},
	}...)
}

func (b *Bot) sceneSpecimens(now time.Time) []specimen {
	two := store.Scene{ID: 1, EndedAt: now, CheckIns: []time.Time{now.Add(24 * time.Hour), now.Add(48 * time.Hour)}}
	one, none := two, two
	one.CheckIns, none.CheckIns = two.CheckIns[:1], nil
	earlier := two
	earlier.EndedAt = now.Add(-2 * time.Hour)
	var size []choice
	for _, s := range sizes {
		size = append(size, choice{text.T(s.label), string(s.size)})
	}
	notNow := sampleButton(text.LabelNotnow)
	return []specimen{
		{"/scene ended", b.noted(two)},
		{"a light one", b.noted(one)},
		{"an earlier one, at a time of day", b.noted(earlier).add(text.T(text.SceneUtc))},
		{"so long ago that nothing comes", b.noted(none)},
		{"to somebody who wants one line alone", b.noted(store.Scene{ID: 1, EndedAt: now, LineAt: now.Add(24 * time.Hour)})},
		{"to somebody who wants nothing", b.noted(store.Scene{ID: 1, EndedAt: now, Nothing: true})},
		{"an hour later, for those who want it", hereSays(1, store.Here{})},
		{"in place of all check-ins, for those who want it", hereSays(1, store.Here{Instead: true})},
		{"with several partners and none named", made(text.SceneWhich).with(menuOf(mostPartners, text.T(text.PickPartner), partnerChoices(pacts), "x"))},
		{"with nobody linked", made(text.SceneAlone).with(sampleButton(text.LabelAlone), notNow)},
		{"with nobody linked, for the first time", made(text.SceneAlone).add("", made(text.TermsAlone).content()).with(sampleButton(text.LabelAgree), notNow)},
		{"Change", made(text.SceneChange).with(menu(text.T(text.PickSize), size, "x")).with(sampleButton(text.LabelTime), sampleButton(text.LabelUndo))},
		{"Another time", ask(form{title: text.T(text.FormWhen), route: "x", fields: []field{{label: text.T(text.FormWhenField), hint: text.T(text.FormWhenHint)}}})},
		{"Undo", made(text.SceneUndone)},
		{"/scene undo, with nothing to undo", made(text.SceneUndoNone)},
		{"/scene list", upcomingList([]store.Upcoming{
			{At: now.Add(24 * time.Hour), Partners: []store.Private{store.Secret("Sam"), store.Secret("Kit")}}, {At: now.Add(48 * time.Hour)},
			{At: now.Add(72 * time.Hour), Partners: []store.Private{store.Secret("Sam")}, Round: true}, {At: now.Add(96 * time.Hour), Round: true},
			{At: now.Add(120 * time.Hour), Line: true},
		})},
		{"/scene list, with nothing", upcomingList(nil)},
		{"to the partner, in the DM", noticeSays(1, store.Notice{Scene: two})},
		{"to a partner who wants one line alone", noticeSays(1, store.Notice{Scene: store.Scene{ID: 1, EndedAt: now, LineAt: now.Add(24 * time.Hour)}})},
		{"to a partner who is asked first", noticeSays(1, store.Notice{AskFirst: true, Scene: none})},
		{"OK", made(text.NoticeOk)},
		{"OK, to one check-in", made(text.NoticeOkOne)},
		{"OK, by somebody who has paused since", made(text.NoticePaused)},
		{"This wasn't ours", made(text.NoticeNone)},
		{"Ask me first", made(text.NoticeFirst)},
		{"to the partner, in the DM: one of several within a day", noticeSays(1, store.Notice{Scene: two, Several: true})},
		{"to a partner who is asked first: one of several", noticeSays(1, store.Notice{AskFirst: true, Several: true, Scene: none})},
		{"Stop these", stoppedSays([]string{"1", "x"}, store.Secret("Sam"))},
		{"Let them come again", made(text.NoticeLetcome)},
		{"/scene ended, again and again", oftenSays(two)},
	}
}

func (b *Bot) checkinSpecimens(now time.Time) []specimen {
	at := func(step store.Step, change func(*store.CheckIn)) say {
		c := store.CheckIn{Step: step, LaterLeft: 2, LaterAt: now.Add(3 * time.Hour), Readers: someone}
		if change != nil {
			change(&c)
		}
		return b.checkinShown(1, c)
	}
	none := func(*store.CheckIn) {}
	low := func(c *store.CheckIn) { c.Answer = tired }
	good := func(c *store.CheckIn) { c.Answer = bright }
	each := func(c *store.CheckIn) { c.Answer, c.Readers, c.Several = bright, several, true }
	last := func(c *store.CheckIn) { c.Last = true }
	shared := func(c *store.CheckIn) {
		c.Answer, c.Readers = bright, chose(someone, store.ShareWords)
		c.Answer.Shared = true
	}
	kept := func(c *store.CheckIn) { c.Answer, c.Last = tired, true }
	return []specimen{
		{"it comes", at(store.StepPrompt, none)},
		{"the last one comes", at(store.StepPrompt, last)},
		{"late", at(store.StepPrompt, func(c *store.CheckIn) { c.Late = true })},
		{"once more, for those who want it", at(store.StepPrompt, func(c *store.CheckIn) { c.Again = true })},
		{"to somebody whose previews need not be neutral", at(store.StepPrompt, func(c *store.CheckIn) { c.Plain = true })},
		{"Open", at(store.StepFeeling, none)},
		{"Open, to somebody with several partners", at(store.StepFeeling, each)},
		{"Low", at(store.StepNeed, low)},
		{"Low, with a care card", at(store.StepNeed, func(c *store.CheckIn) { c.Answer, c.Card = tired, blanket })},
		{"Good", at(store.StepNeed, good)},
		{"what would help was answered", at(store.StepWords, good)},
		{"Write something", ask(form{title: text.T(text.FormWords), route: "x", fields: []field{{label: text.T(text.FormWordsField)}}})},
		{"Write something, beside what was typed", ask(form{title: text.T(text.FormWords), route: "x", fields: []field{{label: text.T(text.FormWordsMore)}}})},
		{"who sees this", at(store.StepShare, low)},
		{"who sees this, with a care card", at(store.StepShare, func(c *store.CheckIn) { c.Answer, c.WithCard = tired, true })},
		{"who sees this, of what the card says", at(store.StepShare, func(c *store.CheckIn) { c.Answer.Need, c.WithCard = store.NeedCard, true })},
		{"shared, with a care card", at(store.StepDone, func(c *store.CheckIn) { shared(c); c.WithCard = true })},
		{"who sees this, with several", at(store.StepShare, each)},
		{"typed, with a file", at(store.StepShare, func(c *store.CheckIn) { c.Answer = bright; c.Answer.OnlyWords = true })},
		{"typed: the message above it", at(store.StepShare, func(c *store.CheckIn) { c.Panel = true })},
		{"nothing was answered", at(store.StepShare, none)},
		{"Share my words", at(store.StepDone, shared)},
		{"Share my words, in a link that opens together", at(store.StepDone, func(c *store.CheckIn) { shared(c); c.Readers[0].Waits = true })},
		{"the same, with something that would help", at(store.StepDone, func(c *store.CheckIn) { shared(c); c.Answer.Need, c.Readers[0].Waits = "call", true })},
		{"shared as they have set", at(store.StepDone, func(c *store.CheckIn) { shared(c); c.AsSet = true })},
		{"kept as they have set", at(store.StepDone, func(c *store.CheckIn) { c.Answer, c.AsSet = bright, true })},
		{"Only me, after a low, to the last one", at(store.StepDone, kept)},
		{"Change", at(store.StepChange, func(c *store.CheckIn) { shared(c); c.Changing = true })},
		{"Change, more than a day after sharing", at(store.StepChange, func(c *store.CheckIn) {
			shared(c)
			c.Changing, c.Answer = true, store.Answer{Feeling: "low", Need: "call", Shared: true, Forgotten: true}
		})},
		{"Later", at(store.StepLater, none)},
		{"Later, a third time", made(text.CheckinLaterNone)},
		{"Skip", at(store.StepSkipped, none)},
		{"Skip, to the last one", at(store.StepSkipped, last)},
		{"a file with no words, in the DM", made(text.RemarkOnlyWords)},
		{"words, with nothing open and nobody linked", made(text.RemarkNobody).with(helpButton())},
	}
}

func (b *Bot) helpFirstSpecimens() []specimen {
	c := store.CheckIn{Step: store.StepShare, LaterLeft: 2, Answer: heavy, Readers: someone}
	each := c
	each.Readers, each.Several = several, true
	part := store.After{Step: store.StepShare, Topic: store.TopicKeep, Readers: someone, Parts: []store.Part{{Topic: store.TopicKeep, Answer: heavy, Readers: someone}}}
	return []specimen{
		{"an answer", b.checkinShown(1, c)},
		{"an answer, with several partners", b.checkinShown(1, each)},
		{"something to keep", b.afterShown(1, part)},
		{"typed with no check-in open", b.offerShown(1, store.Offer{Answer: heavy, Readers: someone})},
		{"Send, of a word back", made(text.RelaySent)},
		{"Change, and nothing is left of it", made(text.TalkBack)},
		{"Keep, of a word back", made(text.PhraseKept)},
	}
}

func (b *Bot) afterSpecimens(now time.Time) []specimen {
	once := store.After{Step: store.StepPrompt, Last: true, Readers: someone}
	at := func(step store.Step, moment bool, parts ...store.Part) say {
		a := store.After{Step: step, Moment: moment, Last: moment, LaterLeft: 2, LaterAt: now.Add(24 * time.Hour), Readers: someone, Parts: parts}
		if len(parts) > 0 {
			a.Topic = parts[0].Topic
		}
		return b.afterShown(1, a)
	}
	part := func(topic store.Topic, level store.Level) store.Part {
		p := store.Part{Topic: topic, Answer: aTeaTime, Readers: chose(someone, level), Settled: level != ""}
		p.Answer.Shared = level == store.ShareWords
		return p
	}
	written := func(topic store.Topic) reply {
		t := topics[topic]
		return ask(form{title: text.T(t.label), route: "x", fields: []field{{label: text.T(t.field)}}})
	}
	return []specimen{
		{"it comes", at(store.StepPrompt, false)},
		{"Open", at(store.StepFeeling, false)},
		{"Something to keep", written(store.TopicKeep)},
		{"it was written", at(store.StepShare, false, part(store.TopicKeep, ""))},
		{"Share my words", at(store.StepShare, false, part(store.TopicKeep, store.ShareWords))},
		{"Something to change", written(store.TopicChange)},
		{"Only me", at(store.StepShare, false, part(store.TopicChange, store.ShareKept))},
		{"Ask me later", at(store.StepLater, false)},
		{"Skip", b.afterShown(1, store.After{Step: store.StepSkipped, Last: true, Readers: someone})},
		{"it comes, in a link for one scene", b.afterShown(1, once)},
		{"a day later", at(store.StepPrompt, true)},
		{"Open, a day later", at(store.StepFeeling, true)},
		{"Write it down", written(store.TopicMoment)},
		{"Share my words, a day later", at(store.StepShare, true, part(store.TopicMoment, store.ShareWords))},
	}
}

func talkSpecimens() []specimen {
	return []specimen{
		{"it asks first", talkSays("1", store.Talk{Readers: someone})},
		{"it asks first, with several partners", talkSays("1", store.Talk{Readers: several})},
		{"No", made(text.TalkNo)},
		{"Yes, tell Sam", talkSays("1", store.Talk{Readers: chose(someone, store.ShareWords)})},
		{"Yes, to one of several", talkSays("1", store.Talk{Readers: append(chose(several[:1], store.ShareWords), several[1])})},
		{"Take it back", toldSays("1", store.Talk{Readers: someone})},
		{"Take it back, with several partners", toldSays("1", store.Talk{Readers: several})},
	}
}

func relaySpecimens() []specimen {
	of := func(r store.Relay) say {
		r.From, r.Read = store.Secret("Sam"), true
		if r.Level == "" {
			r.Level = store.ShareWords
		}
		return relaySays(1, 0, r)
	}
	long := wrote(store.Answer{}, strings.Repeat("I keep thinking about it. ", 80))
	out := []specimen{
		{"it comes", relaySays(1, 0, store.Relay{})},
		{"Not now", made(text.RelayLater).with(sampleButton(text.LabelRead))},
		{"Read: something hard", of(store.Relay{Answer: tired})},
		{"Read: something hard, with their care card", of(store.Relay{Answer: tired, Card: blanket})},
		{"Read: something good", of(store.Relay{Answer: bright})},
		{"Read, from somebody who has left", relaySays(1, 0, store.Relay{Read: true, Level: store.ShareWords, Answer: bright})},
		{"Read: long words, the second message", relaySays(1, 1, store.Relay{Read: true, Level: store.ShareWords, Answer: long})},
		{"Read: thinking of you", of(store.Relay{Touch: true})},
		{"Read: they'd like to talk", of(store.Relay{About: store.TopicTalk})},
		{"Read: something to keep", of(store.Relay{About: store.TopicKeep, Answer: aTeaTime})},
		{"Read: something to change", of(store.Relay{About: store.TopicChange, Answer: aTeaTime})},
		{"Read: one moment", of(store.Relay{About: store.TopicMoment, Answer: aTeaTime})},
		{"Send a word back", backForm(&event{args: []string{"1"}}, "x", store.Private{})},
		{"a word was sent back", of(store.Relay{Answer: bright, Sent: true, Back: store.Secret("x")})},
	}
	for _, g := range []struct {
		what string
		a    store.Answer
	}{
		{"kind words", store.Answer{Need: "kind"}}, {"a call", store.Answer{Need: "call"}}, {"quiet company", store.Answer{Need: "company"}},
		{"space", store.Answer{Need: "space"}}, {"nothing now", store.Answer{Need: "nothing"}}, {"what the card says", store.Answer{Need: store.NeedCard}}, {"good, and no need", store.Answer{Feeling: "good"}},
		{"hard, and no need", store.Answer{Feeling: "low"}},
	} {
		out = append(out, specimen{"Read, just the gist: " + g.what, of(store.Relay{Level: store.ShareGist, Answer: g.a})})
	}
	for _, a := range []store.Answer{
		{Feeling: "low", Need: "space"}, {Feeling: "flat", Need: "kind"}, {Feeling: "ok", Need: "company"}, {Feeling: "good", Need: "call"},
		{Feeling: "glowing"}, {Feeling: "mixed", Need: "nothing"}, {Feeling: "numb", Need: store.NeedCard},
	} {
		out = append(out, specimen{"Read, tapped and not written: " + feltAs(a.Feeling), of(store.Relay{Answer: a})})
	}
	return out
}

func offerSpecimens() []specimen {
	return []specimen{
		{"words", offerSays(1, store.Offer{Answer: aTeaTime, Readers: several})},
		{"For Sam", offerSays(1, store.Offer{Answer: aTeaTime, Readers: chose(someone, store.ShareWords), Done: true})},
		{"Forget it", made(text.OfferForgotten)},
	}
}

// blanket is somebody's care card.
var blanket = store.Card{
	Helps: store.Secret("A short call, a blanket"), Worse: store.Secret("Advice"), Reach: store.Secret("A text first"),
	Comfort: store.Secret("Soup, and an old film"), Avoid: store.Secret("Calm down"),
}

func careSpecimens(now time.Time) []specimen {
	one := store.Gifts{Pact: 1, To: store.Secret("Sam"), Left: []store.Gift{{ID: 1, At: now}}}
	full, many := one, one
	for id := range int64(4) {
		full.Left = append(full.Left, store.Gift{ID: id + 2, At: now})
	}
	full.Full, many.Left = true, append(full.Left, store.Gift{ID: 6, At: now})
	args := []string{"1", "x"}
	return []specimen{
		{"/care card, for the first time", made(text.TermsCard).with(sampleButton(text.LabelAgree), sampleButton(text.LabelNotnow))},
		{"/care card", ask(cardForm(store.Card{}))},
		{"the card was written", made(text.CareCardKept)},
		{"the card was emptied", made(text.CareCardCleared)},
		{"/care show", made(text.CareShowMine).add(cardSays(blanket, mostListed))},
		{"/care show, with none", made(text.CareCardNone)},
		{"/care show, of a partner", made(text.CareShow).add(cardSays(blanket, mostListed))},
		{"/care show, of whomever there is none to show", made(text.CareShowNone)},
		{"/care words, with a partner named", ask(giftForm(args))},
		{"kind words were written", giftsSay(args, made(text.CareWordsKept), one)},
		{"/care words, with none named of several", made(text.CareWordsWhich).with(menu(text.T(text.PickGift), partnerChoices(pacts), "x"))},
		{"/care words, with nothing there", giftsSay(args, line(), store.Gifts{Pact: 1, To: one.To})},
		{"/care words, with no room", giftsSay(args, made(text.CareWordsFull), full)},
		{"Remove", giftsSay(args, made(text.CareWordsRemoved), one)},
		{"Remove, of somebody who can't be named", made(text.CareWordsRemoved)},
		{"/care words, with more than five on the list", giftsSay(args, line(), many)},
	}
}

func (b *Bot) settingsSpecimens() []specimen {
	berlin := store.Settings{Zone: "Europe/Berlin", Marks: []time.Duration{12 * time.Hour, 36 * time.Hour}}
	out := []specimen{
		{"/settings, for the first time", made(text.TermsKeep).with(sampleButton(text.LabelAgree), sampleButton(text.LabelNotnow))},
		{"/settings", b.panelOf(store.Settings{})},
		{"one was changed", say{words: append(made(text.SettingsSaved).words, b.panelOf(berlin).words...)}},
		{"a city", b.confirmZone("Berlin")},
		{"a city of which there are several", b.confirmZone("San")},
		{"a city that nobody knows", b.confirmZone("Nowhere at all")},
		{"an offset instead of a city", b.confirmZone("UTC+2")},
		{"times that can't be read", marksRefused("tomorrow", text.SettingsMarksUnread)},
		{"times that are too far off", marksRefused("8 days", text.SettingsMarksFar)},
		{"too many times", marksRefused("1h, 2h, 3h, 4h, 5h, 6h, 7h", text.SettingsMarksMany)},
		{"a note when lows repeat, with no history", made(text.SettingsTrendNeeds)},
	}
	for _, set := range settingsList {
		out = append(out, specimen{text.T(set.name), b.pageOf(set, store.Settings{})})
	}
	return out
}

func (b *Bot) plainSpecimens(now time.Time) []specimen {
	lines, _ := b.lines(context.Background(), &event{args: []string{"1"}})
	file, _ := exported([]byte("{}"))
	out := []specimen{
		{"/care help", b.help()},
		{"More help, on a check-in", lines},
		{"/privacy export", file.say},
		{"/privacy export, for somebody who never agreed", made(text.PrivacyExportNone)},
		{"/checkin pause", made(text.Paused)},
		{"/checkin pause, with an end", pausedUntil(now.Add(72*time.Hour), false)},
		{"/checkin pause, with an end, and no time zone", pausedUntil(now.Add(72*time.Hour), true)},
		{"/checkin resume", made(text.Resumed)},
		{"below any excuse, what was written into a form", say{words: handBack(&event{inForm: true, options: map[string]string{formField: "Smiling, still."}})}},
	}
	for i, page := range aboutPages {
		out = append(out, specimen{"/privacy about: " + text.T(page.label), b.aboutPage(i)})
	}
	return out
}

// excuseSpecimens are all of them by themselves.
func excuseSpecimens() (out []specimen) {
	for _, e := range excuses {
		out = append(out, specimen{e.err.Error(), made(e.key)})
	}
	return append(out, specimen{"a fault of ours", made(text.ErrInside)})
}

func (b *Bot) commandSpecimens() (out []specimen) {
	for _, c := range b.commands() {
		s := line(c.Description)
		for _, o := range c.Options {
			s = s.add("/" + c.Name + " " + o.Name + ": " + o.Description)
			for _, option := range o.Options {
				s = s.add("   " + option.Name + ": " + option.Description + choicesOf(option))
			}
		}
		out = append(out, specimen{"/" + c.Name, s})
	}
	return out
}

func choicesOf(o *discordgo.ApplicationCommandOption) string {
	var all []string
	for _, c := range o.Choices {
		all = append(all, c.Name)
	}
	if len(all) == 0 {
		return ""
	}
	return " (" + strings.Join(all, " | ") + ")"
}
