package bot

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"
	"unicode/utf8"

	"aftercare/store"
)

const (
	handleWithin  = 2200 * time.Millisecond // what a handler may take
	answerWithin  = 2800 * time.Millisecond // Discord gives an interaction 3 s; an excuse fits in too
	messageWithin = 10 * time.Second
)

// hear takes an event from the gateway and queues what it asks for. It never
// blocks, and it reads the raw event: one that can't be read is dropped, and says
// nothing of its content.
func (b *Bot) hear(kind string, raw json.RawMessage) {
	b.people.guard(func() { b.take(kind, raw) })
}

func (b *Bot) take(kind string, raw json.RawMessage) {
	switch kind {
	case "INTERACTION_CREATE":
		var i interaction
		if !b.read(kind, raw, &i) {
			return
		}
		i.heard = time.Now()
		if who, ok := i.who(); ok {
			b.people.queueWithin(mostTaps, who.ID.Reveal(), func() { b.answer(&i, who) })
		}
	case "MESSAGE_CREATE", "MESSAGE_UPDATE":
		var m message
		if !b.read(kind, raw, &m) || !m.typed() {
			return
		}
		if utf8.RuneCountInString(m.Content) > mostTaken {
			b.log.Warn("a message longer than Discord's are was dropped", "event", kind)
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
		person := b.owners.of(m.ChannelID)
		b.people.queue(person, func() { b.unsaid(person, m.ID) })
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
	defer b.Wake()
	var newer *message
	if edited {
		newer = m
	}
	b.takes(m, edited, b.gaps.tell(m.who().ID.Reveal(), m.ID, newer))
}

// takes hands a message to the store. ahead says that the DM is yet to be looked
// through for what came before it.
func (b *Bot) takes(m *message, edited, ahead bool) {
	ctx, cancel := context.WithTimeout(context.Background(), messageWithin)
	defer cancel()
	who := m.who()
	if err := b.people.tried(func() error { return b.cameBack(ctx, who) }); err != nil {
		b.log.Error("somebody's return could not be noted, or what was refused not tried again; if it goes on, see aftercare check", "err", err)
	}
	b.note(who.ID.Reveal(), func(ctx context.Context) error {
		if edited {
			return b.store.Edited(ctx, who.ID, m.ID, m.text())
		}
		return b.store.Hear(ctx, store.Typed{By: who, Message: m.ID, ReplyTo: m.repliesTo(), Text: m.text(), OnlyWords: m.more(), Ahead: ahead})
	})
}

// cameBack has what Discord refused tried again, now that its person is there.
func (b *Bot) cameBack(ctx context.Context, who store.Who) error {
	waiting, err := b.store.Here(ctx, who)
	if err != nil || waiting == 0 {
		return err
	}
	return b.store.Retry(ctx, who.ID)
}

func (b *Bot) unsaid(person, message string) {
	defer b.Wake()
	b.gaps.tell(person, message, nil)
	b.note(person, func(ctx context.Context) error { return b.store.Unsaid(ctx, message) })
}

// unnoted are the things that people did and the database could not take just
// then, each person's in order. They are tried again until it can: what was typed
// on a full disk is not lost. After a restart the open conversations are looked
// through instead.
type unnoted struct {
	mu sync.Mutex
	by map[string][]*noting
}

// noting is one of them.
type noting struct {
	do     func(context.Context) error
	panics int // it is given up after a few: it would hold up what came after it
}

const (
	noteAgain   = 10 * time.Second
	mostPanics  = 3
	mostUnnoted = 200 // of one person; the rest is found after the next start
)

// note hands something to the store, behind what that person did before. It runs
// in the person's line.
func (b *Bot) note(person string, do func(context.Context) error) {
	b.unnoted.mu.Lock()
	waiting := append(b.unnoted.by[person], &noting{do: do})
	delete(b.unnoted.by, person)
	b.unnoted.mu.Unlock()
	for i, n := range waiting {
		ctx, cancel := context.WithTimeout(context.Background(), messageWithin)
		err := b.people.tried(func() error { return n.do(ctx) })
		cancel()
		if errors.Is(err, errPanicked) {
			n.panics++
		}
		if passes(err) && n.panics <= mostPanics {
			b.log.Error("what somebody typed could not be noted; trying again. If it goes on, see aftercare check", "err", err)
			b.noteLater(person, waiting[i:])
			return
		}
		if err != nil && !errors.Is(err, store.ErrNotAgreed) {
			b.log.Info("what somebody typed was not taken", "err", err)
		}
	}
}

// behind tells whether something of a person's waits to be noted.
func (b *Bot) behind(person string) bool {
	b.unnoted.mu.Lock()
	defer b.unnoted.mu.Unlock()
	return len(b.unnoted.by[person]) > 0
}

// passes tells an error of the machine, which passes, from one of a person's.
func passes(err error) bool {
	for _, own := range []error{nil, store.ErrNotAgreed, store.ErrTooOften, store.ErrMuch, store.ErrGone} {
		if errors.Is(err, own) {
			return false
		}
	}
	return err != nil
}

func (b *Bot) noteLater(person string, waiting []*noting) {
	b.unnoted.mu.Lock()
	if b.unnoted.by == nil {
		b.unnoted.by = map[string][]*noting{}
	}
	b.unnoted.by[person] = waiting[:min(len(waiting), mostUnnoted)]
	b.unnoted.mu.Unlock()
	time.AfterFunc(noteAgain, func() {
		b.people.queue(person, func() {
			defer b.Wake()
			b.note(person, func(context.Context) error { return nil })
		})
	})
}
