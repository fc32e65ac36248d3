package store_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"aftercare/store"
)

func TestWalkThroughACheckIn(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	at := w.at(sam, store.KindCheckIn)
	first := w.last(sam, store.KindCheckIn).CheckIn
	if first.Step != store.StepPrompt || first.Last || first.Late || first.LaterLeft != 2 || first.Mark != 24*time.Hour {
		t.Errorf("%+v", first)
	}
	w.clock.Advance(time.Hour) // opened an hour later is not late
	for _, step := range []struct {
		want store.Step
		do   func() (store.CheckIn, error)
	}{
		{store.StepFeeling, func() (store.CheckIn, error) { return w.Open(w.ctx, sam.ID, at) }},
		{store.StepFeeling, func() (store.CheckIn, error) { return w.Go(w.ctx, sam.ID, at, store.StepNeed) }}, // an old button
		{store.StepFeeling, func() (store.CheckIn, error) { return w.TakeBack(w.ctx, sam.ID, at) }},
		{store.StepNeed, func() (store.CheckIn, error) { return w.Feel(w.ctx, sam.ID, at, "low") }},
		{store.StepNeed, func() (store.CheckIn, error) { return w.Open(w.ctx, sam.ID, at) }},
		{store.StepWords, func() (store.CheckIn, error) { return w.Need(w.ctx, sam.ID, at, "kind") }},
		{store.StepShare, func() (store.CheckIn, error) { return w.Write(w.ctx, sam.ID, at, store.Secret("hello")) }},
		{store.StepDone, func() (store.CheckIn, error) { return w.Share(w.ctx, sam.ID, at, pact, store.ShareWords) }},
		{store.StepChange, func() (store.CheckIn, error) { return w.Go(w.ctx, sam.ID, at, store.StepChange) }},
		{store.StepDone, func() (store.CheckIn, error) { return w.Store.Skip(w.ctx, sam.ID, at) }},
	} {
		v := w.step(step.do())
		if v.Step != step.want || v.Late {
			t.Errorf("%+v, want step %s", v, step.want)
		}
	}
	v := w.step(w.CheckIn(w.ctx, sam.ID, at))
	if v.Answer.Feeling != "low" || v.Answer.Need != "kind" || !slices.Equal(texts(v.Answer), []string{"hello"}) || !v.Answer.Shared {
		t.Errorf("%+v", v)
	}
	if len(v.Readers) != 1 || v.Readers[0].Level != store.ShareWords || v.Readers[0].Name != alex.Name {
		t.Errorf("%+v", v.Readers)
	}
	for _, err := range []error{
		second(w.Feel(w.ctx, sam.ID, at, "great")), second(w.Need(w.ctx, sam.ID, at, "cake")), second(w.Go(w.ctx, sam.ID, at, store.StepSkipped)),
		second(w.Share(w.ctx, sam.ID, at, pact, "some")), second(w.Share(w.ctx, sam.ID, at, pact+1, store.ShareGist)),
	} {
		w.is(err, store.ErrGone)
	}
	w.got(w.deliver(), alex, store.KindRelay, 1)
	w.pass(23 * time.Hour)
	if v := w.last(sam, store.KindCheckIn).CheckIn; !v.Last {
		t.Error("the last one does not say so")
	}
	if v := w.step(w.CheckIn(w.ctx, sam.ID, at)); v.Last {
		t.Error("the first one says that it is the last")
	}
}

func second[T any](_ T, err error) error { return err }

func TestLater(t *testing.T) {
	t.Parallel()
	w, _ := asked(t)
	at := w.at(sam, store.KindCheckIn)
	for round := 1; round <= 2; round++ {
		v := w.step(w.Later(w.ctx, sam.ID, at))
		if v.Step != store.StepLater || v.LaterLeft != 2-round || !v.LaterAt.Equal(w.clock.Now().Add(3*time.Hour)) {
			t.Errorf("%+v", v)
		}
		w.step(w.Later(w.ctx, sam.ID, at)) // pressed twice
		old := w.last(sam, store.KindCheckIn)
		w.got(w.pass(3*time.Hour-time.Millisecond), sam, store.KindCheckIn, 0)
		w.got(w.pass(time.Millisecond), sam, store.KindCheckIn, 1)
		now := w.last(sam, store.KindCheckIn)
		if now.Want != store.Post || now.Nonce == old.Nonce || now.As.ID != at || now.CheckIn.Step != store.StepPrompt || now.CheckIn.Late {
			t.Errorf("round %d: %+v", round, now)
		}
	}
	w.is(second(w.Later(w.ctx, sam.ID, at)), store.ErrTooOften)
	if v := w.step(w.CheckIn(w.ctx, sam.ID, at)); v.Step != store.StepPrompt {
		t.Errorf("%+v", v)
	}
}

func TestOpenedAfterLater(t *testing.T) {
	t.Parallel()
	w, _ := asked(t)
	at := w.at(sam, store.KindCheckIn)
	w.step(w.Later(w.ctx, sam.ID, at))
	w.step(w.Open(w.ctx, sam.ID, at))
	w.got(w.pass(3*time.Hour), sam, store.KindCheckIn, 0)
	w.step(w.Store.Skip(w.ctx, sam.ID, at))
	w.step(w.Later(w.ctx, sam.ID, at)) // an old button, after all
	w.got(w.pass(3*time.Hour), sam, store.KindCheckIn, 1)
	w.hear(sam, "m", "typed", "")
	w.rows(1, "checkins WHERE state = 'answering'")
}

// One that was put off, and waits for a pause to end, does not come back with the end
// of it once it was opened.
func TestOpenedInAPause(t *testing.T) {
	t.Parallel()
	w, _ := asked(t)
	at := w.at(alex, store.KindCheckIn)
	w.step(w.Later(w.ctx, alex.ID, at))
	w.ok(w.Pause(w.ctx, alex.ID))
	w.pass(4 * time.Hour)
	w.rows(1, "deliveries WHERE id = $1 AND waiting = 1", at)
	w.step(w.Open(w.ctx, alex.ID, at))
	w.rows(0, "deliveries WHERE id = $1 AND (waiting = 1 OR next_at IS NOT NULL)", at)
	w.ok(w.Resume(w.ctx, alex.ID))
	w.got(w.pass(time.Hour), alex, store.KindCheckIn, 0)
}

// Later, pressed before the send was noted, holds.
func TestLaterBeforeTheSendIsMarked(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.end(alex, sam)
	w.deliver()
	w.clock.Advance(24 * time.Hour)
	due, err := w.ClaimDue(w.ctx, 10)
	w.ok(err)
	for _, d := range due {
		c, err := w.Content(w.ctx, d)
		w.ok(err)
		v := w.step(w.Later(w.ctx, c.To, d.ID))
		w.ok(w.MarkSent(w.ctx, d, store.Sent{Message: store.Secret("m")}))
		if now := w.step(w.CheckIn(w.ctx, c.To, d.ID)); now.Step != store.StepLater || now.LaterAt != v.LaterAt {
			t.Errorf("%+v", now)
		}
	}
	if len(w.deliver()) != 0 {
		t.Error("sent once more at once")
	}
	if sent := w.pass(3 * time.Hour); len(sent) != 2 || sent[0].Want != store.Post {
		t.Errorf("%v", sent)
	}
}

func TestSkipAtEveryStep(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	at := w.at(sam, store.KindCheckIn)
	skip := func(want store.Step) {
		t.Helper()
		if v := w.step(w.Store.Skip(w.ctx, sam.ID, at)); v.Step != want {
			t.Errorf("%s, want %s", v.Step, want)
		}
	}
	skip(store.StepSkipped)
	skip(store.StepSkipped)
	w.step(w.Open(w.ctx, sam.ID, at))
	skip(store.StepSkipped)
	w.step(w.Later(w.ctx, sam.ID, at))
	skip(store.StepSkipped)
	w.got(w.pass(3*time.Hour), sam, store.KindCheckIn, 0)
	w.step(w.Open(w.ctx, sam.ID, at))
	w.step(w.Feel(w.ctx, sam.ID, at, "ok"))
	skip(store.StepWords)
	skip(store.StepShare)
	skip(store.StepDone)
	w.got(w.deliver(), alex, store.KindRelay, 0)
	w.rows(1, "answers WHERE state = 'kept'")
	w.step(w.Share(w.ctx, sam.ID, at, pact, store.ShareGist))
	w.got(w.deliver(), alex, store.KindRelay, 1)
}

func TestTypedAnswer(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	w.hear(sam, "m1", "one", "")
	w.hear(sam, "m1", "one", "") // the same event twice
	w.hear(sam, "m2", "two", "")
	sent := w.deliver()
	w.got(sent, sam, store.KindPanel, 1)
	panel := w.last(sam, store.KindPanel)
	if panel.CheckIn.Step != store.StepShare || !slices.Equal(texts(panel.CheckIn.Answer), []string{"one", "two"}) || panel.CheckIn.Panel {
		t.Errorf("%+v", panel.CheckIn)
	}
	if v := w.step(w.CheckIn(w.ctx, sam.ID, w.at(sam, store.KindCheckIn))); !v.Panel {
		t.Error("the check-in does not point to its panel")
	}
	w.hear(sam, "m3", "three", "") // its panel stands below it
	sent = w.deliver()
	if n := got(sent, sam, store.KindPanel); n != 2 {
		t.Errorf("%d panels, want one out and one in", n)
	}
	at := w.at(sam, store.KindPanel)
	w.step(w.Share(w.ctx, sam.ID, at, pact, store.ShareWords))
	w.got(w.deliver(), alex, store.KindRelay, 1)
	r, err := w.Read(w.ctx, alex.ID, w.at(alex, store.KindRelay))
	w.ok(err)
	if !slices.Equal(texts(r.Answer), []string{"one", "two", "three"}) || r.From != sam.Name {
		t.Errorf("%+v", r)
	}
	for i := 4; i <= 20; i++ {
		w.hear(sam, "m"+strconv.Itoa(i), "more", "") // done, so an offer
	}
	w.rows(1, "deliveries WHERE kind = 'offer'")
}

func TestTypedPiecesAreCounted(t *testing.T) {
	t.Parallel()
	w, _ := asked(t)
	for i := range 20 {
		w.hear(sam, strconv.Itoa(i), "x", "")
	}
	w.is(w.Hear(w.ctx, store.Typed{By: sam, Message: "20", Text: store.Secret("x")}), store.ErrTooOften)
	w.deliver()
	for i := range 25 { // and so are the rows of somebody who types and deletes
		w.ok(w.Unsaid(w.ctx, strconv.Itoa(i)))
		w.hear(sam, strconv.Itoa(i+20), "x", "")
		w.deliver()
	}
	if n := w.count("deliveries WHERE kind = 'panel'"); n > 3 {
		t.Errorf("%d panels", n)
	}
}

func TestReplyToAParticularMessage(t *testing.T) {
	t.Parallel()
	w, _ := asked(t)
	w.clock.Advance(time.Hour)
	e := w.ended(alex, sam)
	_, err := w.EndScene(w.ctx, e)
	w.ok(err)
	older := w.last(sam, store.KindCheckIn)
	w.pass(24 * time.Hour) // the first one's second mark, then the second one's first
	newest := w.last(sam, store.KindCheckIn)
	if newest.As.ID == older.As.ID {
		t.Fatal("one check-in only")
	}
	w.hear(sam, "a", "to the older", older.Message)
	w.hear(sam, "b", "to the newest", "")
	for at, want := range map[int64]string{older.As.ID: "to the older", newest.As.ID: "to the newest"} {
		if v := w.step(w.CheckIn(w.ctx, sam.ID, at)); !slices.Equal(texts(v.Answer), []string{want}) {
			t.Errorf("%q, want %q", texts(v.Answer), want)
		}
	}
	w.hear(alex, "c", "not my message", older.Message) // somebody else's: the newest
	w.rows(3, "words")
}

func TestEditAndDelete(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	w.hear(sam, "m1", "one", "")
	w.hear(sam, "m2", "two", "")
	w.deliver()
	at := w.at(sam, store.KindPanel)
	w.step(w.Share(w.ctx, sam.ID, at, pact, store.ShareWords))
	w.deliver()
	relay := w.at(alex, store.KindRelay)
	second(w.Read(w.ctx, alex.ID, relay))

	w.ok(w.Edited(w.ctx, sam.ID, "m1", store.Secret("uno")))
	w.ok(w.Edited(w.ctx, alex.ID, "m1", store.Secret("not theirs")))
	w.ok(w.Edited(w.ctx, robin.ID, "m1", store.Secret("a stranger")))
	w.ok(w.Edited(w.ctx, sam.ID, "never kept", store.Secret("x")))
	sent := w.deliver()
	if got(sent, alex, store.KindRelay) != 1 || w.last(alex, store.KindRelay).Want != store.Edit {
		t.Errorf("%v", sent)
	}
	if got := texts(w.last(alex, store.KindRelay).Relay.Answer); !slices.Equal(got, []string{"uno", "two"}) {
		t.Errorf("%q", got)
	}
	w.ok(w.Unsaid(w.ctx, "m2"))
	w.ok(w.Unsaid(w.ctx, "m2"))
	w.deliver()
	if got := texts(w.last(alex, store.KindRelay).Relay.Answer); !slices.Equal(got, []string{"uno"}) {
		t.Errorf("%q", got)
	}

	// The only words: taken back, and the check-in is open again.
	w.ok(w.Edited(w.ctx, sam.ID, "m1", store.Private{}))
	sent = w.deliver()
	if w.last(alex, store.KindRelay).Want != store.Delete || w.last(sam, store.KindPanel).Want != store.Delete {
		t.Errorf("%v", sent)
	}
	_, err := w.Relay(w.ctx, alex.ID, relay)
	w.is(err, store.ErrGone)
	v := w.step(w.CheckIn(w.ctx, sam.ID, w.at(sam, store.KindCheckIn)))
	if v.Step != store.StepPrompt || !v.Answer.Empty() || v.Readers[0].Level != "" {
		t.Errorf("%+v", v)
	}

	// What is answered now is not shared by what was chosen for the other words.
	w.hear(sam, "m3", "for me alone", "")
	w.deliver()
	w.step(w.Store.Skip(w.ctx, sam.ID, w.at(sam, store.KindPanel)))
	w.got(w.deliver(), alex, store.KindRelay, 0)
	w.step(w.Share(w.ctx, sam.ID, w.at(sam, store.KindPanel), pact, store.ShareWords))
	w.deliver()
	if m := w.last(alex, store.KindRelay); m.Want != store.Post || m.Relay.Read {
		t.Errorf("%+v", m)
	}
}

// Words that come to be asked about by an edit go from whoever had them, until it
// was chosen once more who sees them.
func TestEditedIntoAQuestion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.AskAbout = func(words string) bool { return strings.Contains(words, "hard") }
	withSam, withKit := w.link(alex, sam), w.link(alex, kit)
	w.end(alex, sam, kit)
	w.pass(24 * time.Hour)
	w.hear(alex, "m1", "fine", "")
	w.deliver()
	at := w.at(alex, store.KindPanel)
	w.step(w.Share(w.ctx, alex.ID, at, withSam, store.ShareWords))
	w.step(w.Share(w.ctx, alex.ID, at, withKit, store.ShareGist))
	w.deliver()
	relay := w.at(sam, store.KindRelay)
	second(w.Read(w.ctx, sam.ID, relay))

	w.ok(w.Edited(w.ctx, alex.ID, "m1", store.Secret("hard")))
	sent := w.deliver()
	if m := w.last(sam, store.KindRelay); m.Want != store.Delete {
		t.Errorf("the partner has %+v", m)
	}
	w.is(second(w.Relay(w.ctx, sam.ID, relay)), store.ErrGone)
	v := w.last(alex, store.KindPanel).CheckIn
	if got(sent, alex, store.KindPanel) != 1 || v.Step != store.StepShare || v.Readers[0].Level != "" || v.Readers[1].Level != store.ShareGist {
		t.Errorf("%+v", v)
	}
	if v := w.step(w.Share(w.ctx, alex.ID, at, withSam, store.ShareWords)); v.Step != store.StepDone {
		t.Errorf("%+v", v)
	}
	w.got(w.deliver(), sam, store.KindRelay, 1)
	w.ok(w.Edited(w.ctx, alex.ID, "m1", store.Secret("hard, still"))) // they were asked about this
	w.got(w.deliver(), sam, store.KindRelay, 0)
	if v := w.step(w.CheckIn(w.ctx, alex.ID, at)); v.Step != store.StepDone {
		t.Errorf("%+v", v)
	}

	// Words that nobody has are not asked about any more than before.
	w.step(w.TakeBack(w.ctx, alex.ID, at))
	w.ok(w.Edited(w.ctx, alex.ID, "m1", store.Secret("fine")))
	w.ok(w.Edited(w.ctx, alex.ID, "m1", store.Secret("hard")))
	if v := w.step(w.CheckIn(w.ctx, alex.ID, at)); v.Step != store.StepDone || v.Readers[0].Level != store.ShareKept {
		t.Errorf("%+v", v)
	}
}

func TestEditedOfferIntoAQuestion(t *testing.T) {
	t.Parallel()
	w, pact := linked(t)
	w.AskAbout = func(words string) bool { return strings.Contains(words, "hard") }
	w.hear(alex, "m1", "fine", "")
	w.deliver()
	at := w.at(alex, store.KindOffer)
	second(w.PassOn(w.ctx, alex.ID, at, pact))
	w.deliver()
	second(w.Read(w.ctx, sam.ID, w.at(sam, store.KindRelay)))
	w.ok(w.Edited(w.ctx, alex.ID, "m1", store.Secret("hard")))
	w.deliver()
	if m := w.last(sam, store.KindRelay); m.Want != store.Delete {
		t.Errorf("the partner has %+v", m)
	}
	if o := w.last(alex, store.KindOffer).Offer; o.Done || texts(o.Answer)[0] != "hard" {
		t.Errorf("%+v", o)
	}
	w.rows(1, "answers WHERE state = 'draft'")
	second(w.PassOn(w.ctx, alex.ID, at, pact))
	w.got(w.deliver(), sam, store.KindRelay, 1)
	if m := w.last(sam, store.KindRelay); m.Want != store.Post || m.Relay.Read {
		t.Errorf("%+v", m)
	}
}

func TestShareToSeveral(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	withSam, withKit := w.link(alex, sam), w.link(alex, kit)
	w.end(alex, sam, kit)
	w.pass(24 * time.Hour)
	at := w.at(alex, store.KindCheckIn)
	w.step(w.Write(w.ctx, alex.ID, at, store.Secret("hello")))
	if v := w.step(w.Share(w.ctx, alex.ID, at, withSam, store.ShareWords)); v.Step != store.StepShare {
		t.Errorf("%+v", v)
	}
	w.got(w.deliver(), sam, store.KindRelay, 1) // the other may never be chosen
	w.step(w.Share(w.ctx, alex.ID, at, withKit, store.ShareGist))
	sent := w.deliver()
	w.got(sent, sam, store.KindRelay, 0)
	w.got(sent, kit, store.KindRelay, 1)
	r, err := w.Read(w.ctx, kit.ID, w.at(kit, store.KindRelay))
	w.ok(err)
	if r.Level != store.ShareGist {
		t.Errorf("%+v", r)
	}
	// Only kit's end changes.
	w.step(w.Share(w.ctx, alex.ID, at, withKit, store.ShareKept))
	sent = w.deliver()
	if len(sent) != 1 || sent[0].To != kit.ID || sent[0].Want != store.Delete {
		t.Errorf("%v", sent)
	}
	v := w.step(w.TakeBack(w.ctx, alex.ID, at))
	if v.Answer.Shared || v.Answer.Empty() {
		t.Errorf("%+v", v)
	}
	if sent = w.deliver(); len(sent) != 1 || sent[0].To != sam.ID || sent[0].Want != store.Delete {
		t.Errorf("%v", sent)
	}
}

func TestChangeAfterSharing(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	at := w.answer(sam, "low", "long words", pact, store.ShareWords)
	w.deliver()
	relay := w.at(alex, store.KindRelay)
	w.step(w.Feel(w.ctx, sam.ID, at, "good"))
	if len(w.deliver()) != 0 {
		t.Error("an unread relay says nothing, so there is nothing to change")
	}
	r, err := w.Read(w.ctx, alex.ID, relay)
	w.ok(err)
	if r.Answer.Feeling != "good" {
		t.Errorf("%+v", r)
	}
	w.ok(w.SetParts(w.ctx, alex.ID, relay, 3))
	w.got(w.deliver(), alex, store.KindRelay, 2)
	w.step(w.Write(w.ctx, sam.ID, at, store.Secret("short")))
	w.got(w.deliver(), alex, store.KindRelay, 3) // each part is shown anew
	w.step(w.Share(w.ctx, sam.ID, at, pact, store.ShareGist))
	var kinds []store.Want
	for _, m := range w.deliver() {
		kinds = append(kinds, m.Want)
	}
	if !slices.Equal(kinds, []store.Want{store.Edit, store.Delete, store.Delete}) {
		t.Errorf("after a change to the gist: %v", kinds)
	}
	w.step(w.Go(w.ctx, sam.ID, at, store.StepFeeling))
	w.step(w.Write(w.ctx, sam.ID, at, store.Private{}))
	if v := w.step(w.CheckIn(w.ctx, sam.ID, at)); v.Step != store.StepDone || len(v.Answer.Words) != 0 {
		t.Errorf("%+v", v)
	}
}

// A form keeps its place among typed words when it is changed.
func TestFormKeepsItsPlace(t *testing.T) {
	t.Parallel()
	w, _ := asked(t)
	at := w.at(sam, store.KindCheckIn)
	w.step(w.Write(w.ctx, sam.ID, at, store.Secret("form")))
	w.clock.Advance(-time.Hour)
	w.hear(sam, "m", "typed", "")
	v := w.step(w.Write(w.ctx, sam.ID, at, store.Secret("FORM")))
	if !slices.Equal(texts(v.Answer), []string{"FORM", "typed"}) || v.Answer.Form.Reveal() != "FORM" {
		t.Errorf("%q", texts(v.Answer))
	}
}

// An edit that comes while the deletion has not gone out: the message that stands
// is shown anew, and none is left with the old words.
func TestShareAgainBeforeTheDeletionWentOut(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	at := w.answer(sam, "low", "too much", pact, store.ShareWords)
	w.deliver()
	relay := w.at(alex, store.KindRelay)
	second(w.Read(w.ctx, alex.ID, relay))
	w.step(w.TakeBack(w.ctx, sam.ID, at))
	w.step(w.Share(w.ctx, sam.ID, at, pact, store.ShareGist))
	sent := w.deliver()
	if len(sent) != 1 || sent[0].Want != store.Edit || sent[0].Relay.Read {
		t.Errorf("%+v", sent)
	}
	// And when it is in hand, a new one is posted, which Discord has not seen.
	nonce := w.last(alex, store.KindRelay).Nonce
	w.step(w.TakeBack(w.ctx, sam.ID, at))
	due, _ := w.ClaimDue(w.ctx, 10)
	w.step(w.Share(w.ctx, sam.ID, at, pact, store.ShareWords))
	w.ok(w.MarkSent(w.ctx, due[0], store.Sent{}))
	sent = w.deliver()
	if len(sent) != 1 || sent[0].Want != store.Post || sent[0].Nonce == nonce {
		t.Errorf("%+v", sent)
	}
	// And when it is out.
	nonce = sent[0].Nonce
	w.step(w.TakeBack(w.ctx, sam.ID, at))
	w.deliver()
	w.step(w.Share(w.ctx, sam.ID, at, pact, store.ShareWords))
	sent = w.deliver()
	if len(sent) != 1 || sent[0].Want != store.Post || sent[0].Nonce == nonce {
		t.Errorf("%+v", sent)
	}
}
