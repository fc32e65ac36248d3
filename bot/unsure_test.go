package bot

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aftercare/bot/discordtest"
	"aftercare/store"
)

// Of a check-in that was put off, and of which nobody knows whether it came again, one
// stands whatever its person does meanwhile; and it is known, so that all goes when they
// erase everything.
func TestPutOffAndUnsure(t *testing.T) {
	next := map[string]string{"nothing": "checkin/open", "opened": "checkin/feel", "typed": "checkin/share"}
	for name, fault := range map[string]discordtest.Fault{
		"it came":       {Lose: true},
		"it never came": {Before: true, Status: 502},
	} {
		for did, act := range map[string]func(h *house, alex *discordtest.Person, was string){
			"nothing": func(*house, *discordtest.Person, string) {},
			"opened": func(h *house, alex *discordtest.Person, was string) {
				h.press(alex, was)
			},
			"typed": func(h *house, alex *discordtest.Person, was string) { h.types(alex, "Quiet words.") },
		} {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t)
				h.forged = true // what fails is tried again
				alex, sam := h.discord.Person("alex"), h.discord.Person("sam")
				h.link(alex, sam)
				h.run(alex, "scene ended")
				h.pass(24 * time.Hour)
				was := h.newest(alex, "checkin/open")
				h.press(alex, h.newest(alex, "checkin/later"))
				h.discord.SetFault(func(r *http.Request) *discordtest.Fault {
					if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/messages") {
						return nil
					}
					return &fault
				})
				h.skip += 3 * time.Hour
				h.deliver()
				h.discord.SetFault(nil)
				act(h, alex, was)
				time.Sleep(2 * time.Minute)
				h.pass(2 * time.Hour)
				if n := checkins(alex); n != 1 {
					t.Errorf("%s, %s: %d stand", name, did, n)
				}
				if next := next[did]; !strings.HasPrefix(h.newest(alex, "checkin/"), customID(next)) {
					t.Errorf("%s, %s: they are at %s, want %s", name, did, h.newest(alex, "checkin/"), next)
				}
				kept, err := h.store.Kept(t.Context(), store.Secret(alex.ID()))
				if err != nil {
					t.Fatal(err)
				}
				if err := h.store.Erase(t.Context(), store.Secret(alex.ID()), kept.Person); err != nil {
					t.Fatal(err)
				}
				h.pass(time.Hour)
				for _, m := range alex.Sees() {
					if m.Author == "bot" && m.Flags&flagEphemeral == 0 {
						t.Errorf("%s, %s, erased: %q stays", name, did, m.Content)
					}
				}
			})
		}
	}
}

const day = 24 * time.Hour

// putOff is a house in which something that alex was asked is put off, and comes again:
// it never gets there, and what it was to take the place of is gone.
func putOff(t *testing.T, route string, waits []time.Duration, later time.Duration, wants func(*store.Settings)) (h *house, alex *discordtest.Person, was string) {
	t.Helper()
	h = newHouse(t)
	h.forged = true // what is gone is pressed
	alex, sam := h.discord.Person("alex"), h.discord.Person("sam")
	h.link(alex, sam)
	h.wants(alex, wants)
	h.run(alex, "scene ended")
	for _, d := range waits {
		h.pass(d)
	}
	was = h.newest(alex, route+"/open")
	h.press(alex, h.newest(alex, route+"/later"))
	h.discord.SetFault(func(r *http.Request) *discordtest.Fault {
		if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/messages") {
			return nil
		}
		return &discordtest.Fault{Before: true, Status: 502}
	})
	h.skip += later
	h.deliver()
	h.discord.SetFault(nil)
	return h, alex, was
}

// What comes after the last mark stands as well, once, after it was put off, when its
// person opened it just as it was to come again.
func TestPutOffAfterwardsAndUnsure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, alex, was := putOff(t, "after", []time.Duration{day, day, day}, day, func(s *store.Settings) { s.After = true })
		h.press(alex, was)
		time.Sleep(2 * time.Minute)
		h.pass(2 * time.Hour)
		h.newest(alex, "after/part")
	})
}

// Nothing is posted in a pause, also not what was lost before it.
func TestPutOffUnsureAndPaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, alex, was := putOff(t, "checkin", []time.Duration{day}, 3*time.Hour, func(*store.Settings) {})
		if err := h.store.Pause(t.Context(), store.Secret(alex.ID())); err != nil {
			t.Fatal(err)
		}
		h.press(alex, was)
		time.Sleep(2 * time.Minute)
		h.pass(2 * time.Hour)
		if n := checkins(alex); n != 0 {
			t.Errorf("%d stand in the pause", n)
		}
		if err := h.store.Resume(t.Context(), store.Secret(alex.ID())); err != nil {
			t.Fatal(err)
		}
		h.pass(time.Hour)
		if n := checkins(alex); n != 1 {
			t.Errorf("%d stand after the pause", n)
		}
	})
}

// A message whose button was pressed, before we knew that it had come, may have no
// buttons any more by which it could be found. It does not stay either.
func TestForgottenAndUnsure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.forged = true // what fails is tried again
		alex, sam := h.discord.Person("alex"), h.discord.Person("sam")
		h.link(alex, sam)
		h.discord.SetFault(func(r *http.Request) *discordtest.Fault {
			if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/messages") {
				return nil
			}
			return &discordtest.Fault{Lose: true}
		})
		h.types(alex, "Quiet words.")
		h.discord.SetFault(nil)
		h.press(alex, h.newest(alex, "offer/forget"))
		last := alex.Sees()[len(alex.Sees())-1]
		path := messagesPath(store.Secret(h.dm(alex))) + "/" + last.ID // what Discord does with the answer
		if err := h.bot.call(t.Context(), http.MethodPatch, path, object{"content": "Forgotten.", "components": []any{}}, nil); err != nil {
			t.Fatal(err)
		}
		stands := len(alex.Sees())
		h.pass(2 * time.Hour)
		if _, err := h.store.Forget(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.deliver()
		if now := alex.Sees(); len(now) != stands-1 {
			t.Errorf("%d messages stand, want one less than %d: %q", len(now), stands, now[len(now)-1].Content)
		}
	})
}
