//go:build !unix

package app

import (
	"errors"
	"syscall"
)

// onReport does nothing: there is no signal to ask for a report with.
func onReport(func()) func() { return func() {} }

// onHangup never asks: there is no such signal.
func onHangup() (<-chan struct{}, func()) { return nil, func() {} }

func ignoreBrokenPipe() {}

// The errors of Windows for a pipe whose reader has gone.
const (
	errorBrokenPipe = syscall.Errno(109)
	errorNoData     = syscall.Errno(232)
)

// isClosedPipe reports whether a write failed because nobody reads any more.
func isClosedPipe(err error) bool {
	return errors.Is(err, errorBrokenPipe) || errors.Is(err, errorNoData)
}
