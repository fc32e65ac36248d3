package bot

import (
	"net/http"
	"strings"
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
