package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"
)

// Topic is what somebody's words are about, where they were asked for just that.
type Topic string

// The topics.
const (
	TopicKeep   Topic = "keep"   // something to keep
	TopicChange Topic = "change" // something to change
	TopicMoment Topic = "moment" // one moment they loved
	TopicTalk   Topic = "talk"   // they'd like to talk: no words
)

const (
	stepOpen     = "open"
	stepLater    = string(StepLater)
	stepSkipped  = string(StepSkipped)
	stepAtPrompt = string(StepPrompt)
)

// After is what comes to somebody after the last mark, as they see it.
type After struct {
	Moment    bool  // the second of the two: one moment
	Step      Step  // StepPrompt, StepFeeling (the question), StepShare (a part), StepLater, StepSkipped
	Topic     Topic // at StepShare: of which part
	Last      bool  // nothing more comes for this scene
	LaterAt   time.Time
	LaterLeft int
	Parts     []Part
	Readers   []Reader
	Several   bool // they have other pacts too, so that it has to be said whom this is with
}

// Part is something that somebody wrote after the last mark.
type Part struct {
	Topic   Topic
	Answer  Answer
	Readers []Reader
	Settled bool // it was chosen who sees it
}

// Part returns the part on a topic; ok is false if there is none.
func (a After) Part(topic Topic) (p Part, ok bool) {
	i := slices.IndexFunc(a.Parts, func(p Part) bool { return p.Topic == topic })
	if i < 0 {
		return Part{Topic: topic}, false
	}
	return a.Parts[i], true
}

func (a After) topics() []Topic {
	if a.Moment {
		return []Topic{TopicMoment}
	}
	return []Topic{TopicKeep, TopicChange}
}

// after is the row, with the delivery through which its person acts.
type after struct {
	scene, person int64
	kind          Kind
	step          string
	postponed     int
	delivery      int64
}

func (a *after) takes(topic Topic) bool {
	return slices.Contains(After{Moment: a.kind == KindMoment}.topics(), topic)
}

func (t *tx) afterOf(delivery int64) (a after, err error) {
	err = t.QueryRow(`
		SELECT a.scene, a.person, a.kind, a.step, a.postponed, d.id
		FROM deliveries d
		JOIN afters a ON a.scene = d.scene AND a.person = d.recipient AND a.kind = d.kind
		WHERE d.id = $1 AND d.want <> 'delete'
	`, delivery).Scan(&a.scene, &a.person, &a.kind, &a.step, &a.postponed, &a.delivery)
	if errors.Is(err, sql.ErrNoRows) {
		return a, ErrGone
	}
	return a, err
}

func (t *tx) saveAfter(a after) error {
	_, err := t.Exec(`
		UPDATE afters SET step = $4, postponed = $5 WHERE scene = $1 AND person = $2 AND kind = $3
	`, a.scene, a.person, a.kind, a.step, a.postponed)
	return err
}

func (t *tx) fillAfter(c *Content) error {
	a, err := t.afterOf(c.Delivery)
	if err != nil {
		return err
	}
	if c.Want == Post && a.step == stepLater {
		a.step = stepAtPrompt // this is the message that they asked for
	}
	v, err := t.afterView(a)
	c.After = &v
	return err
}

// afterView returns what comes after the last mark as its person sees it.
func (t *tx) afterView(a after) (v After, err error) {
	v = After{Moment: a.kind == KindMoment, LaterLeft: laterAtMost - a.postponed}
	switch a.step {
	case stepOpen:
		v.Step = StepFeeling
	case stepAtPrompt, stepLater, stepSkipped:
		v.Step = Step(a.step)
	default:
		v.Step, v.Topic = StepShare, Topic(a.step)
	}
	var due int64
	if err := t.QueryRow(`SELECT due_at FROM deliveries WHERE id = $1`, a.delivery).Scan(&due); err != nil {
		return v, err
	}
	v.LaterAt = fromMilli(due)
	readers, err := t.readers(a.scene, a.person)
	if err != nil {
		return v, err
	}
	for _, r := range readers {
		v.Readers = append(v.Readers, Reader{Pact: r.pact, Name: r.name})
	}
	parts, err := t.parts(a)
	if err != nil {
		return v, err
	}
	for _, p := range parts {
		part, err := t.partView(p, readers)
		if err != nil {
			return v, err
		}
		v.Parts = append(v.Parts, part)
	}
	over, err := t.onceOver(a.scene, a.person)
	if err != nil {
		return v, err
	}
	if over != 0 {
		v.LaterLeft = 0 // the links end before it could come again
	}
	v.Last = v.Moment || over != 0 || v.Step == StepSkipped && len(v.Parts) == 0
	if _, ok := v.Part(v.Topic); v.Step == StepShare && !ok {
		v.Step, v.Topic = StepFeeling, "" // it is no longer kept
	}
	err = t.QueryRow(`SELECT COUNT(*) > 1 FROM sides WHERE person = $1`, a.person).Scan(&v.Several)
	return v, err
}

func (t *tx) partView(a answer, readers []side) (p Part, err error) {
	p = Part{Topic: a.body.Topic, Settled: true}
	if p.Answer, err = t.ownView(a); err != nil {
		return p, err
	}
	for _, r := range readers {
		level, err := t.levelFor(a, r.partner)
		if err != nil {
			return p, err
		}
		p.Settled = p.Settled && level != unchosen
		p.Readers = append(p.Readers, Reader{Pact: r.pact, Name: r.name, Level: level})
	}
	return p, nil
}

// parts returns what a person wrote after a scene, in the order of the topics.
func (t *tx) parts(a after) (out []answer, err error) {
	all, err := t.about(a.scene, a.person, "part")
	if err != nil {
		return nil, err
	}
	for _, topic := range (After{Moment: a.kind == KindMoment}).topics() {
		for _, p := range all {
			if p.body.Topic == topic {
				out = append(out, p)
			}
		}
	}
	return out, nil
}

// about returns a person's answers of a kind that are about a scene.
func (t *tx) about(scene, person int64, kind string) (out []answer, err error) {
	ids, err := t.ids(`
		SELECT id FROM answers WHERE scene = $1 AND writer = $2 AND kind = $3 AND state <> 'gone' ORDER BY id
	`, scene, person, kind)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		a, err := t.loadAnswer(`id = $1`, id)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

func (t *tx) partOn(a *after, topic Topic) (answer, error) {
	parts, err := t.parts(*a)
	if err != nil {
		return answer{}, err
	}
	for _, p := range parts {
		if p.body.Topic == topic {
			return p, nil
		}
	}
	return answer{}, nil
}

// After returns what comes after the last mark, behind one of a person's own
// messages, or ErrGone.
func (s *Store) After(ctx context.Context, account Private, delivery int64) (v After, err error) {
	err = s.inView(ctx, func(t *tx) error {
		a, err := t.ownAfter(account, delivery)
		if err != nil {
			return err
		}
		v, err = t.afterView(a)
		return err
	})
	return v, err
}

func (t *tx) ownAfter(account Private, delivery int64) (a after, err error) {
	p, err := t.findOrGone(account)
	if err != nil {
		return a, err
	}
	a, err = t.afterOf(delivery)
	if err == nil && a.person != p.id {
		err = ErrGone
	}
	return a, err
}

// onAfter is the frame of every act: load, act, save, show.
func (s *Store) onAfter(ctx context.Context, account Private, delivery int64, act func(t *tx, a *after) error) (v After, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		a, err := t.ownAfter(account, delivery)
		if err != nil {
			return err
		}
		if err := act(t, &a); err != nil {
			return err
		}
		if err := t.saveAfter(a); err != nil {
			return err
		}
		v, err = t.afterView(a)
		return err
	})
	return v, err
}

// OpenAfter shows the question, or what was written. No topic is the question.
// ErrGone for a topic that isn't asked here.
func (s *Store) OpenAfter(ctx context.Context, account Private, delivery int64, topic Topic) (After, error) {
	return s.onAfter(ctx, account, delivery, func(t *tx, a *after) error {
		if topic != "" && !a.takes(topic) {
			return ErrGone
		}
		skipped := a.step == stepSkipped
		if a.step = stepOpen; topic != "" {
			a.step = string(topic)
		}
		if err := t.noReaskAfter(a); err != nil || !skipped || a.kind == KindMoment {
			return err
		}
		return t.bookAfter(KindMoment, a.scene, a.person, momentAfter) // they came back to it
	})
}

// noReaskAfter stops a question that was to come again.
func (t *tx) noReaskAfter(a *after) error {
	_, err := t.Exec(`
		UPDATE deliveries
		SET `+notAgain+`
		WHERE id = $2 AND want = 'post' AND message IS NOT NULL
	`, t.now, a.delivery)
	return err
}

// WritePart takes words on a topic, in place of those that were written there. None
// forgets the part, and takes back what was shared of it; what was typed stays.
func (s *Store) WritePart(ctx context.Context, account Private, delivery int64, topic Topic, text Private) (After, error) {
	return s.onAfter(ctx, account, delivery, func(t *tx, a *after) error {
		if !a.takes(topic) {
			return ErrGone
		}
		if err := t.noReaskAfter(a); err != nil {
			return err
		}
		part, err := t.partOn(a, topic)
		if err != nil {
			return err
		}
		a.step = string(topic)
		if typed, err := t.wasTyped(part.id); err != nil {
			return err
		} else if text.IsZero() && t.past(part) {
			return nil // the form did not show them what it would take out
		} else if text.IsZero() && !typed {
			a.step = stepOpen
			if part.id == 0 {
				return nil
			}
			return t.forgetAnswer(part.id)
		}
		if part.id == 0 {
			if part, err = t.newPart(a, topic); err != nil {
				return err
			}
		}
		part.body.form = &text
		if err := t.saveBody(part); err != nil || part.state == "draft" {
			return err
		}
		return t.carry(part.id)
	})
}

// newPart begins what somebody writes on a topic.
func (t *tx) newPart(a *after, topic Topic) (answer, error) {
	part, err := t.newAnswer(answer{writer: a.person, kind: "part", scene: a.scene, state: "draft"}, nil)
	if err != nil {
		return part, err
	}
	part.body.Topic = topic
	return part, t.saveBody(part)
}

// wasTyped tells whether an answer has words that came from no form.
func (t *tx) wasTyped(answer int64) (typed bool, err error) {
	err = t.QueryRow(`SELECT EXISTS (SELECT 1 FROM words WHERE answer = $1 AND source IS NOT NULL)`, answer).Scan(&typed)
	return typed, err
}

// SharePart sets what one reader is given of a part: its words, or nothing. What
// is shared goes on its way. ErrGone as for Share.
func (s *Store) SharePart(ctx context.Context, account Private, delivery int64, topic Topic, pact int64, level Level) (After, error) {
	if level != ShareWords && level != ShareKept {
		return After{}, ErrGone
	}
	return s.onPart(ctx, account, delivery, topic, func(t *tx, part answer, readers []side) error {
		i := slices.IndexFunc(readers, func(r side) bool { return r.pact == pact })
		if i < 0 {
			return ErrGone
		}
		if err := t.chooses(part, readers[i].partner, level); err != nil {
			return err
		}
		return t.carryFor(part.id, readers[i].partner)
	})
}

// KeepPart keeps a part from everybody who was not given it; with back, from
// those who were too.
func (s *Store) KeepPart(ctx context.Context, account Private, delivery int64, topic Topic, back bool) (After, error) {
	return s.onPart(ctx, account, delivery, topic, func(t *tx, part answer, readers []side) error {
		for _, r := range readers {
			level, err := t.levelFor(part, r.partner)
			if err == nil && (back || level == unchosen) {
				err = t.give(part, r.partner, ShareKept)
			}
			if err != nil {
				return err
			}
		}
		return t.carry(part.id)
	})
}

func (s *Store) onPart(ctx context.Context, account Private, delivery int64, topic Topic, act func(t *tx, part answer, readers []side) error) (After, error) {
	return s.onAfter(ctx, account, delivery, func(t *tx, a *after) error {
		part, err := t.partOn(a, topic)
		if err != nil {
			return err
		}
		if part.id == 0 {
			return ErrGone
		}
		readers, err := t.readers(a.scene, a.person)
		if err != nil {
			return err
		}
		a.step = string(topic)
		return act(t, part, readers)
	})
}

// LaterAfter puts the question off by a day, twice at most, and not at all where
// the links end before that: ErrTooOften. What comes after it moves with it.
func (s *Store) LaterAfter(ctx context.Context, account Private, delivery int64) (After, error) {
	return s.onAfter(ctx, account, delivery, func(t *tx, a *after) error {
		switch {
		case a.step == stepLater:
			return nil // pressed twice
		case a.postponed >= laterAtMost:
			return ErrTooOften
		}
		if over, err := t.onceOver(a.scene, a.person); err != nil || over != 0 {
			return cmp.Or(err, ErrTooOften)
		}
		a.postponed++
		a.step = stepLater
		wanted := t.now + afterLaterBy.Milliseconds()
		due, err := t.awake(a.person, wanted)
		if err != nil {
			return err
		}
		_, err = t.Exec(`
			UPDATE deliveries
			SET want = 'post', due_at = $2, wanted_at = $3, next_at = CASE WHEN lease IS NULL THEN $2 ELSE next_at END,
			    round = round + 1, version = version + 1, waiting = 0
			WHERE id = $1
		`, a.delivery, due, wanted)
		if err != nil || a.kind == KindMoment {
			return err
		}
		return t.bookAfter(KindMoment, a.scene, a.person, afterLaterBy+momentAfter)
	})
}

// SkipAfter leaves the question. If nothing was written, nothing more comes.
func (s *Store) SkipAfter(ctx context.Context, account Private, delivery int64) (After, error) {
	return s.onAfter(ctx, account, delivery, func(t *tx, a *after) error {
		a.step = stepSkipped
		parts, err := t.parts(*a)
		if err != nil {
			return err
		}
		if err := t.noReaskAfter(a); err != nil || a.kind == KindMoment || len(parts) > 0 {
			return err
		}
		_, err = t.Exec(`
			UPDATE deliveries SET `+retracting+`
			WHERE recipient = $2 AND scene = $3 AND kind = 'moment' AND sent_at IS NULL
		`, t.now, a.person, a.scene)
		return err
	})
}
