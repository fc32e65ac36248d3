package main

import (
	"regexp"
	"strings"
)

// saying is one thing that somebody can now see, read out of the lines of a
// conversation.
type saying struct {
	label   string // where it stands, and who sees it
	who     string // "": everyone, or it is not known
	lines   []string
	removed bool
	form    bool // each line of it after the title is to be filled in
}

var (
	saidByBot   = re(`bot(?: -> (\w+)|, only (\w+) sees|, everyone sees)((?:, (?:in place|removed))?): ?(.*)`)
	formOpens   = re(`form for (\w+): (.*)`)
	onlyDiscord = re(`Discord, only (\w+) sees: (.*)`)
	buttonRow   = re(`(?:[\[(][^\])]+[\])] ?)+`)
)

// readSaid reads what came of one step.
func readSaid(lines []string) (all []saying) {
	for _, line := range lines {
		if line == "" {
			continue
		}
		if rest := strings.TrimLeft(line, " "); rest != line && len(all) > 0 {
			all[len(all)-1].add(rest)
			continue
		}
		all = append(all, beginSaying(line))
	}
	return all
}

func beginSaying(line string) (s saying) {
	if m := saidByBot.FindStringSubmatch(line); m != nil {
		s.who = m[1] + m[2]
		s.label = "Aftercare, everyone in the server sees this"
		if m[1] != "" {
			s.label = "Aftercare → " + capital(m[1]) + ", direct message"
		} else if m[2] != "" {
			s.label = "Aftercare, only " + capital(m[2]) + " sees this"
		}
		if m[3] == ", in place" {
			s.label = strings.TrimSuffix(s.label, ", direct message") + ", changed in place"
		}
		if s.removed = m[3] == ", removed"; s.removed {
			s.label = strings.TrimSuffix(s.label, ", direct message") + ", taken away again"
		}
		s.add(m[4])
		return s
	}
	if m := formOpens.FindStringSubmatch(line); m != nil {
		return saying{who: m[1], label: "A form opens for " + capital(m[1]), lines: []string{"**" + m[2] + "**"}, form: true}
	}
	if m := onlyDiscord.FindStringSubmatch(line); m != nil {
		return saying{who: m[1], label: "Discord, only " + capital(m[1]) + " sees this", lines: []string{m[2]}}
	}
	return saying{lines: []string{line}}
}

func (s *saying) add(line string) {
	if line != "" {
		s.lines = append(s.lines, line)
	}
}

var acted = []struct {
	pattern *regexp.Regexp
	told    string
}{
	{re(`(\w+): (/.*)`), "$1 types `$2` in the server"},
	{re(`(\w+) in the DM: (/.*)`), "$1 types `$2` in the direct message"},
	{re(`(\w+): (.*)`), "$1 types: “$2”"},
	{re(`(\w+) presses \[(.*)\] under .*`), "$1 taps [$2]"},
	{re(`(\w+) presses \[(.*)\]`), "$1 taps [$2]"},
	{re(`(\w+) writes: (.*)`), "$1 writes: “$2”"},
}

// tellAct puts what somebody does into a sentence, and says who it is.
func tellAct(line string) (who, sentence string) {
	who, _, _ = strings.Cut(line, " ")
	for _, a := range acted {
		if a.pattern.MatchString(line) {
			line = a.pattern.ReplaceAllString(line, a.told)
			break
		}
	}
	return strings.TrimSuffix(who, ":"), capital(line)
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
