package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"aftercare/bot/discordtest"
)

// live lets somebody do what they might do now.
func (s *soaking) live(p *inhabitant) {
	switch n := s.rng.IntN(100); {
	case !p.linked && n < 50:
		s.link(p, p.partners[0])
	case n < 58:
		s.press(p)
	case n < 72:
		s.typeWords(p)
	case n < 86:
		s.endScene(p)
	case n < 90:
		s.rewrite(p)
	case n < 93:
		s.by(p, "asks for help", func() error { return p.Run("/care help") })
	case n < 95:
		s.by(p, "undoes", func() error { return p.Run("/scene undo") })
		s.unexpect(append(p.partners, p)...)
	case n < 97:
		s.pause(p)
	case n == 97 && len(p.partners) == 1 && len(p.partners[0].partners) == 1:
		s.leave(p)
	default:
		s.by(p, "lists", func() error { return p.RunInDM("/scene list") })
	}
}

func (s *soaking) endScene(p *inhabitant) {
	if s.now().Sub(p.scene) < 20*time.Hour || !p.linked {
		return
	}
	line := "/scene ended partner:@" + p.partners[s.rng.IntN(len(p.partners))].Name()
	if s.rng.IntN(3) == 0 {
		line += " when:" + strconv.Itoa(1+s.rng.IntN(40)) + "h ago"
	}
	said := s.by(p, line, func() error { return p.Run(line) })
	if !strings.Contains(said, "Noted.") {
		return
	}
	p.scene = s.now()
	for _, o := range p.partners {
		o.scene = s.now()
	}
}

// pause stops everything for somebody, or lets it go on. Without an answer nobody
// knows, and they are taken as paused until they know better.
func (s *soaking) pause(p *inhabitant) {
	if p.paused {
		p.paused = s.by(p, "resumes", func() error { return p.Run("/checkin resume") }) == ""
		return
	}
	s.by(p, "pauses", func() error { return p.Run("/checkin pause") })
	p.paused = true
}

// leave ends somebody's pact, as far as they know.
func (s *soaking) leave(p *inhabitant) {
	said := s.by(p, "leaves", func() error { return p.Run("/partner leave") })
	p.linked = false
	s.unexpect(p)
	if !strings.Contains(said, "Your answers are deleted") {
		return
	}
	for _, tk := range s.tokens {
		if tk.by == p {
			tk.leave()
		}
	}
}

// unexpect is for people whose words may be deleted before they were answered,
// with the scene that they belonged to.
func (s *soaking) unexpect(people ...*inhabitant) {
	for name, tk := range s.tokens {
		if slices.Contains(people, tk.by) && !s.cable.heard(name) {
			tk.typed = false
		}
	}
}

// take notes that words were taken back; the first time counts. What was left more
// than a week ago the bot has forgotten, and it stands where it was read.
func (tk *utterance) take() {
	if tk.taken.IsZero() && time.Since(tk.at) < 6*24*time.Hour {
		tk.taken, tk.diary = time.Now(), slices.Clone(tk.by.diary)
	}
}

// leave notes that their writer left, which reaches what the bot has forgotten too.
func (tk *utterance) leave() {
	if tk.taken.IsZero() {
		tk.taken, tk.diary = time.Now(), slices.Clone(tk.by.diary)
	}
	tk.left = true
}

// mint makes words that can be found again.
func (s *soaking) mint(p *inhabitant, typed bool) (name string, tk *utterance) {
	name = fmt.Sprintf("w%dw", len(s.tokens))
	tk = &utterance{by: p, at: time.Now(), typed: typed && p.linked && !p.paused}
	s.tokens[name] = tk
	return name, tk
}

func (s *soaking) typeWords(p *inhabitant) {
	if !s.conversing(p) || s.pieces(p) >= 12 {
		return
	}
	name, tk := s.mint(p, true)
	s.by(p, "types "+name, func() error { p.Type("Some words, " + name + "."); return nil })
	p.typed = append(p.typed[max(0, len(p.typed)-50):], name)
	tk.about = s.whereabouts(p, name)
}

// pieces counts what somebody typed into the answer that they typed into last: it
// takes 20.
func (s *soaking) pieces(p *inhabitant) (n int) {
	last := ""
	for _, name := range p.typed {
		if tk := s.tokens[name]; tk.about != "" {
			last = tk.about
		}
	}
	for _, name := range p.typed {
		if tk := s.tokens[name]; last != "" && (tk.about == last || tk.about == "") {
			n++
		}
	}
	return n
}

// conversing tells whether something stands in somebody's DM that they may answer
// by typing. A week after that, when it was taken back, or when what it speaks of
// is no longer kept, the bot no longer looks for what it did not hear.
func (s *soaking) conversing(p *inhabitant) bool {
	return slices.ContainsFunc(p.Sees(), func(m discordtest.Message) bool {
		id, _ := strconv.ParseInt(m.ID, 10, 64)
		sent := time.UnixMilli(id>>22 + 1420070400000)
		return m.Author == "bot" && time.Since(sent) < 6*24*time.Hour && s.about(m) != "" && s.kept(m)
	})
}

// kept tells whether what a message speaks of is kept for at least another day. A
// pause may have held the message back until shortly before its end.
func (s *soaking) kept(m discordtest.Message) bool {
	for _, id := range buttonsOf(m) {
		f := aboutPattern.FindStringSubmatch(id)
		if f == nil {
			continue
		}
		delivery, _ := strconv.ParseInt(f[2], 36, 64)
		var kept bool
		err := s.db.QueryRow(`
			SELECT COALESCE(a.forget_at, b.forget_at, e.forget_at, $2) >= $2
			FROM deliveries d
			LEFT JOIN answers a ON a.id = d.answer
			LEFT JOIN shares s ON s.id = d.share
			LEFT JOIN answers b ON b.id = s.answer
			LEFT JOIN checkins c ON c.id = d.checkin
			LEFT JOIN scenes e ON e.id = c.scene
			WHERE d.id = $1`, delivery, s.now().Add(24*time.Hour).UnixMilli()).Scan(&kept)
		return err == nil && kept
	}
	return false
}

// whereabouts tells what words were understood to belong to.
func (s *soaking) whereabouts(p *inhabitant, name string) string {
	for _, m := range slices.Backward(p.Sees()) {
		if m.Author == "bot" && strings.Contains(m.Content, name) {
			if about := s.about(m); about != "" {
				return about
			}
		}
	}
	return ""
}

var aboutPattern = regexp.MustCompile(`^1:(checkin|offer|relay)/\w+:([0-9a-z]+)`)

// about names what the buttons of a message are about.
func (s *soaking) about(m discordtest.Message) string {
	for _, id := range buttonsOf(m) {
		f := aboutPattern.FindStringSubmatch(id)
		if f == nil {
			continue
		}
		delivery, _ := strconv.ParseInt(f[2], 36, 64)
		var about string
		err := s.db.QueryRow(`SELECT kind || COALESCE(checkin, answer, share) FROM deliveries WHERE id = $1`, delivery).Scan(&about)
		if err == nil {
			return strings.Replace(about, "panel", "checkin", 1)
		}
	}
	return ""
}

func buttonsOf(m discordtest.Message) (ids []string) {
	for _, row := range m.Components {
		for _, c := range row.Components {
			ids = append(ids, c.CustomID)
		}
	}
	return ids
}

// rewrite edits or deletes something that was typed. What is deleted while the bot
// does not hear, Discord tells nobody of later.
func (s *soaking) rewrite(p *inhabitant) {
	if len(p.typed) == 0 {
		return
	}
	name := p.typed[len(p.typed)-1]
	if s.rng.IntN(2) == 0 {
		s.by(p, "edits "+name, func() error { return p.Edit(name, "Other words, "+name+".") })
		return
	}
	if !s.calm || !s.stage.discord.Connected() {
		return
	}
	heard := s.cable.heard(name)
	p.typed = p.typed[:len(p.typed)-1]
	s.by(p, "deletes "+name, func() error { return p.Delete(name) })
	s.tokens[name].typed = false
	if heard {
		s.tokens[name].take()
	}
}

// press presses a button on the newest message that has some.
func (s *soaking) press(p *inhabitant) {
	if title, _, open := p.Form(); open {
		s.write(p, title)
		return
	}
	for _, m := range slices.Backward(p.Sees()) {
		buttons := m.Buttons()
		if m.Author != "bot" || len(buttons) == 0 {
			continue
		}
		label := buttons[s.rng.IntN(len(buttons))]
		if slices.Contains([]string{"This wasn't ours", "Ask me first", "More help"}, label) {
			label = buttons[0]
		}
		about := s.about(m)
		if label == "This wasn't ours" {
			s.unexpect(p)
		}
		said := s.by(p, "presses "+label+" under "+fmt.Sprintf("%.60q", m.Content), func() error { return p.Press(label) })
		if strings.HasPrefix(label, "For ") || strings.HasPrefix(label, "Share my words") || strings.HasSuffix(label, ": my words") {
			s.givenAgain(p, about, m.Content)
		}
		if label == "Take it back" && said != "" && !strings.Contains(said, "couldn't note") && !strings.Contains(said, "isn't there") {
			s.takenBack(p, about)
		}
		return
	}
}

// givenAgain notes that words may stand with a partner again, by an act of their own.
func (s *soaking) givenAgain(p *inhabitant, about, content string) {
	for name, tk := range s.tokens {
		if tk.by == p && (tk.about == about && about != "" || strings.Contains(content, name)) {
			tk.taken, tk.left = time.Time{}, false
		}
	}
}

func (s *soaking) takenBack(p *inhabitant, about string) {
	for _, tk := range s.tokens {
		if tk.by == p && tk.about == about && about != "" {
			tk.take()
		}
	}
}

// write fills in the form that is open.
func (s *soaking) write(p *inhabitant, title string) {
	name, tk := s.mint(p, false)
	said := s.by(p, "writes "+name, func() error { return p.Submit(map[string]string{"": "Words in a form, " + name + "."}) })
	if said != "" && title == "In your words" {
		tk.about = s.whereabouts(p, name)
	}
	if said == "" {
		p.CloseForm()
	}
}
