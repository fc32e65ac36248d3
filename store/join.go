package store

import (
	"database/sql"
	"slices"
	"time"
)

// Two scenes close together give one person one prompt. The rule:
//
// When a check-in is about to be asked, those of the same person that belong to
// other scenes, come within closeBy and were not asked yet are joined to it. One
// that comes within closeBy after another was asked, which is not answered yet,
// is joined to that one. It is decided then, and not when scenes are recorded,
// since quiet hours, "later" and changed scenes move what is due. Which marks they
// are at and how big the scenes are makes no difference.
//
// A joined check-in is folded, and keeps its row: each scene still counts its own
// marks. The answer is one, and "Who sees this?" offers the partners of all of its
// scenes, if they are no more than MostReaders; otherwise they are asked apart.
// Every partner is given what the person chooses for them, and learns nothing of
// the others: not even by a time, since what is shared with them comes no sooner
// than the check-in of their own scene was due (notBefore). It is the last one when it is the last of each of its scenes. What
// waits in a pact set to together waits for each pair by its own scene.
//
// If the scene of the one that was asked is undone, or its partner is left, it
// goes over to the next scene with its message and its answer (handOver). If the
// scene of a joined one is undone, its partners are no longer offered.
const closeTogether = 3 * time.Hour

// MostReaders is how many partners one answer is offered to: each has a row of
// buttons, and a message five rows.
const MostReaders = 4

// closeBy is closeTogether, and less where the marks themselves come soon.
func (t *tx) closeBy() int64 { return min(closeTogether, t.s.marks[0]/8).Milliseconds() }

// member is one of the check-ins that a person is asked as one.
type member struct {
	id, scene, mark int64
}

// group returns a check-in and those that were joined to it.
func (t *tx) group(checkin int64) (out []member, err error) {
	rows, err := t.Query(`SELECT id, scene, mark FROM checkins WHERE id = $1 OR joined = $1 ORDER BY id <> $1, id`, checkin)
	err = each(rows, err, func(r *sql.Rows) error {
		var m member
		err := r.Scan(&m.id, &m.scene, &m.mark)
		out = append(out, m)
		return err
	})
	return out, err
}

// readersOf returns whom the answer to a check-in may be shared with: those in
// each of its scenes whom the person is linked with.
func (t *tx) readersOf(c checkin) (out []side, err error) {
	group, err := t.group(c.id)
	if err != nil {
		return nil, err
	}
	for _, m := range group {
		some, err := t.readers(m.scene, c.person)
		if err != nil {
			return nil, err
		}
		out = union(out, some)
	}
	return out, nil
}

// readerViews returns whom an answer may be shared with, and what each was given.
func (t *tx) readerViews(c checkin, a answer) (out []Reader, err error) {
	readers, err := t.readersOf(c)
	if err != nil {
		return nil, err
	}
	view, err := t.answerView(a)
	if err != nil {
		return nil, err
	}
	for _, r := range readers {
		level, err := t.levelFor(a, r.partner)
		if err != nil {
			return nil, err
		}
		_, together, err := t.together(c.id, c.person, r.partner)
		if err != nil {
			return nil, err
		}
		out = append(out, Reader{Pact: r.pact, Name: r.name, Level: level, Waits: together && waits(level, view)})
	}
	return out, nil
}

// notBefore returns when an answer may reach a reader at the soonest: when the
// check-in of a scene that they were in is due.
func (t *tx) notBefore(checkin, reader int64) (at int64, err error) {
	err = t.QueryRow(`
		SELECT COALESCE(MIN(c.due_at), 0)
		FROM checkins c
		JOIN participants p ON p.scene = c.scene AND p.person = $2
		WHERE c.id = $1 OR c.joined = $1
	`, checkin, reader).Scan(&at)
	return at, err
}

func union(a, b []side) []side {
	for _, s := range b {
		if !slices.ContainsFunc(a, func(o side) bool { return o.pact == s.pact }) {
			a = append(a, s)
		}
	}
	slices.SortFunc(a, func(x, y side) int { return int(min(max(x.pact-y.pact, -1), 1)) })
	return a
}

// gather joins to a check-in that is about to be asked what comes soon after it.
// instead tells that it was itself joined to one that was asked lately.
func (t *tx) gather(delivery int64) (instead bool, err error) {
	c, err := t.checkinOf(delivery)
	if err != nil {
		return false, err
	}
	var scene bool
	if err := t.QueryRow(`SELECT kind = 'scene' FROM scenes WHERE id = $1`, c.scene).Scan(&scene); err != nil || !scene {
		return false, err
	}
	if c.state == "planned" {
		if instead, err = t.joinLately(c); err != nil || instead {
			return instead, err
		}
	}
	soon, err := t.ids(`
		SELECT c.id
		FROM checkins c
		JOIN scenes s ON s.id = c.scene AND s.kind = 'scene'
		JOIN deliveries d ON d.checkin = c.id AND d.kind = 'checkin'
		WHERE c.person = $1 AND c.state = 'planned' AND c.id <> $2
		  AND d.want = 'post' AND d.next_at IS NOT NULL AND d.lease IS NULL AND d.unsure_at IS NULL
		  AND d.due_at > $3 AND d.due_at <= $4
		ORDER BY d.due_at, c.id
	`, c.person, c.id, t.now-lapseAfter.Milliseconds(), t.now+t.closeBy())
	if err != nil {
		return false, err
	}
	for _, id := range soon {
		if _, err := t.joinTo(id, c); err != nil {
			return false, err
		}
	}
	return false, nil
}

// joinLately joins a check-in to one that was asked a while ago and is still open.
func (t *tx) joinLately(c checkin) (joined bool, err error) {
	asked, err := t.ids(`
		SELECT c.id
		FROM checkins c
		JOIN scenes s ON s.id = c.scene AND s.kind = 'scene'
		WHERE c.person = $1 AND c.state IN ('asked', 'answering') AND c.asked_at > $2
		ORDER BY c.asked_at DESC
	`, c.person, t.now-t.closeBy())
	if err != nil {
		return false, err
	}
	for _, id := range asked {
		joined, err := t.joinTo(c.id, checkin{id: id, person: c.person})
		if err != nil {
			return false, err
		}
		if joined {
			return true, t.amendAsked(id)
		}
	}
	return false, nil
}

// amendAsked has the messages of a check-in shown as it is now, those that stand:
// one that was put off still comes again.
func (t *tx) amendAsked(checkin int64) error {
	_, err := t.Exec(`
		UPDATE deliveries SET `+amending+` WHERE checkin = $2 AND want = 'edit' AND message IS NOT NULL
	`, t.now, checkin)
	return err
}

// joinTo joins a check-in to another one, with what was joined to it, if they fit
// into one message and are of different scenes.
func (t *tx) joinTo(id int64, to checkin) (bool, error) {
	all, err := t.group(to.id)
	if err != nil {
		return false, err
	}
	more, err := t.group(id)
	if err != nil {
		return false, err
	}
	for _, m := range more {
		if slices.ContainsFunc(all, func(o member) bool { return o.scene == m.scene }) {
			return false, nil
		}
	}
	var readers []side
	for _, m := range append(all, more...) {
		some, err := t.readers(m.scene, to.person)
		if err != nil {
			return false, err
		}
		readers = union(readers, some)
	}
	if len(readers) > MostReaders {
		return false, nil
	}
	if _, err := t.Exec(`UPDATE checkins SET state = 'folded', joined = $2 WHERE id = $1 OR joined = $1`, id, to.id); err != nil {
		return false, err
	}
	_, err = t.Exec(`UPDATE deliveries SET want = 'delete', next_at = NULL, version = version + 1 WHERE checkin = $1 AND kind = 'checkin'`, id)
	return true, err
}

// partWays has what was joined to a check-in that is not asked after all come by
// itself.
func (t *tx) partWays(checkin int64) error {
	group, err := t.group(checkin)
	if err != nil {
		return err
	}
	for _, m := range group {
		if m.id == checkin {
			continue
		}
		var person, due int64
		err := t.QueryRow(`
			UPDATE checkins SET state = 'planned', joined = NULL WHERE id = $1 RETURNING person, due_at
		`, m.id).Scan(&person, &due)
		if err != nil {
			return err
		}
		if _, err := t.owe(owed{to: person, kind: KindCheckIn, checkin: m.id, due: due}); err != nil {
			return err
		}
	}
	return nil
}

// passOver has a check-in whose scene ends for its person go over to one that was
// joined to it, if there is one. One that was joined itself is shown as no part of
// the other any more.
func (t *tx) passOver(checkin int64) (done bool, err error) {
	var heir, head int64
	err = t.QueryRow(`
		SELECT COALESCE((SELECT MIN(j.id) FROM checkins j WHERE j.joined = c.id), 0), COALESCE(c.joined, 0)
		FROM checkins c
		WHERE c.id = $1
	`, checkin).Scan(&heir, &head)
	switch {
	case err != nil:
		return false, err
	case heir != 0:
		return true, t.handOver(checkin, heir)
	case head != 0:
		return false, t.amendAsked(head)
	}
	return false, nil
}

// handOver lets one check-in take the place of another that it was joined to, with
// its messages and its answer. What was shared with those who are only in the
// other's scene is taken back.
func (t *tx) handOver(from, to int64) error {
	if err := t.letGo(`d.checkin = $1`, to); err != nil { // folded before it was sent
		return err
	}
	for _, q := range []string{
		`DELETE FROM deliveries WHERE checkin = $2`,
		`UPDATE deliveries SET checkin = $2 WHERE checkin = $1`,
		`UPDATE answers SET checkin = $2 WHERE checkin = $1`,
		`UPDATE checkins SET joined = $2 WHERE joined = $1 AND id <> $2`,
		`UPDATE checkins
		 SET joined = NULL, (state, step, postponed, asked_at) = (SELECT state, step, postponed, asked_at FROM checkins WHERE id = $1)
		 WHERE id = $2`,
		`UPDATE checkins SET state = 'cancelled' WHERE id = $1 AND id <> $2`,
	} {
		if _, err := t.Exec(q, from, to); err != nil {
			return err
		}
	}
	c := checkin{id: to}
	err := t.QueryRow(`SELECT scene, person, state, step, postponed FROM checkins WHERE id = $1`, to).
		Scan(&c.scene, &c.person, &c.state, &c.step, &c.postponed)
	if err != nil {
		return err
	}
	if err := t.withhold(c); err != nil {
		return err
	}
	return t.amendAsked(to)
}

// withhold takes an answer from those who are no longer among its readers. When it
// was chosen for all who are left, the check-in is done.
func (t *tx) withhold(c checkin) error {
	a, err := t.answerFor(c.id)
	if err != nil || a.id == 0 {
		return err
	}
	readers, err := t.readersOf(c)
	if err != nil {
		return err
	}
	shares, err := t.shares(a)
	if err != nil {
		return err
	}
	chosen := 0
	for _, s := range shares {
		if slices.ContainsFunc(readers, func(r side) bool { return r.partner == s.reader }) {
			if s.level != unchosen {
				chosen++
			}
			continue
		}
		if err := t.retract(`share`, s.id); err != nil {
			return err
		}
		if err := t.unshare(a.id, s.reader); err != nil {
			return err
		}
	}
	if c.step != StepShare || c.state == "done" || chosen < len(readers) {
		return nil
	}
	if err := t.finish(&c, a); err != nil {
		return err
	}
	_, err = t.Exec(`UPDATE checkins SET state = $2, step = $3 WHERE id = $1`, c.id, c.state, c.step)
	return err
}
