package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// disk is what was found in the demo's folder while the bot was running.
type disk struct {
	dir    string
	sealed []byte // the newest words, as they lay there
}

// readDisk looks at the files as a thief would. It is an error to find there what
// somebody wrote.
func readDisk(ctx context.Context, dir, database string, c conversation) (*disk, error) {
	d := &disk{dir: dir}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	words := wroteIn(c)
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		for _, w := range words {
			if bytes.Contains(b, []byte(w)) {
				return nil, fmt.Errorf("%s holds in clear what somebody wrote", e.Name())
			}
		}
	}
	d.sealed, err = lastSealed(ctx, database)
	return d, err
}

// lastSealed returns the newest words in the database, as they lie there.
func lastSealed(ctx context.Context, database string) (b []byte, err error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: filepath.ToSlash(database)}).EscapedPath()+"?mode=ro")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = db.QueryRowContext(ctx, `SELECT text FROM words ORDER BY created_at DESC, id DESC LIMIT 1`).Scan(&b)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return b, err
}

// wroteIn returns what people write in a conversation, into a form or their DM.
func wroteIn(c conversation) (words []string) {
	for _, s := range c {
		_, what, ok := strings.Cut(s.line, ": ")
		if ok && !s.remark && !strings.HasPrefix(what, "/") {
			words = append(words, unfold(what))
		}
	}
	return words
}
