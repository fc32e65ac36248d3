package main

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// The documents whose commands are held to work, from the top of the house.
var documents = []string{"README.md", ".github/CONTRIBUTING.md", "cmd/aftercare/docs/*.md"}

// TestDocs holds that every command in a document works. A block of "sh" is run,
// each document's in a folder of its own, top to bottom, with the real binary in
// front of a Discord of the tests. "go test" is not run once more: what it names
// must be there. A block of "sh host" needs a machine of one's own; only a few
// programs may stand in it, and the files of ours that it names must be there.
func TestDocs(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the documents' commands are for a Unix shell")
	}
	t.Parallel()
	for _, path := range found(t, documents...) {
		blocks := shellBlocks(t, path)
		if len(blocks) == 0 {
			continue
		}
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			d := newDocument(t)
			for _, b := range blocks {
				if b.host {
					d.onHost(b)
				} else {
					d.run(b)
				}
			}
		})
	}
}

// TestDocsTests holds that what "go test" is told in the documents names tests and
// flags that are there.
func TestDocsTests(t *testing.T) {
	named := regexp.MustCompile("go test[^`\n]*")
	n := 0
	for _, path := range found(t, documents...) {
		b, err := os.ReadFile(filepath.Join(top, path))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range named.FindAllString(string(b), -1) {
			n++
			if err := goTest(strings.Fields(line)[2:]); err != nil {
				t.Errorf("%s: %s: %v", path, line, err)
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d commands were found", n)
	}
}

const top = "../.."

// found returns the files of some patterns, from the top of the house.
func found(t *testing.T, patterns ...string) (out []string) {
	t.Helper()
	for _, pattern := range patterns {
		files, err := fs.Glob(os.DirFS(top), pattern)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, files...)
	}
	return out
}

// shellBlock is a block of commands in a document.
type shellBlock struct {
	where string // file:line
	text  string
	host  bool // needs a machine of one's own
}

var fence = regexp.MustCompile("^( *)```(.*)$")

func shellBlocks(t *testing.T, path string) (out []shellBlock) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(top, path))
	if err != nil {
		t.Fatal(err)
	}
	var in *shellBlock
	open, indent := false, ""
	for i, line := range strings.Split(string(b), "\n") {
		f := fence.FindStringSubmatch(line)
		switch {
		case f == nil && in != nil:
			in.text += strings.TrimPrefix(line, indent) + "\n"
		case f == nil:
		case open:
			if in != nil {
				out = append(out, *in)
			}
			open, in = false, nil
		default:
			open, indent = true, f[1]
			if f[2] == "sh" || f[2] == "sh host" {
				in = &shellBlock{where: fmt.Sprintf("%s:%d", path, i+1), host: f[2] == "sh host"}
			}
			if f[2] == "bash" || f[2] == "console" || f[2] == "shell" {
				t.Errorf("%s:%d: write sh, or sh host for what can't be run here", path, i+1)
			}
		}
	}
	return out
}

// document is a folder in which a document's commands are run.
type document struct {
	*process
	t   *testing.T
	bin string // the first of PATH: aftercare, and what stands for go and systemctl
}

func newDocument(t *testing.T) *document {
	t.Helper()
	real, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	house, err := filepath.Abs(top)
	if err != nil {
		t.Fatal(err)
	}
	d := &document{newProcess(t), t, t.TempDir()}
	home := filepath.Join(d.dir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, script := range shims {
		if err := os.WriteFile(filepath.Join(d.bin, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"config.example.yaml", "Dockerfile"} {
		b, err := os.ReadFile(filepath.Join(top, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(d.dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// Of the process's own environment only where Discord is: the rest is for the
	// document to set up.
	d.env = slices.DeleteFunc(d.env, func(v string) bool { return !strings.HasPrefix(v, "AFTERCARE_DISCORD_API_URL=") })
	d.env = append(d.env, "PATH="+d.bin+":"+os.Getenv("PATH"), "REAL="+real, "HOUSE="+house, "STATE="+d.bin, "HOME="+home, "TOKEN=test-token")
	t.Cleanup(func() { d.sh("stop_aftercare") })
	return d
}

// shims stand for what a document's reader has. "aftercare run" goes on beside the
// commands that follow, until it is stopped.
var shims = map[string]string{
	"aftercare": `
		[ "$1" = run ] || exec "$REAL" "$@"
		stop_aftercare
		echo "$*" >"$STATE/run.args" # a service runs it the same way
		"$REAL" "$@" 2>"$STATE/run.log" >&2 &
		echo $! >"$STATE/run.pid"
		until grep -q "is connected" "$STATE/run.log"; do
			kill -0 "$(cat "$STATE/run.pid")" 2>/dev/null || { cat "$STATE/run.log" >&2; exit 1; }
			sleep 0.05
		done`,
	"stop_aftercare": `
		[ -f "$STATE/run.pid" ] || exit 0
		pid=$(cat "$STATE/run.pid"); rm "$STATE/run.pid"
		kill "$pid" 2>/dev/null
		while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done`,
	"systemctl": `
		case "$*" in
		*"stop aftercare"*) stop_aftercare ;;
		*"restart aftercare"*) stop_aftercare; aftercare $(cat "$STATE/run.args") ;;
		*"start aftercare"*|*"enable --now aftercare"*) aftercare $(cat "$STATE/run.args") ;;
		*"reload aftercare"*) kill -HUP "$(cat "$STATE/run.pid")" ;;
		*) echo "systemctl $*: no stand-in for that" >&2; exit 1 ;;
		esac`,
	"sudo": `exec "$@"`,
	"go": `
		case "$1 $2" in
		"run ./cmd/aftercare")
			shift 2
			if [ "$*" = "demo --web" ]; then exec timeout --preserve-status -s INT 5 aftercare "$@" >/dev/null; fi
			[ "$*" != demo ] || set -- demo --fast; exec aftercare "$@" ;;
		"build ./cmd/aftercare") ln -sf "$STATE/aftercare" aftercare ;;
		"test "*) ;; # TestDocsTests looks at it
		"doc "*) cd "$HOUSE" && PATH=${PATH#*:} && exec go "$@" ;;
		*) echo "go $*: no stand-in for that" >&2; exit 1 ;;
		esac`,
}

func (d *document) sh(script string) (out string, err error) {
	ctx, cancel := context.WithTimeout(d.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-euc", script)
	cmd.Stdin = strings.NewReader("test-token\nRobin\ny\n") // to whoever asks
	cmd.Dir = d.dir
	cmd.Env = append(cleanEnv(), d.env...)
	// A file and no pipe: what goes on in the background keeps it open.
	log, err := os.CreateTemp(d.bin, "out")
	if err != nil {
		return "", err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	err = cmd.Run()
	b, _ := os.ReadFile(log.Name())
	return string(b), err
}

// cleanEnv is our environment without any configuration of the bot.
func cleanEnv() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AFTERCARE_") })
}

// run runs a block's commands; what it exports holds for the blocks that follow.
func (d *document) run(b shellBlock) {
	d.t.Helper()
	text := strings.ReplaceAll(b.text, "=...", "=test-token")
	out, err := d.sh(text + "\nexport -p >\"$STATE/env\"")
	if err != nil {
		d.t.Fatalf("%s: %v\n%s\nsaid:\n%s", b.where, err, b.text, out)
	}
	if env, err := os.ReadFile(filepath.Join(d.bin, "env")); err == nil {
		for _, line := range strings.Split(string(env), "\n") {
			if kv, ok := strings.CutPrefix(line, "export AFTERCARE_"); ok {
				d.env = append(d.env, "AFTERCARE_"+strings.ReplaceAll(kv, "'", ""))
			}
		}
	}
}

// onHostOnly is what may stand in a block that is not run.
var onHostOnly = []string{"docker", "podman", "journalctl", "systemd-creds", "systemd-analyze", "useradd", "install", "curl", "scp", "ssh", "apt", "sudo", "systemctl", "promtool"}

// ourFile is a path that may be one of ours.
var ourFile = regexp.MustCompile(`(?:cmd|bot|store|scheduler)/[\w./-]+`)

func (d *document) onHost(b shellBlock) {
	d.t.Helper()
	for _, line := range strings.Split(strings.ReplaceAll(b.text, "\\\n", " "), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if !slices.Contains(onHostOnly, words[0]) {
			d.t.Errorf("%s: %s can be run here: write sh", b.where, words[0])
		}
		for _, path := range ourFile.FindAllString(line, -1) {
			if _, err := os.Stat(filepath.Join(top, path)); err != nil {
				d.t.Errorf("%s: %v", b.where, err)
			}
		}
	}
}

// goTest tells whether there is what "go test" is asked for.
func goTest(args []string) error {
	var packages []string
	want := map[string]string{}
	for i := 0; i < len(args); i++ {
		arg := strings.Trim(args[i], "'\"")
		switch {
		case strings.HasPrefix(arg, "#"):
			i = len(args)
		case strings.HasPrefix(arg, "./"):
			packages = append(packages, arg)
		case slices.Contains([]string{"-run", "-bench", "-fuzz"}, arg) && i+1 < len(args):
			i++
			want[arg] = strings.Trim(args[i], "'\"")
		case slices.Contains([]string{"-timeout", "-benchtime", "-fuzztime", "-torture", "-soak-seed", "-consent-seed", "-count"}, arg):
			i++
		case slices.Contains([]string{"-v", "-short", "-race", "-update"}, arg):
		case strings.HasPrefix(arg, "-"):
			if !anyFlag(strings.TrimPrefix(arg, "-")) {
				return fmt.Errorf("no flag %s", arg)
			}
		}
	}
	kinds := map[string]string{"-run": "Test", "-bench": "Benchmark", "-fuzz": "Fuzz"}
	for option, pattern := range want {
		if pattern == "^$" || pattern == "." {
			continue
		}
		re, err := regexp.Compile(pattern)
		if err != nil {
			return err
		}
		if ok, err := anyTest(packages, kinds[option], re); err != nil || !ok {
			return fmt.Errorf("%s %s matches nothing in %v: %w", option, pattern, packages, err)
		}
	}
	for _, p := range packages {
		if _, err := os.Stat(filepath.Join(top, strings.TrimSuffix(p, "..."))); err != nil {
			return err
		}
	}
	return nil
}

// anyFlag tells whether a flag of some test has a name: of these, or of another package's.
func anyFlag(name string) bool {
	return flag.Lookup(name) != nil || name == "large" || strings.HasPrefix(name, "consent-")
}

var testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)\w*)\(`)

// anyTest tells whether a pattern matches a test of some packages.
func anyTest(packages []string, kind string, pattern *regexp.Regexp) (bool, error) {
	for _, p := range packages {
		files, err := filepath.Glob(filepath.Join(top, strings.TrimSuffix(p, "/..."), "*_test.go"))
		if err != nil {
			return false, err
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				return false, err
			}
			for _, f := range testFunc.FindAllStringSubmatch(string(b), -1) {
				if strings.HasPrefix(f[1], kind) && pattern.MatchString(f[1]) {
					return true, nil
				}
			}
		}
	}
	return false, nil
}
