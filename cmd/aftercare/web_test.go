package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
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

func TestWebRefusesStrangers(t *testing.T) {
	t.Parallel()
	c := newWebClient(t)
	here := strings.TrimPrefix(c.base, "http://")
	const reset = `{"do":"reset"}`
	for name, test := range map[string]struct {
		method, path string
		change       func(*http.Request)
		want         int
	}{
		"the page":                {"GET", "/", func(*http.Request) {}, 200},
		"an act":                  {"POST", "/api/act", func(*http.Request) {}, 200},
		"by its other name":       {"GET", "/", func(r *http.Request) { r.Host = strings.Replace(here, "127.0.0.1", "localhost", 1) }, 200},
		"a foreign name":          {"GET", "/", func(r *http.Request) { r.Host = "evil.example" }, 403},
		"a foreign name and port": {"POST", "/api/act", func(r *http.Request) { r.Host = "evil.example" + here[strings.LastIndex(here, ":"):] }, 403},
		"another port":            {"GET", "/", func(r *http.Request) { r.Host = "127.0.0.1:1" }, 403},
		"no port":                 {"GET", "/", func(r *http.Request) { r.Host = "127.0.0.1" }, 403},
		"a foreign page":          {"POST", "/api/act", func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403},
		"a page of no origin":     {"POST", "/api/act", func(r *http.Request) { r.Header.Set("Origin", "null") }, 403},
		"a page on another port":  {"POST", "/api/act", func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:1") }, 403},
		"a secure twin":           {"POST", "/api/act", func(r *http.Request) { r.Header.Set("Origin", "https://"+here) }, 403},
		"two origins":             {"POST", "/api/act", func(r *http.Request) { r.Header["Origin"] = []string{c.base, "http://evil.example"} }, 403},
		"no origin":               {"POST", "/api/act", func(r *http.Request) { r.Header.Del("Origin") }, 403},
		"a foreign origin, look":  {"GET", "/api/disk", func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403},
		"a foreign site":          {"GET", "/api/disk", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		"a foreign frame":         {"GET", "/style.css", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		"typed into the address":  {"GET", "/api/disk", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "none") }, 403},
		"a link elsewhere": {"GET", "/", func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Mode", "navigate")
		}, 200},
		"no key":          {"POST", "/api/act", func(r *http.Request) { r.Header.Del("Authorization") }, 401},
		"no key, disk":    {"GET", "/api/disk", func(r *http.Request) { r.Header.Del("Authorization") }, 401},
		"no key, events":  {"GET", "/api/events", func(r *http.Request) { r.Header.Del("Authorization") }, 401},
		"no key, file":    {"GET", "/api/file", func(r *http.Request) { r.Header.Del("Authorization") }, 401},
		"no key, search":  {"POST", "/api/search", func(r *http.Request) { r.Header.Del("Authorization") }, 401},
		"no key, suggest": {"POST", "/api/suggest", func(r *http.Request) { r.Header.Del("Authorization") }, 401},
		"another key":     {"POST", "/api/act", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+strings.Repeat("A", len(c.key))) }, 401},
		"half the key":    {"POST", "/api/act", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+c.key[:10]) }, 401},
		"a plain form":    {"POST", "/api/act", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415},
		"an unknown path": {"GET", "/api/nothing", func(*http.Request) {}, 404},
		"acting by GET":   {"GET", "/api/act", func(*http.Request) {}, 405},
	} {
		t.Run(name, func(t *testing.T) {
			body := ""
			if test.method == "POST" {
				body = reset
			}
			r := c.request(t.Context(), test.method, test.path, body)
			test.change(r)
			status, header, got := c.send(r)
			if test.want == 405 && status == 404 { // the page's own files have no such name
				status = 405
			}
			if status != test.want {
				t.Errorf("%d, want %d: %s", status, test.want, got)
			}
			if header.Get("Content-Security-Policy") != webPolicy || header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("headers: %v", header)
			}
			if strings.Contains(got, c.key) {
				t.Error("tells the key")
			}
		})
	}
}

func TestWebIsForThisMachine(t *testing.T) {
	p := &webPage{key: "key", host: "127.0.0.1:80"}
	h := p.handler()
	for from, want := range map[string]int{"127.0.0.1:9": 200, "[::1]:9": 200, "192.0.2.7:9": 403, "10.0.0.1:9": 403, "": 403} {
		r := httptest.NewRequest("GET", "http://127.0.0.1:80/", nil)
		r.Host, r.RemoteAddr = "127.0.0.1:80", from
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("from %q: %d, want %d", from, w.Code, want)
		}
	}
}

// TestWebPolicy holds that the page needs nothing that its policy forbids, and
// that the policy forbids what is not needed.
func TestWebPolicy(t *testing.T) {
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"} {
		if !strings.Contains(webPolicy, want) {
			t.Errorf("the policy does not say %s", want)
		}
	}
	if strings.Contains(webPolicy, "unsafe") || strings.Contains(webPolicy, "*") || strings.Contains(webPolicy, "http") {
		t.Errorf("the policy lets something in: %s", webPolicy)
	}
	entries, err := webAssets.ReadDir("web")
	if err != nil || len(entries) < 5 {
		t.Fatal(entries, err)
	}
	index, err := webAssets.ReadFile("web/index.html")
	if err != nil {
		t.Fatal(err)
	}
	inline := regexp.MustCompile(`(?i)<script(?: [^>]*)?>[^<]|<script(?: type="?module"?)?>|<style|\sstyle=|\son[a-z]+="|javascript:`)
	elsewhere := regexp.MustCompile(`(?i)(?:src|href|url|import|from|fetch)\s*[=(]?\s*["'(]\s*(?:https?:)?//`)
	fromText := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|createContextualFragment`)
	for _, e := range entries {
		b, err := webAssets.ReadFile("web/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(e.Name(), ".html") && inline.Match(b) {
			t.Errorf("%s has something inline: %s", e.Name(), inline.Find(b))
		}
		if elsewhere.Match(b) {
			t.Errorf("%s loads something from elsewhere: %s", e.Name(), elsewhere.Find(b))
		}
		if strings.HasSuffix(e.Name(), ".js") && !bytes.Contains(index, []byte(`="/`+e.Name()+`"`)) {
			t.Errorf("index.html does not name %s: it would be fetched one step later", e.Name())
		}
		if strings.HasSuffix(e.Name(), ".js") && fromText.Match(b) {
			t.Errorf("%s makes a page out of text: %s", e.Name(), fromText.Find(b))
		}
	}
}

func TestWebActs(t *testing.T) {
	t.Parallel()
	c := newWebClient(t)
	c.link("alex", "sam")
	c.act(webAct{Do: "run", Who: "alex", Line: "/scene ended"})
	if m, _ := c.sees("alex", "server", "Noted."); !m.Only || m.Command != "/scene ended" || m.By != "alex" {
		t.Errorf("%+v", m)
	}
	s := c.until("a schedule", func(s webState) bool { return s.Checkin && len(s.Scheduled) >= 4 })
	if len(s.person("kit").Server) != 0 || len(s.person("kit").DM) != 0 {
		t.Errorf("kit sees something: %+v", s.person("kit"))
	}
	if at := time.UnixMilli(s.Next); time.Until(at) < 23*time.Hour || time.Until(at) > 25*time.Hour {
		t.Errorf("the next check-in is at %v", at)
	}
	c.act(webAct{Do: "toNext"})
	c.sees("sam", "dm", "Open")

	t.Run("typed, edited, in reply, deleted", func(t *testing.T) {
		c.t = t
		id := c.act(webAct{Do: "type", Who: "alex", Words: "A good day."})
		c.sees("alex", "dm", "> A good day")
		c.act(webAct{Do: "edit", Who: "alex", Message: id, Words: "A very good day."})
		if m, _ := c.sees("alex", "dm", "> A very good day"); m.Own {
			t.Errorf("%+v", m)
		}
		if own, _ := c.sees("alex", "dm", "A very good day."); own.ID == id && !own.Edited {
			t.Errorf("%+v", own)
		}
		c.press("alex", "dm", "Share my words")
		relay, _ := c.sees("sam", "dm", "Read")
		c.press("sam", "dm", "Read")
		c.sees("sam", "dm", "> A very good day")
		c.act(webAct{Do: "type", Who: "sam", Message: relay.ID, Words: "So glad."})
		if m, _ := c.sees("sam", "dm", "So glad."); m.ReplyTo != relay.ID && !strings.Contains(m.Text, ">") {
			t.Errorf("%+v", m)
		}
		if _, wrong := c.try(webAct{Do: "edit", Who: "sam", Message: id, Words: "x"}); wrong == "" {
			t.Error("edited somebody else's message")
		}
		c.act(webAct{Do: "delete", Who: "alex", Message: id})
		c.until("it is gone from sam's side", func(s webState) bool {
			m, _ := newest(s.person("sam").DM, "very good day")
			return m.ID == ""
		})
	})

	t.Run("a form", func(t *testing.T) {
		c.t = t
		c.press("sam", "dm", "Open")
		c.press("sam", "dm", "Low")
		c.press("sam", "dm", "A call")
		id := c.press("sam", "dm", "Write something")
		s := c.until("a form", func(s webState) bool { return s.person("sam").Form != nil })
		form := s.person("sam").Form
		if form.ID != id || form.Title == "" || len(form.Fields) != 1 || form.Fields[0].Kind != "words" || form.Fields[0].Label == "" || form.Fields[0].Most != 4000 {
			t.Fatalf("%+v, opened by %s", form, id)
		}
		if _, wrong := c.try(webAct{Do: "submit", Who: "sam", Input: form.ID, Fields: map[string]string{form.Fields[0].ID: strings.Repeat("x", 4001)}}); !strings.Contains(wrong, "too many") {
			t.Errorf("a form that is too full: %q", wrong)
		}
		c.act(webAct{Do: "power", On: false})
		c.until("the bot is offline", func(s webState) bool { return !s.Online })
		words := map[string]string{form.Fields[0].ID: "Tired, and far away."}
		if _, wrong := c.try(webAct{Do: "submit", Who: "sam", Input: form.ID, Fields: words}); wrong == "" {
			t.Error("a form was taken while nobody hears it")
		}
		c.act(webAct{Do: "power", On: true})
		c.until("the bot is online, and the form still open", func(s webState) bool { return s.Online && s.person("sam").Form != nil })
		c.act(webAct{Do: "submit", Who: "sam", Input: form.ID, Fields: words})
		c.sees("sam", "dm", "> Tired")
		c.press("sam", "dm", "Write something")
		c.until("a form", func(s webState) bool { return s.person("sam").Form != nil })
		c.act(webAct{Do: "closeForm", Who: "sam"})
		c.until("no form", func(s webState) bool { return s.person("sam").Form == nil })
	})

	t.Run("the bot is away", func(t *testing.T) {
		c.t = t
		c.act(webAct{Do: "power", On: false})
		c.act(webAct{Do: "run", Who: "kit", Line: "/care help", InDM: true})
		c.until("Discord says so", func(s webState) bool {
			all := s.person("kit").DM
			return len(all) == 1 && all[0].Failed && all[0].Command == "/care help"
		})
		c.act(webAct{Do: "pass", By: day})
		c.act(webAct{Do: "power", On: true})
		c.sees("alex", "dm", "It's the last one")
	})

	t.Run("closed DMs, and the server", func(t *testing.T) {
		c.t = t
		c.act(webAct{Do: "dms", Who: "kit", On: false})
		c.until("closed", func(s webState) bool { return s.person("kit").DMsClosed })
		c.act(webAct{Do: "dms", Who: "kit", On: true})
		c.act(webAct{Do: "server", Who: "kit", On: false})
		c.until("left", func(s webState) bool { return s.person("kit").Left && !s.person("kit").DMsClosed })
		if _, wrong := c.try(webAct{Do: "run", Who: "kit", Line: "/care help"}); !strings.Contains(wrong, "not in the server") {
			t.Errorf("%q", wrong)
		}
		c.act(webAct{Do: "server", Who: "kit", On: true})
	})

	t.Run("what can't be carried", func(t *testing.T) {
		c.t = t
		for _, kind := range []string{"picture", "sticker", "voice"} {
			c.act(webAct{Do: "send", Who: "kit", Input: kind})
		}
		c.until("three of them", func(s webState) bool {
			n := 0
			for _, m := range s.person("kit").DM {
				if m.Own && (m.Note != "" || len(m.Files) == 1) {
					n++
				}
			}
			return n == 3
		})
	})

	t.Run("begun anew", func(t *testing.T) {
		c.t = t
		c.act(webAct{Do: "reset"})
		c.until("nothing", func(s webState) bool {
			return s.Epoch == 2 && len(s.person("alex").DM)+len(s.person("alex").Server)+len(s.Scheduled) == 0 && s.Next == 0
		})
		if _, wrong := c.try(webAct{Do: "toNext"}); wrong != "nothing is scheduled" {
			t.Errorf("%q", wrong)
		}
	})
}

func TestWebRefusesActs(t *testing.T) {
	t.Parallel()
	c := newWebClient(t)
	for want, a := range map[string]webAct{
		"nobody knows how":     {Do: "fly"},
		"nobody here has this": {Do: "type", Who: "robin", Words: "x"},
		"no such command":      {Do: "run", Who: "alex", Line: "/scene fly"},
		"no words to send":     {Do: "type", Who: "alex", Words: " \n"},
		"no longer there":      {Do: "press", Who: "alex", Message: "1", Input: "1:care/help"},
		"no longer open":       {Do: "submit", Who: "alex", Input: "1"},
		"by a month at most":   {Do: "pass", By: -1},
		"no words left":        {Do: "edit", Who: "alex", Message: "1"},
	} {
		if _, wrong := c.try(a); !strings.Contains(wrong, want) {
			t.Errorf("%+v: %q, want %q", a, wrong, want)
		}
	}
	for name, body := range map[string]string{"no JSON": "do", "two": `{"do":"reset"}{}`, "an unknown field": `{"do":"reset","token":"x"}`, "too much": `{"words":"` + strings.Repeat("x", 70<<10) + `"}`} {
		if status, _, got := c.send(c.request(t.Context(), "POST", "/api/act", body)); status != 400 {
			t.Errorf("%s: %d %s", name, status, got)
		}
	}
}

// A menu, its picture, and the choices that the bot offers while somebody types.
func TestWebMenusAndFiles(t *testing.T) {
	t.Parallel()
	c := newWebClient(t)
	body := `{"who":"alex","line":"/settings zone:Berl"}`
	status, _, got := c.send(c.request(t.Context(), "POST", "/api/suggest", body))
	if status != 200 || !strings.Contains(got, "Europe/Berlin") {
		t.Errorf("%d %s", status, got)
	}
	if _, _, got := c.send(c.request(t.Context(), "POST", "/api/suggest", `{"who":"alex","line":"/scene ended when:"}`)); !strings.Contains(got, `"choices":[]`) {
		t.Errorf("choices where there are none: %s", got)
	}
	c.link("alex", "sam")
	c.act(webAct{Do: "run", Who: "alex", Line: "/care history"})
	c.press("alex", "server", "Keep my history")
	c.act(webAct{Do: "run", Who: "alex", Line: "/scene ended"})
	c.sees("alex", "server", "Noted.")
	c.act(webAct{Do: "pass", By: day})
	c.press("alex", "dm", "Open")
	c.press("alex", "dm", "Good")
	c.sees("alex", "dm", "What would help")
	c.act(webAct{Do: "run", Who: "alex", Line: "/care history", InDM: true})
	m, menu := c.sees("alex", "dm", "The last 4 weeks")
	if len(m.Files) != 1 || m.Files[0].Size < 1000 || m.Files[0].Alt == "" {
		t.Fatalf("%+v", m.Files)
	}
	status, header, png := c.send(c.request(t.Context(), "GET", "/api/file?who=alex&n=0&message="+m.ID, ""))
	if status != 200 || header.Get("Content-Type") != "image/png" || !strings.HasPrefix(png, "\x89PNG") || len(png) != m.Files[0].Size {
		t.Errorf("%d %v, %d bytes", status, header, len(png))
	}
	for _, path := range []string{"who=sam&n=0", "who=alex&n=1", "who=alex&n=-1", "who=robin&n=0"} {
		if status, _, _ := c.send(c.request(t.Context(), "GET", "/api/file?message="+m.ID+"&"+path, "")); status != 404 {
			t.Errorf("%s: %d", path, status)
		}
	}
	options := slices.Concat(m.Rows...)[0].Options
	if len(options) != 3 {
		t.Fatalf("%+v", m.Rows)
	}
	if _, wrong := c.try(webAct{Do: "pick", Who: "alex", Message: m.ID, Input: menu, Values: []string{"nothing"}}); wrong == "" {
		t.Error("picked what is not there")
	}
	c.act(webAct{Do: "pick", Who: "alex", Message: m.ID, Input: menu, Values: []string{options[2].Value}})
	c.sees("alex", "dm", "The last year")
}

func TestWebDisk(t *testing.T) {
	t.Parallel()
	c := newWebClient(t)
	c.link("alex", "sam")
	c.act(webAct{Do: "run", Who: "alex", Line: "/scene ended"})
	c.sees("alex", "server", "Noted.")
	c.act(webAct{Do: "pass", By: day})
	c.sees("alex", "dm", "Open")
	const words = "A sentence of mine that stands nowhere."
	c.act(webAct{Do: "type", Who: "alex", Words: words})
	c.sees("alex", "dm", "> A sentence of mine")
	look := func() string {
		status, _, got := c.send(c.request(t.Context(), "GET", "/api/disk", ""))
		if status != 200 {
			t.Fatal(status, got)
		}
		return got
	}
	check := func(when string) {
		t.Helper()
		got := look()
		var disk struct {
			Files  []webFile
			Tables []struct {
				Name    string
				Columns []string
				Count   int
				Rows    [][]any
			}
		}
		if err := json.Unmarshal([]byte(got), &disk); err != nil {
			t.Fatal(err)
		}
		if len(disk.Files) < 2 || len(disk.Tables) < 5 || disk.Tables[0].Name != "words" || disk.Tables[0].Count != 1 {
			t.Fatalf("%s: %s", when, got)
		}
		text, ok := disk.Tables[0].Rows[0][slices.Index(disk.Tables[0].Columns, "text")].(map[string]any)
		if !ok || len(text["hex"].(string)) != 2*webHexBytes || text["size"].(float64) < float64(len(words)) {
			t.Errorf("%s: the words are %v", when, text)
		}
		for _, secret := range []string{words, "alex", "Alex", "20000000000000000"} {
			if strings.Contains(got, secret) {
				t.Errorf("%s: shows %q", when, secret)
			}
		}
	}
	check("while it runs")
	search := func(words string) string {
		b, _ := json.Marshal(map[string]string{"words": words})
		_, _, got := c.send(c.request(t.Context(), "POST", "/api/search", string(b)))
		return got
	}
	if got := search(words); !strings.Contains(got, `"found":[]`) || strings.Contains(got, `"bytes":0`) {
		t.Errorf("the words: %s", got)
	}
	if got := search("CREATE TABLE"); !strings.Contains(got, `"name":"aftercare.db`) {
		t.Errorf("what does stand there: %s", got)
	}
	if got := search("a"); !strings.Contains(got, "Four letters") {
		t.Errorf("a letter: %s", got)
	}
	c.act(webAct{Do: "power", On: false})
	check("while it is off")
	s := c.until("the schedule of a bot that is off", func(s webState) bool { return !s.Online && len(s.Scheduled) > 0 })
	for _, one := range s.Scheduled {
		if one.At == 0 || one.Kind == "" {
			t.Errorf("%+v", one)
		}
	}
	c.act(webAct{Do: "power", On: true})
	c.act(webAct{Do: "pass", By: 10 * day})
	if got := look(); strings.Contains(got, `"name":"words"`) || strings.Contains(got, `"name":"answers"`) || !strings.Contains(got, `"name":"pacts"`) {
		t.Errorf("after ten days the disk holds %s", got)
	}
}

func TestWebLeavesNothing(t *testing.T) {
	leavesNothing(t)
	var out bytes.Buffer
	ctx, cancel := context.WithCancel(context.Background())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	err = serveWeb(ctx, l, func(address string) {
		out.WriteString(address)
		base, key, _ := strings.Cut(address, "/#key=")
		r, err := http.NewRequest("GET", base+"/api/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+key)
		client := &http.Transport{}
		res, err := client.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := res.Body.Read(make([]byte, 10)); err != nil {
			t.Error(err)
		}
		cancel()
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Errorf("the stream broke instead of ending: %v", err)
		}
		client.CloseIdleConnections()
	})
	if err != nil || !strings.HasPrefix(out.String(), "http://127.0.0.1:") {
		t.Errorf("%v, at %s", err, out.String())
	}
}

func TestWebCommand(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, taken, _ := net.SplitHostPort(l.Addr().String())
	for want, args := range map[string][]string{
		"any free one is taken": {"demo", "--web", "--port", taken},
		"70000 is no port":      {"demo", "--web", "--port", "70000"},
		"none of the others":    {"demo", "--web", "--fast"},
	} {
		var out, errs bytes.Buffer
		if code := command(args, &out, &errs); code != 1 || !strings.Contains(errs.String(), want) {
			t.Errorf("%v: exit %d, %s", args, code, errs.String())
		}
	}
}
