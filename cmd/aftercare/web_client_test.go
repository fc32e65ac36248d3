package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// webClient speaks to a demo as its page does.
type webClient struct {
	t         *testing.T
	base, key string
	states    chan webState
	last      webState // the newest that was taken
}

// newWebClient serves a demo and listens to it.
func newWebClient(t *testing.T) *webClient {
	t.Helper()
	return webClientAt(t, webDemo(t))
}

// webClientAt listens to a demo that is served.
func webClientAt(t *testing.T, address string) *webClient {
	t.Helper()
	base, key, _ := strings.Cut(address, "/#key=")
	c := &webClient{t: t, base: base, key: key, states: make(chan webState, 1000)}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	r := c.request(ctx, "GET", "/api/events", "")
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatal(res.Status, res.Header)
	}
	go func() {
		defer res.Body.Close()
		lines := bufio.NewScanner(res.Body)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			var s webState
			if data, ok := strings.CutPrefix(lines.Text(), "data: {"); ok && json.Unmarshal([]byte("{"+data), &s) == nil {
				c.states <- s
			}
		}
	}()
	return c
}

func (c *webClient) request(ctx context.Context, method, path, body string) *http.Request {
	c.t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.key)
	if method == "POST" {
		r.Header.Set("Origin", c.base)
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// send sends a request and returns what comes.
func (c *webClient) send(r *http.Request) (status int, header http.Header, body string) {
	c.t.Helper()
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(b)
}

// try does something, and returns what the person is told is wrong with it.
func (c *webClient) try(a webAct) (id, wrong string) {
	c.t.Helper()
	body, err := json.Marshal(a)
	if err != nil {
		c.t.Fatal(err)
	}
	status, _, answer := c.send(c.request(c.t.Context(), "POST", "/api/act", string(body)))
	var out struct{ ID, Error string }
	if err := json.Unmarshal([]byte(answer), &out); status != 200 || err != nil {
		c.t.Fatalf("%+v: %d %s", a, status, answer)
	}
	return out.ID, out.Error
}

func (c *webClient) act(a webAct) (id string) {
	c.t.Helper()
	id, wrong := c.try(a)
	if wrong != "" {
		c.t.Fatalf("%+v: %s", a, wrong)
	}
	return id
}

// until waits for a state that pleases.
func (c *webClient) until(what string, pleases func(webState) bool) webState {
	c.t.Helper()
	late := time.After(10 * time.Second)
	for {
		if len(c.states) == 0 && len(c.last.People) > 0 && pleases(c.last) {
			return c.last
		}
		select {
		case c.last = <-c.states:
		case <-late:
			b, _ := json.MarshalIndent(c.last.People, "", " ")
			c.t.Fatalf("in vain: %s\n%s", what, b)
		}
	}
}

func (s webState) person(name string) webPerson {
	return s.People[slices.IndexFunc(s.People, func(p webPerson) bool { return p.Name == name })]
}

// newest returns the newest message with this in it: its text, or what a button says.
func newest(all []webMessage, part string) (m webMessage, input string) {
	for _, m := range slices.Backward(all) {
		for _, c := range slices.Concat(m.Rows...) {
			if c.Label == part || c.Placeholder == part {
				return m, c.ID
			}
		}
		if strings.Contains(m.Text, part) {
			return m, ""
		}
	}
	return webMessage{}, ""
}

// sees waits until somebody has this before them, and returns it.
func (c *webClient) sees(who, place, part string) (m webMessage, input string) {
	c.t.Helper()
	c.until(who+" sees "+part, func(s webState) bool {
		all := s.person(who).DM
		if place == "server" {
			all = s.person(who).Server
		}
		m, input = newest(all, part)
		return m.ID != ""
	})
	return m, input
}

func (c *webClient) press(who, place, label string) (id string) {
	c.t.Helper()
	for {
		m, input := c.sees(who, place, label)
		id, wrong := c.try(webAct{Do: "press", Who: who, Message: m.ID, Input: input})
		if wrong == "" {
			return id
		}
		c.last = <-c.states // what was seen is gone by now
	}
}

var webCode = regexp.MustCompile(`code:([0-9A-Z]{5}-[0-9A-Z]{5})`)

func (c *webClient) link(a, b string) {
	c.t.Helper()
	c.act(webAct{Do: "run", Who: a, Line: "/partner invite"})
	c.press(a, "server", "Yes, and I'm 18 or older")
	m, _ := c.sees(a, "server", "Your code is")
	c.act(webAct{Do: "run", Who: b, Line: "/partner accept code:" + webCode.FindStringSubmatch(m.Text)[1]})
	c.press(b, "server", "Yes, and I'm 18 or older")
	c.sees(b, "server", "are linked")
}

const day = int64(24 * time.Hour / time.Millisecond)
