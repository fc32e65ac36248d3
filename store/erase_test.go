package store_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"aftercare/store"
	"aftercare/store/storetest"
)

// erase erases somebody as they are now.
func (w *world) erase(who store.Who) {
	w.Helper()
	kept, err := w.Kept(w.ctx, who.ID)
	w.ok(err)
	if kept.Person == 0 {
		w.Fatal("they are nobody")
	}
	w.ok(w.Erase(w.ctx, who.ID, kept.Person))
}

// lived is a world in which alex and sam have done all that two can do, and robin
// and sam are linked too. It returns alex's pact with sam.
func lived(t *testing.T) (w *world, pact int64) {
	t.Helper()
	w, pact = linked(t)
	w.link(sam, robin)
	for _, who := range []store.Who{alex, sam} {
		w.zone(who, "Europe/Berlin")
		w.keep(who, "tea", "noise")
		w.ok(second(w.ChangeSettings(w.ctx, who.ID, func(s *store.Settings) { s.Quiet, s.History, s.After = &store.Hours{}, true, true })))
	}
	w.ok(second(w.Propose(w.ctx, w.proposal(sam, alex))))
	w.deliver()
	w.ok(second(w.AgreeTo(w.ctx, alex.ID, w.at(alex, store.KindStanding))))
	own := w.proposal(sam)
	own.Alone = true
	w.ok(second(w.Propose(w.ctx, own)))
	w.ok(w.SetMode(w.ctx, sam.ID, pact, store.AtOnce))
	w.end(sam, alex)
	alone := w.ended(sam)
	alone.Alone = true
	w.ok(second(w.Store.EndScene(w.ctx, alone)))
	w.leave(sam, pact, "given")
	w.later(24 * time.Hour)
	w.leave(sam, pact, "kept")
	w.answer(sam, "good", "einseins", pact, store.ShareWords)
	w.deliver()
	relay := w.at(alex, store.KindRelay)
	w.ok(second(w.Read(w.ctx, alex.ID, relay)))
	w.ok(second(w.SendBack(w.ctx, alex.ID, relay, store.Secret("zweizwei"), "back")))
	w.answer(alex, "low", "dreidrei", pact, store.ShareWords)
	w.hear(sam, "800000000000000001", "vierviervier", "")
	w.hear(sam, "800000000000000002", "fünffünffünf", "")
	_, _, err := w.Invite(w.ctx, sam, 1)
	w.ok(err)
	w.deliver()
	return w, pact
}

// sealed lists every blob in the database, by where it stands.
func (w *world) sealed() map[string][]byte {
	w.Helper()
	out := map[string][]byte{}
	for _, table := range w.tables() {
		rows, err := store.DB(w.Store).Query(`SELECT * FROM ` + table)
		w.ok(err)
		columns, err := rows.Columns()
		w.ok(err)
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			w.ok(rows.Scan(values...))
			for i, v := range values {
				if b, ok := (*v.(*any)).([]byte); ok {
					out[fmt.Sprintf("%s.%s %x", table, columns[i], b)] = b
				}
			}
		}
		w.ok(rows.Close())
	}
	return out
}

func (w *world) tables() (out []string) {
	w.Helper()
	rows, err := store.DB(w.Store).Query(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'migrat%' AND name <> 'schema_migrations'`)
	w.ok(err)
	defer rows.Close()
	for rows.Next() {
		var name string
		w.ok(rows.Scan(&name))
		out = append(out, name)
	}
	return out
}

// wrapped are the keys as they stand in the keys file.
func (w *world) wrapped() map[string][]byte {
	w.Helper()
	out := map[string][]byte{}
	rows, err := store.KeysDB(w.Store).Query(`SELECT id, wrapped FROM keys`)
	w.ok(err)
	defer rows.Close()
	for rows.Next() {
		var id, key []byte
		w.ok(rows.Scan(&id, &key))
		out[string(id)] = key
	}
	return out
}

// freed holds that what was in the database and no longer is stands in no page of
// any file either.
func (w *world) freed(before, keys map[string][]byte) (gone int) {
	w.Helper()
	for id := range w.wrapped() {
		delete(keys, id)
	}
	stands := map[string]bool{}
	for _, b := range w.sealed() {
		stands[string(b)] = true // maybe in another table
	}
	for at, b := range before {
		if stands[string(b)] {
			delete(before, at)
		}
	}
	for at := range before { // that there was such a key is known, and no more of it
		if strings.HasPrefix(at, "persons.key_id ") {
			delete(before, at)
		}
	}
	for id, key := range keys {
		before["keys "+id] = key
	}
	files := w.files()
	for at, b := range before {
		for name, raw := range files {
			for _, part := range [][]byte{b[:min(len(b), 40)], b[max(0, len(b)-40):]} {
				if bytes.Contains(raw, part) {
					w.Errorf("%s still holds %s", name, at[:min(len(at), 60)])
				}
			}
		}
	}
	return len(before)
}

func TestEraseLeavesNothing(t *testing.T) {
	t.Parallel()
	w, _ := lived(t)
	var row int64
	w.ok(store.DB(w.Store).QueryRow(`SELECT id FROM persons ORDER BY id LIMIT 1 OFFSET 1`).Scan(&row))
	var mine []byte
	w.ok(store.DB(w.Store).QueryRow(`SELECT account FROM persons WHERE id = $1`, row).Scan(&mine))
	if name, err := store.OpenAs(w.Store, row, "persons.account", row, mine); err != nil || name != sam.ID.Reveal() {
		t.Fatal("that is not sam", err)
	}
	before, keys := w.sealed(), w.wrapped()
	w.erase(sam)
	if n := w.freed(before, keys); n < 40 {
		t.Errorf("only %d blobs went", n)
	}
	for _, from := range []string{
		"invites WHERE inviter = $1", "sides WHERE person = $1", "checkins WHERE person = $1", "answers WHERE writer = $1", "afters WHERE person = $1",
		"cards WHERE person = $1", "gifts WHERE writer = $1 OR reader = $1", "turns WHERE person = $1", "feelings WHERE person = $1",
		"deliveries WHERE recipient = $1 AND kind <> 'stray'", "persons WHERE id = $1 AND (chose = 1 OR consent_at <> 0 OR seen IS NOT NULL)",
		"participants WHERE person = $1 AND (state <> 'out' OR terms IS NOT NULL OR request IS NOT NULL)",
		"standings WHERE proposer = $1 AND partner IS NULL", "scenes s WHERE NOT EXISTS (SELECT 1 FROM participants p WHERE p.scene = s.id AND p.person <> $1)",
	} {
		w.rows(0, from, row)
	}
	// What stands in a DM and has their words goes, and all in their own.
	w.inbox = nil
	own, others := 0, 0
	for _, m := range w.deliver() {
		if m.Want != store.Delete {
			t.Errorf("something is sent: %+v", m)
		}
		if m.Message == "" && m.As.Recipient == row {
			own++
		} else {
			others++
		}
	}
	if own < 6 || others < 2 {
		t.Errorf("%d go out of their DM, and %d of others'", own, others)
	}
	w.rows(0, "deliveries WHERE recipient = $1 AND message IS NOT NULL", row)

	// They are nobody, and agreeing makes another person.
	if ok, err := w.Agreed(w.ctx, sam.ID); ok || err != nil {
		t.Error(ok, err)
	}
	w.is(second(w.Settings(w.ctx, sam.ID)), store.ErrNotAgreed)
	if k, err := w.Kept(w.ctx, sam.ID); k.Any || err != nil {
		t.Errorf("%+v, %v", k, err)
	}
	w.ok(second(w.Agree(w.ctx, sam, 1)))
	w.rows(0, "sides WHERE person = (SELECT MAX(id) FROM persons)")
	if c, err := w.Card(w.ctx, sam.ID); !c.Empty() || err != nil {
		t.Error("the card came back", err)
	}
	w.restart()
	w.deliver()
}

// Their row goes with the last that hangs on it.
func TestEraseRowGoes(t *testing.T) {
	t.Parallel()
	w, pact := linked(t)
	w.erase(sam)
	w.rows(2, "persons")
	w.deliver()
	w.sweep()
	w.rows(2, "persons") // alex has their end of the pact
	w.ok(w.Leave(w.ctx, alex.ID, pact))
	w.sweep()
	w.rows(1, "persons")
	if n := len(w.wrapped()); n != 3 {
		t.Errorf("%d keys, want 3: the house's two and alex's", n)
	}

	// With nothing that hangs on it, it goes at once.
	w.ok(second(w.Agree(w.ctx, kit, 1)))
	w.erase(kit)
	w.rows(1, "persons")
	if n := len(w.wrapped()); n != 3 {
		t.Errorf("%d keys, want 3", n)
	}
}

func TestEraseOnlyWhoTheyAreNow(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	old, err := w.Kept(w.ctx, sam.ID)
	w.ok(err)
	alexNow, err := w.Kept(w.ctx, alex.ID)
	w.ok(err)
	w.is(w.Erase(w.ctx, sam.ID, alexNow.Person), store.ErrGone)
	w.is(w.Erase(w.ctx, robin.ID, old.Person), store.ErrGone)
	w.rows(2, "sides")
	w.ok(w.Erase(w.ctx, sam.ID, old.Person))
	w.is(w.Erase(w.ctx, sam.ID, old.Person), store.ErrGone) // pressed twice
	w.ok(second(w.Agree(w.ctx, sam, 1)))
	w.is(w.Erase(w.ctx, sam.ID, old.Person), store.ErrGone)
	if ok, err := w.Agreed(w.ctx, sam.ID); !ok || err != nil {
		t.Error("an old question erased somebody new", err)
	}
}

// "Don't ask again" goes with whoever said it, and stays with whoever it was said to.
func TestEraseRefusals(t *testing.T) {
	t.Parallel()
	w, _ := linked(t)
	for _, who := range []store.Who{alex, sam} {
		code, _, err := w.Invite(w.ctx, who, 1)
		w.ok(err)
		inv, err := w.Invitation(w.ctx, robin.ID, code)
		w.ok(err)
		w.ok(w.Refuse(w.ctx, robin.ID, inv.ID))
	}
	w.erase(sam)
	w.rows(2, "refusals")
	k, err := w.Kept(w.ctx, robin.ID)
	w.ok(err)
	if !k.Any || k.Person != 0 {
		t.Errorf("%+v", k)
	}
	w.ok(w.Erase(w.ctx, robin.ID, 0))
	w.rows(0, "refusals")
}

// What is on its way while somebody erases everything does not stay either.
func TestEraseInFlight(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	w.answer(sam, "good", "einseins", pact, store.ShareWords)
	w.hear(sam, "800000000000000001", "zweizwei", "")
	due, err := w.ClaimDue(w.ctx, 100)
	w.ok(err)
	if len(due) != 2 {
		t.Fatalf("%d are due, want the relay and a panel", len(due))
	}
	w.erase(sam)
	for i, d := range due { // they had been put into words before
		message := fmt.Sprintf("late-%d", i)
		w.ok(w.MarkSent(w.ctx, d, store.Sent{Channel: store.Secret("dm"), Message: store.Secret(message)}))
		w.rows(1, "deliveries WHERE kind = 'stray' AND id = $1 AND message IS NOT NULL", d.ID)
	}
	var gone []string
	for _, m := range w.deliver() {
		gone = append(gone, m.Content.Message.Reveal())
	}
	for i := range due {
		if all := strings.Join(gone, " "); !strings.Contains(all, fmt.Sprintf("late-%d", i)) {
			t.Errorf("late-%d stays: %s", i, all)
		}
	}
	// One that was claimed and is put into words afterwards says nothing.
	w2, pact := asked(t)
	w2.answer(sam, "good", "einseins", pact, store.ShareWords)
	due, err = w2.ClaimDue(w2.ctx, 100)
	w2.ok(err)
	w2.erase(sam)
	for _, d := range due {
		if c, err := w2.Content(w2.ctx, d); err == nil && c.Want != store.Delete {
			t.Errorf("it is sent all the same: %+v", c)
		} else if err != nil {
			w2.is(err, store.ErrGone)
			w2.ok(w2.Drop(w2.ctx, d))
		}
	}
	w2.sweep()
	w2.rows(0, "deliveries WHERE lease IS NOT NULL")
}

// Deletions that Discord refuses for good are let be.
func TestEraseBehindClosedDMs(t *testing.T) {
	t.Parallel()
	w, pact := asked(t)
	w.answer(sam, "good", "einseins", pact, store.ShareWords)
	w.deliver()
	w.erase(sam)
	w.refuse()
	w.sweep()
	w.rows(0, "deliveries WHERE kind = 'stray'")

	// And those that it neither does nor refuses, after a week.
	w.erase(alex)
	w.clock.Advance(7*24*time.Hour - time.Millisecond)
	w.sweep()
	if w.count("deliveries") == 0 {
		t.Error("they are given up before a week is over")
	}
	w.clock.Advance(time.Millisecond)
	w.sweep()
	w.rows(0, "deliveries")
	w.clock.Advance(7 * 24 * time.Hour) // the scene of both
	w.sweep()
	w.rows(0, "persons")
}

// A backup of the database, with the keys as they are now: nothing of who erased
// everything since comes back, and everybody else's does.
func TestEraseAndRestore(t *testing.T) {
	t.Parallel()
	w, pact := lived(t)
	backup := w.files()
	w.erase(sam)
	w.deliver()
	w.ok(w.Close())
	for name, b := range backup {
		if !strings.Contains(name, "keys") {
			w.ok(os.WriteFile(strings.TrimSuffix(w.opts.Path, "aftercare.db")+name, b, 0o600))
		}
	}
	for _, again := range []string{"restored", "and started again"} {
		w.Store = storetest.OpenAt(t, w.opts, w.clock.Now)
		if ok, err := w.Agreed(w.ctx, sam.ID); ok || err != nil {
			t.Error(again, "they are somebody", err)
		}
		pacts, err := w.Pacts(w.ctx, alex.ID)
		w.ok(err)
		if len(pacts) != 1 || pacts[0].ID != pact || pacts[0].Partner != sam.Name {
			t.Errorf("%s, alex has %+v", again, pacts)
		}
		if c, err := w.Card(w.ctx, alex.ID); c.Helps.Reveal() != "tea" || err != nil {
			t.Error(again, "alex's card is gone", err)
		}
		v := w.step(w.CheckIn(w.ctx, alex.ID, w.at(alex, store.KindCheckIn)))
		if strings.Join(texts(v.Answer), " ") != "dreidrei" {
			t.Errorf("%s, alex's answer is %+v", again, v.Answer)
		}
		w.is(second(w.EndScene(w.ctx, w.ended(alex, sam))), store.ErrNotLinked)
		w.ok(w.Close())
	}
	w.Store = storetest.OpenAt(t, w.opts, w.clock.Now)
	w.inbox = nil
	w.pass(24 * time.Hour)
	w.got(w.inbox, alex, store.KindCheckIn, 1)
	for range 6 {
		w.sweep()
		w.pass(7 * 24 * time.Hour)
	}
	w.link(sam, alex) // as if sam came back
	if pacts, err := w.Pacts(w.ctx, alex.ID); len(pacts) != 1 || err != nil {
		t.Errorf("%d pacts, %v", len(pacts), err)
	}
}
