package monitor

import (
	"github.com/trailbeat/trailbeat/internal/monitor/api"
	"github.com/trailbeat/trailbeat/internal/shipper"
)

// Stats are the counters behind the metrics: all that only grows, and what is needed to tell them apart. Labels are bounded.
type Stats struct {
	Counts shipper.Snapshot
	// Batches is the number of records of each batch that inputs handed out, Objects the unpacked size of files and S3 objects in bytes.
	Batches, Objects Histogram
	// ObjectsStarted and ObjectsDone count files and S3 objects.
	ObjectsStarted, ObjectsDone int64
	// Output is that of the group output. Outputs are all, it first.
	Output  OutputStats
	Outputs []OutputStats
	// Rules are those of the configuration.
	Rules []api.Rule
	// Places are accounts and regions, at most api.MaxPlaces.
	Places []PlaceStats
	// Letters counts dead letters by type.
	Letters map[string]int64
}

// OutputStats counts what was written. What is sent again counts again.
type OutputStats struct {
	// Name is that below outputs. Empty: that of the group output.
	Name string
	// Up says that the circuit is closed.
	Up bool
	// Writes is the time that one write took, in seconds.
	Writes                   Histogram
	Batches, FailedBatches   int64
	Sent, Stored, Duplicate  int64
	Retried, Refused, Active int64
}

// PlaceStats is an account in a region.
type PlaceStats struct {
	Account, Region string
	Events          int64
	// Lag from eventTime to durable, in seconds.
	Lag Histogram
	// Newest is the latest eventTime as Unix time, 0: none.
	Newest int64
}

// LagBounds are the upper bounds of lags in seconds.
func LagBounds() []float64 {
	out := make([]float64, len(lagBounds))
	for i, b := range lagBounds {
		out[i] = float64(b)
	}
	return out
}

// Stats gives the counters of now.
func (m *Monitor) Stats() Stats {
	s := Stats{Batches: m.batches.histogram(), Objects: m.objects.histogram(), Letters: map[string]int64{}}
	m.mu.Lock()
	s.Counts = m.snapshot()
	for _, o := range m.outputs() {
		s.Outputs = append(s.Outputs, o.stats())
	}
	s.Output = s.Outputs[0]
	if m.rules != nil {
		s.Rules = m.rules()
	}
	m.mu.Unlock()

	m.inputs.mu.Lock()
	s.ObjectsStarted, s.ObjectsDone = m.inputs.started, m.inputs.closed
	m.inputs.mu.Unlock()

	m.letters.mu.Lock()
	for kind, one := range m.letters.byType {
		s.Letters[kind] = one.Count
	}
	m.letters.mu.Unlock()

	bounds := LagBounds()
	m.passage.mu.Lock()
	defer m.passage.mu.Unlock()
	for _, at := range m.passage.order {
		p := PlaceStats{Account: at.account, Region: at.region, Events: at.events, Newest: at.newest}
		p.Lag = Histogram{Bounds: bounds, Counts: make([]uint64, len(at.lag)), Sum: float64(at.lagSum)}
		for i, n := range at.lag {
			p.Lag.Counts[i] = uint64(n)
		}
		s.Places = append(s.Places, p)
	}
	return s
}

func (o *watchedOutput) stats() OutputStats {
	s := OutputStats{Name: o.name, Up: true, Writes: o.latency.histogram()}
	if o.down != nil {
		down, _, _ := o.down()
		s.Up = !down
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	c := &o.count
	s.Batches, s.FailedBatches, s.Sent, s.Stored = c.batches, c.failedBatches, c.sent, c.stored
	s.Duplicate, s.Retried, s.Refused, s.Active = c.duplicate, c.retried, c.refused, o.active.Load()
	return s
}
