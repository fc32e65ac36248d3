package main

import (
	"bytes"
	"database/sql"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"aftercare/bot/discordtest"
)

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
