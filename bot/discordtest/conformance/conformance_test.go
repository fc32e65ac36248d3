package conformance_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/bwmarrin/discordgo"

	"aftercare/bot/discordtest/conformance"
)

func check(t *testing.T) func(method, path string, body []byte) error {
	t.Helper()
	if os.Getenv(conformance.Env) == "" {
		t.Skip(conformance.Env + " does not name Discord's OpenAPI document")
	}
	return conformance.Open(t)
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	b, err := discordgo.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	messages = "/channels/1/messages"
	callback = "/interactions/1/token/callback"
	commands = "/applications/1/commands"
	original = "/webhooks/1/token/messages/@original"
)

// What discordgo makes of correct values is correct.
func TestAccepts(t *testing.T) {
	check := check(t)
	one, text := 1, "x"
	buttons := []discordgo.MessageComponent{discordgo.ActionsRow{Components: []discordgo.MessageComponent{
		discordgo.Button{Label: "Open", Style: discordgo.PrimaryButton, CustomID: "1"},
		discordgo.Button{Label: "Help", Style: discordgo.LinkButton, URL: "https://example.org"},
	}}, discordgo.ActionsRow{Components: []discordgo.MessageComponent{
		discordgo.SelectMenu{CustomID: "2", Options: []discordgo.SelectMenuOption{{Label: "a", Value: "a"}}},
	}}}
	form := &discordgo.InteractionResponseData{CustomID: "f", Title: "F", Components: []discordgo.MessageComponent{
		discordgo.ActionsRow{Components: []discordgo.MessageComponent{discordgo.TextInput{CustomID: "a", Label: "A", Style: 1}}},
	}}
	edit := discordgo.NewMessageEdit("1", "2").SetContent("x")
	edit.Components = &buttons
	for name, r := range map[string]struct {
		method, path string
		body         any
	}{
		"message":     {"POST", messages, &discordgo.MessageSend{Content: "x", Components: buttons, AllowedMentions: &discordgo.MessageAllowedMentions{}}},
		"embed":       {"POST", messages, &discordgo.MessageSend{Embeds: []*discordgo.MessageEmbed{{Title: "x", Fields: []*discordgo.MessageEmbedField{{Name: "a", Value: "b"}}}}}},
		"reply":       {"POST", messages, &discordgo.MessageSend{Content: "x", Reference: &discordgo.MessageReference{MessageID: "1", ChannelID: "2"}}},
		"edit":        {"PATCH", messages + "/2", edit},
		"channel":     {"POST", "/users/@me/channels", map[string]string{"recipient_id": "1"}},
		"answer":      {"POST", callback, discordgo.InteractionResponse{Type: 4, Data: &discordgo.InteractionResponseData{Content: "x", Flags: 64, Components: buttons}}},
		"deferred":    {"POST", callback, discordgo.InteractionResponse{Type: 5, Data: &discordgo.InteractionResponseData{Flags: 64}}},
		"no update":   {"POST", callback, discordgo.InteractionResponse{Type: 6}},
		"update":      {"POST", callback, discordgo.InteractionResponse{Type: 7, Data: &discordgo.InteractionResponseData{Content: "x", Components: buttons}}},
		"choices":     {"POST", callback, discordgo.InteractionResponse{Type: 8, Data: &discordgo.InteractionResponseData{Choices: []*discordgo.ApplicationCommandOptionChoice{{Name: "a", Value: "a"}}}}},
		"form":        {"POST", callback, discordgo.InteractionResponse{Type: 9, Data: form}},
		"edit answer": {"PATCH", original, &discordgo.WebhookEdit{Content: &text, Components: &buttons}},
		"follow-up":   {"POST", "/webhooks/1/token", &discordgo.WebhookParams{Content: "x", Flags: 64}},
		"commands": {"PUT", commands, []*discordgo.ApplicationCommand{{
			Name: "scene", Description: "Scenes", NSFW: new(bool), DefaultMemberPermissions: new(int64),
			Contexts: &[]discordgo.InteractionContextType{0, 1}, IntegrationTypes: &[]discordgo.ApplicationIntegrationType{0, 1},
			NameLocalizations: &map[discordgo.Locale]string{discordgo.German: "szene"},
			Options: []*discordgo.ApplicationCommandOption{{
				Type: discordgo.ApplicationCommandOptionSubCommand, Name: "ended", Description: "x",
				Options: []*discordgo.ApplicationCommandOption{
					{Type: discordgo.ApplicationCommandOptionUser, Name: "partner", Description: "x", Required: true},
					{Type: discordgo.ApplicationCommandOptionString, Name: "when", Description: "x", MinLength: &one, MaxLength: 20, Autocomplete: true},
					{Type: discordgo.ApplicationCommandOptionInteger, Name: "mark", Description: "x", MaxValue: 5},
					{Type: discordgo.ApplicationCommandOptionBoolean, Name: "quiet", Description: "x"},
				},
			}},
		}}},
	} {
		if err := check(r.method, r.path, encode(t, r.body)); err != nil {
			t.Errorf("%s: %v\n%s", name, err, encode(t, r.body))
		}
	}
	for _, path := range []string{"/gateway", "/gateway/bot", "/users/@me", "/applications/@me", commands, messages, original} {
		if err := check("GET", path, nil); err != nil {
			t.Error(err)
		}
	}
}

func TestRefuses(t *testing.T) {
	check := check(t)
	long := func(n int) string { return strings.Repeat("x", n) }
	button := func(id string) string { return `{"type":2,"style":1,"label":"x","custom_id":"` + id + `"}` }
	row := func(in ...string) string { return `{"type":1,"components":[` + strings.Join(in, ",") + `]}` }
	message := func(rows ...string) string { return `{"components":[` + strings.Join(rows, ",") + `]}` }
	sixRows := []string{row(button("1")), row(button("2")), row(button("3")), row(button("4")), row(button("5")), row(button("6"))}
	pick := `{"type":3,"custom_id":"s","options":[{"label":"a","value":"a"}]}`
	option := func(s string) string { return `{"type":3,"name":"o","description":"x"` + s + `}` }
	cmd := func(name string, options ...string) string {
		return `[{"name":"` + name + `","description":"x","options":[` + strings.Join(options, ",") + `]}]`
	}
	for name, r := range map[string][3]string{
		"path":             {"GET", "/nowhere", ""},
		"method":           {"PUT", messages, "{}"},
		"body of a GET":    {"GET", messages, "{}"},
		"no body":          {"POST", messages, ""},
		"no JSON":          {"POST", messages, "{"},
		"type":             {"POST", messages, `{"content":1}`},
		"length":           {"POST", messages, `{"content":"` + long(2001) + `"}`},
		"typo":             {"POST", messages, `{"contents":"x"}`},
		"inner typo":       {"POST", messages, message(row(`{"type":2,"style":1,"label":"x","custom_id":"1","colour":2}`))},
		"nonce":            {"POST", messages, `{"content":"x","nonce":"` + long(26) + `"}`},
		"six rows":         {"POST", messages, message(sixRows...)},
		"select, button":   {"POST", messages, message(row(pick, button("1")))},
		"bare button":      {"POST", messages, message(button("1"))},
		"same id":          {"POST", messages, message(row(button("1")), row(button("1")))},
		"long id":          {"POST", messages, message(row(button(long(101))))},
		"no label":         {"POST", messages, message(row(`{"type":2,"style":1,"custom_id":"1"}`))},
		"callback type":    {"POST", callback, `{"type":3}`},
		"long answer":      {"POST", callback, `{"type":4,"data":{"content":"` + long(2001) + `"}}`},
		"choices in 4":     {"POST", callback, `{"type":4,"data":{"content":"x","choices":[]}}`},
		"long title":       {"POST", callback, `{"type":9,"data":{"custom_id":"f","title":"` + long(46) + `","components":[]}}`},
		"empty form":       {"POST", callback, `{"type":9,"data":{"custom_id":"f","title":"x","components":[]}}`},
		"edit with nonce":  {"PATCH", messages + "/1", `{"content":"x","nonce":"1"}`},
		"upper case":       {"PUT", commands, cmd("Scene")},
		"no description":   {"PUT", commands, `[{"name":"x"}]`},
		"option twice":     {"PUT", commands, cmd("x", option(""), option(""))},
		"option type":      {"PUT", commands, cmd("x", `{"type":12,"name":"o","description":"x"}`)},
		"choices and auto": {"PUT", commands, cmd("x", option(`,"autocomplete":true,"choices":[{"name":"a","value":"a"}]`))},
	} {
		if err := check(r[0], r[1], []byte(r[2])); err == nil {
			t.Errorf("%s: accepted %s", name, r[2])
		}
	}
}

func TestLoadMissing(t *testing.T) {
	if _, err := conformance.Load(t.TempDir() + "/none.json"); err == nil {
		t.Error("loaded what is not there")
	}
	bad := t.TempDir() + "/bad.json"
	b, _ := json.Marshal("no document")
	if err := os.WriteFile(bad, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := conformance.Load(bad); err == nil {
		t.Error("loaded a string")
	}
}
