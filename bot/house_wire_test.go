package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"aftercare/bot/discordtest"
	"aftercare/store"
)

type request struct {
	method, path string
	body         []byte
}

// wireTap is the way to Discord with a listener on it. Answers to interactions
// that no Discord made end here.
type wireTap struct {
	to   http.RoundTripper
	mu   sync.Mutex
	seen []request
}

func (w *wireTap) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	w.mu.Lock()
	w.seen = append(w.seen, request{r.Method, r.URL.Path, body})
	w.mu.Unlock()
	if isCrafted(r.URL.Path) {
		return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	}
	return w.to.RoundTrip(r)
}

// isCrafted holds for what concerns an interaction of our own making.
func isCrafted(path string) bool {
	return (strings.Contains(path, "/interactions/") || strings.Contains(path, "/webhooks/")) && !strings.Contains(path, "/token-")
}

// take returns the requests since it was last asked.
func (w *wireTap) take() []request {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.seen
	w.seen = nil
	return seen
}

// callback is an answer to an interaction.
type callback struct {
	kind    int
	content string
	flags   int
	ids     []string
	raw     string
}

func readCallback(t testing.TB, body []byte) callback {
	t.Helper()
	var in struct {
		Type int
		Data struct {
			Content    string                  `json:"content"`
			Flags      int                     `json:"flags"`
			CustomID   string                  `json:"custom_id"`
			Components []discordtest.Component `json:"components"`
		}
	}
	if err := json.Unmarshal(body, &in); err != nil {
		t.Fatal(err)
	}
	return callback{in.Type, in.Data.Content, in.Data.Flags, append(idsOf(in.Data.Components), in.Data.CustomID), string(body)}
}

// id returns the custom id in an answer that begins with a route.
func (c callback) id(t testing.TB, route string) string {
	t.Helper()
	for _, id := range c.ids {
		if strings.HasPrefix(id, customID(route)) {
			return id
		}
	}
	t.Fatalf("no button of %s in %s", route, c.raw)
	return ""
}

// misfits lists what Discord would refuse in a message or a form, and what this
// bot never does: say anything to more than one person, ping, or colour a button
// green or red.
func misfits(raw []byte) (out []string) {
	var in struct {
		Content    string                  `json:"content"`
		Title      string                  `json:"title"`
		CustomID   string                  `json:"custom_id"`
		Components []discordtest.Component `json:"components"`
		Mentions   *struct {
			Parse []string `json:"parse"`
			Users []string `json:"users"`
		} `json:"allowed_mentions"`
		Nonce string `json:"nonce"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return []string{err.Error()}
	}
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	within := func(what, s string, least, most int) {
		if n := codeUnits(s); n < least || n > most {
			say("%s has %d characters", what, n)
		}
	}
	if in.Title != "" {
		within("the title", in.Title, 1, 45)
		within("the form's id", in.CustomID, 1, 100)
	} else {
		within("the content", in.Content, 1, 2000)
		if in.Mentions == nil || in.Mentions.Parse == nil || len(in.Mentions.Parse)+len(in.Mentions.Users) > 0 {
			say("it may ping")
		}
	}
	within("the nonce", in.Nonce, 0, 25)
	if len(in.Components) > 5 {
		say("%d rows", len(in.Components))
	}
	seen := map[string]bool{}
	for _, row := range in.Components {
		if row.Type != 1 || len(row.Components) < 1 || len(row.Components) > 5 {
			say("a row of %d", len(row.Components))
		}
		for _, c := range row.Components {
			within("a custom id", c.CustomID, 1, 100)
			if seen[c.CustomID] {
				say("twice the id %s", c.CustomID)
			}
			seen[c.CustomID] = true
			out = append(out, misfit(c, len(row.Components))...)
		}
	}
	return out
}

func misfit(c discordtest.Component, besides int) (out []string) {
	within := func(what, s string, least, most int) {
		if n := codeUnits(s); n < least || n > most {
			out = append(out, fmt.Sprintf("%s has %d characters", what, n))
		}
	}
	switch c.Type {
	case 2:
		within("a button", c.Label, 1, 80)
		if c.Style != 1 && c.Style != 2 {
			out = append(out, fmt.Sprintf("a button of style %d", c.Style))
		}
	case 3:
		within("a placeholder", c.Placeholder, 0, 150)
		if len(c.Options) < 1 || len(c.Options) > 25 || besides > 1 {
			out = append(out, fmt.Sprintf("a menu of %d beside %d", len(c.Options), besides-1))
		}
		for _, o := range c.Options {
			within("a choice", o.Label, 1, 100)
			within("its value", o.Value, 1, 100)
		}
	case 4:
		within("a field", c.Label, 1, 45)
		within("its hint", c.Placeholder, 0, 100)
	default:
		out = append(out, fmt.Sprintf("a component of type %d", c.Type))
	}
	return out
}

// complaints lists what is wrong with all that went out: misfits, an answer that
// more than one person sees, and a DM to somebody who has not agreed.
func (h *house) complaints(requests []request) (out []string) {
	h.t.Helper()
	for _, r := range requests {
		var wrong []string
		switch {
		case strings.Contains(r.path, "/interactions/"):
			wrong = wrongAnswer(r.body)
		case strings.HasSuffix(r.path, "/users/@me/channels"):
			wrong = h.wrongDM(r.body)
		case r.method == http.MethodPost || r.method == http.MethodPatch:
			wrong = misfits(r.body)
		}
		for _, w := range wrong {
			out = append(out, r.method+" "+r.path+": "+w+"\n"+string(r.body))
		}
	}
	return out
}

func wrongAnswer(body []byte) []string {
	var in struct {
		Type int             `json:"type"`
		Data json.RawMessage `json:"data"`
	}
	body, _, _, err := unpacked(body)
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	if err != nil {
		return []string{err.Error()}
	}
	switch in.Type {
	case 4:
		var flags struct{ Flags int }
		if json.Unmarshal(in.Data, &flags); flags.Flags&flagEphemeral == 0 {
			return append(misfits(in.Data), "everybody sees it")
		}
		return misfits(in.Data)
	case 7, 9:
		return misfits(in.Data)
	case 8: // choices for an option
		var offer struct {
			Choices []struct{ Name, Value string } `json:"choices"`
		}
		if err := json.Unmarshal(in.Data, &offer); err != nil {
			return []string{err.Error()}
		}
		out := []string{}
		for _, c := range offer.Choices {
			if n, v := utf8.RuneCountInString(c.Name), utf8.RuneCountInString(c.Value); n < 1 || n > 100 || v < 1 || v > 100 {
				out = append(out, fmt.Sprintf("a choice of %d characters for %d", n, v))
			}
		}
		if len(offer.Choices) > 25 {
			out = append(out, "more than 25 choices")
		}
		return out
	}
	return []string{fmt.Sprintf("an answer of type %d", in.Type)}
}

func (h *house) wrongDM(body []byte) []string {
	h.t.Helper()
	var to struct {
		ID string `json:"recipient_id"`
	}
	if err := json.Unmarshal(body, &to); err != nil {
		return []string{err.Error()}
	}
	agreed, err := h.store.Agreed(context.Background(), store.Secret(to.ID))
	if err != nil {
		h.t.Fatal(err)
	}
	if !agreed {
		return []string{"a DM to somebody who has not agreed"}
	}
	return nil
}

// logBook keeps what is logged.
type logBook struct {
	mu    sync.Mutex
	lines []string
	bad   []string // of level error
}

func (l *logBook) Enabled(context.Context, slog.Level) bool { return true }
func (l *logBook) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *logBook) WithGroup(string) slog.Handler            { return l }

func (l *logBook) Handle(ctx context.Context, r slog.Record) error {
	var line bytes.Buffer
	if err := slog.NewTextHandler(&line, nil).Handle(ctx, r); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line.String())
	if r.Level >= slog.LevelError {
		l.bad = append(l.bad, line.String())
	}
	return nil
}

// take returns the errors that were logged, and forgets all.
func (l *logBook) take() (bad []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	bad, l.lines, l.bad = l.bad, nil, nil
	return bad
}

func (l *logBook) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "")
}
