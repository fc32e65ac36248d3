package discordtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
)

// Opcodes of the gateway.
const (
	opDispatch       = 0
	opHeartbeat      = 1
	opIdentify       = 2
	opResume         = 6
	opReconnect      = 7
	opInvalidSession = 9
	opHello          = 10
	opACK            = 11
)

const (
	intentGuilds        = 1 << 0
	intentGuildMessages = 1 << 9
	intentDMs           = 1 << 12
	intentsPrivileged   = 1<<1 | 1<<8 | 1<<15

	replayed     = 500             // events that a session can have missed
	resumeWindow = 5 * time.Minute // "a few minutes"
)

// session outlives its connections, as long as the client resumes in time.
type session struct {
	id      string
	intents int
	seq     int
	events  []event // the last ones
	conn    *conn   // nil: not connected
	since   time.Time
}

type event struct {
	seq  int
	data []byte
}

// emit sends an event to every session that asked for its kind; m is the
// message that it is about, if any. It reports whether anybody is connected.
func (d *Discord) emit(name string, m *message, data object) (heard bool) {
	for _, s := range d.sessions {
		if m != nil && s.intents&m.intent() == 0 {
			continue
		}
		s.dispatch(name, data)
		heard = heard || s.conn != nil
	}
	return heard
}

// intent is what a client needs to hear of m. Ephemeral messages count as
// direct ones, wherever they are.
func (m *message) intent() int {
	if m.channel.with == nil && m.only == nil {
		return intentGuildMessages
	}
	return intentDMs
}

func (s *session) dispatch(name string, data object) {
	s.seq++
	s.record(object{"op": opDispatch, "t": name, "s": s.seq, "d": data})
}

// record sends an event, or has it ready for a resume.
func (s *session) record(o object) {
	b, err := json.Marshal(o)
	if err != nil {
		panic(err) // our own shapes: always encodable
	}
	s.events = append(s.events, event{s.seq, b})
	if len(s.events) > replayed {
		s.events = s.events[1:]
	}
	if s.conn != nil {
		s.conn.push(frame{websocket.TextMessage, b})
	}
}

// Connected reports whether the bot listens right now.
func (d *Discord) Connected() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.sessions {
		if s.conn != nil {
			return true
		}
	}
	return false
}

// Identifies returns how many sessions were begun: what Discord counts
// against the thousand a day.
func (d *Discord) Identifies() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.identifies
}

// serveGateway serves one gateway connection until the client hangs up.
func (d *Discord) serveGateway(w http.ResponseWriter, r *http.Request, url string) {
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // the client has been told
	}
	// Never hang up in answer to a close frame: discordgo sleeps a second in
	// Close with its mutex held, and its reader, once woken by our hanging up,
	// would wait for that mutex, which stops a bubble's clock.
	ws.SetCloseHandler(func(int, string) error { return nil })
	c := newConn(ws, url)
	d.do(func() { d.open++; d.conns[c] = true; d.meet(c) })
	d.listen(c)
	_, _ = io.Copy(io.Discard, ws.NetConn())
	_ = ws.NetConn().Close()
	close(c.done)
	d.do(func() { d.open-- })
}

// listen reads what the client sends, until it closes or breaks off.
func (d *Discord) listen(c *conn) {
	for {
		var in struct {
			Op int             `json:"op"`
			D  json.RawMessage `json:"d"`
		}
		_, b, err := c.ws.ReadMessage()
		if err != nil {
			d.do(func() { d.hungUp(c, err) })
			return
		}
		if err := json.Unmarshal(b, &in); err != nil {
			c.close(4002, "Error while decoding payload.")
			continue
		}
		d.do(func() { d.hear(c, in.Op, in.D) })
	}
}

// hear acts on one thing that the client said.
func (d *Discord) hear(c *conn, op int, data json.RawMessage) {
	switch op {
	case opHeartbeat:
		d.beats++
		if !d.opts.Gateway.MissACKs {
			c.send(object{"op": opACK})
		}
	case opIdentify, opResume:
		if op == opIdentify && c.session == nil {
			d.begin()
		}
		switch {
		case d.troubled(c, op):
		case op == opIdentify:
			d.identify(c, data)
		default:
			d.resume(c, data)
		}
	case 3, 4, 8: // presence, voice, members: nothing here has them
	default:
		c.close(4001, "Unknown opcode.")
	}
}

func (d *Discord) identify(c *conn, data json.RawMessage) {
	var in struct {
		Token   string `json:"token"`
		Intents int    `json:"intents"`
	}
	switch err := json.Unmarshal(data, &in); {
	case err != nil:
		c.close(4002, "Error while decoding payload.")
		return
	case d.opts.Token != "" && bare(in.Token) != bare(d.opts.Token):
		c.close(4004, "Authentication failed.")
		return
	case in.Intents&intentsPrivileged != 0:
		c.close(4014, "Disallowed intent(s).")
		return
	case c.session != nil:
		c.close(4005, "Already authenticated.")
		return
	}
	d.forgetSessions()
	d.whisper(c)
	s := &session{id: fmt.Sprintf("session-%d", d.identifies), intents: in.Intents, conn: c}
	d.sessions[s.id], c.session = s, s
	resumeAt := c.url
	if d.opts.Gateway.Elsewhere != "" {
		resumeAt = d.opts.Gateway.Elsewhere
	}
	s.dispatch("READY", object{
		"v": 9, "user": botUser(), "session_id": s.id, "resume_gateway_url": resumeAt, "session_type": "normal",
		"application": object{"id": botID, "flags": 0}, "private_channels": []any{},
		"guilds": []any{object{"id": serverID, "unavailable": true}},
	})
	if in.Intents&intentGuilds != 0 {
		s.dispatch("GUILD_CREATE", d.guild())
	}
}

func (d *Discord) guild() object {
	return object{
		"id": serverID, "name": "together", "unavailable": false, "member_count": len(d.people) + 1, "large": false,
		"joined_at": "2026-01-01T00:00:00+00:00", "channels": []any{d.server.object()}, "threads": []any{},
		"members": []any{}, "roles": []any{}, "emojis": []any{}, "features": []any{}, "preferred_locale": "en-US",
	}
}

func (d *Discord) resume(c *conn, data json.RawMessage) {
	var in struct {
		Token     string `json:"token"`
		SessionID string `json:"session_id"`
		Seq       int    `json:"seq"`
	}
	err := json.Unmarshal(data, &in)
	if d.opts.Token != "" && bare(in.Token) != bare(d.opts.Token) {
		c.close(4004, "Authentication failed.")
		return
	}
	d.forgetSessions()
	s := d.sessions[in.SessionID]
	if err != nil || s == nil || in.Seq > s.seq || in.Seq < s.seq-len(s.events) {
		c.send(object{"op": opInvalidSession, "d": false})
		return
	}
	if s.conn != nil {
		s.conn.session = nil
	}
	s.conn, c.session = c, s
	d.resumes++
	d.whisper(c)
	for _, e := range s.events {
		if e.seq > in.Seq {
			c.push(frame{websocket.TextMessage, e.data})
		}
	}
	s.dispatch("RESUMED", object{})
}

// hungUp notes the end of a connection. A client that closes with 1000 or 1001
// has ended its session too.
func (d *Discord) hungUp(c *conn, err error) {
	s := c.session
	d.detach(c)
	if code, ok := d.noteClose(err); ok && s != nil && (code == 1000 || code == 1001) {
		delete(d.sessions, s.id)
	}
}

func (d *Discord) detach(c *conn) {
	delete(d.conns, c)
	if c.session != nil {
		c.session.conn, c.session.since = nil, d.now()
		c.session = nil
	}
}

func (d *Discord) forgetSessions() {
	for id, s := range d.sessions {
		if s.conn == nil && d.now().Sub(s.since) > resumeWindow {
			delete(d.sessions, id)
		}
	}
}
