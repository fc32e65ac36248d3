package bot

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aftercare/bot/discordtest"
	"aftercare/bot/text"
	"aftercare/store"
)

// evening plays a conversation over discordtest's gateway and collects every
// custom id that anybody sees, by who saw it.
type evening struct {
	*house
	alex, sam, kit, robin *discordtest.Person

	owners map[string]map[string]bool // custom id -> names
	values map[string][]string        // custom id of a menu -> what it offers
}

func newEvening(t *testing.T) *evening {
	h := &house{t: t, now: time.Now}
	time.Sleep(time.Until(houseBegins))
	h.build()
	return &evening{
		house: h, owners: map[string]map[string]bool{}, values: map[string][]string{},
		alex: h.discord.Person("alex"), sam: h.discord.Person("sam"), kit: h.discord.Person("kit"), robin: h.discord.Person("robin"),
	}
}

// settle lets all that is due happen, and notes the buttons that stand there.
func (v *evening) settle() {
	v.t.Helper()
	time.Sleep(2 * time.Second)
	synctest.Wait()
	v.deliver()
	synctest.Wait()
	for _, p := range []*discordtest.Person{v.alex, v.sam, v.kit, v.robin} {
		for _, m := range append(p.Sees(), p.SeesInServer()...) {
			v.note(p, m.Components)
		}
	}
}

func (v *evening) note(p *discordtest.Person, list []discordtest.Component) {
	for _, c := range list {
		v.note(p, c.Components)
		if c.CustomID == "" {
			continue
		}
		if v.owners[c.CustomID] == nil {
			v.owners[c.CustomID] = map[string]bool{}
		}
		v.owners[c.CustomID][p.Name()] = true
		for _, o := range c.Options {
			if !slices.Contains(v.values[c.CustomID], o.Value) {
				v.values[c.CustomID] = append(v.values[c.CustomID], o.Value)
			}
		}
	}
}

// does fails the test if somebody could not do something, and settles.
func (v *evening) does(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	v.settle()
}

func (v *evening) presses(p *discordtest.Person, keys ...text.Key) {
	v.t.Helper()
	for _, key := range keys {
		v.does(p.Press(strings.ReplaceAll(text.All()[key].Say, "{name}", "Alex")))
	}
}

func (v *evening) writes(p *discordtest.Person, words string) {
	v.t.Helper()
	v.does(p.Submit(map[string]string{"": words}))
}

func (v *evening) passes(d time.Duration) {
	time.Sleep(d)
	v.settle()
}

func (v *evening) links(a, b *discordtest.Person) {
	v.t.Helper()
	v.does(a.Run("/partner invite"))
	v.presses(a, text.LabelAgree)
	code := ""
	for _, m := range a.SeesInServer() {
		if c := codeIn.FindString(m.Content); c != "" {
			code = c
		}
	}
	v.does(b.Run("/partner accept code:" + code))
	v.presses(b, text.LabelAgree)
}

// play goes through all that issue 2 has buttons for.
func (v *evening) play() {
	v.t.Helper()
	v.links(v.alex, v.sam)
	v.does(v.alex.Run("/partner list"))
	v.does(v.sam.Run("/partner list")) // the button is both's
	if _, err := v.store.ChangeSettings(v.t.Context(), store.Secret(v.sam.ID()), func(s *store.Settings) { s.After = true }); err != nil {
		v.t.Fatal(err)
	}
	v.does(v.alex.Run("/scene ended"))
	v.presses(v.sam, text.LabelOk)
	v.presses(v.alex, text.LabelChange, text.LabelTime)
	v.writes(v.alex, "1h ago")
	v.passes(24 * time.Hour)
	v.presses(v.sam, text.LabelLater)
	v.passes(3 * time.Hour)
	v.presses(v.sam, text.LabelOpen, text.FeelingLow, text.NeedCall, text.LabelWrite)
	v.writes(v.sam, "Tired, and a little far away.")
	v.presses(v.sam, text.LabelWords)
	v.presses(v.alex, text.LabelRead, text.LabelSendback)
	v.writes(v.alex, "I'll call you at eight.")
	v.presses(v.sam, text.LabelRead, text.LabelTouch)
	v.presses(v.alex, text.LabelRead)
	v.alex.Type("Quiet today. " + strings.Repeat("I keep smiling about it. ", 100))
	v.settle()
	v.presses(v.alex, text.LabelWords, text.LabelChange, text.LabelSharing, text.LabelGist)
	v.looksBack()
	v.presses(v.sam, text.LabelChange)
	v.passes(24 * time.Hour)
	v.presses(v.alex, text.LabelSkip)
	v.presses(v.sam, text.LabelSkip, text.LabelHelp, text.LabelTotalk)
	v.presses(v.sam, text.LabelTellthem)
	v.passes(20 * time.Hour)
	v.presses(v.sam, text.LabelOpen, text.LabelKeep)
	v.writes(v.sam, "The tea.")
	v.presses(v.sam, text.LabelWords)
	v.standing()
	v.links(v.kit, v.alex)
	v.does(v.alex.Run("/checkin now"))
	v.does(v.robin.Run("/checkin now"))
	v.does(v.alex.Run("/checkin every when:weekdays at 8"))
	v.does(v.alex.Run("/scene ended"))
	v.does(v.alex.Run("/partner leave"))
	v.alex.Type("Thank you for the walk.")
	v.settle()
	v.playCare()
}

// playCare goes through a card and kind words.
func (v *evening) playCare() {
	v.t.Helper()
	v.does(v.kit.Run("/care card"))
	v.does(v.kit.Submit(map[string]string{text.T(text.FormCardHelps): "A long walk"}))
	v.does(v.robin.Run("/care card"))
	v.links(v.kit, v.sam)
	v.links(v.kit, v.robin)
	v.does(v.kit.Run("/care words"))
	v.does(v.kit.Pick("Sam"))
	v.presses(v.kit, text.LabelGift)
	v.writes(v.kit, "For a grey day.")
	for _, when := range []string{"now", "8h ago", "20h ago"} {
		v.does(v.kit.Run("/scene ended partner:@robin when:" + when))
	}
	v.presses(v.robin, text.LabelStopthese)
}

// looksBack goes through alex's own history.
func (v *evening) looksBack() {
	v.t.Helper()
	v.does(v.alex.Run("/care history"))
	v.presses(v.alex, text.LabelHistoryKeep, text.LabelChange, text.LabelFeeling, text.FeelingGood)
	v.does(v.alex.Run("/privacy about"))
	v.presses(v.alex, text.LabelAboutYours)
	v.does(v.alex.Run("/privacy export"))
	v.does(v.alex.Run("/care history"))
	v.presses(v.alex, text.LabelHistoryNotes, text.LabelHistoryRemove, text.LabelHistoryBack, text.LabelHistoryStop, text.LabelHistoryStay)
	account := store.Secret(v.alex.ID())
	for _, route := range []string{"trend/read", "trend/later"} { // which come after five scenes
		v.owners[customID(route, v.bot.ownArgs(account, 7)...)] = map[string]bool{v.alex.Name(): true}
	}
}

// standing goes through the panel of a standing check-in.
func (v *evening) standing() {
	v.t.Helper()
	for _, p := range []*discordtest.Person{v.alex, v.sam} {
		_, err := v.store.ChangeSettings(v.t.Context(), store.Secret(p.ID()), func(s *store.Settings) { s.Zone = "Europe/Berlin" })
		if err != nil {
			v.t.Fatal(err)
		}
	}
	v.does(v.alex.Run("/checkin every"))
	v.does(v.alex.Pick(text.T(text.DayWeek)))
	v.does(v.alex.Pick("19:00"))
	v.presses(v.alex, text.LabelInwords)
	v.writes(v.alex, "every Sunday 19:30")
	v.presses(v.alex, text.LabelSetup)
	v.passes(12 * time.Hour)
	v.does(v.alex.Run("/checkin every"))
	v.does(v.alex.Run("/privacy erase"))
}

// routesOfNobody need no owner: they say the same to everybody, or are a yes to
// one's own invite.
var routesOfNobody = map[string]text.Key{
	"care/lines":      text.Help,
	"declined":        text.Declined,
	"privacy/kept":    text.EraseKept,
	"talk/no":         text.TalkNo,
	"about/first":     text.About,
	"about/kept":      text.AboutKept,
	"about/limits":    text.AboutLimits,
	"about/yours":     text.AboutYours,
	"partner/invited": "",
	"care/agreed":     "",
}

// ofOneself tells whether a route says and does only what concerns whoever takes
// it, so that anybody may take it: see TestSettingsAreOnesOwn.
func ofOneself(route string) bool {
	return strings.HasPrefix(route, "settings") || strings.HasSuffix(route, completing)
}

func TestSettingsAreOnesOwn(t *testing.T) {
	h := newHouse(t)
	alex, kit := h.discord.Person("alex"), h.discord.Person("kit")
	h.link(alex, h.discord.Person("sam"))
	h.link(kit, h.discord.Person("robin"))
	mine, err := h.store.ChangeSettings(t.Context(), store.Secret(alex.ID()), func(s *store.Settings) { s.Zone = "Europe/Berlin" })
	if err != nil {
		t.Fatal(err)
	}
	h.press(kit, customID("settings/set", "much"), "none")
	h.press(kit, customID("settings/set", "share"), "kept")
	h.press(kit, customID("settings/quiet", "from"), "60")
	h.press(kit, customID("settings/zone", "Asia/Kolkata"))
	h.press(kit, customID("settings/marks", "pick"), "12h0m0s")
	theirs, err := h.store.Settings(t.Context(), store.Secret(kit.ID()))
	want := store.Settings{Zone: "Asia/Kolkata", Much: store.MuchNone, Share: store.ShareKept, Quiet: &store.Hours{From: 60, To: 9 * 60}, Marks: []time.Duration{12 * time.Hour}}
	if err != nil || !reflect.DeepEqual(theirs, want) {
		t.Errorf("kit has %+v, %v", theirs, err)
	}
	if now, err := h.store.Settings(t.Context(), store.Secret(alex.ID())); err != nil || !reflect.DeepEqual(now, mine) {
		t.Errorf("alex has %+v, %v", now, err)
	}
	// What can't be chosen changes nothing.
	for _, id := range []string{
		customID("settings/set", "much"), customID("settings/set", "nothing"), customID("settings/quiet", "from"), customID("settings/quiet", "0"),
		customID("settings/marks", "pick"), customID("settings/zone", "../../etc/passwd"), customID("settings/zone"), customID("settings/pick"),
	} {
		h.press(kit, id, "9999")
		h.press(kit, id)
	}
	if now, err := h.store.Settings(t.Context(), store.Secret(kit.ID())); err != nil || !reflect.DeepEqual(now, want) {
		t.Errorf("kit has %+v, %v", now, err)
	}
}

// neutral are the sentences that tell nothing of whose button it was.
var neutral = []text.Key{text.ErrGone, text.SceneNotLinked, text.SceneUndoNone}

func TestNobodyElsesButtons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newEvening(t)
		disconnect := v.connect(v.bot)
		v.play()
		v.checkRoutesSeen()
		before := v.dump()
		for _, id := range slices.Sorted(maps.Keys(v.owners)) {
			for _, p := range []*discordtest.Person{v.alex, v.sam, v.kit, v.robin} {
				if !v.owners[id][p.Name()] {
					v.tries(p, id)
				}
			}
		}
		if after := v.dump(); after != before {
			t.Errorf("the database changed:\n%s", firstChange(before, after))
		}
		if bad := v.log.take(); len(bad) > 0 {
			t.Errorf("the log: %s", bad)
		}
		disconnect()
		v.discord.DropConnections()
		for _, err := range v.discord.Errors() {
			t.Errorf("Discord would refuse: %v", err)
		}
	})
}

// checkRoutesSeen makes sure that the conversation came by every button.
func (v *evening) checkRoutesSeen() {
	v.t.Helper()
	seen := map[string]bool{}
	for id := range v.owners {
		seen[strings.Split(id, ":")[1]] = true
	}
	commands := paths(v.bot.commands())
	for path := range v.bot.routes {
		isOwn := ofOneself(path) || slices.Contains([]string{"scene/alone", "relay/rewrite", "relay/back", "fits/open", "fits/keep", "fits/change"}, path) // see TestForgedButtons
		if !seen[path] && !slices.Contains(commands, path) && !isOwn {
			v.t.Errorf("nobody saw a button of %s", path)
		}
	}
}

// tries lets somebody press, pick and submit what was never shown to them.
func (v *evening) tries(p *discordtest.Person, id string) {
	v.t.Helper()
	route := strings.Split(id, ":")[1]
	key, isNobodys := routesOfNobody[route]
	if isNobodys && key == "" || ofOneself(route) {
		return
	}
	allowed := neutral
	if isNobodys {
		allowed = []text.Key{key}
	}
	v.refused(p, id, allowed, func() callback { return v.press(p, id) })
	v.refused(p, id, allowed, func() callback { return v.submit(p, id, "Words of another") })
	v.refused(p, id, allowed, func() callback { return v.submit(p, id, "2h ago") })
	for _, value := range v.values[id] {
		if !v.isOwnPact(p, value) {
			v.refused(p, id, allowed, func() callback { return v.press(p, id, value) })
		}
	}
}

func (v *evening) isOwnPact(p *discordtest.Person, value string) bool {
	v.t.Helper()
	pacts, err := v.store.Pacts(v.t.Context(), store.Secret(p.ID()))
	if err != nil {
		v.t.Fatal(err)
	}
	value, _, _ = strings.Cut(value, ".") // what to do with it stands behind
	return slices.ContainsFunc(pacts, func(pact store.Pact) bool { return number(pact.ID) == value })
}

// refused checks that somebody hears one neutral sentence, and nothing else
// happens at all.
func (v *evening) refused(p *discordtest.Person, id string, allowed []text.Key, act func() callback) {
	v.t.Helper()
	before := v.commits()
	got := act()
	if after := v.commits(); after != before {
		v.t.Errorf("%s with %s wrote into the database", p.Name(), id)
	}
	isNeutral := slices.ContainsFunc(allowed, func(key text.Key) bool { return says(got.content, key) })
	if !isNeutral || got.kind == 4 && got.flags&flagEphemeral == 0 {
		v.t.Errorf("%s with %s hears: %s", p.Name(), id, got.raw)
	}
}

func firstChange(before, after string) string {
	b, a := strings.Split(before, "\n"), strings.Split(after, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return b[i] + "\n" + a[i]
		}
	}
	return "there are more rows, or fewer"
}

// TestForgedButtons tries row numbers that exist under routes they were not made
// for, by whom they concern and by others.
func TestForgedButtons(t *testing.T) {
	h := newHouse(t)
	alex, sam, kit, robin := h.discord.Person("alex"), h.discord.Person("sam"), h.discord.Person("kit"), h.discord.Person("robin")
	h.link(alex, sam)
	h.link(alex, kit)
	h.run(alex, "scene ended", user6(sam))
	h.pass(24 * time.Hour)
	open := h.newest(sam, "checkin/open")
	h.press(sam, open)
	row := strings.TrimPrefix(open, customID("checkin/open")+":")
	h.press(sam, customID("checkin/feel", row, "low"))
	pacts, err := h.store.Pacts(t.Context(), store.Secret(sam.ID()))
	if err != nil || len(pacts) != 1 {
		t.Fatal(pacts, err)
	}
	h.submit(sam, customID("checkin/write", row), "Far away.")
	h.press(sam, customID("checkin/share", row, number(pacts[0].ID), "words"))
	relay := h.newest(alex, "relay/read")
	if got := h.press(alex, relay); !says(got.content, text.RelayFrom) {
		t.Fatalf("alex reads: %s", got.raw)
	}
	rows := []string{row, strings.TrimPrefix(relay, customID("relay/read")+":"), number(pacts[0].ID), "0", "zzzzzzzzzzzzzz"}
	for route := range h.bot.routes {
		if _, ok := routesOfNobody[route]; ok || ofOneself(route) || slices.Contains(paths(h.bot.commands()), route) && route != "scene/undo" {
			continue
		}
		for _, row := range rows {
			for _, p := range []*discordtest.Person{robin, kit} {
				for _, args := range [][]string{{row, rows[2], "words"}, {row, suits[route]}} {
					if route == "scene/alone" && (p == kit || len(args) > 2) {
						continue // one's own yes, to oneself
					}
					h.forges(p, customID(route, args...), row)
				}
			}
		}
	}
	if bad := h.log.take(); len(bad) > 0 {
		t.Errorf("the log: %s", bad)
	}
}

// suits is what a route takes after the row number, where it does.
var suits = map[string]string{
	"partner/mode": "together", "checkin/feel": "low", "checkin/need": "space", "checkin/go": "share", "scene/notice": "not", "scene/alone": "usual",
}

// The two ways to look for changes do see one.
func TestChangesAreSeen(t *testing.T) {
	h := newHouse(t)
	commits, dump := h.commits(), h.dump()
	h.run(h.discord.Person("robin"), "partner invite")
	if h.commits() != commits || h.dump() != dump {
		t.Error("a question wrote into the database")
	}
	h.press(h.discord.Person("robin"), customID("partner/invited"))
	if h.commits() == commits || h.dump() == dump {
		t.Error("an invite was not seen in the database")
	}
}

func (h *house) forges(p *discordtest.Person, id, value string) {
	h.t.Helper()
	before := h.commits()
	for _, got := range []callback{h.press(p, id), h.press(p, id, value), h.submit(p, id, "2h ago")} {
		if strings.Contains(got.content, "Sam") || strings.Contains(got.content, "Alex") || strings.Contains(got.content, "Far away") {
			h.t.Errorf("%s with %s hears of others: %s", p.Name(), id, got.raw)
		}
		for _, wrong := range wrongAnswer([]byte(got.raw)) {
			h.t.Errorf("%s with %s: %s: %s", p.Name(), id, wrong, got.raw)
		}
	}
	if after := h.commits(); after != before {
		h.t.Errorf("%s with %s wrote into the database", p.Name(), id)
	}
}

// Guesses at codes run out, and then the right one is answered as a wrong one.
func TestGuessesRunOut(t *testing.T) {
	h := newHouse(t)
	alex, robin, kit := h.discord.Person("alex"), h.discord.Person("robin"), h.discord.Person("kit")
	code := codeIn.FindString(h.press(alex, customID("partner/invited")).content)
	guess := func(p *discordtest.Person, code string) text.Key {
		got := h.run(p, "partner accept", text3("code", code))
		for _, key := range []text.Key{text.PartnerCodeNone, text.PartnerCodeOften, text.PartnerFrom} {
			if says(got.content, key) {
				return key
			}
		}
		t.Fatalf("%s hears %s", p.Name(), got.raw)
		return ""
	}
	if guess(robin, code) != text.PartnerFrom {
		t.Error("the right code is unknown")
	}
	for range 5 {
		if guess(robin, "AAAAA-AAAAA") != text.PartnerCodeNone {
			t.Error("a wrong code is known")
		}
	}
	if guess(robin, code) != text.PartnerCodeOften || guess(robin, "AAAAA-AAAAA") != text.PartnerCodeOften {
		t.Error("robin may guess for ever, or hears which code is right")
	}
	if guess(kit, code) != text.PartnerFrom {
		t.Error("robin used up kit's guesses")
	}
	h.pass(time.Hour)
	if guess(robin, code) != text.PartnerFrom {
		t.Error("robin may never try again")
	}
}
