package bot

import (
	"database/sql"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"aftercare/bot/discordtest"
	"aftercare/store"
)

// heard counts the messages of the bot in somebody's DM that hold some words.
func heard(p *discordtest.Person, words string) (n int) {
	for _, m := range p.Sees() {
		if m.Author == "bot" && strings.Contains(m.Content, words) {
			n++
		}
	}
	return n
}

// opened returns a house in which alex and sam have an open check-in each. Nothing
// connects it to the gateway: what they type, only Discord knows.
func opened(t *testing.T) (h *house, alex, sam *discordtest.Person) {
	h = newHouse(t)
	time.Sleep(time.Until(houseBegins)) // Discord's ids are times
	alex, sam = h.discord.Person("alex"), h.discord.Person("sam")
	h.link(alex, sam)
	h.run(alex, "scene ended")
	h.pass(24 * time.Hour)
	return h, alex, sam
}

// looked waits until what was found is heard and answered.
func (h *house) looked() {
	h.t.Helper()
	h.bot.outcomes.wait()
	h.bot.people.idle()
	h.deliver()
}

// After READY and after RESUMED what was typed meanwhile is heard, in order, and
// once however often that comes; more than one page of it too.
func TestLooksThrough(t *testing.T) {
	for _, resumed := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			h, alex, sam := opened(t)
			alex.Type("First words.")
			alex.Type("Second words.")
			for range pageSize + 20 {
				sam.Send(discordtest.Sent{Sticker: true}) // fills a page
			}
			sam.Type("Behind a page.")
			for range 3 {
				h.bot.ready(resumed)
				h.looked()
			}
			if n := heard(alex, "First words. Second words."); n != 1 {
				t.Errorf("resumed %t: alex's words stand %d times", resumed, n)
			}
			if n := heard(sam, "Behind a page."); n != 1 {
				t.Errorf("resumed %t: sam's words stand %d times", resumed, n)
			}
		})
	}
}

// A connection that is lost and comes back while the conversations are looked
// through has them looked through once more: the first look may have been past
// what was typed in between.
func TestLooksThroughOnceMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, alex, sam := opened(t)
		var pages atomic.Int64
		h.discord.SetFault(func(r *http.Request) *discordtest.Fault {
			if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/messages") && pages.Add(1) == 2 {
				alex.Type("In between.")
				sam.Type("In between.")
				h.bot.ready(false)
			}
			return nil
		})
		h.bot.ready(false)
		h.looked()
		if a, s := heard(alex, "In between."), heard(sam, "In between."); a != 1 || s != 1 {
			t.Errorf("what was typed between two connections stands %d and %d times", a, s)
		}
		if n := h.bot.looks.Load(); n != 0 {
			t.Error(n, "looks are left")
		}
	})
}

// A look that could not see everything is made again until it can, without another
// connection. A conversation that Discord refuses for good is no reason for that.
func TestLooksThroughInTheEnd(t *testing.T) {
	for name, fault := range map[string]discordtest.Fault{
		"an outage":   {Before: true, Status: 503},
		"no answer":   {Before: true, Lose: true},
		"limited":     {Before: true, Status: 429, Body: `{"retry_after": 600}`},
		"for nothing": {Before: true, Status: 403, Body: `{"code": 50001}`},
	} {
		synctest.Test(t, func(t *testing.T) {
			h, alex, _ := opened(t)
			alex.Type("During it.")
			h.discord.SetFault(func(r *http.Request) *discordtest.Fault {
				if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/messages") {
					return &fault
				}
				return nil
			})
			h.bot.ready(false)
			time.Sleep(2 * catchUpIn)
			if n := h.bot.looks.Load(); (n == 0) != (fault.Status == http.StatusForbidden) {
				t.Errorf("%s: %d looks are left", name, n)
			}
			// Heard at once, which is no sign that what came before it was.
			h.hear("MESSAGE_CREATE", encode(object{"id": alex.Type("Later."), "channel_id": h.dm(alex), "author": userOf(alex), "content": "Later.", "type": 0}))
			time.Sleep(2 * catchUpIn)
			h.discord.SetFault(nil)
			h.looked()
			if n := heard(alex, "During it."); (n == 1) != (fault.Status != http.StatusForbidden) {
				t.Errorf("%s: what was typed meanwhile stands %d times", name, n)
			}
		})
	}
}

// What was found and could not be noted is not taken as seen: after a crash in
// between it is looked for again.
func TestLooksThroughOnAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, alex, _ := opened(t)
		from := func() (of []store.Private) {
			open, err := h.store.Conversations(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range open {
				if c.With.Reveal() == alex.ID() {
					of = append(of, c.After)
				}
			}
			return of
		}
		disk := func(query string) {
			db, err := sql.Open("sqlite", h.path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec(query); err != nil {
				t.Fatal(err)
			}
		}
		before := from()
		disk(`CREATE TRIGGER full BEFORE INSERT ON words BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`)
		alex.Type("On a full disk.")
		h.bot.ready(false)
		h.looked()
		if now := from(); len(now) != 1 || !slices.Equal(now, before) {
			t.Error("it was noted as seen")
		}
		disk(`DROP TRIGGER full`)
		time.Sleep(2 * noteAgain)
		h.looked()
		if n := heard(alex, "On a full disk."); n != 1 {
			t.Errorf("it stands %d times", n)
		}
		h.log.take() // that it could not be noted is no surprise
	})
}
