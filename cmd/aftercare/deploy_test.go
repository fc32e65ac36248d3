package main

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"aftercare/scheduler"
)

func deployed(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestDeploymentsAskForWhatThereIs holds that each variable, credential, command and
// flag in the files of deploy/ and in the Dockerfile is one of ours.
func TestDeploymentsAskForWhatThereIs(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, k := range keys {
		known[envName(k.path)] = true
	}
	variable := regexp.MustCompile(`\bAFTERCARE_[A-Z_]+\b`)
	credential := regexp.MustCompile(`(?m)^LoadCredential=([^:]+):`)
	called := regexp.MustCompile(`(?m)/aftercare"?,? "?(run|health|check|key new)\b`)
	for file, want := range map[string]struct{ variables, credentials, calls int }{
		"deploy/aftercare.service": {0, 2, 1}, "deploy/compose.yaml": {4, 0, 2}, "../../Dockerfile": {4, 0, 1},
	} {
		text := deployed(t, file)
		variables := variable.FindAllString(text, -1)
		for _, name := range variables {
			if !known[name] {
				t.Errorf("%s: %s is no key of ours", file, name)
			}
		}
		credentials := credential.FindAllStringSubmatch(text, -1)
		for _, m := range credentials {
			if !known[envName(m[1]+"_file")] {
				t.Errorf("%s: %s is no secret of ours", file, m[1])
			}
		}
		calls := called.FindAllStringSubmatch(text, -1)
		for _, m := range calls {
			if c, _, err := rootCommand().Find(strings.Fields(m[1])); err != nil || c.CommandPath() != "aftercare "+m[1] {
				t.Errorf("%s: there is no aftercare %s", file, m[1])
			}
		}
		if len(variables) < want.variables || len(credentials) != want.credentials || len(calls) < want.calls {
			t.Errorf("%s: found %v, %v and %v; is it read as it should be?", file, variables, credentials, calls)
		}
	}
}

// TestTheUnitIsPatientEnough holds that systemd waits for longer than the loop may
// take, and that the unit keeps what it promises.
func TestTheUnitIsPatientEnough(t *testing.T) {
	t.Parallel()
	unit := deployed(t, "deploy/aftercare.service")
	m := regexp.MustCompile(`(?m)^WatchdogSec=(\d+)min$`).FindStringSubmatch(unit)
	if m == nil {
		t.Fatal("no WatchdogSec in minutes")
	}
	if patience, err := time.ParseDuration(m[1] + "m"); err != nil || patience <= scheduler.StillAfter {
		t.Errorf("the watchdog waits for %v, and the loop may take %v", patience, scheduler.StillAfter)
	}
	for _, line := range []string{"Type=notify", "DynamicUser=yes", "ProtectSystem=strict", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "StateDirectoryMode=0700", "ExecReload=/bin/kill -HUP $MAINPID", "LimitCORE=0"} {
		if !strings.Contains(unit, "\n"+line+"\n") {
			t.Errorf("the unit lacks %s", line)
		}
	}
}

func TestContainersWriteNowhereElse(t *testing.T) {
	t.Parallel()
	for file, lines := range map[string][]string{
		"deploy/compose.yaml": {"read_only: true", `user: "65532:65532"`, "cap_drop: [ALL]", `security_opt: ["no-new-privileges:true"]`, `test: ["CMD", "/aftercare", "health"]`},
		"../../Dockerfile":    {"FROM scratch", "USER 65532:65532", "VOLUME /data", `CMD ["/aftercare", "health"]`, "CGO_ENABLED=0"},
	} {
		text := deployed(t, file)
		for _, line := range lines {
			if !strings.Contains(text, line) {
				t.Errorf("%s lacks %s", file, line)
			}
		}
	}
}

func TestSBOM(t *testing.T) {
	t.Parallel()
	p := newProcess(t)
	out, errs, code := p.command("", "version", "--sbom")
	var got struct {
		BOMFormat, SpecVersion string
		Metadata               struct{ Component component }
		Components             []component
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || got.BOMFormat != "CycloneDX" || got.SpecVersion != "1.5" || got.Metadata.Component.Name != "aftercare" {
		t.Fatalf("exit %d, %v\n%s%s", code, err, out, errs)
	}
	found := map[string]string{}
	for _, c := range got.Components {
		if _, twice := found[c.Name]; twice || c.Version == "" || c.Type != "library" {
			t.Errorf("%+v", c)
		}
		found[c.Name] = c.PURL
	}
	mod := deployed(t, "../../go.mod")
	for _, name := range []string{"github.com/bwmarrin/discordgo", "modernc.org/sqlite", "git.sr.ht/~sbinet/gg"} {
		m := regexp.MustCompile(`\t` + regexp.QuoteMeta(name) + ` (\S+)`).FindStringSubmatch(mod)
		if m == nil || found[name] != "pkg:golang/"+name+"@"+m[1] {
			t.Errorf("%s: %q, in go.mod %v", name, found[name], m)
		}
	}
	again, _, _ := p.command("", "version", "--sbom")
	if !bytes.Equal([]byte(out), []byte(again)) {
		t.Error("a second list differs")
	}
}
