//go:build !linux

package main

// noCore is for Linux, where the program is meant to run.
func noCore() {}
