package discordtest

import (
	"encoding/json"
	"strings"
	"time"
)

// How long the bot has for its first answer, and for all the others.
const (
	answerWithin = 3 * time.Second
	tokenLives   = 15 * time.Minute
)

// Kinds of interactions, as Discord numbers them.
const (
	kindCommand      = 2
	kindComponent    = 3
	kindAutocomplete = 4
	kindModal        = 5
)

// interaction is something that a person did and the bot has to answer.
type interaction struct {
	id, token string
	kind      int
	person    *Person
	channel   *channel
	created   time.Time
	source    *message // that carries the component, or from which the form was opened
	original  *message // what @original means, once answered
	command   string   // as its person wrote it: "/scene ended"
	offered   []Choice // what autocomplete was answered with
	answered  bool
	dead      bool // nobody heard it
	timer     *time.Timer
}

func (v *interaction) owners() object {
	if v.channel.with != nil {
		return object{"0": "0"}
	}
	return object{"0": serverID}
}

// interact sends what p did to the bot.
func (d *Discord) interact(p *Person, c *channel, kind int, source *message, data object) *interaction {
	d.forgetInteractions()
	v := &interaction{id: d.snowflake(), kind: kind, person: p, channel: c, created: d.now(), source: source}
	v.command = commandOf(kind, data)
	v.token = "token-" + v.id
	d.interactions[v.id] = v
	if d.emit("INTERACTION_CREATE", nil, v.object(data)) {
		d.expire(v)
		return v
	}
	v.dead = true
	d.failed(v)
	return v
}

// expire tells the person when the 3 s are over, where they pass by
// themselves: on a clock that is pushed, a timer would not notice.
func (d *Discord) expire(v *interaction) {
	if d.opts.Now != nil {
		return
	}
	v.timer = time.AfterFunc(answerWithin, func() {
		d.do(func() {
			if !v.answered {
				v.dead = true
				d.failed(v)
			}
		})
	})
}

func (d *Discord) failed(v *interaction) {
	if v.kind != kindAutocomplete {
		notes := append(v.person.failures, failure{d.snowflake(), d.now(), v.channel, v.command})
		v.person.failures = notes[max(0, len(notes)-mostFailures):]
		d.see(v.person, "Discord, only "+v.person.name+" sees: The application did not respond")
	}
}

func (d *Discord) forgetInteractions() {
	for id, v := range d.interactions {
		if d.now().Sub(v.created) > 4*tokenLives {
			delete(d.interactions, id)
		}
	}
}

// object is the event as it goes to the bot; what it says depends on where.
func (v *interaction) object(data object) object {
	o := object{
		"id": v.id, "application_id": botID, "type": v.kind, "token": v.token, "version": 1, "data": data,
		"channel_id": v.channel.id, "channel": v.channel.object(), "locale": v.person.locale,
		"authorizing_integration_owners": v.owners(), "entitlements": []any{}, "attachment_size_limit": 10 << 20,
	}
	if v.channel.with != nil {
		o["context"], o["user"], o["app_permissions"] = 1, v.person.user(), "180224"
	} else {
		m := v.person.member()
		m["user"] = v.person.user()
		o["context"], o["member"], o["app_permissions"] = 0, m, "2248473465835073"
		o["guild_id"], o["guild_locale"] = serverID, "en-US"
		o["guild"] = object{"id": serverID, "locale": "en-US", "features": []any{}}
	}
	if v.source != nil {
		o["message"] = v.source.object()
	}
	return o
}

// callback is the body of the first answer.
type callback struct {
	Type int             `json:"type"`
	Data json.RawMessage `json:"data"`
}

func (d *Discord) postCallback(r *request) answer {
	v := d.interactions[r.PathValue("interaction")]
	if v == nil || v.token != r.PathValue("token") || v.dead || !v.answered && d.now().Sub(v.created) > answerWithin {
		return refuse(404, 10062, "Unknown interaction")
	}
	if v.answered {
		return refuse(400, 40060, "Interaction has already been acknowledged.")
	}
	var in callback
	if err := json.Unmarshal(r.body, &in); err != nil {
		return refuse(400, 50109, "The request body contains invalid JSON.")
	}
	if string(in.Data) == "null" {
		in.Data = nil
	}
	if !v.may(in.Type) {
		f := flaws{}
		f.add("type", "INTERACTION_CALLBACK_TYPE_INVALID", "Callback type %d does not answer an interaction of type %d.", in.Type, v.kind)
		return f.answer()
	}
	a := d.answerWith(r, v, in)
	if a.status < 300 {
		v.answered = true
		if v.timer != nil {
			v.timer.Stop()
		}
		if r.URL.Query().Get("with_response") == "true" {
			return answer{200, v.response(in.Type)}
		}
	}
	return a
}

// response is what a callback answers when asked for more than 204.
func (v *interaction) response(callback int) object {
	o := object{"interaction": object{"id": v.id, "type": v.kind, "channel_id": v.channel.id}}
	if v.original != nil {
		o["interaction"].(object)["response_message_id"] = v.original.ID
		o["resource"] = object{"type": callback, "message": v.original.object()}
	}
	return o
}

// may reports whether a callback of that type fits the interaction.
func (v *interaction) may(callback int) bool {
	switch callback {
	case 4, 5:
		return v.kind != kindAutocomplete
	case 6, 7:
		return v.kind == kindComponent || v.kind == kindModal && v.source != nil
	case 8:
		return v.kind == kindAutocomplete
	case 9:
		return v.kind == kindCommand || v.kind == kindComponent
	}
	return false
}

func (d *Discord) answerWith(r *request, v *interaction, in callback) answer {
	body, f := draftOf(in.Data, r.files)
	d.typos(r, "callback", body.raw)
	switch in.Type {
	case 5:
		m := &message{loading: true}
		m.Flags = flagLoading
		d.place(v, m, body.Flags)
		v.original = m
		return answer{status: 204}
	case 6:
		v.original = v.source
		return answer{status: 204}
	case 8:
		return d.suggest(v, in.Data)
	case 9:
		return d.openForm(v, in.Data)
	}
	body.check(f, "data.")
	if len(f) > 0 {
		return f.answer()
	}
	if in.Type == 7 {
		v.original = v.source
		if v.source.gone {
			return unknownMessage()
		}
		return done(d.change(v.source, body, false))
	}
	m, a := d.say(v, body)
	v.original = m
	return done(a)
}

// done drops the body of a success: a callback answers 204.
func done(a answer) answer {
	if a.status < 300 {
		return answer{status: 204}
	}
	return a
}

// say makes a new message in answer to v, with the flags of the draft.
func (d *Discord) say(v *interaction, in *draft) (*message, answer) {
	m := &message{}
	in.apply(m, false, d.nameOf)
	if m.empty() && in.Poll == nil {
		return nil, refuse(400, 50006, "Cannot send an empty message")
	}
	d.place(v, m, in.Flags)
	d.see(m.viewer(), d.transcript(m, ""))
	return m, answer{200, m.object()}
}

// place puts an answer where its interaction happened.
func (d *Discord) place(v *interaction, m *message, flags int) {
	m.channel, m.via = v.channel, v
	m.Flags |= flags & (flagEphemeral | flagV2 | 1<<2 | 1<<12)
	if flags&flagEphemeral != 0 {
		m.only = v.person
	}
	if v.kind == kindCommand {
		m.kind = 20
	}
	d.publish(d.keep(m))
}

// suggest shows what autocomplete offers.
func (d *Discord) suggest(v *interaction, data json.RawMessage) answer {
	var in struct {
		Choices []Choice `json:"choices"`
	}
	f := flaws{}
	if err := json.Unmarshal(data, &in); err != nil {
		f.add("data.choices", "BASE_TYPE_CONVERT", "%v", err)
	}
	checkChoices(f, "data.choices", in.Choices)
	if len(f) > 0 {
		return f.answer()
	}
	v.offered = in.Choices
	var names []string
	for _, c := range in.Choices {
		names = append(names, c.Name)
	}
	d.see(v.person, "choices for "+v.person.name+": "+strings.Join(names, " | "))
	return answer{status: 204}
}
