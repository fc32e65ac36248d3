package bot

import (
	"strconv"
	"strings"
	"time"

	"aftercare/bot/text"
	"aftercare/store"
)

const mostHistory = 1300 // UTF-16 units of a history in words, in a message

// markOf says which check-in a feeling was answered to.
func markOf(f store.Felt) string {
	if f.Round {
		return text.T(text.MarkRound)
	}
	return text.T(text.Key("mark.day" + strconv.Itoa(min(f.Day(), 7))))
}

// feltAs is a feeling within a list.
func feltAs(f store.Feeling) string { return text.T(text.Key("felt." + string(f))) }

// altOf is the description of the picture.
func altOf(h store.History) string {
	from, to := h.From.In(h.Zone), h.To.In(h.Zone)
	head := text.T(text.HistoryAlt, "from", dayIn(from, to), "to", dayIn(to, from))
	lines, whole := inWords(h, mostAlt-100)
	if !whole {
		lines = append(lines, text.T(text.HistoryCut))
	}
	return head + " " + strings.Join(lines, ". ")
}

// inWords puts a history into lines, oldest first: each feeling by its week; if
// that is more than so many UTF-16 units, how often each was felt, by weeks and
// then by months; and then as many of the newest as fit.
func inWords(h store.History, most int) (lines []string, whole bool) {
	for _, say := range []func(store.History) []string{byWeek(each), byWeek(counts), byMonth} {
		if lines = say(h); longFor(lines) <= most {
			return lines, true
		}
	}
	for longFor(lines) > most {
		lines = lines[1:]
	}
	return lines, false
}

func longFor(lines []string) int { return codeUnits(strings.Join(lines, ". ")) }

// byWeek says what there was in each week, which begins on a Monday.
func byWeek(what func([]store.Felt) string) func(store.History) []string {
	return func(h store.History) []string {
		monday := func(t time.Time) time.Time {
			return midnight(t).AddDate(0, 0, -(int(t.Weekday())+6)%7)
		}
		return grouped(h, monday, func(day time.Time, felt []store.Felt) string {
			return text.T(text.HistoryWeek, "day", dayOf(day), "what", what(felt))
		})
	}
}

func byMonth(h store.History) []string {
	first := func(t time.Time) time.Time { return midnight(t).AddDate(0, 0, 1-t.Day()) }
	return grouped(h, first, func(day time.Time, felt []store.Felt) string {
		return text.T(text.HistoryMonth, "month", day.Format("January 2006"), "what", counts(felt))
	})
}

// grouped says a line for each stretch of time that has something in it.
func grouped(h store.History, begin func(time.Time) time.Time, says func(time.Time, []store.Felt) string) (lines []string) {
	for from := 0; from < len(h.Felt); {
		day, to := begin(h.Felt[from].At.In(h.Zone)), from
		for to < len(h.Felt) && begin(h.Felt[to].At.In(h.Zone)).Equal(day) {
			to++
		}
		lines = append(lines, says(day, h.Felt[from:to]))
		from = to
	}
	return lines
}

func each(felt []store.Felt) string {
	var all []string
	for _, f := range felt {
		all = append(all, text.T(text.HistoryPoint, "mark", markOf(f), "feeling", feltAs(f.Feeling)))
	}
	return strings.Join(all, ", ")
}

func counts(felt []store.Felt) string {
	n := map[store.Feeling]int{}
	for _, f := range felt {
		n[f.Feeling]++
	}
	var all []string
	for _, f := range store.Feelings {
		if n[f] > 0 {
			all = append(all, text.T(text.HistoryCount, "feeling", feltAs(f), "n", strconv.Itoa(n[f])))
		}
	}
	return strings.Join(all, ", ")
}
