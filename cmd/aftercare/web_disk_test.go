package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func (c *webClient) disk() string {
	c.t.Helper()
	status, _, got := c.send(c.request(c.t.Context(), "GET", "/api/disk", ""))
	if status != 200 {
		c.t.Fatal(status, got)
	}
	return got
}

func (c *webClient) search(words string) string {
	c.t.Helper()
	b, err := json.Marshal(map[string]string{"words": words})
	if err != nil {
		c.t.Fatal(err)
	}
	_, _, got := c.send(c.request(c.t.Context(), "POST", "/api/search", string(b)))
	return got
}

func TestWebDisk(t *testing.T) {
	t.Parallel()
	c := newWebClient(t)
	c.link("alex", "sam")
	c.act(webAct{Do: "run", Who: "alex", Line: "/scene ended"})
	c.sees("alex", "server", "Noted.")
	c.act(webAct{Do: "pass", By: day})
	c.sees("alex", "dm", "Open")
	const words = "A sentence of mine that stands nowhere."
	c.act(webAct{Do: "type", Who: "alex", Words: words})
	c.sees("alex", "dm", "> A sentence of mine")
	checkDisk(t, c.disk(), words)
	for looked, want := range map[string]string{words: `"found":[]`, "CREATE TABLE": `"name":"aftercare.db`, "a": "Four letters"} {
		if got := c.search(looked); !strings.Contains(got, want) || looked == words && strings.Contains(got, `"bytes":0`) {
			t.Errorf("looked for %q: %s", looked, got)
		}
	}
	c.act(webAct{Do: "power", On: false})
	checkDisk(t, c.disk(), words)
	s := c.until("the schedule of a bot that is off", func(s webState) bool { return !s.Online && len(s.Scheduled) > 0 })
	for _, one := range s.Scheduled {
		if one.At == 0 || one.Kind == "" {
			t.Errorf("%+v", one)
		}
	}
	c.act(webAct{Do: "power", On: true})
	c.act(webAct{Do: "pass", By: 10 * day})
	if got := c.disk(); strings.Contains(got, `"name":"words"`) || strings.Contains(got, `"name":"answers"`) || !strings.Contains(got, `"name":"pacts"`) {
		t.Errorf("after ten days the disk holds %s", got)
	}
}

// checkDisk holds that the words are shown sealed, and that nothing shown tells
// whose they are.
func checkDisk(t *testing.T, got, words string) {
	t.Helper()
	var disk struct {
		Files  []webFile
		Tables []webTable
	}
	if err := json.Unmarshal([]byte(got), &disk); err != nil {
		t.Fatal(err)
	}
	if len(disk.Files) < 2 || len(disk.Tables) < 5 || disk.Tables[0].Name != "words" || disk.Tables[0].Count != 1 {
		t.Fatalf("shows %s", got)
	}
	at := slices.Index(disk.Tables[0].Columns, "text")
	text, ok := disk.Tables[0].Rows[0][at].(map[string]any)
	if !ok || len(text["hex"].(string)) != 2*webHexBytes || text["size"].(float64) < float64(len(words)) {
		t.Errorf("the words are %v", text)
	}
	for _, secret := range []string{words, "alex", "Alex", "20000000000000000"} {
		if strings.Contains(got, secret) {
			t.Errorf("shows %q", secret)
		}
	}
}
