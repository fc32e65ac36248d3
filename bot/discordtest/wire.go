package discordtest

import (
	"fmt"
	"maps"
	"time"
)

// The shapes in which things go to the bot.

func (p *Person) user() object {
	return object{"id": p.id, "username": p.name, "global_name": capitalised(p.name), "discriminator": "0", "avatar": nil, "public_flags": 0}
}

func (p *Person) member() object {
	return object{
		"roles": []any{}, "nick": nil, "avatar": nil, "joined_at": "2026-01-01T00:00:00+00:00", "premium_since": nil,
		"pending": false, "flags": 0, "communication_disabled_until": nil, "permissions": "2248473465835073",
	}
}

func botUser() object {
	return object{"id": botID, "username": "bot", "global_name": nil, "discriminator": "0000", "avatar": nil, "bot": true, "public_flags": 0}
}

func (d *Discord) application() object {
	app := object{
		"id": botID, "name": "bot", "description": "", "icon": nil, "flags": 0, "bot_public": false, "bot_require_code_grant": false,
		"interactions_endpoint_url": nil, "verify_key": "", "bot": botUser(),
		"integration_types_config": object{"0": object{}, "1": object{}},
		"approximate_guild_count":  1, "privacy_policy_url": "https://example.org/privacy",
	}
	maps.Copy(app, d.opts.Application)
	return app
}

// SetApplication replaces Options.Application.
func (d *Discord) SetApplication(fields map[string]any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opts.Application = fields
}

func (c *channel) object() object {
	if c.with == nil {
		return object{"id": c.id, "type": 0, "guild_id": serverID, "name": "together", "nsfw": true, "permissions": "2248473465835073"}
	}
	return object{"id": c.id, "type": 1, "last_message_id": nil, "recipients": []any{c.with.user()}}
}

// object returns m as REST and the gateway show it. Ephemeral messages have
// no guild_id even in the server, as the real ones.
func (m *message) object() object {
	o := object{
		"id": m.ID, "channel_id": m.channel.id, "type": m.kind, "content": m.Content, "flags": m.Flags,
		"timestamp": stamp(m.created), "edited_timestamp": nil, "author": botUser(),
		"tts": false, "pinned": false, "mention_everyone": false, "mentions": []any{}, "mention_roles": []any{},
		"attachments": m.attachments(), "embeds": []any{}, "components": []any{},
	}
	if m.author != nil {
		o["author"] = m.author.user()
	}
	if !m.edited.IsZero() {
		o["edited_timestamp"] = stamp(m.edited)
	}
	if m.nonce != "" {
		o["nonce"] = m.nonce
	}
	for k, v := range m.wire {
		o[k] = v
	}
	if v := m.via; v != nil {
		o["application_id"], o["webhook_id"] = botID, botID
		o["interaction_metadata"] = object{"id": v.id, "type": v.kind, "user": v.person.user(), "authorizing_integration_owners": v.owners()}
	}
	m.addReference(o)
	return o
}

// addReference shows the message replied to: whole, or null if it is gone.
func (m *message) addReference(o object) {
	if m.reply == nil {
		return
	}
	o["message_reference"] = object{"type": 0, "message_id": m.reply.ID, "channel_id": m.reply.channel.id}
	if m.reply.gone {
		o["referenced_message"] = nil
		return
	}
	inner := *m.reply
	inner.reply = nil
	o["referenced_message"] = inner.object()
}

// event adds to m's object what only the gateway says.
func (m *message) event() object {
	o := m.object()
	if m.channel.with != nil {
		o["channel_type"] = 1
	} else {
		o["channel_type"] = 0
		if m.only == nil {
			o["guild_id"] = serverID
		}
	}
	return o
}

func (m *message) attachments() []any {
	list := []any{}
	for _, f := range m.Files {
		url := fmt.Sprintf("https://cdn.discord.test/attachments/%s/%s/%s", m.channel.id, f.id, f.Name)
		o := object{"id": f.id, "filename": f.Name, "size": len(f.Data), "url": url, "proxy_url": url}
		if f.Description != "" {
			o["description"] = f.Description
		}
		list = append(list, o)
	}
	return list
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000-07:00") }
