package discordtest

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Message flags and component types, as Discord numbers them.
const (
	flagEphemeral = 1 << 6
	flagLoading   = 1 << 7
	flagVoice     = 1 << 13
	flagSnapshot  = 1 << 14
	flagV2        = 1 << 15

	typeRow       = 1
	typeButton    = 2
	typeSelect    = 3
	typeTextInput = 4
	typeText      = 10
	typeLabel     = 18
)

// Message is a message as a person sees it.
type Message struct {
	ID         string
	ChannelID  string
	Author     string // a person's name, or "bot"
	Content    string
	Embeds     []Embed
	Components []Component
	Files      []File
	Flags      int
	Pings      []string // whom it notifies: "@sam", "@everyone", "@role"

	home *Discord
}

// Embed is the part of an embed that the transcript shows.
type Embed struct {
	Title       string       `json:"title"`
	Description string       `json:"description"`
	URL         string       `json:"url"`
	Fields      []EmbedField `json:"fields"`
	Footer      struct {
		Text string `json:"text"`
	} `json:"footer"`
	Author struct {
		Name string `json:"name"`
	} `json:"author"`
}

// EmbedField is one named field of an embed.
type EmbedField struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// File is a file that came with a message.
type File struct {
	Name        string
	Data        []byte
	Description string // the words for whoever does not see it

	id string
}

// Component is a button, a select, a text input, or something that holds
// others. Which fields mean something depends on Type.
type Component struct {
	ID          int         `json:"id"`
	Type        int         `json:"type"`
	CustomID    string      `json:"custom_id"`
	Label       string      `json:"label"`
	Description string      `json:"description"`
	Style       int         `json:"style"`
	URL         string      `json:"url"`
	Disabled    bool        `json:"disabled"`
	Emoji       *Emoji      `json:"emoji"`
	Placeholder string      `json:"placeholder"`
	Options     []Option    `json:"options"`
	MinValues   *int        `json:"min_values"`
	MaxValues   *int        `json:"max_values"`
	MinLength   *int        `json:"min_length"`
	MaxLength   *int        `json:"max_length"`
	Required    *bool       `json:"required"`
	Value       string      `json:"value"`
	Content     string      `json:"content"` // of a text display
	Components  []Component `json:"components"`
	Accessory   *Component  `json:"accessory"`
	Component   *Component  `json:"component"` // of a label
}

// Emoji is what stands before or instead of a label.
type Emoji struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Option is one choice of a select.
type Option struct {
	Label       string `json:"label"`
	Value       string `json:"value"`
	Description string `json:"description"`
	Default     bool   `json:"default"`
}

// Buttons returns what the message's buttons say, disabled ones and links
// left out.
func (m Message) Buttons() []string {
	var labels []string
	walk(m.Components, func(c Component) {
		if c.pressable() {
			labels = append(labels, c.face())
		}
	})
	return labels
}

// message is a message as Discord keeps it.
type message struct {
	Message
	channel *channel
	author  *Person // nil: the bot
	only    *Person // not nil: ephemeral, and who sees it
	created time.Time
	edited  time.Time
	nonce   string
	kind    int          // Discord's message type
	wire    object       // fields that go over the wire as they came
	via     *interaction // which it answers
	reply   *message     // which it replies to
	uploads int          // files that ever came with it
	loading bool         // the placeholder of a deferred answer
	gone    bool
}

// walk calls f for each component, outermost first.
func walk(cs []Component, f func(Component)) {
	for _, c := range cs {
		f(c)
		walk(c.Components, f)
		for _, inner := range []*Component{c.Accessory, c.Component} {
			if inner != nil {
				walk([]Component{*inner}, f)
			}
		}
	}
}

func (c Component) pressable() bool {
	return c.Type == typeButton && !c.Disabled && c.Style != 5
}

// face is what a button says.
func (c Component) face() string {
	if c.Emoji == nil || c.Emoji.Name == "" {
		return c.Label
	}
	return strings.TrimSpace(c.Emoji.Name + " " + c.Label)
}

func (c Component) needed() bool { return c.Required == nil || *c.Required }

// seenBy reports whether p has m before their eyes.
func (m *message) seenBy(p *Person) bool {
	switch {
	case m.gone || m.loading:
		return false
	case m.only != nil:
		return m.only == p
	case m.channel.with != nil:
		return m.channel.with == p
	}
	return !p.left
}

// find returns the newest message that pleases.
func (d *Discord) find(pleases func(*message) bool) *message {
	for _, m := range slices.Backward(d.messages) {
		if !m.gone && pleases(m) {
			return m
		}
	}
	return nil
}

// keep gives m its id and its place.
func (d *Discord) keep(m *message) *message {
	m.ID, m.ChannelID, m.home = d.snowflake(), m.channel.id, d
	m.created = d.now()
	m.Author = "bot"
	if m.author != nil {
		m.Author = m.author.name
	}
	d.messages = append(d.messages, m)
	return m
}

// numbered returns the components as Discord returns them: each with an id.
func numbered(raw json.RawMessage) any {
	var v any
	if json.Unmarshal(raw, &v) != nil || v == nil {
		return []any{}
	}
	n := 0
	number(v, &n)
	return v
}

func number(v any, n *int) {
	switch v := v.(type) {
	case []any:
		for _, each := range v {
			number(each, n)
		}
	case object:
		if _, ok := v["type"]; ok {
			if id, _ := v["id"].(float64); id == 0 {
				*n++
				v["id"] = *n
			}
		}
		for _, key := range []string{"components", "accessory", "component"} {
			number(v[key], n)
		}
	}
}
