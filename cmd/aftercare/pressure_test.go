package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"aftercare/bot/discordtest"
	"aftercare/store"
	"aftercare/store/storetest"
)

var crowd = flag.Int("crowd", 10_000, "how many check-ins are due at the same second")

// The numbers that the whole program is held to when very much is due at once.
const (
	leastShare = 0.97                  // of the global limit
	dmsAtOnce  = 5                     // new DMs that may be opened together; then one a second
	aheadOf    = 2 * time.Second       // in which a relay is out, whatever else is due
	answerTime = 80 * time.Millisecond // that Discord takes for each request
)

// gauge stands before a Discord. It notes every request that counts against the
// global limit, and answers 429 above it as Discord does.
type gauge struct {
	limit  int
	meddle func(r *http.Request) *discordtest.Fault

	mu      sync.Mutex
	seen    []arrival
	refused int
}

type arrival struct {
	at           time.Time
	method, path string // path without /api and the version
}

func newGauge(limit int) *gauge {
	return &gauge{limit: limit, meddle: func(*http.Request) *discordtest.Fault {
		return &discordtest.Fault{Delay: answerTime}
	}}
}

func (g *gauge) fault(r *http.Request) *discordtest.Fault {
	_, path, _ := strings.Cut(r.URL.Path, "/api/v")
	_, path, _ = strings.Cut(path, "/")
	if strings.HasPrefix(path, "interactions/") || strings.HasPrefix(path, "webhooks/") {
		return nil // these don't count
	}
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen = append(g.seen, arrival{now, r.Method, path})
	if n := len(g.seen) - 1 - g.limit; n >= 0 && now.Sub(g.seen[n].at) < time.Second {
		g.refused++
		return &discordtest.Fault{
			Before: true, Status: http.StatusTooManyRequests,
			Header: http.Header{"X-Ratelimit-Global": {"true"}, "Retry-After": {"1"}},
			Body:   `{"message":"You are being rate limited.","retry_after":1.0,"global":true}`,
		}
	}
	return g.meddle(r)
}

// arrivals returns the requests so far that please, oldest first.
func (g *gauge) arrivals(pleases func(arrival) bool) (out []arrival) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, a := range g.seen {
		if pleases(a) {
			out = append(out, a)
		}
	}
	return out
}

func isOpening(a arrival) bool { return a.path == "users/@me/channels" }

// isPost tells whether a message is posted, and into which channel.
func (a arrival) isPost() (channel string, ok bool) {
	channel, ok = strings.CutPrefix(a.path, "channels/")
	channel, tail, _ := strings.Cut(channel, "/")
	return channel, ok && a.method == http.MethodPost && tail == "messages"
}

// most returns how many arrived within any window of that length.
func most(list []arrival, window time.Duration) (n int) {
	from := 0
	for i, a := range list {
		for a.at.Sub(list[from].at) >= window {
			from++
		}
		n = max(n, i-from+1)
	}
	return n
}

func span(list []arrival) time.Duration {
	if len(list) == 0 {
		return 0
	}
	return list[len(list)-1].at.Sub(list[0].at)
}

// share returns how much of a limit a list of arrivals used from first to last.
func share(list []arrival, limit int) float64 {
	if len(list) < 2 {
		return 0
	}
	return float64(len(list)-1) / span(list).Seconds() / float64(limit)
}

// neighbour is somebody whom the bot knows.
type neighbour struct {
	*discordtest.Person
	who store.Who
	dm  string // the channel, known to the bot or not
}

// settleIn makes people of a Discord known to a store, two and two linked. Where
// known says no, the store is not told their DM's channel.
func settleIn(t testing.TB, d *discordtest.Discord, s *store.Store, from, couples int, known func(i int) bool) (out []neighbour) {
	t.Helper()
	for i := from; i < from+couples; i++ {
		a, b := meet(t, d, fmt.Sprintf("alex%d", i)), meet(t, d, fmt.Sprintf("sam%d", i))
		for _, n := range []*neighbour{&a, &b} {
			if known(i) {
				n.who.Channel = store.Secret(n.dm)
			}
		}
		storetest.Link(t, s, a.who, b.who)
		out = append(out, a, b)
	}
	return out
}

// settleAlone makes people known whose check-ins are for themselves, of a scene
// that has just ended. That takes a third of the time that couples take.
func settleAlone(t testing.TB, d *discordtest.Discord, s *store.Store, n int) (out []neighbour) {
	t.Helper()
	for i := range n {
		p := meet(t, d, fmt.Sprintf("kit%d", i))
		p.who.Channel = store.Secret(p.dm)
		e := storetest.Ended(t, s, p.who)
		e.Alone, e.Consent = true, storetest.Consent
		if _, err := s.EndScene(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

func meet(t testing.TB, d *discordtest.Discord, name string) neighbour {
	t.Helper()
	p := d.Person(name)
	body, err := json.Marshal(map[string]string{"recipient_id": p.ID()})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, "https://discord.test/api/v9/users/@me/channels", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bot test-token")
	resp, err := d.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	var ch struct{ ID string }
	if err := json.NewDecoder(resp.Body).Decode(&ch); err != nil || ch.ID == "" {
		t.Fatal("no DM", err)
	}
	return neighbour{p, store.Who{ID: store.Secret(p.ID()), Name: store.Secret(name)}, ch.ID}
}

// hush has nothing owed but check-ins: the first lines of so many people would
// leave for minutes.
func hush(t testing.TB, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`UPDATE deliveries SET next_at = NULL WHERE kind <> 'checkin'`); err != nil {
		t.Fatal(err)
	}
}

// street is a stage with very many people, and a gauge before its Discord.
type street struct {
	*stage
	gauge *gauge
	store *store.Store // open until the bot starts
}

func newStreet(t *testing.T, dir string) *street {
	s := &street{stage: newStage(t, dir)}
	s.gauge = newGauge(s.cfg.Discord.RequestsPerSecond)
	s.discord = discordtest.New(discordtest.Options{Now: time.Now, Token: "Bot test-token"})
	key, err := store.ParseMasterKey(string(s.cfg.Store.Key))
	if err != nil {
		t.Fatal(err)
	}
	s.store, err = store.Open(t.Context(), store.Options{Path: s.cfg.Store.Path, KeysPath: s.cfg.Store.KeysPath, Key: key, Marks: s.cfg.Checkins.Marks})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// people settles in couples whose DMs are known.
func (s *street) people(from, couples int) []neighbour {
	return settleIn(s.t, s.discord, s.store, from, couples, func(int) bool { return true })
}

// sceneEnds records, just now, one scene of each couple.
func (s *street) sceneEnds(people []neighbour) {
	for i := 0; i < len(people); i += 2 {
		storetest.EndScene(s.t, s.store, people[i].who)
	}
}

// startAt starts the bot that much before a time.
func (s *street) startAt(due time.Time, before time.Duration) {
	s.t.Helper()
	if err := s.store.Close(); err != nil {
		s.t.Fatal(err)
	}
	hush(s.t, s.cfg.Store.Path)
	time.Sleep(time.Until(due) - before)
	s.discord.SetFault(s.gauge.fault)
	if err := s.start(); err != nil {
		s.t.Fatal(err)
	}
}

// end stops the bot, and looks at what must hold under any pressure.
func (s *street) end() {
	s.t.Helper()
	if err := s.stop(); err != nil {
		s.t.Error(err)
	}
	s.discord.DropConnections()
	for _, err := range s.discord.Errors() {
		s.t.Errorf("Discord would refuse: %v", err)
	}
	all := s.gauge.arrivals(func(arrival) bool { return true })
	if n := most(all, time.Second); n > s.gauge.limit || s.gauge.refused > 0 {
		s.t.Errorf("%d requests in one second, %d refused with a global 429; at most %d and 0", n, s.gauge.refused, s.gauge.limit)
	}
	openings := s.gauge.arrivals(isOpening)
	for window := time.Second; window < 5*time.Minute; window *= 2 {
		if n := most(openings, window); n > dmsAtOnce+int(window/time.Second) {
			s.t.Errorf("%d new DMs within %v", n, window)
		}
	}
}

// posts returns the messages posted to some people.
func (s *street) posts(to []neighbour) []arrival {
	theirs := map[string]bool{}
	for _, n := range to {
		theirs[n.dm] = true
	}
	return s.gauge.arrivals(func(a arrival) bool {
		channel, ok := a.isPost()
		return ok && theirs[channel]
	})
}

// prompted counts the check-ins that stand in each DM.
func (s *street) prompted() map[string]int {
	n := map[string]int{}
	for _, m := range s.discord.Posted() {
		if strings.Contains(m.Content, "check-in is here") {
			n[m.ChannelID]++
		}
	}
	return n
}

// once looks that each of them has as many check-ins as said.
func (s *street) once(people []neighbour, want int) {
	s.t.Helper()
	n := s.prompted()
	wrong := 0
	for _, p := range people {
		if n[p.dm] != want {
			wrong++
		}
	}
	if wrong > 0 {
		s.t.Errorf("%d of %d people do not have exactly %d check-ins", wrong, len(people), want)
	}
}

// answers has somebody who was asked share a feeling, and returns how long it
// took until the relay was on its way to their partner.
func (s *street) answers(who, partner neighbour) time.Duration {
	s.t.Helper()
	for _, label := range []string{"Open", "Good", "Skip", "Nothing to add", "Share my words"} {
		if err := who.Press(label); err != nil {
			s.t.Fatal(err)
		}
		synctest.Wait()
	}
	begun := time.Now()
	time.Sleep(10 * aheadOf)
	synctest.Wait()
	for _, a := range s.posts([]neighbour{partner}) {
		if !a.at.Before(begun) {
			return a.at.Sub(begun)
		}
	}
	s.t.Errorf("no relay within %v", 10*aheadOf)
	return 10 * aheadOf
}

// inBubble runs a test of pressure, which takes a while.
func inBubble(t *testing.T, test func(t *testing.T, dir string)) {
	t.Helper()
	if testing.Short() {
		t.Skip("a crowd takes a while; run without -short")
	}
	t.Parallel()
	dir, begun := inMemory(t), time.Now()
	synctest.Test(t, func(t *testing.T) { test(t, dir) })
	t.Logf("in real time it took %v", time.Since(begun).Round(100*time.Millisecond))
}

// inMemory returns a folder on a disk that is memory, where there is one. A
// bubble's clock stands still while the real disk works, so that a slow one only
// takes longer.
func inMemory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "aftercare-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// TestPressure has very many check-ins due at the same second. They leave at the
// limit and never above it, each once; what somebody leaves for a partner in the
// middle of it goes ahead; and who is slow or has closed DMs is in nobody's way.
func TestPressure(t *testing.T) { inBubble(t, pressure) }

func pressure(t *testing.T, dir string) {
	all, couples := *crowd, *crowd/20
	s := newStreet(t, dir)
	people := s.people(0, couples)
	s.sceneEnds(people)
	people = append(people, settleAlone(t, s.discord, s.store, all-2*couples)...)
	due := time.Now().Add(24 * time.Hour)
	slow, closed := people[2], people[4]
	closed.CloseDMs()
	s.gauge.meddle = func(r *http.Request) *discordtest.Fault {
		if strings.Contains(r.URL.Path, slow.dm) {
			return &discordtest.Fault{Delay: 10 * time.Second}
		}
		return &discordtest.Fault{Delay: answerTime}
	}
	s.startAt(due, time.Minute)
	lasts := time.Duration(all/s.gauge.limit) * time.Second
	time.Sleep(time.Until(due) + lasts/2)
	took := s.answers(people[0], people[1])
	time.Sleep(lasts/2 + 20*time.Second)
	s.end()

	posts := s.posts(people)
	used := share(posts, s.gauge.limit)
	t.Logf("%d messages in %v: %.1f %% of the limit, at most %d in one second; the first %v after the due second; a relay in the middle %v after its tap",
		len(posts), span(posts).Round(time.Millisecond), 100*used, most(posts, time.Second), posts[0].at.Sub(due).Round(time.Millisecond), took.Round(time.Millisecond))
	if used < leastShare {
		t.Errorf("they used %.1f %% of the limit, want %.0f", 100*used, 100*leastShare)
	}
	if took > aheadOf {
		t.Errorf("a relay took %v behind check-ins, want %v", took, aheadOf)
	}
	if n := len(s.posts([]neighbour{closed})); n != 1 {
		t.Errorf("%d tries at closed DMs, want 1", n)
	}
	s.once([]neighbour{closed}, 0)
	s.once(append(people[1:4:4], people[5:]...), 1) // the first has answered theirs
}

// TestPressureOfNewDMs has check-ins due to many whose DM was never opened, and
// behind them to more whose was. The first are opened one a second; the others
// don't wait for that.
func TestPressureOfNewDMs(t *testing.T) { inBubble(t, newDMs) }

func newDMs(t *testing.T, dir string) {
	const unknown, known = 50, 500 // couples
	s := newStreet(t, dir)
	strangers := settleIn(t, s.discord, s.store, 0, unknown, func(int) bool { return false })
	others := s.people(unknown, known)
	s.sceneEnds(strangers)
	s.sceneEnds(others)
	due := time.Now().Add(24 * time.Hour)
	s.startAt(due, time.Minute)
	time.Sleep(time.Until(due) + time.Duration(len(strangers))*time.Second*5/4)
	s.end()

	posts, openings := s.posts(others), s.gauge.arrivals(isOpening)
	took := posts[len(posts)-1].at.Sub(due)
	fair := time.Duration(float64(len(posts)) / float64(s.gauge.limit) * float64(time.Second))
	t.Logf("%d messages to open DMs within %v (%v at the limit); %d new DMs in %v, at most %d in one second",
		len(posts), took.Round(time.Millisecond), fair, len(openings), span(openings).Round(time.Second), most(openings, time.Second))
	if took > fair*3/2 {
		t.Errorf("messages to open DMs took %v behind the ones that had to be opened, want about %v", took, fair)
	}
	if len(openings) != len(strangers) {
		t.Errorf("%d DMs opened for %d people", len(openings), len(strangers))
	}
	s.once(strangers, 1)
	s.once(others, 1)
}

// TestPressureAfterAnOutage has the bot come back after a day. What is 20 hours
// late is late and says so; what is more than 12 hours late is folded where the
// next mark is due as well; all of that leaves slowly, and what comes due now, or
// is left by somebody now, goes ahead of it.
func TestPressureAfterAnOutage(t *testing.T) { inBubble(t, outage) }

func outage(t *testing.T, dir string) {
	s := newStreet(t, dir)
	folded, late, fresh := s.people(0, 50), s.people(1_000, 150), s.people(2_000, 150)
	begun := time.Now()
	back := begun.Add(49 * time.Hour)
	s.sceneEnds(folded) // its marks are 25 hours and one hour late
	time.Sleep(time.Until(back.Add(-44 * time.Hour)))
	s.sceneEnds(late) // 20 hours late; the next mark comes in 4 hours
	time.Sleep(time.Until(back.Add(-24*time.Hour + 10*time.Second)))
	s.sceneEnds(fresh) // due when the bot is back
	s.startAt(back, 0)
	time.Sleep(20 * time.Second)
	took := s.answers(fresh[0], fresh[1])
	time.Sleep(10 * time.Minute)
	s.end()

	pace := s.gauge.limit / 5
	stale, due := s.posts(append(folded, late...)), s.posts(fresh)
	ready := due[len(fresh)-1].at.Sub(back.Add(10 * time.Second))
	t.Logf("%d stale messages in %v, at most %d in one second and %d in ten; %d that came due meanwhile within %v; a relay %v after its tap",
		len(stale), span(stale).Round(time.Second), most(stale, time.Second), most(stale, 10*time.Second), len(fresh), ready.Round(time.Millisecond), took.Round(time.Millisecond))
	if most(stale, time.Second) > s.gauge.limit/2 || most(stale, 10*time.Second) > 12*pace {
		t.Errorf("what an outage left behind leaves in a burst; want about %d a second", pace)
	}
	if limit := time.Duration(len(fresh)/s.gauge.limit)*time.Second + 3*time.Second; ready > limit {
		t.Errorf("what came due now took %v behind what is stale, want %v", ready, limit)
	}
	if took > aheadOf {
		t.Errorf("a relay took %v behind what is stale, want %v", took, aheadOf)
	}
	for _, people := range [][]neighbour{folded, late, fresh[2:]} {
		s.once(people, 1)
	}
	s.sorry(stale, append(folded, late...))
}

// sorry looks that every stale check-in says that it is late.
func (s *street) sorry(stale []arrival, people []neighbour) {
	s.t.Helper()
	if len(stale) != len(people) {
		s.t.Errorf("%d messages to %d people whose check-ins are stale", len(stale), len(people))
	}
	n := 0
	for _, p := range people {
		n += sees(p.Sees(), "This is late.")
	}
	if n != len(people) {
		s.t.Errorf("%d of %d stale check-ins say that they are late", n, len(people))
	}
}
