package discordtest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/bwmarrin/discordgo"
)

// post sends raw JSON, for what discordgo can't say.
func (st *stage) post(path, body string) (status int, answer string) {
	st.t.Helper()
	r, err := http.NewRequestWithContext(st.t.Context(), "POST", "https://discord.test/api/v10"+path, strings.NewReader(body))
	must(st.t, err)
	r.Header.Set("Authorization", "Bot secret")
	r.Header.Set("Content-Type", "application/json")
	res, err := st.s.Client.Do(r)
	if err != nil {
		st.t.Fatal(err)
	}
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(b)
}

func TestAutocomplete(t *testing.T) {
	playRight(t, func(st *stage) {
		_, err := st.s.ApplicationCommandBulkOverwrite(st.s.State.User.ID, "", []*discordgo.ApplicationCommand{{
			Name: "zone", Description: "x", Contexts: &[]discordgo.InteractionContextType{discordgo.InteractionContextGuild},
			Options: []*discordgo.ApplicationCommandOption{
				{Type: discordgo.ApplicationCommandOptionString, Name: "name", Description: "x", Required: true, Autocomplete: true},
				{Type: discordgo.ApplicationCommandOptionInteger, Name: "mark", Description: "x", Choices: []*discordgo.ApplicationCommandOptionChoice{{Name: "a day", Value: 24}}},
			},
		}})
		must(t, err)
		st.on = func(i *discordgo.InteractionCreate) {
			o := i.ApplicationCommandData().Options
			if i.Type == discordgo.InteractionApplicationCommandAutocomplete {
				if !o[0].Focused || o[0].StringValue() != "eur" || i.Locale != discordgo.German {
					t.Errorf("%+v", o[0])
				}
				st.respond(i, discordgo.InteractionApplicationCommandAutocompleteResult, &discordgo.InteractionResponseData{
					Choices: []*discordgo.ApplicationCommandOptionChoice{{Name: "Europe/Berlin", Value: "1"}, {Name: "Europe/Rome", Value: "2"}},
				})
				return
			}
			if o[1].IntValue() != 24 {
				t.Errorf("%+v", o[1])
			}
			st.respond(i, discordgo.InteractionResponseChannelMessageWithSource, &discordgo.InteractionResponseData{Content: "set"})
		}
		alex := st.Person("alex")
		alex.SetLocale("de")
		must(t, alex.Complete("/zone name:eur"))
		st.said("choices for alex: Europe/Berlin | Europe/Rome")
		must(t, alex.Run("/zone name:Europe/Rome mark:a day"))
		st.said("bot, everyone sees: set")
		if alex.RunInDM("/zone name:x") == nil || alex.Run("/zone name:x mark:25") == nil || alex.Run("/scene ended partner:@sam") == nil {
			t.Error("ran what is not on offer")
		}
		alex.LeaveServer()
		if alex.Run("/zone name:x") == nil {
			t.Error("ran a command in a server they have left")
		}
		if c := st.Commands(); len(c) != 1 || c[0].ID == "" || st.Known()[0] != "alex" {
			t.Errorf("%+v", c)
		}
	})
}

func TestFiles(t *testing.T) {
	playRight(t, func(st *stage) {
		m, _ := st.dm("alex", &discordgo.MessageSend{Files: []*discordgo.File{{Name: "all.json", Reader: strings.NewReader("{}")}}})
		st.said("bot -> alex: [file all.json]")
		if seen := st.Person("alex").Sees(); len(m.Attachments) != 1 || string(seen[0].Files[0].Data) != "{}" {
			t.Errorf("%+v", m)
		}
	})
}

// A picture comes with words, stays when a message is edited without a word of it,
// and goes when the edit names no file.
func TestPictures(t *testing.T) {
	playRight(t, func(st *stage) {
		first, _ := st.dm("alex", &discordgo.MessageSend{Content: "First."})
		st.said("bot -> alex: First.")
		kind, body, err := discordgo.MultipartBodyWithJSON(map[string]any{
			"content": "Here.", "attachments": []map[string]string{{"id": "0", "filename": "history.png", "description": "low, then good"}},
		}, []*discordgo.File{{Name: "a.png", Reader: strings.NewReader("png")}})
		must(t, err)
		path := discordgo.EndpointChannelMessages(first.ChannelID)
		answer, err := st.s.RequestWithLockedBucket("POST", path, kind, body, st.s.Ratelimiter.LockBucket(path), 0)
		must(t, err)
		var m discordgo.Message
		must(t, json.Unmarshal(answer, &m))
		st.said("bot -> alex: Here.\n      [picture: history.png, \"low, then good\"]")
		if len(m.Attachments) != 1 || m.Attachments[0].ID == "0" {
			t.Errorf("%+v", m.Attachments)
		}
		edit := discordgo.NewMessageEdit(m.ChannelID, m.ID).SetContent("Still.")
		if _, err := st.s.ChannelMessageEditComplex(edit); err != nil {
			t.Error(err)
		}
		st.said("bot -> alex, in place: Still.\n      [picture: history.png, \"low, then good\"]")
		edit = discordgo.NewMessageEdit(m.ChannelID, m.ID).SetContent("Gone.")
		edit.Attachments = &[]*discordgo.MessageAttachment{}
		if _, err := st.s.ChannelMessageEditComplex(edit); err != nil {
			t.Error(err)
		}
		st.said("bot -> alex, in place: Gone.")
	})
}

func TestLabels(t *testing.T) {
	playRight(t, func(st *stage) {
		var heard []string
		st.s.AddHandler(func(_ *discordgo.Session, e *discordgo.Event) {
			if e.Type == "INTERACTION_CREATE" {
				heard = append(heard, string(e.RawData))
			}
		})
		st.on = func(i *discordgo.InteractionCreate) {
			path := "/interactions/" + i.ID + "/" + i.Token + "/callback"
			if i.Type == discordgo.InteractionApplicationCommand {
				status, body := st.post(path, `{"type":9,"data":{"custom_id":"f","title":"F","components":[
					{"type":10,"content":"Only what you like."},
					{"type":18,"label":"Words","component":{"type":4,"style":2,"custom_id":"w","required":false,"placeholder":"anything"}},
					{"type":18,"label":"Who","component":{"type":3,"custom_id":"s","options":[{"label":"Sam","value":"1"},{"label":"Kit","value":"2"}]}}]}}`)
				if status != 204 {
					t.Error(status, body)
				}
				return
			}
			status, body := st.post(path+"?with_response=true", `{"type":4,"data":{"content":"thanks"}}`)
			if status != 200 || !strings.Contains(body, `"content":"thanks"`) {
				t.Error(status, body)
			}
		}
		alex := st.Person("alex")
		must(t, alex.RunInDM("/scene ended partner:@sam"))
		st.said("form for alex: F\n    Only what you like.\n    Words (anything)\n    Who [v: Sam | Kit]")
		if alex.Submit(nil) == nil || alex.Submit(map[string]string{"Who": "Robin"}) == nil {
			t.Error("the select was not asked for")
		}
		must(t, alex.Submit(map[string]string{"Who": "Kit"}))
		st.said("bot -> alex: thanks")
		if got := heard[len(heard)-1]; !strings.Contains(got, `"component":{"custom_id":"s","id":0,"type":3,"values":["2"]}`) {
			t.Error(got)
		}
	})
}

func TestEphemeralIsNoDM(t *testing.T) {
	playRight(t, func(st *stage) {
		var own []*discordgo.Message
		st.s.AddHandler(func(_ *discordgo.Session, m *discordgo.MessageCreate) { own = append(own, m.Message) })
		st.on = func(i *discordgo.InteractionCreate) {
			st.respond(i, discordgo.InteractionResponseChannelMessageWithSource, &discordgo.InteractionResponseData{
				Content: "psst", Flags: discordgo.MessageFlagsEphemeral, Components: row(button("Go")),
			})
		}
		must(t, st.Person("alex").Run("/scene ended partner:@sam"))
		synctest.Wait()
		if len(own) != 1 || own[0].GuildID != "" || own[0].Flags != 64 || !own[0].Author.Bot {
			t.Fatalf("%+v", own)
		}
		page, err := st.s.ChannelMessages(own[0].ChannelID, 100, "", "", "")
		must(t, err)
		if _, err := st.s.ChannelMessage(own[0].ChannelID, own[0].ID); len(page) != 0 || code(err) != 10008 {
			t.Error("an ephemeral message is in the history:", err)
		}
		alex := st.Person("alex")
		if alex.PressOn("other", "Go") == nil {
			t.Error("pressed on a message that is not there")
		}
		must(t, alex.PressOn("psst", "Go"))
		synctest.Wait()
		if n := len(alex.SeesInServer()); n != 2 || len(st.Person("sam").SeesInServer()) != 0 {
			t.Error("alex sees", n)
		}
	})
}

// A page of history after an id is the page right after it.
func TestHistoryPages(t *testing.T) {
	playRight(t, func(st *stage) {
		alex := st.Person("alex")
		first := alex.Type("1")
		for _, s := range []string{"2", "3", "4"} {
			alex.Type(s)
		}
		for query, want := range map[[3]string]string{
			{"", first, ""}: "3 2", {"", "", ""}: "4 3", {first, "", ""}: "", {"", "0", ""}: "2 1",
		} {
			page, err := st.s.ChannelMessages(channelOf(st, "alex"), 2, query[0], query[1], "")
			must(t, err)
			var got []string
			for _, m := range page {
				got = append(got, m.Content)
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%q: %q, want %q", query, got, want)
			}
		}
	})
}

func TestRepliesAndTwins(t *testing.T) {
	playRight(t, func(st *stage) {
		var got *discordgo.Message
		st.s.AddHandler(func(_ *discordgo.Session, m *discordgo.MessageCreate) { got = m.Message })
		alex := st.Person("alex")
		if _, err := alex.Reply("question", "x"); err == nil {
			t.Error("replied to nothing")
		}
		path := "/channels/" + channelOf(st, "alex") + "/messages"
		const body = `{"content":"a question","nonce":"n","enforce_nonce":true}`
		if status, b := st.post(path, body); status != 200 {
			t.Error(b)
		}
		_, err := alex.Reply("question", "an answer")
		must(t, err)
		synctest.Wait()
		if got.Type != discordgo.MessageTypeReply || got.ReferencedMessage.Content != "a question" || got.MessageReference.MessageID != got.ReferencedMessage.ID {
			t.Errorf("%+v", got)
		}
		must(t, st.s.ChannelMessageDelete(got.ChannelID, got.ReferencedMessage.ID))
		if status, b := st.post(path, body); status != 404 || !strings.Contains(b, "10008") {
			t.Error("the twin is deleted:", status, b)
		}
		m, err := st.s.ChannelMessage(got.ChannelID, got.ID)
		must(t, err)
		if m.ReferencedMessage != nil {
			t.Errorf("%+v", m.ReferencedMessage)
		}
	})
}
