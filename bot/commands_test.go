package bot

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/discordgo"
)

// tree returns the commands as they go over the wire.
func tree(t *testing.T, ageRestricted bool) []any {
	t.Helper()
	raw, err := json.Marshal((&Bot{o: Options{AgeRestricted: ageRestricted}}).commands())
	if err != nil {
		t.Fatal(err)
	}
	var out []any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// asDiscordSays gives commands what Discord adds of its own, and drops what it
// leaves out.
func asDiscordSays(t *testing.T, commands []any) []json.RawMessage {
	t.Helper()
	var out []json.RawMessage
	for i, c := range commands {
		c := c.(object)
		c["id"], c["application_id"], c["version"] = strconv.Itoa(900+i), "100", "1"
		c["default_member_permissions"], c["dm_permission"], c["name_localizations"] = nil, true, nil
		if c["type"] == nil {
			c["type"] = 1.0
		}
		if c["nsfw"] == nil {
			c["nsfw"] = false
		}
		tidy(c["options"])
		out = append(out, json.RawMessage(encode(c)))
	}
	return out
}

func tidy(options any) {
	list, _ := options.([]any)
	for _, o := range list {
		o := o.(object)
		tidy(o["options"])
		for _, field := range []string{"options", "choices", "channel_types"} {
			if l, _ := o[field].([]any); len(l) == 0 {
				delete(o, field)
			}
		}
		for _, field := range []string{"required", "autocomplete"} {
			if o[field] == false {
				delete(o, field)
			}
		}
	}
}

func same(t *testing.T, have []json.RawMessage, ageRestricted bool) bool {
	t.Helper()
	ok, err := sameCommands(have, (&Bot{o: Options{AgeRestricted: ageRestricted}}).commands())
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func TestSameCommands(t *testing.T) {
	for _, restricted := range []bool{true, false} {
		have := asDiscordSays(t, tree(t, restricted))
		if !same(t, have, restricted) {
			t.Errorf("age restricted %v: what Discord adds of its own is taken for a change", restricted)
		}
		slices.Reverse(have)
		if !same(t, have, restricted) {
			t.Errorf("age restricted %v: another order is taken for a change", restricted)
		}
		if same(t, have, !restricted) {
			t.Error("the age restriction changed and nobody noticed")
		}
		if same(t, have[1:], restricted) || same(t, append(have[1:], have[1]), restricted) || same(t, nil, restricted) {
			t.Error("a command is missing and nobody noticed")
		}
	}
}

// TestEveryChangeIsNoticed changes every single value that we set, one at a time.
func TestEveryChangeIsNoticed(t *testing.T) {
	n := 0
	for i := range tree(t, true) {
		for step := 0; ; step++ {
			commands := tree(t, true)
			left := step
			where := alter(commands[i], &left, "")
			if where == "" {
				break
			}
			n++
			if same(t, asDiscordSays(t, commands), true) {
				t.Errorf("command %d: %s changed and nobody noticed", i, where)
			}
		}
	}
	if n < 100 {
		t.Errorf("only %d values were changed", n)
	}
}

// alter changes the value that comes after so many others, and says where it is.
func alter(v any, left *int, at string) string {
	switch v := v.(type) {
	case object:
		for _, field := range slices.Sorted(keysOf(v)) {
			if other, ok := another(v[field], left); ok {
				v[field] = other
				return at + "." + field
			}
			if where := alter(v[field], left, at+"."+field); where != "" {
				return where
			}
		}
	case []any:
		for i := range v {
			if other, ok := another(v[i], left); ok {
				v[i] = other
				return at + "." + strconv.Itoa(i)
			}
			if where := alter(v[i], left, at+"."+strconv.Itoa(i)); where != "" {
				return where
			}
		}
	}
	return ""
}

func keysOf(o object) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range o {
			if !yield(k) {
				return
			}
		}
	}
}

// another returns another value of the same kind, when it is its turn.
func another(v any, left *int) (any, bool) {
	switch v.(type) {
	case string, float64, bool:
	default:
		return nil, false
	}
	*left--
	if *left >= 0 {
		return nil, false
	}
	switch v := v.(type) {
	case string:
		return v + "x", true
	case float64:
		return v + 1, true
	}
	return !v.(bool), true
}

func TestSameCommandsReadsNoGarbage(t *testing.T) {
	want := (&Bot{}).commands()
	for _, raw := range []string{`null`, `[]`, `"x"`, `{"name":7}`, `{"name":null}`, `{"name":["x"]}`, `{`} {
		have := asDiscordSays(t, tree(t, false))
		have[0] = json.RawMessage(raw)
		if ok, _ := sameCommands(have, want); ok {
			t.Errorf("%s is taken for a command of ours", raw)
		}
	}
}

// TestSecondStartRegistersNothing starts the bot again and again on one Discord.
func TestSecondStartRegistersNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &house{t: t, now: time.Now}
		time.Sleep(time.Until(houseBegins))
		h.build()
		for i, start := range []struct{ ageRestricted, registers bool }{
			{true, true}, {true, false}, {true, false}, {false, true}, {false, false}, {true, true},
		} {
			b := h.newBot(start.ageRestricted)
			h.wire.take()
			disconnect := h.connect(b)
			puts := 0
			for _, r := range h.wire.take() {
				if r.method == http.MethodPut && strings.HasSuffix(r.path, "/commands") {
					puts++
				}
			}
			if (puts == 1) != start.registers || puts > 1 {
				t.Errorf("start %d registered %d times", i+1, puts)
			}
			disconnect()
			for _, c := range h.discord.Commands() {
				if c.NSFW != start.ageRestricted {
					t.Errorf("start %d: /%s has nsfw %v", i+1, c.Name, c.NSFW)
				}
			}
		}
		h.discord.DropConnections()
		for _, err := range h.discord.Errors() {
			t.Errorf("Discord would refuse: %v", err)
		}
	})
}

var commandName = regexp.MustCompile(`^[-_'\p{L}\p{N}]{1,32}$`)

// TestCommandTreeLimits holds the limits of discord.md 1.2.
func TestCommandTreeLimits(t *testing.T) {
	commands := (&Bot{}).commands()
	if len(commands) > 100 {
		t.Errorf("%d commands", len(commands))
	}
	seen := map[string]bool{}
	for _, c := range commands {
		if seen[c.Name] {
			t.Errorf("two commands /%s", c.Name)
		}
		seen[c.Name] = true
		checkNamed(t, "/"+c.Name, c.Name, c.Description)
		if n := codeUnits(c.Name+c.Description) + optionsSize(c.Options); n > 8000 {
			t.Errorf("/%s has %d characters", c.Name, n)
		}
		subs := 0
		for _, s := range c.Options {
			if s.Type == discordgo.ApplicationCommandOptionSubCommand {
				subs++
			}
		}
		if subs != 0 && subs != len(c.Options) {
			t.Errorf("/%s has something beside subcommands, so it could not be run itself", c.Name)
		}
		checkOptions(t, "/"+c.Name, c.Options)
	}
}

func checkNamed(t *testing.T, where, name, description string) {
	t.Helper()
	if !commandName.MatchString(name) || strings.ToLower(name) != name {
		t.Errorf("%s: %q is no name", where, name)
	}
	if n := codeUnits(description); n < 1 || n > 100 {
		t.Errorf("%s: a description of %d", where, n)
	}
}

func checkOptions(t *testing.T, where string, options []*discordgo.ApplicationCommandOption) {
	t.Helper()
	if len(options) > 25 {
		t.Errorf("%s has %d options", where, len(options))
	}
	seen, optional := map[string]bool{}, false
	for _, o := range options {
		at := where + " " + o.Name
		if seen[o.Name] {
			t.Errorf("%s: twice", at)
		}
		if seen[o.Name] = true; o.Required && optional {
			t.Errorf("%s: required after one that is not", at)
		}
		optional = optional || !o.Required
		checkNamed(t, at, o.Name, o.Description)
		if o.MaxLength < 0 || o.MaxLength > 6000 || len(o.Choices) > 25 {
			t.Errorf("%s: up to %d characters, %d choices", at, o.MaxLength, len(o.Choices))
		}
		for _, c := range o.Choices {
			value, ok := c.Value.(string)
			if n := codeUnits(c.Name); !ok || n < 1 || n > 100 || codeUnits(value) > 100 {
				t.Errorf("%s: the choice %q is %q", at, c.Name, c.Value)
			}
		}
		checkOptions(t, at, o.Options)
	}
}

func optionsSize(options []*discordgo.ApplicationCommandOption) (n int) {
	for _, o := range options {
		n += codeUnits(o.Name+o.Description) + optionsSize(o.Options)
		for _, c := range o.Choices {
			n += codeUnits(c.Name) + codeUnits(c.Value.(string))
		}
	}
	return n
}

func TestWhereCommandsCanBeUsed(t *testing.T) {
	for _, restricted := range []bool{true, false} {
		for _, c := range (&Bot{o: Options{AgeRestricted: restricted}}).commands() {
			if c.Contexts == nil || !slices.Equal(*c.Contexts, []discordgo.InteractionContextType{discordgo.InteractionContextGuild, discordgo.InteractionContextBotDM}) {
				t.Errorf("/%s: contexts %v", c.Name, c.Contexts)
			}
			if c.IntegrationTypes == nil || !slices.Equal(*c.IntegrationTypes, []discordgo.ApplicationIntegrationType{discordgo.ApplicationIntegrationGuildInstall, discordgo.ApplicationIntegrationUserInstall}) {
				t.Errorf("/%s: integration types %v", c.Name, c.IntegrationTypes)
			}
			if c.NSFW == nil || *c.NSFW != restricted {
				t.Errorf("/%s: nsfw %v, want %v", c.Name, c.NSFW, restricted)
			}
			if c.Type != discordgo.ChatApplicationCommand || c.DefaultMemberPermissions != nil {
				t.Errorf("/%s: type %d, permissions %v", c.Name, c.Type, c.DefaultMemberPermissions)
			}
		}
	}
}

// Every command has a handler, and issue 2's are there.
func TestCommandPaths(t *testing.T) {
	h := newHouse(t)
	all := paths(h.bot.commands())
	for _, want := range []string{
		"partner/invite", "partner/accept", "partner/list", "partner/leave", "scene/ended", "scene/undo", "scene/list", "care/help", "privacy/about",
	} {
		if !slices.Contains(all, want) {
			t.Errorf("no /%s", want)
		}
	}
	for _, path := range all {
		if h.bot.routes[path].do == nil {
			t.Errorf("nothing handles /%s", path)
		}
	}
}
