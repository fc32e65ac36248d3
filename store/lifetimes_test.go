package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"aftercare/store"
)

// kept is where sealed things stand, and for how long what stands there may.
// The query gives whose key seals it, its row, the ciphertext, and since when its
// lifetime counts.
var kept = []struct {
	column string
	what   store.What
	query  string
}{
	{"words.text", store.KeptWords, `SELECT a.writer, w.id, w.text, w.created_at FROM words w JOIN answers a ON a.id = w.answer`},
	{"answers.body", store.KeptFeeling, `SELECT writer, id, body, created_at FROM answers`},
	{"shares.level", store.KeptKindWords, `SELECT a.writer, s.id, s.level, a.created_at FROM shares s JOIN answers a ON a.id = s.answer`},
	{"gifts.text", store.KeptKindWords, `SELECT writer, id, text, created_at FROM gifts`},
	{"feelings.body", store.KeptHistory, `SELECT person, id, body, at FROM feelings`},
	{"cards.body", store.KeptCard, `SELECT person, person, body, changed_at FROM cards`},
	{"persons.account", store.KeptPact, `SELECT id, id, account, consent_at FROM persons`},
	{"persons.name", store.KeptPact, `SELECT id, id, name, consent_at FROM persons`},
	{"persons.channel", store.KeptPact, `SELECT id, id, channel, consent_at FROM persons`},
	{"persons.seen", store.KeptPact, `SELECT id, id, seen, consent_at FROM persons`},
	{"persons.settings", store.KeptSettings, `SELECT id, id, settings, consent_at FROM persons`},
	{"sides.partner_name", store.KeptPact, `SELECT person, pact, partner_name, consent_at FROM sides`},
	{"sides.partner_account", store.KeptPact, `SELECT person, pact, partner_account, consent_at FROM sides`},
	{"sides.terms", store.KeptPact, `SELECT person, pact, terms, consent_at FROM sides`},
	{"participants.terms", store.KeptScene, `SELECT p.person, p.scene, p.terms, s.ended_at + CASE s.size WHEN 'light' THEN 24 WHEN 'usual' THEN 48 ELSE 72 END * 3600000 FROM participants p JOIN scenes s ON s.id = p.scene`},
	{"standings.spec", store.KeptSuggestion, `SELECT proposer, id, spec, CASE state WHEN 'on' THEN 1 << 60 ELSE created_at END FROM standings`},
	{"deliveries.message", store.KeptMessage, `
		SELECT d.recipient, d.id, d.message, CASE WHEN d.kind IN ('checkin', 'relay', 'after', 'moment', 'standing') THEN 1 << 60 ELSE COALESCE(d.sent_at, d.due_at) END FROM deliveries d WHERE d.message IS NOT NULL`},
}

// hashes are the blobs that nobody can open: keyed hashes, and names of keys.
var hashes = strings.Fields(`house.proof condemned.key_id persons.lookup persons.key_id invites.code refusals.pair refusals.refuser scenes.occasion
	participants.request answers.source words.source gifts.source standings.request deliveries.heard_as`)

// inClear are tables with nothing sealed in them, and for how long their rows may
// stay, from a time.
var inClear = []struct {
	what  store.What
	query string
}{
	{store.KeptInvite, `SELECT created FROM (SELECT consent_at AS created FROM invites)`},
	{store.KeptScene, `SELECT ended_at + CASE size WHEN 'light' THEN 24 WHEN 'usual' THEN 48 ELSE 72 END * 3600000 FROM scenes WHERE kind = 'scene'`},
	{store.KeptScene, `SELECT ended_at FROM scenes WHERE kind = 'round'`},
	{store.KeptScene, `SELECT s.ended_at + 72 * 3600000 FROM checkins c JOIN scenes s ON s.id = c.scene`},
	{store.KeptScene, `SELECT s.ended_at + 72 * 3600000 FROM afters c JOIN scenes s ON s.id = c.scene`},
}

func lifetime(t *testing.T, what store.What) store.Lifetime {
	t.Helper()
	for _, l := range store.Lifetimes {
		if l.What == what {
			return l
		}
	}
	t.Fatalf("%s has no lifetime", what)
	panic("unreachable")
}

// The table says what product.md's does, and what people are told.
func TestLifetimesAreAsPromised(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for what, want := range map[store.What]store.Lifetime{
		store.KeptWords:     {Read: day, Most: 7 * day},
		store.KeptFeeling:   {Most: 7 * day},
		store.KeptKindWords: {Read: day, Most: 30 * day},
		store.KeptScene:     {Most: 7 * day},
		store.KeptCard:      {},
		store.KeptSettings:  {},
		store.KeptPact:      {},
		store.KeptInvite:    {Most: day},
		store.KeptHistory:   {Most: 2 * 365 * day},
		store.KeptMessage:   {Most: 7 * day},
		store.KeptIdentity:  {Most: 30 * day},
	} {
		if l := lifetime(t, what); l.Read != want.Read || l.Most != want.Most {
			t.Errorf("%s: %v after it was read, %v at most; want %v and %v", what, l.Read, l.Most, want.Read, want.Most)
		}
	}
}

// Every blob of the schema is one that this test opens, or a hash.
func TestLifetimesKnowEveryColumn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	known := strings.Join(hashes, " ") + " "
	for _, k := range kept {
		known += k.column + " "
	}
	for _, table := range w.tables() {
		rows, err := store.DB(w.Store).Query(`SELECT name FROM pragma_table_info($1) WHERE type = 'BLOB'`, table)
		w.ok(err)
		for rows.Next() {
			var name string
			w.ok(rows.Scan(&name))
			if !strings.Contains(" "+known, " "+table+"."+name+" ") {
				t.Errorf("nobody says how long %s.%s is kept", table, name)
			}
		}
		w.ok(rows.Close())
	}
}

// said is something that somebody wrote, marked so that it is known again.
type said struct {
	kind   store.What
	at     time.Time
	readAt time.Time // by whom it was given; zero: not read
	goes   time.Time // with its scene, where that is sooner
}

// weeks is a world in use, and what was written in it.
type weeks struct {
	*world
	pact  int64
	waits int64 // of alex and robin, with whom nothing happens
	said  map[string]*said
}

func (w *weeks) write(kind store.What) store.Private {
	mark := fmt.Sprintf("mark-%d-", len(w.said))
	w.said[mark] = &said{kind: kind, at: w.clock.Now()}
	return store.Secret(mark)
}

// day is what the people of this world do on a day, which differs by its number.
func (w *weeks) day(n int) {
	w.Helper()
	if n%3 == 0 {
		w.end(alex, sam)
	}
	if n == 20 {
		w.ok(w.SetMode(w.ctx, sam.ID, w.pact, store.Together))
	}
	if n%7 == 0 {
		_, _, err := w.Invite(w.ctx, alex, 1)
		w.ok(err)
	}
	if n%9 == 0 {
		w.ok(second(w.LeaveGift(w.ctx, alex.ID, w.waits, w.write(store.KeptKindWords), fmt.Sprint("waits ", n))))
		w.ok(second(w.LeaveGift(w.ctx, alex.ID, w.pact, w.write(store.KeptKindWords), fmt.Sprint("gift ", n))))
		w.ok(second(w.LeaveGift(w.ctx, sam.ID, w.pact, w.write(store.KeptKindWords), fmt.Sprint("other ", n))))
	}
	for i, who := range []store.Who{alex, sam} {
		if (n+i)%4 == 3 {
			continue // they let it pass
		}
		for j := len(w.inbox) - 1; j >= 0 && j > len(w.inbox)-12; j-- {
			m := w.inbox[j]
			if m.To == who.ID && m.Kind == store.KindCheckIn && m.Want == store.Post {
				w.reply(who, m.As, (n+i)%5)
				break
			}
		}
	}
	if n%4 == 1 {
		mark := w.write(store.KeptWords)
		w.said[mark.Reveal()].goes = w.clock.Now() // with what they are taken to belong to
		w.hear(sam, fmt.Sprintf("8000000000000%05d", n), mark.Reveal(), "")
	}
}

// reply answers a check-in, and shares it, keeps it, or leaves it half done.
func (w *weeks) reply(who store.Who, d store.Delivery, how int) {
	w.Helper()
	at := d.ID
	v, err := w.CheckIn(w.ctx, who.ID, at)
	if err != nil || !v.Answer.Empty() || w.clock.Now().Sub(d.Due) > 5*24*time.Hour {
		return
	}
	w.step(w.Open(w.ctx, who.ID, at))
	w.step(w.Feel(w.ctx, who.ID, at, store.Feelings[how]))
	if how == 4 {
		return
	}
	mark := w.write(store.KeptWords)
	w.said[mark.Reveal()].goes = d.Due.Add(48*time.Hour - v.Mark + lifetime(w.T, store.KeptScene).Most - 12*time.Hour) // quiet hours moved it by less
	w.step(w.Write(w.ctx, who.ID, at, mark))
	if how < 3 {
		w.step(w.Share(w.ctx, who.ID, at, w.pact, []store.Level{store.ShareWords, store.ShareGist, store.ShareKept}[how]))
	}
}

// reads has everybody read every second thing that was left for them.
func (w *weeks) reads(n int) {
	w.Helper()
	for i, m := range w.inbox {
		if m.Kind != store.KindRelay || m.Want == store.Delete || (i+n)%2 == 0 {
			continue
		}
		v, err := w.Read(w.ctx, m.To, m.As.ID)
		if err != nil {
			continue
		}
		for _, text := range texts(v.Answer) {
			if s := w.said[text]; s != nil && s.readAt.IsZero() && v.Level != store.ShareKept {
				s.readAt = w.clock.Now()
			}
		}
	}
}

// TestLifetimes lets weeks pass in a world in use. After every sweep it opens all
// that is in the database and holds it against the table, both ways: nothing stands
// longer, and no words go sooner.
func TestLifetimes(t *testing.T) {
	t.Parallel()
	w0, pact := linked(t)
	w := &weeks{world: w0, pact: pact, waits: w0.link(alex, robin), said: map[string]*said{}}
	w.ok(w.KeepHistory(w.ctx, alex.ID, true))
	w.keep(alex, "tea", "noise")
	w.zone(alex, "Europe/Berlin")
	w.zone(sam, "Europe/Berlin")
	w.ok(second(w.ChangeSettings(w.ctx, sam.ID, func(s *store.Settings) { s.After = true })))
	w.ok(second(w.Propose(w.ctx, w.proposal(alex, sam))))
	const step = 8 * time.Hour
	opened := map[string]int{}
	for n := range 45 * 3 {
		w.clock.Advance(step)
		w.sweep()
		w.deliver()
		if n%3 == 0 && n < 40*3 {
			w.day(n / 3)
			w.deliver()
		}
		if n%2 == 0 {
			w.reads(n)
		}
		w.sweep()
		w.holds(opened)
		if t.Failed() {
			t.Fatalf("after %d steps", n)
		}
	}
	for _, k := range kept {
		if opened[k.column] == 0 {
			t.Errorf("nothing was ever in %s", k.column)
		}
	}
	w.clock.Advance(31 * 24 * time.Hour)
	w.sweep()
	w.deliver()
	w.sweep()
	for _, from := range []string{"words", "answers", "shares", "gifts", "scenes", "participants", "checkins", "afters", "invites", "standings", "deliveries"} {
		w.rows(0, from)
	}
	for _, from := range []string{"cards", "pacts", "feelings"} {
		if w.count(from) == 0 {
			t.Errorf("%s are gone, and are to be kept", from)
		}
	}
}

// holds holds what stands in the database against the table of lifetimes.
func (w *weeks) holds(opened map[string]int) {
	w.Helper()
	now := w.clock.Now().UnixMilli()
	there := map[string]bool{}
	for _, k := range kept {
		most := lifetime(w.T, k.what).Most.Milliseconds()
		rows, err := store.DB(w.Store).Query(k.query)
		w.ok(err)
		type row struct {
			person, id, since int64
			sealed            []byte
		}
		var all []row
		for rows.Next() {
			var r row
			w.ok(rows.Scan(&r.person, &r.id, &r.sealed, &r.since))
			all = append(all, r)
		}
		w.ok(rows.Close())
		for _, r := range all {
			if r.sealed == nil {
				continue
			}
			text, err := store.OpenAs(w.Store, r.person, k.column, r.id, r.sealed)
			w.ok(err)
			opened[k.column]++
			if s := w.said[text]; s != nil {
				there[text] = true
				w.mayStand(k.column, s)
			} else if most > 0 && now >= r.since+most {
				w.Errorf("%s stands for %v", k.column, time.Duration(now-r.since)*time.Millisecond)
			}
		}
	}
	for mark, s := range w.said {
		age, l := w.clock.Now().Sub(s.at), lifetime(w.T, s.kind)
		if over := !s.goes.IsZero() && !s.goes.After(w.clock.Now()); !there[mark] && s.readAt.IsZero() && age < l.Most && !over {
			w.Errorf("%s is gone after %v, and nobody has read it", s.kind, age)
		}
	}
	for _, c := range inClear {
		most := lifetime(w.T, c.what).Most.Milliseconds()
		rows, err := store.DB(w.Store).Query(c.query)
		w.ok(err)
		for rows.Next() {
			var since int64
			w.ok(rows.Scan(&since))
			if now >= since+most {
				w.Errorf("%s stands for %v: %s", c.what, time.Duration(now-since)*time.Millisecond, c.query)
			}
		}
		w.ok(rows.Close())
	}
}

func (w *weeks) mayStand(column string, s *said) {
	w.Helper()
	l := lifetime(w.T, s.kind)
	if age := w.clock.Now().Sub(s.at); age >= l.Most {
		w.Errorf("%s: %s stand for %v", column, s.kind, age)
	}
	if read := w.clock.Now().Sub(s.readAt); !s.readAt.IsZero() && read >= l.Read {
		w.Errorf("%s: %s stand for %v after they were read", column, s.kind, read)
	}
}
