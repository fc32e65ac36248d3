package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestHelp holds that whoever asks about a command learns what it does, and that
// each of its flags says what it is for.
func TestHelp(t *testing.T) {
	t.Parallel()
	root := rootCommand()
	root.InitDefaultCompletionCmd()
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: %q", c.CommandPath(), c.Short)
		}
		for line := range strings.Lines(c.Long) {
			if len(line) > 120 && !strings.HasPrefix(c.CommandPath(), "aftercare completion") {
				t.Errorf("%s: too long for a terminal: %s", c.CommandPath(), line)
			}
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s --%s says nothing", c.CommandPath(), f.Name)
			}
		})
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(root)
	for _, name := range regexp.MustCompile(`(?m)^  aftercare (\w+)`).FindAllStringSubmatch(rootLong, -1) {
		if found, _, err := root.Find([]string{name[1]}); err != nil || found.Name() != name[1] {
			t.Errorf("the help names %s, which there is not", name[1])
		}
	}
}

func TestVersionAndCompletion(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"version":         `^aftercare \S+\ncommit \S.*\ngo\S+ for \w+/\w+\n$`,
		"completion bash": `__start_aftercare`, "completion zsh": `#compdef aftercare`, "completion fish": `complete -c aftercare`,
	} {
		var out, errs bytes.Buffer
		if code := command(strings.Fields(args), &out, &errs); code != 0 || !regexp.MustCompile(want).Match(out.Bytes()) {
			t.Errorf("%s: exit %d\n%.300s%s", args, code, out.String(), errs.String())
		}
	}
}

// What can't be meant ends with 1 and the reason, never as if it had been done.
func TestArgumentsThatAreNone(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"nonsense": `unknown command "nonsense"`, "check x": `unknown command "x"`, "key rotat": `unknown command "rotat" for "aftercare key"`,
		"restore": "0 backups are named; name one", "restore a b": "2 backups are named; name one",
		"run --confg x": "unknown flag: --confg", "demo --port 99999 --web": "99999 is no port",
		"demo --port 8000": "give --web as well", "help nonsense": `unknown command "nonsense"`, "help key rotat": `unknown command "rotat"`,
		"completion nonsense": `unknown command "nonsense"`,
	} {
		var out, errs bytes.Buffer
		if code := command(strings.Fields(args), &out, &errs); code != 1 || !strings.Contains(errs.String(), want) || out.Len() > 0 {
			t.Errorf("%s: exit %d\n%.300s%s", args, code, out.String(), errs.String())
		}
	}
}
