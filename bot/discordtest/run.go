package discordtest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ErrNoCommand is what a person finds when Discord's client does not offer
// what they want to run.
var ErrNoCommand = errors.New("Discord shows no such command")

// Run types a command such as "/scene ended partner:@sam when:2h ago" in the
// server. Only what is registered can be run, with the options it has.
func (p *Person) Run(line string) error {
	return p.act(func() error {
		if p.left {
			return errors.New("not in the server")
		}
		_, err := p.run(p.d.server, line, kindCommand)
		return err
	})
}

// RunInDM is Run in the DM with the bot.
func (p *Person) RunInDM(line string) error {
	return p.act(func() error {
		_, err := p.run(p.dm, line, kindCommand)
		return err
	})
}

// Complete is Run (in the server) up to where the client asks for choices for
// the last option on the line; they arrive as a Line "choices for alex: ...".
func (p *Person) Complete(line string) error {
	return p.act(func() error {
		_, err := p.run(p.d.server, line, kindAutocomplete)
		return err
	})
}

func (p *Person) run(c *channel, line string, kind int) (*interaction, error) {
	words := strings.Fields(line)
	if len(words) == 0 || !strings.HasPrefix(words[0], "/") {
		return nil, fmt.Errorf("%w: a command begins with a slash: %q", ErrNoCommand, line)
	}
	at := slices.IndexFunc(p.d.commands, func(c Command) bool { return c.Type == 1 && "/"+c.Name == words[0] })
	if at < 0 || !p.d.commands[at].offeredIn(c) {
		return nil, fmt.Errorf("%w: %s", ErrNoCommand, words[0])
	}
	command := p.d.commands[at]
	call := &call{d: p.d, kind: kind, users: object{}, members: object{}}
	rest := strings.TrimPrefix(strings.TrimSpace(line), words[0])
	options, err := call.options(words[0], command.Options, rest)
	if err != nil {
		return nil, err
	}
	data := object{"id": command.ID, "name": command.Name, "type": 1}
	if len(options) > 0 {
		data["options"] = options
	}
	if len(call.users) > 0 {
		data["resolved"] = call.resolved(c)
	}
	return p.d.interact(p, c, kind, nil, data), nil
}

func (c Command) offeredIn(ch *channel) bool {
	place := 0
	if ch.with != nil {
		place = 1
	}
	return c.Contexts == nil || slices.Contains(c.Contexts, place)
}

// call is a command line on its way to becoming an interaction.
type call struct {
	d       *Discord
	kind    int
	users   object
	members object
}

func (c *call) resolved(ch *channel) object {
	if ch.with != nil {
		return object{"users": c.users}
	}
	return object{"users": c.users, "members": c.members}
}

// options reads the rest of a line against what the command takes: the name
// of a subcommand, or options by name.
func (c *call) options(path string, known []CommandOption, rest string) ([]any, error) {
	if len(known) == 0 || known[0].Type != optSubcommand && known[0].Type != optGroup {
		return c.values(path, known, rest)
	}
	word, rest, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	for _, o := range known {
		if o.Name != word {
			continue
		}
		inner, err := c.options(path+" "+word, o.Options, " "+rest)
		if err != nil {
			return nil, err
		}
		sub := object{"name": o.Name, "type": o.Type, "options": []any{}}
		if len(inner) > 0 {
			sub["options"] = inner
		}
		return []any{sub}, nil
	}
	return nil, fmt.Errorf("%w: %s %s", ErrNoCommand, path, word)
}

// values reads "name:value name:value"; a value goes on until the next name
// that the command knows.
func (c *call) values(path string, known []CommandOption, rest string) ([]any, error) {
	given, order, err := split(known, rest)
	if err != nil {
		return nil, fmt.Errorf("%w: %s %v", ErrNoCommand, path, err)
	}
	var list []any
	for i, o := range order {
		value, err := c.value(o, given[o.Name])
		if err != nil && c.kind == kindCommand {
			return nil, fmt.Errorf("%w: %s %s: %v", ErrNoCommand, path, o.Name, err)
		}
		option := object{"name": o.Name, "type": o.Type, "value": value}
		if c.kind == kindAutocomplete && i == len(order)-1 {
			if !o.Autocomplete {
				return nil, fmt.Errorf("%w: %s has no choices to offer", ErrNoCommand, o.Name)
			}
			option["focused"] = true
		}
		list = append(list, option)
	}
	for _, o := range known {
		if _, ok := given[o.Name]; !ok && o.Required && c.kind == kindCommand {
			return nil, fmt.Errorf("%w: %s needs %s", ErrNoCommand, path, o.Name)
		}
	}
	return list, nil
}

// split cuts the line at the names that the command knows.
func split(known []CommandOption, rest string) (given map[string]string, order []CommandOption, err error) {
	given = map[string]string{}
	name := ""
	for _, word := range strings.Split(rest, " ") {
		key, value, isOption := strings.Cut(word, ":")
		at := slices.IndexFunc(known, func(o CommandOption) bool { return isOption && o.Name == key })
		switch {
		case at >= 0:
			if _, twice := given[key]; twice {
				return nil, nil, fmt.Errorf("has %s twice", key)
			}
			name = key
			given[name] = value
			order = append(order, known[at])
		case name != "":
			given[name] += " " + word
		case word != "":
			return nil, nil, fmt.Errorf("has no option %q", word)
		}
	}
	for k, v := range given {
		given[k] = strings.TrimSpace(v)
	}
	return given, order, nil
}

// value turns what was typed into what the option's type wants.
func (c *call) value(o CommandOption, s string) (any, error) {
	if len(o.Choices) > 0 {
		for _, choice := range o.Choices {
			if s == choice.Name || s == fmt.Sprint(choice.Value) {
				return choice.Value, nil
			}
		}
		return nil, fmt.Errorf("%q is not one of its choices", s)
	}
	switch o.Type {
	case optString:
		n := len([]rune(s))
		if n == 0 || o.MinLength != nil && n < *o.MinLength || o.MaxLength != nil && *o.MaxLength > 0 && n > *o.MaxLength {
			return s, fmt.Errorf("%d characters is too short or too long", n)
		}
		return s, nil
	case optInteger:
		n, err := strconv.ParseInt(s, 10, 54)
		if err != nil || !o.holds(float64(n)) {
			return s, fmt.Errorf("%q is not a whole number that fits", s)
		}
		return n, nil
	case optNumber:
		x, err := strconv.ParseFloat(s, 64)
		if err != nil || !o.holds(x) {
			return s, fmt.Errorf("%q is not a number that fits", s)
		}
		return x, nil
	case optBool:
		return boolean(s)
	case optUser:
		return c.user(s)
	}
	return nil, fmt.Errorf("options of type %d can't be typed here", o.Type)
}

func (o CommandOption) holds(x float64) bool {
	return (o.MinValue == nil || x >= *o.MinValue) && (o.MaxValue == nil || x <= *o.MaxValue)
}

func boolean(s string) (any, error) {
	switch strings.ToLower(s) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return s, fmt.Errorf("%q is neither True nor False", s)
}

func (c *call) user(s string) (any, error) {
	name, ok := strings.CutPrefix(s, "@")
	if !ok || name == "" || strings.Contains(name, " ") {
		return s, fmt.Errorf("%q is not a person: write @name", s)
	}
	if name == "bot" {
		c.users[botID] = botUser()
		return botID, nil
	}
	p := c.d.person(name)
	c.users[p.id] = p.user()
	if !p.left {
		c.members[p.id] = p.member()
	}
	return p.id, nil
}
