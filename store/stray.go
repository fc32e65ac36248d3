package store

import (
	"database/sql"
	"time"
)

// A message of the bot's can outlive what it was about: what is kept long enough
// is forgotten, and who erases everything is gone at once, while Discord still has
// to be asked to take the message out. Then its delivery becomes a stray. That
// belongs to nothing, says nothing, and wants one thing: to be deleted, at a time, or
// when whoever wrote what the message shows leaves its reader, or erases everything.
// It leaves as every delivery does, by claim, lease and retry. What Discord will
// not take out is let be, after a week at the latest.
const (
	kindStray  Kind = "stray"
	keepStray       = 7 * 24 * time.Hour // after it was due: Discord will not take it out
	tidyAtOnce      = 100                // messages a transaction, so that nobody waits for it
	endless         = 1 << 52            // a time that does not come: its person keeps it until they clear it away
)

// straying makes a delivery a stray; $1 is its id and $2 when it is to go. One in
// somebody's hand keeps its lease, and goes as soon as that is over.
const straying = `
	UPDATE deliveries
	SET kind = 'stray', part = id, want = 'delete', version = version + 1, waiting = 0, attempts = 0, heard_as = NULL,
	    words_of = ` + shows + `,
	    pact = NULL, scene = NULL, checkin = NULL, answer = NULL, share = NULL, standing = NULL, note = NULL,
	    due_at = $2, wanted_at = NULL, next_at = CASE WHEN lease IS NULL THEN $2 ELSE next_at END
	WHERE id = $1`

// shows is whose words a delivery shows in somebody else's DM, or whose suggestion.
const shows = `COALESCE(
	(SELECT a.writer FROM shares s JOIN answers a ON a.id = s.answer WHERE s.id = deliveries.share),
	(SELECT s.proposer FROM standings s WHERE s.id = deliveries.standing AND s.state = 'offered' AND s.proposer <> deliveries.recipient))`

// mayStand is a delivery d whose message stands in a DM, or may be on its way there.
const mayStand = `(d.message IS NOT NULL OR d.lease IS NOT NULL OR d.unsure_at IS NOT NULL) AND d.kind <> 'stray'`

// letGo is called before deliveries go with what they are about. Their messages
// stay for as long as their people have messages stay at all; those that were to be
// taken out go now, and so do lines about something that was not read.
func (t *tx) letGo(where string, args ...any) error {
	_, err := t.letGoAll(goingSQL(where), args...)
	return err
}

// goingSQL lists deliveries that go, whose messages may stand.
func goingSQL(where string) string {
	return `
		SELECT d.id, d.recipient, d.sent_at, d.want = 'delete' OR d.message IS NULL OR d.kind = 'relay' AND COALESCE(` + waitsForThem + `, 0)
		FROM deliveries d
		WHERE ` + mayStand + ` AND (` + where + `)`
}

func (t *tx) letGoAll(query string, args ...any) (n int, err error) {
	type row struct {
		id, recipient int64
		sentAt        sql.NullInt64
		now           bool
	}
	var all []row
	rows, err := t.Query(query, args...)
	err = each(rows, err, func(r *sql.Rows) error {
		var d row
		err := r.Scan(&d.id, &d.recipient, &d.sentAt, &d.now)
		all = append(all, d)
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, d := range all {
		p, err := t.person(d.recipient)
		if err != nil {
			return 0, err
		}
		at := t.now
		if stays, ends := p.settings.MessagesStay(); !d.now && !ends {
			at = endless
		} else if !d.now {
			at = max(at, d.sentAt.Int64+stays.Milliseconds())
		}
		if _, err := t.Exec(straying, d.id, at); err != nil {
			return 0, err
		}
	}
	return len(all), nil
}

// forgotten is a delivery d that goes with what the sweeps are about to delete. What
// stands unread has a sweep of its own. One in somebody's hand goes with its scene or
// its answer, which are past their time; the others wait until it is out of that hand.
var forgotten = []struct {
	of   string
	back time.Duration // $1 is this long ago
}{
	{`SELECT d.id FROM scenes s JOIN deliveries d ON d.scene = s.id WHERE s.forget_at <= $1`, 0},
	{`SELECT d.id FROM deliveries d WHERE d.checkin IN (SELECT c.id FROM checkins c WHERE c.scene IN (SELECT s.id FROM scenes s WHERE s.forget_at <= $1))`, 0},
	{`SELECT d.id FROM deliveries d WHERE d.share IN (SELECT r.id FROM shares r WHERE r.answer IN (SELECT a.id FROM answers a WHERE a.checkin IN (
		SELECT c.id FROM checkins c WHERE c.scene IN (SELECT s.id FROM scenes s WHERE s.forget_at <= $1))))`, 0},
	{`SELECT d.id FROM deliveries d
	  WHERE d.share IN (SELECT r.id FROM shares r WHERE r.answer IN (SELECT a.id FROM answers a WHERE a.forget_at <= $1))
	    AND (d.message IS NULL OR d.lease IS NOT NULL
	         OR (SELECT CASE WHEN d.part < 0 THEN r.need_read_at ELSE r.read_at END IS NOT NULL FROM shares r WHERE r.id = d.share))`, 0},
	{`SELECT d.id FROM answers a JOIN deliveries d ON d.answer = a.id WHERE a.forget_at <= $1`, 0},
	{`SELECT d.id FROM answers a JOIN deliveries d ON d.answer = a.id WHERE a.state = 'gone' AND a.created_at <= $1 AND d.next_at IS NULL`, time.Hour},
	{`SELECT d.id FROM standings s JOIN deliveries d ON d.standing = s.id
	  WHERE s.state = 'offered' AND s.created_at <= $1 AND d.message IS NULL AND d.lease IS NULL`, suggestionLasts},
	{`SELECT d.id FROM deliveries d WHERE d.kind IN ('hello', 'linked', 'remark') AND d.due_at <= $1 AND d.waiting = 0 AND d.lease IS NULL`, keepLine},
	{`SELECT d.id FROM deliveries d WHERE d.kind = 'trend' AND d.due_at <= $1 AND COALESCE(d.sent_at, d.due_at) <= $1 AND d.lease IS NULL`, keepNote},
	{`SELECT d.id FROM standings s JOIN deliveries d ON d.standing = s.id WHERE s.state = 'on' AND s.created_at <= $1 AND d.lease IS NULL
	  AND NOT EXISTS (SELECT 1 FROM turns n WHERE n.standing = s.id)`, 24 * time.Hour},
}

// goingOld is goingSQL for what the sweeps are about to delete, as much as a sweep
// does at once.
func goingOld(of string) string {
	return goingSQL(`d.id IN (`+of+`)`) + ` LIMIT 500`
}

// letGoOld lets go of the messages of what the sweeps are about to delete, and tells
// how many they are, and whether there are more.
func (t *tx) letGoOld() (n int, more bool, err error) {
	for _, f := range forgotten {
		some, err := t.letGoAll(goingOld(f.of), t.now-f.back.Milliseconds())
		if err != nil {
			return 0, false, err
		}
		n, more = n+some, more || some == forgetAtOnce
	}
	return n, more, nil
}

// setAside has a message taken out of a DM while its delivery stays: for a relay,
// of which it has to be known that its reader had it.
func (t *tx) setAside(delivery int64) error {
	var recipient, sentAt int64
	var sealed []byte
	err := t.QueryRow(`SELECT recipient, message, sent_at FROM deliveries WHERE id = $1`, delivery).Scan(&recipient, &sealed, &sentAt)
	if err != nil {
		return err
	}
	message, err := t.open(recipient, "deliveries.message", delivery, sealed)
	if err != nil {
		return err
	}
	id := t.newID()
	if sealed, err = t.seal(recipient, "deliveries.message", id, message); err != nil {
		return err
	}
	_, err = t.Exec(`
		INSERT INTO deliveries (id, recipient, kind, part, want, due_at, next_at, message, sent_at)
		VALUES ($1, $2, 'stray', $1, 'delete', $3, $3, $4, $5)
	`, id, recipient, t.now, sealed, sentAt)
	if err != nil {
		return err
	}
	_, err = t.Exec(`
		UPDATE deliveries
		SET want = 'edit', next_at = NULL, message = NULL, heard_as = NULL, round = round + 1, version = version + 1
		WHERE id = $1
	`, delivery)
	return err
}

// recall has the strays that show somebody's words go now: those in the DM of reader,
// or with 0 all.
func (t *tx) recall(writer, reader int64) error {
	_, err := t.Exec(`
		UPDATE deliveries
		SET words_of = NULL, due_at = MIN(due_at, $3), next_at = CASE WHEN lease IS NULL AND due_at > $3 THEN $3 ELSE next_at END
		WHERE words_of = $1 AND $2 IN (recipient, 0)
	`, writer, reader, t.now)
	return err
}

// retimeStrays has the strays of somebody go when their settings say now. What should
// be gone by now, and is tried again, keeps its time.
func (t *tx) retimeStrays(p person) error {
	stays, ends := p.settings.MessagesStay()
	if !ends {
		_, err := t.Exec(`
			UPDATE deliveries SET due_at = $3, next_at = $3
			WHERE recipient = $1 AND kind = 'stray' AND lease IS NULL AND due_at > $2 AND sent_at IS NOT NULL
		`, p.id, t.now, int64(endless))
		return err
	}
	_, err := t.Exec(`
		UPDATE deliveries SET due_at = MAX($2, sent_at + $3), next_at = MAX($2, sent_at + $3)
		WHERE recipient = $1 AND kind = 'stray' AND lease IS NULL AND due_at > $2 AND sent_at IS NOT NULL
	`, p.id, t.now, stays.Milliseconds())
	return err
}
