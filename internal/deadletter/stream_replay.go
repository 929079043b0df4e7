package deadletter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/shipper"
)

// StreamReplay is an input.Input over all letters of a Stream. A letter is deleted once its record is delivered; one that
// fails again stays where it is, with its first reason. Letters written from now on are not part of it. A crash loses
// nothing: what was delivered and not yet deleted is sent again by the next replay, under the same _id.
type StreamReplay struct {
	stream *Stream

	reading sync.Mutex // guards the cursor
	cursor  Cursor
	seen    map[string]struct{}
	closed  bool

	mu    sync.Mutex
	stats ReplayStats
	// failed is the first error of deleting what was delivered.
	failed error
}

var _ input.Input = (*StreamReplay)(nil)

// removeTimeout bounds the deletion of one batch, which happens while the flow waits.
const removeTimeout = time.Minute

// Replay returns an input that delivers the letters of the stream. One replay of a Stream at a time.
func (s *Stream) Replay() (*StreamReplay, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buried != nil {
		return nil, errors.New("replaying dead letters: another replay is running; wait until it has ended")
	}
	s.buried = map[string]struct{}{}
	return &StreamReplay{stream: s, seen: map[string]struct{}{}}, nil
}

// Read returns the next letters as a batch of records; io.EOF after the last.
func (r *StreamReplay) Read(ctx context.Context) (*input.Batch, error) {
	r.reading.Lock()
	defer r.reading.Unlock()
	if r.closed {
		return nil, &input.FatalError{Err: errors.New("replaying dead letters: the replay is closed")}
	}
	for {
		if r.cursor == nil {
			r.cursor = r.stream.cluster.Read(replayRecords)
		}
		docs, err := r.cursor.Next(ctx)
		switch {
		case errors.Is(err, ErrExpired):
			r.cursor = nil // what was handed out is known by its _id
			continue
		case errors.Is(err, io.EOF):
			return nil, io.EOF
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			return nil, &input.FatalError{Err: fmt.Errorf("reading dead letters from the cluster: %w", err)}
		}
		if batch := r.batch(docs); batch != nil {
			return batch, nil
		}
	}
}

// batch makes records of the documents that were not handed out yet. Nil: there are none.
func (r *StreamReplay) batch(docs []Stored) *input.Batch {
	var records []input.Record
	var from []Stored
	for _, d := range docs {
		if _, twice := r.seen[d.ID]; twice || r.stream.isBuried(d.ID) {
			continue
		}
		r.seen[d.ID] = struct{}{}
		l, err := letterOf(d.Source)
		r.mu.Lock()
		if err != nil {
			r.stats.Unreadable++
		} else {
			r.stats.Letters++
		}
		r.mu.Unlock()
		if err != nil {
			r.stream.log.Warn("data stream of dead letters holds a document that is no dead letter; it stays", "elasticsearch.index", d.Index,
				"document.id", d.ID, "error.message", err)
			continue
		}
		d.Source = nil
		records, from = append(records, l.Record), append(from, d)
	}
	if len(records) == 0 {
		return nil
	}
	return &input.Batch{Records: records, Ack: func(err error) {
		if err == nil {
			r.done(from)
		}
	}}
}

// done deletes the letters of a batch, less those that were buried again.
func (r *StreamReplay) done(letters []Stored) {
	var delivered []Stored
	for _, d := range letters {
		if !r.stream.isBuried(d.ID) {
			delivered = append(delivered, d)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), removeTimeout)
	defer cancel()
	n, err := r.stream.cluster.Remove(ctx, delivered)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.Delivered += int64(n)
	if err != nil && r.failed == nil {
		r.failed = fmt.Errorf("%w; the records are delivered, and the next replay sends them again as duplicates", err)
	}
}

func (s *Stream) isBuried(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.buried[id]
	return ok
}

// Stats returns the counts as they are now.
func (r *StreamReplay) Stats() ReplayStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stats
}

// Close ends the replay. Its error says that letters could not be deleted. A second Close does nothing.
func (r *StreamReplay) Close() error {
	r.reading.Lock()
	defer r.reading.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	r.stream.mu.Lock()
	r.stream.buried = nil
	r.stream.mu.Unlock()
	r.mu.Lock()
	err := r.failed
	r.mu.Unlock()
	if r.cursor != nil {
		ctx, cancel := context.WithTimeout(context.Background(), removeTimeout)
		defer cancel()
		// The server forgets the cursor by itself.
		_ = r.cursor.Close(ctx)
	}
	return err
}

// Each calls fn for every letter that is stored, with an error in its place for what is no letter. It changes nothing.
func (s *Stream) Each(ctx context.Context, fn func(*shipper.Letter, error)) error {
	seen := map[string]struct{}{}
	for {
		again, err := s.each(ctx, seen, fn)
		if !again {
			return err
		}
	}
}

// each reads with one cursor. again says that the server has forgotten it.
func (s *Stream) each(ctx context.Context, seen map[string]struct{}, fn func(*shipper.Letter, error)) (again bool, err error) {
	cursor := s.cluster.Read(replayRecords)
	defer func() { _ = cursor.Close(context.WithoutCancel(ctx)) }() // the server forgets it by itself
	for {
		docs, err := cursor.Next(ctx)
		switch {
		case errors.Is(err, ErrExpired):
			return true, nil
		case errors.Is(err, io.EOF):
			return false, nil
		case err != nil:
			return false, fmt.Errorf("reading dead letters from the cluster: %w", err)
		}
		for _, d := range docs {
			if _, twice := seen[d.ID]; twice {
				continue
			}
			seen[d.ID] = struct{}{}
			l, err := letterOf(d.Source)
			fn(&l, err)
		}
	}
}
