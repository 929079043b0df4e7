package monitor

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
)

// watchedOutput measures each try of a write. It stands behind the retries, so that it sees what the server sees.
type watchedOutput struct {
	// name is that below outputs, kind the type.
	name, kind string
	next       output.Output
	down       func() (bool, time.Time, error) // nil: never; guarded by the monitor
	now        func() time.Time
	latency    *distribution
	active     atomic.Int64

	mu    sync.Mutex
	count outputCounts
	// the mean of the last minute, taken at each tick
	past      [30]outputTime
	at        int
	lastWrite time.Time
	lastError string
	errorTime time.Time
}

type outputCounts struct {
	batches, failedBatches int64
	sent, retried, refused int64
	stored, duplicate      int64
	busy                   time.Duration
}

type outputTime struct {
	batches int64
	busy    time.Duration
}

// Write implements output.Output.
func (o *watchedOutput) Write(ctx context.Context, events []*ecs.Event) (output.Result, error) {
	o.active.Add(int64(len(events)))
	start := o.now()
	res, err := o.next.Write(ctx, events)
	end := o.now()
	o.active.Add(-int64(len(events)))
	o.latency.observe(end.Sub(start).Seconds())

	o.mu.Lock()
	defer o.mu.Unlock()
	o.count.batches++
	o.count.sent += int64(len(events))
	o.count.busy += end.Sub(start)
	var partly *output.BatchError
	switch {
	case err == nil, errors.As(err, &partly):
		o.count.stored += int64(res.Stored)
		o.count.duplicate += int64(res.Duplicate)
		o.lastWrite = end
		if partly == nil {
			break
		}
		for _, f := range partly.Failures {
			if f.Permanent {
				o.count.refused++
			} else {
				o.count.retried++
			}
		}
	default:
		o.count.failedBatches++
		o.count.retried += int64(len(events))
		o.lastError, o.errorTime = err.Error(), end
	}
	return res, err
}

// Close implements output.Output.
func (o *watchedOutput) Close() error { return o.next.Close() }

func (o *watchedOutput) tick(time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.past[o.at] = outputTime{o.count.batches, o.count.busy}
	o.at = (o.at + 1) % len(o.past)
}

// mean is the time of one write in the last minute, in seconds. Called with the lock held.
func (o *watchedOutput) mean() float64 {
	past := o.past[o.at] // the oldest; zero at the beginning
	if n := o.count.batches - past.batches; n > 0 {
		return (o.count.busy - past.busy).Seconds() / float64(n)
	}
	return 0
}
