package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aftercare/bot"
	sentences "aftercare/bot/text"
)

const checkLong = `Look at everything that "aftercare run" needs, and say about each thing that it is ok, or what to do.

  ok      as it has to be
  note    works; worth a look all the same
  fix     has to be mended; the exit code is then 1
  -       not looked at, and why

It changes nothing and prints no secret. It may run beside the bot: the database is then only read.
Run it as the user that runs the bot, with the same configuration and environment.`

func checkCommand() *cobra.Command {
	var o checkOptions
	var asJSON bool
	cmd := &cobra.Command{
		Use: "check", Short: "Look at configuration, database and Discord, and say what to do", Long: checkLong, Args: cobra.NoArgs,
		Example: "  aftercare check\n  aftercare check --offline --json\n  aftercare check --dm 123456789012345678",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.dm != "" && !accountPattern.MatchString(o.dm) {
				return errors.New("--dm: that is no account; give the number that Discord shows for you with developer mode on, under Copy User ID")
			}
			if o.dm != "" && o.offline {
				return errors.New("--dm: asks Discord, and --offline leaves Discord out; give one of the two")
			}
			o.env, o.now, o.free = os.Environ(), time.Now, freeBytes
			found := check(cmd.Context(), o)
			show := found.print
			if asJSON {
				show = found.printJSON
			}
			if err := show(cmd.OutOrStdout()); err != nil {
				return err
			}
			return found.verdict()
		},
	}
	configFlag(cmd, &o.config)
	cmd.Flags().BoolVar(&o.offline, "offline", false, "leave out what asks Discord")
	cmd.Flags().StringVar(&o.dm, "dm", "", "send a test message to this account, which has to own the application")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

var accountPattern = regexp.MustCompile(`^[0-9]{15,20}$`)

// checkOptions are what a check looks at, and where it stands.
type checkOptions struct {
	config  string // the file, as for run
	env     []string
	offline bool
	dm      string // an account to send a test message to, or ""
	now     func() time.Time
	free    func(folder string) (bytes uint64, err error)
}

// state is what was found about one thing.
type state string

const (
	isOK    state = "ok"
	isNote  state = "note"
	isFix   state = "fix"
	skipped state = "skipped"
)

// finding is one line of a check.
type finding struct {
	Name  string `json:"name"`
	State state  `json:"state"`
	Says  string `json:"says"`
}

// findings are the lines of a check, in the order in which they were looked at.
type findings []finding

func (f *findings) add(s state, name, format string, args ...any) {
	*f = append(*f, finding{name, s, fmt.Sprintf(format, args...)})
}

func (f *findings) ok(name, format string, args ...any)   { f.add(isOK, name, format, args...) }
func (f *findings) note(name, format string, args ...any) { f.add(isNote, name, format, args...) }
func (f *findings) fix(name, format string, args ...any)  { f.add(isFix, name, format, args...) }

// skip notes several things that were not looked at.
func (f *findings) skip(why string, names ...string) {
	for _, name := range names {
		f.add(skipped, name, "not looked at: %s", why)
	}
}

// count tells how many there are of a state.
func (f findings) count(s state) (n int) {
	for _, one := range f {
		if one.State == s {
			n++
		}
	}
	return n
}

// verdict is nil if nothing has to be mended.
func (f findings) verdict() error {
	switch n := f.count(isFix); n {
	case 0:
		return nil
	case 1:
		return errors.New("1 thing to fix; see above")
	default:
		return fmt.Errorf("%d things to fix; see above", n)
	}
}

func (f findings) print(w io.Writer) error {
	var out strings.Builder
	for _, one := range f {
		mark := string(one.State)
		if one.State == skipped {
			mark = "-"
		}
		fmt.Fprintf(&out, "%-5s %-14s %s\n", mark, one.Name, one.Says)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func (f findings) printJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(struct {
		OK     bool     `json:"ok"`
		Checks findings `json:"checks"`
	}{f.verdict() == nil, f})
}

// check looks at everything there is to look at.
func check(ctx context.Context, o checkOptions) (f findings) {
	cfg, err := loadConfig(o.config, o.env, o.now())
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			f.fix("configuration", "%s", strings.TrimSpace(line))
		}
		f.skip("the configuration has to be mended first", "database", "discord")
		return f
	}
	sentences.Use(cfg.Text.Own)
	f.configuration(cfg, o)
	f.listening(ctx, cfg, f.files(ctx, cfg, o))
	f.discord(ctx, cfg, o)
	return f
}

// configuration tells what run would still ask for, and what it will ask for soon.
func (f *findings) configuration(cfg Config, o checkOptions) {
	if err := cfg.Ready(); err != nil {
		for line := range strings.Lines(err.Error()) {
			f.fix("configuration", "%s", strings.TrimSpace(line))
		}
	} else {
		f.ok("configuration", "has all that it needs")
	}
	const soon = 30 * 24 * time.Hour
	for _, l := range cfg.Help.Lines {
		until := l.Checked.AddDate(0, 0, maxLineAge)
		if left := until.Sub(o.now()); left < soon {
			f.note("help lines", "help.lines: %s was tried on %s; try it again before %s, after which the bot does not start with it",
				show(l.Name), l.Checked.Format(time.DateOnly), until.Format(time.DateOnly))
		}
	}
}

// listening tries the address for health and metrics for a moment. A bot that is
// running on the database has it.
func (f *findings) listening(ctx context.Context, cfg Config, running bool) {
	address := cfg.HTTP.Listen
	if address == "" {
		return
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		_ = l.Close()
		f.ok("http", "%s is free for health and metrics", address)
	case running:
		f.ok("http", "%s is in use; a bot is running, and aftercare health asks it", address)
	default:
		f.fix("http", "%v", listenError(address, err))
	}
}

// botOptions are what a bot and a probe are both made with.
func botOptions(cfg Config) bot.Options {
	return bot.Options{
		Token: string(cfg.Discord.Token), APIURL: cfg.Discord.APIURL, RequestsPerSecond: cfg.Discord.RequestsPerSecond,
		AgeRestricted: cfg.Discord.AgeRestricted, Operator: cfg.Operator.Name, HelpLines: helpLines(cfg), Marks: cfg.Checkins.Marks,
		Version: version(),
	}
}

func helpLines(cfg Config) (lines []bot.HelpLine) {
	for _, l := range cfg.Help.Lines {
		lines = append(lines, bot.HelpLine(l))
	}
	return lines
}
