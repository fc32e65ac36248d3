package discordtest

import (
	"fmt"
	"slices"
)

// check finds what Discord would refuse in the draft of a message. Paths in
// the refusal begin with at: "" or "data.".
func (d *draft) check(f flaws, at string) {
	if d.Content != nil {
		f.length(at+"content", *d.Content, 0, 2000)
	}
	checkEmbeds(f, at+"embeds", d.Embeds)
	if d.Flags&flagV2 != 0 {
		d.checkV2(f, at)
	} else {
		checkRows(f, at+"components", d.Components)
	}
	checkCustomIDs(f, at+"components", d.Components)
	for i, a := range d.Attachments {
		f.length(fmt.Sprintf("%sattachments.%d.description", at, i), a.Description, 0, 1024)
	}
	if len(d.nonce()) > 25 {
		f.add(at+"nonce", "NONCE_TYPE_TOO_LONG", "Nonce must be 25 characters or fewer.")
	}
	if a := d.AllowedMentions; a != nil {
		if slices.Contains(a.Parse, "users") && len(a.Users) > 0 {
			f.add(at+"allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", `parse:["users"] and users: [ids...] are mutually exclusive.`)
		}
		for i, kind := range a.Parse {
			if !slices.Contains([]string{"users", "roles", "everyone"}, kind) {
				f.add(fmt.Sprintf("%sallowed_mentions.parse.%d", at, i), "BASE_TYPE_CHOICES", "Value must be one of ('users', 'roles', 'everyone').")
			}
		}
	}
}

// empty reports whether m, with the draft applied, shows nothing at all.
func (m *message) empty() bool {
	return m.Content == "" && len(m.Embeds) == 0 && len(m.Components) == 0 && len(m.Files) == 0
}

func (d *draft) checkV2(f flaws, at string) {
	if d.Content != nil && *d.Content != "" || len(d.Embeds) > 0 {
		f.add(at+"content", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", "The 'content' and 'embeds' fields cannot be used when using MessageFlags.IS_COMPONENTS_V2")
	}
	n, runes := 0, 0
	walk(d.Components, func(c Component) { n++; runes += len([]rune(c.Content)) })
	f.count(at+"components", n, 0, 40)
	if runes > 4000 {
		f.add(at+"components", "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", "The total text may have at most 4000 characters.")
	}
	for i, c := range d.Components {
		if c.Type == typeRow {
			checkRow(f, fmt.Sprintf("%scomponents.%d", at, i), c)
		}
	}
}

func checkRows(f flaws, at string, rows []Component) {
	f.count(at, len(rows), 0, 5)
	for i, row := range rows {
		path := fmt.Sprintf("%s.%d", at, i)
		if row.Type != typeRow {
			f.add(path+".type", "UNION_TYPE_CHOICES", "Value of field \"type\" must be one of (1,).")
			continue
		}
		checkRow(f, path, row)
	}
}

func checkRow(f flaws, at string, row Component) {
	f.count(at+".components", len(row.Components), 1, 5)
	for i, c := range row.Components {
		path := fmt.Sprintf("%s.components.%d", at, i)
		switch c.Type {
		case typeButton:
			checkButton(f, path, c)
		case typeSelect, 5, 6, 7, 8:
			if len(row.Components) > 1 {
				f.add(at+".components", "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The specified component exceeds the maximum width")
			}
			checkSelect(f, path, c)
		default:
			f.add(path+".type", "UNION_TYPE_CHOICES", "Value of field \"type\" must be one of (2, 3, 5, 6, 7, 8).")
		}
	}
}

func checkButton(f flaws, at string, c Component) {
	f.length(at+".label", c.Label, 0, 80)
	if c.Label == "" && c.Emoji == nil {
		f.add(at+".label", "BUTTON_COMPONENT_LABEL_REQUIRED", "A button must have a label or an emoji.")
	}
	if c.Style < 1 || c.Style > 6 {
		f.add(at+".style", "BASE_TYPE_CHOICES", "Value must be one of (1, 2, 3, 4, 5, 6).")
	}
	if c.Style == 5 {
		f.length(at+".url", c.URL, 1, 512)
		if c.CustomID != "" {
			f.add(at+".custom_id", "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", "A custom id and url cannot both be specified")
		}
	} else if c.Style != 6 {
		f.length(at+".custom_id", c.CustomID, 1, 100)
	}
}

func checkSelect(f flaws, at string, c Component) {
	f.length(at+".custom_id", c.CustomID, 1, 100)
	f.length(at+".placeholder", c.Placeholder, 0, 150)
	if c.MinValues != nil {
		f.count(at+".min_values", *c.MinValues, 0, 25)
	}
	if c.MaxValues != nil {
		f.count(at+".max_values", *c.MaxValues, 1, 25)
	}
	if c.Type != typeSelect {
		return
	}
	f.count(at+".options", len(c.Options), 1, 25)
	if c.MaxValues != nil && *c.MaxValues > len(c.Options) {
		f.add(at+".options", "SELECT_COMPONENT_MAX_VALUES", "There are fewer options than max_values.")
	}
	values := map[string]bool{}
	for i, o := range c.Options {
		path := fmt.Sprintf("%s.options.%d", at, i)
		f.length(path+".label", o.Label, 1, 100)
		f.length(path+".value", o.Value, 1, 100)
		f.length(path+".description", o.Description, 0, 100)
		if values[o.Value] {
			f.add(path+".value", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "The specified option value is already used")
		}
		values[o.Value] = true
	}
}

// checkCustomIDs finds an id that two components share.
func checkCustomIDs(f flaws, at string, cs []Component) {
	seen := map[string]bool{}
	walk(cs, func(c Component) {
		if c.CustomID != "" && seen[c.CustomID] {
			f.add(at, "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated: %s", c.CustomID)
		}
		seen[c.CustomID] = true
	})
}

func checkEmbeds(f flaws, at string, embeds []Embed) {
	f.count(at, len(embeds), 0, 10)
	total := 0
	for i, e := range embeds {
		path := fmt.Sprintf("%s.%d.", at, i)
		f.length(path+"title", e.Title, 0, 256)
		f.length(path+"description", e.Description, 0, 4096)
		f.length(path+"footer.text", e.Footer.Text, 0, 2048)
		f.length(path+"author.name", e.Author.Name, 0, 256)
		f.count(path+"fields", len(e.Fields), 0, 25)
		parts := e.Title + e.Description + e.Footer.Text + e.Author.Name
		for j, field := range e.Fields {
			f.length(fmt.Sprintf("%sfields.%d.name", path, j), field.Name, 1, 256)
			f.length(fmt.Sprintf("%sfields.%d.value", path, j), field.Value, 1, 1024)
			parts += field.Name + field.Value
		}
		total += len([]rune(parts))
	}
	if total > 6000 {
		f.add(at, "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000")
	}
}

// modal is the form that a callback of type 9 opens.
type modal struct {
	CustomID   string      `json:"custom_id"`
	Title      string      `json:"title"`
	Components []Component `json:"components"`
}

func (m *modal) check(f flaws) {
	f.length("data.title", m.Title, 1, 45)
	f.length("data.custom_id", m.CustomID, 1, 100)
	f.count("data.components", len(m.Components), 1, 5)
	checkCustomIDs(f, "data.components", m.Components)
	for i, c := range m.Components {
		at := fmt.Sprintf("data.components.%d", i)
		switch c.Type {
		case typeRow:
			f.count(at+".components", len(c.Components), 1, 1)
			for _, in := range c.Components {
				f.length(at+".components.0.label", in.Label, 1, 45)
				checkInput(f, at+".components.0", in)
			}
		case typeLabel:
			f.length(at+".label", c.Label, 1, 45)
			f.length(at+".description", c.Description, 0, 100)
			if c.Component == nil {
				f.add(at+".component", "BASE_TYPE_REQUIRED", "This field is required")
			} else if c.Component.Type == typeTextInput {
				f.length(at+".component.label", c.Component.Label, 0, 0)
				checkInput(f, at+".component", *c.Component)
			} else {
				checkSelect(f, at+".component", *c.Component)
			}
		case typeText:
		default:
			f.add(at+".type", "UNION_TYPE_CHOICES", "Value of field \"type\" must be one of (1, 10, 18).")
		}
	}
}

func checkInput(f flaws, at string, c Component) {
	if c.Type != typeTextInput {
		f.add(at+".type", "UNION_TYPE_CHOICES", "Value of field \"type\" must be one of (4,).")
		return
	}
	f.length(at+".custom_id", c.CustomID, 1, 100)
	f.length(at+".placeholder", c.Placeholder, 0, 100)
	f.length(at+".value", c.Value, 0, 4000)
	if c.Style != 1 && c.Style != 2 {
		f.add(at+".style", "BASE_TYPE_CHOICES", "Value must be one of (1, 2).")
	}
	if c.MinLength != nil {
		f.count(at+".min_length", *c.MinLength, 0, 4000)
	}
	if c.MaxLength != nil {
		f.count(at+".max_length", *c.MaxLength, 1, 4000)
	}
	if c.MaxLength != nil && len([]rune(c.Value)) > *c.MaxLength {
		f.length(at+".value", c.Value, 0, *c.MaxLength)
	}
}
