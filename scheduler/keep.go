package scheduler

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/robfig/cron/v3"
)

// Keeper keeps backups.
type Keeper interface {
	// LastBackup returns when the newest backup was taken; zero if there is none.
	LastBackup() (time.Time, error)
	// Backup takes one.
	Backup(ctx context.Context) error
	// CopyKeys has the copy of the keys forget those that were destroyed since.
	CopyKeys(ctx context.Context) error
}

const (
	keepLook  = "@every 1m"      // how long a key that was destroyed is still in the copy, at most
	keepAgain = 15 * time.Minute // after a failure
)

// keeping is the backups. What is there tells when the next one is due: so one that
// was missed while nothing ran is taken at the next start.
type keeping struct {
	keeper Keeper
	every  cron.Schedule
	now    func() time.Time
	log    *slog.Logger

	mu       sync.Mutex
	keys, db pause
}

// pause is when something that failed is to be tried again.
type pause struct{ until time.Time }

func (p *pause) over(now time.Time) bool {
	return !now.Before(p.until) || p.until.Sub(now) > keepAgain // the clock was ahead
}

// Keep has backups taken at the times of a cron line, which CheckTimes takes.
// Before Run only.
func (s *Scheduler) Keep(times string, k Keeper) {
	every, err := parseTimes(times, s.now())
	if err != nil {
		panic("scheduler: " + err.Error())
	}
	s.keeping = &keeping{keeper: k, every: every, now: s.now, log: s.log}
}

// CheckTimes tells whether a cron line can be understood and ever comes.
func CheckTimes(times string) error {
	_, err := parseTimes(times, time.Now())
	return err
}

// Missed tells whether a time of a cron line, which CheckTimes takes, has passed
// between two moments.
func Missed(times string, last, now time.Time) bool {
	every, err := parseTimes(times, now)
	return err == nil && every.Next(last.UTC()).Before(now)
}

// parseTimes reads a cron line of five fields or a word such as @daily. It is in
// UTC unless it says otherwise.
func parseTimes(times string, now time.Time) (cron.Schedule, error) {
	every, err := cron.ParseStandard(times)
	if err != nil {
		return nil, err
	}
	if every.Next(now.UTC()).IsZero() {
		return nil, errors.New("it never comes")
	}
	return every, nil
}

// runOnce brings the copy of the keys up to date, and takes a backup if one is
// due. One of them failing does not hold up the other.
func (k *keeping) runOnce(ctx context.Context) {
	if !k.mu.TryLock() { // the one before takes its time
		return
	}
	defer k.mu.Unlock()
	now := k.now()
	k.try(ctx, &k.keys, now, "the copy of the keys could not be brought up to date; trying again in a while", k.keeper.CopyKeys)
	k.try(ctx, &k.db, now, "no backup could be taken; trying again in a while", func(ctx context.Context) error {
		last, err := k.keeper.LastBackup()
		if err != nil || k.every.Next(last.UTC()).After(now) {
			return err
		}
		return k.keeper.Backup(ctx)
	})
}

func (k *keeping) try(ctx context.Context, p *pause, now time.Time, failed string, do func(context.Context) error) {
	if !p.over(now) {
		return
	}
	p.until = time.Time{}
	if err := do(ctx); err != nil && ctx.Err() == nil {
		p.until = now.Add(keepAgain)
		k.log.Error(failed, "in", keepAgain, "err", err)
	}
}
