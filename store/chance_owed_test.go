package store_test

import (
	"fmt"
	"testing"
	"time"

	"aftercare/store"
)

// TestByChanceNothingOwedIsLost lets people do all that ends nothing, in nights, outages,
// with closed DMs and over restarts: after each act every check-in that was due and had
// not gone out yet is still owed, or another of its scene is in its place.
func TestByChanceNothingOwedIsLost(t *testing.T) {
	byChance(t, 10, 5, func(c *chance) {
		c.link(alex, sam)
		c.link(alex, kit)
		held := 0
		for range 200 {
			owed := c.owed()
			held += len(owed)
			what := c.carryOn()
			c.stillOwed(owed, what)
			c.sparingly(time.Duration(c.IntN(120)) * time.Minute)
			if c.Failed() {
				c.FailNow()
			}
		}
		if held < 10 {
			c.Errorf("only %d were held up", held)
		}
		for _, who := range []store.Who{alex, sam, kit} {
			c.Retry(c.ctx, who.ID)
		}
		for range 80 {
			c.pass(time.Hour)
		}
		c.rows(0, `checkins WHERE state = 'planned' AND due_at <= $1`, c.clock.Now().Add(-24*time.Hour).UnixMilli())
	})
}

// carryOn is an act that ends nothing, and what it was.
func (c *chance) carryOn() (what string) {
	who := c.one(alex, sam, kit)
	set := func(change func(*store.Settings)) { c.ok(second(c.ChangeSettings(c.ctx, who.ID, change))) }
	switch c.IntN(13) {
	case 0, 1:
		what = "records a scene" // mostly one that was recorded already
		e := c.ended(who, c.one(alex, sam, kit))
		e.At = e.At.Add(-time.Duration(18*60+c.IntN(12*60)) * time.Minute)
		c.EndScene(c.ctx, e)
	case 2:
		what = "moves a scene"
		c.ChangeScene(c.ctx, who.ID, 0, c.clock.Now().Add(-time.Duration(c.IntN(60))*time.Hour), "")
	case 3:
		what = "gives a scene another size"
		c.ChangeScene(c.ctx, who.ID, 0, time.Time{}, []store.Size{store.Light, store.Usual, store.Intense}[c.IntN(3)])
	case 4:
		what = "sets a zone"
		set(func(s *store.Settings) { s.Zone = []string{"UTC", "Asia/Kolkata", "America/New_York"}[c.IntN(3)] })
	case 5:
		what = "sets quiet hours"
		set(func(s *store.Settings) { s.Quiet = &store.Hours{From: 60 * c.IntN(24), To: 60 * c.IntN(24)} })
	case 6:
		what = "sets the line after an hour"
		set(func(s *store.Settings) { s.Touch = !s.Touch })
	case 7:
		what = "sets times of their own"
		set(func(s *store.Settings) {
			s.Marks = [][]time.Duration{nil, {20 * time.Hour, 48 * time.Hour}, {24 * time.Hour, 72 * time.Hour}, {30 * time.Hour}}[c.IntN(4)]
		})
	case 8:
		what = "types"
		c.Hear(c.ctx, store.Typed{By: who, Message: fmt.Sprint(c.Int64()), Text: store.Secret("typed")})
	case 9:
		what = "has the house restart in the middle of a claim"
		c.ok(second(c.ClaimDue(c.ctx, 1+c.IntN(5))))
		c.restart()
	case 10:
		what = "has their DMs closed"
		due, err := c.ClaimDue(c.ctx, 1)
		c.ok(err)
		for _, d := range due {
			c.ok(c.MarkRefused(c.ctx, d))
		}
	case 11:
		what = "has their DMs open again"
		c.ok(c.Retry(c.ctx, who.ID))
	case 12:
		what = "pauses and comes back"
		c.ok(c.Pause(c.ctx, who.ID))
		c.ok(c.Resume(c.ctx, who.ID))
	}
	return what
}

// sparingly lets time pass. In one of two outages nothing is sent.
func (c *chance) sparingly(d time.Duration) {
	c.clock.Advance(d)
	if c.clock.Now().Unix()/(4*3600)%2 == 0 {
		c.deliver()
	}
}

// owed returns the check-ins that are due and were not asked yet, each with its scene
// and its person.
func (c *chance) owed() (out map[int64][2]int64) {
	c.Helper()
	rows, err := store.DB(c.Store).Query(`
		SELECT id, scene, person FROM checkins WHERE state = 'planned' AND due_at <= $1 AND due_at > $2
	`, c.clock.Now().UnixMilli(), c.clock.Now().Add(-12*time.Hour).UnixMilli())
	c.ok(err)
	defer rows.Close()
	out = map[int64][2]int64{}
	for rows.Next() {
		var id, scene, person int64
		c.ok(rows.Scan(&id, &scene, &person))
		out[id] = [2]int64{scene, person}
	}
	c.ok(rows.Err())
	return out
}

func (c *chance) stillOwed(owed map[int64][2]int64, what string) {
	c.Helper()
	for id, of := range owed {
		if c.count(`checkins WHERE id = $1 AND (state IN ('planned', 'asked', 'answering', 'done') OR joined IS NOT NULL)`, id) > 0 {
			continue
		}
		if c.count(`checkins WHERE scene = $1 AND person = $2 AND state = 'planned' AND due_at >= $3`, of[0], of[1], c.clock.Now().UnixMilli()) == 0 {
			c.Errorf("somebody %s, and a check-in that was due is lost", what)
		}
	}
}
