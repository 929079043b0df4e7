package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// interruptible gives a context that ends with the first signal to stop. The second one ends the process at once. The
// returned function goes back to Go's own handling.
func interruptible(parent context.Context, stderr io.Writer) (context.Context, func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for seen := 0; ; seen++ {
			select {
			case <-done:
				return
			case s := <-signals:
				if seen > 0 {
					fmt.Fprintf(stderr, "trailbeat: second signal (%s), exiting at once; what was not acknowledged is read again\n", s)
					os.Exit(exitFailed)
				}
				cancel()
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}
