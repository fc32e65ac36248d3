package bot

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"aftercare/store"
)

const dmOf = `"id":"1","channel_id":"2","type":0,"content":"hey",`

func messageOf(t *testing.T, raw string) message {
	t.Helper()
	var m message
	if err := json.Unmarshal([]byte(raw), &m); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return m
}

func TestTyped(t *testing.T) {
	const alex = `"author":{"id":"3","username":"alex"}`
	for name, c := range map[string]struct {
		raw  string
		want bool
	}{
		"a DM":                   {`{` + dmOf + alex + `}`, true},
		"a reply":                {`{"id":"1","channel_id":"2","type":19,"content":"hey",` + alex + `}`, true},
		"no words":               {`{"id":"1","channel_id":"2","type":0,"content":"",` + alex + `}`, true},
		"other flags":            {`{` + dmOf + `"flags":8192,` + alex + `}`, true},
		"the bot's own":          {`{` + dmOf + `"author":{"id":"3","bot":true}}`, false},
		"an ephemeral reply":     {`{` + dmOf + `"flags":64,` + alex + `}`, false},
		"ephemeral among others": {`{` + dmOf + `"flags":8260,` + alex + `}`, false},
		"a webhook's":            {`{` + dmOf + `"webhook_id":"9",` + alex + `}`, false},
		"in a server":            {`{` + dmOf + `"guild_id":"9",` + alex + `}`, false},
		"nobody's":               {`{` + dmOf + `"author":null}`, false},
		"without author":         {`{"id":"1","channel_id":"2"}`, false},
		"an author without id":   {`{` + dmOf + `"author":{}}`, false},
		"without id":             {`{"channel_id":"2",` + alex + `}`, false},
		"without channel":        {`{"id":"1",` + alex + `}`, false},
		"a pin":                  {`{"id":"1","channel_id":"2","type":6,` + alex + `}`, false},
		"a command's trace":      {`{"id":"1","channel_id":"2","type":20,` + alex + `}`, false},
		"an unknown type":        {`{"id":"1","channel_id":"2","type":999,` + alex + `}`, false},
		"nothing":                {`{}`, false},
		"null":                   {`null`, false},
	} {
		if m := messageOf(t, c.raw); m.typed() != c.want {
			t.Errorf("%s: typed is %v", name, !c.want)
		}
	}
}

func TestMore(t *testing.T) {
	for raw, want := range map[string]bool{
		`{}`:                                     false,
		`{"poll":null,"attachments":[]}`:         false,
		`{"embeds":[{"title":"a link"}]}`:        false,
		`{"mentions":[{"id":"3"}]}`:              false,
		`{"attachments":[{"id":"9"}]}`:           true,
		`{"attachments":[{"waveform":"AA=="}]}`:  true,
		`{"sticker_items":[{"id":"9"}]}`:         true,
		`{"message_snapshots":[{"message":{}}]}`: true,
		`{"poll":{"question":{}}}`:               true,
		`{"components":[{"type":99}]}`:           true,
		`{"components":[null]}`:                  true,
	} {
		if m := messageOf(t, raw); m.more() != want {
			t.Errorf("%s: more is %v", raw, !want)
		}
	}
}

func TestRepliesTo(t *testing.T) {
	for raw, want := range map[string]string{
		`{}`:                         "",
		`{"message_reference":null}`: "",
		`{"message_reference":{}}`:   "",
		`{"message_reference":{"message_id":"9"}}`:                           "9",
		`{"message_reference":{"type":0,"message_id":"9"}}`:                  "9",
		`{"message_reference":{"type":1,"message_id":"9"}}`:                  "", // forwarded
		`{"message_reference":{"type":7,"message_id":"9"}}`:                  "",
		`{"referenced_message":null,"message_reference":{"message_id":"9"}}`: "9", // deleted
	} {
		m := messageOf(t, raw)
		if got := m.repliesTo(); got != want {
			t.Errorf("%s replies to %q", raw, got)
		}
	}
}

func TestText(t *testing.T) {
	for raw, want := range map[string]string{
		`{}`: "", `{"content":null}`: "", `{"content":"  \n "}`: "", `{"content":" hey \n"}`: "hey", `{"content":"a\u0000b"}`: "a\x00b",
	} {
		m := messageOf(t, raw)
		if got := m.text().Reveal(); got != want {
			t.Errorf("%s says %q", raw, got)
		}
	}
}

func TestNames(t *testing.T) {
	for raw, want := range map[string]string{
		`{"username":"alex","global_name":"Alex"}`:            "Alex",
		`{"username":"alex","global_name":null}`:              "alex",
		`{"username":"alex","global_name":""}`:                "alex",
		`{"username":"alex","global_name":"  \u200b "}`:       "alex", // shows nothing
		`{"username":"alex","global_name":"\u202eelbisivni"}`: "\u202eelbisivni",
		`{}`: "",
	} {
		var u user
		if err := json.Unmarshal([]byte(raw), &u); err != nil {
			t.Fatal(err)
		}
		if got := u.name(); got != want {
			t.Errorf("%s is called %q", raw, got)
		}
	}
}

func interactionOf(t *testing.T, raw string) interaction {
	t.Helper()
	var i interaction
	if err := json.Unmarshal([]byte(raw), &i); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return i
}

func TestWho(t *testing.T) {
	const alex, sam = `{"id":"3","username":"alex"}`, `{"id":"4","username":"sam"}`
	for name, c := range map[string]struct{ raw, id, channel string }{
		"in a server":             {`{"member":{"user":` + alex + `},"guild_id":"9","channel_id":"2","context":0}`, "3", ""},
		"in the DM":               {`{"user":` + alex + `,"channel_id":"2","context":1}`, "3", "2"},
		"in a group":              {`{"user":` + alex + `,"channel_id":"2","context":2}`, "3", ""},
		"no context":              {`{"user":` + alex + `,"channel_id":"2"}`, "3", ""},
		"a server's bot context":  {`{"user":` + alex + `,"channel_id":"2","context":1,"guild_id":"9"}`, "3", ""},
		"the member is who acts":  {`{"member":{"user":` + sam + `},"user":` + alex + `}`, "4", ""},
		"a member without a user": {`{"member":{},"user":` + alex + `}`, "3", ""},
		"a null member":           {`{"member":null,"user":` + alex + `}`, "3", ""},
		"nobody":                  {`{}`, "", ""},
		"a user without id":       {`{"user":{}}`, "", ""},
		"a bot":                   {`{"user":{"id":"3","bot":true}}`, "", ""},
		"a bot as a member":       {`{"member":{"user":{"id":"3","bot":true}},"user":` + alex + `}`, "", ""},
		"installed by another":    {`{"user":` + alex + `,"authorizing_integration_owners":{"1":"4"}}`, "3", ""},
	} {
		i := interactionOf(t, c.raw)
		who, ok := i.who()
		if ok != (c.id != "") || who.ID.Reveal() != c.id || who.Channel.Reveal() != c.channel {
			t.Errorf("%s: %v, id %q, channel %q", name, ok, who.ID.Reveal(), who.Channel.Reveal())
		}
	}
}

func TestFields(t *testing.T) {
	for name, c := range map[string]struct {
		raw  string
		want map[string]string
	}{
		"none":              {`{}`, nil},
		"null":              {`{"data":{"components":null}}`, nil},
		"a row":             {`{"data":{"components":[{"type":1,"components":[{"type":4,"custom_id":"words","value":"hey"}]}]}}`, map[string]string{"words": "hey"}},
		"a label":           {`{"data":{"components":[{"type":18,"id":1,"component":{"type":4,"custom_id":"words","value":"hey"}}]}}`, map[string]string{"words": "hey"}},
		"two rows":          {`{"data":{"components":[{"type":1,"components":[{"custom_id":"a","value":"1"}]},{"type":1,"components":[{"custom_id":"b"}]}]}}`, map[string]string{"a": "1", "b": ""}},
		"a field of no id":  {`{"data":{"components":[{"type":1,"components":[{"type":4,"value":"hey"}]}]}}`, nil},
		"an unknown one":    {`{"data":{"components":[{"type":99,"components":[{"type":98,"custom_id":"x","value":"y"}]}]}}`, map[string]string{"x": "y"}},
		"text between them": {`{"data":{"components":[{"type":10,"content":"read"},{"type":18,"component":{"custom_id":"a","value":"1"}}]}}`, map[string]string{"a": "1"}},
	} {
		i := interactionOf(t, c.raw)
		if got := i.fields(); !maps.Equal(got, c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestCommandPath(t *testing.T) {
	for raw, c := range map[string]struct {
		path    string
		options []string
	}{
		`{"data":{"name":"care"}}`:                                      {"care", nil},
		`{"data":{"name":"care","options":[{"type":1,"name":"help"}]}}`: {"care/help", nil},
		`{"data":{"name":"scene","options":[{"type":1,"name":"ended","options":[{"type":3,"name":"when","value":"now"}]}]}}`: {"scene/ended", []string{"when"}},
		`{"data":{"name":"a","options":[{"type":2,"name":"b","options":[{"type":1,"name":"c","options":[]}]}]}}`:             {"a/b/c", nil},
		`{"data":{"name":"scene","options":[{"type":3,"name":"when","value":"now"},{"type":4,"name":"n","value":3}]}}`:       {"scene", []string{"when", "n"}},
		`{"data":{}}`: {"", nil},
		`{}`:          {"", nil},
	} {
		i := interactionOf(t, raw)
		path, options := i.command()
		var names []string
		for _, o := range options {
			names = append(names, o.Name)
		}
		if path != c.path || !slices.Equal(names, c.options) {
			t.Errorf("%s: %s with %v", raw, path, names)
		}
	}
}

func TestOptionText(t *testing.T) {
	for raw, want := range map[string]string{
		`"now"`: "now", `""`: "", `17`: "17", `true`: "true", `null`: "", `{"a":1}`: `{"a":1}`, `1e400`: "1e400",
	} {
		o := option{Value: json.RawMessage(raw)}
		if got := o.text(); got != want {
			t.Errorf("%s is %q", raw, got)
		}
	}
	if got := (option{}).text(); got != "" {
		t.Errorf("no value is %q", got)
	}
}

// A custom id of another version, or of none, leads nowhere.
func TestReadCustomID(t *testing.T) {
	for id, want := range map[string]string{
		"1:checkin/open:a":  "checkin/open",
		"1:declined":        "declined",
		"1:":                "",
		"1":                 "",
		"":                  "",
		"0:checkin/open:a":  "",
		"2:checkin/open:a":  "",
		"checkin/open:1":    "",
		"1:checkin/open":    "checkin/open",
		"1:checkin/open:::": "checkin/open",
	} {
		i := interactionOf(t, `{"type":3}`)
		i.Data.CustomID = id
		path, e := read(&i, store.Who{})
		if path != want || e.id(5) != 0 || e.arg(99) != "" {
			t.Errorf("%q leads to %q", id, path)
		}
	}
}

func TestEventIDs(t *testing.T) {
	e := &event{args: []string{"zz", "-1", "not one", "", number(bigID), number(bigID) + "0"}}
	for i, want := range []int64{35*36 + 35, -1, 0, 0, bigID, bigID} {
		if i == 2 {
			want = 0
		}
		if got := e.id(i); got != want {
			t.Errorf("%q is row %d, want %d", e.arg(i), got, want)
		}
	}
}
