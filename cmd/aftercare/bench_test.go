package main

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aftercare/bot/discordtest"
	"aftercare/store"
	"aftercare/store/storetest"
)

var large = flag.Bool("large", false, "benchmark with 1,000,000 future deliveries as well")

// options are what the binary opens its database with.
func (p *process) options() store.Options {
	p.t.Helper()
	key, err := store.ParseMasterKey(p.value("AFTERCARE_STORE_KEY"))
	if err != nil {
		p.t.Fatal(err)
	}
	return store.Options{
		Path: filepath.Join(p.dir, "aftercare.db"), KeysPath: filepath.Join(p.dir, "aftercare.keys"),
		Key: key, Marks: []time.Duration{24 * time.Hour, 48 * time.Hour},
	}
}

func (p *process) value(name string) string {
	for _, e := range p.env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v
		}
	}
	return ""
}

// BenchmarkIdle starts the real binary on a file of future check-ins, 20 to a
// person, and watches it do nothing for ten seconds.
func BenchmarkIdle(b *testing.B) {
	if runtime.GOOS != "linux" {
		b.Skip("reads /proc")
	}
	for _, rows := range []int{10, 1_000_000} {
		b.Run(fmt.Sprintf("future=%d", rows), func(b *testing.B) {
			if rows > 10 && !*large {
				b.Skip("only with -large")
			}
			p := newProcess(b)
			p.env = setEnv(p.env, "AFTERCARE_CHECKINS_MARKS", "24h,48h")
			p.env = setEnv(p.env, "AFTERCARE_LOG_LEVEL", "info")
			if _, err := buildOnce(); err != nil {
				b.Fatal(err)
			}
			fill(b, p.options(), rows)
			for b.Loop() {
				idle(b, p)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// fill makes a file with that many future check-ins, and a key for everybody in it.
func fill(b *testing.B, o store.Options, rows int) {
	b.Helper()
	storetest.OpenAt(b, o, time.Now).Close()
	storetest.Crowd(b, o.Path, rows, time.Now().Add(100*24*time.Hour))
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(o.KeysPath))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
		INSERT INTO keys (id, wrapped) SELECT CAST('k' || i AS BLOB), randomblob(160) FROM n
	`, max(1, rows/20)); err != nil {
		b.Fatal(err)
	}
}

const watched = 10 * time.Second

func idle(b *testing.B, p *process) {
	begun := time.Now()
	p.start()
	b.ReportMetric(float64(time.Since(begun).Milliseconds()), "start-ms")
	time.Sleep(3 * time.Second)
	before := p.cpu()
	time.Sleep(watched)
	b.ReportMetric(100*(p.cpu()-before).Seconds()/watched.Seconds(), "%core")
	b.ReportMetric(p.memory("VmRSS"), "MB-rss")
	b.ReportMetric(p.memory("VmHWM"), "MB-peak")
	if code, _ := p.terminate(); code != 0 {
		b.Errorf("exit %d", code)
	}
}

// cpu returns how much processor time the binary has used, in steps of 10 ms.
func (p *process) cpu() time.Duration {
	p.t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	ticks := 0
	for _, f := range fields[11:13] { // utime and stime
		n, err := strconv.Atoi(f)
		if err != nil {
			p.t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond // Linux shows every architecture 100 a second
}

// memory returns a line of the binary's status, in MB.
func (p *process) memory(name string) float64 {
	p.t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			kB, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				p.t.Fatal(err)
			}
			return float64(kB) / 1024
		}
	}
	p.t.Fatal("no " + name)
	return 0
}

const (
	ackRate    = 200 // interactions a second
	ackFor     = 10 * time.Second
	ackBacklog = 10_000
	steps      = 5 // taps from the prompt until the answer is shared
)

// BenchmarkAck has people use the real binary over sockets, 200 interactions a
// second, and measures how long after each was made its answer arrives. Discord
// gives 3 seconds; 100 ms at p99 is what this bot wants. The database commits
// with synchronous=FULL. "help" touches no database: it is what the machine, the
// sockets and the fake take, which share the processors with the binary.
func BenchmarkAck(b *testing.B) {
	r := newRush(b)
	for _, backlog := range []int{0, ackBacklog} {
		for _, kind := range []string{"write", "read", "help"} {
			b.Run(fmt.Sprintf("%s/backlog=%d", kind, backlog), func(b *testing.B) {
				for b.Loop() {
					r.measure(b, kind, backlog > 0)
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// rush is the binary, and people enough to keep it busy.
type rush struct {
	*process
	couples []neighbour // two and two, to record scenes
	writers []neighbour // each with a check-in to answer
	done    int         // writers who have answered theirs, and couples who have recorded a scene
	crowded bool        // the backlog is there

	mu    sync.Mutex
	acked []time.Duration
	posts int
}

func newRush(b *testing.B) *rush {
	b.Helper()
	r := &rush{process: newProcess(b)}
	r.discord = discordtest.New(discordtest.Options{Token: "Bot test-token", Fault: r.note})
	r.server.Config.Handler = r.discord.Handler()
	r.env = setEnv(r.env, "AFTERCARE_CHECKINS_MARKS", "24h,48h")
	r.env = setEnv(r.env, "AFTERCARE_LOG_LEVEL", "warn")
	s := storetest.OpenAt(b, r.options(), yesterday)
	known := func(int) bool { return true }
	writes := int(ackRate * ackFor.Seconds())
	r.couples = settleIn(b, r.discord, s, 0, 2*writes/(steps+1), known)
	r.writers = settleIn(b, r.discord, s, 100_000, writes/(steps+1), known)
	r.owe(s, r.writers) // due now
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	hush(b, r.options().Path)
	r.deliverTo(b, r.writers)
	return r
}

// owe records a scene of each couple.
func (r *rush) owe(s *store.Store, people []neighbour) {
	for i := 0; i < len(people); i += 2 {
		storetest.EndScene(r.t, s, people[i].who)
	}
}

// deliverTo runs the binary until everybody has a message, at a limit of its own.
func (r *rush) deliverTo(b *testing.B, people []neighbour) {
	b.Helper()
	env := r.env
	r.env = append(slices.Clone(env), "AFTERCARE_DISCORD_REQUESTS_PER_SECOND=1000")
	r.startQuietly()
	ctx, cancel := context.WithTimeout(b.Context(), 5*time.Minute)
	defer cancel()
	for len(r.discord.Posted()) < len(people) {
		select {
		case <-ctx.Done():
			b.Fatalf("%d of %d check-ins", len(r.discord.Posted()), len(people))
		case <-time.After(100 * time.Millisecond):
		}
	}
	r.terminate()
	r.env = env
}

// startQuietly starts a binary that says nothing when all is well.
func (r *rush) startQuietly() {
	r.t.Helper()
	r.launch()
	go drain(r.log)
	for !r.discord.Connected() {
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(500 * time.Millisecond) // READY is read, and the commands are there
}

// note measures each answer to an interaction, whose id holds when it was made.
func (r *rush) note(req *http.Request) *discordtest.Fault {
	_, rest, ok := strings.Cut(req.URL.Path, "/interactions/")
	r.mu.Lock()
	defer r.mu.Unlock()
	if !ok {
		if req.Method == http.MethodPost && strings.HasSuffix(req.URL.Path, "/messages") {
			r.posts++
		}
		return nil
	}
	id, _, _ := strings.Cut(rest, "/")
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil
	}
	const epoch = 1420070400000 // Discord's, in Unix milliseconds
	r.acked = append(r.acked, time.Since(time.UnixMilli(n>>22+epoch)))
	return nil
}

// take returns what was measured since it was last asked, sorted.
func (r *rush) take() (acked []time.Duration, posts int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	acked, posts = r.acked, r.posts
	r.acked, r.posts = nil, 0
	slices.Sort(acked)
	return acked, posts
}

// measure lets people act for ten seconds, at an even pace whatever the binary does.
func (r *rush) measure(b *testing.B, kind string, backlog bool) {
	if backlog {
		r.backlog(b)
	}
	r.startQuietly()
	acts := map[string]func(*testing.B) []func() error{"write": r.writes, "read": r.reads, "help": r.helps}[kind](b)
	before := r.used()
	r.take()
	begun := time.Now()
	missed, lag := pace(acts)
	acked, posts := r.take()
	took := time.Since(begun).Seconds()
	b.ReportMetric(100*(r.used()-before).Seconds()/took, "%core")
	if len(acked)+missed < len(acts) {
		b.Errorf("of %d interactions %d could not be made, and %d were answered", len(acts), missed, len(acked))
	}
	b.ReportMetric(ms(acked[len(acked)/2]), "p50-ms")
	b.ReportMetric(ms(acked[len(acked)*99/100]), "p99-ms")
	b.ReportMetric(ms(lag), "p99-lag-ms")
	b.ReportMetric(float64(posts)/took, "DMs/s")
	r.terminate()
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// used is cpu where that can be known.
func (r *rush) used() time.Duration {
	if runtime.GOOS != "linux" {
		return 0
	}
	return r.cpu()
}

// pace acts 200 times a second. It returns how many could not, and how late the
// last of 99 in 100 was to act: what this machine does to anybody's figures.
func pace(acts []func() error) (missed int, lag time.Duration) {
	var failed atomic.Int64
	var wg sync.WaitGroup
	var late []time.Duration
	begun := time.Now()
	for i, act := range acts {
		at := begun.Add(time.Duration(i) * time.Second / ackRate)
		time.Sleep(time.Until(at))
		wg.Go(func() {
			if act() != nil {
				failed.Add(1)
			}
		})
		late = append(late, time.Since(at))
	}
	wg.Wait()
	time.Sleep(500 * time.Millisecond) // for the last answers
	slices.Sort(late)
	return int(failed.Load()), late[len(late)*99/100]
}

// reads only look something up.
func (r *rush) reads(*testing.B) []func() error { return r.run("/scene list", "/partner list") }

// helps touch no database: what is left is this machine, the sockets and the fake.
func (r *rush) helps(*testing.B) []func() error { return r.run("/care help") }

func (r *rush) run(lines ...string) (out []func() error) {
	for i := range int(ackRate * ackFor.Seconds()) {
		who, line := r.couples[i%len(r.couples)], lines[i%len(lines)]
		out = append(out, func() error { return who.Run(line) })
	}
	return out
}

// writes record scenes and answer check-ins, from Open to Share: one scene for
// every five taps.
func (r *rush) writes(b *testing.B) (out []func() error) {
	n := int(ackRate*ackFor.Seconds()) / (steps + 1)
	if r.done+n > len(r.writers) {
		b.Fatal("more runs than there are people; use -count 1")
	}
	writers, couples := r.writers[r.done:r.done+n], r.couples[2*r.done:]
	r.done += n
	for _, label := range []string{"", "Open", "Good", "Skip", "Nothing to add", "Share my words"} {
		for i, w := range writers {
			act := func() error { return w.Press(label) }
			if label == "" {
				act = func() error { return couples[2*i].Run("/scene ended") }
			}
			out = append(out, act)
		}
	}
	return out
}

// backlog makes 10,000 check-ins due, to people of their own; once.
func (r *rush) backlog(b *testing.B) {
	b.Helper()
	if r.crowded {
		return
	}
	r.crowded = true
	s := storetest.OpenAt(b, r.options(), yesterday)
	settleAlone(b, r.discord, s, ackBacklog)
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	hush(b, r.options().Path)
}

// yesterday is the clock on which a scene ends whose check-ins are due now.
func yesterday() time.Time { return time.Now().Add(-24 * time.Hour) }
