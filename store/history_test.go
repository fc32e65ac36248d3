package store_test

import (
	"testing"
	"time"

	"aftercare/store"
)

const wide = 2 * 366 * 24 * time.Hour

// keeping is a world in which alex and sam are linked, and alex keeps a history.
func keeping(t *testing.T) (w *world, pact int64) {
	t.Helper()
	w, pact = linked(t)
	w.ok(w.KeepHistory(w.ctx, alex.ID, true))
	return w, pact
}

func (w *world) felt(who store.Who) (out []store.Feeling) {
	w.Helper()
	h, err := w.History(w.ctx, who.ID, wide)
	w.ok(err)
	for _, f := range h.Felt {
		out = append(out, f.Feeling)
	}
	return out
}

func (w *world) feels(who store.Who, want ...store.Feeling) {
	w.Helper()
	if have := w.felt(who); len(have) != len(want) {
		w.Errorf("the history is %v, want %v", have, want)
	} else {
		for i := range want {
			if have[i] != want[i] {
				w.Errorf("the history is %v, want %v", have, want)
			}
		}
	}
}

func (w *world) feel(who store.Who, f store.Feeling) {
	w.Helper()
	w.step(w.Feel(w.ctx, who.ID, w.at(who, store.KindCheckIn), f))
}

// weekend is a scene with both of alex's answers to it.
func (w *world) weekend(first, second store.Feeling) {
	w.Helper()
	w.end(alex, sam)
	w.pass(24 * time.Hour)
	w.feel(alex, first)
	w.pass(24 * time.Hour)
	w.feel(alex, second)
}

func TestHistoryIsOffByDefault(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	w.answer(alex, "low", "x", pact, store.ShareKept)
	w.rows(0, "feelings")
	h, err := w.History(w.ctx, alex.ID, wide)
	w.ok(err)
	if h.On || len(h.Felt) > 0 {
		t.Errorf("%+v", h)
	}
	_, err = w.History(w.ctx, kit.ID, wide)
	w.is(err, store.ErrNotAgreed)
	w.is(w.KeepHistory(w.ctx, kit.ID, true), store.ErrNotAgreed)
}

func TestHistoryKeepsWhatIsFelt(t *testing.T) {
	t.Parallel()
	w, _ := keeping(t)
	w.end(alex, sam)
	w.pass(24 * time.Hour)
	first := w.clock.Now()
	w.clock.Advance(time.Hour)
	w.feel(alex, "ok")
	w.feel(sam, "low") // who keeps none
	w.pass(23 * time.Hour)
	w.feel(alex, "flat")
	h, err := w.History(w.ctx, alex.ID, wide)
	w.ok(err)
	if len(h.Felt) != 2 {
		t.Fatalf("%+v", h)
	}
	f := h.Felt[0]
	if f.Feeling != "ok" || f.Mark != 24*time.Hour || f.Day() != 1 || f.Size != store.Usual || f.Round || !f.At.Equal(first.Add(time.Hour)) || !f.Asked.Equal(first) {
		t.Errorf("%+v", f)
	}
	if h.Felt[1].Day() != 2 {
		t.Errorf("%+v", h.Felt[1])
	}
	h, err = w.History(w.ctx, alex.ID, 2*time.Hour)
	w.ok(err)
	if len(h.Felt) != 1 || !h.More {
		t.Errorf("%+v", h)
	}
}

// Nothing of a feeling can be told by the length of what is sealed.
func TestHistoryIsOneLength(t *testing.T) {
	t.Parallel()
	w, _ := keeping(t)
	w.end(alex, sam)
	w.pass(24 * time.Hour)
	for _, f := range store.Feelings {
		w.feel(alex, f)
		var n int
		w.ok(store.DB(w.Store).QueryRow(`SELECT LENGTH(body) FROM feelings`).Scan(&n))
		if n < 128 || n >= 192 {
			t.Errorf("%s is sealed in %d bytes", f, n)
		}
	}
}

func TestHistoryFollowsTheAnswer(t *testing.T) {
	t.Parallel()
	w, pact := keeping(t)
	w.end(alex, sam)
	w.pass(24 * time.Hour)
	at := w.answer(alex, "low", "x", pact, store.ShareWords)
	w.feels(alex, "low")
	w.step(w.Go(w.ctx, alex.ID, at, store.StepFeeling))
	w.step(w.Feel(w.ctx, alex.ID, at, "mixed"))
	w.feels(alex, "mixed")
	w.step(w.TakeBack(w.ctx, alex.ID, at)) // from others: it stays with its writer
	w.feels(alex, "mixed")

	// It outlives the answer by far, and not 2 years.
	answered := w.clock.Now()
	w.clock.Advance(40 * 24 * time.Hour)
	w.ok(second(w.Forget(w.ctx)))
	w.rows(0, "answers")
	w.rows(0, "scenes")
	w.feels(alex, "mixed")
	w.forgets(answered.Add(2*365*24*time.Hour), "feelings")
}

func TestHistoryGoesWithTheAnswer(t *testing.T) {
	t.Parallel()
	w, _ := keeping(t)
	w.end(alex, sam)
	w.pass(24 * time.Hour)
	w.feel(alex, "low")
	w.ok(w.UndoScene(w.ctx, alex.ID, 0))
	w.rows(0, "feelings")

	w.end(alex, sam)
	w.pass(24 * time.Hour)
	w.feel(alex, "low")
	pact, err := w.PactWith(w.ctx, alex.ID, sam.ID)
	w.ok(err)
	w.ok(w.Leave(w.ctx, alex.ID, pact))
	w.rows(0, "feelings")
}

func TestHistoryEnds(t *testing.T) {
	t.Parallel()
	w, _ := keeping(t)
	w.ok(w.KeepHistory(w.ctx, sam.ID, true))
	w.weekend("ok", "good")
	w.feel(sam, "low")
	h, err := w.History(w.ctx, alex.ID, wide)
	w.ok(err)

	// One feeling, and only one's own.
	w.ok(w.ForgetFelt(w.ctx, sam.ID, h.Felt[0].ID))
	w.feels(alex, "ok", "good")
	w.ok(w.ForgetFelt(w.ctx, alex.ID, h.Felt[0].ID))
	w.ok(w.ForgetFelt(w.ctx, alex.ID, h.Felt[0].ID))
	w.feels(alex, "good")

	// It stays away when another part of the answer comes.
	w.step(w.Need(w.ctx, sam.ID, w.at(sam, store.KindCheckIn), "call"))
	w.feels(sam, "low")

	w.ok(w.KeepHistory(w.ctx, alex.ID, false))
	w.rows(1, "feelings")
	w.ok(w.KeepHistory(w.ctx, alex.ID, true))
	w.feels(alex)
	w.feels(sam, "low")
}

// Somebody with a history is not forgotten before it is.
func TestHistoryKeepsItsPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.ended(kit)
	e.Alone, e.Consent = true, 1
	w.ok(second(w.EndScene(w.ctx, e)))
	w.ok(w.KeepHistory(w.ctx, kit.ID, true))
	w.pass(24 * time.Hour)
	w.feel(kit, "ok")
	w.clock.Advance(300 * 24 * time.Hour)
	w.ok(second(w.Forget(w.ctx)))
	w.feels(kit, "ok")
	w.clock.Advance(2 * 365 * 24 * time.Hour)
	w.ok(second(w.Forget(w.ctx)))
	w.rows(0, "feelings")
	w.rows(1, "persons") // who chose a setting is kept until it is taken back
	w.ok(w.KeepHistory(w.ctx, kit.ID, false))
	w.ok(second(w.Forget(w.ctx)))
	w.rows(0, "persons")
}

// noting is keeping, where alex wants notes.
func noting(t *testing.T) *world {
	t.Helper()
	w, _ := keeping(t)
	w.is(w.NoteTrends(w.ctx, sam.ID, true), store.ErrGone)
	w.ok(w.NoteTrends(w.ctx, alex.ID, true))
	return w
}

func TestTrend(t *testing.T) {
	t.Parallel()
	w := noting(t)
	for _, f := range []store.Feeling{"low", "good", "numb", "flat"} {
		w.weekend("good", f)
		w.got(w.pass(5*24*time.Hour), alex, store.KindTrend, 0)
	}
	w.weekend("low", "low")
	w.got(w.pass(24*time.Hour-time.Minute), alex, store.KindTrend, 0)
	sent := w.pass(time.Minute)
	w.got(sent, alex, store.KindTrend, 1)
	w.got(sent, sam, store.KindTrend, 0)
	if v := w.last(alex, store.KindTrend).Trend; v.Low != 4 || v.All != 5 {
		t.Errorf("%+v", v)
	}
	v, err := w.Trend(w.ctx, alex.ID)
	w.ok(err)
	if v.Low != 4 {
		t.Errorf("%+v", v)
	}
	w.is(second(w.Trend(w.ctx, sam.ID)), store.ErrGone)
	w.is(second(w.Trend(w.ctx, kit.ID)), store.ErrGone)

	// Not again within 30 days, and then another message.
	w.weekend("low", "low")
	w.got(w.pass(20*24*time.Hour), alex, store.KindTrend, 0)
	w.clock.Advance(12 * 24 * time.Hour)
	w.ok(second(w.Forget(w.ctx)))
	w.rows(0, "deliveries WHERE kind = 'trend'")
	w.weekend("low", "low")
	w.got(w.pass(24*time.Hour), alex, store.KindTrend, 1)

	// Without a history there is nothing to note, and nothing stands in the DM.
	w.ok(w.KeepHistory(w.ctx, alex.ID, false))
	w.got(w.deliver(), alex, store.KindTrend, 1)
	w.is(second(w.Trend(w.ctx, alex.ID)), store.ErrGone)
}

// What was so when the note was owed may be so no more when it is due.
func TestTrendThatEnded(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world){
		"changed":  func(w *world) { w.feel(alex, "good"); w.feel(alex, "mixed") },
		"switched": func(w *world) { w.ok(w.KeepHistory(w.ctx, alex.ID, false)) },
		"unwanted": func(w *world) { w.ok(w.NoteTrends(w.ctx, alex.ID, false)) },
		"removed": func(w *world) {
			h, err := w.History(w.ctx, alex.ID, wide)
			w.ok(err)
			w.ok(w.ForgetFelt(w.ctx, alex.ID, h.Felt[len(h.Felt)-1].ID))
		},
		"paused": func(w *world) { w.ok(w.Pause(w.ctx, alex.ID)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := noting(t)
			for _, f := range []store.Feeling{"good", "low", "low", "low", "low"} {
				w.weekend("good", f)
			}
			w.rows(1, "deliveries WHERE kind = 'trend' AND next_at IS NOT NULL")
			end(w)
			w.got(w.pass(3*24*time.Hour), alex, store.KindTrend, 0)
			w.clock.Advance(60 * 24 * time.Hour)
			w.ok(second(w.Forget(w.ctx)))
			w.rows(0, "deliveries WHERE kind = 'trend'") // it would tell that lows had come again and again
		})
	}
}

func TestTrendOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	w, _ := keeping(t)
	for range 6 {
		w.weekend("low", "low")
	}
	w.pass(3 * 24 * time.Hour)
	w.rows(0, "deliveries WHERE kind = 'trend'")
}

// A low first day, or a good second one, is no trend.
func TestTrendIsOfTheSecondDay(t *testing.T) {
	t.Parallel()
	w := noting(t)
	for range 6 {
		w.weekend("low", "good")
	}
	w.pass(3 * 24 * time.Hour)
	w.rows(0, "deliveries WHERE kind = 'trend'")
}
