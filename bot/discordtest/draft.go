package discordtest

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"regexp"
	"slices"
	"strings"
)

// draft is the body of a message on its way in. An absent field leaves what an
// edited message has; null empties it.
type draft struct {
	Content         *string         `json:"content"`
	Embeds          []Embed         `json:"embeds"`
	Components      []Component     `json:"components"`
	Flags           int             `json:"flags"`
	AllowedMentions *mentions       `json:"allowed_mentions"`
	Nonce           json.RawMessage `json:"nonce"`
	EnforceNonce    bool            `json:"enforce_nonce"`
	Reference       *reference      `json:"message_reference"`
	StickerIDs      []string        `json:"sticker_ids"`
	Poll            json.RawMessage `json:"poll"`
	Attachments     []attached      `json:"attachments"`

	raw   map[string]json.RawMessage
	files []File
}

// attached is what a body says of a file: of one that comes with it, by its
// number, or of one that the message has, by its id.
type attached struct {
	ID          json.RawMessage `json:"id"`
	Filename    string          `json:"filename"`
	Description string          `json:"description"`
}

func (a attached) id() string { return strings.Trim(string(a.ID), `"`) }

type reference struct {
	MessageID       string `json:"message_id"`
	FailIfNotExists *bool  `json:"fail_if_not_exists"`
}

// mentions is what a message's author allows it to ping.
type mentions struct {
	Parse []string `json:"parse"`
	Users []string `json:"users"`
	Roles []string `json:"roles"`
}

// draftOf reads a message; what has the wrong type is a flaw like any other.
func draftOf(body []byte, files []File) (*draft, flaws) {
	d, f := &draft{files: files}, flaws{}
	if len(body) == 0 {
		body = []byte("{}")
	}
	if err := json.Unmarshal(body, &d.raw); err != nil {
		f.add("content", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
		return d, f
	}
	if err := json.Unmarshal(body, d); err != nil {
		path := "content"
		if e, ok := err.(*json.UnmarshalTypeError); ok && e.Field != "" {
			path = e.Field
		}
		f.add(path, "BASE_TYPE_CONVERT", "Could not interpret the value: %v", err)
	}
	return d, f
}

// nonce returns the nonce, which may be a string or a number; "" for none.
func (d *draft) nonce() string {
	if s := strings.Trim(string(d.Nonce), `"`); s != "null" {
		return s
	}
	return ""
}

func (d *draft) has(field string) bool { _, ok := d.raw[field]; return ok }

// apply writes the draft into m. Pings follow the text that it leaves.
func (d *draft) apply(m *message, plain bool, name func(id string) string) {
	if m.wire == nil {
		m.wire = object{}
	}
	if d.has("content") {
		m.Content = ""
		if d.Content != nil {
			m.Content = *d.Content
		}
	}
	if d.has("embeds") {
		m.Embeds = d.Embeds
		m.wire["embeds"] = numbered(d.raw["embeds"])
	}
	if d.has("components") {
		m.wire["components"] = numbered(d.raw["components"])
		m.Components = nil
		if b, err := json.Marshal(m.wire["components"]); err == nil {
			_ = json.Unmarshal(b, &m.Components) // it was read from the same JSON before
		}
	}
	if len(d.files) > 0 || d.has("attachments") {
		d.attach(m)
	}
	if d.Flags&flagV2 != 0 {
		m.Flags |= flagV2
	}
	m.Pings = d.AllowedMentions.pings(m.text(), plain, name)
}

// attach gives m the files that came, after those that it keeps: all of them, or
// those that the body names.
func (d *draft) attach(m *message) {
	var files []File
	for _, f := range m.Files {
		named := slices.ContainsFunc(d.Attachments, func(a attached) bool { return a.id() == f.id })
		if named || !d.has("attachments") {
			files = append(files, f)
		}
	}
	for _, f := range d.files {
		if i := slices.IndexFunc(d.Attachments, func(a attached) bool { return a.id() == f.id }); i >= 0 {
			f.Description = d.Attachments[i].Description
			if d.Attachments[i].Filename != "" {
				f.Name = d.Attachments[i].Filename
			}
		}
		m.uploads++
		f.id = fmt.Sprintf("%d%03d", int64(1)<<50, m.uploads) // from now on; like every id, no small number
		files = append(files, f)
	}
	m.Files = files
}

// text is what Discord looks for mentions in.
func (m *message) text() string {
	text := m.Content
	walk(m.Components, func(c Component) {
		if c.Type == typeText {
			text += "\n" + c.Content
		}
	})
	return text
}

var (
	mention  = regexp.MustCompile(`<@!?(\d+)>|<@&(\d+)>|@everyone|@here`)
	codeSpan = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
)

// pings returns whom text notifies. Without allowed_mentions a plain message
// pings everybody it names, an answer to an interaction only users.
func (a *mentions) pings(text string, plain bool, name func(id string) string) []string {
	var found []string
	for _, m := range mention.FindAllStringSubmatch(codeSpan.ReplaceAllString(text, ""), -1) {
		ping := m[0]
		switch {
		case m[1] != "" && a.allows("users", m[1], true):
			ping = "@" + name(m[1])
		case m[2] != "" && a.allows("roles", m[2], plain):
			ping = "@role"
		case m[1] == "" && m[2] == "" && a.allows("everyone", "", plain):
		default:
			continue
		}
		if !slices.Contains(found, ping) {
			found = append(found, ping)
		}
	}
	return found
}

func (a *mentions) allows(kind, id string, unsaid bool) bool {
	if a == nil {
		return unsaid
	}
	listed := map[string][]string{"users": a.Users, "roles": a.Roles}[kind]
	return slices.Contains(a.Parse, kind) || slices.Contains(listed, id)
}

// known are the fields of each kind of body. The real Discord ignores others;
// here they are kept for Errors, since they are mistakes. discordgo itself
// sends ID and Channel with an edit.
var known = map[string]string{
	"message":  "content nonce tts embeds allowed_mentions message_reference components sticker_ids attachments flags enforce_nonce poll",
	"edit":     "content embeds flags allowed_mentions components attachments sticker_ids ID Channel",
	"callback": "tts content embeds allowed_mentions flags components attachments poll custom_id title choices",
	"webhook":  "content username avatar_url tts embeds allowed_mentions components attachments flags thread_name applied_tags poll",
}

// typos keeps the fields that no such body has.
func (d *Discord) typos(r *request, kind string, raw map[string]json.RawMessage) {
	for field := range raw {
		if !slices.Contains(strings.Fields(known[kind]), field) {
			d.wrong("%s %s: a %s has no field %q", r.Method, r.URL.Path, kind, field)
		}
	}
}

// unpack returns the JSON of a request and the files beside it.
func unpack(contentType string, raw []byte) (body []byte, files []File, err error) {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != "multipart/form-data" {
		return raw, nil, nil
	}
	form := multipart.NewReader(strings.NewReader(string(raw)), params["boundary"])
	for {
		part, err := form.NextPart()
		if err == io.EOF {
			return body, files, nil
		}
		if err != nil {
			return nil, nil, fmt.Errorf("multipart: %w", err)
		}
		b, err := io.ReadAll(part)
		if err != nil {
			return nil, nil, fmt.Errorf("multipart: %w", err)
		}
		if part.FormName() == "payload_json" {
			body = b
		} else {
			number := strings.TrimSuffix(strings.TrimPrefix(part.FormName(), "files["), "]")
			files = append(files, File{Name: part.FileName(), Data: b, id: number})
		}
	}
}
