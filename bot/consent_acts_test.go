package bot

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"aftercare/bot/discordtest"
	"aftercare/bot/text"
	"aftercare/store"
)

// act lets somebody do something.
func (c *consent) act() {
	p := one(c, c.people)
	switch n := c.rng.IntN(100); {
	case n < 45:
		c.press(p)
	case n < 60:
		c.types(p)
	case n < 68:
		c.passes(one(c, []time.Duration{time.Hour, 5 * time.Hour, 13 * time.Hour, 24 * time.Hour}))
		if _, err := c.store.Forget(c.t.Context()); err != nil {
			c.t.Error(err)
		}
		c.settle()
		c.note("time passes")
	case n < 76:
		c.run(p, one(c, []string{"/scene ended", "/scene ended partner:@sam", "/scene ended partner:@kit", "/scene ended partner:@sam partner2:@kit", "/scene ended when:3h ago", "/scene undo", "/scene list"}))
	case n < 80:
		c.run(p, one(c, []string{"/checkin pause", "/checkin now", "/checkin resume", "/checkin resume", "/settings", "/partner list", "/care help", "/care card", "/care history", "/privacy export", "/care clear"}))
	case n < 82:
		c.care(p)
	case n < 83:
		c.rewrite(p)
	case n < 84:
		c.erase(p)
	case n < 85:
		c.leave(p)
	case n < 89:
		c.relink(p)
	case n < 94:
		c.pick(p)
	default:
		c.probe()
	}
}

func (c *consent) run(p *discordtest.Person, line string) {
	c.note("%s: %s", p.Name(), line)
	if p.Run(line) != nil {
		return
	}
	c.settle()
	switch line {
	case "/checkin pause":
		agreed, err := c.store.Agreed(c.t.Context(), store.Secret(p.ID()))
		c.paused[p.Name()] = agreed && err == nil
	case "/checkin resume":
		c.paused[p.Name()] = false
	}
}

func (c *consent) mint(p *discordtest.Person) string {
	name := fmt.Sprintf("zq%dzq", len(c.said))
	c.said[name] = &spoken{by: p}
	return name
}

var marked = regexp.MustCompile(`zq\d+zq`)

// about names what a message is about: its buttons carry a delivery, and that a subject.
func (c *consent) about(m discordtest.Message) (subject, checkin string) {
	for _, id := range idsOf(m.Components) {
		f := strings.Split(id, ":")
		if len(f) < 3 {
			continue
		}
		n, err := strconv.ParseInt(f[2], 36, 64)
		if err != nil {
			continue
		}
		got := c.column(fmt.Sprintf(`
			SELECT COALESCE('answer ' || (SELECT a.id FROM answers a WHERE a.checkin = d.checkin), 'checkin ' || d.checkin, 'answer ' || d.answer, 'share ' || d.share, '') || '/' || COALESCE(d.checkin, '')
			FROM deliveries d WHERE d.id = %d`, n))
		if len(got) == 1 {
			subject, checkin, _ = strings.Cut(got[0], "/")
			return subject, checkin
		}
	}
	return "", ""
}

// lastWords returns the row of the newest words.
func (c *consent) lastWords() string {
	return c.column(`SELECT COALESCE(MAX(id), 0) FROM words`)[0]
}

// types has somebody type.
func (c *consent) types(p *discordtest.Person) {
	name, last := c.mint(p), c.lastWords()
	c.note("%s types %s", p.Name(), name)
	p.Type("Some words, " + name + ".")
	c.settle()
	c.typed[p.Name()] = append(c.typed[p.Name()], name)
	c.place(name, last)
	c.bySetting(p)
}

// place notes what words belong to that were written after some others.
func (c *consent) place(name, last string) {
	got := c.column(`
		SELECT 'answer ' || a.id || '/' || COALESCE('share ' || a.reply_to, '')
		FROM words w JOIN answers a ON a.id = w.answer WHERE w.id > ` + last)
	if len(got) == 1 {
		c.said[name].subject, c.said[name].replyTo, _ = strings.Cut(got[0], "/")
	}
}

// bySetting notes what is passed on, or kept, by a setting: the check-in says so.
func (c *consent) bySetting(p *discordtest.Person) {
	for _, m := range p.Sees() {
		if together := strings.Contains(m.Content, "It goes to "); together && m.Author == "bot" {
			set, err := c.store.Settings(c.t.Context(), store.Secret(p.ID()))
			if subject, checkin := c.about(m); err == nil && set.Share == store.ShareWords {
				c.give(subject, p, c.partnersIn(checkin, p), true)
			}
		}
		if m.Author == "bot" && strings.Contains(m.Content, "as you've set") {
			subject, checkin := c.about(m)
			c.give(subject, p, c.partnersIn(checkin, p), strings.Contains(m.Content, "Passed on"))
		}
	}
}

// partnersIn returns those in the scenes of a check-in whom somebody is linked with.
func (c *consent) partnersIn(checkin string, p *discordtest.Person) (out []string) {
	if checkin == "" {
		return nil
	}
	for _, id := range c.column(`
		SELECT DISTINCT i.person FROM participants i JOIN checkins c ON c.scene = i.scene
		WHERE c.id = ` + checkin + ` OR c.joined = ` + checkin) {
		if o := c.rows[id]; o != nil && o != p && c.linked[[2]string{p.Name(), o.Name()}] {
			out = append(out, o.Name())
		}
	}
	return out
}

func (c *consent) give(subject string, by *discordtest.Person, to []string, yes bool) {
	if subject == "" {
		return
	}
	if c.given[subject] == nil {
		c.given[subject] = map[string]bool{}
	}
	for _, name := range to {
		if was, now := c.given[subject][name], yes && c.linked[[2]string{by.Name(), name}]; was != now {
			c.note("  %s is given %s: %v", name, subject, now)
		}
		c.given[subject][name] = yes && c.linked[[2]string{by.Name(), name}]
	}
}

// everybody is who may be given something.
func (c *consent) everybody() (out []string) {
	for _, p := range c.people {
		out = append(out, p.Name())
	}
	return out
}

// newest returns some of what somebody saw last, of what pleases.
func (c *consent) newest(p *discordtest.Person, pleases func(discordtest.Message) bool) (out []discordtest.Message) {
	for _, m := range slices.Backward(append(p.SeesInServer(), p.Sees()...)) {
		if m.Author == "bot" && pleases(m) && len(out) < 6 {
			out = append(out, m)
		}
	}
	return out
}

// press presses any button of the newest messages, and notes what that gives.
func (c *consent) press(p *discordtest.Person) {
	if title, fields, open := p.Form(); open {
		c.write(p, title, fields)
		return
	}
	with := c.newest(p, func(m discordtest.Message) bool { return len(m.Buttons()) > 0 })
	if len(with) == 0 {
		return
	}
	m := one(c, with)
	label := c.likely(m.Buttons())
	if label == text.T(text.LabelAgree) || label == text.T(text.LabelErase) {
		return // that is for pair, and for erase
	}
	first, _, _ := strings.Cut(m.Content, "\n")
	m = c.target(p, first, label)
	subject, checkin := c.about(m)
	c.note("%s presses [%s] under %.50q (%s)", p.Name(), label, first, subject)
	kept := c.keptOf(p)
	kept[subject] = c.kept(subject)
	if p.PressOn(first, label) != nil {
		return
	}
	c.settle()
	c.forms[p.Name()] = subject
	for _, q := range c.people {
		if label == text.T(text.LabelGift) && q != p && regexp.MustCompile(`(?i)\b`+q.Name()+`\b`).MatchString(m.Content) {
			c.forms[p.Name()] = "gift " + q.Name()
		}
	}
	if route := routeOf(m.Components, label); strings.HasPrefix(route, "talk/") || strings.HasPrefix(route, "after/") {
		return // it says nothing of the words
	}
	if kept[subject] || !c.takes(label) {
		c.pressed(p, label, subject, checkin, kept)
	}
	c.bySetting(p)
}

// target returns the message on which a button is pressed: the newest of those
// that look alike.
func (c *consent) target(p *discordtest.Person, first, label string) (out discordtest.Message) {
	for _, m := range append(p.Sees(), p.SeesInServer()...) {
		newer := len(m.ID) > len(out.ID) || len(m.ID) == len(out.ID) && m.ID > out.ID
		if newer && strings.Contains(m.Content, first) && slices.Contains(m.Buttons(), label) {
			out = m
		}
	}
	return out
}

// routeOf returns where the button with a label leads.
func routeOf(list []discordtest.Component, label string) string {
	for _, c := range list {
		if route := routeOf(c.Components, label); route != "" {
			return route
		}
		if f := strings.Split(c.CustomID, ":"); c.Label == label && len(f) > 1 {
			return f[1]
		}
	}
	return ""
}

// takes tells whether a button takes something back.
func (c *consent) takes(label string) bool {
	return slices.Contains([]string{text.T(text.LabelTakeback), text.T(text.LabelForget), text.T(text.LabelGist), text.T(text.LabelKept)}, label) ||
		strings.HasSuffix(label, ": the gist") || strings.HasSuffix(label, ": nothing")
}

// likely returns one of the buttons, mostly one that leads somewhere.
func (c *consent) likely(labels []string) string {
	leads := slices.DeleteFunc(slices.Clone(labels), func(l string) bool {
		return !slices.Contains([]string{text.T(text.LabelWords), text.T(text.LabelRead), text.T(text.LabelOpen), text.T(text.LabelWrite), text.T(text.LabelSendback), text.T(text.LabelTakeback)}, l) &&
			!strings.HasSuffix(l, ": my words") && !strings.HasPrefix(l, "For ")
	})
	if len(leads) > 0 && c.rng.IntN(3) > 0 {
		return one(c, leads)
	}
	return one(c, labels)
}

// pressed notes what a button gives or takes.
func (c *consent) pressed(p *discordtest.Person, label, subject, checkin string, kept map[string]bool) {
	partner, level, each := strings.Cut(label, ": ")
	switch {
	case label == text.T(text.LabelWords):
		c.give(subject, p, c.partnersIn(checkin, p), true)
	case label == text.T(text.LabelGist), label == text.T(text.LabelKept):
		c.give(subject, p, c.everybody(), false)
	case each:
		c.give(subject, p, []string{strings.ToLower(partner)}, level == "my words")
	case strings.HasPrefix(label, "For "):
		c.give(subject, p, []string{strings.ToLower(strings.TrimPrefix(label, "For "))}, true)
	case label == text.T(text.LabelTakeback), label == text.T(text.LabelForget):
		c.give(subject, p, c.everybody(), false)
		for _, s := range c.said {
			if subject != "" && s.replyTo == subject && s.by == p && s.form && kept[s.subject] {
				c.give(s.subject, p, c.everybody(), false)
			}
		}
	}
}

// write fills in the form that is open.
func (c *consent) write(p *discordtest.Person, title string, fields []string) {
	name, last, from := c.mint(p), c.lastWords(), c.forms[p.Name()]
	words := map[string]string{text.T(text.SettingsFormCity): one(c, []string{"Berlin", "Kolkata", "Sydney"}), text.T(text.FormWhen): "2h ago"}[title]
	if words == "" {
		words = "In a form, " + name + "."
	}
	if !slices.Contains([]string{text.T(text.FormWords), text.T(text.FormBack), text.T(text.FormCard), text.T(text.FormGift), text.T(text.FormWhen), text.T(text.SettingsFormCity)}, title) {
		p.CloseForm()
		return
	}
	c.note("%s writes %q into %q", p.Name(), words, title)
	if p.Submit(map[string]string{fields[0]: words}) != nil {
		p.CloseForm()
		return
	}
	c.settle()
	c.said[name].form = true
	switch title {
	case text.T(text.FormWords): // one that was written before is written over
		c.said[name].subject = from
		if id, ok := strings.CutPrefix(from, "checkin "); ok { // it had no answer before
			if got := c.column(`SELECT id FROM answers WHERE checkin = ` + id); len(got) == 1 {
				c.said[name].subject = "answer " + got[0]
			}
		}
	case text.T(text.FormBack):
		c.place(name, last)
		if share, ok := strings.CutPrefix(from, "share "); ok && c.said[name].subject == "" { // the word before was changed
			got := c.column(`
				SELECT MAX(a.id) FROM answers a JOIN words w ON w.answer = a.id AND w.source IS NULL
				WHERE a.state = 'shared' AND a.reply_to = ` + share + ` HAVING MAX(a.id) IS NOT NULL`)
			c.said[name].subject, c.said[name].replyTo = "answer "+strings.Join(got, ""), from
		}
		c.give(c.said[name].subject, p, c.writersOf(from), true)
	case text.T(text.FormCard):
		c.said[name].subject = "card " + p.Name()
	case text.T(text.FormGift):
		if to, ok := strings.CutPrefix(from, "gift "); ok {
			c.said[name].subject = "gift " + name
			c.give(c.said[name].subject, p, []string{to}, true)
		}
	}
	c.bySetting(p)
}

// writersOf returns who left what somebody answers.
func (c *consent) writersOf(share string) (out []string) {
	id, ok := strings.CutPrefix(share, "share ")
	if !ok {
		return nil
	}
	for _, writer := range c.column(`SELECT a.writer FROM shares s JOIN answers a ON a.id = s.answer WHERE s.id = ` + id) {
		if p := c.rows[writer]; p != nil {
			out = append(out, p.Name())
		}
	}
	return out
}

// rewrite edits or deletes something that was typed.
func (c *consent) rewrite(p *discordtest.Person) {
	typed := c.typed[p.Name()]
	if len(typed) == 0 {
		return
	}
	name := one(c, typed)
	if c.rng.IntN(2) == 0 {
		c.note("%s edits %s", p.Name(), name)
		_ = p.Edit(name, "Other words, "+name+".") // it may be deleted
		c.settle()
		return
	}
	c.note("%s deletes %s", p.Name(), name)
	kept := c.kept(c.said[name].subject)
	if p.Delete(name) == nil {
		c.said[name].gone = kept
		c.settle()
	}
}

// kept tells whether an answer is still kept. A week after it was begun it is not,
// and what of it was read stands where it was read.
func (c *consent) kept(subject string) bool {
	kind, id, ok := strings.Cut(subject, " ")
	if !ok || id == "" || slices.Contains([]string{"card", "gift"}, kind) {
		return true
	}
	column := map[string]string{"checkin": "checkin", "answer": "id", "share": "reply_to"}[kind]
	return len(c.column(`SELECT id FROM answers WHERE `+column+` = `+id)) > 0
}

// keptOf returns what somebody wrote and can still take back.
func (c *consent) keptOf(p *discordtest.Person) map[string]bool {
	kept := map[string]bool{}
	for _, s := range c.said {
		if _, known := kept[s.subject]; !known && s.by == p {
			kept[s.subject] = c.kept(s.subject)
		}
	}
	return kept
}

// care looks at somebody's card, or leaves kind words for them.
func (c *consent) care(p *discordtest.Person) {
	q := one(c, c.people)
	if p == q {
		return
	}
	if c.rng.IntN(2) == 0 {
		c.run(p, "/care show partner:@"+q.Name())
		return
	}
	c.run(p, "/care words partner:@"+q.Name())
	if title, _, open := p.Form(); open && title == text.T(text.FormGift) { // unless some wait already
		c.forms[p.Name()] = "gift " + q.Name()
	}
}

func (c *consent) leave(p *discordtest.Person) {
	q := one(c, c.people)
	if !c.linked[[2]string{p.Name(), q.Name()}] || c.rng.IntN(3) > 0 {
		return
	}
	kept := c.keptOf(p)
	c.run(p, "/partner leave partner:@"+q.Name())
	c.linked[[2]string{p.Name(), q.Name()}], c.linked[[2]string{q.Name(), p.Name()}] = false, false
	for _, s := range c.said {
		if s.by == p && kept[s.subject] && !strings.HasPrefix(s.subject, "gift") { // one that was read may be forgotten
			c.give(s.subject, p, []string{q.Name()}, false)
		}
	}
}

// erase has somebody erase everything: nothing of the bot's stays in their DM, and
// nothing of theirs in anybody's.
func (c *consent) erase(p *discordtest.Person) {
	if c.rng.IntN(3) > 0 {
		return
	}
	kept := c.keptOf(p)
	c.run(p, "/privacy erase")
	first, _, _ := strings.Cut(text.T(text.Erase), "\n")
	if sees := p.SeesInServer(); !strings.HasPrefix(sees[len(sees)-1].Content, first) {
		return // they are nobody
	}
	c.note("%s erases everything", p.Name())
	if err := p.PressOn(first, text.T(text.LabelErase)); err != nil {
		c.t.Error(err)
		return
	}
	c.settle()
	c.erased++
	for _, q := range c.people {
		c.linked[[2]string{p.Name(), q.Name()}], c.linked[[2]string{q.Name(), p.Name()}] = false, false
	}
	for _, s := range c.said {
		if s.by == p && kept[s.subject] && !strings.HasPrefix(s.subject, "gift") {
			c.give(s.subject, p, c.everybody(), false)
		}
	}
	for id, q := range c.rows {
		if q == p {
			delete(c.rows, id)
			c.buried[id] = true
		}
	}
	c.paused[p.Name()] = false
	for _, m := range p.Sees() {
		if m.Author == "bot" && m.Flags&flagEphemeral == 0 {
			c.t.Errorf("this stays in the DM of %s: %q", p.Name(), m.Content)
		}
	}
}

func (c *consent) relink(p *discordtest.Person) {
	q := one(c, c.people)
	if p == q || c.linked[[2]string{p.Name(), q.Name()}] || p != c.alex && q != c.alex || c.paused[p.Name()] || c.paused[q.Name()] {
		return
	}
	c.note("%s and %s link again", p.Name(), q.Name())
	c.pair(p, q)
}

// pick chooses from a menu that stands there.
func (c *consent) pick(p *discordtest.Person) {
	with := c.newest(p, func(m discordtest.Message) bool { return len(menusOf(m.Components)) > 0 })
	if len(with) == 0 {
		c.run(p, "/settings")
		return
	}
	options := one(c, menusOf(with[0].Components)).Options
	label := one(c, options).Label
	c.note("%s picks %q", p.Name(), label)
	if p.Pick(label) == nil {
		c.settle()
	}
	c.bySetting(p)
}

func menusOf(list []discordtest.Component) (out []discordtest.Component) {
	for _, c := range list {
		if len(c.Options) > 0 {
			out = append(out, c)
		}
		out = append(out, menusOf(c.Components)...)
	}
	return out
}
