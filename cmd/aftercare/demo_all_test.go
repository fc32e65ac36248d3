package main

import (
	"bytes"
	"os"
	"testing"
)

// TestAllMessages compares the page of all messages with the one that was read.
func TestAllMessages(t *testing.T) {
	const file = "testdata/all_messages.txt"
	var got, errs bytes.Buffer
	if code := command([]string{"demo", "--all-messages"}, &got, &errs); code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	want, err := os.ReadFile(file)
	if *update {
		err = os.WriteFile(file, got.Bytes(), 0o644)
	} else if got.String() != string(want) {
		t.Errorf("a message has changed; read them with: go test ./cmd/aftercare -run TestAllMessages -update && git diff\n%s", firstDifference(string(want), got.String()))
	}
	if err != nil {
		t.Error(err)
	}
}
