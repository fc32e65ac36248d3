package scheduler

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// A panic ends nothing, and what it says is nowhere: it may hold somebody's words.
func TestAPanicEndsNothing(t *testing.T) {
	var log bytes.Buffer
	s := &Scheduler{log: slog.New(slog.NewTextHandler(&log, nil))}
	if wait := s.guard("look", func() time.Duration { panic("Quiet words of alex") }); wait != afterError {
		t.Errorf("it goes on after %v", wait)
	}
	if wait := s.guard("look", func() time.Duration { return time.Minute }); wait != time.Minute {
		t.Errorf("without a panic: %v", wait)
	}
	if said := log.String(); !strings.Contains(said, "guard_test.go") || strings.Contains(said, "Quiet") {
		t.Errorf("the log: %s", said)
	}
}
