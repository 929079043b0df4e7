// Package batch is what inputs make their batches of: their bounds, the memory that they live in, and acknowledgements that count once.
package batch

import (
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/records"
)

// Limits are the bounds of a batch. They stand inline in the options of an input.
type Limits struct {
	// BatchMaxRecords is the most records of one batch. Default 500; must be above 0.
	BatchMaxRecords int `config:"batch_max_records"`
	// BatchMaxBytes is the most bytes of raw records in one batch; one larger record makes a batch of its own.
	// Default 2MiB; must be above 0 and at most 1GiB.
	BatchMaxBytes int64 `config:"batch_max_bytes,bytes"`
}

// DefaultLimits gives the defaults. Two workers have four batches in memory, each with its documents: with batches of 1000 records
// they take 15 MiB more, and are no quicker.
func DefaultLimits() Limits { return Limits{BatchMaxRecords: 500, BatchMaxBytes: 2 << 20} }

// Validate tells bad what is wrong.
func (l Limits) Validate(bad func(format string, args ...any)) {
	if l.BatchMaxRecords <= 0 {
		bad("batch_max_records: must be > 0, is %d", l.BatchMaxRecords)
	}
	if l.BatchMaxBytes <= 0 || l.BatchMaxBytes > 1<<30 {
		bad("batch_max_bytes: must be > 0 and at most 1GiB, is %d", l.BatchMaxBytes)
	}
}

// Flight are the bounds of all batches of an input that hands out one after the other. They stand inline in its options.
type Flight struct {
	// Limits bound the batches.
	Limits `config:",inline"`
	// MaxBatchesInFlight is how many batches may wait for their acknowledgement before reading waits. Default 16; must be above 0.
	MaxBatchesInFlight int `config:"max_batches_in_flight"`
}

// DefaultFlight gives the defaults.
func DefaultFlight() Flight { return Flight{Limits: DefaultLimits(), MaxBatchesInFlight: 16} }

// Validate tells bad what is wrong.
func (f Flight) Validate(bad func(format string, args ...any)) {
	f.Limits.Validate(bad)
	if f.MaxBatchesInFlight <= 0 {
		bad("max_batches_in_flight: must be > 0, is %d", f.MaxBatchesInFlight)
	}
}

// ValidateRecordBytes tells bad what is wrong with max_record_bytes, of which 0 means the default.
func ValidateRecordBytes(n int64, bad func(format string, args ...any)) {
	if n < 0 || n > 1<<30 {
		bad("max_record_bytes: must be >= 0 and at most 1GiB, is %d", n)
	}
}

// Memory is what one batch lives in.
type Memory struct {
	Block   records.Block
	Records []input.Record

	pool *Pool // nil: none
}

// Take adds the entries of the block from one on and before another to the records.
func (m *Memory) Take(from, to int, origin *input.Origin) {
	if size := m.Block.Cap(); m.pool != nil && size <= keptBytes {
		m.pool.size.Store(int64(size))
	}
	m.Records = slices.Grow(m.Records, to-from)
	for i := from; i < to; i++ {
		r := m.Block.At(i)
		m.Records = append(m.Records, input.Record{Raw: r.Raw, Origin: origin, Index: r.Index, Offset: r.Offset})
	}
}

// keptBytes is the memory of a batch that is worth keeping.
const keptBytes = 16 << 20

// Pool keeps memory from one batch to the next. The zero value is ready for use. Safe for concurrent use.
type Pool struct {
	pool sync.Pool
	size atomic.Int64 // bytes of the block of the last batch: new ones begin with that, and need not grow step by step
}

// Get gives memory with nothing in it.
func (p *Pool) Get() *Memory {
	if m, ok := p.pool.Get().(*Memory); ok {
		return m
	}
	m := &Memory{pool: p}
	m.Block.Reserve(int(p.size.Load()))
	return m
}

// Put takes memory back that nobody uses any more: after the acknowledgement of its batch.
func (p *Pool) Put(m *Memory) {
	if m.Block.Cap() > keptBytes {
		return
	}
	m.Block.Reset()
	clear(m.Records)
	m.Records = m.Records[:0]
	p.pool.Put(m)
}

// Once makes an acknowledgement that counts once. A second one is a fault of the flow, is logged and does nothing else.
func Once(log *slog.Logger, ack func(error)) func(error) {
	var acked atomic.Bool
	return func(err error) {
		if acked.Swap(true) {
			log.Error("a batch was acknowledged twice, the second time does not count")
			return
		}
		ack(err)
	}
}
