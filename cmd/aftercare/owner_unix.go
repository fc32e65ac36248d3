//go:build unix

package main

import (
	"os"
	"syscall"
)

// ownedLike gives a file the owner of another one. Who may not do that and need
// not, does not.
func ownedLike(path, like string) error {
	of := func(path string) (uid, gid int, err error) {
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
	uid, gid, err := of(like)
	if err != nil {
		return err
	}
	if u, g, err := of(path); err != nil || u == uid && g == gid {
		return err
	}
	return os.Chown(path, uid, gid)
}
