package bot

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// shield stands between Discord's gateway and one connection of a discordgo
// Session, and lets through only what that survives (discord.md 6.4). discordgo
// v0.29.0 hangs for good on an op 7 or op 11 inside Open, identifies without end
// on op 9, panics on an op 1 at the wrong moment, on odd events and odd intervals,
// waits for ever for a server that says nothing, and ends its session with a close
// frame where it means to resume. So those are dealt with here, heartbeats too, and
// every event arrives in a form that discordgo has nothing to decode in. When a
// connection is no good any more, both of its ends are cut without a frame, which
// keeps the session resumable.
type shield struct {
	up       *websocket.Conn
	patience time.Duration     // for Hello
	begins   func()            // a new session is asked for
	drops    func()            // a message that can't be read
	known    chan gatewayReady // discordgo was given READY or RESUMED

	once    sync.Once
	ended   chan struct{}
	why     ending
	greeted chan struct{} // Hello was heard, and interval is set

	opened  atomic.Bool   // discordgo was given an event, which ends its Open
	settled chan struct{} // and it has sent the heartbeat that follows

	interval time.Duration
	upWrite  sync.Mutex
	mu       sync.Mutex // guards what follows
	seq      int64
	awaiting bool // a heartbeat was not acknowledged yet
}

const (
	opaque       = "aftercare:" // before the name of an event: discordgo knows none such, and decodes nothing
	mostInterval = time.Hour    // between heartbeats; Discord says 41 s
	ownHello     = `{"op":10,"d":{"heartbeat_interval":3600000000}}`
)

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

func newShield(up *websocket.Conn, helloWithin time.Duration) *shield {
	return &shield{
		up: up, patience: helloWithin, begins: func() {}, drops: func() {},
		known: make(chan gatewayReady, 1), ended: make(chan struct{}), greeted: make(chan struct{}), settled: make(chan struct{}),
	}
}

// end cuts both ends, once.
func (s *shield) end(why ending) {
	s.once.Do(func() {
		s.why = why
		close(s.ended)
		_ = s.up.NetConn().Close()
	})
}

// goodbye ends the session on purpose: the bot shows as offline at once.
func (s *shield) goodbye() {
	_ = s.up.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
	s.end(ending{kind: "asked"})
}

// serve answers discordgo's dial on one end of a pipe and carries messages both
// ways until either side ends. Nothing of it runs when it returns.
func (s *shield) serve(pipe net.Conn) {
	var busy sync.WaitGroup
	busy.Go(func() { <-s.ended; s.settle(); _ = pipe.Close() })
	if down, err := accept(pipe); err == nil {
		busy.Go(func() { s.fromDiscord(down) })
		busy.Go(s.beat)
		s.toDiscord(down)
	}
	s.end(ending{kind: "lost", keep: true})
	busy.Wait()
}

// settle lets discordgo finish its Open. Cut in the middle, two of its goroutines
// would close the session, one waiting for the other with the lock held.
func (s *shield) settle() {
	if !s.opened.Load() {
		return
	}
	late := time.NewTimer(time.Second)
	defer late.Stop()
	select {
	case <-s.settled:
		time.Sleep(time.Millisecond) // it takes its lock once more after the heartbeat
	case <-late.C:
	}
}

func accept(pipe net.Conn) (*websocket.Conn, error) {
	br := bufio.NewReader(pipe)
	r, err := http.ReadRequest(br)
	if err != nil {
		return nil, err
	}
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	down, err := up.Upgrade(&pipeWriter{c: pipe, br: br, header: http.Header{}}, r, nil)
	if err == nil {
		down.SetCloseHandler(func(int, string) error { return nil }) // nobody reads an answer
	}
	return down, err
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
		if err := json.Unmarshal(b, &m); err != nil || m.Op == nil {
			s.drops()
			continue
		}
		pass, why := s.judge(m)
		if why.kind == "" && pass != nil && write(down, pass) != nil {
			why = ending{kind: "lost", keep: true}
		}
		if why.kind != "" {
			s.end(why)
			return
		}
		s.tell(m)
	}
}

type gatewayMessage struct {
	Op   *int            `json:"op"`
	Seq  int64           `json:"s"`
	Type string          `json:"t"`
	Data json.RawMessage `json:"d"`
}

// within is how long Discord may say nothing: a while before Hello, then no
// longer than two heartbeats.
func (s *shield) within() time.Duration {
	if s.isGreeted() {
		return 2 * s.interval
	}
	return s.patience
}

func lost(err error) ending {
	var closed *websocket.CloseError
	if errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure { // which is no frame at all
		return ending{kind: "closed", code: closed.Code, keep: closed.Code != 4007 && closed.Code != 4009}
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return ending{kind: "silent", keep: true}
	}
	return ending{kind: "lost", keep: true}
}

// judge decides what becomes of a message: what discordgo is given of it, if
// anything, or that it is the end.
func (s *shield) judge(m gatewayMessage) (pass []byte, why ending) {
	switch *m.Op {
	case 0:
		return s.event(m), ending{}
	case 1:
		return nil, s.heartbeat()
	case 7:
		return nil, ending{kind: "reconnect", keep: true}
	case 9:
		var keep bool
		_ = json.Unmarshal(m.Data, &keep) // anything but true is no
		return nil, ending{kind: "invalid", keep: keep}
	case 10:
		return s.hello(m)
	case 11:
		s.mu.Lock()
		s.awaiting = false
		s.mu.Unlock()
	}
	return nil, ending{}
}

// hello starts the heartbeats. discordgo is given an interval that it never
// reaches: its own heartbeats would wait for its lock.
func (s *shield) hello(m gatewayMessage) ([]byte, ending) {
	if s.isGreeted() {
		return nil, ending{}
	}
	var d struct {
		Interval float64 `json:"heartbeat_interval"` // milliseconds
	}
	if json.Unmarshal(m.Data, &d) != nil || d.Interval < 1 || d.Interval > float64(mostInterval.Milliseconds()) {
		return nil, ending{kind: "lost", keep: true}
	}
	s.interval = time.Duration(d.Interval * float64(time.Millisecond))
	close(s.greeted)
	return []byte(ownHello), ending{}
}

func (s *shield) isGreeted() bool {
	select {
	case <-s.greeted:
		return true
	default:
		return false
	}
}

// event puts an event into a form that discordgo has nothing to decode in: of READY
// it needs the session's name, of RESUMED nothing, and of all others we read the
// raw data ourselves.
func (s *shield) event(m gatewayMessage) []byte {
	if m.Type == "" || !s.isGreeted() {
		s.drops()
		return nil
	}
	kind, data := opaque+m.Type, m.Data
	switch m.Type {
	case "READY":
		var d struct {
			Session string `json:"session_id"`
		}
		_ = json.Unmarshal(m.Data, &d) // without it the next resume is refused, and we begin anew
		kind, data = m.Type, quoted(d)
	case "RESUMED":
		kind, data = m.Type, []byte("{}")
	}
	if data == nil {
		data = []byte("null")
	}
	s.opened.Store(true)
	return fmt.Appendf(nil, `{"op":0,"s":%d,"t":%s,"d":%s}`, s.seen(m.Seq), quoted(kind), data)
}

func quoted(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings are always encodable
	}
	return b
}

// seen returns the number of the last event up to now; one without a number must
// not set it back.
func (s *shield) seen(seq int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq = max(s.seq, seq)
	return s.seq
}

// tell says that discordgo now knows of READY or RESUMED.
func (s *shield) tell(m gatewayMessage) {
	r := gatewayReady{resumed: m.Type == "RESUMED"}
	if *m.Op != 0 || !s.isGreeted() || (m.Type != "READY" && !r.resumed) {
		return
	}
	var d struct {
		URL string `json:"resume_gateway_url"`
	}
	_ = json.Unmarshal(m.Data, &d) // without it we resume at the usual address
	r.url = d.URL
	select {
	case s.known <- r: // there is room for one, which is all that Discord says
	case <-s.ended:
	}
}

// beat sends heartbeats, the first at a random moment as Discord asks. One that
// was not acknowledged before the next means that nobody is there.
func (s *shield) beat() {
	select {
	case <-s.greeted:
	case <-s.ended:
		return
	}
	next := time.NewTimer(rand.N(s.interval))
	defer next.Stop()
	for {
		select {
		case <-next.C:
		case <-s.ended:
			return
		}
		next.Reset(s.interval)
		if s.unanswered() {
			s.end(ending{kind: "silent", keep: true})
		} else if why := s.heartbeat(); why.kind != "" {
			s.end(why)
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

// heartbeat sends one.
func (s *shield) heartbeat() ending {
	b := []byte(`{"op":1,"d":null}`)
	if seq := s.seen(0); seq > 0 {
		b = fmt.Appendf(nil, `{"op":1,"d":%d}`, seq)
	}
	if s.writeUp(b) != nil {
		return ending{kind: "lost", keep: true}
	}
	return ending{}
}

const writeWithin = 10 * time.Second

func (s *shield) writeUp(b []byte) error {
	s.upWrite.Lock()
	defer s.upWrite.Unlock()
	return write(s.up, b)
}

func write(to *websocket.Conn, b []byte) error {
	_ = to.SetWriteDeadline(time.Now().Add(writeWithin))
	return to.WriteMessage(websocket.TextMessage, b)
}

// toDiscord passes on discordgo's Identify and Resume, and nothing else: no
// heartbeat, for which we care, and no close frame, which would end the session.
func (s *shield) toDiscord(down *websocket.Conn) {
	for {
		_, b, err := down.ReadMessage()
		if err != nil {
			return
		}
		var m gatewayMessage
		_ = json.Unmarshal(b, &m) // discordgo's own
		switch {
		case m.Op == nil:
			continue
		case *m.Op == 1:
			s.hasSettled()
			continue
		case *m.Op == 2:
			s.begins()
		case *m.Op == 6:
			var d struct{ Seq int64 }
			_ = json.Unmarshal(m.Data, &d)
			s.seen(d.Seq)
		default:
			continue
		}
		if s.writeUp(b) != nil {
			s.end(ending{kind: "lost", keep: true}) // and read on, until the pipe is cut
		}
	}
}

func (s *shield) hasSettled() {
	select {
	case <-s.settled:
	default:
		close(s.settled)
	}
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
