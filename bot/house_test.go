package bot

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aftercare/bot/discordtest"
	"aftercare/bot/text"
	"aftercare/store"
)

// house is a bot on a real store and on a Discord in the process. Events reach it
// by hear, as raw as they come from the gateway; what is owed is sent by deliver,
// with no scheduler and no waiting.
type house struct {
	t       testing.TB
	path    string
	store   *store.Store
	discord *discordtest.Discord
	wire    *wireTap
	log     *logBook
	bot     *Bot
	view    *sql.DB

	now  func() time.Time
	skip time.Duration // how far the clock was pushed
	n    int           // events made

	// Events may name DMs that can't be: what does not arrive is tried later.
	forged bool
}

var houseBegins = time.Date(2026, time.March, 10, 20, 0, 0, 0, time.UTC)

// newHouse returns a house whose clock stands still until it is pushed.
func newHouse(t testing.TB) *house {
	h := &house{t: t}
	h.now = func() time.Time { return houseBegins.Add(h.skip) }
	h.build()
	return h
}

func (h *house) build() {
	h.t.Helper()
	dir := h.t.TempDir()
	key, err := store.NewMasterKey()
	if err != nil {
		h.t.Fatal(err)
	}
	master, err := store.ParseMasterKey(key)
	if err != nil {
		h.t.Fatal(err)
	}
	h.path = filepath.Join(dir, "house.db")
	marks := []time.Duration{24 * time.Hour, 48 * time.Hour}
	h.store, err = store.Open(context.Background(), store.Options{Path: h.path, KeysPath: filepath.Join(dir, "house.keys"), Key: master, Marks: marks})
	if err != nil {
		h.t.Fatal(err)
	}
	h.store.Now = h.now
	h.log = &logBook{}
	h.discord = discordtest.New(discordtest.Options{Now: h.now})
	h.wire = &wireTap{to: h.discord}
	h.bot = h.newBot(true)
	h.view, err = sql.Open("sqlite", "file:"+filepath.ToSlash(h.path)+"?_pragma=query_only(1)&_pragma=busy_timeout(5000)")
	if err != nil {
		h.t.Fatal(err)
	}
	h.view.SetMaxOpenConns(1)
	for _, name := range []string{"alex", "sam", "kit", "robin"} {
		h.discord.Person(name)
	}
	t := h.t
	t.Cleanup(func() { h.t = t; h.close() })
}

// newBot returns a bot as cmd/aftercare makes it.
func (h *house) newBot(ageRestricted bool) *Bot {
	h.t.Helper()
	b, err := New(h.store, Options{
		Token: "test-token", APIURL: "https://discord.test/api", RequestsPerSecond: 1_000_000, AgeRestricted: ageRestricted,
		Operator: "Robin", Marks: []time.Duration{24 * time.Hour, 48 * time.Hour}, Version: "test",
		Log: slog.New(h.log), Transport: h.wire, Dial: h.discord.DialContext,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return b
}

// close lets the bot finish, as one does whose time is over before it begins.
func (h *house) close() {
	over, cancel := context.WithCancel(context.Background())
	cancel()
	for _, err := range []error{h.bot.Run(over), h.view.Close(), h.store.Close()} {
		if err != nil {
			h.t.Error(err)
		}
	}
}

// connect lets a bot hear from Discord until the returned function is called. It
// needs a bubble, in which waiting takes no time.
func (h *house) connect(b *Bot) (disconnect func()) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	time.Sleep(10 * time.Second)
	synctest.Wait()
	if !h.discord.Connected() {
		h.t.Fatalf("the bot is not connected:\n%s", h.log.text())
	}
	return func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Error(err)
		}
	}
}

// pass pushes the clock and sends what became due.
func (h *house) pass(d time.Duration) {
	h.t.Helper()
	h.skip += d
	h.deliver()
}

// hear hands an event to the bot, waits until it is dealt with, and returns what
// went out to Discord meanwhile.
func (h *house) hear(kind, raw string) []request {
	h.t.Helper()
	h.wire.take()
	h.bot.hear(kind, json.RawMessage(raw))
	h.bot.people.idle()
	h.deliver()
	return h.wire.take()
}

// idle waits until nothing is in any line. Not with busy, which is for the end: a
// timer may put something into a line at any moment, and only close orders that
// with a Wait.
func (l *lines) idle() {
	for {
		var ends []chan struct{}
		l.mu.Lock()
		for key, line := range l.by {
			end := make(chan struct{})
			l.by[key] = append(line, func() { close(end) })
			ends = append(ends, end)
		}
		l.mu.Unlock()
		if len(ends) == 0 {
			return
		}
		for _, end := range ends {
			<-end
		}
	}
}

// deliver sends all that is due, as the scheduler does.
func (h *house) deliver() {
	h.t.Helper()
	ctx := context.Background()
	for {
		due, err := h.store.ClaimDue(ctx, 32)
		if err != nil {
			h.t.Fatal(err)
		}
		if len(due) == 0 {
			return
		}
		for _, d := range due {
			if err := h.send(ctx, d); err != nil {
				h.t.Fatalf("%s: %v", d.Kind, err)
			}
		}
	}
}

func (h *house) send(ctx context.Context, d store.Delivery) error {
	sent, err := h.bot.Send(ctx, d)
	var retry store.RetryError
	switch {
	case err == nil:
		return h.store.MarkSent(ctx, d, sent)
	case errors.Is(err, store.ErrGone):
		return h.store.Drop(ctx, d)
	case errors.Is(err, store.ErrRefused):
		return h.store.MarkRefused(ctx, d)
	case errors.As(err, &retry):
		return h.store.PostponeUnsent(ctx, d, h.now().Add(retry.After))
	case h.forged:
		return h.store.Postpone(ctx, d, h.now().Add(time.Hour))
	}
	return err
}

// The events that people make.

type object = map[string]any

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func userOf(p *discordtest.Person) object {
	name := p.Name()
	return object{"id": p.ID(), "username": name, "global_name": strings.ToUpper(name[:1]) + name[1:]}
}

// craft makes an interaction in the shared server, with a token of our own.
func (h *house) craft(p *discordtest.Person, kind int, data object) string {
	h.n++
	o := object{
		"id": strconv.FormatInt(800000000000000000+int64(h.n), 10), "application_id": "100000000000000001", "token": "crafted-" + strconv.Itoa(h.n),
		"type": kind, "data": data, "context": 0, "guild_id": "300000000000000001", "channel_id": "400000000000000001",
		"member": object{"user": userOf(p)},
	}
	if kind != onCommand {
		o["message"] = object{"id": "700000000000000001", "flags": flagEphemeral}
	}
	return encode(o)
}

func (h *house) press(p *discordtest.Person, id string, values ...string) callback {
	h.t.Helper()
	data := object{"custom_id": id, "component_type": 2}
	if len(values) > 0 {
		data["component_type"], data["values"] = 3, values
	}
	return h.answer(h.craft(p, onComponent, data))
}

func formData(id, words string) object {
	return object{"custom_id": id, "components": []any{object{"type": 1, "components": []any{object{"type": 4, "custom_id": formField, "value": words}}}}}
}

func (h *house) submit(p *discordtest.Person, id, words string) callback {
	h.t.Helper()
	return h.answer(h.craft(p, onSubmit, formData(id, words)))
}

// run gives a command such as "scene ended", with options by name.
func (h *house) run(p *discordtest.Person, command string, options ...object) callback {
	h.t.Helper()
	return h.answer(h.craft(p, onCommand, commandData(command, options...)))
}

func commandData(command string, options ...object) object {
	name, sub, _ := strings.Cut(command, " ")
	return object{"name": name, "type": 1, "options": []any{object{"type": 1, "name": sub, "options": options}}}
}

func text3(name, value string) object { return object{"type": 3, "name": name, "value": value} }

func user6(p *discordtest.Person) object {
	return object{"type": 6, "name": "partner", "value": p.ID()}
}

// answer hears an interaction and returns the one answer to it.
func (h *house) answer(raw string) callback {
	h.t.Helper()
	var answers []callback
	for _, r := range h.hear("INTERACTION_CREATE", raw) {
		if strings.HasSuffix(r.path, "/callback") {
			answers = append(answers, readCallback(h.t, r.body))
		}
	}
	if len(answers) != 1 {
		h.t.Fatalf("%d answers to %s", len(answers), raw)
	}
	return answers[0]
}

// types makes somebody type into their DM; it returns the id of the message.
func (h *house) types(p *discordtest.Person, words string) string {
	h.t.Helper()
	h.n++
	id := strconv.FormatInt(810000000000000000+int64(h.n), 10)
	h.hear("MESSAGE_CREATE", encode(object{"id": id, "channel_id": h.dm(p), "author": userOf(p), "content": words, "type": 0}))
	return id
}

// dm returns the id of somebody's DM with the bot.
func (h *house) dm(p *discordtest.Person) string {
	h.t.Helper()
	sees := p.Sees()
	if len(sees) == 0 {
		h.t.Fatalf("%s has no DM", p.Name())
	}
	return sees[0].ChannelID
}

var codeIn = regexp.MustCompile(`[0-9A-Z]{5}-[0-9A-Z]{5}`)

// link makes a pact of two people.
func (h *house) link(a, b *discordtest.Person) {
	h.t.Helper()
	code := codeIn.FindString(h.press(a, customID("partner/invited")).content)
	if code == "" {
		h.t.Fatal("no code")
	}
	offer := h.run(b, "partner accept", text3("code", code))
	if got := h.press(b, offer.id(h.t, "partner/yes")); !says(got.content, text.PartnerLinked) {
		h.t.Fatalf("not linked: %q", got.content)
	}
}

// says tells whether a message begins with a sentence of the catalogue, whatever
// was filled into it.
func says(content string, key text.Key) bool {
	pattern := regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllString(regexp.QuoteMeta(text.All()[key].Say), `(?s:.*)`)
	return regexp.MustCompile(`^` + pattern).MatchString(content)
}

// newest returns the custom id that begins with a route, on the newest message in
// somebody's DM that has one.
func (h *house) newest(p *discordtest.Person, route string) string {
	h.t.Helper()
	for _, m := range slices.Backward(p.Sees()) {
		for _, id := range idsOf(m.Components) {
			if strings.HasPrefix(id, customID(route)) {
				return id
			}
		}
	}
	h.t.Fatalf("%s sees no button of %s", p.Name(), route)
	return ""
}

func idsOf(list []discordtest.Component) (out []string) {
	for _, c := range list {
		if c.CustomID != "" {
			out = append(out, c.CustomID)
		}
		out = append(out, idsOf(c.Components)...)
	}
	return out
}

// What is in the database.

// dump returns every row of every table. What is sealed is shown as it is, so the
// same text means that nothing was written.
func (h *house) dump() string {
	h.t.Helper()
	var out strings.Builder
	for _, table := range h.column(`SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`) {
		fmt.Fprintln(&out, "#", table)
		rows, err := h.view.Query(`SELECT * FROM ` + table)
		if err != nil {
			h.t.Fatal(err)
		}
		h.write(&out, rows)
	}
	return out.String()
}

func (h *house) write(out io.Writer, rows *sql.Rows) {
	h.t.Helper()
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		h.t.Fatal(err)
	}
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			h.t.Fatal(err)
		}
		fmt.Fprintf(out, "%x\n", values)
	}
	if err := rows.Err(); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) column(query string) (out []string) {
	h.t.Helper()
	rows, err := h.view.Query(query)
	if err != nil {
		h.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			h.t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

// commits tells how often somebody else wrote into the database: a number that
// changes with each commit.
func (h *house) commits() string {
	h.t.Helper()
	return h.column(`PRAGMA data_version`)[0]
}

// What went out to Discord.
