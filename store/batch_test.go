package store_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"modernc.org/sqlite"

	"aftercare/store"
	"aftercare/store/storetest"
)

// group is a store to which many write at once. A job of theirs is two rows.
type group struct {
	*world
	commits atomic.Int64
	refuse  atomic.Bool // the next commits

	mu   sync.Mutex
	done []int // jobs in the order in which they ran
}

// newGroup must be called inside the bubble, if there is one.
func newGroup(t *testing.T, o store.Options) *group {
	t.Helper()
	g := &group{world: &world{T: t, ctx: t.Context(), clock: storetest.NewClock(), opts: o}}
	g.Store = storetest.OpenAt(t, o, g.clock.Now)
	g.pragma(`CREATE TABLE jobs (job INTEGER NOT NULL, half INTEGER NOT NULL, pad BLOB, PRIMARY KEY (job, half))`)
	g.pragma(`CREATE TRIGGER quake BEFORE INSERT ON jobs WHEN new.half = 99 BEGIN SELECT RAISE(ROLLBACK, 'all of it'); END`)
	c, err := store.DB(g.Store).Conn(g.ctx)
	g.ok(err)
	g.ok(c.Raw(func(c any) error {
		c.(sqlite.HookRegisterer).RegisterCommitHook(func() int32 {
			g.commits.Add(1)
			if g.refuse.Load() {
				return 1
			}
			return 0
		})
		return nil
	}))
	g.ok(c.Close())
	return g
}

// job writes both halves; between is what happens in the middle.
func (g *group) job(ctx context.Context, i int, between func(*store.Tx) error) error {
	return store.InTx(ctx, g.Store, func(t *store.Tx) error {
		g.mu.Lock()
		g.done = append(g.done, i)
		g.mu.Unlock()
		if err := half(t, i, 1); err != nil {
			return err
		}
		if err := between(t); err != nil {
			return err
		}
		return half(t, i, 2)
	})
}

func half(t *store.Tx, i, n int) error {
	_, err := t.Exec(`INSERT INTO jobs (job, half) VALUES ($1, $2)`, i, n)
	return err
}

func well(*store.Tx) error { return nil }

// holds compares the database with what was reported.
func (g *group) holds(ok []int) {
	g.Helper()
	var want, got []string
	slices.Sort(ok)
	for _, i := range ok {
		want = append(want, fmt.Sprint(i, " 1"), fmt.Sprint(i, " 2"))
	}
	rows, err := store.DB(g.Store).Query(`SELECT job || ' ' || half FROM jobs ORDER BY job, half`)
	g.ok(err)
	defer rows.Close()
	for rows.Next() {
		var row string
		g.ok(rows.Scan(&row))
		got = append(got, row)
	}
	g.ok(rows.Err())
	if !slices.Equal(got, want) {
		g.Errorf("the halves there are %v, want %v", got, want)
	}
}

var (
	errJob  = errors.New("a job's own error")
	errExit = errors.New("its goroutine ended")
)

// result is how a job ended: an error, a panic, or errExit.
func result(run func() error) (err error) {
	ended := make(chan error, 1)
	go func() {
		err := errExit
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("panic: %v", r)
			}
			ended <- err
		}()
		err = run()
	}()
	return <-ended
}

// queued has one job begin, all others get in line behind it, one after the other,
// and then lets them go. It returns how each ended.
func (g *group) queued(n int, job func(i int) error) []error {
	g.Helper()
	out := make([]error, n)
	begun, held := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		store.InTx(g.ctx, g.Store, func(*store.Tx) error { // its end is that of those behind it
			close(begun)
			<-held
			return nil
		})
	})
	<-begun
	for i := range n {
		wg.Go(func() { out[i] = result(func() error { return job(i) }) })
		synctest.Wait()
	}
	close(held)
	wg.Wait()
	return out
}

func inBubble(t *testing.T, test func(g *group)) {
	t.Helper()
	o := storetest.Options(t)
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t, o)
		defer g.Close()
		test(g)
	})
}

// Many who write at once take few commits, and come in the order in which they asked.
func TestTogether(t *testing.T) {
	t.Parallel()
	inBubble(t, func(g *group) {
		const n = 3*store.MostAtOnce + 1
		for i, err := range g.queued(n, func(i int) error { return g.job(g.ctx, i, well) }) {
			if err != nil {
				t.Errorf("%d: %v", i, err)
			}
		}
		if c := g.commits.Load(); c != 4 {
			t.Errorf("%d commits for %d jobs", c, n)
		}
		if !slices.IsSorted(g.done) {
			t.Errorf("they ran as %v", g.done)
		}
		all := slices.Clone(g.done)
		g.holds(all)
	})
}

// Whoever fails, panics or ends their goroutine in a shared transaction is alone
// with that.
func TestTogetherWithOneThatFails(t *testing.T) {
	t.Parallel()
	inBubble(t, func(g *group) {
		quitting, quit := context.WithCancel(g.ctx)
		mishap := map[int]func(*store.Tx) error{
			1: func(*store.Tx) error { return errJob },
			3: func(*store.Tx) error { panic("at the disco") },
			5: func(*store.Tx) error { runtime.Goexit(); return nil },
			7: func(*store.Tx) error { quit(); return nil },
			9: func(t *store.Tx) error { half(t, 0, 1); return nil }, // there already; the error is overlooked
		}
		want := map[int]string{1: errJob.Error(), 3: "panic: at the disco", 5: errExit.Error(), 7: context.Canceled.Error(), 9: "UNIQUE"}
		var ok []int
		for i, err := range g.queued(11, func(i int) error {
			ctx := g.ctx
			if i == 7 {
				ctx = quitting
			}
			if m := mishap[i]; m != nil {
				return g.job(ctx, i, m)
			}
			return g.job(ctx, i, well)
		}) {
			if got := fmt.Sprint(err); want[i] != "" && !strings.Contains(got, want[i]) || want[i] == "" && err != nil {
				t.Errorf("%d: %v, want %q", i, err, want[i])
			}
			if err == nil {
				ok = append(ok, i)
			}
		}
		g.holds(ok)
		if c := g.commits.Load(); c != 1 {
			t.Errorf("%d commits", c)
		}
	})
}

// Whoever has no time left before their turn hears so at once, and does nothing.
func TestTogetherTooLate(t *testing.T) {
	t.Parallel()
	inBubble(t, func(g *group) {
		begun, held, free := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			free <- g.job(g.ctx, 0, func(*store.Tx) error {
				close(begun)
				<-held
				return nil
			})
		}()
		<-begun
		ctx, cancel := context.WithTimeout(g.ctx, time.Second)
		defer cancel()
		asked := time.Now()
		err := g.job(ctx, 1, well)
		if took := time.Since(asked); !errors.Is(err, context.DeadlineExceeded) || took != 800*time.Millisecond {
			t.Errorf("%v after %v", err, took)
		}
		close(held)
		g.ok(<-free)
		g.ok(g.job(g.ctx, 2, well))
		g.holds([]int{0, 2})
		if slices.Contains(g.done, 1) {
			t.Error("it ran")
		}
	})
}

// Whose time runs out in the middle of a statement does not take the others' parts
// along: SQLite would roll back all of it.
func TestTogetherBrokenOff(t *testing.T) {
	t.Parallel()
	inBubble(t, func(g *group) {
		errs := g.queued(3, func(i int) error {
			ctx, cancel := context.WithTimeout(g.ctx, time.Hour)
			defer cancel()
			return g.job(ctx, i, func(tx *store.Tx) error {
				if i != 1 {
					return nil
				}
				started := make(chan struct{})
				go func() { <-started; cancel() }()
				close(started)
				_, err := tx.Exec(`
					WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
					INSERT INTO jobs (job, half) SELECT 1000 + i, 1 FROM n`)
				if err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				<-ctx.Done()
				return nil
			})
		})
		if errs[0] != nil || !errors.Is(errs[1], context.Canceled) || errs[2] != nil {
			t.Errorf("got %v", errs)
		}
		g.holds([]int{0, 2})
	})
}

// What SQLite rolled back is reported to all who were in it, and whoever goes on
// after that writes nothing outside of it. Those behind them have a new one.
func TestTogetherRolledBack(t *testing.T) {
	t.Parallel()
	inBubble(t, func(g *group) {
		errs := g.queued(5, func(i int) error {
			return g.job(g.ctx, i, func(tx *store.Tx) error {
				if i == 2 {
					half(tx, i, 99) // and its error is overlooked
					var n int
					if err := tx.QueryRow(`SELECT 1`).Scan(&n); err == nil {
						t.Error("it could go on")
					}
				}
				return nil
			})
		})
		for i, err := range errs {
			if lost := err != nil && strings.Contains(err.Error(), "all of it"); lost != (i <= 2) {
				t.Errorf("%d: %v", i, err)
			}
		}
		g.holds([]int{3, 4})
	})
}

// A commit that fails fails for everybody, and the next one is as good as any.
func TestTogetherNotCommitted(t *testing.T) {
	t.Parallel()
	inBubble(t, func(g *group) {
		g.refuse.Store(true)
		for i, err := range g.queued(5, func(i int) error { return g.job(g.ctx, i, well) }) {
			if err == nil {
				t.Errorf("%d is said to be done", i)
			}
		}
		g.holds(nil)
		g.refuse.Store(false)
		g.queued(5, func(i int) error { return g.job(g.ctx, i, well) })
		g.holds([]int{0, 1, 2, 3, 4})
	})
}

// Whatever happens to whom, and whenever: what was reported done is there, all of
// it, and nothing else is.
func TestTogetherIsTrue(t *testing.T) {
	t.Parallel()
	g := newGroup(t, storetest.Options(t))
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	chance := rand.New(rand.NewPCG(seed, 0))
	var mu sync.Mutex
	var ok []int
	ran := map[string]int{}
	for round := range 24 {
		g.refuse.Store(round%8 == 7)
		if round%8 == 3 {
			g.full()
		}
		var wg sync.WaitGroup
		for n := range 100 {
			i, dice := round*100+n, chance.IntN(14)
			after, cancel := time.Duration(chance.IntN(5000))*time.Microsecond, chance.IntN(5) == 0
			wg.Go(func() {
				err := result(func() error { return g.throw(i, dice, after, cancel) })
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					ok = append(ok, i)
				}
				ran[kind(err)]++
			})
		}
		wg.Wait()
		g.room()
		g.holds(ok)
	}
	t.Log(ran, g.commits.Load(), "commits")
	g.refuse.Store(false)
	w := g.killed() // and it is on the disk
	(&group{world: w}).holds(ok)
}

// throw is one job to which something may happen.
func (g *group) throw(i, dice int, after time.Duration, cancelled bool) error {
	ctx, cancel := context.WithCancel(g.ctx)
	defer cancel()
	if cancelled {
		time.AfterFunc(after, cancel)
	}
	return g.job(ctx, i, func(t *store.Tx) error {
		switch dice {
		case 0:
			return errJob
		case 1:
			panic("one")
		case 2:
			runtime.Goexit()
		case 3:
			cancel()
		case 4:
			return half(t, i, 1)
		case 5:
			half(t, i, 1)
		case 6:
			if i%25 == 0 {
				return half(t, i, 99)
			}
		case 7:
			if i%25 == 0 {
				half(t, i, 99)
			}
		case 8: // more than fits a full disk
			_, err := t.Exec(`UPDATE jobs SET pad = zeroblob(200000) WHERE job = $1`, i)
			if err == nil {
				_, err = t.Exec(`UPDATE jobs SET pad = NULL WHERE job = $1`, i)
			}
			return err
		case 9:
			runtime.Gosched()
		}
		return nil
	})
}

// kind names how a job ended, for the log.
func kind(err error) string {
	var lite *sqlite.Error
	switch {
	case err == nil:
		return "done"
	case errors.As(err, &lite):
		return fmt.Sprint("sqlite ", lite.Code()&0xff)
	case errors.Is(err, driver.ErrBadConn):
		return "bad connection"
	}
	return err.Error()
}

// BenchmarkWriters has some people write all the time. One op is one write.
func BenchmarkWriters(b *testing.B) {
	for _, writers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("at-once=%d", writers), func(b *testing.B) {
			c, o := storetest.NewClock(), storetest.Options(b)
			s := storetest.OpenAt(b, o, c.Now)
			var next atomic.Int64
			var took []time.Duration
			var mu sync.Mutex
			people := make([]store.Who, writers)
			for i := range people {
				people[i] = store.Who{ID: store.Secret(fmt.Sprint(910000000000000000 + int64(i))), Name: store.Secret("kit")}
				if _, _, err := s.Invite(b.Context(), people[i], storetest.Consent); err != nil {
					b.Fatal(err)
				}
			}
			b.ResetTimer()
			var wg sync.WaitGroup
			for _, who := range people {
				wg.Go(func() {
					for paused := false; next.Add(1) <= int64(b.N); paused = !paused {
						act := s.Pause
						if paused {
							act = s.Resume
						}
						begun := time.Now()
						if err := act(b.Context(), who.ID); err != nil {
							b.Error(err)
						}
						mu.Lock()
						took = append(took, time.Since(begun))
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// The write-ahead log is copied into the file beside the writers, and begins anew:
// it does not grow with what is written.
func TestCheckpointKeepsTheLogShort(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	const writes = 600
	size := func() int64 {
		fi, err := os.Stat(w.opts.Path + "-wal")
		w.ok(err)
		return fi.Size()
	}
	id := 1 << 40
	write := func() {
		for range writes {
			id++
			w.ok(w.Seen(w.ctx, sam.ID, store.Secret(strconv.Itoa(id))))
			w.ok(w.Checkpoint(w.ctx))
		}
	}
	write()
	short := size()
	write()
	if after := size(); after > short+short/2 {
		t.Errorf("%d KB after %d writes, and %d KB after as many more", short>>10, writes, after>>10)
	}
	if short > 4<<20 {
		t.Errorf("%d KB after %d writes", short>>10, writes)
	}
}
