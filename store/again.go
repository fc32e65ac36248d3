package store

import (
	"database/sql"
)

// sameAgain is for two who link, one of whom erased everything since they last were
// linked: what the other has of them is theirs again, as if they had left and come
// back.
func (t *tx) sameAgain(a, b int64) error {
	for _, pair := range [][2]int64{{a, b}, {b, a}} {
		account, err := t.account(pair[1])
		if err != nil {
			return err
		}
		sides, err := t.sides(pair[0])
		if err != nil {
			return err
		}
		for _, s := range sides {
			if s.account != account || s.partner == pair[1] {
				continue
			}
			if err := t.takePlace(s.partner, pair[1]); err != nil {
				return err
			}
		}
	}
	return nil
}

// takePlace gives what partners have of somebody who was buried to who they are now.
func (t *tx) takePlace(was, is int64) error {
	if err := t.takeSpecs(was, is); err != nil {
		return err
	}
	if err := t.takeModes(was, is); err != nil {
		return err
	}
	for _, q := range []string{
		`UPDATE standings SET proposer = $2 WHERE proposer = $1`,
		`UPDATE standings SET partner = $2 WHERE partner = $1`,
		`UPDATE OR IGNORE participants SET person = $2 WHERE person = $1`,
		`UPDATE OR IGNORE shares SET reader = $2 WHERE reader = $1`,
		`UPDATE sides SET partner = $2 WHERE partner = $1`,
		`UPDATE pacts
		 SET low = MIN(CASE low WHEN $1 THEN $2 ELSE low END, CASE high WHEN $1 THEN $2 ELSE high END),
		     high = MAX(CASE low WHEN $1 THEN $2 ELSE low END, CASE high WHEN $1 THEN $2 ELSE high END)
		 WHERE low = $1 OR high = $1`,
	} {
		if _, err := t.Exec(q, was, is); err != nil {
			return err
		}
	}
	return nil
}

// takeSpecs seals anew when the standing check-ins come that they had suggested.
func (t *tx) takeSpecs(was, is int64) error {
	ids, err := t.ids(`SELECT id FROM standings WHERE proposer = $1`, was)
	if err != nil {
		return err
	}
	for _, id := range ids {
		st, err := t.standing(id)
		if err != nil {
			return err
		}
		sealed, err := t.seal(is, "standings.spec", id, st.spec)
		if err != nil {
			return err
		}
		if _, err := t.Exec(`UPDATE standings SET spec = $2 WHERE id = $1`, id, sealed); err != nil {
			return err
		}
	}
	return nil
}

// takeModes has the others in their scenes be with them as they were.
func (t *tx) takeModes(was, is int64) error {
	type place struct{ scene, person int64 }
	var places []place
	rows, err := t.Query(`
		SELECT o.scene, o.person FROM participants p
		JOIN participants o ON o.scene = p.scene AND o.person <> p.person
		WHERE p.person = $1 AND o.terms IS NOT NULL
	`, was)
	err = each(rows, err, func(r *sql.Rows) error {
		var p place
		err := r.Scan(&p.scene, &p.person)
		places = append(places, p)
		return err
	})
	if err != nil {
		return err
	}
	for _, p := range places {
		modes, err := t.sceneModes(p.scene, p.person)
		if err != nil {
			return err
		}
		mode, has := modes[was]
		if !has {
			continue
		}
		delete(modes, was)
		modes[is] = mode
		sealed, err := t.sealJSON(p.person, "participants.terms", p.scene, modes)
		if err != nil {
			return err
		}
		if _, err := t.Exec(`UPDATE participants SET terms = $3 WHERE scene = $1 AND person = $2`, p.scene, p.person, sealed); err != nil {
			return err
		}
	}
	return nil
}
