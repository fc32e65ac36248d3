package bot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

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

// Whoever waits for their turn when everything is told to wait, or when the token is
// refused, does not go after all.
func TestToldToWaitInTheQueue(t *testing.T) {
	for name, first := range map[string]*http.Response{
		"a global limit":  responds(429, `{"retry_after":60,"global":true}`),
		"a refused token": responds(401, `{}`),
	} {
		synctest.Test(t, func(t *testing.T) {
			var asked atomic.Int32
			b := newCaller(t, answers(func(*http.Request) (*http.Response, error) {
				if asked.Add(1) == 1 {
					time.Sleep(100 * time.Millisecond)
					return first, nil
				}
				return responds(200, `{}`), nil
			}), 1)
			for range 10 {
				go func() { _ = tryGet(b, "users/@me") }()
			}
			time.Sleep(30 * time.Second)
			if n := asked.Load(); n != 1 {
				t.Errorf("%d requests went out after %s", n-1, name)
			}
		})
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
