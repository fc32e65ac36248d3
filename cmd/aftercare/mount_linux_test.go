package main

import (
	"syscall"
	"testing"
)

// mountSmall mounts a disk of some size at a folder, until the test ends.
func mountSmall(t *testing.T, dir, options string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("no disk of a small size can be mounted here (%v); run as root", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error("unmounting:", err)
		}
	})
}

// mountReadOnly makes such a disk one that can only be read.
func mountReadOnly(dir string) error {
	return syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
}
