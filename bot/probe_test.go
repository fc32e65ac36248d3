package bot

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"aftercare/bot/discordtest"
	"aftercare/store"
)

func newProbe(t *testing.T, o discordtest.Options) (*Probe, *discordtest.Discord) {
	t.Helper()
	o.Token = "Bot secret"
	d := discordtest.New(o)
	p, err := NewProbe(Options{Token: "secret", APIURL: "https://discord.com/api", RequestsPerSecond: 50, AgeRestricted: true, Transport: d})
	if err != nil {
		t.Fatal(err)
	}
	return p, d
}

func TestProbeReadsTheApplication(t *testing.T) {
	t.Parallel()
	p, d := newProbe(t, discordtest.Options{})
	d.SetApplication(map[string]any{"owner": map[string]any{"id": d.Person("robin").ID()}})
	got, err := p.Application(t.Context())
	want := Application{ID: got.ID, InServers: true, InAccounts: true, PrivacyPolicy: "https://example.org/privacy", Servers: 1, owners: []string{d.Person("robin").ID()}}
	if err != nil || got.ID == "" || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
	member := map[string]any{"user": map[string]any{"id": d.Person("kit").ID()}}
	d.SetApplication(map[string]any{
		"interactions_endpoint_url": "https://a.b", "bot_public": true, "bot_require_code_grant": true, "flags": 1 << 19,
		"privacy_policy_url": nil, "approximate_guild_count": nil, "team": map[string]any{"members": []any{member}},
		"integration_types_config": map[string]any{"0": map[string]any{"oauth2_install_params": map[string]any{"scopes": []string{"bot"}, "permissions": "8"}}},
	})
	got, err = p.Application(t.Context())
	want = Application{ID: got.ID, Endpoint: "https://a.b", Public: true, NeedsCode: true, InServers: true, LinkScopes: []string{"bot"}, Privileged: true, Servers: -1, owners: []string{"", d.Person("kit").ID()}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
	if !got.Owns(d.Person("kit").ID()) || got.Owns(d.Person("sam").ID()) || got.Owns("") {
		t.Error("who owns it")
	}
	if link := got.InviteLink(); !strings.HasSuffix(link, "client_id="+got.ID+"&scope=bot+applications.commands&permissions=0&integration_type=0") {
		t.Error(link)
	}
}

func TestProbeReadsTheCommandsBack(t *testing.T) {
	t.Parallel()
	p, d := newProbe(t, discordtest.Options{})
	app, err := p.Application(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	look := func(want Commands) {
		t.Helper()
		if got, err := p.Commands(t.Context(), app); err != nil || got != want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
	look(Commands{Restricted: true, Open: true}) // none
	p.b.appID = app.ID
	if err := p.b.register(t.Context()); err != nil {
		t.Fatal(err)
	}
	n := len(d.Commands())
	look(Commands{Registered: n, AsBuilt: true, Restricted: true})
	p.b.o.AgeRestricted = false
	look(Commands{Registered: n, Restricted: true})
}

func TestProbeTellsNobodyButOwners(t *testing.T) {
	t.Parallel()
	p, d := newProbe(t, discordtest.Options{})
	robin, sam := d.Person("robin"), d.Person("sam")
	d.SetApplication(map[string]any{"owner": map[string]any{"id": robin.ID()}})
	app, err := p.Application(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Tell(t.Context(), app, sam.ID()); !errors.Is(err, ErrNotOwner) || len(sam.Sees()) != 0 {
		t.Errorf("%v, and sam sees %v", err, sam.Sees())
	}
	if err := p.Tell(t.Context(), app, robin.ID()); err != nil || len(robin.Sees()) != 1 {
		t.Errorf("%v, and robin sees %v", err, robin.Sees())
	}
	robin.CloseDMs()
	if err := p.Tell(t.Context(), app, robin.ID()); !errors.Is(err, store.ErrRefused) {
		t.Error(err)
	}
}

func TestProbeComparesTheClocks(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{0, 10 * time.Minute, -time.Hour} {
		p, _ := newProbe(t, discordtest.Options{Now: func() time.Time { return time.Now().Add(-ahead) }})
		if _, ok := p.Clock(); ok {
			t.Error("it knows before it asked")
		}
		if name, err := p.Account(t.Context()); name != "bot" || err != nil {
			t.Fatal(name, err)
		}
		if got, ok := p.Clock(); !ok || (got-ahead).Abs() > 2*time.Second {
			t.Errorf("ahead by %v, and it says %v", ahead, got)
		}
	}
}

func TestProbeKnowsARefusedToken(t *testing.T) {
	t.Parallel()
	d := discordtest.New(discordtest.Options{Token: "Bot another"})
	p, err := NewProbe(Options{Token: "secret", APIURL: "https://discord.com/api", RequestsPerSecond: 50, Transport: d})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Account(t.Context()); !errors.Is(err, ErrToken) {
		t.Error(err)
	}
	if _, err := p.Application(t.Context()); !errors.Is(err, ErrToken) || d.Requests() != 1 {
		t.Errorf("%v, after %d requests", err, d.Requests())
	}
	if _, err := NewProbe(Options{APIURL: "nowhere"}); err == nil || !strings.Contains(err.Error(), "discord.api_url") {
		t.Error(err)
	}
}
