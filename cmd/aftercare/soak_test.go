package main

import (
	"bytes"
	"context"
	"database/sql"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
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
	diary []string  // of its writer, up to when it was taken back
	typed bool      // into the DM, and so never to be lost
}

func newSoak(t *testing.T, dir string, people int, seed uint64) *soaking {
	s := &soaking{
		machine: &machine{stage: newStage(t, dir)}, rng: rand.New(rand.NewPCG(seed, 1)), log: &countingLog{},
		tokens: map[string]*utterance{}, script: map[string]int{}, calm: true,
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
		s.step(time.Duration(s.rng.Int64N(int64(6*time.Hour))) - 3*time.Hour)
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

// live lets somebody do what they might do now.
func (s *soaking) live(p *inhabitant) {
	switch n := s.rng.IntN(100); {
	case !p.linked && n < 50:
		s.link(p, p.partners[0])
	case n < 58:
		s.press(p)
	case n < 72:
		s.typeWords(p)
	case n < 86:
		s.endScene(p)
	case n < 90:
		s.rewrite(p)
	case n < 93:
		s.by(p, "asks for help", func() error { return p.Run("/care help") })
	case n < 95:
		s.by(p, "undoes", func() error { return p.Run("/scene undo") })
		s.unexpect(append(p.partners, p)...)
	case n < 97:
		s.pause(p)
	case n == 97 && len(p.partners) == 1 && len(p.partners[0].partners) == 1:
		s.leave(p)
	default:
		s.by(p, "lists", func() error { return p.RunInDM("/scene list") })
	}
}

func (s *soaking) endScene(p *inhabitant) {
	if s.now().Sub(p.scene) < 20*time.Hour || !p.linked {
		return
	}
	line := "/scene ended partner:@" + p.partners[s.rng.IntN(len(p.partners))].Name()
	if s.rng.IntN(3) == 0 {
		line += " when:" + strconv.Itoa(1+s.rng.IntN(40)) + "h ago"
	}
	said := s.by(p, line, func() error { return p.Run(line) })
	if !strings.Contains(said, "Noted.") {
		return
	}
	p.scene = s.now()
	for _, o := range p.partners {
		o.scene = s.now()
	}
}

// pause stops everything for somebody, or lets it go on. Without an answer nobody
// knows, and they are taken as paused until they know better.
func (s *soaking) pause(p *inhabitant) {
	if p.paused {
		p.paused = s.by(p, "resumes", func() error { return p.Run("/checkin resume") }) == ""
		return
	}
	s.by(p, "pauses", func() error { return p.Run("/checkin pause") })
	p.paused = true
}

// leave ends somebody's pact, as far as they know.
func (s *soaking) leave(p *inhabitant) {
	said := s.by(p, "leaves", func() error { return p.Run("/partner leave") })
	p.linked = false
	s.unexpect(p)
	if !strings.Contains(said, "Your answers are deleted") {
		return
	}
	for _, tk := range s.tokens {
		if tk.by == p {
			tk.take()
		}
	}
}

// unexpect is for people whose words may be deleted before they were answered,
// with the scene that they belonged to.
func (s *soaking) unexpect(people ...*inhabitant) {
	for name, tk := range s.tokens {
		if slices.Contains(people, tk.by) && !s.cable.heard(name) {
			tk.typed = false
		}
	}
}

// take notes that words were taken back; the first time counts. What was left more
// than a week ago the bot has forgotten, and it stands where it was read.
func (tk *utterance) take() {
	if tk.taken.IsZero() && time.Since(tk.at) < 6*24*time.Hour {
		tk.taken, tk.diary = time.Now(), slices.Clone(tk.by.diary)
	}
}

// mint makes words that can be found again.
func (s *soaking) mint(p *inhabitant, typed bool) (name string, tk *utterance) {
	name = fmt.Sprintf("w%dw", len(s.tokens))
	tk = &utterance{by: p, at: time.Now(), typed: typed && p.linked && !p.paused}
	s.tokens[name] = tk
	return name, tk
}

func (s *soaking) typeWords(p *inhabitant) {
	if !s.conversing(p) || s.pieces(p) >= 12 {
		return
	}
	name, tk := s.mint(p, true)
	s.by(p, "types "+name, func() error { p.Type("Some words, " + name + "."); return nil })
	p.typed = append(p.typed[max(0, len(p.typed)-50):], name)
	tk.about = s.whereabouts(p, name)
}

// pieces counts what somebody typed into the answer that they typed into last: it
// takes 20.
func (s *soaking) pieces(p *inhabitant) (n int) {
	last := ""
	for _, name := range p.typed {
		if tk := s.tokens[name]; tk.about != "" {
			last = tk.about
		}
	}
	for _, name := range p.typed {
		if tk := s.tokens[name]; last != "" && (tk.about == last || tk.about == "") {
			n++
		}
	}
	return n
}

// conversing tells whether something stands in somebody's DM that they may answer
// by typing. A week after that, when it was taken back, or when what it speaks of
// is no longer kept, the bot no longer looks for what it did not hear.
func (s *soaking) conversing(p *inhabitant) bool {
	return slices.ContainsFunc(p.Sees(), func(m discordtest.Message) bool {
		id, _ := strconv.ParseInt(m.ID, 10, 64)
		sent := time.UnixMilli(id>>22 + 1420070400000)
		return m.Author == "bot" && time.Since(sent) < 6*24*time.Hour && s.about(m) != "" && s.kept(m)
	})
}

// kept tells whether what a message speaks of is kept for at least another day. A
// pause may have held the message back until shortly before its end.
func (s *soaking) kept(m discordtest.Message) bool {
	for _, id := range buttonsOf(m) {
		f := aboutPattern.FindStringSubmatch(id)
		if f == nil {
			continue
		}
		delivery, _ := strconv.ParseInt(f[2], 36, 64)
		var kept bool
		err := s.db.QueryRow(`
			SELECT COALESCE(a.forget_at, b.forget_at, e.forget_at, $2) >= $2
			FROM deliveries d
			LEFT JOIN answers a ON a.id = d.answer
			LEFT JOIN shares s ON s.id = d.share
			LEFT JOIN answers b ON b.id = s.answer
			LEFT JOIN checkins c ON c.id = d.checkin
			LEFT JOIN scenes e ON e.id = c.scene
			WHERE d.id = $1`, delivery, s.now().Add(24*time.Hour).UnixMilli()).Scan(&kept)
		return err == nil && kept
	}
	return false
}

// whereabouts tells what words were understood to belong to.
func (s *soaking) whereabouts(p *inhabitant, name string) string {
	for _, m := range slices.Backward(p.Sees()) {
		if m.Author == "bot" && strings.Contains(m.Content, name) {
			if about := s.about(m); about != "" {
				return about
			}
		}
	}
	return ""
}

var aboutPattern = regexp.MustCompile(`^1:(checkin|offer|relay)/\w+:([0-9a-z]+)`)

// about names what the buttons of a message are about.
func (s *soaking) about(m discordtest.Message) string {
	for _, id := range buttonsOf(m) {
		f := aboutPattern.FindStringSubmatch(id)
		if f == nil {
			continue
		}
		delivery, _ := strconv.ParseInt(f[2], 36, 64)
		var about string
		err := s.db.QueryRow(`SELECT kind || COALESCE(checkin, answer, share) FROM deliveries WHERE id = $1`, delivery).Scan(&about)
		if err == nil {
			return strings.Replace(about, "panel", "checkin", 1)
		}
	}
	return ""
}

func buttonsOf(m discordtest.Message) (ids []string) {
	for _, row := range m.Components {
		for _, c := range row.Components {
			ids = append(ids, c.CustomID)
		}
	}
	return ids
}

// rewrite edits or deletes something that was typed. What is deleted while the bot
// does not hear, Discord tells nobody of later.
func (s *soaking) rewrite(p *inhabitant) {
	if len(p.typed) == 0 {
		return
	}
	name := p.typed[len(p.typed)-1]
	if s.rng.IntN(2) == 0 {
		s.by(p, "edits "+name, func() error { return p.Edit(name, "Other words, "+name+".") })
		return
	}
	if !s.calm || !s.stage.discord.Connected() {
		return
	}
	heard := s.cable.heard(name)
	p.typed = p.typed[:len(p.typed)-1]
	s.by(p, "deletes "+name, func() error { return p.Delete(name) })
	s.tokens[name].typed = false
	if heard {
		s.tokens[name].take()
	}
}

// press presses a button on the newest message that has some.
func (s *soaking) press(p *inhabitant) {
	if title, _, open := p.Form(); open {
		s.write(p, title)
		return
	}
	for _, m := range slices.Backward(p.Sees()) {
		buttons := m.Buttons()
		if m.Author != "bot" || len(buttons) == 0 {
			continue
		}
		label := buttons[s.rng.IntN(len(buttons))]
		if slices.Contains([]string{"This wasn't ours", "Ask me first", "More help"}, label) {
			label = buttons[0]
		}
		about := s.about(m)
		if label == "This wasn't ours" {
			s.unexpect(p)
		}
		said := s.by(p, "presses "+label+" under "+fmt.Sprintf("%.60q", m.Content), func() error { return p.Press(label) })
		if strings.HasPrefix(label, "For ") || strings.HasPrefix(label, "Share my words") || strings.HasSuffix(label, ": my words") {
			s.givenAgain(p, about, m.Content)
		}
		if label == "Take it back" && said != "" && !strings.Contains(said, "couldn't note") && !strings.Contains(said, "isn't there") {
			s.takenBack(p, about)
		}
		return
	}
}

// givenAgain notes that words may stand with a partner again, by an act of their own.
func (s *soaking) givenAgain(p *inhabitant, about, content string) {
	for name, tk := range s.tokens {
		if tk.by == p && (tk.about == about && about != "" || strings.Contains(content, name)) {
			tk.taken = time.Time{}
		}
	}
}

func (s *soaking) takenBack(p *inhabitant, about string) {
	for _, tk := range s.tokens {
		if tk.by == p && tk.about == about && about != "" {
			tk.take()
		}
	}
}

// write fills in the form that is open.
func (s *soaking) write(p *inhabitant, title string) {
	name, tk := s.mint(p, false)
	said := s.by(p, "writes "+name, func() error { return p.Submit(map[string]string{"": "Words in a form, " + name + "."}) })
	if said != "" && title == "In your words" {
		tk.about = s.whereabouts(p, name)
	}
	if said == "" {
		p.CloseForm()
	}
}

// judge looks at everything after an hour of peace.
func (s *soaking) judge(day int) {
	s.t.Helper()
	s.judgeOwed(day)
	s.judgePosts(day)
	s.judgeWords(day)
	for _, err := range s.stage.discord.Errors() {
		s.t.Errorf("day %d: Discord would refuse: %v", day, err)
	}
}

// judgeOwed holds that nothing is due and stuck, and that what is noted as sent
// was seen to reach Discord.
func (s *soaking) judgeOwed(day int) {
	s.t.Helper()
	hourAgo := s.now().Add(-40 * time.Minute).UnixMilli()
	s.none(day, "deliveries that are due and do not leave", `
		SELECT kind || ' ' || id || ' want ' || want || ' attempts ' || attempts FROM deliveries WHERE next_at < $1`, hourAgo)
	s.none(day, "check-ins that were due and never came", `
		SELECT c.id || ' due ' || datetime(c.due_at / 1000, 'unixepoch') || ' delivery ' || d.id || ' want ' || d.want
		    || ' next ' || COALESCE(datetime(d.next_at / 1000, 'unixepoch'), 'never') || ' attempts ' || d.attempts
		    || iif(d.message IS NULL, '', ' stands') || iif(d.lease IS NULL, '', ' in hand') || iif(d.unsure_at IS NULL, '', ' unsure')
		    || ' to person ' || d.recipient
		FROM checkins c
		JOIN deliveries d ON d.checkin = c.id AND d.kind = 'checkin'
		JOIN persons p ON p.id = c.person
		WHERE c.state = 'planned' AND c.due_at < $1 AND d.waiting = 0 AND p.paused_at IS NULL`, hourAgo)
	rows, err := s.db.Query(`
		SELECT d.id, d.kind, c.postponed FROM deliveries d LEFT JOIN checkins c ON c.id = d.checkin
		WHERE d.kind IN ('checkin', 'relay', 'notice') AND d.part = 0 AND d.sent_at IS NOT NULL`)
	s.ok(err)
	defer rows.Close()
	for rows.Next() {
		var id int64
		var kind string
		var postponed sql.NullInt64
		s.ok(rows.Scan(&id, &kind, &postponed))
		posts := s.cable.postsOf(id)
		if kind == "checkin" && posts > 1+int(postponed.Int64) {
			s.t.Errorf("day %d: check-in %s came %d times, put off %d times", day, strconv.FormatInt(id, 36), posts, postponed.Int64)
		}
		if posts == 0 && kind != "checkin" { // one that was answered before it came has no button
			s.t.Errorf("day %d: %s %s is noted as sent and never was", day, kind, strconv.FormatInt(id, 36))
		}
	}
	s.ok(rows.Err())
}

// none holds that a query finds nothing.
func (s *soaking) none(day int, what, query string, args ...any) {
	s.t.Helper()
	rows, err := s.db.Query(query, args...)
	s.ok(err)
	defer rows.Close()
	var found []string
	for rows.Next() {
		var row string
		s.ok(rows.Scan(&row))
		found = append(found, row)
	}
	s.ok(rows.Err())
	if len(found) > 0 {
		s.t.Errorf("day %d: %d %s: %s", day, len(found), what, found[:min(3, len(found))])
	}
}

// judgePosts holds what the cable saw, and what stands in the DMs.
func (s *soaking) judgePosts(day int) {
	s.t.Helper()
	for _, wrong := range s.cable.wrongs() {
		s.t.Errorf("day %d: %s", day, wrong)
	}
	for _, p := range s.people {
		standing := map[string]int{}
		for _, m := range p.Sees() {
			for _, id := range buttonsOf(m) {
				if f := postPattern.FindStringSubmatch(id); f != nil && m.Author == "bot" {
					standing[f[1]+" "+f[2]]++
					break
				}
			}
		}
		for what, n := range standing {
			if n > 1 {
				s.t.Errorf("day %d: %s sees %s %d times; they:%s", day, p.Name(), what, n, p.tells())
			}
		}
	}
}

var tokenPattern = regexp.MustCompile(`w\d+w`)

// judgeWords holds that typed words were heard, that they stand only where their
// writer's partners read, and that what was taken back stands nowhere else.
func (s *soaking) judgeWords(day int) {
	s.t.Helper()
	for name, tk := range s.tokens {
		if tk.typed && tk.by.linked && !tk.by.paused && time.Since(tk.at) > 40*time.Minute && !s.cable.heard(name) {
			s.t.Errorf("day %d: %s, typed by %s at %v, was not heard; they:%s", day, name, tk.by.Name(), tk.at.Format(time.DateTime), tk.by.tells())
		}
	}
	for _, p := range s.people {
		for _, m := range p.Sees() {
			if m.Author != "bot" {
				continue
			}
			for _, name := range tokenPattern.FindAllString(m.Content, -1) {
				s.judgeSeen(day, p, name, m)
			}
		}
	}
}

func (s *soaking) judgeSeen(day int, reader *inhabitant, name string, m discordtest.Message) {
	s.t.Helper()
	tk := s.tokens[name]
	switch {
	case tk == nil || tk.by == reader:
	case !slices.Contains(tk.by.partners, reader):
		s.t.Errorf("day %d: %s reads %s, which %s never shared with them", day, reader.Name(), name, tk.by.Name())
	case tk.taken.IsZero() || tk.taken.Sub(s.begun(m)) > 6*24*time.Hour: // an answer is as old as its first words
	default:
		s.t.Errorf("day %d: %s still reads %s (%s) in message %s %q %v, which %s took back at %v; they:\n\t%s\n\tand since:%s", day, reader.Name(), name, tk.about, m.ID, m.Content, buttonsOf(m), tk.by.Name(), tk.taken.Format(time.DateTime), strings.Join(tk.diary, "\n\t"), tk.by.tells())
	}
}

// begun tells when the oldest of the words in a message were left.
func (s *soaking) begun(m discordtest.Message) time.Time {
	oldest := time.Now()
	for _, name := range tokenPattern.FindAllString(m.Content, -1) {
		if tk := s.tokens[name]; tk != nil && tk.at.Before(oldest) {
			oldest = tk.at
		}
	}
	return oldest
}

// weigh measures the house alone: what the heap holds with it, less without it.
func (s *soaking) weigh(day int) {
	s.t.Helper()
	goroutines, with := runtime.NumGoroutine(), heap()
	s.stop()
	s.stage.discord.DropConnections()
	time.Sleep(time.Minute)
	without := heap()
	s.heaps, s.crowds = append(s.heaps, with-min(with, without)), append(s.crowds, goroutines)
	s.t.Logf("day %d: the house holds %d KiB of heap (all: %d KiB), %d goroutines; %d acts, %d requests, %d connections begun",
		day+1, s.heaps[len(s.heaps)-1]>>10, with>>10, goroutines, s.acts, s.stage.discord.Requests(), s.stage.discord.Identifies())
	s.start()
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func (s *soaking) end() {
	s.t.Helper()
	s.stop()
	s.stage.discord.DropConnections()
	s.ok(s.db.Close())
	if s.t.Failed() {
		s.t.Logf("script: %v\nlog: %v", s.script, s.log.summary())
		return
	}
	first, last := s.heaps[0], s.heaps[len(s.heaps)-1]
	if last > first*3/2+2<<20 {
		s.t.Errorf("the house grew from %d to %d KiB", first>>10, last>>10)
	}
	if a, b := s.crowds[0], s.crowds[len(s.crowds)-1]; b > a+10 {
		s.t.Errorf("%d goroutines became %d", a, b)
	}
	typed, taken := 0, 0
	for _, tk := range s.tokens {
		if tk.typed {
			typed++
		}
		if !tk.taken.IsZero() {
			taken++
		}
	}
	s.t.Logf("script: %v", s.script)
	s.t.Logf("%d acts; %s; %d typed words, all heard; %d taken back, none stands; log: %v", s.acts, s.cable.summary(), typed, taken, s.log.summary())
}

// cable is the way to Discord. It knows what truly happened there, whatever the
// bot learns of it.
type cable struct {
	to  *discordtest.Discord
	s   *soaking
	mu  sync.Mutex
	rng *rand.Rand

	chance float64
	fault  func(c *cable, r *http.Request) (*http.Response, error)

	byNonce map[string]string          // message id
	byRow   map[string]map[string]bool // nonces by delivery, in base 36
	tokens  map[string]bool
	said    []string
	wrong   []string
	late    int
	twins   int
}

func newCable(to *discordtest.Discord, s *soaking, rng *rand.Rand) *cable {
	return &cable{to: to, s: s, rng: rng, byNonce: map[string]string{}, byRow: map[string]map[string]bool{}, tokens: map[string]bool{}}
}

// trouble has requests go wrong by some chance, until the returned function is called.
func (c *cable) trouble(chance float64, fault func(*cable, *http.Request) (*http.Response, error)) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.chance, c.fault = chance, fault
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.fault = nil
	}
}

// The ways in which a request can go wrong.

func serverError(*cable, *http.Request) (*http.Response, error) {
	return answer(502, "Bad Gateway"), nil
}

func serverErrorAfter(c *cable, r *http.Request) (*http.Response, error) {
	if _, err := c.pass(r); err != nil {
		return nil, err
	}
	return answer(502, "Bad Gateway"), nil
}

func lostReply(c *cable, r *http.Request) (*http.Response, error) {
	if _, err := c.pass(r); err != nil {
		return nil, err
	}
	return nil, io.ErrUnexpectedEOF
}

func away(*cable, *http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }

func slow(c *cable, r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(8 * time.Second):
		return c.pass(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func limited(*cable, *http.Request) (*http.Response, error) {
	a := answer(429, `{"message":"You are being rate limited.","retry_after":2.5,"global":false}`)
	a.Header.Set("X-RateLimit-Scope", "user")
	return a, nil
}

func limitedGlobally(*cable, *http.Request) (*http.Response, error) {
	a := answer(429, `{"message":"You are being rate limited.","retry_after":20,"global":true}`)
	a.Header.Set("X-RateLimit-Global", "true")
	return a, nil
}

func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Status: strconv.Itoa(status), Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// RoundTrip implements http.RoundTripper.
func (c *cable) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	fault := c.fault
	hit := fault != nil && c.rng.Float64() < c.chance
	c.mu.Unlock()
	if !hit {
		return c.pass(r)
	}
	resp, err := fault(c, r)
	if resp != nil && resp.Request == nil {
		resp.Request = r
	}
	return resp, err
}

// pass carries a request out and notes what came of it.
func (c *cable) pass(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	due, since, isCheckIn := c.due(r, body)
	resp, err := c.to.RoundTrip(r)
	if err != nil || resp.StatusCode >= 300 {
		return resp, err
	}
	answer, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	c.note(r, string(body), string(answer), due, since, isCheckIn)
	return resp, err
}

var (
	postPattern   = regexp.MustCompile(`1:(checkin/open|relay/read|scene/notice):([0-9a-z]+)`)
	noncePattern  = regexp.MustCompile(`"nonce":"([^"]+)"`)
	idPattern     = regexp.MustCompile(`"id":"(\d+)"`)
	saysPattern   = regexp.MustCompile(`"content":"((?:[^"\\]|\\.)*)"`)
	answerPattern = regexp.MustCompile(`/interactions/\d+/[^/]+/callback$`)
)

// due looks up when the check-in that is being posted was due, and since when
// nothing of its person's kept it waiting: a pause, or closed DMs.
func (c *cable) due(r *http.Request, body []byte) (at, since int64, isCheckIn bool) {
	f := postPattern.FindSubmatch(body)
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/messages") || f == nil || string(f[1]) != "checkin/open" || c.s.db == nil {
		return 0, 0, false
	}
	id, _ := strconv.ParseInt(string(f[2]), 36, 64)
	err := c.s.db.QueryRow(`
		SELECT d.due_at, MAX(d.due_at, COALESCE(p.woken_at, 0))
		FROM deliveries d JOIN persons p ON p.id = d.recipient
		WHERE d.id = $1`, id).Scan(&at, &since)
	return at, since, err == nil
}

func (c *cable) note(r *http.Request, body, answer string, due, since int64, isCheckIn bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range tokenPattern.FindAllString(body, -1) {
		c.tokens[name] = true
	}
	if answerPattern.MatchString(r.URL.Path) {
		said := "-" // a form, which has no words
		if f := saysPattern.FindStringSubmatch(body); f != nil {
			said = f[1]
		}
		c.said = append(c.said, said)
		return
	}
	if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/messages") {
		c.notePost(body, answer)
		if isCheckIn {
			c.noteLateness(body, time.UnixMilli(due), time.UnixMilli(since))
		}
	}
}

// notePost holds that one nonce is one message.
func (c *cable) notePost(body, answer string) {
	nonce, id := noncePattern.FindStringSubmatch(body), idPattern.FindStringSubmatch(answer)
	if nonce == nil || id == nil {
		c.wrong = append(c.wrong, "a message without a nonce was posted")
		return
	}
	was, again := c.byNonce[nonce[1]]
	if again && was == id[1] {
		c.twins++ // sent again and shown once
	} else if again {
		c.wrong = append(c.wrong, "one message was posted twice: "+body[:min(len(body), 300)])
	}
	c.byNonce[nonce[1]] = id[1]
	if f := postPattern.FindStringSubmatch(body); f != nil {
		if c.byRow[f[2]] == nil {
			c.byRow[f[2]] = map[string]bool{}
		}
		c.byRow[f[2]][nonce[1]] = true
	}
}

// noteLateness holds the rules of lateness at the moment of posting. What waited
// for its person is not called late, and lapses all the same. A minute either way
// is between looking and arriving.
func (c *cable) noteLateness(body string, due, since time.Time) {
	late, says := c.s.now().Sub(since), strings.Contains(body, "This is late.")
	if says {
		c.late++
	}
	switch {
	case c.s.now().Sub(due) > 48*time.Hour+time.Minute:
		c.wrong = append(c.wrong, fmt.Sprintf("a check-in came %v late", c.s.now().Sub(due)))
	case late > 16*time.Minute && !says:
		c.wrong = append(c.wrong, fmt.Sprintf("a check-in came %v late and did not say so", late))
	case late < 14*time.Minute && says:
		c.wrong = append(c.wrong, fmt.Sprintf("a check-in says that it is late and is not: %v", late))
	}
}

// take returns what interactions were answered with since the last time.
func (c *cable) take() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	said := strings.Join(c.said, "\n")
	c.said = nil
	return said
}

func (c *cable) heard(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tokens[name]
}

func (c *cable) postsOf(delivery int64) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.byRow[strconv.FormatInt(delivery, 36)])
}

func (c *cable) wrongs() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	wrong := c.wrong
	c.wrong = nil
	return wrong
}

func (c *cable) summary() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("%d messages posted, none twice, %d of them sent again and shown once; %d check-ins, relays and notices, %d late and said so", len(c.byNonce), c.twins, len(c.byRow), c.late)
}

// countingLog counts what is warned of and what was not taken, and keeps nothing else.
type countingLog struct {
	mu   sync.Mutex
	seen map[string]int
}

// Enabled implements slog.Handler.
func (*countingLog) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

// Handle implements slog.Handler.
func (c *countingLog) Handle(_ context.Context, r slog.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[string]int{}
	}
	said := r.Message
	if r.Level < slog.LevelWarn && !strings.Contains(said, "not taken") {
		return nil
	}
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "err" {
			said += ": " + a.Value.String()
		}
		return true
	})
	if _, ok := c.seen[said]; ok || len(c.seen) < 100 {
		c.seen[said]++
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (c *countingLog) WithAttrs([]slog.Attr) slog.Handler { return c }

// WithGroup implements slog.Handler.
func (c *countingLog) WithGroup(string) slog.Handler { return c }

func (c *countingLog) summary() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.seen)
}
