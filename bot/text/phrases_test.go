package text

import (
	"os"
	"strings"
	"testing"
)

func TestHelpFirst(t *testing.T) {
	for _, p := range Phrases {
		for _, words := range []string{p, strings.ToUpper(p), "So, " + p + ".", "x\n" + strings.ReplaceAll(p, " ", "\n ") + "\ny", strings.ReplaceAll(p, "'", "’"), strings.ReplaceAll(p, "'", "")} {
			if !HelpFirst(words) {
				t.Errorf("%q is not seen in %q", p, words)
			}
		}
		if HelpFirst("x"+p) || HelpFirst(p+"x") {
			t.Errorf("%q is seen inside other words", p)
		}
	}
	for _, words := range []string{"", "Tired.", "I could die laughing", "Let's end it there.", "kill the lights myself", "You hurt me a little, and I loved it."} {
		if HelpFirst(words) {
			t.Errorf("%q shows the help page", words)
		}
	}
}

func TestThePhrasesArePublished(t *testing.T) {
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range Phrases {
		if !strings.Contains(string(b), "“"+p+"”") {
			t.Errorf("the README does not say “%s”", p)
		}
	}
}
