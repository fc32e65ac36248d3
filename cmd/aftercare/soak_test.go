package main

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"aftercare/bot/discordtest"
)

var (
	soak       = flag.Bool("soak", false, "soak for 30 simulated days with 200 people")
	soakDays   = flag.Int("soak-days", 0, "soak for so many days instead")
	soakPeople = flag.Int("soak-people", 0, "soak with so many people instead")
	soakSeed   = flag.Uint64("soak-seed", 0, "the script of faults and acts; 0 draws one")
)

// TestSoak lets people live with the whole program for simulated days, while
// something else goes wrong every simulated hour. Each day ends in an hour of
// peace, after which everything that was owed has come, once. A part of it runs
// always; the whole takes several minutes:
//
//	go test ./cmd/aftercare -run TestSoak -soak -v -timeout 60m
//
// What goes wrong and what people do is drawn from -soak-seed, which is printed.
// The same seed draws the same script; who is first of two goroutines it does not
// decide.
func TestSoak(t *testing.T) {
	days, people, seed := 3, 40, *soakSeed
	switch {
	case *soak:
		days, people = 30, 200
	case testing.Short():
		t.Skip("soaks for a while; run without -short")
	}
	if *soakDays > 0 {
		days = *soakDays
	}
	if *soakPeople > 0 {
		people = *soakPeople
	}
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("%d days, %d people, -soak-seed %d", days, people, seed)
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newSoak(t, dir, people, seed)
		for day := 0; day < days && !t.Failed(); day++ {
			s.day(day, day == min(4, days/3) || day == days-1)
		}
		s.end()
	})
}

// soaking is a Discord full of people, a house on a machine, and what is known of
// what must come of it.
type soaking struct {
	*machine
	rng    *rand.Rand
	cable  *cable
	people []*inhabitant
	db     *sql.DB // the same file, to look into
	log    *countingLog
	tokens map[string]*utterance
	until  map[string]time.Time // by delivery, how long what was left is kept
	went   map[string]string    // by delivery, when it went from among them
	up     bool
	calm   bool   // nothing is wrong just now
	wrong  string // what is
	acts   int
	script map[string]int
	heaps  []uint64
	crowds []int
	spoke  atomic.Int64 // when the bot last said something on the gateway
	away   int          // hours for which what is wrong goes on
	heal   func()
}

// inhabitant is somebody who lives with the bot.
type inhabitant struct {
	*discordtest.Person
	partners []*inhabitant
	linked   bool
	paused   bool
	closed   bool
	scene    time.Time
	typed    []string // tokens of messages that can be edited or deleted
	diary    []string // what they did last, and what they were answered
}

// tells the end of somebody's diary, for whoever looks into a failure.
func (p *inhabitant) tells() string { return "\n\t" + strings.Join(p.diary, "\n\t") }

// utterance is some words that can be found again wherever they turn up.
type utterance struct {
	by    *inhabitant
	about string // the check-in, offer or relay that they belong to; empty: not known
	at    time.Time
	taken time.Time // taken back; zero: not
	left  bool      // by leaving, which reaches also what is forgotten
	diary []string  // of its writer, up to when it was taken back
	typed bool      // into the DM, and so never to be lost
}

func newSoak(t *testing.T, dir string, people int, seed uint64) *soaking {
	s := &soaking{
		machine: &machine{stage: newStage(t, dir)}, rng: rand.New(rand.NewPCG(seed, 1)), log: &countingLog{},
		tokens: map[string]*utterance{}, until: map[string]time.Time{}, went: map[string]string{}, script: map[string]int{}, calm: true,
	}
	s.logger = slog.New(s.log)
	d := discordtest.New(discordtest.Options{Token: "Bot test-token"})
	s.stage.discord, s.player = d, &player{discord: d}
	s.cable = newCable(d, s, rand.New(rand.NewPCG(seed, 2)))
	s.start()
	var err error
	s.db, err = sql.Open("sqlite", "file:"+filepath.ToSlash(s.cfg.Store.Path)+"?_pragma=query_only(1)&_pragma=busy_timeout(5000)")
	s.ok(err)
	s.db.SetMaxOpenConns(1)
	s.populate(people)
	return s
}

// start starts the house on the machine's clock, and through the cable.
func (s *soaking) start() {
	s.t.Helper()
	if s.up {
		return
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	h, err := build(ctx, s.cfg, world{now: s.now, log: s.logger, transport: s.cable, dial: s.dial})
	s.ok(err)
	s.house, s.cancel, s.done, s.up = h, cancel, make(chan error, 1), true
	go func(done chan error) { done <- h.run(ctx) }(s.done)
	time.Sleep(15 * time.Second)
}

func (s *soaking) stop() {
	s.t.Helper()
	if !s.up {
		return
	}
	s.betweenHeartbeats()
	s.up = false
	if err := s.stage.stop(); err != nil {
		s.t.Error(err)
	}
	s.house = nil
}

// dial connects to Discord's gateway and notes when the bot speaks there.
func (s *soaking) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := s.stage.discord.DialContext(ctx, network, addr)
	return spokenOn{c, &s.spoke}, err
}

type spokenOn struct {
	net.Conn
	at *atomic.Int64
}

// Write implements net.Conn.
func (c spokenOn) Write(b []byte) (int, error) {
	c.at.Store(time.Now().UnixNano())
	return c.Conn.Write(b)
}

// betweenHeartbeats waits for a moment at which the connection may be cut.
// discordgo's Close sleeps a second under its mutex; a heartbeat that waits for
// that would stop a bubble's clock for good.
func (s *soaking) betweenHeartbeats() {
	for quiet := time.Duration(0); quiet < 2*time.Second || quiet > 30*time.Second && quiet < time.Minute; time.Sleep(time.Second) {
		quiet = time.Since(time.Unix(0, s.spoke.Load()))
	}
}

func (s *soaking) drop() {
	s.betweenHeartbeats()
	s.stage.discord.DropConnections()
}

func (s *soaking) reconnect() {
	s.betweenHeartbeats()
	s.stage.discord.Reconnect()
}

// populate makes couples, and a third to some of them.
func (s *soaking) populate(n int) {
	s.t.Helper()
	who := func(name string) *inhabitant {
		p := &inhabitant{Person: s.stage.discord.Person(fmt.Sprintf("%s%d", name, len(s.people)))}
		s.people = append(s.people, p)
		return p
	}
	for len(s.people) < n {
		a, b := who("alex"), who("sam")
		s.link(a, b)
		if len(s.people)%20 == 0 && len(s.people) < n {
			c := who("kit")
			s.link(a, c)
		}
	}
	time.Sleep(time.Duration(n) * 2 * time.Second) // first DMs are opened slowly
}

// link links two people, if all goes well.
func (s *soaking) link(a, b *inhabitant) {
	const yes = "Yes, and I'm 18 or older"
	s.by(a, "invites", func() error { return a.Run("/partner invite") })
	code := codePattern.FindString(s.by(a, "agrees", func() error { return a.Press(yes) }))
	if code == "" {
		return
	}
	s.by(b, "accepts", func() error { return b.Run("/partner accept code:" + code) })
	if !strings.Contains(s.by(b, "agrees", func() error { return b.Press(yes) }), "are linked") {
		return
	}
	a.linked, b.linked = true, true
	if !slices.Contains(a.partners, b) {
		a.partners, b.partners = append(a.partners, b), append(b.partners, a)
	}
}

// by has somebody do something, and returns what the bot answered within moments.
func (s *soaking) by(p *inhabitant, what string, act func() error) (said string) {
	s.cable.take()
	s.acts++
	if err := act(); err != nil {
		return "" // there was no such button any more
	}
	time.Sleep(4 * time.Second)
	synctest.Wait()
	said = s.cable.take()
	entry := fmt.Sprintf("%s (%s) %s: %.120q", time.Now().Format("02 15:04:05"), s.wrong, what, said)
	p.diary = append(p.diary[max(0, len(p.diary)-40):], entry)
	return said
}

// day lets a day go by: 23 hours in which something else goes wrong every hour,
// and an hour of peace. measure tells whether the house is weighed then.
func (s *soaking) day(day int, measure bool) {
	s.t.Helper()
	for hour := range 23 {
		begun := time.Now()
		s.noteUntil()
		if s.away == 0 {
			s.heal = s.misfortune(day, hour)
		}
		for time.Since(begun) < 55*time.Minute {
			s.live(s.people[s.rng.IntN(len(s.people))])
			time.Sleep(time.Duration(s.rng.Int64N(int64(2*time.Hour) / int64(2*len(s.people)))))
		}
		if left := time.Hour - time.Since(begun); left > 0 {
			time.Sleep(left)
		}
		if s.away = max(0, s.away-1); s.away == 0 || hour == 22 {
			s.away = 0
			s.heal()
			time.Sleep(time.Minute)
		}
	}
	s.peace()
	s.judge(day)
	if measure {
		s.weigh(day)
	}
}

// misfortune begins what goes wrong in an hour and returns what ends it.
func (s *soaking) misfortune(day, hour int) (heal func()) {
	s.calm, s.wrong = true, "calm"
	if s.rng.IntN(5) == 0 {
		s.script["nothing"]++
		return func() {}
	}
	names := slices.Sorted(maps.Keys(misfortunes))
	name := names[s.rng.IntN(len(names))]
	if strings.HasPrefix(name, "the house") && (day >= 20 || day%5 > 2) || name == "the clock steps" && hour > 12 {
		name = "the gateway drops" // so that one process is weighed after many days
	}
	if strings.HasSuffix(name, "is away") || name == "the clock steps" {
		s.away = 1 + s.rng.IntN(4)
	}
	s.script[name]++
	s.calm, s.wrong = false, name
	end := misfortunes[name](s)
	return func() { end(); s.calm, s.wrong = true, "calm" }
}

// longestStep is how far the house's clock jumps at most, to and fro.
const longestStep = 3 * time.Hour

// misfortunes is what can go wrong in an hour. Each begins it and returns its end.
var misfortunes = map[string]func(s *soaking) (heal func()){
	"the gateway drops": func(s *soaking) func() { s.drop(); return s.drop },
	"op 7":              func(s *soaking) func() { s.reconnect(); return s.reconnect },
	"op 9": func(s *soaking) func() {
		s.stage.discord.SetGateway(discordtest.Gateway{Refuse: true})
		s.drop()
		return func() { s.stage.discord.SetGateway(discordtest.Gateway{}) }
	},
	"5xx":             func(s *soaking) func() { return s.cable.trouble(0.3, serverError) },
	"5xx after all":   func(s *soaking) func() { return s.cable.trouble(0.3, serverErrorAfter) },
	"lost replies":    func(s *soaking) func() { return s.cable.trouble(0.3, lostReply) },
	"429 of a route":  func(s *soaking) func() { return s.cable.trouble(0.3, limited) },
	"429 of all":      func(s *soaking) func() { return s.cable.trouble(0.02, limitedGlobally) },
	"slow answers":    func(s *soaking) func() { return s.cable.trouble(0.3, slow) },
	"Discord is away": func(s *soaking) func() { return s.discordAway() },
	"closed DMs": func(s *soaking) func() {
		for range len(s.people)/20 + 1 {
			p := s.people[s.rng.IntN(len(s.people))]
			p.CloseDMs()
			p.closed = true
		}
		return func() {} // for the rest of the day
	},
	"the house restarts": func(s *soaking) func() {
		s.stop()
		time.Sleep(time.Duration(s.rng.Int64N(int64(10 * time.Minute))))
		s.start()
		return func() {}
	},
	"the house is away": func(s *soaking) func() {
		s.stop()
		return s.start // people find nobody there meanwhile
	},
	"the clock steps": func(s *soaking) func() {
		s.step(time.Duration(s.rng.Int64N(int64(2*longestStep))) - longestStep)
		return func() {
			if s.rng.IntN(2) == 0 {
				s.skew.Store(0)
			}
		}
	},
}

// discordAway cuts everything that leads to Discord.
func (s *soaking) discordAway() func() {
	heal := s.cable.trouble(1, away)
	s.stage.discord.SetGateway(discordtest.Gateway{Silent: true})
	s.drop()
	return func() {
		heal()
		s.stage.discord.SetGateway(discordtest.Gateway{})
	}
}

// peace puts everything right and gives the house an hour. Whoever had closed
// their DMs opens them, and is at the keyboard once.
func (s *soaking) peace() {
	s.skew.Store(0)
	s.start()
	s.calm = true
	time.Sleep(15 * time.Minute) // it may be waiting to connect again
	for _, p := range s.people {
		if p.closed {
			p.OpenDMs()
			p.closed = false
			s.by(p, "lists", func() error { return p.Run("/scene list") })
		}
	}
	time.Sleep(time.Hour)
	synctest.Wait()
}
