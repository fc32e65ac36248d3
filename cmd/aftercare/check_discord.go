package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"aftercare/bot"
	"aftercare/store"
)

const (
	askWithin   = 15 * time.Second // for Discord to answer one question
	clockWithin = 30 * time.Second // of Discord's: a prompt that much too early or late is none
	fewSessions = 50
)

// ofDiscord are the things that only Discord can tell.
var ofDiscord = []string{"token", "clock", "application", "installation", "servers", "intents", "commands", "age limit", "sessions"}

// discord asks Discord, by the way that the bot's own requests take.
func (f *findings) discord(ctx context.Context, cfg Config, o checkOptions) {
	switch {
	case o.offline:
		f.skip("--offline", ofDiscord...)
		return
	case cfg.Discord.Token == "":
		f.skip("discord.token is missing", ofDiscord...)
		return
	}
	p, err := bot.NewProbe(botOptions(cfg))
	if err != nil {
		f.fix("token", "%v", err)
		return
	}
	ask := asker{ctx, f, p}
	if !ask.token() {
		return
	}
	ask.clock()
	app, ok := ask.application()
	if !ok {
		return
	}
	f.installation(app)
	f.servers(app)
	if app.Privileged {
		f.note("intents", "privileged intents are switched on and not needed; turn them off on the Bot page")
	} else {
		f.ok("intents", "no privileged one is needed, and none is switched on")
	}
	ask.commands(app, cfg)
	ask.sessions()
	if o.dm != "" {
		ask.dm(app, o.dm)
	}
}

// asker asks Discord one thing after another.
type asker struct {
	ctx context.Context
	*findings
	probe *bot.Probe
}

// within bounds one question.
func (a asker) within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(a.ctx, askWithin)
}

// unanswered notes a question to which there was no answer.
func (a asker) unanswered(name string, err error) {
	a.fix(name, "Discord did not answer as it should (%v); look at the network, at discord.api_url, and at https://discordstatus.com", err)
}

func (a asker) token() bool {
	ctx, cancel := a.within()
	defer cancel()
	_, err := a.probe.Account(ctx)
	switch {
	case err == nil:
		a.ok("token", "Discord knows it")
		return true
	case errors.Is(err, bot.ErrToken):
		a.fix("token", "%v", err)
		a.skip("the token has to be mended first", ofDiscord[1:]...)
	default:
		a.unanswered("token", err)
		a.skip("Discord was not reached", ofDiscord[1:]...)
	}
	return false
}

func (a asker) clock() {
	switch ahead, ok := a.probe.Clock(); {
	case !ok:
		a.note("clock", "Discord's answer has no time to compare with; look at yours")
	case ahead.Abs() > clockWithin && ahead > 0:
		a.fix("clock", "%v ahead of Discord's; turn on time synchronisation, as with: timedatectl set-ntp true", ahead.Round(time.Second))
	case ahead.Abs() > clockWithin:
		a.fix("clock", "%v behind Discord's; turn on time synchronisation, as with: timedatectl set-ntp true", -ahead.Round(time.Second))
	default:
		a.ok("clock", "as Discord's, to a second or two")
	}
}

func (a asker) application() (bot.Application, bool) {
	ctx, cancel := a.within()
	defer cancel()
	app, err := a.probe.Application(ctx)
	switch {
	case err != nil:
		a.unanswered("application", err)
		a.skip("the application is not known", ofDiscord[3:]...)
		return app, false
	case app.Endpoint != "":
		a.fix("application", "it has an Interactions Endpoint URL, so Discord sends no command to the bot; clear it on the General Information page")
	case app.NeedsCode:
		a.fix("application", "it requires an OAuth2 code grant, so no link adds the bot; turn that off on the Bot page")
	case app.PrivacyPolicy == "":
		a.note("application", "no privacy policy is linked, which Discord's terms ask for; add one on the General Information page")
	default:
		a.ok("application", "Discord sends its commands to the bot")
	}
	if app.Public {
		a.note("application", "public: whoever has its link can add it; for friends only, set Install Link to None on the Installation page, and then turn Public Bot off on the Bot page")
	}
	return app, true
}

// installation looks at how people can add the bot. Commands for servers and for
// accounts are refused by Discord unless both ways are open.
func (f *findings) installation(app bot.Application) {
	missing := slices.DeleteFunc([]string{"bot", "applications.commands"}, func(scope string) bool { return slices.Contains(app.LinkScopes, scope) })
	switch {
	case !app.InServers || !app.InAccounts:
		f.fix("installation", "turn on both Guild Install and User Install on the Installation page; the commands are for both")
	case len(app.LinkScopes) > 0 && len(missing) > 0:
		f.fix("installation", "the install link for servers lacks the scope %s; add it on the Installation page", strings.Join(missing, " and "))
	default:
		f.ok("installation", "for servers and for accounts")
	}
}

func (f *findings) servers(app bot.Application) {
	switch {
	case app.Servers == 0:
		f.note("servers", "it is in none yet; add it with %s", app.InviteLink())
	case app.Servers < 0:
		f.ok("servers", "Discord does not say how many; another is added with %s", app.InviteLink())
	default:
		f.ok("servers", "it is in about %d; another is added with %s", app.Servers, app.InviteLink())
	}
}

// commands looks at what is registered, and at its age limit: Discord takes that
// without a word where it does not, and so it is read back.
func (a asker) commands(app bot.Application, cfg Config) {
	ctx, cancel := a.within()
	defer cancel()
	c, err := a.probe.Commands(ctx, app)
	switch {
	case err != nil:
		a.unanswered("commands", err)
		a.skip("the commands are not known", "age limit")
		return
	case c.Registered == 0:
		a.note("commands", "none are registered yet; the start of the bot does it")
		a.skip("there are no commands", "age limit")
		return
	case !c.AsBuilt:
		a.note("commands", "%d are registered, and not as this build has them; the next start of the bot mends that", c.Registered)
	default:
		a.ok("commands", "%d are registered, as this build has them", c.Registered)
	}
	switch want := cfg.Discord.AgeRestricted; {
	case want && !c.Restricted:
		a.fix("age limit", "discord.age_restricted is true, and Discord shows commands to everybody; restart the bot, and if that does not help, ask Discord's support")
	case !want && !c.Open:
		a.fix("age limit", "discord.age_restricted is false, and Discord shows commands to adults only; restart the bot")
	case want:
		a.ok("age limit", "for adults only: in channels marked as age-restricted, and in DMs of those who allow such commands there")
	default:
		a.note("age limit", "none, by discord.age_restricted; make sure yourself that everybody is an adult")
	}
}

func (a asker) sessions() {
	ctx, cancel := a.within()
	defer cancel()
	s, err := a.probe.Sessions(ctx)
	switch {
	case err != nil:
		a.unanswered("sessions", err)
	case s.Remaining <= 0:
		a.fix("sessions", "Discord allows no more new connections for %v; stop whatever restarts the bot again and again", s.Reset.Round(time.Minute))
	case s.Remaining < fewSessions:
		a.note("sessions", "%d more new connections for %v; something restarts the bot again and again", s.Remaining, s.Reset.Round(time.Minute))
	case s.Shards > 1:
		a.note("sessions", "Discord would like %d shards, and this program has one; at 2,500 servers it needs more, so leave some before", s.Shards)
	default:
		a.ok("sessions", "%d more new connections today", s.Remaining)
	}
}

func (a asker) dm(app bot.Application, account string) {
	ctx, cancel := a.within()
	defer cancel()
	switch err := a.probe.Tell(ctx, app, account); {
	case err == nil:
		a.ok("dm", "a test message was sent; see whether it came")
	case errors.Is(err, bot.ErrNotOwner):
		a.fix("dm", "that account does not own the application, alone or in its team, and the bot writes to nobody who has not asked; give your own")
	case errors.Is(err, store.ErrRefused):
		a.fix("dm", "Discord refused it; share a server with the bot, and allow direct messages from its members")
	default:
		a.unanswered("dm", err)
	}
}
