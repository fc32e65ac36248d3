package bot

import (
	"context"
	"errors"

	"aftercare/bot/text"
	"aftercare/store"
)

func (b *Bot) eraseRoutes() map[string]handler {
	return map[string]handler{
		"privacy/erase":  b.privacyErase,
		"privacy/erased": b.privacyErased, // Erase everything
		"privacy/kept":   b.privacyKept,   // Not now
		"care/clear":     b.careClear,
	}
}

// privacyErase asks once, and says what goes. The button erases who they are now and
// nobody else: not who they may become by agreeing again.
func (b *Bot) privacyErase(ctx context.Context, e *event) (reply, error) {
	kept, err := b.store.Kept(ctx, e.who.ID)
	if err != nil {
		return reply{}, err
	}
	if !kept.Any {
		return tell(line(text.T(text.EraseNothing))), nil
	}
	return tell(eraseSays(kept.Person)), nil
}

func eraseSays(person int64) say {
	return line(text.T(text.Erase)).with(
		button(text.T(text.LabelErase), "privacy/erased", number(person)),
		button(text.T(text.LabelNotnow), "privacy/kept"))
}

func (b *Bot) privacyKept(context.Context, *event) (reply, error) {
	return show(line(text.T(text.EraseKept))), nil
}

func (b *Bot) privacyErased(ctx context.Context, e *event) (reply, error) {
	if err := b.store.Erase(ctx, e.who.ID, e.id(0)); err != nil {
		return reply{}, err
	}
	return show(line(text.T(text.EraseDone))), nil
}

// careClear takes the bot's own messages out of a person's DM.
func (b *Bot) careClear(ctx context.Context, e *event) (reply, error) {
	c, err := b.store.Clear(ctx, e.who.ID)
	if err != nil && !errors.Is(err, store.ErrNotAgreed) {
		return reply{}, err
	}
	return tell(clearSays(c)), nil
}

func clearSays(c store.Cleared) say {
	switch {
	case c.Gone > 0 && c.Stays > 0:
		return line(text.T(text.Clear), text.T(text.ClearStays))
	case c.Gone > 0:
		return line(text.T(text.Clear))
	case c.Stays > 0:
		return line(text.T(text.ClearNothing), text.T(text.ClearStays))
	}
	return line(text.T(text.ClearNothing))
}
