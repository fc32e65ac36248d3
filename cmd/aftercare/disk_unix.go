//go:build !windows

package main

import "golang.org/x/sys/unix"

// freeBytes tells how much an ordinary user may still write on the disk of a folder.
func freeBytes(folder string) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(folder, &st); err != nil {
		return 0, err
	}
	return uint64(st.Bavail) * uint64(st.Bsize), nil
}

// mayWrite tells whether this user may write to a file or in a folder, without
// doing it.
func mayWrite(path string) bool { return unix.Access(path, unix.W_OK) == nil }
