package shipper

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/output"
)

// breaker is what all workers share while the output is down: they queue here, and one of them at a time tries. The
// others neither load a server that is struggling nor burn a backoff each.
type breaker struct {
	backoff Backoff
	jitter  func(time.Duration) time.Duration
	log     *slog.Logger
	// limit is how long an outage may last until the run gives up. Zero: for ever.
	limit time.Duration

	mu      sync.Mutex
	open    bool
	probing bool // one worker waits for until, or is trying
	tries   int
	until   time.Time   // when the next try may start
	queue   []chan bool // waiting workers; true: you are the next to try, false: all clear
	since   time.Time
	lastLog time.Time
	lastErr error
}

// summaryEvery is how often a lasting fault is logged again.
const summaryEvery = time.Minute

// enter returns at once while the output is up. While it is down it returns to one worker at a time, with probe true, when
// the time for the next try has come, and to all when the output is back. A worker that got probe must end it with
// up, down or leave.
func (b *breaker) enter(ctx context.Context) (probe bool, err error) {
	b.mu.Lock()
	if !b.open {
		b.mu.Unlock()
		return false, nil
	}
	turn := make(chan bool, 1)
	b.queue = append(b.queue, turn)
	b.promote()
	b.mu.Unlock()

	select {
	case probe = <-turn:
	case <-ctx.Done():
		b.giveUp(turn)
		return false, context.Cause(ctx)
	}
	if !probe {
		return false, nil
	}
	b.mu.Lock()
	wait := time.Until(b.until)
	b.mu.Unlock()
	if err := sleep(ctx, wait); err != nil {
		b.leave(true)
		return false, err
	}
	return true, nil
}

// promote makes the first in the queue the next to try. Called with the lock held.
func (b *breaker) promote() {
	if !b.open || b.probing || len(b.queue) == 0 {
		return
	}
	b.probing = true
	b.queue[0] <- true
	b.queue = slices.Delete(b.queue, 0, 1)
}

// giveUp takes a worker out of the queue. It may have been promoted in the meantime: then its turn goes to the next.
func (b *breaker) giveUp(turn chan bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.queue, turn); i >= 0 {
		b.queue = slices.Delete(b.queue, i, i+1)
		return
	}
	if <-turn {
		b.probing = false
		b.promote()
	}
}

// up says that the output answered.
func (b *breaker) up(probe bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if probe {
		b.probing = false
	}
	if !b.open {
		return
	}
	b.open = false
	b.log.Info("output is back", "event.duration", time.Since(b.since), "tries", b.tries)
	b.lastErr = nil
	for _, turn := range b.queue {
		turn <- false
	}
	b.queue = nil
}

// down says that the output did not take anything. atLeast is the shortest time that it asked to be left alone for.
func (b *breaker) down(probe bool, err error, atLeast time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.lastErr = err
	switch {
	case !b.open:
		b.open, b.since, b.tries, b.lastLog = true, now, 0, now
		b.until = now.Add(b.jitter(b.backoff.ceiling(0)))
		if b.limit > 0 {
			b.log.Warn("output is down, waiting for it", "error.message", err, "giving_up_after", b.limit)
		} else {
			b.log.Warn("output is down, waiting for it", "error.message", err)
		}
	case probe:
		b.tries++
		b.until = now.Add(b.jitter(b.backoff.ceiling(b.tries)))
		if now.Sub(b.lastLog) >= summaryEvery {
			b.lastLog = now
			b.log.Warn("output is still down", "error.message", err, "event.duration", now.Sub(b.since), "tries", b.tries)
		}
	}
	// Other workers that were on their way when it went down report too: that is the same fault, not a further try.
	if floor := now.Add(atLeast); b.until.Before(floor) {
		b.until = floor
	}
	// The last try is at the end of the time.
	if end := b.since.Add(b.limit); b.limit > 0 && b.until.After(end) {
		b.until = end
	}
	if probe {
		b.probing = false
		b.promote()
	}
}

// over returns an error when the outage has lasted for as long as it may.
func (b *breaker) over() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open || b.limit <= 0 || time.Since(b.since) < b.limit {
		return nil
	}
	return &output.FatalError{Err: fmt.Errorf("giving up, as the output has taken nothing for %s: %w", b.limit, b.lastErr)}
}

// leave ends a try that says nothing about the output.
func (b *breaker) leave(probe bool) {
	if !probe {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
	b.promote()
}

func (b *breaker) state() (down bool, since time.Time, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open {
		return false, time.Time{}, nil
	}
	return true, b.since, b.lastErr
}
