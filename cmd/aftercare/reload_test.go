package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	sentences "aftercare/bot/text"
)

// reads waits for a line of the log that contains part, and returns what came before it too.
func (p *process) reads(part string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 20*time.Second)
	defer cancel()
	var all strings.Builder
	for {
		select {
		case line, ok := <-p.log:
			all.WriteString(line + "\n")
			if strings.Contains(line, part) {
				return all.String()
			}
			if !ok {
				p.t.Fatalf("it ended, and did not say %q:\n%s", part, all.String())
			}
		case <-ctx.Done():
			p.t.Fatalf("it did not say %q:\n%s", part, all.String())
		}
	}
}

// TestReload changes the configuration of the running binary: well, badly, and back.
func TestReload(t *testing.T) {
	t.Parallel()
	p := newProcess(t)
	p.env = slices.DeleteFunc(p.env, func(v string) bool { return strings.Contains(v, "_LOG_") || strings.Contains(v, "_MARKS") })
	write := func(name, text string) { p.do(os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600)) }
	day := time.Now().AddDate(0, -1, 0).Format(time.DateOnly)
	config := func(level, contact, marks string) {
		write("config.yaml", "log: {level: "+level+"}\ntext: {file: own.json}\ncheckins: {marks: "+marks+"}\n"+
			"help: {lines: [{name: Night line, contact: '"+contact+"', checked: '"+day+"'}]}\n")
	}
	ask := func() { p.do(p.cmd.Process.Signal(syscall.SIGHUP)) }
	write("own.json", `{"declined": "The first way."}`)
	config("info", "116 123", "[24h]")
	p.launch()
	banner := p.reads("aftercare is connected")
	for _, want := range []string{"aftercare is starting", "version=", "commit=", "config=config.yaml", "database=" + p.dir, "keys=" + p.dir, "marks=[24h0m0s]", "shards=1", "http=nowhere"} {
		if !strings.Contains(banner, want) {
			t.Errorf("the banner lacks %q:\n%s", want, banner)
		}
	}
	alex := p.discord.Person("alex")
	declines := func(want string) {
		t.Helper()
		p.do(alex.Run("/partner invite"))
		p.hear("Before you say yes")
		p.do(alex.Press("Not now"))
		p.hear(want)
	}
	declines("The first way.")

	write("own.json", `{"declined": "Another way."}`)
	config("debug", "116 124", "[24h, 48h]")
	ask()
	if said := p.reads("needs a restart"); !strings.Contains(said, "read anew") || !strings.Contains(said, "level=DEBUG") || !strings.Contains(said, "keys=checkins.marks\n") {
		t.Error(said)
	}
	declines("Another way.")
	p.do(alex.Run("/care help"))
	p.hear("Night line: 116 124")

	write("own.json", `{"declined": "You must!"}`)
	config("loud", "116 125", "[24h]")
	ask()
	said := p.reads("an exclamation mark")
	for _, want := range []string{"level=ERROR", "the old one stays", `log.level: \"loud\" is no level`, `text.file: declined: has \"must\"`} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
	declines("Another way.")
	p.do(alex.Run("/care help"))
	p.hear("Night line: 116 124")

	write("own.json", `{"cmd.partner": "Linking, in other words"}`)
	config("info", "116 123", "[24h]")
	ask()
	p.reads("changes at the next start")
	if code, _ := p.terminate(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// TestEveryKeyHasItsField holds that a change of any key is noticed.
func TestEveryKeyHasItsField(t *testing.T) {
	t.Parallel()
	for _, k := range keys {
		if _, err := field(defaultConfig(), k.path); err != nil {
			t.Error(err)
		}
	}
	a, b := defaultConfig(), defaultConfig()
	if got := differing(a, b); len(got) > 0 {
		t.Errorf("nothing changed, and %v did", got)
	}
	b.Discord.APIURL, b.Store.Key, b.HTTP.Listen, b.Checkins.Marks = "x", "k", "y", nil
	if got := differing(a, b); !slices.Equal(got, []string{"discord.api_url", "store.key", "checkins.marks", "http.listen"}) {
		t.Error(got)
	}
}

func TestWhichSentencesAreCommands(t *testing.T) {
	t.Parallel()
	plain := map[sentences.Key]sentences.Sentence{"declined": {Say: "x"}}
	command := map[sentences.Key]sentences.Sentence{"cmd.partner": {Say: "x"}}
	if commandsDiffer(nil, plain) || !commandsDiffer(plain, command) || !commandsDiffer(command, nil) || commandsDiffer(command, command) {
		t.Error("not as the catalogue says")
	}
}

// Whoever reads the log as JSON reads times, and no counts of nanoseconds.
func TestLogAsJSON(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	newLog("json", slog.LevelInfo, &out).Info("here", "marks", []time.Duration{24 * time.Hour, 90 * time.Second}, "in", 2*time.Second, "n", 3)
	for _, want := range []string{`"marks":["24h0m0s","1m30s"]`, `"in":"2s"`, `"n":3`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in %s", want, out.String())
		}
	}
}
