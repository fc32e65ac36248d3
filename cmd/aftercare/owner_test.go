package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestBackupByRoot takes a backup as root into the folder of the bot's own, as the
// systemd unit says: the bot can take the next one there, and in nobody else's folder
// does anything change hands.
func TestBackupByRoot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to back up for somebody else")
	}
	p := newProcess(t)
	p.once()
	p.do(os.Chown(filepath.Join(p.dir, "aftercare.db"), nobody, nobody))
	p.do(os.Chown(filepath.Join(p.dir, "aftercare.keys"), nobody, nobody))
	for _, uid := range []int{nobody, 0, nobody + 1} {
		dir := t.TempDir()
		p.do(os.Chown(dir, uid, uid))
		p.well("backup", dir)
		n := 0
		p.do(filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || path == dir {
				return err
			}
			n++
			fi, err := d.Info()
			p.do(err)
			want := uint32(0)
			if uid == nobody {
				want = nobody
			}
			if got := fi.Sys().(*syscall.Stat_t).Uid; got != want {
				t.Errorf("in a folder of %d, %s belongs to %d, want %d", uid, d.Name(), got, want)
			}
			return nil
		}))
		if n != 4 { // the lock, the database, keys/ and what is in it
			t.Errorf("in a folder of %d lie %d things", uid, n)
		}
	}
}

// TestBackupByRootOfNothing names a folder that is none: that is said once.
func TestBackupByRootOfNothing(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to back up for somebody else")
	}
	p := newProcess(t)
	p.once()
	for _, dir := range []string{filepath.Join(p.dir, "nowhere"), filepath.Join(p.dir, "aftercare.db")} {
		if said, ok := p.says("backup", dir); ok || strings.Count(said, dir) != 1 {
			t.Errorf("backing up to %s says:\n%s", dir, said)
		}
	}
}
