package store_test

import (
	"reflect"
	"testing"
	"time"

	"aftercare/store"
)

// inTogether is a world in which alex and sam have a pact that is set to together
// and their first check-in in their DMs.
func inTogether(t *testing.T) (w *world, pact int64) {
	t.Helper()
	w, pact = linked(t)
	w.ok(w.SetMode(w.ctx, alex.ID, pact, store.Together))
	w.end(alex, sam)
	w.pass(24 * time.Hour)
	return w, pact
}

func (w *world) pact(who store.Who) store.Pact {
	w.Helper()
	pacts, err := w.Pacts(w.ctx, who.ID)
	w.ok(err)
	if len(pacts) != 1 {
		w.Fatalf("%d pacts", len(pacts))
	}
	return pacts[0]
}

func TestBothSeeTheMode(t *testing.T) {
	t.Parallel()
	w, pact := linked(t)
	if p := w.pact(sam); p.Mode != store.AtOnce || !p.Changed.IsZero() {
		t.Errorf("%+v", p)
	}
	w.clock.Advance(time.Hour)
	at := w.clock.Now()
	w.ok(w.SetMode(w.ctx, alex.ID, pact, store.Together))
	w.clock.Advance(time.Hour)
	w.ok(w.SetMode(w.ctx, sam.ID, pact, store.Together)) // the same again is no change
	for _, who := range []store.Who{alex, sam} {
		if p := w.pact(who); p.Mode != store.Together || !p.Changed.Equal(at) {
			t.Errorf("%+v", p)
		}
	}
	if sent := w.deliver(); len(sent) > 0 {
		t.Errorf("somebody was told: %+v", sent)
	}
	w.is(w.SetMode(w.ctx, alex.ID, pact, "sometimes"), store.ErrGone)
	w.is(w.SetMode(w.ctx, alex.ID, pact+1, store.AtOnce), store.ErrGone)
	w.is(w.SetMode(w.ctx, kit.ID, pact, store.AtOnce), store.ErrGone)

	// A change by the one who stays looks the same to them, and whoever comes back
	// finds the pact as that one sees it.
	w.ok(w.Leave(w.ctx, sam.ID, pact))
	w.ok(w.SetMode(w.ctx, alex.ID, pact, store.AtOnce))
	if p := w.pact(alex); p.Mode != store.AtOnce || !p.Changed.Equal(w.clock.Now()) {
		t.Errorf("%+v", p)
	}
	w.ok(w.SetMode(w.ctx, alex.ID, pact, store.Together))
	w.link(sam, alex)
	if a, s := w.pact(alex), w.pact(sam); a.Mode != store.Together || s.Mode != a.Mode || !s.Changed.Equal(a.Changed) {
		t.Errorf("%+v, %+v", a, s)
	}
}

// What is on the disk of a scene is as long for either mode.
func TestModeIsSealed(t *testing.T) {
	t.Parallel()
	lengths := map[store.Mode]int{}
	for _, mode := range []store.Mode{store.AtOnce, store.Together} {
		w, pact := linked(t)
		w.ok(w.SetMode(w.ctx, alex.ID, pact, mode))
		w.end(alex, sam)
		var n int
		w.ok(store.DB(w.Store).QueryRow(`SELECT MAX(LENGTH(terms)) FROM participants`).Scan(&n))
		lengths[mode] = n
		w.rows(2, "participants WHERE terms IS NOT NULL")
	}
	if lengths[store.AtOnce] != lengths[store.Together] || lengths[store.AtOnce] == 0 {
		t.Errorf("%v", lengths)
	}
}

// What a writer sees, and what reaches them, is the same whatever the reader does
// short of sharing; so is what reaches the reader, but for when.
func TestTogetherTellsNothing(t *testing.T) {
	t.Parallel()
	ends := map[string]func(w *world, at, pact int64){
		"keeps": func(w *world, at, pact int64) {
			w.step(w.Feel(w.ctx, sam.ID, at, "numb"))
			w.step(w.Share(w.ctx, sam.ID, at, pact, store.ShareKept))
		},
		"skips":        func(w *world, at, pact int64) { w.step(w.Store.Skip(w.ctx, sam.ID, at)) },
		"answers none": func(*world, int64, int64) {},
		"puts it off":  func(w *world, at, pact int64) { w.step(w.Later(w.ctx, sam.ID, at)) },
		"pauses":       func(w *world, at, pact int64) { w.ok(w.Pause(w.ctx, sam.ID)) },
		"leaves":       func(w *world, at, pact int64) { w.ok(w.Leave(w.ctx, sam.ID, pact)) },
	}
	var seen []store.CheckIn
	for name, end := range ends {
		w, pact := inTogether(t)
		at := w.answer(alex, "good", "hello", pact, store.ShareWords)
		before := w.step(w.CheckIn(w.ctx, alex.ID, at))
		end(w, w.at(sam, store.KindCheckIn), pact)
		inbox := append(w.deliver(), w.pass(23*time.Hour)...)
		w.got(inbox, alex, store.KindRelay, 0)
		after := w.step(w.CheckIn(w.ctx, alex.ID, at))
		if !reflect.DeepEqual(before, after) || !after.Readers[0].Waits {
			t.Errorf("sam %s: alex sees %+v, then %+v", name, before, after)
		}
		after.LaterAt, after.Readers[0].Pact = time.Time{}, 0
		if seen = append(seen, after); !reflect.DeepEqual(after, seen[0]) {
			t.Errorf("sam %s: alex sees %+v, and otherwise %+v", name, after, seen[0])
		}
		want := 1
		if name == "pauses" || name == "leaves" {
			want = 0
		}
		w.got(inbox, sam, store.KindRelay, want)
	}
}

func TestTogetherOpensWhenBothHadTime(t *testing.T) {
	t.Parallel()
	w, pact := inTogether(t)
	w.answer(alex, "good", "from alex", pact, store.ShareWords)
	w.got(w.pass(time.Hour), sam, store.KindRelay, 0)
	w.answer(sam, "low", "from sam", pact, store.ShareWords)
	sent := w.deliver()
	w.got(sent, sam, store.KindRelay, 1)
	w.got(sent, alex, store.KindRelay, 1)

	// Once it is open it stays open: a change reaches it in place.
	at := w.at(alex, store.KindCheckIn)
	w.ok(second(w.Read(w.ctx, sam.ID, w.at(sam, store.KindRelay))))
	w.step(w.Write(w.ctx, alex.ID, at, store.Secret("better")))
	sent = w.deliver()
	if len(sent) != 1 || sent[0].Want != store.Edit || texts(sent[0].Relay.Answer)[0] != "better" {
		t.Errorf("%+v", sent)
	}
}

func TestTogetherWaitsForTheLaterPrompt(t *testing.T) {
	t.Parallel()
	w, pact := inTogether(t)
	w.answer(alex, "good", "from alex", pact, store.ShareWords)
	w.pass(10 * time.Hour)
	w.step(w.Later(w.ctx, sam.ID, w.at(sam, store.KindCheckIn))) // comes again 13 hours after the mark
	w.got(w.pass(3*time.Hour), sam, store.KindCheckIn, 1)
	w.got(w.pass(12*time.Hour-time.Millisecond), sam, store.KindRelay, 0)
	w.got(w.pass(time.Millisecond), sam, store.KindRelay, 1)
}

func TestTogetherNeedGoesAhead(t *testing.T) {
	t.Parallel()
	w, pact := inTogether(t)
	at := w.at(alex, store.KindCheckIn)
	w.step(w.Open(w.ctx, alex.ID, at))
	w.step(w.Feel(w.ctx, alex.ID, at, "low"))
	w.step(w.Need(w.ctx, alex.ID, at, "call"))
	w.step(w.Write(w.ctx, alex.ID, at, store.Secret("words")))
	w.step(w.Share(w.ctx, alex.ID, at, pact, store.ShareWords))
	w.got(w.deliver(), sam, store.KindRelay, 1)
	need := w.at(sam, store.KindRelay)
	r, err := w.Read(w.ctx, sam.ID, need)
	w.ok(err)
	if !r.Ahead || !r.Read || r.Level != store.ShareGist || r.Answer.Feeling != "" || len(r.Answer.Words) != 0 || r.Answer.Need != "call" {
		t.Errorf("%+v", r)
	}
	// What waits can't be read, and reading the need is not reading it.
	var rest int64
	w.ok(store.DB(w.Store).QueryRow(`SELECT id FROM deliveries WHERE kind = 'relay' AND part = 0`).Scan(&rest))
	w.is(second(w.Read(w.ctx, sam.ID, rest)), store.ErrGone)
	w.rows(1, "shares WHERE need_read_at IS NOT NULL AND read_at IS NULL")

	w.step(w.Need(w.ctx, alex.ID, at, "space"))
	if sent := w.deliver(); len(sent) != 1 || sent[0].Want != store.Edit || sent[0].Relay.Answer.Need != "space" || len(sent[0].Relay.Answer.Words) != 0 {
		t.Errorf("%+v", sent)
	}
	w.step(w.Need(w.ctx, alex.ID, at, "nothing")) // no need: it waits with the rest
	if sent := w.deliver(); len(sent) != 1 || sent[0].Want != store.Delete {
		t.Errorf("%+v", sent)
	}
	w.step(w.Need(w.ctx, alex.ID, at, "kind"))
	w.got(w.deliver(), sam, store.KindRelay, 1)
	w.step(w.Share(w.ctx, alex.ID, at, pact, store.ShareGist)) // which is the need
	w.got(w.pass(13*time.Hour), sam, store.KindRelay, 0)
	w.step(w.Share(w.ctx, alex.ID, at, pact, store.ShareWords))
	sent := w.deliver()
	w.got(sent, sam, store.KindRelay, 2) // the need is taken out: all of it has come
	if r := w.last(sam, store.KindRelay).Relay; len(sent) != 2 || r != nil && r.Ahead {
		t.Errorf("%+v", sent)
	}
	w.step(w.TakeBack(w.ctx, alex.ID, at))
	if sent := w.deliver(); len(sent) != 1 || sent[0].Want != store.Delete {
		t.Errorf("%+v", sent)
	}
}

// Who comes back from a pause when all of it is due has it in one message, and not the
// need before it for an instant.
func TestTogetherNeedComesWithTheRest(t *testing.T) {
	t.Parallel()
	for after, want := range map[time.Duration]int{time.Hour: 1, 13 * time.Hour: 0} {
		w, pact := inTogether(t)
		w.ok(w.Pause(w.ctx, sam.ID))
		at := w.at(alex, store.KindCheckIn)
		w.step(w.Open(w.ctx, alex.ID, at))
		w.step(w.Feel(w.ctx, alex.ID, at, "low"))
		w.step(w.Need(w.ctx, alex.ID, at, "call"))
		w.step(w.Write(w.ctx, alex.ID, at, store.Secret("words")))
		w.step(w.Share(w.ctx, alex.ID, at, pact, store.ShareWords))
		w.deliver()
		w.pass(after)
		w.ok(w.Resume(w.ctx, sam.ID))
		ahead, rest := 0, 0
		for _, m := range append(w.deliver(), w.pass(24*time.Hour)...) {
			if m.Kind != store.KindRelay || m.Want != store.Post {
				continue
			}
			if m.Relay.Ahead {
				ahead++
			} else if rest++; m.Relay.Answer.Need != "call" {
				t.Errorf("after %v the need is not in it: %+v", after, m.Relay)
			}
		}
		if ahead != want || rest != 1 {
			t.Errorf("after %v the need came %d times ahead, want %d, and the rest %d times", after, ahead, want, rest)
		}
	}
}

// Words that wait are not forgotten because the need was read long ago.
func TestTogetherKeepsWhatWaits(t *testing.T) {
	t.Parallel()
	w, pact := inTogether(t)
	at := w.at(alex, store.KindCheckIn)
	w.step(w.Need(w.ctx, alex.ID, at, "call"))
	w.step(w.Write(w.ctx, alex.ID, at, store.Secret("words")))
	w.step(w.Share(w.ctx, alex.ID, at, pact, store.ShareWords))
	w.deliver()
	w.ok(second(w.Read(w.ctx, sam.ID, w.at(sam, store.KindRelay))))
	w.pass(11 * time.Hour)
	w.step(w.Later(w.ctx, sam.ID, w.at(sam, store.KindCheckIn)))
	w.pass(3 * time.Hour)
	w.pass(11 * time.Hour)
	w.ok(second(w.Forget(w.ctx)))
	w.pass(time.Hour)
	var rest int64
	w.ok(store.DB(w.Store).QueryRow(`SELECT id FROM deliveries WHERE kind = 'relay' AND part = 0 AND message IS NOT NULL`).Scan(&rest))
	r, err := w.Relay(w.ctx, sam.ID, rest)
	w.ok(err)
	if len(r.Answer.Words) != 1 || r.Read || r.Ahead {
		t.Errorf("%+v", r)
	}
}

func TestTogetherTypedAndUnsaid(t *testing.T) {
	t.Parallel()
	w, pact := inTogether(t)
	w.hear(alex, "m1", "first", "")
	w.deliver()
	w.step(w.Share(w.ctx, alex.ID, w.at(alex, store.KindPanel), pact, store.ShareWords))
	w.ok(w.Edited(w.ctx, alex.ID, "m1", store.Secret("second")))
	w.got(w.deliver(), sam, store.KindRelay, 0)
	w.got(w.pass(12*time.Hour), sam, store.KindRelay, 1)
	if r := w.last(sam, store.KindRelay).Relay; texts(r.Answer)[0] != "second" {
		t.Errorf("%+v", r)
	}

	w, pact = inTogether(t)
	w.hear(alex, "m1", "first", "")
	w.deliver()
	w.step(w.Share(w.ctx, alex.ID, w.at(alex, store.KindPanel), pact, store.ShareWords))
	w.ok(w.Unsaid(w.ctx, "m1"))
	w.got(w.pass(23*time.Hour), sam, store.KindRelay, 0)
}

// With several partners each pair is for itself: who is through with one of them
// has had their time for that one.
func TestTogetherByPair(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	withSam, withKit := w.link(alex, sam), w.link(alex, kit)
	w.ok(w.SetMode(w.ctx, alex.ID, withSam, store.Together))
	w.ok(w.SetMode(w.ctx, alex.ID, withKit, store.Together))
	w.end(alex, sam, kit)
	w.pass(24 * time.Hour)
	w.answer(sam, "good", "from sam", withSam, store.ShareWords)
	w.answer(kit, "good", "from kit", withKit, store.ShareWords)
	w.got(w.deliver(), alex, store.KindRelay, 0)
	at := w.answer(alex, "ok", "from alex", withSam, store.ShareWords)
	sent := w.deliver()
	w.got(sent, alex, store.KindRelay, 1)
	w.got(sent, sam, store.KindRelay, 1)
	w.got(sent, kit, store.KindRelay, 0)
	w.step(w.Share(w.ctx, alex.ID, at, withKit, store.ShareKept))
	sent = w.deliver()
	w.got(sent, alex, store.KindRelay, 1)
	w.got(sent, kit, store.KindRelay, 0)
}

// Who is in a scene by a partner of both, and a stranger, has no mode towards them.
func TestModeOfTheSceneStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	withSam := w.link(alex, sam)
	w.link(alex, kit)
	w.end(alex, sam, kit)
	w.ok(w.SetMode(w.ctx, sam.ID, withSam, store.Together))
	w.end(sam, alex) // recorded by both: the same one, as it was
	w.pass(24 * time.Hour)
	w.answer(alex, "good", "hello", withSam, store.ShareWords)
	w.got(w.deliver(), sam, store.KindRelay, 1)
}
