package bot

import (
	"context"
	"errors"
	"net/http"
	"time"

	"aftercare/bot/text"
	"aftercare/store"
)

// Send implements scheduler.Sender: it brings one message in somebody's DM in
// line with what they are owed. Given the same delivery again it posts with the
// same nonce, which Discord shows once.
func (b *Bot) Send(ctx context.Context, d store.Delivery) (sent store.Sent, err error) {
	defer func() { b.outcomes.tell(d.ID, err) }()
	c, err := b.store.Content(ctx, d)
	if err != nil {
		return store.Sent{}, notYet(err)
	}
	if c.Want == store.Edit && c.Message.IsZero() {
		c.Want = store.Post // people did something to it between claim and now, and it stands nowhere yet
	}
	if found, err := b.findUnsure(ctx, d, c); err != nil {
		return store.Sent{}, notYet(err)
	} else if found != nil && c.Want == store.Post {
		sent, err = b.inLine(ctx, c, found)
		return sent, refusal(err, d.Attempts)
	} else if found != nil {
		if c.Want == store.Delete {
			if err := b.remove(ctx, c); err != nil { // the one before, whose place it took
				return store.Sent{}, refusal(err, d.Attempts)
			}
		}
		c.Message = store.Secret(found.ID)
	}
	sent = store.Sent{Channel: c.Channel, Message: c.Message}
	switch c.Want {
	case store.Delete:
		err = b.remove(ctx, c)
		sent.Message = store.Private{}
	case store.Edit:
		var gone bool
		if c.Kind == store.KindRelay {
			gone, err = b.editRelay(ctx, d, c)
		} else {
			gone, err = b.edit(ctx, c)
		}
		asks := c.CheckIn != nil && !c.CheckIn.Panel || c.After != nil
		if gone && asks && !d.UnsureSince.IsZero() {
			if c.Paused {
				return store.Sent{}, store.ErrGone // paused just now: it waits
			}
			c.Message = store.Private{} // it made room for one that never got there
			sent, err = b.post(ctx, c, true)
		} else if gone {
			sent.Message = store.Private{}
		}
	default:
		sent, err = b.post(ctx, c, !d.UnsureSince.IsZero())
	}
	return sent, refusal(err, d.Attempts)
}

// refusal says what Discord's answer means for a delivery (discord.md 3.1).
func refusal(err error, attempts int) error {
	switch {
	case hasCode(err, codeCannotSend, codeNoMutualServer, codeUnknownUser):
		return store.ErrRefused
	case hasCode(err, codeMissingAccess) && attempts >= 3: // comes in bursts that mean nothing
		return store.ErrRefused
	case hasCode(err, codeOpeningTooFast):
		return store.RetryError{After: 10 * time.Minute}
	}
	return unsent(err)
}

// notYet marks an error from before anything was sent.
func notYet(err error) error {
	if errors.Is(err, store.ErrGone) {
		return err
	}
	var retry store.RetryError
	if errors.As(err, &retry) {
		return retry
	}
	return store.NotSentError{Err: err}
}

// unsent marks the errors after which a message is surely not at Discord: ours,
// and Discord's own refusals. After anything else nobody knows.
func unsent(err error) error {
	var refused restError
	switch {
	case err == nil || errors.Is(err, store.ErrGone):
		return err
	case errors.As(err, &refused) && refused.Status < 500, errors.Is(err, ErrToken):
		return store.NotSentError{Err: err}
	}
	return err
}

func messagesPath(channel store.Private) string {
	return apiVersion + "/channels/" + channel.Reveal() + "/messages"
}

func (b *Bot) remove(ctx context.Context, c store.Content) error {
	if c.Message.IsZero() {
		return nil // it was looked for and never got there
	}
	err := b.call(ctx, http.MethodDelete, messagesPath(c.Channel)+"/"+c.Message.Reveal(), nil, nil)
	if hasCode(err, codeUnknownMessage, codeUnknownChannel) {
		return nil // it is gone, which is what was wanted
	}
	return err
}

// edit changes the message that stands there. Somebody may have taken it out.
func (b *Bot) edit(ctx context.Context, c store.Content) (gone bool, err error) {
	s, err := b.words(ctx, c)
	if err != nil {
		return false, err
	}
	err = b.call(ctx, http.MethodPatch, messagesPath(c.Channel)+"/"+c.Message.Reveal(), s.payload(), nil)
	if hasCode(err, codeUnknownMessage, codeUnknownChannel) {
		return true, nil
	}
	return false, err
}

// editRelay is edit for what was left for somebody. It is done only if it changes for
// them: Discord shows when a message was edited last, and that is no business of
// theirs otherwise. For somebody who has paused it closes then.
func (b *Bot) editRelay(ctx context.Context, d store.Delivery, c store.Content) (gone bool, err error) {
	s, err := b.words(ctx, c)
	if err != nil {
		return false, err
	}
	var there message
	err = b.call(ctx, http.MethodGet, messagesPath(c.Channel)+"/"+c.Message.Reveal(), nil, &there)
	switch {
	case hasCode(err, codeUnknownMessage, codeUnknownChannel):
		return true, nil
	case err != nil || there.shows(s):
		return false, err
	case !c.Paused:
		return b.edit(ctx, c)
	}
	if err := b.store.CloseRelay(ctx, d); err != nil || c.Part > 0 {
		return false, err
	}
	if c, err = b.store.Content(ctx, d); err != nil || c.Want != store.Edit {
		return false, err // taken back just now: it is looked at again
	}
	return b.edit(ctx, c)
}

// post posts a message. again says that an earlier try may have got there.
func (b *Bot) post(ctx context.Context, c store.Content, again bool) (store.Sent, error) {
	s, err := b.words(ctx, c)
	if err != nil {
		return store.Sent{}, err
	}
	p := s.payload()
	p.Nonce, p.Enforce = c.Nonce, true
	if c.Silent || c.Kind == store.KindPanel || c.Kind == store.KindOffer || c.Part > 0 {
		p.Flags |= flagSilent // it wakes nobody; or its reader is right here, and no lock screen shows their words
	}
	channel := c.Channel
	if channel.IsZero() {
		if channel, err = b.openDM(ctx, c.To); err != nil {
			return store.Sent{}, err
		}
	}
	if err := b.makeRoom(ctx, c); err != nil {
		return store.Sent{}, err
	}
	message, err := b.postTo(ctx, channel, p)
	if hasCode(err, codeUnknownChannel) {
		if channel, err = b.openDM(ctx, c.To); err != nil {
			return store.Sent{}, err
		}
		message, err = b.postTo(ctx, channel, p)
	}
	if hasCode(err, codeUnknownMessage) { // it was posted with this nonce, and its reader deleted it
		return store.Sent{}, store.ErrGone
	}
	if err == nil && again {
		c.Channel = channel
		return b.inLine(ctx, c, &message)
	}
	return store.Sent{Channel: channel, Message: store.Secret(message.ID)}, err
}

// makeRoom takes out the message whose place a check-in that comes again takes.
// Done after the post, a failure of it would leave both. One that Discord will not
// take out stays.
func (b *Bot) makeRoom(ctx context.Context, c store.Content) error {
	if c.Message.IsZero() {
		return nil
	}
	err := b.remove(ctx, c)
	var refused restError
	if errors.As(err, &refused) && refused.Status < 500 && refused.Status != http.StatusUnauthorized {
		b.log.Warn("the message before could not be taken out", "err", err)
		return nil
	}
	if err != nil {
		return notYet(err)
	}
	return nil
}

func (b *Bot) postTo(ctx context.Context, channel store.Private, p payload) (m message, err error) {
	err = b.call(ctx, http.MethodPost, messagesPath(channel), p, &m)
	return m, err
}

func (b *Bot) openDM(ctx context.Context, to store.Private) (store.Private, error) {
	var ch struct {
		ID string `json:"id"`
	}
	if wait := b.opens.turn(); wait > 0 {
		return store.Private{}, comeBack(wait)
	}
	err := b.call(ctx, http.MethodPost, apiVersion+"/users/@me/channels", map[string]string{"recipient_id": to.Reveal()}, &ch)
	if err == nil && ch.ID == "" {
		err = errors.New("no DM was opened")
	}
	return store.Secret(ch.ID), err
}

// words puts a delivery into words. A relay whose words changed may need more
// messages than before, or fewer.
func (b *Bot) words(ctx context.Context, c store.Content) (say, error) {
	switch c.Kind {
	case store.KindHello:
		return line(text.T(text.Hello)), nil
	case store.KindLinked:
		return line(text.T(text.Linked)), nil
	case store.KindNotice:
		return noticeSays(c.Delivery, *c.Notice), nil
	case store.KindCheckIn, store.KindPanel:
		return b.checkinShown(c.Delivery, *c.CheckIn), nil
	case store.KindOffer:
		return b.offerShown(c.Delivery, *c.Offer), nil
	case store.KindAfter, store.KindMoment:
		return b.afterShown(c.Delivery, *c.After), nil
	case store.KindRelay:
		if c.Want == store.Post {
			c.Relay.Answer.Forgotten = false // nothing stands there that could stay
		}
		all := relayParts(*c.Relay)
		if c.Part == 0 && c.Relay.Read && len(all) != c.Relay.Parts && !c.Relay.Answer.Forgotten {
			if err := b.store.SetParts(ctx, c.To, c.Delivery, len(all)); err != nil {
				return say{}, err
			}
		}
		if c.Part >= len(all) && !c.Relay.Answer.Forgotten {
			return say{}, store.ErrGone
		}
		return relaySays(c.Delivery, c.Part, *c.Relay), nil
	case store.KindStanding:
		return suggestionSays(c.Delivery, *c.Suggestion), nil
	case store.KindFits:
		return fitsSays(c.Delivery, *c.Fits, false), nil
	case store.KindHere:
		return hereSays(c.Delivery, *c.Here), nil
	case store.KindTrend:
		return own(b.ownArgs(c.To, c.Delivery)).trendPrompt(text.TrendFirst), nil
	case store.KindRemark:
		s := line(text.T(text.Key("remark." + string(c.Note))))
		if c.Note == store.NoteNobody {
			return s.with(helpButton()), nil // whoever writes to nobody may need somebody
		}
		return s, nil
	}
	panic("bot: no words for " + string(c.Kind))
}
