package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"
)

// Feeling is how somebody is right now.
type Feeling string

// Feelings, in the order in which they are offered.
var Feelings = []Feeling{"low", "flat", "ok", "good", "glowing", "mixed", "numb"}

// Hard tells whether a feeling asks for a listener's cue.
func (f Feeling) Hard() bool { return slices.Contains([]Feeling{"low", "flat", "mixed", "numb"}, f) }

// Low tells whether a feeling asks for all the care there is: the care card goes
// with the words, and kind words that wait are given.
func (f Feeling) Low() bool { return f == "low" || f == "numb" }

// Need is what would help right now.
type Need string

// Needs, in the order in which they are offered.
var Needs = []Need{"kind", "call", "company", "space", "nothing"}

// NeedCard is what one's own care card says. It is offered to whoever has one.
const NeedCard Need = "card"

// Level is how much of an answer somebody is given.
type Level string

// The levels.
const (
	ShareWords Level = "words" // all of it
	ShareGist  Level = "gist"  // one line that tells neither feeling nor words
	ShareKept  Level = "kept"  // nothing

	unchosen Level = "" // it is to be chosen once more
)

var levels = []Level{ShareWords, ShareGist, ShareKept}

const (
	keepAnswer    = 7 * 24 * time.Hour
	keepReadWords = 24 * time.Hour
	answersADay   = 300 // by one person, on their own account
)

// Answer is what a person replied to a check-in, or wrote on their own account.
type Answer struct {
	Feeling   Feeling
	Need      Need
	Words     []Private // in order; typed messages and what was written in a form
	Form      Private   // the part of Words that a form may change
	OnlyWords bool      // something beside the words could not be carried
	Shared    bool      // somebody was given some of it
	Forgotten bool      // there were words, which are no longer kept
	Anew      bool      // its words, not shown here, came to be such that who sees it is asked again (see Store.AskAbout)
	CardGone  bool      // what would help was on a card that says nothing of it any more
}

// Empty tells whether nothing was answered.
func (a Answer) Empty() bool {
	return a.Feeling == "" && a.Need == "" && len(a.Words) == 0 && !a.Forgotten
}

// stays tells whether what somebody read of an answer can't be shown anew: its words
// are no longer kept, and there are no newer ones.
func (a Answer) stays() bool { return a.Forgotten && len(a.Words) == 0 }

// body is the sealed part of an answer that is not words.
type body struct {
	Feeling Feeling `json:"feeling,omitempty"`
	Need    Need    `json:"need,omitempty"`
	Topic   Topic   `json:"topic,omitempty"`   // of a part, and of a wish to talk
	CheckIn int64   `json:"checkin,omitempty"` // that a wish to talk belongs to; 0: to the scene

	form *Private // new words from a form; nil: as they are
}

type answer struct {
	id, writer int64
	kind       string
	checkin    int64
	scene      int64
	replyTo    int64
	state      string
	onlyWords  bool
	sharedAt   int64 // when any of it was first shared; 0: never
	body       body
}

const answerColumns = `id, writer, kind, COALESCE(checkin, 0), COALESCE(scene, 0), COALESCE(reply_to, 0), state, only_words, COALESCE(shared_at, 0), body`

func (t *tx) loadAnswer(where string, arg any) (a answer, err error) {
	var sealed []byte
	err = t.QueryRow(`SELECT `+answerColumns+` FROM answers WHERE `+where, arg).
		Scan(&a.id, &a.writer, &a.kind, &a.checkin, &a.scene, &a.replyTo, &a.state, &a.onlyWords, &a.sharedAt, &sealed)
	if err != nil {
		return a, err
	}
	return a, t.openJSON(a.writer, "answers.body", a.id, sealed, &a.body)
}

// answerFor returns the answer to a check-in; one with id 0 if there is none yet.
func (t *tx) answerFor(checkin int64) (answer, error) {
	a, err := t.loadAnswer(`checkin = $1`, checkin)
	if errors.Is(err, sql.ErrNoRows) {
		return answer{}, nil
	}
	return a, err
}

// answerTo returns the answer to a check-in and begins one if need be.
func (t *tx) answerTo(c *checkin) (answer, error) {
	a, err := t.answerFor(c.id)
	if err != nil || a.id != 0 {
		return a, err
	}
	return t.newAnswer(answer{writer: c.person, kind: "checkin", checkin: c.id, state: "draft"}, nil)
}

// newAnswer begins an answer. Of those that belong to no check-in a person may
// begin only so many in a day: ErrTooOften.
func (t *tx) newAnswer(a answer, source []byte) (answer, error) {
	if a.checkin == 0 {
		var n int
		err := t.QueryRow(`
			SELECT COUNT(*) FROM answers
			WHERE writer = $1 AND checkin IS NULL AND created_at > $2
			  AND NOT (kind = 'word' AND reply_to IS NULL AND source IS NOT NULL) -- kind words: see notTooMuch
		`, a.writer, t.now-(24*time.Hour).Milliseconds()).Scan(&n)
		if err != nil {
			return a, err
		}
		if n >= answersADay {
			return a, ErrTooOften
		}
	}
	return t.insertAnswer(a, source, t.now+keepAnswer.Milliseconds())
}

func (t *tx) insertAnswer(a answer, source []byte, forgetAt int64) (answer, error) {
	a.id = t.newID()
	null := func(id int64) sql.NullInt64 { return sql.NullInt64{Int64: id, Valid: id != 0} }
	_, err := t.Exec(`
		INSERT INTO answers (id, writer, kind, checkin, reply_to, state, source, created_at, scene, forget_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $10, MIN($9, COALESCE((SELECT forget_at FROM scenes WHERE id = $10), $9)))
	`, a.id, a.writer, a.kind, null(a.checkin), null(a.replyTo), a.state, source, t.now, forgetAt, null(a.scene))
	return a, err
}

func (t *tx) saveBody(a answer) error {
	if a.body.form != nil {
		if err := t.writeForm(a, *a.body.form); err != nil {
			return err
		}
	}
	sealed, err := t.sealJSON(a.writer, "answers.body", a.id, a.body)
	if err != nil {
		return err
	}
	_, err = t.Exec(`UPDATE answers SET body = $2 WHERE id = $1`, a.id, sealed)
	return err
}

// writeForm replaces the words that came from a form, at their place.
func (t *tx) writeForm(a answer, text Private) error {
	if text.IsZero() {
		if t.past(a) {
			return nil // the form did not show them what it would take out
		}
		_, err := t.Exec(`DELETE FROM words WHERE answer = $1 AND source IS NULL`, a.id)
		return err
	}
	var id int64
	err := t.QueryRow(`SELECT id FROM words WHERE answer = $1 AND source IS NULL`, a.id).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return t.addWords(a, nil, text)
	} else if err != nil {
		return err
	}
	return t.rewrite(a.writer, id, text)
}

// rewrite gives words another text.
func (t *tx) rewrite(writer, words int64, text Private) error {
	sealed, err := t.seal(writer, "words.text", words, text)
	if err != nil {
		return err
	}
	_, err = t.Exec(`UPDATE words SET text = $2 WHERE id = $1`, words, sealed)
	return err
}

func (t *tx) addWords(a answer, source []byte, text Private) error {
	id := t.newID()
	sealed, err := t.seal(a.writer, "words.text", id, text)
	if err != nil {
		return err
	}
	_, err = t.Exec(`INSERT INTO words (id, answer, source, text, created_at) VALUES ($1, $2, $3, $4, $5)`, id, a.id, source, sealed, t.now)
	return err
}

// answerView opens an answer for whoever may see all of it.
func (t *tx) answerView(a answer) (v Answer, err error) {
	if a.id == 0 {
		return v, nil
	}
	v = Answer{Feeling: a.body.Feeling, Need: a.body.Need, OnlyWords: a.onlyWords, Shared: a.state == "shared"}
	if ok, err := t.mayNeed(a.writer, v.Need); err != nil {
		return v, err
	} else if !ok {
		v.CardGone, v.Need = v.Need == NeedCard, ""
	}
	rows, err := t.Query(`SELECT id, source IS NULL, text FROM words WHERE answer = $1 ORDER BY id`, a.id)
	err = each(rows, err, func(r *sql.Rows) error {
		var id int64
		var form bool
		var sealed []byte
		if err := r.Scan(&id, &form, &sealed); err != nil {
			return err
		}
		if sealed == nil {
			v.Forgotten = true
			return nil
		}
		text, err := t.open(a.writer, "words.text", id, sealed)
		v.Words = append(v.Words, text)
		if form {
			v.Form = text
		}
		return err
	})
	return v, err
}

// past tells whether an answer was first shared more than a day ago. From then on its
// words may have been read and forgotten, or not, and nothing that its writer sees may
// depend on which: it would tell them whether a partner has read them.
func (t *tx) past(a answer) bool {
	return a.sharedAt != 0 && a.sharedAt+keepReadWords.Milliseconds() <= t.now
}

// ownView opens an answer for its writer: without its words once it is past.
func (t *tx) ownView(a answer) (Answer, error) {
	v, err := t.answerView(a)
	if err != nil || !t.past(a) || len(v.Words) == 0 {
		return v, err
	}
	v.Words, v.Form, v.Forgotten = nil, Private{}, true
	shares, err := t.shares(a)
	v.Anew = slices.ContainsFunc(shares, func(s share) bool { return s.level == unchosen })
	return v, err
}

// asksAbout tells whether somebody is asked who sees an answer, whatever they have
// set. It is found out from the words each time, and kept nowhere.
func (t *tx) asksAbout(a answer) (bool, error) {
	if t.s.AskAbout == nil {
		return false, nil
	}
	v, err := t.answerView(a)
	if err != nil {
		return false, err
	}
	if t.past(a) {
		return len(v.Words) > 0 || v.Forgotten, nil // the words can't be told by what is left of them
	}
	var all []string
	for _, w := range v.Words {
		all = append(all, w.Reveal())
	}
	return t.s.AskAbout(strings.Join(all, "\n")), nil
}

// levelFor returns what a reader is given of an answer; empty if that was not chosen.
func (t *tx) levelFor(a answer, reader int64) (Level, error) {
	var id int64
	var sealed []byte
	err := t.QueryRow(`SELECT id, level FROM shares WHERE answer = $1 AND reader = $2`, a.id, reader).Scan(&id, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	return t.openLevel(a.writer, id, sealed)
}

func (t *tx) openLevel(writer, share int64, sealed []byte) (Level, error) {
	text, err := t.open(writer, "shares.level", share, sealed)
	return Level(text.Reveal()), err
}

// give sets what a reader is given of an answer. It goes on its way by carry.
func (t *tx) give(a answer, reader int64, level Level) error {
	var id int64
	err := t.QueryRow(`SELECT id FROM shares WHERE answer = $1 AND reader = $2`, a.id, reader).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		id, err = t.newID(), nil
	}
	if err != nil {
		return err
	}
	sealed, err := t.seal(a.writer, "shares.level", id, Secret(string(level)))
	if err != nil {
		return err
	}
	_, err = t.Exec(`
		INSERT INTO shares (id, answer, reader, level)
		VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET level = excluded.level
	`, id, a.id, reader, sealed)
	return err
}

// Share sets what one reader is given of the answer to a check-in, which goes on
// its way. When that is set for each of them, the check-in is done. ErrGone for a pact
// that is not theirs, or not of this scene, or a level we don't know; ErrMuch for what
// was given and taken back again and again.
func (s *Store) Share(ctx context.Context, account Private, delivery, pact int64, level Level) (CheckIn, error) {
	if !slices.Contains(levels, level) {
		return CheckIn{}, ErrGone
	}
	return s.onCheckIn(ctx, account, delivery, func(t *tx, c *checkin) error {
		readers, err := t.readersOf(*c)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(readers, func(r side) bool { return r.pact == pact })
		if i < 0 {
			return ErrGone
		}
		a, err := t.answerTo(c)
		if err != nil {
			return err
		}
		if err := t.chooses(a, readers[i].partner, level); err != nil {
			return err
		}
		if err := t.noReask(c.id); err != nil {
			return err
		}
		for _, r := range readers {
			if level, err := t.levelFor(a, r.partner); err != nil || level == "" {
				c.step = StepShare
				if err != nil {
					return err
				}
				return t.carry(a.id) // theirs goes now; the others may never be chosen
			}
		}
		return t.finish(c, a)
	})
}

// TakeBack takes back all that was shared of the answer to a check-in. The
// answer stays with its writer.
func (s *Store) TakeBack(ctx context.Context, account Private, delivery int64) (CheckIn, error) {
	return s.onCheckIn(ctx, account, delivery, func(t *tx, c *checkin) error {
		if c.state != "done" {
			return nil
		}
		a, err := t.answerTo(c)
		if err != nil {
			return err
		}
		readers, err := t.ids(`SELECT reader FROM shares WHERE answer = $1`, a.id)
		if err != nil {
			return err
		}
		for _, r := range readers {
			if err := t.give(a, r, ShareKept); err != nil {
				return err
			}
		}
		return t.finish(c, a)
	})
}

// carry brings what each reader has in their DM in line with what they are given:
// it owes a relay, has one shown anew, or takes it out. A partner who has left
// or paused is given nothing, and the writer can't tell.
func (t *tx) carry(id int64) error { return t.carryFor(id, 0) }

// carryFor is carry where only what one reader is given has changed: the others'
// messages are left alone, and show no sign of it. 0 is all of them.
func (t *tx) carryFor(id, reader int64) error {
	a, err := t.loadAnswer(`id = $1`, id)
	if err != nil {
		return err
	}
	view, err := t.answerView(a)
	if err != nil {
		return err
	}
	shares, err := t.shares(a)
	if err != nil {
		return err
	}
	state := "kept"
	for _, s := range shares {
		if s.level == ShareKept || s.level == unchosen || view.Empty() && a.kind != "touch" && a.kind != "talk" {
			if err := t.retract(`share`, s.id); err != nil {
				return err
			}
			continue
		}
		state = "shared"
		if reader != 0 && s.reader != reader {
			continue
		}
		if err := t.carryTo(a, view, s); err != nil {
			return err
		}
	}
	_, err = t.Exec(`
		UPDATE answers
		SET state = $2, shared_at = CASE $2 WHEN 'shared' THEN COALESCE(shared_at, $3) ELSE shared_at END
		WHERE id = $1
	`, a.id, state, t.now)
	return err
}

type share struct {
	id, reader int64
	level      Level
	read       bool
}

func (t *tx) shares(a answer) (out []share, err error) {
	rows, err := t.Query(`SELECT id, reader, level, read_at IS NOT NULL FROM shares WHERE answer = $1 ORDER BY id`, a.id)
	err = each(rows, err, func(r *sql.Rows) error {
		var s share
		var sealed []byte
		if err := r.Scan(&s.id, &s.reader, &sealed, &s.read); err != nil {
			return err
		}
		if s.level, err = t.openLevel(a.writer, s.id, sealed); err != nil {
			return err
		}
		out = append(out, s)
		return nil
	})
	return out, err
}

func (t *tx) carryTo(a answer, view Answer, s share) error {
	holds, err := t.linked(a.writer, s.reader)
	if err != nil || !holds { // whoever has left gets nothing new, not even in place
		return err
	}
	when, err := t.opening(a, s.reader)
	if err != nil {
		return err
	}
	if when.together {
		left, err := t.hasLeft(s.id)
		if err != nil {
			return err
		}
		if !left {
			return t.carryTogether(view, s, when)
		}
	}
	var standing bool
	err = t.QueryRow(`SELECT EXISTS (SELECT 1 FROM deliveries WHERE share = $1 AND part = 0 AND want <> 'delete')`, s.id).Scan(&standing)
	if err != nil {
		return err
	}
	if standing {
		if view.stays() && s.level == ShareWords {
			return nil // what they read stays as they read it
		}
		return t.showAnew(s)
	}
	if _, err := t.Exec(`UPDATE shares SET read_at = NULL WHERE id = $1`, s.id); err != nil {
		return err
	}
	_, err = t.owe(owed{to: s.reader, kind: KindRelay, share: s.id, due: max(when.at, t.now)})
	return err
}

// showAnew has a relay shown as it is now, if it was read: before that its first
// line says nothing. A gist has one message, whatever the bot thinks.
func (t *tx) showAnew(s share) error {
	if !s.read {
		return nil
	}
	if s.level != ShareWords {
		_, err := t.Exec(`UPDATE deliveries SET `+retracting+` WHERE share = $2 AND part > 0 AND want <> 'delete'`, t.now, s.id)
		if err != nil {
			return err
		}
	}
	return t.amend(`share`, s.id)
}

// forgetAnswer deletes what somebody answered and takes it out of every DM. The
// bare row stays until those messages are gone.
func (t *tx) forgetAnswer(id int64) error {
	if _, err := t.Exec(`DELETE FROM words WHERE answer = $1`, id); err != nil {
		return err
	}
	if _, err := t.Exec(`UPDATE answers SET body = NULL, state = 'gone' WHERE id = $1`, id); err != nil {
		return err
	}
	if _, err := t.Exec(`DELETE FROM feelings WHERE answer = $1`, id); err != nil {
		return err
	}
	if err := t.retract(`answer`, id); err != nil {
		return err
	}
	shares, err := t.ids(`SELECT id FROM shares WHERE answer = $1`, id)
	if err != nil {
		return err
	}
	for _, s := range shares {
		if err := t.retract(`share`, s); err != nil {
			return err
		}
	}
	return nil
}

// unshare takes an answer from one reader. One that belongs to no check-in, and of
// which nobody else was given anything, is deleted.
func (t *tx) unshare(id, reader int64) error {
	a, err := t.loadAnswer(`id = $1`, id)
	if err != nil {
		return err
	}
	if err := t.give(a, reader, ShareKept); err != nil {
		return err
	}
	shares, err := t.shares(a)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(shares, func(s share) bool { return s.level == ShareWords || s.level == ShareGist }) {
		return nil
	}
	if a.kind != "checkin" {
		return t.forgetAnswer(id)
	}
	_, err = t.Exec(`UPDATE answers SET state = 'kept' WHERE id = $1 AND state = 'shared'`, id)
	return err
}
