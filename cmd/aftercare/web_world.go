package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// webPeople are those whom the page shows.
var webPeople = []string{"alex", "sam", "kit"}

// webWorld is the demo behind the page, and what the page may do to the world that
// people live in: its clock, and whether the bot runs.
type webWorld struct {
	ctx     context.Context
	control sync.Mutex // one change of the world at a time
	current atomic.Pointer[demo]
	epoch   atomic.Int64  // counts the beginnings
	online  atomic.Bool   // the bot runs, as far as we know
	mu      sync.Mutex    // guards stirred
	stirred chan struct{} // closed at the next change, and replaced
}

func newWebWorld(ctx context.Context) (*webWorld, error) {
	w := &webWorld{ctx: ctx, stirred: make(chan struct{})}
	w.control.Lock()
	defer w.control.Unlock()
	if err := w.begin(); err != nil {
		return nil, err
	}
	return w, nil
}

// begin begins anew; control is held.
func (w *webWorld) begin() error {
	d, err := newDemo(w.ctx)
	if err != nil {
		return err
	}
	d.changed = w.stir
	for _, name := range webPeople {
		d.discord.Person(name)
	}
	if err := d.start(w.ctx); err != nil {
		return errors.Join(err, d.stop(), d.remove())
	}
	old := w.current.Swap(d)
	w.epoch.Add(1)
	w.online.Store(true)
	w.stir()
	if old == nil {
		return nil
	}
	return errors.Join(old.stop(), old.remove())
}

// close stops the bot and takes everything away. It returns what the bot did that
// Discord would not have accepted: whoever changes the bot wants to know.
func (w *webWorld) close() error {
	w.control.Lock()
	defer w.control.Unlock()
	d := w.current.Load()
	if d == nil {
		return nil
	}
	stopped := d.stop()
	return errors.Join(append(d.discord.Errors(), stopped, d.remove())...)
}

// stir tells everybody who looks that something may look different.
func (w *webWorld) stir() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.stirred)
	w.stirred = make(chan struct{})
}

// next is closed at the next change.
func (w *webWorld) next() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stirred
}

// reset begins anew for whoever asks on the page.
func (w *webWorld) reset() error {
	w.control.Lock()
	defer w.control.Unlock()
	return w.begin()
}

// power stops the bot, or starts it again on what lies on its disk.
func (w *webWorld) power(on bool) error {
	w.control.Lock()
	defer w.control.Unlock()
	d := w.current.Load()
	if on == (d.cancel != nil) {
		return nil
	}
	defer w.stir()
	if on {
		err := d.start(w.ctx)
		w.online.Store(err == nil)
		return err
	}
	w.online.Store(false)
	w.stir()
	return d.stop()
}

const (
	longestPass = 31 * 24 * time.Hour
	mostStops   = 200
)

// pass lets time go by. It stops for a moment wherever something is due, so that
// nothing comes later than it would have.
func (w *webWorld) pass(by time.Duration) error {
	if by <= 0 || by > longestPass {
		return errors.New("time goes on, by a month at most")
	}
	w.control.Lock()
	defer w.control.Unlock()
	defer w.stir()
	d := w.current.Load()
	target := d.now().Add(by)
	d.comeToRest(w.ctx) // what is on its way has its time to arrive
	for range mostStops {
		due, ok, err := d.nextDue(w.ctx)
		if err != nil {
			return err
		}
		if !ok || due.After(target) {
			break
		}
		d.push(max(due.Sub(d.now()), 0) + time.Millisecond)
		d.comeToRest(w.ctx)
	}
	if rest := target.Sub(d.now()); rest > 0 {
		d.push(rest)
	}
	err := d.keepHouse(w.ctx)
	d.comeToRest(w.ctx)
	return errors.Join(err, w.ctx.Err())
}

// keepHouse does what the bot does every so often by a clock that can't be pushed:
// it forgets what was kept long enough.
func (d *demo) keepHouse(ctx context.Context) error {
	if d.cancel == nil {
		return nil
	}
	if _, err := d.house.store.AskFits(ctx); err != nil {
		return err
	}
	_, err := d.house.store.Forget(ctx)
	d.house.scheduler.Wake()
	return err
}

// passToNext lets time go by until a check-in is due, or else whatever is.
func (w *webWorld) passToNext() error {
	d := w.current.Load()
	all, err := readSchedule(w.ctx, d)
	if err != nil {
		return err
	}
	at, ok := nextCheckin(all, d.now())
	if !ok {
		return errors.New("nothing is scheduled")
	}
	return w.pass(max(at.Sub(d.now()), 0) + time.Second)
}

// nextDue tells when something is due next while the bot runs.
func (d *demo) nextDue(ctx context.Context) (next time.Time, ok bool, err error) {
	if d.cancel == nil {
		return next, false, nil
	}
	for _, ask := range []func(context.Context) (time.Time, bool, error){d.house.store.NextDue, d.house.store.NextTurn} {
		at, some, err := ask(ctx)
		if err != nil {
			return next, false, fmt.Errorf("what is due next: %w", err)
		}
		if some && (!ok || at.Before(next)) {
			next, ok = at, true
		}
	}
	return next, ok, nil
}

// comeToRest waits until nothing is due or on its way.
func (d *demo) comeToRest(ctx context.Context) {
	for end := time.Now().Add(demoPatience / 2); time.Now().Before(end) && ctx.Err() == nil; {
		due, ok, err := d.nextDue(ctx)
		if err != nil || (!ok || due.After(d.now())) && d.atRest(ctx) {
			return
		}
		wait(ctx, 5*time.Millisecond)
	}
}
