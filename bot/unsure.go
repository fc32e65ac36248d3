package bot

import (
	"bytes"
	"context"
	"net/http"
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
// shown, and there is nothing to look for. It returns the message's id, or none.
func (b *Bot) findUnsure(ctx context.Context, d store.Delivery, c store.Content) (store.Private, error) {
	if d.UnsureSince.IsZero() || c.Channel.IsZero() || c.Want == store.Edit {
		return store.Private{}, nil
	}
	if c.Want == store.Post && b.store.Now().Sub(d.UnsureSince) < nonceLasts {
		return store.Private{}, nil
	}
	var page []message
	path := messagesPath(c.Channel) + "?limit=" + strconv.Itoa(lookedBack)
	if err := b.call(ctx, http.MethodGet, path, nil, &page); err != nil {
		return store.Private{}, err
	}
	content := ""
	if c.Want == store.Post {
		s, err := b.words(ctx, c)
		if err != nil {
			return store.Private{}, err
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
			return store.Secret(m.ID), nil
		}
	}
	return store.Private{}, nil
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
