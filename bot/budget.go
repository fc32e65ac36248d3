package bot

import (
	queue "container/list"
	"errors"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// budget limits how often each may do something. It remembers no more than
// mostBudgets of them: then whoever used it longest ago is forgotten.
type budget struct {
	most int
	per  time.Duration
	now  func() time.Time

	mu    sync.Mutex
	used  map[string]*queue.Element // of order
	order *queue.List               // of *spending: whoever used it last is last
}

type spending struct {
	key   string
	times []time.Time
}

const mostBudgets = 10_000

func newBudget(most int, per time.Duration, now func() time.Time) *budget {
	return &budget{most: most, per: per, now: now, used: map[string]*queue.Element{}, order: queue.New()}
}

// spent tells whether key has used up its budget.
func (b *budget) spent(key string) bool { return b.count(key) >= b.most }

// count tells how much of its budget key has used.
func (b *budget) count(key string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.recent(key))
}

// spend uses one.
func (b *budget) spend(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	times := append(b.recent(key), b.now())
	if e, ok := b.used[key]; ok {
		b.drop(e)
	}
	for first := b.order.Front(); first != nil; first = b.order.Front() {
		if len(b.used) < mostBudgets && len(b.recent(first.Value.(*spending).key)) > 0 {
			break
		}
		b.drop(first)
	}
	b.used[key] = b.order.PushBack(&spending{key, times})
}

func (b *budget) drop(e *queue.Element) { delete(b.used, b.order.Remove(e).(*spending).key) }

func (b *budget) recent(key string) []time.Time {
	e, ok := b.used[key]
	if !ok {
		return nil
	}
	times := e.Value.(*spending).times
	for len(times) > 0 && b.now().Sub(times[0]) >= b.per {
		times = times[1:]
	}
	return times
}

// guesses are the codes that were entered and are none. Past the limit no code is
// looked at, so that a right one is answered as a wrong one is.
//
// Each person has a few wrong ones an hour. All together have many, so that an
// owner of many accounts gets nowhere either; but past those a person's first one
// in an hour is still looked at, so that nobody can use up everybody's. A code has
// 50 bits of chance: with 50,000 of them out, and 200 wrong ones a second by more
// accounts than are remembered, the first is found in about 3 years.
//
// They are counted in memory: a table would have to note who entered something,
// and most of them have agreed to nothing; and it would let a stranger write to
// the disk as often as they like. A restart forgives a few.
type guesses struct {
	each *budget
	all  *rate.Limiter
	now  func() time.Time
}

// errGuesses is for somebody who has entered too many codes that are none.
var errGuesses = errors.New("too many codes that are none")

const (
	guessesEach = 5 // an hour
	guessesAll  = 600
)

func newGuesses(now func() time.Time) *guesses {
	return &guesses{
		each: newBudget(guessesEach, time.Hour, now),
		all:  rate.NewLimiter(rate.Every(time.Hour/guessesAll), guessesAll),
		now:  now,
	}
}

// spent tells whether somebody is to wait before another code of theirs is looked at.
func (g *guesses) spent(account string) bool {
	n := g.each.count(account)
	return n >= guessesEach || n > 0 && g.all.TokensAt(g.now()) < 1
}

// spend notes a wrong one.
func (g *guesses) spend(account string) {
	g.each.spend(account)
	g.all.AllowN(g.now(), 1)
}
