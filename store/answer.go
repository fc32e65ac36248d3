package store

import (
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
		if _, err := t.Exec(`DELETE FROM words WHERE answer = $1 AND source IS NULL`, a.id); err != nil {
			return err
		}
		return t.takeOutDeleted(a.id)
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
