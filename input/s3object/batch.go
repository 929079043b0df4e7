package s3object

import (
	"fmt"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/batch"
)

// batch makes a batch of memory with records.
func (o *Object) batch(m *batch.Memory) *input.Batch {
	m.Take(0, m.Block.Len(), o.origin)
	o.r.stats.EventsCreated.Add(int64(len(m.Records)))
	o.pending.Add(1)
	return &input.Batch{Records: m.Records, Ack: batch.Once(o.r.deps.Logger, func(err error) {
		if err != nil {
			o.returned.Store(true)
			o.fail(fmt.Errorf("%w: %w", ErrNotDelivered, err))
		}
		o.r.pool.Put(m)
		o.settle()
	})}
}
