package bot

import (
	"context"
	"encoding/json"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
)

// between is a shield with a test on both of its sides. It needs a bubble.
type between struct {
	t       *testing.T
	shield  *shield
	discord *websocket.Conn // the test is Discord here
	session *websocket.Conn // and discordgo here
	begun   int
	dropped int
	busy    sync.WaitGroup
}

func newBetween(t *testing.T) *between {
	t.Helper()
	b := &between{t: t}
	client, server := net.Pipe()
	var err error
	b.busy.Go(func() { b.discord, _ = accept(server) })
	up := dialPipe(t, client)
	b.busy.Wait()
	b.shield = newShield(up, time.Minute)
	b.shield.begins = func() { b.begun++ }
	b.shield.drops = func() { b.dropped++ }
	mine, theirs := net.Pipe()
	b.busy.Go(func() { b.shield.serve(theirs) })
	b.session = dialPipe(t, mine)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func dialPipe(t *testing.T, c net.Conn) *websocket.Conn {
	t.Helper()
	d := websocket.Dialer{NetDialContext: func(context.Context, string, string) (net.Conn, error) { return c, nil }}
	ws, _, err := d.Dial("ws://pipe", nil)
	if err != nil {
		t.Fatal(err)
	}
	return ws
}

// says is Discord speaking.
func (b *between) says(message string) {
	b.t.Helper()
	if err := b.discord.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
		b.t.Fatal(message, err)
	}
}

// gets returns the next message at an end, or "" if there is none for a second.
func (b *between) gets(ws *websocket.Conn) string {
	got := make(chan string, 1)
	go func() {
		_, m, _ := ws.ReadMessage()
		got <- string(m)
	}()
	select {
	case m := <-got:
		return m
	case <-time.After(time.Second):
		return ""
	}
}

func (b *between) end() ending {
	b.shield.end(ending{kind: "asked"})
	b.busy.Wait()
	_, _ = b.discord.NetConn().Close(), b.session.NetConn().Close()
	return b.shield.why
}

const helloMessage = `{"op":10,"d":{"heartbeat_interval":41250,"_trace":["x"]}}`

// What discordgo is given of what Discord says after Hello.
func TestShieldPasses(t *testing.T) {
	for says, want := range map[string]string{
		`{"op":0,"s":1,"t":"READY","d":{"session_id":"s","guilds":[null],"resume_gateway_url":"wss://r"}}`: `{"op":0,"s":1,"t":"READY","d":{"session_id":"s"}}`,
		`{"op":0,"s":1,"t":"READY","d":null}`:                `{"op":0,"s":1,"t":"READY","d":{"session_id":""}}`,
		`{"op":0,"s":9,"t":"RESUMED","d":{"_trace":7}}`:      `{"op":0,"s":9,"t":"RESUMED","d":{}}`,
		`{"op":0,"s":2,"t":"MESSAGE_CREATE","d":{"id":"1"}}`: `{"op":0,"s":2,"t":"aftercare:MESSAGE_CREATE","d":{"id":"1"}}`,
		`{"op":0,"s":2,"t":"GUILD_CREATE","d":null}`:         `{"op":0,"s":2,"t":"aftercare:GUILD_CREATE","d":null}`,
		`{"op":0,"s":2,"t":"GUILD_CREATE"}`:                  `{"op":0,"s":2,"t":"aftercare:GUILD_CREATE","d":null}`,
		`{"op":0,"t":"x\u0000\"","d":[]}`:                    `{"op":0,"s":0,"t":"aftercare:x\u0000\"","d":[]}`,
		`{"op":0,"s":2,"t":"","d":{}}`:                       "",
		`null`:                                               "",
		`nonsense`:                                           "",
		`{"op":77}`:                                          "",
		`{"op":1}`:                                           "",
		`{"op":11}`:                                          "",
		helloMessage:                                         "",
		`{"op":10,"d":{"heartbeat_interval":-1}}`:            "",
		`{"op":0,"s":3,"t":"VOICE_STATE_UPDATE","d":"no object"}`: `{"op":0,"s":3,"t":"aftercare:VOICE_STATE_UPDATE","d":"no object"}`,
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBetween(t)
			b.says(helloMessage)
			if got := b.gets(b.session); got != ownHello {
				t.Fatal("discordgo's Hello is", got)
			}
			go b.discard(b.discord)
			b.says(says)
			if got := b.gets(b.session); got != want {
				t.Errorf("%s became %s, want %s", says, got, want)
			}
			if why := b.end(); why.kind != "asked" {
				t.Errorf("%s ended the connection: %s", says, why)
			}
		})
	}
}

func (b *between) discard(ws *websocket.Conn) {
	for {
		if _, _, err := ws.ReadMessage(); err != nil {
			return
		}
	}
}

func TestShieldEnds(t *testing.T) {
	for says, want := range map[string]ending{
		`{"op":7,"d":null}`:                      {kind: "reconnect", keep: true},
		`{"op":9,"d":false}`:                     {kind: "invalid"},
		`{"op":9,"d":true}`:                      {kind: "invalid", keep: true},
		`{"op":9,"d":"x"}`:                       {kind: "invalid"},
		`{"op":9}`:                               {kind: "invalid"},
		`{"op":10}`:                              {kind: "lost", keep: true},
		`{"op":10,"d":{"heartbeat_interval":0}}`: {kind: "lost", keep: true},
		`{"op":10,"d":{"heartbeat_interval":-41250}}`: {kind: "lost", keep: true},
		`{"op":10,"d":{"heartbeat_interval":1e300}}`:  {kind: "lost", keep: true},
		`{"op":10,"d":{"heartbeat_interval":9.3e12}}`: {kind: "lost", keep: true},
		`{"op":10,"d":{"heartbeat_interval":"x"}}`:    {kind: "lost", keep: true},
		`silence`: {kind: "silent", keep: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBetween(t)
			go b.discard(b.discord)
			b.says(says)
			<-b.shield.ended
			if why := b.end(); why != want {
				t.Errorf("%s: %+v, want %+v", says, why, want)
			}
		})
	}
}

// Before Hello, discordgo is given nothing: its Open would fail.
func TestShieldBeforeHello(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBetween(t)
		go b.discard(b.discord)
		for _, m := range []string{`{"op":0,"s":1,"t":"READY","d":{}}`, `{"op":11}`, `{"op":1}`} {
			b.says(m)
		}
		b.says(helloMessage)
		if got := b.gets(b.session); got != ownHello {
			t.Error("first it got", got)
		}
		if b.dropped != 1 {
			t.Error(b.dropped, "dropped")
		}
		b.end()
	})
}

// What discordgo says, and what of it reaches Discord.
func TestShieldSpeaks(t *testing.T) {
	for says, want := range map[string]string{
		`{"op":2,"d":{"token":"x"}}`: `{"op":2,"d":{"token":"x"}}`,
		`{"op":6,"d":{"seq":7}}`:     `{"op":6,"d":{"seq":7}}`,
		`{"op":1,"d":3}`:             "",
		`{"op":3,"d":{}}`:            "",
		`x`:                          "",
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBetween(t)
			if err := b.session.WriteMessage(websocket.TextMessage, []byte(says)); err != nil {
				t.Fatal(err)
			}
			if got := b.gets(b.discord); got != want {
				t.Errorf("%s became %s, want %s", says, got, want)
			}
			b.end()
			if wantBegun := strings.Contains(says, `"op":2`); wantBegun != (b.begun == 1) {
				t.Error(says, "began", b.begun)
			}
		})
	}
}

// discordgo closes with 1000 where it means to resume: Discord must not hear of it.
func TestShieldKeepsCloseFramesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBetween(t)
		if err := b.session.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(1000, "")); err != nil {
			t.Fatal(err)
		}
		_, _, err := b.discord.ReadMessage()
		if websocket.IsCloseError(err, 1000) || err == nil {
			t.Error("Discord was told:", err)
		}
		if why := b.end(); !why.keep {
			t.Error("the session is not kept:", why)
		}
	})
}

// Heartbeats carry the number of the last event, also after a resume; the first
// comes at a random moment of the first interval; a request for one is answered at once.
func TestShieldBeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := map[time.Duration]bool{}
		for range 10 {
			b := newBetween(t)
			go b.discard(b.session)
			b.says(helloMessage)
			began := time.Now()
			if got := b.next(b.discord); got != `{"op":1,"d":null}` {
				t.Error("the first heartbeat is", got)
			}
			took := time.Since(began)
			if first[took] = true; took > 41250*time.Millisecond {
				t.Error("the first heartbeat came after", took)
			}
			b.says(`{"op":11}`)
			if err := b.session.WriteMessage(websocket.TextMessage, []byte(`{"op":6,"d":{"seq":7}}`)); err != nil {
				t.Fatal(err)
			}
			b.next(b.discord)
			b.says(`{"op":1}`)
			if got := b.gets(b.discord); got != `{"op":1,"d":7}` {
				t.Error("asked for a heartbeat it sent", got)
			}
			b.says(`{"op":11}`)
			b.says(`{"op":0,"s":12,"t":"X","d":{}}`)
			b.says(`{"op":0,"t":"X","d":{}}`) // no number does not set it back
			if got := b.next(b.discord); got != `{"op":1,"d":12}` {
				t.Error("after events it sent", got)
			}
			b.end()
		}
		if len(first) < 5 {
			t.Error("the first heartbeats came after", first)
		}
	})
}

func (b *between) next(ws *websocket.Conn) string {
	b.t.Helper()
	_, m, err := ws.ReadMessage()
	if err != nil {
		b.t.Fatal(err)
	}
	return string(m)
}

// READY is told only after discordgo has it, so that both know the same session.
func TestShieldTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBetween(t)
		go b.discard(b.discord)
		b.says(helloMessage)
		b.next(b.session)
		b.says(`{"op":0,"s":1,"t":"READY","d":{"session_id":"s","resume_gateway_url":"wss://r"}}`)
		synctest.Wait()
		select {
		case r := <-b.shield.known:
			t.Error("told before:", r)
		default:
		}
		b.next(b.session)
		if r := <-b.shield.known; r.url != "wss://r" || r.resumed {
			t.Errorf("%+v", r)
		}
		b.end()
	})
}

// An event keeps its data byte for byte.
func TestShieldKeepsData(t *testing.T) {
	s := newShield(nil, 0)
	close(s.greeted)
	data := `{"content":"<&> \u2028 😀","n":12345678901234567890.5,"deep":[[[{}]]]}`
	out := s.event(gatewayMessage{Seq: 1, Type: "MESSAGE_CREATE", Data: json.RawMessage(data)})
	if !strings.Contains(string(out), data) {
		t.Error(string(out))
	}
}
