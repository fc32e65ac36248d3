package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"
)

// link keeps the bot connected to Discord's gateway. It decides when to connect
// and how often; discordgo, behind a shield, speaks the protocol. One Session is
// kept as long as it can be resumed, and replaced by a fresh one otherwise, or if
// it hangs.
type link struct {
	token  string
	dialer *websocket.Dialer
	budget func(context.Context) (startBudget, error) // asked before each new session
	hear   func(kind string, raw json.RawMessage)
	ready  func(resumed bool)
	log    *slog.Logger

	hello, open, hang time.Duration // see the constants

	session  *discordgo.Session
	gone     chan struct{} // the Session let go of its connection
	resume   string        // the address for resuming; empty: a new session
	detour   bool          // that address did not work: resume at the usual one
	upSince  time.Time     // of the connection at hand; zero: no READY or RESUMED yet
	failures int           // since the last connection that held
	asked    atomic.Int64  // when a session was last asked for, in Unix nanoseconds

	// Counts since the start of the process.
	Connects, Identifies, Replaced atomic.Int64
	Dropped                        atomic.Int64 // messages that could not be read
	up                             atomic.Bool
}

const (
	helloWithin = 20 * time.Second // for Discord to speak after we connected
	openWithin  = 45 * time.Second // for READY after that
	hangAfter   = 60 * time.Second // a Session whose lock is held this long is stuck
	heldFor     = time.Minute      // a connection that lasted this long was a good one
	slowest     = 5 * time.Minute  // between two tries
	apart       = 5 * time.Second  // between two new sessions
	givenUp     = 8                // failures in a row after which nobody remembers our session
	closeWithin = 3 * time.Second  // for a Session to notice that we are stopping
)

// startBudget is what Discord allows of new sessions.
type startBudget struct {
	URL   string `json:"url"`
	Limit struct {
		Remaining  int     `json:"remaining"`
		ResetAfter float64 `json:"reset_after"` // milliseconds
	} `json:"session_start_limit"`
}

// reset is how long to wait for more: never so short that we would keep asking.
func (b startBudget) reset() time.Duration {
	ms := min(max(b.Limit.ResetAfter, 1000), 24*60*60*1000)
	return time.Duration(ms * float64(time.Millisecond))
}

// fatalCloses are the close codes after which trying again is no use, and what to
// do about each.
var fatalCloses = map[int]string{
	4004: "discord.token: Discord does not know this token any more; copy it anew from the Bot page of your application",
	4010: "Discord refused the shard number; this program uses one shard only, so please report this",
	4011: "the bot is in so many servers that Discord asks for shards, which this program does not have; leave some of them",
	4012: "Discord no longer speaks this program's gateway version; update aftercare",
	4013: "Discord refused the intents as invalid; update aftercare",
	4014: "Discord refused the intents, which are all unprivileged; update aftercare",
}

// run keeps the link until ctx is done, and returns nil, or an error that trying
// again can't mend.
func (l *link) run(ctx context.Context) error {
	for ctx.Err() == nil {
		l.upSince = time.Time{}
		why, err := l.connect(ctx)
		l.up.Store(false)
		if ctx.Err() != nil {
			return nil
		}
		if fix, fatal := fatalCloses[why.code]; fatal && why.kind == "closed" {
			return fmt.Errorf("the gateway closed the connection for good (code %d): %s", why.code, fix)
		}
		wait := l.wait(why, err)
		about := []any{"why", why.String(), "resume", l.resume != "", "in", wait.Round(time.Millisecond)}
		if err != nil {
			about = append(about, "err", err)
		}
		l.log.Info("the gateway link ended; connecting again", about...)
		if !sleep(ctx, wait) {
			return nil
		}
	}
	return nil
}

// wait is the pause before the next try, and what that will be: a resume, at the
// usual address if the other did not work, or a new session.
func (l *link) wait(why ending, err error) time.Duration {
	if l.upSince.IsZero() {
		l.detour = !l.detour
	} else if time.Since(l.upSince) >= heldFor {
		l.failures = 0
	}
	if !why.keep || l.session == nil || l.failures >= givenUp {
		l.forget()
	}
	d := l.pause(why, err)
	if l.resume == "" {
		d = max(d, apart-time.Since(time.Unix(0, l.asked.Load())))
	}
	return d
}

// pause is none after Discord asked us to reconnect, 1 to 5 seconds after it
// refused a session, and twice as long with every failure.
func (l *link) pause(why ending, err error) time.Duration {
	first := l.failures == 0
	l.failures++
	switch {
	case err == nil && first && why.kind == "reconnect":
		return rand.N(time.Second)
	case err == nil && first && why.kind == "invalid":
		return time.Second + rand.N(4*time.Second)
	}
	d := slowest
	if l.failures < 10 {
		d = min(time.Second<<(l.failures-1), slowest)
	}
	if why.kind == "invalid" {
		d = max(d, 5*time.Second)
	}
	return d + rand.N(d/2)
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// forget gives up the session: the next connection begins a new one.
func (l *link) forget() { l.session, l.resume, l.detour = nil, "", false }

// connect makes one connection and stays until it ends.
func (l *link) connect(ctx context.Context) (ending, error) {
	address, err := l.address(ctx)
	if err != nil {
		return ending{kind: "lost", keep: true}, err
	}
	up, err := l.dial(ctx, address)
	if err != nil {
		return ending{kind: "lost", keep: true}, withoutURL(err)
	}
	up.SetReadLimit(16 << 20)
	up.SetCloseHandler(func(int, string) error { return nil }) // our answer could end the session
	sh := newShield(up, l.hello)
	sh.begins = func() { l.Identifies.Add(1); l.asked.Store(time.Now().UnixNano()) }
	sh.drops = func() { l.Dropped.Add(1) }
	return l.stay(ctx, sh), nil
}

// dial connects until ctx is done; the dialer itself looks at a deadline only.
func (l *link) dial(ctx context.Context, address string) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, l.open)
	defer cancel()
	d := *l.dialer
	plain := d.NetDialContext
	if plain == nil {
		plain = (&net.Dialer{}).DialContext
	}
	stop := func() bool { return true }
	d.NetDialContext = func(within context.Context, network, addr string) (net.Conn, error) {
		c, err := plain(within, network, addr)
		if err == nil {
			stop = context.AfterFunc(ctx, func() { _ = c.Close() })
		}
		return c, err
	}
	up, resp, err := d.DialContext(ctx, address, nil)
	if resp != nil && resp.Body != nil {
		_ = resp.Body.Close()
	}
	if cut := !stop(); err == nil && cut {
		_ = up.Close()
		err = context.Cause(ctx)
	}
	return up, err
}

// usualAddress stands for "ask Discord where".
const usualAddress = "?"

// address returns where to connect to. A new session is begun only within
// Discord's budget for them: beyond it the token would be reset.
func (l *link) address(ctx context.Context) (string, error) {
	if l.resume != "" && l.resume != usualAddress && !l.detour {
		return withVersion(l.resume), nil
	}
	for {
		b, err := l.budget(ctx)
		if err != nil {
			return "", err
		}
		if l.resume != "" || b.Limit.Remaining > 0 {
			return withVersion(b.URL), nil
		}
		wait := b.reset()
		l.log.Error("Discord allows no more new connections for now; waiting. Something restarts this again and again, or another program uses its token", "for", wait.Round(time.Second))
		if !sleep(ctx, wait) {
			return "", ctx.Err()
		}
	}
}

func withVersion(address string) string {
	return strings.TrimSuffix(address, "/") + "/?v=" + discordgo.APIVersion + "&encoding=json"
}

// known takes what READY and RESUMED say.
func (l *link) known(r gatewayReady) {
	if !r.resumed {
		l.resume, l.detour = r.url, false
		if _, err := url.Parse(r.url); err != nil || r.url == "" {
			l.resume = usualAddress
		}
	}
	l.upSince = time.Now()
	l.up.Store(true)
	l.ready(r.resumed)
}

// stay lets a Session speak through a shield until the connection ends.
func (l *link) stay(ctx context.Context, sh *shield) ending {
	l.Connects.Add(1)
	if l.session == nil {
		if l.session, l.gone = l.fresh(); l.session == nil {
			sh.end(ending{kind: "lost", keep: true})
			return sh.why
		}
	}
	s, gone := l.session, l.gone
	for len(gone) > 0 {
		<-gone
	}
	var busy sync.WaitGroup
	s.Dialer = &websocket.Dialer{NetDialContext: func(context.Context, string, string) (net.Conn, error) {
		mine, theirs := net.Pipe()
		busy.Go(func() { sh.serve(theirs) })
		return mine, nil
	}}
	opened := make(chan error, 1)
	go func() { opened <- s.Open() }()
	if !l.watch(ctx, s, sh, opened) || !l.letGo(ctx, opened, gone) {
		l.replace()
		return ending{kind: sh.why.kind}
	}
	busy.Wait()
	select {
	case r := <-sh.known: // in the last moment; what it means for a gap still holds
		l.known(r)
	default:
	}
	return sh.why
}

// watch returns when the connection has ended, and false if the Session hangs.
func (l *link) watch(ctx context.Context, s *discordgo.Session, sh *shield, opened chan error) bool {
	look := time.NewTicker(l.hang / 6)
	defer look.Stop()
	openBy := time.After(l.open)
	free := time.Now()
	isOpen, isKnown := false, false
	for {
		select {
		case <-sh.ended:
			return true
		case r := <-sh.known:
			isKnown = true
			l.known(r)
		case err := <-opened:
			opened <- err // for letGo
			if err != nil {
				sh.end(ending{kind: "lost", keep: true})
				return true
			}
			isOpen, opened = true, nil
		case <-openBy:
			switch {
			case !isKnown:
				sh.end(ending{kind: "silent", keep: true})
				return true
			case !isOpen: // it was given READY or RESUMED, and is stuck in there
				sh.end(ending{kind: "lost", keep: false})
				return false
			}
		case <-ctx.Done():
			sh.goodbye()
			return true
		case <-look.C:
			if !isOpen || s.TryRLock() {
				if isOpen {
					s.RUnlock()
				}
				free = time.Now()
			} else if time.Since(free) >= l.hang {
				sh.end(ending{kind: "lost", keep: false})
				return false
			}
		}
	}
}

// letGo waits until the Session has noticed that its connection is gone, for which
// discordgo takes a second. One that does not is stuck, and must not be used again.
func (l *link) letGo(ctx context.Context, opened chan error, gone chan struct{}) bool {
	within := l.hang
	if ctx.Err() != nil {
		within = closeWithin
	}
	patience := time.After(within)
	select {
	case err := <-opened:
		if err != nil {
			return true // it never had it
		}
	case <-patience:
		return false
	}
	select {
	case <-gone:
		return true
	case <-patience:
		return false
	}
}

func (l *link) replace() {
	l.Replaced.Add(1)
	l.log.Warn("a Discord session hung and was replaced by a fresh one; nothing to do unless it comes often")
	l.forget()
}

// fresh returns a Session that has nothing on that is known to hang, crash, cache
// or speak too much, and that never reconnects by itself.
func (l *link) fresh() (*discordgo.Session, chan struct{}) {
	s, err := discordgo.New("Bot " + l.token)
	if err != nil {
		l.log.Error("no Discord session could be made", "err", err)
		return nil, nil
	}
	s.StateEnabled = false
	s.SyncEvents = true // our handler only queues, and this keeps the order
	s.LogLevel = discordgo.LogError
	s.ShouldReconnectOnError = false
	s.Identify.Intents = intents
	s.Identify.Compress = false
	s.Client = &http.Client{Transport: shieldAddress{}}
	gone := make(chan struct{}, 8)
	s.AddHandler(func(_ *discordgo.Session, e *discordgo.Event) { l.take(e) })
	s.AddHandler(func(*discordgo.Session, *discordgo.Disconnect) {
		select {
		case gone <- struct{}{}:
		default:
		}
	})
	return s, gone
}

// take hands an event on. A panic in there must not end the process.
func (l *link) take(e *discordgo.Event) {
	defer func() {
		if r := recover(); r != nil {
			l.Dropped.Add(1)
			l.log.Error("hearing an event panicked, and it was dropped; please report this", "stack", string(debug.Stack()))
		}
	}()
	if kind, ok := strings.CutPrefix(e.Type, opaque); ok {
		l.hear(kind, e.RawData)
	}
}

// shieldAddress answers a Session's question where the gateway is: here.
type shieldAddress struct{}

// RoundTrip implements http.RoundTripper.
func (shieldAddress) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Header: http.Header{}, Request: r,
		Body: io.NopCloser(strings.NewReader(`{"url":"ws://shield"}`)),
	}, nil
}
