package text

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
)

// Lint holds sentences against the rules of their kinds, and returns what breaks
// which rule, by key. It is for the built-in catalogue and for an operator's own
// sentences alike.
func Lint(all map[Key]Sentence) []error {
	var out []error
	for _, key := range slices.Sorted(maps.Keys(all)) {
		for _, broken := range lint(key, all[key]) {
			out = append(out, fmt.Errorf("%s: %s", key, broken))
		}
	}
	return out
}

func lint(key Key, s Sentence) []string {
	out := append(lintForm(key, s), lintWords(s.Say, forbidden)...)
	if key == Help {
		out = append(out, lintHelp(s.Say)...)
	}
	switch s.Kind {
	case First:
		return append(append(out, lintSpoken(s.Say)...), lintStranger(s.Say)...)
	case Say:
		return append(out, lintSpoken(s.Say)...)
	case Label:
		return append(out, lintLabel(key, s.Say)...)
	case Page:
		return append(out, lintPage(s.Say)...)
	case Command:
		return append(out, lintCommand(s.Say)...)
	}
	return append(out, fmt.Sprintf("has the kind %q, which is none", s.Kind))
}

// The figures of the rules. Lengths are in UTF-16 units, as nothing counts for
// less in them.
const (
	mostWords      = 12  // in a spoken sentence
	mostWordsRead  = 25  // in a sentence of a page
	beforeQuestion = 2   // sentences
	longestSaid    = 300 // several are said together
	longestLabel   = 38
	longestTitle   = 45 // of a form, and of its field
	longestPage    = 1900
	longestCommand = 100
)

// rule is a set of words or phrases that are not used, and why.
type rule struct {
	why  string
	find *regexp.Regexp
}

func words(why string, list ...string) rule {
	return rule{why, regexp.MustCompile(`(?i)(?:^|[^\pL\pN])(` + strings.Join(list, "|") + `)(?:$|[^\pL\pN])`)}
}

// forbidden is for every kind.
var forbidden = []rule{
	words("words that press, judge or diagnose",
		`should`, `must`, `don't forget`, `you haven't`, `still waiting`, `missed`, `failed`, `streaks?`, `only you`,
		`your doms?`, `your subs?`, `victims?`, `patients?`, `symptoms?`, `normal`, `traumas?`, `safe spaces?`, `alarms?`, `urgent`),
	words("it names what the person has not named", `drop`, `subdrop`, `sub-drop`, `domdrop`),
	words("hormones and brain chemistry", `endorphins?`, `oxytocin`, `dopamine`, `serotonin`, `adrenaline`, `hormones?`, `brain chemistry`),
	words("a promise that can't be kept", `this will help`, `confidential`, `completely safe`),
	words("praise", `great job`, `good job`, `well done`, `proud`, `congratulations`),
	words("feelings that a bot does not have",
		`i've been thinking`, `i'm worried`, `i worry`, `i'm sorry to hear`, `i feel`, `i'm glad`, `i'm happy`, `i'm sad`,
		`i missed you`, `i miss you`, `i hope`, `i love`, `i care`),
	words("a party", `gif`, `tenor\.com`, `confetti`),
	{"an exclamation mark", regexp.MustCompile(`([!！¡])`)},
	{"a party", regexp.MustCompile(`([🎉🎊🥳🎈])`)},
}

// strange is what a stranger may not read over somebody's shoulder.
var strange = []rule{
	words("not for a stranger's eyes",
		`scenes?`, `feel`, `feels`, `feelings?`, `felt`, `low`, `flat`, `good`, `glowing`, `mixed`, `numb`, `sad`, `lonely`, `hurt`,
		`afraid`, `crying`, `love`, `intimate`, `intimacy`, `sexy?`, `sexual`, `kinky?`, `bdsm`, `aftercare`),
}

// bystander is what nobody who looks through a server's commands may read.
var bystander = []rule{
	words("not for a bystander's eyes",
		`scenes?`, `feel`, `feels`, `feelings?`, `low`, `flat`, `glowing`, `numb`, `sad`, `lonely`, `hurt`, `love`, `lovers?`,
		`intimate`, `intimacy`, `sexy?`, `sexual`, `kinky?`, `bdsm`, `aftercare`, `doms?`, `subs?`, `play`, `relationships?`, `adults?`),
}

func lintWords(say string, rules []rule) (out []string) {
	say = strings.ReplaceAll(say, "’", "'")
	for _, r := range rules {
		if m := r.find.FindStringSubmatch(say); m != nil {
			out = append(out, fmt.Sprintf("has %q: %s", m[1], r.why))
		}
	}
	return out
}

var placeholder = regexp.MustCompile(`\{([a-z]+)\}`)

// Placeholders lists the {names} in a sentence, each once and in order.
func (s Sentence) Placeholders() (out []string) {
	for _, m := range placeholder.FindAllStringSubmatch(s.Say, -1) {
		out = append(out, m[1])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// lintForm holds what the program relies on: a sentence that the bot knows, with
// the placeholders that it fills.
func lintForm(key Key, s Sentence) (out []string) {
	if strings.TrimSpace(s.Say) == "" {
		out = append(out, "is empty")
	}
	if strings.ContainsAny(placeholder.ReplaceAllString(s.Say, ""), "{}") {
		out = append(out, "has a brace that belongs to no {placeholder}")
	}
	ours, ok := english[key]
	if !ok {
		return append(out, "is no key of ours")
	}
	if want, have := ours.Placeholders(), s.Placeholders(); !slices.Equal(want, have) {
		out = append(out, fmt.Sprintf("has the placeholders %v and needs %v", have, want))
	}
	return out
}

// lintSpoken is for what is read in a DM, maybe on a bad day.
func lintSpoken(say string) []string {
	out := tooLong(say, mostWords)
	if n := units(say); n > longestSaid {
		out = append(out, fmt.Sprintf("has %d characters; at most %d are said at a time", n, longestSaid))
	}
	before, questions := 0, 0
	for _, s := range sentences(say) {
		switch {
		case strings.HasSuffix(s, "?"):
			questions++
		case questions == 0:
			before++
		}
	}
	if questions > 1 {
		out = append(out, fmt.Sprintf("asks %d questions; one a message", questions))
	}
	if questions > 0 && before > beforeQuestion {
		out = append(out, fmt.Sprintf("has %d sentences before its question; at most %d", before, beforeQuestion))
	}
	return out
}

// What the help page says first, in whoever's words.
const (
	firstHelp  = "emergency number"
	secondHelp = "findahelpline.com"
)

// lintHelp holds what the help page can't do without, whatever else an operator
// has it say: the emergency number first, and then where there are lines by country.
func lintHelp(say string) (out []string) {
	say = strings.ToLower(say)
	if !strings.Contains(say, firstHelp) {
		out = append(out, fmt.Sprintf("leaves out the %q, with which help begins", firstHelp))
	} else if !strings.Contains(sentences(say)[0], firstHelp) {
		out = append(out, fmt.Sprintf("has to begin with the %q: its first sentence speaks of it", firstHelp))
	}
	if !strings.Contains(say, secondHelp) {
		out = append(out, fmt.Sprintf("leaves out %q, which comes next", secondHelp))
	}
	return out
}

func lintStranger(say string) []string {
	out := lintWords(say, strange)
	if placeholder.MatchString(say) {
		out = append(out, "has a {placeholder}: what comes in its place may be a name")
	}
	return out
}

func lintLabel(key Key, say string) (out []string) {
	most := longestLabel
	if strings.HasPrefix(string(key), "form.") {
		most = longestTitle
	}
	if n := units(placeholder.ReplaceAllString(say, "")); n > most {
		out = append(out, fmt.Sprintf("has %d characters; a label has at most %d", n, most))
	}
	if len(placeholder.FindAllString(say, -1)) > 1 {
		out = append(out, "has two placeholders; a label holds one")
	}
	return append(out, oneLine(say)...)
}

func lintPage(say string) []string {
	out := tooLong(say, mostWordsRead)
	if n := units(say); n >= longestPage {
		out = append(out, fmt.Sprintf("has %d characters; a page has less than %d", n, longestPage))
	}
	return out
}

func lintCommand(say string) []string {
	out := append(lintWords(say, bystander), oneLine(say)...)
	if n := units(say); n > longestCommand {
		out = append(out, fmt.Sprintf("has %d characters; Discord takes %d", n, longestCommand))
	}
	if placeholder.MatchString(say) {
		out = append(out, "has a {placeholder}; a command is the same for everybody")
	}
	return out
}

func oneLine(say string) []string {
	if strings.ContainsAny(say, "\n\r") {
		return []string{"has a line break"}
	}
	return nil
}

func tooLong(say string, most int) (out []string) {
	for _, s := range sentences(say) {
		if n := count(s); n > most {
			out = append(out, fmt.Sprintf("has a sentence of %d words; at most %d: %q", n, most, s))
		}
	}
	return out
}

// A sentence ends at a mark before a space, and at the end of a line. A point in
// an address or a number ends none.
var sentenceEnd = regexp.MustCompile(`[.?!…]+["'”’)*]*(?:\s+|$)|\n+`)

func sentences(say string) (out []string) {
	for say != "" {
		end := len(say)
		if at := sentenceEnd.FindStringIndex(say); at != nil {
			end = at[1]
		}
		if s := strings.TrimSpace(say[:end]); s != "" {
			out = append(out, s)
		}
		say = say[end:]
	}
	return out
}

// count counts words: what has a letter or a digit in it.
func count(sentence string) (n int) {
	for _, w := range strings.Fields(sentence) {
		if strings.ContainsFunc(w, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
			n++
		}
	}
	return n
}

func units(s string) int { return len(utf16.Encode([]rune(s))) }
