package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/discordgo"
	"go.uber.org/goleak"

	"aftercare/bot/discordtest"
)

// TestLinkOverSockets runs all of its cases at once: most of the time each waits.
func TestLinkOverSockets(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	before := goleak.IgnoreCurrent()
	cases := map[string]func(*testing.T){
		"op 7 before Hello":              reconnectBeforeHello,
		"op 7 inside Open":               reconnectInsideOpen,
		"op 7 while listening":           reconnectWhileListening,
		"op 11 and op 1 before READY":    ackBeforeReady,
		"op 1":                           asksForHeartbeat,
		"op 1 right before a drop":       asksForHeartbeatAndDrops,
		"accepts and never speaks":       neverSpeaks,
		"never says Hello":               neverGreets,
		"never says READY":               neverReady,
		"missing ACKs":                   missingACKs,
		"op 9 d:false to a resume":       refusesResume,
		"op 9 d:true to a resume":        refusesResumeForNow,
		"op 9 d:true while listening":    invalidatesForNow,
		"op 9 d:false while listening":   invalidates,
		"op 9 to Identify":               refusesIdentify,
		"drops":                          drops,
		"drops at Hello":                 dropsAtHello,
		"drops at Identify":              dropsAtIdentify,
		"drops in the middle of a frame": dropsMidFrame,
		"a frame without end":            hugeFrame,
		"only 1000 is ever sent":         saysGoodbye,
		"resumes elsewhere":              resumesElsewhere,
		"odd messages":                   oddMessages,
		"hangs while connected":          hangsConnected,
		"hangs while closing":            hangsClosing,
		"hangs inside Open":              hangsInsideOpen,
		"hangs hearing":                  hangsHearing,
		"a panic in hear":                hearPanics,
		"gateway discovery fails":        discoveryFails,
		"order under load":               keepsOrder,
	}
	for _, code := range []int{4004, 4010, 4011, 4012, 4013, 4014} {
		cases[fmt.Sprint("fatal ", code, " at Hello")] = func(t *testing.T) { fatalClose(t, code, discordtest.Gateway{CloseFirst: code}) }
		cases[fmt.Sprint("fatal ", code, " at Identify")] = func(t *testing.T) { fatalClose(t, code, discordtest.Gateway{CloseCode: code}) }
		cases[fmt.Sprint("fatal ", code, " while listening")] = func(t *testing.T) { fatalWhileListening(t, code) }
	}
	for _, code := range []int{1000, 1001, 1011, 4000, 4001, 4002, 4003, 4005, 4006, 4008, 4900} {
		cases[fmt.Sprint("close ", code)] = func(t *testing.T) { closes(t, code, true) }
	}
	for _, code := range []int{4007, 4009} {
		cases[fmt.Sprint("close ", code)] = func(t *testing.T) { closes(t, code, false) }
	}
	for _, elsewhere := range []string{"ws://127.0.0.1:1", "::", "nowhere", "http://127.0.0.1:1"} {
		cases["resumes not at "+elsewhere] = func(t *testing.T) { resumesAtUsualAddress(t, elsewhere) }
	}
	for name, reach := range stopStates {
		cases["stopped "+name] = func(t *testing.T) { stops(t, reach) }
	}
	var wg sync.WaitGroup
	for name, run := range cases {
		wg.Go(func() { t.Run(name, run) })
	}
	wg.Wait()
	goleak.VerifyNone(t, before)
}

// What discordgo must not have on, and what Discord is asked for.
func TestFreshSession(t *testing.T) {
	s, _ := overPipes(t).link.fresh()
	if s.Identify.Intents != discordgo.IntentDirectMessages {
		t.Error("the intents are", s.Identify.Intents)
	}
	if s.StateEnabled || s.ShouldReconnectOnError || !s.SyncEvents || s.LogLevel != discordgo.LogError || s.Identify.Compress {
		t.Errorf("state %t, reconnects %t, in order %t, log level %d, compressed %t",
			s.StateEnabled, s.ShouldReconnectOnError, s.SyncEvents, s.LogLevel, s.Identify.Compress)
	}
}

// Bot.Run ends with what the operator has to do.
func TestRunEndsForGood(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for code, fatal := range map[int]func(*discordtest.Discord){
		4004: func(d *discordtest.Discord) { d.SetGateway(discordtest.Gateway{CloseCode: 4004}) },
		4014: func(d *discordtest.Discord) {
			d.SetGateway(discordtest.Gateway{Interval: 10 * time.Millisecond, BeatFirst: true})
			go func() {
				await(t, "it listens", d.Connected)
				d.CloseConnections(4014)
			}()
		},
	} {
		h := newHouse(t)
		server := httptest.NewServer(h.discord.Handler())
		base := &http.Transport{}
		b, err := New(h.store, Options{Token: "secret", APIURL: server.URL + "/api", RequestsPerSecond: 1000, Transport: base, Log: slog.New(h.log)})
		if err != nil {
			t.Fatal(err)
		}
		fatal(h.discord)
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		namesFix(t, code, b.Run(ctx))
		cancel()
		base.CloseIdleConnections()
		server.Close()
	}
}

// In a bubble an hour takes no time.

func TestMissingACKs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := overPipes(t).started()
		for range 20 {
			interval := 41250 * time.Millisecond
			time.Sleep(10*time.Minute + 3*time.Second)
			w.discord.SetGateway(discordtest.Gateway{MissACKs: true})
			began := time.Now()
			for w.discord.Connected() {
				w.discord.Emit("TYPING_START", json.RawMessage(`{}`)) // events still flow
				time.Sleep(time.Second)
			}
			if took := time.Since(began); took > 2*interval+time.Second {
				t.Errorf("it was noticed after %s", took)
			}
			w.discord.SetGateway(discordtest.Gateway{})
			w.up(true)
		}
		w.identifies(1)
		w.stop()
	})
}

func TestHourOfInvalidSessions(t *testing.T) {
	for name, g := range map[string]discordtest.Gateway{
		"d:false": {Refuse: true}, "d:true": {Refuse: true, Resumable: true}, "deaf": {Deaf: true}, "drop": {Drop: true},
		"op 7": {ReconnectInstead: true}, "close": {CloseCode: 4000}, "close 4009": {CloseCode: 4009},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := overPipes(t).started()
			time.Sleep(time.Hour)
			w.discord.SetGateway(g)
			w.discord.DropConnections()
			pauses := w.pausesWithin(time.Hour)
			t.Log(name, "identifies", w.discord.Identifies()-1, "connections", w.link.Connects.Load()-1, "pauses", pauses)
			if n := w.link.Connects.Load(); n > 30 {
				t.Errorf("%s: %d connections in an hour", name, n)
			}
			if n := w.discord.Identifies(); n > 25 {
				t.Errorf("%s: %d sessions were begun in an hour", name, n)
			}
			for i, p := range pauses {
				if least := min(time.Second<<max(i-1, 0)-time.Second, slowest); p < least {
					t.Errorf("%s: pause %d is %s", name, i, p)
				}
			}
			w.discord.SetGateway(discordtest.Gateway{})
			time.Sleep(10 * time.Minute)
			w.up(false)
			w.stop()
		})
	}
}

// pausesWithin waits and tells how long it was from each connection to the next.
func (w *linked) pausesWithin(d time.Duration) (out []time.Duration) {
	last, n := time.Now(), w.link.Connects.Load()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if now := w.link.Connects.Load(); now != n {
			out = append(out, time.Since(last).Round(time.Second))
			last, n = time.Now(), now
		}
	}
	return out
}

func TestStartBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := overPipes(t)
		w.discord.SetStartLimit(discordtest.StartLimit{Remaining: 2, ResetAfter: 3 * time.Hour})
		w.discord.SetGateway(discordtest.Gateway{Refuse: true})
		w.start()
		time.Sleep(3*time.Hour - time.Second)
		w.identifies(2)
		w.discord.SetGateway(discordtest.Gateway{})
		time.Sleep(2 * time.Second)
		w.up(false)
		w.identifies(3)
		w.discord.SetStartLimit(discordtest.StartLimit{ResetAfter: time.Hour})
		w.discord.DropConnections() // a resume takes nothing of it
		time.Sleep(10 * time.Second)
		w.up(true)
		if errs := w.discord.Errors(); len(errs) > 0 {
			t.Error(errs)
		}
		w.stop()
	})
}

// Flapping for a day, a little longer than counts as good, stays within the thousand.
func TestDayOfFlapping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := overPipes(t).started()
		for end := time.Now().Add(24 * time.Hour); time.Now().Before(end); {
			time.Sleep(heldFor + time.Second)
			w.discord.Invalidate(false)
		}
		t.Log(w.discord.Identifies(), "sessions in a day")
		if errs := w.discord.Errors(); len(errs) > 0 || w.discord.Identifies() > startsLeft {
			t.Error(w.discord.Identifies(), errs)
		}
		w.stop()
	})
}

const startsLeft = 1001

func TestOddBudgets(t *testing.T) {
	for _, reset := range []float64{-1, 0, 1e300, 5} {
		var b startBudget
		b.Limit.ResetAfter = reset
		if got := b.reset(); got < time.Second || got > 24*time.Hour {
			t.Error(reset, got)
		}
	}
}

// 1,000 reconnects of every kind leave nothing behind.
func TestReconnectsLeaveNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	before := goleak.IgnoreCurrent()
	synctest.Test(t, func(t *testing.T) {
		w := overPipes(t)
		w.discord.SetFault(func(*http.Request) *discordtest.Fault {
			return &discordtest.Fault{Header: headers("X-RateLimit-Limit", "1", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset-After", "1")}
		})
		w.started()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		first := w.figures()
		ends := []func(){
			w.discord.DropConnections, w.discord.Reconnect, w.discord.DropMidFrame, w.discord.Beat,
			func() { w.discord.CloseConnections(4000) }, func() { w.discord.Invalidate(true) }, func() { w.discord.Invalidate(false) },
		}
		for i := range 1000 {
			if end := ends[i%len(ends)]; i%len(ends) == 3 {
				end()
				w.discord.DropConnections()
			} else {
				end()
			}
			w.up(i%len(ends) != 6)
			time.Sleep(heldFor + time.Duration(i)*time.Millisecond)
		}
		synctest.Wait()
		last := w.figures()
		t.Logf("after 1 connection: %+v; after %d: %+v", first, w.link.Connects.Load(), last)
		if last.goroutines > first.goroutines+2 || last.connections != first.connections || last.buckets != first.buckets { // +2: the runtime's own
			t.Error("something was left behind")
		}
		w.stop()
		if left := w.discord.Connections(); left != 0 {
			t.Error(left, "connections left")
		}
	})
	goleak.VerifyNone(t, before)
}

type figures struct{ goroutines, connections, buckets int }

func (w *linked) figures() figures {
	return figures{runtime.NumGoroutine(), w.discord.Connections(), len(w.api.buckets.by)}
}

func TestWithoutURL(t *testing.T) {
	inner := errors.New("refused")
	err := withoutURL(&url.Error{Op: "Get", URL: "https://x/token", Err: fmt.Errorf("again: %w", &url.Error{Op: "Get", URL: "https://x/token", Err: inner})})
	if err != inner {
		t.Error(err)
	}
}
