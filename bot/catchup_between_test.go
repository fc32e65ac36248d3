package bot

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"aftercare/bot/discordtest"
)

// outage has Discord show no DM until it is over.
func (h *house) outage() (over func()) {
	h.discord.SetFault(func(r *http.Request) *discordtest.Fault {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/messages") {
			return &discordtest.Fault{Before: true, Status: 503}
		}
		return nil
	})
	return func() { h.discord.SetFault(nil) }
}

// event hears of a message that somebody typed, edited or deleted.
func (h *house) event(kind string, p *discordtest.Person, id, words string) {
	h.t.Helper()
	o := object{"id": id, "channel_id": h.dm(p)}
	if kind != "MESSAGE_DELETE" {
		o["author"], o["content"], o["type"] = userOf(p), words, 0
	}
	if kind == "MESSAGE_UPDATE" {
		o["edited_timestamp"] = h.now().Format(time.RFC3339)
	}
	h.hear(kind, encode(o))
}

// What is heard before a conversation was looked through is no sign that what was
// typed before it was, also after another start in between.
func TestLooksThroughAfterAnotherStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, alex, _ := opened(t)
		over := h.outage()
		alex.Type("While away.")
		h.bot.ready(false)
		time.Sleep(time.Second)
		h.event("MESSAGE_CREATE", alex, alex.Type("And now."), "And now.")
		h.bot.finish()
		over()
		h.bot = h.newBot(true)
		for range 2 {
			h.bot.ready(false)
			h.looked()
		}
		if n := heard(alex, "While away."); n != 1 {
			t.Errorf("what was typed meanwhile stands %d times", n)
		}
	})
}

// What somebody took back before their conversation was looked through is not heard
// from there once more.
func TestLooksPastWhatWasForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, alex, _ := opened(t)
		h.press(alex, h.newest(alex, "checkin/skip"))
		over := h.outage()
		h.bot.ready(false)
		time.Sleep(time.Second)
		h.event("MESSAGE_CREATE", alex, alex.Type("Not this."), "Not this.")
		h.press(alex, h.newest(alex, "offer/forget"))
		over()
		for range 2 {
			h.looked()
			h.bot.ready(false)
		}
		h.looked()
		if n := len(h.column(`SELECT id FROM words`)); n != 0 {
			t.Errorf("%d words are kept that were forgotten", n)
		}
	})
}

// What is edited or deleted just after it was found is heard as it is then, or not.
func TestLooksThroughWhatChanges(t *testing.T) {
	for kind, want := range map[string]int{"MESSAGE_UPDATE": 1, "MESSAGE_DELETE": 0} {
		synctest.Test(t, func(t *testing.T) {
			h, alex, _ := opened(t)
			id := alex.Type("Before.")
			held := make(chan struct{})
			h.bot.people.queue(alex.ID(), func() { <-held })
			change := object{"id": id, "channel_id": h.dm(alex)}
			if kind == "MESSAGE_UPDATE" {
				change["author"], change["content"], change["type"], change["edited_timestamp"] = userOf(alex), "After.", 0, "2026-03-11T20:00:00Z"
				h.bot.hear(kind, []byte(encode(change))) // ahead of what is found
			}
			h.bot.ready(false)
			time.Sleep(time.Second)
			if kind == "MESSAGE_DELETE" {
				h.bot.hear(kind, []byte(encode(change)))
			}
			synctest.Wait()
			close(held)
			h.looked()
			if before, after := heard(alex, "Before."), heard(alex, "After."); before != 0 || after != want {
				t.Errorf("%s: it stands %d times as it was, and %d as it is", kind, before, after)
			}
		})
	}
}

// What is deleted between two looks that found it is not heard by the second.
func TestTwoLooksFindTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, alex, _ := opened(t)
		id := alex.Type("Not this.")
		held := make(chan struct{})
		h.bot.people.queue(alex.ID(), func() { <-held })
		h.bot.ready(false)
		h.bot.outcomes.wait()
		h.bot.hear("MESSAGE_DELETE", []byte(encode(object{"id": id, "channel_id": h.dm(alex)})))
		h.bot.ready(false) // Discord still showed it
		h.bot.outcomes.wait()
		close(held)
		h.looked()
		if n := len(h.column(`SELECT id FROM words`)); n != 0 {
			t.Errorf("%d words are kept that were deleted", n)
		}
	})
}

// A connection in the middle of a look opens all gaps anew: what is told meanwhile stays
// until the next look is through, and does not count before.
func TestGapsOfTwoLooks(t *testing.T) {
	var g gaps
	var looks atomic.Int64
	list := func() int {
		now := looks.Load()
		look, others := g.list([]string{"a"}, func() bool { return looks.Load() == now })
		if len(others) != 0 {
			t.Errorf("%v is told of others", others)
		}
		return look
	}
	g.open(&looks)
	first := list()
	g.tell("a", "5", nil)
	g.open(&looks)
	g.tell("a", "9", nil)
	if told, last := g.close("a", first); last || len(told) != 2 {
		t.Errorf("with another look to come: %v, last %t", told, last)
	}
	second := list()
	if told, last := g.close("a", first); last || len(told) != 2 {
		t.Errorf("with another look under way: %v, last %t", told, last)
	}
	if told, last := g.close("a", second); !last || told.newest("7") != "9" {
		t.Errorf("after the second: %v, last %t", told, last)
	}
	if g.tell("a", "10", nil) || len(g.told) != 0 || len(g.of) != 0 {
		t.Errorf("something is left: %v %v", g.told, g.of)
	}
}
