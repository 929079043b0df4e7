package s3object

import (
	"fmt"
	"sync/atomic"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/records"
)

// batchMemory is what one batch lives in. It is used again after the Ack.
type batchMemory struct {
	block   records.Block
	records []input.Record
}

// keptBytes is the memory of a batch that is worth keeping.
const keptBytes = 16 << 20

func (r *Reader) get() *batchMemory {
	if m, ok := r.pool.Get().(*batchMemory); ok {
		return m
	}
	return new(batchMemory)
}

func (r *Reader) put(m *batchMemory) {
	if m.block.Cap() > keptBytes {
		return
	}
	m.block.Reset()
	clear(m.records)
	m.records = m.records[:0]
	r.pool.Put(m)
}

// batch makes a batch of a block with records.
func (o *Object) batch(m *batchMemory) *input.Batch {
	for i := range m.block.Len() {
		rec := m.block.At(i)
		m.records = append(m.records, input.Record{Raw: rec.Raw, Origin: o.origin, Index: rec.Index, Offset: rec.Offset})
	}
	o.r.stats.EventsCreated.Add(int64(len(m.records)))
	o.pending.Add(1)
	var acked atomic.Bool
	return &input.Batch{Records: m.records, Ack: func(err error) {
		if acked.Swap(true) {
			o.r.deps.Logger.Error("a batch was acknowledged twice, the second time does not count")
			return
		}
		if err != nil {
			o.returned.Store(true)
			o.fail(fmt.Errorf("%w: %w", ErrNotDelivered, err))
		}
		o.r.put(m)
		o.settle()
	}}
}
