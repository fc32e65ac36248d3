package store

import "time"

const (
	mostAnHour = 30 // words and touches from one person to one partner
	mostRounds = 10 // one answer is shown to one reader anew, after it was taken back from them
)

// notTooMuch is ErrMuch for somebody who has sent a partner very much within the
// last hour: words back, words passed on, "thinking of you", a wish to talk. What was
// taken back counts as well, as it did reach them; an answer to a check-in doesn't,
// of which there are no more than there are check-ins. Nor do kind words: when those
// are given their writer does not know, and is not to find out by counting. They
// answer nothing, and have a source of their own.
//
// It is the same for a partner who has left or paused.
func (t *tx) notTooMuch(from, to int64) error {
	var n int
	err := t.QueryRow(`
		SELECT COUNT(*)
		FROM answers a
		JOIN shares s ON s.answer = a.id AND s.reader = $2
		WHERE a.writer = $1 AND a.kind IN ('word', 'touch', 'talk') AND a.created_at > $3
		  AND NOT (a.reply_to IS NULL AND a.source IS NOT NULL)
	`, from, to, t.now-time.Hour.Milliseconds()).Scan(&n)
	if err == nil && n >= mostAnHour {
		err = ErrMuch
	}
	return err
}

// chooses is give by an act of the writer's. It is ErrMuch for an answer that was
// given to a reader and taken back from them again and again: each time it comes
// anew. Taking it back always works.
func (t *tx) chooses(a answer, reader int64, level Level) error {
	if level != ShareKept {
		var rounds int
		err := t.QueryRow(`
			SELECT COALESCE(MAX(d.round), 0)
			FROM shares s
			JOIN deliveries d ON d.share = s.id
			WHERE s.answer = $1 AND s.reader = $2 AND d.want = 'delete'
		`, a.id, reader).Scan(&rounds)
		if err != nil {
			return err
		}
		if rounds >= mostRounds {
			return ErrMuch
		}
	}
	return t.give(a, reader, level)
}
