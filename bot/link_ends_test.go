package bot

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"aftercare/bot/discordtest"
)

func hangsConnected(t *testing.T) {
	w := overSockets(t)
	w.link.hang = 600 * time.Millisecond
	w.started()
	stuck := w.link.session // the link's own again only when it finds it stuck
	stuck.Lock()
	began := time.Now()
	w.until("it is replaced", func() bool { return w.link.Replaced.Load() == 1 })
	if took := time.Since(began); took > 2*time.Second {
		t.Error("the hang was noticed after", took)
	}
	w.up(false)
	w.types("hello")
	w.identifies(2)
	w.closedWith()
	stuck.Unlock()
}

func hangsClosing(t *testing.T) {
	w := overSockets(t)
	w.link.hang = 1500 * time.Millisecond // discordgo takes a second when it does not hang
	w.started()
	stuck := w.link.session
	stuck.Lock()
	w.discord.DropConnections()
	w.until("it is replaced", func() bool { return w.link.Replaced.Load() == 1 })
	w.up(false)
	w.types("hello")
	w.identifies(2)
	stuck.Unlock()
}

// hangsInsideOpen: a Session that holds its lock and does not come back from Open,
// and to which Discord has nothing to say that would show it.
func hangsInsideOpen(t *testing.T) {
	w := overSockets(t)
	w.link.open, w.link.hang = 700*time.Millisecond, 600*time.Millisecond
	release := make(chan struct{})
	w.link.session, w.link.gone = w.link.fresh()
	w.link.session.AddHandler(func(*discordgo.Session, *discordgo.Ready) { <-release })
	w.started()
	w.until("it is replaced", func() bool { return w.link.Replaced.Load() == 1 })
	w.up(false)
	w.types("hello")
	w.identifies(2)
	w.until("its connection is gone", func() bool { return w.discord.Connections() == 1 })
	close(release) // and the goroutine that was stuck ends; see TestLinkOverSockets
}

// hangsHearing: a Session that never reads on.
func hangsHearing(t *testing.T) {
	w := overSockets(t)
	w.link.hang = 1500 * time.Millisecond
	release := make(chan struct{})
	hear := w.link.hear
	w.link.hear = func(kind string, raw json.RawMessage) {
		if kind == "STUCK" {
			<-release
		}
		hear(kind, raw)
	}
	w.started()
	w.discord.Emit("STUCK", nil)
	w.discord.DropConnections()
	w.until("it is replaced", func() bool { return w.link.Replaced.Load() == 1 })
	w.up(false)
	w.types("hello")
	w.identifies(2)
	close(release)
}

func discoveryFails(t *testing.T) {
	w := overSockets(t)
	var asked atomic.Int64
	w.discord.SetFault(func(*http.Request) *discordtest.Fault {
		if asked.Add(1) > 2 {
			return nil
		}
		return &discordtest.Fault{Before: true, Status: 500}
	})
	w.started()
	w.identifies(1)
}

func fatalClose(t *testing.T, code int, g discordtest.Gateway) {
	w := overSockets(t)
	w.discord.SetGateway(g)
	w.start()
	namesFix(t, code, w.ended())
	if n := w.link.Connects.Load(); n != 1 {
		t.Error(n, "connections")
	}
}

func fatalWhileListening(t *testing.T, code int) {
	w := overSockets(t).started()
	w.discord.CloseConnections(code)
	namesFix(t, code, w.ended())
	w.closedWith()
}

// fixes are words of what the operator has to do.
var fixes = map[int]string{4004: "copy it anew", 4010: "report", 4011: "leave some", 4012: "update", 4013: "update", 4014: "update"}

func namesFix(t *testing.T, code int, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint(code)) || !strings.Contains(err.Error(), fixes[code]) {
		t.Errorf("code %d ended the link with %v", code, err)
	}
}

func closes(t *testing.T, code int, resumed bool) {
	w := overSockets(t).started()
	w.discord.CloseConnections(code)
	w.discord.Person("alex").Type("in the gap")
	w.up(resumed)
	if resumed {
		w.hears("in the gap")
		w.identifies(1)
	} else {
		w.types("hello")
		w.identifies(2)
	}
	w.closedWith()
}

// stopStates bring a link into the states in which it may be stopped.
var stopStates = map[string]func(*linked){
	"while dialing": func(w *linked) {
		address, accepted := deafListener(w.t)
		var there atomic.Bool
		there.Store(true)
		w.sendTo(address, &there)
		w.start()
		w.until("it dials", func() bool { return accepted.Load() > 0 })
	},
	"before Hello": func(w *linked) {
		w.discord.SetGateway(discordtest.Gateway{Silent: true})
		w.start()
		w.until("it is connected", w.connected(1))
	},
	"inside Open": func(w *linked) {
		w.discord.SetGateway(discordtest.Gateway{Deaf: true})
		w.start()
		w.until("it identifies", func() bool { return w.discord.Identifies() > 0 })
	},
	"while listening": func(w *linked) { w.started() },
	"while it waits": func(w *linked) {
		w.discord.SetGateway(discordtest.Gateway{Refuse: true})
		w.start()
		w.until("it waits", func() bool { return strings.Contains(w.log.text(), "connecting again") })
	},
	"without a budget": func(w *linked) {
		w.discord.SetStartLimit(discordtest.StartLimit{ResetAfter: time.Hour})
		w.start()
		w.until("it waits", func() bool { return strings.Contains(w.log.text(), "no more new connections") })
	},
	"while it asks for the budget": func(w *linked) {
		var asked atomic.Bool
		w.discord.SetFault(func(*http.Request) *discordtest.Fault {
			asked.Store(true)
			return &discordtest.Fault{Before: true, Status: 500, Delay: time.Minute}
		})
		w.start()
		w.until("it asks", asked.Load)
	},
	"while the Session hangs": func(w *linked) {
		w.started()
		stuck := w.link.session
		stuck.Lock()
		w.t.Cleanup(stuck.Unlock)
	},
}

func stops(t *testing.T, reach func(*linked)) {
	w := overSockets(t)
	reach(w)
	if took := w.stop(); took > closeWithin+time.Second {
		t.Error("stopping took", took)
	}
	w.until("all connections are gone", func() bool { return w.discord.Connections() == 0 })
}
