package bot

import (
	"context"
	"errors"

	"github.com/bwmarrin/discordgo"

	"aftercare/bot/text"
	"aftercare/store"
)

func (b *Bot) privacyRoutes() map[string]handler {
	return map[string]handler{"privacy/export": b.privacyExport}
}

// aboutPages are what /privacy about says, a page at a time; the first comes first.
// They are the same for everybody, and touch no database.
var aboutPages = []struct {
	route       string
	label, says text.Key
}{
	{"about/first", text.LabelAbout, text.About},
	{"about/kept", text.LabelAboutKept, text.AboutKept},
	{"about/limits", text.LabelAboutLimits, text.AboutLimits},
	{"about/yours", text.LabelAboutYours, text.AboutYours},
}

// aboutPage is one of them, with the way to the others.
func (b *Bot) aboutPage(n int) say {
	var others []discordgo.MessageComponent
	for i, page := range aboutPages {
		if i != n {
			others = append(others, button(text.T(page.label), page.route))
		}
	}
	var values []string
	if says := text.All()[aboutPages[n].says]; len(says.Placeholders()) > 0 {
		values = []string{"operator", b.operator()}
	}
	return line(text.T(aboutPages[n].says, values...)).with(others...)
}

// A person's file has a name that says nothing in a list of downloads, and is no
// bigger than what Discord takes everywhere.
const (
	exportName = "export.json"
	mostExport = 8 << 20
)

var errExportBig = errors.New("more than fits into one file")

// privacyExport hands somebody everything about themself, and nobody else anything.
func (b *Bot) privacyExport(ctx context.Context, e *event) (reply, error) {
	takeout, err := b.store.Takeout(ctx, e.who.ID)
	if errors.Is(err, store.ErrNotAgreed) {
		return tell(line(text.T(text.PrivacyExportNone))), nil
	} else if err != nil {
		return reply{}, err
	}
	return exported([]byte(takeout.Reveal()))
}

func exported(takeout []byte) (reply, error) {
	if len(takeout) > mostExport {
		return reply{}, errExportBig
	}
	s := line(text.T(text.PrivacyExport))
	s.file = &file{name: exportName, kind: "application/json", data: takeout}
	return tell(s), nil
}
