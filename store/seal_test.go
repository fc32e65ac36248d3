package store_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"aftercare/store"
	"aftercare/store/storetest"
)

// files returns the bytes of all that a store keeps on disk.
func (w *world) files() map[string][]byte {
	w.Helper()
	out := map[string][]byte{}
	entries, err := os.ReadDir(filepath.Dir(w.opts.Path))
	w.ok(err)
	for _, e := range entries {
		if out[e.Name()], err = os.ReadFile(filepath.Join(filepath.Dir(w.opts.Path), e.Name())); err != nil {
			w.Fatal(err)
		}
	}
	return out
}

// scenario leaves something recognisable of every sort.
func scenario(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	withSam := w.link(alex, sam)
	w.link(alex, kit)
	w.deliver()
	w.end(alex, sam)
	sent := w.deliver()
	second(w.Choose(w.ctx, sam.ID, sent[0].As.ID, store.ChoiceAskFirst))
	second(w.Choose(w.ctx, sam.ID, sent[0].As.ID, store.ChoiceYes))
	w.pass(24 * time.Hour)
	at := w.at(alex, store.KindCheckIn)
	w.step(w.Feel(w.ctx, alex.ID, at, "glowing"))
	w.step(w.Need(w.ctx, alex.ID, at, "company"))
	w.step(w.Write(w.ctx, alex.ID, at, store.Secret("einseinseins")))
	w.step(w.Share(w.ctx, alex.ID, at, withSam, store.ShareGist))
	w.hear(sam, "800000000000000008", "zweizweizwei", w.last(sam, store.KindCheckIn).Message)
	w.deliver()
	second(w.Read(w.ctx, sam.ID, w.at(sam, store.KindRelay)))
	second(w.SendBack(w.ctx, sam.ID, w.at(sam, store.KindRelay), store.Secret("dreidreidrei"), "700000000000000007"))
	w.hear(alex, "800000000000000009", "viervierviervier", "")
	w.deliver()
	_, _, err := w.Invite(w.ctx, robin, 1)
	w.ok(err)
	return w
}

func TestFilesSayNothing(t *testing.T) {
	t.Parallel()
	w := scenario(t)
	secrets := []string{
		"einseins", "zweizwei", "dreidrei", "viervier", "glowing", "company", "ask_first",
		"80000000000000000", "70000000000000000", "message-", "dm-9",
	}
	for _, who := range []store.Who{alex, sam, kit, robin} {
		secrets = append(secrets, who.ID.Reveal(), who.Name.Reveal())
	}
	check := func() {
		t.Helper()
		files := w.files()
		for _, name := range []string{"aftercare.db", "aftercare.keys"} {
			if len(files[name]) == 0 {
				t.Errorf("%s is empty", name)
			}
		}
		for name, b := range files {
			for _, s := range secrets {
				if len(s) > 3 && bytes.Contains(b, []byte(s)) { // three letters are there by chance
					t.Errorf("%s contains %s", name, s)
				}
			}
		}
	}
	if len(w.files()["aftercare.db-wal"]) == 0 {
		t.Error("no log to look into")
	}
	check()
	w.ok(w.Close())
	check()
}

func TestMovedCiphertextDoesNotOpen(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	w.answer(sam, "low", "x", pact, store.ShareWords)
	row := func(query string) (id, person int64, sealed []byte) {
		t.Helper()
		w.ok(store.DB(w.Store).QueryRow(query).Scan(&id, &person, &sealed))
		return id, person, sealed
	}
	id, writer, sealed := row(`SELECT w.id, a.writer, w.text FROM words w JOIN answers a ON a.id = w.answer`)
	if text, err := store.OpenAs(w.Store, writer, "words.text", id, sealed); err != nil || text != "x" {
		t.Fatalf("%q, %v", text, err)
	}
	other, _, _ := row(`SELECT id, recipient, message FROM deliveries WHERE recipient <> (SELECT writer FROM answers) AND message IS NOT NULL LIMIT 1`)
	_, reader, _ := row(`SELECT id, id, name FROM persons WHERE id <> (SELECT writer FROM answers)`)
	flipped := bytes.Clone(sealed)
	flipped[len(flipped)-1] ^= 1
	for what, open := range map[string]func() (string, error){
		"row":    func() (string, error) { return store.OpenAs(w.Store, writer, "words.text", other, sealed) },
		"column": func() (string, error) { return store.OpenAs(w.Store, writer, "answers.body", id, sealed) },
		"person": func() (string, error) { return store.OpenAs(w.Store, reader, "words.text", id, sealed) },
		"bit":    func() (string, error) { return store.OpenAs(w.Store, writer, "words.text", id, flipped) },
	} {
		if text, err := open(); err == nil {
			t.Errorf("opened with another %s: %q", what, text)
		}
	}
}

func TestSealedFeelingsAreOfOneLength(t *testing.T) {
	t.Parallel()
	w, _ := asked(t)
	at := w.at(sam, store.KindCheckIn)
	lengths := map[int]bool{}
	for _, f := range store.Feelings {
		for _, n := range store.Needs {
			w.step(w.Feel(w.ctx, sam.ID, at, f))
			lengths[w.length("body", "answers")] = true
			w.step(w.Need(w.ctx, sam.ID, at, n))
			lengths[w.length("body", "answers")] = true
		}
	}
	if len(lengths) != 1 {
		t.Errorf("lengths tell what is felt: %v", lengths)
	}
}

func (w *world) length(column, table string) (n int) {
	w.Helper()
	w.ok(store.DB(w.Store).QueryRow(`SELECT length(` + column + `) FROM ` + table).Scan(&n))
	return n
}

func TestErasedWordsLeaveNoBytes(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	w.answer(sam, "low", "gone soon", pact, store.ShareWords)
	var words, body []byte
	w.ok(store.DB(w.Store).QueryRow(`SELECT w.text, a.body FROM words w JOIN answers a ON a.id = w.answer`).Scan(&words, &body))
	inFiles := func() (n int) {
		for _, b := range w.files() {
			for _, sealed := range [][]byte{words, body} {
				if bytes.Contains(b, sealed[5:40]) {
					n++
				}
			}
		}
		return n
	}
	if inFiles() == 0 {
		t.Fatal("they were never there")
	}
	w.clock.Advance(7 * 24 * time.Hour)
	n, err := w.Forget(w.ctx)
	w.ok(err)
	if n == 0 || inFiles() != 0 {
		t.Errorf("%d rows forgotten, and in %d places still there", n, inFiles())
	}
}

// FuzzHear has somebody type any bytes and edit them into any others.
func FuzzHear(f *testing.F) {
	for _, seed := range []string{"x", "\x80", "\x80\x00\x00", "\x00", string(bytes.Repeat([]byte{0x80}, 64)), "\xff\xfe", "\U0001F642"} {
		f.Add(seed, seed+seed)
	}
	s, clock := storetest.Open(f)
	storetest.Link(f, s, alex, sam)
	storetest.Deliver(f, s)
	n := 0
	f.Fuzz(func(t *testing.T, text, edited string) {
		clock.Advance(24 * time.Hour) // nobody types that often
		n++
		message := strconv.Itoa(n)
		for i, now := range []string{text, edited} {
			var err error
			if i == 0 {
				err = s.Hear(t.Context(), store.Typed{By: alex, Message: message, Text: store.Secret(now)})
			} else {
				err = s.Edited(t.Context(), alex.ID, message, store.Secret(now))
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range storetest.Deliver(t, s) {
				if m.Want == store.Delete {
					continue
				}
				if got := m.Offer.Answer.Words; len(got) != 1 || got[0].Reveal() != now {
					t.Errorf("%q came back as %v", now, len(got))
				}
			}
		}
	})
}
