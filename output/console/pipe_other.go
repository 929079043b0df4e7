//go:build !windows

package console

import (
	"errors"
	"syscall"
)

// isFull reports whether there is no room left: on the disk, in the quota, or below the limit of a file's size.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

func isBrokenPipe(err error) bool { return errors.Is(err, syscall.EPIPE) }
