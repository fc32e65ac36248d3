package conformance

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// prose checks what Discord's documentation says in words only.
func prose(path string, v any) error {
	if strings.HasPrefix(path, commandsPath) {
		var errs []error
		each(v, func(c object) { errs = append(errs, command(c)) })
		return errors.Join(errs...)
	}
	o, _ := v.(object)
	if path != callbackPath {
		return message(o)
	}
	data, _ := o["data"].(object)
	switch number(o["type"]) {
	case 4, 7:
		return message(data)
	case 9:
		return form(data)
	}
	return nil
}

// message: https://discord.com/developers/docs/resources/message and
// /components/reference.
func message(o object) error {
	if n := len([]rune(text(o["content"]))); n > 2000 {
		return fmt.Errorf("content has %d characters, a bot may send 2000", n)
	}
	if number(o["flags"])&(1<<15) != 0 {
		if text(o["content"]) != "" || len(list(o["embeds"])) > 0 {
			return errors.New("content and embeds exclude components v2")
		}
	} else if err := rows(list(o["components"])); err != nil {
		return err
	}
	if n := embedded(list(o["embeds"])); n > 6000 {
		return fmt.Errorf("embeds have %d characters together, 6000 are allowed", n)
	}
	return uniqueIDs(o["components"], map[string]bool{})
}

func rows(components []any) error {
	if len(components) > 5 {
		return fmt.Errorf("%d rows, 5 are allowed", len(components))
	}
	for i, c := range components {
		row, _ := c.(object)
		if number(row["type"]) != 1 {
			return fmt.Errorf("component %d is no action row", i)
		}
		for _, c := range list(row["components"]) {
			in, _ := c.(object)
			if number(in["type"]) != 2 && len(list(row["components"])) > 1 {
				return fmt.Errorf("row %d has a select and something else", i)
			}
			if err := button(in); err != nil {
				return fmt.Errorf("row %d: %w", i, err)
			}
		}
	}
	return nil
}

func button(c object) error {
	if number(c["type"]) != 2 {
		return nil
	}
	id, url := text(c["custom_id"]), text(c["url"])
	switch style := number(c["style"]); {
	case text(c["label"]) == "" && c["emoji"] == nil:
		return errors.New("a button has neither label nor emoji")
	case style == 5 && (url == "" || id != ""):
		return errors.New("a link button needs a url and takes no custom_id")
	case style < 5 && (id == "" || url != ""):
		return errors.New("a button needs a custom_id and takes no url")
	}
	return nil
}

func embedded(embeds []any) (n int) {
	count := func(v any) { n += len([]rune(text(v))) }
	for _, e := range embeds {
		o, _ := e.(object)
		count(o["title"])
		count(o["description"])
		footer, _ := o["footer"].(object)
		count(footer["text"])
		author, _ := o["author"].(object)
		count(author["name"])
		for _, f := range list(o["fields"]) {
			field, _ := f.(object)
			count(field["name"])
			count(field["value"])
		}
	}
	return n
}

// uniqueIDs finds a custom_id used twice, and select options of one value.
func uniqueIDs(v any, seen map[string]bool) error {
	var errs []error
	each(v, func(c object) {
		if id := text(c["custom_id"]); id != "" {
			if seen[id] {
				errs = append(errs, fmt.Errorf("custom_id %q is used twice", id))
			}
			seen[id] = true
		}
		values := map[string]bool{}
		each(c["options"], func(o object) {
			if values[text(o["value"])] {
				errs = append(errs, fmt.Errorf("option value %q is used twice", text(o["value"])))
			}
			values[text(o["value"])] = true
		})
		for _, inner := range []string{"components", "component", "accessory"} {
			errs = append(errs, uniqueIDs(c[inner], seen))
		}
	})
	return errors.Join(errs...)
}

// form: the document tolerates 40 components in a modal, the prose 5, and
// one text input a row.
func form(o object) error {
	if n := len(list(o["components"])); n < 1 || n > 5 {
		return fmt.Errorf("a form has 1 to 5 components, not %d", n)
	}
	for _, c := range list(o["components"]) {
		row, _ := c.(object)
		if number(row["type"]) == 1 && len(list(row["components"])) != 1 {
			return errors.New("a row of a form has one text input")
		}
	}
	return uniqueIDs(o["components"], map[string]bool{})
}

var commandName = regexp.MustCompile(`^[-_'\p{L}\p{N}\p{Devanagari}\p{Thai}]{1,32}$`)

// command: https://discord.com/developers/docs/interactions/application-commands.
func command(c object) error {
	if t := number(c["type"]); t > 1 {
		return nil
	}
	size, err := named(c)
	if err != nil {
		return err
	}
	n, err := options(list(c["options"]), 0)
	if err == nil && size+n > 8000 {
		err = fmt.Errorf("%d characters in all, 8000 are allowed", size+n)
	}
	if err != nil {
		return fmt.Errorf("/%s: %w", text(c["name"]), err)
	}
	return nil
}

func named(o object) (size int, err error) {
	name, description := text(o["name"]), text(o["description"])
	if !commandName.MatchString(name) || name != strings.ToLower(name) {
		return 0, fmt.Errorf("%q is no name for a command or an option", name)
	}
	if n := len([]rune(description)); n < 1 || n > 100 {
		return 0, fmt.Errorf("%s: a description has 1 to 100 characters, not %d", name, n)
	}
	return len([]rune(name + description)), nil
}

func options(all []any, depth int) (size int, err error) {
	seen, optional, subs := map[string]bool{}, false, 0
	for _, v := range all {
		o, _ := v.(object)
		n, err := named(o)
		if err != nil {
			return 0, err
		}
		name, kind := text(o["name"]), number(o["type"])
		inner, err := options(list(o["options"]), depth+1)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		size += n + inner
		if kind <= 2 {
			subs++
		}
		required, _ := o["required"].(bool)
		switch {
		case seen[name]:
			return 0, fmt.Errorf("%s: there are two of that name", name)
		case kind <= 2 && depth > 1, kind == 2 && depth > 0:
			return 0, fmt.Errorf("%s: subcommands are nested too deep", name)
		case kind > 2 && required && optional:
			return 0, fmt.Errorf("%s: required options come first", name)
		case o["autocomplete"] == true && len(list(o["choices"])) > 0:
			return 0, fmt.Errorf("%s: choices and autocomplete exclude each other", name)
		}
		seen[name], optional = true, optional || kind > 2 && !required
		if n, err = choices(list(o["choices"])); err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		size += n
	}
	if subs > 0 && subs < len(all) {
		return 0, errors.New("subcommands and options exclude each other")
	}
	return size, nil
}

func choices(all []any) (size int, err error) {
	seen := map[string]bool{}
	for _, v := range all {
		c, _ := v.(object)
		name, value := text(c["name"]), text(c["value"])
		if seen[name] {
			return 0, fmt.Errorf("there are two choices %q", name)
		}
		if len([]rune(value)) > 100 {
			return 0, fmt.Errorf("the value of choice %q is too long", name)
		}
		seen[name] = true
		size += len([]rune(name + value))
	}
	return size, nil
}
