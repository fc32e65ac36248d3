package store_test

import (
	"errors"
	"testing"
	"time"

	"aftercare/store"
)

func (w *world) round(by store.Who, partners ...store.Who) (store.Round, error) {
	w.Helper()
	return w.AskRound(w.ctx, w.ended(by, partners...))
}

func (w *world) zone(who store.Who, zone string) {
	w.Helper()
	_, err := w.ChangeSettings(w.ctx, who.ID, func(s *store.Settings) { s.Zone = zone })
	w.ok(err)
}

func TestRound(t *testing.T) {
	w, pact := linked(t)
	e := w.ended(alex)
	r, err := w.AskRound(w.ctx, e)
	w.ok(err)
	if len(r.Partners) != 1 || !r.At.Equal(w.Now()) {
		t.Errorf("the round is %+v", r)
	}
	sent := w.deliver()
	w.got(sent, alex, store.KindCheckIn, 1)
	w.got(sent, sam, store.KindCheckIn, 1)
	w.got(sent, sam, store.KindNotice, 0)
	if c := w.last(sam, store.KindCheckIn).CheckIn; !c.Round || c.Standing || c.Mark != 0 {
		t.Errorf("sam's check-in is %+v", c)
	}
	if _, err := w.AskRound(w.ctx, e); err != nil { // the same interaction
		t.Error(err)
	}
	w.rows(1, "scenes")
	w.answer(sam, "low", "a word", pact, store.ShareWords)
	w.got(w.deliver(), alex, store.KindRelay, 1)

	// It is taken for no scene.
	w.is(w.UndoScene(w.ctx, alex.ID, 0), store.ErrGone)
	_, err = w.Recorded(w.ctx, alex.ID, 0)
	w.is(err, store.ErrGone)
	w.end(alex)
	w.rows(2, "scenes")
	w.rows(1, "scenes WHERE kind = 'round'")
	w.pass(8 * 24 * time.Hour)
	w.forget()
	w.rows(0, "scenes WHERE kind = 'round'")
}

// forget sweeps, and sends what that asks for.
func (w *world) forget() {
	w.Helper()
	_, err := w.Forget(w.ctx)
	w.ok(err)
	w.deliver()
}

func TestRoundsApart(t *testing.T) {
	w, _ := linked(t)
	_, err := w.round(alex)
	w.ok(err)
	w.deliver()
	w.pass(30 * time.Minute)
	for _, who := range []store.Who{alex, sam} { // both asked: one round
		r, err := w.round(who)
		w.ok(err)
		if !r.At.IsZero() {
			t.Errorf("another check-in comes at %v", r.At)
		}
	}
	w.rows(1, "scenes")
	w.pass(time.Hour)
	for _, who := range []store.Who{alex, sam} {
		var soon store.SoonError
		if _, err := w.round(who); !errors.As(err, &soon) || soon.At.Sub(w.Now()) != 90*time.Minute {
			t.Error(err)
		}
	}
	w.pass(90 * time.Minute)
	_, err = w.round(sam)
	w.ok(err)
	w.rows(2, "scenes")
	sent := w.deliver()
	w.got(sent, alex, store.KindCheckIn, 1)
	w.got(sent, sam, store.KindCheckIn, 1)
}

func TestRoundAskedFirst(t *testing.T) {
	w, _ := linked(t)
	_, err := w.ChangeSettings(w.ctx, sam.ID, func(s *store.Settings) { s.AskFirst = true })
	w.ok(err)
	_, err = w.round(alex)
	w.ok(err)
	sent := w.deliver()
	w.got(sent, sam, store.KindCheckIn, 0)
	w.got(sent, sam, store.KindNotice, 1)
	w.pass(14 * time.Hour)
	n, err := w.Choose(w.ctx, sam.ID, w.at(sam, store.KindNotice), store.ChoiceYes)
	w.ok(err)
	if !n.Scene.Round {
		t.Error("sam said yes to a scene")
	}
	sent = w.deliver()
	w.got(sent, sam, store.KindCheckIn, 1)
	if w.last(sam, store.KindCheckIn).CheckIn.Late {
		t.Error("what comes at a yes is not late")
	}
}

// TestRoundAtNight: whoever asks is awake, and the partner may not be.
func TestRoundAtNight(t *testing.T) {
	w, _ := linked(t)
	w.zone(alex, "Europe/Berlin")
	w.zone(sam, "Europe/Berlin")
	w.clock.Advance(11 * time.Hour) // midnight in Berlin
	_, err := w.round(alex)
	w.ok(err)
	sent := w.deliver()
	w.got(sent, alex, store.KindCheckIn, 1)
	w.got(sent, sam, store.KindCheckIn, 0)
	sent = w.pass(9 * time.Hour)
	w.got(sent, sam, store.KindCheckIn, 1)
	if up, err := w.Upcoming(w.ctx, sam.ID); err != nil || len(up) > 0 {
		t.Error(up, err)
	}
}

func TestRoundForWhomeverCantBeNamed(t *testing.T) {
	for name, away := range map[string]func(w *world, pact int64){
		"paused": func(w *world, _ int64) { w.ok(w.Pause(w.ctx, sam.ID)) },
		"left":   func(w *world, pact int64) { w.ok(w.Leave(w.ctx, sam.ID, pact)) },
	} {
		t.Run(name, func(t *testing.T) {
			w, pact := linked(t)
			away(w, pact)
			for _, partners := range [][]store.Who{nil, {sam}, {kit}} {
				_, err := w.round(alex, partners...)
				w.is(err, store.ErrNotLinked)
			}
			_, err := w.Propose(w.ctx, w.proposal(alex))
			w.is(err, store.ErrZone)
			w.zone(alex, "Europe/Berlin")
			_, err = w.Propose(w.ctx, w.proposal(alex))
			w.is(err, store.ErrNotLinked)
			w.rows(0, "scenes")
			w.rows(0, "standings")
		})
	}
}

func TestRoundsFor(t *testing.T) {
	w, _ := linked(t)
	_, err := w.round(kit)
	w.is(err, store.ErrAlone)
	e := w.ended(kit)
	e.Alone = true
	_, err = w.AskRound(w.ctx, e)
	w.is(err, store.ErrNotAgreed)
	e.Consent = 1
	_, err = w.AskRound(w.ctx, e)
	w.ok(err)
	w.got(w.deliver(), kit, store.KindCheckIn, 1)
	w.link(alex, kit)
	_, err = w.round(alex)
	w.is(err, store.ErrWhich)
	_, err = w.round(alex, sam)
	w.ok(err)
	sent := w.deliver()
	w.got(sent, sam, store.KindCheckIn, 1)
	w.got(sent, kit, store.KindCheckIn, 0)
	_, err = w.round(alex, sam, kit) // sam had one just now
	if !errors.As(err, new(store.SoonError)) {
		t.Error(err)
	}
	w.ok(w.Pause(w.ctx, alex.ID))
	_, err = w.round(alex, kit)
	w.is(err, store.ErrPaused)
}

func TestPauseUntil(t *testing.T) {
	w, _ := asked(t) // at 24 hours; the next is due at 48
	until := w.Now().Add(25 * time.Hour)
	w.ok(w.PauseUntil(w.ctx, sam.ID, until))
	w.got(w.pass(24*time.Hour), sam, store.KindCheckIn, 0)
	if at, ok, err := w.NextTurn(w.ctx); err != nil || !ok || !at.Equal(until) {
		t.Error(at, ok, err)
	}
	w.ok(w.EndPauses(w.ctx)) // too soon
	w.got(w.deliver(), sam, store.KindCheckIn, 0)
	w.restart()
	w.clock.Advance(time.Hour)
	w.ok(w.EndPauses(w.ctx))
	w.got(w.deliver(), sam, store.KindCheckIn, 1)

	// Without an end it stays.
	w.ok(w.PauseUntil(w.ctx, sam.ID, w.Now().Add(time.Hour)))
	w.ok(w.Pause(w.ctx, sam.ID))
	w.clock.Advance(2 * time.Hour)
	w.ok(w.EndPauses(w.ctx))
	w.rows(1, "persons WHERE paused_at IS NOT NULL")
	w.ok(w.Resume(w.ctx, sam.ID))
	w.rows(0, "persons WHERE paused_at IS NOT NULL OR paused_until IS NOT NULL")
	if _, ok, err := w.NextTurn(w.ctx); ok || err != nil {
		t.Error(ok, err)
	}
}
