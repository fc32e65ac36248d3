package main

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
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

// smallDisk mounts a disk of some size at a new folder.
func smallDisk(t *testing.T, options string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	mountSmall(t, dir, options)
	return dir
}

// fill leaves no room on the machine's disk, and room makes some.
func (m *machine) fill() {
	m.t.Helper()
	f, err := os.OpenFile(filepath.Join(m.dir, "filler"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	m.ok(err)
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		m.t.Fatal(err)
	}
}

func (m *machine) room() {
	m.t.Helper()
	m.ok(os.Remove(filepath.Join(m.dir, "filler")))
}

// On a full disk people get the sentence and nothing is half-written. What is
// owed waits, and leaves when there is room again, once, without a restart.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, "size=8m")
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, dir)
		m.does("alex: /scene ended", "+23h50m")
		m.fill()
		m.untilFull()
		before := m.dump()
		for _, line := range []string{"alex: /scene ended when:8h ago", "sam: /scene undo", "sam: /checkin pause"} {
			m.says(m.does(line), "Discord, only", 0)
		}
		m.does("kit: /partner invite")
		m.says(m.does("kit presses [Yes, and I'm 18 or older]"), sorry, 1)
		m.says(m.does("kit: /care help"), "call your local emergency number", 1)
		m.says(m.does("alex: /scene list"), "Your next check-ins", 1) // reading goes on
		if m.dump() != before {
			t.Error("something is half-written")
		}
		m.does("+30m") // both check-ins fall due meanwhile
		m.room()
		said := m.does("+3m")
		m.says(said, prompt, 2)
		m.says(m.does("kit: /partner invite", "kit presses [Yes, and I'm 18 or older]"), "Your code is", 1)
		m.says(m.does("+20h"), prompt, 0)
		m.end()
	})
}

// untilFull gives commands until one finds the disk full.
func (m *machine) untilFull() {
	m.t.Helper()
	for i := range 10 { // five each: more within an hour would be refused
		before := m.dump()
		said := m.does([]string{"sam", "alex"}[i%2] + ": /scene ended when:" + fmt.Sprint(7*(i+1)) + "h ago")
		if strings.Contains(said, sorry) {
			if m.dump() != before {
				m.t.Error("half a scene was written")
			}
			return
		}
	}
	m.t.Fatal("the disk never got full")
}

// The disk gets full between sending a message and noting it, for a moment and
// for longer than Discord knows a nonce. Nobody sees it twice.
func TestDiskFullAfterSending(t *testing.T) {
	t.Parallel()
	for name, outage := range map[string]time.Duration{"for a moment": 2 * time.Second, "beyond the nonce": 40 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			dir := smallDisk(t, "size=8m")
			synctest.Test(t, func(t *testing.T) {
				m := newMachine(t, dir)
				m.does("alex: /scene ended", "+23h59m")
				m.stage.discord.SetFault(func(r *http.Request) *discordtest.Fault {
					if strings.HasSuffix(r.URL.Path, "/messages") && r.Method == http.MethodPost {
						m.fill()
					}
					return nil
				})
				time.Sleep(time.Minute + outage)
				m.stage.discord.SetFault(nil)
				m.room()
				m.does("+20m")
				for _, name := range []string{"alex", "sam"} {
					if n := sees(m.stage.discord.Person(name).Sees(), prompt); n != 1 {
						t.Errorf("%s sees %d check-ins", name, n)
					}
				}
				m.says(m.does("sam presses [Open]"), "How are you feeling", 1)
				m.says(m.does("+20h"), prompt, 0)
				m.end()
			})
		})
	}
}

// What is typed while the disk is full is heard when there is room again.
func TestTypedOnAFullDisk(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, "size=8m")
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, dir)
		m.does("alex: /scene ended", "+24h")
		m.fill()
		m.untilFull()
		m.does("alex: The first words.", "+1m")
		m.room()
		m.does("alex: The second words.", "+10m")
		for _, words := range []string{"The first words.", "The second words."} {
			if heard := sees(m.stage.discord.Person("alex").Sees(), words); heard < 2 { // their own, and the echo
				t.Errorf("not heard: %s", words)
			}
		}
		m.end()
	})
}

// The real binary.

// TestRunRefusesTheMachine runs into what a machine can have wrong with it. Every
// message names the file, and says what to do.
func TestRunRefusesTheMachine(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, p *process)
		want  []string
	}{
		"a folder that is not there": {func(_ *testing.T, p *process) {
			p.env = setEnv(p.env, "AFTERCARE_STORE_PATH", filepath.Join(p.dir, "nowhere", "aftercare.db"))
		}, []string{"nowhere", "make the folder"}},
		"a file for a folder": {func(_ *testing.T, p *process) {
			p.do(os.WriteFile(filepath.Join(p.dir, "file"), nil, 0o600))
			p.env = setEnv(p.env, "AFTERCARE_STORE_PATH", filepath.Join(p.dir, "file", "aftercare.db"))
		}, []string{"/file", "not a directory", "make the folder"}},
		"a folder for a file": {func(_ *testing.T, p *process) {
			p.do(os.MkdirAll(filepath.Join(p.dir, "aftercare.db", "x"), 0o700))
		}, []string{"aftercare.db is a folder"}},
		"a read-only disk without files": {func(t *testing.T, p *process) { p.storeAt(smallDisk(t, "ro")) }, []string{"/disk", "can only be read", "writable"}},
		"a read-only disk with files": {func(t *testing.T, p *process) {
			p.storeAt(smallDisk(t, ""))
			p.once()
			p.do(mountReadOnly(p.dir))
		}, []string{"/disk", "can only be read", "writable"}},
		"a full disk": {func(t *testing.T, p *process) { p.storeAt(smallDisk(t, "size=8k")) }, []string{"/disk/aftercare", "make room"}},
		"a disk that is full since": {func(t *testing.T, p *process) {
			p.storeAt(smallDisk(t, "size=4m"))
			p.once()
			filler := bytes.Repeat([]byte("x"), 4<<20)
			if err := os.WriteFile(filepath.Join(p.dir, "filler"), filler, 0o600); !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(err)
			}
		}, []string{"/disk/aftercare", "the disk is full: make room"}},
		"a newer database": {func(_ *testing.T, p *process) {
			p.once()
			p.sql(`PRAGMA user_version = 99`)
		}, []string{"aftercare.db", "version 99", "up to 1", "newer program"}},
		"a damaged database": {func(_ *testing.T, p *process) {
			p.once()
			p.overwrite("aftercare.db", 8192, 4096)
		}, []string{"aftercare.db", "damaged", "restore", "backup"}},
		"a cut database": {func(_ *testing.T, p *process) {
			p.once()
			p.do(os.Truncate(filepath.Join(p.dir, "aftercare.db"), 20000))
		}, []string{"aftercare.db", "damaged", "restore", "backup"}},
		"a damaged keys file": {func(_ *testing.T, p *process) {
			p.once()
			p.overwrite("aftercare.keys", 4096, 4096)
		}, []string{"aftercare.keys", "damaged", "restore", "backup"}},
		"a keys file that is none": {func(_ *testing.T, p *process) {
			p.once()
			p.do(os.WriteFile(filepath.Join(p.dir, "aftercare.keys"), []byte(strings.Repeat("x", 9000)), 0o600))
		}, []string{"aftercare.keys", "damaged", "restore", "backup"}},
		"the keys file of another database": {func(t *testing.T, p *process) {
			p.once()
			other := newProcess(t)
			other.env[2] = p.env[2]
			other.once()
			b, err := os.ReadFile(filepath.Join(other.dir, "aftercare.keys"))
			p.do(err)
			p.do(os.WriteFile(filepath.Join(p.dir, "aftercare.keys"), b, 0o600))
		}, []string{"keys file belongs to another database", "restore"}},
		"no database beside keys of people": {func(_ *testing.T, p *process) {
			p.start()
			p.link()
			p.terminate()
			p.do(os.Remove(filepath.Join(p.dir, "aftercare.db")))
		}, []string{"aftercare.keys", "database is not there", "restore"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProcess(t)
			c.spoil(t, p)
			said := p.refused()
			t.Log(said)
			for _, want := range c.want {
				if !strings.Contains(said, want) {
					t.Errorf("it does not say %q:\n%s", want, said)
				}
			}
		})
	}
}

// Permission bits don't stop root, so that this runs the binary as somebody else.
func TestRunNotPermitted(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to run the binary as somebody else")
	}
	p := newProcess(t)
	path, err := buildOnce()
	p.do(err)
	b, err := os.ReadFile(path)
	p.do(err)
	path = filepath.Join(t.TempDir(), "aftercare")
	p.do(os.WriteFile(path, b, 0o755))
	for _, dir := range []string{path, p.dir} {
		p.do(os.Chmod(filepath.Dir(filepath.Dir(dir)), 0o755)) // the test's own, to be walked through
	}
	cmd := exec.CommandContext(t.Context(), path, "run")
	cmd.Env, cmd.Dir = append(os.Environ(), p.env...), p.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EACCES) {
		t.Skipf("nobody may not run the binary here: %v", err)
	}
	t.Logf("%s", out)
	for _, want := range []string{p.dir, "permission denied", "give the folder", "user that runs this"} {
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%v, and it does not say %q:\n%s", err, want, out)
		}
	}
}

func (p *process) storeAt(dir string) {
	p.dir = dir
	p.env = setEnv(p.env, "AFTERCARE_STORE_PATH", filepath.Join(dir, "aftercare.db"))
}

func (p *process) sql(query string) {
	p.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(p.dir, "aftercare.db"))
	p.do(err)
	_, err = db.Exec(query)
	p.do(errors.Join(err, db.Close()))
}

func (p *process) overwrite(file string, at, n int) {
	p.t.Helper()
	f, err := os.OpenFile(filepath.Join(p.dir, file), os.O_WRONLY, 0)
	p.do(err)
	_, err = f.WriteAt([]byte(strings.Repeat("\xa5\x3c", n/2)), int64(at))
	p.do(errors.Join(err, f.Close()))
}

// A send that hangs does not keep the program from ending, and is made good at
// the next start.
func TestTerminateDuringHangingSend(t *testing.T) {
	p := newProcess(t)
	p.start()
	p.link()
	hangs := make(chan struct{}, 100)
	p.discord.SetFault(func(r *http.Request) *discordtest.Fault {
		if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/messages") {
			return nil
		}
		hangs <- struct{}{}
		return &discordtest.Fault{Before: true, Delay: time.Hour}
	})
	p.do(p.discord.Person("alex").Run("/scene ended"))
	select {
	case <-hangs:
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was sent")
	}
	if code, took := p.terminate(); code != 0 || took > 5*time.Second {
		t.Errorf("exit %d after %v, want 0 within 5 s", code, took)
	} else {
		t.Logf("ended after %v", took)
	}
	p.discord.SetFault(nil)
	p.start()
	alex, sam := p.discord.Person("alex"), p.discord.Person("sam")
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline) && prompts(alex)+prompts(sam) < 4; {
		time.Sleep(50 * time.Millisecond)
	}
	p.hear("A check-in was set up for you.")
	p.terminate()
	if a, b, n := prompts(alex), prompts(sam), sees(sam.Sees(), "A check-in was set up for you."); a != 2 || b != 2 || n != 1 {
		t.Errorf("%d and %d check-ins, %d notices; want 2, 2, 1", a, b, n)
	}
}
