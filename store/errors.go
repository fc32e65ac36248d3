package store

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"modernc.org/sqlite" // the SQL driver
)

// What a person can cause. The bot has a sentence for each.
var (
	// ErrNotLinked is for whoever can't be named in a scene: never linked, left,
	// paused or blocked. It is one error on purpose: from outside they look the same.
	ErrNotLinked = errors.New("not linked")
	// ErrNotAgreed is for somebody who has not agreed to anything yet.
	ErrNotAgreed = errors.New("not agreed yet")
	// ErrAlone means that there is no pact, so a scene would be for oneself.
	ErrAlone = errors.New("no pact")
	// ErrWhich means that there are several pacts and none was named.
	ErrWhich = errors.New("several pacts, none named")
	// ErrOnce is for a pact that was for one scene, and has had it.
	ErrOnce = errors.New("for one scene, which was")
	// ErrOneScene is for a standing check-in in a pact that is for one scene.
	ErrOneScene = errors.New("for one scene, and not every so often")
	// ErrPaused is for somebody who records a scene during their own pause.
	ErrPaused = errors.New("paused themselves")
	// ErrSelf is for naming oneself.
	ErrSelf = errors.New("named themselves")
	// ErrCode is for a code that is wrong, used, expired, one's own, or guessed too often.
	ErrCode = errors.New("no such code")
	// ErrGone is for what is no longer kept, was taken back, or belongs to somebody else.
	ErrGone = errors.New("gone")
	// ErrTooOften is for what may be done only so many times.
	ErrTooOften = errors.New("too often")
	// ErrScenes is for very many scenes within an hour, recorded by one person with
	// one partner.
	ErrScenes = errors.New("very many scenes within an hour")
	// ErrMuch is for very much within an hour, sent by one person to one partner.
	ErrMuch = errors.New("very much within an hour")
	// ErrZone means that somebody's time zone has to be known for this, and is not.
	ErrZone = errors.New("time zone not known")
	// ErrMany means that there are as many of these as there may be.
	ErrMany = errors.New("as many as there may be")
	// ErrFull means that there is no room for more kind words.
	ErrFull = errors.New("no room for more")
	// ErrNothing means that there is nothing to do this to.
	ErrNothing = errors.New("nothing there")
)

// What an operator can cause. Each text says what to do.
var (
	// ErrKey means that the master key is not the one this keys file was made with.
	ErrKey = errors.New("the master key does not open the keys file; use the key that was in force when it was made, or if `aftercare key rotate` was interrupted, run it again")
	// ErrKeysMissing means that there is a database and no keys file.
	ErrKeysMissing = errors.New("the database has a keys file that is not there; restore it from the folder of your backups, where it is kept in keys/, or start with a new database")
	// ErrKeysForeign means that the keys file belongs to another database.
	ErrKeysForeign = errors.New("the keys file belongs to another database; restore the two together, with `aftercare restore`")
	// ErrKeysOlder means that the keys file lacks keys that the database needs.
	ErrKeysOlder = errors.New("the keys file is older than the database; put a newer one in its place, or restore a database that was backed up before it, with `aftercare restore --replace`")
	// ErrDatabaseMissing means that there is a keys file with people's keys and no
	// database: going on would destroy them.
	ErrDatabaseMissing = errors.New("the keys file has people's keys and their database is not there; restore it with `aftercare restore`, or move the keys file away to start anew")
	// ErrInUse means that another process has the database open.
	ErrInUse = errors.New("another aftercare is running on this database; stop it first")
	// ErrDamaged means that a file is no longer what SQLite wrote.
	ErrDamaged = errors.New("the file is damaged; put a backup in its place: aftercare restore --replace, and the folder of your backups")
	// ErrThere means that a database is there already, and was not to be replaced.
	ErrThere = errors.New("there is a database already; with --replace it is kept beside under another name, and the backup takes its place")
	// ErrNoBackup means that there is no backup where one was named.
	ErrNoBackup = errors.New("there is no backup here; name the folder that `aftercare backup` wrote to, or one database in it")
	// ErrCopyForeign means that a copy of a keys file is not of this one.
	ErrCopyForeign = errors.New("it has keys that this keys file never had, so it belongs to another database or is newer than this one; name another folder for the backups, or move it away")
	// ErrBackingUp means that somebody else writes to the folder of backups.
	ErrBackingUp = errors.New("another backup is being made here; let it finish")
)

// NewerError is a database written by a newer program.
type NewerError struct{ Have, Know int }

// Error names both versions.
func (e NewerError) Error() string {
	return fmt.Sprintf("the database has version %d and this program knows versions up to %d; run the newer program, "+
		"or go back to the backup that the update left beside the database: aftercare restore --replace, and its name, which has \"-before-v%d-\" in it",
		e.Have, e.Know, e.Have)
}

// SQLite's result codes that an operator can do something about.
const (
	codeBusy     = 5
	codeReadOnly = 8
	codeIO       = 10
	codeCorrupt  = 11
	codeFull     = 13
	codeCantOpen = 14
	codeNotADB   = 26
)

// codeShmSize is an extended one: the file beside a database that its readers share
// can't grow. SQLite says it of a full disk.
const codeShmSize = codeIO | 19<<8

// extendedCode returns SQLite's result code with what it says besides, or 0.
func extendedCode(err error) int {
	var lite *sqlite.Error
	if !errors.As(err, &lite) {
		return 0
	}
	return lite.Code()
}

// resultCode returns SQLite's primary result code, or 0.
func resultCode(err error) int {
	return extendedCode(err) & 0xff
}

// explain adds to what the machine refused what an operator can do about it.
func explain(err error) error {
	if errors.Is(err, ErrDamaged) {
		return err
	}
	code := resultCode(err)
	switch {
	case code == codeCorrupt || code == codeNotADB:
		return fmt.Errorf("%w: %w", err, ErrDamaged)
	case code == codeFull || extendedCode(err) == codeShmSize || errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%w; the disk is full: make room on it", err)
	case code == codeReadOnly || errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w; it can only be read: make the disk and the file writable, or name another place", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; give the folder and what is in it to the user that runs this, or name another one", err)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w; make the folder, or name another one", err)
	case code == codeCantOpen:
		return fmt.Errorf("%w; make sure that this is a file, and that the user that runs this may write in its folder", err)
	case code == codeBusy:
		return fmt.Errorf("%w; another program has it locked: let that finish, or stop it", err)
	case code == codeIO:
		return fmt.Errorf("%w; the disk does not do as it should: look at it, and move the files to another one", err)
	}
	return err
}

// What became of a message at Discord.

// ErrRefused means that Discord would not put a message in front of its
// recipient: they closed their DMs, blocked the bot, or share no server with it.
var ErrRefused = errors.New("the message was refused by Discord")

// RetryError says that a message may be tried again, and not before After.
type RetryError struct{ After time.Duration }

// NotSentError is a failure after which a message is surely not at Discord.
type NotSentError struct{ Err error }

// Error implements error.
func (e NotSentError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e NotSentError) Unwrap() error { return e.Err }

// Error implements error.
func (e RetryError) Error() string { return "Discord asks to wait " + e.After.String() }
