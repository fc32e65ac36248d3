package main

import (
	"bytes"
	"cmp"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"aftercare/bot/discordtest"
	sentence "aftercare/bot/text"
	"aftercare/store"
)

// TestButtonsInOtherHands plays each conversation and keeps every custom id that
// anybody was ever shown. Then everybody else presses each of them, a stranger among
// them: nothing changes in the database, and all hear the same neutral sentence. Then
// everybody leaves, and presses all that was ever theirs: nothing changes for anybody
// else, not what they have, nor what is on its way to them.
func TestButtonsInOtherHands(t *testing.T) {
	var mu sync.Mutex
	pressed := 0
	inEachConversation(t, func(t *testing.T, dir, _ string, c conversation) {
		n := pressAll(t, dir, c)
		mu.Lock()
		defer mu.Unlock()
		pressed += n
	})
	t.Logf("%d buttons pressed by others, and by their owners after leaving", pressed)
	if pressed == 0 {
		t.Error("that is none")
	}
}

// hands is a house, and what everybody was shown in it.
type hands struct {
	*stage
	*player
	owners  map[string]map[string]bool // custom id -> names
	values  map[string][]string        // of a menu
	mu      sync.Mutex
	answers map[string]string // token -> what was said
	pressed int
}

func (s *hands) start() error {
	return s.startOn(world{now: time.Now, log: s.logger, transport: s, dial: s.stage.discord.DialContext})
}

// RoundTrip keeps the answers to presses of our own making.
func (s *hands) RoundTrip(r *http.Request) (*http.Response, error) {
	_, token, ours := strings.Cut(r.URL.Path, "/crafted-")
	if !ours {
		return s.stage.discord.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var in struct {
		Data struct{ Content, Title string }
	}
	said := "(a picture)" // which comes in parts
	if json.Unmarshal(body, &in) == nil {
		said = cmp.Or(in.Data.Content, in.Data.Title, "(the words that stand there)")
	}
	token, what, _ := strings.Cut(token, "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	if what == "callback" {
		s.answers[token] = said
	}
	return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

func pressAll(t *testing.T, dir string, c conversation) int {
	s := &hands{stage: newStage(t, dir), owners: map[string]map[string]bool{}, values: map[string][]string{}, answers: map[string]string{}}
	s.player = &player{pass: time.Sleep, start: s.start, stop: s.stage.stop}
	s.stage.discord = discordtest.New(discordtest.Options{
		Now: time.Now, Say: s.hear, Token: "Bot test-token", Gateway: discordtest.Gateway{Interval: 4 * time.Minute},
	})
	s.player.discord = s.stage.discord
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	for _, step := range c {
		if !step.remark {
			_ = s.act(step.line) // what can't be done is in the conversation
			settle()
			s.look()
		}
	}
	s.stage.discord.Person("robin")
	if !s.stage.discord.Connected() { // the conversation ends with the bot away
		if err := s.start(); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range s.stage.discord.Known() { // what waits for somebody goes out when they are back
		p := s.stage.discord.Person(name)
		p.OpenDMs()
		p.JoinServer()
		_ = p.Run("/scene list")
	}
	time.Sleep(time.Minute)
	s.inOtherHands()
	for _, name := range s.stage.discord.Known() {
		s.afterLeaving(name)
	}
	if err := s.stage.stop(); err != nil {
		t.Error(err)
	}
	s.stage.discord.DropConnections()
	return s.pressed
}

// look notes what everybody can press now.
func (s *hands) look() {
	for _, name := range s.stage.discord.Known() {
		p := s.stage.discord.Person(name)
		for _, m := range append(p.Sees(), p.SeesInServer()...) {
			s.note(name, m.Components)
		}
	}
}

func (s *hands) note(name string, list []discordtest.Component) {
	for _, c := range list {
		s.note(name, c.Components)
		if c.CustomID == "" {
			continue
		}
		if s.owners[c.CustomID] == nil {
			s.owners[c.CustomID] = map[string]bool{}
		}
		s.owners[c.CustomID][name] = true
		for _, o := range c.Options {
			if !slices.Contains(s.values[c.CustomID], o.Value) {
				s.values[c.CustomID] = append(s.values[c.CustomID], o.Value)
			}
		}
	}
}

// press has somebody press buttons, a few at a time, and returns what each was answered.
func (s *hands) press(name string, ids []string) map[string]string {
	s.t.Helper()
	said := map[string]string{}
	for some := range slices.Chunk(ids, 20) {
		first := s.pressed
		for i, id := range some {
			s.pressed++
			data := map[string]any{"custom_id": id, "component_type": 2}
			if v := s.values[id]; len(v) > 0 {
				data["component_type"], data["values"] = 3, v[:1]
			}
			raw, err := json.Marshal(map[string]any{
				"id": fmt.Sprint(890000000000000000 + s.pressed), "application_id": "100000000000000001", "token": fmt.Sprint("crafted-", first+i),
				"type": 3, "data": data, "context": 0, "guild_id": "300000000000000001", "channel_id": "400000000000000001",
				"member":  map[string]any{"user": map[string]any{"id": s.stage.discord.Person(name).ID(), "username": name, "global_name": strings.ToUpper(name[:1]) + name[1:]}},
				"message": map[string]any{"id": "700000000000000001", "flags": 64},
			})
			if err != nil {
				s.t.Fatal(err)
			}
			s.stage.discord.Emit("INTERACTION_CREATE", raw)
		}
		time.Sleep(50 * time.Millisecond) // hardly any time, in which something else would come due
		synctest.Wait()
		for i, id := range some {
			s.mu.Lock()
			answer, ok := s.answers[fmt.Sprint(first+i)]
			s.mu.Unlock()
			if !ok {
				s.t.Errorf("%s pressed %s and was not answered", name, id)
			}
			said[id] = answer
		}
	}
	return said
}

// ownRoutes do only what concerns whoever takes them, whoever that is: a yes of one's
// own, and one's own settings.
func ownRoute(id string) bool {
	route := strings.Split(id, ":")[1]
	return strings.HasPrefix(route, "settings") || slices.Contains([]string{"partner/invited", "care/agreed", "scene/alone", "checkin/resume"}, route)
}

// ofBoth are routes whose buttons name a pact, or a standing check-in, by its number,
// which is both's: each ends or changes their own end with it.
var ofBoth = []string{"partner/mode", "partner/left", "scene/with", "care/for", "checkin/with", "every/stop"}

// inOtherHands has everybody press what others were shown.
func (s *hands) inOtherHands() {
	s.t.Helper()
	neutral := map[string]bool{}
	for _, key := range []sentence.Key{
		sentence.ErrGone, sentence.SceneNotLinked, sentence.SceneUndoNone, sentence.Declined, sentence.TalkNo, sentence.EraseKept,
	} {
		neutral[sentence.T(key)] = true
	}
	before, first := s.dump("", 0), map[string]string{}
	for _, name := range s.stage.discord.Known() {
		var ids []string
		for _, id := range slices.Sorted(maps.Keys(s.owners)) {
			if !s.owners[id][name] && !ownRoute(id) && !(s.isLinked(name) && slices.Contains(ofBoth, strings.Split(id, ":")[1])) {
				ids = append(ids, id)
			}
		}
		for id, said := range s.press(name, ids) {
			if strings.HasPrefix(id, "1:care/lines") {
				continue // help is help, whoever asks for it
			}
			if !neutral[said] {
				s.t.Errorf("%s presses %s and hears: %s", name, id, said)
			}
			if first[id] == "" {
				first[id] = said
			} else if said != first[id] {
				s.t.Errorf("%s presses %s and hears %q; another heard %q", name, id, said, first[id])
			}
		}
	}
	if after := s.dump("", 0); after != before {
		s.t.Errorf("the database changed: %s", firstDifference(before, after))
	}
}

func (s *hands) isLinked(name string) bool {
	s.t.Helper()
	pacts, err := s.house.store.Pacts(s.t.Context(), store.Secret(s.stage.discord.Person(name).ID()))
	if err != nil {
		s.t.Fatal(err)
	}
	return len(pacts) > 0
}

// afterLeaving has somebody leave everybody, and then press all that was ever theirs.
func (s *hands) afterLeaving(name string) {
	s.t.Helper()
	account := store.Secret(s.stage.discord.Person(name).ID())
	pacts, err := s.house.store.Pacts(s.t.Context(), account)
	if err != nil {
		s.t.Fatal(err)
	}
	if len(pacts) == 0 {
		return
	}
	me := s.rowOf(account)
	for _, p := range pacts {
		if err := s.house.store.Leave(s.t.Context(), account, p.ID); err != nil {
			s.t.Error(err)
		}
	}
	s.house.scheduler.Wake()
	settle()
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(s.owners)) {
		if s.owners[id][name] {
			ids = append(ids, id)
		}
	}
	before := s.dump(" of others", me)
	said := s.press(name, ids)
	if after := s.dump(" of others", me); after != before {
		s.t.Errorf("%s left and changed something of others: %s", name, firstDifference(before, after))
	}
	for id, words := range said {
		if words == "" || strings.Contains(words, sentence.T(sentence.ErrInside)) {
			s.t.Errorf("%s left, presses %s and hears %q", name, id, words)
		}
	}
}

// rowOf finds somebody's row: the one that changes when they save their settings.
func (s *hands) rowOf(account store.Private) (id int64) {
	s.t.Helper()
	db := s.view()
	defer db.Close()
	var before []byte
	rows := map[int64][]byte{}
	all, err := db.Query(`SELECT id, settings FROM persons`)
	if err != nil {
		s.t.Fatal(err)
	}
	for all.Next() {
		if err := all.Scan(&id, &before); err != nil {
			s.t.Fatal(err)
		}
		rows[id] = slices.Clone(before)
	}
	all.Close()
	if _, err := s.house.store.ChangeSettings(s.t.Context(), account, func(*store.Settings) {}); err != nil {
		s.t.Fatal(err)
	}
	for id, before := range rows {
		var now []byte
		if err := db.QueryRow(`SELECT settings FROM persons WHERE id = $1`, id).Scan(&now); err != nil {
			s.t.Fatal(err)
		}
		if !bytes.Equal(now, before) {
			return id
		}
	}
	s.t.Fatal("they have no row")
	return 0
}

func (s *hands) view() *sql.DB {
	s.t.Helper()
	db, err := sql.Open("sqlite", s.cfg.Store.Path)
	if err != nil {
		s.t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return db
}

// others is what of each table belongs to others than $1, or is on its way to them.
// What people only have together (scenes, pacts) is seen in what each has of it.
var others = map[string]string{
	"persons": `id <> $1`, "invites": `inviter <> $1`, "refusals": `$1 = $1`, "sides": `person <> $1`, "participants": `person <> $1`,
	"checkins": `person <> $1`, "answers": `writer <> $1`, "words": `answer IN (SELECT id FROM answers WHERE writer <> $1)`,
	"shares": `reader <> $1`, "cards": `person <> $1`, "gifts": `writer <> $1`, "turns": `person <> $1`, "feelings": `person <> $1`,
	"afters": `person <> $1`, "deliveries": `recipient <> $1`,
}

// dump is what the tables hold: all of them, or what is of others.
func (s *hands) dump(which string, me int64) string {
	s.t.Helper()
	db := s.view()
	defer db.Close()
	var b strings.Builder
	for _, table := range slices.Sorted(maps.Keys(others)) {
		where := ` WHERE $1 = $1`
		if which != "" {
			where = ` WHERE ` + others[table]
		}
		rows, err := db.Query(`SELECT * FROM `+table+where, me)
		if err != nil {
			s.t.Fatal(err)
		}
		if err := writeRows(&b, table, rows); err != nil {
			s.t.Fatal(err)
		}
	}
	return b.String()
}
