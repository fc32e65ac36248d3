package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// freeBytes tells how much an ordinary user may still write on the disk of a folder.
func freeBytes(folder string) (uint64, error) {
	name, err := windows.UTF16PtrFromString(folder)
	if err != nil {
		return 0, err
	}
	var free uint64
	err = windows.GetDiskFreeSpaceEx(name, &free, nil, nil)
	return free, err
}

// mayWrite tells whether a file is one that may be written to. Of a folder it can't
// be told here without doing it.
func mayWrite(path string) bool {
	info, err := os.Stat(path)
	return err == nil && (info.IsDir() || info.Mode().Perm()&0o200 != 0)
}
