// Package heap keeps the memory of a process small that works for long.
//
// Go's collector runs when the heap is twice what was in use at its last run (GOGC=100). A flow that uses its memory again allocates little, so that what it
// costs to run the collector earlier can hardly be measured, while the heap stays a third smaller. And what a flow needed at its peak would stay with
// the process for as long as nothing is allocated.
package heap

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	every = 5 * time.Second
	// The heap may grow by tight percent at first, where that makes the collector run more than often in a step, by usual percent, and where it then runs up to
	// seldom, by tight percent again. A cycle costs some 10 ms of one CPU, and tight makes them three times as many, so it is not taken back for what it brings itself.
	seldom, often = 1, 3
	tight, usual  = 33, 100
	// still is how much a process may allocate in a step that counts as idle, in bytes, idleSteps how many of them make it idle, and worth what must have been
	// allocated since memory was given back, for that to be done again.
	still     = 256 << 10
	idleSteps = 4
	worth     = 2 << 20
)

// Tend makes the collector run when the heap has grown by a third, and looks every five seconds, until stop is called, which must be, whether it runs too often for that. When the
// process was idle for 20 seconds, what is free goes back to the system, once. It leaves GOGC alone where the environment sets it.
// There is one heap, so there must be one that tends it.
func Tend() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tend(ctx)
	}()
	return func() {
		cancel()
		<-ended
	}
}

func tend(ctx context.Context) {
	t := tender{percent: tight, release: debug.FreeOSMemory, set: func(percent int) { debug.SetGCPercent(percent) }}
	if os.Getenv("GOGC") != "" {
		t.set = func(int) {}
	}
	t.set(tight) // a step at full speed is enough to reach the peak of hours
	defer func() {
		if t.percent != usual {
			t.set(usual)
		}
	}()
	samples := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}, {Name: "/gc/heap/allocs:bytes"}}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			metrics.Read(samples)
			t.step(samples[0].Value.Uint64(), samples[1].Value.Uint64())
		}
	}
}

// tender decides.
type tender struct {
	set     func(percent int)
	release func()

	percent   int
	cycles    uint64 // of the collector, at the last step
	allocated uint64 // bytes since the process began, at the last step
	released  uint64 // the same when memory was given back last
	idle      int    // steps in a row
}

func (t *tender) step(cycles, allocated uint64) {
	ran, fresh := cycles-t.cycles, allocated-t.allocated
	first := t.allocated == 0
	t.cycles, t.allocated = cycles, allocated
	if first { // its cycles are those of the start
		return
	}
	switch {
	case t.percent == usual && ran <= seldom:
		t.percent = tight
		t.set(tight)
	case t.percent == tight && ran > often:
		t.percent = usual
		t.set(usual)
	}
	t.idle++
	if fresh >= still {
		t.idle = 0
	}
	if t.idle == idleSteps && allocated-t.released >= worth {
		t.release()
		t.released = allocated
	}
}
