package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"
)

// page is where the demo is read: a terminal, a pipe or a file. Each person has a
// column and a colour.
type page struct {
	out    io.Writer
	width  int
	colour bool
	pause  func(time.Duration) // what the reader needs for what was just written
	people []string            // in order of appearance
	shown  map[string]bool     // runs of lines that were shown before
	prose  []string            // remarks, up to the line that ends the paragraph
	actor  string              // who acts in this step; "" where time passes
	ruled  bool                // the last line is a rule
	broken error               // of the first write that failed
}

const widest, narrowest = 80, 40

func newPage(out io.Writer) *page {
	p := &page{out: out, width: widest, pause: func(time.Duration) {}, shown: map[string]bool{}}
	f, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return p
	}
	p.colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 { // 0: it doesn't know
		p.width = min(max(w, narrowest), widest)
	}
	return p
}

// How long a character takes to read. The narration is to be read; of the rest,
// which is much alike and can be scrolled back to, the gist.
const (
	toNarrate = 15 * time.Millisecond
	toSay     = 5 * time.Millisecond
	toGlance  = 1 * time.Millisecond // at buttons and labels
)

func (p *page) read(perCharacter time.Duration, texts ...string) {
	n := 0
	for _, s := range texts {
		n += columnsOf(s)
	}
	p.pause(time.Duration(n) * perCharacter)
}

// put writes one line, so many columns from the left.
func (p *page) put(from int, line string) {
	line = strings.TrimRight(strings.Repeat(" ", from)+line, " ")
	if _, err := io.WriteString(p.out, strings.ReplaceAll(line, glue, " ")+"\n"); err != nil && p.broken == nil {
		p.broken = err
	}
	p.ruled = false
}

// gap writes an empty line.
func (p *page) gap() { p.put(0, "") }

// remark takes a line of narration, and writes the paragraph when it is over.
func (p *page) remark(line string) {
	if line != "" {
		p.prose = append(p.prose, strings.TrimSpace(strings.TrimPrefix(line, "#")))
		return
	}
	p.narrate()
}

func (p *page) narrate() {
	if len(p.prose) == 0 {
		return
	}
	p.paragraph(strings.Join(p.prose, " "))
	p.prose = nil
}

func (p *page) paragraph(text string) {
	p.gap()
	for _, line := range wrap(p.marked(text), min(p.width, 76)) {
		p.put(0, line)
	}
	p.read(toNarrate, text)
}

// rule is a quiet line right across, with a word on it. Several follow closely.
func (p *page) rule(text string) {
	if !p.ruled {
		p.gap()
	}
	text = strings.ReplaceAll("──── "+text+" ", " ", glue)
	p.put(0, p.dress(text+strings.Repeat("─", max(p.width-columnsOf(text), 0)), faint))
	p.ruled = true
	p.pause(800 * time.Millisecond)
}

// place is where somebody's side of the page begins, and their colour.
func (p *page) place(who string) (from, columns int, colour string) {
	at := slices.Index(p.people, who)
	if at < 0 && who != "" {
		at = len(p.people)
		p.people = append(p.people, who)
	}
	at, step := max(at, 0), p.width/5
	return 2 + at%2*step, p.width - 2 - step, []string{"36", "35", "33"}[at%3]
}

// act writes what somebody does, or that time passes.
func (p *page) act(line string) {
	p.narrate()
	if passes, ok := strings.CutPrefix(line, "+"); ok {
		p.rule(inWords(passes))
		return
	}
	if strings.HasPrefix(line, "the bot ") {
		p.rule(line)
		return
	}
	who, sentence := tellAct(line)
	p.actor = who
	from, columns, colour := p.place(who)
	name, rest, _ := strings.Cut(sentence, " ")
	p.gap()
	for i, l := range wrap(p.dress(name, "1;"+colour)+" "+p.marked(p.chips(rest, colour)), columns-2) {
		p.put(from+min(i, 1)*2, l)
	}
	p.read(toSay, sentence)
}

func inWords(passes string) string {
	d, err := time.ParseDuration(passes)
	switch {
	case err != nil:
		return passes
	case d == 24*time.Hour:
		return "a day later"
	case d%time.Hour == 0:
		return fmt.Sprintf("%d hours later", d/time.Hour)
	}
	return d.String() + " later"
}

// hear writes what came of an act: first what whoever acted sees of it.
func (p *page) hear(all []saying) {
	first := func(s saying) int {
		if s.who == p.actor {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(all, func(a, b saying) int { return first(a) - first(b) })
	for i, s := range all {
		if i > 0 || s.who != p.actor {
			p.gap()
		}
		p.said(s)
	}
	p.actor = ""
}

// said writes one message beside a bar in the colour of whoever sees it.
func (p *page) said(s saying) {
	from, columns, colour := p.place(s.who)
	columns -= 2
	line := func(text string) { p.put(from, p.dress("│", colour)+" "+text) }
	if s.label != "" {
		for _, l := range wrap(p.dress(s.label, faint), columns) {
			line(l)
		}
		p.read(toGlance, s.label)
	}
	for i, t := range p.unfamiliar(s.lines) {
		if buttonRow.MatchString(t) {
			for _, l := range wrap(p.chips(t, colour), columns) {
				line(l)
			}
			p.read(toGlance, t)
			continue
		}
		if s.form && i > 0 {
			t += " ________"
		}
		p.body(t, columns, s.removed, line)
		p.read(toSay, t)
	}
}

// body writes one line of a message. A quotation has a bar of its own.
func (p *page) body(text string, columns int, removed bool, line func(string)) {
	quote, quoted := strings.CutPrefix(text, "> ")
	switch {
	case removed:
		text = p.dress(text, struckOut)
	case quoted:
		for _, l := range wrap(p.dress(quote, slanted), columns-2) {
			line(p.dress("▎", faint) + " " + l)
		}
		return
	default:
		text = p.marked(text)
	}
	for _, l := range wrap(text, columns) {
		line(l)
	}
}

const familiar = 4 // so many lines together, seen before, are not shown again

// unfamiliar leaves out of a message what was shown before word for word, except
// for where it begins: the reader of a page has the rest before their eyes.
func (p *page) unfamiliar(lines []string) (out []string) {
	known := make([]bool, len(lines))
	for i := 0; i+familiar <= len(lines); i++ {
		run := strings.Join(lines[i:i+familiar], "\n")
		for j := i + 1; p.shown[run] && j < i+familiar; j++ {
			known[j] = true
		}
		p.shown[run] = true
	}
	for i, l := range lines {
		switch {
		case !known[i]:
			out = append(out, l)
		case !known[i-1]:
			out = append(out, "… as above")
		}
	}
	return out
}
