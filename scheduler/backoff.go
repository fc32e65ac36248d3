package scheduler

import (
	"math/rand/v2"
	"time"
)

const (
	firstRetry = 2 * time.Second
	lastRetry  = 15 * time.Minute
)

// backoff returns how long to wait after so many failed attempts: twice as long
// each time up to 15 minutes, less up to a fifth by chance, so that those who
// failed together don't come back together.
func backoff(attempts int) time.Duration {
	d := lastRetry
	if attempts < 10 {
		d = min(firstRetry<<attempts, lastRetry)
	}
	return d - rand.N(d/5)
}
