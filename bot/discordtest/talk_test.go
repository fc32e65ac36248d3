package discordtest_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/discordgo"

	"aftercare/bot/discordtest"
)

func TestConversation(t *testing.T) {
	playRight(t, func(st *stage) {
		alex, sam := st.Person("alex"), st.Person("sam")
		st.on = func(i *discordgo.InteractionCreate) {
			switch {
			case i.Type == discordgo.InteractionApplicationCommand:
				o := i.ApplicationCommandData().Options[0].Options
				if i.Member == nil || i.Member.User.ID != alex.ID() || o[0].UserValue(nil).ID != sam.ID() || o[1].StringValue() != "2h ago" || !o[2].BoolValue() {
					t.Errorf("options: %+v", o)
				}
				at := time.Now().Add(24 * time.Hour).Unix()
				st.respond(i, discordgo.InteractionResponseChannelMessageWithSource, &discordgo.InteractionResponseData{
					Flags: discordgo.MessageFlagsEphemeral, Content: "Noted with <@" + sam.ID() + ">.\nNext <t:" + strconv.FormatInt(at, 10) + ":R>",
					Components: row(button("Change"), button("Undo"), discordgo.Button{Label: "Help", Style: discordgo.LinkButton, URL: "https://example.org"}),
				})
			case i.Type == discordgo.InteractionModalSubmit:
				in := i.ModalSubmitData().Components[0].(*discordgo.ActionsRow).Components[0].(*discordgo.TextInput)
				st.respond(i, discordgo.InteractionResponseUpdateMessage, &discordgo.InteractionResponseData{Content: "Changed: " + in.Value})
			case i.MessageComponentData().CustomID == "v1:Change":
				st.respond(i, discordgo.InteractionResponseModal, &discordgo.InteractionResponseData{
					CustomID: "form", Title: "Change it", Components: row(discordgo.TextInput{
						CustomID: "when", Label: "When", Style: discordgo.TextInputShort, Placeholder: "2h ago", Required: true, MaxLength: 10,
					}),
				})
			}
		}
		must(t, alex.Run("/scene ended partner:@sam when:2h ago quiet:true"))
		st.said("bot, only alex sees: Noted with @sam.\n      Next in 24 hours\n      [Change] [Undo] [Help](https://example.org)")
		must(t, alex.Press("Change"))
		st.said("form for alex: Change it\n    When (2h ago)")
		if err := alex.Submit(map[string]string{"": "far too long for it"}); err == nil {
			t.Error("a form took what is too long")
		}
		if err := alex.Submit(map[string]string{"Where": "x"}); err == nil {
			t.Error("a form took a field that it has not")
		}
		must(t, alex.Submit(map[string]string{"When": "now"}))
		st.said("bot, only alex sees, in place: Changed: now")
		if err := alex.Press("Change"); err == nil || !strings.Contains(err.Error(), "none") {
			t.Error("the buttons are gone:", err)
		}
		if sam.Press("Undo") == nil {
			t.Error("sam saw what only alex sees")
		}
	})
}

func TestWhatCannotBeRun(t *testing.T) {
	play(t, func(st *stage) {
		alex := st.Person("alex")
		for _, line := range []string{
			"/nothing", "/scene", "/scene began", "/scene ended", "/scene ended when:now", "/scene ended partner:sam", "scene ended",
			"/scene ended partner:@sam quiet:perhaps", "/scene ended partner:@sam when:" + strings.Repeat("x", 21), "/scene ended other:@sam",
			"/scene ended partner:@sam partner:@kit",
		} {
			if err := alex.Run(line); !errors.Is(err, discordtest.ErrNoCommand) {
				t.Errorf("%s: %v", line, err)
			}
		}
		st.said()
	})
}

func TestDeferred(t *testing.T) {
	playRight(t, func(st *stage) {
		alex := st.Person("alex")
		st.on = func(i *discordgo.InteractionCreate) {
			st.respond(i, discordgo.InteractionResponseDeferredChannelMessageWithSource, &discordgo.InteractionResponseData{Flags: discordgo.MessageFlagsEphemeral})
			if err := st.s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{Type: 5}); code(err) != 40060 {
				t.Error("second answer:", err)
			}
			text := "there"
			_, err := st.s.InteractionResponseEdit(i.Interaction, &discordgo.WebhookEdit{Content: &text})
			must(t, err)
			_, err = st.s.InteractionResponseEdit(i.Interaction, &discordgo.WebhookEdit{Content: &text})
			must(t, err)
			_, err = st.s.FollowupMessageCreate(i.Interaction, true, &discordgo.WebhookParams{Content: "everyone"})
			must(t, err)
			must(t, st.s.InteractionResponseDelete(i.Interaction))
		}
		must(t, alex.Run("/scene ended partner:@sam"))
		st.said("bot, only alex sees: there", "bot, only alex sees, in place: there", "bot, everyone sees: everyone", "bot, only alex sees, removed: there")
	})
}

func TestTooLate(t *testing.T) {
	playRight(t, func(st *stage) {
		st.on = func(i *discordgo.InteractionCreate) {
			time.Sleep(3100 * time.Millisecond)
			err := st.s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{Type: 5})
			if code(err) != 10062 {
				t.Error("late answer:", err)
			}
		}
		must(t, st.Person("alex").RunInDM("/scene ended partner:@sam"))
		time.Sleep(4 * time.Second)
		st.said("Discord, only alex sees: The application did not respond")
	})
}

func TestDM(t *testing.T) {
	playRight(t, func(st *stage) {
		alex := st.Person("alex")
		st.events()
		m, _ := st.dm("alex", &discordgo.MessageSend{
			Content: "How are you?", Embeds: []*discordgo.MessageEmbed{{Title: "Card", Fields: []*discordgo.MessageEmbedField{{Name: "Tea", Value: "yes"}}}},
			Components: row(discordgo.SelectMenu{CustomID: "s", Placeholder: "Who", Options: []discordgo.SelectMenuOption{{Label: "Sam", Value: "1"}, {Label: "Kit", Value: "2"}}}),
		})
		st.said("bot -> alex: How are you?\n      Card\n      Tea: yes\n      [Who v: Sam | Kit]")
		st.on = func(i *discordgo.InteractionCreate) {
			if v := i.MessageComponentData().Values; len(v) != 1 || v[0] != "2" || i.User.ID != alex.ID() || i.Message.ID != m.ID {
				t.Errorf("picked %v", v)
			}
			st.respond(i, discordgo.InteractionResponseDeferredMessageUpdate, nil)
			text := "Kit it is"
			_, err := st.s.InteractionResponseEdit(i.Interaction, &discordgo.WebhookEdit{Content: &text, Embeds: &[]*discordgo.MessageEmbed{}, Components: &[]discordgo.MessageComponent{}})
			must(t, err)
		}
		if alex.Pick("Sam", "Kit") == nil || alex.Pick("Robin") == nil {
			t.Error("picked what can't be picked")
		}
		must(t, alex.Pick("Kit"))
		st.said("bot -> alex, in place: Kit it is")
		alex.Type("fine")
		_, err := alex.Reply("Kit it", "thanks")
		must(t, err)
		must(t, alex.Edit("fine", "low"))
		must(t, alex.Delete("thanks"))
		if got := st.events(); got != "MESSAGE_CREATE fine MESSAGE_CREATE thanks MESSAGE_UPDATE low MESSAGE_DELETE" {
			t.Error("the bot heard", got)
		}
		page, err := st.s.ChannelMessages(m.ChannelID, 10, "", m.ID, "")
		must(t, err)
		if len(page) != 1 || page[0].Content != "low" || page[0].EditedTimestamp == nil {
			t.Errorf("history: %+v", page)
		}
		if _, err := st.s.ChannelMessageEdit(m.ChannelID, page[0].ID, "x"); code(err) != 50005 {
			t.Error("edited somebody else's:", err)
		}
		must(t, st.s.ChannelMessageDelete(m.ChannelID, m.ID))
		st.said("bot -> alex, removed: Kit it is")
		if n := len(alex.Sees()); n != 1 {
			t.Error("alex sees", n)
		}
	})
}

func TestKindsOfMessages(t *testing.T) {
	playRight(t, func(st *stage) {
		alex := st.Person("alex")
		var got []*discordgo.Message
		st.s.AddHandler(func(_ *discordgo.Session, m *discordgo.MessageCreate) { got = append(got, m.Message) })
		for _, s := range []discordtest.Sent{
			{Content: "a", Attachment: true}, {Sticker: true}, {Voice: true}, {Content: "b", Forward: true}, {Content: "c", UnknownComponent: true},
		} {
			alex.Send(s)
		}
		synctest.Wait()
		if len(got) != 5 || len(got[0].Attachments) != 1 || len(got[1].StickerItems) != 1 || got[2].Flags != 8192 || got[3].Content != "" || got[3].MessageSnapshots[0].Message.Content != "b" {
			t.Fatalf("%+v", got)
		}
		if got[4].Author != nil {
			t.Error("discordgo has learnt the unknown component; this test wanted one that it can't read")
		}
	})
}

func TestClosedDMs(t *testing.T) {
	playRight(t, func(st *stage) {
		kit := st.Person("kit")
		hello := &discordgo.MessageSend{Content: "hello"}
		kit.CloseDMs()
		if _, c := st.dm("kit", hello); c != 50007 {
			t.Error("closed DMs:", c)
		}
		kit.LeaveServer()
		if _, c := st.dm("kit", hello); c != 50278 {
			t.Error("no mutual server:", c)
		}
		kit.JoinServer()
		kit.OpenDMs()
		if _, c := st.dm("kit", hello); c != 0 {
			t.Error("open again:", c)
		}
		st.said("bot -> kit: hello")
	})
}

func TestNonce(t *testing.T) {
	play(t, func(st *stage) {
		type body struct {
			Content string `json:"content"`
			Nonce   string `json:"nonce"`
			Enforce bool   `json:"enforce_nonce"`
		}
		send := func(to, nonce string) (string, error) {
			c, err := st.s.UserChannelCreate(st.Person(to).ID())
			must(t, err)
			ep := discordgo.EndpointChannelMessages(c.ID)
			raw, err := st.s.RequestWithBucketID("POST", ep, body{"hello", nonce, true}, ep)
			return string(raw), err
		}
		first, err := send("alex", "n1")
		must(t, err)
		again, _ := send("alex", "n1")
		shared, _ := send("sam", "n1")
		if again != first || shared != first {
			t.Error("one nonce, several messages")
		}
		time.Sleep(6 * time.Minute)
		if late, _ := send("alex", "n1"); late == first {
			t.Error("the nonce was remembered for too long")
		}
		if _, err := send("alex", strings.Repeat("n", 26)); code(err) != 50035 {
			t.Error("long nonce:", err)
		}
		st.said("bot -> alex: hello", "bot -> alex: hello")
		if len(st.Errors()) != 1 {
			t.Error(st.Errors())
		}
	})
}

func TestPings(t *testing.T) {
	play(t, func(st *stage) {
		sam := "<@" + st.Person("sam").ID() + ">"
		text := sam + " @everyone `@here` <@&12>"
		for want, allowed := range map[string]*discordgo.MessageAllowedMentions{
			"@sam @everyone @role": nil,
			"":                     {Parse: []discordgo.AllowedMentionType{}},
			"@everyone":            {Parse: []discordgo.AllowedMentionType{discordgo.AllowedMentionTypeEveryone}},
			"@sam":                 {Parse: []discordgo.AllowedMentionType{}, Users: []string{st.Person("sam").ID()}},
		} {
			st.dm("alex", &discordgo.MessageSend{Content: text, AllowedMentions: allowed})
			all := st.Posted()
			if got := strings.Join(all[len(all)-1].Pings, " "); got != want {
				t.Errorf("%+v pings %q", allowed, got)
			}
		}
	})
}

func TestRefusals(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	rows := func(n int) (cs []discordgo.MessageComponent) {
		for i := range n {
			cs = append(cs, row(button(strconv.Itoa(i)))...)
		}
		return cs
	}
	option := discordgo.SelectMenuOption{Label: "a", Value: "a"}
	play(t, func(st *stage) {
		for name, m := range map[string]*discordgo.MessageSend{
			"content":       {Content: long(2001)},
			"embed title":   {Embed: &discordgo.MessageEmbed{Title: long(257)}},
			"embed total":   {Embeds: []*discordgo.MessageEmbed{{Description: long(4000)}, {Description: long(2001)}}},
			"rows":          {Components: rows(6)},
			"buttons":       {Components: row(button("1"), button("2"), button("3"), button("4"), button("5"), button("6"))},
			"mixed row":     {Components: row(button("1"), discordgo.SelectMenu{CustomID: "s", Options: []discordgo.SelectMenuOption{option}})},
			"label":         {Components: row(button(long(81)))},
			"no label":      {Components: row(discordgo.Button{CustomID: "x", Style: 1})},
			"no custom id":  {Components: row(discordgo.Button{Label: "x", Style: 1})},
			"custom id":     {Components: row(discordgo.Button{Label: "x", Style: 1, CustomID: long(101)})},
			"twice":         {Components: row(button("1"), button("1"))},
			"no options":    {Components: row(discordgo.SelectMenu{CustomID: "s"})},
			"same values":   {Components: row(discordgo.SelectMenu{CustomID: "s", Options: []discordgo.SelectMenuOption{option, option}})},
			"option label":  {Components: row(discordgo.SelectMenu{CustomID: "s", Options: []discordgo.SelectMenuOption{{Label: long(101), Value: "a"}}})},
			"bare button":   {Components: []discordgo.MessageComponent{button("1")}},
			"reply to none": {Content: "x", Reference: &discordgo.MessageReference{MessageID: "1"}},
		} {
			if _, c := st.dm("alex", m); c != 50035 {
				t.Errorf("%s: %d", name, c)
			}
		}
		n := len(st.Errors())
		if _, c := st.dm("alex", &discordgo.MessageSend{}); c != 50006 || len(st.Errors()) != n+1 {
			t.Error("empty:", c)
		}
		if _, err := st.s.ChannelMessageSend("1", "x"); code(err) != 10003 {
			t.Error(err)
		}
		if _, err := st.s.Guild("1"); err == nil || len(st.Errors()) != n+2 {
			t.Error("unknown route:", err)
		}
		if _, err := st.s.ApplicationCommandBulkOverwrite(st.s.State.User.ID, "", []*discordgo.ApplicationCommand{{Name: "Upper", Description: "x"}}); code(err) != 50035 {
			t.Error("upper-case command:", err)
		}
		st.said()
	})
}
