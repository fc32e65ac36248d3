package discordtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// View is what one person has before them: what a client of Discord's draws. It is
// a copy; nothing in it changes any more.
type View struct {
	ID, Name  string
	DMsClosed bool
	Left      bool // the server
	Server    []Seen
	DM        []Seen
	Form      *OpenForm // nil: none is open
}

// Seen is a message in a View, with what a client draws around it.
type Seen struct {
	Message
	Created, Edited time.Time // Edited is zero where it never was
	Only            bool      // nobody else sees it
	By, Command     string    // who ran which command that it answers; "" where it answers none
	ReplyTo         string    // the id of the message it replies to
	Waiting         bool      // the bot has promised an answer here
	Failed          bool      // no message: Discord's own note that the bot did not respond
	Sticker         bool
	Forward         bool
}

// OpenForm is the form that is before a person. ID is the interaction that opened it.
type OpenForm struct {
	ID, Title string
	Fields    []FormField
}

// FormField is one thing to fill in.
type FormField struct {
	Component
	Label string
}

// failure is Discord's note to a person that the bot did not respond.
type failure struct {
	id      string
	at      time.Time
	channel *channel
	command string
}

const mostFailures = 20 // that are shown to a person; older ones go

// View returns what p has before them now.
func (p *Person) View() View {
	p.d.mu.Lock()
	defer p.d.mu.Unlock()
	v := View{ID: p.id, Name: p.name, DMsClosed: p.closed, Left: p.left, Server: p.d.view(p, p.d.server), DM: p.d.view(p, p.dm)}
	if p.form != nil {
		v.Form = &OpenForm{ID: p.form.via.id, Title: p.form.Title}
		for _, in := range p.form.inputs() {
			v.Form.Fields = append(v.Form.Fields, FormField{in.Component, in.label})
		}
	}
	return v
}

// view returns what p sees in c, oldest first; the lock is held.
func (d *Discord) view(p *Person, c *channel) (all []Seen) {
	for _, m := range d.messages {
		promised := m.loading && !m.gone && m.viewer() == p
		if m.channel == c && (m.seenBy(p) || promised) {
			all = append(all, m.seen())
		}
	}
	for _, f := range p.failures {
		if f.channel == c {
			note := Seen{Created: f.at, Failed: true, Only: true, Command: f.command}
			note.ID = f.id
			all = append(all, note)
		}
	}
	slices.SortStableFunc(all, func(a, b Seen) int {
		switch {
		case later(b.ID, a.ID):
			return -1
		case later(a.ID, b.ID):
			return 1
		}
		return 0
	})
	return all
}

func (m *message) seen() Seen {
	s := Seen{
		Message: m.Message, Created: m.created, Edited: m.edited, Only: m.only != nil, Waiting: m.loading,
		Forward: m.Flags&flagSnapshot != 0, Sticker: m.wire["sticker_items"] != nil,
	}
	s.Files = slices.Clone(m.Files)
	if m.via != nil && m.via.command != "" {
		s.By, s.Command = m.via.person.name, m.via.command
	}
	if m.reply != nil {
		s.ReplyTo = m.reply.ID
	}
	return s
}

// on finds a message that p sees, by its id.
func (p *Person) on(id string) (*message, error) {
	m := p.d.find(func(m *message) bool { return m.ID == id && m.seenBy(p) })
	if m == nil {
		return nil, errors.New("this message is no longer there")
	}
	return m, nil
}

// control finds what of m has this custom id and pleases.
func (m *message) control(id string, pleases func(Component) bool) (found Component, err error) {
	err = errors.New("this is no longer on the message")
	walk(m.Components, func(c Component) {
		if c.CustomID == id && pleases(c) {
			found, err = c, nil
		}
	})
	return found, err
}

// PressID presses the button with this custom id on that message, and returns the
// id of the interaction: a form that it opens has the same.
func (p *Person) PressID(message, button string) (id string, err error) {
	err = p.act(func() error {
		m, err := p.on(message)
		if err != nil {
			return err
		}
		c, err := m.control(button, Component.pressable)
		if err != nil {
			return err
		}
		id = p.d.interact(p, m.channel, kindComponent, m, object{"custom_id": c.CustomID, "component_type": typeButton, "id": c.ID}).id
		return nil
	})
	return id, err
}

// PickID chooses values in the select with this custom id on that message.
func (p *Person) PickID(message, menu string, values ...string) (id string, err error) {
	err = p.act(func() error {
		m, err := p.on(message)
		if err != nil {
			return err
		}
		c, err := m.control(menu, func(c Component) bool { return c.Type == typeSelect && !c.Disabled })
		if err != nil {
			return err
		}
		for _, v := range values {
			if !slices.ContainsFunc(c.Options, func(o Option) bool { return o.Value == v }) {
				return errors.New("this option is no longer in the menu")
			}
		}
		if err := c.enough(len(values)); err != nil {
			return err
		}
		id = p.d.interact(p, m.channel, kindComponent, m, object{"custom_id": c.CustomID, "component_type": typeSelect, "values": values, "id": c.ID}).id
		return nil
	})
	return id, err
}

// ErrNotTaken is what a person finds when they send a form while nobody hears it.
// The form stays open, with what they wrote.
var ErrNotTaken = errors.New("something went wrong; try again")

// SubmitID sends the form that has this id, as View shows it. Fields go by their
// custom ids; what is not given stays as it was filled in before.
func (p *Person) SubmitID(id string, fields map[string]string) error {
	return p.act(func() error {
		form := p.form
		if form == nil || form.via.id != id {
			return errors.New("this form is no longer open")
		}
		values := object{}
		for _, in := range form.inputs() {
			given, ok := fields[in.CustomID]
			v, err := in.fill(given, ok)
			if err != nil {
				return fmt.Errorf("%s: %w", in.label, err)
			}
			values[in.CustomID] = v
		}
		p.form = nil
		data := object{"custom_id": form.CustomID, "components": form.submitted(values), "resolved": object{}}
		if p.d.interact(p, form.via.channel, kindModal, form.via.source, data).dead {
			p.form = form
			return ErrNotTaken
		}
		return nil
	})
}

// CloseID closes the form that has this id, if it is still open.
func (p *Person) CloseID(id string) {
	p.d.do(func() {
		if p.form != nil && p.form.via.id == id {
			p.form = nil
		}
	})
}

// ReplyID writes in reply to that message in their DM.
func (p *Person) ReplyID(message, content string) (id string, err error) {
	err = p.act(func() error {
		m, err := p.on(message)
		if err != nil {
			return err
		}
		if m.channel != p.dm {
			return errors.New("only messages in the DM can be replied to here")
		}
		id = p.send(Sent{Content: content}, m)
		return nil
	})
	return id, err
}

// EditID changes one of their own messages.
func (p *Person) EditID(message, content string) error {
	return p.act(func() error {
		m, err := p.ownID(message)
		if err != nil {
			return err
		}
		m.Content, m.edited = content, p.d.now()
		p.d.emit("MESSAGE_UPDATE", m, m.event())
		return nil
	})
}

// DeleteID deletes one of their own messages.
func (p *Person) DeleteID(message string) error {
	return p.act(func() error {
		m, err := p.ownID(message)
		if err != nil {
			return err
		}
		p.d.remove(m)
		return nil
	})
}

func (p *Person) ownID(id string) (*message, error) {
	m, err := p.on(id)
	if err == nil && m.author != p {
		err = errors.New("this is somebody else's message")
	}
	return m, err
}

// RunID is Run or RunInDM, and returns the id of the interaction: a form that it
// opens has the same.
func (p *Person) RunID(line string, inDM bool) (id string, err error) {
	if !inDM && p.View().Left {
		return "", fmt.Errorf("%s: not in the server", p.name)
	}
	return p.runID(line, inDM, kindCommand)
}

// Suggest asks for choices for the last option on a command line, as the client
// does while it is typed. Suggested tells what came.
func (p *Person) Suggest(line string, inDM bool) (id string, err error) {
	return p.runID(line, inDM, kindAutocomplete)
}

func (p *Person) runID(line string, inDM bool, kind int) (id string, err error) {
	err = p.act(func() error {
		where := p.d.server
		if inDM {
			where = p.dm
		}
		v, err := p.run(where, line, kind)
		if err == nil {
			id = v.id
		}
		return err
	})
	return id, err
}

// Suggested returns what the bot offered when it was asked by Suggest, once it has
// answered. With nobody there to answer, it has, with nothing.
func (d *Discord) Suggested(id string) (choices []Choice, answered bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v := d.interactions[id]
	if v == nil || v.dead {
		return nil, true
	}
	return slices.Clone(v.offered), v.answered
}

// commandOf returns the path of a command as a person writes it, such as
// "/scene ended"; "" of what is no command.
func commandOf(kind int, data object) string {
	if kind != kindCommand {
		return ""
	}
	path := "/" + fmt.Sprint(data["name"])
	for options, _ := data["options"].([]any); len(options) == 1; {
		o, _ := options[0].(object)
		if o["type"] != optSubcommand && o["type"] != optGroup {
			break
		}
		path += " " + fmt.Sprint(o["name"])
		options, _ = o["options"].([]any)
	}
	return path
}

// RawCommands returns what is registered now as Discord tells it to its clients.
func (d *Discord) RawCommands() json.RawMessage {
	d.mu.Lock()
	defer d.mu.Unlock()
	b, err := json.Marshal(d.rawCommands)
	if err != nil || d.rawCommands == nil {
		return json.RawMessage("[]")
	}
	return b
}
