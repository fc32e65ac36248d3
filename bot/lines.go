package bot

import (
	"errors"
	"log/slog"
	"runtime/debug"
	"sync"
)

// lines keeps one person's events in order, and everybody else's out of their
// way: a line for each person with something to do.
type lines struct {
	log    *slog.Logger
	mu     sync.Mutex
	by     map[string][]func()
	closed bool
	busy   sync.WaitGroup
}

const (
	longestLine = 1000 // events of one person that wait; more are dropped
	mostTaps    = 50   // commands, taps and forms: those behind could not be answered in Discord's 3 s anyway
)

func newLines(log *slog.Logger) *lines { return &lines{log: log, by: map[string][]func(){}} }

// queue runs do after all that was queued for key before. It never blocks.
func (l *lines) queue(key string, do func()) { l.queueWithin(longestLine, key, do) }

// queueWithin is queue for what is dropped when so many wait already: a script that
// presses every button holds up nobody but itself, and not for long.
func (l *lines) queueWithin(most int, key string, do func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	line, running := l.by[key]
	if l.closed || len(line) >= most {
		return
	}
	l.by[key] = append(line, do)
	if !running {
		l.busy.Go(func() { l.run(key) })
	}
}

func (l *lines) run(key string) {
	for {
		l.mu.Lock()
		line := l.by[key]
		if len(line) == 0 {
			delete(l.by, key)
			l.mu.Unlock()
			return
		}
		do := line[0]
		l.by[key] = line[1:]
		l.mu.Unlock()
		l.guard(do)
	}
}

// guard keeps a panic from ending the process. The value is not logged: it may
// hold somebody's words.
func (l *lines) guard(do func()) {
	defer func() {
		if r := recover(); r != nil {
			l.log.Error("handling an event panicked; please report this", "stack", string(debug.Stack()))
		}
	}()
	do()
}

// errPanicked stands for a panic. What that says is not repeated.
var errPanicked = errors.New("a panic, which is in the log")

// tried runs do and turns a panic of it into errPanicked.
func (l *lines) tried(do func() error) error {
	err := errPanicked
	l.guard(func() { err = do() })
	return err
}

// close takes no more events and waits for those in line.
func (l *lines) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.busy.Wait()
}

// outcomes lets a handler learn what became of a delivery it has just owed.
type outcomes struct {
	mu      sync.Mutex
	waiting map[int64]chan error
	busy    sync.WaitGroup
}

// expect returns where the outcome of a delivery will be told, once.
func (o *outcomes) expect(delivery int64) <-chan error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.waiting == nil {
		o.waiting = map[int64]chan error{}
	}
	c := make(chan error, 1)
	o.waiting[delivery] = c
	return c
}

func (o *outcomes) tell(delivery int64, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c, ok := o.waiting[delivery]; ok {
		c <- err
		delete(o.waiting, delivery)
	}
}

func (o *outcomes) forget(delivery int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.waiting, delivery)
}

func (o *outcomes) wait() { o.busy.Wait() }
