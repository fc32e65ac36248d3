package store_test

import (
	"testing"
	"time"

	"aftercare/store"
	"aftercare/store/storetest"
)

// twoScenes is a world in which alex was with sam, and an hour later with kit. An
// hour before the second mark of either, alex has been asked once, for both.
func twoScenes(t *testing.T) (w *world, withSam, withKit int64, first, second store.Scene) {
	t.Helper()
	w = newWorld(t)
	withSam, withKit = w.link(alex, sam), w.link(alex, kit)
	w.deliver()
	first = w.end(alex, sam)
	w.clock.Advance(time.Hour)
	second = w.end(alex, kit)
	w.got(w.pass(23*time.Hour), alex, store.KindCheckIn, 1)
	w.got(w.pass(time.Hour), alex, store.KindCheckIn, 0)
	return w, withSam, withKit, first, second
}

func (w *world) readers(who store.Who, delivery int64) (names []string) {
	w.Helper()
	for _, r := range w.step(w.CheckIn(w.ctx, who.ID, delivery)).Readers {
		names = append(names, r.Name.Reveal())
	}
	return names
}

func (w *world) hasReaders(delivery int64, want ...store.Who) {
	w.Helper()
	got := w.readers(alex, delivery)
	if len(got) != len(want) {
		w.Fatalf("readers %v, want %d", got, len(want))
	}
	for i := range want {
		if got[i] != want[i].Name.Reveal() {
			w.Errorf("reader %q, want %q", got[i], want[i].Name.Reveal())
		}
	}
}

func TestTwoScenesOnePrompt(t *testing.T) {
	t.Parallel()
	w, withSam, withKit, _, _ := twoScenes(t)
	at := w.at(alex, store.KindCheckIn)
	w.hasReaders(at, sam, kit)
	w.step(w.Write(w.ctx, alex.ID, at, store.Secret("words")))
	w.step(w.Share(w.ctx, alex.ID, at, withSam, store.ShareWords))
	v := w.step(w.Share(w.ctx, alex.ID, at, withKit, store.ShareGist))
	if v.Step != store.StepDone || v.Last {
		t.Errorf("%+v", v)
	}
	sent := w.deliver()
	w.got(sent, sam, store.KindRelay, 1)
	w.got(sent, kit, store.KindRelay, 1)
	w.got(w.pass(23*time.Hour), alex, store.KindCheckIn, 1)
	if v := w.last(alex, store.KindCheckIn).CheckIn; !v.Last {
		t.Error("the last of both does not say so")
	}
	w.got(w.pass(24*time.Hour), alex, store.KindCheckIn, 0)
	w.clock.Advance(8 * 24 * time.Hour)
	w.sweep()
	w.rows(0, "checkins")
}

// A partner is given nothing before the check-in of their own scene was due.
func TestTwoScenesNobodyCanTellByTheTime(t *testing.T) {
	t.Parallel()
	for _, mode := range []store.Mode{store.AtOnce, store.Together} {
		w := newWorld(t)
		withSam, withKit := w.link(alex, sam), w.link(alex, kit)
		w.ok(w.SetMode(w.ctx, alex.ID, withKit, mode))
		w.end(alex, sam)
		w.clock.Advance(2 * time.Hour)
		w.end(alex, kit)
		w.pass(22 * time.Hour)
		at := w.at(alex, store.KindCheckIn)
		w.step(w.Need(w.ctx, alex.ID, at, "call"))
		w.step(w.Share(w.ctx, alex.ID, at, withSam, store.ShareWords))
		w.step(w.Share(w.ctx, alex.ID, at, withKit, store.ShareWords))
		sent := w.deliver()
		w.got(sent, sam, store.KindRelay, 1)
		w.got(sent, kit, store.KindRelay, 0)
		w.got(w.pass(2*time.Hour-time.Millisecond), kit, store.KindRelay, 0)
		w.got(w.pass(time.Millisecond), kit, store.KindRelay, 1)
	}
}

func TestUndoOneOfTwoScenes(t *testing.T) {
	t.Parallel()

	// The one that was asked: what is there goes over to the other.
	w, withSam, withKit, first, second := twoScenes(t)
	at := w.at(alex, store.KindCheckIn)
	w.step(w.Write(w.ctx, alex.ID, at, store.Secret("words")))
	w.step(w.Share(w.ctx, alex.ID, at, withSam, store.ShareWords))
	w.deliver()
	w.ok(w.UndoScene(w.ctx, alex.ID, first.ID))
	w.hasReaders(at, kit)
	v := w.step(w.CheckIn(w.ctx, alex.ID, at))
	if v.Step != store.StepShare || len(v.Answer.Words) != 1 {
		t.Errorf("%+v", v)
	}
	for _, m := range w.deliver() {
		if m.To == kit.ID || m.To == sam.ID && m.Want != store.Delete {
			t.Errorf("%+v", m)
		}
	}
	w.step(w.Share(w.ctx, alex.ID, at, withKit, store.ShareWords))
	w.got(w.deliver(), kit, store.KindRelay, 1)
	w.got(w.pass(23*time.Hour), alex, store.KindCheckIn, 0)
	w.got(w.pass(time.Hour), alex, store.KindCheckIn, 1)

	// The one that was joined: its partner is no longer offered.
	w, _, _, _, second = twoScenes(t)
	at = w.at(alex, store.KindCheckIn)
	w.step(w.Open(w.ctx, alex.ID, at))
	w.ok(w.UndoScene(w.ctx, alex.ID, second.ID))
	w.hasReaders(at, sam)

	// Chosen for all who are left: it is done.
	w, _, withKit, first, _ = twoScenes(t)
	at = w.at(alex, store.KindCheckIn)
	w.step(w.Write(w.ctx, alex.ID, at, store.Secret("words")))
	w.step(w.Share(w.ctx, alex.ID, at, withKit, store.ShareWords))
	w.ok(w.UndoScene(w.ctx, alex.ID, first.ID))
	if v := w.step(w.CheckIn(w.ctx, alex.ID, at)); v.Step != store.StepDone || !v.Answer.Shared {
		t.Errorf("%+v", v)
	}

	// Undone before anything was asked, each is by itself.
	w = newWorld(t)
	w.link(alex, sam)
	w.link(alex, kit)
	first = w.end(alex, sam)
	w.clock.Advance(time.Hour)
	w.end(alex, kit)
	w.ok(w.UndoScene(w.ctx, alex.ID, first.ID))
	w.got(w.pass(23*time.Hour), alex, store.KindCheckIn, 0)
	w.got(w.pass(time.Hour), alex, store.KindCheckIn, 1)
	w.hasReaders(w.at(alex, store.KindCheckIn), kit)
}

func TestPartnerUndoesOneOfTwoScenes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.link(alex, sam)
	withKit := w.link(alex, kit)
	w.end(alex, sam)
	sc := w.end(kit, alex)
	w.pass(24 * time.Hour)
	at := w.at(alex, store.KindCheckIn)
	w.step(w.Write(w.ctx, alex.ID, at, store.Secret("words")))
	w.ok(w.UndoScene(w.ctx, kit.ID, sc.ID)) // what alex has begun stays theirs to share
	w.hasReaders(at, sam, kit)
	w.step(w.Share(w.ctx, alex.ID, at, withKit, store.ShareWords))
	w.got(w.deliver(), kit, store.KindRelay, 1)
}

func TestLeaveOneOfTwoScenes(t *testing.T) {
	t.Parallel()
	w, withSam, withKit, _, _ := twoScenes(t)
	at := w.at(alex, store.KindCheckIn)
	w.step(w.Write(w.ctx, alex.ID, at, store.Secret("words")))
	w.step(w.Share(w.ctx, alex.ID, at, withSam, store.ShareWords))
	w.step(w.Share(w.ctx, alex.ID, at, withKit, store.ShareWords))
	w.deliver()
	w.ok(w.Leave(w.ctx, alex.ID, withSam))
	v := w.step(w.CheckIn(w.ctx, alex.ID, at))
	if v.Step != store.StepDone || !v.Answer.Shared || len(v.Answer.Words) != 1 {
		t.Errorf("%+v", v)
	}
	w.hasReaders(at, kit)
	for _, m := range w.deliver() {
		if m.To == kit.ID || m.To == sam.ID && m.Want != store.Delete {
			t.Errorf("%+v", m)
		}
	}
	if _, err := w.Relay(w.ctx, kit.ID, w.at(kit, store.KindRelay)); err != nil {
		t.Error(err)
	}
	w.ok(w.Leave(w.ctx, alex.ID, withKit))
	w.rows(0, "words")
	w.is(gone(w.CheckIn(w.ctx, alex.ID, at)), store.ErrGone)
}

func gone(_ store.CheckIn, err error) error { return err }

// In hand, or waiting for open DMs, it is the same.
func TestJoinedOnTheWay(t *testing.T) {
	t.Parallel()
	claim := func() (w *world, first, second store.Scene, d store.Delivery) {
		w = newWorld(t)
		w.link(alex, sam)
		w.link(alex, kit)
		first, second = w.end(alex, sam), w.end(alex, kit)
		w.deliver()
		w.clock.Advance(24 * time.Hour)
		due, err := w.ClaimDue(w.ctx, 100)
		w.ok(err)
		for _, c := range due {
			content, err := w.Content(w.ctx, c)
			w.ok(err)
			if content.To == alex.ID {
				d = c
				continue
			}
			storetest.Send(w.T, w.Store, c)
		}
		w.rows(1, "checkins WHERE joined IS NOT NULL")
		return w, first, second, d
	}

	// Its scene is undone while it is in hand.
	w, first, _, d := claim()
	w.ok(w.UndoScene(w.ctx, alex.ID, first.ID))
	if _, ok := storetest.Send(w.T, w.Store, d); !ok {
		t.Error("the other scene is not asked for")
	}
	w.hasReaders(d.ID, kit)
	w.rows(0, "checkins WHERE joined IS NOT NULL")

	// Its scene is moved while it is in hand: it is owed all the same, for both.
	w, first, _, d = claim()
	w.ok(changed(w.ChangeScene(w.ctx, alex.ID, first.ID, w.clock.Now().Add(-40*time.Hour), "")))
	if _, ok := storetest.Send(w.T, w.Store, d); !ok {
		t.Error("what is due is no longer owed")
	}
	w.hasReaders(d.ID, sam, kit)

	// It is moved so far that the last one comes in its place: the other goes along.
	w, first, _, d = claim()
	w.ok(changed(w.ChangeScene(w.ctx, alex.ID, first.ID, w.clock.Now().Add(-60*time.Hour), "")))
	w.ok(w.Drop(w.ctx, d))
	w.got(w.deliver(), alex, store.KindCheckIn, 1)
	w.hasReaders(w.at(alex, store.KindCheckIn), sam, kit)

	// Discord refuses it, and so long that it is too late: each is looked at by itself.
	w, _, second, d := claim()
	w.ok(w.MarkRefused(w.ctx, d))
	w.ok(w.UndoScene(w.ctx, alex.ID, second.ID))
	w.clock.Advance(time.Hour)
	w.ok(w.Retry(w.ctx, alex.ID))
	w.got(w.deliver(), alex, store.KindCheckIn, 1)
	w.hasReaders(w.at(alex, store.KindCheckIn), sam)

	w, _, _, d = claim()
	w.ok(w.MarkRefused(w.ctx, d))
	w.clock.Advance(50 * time.Hour)
	w.ok(w.Retry(w.ctx, alex.ID))
	w.got(w.deliver(), alex, store.KindCheckIn, 1) // both 48 hour marks
	w.hasReaders(w.at(alex, store.KindCheckIn), sam, kit)
	w.rows(1, "checkins WHERE joined IS NOT NULL")
}

func changed(_ store.Scene, err error) error { return err }

// What was put off gathers what has come up when it comes again.
func TestJoinedLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.link(alex, sam)
	w.link(alex, kit)
	w.end(alex, sam)
	w.clock.Advance(4 * time.Hour)
	w.end(alex, kit)
	w.got(w.pass(20*time.Hour), alex, store.KindCheckIn, 1)
	at := w.at(alex, store.KindCheckIn)
	w.hasReaders(at, sam)
	w.pass(2 * time.Hour)
	w.step(w.Later(w.ctx, alex.ID, at)) // to an hour after kit's
	w.got(w.pass(2*time.Hour), alex, store.KindCheckIn, 1)
	w.hasReaders(w.at(alex, store.KindCheckIn), kit) // 4 hours after the first was asked
	w.got(w.pass(time.Hour), alex, store.KindCheckIn, 1)
}

// Who answered already is asked for the other scene by itself.
func TestNotJoinedToWhatIsDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	withSam := w.link(alex, sam)
	w.link(alex, kit)
	w.end(alex, sam)
	w.pass(24 * time.Hour)
	w.answer(alex, "good", "words", withSam, store.ShareWords)
	e := w.ended(kit, alex)
	e.At = w.clock.Now().Add(-23 * time.Hour)
	w.ok(changed(w.EndScene(w.ctx, e)))
	w.got(w.pass(time.Hour), alex, store.KindCheckIn, 1)
	w.hasReaders(w.at(alex, store.KindCheckIn), kit)
}

// A pact that is set to together waits by its own scene.
func TestJoinedTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	withSam, withKit := w.link(alex, sam), w.link(alex, kit)
	w.ok(w.SetMode(w.ctx, kit.ID, withKit, store.Together))
	w.end(alex, sam)
	w.clock.Advance(time.Hour)
	w.end(alex, kit)
	w.pass(24 * time.Hour)
	at := w.at(alex, store.KindCheckIn)
	w.step(w.Write(w.ctx, alex.ID, at, store.Secret("words")))
	w.step(w.Share(w.ctx, alex.ID, at, withSam, store.ShareWords))
	v := w.step(w.Share(w.ctx, alex.ID, at, withKit, store.ShareWords))
	if v.Readers[0].Waits || !v.Readers[1].Waits {
		t.Errorf("%+v", v.Readers)
	}
	sent := w.deliver()
	w.got(sent, sam, store.KindRelay, 1)
	w.got(sent, kit, store.KindRelay, 0)
	w.answer(kit, "good", "from kit", withKit, store.ShareWords)
	sent = w.deliver()
	w.got(sent, kit, store.KindRelay, 1)
	w.got(sent, alex, store.KindRelay, 1)
}
