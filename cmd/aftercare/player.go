package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"aftercare/bot/discordtest"
)

// player acts a conversation out on a Discord in the process and hears what the
// bot says.
type player struct {
	discord *discordtest.Discord
	pass    func(time.Duration) // lets time pass
	start   func() error        // the bot
	stop    func() error

	mu    sync.Mutex
	heard []discordtest.Line
	codes []string
}

// hear takes what somebody can see now.
func (p *player) hear(l discordtest.Line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard = append(p.heard, l)
}

// count tells how many lines were heard since they were last taken.
func (p *player) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Count(strings.Join(p.texts(), "\n"), "\n") + min(len(p.heard), 1)
}

func (p *player) texts() (out []string) {
	for _, l := range p.heard {
		out = append(out, l.Text)
	}
	return out
}

// take returns the lines heard since the last time, each person's together: two
// people who are written to at the same moment are written to in any order.
func (p *player) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	slices.SortStableFunc(p.heard, func(a, b discordtest.Line) int { return strings.Compare(a.Person, b.Person) })
	said := p.texts()
	p.heard = nil
	if len(said) == 0 {
		return nil
	}
	return strings.Split(p.nameCodes(strings.Join(said, "\n")), "\n")
}

var codePattern = regexp.MustCompile(`\b[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}\b`)

// nameCodes calls each code of the bot by the order in which it came.
func (p *player) nameCodes(s string) string {
	return codePattern.ReplaceAllStringFunc(s, func(code string) string {
		i := slices.Index(p.codes, code)
		if i < 0 {
			i = len(p.codes)
			p.codes = append(p.codes, code)
		}
		return "CODE-" + strconv.Itoa(i+1)
	})
}

func (p *player) fillCodes(s string) string {
	for i := len(p.codes) - 1; i >= 0; i-- {
		s = strings.ReplaceAll(s, "CODE-"+strconv.Itoa(i+1), p.codes[i])
	}
	return s
}

// act does what one line says.
func (p *player) act(line string) error {
	line = p.fillCodes(line)
	if d, ok := strings.CutPrefix(line, "+"); ok {
		passing, err := time.ParseDuration(d)
		if err != nil {
			return err
		}
		p.pass(passing)
		return nil
	}
	if m := linkedPattern.FindStringSubmatch(line); m != nil {
		return p.link(m[1], m[2])
	}
	if m := opensPattern.FindStringSubmatch(line); m != nil {
		return p.open(p.discord.Person(m[1]), m[2])
	}
	switch line {
	case "the bot stops":
		return p.stop()
	case "the bot starts":
		return p.start()
	}
	for _, a := range acts {
		if m := a.pattern.FindStringSubmatch(line); m != nil {
			return a.do(p.discord.Person(m[1]), m[2:])
		}
	}
	return fmt.Errorf("nobody knows how to do this: %s", line)
}

var linkedPattern = re(`(\w+) and (\w+) are linked`)

// link is the conversation that every other one presumes, played unheard: an
// invite, the code handed over, and two times yes.
func (p *player) link(a, b string) error {
	const yes = "[Yes, and I'm 18 or older]"
	p.take()
	for _, line := range []string{a + ": /partner invite", a + " presses " + yes, "", b + " presses " + yes} {
		if line == "" {
			line = b + ": /partner accept code:CODE-" + strconv.Itoa(len(p.codes))
		}
		if err := p.act(line); err != nil {
			return err
		}
		p.pass(2 * time.Second)
		p.take()
	}
	return nil
}

var (
	opensPattern = re(`(\w+) opens \[file (.*)\]`)
	anyID        = regexp.MustCompile(`"\d{17,20}"`)
	splitSecond  = regexp.MustCompile(`\.\d+Z"`)
)

// open reads the newest file of a name that somebody has before them. Discord's ids in
// it, and the last of its times, depend on who was faster.
func (p *player) open(who *discordtest.Person, name string) error {
	seen := append(who.Sees(), who.SeesInServer()...)
	slices.SortStableFunc(seen, func(a, b discordtest.Message) int {
		return cmp.Or(len(b.ID)-len(a.ID), strings.Compare(b.ID, a.ID))
	})
	for _, m := range seen {
		for _, f := range m.Files {
			if f.Name == name {
				text := anyID.ReplaceAllString(strings.TrimSpace(string(f.Data)), `"(an id)"`)
				p.hear(discordtest.Line{Person: who.Name(), Text: splitSecond.ReplaceAllString(text, `Z"`)})
				return nil
			}
		}
	}
	return fmt.Errorf("%s has no file %s", who.Name(), name)
}

// acts are what people can do, tried in order.
var acts = []struct {
	pattern *regexp.Regexp
	do      func(who *discordtest.Person, m []string) error
}{
	{re(`(\w+): (/.*)`), func(who *discordtest.Person, m []string) error { return who.Run(m[0]) }},
	{re(`(\w+) in the DM: (/.*)`), func(who *discordtest.Person, m []string) error { return who.RunInDM(m[0]) }},
	{re(`(\w+): (.*)`), func(who *discordtest.Person, m []string) error { who.Type(unfold(m[0])); return nil }},
	{re(`(\w+) presses \[(.*)\] under "(.*)"`), func(who *discordtest.Person, m []string) error { return who.PressOn(m[1], m[0]) }},
	{re(`(\w+) presses \[(.*)\]`), func(who *discordtest.Person, m []string) error { return who.Press(m[0]) }},
	{re(`(\w+) picks \[(.*)\]`), func(who *discordtest.Person, m []string) error { return who.Pick(strings.Split(m[0], "], [")...) }},
	{re(`(\w+) writes: (.*)`), func(who *discordtest.Person, m []string) error {
		return who.Submit(map[string]string{"": unfold(m[0])})
	}},
	{re(`(\w+) fills in (.*)`), func(who *discordtest.Person, m []string) error {
		fields := map[string]string{}
		for _, f := range fieldPattern.FindAllStringSubmatch(m[0], -1) {
			fields[f[1]] = unfold(f[2])
		}
		return who.Submit(fields)
	}},
	{re(`(\w+) completes: (/.*)`), func(who *discordtest.Person, m []string) error { return who.Complete(m[0]) }},
	{re(`(\w+) replies to "(.*)": (.*)`), func(who *discordtest.Person, m []string) error {
		_, err := who.Reply(m[0], unfold(m[1]))
		return err
	}},
	{re(`(\w+) edits "(.*)" to "(.*)"`), func(who *discordtest.Person, m []string) error { return who.Edit(m[0], unfold(m[1])) }},
	{re(`(\w+) deletes "(.*)"`), func(who *discordtest.Person, m []string) error { return who.Delete(m[0]) }},
	{re(`(\w+) sends a (file|sticker|voice message|forward|strange thing)(?:: (.*))?`), func(who *discordtest.Person, m []string) error {
		who.Send(discordtest.Sent{
			Content: m[1], Attachment: m[0] == "file", Sticker: m[0] == "sticker", Voice: m[0] == "voice message",
			Forward: m[0] == "forward", UnknownComponent: m[0] == "strange thing",
		})
		return nil
	}},
	{re(`(\w+) (closes|opens) DMs`), func(who *discordtest.Person, m []string) error {
		if m[0] == "closes" {
			who.CloseDMs()
		} else {
			who.OpenDMs()
		}
		return nil
	}},
	{re(`(\w+) (leaves|joins) the server`), func(who *discordtest.Person, m []string) error {
		if m[0] == "leaves" {
			who.LeaveServer()
		} else {
			who.JoinServer()
		}
		return nil
	}},
}

// fieldPattern is one field of a form and what is written into it.
var fieldPattern = regexp.MustCompile(`"([^"]*)": "([^"]*)"`)

func re(pattern string) *regexp.Regexp { return regexp.MustCompile(`^(?s:` + pattern + `)$`) }

var foldPattern = regexp.MustCompile(`(.+) \(to (\d+) characters\)$`)

// unfold lets a line of a conversation stand for many: \n is a new line, and
// "words (to 4000 characters)" are the words again and again.
func unfold(s string) string {
	s = strings.ReplaceAll(s, `\n`, "\n")
	m := foldPattern.FindStringSubmatch(s)
	if m == nil {
		return s
	}
	n, _ := strconv.Atoi(m[2])
	long := strings.Repeat(m[1]+" ", n/(len(m[1])+1)+1)
	return strings.TrimSpace(long[:n-1]) + "."
}
