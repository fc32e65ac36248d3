package bot

import (
	"errors"

	"aftercare/bot/text"
	"aftercare/store"
)

// excuses are the sentences for what a person can cause. Anything else is ours,
// and goes to the log.
var excuses = []struct {
	err error
	key text.Key
}{
	{store.ErrNotLinked, text.SceneNotLinked},
	{store.ErrOnce, text.SceneOnce},
	{store.ErrOneScene, text.EveryOnce},
	{store.ErrSelf, text.SceneSelf},
	{store.ErrPaused, text.ScenePaused},
	{store.ErrCode, text.PartnerCodeNone},
	{errGuesses, text.PartnerCodeOften},
	{store.ErrGone, text.ErrGone},
	{store.ErrScenes, text.SceneOften},
	{store.ErrMuch, text.RelayOften},
	{errTooLong, text.ErrTooLong},
	{store.ErrNotAgreed, text.ErrNotAgreed},
	{store.ErrTooOften, text.ErrTooOften},
	{store.ErrNothing, text.ErrNothing},
	{store.ErrZone, text.EveryZone},
	{store.ErrMany, text.EveryMany},
	{errEveryUnread, text.EveryUnread},
	{errEveryTime, text.EveryTime},
	{errEveryDate, text.EveryDate},
	{errEveryRare, text.EveryRare},
	{errUntilUnread, text.UntilUnread},
	{errUntilPast, text.UntilPast},
	{errUntilFar, text.UntilFar},
	{store.ErrFull, text.CareWordsFull},
	{errWhenUnread, text.WhenUnread},
	{errWhenFuture, text.WhenFuture},
	{errWhenOld, text.WhenOld},
	{errExportBig, text.PrivacyExportBig},
}

// excuse is the one place where an error becomes a sentence. It is always a
// message of its own, so that the one with the button stays usable.
func (b *Bot) excuse(path string, err error) reply {
	for _, e := range excuses {
		if errors.Is(err, e.err) {
			return tell(line(text.T(e.key)))
		}
	}
	b.log.Error("a command or button failed, and its person was told; if it goes on, see aftercare check", "route", path, "err", err)
	return tell(line(text.T(text.ErrInside)))
}
