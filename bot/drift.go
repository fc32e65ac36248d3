package bot

import (
	"net/http"
	"sync/atomic"
	"time"
)

// drift compares this machine's clock with Discord's, by the Date of its answers.
type drift struct {
	known atomic.Bool
	off   atomic.Int64 // how far ours is ahead, in nanoseconds
}

// learn reads the Date of an answer to a request of a moment ago. It says whole
// seconds, so what is meant is half a second more, give or take as much.
func (d *drift) learn(h http.Header, asked, answered time.Time) {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return
	}
	between := asked.Add(answered.Sub(asked) / 2)
	d.off.Store(int64(between.Sub(date.Add(time.Second / 2))))
	d.known.Store(true)
}

func (d *drift) ahead() (time.Duration, bool) {
	return time.Duration(d.off.Load()), d.known.Load()
}
