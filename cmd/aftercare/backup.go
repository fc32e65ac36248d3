package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aftercare/store"
)

func backupCommand() *cobra.Command {
	var config string
	var keep int
	cmd := &cobra.Command{
		Use: "backup [folder]", Short: "Take a backup, also while the bot runs", Args: cobra.MaximumNArgs(1),
		Long: "Take a backup of the database and of the keys file, also while the bot runs. Without a folder it goes to backup.dir.\n" +
			"The database gets a name with the time in it. Of the keys there is one copy, overwritten in place each time: an older\n" +
			"one would open what was erased since. The master key is in neither of them and is not needed for this.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("keep") && keep < 1 {
				return fmt.Errorf("--keep %d: would keep none; give 1 or more, or leave it out to delete none", keep)
			}
			cfg, err := readConfig(config)
			if err != nil {
				return err
			}
			dir := cfg.Backup.Dir
			if len(args) > 0 {
				dir = args[0]
			}
			if dir == "" {
				return errors.New("where to? name a folder, as in: aftercare backup /mnt/backups (or set backup.dir)")
			}
			b, err := store.TakeBackup(cmd.Context(), cfg.files(), dir, time.Now())
			if err = errors.Join(err, handOverBackup(cfg, dir, b)); err != nil {
				return err
			}
			if cmd.Flags().Changed("keep") {
				if err := store.Prune(cfg.files(), dir, keep); err != nil {
					return err
				}
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Database: %s\nKeys:     %s (the only copy, overwritten each time)\n"+
				"Keep the two in different places, and the master key in a third.\n", b.Path, cfg.files().KeysCopy(dir))
			return nil
		},
	}
	configFlag(cmd, &config)
	cmd.Flags().IntVar(&keep, "keep", 0, "delete all but so many databases, the newest; without it none is deleted")
	return cmd
}

func restoreCommand() *cobra.Command {
	var config, keys string
	var replace bool
	cmd := &cobra.Command{
		Use: "restore <folder or database>", Short: "Put a backup in the place of the database", Args: oneBackup,
		Long: "Put a backup in the place of the database: the newest one of a folder of backups, or the one that is named.\n" +
			"It is looked through and tried with the keys first. What was there is kept beside it under another name.",
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, key, err := readConfigAndKey(config)
			if err != nil {
				return err
			}
			from, err := store.FindBackup(cfg.files(), args[0])
			if err != nil {
				return err
			}
			if keys != "" {
				if _, err := os.Stat(keys); err != nil {
					return fmt.Errorf("--keys %s cannot be read (%w); name a copy of the keys file", show(keys), reason(err))
				}
				from.Keys = keys
			}
			o := store.Options{Path: cfg.Store.Path, KeysPath: cfg.Store.KeysPath, Key: key}
			done, err := store.Restore(cmd.Context(), o, from, replace, time.Now())
			if err != nil {
				return err
			}
			if err := handOver(cfg, done); err != nil {
				return err
			}
			sayRestored(cmd, cfg, from, done)
			return nil
		},
	}
	configFlag(cmd, &config)
	cmd.Flags().StringVar(&keys, "keys", "", "a copy of the keys file, if it is not in keys/ beside the backup")
	cmd.Flags().BoolVar(&replace, "replace", false, "keep a database that is there under another name, and put the backup in its place")
	return cmd
}

func oneBackup(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%d backups are named; name one, a folder or a database in it, as in: aftercare restore /mnt/backups", len(args))
	}
	return nil
}

// handOver gives what root has restored to whoever runs the bot: the owner of the
// database that was there, or else of its folder.
func handOver(cfg Config, done store.Restored) error {
	if os.Geteuid() != 0 {
		return nil
	}
	like := folderOf(cfg.Store.Path)
	for _, path := range done.Aside {
		if strings.HasPrefix(path, cfg.Store.Path+".replaced-") {
			like = path
			break
		}
	}
	for _, path := range []string{cfg.Store.Path, cfg.Store.Path + ".lock", cfg.Store.KeysPath} {
		if err := ownedLike(path, like); err != nil {
			return fmt.Errorf("it is restored, and has to be given to the user that runs the bot: %w", err)
		}
	}
	return nil
}

// handOverBackup gives what root has made in the bot's own folder of backups to whoever
// runs the bot: it could take no backup there any more, nor destroyed keys out of it.
func handOverBackup(cfg Config, dir string, b store.Backup) error {
	if os.Geteuid() != 0 {
		return nil
	}
	keys := cfg.files().KeysCopy(dir)
	made := []string{cfg.files().LockIn(dir), filepath.Dir(keys), keys}
	if b.Path != "" {
		made = append(made, b.Path)
	}
	if _, err := os.Stat(cfg.Store.Path); err != nil {
		return nil // which is what the backup says
	}
	if fi, err := os.Stat(dir); err != nil || !fi.IsDir() {
		return nil // and so is this
	}
	if err := ownedLikeIn(dir, cfg.Store.Path, made...); err != nil {
		return fmt.Errorf("what is in %s has to be given to the user that runs the bot: %w", dir, err)
	}
	return nil
}

// sayRestored tells the operator what is where now.
func sayRestored(cmd *cobra.Command, cfg Config, from store.Source, done store.Restored) {
	say := func(format string, args ...any) { fmt.Fprintf(cmd.OutOrStdout(), format+"\n", args...) }
	taken := ""
	if !done.At.IsZero() {
		taken = ", taken " + done.At.Format("2006-01-02 15:04 UTC")
	}
	say("Restored %s from %s%s.", cfg.Store.Path, from.Database, taken)
	if done.Keys == "" {
		say("The keys file %s stays: it is the newest.", cfg.Store.KeysPath)
	} else {
		say("The keys file %s is now the copy %s.", cfg.Store.KeysPath, done.Keys)
	}
	if done.Erased > 0 {
		say("Erased since then, and staying so: %d.", done.Erased)
	}
	if len(done.Aside) > 0 {
		say("What was there is kept, as:")
		for _, path := range done.Aside {
			say("  %s", path)
		}
		say("Delete it once all is well: what people left or took back since is in it.")
	}
	say("All else is as it was then: who left a partner or paused since has to do so again. Let people know.\n" +
		"What fell due since is looked for in people's DMs before it is sent.\n" +
		"It can be started now.")
}

// readConfig is loadConfig for a command, with the process's environment.
func readConfig(path string) (Config, error) {
	cfg, err := loadConfig(path, os.Environ(), time.Now())
	if err != nil {
		err = fmt.Errorf("the configuration needs a look:\n%w", err)
	}
	return cfg, err
}

// readConfigAndKey is readConfig for a command that can't do without the master key.
func readConfigAndKey(path string) (Config, store.MasterKey, error) {
	cfg, err := readConfig(path)
	if err != nil {
		return cfg, store.MasterKey{}, err
	}
	key, err := cfg.masterKey()
	return cfg, key, err
}

// configFlag gives a command the flag that names its configuration.
func configFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVar(path, "config", "", "the configuration file (default config.yaml, if there is one)")
}

func (c Config) files() store.Files {
	return store.Files{Path: c.Store.Path, KeysPath: c.Store.KeysPath}
}

// masterKey returns the master key in force, which a command can't do without.
func (c Config) masterKey() (store.MasterKey, error) {
	if c.Store.Key == "" {
		return store.MasterKey{}, errors.New("store.key: missing; name the file that holds the master key as store.key_file")
	}
	key, err := store.ParseMasterKey(string(c.Store.Key))
	if err != nil {
		return key, fmt.Errorf("store.key: %w", err)
	}
	return key, nil
}

// keeper takes the backups of a running bot. It implements scheduler.Keeper.
type keeper struct {
	store *store.Store
	files store.Files
	dir   string
	keep  int // databases
	log   *slog.Logger

	copied int64 // keys that were destroyed before the copy was last brought up to date
	begun  bool  // it was since the start
}

// LastBackup leaves out what a clock that was ahead has named.
func (k *keeper) LastBackup() (time.Time, error) {
	all, err := store.Backups(k.files, k.dir)
	if err != nil {
		return time.Time{}, fmt.Errorf("backup.dir: %w", err)
	}
	for _, b := range all {
		if !b.At.After(k.store.Now()) {
			return b.At, nil
		}
	}
	return time.Time{}, nil
}

func (k *keeper) Backup(ctx context.Context) error {
	gone := k.store.Destroyed()
	b, err := store.TakeBackup(ctx, k.files, k.dir, k.store.Now())
	if err != nil {
		return fmt.Errorf("backup.dir: %w", err)
	}
	k.begun, k.copied = true, gone
	k.log.Info("a backup was taken", "database", b.Path, "keys", k.files.KeysCopy(k.dir))
	if err := store.Prune(k.files, k.dir, k.keep); err != nil {
		return fmt.Errorf("backup.keep: %w", err)
	}
	return nil
}

// CopyKeys does nothing while no key was destroyed. Where there is no copy yet, it
// comes with the first backup.
func (k *keeper) CopyKeys(ctx context.Context) error {
	gone := k.store.Destroyed()
	if k.begun && gone == k.copied {
		return nil
	}
	if _, err := os.Stat(k.files.KeysCopy(k.dir)); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err := store.CopyKeys(ctx, k.files, k.dir); err != nil {
		return fmt.Errorf("backup.dir: %w", err)
	}
	k.begun, k.copied = true, gone
	return nil
}
