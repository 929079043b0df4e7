package console

import (
	"errors"
	"syscall"

	"golang.org/x/sys/windows"
)

// Windows has two codes for a pipe whose reader has gone: one for a pipe that is broken, one for a pipe being closed.
func isBrokenPipe(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, windows.ERROR_BROKEN_PIPE) || errors.Is(err, windows.ERROR_NO_DATA)
}

// isFull reports whether there is no room left on the disk.
func isFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}
