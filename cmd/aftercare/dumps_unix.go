//go:build unix

package main

import "golang.org/x/sys/unix"

// noDumps keeps the memory of this process, which holds keys and words, out of
// core dumps.
func noDumps() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return err
	}
	return undumpable()
}
