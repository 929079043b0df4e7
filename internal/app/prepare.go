package app

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
)

// lateOutput is an output whose place could not be prepared when the run began, as its server was down. It does so before
// the first write: without its template a server makes an index of its own idea, or refuses for good.
type lateOutput struct {
	output.Output
	prepare func(context.Context) error

	mu    sync.Mutex
	ready bool
	// why is the latest reason why it is not prepared; nil: it is. Apart from the lock, which is held while the server is asked.
	why atomic.Pointer[error]
}

// Write prepares the place where that was not done yet. An error of that says nothing about the events.
func (o *lateOutput) Write(ctx context.Context, events []*ecs.Event) (output.Result, error) {
	if err := o.prepareOnce(ctx); err != nil {
		return output.Result{}, err
	}
	return o.Output.Write(ctx, events)
}

func (o *lateOutput) prepareOnce(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ready {
		return nil
	}
	if err := o.prepare(ctx); err != nil {
		o.why.Store(&err)
		return err
	}
	o.ready = true
	o.why.Store(nil)
	return nil
}
