//go:build unix

package app

import "syscall"

const brokenPipe = syscall.EPIPE
