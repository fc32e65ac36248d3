package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The papers in docs, which an operator hands on. Every claim in them is followed by
// the tests that show it, or worded as not ours to promise:
//
//	<!-- test: TestName, a_conversation -->
//	<!-- not ours -->
//
// at the end of its paragraph, list item or row; at the end of a heading it stands for
// all that is below it.
var papers = []string{"export-format.md", "operator-duties.md", "privacy-template.md", "terms-template.md", "threats.md"}

// threats are those whom the threat table speaks of.
var threats = []string{
	"coercive partner", "phone in hand", "lock screen", "server admin", "stranger", "ex-partner", "metamour",
	"stolen disk", "stolen backup", "curious operator", "operator who is the partner", "subpoena",
}

// proofs are all that a paper can name: the tests of this source tree, and the
// conversations.
func proofs(t *testing.T) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir("../..", func(path string, d os.DirEntry, err error) error {
		switch name := filepath.Base(path); {
		case err != nil:
			return err
		case d.IsDir() && (name == "testdata" || strings.HasPrefix(name, ".git")):
			return filepath.SkipDir
		case strings.HasSuffix(name, "_test.go"):
			b, err := os.ReadFile(path)
			for _, m := range declared.FindAllSubmatch(b, -1) {
				out[string(m[1])] = true
			}
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/script/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		out[strings.TrimSuffix(filepath.Base(file), ".txt")] = true
	}
	if len(out) < 400 {
		t.Fatalf("only %d tests and conversations were found", len(out))
	}
	return out
}

// named takes a list of tests and conversations apart.
func named(list string) (out []string) {
	for name := range strings.SplitSeq(list, ",") {
		out = append(out, strings.TrimSpace(name))
	}
	return out
}

func paper(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var (
	markedTest = regexp.MustCompile(`<!-- test: (.*?) -->`)
	markedOurs = regexp.MustCompile(`<!-- not ours -->`)
	htmlRemark = regexp.MustCompile(`<!--.*?-->`)
	codeBlock  = regexp.MustCompile("(?s)```.*?```")
	tableHead  = regexp.MustCompile(`(?m)^\|.*\|\n\|[-|]+\|$`)
	// What makes a paragraph one that promises nothing.
	disowned = regexp.MustCompile(`not ours to promise|no law is ours to promise|not legal advice|yours to|\{\{\w+\}\}|nothing that a program could promise`)
)

// claim is a paragraph, a list item or a row, and what it is marked with.
type claim struct {
	line    string
	tests   []string
	notOurs bool
}

// claims takes a paper apart. A heading's mark stands for what has none below it.
func claims(text string) (out []claim) {
	var heading claim
	text = tableHead.ReplaceAllString(codeBlock.ReplaceAllString(text, ""), "")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		c := claim{line: htmlRemark.ReplaceAllString(line, ""), notOurs: markedOurs.MatchString(line)}
		for _, m := range markedTest.FindAllStringSubmatch(line, -1) {
			c.tests = append(c.tests, named(m[1])...)
		}
		switch {
		case strings.HasPrefix(line, "#"):
			heading = c
			heading.line = ""
			continue
		case line == "" || strings.HasPrefix(line, ">"): // a note to the operator, which they take out
			continue
		case len(c.tests) == 0 && !c.notOurs:
			c.tests, c.notOurs = heading.tests, heading.notOurs
		}
		out = append(out, c)
	}
	return out
}

// TestPapers holds that each claim of a paper names tests that there are, or is said
// to be nobody's promise.
func TestPapers(t *testing.T) {
	known := proofs(t)
	files, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !slices.Contains(append(papers, "operating.md"), filepath.Base(file)) { // see TestDocs
			t.Errorf("%s is no paper that anybody looks after", file)
		}
	}
	for _, name := range papers {
		text := paper(t, name)
		if name == "threats.md" {
			continue // see TestThreats
		}
		marked := 0
		for _, c := range claims(text) {
			if len(c.tests) == 0 && !c.notOurs {
				t.Errorf("%s claims, and names no test: %s", name, c.line)
			}
			for _, test := range c.tests {
				marked++
				if !known[test] {
					t.Errorf("%s names %s, which is neither a test nor a conversation, for: %s", name, test, c.line)
				}
			}
		}
		if marked == 0 {
			t.Errorf("%s names no test at all", name)
		}
		disownedSections(t, name, text)
	}
}

// disownedSections holds that what is marked as not ours also reads so, in each section.
func disownedSections(t *testing.T, name, text string) {
	t.Helper()
	for _, section := range strings.Split("\n"+text, "\n#") {
		if markedOurs.MatchString(section) && !disowned.MatchString(section) {
			title, _, _ := strings.Cut(section, "\n")
			t.Errorf("%s: %q is marked as not ours, and does not read so", name, strings.Trim(title, "# "))
		}
	}
}

// TestThreats holds that the threat table has everybody, claims nothing without a test
// that there is, and says of everybody what is not claimed.
func TestThreats(t *testing.T) {
	known := proofs(t)
	_, rest, ok := strings.Cut(paper(t, "threats.md"), "\n## What is claimed\n")
	claimed, not, ok2 := strings.Cut(rest, "\n## What is not claimed\n")
	if !ok || !ok2 {
		t.Fatal("threats.md has lost a table")
	}
	seen := map[string]bool{}
	for _, r := range rows(claimed, 3) {
		seen["claimed "+r[0]] = true
		if !slices.Contains(threats, r[0]) {
			t.Errorf("who is %q?", r[0])
		}
		for _, test := range named(r[2]) {
			if !known[test] {
				t.Errorf("%s: %s is neither a test nor a conversation, for: %s", r[0], test, r[1])
			}
		}
	}
	for _, r := range rows(not, 2) {
		seen["not "+r[0]] = true
		if !slices.Contains(threats, r[0]) || len(r[1]) < 20 {
			t.Errorf("%q: %q", r[0], r[1])
		}
	}
	for _, who := range threats {
		for _, table := range []string{"claimed ", "not "} {
			if !seen[table+who] {
				t.Errorf("%s is missing from a table: %s", who, table)
			}
		}
	}
}

// rows are the rows of a table, without its head.
func rows(table string, cells int) (out [][]string) {
	for line := range strings.Lines(tableHead.ReplaceAllString(table, "")) {
		r := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(r) != cells {
			continue
		}
		for i := range r {
			r[i] = strings.TrimSpace(r[i])
		}
		out = append(out, r)
	}
	return out
}

// What the papers and the README link to in this tree is there.
func TestPapersLinkToWhatIsThere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#]+)\)`)
	links := 0
	for _, file := range append([]string{"../../../README.md", "../../../.github/CONTRIBUTING.md", "operating.md"}, papers...) {
		for _, m := range link.FindAllStringSubmatch(paper(t, file), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			links++
			if _, err := os.Stat(filepath.Join("docs", filepath.Dir(file), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", file, m[1])
			}
		}
	}
	if links < 10 {
		t.Errorf("only %d links were found", links)
	}
}

// Every mark that an operator fills in is explained, and none is explained in vain.
func TestTemplatesExplainTheirMarks(t *testing.T) {
	used := regexp.MustCompile(`\{\{\w+\}\}`)
	for _, name := range []string{"privacy-template.md", "terms-template.md"} {
		head, body, ok := strings.Cut(paper(t, name), "\n## ")
		if !ok {
			t.Fatal(name, "has no sections")
		}
		explained := map[string]bool{}
		for _, r := range rows(head, 2) {
			explained[strings.Trim(r[0], "`")] = true
		}
		title, _, _ := strings.Cut(head, "\n")
		for _, mark := range used.FindAllString(title+body, -1) {
			if !explained[mark] {
				t.Errorf("%s does not explain %s", name, mark)
			}
		}
		for mark := range explained {
			if !strings.Contains(title+body, mark) {
				t.Errorf("%s explains %s and has it nowhere", name, mark)
			}
		}
	}
}

// The check itself can fail.
func TestClaims(t *testing.T) {
	got := claims("# A <!-- not ours -->\n\nYours to do.\n\n## B\n\n- Bold claim.\n- Shown. <!-- test: TestA, b -->\n\n| x | y |\n|---|---|\n| c | d |\n")
	want := []struct {
		line    string
		tests   int
		notOurs bool
	}{{"Yours to do.", 0, true}, {"- Bold claim.", 0, false}, {"- Shown. ", 2, false}, {"| c | d |", 0, false}}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i, w := range want {
		if got[i].line != w.line || len(got[i].tests) != w.tests || got[i].notOurs != w.notOurs {
			t.Errorf("%+v, want %+v", got[i], w)
		}
	}
}
