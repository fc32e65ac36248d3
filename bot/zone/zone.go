// Package zone finds the time zone that somebody means: by its IANA name, by a
// city or country in it, or by its offset. zones.txt has both.
package zone

import (
	_ "embed"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Place is a name by which people know a time zone.
type Place struct {
	Zone string // IANA name
	Name string // of the city or country
}

//go:embed zones.txt
var zones string

type entry struct {
	Place
	plain string // Name as it is compared
	rank  int    // the less, the better known
}

// obscure is the rank of a zone that has no cities beside the one in its name.
const obscure = 1000

var entries = read(zones)

func read(file string) (out []entry) {
	for line := range strings.Lines(file) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		zone, more, _ := strings.Cut(line, ":")
		city := zone[strings.LastIndexByte(zone, '/')+1:]
		for i, name := range append([]string{strings.ReplaceAll(city, "_", " ")}, strings.Split(more, ",")...) {
			if name = strings.TrimSpace(name); name != "" {
				if more == "" {
					i = obscure
				}
				out = append(out, entry{Place{zone, name}, plain(name), i})
			}
		}
	}
	return out
}

// plain makes a name comparable: small letters without their accents, and words
// with one space between.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r):
			return -1
		case unicode.IsLetter(r), unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return ' '
	}, norm.NFD.String(s))
	s = strings.NewReplacer("ł", "l", "ø", "o", "đ", "d", "ß", "ss", "ı", "i").Replace(s)
	return strings.Join(strings.Fields(s), " ")
}

// How well a name fits what was typed; the least is best.
const (
	whole = iota
	beginning
	word
	within
	no
)

func fit(name, typed string) int {
	switch {
	case name == typed:
		return whole
	case strings.HasPrefix(name, typed):
		return beginning
	case strings.Contains(name, " "+typed):
		return word
	case len(typed) > 2 && strings.Contains(name, typed):
		return within
	}
	return no
}

// Find returns up to n zones that fit what somebody typed, best first, each once
// and by the name that fits best. Nothing typed fits nothing. A whole IANA name,
// older ones too, is one place.
func Find(typed string, n int) []Place {
	if place, ok := named(strings.TrimSpace(typed)); ok {
		return []Place{place}
	}
	want := plain(typed)
	if want == "" || len(typed) > 100 {
		return nil
	}
	type hit struct {
		Place
		fit, rank int
	}
	var hits []hit
	for _, e := range entries {
		f := min(fit(e.plain, want), fit(plain(e.Zone), want)+within)
		if f < no {
			hits = append(hits, hit{e.Place, f, e.rank})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int {
		if a.fit != b.fit {
			return a.fit - b.fit
		}
		return a.rank - b.rank
	})
	var out []Place
	for _, h := range hits {
		if len(out) < n && !slices.ContainsFunc(out, func(p Place) bool { return p.Zone == h.Zone }) {
			out = append(out, h.Place)
		}
	}
	return out
}

// Whole returns the only places whose name is what was typed, in full.
func Whole(typed string) (out []Place) {
	if place, ok := named(strings.TrimSpace(typed)); ok {
		return []Place{place}
	}
	want := plain(typed)
	for _, e := range entries {
		if e.plain == want && !slices.ContainsFunc(out, func(p Place) bool { return p.Zone == e.Zone }) {
			out = append(out, e.Place)
		}
	}
	return out
}

// named reads an IANA name, in letters of any size, or an offset.
func named(name string) (Place, bool) {
	if p, ok := fixed(name); ok {
		return p, true
	}
	i := slices.IndexFunc(entries, func(e entry) bool { return strings.EqualFold(e.Zone, name) })
	if i >= 0 {
		return entries[i].Place, true
	}
	if !strings.Contains(name, "/") {
		return Place{}, false
	}
	if _, err := time.LoadLocation(name); err != nil {
		return Place{}, false
	}
	return Place{name, City(name)}, true
}

var offset = regexp.MustCompile(`^(?:utc|gmt) ?([+\x{2212}-]) ?0?(\d{1,2})(?::?00)?$`)

// fixed reads an offset like "UTC+2", in whole hours. In the IANA names of such
// zones the sign is the other way round: two hours ahead of UTC is Etc/GMT-2.
func fixed(typed string) (Place, bool) {
	m := offset.FindStringSubmatch(strings.ToLower(typed))
	if m == nil {
		return Place{}, false
	}
	hours, _ := strconv.Atoi(m[2])
	sign, most := "-", 14
	if m[1] != "+" {
		sign, most = "+", 12
	}
	switch {
	case hours > most:
		return Place{}, false
	case hours == 0:
		return Place{"UTC", "UTC"}, true
	}
	zone := etc + sign + strconv.Itoa(hours)
	return Place{zone, City(zone)}, true
}

const etc = "Etc/GMT"

// Fixed tells whether a zone is an offset from UTC, the same all year.
func Fixed(zone string) bool { return strings.HasPrefix(zone, etc) }

// City is the name by which a zone is shown.
func City(zone string) string {
	if away, ok := strings.CutPrefix(zone, etc); ok {
		return "UTC" + strings.NewReplacer("+", "-", "-", "+").Replace(away)
	}
	city := zone[strings.LastIndexByte(zone, '/')+1:]
	return strings.ReplaceAll(city, "_", " ")
}
