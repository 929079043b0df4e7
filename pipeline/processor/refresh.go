package processor

import (
	"sync"
	"sync/atomic"
	"time"
)

// refreshed is a value that is made again from time to time, by whoever needs it when it is due. Nobody waits for that but
// the one who does it.
type refreshed[T any] struct {
	value atomic.Pointer[T]
	every time.Duration // zero: never
	now   func() time.Time
	// make gives the new value; nil keeps the old one.
	make func() *T

	mu  sync.Mutex
	due atomic.Int64 // Unix nanoseconds
}

func (r *refreshed[T]) start(first *T) {
	r.value.Store(first)
	r.due.Store(r.now().Add(r.every).UnixNano())
}

func (r *refreshed[T]) get() *T {
	if r.every > 0 && r.now().UnixNano() >= r.due.Load() && r.mu.TryLock() {
		if fresh := r.make(); fresh != nil {
			r.value.Store(fresh)
		}
		r.due.Store(r.now().Add(r.every).UnixNano())
		r.mu.Unlock()
	}
	return r.value.Load()
}
