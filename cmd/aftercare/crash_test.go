package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"aftercare/store"
)

const (
	crashIn      = "AFTERCARE_TEST_CRASH_IN" // a folder: this process is the one that crashes
	crashAccount = "200000000000000777"
	crashName    = "Alexandra"
	crashWords   = "Quiet words by the sea"
	crashToken   = "token-that-nobody-may-see"
)

// TestCrash crashes a process that has somebody's id, name, words and token in hand,
// as badly as Go can, with GOTRACEBACK=crash. What it prints has frames, and none of
// those; and no core is left.
func TestCrash(t *testing.T) {
	if dir := os.Getenv(crashIn); dir != "" {
		crash(t, dir)
		return
	}
	if runtime.GOOS != "linux" {
		t.Skip("cores are a matter of Linux here")
	}
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestCrash$")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), crashIn+"="+dir, "GOTRACEBACK=crash")
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var ended *exec.ExitError
	if !errors.As(err, &ended) || !strings.Contains(out.String(), "goroutine ") || !strings.Contains(out.String(), "aftercare.holds") {
		t.Fatalf("it did not crash as it was to, %v:\n%s", err, out.String())
	}
	for _, secret := range []string{crashAccount, crashName, crashWords, crashToken} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the crash prints %q:\n%s", secret, out.String())
		}
	}
	if ended.Sys().(syscall.WaitStatus).CoreDump() {
		t.Error("a core was dumped")
	}
	if cores, _ := filepath.Glob(filepath.Join(dir, "core*")); len(cores) > 0 {
		t.Errorf("there is a core: %v", cores)
	}
}

// crash puts somebody's things into a house, and panics with them in a goroutine that
// nothing guards.
func crash(t *testing.T, dir string) {
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{Cur: 1 << 40, Max: 1 << 40}) // as an operator may have it
	if err := noDumps(); err != nil {
		t.Fatal(err)
	}
	key, err := store.NewMasterKey()
	if err != nil {
		t.Fatal(err)
	}
	master, err := store.ParseMasterKey(key)
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), store.Options{Path: filepath.Join(dir, "a.db"), KeysPath: filepath.Join(dir, "a.keys"), Key: master, Marks: []time.Duration{time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	who := store.Who{ID: store.Secret(crashAccount), Name: store.Secret(crashName)}
	if _, _, err := st.Invite(t.Context(), who, 1); err != nil {
		t.Fatal(err)
	}
	if err := st.Hear(t.Context(), store.Typed{By: who, Message: "1", Text: store.Secret(crashWords)}); err != nil {
		t.Fatal(err)
	}
	go holds(who, store.Secret(crashWords), Secret(crashToken))
	select {}
}

// holds panics with all of it: printed as a value, wrapped into an error, and as
// arguments on the stack.
//
//go:noinline
func holds(who store.Who, words store.Private, token Secret) {
	panic(fmt.Errorf("with %v, %+v, %s and %q", who, who, words, token))
}
