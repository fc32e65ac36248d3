package bot

import (
	"context"
	"strings"

	"aftercare/bot/text"
)

// staticRoutes need nothing but the text: they answer with the database gone.
func (b *Bot) staticRoutes() map[string]handler {
	help := func(context.Context, *event) (reply, error) { return tell(b.help()), nil }
	routes := map[string]handler{
		"care/help":     help,
		"care/lines":    b.lines, // More help
		"talk/no":       func(context.Context, *event) (reply, error) { return show(line(text.T(text.TalkNo))), nil },
		"privacy/about": func(context.Context, *event) (reply, error) { return tell(b.aboutPage(0)), nil },
		"declined":      func(context.Context, *event) (reply, error) { return show(line(text.T(text.Declined))), nil },
	}
	for i, page := range aboutPages {
		routes[page.route] = func(context.Context, *event) (reply, error) { return show(b.aboutPage(i)), nil }
	}
	return routes
}

// lines is More help. On a message about a scene it offers to tell a partner, which
// is asked about once more.
func (b *Bot) lines(_ context.Context, e *event) (reply, error) {
	s := b.help()
	if e.id(0) != 0 {
		s = s.with(talkButton(e.arg(0)))
	}
	return tell(s), nil
}

func (b *Bot) help() say { return b.helpWithin(mostListed, text.HelpLooked) }

// helpWithin never fails, so operator's lines for which there is no room stay out.
// end is its last sentence.
func (b *Bot) helpWithin(most int, end text.Key) say {
	says := text.T(text.Help, "lines", "") + " " + text.T(end)
	var lines strings.Builder
	n := codeUnits(says)
	for _, l := range b.helpLines() {
		next := "\n" + text.T(text.HelpLine, "name", plain(l.Name), "contact", l.Contact, "date", l.Checked.Format("2 January 2006"))
		if n += codeUnits(next); n > most {
			break
		}
		lines.WriteString(next)
	}
	return line(text.T(text.Help, "lines", lines.String()) + " " + text.T(end))
}

// SetHelpLines replaces the operator's help lines, while the bot runs.
func (b *Bot) SetHelpLines(lines []HelpLine) { b.reloaded.Store(&lines) }

func (b *Bot) helpLines() []HelpLine {
	if lines := b.reloaded.Load(); lines != nil {
		return *lines
	}
	return b.o.HelpLines
}

func (b *Bot) operator() string { return displayName(b.o.Operator) }

// marks says when check-ins are, as in "24 hours and 48 hours".
func (b *Bot) marks() string {
	var spans []string
	for _, m := range b.o.Marks {
		spans = append(spans, span(m))
	}
	return list(spans)
}
