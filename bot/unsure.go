package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"aftercare/store"
)

const (
	nonceLasts  = time.Minute      // that Discord surely knows a nonce again; it says "a few minutes"
	clocksApart = 10 * time.Second // Discord's clock and ours
	lookedBack  = 100              // messages, as many as Discord shows at once
)

// findUnsure looks in somebody's DM for a message of which nobody knows whether
// an earlier try got it there: after a crash between sending and noting, or an
// answer that was lost. Shortly after, the nonce keeps a second one from being
// shown, and there is nothing to look for. It returns the message, or nil.
func (b *Bot) findUnsure(ctx context.Context, d store.Delivery, c store.Content) (*message, error) {
	if d.UnsureSince.IsZero() || c.Channel.IsZero() {
		return nil, nil
	}
	if c.Want == store.Post && b.store.Now().Sub(d.UnsureSince) < nonceLasts {
		return nil, nil
	}
	var page []message
	path := messagesPath(c.Channel) + "?limit=" + strconv.Itoa(lookedBack)
	if err := b.call(ctx, http.MethodGet, path, nil, &page); err != nil {
		return nil, err
	}
	content := ""
	if c.Want == store.Post {
		s, err := b.words(ctx, c)
		if err != nil {
			return nil, err
		}
		if len(s.rows) == 0 {
			content = s.content()
		}
	}
	for _, m := range page {
		if m.Author == nil || !m.Author.Bot || compareIDs(m.ID, c.Message.Reveal()) <= 0 {
			continue // not ours, or the message that this one takes the place of
		}
		recent := !sentAt(m.ID).Before(d.UnsureSince.Add(-clocksApart))
		if m.about(d.ID) || content != "" && m.Content == content && recent {
			b.log.Info("a message of which we did not know was found in its place")
			return &m, nil
		}
	}
	if c.Want == store.Delete {
		return b.findStray(ctx, d, page)
	}
	return nil, nil
}

// findStray finds a message that is to be taken out and has no buttons to be known by:
// a part of what was left for somebody, or one whose button was pressed before we knew
// of it. It is ours, came since, and belongs to nothing that we know of.
func (b *Bot) findStray(ctx context.Context, d store.Delivery, page []message) (*message, error) {
	known, all, err := b.store.Standing(ctx, d)
	if err != nil || !all {
		return nil, err
	}
	for _, m := range page {
		if m.Author != nil && m.Author.Bot && len(m.Components) == 0 &&
			!sentAt(m.ID).Before(d.UnsureSince.Add(-clocksApart)) && !slices.Contains(known, store.Secret(m.ID)) {
			return &m, nil
		}
	}
	return nil, nil
}

// inLine has a message that an earlier try may have posted say what is owed now:
// people may have done something since, and what is known again by its nonce, or
// found, still says what it said then.
func (b *Bot) inLine(ctx context.Context, c store.Content, there *message) (sent store.Sent, err error) {
	s, err := b.words(ctx, c)
	if err != nil {
		return store.Sent{}, err
	}
	c.Message = store.Secret(there.ID)
	sent = store.Sent{Channel: c.Channel, Message: c.Message}
	if there.shows(s) {
		return sent, nil
	}
	if c.CheckIn != nil && c.CheckIn.Late { // what is late now was not when it was posted
		then := *c.CheckIn
		then.Late = false
		if there.shows(b.checkinShown(c.Delivery, then)) {
			return sent, nil
		}
	}
	gone, err := b.edit(ctx, c)
	if gone {
		sent.Message = store.Private{}
	}
	return sent, err
}

// shows tells whether a message says what it should, and asks it by the same buttons.
func (m *message) shows(s say) bool {
	raw, err := json.Marshal(s.rows)
	var rows []json.RawMessage
	return err == nil && json.Unmarshal(raw, &rows) == nil &&
		(s.keep || m.Content == s.content()) && slices.Equal(customIDs(rows), customIDs(m.Components))
}

// customIDs returns the custom ids in components, in their order.
func customIDs(components []json.RawMessage) (ids []string) {
	var walk func(component)
	walk = func(c component) {
		if c.CustomID != "" {
			ids = append(ids, c.CustomID)
		}
		for _, inner := range c.Components {
			walk(inner)
		}
	}
	for _, raw := range components {
		var c component
		if json.Unmarshal(raw, &c) == nil {
			walk(c)
		}
	}
	return ids
}

// about tells whether a message carries buttons of a delivery.
func (m *message) about(delivery int64) bool {
	id := []byte(":" + number(delivery))
	for _, c := range m.Components {
		for rest := []byte(c); ; {
			i := bytes.Index(rest, id)
			if i < 0 {
				break
			}
			rest = rest[i+len(id):]
			if len(rest) > 0 && (rest[0] == '"' || rest[0] == ':') {
				return true
			}
		}
	}
	return false
}

// discordEpoch is when Discord's ids begin to count, in Unix milliseconds.
const discordEpoch = 1420070400000

// sentAt returns the time that one of Discord's ids holds.
func sentAt(id string) time.Time {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(n>>22 + discordEpoch)
}
