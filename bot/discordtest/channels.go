package discordtest

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// nonceWindow is how long Discord remembers a nonce: "a few minutes".
const nonceWindow = 5 * time.Minute

// openDM answers the channel with a person, closed DMs or not: the refusal
// comes when something is sent.
func (d *Discord) openDM(r *request) answer {
	var in struct {
		RecipientID string `json:"recipient_id"`
	}
	if json.Unmarshal(r.body, &in) != nil {
		f := flaws{}
		f.add("recipient_id", "NUMBER_TYPE_COERCE", "Value is not snowflake.")
		return f.answer()
	}
	p := d.personByID(in.RecipientID)
	if p == nil {
		return refuse(404, 10013, "Unknown User")
	}
	return answer{200, p.dm.object()}
}

func (d *Discord) getChannel(r *request) answer {
	c := d.channels[r.PathValue("channel")]
	if c == nil {
		return unknownChannel()
	}
	return answer{200, c.object()}
}

// getMessages answers a page of history, newest first; ephemeral messages are
// no part of it.
func (d *Discord) getMessages(r *request) answer {
	c := d.channels[r.PathValue("channel")]
	if c == nil {
		return unknownChannel()
	}
	q := r.URL.Query()
	limit := 50
	if s := q.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > 100 {
			f := flaws{}
			f.add("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")
			return f.answer()
		}
		limit = n
	}
	var page []*message
	for _, m := range d.messages {
		if m.channel == c && m.only == nil && !m.gone && (q.Get("after") == "" || later(m.ID, q.Get("after"))) && (q.Get("before") == "" || later(q.Get("before"), m.ID)) {
			page = append(page, m)
		}
	}
	if q.Get("after") != "" { // the page right after that id, not the newest one
		page = page[:min(limit, len(page))]
	} else {
		page = page[max(0, len(page)-limit):]
	}
	list := []any{}
	for _, m := range slices.Backward(page) {
		list = append(list, m.object())
	}
	return answer{200, list}
}

// later compares two ids as numbers.
func later(a, b string) bool {
	if len(a) != len(b) {
		return len(a) > len(b)
	}
	return a > b
}

// message finds the message in the path; not nil: the refusal.
func (d *Discord) message(r *request) (*message, *answer) {
	c := d.channels[r.PathValue("channel")]
	if c == nil {
		a := unknownChannel()
		return nil, &a
	}
	m := d.find(func(m *message) bool { return m.channel == c && m.only == nil && m.ID == r.PathValue("message") })
	if m == nil {
		a := unknownMessage()
		return nil, &a
	}
	return m, nil
}

func (d *Discord) getMessage(r *request) answer {
	m, no := d.message(r)
	if no != nil {
		return *no
	}
	return answer{200, m.object()}
}

func (d *Discord) postMessage(r *request) answer {
	c := d.channels[r.PathValue("channel")]
	if c == nil {
		return unknownChannel()
	}
	in, f := draftOf(r.body, r.files)
	d.typos(r, "message", in.raw)
	in.check(f, "")
	m := &message{channel: c, nonce: in.nonce()}
	d.refer(m, in, f)
	if len(f) > 0 {
		return f.answer()
	}
	in.apply(m, true, d.nameOf)
	if m.empty() && len(in.StickerIDs) == 0 && in.Poll == nil {
		return refuse(400, 50006, "Cannot send an empty message")
	}
	if no := c.closed(); no != nil {
		return *no
	}
	if twin := d.twin(in); twin != nil && twin.gone {
		return unknownMessage()
	} else if twin != nil {
		return answer{200, twin.object()}
	}
	m.Flags |= in.Flags & (1<<2 | 1<<12)
	d.publish(d.keep(m))
	d.see(c.with, d.transcript(m, ""))
	return answer{200, m.object()}
}

// refer resolves the message that m is to reply to.
func (d *Discord) refer(m *message, in *draft, f flaws) {
	if in.Reference == nil {
		return
	}
	m.reply = d.find(func(o *message) bool { return o.channel == m.channel && o.ID == in.Reference.MessageID })
	if m.reply != nil {
		m.kind = 19
	} else if in.Reference.FailIfNotExists == nil || *in.Reference.FailIfNotExists {
		f.add("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
	}
}

// closed returns the refusal to send into c, if there is one.
func (c *channel) closed() *answer {
	var a answer
	switch {
	case c.with == nil:
		return nil
	case c.with.left:
		a = refuse(403, 50278, "Cannot send messages to this user due to having no mutual guilds")
	case c.with.closed:
		a = refuse(403, 50007, "Cannot send messages to this user")
	default:
		return nil
	}
	return &a
}

// twin is the message that an enforced nonce stands for already, even if it is
// deleted. Discord asks for the same author, not for the same channel.
func (d *Discord) twin(in *draft) *message {
	if !in.EnforceNonce || in.nonce() == "" {
		return nil
	}
	for _, m := range slices.Backward(d.messages) {
		if m.author == nil && m.nonce == in.nonce() && d.now().Sub(m.created) < nonceWindow {
			return m
		}
	}
	return nil
}

func (d *Discord) patchMessage(r *request) answer {
	m, no := d.message(r)
	if no != nil {
		return *no
	}
	if m.author != nil {
		return refuse(403, 50005, "Cannot edit a message authored by another user")
	}
	return d.edit(r, m, "edit")
}

// edit changes one of the bot's messages in place, by whichever route.
func (d *Discord) edit(r *request, m *message, kind string) answer {
	in, f := draftOf(r.body, r.files)
	d.typos(r, kind, in.raw)
	in.check(f, "")
	if len(f) > 0 {
		return f.answer()
	}
	return d.change(m, in, kind == "edit")
}

// change writes a checked draft into m, unless nothing would be left of it.
func (d *Discord) change(m *message, in *draft, plain bool) answer {
	next := *m
	next.wire = object{}
	for k, v := range m.wire {
		next.wire[k] = v
	}
	in.apply(&next, plain, d.nameOf)
	if next.empty() {
		return refuse(400, 50006, "Cannot send an empty message")
	}
	first := m.loading
	next.loading = false
	next.Flags &^= flagLoading
	if !first {
		next.edited = d.now()
	}
	*m = next
	d.emit("MESSAGE_UPDATE", m, m.event())
	if first {
		d.see(m.viewer(), d.transcript(m, ""))
	} else {
		d.see(m.viewer(), d.transcript(m, "in place"))
	}
	return answer{200, m.object()}
}

func (d *Discord) deleteMessage(r *request) answer {
	m, no := d.message(r)
	if no != nil {
		return *no
	}
	if m.author != nil {
		return refuse(403, 50003, "Cannot execute action on a DM channel")
	}
	d.remove(m)
	return answer{status: 204}
}

// remove takes m away; people see that only of what they could see.
func (d *Discord) remove(m *message) {
	m.gone = true
	gone := object{"id": m.ID, "channel_id": m.channel.id}
	if m.channel.with == nil && m.only == nil {
		gone["guild_id"] = serverID
	}
	d.emit("MESSAGE_DELETE", m, gone)
	if !m.loading && m.author == nil {
		d.see(m.viewer(), d.transcript(m, "removed"))
	}
}

// publish tells the gateway of a new message.
func (d *Discord) publish(m *message) { d.emit("MESSAGE_CREATE", m, m.event()) }

// viewer is the one person who sees m; nil if everyone does.
func (m *message) viewer() *Person {
	if m.only != nil {
		return m.only
	}
	return m.channel.with
}

func (d *Discord) nameOf(id string) string {
	if p := d.personByID(id); p != nil {
		return p.name
	}
	if id == botID {
		return "bot"
	}
	return id
}
