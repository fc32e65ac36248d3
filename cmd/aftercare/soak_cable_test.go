package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"aftercare/bot/discordtest"
)

// cable is the way to Discord. It knows what truly happened there, whatever the
// bot learns of it.
type cable struct {
	to  *discordtest.Discord
	s   *soaking
	mu  sync.Mutex
	rng *rand.Rand

	chance float64
	fault  func(c *cable, r *http.Request) (*http.Response, error)

	byNonce map[string]string          // message id
	byRow   map[string]map[string]bool // nonces by delivery, in base 36
	tokens  map[string]bool
	said    []string
	wrong   []string
	late    int
	twins   int
}

func newCable(to *discordtest.Discord, s *soaking, rng *rand.Rand) *cable {
	return &cable{to: to, s: s, rng: rng, byNonce: map[string]string{}, byRow: map[string]map[string]bool{}, tokens: map[string]bool{}}
}

// trouble has requests go wrong by some chance, until the returned function is called.
func (c *cable) trouble(chance float64, fault func(*cable, *http.Request) (*http.Response, error)) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.chance, c.fault = chance, fault
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.fault = nil
	}
}

// The ways in which a request can go wrong.

func serverError(*cable, *http.Request) (*http.Response, error) {
	return answer(502, "Bad Gateway"), nil
}

func serverErrorAfter(c *cable, r *http.Request) (*http.Response, error) {
	if _, err := c.pass(r); err != nil {
		return nil, err
	}
	return answer(502, "Bad Gateway"), nil
}

func lostReply(c *cable, r *http.Request) (*http.Response, error) {
	if _, err := c.pass(r); err != nil {
		return nil, err
	}
	return nil, io.ErrUnexpectedEOF
}

func away(*cable, *http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }

func slow(c *cable, r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(8 * time.Second):
		return c.pass(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func limited(*cable, *http.Request) (*http.Response, error) {
	a := answer(429, `{"message":"You are being rate limited.","retry_after":2.5,"global":false}`)
	a.Header.Set("X-RateLimit-Scope", "user")
	return a, nil
}

func limitedGlobally(*cable, *http.Request) (*http.Response, error) {
	a := answer(429, `{"message":"You are being rate limited.","retry_after":20,"global":true}`)
	a.Header.Set("X-RateLimit-Global", "true")
	return a, nil
}

func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Status: strconv.Itoa(status), Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// RoundTrip implements http.RoundTripper.
func (c *cable) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	fault := c.fault
	hit := fault != nil && c.rng.Float64() < c.chance
	c.mu.Unlock()
	if !hit {
		return c.pass(r)
	}
	resp, err := fault(c, r)
	if resp != nil && resp.Request == nil {
		resp.Request = r
	}
	return resp, err
}

// pass carries a request out and notes what came of it.
func (c *cable) pass(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	due, since, isCheckIn := c.due(r, body)
	resp, err := c.to.RoundTrip(r)
	if err != nil || resp.StatusCode >= 300 {
		return resp, err
	}
	answer, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	c.note(r, string(body), string(answer), due, since, isCheckIn)
	return resp, err
}

var (
	postPattern   = regexp.MustCompile(`1:(checkin/open|relay/read|scene/notice):([0-9a-z]+)`)
	noncePattern  = regexp.MustCompile(`"nonce":"([^"]+)"`)
	idPattern     = regexp.MustCompile(`"id":"(\d+)"`)
	saysPattern   = regexp.MustCompile(`"content":"((?:[^"\\]|\\.)*)"`)
	answerPattern = regexp.MustCompile(`/interactions/\d+/[^/]+/callback$`)
)

// due looks up when the check-in that is being posted was due, and since when
// nothing of its person's kept it waiting: a pause, or closed DMs.
func (c *cable) due(r *http.Request, body []byte) (at, since int64, isCheckIn bool) {
	f := postPattern.FindSubmatch(body)
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/messages") || f == nil || string(f[1]) != "checkin/open" || c.s.db == nil {
		return 0, 0, false
	}
	id, _ := strconv.ParseInt(string(f[2]), 36, 64)
	err := c.s.db.QueryRow(`
		SELECT d.due_at, MAX(d.due_at, COALESCE(p.woken_at, 0))
		FROM deliveries d JOIN persons p ON p.id = d.recipient
		WHERE d.id = $1`, id).Scan(&at, &since)
	return at, since, err == nil
}

func (c *cable) note(r *http.Request, body, answer string, due, since int64, isCheckIn bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range tokenPattern.FindAllString(body, -1) {
		c.tokens[name] = true
	}
	if answerPattern.MatchString(r.URL.Path) {
		said := "-" // a form, which has no words
		if f := saysPattern.FindStringSubmatch(body); f != nil {
			said = f[1]
		}
		c.said = append(c.said, said)
		return
	}
	if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/messages") {
		c.notePost(body, answer)
		if isCheckIn {
			c.noteLateness(body, time.UnixMilli(due), time.UnixMilli(since))
		}
	}
}

// notePost holds that one nonce is one message.
func (c *cable) notePost(body, answer string) {
	nonce, id := noncePattern.FindStringSubmatch(body), idPattern.FindStringSubmatch(answer)
	if nonce == nil || id == nil {
		c.wrong = append(c.wrong, "a message without a nonce was posted")
		return
	}
	was, again := c.byNonce[nonce[1]]
	if again && was == id[1] {
		c.twins++ // sent again and shown once
	} else if again {
		c.wrong = append(c.wrong, "one message was posted twice: "+body[:min(len(body), 300)])
	}
	c.byNonce[nonce[1]] = id[1]
	if f := postPattern.FindStringSubmatch(body); f != nil {
		if c.byRow[f[2]] == nil {
			c.byRow[f[2]] = map[string]bool{}
		}
		c.byRow[f[2]][nonce[1]] = true
	}
}

// noteLateness holds the rules of lateness at the moment of posting. What waited
// for its person is not called late, and lapses all the same. A minute either way
// is between looking and arriving.
func (c *cable) noteLateness(body string, due, since time.Time) {
	late, says := c.s.now().Sub(since), strings.Contains(body, "This is late.")
	if says {
		c.late++
	}
	switch {
	case c.s.now().Sub(due) > 48*time.Hour+time.Minute:
		c.wrong = append(c.wrong, fmt.Sprintf("a check-in came %v late", c.s.now().Sub(due)))
	case late > 16*time.Minute && !says:
		c.wrong = append(c.wrong, fmt.Sprintf("a check-in came %v late and did not say so", late))
	case late < 14*time.Minute && says:
		c.wrong = append(c.wrong, fmt.Sprintf("a check-in says that it is late and is not: %v", late))
	}
}

// take returns what interactions were answered with since the last time.
func (c *cable) take() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	said := strings.Join(c.said, "\n")
	c.said = nil
	return said
}

func (c *cable) heard(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tokens[name]
}

func (c *cable) postsOf(delivery int64) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.byRow[strconv.FormatInt(delivery, 36)])
}

func (c *cable) wrongs() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	wrong := c.wrong
	c.wrong = nil
	return wrong
}

func (c *cable) summary() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("%d messages posted, none twice, %d of them sent again and shown once; %d check-ins, relays and notices, %d late and said so", len(c.byNonce), c.twins, len(c.byRow), c.late)
}
