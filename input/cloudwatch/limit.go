package cloudwatch

import (
	"context"
	"sync"
	"time"
)

// Limits share the quota of FilterLogEvents, which AWS counts for each account and region, among all inputs of a process.
// The zero value is ready for use. Safe for concurrent use.
type Limits struct {
	mu sync.Mutex
	of map[string]*limiter
}

// get gives the limiter of an account and region.
func (l *Limits) get(key string) *limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil {
		l.of = make(map[string]*limiter)
	}
	if l.of[key] == nil {
		l.of[key] = new(limiter)
	}
	return l.of[key]
}

const (
	// leastPause and mostPause bound the pause between calls that throttling leads to.
	leastPause = 100 * time.Millisecond
	mostPause  = 10 * time.Second
	// gain is what each good call adds to the rate, in calls a second.
	gain = 0.1
)

// limiter spaces calls out. Throttled, it halves the rate; each good call adds a little to it, up to the floor of the
// caller. Others who use the quota, such as another shipper, so get their share.
type limiter struct {
	mu    sync.Mutex
	pause time.Duration // between calls; 0 means that the floor of the caller alone counts
	next  time.Time     // when the next call may be made
	cut   time.Time     // when the rate was halved last
}

// wait waits for the turn of the caller; floor is the least pause to the call before.
func (l *limiter) wait(ctx context.Context, floor time.Duration) error {
	l.mu.Lock()
	now := time.Now()
	at := l.next
	if at.Before(now) {
		at = now
	}
	l.next = at.Add(max(l.pause, floor))
	l.mu.Unlock()
	return sleep(ctx, at.Sub(now))
}

// throttled slows down. Several calls that were under way together count once.
func (l *limiter) throttled(floor time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Sub(l.cut) < max(l.pause, floor) {
		return
	}
	l.cut = now
	l.pause = min(2*max(l.pause, floor, leastPause), mostPause)
	if at := now.Add(l.pause); l.next.Before(at) {
		l.next = at
	}
}

// good speeds up a little.
func (l *limiter) good(floor time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pause == 0 {
		return
	}
	rate := float64(time.Second)/float64(l.pause) + gain
	if l.pause = time.Duration(float64(time.Second) / rate); l.pause <= max(floor, leastPause/2) {
		l.pause = 0
	}
}

// sleep waits for d, or for the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
