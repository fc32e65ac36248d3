package store_test

import (
	"slices"
	"testing"
	"time"

	"aftercare/store"
	"aftercare/store/storetest"
)

// wanting is a world in which alex and sam have had their last check-in, and who
// of them wants what comes after it.
func wanting(t *testing.T, who ...store.Who) (w *world, pact int64) {
	t.Helper()
	w, pact = linked(t)
	for _, p := range who {
		w.wantAfter(p)
	}
	w.end(alex, sam)
	w.pass(24 * time.Hour)
	w.pass(24 * time.Hour)
	return w, pact
}

func (w *world) wantAfter(who store.Who) {
	w.Helper()
	w.ok(second(w.ChangeSettings(w.ctx, who.ID, func(s *store.Settings) { s.After = true })))
}

func (w *world) after(v store.After, err error) store.After {
	w.Helper()
	w.ok(err)
	return v
}

func (w *world) talked(v store.Talk, err error) store.Talk {
	w.Helper()
	w.ok(err)
	return v
}

func TestAfterTheLastMark(t *testing.T) {
	t.Parallel()
	w, pact := wanting(t, alex)
	if w.last(alex, store.KindCheckIn).CheckIn.Last || !w.last(sam, store.KindCheckIn).CheckIn.Last {
		t.Error("the last check-in is the last for those to whom nothing comes after it")
	}
	w.got(w.pass(19*time.Hour), alex, store.KindAfter, 0)
	sent := w.pass(time.Hour)
	w.got(sent, alex, store.KindAfter, 1)
	w.got(sent, sam, store.KindAfter, 0)
	at := w.at(alex, store.KindAfter)
	if v := w.after(w.OpenAfter(w.ctx, alex.ID, at, "")); v.Step != store.StepFeeling || v.Moment || v.Last || len(v.Readers) != 1 {
		t.Errorf("%+v", v)
	}
	v := w.after(w.WritePart(w.ctx, alex.ID, at, store.TopicKeep, store.Secret("the tea")))
	if p, _ := v.Part(store.TopicKeep); v.Step != store.StepShare || p.Settled || texts(p.Answer)[0] != "the tea" {
		t.Errorf("%+v", v)
	}
	w.got(w.deliver(), sam, store.KindRelay, 0) // not chosen yet
	w.is(second(w.SharePart(w.ctx, alex.ID, at, store.TopicKeep, pact, store.ShareGist)), store.ErrGone)
	w.is(second(w.SharePart(w.ctx, alex.ID, at, store.TopicKeep, pact+1, store.ShareWords)), store.ErrGone)
	w.is(second(w.SharePart(w.ctx, alex.ID, at, store.TopicMoment, pact, store.ShareWords)), store.ErrGone)
	w.is(second(w.SharePart(w.ctx, sam.ID, at, store.TopicKeep, pact, store.ShareWords)), store.ErrGone)
	v = w.after(w.SharePart(w.ctx, alex.ID, at, store.TopicKeep, pact, store.ShareWords))
	if p, _ := v.Part(store.TopicKeep); !p.Settled || !p.Answer.Shared {
		t.Errorf("%+v", p)
	}
	w.got(w.deliver(), sam, store.KindRelay, 1)
	relay := w.at(sam, store.KindRelay)
	r, err := w.Read(w.ctx, sam.ID, relay)
	w.ok(err)
	if r.About != store.TopicKeep || texts(r.Answer)[0] != "the tea" {
		t.Errorf("%+v", r)
	}

	// The other part has a choice of its own, and no words are no part.
	w.after(w.WritePart(w.ctx, alex.ID, at, store.TopicChange, store.Secret("the light")))
	v = w.after(w.KeepPart(w.ctx, alex.ID, at, store.TopicChange, false))
	if p, _ := v.Part(store.TopicChange); !p.Settled || p.Answer.Shared || len(v.Parts) != 2 {
		t.Errorf("%+v", v)
	}
	w.got(w.deliver(), sam, store.KindRelay, 0)
	if v = w.after(w.WritePart(w.ctx, alex.ID, at, store.TopicChange, store.Private{})); len(v.Parts) != 1 || v.Step != store.StepFeeling {
		t.Errorf("%+v", v)
	}

	// What was shared changes with its words, and goes when it is taken back.
	w.after(w.WritePart(w.ctx, alex.ID, at, store.TopicKeep, store.Secret("the tea after")))
	if sent := w.deliver(); len(sent) != 1 || sent[0].Want != store.Edit || texts(sent[0].Relay.Answer)[0] != "the tea after" {
		t.Errorf("%+v", sent)
	}
	w.after(w.KeepPart(w.ctx, alex.ID, at, store.TopicKeep, true))
	if sent := w.deliver(); len(sent) != 1 || sent[0].Want != store.Delete {
		t.Errorf("%+v", sent)
	}
	w.is(second(w.Read(w.ctx, sam.ID, relay)), store.ErrGone)
}

func TestOneMoment(t *testing.T) {
	t.Parallel()
	w, pact := wanting(t, alex, sam)
	w.pass(20 * time.Hour)
	w.got(w.pass(24*time.Hour), alex, store.KindMoment, 1)
	at := w.at(alex, store.KindMoment)
	v := w.after(w.OpenAfter(w.ctx, alex.ID, at, ""))
	if !v.Moment || !v.Last {
		t.Errorf("%+v", v)
	}
	w.is(second(w.WritePart(w.ctx, alex.ID, at, store.TopicKeep, store.Secret("x"))), store.ErrGone)
	w.is(second(w.OpenAfter(w.ctx, alex.ID, at, store.TopicKeep)), store.ErrGone)
	w.after(w.WritePart(w.ctx, alex.ID, at, store.TopicMoment, store.Secret("the window")))
	w.after(w.SharePart(w.ctx, alex.ID, at, store.TopicMoment, pact, store.ShareWords))
	w.deliver()
	if r := w.last(sam, store.KindRelay).Relay; r.About != store.TopicMoment {
		t.Errorf("%+v", r)
	}

	// All of it goes with its scene.
	w.clock.Advance(9 * 24 * time.Hour)
	second(w.Forget(w.ctx))
	w.deliver()
	second(w.Forget(w.ctx))
	w.rows(0, "afters")
	w.rows(0, "answers")
	w.rows(0, "words")
	w.rows(0, "deliveries WHERE kind IN ('after', 'moment', 'relay')")
}

func TestOneMomentTyped(t *testing.T) {
	t.Parallel()
	w, pact := wanting(t, alex, sam)
	w.step(w.Store.Skip(w.ctx, alex.ID, w.at(alex, store.KindCheckIn)))
	w.pass(20 * time.Hour)
	w.got(w.pass(24*time.Hour), alex, store.KindMoment, 1)
	m := w.last(alex, store.KindMoment)
	words := func() []string {
		v := w.after(w.After(w.ctx, alex.ID, m.As.ID))
		p, _ := v.Part(store.TopicMoment)
		return texts(p.Answer)
	}
	w.hear(alex, "m1", "elsewhere", "") // it was not opened
	if got := words(); len(got) > 0 {
		t.Errorf("%q", got)
	}
	w.after(w.OpenAfter(w.ctx, alex.ID, m.As.ID, ""))
	w.hear(sam, "m2", "somebody else's", m.Message)
	w.hear(alex, "m3", "the window", "")
	w.hear(alex, "m3", "the window", "")
	w.hear(alex, "m4", "the tea", "")
	if sent := w.deliver(); got(sent, alex, store.KindMoment) != 1 || w.last(alex, store.KindMoment).After.Topic != store.TopicMoment {
		t.Errorf("%+v", sent)
	}
	w.after(w.WritePart(w.ctx, alex.ID, m.As.ID, store.TopicMoment, store.Secret("the rain")))
	w.after(w.WritePart(w.ctx, alex.ID, m.As.ID, store.TopicMoment, store.Private{})) // of what was written, not typed
	if got := words(); !slices.Equal(got, []string{"the window", "the tea"}) {
		t.Errorf("%q", got)
	}
	w.after(w.SharePart(w.ctx, alex.ID, m.As.ID, store.TopicMoment, pact, store.ShareWords))
	w.hear(alex, "m5", "elsewhere again", "")
	if got := words(); len(got) != 2 {
		t.Errorf("%q", got)
	}

	w.ok(w.Unsaid(w.ctx, "m3"))
	w.ok(w.Unsaid(w.ctx, "m4"))
	w.deliver()
	if v := w.last(alex, store.KindMoment).After; v.Step != store.StepFeeling || len(v.Parts) > 0 {
		t.Errorf("%+v", v)
	}
	w.after(w.SkipAfter(w.ctx, alex.ID, m.As.ID))
	w.hear(alex, "m6", "the stairs", m.Message) // a reply answers it all the same
	if got := words(); !slices.Equal(got, []string{"the stairs"}) {
		t.Errorf("%q", got)
	}
}

func TestAfterLaterAndSkip(t *testing.T) {
	t.Parallel()
	w, _ := wanting(t, alex, sam)
	w.pass(20 * time.Hour)
	at, sams := w.at(alex, store.KindAfter), w.at(sam, store.KindAfter)
	for range 2 {
		for range 2 { // pressed twice
			if v := w.after(w.LaterAfter(w.ctx, alex.ID, at)); v.Step != store.StepLater {
				t.Errorf("%+v", v)
			}
		}
		sent := w.pass(24 * time.Hour)
		w.got(sent, alex, store.KindAfter, 1)
		w.got(sent, alex, store.KindMoment, 0) // it moves with it
	}
	w.is(second(w.LaterAfter(w.ctx, alex.ID, at)), store.ErrTooOften)
	w.got(w.pass(24*time.Hour), alex, store.KindMoment, 1)

	// Sam has heard of a moment meanwhile: no answer is no answer.
	w.got(w.inbox, sam, store.KindMoment, 1)
	if v := w.after(w.SkipAfter(w.ctx, sam.ID, sams)); v.Step != store.StepSkipped || !v.Last {
		t.Errorf("%+v", v)
	}
}

func TestSkippingEndsIt(t *testing.T) {
	t.Parallel()
	w, _ := wanting(t, alex)
	w.pass(20 * time.Hour)
	at := w.at(alex, store.KindAfter)
	w.after(w.SkipAfter(w.ctx, alex.ID, at))
	w.got(w.pass(24*time.Hour), alex, store.KindMoment, 0)
	w.after(w.OpenAfter(w.ctx, alex.ID, at, "")) // they come back to it
	w.got(w.pass(24*time.Hour), alex, store.KindMoment, 1)
}

func TestNothingComesAfter(t *testing.T) {
	t.Parallel()
	last := func(t *testing.T, size store.Size) (*world, int64) {
		w, pact := linked(t)
		w.wantAfter(alex)
		e := w.ended(alex, sam)
		e.Size = size
		second(w.EndScene(w.ctx, e))
		w.pass(24 * time.Hour)
		w.pass(24 * time.Hour)
		return w, pact
	}
	for name, act := range map[string]func(w *world, pact int64){
		"switched off": func(w *world, _ int64) {
			second(w.ChangeSettings(w.ctx, alex.ID, func(s *store.Settings) { s.After = false }))
		},
		"undone":   func(w *world, _ int64) { w.ok(w.UndoScene(w.ctx, alex.ID, 0)) },
		"left":     func(w *world, pact int64) { w.ok(w.Leave(w.ctx, alex.ID, pact)) },
		"paused":   func(w *world, _ int64) { w.ok(w.Pause(w.ctx, alex.ID)) },
		"too late": func(w *world, _ int64) { w.clock.Advance(13 * time.Hour) },
		"a scene that was made longer": func(w *world, _ int64) {
			second(w.ChangeScene(w.ctx, alex.ID, 0, time.Time{}, store.Intense))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, pact := last(t, store.Usual)
			w.clock.Advance(20*time.Hour - time.Minute)
			act(w, pact)
			w.got(w.pass(time.Minute), alex, store.KindAfter, 0)
			if name == "paused" {
				w.clock.Advance(24 * time.Hour)
				w.ok(w.Resume(w.ctx, alex.ID))
			}
			sent := w.pass(3 * time.Hour)
			w.got(sent, alex, store.KindAfter, 0)
			if name == "a scene that was made longer" {
				w.got(w.pass(2*time.Hour), alex, store.KindCheckIn, 1)
				w.got(w.pass(20*time.Hour), alex, store.KindAfter, 1)
			}
		})
	}
	t.Run("a light scene", func(t *testing.T) {
		w, _ := last(t, store.Light)
		w.got(w.pass(20*time.Hour), alex, store.KindAfter, 0)
		if !w.last(alex, store.KindCheckIn).CheckIn.Last {
			t.Error("its check-in is the last")
		}
	})
	t.Run("alone", func(t *testing.T) {
		w := newWorld(t)
		second(w.EndScene(w.ctx, store.Ended{By: alex, Alone: true, Consent: 1, At: w.Now(), Request: "r"}))
		w.wantAfter(alex)
		w.pass(24 * time.Hour)
		w.pass(24 * time.Hour)
		w.got(w.pass(20*time.Hour), alex, store.KindAfter, 0)
	})
}

// A partner who has left or paused is told nothing, and it looks no different.
func TestPartsForThoseWhoAreGone(t *testing.T) {
	t.Parallel()
	look := func(act func(w *world, pact int64)) (out []store.After) {
		w, pact := wanting(t, alex)
		w.pass(20 * time.Hour)
		act(w, pact)
		at := w.at(alex, store.KindAfter)
		out = append(out, w.after(w.WritePart(w.ctx, alex.ID, at, store.TopicKeep, store.Secret("x"))))
		out = append(out, w.after(w.SharePart(w.ctx, alex.ID, at, store.TopicKeep, pact, store.ShareWords)))
		w.talked(w.TellTalk(w.ctx, alex.ID, at, pact, true))
		sent := w.deliver()
		if n := got(sent, sam, store.KindRelay); n != 0 {
			t.Errorf("%d messages to somebody who is gone", n)
		}
		return out
	}
	left := look(func(w *world, pact int64) { w.ok(w.Leave(w.ctx, sam.ID, pact)) })
	paused := look(func(w *world, _ int64) { w.ok(w.Pause(w.ctx, sam.ID)) })
	for i := range left {
		for _, v := range [][]store.After{left, paused} {
			v[i].Readers[0].Pact, v[i].LaterAt = 0, time.Time{}
			v[i].Parts[0].Readers[0].Pact = 0
		}
		if left[i].Step != paused[i].Step || left[i].Parts[0].Readers[0] != paused[i].Parts[0].Readers[0] || left[i].Parts[0].Answer.Shared != paused[i].Parts[0].Answer.Shared {
			t.Errorf("left %+v\npaused %+v", left[i], paused[i])
		}
	}
}

func TestLeavingTakesPartsAlong(t *testing.T) {
	t.Parallel()
	w, pact := wanting(t, alex, sam)
	w.pass(20 * time.Hour)
	at := w.at(alex, store.KindAfter)
	w.after(w.WritePart(w.ctx, alex.ID, at, store.TopicKeep, store.Secret("given")))
	w.after(w.SharePart(w.ctx, alex.ID, at, store.TopicKeep, pact, store.ShareWords))
	w.after(w.WritePart(w.ctx, alex.ID, at, store.TopicChange, store.Secret("kept")))
	w.after(w.KeepPart(w.ctx, alex.ID, at, store.TopicChange, false))
	w.talked(w.TellTalk(w.ctx, alex.ID, at, pact, true))
	w.got(w.deliver(), sam, store.KindRelay, 2)
	w.ok(w.Leave(w.ctx, alex.ID, pact))
	var gone int
	for _, m := range w.deliver() {
		if m.Want == store.Delete && m.To == sam.ID {
			gone++
		}
	}
	if gone != 2 {
		t.Errorf("%d messages went out of the partner's DM, want 2", gone)
	}
	w.rows(0, "words")
	w.is(second(w.After(w.ctx, alex.ID, at)), store.ErrGone)
	w.after(w.After(w.ctx, sam.ID, w.at(sam, store.KindAfter))) // the other keeps theirs
}

func TestUndoingKeepsWhatWasShared(t *testing.T) {
	t.Parallel()
	w, pact := wanting(t, alex)
	w.pass(20 * time.Hour)
	at := w.at(alex, store.KindAfter)
	w.after(w.WritePart(w.ctx, alex.ID, at, store.TopicKeep, store.Secret("given")))
	w.after(w.SharePart(w.ctx, alex.ID, at, store.TopicKeep, pact, store.ShareWords))
	w.after(w.WritePart(w.ctx, alex.ID, at, store.TopicChange, store.Secret("begun")))
	w.deliver()
	w.ok(w.UndoScene(w.ctx, alex.ID, 0))
	w.rows(1, "words") // what was only begun is gone
	v := w.after(w.KeepPart(w.ctx, alex.ID, at, store.TopicKeep, true))
	if p, _ := v.Part(store.TopicKeep); p.Answer.Shared {
		t.Errorf("%+v", p)
	}
	w.got(w.pass(24*time.Hour), alex, store.KindMoment, 0)
}

func TestTalk(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	at := w.at(alex, store.KindCheckIn)
	if v := w.talked(w.Talk(w.ctx, alex.ID, at)); len(v.Readers) != 1 || v.Readers[0].Level != "" || v.Several {
		t.Errorf("%+v", v)
	}
	w.got(w.deliver(), sam, store.KindRelay, 0) // nobody is told by asking
	for range 2 {                               // once for each check-in
		if v := w.talked(w.TellTalk(w.ctx, alex.ID, at, pact, true)); v.Readers[0].Level != store.ShareWords {
			t.Errorf("%+v", v)
		}
	}
	w.got(w.deliver(), sam, store.KindRelay, 1)
	relay := w.at(sam, store.KindRelay)
	r, err := w.Read(w.ctx, sam.ID, relay)
	w.ok(err)
	if r.About != store.TopicTalk || r.Answer.Feeling != "" || len(r.Answer.Words) != 0 {
		t.Errorf("%+v", r)
	}
	second(w.SendBack(w.ctx, sam.ID, relay, store.Secret("tonight"), "i"))
	w.got(w.deliver(), alex, store.KindRelay, 1)
	if v := w.talked(w.TellTalk(w.ctx, alex.ID, at, pact, false)); v.Readers[0].Level != store.ShareKept {
		t.Errorf("%+v", v)
	}
	if sent := w.deliver(); len(sent) != 1 || sent[0].Want != store.Delete {
		t.Errorf("%+v", sent)
	}
	w.is(second(w.Talk(w.ctx, sam.ID, at)), store.ErrGone)
	w.is(second(w.TellTalk(w.ctx, kit.ID, at, pact, true)), store.ErrGone)
	w.is(second(w.TellTalk(w.ctx, alex.ID, at, pact+1, true)), store.ErrGone)
	w.is(second(w.Talk(w.ctx, sam.ID, relay)), store.ErrGone) // what was left for them is about no scene of theirs

	// It goes with the check-in that it belongs to.
	w.talked(w.TellTalk(w.ctx, alex.ID, at, pact, true))
	w.deliver()
	w.ok(w.UndoScene(w.ctx, alex.ID, 0))
	if !slices.ContainsFunc(w.deliver(), func(m storetest.Sent) bool {
		return m.To == sam.ID && m.Want == store.Delete && m.Kind == store.KindRelay
	}) {
		t.Error("the wish to talk outlived its check-in")
	}
	w.is(second(w.Talk(w.ctx, alex.ID, at)), store.ErrGone)
}
