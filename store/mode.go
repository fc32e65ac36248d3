package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"time"
)

// Mode is when what two people share after a scene reaches each other.
type Mode string

// The modes.
const (
	AtOnce   Mode = "at_once"
	Together Mode = "together" // all but a need waits until both had their time
)

// terms are a pact's mode, and since when; zero for a pact that never changed it.
type terms struct {
	Mode    Mode  `json:"mode,omitempty"`
	Changed int64 `json:"changed,omitempty"`
}

func (t terms) mode() Mode {
	if t.Mode == "" {
		return AtOnce
	}
	return t.Mode
}

// SetMode changes when what is shared in a pact reaches the other, for both, from
// the next scene on. Nobody is told; both see it in Pacts. In a pact that the
// other has left it looks the same. ErrGone: no such pact of theirs, or no such mode.
func (s *Store) SetMode(ctx context.Context, account Private, pact int64, mode Mode) error {
	if mode != AtOnce && mode != Together {
		return ErrGone
	}
	return s.inTx(ctx, func(t *tx) error {
		p, err := t.findOrGone(account)
		if err != nil {
			return err
		}
		mine, err := t.sideOf(p.id, pact)
		if err != nil {
			return err
		}
		if mine.terms.mode() == mode {
			return nil // pressed twice, or an old button
		}
		for _, person := range []int64{p.id, mine.partner} {
			if err := t.setTerms(pact, person, terms{Mode: mode, Changed: t.now}); err != nil {
				return err
			}
		}
		return nil
	})
}

// setTerms writes a pact's terms into one side of it, if it has that side.
func (t *tx) setTerms(pact, person int64, now terms) error {
	var has bool
	err := t.QueryRow(`SELECT EXISTS (SELECT 1 FROM sides WHERE pact = $1 AND person = $2)`, pact, person).Scan(&has)
	if err != nil || !has {
		return err
	}
	sealed, err := t.sealJSON(person, "sides.terms", pact, now)
	if err != nil {
		return err
	}
	_, err = t.Exec(`UPDATE sides SET terms = $3 WHERE pact = $1 AND person = $2`, pact, person, sealed)
	return err
}

// sameTerms gives the side of somebody who links anew the terms of a partner who
// had stayed: they saw no change, and are not to see one.
func (t *tx) sameTerms(pact, from, to int64) error {
	var sealed []byte
	err := t.QueryRow(`SELECT terms FROM sides WHERE pact = $1 AND person = $2`, pact, from).Scan(&sealed)
	if err != nil || sealed == nil {
		return err
	}
	var now terms
	if err := t.openJSON(from, "sides.terms", pact, sealed, &now); err != nil {
		return err
	}
	return t.setTerms(pact, to, now)
}

// sceneModes are, for one person in a scene, the modes towards the others in it:
// 1 for together and 0 for at once, so that their length tells nothing.
type sceneModes map[int64]int

// keepModes keeps with a scene how its pacts were set when it was recorded. Later
// changes of a pact are for later scenes.
func (t *tx) keepModes(scene, person int64) error {
	others, err := t.ids(`SELECT person FROM participants WHERE scene = $1 AND person <> $2`, scene, person)
	if err != nil {
		return err
	}
	for _, other := range others {
		if err := t.keepMode(scene, person, other); err != nil {
			return err
		}
		if err := t.keepMode(scene, other, person); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) keepMode(scene, person, other int64) error {
	modes, err := t.sceneModes(scene, person)
	if err != nil {
		return err
	}
	if _, kept := modes[other]; kept {
		return nil
	}
	var pact int64
	var sealed []byte
	err = t.QueryRow(`SELECT pact, terms FROM sides WHERE person = $1 AND partner = $2`, person, other).Scan(&pact, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // both are partners of somebody else in it, and strangers
	} else if err != nil {
		return err
	}
	var now terms
	if err := t.openJSON(person, "sides.terms", pact, sealed, &now); err != nil {
		return err
	}
	modes[other] = 0
	if now.mode() == Together {
		modes[other] = 1
	}
	if sealed, err = t.sealJSON(person, "participants.terms", scene, modes); err != nil {
		return err
	}
	_, err = t.Exec(`UPDATE participants SET terms = $3 WHERE scene = $1 AND person = $2`, scene, person, sealed)
	return err
}

func (t *tx) sceneModes(scene, person int64) (sceneModes, error) {
	modes := sceneModes{}
	var sealed []byte
	err := t.QueryRow(`SELECT terms FROM participants WHERE scene = $1 AND person = $2`, scene, person).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return modes, nil
	} else if err != nil {
		return nil, err
	}
	return modes, t.openJSON(person, "participants.terms", scene, sealed, &modes)
}

const (
	// togetherAtMost is how long what is shared waits for the other's time, after
	// the later of the two prompts.
	togetherAtMost = 12 * time.Hour
	// sameMark is how far apart two people's marks may be that belong together:
	// each may have marks of their own.
	sameMark = 12 * time.Hour
	// needPart is the message that brings the need alone while the rest waits.
	needPart = -1
)

// Travels tells whether a need goes at once in a pact that is set to together.
func (n Need) Travels() bool { return n != "" && n != "nothing" }

// waits tells whether there is more in what a reader is given than the need.
func waits(level Level, a Answer) bool {
	switch level {
	case ShareWords:
		return a.Feeling != "" || len(a.Words) > 0 || a.Forgotten || a.Need == "nothing"
	case ShareGist:
		return !a.Need.Travels() // else the gist is the need
	}
	return false
}

// opening is when an answer may reach one of its readers.
type opening struct {
	at       int64 // all of it; a time that has passed, or 0: now
	need     int64 // the need alone, where the rest waits
	together bool  // the pair's scene is set to that
}

// opening returns when an answer may reach a reader: one that belongs to no
// check-in at once.
func (t *tx) opening(a answer, reader int64) (o opening, err error) {
	if a.checkin == 0 {
		return o, nil
	}
	if o.need, err = t.notBefore(a.checkin, reader); err != nil {
		return o, err
	}
	o.at, o.together, err = t.together(a.checkin, a.writer, reader)
	o.at = max(o.at, o.need)
	return o, err
}

// together returns since when all of the answer to a check-in may reach a reader;
// ok is false for a pair whose scene is not set to together.
//
// The rule: it opens when the reader has ended their own check-in at that mark
// (answered it, for the writer at least, or skipped it), or 12 hours after the
// later of the two prompts. A reader who gets nothing can't tell whether the other
// kept their answer, skipped, or did not answer: in each case nothing ever comes.
// A writer is told one sentence, always the same, so that nothing about the reader
// shows in it. What the reader does learn when something opens is that it was
// shared, as in any pact.
func (t *tx) together(checkin, writer, reader int64) (at int64, ok bool, err error) {
	group, err := t.group(checkin)
	if err != nil {
		return 0, false, err
	}
	for _, g := range group {
		modes, err := t.sceneModes(g.scene, writer)
		if err != nil {
			return 0, false, err
		}
		if modes[reader] == 0 {
			continue
		}
		since, err := t.bothHadTime(checkin, g, writer, reader)
		if err != nil {
			return 0, false, err
		}
		at, ok = max(at, since), true
	}
	return at, ok, nil
}

// bothHadTime returns since when a writer and a reader have both had their time
// for one mark of one scene. The writer has: they share something.
func (t *tx) bothHadTime(mine int64, g member, writer, reader int64) (int64, error) {
	later, err := t.promptAt(mine)
	if err != nil {
		return 0, err
	}
	var theirs int64 // what they were asked instead, where it was joined to another
	var state string
	err = t.QueryRow(`
		SELECT h.id, h.state
		FROM checkins c
		JOIN checkins h ON h.id = COALESCE(c.joined, c.id)
		WHERE c.scene = $1 AND c.person = $2 AND ABS(c.mark - $3) <= $4
		  AND h.state NOT IN ('folded', 'lapsed', 'cancelled')
		ORDER BY ABS(c.mark - $3), c.mark
		LIMIT 1
	`, g.scene, reader, g.mark, sameMark.Milliseconds()).Scan(&theirs, &state)
	if errors.Is(err, sql.ErrNoRows) {
		at, err := t.turnFor(g.scene, reader)
		return max(later, at) + togetherAtMost.Milliseconds(), err
	} else if err != nil {
		return 0, err
	}
	if state == "done" || state == "skipped" {
		return 0, nil
	}
	a, err := t.answerFor(theirs)
	if err != nil {
		return 0, err
	}
	if level, err := t.levelFor(a, writer); err != nil || level != unchosen {
		return 0, err // with several partners: they are through with this one
	}
	at, err := t.promptAt(theirs)
	return max(later, at) + togetherAtMost.Milliseconds(), err
}

// turnFor returns when a round of a standing check-in, of which somebody has no
// check-in yet, will be asked of them: on the same date of theirs, which may be a
// day later than the other's. 0 is never, and for everything else.
func (t *tx) turnFor(scene, person int64) (at int64, err error) {
	var occasion []byte
	if err := t.QueryRow(`SELECT occasion FROM scenes WHERE id = $1`, scene).Scan(&occasion); err != nil || occasion == nil {
		return 0, err
	}
	p, err := t.person(person)
	if err != nil {
		return 0, err
	}
	zone, known := p.settings.Location()
	if !known {
		return 0, nil
	}
	rows, err := t.Query(`SELECT standing, next_at FROM turns WHERE person = $1 AND next_at > 0`, person)
	err = each(rows, err, func(r *sql.Rows) error {
		var standing, next int64
		err := r.Scan(&standing, &next)
		if bytes.Equal(occasion, t.occasionOf(standing, fromMilli(next).In(zone))) {
			at = p.settings.Awake(fromMilli(next)).UnixMilli()
		}
		return err
	})
	return at, err
}

// promptAt returns when a check-in was last asked, or will be: one that comes out
// of a pause by night is due, and still waits for the morning.
func (t *tx) promptAt(checkin int64) (at int64, err error) {
	err = t.QueryRow(`
		SELECT COALESCE(
			(SELECT MAX(d.due_at, COALESCE(d.next_at, 0)) FROM deliveries d
			 WHERE d.checkin = c.id AND d.kind = 'checkin' AND d.want = 'post' AND (d.next_at IS NOT NULL OR d.waiting = 1)),
			c.asked_at, c.due_at)
		FROM checkins c
		WHERE c.id = $1
	`, checkin).Scan(&at)
	return at, err
}

// carryTogether is carryTo in a pair that is set to together, until all of it has
// left: the need goes at once in a message of its own, and the rest is owed for
// when both had their time.
func (t *tx) carryTogether(view Answer, s share, when opening) error {
	rest := waits(s.level, view)
	if needs := view.Need.Travels() && (!rest || when.at > t.now); !needs {
		if err := t.retractPart(s.id, needPart); err != nil {
			return err
		}
	} else if err := t.carryNeed(s, when.need); err != nil {
		return err
	}
	if !rest {
		return t.retractPart(s.id, 0)
	}
	if _, err := t.Exec(`UPDATE shares SET read_at = NULL WHERE id = $1`, s.id); err != nil {
		return err
	}
	_, err := t.owe(owed{to: s.reader, kind: KindRelay, share: s.id, due: max(when.at, t.now)})
	return err
}

// carryNeed owes the need alone, or has it shown as it is now.
func (t *tx) carryNeed(s share, at int64) error {
	var standing, read bool
	err := t.QueryRow(`
		SELECT EXISTS (SELECT 1 FROM deliveries WHERE share = $1 AND part = $2 AND want <> 'delete'),
		       (SELECT need_read_at IS NOT NULL FROM shares WHERE id = $1)
	`, s.id, needPart).Scan(&standing, &read)
	switch {
	case err != nil:
		return err
	case standing && read:
		_, err := t.Exec(`UPDATE deliveries SET `+amending+` WHERE share = $2 AND part = $3 AND want <> 'delete'`, t.now, s.id, needPart)
		return err
	case standing:
		return nil
	}
	if _, err := t.Exec(`UPDATE shares SET need_read_at = NULL WHERE id = $1`, s.id); err != nil {
		return err
	}
	_, err = t.owe(owed{to: s.reader, kind: KindRelay, share: s.id, part: needPart, due: max(at, t.now)})
	return err
}

func (t *tx) retractPart(share int64, part int) error {
	_, err := t.Exec(`UPDATE deliveries SET `+retracting+` WHERE share = $2 AND part = $3 AND want <> 'delete'`, t.now, share, part)
	return err
}

// hasLeft tells whether all of what a reader is given has left for their DM, or did
// and was tidied away there.
func (t *tx) hasLeft(share int64) (left bool, err error) {
	err = t.QueryRow(`
		SELECT EXISTS (
			SELECT 1 FROM deliveries
			WHERE share = $1 AND part = 0 AND want <> 'delete'
			  AND (message IS NOT NULL OR lease IS NOT NULL OR unsure_at IS NOT NULL OR want = 'edit' AND sent_at IS NOT NULL)
		)
	`, share).Scan(&left)
	return left, err
}

// hasten brings forward what waits for a person's time, once they have had it.
func (t *tx) hasten(person int64) error {
	return t.openAnew(`
		SELECT d.id, d.share, d.part
		FROM deliveries d
		JOIN shares s ON s.id = d.share
		JOIN answers a ON a.id = s.answer
		WHERE d.recipient = $1 AND d.kind = 'relay' AND d.part = 0 AND d.due_at > $2
		  AND d.want = 'post' AND d.message IS NULL AND d.lease IS NULL AND a.checkin IS NOT NULL
	`, person, t.now)
}

// openAnew looks once more when relays may reach their readers, and brings forward
// those for which that is sooner now. The query gives their rows, shares and parts.
func (t *tx) openAnew(query string, args ...any) error {
	type waiting struct {
		delivery, share int64
		part            int
	}
	var all []waiting
	rows, err := t.Query(query, args...)
	err = each(rows, err, func(r *sql.Rows) error {
		var w waiting
		err := r.Scan(&w.delivery, &w.share, &w.part)
		all = append(all, w)
		return err
	})
	if err != nil {
		return err
	}
	for _, w := range all {
		when, err := t.opensAt(w.share)
		if err != nil {
			return err
		}
		at := when.at
		if w.part == needPart {
			at = when.need
		}
		if err := t.bringForward(w.delivery, max(at, t.now)); err != nil {
			return err
		}
	}
	return nil
}

// opensAt returns since when a share may reach its reader.
func (t *tx) opensAt(share int64) (when opening, err error) {
	var reader int64
	if err := t.QueryRow(`SELECT reader FROM shares WHERE id = $1`, share).Scan(&reader); err != nil {
		return when, err
	}
	a, err := t.loadAnswer(`id = (SELECT answer FROM shares WHERE id = $1)`, share)
	if err != nil {
		return when, err
	}
	return t.opening(a, reader)
}
