package bot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aftercare/store"
)

const (
	secretToken = "MTAw.SecretTokenOfTheBot.x"
	replyToken  = "aW50ZXJhY3Rpb24.SecretOfOneReply"
	callbackTo  = "interactions/800000000000000001/" + replyToken + "/callback"
	editTo      = "webhooks/100000000000000001/" + replyToken + "/messages/@original"
)

// answers is a Discord that a test makes up.
type answers func(*http.Request) (*http.Response, error)

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

func responds(status int, body string, header ...string) *http.Response {
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status), Header: headers(header...), Body: io.NopCloser(strings.NewReader(body))}
}

func always(status int, body string, header ...string) answers {
	return func(*http.Request) (*http.Response, error) { return responds(status, body, header...), nil }
}

// newCaller returns a bot that can do nothing but call.
func newCaller(t testing.TB, base http.RoundTripper, perSecond int) *Bot {
	t.Helper()
	return callerAt(t, base, "https://discord.test/api", perSecond)
}

func callerAt(t testing.TB, base http.RoundTripper, api string, perSecond int) *Bot {
	t.Helper()
	at, err := url.Parse(api)
	if err != nil {
		t.Fatal(err)
	}
	b := &Bot{log: slog.New(&logBook{})}
	b.api = newTransport(base, at, "1.2.3", perSecond, b.log)
	if b.rest, err = restSession(secretToken, b.api); err != nil {
		t.Fatal(err)
	}
	return b
}

func tryGet(b *Bot, path string) error {
	return b.call(context.Background(), http.MethodGet, apiVersion+"/"+path, nil, nil)
}

func tryPost(b *Bot, path string) error {
	return b.call(context.Background(), http.MethodPost, apiVersion+"/"+path, object{"content": "x"}, nil)
}

// told returns how long an error asks to wait; -1 is not at all.
func told(err error) time.Duration {
	var retry store.RetryError
	if !errors.As(err, &retry) {
		return -1
	}
	return retry.After
}

func wantWait(t *testing.T, what string, err error, want time.Duration) {
	t.Helper()
	if got := told(err); got != want {
		t.Errorf("%s: told to wait %s, want %s (%v)", what, got, want, err)
	}
}

func TestTransportAddress(t *testing.T) {
	for api, want := range map[string]string{
		"https://discord.com/api":            "https://discord.com/api/v9/users/@me",
		"https://discord.com/api/":           "https://discord.com/api/v9/users/@me",
		"http://127.0.0.1:8080":              "http://127.0.0.1:8080/v9/users/@me",
		"http://proxy.test:8080/discord/api": "http://proxy.test:8080/discord/api/v9/users/@me",
		"http://proxy.test/a%20b/api":        "http://proxy.test/a%20b/api/v9/users/@me",
	} {
		var out *http.Request
		b := callerAt(t, answers(func(r *http.Request) (*http.Response, error) {
			out = r
			return responds(200, "{}"), nil
		}), api, 1000)
		if err := tryGet(b, "users/@me?x=1"); err != nil {
			t.Error(err)
		}
		if got := out.URL.String(); got != want+"?x=1" {
			t.Errorf("%s: sent to %s, want %s", api, got, want)
		}
		if out.Host != out.URL.Host || out.Header.Get("User-Agent") != "DiscordBot (https://github.com/aftercare, 1.2.3)" || out.Header.Get("Authorization") != "Bot "+secretToken {
			t.Errorf("%s: %s %v", api, out.Host, out.Header)
		}
	}
}

// Nothing with a token in it goes anywhere but to discord.api_url.
func TestTransportGoesNowhereElse(t *testing.T) {
	b := newCaller(t, answers(func(r *http.Request) (*http.Response, error) {
		t.Error("sent to", r.URL.Host)
		return responds(200, ""), nil
	}), 1000)
	for _, to := range []string{"https://elsewhere.test/", "https://discord.com/login", "http://discord.com/apis/v9"} {
		r := httptest.NewRequest(http.MethodGet, to, nil)
		if _, err := b.api.RoundTrip(r); err == nil {
			t.Error(to, "went through")
		}
	}
}

// leaky lists ways in which a request fails while the token is near.
func leaky(t *testing.T) map[string]*Bot {
	all := secretToken + " " + replyToken
	out := map[string]*Bot{
		"refused": callerAt(t, &http.Transport{}, "http://127.0.0.1:1/api", 1000),
		"a custom error": newCaller(t, answers(func(r *http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: "Get", URL: r.URL.String(), Err: errors.New("no")}
		}), 1000),
		"no JSON":         newCaller(t, always(200, all), 1000),
		"redirect":        newCaller(t, always(302, all, "Location", "https://elsewhere.test/"+replyToken), 1000),
		"redirect to api": newCaller(t, always(307, all, "Location", "/api/v9/"+callbackTo), 1000),
		"cloudflare":      newCaller(t, always(429, "<html>"+all), 1000),
		"route limit":     newCaller(t, always(429, `{"retry_after":1,"message":"`+all+`"}`), 1000),
		"malformed": newCaller(t, always(400, `{"code":50035,"message":"`+all+`","errors":{"`+replyToken+`":{"_errors":[{"code":"`+secretToken+`"}]},"content":{"_errors":[{"code":"`+
			secretToken+`","message":"`+all+`"}]}}}`), 1000),
	}
	for _, status := range []int{400, 401, 403, 404, 405, 409, 500, 502, 503, 504, 520, 600, 100, 204} {
		out[fmt.Sprint(status)] = newCaller(t, always(status, all), 1000)
	}
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then is a client's going noticed
		<-r.Context().Done()
	}))
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	rude := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if c, _, err := rw.(http.Hijacker).Hijack(); err == nil {
			_, _ = io.WriteString(c, "NOT HTTP\r\n\r\n")
			_ = c.Close()
		}
	}))
	for name, s := range map[string]*httptest.Server{"timeout": slow, "unknown authority": secure, "no HTTP": rude} {
		t.Cleanup(s.Close)
		base := &http.Transport{}
		t.Cleanup(base.CloseIdleConnections)
		out[name] = callerAt(t, base, s.URL+"/api", 1000)
	}
	plain := strings.Replace(rude.URL, "http:", "https:", 1)
	out["no TLS"] = callerAt(t, &http.Transport{}, plain+"/api", 1000)
	return out
}

func TestTokensReachNoError(t *testing.T) {
	for name, b := range leaky(t) {
		for _, path := range []string{callbackTo, editTo, "channels/500000000000000001/messages", "users/@me"} {
			ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
			var out struct{ ID int }
			err := b.call(ctx, http.MethodPost, apiVersion+"/"+path, object{"content": replyToken}, &out)
			cancel()
			if err == nil {
				t.Error(name, path, "went well")
				continue
			}
			noSecrets(t, name, err.Error(), fmt.Sprintf("%+v %#v", err, err), b.log.Handler().(*logBook).text())
		}
	}
}

func noSecrets(t testing.TB, what string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(text, "Secret") {
			t.Errorf("%s says %s", what, text)
		}
	}
}

func TestTokenRefused(t *testing.T) {
	for path, ends := range map[string]bool{callbackTo: false, editTo: false, "users/@me": true, channelPath(1): true} {
		sent := 0
		b := newCaller(t, answers(func(*http.Request) (*http.Response, error) {
			sent++
			return responds(401, `{"message":"401: Unauthorized","code":0}`), nil
		}), 1000)
		if err := tryPost(b, path); err == nil {
			t.Error(path, "went well")
		}
		if b.api.dead.Load() != ends {
			t.Error(path, "ended everything:", !ends)
		}
		select {
		case <-b.api.refused:
		default:
			if ends {
				t.Error(path, "told nobody")
			}
		}
		if !ends {
			continue
		}
		for _, then := range []string{callbackTo, "users/@me"} {
			if err := tryPost(b, then); !errors.Is(err, ErrToken) {
				t.Error(then, err)
			}
		}
		if sent != 1 {
			t.Error(sent, "requests were sent")
		}
	}
}

// At 10,000 refused requests in 10 minutes Discord bans the address.
func TestInvalidRequestsStayFew(t *testing.T) {
	for path, most := range map[string]int{channelPath(1): mostInvalid, callbackTo: mostInvalidCallbacks} {
		synctest.Test(t, func(t *testing.T) {
			sent := 0
			b := newCaller(t, answers(func(*http.Request) (*http.Response, error) {
				sent++
				return responds(403, `{"code":50007}`), nil
			}), 1_000_000)
			for range 12_000 {
				through(t, b, path)
			}
			if sent > most {
				t.Error(path, sent, "were sent")
			}
			if got := told(tryPost(b, path)); got <= 0 || got > invalidWindow {
				t.Error(path, "told to wait", got)
			}
			time.Sleep(invalidWindow)
			before := sent
			if _ = tryPost(b, path); sent != before+1 {
				t.Error(path, "does not go on")
			}
		})
	}
}

// through sends a request past discordgo, which takes its time.
func through(t *testing.T, b *Bot, path string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://discord.com/api/"+apiVersion+"/"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := b.api.RoundTrip(r); err == nil {
		_ = resp.Body.Close()
	}
}

// discordgo's own limiter sleeps under a lock, and fails on headers it can't read.
func TestDiscordgoSeesNoLimits(t *testing.T) {
	for name, header := range map[string][]string{
		"at 0":        {"X-RateLimit-Remaining", "0", "X-RateLimit-Reset-After", "3600"},
		"global":      {"X-RateLimit-Global", "true", "X-RateLimit-Reset-After", "3600", "Retry-After", "3600"},
		"garbage":     {"X-RateLimit-Remaining", "x", "X-RateLimit-Reset-After", "y", "X-RateLimit-Limit", "z"},
		"odd numbers": {"X-RateLimit-Remaining", "-9", "X-RateLimit-Reset-After", "NaN"},
		"no date":     {"X-RateLimit-Reset", "1700000000"},
		"huge":        {"X-RateLimit-Remaining", "99999999999999999999", "X-RateLimit-Reset-After", "1e400"},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newCaller(t, always(200, "{}", header...), 1000)
			began := time.Now()
			for i := range 10 {
				if err := tryPost(b, channelPath(i)); err != nil {
					t.Error(name, err)
				}
			}
			if _, err := b.rest.RequestWithBucketID("GET", "https://discord.com/api/v9/users/@me", nil, "shared"); err != nil {
				t.Error(name, err)
			}
			if took := time.Since(began); took > 11*time.Millisecond {
				t.Error(name, "slept for", took)
			}
		})
	}
}

// A call is one request, whatever the answer: discordgo tries nothing again.
func TestACallIsOneRequest(t *testing.T) {
	for _, status := range []int{200, 400, 401, 403, 404, 429, 500, 502, 503, 504} {
		sent := 0
		b := newCaller(t, answers(func(*http.Request) (*http.Response, error) {
			sent++
			return responds(status, `{"retry_after":0.001}`), nil
		}), 1000)
		if err := tryPost(b, channelPath(1)); (err == nil) != (status == 200) || sent != 1 {
			t.Errorf("%d: %d requests, %v", status, sent, err)
		}
	}
}

func TestPatiently(t *testing.T) {
	gone := &net.OpError{Op: "read", Err: errors.New("connection reset by peer")}
	for name, c := range map[string]struct {
		first []any // answers before all is well: a response or an error
		took  time.Duration
		err   bool
	}{
		"at once":        {nil, 0, false},
		"told":           {[]any{responds(429, `{"retry_after":2.5}`), responds(429, `{"retry_after":10,"global":true}`)}, 12500 * time.Millisecond, false},
		"cloudflare":     {[]any{responds(429, `<html>`)}, time.Minute, false},
		"5xx":            {[]any{responds(500, ""), responds(502, ""), responds(503, "x"), responds(504, "")}, 3 * time.Second, false},
		"network":        {[]any{gone, gone}, 600 * time.Millisecond, false},
		"refused":        {[]any{responds(403, `{"code":50007}`)}, 0, true},
		"beyond the end": {[]any{responds(429, `{"retry_after":800}`)}, 0, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			b := newCaller(t, answers(func(*http.Request) (*http.Response, error) {
				n++
				if n > len(c.first) {
					return responds(200, "{}"), nil
				}
				if err, ok := c.first[n-1].(error); ok {
					return nil, err
				}
				return c.first[n-1].(*http.Response), nil
			}), 1000)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			began := time.Now()
			err := b.patiently(ctx, http.MethodPost, apiVersion+"/users/@me/channels", nil, nil)
			if took := time.Since(began); took.Round(50*time.Millisecond) != c.took || (err != nil) != c.err {
				t.Errorf("%s: %v after %s, want %s", name, err, took, c.took)
			}
		})
	}
}

// A request that got no answer in time is tried again, until the caller's own time is over.
func TestPatientlyWithASilentDiscord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		b := newCaller(t, answers(func(r *http.Request) (*http.Response, error) {
			if n++; n > 2 {
				return responds(200, ""), nil
			}
			<-r.Context().Done()
			return nil, r.Context().Err()
		}), 1000)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		if err := b.patiently(ctx, http.MethodGet, apiVersion+"/users/@me", nil, nil); err != nil || n != 3 {
			t.Error(n, "tries:", err)
		}
		n = -1000
		short, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		began := time.Now()
		if err := b.patiently(short, http.MethodGet, apiVersion+"/users/@me", nil, nil); err == nil || time.Since(began) > 30*time.Second {
			t.Error(err, "after", time.Since(began))
		}
	})
}

func TestPatientlyStopsWhenAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newCaller(t, always(500, ""), 1000)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- b.patiently(ctx, http.MethodGet, apiVersion+"/users/@me", nil, nil) }()
		time.Sleep(time.Hour)
		cancel()
		began := time.Now()
		if err := <-done; err == nil || time.Since(began) > 0 {
			t.Error(err, "after", time.Since(began))
		}
	})
}
