package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWebActs(t *testing.T) {
	t.Parallel()
	c := newWebClient(t)
	c.link("alex", "sam")
	c.act(webAct{Do: "run", Who: "alex", Line: "/scene ended"})
	if m, _ := c.sees("alex", "server", "Noted."); !m.Only || m.Command != "/scene ended" || m.By != "alex" {
		t.Errorf("%+v", m)
	}
	s := c.until("a schedule", func(s webState) bool { return s.Checkin && len(s.Scheduled) >= 4 })
	if len(s.person("kit").Server) != 0 || len(s.person("kit").DM) != 0 {
		t.Errorf("kit sees something: %+v", s.person("kit"))
	}
	if at := time.UnixMilli(s.Next); time.Until(at) < 23*time.Hour || time.Until(at) > 25*time.Hour {
		t.Errorf("the next check-in is at %v", at)
	}
	c.act(webAct{Do: "toNext"})
	c.sees("sam", "dm", "Open")

	for _, part := range []struct {
		name string
		try  func(*testing.T, *webClient)
	}{
		{"typed, edited, in reply, deleted", webWords},
		{"a form", webForms},
		{"the bot is away", webAway},
		{"closed DMs, and the server", webDoors},
		{"what can't be carried", webUncarried},
		{"begun anew", webAnew},
	} {
		t.Run(part.name, func(t *testing.T) {
			c.t = t
			part.try(t, c)
		})
	}
}

func webWords(t *testing.T, c *webClient) {
	id := c.act(webAct{Do: "type", Who: "alex", Words: "A good day."})
	c.sees("alex", "dm", "> A good day")
	c.act(webAct{Do: "edit", Who: "alex", Message: id, Words: "A very good day."})
	if m, _ := c.sees("alex", "dm", "> A very good day"); m.Own {
		t.Errorf("%+v", m)
	}
	if own, _ := c.sees("alex", "dm", "A very good day."); own.ID == id && !own.Edited {
		t.Errorf("%+v", own)
	}
	c.press("alex", "dm", "Share my words")
	relay, _ := c.sees("sam", "dm", "Read")
	c.press("sam", "dm", "Read")
	c.sees("sam", "dm", "> A very good day")
	c.act(webAct{Do: "type", Who: "sam", Message: relay.ID, Words: "So glad."})
	if m, _ := c.sees("sam", "dm", "So glad."); m.ReplyTo != relay.ID && !strings.Contains(m.Text, ">") {
		t.Errorf("%+v", m)
	}
	if _, wrong := c.try(webAct{Do: "edit", Who: "sam", Message: id, Words: "x"}); wrong == "" {
		t.Error("edited somebody else's message")
	}
	c.act(webAct{Do: "delete", Who: "alex", Message: id})
	c.until("it is gone from sam's side", func(s webState) bool {
		m, _ := newest(s.person("sam").DM, "very good day")
		return m.ID == ""
	})
}

func webForms(t *testing.T, c *webClient) {
	c.press("sam", "dm", "Open")
	c.press("sam", "dm", "Low")
	c.press("sam", "dm", "A call")
	id := c.press("sam", "dm", "Write something")
	s := c.until("a form", func(s webState) bool { return s.person("sam").Form != nil })
	form := s.person("sam").Form
	if form.ID != id || form.Title == "" || len(form.Fields) != 1 || form.Fields[0].Kind != "words" || form.Fields[0].Label == "" || form.Fields[0].Most != 4000 {
		t.Fatalf("%+v, opened by %s", form, id)
	}
	if _, wrong := c.try(webAct{Do: "submit", Who: "sam", Input: form.ID, Fields: map[string]string{form.Fields[0].ID: strings.Repeat("x", 4001)}}); !strings.Contains(wrong, "too many") {
		t.Errorf("a form that is too full: %q", wrong)
	}
	c.act(webAct{Do: "power", On: false})
	c.until("the bot is offline", func(s webState) bool { return !s.Online })
	words := map[string]string{form.Fields[0].ID: "Tired, and far away."}
	if _, wrong := c.try(webAct{Do: "submit", Who: "sam", Input: form.ID, Fields: words}); wrong == "" {
		t.Error("a form was taken while nobody hears it")
	}
	c.act(webAct{Do: "power", On: true})
	c.until("the bot is online, and the form still open", func(s webState) bool { return s.Online && s.person("sam").Form != nil })
	c.act(webAct{Do: "submit", Who: "sam", Input: form.ID, Fields: words})
	c.sees("sam", "dm", "> Tired")
	id = c.press("sam", "dm", "Write something")
	c.until("a form", func(s webState) bool { return s.person("sam").Form != nil })
	c.act(webAct{Do: "closeForm", Who: "sam", Input: "1"})
	c.act(webAct{Do: "closeForm", Who: "sam", Input: id})
	c.until("no form", func(s webState) bool { return s.person("sam").Form == nil })
}

func webAway(_ *testing.T, c *webClient) {
	c.act(webAct{Do: "power", On: false})
	c.act(webAct{Do: "run", Who: "kit", Line: "/care help", InDM: true})
	c.until("Discord says so", func(s webState) bool {
		all := s.person("kit").DM
		return len(all) == 1 && all[0].Failed && all[0].Command == "/care help"
	})
	c.act(webAct{Do: "pass", By: day})
	c.act(webAct{Do: "power", On: true})
	c.sees("alex", "dm", "It's the last one")
}

func webDoors(t *testing.T, c *webClient) {
	c.act(webAct{Do: "dms", Who: "kit", On: false})
	c.until("closed", func(s webState) bool { return s.person("kit").DMsClosed })
	c.act(webAct{Do: "dms", Who: "kit", On: true})
	c.act(webAct{Do: "server", Who: "kit", On: false})
	c.until("left", func(s webState) bool { return s.person("kit").Left && !s.person("kit").DMsClosed })
	if _, wrong := c.try(webAct{Do: "run", Who: "kit", Line: "/care help"}); !strings.Contains(wrong, "not in the server") {
		t.Errorf("%q", wrong)
	}
	c.act(webAct{Do: "server", Who: "kit", On: true})
}

func webUncarried(_ *testing.T, c *webClient) {
	for _, kind := range []string{"picture", "sticker", "voice"} {
		c.act(webAct{Do: "send", Who: "kit", Input: kind})
	}
	c.until("three of them", func(s webState) bool {
		n := 0
		for _, m := range s.person("kit").DM {
			if m.Own && (m.Note != "" || len(m.Files) == 1) {
				n++
			}
		}
		return n == 3
	})
}

func webAnew(t *testing.T, c *webClient) {
	c.act(webAct{Do: "reset"})
	c.until("nothing", func(s webState) bool {
		return s.Epoch == 2 && len(s.person("alex").DM)+len(s.person("alex").Server)+len(s.Scheduled) == 0 && s.Next == 0
	})
	if _, wrong := c.try(webAct{Do: "toNext"}); wrong != "nothing is scheduled" {
		t.Errorf("%q", wrong)
	}
}

func TestWebRefusesActs(t *testing.T) {
	t.Parallel()
	c := newWebClient(t)
	for want, a := range map[string]webAct{
		"nobody knows how":     {Do: "fly"},
		"nobody here has this": {Do: "type", Who: "robin", Words: "x"},
		"no such command":      {Do: "run", Who: "alex", Line: "/scene fly"},
		"no words to send":     {Do: "type", Who: "alex", Words: " \n"},
		"no longer there":      {Do: "press", Who: "alex", Message: "1", Input: "1:care/help"},
		"no longer open":       {Do: "submit", Who: "alex", Input: "1"},
		"by a month at most":   {Do: "pass", By: -1},
		"no words left":        {Do: "edit", Who: "alex", Message: "1"},
	} {
		if _, wrong := c.try(a); !strings.Contains(wrong, want) {
			t.Errorf("%+v: %q, want %q", a, wrong, want)
		}
	}
	for name, body := range map[string]string{"no JSON": "do", "two": `{"do":"reset"}{}`, "an unknown field": `{"do":"reset","token":"x"}`, "too much": `{"words":"` + strings.Repeat("x", 70<<10) + `"}`} {
		if status, _, got := c.send(c.request(t.Context(), "POST", "/api/act", body)); status != 400 {
			t.Errorf("%s: %d %s", name, status, got)
		}
	}
}

// A menu, its picture, and the choices that the bot offers while somebody types.
func TestWebMenusAndFiles(t *testing.T) {
	t.Parallel()
	c := newWebClient(t)
	body := `{"who":"alex","line":"/settings zone:Berl"}`
	status, _, got := c.send(c.request(t.Context(), "POST", "/api/suggest", body))
	if status != 200 || !strings.Contains(got, "Europe/Berlin") {
		t.Errorf("%d %s", status, got)
	}
	if _, _, got := c.send(c.request(t.Context(), "POST", "/api/suggest", `{"who":"alex","line":"/scene ended when:"}`)); !strings.Contains(got, `"choices":[]`) {
		t.Errorf("choices where there are none: %s", got)
	}
	c.link("alex", "sam")
	c.act(webAct{Do: "run", Who: "alex", Line: "/care history"})
	c.press("alex", "server", "Keep my history")
	c.act(webAct{Do: "run", Who: "alex", Line: "/scene ended"})
	c.sees("alex", "server", "Noted.")
	c.act(webAct{Do: "pass", By: day})
	c.press("alex", "dm", "Open")
	c.press("alex", "dm", "Good")
	c.sees("alex", "dm", "What would help")
	c.act(webAct{Do: "run", Who: "alex", Line: "/care history", InDM: true})
	m, menu := c.sees("alex", "dm", "The last 4 weeks")
	if len(m.Files) != 1 || m.Files[0].Size < 1000 || m.Files[0].Alt == "" {
		t.Fatalf("%+v", m.Files)
	}
	status, header, png := c.send(c.request(t.Context(), "GET", "/api/file?who=alex&n=0&message="+m.ID, ""))
	if status != 200 || header.Get("Content-Type") != "image/png" || !strings.HasPrefix(png, "\x89PNG") || len(png) != m.Files[0].Size {
		t.Errorf("%d %v, %d bytes", status, header, len(png))
	}
	for _, path := range []string{"who=sam&n=0", "who=alex&n=1", "who=alex&n=-1", "who=robin&n=0"} {
		if status, _, _ := c.send(c.request(t.Context(), "GET", "/api/file?message="+m.ID+"&"+path, "")); status != 404 {
			t.Errorf("%s: %d", path, status)
		}
	}
	c.act(webAct{Do: "run", Who: "alex", Line: "/care history"})
	inServer, _ := c.sees("alex", "server", "The last 4 weeks")
	if status, _, _ := c.send(c.request(t.Context(), "GET", "/api/file?who=alex&n=0&message="+inServer.ID, "")); status != 200 {
		t.Errorf("the picture in the server: %d", status)
	}
	options := slices.Concat(m.Rows...)[0].Options
	if len(options) != 3 {
		t.Fatalf("%+v", m.Rows)
	}
	if _, wrong := c.try(webAct{Do: "pick", Who: "alex", Message: m.ID, Input: menu, Values: []string{"nothing"}}); wrong == "" {
		t.Error("picked what is not there")
	}
	c.act(webAct{Do: "pick", Who: "alex", Message: m.ID, Input: menu, Values: []string{options[2].Value}})
	c.sees("alex", "dm", "The last year")
}

func TestWebLeavesNothing(t *testing.T) {
	leavesNothing(t)
	var out bytes.Buffer
	ctx, cancel := context.WithCancel(context.Background())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	err = serveWeb(ctx, l, func(address string) {
		out.WriteString(address)
		base, key, _ := strings.Cut(address, "/#key=")
		r, err := http.NewRequest("GET", base+"/api/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+key)
		client := &http.Transport{}
		res, err := client.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := res.Body.Read(make([]byte, 10)); err != nil {
			t.Error(err)
		}
		cancel()
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Errorf("the stream broke instead of ending: %v", err)
		}
		client.CloseIdleConnections()
	})
	if err != nil || !strings.HasPrefix(out.String(), "http://127.0.0.1:") {
		t.Errorf("%v, at %s", err, out.String())
	}
}

func TestWebCommand(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, taken, _ := net.SplitHostPort(l.Addr().String())
	for want, args := range map[string][]string{
		"any free one is taken": {"demo", "--web", "--port", taken},
		"70000 is no port":      {"demo", "--web", "--port", "70000"},
		"none of the others":    {"demo", "--web", "--fast"},
	} {
		var out, errs bytes.Buffer
		if code := command(args, &out, &errs); code != 1 || !strings.Contains(errs.String(), want) {
			t.Errorf("%v: exit %d, %s", args, code, errs.String())
		}
	}
}
