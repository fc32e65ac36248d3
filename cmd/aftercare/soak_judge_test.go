package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"aftercare/bot/discordtest"
)

// judge looks at everything after an hour of peace.
func (s *soaking) judge(day int) {
	s.t.Helper()
	s.judgeOwed(day)
	s.judgePosts(day)
	s.judgeWords(day)
	for _, err := range s.stage.discord.Errors() {
		s.t.Errorf("day %d: Discord would refuse: %v", day, err)
	}
}

// judgeOwed holds that nothing is due and stuck, and that what is noted as sent
// was seen to reach Discord.
func (s *soaking) judgeOwed(day int) {
	s.t.Helper()
	hourAgo := s.now().Add(-40 * time.Minute).UnixMilli()
	s.none(day, "deliveries that are due and do not leave", `
		SELECT kind || ' ' || id || ' want ' || want || ' attempts ' || attempts FROM deliveries WHERE next_at < $1`, hourAgo)
	s.none(day, "check-ins that were due and never came", `
		SELECT c.id || ' due ' || datetime(c.due_at / 1000, 'unixepoch') || ' delivery ' || d.id || ' want ' || d.want
		    || ' next ' || COALESCE(datetime(d.next_at / 1000, 'unixepoch'), 'never') || ' attempts ' || d.attempts
		    || iif(d.message IS NULL, '', ' stands') || iif(d.lease IS NULL, '', ' in hand') || iif(d.unsure_at IS NULL, '', ' unsure')
		    || ' to person ' || d.recipient
		FROM checkins c
		JOIN deliveries d ON d.checkin = c.id AND d.kind = 'checkin'
		JOIN persons p ON p.id = c.person
		WHERE c.state = 'planned' AND c.due_at < $1 AND d.waiting = 0 AND p.paused_at IS NULL`, hourAgo)
	rows, err := s.db.Query(`
		SELECT d.id, d.kind, c.postponed FROM deliveries d LEFT JOIN checkins c ON c.id = d.checkin
		WHERE d.kind IN ('checkin', 'relay', 'notice') AND d.part = 0 AND d.sent_at IS NOT NULL`)
	s.ok(err)
	defer rows.Close()
	for rows.Next() {
		var id int64
		var kind string
		var postponed sql.NullInt64
		s.ok(rows.Scan(&id, &kind, &postponed))
		posts := s.cable.postsOf(id)
		if kind == "checkin" && posts > 1+int(postponed.Int64) {
			s.t.Errorf("day %d: check-in %s came %d times, put off %d times", day, strconv.FormatInt(id, 36), posts, postponed.Int64)
		}
		if posts == 0 && kind != "checkin" { // one that was answered before it came has no button
			s.t.Errorf("day %d: %s %s is noted as sent and never was", day, kind, strconv.FormatInt(id, 36))
		}
	}
	s.ok(rows.Err())
}

// none holds that a query finds nothing.
func (s *soaking) none(day int, what, query string, args ...any) {
	s.t.Helper()
	rows, err := s.db.Query(query, args...)
	s.ok(err)
	defer rows.Close()
	var found []string
	for rows.Next() {
		var row string
		s.ok(rows.Scan(&row))
		found = append(found, row)
	}
	s.ok(rows.Err())
	if len(found) > 0 {
		s.t.Errorf("day %d: %d %s: %s", day, len(found), what, found[:min(3, len(found))])
	}
}

// judgePosts holds what the cable saw, and what stands in the DMs.
func (s *soaking) judgePosts(day int) {
	s.t.Helper()
	for _, wrong := range s.cable.wrongs() {
		s.t.Errorf("day %d: %s", day, wrong)
	}
	for _, p := range s.people {
		standing := map[string]int{}
		for _, m := range p.Sees() {
			for _, id := range buttonsOf(m) {
				if f := postPattern.FindStringSubmatch(id); f != nil && m.Author == "bot" {
					standing[f[1]+" "+f[2]]++
					break
				}
			}
		}
		for what, n := range standing {
			if n > 1 {
				s.t.Errorf("day %d: %s sees %s %d times; they:%s", day, p.Name(), what, n, p.tells())
			}
		}
	}
}

var tokenPattern = regexp.MustCompile(`w\d+w`)

// judgeWords holds that typed words were heard, that they stand only where their
// writer's partners read, and that what was taken back stands nowhere else.
func (s *soaking) judgeWords(day int) {
	s.t.Helper()
	for name, tk := range s.tokens {
		if tk.typed && tk.by.linked && !tk.by.paused && time.Since(tk.at) > 40*time.Minute && !s.cable.heard(name) {
			s.t.Errorf("day %d: %s, typed by %s at %v, was not heard; they:%s", day, name, tk.by.Name(), tk.at.Format(time.DateTime), tk.by.tells())
		}
	}
	for _, p := range s.people {
		for _, m := range p.Sees() {
			if m.Author != "bot" {
				continue
			}
			for _, name := range tokenPattern.FindAllString(m.Content, -1) {
				s.judgeSeen(day, p, name, m)
			}
		}
	}
}

func (s *soaking) judgeSeen(day int, reader *inhabitant, name string, m discordtest.Message) {
	s.t.Helper()
	tk := s.tokens[name]
	switch {
	case tk == nil || tk.by == reader:
	case !slices.Contains(tk.by.partners, reader):
		s.t.Errorf("day %d: %s reads %s, which %s never shared with them", day, reader.Name(), name, tk.by.Name())
	case !tk.left && (tk.taken.IsZero() || tk.taken.After(s.keptUntil(m))):
	default:
		id := deliveryOf(m)
		about := fmt.Sprint(s.until[id].Format(time.DateTime), "; ", s.went[id], "; now: ", s.row(id))
		s.t.Errorf("day %d: %s still reads %s (%s) in message %s %q %v, kept until %s, which %s took back at %v; they:\n\t%s\n\tand since:%s", day, reader.Name(), name, tk.about, m.ID, m.Content, buttonsOf(m), about, tk.by.Name(), tk.taken.Format(time.DateTime), strings.Join(tk.diary, "\n\t"), tk.by.tells())
	}
}

// noteUntil notes until when what was left for people is kept: 7 days at most, less for
// an answer that was given long after its check-in, since it goes with its scene. What
// stands in a DM by then is no longer anybody's to take back, and is tidied away.
func (s *soaking) noteUntil() {
	s.t.Helper()
	rows, err := s.db.Query(`
		SELECT d.id, a.forget_at FROM deliveries d JOIN shares s ON s.id = d.share JOIN answers a ON a.id = s.answer
		WHERE d.kind = 'relay' AND d.message IS NOT NULL
	`)
	s.ok(err)
	now := map[string]bool{}
	for rows.Next() {
		var delivery, until int64
		s.ok(rows.Scan(&delivery, &until))
		id := strconv.FormatInt(delivery, 36)
		s.until[id] = time.UnixMilli(until).Add(-longestStep) // the house's clock may be ahead
		now[id] = true
	}
	s.ok(errors.Join(rows.Err(), rows.Close()))
	for id := range s.until {
		if !now[id] && s.went[id] == "" {
			s.went[id] = fmt.Sprintf("went by %v: %s", time.Now().Format(time.DateTime), s.row(id))
		}
	}
}

// row is how a delivery stands in the database, for whoever looks into a failure.
func (s *soaking) row(id string) string {
	delivery, _ := strconv.ParseInt(id, 36, 64)
	rows, err := s.db.Query(`
		SELECT d.kind, d.want, d.due_at, d.next_at, d.lease, d.message IS NOT NULL, d.waiting, a.state, a.forget_at
		FROM deliveries d LEFT JOIN shares s ON s.id = d.share LEFT JOIN answers a ON a.id = s.answer
		WHERE d.id = $1
	`, delivery)
	s.ok(err)
	var out strings.Builder
	s.ok(writeRows(&out, "it", rows))
	return out.String()
}

// deliveryOf returns the delivery that a message's buttons are about, in base 36, or "".
func deliveryOf(m discordtest.Message) string {
	for _, id := range buttonsOf(m) {
		if f := aboutPattern.FindStringSubmatch(id); f != nil {
			return f[2]
		}
	}
	return ""
}

// keptUntil tells until when what a message carries is kept; by the age of its oldest
// words, if it was not noted.
func (s *soaking) keptUntil(m discordtest.Message) time.Time {
	if until, ok := s.until[deliveryOf(m)]; ok {
		return until
	}
	oldest := time.Now()
	for _, name := range tokenPattern.FindAllString(m.Content, -1) {
		if tk := s.tokens[name]; tk != nil && tk.at.Before(oldest) {
			oldest = tk.at
		}
	}
	return oldest.Add(6 * 24 * time.Hour)
}

// weigh measures the house alone: what the heap holds with it, less without it.
func (s *soaking) weigh(day int) {
	s.t.Helper()
	goroutines, with := runtime.NumGoroutine(), heap()
	s.stop()
	s.stage.discord.DropConnections()
	time.Sleep(time.Minute)
	without := heap()
	s.heaps, s.crowds = append(s.heaps, with-min(with, without)), append(s.crowds, goroutines)
	s.t.Logf("day %d: the house holds %d KiB of heap (all: %d KiB), %d goroutines; %d acts, %d requests, %d connections begun",
		day+1, s.heaps[len(s.heaps)-1]>>10, with>>10, goroutines, s.acts, s.stage.discord.Requests(), s.stage.discord.Identifies())
	s.start()
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// quiet is how long after the last act nothing of the bot's may stand in a DM: the last
// check-in of a scene, the week for which that is kept, and the week for which messages
// stay, with a few days in hand.
const quiet = (3 + 7 + 7 + 4) * 24 * time.Hour

// judgeRest holds, after a time in which nobody does anything, that no message was lost
// sight of: all of them are tidied away.
func (s *soaking) judgeRest() {
	s.t.Helper()
	time.Sleep(quiet)
	synctest.Wait()
	const forThemAlone = 1 << 6
	for _, p := range s.people {
		for _, m := range p.Sees() {
			if m.Author != "bot" || m.Flags&forThemAlone != 0 {
				continue
			}
			id := deliveryOf(m)
			s.t.Errorf("%v after all, %s still has %s %q %v; its row: %s; it %s; they:%s", quiet, p.Name(), m.ID, m.Content, buttonsOf(m), s.row(id), s.went[id], p.tells())
		}
	}
}

func (s *soaking) end() {
	s.t.Helper()
	if !s.t.Failed() {
		s.judgeRest()
	}
	s.stop()
	s.stage.discord.DropConnections()
	s.ok(s.db.Close())
	if s.t.Failed() {
		s.t.Logf("script: %v\nlog: %v", s.script, s.log.summary())
		return
	}
	first, last := s.heaps[0], s.heaps[len(s.heaps)-1]
	if last > first*3/2+2<<20 {
		s.t.Errorf("the house grew from %d to %d KiB", first>>10, last>>10)
	}
	if a, b := s.crowds[0], s.crowds[len(s.crowds)-1]; b > a+10 {
		s.t.Errorf("%d goroutines became %d", a, b)
	}
	typed, taken := 0, 0
	for _, tk := range s.tokens {
		if tk.typed {
			typed++
		}
		if !tk.taken.IsZero() {
			taken++
		}
	}
	s.t.Logf("script: %v", s.script)
	s.t.Logf("%d acts; %s; %d typed words, all heard; %d taken back, none stands; log: %v", s.acts, s.cable.summary(), typed, taken, s.log.summary())
}

// countingLog counts what is warned of and what was not taken, and keeps nothing else.
type countingLog struct {
	mu   sync.Mutex
	seen map[string]int
}

// Enabled implements slog.Handler.
func (*countingLog) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

// Handle implements slog.Handler.
func (c *countingLog) Handle(_ context.Context, r slog.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[string]int{}
	}
	said := r.Message
	if r.Level < slog.LevelWarn && !strings.Contains(said, "not taken") {
		return nil
	}
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "err" {
			said += ": " + a.Value.String()
		}
		return true
	})
	if _, ok := c.seen[said]; ok || len(c.seen) < 100 {
		c.seen[said]++
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (c *countingLog) WithAttrs([]slog.Attr) slog.Handler { return c }

// WithGroup implements slog.Handler.
func (c *countingLog) WithGroup(string) slog.Handler { return c }

func (c *countingLog) summary() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.seen)
}
