//go:build !linux

package main

import (
	"errors"
	"testing"
)

func mountSmall(t *testing.T, _, _ string) {
	t.Helper()
	t.Skip("no disk of a small size can be mounted here; run on Linux, as root")
}

func mountReadOnly(string) error { return errors.ErrUnsupported }
