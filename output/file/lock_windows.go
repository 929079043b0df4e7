package file

import (
	"os"

	"golang.org/x/sys/windows"
)

// lock takes the lock of an open file for this process. The system gives it back when the process ends.
func lock(f *os.File) error {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	return windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, new(windows.Overlapped))
}
