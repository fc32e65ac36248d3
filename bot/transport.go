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
	drift   drift

	waits, limited atomic.Int64
}

// ErrToken ends everything: Discord refused the token.
var ErrToken = errors.New("discord.token: Discord does not know this token any more; copy it anew from the Bot page of your application")

// ErrNotOwner is for an account that does not own the application.
var ErrNotOwner = errors.New("that account does not own the application")

const (
	leastWait = 50 * time.Millisecond
	maxWait   = 15 * time.Minute // of one 429, whatever Discord says
	ofLimit   = 0.98             // used of the global limit: at exactly all of it, one request too many is a rounding away
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
		limiter: rate.NewLimiter(rate.Limit(ofLimit*float64(perSecond)), 1),
		refused: make(chan struct{}),
	}
}

// RoundTrip implements http.RoundTripper. Its errors hold no address.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	callback := isCallback(r)
	to := placeOf(r)
	out, err := t.redirect(r)
	switch {
	case err != nil:
	case t.dead.Load():
		err = ErrToken
	case callback:
		err = t.invalid.check(mostInvalidCallbacks)
	default:
		err = t.hold(r.Context(), to)
	}
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, err
	}
	asked := time.Now()
	resp, err := t.base.RoundTrip(out)
	if err != nil {
		return nil, withoutURL(err)
	}
	t.drift.learn(resp.Header, asked, time.Now())
	return t.read(resp, to, callback)
}

// hold lets a request go when the limits allow it. A wait that others decide on
// (a pause, a bucket) is returned, so that the caller can do something else.
func (t *transport) hold(ctx context.Context, to place) error {
	if err := t.mayGo(); err != nil {
		return err
	}
	if wait := t.buckets.take(to); wait > 0 {
		t.waits.Add(1)
		return comeBack(wait)
	}
	if err := t.limiter.Wait(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return store.RetryError{After: leastWait}
	}
	if t.dead.Load() {
		return ErrToken
	}
	return t.mayGo() // others may have been told to wait meanwhile
}

func (t *transport) mayGo() error {
	if wait := t.all.left(); wait > 0 {
		t.waits.Add(1)
		return comeBack(wait)
	}
	return t.invalid.check(mostInvalid)
}

// comeBack tells the rest of a wait in whole milliseconds, as the store counts:
// anything less would be no wait, and whoever is told of it back at once.
func comeBack(wait time.Duration) error {
	return store.RetryError{After: (wait + time.Millisecond - 1).Truncate(time.Millisecond)}
}

// read learns from an answer what it says of limits and of the token.
func (t *transport) read(resp *http.Response, to place, callback bool) (*http.Response, error) {
	if !callback { // theirs are named by their tokens, of which we keep none
		t.buckets.learn(to, resp.Header)
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
		return nil, t.tooMany(resp, to, callback)
	case http.StatusUnauthorized:
		t.invalid.count()
		if !callback && t.dead.CompareAndSwap(false, true) { // a callback's is about its own token
			close(t.refused)
		}
	case http.StatusForbidden:
		t.invalid.count()
	}
	resp.Header.Del("Location") // never followed, and an error would quote one that is malformed
	for name := range resp.Header {
		if strings.HasPrefix(name, "X-Ratelimit-") {
			delete(resp.Header, name) // or discordgo would act on them
		}
	}
	return resp, nil
}

// redirect returns the request for discord.api_url, keeping what follows the
// version. The token goes nowhere else.
func (t *transport) redirect(r *http.Request) (*http.Request, error) {
	_, rest, ok := strings.Cut(r.URL.Path, "/api/") // discordgo's addresses are all below it
	if !ok {
		return nil, errors.New("a request that is none of Discord's API")
	}
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.URL.User = t.api.Scheme, t.api.Host, nil
	r.URL.Path, r.URL.RawPath = strings.TrimSuffix(t.api.Path, "/")+"/"+rest, ""
	r.Host = t.api.Host
	r.Header.Set("User-Agent", t.agent)
	return r, nil
}

func isCallback(r *http.Request) bool {
	return strings.Contains(r.URL.Path, "/interactions/") || strings.Contains(r.URL.Path, "/webhooks/")
}

// tooMany reads a 429 of any kind: of a route, of everything, and Cloudflare's,
// which is no JSON and concerns everything as well.
func (t *transport) tooMany(resp *http.Response, to place, callback bool) error {
	defer resp.Body.Close()
	var body struct {
		RetryAfter float64 `json:"retry_after"`
		Global     bool    `json:"global"`
	}
	b, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<16)) // half a body is none
	foreign := json.Unmarshal(b, &body) != nil
	h := resp.Header
	wait := waitOf(max(body.RetryAfter, seconds(h, "Retry-After")), seconds(h, "X-RateLimit-Reset-After"), foreign)
	scope := h.Get("X-RateLimit-Scope")
	if scope != "shared" {
		t.invalid.count()
	}
	t.limited.Add(1)
	if foreign || body.Global || h.Get("X-RateLimit-Global") != "" || scope == "global" {
		t.all.until(time.Now().Add(wait))
		t.log.Warn("Discord asked everything to wait", "for", wait, "json", !foreign)
	} else if !callback {
		t.buckets.until(to, time.Now().Add(wait))
	}
	return store.RetryError{After: wait}
}

// waitOf turns what a 429 told, in seconds, into a wait: within reason, whatever
// it says, and never none if it says nothing.
func waitOf(told, resetAfter float64, foreign bool) time.Duration {
	switch {
	case told > 0:
	case foreign:
		told = 60
	case resetAfter > 0:
		told = resetAfter
	default:
		told = 1
	}
	return max(time.Duration(min(told, maxWait.Seconds())*float64(time.Second)), leastWait)
}

// seconds reads a header; what is no number of seconds is 0.
func seconds(h http.Header, name string) float64 {
	s, err := strconv.ParseFloat(h.Get(name), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || math.IsNaN(s) || s < 0 {
		return 0
	}
	return s
}

// withoutURL drops the address from a transport error: it may hold an
// interaction's token.
func withoutURL(err error) error {
	var u *url.Error
	for errors.As(err, &u) {
		err = u.Err
	}
	return err
}

var minorID = regexp.MustCompile(`/\d{5,}`)

// place is where a request goes, as far as limits are concerned: its method and
// route without any number, and the channel that it is about.
type place struct{ route, channel string }

func placeOf(r *http.Request) place {
	path := r.URL.Path
	if before, rest, ok := strings.Cut(path, "/channels/"); ok {
		channel, tail, _ := strings.Cut(rest, "/")
		return place{r.Method + " " + before + "/channels//" + minorID.ReplaceAllString("/"+tail, "/"), channel}
	}
	return place{r.Method + " " + minorID.ReplaceAllString(path, "/"), ""}
}

// buckets are the limits of routes, as Discord's headers say them. Routes for
// which it names the same bucket share it, channel by channel.
type buckets struct {
	mu    sync.Mutex
	by    map[string]bucket
	names map[string]string // of each route's bucket, once Discord told
}

// key names the bucket that a request falls into, as far as we know.
func (b *buckets) key(to place) string {
	if name, ok := b.names[to.route]; ok {
		return name + " " + to.channel
	}
	return to.route + " " + to.channel
}

// named takes the name of a route's bucket from an answer.
func (b *buckets) named(to place, name string) {
	if name == "" || len(name) > longestBucket || b.names[to.route] == name {
		return
	}
	if _, ok := b.names[to.route]; !ok {
		delete(b.by, b.key(to)) // it has another key from now on
	}
	if b.names == nil || len(b.names) >= mostNames {
		b.names = map[string]string{}
	}
	b.names[to.route] = name
}

type bucket struct {
	left  int
	limit int // 0: not known
	reset time.Time
}

const (
	mostBuckets   = 10_000
	mostNames     = 1_000 // our own routes are far fewer
	longestBucket = 100   // of a name
)

// take counts a request that is about to leave, or tells how long it has to wait.
func (b *buckets) take(to place) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := b.key(to)
	k, ok := b.by[key]
	if !ok {
		return 0
	}
	wait := time.Until(k.reset)
	switch {
	case k.left > 0:
		k.left--
	case wait > 0:
		return wait
	case k.limit == 0: // over, and nothing is known of the time after
		delete(b.by, key)
		return 0
	default:
		// A new window, whose end the first answer will tell.
		k.left, k.reset = k.limit-1, time.Now().Add(unknownWindow)
	}
	b.by[key] = k
	return 0
}

const unknownWindow = time.Second

// learn reads the headers of an answer. Headers that make no sense are none.
func (b *buckets) learn(to place, h http.Header) {
	left, err := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	after, err2 := strconv.ParseFloat(h.Get("X-RateLimit-Reset-After"), 64)
	if err != nil || err2 != nil || math.IsNaN(after) || after < 0 || after > maxWait.Seconds() {
		return
	}
	limit, _ := strconv.Atoi(h.Get("X-RateLimit-Limit")) // garbage is not known
	b.mu.Lock()
	defer b.mu.Unlock()
	b.named(to, h.Get("X-RateLimit-Bucket"))
	key := b.key(to)
	if old, ok := b.by[key]; ok && time.Until(old.reset) > 0 {
		left = min(left, old.left) // what is on its way is not in Discord's count yet
	}
	b.set(key, bucket{left, max(limit, 0), time.Now().Add(time.Duration(after * float64(time.Second)))})
}

// until closes a bucket.
func (b *buckets) until(to place, t time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := b.key(to)
	b.set(key, bucket{0, b.by[key].limit, t})
}

// set makes room by throwing out what is over, or else whatever comes: a bucket
// that is not known costs one 429 at most.
func (b *buckets) set(key string, k bucket) {
	if b.by == nil {
		b.by = map[string]bucket{}
	}
	if _, ok := b.by[key]; !ok && len(b.by) >= mostBuckets {
		seen := 0
		for other, old := range b.by {
			if seen++; time.Now().After(old.reset) || len(b.by) >= mostBuckets {
				delete(b.by, other)
			}
			if seen == 64 {
				break
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

	// Callbacks are few, and somebody waits for each: they go on for longer.
	mostInvalidCallbacks = 5_000
)

func (i *invalid) count() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if time.Since(i.since) >= invalidWindow {
		i.since, i.n = time.Now(), 0
	}
	i.n++
}

// check tells how long to wait if there were too many.
func (i *invalid) check(most int) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if wait := invalidWindow - time.Since(i.since); i.n >= most && wait > 0 {
		return comeBack(wait)
	}
	return nil
}
