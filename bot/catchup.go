package bot

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"aftercare/store"
)

const (
	pageSize  = 100
	mostPages = 20 // of one DM; whoever typed more than that meanwhile is heard in part
	catchUpIn = 30 * time.Minute
	lookAgain = time.Minute // after a look that could not see everything
)

// lookThrough has the open conversations looked through, behind a look that is
// under way: what was typed since then it may not have seen. It goes on until one
// has seen everything.
func (b *Bot) lookThrough() {
	if b.gaps.open(&b.looks) > 1 {
		return
	}
	b.outcomes.busy.Go(func() {
		from := map[string]store.Private{}
		for {
			n := b.looks.Load()
			whole := false
			b.people.guard(func() { whole = b.catchUp(b.stopping, from) })
			if !whole {
				if !sleep(b.stopping, lookAgain) {
					return
				}
			} else if b.looks.CompareAndSwap(n, 0) {
				return
			}
		}
	})
}

// catchUp looks through the open conversations for what was typed while we did
// not hear. The gateway replays messages only to a session that it still knows;
// Discord's history always has them. Each goes the way of one just typed, and
// what was heard already is not heard twice. It tells whether it saw everything.
//
// from has, by account, where a look began that did not see everything: what was
// heard since then is no sign that what came before it was.
func (b *Bot) catchUp(ctx context.Context, from map[string]store.Private) (whole bool) {
	ctx, cancel := context.WithTimeout(ctx, catchUpIn)
	defer cancel()
	looks := b.looks.Load()
	open, err := b.store.Conversations(ctx)
	if err != nil {
		b.log.Error("the open conversations could not be listed; trying again. If it goes on, see aftercare check", "in", lookAgain, "err", err)
		return false
	}
	look := b.listed(ctx, open, looks)
	found, whole := 0, true
	for _, c := range open {
		if first, ok := from[c.With.Reveal()]; ok {
			c.After = first
		}
		from[c.With.Reveal()] = c.After
		n, err := b.catchUpWith(ctx, c, look)
		found += n
		if ctx.Err() != nil || errors.Is(err, ErrToken) {
			return false
		}
		if err != nil {
			b.log.Warn("a conversation could not be looked through for what was typed meanwhile", "err", err)
			_, again := worthAnother(err, 0)
			whole = whole && !again
			if again {
				continue
			}
			b.gaps.close(c.With.Reveal(), look)
		}
		delete(from, c.With.Reveal())
	}
	if found > 0 {
		b.log.Info("heard what was typed meanwhile", "messages", found)
	}
	return whole
}

func (b *Bot) catchUpWith(ctx context.Context, c store.Conversation, look int) (found int, err error) {
	after := c.After.Reveal()
	var missed []message
	b.owners.learn(c.Channel.Reveal(), c.With.Reveal()) // a deletion is behind what it is about
	for range mostPages {
		var page []message
		path := messagesPath(c.Channel) + "?limit=" + strconv.Itoa(pageSize) + "&after=" + after
		if err := b.patiently(ctx, http.MethodGet, path, nil, &page); err != nil {
			return 0, err
		}
		slices.SortFunc(page, func(x, y message) int { return compareIDs(x.ID, y.ID) })
		for _, m := range page {
			after = m.ID
			m.ChannelID = c.Channel.Reveal()
			if m.typed() {
				missed = append(missed, m)
			}
		}
		if len(page) < pageSize {
			break
		}
	}
	b.people.queue(c.With.Reveal(), func() {
		told, last := b.gaps.close(c.With.Reveal(), look)
		if last {
			after = told.newest(after)
		}
		if after == c.After.Reveal() {
			return
		}
		defer b.Wake() // not after each: one message says what was understood of all of them
		for i := range missed {
			m := &missed[i]
			if edited, ok := told[m.ID]; ok && edited == nil {
				continue // heard already, or deleted since
			} else if ok {
				m.Content = edited.Content
			}
			b.takes(m, false, false)
		}
		b.lookedTo(ctx, c.With, after)
	})
	return len(missed), nil
}

// listed notes which DMs will be looked through, and of the others how far they are
// known. looks is how many looks were asked for before they were listed. It returns
// the name of this one.
func (b *Bot) listed(ctx context.Context, open []store.Conversation, looks int64) (look int) {
	var accounts []string
	for _, c := range open {
		accounts = append(accounts, c.With.Reveal())
	}
	look, others := b.gaps.list(accounts, func() bool { return b.looks.Load() == looks })
	for account, t := range others {
		b.people.queue(account, func() { b.lookedTo(ctx, store.Secret(account), t.newest("")) })
	}
	return look
}

// lookedTo notes how far a DM was looked through, in its person's line. It is noted
// last, so that a crash before it has what was found looked for again.
func (b *Bot) lookedTo(ctx context.Context, with store.Private, after string) {
	if b.behind(with.Reveal()) {
		return // looked through again after the next connection
	}
	if err := b.store.Seen(context.WithoutCancel(ctx), with, store.Secret(after)); err != nil && !errors.Is(err, store.ErrNotAgreed) {
		b.log.Error("how far a conversation was looked through could not be noted", "err", err)
	}
}

// compareIDs orders Discord's ids, which rise with time and are numbers of
// different length.
func compareIDs(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	if a < b {
		return -1
	} else if a > b {
		return 1
	}
	return 0
}
