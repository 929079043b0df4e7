package file

import (
	"fmt"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/batch"
	"github.com/trailbeat/trailbeat/input/progress"
)

// batchMemory is what one batch is made of.
type batchMemory struct {
	*batch.Memory
	segments []*segment
	taken    int // records of the segments; the block may hold some that belong to none
}

// skipped is how many records of the block do not count.
func (m *batchMemory) skipped(upTo int) int { return upTo - m.taken }

func (in *Input) get() *batchMemory { return &batchMemory{Memory: in.pool.Get()} }

// finish makes a batch of m, or nil where nothing is in it.
func (in *Input) finish(m *batchMemory) *input.Batch {
	if m.taken == 0 {
		in.pool.Put(m.Memory)
		return nil
	}
	for _, s := range m.segments {
		m.Take(s.from, s.to, s.origin)
	}
	in.stats.records.Add(int64(len(m.Records)))
	return &input.Batch{Records: m.Records, Ack: batch.Once(in.log, func(err error) {
		if err != nil {
			in.returned.Add(1)
			in.stats.failed.Add(1)
			in.state.Failed(&progress.ReturnedError{What: fmt.Sprintf("a batch of %q", m.segments[0].origin.Path), Err: err})
			if m.segments[0].run == nil {
				in.log.Error("records of a stream were not delivered, and it cannot be read again", "records", m.taken)
			}
		}
		if err := in.ledger.ack(m.segments, err); err != nil {
			in.log.Error("storing checkpoints failed", "error.message", err.Error())
			_ = in.fatal(err)
		}
		in.pool.Put(m.Memory)
		<-in.slots
	})}
}
