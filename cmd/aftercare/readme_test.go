package main

import (
	"os"
	"os/exec"
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

// TestReadmeCommands runs what the README says of backups, line by line, with the
// real binary and a folder of the test's.
func TestReadmeCommands(t *testing.T) {
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)\n## Backups[^\n]*\n\n```sh\n(.*?)```").FindSubmatch(b)
	if block == nil {
		t.Fatal("the README shows no commands for backups")
	}
	p := newProcess(t)
	p.start()
	p.link()
	p.terminate()
	file := p.keyFile()
	binary, err := buildOnce()
	p.do(err)
	p.do(os.Symlink(binary, filepath.Join(p.dir, "aftercare")))
	backups := filepath.Join(p.dir, "backups")
	p.do(os.Mkdir(backups, 0o700))
	ran := 0
	for line := range strings.Lines(string(block[1])) {
		cmd := exec.Command("sh", "-c", strings.ReplaceAll(line, "/mnt/backups", backups))
		cmd.Env, cmd.Dir = append(os.Environ(), p.env...), p.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s%v\n%s", line, err, out)
		}
		p.do(p.opens(file))
		ran++
	}
	if ran < 3 {
		t.Errorf("%d commands were run", ran)
	}
}
