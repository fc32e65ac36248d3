package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"aftercare/bot/discordtest"
)

// webState is all that the page shows of people's clients, whole each time: a page
// that has missed something has missed nothing.
type webState struct {
	Epoch     int64           `json:"epoch"` // another one: begun anew
	Online    bool            `json:"online"`
	Commands  json.RawMessage `json:"commands"`
	People    []webPerson     `json:"people"`
	Scheduled []scheduled     `json:"scheduled"`
	Next      int64           `json:"next,omitempty"` // where "to the next check-in" leads; milliseconds
	Checkin   bool            `json:"checkin"`        // it is a check-in
}

type webPerson struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	DMsClosed bool         `json:"dmsClosed"`
	Left      bool         `json:"left"`
	Server    []webMessage `json:"server"`
	DM        []webMessage `json:"dm"`
	Form      *webForm     `json:"form,omitempty"`
}

type webMessage struct {
	ID      string       `json:"id"`
	At      int64        `json:"at"`
	Edited  bool         `json:"edited,omitempty"`
	Own     bool         `json:"own,omitempty"` // typed by the person; all else is the bot's
	Only    bool         `json:"only,omitempty"`
	By      string       `json:"by,omitempty"`
	Command string       `json:"command,omitempty"`
	ReplyTo string       `json:"replyTo,omitempty"`
	Waiting bool         `json:"waiting,omitempty"`
	Failed  bool         `json:"failed,omitempty"`
	Note    string       `json:"note,omitempty"` // what it is beside words
	Text    string       `json:"text"`
	Files   []webFile    `json:"files,omitempty"`
	Rows    [][]webInput `json:"rows,omitempty"`
}

type webFile struct {
	Name string `json:"name"`
	Alt  string `json:"alt,omitempty"`
	Size int    `json:"size"`
}

// webInput is a button, a menu, or a field of a form.
type webInput struct {
	ID          string               `json:"id"`
	Kind        string               `json:"kind"` // button, link, menu, line or words
	Label       string               `json:"label"`
	Placeholder string               `json:"placeholder,omitempty"`
	Value       string               `json:"value,omitempty"`
	URL         string               `json:"url,omitempty"`
	Marked      bool                 `json:"marked,omitempty"` // what was chosen
	Disabled    bool                 `json:"disabled,omitempty"`
	Required    bool                 `json:"required,omitempty"`
	Least       int                  `json:"least"`
	Most        int                  `json:"most"`
	Options     []discordtest.Option `json:"options,omitempty"`
}

type webForm struct {
	ID     string     `json:"id"`
	Title  string     `json:"title"`
	Fields []webInput `json:"fields"`
}

// state returns how everything looks now.
func (w *webWorld) state(ctx context.Context) webState {
	d := w.current.Load()
	s := webState{Epoch: w.epoch.Load(), Online: w.online.Load() && d.discord.Connected(), Commands: d.discord.RawCommands(), Scheduled: []scheduled{}}
	for _, name := range webPeople {
		s.People = append(s.People, personShown(d.discord.Person(name).View()))
	}
	if all, err := readSchedule(ctx, d); err == nil { // the file may just be going away
		s.Scheduled = all
	}
	if at, ok := nextCheckin(s.Scheduled, d.now()); ok {
		s.Next = at.UnixMilli()
		for _, one := range s.Scheduled {
			s.Checkin = s.Checkin || one.At == s.Next && one.checkin()
		}
	}
	return s
}

func personShown(v discordtest.View) webPerson {
	p := webPerson{ID: v.ID, Name: v.Name, DMsClosed: v.DMsClosed, Left: v.Left, Server: messagesShown(v.Server, v.Name), DM: messagesShown(v.DM, v.Name)}
	if v.Form == nil {
		return p
	}
	p.Form = &webForm{ID: v.Form.ID, Title: v.Form.Title}
	for _, f := range v.Form.Fields {
		in := inputShown(f.Component)
		in.Label = f.Label
		p.Form.Fields = append(p.Form.Fields, in)
	}
	return p
}

func messagesShown(all []discordtest.Seen, who string) []webMessage {
	out := []webMessage{}
	for _, m := range all {
		shown := webMessage{
			ID: m.ID, At: m.Created.UnixMilli(), Own: m.Author == who, Only: m.Only, By: m.By, Command: m.Command,
			ReplyTo: m.ReplyTo, Waiting: m.Waiting, Failed: m.Failed, Text: m.Content,
		}
		shown.Edited = shown.Own && !m.Edited.IsZero()
		switch {
		case m.Sticker:
			shown.Note = "a sticker"
		case m.Forward:
			shown.Note = "a forwarded message"
		}
		for _, f := range m.Files {
			shown.Files = append(shown.Files, webFile{Name: f.Name, Alt: f.Description, Size: len(f.Data)})
		}
		for _, row := range m.Components {
			var inputs []webInput
			for _, c := range row.Components {
				inputs = append(inputs, inputShown(c))
			}
			shown.Rows = append(shown.Rows, inputs)
		}
		out = append(out, shown)
	}
	return out
}

// Component types and button styles, as Discord numbers them.
const (
	discordButton, discordMenu  = 2, 3
	discordMarked, discordLinks = 1, 5
)

func inputShown(c discordtest.Component) webInput {
	in := webInput{
		ID: c.CustomID, Label: c.Label, Placeholder: c.Placeholder, Value: c.Value, URL: c.URL, Disabled: c.Disabled,
		Required: c.Required == nil || *c.Required, Least: 1, Most: 1, Options: c.Options,
	}
	if c.Emoji != nil && c.Emoji.ID == "" {
		in.Label = c.Emoji.Name + " " + in.Label
	}
	least, most := c.MinValues, c.MaxValues
	switch {
	case c.Type == discordButton && c.Style == discordLinks:
		in.Kind = "link"
	case c.Type == discordButton:
		in.Kind, in.Marked = "button", c.Style == discordMarked
	case c.Type == discordMenu:
		in.Kind = "menu"
	default:
		in.Kind, in.Least, in.Most, least, most = "words", 0, 4000, c.MinLength, c.MaxLength
		if c.Style == 1 {
			in.Kind = "line"
		}
	}
	if least != nil {
		in.Least = *least
	}
	if most != nil && *most > 0 {
		in.Most = *most
	}
	return in
}

// How the stream of states runs: what comes at one moment is told at once, a look
// more is taken when it has been quiet, since the disk changes after the message;
// and a line keeps the connection from looking dead.
const (
	webGather = 20 * time.Millisecond
	webQuiet  = 300 * time.Millisecond
	webBeat   = 15 * time.Second
)

// events tells the page how everything looks, now and after each change.
func (p *webPage) events(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(rw)
	var told []byte
	tell := func() bool {
		now := p.world.current.Load().now().UnixMilli()
		b, err := json.Marshal(p.world.state(r.Context()))
		if err != nil {
			return false
		}
		line := "event: time\ndata: %d\n\n"
		if _, err = fmt.Fprintf(rw, line, now); err == nil && !bytes.Equal(b, told) {
			_, err = fmt.Fprintf(rw, "event: state\ndata: %s\n\n", b)
		}
		told = b
		return err == nil && out.Flush() == nil
	}
	for {
		next := p.world.next()
		if !tell() {
			return
		}
		quiet, beat := time.NewTimer(webQuiet), time.NewTimer(webBeat)
		for looking := true; looking; {
			select {
			case <-r.Context().Done():
				return
			case <-next:
				wait(r.Context(), webGather)
				looking = false
			case <-quiet.C:
				if b, err := json.Marshal(p.world.state(r.Context())); err == nil && !bytes.Equal(b, told) {
					looking = false
				}
			case <-beat.C:
				looking = false
			}
		}
		quiet.Stop()
		beat.Stop()
	}
}
