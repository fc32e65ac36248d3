package main

import (
	"database/sql"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aftercare/bot/discordtest"
)

var torture = flag.Int("torture", 100, "how often to kill the binary with -9")

// TestTorture kills the real binary with -9 at random moments, over and over,
// while couples go through their scenes, and counts what each of them sees in the
// end: every check-in once, every typed word heard, every shared answer carried once.
func TestTorture(t *testing.T) {
	if testing.Short() {
		t.Skip("kills the binary for a minute; run without -short")
	}
	p := newProcess(t)
	p.env = append(p.env, "AFTERCARE_DISCORD_REQUESTS_PER_SECOND=1000")
	p.env = setEnv(p.env, "AFTERCARE_CHECKINS_MARKS", "4s,12s")
	p.env = setEnv(p.env, "AFTERCARE_LOG_LEVEL", "info")
	couples := newCouples(p, 40)

	kills := 0
	for kills < *torture {
		p.launch()
		go drain(p.log)
		for range 1 + rand.N(5) {
			for _, c := range couples {
				c.advance()
			}
			time.Sleep(rand.N(140 * time.Millisecond)) // the moment of death is what is being drawn
		}
		p.do(p.cmd.Process.Kill())
		_ = p.cmd.Wait() // killed: always an error
		kills++
	}
	p.start()
	done := func() bool {
		all := true
		for _, c := range couples {
			c.advance()
			all = all && c.finished()
		}
		return all
	}
	for deadline := time.Now().Add(90 * time.Second); !done() && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
	}
	for deadline := time.Now().Add(3 * time.Second); time.Now().Before(deadline); { // what comes twice may come late
		time.Sleep(50 * time.Millisecond)
	}
	p.terminate()
	reportTorture(t, kills, couples)
	if t.Failed() {
		t.Log(unsent(t, filepath.Join(p.dir, "aftercare.db")))
	}
}

func drain(lines <-chan string) {
	for range lines {
	}
}

func setEnv(env []string, name, value string) []string {
	for i, e := range env {
		if strings.HasPrefix(e, name+"=") {
			env[i] = name + "=" + value
			return env
		}
	}
	return append(env, name+"="+value)
}

// couple is two people on their way through one scene.
type couple struct {
	a, b     *discordtest.Person
	recorded bool
	typed    bool
	shared   bool
}

// newCouples links n couples with the binary running in peace. Most of them talk
// to the bot in their DMs: the others' are opened one a second.
func newCouples(p *process, n int) (out []*couple) {
	p.t.Helper()
	p.start()
	for i := range n {
		c := &couple{a: p.discord.Person(fmt.Sprintf("alex%d", i)), b: p.discord.Person(fmt.Sprintf("sam%d", i))}
		runA, runB := c.a.RunInDM, c.b.RunInDM
		if i%10 == 0 {
			runA, runB = c.a.Run, c.b.Run
		}
		p.do(runA("/partner invite"))
		p.hear("Before you say yes")
		p.do(c.a.Press("Yes, and I'm 18 or older"))
		code := codePattern.FindString(p.hear("Your code is"))
		p.do(runB("/partner accept code:" + code))
		p.hear("gave you this code")
		p.do(c.b.Press("Yes, and I'm 18 or older"))
		p.hear("You're set up")
		p.hear("You're set up")
		out = append(out, c)
	}
	p.terminate()
	return out
}

const words = "Some words of mine, typed once."

// advance lets a couple do the next thing that they can do. What fails because
// the bot is dead they try again, as people do.
func (c *couple) advance() {
	switch {
	case !c.recorded:
		// Who is asked knows that it was noted, though the reply was lost.
		c.recorded = sees(c.a.SeesInServer(), "Noted.") > 0 || prompts(c.a) > 0
		if !c.recorded && rand.N(8) == 0 {
			_ = c.a.Run("/scene ended") // fails while the bot is dead
		}
	case !c.typed:
		if prompts(c.b) > 0 {
			c.b.Type(words) // heard later, if the bot is dead
			c.typed = true
		}
	case !c.shared:
		c.shared = sees(c.b.Sees(), "Passed on to") > 0
		if !c.shared && rand.N(4) == 0 {
			_ = c.b.Press("Share my words") // fails while the bot is dead
		}
	}
}

func sees(messages []discordtest.Message, part string) (n int) {
	for _, m := range messages {
		if strings.Contains(m.Content, part) {
			n++
		}
	}
	return n
}

// prompts counts the check-ins that stand in somebody's DM, at whatever step.
func prompts(p *discordtest.Person) int {
	return sees(p.Sees(), "Your check-in is here") + sees(p.Sees(), "Your words are in the message below")
}

func relays(p *discordtest.Person) int { return sees(p.Sees(), "Something was left for you") }

func (c *couple) finished() bool {
	return c.shared && prompts(c.a) >= 2 && prompts(c.b) >= 2 && relays(c.a) >= 1
}

// shown is what stands in somebody's DM, with what they wrote and when.
func shown(p *discordtest.Person) string {
	var out strings.Builder
	v := p.View()
	for _, m := range v.DM {
		fmt.Fprintf(&out, "\t%s %s %s, edited %s: %q", v.Name, m.ID, m.Created.Format("15:04:05.000"), m.Edited.Format("15:04:05.000"), m.Content)
		for _, row := range m.Components {
			for _, c := range row.Components {
				fmt.Fprintf(&out, " [%s]", c.Label)
			}
		}
		out.WriteString("\n")
	}
	return out.String()
}

// unsent lists the check-ins that are not in anybody's DM, as far as the database says so.
func unsent(t *testing.T, path string) string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`
		SELECT d.*, c.* FROM checkins c LEFT JOIN deliveries d ON d.checkin = c.id AND d.kind = 'checkin'
		WHERE d.message IS NULL OR d.sent_at IS NULL OR d.want <> 'edit' OR c.state NOT IN ('asked', 'answering', 'done')
		   OR 2 <> (SELECT COUNT(*) FROM checkins o WHERE o.person = c.person)
		   OR 2 <> (SELECT COUNT(*) FROM deliveries o WHERE o.recipient = c.person AND o.kind = 'checkin')
	`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out strings.Builder
	if err := writeRows(&out, "deliveries, checkins", rows); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func reportTorture(t *testing.T, kills int, couples []*couple) {
	t.Helper()
	var seen, lost, twice, unheard int
	count := func(have, want int) {
		seen += have
		lost += max(0, want-have)
		twice += max(0, have-want)
	}
	for _, c := range couples {
		if prompts(c.a) != 2 || prompts(c.b) != 2 || relays(c.a) != 1 || !c.shared {
			t.Logf("%s and %s\n%s%s", c.a.Name(), c.b.Name(), shown(c.a), shown(c.b))
		}
		count(prompts(c.a), 2)
		count(prompts(c.b), 2)
		count(relays(c.a), 1)
		count(sees(c.b.Sees(), "A check-in was set up for you"), 1)
		if !c.shared {
			unheard++
		}
	}
	t.Logf("kills %d, deliveries seen %d, lost %d, seen twice %d, words unheard %d", kills, seen, lost, twice, unheard)
	if lost+twice+unheard > 0 {
		t.Errorf("lost %d, seen twice %d, words unheard %d; all must be 0", lost, twice, unheard)
	}
}
