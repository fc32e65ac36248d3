package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"aftercare/bot"
	sentences "aftercare/bot/text"
	"aftercare/scheduler"
	"aftercare/store"
)

const runLong = `Run the bot until SIGINT or SIGTERM: it then finishes what is in hand and ends.

At SIGHUP it reads its configuration anew, and takes over log.level, help.lines and text.file. If anything
in it is wrong, the log says what, and all stays as it was.

The log goes to standard error. error: somebody has to do something. warn: something went wrong and is
tried again. info: what the program does. debug: more of that. No level shows a name, an id or a word.`

func runCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use: "run", Short: "Run the bot", Long: runLong, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadReady(path)
			if err != nil {
				return fmt.Errorf("the configuration needs a look:\n%w", err)
			}
			sentences.Use(cfg.Text.Own)
			level := &slog.LevelVar{}
			level.Set(cfg.Log.Level)
			log := newLog(cfg.Log.Format, level, cmd.ErrOrStderr())
			if err := noDumps(); err != nil {
				log.Warn("core dumps could not be turned off; what the bot knows may be in one after a crash", "err", err)
			}
			r := &reloader{load: func() (Config, error) { return loadReady(path) }, cfg: cfg, level: level, log: log}
			r.ask()
			h, err := build(cmd.Context(), cfg, world{now: time.Now, log: log})
			if err != nil {
				return err
			}
			r.bot, h.systemd = h.bot, true
			h.banner(cfg, path)
			ctx, cancel := context.WithCancel(cmd.Context())
			defer cancel()
			go r.run(ctx)
			return h.run(ctx)
		},
	}
	configFlag(cmd, &path)
	return cmd
}

func newLog(format string, level slog.Leveler, w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if format == "json" {
		o.ReplaceAttr = timesWritten
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// timesWritten writes durations as the text format does, where JSON has bare nanoseconds.
func timesWritten(_ []string, a slog.Attr) slog.Attr {
	switch v := a.Value.Any().(type) {
	case time.Duration:
		a.Value = slog.StringValue(v.String())
	case []time.Duration:
		all := make([]string, len(v))
		for i, d := range v {
			all[i] = d.String()
		}
		a.Value = slog.AnyValue(all)
	}
	return a
}

// banner says in one line what has started, and on what.
func (h *house) banner(cfg Config, path string) {
	if path == "" {
		path = defaultConfigFile
	}
	if _, err := os.Stat(path); err != nil {
		path = "none"
	}
	asked := "nowhere"
	if h.http != nil {
		asked = h.http.Addr().String()
	}
	h.log.Info("aftercare is starting", "version", version(), "commit", commit(), "go", runtime.Version(), "config", path,
		"database", cfg.Store.Path, "keys", cfg.Store.KeysPath, "marks", cfg.Checkins.Marks, "shards", 1, "http", asked)
}

// world is what the house stands in: a clock, a log, and the way to Discord. The
// demo's has a clock to push and a Discord in the process.
type world struct {
	now       func() time.Time
	log       *slog.Logger
	transport http.RoundTripper // nil: the network
	dial      func(ctx context.Context, network, addr string) (net.Conn, error)
}

// house is the whole program, wired and not yet running.
type house struct {
	store     *store.Store
	bot       *bot.Bot
	scheduler *scheduler.Scheduler
	log       *slog.Logger
	metrics   *metrics
	writable  *writable
	folder    string    // of the database
	http      *listener // nil: nobody can ask
	systemd   bool      // it is to be told how it goes
}

// build opens the database and joins the parts. Nothing runs yet.
func build(ctx context.Context, cfg Config, w world) (*house, error) {
	key, err := store.ParseMasterKey(string(cfg.Store.Key))
	if err != nil {
		return nil, fmt.Errorf("store.key: %w", err)
	}
	st, err := store.Open(ctx, store.Options{Path: cfg.Store.Path, KeysPath: cfg.Store.KeysPath, Key: key, Marks: cfg.Checkins.Marks, Now: w.now, Log: w.log})
	if err != nil {
		return nil, err
	}
	o := botOptions(cfg)
	m := newMetrics()
	o.Log, o.Transport, o.Dial, o.Observer = w.log, w.transport, w.dial, m
	b, err := bot.New(st, o)
	if err != nil {
		st.Close()
		return nil, err
	}
	h := &house{store: st, bot: b, scheduler: scheduler.New(st, b, w.now, w.log), log: w.log, metrics: m, writable: &writable{write: st.Writable}, folder: folderOf(cfg.Store.Path)}
	h.scheduler.Pace(cfg.Discord.RequestsPerSecond / 5)
	if cfg.Backup.Dir != "" {
		h.scheduler.Keep(cfg.Backup.Every, &keeper{store: st, files: cfg.files(), dir: cfg.Backup.Dir, keep: cfg.Backup.Keep, log: w.log})
	}
	h.scheduler.Observe(m)
	b.Wake = h.scheduler.Wake
	m.watch(h, cfg)
	if h.http, err = h.listen(cfg.HTTP.Listen); err != nil {
		st.Close()
		return nil, err
	}
	return h, nil
}

// run lives until ctx is done, or Discord is done with us. Then it stops hearing,
// finishes what is in hand, and closes the database, in that order.
func (h *house) run(ctx context.Context) error {
	defer h.store.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { h.scheduler.Run(ctx) })
	if h.systemd {
		wg.Go(func() {
			tellSystemd(ctx, h.alive, func(err error) {
				h.log.Warn("systemd can't be told how it goes; look at NotifyAccess= of the unit", "err", err)
			})
		})
	}
	if h.http != nil {
		wg.Go(func() { h.http.serve(ctx) })
	}
	err := h.bot.Run(ctx)
	h.log.Info("aftercare is stopping")
	cancel()
	wg.Wait()
	return err
}
