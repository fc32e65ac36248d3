package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"aftercare/store"
	"aftercare/store/storetest"
)

// TestByChanceNothingIsLeft lets people live with senders that are slow, lose replies
// and die, and lets weeks pass after the last act. Then nothing stands in any DM: no
// message was lost sight of, whatever happened to it on its way.
func TestByChanceNothingIsLeft(t *testing.T) {
	byChance(t, 10, 9, func(c *chance) {
		c.ok(c.SetMode(c.ctx, alex.ID, c.link(alex, sam), store.Together))
		c.link(alex, kit)
		c.link(sam, kit)
		c.link(alex, robin)
		s := &senders{chance: c, dms: map[string]standingAt{}}
		paused := map[store.Private]bool{}
		for range 250 {
			switch who := c.one(alex, alex, sam, kit, robin); c.IntN(12) {
			case 0, 1, 2, 3:
				c.act()
			case 4, 5, 6:
				c.receives(paused, who)
			case 7:
				c.pauses(paused, who)
			case 8:
				if c.IntN(3) > 0 {
					continue
				}
				c.ok(second(c.ChangeSettings(c.ctx, who.ID, func(s *store.Settings) {
					s.Much = []store.Much{store.MuchFull, store.MuchFull, store.MuchLight, store.MuchNone}[c.IntN(4)]
					s.Tidy = []store.Tidy{store.TidyWeek, store.TidyDay, store.TidyNever}[c.IntN(3)]
				})))
			case 9:
				c.Clear(c.ctx, who.ID)
			default:
				c.sweep()
			}
			s.work()
			s.advance([]time.Duration{time.Second, time.Second, time.Hour, 5 * time.Hour, 20 * time.Hour}[c.IntN(5)])
		}
		for _, who := range []store.Who{alex, sam, kit, robin} {
			c.Resume(c.ctx, who.ID)
			c.ChangeSettings(c.ctx, who.ID, func(s *store.Settings) { s.Tidy = store.TidyWeek })
		}
		s.calm = true
		for range 30 * 4 {
			s.work()
			c.clock.Advance(6 * time.Hour)
			c.sweep()
		}
		for id, m := range s.dms {
			c.Errorf("%s still stands, of the delivery %d, %s", id, m.delivery, m.kind)
		}
		if s.posted < 10 {
			c.Errorf("only %d messages came", s.posted)
		}
	})
}

// senders do what the bot does, late or never.
type senders struct {
	*chance
	dms    map[string]standingAt // messages that stand, by id
	hands  []inHand
	calm   bool
	posted int
}

type standingAt struct {
	delivery int64
	kind     store.Kind
	in       store.Private // the DM
}

type inHand struct {
	store.Delivery
	store.Content
}

// in is the DM, of which somebody who has erased everything is no longer known.
func (h inHand) in() store.Private {
	if h.To.IsZero() {
		return h.Channel
	}
	return store.Secret("dm-" + h.To.Reveal())
}

// work claims some of what is due, and has some of what is in hand arrive.
func (s *senders) work() {
	s.Helper()
	for {
		some := s.claimSome()
		for i := 0; i < len(s.hands); {
			if !s.calm && s.IntN(3) == 0 {
				i++
				continue
			}
			h := s.hands[i]
			s.hands = slices.Delete(s.hands, i, i+1)
			s.land(h)
		}
		if !s.calm || !some && len(s.hands) == 0 {
			return
		}
	}
}

func (s *senders) claimSome() (any bool) {
	s.Helper()
	due, err := s.ClaimDue(s.ctx, 4)
	s.ok(err)
	for _, d := range due {
		c, err := s.Content(s.ctx, d)
		if errors.Is(err, store.ErrGone) {
			s.ok(s.Drop(s.ctx, d))
			continue
		}
		s.ok(err)
		s.hands = append(s.hands, inHand{Delivery: d, Content: c})
	}
	return len(due) > 0
}

// advance lets time pass. Nothing is in hand for longer than its lease.
func (s *senders) advance(d time.Duration) {
	for d >= store.Lease && len(s.hands) > 0 {
		h := s.hands[0]
		s.hands = s.hands[1:]
		s.land(h)
	}
	s.clock.Advance(d)
}

// land has what is in hand reach Discord, or not, and the house learn of it, or not.
func (s *senders) land(h inHand) {
	s.Helper()
	reaches, learns := s.calm || s.IntN(5) > 0, s.calm || s.IntN(5) > 0
	again := s.clock.Now().Add(time.Duration(s.IntN(120)) * time.Minute)
	if !reaches && learns {
		s.ok(s.PostponeUnsent(s.ctx, h.Delivery, again))
		return
	}
	sent := store.Sent{Channel: h.in()}
	if reaches {
		sent.Message = store.Secret(s.reach(h))
	}
	switch {
	case reaches && learns:
		s.ok(s.MarkSent(s.ctx, h.Delivery, sent))
		s.inbox = append(s.inbox, storetest.Sent{Content: h.Content, As: h.Delivery, Message: sent.Message.Reveal()})
	case s.IntN(3) > 0:
		s.ok(s.Postpone(s.ctx, h.Delivery, again))
	default: // all die
		for _, o := range s.hands {
			if s.IntN(2) == 0 {
				s.reach(o)
			}
		}
		s.hands = nil
		s.clock.Advance(store.Lease)
	}
}

// reach does at Discord what is wanted, and returns what stands there then. What may
// have got there before is looked for first, as the bot does.
func (s *senders) reach(h inHand) (message string) {
	there := h.Message.Reveal()
	if !h.UnsureSince.IsZero() {
		for id, m := range s.dms {
			if m.delivery == h.Delivery.ID && m.in == h.in() && id != there {
				delete(s.dms, there) // whose place it took
				there = id
				if h.Content.Want == store.Post {
					return there
				}
			}
		}
	}
	_, stands := s.dms[there]
	switch {
	case h.Content.Want == store.Delete:
		delete(s.dms, there)
		return ""
	case h.Content.Want == store.Post, !stands && !h.UnsureSince.IsZero():
		delete(s.dms, there) // it makes room
		message = "message-" + h.Nonce
		s.dms[message] = standingAt{h.Delivery.ID, h.Content.Kind, h.in()}
		s.posted++
		return message
	case stands:
		return there
	}
	return ""
}
