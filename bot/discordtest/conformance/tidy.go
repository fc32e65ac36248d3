package conformance

import (
	"encoding/json"
	"strings"
)

// Paths whose bodies need a closer look, as the document writes them.
const (
	commandsPath = "/applications/{application_id}/commands"
	callbackPath = "/interactions/{interaction_id}/{interaction_token}/callback"
)

type object = map[string]any

// tidy takes out of a body what Discord accepts although its document does
// not say so: nulls for absent fields, and the fields that discordgo sends
// with every request of a kind, as long as they are empty.
func tidy(path string, v any) any {
	v = withoutNulls(v)
	switch o, _ := v.(object); {
	case strings.HasPrefix(path, commandsPath):
		each(v, tidyCommand)
	case path == callbackPath && o != nil:
		if data, ok := o["data"].(object); ok {
			tidyAnswer(data, number(o["type"]))
		}
	case o != nil:
		delete(o, "ID") // discordgo.MessageEdit has no name for these two
		delete(o, "Channel")
	}
	return v
}

// each calls f for v, or for its elements if it is a list.
func each(v any, f func(object)) {
	switch v := v.(type) {
	case object:
		f(v)
	case []any:
		for _, one := range v {
			each(one, f)
		}
	}
}

func tidyCommand(c object) {
	if _, ok := c["nsfw"].(bool); ok {
		delete(c, "nsfw") // documented in prose, missing from the document
	}
	if bits, ok := c["default_member_permissions"].(string); ok {
		c["default_member_permissions"] = json.Number(bits) // prose says a string
	}
	each(c["options"], tidyOption)
}

func tidyOption(o object) {
	if o["autocomplete"] == false {
		delete(o, "autocomplete")
	}
	each(o["options"], tidyOption)
}

// tidyAnswer drops from an answer's data what belongs to another kind of
// answer and is empty.
func tidyAnswer(data object, kind int) {
	if data["tts"] == false {
		delete(data, "tts")
	}
	if (kind == 8 || kind == 9) && data["content"] == "" {
		delete(data, "content")
	}
}

func withoutNulls(v any) any {
	switch v := v.(type) {
	case object:
		for key, inner := range v {
			if inner == nil {
				delete(v, key)
			} else {
				v[key] = withoutNulls(inner)
			}
		}
	case []any:
		for i, inner := range v {
			v[i] = withoutNulls(inner)
		}
	}
	return v
}

func number(v any) int {
	n, _ := v.(json.Number)
	i, _ := n.Int64()
	return int(i)
}

func text(v any) string { s, _ := v.(string); return s }

func list(v any) []any { l, _ := v.([]any); return l }
