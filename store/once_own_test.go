package store_test

import (
	"testing"
	"time"

	"aftercare/store"
)

func (w *world) marks(who store.Who, marks ...time.Duration) {
	w.Helper()
	w.ok(second(w.ChangeSettings(w.ctx, who.ID, func(s *store.Settings) { s.Marks = marks })))
}

// Somebody's own check-ins that are later than the end of the link come to them as
// they were told, and to them alone. The partner's side and the date tell nothing.
func TestOnceWithLaterMarks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.linkOnce(alex, sam)
	w.marks(alex, 24*time.Hour, 7*24*time.Hour)
	e := w.end(alex, sam)
	if len(e.CheckIns) != 2 {
		t.Errorf("%+v", e)
	}
	if p := w.pact(alex); !p.Until.Equal(w.clock.Now().Add(72 * time.Hour)) {
		t.Errorf("the end tells of own marks: %+v", p)
	}
	w.pass(24 * time.Hour)
	first := w.answer(alex, "good", "words", w.pact(alex).ID, store.ShareWords)
	w.pass(48 * time.Hour)
	w.sweep()
	w.rows(0, "sides")
	w.rows(0, "words")
	for _, m := range w.deliver() {
		if m.Want != store.Delete {
			t.Errorf("at the end: %+v", m)
		}
	}
	w.is(second(w.CheckIn(w.ctx, alex.ID, first)), store.ErrGone)
	coming, err := w.Upcoming(w.ctx, alex.ID)
	w.ok(err)
	if len(coming) != 1 {
		t.Errorf("%+v", coming)
	}
	sent := w.pass(4 * 24 * time.Hour)
	w.got(sent, alex, store.KindCheckIn, 1)
	w.got(sent, sam, store.KindCheckIn, 0)
	c := w.step(w.Open(w.ctx, alex.ID, w.at(alex, store.KindCheckIn)))
	if len(c.Readers) != 0 || !c.Last {
		t.Errorf("%+v", c)
	}
	w.step(w.Feel(w.ctx, alex.ID, w.at(alex, store.KindCheckIn), "low"))
	w.step(w.Write(w.ctx, alex.ID, w.at(alex, store.KindCheckIn), store.Secret("mine")))
	if sent := w.deliver(); len(sent) != 0 {
		t.Errorf("%+v", sent)
	}
	w.clock.Advance(60 * 24 * time.Hour)
	w.sweep()
	w.deliver()
	w.sweep()
	w.rows(0, "participants")
	w.rows(0, "scenes")
}

// What is left to each is their own: one undoes it, and the other's comes.
func TestOnceUndoneAfterItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.linkOnce(alex, sam)
	w.marks(alex, 5*24*time.Hour)
	w.marks(sam, 6*24*time.Hour)
	scene := w.end(alex, sam).ID
	w.pass(72 * time.Hour)
	w.sweep()
	w.rows(0, "sides")
	w.ok(w.UndoScene(w.ctx, alex.ID, scene))
	w.got(w.pass(2*24*time.Hour), alex, store.KindCheckIn, 0)
	w.got(w.pass(24*time.Hour), sam, store.KindCheckIn, 1)
}

// A line in place of check-ins comes too.
func TestOnceWithALaterLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.linkOnce(alex, sam)
	w.ok(second(w.ChangeSettings(w.ctx, sam.ID, func(s *store.Settings) {
		s.Much, s.Marks = store.MuchLight, []time.Duration{4 * 24 * time.Hour}
	})))
	w.end(alex, sam)
	w.pass(72 * time.Hour)
	w.sweep()
	w.deliver()
	w.rows(0, "deliveries WHERE kind = 'notice' AND message IS NOT NULL")
	w.got(w.pass(24*time.Hour), sam, store.KindHere, 1)
}

// A look back in a link that ends by itself is the last: it can't be put off, and
// nothing comes after it.
func TestOnceLookBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.linkOnce(alex, sam)
	w.wantAfter(alex)
	w.end(alex, sam)
	w.pass(24 * time.Hour)
	w.pass(24 * time.Hour)
	if w.last(alex, store.KindCheckIn).CheckIn.Last {
		t.Error("the look back is to come")
	}
	sent := w.pass(20 * time.Hour)
	w.got(sent, alex, store.KindAfter, 1)
	m := w.last(alex, store.KindAfter)
	if !m.After.Last || m.After.LaterLeft != 0 {
		t.Errorf("%+v", m.After)
	}
	at := m.As.ID
	w.is(second(w.LaterAfter(w.ctx, alex.ID, at)), store.ErrTooOften)
	w.after(w.SkipAfter(w.ctx, alex.ID, at))
	w.after(w.OpenAfter(w.ctx, alex.ID, at, ""))
	w.after(w.WritePart(w.ctx, alex.ID, at, store.TopicKeep, store.Secret("the tea")))
	v := w.after(w.SharePart(w.ctx, alex.ID, at, store.TopicKeep, w.pact(alex).ID, store.ShareWords))
	if !v.Last {
		t.Errorf("%+v", v)
	}
	w.got(w.deliver(), sam, store.KindRelay, 1)
	w.rows(0, "deliveries WHERE kind = 'moment'")
}

// Where the look back would come after the end, or the night keeps it until then,
// the check-in is the last.
func TestOnceWithoutALookBack(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*store.Settings){
		"a late mark": func(s *store.Settings) { s.Marks = []time.Duration{52 * time.Hour} },
		"the night":   func(s *store.Settings) { s.Zone, s.Quiet = "UTC", &store.Hours{From: 16 * 60, To: 15 * 60} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.linkOnce(alex, sam)
			w.ok(second(w.ChangeSettings(w.ctx, alex.ID, func(s *store.Settings) { s.After = true; set(s) })))
			w.end(alex, sam)
			for range 72 {
				w.got(w.pass(time.Hour), alex, store.KindAfter, 0)
				w.sweep()
			}
			if !w.last(alex, store.KindCheckIn).CheckIn.Last {
				t.Error("it does not say that it is the last")
			}
			w.rows(0, "deliveries WHERE kind = 'after'")
		})
	}
}

// One of several links lasts: the look back is as always.
func TestOnceLookBackAmongOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.linkOnce(alex, sam)
	w.link(alex, kit)
	w.wantAfter(alex)
	w.end(alex, sam, kit)
	w.pass(24 * time.Hour)
	w.pass(24 * time.Hour)
	w.pass(20 * time.Hour)
	if v := w.last(alex, store.KindAfter).After; v.Last || v.LaterLeft == 0 {
		t.Errorf("%+v", v)
	}
	w.got(w.pass(24*time.Hour), alex, store.KindMoment, 1)
}

// Whether the partner is there or not, and whether the scene was or not.
func TestOnceIsNotForEverySoOften(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(w *world){
		"there":    func(*world) {},
		"paused":   func(w *world) { w.ok(w.Pause(w.ctx, sam.ID)) },
		"left":     func(w *world) { w.ok(w.Leave(w.ctx, sam.ID, w.pact(sam).ID)) },
		"had":      func(w *world) { w.end(alex, sam) },
		"had, old": func(w *world) { w.end(alex, sam); w.clock.Advance(10 * time.Hour) },
	} {
		w := newWorld(t)
		w.linkOnce(alex, sam)
		w.ok(second(w.ChangeSettings(w.ctx, alex.ID, func(s *store.Settings) { s.Zone = "UTC" })))
		act(w)
		for _, p := range []store.Proposal{{Partners: []store.Private{sam.ID}}, {Pacts: []int64{w.pact(alex).ID}}, {}} {
			p.By, p.Spec, p.Request = alex, store.Secret("0 20 * * 0"), name
			w.is(second(w.Propose(w.ctx, p)), store.ErrOneScene)
		}
		w.rows(0, "standings")
	}
}
