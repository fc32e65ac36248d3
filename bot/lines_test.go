package bot

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestLinesKeepOrder(t *testing.T) {
	l := newLines(slog.New(slog.DiscardHandler))
	var mu sync.Mutex
	got := map[string][]int{}
	for i := range 90 {
		for _, key := range []string{"alex", "sam", "kit"} {
			l.queue(key, func() {
				mu.Lock()
				defer mu.Unlock()
				got[key] = append(got[key], i)
			})
		}
	}
	l.close()
	for key, list := range got {
		if len(list) != 90 || !slices.IsSorted(list) {
			t.Errorf("%s: %v", key, list)
		}
	}
}

// One person's slow event holds up nobody else's.
func TestLinesAreApart(t *testing.T) {
	l := newLines(slog.New(slog.DiscardHandler))
	alexIsDone, samIsDone := make(chan struct{}), make(chan struct{})
	l.queue("alex", func() { <-alexIsDone })
	l.queue("sam", func() { close(samIsDone) })
	<-samIsDone
	close(alexIsDone)
	l.close()
}

func TestAPanicEndsNoLine(t *testing.T) {
	log := &logBook{}
	l := newLines(slog.New(log))
	after := false
	l.queue("alex", func() { panic("Quiet words of alex") })
	l.queue("alex", func() { panic(errors.New("more of them")) })
	l.queue("alex", func() { after = true })
	l.close()
	if !after {
		t.Error("what came after a panic was not done")
	}
	bad := log.take()
	if len(bad) != 2 || !strings.Contains(bad[0], "panicked") || !strings.Contains(bad[0], "lines_test.go") {
		t.Errorf("%d panics in the log: %s", len(bad), bad)
	}
	if strings.Contains(strings.Join(bad, ""), "Quiet") || strings.Contains(strings.Join(bad, ""), "more of") {
		t.Errorf("the log holds what the panic said: %s", bad)
	}
}

func TestLinesClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLines(slog.New(slog.DiscardHandler))
		hold, closed := make(chan struct{}), make(chan struct{})
		done := 0
		for range 3 {
			l.queue("alex", func() { <-hold; done++ })
		}
		go func() { l.close(); close(closed) }()
		synctest.Wait()
		select {
		case <-closed:
			t.Fatal("it closed over what was in hand")
		default:
		}
		l.queue("alex", func() { done += 100 })
		l.queue("sam", func() { done += 100 })
		close(hold)
		<-closed
		if done != 3 {
			t.Errorf("%d done; want the 3 in line and none after", done)
		}
		l.close() // again is nothing
	})
}

func TestALineIsOnlySoLong(t *testing.T) {
	l := newLines(slog.New(slog.DiscardHandler))
	begun, hold := make(chan struct{}), make(chan struct{})
	done := 0
	l.queue("alex", func() { close(begun); <-hold })
	<-begun
	for range longestLine + 50 {
		l.queue("alex", func() { done++ })
	}
	other := make(chan struct{})
	l.queue("sam", func() { close(other) }) // not held up by it
	<-other
	close(hold)
	l.close()
	if done != longestLine {
		t.Errorf("%d of %d were done, want %d", done, longestLine+50, longestLine)
	}
}

func TestLinesForgetKeys(t *testing.T) {
	l := newLines(slog.New(slog.DiscardHandler))
	for i := range 500 {
		l.queue(fmt.Sprint(i), func() {})
	}
	l.close()
	if len(l.by) != 0 {
		t.Errorf("%d lines are kept of people with nothing to do", len(l.by))
	}
}

func TestBudget(t *testing.T) {
	now := houseBegins
	b := newBudget(3, time.Hour, func() time.Time { return now })
	for i := range 3 {
		if b.spent("alex") {
			t.Fatalf("spent after %d", i)
		}
		b.spend("alex")
		now = now.Add(10 * time.Minute)
	}
	if !b.spent("alex") || b.spent("sam") {
		t.Error("each has a budget of their own")
	}
	now = houseBegins.Add(time.Hour - time.Second)
	if !b.spent("alex") {
		t.Error("it came back too soon")
	}
	now = now.Add(time.Second)
	if b.spent("alex") {
		t.Error("an hour later one is free")
	}
	b.spend("alex")
	if !b.spent("alex") {
		t.Error("that one was used")
	}
}

func TestBudgetForgetsPeople(t *testing.T) {
	now := houseBegins
	b := newBudget(3, time.Hour, func() time.Time { return now })
	for i := range mostBudgets {
		b.spend(fmt.Sprint(i))
	}
	now = now.Add(2 * time.Hour)
	b.spend("alex")
	if len(b.used) != 1 {
		t.Errorf("%d people are remembered", len(b.used))
	}
}

func TestOutcomes(t *testing.T) {
	var o outcomes
	o.tell(1, nil) // nobody waits
	first, second := o.expect(1), o.expect(2)
	o.tell(2, io.EOF)
	o.tell(2, nil) // only the first counts
	if err := <-second; err != io.EOF {
		t.Errorf("got %v", err)
	}
	o.tell(1, nil)
	if err := <-first; err != nil {
		t.Errorf("got %v", err)
	}
	gone := o.expect(3)
	o.forget(3)
	o.tell(3, nil)
	select {
	case <-gone:
		t.Error("a forgotten outcome was told")
	default:
	}
	if len(o.waiting) != 0 {
		t.Errorf("%d are still waited for", len(o.waiting))
	}
	o.wait()
}

func TestOwners(t *testing.T) {
	var o owners
	if got := o.of("dm"); got != "dm" {
		t.Errorf("an unknown DM is its own line, got %q", got)
	}
	o.learn("dm", "alex")
	if got := o.of("dm"); got != "alex" {
		t.Errorf("got %q", got)
	}
	for i := range mostOwners {
		o.learn(fmt.Sprint(i), "sam")
	}
	if len(o.by) > mostOwners {
		t.Errorf("%d are remembered", len(o.by))
	}
}
