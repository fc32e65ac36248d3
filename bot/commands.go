package bot

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"

	"github.com/bwmarrin/discordgo"

	"aftercare/bot/text"
	"aftercare/store"
)

// commands is the command tree as data. Names and descriptions are neutral: the
// whole server can see them.
func (b *Bot) commands() []*discordgo.ApplicationCommand {
	partner := func(name string) *discordgo.ApplicationCommandOption {
		return opt(discordgo.ApplicationCommandOptionUser, name, text.CmdSceneEndedPartner)
	}
	code := opt(discordgo.ApplicationCommandOptionString, "code", text.CmdPartnerAcceptCode)
	code.Required, code.MaxLength = true, 40
	when := opt(discordgo.ApplicationCommandOptionString, "when", text.CmdSceneEndedWhen)
	when.MaxLength = 100
	every := opt(discordgo.ApplicationCommandOptionString, "when", text.CmdCheckinEveryWhen)
	until := opt(discordgo.ApplicationCommandOptionString, "until", text.CmdCheckinPauseUntil)
	every.MaxLength, until.MaxLength = 100, 100
	size := opt(discordgo.ApplicationCommandOptionString, "size", text.CmdSceneEndedSize)
	for _, s := range sizes {
		size.Choices = append(size.Choices, &discordgo.ApplicationCommandOptionChoice{Name: text.T(s.label), Value: string(s.size)})
	}
	city := opt(discordgo.ApplicationCommandOptionString, "zone", text.CmdSettingsZone)
	city.MaxLength, city.Autocomplete = 60, true
	return []*discordgo.ApplicationCommand{
		b.command("partner", text.CmdPartner,
			sub("invite", text.CmdPartnerInvite, opt(discordgo.ApplicationCommandOptionBoolean, "once", text.CmdPartnerInviteOnce)),
			sub("accept", text.CmdPartnerAccept, code),
			sub("list", text.CmdPartnerList),
			sub("leave", text.CmdPartnerLeave, opt(discordgo.ApplicationCommandOptionUser, "partner", text.CmdPartnerLeavePartner))),
		b.command("scene", text.CmdScene,
			sub("ended", text.CmdSceneEnded, partner("partner"), partner("partner2"), partner("partner3"), when, size),
			sub("undo", text.CmdSceneUndo),
			sub("list", text.CmdSceneList)),
		b.command("checkin", text.CmdCheckin,
			sub("now", text.CmdCheckinNow, opt(discordgo.ApplicationCommandOptionUser, "partner", text.CmdCheckinNowPartner)),
			sub("every", text.CmdCheckinEvery, every, opt(discordgo.ApplicationCommandOptionUser, "partner", text.CmdCheckinEveryPartner)),
			sub("pause", text.CmdCheckinPause, until),
			sub("resume", text.CmdCheckinResume)),
		b.command("care", text.CmdCare,
			sub("card", text.CmdCareCard),
			sub("show", text.CmdCareShow, opt(discordgo.ApplicationCommandOptionUser, "partner", text.CmdCarePartner)),
			sub("words", text.CmdCareWords, opt(discordgo.ApplicationCommandOptionUser, "partner", text.CmdCarePartner)),
			sub("help", text.CmdCareHelp),
			sub("history", text.CmdCareHistory),
			sub("clear", text.CmdCareClear)),
		b.command("settings", text.CmdSettings, city),
		b.command("privacy", text.CmdPrivacy,
			sub("about", text.CmdPrivacyAbout),
			sub("export", text.CmdPrivacyExport),
			sub("erase", text.CmdPrivacyErase)),
	}
}

var sizes = []struct {
	size  store.Size
	label text.Key
}{{store.Light, text.SizeLight}, {store.Usual, text.SizeUsual}, {store.Intense, text.SizeIntense}}

func opt(kind discordgo.ApplicationCommandOptionType, name string, key text.Key) *discordgo.ApplicationCommandOption {
	return &discordgo.ApplicationCommandOption{Type: kind, Name: name, Description: text.T(key)}
}

func sub(name string, key text.Key, options ...*discordgo.ApplicationCommandOption) *discordgo.ApplicationCommandOption {
	o := opt(discordgo.ApplicationCommandOptionSubCommand, name, key)
	o.Options = options
	return o
}

// command returns a command for servers and the DM with the bot, for a bot that
// was added to a server or to an account.
func (b *Bot) command(name string, key text.Key, subs ...*discordgo.ApplicationCommandOption) *discordgo.ApplicationCommand {
	restricted := b.o.AgeRestricted
	return &discordgo.ApplicationCommand{
		Type: discordgo.ChatApplicationCommand, Name: name, Description: text.T(key), Options: subs, NSFW: &restricted,
		Contexts:         &[]discordgo.InteractionContextType{discordgo.InteractionContextGuild, discordgo.InteractionContextBotDM},
		IntegrationTypes: &[]discordgo.ApplicationIntegrationType{discordgo.ApplicationIntegrationGuildInstall, discordgo.ApplicationIntegrationUserInstall},
	}
}

// paths lists the routes of a command tree.
func paths(tree []*discordgo.ApplicationCommand) (out []string) {
	for _, c := range tree {
		whole := true // a command without subcommands is a route of its own
		for _, s := range c.Options {
			if s.Type == discordgo.ApplicationCommandOptionSubCommand {
				out, whole = append(out, c.Name+"/"+s.Name), false
			}
		}
		if whole {
			out = append(out, c.Name)
		}
	}
	return out
}

// register hands the commands to Discord, if they are not the ones it has.
func (b *Bot) register(ctx context.Context) error {
	path := apiVersion + "/applications/" + b.appID + "/commands"
	var have []json.RawMessage
	if err := b.patiently(ctx, http.MethodGet, path, nil, &have); err != nil {
		return err
	}
	want := b.commands()
	same, err := sameCommands(have, want)
	if err != nil || same {
		return err
	}
	b.log.Info("registering the commands, which have changed", "commands", len(want))
	return b.patiently(ctx, http.MethodPut, path, want, nil)
}

// sameCommands compares what Discord has with what is wanted, in the parts that
// we set: Discord adds ids, versions and defaults of its own.
func sameCommands(have []json.RawMessage, want []*discordgo.ApplicationCommand) (bool, error) {
	if len(have) != len(want) {
		return false, nil
	}
	byName := map[string]any{}
	for _, raw := range have {
		var c any
		if err := json.Unmarshal(raw, &c); err != nil {
			return false, err
		}
		essence := commandEssence(c)
		name, _ := essence["name"].(string)
		byName[name] = essence
	}
	for _, w := range want {
		raw, err := json.Marshal(w)
		if err != nil {
			return false, err
		}
		var c any
		if err := json.Unmarshal(raw, &c); err != nil {
			return false, err
		}
		if !reflect.DeepEqual(byName[w.Name], any(commandEssence(c))) {
			return false, nil
		}
	}
	return true, nil
}

var essential = strings.Fields("name description options choices value required autocomplete max_length type nsfw contexts integration_types")

// commandEssence keeps the fields that we set, and drops those that are empty.
func commandEssence(v any) map[string]any {
	in, _ := v.(map[string]any)
	out := map[string]any{"name": ""}
	for _, field := range essential {
		switch x := in[field].(type) {
		case nil:
		case bool:
			if x {
				out[field] = x
			}
		case []any:
			if len(x) > 0 {
				out[field] = essenceOf(x)
			}
		default:
			out[field] = x
		}
	}
	return out
}

func essenceOf(list []any) []any {
	out := make([]any, len(list))
	for i, v := range list {
		if _, ok := v.(map[string]any); ok {
			v = commandEssence(v)
		}
		out[i] = v
	}
	return out
}
