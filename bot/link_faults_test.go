package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aftercare/bot/discordtest"
)

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
