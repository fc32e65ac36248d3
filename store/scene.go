package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"
)

// Size is how much care a scene gets.
type Size string

// The sizes: light is the first mark only, usual the marks of the house, intense
// adds a check-in at 72 hours.
const (
	Light   Size = "light"
	Usual   Size = "usual"
	Intense Size = "intense"
)

const (
	sameScene   = 6 * time.Hour // two ends this close, in one pact, are one scene
	oldestScene = 7 * 24 * time.Hour
	intenseMark = 72 * time.Hour
	keepScene   = 7 * 24 * time.Hour // after its last mark
	scenesADay  = 24                 // recorded by one person
)

// Ended is what a person says when a scene has ended.
type Ended struct {
	By       Who
	Partners []Private // accounts named in the command
	Pacts    []int64   // or pacts picked from a list
	Alone    bool      // or nobody: check-ins for oneself
	Consent  int       // version of what they just agreed to, or 0
	At       time.Time
	Size     Size
	Request  string // Discord's id of the interaction: the same one twice is one scene
}

// Scene is a recorded scene as one of its participants sees it.
type Scene struct {
	ID       int64
	EndedAt  time.Time
	Size     Size
	CheckIns []time.Time // one's own that are still to come
	LineAt   time.Time   // of the line in their place, if that is to come
	Nothing  bool        // one has set that nothing comes
	Paused   bool        // one has paused: nothing comes before that ends
	Partners []Private   // names of those in it whom one is linked with
	Round    bool        // no scene, but a check-in that somebody asked for
}

// EndScene records that a scene has ended and plans everybody's check-ins, or
// finds the one that a partner recorded already. It returns ErrNotLinked for
// anybody who can't be named, whatever the reason; ErrSelf; ErrAlone without a
// pact; ErrWhich with several and none named; ErrNotAgreed before consent; ErrGone
// for a time that is not within the last 7 days; ErrOnce for a pact that is for one
// scene and has had it; and, since each writes to the partners, undone ones
// included, ErrScenes for the 6th new one within an hour with one partner, and
// ErrTooOften for the 25th in a day.
func (s *Store) EndScene(ctx context.Context, e Ended) (sc Scene, err error) {
	if e.Size == "" {
		e.Size = Usual
	}
	err = s.inTx(ctx, func(t *tx) error {
		if !t.mayEnd(e.At) {
			return ErrGone
		}
		me, scene, err := t.recordOnce(e, t.record)
		if err != nil {
			return err
		}
		sc, err = t.scene(scene, me.id)
		return err
	})
	return sc, err
}

// recordOnce records something for one interaction, or finds what it recorded
// already.
func (t *tx) recordOnce(e Ended, record func(me person, e Ended, request []byte) (int64, error)) (me person, scene int64, err error) {
	if me, err = t.recorder(e); err != nil {
		return me, 0, err
	}
	request := t.s.lookup("request", e.Request)
	err = t.QueryRow(`SELECT scene FROM participants WHERE request = $1 AND person = $2`, request, me.id).Scan(&scene)
	if errors.Is(err, sql.ErrNoRows) {
		scene, err = record(me, e, request)
	}
	return me, scene, err
}

// mayEnd tells whether a scene may have ended then: an hour more than is asked
// for is left for picking a partner, and a minute for Discord's clock.
func (t *tx) mayEnd(at time.Time) bool {
	return !at.After(t.time().Add(time.Minute)) && !at.Before(t.time().Add(-oldestScene-time.Hour))
}

// recorder returns the person who records, who becomes one here if they just
// agreed to check-ins for themselves.
func (t *tx) recorder(e Ended) (person, error) {
	me, err := t.whoRecords(e)
	if err == nil && me.paused {
		return me, ErrPaused
	}
	return me, err
}

func (t *tx) whoRecords(e Ended) (person, error) {
	me, err := t.find(e.By.ID)
	switch {
	case err == nil && e.Consent > 0:
		return t.greet(e.By, e.Consent)
	case !errors.Is(err, ErrNotAgreed):
		return me, err
	case len(e.Partners)+len(e.Pacts) > 0:
		return me, ErrNotLinked
	case e.Alone && e.Consent > 0:
		return t.greet(e.By, e.Consent)
	case e.Alone:
		return me, ErrNotAgreed
	}
	return me, ErrAlone
}

// seldom is ErrTooOften for somebody who has recorded very many scenes in a day.
func (t *tx) seldom(person int64) error {
	var n int
	err := t.QueryRow(`
		SELECT COUNT(*) FROM participants WHERE person = $1 AND request IS NOT NULL AND scene >= $2
	`, person, firstID(t.time().Add(-24*time.Hour))).Scan(&n)
	if err == nil && n >= scenesADay {
		err = ErrTooOften
	}
	return err
}

func (t *tx) record(me person, e Ended, request []byte) (scene int64, err error) {
	partners, err := t.partners(me, e)
	if err != nil {
		return 0, err
	}
	if err := t.seldom(me.id); err != nil {
		return 0, err
	}
	scene, missing, err := t.merge(me.id, partners, e.At.UnixMilli())
	if err != nil {
		return 0, err
	}
	if scene == 0 {
		missing = partners
	}
	if err := t.notSoMany(me.id, missing); err != nil {
		return 0, err
	}
	full, err := t.full(scene, len(missing))
	if err != nil {
		return 0, err
	}
	if scene == 0 || full {
		if scene, err = t.newScene(e); err != nil {
			return 0, err
		}
	}
	if err := t.join(scene, me.id, "in", &t.now, request); err != nil {
		return 0, err
	}
	for _, p := range partners {
		if err := t.bring(scene, p, me.id, slices.Contains(missing, p)); err != nil {
			return 0, err
		}
	}
	return scene, t.plan(scene, me.id)
}

// mostTogether is how many may be in one scene: whoever recorded it and the three
// partners that a command can name. Everybody has a row of buttons for each other.
const mostTogether = 4

// full tells whether a scene that was recorded already has no room for so many more.
func (t *tx) full(scene int64, more int) (bool, error) {
	if scene == 0 || more == 0 {
		return false, nil
	}
	var n int
	err := t.QueryRow(`SELECT COUNT(*) FROM participants WHERE scene = $1`, scene).Scan(&n)
	return n+more > mostTogether, err
}

// chosen returns one's own ends of the pacts with those whom a scene names.
func (t *tx) chosen(me person, e Ended) (chosen []side, err error) {
	sides, err := t.sides(me.id)
	if err != nil {
		return nil, err
	}
	switch {
	case len(e.Partners) > 0:
		chosen, err = t.named(me, sides, e.Partners)
	case len(e.Pacts) > 0:
		for _, pact := range e.Pacts {
			i := slices.IndexFunc(sides, func(s side) bool { return s.pact == pact })
			if i < 0 {
				return nil, ErrNotLinked
			}
			chosen = append(chosen, sides[i])
		}
	case e.Alone:
	case len(sides) == 0:
		return nil, ErrAlone
	case len(sides) > 1:
		return nil, ErrWhich
	default:
		chosen = sides
	}
	return chosen, err
}

// partners returns the persons whom a scene names, each of them linked with me.
func (t *tx) partners(me person, e Ended) (out []int64, err error) {
	chosen, err := t.chosen(me, e)
	if err != nil {
		return nil, err
	}
	for _, s := range chosen {
		if spent, err := t.onceSpent(me.id, s, e.At.UnixMilli()); err != nil || spent {
			return nil, cmp.Or(err, ErrOnce)
		}
		if !s.holds {
			return nil, ErrNotLinked
		}
		if !slices.Contains(out, s.partner) {
			out = append(out, s.partner)
		}
	}
	return out, err
}

// named returns one's own ends of the pacts with those accounts. Somebody one is not
// linked with has one that does not hold, so that what comes after it is the same for
// them as for somebody who has left or paused: also in how long it takes.
func (t *tx) named(me person, sides []side, accounts []Private) (chosen []side, err error) {
	for _, account := range accounts {
		var id int64 // and no more of them: it would take longer for those we know
		err := t.QueryRow(`SELECT id FROM persons WHERE lookup = $1`, t.s.lookup("person", account.Reveal())).Scan(&id)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
		if id == me.id {
			return nil, ErrSelf
		}
		i := slices.IndexFunc(sides, func(s side) bool { return s.account == account }) // who erased everything can still be named
		if i < 0 {
			chosen = append(chosen, side{})
			continue
		}
		chosen = append(chosen, sides[i])
	}
	return chosen, nil
}

// merge finds the scene that was recorded already, within 6 hours, by or with
// one of the partners, and who of them is not in it yet.
func (t *tx) merge(me int64, partners []int64, at int64) (scene int64, missing []int64, err error) {
	for _, partner := range partners {
		var found int64
		err := t.QueryRow(`
			SELECT s.id
			FROM participants a
			JOIN participants b ON b.scene = a.scene AND b.person = $2
			JOIN scenes s ON s.id = a.scene
			WHERE a.person = $1 AND s.kind = 'scene'
			  AND s.ended_at BETWEEN $3 AND $4
			  AND s.forget_at > $5
			  AND EXISTS (SELECT 1 FROM participants r WHERE r.scene = s.id AND r.recorded_at IS NOT NULL AND r.state <> 'out')
			ORDER BY ABS(s.ended_at - $6), s.id DESC
			LIMIT 1
		`, me, partner, at-sameScene.Milliseconds(), at+sameScene.Milliseconds(), t.now+keepScene.Milliseconds(), at).Scan(&found)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			missing = append(missing, partner)
		case err != nil:
			return 0, nil, err
		default:
			scene = found
		}
	}
	if len(partners) > 0 {
		return scene, missing, nil
	}
	err = t.QueryRow(`
		SELECT s.id
		FROM participants a
		JOIN scenes s ON s.id = a.scene
		WHERE a.person = $1 AND a.recorded_at IS NOT NULL AND a.state <> 'out' AND s.kind = 'scene'
		  AND s.ended_at BETWEEN $2 AND $3
		  AND s.forget_at > $4
		  AND NOT EXISTS (SELECT 1 FROM participants b WHERE b.scene = s.id AND b.person <> $1)
		ORDER BY ABS(s.ended_at - $5), s.id DESC
		LIMIT 1
	`, me, at-sameScene.Milliseconds(), at+sameScene.Milliseconds(), t.now+keepScene.Milliseconds(), at).Scan(&scene)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return scene, nil, err
}

func (t *tx) newScene(e Ended) (int64, error) {
	id, at := t.newID(), e.At.UnixMilli()
	_, err := t.Exec(`
		INSERT INTO scenes (id, ended_at, size, forget_at)
		VALUES ($1, $2, $3, $4)
	`, id, at, e.Size, t.s.forgetScene(at, e.Size))
	return id, err
}

// join puts somebody into a scene, or back into it.
func (t *tx) join(scene, person int64, state string, recordedAt *int64, request []byte) error {
	_, err := t.Exec(`
		INSERT INTO participants (scene, person, state, recorded_at, request)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (scene, person) DO UPDATE
		SET state = excluded.state,
		    recorded_at = COALESCE(excluded.recorded_at, recorded_at),
		    request = COALESCE(excluded.request, request)
	`, scene, person, state, recordedAt, request)
	if err != nil {
		return err
	}
	return t.keepModes(scene, person)
}

// scene returns a scene as one of its participants sees it.
func (t *tx) scene(id, person int64) (sc Scene, err error) {
	var endedAt int64
	sc.ID = id
	err = t.QueryRow(`SELECT ended_at, size, kind = 'round' FROM scenes WHERE id = $1`, id).Scan(&endedAt, &sc.Size, &sc.Round)
	if err != nil {
		return sc, err
	}
	sc.EndedAt = fromMilli(endedAt)
	rows, err := t.Query(`
		SELECT d.due_at
		FROM checkins c
		JOIN deliveries d ON d.checkin = c.id AND d.kind = 'checkin'
		WHERE c.scene = $1 AND c.person = $2 AND c.state = 'planned'
		ORDER BY d.due_at
	`, id, person)
	err = each(rows, err, func(r *sql.Rows) error {
		var due int64
		err := r.Scan(&due)
		sc.CheckIns = append(sc.CheckIns, fromMilli(due))
		return err
	})
	if err != nil {
		return sc, err
	}
	if err := t.sceneLine(&sc, person); err != nil {
		return sc, err
	}
	readers, err := t.readers(id, person)
	for _, r := range readers {
		sc.Partners = append(sc.Partners, r.name)
	}
	return sc, err
}

// sceneLine tells what comes to those who have set that no check-ins do, or paused.
func (t *tx) sceneLine(sc *Scene, person int64) error {
	p, err := t.person(person)
	if err != nil {
		return err
	}
	sc.Nothing, sc.Paused = p.settings.Much == MuchNone, p.paused
	if p.settings.Much != MuchLight {
		return nil
	}
	var due sql.NullInt64
	err = t.QueryRow(`
		SELECT MAX(due_at) FROM deliveries
		WHERE recipient = $1 AND scene = $2 AND kind = 'here' AND part = $3 AND want = 'post' AND next_at IS NOT NULL
	`, person, sc.ID, partLight).Scan(&due)
	if due.Valid {
		sc.LineAt = fromMilli(due.Int64)
	}
	return err
}

// readers returns those in a scene whom a person is linked with, as that person
// sees it: a partner who has left is still among them.
func (t *tx) readers(scene, person int64) (out []side, err error) {
	sides, err := t.sides(person)
	if err != nil {
		return nil, err
	}
	for _, s := range sides {
		var in bool
		err := t.QueryRow(`SELECT EXISTS (SELECT 1 FROM participants WHERE scene = $1 AND person = $2)`, scene, s.partner).Scan(&in)
		if err != nil {
			return nil, err
		}
		if in {
			out = append(out, s)
		}
	}
	return out, nil
}

// Recorded returns a scene to somebody who recorded it, or ErrGone. Scene 0 is
// the last one they recorded.
func (s *Store) Recorded(ctx context.Context, account Private, scene int64) (sc Scene, err error) {
	err = s.inView(ctx, func(t *tx) error {
		p, id, err := t.recorded(account, scene)
		if err != nil {
			return err
		}
		sc, err = t.scene(id, p.id)
		return err
	})
	return sc, err
}

func (t *tx) recorded(account Private, scene int64) (p person, id int64, err error) {
	if p, err = t.findOrGone(account); err != nil {
		return p, 0, err
	}
	err = t.QueryRow(`
		SELECT scene
		FROM participants
		WHERE person = $1 AND recorded_at IS NOT NULL AND state <> 'out' AND ($2 = 0 OR scene = $2)
		  AND EXISTS (SELECT 1 FROM scenes s WHERE s.id = scene AND s.kind = 'scene')
		ORDER BY recorded_at DESC, scene DESC
		LIMIT 1
	`, p.id, scene).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return p, 0, ErrGone
	}
	return p, id, err
}

// ChangeScene moves the end of a scene, or gives it another size, for everybody
// in it. A zero time or an empty size stays. ErrGone as in Recorded and EndScene.
func (s *Store) ChangeScene(ctx context.Context, account Private, scene int64, at time.Time, size Size) (sc Scene, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		if !at.IsZero() && !t.mayEnd(at) {
			return ErrGone
		}
		p, id, err := t.recorded(account, scene)
		if err != nil {
			return err
		}
		if sc, err = t.scene(id, p.id); err != nil {
			return err
		}
		if !at.IsZero() {
			sc.EndedAt = at
		}
		if size != "" {
			sc.Size = size
		}
		end := sc.EndedAt.UnixMilli()
		_, err = t.Exec(`UPDATE scenes SET ended_at = $2, size = $3, forget_at = $4 WHERE id = $1`, id, end, sc.Size, s.forgetScene(end, sc.Size))
		if err != nil {
			return err
		}
		if err := t.replan(id); err != nil {
			return err
		}
		if err := t.amendNotices(id); err != nil {
			return err
		}
		sc, err = t.scene(id, p.id)
		return err
	})
	return sc, err
}

// amendNotices has the notices tell the new times, to those who have not replied.
func (t *tx) amendNotices(scene int64) error {
	_, err := t.Exec(`
		UPDATE deliveries SET `+amending+`
		WHERE scene = $2 AND want <> 'delete' AND recipient IN (
			SELECT person FROM participants WHERE scene = $2 AND state <> 'out' AND replied_at IS NULL
		)
	`, t.now, scene)
	return err
}
