package store_test

import (
	"fmt"
	"testing"
	"time"

	"aftercare/store"
)

// A day after they were shared, words are kept or not, by whether they were read. Their
// writer sees the same, whatever they press: else it would be a read receipt.
func TestWriterCantTellWhetherTheyRead(t *testing.T) {
	t.Parallel()
	seen := func(read bool) (out []string) {
		w, pact := asked(t)
		at := w.answer(sam, "low", "mine", pact, store.ShareWords)
		w.answer(alex, "low", "theirs", pact, store.ShareWords)
		w.deliver()
		relay := w.at(sam, store.KindRelay)
		w.ok(second(w.Read(w.ctx, sam.ID, relay)))
		w.ok(second(w.SendBack(w.ctx, sam.ID, relay, store.Secret("back"), "r1")))
		w.hear(sam, "typed", "offered", "")
		w.deliver()
		offer := w.at(sam, store.KindOffer)
		w.ok(second(w.PassOn(w.ctx, sam.ID, offer, pact)))
		w.deliver()
		for _, m := range w.inbox {
			if read && m.To == alex.ID && m.Kind == store.KindRelay {
				w.ok(second(w.Read(w.ctx, alex.ID, m.As.ID)))
			}
		}
		see := func(v any, err error) {
			w.Helper()
			w.ok(err)
			if c, ok := v.(store.CheckIn); ok {
				c.Readers[0].Pact = 0
			}
			out = append(out, fmt.Sprintf("%+v", v))
		}
		all := func() {
			w.Helper()
			see(w.CheckIn(w.ctx, sam.ID, at))
			r, err := w.Relay(w.ctx, sam.ID, relay)
			see(fmt.Sprint(r.Sent, r.Nudged, r.Back.Reveal()), err)
		}
		w.clock.Advance(23 * time.Hour)
		all()
		if v := w.step(w.CheckIn(w.ctx, sam.ID, at)); len(v.Answer.Words) != 1 || v.Answer.Form.Reveal() != "mine" {
			t.Errorf("hidden within the day: %+v", v.Answer)
		}
		w.clock.Advance(time.Hour)
		w.ok(second(w.Forget(w.ctx)))
		if kept := w.count("words WHERE text IS NOT NULL"); (kept > 1) == read { // what sam left unread, if anything
			t.Fatalf("read %v, and %d are kept", read, kept)
		}
		all()
		v := w.step(w.CheckIn(w.ctx, sam.ID, at))
		if len(v.Answer.Words) > 0 || !v.Answer.Form.IsZero() || v.Answer.Empty() {
			t.Errorf("a day later: %+v", v.Answer)
		}
		see(w.Go(w.ctx, sam.ID, at, store.StepChange))
		see(w.Write(w.ctx, sam.ID, at, store.Private{})) // an empty form, sent as it is
		see(w.TakeBack(w.ctx, sam.ID, at))
		see(w.Go(w.ctx, sam.ID, at, store.StepShare))
		see(w.Share(w.ctx, sam.ID, at, pact, store.ShareWords))
		see(w.Write(w.ctx, sam.ID, at, store.Secret("new")))
		r, err := w.ChangeBack(w.ctx, sam.ID, relay, store.Secret("changed"))
		see(fmt.Sprint(r.Sent, r.Back.Reveal()), err)
		return out
	}
	unread, read := seen(false), seen(true)
	for i := range unread {
		if unread[i] != read[i] {
			t.Errorf("%d:\nunread %s\nread   %s", i, unread[i], read[i])
		}
	}
}

// Words that come to others that were read and forgotten reach their reader.
func TestNewWordsBesideForgottenOnes(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	w.hear(sam, "m1", "first", "")
	w.hear(sam, "m2", "second", "")
	w.deliver()
	at := w.at(sam, store.KindPanel)
	w.step(w.Share(w.ctx, sam.ID, at, pact, store.ShareWords))
	w.deliver()
	relay := w.at(alex, store.KindRelay)
	w.ok(second(w.Read(w.ctx, alex.ID, relay)))
	w.clock.Advance(25 * time.Hour)
	w.ok(second(w.Forget(w.ctx)))
	w.rows(0, "words WHERE text IS NOT NULL")
	reads := func(want string) {
		t.Helper()
		w.got(w.deliver(), alex, store.KindRelay, 1)
		r, err := w.Relay(w.ctx, alex.ID, relay)
		w.ok(err)
		if got := fmt.Sprint(texts(r.Answer)); got != want || r.Answer.Forgotten {
			t.Errorf("they have %s, forgotten %v; want %s", got, r.Answer.Forgotten, want)
		}
	}
	w.step(w.Write(w.ctx, sam.ID, at, store.Secret("third")))
	reads("[third]")
	w.ok(w.Edited(w.ctx, sam.ID, "m1", store.Secret("mended")))
	reads("[mended third]")
	w.ok(w.Unsaid(w.ctx, "m2")) // stood with what was read
	reads("[mended third]")
}

// Shared once more when they are no longer kept, they leave no message that can't be
// opened.
func TestForgottenWordsSharedAnew(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	at := w.answer(sam, "low", "x", pact, store.ShareWords)
	w.deliver()
	w.ok(second(w.Read(w.ctx, alex.ID, w.at(alex, store.KindRelay))))
	w.clock.Advance(25 * time.Hour)
	w.ok(second(w.Forget(w.ctx)))
	w.step(w.TakeBack(w.ctx, sam.ID, at))
	w.deliver()
	w.step(w.Share(w.ctx, sam.ID, at, pact, store.ShareWords))
	w.got(w.deliver(), alex, store.KindRelay, 1)
	relay := w.at(alex, store.KindRelay)
	r, err := w.Read(w.ctx, alex.ID, relay)
	w.ok(err)
	if r.Answer.Forgotten || r.Answer.Feeling != "low" {
		t.Errorf("opened for the first time: %+v", r.Answer)
	}
	if r, err = w.Read(w.ctx, alex.ID, relay); err != nil || !r.Answer.Forgotten {
		t.Errorf("opened again: %+v, %v", r.Answer, err)
	}
}

// An answer that was taken back is begun anew: its words are shown like any.
func TestPastAnswerBegunAnew(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	w.hear(sam, "m1", "x", "")
	w.deliver()
	w.step(w.Share(w.ctx, sam.ID, w.at(sam, store.KindPanel), pact, store.ShareWords))
	at := w.at(sam, store.KindCheckIn)
	w.clock.Advance(25 * time.Hour)
	w.ok(w.Unsaid(w.ctx, "m1"))
	v := w.step(w.Write(w.ctx, sam.ID, at, store.Secret("y")))
	if len(v.Answer.Words) != 1 || v.Answer.Anew || v.Answer.Forgotten {
		t.Errorf("%+v", v.Answer)
	}
}
