package scheduler

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"aftercare/store"
	"aftercare/store/storetest"
)

// post is what reached the fake Discord.
type post struct {
	at      time.Time
	kind    store.Kind
	nonce   string
	to      store.Private
	attempt int
}

// discord is a Sender that puts deliveries nowhere, as the test says.
type discord struct {
	s *store.Store

	mu       sync.Mutex
	tries    []post
	inHand   map[store.Private]int
	together int                                                     // the most at once
	do       func(ctx context.Context, c store.Content, n int) error // n is the how-manieth try at this message
}

func (f *discord) Send(ctx context.Context, d store.Delivery) (store.Sent, error) {
	c, err := f.s.Content(ctx, d)
	if err != nil {
		return store.Sent{}, err
	}
	f.mu.Lock()
	n := 1
	for _, p := range f.tries {
		if p.nonce == c.Nonce {
			n++
		}
	}
	f.tries = append(f.tries, post{time.Now(), c.Kind, c.Nonce, c.To, n})
	f.inHand[c.To]++
	if f.inHand[c.To] > 1 {
		panic("two at once to one person")
	}
	total := 0
	for n := range maps.Values(f.inHand) {
		total += n
	}
	f.together = max(f.together, total)
	do := f.do
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.inHand[c.To]--
		f.mu.Unlock()
	}()
	if do != nil {
		if err := do(ctx, c, n); err != nil {
			return store.Sent{}, err
		}
	}
	return store.Sent{Channel: store.Secret("dm"), Message: store.Secret("m" + c.Nonce)}, nil
}

// sent returns what was tried since the last call.
func (f *discord) sent() (out []post) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out, f.tries = f.tries, nil
	return out
}

// all returns all that was tried, and forgets nothing.
func (f *discord) all() []post {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.tries)
}

func (f *discord) does(do func(ctx context.Context, c store.Content, n int) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.do = do
}

// queueing is the real store, which a test can break.
type queueing struct {
	*store.Store
	mu     sync.Mutex
	broken error
	looks  int
}

func (q *queueing) breaks(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.broken = err
}

func (q *queueing) fails() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.looks++
	return q.broken
}

func (q *queueing) looked() (n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, q.looks = q.looks, 0
	return n
}

func (q *queueing) NextDue(ctx context.Context) (time.Time, bool, error) {
	if err := q.fails(); err != nil {
		return time.Time{}, false, err
	}
	return q.Store.NextDue(ctx)
}

func (q *queueing) MarkSent(ctx context.Context, d store.Delivery, sent store.Sent) error {
	if err := q.fails(); err != nil {
		return err
	}
	return q.Store.MarkSent(ctx, d, sent)
}

// world is a scheduler that runs, on a real file and the bubble's clock.
type world struct {
	*testing.T
	*store.Store
	*discord
	q     *queueing
	sch   *Scheduler
	log   *bytes.Buffer
	stop  func()       // cancels and waits
	drift atomic.Int64 // how far the store's clock is ahead of the timers
}

// marks are near, since the bell rings every 30 seconds until then.
var marks = []time.Duration{time.Hour, 2 * time.Hour}

// bubble runs a test with a world in a bubble of its own. 9,800 days after the
// bubble's beginning it is 2026.
func bubble(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(9_800 * 24 * time.Hour)
		w := &world{T: t, log: &bytes.Buffer{}}
		s, err := store.Open(t.Context(), storetest.Options(t, marks...))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		s.Now = func() time.Time { return time.Now().Add(time.Duration(w.drift.Load())) }
		w.Store, w.discord, w.q = s, &discord{s: s, inHand: map[store.Private]int{}}, &queueing{Store: s}
		w.sch = New(w.q, w.discord, s.Now, slog.New(slog.NewTextHandler(w.log, nil)))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.sch.Run(ctx)
		}()
		w.stop = func() { cancel(); <-done }
		defer w.stop()
		synctest.Wait()
		test(w)
	})
}

func (w *world) link(a, b store.Who) {
	w.Helper()
	storetest.Link(w.T, w.Store, a, b)
	w.sch.Wake()
	synctest.Wait()
	w.sent()
}

func (w *world) end(by store.Who, partners ...store.Who) {
	w.Helper()
	storetest.EndScene(w.T, w.Store, by, partners...)
	w.sch.Wake()
	synctest.Wait()
}

func count(sent []post, to store.Who) (n int) {
	for _, p := range sent {
		if p.to == to.ID {
			n++
		}
	}
	return n
}
