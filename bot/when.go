package bot

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/olebedev/when"
	"github.com/olebedev/when/rules"
	"github.com/olebedev/when/rules/common"
	"github.com/olebedev/when/rules/en"
)

// What parseWhen can't turn into a time, and why.
var (
	errWhenUnread = errors.New("when: the words could not be read as a time")
	errWhenFuture = errors.New("when: the time lies ahead")
	errWhenOld    = errors.New("when: the time is too long ago")
)

const (
	whenLongest = 100                // runes; longer words are no time
	whenOldest  = 7 * 24 * time.Hour // how long ago a scene may have ended
	whenAhead   = time.Minute        // clocks differ a little
)

// whenRewrites turns what people write into what the readers below know.
var whenRewrites = []struct {
	from *regexp.Regexp
	to   string
}{
	{regexp.MustCompile(`, `), ` `},
	{regexp.MustCompile(`^(?:(?:about|around|ended) |~ ?)+`), ``},
	{regexp.MustCompile(`^(\d{4}-\d\d-\d\d)t`), `$1 `},
	{regexp.MustCompile(`^(\d+h\d\d)( ago)?$`), `${1}m`},
	{regexp.MustCompile(`^an hour and a half( ago)?$`), `90m`},
	{regexp.MustCompile(`^a couple (?:of )?(hours|days)( ago)?$`), `2 $1`},
	{regexp.MustCompile(`\btonight\b`), `this night`},
	{regexp.MustCompile(`\bthis (morning|afternoon|evening|night)\b`), `today $1`},
	{regexp.MustCompile(`\blast (evening|night)\b`), `yesterday $1`},
	{regexp.MustCompile(`\bin the (morning|afternoon|evening)\b`), `$1`},
}

// parseWhen reads when a scene ended, in the person's own words and zone. It
// accepts words only if all of them were understood: a half-read time would
// put the check-ins at the wrong hour without anybody noticing.
func parseWhen(words string, now time.Time, zone *time.Location) (time.Time, error) {
	if zone == nil {
		zone = time.UTC
	}
	words, ok := tidyWhen(words)
	if !ok {
		return time.Time{}, errWhenUnread
	}
	now = now.Truncate(time.Second) // or a day named a week later would be a moment too old
	for _, read := range []func(string, time.Time) (time.Time, bool){readNow, readSpan, readDay} {
		t, ok := read(words, now.In(zone))
		switch {
		case !ok:
			continue
		case t.After(now.Add(whenAhead)):
			return time.Time{}, errWhenFuture
		case t.Before(now.Add(-whenOldest)):
			return time.Time{}, errWhenOld
		}
		return t.UTC().Truncate(time.Second), nil
	}
	return time.Time{}, errWhenUnread
}

// tidyWhen brings words into the one form the readers expect. Letters beyond
// ASCII are refused: the library folds a few of them into its own words and
// then does not know what it has matched.
func tidyWhen(words string) (string, bool) {
	words = strings.TrimSpace(words)
	if utf8.RuneCountInString(words) > whenLongest {
		return "", false
	}
	words = strings.ToLower(strings.Join(strings.Fields(words), " "))
	for i := range len(words) {
		if words[i] >= utf8.RuneSelf {
			return "", false
		}
	}
	given := words
	words = strings.TrimRight(words, ".!")
	for _, r := range whenRewrites {
		words = r.from.ReplaceAllString(words, r.to)
	}
	// Nothing at all is now; a lone mark or "about" is not.
	return words, words != "" || given == ""
}

func readNow(words string, now time.Time) (time.Time, bool) {
	switch words {
	case "", "now", "just now", "right now":
		return now, true
	}
	return time.Time{}, false
}

// whenUnits are the units of a span, longest first: "30m 1h" is not a span.
// A month and a year are always too long ago, so their length may be rough.
var whenUnits = []struct {
	names string
	each  time.Duration
}{
	{`years?`, 365 * 24 * time.Hour},
	{`months?`, 30 * 24 * time.Hour},
	{`weeks?|wks?|w`, 7 * 24 * time.Hour},
	{`days?|d`, 24 * time.Hour},
	{`hours?|hrs?|h`, time.Hour},
	{`minutes?|mins?|m`, time.Minute},
	{`seconds?|secs?|s`, time.Second},
}

var whenSpan = func() *regexp.Regexp {
	var form strings.Builder
	for _, u := range whenUnits {
		form.WriteString(`(?:(?:and )?(\d+(?:[.,]\d+)?) ?(?:` + u.names + `) ?)?`)
	}
	return regexp.MustCompile(`^` + form.String() + `(?:ago)?$`)
}()

// readSpan reads how long ago: "2h", "1 h 30 min ago", "half an hour ago".
// Digits are read here, words by the library, which would let a long number
// overflow into a plausible time. Words that point ahead give some time ahead;
// which one does not matter, as none is accepted.
func readSpan(words string, now time.Time) (time.Time, bool) {
	if span, ok := spanOf(words); ok {
		return now.Add(-span), true
	}
	if !strings.ContainsAny(words, "0123456789") {
		for _, w := range []string{words, words + " ago"} {
			if t, ok := readWhole(whenPast, w, now); ok {
				return t, true
			}
		}
	}
	ahead, isAhead := strings.CutSuffix(words, " from now")
	if !isAhead {
		ahead, isAhead = strings.CutPrefix(words, "in ")
	}
	if !isAhead {
		return time.Time{}, false
	}
	_, ok := spanOf(ahead)
	if !ok {
		_, ok = readWhole(whenDeadline, "in "+ahead, now)
	}
	return now.Add(whenOldest), ok
}

// spanOf adds up a span written in digits. Past twice the oldest time it stops
// counting: the answer is "too long ago" anyway.
func spanOf(words string) (time.Duration, bool) { return spanUpTo(words, 2*whenOldest) }

func spanUpTo(words string, most time.Duration) (time.Duration, bool) {
	found := whenSpan.FindStringSubmatch(words)
	if found == nil {
		return 0, false
	}
	total, isSpan := 0.0, false
	for i, u := range whenUnits {
		if found[i+1] == "" {
			continue
		}
		// An error can only be a number out of range, which comes as infinity.
		n, _ := strconv.ParseFloat(strings.Replace(found[i+1], ",", ".", 1), 64)
		total, isSpan = total+n*float64(u.each), true
	}
	return time.Duration(min(total, float64(most))), isSpan
}

// Each rule of the library is asked alone. Several at once skip over what lies
// between them and add up what contradicts.
var (
	whenPast     = whenAlone(en.PastTime(rules.Override))
	whenDeadline = whenAlone(en.Deadline(rules.Override))
	whenNextDay  = whenAlone(en.Weekday(rules.Override))
	whenMonthDay = whenAlone(en.ExactMonthDate(rules.Override))
	whenSlashDay = whenAlone(common.SlashDMY(rules.Override))
)

func whenAlone(rule rules.Rule) *when.Parser {
	parser := when.New(&rules.Options{})
	parser.Add(rule)
	return parser
}

// readWhole believes a rule only if it covers all the words.
func readWhole(rule *when.Parser, words string, base time.Time) (time.Time, bool) {
	found, err := rule.Parse(words, base)
	if err != nil || found == nil || found.Text != words {
		return time.Time{}, false
	}
	return found.Time, true
}

// A dayPart is a named part of a day, in hours from that day's midnight; a
// night runs on into the next day. Its usual hour is the library's.
type dayPart struct{ from, until, usual int }

var dayParts = map[string]dayPart{
	"morning":   {0, 12, 8},
	"afternoon": {12, 19, 15},
	"evening":   {16, 25, 18},
	"night":     {18, 30, 23},
}

func (p dayPart) start(date time.Time, zone *time.Location) time.Time {
	return dayTime{hour: p.from}.on(date, zone)
}

var whenPart = regexp.MustCompile(`^(?:(.+) )?(morning|afternoon|evening|night)$`)

// cutPart takes the part of the day off the end of words.
func cutPart(words string) (string, *dayPart) {
	found := whenPart.FindStringSubmatch(words)
	if found == nil {
		return words, nil
	}
	part := dayParts[found[2]]
	return found[1], &part
}

// readDay reads a day, a part of it and a time of day, each of which may be
// missing. Without a time the day alone means the same time of that day as
// now. A time with no day of its own is the latest one that has passed.
func readDay(words string, now time.Time) (time.Time, bool) {
	day, at, isTimed := cutTime(words)
	day, part := cutPart(day)
	if part != nil && part.until > 24 && day == "today" && now.Hour() < part.until-24 {
		day = "yesterday" // tonight, said after midnight, began yesterday
	}
	isExact := isTimed || part != nil
	date, back, ok := readDate(day, now, isExact)
	if !ok || day == "" && !isExact {
		return time.Time{}, false
	}
	switch {
	case isTimed:
		if at, ok = at.within(part, day); !ok {
			return time.Time{}, false
		}
	case part != nil:
		at = dayTime{hour: part.usual}
	default:
		at = dayTime{hour: now.Hour(), minute: now.Minute(), second: now.Second()}
	}
	t := at.on(date, now.Location())
	if t.After(now.Add(whenAhead)) && back > 0 {
		t = at.on(date.AddDate(0, 0, -back), now.Location())
	}
	if part != nil && !isTimed && t.After(now) && !part.start(date, now.Location()).After(now) {
		return now, true // the part has begun, only its usual hour is still to come
	}
	return t, true
}

// A dayTime is a time of day; past 24 hours it is the next day's.
type dayTime struct {
	hour, minute, second int
	isOpen               bool // morning or afternoon was not said
	isBare               bool // nothing but the hour was said
	isMidnight           bool // in a word, which leaves open at which end of a day
}

func (at dayTime) on(date time.Time, zone *time.Location) time.Time {
	return time.Date(date.Year(), date.Month(), date.Day(), at.hour, at.minute, at.second, 0, zone)
}

// within settles what the words left open: "last night at 11" is 23:00, "last
// night at 1" the next day's 01:00. Without a part of the day, "at 9" may be
// either, and "friday midnight" may be at either end: neither is guessed.
func (at dayTime) within(part *dayPart, day string) (dayTime, bool) {
	if part == nil {
		isEitherEnd := at.isMidnight && day != "" && day != "today"
		return at, !isEitherEnd && (!at.isBare || !at.isOpen)
	}
	steps := []int{0, 24}
	if at.isOpen {
		steps = []int{0, 12, 24}
	}
	for _, step := range steps {
		if h := at.hour + step; h >= part.from && h < part.until {
			at.hour = h
			return at, true
		}
	}
	return dayTime{}, false
}

// The library's own clock rules are not used: they read "12am" as noon and
// "7-10pm" as ten past seven.
const whenClock = `(?:` +
	`(?:at )?(\d{1,2})(?:[:.](\d\d))? ?([ap])\.?m\.?|` + // 9pm, 11:30 p.m.
	`(?:at )?(\d{1,2}):(\d\d)|` + // 21:30
	`at (\d{1,2})|` + // at 21
	`(?:at )?(noon|midnight))`

var (
	whenTimeLast  = regexp.MustCompile(`^(?:(.+?) )??` + whenClock + `()$`)
	whenTimeFirst = regexp.MustCompile(`^()` + whenClock + `(?: on)? (.+)$`)
)

// cutTime takes the time of day off the end or the front of words and returns
// the rest. A time that does not exist is left where it is, for nobody to read.
func cutTime(words string) (string, dayTime, bool) {
	found := whenTimeLast.FindStringSubmatch(words)
	if found == nil {
		found = whenTimeFirst.FindStringSubmatch(words)
	}
	if found == nil {
		return words, dayTime{}, false
	}
	rest, half, name := found[1]+found[9], found[4], found[8]
	at := dayTime{
		isOpen:     half == "" && name == "",
		isBare:     found[7] != "",
		isMidnight: name == "midnight",
	}
	// Two digits always fit; no digits are zero.
	at.hour, _ = strconv.Atoi(found[2] + found[5] + found[7])
	at.minute, _ = strconv.Atoi(found[3] + found[6])
	if at.hour > 23 || at.minute > 59 || half != "" && (at.hour < 1 || at.hour > 12) {
		return words, dayTime{}, false
	}
	if half != "" {
		at.hour %= 12
	}
	if half == "p" || name == "noon" {
		at.hour += 12
	}
	at.isOpen = at.isOpen && at.hour >= 1 && at.hour <= 12
	return rest, at, true
}

// readDate reads a day, as midnight UTC of its date. back is how many days
// earlier it is if the time of day turns out to lie ahead. isExact says that a
// time of day was given.
func readDate(words string, now time.Time, isExact bool) (date time.Time, back int, ok bool) {
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	switch words {
	case "":
		return today, 1, true
	case "today":
		return today, 0, true
	case "yesterday":
		return today.AddDate(0, 0, -1), 0, true
	case "day before yesterday", "the day before yesterday":
		return today.AddDate(0, 0, -2), 0, true
	case "tomorrow":
		return today.AddDate(0, 0, 1), 0, true
	}
	if date, back, ok := readWeekday(words, today, isExact); ok {
		return date, back, true
	}
	if date, err := time.Parse(time.DateOnly, words); err == nil {
		return date, 0, true
	}
	date, ok = readCalendar(words, today)
	return date, 0, ok
}

var whenWeekday = regexp.MustCompile(`^(on |last )?([a-z]{3,9})$`)

// readWeekday reads a weekday as the latest one, which may be today if a time
// of day was given. "Last friday" is never today. The library takes a bare
// weekday for the next one.
func readWeekday(words string, today time.Time, isExact bool) (date time.Time, back int, ok bool) {
	found := whenWeekday.FindStringSubmatch(words)
	if found == nil {
		return time.Time{}, 0, false
	}
	for day := time.Sunday; day <= time.Saturday; day++ {
		if !strings.HasPrefix(strings.ToLower(day.String()), found[2]) {
			continue
		}
		ago := int(today.Weekday()-day+7) % 7
		if ago > 0 {
			return today.AddDate(0, 0, -ago), 0, true
		}
		if found[1] == "last " || !isExact {
			return today.AddDate(0, 0, -7), 0, true
		}
		return today, 7, true
	}
	return time.Time{}, 0, false
}

var (
	whenMonthDate = regexp.MustCompile(`^(?:\S+ (?:of )?[a-z]+|[a-z]+ \S+)$`)
	whenSlashDate = regexp.MustCompile(`^\d+/\d+/\d{4}$`)
)

// readCalendar reads a date or "next friday" with the library. The library
// puts month and day into its base one after the other, so the base must be
// the first of a month, and a day the month does not have shows as another
// month. Day/month without a year is not read: for the library it is a day
// to come.
func readCalendar(words string, today time.Time) (time.Time, bool) {
	january := time.Date(today.Year(), time.January, 1, 0, 0, 0, 0, time.UTC)
	if whenSlashDate.MatchString(words) {
		return readWhole(whenSlashDay, words, january)
	}
	if strings.Contains(words, " week") || !whenMonthDate.MatchString(words) {
		return time.Time{}, false
	}
	if date, ok := readWhole(whenMonthDay, words, january); ok {
		if date.After(today.AddDate(0, 6, 0)) {
			date = date.AddDate(-1, 0, 0) // December, said in January
		}
		return date, strings.Contains(words, strings.ToLower(date.Month().String()[:3]))
	}
	return readWhole(whenNextDay, words, today)
}
