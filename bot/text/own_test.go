package text

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestReadOwn(t *testing.T) {
	for name, c := range map[string]struct {
		raw  string
		want []string // each begins an error, or is all of it; none: it is fine
	}{
		"a sentence":             {`{"declined": "All right. Nothing was kept."}`, nil},
		"as the catalogue":       {`{"declined": {"kind": "say", "say": "All right.", "for": "x"}, "checkin.shared": {"say": "With {names} now."}}`, nil},
		"nothing":                {`{}`, nil},
		"a list":                 {`["All right."]`, []string{"it is no JSON object"}},
		"no JSON":                {`{"declined": All right}`, []string{"it is no JSON:"}},
		"cut off":                {`{"declined": "All right."`, []string{"it ends too early:"}},
		"cut off in a sentence":  {`{"declined": "All ri`, []string{"it ends too early:"}},
		"cut off after a key":    {`{"declined":`, []string{"it ends too early:"}},
		"cut off after a comma":  {`{"declined": "All right.",`, []string{"it ends too early:"}},
		"help of one's own":      {`{"help": "Call the emergency number, 112. findahelpline.com has lines by country.{lines}"}`, nil},
		"help for nobody":        {`{"help": "Call somebody.{lines}"}`, []string{`help: leaves out the "emergency number"`, `help: leaves out "findahelpline.com"`}},
		"help without lines":     {`{"help": "Call your emergency number.{lines}"}`, []string{`help: leaves out "findahelpline.com"`}},
		"help in another order":  {`{"help": "findahelpline.com lists lines. Or call your emergency number.{lines}"}`, []string{`help: has to begin with the "emergency number"`}},
		"help after a greeting":  {`{"help": "Hello there. Call your emergency number. Or see findahelpline.com.{lines}"}`, []string{`help: has to begin with the "emergency number"`}},
		"two of them":            {`{} {}`, []string{"there is something after"}},
		"an unknown key":         {`{"declinde": "All right."}`, []string{"declinde: is no key of ours"}},
		"twice":                  {`{"declined": "All right.", "declined": "Fine."}`, []string{"declined: has two sentences"}},
		"another kind":           {`{"declined": {"kind": "page", "say": "All right."}}`, []string{`declined: is of the kind "say", not "page"`}},
		"an unknown field":       {`{"declined": {"says": "All right."}}`, []string{"declined: is neither"}},
		"a number":               {`{"declined": 5}`, []string{"declined: is neither"}},
		"null":                   {`{"declined": null}`, []string{"declined: is empty"}},
		"a missing placeholder":  {`{"checkin.shared": "It's with them."}`, []string{"checkin.shared: has the placeholders [] and needs [names]"}},
		"a placeholder too many": {`{"declined": "All right, {name}."}`, []string{"declined: has the placeholders [name] and needs []"}},
		"every rule":             {`{"declined": "You must answer!", "checkin.prompt": "Your scene was yesterday."}`, []string{`checkin.prompt: has "scene"`, `declined: has "must"`, "declined: has \"!\""}},
	} {
		all, broken := ReadOwn([]byte(c.raw))
		if len(broken) != len(c.want) {
			t.Errorf("%s: %v, want %q", name, broken, c.want)
			continue
		}
		for i, want := range c.want {
			if !strings.HasPrefix(broken[i].Error(), want) {
				t.Errorf("%s: %v, want %q", name, broken[i], want)
			}
		}
		if len(c.want) == 0 && len(Lint(all)) > 0 {
			t.Errorf("%s: %v", name, Lint(all))
		}
	}
}

// TestUse runs in a process of its own, since what is in use stays in use.
func TestUse(t *testing.T) {
	if os.Getenv("TEXT_USE") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestUse$", "-test.v")
		cmd.Env = append(os.Environ(), "TEXT_USE=1")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS") {
			t.Fatalf("%v\n%s", err, out)
		}
		if T(Declined) != All()[Declined].Say {
			t.Error("it reached another process")
		}
		return
	}
	panics := func(name string, mine map[Key]Sentence) {
		defer func() {
			if recover() == nil {
				t.Errorf("%s: it passed", name)
			}
		}()
		Use(mine)
	}
	Use(nil)
	panics("a broken rule", map[Key]Sentence{Declined: {Kind: Say, Say: "You must."}})
	mine := map[Key]Sentence{CheckinShared: {Kind: Say, Say: "With {names} now."}}
	Use(mine)
	mine[CheckinShared] = Sentence{Kind: Say, Say: "Changed."}
	if got := T(CheckinShared, "names", "Sam"); got != "With Sam now." {
		t.Errorf("got %q", got)
	}
	if got := T(Declined); got != All()[Declined].Say {
		t.Errorf("got %q", got)
	}
	panics("a second time", map[Key]Sentence{Declined: {Kind: Say, Say: "Fine."}})
	Use(nil)
	says := func(key Key, want string, values ...string) {
		t.Helper()
		if got := T(key, values...); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	Change(map[Key]Sentence{Declined: {Kind: Say, Say: "Fine."}})
	says(Declined, "Fine.")
	says(CheckinShared, strings.Replace(All()[CheckinShared].Say, "{names}", "Sam", 1), "names", "Sam")
	Change(nil)
	says(Declined, All()[Declined].Say)
}
