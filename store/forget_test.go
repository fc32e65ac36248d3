package store_test

import (
	"testing"
	"time"

	"aftercare/store"
)

// forgets runs the sweeps at the last moment before and at the moment itself.
func (w *world) forgets(at time.Time, from string) {
	w.Helper()
	before := w.count(from)
	w.clock.Advance(at.Sub(w.clock.Now()) - time.Millisecond)
	w.ok(second(w.Forget(w.ctx)))
	if before == 0 || w.count(from) != before {
		w.Errorf("%s: forgotten too soon", from)
	}
	w.clock.Advance(time.Millisecond)
	w.ok(second(w.Forget(w.ctx)))
	w.rows(0, from)
}

func TestForgetCodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, _, err := w.Invite(w.ctx, alex, 1)
	w.ok(err)
	w.forgets(w.clock.Now().Add(24*time.Hour), "invites")
}

func TestForgetReadWords(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	w.answer(sam, "low", "x", pact, store.ShareWords)
	w.deliver()
	w.clock.Advance(time.Hour)
	w.ok(second(w.Read(w.ctx, alex.ID, w.at(alex, store.KindRelay))))
	w.forgets(w.clock.Now().Add(24*time.Hour), "words WHERE text IS NOT NULL")
	w.rows(1, "answers WHERE body IS NOT NULL")

	// The reader's copy stays as they read it, and the writer can still take it back.
	r, err := w.Touch(w.ctx, alex.ID, w.at(alex, store.KindRelay))
	w.ok(err)
	if !r.Answer.Forgotten || r.Answer.Empty() {
		t.Errorf("%+v", r)
	}
}

// Words to two are kept until both have read them; one from whom they were kept,
// or who is gone, does not count.
func TestForgetWordsReadByAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	withSam, withKit, withRobin := w.link(alex, sam), w.link(alex, kit), w.link(alex, robin)
	w.end(alex, sam, kit, robin)
	w.pass(24 * time.Hour)
	at := w.at(alex, store.KindCheckIn)
	w.step(w.Write(w.ctx, alex.ID, at, store.Secret("x")))
	w.step(w.Share(w.ctx, alex.ID, at, withSam, store.ShareWords))
	w.step(w.Share(w.ctx, alex.ID, at, withKit, store.ShareWords))
	w.step(w.Share(w.ctx, alex.ID, at, withRobin, store.ShareKept))
	w.deliver()
	w.ok(second(w.Read(w.ctx, sam.ID, w.at(sam, store.KindRelay))))
	w.clock.Advance(30 * time.Hour)
	w.ok(second(w.Forget(w.ctx)))
	w.rows(1, "words WHERE text IS NOT NULL")
	w.ok(second(w.Read(w.ctx, kit.ID, w.at(kit, store.KindRelay))))
	w.forgets(w.clock.Now().Add(24*time.Hour), "words WHERE text IS NOT NULL")
}

func TestForgetAnswers(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	at := w.answer(sam, "low", "x", pact, store.ShareWords)
	w.deliver()
	relay := w.at(alex, store.KindRelay)
	w.forgets(w.clock.Now().Add(7*24*time.Hour), "words")
	w.rows(0, "answers WHERE body IS NOT NULL")
	w.got(w.deliver(), alex, store.KindRelay, 1) // the unread line goes out of their DM
	w.ok(second(w.Forget(w.ctx)))
	w.rows(0, "answers")
	w.rows(0, "shares")
	w.rows(0, "deliveries WHERE kind = 'relay'")
	w.is(second(w.Read(w.ctx, alex.ID, relay)), store.ErrGone)
	// The check-in is still there, and what is done with it is done without it.
	for _, v := range []store.CheckIn{
		w.step(w.CheckIn(w.ctx, sam.ID, at)), w.step(w.TakeBack(w.ctx, sam.ID, at)),
		w.step(w.Go(w.ctx, sam.ID, at, store.StepShare)), w.step(w.Share(w.ctx, sam.ID, at, pact, store.ShareWords)),
	} {
		if !v.Answer.Empty() {
			t.Errorf("%+v", v)
		}
	}
	w.got(w.deliver(), alex, store.KindRelay, 0)
}

func TestForgetTakenBack(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	w.answer(sam, "low", "x", pact, store.ShareWords)
	w.deliver()
	w.ok(second(w.Touch(w.ctx, alex.ID, w.at(alex, store.KindRelay))))
	w.deliver()
	w.clock.Advance(time.Minute)
	w.ok(second(w.TakeBackBack(w.ctx, alex.ID, w.at(alex, store.KindRelay))))
	w.clock.Advance(2 * time.Hour)
	w.ok(second(w.Forget(w.ctx)))
	w.rows(1, "answers WHERE state = 'gone'") // its message still stands
	w.deliver()
	w.ok(second(w.Forget(w.ctx)))
	w.rows(0, "answers WHERE state = 'gone'")
}

func TestForgetTakenBackWaitsAnHour(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.hear(alex, "m", "x", "")
	w.deliver()
	w.ok(w.ForgetOffer(w.ctx, alex.ID, w.at(alex, store.KindOffer)))
	w.forgets(w.clock.Now().Add(time.Hour), "answers")
}

func TestForgetScenes(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	w.answer(sam, "low", "x", pact, store.ShareWords)
	end := w.clock.Now().Add(-24 * time.Hour)
	w.pass(24 * time.Hour)
	at := w.at(sam, store.KindCheckIn)
	w.forgets(end.Add(48*time.Hour+7*24*time.Hour), "scenes")
	for _, table := range []string{"participants", "checkins", "answers", "words", "shares", "deliveries WHERE kind IN ('checkin', 'notice', 'relay', 'panel')"} {
		w.rows(0, table)
	}
	w.is(second(w.CheckIn(w.ctx, sam.ID, at)), store.ErrGone)
	w.rows(1, "pacts")
	w.rows(2, "persons")
}

func TestForgetLines(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.forgets(w.clock.Now().Add(7*24*time.Hour), "deliveries WHERE kind <> 'stray'")
	if sent := w.deliver(); len(sent) != 3 || sent[0].Want != store.Delete {
		t.Errorf("the lines stay in their DMs: %+v", sent)
	}
	w.ok(second(w.Forget(w.ctx)))
	w.rows(0, "deliveries")
	w.rows(2, "sides")
	w.end(alex, sam) // what is to come stays
	w.clock.Advance(time.Hour)
	w.ok(second(w.Forget(w.ctx)))
	w.rows(4, "deliveries WHERE kind = 'checkin'")
}

// A line that never came goes as well.
func TestForgetDroppedLines(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, _, err := w.Invite(w.ctx, alex, 1)
	w.ok(err)
	due, err := w.ClaimDue(w.ctx, 10)
	w.ok(err)
	for _, d := range due {
		w.ok(w.Drop(w.ctx, d))
	}
	w.rows(1, "deliveries WHERE kind = 'hello'")
	w.forgets(w.clock.Now().Add(7*24*time.Hour), "deliveries")
}

// More than one transaction's worth goes in one call.
func TestForgetMany(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	_, err := store.DB(w.Store).Exec(`
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1234)
		INSERT INTO scenes (id, ended_at, size, forget_at) SELECT i, 0, 'usual', 1 FROM n
	`)
	w.ok(err)
	if n, err := w.Forget(w.ctx); n != 1234 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// Somebody of whom nothing is left is forgotten with their key, 30 days after they
// agreed; somebody whose partner keeps their end of a pact is not.
func TestForgetPeople(t *testing.T) {
	t.Parallel()
	w, pact := linked(t)
	_, _, err := w.Invite(w.ctx, robin, 1)
	w.ok(err)
	w.clock.Advance(30 * 24 * time.Hour)
	w.ok(second(w.Forget(w.ctx)))
	w.rows(2, "persons")
	w.deliver() // the first lines go out of their DMs
	w.ok(w.Leave(w.ctx, alex.ID, pact))
	w.ok(second(w.Forget(w.ctx)))
	w.rows(2, "persons")
	w.ok(w.Leave(w.ctx, sam.ID, pact))
	w.ok(second(w.Forget(w.ctx)))
	w.rows(0, "persons")
	w.restart() // which would sweep keys that were left
	_, _, err = w.Invite(w.ctx, sam, 1)
	w.ok(err)
}
