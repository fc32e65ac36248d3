package bot

import (
	"strconv"
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"

	"aftercare/bot/text"
)

// say is one message of the bot: words, and rows of buttons or one menu a row.
// It marshals as Discord wants it, and never pings anybody.
type say struct {
	words []string // paragraphs; joined by a line break
	rows  []discordgo.MessageComponent
	keep  bool // change the buttons and leave the words that stand there

	// file comes with the answer to an interaction, and nowhere else. bare takes out
	// the one that stands there.
	file *file
	bare bool
}

// file is what comes beside the words: a picture, or a person's own data.
type file struct {
	name, kind string
	data       []byte
	alt        string // a picture in words, for whoever does not see it; at most mostAlt UTF-16 units
}

const mostAlt = 1024 // Discord's own limit

// line returns a message of some sentences.
func line(words ...string) say { return say{words: words} }

func (s say) add(words ...string) say {
	s.words = append(s.words[:len(s.words):len(s.words)], words...)
	return s
}

// mostListed is how long a message with a list gets, in UTF-16 units. Discord
// takes 2000; there is room for a sentence that comes later.
const mostListed = 1800

// addList adds lines as long as there is room for them.
func (s say) addList(lines []string) say {
	n := codeUnits(s.content())
	for _, l := range lines {
		if n += 1 + codeUnits(l); n > mostListed {
			break
		}
		s = s.add(l)
	}
	return s
}

// with adds a row of buttons.
func (s say) with(buttons ...discordgo.MessageComponent) say {
	s.rows = append(s.rows[:len(s.rows):len(s.rows)], discordgo.ActionsRow{Components: buttons})
	return s
}

func (s say) content() string { return strings.Join(s.words, "\n") }

// payload is a message as Discord takes it.
type payload struct {
	Content    *string                          `json:"content,omitempty"`
	Components []discordgo.MessageComponent     `json:"components"`
	Mentions   discordgo.MessageAllowedMentions `json:"allowed_mentions"`
	Flags      int                              `json:"flags,omitempty"`
	Nonce      string                           `json:"nonce,omitempty"`
	Enforce    bool                             `json:"enforce_nonce,omitempty"`

	// Attachments are all that a message has: what is not named is taken out, and
	// nil leaves them as they are.
	Attachments []attachment `json:"attachments,omitzero"`
}

type attachment struct {
	ID          string `json:"id"` // of the file that comes along
	Filename    string `json:"filename"`
	Description string `json:"description,omitempty"`
}

// attached returns what is put beside the words, if anything is.
func (s say) attached() []attachment {
	switch {
	case s.file != nil:
		return []attachment{{ID: "0", Filename: s.file.name, Description: s.file.alt}}
	case s.bare:
		return []attachment{}
	}
	return nil
}

const (
	flagNoEmbeds = int(discordgo.MessageFlagsSuppressEmbeds)
	flagSilent   = int(discordgo.MessageFlagsSuppressNotifications)
)

func (s say) payload() payload {
	p := payload{
		Components: s.rows,
		Mentions:   discordgo.MessageAllowedMentions{Parse: []discordgo.AllowedMentionType{}},
		Flags:      flagNoEmbeds,
	}
	if content := s.content(); !s.keep {
		p.Content = &content
	}
	if p.Components == nil {
		p.Components = []discordgo.MessageComponent{} // an edit takes away the buttons that were there
	}
	return p
}

// A custom id is a path, as a command is: version, route, and what it is about.
// It holds no name, no account and no words, only row numbers, and a row answers
// only to its owner.
const idVersion = "1"

func customID(route string, args ...string) string {
	return strings.Join(append([]string{idVersion, route}, args...), ":")
}

// number writes a row number into a custom id.
func number(id int64) string { return strconv.FormatInt(id, 36) }

// button returns a button. All look alike: no answer is better than another.
func button(label string, route string, args ...string) discordgo.MessageComponent {
	return discordgo.Button{Label: label, Style: discordgo.SecondaryButton, CustomID: customID(route, args...)}
}

type choice struct{ label, value string }

// menu returns a menu of which one is chosen.
func menu(placeholder string, options []choice, route string, args ...string) discordgo.MessageComponent {
	return menuOf(1, placeholder, options, route, args...)
}

// menuOf returns a menu of which one or more are chosen.
func menuOf(most int, placeholder string, options []choice, route string, args ...string) discordgo.MessageComponent {
	m := discordgo.SelectMenu{MenuType: discordgo.StringSelectMenu, Placeholder: placeholder, CustomID: customID(route, args...)}
	for _, o := range options {
		m.Options = append(m.Options, discordgo.SelectMenuOption{Label: o.label, Value: o.value})
	}
	m.MaxValues = min(most, len(options))
	return m
}

// form is what a person fills in: up to 5 fields.
type form struct {
	title  string
	route  string
	args   []string
	fields []field
}

// field is one text to fill in. An id that is left out is formField.
type field struct {
	id                 string
	label, hint, value string
	max                int // characters
	required           bool
}

// formField is the id of the only field of a form.
const formField = "words"

func (f form) payload() map[string]any {
	rows := []discordgo.MessageComponent{}
	for _, in := range f.fields {
		if in.id == "" {
			in.id = formField
		}
		rows = append(rows, discordgo.ActionsRow{Components: []discordgo.MessageComponent{discordgo.TextInput{
			CustomID: in.id, Label: in.label, Placeholder: in.hint, Value: in.value,
			Style: discordgo.TextInputParagraph, Required: in.required, MaxLength: in.max,
		}}})
	}
	return map[string]any{"title": f.title, "custom_id": customID(f.route, f.args...), "components": rows}
}

// helpButton is on every prompt.
func helpButton() discordgo.MessageComponent { return button(text.T(text.LabelHelp), "care/lines") }

// in shows a time as the reader's Discord does, relative to now.
func in(t time.Time) string { return "<t:" + strconv.FormatInt(t.Unix(), 10) + ":R>" }

// at shows a time as the reader's Discord does.
func at(t time.Time) string { return "<t:" + strconv.FormatInt(t.Unix(), 10) + ":f>" }

// on shows a day as the reader's Discord does.
func on(t time.Time) string { return "<t:" + strconv.FormatInt(t.Unix(), 10) + ":D>" }

// list joins names or times as a sentence does.
func list(items []string) string {
	switch n := len(items); n {
	case 0:
		return ""
	case 1:
		return items[0]
	default:
		return strings.Join(items[:n-1], ", ") + " and " + items[n-1]
	}
}

// span shows how long after a scene's end something is.
func span(d time.Duration) string {
	unit := func(n int, name string) string {
		if n == 1 {
			return "1 " + name
		}
		return strconv.Itoa(n) + " " + name + "s"
	}
	switch {
	case d > 72*time.Hour && d%(24*time.Hour) == 0:
		return unit(int(d/(24*time.Hour)), "day")
	case d%time.Hour == 0:
		return unit(int(d/time.Hour), "hour")
	case d%time.Minute == 0:
		return unit(int(d/time.Minute), "minute")
	case d%time.Second == 0:
		return unit(int(d/time.Second), "second")
	}
	return d.String()
}
