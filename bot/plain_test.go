package bot

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// A small, strict model of Discord's markup: whatever one of these finds, some
// client or the server would act on.
var (
	escaped = regexp.MustCompile(`\\[^0-9A-Za-z\s]`)

	// Looked for once escapes are out of the way.
	liveForms = []*regexp.Regexp{
		regexp.MustCompile(`@(?:everyone|here)`),
		regexp.MustCompile(`<@[!&]?\d+>`),
		regexp.MustCompile(`<#\d+>`),
		regexp.MustCompile(`</[^>]+:\d+>`),
		regexp.MustCompile(`<t:-?\d+(?::[a-zA-Z])?>`),
		regexp.MustCompile(`<a?:\w+:\d+>`),
		regexp.MustCompile(`<id:\w+>`),
		regexp.MustCompile(`<\w+:[^>]*>`),
		regexp.MustCompile(`<\+\d+>`),
		regexp.MustCompile(`:\w+:`),
		regexp.MustCompile(`\w+:/+\S`),
		regexp.MustCompile(`\w+:\S+@\S`),
		regexp.MustCompile(`(?i)discord(?:app)?\.\w+/`),
		regexp.MustCompile(`(?s)\[.*?\]\s*\(.*?\)`),
		regexp.MustCompile(`(?m)^\s*#{1,6}(?:\s|$)`),
		regexp.MustCompile(`(?m)^\s*-#`),
		regexp.MustCompile(`(?m)^\s*[-*+](?:\s|$)`),
		regexp.MustCompile(`(?m)^\s*\d+\.(?:\s|$)`),
		regexp.MustCompile(`(?m)^\s*>`),
		regexp.MustCompile("`"),
		regexp.MustCompile(`(?s)\*[^*]+\*`),
		regexp.MustCompile(`(?s)_[^_]+_`),
		regexp.MustCompile(`(?s)~~.+~~`),
		regexp.MustCompile(`(?s)\|\|.+\|\|`),
		regexp.MustCompile(`\\`), // one that escapes nothing shows itself
	}

	// Looked for in the raw text, by readers that know no escapes.
	liveRaw = []*regexp.Regexp{
		regexp.MustCompile(`(?i)@\p{M}*(?:everyone|here)`),
		regexp.MustCompile(`<(?:@|#|/|t:|a?:|id:)`),
		regexp.MustCompile(`(?i)https?://`),
		regexp.MustCompile(`(?i)discord(?:app)?\.\w+/`),
		regexp.MustCompile(`[\x00-\x09\x0b-\x1f\x7f-\x{9f}\x{202a}-\x{202e}\x{2066}-\x{2069}\x{200e}\x{200f}\x{feff}]`),
	}
)

// alive names what in s would come alive.
func alive(s string) []string {
	var found []string
	for _, form := range liveRaw {
		if m := form.FindString(s); m != "" {
			found = append(found, form.String()+" raw at "+m)
		}
	}
	s = escaped.ReplaceAllString(s, "\ue000")
	for _, form := range liveForms {
		if m := form.FindString(s); m != "" {
			found = append(found, form.String()+" at "+m)
		}
	}
	return found
}

// unescaped gives what a reader sees.
func unescaped(s string) string {
	s = regexp.MustCompile(`\\([^0-9A-Za-z\s])`).ReplaceAllString(s, "$1")
	return strings.ReplaceAll(s, string(zeroWidthSpace), "")
}

// unquoted takes the mark off every line, which all must have.
func unquoted(t interface{ Fatalf(string, ...any) }, s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		words, ok := strings.CutPrefix(line, "> ")
		if !ok {
			t.Fatalf("line %d of %q is outside the quote", i, s)
		}
		lines[i] = words
	}
	return strings.Join(lines, "\n")
}

func withoutSpace(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

// hostileForms are live forms, and pieces that become live when they meet.
var hostileForms = []string{
	"<@123456789012345678>", "<@!123456789012345678>", "<@&123456789012345678>", "<#123456789012345678>",
	"@everyone", "@here", "@Everyone", "@\u0300everyone", "@\u200beveryone", "@\u202eeveryone", "<@&1>@here",
	"</care help:123456789012345678>", "<t:1700000000:R>", "<t:1700000000>", "<:a:1>", "<a:b:2>", ":smile:",
	"<id:customize>", "<id:guide>", "<sound:1:2>", "<mailto:a@b.c>", "<+15551234>", "mailto:a@b.c",
	"[text](https://example.com)", "[text](<https://example.com> \"title\")", "[a]\n(b)", "https://example.com/a_b_c",
	"http://x.y", "<https://example.com>", "discord.gg/abc", "discord.com/invite/abc", "steam://run/1",
	"# one", "## two", "### three", "-# small", "- item", "* item", "1. item", "12. item", "  - item",
	"> quoted", ">>> all quoted", "  > quoted", "```go\ncode\n```", "`code`", "``co`de``",
	"**bold**", "*it*", "_it_", "__under__", "***both***", "~~gone~~", "||hidden||", "\\*not\\*", "\\",
	"\\\\*it*", "`\\`", "¯\\_(ツ)_/¯",
}

func TestModelSeesLiveForms(t *testing.T) {
	inert := []string{"\\*not\\*", "@\u200beveryone", "¯\\_(ツ)_/¯"}
	for _, s := range hostileForms {
		if len(alive(s)) == 0 && !slices.Contains(inert, s) {
			t.Errorf("the model takes %q for dead", s)
		}
	}
	for _, s := range []string{"", "Hello there, all well.", `\*a\*`, `\<\@1\>`, "1\\. a", "it's 3 o'clock (no)"} {
		if found := alive(s); found != nil {
			t.Errorf("the model takes %q for alive: %v", s, found)
		}
	}
}

func TestPlain(t *testing.T) {
	for _, c := range []struct{ name, words, want string }{
		{"nothing", "", ""},
		{"only space", " \r\n\t ", ""},
		{"ordinary words", "I'm well, thanks! 3 of 4?", "I'm well, thanks! 3 of 4?"},
		{"person", "<@123>", `\<\@123\>`},
		{"role", "<@&123>", `\<\@&123\>`},
		{"channel", "<#123>", `\<\#123\>`},
		{"everyone", "@everyone", "\\@\u200beveryone"},
		{"here", "@here, mail a@b.c", "\\@\u200bhere, mail a\\@b.c"},
		{"everyone behind a mark", "@\u0300everyone", "\\@\u200b\u0300everyone"},
		{"everyone behind an invisible", "@\u202eeveryone", "\\@\u200beveryone"},
		{"command", "</care help:1>", `\<\/care help\:1\>`},
		{"timestamp", "<t:1:R>", `\<t\:1\:R\>`},
		{"emoji", "<a:b:1> :smile:", `\<a\:b\:1\> \:smile\:`},
		{"navigation", "<id:guide>", `\<id\:guide\>`},
		{"masked link", "[a](https://b.c)", `\[a\]\(https\:\/\/b.c\)`},
		{"bare link", "https://b.c/d_e", `https\:\/\/b.c\/d\_e`},
		{"invitation", "discord.gg/abc", `discord.gg\/abc`},
		{"heading", "# a", `\# a`},
		{"small print", "-# a", `\-\# a`},
		{"list", "- a\n* b\n1. c", "\\- a\n\\* b\n1\\. c"},
		{"number", "3.5 and 4.", `3\.5 and 4\.`},
		{"number with a mark", "1\u0301. a", "1\u0301\\. a"},
		{"quotes", "> a\n>>> b", "\\> a\n\\>\\>\\> b"},
		{"code", "`a` ```b```", "\\`a\\` \\`\\`\\`b\\`\\`\\`"},
		{"emphasis", "*a* _b_ ~~c~~ ||d||", `\*a\* \_b\_ \~\~c\~\~ \|\|d\|\|`},
		{"escapes", `\*a\* \`, `\\\*a\\\* \\`},
		{"shrug", `¯\_(ツ)_/¯`, `¯\\\_\(ツ\)\_\/¯`},
		{"line breaks", "a\r\nb\rc\u2028d", "a\nb\nc\nd"},
		{"blank lines", "a\n \n\n\t\n\u3000\nb\n\nc", "a\n\n\nb\n\nc"},
		{"controls", "a\x00b\x1b[1mc\x7f\u0085d", "ab\\[1mc\nd"},
		{"bidi", "a\u202eb\u2066c\u200fd\u061ce", "abcde"},
		{"invisible", "a\u200bb\u2060c\ufeffd\u00ade\u3164f\u034fg\U000e0041h", "abcdefgh"},
		{"blank that is none", "\u2800a\u2800\u2800", "a"},
		{"not UTF-8", "a\xffb", "a\ufffdb"},
		{"family", "👩‍👩‍👧 👋🏽 ❤️‍🔥 🏳️‍🌈", "👩‍👩‍👧 👋🏽 ❤️‍🔥 🏳️‍🌈"},
		{"flag", "🇩🇪 🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", "🇩🇪 🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"},
		{"tags that are no flag", "🏴\U000e0068\U000e0069\U000e007f", "🏴"},
		{"joiner outside emoji", "a\u200db 👩\u200d", "ab 👩"},
		{"joiner in Persian", "می\u200cخواهم", "می\u200cخواهم"},
		{"selectors", "❤\ufe0f\ufe0f\ufe0f a\n\ufe0f", "❤\ufe0f a"},
		{"too many marks", "a" + strings.Repeat("\u0300", 40) + "b", "a" + strings.Repeat("\u0300", 8) + "b"},
		{"other scripts", "नमस्ते שלום こんにちは", "नमस्ते שלום こんにちは"},
	} {
		if got := plain(c.words); got != c.want {
			t.Errorf("%s: %q became %q, want %q", c.name, c.words, got, c.want)
		}
	}
}

func TestQuote(t *testing.T) {
	for _, c := range []struct{ words, want string }{
		{"", ""},
		{" \n ", ""},
		{"a", "> a"},
		{"a\nb", "> a\n> b"},
		{"a\n\nb", "> a\n> \n> b"},
		{"a\rThey wrote this.\n\nb\u2029c", "> a\n> They wrote this.\n> \n> b\n> c"},
		{"> a", `> \> a`},
	} {
		if got := quote(c.words); got != c.want {
			t.Errorf("%q became %q, want %q", c.words, got, c.want)
		}
	}
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		name  string
		text  string
		limit int
		want  []string
	}{
		{"nothing", "", 10, nil},
		{"only space", " \n ", 10, nil},
		{"fits", "0123456789", 10, []string{"0123456789"}},
		{"paragraph", "one two\n\nthree. four five", 20, []string{"one two", "three. four five"}},
		{"line", "one two\nthree four five", 20, []string{"one two", "three four five"}},
		{"sentence", "One two. Three four five", 20, []string{"One two.", "Three four five"}},
		{"word", "one two three four five", 20, []string{"one two three four", "five"}},
		{"word that just fits", "one two three", 7, []string{"one two", "three"}},
		{"no space", "abcdefghij", 4, []string{"abcd", "efgh", "ij"}},
		{"early paragraph", "a\n\nbcd efgh ijkl mnop", 12, []string{"a\n\nbcd efgh", "ijkl mnop"}},
		{"sentence without space", "一二三。四五六七", 6, []string{"一二三。", "四五六七"}},
		{"escape", `abc\*def`, 4, []string{"abc", `\*de`, "f"}},
		{"escaped backslash", `ab\\\\cd`, 5, []string{`ab\\`, `\\cd`}},
		{"surrogates", "a😀😀", 3, []string{"a😀", "😀"}},
		{"mark", "abce\u0301f", 4, []string{"abc", "e\u0301f"}},
		{"family", "ab👩‍👧c", 6, []string{"ab", "👩‍👧c"}},
		{"flag", "a🇩🇪🇫🇷", 6, []string{"a🇩🇪", "🇫🇷"}},
		{"skin", "ab👋🏽", 5, []string{"ab", "👋🏽"}},
		{"longer than the limit", "👩‍👩‍👧", 3, []string{"👩\u200d", "👩\u200d", "👧"}},
		{"hopeless limit", "a😀", 0, []string{"a", "😀"}},
	} {
		if got := split(c.text, c.limit); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q became %q, want %q", c.name, c.text, got, c.want)
		}
	}
}

func TestParts(t *testing.T) {
	words := strings.TrimSpace(strings.Repeat("One *two* three. ", 30)) + "\n\n" + strings.Repeat("> four\n", 20)
	got := parts(words, 200)
	if len(got) < 4 {
		t.Fatalf("%d parts", len(got))
	}
	checkParts(t, words, 200)
	if got := parts(" \u200b ", 200); got != nil {
		t.Errorf("nothing to show became %q", got)
	}
	// The longest words that can come in, escaped to twice their length.
	for _, unit := range []string{"*", "\n*", "😀", "@here ", "a\u0301", "漢", "👩\u200d"} {
		words := strings.Repeat(unit, 4000/utf8.RuneCountInString(unit))
		checkParts(t, words, 1800)
		if n := len(parts(words, 1800)); n > 8 {
			t.Errorf("4000 characters of %q make %d messages", unit, n)
		}
	}
}

// checkParts holds every promise of parts, for limits of no less than 40.
func checkParts(t interface {
	Fatalf(string, ...any)
}, words string, limit int) {
	var seen strings.Builder
	for i, part := range parts(words, limit) {
		if n := codeUnits(part); n > limit {
			t.Fatalf("part %d has %d units: %q", i, n, part)
		}
		text := unquoted(t, part)
		if strings.TrimSpace(text) == "" || text != strings.TrimSpace(text) {
			t.Fatalf("part %d is empty or not trimmed: %q", i, part)
		}
		if !utf8.ValidString(text) {
			t.Fatalf("part %d is not UTF-8: %q", i, part)
		}
		if found := alive(text); found != nil {
			t.Fatalf("part %d is alive: %q in %q", i, found, part)
		}
		seen.WriteString(unescaped(text))
	}
	if got, want := withoutSpace(seen.String()), withoutSpace(clean(words)); got != want {
		t.Fatalf("%q was shown as %q", want, got)
	}
}

// checkPlain holds every promise of plain and what is made from it.
func checkPlain(t interface {
	Fatalf(string, ...any)
}, words string) {
	cleaned, text := clean(words), plain(words)
	if again := clean(cleaned); again != cleaned {
		t.Fatalf("cleaning %q twice: %q, %q", words, cleaned, again)
	}
	if seen := unescaped(text); seen != cleaned {
		t.Fatalf("%q was shown as %q", cleaned, seen)
	}
	if found := alive(text); found != nil {
		t.Fatalf("%q is alive: %q in %q", words, found, text)
	}
	for _, short := range []string{shorten(words, 12), displayName(words)} {
		if found := alive(strings.TrimSuffix(short, ellipsis)); found != nil || strings.ContainsAny(short, "\n\r") {
			t.Fatalf("%q is alive or not one line: %q in %q", words, found, short)
		}
	}
	if n := utf8.RuneCountInString(unescaped(displayName(words))); n > 32 {
		t.Fatalf("the name %q has %d runes", displayName(words), n)
	}
	if l := label(words, 20); l == "" || codeUnits(l) > 20 || utf8.RuneCountInString(l) > 20 || strings.Contains(l, "\n") {
		t.Fatalf("the label %q does not fit", l)
	}
}

// checkCuts holds that text stays dead wherever it is cut.
func checkCuts(t interface {
	Fatalf(string, ...any)
}, words string) {
	text := plain(words)
	for i := 0; i < len(text); i += atomLen(text[i:]) {
		for _, half := range []string{text[:i], text[i:]} {
			if found := alive(half); found != nil {
				t.Fatalf("%q is alive: %q", half, found)
			}
		}
	}
}

func TestHostileWords(t *testing.T) {
	for _, s := range hostileForms {
		for _, words := range []string{s, "a\n" + s, "  " + s + " b", s + s, strings.Repeat(s+"\n", 30)} {
			checkPlain(t, words)
			checkCuts(t, s)
			checkParts(t, words, 60)
		}
	}
}

func TestPlainProperties(t *testing.T) {
	pieces := append([]string{
		"a", "word", "1", " ", "  ", "\n", "\n\n", "\r\n", "\t", ".", "!", "。", "?", "@", "<", ">", "#", "-", "*", "_",
		"~", "|", "`", "[", "]", "(", ")", ":", "/", "&", "+", "everyone", "here", "http", "t", "1.", "\u200b",
		"\u200d", "\u200c", "\ufe0f", "\u0301", "\u20e3", "\u202e", "\u2067", "👩", "🏽", "🇩", "❤", "漢", "م", "क",
		"\x00", "\xff", "\u2028", "\u3000", "\u2800", "\U0001f3f4", "\U000e0067", "\U000e007f", "\u1160",
	}, hostileForms...)
	rapid.Check(t, func(t *rapid.T) {
		words := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 60).Draw(t, "pieces"), "")
		limit := rapid.IntRange(40, 300).Draw(t, "limit")
		checkPlain(t, words)
		checkCuts(t, words)
		checkParts(t, words, limit)
	})
}

func TestSplitProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		limit := rapid.IntRange(4, 50).Draw(t, "limit")
		all := split(text, limit)
		for _, part := range all {
			if strings.TrimSpace(part) == "" || codeUnits(part) > limit {
				t.Fatalf("%q is empty or longer than %d", part, limit)
			}
		}
		if got, want := withoutSpace(strings.Join(all, "")), withoutSpace(text); got != want {
			t.Fatalf("%q became %q", want, got)
		}
	})
}

func FuzzPlain(f *testing.F) {
	for _, s := range hostileForms {
		f.Add(s, 60)
	}
	f.Fuzz(func(t *testing.T, words string, limit int) {
		if len(words) > 4000 {
			return
		}
		limit = 40 + int(uint(limit)%2000)
		checkPlain(t, words)
		checkParts(t, words, limit)
	})
}

func TestShorten(t *testing.T) {
	for _, c := range []struct {
		words string
		n     int
		want  string
	}{
		{"", 5, ""},
		{"abc", 5, "abc"},
		{"abcde", 5, "abcde"},
		{"abcdef", 5, "abcde…"},
		{"abc\n\ndef", 5, "abc d…"},
		{"abcd efgh", 5, "abcd…"},
		{"**abc", 2, `\*\*…`},
		{"👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", 2, "👩‍👩‍👧👩‍👩‍👧…"},
		{"e\u0301e\u0301e\u0301", 2, "e\u0301e\u0301…"},
		{"abc", 0, "…"},
		{"abc", -1, "…"},
	} {
		if got := shorten(c.words, c.n); got != c.want {
			t.Errorf("the first %d of %q: %q, want %q", c.n, c.words, got, c.want)
		}
	}
}

func TestDisplayName(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"Sam", "Sam"},
		{"", ""},
		{" \u200b\u3164 ", ""},
		{"Sam\nwrote: hi", `Sam wrote\: hi`},
		{"**Sam**", `\*\*Sam\*\*`},
		{"<@1>", `\<\@1\>`},
		{"@everyone", "\\@\u200beveryone"},
		{"mas\u202e", "mas"},
		{strings.Repeat("a", 32), strings.Repeat("a", 32)},
		{strings.Repeat("a", 33), strings.Repeat("a", 31) + "…"},
		{strings.Repeat("_", 40), strings.Repeat(`\_`, 31) + "…"},
	} {
		if got := displayName(c.name); got != c.want {
			t.Errorf("%q became %q, want %q", c.name, got, c.want)
		}
	}
}

func TestLabel(t *testing.T) {
	for _, c := range []struct {
		words string
		n     int
		want  string
	}{
		{"Sam", 80, "Sam"},
		{"**Sam**", 80, "**Sam**"},
		{"Sam\u202e\nand you", 80, "Sam and you"},
		{"", 80, "…"},
		{"\u200b \u3164", 80, "…"},
		{"abcdef", 5, "abcd…"},
		{"abc def", 5, "abc…"},
		{"😀😀😀", 5, "😀😀…"},
		{"👩‍👩‍👧", 5, "…"},
		{"abc", 0, "…"},
	} {
		if got := label(c.words, c.n); got != c.want {
			t.Errorf("%q in %d: %q, want %q", c.words, c.n, got, c.want)
		}
	}
}
