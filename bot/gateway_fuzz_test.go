package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"aftercare/store"
)

// Real frames, and ones that are near to real.
var (
	readyFrame = `{"op":0,"s":1,"t":"READY","d":{"v":9,"user":{"id":"100000000000000001","username":"bot","bot":true},"session_id":"s","resume_gateway_url":"ws://again",` +
		`"session_type":"normal","application":{"id":"100000000000000001","flags":0},"private_channels":[],"guilds":[{"id":"300000000000000001","unavailable":true}]}}`
	resumedFrame = `{"op":0,"s":9,"t":"RESUMED","d":{"_trace":[]}}`

	seedFrames = []string{
		helloMessage, readyFrame, resumedFrame,
		`{"op":0,"s":2,"t":"INTERACTION_CREATE","d":{"id":"8","application_id":"1","token":"t","type":1}}`,
		`{"op":0,"s":2,"t":"INTERACTION_CREATE","d":{"id":"8","application_id":"1","token":"t","type":2,"guild_id":"3","channel_id":"4","context":0,"locale":"en-US",` +
			`"member":{"user":{"id":"2","username":"alex"}},"data":{"id":"5","name":"scene","type":1,"options":[{"type":1,"name":"ended","options":[{"type":6,"name":"partner","value":"7"}]}]}}}`,
		`{"op":0,"s":2,"t":"INTERACTION_CREATE","d":{"id":"8","token":"t","type":3,"context":1,"channel_id":"4","user":{"id":"2"},"message":{"id":"9","flags":64},"data":{"custom_id":"1:checkin/calm:x","component_type":2}}}`,
		`{"op":0,"s":2,"t":"INTERACTION_CREATE","d":{"id":"8","token":"t","type":4,"user":{"id":"2"},"data":{"name":"scene","type":1,"options":[{"type":3,"name":"x","value":"y","focused":true}]}}}`,
		`{"op":0,"s":2,"t":"INTERACTION_CREATE","d":{"id":"8","token":"t","type":5,"user":{"id":"2"},"data":{"custom_id":"1:x","components":[{"type":18,"component":{"type":4,"custom_id":"a","value":"b"}},` +
			`{"type":1,"components":[{"type":4,"custom_id":"c","value":"d"}]},{"type":21,"component":{"type":21,"value":null}}],"resolved":{"attachments":null}}}}`,
		`{"op":0,"s":3,"t":"MESSAGE_CREATE","d":{"id":"1","channel_id":"2","channel_type":1,"author":{"id":"3","username":"alex"},"content":"words","type":0,"components":[{"type":99,"components":[null]}],` +
			`"message_snapshots":[{"message":{"content":"x","components":[{"type":77}]}}],"poll":{"question":{"text":"?"},"answers":[null]},"sticker_items":[{"id":1}],"attachments":[{"flags":"x"}]}}`,
		`{"op":0,"s":3,"t":"MESSAGE_UPDATE","d":{"id":"1","channel_id":"2","author":{"id":"3"},"edited_timestamp":"2026-01-01T00:00:00+00:00","content":null}}`,
		`{"op":0,"s":3,"t":"MESSAGE_DELETE","d":{"id":"1","channel_id":"2"}}`,
		`{"op":0,"s":4,"t":"GUILD_CREATE","d":{"id":"3","channels":[null],"members":[null],"voice_states":[null]}}`,
		`{"op":1,"d":null}`, `{"op":7,"d":null}`, `{"op":9,"d":false}`, `{"op":9,"d":true}`, `{"op":11}`, `{"op":3}`,
	}
)

// breaking is a gateway whose first connection says frames, and whose later ones
// are as they should be.
type breaking struct {
	frames []string
	after  int // what is said properly before: nothing, Hello, READY

	mu    sync.Mutex
	times int
}

func (b *breaking) dial(context.Context, string, string) (net.Conn, error) {
	b.mu.Lock()
	b.times++
	first := b.times == 1
	b.mu.Unlock()
	client, server := net.Pipe()
	go b.serve(server, first)
	return client, nil
}

func (b *breaking) serve(pipe net.Conn, first bool) {
	defer pipe.Close()
	ws, err := accept(pipe)
	if err != nil {
		return
	}
	asked := make(chan int, 100)
	go listenTo(ws, pipe, asked)
	say := func(m string) { _ = ws.WriteMessage(websocket.TextMessage, []byte(m)) } // a reader will tell
	if !first || b.after > 0 {
		say(helloMessage)
	}
	if first && b.after < 2 {
		b.misbehave(say)
	}
	for op := range asked {
		switch op {
		case 1:
			say(`{"op":11}`)
		case 2:
			say(readyFrame)
		case 6:
			say(resumedFrame)
		}
		if op == 1 {
			continue
		}
		if first && b.after == 2 {
			b.misbehave(say)
		}
		say(`{"op":0,"s":5000,"t":"MARK","d":{}}`)
	}
}

func (b *breaking) misbehave(say func(string)) {
	for _, m := range b.frames {
		say(m)
	}
}

// listenTo tells the ops that a client says, until it hangs up.
func listenTo(ws *websocket.Conn, pipe net.Conn, asked chan<- int) {
	defer close(asked)
	defer pipe.Close()
	for {
		var m struct{ Op int }
		if err := ws.ReadJSON(&m); err != nil {
			return
		}
		select {
		case asked <- m.Op:
		default: // nobody asks that much
		}
	}
}

// FuzzGateway: whatever a connection says, no panic reaches the process, and the
// link lives on or connects again.
func FuzzGateway(f *testing.F) {
	for after := range 3 {
		for _, m := range seedFrames {
			f.Add(byte(after), m)
		}
		f.Add(byte(after), strings.Join(seedFrames, "\n"))
		f.Add(byte(after), strings.Join(oddFrames, "\n"))
	}
	for _, e := range oddEvents {
		f.Add(byte(2), fmt.Sprintf(`{"op":0,"s":7,"t":%q,"d":%s}`, e.kind, e.data))
	}
	f.Fuzz(func(t *testing.T, after byte, frames string) {
		synctest.Test(t, func(t *testing.T) {
			survives(t, &breaking{frames: strings.Split(frames, "\n"), after: int(after) % 3})
		})
	})
}

func survives(t *testing.T, gateway *breaking) {
	b := &Bot{log: slog.New(slog.DiscardHandler)}
	b.people = newLines(b.log)
	b.people.close() // events are read, and not acted upon
	marked := make(chan bool, 1)
	l := &link{
		token: "secret", dialer: &websocket.Dialer{NetDialContext: gateway.dial}, log: b.log,
		hello: helloWithin, open: openWithin, hang: hangAfter, ready: func(bool) {},
		budget: func(context.Context) (limit startBudget, err error) {
			limit.URL, limit.Limit.Remaining = "ws://gateway", 1
			return limit, nil
		},
		hear: func(kind string, raw json.RawMessage) {
			b.hear(kind, raw)
			if kind == "MARK" {
				select {
				case marked <- true:
				default:
				}
			}
		},
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.run(ctx) }()
	select {
	case <-marked:
	case err := <-done:
		t.Fatal("the link ended with", err)
	case <-time.After(3 * time.Hour):
		t.Fatal("the link did not come up again")
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if l.Replaced.Load() > 0 {
		t.Error("a session hung")
	}
	synctest.Wait()
}

// FuzzREST: whatever Discord answers, no panic reaches the process, no error holds
// a token, and every wait is within reason.
func FuzzREST(f *testing.F) {
	for _, status := range []int{200, 201, 204, 301, 307, 400, 401, 403, 404, 429, 500, 502, 503, 520} {
		for _, body := range []string{
			"", "{}", "null", `{"id":"5","code":50007,"message":"no"}`, `{"retry_after":1.5,"global":true}`, `{"retry_after":1e300}`, "<html>" + secretToken,
			`{"code":50035,"errors":{"content":{"_errors":[{"code":"BASE_TYPE_MAX_LENGTH","message":"x"}]},"components":{"0":{"_errors":[{"code":"` + replyToken + `"}]}}}}`,
		} {
			f.Add(status, body, "X-RateLimit-Remaining: 0\nX-RateLimit-Reset-After: 1.5\nX-RateLimit-Limit: 5")
			f.Add(status, body, "Retry-After: NaN\nX-RateLimit-Scope: shared\nX-RateLimit-Reset: x\nX-RateLimit-Global: true\nLocation: https://x/"+replyToken)
		}
	}
	f.Fuzz(func(t *testing.T, status int, body, header string) {
		b := newCaller(t, answers(func(*http.Request) (*http.Response, error) {
			h := http.Header{}
			for line := range strings.SplitSeq(header, "\n") {
				name, value, _ := strings.Cut(line, ": ")
				h.Add(name, value)
			}
			resp := responds(status, body)
			resp.Header = h
			return resp, nil
		}), 1_000_000)
		for _, path := range []string{channelPath(1), callbackTo, editTo, channelPath(1)} {
			var out struct {
				ID string `json:"id"`
			}
			err := b.call(context.Background(), http.MethodPost, apiVersion+"/"+path, nil, &out)
			if err == nil {
				continue
			}
			noSecrets(t, path, err.Error(), fmt.Sprintf("%+v", err), b.log.Handler().(*logBook).text())
			var retry store.RetryError
			if errors.As(err, &retry) && (retry.After <= 0 || retry.After > maxWait) {
				t.Error("told to wait", retry.After)
			}
		}
	})
}
