package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"aftercare/bot/discordtest"
	"aftercare/store"
)

// demo is the whole program in a folder of its own, with a Discord in the process
// and a clock to push.
type demo struct {
	cfg     Config
	dir     string
	discord *discordtest.Discord
	player  *player
	pushed  atomic.Int64  // how far the clock is ahead, in nanoseconds
	heard   chan struct{} // rings when somebody can see something new
	changed func()        // nil, or called whenever anything may look different
	log     bytes.Buffer  // warnings; to be read while the bot is stopped

	house  *house
	cancel context.CancelFunc // nil: the bot is stopped
	done   chan error
}

func newDemo(ctx context.Context) (*demo, error) {
	key, err := store.NewMasterKey()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "aftercare-demo-")
	if err != nil {
		return nil, err
	}
	d := &demo{cfg: defaultConfig(), dir: dir, heard: make(chan struct{}, 1)}
	d.cfg.Discord.Token, d.cfg.Operator.Name = "demo", "Robin"
	d.cfg.Store.Key = Secret(key)
	d.cfg.Store.Path, d.cfg.Store.KeysPath = filepath.Join(dir, "aftercare.db"), filepath.Join(dir, "aftercare.keys")
	d.discord = discordtest.New(discordtest.Options{Now: d.now, Say: d.hear, Changed: d.change, Token: "Bot demo"})
	d.player = &player{discord: d.discord, pass: d.push, start: func() error { return d.start(ctx) }, stop: d.stop}
	return d, nil
}

func (d *demo) now() time.Time { return time.Now().Add(time.Duration(d.pushed.Load())) }

// push lets time pass, for everybody at once.
func (d *demo) push(by time.Duration) {
	d.pushed.Add(int64(by))
	if d.cancel != nil {
		d.house.scheduler.Wake()
	}
}

func (d *demo) change() {
	if d.changed != nil {
		d.changed()
	}
}

func (d *demo) hear(l discordtest.Line) {
	if d.changed != nil {
		return // a page looks for itself
	}
	d.player.hear(l)
	select {
	case d.heard <- struct{}{}:
	default:
	}
}

// start starts the bot and returns when it is connected. The bot runs until stop,
// even when ctx ends: it is to finish what is in hand.
func (d *demo) start(ctx context.Context) (err error) {
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	log := slog.New(slog.NewTextHandler(&d.log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	d.house, err = build(running, d.cfg, world{now: d.now, log: log, transport: d.discord, dial: d.discord.DialContext})
	if err != nil {
		cancel()
		return err
	}
	d.cancel, d.done = cancel, make(chan error, 1)
	go func() { d.done <- d.house.run(running) }()
	return d.connected(ctx)
}

func (d *demo) connected(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, demoPatience, errors.New("the bot did not connect"))
	defer cancel()
	for !d.discord.Connected() {
		select {
		case err := <-d.done:
			d.done <- nil // for stop
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

func (d *demo) stop() error {
	if d.cancel == nil {
		return nil
	}
	d.cancel()
	d.cancel = nil
	return <-d.done
}

// atRest tells that nothing is due or on its way: that would be looked at again
// within a lease.
func (d *demo) atRest(ctx context.Context) bool {
	if d.cancel == nil {
		return true
	}
	at, ok, err := d.house.store.NextDue(ctx)
	return err == nil && (!ok || at.After(d.now().Add(store.Lease)))
}

// remove takes away what the stopped bot leaves. It may be called twice.
func (d *demo) remove() error {
	d.discord.DropConnections()
	return os.RemoveAll(d.dir)
}

// trouble stops the bot and returns what Discord would not have accepted, and
// what the bot warned of.
func (d *demo) trouble() error {
	errs := append(d.discord.Errors(), d.stop())
	if log := strings.TrimSpace(d.log.String()); log != "" {
		errs = append(errs, errors.New(log))
	}
	return errors.Join(errs...)
}
