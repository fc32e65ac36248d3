package store

import (
	"math/rand/v2"
	"sync"
	"time"
)

// epoch is when row numbers start to count, in Unix milliseconds (2025-01-01).
const epoch = 1735689600000

// idSource makes row numbers: milliseconds since the epoch, then 21 bits of
// chance. They rise with time, which keeps the rows of one week on neighbouring
// pages, and they can't be guessed from one's own, which tells nobody how many
// others there are. They fit JavaScript's and SQLite's integers alike.
type idSource struct {
	mu   sync.Mutex
	last int64
}

func (s *idSource) next(now time.Time) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := (now.UnixMilli()-epoch)<<21 | rand.Int64N(1<<21)
	if id <= s.last {
		id = s.last + 1 + rand.Int64N(1<<8)
	}
	s.last = id
	return id
}
