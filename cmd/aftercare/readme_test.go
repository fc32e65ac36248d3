package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadme holds that the conversation in the README is one that is played, to
// the letter, and that the two commands come first.
func TestReadme(t *testing.T) {
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	first := regexp.MustCompile("(?s)^# Aftercare\n\n```sh\n(.*?)```").FindSubmatch(b)
	if first == nil || !strings.Contains(string(first[1]), "go run ./cmd/aftercare demo") || !strings.Contains(string(first[1]), "go test ./...") {
		t.Error("the README does not begin with the two commands")
	}
	shown := regexp.MustCompile("(?s)```text\n(.*?)\n```").FindSubmatch(b)
	if shown == nil {
		t.Fatal("the README shows no conversation")
	}
	files, err := filepath.Glob("testdata/script/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		played, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(played), string(shown[1])) {
			return
		}
	}
	t.Error("the conversation in the README is in none of testdata/script; copy it anew")
}
