package discordtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"

	"aftercare/bot/discordtest"
)

func TestResume(t *testing.T) {
	play(t, func(st *stage) {
		alex := st.Person("alex")
		st.events()
		st.DropConnections()
		alex.Type("in the gap")
		must(t, alex.Run("/scene ended partner:@sam"))
		st.said("Discord, only alex sees: The application did not respond")
		time.Sleep(10 * time.Second) // discordgo notices, waits a second, dials again
		if got := st.events(); got != "MESSAGE_CREATE in the gap RESUMED" || st.Identifies() != 1 {
			t.Error("after the gap the bot heard", got)
		}
		st.Reconnect()
		time.Sleep(10 * time.Second)
		if got := st.events(); got != "RESUMED" {
			t.Error("after op 7:", got)
		}
		alex.Type("after it")
		if got := st.events(); got != "MESSAGE_CREATE after it" {
			t.Error("the bot heard", got)
		}
		time.Sleep(10 * time.Minute) // heartbeats
		if !st.Connected() {
			t.Error("heartbeats were not acknowledged")
		}
	})
}

func TestSessionLost(t *testing.T) {
	play(t, func(st *stage) {
		must(t, st.s.CloseWithCode(1000))
		st.events()
		if st.Connected() {
			t.Error("connected after Close")
		}
		st.Person("alex").Type("into the void")
		must(t, st.s.Open()) // discordgo resumes; the session is gone; it identifies
		if got := st.events(); got != "READY" || st.Identifies() != 2 {
			t.Error("the bot heard", got)
		}
	})
}

func TestRestart(t *testing.T) {
	play(t, func(st *stage) {
		must(t, st.s.Close())
		st.Person("alex").Type("while it was down")
		st.s = st.session()
		st.open(st.s)
		st.events()
		c, err := st.s.UserChannelCreate(st.Person("alex").ID())
		must(t, err)
		page, err := st.s.ChannelMessages(c.ID, 100, "", "0", "")
		must(t, err)
		if len(page) != 1 || page[0].Content != "while it was down" {
			t.Errorf("history: %+v", page)
		}
		st.Person("alex").Type("and now")
		if got := st.events(); got != "MESSAGE_CREATE and now" {
			t.Error("the bot heard", got)
		}
	})
}

func TestIdentifyRefused(t *testing.T) {
	play(t, func(st *stage) {
		for want, change := range map[int]func(*discordgo.Session){
			4004: func(s *discordgo.Session) { s.Identify.Token = "Bot other" },
			4014: func(s *discordgo.Session) { s.Identify.Intents |= discordgo.IntentMessageContent },
			4012: func(*discordgo.Session) { st.SetGateway(discordtest.Gateway{CloseCode: 4012}) },
		} {
			s := st.session()
			change(s)
			err := s.Open()
			var closed *websocket.CloseError
			if !errors.As(err, &closed) || closed.Code != want {
				t.Errorf("%d: %v", want, err)
			}
			st.SetGateway(discordtest.Gateway{})
		}
		s := st.session()
		s.Token = "Bot other"
		if _, err := s.User("@me"); err == nil || !strings.Contains(err.Error(), "401") {
			t.Error("REST with another token:", err)
		}
	})
}

func TestFaults(t *testing.T) {
	play(t, func(st *stage) {
		st.s.MaxRestRetries, st.s.ShouldRetryOnRateLimit = 0, false
		var fault discordtest.Fault
		st.SetFault(func(r *http.Request) *discordtest.Fault {
			if strings.HasSuffix(r.URL.Path, "/messages") {
				return &fault
			}
			return nil
		})
		send := func(f discordtest.Fault) error {
			fault = f
			_, err := st.s.ChannelMessageSend(channelOf(st, "alex"), "hello")
			return err
		}
		var limited *discordgo.RateLimitError
		if err := send(discordtest.Fault{Before: true, Status: 429, Body: `{"message":"slow down","retry_after":1.5}`}); !errors.As(err, &limited) {
			t.Error(err)
		}
		st.said()
		if err := send(discordtest.Fault{Lose: true}); err == nil {
			t.Error("an answer that was lost arrived")
		}
		st.said("bot -> alex: hello")
		before := time.Now()
		if err := send(discordtest.Fault{Before: true, Status: 502, Delay: 5 * time.Second}); err == nil || time.Since(before) < 5*time.Second {
			t.Error(err)
		}
		must(t, send(discordtest.Fault{}))
		st.said("bot -> alex: hello")
		ctx, cancel := context.WithTimeout(st.t.Context(), time.Second)
		defer cancel()
		fault = discordtest.Fault{Delay: time.Minute}
		if _, err := st.s.ChannelMessageSend(channelOf(st, "alex"), "x", discordgo.WithContext(ctx)); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func channelOf(st *stage, name string) string {
	c, err := st.s.UserChannelCreate(st.Person(name).ID())
	must(st.t, err)
	return c.ID
}

// elsewhere sends a session's requests to a server, whatever host they name.
type elsewhere struct{ host string }

func (e elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = "http", e.host, e.host
	return http.DefaultTransport.RoundTrip(r)
}

func TestRealSockets(t *testing.T) {
	lines := make(chan string, 10)
	d := discordtest.New(discordtest.Options{Say: func(l discordtest.Line) { lines <- l.Text }})
	server := httptest.NewServer(d.Handler())
	defer server.Close()
	at, err := url.Parse(server.URL)
	must(t, err)
	s, err := discordgo.New("Bot any")
	must(t, err)
	s.Client = &http.Client{Transport: elsewhere{at.Host}}
	s.Identify.Intents = discordgo.IntentsDirectMessages
	s.AddHandler(func(s *discordgo.Session, m *discordgo.MessageCreate) {
		if !m.Author.Bot {
			_, err := s.ChannelMessageSendReply(m.ChannelID, "you said "+m.Content, m.Reference())
			must(t, err)
		}
	})
	must(t, s.Open())
	d.Person("alex").Type("hello")
	if got := <-lines; got != "bot -> alex: you said hello" {
		t.Error(got)
	}
	must(t, s.Close())
	if len(d.Errors()) > 0 {
		t.Error(d.Errors())
	}
}

// A Say that acts in turn must neither deadlock nor change the order.
func TestSayMayAct(t *testing.T) {
	var d *discordtest.Discord
	var seen []string
	d = discordtest.New(discordtest.Options{Say: func(l discordtest.Line) {
		seen = append(seen, l.Person)
		for _, m := range d.Person("alex").Sees() {
			discordtest.Render(m)
		}
		if len(seen) == 1 {
			if d.Person("sam").Submit(nil) == nil {
				t.Error("a form that is not there was sent")
			}
		}
	}})
	c := &http.Client{Transport: d}
	for _, name := range []string{"alex", "kit"} {
		r, err := c.Post("https://discord.test/api/v9/users/@me/channels", "application/json", strings.NewReader(`{"recipient_id":"`+d.Person(name).ID()+`"}`))
		must(t, err)
		var dm struct{ ID string }
		must(t, json.NewDecoder(r.Body).Decode(&dm))
		_, err = c.Post("https://discord.test/api/v10/channels/"+dm.ID+"/messages", "application/json", strings.NewReader(`{"content":"hello","contents":1}`))
		must(t, err)
	}
	if strings.Join(seen, " ") != "alex kit" {
		t.Error(seen)
	}
	if errs := d.Errors(); len(errs) != 2 || !strings.Contains(errs[0].Error(), `"contents"`) {
		t.Error("the typo was not kept:", errs)
	}
}
