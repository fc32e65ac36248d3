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
	own := func(do handler) handler { // each button works for whoever it was made for
		return func(ctx context.Context, e *event) (reply, error) {
			if err := b.ticketed(e); err != nil {
				return reply{}, err
			}
			return do(ctx, e)
		}
	}
	return map[string]handler{
		"care/history":    func(ctx context.Context, e *event) (reply, error) { return b.history(ctx, e, tell, "") },
		"history/show":    own(func(ctx context.Context, e *event) (reply, error) { return b.history(ctx, e, show, e.arg(2)) }),
		"history/span":    own(b.historySpan), // chosen from a menu
		"history/keep":    own(b.historyKeep),
		"history/decline": own(func(context.Context, *event) (reply, error) { return show(line(text.T(text.HistoryDeclined))), nil }),
		"history/notes":   own(b.historyNotes),
		"history/stop":    own(b.historyStop),
		"history/delete":  own(b.historyDelete),
		"history/remove":  own(b.historyRemove),
		"history/removed": own(b.historyRemoved), // chosen from a menu
		"trend/read":      own(b.trendRead),
		"trend/later":     own(b.trendLater),
	}
}

// ownArgs are the arguments of a button for one person: a row, or 0, the ticket for
// it, and what else it is about.
func (b *Bot) ownArgs(who store.Private, row int64, more ...string) []string {
	return append([]string{number(row), b.store.Ticket(who, row)}, more...)
}

// ownButton is a button on somebody's own history.
func (b *Bot) ownButton(e *event, key text.Key, route string, more ...string) discordgo.MessageComponent {
	return button(text.T(key), route, b.ownArgs(e.who.ID, 0, more...)...)
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
	notes := b.ownButton(e, text.LabelHistoryNotes, "history/notes", "on")
	if h.Notes {
		notes = b.ownButton(e, text.LabelHistoryNonotes, "history/notes", "off")
	}
	stop := b.ownButton(e, text.LabelHistoryStop, "history/stop", span.name)
	s := say{bare: true}
	switch {
	case !h.On:
		return how(s.add(text.T(text.HistoryOff)).with(
			b.ownButton(e, text.LabelHistoryKeep, "history/keep"), b.ownButton(e, text.LabelNotnow, "history/decline"))), nil
	case len(h.Felt) == 0 && !h.More:
		return how(s.add(text.T(text.HistoryEmpty)).with(notes, stop)), nil
	case len(h.Felt) == 0:
		s = s.add(text.T(text.HistoryNone))
	default:
		if s, err = pictured(h, text.T(span.says)); err != nil {
			return reply{}, err
		}
	}
	return how(s.with(b.spanMenu(e, span.says)).with(b.ownButton(e, text.LabelHistoryRemove, "history/remove", span.name, "0"), notes, stop)), nil
}

func (b *Bot) spanMenu(e *event, now text.Key) discordgo.MessageComponent {
	var spans []choice
	for _, s := range historySpans {
		spans = append(spans, choice{text.T(s.says), s.name})
	}
	return menu(text.T(now), spans, "history/span", b.ownArgs(e.who.ID, 0)...)
}

// pictured is a history as a picture, and in words beside it and inside it.
func pictured(h store.History, span string) (say, error) {
	drawn, err := drawHistory(h)
	if err != nil {
		return say{}, err
	}
	s := say{picture: &picture{png: drawn, alt: altOf(h)}}
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
	if on {
		return tell(line(text.T(text.HistoryNotes)).with(b.ownButton(e, text.LabelHistoryNonotes, "history/notes", "off"))), nil
	}
	return tell(line(text.T(text.HistoryNonotes))), nil
}

// historyStop asks once.
func (b *Bot) historyStop(_ context.Context, e *event) (reply, error) {
	s := say{bare: true}.add(text.T(text.HistoryStop)).with(
		b.ownButton(e, text.LabelHistoryDelete, "history/delete"),
		b.ownButton(e, text.LabelHistoryStay, "history/show", e.arg(2)))
	return show(s), nil
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
	slices.Reverse(h.Felt)
	from, _ := strconv.Atoi(e.arg(3)) // no number is the newest
	if from = max(from, 0); from >= len(h.Felt) {
		return b.history(ctx, e, show, e.arg(2))
	}
	var choices []choice
	for _, f := range h.Felt[from:min(from+removable, len(h.Felt))] {
		at := f.At.In(h.Zone)
		choices = append(choices, choice{
			text.T(text.HistoryChoice, "day", dayIn(at, h.To.In(h.Zone)), "mark", markOf(f), "feeling", feltAs(f.Feeling)), number(f.ID),
		})
	}
	if from+removable < len(h.Felt) {
		choices = append(choices, choice{text.T(text.PickHistoryEarlier), "+" + strconv.Itoa(from+removable)})
	}
	return show(say{bare: true}.add(text.T(text.HistoryRemove)).
		with(menu(text.T(text.PickHistoryRemove), choices, "history/removed", b.ownArgs(e.who.ID, 0, e.arg(2))...)).
		with(b.ownButton(e, text.LabelHistoryBack, "history/show", e.arg(2)))), nil
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
func (b *Bot) trendPrompt(says text.Key, to store.Private, delivery int64) say {
	args := b.ownArgs(to, delivery)
	return line(text.T(says)).with(
		button(text.T(text.LabelRead), "trend/read", args...), button(text.T(text.LabelNotnow), "trend/later", args...), helpButton())
}

func (b *Bot) trendLater(_ context.Context, e *event) (reply, error) {
	return show(b.trendPrompt(text.TrendLater, e.who.ID, e.id(0))), nil
}

func (b *Bot) trendRead(ctx context.Context, e *event) (reply, error) {
	v, err := b.store.Trend(ctx, e.who.ID)
	if errors.Is(err, store.ErrGone) {
		return show(line(text.T(text.TrendOver)).with(helpButton())), nil
	} else if err != nil {
		return reply{}, err
	}
	return show(line(text.T(text.TrendSays, "low", strconv.Itoa(v.Low), "all", strconv.Itoa(v.All))).with(helpButton())), nil
}
