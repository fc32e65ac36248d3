package discordtest

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const indent = "      "

// Render returns what a person sees of m: its text, then embeds, files and
// components, one line each. Times are relative to m's Discord.
func Render(m Message) string {
	if m.home == nil {
		m.home = New(Options{})
	}
	m.home.mu.Lock()
	defer m.home.mu.Unlock()
	return m.home.render(m)
}

// Draw returns what a person would see of a message, or of a form, that a bot sends
// with this payload.
func (d *Discord) Draw(payload []byte) (string, error) {
	var m struct {
		modal
		Content    string      `json:"content"`
		Components []Component `json:"components"`

		Attachments []attached `json:"attachments"`
	}
	if err := json.Unmarshal(payload, &m); err != nil {
		return "", err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if m.Title == "" {
		drawn := Message{Content: m.Content, Components: m.Components}
		for _, a := range m.Attachments {
			drawn.Files = append(drawn.Files, File{Name: a.Filename, Description: a.Description})
		}
		return d.render(drawn), nil
	}
	m.modal.Components = m.Components
	return d.formText(&Person{name: "them"}, &m.modal), nil
}

func (d *Discord) render(m Message) string {
	text, rest := d.parts(m)
	return strings.Join(append(text, rest...), "\n")
}

// parts returns the lines of m's words and those of its components. Blank
// lines are left out: in a transcript they separate one thing from another.
func (d *Discord) parts(m Message) (text, rest []string) {
	add := func(s string) {
		for line := range strings.Lines(d.readable(s)) {
			if line = strings.TrimRight(line, " \n"); line != "" {
				text = append(text, line)
			}
		}
	}
	add(m.Content)
	for _, e := range m.Embeds {
		add(e.Author.Name)
		add(e.Title)
		add(e.Description)
		for _, f := range e.Fields {
			add(f.Name + ": " + f.Value)
		}
		add(e.Footer.Text)
	}
	for _, f := range m.Files {
		text = append(text, f.face())
	}
	for _, c := range m.Components {
		if c.Type == typeText && len(rest) == 0 {
			add(c.Content) // the words of a message without content
			continue
		}
		rest = append(rest, d.component(c)...)
	}
	return text, rest
}

// face is how a file stands in a message: a picture with the words for whoever
// does not see it.
func (f File) face() string {
	if f.Description != "" {
		return fmt.Sprintf("[picture: %s, %q]", f.Name, f.Description)
	}
	return "[file " + f.Name + "]"
}

// component returns the lines of a top-level component.
func (d *Discord) component(c Component) (lines []string) {
	switch c.Type {
	case typeRow:
		var row []string
		for _, c := range c.Components {
			row = append(row, control(c))
		}
		return []string{strings.Join(row, " ")}
	case typeText:
		return strings.Split(d.readable(c.Content), "\n")
	}
	for _, inner := range c.Components {
		lines = append(lines, d.component(inner)...)
	}
	if c.Accessory != nil {
		lines = append(lines, control(*c.Accessory))
	}
	return lines
}

// control returns a button or a select as it looks.
func control(c Component) string {
	switch {
	case c.Type == typeButton && c.Style == 5:
		return "[" + c.face() + "](" + c.URL + ")"
	case c.Type == typeButton && c.Disabled:
		return "(" + c.face() + ")"
	case c.Type == typeButton:
		return "[" + c.face() + "]"
	}
	var labels []string
	for _, o := range c.Options {
		labels = append(labels, o.Label)
	}
	return "[" + strings.TrimSpace(c.Placeholder+" v: "+strings.Join(labels, " | ")) + "]"
}

// transcript returns the line for something done with m: "" when it is new,
// "in place", "removed".
func (d *Discord) transcript(m *message, how string) string {
	head := "bot, everyone sees"
	switch {
	case m.only != nil:
		head = "bot, only " + m.only.name + " sees"
	case m.channel.with != nil:
		head = "bot -> " + m.channel.with.name
	}
	if how != "" {
		head += ", " + how
	}
	text, rest := d.parts(m.Message)
	first := ""
	if len(text) > 0 {
		first, text = text[0], text[1:]
	}
	if how == "removed" {
		return strings.TrimSpace(head + ": " + cut(first, 60))
	}
	lines := []string{strings.TrimSpace(head + ": " + first)}
	for _, line := range append(text, rest...) {
		lines = append(lines, indent+line)
	}
	return strings.Join(lines, "\n")
}

// formText returns a form as it opens.
func (d *Discord) formText(p *Person, f *modal) string {
	lines := []string{"form for " + p.name + ": " + f.Title}
	for _, c := range f.Components {
		if c.Type == typeText {
			lines = append(lines, "    "+strings.ReplaceAll(d.readable(c.Content), "\n", "\n    "))
		}
	}
	for _, in := range f.inputs() {
		line := "    " + in.label
		switch {
		case in.Value != "":
			line += ": " + strings.ReplaceAll(in.Value, "\n", "\n"+indent)
		case in.Type != typeTextInput:
			line += " " + control(in.Component)
		case in.Placeholder != "":
			line += " (" + in.Placeholder + ")"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func cut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most])
	}
	return s
}

var markup = regexp.MustCompile(`<t:(-?\d+)(?::([a-zA-Z]))?>|<@!?(\d+)>`)

// readable replaces what Discord draws: timestamps and mentions.
func (d *Discord) readable(s string) string {
	return markup.ReplaceAllStringFunc(s, func(all string) string {
		m := markup.FindStringSubmatch(all)
		if m[3] != "" {
			return "@" + d.nameOf(m[3])
		}
		sec, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			return all
		}
		t := time.Unix(sec, 0).UTC()
		if m[2] == "R" {
			return relative(t.Sub(d.now()))
		}
		return t.Format(timeStyle(m[2]))
	})
}

func timeStyle(style string) string {
	switch style {
	case "t":
		return "15:04 UTC"
	case "T":
		return "15:04:05 UTC"
	case "d":
		return "2 Jan 2006"
	case "D":
		return "2 January 2006"
	case "F":
		return "Monday, 2 January 2006 15:04 UTC"
	}
	return "2 Jan 2006 15:04 UTC"
}

// relative says a distance in time as Discord's clients do, except that it
// keeps to hours for three days: the marks of check-ins are hours.
func relative(d time.Duration) string {
	n, unit := math.Round(d.Abs().Minutes()), "minute"
	if n == 0 {
		return "just now"
	}
	if n >= 60 {
		n, unit = math.Round(d.Abs().Hours()), "hour"
	}
	if unit == "hour" && n > 72 {
		n, unit = math.Round(d.Abs().Hours()/24), "day"
	}
	if n != 1 {
		unit += "s"
	}
	if d < 0 {
		return fmt.Sprintf("%.0f %s ago", n, unit)
	}
	return fmt.Sprintf("in %.0f %s", n, unit)
}
