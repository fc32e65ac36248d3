package bot

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"aftercare/bot/text"
)

// notShown are the sentences that no specimen has, and why.
var notShown = map[text.Key]string{
	text.NameUnknown: "stands for a name that shows nothing",
	text.HistoryCut:  "ends the words of a picture that don't all fit; in a message, a year by months does",
}

// TestEveryMessageIsASpecimen misses a sentence that can be said and is on no
// specimen: it is to be read with the others.
func TestEveryMessageIsASpecimen(t *testing.T) {
	var page strings.Builder
	seen := map[string]bool{}
	for _, s := range Specimens(time.Now(), Options{Operator: "Robin", Marks: []time.Duration{24 * time.Hour, 48 * time.Hour}, HelpLines: []HelpLine{{"A line", "116 123", time.Now()}}}) {
		var p struct {
			Content string
			Title   string

			Attachments []attachment
		}
		if err := json.Unmarshal(s.JSON, &p); err != nil || p.Content+p.Title == "" {
			t.Errorf("%s, %s: %v %s", s.Part, s.What, err, s.JSON)
		}
		if seen[s.Part+s.What] {
			t.Errorf("two specimens of %s, %s", s.Part, s.What)
		}
		seen[s.Part+s.What] = true
		page.WriteString(p.Content + "\n")
		for _, a := range p.Attachments {
			page.WriteString(a.Description + "\n")
		}
		if p.Title == "" { // a form is not a message
			for _, wrong := range misfits(s.JSON) {
				t.Errorf("%s, %s: %s", s.Part, s.What, wrong)
			}
		}
	}
	for key, s := range text.All() {
		if s.Kind == text.Label || s.Kind == text.Command || notShown[key] != "" {
			continue
		}
		says := regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllString(regexp.QuoteMeta(s.Say), `(?s:.*)`)
		if !regexp.MustCompile(says).MatchString(page.String()) {
			t.Errorf("%s is on no specimen: add it to specimens.go, or to notShown with the reason", key)
		}
	}
	for key := range notShown {
		if _, ok := text.All()[key]; !ok {
			t.Errorf("%s is no key", key)
		}
	}
}
