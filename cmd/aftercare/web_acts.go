package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"aftercare/bot/discordtest"
)

// webAct is something that somebody does on the page. Which fields mean something
// depends on Do.
type webAct struct {
	Do      string            `json:"do"`
	Who     string            `json:"who"`
	InDM    bool              `json:"inDM"`    // of a command
	Line    string            `json:"line"`    // a command
	Words   string            `json:"words"`   // typed
	Message string            `json:"message"` // its id
	Input   string            `json:"input"`   // the custom id of a button or a menu, or the id of a form
	Values  []string          `json:"values"`
	Fields  map[string]string `json:"fields"`
	By      int64             `json:"by"` // milliseconds
	On      bool              `json:"on"`
}

// webActs are the ways in which a person acts, and what they may have got back.
var webActs = map[string]func(who *discordtest.Person, a webAct) (id string, err error){
	"run": func(who *discordtest.Person, a webAct) (string, error) { return who.RunID(a.Line, a.InDM) },
	"type": func(who *discordtest.Person, a webAct) (string, error) {
		if strings.TrimSpace(a.Words) == "" {
			return "", errors.New("there are no words to send")
		}
		if a.Message != "" {
			return who.ReplyID(a.Message, a.Words)
		}
		return who.Type(a.Words), nil
	},
	"send": func(who *discordtest.Person, a webAct) (string, error) {
		return who.Send(discordtest.Sent{
			Content: a.Words, Attachment: a.Input == "picture", Sticker: a.Input == "sticker", Voice: a.Input == "voice",
		}), nil
	},
	"edit": func(who *discordtest.Person, a webAct) (string, error) {
		if strings.TrimSpace(a.Words) == "" {
			return "", errors.New("there are no words left; delete the message instead")
		}
		return "", who.EditID(a.Message, a.Words)
	},
	"delete": func(who *discordtest.Person, a webAct) (string, error) { return "", who.DeleteID(a.Message) },
	"press":  func(who *discordtest.Person, a webAct) (string, error) { return who.PressID(a.Message, a.Input) },
	"pick": func(who *discordtest.Person, a webAct) (string, error) {
		return who.PickID(a.Message, a.Input, a.Values...)
	},
	"submit":    func(who *discordtest.Person, a webAct) (string, error) { return "", who.SubmitID(a.Input, a.Fields) },
	"closeForm": func(who *discordtest.Person, a webAct) (string, error) { who.CloseID(a.Input); return "", nil },
	"dms": func(who *discordtest.Person, a webAct) (string, error) {
		if a.On {
			who.OpenDMs()
		} else {
			who.CloseDMs()
		}
		return "", nil
	},
	"server": func(who *discordtest.Person, a webAct) (string, error) {
		if a.On {
			who.JoinServer()
		} else {
			who.LeaveServer()
		}
		return "", nil
	},
}

// do carries out an act.
func (w *webWorld) do(a webAct) (id string, err error) {
	switch a.Do {
	case "pass":
		return "", w.pass(time.Duration(a.By) * time.Millisecond)
	case "toNext":
		return "", w.passToNext()
	case "power":
		return "", w.power(a.On)
	case "reset":
		return "", w.reset()
	}
	act, ok := webActs[a.Do]
	if !ok {
		return "", errors.New("nobody knows how to do this: " + a.Do)
	}
	if !slices.Contains(webPeople, a.Who) {
		return "", errors.New("nobody here has this name")
	}
	id, err = act(w.current.Load().discord.Person(a.Who), a)
	if err != nil { // whose act it was, they know
		err = errors.New(strings.TrimPrefix(err.Error(), a.Who+": "))
	}
	return id, err
}

// read reads a request's JSON, and answers if it is none.
func readJSON[T any](w http.ResponseWriter, r *http.Request) (in T, ok bool) {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(&in)
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = errors.New("something comes after it")
		}
	}
	if err != nil {
		http.Error(w, "this can't be read: "+err.Error(), http.StatusBadRequest)
	}
	return in, err == nil
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // whoever asked has gone
}

// act is where the page does something. What a person may get wrong is no failed
// request: the answer says what it was.
func (p *webPage) act(w http.ResponseWriter, r *http.Request) {
	a, ok := readJSON[webAct](w, r)
	if !ok {
		return
	}
	var out struct {
		ID    string `json:"id,omitempty"`
		Error string `json:"error,omitempty"`
	}
	id, err := p.world.do(a)
	if out.ID = id; err != nil {
		out.Error = err.Error()
	}
	writeJSON(w, out)
}

const suggestWithin = 3 * time.Second // as long as Discord waits

// suggest asks the bot what it offers for the option that is being typed.
func (p *webPage) suggest(w http.ResponseWriter, r *http.Request) {
	a, ok := readJSON[webAct](w, r)
	if !ok {
		return
	}
	out := struct {
		Choices []discordtest.Choice `json:"choices"`
	}{[]discordtest.Choice{}}
	defer func() { writeJSON(w, out) }()
	d := p.world.current.Load()
	if !slices.Contains(webPeople, a.Who) {
		return
	}
	id, err := d.discord.Person(a.Who).Suggest(a.Line, a.InDM)
	if err != nil {
		return // half a command: there is nothing to offer yet
	}
	late := time.NewTimer(suggestWithin)
	defer late.Stop()
	for {
		next := p.world.next()
		choices, answered := d.discord.Suggested(id)
		if answered {
			out.Choices = append(out.Choices, choices...)
			return
		}
		select {
		case <-next:
		case <-late.C:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// file sends what came with a message, to those who see the message.
func (p *webPage) file(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	n, err := strconv.Atoi(q.Get("n"))
	who := q.Get("who")
	if err != nil || !slices.Contains(webPeople, who) {
		http.NotFound(w, r)
		return
	}
	v := p.world.current.Load().discord.Person(who).View()
	for _, m := range slices.Concat(v.Server, v.DM) {
		if m.ID != q.Get("message") || n < 0 || n >= len(m.Files) {
			continue
		}
		f := m.Files[n]
		kind := "application/octet-stream"
		if path.Ext(f.Name) == ".png" {
			kind = "image/png"
		}
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(f.Data)
		return
	}
	http.NotFound(w, r)
}
