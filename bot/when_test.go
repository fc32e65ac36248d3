package bot

import (
	"errors"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

func whenBerlin(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

const whenLayout = "Mon 2006-01-02 15:04:05"

// Every form that may be read, and the local time it means on Wednesday
// 2026-03-11 at 20:00. The two zones must agree, as no clock changed that week.
var whenRead = []struct{ words, want string }{
	// Now.
	{"", "Wed 2026-03-11 20:00:00"},
	{"   ", "Wed 2026-03-11 20:00:00"},
	{"now", "Wed 2026-03-11 20:00:00"},
	{"just now", "Wed 2026-03-11 20:00:00"},
	{"Right  NOW.", "Wed 2026-03-11 20:00:00"},

	// How long ago, in digits.
	{"2h ago", "Wed 2026-03-11 18:00:00"},
	{"2 h ago", "Wed 2026-03-11 18:00:00"},
	{"2 hours ago", "Wed 2026-03-11 18:00:00"},
	{"2 HOURS AGO", "Wed 2026-03-11 18:00:00"},
	{"2h", "Wed 2026-03-11 18:00:00"},
	{"45m", "Wed 2026-03-11 19:15:00"},
	{"90m ago", "Wed 2026-03-11 18:30:00"},
	{"90 min ago", "Wed 2026-03-11 18:30:00"},
	{"1h30m ago", "Wed 2026-03-11 18:30:00"},
	{"1h30 ago", "Wed 2026-03-11 18:30:00"},
	{"1 h 30 min ago", "Wed 2026-03-11 18:30:00"},
	{"1 hour and 30 minutes ago", "Wed 2026-03-11 18:30:00"},
	{"1.5 hours ago", "Wed 2026-03-11 18:30:00"},
	{"1,5h", "Wed 2026-03-11 18:30:00"},
	{"30 seconds ago", "Wed 2026-03-11 19:59:30"},
	{"1.5s ago", "Wed 2026-03-11 19:59:58"},
	{"2 days ago", "Mon 2026-03-09 20:00:00"},
	{"1d 2h ago", "Tue 2026-03-10 18:00:00"},
	{"1 week ago", "Wed 2026-03-04 20:00:00"},
	{"7 days ago", "Wed 2026-03-04 20:00:00"},
	{"0h ago", "Wed 2026-03-11 20:00:00"},
	{"about 2h ago", "Wed 2026-03-11 18:00:00"},
	{"ended around 2h ago", "Wed 2026-03-11 18:00:00"},
	{"~2h", "Wed 2026-03-11 18:00:00"},
	{"~ 2 hours ago", "Wed 2026-03-11 18:00:00"},

	// How long ago, in words.
	{"an hour ago", "Wed 2026-03-11 19:00:00"},
	{"an hour", "Wed 2026-03-11 19:00:00"},
	{"half an hour ago", "Wed 2026-03-11 19:30:00"},
	{"an hour and a half ago", "Wed 2026-03-11 18:30:00"},
	{"two hours ago", "Wed 2026-03-11 18:00:00"},
	{"a couple of hours ago", "Wed 2026-03-11 18:00:00"},
	{"a few hours ago", "Wed 2026-03-11 17:00:00"},
	{"a day ago", "Tue 2026-03-10 20:00:00"},
	{"three days ago", "Sun 2026-03-08 20:00:00"},
	{"a week ago", "Wed 2026-03-04 20:00:00"},

	// A time of day: the latest one.
	{"14:00", "Wed 2026-03-11 14:00:00"},
	{"at 14:00", "Wed 2026-03-11 14:00:00"},
	{"20:00", "Wed 2026-03-11 20:00:00"},
	{"20:01", "Wed 2026-03-11 20:01:00"},
	{"20:02", "Tue 2026-03-10 20:02:00"},
	{"9:30", "Wed 2026-03-11 09:30:00"},
	{"at 9pm", "Tue 2026-03-10 21:00:00"},
	{"9 pm", "Tue 2026-03-10 21:00:00"},
	{"9.30pm", "Tue 2026-03-10 21:30:00"},
	{"11:30 p.m.", "Tue 2026-03-10 23:30:00"},
	{"at 21", "Tue 2026-03-10 21:00:00"},
	{"12am", "Wed 2026-03-11 00:00:00"},
	{"12pm", "Wed 2026-03-11 12:00:00"},
	{"noon", "Wed 2026-03-11 12:00:00"},
	{"midnight", "Wed 2026-03-11 00:00:00"},
	{"at midnight", "Wed 2026-03-11 00:00:00"},

	// A day, and a time of it.
	{"today", "Wed 2026-03-11 20:00:00"},
	{"today 14:00", "Wed 2026-03-11 14:00:00"},
	{"today at noon", "Wed 2026-03-11 12:00:00"},
	{"yesterday", "Tue 2026-03-10 20:00:00"},
	{"Yesterday 23:30", "Tue 2026-03-10 23:30:00"},
	{"yesterday, 23:30", "Tue 2026-03-10 23:30:00"},
	{"yesterday at 11pm", "Tue 2026-03-10 23:00:00"},
	{"yesterday 11:30 pm", "Tue 2026-03-10 23:30:00"},
	{"yesterday at 12am", "Tue 2026-03-10 00:00:00"},
	{"11pm yesterday", "Tue 2026-03-10 23:00:00"},
	{"the day before yesterday at 23:00", "Mon 2026-03-09 23:00:00"},
	{"2026-03-10", "Tue 2026-03-10 20:00:00"},
	{"2026-03-10 21:30", "Tue 2026-03-10 21:30:00"},
	{"2026-03-10T21:30", "Tue 2026-03-10 21:30:00"},
	{"march 9th at 9pm", "Mon 2026-03-09 21:00:00"},
	{"9 march 21:00", "Mon 2026-03-09 21:00:00"},
	{"9th of march, 21:00", "Mon 2026-03-09 21:00:00"},
	{"9/3/2026 21:00", "Mon 2026-03-09 21:00:00"},

	// A part of a day, which says what an hour means.
	{"this morning", "Wed 2026-03-11 08:00:00"},
	{"this morning at 9", "Wed 2026-03-11 09:00:00"},
	{"this afternoon", "Wed 2026-03-11 15:00:00"},
	{"at 3 in the afternoon", "Wed 2026-03-11 15:00:00"},
	{"this evening", "Wed 2026-03-11 18:00:00"},
	{"this evening at 7", "Wed 2026-03-11 19:00:00"},
	{"tonight", "Wed 2026-03-11 20:00:00"},
	{"tonight at 7:30", "Wed 2026-03-11 19:30:00"},
	{"last night", "Tue 2026-03-10 23:00:00"},
	{"last night at 11", "Tue 2026-03-10 23:00:00"},
	{"last night 23:30", "Tue 2026-03-10 23:30:00"},
	{"last night at 12", "Wed 2026-03-11 00:00:00"},
	{"last night at midnight", "Wed 2026-03-11 00:00:00"},
	{"last night at 1", "Wed 2026-03-11 01:00:00"},
	{"last night at 1:30am", "Wed 2026-03-11 01:30:00"},
	{"9pm last night", "Tue 2026-03-10 21:00:00"},
	{"yesterday evening", "Tue 2026-03-10 18:00:00"},
	{"yesterday in the evening at 9", "Tue 2026-03-10 21:00:00"},
	{"friday night at 1", "Sat 2026-03-07 01:00:00"},

	// A weekday: the latest one.
	{"monday 20:00", "Mon 2026-03-09 20:00:00"},
	{"monday", "Mon 2026-03-09 20:00:00"},
	{"on monday at 8pm", "Mon 2026-03-09 20:00:00"},
	{"20:00 on monday", "Mon 2026-03-09 20:00:00"},
	{"this monday 20:00", "Mon 2026-03-09 20:00:00"},
	{"tues 20:00", "Tue 2026-03-10 20:00:00"},
	{"last friday", "Fri 2026-03-06 20:00:00"},
	{"friday at 21:30", "Fri 2026-03-06 21:30:00"},
	{"thursday", "Thu 2026-03-05 20:00:00"},
	{"wednesday", "Wed 2026-03-04 20:00:00"},
	{"wednesday 19:00", "Wed 2026-03-11 19:00:00"},
	{"wednesday 21:00", "Wed 2026-03-04 21:00:00"},
}

func TestWhenReads(t *testing.T) {
	for _, zone := range []*time.Location{time.UTC, whenBerlin(t)} {
		now := time.Date(2026, 3, 11, 20, 0, 0, 987, zone)
		for _, c := range whenRead {
			got, err := parseWhen(c.words, now, zone)
			if err != nil {
				t.Errorf("%s: %q: %v, want %s", zone, c.words, err, c.want)
				continue
			}
			if got.Location() != time.UTC || got.Nanosecond() != 0 {
				t.Errorf("%q: %v is not a whole second in UTC", c.words, got)
			}
			if s := got.In(zone).Format(whenLayout); s != c.want {
				t.Errorf("%s: %q means %s, want %s", zone, c.words, s, c.want)
			}
		}
	}
}

// Everything that must be refused, and as what.
var whenRefused = []struct {
	words string
	want  error
}{
	// Understood in part, or not at all.
	{"2 hours ago or so maybe", errWhenUnread},
	{"when we finished", errWhenUnread},
	{"the day before", errWhenUnread},
	{"not yesterday", errWhenUnread},
	{"yesterday or today", errWhenUnread},
	{"yesterday friday", errWhenUnread},
	{"friday no monday", errWhenUnread},
	{"2 hours ago 3pm", errWhenUnread},
	{"3pm 4pm", errWhenUnread},
	{"about", errWhenUnread},
	{"~", errWhenUnread},
	{"!!", errWhenUnread},
	{"...", errWhenUnread},
	{"ago", errWhenUnread},
	{"at", errWhenUnread},
	{"-2h", errWhenUnread},
	{"2", errWhenUnread},
	{"2 x ago", errWhenUnread},
	{"30m 1h ago", errWhenUnread},
	{"last 21:00", errWhenUnread},
	{"now 21:00", errWhenUnread},
	{"next week", errWhenUnread},
	{"last week", errWhenUnread},
	{"monday last week", errWhenUnread},
	{"in the shower", errWhenUnread},
	{"1741720000", errWhenUnread},
	{"<t:1741720000:R>", errWhenUnread},
	{"\U0001F600", errWhenUnread},
	{"2h ago \U0001F600", errWhenUnread},
	{"ye\u017fterday", errWhenUnread}, // a long s, which the library folds
	{"\xff\xfe", errWhenUnread},
	{"2h\x00ago", errWhenUnread},
	{strings.Repeat("2h ago ", 900), errWhenUnread},
	{strings.Repeat("9", 6000) + "h ago", errWhenUnread},
	{"2h ago" + strings.Repeat(" ago", 30), errWhenUnread},

	// May mean either of two things.
	{"at 9", errWhenUnread},
	{"yesterday at 9", errWhenUnread},
	{"monday 11", errWhenUnread},
	{"friday midnight", errWhenUnread},
	{"yesterday at midnight", errWhenUnread},
	{"this morning at 12", errWhenUnread},
	{"7-10pm", errWhenUnread},
	{"9/3", errWhenUnread},

	// No such time.
	{"13:99", errWhenUnread},
	{"24:00", errWhenUnread},
	{"13pm", errWhenUnread},
	{"0am", errWhenUnread},
	{"14:00 pm", errWhenUnread},
	{"at 25", errWhenUnread},
	{"this morning at 9pm", errWhenUnread},
	{"30th of february", errWhenUnread},
	{"32 march", errWhenUnread},
	{"march 0", errWhenUnread},
	{"9 march 10", errWhenUnread},
	{"march", errWhenUnread},
	{"2026-02-30 20:00", errWhenUnread},
	{"30/2/2026", errWhenUnread},

	// Ahead.
	{"in 2 hours", errWhenFuture},
	{"in 2h", errWhenFuture},
	{"in half an hour", errWhenFuture},
	{"in 99999999999 hours", errWhenFuture},
	{"in 12 months", errWhenFuture},
	{"2h from now", errWhenFuture},
	{"two hours from now", errWhenFuture},
	{"tomorrow", errWhenFuture},
	{"tomorrow at 9am", errWhenFuture},
	{"today 21:00", errWhenFuture},
	{"this evening at 9", errWhenFuture},
	{"next friday", errWhenFuture},
	{"this friday", errWhenFuture},
	{"20 march", errWhenFuture},
	{"2026-03-11 20:02", errWhenFuture},

	// Long ago.
	{"8 days ago", errWhenOld},
	{"99999999999h ago", errWhenOld},
	{"99999999999 hours ago", errWhenOld},
	{strings.Repeat("9", 90) + "h ago", errWhenOld},
	{"two weeks ago", errWhenOld},
	{"a month ago", errWhenOld},
	{"12 months ago", errWhenOld},
	{"twelve months ago", errWhenOld},
	{"a year ago", errWhenOld},
	{"last wednesday 19:00", errWhenOld},
	{"2026-03-01 21:30", errWhenOld},
	{"2026-03-04 19:59", errWhenOld},
	{"1 march", errWhenOld},
	{"31 december", errWhenOld},
}

func TestWhenRefuses(t *testing.T) {
	for _, zone := range []*time.Location{time.UTC, whenBerlin(t)} {
		now := time.Date(2026, 3, 11, 20, 0, 0, 0, zone)
		for _, c := range whenRefused {
			got, err := parseWhen(c.words, now, zone)
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %.60q: %v, %v, want %v", zone, c.words, got, err, c.want)
			}
			if !got.IsZero() {
				t.Errorf("%s: %.60q: refused, yet gave %v", zone, c.words, got)
			}
		}
	}
}

// What a day is depends on the hour, the zone, and on clocks that change.
func TestWhenAround(t *testing.T) {
	zone := whenBerlin(t)
	for _, c := range []struct{ now, words, want string }{
		// Just after midnight.
		{"2026-03-11 02:00", "last night", "Tue 2026-03-10 23:00:00"},
		{"2026-03-11 02:00", "tonight", "Tue 2026-03-10 23:00:00"},
		{"2026-03-11 02:00", "tonight at 1", "Wed 2026-03-11 01:00:00"},
		{"2026-03-11 02:00", "last night at 1", "Wed 2026-03-11 01:00:00"},
		{"2026-03-11 00:10", "23:30", "Tue 2026-03-10 23:30:00"},
		{"2026-03-11 00:10", "yesterday 23:30", "Tue 2026-03-10 23:30:00"},
		{"2026-03-11 00:10", "today", "Wed 2026-03-11 00:10:00"},
		// A part of the day whose usual hour is still to come.
		{"2026-03-11 07:00", "this morning", "Wed 2026-03-11 07:00:00"},
		{"2026-03-11 17:00", "this evening", "Wed 2026-03-11 17:00:00"},
		{"2026-03-11 09:00", "noon", "Tue 2026-03-10 12:00:00"},
		// The year turns.
		{"2026-01-02 12:00", "31 december 23:00", "Wed 2025-12-31 23:00:00"},
		// Clocks went forward on 29 March: 02:30 was skipped, the day had 23 hours.
		{"2026-03-29 12:00", "02:30", "Sun 2026-03-29 03:30:00"},
		{"2026-03-30 00:30", "yesterday 23:30", "Sun 2026-03-29 23:30:00"},
		{"2026-03-30 00:30", "yesterday", "Sun 2026-03-29 00:30:00"},
		{"2026-03-29 12:00", "12h ago", "Sat 2026-03-28 23:00:00"},
		// Clocks went back on 25 October: the first 02:30 of two.
		{"2026-10-25 12:00", "02:30", "Sun 2026-10-25 02:30:00"},
		{"2026-10-26 00:30", "yesterday", "Sun 2026-10-25 00:30:00"},
	} {
		now, err := time.ParseInLocation("2006-01-02 15:04", c.now, zone)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseWhen(c.words, now.UTC(), zone)
		if err != nil || got.In(zone).Format(whenLayout) != c.want {
			t.Errorf("at %s %q means %s, %v, want %s", c.now, c.words, got.In(zone).Format(whenLayout), err, c.want)
		}
	}
	now := time.Date(2026, 3, 11, 0, 30, 0, 0, zone)
	if _, err := parseWhen("today 20:00", now, zone); !errors.Is(err, errWhenFuture) {
		t.Errorf("today 20:00 at half past midnight: %v", err)
	}
	if got, err := parseWhen("2h", now, nil); err != nil || !got.Equal(now.Add(-2*time.Hour)) {
		t.Errorf("2h without a zone: %v, %v", got, err)
	}
}

func FuzzWhen(f *testing.F) {
	for _, c := range whenRead {
		f.Add(c.words, int64(0), true)
	}
	for _, c := range whenRefused {
		f.Add(c.words, int64(-3600), false)
	}
	zone, start := whenBerlin(f), time.Date(2026, 3, 11, 20, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, words string, shift int64, isLocal bool) {
		where := time.UTC
		if isLocal {
			where = zone
		}
		now := start.Add(time.Duration(shift%100_000_000) * time.Second)
		got, err := parseWhen(words, now, where)
		if err != nil {
			if !errors.Is(err, errWhenUnread) && !errors.Is(err, errWhenFuture) && !errors.Is(err, errWhenOld) {
				t.Fatalf("%q: unknown error %v", words, err)
			}
			return
		}
		if got.Before(now.Add(-7*24*time.Hour-time.Minute)) || got.After(now.Add(time.Minute)) {
			t.Fatalf("%q at %v means %v", words, now, got)
		}
	})
}
