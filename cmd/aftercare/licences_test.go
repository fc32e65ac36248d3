package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/licensecheck"
)

// What may be in a program that is handed on under the AGPL, version 3 or later.
var mayBeIn = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0"}

// leastKnown is how much of a file has to be the text of licences that are known, in
// percent: the rest is a copyright notice, or what they are for.
const leastKnown = 80

// readByHand are files of which less is known, with the beginning of their SHA-256: a
// file that has changed is to be read again.
var readByHand = map[string]struct{ sum, says string }{
	"github.com/golang/freetype/LICENSE":      {"d3ba056adc2b7909", "the FreeType License, by choice: its credit is in the README"},
	"modernc.org/libc/LICENSE-3RD-PARTY.md":   {"f597097efe3d9702", "notices of Go, musl, go-netdb and nixpkgs: BSD and MIT"},
	"modernc.org/memory/LICENSE-LOGO":         {"5ae5bee3072a8413", "a picture that is in no program"},
	"modernc.org/sqlite/LICENSE-3RD-PARTY.md": {"4194f8e7119be72b", "notices: BSD, MIT, Apache and the public domain; MPL for what only its tests have"},
	"modernc.org/sqlite/LICENSE-SQLITE":       {"8438c9c89b849131", "the public domain"},
}

// targets are what .ci/run builds for: what a program is made of differs between them.
var targets = []string{"linux/amd64", "linux/arm64", "windows/amd64", "darwin/arm64"}

var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|unlicense)`)

// TestLicences reads the licence of everything that is in the binary, Go's own library
// among it, and fails for what may not be handed on with it, or has none.
func TestLicences(t *testing.T) {
	found := map[string]int{}
	used := map[string]bool{}
	for folder, module := range linked(t) {
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		found[module] += 0
		for _, e := range entries {
			if e.IsDir() || !licenceFile.MatchString(e.Name()) || strings.HasSuffix(e.Name(), ".go") {
				continue
			}
			found[module]++
			b, err := os.ReadFile(filepath.Join(folder, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			name := module + "/" + e.Name()
			used[name] = true
			if wrong := licenceOf(name, b); wrong != "" {
				t.Errorf("%s: %s", name, wrong)
			}
		}
	}
	if len(found) < 30 {
		t.Errorf("only %d modules were looked at", len(found))
	}
	for module, n := range found {
		if n == 0 {
			t.Errorf("%s: there is no licence", module)
		}
	}
	for name := range readByHand {
		if !used[name] {
			t.Errorf("%s is not there; take it off the table", name)
		}
	}
}

// licenceOf says what is wrong with a file; nothing if it may be handed on.
func licenceOf(name string, b []byte) string {
	if read, ok := readByHand[name]; ok {
		sum := sha256.Sum256(b)
		if got := hex.EncodeToString(sum[:8]); got != read.sum {
			return "it was read by hand, and has changed since: read it again; it is now " + got
		}
		return ""
	}
	cover := licensecheck.Scan(b)
	for _, m := range cover.Match {
		if !slices.Contains(mayBeIn, m.ID) {
			return m.ID + " is not among what may be in the program: " + strings.Join(mayBeIn, ", ")
		}
	}
	if cover.Percent < leastKnown {
		return "most of it is no licence that is known: read it, and put it on the table"
	}
	return ""
}

// linked returns the folders of the modules that the binary is made of, on any system,
// and the folders of their packages up to there: code of others has its own licence
// beside it.
func linked(t *testing.T) map[string]string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	folders := map[string]string{strings.TrimSpace(string(root)): "std"}
	for _, target := range targets {
		system, machine, _ := strings.Cut(target, "/")
		list := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}\t{{.Dir}}\t{{$.Dir}}{{end}}", module+"cmd/aftercare")
		list.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+machine)
		out, err := list.Output()
		if err != nil {
			t.Fatalf("go list for %s: %v", target, err)
		}
		for line := range strings.Lines(string(out)) {
			f := strings.Split(strings.TrimSpace(line), "\t")
			if len(f) != 3 || f[0]+"/" == module {
				continue
			}
			for folder := f[2]; len(folder) >= len(f[1]); folder = filepath.Dir(folder) {
				name := f[0] + filepath.ToSlash(strings.TrimPrefix(folder, f[1]))
				if folder == f[1] || hasLicence(folder) {
					folders[folder] = name
				}
			}
		}
	}
	return folders
}

func hasLicence(folder string) bool {
	entries, _ := os.ReadDir(folder) // none, then
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		return licenceFile.MatchString(e.Name()) && !e.IsDir() && !strings.HasSuffix(e.Name(), ".go")
	})
}

// The check itself can fail: a text that is no licence, one that may not be handed on,
// and one that was read and has changed.
func TestLicencesAreRefused(t *testing.T) {
	own, err := os.ReadFile("../../LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"nobody/LICENSE":                    []byte("All rights reserved."),
		"somebody/LICENSE":                  own, // AGPL: fine for us, and not for what we take in unread
		"modernc.org/sqlite/LICENSE-SQLITE": []byte("Pay first."),
	} {
		if licenceOf(name, b) == "" {
			t.Errorf("%s passes", name)
		}
	}
}
