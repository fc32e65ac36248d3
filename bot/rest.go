package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"sort"
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"

	"aftercare/store"
)

// restError is Discord's refusal of a request.
type restError struct {
	Status int
	Code   int // Discord's own; 0 if it gave none
	Detail string
}

// Error names the codes, and for a malformed request where it was wrong, never
// what was in it.
func (e restError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("Discord answered %d (code %d) %s", e.Status, e.Code, e.Detail))
}

// The codes that decide something (discord.md 3.1).
const (
	codeUnknownChannel  = 10003
	codeUnknownMessage  = 10008
	codeUnknownUser     = 10013
	codeOpeningTooFast  = 40003
	codeAlreadyAnswered = 40060
	codeMissingAccess   = 50001
	codeCannotSend      = 50007
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

// restSession returns the Session through which requests go out. It is never opened.
func restSession(token string, t http.RoundTripper) (*discordgo.Session, error) {
	s, err := discordgo.New("Bot " + token)
	if err != nil {
		return nil, err
	}
	s.StateEnabled = false
	s.LogLevel = discordgo.LogError
	s.Client = &http.Client{Transport: t, Timeout: 20 * time.Second, CheckRedirect: stay}
	return s, nil
}

// stay follows no redirect: Discord's API has none, and the token must go nowhere else.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// call sends one request through discordgo and reads the answer into out, unless
// out is nil. Each call brings a bucket of its own: discordgo's shared ones are
// held during the whole exchange, ignore the context, and are never let go.
func (b *Bot) call(ctx context.Context, method, path string, body, out any) error {
	kind, payload, err := encoded(body)
	if err != nil {
		return err
	}
	bucket := &discordgo.Bucket{}
	bucket.Lock()
	answer, err := b.rest.RequestWithLockedBucket(method, discordgo.EndpointDiscord+"api/"+path, kind, payload, bucket, 0,
		discordgo.WithContext(ctx), discordgo.WithRetryOnRatelimit(false), discordgo.WithRestRetries(0))
	if err != nil {
		return readError(err)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// upload is a body with a file beside it.
type upload struct {
	body any
	name string
	kind string
	data []byte
}

// encoded returns a body as it goes out, and what kind of body that is.
func encoded(body any) (kind string, out []byte, err error) {
	if u, ok := body.(upload); ok {
		return discordgo.MultipartBodyWithJSON(u.body, []*discordgo.File{{Name: u.name, ContentType: u.kind, Reader: bytes.NewReader(u.data)}})
	}
	if body != nil {
		out, err = json.Marshal(body)
	}
	return "application/json", out, err
}

// patiently is call for whoever can wait: as long as Discord asks to, and for
// whatever passes by itself, up to the deadline of the context.
func (b *Bot) patiently(ctx context.Context, method, path string, body, out any) error {
	for try := 0; ; try++ {
		err := b.call(ctx, method, path, body, out)
		wait, again := worthAnother(err, try)
		if !again || ctx.Err() != nil {
			return err
		}
		if end, ok := ctx.Deadline(); ok && time.Until(end) < wait {
			return err
		}
		if wait >= sayWait {
			b.log.Warn("Discord can't be asked just now; trying again", "in", wait.Round(time.Second), "err", err)
		}
		if !sleep(ctx, wait) {
			return err
		}
	}
}

// sayWait is how long a wait has to be to be worth a line in the log.
const sayWait = time.Second

// worthAnother tells whether an error passes by itself, and when to try again.
func worthAnother(err error, try int) (wait time.Duration, again bool) {
	var retry store.RetryError
	var refused restError
	switch {
	case err == nil || errors.Is(err, ErrToken):
		return 0, false
	case errors.As(err, &retry):
		return retry.After, true
	case errors.As(err, &refused) && refused.Status < 500:
		return 0, false
	}
	return min(200*time.Millisecond<<min(try, 10), time.Minute), true
}

// readError makes discordgo's errors ones that may be logged.
func readError(err error) error {
	var rest *discordgo.RESTError
	if !errors.As(err, &rest) {
		if strings.HasPrefix(err.Error(), "Exceeded Max retries HTTP 502") { // discordgo's words, then the body
			return restError{Status: http.StatusBadGateway}
		}
		return withoutURL(err)
	}
	var e struct {
		Code   int             `json:"code"`
		Errors json.RawMessage `json:"errors"`
	}
	_ = json.Unmarshal(rest.ResponseBody, &e) // no JSON is no code
	where := wrongPaths("", e.Errors, 0)
	return restError{Status: rest.Response.StatusCode, Code: e.Code, Detail: strings.Join(where[:min(len(where), mostWrong)], ", ")}
}

const (
	mostWrong = 10 // mistakes that are named
	deepest   = 10 // levels of a body at which they are looked for
)

var (
	fieldName = regexp.MustCompile(`^[a-z0-9_]{1,40}$`)
	errorName = regexp.MustCompile(`^[A-Z_]{1,60}$`)
)

// wrongPaths lists where in a body Discord found mistakes, and their codes. What
// does not look like a name is left out: it may be somebody's words.
func wrongPaths(at string, tree json.RawMessage, depth int) (out []string) {
	var node map[string]json.RawMessage
	if depth > deepest || json.Unmarshal(tree, &node) != nil {
		return nil
	}
	for name, sub := range node {
		if name != "_errors" {
			if fieldName.MatchString(name) {
				out = append(out, wrongPaths(strings.TrimPrefix(at+"."+name, "."), sub, depth+1)...)
			}
			continue
		}
		var list []struct{ Code string }
		_ = json.Unmarshal(sub, &list) // none, then
		for _, e := range list {
			if errorName.MatchString(e.Code) {
				out = append(out, at+": "+e.Code)
			}
		}
	}
	sort.Strings(out)
	return out
}
