package bot

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"mime/multipart"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"aftercare/bot/discordtest"
	"aftercare/bot/text"
	"aftercare/store"
)

// unpacked takes a body with a file apart; one without is its own message.
func unpacked(body []byte) (message []byte, name string, file []byte, err error) {
	if !bytes.HasPrefix(body, []byte("--")) {
		return body, "", nil, nil
	}
	boundary, _, _ := bytes.Cut(body, []byte("\r\n"))
	form := multipart.NewReader(bytes.NewReader(body), strings.TrimPrefix(string(boundary), "--"))
	for {
		part, err := form.NextPart()
		if err == io.EOF {
			return message, name, file, nil
		} else if err != nil {
			return nil, "", nil, err
		}
		b, err := io.ReadAll(part)
		if err != nil {
			return nil, "", nil, err
		}
		if part.FormName() == "payload_json" {
			message = b
		} else {
			name, file = part.FileName(), b
		}
	}
}

// A person's file goes to them alone, in one message, has them in it and not their
// partner, and neither it nor they come into the log.
func TestExportIsForItsReader(t *testing.T) {
	h := newHouse(t)
	alex, sam := h.discord.Person("alex"), h.discord.Person("sam")
	h.link(alex, sam)
	h.run(alex, "scene ended")
	h.pass(24 * time.Hour)
	h.types(alex, "Mine to keep")
	h.types(sam, "Theirs to keep")
	h.log.take()
	sent := h.hear("INTERACTION_CREATE", h.craft(alex, onCommand, commandData("privacy export")))
	if len(sent) != 1 {
		t.Fatalf("%d requests", len(sent))
	}
	message, name, data, err := unpacked(sent[0].body)
	if err != nil {
		t.Fatal(err)
	}
	got := readCallback(t, message)
	if got.flags&int(discordgo.MessageFlagsEphemeral) == 0 || !says(got.content, text.PrivacyExport) || name != "export.json" {
		t.Errorf("%+v %s", got, name)
	}
	if !json.Valid(data) || !bytes.Contains(data, []byte(alex.ID())) || !bytes.Contains(data, []byte("Mine to keep")) {
		t.Errorf("the file: %s", data)
	}
	for _, theirs := range []string{sam.ID(), "Theirs to keep", h.dm(sam)} {
		if bytes.Contains(data, []byte(theirs)) {
			t.Errorf("the file has %q", theirs)
		}
	}
	for _, secret := range []string{alex.ID(), sam.ID(), "Mine", "Theirs", "Alex", "Sam"} {
		if strings.Contains(h.log.text(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

func TestExportOfNobody(t *testing.T) {
	h := newHouse(t)
	if got := h.run(h.discord.Person("kit"), "privacy export"); !says(got.content, text.PrivacyExportNone) {
		t.Errorf("%+v", got)
	}
}

func TestExportTooBig(t *testing.T) {
	if _, err := exported(make([]byte, mostExport+1)); err != errExportBig {
		t.Errorf("%v", err)
	}
	if r, err := exported(make([]byte, mostExport)); err != nil || len(r.say.file.data) != mostExport {
		t.Errorf("%v", err)
	}
}

// The pages lead to each other, for a stranger and with the database gone, and are
// the same for everybody. Each fits with any operator's name.
func TestAboutPages(t *testing.T) {
	h := newHouse(t)
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	kit, robin := h.discord.Person("kit"), h.discord.Person("robin")
	for i, page := range aboutPages {
		raw := object{"custom_id": customID(page.route)}
		first := readCallback(t, h.hearOnly("INTERACTION_CREATE", h.craft(kit, onComponent, raw))[0].body)
		second := readCallback(t, h.hearOnly("INTERACTION_CREATE", h.craft(robin, onComponent, raw))[0].body)
		if !says(first.content, page.says) || first.raw != second.raw {
			t.Errorf("%s: %s %s", page.route, first.raw, second.raw)
		}
		for j, other := range aboutPages {
			if strings.Contains(first.raw, `"`+customID(other.route)+`"`) != (i != j) {
				t.Errorf("%s does not lead to %s", page.route, other.route)
			}
		}
	}
	for _, name := range []string{"Robin", strings.Repeat("*", 80), strings.Repeat("🧡", 80)} {
		b := &Bot{o: Options{Operator: name}}
		for i, page := range aboutPages {
			fits(t, page.route, b.aboutPage(i).add("", text.T(text.DmsClosed)))
		}
	}
}

// What is kept after an evening in a server, of both people in it, has neither the
// server nor its channel: not in clear, and not in what is sealed, all of which is in
// their files.
func TestNoServerIsKept(t *testing.T) {
	h := newHouse(t)
	alex, sam := h.discord.Person("alex"), h.discord.Person("sam")
	h.link(alex, sam)
	h.run(alex, "care card")
	h.run(alex, "scene ended", user6(sam))
	h.run(sam, "scene ended", user6(alex))
	h.run(alex, "checkin now", user6(sam))
	h.run(sam, "checkin pause")
	h.run(alex, "settings")
	h.run(alex, "partner invite")
	h.pass(24 * time.Hour)
	h.types(alex, "Mine to keep")
	kept := h.dump()
	for _, who := range []*discordtest.Person{alex, sam} {
		file, err := h.store.Takeout(t.Context(), store.Secret(who.ID()))
		if err != nil || !strings.Contains(file.Reveal(), who.ID()) {
			t.Fatal("there is no file to look into", err)
		}
		kept += file.Reveal()
	}
	for _, place := range []string{"300000000000000001", "400000000000000001"} {
		id, err := strconv.ParseInt(place, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{place, hex.EncodeToString([]byte(place)), strconv.FormatInt(id, 16)} {
			if strings.Contains(kept, form) {
				t.Errorf("%s is kept", place)
			}
		}
	}
}

// Whoever is asked to agree sees who runs the bot, and that there is more to read; the
// page about it says that it may be one of their partners.
func TestTermsNameTheOperator(t *testing.T) {
	asked := 0
	for key, s := range text.All() {
		if !strings.HasPrefix(string(key), "terms") {
			continue
		}
		asked++
		for _, part := range []string{"{operator} runs this bot", "/privacy about", "Discord itself sees", "for adults"} {
			if !strings.Contains(s.Say, part) {
				t.Errorf("%s is without %q", key, part)
			}
		}
	}
	if asked < 5 {
		t.Errorf("only %d sentences ask for a yes", asked)
	}
	b := &Bot{o: Options{Operator: "Kit"}}
	var about string
	for i := range aboutPages {
		about += b.aboutPage(i).content()
	}
	for _, part := range []string{"Kit runs this bot", "may be one of your partners", "holds the key", "Discord sees the messages", "unlocked phone", "isn't for emergencies"} {
		if !strings.Contains(about, part) {
			t.Errorf("/privacy about is without %q", part)
		}
	}
}
