package bot

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/gorilla/websocket"

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
