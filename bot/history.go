package bot

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/bwmarrin/discordgo"

	"aftercare/bot/text"
	"aftercare/store"
)

func (b *Bot) historyRoutes() map[string]handler {
	theirs := func(do handler) handler { // each button works for whoever it was made for
		return func(ctx context.Context, e *event) (reply, error) {
			if err := b.ticketed(e); err != nil {
				return reply{}, err
			}
			return do(ctx, e)
		}
	}
	return map[string]handler{
		"care/history":    b.careHistory,
		"history/show":    theirs(func(ctx context.Context, e *event) (reply, error) { return b.history(ctx, e, show, e.arg(2)) }),
		"history/span":    theirs(b.historySpan), // chosen from a menu
		"history/keep":    theirs(b.historyKeep),
		"history/decline": theirs(func(context.Context, *event) (reply, error) { return show(line(text.T(text.HistoryDeclined))), nil }),
		"history/notes":   theirs(b.historyNotes),
		"history/stop":    theirs(b.historyStop),
		"history/delete":  theirs(b.historyDelete),
		"history/remove":  theirs(b.historyRemove),
		"history/removed": theirs(b.historyRemoved), // chosen from a menu
		"trend/read":      theirs(b.trendRead),
		"trend/later":     theirs(b.trendLater),
	}
}

// ownArgs are the arguments of a button for one person: a row, or 0, the ticket for
// it, and what else it is about.
func (b *Bot) ownArgs(who store.Private, row int64, more ...string) []string {
	return append([]string{number(row), b.store.Ticket(who, row)}, more...)
}

// own is a row number and its ticket, which begin the arguments of every button on
// somebody's own history.
type own []string

func (b *Bot) ownHistory(e *event) own { return b.ownArgs(e.who.ID, 0) }

func (o own) args(more ...string) []string { return slices.Concat(o, more) }

func (o own) button(key text.Key, route string, more ...string) discordgo.MessageComponent {
	return button(text.T(key), route, o.args(more...)...)
}

// careHistory serves the command. Whoever has not agreed to anything yet is asked
// for that first, in place.
func (b *Bot) careHistory(ctx context.Context, e *event) (reply, error) {
	r, err := b.history(ctx, e, tell, "")
	if errors.Is(err, store.ErrNotAgreed) {
		return tell(b.keepTerms(thenHistory)), nil
	}
	return r, err
}

type historySpan struct {
	name string
	days int
	says text.Key
}

// historySpans are how much is shown at once; the first is what is shown first.
var historySpans = []historySpan{{"weeks", 28, text.SpanWeeks}, {"months", 91, text.SpanMonths}, {"year", 365, text.SpanYear}}

// allHistory is longer than anything is kept.
const allHistory = 3 * 366 * 24 * time.Hour

// history shows somebody's own history, of a span by its name.
func (b *Bot) history(ctx context.Context, e *event, how func(say) reply, name string) (reply, error) {
	span := historySpans[max(0, slices.IndexFunc(historySpans, func(s historySpan) bool { return s.name == name }))]
	h, err := b.store.History(ctx, e.who.ID, time.Duration(span.days)*24*time.Hour)
	if err != nil {
		return reply{}, err
	}
	s, err := b.ownHistory(e).shown(h, span)
	return how(s), err
}

// shown is somebody's own history, and what they can do with it.
func (o own) shown(h store.History, span historySpan) (s say, err error) {
	notes := o.button(text.LabelHistoryNotes, "history/notes", "on")
	if h.Notes {
		notes = o.button(text.LabelHistoryNonotes, "history/notes", "off")
	}
	stop := o.button(text.LabelHistoryStop, "history/stop", span.name)
	s = say{bare: true}
	switch {
	case !h.On:
		return s.add(text.T(text.HistoryOff)).with(
			o.button(text.LabelHistoryKeep, "history/keep"), o.button(text.LabelNotnow, "history/decline")), nil
	case len(h.Felt) == 0 && !h.More:
		return s.add(text.T(text.HistoryEmpty)).with(notes, stop), nil
	case len(h.Felt) == 0:
		s = s.add(text.T(text.HistoryNone))
	default:
		if s, err = pictured(h, text.T(span.says)); err != nil {
			return say{}, err
		}
	}
	return s.with(o.spanMenu(span.says)).with(o.button(text.LabelHistoryRemove, "history/remove", span.name, "0"), notes, stop), nil
}

func (o own) spanMenu(now text.Key) discordgo.MessageComponent {
	var spans []choice
	for _, s := range historySpans {
		spans = append(spans, choice{text.T(s.says), s.name})
	}
	return menu(text.T(now), spans, "history/span", o...)
}

// pictured is a history as a picture, and in words beside it and inside it.
func pictured(h store.History, span string) (say, error) {
	drawn, err := drawHistory(h)
	if err != nil {
		return say{}, err
	}
	s := say{file: &file{name: "history.png", kind: "image/png", data: drawn, alt: altOf(h)}}
	s = s.add(text.T(text.HistoryShown, "span", span))
	lines, whole := inWords(h, mostHistory)
	s = s.add(lines...)
	if !whole {
		s = s.add(text.T(text.HistoryCut))
	}
	if !h.Zoned {
		s = s.add(text.T(text.HistoryUtc))
	}
	return s.add(text.T(text.HistoryKept)), nil
}

func (b *Bot) historySpan(ctx context.Context, e *event) (reply, error) {
	if len(e.values) == 0 {
		return reply{}, store.ErrGone
	}
	return b.history(ctx, e, show, e.values[0])
}

func (b *Bot) historyKeep(ctx context.Context, e *event) (reply, error) {
	if err := b.store.KeepHistory(ctx, e.who.ID, true); err != nil {
		return reply{}, err
	}
	return show(line(text.T(text.HistoryBegun))), nil
}

// historyNotes switches the private notes on or off, and says so beside the
// history, which stays as it is.
func (b *Bot) historyNotes(ctx context.Context, e *event) (reply, error) {
	on := e.arg(2) == "on"
	if err := b.store.NoteTrends(ctx, e.who.ID, on); err != nil {
		return reply{}, err
	}
	return tell(b.ownHistory(e).noted(on)), nil
}

func (o own) noted(on bool) say {
	if on {
		return line(text.T(text.HistoryNotes)).with(o.button(text.LabelHistoryNonotes, "history/notes", "off"))
	}
	return line(text.T(text.HistoryNonotes))
}

// historyStop asks once.
func (b *Bot) historyStop(_ context.Context, e *event) (reply, error) {
	return show(b.ownHistory(e).stopping(e.arg(2))), nil
}

func (o own) stopping(span string) say {
	return say{bare: true}.add(text.T(text.HistoryStop)).with(
		o.button(text.LabelHistoryDelete, "history/delete"),
		o.button(text.LabelHistoryStay, "history/show", span))
}

func (b *Bot) historyDelete(ctx context.Context, e *event) (reply, error) {
	if err := b.store.KeepHistory(ctx, e.who.ID, false); err != nil {
		return reply{}, err
	}
	return show(say{bare: true}.add(text.T(text.HistoryStopped))), nil
}

// removable is how many feelings one menu offers, beside the way to earlier ones.
const removable = 24

// historyRemove offers single feelings to remove, newest first.
func (b *Bot) historyRemove(ctx context.Context, e *event) (reply, error) {
	if len(e.values) > 0 && e.values[0] != "" && e.values[0][0] == '+' {
		e.args = []string{e.arg(0), e.arg(1), e.arg(2), e.values[0][1:]}
	}
	h, err := b.store.History(ctx, e.who.ID, allHistory)
	if err != nil {
		return reply{}, err
	}
	from, _ := strconv.Atoi(e.arg(3)) // no number is the newest
	if from = max(from, 0); from >= len(h.Felt) {
		return b.history(ctx, e, show, e.arg(2))
	}
	return show(b.ownHistory(e).removing(h, from, e.arg(2))), nil
}

// removing is the menu of feelings, newest first, beginning with so many.
func (o own) removing(h store.History, from int, span string) say {
	var choices []choice
	felt := slices.Clone(h.Felt)
	slices.Reverse(felt)
	for _, f := range felt[from:min(from+removable, len(felt))] {
		at := f.At.In(h.Zone)
		choices = append(choices, choice{
			text.T(text.HistoryChoice, "day", dayIn(at, h.To.In(h.Zone)), "mark", markOf(f), "feeling", feltAs(f.Feeling)), number(f.ID),
		})
	}
	if from+removable < len(felt) {
		choices = append(choices, choice{text.T(text.PickHistoryEarlier), "+" + strconv.Itoa(from+removable)})
	}
	return say{bare: true}.add(text.T(text.HistoryRemove)).
		with(menu(text.T(text.PickHistoryRemove), choices, "history/removed", o.args(span)...)).
		with(o.button(text.LabelHistoryBack, "history/show", span))
}

func (b *Bot) historyRemoved(ctx context.Context, e *event) (reply, error) {
	if len(e.values) == 0 || e.values[0] == "" {
		return reply{}, store.ErrGone
	}
	if e.values[0][0] == '+' {
		return b.historyRemove(ctx, e)
	}
	felt, _ := strconv.ParseInt(e.values[0], 36, 64) // no number finds nothing
	if err := b.store.ForgetFelt(ctx, e.who.ID, felt); err != nil {
		return reply{}, err
	}
	r, err := b.history(ctx, e, show, e.arg(2))
	r.say.words = slices.Concat([]string{text.T(text.HistoryRemoved)}, r.say.words)
	return r, err
}

// trendPrompt is a private note before it was opened. It says what is so when it
// is opened, whatever was so when it came.
func (o own) trendPrompt(says text.Key) say {
	return line(text.T(says)).with(o.button(text.LabelRead, "trend/read"), o.button(text.LabelNotnow, "trend/later"), helpButton())
}

func (b *Bot) trendLater(_ context.Context, e *event) (reply, error) {
	return show(own(b.ownArgs(e.who.ID, e.id(0))).trendPrompt(text.TrendLater)), nil
}

func (b *Bot) trendRead(ctx context.Context, e *event) (reply, error) {
	v, err := b.store.Trend(ctx, e.who.ID)
	if errors.Is(err, store.ErrGone) {
		return show(line(text.T(text.TrendOver)).with(helpButton())), nil
	} else if err != nil {
		return reply{}, err
	}
	return show(trendSays(v)), nil
}

func trendSays(v store.Trend) say {
	return line(text.T(text.TrendSays, "low", strconv.Itoa(v.Low), "all", strconv.Itoa(v.All))).with(helpButton())
}
