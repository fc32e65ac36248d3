package bot

import (
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aftercare/bot/discordtest"
	"aftercare/bot/text"
	"aftercare/store"
)

// acks tells when Discord was answered, by the token of the interaction.
type acks struct {
	to   http.RoundTripper
	mu   sync.Mutex
	wait map[string]chan time.Time
	n    int
}

func (a *acks) RoundTrip(r *http.Request) (*http.Response, error) {
	if !isCrafted(r.URL.Path) {
		return a.to.RoundTrip(r)
	}
	part := strings.Split(r.URL.Path, "/")
	a.mu.Lock()
	a.n++
	if c, ok := a.wait[part[len(part)-2]]; ok {
		c <- time.Now()
		delete(a.wait, part[len(part)-2])
	}
	a.mu.Unlock()
	return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

func (a *acks) expect(token string) <-chan time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := make(chan time.Time, 1)
	a.wait[token] = c
	return c
}

// newFlooded is a house whose answers are timed, on the clock on the wall.
func newFlooded(t *testing.T) (*house, *acks) {
	h := newHouse(t)
	begun := time.Now()
	h.now = func() time.Time { return houseBegins.Add(h.skip + time.Since(begun)) }
	h.store.Now = h.now
	a := &acks{to: h.discord, wait: map[string]chan time.Time{}}
	return h, a
}

const mostEvents = 6000

// everything is what a script of robin's does, over and over: commands that write,
// buttons that are theirs and that are not, forms with all that fits, and typing.
func (h *house) everything(p *discordtest.Person, i int) (kind, raw string) {
	command := func(name string, options ...object) string {
		return h.craft(p, onCommand, commandData(name, options...))
	}
	press := func(id string, values ...string) string {
		return h.craft(p, onComponent, object{"custom_id": id, "component_type": 3, "values": values})
	}
	long := strings.Repeat("wordy ", 666)
	all := []string{
		press(customID("partner/invited")), command("scene ended", text3("when", fmt.Sprint(i%160, "h ago"))), command("checkin now"),
		press(customID("scene/alone", moment(h.now()), "usual", "1")), command("scene undo"), command("partner accept", text3("code", fmt.Sprint(i))),
		h.craft(p, onSubmit, formData(customID("care/write", "1", "x"), long)), press(customID("settings/set", "much"), []string{"full", "light", "none"}[i%3]),
		command("checkin every", text3("when", "every Sunday 19:00")), press(customID("relay/touch", number(int64(i)))), command("care help"),
		h.craft(p, onSubmit, formData(customID("checkin/write", number(int64(i))), strings.Repeat("🧡", 20_000))),
	}
	if i%13 == 12 {
		h.n++
		return "MESSAGE_CREATE", encode(object{"id": fmt.Sprint(830000000000000000 + h.n), "channel_id": "500000000000000009", "author": userOf(p), "content": long, "type": 0})
	}
	return "INTERACTION_CREATE", all[i%len(all)]
}

// Somebody scripts every button there is at full speed. Others are answered as
// before; what the script gets is bounded in rows, in memory and in time.
func TestEveryButtonAtFullSpeed(t *testing.T) {
	h, a := newFlooded(t)
	alex, sam, robin := h.discord.Person("alex"), h.discord.Person("sam"), h.discord.Person("robin")
	h.link(alex, sam)
	h.link(robin, h.discord.Person("kit"))
	h.bot.api.base = a            // from here on
	ask := func() time.Duration { // a write of alex's
		raw := h.craft(alex, onComponent, object{"custom_id": customID("settings/set", "much"), "component_type": 3, "values": []string{"full"}})
		c := a.expect(fmt.Sprint("crafted-", h.n))
		begun := time.Now()
		h.bot.hear("INTERACTION_CREATE", json.RawMessage(raw))
		select {
		case at := <-c:
			return at.Sub(begun)
		case <-time.After(10 * time.Second):
			t.Fatal("alex was not answered")
			return 0
		}
	}
	var calm, flooded []time.Duration
	for range 40 {
		calm = append(calm, ask())
	}
	type event struct{ kind, raw string }
	var events []event
	for i := range mostEvents {
		kind, raw := h.everything(robin, i)
		events = append(events, event{kind, raw})
	}
	before, longest, begun := heapNow(), 0, time.Now()
	for i, e := range events {
		h.bot.hear(e.kind, json.RawMessage(e.raw))
		h.bot.people.mu.Lock()
		longest = max(longest, len(h.bot.people.by[robin.ID()]))
		h.bot.people.mu.Unlock()
		if i%100 == 99 {
			flooded = append(flooded, ask())
		}
	}
	took := time.Since(begun)
	h.bot.people.idle()
	grown := int64(heapNow()) - int64(before)
	slices.Sort(calm)
	slices.Sort(flooded)
	half := len(calm) / 2
	t.Logf("answered, p50 and longest: %v and %v before, %v and %v beside %d events of one person in %v; %d of those waited at most; heap %+d kB",
		calm[half], calm[len(calm)-1], flooded[len(flooded)/2], flooded[len(flooded)-1], mostEvents, took.Round(time.Millisecond), longest, grown/1024)
	if flooded[len(flooded)/2] > 10*calm[half]+200*time.Millisecond || flooded[len(flooded)-1] > 2500*time.Millisecond {
		t.Error("others were slowed down")
	}
	if longest > longestLine || grown > 64<<20 {
		t.Errorf("%d waited, and the heap grew by %d MB", longest, grown>>20)
	}
	h.boundedRows()
}

// boundedRows holds that a flood has left no more rows than somebody may have.
func (h *house) boundedRows() {
	h.t.Helper()
	for from, most := range map[string]string{
		"invites": "5", "scenes": "25", "participants": "60", "checkins": "99", "answers": "301", "words": "6020", "gifts": "30", "standings": "4", "deliveries": "700", "persons": "4",
	} {
		if n := h.column(`SELECT COUNT(*) FROM ` + from); len(n[0]) > len(most) || len(n[0]) == len(most) && n[0] > most {
			h.t.Errorf("%s rows in %s, want %s at most", n[0], from, most)
		} else {
			h.t.Logf("%s: %s", from, n[0])
		}
	}
	if bad := h.log.take(); len(bad) > 0 {
		h.t.Errorf("the log: %d, such as %s", len(bad), bad[0])
	}
}

func heapNow() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Taps that could not be answered in time are dropped; what is typed is not.
func TestTapsInLine(t *testing.T) {
	h := newHouse(t)
	robin := h.discord.Person("robin")
	begun, hold := make(chan struct{}), make(chan struct{})
	h.bot.people.queue(robin.ID(), func() { close(begun); <-hold })
	<-begun
	for range 3 * mostTaps {
		h.bot.hear("INTERACTION_CREATE", json.RawMessage(h.craft(robin, onCommand, commandData("care help"))))
	}
	for i := range mostTaps {
		h.bot.hear("MESSAGE_CREATE", json.RawMessage(encode(object{"id": fmt.Sprint(840000000000000000 + i), "channel_id": "500000000000000009", "author": userOf(robin), "content": "words", "type": 0})))
	}
	h.bot.people.mu.Lock()
	waiting := len(h.bot.people.by[robin.ID()])
	h.bot.people.mu.Unlock()
	close(hold)
	if waiting != 2*mostTaps {
		t.Errorf("%d wait, want %d taps and %d messages", waiting, mostTaps, mostTaps)
	}
	h.bot.people.idle()
	answers := 0
	for _, r := range h.wire.take() {
		if strings.HasSuffix(r.path, "/callback") {
			answers++
		}
	}
	if answers != mostTaps {
		t.Errorf("%d were answered, want %d", answers, mostTaps)
	}
}

// The largest forms that Discord takes go through whole; what is far beyond them
// comes back to its writer, and nothing of it is kept.
func TestHugeForms(t *testing.T) {
	h := newHouse(t)
	alex, sam := h.discord.Person("alex"), h.discord.Person("sam")
	h.link(alex, sam)
	pacts, err := h.store.Pacts(t.Context(), store.Secret(alex.ID()))
	if err != nil {
		t.Fatal(err)
	}
	id := customID("care/write", number(pacts[0].ID), h.store.Ticket(store.Secret(alex.ID()), pacts[0].ID))
	for _, n := range []int{mostWords, mostTaken} {
		if got := h.submit(alex, id, strings.Repeat("🧡", n)); !says(got.content, text.CareWordsKept) {
			t.Errorf("%d characters: %s", n, got.raw[:200])
		}
	}
	kept := h.column(`SELECT COUNT(*) || ' ' || SUM(LENGTH(text)) FROM gifts`)[0]
	got := h.submit(alex, id, "The sea. "+strings.Repeat("🧡", 1_000_000))
	if !says(got.content, text.ErrTooLong) || !strings.Contains(got.content, "The sea.") {
		t.Errorf("a million characters: %s", got.raw[:200])
	}
	if now := h.column(`SELECT COUNT(*) || ' ' || SUM(LENGTH(text)) FROM gifts`)[0]; now != kept {
		t.Errorf("kept: %s and then %s", kept, now)
	}
	words := h.column(`SELECT COUNT(*) FROM words`)
	h.types(alex, strings.Repeat("x", mostTaken+1))
	if now := h.column(`SELECT COUNT(*) FROM words`); now[0] != words[0] || !strings.Contains(h.log.text(), "longer than Discord's") {
		t.Errorf("what is longer than any message was kept: %s", h.log.text())
	}
}
