package monitor

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/monitor/api"
	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/output"
)

// Options are what a Monitor is made of. All may be zero.
type Options struct {
	// Program is shown as it is; Started and Uptime are filled in.
	Program api.Program
	// OutputType is the type of the output in the configuration.
	OutputType string
	// LetterPlace is where dead letters are, for people.
	LetterPlace string
	// Sample is how many bytes of the record a dead letter shows. Zero: none, as events may hold what not everybody may see.
	Sample int
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}

// Monitor watches a run. Make it with New, put Output and Letters around what the flow writes to, give it to the flow as its
// Observer, then Attach the flow and let Run take the time. Safe for concurrent use.
type Monitor struct {
	opt Options

	passage *passage
	inputs  *inputs
	output  *watchedOutput
	letters *letters
	batches *distribution // records of each batch that an input handed out
	objects *distribution // bytes of each object

	mu         sync.Mutex
	accounting func() shipper.Snapshot
	down       func() (bool, time.Time, error)
	fine, day  *ring
	last       shipper.Snapshot // at the last point
	stopping   atomic.Bool
}

var _ shipper.Observer = (*Monitor)(nil)

// New makes a Monitor for one run.
func New(opt Options) *Monitor {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	now := opt.Now()
	opt.Program.Started = now.UTC()
	m := &Monitor{
		opt: opt, passage: newPassage(opt.Program.Details, now), inputs: newInputs(),
		letters: newLetters(opt.Sample, opt.Now),
		batches: newDistribution(1, 10, 50, 100, 250, 500, 1000, 2000, 5000),
		objects: newDistribution(1<<10, 10<<10, 100<<10, 1<<20, 5<<20, 10<<20, 50<<20, 100<<20, 1<<30),
		fine:    newRing(finePoints, fineStep), day: newRing(dayPoints, dayStep),
	}
	m.output = &watchedOutput{now: opt.Now, latency: newDistribution(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)}
	return m
}

// Attach tells the monitor what it watches: the sources, the accounting of the run, and whether the output is down (nil: never).
func (m *Monitor) Attach(sources []shipper.Source, accounting func() shipper.Snapshot, down func() (bool, time.Time, error)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.accounting, m.down = accounting, down
	m.inputs.attach(sources)
}

// Join tells of a source that became part of the run after Attach, or again.
func (m *Monitor) Join(src *shipper.Source) { m.inputs.join(src) }

// Leave tells that a source is no longer part of the run: it is not shown any more.
func (m *Monitor) Leave(id string) { m.inputs.leave(id) }

// Output puts the monitor around the output itself, behind retries.
func (m *Monitor) Output(next output.Output) output.Output {
	m.output.next = next
	return m.output
}

// Letters puts the monitor around the dead letters.
func (m *Monitor) Letters(next shipper.DeadLetters) shipper.DeadLetters {
	m.letters.next = next
	return m.letters
}

// Stopping says that the run comes to its end: it is no longer ready.
func (m *Monitor) Stopping() { m.stopping.Store(true) }

// Run takes a point of the series every two seconds, until ctx ends.
func (m *Monitor) Run(ctx context.Context) {
	t := time.NewTicker(fineStep)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			m.Tick()
		case <-ctx.Done():
			return
		}
	}
}

// Received implements shipper.Observer.
func (m *Monitor) Received(src *shipper.Source, batch *input.Batch) {
	m.batches.observe(float64(len(batch.Records)))
	m.inputs.received(src.ID, batch.Records, m.opt.Now(), m.objects)
}

// ReadFailed implements shipper.Observer.
func (m *Monitor) ReadFailed(src *shipper.Source, err error) {
	m.inputs.failed(src.ID, err, m.opt.Now())
}

// Ended implements shipper.Observer.
func (m *Monitor) Ended(src *shipper.Source, err error) { m.inputs.ended(src.ID, err, m.opt.Now()) }

// Written implements shipper.Observer.
func (m *Monitor) Written(_ *shipper.Source, events []*ecs.Event, res output.Result, refused *output.BatchError) {
	m.passage.written(events, res, refused, m.opt.Now())
}

// snapshot is the accounting of now.
func (m *Monitor) snapshot() shipper.Snapshot {
	if m.accounting == nil {
		return shipper.Snapshot{}
	}
	return m.accounting()
}

// Tick takes one point of the series. Run calls it; tests with a clock of their own do.
func (m *Monitor) Tick() {
	now := m.opt.Now()
	lag, longest := m.passage.lag(now)
	m.inputs.sweep(now, m.objects)
	m.mu.Lock()
	defer m.mu.Unlock()
	counts := m.snapshot()
	m.inputs.tick(counts, now)
	m.output.tick(now)
	m.fine.add(now, counts.Total, lag, longest)
	m.day.add(now, counts.Total, lag, longest)
	m.last = counts
}
