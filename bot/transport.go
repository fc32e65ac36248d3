package bot

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"aftercare/store"
)

// transport is the one way out to Discord's REST. It follows discord.api_url,
// stays below the limits before they are hit, and turns every "wait" into a
// store.RetryError, so that nobody sleeps in here and discordgo's own limiter,
// which does so under a lock, never has anything to do. Interaction callbacks are
// exempt from the global limit at Discord, and never wait for it here.
type transport struct {
	base    http.RoundTripper
	api     *url.URL // without the version
	agent   string
	log     *slog.Logger
	limiter *rate.Limiter
	all     pause // everything waits
	buckets buckets
	invalid invalid
	dead    atomic.Bool // the token was refused: nothing goes out any more
	refused chan struct{}

	waits, limited atomic.Int64
}

// errToken ends everything: Discord refused the token.
var errToken = errors.New("discord.token: Discord does not know this token any more; copy it anew from the Bot page of your application")

const (
	leastWait = 50 * time.Millisecond
	maxWait   = 15 * time.Minute // of one 429, whatever Discord says
)

func newTransport(base http.RoundTripper, api *url.URL, version string, perSecond int, log *slog.Logger) *transport {
	if base == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost = 64
		base = t
	}
	return &transport{
		base: base, api: api, log: log,
		agent:   "DiscordBot (https://github.com/aftercare, " + version + ")",
		limiter: rate.NewLimiter(rate.Limit(perSecond), 1),
		refused: make(chan struct{}),
	}
}

// RoundTrip implements http.RoundTripper. Its errors hold no address.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.dead.Load() {
		return nil, errToken
	}
	callback := isCallback(r)
	key := routeKey(r)
	if !callback {
		if err := t.hold(r.Context(), key); err != nil {
			return nil, err
		}
	}
	r = r.Clone(r.Context())
	t.redirect(r)
	resp, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, withoutURL(err)
	}
	return t.read(resp, key, callback)
}

// hold lets a request go when the limits allow it. A wait that others decide on
// (a pause, a bucket) is returned, so that the caller can do something else.
func (t *transport) hold(ctx context.Context, key string) error {
	if wait := max(t.all.left(), t.buckets.left(key), t.invalid.left()); wait > 0 {
		t.waits.Add(1)
		return store.RetryError{After: wait}
	}
	if err := t.limiter.Wait(ctx); err != nil {
		return store.RetryError{After: leastWait}
	}
	t.buckets.take(key)
	return nil
}

// read learns from an answer what it says of limits and of the token.
func (t *transport) read(resp *http.Response, key string, callback bool) (*http.Response, error) {
	t.buckets.learn(key, resp.Header)
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
		return nil, t.tooMany(resp, key)
	case http.StatusUnauthorized:
		t.invalid.count()
		if !callback && t.dead.CompareAndSwap(false, true) { // a callback's is about its own token
			close(t.refused)
		}
	case http.StatusForbidden:
		t.invalid.count()
	}
	for name := range resp.Header {
		if strings.HasPrefix(name, "X-Ratelimit-") {
			delete(resp.Header, name) // or discordgo would act on them
		}
	}
	return resp, nil
}

// redirect sends a request to discord.api_url, keeping what follows the version.
func (t *transport) redirect(r *http.Request) {
	_, rest, ok := strings.Cut(r.URL.Path, "/api/") // discordgo's addresses are all below it
	if !ok {
		return
	}
	u := *r.URL
	u.Scheme, u.Host, u.User = t.api.Scheme, t.api.Host, nil
	u.Path, u.RawPath = strings.TrimSuffix(t.api.Path, "/")+"/"+rest, ""
	r.URL, r.Host = &u, t.api.Host
	r.Header.Set("User-Agent", t.agent)
}

func isCallback(r *http.Request) bool {
	return strings.Contains(r.URL.Path, "/interactions/") || strings.Contains(r.URL.Path, "/webhooks/")
}

// tooMany reads a 429 of any kind: of a route, of everything, and Cloudflare's,
// which is no JSON and concerns everything as well.
func (t *transport) tooMany(resp *http.Response, key string) error {
	defer resp.Body.Close()
	var body struct {
		RetryAfter float64 `json:"retry_after"`
		Global     bool    `json:"global"`
	}
	b, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<16)) // half a body is none
	foreign := json.Unmarshal(b, &body) != nil
	seconds := body.RetryAfter
	if s, err := strconv.ParseFloat(resp.Header.Get("Retry-After"), 64); err == nil {
		seconds = max(seconds, s)
	}
	if foreign && seconds == 0 {
		seconds = 60
	}
	wait := min(max(time.Duration(seconds*float64(time.Second)), leastWait), maxWait)
	scope := resp.Header.Get("X-RateLimit-Scope")
	if scope != "shared" {
		t.invalid.count()
	}
	t.limited.Add(1)
	if foreign || body.Global || resp.Header.Get("X-RateLimit-Global") != "" || scope == "global" {
		t.all.until(time.Now().Add(wait))
		t.log.Warn("Discord asked everything to wait", "for", wait, "json", !foreign)
	} else {
		t.buckets.until(key, time.Now().Add(wait))
	}
	return store.RetryError{After: wait}
}

// withoutURL drops the address from a transport error: it may hold an
// interaction's token.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

var minorID = regexp.MustCompile(`/\d{5,}`)

// routeKey names the bucket that a request falls into as far as we can know: its
// method and its route, with the channel it is about but no other number.
func routeKey(r *http.Request) string {
	path := r.URL.Path
	if _, rest, ok := strings.Cut(path, "/channels/"); ok {
		channel, tail, _ := strings.Cut(rest, "/")
		return r.Method + " " + channel + "/" + minorID.ReplaceAllString("/"+tail, "/")
	}
	return r.Method + " " + minorID.ReplaceAllString(path, "/")
}

// buckets are the limits of routes, as Discord's headers say them.
type buckets struct {
	mu sync.Mutex
	by map[string]bucket
}

type bucket struct {
	left  int
	reset time.Time
}

const mostBuckets = 10_000

func (b *buckets) left(key string) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	k, ok := b.by[key]
	if !ok || k.left > 0 {
		return 0
	}
	return time.Until(k.reset)
}

// take counts a request that is on its way.
func (b *buckets) take(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if k, ok := b.by[key]; ok && k.left > 0 {
		k.left--
		b.by[key] = k
	}
}

// learn reads the headers of an answer. Headers that make no sense are none.
func (b *buckets) learn(key string, h http.Header) {
	left, err := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	after, err2 := strconv.ParseFloat(h.Get("X-RateLimit-Reset-After"), 64)
	if err != nil || err2 != nil || math.IsNaN(after) || after < 0 || after > maxWait.Seconds() {
		return
	}
	b.set(key, bucket{left, time.Now().Add(time.Duration(after * float64(time.Second)))})
}

func (b *buckets) until(key string, t time.Time) { b.set(key, bucket{0, t}) }

func (b *buckets) set(key string, k bucket) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.by == nil {
		b.by = map[string]bucket{}
	}
	if len(b.by) >= mostBuckets {
		for key, old := range b.by {
			if time.Now().After(old.reset) {
				delete(b.by, key)
			}
		}
	}
	b.by[key] = k
}

// invalid counts the requests that Discord refused with 401, 403 or 429. At
// 10,000 within 10 minutes it bans the address; far below that we stop by ourselves.
type invalid struct {
	mu    sync.Mutex
	since time.Time
	n     int
}

const (
	invalidWindow = 10 * time.Minute
	mostInvalid   = 2_000
)

func (i *invalid) count() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if time.Since(i.since) >= invalidWindow {
		i.since, i.n = time.Now(), 0
	}
	i.n++
}

// left tells how long to wait because there were too many.
func (i *invalid) left() time.Duration {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.n < mostInvalid {
		return 0
	}
	return max(0, invalidWindow-time.Since(i.since))
}
