package discordtest_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"aftercare/bot/discordtest"
)

// wire is a client that only says what it is told to.
type wire struct {
	t *testing.T
	*websocket.Conn
}

func (st *stage) dial() *wire {
	st.t.Helper()
	ws, _, err := (&websocket.Dialer{NetDialContext: st.DialContext}).Dial("ws://discord.test/?v=9&encoding=json", nil)
	if err != nil {
		st.t.Fatal(err)
	}
	return &wire{st.t, ws}
}

// op returns the next opcode, or -1 if there is none for a minute.
func (w *wire) op() int {
	w.t.Helper()
	_ = w.SetReadDeadline(time.Now().Add(time.Minute)) // there is none on a pipe that is closed
	in := struct{ Op int }{-1}
	_ = w.ReadJSON(&in)
	return in.Op
}

func (w *wire) say(op int, data any) {
	w.t.Helper()
	must(w.t, w.WriteJSON(map[string]any{"op": op, "d": data}))
}

func TestGatewayInTrouble(t *testing.T) {
	identify := map[string]any{"token": "secret", "intents": 0}
	for name, trouble := range map[string]struct {
		discordtest.Gateway
		ops []int // what the server says to Identify, a heartbeat, and at last
	}{
		"none":            {discordtest.Gateway{}, []int{10, 0, 11}},
		"silent":          {discordtest.Gateway{Silent: true}, []int{0}},
		"reconnect first": {discordtest.Gateway{ReconnectFirst: true}, []int{7, 0}},
		"refuse":          {discordtest.Gateway{Refuse: true}, []int{10, 9, 11}},
		"miss ACKs":       {discordtest.Gateway{MissACKs: true}, []int{10, 0, -1}},
		"close":           {discordtest.Gateway{CloseCode: 4000}, []int{10, -1}},
		"close first":     {discordtest.Gateway{CloseFirst: 4000}, []int{-1}},
		"drop first":      {discordtest.Gateway{DropFirst: true}, []int{-1}},
		"ACK first":       {discordtest.Gateway{ACKFirst: true, BeatFirst: true}, []int{10, 11, 1, 0, 11}},
		"deaf":            {discordtest.Gateway{Deaf: true}, []int{10, 11}},
		"reconnect":       {discordtest.Gateway{ReconnectInstead: true}, []int{10, 7, 11}},
		"refuse resumes":  {discordtest.Gateway{RefuseResume: true}, []int{10, 0, 11}},
		"refuse one":      {discordtest.Gateway{RefuseIdentifies: 1}, []int{10, 9, 11}},
	} {
		play(t, func(st *stage) {
			st.SetGateway(trouble.Gateway)
			w := st.dial()
			_ = w.WriteJSON(map[string]any{"op": 2, "d": identify}) // some have gone by now
			_ = w.WriteJSON(map[string]any{"op": 1})
			for i, want := range trouble.ops {
				if got := w.op(); got != want {
					t.Errorf("%s: op %d is %d, want %d", name, i, got, want)
				}
			}
			_ = w.Close() // some have gone by now
			st.SetGateway(discordtest.Gateway{})
		})
	}
}

func TestProtocolErrors(t *testing.T) {
	play(t, func(st *stage) {
		for want, say := range map[int]func(*wire){
			4001: func(w *wire) { w.say(77, nil) },
			4002: func(w *wire) { must(t, w.WriteMessage(websocket.TextMessage, []byte("{"))) },
			4004: func(w *wire) { w.say(6, map[string]any{"token": "other", "session_id": "x", "seq": 1}) },
			4005: func(w *wire) {
				w.say(2, map[string]any{"token": "secret"})
				w.say(2, map[string]any{"token": "secret"})
			},
		} {
			w := st.dial()
			say(w)
			var err error
			for err == nil {
				_, _, err = w.ReadMessage()
			}
			if !websocket.IsCloseError(err, want) {
				t.Errorf("%d: %v", want, err)
			}
			must(t, w.Close())
		}
	})
}

// A session ends when its client says goodbye, or stays away for too long.
func TestResumeInTime(t *testing.T) {
	for name, c := range map[string]struct {
		code int
		away time.Duration
		op   int
	}{
		"at once":  {4000, 0, 0},
		"too late": {4000, 6 * time.Minute, 9},
		"goodbye":  {1000, 0, 9},
	} {
		play(t, func(st *stage) {
			w := st.dial()
			w.op()
			w.say(2, map[string]any{"token": "secret"})
			var ready struct {
				D struct {
					Session string `json:"session_id"`
				} `json:"d"`
			}
			must(t, w.ReadJSON(&ready))
			must(t, w.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(c.code, "")))
			must(t, w.Close())
			time.Sleep(c.away + time.Second)
			w = st.dial()
			w.op()
			w.say(6, map[string]any{"token": "secret", "session_id": ready.D.Session, "seq": 1})
			if got := w.op(); got != c.op {
				t.Errorf("%s: op %d, want %d", name, got, c.op)
			}
			must(t, w.Close())
		})
	}
}

func TestStartLimit(t *testing.T) {
	play(t, func(st *stage) {
		limit := func() (remaining int, reset time.Duration) {
			t.Helper()
			b, err := st.s.GatewayBot()
			must(t, err)
			return b.SessionStartLimit.Remaining, time.Duration(b.SessionStartLimit.ResetAfter) * time.Millisecond
		}
		if n, _ := limit(); n != 999 { // the stage has begun one
			t.Error(n, "remaining")
		}
		st.SetStartLimit(discordtest.StartLimit{Remaining: 1, ResetAfter: time.Hour})
		for want := range 2 {
			w := st.dial()
			w.op()
			w.say(2, map[string]any{"token": "secret"})
			w.op()
			must(t, w.Close())
			if n, reset := limit(); n != 0 || reset != time.Hour || len(st.Errors()) != want {
				t.Error(n, reset, st.Errors())
			}
		}
		time.Sleep(time.Hour)
		if n, reset := limit(); n != 1000 || reset != 24*time.Hour {
			t.Error(n, reset)
		}
	})
}

// What a test can do to connections that are up.
func TestTroubleWhileListening(t *testing.T) {
	play(t, func(st *stage) {
		w := st.dial()
		w.op()
		w.say(2, map[string]any{"token": "secret"})
		w.op()
		st.Beat()
		st.Invalidate(true)
		st.Send(false, []byte(`{"op":77}`))
		st.Emit("X", nil)
		st.Reconnect()
		for _, want := range []int{1, 9, 77, 0, 7} {
			if got := w.op(); got != want {
				t.Errorf("op %d, want %d", got, want)
			}
		}
		synctest.Wait() // the stage's own session answers Beat as well
		before := st.Beats()
		w.say(1, nil)
		w.op()
		if got := st.Beats(); got != before+1 {
			t.Error(got-before, "heartbeats")
		}
		st.DropMidFrame()
		if got := w.op(); got != -1 {
			t.Error("after the drop: op", got)
		}
		must(t, w.Close())
		w = st.dial()
		w.op()
		st.CloseConnections(4000)
		if _, _, err := w.ReadMessage(); !websocket.IsCloseError(err, 4000) {
			t.Error(err)
		}
		must(t, w.Close()) // websocket has sent the code back
		time.Sleep(time.Minute)
		if got := st.ClosedWith(); !slices.Contains(got, 4000) || st.Connections() != 1 {
			t.Error(got, st.Connections(), "connections")
		}
	})
}
