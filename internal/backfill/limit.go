package backfill

import (
	"context"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/input/quota"
)

// limiter spreads work over time, and holds everybody back for a while when the source asks for it. Safe for concurrent use.
type limiter struct {
	rate Rate

	mu   sync.Mutex
	next time.Time // nobody begins before it
}

// burst is how much of what was not used is made up for.
const burst = time.Second

// wait waits for the turn of an object of so many bytes.
func (l *limiter) wait(ctx context.Context, size int64) error {
	l.mu.Lock()
	now := time.Now()
	var cost time.Duration
	if l.rate.Objects > 0 {
		cost = time.Duration(float64(time.Second) / l.rate.Objects)
	}
	if l.rate.Bytes > 0 {
		cost = max(cost, time.Duration(float64(time.Second)*float64(size)/l.rate.Bytes))
	}
	if earliest := now.Add(-burst); l.next.Before(earliest) {
		l.next = earliest
	}
	at := l.next
	l.next = l.next.Add(cost)
	l.mu.Unlock()
	return quota.Sleep(ctx, at.Sub(now))
}

// pause holds everybody back from now on.
func (l *limiter) pause(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := time.Now().Add(d); until.After(l.next) {
		l.next = until
	}
}
