package sqs

import (
	"context"
	"sync"

	"github.com/trailbeat/trailbeat/input"
)

// handoff is the short queue between the workers and Read, bounded in bytes of records.
type handoff struct {
	limit int

	mu     sync.Mutex
	cond   sync.Cond
	pieces []piece
	bytes  int
}

type piece struct {
	batch *input.Batch
	bytes int
}

func newHandoff(limit int) *handoff {
	h := &handoff{limit: limit}
	h.cond.L = &h.mu
	return h
}

// wait waits on the condition until ctx ends. Held: mu.
func (h *handoff) wait(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.cond.Broadcast()
	})
	defer stop()
	h.cond.Wait()
	return nil
}

// put waits for room and adds a batch.
func (h *handoff) put(ctx context.Context, b *input.Batch) error {
	p := piece{batch: b}
	for _, r := range b.Records {
		p.bytes += len(r.Raw)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.pieces) > 0 && h.bytes+p.bytes > h.limit {
		if err := h.wait(ctx); err != nil {
			return err
		}
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	h.pieces = append(h.pieces, p)
	h.bytes += p.bytes
	h.cond.Broadcast()
	return nil
}

// wake lets take look again at what it waits for.
func (h *handoff) wake() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cond.Broadcast()
}

// take waits for batches and joins those that fit. over is asked when there are none: its error ends the waiting.
func (h *handoff) take(ctx context.Context, maxRecords int, over func() error) (*input.Batch, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := over(); err != nil {
			return nil, err
		}
		if len(h.pieces) > 0 {
			break
		}
		if err := h.wait(ctx); err != nil {
			return nil, ctx.Err()
		}
	}
	n, count, size := 0, 0, 0
	for _, p := range h.pieces {
		if n > 0 && (count+len(p.batch.Records) > maxRecords || size+p.bytes > h.limit) {
			break
		}
		n, count, size = n+1, count+len(p.batch.Records), size+p.bytes
	}
	batch := join(h.pieces[:n], count)
	rest := copy(h.pieces, h.pieces[n:])
	clear(h.pieces[rest:])
	h.pieces = h.pieces[:rest]
	h.bytes -= size
	h.cond.Broadcast()
	return batch, nil
}

// empty gives what nobody took.
func (h *handoff) empty() []*input.Batch {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []*input.Batch
	for _, p := range h.pieces {
		list = append(list, p.batch)
	}
	h.pieces, h.bytes = nil, 0
	return list
}

// join makes one batch of several. Their acks are those of the whole.
func join(pieces []piece, count int) *input.Batch {
	if len(pieces) == 1 {
		return pieces[0].batch
	}
	joined := &input.Batch{Records: make([]input.Record, 0, count)}
	acks := make([]func(error), 0, len(pieces))
	for _, p := range pieces {
		joined.Records = append(joined.Records, p.batch.Records...)
		acks = append(acks, p.batch.Ack)
	}
	var once sync.Once
	joined.Ack = func(err error) {
		once.Do(func() {
			for _, ack := range acks {
				ack(err)
			}
		})
	}
	return joined
}
