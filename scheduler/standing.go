package scheduler

import (
	"context"
	"errors"
	"time"

	"github.com/robfig/cron/v3"

	"aftercare/store"
)

// calendar is what standing check-ins, and pauses that end, need of the store.
type calendar interface {
	NextTurn(ctx context.Context) (time.Time, bool, error)
	EndPauses(ctx context.Context) error
	TurnsDue(ctx context.Context, n int) ([]store.Turn, error)
	TakeTurn(ctx context.Context, turn store.Turn, next time.Time) error
	AskFits(ctx context.Context) (int, error)
}

const turnsAtOnce = 100

// takeTurns ends the pauses and takes some turns whose time has come, and returns
// how long to sleep until the next: not at all when there may be more, so that what
// they booked is sent in between. When nothing is due it only reads.
func (s *Scheduler) takeTurns(ctx context.Context) time.Duration {
	next, ok, err := s.queue.NextTurn(ctx)
	if err != nil {
		return s.failed(ctx, "next turn", err)
	}
	if wait := next.Sub(s.now()); !ok || wait > idleLook {
		return idleLook
	} else if wait > 0 {
		return wait
	}
	if err := s.takeSome(ctx); err != nil {
		return s.failed(ctx, "turn", err)
	}
	return 0
}

func (s *Scheduler) takeSome(ctx context.Context) error {
	if err := s.queue.EndPauses(ctx); err != nil {
		return err
	}
	due, err := s.queue.TurnsDue(ctx, turnsAtOnce)
	if err != nil {
		return err
	}
	for _, turn := range due {
		next, err := nextTurn(turn, lookFrom(turn, s.now()))
		if err != nil {
			s.log.Error("a standing check-in can't be read, and rests", "err", err)
		}
		if err := s.queue.TakeTurn(ctx, turn, next); err != nil {
			return err
		}
	}
	return nil
}

// lookFrom returns the time after which the next turn is looked for: what was
// due while nobody looked is skipped, but for the last one if it is not too late.
func lookFrom(turn store.Turn, now time.Time) time.Time {
	if turn.At.IsZero() {
		return now
	}
	if late := now.Add(-store.TurnLate); turn.At.Before(late) {
		return late
	}
	return turn.At
}

var errNever = errors.New("it never comes")

// nextTurn returns when a standing check-in comes after a time; zero while its
// person's zone is not known.
func nextTurn(turn store.Turn, after time.Time) (time.Time, error) {
	if turn.Zone == nil {
		return time.Time{}, nil
	}
	schedule, err := cron.ParseStandard(turn.Spec.Reveal())
	if err != nil {
		return time.Time{}, errNever // cron's own error has the expression in it
	}
	// The schedule runs on what a clock on the wall shows, as if there were no
	// summer time: cron itself leaves out a time that a change of clocks skips.
	shown := onTheWall(after.In(turn.Zone))
	for {
		shown = schedule.Next(shown)
		if shown.IsZero() {
			return time.Time{}, errNever
		}
		if at := instant(shown, turn.Zone); at.After(after) {
			return at.UTC(), nil
		}
	}
}

// onTheWall returns what a clock shows, in UTC.
func onTheWall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// instant returns when the clocks of a zone first show a time. Where they leave it
// out, that is the moment at which they are put forward.
func instant(shown time.Time, zone *time.Location) time.Time {
	offset := func(by time.Duration) time.Duration {
		_, seconds := shown.Add(by).In(zone).Zone()
		return time.Duration(seconds) * time.Second
	}
	before, after := offset(-26*time.Hour), offset(26*time.Hour)
	first, last := shown.Add(-max(before, after)), shown.Add(-min(before, after))
	for _, at := range []time.Time{first, last} {
		if onTheWall(at.In(zone)).Equal(shown) {
			return at.In(zone)
		}
	}
	change, _ := last.In(zone).ZoneBounds()
	return change
}
