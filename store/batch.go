package store

import (
	"context"
	"database/sql"
	"slices"
	"sync"
	"time"
)

// A batch ends after so many callers' writes, and takes nobody new once it is so
// old: whoever comes first waits for the last of them.
const (
	mostAtOnce = 64
	batchLasts = 20 * time.Millisecond
)

// inTx runs fn in a transaction that may write. It is durable when inTx returns
// nil, and not there when it returns an error.
//
// Most of what a write takes is waiting for the disk to have it, so all who wait
// for their turn meanwhile share the next transaction: each runs its own fn, in
// its own goroutine and one after the other, and the last commits for all. What
// fn does is undone alone when it fails, panics or runs out of time. When SQLite
// gives up all of the transaction, all who are in it get an error: fn is never
// run twice. It must return the error when a statement fails.
func (s *Store) inTx(ctx context.Context, fn func(*tx) error) error {
	ctx, cancel := sparing(ctx)
	defer cancel()
	b, err := s.line.turn(ctx)
	if err != nil {
		return err
	}
	if err := s.join(ctx, b, fn); err != nil {
		return err
	}
	<-b.done
	return b.err
}

// join has fn do its part in a batch and hands the batch on, after a panic as well.
func (s *Store) join(ctx context.Context, b *batch, fn func(*tx) error) error {
	defer s.handOn(b)
	if err := ctx.Err(); err != nil { // the turn came as the time ran out
		return err
	}
	if err := b.begin(ctx, s.write); err != nil {
		return err
	}
	return b.run(&tx{Tx: b.tx, ctx: ctx, s: s, shared: true, ready: s.ready}, fn)
}

// handOn gives a batch to the next in line. Where there is none, or the batch is
// full or lost, it ends here.
func (s *Store) handOn(b *batch) {
	if b.lost == nil && b.parts < mostAtOnce && (b.tx == nil || time.Since(b.begun) < batchLasts) && s.line.give(b) {
		return
	}
	defer s.line.leave()
	b.end()
	if b.err == nil {
		s.commits.Add(1)
	}
}

// batch is one transaction and whoever has a part in it. It belongs to whoever
// has the turn.
type batch struct {
	tx    *sql.Tx // nil until somebody has begun it
	stop  context.CancelFunc
	begun time.Time
	parts int
	kept  int   // of the parts, those that did not fail
	lost  error // why SQLite gave up all of it

	done chan struct{} // closed when it is known what became of it:
	err  error
}

// begin begins the transaction, unless somebody has. It waits as long as ctx says,
// and outlives it: database/sql would roll back what is others' too.
func (b *batch) begin(ctx context.Context, db *sql.DB) (err error) {
	if b.tx != nil {
		return nil
	}
	free, stop := context.WithCancel(context.WithoutCancel(ctx))
	freed := context.AfterFunc(ctx, stop)
	begun, err := begin(ctx, free, db)
	if !freed() { // ctx ended, maybe a moment too late for the error
		stop()
		if err == nil {
			begun.Rollback()
		}
		return ctx.Err()
	}
	if err != nil {
		stop()
		return err
	}
	b.tx, b.stop, b.begun = begun, stop, time.Now()
	return nil
}

// run runs fn so that all of what it does is in the transaction, or nothing.
func (b *batch) run(t *tx, fn func(*tx) error) (err error) {
	b.parts++
	if _, err := b.tx.Exec(`SAVEPOINT part`); err != nil {
		b.lost = err
		return err
	}
	whole := false
	defer func() {
		end := `ROLLBACK TO part; RELEASE part`
		if whole {
			end = `RELEASE part`
		}
		if _, failed := b.tx.Exec(end); failed != nil { // there is no transaction any more
			b.lost = failed
			if t.refused != nil {
				b.lost = t.refused
			}
			if err == nil {
				err = b.lost
			}
		} else if whole {
			b.kept++
		}
	}()
	t.now = t.s.Now().UnixMilli()
	err = fn(t)
	if t.refused != nil && resultCode(err) == 0 {
		err = t.refused
	}
	whole = err == nil
	return err
}

// end commits what there is to commit, and lets everybody know.
func (b *batch) end() {
	b.err = sql.ErrTxDone // should the driver panic
	defer close(b.done)
	if b.tx == nil {
		return
	}
	defer b.stop()
	if b.lost != nil || b.kept == 0 {
		b.err = b.lost
		b.tx.Rollback() // fails when SQLite has done it
		return
	}
	b.err = b.tx.Commit()
}

// line is where writers wait for their turn, first come first served. One at a
// time has it.
type line struct {
	mu      sync.Mutex
	taken   bool
	waiting []chan *batch // each has room for one, so that giving never waits
}

// turn waits for the turn, and for the batch that comes with it. Whoever gets it
// must hand it on.
func (l *line) turn(ctx context.Context) (*batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	mine := make(chan *batch, 1)
	l.mu.Lock()
	if l.taken {
		l.waiting = append(l.waiting, mine)
	} else {
		l.taken = true
		mine <- newBatch()
	}
	l.mu.Unlock()
	select {
	case b := <-mine:
		return b, nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	i := slices.Index(l.waiting, mine)
	if i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	}
	l.mu.Unlock()
	if i < 0 { // it has just been given to us
		return <-mine, nil
	}
	return nil, ctx.Err()
}

func newBatch() *batch { return &batch{done: make(chan struct{})} }

// give passes the turn on, with a batch, to whoever has waited longest.
func (l *line) give(b *batch) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pass(b)
}

// leave passes the turn on, or leaves it to whoever comes next.
func (l *line) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken = l.pass(newBatch())
}

func (l *line) pass(b *batch) bool {
	if len(l.waiting) == 0 {
		return false
	}
	l.waiting[0] <- b
	l.waiting = slices.Delete(l.waiting, 0, 1)
	return true
}
