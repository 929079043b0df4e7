package file

import (
	"sync/atomic"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/records"
)

// batchMemory is what one batch lives in. It is used again after the Ack.
type batchMemory struct {
	block    records.Block
	records  []input.Record
	segments []*segment
	taken    int // records of the segments; the block may hold some that belong to none
}

// skipped is how many records of the block do not count.
func (m *batchMemory) skipped(upTo int) int { return upTo - m.taken }

// keptBytes is the memory of a batch that is worth keeping.
const keptBytes = 16 << 20

func (in *Input) get() *batchMemory {
	if m, ok := in.pool.Get().(*batchMemory); ok {
		return m
	}
	return new(batchMemory)
}

func (in *Input) put(m *batchMemory) {
	if m.block.Cap() > keptBytes {
		return
	}
	m.block.Reset()
	clear(m.records)
	clear(m.segments)
	m.records, m.segments, m.taken = m.records[:0], m.segments[:0], 0
	in.pool.Put(m)
}

// finish makes a batch of m, or nil where nothing is in it.
func (in *Input) finish(m *batchMemory) *input.Batch {
	if m.taken == 0 {
		in.put(m)
		return nil
	}
	for _, s := range m.segments {
		for i := s.from; i < s.to; i++ {
			r := m.block.At(i)
			m.records = append(m.records, input.Record{Raw: r.Raw, Origin: s.origin, Index: r.Index, Offset: r.Offset})
		}
	}
	in.stats.records.Add(int64(len(m.records)))
	var acked atomic.Bool
	return &input.Batch{Records: m.records, Ack: func(err error) {
		if acked.Swap(true) {
			in.log.Error("a batch was acknowledged twice, the second time does not count")
			return
		}
		if err != nil {
			in.returned.Add(1)
			in.stats.failed.Add(1)
			in.state.Failed(returnedError{m.segments[0].origin.Path, err})
			if m.segments[0].run == nil {
				in.log.Error("records of a stream were not delivered, and it cannot be read again", "records", m.taken)
			}
		}
		if err := in.ledger.ack(m.segments, err); err != nil {
			in.log.Error("storing checkpoints failed", "error.message", err.Error())
			_ = in.fatal(err)
		}
		in.put(m)
		<-in.slots
	}}
}
