package scheduler

import (
	"testing"
	"testing/synctest"
	"time"

	"aftercare/store"
	"aftercare/store/storetest"
)

// TestTurnsOverClockChanges: a time comes once each day that it is to come, at the
// time that the clocks of the person show, also on the days on which they change.
func TestTurnsOverClockChanges(t *testing.T) {
	for _, c := range []struct {
		name, zone, spec, after string
		want                    []string
	}{
		{"Berlin, an ordinary time", "Europe/Berlin", "0 19 * * 0", "2026-03-23T00:00", []string{"2026-03-29T19:00+02:00", "2026-04-05T19:00+02:00"}},
		{"Berlin, back", "Europe/Berlin", "0 19 * * *", "2026-10-24T12:00", []string{"2026-10-24T19:00+02:00", "2026-10-25T19:00+01:00", "2026-10-26T19:00+01:00"}},
		{"Berlin, left out", "Europe/Berlin", "30 2 * * *", "2026-03-28T00:00", []string{"2026-03-28T02:30+01:00", "2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"}},
		{"Berlin, left out on a weekday", "Europe/Berlin", "15 2 * * 0", "2026-03-28T00:00", []string{"2026-03-29T03:00+02:00", "2026-04-05T02:15+02:00"}},
		{"Berlin, twice", "Europe/Berlin", "30 2 * * *", "2026-10-24T12:00", []string{"2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"}},
		{"Sydney, left out", "Australia/Sydney", "30 2 * * *", "2026-10-03T00:00", []string{"2026-10-03T02:30+10:00", "2026-10-04T03:00+11:00", "2026-10-05T02:30+11:00"}},
		{"Sydney, twice", "Australia/Sydney", "30 2 * * *", "2026-04-04T12:00", []string{"2026-04-05T02:30+11:00", "2026-04-06T02:30+10:00"}},
		{"Sydney, an ordinary time", "Australia/Sydney", "0 19 * * 0", "2026-04-01T00:00", []string{"2026-04-05T19:00+10:00", "2026-04-12T19:00+10:00"}},
		{"Kolkata", "Asia/Kolkata", "0 19 * * 1-5", "2026-03-13T20:00", []string{"2026-03-16T19:00+05:30", "2026-03-17T19:00+05:30"}},
		{"Adelaide, left out", "Australia/Adelaide", "0 2 * * *", "2026-10-03T12:00", []string{"2026-10-04T03:00+10:30", "2026-10-05T02:00+10:30"}},
		{"Adelaide, twice", "Australia/Adelaide", "45 2 * * *", "2026-04-04T12:00", []string{"2026-04-05T02:45+10:30", "2026-04-06T02:45+09:30"}},
		{"Lord Howe, left out", "Australia/Lord_Howe", "15 2 * * *", "2026-10-03T12:00", []string{"2026-10-04T02:30+11:00", "2026-10-05T02:15+11:00"}},
		{"Lord Howe, twice", "Australia/Lord_Howe", "45 1 * * *", "2026-04-04T12:00", []string{"2026-04-05T01:45+11:00", "2026-04-06T01:45+10:30"}},
		{"Cairo, a midnight left out", "Africa/Cairo", "0 0 * * *", "2026-04-23T12:00", []string{"2026-04-24T01:00+03:00", "2026-04-25T00:00+03:00"}},
		{"a day of the month", "America/St_Johns", "0 9 1 * *", "2026-10-02T00:00", []string{"2026-11-01T09:00-03:30", "2026-12-01T09:00-03:30"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			zone, err := time.LoadLocation(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			after, err := time.ParseInLocation("2006-01-02T15:04", c.after, zone)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range c.want {
				next, err := nextTurn(store.Turn{Spec: store.Secret(c.spec), Zone: zone}, after)
				if err != nil {
					t.Fatal(err)
				}
				if got := next.In(zone).Format("2006-01-02T15:04Z07:00"); got != want {
					t.Fatalf("after %v it comes %s, want %s", after, got, want)
				}
				after = next
			}
		})
	}
}

// TestOnceADay looks from every minute of the days around a change.
func TestOnceADay(t *testing.T) {
	for name, start := range map[string]time.Time{
		"Europe/Berlin":       time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC),
		"Australia/Sydney":    time.Date(2026, 4, 4, 0, 0, 0, 0, time.UTC),
		"Australia/Lord_Howe": time.Date(2026, 10, 3, 0, 0, 0, 0, time.UTC),
		"America/St_Johns":    time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC),
	} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range []string{"0 2 * * *", "30 2 * * *", "45 1 * * *", "0 0 * * *", "0 3 * * *"} {
			days := map[string]time.Time{}
			for m := range 3 * 24 * 60 {
				next, err := nextTurn(store.Turn{Spec: store.Secret(spec), Zone: zone}, start.Add(time.Duration(m)*time.Minute))
				if err != nil {
					t.Fatal(err)
				}
				day := next.In(zone).Format(time.DateOnly)
				if before, ok := days[day]; ok && !before.Equal(next) {
					t.Fatalf("%s %s comes twice on %s: %v and %v", name, spec, day, before, next)
				}
				days[day] = next
			}
			if len(days) < 4 || len(days) > 5 {
				t.Errorf("%s %s comes on %d days", name, spec, len(days))
			}
		}
	}
}

func TestNoNextTurn(t *testing.T) {
	if next, err := nextTurn(store.Turn{Spec: store.Secret("0 19 * * 0")}, time.Now()); err != nil || !next.IsZero() {
		t.Error("without a zone there is no time", next, err)
	}
	for _, spec := range []string{"", "soon", "0 19 31 2 *", "61 * * * *"} {
		if next, err := nextTurn(store.Turn{Spec: store.Secret(spec), Zone: time.UTC}, time.Now()); err == nil || !next.IsZero() {
			t.Error(spec, next, err)
		}
	}
}

// TestLookFrom: what was due while nobody looked is skipped, but for the last one
// of the last 12 hours.
func TestLookFrom(t *testing.T) {
	noon := time.Date(2026, 3, 13, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		at, now, want time.Time
	}{
		{time.Time{}, noon.Add(time.Hour), noon.AddDate(0, 0, 1)},                   // to be computed: only what is to come
		{noon, noon.Add(time.Second), noon.AddDate(0, 0, 1)},                        // on time
		{noon, noon.Add(11 * time.Hour), noon.AddDate(0, 0, 1)},                     // late, and the last
		{noon.AddDate(0, 0, -5), noon.Add(2 * time.Hour), noon},                     // the last of several, late
		{noon.AddDate(0, 0, -5), noon.Add(13 * time.Hour), noon.AddDate(0, 0, 1)},   // too late
		{noon.AddDate(0, 0, -1), noon.Add(24*time.Hour - 1), noon.AddDate(0, 0, 1)}, // just before the next
	} {
		turn := store.Turn{Spec: store.Secret("0 12 * * *"), Zone: time.UTC, At: c.at}
		next, err := nextTurn(turn, lookFrom(turn, c.now))
		if err != nil || !next.Equal(c.want) {
			t.Errorf("at %v, due at %v: %v, want %v (%v)", c.now, c.at, next, c.want, err)
		}
	}
}

// TestTurnsAreTaken: a standing check-in comes on time, and not during a pause,
// which ends by itself.
func TestTurnsAreTaken(t *testing.T) {
	bubble(t, func(w *world) {
		w.link(storetest.Alex, storetest.Sam)
		_, err := w.ChangeSettings(w.Context(), storetest.Alex.ID, func(s *store.Settings) { s.Zone = "Asia/Kolkata" })
		if err != nil {
			w.Fatal(err)
		}
		_, err = w.Propose(w.Context(), store.Proposal{By: storetest.Alex, Alone: true, Spec: store.Secret("30 12 * * *"), Request: "1"})
		if err != nil {
			w.Fatal(err)
		}
		w.sch.Wake()
		synctest.Wait()
		due, ok, err := w.NextTurn(w.Context())
		if err != nil || !ok || time.Until(due) > 24*time.Hour || due.Format("15:04") != "07:00" {
			w.Fatal(due, ok, err)
		}
		time.Sleep(time.Until(due) - time.Millisecond)
		synctest.Wait()
		if sent := w.sent(); len(sent) != 0 {
			w.Errorf("%d too soon", len(sent))
		}
		time.Sleep(101 * time.Millisecond)
		synctest.Wait()
		if sent := w.sent(); len(sent) != 1 || sent[0].kind != store.KindCheckIn {
			w.Errorf("within 100 ms: %v", sent)
		}
		if err := w.PauseUntil(w.Context(), storetest.Alex.ID, due.Add(25*time.Hour)); err != nil {
			w.Fatal(err)
		}
		w.sch.Wake()
		time.Sleep(47 * time.Hour)
		if sent := w.sent(); len(sent) != 0 {
			w.Errorf("%d during a pause", len(sent))
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if sent := w.sent(); len(sent) != 1 {
			w.Errorf("%d after it", len(sent))
		}
	})
}
