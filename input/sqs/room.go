package sqs

import (
	"context"
	"sync"
)

// room counts the messages in work, so that no more are received than can be read at once.
type room struct {
	mu              sync.Mutex
	cond            sync.Cond
	workers, flight int // free
	allWorkers      int
}

func (r *room) init(workers, flight int) {
	r.workers, r.allWorkers, r.flight = workers, workers, flight
	r.cond.L = &r.mu
}

// wait waits until a message may be received, and says how many.
func (r *room) wait(ctx context.Context, paused func() bool) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		if err := context.Cause(ctx); err != nil {
			return 0, err
		}
		if n := min(r.workers, r.flight); n > 0 && !paused() {
			return n, nil
		}
		r.cond.Wait()
	}
}

func (r *room) take(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.workers -= n
	r.flight -= n
}

// idle says that a worker is done with reading; left that a message is gone.
func (r *room) idle() { r.add(1, 0) }
func (r *room) left() { r.add(0, 1) }

func (r *room) add(workers, flight int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.workers += workers
	r.flight += flight
	r.cond.Broadcast()
}

// resting says that no worker has anything to read.
func (r *room) resting() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.workers == r.allWorkers
}

// wake lets wait look again. Whoever ends its context calls it.
func (r *room) wake() { r.add(0, 0) }
