package bot

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	zeroWidthSpace     = '\u200b'
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
	emojiSelector      = '\ufe0f'

	mostMarks   = 8  // on one letter; more only paint over the lines around it
	longestGlue = 16 // runes that are kept together at a cut
	longestName = 32 // runes, as Discord's own limit
	ellipsis    = "…"
	quoteMark   = "> "
)

// plain makes somebody's words safe to show to somebody else: the reader sees
// the characters that the writer typed, and none of them does anything. Every
// character that can begin markup is escaped wherever it stands, not only
// where it would be alive today, so that the result may be cut and joined.
func plain(s string) string {
	return escape(clean(s))
}

// quote shows words as a block quote. Every line carries its own mark, so that
// no line of the words can pass for the bot's. It makes the words plain itself.
func quote(s string) string {
	return quoteLines(plain(s))
}

// parts makes words plain, and cuts them into block quotes of at most limit.
// Nothing to show gives no part.
func parts(words string, limit int) []string {
	all := cutText(plain(words), limit, len(quoteMark))
	for i := range all {
		all[i] = quoteLines(all[i])
	}
	return all
}

// split cuts text into parts of at most limit UTF-16 code units. Discord does
// not say what it counts; by code units nothing counts for less than it does
// by characters. Only space is lost at a cut. A part is never empty, and holds
// at least one character even if that alone exceeds the limit.
func split(s string, limit int) []string {
	return cutText(s, limit, 0)
}

// shorten gives the first n characters of words, plain and on one line.
func shorten(s string, n int) string {
	s = oneLine(s)
	end, count := 0, 0
	for ; end < len(s) && count < n; count++ {
		end += gluedLen(s[end:])
	}
	if end == len(s) {
		return escape(s)
	}
	return escape(strings.TrimSpace(s[:end])) + ellipsis
}

// within cuts plain text of one line to at most n code units.
func within(s string, n int) string {
	if codeUnits(s) <= n {
		return s
	}
	return cutText(s, n-len(ellipsis), 0)[0] + ellipsis
}

// displayName makes a person's own name safe for the middle of a sentence. A
// name that shows nothing gives "". On a button use label, as labels know no
// markup and would show the escapes.
func displayName(s string) string {
	return escape(clip(oneLine(s), longestName, utf8.RuneCountInString))
}

// label makes words fit for a button or a select menu, which show no markup
// and may not be empty. It counts code units, as split does.
func label(s string, n int) string {
	s = clip(oneLine(s), n, codeUnits)
	if s == "" {
		return ellipsis
	}
	return s
}

// clip cuts text that is longer than n, by the given measure, so that it fits
// together with an ellipsis.
func clip(s string, n int, size func(string) int) string {
	if size(s) <= n {
		return s
	}
	end := 0
	for end < len(s) {
		next := end + gluedLen(s[end:])
		if size(s[:next]) > n-1 {
			break
		}
		end = next
	}
	return strings.TrimSpace(s[:end]) + ellipsis
}

// markup are the characters that can begin or end something in Discord's
// markup. A colon is among them for links, emoji and timestamps, a slash for
// invitations, which need no scheme.
const markup = "\\`*_~|<>[]()#@:/-+"

// escape puts a backslash before whatever could come alive. Two things need
// more: a number with a full stop begins a list, and older clients look for
// @everyone and @here without minding the backslash, so a zero-width space
// comes between.
func escape(s string) string {
	var out strings.Builder
	out.Grow(len(s) + len(s)/4)
	prev := ' '
	for i, r := range s {
		if strings.ContainsRune(markup, r) || r == '.' && prev >= '0' && prev <= '9' {
			out.WriteByte('\\')
		}
		out.WriteRune(r)
		if r == '@' && isCall(s[i+1:]) {
			out.WriteRune(zeroWidthSpace)
		}
		if !extendsLast(r) {
			prev = r // marks don't part a number from its full stop
		}
	}
	return out.String()
}

// isCall says whether text after an @ calls everybody. Discord may strip marks
// when there are many, so they don't count.
func isCall(s string) bool {
	s = strings.TrimLeftFunc(s, extendsLast)
	for _, name := range []string{"everyone", "here"} {
		if len(s) >= len(name) && strings.EqualFold(s[:len(name)], name) {
			return true
		}
	}
	return false
}

func quoteLines(s string) string {
	if s == "" {
		return ""
	}
	return quoteMark + strings.ReplaceAll(s, "\n", "\n"+quoteMark)
}

// spaceKinds brings the many kinds of line break to one, and gives what only looks
// like a space a real one.
var spaceKinds = strings.NewReplacer(
	"\r\n", "\n", "\r", "\n", "\v", "\n", "\f", "\n",
	"\u0085", "\n", "\u2028", "\n", "\u2029", "\n",
	"\t", " ", "\u2800", " ",
)

var (
	lineEnds   = regexp.MustCompile(`\p{Zs}+\n`)
	blankLines = regexp.MustCompile(`\n{4,}`)
)

// clean gives words without what nobody sees: control characters, characters
// that turn the direction of text, invisible ones, space at the end of lines,
// and all but two of many blank lines.
func clean(s string) string {
	s = visibleRunes(spaceKinds.Replace(strings.ToValidUTF8(s, "\ufffd")))
	s = strings.TrimSpace(s)
	s = lineEnds.ReplaceAllString(s, "\n")
	return blankLines.ReplaceAllString(s, "\n\n\n")
}

func oneLine(s string) string {
	return strings.Join(strings.Fields(clean(s)), " ")
}

// visibleRunes drops invisible runes, unless they shape a visible one.
func visibleRunes(s string) string {
	var out strings.Builder
	runes := []rune(s)
	prev, marks := '\n', 0
	for i := 0; i < len(runes); i++ {
		if n := flagLen(runes[i:]); n > 0 {
			out.WriteString(string(runes[i : i+n]))
			i += n - 1
			prev, marks = runes[i], 0
			continue
		}
		next := '\n'
		if i+1 < len(runes) {
			next = runes[i+1]
		}
		r := runes[i]
		if !isShown(prev, r, next) {
			continue
		}
		if !unicode.In(r, unicode.Mn, unicode.Me) {
			marks = 0
		} else if marks++; marks > mostMarks {
			continue
		}
		out.WriteRune(r)
		prev = r
	}
	return out.String()
}

// isShown says whether a rune is seen, or changes how its neighbours are seen:
// joiners inside emoji and in the scripts that are written with them, and one
// selector after what it selects a form of.
func isShown(prev, r, next rune) bool {
	switch {
	case r == '\n':
		return true
	case r == zeroWidthJoiner && isEmoji(next):
		return isEmoji(prev) || prev == emojiSelector || isJoined(prev)
	case r == zeroWidthJoiner, r == zeroWidthNonJoiner:
		return isJoined(prev)
	case unicode.Is(unicode.Variation_Selector, r):
		return !unicode.IsSpace(prev) && !unicode.In(prev, unicode.Variation_Selector, unicode.Cf)
	case unicode.Is(unicode.Prepended_Concatenation_Mark, r):
		return true
	}
	return !unicode.In(r, unicode.Cc, unicode.Cf,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Noncharacter_Code_Point)
}

// isEmoji holds for what emoji are joined from, and a few more symbols.
func isEmoji(r rune) bool {
	return r >= 0x1f000 && r <= 0x1faff || r >= 0x2190 && r <= 0x21ff || unicode.Is(unicode.So, r)
}

// isJoined holds for letters and marks of scripts in which a joiner or a
// non-joiner is part of the spelling.
func isJoined(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M) && unicode.In(r,
		unicode.Arabic, unicode.Syriac, unicode.Mongolian, unicode.Devanagari, unicode.Bengali,
		unicode.Gurmukhi, unicode.Gujarati, unicode.Oriya, unicode.Tamil, unicode.Telugu,
		unicode.Kannada, unicode.Malayalam, unicode.Sinhala, unicode.Khmer, unicode.Myanmar)
}

// flagLen gives the length of the flag that begins here, of those three that are
// spelled in invisible tags. Tags anywhere else could carry hidden words.
func flagLen(runes []rune) int {
	for _, name := range []string{"gbeng", "gbsct", "gbwls"} {
		n := len(name) + 2
		if len(runes) < n || runes[0] != 0x1f3f4 || runes[n-1] != 0xe007f {
			continue
		}
		for i, r := range name {
			if runes[i+1] != 0xe0000+r {
				n = 0
				break
			}
		}
		if n > 0 {
			return n
		}
	}
	return 0
}

// codeUnits counts UTF-16 code units.
func codeUnits(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// cutText is split for text whose every line will get a mark of so many units.
func cutText(s string, limit, mark int) []string {
	var all []string
	for s = strings.TrimSpace(s); s != ""; {
		n := longestFit(s, limit, mark)
		if n < len(s) {
			n = betterCut(s, n)
		}
		all = append(all, strings.TrimSpace(s[:n]))
		s = strings.TrimSpace(s[n:])
	}
	return all
}

// longestFit gives the length of the longest beginning that fits: in whole glued
// pieces, else in whole atoms, else one atom.
func longestFit(s string, limit, mark int) int {
	for _, piece := range []func(string) int{gluedLen, atomLen} {
		n, used := 0, mark
		for n < len(s) {
			next := s[n : n+piece(s[n:])]
			used += codeUnits(next) + mark*strings.Count(next, "\n")
			if used > limit {
				break
			}
			n += len(next)
		}
		if n > 0 {
			return n
		}
	}
	return atomLen(s)
}

// betterCut moves a cut at n back to a better place: the end of a paragraph, a line
// or a sentence, unless that leaves a very short part, else the end of a word.
// All of these but the last kind of sentence end lie before a space, and space
// always begins a piece.
func betterCut(s string, n int) int {
	for _, sep := range []string{"\n\n", "\n"} {
		if i := strings.LastIndex(s[:min(n+len(sep), len(s))], sep); i > n/3 {
			return i
		}
	}
	word := 0
	for i := n; i > 0; i-- {
		if !utf8.RuneStart(s[i]) {
			continue
		}
		next, _ := utf8.DecodeRuneInString(s[i:])
		last, _ := utf8.DecodeLastRuneInString(s[:i])
		isSpace := unicode.IsSpace(next)
		if isSpace && word == 0 {
			word = i
		}
		if i > n/3 && (isSpace && strings.ContainsRune(".!?…", last) ||
			!extendsLast(next) && strings.ContainsRune("。！？", last)) {
			return i
		}
	}
	if word > 0 {
		return word
	}
	return n
}

// atomLen gives the length of the first character, with the backslash before it
// if there is one. It is never cut.
func atomLen(s string) int {
	r, n := utf8.DecodeRuneInString(s)
	if r != '\\' || n == len(s) {
		return n
	}
	next, m := utf8.DecodeRuneInString(s[n:])
	if unicode.IsSpace(next) {
		return n
	}
	return n + m
}

// gluedLen gives the length of the first character as people count them, roughly:
// an atom with its marks, joined emoji, the two halves of a flag. It ends at
// some length, as a chain of joiners may go on for ever.
func gluedLen(s string) int {
	n := atomLen(s)
	prev, _ := utf8.DecodeLastRuneInString(s[:n])
	for count := 1; n < len(s) && count < longestGlue; count++ {
		r, size := utf8.DecodeRuneInString(s[n:])
		isPair := count == 1 && unicode.Is(unicode.Regional_Indicator, prev) && unicode.Is(unicode.Regional_Indicator, r)
		isChain := prev == zeroWidthJoiner && r != '\\' && !unicode.IsSpace(r)
		if !isPair && !isChain && !extendsLast(r) {
			break
		}
		n += size
		prev = r
	}
	return n
}

// extendsLast says whether a rune belongs to the one before it.
func extendsLast(r rune) bool {
	switch {
	case r == zeroWidthSpace, r == zeroWidthJoiner, r == zeroWidthNonJoiner:
		return true
	case r >= 0x1f3fb && r <= 0x1f3ff, r >= 0xe0020 && r <= 0xe007f: // skin tones, tags
		return true
	case r >= 0x1160 && r <= 0x11ff: // the later parts of a Korean syllable
		return true
	}
	return unicode.Is(unicode.M, r)
}
