package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"aftercare/bot/discordtest/conformance"
	"aftercare/store"
)

// says runs one command of the binary to its end, and returns what it said and
// whether it ended well.
func (p *process) says(args ...string) (said string, ok bool) {
	p.t.Helper()
	path, err := buildOnce()
	p.do(err)
	cmd := exec.Command(path, args...)
	cmd.Env, cmd.Dir = append(os.Environ(), p.env...), p.dir
	out, err := cmd.CombinedOutput()
	if i := strings.Index(string(out), "aftercare-key-1-"); i >= 0 && !strings.Contains(string(out), "it begins with") {
		p.t.Errorf("it shows the master key: %s", out)
	}
	return string(out), err == nil
}

func (p *process) well(args ...string) string {
	p.t.Helper()
	said, ok := p.says(args...)
	if !ok {
		p.t.Fatalf("%s: %s", args, said)
	}
	return said
}

// refuses holds that a command ends badly and says why.
func (p *process) refuses(want []string, args ...string) {
	p.t.Helper()
	said, ok := p.says(args...)
	if ok {
		p.t.Errorf("%s: it did it, and said: %s", args, said)
	}
	for _, part := range want {
		if !strings.Contains(said, part) {
			p.t.Errorf("%s does not say %q: %s", args, part, said)
		}
	}
}

// keyFile has the master key come from a file, and returns its path.
func (p *process) keyFile() string {
	p.t.Helper()
	path := filepath.Join(p.dir, "aftercare.key")
	_, key, _ := strings.Cut(p.env[2], "=")
	p.do(os.WriteFile(path, []byte(key+"\n"), 0o600))
	p.env[2] = "AFTERCARE_STORE_KEY_FILE=" + path
	return path
}

// opens tells whether the key in a file opens the store of a process.
func (p *process) opens(keyFile string) error {
	p.t.Helper()
	text, err := os.ReadFile(keyFile)
	p.do(err)
	key, err := store.ParseMasterKey(string(text))
	p.do(err)
	s, err := store.Open(p.t.Context(), store.Options{
		Path: filepath.Join(p.dir, "aftercare.db"), KeysPath: filepath.Join(p.dir, "aftercare.keys"),
		Key: key, Marks: []time.Duration{time.Hour},
	})
	if err != nil {
		return err
	}
	defer s.Close()
	pacts, err := s.Pacts(p.t.Context(), store.Secret(p.discord.Person("alex").ID()))
	if err == nil && (len(pacts) != 1 || pacts[0].Partner.Reveal() != "Sam") {
		err = fmt.Errorf("alex has %d pacts", len(pacts))
	}
	return err
}

// TestTheKeyComesInEveryWay starts the real binary on one database with its key
// given in each way there is.
func TestTheKeyComesInEveryWay(t *testing.T) {
	p := newProcess(t)
	_, key, _ := strings.Cut(p.env[2], "=")
	file := filepath.Join(p.dir, "a.key")
	creds := filepath.Join(p.dir, "creds")
	config := filepath.Join(p.dir, "config.yaml")
	p.do(os.Mkdir(creds, 0o700))
	p.do(os.WriteFile(file, []byte(key+"\n"), 0o600))
	for name, c := range map[string]struct {
		env, config, cred string
	}{
		"the environment":      {"AFTERCARE_STORE_KEY=" + key, "", ""},
		"a file by a variable": {"AFTERCARE_STORE_KEY_FILE=" + file, "", ""},
		"a file by a key":      {"", "store: {key_file: a.key}", ""},
		"as it stands":         {"", "store: {key: " + key + "}", ""},
		"a credential":         {"CREDENTIALS_DIRECTORY=" + creds, "", key},
	} {
		p.env[2] = c.env
		p.do(os.WriteFile(config, []byte(c.config), 0o600))
		os.Remove(filepath.Join(creds, "store.key"))
		if c.cred != "" {
			p.do(os.WriteFile(filepath.Join(creds, "store.key"), []byte(c.cred), 0o400))
		}
		t.Log(name)
		p.start()
		if code, _ := p.terminate(); code != 0 {
			t.Errorf("%s: exit %d", name, code)
		}
	}
}

// TestNoCoreDumps holds that the memory of the running bot can't get into a file.
func TestNoCoreDumps(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	p := newProcess(t)
	p.start()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", p.cmd.Process.Pid))
	p.do(err)
	if !regexp.MustCompile(`(?m)^Max core file size +0 +0 +bytes`).Match(b) {
		t.Errorf("it may write one:\n%s", b)
	}
	p.terminate()
	if os.Getuid() != 0 {
		t.Skip("needs root, to run the binary as somebody else")
	}
	// What may not be dumped belongs to root in /proc, whoever runs it: see proc(5).
	for _, dir := range []string{p.dir, filepath.Dir(p.dir)} {
		p.do(os.Chmod(dir, 0o755))
	}
	names, err := filepath.Glob(filepath.Join(p.dir, "*"))
	p.do(err)
	for _, name := range append(names, p.dir) {
		p.do(os.Chown(name, nobody, nobody))
	}
	binary, err := buildOnce()
	p.do(err)
	b, err = os.ReadFile(binary)
	p.do(err)
	copied := filepath.Join(p.dir, "aftercare")
	p.do(os.WriteFile(copied, b, 0o755))
	p.as = &syscall.Credential{Uid: nobody, Gid: nobody}
	p.binary = copied
	p.start()
	fi, err := os.Stat(fmt.Sprintf("/proc/%d/mem", p.cmd.Process.Pid))
	p.do(err)
	if uid := fi.Sys().(*syscall.Stat_t).Uid; uid != 0 {
		t.Errorf("its memory belongs to %d: others of its user may read it", uid)
	}
	p.terminate()
}

const nobody = 65534

// TestRotate goes the operator's way through a rotation, with each way in which
// the key comes.
func TestRotate(t *testing.T) {
	p := newProcess(t)
	p.refuses([]string{"there is no database yet, so the key seals nothing"}, "key", "rotate", "--to", "new.key")
	if exists(filepath.Join(p.dir, "new.key")) {
		t.Error("a key was left behind")
	}
	p.start()
	p.link()
	p.refuses([]string{"another aftercare is running"}, "key", "rotate", "--to", "new.key")
	p.terminate()
	if _, err := os.Stat(filepath.Join(p.dir, "new.key")); err == nil {
		t.Error("a key was left that is for nothing")
	}
	byHand := []string{"store.key", "aftercare key rotate --to new.key"}
	p.refuses(byHand, "key", "rotate")
	env, creds := p.env[2], filepath.Join(p.dir, "creds")
	_, key, _ := strings.Cut(env, "=")
	p.do(os.Mkdir(creds, 0o700))
	p.do(os.WriteFile(filepath.Join(creds, "store.key"), []byte(key), 0o400))
	p.env[2] = "CREDENTIALS_DIRECTORY=" + creds
	p.refuses(byHand, "key", "rotate")
	p.env[2] = env

	backups := filepath.Join(p.dir, "backups")
	p.do(os.Mkdir(backups, 0o700))
	p.env = append(p.env, "AFTERCARE_BACKUP_DIR="+backups)
	p.well("backup")
	old := filepath.Join(p.dir, "old.key")
	p.do(os.WriteFile(old, []byte(key), 0o600))
	said := p.well("key", "rotate", "--to", "new.key")
	for _, want := range []string{"All 4 keys", "new.key", "AFTERCARE_STORE_KEY", "So are those in " + filepath.Join(backups, "keys")} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q: %s", want, said)
		}
	}
	p.well("key", "rotate", "--to", "new.key") // interrupted at the last moment, it is run again
	p.refuses([]string{"master key does not open"}, "run")
	made := filepath.Join(p.dir, "new.key")
	p.do(p.opens(made))
	if err := p.opens(old); err == nil {
		t.Error("the old key still opens it")
	}

	p.env[2] = "AFTERCARE_STORE_KEY_FILE=" + made // and now in the place of the file itself
	p.refuses([]string{"holds the key in force"}, "key", "rotate", "--to", "new.key")
	unnamed := filepath.Join(p.dir, ".new.key.old-123") // by one that was killed
	p.do(os.WriteFile(unnamed, []byte(key), 0o600))
	p.well("key", "rotate")
	if exists(unnamed) {
		t.Error("a copy of the old key is left, under no name that anybody looks for")
	}
	p.do(p.opens(made))
	if err := p.opens(made + ".old"); err == nil {
		t.Error("the old key still opens it")
	}
	fi, err := os.Stat(made)
	p.do(err)
	if fi.Mode().Perm() != 0o600 {
		t.Errorf("the new key is %v", fi.Mode())
	}
	p.refuses([]string{"new.key.old", "delete it"}, "key", "rotate")
	p.start()
	p.terminate()

	// The copy in the backups was wrapped anew as well: it and the database are enough.
	for _, name := range []string{"aftercare.db", "aftercare.keys"} {
		p.do(os.Remove(filepath.Join(p.dir, name)))
	}
	p.well("restore", backups)
	p.do(p.opens(made))
}

// TestRotateKilled kills the real binary with -9 at random moments of a rotation.
// Whenever that is, one of the two keys opens everything, and running it again
// finishes it.
func TestRotateKilled(t *testing.T) {
	p := newProcess(t)
	p.start()
	p.link()
	p.terminate()
	file := p.keyFile()
	key, err := os.ReadFile(file)
	p.do(err)
	manyPeople(p, string(key), 400)
	path, err := buildOnce()
	p.do(err)
	begun := time.Now()
	p.well("key", "rotate")
	took := time.Since(begun)
	killed, between := 0, 0
	for range 25 {
		os.Remove(file + ".old")
		before, err := os.ReadFile(file)
		p.do(err)
		cmd := exec.Command(path, "key", "rotate")
		cmd.Env, cmd.Dir = append(os.Environ(), p.env...), p.dir
		p.do(cmd.Start())
		time.Sleep(rand.N(took)) // the moment of death is what is being drawn
		p.do(cmd.Process.Kill())
		if cmd.Wait() != nil {
			killed++
		}
		now, err := os.ReadFile(file)
		p.do(err)
		inForce := file
		if err := p.opens(file); err != nil {
			inForce = file + ".new"
			between++
			p.refuses([]string{"master key does not open", "aftercare key rotate"}, "run")
		}
		p.do(p.opens(inForce))
		if bytes.Equal(before, now) {
			p.well("key", "rotate") // it finishes, or begins anew
		}
		p.do(p.opens(file))
		p.do(os.WriteFile(file+".before", before, 0o600))
		if err := p.opens(file + ".before"); err == nil {
			t.Error("the old key still opens it")
		}
		left, err := filepath.Glob(file + ".new")
		if err != nil || len(left) != 0 {
			t.Errorf("%v is left", left)
		}
	}
	t.Logf("killed %d times, %d of them between the keys file and the file of the key", killed, between)
	if killed < 5 {
		t.Errorf("killed %d times only", killed)
	}
}

// manyPeople adds people to the store of a process that does not run.
func manyPeople(p *process, key string, n int) {
	p.t.Helper()
	k, err := store.ParseMasterKey(key)
	p.do(err)
	s, err := store.Open(p.t.Context(), store.Options{
		Path: filepath.Join(p.dir, "aftercare.db"), KeysPath: filepath.Join(p.dir, "aftercare.keys"),
		Key: k, Marks: []time.Duration{time.Hour},
	})
	p.do(err)
	for i := range n {
		_, _, err := s.Invite(p.t.Context(), store.Who{ID: store.Secret(fmt.Sprint(940000000000000000 + i)), Name: store.Secret("Kit")}, 1)
		p.do(err)
	}
	p.do(s.Close())
}

// TestBackupOfARunningBot takes a backup beside the running binary, kills it with
// -9, loses its disk, and goes on from the backup.
func TestBackupOfARunningBot(t *testing.T) {
	p := newProcess(t)
	file := p.keyFile()
	backups := filepath.Join(p.dir, "backups")
	p.refuses([]string{"name a folder", "backup.dir"}, "backup")
	p.refuses([]string{"there is no database to back up", "store.path"}, "backup", p.dir)
	p.start()
	p.link()
	p.refuses([]string{"no such file", "make the folder"}, "backup", backups)
	p.do(os.Mkdir(backups, 0o700))
	for _, keep := range []string{"0", "-1"} {
		p.refuses([]string{"--keep " + keep, "1 or more"}, "backup", "--keep", keep, backups)
	}
	said := p.well("backup", backups)
	if !strings.Contains(said, filepath.Join(backups, "aftercare-2")) || !strings.Contains(said, filepath.Join(backups, "keys", "aftercare.keys")) {
		t.Errorf("it says: %s", said)
	}
	p.refuses([]string{"another aftercare is running"}, "restore", "--replace", backups)
	p.do(p.cmd.Process.Kill())
	_ = p.cmd.Wait() // killed: always an error
	p.refuses([]string{"there is a database already", "--replace"}, "restore", backups)
	said = p.well("restore", "--replace", backups)
	if !strings.Contains(said, "aftercare.db.replaced-") || !strings.Contains(said, "stays: it is the newest") {
		t.Errorf("it says: %s", said)
	}
	p.do(p.opens(file))
	for _, pattern := range []string{"aftercare.db*", "aftercare.keys*"} {
		names, err := filepath.Glob(filepath.Join(p.dir, pattern))
		p.do(err)
		for _, name := range names {
			p.do(os.Remove(name))
		}
	}
	said = p.well("restore", backups)
	if !strings.Contains(said, "is now the copy "+filepath.Join(backups, "keys", "aftercare.keys")) {
		t.Errorf("it says: %s", said)
	}
	p.do(p.opens(file))
	p.start()
	p.do(p.discord.Person("alex").Run("/partner list"))
	p.hear("Sam")
	p.terminate()
}

// TestBackupByItself has the running binary take backups into backup.dir, and go
// on without when it can't.
func TestBackupByItself(t *testing.T) {
	p := newProcess(t)
	backups := filepath.Join(p.dir, "backups")
	p.env = append(p.env, "AFTERCARE_BACKUP_DIR="+backups, "AFTERCARE_BACKUP_EVERY=@every 1h")
	p.launch()
	p.logs("no backup could be taken", "backup.dir", "make the folder")
	p.terminate()
	p.do(os.Mkdir(backups, 0o700))
	p.launch()
	p.logs("a backup was taken", "aftercare-2")
	p.terminate()
	names, err := filepath.Glob(filepath.Join(backups, "*.db"))
	if err != nil || len(names) != 1 {
		t.Errorf("%v, %v", names, err)
	}
	p.well("restore", "--replace", backups)
}

// logs waits for a line of the log with all the parts.
func (p *process) logs(parts ...string) {
	p.t.Helper()
	var said []string
lines:
	for line := range p.log {
		said = append(said, line)
		for _, part := range parts {
			if !strings.Contains(line, part) {
				continue lines
			}
		}
		go drain(p.log)
		return
	}
	p.t.Fatalf("it never said %q:\n%s", parts, strings.Join(said, "\n"))
}

// TestRestoreSendsNothingTwice goes back to a backup from before a check-in and
// what it led to. What is in the DMs already is found there and does not come twice.
func TestRestoreSendsNothingTwice(t *testing.T) {
	t.Parallel()
	dir, check := t.TempDir(), conformance.Open(t)
	synctest.Test(t, func(t *testing.T) {
		a := act(t, dir, check) // with the check-ins at 24 hours in their DMs
		backups := filepath.Join(dir, "backups")
		a.ok(os.Mkdir(backups, 0o700))
		a.does("+23h")
		_, err := store.TakeBackup(t.Context(), a.cfg.files(), backups, time.Now())
		a.ok(err)
		if said := a.does("+1h"); strings.Count(said, "Your check-in is here") != 2 {
			t.Fatalf("the check-ins at 48 hours did not come:\n%s", said)
		}
		a.does("+1h")
		a.ok(a.stage.stop())
		key, err := store.ParseMasterKey(string(a.cfg.Store.Key))
		a.ok(err)
		from, err := store.FindBackup(a.cfg.files(), backups)
		a.ok(err)
		_, err = store.Restore(t.Context(), store.Options{Path: a.cfg.Store.Path, KeysPath: a.cfg.Store.KeysPath, Key: key}, from, true, time.Now())
		a.ok(err)
		a.ok(a.stage.start())
		if said := a.does("+1h"); strings.Contains(said, "check-in is here") || strings.Contains(said, "late") {
			t.Errorf("it came twice:\n%s", said)
		}
		if n := sees(a.stage.discord.Person("sam").Sees(), "Your check-in is here"); n != 2 {
			t.Errorf("sam sees %d check-ins, want 2", n)
		}
		if said := a.does("sam presses [Open]"); !strings.Contains(said, "How are you feeling right now?") {
			t.Errorf("the one that was found can't be answered:\n%s", said)
		}
		a.end()
	})
}

func (a *acting) ok(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

// TestRestoreByRoot restores as root what a user without rights runs, as with sudo
// beside a systemd unit: into the place of a database, and into an empty folder.
func TestRestoreByRoot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to restore for somebody else")
	}
	p := newProcess(t)
	p.once()
	backups := t.TempDir()
	p.well("backup", backups)
	files := []string{filepath.Join(p.dir, "aftercare.db"), filepath.Join(p.dir, "aftercare.db.lock"), filepath.Join(p.dir, "aftercare.keys")}
	theirs := func() {
		t.Helper()
		for _, path := range files {
			fi, err := os.Stat(path)
			p.do(err)
			if uid := fi.Sys().(*syscall.Stat_t).Uid; uid != nobody {
				t.Errorf("%s belongs to %d: the bot can't open it", path, uid)
			}
		}
	}
	for _, path := range files {
		p.do(os.Chown(path, nobody, nobody))
	}
	p.well("restore", "--replace", backups)
	theirs()
	for _, path := range files {
		p.do(os.Remove(path))
	}
	p.do(os.Chown(p.dir, nobody, nobody))
	p.well("restore", backups)
	theirs()
}
