// Package storetest opens stores for tests: a real SQLite file in a folder of its
// own, a clock to set, and four people.
package storetest

import (
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"aftercare/store"
)

// The people of our tests. Who is linked with whom is up to the test.
var (
	Alex  = who("900000000000000001", "alex")
	Sam   = who("900000000000000002", "sam")
	Kit   = who("900000000000000003", "kit")
	Robin = who("900000000000000004", "robin")
)

func who(id, name string) store.Who {
	return store.Who{ID: store.Secret(id), Name: store.Secret(name)}
}

// Consent is the version of what the people of our tests agree to.
const Consent = 1

// Clock is a clock that stands until it is moved.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock returns a clock that stands at a Friday noon, UTC.
func NewClock() *Clock {
	return &Clock{at: time.Date(2027, 3, 5, 12, 0, 0, 0, time.UTC)}
}

// Now is what Store.Now is set to.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Advance moves the clock, back as well.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// Options are for a new store in a folder of its own, with check-ins at 24 and 48
// hours unless marks says otherwise.
func Options(tb testing.TB, marks ...time.Duration) store.Options {
	tb.Helper()
	text, err := store.NewMasterKey()
	if err != nil {
		tb.Fatal(err)
	}
	key, err := store.ParseMasterKey(text)
	if err != nil {
		tb.Fatal(err)
	}
	if len(marks) == 0 {
		marks = []time.Duration{24 * time.Hour, 48 * time.Hour}
	}
	dir := tb.TempDir()
	return store.Options{
		Path:     filepath.Join(dir, "aftercare.db"),
		KeysPath: filepath.Join(dir, "aftercare.keys"),
		Key:      key,
		Marks:    marks,
	}
}

// OpenAt opens the store of o on a clock, and closes it with the test. Closing it
// before is fine.
func OpenAt(tb testing.TB, o store.Options, now func() time.Time) *store.Store {
	tb.Helper()
	o.Now = now
	s, err := store.Open(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	s.Now = now
	tb.Cleanup(func() { s.Close() })
	return s
}

// Open opens a new store on a clock of its own.
func Open(tb testing.TB, marks ...time.Duration) (*store.Store, *Clock) {
	tb.Helper()
	c := NewClock()
	return OpenAt(tb, Options(tb, marks...), c.Now), c
}

// Link joins two people and returns their pact.
func Link(tb testing.TB, s *store.Store, inviter, accepter store.Who) (pact int64) {
	tb.Helper()
	code, _, err := s.Invite(tb.Context(), inviter, Consent)
	if err != nil {
		tb.Fatal(err)
	}
	inv, err := s.Invitation(tb.Context(), accepter.ID, code)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := s.Accept(tb.Context(), accepter, inv.ID, Consent); err != nil {
		tb.Fatal(err)
	}
	pact, err = s.PactWith(tb.Context(), inviter.ID, accepter.ID)
	if err != nil {
		tb.Fatal(err)
	}
	return pact
}

// EndScene records that a scene has ended just now.
func EndScene(tb testing.TB, s *store.Store, by store.Who, partners ...store.Who) store.Scene {
	tb.Helper()
	sc, err := s.EndScene(tb.Context(), Ended(tb, s, by, partners...))
	if err != nil {
		tb.Fatal(err)
	}
	return sc
}

// Ended is what EndScene records; its request is told apart by what there is.
func Ended(tb testing.TB, s *store.Store, by store.Who, partners ...store.Who) store.Ended {
	tb.Helper()
	code, err := store.NewMasterKey() // any text that was never there before
	if err != nil {
		tb.Fatal(err)
	}
	e := store.Ended{By: by, At: s.Now(), Size: store.Usual, Request: code}
	for _, p := range partners {
		e.Partners = append(e.Partners, p.ID)
	}
	return e
}

// Sent is a delivery as it reached its recipient.
type Sent struct {
	store.Content
	As      store.Delivery
	Message string // its message's id; empty after a deletion
}

// Send does with one claimed delivery what the bot and the scheduler would, at a
// Discord that never refuses. ok is false when there was nothing to send.
func Send(tb testing.TB, s *store.Store, d store.Delivery) (sent Sent, ok bool) {
	tb.Helper()
	c, err := s.Content(tb.Context(), d)
	if errors.Is(err, store.ErrGone) {
		if err := s.Drop(tb.Context(), d); err != nil {
			tb.Fatal(err)
		}
		return sent, false
	} else if err != nil {
		tb.Fatal(err)
	}
	sent = Sent{Content: c, As: d}
	switch c.Want {
	case store.Post:
		sent.Message = "message-" + c.Nonce
	case store.Edit:
		sent.Message = c.Message.Reveal()
	}
	at := store.Sent{Channel: store.Secret("dm-" + c.To.Reveal()), Message: store.Secret(sent.Message)}
	if err := s.MarkSent(tb.Context(), d, at); err != nil {
		tb.Fatal(err)
	}
	return sent, true
}

// Deliver sends all that is due, and returns it in order.
func Deliver(tb testing.TB, s *store.Store) (out []Sent) {
	tb.Helper()
	for {
		due, err := s.ClaimDue(tb.Context(), 100)
		if err != nil {
			tb.Fatal(err)
		}
		if len(due) == 0 {
			return out
		}
		for _, d := range due {
			if sent, ok := Send(tb, s, d); ok {
				out = append(out, sent)
			}
		}
	}
}
