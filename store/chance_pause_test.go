package store_test

import (
	"fmt"
	"testing"
	"time"

	"aftercare/store"
)

// TestByChanceWithPauses adds to the acts of TestByChance what people do with what was
// left for them, pauses, edits, erasing, restarts, and senders that hang. Each time
// what is due is taken, that comes to an end, and nothing is posted to who has paused.
func TestByChanceWithPauses(t *testing.T) {
	byChance(t, 12, 4, func(c *chance) {
		c.ok(c.SetMode(c.ctx, alex.ID, c.link(alex, sam), store.Together))
		c.ok(c.SetMode(c.ctx, kit.ID, c.link(alex, kit), store.Together))
		c.ok(c.SetMode(c.ctx, robin.ID, c.link(alex, robin), store.Together))
		c.link(sam, kit)
		paused := map[store.Private]bool{}
		for range 200 {
			if who := c.one(alex, alex, sam, kit, robin); c.IntN(3) > 0 {
				c.act()
			} else if c.IntN(5) == 0 {
				c.pauses(paused, who)
			} else {
				c.receives(paused, who)
			}
			for _, m := range c.pass(time.Duration(c.IntN(60)) * time.Minute) {
				if m.Want == store.Post && paused[m.To] {
					c.Errorf("a %s came in a pause", m.Kind)
				}
			}
		}
	})
}

func (c *chance) pauses(paused map[store.Private]bool, who store.Who) {
	if c.IntN(3) == 0 {
		paused[who.ID] = c.Pause(c.ctx, who.ID) == nil
		return
	}
	c.Resume(c.ctx, who.ID)
	paused[who.ID] = false
}

// receives is an act with what was left for somebody, or with their own words and card.
func (c *chance) receives(paused map[store.Private]bool, who store.Who) {
	relay, mine := c.relay(who), fmt.Sprint(who.ID.Reveal(), c.IntN(3))
	switch c.IntN(11) {
	case 0, 1, 2:
		c.Read(c.ctx, who.ID, relay)
	case 3:
		c.SendBack(c.ctx, who.ID, relay, store.Secret("back"), fmt.Sprint(c.Int64()))
	case 4:
		c.ChangeSettings(c.ctx, who.ID, func(s *store.Settings) { s.Plain = !s.Plain })
	case 5:
		c.SaveCard(c.ctx, who, []store.Card{{}, {Helps: store.Secret("tea")}, {Reach: store.Secret("a text")}}[c.IntN(3)], 0)
	case 6: // a sender hangs
		due, err := c.ClaimDue(c.ctx, 5)
		c.ok(err)
		if len(due) > 0 && due[0].Want == store.Post && c.IntN(2) == 0 { // what can't be taken out is let be
			c.ok(c.MarkRefused(c.ctx, due[0]))
		}
		c.clock.Advance(store.Lease)
	case 7:
		c.Hear(c.ctx, store.Typed{By: who, Message: mine, Text: store.Secret("typed")})
	case 8:
		c.ok(c.Edited(c.ctx, who.ID, mine, store.Secret("edited")))
	case 9:
		c.ok(c.Unsaid(c.ctx, mine))
	case 10:
		if c.IntN(4) > 0 {
			c.restart()
			return
		}
		kept, err := c.Kept(c.ctx, who.ID)
		c.ok(err)
		if kept.Any {
			c.ok(c.Erase(c.ctx, who.ID, kept.Person))
		}
		paused[who.ID] = false
		c.link(alex, sam)
		c.link(kit, alex)
		c.link(alex, robin)
	}
}

// relay returns one of the last things that were left for somebody, or 0.
func (c *chance) relay(who store.Who) (delivery int64) {
	for i := len(c.inbox) - 1; i >= 0; i-- {
		if m := c.inbox[i]; m.To == who.ID && m.Kind == store.KindRelay && m.Want == store.Post {
			if delivery = m.As.ID; c.IntN(2) == 0 {
				break
			}
		}
	}
	return delivery
}
