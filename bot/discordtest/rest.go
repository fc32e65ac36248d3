package discordtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/gorilla/websocket"
)

// request is a REST request, read to its end.
type request struct {
	*http.Request        // its URL.Path has no version prefix
	body          []byte // the JSON, also of a multipart request
	files         []File
}

// answer is what a route has to say: status and JSON, nil for none.
type answer struct {
	status int
	body   any
}

// route carries out a request; the lock is held.
type route func(*request) answer

var errHungUp = errors.New("discordtest: connection broken by a fault")

// routes is the whole of REST that this Discord knows.
func (d *Discord) routes() *http.ServeMux {
	const (
		channel  = "/channels/{channel}/messages"
		message  = channel + "/{message}"
		webhook  = "/webhooks/{app}/{token}"
		followup = webhook + "/messages/{message}"
		original = webhook + "/messages/@original"
		commands = "/applications/{app}/commands"
	)
	mux := http.NewServeMux()
	for pattern, r := range map[string]route{
		"GET /gateway":                 d.getGateway,
		"GET /gateway/bot":             d.getGateway,
		"GET /users/@me":               func(*request) answer { return answer{200, botUser()} },
		"GET /applications/@me":        func(*request) answer { return answer{200, d.application()} },
		"GET /oauth2/applications/@me": func(*request) answer { return answer{200, d.application()} },
		"GET " + commands:              d.getCommands,
		"PUT " + commands:              d.putCommands,
		"POST /users/@me/channels":     d.openDM,
		"GET /channels/{channel}":      d.getChannel,
		"GET " + channel:               d.getMessages,
		"POST " + channel:              d.postMessage,
		"GET " + message:               d.getMessage,
		"PATCH " + message:             d.patchMessage,
		"DELETE " + message:            d.deleteMessage,
		"POST " + webhook:              d.postFollowup,
		"GET " + original:              d.getReply,
		"PATCH " + original:            d.patchReply,
		"DELETE " + original:           d.deleteReply,
		"GET " + followup:              d.getReply,
		"PATCH " + followup:            d.patchReply,
		"DELETE " + followup:           d.deleteReply,
		"POST /interactions/{interaction}/{token}/callback": d.postCallback,
		"/": d.noRoute,
	} {
		mux.Handle(pattern, d.adapt(r))
	}
	return mux
}

// adapt lets the mux find a route without writing its answer anywhere yet.
func (d *Discord) adapt(f route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(*recorder).answer = f(&request{Request: r, body: w.(*recorder).json, files: w.(*recorder).files})
	})
}

// recorder carries a request's body to its route, and the answer back.
type recorder struct {
	answer answer
	json   []byte
	files  []File
	header http.Header
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) Write(b []byte) (int, error) { return len(b), nil }
func (r *recorder) WriteHeader(status int)      { r.answer.status = status }

var versionPrefix = regexp.MustCompile(`^.*?/v(9|10)(/|$)`)

// serve carries out one request and says what people see of it.
func (d *Discord) serve(r *http.Request) (a answer, header http.Header, err error) {
	var raw []byte
	if r.Body != nil {
		defer r.Body.Close()
		if raw, err = io.ReadAll(r.Body); err != nil {
			return answer{}, nil, err
		}
	}
	path := r.URL.Path
	if at := versionPrefix.FindString(path); at != "" {
		path = "/" + path[len(at):]
	} else {
		path = "/unversioned" + path // which means version 6, long gone
	}
	fault := d.fault(r)
	if err := fault.wait(r); err != nil {
		return answer{}, nil, err
	}
	if fault != nil && fault.Before {
		d.do(func() { d.requests++ })
		return fault.replace(answer{})
	}
	rec := &recorder{header: http.Header{}}
	rec.json, rec.files, err = unpack(r.Header.Get("Content-Type"), raw)
	if err != nil {
		return answer{}, nil, err
	}
	d.do(func() { d.perform(r, path, rec) })
	if fault != nil {
		return fault.replace(rec.answer)
	}
	return rec.answer, rec.header, nil
}

// perform finds the route and takes it; the lock is held.
func (d *Discord) perform(r *http.Request, path string, rec *recorder) {
	d.requests++
	if d.opts.Check != nil {
		if err := d.opts.Check(r.Method, path, rec.json); err != nil {
			d.wrong("%s %s: %w", r.Method, path, err)
		}
	}
	if !d.authorised(r.Header.Get("Authorization"), path) {
		rec.answer = refuse(401, 0, "401: Unauthorized")
		return
	}
	if len(rec.json) > 0 && !json.Valid(rec.json) {
		rec.answer = refuse(400, 50109, "The request body contains invalid JSON.")
	} else {
		r2 := r.Clone(r.Context())
		r2.URL.Path, r2.URL.RawPath = path, ""
		d.mux.ServeHTTP(rec, r2)
	}
	if p, ok := rec.answer.body.(problem); ok && p.blame() {
		d.wrong("%s %s: refused: %s", r.Method, path, p)
	}
}

// authorised lets interactions pass: their token is in the path.
func (d *Discord) authorised(header, path string) bool {
	if d.opts.Token == "" || strings.HasPrefix(path, "/interactions/") || strings.HasPrefix(path, "/webhooks/") || path == "/gateway" {
		return true
	}
	return header == "Bot "+bare(d.opts.Token)
}

// bare returns a token without "Bot ", which some configurations include.
func bare(token string) string { return strings.TrimPrefix(token, "Bot ") }

// RoundTrip implements http.RoundTripper: REST without a socket. The host of
// the request does not matter.
func (d *Discord) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	a, header, err := d.serve(r)
	if err == nil {
		err = r.Context().Err()
	}
	if err != nil {
		return nil, err
	}
	b := a.encode()
	header.Set("Content-Type", "application/json")
	header.Set("Date", d.date())
	return &http.Response{
		StatusCode: a.status, Status: fmt.Sprint(a.status, " ", http.StatusText(a.status)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewReader(b)), ContentLength: int64(len(b)), Request: r,
	}, nil
}

// Handler returns the same Discord for real sockets: REST under any path with
// /v9/ or /v10/ in it, and the gateway wherever a websocket is asked for.
func (d *Discord) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if websocket.IsWebSocketUpgrade(r) {
			d.serveGateway(w, r, "ws://"+r.Host)
			return
		}
		a, header, err := d.serve(r)
		if err != nil {
			panic(http.ErrAbortHandler) // the way to break one connection
		}
		for k, v := range header {
			w.Header()[k] = v
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Date", d.date())
		w.WriteHeader(a.status)
		_, _ = w.Write(a.encode())
	})
}

// date is what this Discord's clock shows, as its answers say it.
func (d *Discord) date() string { return d.now().UTC().Format(http.TimeFormat) }

func (a answer) encode() []byte {
	if a.body == nil {
		return nil
	}
	if s, ok := a.body.(string); ok { // a fault's own words, JSON or not
		return []byte(s)
	}
	b, err := json.Marshal(a.body)
	if err != nil {
		panic(err) // our own shapes: always encodable
	}
	return b
}

func (d *Discord) noRoute(r *request) answer {
	d.wrong("%s %s: there is no such route", r.Method, r.URL.Path)
	return refuse(404, 0, "404: Not Found")
}

// getGateway sends an in-process client to a name that only DialContext needs
// to know, and one on a socket back to where it asked.
func (d *Discord) getGateway(r *request) answer {
	host := "discord.test"
	if r.RequestURI != "" { // only set on a server's requests
		host = r.Host
	}
	o := object{"url": "ws://" + host}
	if strings.HasSuffix(r.URL.Path, "/bot") {
		o["shards"] = 1
		l := d.startLimit()
		o["session_start_limit"] = object{
			"total": startsADay, "remaining": max(l.Remaining, 0), "max_concurrency": 1,
			"reset_after": l.ResetAfter.Milliseconds(),
		}
	}
	return answer{200, o}
}
