package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"hash/fnv"
	"io"
	stdlog "log"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"aftercare/bot/discordtest"
	"aftercare/store"
)

// TestNothingLeaks plays each conversation again while all sorts of things go wrong:
// Discord refuses, quotes what it was sent, breaks off, is slow, drops the gateway;
// the database is locked or full; the house restarts; and handlers panic with
// somebody's words. What is said may be anything. But no id, name, word or token is
// in the log at debug level, in an error, in a file, or on stderr; and when it is
// over nothing is stuck, and what was typed has been heard.
func TestNothingLeaks(t *testing.T) {
	streams := catchStreams(t)
	all := &tally{}
	inEachConversation(t, func(t *testing.T, dir, file string, c conversation) {
		seed := fnv.New64a()
		seed.Write([]byte(file))
		playInTrouble(t, dir, c, seed.Sum64(), all)
	})
	said := streams()
	for _, secret := range all.secrets {
		if len(secret) > 5 && bytes.Contains(said, []byte(secret)) {
			t.Errorf("stderr or the standard log holds %q", secret)
		}
	}
	t.Logf("%s; %d words typed, %d of them to be heard", all.faults(), all.typed, all.heard)
	if all.by["panic"] == 0 || all.by["quotes it"] == 0 || all.by["locked"] == 0 || all.by["full"] == 0 || all.heard == 0 {
		t.Error("some of what can go wrong did not")
	}
}

// catchStreams takes what is written to stderr and to the standard log, until it is
// asked for it.
func catchStreams(t *testing.T) func() []byte {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	stderr, out := os.Stderr, stdlog.Writer()
	os.Stderr = f
	stdlog.SetOutput(f)
	back := func() { os.Stderr = stderr; stdlog.SetOutput(out) }
	t.Cleanup(func() { back(); f.Close() })
	return func() []byte {
		back()
		b, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

// tally counts what went wrong in all of the conversations.
type tally struct {
	mu           sync.Mutex
	by           map[string]int
	typed, heard int
	secrets      []string
}

func (a *tally) count(what string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.by == nil {
		a.by = map[string]int{}
	}
	a.by[what]++
}

func (a *tally) faults() string { return fmt.Sprint(a.by) }

// troubled is the whole program in a bubble in which things go wrong.
type troubled struct {
	*stage
	*player
	all  *tally
	errs []string // that were returned to whoever started and stopped it

	mu      sync.Mutex
	rng     *rand.Rand
	on      bool
	words   string // that somebody wrote last
	typings int
	wire    strings.Builder // all that was sent to Discord
}

func (s *troubled) start() error {
	return s.noted(s.startOn(world{now: s.now, log: s.logger, transport: s, dial: s.stage.discord.DialContext}))
}

func (s *troubled) stop() error {
	s.house = nil
	return s.noted(s.stage.stop())
}

func (s *troubled) noted(err error) error {
	if err != nil {
		s.errs = append(s.errs, err.Error())
	}
	return err
}

// chance is true once in so many, while there is trouble.
func (s *troubled) chance(one int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.on && s.rng.IntN(one) == 0
}

func (s *troubled) trouble(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on = on
}

// now panics now and then, in a handler or in a message that is being written, and
// says somebody's words.
func (s *troubled) now() time.Time {
	if s.chance(60) {
		if stack := string(debug.Stack()); strings.Contains(stack, "(*Bot).answer") || strings.Contains(stack, "(*Bot).typed") || strings.Contains(stack, "(*Bot).Send") {
			s.panics()
		}
	}
	return time.Now()
}

func (s *troubled) panics() {
	s.all.count("panic")
	s.mu.Lock()
	words := s.words
	s.mu.Unlock()
	panic("somebody wrote: " + words)
}

// RoundTrip is the way to Discord, on which requests go wrong.
func (s *troubled) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	s.wire.Write(body)
	roll := 1000
	if s.on {
		roll = s.rng.IntN(1000)
	}
	s.mu.Unlock()
	pass := func() (*http.Response, error) {
		r := r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
		return s.stage.discord.RoundTrip(r)
	}
	resp, err := s.goesWrong(r, roll, body, pass)
	if resp != nil {
		resp.Request = r
	}
	return resp, err
}

func (s *troubled) goesWrong(r *http.Request, roll int, body []byte, pass func() (*http.Response, error)) (*http.Response, error) {
	talks := strings.Contains(r.URL.Path, "/messages") || strings.Contains(r.URL.Path, "/callback")
	switch {
	case roll < 30:
		s.all.count("502")
		return answer(502, "Bad Gateway: "+string(body)), nil
	case roll < 55:
		s.all.count("lost reply")
		if _, err := pass(); err != nil {
			return nil, err
		}
		return nil, &url.Error{Op: r.Method, URL: r.URL.String(), Err: io.ErrUnexpectedEOF}
	case roll < 70:
		s.all.count("429")
		return answer(429, `{"message":"You are being rate limited.","retry_after":1.5,"global":false}`), nil
	case roll < 90 && talks:
		s.all.count("quotes it")
		return answer(400, fmt.Sprintf(`{"code":50035,"message":"Invalid Form Body: %s","errors":{"content":{"_errors":[{"code":"BASE","message":%q}]}}}`, r.URL.Path, body)), nil
	case roll < 105 && talks:
		s.all.count("slow")
		select {
		case <-time.After(4 * time.Second):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	case roll < 115 && talks:
		s.mu.Lock()
		s.words = string(body)
		s.mu.Unlock()
		s.panics()
	}
	return pass()
}

func playInTrouble(t *testing.T, dir string, c conversation, seed uint64, all *tally) {
	s := &troubled{stage: newStage(t, dir), all: all, rng: rand.New(rand.NewPCG(seed, 1))}
	s.player = &player{pass: time.Sleep, start: s.start, stop: s.stop}
	s.stage.discord = discordtest.New(discordtest.Options{
		Now: time.Now, Say: s.hear, Token: "Bot test-token", Gateway: discordtest.Gateway{Interval: 4 * time.Minute}, // fewer heartbeats: it is over sooner
	})
	s.player.discord = s.stage.discord
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	var typed []string
	for _, step := range c {
		if step.remark {
			continue
		}
		if words := s.typed(step, c); words != "" {
			typed = append(typed, words)
		}
		s.trouble(!strings.HasSuffix(step.line, " are linked") && !strings.HasPrefix(step.line, "the bot "))
		s.plays(step.line)
	}
	s.trouble(false)
	if s.house == nil {
		if err := s.start(); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(time.Hour)
	synctest.Wait()
	s.take()
	s.nothingStuck()
	for _, words := range typed {
		if !strings.Contains(s.wire.String(), words) {
			t.Errorf("%q was typed and never heard", words)
		}
	}
	secrets := append(secretsOf(c, s.stage.discord), s.codes...)
	s.nothingInClear(secrets)
	s.noTokens(strings.Join(s.errs, "\n"), secrets)
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	s.stage.discord.DropConnections()
	if testing.Verbose() && t.Failed() {
		t.Log("\n" + s.log.String())
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	all.typed, all.heard, all.secrets = all.typed+s.typings, all.heard+len(typed), append(all.secrets, secrets...)
}

// typed returns what is typed in a step whose words are to be heard, as far as they
// are letters and spaces: the bot shows them in the conversation as it is written, and
// their writer is linked now, and has a conversation open: what is typed beside that,
// just as Discord forgets the session, is not looked for.
func (s *troubled) typed(step step, c conversation) string {
	m := regexp.MustCompile(`^(\w+): ([^/].*)$`).FindStringSubmatch(step.line)
	if m == nil {
		return ""
	}
	s.mu.Lock()
	s.words, s.typings = unfold(m[2]), s.typings+1
	s.mu.Unlock()
	words := regexp.MustCompile(`^[\w ,.]{1,40}`).FindString(unfold(m[2]))
	if s.house == nil || len(words) < 6 || !strings.Contains(strings.Join(step.says, "\n"), "> "+words) {
		return ""
	}
	for _, later := range c {
		if e := regexp.MustCompile(`^\w+ (?:edits|deletes) "([^"]*)"`).FindStringSubmatch(later.line); e != nil && strings.Contains(words, e[1]) {
			return "" // it may be heard as it is then
		}
		if later.line == m[1]+": /care clear" {
			return "" // what shows it may be closed by then, and waits for them to open it
		}
	}
	account := store.Secret(s.stage.discord.Person(m[1]).ID())
	pacts, err := s.house.store.Pacts(s.t.Context(), account)
	if err != nil || len(pacts) == 0 {
		return ""
	}
	open, err := s.house.store.Conversations(s.t.Context())
	if err != nil || !slices.ContainsFunc(open, func(c store.Conversation) bool { return c.With == account }) {
		return ""
	}
	return words
}

// plays lets somebody act while one more thing may go wrong. Whoever hears that it
// could not be done tries once more, as people do.
func (s *troubled) plays(line string) {
	heal := s.misfortune()
	for try := 0; try < 3; try++ {
		err := s.act(line)
		settle()
		said := strings.Join(s.take(), "\n")
		if err != nil || !strings.Contains(said, sorry) && !strings.Contains(said, "did not respond") || strings.HasPrefix(line, "+") {
			break
		}
	}
	heal()
}

func (s *troubled) misfortune() (heal func()) {
	d := s.stage.discord
	switch {
	case s.chance(12):
		s.all.count("gateway drops")
		d.DropConnections()
	case s.chance(20):
		s.all.count("session lost")
		d.Invalidate(false)
	case s.chance(12):
		return s.database("locked", `BEGIN IMMEDIATE`, `ROLLBACK`)
	case s.chance(12):
		return s.database("full", `CREATE TRIGGER full BEFORE INSERT ON words BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`, `DROP TRIGGER full`)
	case s.house != nil && s.chance(40):
		s.all.count("restart")
		s.trouble(false)
		if err := s.stop(); err != nil {
			s.t.Error(err)
		}
		if err := s.start(); err != nil {
			s.t.Fatal(err)
		}
		s.trouble(true)
	}
	return func() {}
}

// database does something to the database from beside, for three seconds.
func (s *troubled) database(what, begin, end string) (heal func()) {
	s.t.Helper()
	db, err := sql.Open("sqlite", "file:"+s.cfg.Store.Path+"?_pragma=busy_timeout(2000)")
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := db.Conn(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	_, err = c.ExecContext(s.t.Context(), begin)
	healed := make(chan struct{})
	go func() {
		defer close(healed)
		if err == nil {
			s.all.count(what)
			time.Sleep(3 * time.Second)
			if _, err := c.ExecContext(context.Background(), end); err != nil {
				s.t.Error(err)
			}
		}
		c.Close()
		db.Close()
	}()
	return func() { <-healed }
}

// nothingStuck holds that after an hour of peace nothing waits that is due.
func (s *troubled) nothingStuck() {
	s.t.Helper()
	db, err := sql.Open("sqlite", s.cfg.Store.Path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	for what, query := range map[string]string{
		"deliveries are due and do not leave": `SELECT COUNT(*) FROM deliveries WHERE next_at < $1`,
		"check-ins were due and never came": `
			SELECT COUNT(*) FROM checkins c
			JOIN deliveries d ON d.checkin = c.id AND d.kind = 'checkin'
			JOIN persons p ON p.id = c.person
			WHERE c.state = 'planned' AND d.next_at < $1 AND d.waiting = 0 AND p.paused_at IS NULL`,
	} {
		var n int
		if err := db.QueryRow(query, time.Now().Add(-30*time.Minute).UnixMilli()).Scan(&n); err != nil || n > 0 {
			s.t.Errorf("%d %s, %v", n, what, err)
		}
	}
}

// noTokens looks for the tokens of interactions, and through the errors that were
// returned.
func (s *troubled) noTokens(errs string, secrets []string) {
	s.t.Helper()
	if found := regexp.MustCompile(`token-\d+|test-token`).FindString(s.log.String() + errs); found != "" {
		s.t.Errorf("the log or an error holds the token %q", found)
	}
	for _, secret := range secrets {
		if len(secret) > 3 && strings.Contains(errs, secret) {
			s.t.Errorf("an error holds %q: %s", secret, errs)
		}
	}
	if strings.Contains(s.log.String(), "somebody wrote") {
		s.t.Error("the log holds what a panic said")
	}
}
