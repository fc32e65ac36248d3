package store_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"aftercare/store"
	"aftercare/store/storetest"
)

// TestByChance lets four people do whatever they like for a while, with scenes
// close together and pacts that change, and looks after each act at what reached
// whom and at what is in the tables.
func TestByChance(t *testing.T) {
	byChance(t, 8, 4, func(c *chance) {
		c.ok(c.SetMode(c.ctx, alex.ID, c.link(alex, sam), store.Together))
		c.ok(c.SetMode(c.ctx, kit.ID, c.link(alex, kit), store.Together))
		c.link(sam, kit)
		c.ok(c.SetMode(c.ctx, robin.ID, c.link(alex, robin), store.Together))
		for range 120 {
			c.act()
			c.look(c.pass(time.Duration(c.IntN(60)) * time.Minute))
			if c.Failed() {
				c.FailNow()
			}
		}
	})
}

// byChance runs a test for so many seeds, each by its name, and for 3 in a short run.
func byChance(t *testing.T, seeds, stream uint64, test func(c *chance)) {
	t.Parallel()
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			test(&chance{world: newWorld(t), Rand: rand.New(rand.NewPCG(seed, stream))})
		})
	}
}

type chance struct {
	*world
	*rand.Rand
}

func (c *chance) one(of ...store.Who) store.Who { return of[c.IntN(len(of))] }

// open returns one of the last check-ins in somebody's DM, or 0.
func (c *chance) open(who store.Who) (delivery int64) {
	n := c.IntN(2)
	for i := len(c.inbox) - 1; i >= 0; i-- {
		if m := c.inbox[i]; m.To == who.ID && m.Kind == store.KindCheckIn && m.Want == store.Post {
			if delivery = m.As.ID; n == 0 {
				break
			}
			n--
		}
	}
	return delivery
}

// act is one act of somebody. What can't be done is nothing.
func (c *chance) act() {
	who := c.one(alex, alex, sam, kit, robin)
	at := c.open(who)
	switch c.IntN(24) {
	case 0, 1, 2, 3, 4, 5:
		e := c.ended(who, []store.Who{sam, kit, robin, alex}[c.IntN(4)])
		if c.IntN(3) == 0 {
			e.Partners = append(e.Partners, c.one(sam, kit).ID)
		}
		e.Size = []store.Size{store.Light, store.Usual, store.Intense}[c.IntN(3)]
		e.At = e.At.Add(-time.Duration(20*60+c.IntN(5*60)) * time.Minute) // so that the first mark is soon
		c.EndScene(c.ctx, e)
	case 6:
		if c.IntN(3) > 0 {
			return
		}
		c.UndoScene(c.ctx, who.ID, 0)
	case 7:
		if c.IntN(3) > 0 {
			return
		}
		c.ChangeScene(c.ctx, who.ID, 0, c.clock.Now().Add(-time.Duration(c.IntN(40))*time.Hour), "")
	case 13:
		if pacts, _ := c.Pacts(c.ctx, who.ID); len(pacts) > 0 {
			c.SetMode(c.ctx, who.ID, pacts[c.IntN(len(pacts))].ID, []store.Mode{store.AtOnce, store.Together}[c.IntN(2)])
		}
	case 8:
		if pacts, _ := c.Pacts(c.ctx, who.ID); len(pacts) > 0 && c.IntN(8) == 0 {
			c.Leave(c.ctx, who.ID, pacts[c.IntN(len(pacts))].ID)
			c.link(alex, sam)
			c.link(kit, alex)
		}
	case 9:
		c.Store.Skip(c.ctx, who.ID, at)
	case 10, 11:
		c.Later(c.ctx, who.ID, at)
	case 12:
		c.TakeBack(c.ctx, who.ID, at)
	default:
		c.Open(c.ctx, who.ID, at)
		c.Feel(c.ctx, who.ID, at, store.Feelings[c.IntN(7)])
		c.Need(c.ctx, who.ID, at, store.Needs[c.IntN(5)])
		v, err := c.Write(c.ctx, who.ID, at, store.Secret("words"))
		for _, r := range v.Readers {
			if err == nil && c.IntN(4) > 0 {
				c.step(c.Share(c.ctx, who.ID, at, r.Pact, []store.Level{store.ShareWords, store.ShareGist, store.ShareKept}[c.IntN(3)]))
			}
		}
	}
}

// look checks what was sent, and that nothing is lost.
func (c *chance) look(sent []storetest.Sent) {
	c.Helper()
	for _, m := range sent {
		if m.Kind == store.KindRelay && m.Want == store.Post && !m.Relay.Touch {
			c.mayCome(m)
		}
	}
	c.rows(0, `checkins j WHERE j.joined IS NOT NULL AND (j.state <> 'folded' OR NOT EXISTS (
		SELECT 1 FROM checkins h
		WHERE h.id = j.joined AND h.person = j.person AND h.scene <> j.scene AND h.joined IS NULL
		  AND h.state IN ('planned', 'asked', 'answering', 'done', 'skipped')))`)
	c.rows(0, `checkins WHERE state = 'folded' AND joined IS NULL`)
	c.rows(0, `checkins c WHERE c.state = 'planned' AND NOT EXISTS (
		SELECT 1 FROM deliveries d WHERE d.checkin = c.id AND d.kind = 'checkin' AND d.want = 'post' AND d.next_at IS NOT NULL)`)
	c.rows(0, `answers a JOIN checkins c ON c.id = a.checkin WHERE a.state <> 'gone' AND c.state IN ('folded', 'cancelled')`)
}

// mayCome checks one relay: its writer and its reader share a scene that the
// answer belongs to, whose check-in was due; and where the reader's own one is not
// ended, and the pair's scene is together, 12 hours have passed.
func (c *chance) mayCome(m storetest.Sent) {
	c.Helper()
	if m.Relay.Ahead && (len(m.Relay.Answer.Words) > 0 || m.Relay.Answer.Feeling != "") {
		c.Errorf("more than a need went ahead: %+v", m.Relay)
	}
	now := c.clock.Now().UnixMilli()
	const shared = `deliveries d
		JOIN shares s ON s.id = d.share
		JOIN answers a ON a.id = s.answer
		JOIN checkins m ON m.id = a.checkin OR m.joined = a.checkin
		JOIN participants p ON p.scene = m.scene AND p.person = s.reader
		WHERE d.id = $1 AND m.due_at <= $2`
	if c.count(shared, m.As.ID, now) == 0 {
		c.Errorf("it came too soon, or to somebody who was not there: %+v", m.Relay)
	}
	if m.Relay.Ahead {
		return
	}
	const waiting = shared + ` AND EXISTS (
		SELECT 1 FROM checkins t JOIN checkins h ON h.id = COALESCE(t.joined, t.id)
		WHERE t.scene = m.scene AND t.person = s.reader AND t.mark = m.mark
		  AND h.state IN ('planned', 'asked', 'answering') AND MAX(h.asked_at, h.due_at) > $2 - 12 * 3600000
		  AND NOT EXISTS (SELECT 1 FROM answers b JOIN shares x ON x.answer = b.id AND x.reader = a.writer WHERE b.checkin = h.id)
	)`
	if c.count(waiting, m.As.ID, now) > 0 && c.together(m) {
		c.Errorf("it came before its reader had their time: %+v", m.Relay)
	}
}

// together tells whether all scenes that a relay belongs to are, for its pair.
func (c *chance) together(m storetest.Sent) bool {
	c.Helper()
	rows, err := store.DB(c.Store).Query(`
		SELECT p.scene, p.person, p.terms, s.reader
		FROM deliveries d
		JOIN shares s ON s.id = d.share
		JOIN answers a ON a.id = s.answer
		JOIN checkins m ON m.id = a.checkin OR m.joined = a.checkin
		JOIN participants p ON p.scene = m.scene AND p.person = a.writer
		JOIN participants r ON r.scene = m.scene AND r.person = s.reader
		WHERE d.id = $1
	`, m.As.ID)
	c.ok(err)
	defer rows.Close()
	all, any := true, false
	for rows.Next() {
		var scene, person, reader int64
		var sealed []byte
		c.ok(rows.Scan(&scene, &person, &sealed, &reader))
		text, err := store.OpenAs(c.Store, person, "participants.terms", scene, sealed)
		c.ok(err)
		is := strings.Contains(text, fmt.Sprintf(`"%d":1`, reader))
		all, any = all && is, any || is
	}
	c.ok(rows.Err())
	return all && any
}
