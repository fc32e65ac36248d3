package discordtest_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/discordgo"

	"aftercare/bot/discordtest"
)

// A second client acts on what it sees by its ids, and sees what came of it.
func TestClient(t *testing.T) {
	playRight(t, func(st *stage) {
		alex, sam := st.Person("alex"), st.Person("sam")
		menu := row(discordgo.SelectMenu{MenuType: discordgo.StringSelectMenu, CustomID: "v1:menu", Options: []discordgo.SelectMenuOption{{Label: "One", Value: "1"}, {Label: "Two", Value: "2"}}})
		st.on = func(i *discordgo.InteractionCreate) {
			switch i.Type {
			case discordgo.InteractionApplicationCommand:
				st.respond(i, discordgo.InteractionResponseChannelMessageWithSource, &discordgo.InteractionResponseData{
					Flags: discordgo.MessageFlagsEphemeral, Content: "Noted.",
					Components: append(row(button("Change")), menu...),
				})
			case discordgo.InteractionMessageComponent:
				if values := i.MessageComponentData().Values; len(values) > 0 {
					st.respond(i, discordgo.InteractionResponseUpdateMessage, &discordgo.InteractionResponseData{Content: "Picked " + values[0]})
					return
				}
				st.respond(i, discordgo.InteractionResponseModal, &discordgo.InteractionResponseData{
					CustomID: "form", Title: "Change it", Components: row(discordgo.TextInput{CustomID: "when", Label: "When", Style: discordgo.TextInputShort, Required: true, MaxLength: 10}),
				})
			case discordgo.InteractionModalSubmit:
				in := i.ModalSubmitData().Components[0].(*discordgo.ActionsRow).Components[0].(*discordgo.TextInput)
				st.respond(i, discordgo.InteractionResponseUpdateMessage, &discordgo.InteractionResponseData{Content: "Changed: " + in.Value, Components: menu})
			}
		}
		_, err := alex.RunID("/scene ended partner:@sam", false)
		must(t, err)
		synctest.Wait()
		seen := alex.View().Server
		if len(seen) != 1 || !seen[0].Only || seen[0].Command != "/scene ended" || seen[0].By != "alex" || seen[0].Created.IsZero() || len(sam.View().Server) != 0 {
			t.Fatalf("%+v", seen)
		}
		m := seen[0].ID
		if _, err := sam.PressID(m, "v1:Change"); err == nil {
			t.Error("sam pressed what only alex sees")
		}
		for _, button := range []string{"v1:Undo", "v1:menu"} {
			if _, err := alex.PressID(m, button); err == nil {
				t.Errorf("pressed %s", button)
			}
		}
		id, err := alex.PressID(m, "v1:Change")
		must(t, err)
		synctest.Wait()
		form := alex.View().Form
		if form == nil || form.ID != id || form.Title != "Change it" || len(form.Fields) != 1 || form.Fields[0].Label != "When" || form.Fields[0].CustomID != "when" {
			t.Fatalf("%+v", form)
		}
		for _, words := range []string{"", "far too long for it"} {
			if alex.SubmitID(id, map[string]string{"when": words}) == nil {
				t.Errorf("a form took %q", words)
			}
		}
		if alex.SubmitID("1", map[string]string{"when": "now"}) == nil || alex.View().Form == nil {
			t.Error("sent a form that is not open")
		}
		alex.CloseID("1")
		must(t, alex.SubmitID(id, map[string]string{"when": "now"}))
		synctest.Wait()
		if v := alex.View(); v.Form != nil || v.Server[0].Content != "Changed: now" {
			t.Errorf("%+v", v)
		}
		for _, values := range [][]string{nil, {"3"}, {"1", "2"}} {
			if _, err := alex.PickID(m, "v1:menu", values...); err == nil {
				t.Errorf("picked %q", values)
			}
		}
		_, err = alex.PickID(m, "v1:menu", "2")
		must(t, err)
		synctest.Wait()
		if got := alex.View().Server[0].Content; got != "Picked 2" {
			t.Error(got)
		}
	})
}

func TestClientWrites(t *testing.T) {
	playRight(t, func(st *stage) {
		sent, _ := st.dm("alex", &discordgo.MessageSend{Content: "Hello."})
		alex, sam := st.Person("alex"), st.Person("sam")
		id, err := alex.ReplyID(sent.ID, "And to you.")
		must(t, err)
		must(t, alex.EditID(id, "And to you all."))
		seen := alex.View().DM
		if len(seen) != 2 || seen[1].ID != id || seen[1].ReplyTo != sent.ID || seen[1].Content != "And to you all." || seen[1].Edited.IsZero() || !seen[0].Edited.IsZero() {
			t.Errorf("%+v", seen)
		}
		if alex.EditID(sent.ID, "x") == nil || alex.DeleteID(sent.ID) == nil || sam.EditID(id, "x") == nil || sam.DeleteID(id) == nil {
			t.Error("changed somebody else's message")
		}
		if _, err := sam.ReplyID(sent.ID, "x"); err == nil {
			t.Error("replied to somebody else's message")
		}
		must(t, alex.DeleteID(id))
		if len(alex.View().DM) != 1 || alex.DeleteID(id) == nil {
			t.Error("deleted, and it is still there")
		}
		alex.Send(discordtest.Sent{Sticker: true})
		alex.Send(discordtest.Sent{Content: "x", Forward: true})
		if seen := alex.View().DM; !seen[1].Sticker || !seen[2].Forward {
			t.Errorf("%+v", seen)
		}
		alex.CloseDMs()
		sam.LeaveServer()
		if !alex.View().DMsClosed || !sam.View().Left {
			t.Error("what they did to their DMs and the server does not show")
		}
		if _, err := sam.RunID("/scene ended partner:@alex", false); err == nil {
			t.Error("ran a command in a server that they have left")
		}
	})
}

// With nobody there to hear, a form stays open with what was written, and Discord's
// own notes stand where somebody acted. There is an end to them.
func TestClientWithoutABot(t *testing.T) {
	playRight(t, func(st *stage) {
		alex := st.Person("alex")
		st.on = func(i *discordgo.InteractionCreate) {
			if i.Type == discordgo.InteractionApplicationCommand {
				st.respond(i, discordgo.InteractionResponseModal, &discordgo.InteractionResponseData{
					CustomID: "form", Title: "Change it", Components: row(discordgo.TextInput{CustomID: "when", Label: "When", Style: discordgo.TextInputShort}),
				})
			}
		}
		id, err := alex.RunID("/scene ended partner:@sam", true)
		must(t, err)
		synctest.Wait()
		must(t, st.s.Close())
		synctest.Wait()
		if err := alex.SubmitID(id, map[string]string{"when": "now"}); !errors.Is(err, discordtest.ErrNotTaken) {
			t.Error(err)
		}
		v := alex.View()
		if v.Form == nil || v.Form.ID != id || len(v.DM) != 1 || !v.DM[0].Failed || len(v.Server) != 0 {
			t.Errorf("%+v", v)
		}
		for range 30 {
			_, err := alex.RunID("/scene ended partner:@sam", false)
			must(t, err)
		}
		if v := alex.View(); len(v.Server) != 20 || v.Server[0].Command != "/scene ended" || len(v.DM) != 0 {
			t.Errorf("%d and %d notes", len(v.Server), len(v.DM))
		}
		alex.CloseID(id)
		if alex.View().Form != nil {
			t.Error("closed, and still open")
		}
		asked, err := alex.Suggest("/scene ended when:x", false)
		if err == nil {
			t.Error("asked for choices that there are none of:", asked)
		}
		st.open(st.s)
	})
}

func TestSuggested(t *testing.T) {
	playRight(t, func(st *stage) {
		_, err := st.s.ApplicationCommandBulkOverwrite(st.s.State.User.ID, "", []*discordgo.ApplicationCommand{{
			Name: "zone", Description: "x", Options: []*discordgo.ApplicationCommandOption{
				{Type: discordgo.ApplicationCommandOptionString, Name: "name", Description: "x", Autocomplete: true},
			},
		}})
		must(t, err)
		if !strings.Contains(string(st.RawCommands()), `"autocomplete":true`) {
			t.Errorf("%s", st.RawCommands())
		}
		st.on = func(i *discordgo.InteractionCreate) {
			st.respond(i, discordgo.InteractionApplicationCommandAutocompleteResult, &discordgo.InteractionResponseData{
				Choices: []*discordgo.ApplicationCommandOptionChoice{{Name: "Europe/Berlin", Value: "1"}},
			})
		}
		id, err := st.Person("alex").Suggest("/zone name:eur", true)
		must(t, err)
		synctest.Wait()
		if choices, answered := st.Suggested(id); !answered || len(choices) != 1 || choices[0].Name != "Europe/Berlin" {
			t.Errorf("%v %v", choices, answered)
		}
		st.on = nil
		id, err = st.Person("alex").Suggest("/zone name:asia", true)
		must(t, err)
		if _, answered := st.Suggested(id); answered {
			t.Error("answered before the bot did")
		}
		time.Sleep(4 * time.Second)
		if choices, answered := st.Suggested(id); !answered || choices != nil {
			t.Errorf("the bot never answered: %v %v", choices, answered)
		}
	})
}

func TestChanged(t *testing.T) {
	var n atomic.Int64
	d := discordtest.New(discordtest.Options{Changed: func() { n.Add(1) }})
	alex := d.Person("alex")
	for _, act := range []func(){func() { alex.Type("x") }, alex.CloseDMs, alex.CloseForm} {
		before := n.Load()
		act()
		if n.Load() == before {
			t.Error("something changed, and nobody was told")
		}
	}
}
