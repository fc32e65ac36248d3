package store_test

import (
	"errors"
	"testing"
	"time"

	"aftercare/store"
)

// TestAwake moves prompts out of quiet hours: over midnight, over both changes of
// the clocks, and in zones that are not whole hours off.
func TestAwake(t *testing.T) {
	night := store.Hours{From: 22 * 60, To: 9 * 60}
	for _, c := range []struct {
		zone, at, want string
		quiet          store.Hours
	}{
		{"Europe/Berlin", "2026-03-10T12:00:00Z", "2026-03-10T12:00:00Z", night},
		{"Europe/Berlin", "2026-03-10T20:59:00Z", "2026-03-10T20:59:00Z", night}, // 21:59
		{"Europe/Berlin", "2026-03-10T21:00:00Z", "2026-03-11T08:00:00Z", night}, // 22:00
		{"Europe/Berlin", "2026-03-11T07:59:00Z", "2026-03-11T08:00:00Z", night},
		{"Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T07:00:00Z", night},                          // the night that is an hour short
		{"Europe/Berlin", "2026-10-24T23:00:00Z", "2026-10-25T08:00:00Z", night},                          // and the one that is an hour long
		{"Europe/Berlin", "2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", store.Hours{From: 60, To: 150}}, // ends at 2:30, which that night is called 3:30
		{"Australia/Sydney", "2026-04-04T13:00:00Z", "2026-04-04T23:00:00Z", night},                       // back from +11 to +10
		{"Australia/Sydney", "2026-10-03T13:00:00Z", "2026-10-03T22:00:00Z", night},                       // forward
		{"Asia/Kolkata", "2026-03-11T20:00:00Z", "2026-03-12T03:30:00Z", night},
		{"Australia/Lord_Howe", "2026-04-04T13:00:00Z", "2026-04-04T22:30:00Z", night}, // half an hour back
		{"", "2026-03-10T23:00:00Z", "2026-03-10T23:00:00Z", night},                    // no zone, no quiet hours
		{"Europe/Berlin", "2026-03-10T23:00:00Z", "2026-03-10T23:00:00Z", store.Hours{}},
		{"UTC", "2026-03-10T13:30:00Z", "2026-03-10T14:00:00Z", store.Hours{From: 13 * 60, To: 14 * 60}},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		got := store.Settings{Zone: c.zone, Quiet: &c.quiet}.Awake(at)
		want, _ := time.Parse(time.RFC3339, c.want)
		if !got.Equal(want) {
			t.Errorf("%s in %q: %s, want %s", c.at, c.zone, got.UTC().Format(time.RFC3339), c.want)
		}
	}
}

// TestAwakeEnds walks through two years of half hours in odd zones: what is moved
// lies outside the quiet hours, ahead, and less than a day away.
func TestAwakeEnds(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "Australia/Lord_Howe", "America/New_York", "Asia/Kathmandu", "Africa/Casablanca"} {
		s := store.Settings{Zone: zone, Quiet: &store.Hours{From: 23*60 + 30, To: 2*60 + 15}}
		for at := time.Date(2026, 1, 1, 0, 7, 0, 0, time.UTC); at.Year() < 2028; at = at.Add(30 * time.Minute) {
			got := s.Awake(at)
			if got.Before(at) || got.Sub(at) > 5*time.Hour {
				t.Fatalf("%s in %s is moved to %s", at, zone, got)
			}
			if again := s.Awake(got); !again.Equal(got) {
				t.Fatalf("%s in %s is moved to %s, and then to %s", at, zone, got, again)
			}
		}
	}
}

func TestSettingsThatCannotBe(t *testing.T) {
	w, _ := linked(t)
	for name, change := range map[string]func(*store.Settings){
		"a zone that is none":   func(s *store.Settings) { s.Zone = "Middle/Earth" },
		"a mark too soon":       func(s *store.Settings) { s.Marks = []time.Duration{time.Minute} },
		"a mark too late":       func(s *store.Settings) { s.Marks = []time.Duration{8 * 24 * time.Hour} },
		"marks that fall":       func(s *store.Settings) { s.Marks = []time.Duration{48 * time.Hour, 24 * time.Hour} },
		"a mark twice":          func(s *store.Settings) { s.Marks = []time.Duration{24 * time.Hour, 24 * time.Hour} },
		"an hour that is none":  func(s *store.Settings) { s.Quiet = &store.Hours{From: 24 * 60} },
		"a share of everything": func(s *store.Settings) { s.Share = "everything" },
		"more than full":        func(s *store.Settings) { s.Much = "more" },
	} {
		if _, err := w.ChangeSettings(w.ctx, alex.ID, change); !errors.Is(err, store.ErrGone) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s, err := w.Settings(w.ctx, alex.ID); err != nil || s.Zone != "" || s.Marks != nil || s.Quiet != nil {
		t.Errorf("afterwards: %+v, %v", s, err)
	}
	if _, err := w.ChangeSettings(w.ctx, store.Secret("nobody"), func(*store.Settings) {}); !errors.Is(err, store.ErrNotAgreed) {
		t.Errorf("a stranger: %v", err)
	}
}
