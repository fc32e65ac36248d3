package bot

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"

	"aftercare/store"
)

// The parts of Discord's events that the bot reads. discordgo's own types fail as
// a whole on one unknown component; these take what is needed and no more.

type user struct {
	ID         string `json:"id"`
	Username   string `json:"username"`
	GlobalName string `json:"global_name"`
	Bot        bool   `json:"bot"`
}

func (u user) name() string {
	if n := displayName(u.GlobalName); n != "" {
		return u.GlobalName
	}
	return u.Username
}

type option struct {
	Name    string          `json:"name"`
	Type    int             `json:"type"`
	Value   json.RawMessage `json:"value"`
	Options []option        `json:"options"`
	Focused bool            `json:"focused"`
}

// text returns a string, user or other scalar option's value.
func (o option) text() string {
	var s string
	if json.Unmarshal(o.Value, &s) == nil {
		return s
	}
	return string(o.Value)
}

type component struct {
	CustomID   string      `json:"custom_id"`
	Value      string      `json:"value"`
	Components []component `json:"components"`
	Component  *component  `json:"component"` // inside a Label
}

type interaction struct {
	ID        string `json:"id"`
	AppID     string `json:"application_id"`
	Type      int    `json:"type"`
	Token     string `json:"token"`
	GuildID   string `json:"guild_id"`
	ChannelID string `json:"channel_id"`
	Context   *int   `json:"context"`
	Member    *struct {
		User *user `json:"user"`
	} `json:"member"`
	User    *user `json:"user"`
	Message *struct {
		ID    string `json:"id"`
		Flags int    `json:"flags"`
	} `json:"message"`
	Data struct {
		Name       string      `json:"name"`
		Options    []option    `json:"options"`
		CustomID   string      `json:"custom_id"`
		Values     []string    `json:"values"`
		Components []component `json:"components"`
	} `json:"data"`

	heard time.Time // when it reached us
}

const (
	onCommand    = int(discordgo.InteractionApplicationCommand)
	onComponent  = int(discordgo.InteractionMessageComponent)
	onCompletion = int(discordgo.InteractionApplicationCommandAutocomplete)
	onSubmit     = int(discordgo.InteractionModalSubmit)

	inBotDM = 1 // interaction context
)

// who returns the person who acted, if there is one.
func (i *interaction) who() (store.Who, bool) {
	u := i.User
	if i.Member != nil && i.Member.User != nil {
		u = i.Member.User
	}
	if u == nil || u.ID == "" || u.Bot {
		return store.Who{}, false
	}
	who := store.Who{ID: store.Secret(u.ID), Name: store.Secret(u.name())}
	if i.GuildID == "" && i.Context != nil && *i.Context == inBotDM {
		who.Channel = store.Secret(i.ChannelID)
	}
	return who, true
}

// command returns the path of a slash command and the options of its last part.
func (i *interaction) command() (path string, options []option) {
	path, options = i.Data.Name, i.Data.Options
	for len(options) > 0 && options[0].Type <= int(discordgo.ApplicationCommandOptionSubCommandGroup) {
		path += "/" + options[0].Name
		options = options[0].Options
	}
	return path, options
}

// fields returns what was filled into a form, by custom id.
func (i *interaction) fields() map[string]string {
	out := map[string]string{}
	var walk func([]component)
	walk = func(list []component) {
		for _, c := range list {
			if c.CustomID != "" && c.Component == nil {
				out[c.CustomID] = c.Value
			}
			if c.Component != nil {
				walk([]component{*c.Component})
			}
			walk(c.Components)
		}
	}
	walk(i.Data.Components)
	return out
}

type message struct {
	ID          string            `json:"id"`
	ChannelID   string            `json:"channel_id"`
	GuildID     string            `json:"guild_id"`
	Author      *user             `json:"author"`
	Content     string            `json:"content"`
	Type        int               `json:"type"`
	Flags       int               `json:"flags"`
	WebhookID   string            `json:"webhook_id"`
	Edited      *string           `json:"edited_timestamp"`
	Attachments []json.RawMessage `json:"attachments"`
	Stickers    []json.RawMessage `json:"sticker_items"`
	Snapshots   []json.RawMessage `json:"message_snapshots"`
	Poll        json.RawMessage   `json:"poll"`
	Components  []json.RawMessage `json:"components"`
	Reference   *struct {
		Type      int    `json:"type"`
		MessageID string `json:"message_id"`
	} `json:"message_reference"`
}

const (
	typeDefault   = int(discordgo.MessageTypeDefault)
	typeReply     = int(discordgo.MessageTypeReply)
	flagEphemeral = int(discordgo.MessageFlagsEphemeral)
)

// typed tells whether a message was typed into the DM with the bot. The bot's own
// replies in servers look alike: no server named, and flagged ephemeral.
func (m *message) typed() bool {
	return m.ID != "" && m.ChannelID != "" && m.GuildID == "" && m.WebhookID == "" &&
		m.Author != nil && m.Author.ID != "" && !m.Author.Bot &&
		m.Flags&flagEphemeral == 0 && (m.Type == typeDefault || m.Type == typeReply)
}

func (m *message) who() store.Who {
	return store.Who{ID: store.Secret(m.Author.ID), Name: store.Secret(m.Author.name()), Channel: store.Secret(m.ChannelID)}
}

// more tells whether there is something beside the words, which can't be carried.
func (m *message) more() bool {
	poll := len(m.Poll) > 0 && string(m.Poll) != "null"
	return len(m.Attachments)+len(m.Stickers)+len(m.Snapshots)+len(m.Components) > 0 || poll
}

// repliesTo returns the id of the message that this one answers, if it does.
func (m *message) repliesTo() string {
	if m.Reference == nil || m.Reference.Type != 0 {
		return ""
	}
	return m.Reference.MessageID
}

func (m *message) text() store.Private { return store.Secret(strings.TrimSpace(m.Content)) }
