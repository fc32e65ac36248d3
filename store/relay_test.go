package store_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"aftercare/store"
)

func TestBackAndForth(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	w.answer(sam, "low", "from sam", pact, store.ShareWords)
	w.deliver()
	at := w.at(alex, store.KindRelay)
	r, err := w.Relay(w.ctx, alex.ID, at)
	w.ok(err)
	if r.Read || r.Parts != 1 || r.Level != store.ShareWords || r.From != sam.Name {
		t.Errorf("%+v", r)
	}
	second(w.Read(w.ctx, alex.ID, at))
	r, err = w.SendBack(w.ctx, alex.ID, at, store.Secret("back"), "i1")
	w.ok(err)
	if !r.Sent || r.Back.Reveal() != "back" || r.Nudged || !r.Read {
		t.Errorf("%+v", r)
	}
	second(w.SendBack(w.ctx, alex.ID, at, store.Secret("back"), "i1")) // the same interaction
	w.is(second(w.SendBack(w.ctx, alex.ID, at, store.Private{}, "i2")), store.ErrNothing)
	w.got(w.deliver(), sam, store.KindRelay, 1)
	back := w.at(sam, store.KindRelay)
	r, err = w.Read(w.ctx, sam.ID, back)
	w.ok(err)
	if !slices.Equal(texts(r.Answer), []string{"back"}) || r.From != alex.Name {
		t.Errorf("%+v", r)
	}
	second(w.SendBack(w.ctx, sam.ID, back, store.Secret("and again"), "i3"))
	w.got(w.deliver(), alex, store.KindRelay, 1)

	// Thinking of you, once.
	for range 2 {
		r, err := w.Touch(w.ctx, alex.ID, at)
		w.ok(err)
		if !r.Nudged {
			t.Errorf("%+v", r)
		}
	}
	w.got(w.deliver(), sam, store.KindRelay, 1)
	if touch := w.last(sam, store.KindRelay).Relay; !touch.Touch || len(touch.Answer.Words) != 0 {
		t.Errorf("%+v", touch)
	}

	// Changing and taking back.
	r, err = w.ChangeBack(w.ctx, alex.ID, at, store.Secret("better"))
	w.ok(err)
	if r.Back.Reveal() != "better" {
		t.Errorf("%+v", r)
	}
	if sent := w.deliver(); len(sent) != 1 || sent[0].Want != store.Edit || texts(sent[0].Relay.Answer)[0] != "better" {
		t.Errorf("%+v", sent)
	}
	second(w.ChangeBack(w.ctx, alex.ID, at, store.Private{}))
	if sent := w.deliver(); len(sent) != 1 || sent[0].Want != store.Delete {
		t.Errorf("%+v", sent)
	}
	w.is(second(w.ChangeBack(w.ctx, alex.ID, at, store.Secret("x"))), store.ErrGone)
	r, err = w.TakeBackBack(w.ctx, alex.ID, at)
	w.ok(err)
	if r.Sent || r.Nudged {
		t.Errorf("%+v", r)
	}
	if sent := w.deliver(); len(sent) != 1 || sent[0].Want != store.Delete {
		t.Errorf("%+v", sent)
	}
	w.is(second(w.Relay(w.ctx, sam.ID, back)), store.ErrGone)
}

func TestParts(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	at := w.answer(sam, "low", "long", pact, store.ShareWords)
	w.deliver()
	relay := w.at(alex, store.KindRelay)
	second(w.Read(w.ctx, alex.ID, relay))
	w.ok(w.SetParts(w.ctx, alex.ID, relay, 3))
	w.ok(w.SetParts(w.ctx, alex.ID, relay, 3))
	sent := w.deliver()
	if len(sent) != 2 || sent[0].Part != 1 || sent[1].Part != 2 || sent[1].Relay.Parts != 3 {
		t.Errorf("%+v", sent)
	}
	if len(w.deliver()) != 0 {
		t.Error("more is owed")
	}
	w.ok(w.SetParts(w.ctx, alex.ID, relay, 2)) // the buttons move to the second
	sent = w.deliver()
	if len(sent) != 2 || sent[0].Part != 1 || sent[0].Want != store.Edit || sent[1].Want != store.Delete {
		t.Errorf("%+v", sent)
	}
	w.step(w.TakeBack(w.ctx, sam.ID, at))
	for _, m := range w.deliver() {
		if m.Want != store.Delete {
			t.Errorf("%+v", m)
		}
	}
	w.step(w.Share(w.ctx, sam.ID, at, pact, store.ShareWords))
	sent = w.deliver() // unread again, and in one message
	if len(sent) != 1 || sent[0].Relay.Read || sent[0].Relay.Parts != 1 {
		t.Errorf("%+v", sent)
	}
	second(w.Read(w.ctx, alex.ID, relay))
	w.ok(w.SetParts(w.ctx, alex.ID, relay, 3))
	w.got(w.deliver(), alex, store.KindRelay, 2)
}

func TestOffers(t *testing.T) {
	t.Parallel()
	w, pact := linked(t)
	w.hear(alex, "m1", "one", "")
	w.hear(alex, "m2", "two", "")
	w.got(w.deliver(), alex, store.KindOffer, 1)
	offer := w.last(alex, store.KindOffer)
	if !slices.Equal(texts(offer.Offer.Answer), []string{"one", "two"}) || len(offer.Offer.Readers) != 1 || offer.Offer.Done {
		t.Errorf("%+v", offer.Offer)
	}
	v, err := w.PassOn(w.ctx, alex.ID, offer.As.ID, pact)
	w.ok(err)
	if !v.Done {
		t.Errorf("%+v", v)
	}
	w.is(second(w.PassOn(w.ctx, alex.ID, offer.As.ID, pact+1)), store.ErrGone)
	w.got(w.deliver(), sam, store.KindRelay, 1)
	relay := w.last(sam, store.KindRelay)

	w.hear(sam, "r", "a typed reply", relay.Message)
	w.deliver()
	if o := w.last(sam, store.KindOffer).Offer; o.First != pact {
		t.Errorf("the one they replied to is not first: %+v", o)
	}
	w.ok(w.ForgetOffer(w.ctx, alex.ID, offer.As.ID))
	w.is(w.ForgetOffer(w.ctx, alex.ID, offer.As.ID), store.ErrGone)
	sent := w.deliver()
	if len(sent) != 1 || sent[0].To != sam.ID || sent[0].Want != store.Delete {
		t.Errorf("%+v", sent)
	}
	w.rows(1, "words")

	// An hour later it is another one.
	w.hear(alex, "m3", "three", "")
	w.clock.Advance(time.Hour)
	w.hear(alex, "m4", "four", "")
	w.got(w.deliver(), alex, store.KindOffer, 2)
	// And one whose words were all deleted is taken out.
	w.ok(w.Unsaid(w.ctx, "m4"))
	sent = w.deliver()
	if len(sent) != 1 || sent[0].Want != store.Delete {
		t.Errorf("%+v", sent)
	}
}

func TestRemarks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, _, err := w.Invite(w.ctx, alex, 1)
	w.ok(err)
	w.deliver()
	for i := range 5 {
		w.ok(w.Hear(w.ctx, store.Typed{By: alex, Message: strconv.Itoa(i), OnlyWords: true}))
		w.ok(w.Hear(w.ctx, store.Typed{By: alex, Message: strconv.Itoa(i), OnlyWords: true}))
		w.hear(alex, "x"+strconv.Itoa(i), "nobody hears this", "")
		w.ok(w.Hear(w.ctx, store.Typed{By: alex, Message: "empty"}))
		sent := w.deliver()
		if len(sent) != 2 || sent[0].Note != store.NoteOnlyWords || sent[1].Note != store.NoteNobody || sent[0].Want != store.Post {
			t.Errorf("%+v", sent)
		}
	}
	w.rows(2, "deliveries WHERE kind = 'remark'")
	w.rows(0, "words")
	nonces := map[string]bool{}
	for _, m := range w.inbox {
		nonces[m.Nonce] = true
	}
	if len(nonces) != len(w.inbox) {
		t.Error("two messages have one nonce")
	}
}

func TestWordsBesideAnAttachment(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	w.ok(w.Hear(w.ctx, store.Typed{By: sam, Message: "m", Text: store.Secret("words"), OnlyWords: true}))
	w.deliver()
	at := w.last(sam, store.KindPanel)
	if !at.CheckIn.Answer.OnlyWords {
		t.Errorf("%+v", at.CheckIn)
	}
	w.step(w.Share(w.ctx, sam.ID, at.As.ID, pact, store.ShareWords))
	w.got(w.deliver(), alex, store.KindRelay, 1)
}

func TestAnswersDontPileUp(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	w.answer(sam, "low", "x", pact, store.ShareWords)
	w.deliver()
	at := w.at(alex, store.KindRelay)
	_, err := store.DB(w.Store).Exec(`
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 295)
		INSERT INTO answers (id, writer, kind, state, created_at, forget_at) SELECT i, $1, 'word', 'kept', $2, $2 + 1e9 FROM n
	`, personID(w, alex), w.clock.Now().UnixMilli())
	w.ok(err)
	n := 0
	for ; err == nil && n < 1000; n++ {
		_, err = w.SendBack(w.ctx, alex.ID, at, store.Secret("x"), strconv.Itoa(n))
	}
	w.is(err, store.ErrTooOften)
	if n != 6 {
		t.Errorf("the one after the %dth is too many", 295+n-1)
	}
	w.clock.Advance(24 * time.Hour)
	w.ok(second(w.SendBack(w.ctx, alex.ID, at, store.Secret("x"), "tomorrow")))
}

// Somebody else's message, and a stranger, get ErrGone from everything.
func TestWhatIsNotTheirsIsGone(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	w.answer(sam, "low", "x", pact, store.ShareWords)
	w.hear(alex, "m0", "answer", "")
	w.deliver()
	w.step(w.Share(w.ctx, alex.ID, w.at(alex, store.KindPanel), pact, store.ShareKept))
	w.hear(alex, "m", "offer", "")
	w.deliver()
	x := store.Secret("x")
	calls := map[string]func(who store.Private, at int64) error{
		"CheckIn":      func(p store.Private, at int64) error { return second(w.CheckIn(w.ctx, p, at)) },
		"Open":         func(p store.Private, at int64) error { return second(w.Open(w.ctx, p, at)) },
		"Go":           func(p store.Private, at int64) error { return second(w.Go(w.ctx, p, at, store.StepChange)) },
		"Feel":         func(p store.Private, at int64) error { return second(w.Feel(w.ctx, p, at, "low")) },
		"Need":         func(p store.Private, at int64) error { return second(w.Need(w.ctx, p, at, "kind")) },
		"Write":        func(p store.Private, at int64) error { return second(w.Write(w.ctx, p, at, x)) },
		"Skip":         func(p store.Private, at int64) error { return second(w.Store.Skip(w.ctx, p, at)) },
		"Later":        func(p store.Private, at int64) error { return second(w.Later(w.ctx, p, at)) },
		"Share":        func(p store.Private, at int64) error { return second(w.Share(w.ctx, p, at, pact, store.ShareWords)) },
		"TakeBack":     func(p store.Private, at int64) error { return second(w.TakeBack(w.ctx, p, at)) },
		"Relay":        func(p store.Private, at int64) error { return second(w.Relay(w.ctx, p, at)) },
		"Read":         func(p store.Private, at int64) error { return second(w.Read(w.ctx, p, at)) },
		"SetParts":     func(p store.Private, at int64) error { return w.SetParts(w.ctx, p, at, 2) },
		"SendBack":     func(p store.Private, at int64) error { return second(w.SendBack(w.ctx, p, at, x, "r")) },
		"Touch":        func(p store.Private, at int64) error { return second(w.Touch(w.ctx, p, at)) },
		"ChangeBack":   func(p store.Private, at int64) error { return second(w.ChangeBack(w.ctx, p, at, x)) },
		"TakeBackBack": func(p store.Private, at int64) error { return second(w.TakeBackBack(w.ctx, p, at)) },
		"PassOn":       func(p store.Private, at int64) error { return second(w.PassOn(w.ctx, p, at, pact)) },
		"ForgetOffer":  func(p store.Private, at int64) error { return w.ForgetOffer(w.ctx, p, at) },
		"Choose":       func(p store.Private, at int64) error { return second(w.Choose(w.ctx, p, at, store.ChoiceNo)) },
	}
	before := w.dump()
	for name, call := range calls {
		for _, m := range w.inbox {
			for _, who := range []store.Who{alex, sam, robin} {
				if who.ID == m.To {
					continue
				}
				if err := call(who.ID, m.As.ID); err != store.ErrGone {
					t.Errorf("%s of somebody else's %s: %v", name, m.Kind, err)
				}
			}
		}
		if err := call(alex.ID, 12345); err != store.ErrGone {
			t.Errorf("%s of nothing: %v", name, err)
		}
	}
	if w.dump() != before {
		t.Error("and something changed")
	}
}
