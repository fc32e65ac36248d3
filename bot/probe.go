package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/bwmarrin/discordgo"

	"aftercare/bot/text"
)

// Probe asks Discord what an operator's check wants to know, by the same way out
// as a Bot. It changes nothing there, opens no gateway, and knows no database.
type Probe struct{ b *Bot }

// NewProbe returns a probe with a bot's options, of which it needs those about
// Discord and AgeRestricted.
func NewProbe(o Options) (*Probe, error) {
	api, err := apiAddress(o.APIURL)
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	b := &Bot{o: o, log: o.Log, api: newTransport(o.Transport, api, o.Version, o.RequestsPerSecond, o.Log), opens: newOpenings()}
	if b.rest, err = restSession(o.Token, b.api); err != nil {
		return nil, err
	}
	logThrough(o.Log)
	return &Probe{b}, nil
}

func apiAddress(s string) (*url.URL, error) {
	api, err := url.Parse(s)
	if err != nil || api.Host == "" || (api.Scheme != "https" && api.Scheme != "http") {
		return nil, fmt.Errorf("discord.api_url: %q is no address; the usual one is https://discord.com/api", s)
	}
	return api, nil
}

// get asks, and waits for what passes by itself as long as ctx says.
func (p *Probe) get(ctx context.Context, path string, out any) error {
	err := p.b.patiently(ctx, http.MethodGet, apiVersion+path, nil, out)
	if p.b.api.dead.Load() {
		return ErrToken
	}
	return err
}

// Account returns the bot's own name. It returns ErrToken if Discord does not know
// the token.
func (p *Probe) Account(ctx context.Context) (name string, err error) {
	var me struct {
		Username string `json:"username"`
	}
	err = p.get(ctx, "/users/@me", &me)
	return me.Username, err
}

// Application is what Discord says of the bot's application.
type Application struct {
	ID            string
	Endpoint      string // where interactions are sent instead of here; empty as it has to be
	Public        bool   // anybody may add it
	NeedsCode     bool   // an invite link is not enough to add it
	InServers     bool   // it can be added to servers
	InAccounts    bool   // it can be added to accounts
	LinkScopes    []string
	Privileged    bool   // a privileged intent is switched on
	PrivacyPolicy string // the address of one
	Servers       int    // that it is in, about; -1 if Discord does not say

	owners []string
}

// The flags of an application that stand for privileged intents: presences,
// members and message content, each also in its limited form.
const privilegedFlags = 1<<12 | 1<<13 | 1<<14 | 1<<15 | 1<<18 | 1<<19

// Application asks Discord about the application.
func (p *Probe) Application(ctx context.Context) (Application, error) {
	type person struct {
		ID string `json:"id"`
	}
	var in struct {
		ID       string `json:"id"`
		Endpoint string `json:"interactions_endpoint_url"`
		Public   bool   `json:"bot_public"`
		Code     bool   `json:"bot_require_code_grant"`
		Flags    int64  `json:"flags"`
		Policy   string `json:"privacy_policy_url"`
		Servers  *int   `json:"approximate_guild_count"`
		Owner    person `json:"owner"`
		Team     struct {
			Members []struct {
				User person `json:"user"`
			} `json:"members"`
		} `json:"team"`
		Installs map[string]struct {
			Params struct {
				Scopes []string `json:"scopes"`
			} `json:"oauth2_install_params"`
		} `json:"integration_types_config"`
	}
	if err := p.get(ctx, "/applications/@me", &in); err != nil {
		return Application{}, err
	}
	servers, inServers := in.Installs["0"]
	_, inAccounts := in.Installs["1"]
	a := Application{
		ID: in.ID, Endpoint: in.Endpoint, Public: in.Public, NeedsCode: in.Code, InServers: inServers, InAccounts: inAccounts,
		LinkScopes: servers.Params.Scopes, Privileged: in.Flags&privilegedFlags != 0, PrivacyPolicy: in.Policy, Servers: -1,
		owners: []string{in.Owner.ID},
	}
	if in.Servers != nil {
		a.Servers = *in.Servers
	}
	for _, m := range in.Team.Members {
		a.owners = append(a.owners, m.User.ID)
	}
	return a, nil
}

// Owns tells whether an account owns the application, alone or in a team.
func (a Application) Owns(account string) bool {
	return account != "" && slices.Contains(a.owners, account)
}

// InviteLink adds the bot to a server, with what it needs there and nothing else:
// its commands, and being a member, since Discord lets it write to members of a
// server that it shares with them. It needs no permission: its replies belong to
// the commands, and it never writes in a channel.
func (a Application) InviteLink() string {
	return "https://discord.com/oauth2/authorize?client_id=" + url.QueryEscape(a.ID) + "&scope=bot+applications.commands&permissions=0&integration_type=0"
}

// Commands is how the commands at Discord compare to those of this build.
type Commands struct {
	Registered int
	AsBuilt    bool // they are the same
	Restricted bool // those registered are all shown to adults only
	Open       bool // those registered are all shown to everybody
}

// Commands reads back what is registered.
func (p *Probe) Commands(ctx context.Context, app Application) (c Commands, err error) {
	var have []json.RawMessage
	if err := p.get(ctx, "/applications/"+app.ID+"/commands", &have); err != nil {
		return c, err
	}
	restricted := 0
	for _, raw := range have {
		var flag struct {
			NSFW bool `json:"nsfw"`
		}
		if err := json.Unmarshal(raw, &flag); err != nil {
			return c, err
		}
		if flag.NSFW {
			restricted++
		}
	}
	c = Commands{Registered: len(have), Restricted: restricted == len(have), Open: restricted == 0}
	c.AsBuilt, err = sameCommands(have, p.b.commands())
	return c, err
}

// Sessions is what Discord allows of new connections to its gateway.
type Sessions struct {
	Remaining int
	Reset     time.Duration // until there are more
	Shards    int           // that Discord would like; a bot has one
}

// Sessions asks what is left of today's connections. Asking costs none.
func (p *Probe) Sessions(ctx context.Context) (Sessions, error) {
	var in struct {
		startBudget
		Shards int `json:"shards"`
	}
	err := p.get(ctx, "/gateway/bot", &in)
	return Sessions{Remaining: in.Limit.Remaining, Reset: in.reset(), Shards: in.Shards}, err
}

// Clock returns how far this machine's clock is ahead of Discord's, to a second or
// two, as the last answer showed; false before there was one that did.
func (p *Probe) Clock() (ahead time.Duration, ok bool) { return p.b.api.drift.ahead() }

// Tell sends an owner of the application a line, to see whether direct messages
// arrive. Nobody else can be told: a bot writes to nobody who has not asked.
// It returns ErrNotOwner for them, and store.ErrRefused if Discord would not.
func (p *Probe) Tell(ctx context.Context, app Application, account string) error {
	if !app.Owns(account) {
		return ErrNotOwner
	}
	var ch struct {
		ID string `json:"id"`
	}
	err := p.b.patiently(ctx, http.MethodPost, apiVersion+"/users/@me/channels", map[string]string{"recipient_id": account}, &ch)
	if err == nil {
		err = p.b.call(ctx, http.MethodPost, apiVersion+"/channels/"+ch.ID+"/messages", checkHello().payload(), nil)
	}
	return refusal(err, 0)
}

func checkHello() say { return line(text.T(text.CheckHello)) }

func checkSpecimens() []specimen {
	return []specimen{{"aftercare check --dm, to an owner of the application", checkHello()}}
}

// intents are those that a bot asks for. None of them is privileged: what is typed
// into a DM with the bot comes with its words.
const intents = discordgo.IntentDirectMessages
