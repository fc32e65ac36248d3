package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aftercare/bot"
	"aftercare/store"
)

const setupLong = `Make what "aftercare run" needs, in one folder: a configuration, a master key, and a file for the token.
It asks for the token, which is not shown, and for your name, and overwrites nothing that is there.

With --token-file, --operator and --yes it asks nothing.`

func setupCommand() *cobra.Command {
	s := setup{now: time.Now}
	cmd := &cobra.Command{
		Use: "setup", Short: "Make a configuration and a master key, step by step", Long: setupLong, Args: cobra.NoArgs,
		Example: "  aftercare setup --dir ~/aftercare\n  aftercare setup --dir /data --token-file /run/secrets/token --operator Robin --yes",
		RunE: func(cmd *cobra.Command, _ []string) error {
			s.env, s.out, s.ask = os.Environ(), cmd.OutOrStdout(), newQuestions(os.Stdin, cmd.OutOrStdout())
			return s.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&s.dir, "dir", ".", "the folder to put everything in; it is made if it is not there")
	cmd.Flags().StringVar(&s.tokenFile, "token-file", "", "a file that holds the token already; it stays where it is. From a pipe, such as /dev/stdin, it gets a file")
	cmd.Flags().StringVar(&s.operator, "operator", "", "the name that people know you by")
	cmd.Flags().BoolVar(&s.yes, "yes", false, "ask nothing")
	cmd.Flags().BoolVar(&s.offline, "offline", false, "leave out what asks Discord")
	return cmd
}

// setup is one first run: what was given by flags, and what is asked for.
type setup struct {
	dir, tokenFile, operator string
	yes, offline             bool

	now func() time.Time
	env []string
	out io.Writer
	ask *questions

	base  Config // what the environment decides: where Discord is, for one
	token Secret
	app   bot.Application // the zero one if Discord was not asked
}

// The files that a setup makes.
const (
	tokenName = "discord.token"
	keyName   = "aftercare.key"
)

func (s *setup) path(name string) string { return filepath.Join(s.dir, name) }

func (s *setup) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

// run asks, writes, explains and checks, in that order.
func (s *setup) run(ctx context.Context) error {
	if err := s.prepare(); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{s.askToken, s.askOperator, s.confirm} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := s.write(); err != nil {
		return err
	}
	s.explain()
	found := check(ctx, checkOptions{config: s.path(defaultConfigFile), env: s.env, offline: s.offline, now: s.now, free: freeBytes})
	if err := found.print(s.out); err != nil {
		return err
	}
	return found.verdict()
}

// prepare finds out what would stand in the way, before anything is asked.
func (s *setup) prepare() (err error) {
	if s.yes && (s.tokenFile == "" || s.operator == "") {
		return errors.New("--yes: asks nothing, so it needs --token-file and --operator")
	}
	if s.dir, err = filepath.Abs(s.dir); err != nil {
		return err
	}
	for _, name := range []string{defaultConfigFile, tokenName, keyName, "aftercare.db", "aftercare.keys"} {
		if _, err := os.Lstat(s.path(name)); err == nil {
			return fmt.Errorf("%s is there already, and nothing is overwritten; name another folder with --dir, or look at what is there with: aftercare check --config %s",
				s.path(name), s.path(defaultConfigFile))
		}
	}
	if s.base, err = loadConfig(os.DevNull, s.env, s.now()); err != nil {
		return fmt.Errorf("the environment needs a look:\n%w", err)
	}
	for name, set := range map[string]bool{"AFTERCARE_DISCORD_TOKEN": s.base.Discord.Token != "", "AFTERCARE_STORE_KEY": s.base.Store.Key != ""} {
		if set {
			return fmt.Errorf("%s or its file is set in the environment already, and a secret may be given in one way only; unset it first", name)
		}
	}
	return nil
}

const tries = 3 // at the token and at the name

// askToken comes by the token, and has Discord say whether it is one.
func (s *setup) askToken(ctx context.Context) error {
	if s.tokenFile != "" {
		token, err := readSecret(s.tokenFile, false)
		if err != nil {
			return fmt.Errorf("--token-file: the file %s %w", s.tokenFile, err)
		}
		s.token = token
		if info, err := os.Stat(s.tokenFile); err == nil && !info.Mode().IsRegular() {
			s.tokenFile = "" // a pipe gives it once: it gets a file of its own
			return s.tryToken(ctx)
		}
		if s.tokenFile, err = filepath.Abs(s.tokenFile); err != nil {
			return err
		}
		return s.tryToken(ctx)
	}
	s.say("Aftercare needs an application at Discord, and its token:\n"+
		"  1. Open %s and make an application.\n"+
		"  2. On its Installation page, turn on Guild Install and User Install.\n"+
		"  3. On its Bot page, press Reset Token, and copy what it shows.\n"+
		"     No privileged intent is needed there.\n"+
		"  For friends only: set Install Link to None on the Installation page, and then turn\n"+
		"  Public Bot off on the Bot page. Only you can add it then.", "https://discord.com/developers/applications")
	var err error
	for range tries {
		var answer string
		if answer, err = s.ask.hidden(ctx, "The token (it is not shown): "); err != nil {
			return err
		}
		s.token = Secret(strings.TrimSpace(answer))
		if err = s.tryToken(ctx); err == nil {
			return nil
		}
		s.say("  %v", err)
	}
	return errors.New("no token; nothing was written")
}

func (s *setup) tryToken(ctx context.Context) error {
	var wrong problems
	checkToken(string(s.token), wrong.reporter("the token"))
	if s.token == "" {
		wrong.reporter("the token")("is empty; copy it from the Bot page")
	}
	if len(wrong) > 0 {
		return errors.Join(wrong...)
	}
	if s.offline {
		return nil
	}
	cfg := s.base
	cfg.Discord.Token = s.token
	p, err := bot.NewProbe(botOptions(cfg))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	name, err := p.Account(ctx)
	if errors.Is(err, bot.ErrToken) {
		return err
	}
	if err == nil {
		s.app, err = p.Application(ctx)
	}
	if err != nil {
		s.say("  Discord can't be asked just now (%v); the check at the end tries again.", err)
		return nil
	}
	s.say("  Discord knows it, as the bot %q.", name)
	return nil
}

func (s *setup) askOperator(ctx context.Context) error {
	var err error
	for range tries {
		if s.operator == "" {
			s.say("Who runs this bot? People see this name before they agree to anything.")
			if s.operator, err = s.ask.line(ctx, "Your name: "); err != nil {
				return err
			}
		}
		s.operator = strings.TrimSpace(s.operator)
		var wrong problems
		bad := wrong.reporter("the name")
		if s.operator == "" {
			bad("is empty; write the one that people know you by")
		}
		checkLine(s.operator, maxOperatorName, bad)
		if err = errors.Join(wrong...); err == nil {
			return nil
		}
		if s.yes {
			return err
		}
		s.say("  %v", err)
		s.operator = ""
	}
	return errors.New("no name; nothing was written")
}

func (s *setup) confirm(ctx context.Context) error {
	if s.yes {
		return nil
	}
	s.say("These are made in %s, for you alone to read:\n  %s\n  %s", s.dir, defaultConfigFile, keyName)
	if s.tokenFile == "" {
		s.say("  %s", tokenName)
	}
	answer, err := s.ask.line(ctx, "Go ahead? [Y/n] ")
	if err != nil {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "", "y", "yes":
		return nil
	}
	return errors.New("stopped; nothing was written")
}

// write makes the folder and the files, or none of them.
func (s *setup) write() (err error) {
	if err := s.makeFolder(); err != nil {
		return err
	}
	key, err := store.NewMasterKey()
	if err != nil {
		return err
	}
	files := []struct{ name, text string }{{keyName, key + "\n"}}
	tokenFile := s.tokenFile
	if tokenFile == "" {
		tokenFile = s.path(tokenName)
		files = append(files, struct{ name, text string }{tokenName, string(s.token) + "\n"})
	}
	files = append(files, struct{ name, text string }{defaultConfigFile, s.configuration(tokenFile)})
	var made []string
	for _, f := range files {
		if err := writeNew(s.path(f.name), f.text); err != nil {
			for _, path := range made {
				err = errors.Join(err, os.Remove(path))
			}
			return fmt.Errorf("%w; nothing was kept", err)
		}
		made = append(made, s.path(f.name))
	}
	return nil
}

// makeFolder makes the folder, or takes one with nothing in it for the bot alone.
func (s *setup) makeFolder() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("the folder %s can't be made (%v); name another with --dir", s.dir, reason(err))
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil || len(entries) > 0 || runtime.GOOS == "windows" {
		return err
	}
	return os.Chmod(s.dir, 0o700)
}

// writeNew writes a file that was not there, for this user alone.
func writeNew(path, text string) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// configuration is the file. Its paths are whole, so that the bot may be started
// from anywhere.
func (s *setup) configuration(tokenFile string) string {
	quote := func(text string) string { // as JSON does, which YAML reads
		var out strings.Builder
		e := json.NewEncoder(&out)
		e.SetEscapeHTML(false)
		_ = e.Encode(text) // a string always encodes
		return strings.TrimSpace(out.String())
	}
	return fmt.Sprintf(`# Written by aftercare setup. Every key there is stands in config.example.yaml, beside the source.
discord:
  token_file: %s
  # Discord shows the commands to adults only; false is for servers that see to it otherwise.
  age_restricted: true
store:
  path: %s
  keys_path: %s
  key_file: %s
operator:
  name: %s
`, quote(tokenFile), quote(s.path("aftercare.db")), quote(s.path("aftercare.keys")), quote(s.path(keyName)), quote(s.operator))
}

func (s *setup) explain() {
	link := "the link shows when you run: aftercare check --config " + s.path(defaultConfigFile)
	if s.app.ID != "" {
		link = s.app.InviteLink()
	}
	s.say(`
Done. What is left for you:

  1. Keep a copy of %s somewhere else. Without it nothing can be read again.
  2. Add the bot to the server that you share. It asks for no permission there:
     %s
  3. The commands are for adults. In the server, Discord shows them only in a channel that is
     marked as age-restricted: in the channel's settings, Overview, Age-Restricted Channel.
     Marking the whole server does not do it, and in threads they do not show. In the DM with
     the bot, they show to whoever allows age-restricted commands in their own settings.
     Other ways to know that everybody is an adult: discord.age_restricted in the configuration.
  4. Start it: aftercare run --config %s

And this is how things are now:
`, s.path(keyName), link, s.path(defaultConfigFile))
}
