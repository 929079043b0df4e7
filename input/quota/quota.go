// Package quota shares the calls that AWS allows an account in a region among the inputs of a process, and finds out by itself how many
// of them others leave.
package quota

import (
	"context"
	"sync"
	"time"
)

// Limits are the limiters of one kind of call, which AWS counts for each account and region, of all inputs of a process.
// The zero value is ready for use. Safe for concurrent use.
type Limits struct {
	mu sync.Mutex
	of map[string]*Limiter
}

// Get gives the limiter of an account and region, or of whatever else key names.
func (l *Limits) Get(key string) *Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil {
		l.of = make(map[string]*Limiter)
	}
	if l.of[key] == nil {
		l.of[key] = new(Limiter)
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

// Limiter spaces calls out. Throttled, it halves the rate; each good call adds a little to it, up to the floor of the
// caller. Others who use the quota, such as another shipper, so get their share. The zero value is ready for use. Safe for concurrent use.
type Limiter struct {
	mu    sync.Mutex
	pause time.Duration // between calls; 0 means that the floor of the caller alone counts
	next  time.Time     // when the next call may be made
	cut   time.Time     // when the rate was halved last
}

// Wait waits for the turn of the caller; floor is the least pause to the call before.
func (l *Limiter) Wait(ctx context.Context, floor time.Duration) error {
	l.mu.Lock()
	now := time.Now()
	at := l.next
	if at.Before(now) {
		at = now
	}
	l.next = at.Add(max(l.pause, floor))
	l.mu.Unlock()
	return Sleep(ctx, at.Sub(now))
}

// Throttled slows down after a call that was refused. Several calls that were under way together count once.
func (l *Limiter) Throttled(floor time.Duration) {
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

// Good speeds up a little after a call that was not.
func (l *Limiter) Good(floor time.Duration) {
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

// Sleep waits for d, or for the end of ctx.
func Sleep(ctx context.Context, d time.Duration) error {
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
