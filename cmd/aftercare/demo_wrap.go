package main

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// glue stands for a blank at which no line may be broken.
const glue = "\u00a0"

var (
	bold    = regexp.MustCompile(`\*\*.+?\*\*`)
	code    = regexp.MustCompile("`.+?`")
	chip    = regexp.MustCompile(`\[[^\]]+\]`)
	colours = regexp.MustCompile("\x1b\\[[0-9;]*m")
)

// The ways in which a terminal can show a word.
const (
	faint     = "2"
	strong    = "1"
	slanted   = "3"
	struckOut = "2;9"
)

// dress returns s in a style, each word on its own so that it can be wrapped.
func (p *page) dress(s, style string) string {
	if !p.colour || style == "" || s == "" {
		return s
	}
	words := strings.Split(s, " ")
	for i, w := range words {
		if w != "" {
			words[i] = "\x1b[" + style + "m" + w + "\x1b[0m"
		}
	}
	return strings.Join(words, " ")
}

// marked draws what Discord draws in a text: bold and code.
func (p *page) marked(s string) string {
	s = bold.ReplaceAllStringFunc(s, func(m string) string { return p.dress(strings.Trim(m, "*"), strong) })
	return code.ReplaceAllStringFunc(s, func(m string) string {
		return p.dress(strings.ReplaceAll(strings.Trim(m, "`"), " ", glue), strong)
	})
}

// chips draws buttons, none of them broken.
func (p *page) chips(s, colour string) string {
	return chip.ReplaceAllStringFunc(s, func(m string) string {
		return p.dress(strings.ReplaceAll("[ "+strings.Trim(m, "[]")+" ]", " ", glue), colour)
	})
}

// wrap breaks s at blanks into lines of at most so many columns. A longer word
// gets a line of its own.
func wrap(s string, columns int) (lines []string) {
	line, used := "", 0
	for _, word := range strings.Split(s, " ") {
		n := columnsOf(word)
		if used > 0 && used+1+n > columns {
			lines = append(lines, line)
			line, used = "", 0
		}
		if used > 0 {
			line, used = line+" ", used+1
		}
		line, used = line+word, used+n
	}
	return append(lines, line)
}

// columnsOf counts runes; the demo's people write nothing wider.
func columnsOf(s string) int { return utf8.RuneCountInString(colours.ReplaceAllString(s, "")) }
