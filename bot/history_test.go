package bot

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"testing"
	"time"

	"aftercare/store"
)

func TestHistoryInWords(t *testing.T) {
	h := historyOf(28, 9, 1, "ok", 8, 2, "low", 2, -1, "numb", 1, 3, "mixed")
	lines, whole := inWords(h, mostHistory)
	want := "Week of 23 February: day after OK\nWeek of 2 March: second day low, check-in numb\nWeek of 9 March: third day mixed"
	if got := strings.Join(lines, "\n"); got != want || !whole {
		t.Errorf("got %q", got)
	}
	if got := altOf(h); got != "Your answers from 10 February to 10 March. "+strings.ReplaceAll(want, "\n", ". ") {
		t.Errorf("got %q", got)
	}
}

// A week and a day are the person's own.
func TestHistoryInWordsInAZone(t *testing.T) {
	h := store.History{From: drawnAt.AddDate(0, 0, -28), To: drawnAt}
	h.Felt = []store.Felt{{At: time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC), Mark: 24 * time.Hour, Feeling: "ok"}} // a Sunday
	for zone, want := range map[string]string{"Europe/Berlin": "23 February", "Australia/Sydney": "2 March", "Asia/Kolkata": "2 March"} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		h.Zone = loc
		if lines, _ := inWords(h, mostHistory); len(lines) != 1 || !strings.HasPrefix(lines[0], "Week of "+want+":") {
			t.Errorf("%s: %q", zone, lines)
		}
	}
}

// However much there is, it fits; and in the message it is all there, if only counted.
func TestHistoryFits(t *testing.T) {
	full := year()
	for most, want := range map[int]bool{mostHistory: true, mostAlt: true, 200: false} {
		lines, whole := inWords(full, most)
		if whole != want || longFor(lines) > most || len(lines) == 0 {
			t.Errorf("%d: %d units in %d lines, whole: %v", most, longFor(lines), len(lines), whole)
		}
	}
	for name, h := range pictures {
		s, err := pictured(h, "The last year")
		if err != nil {
			t.Fatal(err)
		}
		if n := codeUnits(s.file.alt); n > mostAlt {
			t.Errorf("%s: %d units of alt text", name, n)
		}
		if n := codeUnits(s.content()); n > mostListed {
			t.Errorf("%s: %d units", name, n)
		}
	}
}

// A body with a file is whole again at each try.
func TestUploads(t *testing.T) {
	u := upload{body: map[string]int{"type": 4}, name: "history.png", kind: "image/png", data: []byte("png")}
	for range 2 {
		kind, body, err := encoded(u)
		if err != nil {
			t.Fatal(err)
		}
		_, params, err := mime.ParseMediaType(kind)
		if err != nil {
			t.Fatal(err)
		}
		form := multipart.NewReader(bytes.NewReader(body), params["boundary"])
		for _, want := range []struct{ name, file, data string }{{"payload_json", "", `{"type":4}`}, {"files[0]", "history.png", "png"}} {
			part, err := form.NextPart()
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(part)
			if err != nil || part.FormName() != want.name || part.FileName() != want.file || strings.TrimSpace(string(data)) != want.data {
				t.Errorf("%s %s %q %v", part.FormName(), part.FileName(), data, err)
			}
		}
	}
}
