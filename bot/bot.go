// Package bot is the Discord side of the house: it hears commands, buttons and
// typed words, and puts deliveries in front of people.
//
// A handler decides and returns what to say; one function says it (router.go).
// Nothing leaves as a direct message except through Send, as a delivery that the
// store owes. Every word comes from bot/text.
package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"

	"aftercare/store"
)

// HelpLine is a line that the operator added to the help.
type HelpLine struct {
	Name    string
	Contact string
	Checked time.Time // when somebody made sure that it is still right
}

// Options say what a Bot is to be.
type Options struct {
	Token             string
	APIURL            string // without the version; everything follows it, gateway discovery included
	RequestsPerSecond int    // Discord's global limit for this token
	AgeRestricted     bool   // commands only for accounts of 18 and older, in channels marked so
	Operator          string // who runs this; shown before anybody agrees
	HelpLines         []HelpLine
	Marks             []time.Duration // shown before anybody agrees
	Version           string
	Log               *slog.Logger

	// Transport and Dial stand in for the network, where the Discord is one in
	// the process. nil is the network.
	Transport http.RoundTripper
	Dial      func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Bot is the one process that speaks for a token.
type Bot struct {
	// Wake is called when something may have become due. Set it before Open.
	Wake func()

	o        Options
	store    *store.Store
	log      *slog.Logger
	rest     *discordgo.Session // for REST only; never opened
	gateway  *discordgo.Session
	api      *transport
	routes   map[string]route
	people   *lines
	guesses  *budget
	outcomes outcomes
	stopping context.Context // ends at Close: what waits for something gives up
	stop     context.CancelFunc
	owners   owners
	appID    string
}

// New returns a bot that is not connected yet. Wiring mistakes panic.
func New(st *store.Store, o Options) (*Bot, error) {
	api, err := url.Parse(o.APIURL)
	if err != nil || api.Host == "" || (api.Scheme != "https" && api.Scheme != "http") {
		return nil, fmt.Errorf("discord.api_url: %q is no address; the usual one is https://discord.com/api", o.APIURL)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	b := &Bot{
		Wake: func() {}, o: o, store: st, log: o.Log,
		api:     newTransport(o.Transport, api, o.Version, o.RequestsPerSecond),
		guesses: newBudget(5, time.Hour, st.Now),
	}
	b.people = newLines(b.log)
	b.stopping, b.stop = context.WithCancel(context.Background())
	if b.rest, err = b.session(); err != nil {
		return nil, err
	}
	b.routes = b.table()
	return b, nil
}

// session returns a discordgo session with everything off that is known to hang,
// crash, cache or speak too much.
func (b *Bot) session() (*discordgo.Session, error) {
	s, err := discordgo.New("Bot " + b.o.Token)
	if err != nil {
		return nil, err
	}
	s.StateEnabled = false
	s.SyncEvents = true // our handler only queues; this keeps the order
	s.LogLevel = discordgo.LogError
	s.Identify.Intents = discordgo.IntentDirectMessages
	s.ShouldRetryOnRateLimit = false
	s.MaxRestRetries = 0
	s.Client = &http.Client{Transport: b.api, Timeout: 20 * time.Second}
	s.Dialer = &websocket.Dialer{HandshakeTimeout: 15 * time.Second, NetDialContext: b.o.Dial, Proxy: http.ProxyFromEnvironment}
	if b.o.Dial != nil {
		s.Dialer.Proxy = nil
	}
	logThrough(b.log)
	return s, nil
}

// Open makes sure that the token works and the commands are as built, and
// connects. Its errors name the fix.
func (b *Bot) Open(ctx context.Context) error {
	if err := b.identify(ctx); err != nil {
		return err
	}
	if err := b.register(ctx); err != nil {
		return fmt.Errorf("registering the commands: %w", err)
	}
	s, err := b.session()
	if err != nil {
		return err
	}
	s.AddHandler(func(_ *discordgo.Session, e *discordgo.Event) { b.hear(e.Type, e.RawData) })
	b.gateway = s
	if err := s.Open(); err != nil {
		return fmt.Errorf("connecting to Discord's gateway: %w", withoutURL(err))
	}
	return nil
}

// identify asks Discord who we are.
func (b *Bot) identify(ctx context.Context) error {
	var app struct {
		ID       string  `json:"id"`
		Endpoint *string `json:"interactions_endpoint_url"`
	}
	err := b.call(ctx, http.MethodGet, apiVersion+"/applications/@me", nil, &app)
	var refused restError
	switch {
	case errors.As(err, &refused) && refused.Status == http.StatusUnauthorized:
		return errors.New("discord.token: Discord does not know this token; copy it anew from the Bot page of your application")
	case err != nil:
		return fmt.Errorf("asking Discord about the application: %w", err)
	case app.Endpoint != nil && *app.Endpoint != "":
		return errors.New("the application has an Interactions Endpoint URL, so Discord sends no command here; clear it on its General Information page")
	}
	b.appID = app.ID
	return nil
}

// Close disconnects, then finishes the events in hand.
func (b *Bot) Close() error {
	b.stop()
	var err error
	if b.gateway != nil {
		b.gateway.ShouldReconnectOnError = false
		err = b.gateway.Close()
	}
	b.people.close()
	b.outcomes.wait()
	return err
}

var apiVersion = "v" + strings.TrimPrefix(discordgo.APIVersion, "v")
