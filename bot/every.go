package bot

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"aftercare/bot/text"
)

// What parseEvery can't turn into a rhythm, and why.
var (
	errEveryUnread = errors.New("every: the words could not be read")
	errEveryTime   = errors.New("every: there is no time of day")
	errEveryDate   = errors.New("every: not every month has that day")
	errEveryRare   = errors.New("every: neither days of the week nor a day of the month")
)

// days are days of the week, a bit for each, Sunday the first.
type days uint8

const (
	everyDay days = 1<<7 - 1
	weekend  days = 1<<time.Sunday | 1<<time.Saturday
	weekdays      = everyDay &^ weekend
)

const lastSafeDate = 28 // every month has it

// rhythm is when a standing check-in comes: on days of the week, or on one day of
// the month.
type rhythm struct {
	days   days
	date   int // 0: on days of the week
	minute int // of the day; below 0: not chosen yet
}

func (r rhythm) whole() bool { return r.hasDays() && r.minute >= 0 }

func (r rhythm) hasDays() bool { return r.days != 0 || r.date != 0 }

// spec writes a rhythm as a cron expression.
func (r rhythm) spec() string {
	date, week := "*", "*"
	switch {
	case r.date != 0:
		date = strconv.Itoa(r.date)
	case r.days != everyDay:
		var list []string
		for d := time.Sunday; d <= time.Saturday; d++ {
			if r.days&(1<<d) != 0 {
				list = append(list, strconv.Itoa(int(d)))
			}
		}
		week = strings.Join(list, ",")
	}
	return fmt.Sprintf("%d %d %s * %s", r.minute%60, r.minute/60, date, week)
}

// readSpec reads what spec wrote. What it can't read comes back as no days.
func readSpec(spec string) (r rhythm) {
	f := strings.Fields(spec)
	if len(f) != 5 {
		return r
	}
	minute, _ := strconv.Atoi(f[0])
	hour, _ := strconv.Atoi(f[1])
	r.minute = hour*60 + minute
	if r.date, _ = strconv.Atoi(f[2]); r.date != 0 {
		return r
	}
	if f[4] == "*" {
		r.days = everyDay
		return r
	}
	for d := range strings.SplitSeq(f[4], ",") {
		n, _ := strconv.Atoi(d)
		r.days |= 1 << n
	}
	return r
}

// says puts a rhythm into words, as far as it is chosen.
func (r rhythm) says() string {
	switch {
	case r.whole():
		return text.T(text.EveryAt, "days", r.saysDays(), "time", r.saysTime())
	case r.hasDays():
		return r.saysDays()
	}
	return r.saysTime()
}

func (r rhythm) saysTime() string {
	if r.minute < 0 {
		return ""
	}
	return fmt.Sprintf("%02d:%02d", r.minute/60, r.minute%60)
}

func (r rhythm) saysDays() string {
	switch {
	case r.date != 0:
		return text.T(text.DayMonth, "n", ordinal(r.date))
	case r.days == everyDay:
		return text.T(text.DayAll)
	case r.days == weekdays:
		return text.T(text.DayWeek)
	case r.days == weekend:
		return text.T(text.DayWeekend)
	}
	var names []string
	for _, d := range fromMonday {
		if r.days&(1<<d) != 0 {
			names = append(names, dayName(d))
		}
	}
	return list(names)
}

// fromMonday is a week in the order in which most read it.
var fromMonday = []time.Weekday{
	time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday,
}

func dayName(d time.Weekday) string { return text.T(text.Key("day." + strconv.Itoa(int(d)))) }

func ordinal(n int) string {
	end := "th"
	if n/10 != 1 {
		switch n % 10 {
		case 1:
			end = "st"
		case 2:
			end = "nd"
		case 3:
			end = "rd"
		}
	}
	return strconv.Itoa(n) + end
}

var (
	everyRare = regexp.MustCompile(`\b(?:last|other|alternate|fortnight\w*|bi-?weekly|biannual\w*|twice|thrice|hour\w*|minutes?|years?|yearly|quarter\w*|` +
		`(?:\d+|two|three|four) (?:days|weeks|months)|(?:second|third|fourth|[1-5](?:st|nd|rd|th)|first) (?:sun|mon|tue|wed|thu|fri|sat|week)\w*)\b`)
	everyDate  = regexp.MustCompile(`^(\d{1,2})(?:st|nd|rd|th)(?: day)?(?: of (?:the |every |each |a )?months?)?$|^(?:day )?(\d{1,2}) of (?:the |every |each |a )?months?$|^day (\d{1,2})$`)
	everyMonth = regexp.MustCompile(`(?: of)? (?:every|each|the|a) month$| monthly$`)
	everyRange = regexp.MustCompile(`^([a-z]+)(?: ?- ?| to | through )([a-z]+)$`)
	everyLead  = regexp.MustCompile(`^(?:(?:every|each|on|all|the|weekly|monthly|month)(?: |$))+`)
	everyJoin  = strings.NewReplacer(",", " ", "&", " ", "+", " ", "/", " ")
)

// parseEvery reads when a standing check-in is to come: days of the week or a day
// of the month, and a time. It accepts words only if all of them were understood.
func parseEvery(words string) (rhythm, error) {
	words, ok := tidyWhen(words)
	if !ok || words == "" {
		return rhythm{}, errEveryUnread
	}
	if everyRare.MatchString(words) {
		return rhythm{}, errEveryRare
	}
	rest, at, timed := cutTime(words)
	r, err := parseDays(rest)
	if err != nil {
		return rhythm{}, err
	}
	if !timed {
		return rhythm{}, errEveryTime
	}
	r.minute = at.hour*60 + at.minute
	return r, nil
}

func parseDays(words string) (r rhythm, err error) {
	words, part := cutPart(strings.TrimSuffix(words, " at"))
	if part != nil {
		return r, errEveryUnread // "Sunday evening at 8" is said as 20:00
	}
	words = everyLead.ReplaceAllString(words, "")
	words = strings.ReplaceAll(everyMonth.ReplaceAllString(words, " of the month"), "first", "1st")
	if found := everyDate.FindStringSubmatch(words); found != nil {
		r.date, _ = strconv.Atoi(found[1] + found[2] + found[3])
		switch {
		case r.date < 1 || r.date > 31:
			return r, errEveryUnread
		case r.date > lastSafeDate:
			return r, errEveryDate
		}
		return r, nil
	}
	if r.days = parseWeek(words); r.days == 0 {
		return r, errEveryUnread
	}
	return r, nil
}

// parseWeek reads days of the week; none if a word of it is no day.
func parseWeek(words string) (all days) {
	if found := everyRange.FindStringSubmatch(words); found != nil {
		from, to := oneDay(found[1]), oneDay(found[2])
		if from < 0 || to < 0 {
			return 0
		}
		for d := from; ; d = (d + 1) % 7 {
			if all |= 1 << d; d == to {
				return all
			}
		}
	}
	for word := range strings.FieldsSeq(everyJoin.Replace(words)) {
		switch word {
		case "and", "every", "on":
			continue
		case "day", "days", "daily", "everyday":
			all |= everyDay
			continue
		case "weekday", "weekdays", "workday", "workdays":
			all |= weekdays
			continue
		case "weekend", "weekends":
			all |= weekend
			continue
		}
		d := oneDay(word)
		if d < 0 {
			return 0
		}
		all |= 1 << d
	}
	return all
}

// oneDay reads the name of a weekday, or its beginning, one or many; -1 for none.
func oneDay(word string) time.Weekday {
	for d := time.Sunday; d <= time.Saturday; d++ {
		name := strings.ToLower(d.String())
		for _, w := range []string{word, strings.TrimSuffix(word, "s")} {
			if len(w) >= 3 && strings.HasPrefix(name, w) {
				return d
			}
		}
	}
	return -1
}
