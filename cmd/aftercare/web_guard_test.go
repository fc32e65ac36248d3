package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

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
