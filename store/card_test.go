package store_test

import (
	"testing"
	"time"

	"aftercare/store"
)

func cardOf(helps, worse string) store.Card {
	return store.Card{Helps: store.Secret(helps), Worse: store.Secret(worse)}
}

// keep keeps somebody's card.
func (w *world) keep(who store.Who, helps, worse string) {
	w.Helper()
	w.ok(w.SaveCard(w.ctx, who, cardOf(helps, worse), 0))
}

func TestCards(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	all := store.Card{Helps: store.Secret("a"), Worse: store.Secret("b"), Reach: store.Secret("c"), Comfort: store.Secret("d"), Avoid: store.Secret("drop")}
	w.is(w.SaveCard(w.ctx, sam, store.Card{}, 0), store.ErrNothing)
	w.ok(w.SaveCard(w.ctx, sam, all, 0))
	c, err := w.Card(w.ctx, sam.ID)
	w.ok(err)
	if c != all {
		t.Error("another card came back")
	}
	c, name, err := w.CardOf(w.ctx, alex.ID, sam.ID)
	w.ok(err)
	if c != all || name != sam.Name {
		t.Error("alex sees another card")
	}
	w.keep(sam, "e", "")
	if c, _ := w.Card(w.ctx, sam.ID); c != cardOf("e", "") {
		t.Error("it was not changed")
	}
	w.rows(1, "cards")
	w.ok(w.SaveCard(w.ctx, sam, store.Card{}, 0))
	w.rows(0, "cards")
	if c, err := w.Card(w.ctx, robin.ID); err != nil || !c.Empty() {
		t.Error(err)
	}
}

// A card needs a yes, and nobody is written to for it. It keeps its person.
func TestCardConsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.is(w.SaveCard(w.ctx, kit, cardOf("a", ""), 0), store.ErrNotAgreed)
	w.is(w.SaveCard(w.ctx, kit, store.Card{}, 1), store.ErrNothing)
	w.rows(0, "persons")
	w.ok(w.SaveCard(w.ctx, kit, cardOf("a", ""), 1))
	w.rows(1, "persons")
	w.rows(0, "deliveries")
	w.clock.Advance(100 * 24 * time.Hour)
	w.ok(second(w.Forget(w.ctx)))
	w.rows(1, "persons")
	w.ok(w.SaveCard(w.ctx, kit, store.Card{}, 0))
	w.ok(second(w.Forget(w.ctx)))
	w.rows(0, "persons")
}

// From outside no card, never linked, paused and left are one answer.
func TestCardFromOutside(t *testing.T) {
	t.Parallel()
	w, pact := linked(t)
	none := func(who, of store.Who) {
		t.Helper()
		c, name, err := w.CardOf(w.ctx, who.ID, of.ID)
		if err != store.ErrNothing || !c.Empty() || !name.IsZero() {
			t.Errorf("%v", err)
		}
	}
	none(alex, sam)
	w.keep(sam, "a", "b")
	none(robin, sam)
	none(alex, kit)
	w.ok(w.Pause(w.ctx, sam.ID))
	none(alex, sam)
	w.ok(w.Resume(w.ctx, sam.ID))
	w.ok(w.Leave(w.ctx, alex.ID, pact))
	none(alex, sam)
	none(sam, alex)
	if c, _, err := w.CardOf(w.ctx, sam.ID, sam.ID); err != nil || c.Empty() {
		t.Error("one's own is gone")
	}
}

// A card goes with a low that is shared in words, and where its writer asked for
// what is on it; never with another gist.
func TestCardGoesWithAnAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		feeling store.Feeling
		need    store.Need
		level   store.Level
		goes    bool
	}{
		{"low", "call", store.ShareWords, true},
		{"numb", "", store.ShareWords, true},
		{"low", "call", store.ShareGist, false},
		{"low", "", store.ShareGist, false},
		{"low", store.NeedCard, store.ShareGist, true},
		{"good", store.NeedCard, store.ShareGist, true},
		{"good", store.NeedCard, store.ShareWords, true},
		{"good", "call", store.ShareWords, false},
		{"flat", "call", store.ShareWords, false},
		{"mixed", "", store.ShareWords, false},
	} {
		w, pact := asked(t)
		w.keep(sam, "a", "b")
		at := w.at(sam, store.KindCheckIn)
		w.step(w.Feel(w.ctx, sam.ID, at, c.feeling))
		if c.need != "" {
			w.step(w.Need(w.ctx, sam.ID, at, c.need))
		}
		v := w.step(w.Share(w.ctx, sam.ID, at, pact, c.level))
		if v.Card != cardOf("a", "b") || c.level == store.ShareWords && v.WithCard != c.goes {
			t.Errorf("%v: sam is told %v", c, v.WithCard)
		}
		w.deliver()
		r, err := w.Read(w.ctx, alex.ID, w.at(alex, store.KindRelay))
		w.ok(err)
		if r.Card.Empty() == c.goes {
			t.Errorf("%v: %v", c, !r.Card.Empty())
		}
	}
}

// What was read is shown with the card as it is now, but not to who has left.
func TestCardChangesReachWhatWasRead(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	at := w.at(sam, store.KindCheckIn)
	w.is(second(w.Need(w.ctx, sam.ID, at, store.NeedCard)), store.ErrGone)
	w.keep(sam, "", "b")
	w.is(second(w.Need(w.ctx, sam.ID, at, store.NeedCard)), store.ErrGone)
	w.keep(sam, "a", "b")
	w.step(w.Feel(w.ctx, sam.ID, at, "good"))
	w.step(w.Need(w.ctx, sam.ID, at, store.NeedCard))
	w.step(w.Share(w.ctx, sam.ID, at, pact, store.ShareGist))
	w.deliver()
	w.keep(sam, "c", "b")
	if sent := w.deliver(); len(sent) != 0 {
		t.Errorf("unread, and shown anew: %v", sent)
	}
	relay := w.at(alex, store.KindRelay)
	second(w.Read(w.ctx, alex.ID, relay))
	w.keep(sam, "d", "b")
	sent := w.deliver()
	if len(sent) != 1 || sent[0].Want != store.Edit || sent[0].Relay.Card != cardOf("d", "b") {
		t.Errorf("%+v", sent)
	}
	w.ok(w.SaveCard(w.ctx, sam, store.Card{}, 0))
	sent = w.deliver()
	if len(sent) != 1 || !sent[0].Relay.Card.Empty() || sent[0].Relay.Answer.Need != "" || !sent[0].Relay.Answer.CardGone {
		t.Errorf("%+v", sent)
	}
	w.keep(sam, "e", "")
	w.deliver()
	w.ok(w.Leave(w.ctx, alex.ID, pact))
	w.deliver()
	w.keep(sam, "f", "")
	if sent := w.deliver(); len(sent) != 0 {
		t.Errorf("alex has left, and hears of it: %v", sent)
	}
	if r, err := w.Relay(w.ctx, alex.ID, relay); err != nil || !r.Card.Empty() {
		t.Error("alex has left, and sees the card", err)
	}
}

// Whose previews need not be neutral has the card in their DM at once.
func TestCardGoesWithAPlainPreview(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	second(w.ChangeSettings(w.ctx, alex.ID, func(s *store.Settings) { s.Plain = true }))
	w.keep(sam, "a", "b")
	w.answer(sam, "low", "x", pact, store.ShareWords)
	w.deliver()
	if r := w.last(alex, store.KindRelay).Relay; !r.Read || r.Card != cardOf("a", "b") {
		t.Errorf("%+v", r)
	}
}

// A question that speaks of somebody's card shows it as it is: one that was emptied
// goes out of it.
func TestCardEmptiedAtTheQuestion(t *testing.T) {
	t.Parallel()
	w, _ := asked(t)
	w.ok(w.SaveCard(w.ctx, sam, cardOf("a", ""), 0))
	w.got(w.deliver(), sam, store.KindCheckIn, 0) // not at the question yet
	at := w.at(sam, store.KindCheckIn)
	w.step(w.Open(w.ctx, sam.ID, at))
	w.step(w.Feel(w.ctx, sam.ID, at, "low"))
	w.ok(w.SaveCard(w.ctx, sam, store.Card{}, 0))
	sent := w.deliver()
	if len(sent) != 1 || sent[0].To != sam.ID || sent[0].Want != store.Edit || !sent[0].CheckIn.Card.Empty() || sent[0].CheckIn.Step != store.StepNeed {
		t.Errorf("%+v", sent)
	}
}
