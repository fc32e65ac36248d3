package main

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "aftercare/"

// arrows lists, for each package of ours, all it may import beyond the standard library; tests
// are free. An entry that ends in /... stands for what lies below it too. Nothing may be listed
// that is not used: this is the house as it stands, not as it might.
var arrows = map[string][]string{
	"store": {
		"github.com/gofrs/flock",
		"github.com/tink-crypto/tink-go/v2/...",
		"modernc.org/sqlite",
	},
	"store/storetest": {"aftercare/store"},
	"scheduler": {
		"aftercare/store",
		"github.com/robfig/cron/v3",
		"golang.org/x/time/rate",
	},
	"bot/text": {},
	"bot/zone": {"golang.org/x/text/unicode/norm"},
	"bot": {
		"aftercare/bot/text",
		"aftercare/bot/zone",
		"aftercare/store",
		"git.sr.ht/~sbinet/gg",
		"github.com/bwmarrin/discordgo",
		"github.com/gorilla/websocket",
		"github.com/olebedev/when/...",
		"golang.org/x/image/font/...",
		"golang.org/x/time/rate",
	},
	"bot/discordtest":             {"github.com/gorilla/websocket"},
	"bot/discordtest/conformance": {"github.com/santhosh-tekuri/jsonschema/v6"},
	"cmd/aftercare": {
		"aftercare/bot",
		"aftercare/bot/discordtest",
		"aftercare/bot/text",
		"aftercare/scheduler",
		"aftercare/store",
		"github.com/coreos/go-systemd/v22/daemon",
		"github.com/prometheus/client_golang/prometheus/...",
		"github.com/spf13/cobra",
		"github.com/spf13/viper",
		"go.yaml.in/yaml/v3",
		"golang.org/x/sys/...",
		"golang.org/x/term",
	},
}

// strangers lists pairs of packages that never meet, not even in a test: cmd/aftercare joins them.
var strangers = map[string]string{
	"aftercare/bot":       "aftercare/scheduler",
	"aftercare/scheduler": "aftercare/bot",
	"aftercare/store":     "aftercare/bot",
}

// onlyIn lists what a single file of cmd/aftercare may import, to be replaced in one place.
var onlyIn = map[string]string{
	"github.com/spf13/viper":                                    "config.go",
	"go.yaml.in/yaml/v3":                                        "config.go",
	"github.com/prometheus/client_golang/prometheus":            "metrics.go",
	"github.com/prometheus/client_golang/prometheus/promhttp":   "metrics.go",
	"github.com/prometheus/client_golang/prometheus/collectors": "metrics.go",
	"github.com/coreos/go-systemd/v22/daemon":                   "systemd.go",
}

// madeForTests lists what never reaches the binary, with all that lies below it.
var madeForTests = []string{
	"testing",
	"aftercare/store/storetest",
	"aftercare/bot/discordtest/conformance",
	"github.com/chromedp",
	"github.com/google/licensecheck",
	"github.com/santhosh-tekuri/jsonschema/v6",
	"go.uber.org/goleak",
	"pgregory.net/rapid",
}

// listed is what `go list -json` says of a package.
type listed struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func goList(t *testing.T, args ...string) []listed {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports,TestImports,XTestImports"}, args...)...).Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var packages []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func TestArrows(t *testing.T) {
	used := map[string]bool{} // "package entry"
	for _, p := range goList(t, module+"...") {
		name := strings.TrimPrefix(p.ImportPath, module)
		allowed, ok := arrows[name]
		if !ok {
			t.Errorf("%s: a package without arrows; write down what it may import", name)
			continue
		}
		used[name] = true
		for _, imp := range p.Imports {
			if isStandard(imp) {
				continue
			}
			i := slices.IndexFunc(allowed, func(entry string) bool { return covers(entry, imp) })
			if i < 0 {
				t.Errorf("%s must not import %s", name, imp)
				continue
			}
			used[name+" "+allowed[i]] = true
		}
	}
	for name, allowed := range arrows {
		if !used[name] {
			t.Errorf("%s: there is no such package; take it off the table", name)
			continue
		}
		for _, entry := range allowed {
			if !used[name+" "+entry] {
				t.Errorf("%s may import %s and does not; take it off the table", name, entry)
			}
		}
	}
}

func TestStrangersNeverMeet(t *testing.T) {
	for _, p := range goList(t, module+"...") {
		for a, b := range strangers {
			imports := slices.Concat(p.Imports, p.TestImports, p.XTestImports)
			if under(a, p.ImportPath) && slices.ContainsFunc(imports, func(imp string) bool { return under(b, imp) }) {
				t.Errorf("%s must not import %s, in its tests either", p.ImportPath, b)
			}
		}
	}
}

func TestOneFileImportsIt(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if home, ok := onlyIn[imp]; ok && home != file {
				t.Errorf("%s must not import %s: only %s does", file, imp, home)
			}
			found[imp+" "+file] = true
		}
	}
	for imp, home := range onlyIn {
		if !found[imp+" "+home] {
			t.Errorf("%s does not import %s; take it off the table", home, imp)
		}
	}
}

func TestNothingMadeForTestsReachesTheBinary(t *testing.T) {
	for _, p := range goList(t, "-deps", module+"cmd/aftercare") {
		for _, kept := range madeForTests {
			if under(kept, p.ImportPath) {
				t.Errorf("%s is in the binary", p.ImportPath)
			}
		}
	}
}

// isStandard knows the standard library by the missing dot in its first element, as the go
// command does, and our own packages by the module's name.
func isStandard(imp string) bool {
	first, _, _ := strings.Cut(imp, "/")
	return !strings.Contains(first, ".") && !strings.HasPrefix(imp, module)
}

// covers reports whether an entry of the table allows an import.
func covers(entry, imp string) bool {
	root, open := strings.CutSuffix(entry, "/...")
	return imp == root || open && under(root, imp)
}

// under reports whether a package is root or lies below it.
func under(root, pkg string) bool { return pkg == root || strings.HasPrefix(pkg, root+"/") }

func TestCovers(t *testing.T) {
	for _, c := range []struct {
		entry, imp string
		want       bool
	}{
		{"a.b/c", "a.b/c", true},
		{"a.b/c", "a.b/c/d", false},
		{"a.b/c/...", "a.b/c", true},
		{"a.b/c/...", "a.b/c/d/e", true},
		{"a.b/c/...", "a.b/cd", false},
	} {
		if got := covers(c.entry, c.imp); got != c.want {
			t.Errorf("covers(%s, %s) = %v", c.entry, c.imp, got)
		}
	}
	for imp, want := range map[string]bool{"net/http": true, "aftercare/store": false, "golang.org/x/term": false} {
		if isStandard(imp) != want {
			t.Errorf("isStandard(%s) = %v", imp, !want)
		}
	}
}
