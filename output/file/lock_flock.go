//go:build linux || darwin || freebsd || openbsd || netbsd || dragonfly

package file

import (
	"os"
	"syscall"
)

// lock takes the lock of an open file for this process. The system gives it back when the process ends.
func lock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }
