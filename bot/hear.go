package bot

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"aftercare/store"
)

const (
	handleWithin  = 2500 * time.Millisecond // Discord gives an interaction 3 s
	messageWithin = 10 * time.Second
)

// hear takes an event from the gateway and queues what it asks for. It never
// blocks, and it reads the raw event: one that can't be read is dropped, and says
// nothing of its content.
func (b *Bot) hear(kind string, raw json.RawMessage) {
	switch kind {
	case "INTERACTION_CREATE":
		var i interaction
		if !b.read(kind, raw, &i) {
			return
		}
		if who, ok := i.who(); ok {
			b.people.queue(who.ID.Reveal(), func() { b.answer(&i, who) })
		}
	case "MESSAGE_CREATE", "MESSAGE_UPDATE":
		var m message
		if !b.read(kind, raw, &m) || !m.typed() {
			return
		}
		if kind == "MESSAGE_UPDATE" && (m.Edited == nil || *m.Edited == "") {
			return // a link was unfurled; nobody edited anything
		}
		b.owners.learn(m.ChannelID, m.Author.ID)
		b.people.queue(m.Author.ID, func() { b.typed(&m, kind == "MESSAGE_UPDATE") })
	case "MESSAGE_DELETE":
		var m message
		if !b.read(kind, raw, &m) || m.ID == "" || m.GuildID != "" {
			return
		}
		b.people.queue(b.owners.of(m.ChannelID), func() { b.unsaid(m.ID) })
	}
}

func (b *Bot) read(kind string, raw json.RawMessage, into any) bool {
	if err := json.Unmarshal(raw, into); err != nil {
		b.log.Warn("an event could not be read and was dropped", "event", kind)
		return false
	}
	return true
}

// typed hands words to the store. What the bot says to them comes back as a delivery.
func (b *Bot) typed(m *message, edited bool) {
	ctx, cancel := context.WithTimeout(context.Background(), messageWithin)
	defer cancel()
	defer b.Wake()
	who := m.who()
	if waiting, err := b.store.Here(ctx, who); err != nil {
		b.log.Error("somebody's return could not be noted", "err", err)
	} else if waiting != 0 {
		if err := b.store.Retry(ctx, who.ID); err != nil {
			b.log.Error("what was refused could not be tried again", "err", err)
		}
	}
	var err error
	if edited {
		err = b.store.Edited(ctx, who.ID, m.ID, m.text())
	} else {
		err = b.store.Hear(ctx, store.Typed{By: who, Message: m.ID, ReplyTo: m.repliesTo(), Text: m.text(), OnlyWords: m.more()})
	}
	if err != nil && !errors.Is(err, store.ErrNotAgreed) {
		b.log.Error("typed words could not be noted", "err", err)
	}
}

func (b *Bot) unsaid(message string) {
	ctx, cancel := context.WithTimeout(context.Background(), messageWithin)
	defer cancel()
	defer b.Wake()
	if err := b.store.Unsaid(ctx, message); err != nil {
		b.log.Error("a deletion could not be noted", "err", err)
	}
}
