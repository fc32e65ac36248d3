package store_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"aftercare/store"
)

// Very many scenes with one partner within an hour are refused, undone ones
// included, and what is refused leaves nothing. With others it goes on.
func TestScenesWithinAnHour(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.link(alex, kit)
	for range 5 {
		w.end(alex, sam)
		w.ok(w.UndoScene(w.ctx, alex.ID, 0))
		w.deliver()
	}
	before := w.dump()
	_, err := w.EndScene(w.ctx, w.ended(alex, sam))
	w.is(err, store.ErrScenes)
	_, err = w.EndScene(w.ctx, w.ended(alex, kit, sam))
	w.is(err, store.ErrScenes)
	if w.dump() != before {
		t.Error("something of a refused scene is there")
	}
	w.end(alex, kit)
	w.end(sam, alex)
	w.end(alex, sam) // sam has recorded it, so that it brings nobody anything
	w.clock.Advance(time.Hour + time.Second)
	w.ok(w.UndoScene(w.ctx, alex.ID, 0))
	w.end(alex, sam)
}

// atDistance has alex record scenes that are none of the same round.
func (w *world) atDistance(n int, with ...store.Who) (out []store.Scene) {
	w.Helper()
	for i := range n {
		e := w.ended(alex, with...)
		e.At = w.clock.Now().Add(-time.Duration(7*i) * time.Hour)
		sc, err := w.EndScene(w.ctx, e)
		w.ok(err)
		w.deliver()
		out = append(out, sc)
	}
	return out
}

// The third notice within a day offers to stop them; and when somebody does, what
// they have not replied to is taken back, and nothing that this partner sets up
// reaches them any more: not a scene, not a check-in now. What that partner sees is
// the same all along. Others' scenes, their own, and the partner's words still come.
func TestStopThese(t *testing.T) {
	t.Parallel()
	w, withAlex := linked(t)
	w.link(sam, kit)
	w.link(alex, kit)
	w.deliver()
	scenes := w.atDistance(2, sam)
	first := w.last(sam, store.KindNotice)
	if first.Notice.Several {
		t.Error("two are several")
	}
	_, err := w.Choose(w.ctx, sam.ID, first.As.ID, store.ChoiceOK)
	w.ok(err)
	e := w.ended(alex, sam)
	e.At = w.clock.Now().Add(-40 * time.Hour)
	third, err := w.EndScene(w.ctx, e)
	w.ok(err)
	w.deliver()
	notice := w.last(sam, store.KindNotice)
	if !notice.Notice.Several {
		t.Error("three are not several")
	}
	n, err := w.Choose(w.ctx, sam.ID, notice.As.ID, store.ChoiceStop)
	w.ok(err)
	if n.Stopped != alex.Name || n.Pact != withAlex || !n.Out {
		t.Errorf("%+v", n)
	}
	state := func(scene int64) int {
		return w.count("participants WHERE scene = $1 AND person = $2 AND state = 'in'", scene, personID(w, sam))
	}
	if state(scenes[0].ID) != 0 || state(scenes[1].ID) != 1 || state(third.ID) != 0 {
		t.Errorf("in: %d %d %d; want the one that sam replied to", state(scenes[0].ID), state(scenes[1].ID), state(third.ID))
	}
	w.pass(8 * time.Hour)
	before := w.noticed(sam)
	later := w.end(alex, sam, kit)
	if len(later.CheckIns) != 2 || len(later.Partners) != 2 {
		t.Errorf("alex sees %+v", later)
	}
	w.got(w.deliver(), sam, store.KindNotice, 0)
	_, err = w.AskRound(w.ctx, w.ended(alex, sam))
	w.ok(err)
	w.got(w.deliver(), sam, store.KindCheckIn, 0)
	if w.noticed(sam) != before {
		t.Error("something is booked for sam")
	}
	w.comesFromOthers(later, withAlex)
}

// noticed counts what is booked for somebody.
func (w *world) noticed(who store.Who) int {
	w.Helper()
	return w.count("checkins WHERE person = $1 AND state = 'planned'", personID(w, who))
}

// comesFromOthers goes on with TestStopThese.
func (w *world) comesFromOthers(later store.Scene, withAlex int64) {
	w.Helper()
	if same := w.end(kit, alex, sam); same.ID != later.ID {
		w.Error("kit recorded another scene")
	}
	w.got(w.deliver(), sam, store.KindNotice, 1) // kit's is not stopped
	own := w.end(sam, alex)
	if len(own.CheckIns) != 2 {
		w.Errorf("sam's own: %+v", own)
	}
	_, err := w.LetCome(w.ctx, robin.ID, withAlex)
	w.is(err, store.ErrGone)
	_, err = w.LetCome(w.ctx, kit.ID, withAlex)
	w.is(err, store.ErrGone)
	if pacts, err := w.Pacts(w.ctx, sam.ID); err != nil || !pacts[0].Stopped || pacts[1].Stopped {
		w.Errorf("%+v %v", pacts, err)
	}
	if pacts, err := w.Pacts(w.ctx, alex.ID); err != nil || pacts[0].Stopped || pacts[1].Stopped {
		w.Errorf("alex can tell: %+v %v", pacts, err)
	}
	name, err := w.LetCome(w.ctx, sam.ID, withAlex)
	w.ok(err)
	if name != alex.Name {
		w.Error("that is not whom they let come")
	}
	w.clock.Advance(24 * time.Hour)
	w.deliver()
	w.end(alex, sam)
	w.got(w.deliver(), sam, store.KindNotice, 1)
}

// Whoever leaves and links anew has stopped nothing.
func TestStopEndsWithThePact(t *testing.T) {
	t.Parallel()
	w, pact := linked(t)
	w.atDistance(3, sam)
	_, err := w.Choose(w.ctx, sam.ID, w.at(sam, store.KindNotice), store.ChoiceStop)
	w.ok(err)
	w.ok(w.Leave(w.ctx, sam.ID, pact))
	w.deliver()
	w.link(alex, sam)
	w.clock.Advance(24 * time.Hour)
	w.deliver()
	w.end(alex, sam)
	w.got(w.deliver(), sam, store.KindNotice, 1)
	if s, err := w.Settings(w.ctx, sam.ID); err != nil || s.Stopped != nil {
		t.Errorf("%+v %v", s, err)
	}
}

// Words back, touches and wishes to talk are so many an hour from one person to one
// partner. It is the same for one who is there, has paused, or has left; and kind
// words that are given, of which their writer does not know, are not counted.
func TestNotTooMuchAtOnce(t *testing.T) {
	t.Parallel()
	for name, turn := range map[string]func(w *world, pact int64) error{
		"there":  func(*world, int64) error { return nil },
		"paused": func(w *world, _ int64) error { return w.Pause(w.ctx, sam.ID) },
		"left":   func(w *world, pact int64) error { return w.Leave(w.ctx, sam.ID, pact) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, pact := asked(t)
			w.answer(sam, "low", "x", pact, store.ShareWords)
			w.deliver()
			w.step(w.Skip(w.ctx, alex.ID, w.at(alex, store.KindCheckIn)))
			for i := range 3 {
				_, err := w.LeaveGift(w.ctx, alex.ID, pact, store.Secret("For a grey day."), "gift"+strconv.Itoa(i))
				w.ok(err)
			}
			w.end(sam, alex)
			w.pass(24 * time.Hour) // the kind words are given
			w.step(w.Skip(w.ctx, alex.ID, w.at(alex, store.KindCheckIn)))
			w.rows(0, "gifts WHERE text IS NOT NULL")
			w.ok(turn(w, pact))
			n := 0
			var sent error
			for ; sent == nil && n < 100; n++ {
				w.hear(alex, "typed"+strconv.Itoa(n), "Thinking of the sea.", "")
				w.deliver()
				_, sent = w.PassOn(w.ctx, alex.ID, w.at(alex, store.KindOffer), pact)
			}
			w.is(sent, store.ErrMuch)
			if n != 31 {
				t.Errorf("the %dth was too many, want the 31st", n)
			}
			w.clock.Advance(time.Hour)
			w.ok(last(w.PassOn(w.ctx, alex.ID, w.at(alex, store.KindOffer), pact)))
		})
	}
}

// An answer that is given and taken back again and again comes anew only so often;
// taking it back works every time.
func TestSharedAndTakenBack(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	at := w.answer(sam, "low", "x", pact, store.ShareWords)
	w.got(w.deliver(), alex, store.KindRelay, 1)
	var shown int
	for range 40 {
		_, err := w.Share(w.ctx, sam.ID, at, pact, store.ShareKept)
		w.ok(err)
		w.deliver()
		if _, err := w.Share(w.ctx, sam.ID, at, pact, store.ShareWords); err != nil {
			w.is(err, store.ErrMuch)
		} else {
			shown++
		}
		w.deliver()
	}
	if shown < 5 || shown > 12 {
		t.Errorf("it came anew %d times", shown)
	}
	w.rows(1, "deliveries WHERE kind = 'relay'")
}

// Invites are five open ones a person, however many are made: by one person, and by
// very many at once.
func TestTenThousandInvites(t *testing.T) {
	t.Parallel()
	n := 10_000
	if testing.Short() {
		n = 500
	}
	w := newWorld(t)
	begun := time.Now()
	errs := make(chan error, 64)
	for worker := range cap(errs) {
		go func() {
			for i := worker; i < n; i += cap(errs) {
				who := store.Who{ID: store.Secret(strconv.Itoa(920000000000000000 + i%(n/50))), Name: store.Secret("kit")}
				if _, _, err := w.Invite(context.Background(), who, 1); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range cap(errs) {
		w.ok(<-errs)
	}
	w.rows(n/50*5, "invites")
	w.rows(n/50, "persons")
	t.Logf("%d invites by %d people in %v", n, n/50, time.Since(begun).Round(time.Millisecond))
	begun = time.Now()
	for range 20 {
		_, err := w.Invitation(w.ctx, alex.ID, "AAAAA-AAAAA")
		w.is(err, store.ErrCode)
	}
	if each := time.Since(begun) / 20; each > 200*time.Millisecond {
		t.Errorf("a code takes %v to look up", each)
	}
	w.clock.Advance(25 * time.Hour)
	_, err := w.Forget(w.ctx)
	w.ok(err)
	w.rows(0, "invites")
}
