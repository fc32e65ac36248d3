package store_test

import (
	"fmt"
	"testing"
	"time"

	"aftercare/store"
)

func TestEndSceneErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	end := func(change func(*store.Ended), partners ...store.Who) error {
		e := w.ended(alex, partners...)
		change(&e)
		_, err := w.EndScene(w.ctx, e)
		return err
	}
	as := func(*store.Ended) {}
	w.is(end(as), store.ErrAlone)
	w.is(end(as, sam), store.ErrNotLinked)
	w.is(end(func(e *store.Ended) { e.Alone = true }), store.ErrNotAgreed)
	w.is(end(func(e *store.Ended) { e.Consent = 1 }, sam), store.ErrNotLinked)
	w.is(end(func(e *store.Ended) { e.Consent = 1 }), store.ErrAlone)
	w.rows(0, "persons")
	var keys int
	w.ok(store.DB(w.Store).QueryRow(`SELECT COUNT(*) FROM persons`).Scan(&keys))
	w.ok(store.KeysDB(w.Store).QueryRow(`SELECT COUNT(*) FROM keys`).Scan(&keys))
	if keys != 2 {
		t.Errorf("%d keys are kept of nobody", keys-2)
	}

	withSam := w.link(alex, sam)
	w.is(end(as, alex), store.ErrSelf)
	w.is(end(as, robin), store.ErrNotLinked)
	w.is(end(as, sam, robin), store.ErrNotLinked)
	w.is(end(func(e *store.Ended) { e.Pacts = []int64{withSam + 1} }), store.ErrNotLinked)
	w.is(end(func(e *store.Ended) { e.At = w.clock.Now().Add(time.Minute + 1) }), store.ErrGone)
	w.is(end(func(e *store.Ended) { e.At = w.clock.Now().Add(-7*24*time.Hour - time.Hour - 1) }), store.ErrGone)
	w.link(kit, alex)
	w.is(end(as), store.ErrWhich)
	w.link(robin, sam)
	w.is(end(as, robin), store.ErrNotLinked) // a person, but not theirs
	w.ok(w.Pause(w.ctx, kit.ID))
	w.is(end(as, kit), store.ErrNotLinked)
	w.ok(w.Leave(w.ctx, sam.ID, withSam))
	w.is(end(as, sam), store.ErrNotLinked)
	w.is(end(func(e *store.Ended) { e.Pacts = []int64{withSam} }), store.ErrNotLinked)
	w.rows(0, "scenes")
	w.rows(0, "participants")
}

func TestEndScenePlansForBoth(t *testing.T) {
	t.Parallel()
	w, pact := linked(t)
	e := w.ended(alex)
	e.Pacts = []int64{pact, pact}
	sc, err := w.EndScene(w.ctx, e)
	w.ok(err)
	want := []time.Time{w.clock.Now().Add(24 * time.Hour), w.clock.Now().Add(48 * time.Hour)}
	if len(sc.CheckIns) != 2 || !sc.CheckIns[0].Equal(want[0]) || !sc.CheckIns[1].Equal(want[1]) || len(sc.Partners) != 1 || sc.Partners[0] != sam.Name {
		t.Errorf("%+v", sc)
	}
	sent := w.deliver()
	w.got(sent, sam, store.KindNotice, 1)
	w.got(sent, alex, store.KindNotice, 0)
	again, err := w.EndScene(w.ctx, e) // the same interaction
	w.ok(err)
	if again.ID != sc.ID {
		t.Error("one interaction made two scenes")
	}
	for _, who := range []store.Who{alex, sam} {
		up, err := w.Upcoming(w.ctx, who.ID)
		w.ok(err)
		if len(up) != 2 || !up[0].At.Equal(want[0]) || len(up[0].Partners) != 1 {
			t.Errorf("upcoming: %+v", up)
		}
	}
	if up, err := w.Upcoming(w.ctx, robin.ID); len(up) != 0 || err != nil {
		t.Errorf("a stranger: %v, %v", up, err)
	}
	w.ok(w.UndoScene(w.ctx, alex.ID, sc.ID))
	if again, err := w.EndScene(w.ctx, e); err != nil || len(again.CheckIns) != 0 {
		t.Errorf("a repeated interaction brought an undone scene back: %+v, %v", again, err)
	}
}

func TestBothRecordOneScene(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	a := w.end(alex, sam)
	w.clock.Advance(6 * time.Hour)
	if b := w.end(sam, alex); b.ID != a.ID || !b.EndedAt.Equal(a.EndedAt) {
		t.Errorf("6 h later is another scene")
	}
	w.rows(4, "checkins")
	sent := w.deliver()
	w.got(sent, sam, store.KindNotice, 1)
	w.got(sent, alex, store.KindNotice, 0)
	e := w.ended(sam, alex)
	e.At = a.EndedAt.Add(-6*time.Hour - time.Millisecond)
	if b, err := w.EndScene(w.ctx, e); err != nil || b.ID == a.ID {
		t.Errorf("more than 6 h earlier is the same scene, %v", err)
	}
}

func TestThreePartners(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, p := range []store.Who{sam, kit, robin} {
		w.link(alex, p)
	}
	w.deliver()
	sc := w.end(alex, sam, kit, robin)
	if len(sc.Partners) != 3 {
		t.Errorf("%d partners", len(sc.Partners))
	}
	w.rows(8, "checkins")
	sent := w.deliver()
	for _, p := range []store.Who{sam, kit, robin} {
		w.got(sent, p, store.KindNotice, 1)
		n := w.last(p, store.KindNotice).Notice
		if len(n.Scene.Partners) != 1 || n.Scene.Partners[0] != alex.Name {
			t.Errorf("%s sees %v", p.Name.Reveal(), n.Scene.Partners)
		}
	}
}

func TestMergeWithAFurtherPartner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.link(alex, sam)
	w.link(alex, kit)
	a := w.end(alex, sam)
	w.clock.Advance(time.Hour)
	b := w.end(alex, sam, kit)
	if a.ID != b.ID || len(b.Partners) != 2 {
		t.Errorf("%+v, %+v", a, b)
	}
	w.rows(6, "checkins")
	w.got(w.deliver(), kit, store.KindNotice, 1)
}

func TestSolo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.ended(alex)
	e.Alone, e.Consent = true, 1
	sc, err := w.EndScene(w.ctx, e)
	w.ok(err)
	if len(sc.CheckIns) != 2 || len(sc.Partners) != 0 {
		t.Errorf("%+v", sc)
	}
	e.Request = "another"
	if again, err := w.EndScene(w.ctx, e); err != nil || again.ID != sc.ID {
		t.Errorf("twice is two: %v", err)
	}
	w.pass(24 * time.Hour)
	at := w.at(alex, store.KindCheckIn)
	v := w.step(w.Write(w.ctx, alex.ID, at, store.Secret("just me")))
	if v.Step != store.StepDone || len(v.Readers) != 0 {
		t.Errorf("%+v", v)
	}
	w.rows(1, "answers WHERE state = 'kept'")
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for size, want := range map[store.Size][]time.Duration{
		store.Light:   {24 * time.Hour},
		store.Usual:   {24 * time.Hour, 48 * time.Hour},
		store.Intense: {24 * time.Hour, 48 * time.Hour, 72 * time.Hour},
		"":            {24 * time.Hour, 48 * time.Hour},
	} {
		w, _ := linked(t)
		e := w.ended(alex, sam)
		e.Size = size
		sc, err := w.EndScene(w.ctx, e)
		w.ok(err)
		if len(sc.CheckIns) != len(want) {
			t.Errorf("%s: %v", size, sc.CheckIns)
		}
		for i, d := range want {
			if !sc.CheckIns[i].Equal(sc.EndedAt.Add(d)) {
				t.Errorf("%s: %v", size, sc.CheckIns)
			}
		}
	}
	w := newWorld(t, 72*time.Hour, 96*time.Hour)
	w.link(alex, sam)
	e := w.ended(alex, sam)
	e.Size = store.Intense
	if sc, _ := w.EndScene(w.ctx, e); len(sc.CheckIns) != 2 {
		t.Errorf("72 h twice: %v", sc.CheckIns)
	}
}

func TestPastMarks(t *testing.T) {
	t.Parallel()
	for ago, want := range map[time.Duration]int{23 * time.Hour: 2, 24 * time.Hour: 1, 48 * time.Hour: 1, 7 * 24 * time.Hour: 1} {
		w, _ := linked(t)
		e := w.ended(alex, sam)
		e.At = e.At.Add(-ago)
		sc, err := w.EndScene(w.ctx, e)
		w.ok(err)
		if len(sc.CheckIns) != want {
			t.Errorf("%v ago: %v", ago, sc.CheckIns)
		}
		sent := w.deliver()
		atOnce := 0
		if ago >= 48*time.Hour {
			atOnce = 1
		}
		w.got(sent, alex, store.KindCheckIn, atOnce)
		if atOnce == 1 && w.last(alex, store.KindCheckIn).CheckIn.Late {
			t.Error("recorded late is not sent late")
		}
	}
}

func TestUndo(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	first := w.end(alex, sam)
	w.pass(7 * time.Hour)
	second := w.end(alex, sam)
	w.deliver()
	last, err := w.Recorded(w.ctx, alex.ID, 0)
	w.ok(err)
	if last.ID != second.ID {
		t.Error("the last recorded is another")
	}
	w.ok(w.UndoScene(w.ctx, alex.ID, 0))
	w.is(w.UndoScene(w.ctx, alex.ID, second.ID), store.ErrGone)
	w.is(w.UndoScene(w.ctx, sam.ID, first.ID), store.ErrGone) // sam did not record it
	w.is(w.UndoScene(w.ctx, robin.ID, first.ID), store.ErrGone)
	_, err = w.Recorded(w.ctx, sam.ID, first.ID)
	w.is(err, store.ErrGone)
	sent := w.deliver()
	if len(sent) != 1 || sent[0].Kind != store.KindNotice || sent[0].Want != store.Delete {
		t.Errorf("%+v", sent)
	}
	w.rows(4, "checkins WHERE state = 'cancelled' AND scene = $1", second.ID)
	w.got(w.pass(48*time.Hour-7*time.Hour), sam, store.KindCheckIn, 1) // the first one's second: its first was folded
}

func TestUndoWithAnotherRecorder(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	sc := w.end(alex, sam)
	w.end(sam, alex)
	w.ok(w.UndoScene(w.ctx, alex.ID, 0))
	sent := w.pass(24 * time.Hour)
	w.got(sent, sam, store.KindCheckIn, 1)
	w.got(sent, alex, store.KindCheckIn, 0)
	if again := w.end(alex, sam); again.ID == sc.ID {
		t.Fatal("a day later is the same scene")
	}
	e := w.ended(alex, sam)
	e.At = sc.EndedAt
	back, err := w.EndScene(w.ctx, e) // back into the round that sam has
	w.ok(err)
	if back.ID != sc.ID || len(back.CheckIns) != 1 {
		t.Errorf("%+v", back)
	}
}

func TestNotOursThenUndone(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.end(alex, sam)
	w.end(sam, alex)
	w.deliver()
	n, err := w.Choose(w.ctx, sam.ID, w.at(sam, store.KindNotice), store.ChoiceNotOurs)
	w.ok(err)
	if !n.Out {
		t.Error("still in it")
	}
	w.ok(w.UndoScene(w.ctx, alex.ID, 0)) // sam no longer holds it up
	w.rows(0, "checkins WHERE state <> 'cancelled'")
	_, err = w.Choose(w.ctx, sam.ID, w.at(sam, store.KindNotice), store.ChoiceYes)
	w.is(err, store.ErrGone)
}

func TestChangeScene(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	sc := w.end(alex, sam)
	w.deliver()
	moved, err := w.ChangeScene(w.ctx, alex.ID, sc.ID, sc.EndedAt.Add(-2*time.Hour), "")
	w.ok(err)
	if !moved.CheckIns[0].Equal(sc.CheckIns[0].Add(-2 * time.Hour)) {
		t.Errorf("%+v", moved)
	}
	if sent := w.deliver(); got(sent, sam, store.KindNotice) != 1 || sent[0].Want != store.Edit {
		t.Errorf("the notice still tells the old times: %v", sent)
	}
	small, err := w.ChangeScene(w.ctx, alex.ID, sc.ID, time.Time{}, store.Light)
	w.ok(err)
	if len(small.CheckIns) != 1 || small.Size != store.Light {
		t.Errorf("%+v", small)
	}
	w.rows(2, "checkins")
	big, err := w.ChangeScene(w.ctx, alex.ID, sc.ID, time.Time{}, store.Intense)
	w.ok(err)
	if len(big.CheckIns) != 3 {
		t.Errorf("%+v", big)
	}
	for _, at := range []time.Time{w.clock.Now().Add(time.Hour), w.clock.Now().Add(-8 * 24 * time.Hour)} {
		_, err = w.ChangeScene(w.ctx, alex.ID, sc.ID, at, "")
		w.is(err, store.ErrGone)
	}
	_, err = w.ChangeScene(w.ctx, sam.ID, sc.ID, time.Time{}, store.Light)
	w.is(err, store.ErrGone)
	w.pass(22 * time.Hour)
	later, err := w.ChangeScene(w.ctx, alex.ID, sc.ID, w.clock.Now(), "") // asked once is asked
	w.ok(err)
	if len(later.CheckIns) != 2 {
		t.Errorf("%+v", later)
	}
}

func TestAskFirst(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.end(alex, sam)
	w.deliver()
	at := w.at(sam, store.KindNotice)
	n, err := w.Choose(w.ctx, sam.ID, at, store.ChoiceOK)
	w.ok(err)
	if n.AskFirst || len(n.Scene.CheckIns) != 2 {
		t.Errorf("%+v", n)
	}
	_, err = w.Choose(w.ctx, sam.ID, at, store.ChoiceAskFirst)
	w.ok(err)
	w.rows(1, "persons WHERE chose = 1") // as any setting
	w.clock.Advance(12 * time.Hour)
	w.end(alex, sam)
	w.deliver()
	asked := w.last(sam, store.KindNotice)
	if !asked.Notice.AskFirst || len(asked.Notice.Scene.CheckIns) != 0 {
		t.Errorf("%+v", asked.Notice)
	}
	n, err = w.Choose(w.ctx, sam.ID, asked.As.ID, store.ChoiceNo)
	w.ok(err)
	if !n.Out {
		t.Errorf("%+v", n)
	}
	n, err = w.Choose(w.ctx, sam.ID, asked.As.ID, store.ChoiceYes)
	w.ok(err)
	if n.Out || n.AskFirst || len(n.Scene.CheckIns) != 2 {
		t.Errorf("%+v", n)
	}
	_, err = w.Choose(w.ctx, sam.ID, asked.As.ID, "maybe")
	w.is(err, store.ErrGone)
	_, err = w.Choose(w.ctx, alex.ID, asked.As.ID, store.ChoiceOK)
	w.is(err, store.ErrGone)
}

// A script that records and undoes would write to the partner each time.
func TestScenesDontPileUp(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	for range 24 {
		w.end(alex, sam)
		w.ok(w.UndoScene(w.ctx, alex.ID, 0))
		w.clock.Advance(15 * time.Minute)
	}
	_, err := w.EndScene(w.ctx, w.ended(alex, sam))
	w.is(err, store.ErrTooOften)
	w.end(sam, alex)
	w.clock.Advance(24 * time.Hour)
	w.end(alex, sam)
}

// Whom one may not name is one error, whatever the reason, and hears nothing.
func TestNotLinkedIsOneError(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	withSam := w.link(alex, sam)
	w.link(alex, kit)
	w.link(sam, robin)
	w.ok(w.Leave(w.ctx, sam.ID, withSam))
	w.ok(w.Pause(w.ctx, kit.ID))
	nobody := store.Who{ID: store.Secret("900000000000000009")}
	var said string
	for _, who := range []store.Who{sam, kit, robin, nobody} {
		_, err := w.EndScene(w.ctx, w.ended(alex, who))
		w.is(err, store.ErrNotLinked)
		if text := fmt.Sprintf("%#v", err); said == "" {
			said = text
		} else if text != said {
			t.Errorf("%s and %s", text, said)
		}
	}
	for _, m := range w.deliver() {
		if m.Kind != store.KindHello && m.Kind != store.KindLinked {
			t.Errorf("a %s was sent", m.Kind)
		}
	}
}

// A scene has room for four. Who names more, by recording one that is full, gets a
// second scene with the others.
func TestSceneHasRoomForFour(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	others := []store.Who{sam, kit, robin}
	extra := store.Who{ID: store.Secret("905"), Name: store.Secret("Alex two")}
	for _, o := range append(others, extra) {
		w.link(alex, o)
	}
	first := w.end(alex, others...)
	second := w.end(alex, sam, extra)
	if first.ID == second.ID {
		t.Fatal("a fifth came into a full scene")
	}
	if len(first.Partners) != 3 || len(second.Partners) != 1 {
		t.Errorf("%d partners in the first and %d in the second", len(first.Partners), len(second.Partners))
	}
}
