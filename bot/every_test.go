package bot

import (
	"errors"
	"testing"
)

func TestParseEvery(t *testing.T) {
	for _, c := range []struct{ words, spec, says string }{
		{"every Sunday 19:00", "0 19 * * 0", "Sundays at 19:00"},
		{"sundays 7pm", "0 19 * * 0", "Sundays at 19:00"},
		{"Sun at 7 pm", "0 19 * * 0", "Sundays at 19:00"},
		{"on Sundays at noon", "0 12 * * 0", "Sundays at 12:00"},
		{"every sunday at midnight", "0 0 * * 0", "Sundays at 00:00"},
		{"weekdays at 8", "0 8 * * 1,2,3,4,5", "Weekdays at 08:00"},
		{"every weekday 8:30", "30 8 * * 1,2,3,4,5", "Weekdays at 08:30"},
		{"weekends 11:00", "0 11 * * 0,6", "Weekends at 11:00"},
		{"every day 21:15", "15 21 * * *", "Every day at 21:15"},
		{"daily at 9pm", "0 21 * * *", "Every day at 21:00"},
		{"19:00 every Sunday", "0 19 * * 0", "Sundays at 19:00"},
		{"at 7.30pm on fridays", "30 19 * * 5", "Fridays at 19:30"},
		{"mon, wed and fri 18:00", "0 18 * * 1,3,5", "Mondays, Wednesdays and Fridays at 18:00"},
		{"Tues & Thurs 6pm", "0 18 * * 2,4", "Tuesdays and Thursdays at 18:00"},
		{"every monday and every thursday 18:00", "0 18 * * 1,4", "Mondays and Thursdays at 18:00"},
		{"mon-fri 8:00", "0 8 * * 1,2,3,4,5", "Weekdays at 08:00"},
		{"friday to sunday 20:00", "0 20 * * 0,5,6", "Fridays, Saturdays and Sundays at 20:00"},
		{"1st of the month 9:00", "0 9 1 * *", "The 1st of the month at 09:00"},
		{"the 15th of every month at 9am", "0 9 15 * *", "The 15th of the month at 09:00"},
		{"first of the month at 9:00", "0 9 1 * *", "The 1st of the month at 09:00"},
		{"every month on the 3rd 9:00", "0 9 3 * *", "The 3rd of the month at 09:00"},
		{"monthly on the 22nd at 18:00", "0 18 22 * *", "The 22nd of the month at 18:00"},
		{"the 12th 9:00", "0 9 12 * *", "The 12th of the month at 09:00"},
		{"every Sunday, 19:00.", "0 19 * * 0", "Sundays at 19:00"},
	} {
		r, err := parseEvery(c.words)
		if err != nil {
			t.Errorf("%q: %v", c.words, err)
			continue
		}
		if r.spec() != c.spec || r.says() != c.says {
			t.Errorf("%q is %q, %q; want %q, %q", c.words, r.spec(), r.says(), c.spec, c.says)
		}
		if readSpec(r.spec()) != r {
			t.Errorf("%q is read back as %+v", r.spec(), readSpec(r.spec()))
		}
	}
}

func TestParseEveryRefuses(t *testing.T) {
	for words, want := range map[string]error{
		"":                          errEveryUnread,
		"19:00":                     errEveryUnread,
		"now and then":              errEveryUnread,
		"every blursday 19:00":      errEveryUnread,
		"every sunday 25:00":        errEveryUnread,
		"every sunday 19:61":        errEveryUnread,
		"0th of the month 9:00":     errEveryUnread,
		"32nd of the month 9:00":    errEveryUnread,
		"every sunday evening 8":    errEveryUnread,
		"every s 19:00":             errEveryUnread,
		"every Sonntag 19:00 Uhr":   errEveryUnread,
		"каждый день 19:00":         errEveryUnread,
		"sunday 19:00 or monday":    errEveryUnread,
		"every sunday":              errEveryTime,
		"1st of the month":          errEveryTime,
		"31st of the month 9:00":    errEveryDate,
		"29th of the month 9:00":    errEveryDate,
		"last friday 19:00":         errEveryRare,
		"last day of the month 9am": errEveryRare,
		"every other sunday 19:00":  errEveryRare,
		"every 2 weeks 19:00":       errEveryRare,
		"every 3 days 19:00":        errEveryRare,
		"fortnightly 19:00":         errEveryRare,
		"first monday 19:00":        errEveryRare,
		"1st sunday 19:00":          errEveryRare,
		"hourly":                    errEveryRare,
	} {
		if r, err := parseEvery(words); !errors.Is(err, want) {
			t.Errorf("%q: %+v, %v; want %v", words, r, err, want)
		}
	}
}

func FuzzParseEvery(f *testing.F) {
	for _, words := range []string{"every Sunday 19:00", "weekdays at 8", "1st of the month 9:00", "mon-fri 8:00", "last friday"} {
		f.Add(words)
	}
	f.Fuzz(func(t *testing.T, words string) {
		r, err := parseEvery(words)
		if err != nil {
			return
		}
		if !r.whole() || r.minute >= 24*60 || r.date > lastSafeDate || r.date != 0 && r.days != 0 || readSpec(r.spec()) != r {
			t.Errorf("%q: %+v", words, r)
		}
	})
}
