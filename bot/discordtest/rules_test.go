package discordtest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"aftercare/bot/discordtest"
)

// put registers commands as raw JSON.
func (st *stage) put(commands string) (status int) {
	st.t.Helper()
	r, err := http.NewRequestWithContext(st.t.Context(), "PUT", "https://discord.test/api/v10/applications/"+st.s.State.User.ID+"/commands", strings.NewReader(commands))
	must(st.t, err)
	r.Header.Set("Authorization", "Bot secret")
	res, err := st.s.Client.Do(r)
	if err != nil {
		st.t.Fatal(err)
	}
	return res.StatusCode
}

func TestCommandRules(t *testing.T) {
	option := func(name, more string) string {
		return `{"type":3,"name":"` + name + `","description":"x"` + more + `}`
	}
	sub := func(inner ...string) string {
		return `{"type":1,"name":"s","description":"x","options":[` + strings.Join(inner, ",") + `]}`
	}
	group := func(inner ...string) string {
		return `{"type":2,"name":"g","description":"x","options":[` + strings.Join(inner, ",") + `]}`
	}
	cmd := func(options ...string) string {
		return `{"name":"c","description":"x","options":[` + strings.Join(options, ",") + `]}`
	}
	many := make([]string, 26)
	for i := range many {
		many[i] = option(fmt.Sprint("o", i), "")
	}
	play(t, func(st *stage) {
		for name, c := range map[string]struct {
			commands string
			want     int
		}{
			"fine":               {cmd(option("a", `,"required":true`), option("b", "")), 200},
			"group":              {cmd(group(sub(option("a", "")))), 200},
			"user command":       {`{"type":2,"name":"Pair With"}`, 200},
			"twice":              {cmd() + "," + cmd(), 400},
			"no list":            {`1`, 400},
			"long description":   {`{"name":"c","description":"` + strings.Repeat("x", 101) + `"}`, 400},
			"26 options":         {cmd(many...), 400},
			"option twice":       {cmd(option("a", ""), option("a", "")), 400},
			"required last":      {cmd(option("a", ""), option("b", `,"required":true`)), 400},
			"mixed":              {cmd(sub(), option("a", "")), 400},
			"group in group":     {cmd(group(group())), 400},
			"sub in sub":         {cmd(sub(sub())), 400},
			"choices twice":      {cmd(option("a", `,"choices":[{"name":"x","value":"1"},{"name":"x","value":"2"}]`)), 400},
			"choices, automatic": {cmd(option("a", `,"autocomplete":true,"choices":[{"name":"x","value":"1"}]`)), 400},
			"type":               {cmd(`{"type":12,"name":"a","description":"x"}`), 400},
		} {
			if got := st.put("[" + c.commands + "]"); got != c.want {
				t.Errorf("%s: %d", name, got)
			}
		}
	})
}

func TestCommandIDsStay(t *testing.T) {
	playRight(t, func(st *stage) {
		before := st.Commands()[0].ID
		st.put(`[{"name":"other","description":"x"},{"name":"scene","description":"y"}]`)
		if after := st.Commands()[1].ID; after != before || st.Commands()[0].ID == before {
			t.Error(before, after)
		}
		all, err := st.s.ApplicationCommands(st.s.State.User.ID, "")
		must(t, err)
		if len(all) != 2 || all[1].Version == "" || all[1].ApplicationID != st.s.State.User.ID {
			t.Errorf("%+v", all)
		}
	})
}

func TestTypedOptions(t *testing.T) {
	play(t, func(st *stage) {
		st.put(`[{"name":"c","description":"x","options":[
			{"type":4,"name":"whole","description":"x","min_value":1,"max_value":5},
			{"type":10,"name":"part","description":"x"},
			{"type":6,"name":"who","description":"x"},
			{"type":7,"name":"where","description":"x"}]}]`)
		var got []string
		st.on = func(i *discordgo.InteractionCreate) {
			for _, o := range i.ApplicationCommandData().Options {
				got = append(got, fmt.Sprint(o.Name, "=", o.Value))
			}
			st.respond(i, discordgo.InteractionResponseChannelMessageWithSource, &discordgo.InteractionResponseData{Content: strings.Join(got, " ")})
		}
		alex := st.Person("alex")
		must(t, alex.RunInDM("/c whole:3 part:1.5 who:@bot"))
		st.said("bot -> alex: whole=3 part=1.5 who=" + st.s.State.User.ID)
		for _, s := range []string{"whole:6", "whole:x", "part:x", "who:@sam kit", "where:here"} {
			if alex.RunInDM("/c "+s) == nil {
				t.Error("ran", s)
			}
		}
	})
}

func TestComponentsV2(t *testing.T) {
	play(t, func(st *stage) {
		path := "/channels/" + channelOf(st, "alex") + "/messages"
		const words = `{"type":10,"content":"some words"}`
		status, body := st.post(path, `{"flags":32768,"components":[`+words+`,{"type":17,"components":[{"type":9,"components":[`+words+`],"accessory":{"type":2,"style":2,"label":"Go","custom_id":"g"}}]}]}`)
		if status != 200 {
			t.Error(status, body)
		}
		st.said("bot -> alex: some words\n      some words\n      [Go]")
		for _, bad := range []string{`"content":"x","components":[` + words + `]`, `"components":[` + strings.Repeat(words+",", 40) + words + `]`} {
			if status, body := st.post(path, `{"flags":32768,`+bad+`}`); status != 400 {
				t.Error(status, body)
			}
		}
	})
}

func TestFollowups(t *testing.T) {
	playRight(t, func(st *stage) {
		st.on = func(i *discordgo.InteractionCreate) {
			if _, err := st.s.FollowupMessageCreate(i.Interaction, true, &discordgo.WebhookParams{Content: "x"}); code(err) != 10015 {
				t.Error("follow-up before the answer:", err)
			}
			st.respond(i, discordgo.InteractionResponseChannelMessageWithSource, &discordgo.InteractionResponseData{Content: "one"})
			m, err := st.s.InteractionResponse(i.Interaction)
			must(t, err)
			if m.Content != "one" {
				t.Errorf("%+v", m)
			}
			m, err = st.s.FollowupMessageCreate(i.Interaction, true, &discordgo.WebhookParams{Content: "two", Flags: discordgo.MessageFlagsEphemeral})
			must(t, err)
			text := "three"
			_, err = st.s.FollowupMessageEdit(i.Interaction, m.ID, &discordgo.WebhookEdit{Content: &text})
			must(t, err)
			must(t, st.s.FollowupMessageDelete(i.Interaction, m.ID))
			if _, err = st.s.FollowupMessageEdit(i.Interaction, m.ID, &discordgo.WebhookEdit{Content: &text}); code(err) != 10008 {
				t.Error("edited what is deleted:", err)
			}
		}
		must(t, st.Person("alex").RunInDM("/scene ended partner:@sam"))
		st.said("bot -> alex: one", "bot, only alex sees: two", "bot, only alex sees, in place: three", "bot, only alex sees, removed: three")
	})
}

// A clock that is pushed decides about deadlines, not the time that passes.
func TestPushedClock(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	d := discordtest.New(discordtest.Options{Now: func() time.Time { return now }})
	id := d.Person("alex").Type("hello")
	at, err := discordgo.SnowflakeTimestamp(id)
	must(t, err)
	if !at.Equal(now) {
		t.Error("the id says", at)
	}
	now = now.Add(-time.Hour)
	if earlier := d.Person("alex").Type("hello"); earlier <= id {
		t.Error("ids went back with the clock")
	}
	if sees := d.Person("alex").Sees(); len(sees) != 2 || sees[0].Author != "alex" || d.Person("alex").Name() != "alex" {
		t.Errorf("%+v", sees)
	}
}

func TestOddRequests(t *testing.T) {
	play(t, func(st *stage) {
		if _, err := st.s.UserChannelCreate("1"); code(err) != 10013 {
			t.Error(err)
		}
		if _, err := st.s.Channel("1"); code(err) != 10003 {
			t.Error(err)
		}
		if _, err := st.s.Application("@me"); err != nil {
			t.Error(err)
		}
		if g, err := st.s.GatewayBot(); err != nil || g.SessionStartLimit.Remaining != 999 {
			t.Error(g, err)
		}
		if len(st.Errors()) != 0 || st.Requests() < 5 {
			t.Error(st.Requests(), st.Errors())
		}
		path := "/channels/" + channelOf(st, "alex") + "/messages"
		for _, body := range []string{"{", "1", `{"content":1}`, `{"content":"x","flags":"y"}`} {
			if status, answer := st.post(path, body); status != 400 {
				t.Error(status, answer)
			}
		}
		r, err := http.NewRequestWithContext(st.t.Context(), "GET", "https://discord.test/api/users/@me", nil)
		must(t, err)
		r.Header.Set("Authorization", "Bot secret")
		res, err := st.s.Client.Do(r)
		must(t, err)
		if res.StatusCode != 404 || len(st.Errors()) != 5 {
			t.Error("no version:", res.StatusCode, st.Errors())
		}
		if st.Person("alex").Edit("none", "x") == nil || st.Person("alex").Delete("none") == nil {
			t.Error("changed what is not there")
		}
	})
}
