package discordtest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Command is a command as it is registered.
type Command struct {
	ID               string          `json:"id"`
	Type             int             `json:"type"`
	Name             string          `json:"name"`
	Description      string          `json:"description"`
	NSFW             bool            `json:"nsfw"`
	Contexts         []int           `json:"contexts"`
	IntegrationTypes []int           `json:"integration_types"`
	Options          []CommandOption `json:"options"`
}

// CommandOption is a subcommand, a group of them, or an option.
type CommandOption struct {
	Type         int             `json:"type"`
	Name         string          `json:"name"`
	Description  string          `json:"description"`
	Required     bool            `json:"required"`
	Autocomplete bool            `json:"autocomplete"`
	Options      []CommandOption `json:"options"`
	Choices      []Choice        `json:"choices"`
	MinLength    *int            `json:"min_length"`
	MaxLength    *int            `json:"max_length"`
	MinValue     *float64        `json:"min_value"`
	MaxValue     *float64        `json:"max_value"`
}

// Choice is a value that an option may have.
type Choice struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
}

// Option types, as Discord numbers them.
const (
	optSubcommand = 1
	optGroup      = 2
	optString     = 3
	optInteger    = 4
	optBool       = 5
	optUser       = 6
	optNumber     = 10
)

var commandName = regexp.MustCompile(`^[-_'\p{L}\p{N}\p{Devanagari}\p{Thai}]{1,32}$`)

// Commands returns what is registered now.
func (d *Discord) Commands() []Command {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.commands)
}

func (d *Discord) getCommands(r *request) answer {
	if r.PathValue("app") != botID {
		return refuse(404, 10002, "Unknown Application")
	}
	list := []any{}
	for _, c := range d.rawCommands {
		list = append(list, c)
	}
	return answer{200, list}
}

// putCommands replaces all commands. A command of the same name keeps its id.
func (d *Discord) putCommands(r *request) answer {
	if r.PathValue("app") != botID {
		return refuse(404, 10002, "Unknown Application")
	}
	f := flaws{}
	var commands []Command
	var raw []object
	if json.Unmarshal(r.body, &raw) != nil || json.Unmarshal(r.body, &commands) != nil {
		f.add("0", "LIST_TYPE_CONVERT", "Only iterables of commands may be used here")
		return f.answer()
	}
	checkCommands(f, commands)
	if len(f) > 0 {
		return f.answer()
	}
	for i := range commands {
		c := &commands[i]
		c.Type = max(c.Type, 1)
		c.ID = d.commandID(c)
		complete(raw[i], c, d.snowflake())
	}
	d.commands, d.rawCommands = commands, raw
	return d.getCommands(r)
}

func (d *Discord) commandID(c *Command) string {
	for _, old := range d.commands {
		if old.Name == c.Name && old.Type == c.Type {
			return old.ID
		}
	}
	return d.snowflake()
}

// complete adds what the server makes up, and drops what it does not return.
func complete(raw object, c *Command, version string) {
	raw["id"], raw["application_id"], raw["version"], raw["type"] = c.ID, botID, version, c.Type
	raw["nsfw"] = c.NSFW
	delete(raw, "default_permission")
	for field, value := range map[string]any{
		"default_member_permissions": nil, "dm_permission": true, "contexts": nil, "integration_types": []any{0, 1}, "description": "",
	} {
		if raw[field] == nil {
			raw[field] = value
		}
	}
	delete(raw, "name_localizations") // only with with_localizations=true
	delete(raw, "description_localizations")
	tidyOptions(raw)
}

// tidyOptions drops the nulls and falses that Discord leaves out.
func tidyOptions(raw object) {
	options, _ := raw["options"].([]any)
	if len(options) == 0 {
		delete(raw, "options")
	}
	for _, o := range options {
		o, ok := o.(object)
		if !ok {
			continue
		}
		for k, v := range o {
			if v == nil || v == false || k == "name_localizations" || k == "description_localizations" {
				delete(o, k)
			}
		}
		tidyOptions(o)
	}
}

func checkCommands(f flaws, commands []Command) {
	seen := map[string]bool{}
	f.count("0", len(commands), 0, 130)
	for i, c := range commands {
		at := fmt.Sprint(i)
		if seen[fmt.Sprint(c.Type, c.Name)] {
			f.add(at+".name", "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
		}
		seen[fmt.Sprint(c.Type, c.Name)] = true
		if c.Type > 1 {
			f.length(at+".name", c.Name, 1, 32)
			f.length(at+".description", c.Description, 0, 0)
			continue
		}
		checkNamed(f, at, c.Name, c.Description)
		size := checkOptions(f, at+".options", c.Options, 0)
		if size += len([]rune(c.Name + c.Description)); size > 8000 {
			f.add(at, "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (8000)")
		}
		if c.Contexts != nil && len(c.Contexts) == 0 {
			f.add(at+".contexts", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 3 in length.")
		}
	}
}

func checkNamed(f flaws, at, name, description string) {
	if !commandName.MatchString(name) || name != strings.ToLower(name) {
		f.add(at+".name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
	}
	f.length(at+".description", description, 1, 100)
}

// checkOptions returns the characters it counted. Depth 0 is a command's own.
func checkOptions(f flaws, at string, options []CommandOption, depth int) (size int) {
	f.count(at, len(options), 0, 25)
	seen, optional, subs := map[string]bool{}, false, 0
	for i, o := range options {
		path := fmt.Sprintf("%s.%d", at, i)
		checkNamed(f, path, o.Name, o.Description)
		size += len([]rune(o.Name + o.Description))
		if seen[o.Name] {
			f.add(path+".name", "APPLICATION_COMMAND_OPTIONS_NAME_INVALID", "Option names must be unique")
		}
		seen[o.Name] = true
		if o.Type == optSubcommand || o.Type == optGroup {
			subs++
			if depth > 1 || depth == 1 && o.Type == optGroup {
				f.add(path+".type", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Subcommands cannot be nested here")
			}
			size += checkOptions(f, path+".options", o.Options, depthBelow(o.Type))
			continue
		}
		if o.Type < 1 || o.Type > 11 {
			f.add(path+".type", "BASE_TYPE_CHOICES", "Unknown option type")
		}
		if o.Required && optional {
			f.add(path+".required", "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", "Required options must be placed before non-required options")
		}
		optional = optional || !o.Required
		checkChoices(f, path+".choices", o.Choices)
		for _, c := range o.Choices {
			size += len([]rune(c.Name + fmt.Sprint(c.Value)))
		}
		if o.Autocomplete && len(o.Choices) > 0 {
			f.add(path+".choices", "APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID", "Choices and autocomplete exclude each other")
		}
	}
	if subs > 0 && subs < len(options) {
		f.add(at, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Sub-command and sub-command group option types are mutually exclusive to all other types")
	}
	return size
}

func checkChoices(f flaws, at string, choices []Choice) {
	f.count(at, len(choices), 0, 25)
	seen := map[string]bool{}
	for i, c := range choices {
		path := fmt.Sprintf("%s.%d", at, i)
		f.length(path+".name", c.Name, 1, 100)
		if s, ok := c.Value.(string); ok {
			f.length(path+".value", s, 1, 100)
		}
		if seen[c.Name] {
			f.add(path+".name", "APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_DUPLICATE", "Choice names must be unique")
		}
		seen[c.Name] = true
	}
}

// depthBelow is 1 in a group, where only subcommands may stand, and 2 in a
// subcommand, where only options may.
func depthBelow(kind int) int {
	if kind == optGroup {
		return 1
	}
	return 2
}
