package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"time"

	"aftercare/bot"
	sentences "aftercare/bot/text"
)

// reloadable are the keys that can change while the bot runs.
var reloadable = []string{"log.level", "help.lines", "text.file"}

// reloader reads the configuration anew when it is asked to, by SIGHUP. Where there
// is no such signal, on Windows, nobody ever asks.
type reloader struct {
	load  func() (Config, error)
	cfg   Config // in force
	level *slog.LevelVar
	bot   *bot.Bot
	log   *slog.Logger
	asked chan os.Signal
}

// ask takes the signal from now on: without, it would end the program.
func (r *reloader) ask() { r.asked = make(chan os.Signal, 1); signal.Notify(r.asked, syscall.SIGHUP) }

// run reloads as often as it is asked to, until ctx is done.
func (r *reloader) run(ctx context.Context) {
	defer signal.Stop(r.asked)
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.asked:
			r.reload()
		}
	}
}

// reload takes over what can change, all of it or, if anything is wrong, nothing.
func (r *reloader) reload() {
	cfg, err := r.load()
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			r.log.Error("the new configuration is not used, and the old one stays; mend this and ask again", "problem", strings.TrimSpace(line))
		}
		return
	}
	later := slices.DeleteFunc(differing(r.cfg, cfg), func(key string) bool { return slices.Contains(reloadable, key) })
	r.level.Set(cfg.Log.Level)
	r.bot.SetHelpLines(helpLines(cfg))
	sentences.Change(cfg.Text.Own)
	r.log.Info("the configuration was read anew", "level", cfg.Log.Level, "help_lines", len(cfg.Help.Lines), "own_sentences", len(cfg.Text.Own))
	if len(later) > 0 {
		r.log.Warn("some of what changed needs a restart", "keys", strings.Join(later, ", "))
	}
	if commandsDiffer(r.cfg.Text.Own, cfg.Text.Own) {
		r.log.Warn("what commands are called in Discord's menus changes at the next start")
	}
	r.cfg.Log.Level, r.cfg.Help, r.cfg.Text = cfg.Log.Level, cfg.Help, cfg.Text
}

// loadReady loads a configuration that has all that run needs.
func loadReady(path string) (Config, error) {
	cfg, err := loadConfig(path, os.Environ(), time.Now())
	if err != nil {
		return cfg, err
	}
	return cfg, cfg.Ready()
}

// differing lists the keys whose values differ.
func differing(a, b Config) (paths []string) {
	for _, k := range keys {
		x, err := field(a, k.path)
		y, err2 := field(b, k.path)
		if errors.Join(err, err2) == nil && !reflect.DeepEqual(x, y) {
			paths = append(paths, k.path)
		}
	}
	return paths
}

// field returns the value of a key in a configuration: the field of its name in the
// section of its name.
func field(c Config, path string) (any, error) {
	v := reflect.ValueOf(c)
	for name := range strings.SplitSeq(strings.ReplaceAll(path, "_", ""), ".") {
		v = v.FieldByNameFunc(func(f string) bool { return strings.EqualFold(f, name) })
		if !v.IsValid() {
			return nil, errors.New("no field for " + path)
		}
	}
	return v.Interface(), nil
}

// commandsDiffer tells whether two sets of sentences say commands differently.
func commandsDiffer(a, b map[sentences.Key]sentences.Sentence) bool {
	for key, s := range sentences.All() {
		if s.Kind == sentences.Command && a[key].Say != b[key].Say {
			return true
		}
	}
	return false
}
