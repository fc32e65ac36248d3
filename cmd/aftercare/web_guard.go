package main

import (
	"crypto/subtle"
	"net"
	"net/http"
	"slices"
	"strings"
)

// webPolicy lets the page load its own files and talk to its own server, and
// nothing else. No script can be made out of a string in it.
const webPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// guarded refuses what doesn't come from the page itself, in a browser on this
// machine. A page elsewhere could point its own name at 127.0.0.1: hence the Host.
func (p *webPage) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range map[string]string{
			"Content-Security-Policy":      webPolicy,
			"X-Content-Type-Options":       "nosniff",
			"X-Frame-Options":              "DENY",
			"Referrer-Policy":              "no-referrer",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Cache-Control":                "no-store",
		} {
			w.Header().Set(name, value)
		}
		if why := p.foreign(r); why != "" {
			http.Error(w, why, http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// foreign tells what is foreign about a request; "" if nothing is.
func (p *webPage) foreign(r *http.Request) string {
	_, port, err := net.SplitHostPort(p.host)
	if err != nil {
		return "this server does not know its own address"
	}
	hosts := []string{p.host, "localhost:" + port}
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	origins := r.Header.Values("Origin")
	site := r.Header.Get("Sec-Fetch-Site")
	switch {
	case err != nil || !net.ParseIP(from).IsLoopback():
		return "only for this machine"
	case !slices.Contains(hosts, r.Host):
		return "this address is not the demo's"
	case len(origins) > 1 || len(origins) == 1 && origins[0] != "http://"+r.Host:
		return "another page may not ask this"
	case len(origins) == 0 && r.Method != http.MethodGet && r.Method != http.MethodHead:
		return "only the demo's own page may ask this"
	case site != "" && site != "same-origin" && (site != "none" || strings.HasPrefix(r.URL.Path, "/api/")):
		// A link elsewhere may still lead to the page: it does nothing without the key.
		if site != "none" && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.URL.Path == "/" {
			return ""
		}
		return "another page may not ask this"
	}
	return ""
}

// keyed lets only those in who have the key, and sends JSON.
func (p *webPage) keyed(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok || subtle.ConstantTimeCompare([]byte(key), []byte(p.key)) != 1 {
			http.Error(w, "this demo has another key: open the address that it printed", http.StatusUnauthorized)
			return
		}
		if r.Method == http.MethodPost && r.Header.Get("Content-Type") != "application/json" {
			http.Error(w, "JSON, please", http.StatusUnsupportedMediaType)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		next(w, r)
	})
}
