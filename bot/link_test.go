package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"aftercare/bot/discordtest"
)

// linked is a link on a Discord of its own: over sockets, or over pipes for a bubble.
type linked struct {
	t       *testing.T
	discord *discordtest.Discord
	api     *transport
	link    *link
	log     *logBook
	heard   chan heardEvent
	ready   chan bool // resumed
	done    chan error
	cancel  context.CancelFunc
}

type heardEvent struct {
	kind    string
	content string
}

const patience = 30 * time.Second // of a test; nothing needs it

// overSockets returns a link that is not running yet.
func overSockets(t *testing.T) *linked {
	w := newLinked(t)
	server := httptest.NewServer(w.discord.Handler())
	base := &http.Transport{}
	t.Cleanup(func() {
		w.stop()
		w.until("all connections are gone", func() bool { return w.discord.Connections() == 0 })
		base.CloseIdleConnections()
		server.Close()
	})
	w.build(base, server.URL+"/api", &websocket.Dialer{HandshakeTimeout: 15 * time.Second})
	return w
}

// overPipes is for a bubble; call stop before it ends.
func overPipes(t *testing.T) *linked {
	w := newLinked(t)
	w.build(w.discord, "https://discord.test/api", &websocket.Dialer{NetDialContext: w.discord.DialContext})
	return w
}

func newLinked(t *testing.T) *linked {
	return &linked{
		t: t, log: &logBook{}, discord: discordtest.New(discordtest.Options{Token: "secret"}),
		heard: make(chan heardEvent, 10_000), ready: make(chan bool, 10_000), done: make(chan error, 1),
	}
}

func (w *linked) build(base http.RoundTripper, api string, dialer *websocket.Dialer) {
	at, err := url.Parse(api)
	if err != nil {
		w.t.Fatal(err)
	}
	log := slog.New(w.log)
	w.api = newTransport(base, at, "test", 1000, log)
	b := &Bot{api: w.api}
	if b.rest, err = restSession("secret", w.api); err != nil {
		w.t.Fatal(err)
	}
	w.link = &link{
		token: "secret", dialer: dialer, log: log, hello: 5 * time.Second, open: 10 * time.Second, hang: 5 * time.Second,
		budget: func(ctx context.Context) (limit startBudget, err error) {
			return limit, b.call(ctx, http.MethodGet, apiVersion+"/gateway/bot", nil, &limit)
		},
		ready: func(resumed bool) { w.ready <- resumed },
		hear: func(kind string, raw json.RawMessage) {
			var m struct{ Content string }
			_ = json.Unmarshal(raw, &m) // nothing else is looked at
			w.heard <- heardEvent{kind, m.Content}
		},
	}
}

// start runs the link.
func (w *linked) start() {
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	go func() { w.done <- w.link.run(ctx); close(w.done) }()
}

// started runs the link and waits until it is up.
func (w *linked) started() *linked {
	w.t.Helper()
	w.start()
	w.up(false)
	return w
}

// stop ends the link, if it runs, and tells how long that took.
func (w *linked) stop() time.Duration {
	w.t.Helper()
	if w.cancel == nil {
		return 0
	}
	began := time.Now()
	w.cancel()
	select {
	case err := <-w.done:
		if err != nil {
			w.t.Error("the link ended with", err)
		}
	case <-time.After(patience):
		w.t.Fatal("the link did not end")
	}
	return time.Since(began)
}

// up waits for the next READY or RESUMED.
func (w *linked) up(resumed bool) {
	w.t.Helper()
	select {
	case got := <-w.ready:
		if got != resumed {
			w.t.Fatalf("resumed: %t, want %t\n%s", got, resumed, w.log.text())
		}
	case err := <-w.done:
		w.t.Fatal("the link ended with", err)
	case <-time.After(patience):
		w.t.Fatalf("the link did not come up\n%s", w.log.text())
	}
}

// hears waits for a message with these words, and returns what was heard before it.
func (w *linked) hears(words string) (before []heardEvent) {
	w.t.Helper()
	for {
		select {
		case e := <-w.heard:
			if e.kind == "MESSAGE_CREATE" && e.content == words {
				return before
			}
			before = append(before, e)
		case <-time.After(patience):
			w.t.Fatalf("%q was not heard\n%s", words, w.log.text())
		}
	}
}

// types makes somebody write, and waits until that is heard.
func (w *linked) types(words string) {
	w.t.Helper()
	w.discord.Person("alex").Type(words)
	w.hears(words)
}

func (w *linked) until(what string, holds func() bool) {
	w.t.Helper()
	await(w.t, what, holds)
}

// await waits until something holds.
func await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	late := time.After(patience)
	for !holds() {
		select {
		case <-look.C:
		case <-late:
			t.Fatal("it never came about that", what)
		}
	}
}

// trouble runs the link on a gateway in trouble until done holds, and heals it.
func (w *linked) trouble(g discordtest.Gateway, what string, done func() bool) {
	w.t.Helper()
	w.discord.SetGateway(g)
	w.start()
	w.until(what, done)
	w.discord.SetGateway(discordtest.Gateway{})
}

func (w *linked) identifies(want int) {
	w.t.Helper()
	if got := w.discord.Identifies(); got != want {
		w.t.Errorf("%d sessions were begun, want %d\n%s", got, want, w.log.text())
	}
}

// closedWith compares the close frames that Discord was sent.
func (w *linked) closedWith(want ...int) {
	w.t.Helper()
	if got := w.discord.ClosedWith(); !slices.Equal(got, want) {
		w.t.Errorf("Discord was sent close frames %v, want %v", got, want)
	}
}

// connected tells whether n connections were made.
func (w *linked) connected(n int64) func() bool {
	return func() bool { return w.link.Connects.Load() >= n }
}

// ended waits for the link to end by itself.
func (w *linked) ended() error {
	w.t.Helper()
	select {
	case err := <-w.done:
		return err
	case <-time.After(patience):
		w.t.Fatalf("the link did not end\n%s", w.log.text())
		return nil
	}
}

// TestLinkOverSockets runs all of its cases at once: most of the time each waits.
func TestLinkOverSockets(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	before := goleak.IgnoreCurrent()
	cases := map[string]func(*testing.T){
		"op 7 before Hello":              reconnectBeforeHello,
		"op 7 inside Open":               reconnectInsideOpen,
		"op 7 while listening":           reconnectWhileListening,
		"op 11 and op 1 before READY":    ackBeforeReady,
		"op 1":                           asksForHeartbeat,
		"op 1 right before a drop":       asksForHeartbeatAndDrops,
		"accepts and never speaks":       neverSpeaks,
		"never says Hello":               neverGreets,
		"never says READY":               neverReady,
		"missing ACKs":                   missingACKs,
		"op 9 d:false to a resume":       refusesResume,
		"op 9 d:true to a resume":        refusesResumeForNow,
		"op 9 d:true while listening":    invalidatesForNow,
		"op 9 d:false while listening":   invalidates,
		"op 9 to Identify":               refusesIdentify,
		"drops":                          drops,
		"drops at Hello":                 dropsAtHello,
		"drops at Identify":              dropsAtIdentify,
		"drops in the middle of a frame": dropsMidFrame,
		"a frame without end":            hugeFrame,
		"only 1000 is ever sent":         saysGoodbye,
		"resumes elsewhere":              resumesElsewhere,
		"odd messages":                   oddMessages,
		"hangs while connected":          hangsConnected,
		"hangs while closing":            hangsClosing,
		"hangs inside Open":              hangsInsideOpen,
		"hangs hearing":                  hangsHearing,
		"a panic in hear":                hearPanics,
		"gateway discovery fails":        discoveryFails,
		"order under load":               keepsOrder,
	}
	for _, code := range []int{4004, 4010, 4011, 4012, 4013, 4014} {
		cases[fmt.Sprint("fatal ", code, " at Hello")] = func(t *testing.T) { fatalClose(t, code, discordtest.Gateway{CloseFirst: code}) }
		cases[fmt.Sprint("fatal ", code, " at Identify")] = func(t *testing.T) { fatalClose(t, code, discordtest.Gateway{CloseCode: code}) }
		cases[fmt.Sprint("fatal ", code, " while listening")] = func(t *testing.T) { fatalWhileListening(t, code) }
	}
	for _, code := range []int{1000, 1001, 1011, 4000, 4001, 4002, 4003, 4005, 4006, 4008, 4900} {
		cases[fmt.Sprint("close ", code)] = func(t *testing.T) { closes(t, code, true) }
	}
	for _, code := range []int{4007, 4009} {
		cases[fmt.Sprint("close ", code)] = func(t *testing.T) { closes(t, code, false) }
	}
	for _, elsewhere := range []string{"ws://127.0.0.1:1", "::", "nowhere", "http://127.0.0.1:1"} {
		cases["resumes not at "+elsewhere] = func(t *testing.T) { resumesAtUsualAddress(t, elsewhere) }
	}
	for name, reach := range stopStates {
		cases["stopped "+name] = func(t *testing.T) { stops(t, reach) }
	}
	var wg sync.WaitGroup
	for name, run := range cases {
		wg.Go(func() { t.Run(name, run) })
	}
	wg.Wait()
	goleak.VerifyNone(t, before)
}

func reconnectBeforeHello(t *testing.T) {
	w := overSockets(t)
	w.trouble(discordtest.Gateway{ReconnectFirst: true}, "it connects twice", w.connected(2))
	w.up(false)
	w.identifies(1)
	w.types("hello")
}

func reconnectInsideOpen(t *testing.T) {
	w := overSockets(t)
	w.trouble(discordtest.Gateway{ReconnectInstead: true}, "a session is begun", func() bool { return w.discord.Identifies() == 1 })
	w.up(false)
	w.identifies(2)
	w.types("hello")
}

func reconnectWhileListening(t *testing.T) {
	w := overSockets(t).started()
	w.types("before")
	w.discord.Reconnect()
	w.discord.Person("alex").Type("in the gap")
	w.up(true)
	w.hears("in the gap")
	w.types("after")
	w.identifies(1)
	if w.discord.Resumes() != 1 || w.link.Replaced.Load() != 0 {
		t.Error(w.discord.Resumes(), "resumes,", w.link.Replaced.Load(), "replaced")
	}
	w.closedWith()
}

func ackBeforeReady(t *testing.T) {
	w := overSockets(t)
	w.discord.SetGateway(discordtest.Gateway{ACKFirst: true, BeatFirst: true})
	w.started()
	w.types("hello")
	w.discord.DropConnections()
	w.up(true)
	w.types("again")
	w.identifies(1)
}

func asksForHeartbeat(t *testing.T) {
	w := overSockets(t).started() // its own heartbeats are far apart
	before := w.discord.Beats()
	w.discord.Beat()
	w.until("it beats", func() bool { return w.discord.Beats() > before })
	w.types("hello")
	w.identifies(1)
}

func asksForHeartbeatAndDrops(t *testing.T) {
	w := overSockets(t).started()
	w.discord.Beat()
	w.discord.DropConnections()
	w.up(true)
	w.identifies(1)
}

// deafListener accepts connections and says nothing on them.
func deafListener(t *testing.T) (address string, accepted *atomic.Int64) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var busy sync.WaitGroup
	var held []net.Conn
	accepted = &atomic.Int64{}
	busy.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			held = append(held, c)
			accepted.Add(1)
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		busy.Wait()
		for _, c := range held {
			_ = c.Close()
		}
	})
	return "ws://" + l.Addr().String(), accepted
}

// sendTo makes the link connect to an address as long as there.
func (w *linked) sendTo(address string, there *atomic.Bool) {
	usual := w.link.budget
	w.link.budget = func(ctx context.Context) (startBudget, error) {
		b, err := usual(ctx)
		if there.Load() {
			b.URL = address
		}
		return b, err
	}
}

func neverSpeaks(t *testing.T) {
	address, accepted := deafListener(t)
	w := overSockets(t)
	var there atomic.Bool
	there.Store(true)
	w.sendTo(address, &there)
	w.link.dialer.HandshakeTimeout = 200 * time.Millisecond
	w.start()
	w.until("it has tried", func() bool { return accepted.Load() > 0 })
	there.Store(false)
	w.up(false)
	w.types("hello")
	w.identifies(1)
}

func neverGreets(t *testing.T) {
	w := overSockets(t)
	w.link.hello = 200 * time.Millisecond
	w.trouble(discordtest.Gateway{Silent: true}, "it connects twice", w.connected(2))
	w.up(false)
	w.identifies(1)
}

func neverReady(t *testing.T) {
	w := overSockets(t)
	w.link.open = 500 * time.Millisecond
	w.trouble(discordtest.Gateway{Deaf: true}, "a session is begun", func() bool { return w.discord.Identifies() == 1 })
	w.up(false)
	w.identifies(2)
	w.types("hello")
}

func missingACKs(t *testing.T) {
	w := overSockets(t)
	w.discord.SetGateway(discordtest.Gateway{Interval: 300 * time.Millisecond})
	w.started()
	w.until("it beats", func() bool { return w.discord.Beats() > 2 })
	w.discord.SetGateway(discordtest.Gateway{Interval: 300 * time.Millisecond, MissACKs: true})
	began, beats := time.Now(), -1
	w.until("it notices", func() bool {
		if n := w.discord.Beats(); n != beats { // events are no ACKs; more of them could not be replayed
			beats = n
			w.discord.Emit("TYPING_START", json.RawMessage(`{}`))
		}
		return !w.link.up.Load()
	})
	// discordgo takes a second to close; TestMissingACKs is exact.
	if took := time.Since(began); took > 3*time.Second {
		t.Error("it was noticed after", took)
	}
	w.discord.SetGateway(discordtest.Gateway{})
	w.up(true)
	w.identifies(1)
}

func refusesResume(t *testing.T) {
	w := overSockets(t).started()
	w.discord.SetGateway(discordtest.Gateway{RefuseResume: true})
	w.discord.DropConnections()
	w.up(false)
	w.identifies(2)
	w.types("hello")
}

func refusesResumeForNow(t *testing.T) {
	w := overSockets(t).started()
	w.discord.SetGateway(discordtest.Gateway{RefuseResume: true, Resumable: true})
	w.discord.DropConnections()
	w.discord.Person("alex").Type("in the gap")
	w.until("it tries to resume", w.connected(2))
	w.discord.SetGateway(discordtest.Gateway{})
	w.up(true)
	w.hears("in the gap")
	w.identifies(1)
}

func invalidatesForNow(t *testing.T) {
	w := overSockets(t).started()
	w.discord.Invalidate(true)
	w.up(true)
	w.identifies(1)
	w.closedWith()
}

func invalidates(t *testing.T) {
	w := overSockets(t).started()
	began := time.Now()
	w.discord.Invalidate(false)
	w.up(false)
	if took := time.Since(began); took < time.Second {
		t.Error("a new session was begun after", took)
	}
	w.identifies(2)
	w.types("hello")
	w.closedWith()
}

func refusesIdentify(t *testing.T) {
	w := overSockets(t)
	w.discord.SetGateway(discordtest.Gateway{RefuseIdentifies: 1})
	began := time.Now()
	w.started()
	if took := time.Since(began); took < apart-100*time.Millisecond {
		t.Error("two sessions were begun within", took)
	}
	w.identifies(2)
}

func drops(t *testing.T) {
	w := overSockets(t).started()
	w.discord.DropConnections()
	for i := range 50 {
		w.discord.Person("alex").Type(fmt.Sprint("in the gap ", i))
	}
	w.up(true)
	if before := w.hears("in the gap 49"); len(before) != 49 {
		t.Errorf("heard before the last: %v", before)
	}
	w.identifies(1)
	w.closedWith()
}

func dropsAtHello(t *testing.T) {
	w := overSockets(t)
	w.trouble(discordtest.Gateway{DropFirst: true}, "it connects twice", w.connected(2))
	w.up(false)
	w.identifies(1)
}

func dropsAtIdentify(t *testing.T) {
	w := overSockets(t)
	w.trouble(discordtest.Gateway{Drop: true}, "a session is begun", func() bool { return w.discord.Identifies() == 1 })
	w.up(false)
	w.identifies(2)
}

func dropsMidFrame(t *testing.T) {
	w := overSockets(t).started()
	w.discord.DropMidFrame()
	w.discord.Person("alex").Type("in the gap")
	w.up(true)
	w.hears("in the gap")
	w.identifies(1)
	w.closedWith()
}

// hugeFrame: more than the link reads ends the connection, not the link.
func hugeFrame(t *testing.T) {
	w := overSockets(t).started()
	w.discord.Send(false, make([]byte, 17<<20))
	w.up(true)
	w.types("hello")
	w.identifies(1)
}

func saysGoodbye(t *testing.T) {
	w := overSockets(t).started()
	for _, end := range []func(){w.discord.DropConnections, w.discord.Reconnect} {
		end()
		w.up(true)
	}
	w.closedWith()
	if took := w.stop(); took > 5*time.Second {
		t.Error("stopping took", took)
	}
	w.until("Discord knows", func() bool { return len(w.discord.ClosedWith()) > 0 })
	w.closedWith(1000)
	if w.discord.Connected() {
		t.Error("still connected")
	}
}

// counted is a second address of the same Discord.
func counted(d *discordtest.Discord) (server *httptest.Server, upgrades *atomic.Int64) {
	upgrades = &atomic.Int64{}
	h := d.Handler()
	return httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		upgrades.Add(1)
		h.ServeHTTP(rw, r)
	})), upgrades
}

func resumesElsewhere(t *testing.T) {
	w := overSockets(t)
	server, upgrades := counted(w.discord)
	t.Cleanup(server.Close)
	w.discord.SetGateway(discordtest.Gateway{Elsewhere: strings.Replace(server.URL, "http", "ws", 1)})
	w.started()
	if upgrades.Load() != 0 {
		t.Error("it began at the address for resuming")
	}
	for range 2 {
		w.discord.DropConnections()
		w.up(true)
	}
	if upgrades.Load() != 2 {
		t.Error("it resumed at the address for that", upgrades.Load(), "times of 2")
	}
	w.stop() // before the server
}

func resumesAtUsualAddress(t *testing.T, elsewhere string) {
	w := overSockets(t)
	w.discord.SetGateway(discordtest.Gateway{Elsewhere: elsewhere})
	w.started()
	w.discord.DropConnections()
	w.up(true)
	w.types("hello")
	w.identifies(1)
}

func oddMessages(t *testing.T) {
	w := overSockets(t).started()
	for _, m := range oddFrames {
		w.discord.Send(false, []byte(m))
		w.discord.Send(true, []byte(m))
	}
	w.discord.Send(true, []byte{0x78, 0x9c, 0xaa, 0x56, 0x02, 0x04, 0, 0, 0xff, 0xff})
	w.discord.Send(false, fmt.Appendf(nil, `{"op":0,"t":"MESSAGE_CREATE","d":{"content":%q}}`, strings.Repeat("x", 1<<20)))
	for _, e := range oddEvents {
		w.discord.Emit(e.kind, e.data)
	}
	w.types("hello")
	if w.link.Dropped.Load() == 0 || w.link.Connects.Load() != 1 {
		t.Error(w.link.Dropped.Load(), "dropped,", w.link.Connects.Load(), "connections")
	}
	w.identifies(1)
	w.discord.DropConnections() // what was odd did not change the place to go on from
	w.discord.Person("alex").Type("in the gap")
	w.up(true)
	w.hears("in the gap")
	w.identifies(1)
}

// oddFrames are no messages of Discord's, or ones that discordgo does not survive.
var oddFrames = []string{
	``, `x`, `{`, `null`, `[]`, `{}`, `""`, `0`, `{"op":null}`, `{"op":"0"}`, `{"op":1e9}`, `{"op":42,"d":{}}`, `{"op":-1}`,
	`{"op":0}`, `{"op":0,"t":null,"d":null}`, `{"op":0,"t":"","s":1}`, `{"op":0,"t":"MESSAGE_CREATE","s":"x","d":{}}`,
	`{"op":0,"t":"GUILD_CREATE","d":null}`, `{"op":0,"t":"GUILD_CREATE"}`, `{"op":0,"t":"VOICE_STATE_UPDATE","d":null}`,
	`{"op":0,"t":"MESSAGE_CREATE","s":0,"d":{}}`, `{"op":0,"t":"MESSAGE_CREATE","s":-5,"d":{}}`, `{"op":10}`, `{"op":10,"d":null}`,
	`{"op":10,"d":{"heartbeat_interval":0}}`, `{"op":11,"d":[]}`, `{"op":0,"t":"__EVENT__","d":{}}`, `{"op":0,"t":"__DISCONNECT__","d":{}}`,
	`{"op":0,"t":"aftercare:x","d":{}}`, `{"op":0,"t":"\u0000\"","d":{}}`, `{"op":0,"t":"X","d":{}} trailing`,
}

type oddEvent struct {
	kind string
	data json.RawMessage
}

var oddEvents = func() (out []oddEvent) {
	kinds := []string{
		"MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE", "INTERACTION_CREATE", "GUILD_CREATE", "GUILD_UPDATE", "GUILD_DELETE",
		"VOICE_STATE_UPDATE", "VOICE_SERVER_UPDATE", "CHANNEL_CREATE", "THREAD_LIST_SYNC", "GUILD_MEMBERS_CHUNK", "PRESENCE_UPDATE", "NOT_YET_KNOWN",
	}
	for _, kind := range kinds {
		for _, data := range []string{"", `null`, `"x"`, `[]`, `{}`, `{"id":1,"author":[],"channels":[null],"members":[null],"components":[{"type":99}]}`} {
			var raw json.RawMessage
			if data != "" {
				raw = json.RawMessage(data)
			}
			out = append(out, oddEvent{kind, raw})
		}
	}
	return out
}()

func hangsConnected(t *testing.T) {
	w := overSockets(t)
	w.link.hang = 600 * time.Millisecond
	w.started()
	stuck := w.link.session // the link's own again only when it finds it stuck
	stuck.Lock()
	began := time.Now()
	w.until("it is replaced", func() bool { return w.link.Replaced.Load() == 1 })
	if took := time.Since(began); took > 2*time.Second {
		t.Error("the hang was noticed after", took)
	}
	w.up(false)
	w.types("hello")
	w.identifies(2)
	w.closedWith()
	stuck.Unlock()
}

func hangsClosing(t *testing.T) {
	w := overSockets(t)
	w.link.hang = 1500 * time.Millisecond // discordgo takes a second when it does not hang
	w.started()
	stuck := w.link.session
	stuck.Lock()
	w.discord.DropConnections()
	w.until("it is replaced", func() bool { return w.link.Replaced.Load() == 1 })
	w.up(false)
	w.types("hello")
	w.identifies(2)
	stuck.Unlock()
}

// hangsInsideOpen: a Session that holds its lock and does not come back from Open,
// and to which Discord has nothing to say that would show it.
func hangsInsideOpen(t *testing.T) {
	w := overSockets(t)
	w.link.open, w.link.hang = 700*time.Millisecond, 600*time.Millisecond
	release := make(chan struct{})
	w.link.session, w.link.gone = w.link.fresh()
	w.link.session.AddHandler(func(*discordgo.Session, *discordgo.Ready) { <-release })
	w.started()
	w.until("it is replaced", func() bool { return w.link.Replaced.Load() == 1 })
	w.up(false)
	w.types("hello")
	w.identifies(2)
	w.until("its connection is gone", func() bool { return w.discord.Connections() == 1 })
	close(release) // and the goroutine that was stuck ends; see TestLinkOverSockets
}

// hangsHearing: a Session that never reads on.
func hangsHearing(t *testing.T) {
	w := overSockets(t)
	w.link.hang = 1500 * time.Millisecond
	release := make(chan struct{})
	hear := w.link.hear
	w.link.hear = func(kind string, raw json.RawMessage) {
		if kind == "STUCK" {
			<-release
		}
		hear(kind, raw)
	}
	w.started()
	w.discord.Emit("STUCK", nil)
	w.discord.DropConnections()
	w.until("it is replaced", func() bool { return w.link.Replaced.Load() == 1 })
	w.up(false)
	w.types("hello")
	w.identifies(2)
	close(release)
}

// What discordgo must not have on, and what Discord is asked for.
func TestFreshSession(t *testing.T) {
	s, _ := overPipes(t).link.fresh()
	if s.Identify.Intents != discordgo.IntentDirectMessages {
		t.Error("the intents are", s.Identify.Intents)
	}
	if s.StateEnabled || s.ShouldReconnectOnError || !s.SyncEvents || s.LogLevel != discordgo.LogError || s.Identify.Compress {
		t.Errorf("state %t, reconnects %t, in order %t, log level %d, compressed %t",
			s.StateEnabled, s.ShouldReconnectOnError, s.SyncEvents, s.LogLevel, s.Identify.Compress)
	}
}

func hearPanics(t *testing.T) {
	w := overSockets(t)
	hear := w.link.hear
	w.link.hear = func(kind string, raw json.RawMessage) {
		if kind == "PANIC" {
			panic("somebody's words")
		}
		hear(kind, raw)
	}
	w.started()
	w.discord.Emit("PANIC", nil)
	w.types("hello")
	if strings.Contains(w.log.text(), "words") {
		t.Error("the value of the panic was logged")
	}
}

func discoveryFails(t *testing.T) {
	w := overSockets(t)
	var asked atomic.Int64
	w.discord.SetFault(func(*http.Request) *discordtest.Fault {
		if asked.Add(1) > 2 {
			return nil
		}
		return &discordtest.Fault{Before: true, Status: 500}
	})
	w.started()
	w.identifies(1)
}

// keepsOrder sends 2,000 messages of 20 people through the whole path.
func keepsOrder(t *testing.T) {
	w := overSockets(t)
	people := newLines(slog.New(w.log))
	var mu sync.Mutex
	seen := map[string][]string{}
	w.link.hear = func(_ string, raw json.RawMessage) {
		var m message
		if json.Unmarshal(raw, &m) != nil || !m.typed() {
			return
		}
		people.queue(m.Author.ID, func() {
			mu.Lock()
			defer mu.Unlock()
			seen[m.Author.ID] = append(seen[m.Author.ID], m.Content)
		})
	}
	w.started()
	var all int
	for n := range 100 {
		for p := range 20 {
			w.discord.Person(fmt.Sprint("person", p)).Type(fmt.Sprint(n))
			all++
		}
		if n == 85 { // Discord has no more than the last few hundred for a resume
			w.discord.Reconnect()
		}
	}
	w.until("all is heard", func() bool {
		mu.Lock()
		defer mu.Unlock()
		n := 0
		for _, list := range seen {
			n += len(list)
		}
		return n >= all
	})
	people.close()
	for who, list := range seen {
		for i, got := range list {
			if got != fmt.Sprint(i) {
				t.Fatalf("%s: message %d is %q", who, i, got)
			}
		}
	}
}

func fatalClose(t *testing.T, code int, g discordtest.Gateway) {
	w := overSockets(t)
	w.discord.SetGateway(g)
	w.start()
	namesFix(t, code, w.ended())
	if n := w.link.Connects.Load(); n != 1 {
		t.Error(n, "connections")
	}
}

func fatalWhileListening(t *testing.T, code int) {
	w := overSockets(t).started()
	w.discord.CloseConnections(code)
	namesFix(t, code, w.ended())
	w.closedWith()
}

// fixes are words of what the operator has to do.
var fixes = map[int]string{4004: "copy it anew", 4010: "report", 4011: "leave some", 4012: "update", 4013: "update", 4014: "update"}

func namesFix(t *testing.T, code int, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint(code)) || !strings.Contains(err.Error(), fixes[code]) {
		t.Errorf("code %d ended the link with %v", code, err)
	}
}

func closes(t *testing.T, code int, resumed bool) {
	w := overSockets(t).started()
	w.discord.CloseConnections(code)
	w.discord.Person("alex").Type("in the gap")
	w.up(resumed)
	if resumed {
		w.hears("in the gap")
		w.identifies(1)
	} else {
		w.types("hello")
		w.identifies(2)
	}
	w.closedWith()
}

// stopStates bring a link into the states in which it may be stopped.
var stopStates = map[string]func(*linked){
	"while dialing": func(w *linked) {
		address, accepted := deafListener(w.t)
		var there atomic.Bool
		there.Store(true)
		w.sendTo(address, &there)
		w.start()
		w.until("it dials", func() bool { return accepted.Load() > 0 })
	},
	"before Hello": func(w *linked) {
		w.discord.SetGateway(discordtest.Gateway{Silent: true})
		w.start()
		w.until("it is connected", w.connected(1))
	},
	"inside Open": func(w *linked) {
		w.discord.SetGateway(discordtest.Gateway{Deaf: true})
		w.start()
		w.until("it identifies", func() bool { return w.discord.Identifies() > 0 })
	},
	"while listening": func(w *linked) { w.started() },
	"while it waits": func(w *linked) {
		w.discord.SetGateway(discordtest.Gateway{Refuse: true})
		w.start()
		w.until("it waits", func() bool { return strings.Contains(w.log.text(), "connecting again") })
	},
	"without a budget": func(w *linked) {
		w.discord.SetStartLimit(discordtest.StartLimit{ResetAfter: time.Hour})
		w.start()
		w.until("it waits", func() bool { return strings.Contains(w.log.text(), "no more new connections") })
	},
	"while it asks for the budget": func(w *linked) {
		var asked atomic.Bool
		w.discord.SetFault(func(*http.Request) *discordtest.Fault {
			asked.Store(true)
			return &discordtest.Fault{Before: true, Status: 500, Delay: time.Minute}
		})
		w.start()
		w.until("it asks", asked.Load)
	},
	"while the Session hangs": func(w *linked) {
		w.started()
		stuck := w.link.session
		stuck.Lock()
		w.t.Cleanup(stuck.Unlock)
	},
}

func stops(t *testing.T, reach func(*linked)) {
	w := overSockets(t)
	reach(w)
	if took := w.stop(); took > closeWithin+time.Second {
		t.Error("stopping took", took)
	}
	w.until("all connections are gone", func() bool { return w.discord.Connections() == 0 })
}

// Bot.Run ends with what the operator has to do.
func TestRunEndsForGood(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for code, fatal := range map[int]func(*discordtest.Discord){
		4004: func(d *discordtest.Discord) { d.SetGateway(discordtest.Gateway{CloseCode: 4004}) },
		4014: func(d *discordtest.Discord) {
			d.SetGateway(discordtest.Gateway{Interval: 10 * time.Millisecond, BeatFirst: true})
			go func() {
				await(t, "it listens", d.Connected)
				d.CloseConnections(4014)
			}()
		},
	} {
		h := newHouse(t)
		server := httptest.NewServer(h.discord.Handler())
		base := &http.Transport{}
		b, err := New(h.store, Options{Token: "secret", APIURL: server.URL + "/api", RequestsPerSecond: 1000, Transport: base, Log: slog.New(h.log)})
		if err != nil {
			t.Fatal(err)
		}
		fatal(h.discord)
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		namesFix(t, code, b.Run(ctx))
		cancel()
		base.CloseIdleConnections()
		server.Close()
	}
}

// In a bubble an hour takes no time.

func TestMissingACKs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := overPipes(t).started()
		for range 20 {
			interval := 41250 * time.Millisecond
			time.Sleep(10*time.Minute + 3*time.Second)
			w.discord.SetGateway(discordtest.Gateway{MissACKs: true})
			began := time.Now()
			for w.discord.Connected() {
				w.discord.Emit("TYPING_START", json.RawMessage(`{}`)) // events still flow
				time.Sleep(time.Second)
			}
			if took := time.Since(began); took > 2*interval+time.Second {
				t.Errorf("it was noticed after %s", took)
			}
			w.discord.SetGateway(discordtest.Gateway{})
			w.up(true)
		}
		w.identifies(1)
		w.stop()
	})
}

func TestHourOfInvalidSessions(t *testing.T) {
	for name, g := range map[string]discordtest.Gateway{
		"d:false": {Refuse: true}, "d:true": {Refuse: true, Resumable: true}, "deaf": {Deaf: true}, "drop": {Drop: true},
		"op 7": {ReconnectInstead: true}, "close": {CloseCode: 4000}, "close 4009": {CloseCode: 4009},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := overPipes(t).started()
			time.Sleep(time.Hour)
			w.discord.SetGateway(g)
			w.discord.DropConnections()
			pauses := w.pausesWithin(time.Hour)
			t.Log(name, "identifies", w.discord.Identifies()-1, "connections", w.link.Connects.Load()-1, "pauses", pauses)
			if n := w.link.Connects.Load(); n > 30 {
				t.Errorf("%s: %d connections in an hour", name, n)
			}
			if n := w.discord.Identifies(); n > 25 {
				t.Errorf("%s: %d sessions were begun in an hour", name, n)
			}
			for i, p := range pauses {
				if least := min(time.Second<<max(i-1, 0)-time.Second, slowest); p < least {
					t.Errorf("%s: pause %d is %s", name, i, p)
				}
			}
			w.discord.SetGateway(discordtest.Gateway{})
			time.Sleep(10 * time.Minute)
			w.up(false)
			w.stop()
		})
	}
}

// pausesWithin waits and tells how long it was from each connection to the next.
func (w *linked) pausesWithin(d time.Duration) (out []time.Duration) {
	last, n := time.Now(), w.link.Connects.Load()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if now := w.link.Connects.Load(); now != n {
			out = append(out, time.Since(last).Round(time.Second))
			last, n = time.Now(), now
		}
	}
	return out
}

func TestStartBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := overPipes(t)
		w.discord.SetStartLimit(discordtest.StartLimit{Remaining: 2, ResetAfter: 3 * time.Hour})
		w.discord.SetGateway(discordtest.Gateway{Refuse: true})
		w.start()
		time.Sleep(3*time.Hour - time.Second)
		w.identifies(2)
		w.discord.SetGateway(discordtest.Gateway{})
		time.Sleep(2 * time.Second)
		w.up(false)
		w.identifies(3)
		w.discord.SetStartLimit(discordtest.StartLimit{ResetAfter: time.Hour})
		w.discord.DropConnections() // a resume takes nothing of it
		time.Sleep(10 * time.Second)
		w.up(true)
		if errs := w.discord.Errors(); len(errs) > 0 {
			t.Error(errs)
		}
		w.stop()
	})
}

// Flapping for a day, a little longer than counts as good, stays within the thousand.
func TestDayOfFlapping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := overPipes(t).started()
		for end := time.Now().Add(24 * time.Hour); time.Now().Before(end); {
			time.Sleep(heldFor + time.Second)
			w.discord.Invalidate(false)
		}
		t.Log(w.discord.Identifies(), "sessions in a day")
		if errs := w.discord.Errors(); len(errs) > 0 || w.discord.Identifies() > startsLeft {
			t.Error(w.discord.Identifies(), errs)
		}
		w.stop()
	})
}

const startsLeft = 1001

func TestOddBudgets(t *testing.T) {
	for _, reset := range []float64{-1, 0, 1e300, 5} {
		var b startBudget
		b.Limit.ResetAfter = reset
		if got := b.reset(); got < time.Second || got > 24*time.Hour {
			t.Error(reset, got)
		}
	}
}

// 1,000 reconnects of every kind leave nothing behind.
func TestReconnectsLeaveNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	before := goleak.IgnoreCurrent()
	synctest.Test(t, func(t *testing.T) {
		w := overPipes(t)
		w.discord.SetFault(func(*http.Request) *discordtest.Fault {
			return &discordtest.Fault{Header: headers("X-RateLimit-Limit", "1", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset-After", "1")}
		})
		w.started()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		first := w.figures()
		ends := []func(){
			w.discord.DropConnections, w.discord.Reconnect, w.discord.DropMidFrame, w.discord.Beat,
			func() { w.discord.CloseConnections(4000) }, func() { w.discord.Invalidate(true) }, func() { w.discord.Invalidate(false) },
		}
		for i := range 1000 {
			if end := ends[i%len(ends)]; i%len(ends) == 3 {
				end()
				w.discord.DropConnections()
			} else {
				end()
			}
			w.up(i%len(ends) != 6)
			time.Sleep(heldFor + time.Duration(i)*time.Millisecond)
		}
		synctest.Wait()
		last := w.figures()
		t.Logf("after 1 connection: %+v; after %d: %+v", first, w.link.Connects.Load(), last)
		if last.goroutines > first.goroutines+2 || last.connections != first.connections || last.buckets != first.buckets { // +2: the runtime's own
			t.Error("something was left behind")
		}
		w.stop()
		if left := w.discord.Connections(); left != 0 {
			t.Error(left, "connections left")
		}
	})
	goleak.VerifyNone(t, before)
}

type figures struct{ goroutines, connections, buckets int }

func (w *linked) figures() figures {
	return figures{runtime.NumGoroutine(), w.discord.Connections(), len(w.api.buckets.by)}
}

func TestWithoutURL(t *testing.T) {
	inner := errors.New("refused")
	err := withoutURL(&url.Error{Op: "Get", URL: "https://x/token", Err: fmt.Errorf("again: %w", &url.Error{Op: "Get", URL: "https://x/token", Err: inner})})
	if err != inner {
		t.Error(err)
	}
}
