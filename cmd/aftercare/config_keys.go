package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// configKey is one key of the configuration: its path in the file and what reads its value.
type configKey struct {
	path string
	set  setter // nil for a secret and for the file of one: both are read in secrets.go
}

// setter puts a value into c, or reports what is wrong with it. It is given no empty value.
type setter func(c *Config, value any, now time.Time, bad report)

// keys is every key there is, in the order of config.example.yaml.
var keys = []configKey{
	{"discord.token", nil},
	{"discord.token_file", nil},
	{"discord.api_url", setAPIURL},
	{"discord.age_restricted", setAgeRestricted},
	{"discord.requests_per_second", setRequestsPerSecond},
	{"store.path", pathSetter(func(c *Config) *string { return &c.Store.Path })},
	{"store.keys_path", pathSetter(func(c *Config) *string { return &c.Store.KeysPath })},
	{"store.key", nil},
	{"store.key_file", nil},
	{"backup.dir", setBackupDir},
	{"backup.every", setBackupEvery},
	{"backup.keep", setBackupKeep},
	{"checkins.marks", setMarks},
	{"log.level", setLogLevel},
	{"log.format", setLogFormat},
	{"http.listen", setHTTPListen},
	{"operator.name", setOperatorName},
	{"help.lines", setHelpLines},
	{"text.file", setTextFile},
}

const (
	maxRequestsPerSecond = 1000
	maxMarks             = 10
	maxMark              = 30 * 24 * time.Hour
	maxOperatorName      = 80
	maxLineAge           = 365 // days

	// All help lines go into one Discord message of 2,000 characters, beside the fixed ones.
	maxHelpLines   = 8
	maxLineName    = 60
	maxLineContact = 100
)

// text returns a value that has to be written as text. YAML reads 0111 as the number 73, so a
// number is never taken for the text that somebody meant.
func text(value any, bad report) (string, bool) {
	s, ok := value.(string)
	if !ok {
		bad("%s is not text; put it in quotes", show(value))
	}
	return strings.TrimSpace(s), ok
}

func setAPIURL(c *Config, value any, _ time.Time, bad report) {
	s, ok := text(value, bad)
	if !ok {
		return
	}
	const fix = "write an address such as https://discord.com/api"
	u, err := url.Parse(s)
	switch {
	case strings.Contains(s, "@"):
		bad("holds a user name or a password; leave them out") // and out of this line too
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		bad("%s is no address; %s", show(s), fix)
	case u.RawQuery != "" || u.Fragment != "":
		bad("%s has something after ? or #; %s", show(s), fix)
	case endsInVersion(u.Path):
		bad("%s ends in a version; leave it out, it is added", show(s))
	default:
		c.Discord.APIURL = strings.TrimRight(s, "/")
	}
}

func endsInVersion(path string) bool {
	path = strings.TrimRight(path, "/")
	digits, ok := strings.CutPrefix(path[strings.LastIndex(path, "/")+1:], "v")
	_, err := strconv.Atoi(digits)
	return ok && err == nil
}

func setAgeRestricted(c *Config, value any, _ time.Time, bad report) {
	switch value {
	case true, "true":
		c.Discord.AgeRestricted = true
	case false, "false":
		c.Discord.AgeRestricted = false
	default:
		bad("%s is neither true nor false; write one of them", show(value))
	}
}

func setRequestsPerSecond(c *Config, value any, _ time.Time, bad report) {
	n, err := strconv.Atoi(fmt.Sprint(value))
	if err != nil || n < 1 || n > maxRequestsPerSecond {
		bad("%s is no whole number from 1 to %d; Discord's limit is 50", show(value), maxRequestsPerSecond)
		return
	}
	c.Discord.RequestsPerSecond = n
}

func pathSetter(field func(*Config) *string) setter {
	return func(c *Config, value any, _ time.Time, bad report) {
		s, ok := text(value, bad)
		switch {
		case !ok:
		case s == ":memory:" || strings.HasPrefix(s, "file:"):
			bad("%s is not a path; write the plain path of a file", show(s))
		case strings.HasSuffix(s, "/"):
			bad("%s is a directory; add the file's name", show(s))
		default:
			*field(c) = s
		}
	}
}

func setMarks(c *Config, value any, _ time.Time, bad report) {
	list, ok := value.([]any)
	if !ok {
		list = nil
		for part := range strings.SplitSeq(fmt.Sprint(value), ",") {
			list = append(list, strings.TrimSpace(part))
		}
	}
	const as = "as in [24h, 48h]"
	if len(list) == 0 || len(list) > maxMarks {
		bad("has %d marks; write from 1 to %d, %s", len(list), maxMarks, as)
		return
	}
	var marks []time.Duration
	for _, item := range list {
		d, err := parseMark(item)
		switch {
		case err != nil:
			bad("%s is no duration; write a number and h, m or s, %s", show(item), as)
		case d <= 0:
			bad("%s is not after the scene's end; write a longer one, %s", show(item), as)
		case d > maxMark:
			bad("%s is longer than 30 days; write 720h or less", show(item))
		case len(marks) > 0 && d <= marks[len(marks)-1]:
			bad("%s does not come after the one before it; write them in rising order, each once, %s", show(item), as)
		default:
			marks = append(marks, d)
		}
	}
	c.Checkins.Marks = marks
}

// parseMark reads one mark, in the whole milliseconds that times are kept in. A bare number is
// an error even where it is zero, which time.ParseDuration lets pass.
func parseMark(item any) (time.Duration, error) {
	s, ok := item.(string)
	if _, err := strconv.ParseFloat(s, 64); !ok || err == nil {
		return 0, errors.New("no unit")
	}
	d, err := time.ParseDuration(s)
	return d.Truncate(time.Millisecond), err
}

func setLogLevel(c *Config, value any, _ time.Time, bad report) {
	levels := map[any]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}
	level, ok := levels[fmt.Sprint(value)]
	if !ok {
		bad("%s is no level; write debug, info, warn or error", show(value))
	}
	c.Log.Level = level
}

func setLogFormat(c *Config, value any, _ time.Time, bad report) {
	c.Log.Format = fmt.Sprint(value)
	if c.Log.Format != "text" && c.Log.Format != "json" {
		bad("%s is no format; write text or json", show(value))
	}
}

// setHTTPListen takes a port, which stands for that of this machine alone, or a host
// and a port.
func setHTTPListen(c *Config, value any, _ time.Time, bad report) {
	s := strings.TrimSpace(fmt.Sprint(value))
	host, port, err := net.SplitHostPort(s)
	if _, bare := strconv.ParseUint(s, 10, 16); bare == nil {
		host, port, err = "", s, nil
	}
	if _, wrong := strconv.ParseUint(port, 10, 16); err != nil || wrong != nil {
		bad("%s is neither a port nor an address; write a port, as in 9464, or an address, as in 0.0.0.0:9464", show(s))
		return
	}
	if host == "" {
		host = "127.0.0.1"
	}
	c.HTTP.Listen = net.JoinHostPort(host, port)
}

func setOperatorName(c *Config, value any, _ time.Time, bad report) {
	if name, ok := text(value, bad); ok {
		checkLine(name, maxOperatorName, bad)
		c.Operator.Name = name
	}
}

// checkLine holds what people are shown to one line that fits.
func checkLine(s string, limit int, bad report) {
	if n := len([]rune(s)); n > limit {
		bad("has %d characters; shorten it to %d", n, limit)
	}
	if strings.ContainsFunc(s, unicode.IsControl) {
		bad("%s has a line break or a control character; write it on one line", show(s))
	}
}

// setHelpLines takes a YAML list, or from the environment the same list as JSON.
func setHelpLines(c *Config, value any, now time.Time, bad report) {
	const as = "name, contact and checked"
	list, ok := value.([]any)
	if raw, isText := value.(string); isText {
		ok = json.Unmarshal([]byte(raw), &list) == nil
	}
	if !ok {
		bad("not a list; write each line with %s (in the environment as JSON)", as)
		return
	}
	if len(list) > maxHelpLines {
		bad("has %d lines; keep the best %d, so that they fit one message", len(list), maxHelpLines)
	}
	c.Help.Lines = nil
	for i, item := range list {
		at := fmt.Sprintf("line %d", i+1)
		fields, ok := item.(map[string]any)
		if !ok {
			bad("%s is not written as %s; give it these three", at, as)
			continue
		}
		if name, _ := fields["name"].(string); name != "" {
			at += " (" + show(name) + ")"
		}
		line := helpLine(fields, now, func(format string, args ...any) {
			bad("%s: %s", at, fmt.Sprintf(format, args...))
		})
		c.Help.Lines = append(c.Help.Lines, line)
	}
}

func helpLine(fields map[string]any, now time.Time, bad report) HelpLine {
	known := []string{"name", "contact", "checked"}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(known, name) {
			bad("unknown field %s; %s", show(name), suggest(name, known, "_"))
		}
	}
	return HelpLine{
		Name:    helpText(fields, "name", maxLineName, bad),
		Contact: helpText(fields, "contact", maxLineContact, bad),
		Checked: helpDate(fields["checked"], now, bad),
	}
}

func helpText(fields map[string]any, name string, limit int, bad report) string {
	bad = within(bad, name)
	if fields[name] == nil || fields[name] == "" {
		bad("empty; fill it in, or remove the line")
		return ""
	}
	s, ok := text(fields[name], bad)
	switch {
	case !ok:
	case s == "":
		bad("empty; fill it in, or remove the line")
	case isPlaceholder(s):
		bad("%s looks like a placeholder; write the real one, or remove the line", show(s))
	default:
		checkLine(s, limit, bad)
	}
	return s
}

// isPlaceholder knows what stands in samples. Somebody in need who dials one is worse off than
// with no line at all.
func isPlaceholder(s string) bool {
	s = strings.ToLower(s)
	samples := []string{"example", "placeholder", "xxx", "todo", "tbd", "fixme", "changeme", "555-", "<", "...", "???",
		"the name it answers with", "its number or address"} // the last two as config.example.yaml has them
	if slices.ContainsFunc(samples, func(sign string) bool { return strings.Contains(s, sign) }) {
		return true
	}
	if strings.ContainsFunc(s, unicode.IsLetter) {
		return false
	}
	digits := strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
	return strings.Trim(digits, "0") == "" || len(digits) > 3 && strings.HasPrefix("1234567890", digits)
}

// helpDate reads the day on which a line was checked. YAML makes a time of a date without
// quotes, text of one with them.
func helpDate(value any, now time.Time, bad report) time.Time {
	bad = within(bad, "checked")
	if value == nil || value == "" {
		bad("empty; write the date you last tried this line, as in 2026-03-31")
		return time.Time{}
	}
	day, ok := value.(time.Time)
	if !ok {
		var err error
		if day, err = time.Parse(time.DateOnly, fmt.Sprint(value)); err != nil {
			bad("%s is no date; write year, month and day, as in 2026-03-31", show(value))
			return time.Time{}
		}
	}
	day = dateOf(day)
	age := int(dateOf(now).Sub(day) / (24 * time.Hour)) // in the operator's own days
	switch {
	case age < 0:
		bad("%s is in the future; write the date you last tried this line", day.Format(time.DateOnly))
	case age > maxLineAge:
		bad("%s is %d days ago; try the line, then write today's date, or remove it", day.Format(time.DateOnly), age)
	}
	return day
}

// dateOf returns the date of t, where t is, as midnight UTC.
func dateOf(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// within returns a report that names a field as well.
func within(bad report, field string) report {
	return func(format string, args ...any) { bad("%s %s", field, fmt.Sprintf(format, args...)) }
}

// show quotes a value in a report, cut where it is long.
func show(value any) string {
	const limit = 60
	s := []rune(fmt.Sprint(value))
	if len(s) > limit {
		s = append(s[:limit], '…')
	}
	return strconv.Quote(string(s))
}

// suggest returns the fix for a name that is not known: the known one it is nearest to, where
// one is near. sep parts a name into segments, so that a key set in the wrong section is found.
func suggest(name string, known []string, sep string) string {
	last := func(s string) string { return s[strings.LastIndex(s, sep)+1:] }
	best, bestAt := "", len(name)/2+1
	for _, k := range known {
		at := min(distance(name, k), 1+distance(last(name), last(k))*2)
		if at < bestAt {
			best, bestAt = k, at
		}
	}
	if best == "" {
		return "remove it; config.example.yaml has every key"
	}
	return "did you mean " + best + "?"
}

// distance counts the letters to put in, take out or replace to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
