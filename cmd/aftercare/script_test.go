package main

import (
	"bytes"
	"context"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aftercare/bot/discordtest"
	"aftercare/bot/discordtest/conformance"
	"aftercare/store"
)

var update = flag.Bool("update", false, "write what the bot says now into the conversations")

// TestScript plays each conversation in testdata/script through the whole
// program: real discordgo, cron and SQLite, and a Discord in the process. It
// compares every line that anybody sees, and afterwards what is on the disk.
func TestScript(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no conversations", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			check := conformance.Open(t)
			var got string
			synctest.Test(t, func(t *testing.T) { got = playScript(t, dir, parseConversation(string(b)), check) })
			if got == string(b) {
				return
			}
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Errorf("the conversation went another way; see it with: go test ./cmd/aftercare -run TestScript -update && git diff\n%s", firstDifference(string(b), got))
		})
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := 0; i < len(w) || i < len(g); i++ {
		a, b := "(the end)", "(the end)"
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			return "line " + strconv.Itoa(i+1) + "\n want: " + a + "\n  got: " + b
		}
	}
	return ""
}

// evening is when every conversation begins. A bubble begins in 2000, before
// Discord did.
var evening = time.Date(2026, time.March, 10, 20, 0, 0, 0, time.UTC)

// stage is the whole program in a bubble.
type stage struct {
	t       *testing.T
	dir     string
	cfg     Config
	discord *discordtest.Discord
	log     *bytes.Buffer
	logger  *slog.Logger
	house   *house
	cancel  context.CancelFunc
	done    chan error
}

func newStage(t *testing.T, dir string) *stage {
	time.Sleep(time.Until(evening))
	key, err := store.NewMasterKey()
	if err != nil {
		t.Fatal(err)
	}
	cfg := defaultConfig()
	cfg.Discord.Token, cfg.Operator.Name = "test-token", "Robin"
	cfg.Store.Key = Secret(key)
	cfg.Store.Path, cfg.Store.KeysPath = filepath.Join(dir, "aftercare.db"), filepath.Join(dir, "aftercare.keys")
	s := &stage{t: t, dir: dir, cfg: cfg, log: &bytes.Buffer{}}
	s.logger = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return s
}

func (s *stage) start() error {
	return s.startOn(world{now: time.Now, log: s.logger, transport: s.discord, dial: s.discord.DialContext})
}

// startOn starts the house in a world.
func (s *stage) startOn(w world) error {
	ctx, cancel := context.WithCancel(s.t.Context())
	h, err := build(ctx, s.cfg, w)
	if err != nil {
		cancel()
		return err
	}
	s.house, s.cancel, s.done = h, cancel, make(chan error, 1)
	go func() { s.done <- h.run(ctx) }()
	settle()
	return nil
}

func (s *stage) stop() error {
	s.cancel()
	return <-s.done
}

// settle lets everything happen that is due in the next moments.
func settle() {
	time.Sleep(2 * time.Second)
	synctest.Wait()
}

func playScript(t *testing.T, dir string, c conversation, check func(method, path string, body []byte) error) string {
	s := newStage(t, dir)
	p := &player{pass: time.Sleep, start: s.start, stop: s.stop}
	s.discord = discordtest.New(discordtest.Options{Now: time.Now, Say: p.hear, Check: check, Token: "Bot test-token"})
	p.discord = s.discord
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, step := range c {
		out.WriteString(step.line + "\n")
		if step.remark {
			continue
		}
		if err := p.act(step.line); err != nil {
			out.WriteString(indent + "! " + err.Error() + "\n")
		}
		settle()
		for _, said := range p.take() {
			if strings.Contains(said, "everyone sees") {
				t.Errorf("the whole server sees: %s", said)
			}
			out.WriteString(indent + said + "\n")
		}
	}
	s.nothingInClear(secretsOf(c, s.discord))
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	s.discord.DropConnections()
	for _, m := range s.discord.Posted() {
		if len(m.Pings) > 0 {
			t.Errorf("this pings somebody: %s", m.Content)
		}
	}
	if testing.Verbose() {
		t.Log("\n" + s.log.String())
	}
	for _, err := range s.discord.Errors() {
		t.Errorf("Discord would refuse: %v", err)
	}
	return out.String()
}

var spoken = regexp.MustCompile(`^\w+(?: writes| replies to ".*"| sends a \w+(?: message)?)?: ([^/].*)$|^\w+ edits ".*" to "(.*)"$`)

// secretsOf lists what must stand nowhere in clear after a conversation: whose it
// was, what they felt, and what they said.
func secretsOf(c conversation, d *discordtest.Discord) (out []string) {
	for _, name := range d.Known() {
		p := d.Person(name)
		out = append(out, p.ID(), strings.ToUpper(name[:1])+name[1:], name)
		for _, m := range append(p.Sees(), p.SeesInServer()...) {
			out = append(out, m.ID, m.ChannelID)
		}
	}
	out = append(out, "glowing", "Glowing", "numb", "Numb", "company")
	for _, step := range c {
		if strings.Contains(step.line, " fills in ") {
			for _, f := range fieldPattern.FindAllStringSubmatch(step.line, -1) {
				if words := unfold(f[2]); words != "" {
					out = append(out, words[:min(len(words), 60)])
				}
			}
		}
		m := spoken.FindStringSubmatch(step.line)
		if m == nil {
			continue
		}
		words := unfold(m[1] + m[2])
		out = append(out, words[:min(len(words), 60)])
	}
	return append(out, "test-token")
}

// nothingInClear reads the raw files as they are while the bot runs, and its log
// at debug level. A short name is looked for in the log only: three letters turn
// up in ciphertext by chance.
func (s *stage) nothingInClear(secrets []string) {
	s.t.Helper()
	files, err := filepath.Glob(filepath.Join(s.dir, "aftercare.*"))
	if err != nil || len(files) < 3 {
		s.t.Fatal("no files to look into", files, err)
	}
	raw := map[string][]byte{"the log": s.log.Bytes(), "what is measured": nil}
	for name := range figures(s.t, s.house.metrics) {
		raw["what is measured"] = append(raw["what is measured"], name+"\n"...)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			s.t.Fatal(err)
		}
		raw[filepath.Base(file)] = b
	}
	for _, secret := range secrets {
		for where, b := range raw {
			if where == "the log" || where == "what is measured" {
				if regexp.MustCompile(`\b` + regexp.QuoteMeta(secret) + `\b`).Match(b) {
					s.t.Errorf("%s holds %q", where, secret)
				}
			} else if len(secret) > 3 && bytes.Contains(b, []byte(secret)) {
				s.t.Errorf("%s holds %q in clear", where, secret)
			}
		}
	}
}

// inEachConversation calls play in a bubble for every conversation there is, with a
// folder of its own; with -short for one in ten.
func inEachConversation(t *testing.T, play func(t *testing.T, dir, file string, c conversation)) {
	t.Helper()
	files, err := filepath.Glob("testdata/script/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no conversations", err)
	}
	t.Run("conversations", func(t *testing.T) {
		for i, file := range files {
			if testing.Short() && i%10 != 0 {
				continue
			}
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
				t.Parallel()
				b, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				dir := t.TempDir()
				synctest.Test(t, func(t *testing.T) { play(t, dir, file, parseConversation(string(b))) })
			})
		}
	})
}
