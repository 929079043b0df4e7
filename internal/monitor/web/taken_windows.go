package web

import (
	"errors"
	"syscall"
)

// wsaEADDRINUSE is what Windows calls it.
const wsaEADDRINUSE = syscall.Errno(10048)

func isTaken(err error) bool { return errors.Is(err, wsaEADDRINUSE) }
