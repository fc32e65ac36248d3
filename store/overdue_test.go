package store_test

import (
	"strings"
	"testing"
	"time"

	"aftercare/store"
)

// A check-in that is due and was held up, here by an outage, is still owed whatever
// has its person's check-ins planned anew.
func TestHeldUpIsStillOwed(t *testing.T) {
	t.Parallel()
	hours := func(marks ...time.Duration) []time.Duration {
		for i := range marks {
			marks[i] *= time.Hour
		}
		return marks
	}
	for name, c := range map[string]struct {
		act  func(w *world, sc store.Scene)
		want int // of the check-in at 24 hours
	}{
		"recorded once more":      {func(w *world, sc store.Scene) { w.again(alex, sam, sc) }, 1},
		"recorded by the partner": {func(w *world, sc store.Scene) { w.again(sam, alex, sc) }, 1},
		"another size": {func(w *world, sc store.Scene) {
			w.ok(second(w.ChangeScene(w.ctx, alex.ID, sc.ID, time.Time{}, store.Intense)))
		}, 1},
		"ended sooner": {func(w *world, sc store.Scene) {
			w.ok(second(w.ChangeScene(w.ctx, alex.ID, sc.ID, sc.EndedAt.Add(-time.Hour), "")))
		}, 1},
		"ended later: it comes then": {func(w *world, sc store.Scene) {
			w.ok(second(w.ChangeScene(w.ctx, alex.ID, sc.ID, sc.EndedAt.Add(2*time.Hour), "")))
		}, 0},
		"ended so much sooner that the last is due at once": {func(w *world, sc store.Scene) {
			w.ok(second(w.ChangeScene(w.ctx, alex.ID, sc.ID, sc.EndedAt.Add(-30*time.Hour), "")))
			w.rows(1, "checkins WHERE person = (SELECT person FROM participants WHERE recorded_at IS NOT NULL)")
		}, 1},
		"a line after an hour": {func(w *world, _ store.Scene) { w.set(alex, func(s *store.Settings) { s.Touch = true }) }, 1},
		"sooner times":         {func(w *world, _ store.Scene) { w.set(alex, func(s *store.Settings) { s.Marks = hours(20, 48) }) }, 1},
		"later times: another is to come": {func(w *world, _ store.Scene) {
			w.set(alex, func(s *store.Settings) { s.Marks = hours(30, 48) })
		}, 0},
		"nothing any more": {func(w *world, _ store.Scene) { w.set(alex, func(s *store.Settings) { s.Much = store.MuchNone }) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, _ := linked(t)
			sc := w.end(alex, sam)
			w.deliver()
			w.clock.Advance(25 * time.Hour)
			c.act(w, sc)
			w.got(w.deliver(), alex, store.KindCheckIn, c.want)
			more := 1
			if name == "nothing any more" || strings.Contains(name, "at once") {
				more = 0
			} else if c.want == 0 {
				more = 2
			}
			w.got(append(w.pass(8*time.Hour), w.pass(18*time.Hour)...), alex, store.KindCheckIn, more)
		})
	}
}

// again has somebody record a scene that was recorded already.
func (w *world) again(by, partner store.Who, sc store.Scene) {
	w.Helper()
	e := w.ended(by, partner)
	e.At = sc.EndedAt
	same, err := w.EndScene(w.ctx, e)
	w.ok(err)
	if same.ID != sc.ID {
		w.Error("it is another scene")
	}
}

// A notice that waited tells of no line that is past either.
func TestLateNoticeOfALine(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	_, err := w.ChangeSettings(w.ctx, sam.ID, func(s *store.Settings) { s.Much = store.MuchLight })
	w.ok(err)
	w.end(alex, sam)
	w.ok(w.MarkRefused(w.ctx, w.claimed(store.KindNotice)))
	w.clock.Advance(25 * time.Hour)
	w.ok(w.Retry(w.ctx, sam.ID))
	w.deliver()
	if n := w.last(sam, store.KindNotice).Notice; !n.Scene.LineAt.IsZero() {
		t.Errorf("it tells of %s, and now is %s", n.Scene.LineAt, w.clock.Now())
	}
}
