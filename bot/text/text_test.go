package text

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestEveryRuleHolds(t *testing.T) {
	for _, err := range Lint(All()) {
		t.Error(err)
	}
}

// TestEveryLanguageHasEveryKey holds each language to what English has: the same
// keys, of the same kinds, under the same rules.
func TestEveryLanguageHasEveryKey(t *testing.T) {
	if !slices.Contains(Languages(), English) {
		t.Fatal("there is no English")
	}
	for _, language := range Languages() {
		all := In(language)
		for key, s := range All() {
			if _, ok := all[key]; !ok {
				t.Errorf("%s has no %s", language, key)
			} else if all[key].Kind != s.Kind {
				t.Errorf("%s: %s is of kind %s, and is to be of %s", language, key, all[key].Kind, s.Kind)
			}
		}
		for _, err := range Lint(all) {
			t.Errorf("%s: %v", language, err)
		}
	}
}

func TestEverySentenceIsExplained(t *testing.T) {
	for key, s := range All() {
		if s.For == "" {
			t.Errorf("%s has no note on what it is for", key)
		}
	}
}

// TestLintSeesEachRule changes one sentence at a time, so that every rule is seen
// to fail.
func TestLintSeesEachRule(t *testing.T) {
	for _, c := range []struct {
		key  Key
		say  string
		want string // part of what Lint says
	}{
		// The first line of a DM.
		{Linked, "You and {name} are set up.", "may be a name"},
		{CheckinPrompt, "Your scene was yesterday.", `"scene"`},
		{CheckinPrompt, "Are you feeling better?", `"feeling"`},
		{CheckinPrompt, "Still low today?", `"low"`},
		{CheckinPrompt, "Here it is!", "exclamation mark"},
		{CheckinPrompt, "One two three four five six seven eight nine ten eleven twelve thirteen.", "13 words"},
		{CheckinPrompt, "One. Two. Three. Shall I?", "3 sentences before"},
		{CheckinPrompt, "Shall I? Or not?", "2 questions"},
		{CheckinPrompt, "You should look.", `"should"`},
		{CheckinPrompt, "", "is empty"},

		// Part of a message: strangers don't see it.
		{CheckinNeed, "What would help right now? Shall I go on?", "2 questions"},
		{CheckinNeed, "This. That. The other. What would help?", "3 sentences before"},
		{CheckinNeed, "Tell me in a few plain words what it is that would help right now?", "15 words"},
		{CheckinNeed, "What would help right now?!", "exclamation mark"},
		{CheckinNeed, "What would help ¡right now?", "exclamation mark"},
		{CheckinNeed, "What would help 🎉 right now?", "a party"},
		{CheckinNeed, "A GIF would help?", "a party"},
		{CheckinShared, "Left for them.", "needs [names]"},
		{CheckinShared, "Left for {names} and {more}.", "needs [names]"},
		{CheckinShared, "Left for {names}. {", "belongs to no"},
		{"checkin.nothing", "Words.", "no key of ours"},
		{CheckinNeed, strings.Repeat("On and on. ", 28), "308 characters"},

		// Labels.
		{LabelOpen, strings.Repeat("o", 39), "39 characters"},
		{LabelPassto, "{name}" + strings.Repeat("o", 39), "39 characters"},
		{LabelPassto, "{name} and {name}", "two placeholders"},
		{LabelOpen, "Open!", "exclamation mark"},
		{LabelOpen, "Open, it's urgent", `"urgent"`},
		{LabelOpen, "Open\nit", "line break"},
		{FormWords, strings.Repeat("o", 46), "46 characters"},

		// Pages.
		{About, "{operator} " + strings.Repeat("Long. ", 320), "less than 1900"},
		{About, "{operator} " + strings.Repeat("and on ", 13), "27 words"},
		{About, "{operator} is proud of it.", `"proud"`},
		{About, "{operator} runs it!", "exclamation mark"},

		// Commands.
		{CmdScene, strings.Repeat("long ", 21), "Discord takes 100"},
		{CmdScene, "Record an intimate evening", `"intimate"`},
		{CmdScene, "After a scene", `"scene"`},
		{CmdScene, "For how you feel", `"feel"`},
		{CmdScene, "Check-ins for {name}", "the same for everybody"},
		{CmdScene, "Check-ins!", "exclamation mark"},
		{CmdScene, "Check-ins\nfor you", "line break"},
	} {
		s := All()[c.key]
		s.Say = c.say
		if s.Kind == "" {
			s.Kind = Say
		}
		if !lintSays(map[Key]Sentence{c.key: s}, c.key, c.want) {
			t.Errorf("%s %q: nothing said of %q, but %v", c.key, c.say, c.want, Lint(map[Key]Sentence{c.key: s}))
		}
	}
	if !lintSays(map[Key]Sentence{About: {Kind: "shout", Say: "{operator}"}}, About, `kind "shout"`) {
		t.Error("an unknown kind passed")
	}
}

func lintSays(all map[Key]Sentence, key Key, want string) bool {
	return slices.ContainsFunc(Lint(all), func(err error) bool {
		return strings.HasPrefix(err.Error(), string(key)+": ") && strings.Contains(err.Error(), want)
	})
}

// TestForbiddenWords puts each word of copy.md's rule 5, and a few more, into a
// sentence of each kind.
func TestForbiddenWords(t *testing.T) {
	for _, word := range []string{
		"should", "must", "don't forget", "you haven't", "still waiting", "missed", "failed", "streak", "only you",
		"your Dom", "your sub", "victim", "patient", "symptom", "symptoms", "normal", "trauma", "safe space", "alarm", "urgent",
		"endorphin", "endorphins", "oxytocin", "dopamine", "hormone", "drop", "subdrop", "great job", "well done", "proud",
		"I've been thinking", "I’ve been thinking", "I'm worried", "I'm sorry to hear", "I feel", "this will help",
	} {
		for _, key := range []Key{Hello, CheckinNeed, LabelOpen, TermsAlone, CmdScene} {
			for _, say := range []string{word, strings.ToUpper(word) + ".", "So, " + word + ": yes"} {
				s := All()[key]
				s.Say = say
				if !lintSays(map[Key]Sentence{key: s}, key, "has \"") {
					t.Errorf("%s: %q passed", key, say)
				}
			}
		}
	}
	for _, word := range []string{"mustard", "dropped", "shoulder", "normally", "patience", "alarming"} {
		s := All()[CheckinNeed]
		s.Say = word
		if errs := Lint(map[Key]Sentence{CheckinNeed: s}); len(errs) > 0 {
			t.Errorf("%q is another word: %v", word, errs)
		}
	}
}

func TestSentences(t *testing.T) {
	for _, c := range []struct {
		say  string
		want []string
	}{
		{"", nil},
		{"One.", []string{"One."}},
		{"One. Two? Three", []string{"One.", "Two?", "Three"}},
		{"**Head**\nBody.", []string{"**Head**", "Body."}},
		{"See rainn.org, 1-800-656-4673.", []string{"See rainn.org, 1-800-656-4673."}},
		{"Try `2h ago` or `yesterday 23:30`.", []string{"Try `2h ago` or `yesterday 23:30`."}},
		{"It would be: “{gist}.” And on.", []string{"It would be: “{gist}.”", "And on."}},
	} {
		if got := sentences(c.say); !slices.Equal(got, c.want) {
			t.Errorf("sentences(%q) = %q, want %q", c.say, got, c.want)
		}
	}
}

func TestT(t *testing.T) {
	const names = "{names} & {operator}"
	if got, want := T(CheckinShared, "names", names), strings.Replace(All()[CheckinShared].Say, "{names}", names, 1); got != want {
		t.Errorf("a value is put in as it is, got %q", got)
	}
	if got := strings.Count(T(About, "operator", "Robin"), "Robin"); got != len(regexp.MustCompile(`\{operator\}`).FindAllString(All()[About].Say, -1)) {
		t.Errorf("a placeholder was filled %d times", got)
	}
	for name, call := range map[string]func(){
		"an unknown key":    func() { T("no.such.key") },
		"a missing value":   func() { T(CheckinShared) },
		"one of two values": func() { T(SceneListLine, "when", "now") },
		"a value too many":  func() { T(CheckinNeed, "name", "Sam") },
		"half a value":      func() { T(CheckinShared, "names", "Sam", "when") },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it passed")
				}
			}()
			call()
		})
	}
}

// declared reads the constants of keys*.go: what each is called, and its key.
func declared(t *testing.T) map[string]Key {
	t.Helper()
	files, err := filepath.Glob("keys*.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no keys", err)
	}
	out := map[string]Key{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if ok && len(spec.Values) == 1 {
				out[spec.Names[0].Name] = Key(literal(t, spec.Values[0]))
			}
			return true
		})
	}
	return out
}

func literal(t *testing.T, e ast.Expr) string {
	t.Helper()
	lit, ok := e.(*ast.BasicLit)
	if !ok {
		t.Fatalf("%T is no literal", e)
	}
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEveryKeyHasASentence(t *testing.T) {
	keys := declared(t)
	for name, key := range keys {
		if _, ok := All()[key]; !ok {
			t.Errorf("%s: the catalogue has no %q", name, key)
		}
		if want := constant(key); name != want {
			t.Errorf("%q is called %s; by its key it is %s", key, name, want)
		}
	}
	known := slices.Collect(maps.Values(keys))
	for key := range All() {
		if !slices.Contains(known, key) {
			t.Errorf("%q has no constant", key)
		}
	}
}

// constant is what a key's constant is called.
func constant(key Key) string {
	var out strings.Builder
	for _, word := range strings.FieldsFunc(string(key), func(r rune) bool { return r == '.' || r == '_' }) {
		out.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return out.String()
}

// uses is what the bot's sources do with the catalogue.
type uses struct {
	constants map[string]bool
	prefixes  []string              // text.Key("feeling." + ...)
	values    map[string][][]string // by constant, what each text.T call fills in
}

func readUses(t *testing.T, pattern string) uses {
	t.Helper()
	u := uses{constants: map[string]bool{}, values: map[string][][]string{}}
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatal("no sources", err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			u.note(t, n)
			return true
		})
	}
	return u
}

func (u *uses) note(t *testing.T, n ast.Node) {
	if name, ok := ofText(n); ok {
		u.constants[name] = true
	}
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return
	}
	switch name, _ := ofText(call.Fun); name {
	case "Key":
		if sum, ok := call.Args[0].(*ast.BinaryExpr); ok {
			u.prefixes = append(u.prefixes, literal(t, sum.X))
		}
	case "T":
		key, ok := ofText(call.Args[0])
		if !ok || call.Ellipsis.IsValid() {
			return // a key that is only known when it runs
		}
		var names []string
		for i := 1; i < len(call.Args); i += 2 {
			names = append(names, literal(t, call.Args[i]))
		}
		slices.Sort(names)
		u.values[key] = append(u.values[key], names)
	}
}

// ofText returns what of this package an expression names, as in text.Hello.
func ofText(n ast.Node) (name string, ok bool) {
	sel, ok := n.(*ast.SelectorExpr)
	if !ok {
		return "", false
	}
	x, ok := sel.X.(*ast.Ident)
	return sel.Sel.Name, ok && x.Name == "text"
}

func TestTheBotUsesEverySentence(t *testing.T) {
	u := readUses(t, "../*.go")
	for name, key := range declared(t) {
		used := u.constants[name] || slices.ContainsFunc(u.prefixes, func(p string) bool { return strings.HasPrefix(string(key), p) })
		if !used {
			t.Errorf("nothing says %s", key)
		}
		for _, names := range u.values[name] {
			if want := All()[key].Placeholders(); !slices.Equal(names, want) {
				t.Errorf("%s is filled with %v and has %v", key, names, want)
			}
		}
	}
}

func TestNoSentenceInTheSources(t *testing.T) {
	// Every sentence comes from the catalogue, so none is written in the bot: two
	// words with a space and a point at the end would be one.
	spoken := regexp.MustCompile(`^[A-Z][a-z']+( [\w',]+)+[.?]$`)
	files, err := filepath.Glob("../*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if s := ""; ok && lit.Kind == token.STRING {
				if s, err = strconv.Unquote(lit.Value); err == nil && spoken.MatchString(s) {
					t.Errorf("%s says %q itself", filepath.Base(name), s)
				}
			}
			return true
		})
	}
}
