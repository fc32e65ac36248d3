package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"aftercare/store"
)

func rotateCommand() *cobra.Command {
	var config, to string
	cmd := &cobra.Command{
		Use: "rotate", Short: "Put a new master key in the place of the one in force", Args: cobra.NoArgs,
		Long: "Make a new master key and wrap every person's key anew. The bot has to be stopped. The new key takes the place of\n" +
			"the one in store.key_file; a key that comes from the environment or as a credential has to be put there by hand.\n" +
			"Interrupted at any point it is finished by running it again.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, key, err := readConfigAndKey(config)
			if err != nil {
				return err
			}
			r := rotation{cfg: cfg, key: key, next: to, out: cmd.OutOrStdout()}
			if to == "" {
				if err := r.inPlace(os.Getenv("CREDENTIALS_DIRECTORY")); err != nil {
					return err
				}
			}
			return r.run(cmd.Context())
		},
	}
	configFlag(cmd, &config)
	cmd.Flags().StringVar(&to, "to", "", "the file for the new key, where it can't take the place of the one in force by itself")
	return cmd
}

// rotation is one change of the master key. The new key is on the disk before
// anything is wrapped by it, and in the place of the one before once all is.
type rotation struct {
	cfg  Config
	key  store.MasterKey // in force
	file string          // where it is, to be replaced; "": the operator does that
	next string          // where the new one is until then
	out  io.Writer
}

// inPlace finds the file whose place the new key is to take.
func (r *rotation) inPlace(credentials string) error {
	file := r.cfg.Store.KeyFile
	const byHand = "name a file for the new one, and put what is in it there afterwards: aftercare key rotate --to new.key"
	switch {
	case file == "":
		return errors.New("store.key: the master key does not come from a file of its own, so a new one can't take its place by itself; " + byHand)
	case credentials != "" && filepath.Dir(filepath.Clean(file)) == filepath.Clean(credentials), fromEngine(file):
		return fmt.Errorf("store.key: the master key is handed over as %s, which can't be changed from here; %s", file, byHand)
	}
	file, err := filepath.EvalSymlinks(file)
	if err != nil {
		return err
	}
	r.file, r.next = file, file+".new"
	old := file + ".old"
	if exists(old) && !exists(r.next) {
		return fmt.Errorf("%s is there from an earlier rotation, which is done; for another one, delete it once no copy of the keys file from before that needs it, or keep it elsewhere", old)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func (r *rotation) run(ctx context.Context) error {
	if !exists(r.cfg.Store.Path) && !exists(r.cfg.Store.KeysPath) {
		return fmt.Errorf("%s: there is no database yet, so the key seals nothing; to begin with another, put a new one in its place: aftercare key new", r.cfg.Store.Path)
	}
	key, made, err := r.newKey()
	if err != nil {
		return err
	}
	o := store.Options{Path: r.cfg.Store.Path, KeysPath: r.cfg.Store.KeysPath, Key: r.key}
	n, err := store.Rotate(ctx, o, key)
	if err != nil {
		for _, untouched := range []error{store.ErrInUse, store.ErrKey, store.ErrKeysMissing, store.ErrDamaged} {
			if made && errors.Is(err, untouched) {
				os.Remove(r.next)
			}
		}
		return err
	}
	copied := r.copyKeys(ctx)
	if r.file != "" {
		if err := r.takePlace(); err != nil {
			return fmt.Errorf("all is wrapped by the new key in %s, which could not take its place: %w; run this again, or move it there", r.next, err)
		}
		for _, path := range unfinished(r.file) { // of one that was killed
			os.Remove(path)
		}
	}
	r.say(n, copied)
	return nil
}

// newKey returns the new key, which an interrupted rotation may have left, and
// whether it was made just now.
func (r *rotation) newKey() (key store.MasterKey, made bool, err error) {
	if !exists(r.next) {
		if err := r.makeKey(); err != nil {
			return key, false, fmt.Errorf("the new key: %w; name another place for it with --to", err)
		}
		made = true
	}
	text, err := readSecret(r.next, false)
	if err != nil {
		return key, made, fmt.Errorf("the file %s %w", r.next, err)
	}
	if string(text) == strings.TrimSpace(string(r.cfg.Store.Key)) {
		return key, made, fmt.Errorf("%s holds the key in force; name a file that is not there yet", r.next)
	}
	if key, err = store.ParseMasterKey(string(text)); err != nil {
		return key, made, fmt.Errorf("%s: %w", r.next, err)
	}
	return key, made, nil
}

// makeKey writes a new key, all of it or nothing, for whoever may read the one in force.
func (r *rotation) makeKey() error {
	text, err := store.NewMasterKey()
	if err != nil {
		return err
	}
	return writeWhole(r.next, []byte(text+"\n"), r.file)
}

// takePlace puts the new key in the place of the one before, which is kept beside.
func (r *rotation) takePlace() error {
	before, err := os.ReadFile(r.file)
	if err != nil {
		return err
	}
	if err := writeWhole(r.file+".old", before, r.file); err != nil {
		return err
	}
	if err := os.Rename(r.next, r.file); err != nil {
		return err
	}
	return store.Settle(filepath.Dir(r.file))
}

// writeWhole writes a file that its owner alone may read, with the owner of another
// one where there is one, and has it under its name only when it is on the disk.
func writeWhole(path string, b []byte, like string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), unnamed(path)+"*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone once it has its name
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if like != "" {
		if err := ownedLike(f.Name(), like); err != nil {
			return err
		}
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return store.Settle(filepath.Dir(path))
}

// unnamed is what a file is called before it has its name: the beginning of it.
func unnamed(path string) string { return "." + filepath.Base(path) + "-" }

// unfinished lists the copies of the master key at file that a rotation which was
// killed has left without a name.
func unfinished(file string) (out []string) {
	entries, _ := os.ReadDir(filepath.Dir(file)) // what can't be listed is named elsewhere
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), unnamed(file+".new")) || strings.HasPrefix(e.Name(), unnamed(file+".old")) {
			out = append(out, filepath.Join(filepath.Dir(file), e.Name()))
		}
	}
	return out
}

// copyKeys has the copy in backup.dir wrapped by the new key as well.
func (r *rotation) copyKeys(ctx context.Context) (copied string) {
	dir := r.cfg.Backup.Dir
	if dir == "" || !exists(r.cfg.files().KeysCopy(dir)) {
		return ""
	}
	if err := store.CopyKeys(ctx, r.cfg.files(), dir); err != nil {
		fmt.Fprintf(r.out, "The copy of the keys in backup.dir is still wrapped by the key before: %v\n", err)
		return ""
	}
	return r.cfg.files().KeysCopy(dir)
}

func (r *rotation) say(n int, copied string) {
	say := func(format string, args ...any) { fmt.Fprintf(r.out, format+"\n", args...) }
	say("All %d keys are wrapped by a new master key. The one before opens none of them any more.", n)
	if copied != "" {
		say("So are those in %s.", copied)
	}
	if r.file == "" {
		say("The new key is in %s. Put it where the one before comes from, before you start aftercare again:\n"+
			"AFTERCARE_STORE_KEY, store.key or the credential store.key. Then keep %s elsewhere, or delete it.", r.next, r.next)
	} else {
		say("The new key is in %s, and aftercare can be started again.\n"+
			"The one before is in %s.old: only other copies of the keys file from before need it. Make new copies of them, then delete it.", r.file, r.file)
	}
	say("Keep a copy of the new key apart from the database and its backups: without it nothing can be read again.")
}
