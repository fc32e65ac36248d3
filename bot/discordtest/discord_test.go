package discordtest_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"

	"aftercare/bot/discordtest"
	"aftercare/bot/discordtest/conformance"
)

// stage is a Discord with a real discordgo session on it, in a bubble.
type stage struct {
	t *testing.T
	*discordtest.Discord
	s *discordgo.Session

	mu    sync.Mutex
	lines []string
	heard []string // events, as the bot sees them
	on    func(*discordgo.InteractionCreate)
}

// play is for what a bot does wrong, too.
func play(t *testing.T, f func(*stage)) {
	t.Helper()
	playWith(t, nil, f)
}

// playRight holds the requests against Discord's document as well, where
// there is one: so the fake and the document can't drift apart.
func playRight(t *testing.T, f func(*stage)) {
	t.Helper()
	playWith(t, conformance.Open(t), func(st *stage) {
		f(st)
		if errs := st.Errors(); len(errs) > 0 {
			st.t.Error(errs)
		}
	})
}

func playWith(t *testing.T, check func(method, path string, body []byte) error, f func(*stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)))
		st := &stage{t: t}
		st.Discord = discordtest.New(discordtest.Options{Say: st.say, Check: check, Token: "secret"})
		st.s = st.session()
		st.open(st.s)
		f(st)
		if err := st.s.Close(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
	})
}

func (st *stage) say(l discordtest.Line) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.lines = append(st.lines, l.Text)
}

// said waits until nothing moves and compares what people saw since last time.
func (st *stage) said(want ...string) {
	st.t.Helper()
	synctest.Wait()
	st.mu.Lock()
	defer st.mu.Unlock()
	if got, want := strings.Join(st.lines, "\n"), strings.Join(want, "\n"); got != want {
		st.t.Errorf("people saw:\n%s\nwant:\n%s", got, want)
	}
	st.lines = nil
}

func (st *stage) events() string {
	synctest.Wait()
	st.mu.Lock()
	defer st.mu.Unlock()
	all := strings.Join(st.heard, " ")
	st.heard = nil
	return all
}

func (st *stage) session() *discordgo.Session {
	s, err := discordgo.New("Bot secret")
	if err != nil {
		st.t.Fatal(err)
	}
	s.Client = &http.Client{Transport: st.Discord}
	s.Dialer = &websocket.Dialer{NetDialContext: st.DialContext}
	s.StateEnabled, s.SyncEvents, s.LogLevel = false, true, discordgo.LogError
	s.Identify.Intents = discordgo.IntentsGuilds | discordgo.IntentsDirectMessages
	s.AddHandler(func(_ *discordgo.Session, e *discordgo.Event) {
		var m struct {
			Content string
			Flags   int
			Author  struct{ Username string }
		}
		_ = json.Unmarshal(e.RawData, &m)
		if strings.HasPrefix(e.Type, "MESSAGE_") && m.Author.Username != "bot" || e.Type == "RESUMED" || e.Type == "READY" {
			st.mu.Lock()
			st.heard = append(st.heard, strings.TrimSpace(e.Type+" "+m.Content))
			st.mu.Unlock()
		}
	})
	s.AddHandler(func(_ *discordgo.Session, i *discordgo.InteractionCreate) {
		if st.on != nil {
			st.on(i)
		}
	})
	return s
}

const applicationID = "100000000000000001" // of every such Discord

func (st *stage) open(s *discordgo.Session) {
	st.t.Helper()
	if err := s.Open(); err != nil {
		st.t.Fatal(err)
	}
	one := 1
	_, err := s.ApplicationCommandBulkOverwrite(applicationID, "", []*discordgo.ApplicationCommand{{
		Name: "scene", Description: "Scenes", Options: []*discordgo.ApplicationCommandOption{{
			Type: discordgo.ApplicationCommandOptionSubCommand, Name: "ended", Description: "A scene has ended",
			Options: []*discordgo.ApplicationCommandOption{
				{Type: discordgo.ApplicationCommandOptionUser, Name: "partner", Description: "With whom", Required: true},
				{Type: discordgo.ApplicationCommandOptionString, Name: "when", Description: "When", MinLength: &one, MaxLength: 20},
				{Type: discordgo.ApplicationCommandOptionBoolean, Name: "quiet", Description: "Quietly"},
			},
		}},
	}})
	if err != nil {
		st.t.Fatal(err)
	}
	synctest.Wait()
}

func (st *stage) respond(i *discordgo.InteractionCreate, kind discordgo.InteractionResponseType, data *discordgo.InteractionResponseData) {
	st.t.Helper()
	if err := st.s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{Type: kind, Data: data}); err != nil {
		st.t.Error(err)
	}
}

// dm sends, and returns Discord's error code.
func (st *stage) dm(to string, m *discordgo.MessageSend) (*discordgo.Message, int) {
	st.t.Helper()
	c, err := st.s.UserChannelCreate(st.Person(to).ID())
	if err != nil {
		st.t.Fatal(err)
	}
	sent, err := st.s.ChannelMessageSendComplex(c.ID, m)
	return sent, code(err)
}

func code(err error) int {
	var rest *discordgo.RESTError
	if errors.As(err, &rest) && rest.Message != nil {
		return rest.Message.Code
	}
	if err != nil {
		return -1
	}
	return 0
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func row(cs ...discordgo.MessageComponent) []discordgo.MessageComponent {
	return []discordgo.MessageComponent{discordgo.ActionsRow{Components: cs}}
}

func button(label string) discordgo.Button {
	return discordgo.Button{Label: label, Style: discordgo.PrimaryButton, CustomID: "v1:" + label}
}
