package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"aftercare/scheduler"
	"aftercare/store"
)

const (
	leastFree  = 100 << 20 // bytes; below it a database that grows is soon in trouble
	comfyFree  = 1 << 30
	groupWrite = 0o022 // of a folder: whoever may write there can put another file in place of ours
)

// files looks at the master key, the database, the keys file, and where they lie,
// and tells whether a bot is running on them.
func (f *findings) files(ctx context.Context, cfg Config, o checkOptions) (running bool) {
	opts := store.Options{Path: cfg.Store.Path, KeysPath: cfg.Store.KeysPath}
	switch key, err := store.ParseMasterKey(string(cfg.Store.Key)); {
	case cfg.Store.Key == "":
		f.skip("store.key is missing", "key")
	case err != nil:
		f.fix("key", "store.key: %v", err)
	default:
		opts.Key = key
		f.ok("key", "the master key is one")
	}
	folders := []string{folderOf(opts.Path)}
	if other := folderOf(opts.KeysPath); other != folders[0] {
		folders = append(folders, other)
	}
	if !f.folders(folders) {
		f.skip("its folder has to be mended first", "database", "disk")
		return false
	}
	in := store.Inspect(ctx, opts)
	f.database(in, cfg)
	f.permissions(cfg)
	f.leftovers(cfg)
	if f.backups(cfg, o) && !slices.Contains(folders, folderOf(filepath.Join(cfg.Backup.Dir, "x"))) {
		folders = append(folders, folderOf(filepath.Join(cfg.Backup.Dir, "x")))
	}
	for _, folder := range folders {
		f.disk(folder, in.Size, o)
	}
	return in.InUse
}

// folderOf returns the whole path of the folder that a file lies in.
func folderOf(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	return filepath.Dir(path)
}

// folders tells whether all of them are there.
func (f *findings) folders(all []string) (there bool) {
	there = true
	for _, folder := range all {
		info, err := os.Stat(folder)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			f.fix("folder", "%s is not there; run: mkdir -p -m 700 %s", folder, folder)
			there = false
		case err != nil:
			f.fix("folder", "%s can't be looked at (%v); give it to the user that runs the bot", folder, reason(err))
			there = false
		case !info.IsDir():
			f.fix("folder", "%s is a file; name another place in store.path and store.keys_path", folder)
			there = false
		case runtime.GOOS != "windows" && info.Mode().Perm()&groupWrite != 0:
			f.fix("folder", "others can write in %s, and so take the database away; run: chmod 700 %s", folder, folder)
		case !mayWrite(folder):
			f.fix("folder", "this user may not write in %s; run the check as the user that runs the bot, or give the folder to it", folder)
		default:
			f.ok("folder", "%s is the bot's own", folder)
		}
	}
	return there
}

func (f *findings) database(in store.Inspection, cfg Config) {
	switch {
	case in.Database != nil:
		f.fix("database", "%v", in.Database)
	case in.Fresh:
		f.ok("database", "none yet; the first start makes %s and %s", cfg.Store.Path, cfg.Store.KeysPath)
		if in.Keys == nil {
			return
		}
	case in.Schema < in.Newest:
		f.note("database", "sound, of version %d; the next start brings it to version %d, so back it up first", in.Schema, in.Newest)
	case in.InUse:
		f.ok("database", "sound, version %d, %s; a bot is running on it, so it was only read", in.Schema, inBytes(in.Size))
	default:
		f.ok("database", "sound, version %d, %s; no bot is running on it", in.Schema, inBytes(in.Size))
	}
	switch {
	case in.Keys != nil:
		f.fix("keys file", "%v", in.Keys)
	case cfg.Store.Key == "":
		f.note("keys file", "sound; whether it opens shows with the master key")
	case in.Database != nil:
		f.ok("keys file", "opens with the master key")
	default:
		f.ok("keys file", "opens with the master key, and belongs to the database")
	}
}

// permissions looks at the files themselves. Those of secrets were looked at when
// they were read.
func (f *findings) permissions(cfg Config) {
	var open, closed []string
	some := false
	for _, path := range []string{cfg.Store.Path, cfg.Store.Path + "-wal", cfg.Store.Path + "-shm", cfg.Store.KeysPath, cfg.Store.KeysPath + "-journal"} {
		info, err := os.Stat(path)
		if err != nil {
			continue // not there: nothing to read
		}
		some = true
		if othersMayRead(info) {
			open = append(open, path)
		}
		if !mayWrite(path) {
			closed = append(closed, path)
		}
	}
	slices.Sort(open)
	switch {
	case !some:
	case len(open) > 0:
		f.fix("files", "others can read them; run: chmod 600 %s", strings.Join(open, " "))
	case len(closed) > 0:
		f.fix("files", "this user may not write %s; run the check as the user that runs the bot, or give them to it", strings.Join(closed, " and "))
	default:
		f.ok("files", "for the bot's user alone")
	}
}

// leftovers names what an update, a restore or a rotation has kept beside what it
// replaced. Nothing deletes it but the operator: what people erased since may be in it.
func (f *findings) leftovers(cfg Config) {
	old, err := cfg.files().KeptAside()
	if err != nil {
		f.note("leftovers", "%v", err)
		return
	}
	if file := cfg.Store.KeyFile; file != "" {
		if exists(file + ".new") {
			f.note("leftovers", "%s.new is the new master key of a rotation that was interrupted; stop the bot and run aftercare key rotate again", file)
		}
		if exists(file + ".old") {
			old = append(old, file+".old")
		}
		old = append(old, unfinished(file)...)
	}
	if len(old) == 0 {
		f.ok("leftovers", "nothing is kept from before an update, a restore or a new master key")
	} else {
		f.note("leftovers", "kept from before an update, a restore or a new master key, with what people erased or took back since; once all is well, delete %s",
			strings.Join(old, " "))
	}
}

// backups tells whether there is a folder for them, and looks at what is in it.
func (f *findings) backups(cfg Config, o checkOptions) (there bool) {
	dir := cfg.Backup.Dir
	info, err := os.Stat(dir)
	switch {
	case dir == "":
		f.note("backups", "none is taken by itself; set backup.dir to a folder for them, best on another disk")
		return false
	case errors.Is(err, fs.ErrNotExist):
		f.fix("backups", "backup.dir: %s is not there, so none is taken; run: mkdir -p -m 700 %s", dir, dir)
		return false
	case err != nil:
		f.fix("backups", "backup.dir: %s can't be looked at (%v), so none is taken; give it to the user that runs the bot", dir, reason(err))
		return false
	case !info.IsDir():
		f.fix("backups", "backup.dir: %s is no folder, so none is taken; name one", dir)
		return false
	case !mayWrite(dir):
		f.fix("backups", "backup.dir: this user may not write in %s; run the check as the user that runs the bot, or give the folder to it", dir)
		return true
	}
	all, err := store.Backups(cfg.files(), dir)
	switch {
	case err != nil:
		f.fix("backups", "backup.dir: %v", err)
	case len(all) == 0:
		f.note("backups", "none in %s yet; the bot takes one by itself, and aftercare backup does it now", dir)
	case !exists(cfg.files().KeysCopy(dir)):
		f.fix("backups", "%s is not there, and without a copy of the keys no backup can be read if the keys file is lost; run: aftercare backup", cfg.files().KeysCopy(dir))
	case scheduler.Missed(cfg.Backup.Every, all[0].At, o.now().Add(-time.Hour)):
		f.note("backups", "the newest in %s is of %s, and one has been missed since; start the bot, or look at its log", dir, all[0].At.Format(time.DateTime+" MST"))
	default:
		f.ok("backups", "the newest in %s is of %s", dir, all[0].At.Format(time.DateTime+" MST"))
	}
	return true
}

// disk asks for room for a copy of the database, which an update and a backup make.
func (f *findings) disk(folder string, size int64, o checkOptions) {
	free, err := o.free(folder)
	need := max(leastFree, 2*uint64(size))
	switch {
	case err != nil:
		f.note("disk", "how much is free in %s can't be told (%v); look with: df -h %s", folder, err, folder)
	case free < need:
		f.fix("disk", "%s free in %s; make room for at least %s", inBytes(int64(free)), folder, inBytes(int64(need)))
	case free < comfyFree:
		f.note("disk", "%s free in %s; enough for now", inBytes(int64(free)), folder)
	default:
		f.ok("disk", "%s free in %s", inBytes(int64(free)), folder)
	}
}
