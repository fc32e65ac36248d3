package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"
)

// Step is where a person is in a check-in.
type Step string

// The steps. A check-in may stay at any of them for good.
const (
	StepPrompt  Step = "prompt"  // a neutral line
	StepFeeling Step = "feeling" // how are you feeling right now?
	StepNeed    Step = "need"    // what would help right now?
	StepWords   Step = "words"   // in their own words
	StepShare   Step = "share"   // who sees this?
	StepDone    Step = "done"    // Change, Take it back
	StepChange  Step = "change"  // what is to be changed?
	StepLater   Step = "later"   // asked for it later
	StepSkipped Step = "skipped"
)

const (
	laterBy     = 3 * time.Hour
	laterAtMost = 2
	onTime      = 15 * time.Minute // later than this is late, and says so
	foldAfter   = 12 * time.Hour   // later than this is folded into a newer one that is due
	lapseAfter  = 48 * time.Hour   // later than this is not sent at all
	lapseLine   = 12 * time.Hour   // nor is a prompt that is no check-in later than this
	nudgeAfter  = 5 * time.Hour    // after a check-in that nobody touched, for those who want it
)

// Reader is somebody an answer may be shared with.
type Reader struct {
	Pact  int64
	Name  Private
	Level Level // what they were given; empty before that was chosen
	Waits bool  // what they are given, or all of it but the need, waits until both had their time
}

// CheckIn is a check-in as its person sees it.
type CheckIn struct {
	Mark      time.Duration
	Step      Step
	Last      bool // no further one belongs to its scene, or scenes
	Round     bool // it belongs to no scene: somebody asked for it, now or every so often
	Standing  bool // of those, it comes every so often
	Late      bool // it could not be asked at its time
	LaterAt   time.Time
	LaterLeft int  // how often it can still be put off
	Again     bool // it comes once more, as they wanted
	Plain     bool // the question may stand in the first line
	AsSet     bool // whom it was shared with was not asked: they have set it
	Changing  bool // it was answered, and they are changing it
	Panel     bool // typed words were heard, and their panel is the place to go on
	Answer    Answer
	Readers   []Reader
	Several   bool // they have other pacts too, so that it has to be said whom this is with
	Card      Card // their own
	WithCard  bool // it goes along with the words
}

// checkin is the row, with the delivery through which its person acts.
type checkin struct {
	id, scene, person int64
	mark, due         int64
	state             string
	step              Step
	postponed         int
	nudge             string
	delivery          int64
	kind              Kind
	part              int
}

// ownCheckin loads the check-in behind one of a person's own messages. ErrGone is
// for everything else: a stranger's button, one that was cancelled, one forgotten.
func (t *tx) ownCheckin(account Private, delivery int64) (c checkin, err error) {
	p, err := t.findOrGone(account)
	if err != nil {
		return c, err
	}
	c, err = t.checkinOf(delivery)
	if errors.Is(err, sql.ErrNoRows) || err == nil && c.person != p.id {
		return c, ErrGone
	} else if err != nil {
		return c, err
	}
	switch c.state {
	case "cancelled", "lapsed", "folded":
		return c, ErrGone
	}
	return c, nil
}

func (t *tx) checkinOf(delivery int64) (c checkin, err error) {
	err = t.QueryRow(`
		SELECT c.id, c.scene, c.person, c.mark, c.due_at, c.state, c.step, c.postponed, COALESCE(c.nudge, ''), d.id, d.kind, d.part
		FROM deliveries d
		JOIN checkins c ON c.id = d.checkin
		WHERE d.id = $1
	`, delivery).Scan(&c.id, &c.scene, &c.person, &c.mark, &c.due, &c.state, &c.step, &c.postponed, &c.nudge, &c.delivery, &c.kind, &c.part)
	return c, err
}

// CheckIn returns the check-in behind one of a person's own messages, or ErrGone.
func (s *Store) CheckIn(ctx context.Context, account Private, delivery int64) (view CheckIn, err error) {
	err = s.inView(ctx, func(t *tx) error {
		c, err := t.ownCheckin(account, delivery)
		if err != nil {
			return err
		}
		view, err = t.view(c)
		return err
	})
	return view, err
}

// onCheckIn is the frame of every act on a check-in: load, act, save, show.
func (s *Store) onCheckIn(ctx context.Context, account Private, delivery int64, act func(t *tx, c *checkin) error) (view CheckIn, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		c, err := t.ownCheckin(account, delivery)
		if err != nil {
			return err
		}
		if c.state == "planned" { // pressed before the send was marked
			c.state = "asked"
		}
		if err := act(t, &c); err != nil {
			return err
		}
		if err := t.saveCheckin(c); err != nil {
			return err
		}
		view, err = t.view(c)
		return err
	})
	return view, err
}

func (t *tx) saveCheckin(c checkin) error {
	_, err := t.Exec(`
		UPDATE checkins
		SET state = $2, step = $3, postponed = $4, asked_at = COALESCE(asked_at, $5)
		WHERE id = $1
	`, c.id, c.state, c.step, c.postponed, t.now)
	if err != nil {
		return err
	}
	return t.hasten(c.person)
}

// Open shows the feeling question, or where the person was.
func (s *Store) Open(ctx context.Context, account Private, delivery int64) (CheckIn, error) {
	return s.onCheckIn(ctx, account, delivery, func(t *tx, c *checkin) error {
		switch c.step {
		case StepPrompt, StepLater, StepSkipped:
			c.state, c.step = "asked", StepFeeling
			return t.noReask(c.id)
		}
		return nil
	})
}

// Go moves to a step that a person chose from Change. ErrGone for a step that
// can't be chosen.
func (s *Store) Go(ctx context.Context, account Private, delivery int64, step Step) (CheckIn, error) {
	if !slices.Contains([]Step{StepFeeling, StepNeed, StepShare, StepChange}, step) {
		return CheckIn{}, ErrGone
	}
	return s.onCheckIn(ctx, account, delivery, func(t *tx, c *checkin) error {
		if c.state != "done" {
			return nil // an old button: show where they are
		}
		c.step = step
		return nil
	})
}

// Feel takes a feeling. ErrGone for none we know.
func (s *Store) Feel(ctx context.Context, account Private, delivery int64, f Feeling) (CheckIn, error) {
	if !slices.Contains(Feelings, f) {
		return CheckIn{}, ErrGone
	}
	return s.onCheckIn(ctx, account, delivery, func(t *tx, c *checkin) error {
		if err := t.answer(c, StepNeed, func(b *body) { b.Feeling = f }); err != nil {
			return err
		}
		if err := t.keepFeeling(c, f); err != nil || !f.Low() {
			return err
		}
		return t.giveAll(c.person)
	})
}

// Need takes what would help. ErrGone for none we know, and for a card that says
// nothing of it.
func (s *Store) Need(ctx context.Context, account Private, delivery int64, n Need) (CheckIn, error) {
	return s.onCheckIn(ctx, account, delivery, func(t *tx, c *checkin) error {
		if ok, err := t.mayNeed(c.person, n); err != nil {
			return err
		} else if !ok {
			return ErrGone
		}
		return t.answer(c, StepWords, func(b *body) { b.Need = n })
	})
}

// Write takes words from a form. They replace what the form was given before;
// empty words take them out again.
func (s *Store) Write(ctx context.Context, account Private, delivery int64, text Private) (CheckIn, error) {
	return s.onCheckIn(ctx, account, delivery, func(t *tx, c *checkin) error {
		if err := t.answer(c, StepShare, func(b *body) { b.form = &text }); err != nil {
			return err
		}
		_, err := t.Exec(`
			UPDATE deliveries SET `+amending+`
			WHERE checkin = $2 AND kind = 'panel' AND id <> $3 AND want <> 'delete'
		`, t.now, c.id, c.delivery) // the form may have been opened from the message above
		return err
	})
}

// answer files a part of the answer and goes on to the next step, or back to
// the end where somebody changes what they had said: then what was shared
// changes with it.
func (t *tx) answer(c *checkin, next Step, change func(*body)) error {
	a, err := t.answerTo(c)
	if err != nil {
		return err
	}
	change(&a.body)
	if err := t.saveBody(a); err != nil {
		return err
	}
	if c.state == "done" {
		c.step = StepDone
		return t.carry(a.id)
	}
	c.state, c.step = "answering", next
	if err := t.noReask(c.id); err != nil {
		return err
	}
	return t.finishUnasked(c, a)
}

// finishUnasked ends a check-in at "who sees this?" where that needs no asking:
// there is nobody, or its person has set what everybody is given, and it holds
// nothing that they are asked about all the same (see Store.AskAbout).
func (t *tx) finishUnasked(c *checkin, a answer) error {
	if c.step != StepShare {
		return nil
	}
	readers, err := t.readersOf(*c)
	if err != nil {
		return err
	}
	p, err := t.person(c.person)
	if err != nil || len(readers) > 0 && (p.settings.Share == unchosen || p.paused) {
		return err // in a pause nothing goes out that its writer is not shown
	}
	if p.settings.Share == ShareWords || p.settings.Share == ShareGist {
		if asks, err := t.asksAbout(a); err != nil || asks && len(readers) > 0 {
			return err
		}
	}
	for _, r := range readers {
		level, err := t.levelFor(a, r.partner)
		if err == nil && level == unchosen {
			err = t.give(a, r.partner, p.settings.Share)
		}
		if err != nil {
			return err
		}
	}
	return t.finish(c, a)
}

// finish ends a check-in. What was shared goes on its way.
func (t *tx) finish(c *checkin, a answer) error {
	c.state, c.step = "done", StepDone
	return t.carry(a.id)
}

// Skip leaves a check-in before it was answered, and later only the question at
// hand. At "who sees this?" it keeps the answer.
func (s *Store) Skip(ctx context.Context, account Private, delivery int64) (CheckIn, error) {
	return s.onCheckIn(ctx, account, delivery, func(t *tx, c *checkin) error {
		if c.state == "done" {
			c.step = StepDone
			return nil
		}
		switch c.step {
		case StepNeed:
			c.step = StepWords
			return nil
		case StepWords, StepShare:
			a, err := t.answerTo(c)
			if err != nil {
				return err
			}
			if c.step == StepWords {
				c.step = StepShare
				return t.finishUnasked(c, a)
			}
			return t.finish(c, a)
		}
		c.state, c.step = "skipped", StepSkipped
		return t.noReask(c.id)
	})
}

// Later puts a check-in off by 3 hours, twice at most: ErrTooOften.
func (s *Store) Later(ctx context.Context, account Private, delivery int64) (CheckIn, error) {
	return s.onCheckIn(ctx, account, delivery, func(t *tx, c *checkin) error {
		switch {
		case c.step == StepLater || c.state == "done":
			return nil // pressed twice, or an old button
		case c.postponed >= laterAtMost:
			return ErrTooOften
		}
		c.postponed++
		c.step = StepLater
		if c.state == "skipped" {
			c.state = "asked"
		}
		wanted := t.now + laterBy.Milliseconds()
		due, err := t.awake(c.person, wanted)
		if err != nil {
			return err
		}
		_, err = t.Exec(`
			UPDATE deliveries
			SET want = 'post', due_at = $2, wanted_at = $3, next_at = CASE WHEN lease IS NULL THEN $2 ELSE next_at END,
			    round = round + 1, version = version + 1, waiting = 0
			WHERE checkin = $1 AND kind = 'checkin'
		`, c.id, due, wanted)
		return err
	})
}

// view returns a check-in as its person sees it through one message.
func (t *tx) view(c checkin) (v CheckIn, err error) {
	p, err := t.person(c.person)
	if err != nil {
		return v, err
	}
	v = CheckIn{
		Mark: time.Duration(c.mark) * time.Millisecond, Step: c.step, Changing: c.state == "done", LaterLeft: laterAtMost - c.postponed,
		Again: c.nudge != "" && c.step == StepPrompt && c.kind == KindCheckIn,
	}
	err = t.QueryRow(`
		SELECT NOT EXISTS (
			SELECT 1
			FROM checkins g
			JOIN checkins c ON c.scene = g.scene AND c.person = g.person AND c.mark > g.mark
			WHERE (g.id = $1 OR g.joined = $1)
			  AND (c.state NOT IN ('folded', 'lapsed', 'cancelled') OR c.joined IS NOT NULL)
		)
	`, c.id).Scan(&v.Last)
	if err != nil {
		return v, err
	}
	err = t.QueryRow(`SELECT kind = 'round', occasion IS NOT NULL FROM scenes WHERE id = $1`, c.scene).Scan(&v.Round, &v.Standing)
	if err != nil {
		return v, err
	}
	if v.Last {
		more, err := t.wantsAfter(c.scene, c.person)
		if err != nil {
			return v, err
		}
		v.Last = !more
	}
	if err := t.viewTimes(c, p.settings, &v); err != nil {
		return v, err
	}
	err = t.QueryRow(`
		SELECT EXISTS (SELECT 1 FROM deliveries WHERE checkin = $1 AND kind = 'panel' AND part > $2 AND want <> 'delete')
	`, c.id, c.part).Scan(&v.Panel)
	if err != nil {
		return v, err
	}
	a, err := t.answerFor(c.id)
	if err != nil {
		return v, err
	}
	if v.Answer, err = t.ownView(a); err != nil {
		return v, err
	}
	if v.Readers, err = t.readerViews(c, a); err != nil {
		return v, err
	}
	v.AsSet = p.settings.Share != unchosen && !slices.ContainsFunc(v.Readers, func(r Reader) bool { return r.Level != p.settings.Share })
	if v.Card, err = t.card(c.person); err != nil {
		return v, err
	}
	v.WithCard = v.Card.goesWith(a.body, ShareWords) && !v.Card.Empty()
	err = t.QueryRow(`SELECT COUNT(*) > 1 FROM sides WHERE person = $1`, c.person).Scan(&v.Several)
	return v, err
}

// viewTimes tells when a check-in comes again, and whether it came late: what is
// opened long after it came is not late, nor is what waited for its person, through
// a pause of theirs or closed DMs, and came when that and their night were over.
func (t *tx) viewTimes(c checkin, settings Settings, v *CheckIn) error {
	var due, at, woken int64
	err := t.QueryRow(`
		SELECT d.due_at, CASE WHEN d.want = 'post' THEN $2 ELSE COALESCE(d.sent_at, d.due_at) END, COALESCE(p.woken_at, 0)
		FROM deliveries d
		JOIN persons p ON p.id = d.recipient
		WHERE d.checkin = $1 AND d.kind = 'checkin'
	`, c.id, t.now).Scan(&due, &at, &woken)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	} else if err != nil {
		return err
	}
	v.LaterAt = fromMilli(due)
	since := v.LaterAt
	if came := settings.Awake(fromMilli(woken)); due < woken && woken <= at && came.After(since) {
		since = came
	}
	v.Late = fromMilli(at).Sub(since) > onTime
	return nil
}
