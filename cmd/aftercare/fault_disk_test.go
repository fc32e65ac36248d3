package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"aftercare/bot/discordtest"
)

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
