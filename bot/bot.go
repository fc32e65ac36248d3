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
	"strings"
	"sync/atomic"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"

	"aftercare/bot/text"
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
	Observer          Observer // nil: nobody is told

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
	link     *link
	api      *transport
	routes   map[string]route
	people   *lines
	guesses  *guesses
	opens    *openings
	outcomes outcomes
	stopping context.Context // ends at Close: what waits for something gives up
	stop     context.CancelFunc
	owners   owners
	unnoted  unnoted
	looks    atomic.Int64 // asked for, through the open conversations; 0: nobody is at it
	gaps     gaps
	held     held
	reloaded atomic.Pointer[[]HelpLine] // in place of those in o
	appID    string
}

// New returns a bot that is not connected yet. Wiring mistakes panic.
func New(st *store.Store, o Options) (*Bot, error) {
	api, err := apiAddress(o.APIURL)
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Observer == nil {
		o.Observer = blind{}
	}
	b := &Bot{
		Wake: func() {}, o: o, store: st, log: o.Log,
		api:     newTransport(o.Transport, api, o.Version, o.RequestsPerSecond, o.Log),
		guesses: newGuesses(st.Now),
		people:  newLines(o.Log),
		opens:   newOpenings(),
	}
	b.stopping, b.stop = context.WithCancel(context.Background())
	if b.rest, err = restSession(o.Token, b.api); err != nil {
		return nil, err
	}
	b.link = b.newLink()
	b.routes = b.table()
	st.AskAbout = text.HelpFirst // those who are not asked who sees their words are to see the help page too
	logThrough(o.Log)
	return b, nil
}

func (b *Bot) newLink() *link {
	dialer := &websocket.Dialer{HandshakeTimeout: 15 * time.Second, NetDialContext: b.o.Dial, Proxy: http.ProxyFromEnvironment}
	if b.o.Dial != nil {
		dialer.Proxy = nil
	}
	return &link{
		token: b.o.Token, dialer: dialer, hear: b.hear, ready: b.ready, log: b.log,
		hello: helloWithin, open: openWithin, hang: hangAfter,
		budget: func(ctx context.Context) (limit startBudget, err error) {
			err = b.call(ctx, http.MethodGet, apiVersion+"/gateway/bot", nil, &limit)
			return limit, err
		},
	}
}

// Run makes sure that the token works and the commands are as built, connects,
// and stays connected until ctx is done. Then it disconnects and finishes the
// events in hand. It returns an error only for what trying again can't mend, and
// that names the fix.
func (b *Bot) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-b.api.refused:
			cancel()
		case <-ctx.Done():
		}
	}()
	defer b.finish()
	err := b.prepare(ctx)
	if err == nil {
		err = b.link.run(ctx)
	}
	if b.api.dead.Load() {
		return ErrToken
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// finish takes no more events and waits for those in hand.
func (b *Bot) finish() {
	b.stop()
	b.people.close()
	b.outcomes.wait()
}

// prepare asks Discord who we are and hands it the commands. Discord may be out
// of reach for now; that is waited out.
func (b *Bot) prepare(ctx context.Context) error {
	if err := b.identify(ctx); err != nil {
		return err
	}
	if err := b.register(ctx); err != nil {
		return fmt.Errorf("registering the commands: %w", err)
	}
	return nil
}

// identify asks Discord who we are.
func (b *Bot) identify(ctx context.Context) error {
	var app struct {
		ID       string  `json:"id"`
		Endpoint *string `json:"interactions_endpoint_url"`
	}
	err := b.patiently(ctx, http.MethodGet, apiVersion+"/applications/@me", nil, &app)
	switch {
	case err != nil:
		return fmt.Errorf("asking Discord about the application: %w", err)
	case app.Endpoint != nil && *app.Endpoint != "":
		return errors.New("the application has an Interactions Endpoint URL, so Discord sends no command here; clear it on its General Information page")
	}
	b.appID = app.ID
	return nil
}

// ready is called when the link is up. resumed tells that Discord has replayed
// what we missed, as far as it kept it; what was typed in between is looked for
// in either case.
func (b *Bot) ready(resumed bool) {
	b.log.Info("aftercare is connected", "resumed", resumed, "version", b.o.Version)
	b.Wake()
	b.lookThrough()
}

var apiVersion = "v" + strings.TrimPrefix(discordgo.APIVersion, "v")
