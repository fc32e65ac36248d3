package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"
)

const (
	keepHistory = 2 * 365 * 24 * time.Hour // of a feeling in somebody's own history
	noteApart   = 30 * 24 * time.Hour      // between two notes on it
	noteAfter   = 24 * time.Hour           // the answer that it comes from: on a calmer day
	keepNote    = noteApart + noteAfter    // a note, from when it was due: that it was not long ago is known by it
	noteScenes  = 5                        // scenes that a note looks back on
	noteLows    = 4                        // of them, to be worth one
)

// Felt is one feeling in somebody's own history. There is nothing in it of
// anybody else, no word, and no need.
type Felt struct {
	ID      int64
	At      time.Time // when it was answered
	Asked   time.Time
	Mark    time.Duration // after the scene's end; 0 in a round
	Size    Size          // of the scene; empty in a round
	Round   bool
	Feeling Feeling
}

// Day is which day after the scene a feeling belongs to: 1 for the mark at 24
// hours, 2 for the one at 48.
func (f Felt) Day() int { return int((f.Mark + 12*time.Hour) / (24 * time.Hour)) }

// History is somebody's own history in a span of time.
type History struct {
	On       bool // they keep one
	Notes    bool // they want notes on it
	From, To time.Time
	Zone     *time.Location
	Zoned    bool   // the zone is theirs, and not just UTC
	Felt     []Felt // oldest first
	More     bool   // there are feelings before From
}

// feltBody is the sealed part of a feeling. The scene's row number tells two
// scenes apart, and finds nothing once the scene is forgotten.
type feltBody struct {
	Feeling Feeling `json:"feeling"`
	Mark    int64   `json:"mark,omitempty"`
	Scene   int64   `json:"scene"`
	Size    Size    `json:"size,omitempty"`
	Round   bool    `json:"round,omitempty"`
	Asked   int64   `json:"asked"`
}

// low tells whether a feeling counts for a note.
func (b feltBody) low() bool { return slices.Contains([]Feeling{"low", "flat", "numb"}, b.Feeling) }

// keepFeeling keeps a feeling that was just answered, for those who switched
// their history on, and changes it while the answer lives.
func (t *tx) keepFeeling(c *checkin, f Feeling) error {
	p, err := t.person(c.person)
	if err != nil || !p.settings.History {
		return err
	}
	b := feltBody{Feeling: f, Mark: c.mark, Scene: c.scene}
	var answer int64
	err = t.QueryRow(`
		SELECT a.id, s.kind = 'round', s.size, COALESCE(c.asked_at, $2)
		FROM checkins c
		JOIN scenes s ON s.id = c.scene
		JOIN answers a ON a.checkin = c.id
		WHERE c.id = $1
	`, c.id, t.now).Scan(&answer, &b.Round, &b.Size, &b.Asked)
	if err != nil {
		return err
	}
	if b.Round {
		b.Size = ""
	}
	id := t.newID()
	err = t.QueryRow(`SELECT id FROM feelings WHERE answer = $1`, answer).Scan(&id)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	sealed, err := t.sealJSON(c.person, "feelings.body", id, b)
	if err != nil {
		return err
	}
	_, err = t.Exec(`
		INSERT INTO feelings (id, person, answer, body, at)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET body = excluded.body
	`, id, c.person, answer, sealed, t.now)
	if err != nil {
		return err
	}
	return t.noteTrend(p, b)
}

// History returns what a person kept of the last span of time, or ErrNotAgreed.
func (s *Store) History(ctx context.Context, account Private, span time.Duration) (h History, err error) {
	err = s.inView(ctx, func(t *tx) error {
		h, err = t.history(account, span)
		return err
	})
	return h, err
}

func (t *tx) history(account Private, span time.Duration) (h History, err error) {
	p, err := t.find(account)
	if err != nil {
		return h, err
	}
	h = History{On: p.settings.History, Notes: p.settings.Trend, From: t.time().Add(-span), To: t.time()}
	h.Zone, h.Zoned = p.settings.Location()
	if !h.On {
		return h, nil
	}
	err = t.felt(p.id, func(f Felt, _ feltBody) bool {
		if f.At.Before(h.From) {
			h.More = true
			return false
		}
		h.Felt = append(h.Felt, f)
		return true
	})
	slices.Reverse(h.Felt)
	return h, err
}

// felt goes through a person's history, newest first, as long as more says so.
func (t *tx) felt(person int64, more func(Felt, feltBody) bool) error {
	rows, err := t.Query(`SELECT id, body, at FROM feelings WHERE person = $1 ORDER BY at DESC, id DESC`, person)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id, at int64
		var sealed []byte
		if err := rows.Scan(&id, &sealed, &at); err != nil {
			return err
		}
		var b feltBody
		if err := t.openJSON(person, "feelings.body", id, sealed, &b); err != nil {
			return err
		}
		f := Felt{
			ID: id, At: fromMilli(at), Asked: fromMilli(b.Asked), Mark: time.Duration(b.Mark) * time.Millisecond,
			Size: b.Size, Round: b.Round, Feeling: b.Feeling,
		}
		if !more(f, b) {
			return nil
		}
	}
	return rows.Err()
}

// KeepHistory switches a person's own history on or off. Off deletes all of it at
// once, and ends the notes on it. ErrNotAgreed for somebody who is no person.
func (s *Store) KeepHistory(ctx context.Context, account Private, on bool) error {
	return s.inTx(ctx, func(t *tx) error {
		p, err := t.find(account)
		if err != nil {
			return err
		}
		_, err = t.change(p, func(s *Settings) { s.History = on })
		return err
	})
}

// NoteTrends switches a person's private notes on or off. ErrGone for somebody who
// keeps no history to note anything on.
func (s *Store) NoteTrends(ctx context.Context, account Private, on bool) error {
	return s.inTx(ctx, func(t *tx) error {
		p, err := t.findOrGone(account)
		if err != nil {
			return err
		}
		if !p.settings.History {
			return ErrGone
		}
		_, err = t.change(p, func(s *Settings) { s.Trend = on })
		return err
	})
}

// forgetHistory deletes a person's own history, and takes out what was said of it.
func (t *tx) forgetHistory(person int64) error {
	if _, err := t.Exec(`DELETE FROM feelings WHERE person = $1`, person); err != nil {
		return err
	}
	_, err := t.Exec(`
		UPDATE deliveries SET `+retracting+`
		WHERE recipient = $2 AND kind = 'trend' AND want <> 'delete'
	`, t.now, person)
	return err
}

// ForgetFelt deletes one feeling from a person's own history. One that is gone
// already, or somebody else's, is nothing.
func (s *Store) ForgetFelt(ctx context.Context, account Private, felt int64) error {
	return s.inTx(ctx, func(t *tx) error {
		p, err := t.findOrGone(account)
		if err != nil {
			return err
		}
		_, err = t.Exec(`DELETE FROM feelings WHERE id = $1 AND person = $2`, felt, p.id)
		return err
	})
}

// Trend is what a note says: of the last All scenes whose second day a person
// answered for, Low were low, flat or numb on it.
type Trend struct{ Low, All int }

// Trend returns what a person's own note has to say now. ErrGone if there is
// nothing, or they want none.
func (s *Store) Trend(ctx context.Context, account Private) (v Trend, err error) {
	err = s.inView(ctx, func(t *tx) error {
		p, err := t.findOrGone(account)
		if err != nil {
			return err
		}
		v, err = t.trend(p)
		return err
	})
	return v, err
}

func (t *tx) trend(p person) (v Trend, err error) {
	if !p.settings.History || !p.settings.Trend {
		return v, ErrGone
	}
	seen := map[int64]bool{}
	err = t.felt(p.id, func(f Felt, b feltBody) bool {
		if f.Day() != 2 || seen[b.Scene] {
			return true
		}
		seen[b.Scene] = true
		v.All++
		if b.low() {
			v.Low++
		}
		return v.All < noteScenes
	})
	if err == nil && (v.All < noteScenes || v.Low < noteLows) {
		err = ErrGone
	}
	return v, err
}

// noteTrend owes a note after a second day that was low, if there is something to
// note and they want one: the day after, and once in 30 days at most.
func (t *tx) noteTrend(p person, b feltBody) error {
	if (Felt{Mark: time.Duration(b.Mark) * time.Millisecond}).Day() != 2 || !b.low() {
		return nil
	}
	if _, err := t.trend(p); errors.Is(err, ErrGone) {
		return nil
	} else if err != nil {
		return err
	}
	var recent bool
	err := t.QueryRow(`
		SELECT EXISTS (
			SELECT 1 FROM deliveries
			WHERE recipient = $1 AND kind = 'trend'
			  AND (lease IS NOT NULL OR COALESCE(sent_at, due_at) > $2 AND (sent_at IS NOT NULL OR next_at IS NOT NULL OR waiting = 1))
		)
	`, p.id, t.now-noteApart.Milliseconds()).Scan(&recent)
	if err != nil || recent {
		return err
	}
	// The one before is another message; its buttons need no row.
	if err := t.letGo(`d.recipient = $1 AND d.kind = 'trend'`, p.id); err != nil {
		return err
	}
	if _, err := t.Exec(`DELETE FROM deliveries WHERE recipient = $1 AND kind = 'trend'`, p.id); err != nil {
		return err
	}
	_, err = t.owe(owed{to: p.id, kind: KindTrend, due: t.now + noteAfter.Milliseconds()})
	return err
}
