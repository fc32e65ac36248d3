package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"aftercare/bot/discordtest"
	"aftercare/store"
)

// buildOnce builds the binary as it is released, once for all tests.
var buildOnce = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "aftercare-test-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "aftercare")
	cmd := exec.Command("go", "build", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := buildOnce(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// process is the real binary in front of a Discord over real sockets.
type process struct {
	t       testing.TB
	env     []string
	discord *discordtest.Discord
	server  *httptest.Server
	dir     string
	lines   chan discordtest.Line

	binary string              // "": the one that was built
	as     *syscall.Credential // nil: as whoever tests

	cmd *exec.Cmd
	log chan string
}

func newProcess(t testing.TB) *process {
	t.Helper()
	p := &process{t: t, dir: t.TempDir(), lines: make(chan discordtest.Line, 10_000)}
	p.discord = discordtest.New(discordtest.Options{Token: "Bot test-token", Say: func(l discordtest.Line) { p.lines <- l }})
	p.server = httptest.NewServer(p.discord.Handler())
	t.Cleanup(func() { p.discord.DropConnections(); p.server.Close() })
	key, err := store.NewMasterKey()
	if err != nil {
		t.Fatal(err)
	}
	p.env = []string{
		"AFTERCARE_DISCORD_TOKEN=test-token", "AFTERCARE_DISCORD_API_URL=" + p.server.URL + "/api",
		"AFTERCARE_STORE_KEY=" + key, "AFTERCARE_STORE_PATH=" + filepath.Join(p.dir, "aftercare.db"),
		"AFTERCARE_OPERATOR_NAME=Robin", "AFTERCARE_CHECKINS_MARKS=1s,2s", "AFTERCARE_LOG_LEVEL=debug",
	}
	return p
}

// start starts the binary and waits until it says that it runs.
func (p *process) start(args ...string) {
	p.t.Helper()
	p.launch(args...)
	log := p.log // of this run: the next one has its own
	for line := range log {
		if strings.Contains(line, "aftercare is connected") {
			go func() {
				for range log { // so that it never blocks on its log
				}
			}()
			return
		}
		p.t.Log(line)
	}
	p.t.Fatal("it ended instead of running")
}

func (p *process) launch(args ...string) {
	p.t.Helper()
	path, err := buildOnce()
	if err != nil {
		p.t.Fatal(err)
	}
	if p.binary != "" {
		path = p.binary
	}
	p.cmd = exec.Command(path, append([]string{"run"}, args...)...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.as}
	p.cmd.Env, p.cmd.Dir = append(os.Environ(), p.env...), p.dir
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	log := make(chan string, 100)
	p.log = log
	go func() {
		defer close(log)
		for s := bufio.NewScanner(stderr); s.Scan(); {
			log <- s.Text()
		}
	}()
	p.t.Cleanup(func() { p.cmd.Process.Kill() })
}

// hear waits for a line that contains part.
func (p *process) hear(part string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 10*time.Second)
	defer cancel()
	for {
		select {
		case l := <-p.lines:
			if strings.Contains(l.Text, part) {
				return l.Text
			}
		case <-ctx.Done():
			p.t.Fatalf("nobody was told %q", part)
		}
	}
}

func (p *process) do(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// link links alex and sam.
func (p *process) link() {
	p.t.Helper()
	alex, sam := p.discord.Person("alex"), p.discord.Person("sam")
	p.do(alex.Run("/partner invite"))
	p.hear("Before you say yes")
	p.do(alex.Press("Yes, and I'm 18 or older"))
	code := codePattern.FindString(p.hear("Your code is"))
	p.do(sam.Run("/partner accept code:" + code))
	p.hear("gave you this code")
	p.do(sam.Press("Yes, and I'm 18 or older"))
	p.hear("You're set up")
	p.hear("You're set up")
}

// terminate asks the binary to end, and returns its exit code and how long it took.
func (p *process) terminate() (code int, took time.Duration) {
	p.t.Helper()
	begun := time.Now()
	p.do(p.cmd.Process.Signal(syscall.SIGTERM))
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode(), time.Since(begun)
}

// refused runs the binary to its end and returns what it said.
func (p *process) refused() string {
	p.t.Helper()
	p.launch()
	var said []string
	for line := range p.log {
		said = append(said, line)
	}
	if err := p.cmd.Wait(); err == nil {
		p.t.Fatal("it ended with 0 and should not have")
	}
	return strings.Join(said, "\n")
}

// TestRun lets two people go through one scene with the real binary, across two
// restarts by SIGTERM.
func TestRun(t *testing.T) {
	p := newProcess(t)
	alex, sam := p.discord.Person("alex"), p.discord.Person("sam")
	p.start()
	p.link()
	if code, took := p.terminate(); code != 0 || took > 5*time.Second {
		t.Errorf("SIGTERM: exit %d after %v, want 0 within 5 s", code, took)
	}
	p.start()
	p.do(alex.Run("/scene ended"))
	p.hear("Noted.")
	p.hear("bot -> sam: A check-in was set up for you.")
	if code, _ := p.terminate(); code != 0 {
		t.Errorf("exit %d", code)
	}
	p.start()
	p.hear("bot -> sam: Your check-in is here")
	sam.Type("Calm.")
	p.hear("Who sees this?")
	p.do(sam.Press("Share my words"))
	p.hear("bot -> alex: Something was left for you.")
	p.do(alex.Press("Read"))
	p.hear("> Calm.")
	if code, _ := p.terminate(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// TestRunRefuses runs into each thing an operator can get wrong. Every one has a
// message that says what to do, and a non-zero exit.
func TestRunRefuses(t *testing.T) {
	other, err := store.NewMasterKey()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		spoil func(p *process)
		want  []string
	}{
		"no token":           {func(p *process) { p.env[0] = "AFTERCARE_DISCORD_TOKEN=" }, []string{"discord.token: missing", "AFTERCARE_DISCORD_TOKEN"}},
		"a wrong token":      {func(p *process) { p.env[0] = "AFTERCARE_DISCORD_TOKEN=another" }, []string{"discord.token", "copy it anew"}},
		"a key that is none": {func(p *process) { p.env[2] = "AFTERCARE_STORE_KEY=hunter2" }, []string{"store.key", "aftercare key new"}},
		"another key":        {func(p *process) { p.once(); p.env[2] = "AFTERCARE_STORE_KEY=" + other }, []string{"master key does not open"}},
		"no keys file": {func(p *process) {
			p.once()
			p.do(os.Remove(filepath.Join(p.dir, "aftercare.keys")))
		}, []string{"keys file", "restore"}},
		"a second instance": {func(p *process) {
			first := *p
			first.start()
		}, []string{"another aftercare is running on this database"}},
		"intents that Discord does not allow": {func(p *process) {
			p.discord.SetGateway(discordtest.Gateway{CloseCode: 4014})
		}, []string{"code 4014", "intents"}},
		"shards that Discord asks for, later": {func(p *process) {
			p.discord.SetGateway(discordtest.Gateway{Interval: 10 * time.Millisecond})
			go func() {
				for p.t.Context().Err() == nil && !p.discord.Connected() {
					time.Sleep(5 * time.Millisecond)
				}
				p.discord.CloseConnections(4011)
			}()
		}, []string{"code 4011", "leave some of them"}},
		"a sentence that breaks a rule": {func(p *process) {
			p.own(`{"declined": "You must!", "declinde": "Fine."}`)
		}, []string{`text.file (from AFTERCARE_TEXT_FILE): declined: has "must"`, "an exclamation mark", "the nearest is declined"}},
		"an unknown variable": {func(p *process) { p.env = append(p.env, "AFTERCARE_STORE_PTAH=x") }, []string{"AFTERCARE_STORE_PTAH", "AFTERCARE_STORE_PATH"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProcess(t)
			c.spoil(p)
			said := p.refused()
			for _, want := range c.want {
				if !strings.Contains(said, want) {
					t.Errorf("it does not say %q:\n%s", want, said)
				}
			}
			for _, secret := range []string{"hunter2", other, "test-token"} {
				if strings.Contains(said, secret) {
					t.Errorf("it says a secret:\n%s", said)
				}
			}
		})
	}
}

// own writes the operator's own sentences.
func (p *process) own(sentences string) {
	p.t.Helper()
	path := filepath.Join(p.dir, "own.json")
	p.do(os.WriteFile(path, []byte(sentences), 0o600))
	p.env = append(p.env, "AFTERCARE_TEXT_FILE="+path)
}

// TestOwnSentencesAreSaid has the real binary say an operator's own sentence, and
// ours for the rest; a help line with the day on which it was checked.
func TestOwnSentencesAreSaid(t *testing.T) {
	p := newProcess(t)
	p.own(`{"declined": "All right, then. Nothing was kept."}`)
	day := time.Now().AddDate(0, -1, 0)
	p.env = append(p.env, `AFTERCARE_HELP_LINES=[{"name": "Night line", "contact": "116 123", "checked": "`+day.Format(time.DateOnly)+`"}]`)
	p.start()
	alex := p.discord.Person("alex")
	p.do(alex.Run("/partner invite"))
	p.hear("Before you say yes")
	p.do(alex.Press("Not now"))
	p.hear("All right, then. Nothing was kept.")
	p.do(alex.Run("/care help"))
	p.hear("Night line: 116 123 (checked " + day.Format("2 January 2006") + ")")
	if code, _ := p.terminate(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// once runs the binary once, so that there is a database.
func (p *process) once() {
	p.start()
	p.terminate()
}
