package discordtest

// The routes below /webhooks: what the bot says after its first answer.

// answeredBy finds the interaction of the path's token, as long as it lives.
func (d *Discord) answeredBy(r *request) (*interaction, *answer) {
	for _, v := range d.interactions {
		if v.token != r.PathValue("token") || !v.answered || r.PathValue("app") != botID {
			continue
		}
		if d.now().Sub(v.created) > tokenLives {
			a := refuse(401, 50027, "Invalid Webhook Token")
			return nil, &a
		}
		return v, nil
	}
	a := refuse(404, 10015, "Unknown Webhook")
	return nil, &a
}

// replied finds one of an interaction's messages: @original, or a follow-up.
func (d *Discord) replied(r *request) (*message, *answer) {
	v, no := d.answeredBy(r)
	if no != nil {
		return nil, no
	}
	m, id := v.original, r.PathValue("message")
	if id != "" {
		m = d.find(func(m *message) bool { return m.via == v && m.ID == id })
	}
	if m == nil || m.gone {
		a := unknownMessage()
		return nil, &a
	}
	return m, nil
}

func (d *Discord) getReply(r *request) answer {
	m, no := d.replied(r)
	if no != nil {
		return *no
	}
	return answer{200, m.object()}
}

func (d *Discord) patchReply(r *request) answer {
	m, no := d.replied(r)
	if no != nil {
		return *no
	}
	return d.edit(r, m, "webhook")
}

func (d *Discord) deleteReply(r *request) answer {
	m, no := d.replied(r)
	if no != nil {
		return *no
	}
	d.remove(m)
	return answer{status: 204}
}

// postFollowup makes another message, except right after a deferred answer:
// then it fills in the placeholder, whose visibility is decided already.
func (d *Discord) postFollowup(r *request) answer {
	v, no := d.answeredBy(r)
	if no != nil {
		return *no
	}
	if v.original != nil && v.original.loading {
		return d.edit(r, v.original, "webhook")
	}
	in, f := draftOf(r.body, r.files)
	d.typos(r, "webhook", in.raw)
	in.check(f, "")
	if len(f) > 0 {
		return f.answer()
	}
	_, a := d.say(v, in)
	return a
}
