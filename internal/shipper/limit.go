package shipper

import (
	"context"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
)

// RateLimit is an output.Output that lets at most a number of documents through per second. A batch is never split: it
// waits until those before it have used up their time, and then goes as a whole.
type RateLimit struct {
	next      output.Output
	perSecond int

	mu   sync.Mutex
	free time.Time // when the next batch may go
}

// NewRateLimit puts a limit of perSecond documents before next. Zero or less means no limit.
func NewRateLimit(next output.Output, perSecond int) *RateLimit {
	return &RateLimit{next: next, perSecond: perSecond}
}

// Write waits for its turn and writes.
func (l *RateLimit) Write(ctx context.Context, events []*ecs.Event) (output.Result, error) {
	if l.perSecond > 0 {
		if err := sleep(ctx, l.reserve(len(events))); err != nil {
			return output.Result{}, err
		}
	}
	return l.next.Write(ctx, events)
}

// Close closes the output behind it.
func (l *RateLimit) Close() error { return l.next.Close() }

func (l *RateLimit) reserve(n int) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.free.Before(now) {
		l.free = now
	}
	wait := l.free.Sub(now)
	l.free = l.free.Add(time.Duration(float64(n) / float64(l.perSecond) * float64(time.Second)))
	return wait
}
