package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"aftercare/store"
	"aftercare/store/storetest"
)

var alex, sam, kit, robin = storetest.Alex, storetest.Sam, storetest.Kit, storetest.Robin

// world is a store with a clock, and what reached people's DMs.
type world struct {
	*testing.T
	*store.Store
	ctx   context.Context
	clock *storetest.Clock
	opts  store.Options
	inbox []storetest.Sent
}

func newWorld(t *testing.T, marks ...time.Duration) *world {
	t.Helper()
	w := &world{T: t, ctx: t.Context(), clock: storetest.NewClock(), opts: storetest.Options(t, marks...)}
	w.Store = storetest.OpenAt(t, w.opts, w.clock.Now)
	return w
}

// linked is a world in which alex and sam are linked and have had their first lines.
func linked(t *testing.T) (w *world, pact int64) {
	t.Helper()
	w = newWorld(t)
	pact = w.link(alex, sam)
	w.deliver()
	return w, pact
}

// asked is a world in which alex and sam have their first check-in in their DMs.
func asked(t *testing.T) (w *world, pact int64) {
	t.Helper()
	w, pact = linked(t)
	w.end(alex, sam)
	w.pass(24 * time.Hour)
	return w, pact
}

// restart closes the store and opens it again.
func (w *world) restart() {
	w.Helper()
	w.ok(w.Close())
	w.Store = storetest.OpenAt(w.T, w.opts, w.clock.Now)
}

func (w *world) link(a, b store.Who) int64 {
	w.Helper()
	return storetest.Link(w.T, w.Store, a, b)
}

func (w *world) end(by store.Who, partners ...store.Who) store.Scene {
	w.Helper()
	return storetest.EndScene(w.T, w.Store, by, partners...)
}

func (w *world) ended(by store.Who, partners ...store.Who) store.Ended {
	return storetest.Ended(w.T, w.Store, by, partners...)
}

// deliver sends what is due and returns it.
func (w *world) deliver() []storetest.Sent {
	w.Helper()
	out := storetest.Deliver(w.T, w.Store)
	w.inbox = append(w.inbox, out...)
	return out
}

// pass lets time pass and sends what is due then.
func (w *world) pass(d time.Duration) []storetest.Sent {
	w.Helper()
	w.clock.Advance(d)
	return w.deliver()
}

// last returns the last message of a kind that reached somebody.
func (w *world) last(who store.Who, kind store.Kind) storetest.Sent {
	w.Helper()
	for i := len(w.inbox) - 1; i >= 0; i-- {
		if m := w.inbox[i]; m.To == who.ID && m.Kind == kind {
			return m
		}
	}
	w.Fatalf("nothing of kind %s reached them", kind)
	panic("unreachable")
}

// at returns the delivery of the last message of a kind that reached somebody.
func (w *world) at(who store.Who, kind store.Kind) int64 {
	w.Helper()
	return w.last(who, kind).As.ID
}

// got counts what of a kind is among messages to somebody.
func got(sent []storetest.Sent, who store.Who, kind store.Kind) (n int) {
	for _, m := range sent {
		if m.To == who.ID && m.Kind == kind {
			n++
		}
	}
	return n
}

func (w *world) got(sent []storetest.Sent, who store.Who, kind store.Kind, want int) {
	w.Helper()
	if n := got(sent, who, kind); n != want {
		w.Errorf("got %d of kind %s, want %d", n, kind, want)
	}
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) is(err, want error) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Errorf("got error %v, want %v", err, want)
	}
}

// count counts rows: "deliveries WHERE lease IS NOT NULL".
func (w *world) count(from string, args ...any) (n int) {
	w.Helper()
	w.ok(store.DB(w.Store).QueryRow(`SELECT COUNT(*) FROM `+from, args...).Scan(&n))
	return n
}

func (w *world) rows(want int, from string, args ...any) {
	w.Helper()
	if n := w.count(from, args...); n != want {
		w.Errorf("%d rows in %s, want %d", n, from, want)
	}
}

// hear has somebody type a message into their DM.
func (w *world) hear(who store.Who, id, text, replyTo string) {
	w.Helper()
	w.ok(w.Hear(w.ctx, store.Typed{By: who, Message: id, ReplyTo: replyTo, Text: store.Secret(text)}))
}

// answer answers somebody's last check-in, and shares it with one partner.
func (w *world) answer(who store.Who, f store.Feeling, words string, pact int64, level store.Level) int64 {
	w.Helper()
	at := w.at(who, store.KindCheckIn)
	w.step(w.Open(w.ctx, who.ID, at))
	w.step(w.Feel(w.ctx, who.ID, at, f))
	w.step(w.Write(w.ctx, who.ID, at, store.Secret(words)))
	w.step(w.Share(w.ctx, who.ID, at, pact, level))
	return at
}

func (w *world) step(c store.CheckIn, err error) store.CheckIn {
	w.Helper()
	w.ok(err)
	return c
}

func texts(a store.Answer) (out []string) {
	for _, p := range a.Words {
		out = append(out, p.Reveal())
	}
	return out
}

// dump is all that is in the tables, to compare.
func (w *world) dump() string {
	w.Helper()
	return w.dumpFrom(store.DB(w.Store))
}

func (w *world) dumpFrom(db *sql.DB) string {
	w.Helper()
	var b strings.Builder
	for _, table := range []string{"persons", "invites", "refusals", "pacts", "sides", "scenes", "participants", "checkins", "answers", "words", "shares", "standings", "turns", "cards", "gifts", "deliveries"} {
		rows, err := db.Query(`SELECT * FROM ` + table)
		w.ok(err)
		columns, err := rows.Columns()
		w.ok(err)
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			w.ok(rows.Scan(values...))
			for i := range values {
				fmt.Fprintf(&b, "%s.%s=%x ", table, columns[i], *values[i].(*any))
			}
			b.WriteByte('\n')
		}
		w.ok(rows.Close())
	}
	return b.String()
}
