package main

import (
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"aftercare/bot/discordtest"
	sentence "aftercare/bot/text"
)

// machine is the whole program in a bubble, on a machine whose clock, disk and
// database can be meddled with. Discord's own clock is right.
type machine struct {
	*stage
	*player
	skew atomic.Int64 // how far the machine's clock is ahead, in nanoseconds
}

// newMachine begins with alex and sam linked.
func newMachine(t *testing.T, dir string) *machine {
	t.Helper()
	m := &machine{stage: newStage(t, dir)}
	m.player = &player{pass: time.Sleep, start: m.boot, stop: m.stage.stop}
	m.stage.discord = discordtest.New(discordtest.Options{Say: m.hear, Token: "Bot test-token"})
	m.player.discord = m.stage.discord
	m.ok(m.boot())
	m.does("alex and sam are linked")
	return m
}

func (m *machine) now() time.Time { return time.Now().Add(time.Duration(m.skew.Load())) }

// step sets the machine's clock forth, or back.
func (m *machine) step(by time.Duration) { m.skew.Add(int64(by)) }

// boot starts the house on the machine's clock.
func (m *machine) boot() error {
	return m.startOn(world{now: m.now, log: m.logger, transport: m.stage.discord, dial: m.stage.discord.DialContext})
}

func (m *machine) ok(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// does acts some lines out and returns what was heard after the last of them.
func (m *machine) does(lines ...string) (said string) {
	m.t.Helper()
	for _, line := range lines {
		if err := m.act(line); err != nil {
			m.t.Errorf("%s: %v", line, err)
		}
		settle()
		said = strings.Join(m.take(), "\n")
	}
	return said
}

// says holds that a sentence was heard a number of times.
func (m *machine) says(said, part string, times int) {
	m.t.Helper()
	if n := strings.Count(said, part); n != times {
		m.t.Errorf("%q was said %d times and not %d:\n%s", part, n, times, said)
	}
}

func (m *machine) end() {
	m.t.Helper()
	if err := m.stage.stop(); err != nil {
		m.t.Error(err)
	}
	m.stage.discord.DropConnections()
	for _, err := range m.stage.discord.Errors() {
		m.t.Errorf("Discord would refuse: %v", err)
	}
	if m.t.Failed() && testing.Verbose() {
		m.t.Log("\n" + m.log.String())
	}
}

const prompt = "Your check-in is here"

// other opens the database as another program does.
func (m *machine) other() *sql.Conn {
	m.t.Helper()
	db, err := sql.Open("sqlite", m.cfg.Store.Path)
	m.ok(err)
	c, err := db.Conn(m.t.Context())
	m.ok(err)
	m.t.Cleanup(func() { c.Close(); db.Close() })
	return c
}

// dump is what the tables hold, to compare. What is on its way is left out.
func (m *machine) dump() string {
	m.t.Helper()
	c := m.other()
	var b strings.Builder
	for _, table := range []string{"persons", "invites", "pacts", "sides", "scenes", "participants", "checkins", "answers", "words", "shares"} {
		rows, err := c.QueryContext(m.t.Context(), `SELECT * FROM `+table)
		m.ok(err)
		m.ok(writeRows(&b, table, rows))
	}
	m.ok(c.Close())
	return b.String()
}

func writeRows(w io.Writer, table string, rows *sql.Rows) error {
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			return err
		}
		for i, v := range values {
			fmt.Fprintf(w, "%s.%s=%v ", table, columns[i], *v.(*any))
		}
		fmt.Fprintln(w)
	}
	return rows.Err()
}

// The sentence for whatever is wrong with the machine.
var sorry = sentence.T(sentence.ErrInside)

// While another program has the database locked, people get an answer in time:
// either it was done or the sentence, those who wait in line included. Nothing is
// lost, and nothing waits for longer than the lock lasts.
func TestLockedByBackup(t *testing.T) {
	t.Parallel()
	for _, lasts := range []time.Duration{4 * time.Second, 8 * time.Second} {
		t.Run(lasts.String(), func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				m := newMachine(t, dir)
				m.does("kit and robin are linked", "alex: /scene ended", "+23h59m50s")
				backup := m.other()
				m.locks(backup)
				for _, line := range []string{"alex: /scene list", "sam: /scene ended when:8h ago", "kit: /scene ended", "robin: /partner invite", "robin presses [Yes, and I'm 18 or older]"} {
					if err := m.act(line); err != nil {
						t.Error(err)
					}
					time.Sleep(100 * time.Millisecond)
				}
				m.act("alex: Typed while it was locked.")
				time.Sleep(lasts - 600*time.Millisecond)
				m.unlocks(backup)
				m.answered()
				if said := m.does("+20s"); !strings.Contains(said, "Typed while it was locked.") {
					t.Errorf("what was typed was not heard:\n%s", said)
				}
				m.says(m.does("kit: /scene ended"), "Noted.", 1)
				m.end()
			})
		})
	}
}

func (m *machine) locks(c *sql.Conn) {
	m.t.Helper()
	_, err := c.ExecContext(m.t.Context(), `BEGIN IMMEDIATE`)
	m.ok(err)
}

func (m *machine) unlocks(c *sql.Conn) {
	m.t.Helper()
	_, err := c.ExecContext(m.t.Context(), `ROLLBACK`)
	m.ok(err)
	m.ok(c.Close())
}

// answered holds that nobody was left without an answer, and that somebody got
// the sentence.
func (m *machine) answered() {
	m.t.Helper()
	said := strings.Join(m.take(), "\n")
	if strings.Contains(said, "did not respond") || !strings.Contains(said, sorry) {
		m.t.Errorf("somebody waited in vain, or nobody was told:\n%s", said)
	}
}

// A long read, which is what a backup is, hinders nobody.
func TestLongReadBesideTheBot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, dir)
		backup := m.other()
		for _, query := range []string{`BEGIN`, `SELECT COUNT(*) FROM persons`} {
			_, err := backup.ExecContext(t.Context(), query)
			m.ok(err)
		}
		m.says(m.does("alex: /scene ended"), "Noted.", 1)
		m.says(m.does("+24h"), prompt, 2)
		m.unlocks(backup)
		m.end()
	})
}

// Static answers need no database: closed, replaced by something else, or gone
// with its folder. Everything else gets the sentence, and the process goes on.
func TestHelpWithoutDatabase(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(m *machine){
		"closed": func(m *machine) { m.ok(m.house.store.Close()) },
		"replaced": func(m *machine) {
			m.ok(os.WriteFile(m.cfg.Store.Path, []byte(strings.Repeat("not a database\n", 5000)), 0o600))
			m.ok(os.Truncate(m.cfg.Store.Path+"-wal", 0))
		},
		"its folder is gone": func(m *machine) { m.ok(os.RemoveAll(m.dir)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				m := newMachine(t, dir)
				spoil(m)
				m.says(m.does("alex: /care help"), "call your local emergency number", 1)
				m.says(m.does("alex: /privacy about"), "Robin runs this bot", 1)
				m.says(m.does("kit: /care help"), "call your local emergency number", 1)
				said := m.does("alex: /scene ended")
				if name == "closed" { // the others SQLite may not notice: it has the file open
					m.says(said, sorry, 1)
				}
				m.does("+1h")
				m.says(m.does("alex: /care help"), "call your local emergency number", 1)
				_ = m.stage.stop() // closing what was closed, or is gone
				m.stage.discord.DropConnections()
			})
		})
	}
}

// The machine's clock steps back and forth by hours while the bot runs. Nothing
// comes twice, nothing is lost, and what is due comes within the bell.
func TestClockSteps(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, dir)
		m.does("alex: /scene ended", "+20h")
		m.says(m.does("+1s"), prompt, 0)
		m.step(5 * time.Hour)
		m.says(m.does("+40s"), prompt, 2) // an hour late by this clock
		m.step(-7 * time.Hour)
		m.says(m.does("+9h"), prompt, 0) // not again at its time
		m.step(-3 * time.Hour)
		m.says(m.does("alex presses [Open]"), "How are you feeling", 1)
		m.says(m.does("+23h"), prompt, 0)
		m.step(10 * time.Hour)
		said := m.does("+40s")
		m.says(said, prompt, 2)
		m.says(said, "This is late", 2)
		m.step(-10 * time.Hour)
		m.says(m.does("+72h"), prompt, 0)
		m.end()
	})
}

// What was planned by a clock that was hours ahead keeps the time that people were
// told, once that clock is set right.
func TestClockSetBackBeforeDue(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, dir)
		m.step(6 * time.Hour) // the clock is wrong as the scene is recorded
		m.does("alex: /scene ended")
		m.step(-6 * time.Hour)
		m.says(m.does("+24h"), prompt, 0)
		m.says(m.does("+6h1m"), prompt, 2)
		m.says(m.does("+24h"), prompt, 2)
		m.says(m.does("+72h"), prompt, 0)
		m.end()
	})
}

// The machine's clock is hours off while a reply is lost. The message is found in
// its place all the same, and nobody sees it twice.
func TestLostReplyOnAWrongClock(t *testing.T) {
	t.Parallel()
	for name, off := range map[string]time.Duration{"ahead": 3 * time.Hour, "behind": -3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				m := newMachine(t, dir)
				m.does("alex: /scene ended", "+20h59m")
				m.step(off)
				if off < 0 {
					m.does("+6h")
				}
				m.stage.discord.SetFault(func(r *http.Request) *discordtest.Fault {
					if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/messages") {
						return nil
					}
					return &discordtest.Fault{Lose: true}
				})
				m.does("+1h") // the check-ins are posted, and nobody learns of it
				m.step(-off)
				m.does("+4h")
				m.stage.discord.SetFault(nil)
				m.does("+12h")
				for _, name := range []string{"alex", "sam"} {
					if n := sees(m.stage.discord.Person(name).Sees(), prompt); n != 1 {
						t.Errorf("%s sees %d check-ins", name, n)
					}
				}
				m.end()
			})
		})
	}
}

// A laptop that sleeps for a day: its clock goes on and its timers do not, and
// nothing hears Discord. What was due comes late and says so, and once.
func TestSuspendedForADay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, dir)
		m.does("alex: /scene ended", "+23h")
		m.stage.discord.DropConnections()
		m.step(24 * time.Hour)
		said := m.does("+40s")
		m.says(said, prompt, 2)
		m.says(said, "This is late", 2)
		said = m.does("+1h")
		m.says(said, prompt, 2)
		m.says(said, "This is late", 0)
		m.stage.discord.DropConnections()
		m.step(30 * time.Hour)
		m.does("alex: /scene ended", "+23h")
		m.step(26 * time.Hour) // over both marks: the first is folded into the second
		said = m.does("+40s")
		m.says(said, prompt, 2)
		m.says(m.does("+72h"), prompt, 0)
		m.end()
	})
}
