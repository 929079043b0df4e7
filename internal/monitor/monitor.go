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
	others  []*watchedOutput // further outputs
	letters *letters
	batches *distribution // records of each batch that an input handed out
	objects *distribution // bytes of each object

	mu         sync.Mutex
	accounting func() shipper.Snapshot
	rules      func() []api.Rule
	integrity  func() *api.Integrity
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
	m.output = m.newOutput("", opt.OutputType)
	return m
}

func (m *Monitor) newOutput(name, kind string) *watchedOutput {
	return &watchedOutput{name: name, kind: kind, now: m.opt.Now, latency: newDistribution(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)}
}

// Attach tells the monitor what it watches: the sources and the accounting of the run. It is the last thing before the run begins.
func (m *Monitor) Attach(sources []shipper.Source, accounting func() shipper.Snapshot) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.accounting = accounting
	m.inputs.attach(sources)
}

// Join tells of a source that became part of the run after Attach, or again.
func (m *Monitor) Join(src *shipper.Source) { m.inputs.join(src) }

// Leave tells that a source is no longer part of the run: it is not shown any more.
func (m *Monitor) Leave(id string) { m.inputs.leave(id) }

// AttachOutput tells the monitor how to know whether an output is down, since when and why. The name is that of FurtherOutput,
// empty for that of Output.
func (m *Monitor) AttachOutput(name string, down func() (bool, time.Time, error)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, o := range m.outputs() {
		if o.name == name {
			o.down = down
		}
	}
}

// AttachRules tells the monitor how to know what the rules of the configuration decided. Their number must be bounded.
func (m *Monitor) AttachRules(rules func() []api.Rule) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rules = rules
}

// AttachIntegrity tells the monitor how to know whether the past is complete.
func (m *Monitor) AttachIntegrity(status func() *api.Integrity) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.integrity = status
}

// outputs are all of them. Called with the lock held.
func (m *Monitor) outputs() []*watchedOutput { return append([]*watchedOutput{m.output}, m.others...) }

// Output puts the monitor around the output itself, behind retries.
func (m *Monitor) Output(next output.Output) output.Output {
	m.output.next = next
	return m.output
}

// FurtherOutput is Output for one of several more, with its name and type. Call it before the run begins.
func (m *Monitor) FurtherOutput(name, kind string, next output.Output) output.Output {
	m.mu.Lock()
	defer m.mu.Unlock()
	o := m.newOutput(name, kind)
	o.next = next
	m.others = append(m.others, o)
	return o
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
	for _, o := range m.outputs() {
		o.tick(now)
	}
	m.fine.add(now, counts.Total, lag, longest)
	m.day.add(now, counts.Total, lag, longest)
	m.last = counts
}
