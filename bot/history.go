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
	return map[string]handler{
		"care/history":    func(ctx context.Context, e *event) (reply, error) { return b.history(ctx, e, tell, e.arg(0)) },
		"history/show":    func(ctx context.Context, e *event) (reply, error) { return b.history(ctx, e, show, e.arg(0)) },
		"history/span":    b.historySpan, // chosen from a menu
		"history/keep":    b.historyKeep,
		"history/decline": func(context.Context, *event) (reply, error) { return show(line(text.T(text.HistoryDeclined))), nil },
		"history/notes":   b.historyNotes,
		"history/stop":    b.historyStop,
		"history/delete":  b.historyDelete,
		"history/remove":  b.historyRemove,
		"history/removed": b.historyRemoved, // chosen from a menu
		"trend/read":      b.trendRead,
		"trend/later":     func(context.Context, *event) (reply, error) { return show(trendPrompt(text.TrendLater)), nil },
	}
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
	notes := button(text.T(text.LabelHistoryNotes), "history/notes", "on")
	if h.Notes {
		notes = button(text.T(text.LabelHistoryNonotes), "history/notes", "off")
	}
	stop := button(text.T(text.LabelHistoryStop), "history/stop", span.name)
	s := say{bare: true}
	switch {
	case !h.On:
		return how(s.add(text.T(text.HistoryOff)).with(
			button(text.T(text.LabelHistoryKeep), "history/keep"), button(text.T(text.LabelNotnow), "history/decline"))), nil
	case len(h.Felt) == 0 && !h.More:
		return how(s.add(text.T(text.HistoryEmpty)).with(notes, stop)), nil
	case len(h.Felt) == 0:
		s = s.add(text.T(text.HistoryNone))
	default:
		if s, err = pictured(h, text.T(span.says)); err != nil {
			return reply{}, err
		}
	}
	return how(s.with(spanMenu(span.says)).with(button(text.T(text.LabelHistoryRemove), "history/remove", span.name, "0"), notes, stop)), nil
}

func spanMenu(now text.Key) discordgo.MessageComponent {
	var spans []choice
	for _, s := range historySpans {
		spans = append(spans, choice{text.T(s.says), s.name})
	}
	return menu(text.T(now), spans, "history/span")
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
	on := e.arg(0) == "on"
	if err := b.store.NoteTrends(ctx, e.who.ID, on); err != nil {
		return reply{}, err
	}
	if on {
		return tell(line(text.T(text.HistoryNotes)).with(button(text.T(text.LabelHistoryNonotes), "history/notes", "off"))), nil
	}
	return tell(line(text.T(text.HistoryNonotes))), nil
}

// historyStop asks once.
func (b *Bot) historyStop(_ context.Context, e *event) (reply, error) {
	s := say{bare: true}.add(text.T(text.HistoryStop)).with(
		button(text.T(text.LabelHistoryDelete), "history/delete"),
		button(text.T(text.LabelHistoryStay), "history/show", e.arg(0)))
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
		e.args = []string{e.arg(0), e.values[0][1:]}
	}
	h, err := b.store.History(ctx, e.who.ID, allHistory)
	if err != nil {
		return reply{}, err
	}
	slices.Reverse(h.Felt)
	from, _ := strconv.Atoi(e.arg(1)) // no number is the newest
	if from = max(from, 0); from >= len(h.Felt) {
		return b.history(ctx, e, show, e.arg(0))
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
		with(menu(text.T(text.PickHistoryRemove), choices, "history/removed", e.arg(0))).
		with(button(text.T(text.LabelHistoryBack), "history/show", e.arg(0)))), nil
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
	r, err := b.history(ctx, e, show, e.arg(0))
	r.say.words = slices.Concat([]string{text.T(text.HistoryRemoved)}, r.say.words)
	return r, err
}

// trendPrompt is a private note before it was opened. Its buttons name no row:
// the note says what is so when it is opened.
func trendPrompt(says text.Key) say {
	return line(text.T(says)).with(
		button(text.T(text.LabelRead), "trend/read"), button(text.T(text.LabelNotnow), "trend/later"), helpButton())
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
