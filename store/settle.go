package store

import (
	"context"
	"slices"
)

// noReask stops a check-in that was to come again.
func (t *tx) noReask(checkin int64) error {
	_, err := t.Exec(`
		UPDATE deliveries
		SET `+notAgain+`
		WHERE checkin = $2 AND kind = 'checkin' AND want = 'post' AND message IS NOT NULL
	`, t.now, checkin)
	return err
}

// asked notes that a check-in stands in its person's DM. One that was put off in
// the meantime stays so.
func (t *tx) asked(delivery int64, changed bool) error {
	if err := t.countFits(delivery); err != nil {
		return err
	}
	_, err := t.Exec(`
		UPDATE checkins
		SET state = CASE state WHEN 'planned' THEN 'asked' ELSE state END,
		    step = CASE WHEN step = 'later' AND NOT $3 THEN 'prompt' ELSE step END,
		    asked_at = $2
		WHERE id = (SELECT checkin FROM deliveries WHERE id = $1)
	`, delivery, t.now, changed)
	return err
}

// nudgeOwed is a check-in that is to come once more; 'done' is one that has.
const nudgeOwed = "owed"

// nudge has a check-in that was just sent come once more, later and one time, for
// those who want that. Whatever they do to it in the meantime ends it.
func (t *tx) nudge(delivery int64) error {
	c, err := t.checkinOf(delivery)
	if err != nil {
		return err
	}
	if c.nudge == nudgeOwed {
		_, err := t.Exec(`UPDATE checkins SET nudge = 'done' WHERE id = $1`, c.id)
		return err
	}
	p, err := t.person(c.person)
	if err != nil || !p.settings.Nudge || c.nudge != "" || c.state != "asked" || c.step != StepPrompt {
		return err
	}
	if _, err := t.Exec(`UPDATE checkins SET nudge = 'owed' WHERE id = $1`, c.id); err != nil {
		return err
	}
	wanted := t.now + nudgeAfter.Milliseconds()
	_, err = t.Exec(`
		UPDATE deliveries
		SET want = 'post', due_at = $2, wanted_at = $3, next_at = $2, round = round + 1
		WHERE id = $1
	`, delivery, p.settings.Awake(fromMilli(wanted)).UnixMilli(), wanted)
	return err
}

// cancel ends a check-in, deletes what was answered to it, which nobody can get
// at any more, and takes its messages out of the DM.
//
// One that others were joined to goes over to the next of them instead; one that
// was joined to another is no longer part of it.
func (t *tx) cancel(id int64) error {
	if gone, err := t.passOver(id); err != nil || gone {
		return err
	}
	if _, err := t.Exec(`UPDATE checkins SET state = 'cancelled', joined = NULL WHERE id = $1`, id); err != nil {
		return err
	}
	if err := t.retract(`checkin`, id); err != nil {
		return err
	}
	answers, err := t.ids(`SELECT id FROM answers WHERE checkin = $1`, id)
	if err != nil {
		return err
	}
	for _, a := range answers {
		if err := t.forgetAnswer(a); err != nil {
			return err
		}
	}
	return t.forgetTalk(id)
}

// settle decides whether a due delivery is sent at all. A pause lays it aside. What was
// to go ahead of the rest of an answer goes with it, once that is due as well. A
// check-in that is more than 48 hours late lapses, and one more than 12 hours
// late is folded into the newest one of its scene that is due as well. What is
// left of them is gathered with those of other scenes (see gather).
func (t *tx) settle(d Delivery) (send bool, err error) {
	var paused bool
	if err := t.QueryRow(`SELECT paused_at IS NOT NULL FROM persons WHERE id = $1`, d.Recipient).Scan(&paused); err != nil {
		return false, err
	}
	if paused && (d.Want == Post || d.Want == Edit && !d.UnsureSince.IsZero()) { // which may become a post
		return false, t.layAside(d.ID)
	}
	if waits, err := t.tooSoon(d); err != nil || waits {
		return false, err
	}
	if comes, err := t.withTheRest(d); err != nil || comes {
		return false, err
	}
	if d.Want != Post || !slices.Contains(prompts, d.Kind) {
		return true, nil
	}
	return t.settlePrompt(d)
}

// settlePrompt is settle for what the bot sends by itself: too late, in quiet
// hours, or together with another one.
func (t *tx) settlePrompt(d Delivery) (send bool, err error) {
	if d.Kind == KindAfter || d.Kind == KindMoment {
		if ended, err := t.endAfterwards(d); err != nil || ended {
			return false, err
		}
	}
	if d.Kind != KindCheckIn && t.time().Sub(d.Due) > lapseLine {
		_, err := t.Exec(`UPDATE deliveries SET `+retracting+` WHERE id = $2`, t.now, d.ID)
		return false, err
	}
	if d.Kind == KindCheckIn {
		if ended, err := t.endLate(d); err != nil || ended {
			return false, err
		}
	}
	if waits, err := t.quietly(d); err != nil || waits {
		return false, err
	}
	if d.Kind == KindCheckIn && d.UnsureSince.IsZero() {
		instead, err := t.gather(d.ID)
		return !instead, err
	}
	return true, nil
}

// CloseRelay closes what somebody had read before they paused, and what has changed
// since: nothing new comes to them, and what was taken back does not stay. They can
// read it again. What comes after the first message of long words is taken out.
func (s *Store) CloseRelay(ctx context.Context, d Delivery) error {
	return s.inTx(ctx, func(t *tx) error {
		if _, ok, err := t.inHand(d); err != nil || !ok {
			return err
		}
		_, err := t.Exec(`
			UPDATE shares
			SET read_at      = CASE WHEN $2 < 0 THEN read_at END,
			    need_read_at = CASE WHEN $2 >= 0 THEN need_read_at END
			WHERE id = (SELECT share FROM deliveries WHERE id = $1)
		`, d.ID, d.Part)
		if err != nil || d.Part < 0 {
			return err
		}
		const others = ` AND want <> 'delete' AND share = (SELECT share FROM deliveries WHERE id = $2)`
		if _, err := t.Exec(`UPDATE deliveries SET `+retracting+` WHERE part > 0`+others, t.now, d.ID); err != nil || d.Part == 0 {
			return err
		}
		_, err = t.Exec(`UPDATE deliveries SET `+amending+` WHERE part = 0`+others, t.now, d.ID)
		return err
	})
}

// endLate ends a check-in that is too late, and one that was to come once more
// for somebody who no longer wants that.
func (t *tx) endLate(d Delivery) (ended bool, err error) {
	c, err := t.checkinOf(d.ID)
	if err != nil {
		return false, err
	}
	late := t.time().Sub(d.Due)
	if c.nudge == nudgeOwed && c.step == StepPrompt {
		p, err := t.person(c.person)
		if err != nil {
			return false, err
		}
		if !p.settings.Nudge || late > foldAfter {
			return true, t.end(c, "lapsed")
		}
		return false, nil
	}
	switch {
	case late <= foldAfter:
		return false, nil
	case late > lapseAfter:
		return true, t.end(c, "lapsed")
	}
	newer, err := t.newerAsked(c, d)
	if err != nil || !newer {
		return false, err
	}
	return true, t.end(c, "folded")
}

// newerAsked tells whether a later check-in of the same scene is due or was asked.
func (t *tx) newerAsked(c checkin, d Delivery) (newer bool, err error) {
	err = t.QueryRow(`
		SELECT EXISTS (
			SELECT 1
			FROM checkins c
			JOIN deliveries d ON d.checkin = c.id AND d.kind = 'checkin'
			WHERE c.scene = $1 AND c.person = $2 AND c.id <> $3
			  AND d.due_at > $4 AND d.due_at <= $5
			  AND (c.state IN ('asked', 'answering', 'done', 'skipped') OR c.joined IS NOT NULL
			       OR d.want = 'post' AND (d.next_at IS NOT NULL OR d.waiting = 1))
		)
	`, c.scene, c.person, c.id, d.Due.UnixMilli(), t.now).Scan(&newer)
	return newer, err
}

// end stops a check-in that is too late to be sent. One that was asked before
// and came too late the second time stays answerable.
func (t *tx) end(c checkin, state string) error {
	if c.state == "planned" {
		if err := t.partWays(c.id); err != nil {
			return err
		}
	}
	if _, err := t.Exec(`UPDATE checkins SET state = $2 WHERE id = $1 AND state = 'planned'`, c.id, state); err != nil {
		return err
	}
	_, err := t.Exec(`UPDATE deliveries SET `+ending+` WHERE id = $2`, t.now, c.delivery)
	return err
}
