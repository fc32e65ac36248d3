package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"
	"golang.org/x/time/rate"

	"aftercare/store"
)

// transport is the one way out to Discord's REST. It follows discord.api_url,
// keeps under the global limit, and turns every "wait" into a store.RetryError,
// so that discordgo's own limiter, which sleeps under a lock and forgets the
// context, never has anything to do.
type transport struct {
	base    http.RoundTripper
	api     *url.URL // without the version
	agent   string
	limiter *rate.Limiter
	pause   pause // everything waits: a global 429, or a token that is refused
}

const maxWait = 10 * time.Minute // of one 429, whatever Discord says

func newTransport(base http.RoundTripper, api *url.URL, version string, perSecond int) *transport {
	if base == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost = 64
		base = t
	}
	return &transport{
		base: base, api: api,
		agent:   "DiscordBot (https://github.com/aftercare, " + version + ")",
		limiter: rate.NewLimiter(rate.Limit(perSecond), 1),
	}
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	t.redirect(r)
	if !isCallback(r) { // exempt from the global limit, and short of time
		if wait := t.pause.left(); wait > 0 {
			return nil, store.RetryError{After: wait}
		}
		if err := t.limiter.Wait(r.Context()); err != nil {
			return nil, store.RetryError{After: time.Second}
		}
	}
	resp, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, withoutURL(err)
	}
	if resp.StatusCode == http.StatusTooManyRequests {
		return nil, t.limited(resp)
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

// limited reads a 429 of any kind, Cloudflare's without JSON included.
func (t *transport) limited(resp *http.Response) error {
	defer resp.Body.Close()
	var body struct {
		RetryAfter float64 `json:"retry_after"`
		Global     bool    `json:"global"`
	}
	b, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	global := json.Unmarshal(b, &body) != nil || body.Global || resp.Header.Get("X-RateLimit-Global") != ""
	seconds := body.RetryAfter
	if s, err := strconv.ParseFloat(resp.Header.Get("Retry-After"), 64); err == nil {
		seconds = max(seconds, s)
	}
	wait := min(max(time.Duration(seconds*float64(time.Second)), 50*time.Millisecond), maxWait)
	if global {
		t.pause.until(time.Now().Add(wait))
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

// restError is Discord's refusal of a request.
type restError struct {
	Status int
	Code   int // Discord's own; 0 if it gave none
	Detail string
}

// Error names the codes, and for a malformed request the paths of what is wrong
// with it, never what was in it.
func (e restError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("Discord answered %d (code %d) %s", e.Status, e.Code, e.Detail))
}

// The codes that decide something (discord.md 3.1).
const (
	codeUnknownChannel  = 10003
	codeUnknownMessage  = 10008
	codeUnknownUser     = 10013
	codeUnknownReply    = 10062
	codeOpeningTooFast  = 40003
	codeAlreadyAnswered = 40060
	codeMissingAccess   = 50001
	codeCannotSend      = 50007
	codeInvalidBody     = 50035
	codeNoMutualServer  = 50278
)

func hasCode(err error, codes ...int) bool {
	var e restError
	if !errors.As(err, &e) {
		return false
	}
	for _, c := range codes {
		if e.Code == c {
			return true
		}
	}
	return false
}

// call sends one request through discordgo and reads the answer into out, unless
// out is nil. Each call brings a bucket of its own: discordgo's shared ones are
// held during the whole exchange, ignore the context, and are never let go.
func (b *Bot) call(ctx context.Context, method, path string, body, out any) error {
	var payload []byte
	if body != nil {
		var err error
		if payload, err = json.Marshal(body); err != nil {
			return err
		}
	}
	bucket := &discordgo.Bucket{}
	bucket.Lock()
	answer, err := b.rest.RequestWithLockedBucket(method, discordgo.EndpointDiscord+"api/"+path, "application/json", payload, bucket, 0,
		discordgo.WithContext(ctx), discordgo.WithRetryOnRatelimit(false), discordgo.WithRestRetries(0))
	if err != nil {
		return readError(err)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// readError makes discordgo's errors ones that may be logged.
func readError(err error) error {
	var rest *discordgo.RESTError
	if !errors.As(err, &rest) {
		return withoutURL(err)
	}
	var e struct {
		Code   int             `json:"code"`
		Errors json.RawMessage `json:"errors"`
	}
	_ = json.Unmarshal(rest.ResponseBody, &e) // no JSON is no code
	return restError{Status: rest.Response.StatusCode, Code: e.Code, Detail: strings.Join(wrongPaths("", e.Errors), ", ")}
}

// wrongPaths lists where in a body Discord found mistakes, and their codes.
func wrongPaths(at string, tree json.RawMessage) (out []string) {
	var node map[string]json.RawMessage
	if json.Unmarshal(tree, &node) != nil {
		return nil
	}
	for name, sub := range node {
		if name != "_errors" {
			out = append(out, wrongPaths(strings.TrimPrefix(at+"."+name, "."), sub)...)
			continue
		}
		var list []struct{ Code string }
		if json.Unmarshal(sub, &list) == nil {
			for _, e := range list {
				out = append(out, at+": "+e.Code)
			}
		}
	}
	return out
}
