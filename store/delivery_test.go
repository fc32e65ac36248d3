package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"aftercare/store"
)

// claimed is a world in which sam's check-in, and only that, is in hand.
func claimed(t *testing.T) (*world, store.Delivery) {
	t.Helper()
	w, _ := linked(t)
	e := w.ended(sam)
	e.Alone = true
	if _, err := w.EndScene(w.ctx, e); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(24 * time.Hour)
	due, err := w.ClaimDue(w.ctx, 10)
	w.ok(err)
	if len(due) != 1 {
		t.Fatalf("%d claimed", len(due))
	}
	return w, due[0]
}

func TestClaimOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.link(alex, sam) // each is owed a line, alex two
	w.link(kit, robin)
	first, err := w.ClaimDue(w.ctx, 10)
	w.ok(err)
	people := map[int64]bool{}
	for i, d := range first {
		if people[d.Recipient] {
			t.Error("two in hand of one person")
		}
		people[d.Recipient] = true
		if i > 0 && d.ID < first[i-1].ID {
			t.Error("out of order")
		}
	}
	if len(first) != 4 || first[0].Kind != store.KindHello {
		t.Errorf("%+v", first)
	}
	if more, _ := w.ClaimDue(w.ctx, 10); len(more) != 0 {
		t.Errorf("%d more of people who have one in hand", len(more))
	}
	w.ok(w.MarkSent(w.ctx, first[0], store.Sent{Message: store.Secret("m")}))
	next, _ := w.ClaimDue(w.ctx, 10)
	if len(next) != 1 || next[0].Recipient != first[0].Recipient || next[0].Kind != store.KindLinked {
		t.Errorf("%+v", next)
	}
}

func TestSoonestFirst(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	w.link(kit, robin)
	w.deliver()
	w.end(kit, robin)
	w.clock.Advance(time.Minute)
	w.end(alex, sam)
	w.clock.Advance(25 * time.Hour)
	one, err := w.ClaimDue(w.ctx, 1) // sam's notice and robin's came first
	w.ok(err)
	if len(one) != 1 || one[0].Kind != store.KindNotice {
		t.Errorf("%+v", one)
	}
}

func TestLeaseRunsOut(t *testing.T) {
	t.Parallel()
	w, d := claimed(t)
	next, ok, err := w.NextDue(w.ctx)
	w.ok(err)
	if want := w.clock.Now().Add(store.Lease); !ok || !next.Equal(want) {
		t.Errorf("next at %v, want %v", next, want)
	}
	w.clock.Advance(store.Lease - time.Millisecond)
	if due, _ := w.ClaimDue(w.ctx, 10); len(due) != 0 {
		t.Error("claimed out of somebody's hand")
	}
	w.clock.Advance(time.Millisecond)
	due, _ := w.ClaimDue(w.ctx, 10)
	if len(due) != 1 || due[0].ID != d.ID {
		t.Fatalf("%+v", due)
	}
	// What the first claim says now is nothing.
	w.ok(w.MarkSent(w.ctx, d, store.Sent{Message: store.Secret("stale")}))
	w.ok(w.Drop(w.ctx, d))
	w.ok(w.Postpone(w.ctx, d, w.clock.Now()))
	w.ok(w.MarkRefused(w.ctx, d))
	w.rows(1, "deliveries WHERE lease IS NOT NULL AND message IS NULL")
	w.ok(w.MarkSent(w.ctx, due[0], store.Sent{Message: store.Secret("m")}))
	w.rows(0, "deliveries WHERE lease IS NOT NULL")
}

func TestRecoverAtOpen(t *testing.T) {
	t.Parallel()
	w, d := claimed(t)
	w.restart()
	next, ok, _ := w.NextDue(w.ctx)
	if !ok || !next.Equal(d.Due) {
		t.Errorf("due at %v, want %v", next, d.Due)
	}
	due, err := w.ClaimDue(w.ctx, 10)
	w.ok(err)
	if len(due) != 1 || due[0].ID != d.ID {
		t.Fatalf("%+v", due)
	}
	w.ok(w.MarkSent(w.ctx, d, store.Sent{Message: store.Secret("stale")}))
	w.rows(1, "deliveries WHERE lease IS NOT NULL")
}

func TestNextDue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, ok, err := w.NextDue(w.ctx); ok || err != nil {
		t.Errorf("something is owed: %v", err)
	}
	w.link(alex, sam)
	if at, ok, _ := w.NextDue(w.ctx); !ok || !at.Equal(w.clock.Now()) {
		t.Errorf("%v", at)
	}
	w.deliver()
	if _, ok, _ := w.NextDue(w.ctx); ok {
		t.Error("something is owed")
	}
	w.end(alex, sam)
	w.deliver()
	if at, _, _ := w.NextDue(w.ctx); !at.Equal(w.clock.Now().Add(24 * time.Hour)) {
		t.Errorf("%v", at)
	}
}

// A person who is being written to, and has more that is due, does not hide the
// time of somebody else.
func TestNextDueBesideAPersonInHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.link(alex, sam)
	due, err := w.ClaimDue(w.ctx, 1) // alex's first line; the second is due as well
	w.ok(err)
	w.deliver()
	e := w.ended(sam)
	e.Alone = true
	e.At = e.At.Add(-24*time.Hour + time.Second)
	_, err = w.EndScene(w.ctx, e)
	w.ok(err)
	if at, _, _ := w.NextDue(w.ctx); !at.Equal(w.clock.Now().Add(time.Second)) {
		t.Errorf("in %v", at.Sub(w.clock.Now()))
	}
	w.ok(w.MarkSent(w.ctx, due[0], store.Sent{Message: store.Secret("m")}))
	if at, _, _ := w.NextDue(w.ctx); !at.Equal(w.clock.Now()) {
		t.Errorf("in %v", at.Sub(w.clock.Now()))
	}
}

func TestPostpone(t *testing.T) {
	t.Parallel()
	w, d := claimed(t)
	until := w.clock.Now().Add(time.Minute)
	w.ok(w.Postpone(w.ctx, d, until))
	if at, _, _ := w.NextDue(w.ctx); !at.Equal(until) {
		t.Errorf("%v", at)
	}
	w.clock.Advance(time.Minute)
	due, _ := w.ClaimDue(w.ctx, 10)
	if len(due) != 1 || due[0].Attempts != 1 || !due[0].Due.Equal(d.Due) {
		t.Errorf("%+v", due)
	}
	w.ok(w.MarkSent(w.ctx, due[0], store.Sent{Message: store.Secret("m"), Channel: store.Secret("dm")}))
	w.rows(1, "deliveries WHERE id = $1 AND attempts = 0 AND next_at IS NULL", d.ID)
}

// What people do to a delivery while it is in hand, and what becomes of it then.
// Each act is done before the mark; want is what is owed next, and when.
func TestChangedInHand(t *testing.T) {
	t.Parallel()
	type next struct {
		want store.Want
		in   time.Duration // -1: never
	}
	const never = -1
	acts := map[string]func(*world, store.Delivery){
		"nothing": func(*world, store.Delivery) {},
		"later":   func(w *world, d store.Delivery) { w.step(w.Later(w.ctx, sam.ID, d.ID)) },
		"typed":   func(w *world, d store.Delivery) { w.step(w.Open(w.ctx, sam.ID, d.ID)); w.hear(sam, "m", "x", "") },
		"undone":  func(w *world, d store.Delivery) { w.ok(w.UndoScene(w.ctx, sam.ID, 0)) },
		"paused":  func(w *world, d store.Delivery) { w.ok(w.Pause(w.ctx, sam.ID)); w.ok(w.Resume(w.ctx, sam.ID)) },
	}
	marks := map[string]func(*world, store.Delivery) error{
		"sent": func(w *world, d store.Delivery) error {
			return w.MarkSent(w.ctx, d, store.Sent{Message: store.Secret("m")})
		},
		"deleted": func(w *world, d store.Delivery) error { return w.MarkSent(w.ctx, d, store.Sent{}) },
		"dropped": func(w *world, d store.Delivery) error { return w.Drop(w.ctx, d) },
		"failed":  func(w *world, d store.Delivery) error { return w.Postpone(w.ctx, d, w.clock.Now().Add(time.Minute)) },
		"unsent": func(w *world, d store.Delivery) error {
			return w.PostponeUnsent(w.ctx, d, w.clock.Now().Add(time.Minute))
		},
		"refused":  func(w *world, d store.Delivery) error { return w.MarkRefused(w.ctx, d) },
		"recovers": func(w *world, d store.Delivery) error { w.restart(); return nil },
	}
	want := map[string]next{
		"nothing sent": {store.Edit, never}, "nothing deleted": {store.Delete, never}, "nothing dropped": {store.Delete, never},
		"nothing failed": {store.Post, time.Minute}, "nothing unsent": {store.Post, time.Minute}, "nothing refused": {store.Post, never}, "nothing recovers": {store.Post, 0},

		"later sent": {store.Post, 3 * time.Hour}, "later deleted": {store.Post, 3 * time.Hour}, "later dropped": {store.Post, 3 * time.Hour},
		"later failed": {store.Post, 3 * time.Hour}, "later unsent": {store.Post, 3 * time.Hour}, "later refused": {store.Post, never}, "later recovers": {store.Post, 3 * time.Hour},

		"typed sent": {store.Edit, 0}, "typed deleted": {store.Post, 0}, "typed dropped": {store.Post, 0},
		"typed failed": {store.Post, 0}, "typed unsent": {store.Post, 0}, "typed refused": {store.Edit, never}, "typed recovers": {store.Edit, 0}, // which is claimed as a post

		"undone sent": {store.Delete, 0}, "undone deleted": {store.Delete, never}, "undone dropped": {store.Delete, never},
		"undone failed": {store.Delete, 0}, "undone unsent": {store.Delete, never}, "undone refused": {store.Delete, never}, "undone recovers": {store.Delete, 0},

		"paused sent": {store.Edit, 0}, "paused deleted": {store.Post, 0}, "paused dropped": {store.Post, 0},
		"paused failed": {store.Post, 0}, "paused unsent": {store.Post, 0}, "paused refused": {store.Post, never}, "paused recovers": {store.Post, 0},
	}
	for act, do := range acts {
		for mark, note := range marks {
			name := act + " " + mark
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w, d := claimed(t)
				do(w, d)
				w.ok(note(w, d))
				var got store.Want
				var in int64
				w.ok(store.DB(w.Store).QueryRow(`SELECT want, COALESCE(MAX(next_at - $2, 0), -1) FROM deliveries WHERE id = $1 AND lease IS NULL`,
					d.ID, w.clock.Now().UnixMilli()).Scan(&got, &in))
				wantIn := want[name].in.Milliseconds()
				if want[name].in == never {
					wantIn = never
				}
				if got != want[name].want || in != wantIn {
					t.Errorf("wants %s in %d ms, not %s in %d ms", got, in, want[name].want, wantIn)
				}
				refused := mark == "refused" && act != "undone"
				w.rows(map[bool]int{true: 1}[refused], "deliveries WHERE waiting = 1")
				for range 3 { // and in the end nothing is left over
					w.pass(3 * time.Hour)
				}
				w.rows(0, "deliveries WHERE id = $1 AND next_at IS NOT NULL", d.ID)
			})
		}
	}
}

// An edit that was never noted to stand is claimed as a post.
func TestEditOfNothingIsAPost(t *testing.T) {
	t.Parallel()
	w, d := claimed(t)
	w.hear(sam, "m", "typed", "")
	w.step(w.Open(w.ctx, sam.ID, d.ID))
	w.hear(sam, "m2", "typed", "")
	w.restart()
	for _, m := range w.deliver() {
		if m.Kind == store.KindCheckIn && m.Want != store.Post {
			t.Errorf("%s of a message that is not there", m.Want)
		}
	}
}

func TestLateFoldAndLapse(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, test := range []struct {
		after         time.Duration // since the scene's end
		first, second string        // what becomes of the check-ins at 24 and at 48 hours
		late          bool
	}{
		{24*time.Hour + 15*time.Minute, "asked", "planned", false},
		{24*time.Hour + 15*time.Minute + ms, "asked", "planned", true},
		{36*time.Hour + ms, "asked", "planned", true}, // nothing newer is due
		{48*time.Hour - ms, "asked", "planned", true},
		{48 * time.Hour, "folded", "asked", false},
		{60 * time.Hour, "folded", "asked", true},
		{72 * time.Hour, "folded", "asked", true},
		{72*time.Hour + ms, "lapsed", "asked", true},
		{96 * time.Hour, "lapsed", "asked", true},
		{96*time.Hour + ms, "lapsed", "lapsed", false},
	} {
		t.Run(fmt.Sprint(test.after), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			e := w.ended(alex)
			e.Alone, e.Consent = true, 1
			_, err := w.EndScene(w.ctx, e)
			w.ok(err)
			w.deliver()
			sent := w.pass(test.after)
			for mark, want := range map[time.Duration]string{24 * time.Hour: test.first, 48 * time.Hour: test.second} {
				w.rows(1, "checkins WHERE mark = $1 AND state = $2", mark.Milliseconds(), want)
			}
			asked := 0
			for _, state := range []string{test.first, test.second} {
				if state == "asked" {
					asked = 1
				}
			}
			w.got(sent, alex, store.KindCheckIn, asked)
			if asked == 1 {
				at := w.last(alex, store.KindCheckIn)
				if at.CheckIn.Late != test.late {
					t.Errorf("late = %v", at.CheckIn.Late)
				}
				w.clock.Advance(time.Hour)
				if v := w.step(w.Open(w.ctx, alex.ID, at.As.ID)); v.Late != test.late {
					t.Errorf("opened an hour later: late = %v", v.Late)
				}
			}
		})
	}
}

// The first is folded too when the second was asked before it, after retries. It may
// have come by one of them, and is looked for, to be taken out.
func TestFoldedIntoOneThatWasAsked(t *testing.T) {
	t.Parallel()
	w, d := claimed(t)
	w.ok(w.Postpone(w.ctx, d, w.clock.Now().Add(25*time.Hour)))
	w.got(w.pass(24*time.Hour), sam, store.KindCheckIn, 1)
	sent := w.pass(time.Hour)
	if len(sent) != 1 || sent[0].As.ID != d.ID || sent[0].Want != store.Delete {
		t.Errorf("%+v", sent)
	}
	w.rows(1, "checkins WHERE state = 'folded'")
	w.is(second(w.Open(w.ctx, sam.ID, d.ID)), store.ErrGone)
}

func TestIDsRise(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var mu sync.Mutex
	seen := map[int64]bool{}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			last, at := int64(0), w.clock.Now()
			for range 1000 {
				at = at.Add(-time.Second)
				id := store.NewID(w.Store, at)
				if id <= last {
					t.Errorf("%d after %d", id, last)
				}
				last = id
				mu.Lock()
				seen[id] = true
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if len(seen) != 8000 {
		t.Errorf("%d numbers of 8000", len(seen))
	}
	w.link(alex, sam)
	var last int64
	w.ok(store.DB(w.Store).QueryRow(`SELECT MAX(id) FROM deliveries`).Scan(&last))
	w.restart()
	if id := store.NewID(w.Store, w.clock.Now().Add(-time.Hour)); id <= last {
		t.Error("after a restart with the clock stepped back they fall")
	}
}
