package text

import (
	"slices"
	"strings"
	"unicode"
)

// Phrases is the published list: words that hold one of these are shown the help
// page, to their writer alone, before they go out. It stands in the README too,
// and /privacy about says that there is one. It is kept short, and looked for
// only while a message is being put together: nothing is blocked, kept, counted
// or sent anywhere because of it.
var Phrases = []string{
	"kill myself",
	"killing myself",
	"want to die",
	"wish I was dead",
	"wish I were dead",
	"better off dead",
	"end my life",
	"end it all",
	"don't want to live",
	"don't want to be alive",
	"hurt myself",
	"harm myself",
	"suicidal",
	"hurt me and I said no",
	"didn't stop when I said",
}

// HelpFirst tells whether words hold one of the phrases: whole words, in any
// case, however they are spaced and with whatever between them.
func HelpFirst(words string) bool {
	in := " " + strings.Join(plainWords(words), " ") + " "
	return slices.ContainsFunc(Phrases, func(p string) bool {
		return strings.Contains(in, " "+strings.Join(plainWords(p), " ")+" ")
	})
}

// plainWords are the words in lower case, without apostrophes.
func plainWords(s string) []string {
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune("'’‘ʼ`´", r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
	return strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}
