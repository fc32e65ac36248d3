package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Typed is a message that somebody typed into their DM with the bot.
type Typed struct {
	By        Who
	Message   string  // Discord's id of it
	ReplyTo   string  // Discord's id of the bot's message it replies to, if it does
	Text      Private // may be empty
	OnlyWords bool    // there was something beside the words that can't be carried
	Ahead     bool    // it is no sign that what was typed before it was heard
}

const (
	offerLasts = time.Hour // further words belong to an offer this long
	maxPieces  = 20        // typed messages in one answer
)

// Hear takes a typed message: as an answer to the check-in it replies to, or to
// the newest open one, or to an open question about one moment; otherwise as words that may be passed on. What the bot
// understood is owed to its writer. The same message twice is heard once.
// ErrNotAgreed for somebody who is no person, about whom nothing is kept.
func (s *Store) Hear(ctx context.Context, m Typed) error {
	return s.inTx(ctx, func(t *tx) error {
		p, err := t.find(m.By.ID)
		if err != nil {
			return err
		}
		if err := t.hear(p, m); err != nil || m.Ahead {
			return err
		}
		return t.saw(p.id, Secret(m.Message))
	})
}

func (t *tx) hear(p person, m Typed) error {
	source := t.s.lookup("message", m.Message)
	var heard bool
	if err := t.QueryRow(`SELECT EXISTS (SELECT 1 FROM words WHERE source = $1)`, source).Scan(&heard); err != nil || heard {
		return err
	}
	if m.Text.IsZero() {
		c, err := t.conversation(p.id)
		if err != nil || !m.OnlyWords || !newer(Secret(m.Message), c.After) {
			return err
		}
		return t.remark(p.id, NoteOnlyWords)
	}
	if a, ok, err := t.openMoment(p, m); err != nil {
		return err
	} else if ok {
		return t.hearMoment(a, source, m)
	}
	answered, err := t.answered(p, m)
	if err != nil {
		return err
	}
	if answered != 0 {
		return t.hearAnswer(answered, source, m)
	}
	return t.hearOffer(p, source, m)
}

// answered returns the open check-in that a typed message answers, or 0.
func (t *tx) answered(p person, m Typed) (checkin int64, err error) {
	if m.ReplyTo != "" {
		var kind Kind
		var state sql.NullString
		err := t.QueryRow(`
			SELECT d.kind, COALESCE(d.checkin, 0), c.state
			FROM deliveries d
			LEFT JOIN checkins c ON c.id = d.checkin
			WHERE d.heard_as = $1 AND d.recipient = $2
		`, t.s.lookup("message", m.ReplyTo), p.id).Scan(&kind, &checkin, &state)
		if err == nil {
			switch state.String {
			case "planned", "asked", "answering", "skipped":
				return checkin, nil
			}
			return 0, nil // a relay, an offer, or a check-in that was answered
		} else if !errors.Is(err, sql.ErrNoRows) {
			return 0, err
		}
	}
	// One whose message is on its way counts, or may have arrived before a crash:
	// it can be answered before we have noted that it was sent.
	err = t.QueryRow(`
		SELECT c.id FROM checkins c
		WHERE c.person = $1
		  AND (c.state IN ('asked', 'answering')
		    OR c.state = 'planned' AND EXISTS (SELECT 1 FROM deliveries d WHERE d.checkin = c.id AND (d.lease IS NOT NULL OR d.unsure_at IS NOT NULL)))
		ORDER BY COALESCE(c.asked_at, $2) DESC, c.id DESC
		LIMIT 1
	`, p.id, t.now).Scan(&checkin)
	if errors.Is(err, sql.ErrNoRows) {
		return t.saidJustNow(p)
	}
	return checkin, err
}

// moreWithin is how soon after their last words more words belong to them.
const moreWithin = 30 * time.Minute

// saidJustNow returns the check-in that somebody is still typing to, or 0: words
// that were passed on as they have set, and not by an act that ended the answer.
func (t *tx) saidJustNow(p person) (checkin int64, err error) {
	if p.settings.Share == unchosen {
		return 0, nil
	}
	err = t.QueryRow(`
		SELECT c.id
		FROM checkins c
		JOIN answers a ON a.checkin = c.id
		WHERE c.person = $1 AND c.state = 'done' AND a.state IN ('shared', 'kept')
		  AND EXISTS (SELECT 1 FROM words w WHERE w.answer = a.id AND w.source IS NOT NULL AND w.created_at > $2)
		ORDER BY c.asked_at DESC, c.id DESC
		LIMIT 1
	`, p.id, t.now-moreWithin.Milliseconds()).Scan(&checkin)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return checkin, err
}

func (t *tx) hearAnswer(id int64, source []byte, m Typed) error {
	c := checkin{id: id}
	err := t.QueryRow(`SELECT scene, person, state, postponed FROM checkins WHERE id = $1`, id).Scan(&c.scene, &c.person, &c.state, &c.postponed)
	if err != nil {
		return err
	}
	a, err := t.answerTo(&c)
	if err != nil {
		return err
	}
	if err := t.typedInto(a, source, m); err != nil {
		return err
	}
	c.state, c.step = "answering", StepShare
	if err := t.noReask(id); err != nil {
		return err
	}
	if err := t.finishUnasked(&c, a); err != nil {
		return err
	}
	if err := t.saveCheckin(c); err != nil {
		return err
	}
	if err := t.panel(KindPanel, `checkin`, id, owed{to: c.person, kind: KindPanel, checkin: id}); err != nil {
		return err
	}
	_, err = t.Exec(`UPDATE deliveries SET `+amending+` WHERE checkin = $2 AND kind = 'checkin' AND want <> 'delete'`, t.now, id)
	return err
}

func (t *tx) typedInto(a answer, source []byte, m Typed) error {
	var n int
	if err := t.QueryRow(`SELECT COUNT(*) FROM words WHERE answer = $1`, a.id).Scan(&n); err != nil {
		return err
	}
	if n >= maxPieces {
		return ErrTooOften
	}
	if m.OnlyWords {
		if _, err := t.Exec(`UPDATE answers SET only_words = 1 WHERE id = $1`, a.id); err != nil {
			return err
		}
	}
	return t.addWords(a, source, m.Text)
}

// panel owes the message that shows what was understood. It always stands below
// what was typed last: one that was sent already gives way to a new one.
func (t *tx) panel(kind Kind, column string, subject int64, o owed) error {
	var live, last sql.NullInt64
	err := t.QueryRow(`
		SELECT MAX(CASE WHEN want <> 'delete' AND message IS NULL AND lease IS NULL AND (next_at IS NOT NULL OR waiting = 1) THEN part END),
		       MAX(part)
		FROM deliveries
		WHERE kind = $1 AND `+column+` = $2
	`, kind, subject).Scan(&live, &last)
	if err != nil {
		return err
	}
	if live.Valid {
		return nil // not out yet: it will show these words too
	}
	_, err = t.Exec(`UPDATE deliveries SET `+retracting+` WHERE kind = $2 AND `+column+` = $3 AND want <> 'delete'`, t.now, kind, subject)
	if err != nil {
		return err
	}
	// Those that are out of the DM are of no use, and somebody may type for hours.
	_, err = t.Exec(`
		DELETE FROM deliveries
		WHERE kind = $1 AND `+column+` = $2 AND want = 'delete' AND message IS NULL AND lease IS NULL AND unsure_at IS NULL
	`, kind, subject)
	if err != nil {
		return err
	}
	o.part = int(last.Int64) + 1
	_, err = t.owe(o)
	return err
}

// hearOffer keeps words for a while, to be passed on or forgotten.
func (t *tx) hearOffer(p person, source []byte, m Typed) error {
	sides, err := t.sides(p.id)
	if err != nil {
		return err
	}
	if len(sides) == 0 {
		return t.remark(p.id, NoteNobody)
	}
	a, err := t.openOffer(p.id)
	if err != nil {
		return err
	}
	if a.id == 0 {
		replyTo, err := t.repliedShare(p.id, m.ReplyTo)
		if err != nil {
			return err
		}
		if a, err = t.newAnswer(answer{writer: p.id, kind: "word", state: "draft", replyTo: replyTo}, nil); err != nil {
			return err
		}
	}
	if err := t.typedInto(a, source, m); err != nil {
		return err
	}
	return t.panel(KindOffer, `answer`, a.id, owed{to: p.id, kind: KindOffer, answer: a.id})
}

// openOffer returns a person's offer that is still open for more words, if any.
func (t *tx) openOffer(person int64) (answer, error) {
	var id int64
	err := t.QueryRow(`
		SELECT a.id
		FROM answers a
		JOIN deliveries d ON d.answer = a.id AND d.kind = 'offer'
		WHERE a.writer = $1 AND a.state = 'draft' AND a.created_at > $2
		ORDER BY a.id DESC
		LIMIT 1
	`, person, t.now-offerLasts.Milliseconds()).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return answer{}, nil
	} else if err != nil {
		return answer{}, err
	}
	return t.loadAnswer(`id = $1`, id)
}

func (t *tx) repliedShare(person int64, message string) (share int64, err error) {
	if message == "" {
		return 0, nil
	}
	err = t.QueryRow(`
		SELECT COALESCE(share, 0) FROM deliveries WHERE heard_as = $1 AND recipient = $2
	`, t.s.lookup("message", message), person).Scan(&share)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return share, err
}

// remark owes a plain sentence, unless the same one is on its way already. One
// row a sentence is enough: said again, it is another round of it.
func (t *tx) remark(person int64, note Note) error {
	var part int
	if note == NoteNobody {
		part = 1
	}
	err := t.letGo(`d.recipient = $1 AND d.kind = 'remark' AND d.part = $2 AND d.lease IS NULL AND d.next_at IS NULL AND d.waiting = 0`, person, part)
	if err != nil {
		return err
	}
	_, err = t.Exec(`
		INSERT INTO deliveries (id, recipient, kind, part, note, due_at, next_at)
		VALUES ($1, $2, 'remark', $3, $4, $5, $5)
		ON CONFLICT (recipient, kind, subject, part) DO UPDATE
		SET want = 'post', due_at = excluded.due_at, next_at = excluded.next_at,
		    message = NULL, heard_as = NULL, sent_at = NULL, attempts = 0,
		    round = round + 1, version = version + 1
		WHERE lease IS NULL AND next_at IS NULL AND waiting = 0
	`, t.newID(), person, part, note, t.now)
	return err
}

// Edited takes a typed message's new text. What was shared of it changes with
// it, unless the new text is such that its writer is asked first (see AskAbout);
// no text takes it back. A message we did not keep is nothing.
func (s *Store) Edited(ctx context.Context, account Private, message string, text Private) error {
	if text.IsZero() {
		return s.Unsaid(ctx, message)
	}
	return s.inTx(ctx, func(t *tx) error {
		p, err := t.find(account)
		if errors.Is(err, ErrNotAgreed) {
			return nil
		} else if err != nil {
			return err
		}
		var words, id int64
		err = t.QueryRow(`
			SELECT w.id, w.answer FROM words w JOIN answers a ON a.id = w.answer
			WHERE w.source = $1 AND a.writer = $2
		`, s.lookup("message", message), p.id).Scan(&words, &id)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		} else if err != nil {
			return err
		}
		a, err := t.loadAnswer(`id = $1`, id)
		if err != nil {
			return err
		}
		anew, err := t.turnsInto(a, words, text)
		if err != nil {
			return err
		}
		if anew {
			if err := t.askAnew(a); err != nil {
				return err
			}
		}
		return t.changed(id)
	})
}

// turnsInto gives typed words another text, and tells whether that makes the answer
// such that its writer is asked who sees it (see AskAbout). Of one that is past, the
// new text alone decides.
func (t *tx) turnsInto(a answer, words int64, text Private) (bool, error) {
	past := t.past(a)
	before, err := t.asksAbout(a)
	if err != nil {
		return false, err
	}
	if err := t.rewrite(a.writer, words, text); err != nil {
		return false, err
	}
	if past {
		return t.s.AskAbout != nil && t.s.AskAbout(text.Reveal()), nil
	}
	after, err := t.asksAbout(a)
	return after && !before, err
}

// askAnew asks once more who sees an answer, whose new words are such that this is
// asked whatever somebody has set. Until then nobody has them: those who were
// given the words before lose them.
func (t *tx) askAnew(a answer) error {
	shares, err := t.shares(a)
	if err != nil {
		return err
	}
	given := 0
	for _, s := range shares {
		if s.level != ShareWords {
			continue
		}
		given++
		if err := t.give(a, s.reader, unchosen); err != nil {
			return err
		}
	}
	if given == 0 {
		return nil
	}
	if err := t.carry(a.id); err != nil {
		return err
	}
	if a.checkin == 0 {
		_, err := t.Exec(`UPDATE answers SET state = 'draft' WHERE id = $1 AND state = 'kept'`, a.id)
		return err
	}
	if err := t.noReask(a.checkin); err != nil {
		return err
	}
	_, err = t.Exec(`
		UPDATE checkins SET state = 'answering', step = 'share'
		WHERE id = $1 AND state NOT IN ('cancelled', 'lapsed', 'folded')
	`, a.checkin)
	return err
}

// Unsaid takes back a typed message that was deleted.
func (s *Store) Unsaid(ctx context.Context, message string) error {
	return s.inTx(ctx, func(t *tx) error {
		var id int64
		err := t.QueryRow(`DELETE FROM words WHERE source = $1 RETURNING answer`, s.lookup("message", message)).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		} else if err != nil {
			return err
		}
		if err := t.changed(id); err != nil {
			return err
		}
		return t.takeOutDeleted(id)
	})
}

// takeOutDeleted takes an answer's words, some of which were deleted, out of the DMs in which
// they can't be shown anew without those: of readers who have left, and where they
// stand together with words that are no longer kept. What somebody deleted must not stay.
func (t *tx) takeOutDeleted(id int64) error {
	a, view, shares, err := t.given(`id = $1`, id)
	if err != nil {
		return err
	}
	for _, s := range shares {
		switch {
		case s.level != ShareWords:
			continue
		case view.stays():
			err = t.retract(`share`, s.id)
		default:
			err = t.takeFromLeft(a, s.id, s.reader)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// changed brings everything in line after an answer's words changed: what others
// see of it, and what its writer sees. An answer with nothing left in it was
// taken back: its check-in is open again.
func (t *tx) changed(id int64) error {
	a, err := t.loadAnswer(`id = $1`, id)
	if err != nil {
		return err
	}
	view, err := t.answerView(a)
	if err != nil {
		return err
	}
	if view.Empty() && a.checkin == 0 {
		err = t.forgetAnswer(id)
		if err == nil && a.kind == "part" {
			err = t.showMoment(a)
		}
		return err
	}
	if a.state == "shared" {
		if err := t.carry(id); err != nil {
			return err
		}
	}
	if view.Empty() {
		if err := t.reopen(a); err != nil {
			return err
		}
	}
	if a.checkin != 0 {
		return t.amend(`checkin`, a.checkin)
	}
	if a.kind == "part" {
		return t.showMoment(a)
	}
	return t.amend(`answer`, id)
}

// reopen opens a check-in again whose answer was taken back. Who sees the next
// one is to be chosen anew: it is never shared by what was chosen for this one.
func (t *tx) reopen(a answer) error {
	shares, err := t.shares(a)
	if err != nil {
		return err
	}
	for _, s := range shares {
		if err := t.give(a, s.reader, unchosen); err != nil {
			return err
		}
	}
	if _, err := t.Exec(`UPDATE answers SET shared_at = NULL WHERE id = $1`, a.id); err != nil { // nothing of it is left
		return err
	}
	_, err = t.Exec(`UPDATE checkins SET state = 'asked', step = 'prompt' WHERE id = $1 AND state IN ('answering', 'done')`, a.checkin)
	if err != nil {
		return err
	}
	_, err = t.Exec(`UPDATE deliveries SET `+retracting+` WHERE kind = 'panel' AND checkin = $2 AND want <> 'delete'`, t.now, a.checkin)
	return err
}
