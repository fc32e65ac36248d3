package discordtest

import (
	"encoding/json"
	"errors"
	"net"
	"slices"
	"time"

	"github.com/gorilla/websocket"
)

// Gateway is what goes wrong with the gateway, from now on: for connections that
// are made, things that a client says, and heartbeats.
type Gateway struct {
	Interval time.Duration // of heartbeats, as Hello says it; 0 is Discord's 41.25 s

	// In the place of Hello.
	Silent         bool // nothing, for ever
	ReconnectFirst bool // op 7
	CloseFirst     int  // a close frame with this code
	DropFirst      bool // the connection breaks

	// Before READY and RESUMED.
	ACKFirst  bool // op 11
	BeatFirst bool // op 1

	// In answer to Identify and Resume.
	Deaf             bool // nothing, for ever; heartbeats are acknowledged
	ReconnectInstead bool // op 7
	Refuse           bool // op 9
	RefuseResume     bool // op 9, to Resume only
	RefuseIdentifies int  // op 9, to Identify only, so many times
	Resumable        bool // the d of op 9
	CloseCode        int  // a close frame with this code
	Drop             bool // the connection breaks

	MissACKs  bool   // heartbeats are not acknowledged; all else goes on
	Elsewhere string // READY names this address for resuming, whatever is there
}

// SetGateway replaces Options.Gateway; the zero Gateway heals.
func (d *Discord) SetGateway(g Gateway) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opts.Gateway = g
}

// StartLimit is how many sessions a bot may begin, as GET /gateway/bot tells it.
// Each Identify takes one; beyond it Discord would reset the token, and here it is
// kept for Errors.
type StartLimit struct {
	Remaining  int
	ResetAfter time.Duration // until there are a thousand again
}

// SetStartLimit says what is left of the sessions from now on. By default it is
// Discord's thousand a day.
func (d *Discord) SetStartLimit(l StartLimit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.starts, d.startsReset = l.Remaining, d.now().Add(l.ResetAfter)
}

const startsADay = 1000

// startLimit returns what is left now; the lock is held.
func (d *Discord) startLimit() StartLimit {
	if now := d.now(); !now.Before(d.startsReset) {
		d.starts, d.startsReset = startsADay, now.Add(24*time.Hour)
	}
	return StartLimit{d.starts, d.startsReset.Sub(d.now())}
}

// begin counts an Identify, granted or not.
func (d *Discord) begin() {
	if d.startLimit().Remaining <= 0 {
		d.wrong("gateway: a session was begun beyond session_start_limit")
	}
	d.starts--
	d.identifies++
}

// meet says what a new connection hears first.
func (d *Discord) meet(c *conn) {
	switch g := d.opts.Gateway; {
	case g.Silent:
	case g.ReconnectFirst:
		c.send(object{"op": opReconnect, "d": nil})
	case g.CloseFirst != 0:
		c.close(g.CloseFirst, "")
	case g.DropFirst:
		d.cut(c)
	default:
		every := g.Interval
		if every == 0 {
			every = 41250 * time.Millisecond
		}
		c.send(object{"op": opHello, "d": object{"heartbeat_interval": every.Milliseconds()}})
	}
}

// troubled answers an Identify or a Resume with what goes wrong, if it does.
func (d *Discord) troubled(c *conn, op int) bool {
	g := &d.opts.Gateway
	refuse := g.Refuse || g.RefuseResume && op == opResume
	if op == opIdentify && g.RefuseIdentifies > 0 {
		g.RefuseIdentifies--
		refuse = true
	}
	switch {
	case g.Deaf:
	case g.CloseCode != 0:
		c.close(g.CloseCode, "")
	case g.Drop:
		d.cut(c)
	case g.ReconnectInstead:
		c.send(object{"op": opReconnect, "d": nil})
	case refuse:
		c.send(object{"op": opInvalidSession, "d": g.Resumable})
	default:
		return false
	}
	return true
}

// whisper says what comes before READY or RESUMED.
func (d *Discord) whisper(c *conn) {
	if d.opts.Gateway.ACKFirst {
		c.send(object{"op": opACK})
	}
	if d.opts.Gateway.BeatFirst {
		c.send(object{"op": opHeartbeat, "d": nil})
	}
}

// DropConnections breaks every gateway connection without a close frame.
// Their sessions can be resumed.
func (d *Discord) DropConnections() {
	d.each(d.cut)
}

// DropMidFrame breaks every connection in the middle of a message.
func (d *Discord) DropMidFrame() {
	d.each(func(c *conn) {
		d.detach(c)
		c.push(frame{cutMidFrame, nil})
	})
}

// Reconnect asks every connected client to connect anew (op 7).
func (d *Discord) Reconnect() {
	d.each(func(c *conn) { c.send(object{"op": opReconnect, "d": nil}) })
}

// Beat asks every connected client for a heartbeat (op 1).
func (d *Discord) Beat() {
	d.each(func(c *conn) { c.send(object{"op": opHeartbeat, "d": nil}) })
}

// Invalidate refuses every connected client's session (op 9). Unless it is
// resumable, the session is gone.
func (d *Discord) Invalidate(resumable bool) {
	d.each(func(c *conn) {
		if s := c.session; s != nil && !resumable {
			delete(d.sessions, s.id)
		}
		c.send(object{"op": opInvalidSession, "d": resumable})
	})
}

// CloseConnections sends every connected client a close frame. Codes 4007 and 4009
// end the session.
func (d *Discord) CloseConnections(code int) {
	d.each(func(c *conn) {
		if s := c.session; s != nil && (code == 4007 || code == 4009) {
			delete(d.sessions, s.id)
		}
		c.close(code, "")
	})
}

// Send sends a message as it is to every connected client: binary or text.
func (d *Discord) Send(binary bool, data []byte) {
	kind := websocket.TextMessage
	if binary {
		kind = websocket.BinaryMessage
	}
	d.each(func(c *conn) { c.push(frame{kind, slices.Clone(data)}) })
}

// Emit sends an event to every session, whatever its intents. Without data the
// event has no d at all. A session that is not connected gets it when it resumes.
func (d *Discord) Emit(name string, data json.RawMessage) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.sessions {
		s.seq++
		o := object{"op": opDispatch, "t": name, "s": s.seq}
		if data != nil {
			o["d"] = data
		}
		s.record(o)
	}
}

// Beats returns how many heartbeats have arrived.
func (d *Discord) Beats() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.beats
}

// Resumes returns how often a session was resumed.
func (d *Discord) Resumes() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.resumes
}

// Connections returns how many gateway connections are open: as sockets or pipes,
// whether or not anything is heard on them.
func (d *Discord) Connections() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open
}

// ClosedWith returns the codes of the close frames that clients have sent, in order.
func (d *Discord) ClosedWith() []int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.closedWith)
}

// each does something with every connection.
func (d *Discord) each(f func(*conn)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.conns {
		f(c)
	}
}

// cut breaks a connection.
func (d *Discord) cut(c *conn) {
	d.detach(c)
	_ = c.ws.NetConn().Close()
}

// noteClose keeps the code of a client's close frame.
func (d *Discord) noteClose(err error) (code int, ok bool) {
	var closed *websocket.CloseError
	if !errors.As(err, &closed) || closed.Code == websocket.CloseAbnormalClosure { // no frame
		return 0, false
	}
	d.closedWith = append(d.closedWith, closed.Code)
	return closed.Code, true
}

// cutMidFrame is a frame that promises more than it holds.
const cutMidFrame = -1

func breakOff(c net.Conn) {
	_, _ = c.Write([]byte{0x81, 0x7d, '{'}) // a text of 125 bytes, of which one comes
	_ = c.Close()
}
