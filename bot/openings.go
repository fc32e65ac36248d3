package bot

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// openings spreads the new DMs: Discord blocks whoever opens many at once. Who has
// to wait is told when to come again, each a moment after the one before, and
// keeps nobody else from being served meanwhile.
type openings struct {
	mu   sync.Mutex
	pace *rate.Limiter
	last time.Time // when the last of those who wait was told to come
}

const (
	openingsAtOnce = 5
	openingEvery   = time.Second

	// Who waits comes this much later than their turn: one who came a moment too
	// early would have to go to the end of the line.
	openingSlack = 10 * time.Millisecond
)

func newOpenings() *openings {
	return &openings{pace: rate.NewLimiter(rate.Every(openingEvery), openingsAtOnce)}
}

// turn tells whoever is about to open a DM how long to wait; 0 is not at all.
func (o *openings) turn() time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.pace.Allow() {
		return 0
	}
	now := time.Now()
	if o.last.Before(now) {
		o.last = now
	}
	o.last = o.last.Add(openingEvery + openingSlack)
	return o.last.Sub(now)
}
