package bot

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// shield stands between Discord's gateway and one connection of a discordgo
// Session, and lets through only what that survives (discord.md 6.4). discordgo
// v0.29.0 hangs for good on an op 7 or op 11 inside Open, identifies without end
// on op 9, panics on an op 1 at the wrong moment, waits for ever for a server that
// says nothing, and ends its session with a close frame where it means to resume.
// So those are answered here; when a connection is no good any more, both of its
// ends are cut without a frame, which keeps the session resumable.
type shield struct {
	up       *websocket.Conn
	patience time.Duration // for Hello
	known    func(gatewayReady)
	begins   func() // a new session is asked for

	once  sync.Once
	ended chan struct{}
	why   ending

	mu        sync.Mutex // guards writing to up, and what follows
	seq       int64
	awaiting  bool // a heartbeat was not acknowledged yet
	dispatch  bool // discordgo was given an event, so that it is past Open
	interval  time.Duration
	downWrite sync.Mutex
}

// ending is why a connection ended.
type ending struct {
	kind string // lost, silent, reconnect, invalid, closed, asked
	code int    // of a close frame
	keep bool   // the session can be resumed
}

// String names it for the log.
func (e ending) String() string {
	if e.kind == "closed" {
		return fmt.Sprintf("closed with code %d", e.code)
	}
	return e.kind
}

// gatewayReady is what READY says about resuming. resumed: it was RESUMED.
type gatewayReady struct {
	resumed bool
	url     string
}

func newShield(up *websocket.Conn, helloWithin time.Duration, known func(gatewayReady), begins func()) *shield {
	return &shield{up: up, patience: helloWithin, known: known, begins: begins, ended: make(chan struct{})}
}

// end cuts both ends, once.
func (s *shield) end(why ending) {
	s.once.Do(func() {
		s.why = why
		close(s.ended)
		_ = s.up.NetConn().Close()
	})
}

// serve answers discordgo's dial on one end of a pipe and carries messages both
// ways until either side ends. Nothing of it runs when it returns.
func (s *shield) serve(pipe net.Conn) {
	defer pipe.Close()
	br := bufio.NewReader(pipe)
	r, err := http.ReadRequest(br)
	if err != nil {
		s.end(ending{kind: "lost", keep: true})
		return
	}
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	down, err := up.Upgrade(&pipeWriter{c: pipe, br: br, header: http.Header{}}, r, nil)
	if err != nil {
		s.end(ending{kind: "lost", keep: true})
		return
	}
	// discordgo's Close sleeps under its lock after its close frame: wait to be hung up on.
	down.SetCloseHandler(func(int, string) error { return nil })
	var busy sync.WaitGroup
	busy.Go(func() { s.fromDiscord(down); _ = pipe.Close() })
	s.toDiscord(down, pipe)
	busy.Wait()
}

// fromDiscord passes on what discordgo survives.
func (s *shield) fromDiscord(down *websocket.Conn) {
	for {
		_ = s.up.SetReadDeadline(time.Now().Add(s.within()))
		_, b, err := s.up.ReadMessage()
		if err != nil {
			s.end(lost(err))
			return
		}
		var m gatewayMessage
		if err := json.Unmarshal(b, &m); err != nil {
			continue // nothing discordgo could read either
		}
		pass, why := s.judge(m)
		if why.kind != "" {
			s.end(why)
			return
		}
		if pass && s.write(&s.downWrite, down, b) != nil {
			s.end(ending{kind: "lost", keep: true})
			return
		}
	}
}

type gatewayMessage struct {
	Op   int             `json:"op"`
	Seq  int64           `json:"s"`
	Type string          `json:"t"`
	Data json.RawMessage `json:"d"`
}

// within is how long Discord may say nothing: a while before Hello, then no
// longer than two heartbeats.
func (s *shield) within() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.interval == 0 {
		return s.patience
	}
	return 2 * s.interval
}

func lost(err error) ending {
	var closed *websocket.CloseError
	if errors.As(err, &closed) {
		c := closed.Code
		return ending{kind: "closed", code: c, keep: c != 4007 && c != 4009 && c != 1000 && c != 1001}
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return ending{kind: "silent", keep: true}
	}
	return ending{kind: "lost", keep: true}
}

// judge decides what becomes of a message: passed on, kept, or the end.
func (s *shield) judge(m gatewayMessage) (pass bool, why ending) {
	switch m.Op {
	case 0:
		s.event(m)
		return true, ending{}
	case 1:
		return false, s.heartbeat()
	case 7:
		return false, ending{kind: "reconnect", keep: true}
	case 9:
		var keep bool
		_ = json.Unmarshal(m.Data, &keep) // anything but true is no
		return false, ending{kind: "invalid", keep: keep}
	case 10:
		return true, s.hello(m)
	case 11:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.awaiting = false
		return s.dispatch, ending{}
	}
	return false, ending{}
}

func (s *shield) hello(m gatewayMessage) ending {
	var d struct {
		Interval float64 `json:"heartbeat_interval"`
	}
	if json.Unmarshal(m.Data, &d) != nil || d.Interval < 1 {
		return ending{kind: "lost", keep: true} // discordgo would panic on a ticker of nothing
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.interval = time.Duration(d.Interval * float64(time.Millisecond))
	return ending{}
}

func (s *shield) event(m gatewayMessage) {
	s.mu.Lock()
	s.seq, s.dispatch = m.Seq, true
	s.mu.Unlock()
	switch m.Type {
	case "READY":
		var d struct {
			URL string `json:"resume_gateway_url"`
		}
		_ = json.Unmarshal(m.Data, &d) // without it we resume at the usual address
		s.known(gatewayReady{url: d.URL})
	case "RESUMED":
		s.known(gatewayReady{resumed: true})
	}
}

// heartbeat answers Discord's request for one.
func (s *shield) heartbeat() ending {
	s.mu.Lock()
	seq := s.seq
	s.mu.Unlock()
	b := fmt.Appendf(nil, `{"op":1,"d":%d}`, seq)
	if s.write(&s.mu, s.up, b) != nil {
		return ending{kind: "lost", keep: true}
	}
	return ending{}
}

const writeWithin = 10 * time.Second

func (s *shield) write(guard *sync.Mutex, to *websocket.Conn, b []byte) error {
	guard.Lock()
	defer guard.Unlock()
	_ = to.SetWriteDeadline(time.Now().Add(writeWithin))
	return to.WriteMessage(websocket.TextMessage, b)
}

// toDiscord passes on what discordgo says. A heartbeat while the one before was
// not acknowledged means that nobody is there: that is noticed after one interval.
func (s *shield) toDiscord(down *websocket.Conn, pipe net.Conn) {
	for {
		_, b, err := down.ReadMessage()
		var closed *websocket.CloseError
		if errors.As(err, &closed) {
			s.sayGoodbye(closed.Code)
			_, _ = io.Copy(io.Discard, pipe)
		}
		if err != nil {
			s.end(ending{kind: "asked"})
			return
		}
		var m struct {
			Op int `json:"op"`
		}
		_ = json.Unmarshal(b, &m) // discordgo's own
		switch {
		case m.Op == 1 && s.unanswered():
			s.end(ending{kind: "silent", keep: true})
			return
		case m.Op == 2:
			s.begins()
		}
		if s.write(&s.mu, s.up, b) != nil {
			s.end(ending{kind: "lost", keep: true})
			return
		}
	}
}

// unanswered notes a heartbeat and tells whether the one before is still open.
func (s *shield) unanswered() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.awaiting
	s.awaiting = true
	return was
}

// sayGoodbye passes a close frame on: the bot shows as offline at once.
func (s *shield) sayGoodbye(code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.up.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(time.Second))
}

// pipeWriter is what an upgrade to a websocket needs of a ResponseWriter.
type pipeWriter struct {
	c      net.Conn
	br     *bufio.Reader
	header http.Header
}

func (w *pipeWriter) Header() http.Header         { return w.header }
func (w *pipeWriter) Write(b []byte) (int, error) { return w.c.Write(b) }
func (w *pipeWriter) WriteHeader(int)             {}

// Hijack implements http.Hijacker.
func (w *pipeWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return w.c, bufio.NewReadWriter(w.br, bufio.NewWriter(w.c)), nil
}
