// Package scheduler sends what is owed when it is due.
//
// The truth about time is next_at in the deliveries table. A timer to the
// soonest next_at makes a message punctual; robfig/cron rings a bell as well, at
// which a suspended machine or a stepped clock is noticed, and runs the
// housekeeping. Nothing is scheduled in memory, so nothing is lost with it.
package scheduler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/robfig/cron/v3"
	"golang.org/x/time/rate"

	"aftercare/store"
)

// Sender puts one delivery in front of its recipient. It may be given the same
// delivery again after a crash, and must then show it once. Its errors:
// store.ErrGone (nothing to send), store.ErrRefused (Discord would not: it waits
// for the person), store.RetryError (not before), store.NotSentError (surely not
// sent, try again later), anything else (nobody knows, try again later).
type Sender interface {
	Send(ctx context.Context, d store.Delivery) (store.Sent, error)
}

// queue is what the scheduler needs of the store.
type queue interface {
	ClaimFresh(ctx context.Context, n int) ([]store.Delivery, error)
	ClaimDue(ctx context.Context, n int) ([]store.Delivery, error)
	NextDue(ctx context.Context) (time.Time, bool, error)
	MarkSent(ctx context.Context, d store.Delivery, sent store.Sent) error
	Postpone(ctx context.Context, d store.Delivery, until time.Time) error
	PostponeUnsent(ctx context.Context, d store.Delivery, until time.Time) error
	MarkRefused(ctx context.Context, d store.Delivery) error
	Drop(ctx context.Context, d store.Delivery) error
	Forget(ctx context.Context) (int64, error)
	WantsCheckpoint() bool
	Checkpoint(ctx context.Context) error

	calendar
}

const (
	bell        = "@every 30s"
	housekeep   = "@every 15m"
	workers     = 32               // people written to at the same time
	atOnce      = 8                // taken in one claim, so that nobody's act waits long for it
	sendTimeout = 30 * time.Second // for one message, in which Discord may make us wait
	stopTimeout = 3 * time.Second  // for the ones in hand when the program stops
	idleLook    = time.Minute      // the longest sleep, whatever the timer says; StillAfter knows it
	maxDrift    = time.Second      // of the clock between two bells
	afterError  = time.Second      // before the database is asked again
	noteTries   = 3                // to note what became of a message
	stalePace   = 10               // messages a second that an outage left behind
)

// Scheduler sends due deliveries, at most workers at once and one at a time to
// each person.
type Scheduler struct {
	queue  queue
	sender Sender
	now    func() time.Time
	log    *slog.Logger

	keeping *keeping // nil: no backups

	stale *rate.Limiter // what an outage left behind is spread out, behind what is due now

	bell chan struct{}
	free chan struct{} // a token for each worker that has nothing to do
	busy sync.WaitGroup

	tidying  atomic.Bool
	observer Observer
	turned   atomic.Int64 // when the loop last came round, in nanoseconds since begun
	begun    time.Time
}

// New returns a scheduler for the deliveries of q. now is the clock of q.
func New(q queue, s Sender, now func() time.Time, log *slog.Logger) *Scheduler {
	sch := &Scheduler{
		queue: q, sender: s, now: now, log: log,
		stale: rate.NewLimiter(stalePace, stalePace),
		bell:  make(chan struct{}, 1),
		free:  make(chan struct{}, workers),

		observer: blind{}, begun: time.Now(),
	}
	for range workers {
		sch.free <- struct{}{}
	}
	return sch
}

// Pace sets how many messages a second that an outage left behind may leave.
// Before Run only.
func (s *Scheduler) Pace(perSecond int) {
	perSecond = max(perSecond, 1)
	s.stale = rate.NewLimiter(rate.Limit(perSecond), max(perSecond/5, 1))
}

// clock returns the bell and the housekeeping.
func (s *Scheduler) clock(ctx context.Context) *cron.Cron {
	c := cron.New(cron.WithLogger(cronLog{s.log}), cron.WithLocation(time.UTC))
	jobs := map[string]func(){
		bell:      s.stepped(ctx),
		housekeep: func() { s.forget(ctx) },
	}
	if s.keeping != nil {
		jobs[keepLook] = func() { s.keeping.runOnce(ctx) }
	}
	for spec, job := range jobs {
		if _, err := c.AddFunc(spec, job); err != nil {
			panic("scheduler: " + err.Error())
		}
	}
	return c
}

// stepped returns what the bell does: if the clock has not gone on as the timers
// did since it last rang, it has put right what the other time left behind, and
// wakes the scheduler.
func (s *Scheduler) stepped(ctx context.Context) func() {
	var mu sync.Mutex                             // cron starts each ring in a goroutine of its own
	timers, clock := time.Now(), s.now().Round(0) // what a clock on the wall shows
	return func() {
		mu.Lock()
		passed, shown := time.Since(timers), s.now().Round(0).Sub(clock)
		timers, clock = timers.Add(passed), clock.Add(shown)
		mu.Unlock()
		if (shown - passed).Abs() > maxDrift {
			s.Wake()
			s.forget(ctx)
		}
	}
}

// Wake asks for a look at what is due. It never blocks, and a wake during a look
// means one more.
func (s *Scheduler) Wake() {
	select {
	case s.bell <- struct{}{}:
	default:
	}
}

// Run sends what is due until ctx is done, finishes what is in hand, and then
// returns. Nothing of it runs any more.
func (s *Scheduler) Run(ctx context.Context) {
	clock := s.clock(ctx)
	clock.Start()
	defer func() {
		<-clock.Stop().Done()
		s.busy.Wait()
	}()
	s.busy.Go(func() { s.forget(ctx) }) // what is due does not wait for it
	if s.keeping != nil {
		s.busy.Go(func() { s.keeping.runOnce(ctx) })
	}
	for ctx.Err() == nil {
		s.turned.Store(int64(time.Since(s.begun)))
		s.checkpoint(ctx)
		wait := min(s.guard("turns", func() time.Duration { return s.takeTurns(ctx) }), s.guard("look", func() time.Duration { return s.look(ctx) }))
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-s.bell:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// checkpoint has the database put its files in order, beside everything else and
// one at a time.
func (s *Scheduler) checkpoint(ctx context.Context) {
	if !s.queue.WantsCheckpoint() || !s.tidying.CompareAndSwap(false, true) {
		return
	}
	s.busy.Go(func() {
		defer s.tidying.Store(false)
		if err := s.queue.Checkpoint(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("the database's log could not be tidied; trying again in a while", "err", err)
		}
	})
}

// look hands what is due to free workers and returns how long to sleep if
// nothing wakes it. A look at nothing only reads.
func (s *Scheduler) look(ctx context.Context) time.Duration {
	for empty := 0; ctx.Err() == nil; {
		n := min(len(s.free), atOnce)
		if n == 0 {
			return idleLook // the next worker that is done wakes us
		}
		next, ok, err := s.queue.NextDue(ctx)
		if err != nil {
			return s.failed(ctx, "next", err)
		}
		if wait := next.Sub(s.now()); !ok || wait > 0 {
			if !ok || wait > idleLook {
				return idleLook
			}
			return wait
		}
		due, err := s.claim(ctx, n)
		if err != nil {
			return s.failed(ctx, "claim", err)
		}
		if len(due) == 0 {
			if empty++; empty > 1 {
				return s.nothingClaimed()
			}
			continue
		}
		for _, d := range due {
			<-s.free
			s.busy.Go(func() { s.work(ctx, d) })
		}
	}
	return 0
}

// nothingClaimed is how long to sleep when something is due and none of it was
// claimed: it is stale and has to wait its turn, or it lapsed just now.
func (s *Scheduler) nothingClaimed() time.Duration {
	if s.stale.Tokens() < 1 {
		return time.Duration(float64(time.Second) / float64(s.stale.Limit()))
	}
	return 10 * time.Millisecond
}

// claim takes what has come due just now, and only when there is nothing of that,
// a little of what an outage left behind.
func (s *Scheduler) claim(ctx context.Context, n int) ([]store.Delivery, error) {
	due, err := s.queue.ClaimFresh(ctx, n)
	if err != nil || len(due) > 0 {
		return due, err
	}
	n = min(n, int(s.stale.Tokens()))
	if n <= 0 {
		return nil, nil
	}
	due, err = s.queue.ClaimDue(ctx, n)
	s.stale.AllowN(time.Now(), len(due))
	return due, err
}

func (s *Scheduler) failed(ctx context.Context, what string, err error) time.Duration {
	if ctx.Err() == nil {
		s.log.Error("the database could not say what is due; trying again. If it goes on, see aftercare check", "step", what, "err", err)
	}
	return afterError
}

// work sends one delivery. One that was claimed as the program stops is claimed
// again at the next start.
func (s *Scheduler) work(ctx context.Context, d store.Delivery) {
	defer func() {
		s.free <- struct{}{}
		s.Wake()
	}()
	if ctx.Err() != nil {
		return
	}
	sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(stopTimeout, cancel) })()
	sent, err := s.send(sending, d)
	s.observer.Delivered(d.Kind, outcomeOf(err), s.now().Sub(d.Ready))
	s.note(context.WithoutCancel(ctx), d, s.outcome(d, sent, err))
}

// outcome tells how what became of a delivery is noted.
func (s *Scheduler) outcome(d store.Delivery, sent store.Sent, err error) func(context.Context) error {
	var retry store.RetryError
	switch {
	case err == nil:
		return func(ctx context.Context) error { return s.queue.MarkSent(ctx, d, sent) }
	case errors.Is(err, store.ErrGone):
		return func(ctx context.Context) error { return s.queue.Drop(ctx, d) }
	case errors.Is(err, store.ErrRefused):
		s.log.Info("Discord refused a message; it waits until its recipient is back", "kind", d.Kind)
		return func(ctx context.Context) error { return s.queue.MarkRefused(ctx, d) }
	}
	wait := backoff(d.Attempts)
	if errors.As(err, &retry) {
		wait = retry.After
	} else {
		s.log.Warn("a message could not be sent; trying again", "kind", d.Kind, "attempt", d.Attempts+1, "in", wait.Round(time.Second), "err", err)
	}
	until := s.now().Add(wait)
	postpone := s.queue.Postpone
	if errors.As(err, new(store.NotSentError)) || errors.As(err, &retry) {
		postpone = s.queue.PostponeUnsent
	}
	return func(ctx context.Context) error { return postpone(ctx, d, until) }
}

// note writes down what became of a delivery, again if the database can't just
// now: a message that was sent and is not noted is sent once more.
func (s *Scheduler) note(ctx context.Context, d store.Delivery, outcome func(context.Context) error) {
	for try := 1; ; try++ {
		err := outcome(ctx)
		if err == nil {
			return
		}
		s.log.Error("what became of a message could not be noted; if it goes on, see aftercare check", "kind", d.Kind, "try", try, "err", err)
		if try == noteTries {
			return // its lease runs out
		}
		time.Sleep(afterError)
	}
}

// send turns a panic of the sender into an error: one delivery that can't be put
// into words must not keep the others.
func (s *Scheduler) send(ctx context.Context, d store.Delivery) (sent store.Sent, err error) {
	defer func() {
		if r := recover(); r != nil {
			s.log.Error("sending panicked, and is tried again; please report this", "kind", d.Kind, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %T", r)
		}
	}()
	return s.sender.Send(ctx, d)
}

// guard keeps a panic from ending the process, which would print what it says: that
// may hold somebody's words. It returns how long to sleep.
func (s *Scheduler) guard(what string, do func() time.Duration) (wait time.Duration) {
	defer func() {
		if r := recover(); r != nil {
			s.log.Error("the scheduler panicked; going on", "at", what, "stack", string(debug.Stack()))
			wait = afterError
		}
	}()
	return do()
}

func (s *Scheduler) forget(ctx context.Context) {
	s.guard("forget", func() time.Duration { s.forgetAll(ctx); return 0 })
}

func (s *Scheduler) forgetAll(ctx context.Context) {
	defer s.Wake()
	if _, err := s.queue.AskFits(ctx); err != nil && ctx.Err() == nil {
		s.log.Error("nobody could be asked whether it still fits; trying again in a while", "err", err)
	}
	n, err := s.queue.Forget(ctx)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		s.log.Error("housekeeping failed; trying again in a while. If it goes on, see aftercare check", "err", err)
	} else if n > 0 {
		s.log.Debug("forgot what was kept long enough", "rows", n)
	}
}

type cronLog struct{ *slog.Logger }

// Info drops cron's chatter.
func (cronLog) Info(string, ...any) {}

// Error passes on what cron caught.
func (l cronLog) Error(err error, msg string, _ ...any) { l.Logger.Error("cron: "+msg, "err", err) }
