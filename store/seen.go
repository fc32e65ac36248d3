package store

import (
	"context"
	"strconv"
)

// Conversation is a DM in which something may have been typed that never
// reached us.
type Conversation struct {
	With    Private // account
	Channel Private
	After   Private // the last message there that we know of
}

// conversationLasts is how long after the last message of ours a DM is looked
// through for what was missed: as long as an answer to it would be kept.
const conversationLasts = keepAnswer

// Conversations returns the DMs that are open: those in which a check-in, a
// question about one moment, a relay or an offer stands that somebody may still answer
// by typing, or may stand without our knowing.
func (s *Store) Conversations(ctx context.Context) (out []Conversation, err error) {
	err = s.inView(ctx, func(t *tx) error {
		out = out[:0]
		persons, err := t.ids(`
			SELECT DISTINCT recipient
			FROM deliveries
			WHERE kind IN ('checkin', 'panel', 'offer', 'relay', 'moment') AND (message IS NOT NULL AND sent_at > $1 OR unsure_at > $1)
		`, t.now-conversationLasts.Milliseconds())
		if err != nil {
			return err
		}
		for _, id := range persons {
			c, err := t.conversation(id)
			if err != nil {
				return err
			}
			if !c.Channel.IsZero() && !c.After.IsZero() {
				out = append(out, c)
			}
		}
		return nil
	})
	return out, err
}

func (t *tx) conversation(person int64) (c Conversation, err error) {
	var account, channel, seen []byte
	err = t.QueryRow(`SELECT account, channel, seen FROM persons WHERE id = $1`, person).Scan(&account, &channel, &seen)
	if err != nil {
		return c, err
	}
	if c.With, err = t.open(person, "persons.account", person, account); err != nil {
		return c, err
	}
	if c.Channel, err = t.open(person, "persons.channel", person, channel); err != nil {
		return c, err
	}
	c.After, err = t.open(person, "persons.seen", person, seen)
	return c, err
}

// Seen notes that a DM was looked through up to a message.
func (s *Store) Seen(ctx context.Context, account, message Private) error {
	return s.inTx(ctx, func(t *tx) error {
		p, err := t.find(account)
		if err != nil {
			return err
		}
		return t.saw(p.id, message)
	})
}

// saw notes the newest message of a DM that we know of. Discord's ids rise with time.
func (t *tx) saw(person int64, message Private) error {
	c, err := t.conversation(person)
	if err != nil || !newer(message, c.After) {
		return err
	}
	sealed, err := t.seal(person, "persons.seen", person, message)
	if err != nil {
		return err
	}
	_, err = t.Exec(`UPDATE persons SET seen = $2 WHERE id = $1`, person, sealed)
	return err
}

func newer(a, b Private) bool {
	x, err := strconv.ParseUint(a.Reveal(), 10, 64)
	if err != nil {
		return false
	}
	y, err := strconv.ParseUint(b.Reveal(), 10, 64)
	return err != nil || x > y
}

// sawFirst begins a DM's history with our own first message there. Later ones of
// ours say nothing about what was typed before them.
func (t *tx) sawFirst(person int64, message Private) error {
	c, err := t.conversation(person)
	if err != nil || !c.After.IsZero() {
		return err
	}
	return t.saw(person, message)
}
