package store_test

import (
	"testing"
	"time"

	"aftercare/store"
)

// linkOnce joins two people for one scene.
func (w *world) linkOnce(a, b store.Who) store.Linked {
	w.Helper()
	code, _, err := w.InviteOnce(w.ctx, a, 1)
	w.ok(err)
	inv, err := w.Invitation(w.ctx, b.ID, code)
	w.ok(err)
	if !inv.Once {
		w.Error("the invitation does not say that it is for one scene")
	}
	l, err := w.Accept(w.ctx, b, inv.ID, 1)
	w.ok(err)
	return l
}

func (w *world) sweep() {
	w.Helper()
	w.ok(second(w.Forget(w.ctx)))
}

func TestOnceDissolves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.linkOnce(alex, sam)
	pact := w.pact(alex)
	if !pact.Once || pact.Had || !pact.Until.Equal(w.clock.Now().Add(30*24*time.Hour)) {
		t.Errorf("%+v", pact)
	}
	w.end(alex, sam)
	if p := w.pact(sam); !p.Had || !p.Until.Equal(w.clock.Now().Add(72*time.Hour)) {
		t.Errorf("%+v", p)
	}
	w.pass(24 * time.Hour)
	w.answer(alex, "good", "words", pact.ID, store.ShareWords)
	w.pass(24 * time.Hour)
	w.answer(sam, "good", "words", pact.ID, store.ShareWords)
	w.deliver()
	w.ok(second(w.Read(w.ctx, alex.ID, w.at(alex, store.KindRelay))))
	w.clock.Advance(24*time.Hour - time.Millisecond)
	w.sweep()
	w.rows(2, "sides")
	w.clock.Advance(time.Millisecond)
	w.sweep()
	w.rows(0, "pacts")
	w.rows(0, "sides")
	w.rows(0, "words")
	w.rows(0, "checkins WHERE state NOT IN ('cancelled')")
	for _, m := range w.deliver() {
		if m.Want != store.Delete {
			t.Errorf("after the end: %+v", m)
		}
	}
	w.rows(0, "deliveries WHERE message IS NOT NULL AND kind IN ('relay', 'checkin', 'notice')")
	w.is(second(w.EndScene(w.ctx, w.ended(alex, sam))), store.ErrNotLinked)
	w.clock.Advance(40 * 24 * time.Hour)
	w.sweep()
	w.deliver() // their first lines go out of their DMs
	w.sweep()
	w.rows(0, "persons")
}

// A scene that is recorded when all its marks have passed still has its check-in,
// and a day after that.
func TestOnceRecordedLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.linkOnce(alex, sam)
	late := w.ended(alex, sam)
	late.At = w.clock.Now().Add(-4 * 24 * time.Hour)
	w.ok(second(w.EndScene(w.ctx, late)))
	if p := w.pact(sam); !p.Had || !p.Until.Equal(w.clock.Now().Add(24*time.Hour)) {
		t.Errorf("%+v", p)
	}
	w.deliver()
	w.clock.Advance(24*time.Hour - time.Millisecond)
	w.sweep()
	w.rows(2, "sides")
	w.clock.Advance(time.Millisecond)
	w.sweep()
	w.rows(0, "sides")
}

// A partner who recorded the scene and then left looks like one who paused: the link
// has had its scene, is as good as spent, and ends on the same day.
func TestOnceLeftByItsRecorder(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(w *world, pact int64){
		"leaves": func(w *world, pact int64) { w.ok(w.Leave(w.ctx, sam.ID, pact)) },
		"pauses": func(w *world, _ int64) { w.ok(w.Pause(w.ctx, sam.ID)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.linkOnce(alex, sam)
			pact := w.pact(alex).ID
			w.end(sam, alex)
			until := w.clock.Now().Add(72 * time.Hour)
			w.pass(8 * time.Hour)
			act(w, pact)
			if p := w.pact(alex); !p.Had || !p.Until.Equal(until) {
				t.Errorf("%+v", p)
			}
			w.is(second(w.EndScene(w.ctx, w.ended(alex, sam))), store.ErrOnce)
			w.is(second(w.Recorded(w.ctx, sam.ID, 0)), map[string]error{"leaves": store.ErrGone}[name])
			w.pass(64 * time.Hour)
			w.sweep()
			w.rows(0, "sides")
		})
	}
}

func TestOnceUnused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.linkOnce(alex, sam)
	w.link(alex, kit)
	w.clock.Advance(30*24*time.Hour - time.Millisecond)
	w.sweep()
	w.rows(2, "pacts")
	w.clock.Advance(time.Millisecond)
	w.sweep()
	w.rows(1, "pacts")
}

func TestOnceIsForOneScene(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.linkOnce(alex, sam)
	w.link(alex, kit)
	first := w.end(alex, sam)
	w.clock.Advance(5 * time.Hour)
	if again := w.end(sam, alex); again.ID != first.ID {
		t.Error("the same scene is another one")
	}
	w.clock.Advance(5 * time.Hour)
	for _, e := range []store.Ended{w.ended(alex, sam), w.ended(sam), w.ended(alex, sam, kit)} {
		w.is(second(w.EndScene(w.ctx, e)), store.ErrOnce)
	}
	w.end(alex, kit) // that is another pact

	// Whether the other is still there makes no difference.
	w.ok(w.Pause(w.ctx, sam.ID))
	w.is(second(w.EndScene(w.ctx, w.ended(alex, sam))), store.ErrOnce)
	w.ok(w.Resume(w.ctx, sam.ID))

	// It is free again once nobody holds on to it.
	w.ok(w.UndoScene(w.ctx, alex.ID, first.ID))
	w.is(second(w.EndScene(w.ctx, w.ended(alex, sam))), store.ErrOnce)
	w.ok(w.UndoScene(w.ctx, sam.ID, first.ID))
	w.end(alex, sam)
}

func TestOnceLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.linkOnce(alex, sam)
	w.end(alex, sam)
	before := w.pact(alex)
	w.ok(w.Leave(w.ctx, sam.ID, before.ID))
	if w.pact(alex) != before {
		t.Errorf("%+v, then %+v", before, w.pact(alex))
	}
	w.clock.Advance(10 * time.Hour)
	w.is(second(w.EndScene(w.ctx, w.ended(alex, sam))), store.ErrOnce)
	w.clock.Advance(62 * time.Hour)
	w.sweep()
	w.rows(0, "pacts")
}

func TestOnceAndLasting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.linkOnce(alex, sam)
	w.end(alex, sam)
	w.clock.Advance(10 * time.Hour)
	w.link(sam, alex) // now it lasts
	if p := w.pact(alex); p.Once {
		t.Errorf("%+v", p)
	}
	w.end(alex, sam)
	before := w.pact(alex)
	w.clock.Advance(time.Hour)
	if l := w.linkOnce(sam, alex); !l.Kept || w.pact(alex) != before {
		t.Errorf("%+v: %+v, then %+v", l, before, w.pact(alex))
	}
	w.clock.Advance(60 * 24 * time.Hour)
	w.sweep()
	w.rows(1, "pacts")

	// Where one of them had left, it is for one scene.
	w.ok(w.Leave(w.ctx, sam.ID, before.ID))
	if l := w.linkOnce(sam, alex); l.Kept || !w.pact(alex).Once || !w.pact(sam).Once {
		t.Errorf("%+v", l)
	}

	// Another code for one scene gives it another one.
	w.end(alex, sam)
	w.clock.Advance(10 * time.Hour)
	w.is(second(w.EndScene(w.ctx, w.ended(alex, sam))), store.ErrOnce)
	w.linkOnce(alex, sam)
	w.end(alex, sam)
}

// A scene with others in it goes on for them.
func TestOnceAmongOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.linkOnce(alex, sam)
	withKit := w.link(alex, kit)
	e := w.ended(alex, sam, kit)
	e.Size = store.Intense
	w.ok(second(w.EndScene(w.ctx, e)))
	w.pass(72 * time.Hour)
	at := w.at(alex, store.KindCheckIn)
	w.step(w.Write(w.ctx, alex.ID, at, store.Secret("words")))
	w.step(w.Share(w.ctx, alex.ID, at, withKit, store.ShareWords))
	w.pass(24 * time.Hour)
	w.sweep()
	w.rows(1, "pacts")
	v := w.step(w.CheckIn(w.ctx, alex.ID, at))
	if len(v.Readers) != 1 || v.Answer.Empty() {
		t.Errorf("%+v", v)
	}
	w.rows(1, "words WHERE text IS NOT NULL") // a day after sharing they are kept, and not shown
}
