//go:build !unix

package main

// ownedLike leaves a file to whoever made it.
func ownedLike(_, _ string) error { return nil }
