package storetest

import (
	"database/sql"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Crowd writes check-ins that are due from a time on, one a second, straight into
// the database at path, for benchmarks beside a full file: 20 of them to a
// person, whose keys are put into the keys file beside it. What is sealed in them
// is sealed by nobody, so they must not be sent.
func Crowd(tb testing.TB, path string, rows int, due time.Time) {
	tb.Helper()
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: path}).String()+"?_pragma=busy_timeout(60000)")
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	tx, err := db.BeginTx(tb.Context(), nil)
	if err != nil {
		tb.Fatal(err)
	}
	defer tx.Rollback()
	const n = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) `
	people := max(1, rows/20)
	for _, step := range []struct {
		query string
		args  []any
	}{
		{`INSERT INTO scenes (id, ended_at, size, forget_at) VALUES (1, 0, 'usual', 1 << 60)`, nil},
		{n + `
			INSERT INTO persons (id, lookup, key_id, account, name, settings, consent_version, consent_at)
			SELECT i, CAST('p' || i AS BLOB), CAST('k' || i AS BLOB), X'00', X'00', X'00', 1, 1 FROM n`, []any{people}},
		{n + `
			INSERT INTO checkins (id, scene, person, mark, due_at, state)
			SELECT i, 1, 1 + i % $2, i, $3 + i * 1000, 'planned' FROM n`, []any{rows, people, due.UnixMilli()}},
		{`
			INSERT INTO deliveries (id, recipient, kind, checkin, due_at, next_at)
			SELECT id, person, 'checkin', id, due_at, due_at FROM checkins WHERE scene = 1`, nil},
	} {
		if _, err := tx.Exec(step.query, step.args...); err != nil {
			tb.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		tb.Fatal(err)
	}
	keys, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: strings.TrimSuffix(path, ".db") + ".keys"}).String()+"?_pragma=busy_timeout(60000)")
	if err != nil {
		tb.Fatal(err)
	}
	defer keys.Close()
	if _, err := keys.ExecContext(tb.Context(), n+`INSERT INTO keys (id, wrapped) SELECT CAST('k' || i AS BLOB), X'00' FROM n`, people); err != nil {
		tb.Fatal(err)
	}
}
