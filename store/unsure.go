package store

import (
	"context"
	"database/sql"
)

// Standing returns Discord's ids of the messages that are known to stand in the DM of
// a delivery's recipient, its own left out. all is false if there may be another one
// that is to stay there and of which nobody knows.
func (s *Store) Standing(ctx context.Context, d Delivery) (messages []Private, all bool, err error) {
	err = s.inView(ctx, func(t *tx) error {
		messages, all = nil, true
		sealed := map[int64][]byte{}
		rows, err := t.Query(`
			SELECT id, message, message IS NULL AND want <> 'delete'
			FROM deliveries
			WHERE recipient = $1 AND id <> $2 AND (message IS NOT NULL OR unsure_at IS NOT NULL)
		`, d.Recipient, d.ID)
		err = each(rows, err, func(r *sql.Rows) error {
			var id int64
			var message []byte
			var other bool
			err := r.Scan(&id, &message, &other)
			sealed[id], all = message, all && !other
			return err
		})
		if err != nil {
			return err
		}
		for id, b := range sealed {
			message, err := t.open(d.Recipient, "deliveries.message", id, b)
			if err != nil {
				return err
			}
			if !message.IsZero() {
				messages = append(messages, message)
			}
		}
		return nil
	})
	return messages, all, err
}
