package bot

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"aftercare/bot/text"
	"aftercare/store"
)

// What parseUntil can't turn into a time to come, and why.
var (
	errUntilUnread = errors.New("until: the words could not be read as a time")
	errUntilPast   = errors.New("until: the time has passed")
	errUntilFar    = errors.New("until: the time is too far away")
)

const (
	untilMost    = 366 * 24 * time.Hour
	untilMorning = 9 // a day without a time of day ends its pause at this hour
)

// checkinPause stops everything, for as long as is said.
func (b *Bot) checkinPause(ctx context.Context, e *event) (reply, error) {
	words := e.options["until"]
	if strings.TrimSpace(words) == "" {
		if err := b.store.Pause(ctx, e.who.ID); err != nil {
			return reply{}, err
		}
		return tell(line(text.T(text.Paused))), nil
	}
	settings, err := b.store.Settings(ctx, e.who.ID)
	if err != nil {
		return reply{}, err
	}
	zone, known := settings.Location()
	until, isSpan, err := parseUntil(words, b.store.Now(), zone)
	if err != nil {
		return reply{}, err
	}
	if err := b.store.PauseUntil(ctx, e.who.ID, until); err != nil {
		return reply{}, err
	}
	return tell(pausedUntil(until, !known && !isSpan)), nil
}

// pausedUntil says when a pause ends; utc tells that it was read without a time
// zone of theirs.
func pausedUntil(until time.Time, utc bool) say {
	s := line(text.T(text.PausedUntil, "when", at(until)))
	if utc {
		s = s.add(text.T(text.SceneUtc))
	}
	return s.with(button(text.T(text.LabelResumenow), "checkin/resume"))
}

// checkinResume serves the command and the button.
func (b *Bot) checkinResume(ctx context.Context, e *event) (reply, error) {
	if err := b.store.Resume(ctx, e.who.ID); errors.Is(err, store.ErrGone) {
		return reply{}, store.ErrNotAgreed
	} else if err != nil {
		return reply{}, err
	}
	return show(line(text.T(text.Resumed))), nil
}

var untilLead = regexp.MustCompile(`^(?:(?:until|till|til|for|on|by)(?: |$))+`)

// parseUntil reads a time to come, in a person's own words and zone. Like
// parseWhen it accepts words only if all of them were understood. isSpan tells
// that the time is the same in every zone.
func parseUntil(words string, now time.Time, zone *time.Location) (until time.Time, isSpan bool, err error) {
	words, ok := tidyWhen(words)
	words = strings.TrimSpace(untilLead.ReplaceAllString(words, ""))
	if !ok || words == "" {
		return time.Time{}, false, errUntilUnread
	}
	now = now.Truncate(time.Second)
	until, isSpan = readAhead(words, now)
	if !isSpan {
		if until, ok = readDayAhead(words, now.In(zone)); !ok {
			return time.Time{}, false, errUntilUnread
		}
	}
	switch {
	case !until.After(now):
		return time.Time{}, false, errUntilPast
	case until.Sub(now) > untilMost:
		return time.Time{}, false, errUntilFar
	}
	return until.UTC(), isSpan, nil
}

// readAhead reads how long from now: "in 2 weeks", "3 days", "an hour from now".
func readAhead(words string, now time.Time) (time.Time, bool) {
	words = strings.TrimPrefix(strings.TrimSuffix(words, " from now"), "in ")
	if strings.HasSuffix(words, "ago") {
		return time.Time{}, false
	}
	if span, ok := spanUpTo(words, 2*untilMost); ok {
		return now.Add(span), true
	}
	if strings.ContainsAny(words, "0123456789") {
		return time.Time{}, false
	}
	return readWhole(whenDeadline, "in "+words, now)
}

// readDayAhead reads a day, a part of it and a time of day, each of which may be
// missing. A time with no day of its own is the next one.
func readDayAhead(words string, now time.Time) (time.Time, bool) {
	day, at, isTimed := cutTime(words)
	day, part := cutPart(day)
	date, isNamed, ok := readDateAhead(day, now)
	if !ok || !isNamed && !isTimed && part == nil {
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
		at = dayTime{hour: untilMorning}
	}
	t := at.on(date, now.Location())
	if !isNamed && !t.After(now) {
		t = at.on(date.AddDate(0, 0, 1), now.Location())
	}
	return t, true
}

var untilWeekday = regexp.MustCompile(`^(?:on |next |this )?([a-z]{3,9})$`)

// readDateAhead reads a day to come, as midnight UTC of its date.
func readDateAhead(words string, now time.Time) (date time.Time, isNamed, ok bool) {
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	switch words {
	case "":
		return today, false, true
	case "today":
		return today, true, true
	case "tomorrow":
		return today.AddDate(0, 0, 1), true, true
	case "day after tomorrow", "the day after tomorrow":
		return today.AddDate(0, 0, 2), true, true
	case "next week":
		words = "monday"
	case "next month":
		return time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC), true, true
	}
	if found := untilWeekday.FindStringSubmatch(words); found != nil {
		if d := oneDay(found[1]); d >= 0 {
			return today.AddDate(0, 0, (int(d-today.Weekday())+6)%7+1), true, true
		}
	}
	if date, err := time.Parse(time.DateOnly, words); err == nil {
		return date, true, true
	}
	date, ok = readCalendarAhead(words, today)
	return date, true, ok
}

// readCalendarAhead reads a date; one without a year is the next of its kind.
func readCalendarAhead(words string, today time.Time) (time.Time, bool) {
	words = strings.TrimPrefix(words, "the ")
	january := time.Date(today.Year(), time.January, 1, 0, 0, 0, 0, time.UTC)
	if whenSlashDate.MatchString(words) {
		return readWhole(whenSlashDay, words, january)
	}
	if !whenMonthDate.MatchString(words) {
		return time.Time{}, false
	}
	for year := range 2 {
		date, ok := readWhole(whenMonthDay, words, january.AddDate(year, 0, 0))
		if !ok || !strings.Contains(words, strings.ToLower(date.Month().String()[:3])) {
			continue // the month has no such day, this year
		}
		if !date.Before(today) {
			return date, true
		}
	}
	return time.Time{}, false
}
