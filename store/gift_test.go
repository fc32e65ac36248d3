package store_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"aftercare/store"
	"aftercare/store/storetest"
)

// refuse has Discord refuse all that is due.
func (w *world) refuse() {
	w.Helper()
	for {
		due, err := w.ClaimDue(w.ctx, 100)
		w.ok(err)
		if len(due) == 0 {
			return
		}
		for _, d := range due {
			if _, err := w.Content(w.ctx, d); err == nil {
				w.ok(w.MarkRefused(w.ctx, d))
			}
		}
	}
}

// leave leaves kind words for the partner of a pact.
func (w *world) leave(who store.Who, pact int64, words string) store.Gifts {
	w.Helper()
	g, err := w.LeaveGift(w.ctx, who.ID, pact, store.Secret(words), "leave "+words)
	w.ok(err)
	return g
}

// listed is how many kind words somebody has listed for a partner.
func (w *world) listed(who store.Who, pact int64, want int) store.Gifts {
	w.Helper()
	g, err := w.GiftsFor(w.ctx, who.ID, store.Private{}, pact)
	w.ok(err)
	if len(g.Left) != want {
		w.Errorf("%d are listed, want %d", len(g.Left), want)
	}
	return g
}

func TestGiftWithACheckIn(t *testing.T) {
	t.Parallel()
	w, pact := linked(t)
	w.end(alex, sam)
	g := w.leave(alex, pact, "kind")
	if g.Pact != pact || g.To != sam.Name || len(g.Left) != 1 || !g.Left[0].At.Equal(w.clock.Now()) {
		t.Errorf("%+v", g)
	}
	w.leave(alex, pact, "kind") // the same interaction
	w.listed(alex, pact, 1)
	if sent := w.pass(23 * time.Hour); got(sent, sam, store.KindRelay) != 0 {
		t.Error("it came too soon")
	}
	sent := w.pass(time.Hour)
	w.got(sent, sam, store.KindRelay, 1)
	w.listed(alex, pact, 1)
	w.rows(0, "gifts WHERE text IS NOT NULL")
	r, err := w.Read(w.ctx, sam.ID, w.at(sam, store.KindRelay))
	w.ok(err)
	if !slices.Equal(texts(r.Answer), []string{"kind"}) || r.From != alex.Name {
		t.Errorf("%+v", r)
	}
	w.leave(alex, pact, "kind") // the same interaction, still
	w.listed(alex, pact, 1)
	second(w.SendBack(w.ctx, sam.ID, w.at(sam, store.KindRelay), store.Secret("back"), "b"))
	w.got(w.deliver(), alex, store.KindRelay, 1)
	w.got(w.pass(24*time.Hour), sam, store.KindRelay, 0) // once
}

// A low gives them at once, and the writer's list tells nothing of it.
func TestGiftAtALow(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	w.leave(alex, pact, "one")
	at := w.at(sam, store.KindCheckIn)
	for _, f := range []store.Feeling{"flat", "ok", "good", "glowing", "mixed"} {
		w.step(w.Feel(w.ctx, sam.ID, at, f))
		w.got(w.deliver(), sam, store.KindRelay, 0)
	}
	w.step(w.Feel(w.ctx, sam.ID, at, "low"))
	w.got(w.deliver(), sam, store.KindRelay, 1)
	w.rows(0, "gifts WHERE text IS NOT NULL")
	g := w.listed(alex, pact, 1)
	second(w.Read(w.ctx, sam.ID, w.at(sam, store.KindRelay)))
	w.listed(alex, pact, 1)
	if g, err := w.RemoveGift(w.ctx, alex.ID, g.Left[0].ID, pact); err != nil || len(g.Left) != 0 {
		t.Errorf("%+v %v", g, err)
	}
	if sent := w.deliver(); len(sent) != 1 || sent[0].Want != store.Delete {
		t.Errorf("it was not taken back: %+v", sent)
	}
	w.leave(alex, pact, "two")
	w.step(w.Feel(w.ctx, sam.ID, at, "numb"))
	w.got(w.deliver(), sam, store.KindRelay, 1)
	w.listed(alex, pact, 1)
	w.got(w.pass(24*time.Hour), sam, store.KindRelay, 0)
	w.listed(alex, pact, 1)
}

// A check-in for a scene with somebody else gives them too, and the list does not
// tell that there was one.
func TestGiftWithAnothersCheckIn(t *testing.T) {
	t.Parallel()
	w, pact := linked(t)
	w.link(sam, kit)
	w.end(sam, kit)
	w.leave(alex, pact, "kind")
	w.got(w.pass(24*time.Hour), sam, store.KindRelay, 1)
	w.listed(alex, pact, 1)
	w.end(sam, alex)
	w.got(w.pass(24*time.Hour), sam, store.KindRelay, 0)
	w.listed(alex, pact, 1)
}

func TestFiveGifts(t *testing.T) {
	t.Parallel()
	w, pact := linked(t)
	w.is(second(w.LeaveGift(w.ctx, alex.ID, pact, store.Private{}, "none")), store.ErrNothing)
	for i := range 5 {
		w.leave(alex, pact, strconv.Itoa(i))
	}
	w.is(second(w.LeaveGift(w.ctx, alex.ID, pact, store.Secret("x"), "sixth")), store.ErrFull)
	w.leave(sam, pact, "the other way there is room")
	g := w.listed(alex, pact, 5)
	if !g.Full {
		t.Error("not full")
	}
	if g, err := w.RemoveGift(w.ctx, alex.ID, g.Left[2].ID, pact); err != nil || len(g.Left) != 4 || g.Full {
		t.Errorf("%+v %v", g, err)
	}
	w.leave(alex, pact, "x")
	if _, err := w.EndScene(w.ctx, w.ended(sam, alex)); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(24*time.Hour - time.Millisecond)
	w.is(second(w.LeaveGift(w.ctx, alex.ID, pact, store.Secret("x"), "too soon")), store.ErrFull)
	w.got(w.pass(time.Millisecond), sam, store.KindRelay, 5)
	if g := w.listed(alex, pact, 5); g.Full {
		t.Error("full after the first mark of a scene of both")
	}
	for i := range 5 {
		w.leave(alex, pact, "after"+strconv.Itoa(i))
	}
	w.is(second(w.LeaveGift(w.ctx, alex.ID, pact, store.Secret("x"), "eleventh")), store.ErrFull)
	if w.got(w.pass(24*time.Hour), sam, store.KindRelay, 5); !w.listed(alex, pact, 10).Full {
		t.Error("what comes at the second mark makes room")
	}

	// A week after they were written there is room without a scene, up to 25 in all.
	for range 3 {
		w.clock.Advance(7 * 24 * time.Hour)
		w.sweep()
		for range 5 {
			w.leave(alex, pact, w.clock.Now().String()+strconv.Itoa(w.count("gifts")))
		}
	}
	w.listed(alex, pact, 25)
	w.clock.Advance(7*24*time.Hour - time.Millisecond)
	w.is(second(w.LeaveGift(w.ctx, alex.ID, pact, store.Secret("x"), "26th")), store.ErrFull)
	w.clock.Advance(24 * time.Hour)
	w.sweep()
	w.leave(alex, pact, "the first ten are 30 days old")
}

// What the writer can see of what they left is the same whatever the reader has set
// and done, and whoever else the reader is linked with.
func TestGiftsTellNothingOfTheirReader(t *testing.T) {
	t.Parallel()
	for name, reader := range map[string]struct {
		set    func(*store.Settings)
		before func(w *world, scene int64)
		closed bool
	}{
		"usual":            {},
		"closed DMs":       {closed: true},
		"wants nothing":    {set: func(s *store.Settings) { s.Much = store.MuchNone }},
		"wants one line":   {set: func(s *store.Settings) { s.Much = store.MuchLight }},
		"marks of its own": {set: func(s *store.Settings) { s.Marks = []time.Duration{3 * time.Hour} }},
		"late marks":       {set: func(s *store.Settings) { s.Marks = []time.Duration{7 * 24 * time.Hour} }},
		"asked first":      {set: func(s *store.Settings) { s.AskFirst = true }},
		"a scene with another": {before: func(w *world, _ int64) {
			w.link(sam, kit)
			e := w.ended(sam, kit)
			e.At = e.At.Add(-20 * time.Hour)
			second(w.EndScene(w.ctx, e))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, pact := linked(t)
			if reader.set != nil {
				w.ok(second(w.ChangeSettings(w.ctx, sam.ID, reader.set)))
			}
			scene := w.end(alex, sam).ID
			if reader.before != nil {
				reader.before(w, scene)
			}
			for i := range 5 {
				w.leave(alex, pact, strconv.Itoa(i))
			}
			seen := func(after time.Duration, listed int, full bool) store.Gifts {
				w.clock.Advance(after)
				if reader.closed {
					w.refuse()
				}
				w.deliver()
				w.sweep()
				g := w.listed(alex, pact, listed)
				if g.Full != full {
					t.Errorf("after %v more, full is %v", after, g.Full)
				}
				return g
			}
			seen(time.Hour, 5, true)
			seen(3*time.Hour, 5, true)
			seen(20*time.Hour-time.Millisecond, 5, true)
			seen(time.Millisecond, 5, false)
			g := seen(24*time.Hour, 5, false)
			if g, err := w.RemoveGift(w.ctx, alex.ID, g.Left[1].ID, pact); err != nil || len(g.Left) != 4 {
				t.Errorf("%+v %v", g, err)
			}
			if g, err := w.RemoveGift(w.ctx, alex.ID, g.Left[1].ID, pact); err != nil || len(g.Left) != 4 {
				t.Errorf("twice: %+v %v", g, err)
			}
			for i := range 5 {
				w.leave(alex, pact, "more"+strconv.Itoa(i))
			}
			seen(0, 9, true)
			for range 6 {
				seen(24*time.Hour, 9, true)
			}
			seen(24*time.Hour, 9, false)
			seen(21*24*time.Hour, 5, false)
			seen(2*24*time.Hour, 0, false)
			w.rows(0, "gifts")
			w.rows(0, "words")
		})
	}
}

// Somebody else's kind words are not there, and nothing changes.
func TestGiftsOfOthers(t *testing.T) {
	t.Parallel()
	w, pact := linked(t)
	withKit := w.link(alex, kit)
	gift := w.leave(alex, pact, "kind").Left[0].ID
	before := w.dump()
	for _, who := range []store.Who{kit, robin} {
		w.is(second(w.RemoveGift(w.ctx, who.ID, gift, pact)), store.ErrGone)
		w.is(second(w.GiftsFor(w.ctx, who.ID, store.Private{}, pact)), store.ErrNotLinked)
		w.is(second(w.GiftsFor(w.ctx, who.ID, sam.ID, 0)), store.ErrNotLinked)
		w.is(second(w.LeaveGift(w.ctx, who.ID, pact, store.Secret("x"), "x")), store.ErrNotLinked)
	}
	w.ok(second(w.RemoveGift(w.ctx, kit.ID, gift, withKit)))
	w.ok(second(w.RemoveGift(w.ctx, sam.ID, gift, pact)))
	w.is(second(w.GiftsFor(w.ctx, alex.ID, alex.ID, 0)), store.ErrSelf)
	if w.dump() != before {
		t.Error("something changed")
	}
}

// Left and paused look the same to whoever left something.
func TestGiftsToSomebodyWhoLeftOrPaused(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]func(w *world, pact int64) error{
		"left":   func(w *world, pact int64) error { return w.Leave(w.ctx, sam.ID, pact) },
		"paused": func(w *world, pact int64) error { return w.Pause(w.ctx, sam.ID) },
	} {
		w, pact := linked(t)
		gift := w.leave(alex, pact, "kind").Left[0].ID
		w.leave(sam, pact, "back")
		w.ok(away(w, pact))
		w.is(second(w.GiftsFor(w.ctx, alex.ID, store.Private{}, pact)), store.ErrNotLinked)
		w.is(second(w.GiftsFor(w.ctx, alex.ID, sam.ID, 0)), store.ErrNotLinked)
		w.is(second(w.LeaveGift(w.ctx, alex.ID, pact, store.Secret("x"), "x")), store.ErrNotLinked)
		g, err := w.RemoveGift(w.ctx, alex.ID, gift, pact)
		if g.Pact != 0 || len(g.Left) != 0 || err != nil {
			t.Errorf("%s: %+v %v", name, g, err)
		}
	}
}

// Kind words for somebody who has left stay on their writer's list and are given to
// nobody, neither at a low nor when the two link anew. What they say is forgotten
// after a day. Those of whoever left are gone at once.
func TestGiftsAfterLeaving(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	at := w.at(sam, store.KindCheckIn)
	w.leave(alex, pact, "kind")
	w.leave(sam, pact, "back")
	w.ok(w.Leave(w.ctx, sam.ID, pact))
	w.deliver()
	w.rows(1, "gifts")
	w.rows(1, "gifts WHERE undone = 1 AND text IS NOT NULL")
	if _, err := w.Feel(w.ctx, sam.ID, at, "low"); err == nil {
		t.Error("a check-in outlives leaving")
	}
	alone := w.ended(sam)
	alone.Alone, alone.At = true, w.clock.Now().Add(-23*time.Hour)
	w.ok(second(w.EndScene(w.ctx, alone)))
	w.got(w.pass(time.Hour), sam, store.KindCheckIn, 1)
	w.step(w.Feel(w.ctx, sam.ID, w.at(sam, store.KindCheckIn), "low"))
	w.got(w.deliver(), sam, store.KindRelay, 0)
	w.forgets(w.clock.Now().Add(23*time.Hour), "gifts WHERE text IS NOT NULL")
	w.rows(1, "gifts")
	again := w.link(alex, sam)
	w.rows(0, "gifts")
	w.listed(alex, again, 0)
}

// What was given and is still listed goes as a relay when somebody leaves.
func TestGiftGivenAndThenLeft(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	w.leave(alex, pact, "kind")
	w.step(w.Feel(w.ctx, sam.ID, w.at(sam, store.KindCheckIn), "low"))
	w.deliver()
	w.ok(w.Leave(w.ctx, alex.ID, pact))
	sent := w.deliver()
	if !slices.ContainsFunc(sent, func(m storetest.Sent) bool {
		return m.Want == store.Delete && m.Kind == store.KindRelay && m.To == sam.ID
	}) {
		t.Errorf("%+v", sent)
	}
	w.rows(0, "gifts")
	w.rows(0, "words")
}

func TestGiftsWaitThroughAPause(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	at := w.at(sam, store.KindCheckIn)
	w.leave(alex, pact, "kind")
	w.ok(w.Pause(w.ctx, sam.ID))
	w.step(w.Feel(w.ctx, sam.ID, at, "low")) // a button of before
	w.ok(w.Resume(w.ctx, sam.ID))
	w.got(w.deliver(), sam, store.KindRelay, 0)
	w.ok(w.Pause(w.ctx, alex.ID))
	w.is(second(w.LeaveGift(w.ctx, alex.ID, pact, store.Secret("x"), "x")), store.ErrPaused)
	w.got(w.pass(24*time.Hour), sam, store.KindRelay, 0)
	w.ok(w.Resume(w.ctx, alex.ID))
	w.listed(alex, pact, 1)
	w.step(w.Feel(w.ctx, sam.ID, at, "low"))
	w.got(w.deliver(), sam, store.KindRelay, 1)
}

func TestForgetGifts(t *testing.T) {
	t.Parallel()
	w, pact := linked(t)
	w.leave(alex, pact, "kind")
	w.forgets(w.clock.Now().Add(30*24*time.Hour), "gifts")
}

// Given, they are kept a day after they were read, and no longer than 30 days
// after they were written.
func TestForgetGivenGifts(t *testing.T) {
	t.Parallel()
	w, pact := linked(t)
	w.leave(alex, pact, "read")
	written := w.clock.Now()
	w.clock.Advance(20 * 24 * time.Hour)
	w.leave(alex, pact, "unread")
	w.link(sam, kit)
	w.end(sam, kit)
	w.pass(24 * time.Hour)
	var first int64
	for _, m := range w.inbox {
		if m.Kind == store.KindRelay && first == 0 {
			first = m.As.ID
		}
	}
	second(w.Read(w.ctx, sam.ID, first))
	w.rows(2, "words WHERE text IS NOT NULL")
	w.clock.Advance(24 * time.Hour)
	w.ok(second(w.Forget(w.ctx)))
	w.rows(1, "words WHERE text IS NOT NULL")
	w.clock.Advance(written.Add(30 * 24 * time.Hour).Sub(w.clock.Now()))
	w.ok(second(w.Forget(w.ctx)))
	w.rows(1, "gifts") // that one is gone, and off the list
	w.clock.Advance(20 * 24 * time.Hour)
	w.ok(second(w.Forget(w.ctx)))
	sent := w.deliver() // with everything else that has stood there for a week
	w.got(sent, sam, store.KindRelay, 1)
	for _, m := range sent {
		if m.Want != store.Delete {
			t.Errorf("something else than a deletion: %+v", m)
		}
	}
	w.ok(second(w.Forget(w.ctx)))
	w.rows(0, "gifts")
	w.rows(0, "words")
	w.rows(0, "answers WHERE kind = 'word'")
}

// Who wants one line in place of check-ins gets them with that.
func TestGiftWithTheLineInPlaceOfCheckIns(t *testing.T) {
	t.Parallel()
	w, pact := linked(t)
	second(w.ChangeSettings(w.ctx, sam.ID, func(s *store.Settings) { s.Much, s.Touch = store.MuchLight, true }))
	w.leave(alex, pact, "kind")
	w.end(alex, sam)
	sent := w.pass(time.Hour)
	w.got(sent, sam, store.KindHere, 1)
	w.got(sent, sam, store.KindRelay, 0)
	sent = w.pass(23 * time.Hour)
	w.got(sent, sam, store.KindHere, 1)
	w.got(sent, sam, store.KindRelay, 1)
	w.listed(alex, pact, 1)
}
