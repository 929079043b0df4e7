//go:build unix

package app

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// onReport calls fn with each signal that asks for a report, until the returned function is called.
func onReport(fn func()) func() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-signals:
				fn()
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

// ignoreBrokenPipe makes a write to a closed pipe an error, where Go would end the process.
func ignoreBrokenPipe() { signal.Ignore(syscall.SIGPIPE) }

// isClosedPipe reports whether a write failed because nobody reads any more.
func isClosedPipe(err error) bool {
	return errors.Is(err, syscall.EPIPE)
}

// onHangup gives a channel with a value for each signal that asks for the configuration to be loaded anew, of several at once one,
// until the returned function is called.
func onHangup() (<-chan struct{}, func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	asked, done := make(chan struct{}), make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-signals:
				select {
				case asked <- struct{}{}:
				case <-done:
					return
				}
			}
		}
	}()
	return asked, func() {
		signal.Stop(signals)
		close(done)
	}
}
