package scheduler

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aftercare/store/storetest"
)

// shelf is a keeper whose backups are times.
type shelf struct {
	taken  []time.Time
	copied int
	fails  error
}

func (s *shelf) LastBackup() (last time.Time, err error) {
	if len(s.taken) > 0 {
		last = s.taken[len(s.taken)-1]
	}
	return last, nil
}

func (s *shelf) Backup(context.Context) error {
	if s.fails != nil {
		return s.fails
	}
	s.taken = append(s.taken, time.Now())
	return nil
}

func (s *shelf) CopyKeys(context.Context) error { s.copied++; return nil }

// keep runs a scheduler with a shelf for a while.
func keep(t *testing.T, times string, s *shelf, for_ time.Duration) (log string) {
	t.Helper()
	var b bytes.Buffer
	st := storetest.OpenAt(t, storetest.Options(t), time.Now)
	defer st.Close()
	sch := New(st, nil, time.Now, slog.New(slog.NewTextHandler(&b, nil)))
	sch.Keep(times, s)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan bool)
	go func() { sch.Run(ctx); close(done) }()
	time.Sleep(for_) // in the bubble's time
	cancel()
	<-done
	return b.String()
}

// Backups come at the times of the line, in UTC; the first at once, and one that
// was missed at the next start. The copy of the keys is looked at every minute.
func TestKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now() // midnight UTC, by the bubble's clock
		s := &shelf{}
		keep(t, "0 4 * * *", s, 48*time.Hour)
		if s.copied < 48*60 {
			t.Errorf("the keys were looked at %d times in two days", s.copied)
		}
		time.Sleep(28*time.Hour + 30*time.Minute) // off over 04:00, and until 04:30 a day later
		keep(t, "0 4 * * *", s, time.Hour)
		keep(t, "@every 6h", s, 7*time.Hour)
		var got []string
		for _, at := range s.taken {
			got = append(got, at.Sub(begun).Truncate(time.Minute).String())
		}
		want := "0s 4h0m0s 28h0m0s 76h30m0s 82h30m0s"
		if strings.Join(got, " ") != want {
			t.Errorf("taken at %v, want %s", got, want)
		}
	})
}

// A failure is said, is tried again after a while and not every minute, and does
// not keep the keys from being copied for longer.
func TestKeepFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{fails: errors.New("the folder is gone")}
		log := keep(t, "@daily", s, time.Hour-30*time.Second)
		if n := strings.Count(log, "the folder is gone"); n != 4 {
			t.Errorf("said %d times in an hour, want 4\n%s", n, log)
		}
		if s.copied < 60 || len(s.taken) != 0 {
			t.Errorf("%d, %v", s.copied, s.taken)
		}
		s.fails = nil
		keep(t, "@daily", s, time.Minute)
		if len(s.taken) != 1 {
			t.Errorf("%v", s.taken)
		}
	})
}

func TestCheckTimes(t *testing.T) {
	for times, ok := range map[string]bool{
		"0 4 * * *": true, "@daily": true, "@every 6h": true, "CRON_TZ=Europe/Berlin 0 4 * * 1-5": true,
		"": false, "4": false, "0 25 * * *": false, "@sometimes": false, "@every soon": false,
		"0 0 30 2 *": false, "CRON_TZ=Nowhere/Land 0 4 * * *": false, "0 0 4 * * *": false,
	} {
		if err := CheckTimes(times); (err == nil) != ok {
			t.Errorf("%q: %v", times, err)
		}
	}
}
