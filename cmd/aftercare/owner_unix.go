//go:build unix

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ownedLike gives a file the owner of another one. Who may not do that and need
// not, does not.
func ownedLike(path, like string) error {
	uid, gid, err := ownerOf(like)
	if err != nil {
		return err
	}
	if u, g, err := ownerOf(path); err != nil || u == uid && g == gid {
		return err
	}
	return os.Chown(path, uid, gid)
}

// ownedLikeIn gives what lies in a folder the owner of a file, if the folder is
// theirs, and looks at nothing outside it: whoever owns it may have put links there.
func ownedLikeIn(dir, like string, paths ...string) error {
	uid, gid, err := ownerOf(like)
	if err != nil {
		return err
	}
	if u, _, err := ownerOf(dir); err != nil || u != uid {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, path := range paths {
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if err := root.Lchown(name, uid, gid); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func ownerOf(path string) (uid, gid int, err error) {
	fi, err := os.Stat(path)
	if err != nil {
		return 0, 0, err
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, nil
	}
	return int(st.Uid), int(st.Gid), nil
}
