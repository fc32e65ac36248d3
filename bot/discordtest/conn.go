package discordtest

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"sync"

	"github.com/gorilla/websocket"
)

// conn is one gateway connection: frames in a queue without bounds, and one
// goroutine that writes them in order, so that nobody ever waits for a client
// that is slow to read.
type conn struct {
	ws      *websocket.Conn
	url     string
	session *session // guarded by Discord.mu

	mu    sync.Mutex
	queue []frame
	wake  chan struct{}
	done  chan struct{}
}

// frame is a websocket message on its way out.
type frame struct {
	kind int
	data []byte
}

func newConn(ws *websocket.Conn, url string) *conn {
	c := &conn{ws: ws, url: url, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go c.write()
	return c
}

func (c *conn) send(o object) {
	b, err := json.Marshal(o)
	if err != nil {
		panic(err) // our own shapes: always encodable
	}
	c.push(frame{websocket.TextMessage, b})
}

// close sends a close frame. The client hangs up, not we.
func (c *conn) close(code int, text string) {
	c.push(frame{websocket.CloseMessage, websocket.FormatCloseMessage(code, text)})
}

func (c *conn) push(f frame) {
	c.mu.Lock()
	c.queue = append(c.queue, f)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *conn) write() {
	for {
		select {
		case <-c.done:
			return
		case <-c.wake:
		}
		c.mu.Lock()
		queue := c.queue
		c.queue = nil
		c.mu.Unlock()
		for _, f := range queue {
			if f.kind == cutMidFrame {
				breakOff(c.ws.NetConn())
				return
			}
			if c.ws.WriteMessage(f.kind, f.data) != nil {
				return
			}
		}
	}
}

// DialContext returns one end of a gateway connection in the process, for a
// websocket dialer's NetDialContext. Network and address do not matter.
func (d *Discord) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	client, server := net.Pipe()
	go d.servePipe(server)
	return client, nil
}

func (d *Discord) servePipe(c net.Conn) {
	br := bufio.NewReader(c)
	r, err := http.ReadRequest(br)
	if err != nil {
		_ = c.Close()
		return
	}
	d.serveGateway(&pipeWriter{c: c, br: br, header: http.Header{}}, r, "ws://discord.test")
	_ = c.Close()
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
