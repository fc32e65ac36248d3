package main

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// scheduled is when something is due, and of what kind: all that the file tells of
// it in clear, apart from row numbers.
type scheduled struct {
	At   int64  `json:"at"` // milliseconds
	Kind string `json:"kind"`
}

func (s scheduled) checkin() bool { return s.Kind == "checkin" || s.Kind == "turn" }

// nextCheckin returns when the next check-in is due after now, or else whatever is.
func nextCheckin(all []scheduled, now time.Time) (time.Time, bool) {
	var ahead []scheduled
	for _, s := range all {
		if s.At > now.UnixMilli() {
			ahead = append(ahead, s)
		}
	}
	if len(ahead) == 0 {
		return time.Time{}, false
	}
	at := slices.IndexFunc(ahead, scheduled.checkin)
	return time.UnixMilli(ahead[max(at, 0)].At), true
}

// openDisk opens the demo's database to read it, as anybody could who has the file.
func openDisk(path string) (*sql.DB, error) {
	how := "?mode=ro&_pragma=busy_timeout(1000)"
	if _, err := os.Stat(path + "-wal"); errors.Is(err, os.ErrNotExist) {
		how = "?mode=ro&immutable=1" // nobody has it open
	}
	return sql.Open("sqlite", "file:"+(&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()+how)
}

// readSchedule returns what is due from now on, soonest first.
func readSchedule(ctx context.Context, d *demo) (all []scheduled, err error) {
	db, err := openDisk(d.cfg.Store.Path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.QueryContext(ctx, `
		SELECT next_at, kind FROM deliveries WHERE next_at IS NOT NULL
		UNION ALL SELECT next_at, 'turn' FROM turns WHERE next_at > 0
		ORDER BY 1, 2 LIMIT 100
	`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all = []scheduled{}
	for rows.Next() {
		var s scheduled
		if err := rows.Scan(&s.At, &s.Kind); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

// webTable is a table as it lies in the file.
type webTable struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
	Count   int      `json:"count"`
	Rows    [][]any  `json:"rows"` // the newest ones
}

// webBytes is a value that can't be read without a key.
type webBytes struct {
	Hex  string `json:"hex"` // its beginning
	Size int    `json:"size"`
}

const (
	webRows     = 12
	webHexBytes = 8
)

// readTables returns every table that holds something.
func readTables(ctx context.Context, path string) (all []webTable, err error) {
	db, err := openDisk(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	names, err := column(ctx, db, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		t := webTable{Name: name, Rows: [][]any{}}
		if err := t.read(ctx, db); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if t.Count > 0 {
			all = append(all, t)
		}
	}
	// What people wrote and when comes first; the rest by its name.
	slices.SortStableFunc(all, func(a, b webTable) int { return cmp.Compare(a.rank(), b.rank()) })
	return all, nil
}

func (t webTable) rank() int {
	first := []string{"words", "answers", "shares", "persons", "deliveries"}
	if at := slices.Index(first, t.Name); at >= 0 {
		return at
	}
	return len(first)
}

func column(ctx context.Context, db *sql.DB, query string) (out []string, err error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// read reads the rows; t's name is from the file itself, not from anybody outside.
func (t *webTable) read(ctx context.Context, db *sql.DB) error {
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM "`+t.Name+`"`).Scan(&t.Count); err != nil {
		return err
	}
	rows, err := db.QueryContext(ctx, `SELECT * FROM "`+t.Name+`" ORDER BY 1 DESC LIMIT $1`, webRows)
	if err != nil {
		return err
	}
	defer rows.Close()
	if t.Columns, err = rows.Columns(); err != nil {
		return err
	}
	for rows.Next() {
		values := make([]any, len(t.Columns))
		into := make([]any, len(values))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, v := range values {
			switch v := v.(type) {
			case []byte:
				values[i] = webBytes{hex.EncodeToString(v[:min(len(v), webHexBytes)]), len(v)}
			case int64:
				if v > 1<<53 { // a browser would round it
					values[i] = strconv.FormatInt(v, 10)
				}
			}
		}
		t.Rows = append(t.Rows, values)
	}
	return rows.Err()
}

// disk shows what the operator's disk holds right now.
func (p *webPage) disk(w http.ResponseWriter, r *http.Request) {
	d := p.world.current.Load()
	out := struct {
		Folder string     `json:"folder"`
		Files  []webFile  `json:"files"`
		Tables []webTable `json:"tables"`
		Error  string     `json:"error,omitempty"`
	}{Folder: d.dir, Files: []webFile{}, Tables: []webTable{}}
	entries, _ := os.ReadDir(d.dir) // it may just be going away
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			out.Files = append(out.Files, webFile{Name: e.Name(), Size: int(info.Size())})
		}
	}
	tables, err := readTables(r.Context(), d.cfg.Store.Path)
	if err != nil { // begun anew just now
		out.Error = err.Error()
	}
	out.Tables = append(out.Tables, tables...)
	writeJSON(w, out)
}

const shortestSearch = 4 // fewer letters turn up in sealed bytes by chance

// search looks for words in the raw files, as a thief would.
func (p *webPage) search(w http.ResponseWriter, r *http.Request) {
	in, ok := readJSON[struct {
		Words string `json:"words"`
	}](w, r)
	if !ok {
		return
	}
	var out struct {
		Error string    `json:"error,omitempty"`
		Bytes int       `json:"bytes"`
		Found []webFile `json:"found"` // Size: how often
	}
	words := strings.TrimSpace(in.Words)
	if len(words) < shortestSearch {
		out.Error = "Four letters at least: fewer turn up in sealed bytes by chance."
		writeJSON(w, out)
		return
	}
	out.Found = []webFile{}
	d := p.world.current.Load()
	entries, _ := os.ReadDir(d.dir)
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(d.dir, e.Name()))
		if err != nil {
			continue // a lock, or gone since
		}
		out.Bytes += len(b)
		if n := bytes.Count(b, []byte(words)); n > 0 {
			out.Found = append(out.Found, webFile{Name: e.Name(), Size: n})
		}
	}
	writeJSON(w, out)
}
