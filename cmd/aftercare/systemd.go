package main

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// tellSystemd says that the program has started, then again and again that it is
// alive, and at the end that it stops. Without systemd it does nothing. It tells
// nothing of a loop that stands still, and so has the program restarted.
func tellSystemd(ctx context.Context, alive func() error, log func(error)) {
	say := func(state string) {
		if _, err := daemon.SdNotify(false, state); err != nil {
			log(err)
		}
	}
	say(daemon.SdNotifyReady)
	defer say(daemon.SdNotifyStopping)
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log(err)
	}
	if every <= 0 {
		<-ctx.Done()
		return
	}
	tick := time.NewTicker(every / 3)
	defer tick.Stop()
	for {
		if alive() == nil {
			say(daemon.SdNotifyWatchdog)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
