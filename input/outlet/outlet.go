// Package outlet is the side of an input that faces its reader: what waits for Read, the faults that Read tells, and the end. It is for
// inputs whose own goroutines make the batches. What they read, and how its progress is kept, is theirs.
//
// All methods are safe for concurrent use.
package outlet

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/progress"
)

// maxFaults bounds what waits for Read. More is counted by the progress.Tracker and says nothing new.
const maxFaults = 100

// Outlet hands over batches and faults.
type Outlet struct {
	state *progress.Tracker
	lost  error

	batches  chan *input.Batch
	told     chan struct{} // there is a fault
	finished chan struct{}
	closed   chan struct{}
	shut     sync.Once
	ctx      context.Context
	cancel   context.CancelFunc

	mu     sync.Mutex
	faults []error
	broken *input.FatalError

	returned, unsaid atomic.Int64
}

// New makes an Outlet for an input with that state. lost is what it says of what came back, behind a number: "objects were not
// delivered: they are not done, run again to send them".
func New(state *progress.Tracker, lost error) *Outlet {
	o := &Outlet{
		state: state, lost: lost,
		batches: make(chan *input.Batch), told: make(chan struct{}, 1), finished: make(chan struct{}), closed: make(chan struct{}),
	}
	o.ctx, o.cancel = context.WithCancel(context.Background())
	return o
}

// Context is that of the goroutines of the input. It outlives each Read and ends with Close or Break.
func (o *Outlet) Context() context.Context { return o.ctx }

// Read waits for a batch or for something to tell, and keeps the contract of input.Input: io.EOF comes after Finish, or before it an
// error where something came back of which nobody spoke yet.
func (o *Outlet) Read(ctx context.Context) (*input.Batch, error) {
	for {
		select {
		case <-o.closed:
			return nil, os.ErrClosed
		default:
		}
		if err := o.Broken(); err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := o.fault(); err != nil {
			return nil, err
		}
		select {
		case b := <-o.batches:
			return b, nil
		case <-o.told:
		case <-o.finished:
			return nil, o.end()
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-o.closed:
			return nil, os.ErrClosed
		}
	}
}

// end is what Read says when all was read.
func (o *Outlet) end() error {
	for _, said := range []func() error{o.Broken, o.fault, o.NotDelivered} {
		if err := said(); err != nil {
			return err
		}
	}
	return io.EOF
}

// fault gives the next thing that Read has to tell.
func (o *Outlet) fault() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.faults) == 0 {
		return nil
	}
	err := o.faults[0]
	o.faults = o.faults[1:]
	return err
}

// Send waits until Read takes the batch. An error is that of ctx: nobody got it.
func (o *Outlet) Send(ctx context.Context, b *input.Batch) error {
	select {
	case o.batches <- b:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Tell makes Read return an error. It does not wait.
func (o *Outlet) Tell(err error) {
	o.mu.Lock()
	if len(o.faults) < maxFaults {
		o.faults = append(o.faults, err)
	}
	o.mu.Unlock()
	o.nudge()
}

func (o *Outlet) nudge() {
	select {
	case o.told <- struct{}{}:
	default:
	}
}

// Break ends the input with an error that is fatal: without checkpoints nothing that it reads could be called done.
func (o *Outlet) Break(err error) {
	o.state.Failed(err)
	o.state.Ended()
	o.mu.Lock()
	if o.broken == nil {
		o.broken = &input.FatalError{Err: err}
	}
	o.mu.Unlock()
	o.cancel()
	o.nudge()
}

// Broken is what Break ended the input with, as an *input.FatalError; nil where it did not.
func (o *Outlet) Broken() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.broken == nil { // a nil pointer would be an error
		return nil
	}
	return o.broken
}

// Finish says that all was read. It must be called once at the most, after the last Send.
func (o *Outlet) Finish() {
	o.state.Ended()
	close(o.finished)
}

// Close ends a Read that is under way, which then gives os.ErrClosed, and the Context.
func (o *Outlet) Close() {
	o.shut.Do(func() { close(o.closed) })
	o.cancel()
}

// CameBack counts something that was handed over and acknowledged with an error.
func (o *Outlet) CameBack() {
	o.returned.Add(1)
	o.unsaid.Add(1)
}

// Returned is how often CameBack was called.
func (o *Outlet) Returned() int64 { return o.returned.Load() }

// NotDelivered is an error that says how much came back since it was last asked; nil where nothing did.
func (o *Outlet) NotDelivered() error {
	n := o.unsaid.Swap(0)
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%d %w", n, o.lost)
}
