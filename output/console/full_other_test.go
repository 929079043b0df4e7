//go:build !windows

package console

import "syscall"

const full = syscall.ENOSPC
