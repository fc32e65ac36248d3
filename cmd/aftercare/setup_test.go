package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// newSetup is a process whose environment holds no secret, and a folder to set up.
func newSetup(t *testing.T) (p *process, dir string) {
	p = newProcess(t)
	p.env = []string{"AFTERCARE_DISCORD_API_URL=" + p.server.URL + "/api"}
	return p, filepath.Join(p.dir, "new", "aftercare")
}

// laysDown holds what a setup leaves behind, and that the bot runs with it.
func (p *process) laysDown(dir string, want ...string) {
	p.t.Helper()
	entries, err := os.ReadDir(dir)
	p.do(err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
		info, err := e.Info()
		p.do(err)
		if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			p.t.Errorf("%s is %v", e.Name(), info.Mode())
		}
	}
	if strings.Join(names, " ") != strings.Join(want, " ") {
		p.t.Errorf("it made %v, want %v", names, want)
	}
	info, err := os.Stat(dir)
	p.do(err)
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		p.t.Errorf("the folder is %v", info.Mode())
	}
}

func TestSetupAsks(t *testing.T) {
	t.Parallel()
	p, dir := newSetup(t)
	out, errs, code := p.command("nonsense\n\ntest-token\n\n Robin \"R\" Adams \ny\n", "setup", "--dir", dir)
	if code != 0 || errs != "" {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	p.laysDown(dir, "aftercare.key", "config.yaml", "discord.token")
	for _, want := range []string{
		"discord.token: Discord does not know this token", "the token: is empty", `as the bot "bot"`, "the name: is empty",
		"set Install Link to None on the Installation page", "client_id=100000000000000001&scope=bot+applications.commands&permissions=0", "Age-Restricted Channel",
		"aftercare run --config " + filepath.Join(dir, "config.yaml"), "ok    token ", "ok    folder ", "note  commands ",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	c, err := loadConfig(filepath.Join(dir, "config.yaml"), nil, testDay)
	if err != nil || c.Operator.Name != `Robin "R" Adams` || c.Discord.Token != "test-token" || !c.Discord.AgeRestricted || c.Store.Path != filepath.Join(dir, "aftercare.db") {
		t.Errorf("%+v, %v", c, err)
	}
	p.env = append(p.env, "AFTERCARE_LOG_LEVEL=debug")
	p.start("--config", filepath.Join(dir, "config.yaml"))
	if code, _ := p.terminate(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

func TestSetupFromFlags(t *testing.T) {
	t.Parallel()
	p, dir := newSetup(t)
	token := filepath.Join(p.dir, "token.txt")
	p.do(os.WriteFile(token, []byte("test-token\n"), 0o600))
	p.do(os.MkdirAll(dir, 0o755)) // there, open, and empty
	out, errs, code := p.command("", "setup", "--dir", dir, "--token-file", token, "--operator", "Robin", "--yes")
	if code != 0 || errs != "" {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	p.laysDown(dir, "aftercare.key", "config.yaml")
	if c, err := loadConfig(filepath.Join(dir, "config.yaml"), nil, testDay); err != nil || c.Discord.TokenFile != token {
		t.Errorf("%+v, %v", c, err)
	}
	before, err := os.ReadFile(filepath.Join(dir, "aftercare.key"))
	p.do(err)
	_, errs, code = p.command("", "setup", "--dir", dir, "--token-file", token, "--operator", "Kit", "--yes")
	after, err := os.ReadFile(filepath.Join(dir, "aftercare.key"))
	p.do(err)
	if code != 1 || !strings.Contains(errs, "config.yaml is there already, and nothing is overwritten") || !strings.HasSuffix(errs, "aftercare check --config "+filepath.Join(dir, "config.yaml")+"\n") || string(before) != string(after) {
		t.Errorf("a second time: exit %d, %s", code, errs)
	}
}

// TestSetupFromAPipe holds that a token that comes once, as from a manager of
// passwords, is there at the next start.
func TestSetupFromAPipe(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/stdin"); err != nil {
		t.Skip("there is no /dev/stdin here")
	}
	p, dir := newSetup(t)
	out, errs, code := p.command("test-token\n", "setup", "--dir", dir, "--token-file", "/dev/stdin", "--operator", "Robin", "--yes")
	if code != 0 || errs != "" {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	p.laysDown(dir, "aftercare.key", "config.yaml", "discord.token")
	if c, err := loadConfig(filepath.Join(dir, "config.yaml"), nil, testDay); err != nil || c.Discord.Token != "test-token" {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestSetupLeavesNothingBehind holds that whoever breaks off, or gives what can't
// be, finds no file afterwards.
func TestSetupLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		stdin string
		env   string
		args  []string
		want  string
	}{
		"no answers":               {"", "", nil, "the input ended before the answer"},
		"three wrong tokens":       {"a\nb\nc\n", "", nil, "no token; nothing was written"},
		"no at the end":            {"test-token\nRobin\nno\n", "", nil, "stopped; nothing was written"},
		"no name":                  {"test-token\n\n\n\n", "", nil, "no name; nothing was written"},
		"yes without a token":      {"", "", []string{"--yes", "--operator", "Robin"}, "--yes: asks nothing, so it needs --token-file"},
		"no such token file":       {"", "", []string{"--token-file", "nowhere"}, "--token-file: the file nowhere cannot be read"},
		"a token elsewhere":        {"", "AFTERCARE_DISCORD_TOKEN=test-token", nil, "AFTERCARE_DISCORD_TOKEN or its file is set in the environment already"},
		"a key elsewhere":          {"", "AFTERCARE_STORE_KEY=k", nil, "AFTERCARE_STORE_KEY or its file is set"},
		"an environment gone awry": {"", "AFTERCARE_NOPE=1", nil, "AFTERCARE_NOPE: unknown variable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, dir := newSetup(t)
			p.env = append(p.env, c.env)
			out, errs, code := p.command(c.stdin, append([]string{"setup", "--dir", dir}, c.args...)...)
			if code != 1 || !strings.Contains(errs, c.want) {
				t.Errorf("exit %d, want %q\n%s%s", code, c.want, out, errs)
			}
			if _, err := os.Stat(dir); err == nil {
				t.Error("something was made")
			}
		})
	}
}

// TestSetupOffline needs no Discord.
func TestSetupOffline(t *testing.T) {
	t.Parallel()
	p, dir := newSetup(t)
	out, errs, code := p.command("test-token\nRobin\n\n", "setup", "--dir", dir, "--offline")
	if code != 0 || p.discord.Requests() != 0 || !strings.Contains(out, "the link shows when you run: aftercare check") {
		t.Errorf("exit %d, %d requests\n%s%s", code, p.discord.Requests(), out, errs)
	}
	p.laysDown(dir, "aftercare.key", "config.yaml", "discord.token")
}
