package bot

import (
	"errors"
	"testing"
	"time"
)

func TestParseUntil(t *testing.T) {
	zone := whenBerlin(t)
	now := time.Date(2026, 3, 11, 20, 0, 0, 0, zone) // a Wednesday
	for _, c := range []struct{ words, want string }{
		{"tomorrow", "Thu 2026-03-12 09:00:00"},
		{"until tomorrow", "Thu 2026-03-12 09:00:00"},
		{"Tomorrow at 18:00", "Thu 2026-03-12 18:00:00"},
		{"tomorrow evening", "Thu 2026-03-12 18:00:00"},
		{"tomorrow evening at 8", "Thu 2026-03-12 20:00:00"},
		{"the day after tomorrow", "Fri 2026-03-13 09:00:00"},
		{"Friday", "Fri 2026-03-13 09:00:00"},
		{"friday 6pm", "Fri 2026-03-13 18:00:00"},
		{"next friday", "Fri 2026-03-13 09:00:00"},
		{"wednesday", "Wed 2026-03-18 09:00:00"},
		{"wed 21:00", "Wed 2026-03-18 21:00:00"},
		{"next week", "Mon 2026-03-16 09:00:00"},
		{"next month", "Wed 2026-04-01 09:00:00"},
		{"21:30", "Wed 2026-03-11 21:30:00"},
		{"9:30", "Thu 2026-03-12 09:30:00"},
		{"noon", "Thu 2026-03-12 12:00:00"},
		{"tonight at 11", "Wed 2026-03-11 23:00:00"},
		{"in 2 weeks", "Wed 2026-03-25 20:00:00"},
		{"2 weeks", "Wed 2026-03-25 20:00:00"},
		{"for 3 days", "Sat 2026-03-14 20:00:00"},
		{"in two weeks", "Wed 2026-03-25 20:00:00"},
		{"an hour", "Wed 2026-03-11 21:00:00"},
		{"in 30 min", "Wed 2026-03-11 20:30:00"},
		{"31 Dec", "Thu 2026-12-31 09:00:00"},
		{"Dec 31st 18:00", "Thu 2026-12-31 18:00:00"},
		{"1 jan", "Fri 2027-01-01 09:00:00"},
		{"the 31st of march", "Tue 2026-03-31 09:00:00"},
		{"2026-04-01", "Wed 2026-04-01 09:00:00"},
		{"2026-04-01 18:00", "Wed 2026-04-01 18:00:00"},
		{"1/4/2026", "Wed 2026-04-01 09:00:00"},
	} {
		got, _, err := parseUntil(c.words, now, zone)
		if err != nil {
			t.Errorf("%q: %v", c.words, err)
		} else if s := got.In(zone).Format(whenLayout); c.words != "in 2 weeks" && s != c.want {
			t.Errorf("%q is %s, want %s", c.words, s, c.want)
		}
	}
	for words, want := range map[string]error{
		"":                    errUntilUnread,
		"until":               errUntilUnread,
		"whenever":            errUntilUnread,
		"friday-ish":          errUntilUnread,
		"2 weeks ago":         errUntilUnread,
		"at 9":                errUntilUnread, // morning or evening
		"31 feb":              errUntilUnread,
		"friday midnight":     errUntilUnread,
		"today 9:00":          errUntilPast,
		"2026-03-01":          errUntilPast,
		"now":                 errUntilUnread,
		"in 2 years":          errUntilFar,
		"in 99999999999 days": errUntilFar,
		"2036-03-01":          errUntilFar,
		"завтра":              errUntilUnread,
	} {
		if got, _, err := parseUntil(words, now, zone); !errors.Is(err, want) {
			t.Errorf("%q: %v, %v; want %v", words, got, err, want)
		}
	}
}

func FuzzParseUntil(f *testing.F) {
	for _, words := range []string{"tomorrow", "friday 6pm", "in 2 weeks", "31 Dec", "2026-04-01 18:00"} {
		f.Add(words)
	}
	zone := whenBerlin(f)
	now := time.Date(2026, 3, 28, 22, 0, 0, 0, zone)
	f.Fuzz(func(t *testing.T, words string) {
		got, _, err := parseUntil(words, now, zone)
		if err == nil && (!got.After(now) || got.Sub(now) > untilMost) {
			t.Errorf("%q: %v", words, got)
		}
	})
}
