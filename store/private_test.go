package store_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html/template"
	"log"
	"log/slog"
	"strings"
	"testing"

	"aftercare/store"
)

const secret = "zweizweizwei"

type hidden struct {
	Open   store.Private
	closed store.Private
	deep   *struct{ in []store.Private }
	byName map[store.Private]store.Private
	key    store.MasterKey
}

func TestPrivateNeverPrints(t *testing.T) {
	t.Parallel()
	p := store.Secret(secret)
	text, err := store.NewMasterKey()
	if err != nil {
		t.Fatal(err)
	}
	key, err := store.ParseMasterKey(text)
	if err != nil {
		t.Fatal(err)
	}
	h := hidden{Open: p, closed: p, deep: &struct{ in []store.Private }{[]store.Private{p}}, byName: map[store.Private]store.Private{p: p}, key: key}
	var out bytes.Buffer
	values := []any{
		p, &p, []store.Private{p}, map[string]store.Private{"k": p}, map[store.Private]int{p: 1}, h, &h, h.deep, struct{ any }{p}, key, &key,
		store.Options{Key: key}, store.Who{ID: p, Name: p}, store.Answer{Words: []store.Private{p}},
		store.Ended{By: store.Who{ID: p}, Partners: []store.Private{p}}, store.Typed{Text: p}, store.Content{To: p}, store.Sent{Channel: p},
		fmt.Errorf("wrapped: %v", p),
	}
	for _, v := range values {
		for verb := 'A'; verb <= 'z'; verb++ {
			for _, flags := range []string{"", "+", "#", "-20", "020", " ", ".3"} {
				fmt.Fprintf(&out, "%"+flags+string(verb)+"\n", v)
			}
		}
		fmt.Fprintln(&out, v)
		fmt.Fprintln(&out, fmt.Errorf("%w %v", fmt.Errorf("%v", v), v))
		for _, h := range []slog.Handler{
			slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}), slog.NewJSONHandler(&out, nil),
		} {
			slog.New(h).With("with", v).Info("x", "v", v, slog.Group("g", "v", v), slog.Any("a", v))
		}
		log.New(&out, "", 0).Println(v)
		b, _ := json.MarshalIndent(v, "", " ")
		out.Write(b)
		b, _ = xml.Marshal(v)
		out.Write(b)
		_ = gob.NewEncoder(&out).Encode(v)
		_ = template.Must(template.New("").Parse("{{.}} {{printf \"%d %q\" . .}}")).Execute(&out, v)
	}
	for _, part := range []string{secret, "zwei", strings.TrimPrefix(text, "aftercare-key-1-"), fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret)} {
		if i := strings.Index(out.String(), part); i >= 0 {
			t.Errorf("it printed: ...%s...", out.String()[max(0, i-100):i+20])
		}
	}
	for verb, want := range map[string]string{"%v": "[private]", "%+v": "[private]", "%#v": "[private]", "%d": "[private]", "%x": "[private]", "%q": "[private]"} {
		if got := fmt.Sprintf(verb, p); got != want {
			t.Errorf("%s prints %s", verb, got)
		}
	}
	if b, _ := json.Marshal(map[string]any{"p": p}); string(b) != `{"p":"[private]"}` {
		t.Errorf("%s", b)
	}
	if p.Reveal() != secret || p != store.Secret(secret) || !store.Secret("").IsZero() || (store.Private{}).Reveal() != "" {
		t.Error("the text itself is not there")
	}
}

func TestMasterKey(t *testing.T) {
	t.Parallel()
	text, err := store.NewMasterKey()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.ParseMasterKey(" " + text + "\n"); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "x", text[5:], text[:len(text)-10], text + "!", "aftercare-key-1-AAAA"} {
		_, err := store.ParseMasterKey(bad)
		if err == nil {
			t.Errorf("%d characters of nonsense are a key", len(bad))
		} else if len(bad) > 1 && strings.Contains(err.Error(), bad) {
			t.Errorf("the error shows it: %v", err)
		}
	}
}
