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
	"slices"
	"strings"
	"sync"
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

func TestGlobalLimitIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var at []time.Time
		b := newCaller(t, answers(func(*http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			at = append(at, time.Now())
			return responds(200, ""), nil
		}), 50)
		began := time.Now()
		var busy sync.WaitGroup
		for i := range 20 {
			busy.Go(func() {
				for n := range 50 {
					if err := tryGet(b, fmt.Sprintf("channels/5000000000000%05d/messages", i*100+n)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		busy.Wait()
		took := time.Since(began)
		t.Logf("1000 requests in %s: %.1f a second", took, 1000/took.Seconds())
		if took < 20*time.Second || took > 20600*time.Millisecond { // at 97 % of the limit or more
			t.Error("1000 requests at 50 a second took", took)
		}
		slices.SortFunc(at, time.Time.Compare)
		for i := 50; i < len(at); i++ {
			if at[i].Sub(at[i-50]) <= time.Second {
				t.Fatal("51 within", at[i].Sub(at[i-50]))
			}
		}
	})
}

func TestCallbacksAreNeverHeld(t *testing.T) {
	for name, hold := range map[string]func(*Bot){
		"limiter": func(b *Bot) {
			for range 100 {
				go func() { _ = tryGet(b, "users/@me") }() // they wait their turn
			}
			synctest.Wait()
		},
		"pause":     func(b *Bot) { b.api.all.until(time.Now().Add(time.Hour)) },
		"all of it": func(b *Bot) { b.api.invalid.since, b.api.invalid.n = time.Now(), mostInvalid },
		"bucket": func(b *Bot) {
			r := httptest.NewRequest(http.MethodPost, "https://discord.com/api/"+apiVersion+"/"+callbackTo, nil)
			b.api.buckets.until(placeOf(r), time.Now().Add(time.Hour))
		},
		"their own header": func(b *Bot) {
			if err := tryPost(b, callbackTo); err != nil {
				panic(err)
			}
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newCaller(t, always(204, "", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset-After", "600"), 1)
			hold(b)
			began := time.Now()
			for _, path := range []string{callbackTo, editTo, callbackTo} {
				if err := tryPost(b, path); err != nil {
					t.Error(name, err)
				}
			}
			if took := time.Since(began); took > 0 {
				t.Error(name, "held it for", took)
			}
			time.Sleep(5 * time.Minute) // for those in line
		})
	}
}

func channelPath(n int) string { return fmt.Sprintf("channels/5000000000000%05d/messages", n) }

func TestBucketsFollowHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := "1"
		sent := 0
		b := newCaller(t, answers(func(*http.Request) (*http.Response, error) {
			sent++
			return responds(200, "", "X-RateLimit-Limit", "2", "X-RateLimit-Remaining", left, "X-RateLimit-Reset-After", "4.5"), nil
		}), 1000)
		mustCall := func(path string) {
			t.Helper()
			if err := tryPost(b, path); err != nil {
				t.Fatal(err)
			}
		}
		mustCall(channelPath(1))
		left = "0"
		mustCall(channelPath(1))
		wantWait(t, "at 0", tryPost(b, channelPath(1)), 4500*time.Millisecond)
		mustCall(channelPath(2))                       // another channel
		if err := tryGet(b, "users/@me"); err != nil { // another route
			t.Error(err)
		}
		if err := tryGet(b, channelPath(1)); err != nil { // another method
			t.Error(err)
		}
		wantWait(t, "another message of the channel", b.call(t.Context(), http.MethodPost, apiVersion+"/"+channelPath(1), nil, nil), told(tryPost(b, channelPath(1))))
		before := sent
		time.Sleep(time.Second)
		wantWait(t, "a second later", tryPost(b, channelPath(1)), told(tryPost(b, channelPath(1))))
		if sent != before {
			t.Error("what has to wait was sent")
		}
		time.Sleep(4 * time.Second)
		mustCall(channelPath(1))
	})
}

// The store counts in milliseconds: less than one would be no wait at all.
func TestWaitsAreWholeMilliseconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newCaller(t, always(200, ""), 1000)
		b.api.all.until(time.Now().Add(3*time.Millisecond + 1))
		wantWait(t, "a pause", tryPost(b, channelPath(1)), 4*time.Millisecond)
		time.Sleep(3 * time.Millisecond)
		wantWait(t, "the end of a pause", tryPost(b, channelPath(1)), time.Millisecond)
		time.Sleep(time.Millisecond)
		b.api.buckets.until(placeOf(httptest.NewRequest(http.MethodPost, "https://discord.com/api/"+apiVersion+"/"+channelPath(1), nil)), time.Now().Add(1))
		wantWait(t, "a bucket", tryPost(b, channelPath(1)), time.Millisecond)
	})
}

// Routes for which Discord names one bucket share it, in each channel.
func TestBucketsAreSharedByName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := "4"
		b := newCaller(t, answers(func(r *http.Request) (*http.Response, error) {
			name := "abcd1234"
			if r.Method == http.MethodPut {
				name = strings.Repeat("x", 1000) // which is none
			}
			return responds(200, "", "X-RateLimit-Bucket", name, "X-RateLimit-Limit", "5", "X-RateLimit-Remaining", left, "X-RateLimit-Reset-After", "3"), nil
		}), 1000)
		try := func(method, path string) error { return b.call(t.Context(), method, apiVersion+"/"+path, nil, nil) }
		message := func(n int) string { return channelPath(n) + "/700000000000000001" }
		for _, method := range []string{http.MethodPatch, http.MethodDelete, http.MethodPut} {
			if err := try(method, message(1)); err != nil {
				t.Error(err)
			}
		}
		left = "0"
		if err := try(http.MethodPatch, message(2)); err != nil {
			t.Error(err)
		}
		wantWait(t, "the same route", try(http.MethodPatch, message(2)), 3*time.Second)
		wantWait(t, "a route with the same bucket", try(http.MethodDelete, message(2)), 3*time.Second)
		wantWait(t, "a route of which nothing is known", try(http.MethodGet, message(2)), -1)
		wantWait(t, "a route whose bucket has no name", try(http.MethodPut, message(2)), -1)
		wantWait(t, "another channel", try(http.MethodDelete, message(3)), -1)
		time.Sleep(3 * time.Second)
		wantWait(t, "afterwards", try(http.MethodDelete, message(2)), -1)
		for i := range 3 * mostNames { // a Discord that names them anew each time
			b.api.buckets.learn(place{route: fmt.Sprint(i)}, headers("X-RateLimit-Bucket", fmt.Sprint(i), "X-RateLimit-Remaining", "1", "X-RateLimit-Reset-After", "1"))
		}
		if n := len(b.api.buckets.names); n > mostNames {
			t.Error(n, "names are kept")
		}
	})
}

// Requests at the same time count, though Discord's answers don't know of them yet.
func TestBucketsCountWhatIsOnItsWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		const limit = 5
		left, reset, refused := limit, time.Time{}, 0
		b := newCaller(t, answers(func(*http.Request) (*http.Response, error) {
			time.Sleep(50 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			if now := time.Now(); now.After(reset) {
				left, reset = limit, now.Add(5*time.Second)
			}
			after := fmt.Sprint(time.Until(reset).Seconds())
			if left == 0 {
				refused++
				return responds(429, `{"retry_after":`+after+`}`, "X-RateLimit-Scope", "user"), nil
			}
			left--
			return responds(200, "", "X-RateLimit-Limit", "5", "X-RateLimit-Remaining", fmt.Sprint(left), "X-RateLimit-Reset-After", after), nil
		}), 1000)
		if err := tryPost(b, channelPath(1)); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		var busy sync.WaitGroup
		for range 50 {
			busy.Go(func() {
				if err := b.patiently(t.Context(), http.MethodPost, apiVersion+"/"+channelPath(1), nil, nil); err != nil {
					t.Error(err)
				}
			})
		}
		busy.Wait()
		t.Logf("51 requests at 5 in 5 s took %s, %d were refused", time.Since(began), refused)
		if refused > 0 {
			t.Error(refused, "refused")
		}
	})
}

func TestTooManyRequests(t *testing.T) {
	const route, all = false, true
	for name, c := range map[string]struct {
		body    string
		header  []string
		wait    time.Duration
		all     bool
		invalid int
	}{
		"route":              {`{"retry_after":1.5,"global":false}`, []string{"X-RateLimit-Scope", "user", "Retry-After", "1"}, 1500 * time.Millisecond, route, 1},
		"header is more":     {`{"retry_after":1.5}`, []string{"Retry-After", "2"}, 2 * time.Second, route, 1},
		"global by body":     {`{"retry_after":3,"global":true}`, nil, 3 * time.Second, all, 1},
		"global by header":   {`{"retry_after":3}`, []string{"X-RateLimit-Global", "true"}, 3 * time.Second, all, 1},
		"global by scope":    {`{"retry_after":3}`, []string{"X-RateLimit-Scope", "global"}, 3 * time.Second, all, 1},
		"shared":             {`{"retry_after":7}`, []string{"X-RateLimit-Scope", "shared"}, 7 * time.Second, route, 0},
		"cloudflare":         {`<html>1015</html>`, []string{"Retry-After", "120"}, 2 * time.Minute, all, 1},
		"cloudflare mute":    {`<html>1015</html>`, nil, time.Minute, all, 1},
		"empty":              {``, nil, time.Minute, all, 1},
		"absurd":             {`{"retry_after":1e300}`, nil, maxWait, route, 1},
		"absurd header":      {`{"retry_after":1}`, []string{"Retry-After", "1e999"}, maxWait, route, 1},
		"infinite header":    {`{"retry_after":1}`, []string{"Retry-After", "Inf"}, maxWait, route, 1},
		"a date":             {`{"retry_after":1}`, []string{"Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"}, time.Second, route, 1},
		"NaN":                {`{"retry_after":1}`, []string{"Retry-After", "NaN"}, time.Second, route, 1},
		"negative":           {`{"retry_after":-5}`, []string{"Retry-After", "-3"}, time.Second, route, 1},
		"nothing said":       {`{}`, nil, time.Second, route, 1},
		"only Reset-After":   {`{}`, []string{"X-RateLimit-Reset-After", "2.5"}, 2500 * time.Millisecond, route, 1},
		"null":               {`null`, nil, time.Second, route, 1},
		"tiny":               {`{"retry_after":0.001}`, nil, leastWait, route, 1},
		"a string":           {`{"retry_after":"5"}`, nil, time.Minute, all, 1},
		"large, but JSON":    {`{"message":"` + strings.Repeat("x", 1<<17) + `","retry_after":5}`, []string{"Retry-After", "5"}, 5 * time.Second, all, 1},
		"absurd Reset-After": {`{"retry_after":1}`, []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset-After", "1e9"}, time.Second, route, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			limited := true
			b := newCaller(t, answers(func(*http.Request) (*http.Response, error) {
				if limited {
					return responds(429, c.body, c.header...), nil
				}
				return responds(200, ""), nil
			}), 1000)
			wantWait(t, name, tryPost(b, channelPath(1)), c.wait)
			if b.api.invalid.n != c.invalid {
				t.Errorf("%s: %d invalid requests counted", name, b.api.invalid.n)
			}
			limited = false
			wantWait(t, name+", the route after", tryPost(b, channelPath(1)), c.wait)
			other := time.Duration(-1)
			if c.all {
				other = c.wait
			}
			wantWait(t, name+", another channel", tryPost(b, channelPath(2)), other)
			time.Sleep(c.wait)
			if err := tryPost(b, channelPath(1)); err != nil {
				t.Error(name, "after the wait:", err)
			}
		})
	}
}

func TestContextWhileWaitingForLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newCaller(t, always(200, ""), 1)
		for range 19 { // no request of ours waits for longer than 20 s
			go func() { _ = tryGet(b, "users/@me") }()
		}
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- b.call(ctx, http.MethodGet, apiVersion+"/users/@me", nil, nil) }()
		time.Sleep(time.Second)
		cancel()
		began := time.Now()
		if err := <-done; !errors.Is(err, context.Canceled) || time.Since(began) > 0 {
			t.Error(err, "after", time.Since(began))
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.call(short, http.MethodGet, apiVersion+"/users/@me", nil, nil); err == nil || time.Since(began) > time.Second {
			t.Error(err, "after", time.Since(began))
		}
		time.Sleep(time.Minute)
	})
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

func TestBucketsAreBounded(t *testing.T) {
	b := newCaller(t, always(200, "", "X-RateLimit-Limit", "5", "X-RateLimit-Remaining", "4", "X-RateLimit-Reset-After", "900"), 1_000_000)
	for i := range 12_000 {
		through(t, b, channelPath(i))
		through(t, b, fmt.Sprintf("interactions/1/Secret%d/callback", i))
	}
	if n := len(b.api.buckets.by); n > mostBuckets || n < mostBuckets/2 {
		t.Error(n, "buckets")
	}
	for key := range b.api.buckets.by {
		noSecrets(t, "a bucket", key)
	}
}

func TestRouteKeys(t *testing.T) {
	key := func(method, path string) place {
		return placeOf(httptest.NewRequest(method, "https://discord.com/api/v9/"+path, nil))
	}
	for _, same := range [][2]string{
		{"channels/500000000000000001/messages/700000000000000001", "channels/500000000000000001/messages/700000000000000002"},
		{"users/200000000000000001", "users/200000000000000002"},
	} {
		if key("GET", same[0]) != key("GET", same[1]) {
			t.Error(same)
		}
	}
	if key("GET", "channels/500000000000000001/messages") == key("GET", "channels/500000000000000002/messages") || key("GET", "users/@me") == key("POST", "users/@me") {
		t.Error("different routes share a bucket")
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
