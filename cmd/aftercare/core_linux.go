package main

import "syscall"

// noCore keeps the system from writing what is in memory to a disk when the process
// crashes, and other programs of the same user from reading it: words are in it, and
// keys. It can be refused, and then nothing is worse than before.
func noCore() {
	const setDumpable = 4 // PR_SET_DUMPABLE, which also counts where cores go through a pipe
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, setDumpable, 0, 0)
}
