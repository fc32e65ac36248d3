package main

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// exampleFile returns config.example.yaml from the top of the tree.
func exampleFile(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "config.example.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestTheExampleIsTheDefaults(t *testing.T) {
	got := mustLoad(t, exampleFile(t))
	if want := defaultConfig(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestTheExampleHasEveryKey reads the keys off the example's lines, those commented out (#key:)
// too, and asks for a comment (# why) above each.
func TestTheExampleHasEveryKey(t *testing.T) {
	section := regexp.MustCompile(`^(\w+):$`)
	entry := regexp.MustCompile(`^  #?(\w+):( |$)`)
	var found []string
	var in, above string
	for line := range strings.Lines(exampleFile(t)) {
		line = strings.TrimRight(line, "\n")
		if m := section.FindStringSubmatch(line); m != nil {
			in = m[1]
		} else if m := entry.FindStringSubmatch(line); m != nil {
			found = append(found, in+"."+m[1])
			if !strings.HasPrefix(above, "  # ") {
				t.Errorf("%s.%s has no comment above it", in, m[1])
			}
		}
		above = line
	}
	if want := allKeys(); !slices.Equal(found, want) {
		t.Errorf("config.example.yaml has %q\nthe program knows  %q", found, want)
	}
}

// TestTheExampleWorksUncommented holds that each key written out as a comment can be used.
func TestTheExampleWorksUncommented(t *testing.T) {
	text := exampleFile(t)
	for _, name := range []string{"token_file", "key_file", "dir", "file"} {
		text = strings.Replace(text, "#"+name+":", name+":", 1)
	}
	sample := regexp.MustCompile(`(?m)^  #( +(lines:|- name:|contact:|checked:).*)$`)
	text = sample.ReplaceAllString(strings.Replace(text, "  lines: []\n", "", 1), "$1")
	text = strings.ReplaceAll(text, "\n   lines:", "\n  lines:")
	inDir(t, map[string]string{"config.yaml": text, "discord.token": "a.b.c", "aftercare.key": "k", "sentences.json": "{}"})
	_, err := loadConfig("", nil, testDay)
	for _, sample := range []string{`name "The name it answers with" looks like a placeholder`, `contact "its number or address" looks like a placeholder`} {
		if err == nil || !strings.Contains(err.Error(), sample) {
			t.Errorf("somebody in need could be shown the sample: %v, want %s", err, sample)
		}
	}
	text = strings.NewReplacer("The name it answers with", "Night line", "its number or address", "116 123").Replace(text)
	if err := os.WriteFile("config.yaml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig("", nil, testDay)
	if err != nil || c.Text.File != "sentences.json" || c.Backup.Dir != "/mnt/backups" || c.Discord.Token != "a.b.c" || c.Store.Key != "k" || len(c.Help.Lines) != 1 {
		t.Errorf("%+v, %v\n%s", c, err, text)
	}
}
