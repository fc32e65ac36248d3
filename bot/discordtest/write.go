package discordtest

import (
	"fmt"
	"strings"
)

// Sent is a message of other kinds than plain words; the kinds combine as far
// as Discord's do.
type Sent struct {
	Content          string
	Attachment       bool // a picture
	Sticker          bool
	Voice            bool // a voice message: no words
	Forward          bool // forwarded from elsewhere: no words of one's own
	UnknownComponent bool // a component of a type that no library knows yet
}

// Type writes to the bot in their DM, and returns the message's id.
func (p *Person) Type(content string) (id string) { return p.Send(Sent{Content: content}) }

// Send is Type for any kind of message.
func (p *Person) Send(s Sent) (id string) {
	p.d.do(func() { id = p.send(s, nil) })
	return id
}

// Reply writes in reply to the newest message of the bot in their DM that has
// part in what can be seen of it.
func (p *Person) Reply(part, content string) (id string, err error) {
	err = p.act(func() error {
		to := p.newest(part, func(m *message) bool { return m.author == nil && m.channel == p.dm })
		if to == nil {
			return fmt.Errorf("no message of the bot has %q", part)
		}
		id = p.send(Sent{Content: content}, to)
		return nil
	})
	return id, err
}

// Edit changes their own newest message that contains part.
func (p *Person) Edit(part, content string) error {
	return p.act(func() error {
		m := p.own(part)
		if m == nil {
			return fmt.Errorf("no message of their own has %q", part)
		}
		m.Content, m.edited = content, p.d.now()
		p.d.emit("MESSAGE_UPDATE", m, m.event())
		return nil
	})
}

// Delete deletes their own newest message that contains part.
func (p *Person) Delete(part string) error {
	return p.act(func() error {
		m := p.own(part)
		if m == nil {
			return fmt.Errorf("no message of their own has %q", part)
		}
		p.d.remove(m)
		return nil
	})
}

func (p *Person) own(part string) *message {
	return p.d.find(func(m *message) bool { return m.author == p && strings.Contains(m.Content, part) })
}

// newest finds the newest message they see that pleases and shows part.
func (p *Person) newest(part string, pleases func(*message) bool) *message {
	return p.d.find(func(m *message) bool {
		return m.seenBy(p) && pleases(m) && (strings.Contains(m.Content, part) || strings.Contains(p.d.render(m.Message), part))
	})
}

func (p *Person) send(s Sent, to *message) string {
	m := &message{channel: p.dm, author: p, reply: to, wire: object{}}
	m.Content = s.Content
	if to != nil {
		m.kind = 19
	}
	p.d.keep(m)
	s.dress(m)
	p.d.publish(m)
	return m.ID
}

// dress gives m the shape of its kinds.
func (s Sent) dress(m *message) {
	url := "https://cdn.discord.test/attachments/" + m.channel.id + "/" + m.ID + "/"
	if s.Attachment {
		m.Files = []File{{Name: "photo.png"}}
		m.wire["attachments"] = []any{object{
			"id": m.ID, "filename": "photo.png", "content_type": "image/png", "size": 1024, "width": 32, "height": 32,
			"url": url + "photo.png", "proxy_url": url + "photo.png",
		}}
	}
	if s.Voice {
		m.Content = ""
		m.Flags |= flagVoice
		m.Files = []File{{Name: "voice-message.ogg"}}
		m.wire["attachments"] = []any{object{
			"id": m.ID, "filename": "voice-message.ogg", "content_type": "audio/ogg", "size": 4096, "duration_secs": 1.5,
			"waveform": "AAECAwQ=", "url": url + "voice-message.ogg", "proxy_url": url + "voice-message.ogg",
		}}
	}
	if s.Sticker {
		m.wire["sticker_items"] = []any{object{"id": "749054660769218631", "name": "Wave", "format_type": 3}}
	}
	if s.UnknownComponent {
		m.wire["components"] = []any{object{"type": 99, "id": 1}}
	}
	if s.Forward {
		s.forward(m)
	}
}

// forward moves the words into a snapshot, where the real one has them.
func (s Sent) forward(m *message) {
	m.Flags |= flagSnapshot
	snapshot := object{
		"type": 0, "content": s.Content, "flags": 0, "timestamp": stamp(m.created), "edited_timestamp": nil,
		"mentions": []any{}, "mention_roles": []any{}, "attachments": []any{}, "embeds": []any{}, "components": []any{},
	}
	for _, field := range []string{"attachments", "sticker_items", "components"} {
		if v, ok := m.wire[field]; ok {
			snapshot[field] = v
			delete(m.wire, field)
		}
	}
	m.Content = ""
	m.wire["message_reference"] = object{"type": 1, "message_id": "600000000000000001", "channel_id": channelID, "guild_id": serverID}
	m.wire["message_snapshots"] = []any{object{"message": snapshot}}
}
