package main

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aftercare/bot/discordtest"
	"aftercare/bot/discordtest/conformance"
)

// acting is a stage with a player on it, for what a conversation can't say.
type acting struct {
	*stage
	*player
}

// act begins with alex and sam linked, a scene, and 24 hours gone by.
func act(t *testing.T, dir string, check func(method, path string, body []byte) error) *acting {
	t.Helper()
	s := newStage(t, dir)
	a := &acting{s, &player{pass: time.Sleep, start: s.start, stop: s.stop}}
	s.discord = discordtest.New(discordtest.Options{Now: time.Now, Say: a.hear, Check: check, Token: "Bot test-token"})
	a.player.discord = s.discord
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	a.does("alex and sam are linked", "alex: /scene ended", "+24h")
	return a
}

// does acts some lines out and returns what was heard after the last of them.
func (a *acting) does(lines ...string) string {
	a.t.Helper()
	var said []string
	for _, line := range lines {
		if err := a.player.act(line); err != nil {
			a.t.Errorf("%s: %v", line, err)
		}
		settle()
		said = a.take()
	}
	return strings.Join(said, "\n")
}

func (a *acting) end() {
	a.t.Helper()
	if err := a.stage.stop(); err != nil {
		a.t.Error(err)
	}
	a.stage.discord.DropConnections()
}

// An answer to a button that Discord no longer takes is not lost: what was pressed
// counts, and the message is brought up to date by itself.
func TestLateAnswerLeavesButtonsUsable(t *testing.T) {
	t.Parallel()
	dir, check := t.TempDir(), conformance.Open(t)
	synctest.Test(t, func(t *testing.T) {
		a := act(t, dir, check)
		a.does("sam presses [Open]")
		a.stage.discord.SetFault(func(r *http.Request) *discordtest.Fault {
			if !strings.HasSuffix(r.URL.Path, "/callback") {
				return nil
			}
			return &discordtest.Fault{Before: true, Status: 404, Body: `{"code": 10062, "message": "Unknown interaction"}`}
		})
		said := a.does("sam presses [Good]")
		if !strings.Contains(said, "bot -> sam, in place: What would help right now?") {
			t.Errorf("the message was not brought up to date:\n%s", said)
		}
		a.stage.discord.SetFault(nil)
		if said := a.does("sam presses [Skip]"); !strings.Contains(said, "Would you like to put it in words?") {
			t.Errorf("its buttons are no use:\n%s", said)
		}
		a.end()
	})
}

// whileRepliesAreLost calls play with an outage in which posts are made and nobody
// learns of it, within the time in which Discord knows a nonce again and beyond it.
func whileRepliesAreLost(t *testing.T, play func(a *acting, outage time.Duration)) {
	t.Helper()
	for name, outage := range map[string]time.Duration{"within the nonce window": 10 * time.Second, "beyond it": time.Hour} {
		t.Run(name, func(t *testing.T) {
			dir, check := t.TempDir(), conformance.Open(t)
			synctest.Test(t, func(t *testing.T) {
				a := act(t, dir, check)
				lost := time.Now().Add(outage)
				a.stage.discord.SetFault(func(r *http.Request) *discordtest.Fault {
					if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/messages") || time.Now().After(lost) {
						return nil
					}
					return &discordtest.Fault{Lose: true}
				})
				play(a, outage)
				a.end()
			})
		})
	}
}

// A reply that was lost on its way, and another one an hour later after a crash of
// Discord's side: the message is found in its place and not posted twice.
func TestLostReplyIsNotSentTwice(t *testing.T) {
	t.Parallel()
	whileRepliesAreLost(t, func(a *acting, outage time.Duration) {
		t := a.t
		said := a.does("sam presses [Open]", "sam presses [Good]", "sam presses [Skip]", "sam presses [Nothing to add]", "sam presses [Share my words]")
		said += a.does("+" + (outage + 30*time.Minute).String())
		if n := strings.Count(said, "bot -> alex: Something was left for you."); n != 1 {
			t.Errorf("seen %d times:\n%s", n, said)
		}
		if said := a.does("alex presses [Read]"); !strings.Contains(said, "Feeling good.") {
			t.Errorf("it can't be read:\n%s", said)
		}
		if said := a.does("sam presses [Take it back]"); !strings.Contains(said, "bot -> alex, removed: From Sam") {
			t.Errorf("it can't be taken back:\n%s", said)
		}
	})
}

// What was typed while nobody knew whether the message about the words before got
// through stands in it too: known again by its nonce, or found an hour later, it
// would still say what it said then.
func TestLostReplyShowsWhatCameAfter(t *testing.T) {
	t.Parallel()
	whileRepliesAreLost(t, func(a *acting, outage time.Duration) {
		a.does("sam: The first words.", "sam: And some more.")
		a.does("+" + (outage + 30*time.Minute).String())
		stands := 0
		for _, m := range a.stage.discord.Person("sam").Sees() {
			if m.Author == "bot" && strings.Contains(m.Content, "The first words.") {
				stands++
				if !strings.Contains(m.Content, "And some more.") {
					a.t.Errorf("sam sees %q", m.Content)
				}
			}
		}
		if stands != 1 {
			a.t.Errorf("the words stand in %d messages", stands)
		}
	})
}

// What was taken back while nobody knew whether it got through does not stay, nor what
// was erased: long words stand in several messages, and only the last of those has buttons.
func TestLostReplyCanBeTakenBack(t *testing.T) {
	t.Parallel()
	for _, back := range [][]string{{"sam presses [Take it back]"}, {"sam: /privacy erase", "sam presses [Erase everything]"}} {
		whileRepliesAreLost(t, func(a *acting, outage time.Duration) {
			words := strings.Repeat("long words ", 350)
			a.does("sam presses [Open]", "sam presses [Good]", "sam presses [Skip]", "sam presses [Write something]")
			a.does("sam writes: "+words, "sam presses [Share my words]", "alex presses [Read]")
			before := sees(a.stage.discord.Person("alex").Sees(), "long words")
			a.does(back...)
			a.does("+" + (outage + 30*time.Minute).String())
			if after := sees(a.stage.discord.Person("alex").Sees(), "long words"); before < 2 || after != 0 {
				a.t.Errorf("alex sees them in %d messages after %s, in %d before", after, back[len(back)-1], before)
			}
		})
	}
}

// A line that says the same as one from before is not taken for it.
func TestSameLineAgain(t *testing.T) {
	t.Parallel()
	dir, check := t.TempDir(), conformance.Open(t)
	synctest.Test(t, func(t *testing.T) {
		a := act(t, dir, check)
		a.does("sam sends a sticker", "+2h")
		ends := time.Now().Add(30 * time.Minute)
		a.stage.discord.SetFault(func(r *http.Request) *discordtest.Fault {
			if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/messages") || time.Now().After(ends) {
				return nil
			}
			return &discordtest.Fault{Before: true, Status: http.StatusInternalServerError}
		})
		a.does("sam sends a sticker", "+2h")
		if n := sees(a.stage.discord.Person("sam").Sees(), "I can only carry words"); n != 2 {
			t.Errorf("seen %d times, want 2", n)
		}
		a.end()
	})
}
