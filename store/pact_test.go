package store_test

import (
	"strings"
	"testing"
	"time"

	"aftercare/store"
)

func TestNothingIsStoredBeforeYes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, hello, err := w.Invite(w.ctx, alex, 3)
	w.ok(err)
	if hello == 0 {
		t.Error("the inviter is owed no first line")
	}
	if _, err := w.Invitation(w.ctx, sam.ID, code); err != nil {
		t.Fatal(err)
	}
	w.rows(1, "persons")
	if ok, err := w.Agreed(w.ctx, sam.ID); ok || err != nil {
		t.Errorf("agreed before yes: %v, %v", ok, err)
	}
	if err := w.Hear(w.ctx, store.Typed{By: sam, Message: "m", Text: store.Secret("hello")}); err != store.ErrNotAgreed {
		t.Errorf("heard somebody who is no person: %v", err)
	}
	w.rows(1, "persons")
	inv, _ := w.Invitation(w.ctx, sam.ID, code)
	l, err := w.Accept(w.ctx, sam, inv.ID, 3)
	w.ok(err)
	if l.With != alex.Name || l.Line == 0 {
		t.Errorf("linked with %q, line %d", l.With.Reveal(), l.Line)
	}
	w.rows(2, "persons WHERE consent_version = 3 AND consent_at = $1", w.clock.Now().UnixMilli())
	w.rows(2, "sides WHERE consent_version = 3 AND consent_at > 0")
	sent := w.deliver()
	w.got(sent, alex, store.KindHello, 1)
	w.got(sent, alex, store.KindLinked, 1)
	w.got(sent, sam, store.KindLinked, 1)
	if _, hello, _ := w.Invite(w.ctx, alex, 3); hello != 0 {
		t.Error("a second first line is owed")
	}
	if id, err := w.FirstLine(w.ctx, alex.ID); id != 0 || err != nil {
		t.Errorf("first line %d, %v", id, err)
	}
}

func TestCodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, _, err := w.Invite(w.ctx, alex, 1)
	w.ok(err)
	for _, typed := range []string{
		code, strings.ToLower(code), strings.ReplaceAll(code, "-", ""), "  `" + code + "` ", strings.ReplaceAll(code, "-", "\u2013"),
		strings.NewReplacer("0", "o", "1", "l").Replace(code), code[:3] + "\n" + code[3:],
	} {
		if _, err := w.Invitation(w.ctx, sam.ID, typed); err != nil {
			t.Errorf("%q: %v", typed, err)
		}
	}
	for _, typed := range []string{"", "-", "XXXXX-XXXXX", code[:10], code + "A"} {
		_, err := w.Invitation(w.ctx, sam.ID, typed)
		w.is(err, store.ErrCode)
	}
	_, err = w.Invitation(w.ctx, alex.ID, code)
	w.is(err, store.ErrCode) // one's own

	inv, err := w.Invitation(w.ctx, sam.ID, code)
	w.ok(err)
	_, err = w.Accept(w.ctx, alex, inv.ID, 1)
	w.is(err, store.ErrCode)
	_, err = w.Accept(w.ctx, sam, inv.ID, 1)
	w.ok(err)
	_, err = w.Accept(w.ctx, kit, inv.ID, 1) // single use
	w.is(err, store.ErrCode)
	_, err = w.Invitation(w.ctx, kit.ID, code)
	w.is(err, store.ErrCode)
	w.rows(2, "persons")
}

func TestCodeExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, _, err := w.Invite(w.ctx, alex, 1)
	w.ok(err)
	w.clock.Advance(24*time.Hour - time.Millisecond)
	inv, err := w.Invitation(w.ctx, sam.ID, code)
	w.ok(err)
	w.clock.Advance(time.Millisecond)
	_, err = w.Invitation(w.ctx, sam.ID, code)
	w.is(err, store.ErrCode)
	_, err = w.Accept(w.ctx, sam, inv.ID, 1)
	w.is(err, store.ErrCode)
	w.is(w.Refuse(w.ctx, sam.ID, inv.ID), store.ErrCode)
	w.rows(1, "persons")
	_, err = w.Forget(w.ctx)
	w.ok(err)
	w.rows(0, "invites")
}

func TestRefusedPair(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, _, _ := w.Invite(w.ctx, alex, 1)
	inv, err := w.Invitation(w.ctx, sam.ID, code)
	w.ok(err)
	w.ok(w.Refuse(w.ctx, sam.ID, inv.ID))
	w.ok(w.Refuse(w.ctx, sam.ID, inv.ID))
	again, _, _ := w.Invite(w.ctx, alex, 1)
	for _, c := range []string{code, again} {
		_, err := w.Invitation(w.ctx, sam.ID, c)
		w.is(err, store.ErrCode)
	}
	_, err = w.Accept(w.ctx, sam, inv.ID, 1)
	w.is(err, store.ErrCode)
	w.rows(1, "persons") // nothing of who refused but a hash
	if _, err := w.Invitation(w.ctx, kit.ID, again); err != nil {
		t.Errorf("somebody else is refused too: %v", err)
	}
	back, _, _ := w.Invite(w.ctx, sam, 1) // the other way is another pair
	if _, err := w.Invitation(w.ctx, alex.ID, back); err != nil {
		t.Error(err)
	}
}

func TestInvitesDontPileUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var codes []string
	for range 50 {
		code, _, err := w.Invite(w.ctx, alex, 1)
		w.ok(err)
		codes = append(codes, code)
	}
	w.rows(5, "invites")
	w.rows(1, "deliveries")
	if _, err := w.Invitation(w.ctx, sam.ID, codes[49]); err != nil {
		t.Error(err)
	}
	_, err := w.Invitation(w.ctx, sam.ID, codes[44])
	w.is(err, store.ErrCode)
}

func TestPactsAreNotTransitive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.link(alex, sam)
	w.link(sam, kit)
	_, err := w.PactWith(w.ctx, alex.ID, kit.ID)
	w.is(err, store.ErrNotLinked)
	pacts, err := w.Pacts(w.ctx, alex.ID)
	w.ok(err)
	if len(pacts) != 1 || pacts[0].Partner != sam.Name || !pacts[0].Since.Equal(w.clock.Now()) {
		t.Errorf("%+v", pacts)
	}
	if pacts, err := w.Pacts(w.ctx, robin.ID); len(pacts) != 0 || err != nil {
		t.Errorf("a stranger has pacts: %v, %v", pacts, err)
	}
	_, err = w.EndScene(w.ctx, w.ended(alex, kit))
	w.is(err, store.ErrNotLinked)
}

func TestRelinkAfterLeaving(t *testing.T) {
	t.Parallel()
	w, pact := linked(t)
	w.ok(w.Leave(w.ctx, alex.ID, pact))
	w.is(w.Leave(w.ctx, alex.ID, pact), store.ErrGone)
	_, err := w.EndScene(w.ctx, w.ended(sam, alex))
	w.is(err, store.ErrNotLinked)
	if pacts, _ := w.Pacts(w.ctx, sam.ID); len(pacts) != 1 {
		t.Error("who stays can tell that the other left")
	}
	again := w.link(sam, alex)
	if again != pact {
		t.Errorf("pact %d, want %d as sam knows it", again, pact)
	}
	sent := w.deliver()
	w.got(sent, alex, store.KindLinked, 1)
	w.got(sent, sam, store.KindLinked, 1)
	w.end(sam, alex)
	w.ok(w.Leave(w.ctx, alex.ID, again))
	w.ok(w.Leave(w.ctx, sam.ID, again)) // when the partner has left before
	w.rows(0, "pacts")
	w.rows(0, "sides")
	w.is(w.Leave(w.ctx, robin.ID, again), store.ErrGone)
}

func TestNewNameReachesPartners(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.ok(w.Pause(w.ctx, sam.ID))
	renamed := alex
	renamed.Name = store.Secret("lex")
	_, err := w.Here(w.ctx, renamed)
	w.ok(err)
	if pacts, _ := w.Pacts(w.ctx, sam.ID); pacts[0].Partner != renamed.Name {
		t.Errorf("sam knows alex as %q", pacts[0].Partner.Reveal())
	}
	pact, _ := w.PactWith(w.ctx, alex.ID, sam.ID)
	w.ok(w.Leave(w.ctx, alex.ID, pact))
	_, err = w.Here(w.ctx, alex)
	w.ok(err)
	if pacts, _ := w.Pacts(w.ctx, sam.ID); pacts[0].Partner != renamed.Name {
		t.Error("a name went to somebody who was left")
	}
}

func TestTicket(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.Ticket(alex.ID, 7)
	if a != w.Ticket(alex.ID, 7) || a == w.Ticket(sam.ID, 7) || a == w.Ticket(alex.ID, 8) || len(a) != 13 {
		t.Error("a ticket is not its owner's")
	}
}

// Leaving in the middle: all of the leaver's words are gone from the tables and
// from the other's DM, and the other's own side is as it was.
func TestLeaveInTheMiddle(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	atSam := w.answer(sam, "good", "words of sam", pact, store.ShareWords)
	w.answer(alex, "low", "words of alex", pact, store.ShareWords)
	w.deliver()
	fromAlex := w.at(sam, store.KindRelay)
	if _, err := w.Read(w.ctx, sam.ID, fromAlex); err != nil {
		t.Fatal(err)
	}
	if _, err := w.SendBack(w.ctx, alex.ID, w.at(alex, store.KindRelay), store.Secret("more of alex"), "r"); err != nil {
		t.Fatal(err)
	}
	w.deliver()
	w.hear(alex, "typed", "an offer of alex", "")
	w.deliver()
	before := w.step(w.CheckIn(w.ctx, sam.ID, atSam))
	upcoming, _ := w.Upcoming(w.ctx, sam.ID)

	w.ok(w.Leave(w.ctx, alex.ID, pact))
	sent := w.deliver()

	after := w.step(w.CheckIn(w.ctx, sam.ID, atSam))
	if len(after.Readers) != 1 || after.Readers[0] != before.Readers[0] || after.Step != before.Step || !after.Answer.Shared {
		t.Errorf("sam's check-in changed: %+v", after)
	}
	if now, _ := w.Upcoming(w.ctx, sam.ID); len(now) != len(upcoming) || now[0].Partners[0] != alex.Name {
		t.Errorf("sam's upcoming changed: %v", now)
	}
	for _, m := range sent {
		if m.To == sam.ID && m.Want != store.Delete {
			t.Errorf("sam was sent a %s to %s", m.Kind, m.Want)
		}
	}
	if n := got(sent, sam, store.KindRelay); n != 2 {
		t.Errorf("%d relays were taken out of sam's DM, want 2", n)
	}
	_, err := w.Relay(w.ctx, sam.ID, fromAlex)
	w.is(err, store.ErrGone)
	_, err = w.Touch(w.ctx, sam.ID, fromAlex)
	w.is(err, store.ErrGone)
	alexID := personID(w, alex)
	w.rows(0, `words w JOIN answers a ON a.id = w.answer WHERE a.writer = $1 AND a.kind <> 'word'`, alexID)
	w.rows(0, `answers WHERE writer = $1 AND state = 'shared'`, alexID)
	w.rows(0, `checkins WHERE person = $1 AND state <> 'cancelled'`, alexID)

	// And what sam does now is as ever, and reaches nobody.
	w.step(w.Feel(w.ctx, sam.ID, atSam, "low"))
	w.step(w.TakeBack(w.ctx, sam.ID, atSam))
	if v := w.step(w.Share(w.ctx, sam.ID, atSam, pact, store.ShareWords)); !v.Answer.Shared || v.Step != store.StepDone {
		t.Errorf("sam can tell: %+v", v)
	}
	w.got(w.pass(24*time.Hour), alex, store.KindRelay, 0)
}

// A scene that ended otherwise before leaves no words behind either.
func TestLeaveForgetsCancelledDrafts(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	at := w.at(sam, store.KindCheckIn)
	w.step(w.Write(w.ctx, sam.ID, at, store.Secret("a draft")))
	w.ok(w.UndoScene(w.ctx, alex.ID, 0))
	w.rows(1, "words") // what sam has begun is sam's
	w.ok(w.Leave(w.ctx, sam.ID, pact))
	w.rows(0, "words")
}

func TestLeaveOneOfSeveral(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	withSam, withKit := w.link(alex, sam), w.link(alex, kit)
	w.end(alex, sam, kit)
	w.pass(24 * time.Hour)
	at := w.at(alex, store.KindCheckIn)
	w.step(w.Write(w.ctx, alex.ID, at, store.Secret("for both")))
	w.step(w.Share(w.ctx, alex.ID, at, withSam, store.ShareWords))
	w.step(w.Share(w.ctx, alex.ID, at, withKit, store.ShareWords))
	w.hear(alex, "m", "an offer", "")
	w.deliver()
	offer := w.at(alex, store.KindOffer)
	for _, p := range []int64{withSam, withKit} {
		if _, err := w.PassOn(w.ctx, alex.ID, offer, p); err != nil {
			t.Fatal(err)
		}
	}
	w.got(w.deliver(), kit, store.KindRelay, 1)
	w.ok(w.Leave(w.ctx, alex.ID, withSam))
	w.deliver()
	w.rows(2, "words") // kit was given them too
	if v := w.step(w.CheckIn(w.ctx, alex.ID, at)); len(v.Readers) != 1 || v.Readers[0].Level != store.ShareWords {
		t.Errorf("%+v", v.Readers)
	}
	for _, m := range w.inbox {
		if m.Kind != store.KindRelay || m.Want != store.Post {
			continue
		}
		_, err := w.Read(w.ctx, m.To, m.As.ID)
		if m.To == sam.ID {
			w.is(err, store.ErrGone)
		} else {
			w.ok(err)
		}
	}
	w.ok(w.Leave(w.ctx, alex.ID, withKit))
	w.rows(0, "words")
	w.rows(0, "answers WHERE state = 'shared'")
}

func personID(w *world, who store.Who) (id int64) {
	w.Helper()
	for _, m := range w.inbox {
		if m.To == who.ID {
			return m.As.Recipient
		}
	}
	w.Fatal("they were never written to")
	return 0
}

func (w *world) waiting(who store.Who) (id int64) {
	w.Helper()
	w.ok(store.DB(w.Store).QueryRow(`SELECT id FROM deliveries WHERE recipient = $1 AND waiting = 1`, personID(w, who)).Scan(&id))
	return id
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.end(alex, sam)
	w.deliver()
	w.ok(w.Pause(w.ctx, sam.ID))
	w.ok(w.Pause(w.ctx, sam.ID))
	_, err := w.EndScene(w.ctx, w.ended(alex, sam))
	w.is(err, store.ErrNotLinked)
	sent := w.pass(24 * time.Hour)
	w.got(sent, sam, store.KindCheckIn, 0)
	w.got(sent, alex, store.KindCheckIn, 1)
	w.clock.Advance(time.Hour)
	w.ok(w.Resume(w.ctx, sam.ID))
	sent = w.deliver()
	w.got(sent, sam, store.KindCheckIn, 1)
	if sent[0].CheckIn.Late {
		t.Error("it waited for them, and is called late")
	}
	w.ok(w.Resume(w.ctx, sam.ID))
	w.is(w.Pause(w.ctx, robin.ID), store.ErrNotAgreed)
	w.is(w.Resume(w.ctx, robin.ID), store.ErrNotAgreed)
}

func TestPausedTooLong(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.end(alex, sam)
	w.deliver()
	w.ok(w.Pause(w.ctx, sam.ID))
	w.pass(24 * time.Hour)
	w.pass(24 * time.Hour)
	w.clock.Advance(11 * time.Hour)
	w.ok(w.Resume(w.ctx, sam.ID))
	sent := w.deliver()
	w.got(sent, sam, store.KindCheckIn, 1) // the first is folded into the second
	if sent[0].CheckIn.Mark != 48*time.Hour || !sent[0].CheckIn.Last {
		t.Errorf("%+v", sent[0].CheckIn)
	}
	w.rows(1, "checkins WHERE state = 'folded'")
}

// Whoever pauses between claim and send gets it after the pause, in whatever
// order the four happen.
func TestPauseBetweenClaimAndSend(t *testing.T) {
	t.Parallel()
	for _, resumedBeforeDrop := range []bool{true, false} {
		w, _ := linked(t)
		w.end(alex, sam)
		w.deliver()
		w.ok(w.Pause(w.ctx, alex.ID))
		w.clock.Advance(24 * time.Hour)
		due, err := w.ClaimDue(w.ctx, 10)
		w.ok(err)
		if len(due) != 1 {
			t.Fatalf("%d claimed", len(due))
		}
		w.ok(w.Pause(w.ctx, sam.ID))
		_, err = w.Content(w.ctx, due[0])
		w.is(err, store.ErrGone)
		if resumedBeforeDrop {
			w.ok(w.Resume(w.ctx, sam.ID))
		}
		w.ok(w.Drop(w.ctx, due[0]))
		if !resumedBeforeDrop {
			w.got(w.deliver(), sam, store.KindCheckIn, 0)
			w.ok(w.Resume(w.ctx, sam.ID))
		}
		w.got(w.deliver(), sam, store.KindCheckIn, 1)
	}
}

func TestRefusedThenHere(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.end(alex, sam)
	w.deliver()
	w.clock.Advance(24 * time.Hour)
	due, _ := w.ClaimDue(w.ctx, 10)
	for _, d := range due {
		w.ok(w.MarkRefused(w.ctx, d))
	}
	if len(w.pass(time.Hour)) != 0 {
		t.Error("what was refused is tried again by itself")
	}
	w.got(w.deliver(), sam, store.KindCheckIn, 0)
	waiting, err := w.Here(w.ctx, sam)
	w.ok(err)
	if waiting != w.waiting(sam) || waiting == 0 {
		t.Errorf("waiting: %d", waiting)
	}
	w.ok(w.Retry(w.ctx, sam.ID))
	sent := w.deliver()
	w.got(sent, sam, store.KindCheckIn, 1)
	w.got(sent, alex, store.KindCheckIn, 0)
	for _, who := range []store.Who{sam, robin} {
		if waiting, err := w.Here(w.ctx, who); waiting != 0 || err != nil {
			t.Errorf("waiting: %d, %v", waiting, err)
		}
	}
	w.is(w.Retry(w.ctx, robin.ID), store.ErrNotAgreed)
	w.ok(w.Pause(w.ctx, alex.ID)) // refused and paused
	if waiting, _ := w.Here(w.ctx, alex); waiting != 0 {
		t.Error("whoever pauses is not to be tried")
	}
	w.ok(w.Retry(w.ctx, alex.ID))
	w.got(w.deliver(), alex, store.KindCheckIn, 0)
	w.ok(w.Resume(w.ctx, alex.ID))
	w.got(w.deliver(), alex, store.KindCheckIn, 1)
}

// A message that arrives shows that DMs are open again.
func TestRefusedThenReached(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.end(alex, sam)
	w.deliver()
	w.clock.Advance(24 * time.Hour)
	due, _ := w.ClaimDue(w.ctx, 10)
	for _, d := range due {
		w.ok(w.MarkRefused(w.ctx, d))
	}
	w.hear(sam, "m", "anybody there", "")
	sent := w.deliver()
	w.got(sent, sam, store.KindOffer, 1)
	w.got(sent, sam, store.KindCheckIn, 1)
	if waiting, _ := w.Here(w.ctx, sam); waiting != 0 {
		t.Error("told to open what is open")
	}
}
