package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"
)

// mostUpcoming is how many lines the list of them has.
const mostUpcoming = 25

// Upcoming is one of a person's own check-ins that is still to come.
type Upcoming struct {
	At       time.Time
	Partners []Private // names; none for a check-in for oneself
	Round    bool      // the one check-in of a round, and of no scene
	Line     bool      // no check-in, but the one line in place of a scene's
}

// coming is an Upcoming with what tells whether another one will be joined to it.
type coming struct {
	at      int64
	scene   bool // it may be joined
	round   bool
	line    bool
	scenes  []int64
	readers []side
}

// Upcoming returns a person's own next check-ins, soonest first, at most 25. Those
// that will be asked as one are one.
func (s *Store) Upcoming(ctx context.Context, account Private) (out []Upcoming, err error) {
	err = s.viewOf(ctx, account, func(t *tx, p person) error {
		all, err := t.coming(p.id)
		if err != nil {
			return err
		}
		lines, err := t.comingLines(p.id)
		if err != nil {
			return err
		}
		all = append(all, lines...)
		slices.SortStableFunc(all, func(a, b coming) int { return cmp.Compare(a.at, b.at) })
		all = all[:min(len(all), mostUpcoming)]
		for _, c := range t.asOne(all) {
			u := Upcoming{At: fromMilli(c.at), Round: c.round, Line: c.line}
			for _, r := range c.readers {
				u.Partners = append(u.Partners, r.name)
			}
			out = append(out, u)
		}
		return nil
	})
	return out, err
}

func (t *tx) coming(person int64) (out []coming, err error) {
	var checkins []int64
	rows, err := t.Query(`
		SELECT MAX(d.due_at, d.next_at) AS at, c.id, c.scene, s.kind = 'scene' AND c.state = 'planned', s.kind = 'round'
		FROM checkins c
		JOIN scenes s ON s.id = c.scene
		JOIN deliveries d ON d.checkin = c.id AND d.kind = 'checkin'
		WHERE c.person = $1 AND d.next_at IS NOT NULL AND d.want = 'post' AND (c.state = 'planned' OR c.step = 'later')
		ORDER BY at, c.id
		LIMIT $2
	`, person, mostUpcoming)
	err = each(rows, err, func(r *sql.Rows) error {
		var c coming
		var id, scene int64
		err := r.Scan(&c.at, &id, &scene, &c.scene, &c.round)
		c.scenes = []int64{scene}
		out, checkins = append(out, c), append(checkins, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	for i, id := range checkins {
		if out[i].readers, err = t.readersOf(checkin{id: id, person: person}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// comingLines are the lines that come in place of scenes' check-ins.
func (t *tx) comingLines(person int64) (out []coming, err error) {
	rows, err := t.Query(`
		SELECT MAX(due_at, next_at) AS at, scene
		FROM deliveries
		WHERE recipient = $1 AND kind = 'here' AND part = $2 AND want = 'post' AND next_at IS NOT NULL
		ORDER BY at, id
		LIMIT $3
	`, person, partLight, mostUpcoming)
	err = each(rows, err, func(r *sql.Rows) error {
		c := coming{line: true, scenes: []int64{0}}
		err := r.Scan(&c.at, &c.scenes[0])
		out = append(out, c)
		return err
	})
	return out, err
}

// asOne puts together what gather will put together.
func (t *tx) asOne(all []coming) (out []coming) {
	for _, c := range all {
		i := slices.IndexFunc(out, func(o coming) bool {
			return o.scene && c.scene && c.at-o.at <= t.closeBy() && !slices.Contains(o.scenes, c.scenes[0]) &&
				len(union(slices.Clone(o.readers), c.readers)) <= MostReaders
		})
		if i < 0 {
			out = append(out, c)
			continue
		}
		out[i].scenes = append(out[i].scenes, c.scenes...)
		out[i].readers = union(out[i].readers, c.readers)
	}
	return out
}
