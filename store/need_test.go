package store_test

import (
	"testing"
	"time"

	"aftercare/store"
)

// plain has somebody's messages show at once what they bring.
func (w *world) plain(who store.Who) {
	w.Helper()
	_, err := w.ChangeSettings(w.ctx, who.ID, func(s *store.Settings) { s.Plain = true })
	w.ok(err)
}

// A need that stands open in a DM from the start is what was read, and not the words
// that wait: those are not forgotten before they came.
func TestPlainNeedIsNotTheWords(t *testing.T) {
	t.Parallel()
	w, pact := inTogether(t)
	w.plain(sam)
	at := w.at(alex, store.KindCheckIn)
	w.step(w.Need(w.ctx, alex.ID, at, "call"))
	w.answer(alex, "low", "the words", pact, store.ShareWords)
	w.got(w.deliver(), sam, store.KindRelay, 1)
	w.rows(1, "shares WHERE need_read_at IS NOT NULL AND read_at IS NULL")
	w.ok(w.Pause(w.ctx, sam.ID))
	for range 2 * 24 {
		w.pass(time.Hour)
		_, err := w.Forget(w.ctx)
		w.ok(err)
	}
	w.ok(w.Resume(w.ctx, sam.ID))
	for range 2 * 24 {
		for _, m := range w.pass(time.Hour) {
			if m.To == sam.ID && m.Kind == store.KindRelay && m.Part == 0 && len(texts(m.Relay.Answer)) == 1 {
				return
			}
		}
	}
	t.Error("the words never came")
}

// A need that was left to the rest, since all of it was due, goes ahead once more
// when the rest is to wait after all.
func TestNeedGoesAheadOnceMore(t *testing.T) {
	t.Parallel()
	w, pact := inTogether(t)
	at := w.at(alex, store.KindCheckIn)
	w.step(w.Feel(w.ctx, alex.ID, at, "low"))
	w.step(w.Need(w.ctx, alex.ID, at, "call"))
	w.step(w.Share(w.ctx, alex.ID, at, pact, store.ShareWords))
	for range 13 { // Discord takes nothing
		due, err := w.ClaimDue(w.ctx, 10)
		w.ok(err)
		for _, d := range due {
			w.ok(w.PostponeUnsent(w.ctx, d, w.clock.Now().Add(time.Hour)))
		}
		w.clock.Advance(time.Hour)
	}
	w.step(w.Later(w.ctx, sam.ID, w.at(sam, store.KindCheckIn)))
	w.got(w.pass(time.Hour), sam, store.KindRelay, 1)
	if m := w.last(sam, store.KindRelay); !m.Relay.Ahead || m.Relay.Answer.Need != "call" {
		t.Errorf("%+v", m.Relay)
	}
	for range 13 {
		w.got(w.pass(time.Hour), sam, store.KindRelay, 0)
	}
	w.got(w.pass(time.Hour), sam, store.KindRelay, 2) // all of it, and the need is taken out
}
