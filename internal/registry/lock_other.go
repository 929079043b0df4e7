//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package registry

import (
	"errors"
	"os"
)

func tryLock(*os.File) error {
	return errors.New("this operating system is not supported: there is no file lock for it")
}
