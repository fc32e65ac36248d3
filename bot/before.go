package bot

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"aftercare/bot/text"
	"aftercare/store"
)

// Words that hold one of the published phrases (text.Phrases) are shown the help
// page, to their writer alone, before they go out. Whether they do is found out
// from the words themselves each time a message is put together. It is kept in no
// table, named in no log and counted by nobody; nothing is blocked.

// withHelp puts the help page above somebody's own words and what they can do
// with them. with says whom they are for, to whoever has several partners.
func (b *Bot) withHelp(s say, with say, words string, question text.Key) say {
	const room = 500 // for what stands below it
	s.words = append(b.helpWithin(mostListed-room, text.HelpShown).words, with.words...)
	if words != "" {
		s = s.add("> " + within(shorten(words, 150), 200))
	}
	return s.add(text.T(question))
}

// helpDue tells whether the help page comes before an answer goes out.
func helpDue(a store.Answer) bool { return a.Anew || text.HelpFirst(allWords(a)) }

// checkinShown is checkinSays, with the help page where that is due.
func (b *Bot) checkinShown(delivery int64, c store.CheckIn) say {
	s := checkinSays(delivery, c)
	words := allWords(c.Answer)
	if c.Step != store.StepShare || c.Panel || !helpDue(c.Answer) {
		return s
	}
	p := panel{number(delivery), c}
	goes := append([]string{text.T(text.CheckinMineGist, "gist", gist(c.Answer))}, p.cardGoes()...)
	if len(c.Readers) != 1 {
		return b.withHelp(s, line(goes...), words, text.PhraseChoose)
	}
	pact := number(c.Readers[0].Pact)
	s.rows = nil
	return b.withHelp(s.with(
		p.to(text.LabelSend, "checkin/share", pact, string(store.ShareWords)),
		p.to(text.LabelGist, "checkin/share", pact, string(store.ShareGist)),
		p.to(text.LabelChange, "checkin/write"),
		p.to(text.LabelKeepback, "checkin/share", pact, string(store.ShareKept))).
		with(p.ways()...), p.with().add(goes...), words, text.PhraseYours)
}

// offerShown is offerSays, with the help page where that is due.
func (b *Bot) offerShown(delivery int64, o store.Offer) say {
	s := offerSays(delivery, o)
	words := allWords(o.Answer)
	if o.Done || !helpDue(o.Answer) {
		return s
	}
	return b.withHelp(s, say{}, words, text.PhrasePass)
}

// held are forms whose words would have gone out at once, one for each person,
// until they decide. They are in memory alone.
type held struct {
	mu   sync.Mutex
	last int64
	by   map[string]heldForm
}

type heldForm struct {
	n  int64
	e  event
	at time.Time
}

const (
	holdFor  = time.Hour
	mostHeld = 1000 // people at once
	holding  = "~"  // begins what is done with held words, among the arguments
)

// hold keeps a form and returns its number.
func (h *held) hold(e event, now time.Time) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.by == nil {
		h.by = map[string]heldForm{}
	}
	maps.DeleteFunc(h.by, func(_ string, f heldForm) bool { return now.Sub(f.at) > holdFor })
	if len(h.by) >= mostHeld {
		oldest := slices.MinFunc(slices.Collect(maps.Keys(h.by)), func(a, b string) int { return h.by[a].at.Compare(h.by[b].at) })
		delete(h.by, oldest)
	}
	h.last++
	h.by[e.who.ID.Reveal()] = heldForm{n: h.last, e: e, at: now}
	return h.last
}

// get returns a form that is held for somebody.
func (h *held) get(who store.Private, n int64, now time.Time) (e event, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f, ok := h.by[who.Reveal()]
	if !ok || f.n != n || now.Sub(f.at) > holdFor {
		return e, false
	}
	return f.e, true
}

func (h *held) drop(who store.Private) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.by, who.Reveal())
}

// helpFirst makes a handler that takes words from a form show the help page where
// that is due, if the words would go out at once. The buttons are of the same
// route as the form, so that a log line about one is like any other.
func (b *Bot) helpFirst(do handler, goesOut func(context.Context, *event) (bool, error)) handler {
	return func(ctx context.Context, e *event) (reply, error) {
		if n := len(e.args); !e.inForm && n >= 2 && strings.HasPrefix(e.args[n-2], holding) {
			return b.decided(ctx, e, do)
		}
		if !e.inForm {
			return do(ctx, e)
		}
		changed := len(e.args) > 0 && e.args[len(e.args)-1] == holding
		if changed {
			e.args = e.args[:len(e.args)-1]
		}
		words := strings.TrimSpace(e.options[formField])
		if !text.HelpFirst(words) {
			if changed {
				return b.release(ctx, e, do)
			}
			return do(ctx, e)
		}
		if goes, err := goesOut(ctx, e); err != nil {
			return reply{}, err
		} else if !goes {
			return do(ctx, e) // it will be asked who sees them, and then help comes first
		}
		n := number(b.held.hold(*e, b.store.Now()))
		to := func(key text.Key, act string) discordButton {
			return button(text.T(key), e.path, append(slices.Clone(e.args), holding+act, n)...)
		}
		return tell(b.withHelp(say{}, say{}, words, text.PhraseYours).
			with(to(text.LabelSend, "send"), to(text.LabelChange, "change"), to(text.LabelKeepback, "keep"))), nil
	}
}

// backGoesOut is for words that are sent back, which always go out at once.
func (b *Bot) backGoesOut(ctx context.Context, e *event) (bool, error) {
	_, err := b.store.Relay(ctx, e.who.ID, e.id(0))
	return err == nil, err
}

// decided does with held words what their writer chose. ErrGone after a restart,
// or an hour: their beginning stands in the message.
func (b *Bot) decided(ctx context.Context, e *event, do handler) (reply, error) {
	act := e.args[len(e.args)-2]
	f, ok := b.held.get(e.who.ID, e.id(len(e.args)-1), b.store.Now())
	if !ok || f.path != e.path {
		return reply{}, store.ErrGone
	}
	switch act {
	case holding + "send":
		return b.release(ctx, &f, do)
	case holding + "change":
		asked := f
		asked.inForm = false
		r, err := do(ctx, &asked)
		if r.form != nil {
			r.form.fields[0].value = f.options[formField]
			r.form.args = append(slices.Clone(f.args), holding)
		}
		return r, err
	}
	b.held.drop(e.who.ID)
	return show(line(text.T(text.PhraseKept))), nil
}

// release lets words go, and has the message that they belong to shown as it is then.
func (b *Bot) release(ctx context.Context, e *event, do handler) (reply, error) {
	r, err := do(ctx, e)
	if err != nil {
		return reply{}, err // and they can try again
	}
	b.held.drop(e.who.ID)
	if strings.HasPrefix(e.path, "care/") {
		return r, nil // kind words belong to no message
	}
	if err := b.store.Reshow(ctx, e.who.ID, e.id(0)); err != nil {
		return reply{}, err
	}
	if strings.TrimSpace(e.options[formField]) == "" {
		return show(line(text.T(text.TalkBack))), nil
	}
	return show(line(text.T(text.RelaySent))), nil
}

// answerIsOut tells whether new words to a check-in go out at once: somebody has
// been given what was answered.
func (b *Bot) answerIsOut(ctx context.Context, e *event) (bool, error) {
	c, err := b.store.CheckIn(ctx, e.who.ID, e.id(0))
	return c.Changing && c.Answer.Shared, err
}
