package discordtest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"aftercare/bot/discordtest"
)

func TestRender(t *testing.T) {
	play(t, func(st *stage) {
		for text, want := range map[string]string{
			"<t:1795435200:R>":  "in 24 hours",
			"<t:1795348740:R>":  "1 minute ago",
			"<t:1795348815:R>":  "just now",
			"<t:1795608000:R>":  "in 72 hours",
			"<t:1795694400:R>":  "in 4 days",
			"<t:1795348800>":    "22 Nov 2026 12:00 UTC",
			"<t:1795348800:t>":  "12:00 UTC",
			"<t:1795348800:F>":  "Sunday, 22 November 2026 12:00 UTC",
			"**bold** <@1> [x]": "**bold** @1 [x]",
			"one\n\ntwo\n":      "one\ntwo",
		} {
			m, _ := st.dm("alex", &discordgo.MessageSend{Content: text})
			if all := st.Posted(); discordtest.Render(all[len(all)-1]) != want {
				t.Errorf("%s: %s, want %s", m.Content, discordtest.Render(all[len(all)-1]), want)
			}
		}
	})
}

func TestForms(t *testing.T) {
	play(t, func(st *stage) {
		alex := st.Person("alex")
		st.on = func(i *discordgo.InteractionCreate) {
			long := func(n int) string { return strings.Repeat("x", n) }
			input := discordgo.TextInput{CustomID: "a", Label: "A", Style: discordgo.TextInputParagraph}
			respond := func(d *discordgo.InteractionResponseData) int {
				return code(st.s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{Type: discordgo.InteractionResponseModal, Data: d}))
			}
			if i.Type == discordgo.InteractionModalSubmit {
				if c := respond(&discordgo.InteractionResponseData{CustomID: "f", Title: "F", Components: row(input)}); c != 50035 {
					t.Error("a form in answer to a form:", c)
				}
				err := st.s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{Type: discordgo.InteractionResponseUpdateMessage})
				if code(err) != 50035 {
					t.Error("nothing to update:", err)
				}
				data := i.ModalSubmitData()
				first := data.Components[0].(*discordgo.ActionsRow).Components[0].(*discordgo.TextInput)
				st.respond(i, discordgo.InteractionResponseChannelMessageWithSource, &discordgo.InteractionResponseData{Content: first.Value})
				return
			}
			bad := input
			bad.Label = long(46)
			for name, d := range map[string]*discordgo.InteractionResponseData{
				"title": {CustomID: "f", Title: long(46), Components: row(input)},
				"none":  {CustomID: "f", Title: "F"},
				"label": {CustomID: "f", Title: "F", Components: row(bad)},
				"two":   {CustomID: "f", Title: "F", Components: append(row(input), row(input)...)},
			} {
				if c := respond(d); c != 50035 {
					t.Error(name, c)
				}
			}
			input.Value = "before\nand after"
			second := discordgo.TextInput{CustomID: "b", Label: "B", Style: discordgo.TextInputShort}
			if c := respond(&discordgo.InteractionResponseData{CustomID: "f", Title: "F", Components: append(row(input), row(second)...)}); c != 0 {
				t.Error(c)
			}
		}
		must(t, alex.RunInDM("/scene ended partner:@sam"))
		st.said("form for alex: F\n    A: before\n      and after\n    B")
		if title, fields, open := alex.Form(); title != "F" || strings.Join(fields, " ") != "A B" || !open {
			t.Error(title, fields, open)
		}
		must(t, alex.Submit(nil))
		st.said("bot -> alex: before\n      and after")
		if alex.Submit(nil) == nil {
			t.Error("a form was sent twice")
		}
		if n := len(st.Errors()); n != 6 {
			t.Error(n, st.Errors())
		}
	})
}

func TestTokenEnds(t *testing.T) {
	play(t, func(st *stage) {
		var kept *discordgo.Interaction
		st.on = func(i *discordgo.InteractionCreate) {
			kept = i.Interaction
			st.respond(i, discordgo.InteractionResponseChannelMessageWithSource, &discordgo.InteractionResponseData{Content: "x", Components: row(button("Go"))})
		}
		must(t, st.Person("alex").RunInDM("/scene ended partner:@sam"))
		st.said("bot -> alex: x\n      [Go]")
		time.Sleep(16 * time.Minute)
		text := "late"
		if _, err := st.s.InteractionResponseEdit(kept, &discordgo.WebhookEdit{Content: &text}); code(err) != 50027 {
			t.Error(err)
		}
		kept.Token = "none"
		if _, err := st.s.InteractionResponseEdit(kept, &discordgo.WebhookEdit{Content: &text}); code(err) != 10015 {
			t.Error(err)
		}
	})
}
