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
// others there are. They fit 63 bits for 139 years; JavaScript would need them as
// text.
type idSource struct {
	mu   sync.Mutex
	last int64
}

// firstID is the lowest number that may be given out at a time.
func firstID(at time.Time) int64 { return (at.UnixMilli() - epoch) << 21 }

// after makes all further numbers higher than id: after a restart with the clock
// stepped back they still rise.
func (s *idSource) after(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = max(s.last, id)
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
