package store

import (
	"database/sql"
	"errors"
	"slices"
)

// openMoment returns the question about one moment that typed words answer; ok is
// false if there is none. It is the one that they reply to, or one that was opened,
// unless a check-in came after it. Once it was chosen who sees the words, further
// ones belong elsewhere.
func (t *tx) openMoment(p person, m Typed) (a after, ok bool, err error) {
	var delivery int64
	err = t.QueryRow(`
		SELECT d.id
		FROM deliveries d
		JOIN afters a ON a.scene = d.scene AND a.person = d.recipient AND a.kind = d.kind
		WHERE d.recipient = $1 AND d.kind = 'moment' AND d.want <> 'delete'
		  AND (d.sent_at IS NOT NULL OR d.lease IS NOT NULL OR d.unsure_at IS NOT NULL) -- or may have arrived
		  AND (d.heard_as = $2
		    OR a.step IN ('open', 'moment')
		       AND NOT EXISTS (SELECT 1 FROM deliveries r WHERE r.recipient = $1 AND r.heard_as = $2)
		       AND NOT EXISTS (
				SELECT 1 FROM checkins c
				WHERE c.person = $1 AND c.state IN ('asked', 'answering') AND c.asked_at > COALESCE(d.sent_at, d.unsure_at)))
		ORDER BY COALESCE(d.sent_at, d.unsure_at) DESC
		LIMIT 1
	`, p.id, t.s.lookup("message", m.ReplyTo)).Scan(&delivery)
	if errors.Is(err, sql.ErrNoRows) {
		return a, false, nil
	} else if err != nil {
		return a, false, err
	}
	if a, err = t.afterOf(delivery); err != nil {
		return a, false, err
	}
	part, err := t.partOn(&a, TopicMoment)
	if err != nil || part.id == 0 {
		return a, err == nil, err
	}
	shares, err := t.shares(part)
	chosen := slices.ContainsFunc(shares, func(s share) bool { return s.level != unchosen })
	return a, !chosen, err
}

// hearMoment takes typed words as the answer to the question about one moment.
func (t *tx) hearMoment(a after, source []byte, m Typed) error {
	part, err := t.partOn(&a, TopicMoment)
	if err != nil {
		return err
	}
	if part.id == 0 {
		if part, err = t.newPart(&a, TopicMoment); err != nil {
			return err
		}
	}
	if err := t.typedInto(part, source, m); err != nil {
		return err
	}
	if err := t.noReaskAfter(&a); err != nil {
		return err
	}
	return t.showMoment(part)
}

// showMoment has the message about a moment show what was typed to it.
func (t *tx) showMoment(part answer) error {
	_, err := t.Exec(`
		UPDATE afters SET step = 'moment' WHERE scene = $1 AND person = $2 AND kind = 'moment'
	`, part.scene, part.writer)
	if err != nil {
		return err
	}
	_, err = t.Exec(`
		UPDATE deliveries SET `+amending+`
		WHERE recipient = $2 AND scene = $3 AND kind = 'moment' AND want <> 'delete'
	`, t.now, part.writer, part.scene)
	return err
}
