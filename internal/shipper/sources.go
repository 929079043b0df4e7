package shipper

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

var (
	// ErrEnded says that a run takes no more sources, as it ends.
	ErrEnded = errors.New("the run ends and takes no more inputs")
	// ErrNoSource says that the run has no source with that id.
	ErrNoSource = errors.New("there is no such input in the run")

	errRemoved = errors.New("the input is taken out of the run")
)

// flow is what the sources of a run share.
type flow struct {
	reading, writing context.Context
	batches          chan<- delivery
	readers          *sync.WaitGroup
	errs             *errorList
}

// running is a source while it is part of the run.
type running struct {
	src *Source
	// reading ends when no more is to be read, handing when what was read is not to be handed to a worker either, writing when
	// workers are to give up what they have of it.
	reading, handing, writing context.Context
	stop, drop, giveUp        context.CancelCauseFunc
	// ended is closed when nothing is read any more.
	ended chan struct{}
	// fault is why the input failed for good; it is read when ended is closed.
	fault error
	// flight counts the batches that were read and not acknowledged.
	flight sync.WaitGroup
}

// begin reads the sources that are there.
func (s *Shipper) begin(f *flow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flow = f
	if s.opt.Open {
		// It holds the run open, and says that no more sources may come before it lets go.
		f.readers.Go(func() {
			<-f.reading.Done()
			s.mu.Lock()
			defer s.mu.Unlock()
			s.over = true
		})
	}
	for i := range s.opt.Sources {
		s.join(&s.opt.Sources[i], f.errs.add)
	}
	for _, src := range s.early {
		s.join(src, func(error) {})
	}
}

// end gives the sources that are still part of the run, to be closed.
func (s *Shipper) end() []*Source {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	var left []*Source
	for i := range s.opt.Sources {
		if r := s.running[s.opt.Sources[i].ID]; r != nil && r.src == &s.opt.Sources[i] {
			left = append(left, r.src)
			delete(s.running, r.src.ID)
		}
	}
	for id, r := range s.running {
		left = append(left, r.src)
		delete(s.running, id)
	}
	return left
}

// join begins to read a source. Called with the lock held.
func (s *Shipper) join(src *Source, failed func(error)) {
	r := &running{src: src, ended: make(chan struct{})}
	r.reading, r.stop = context.WithCancelCause(s.flow.reading)
	r.handing, r.drop = context.WithCancelCause(s.flow.reading)
	r.writing, r.giveUp = context.WithCancelCause(s.flow.writing)
	s.running[src.ID] = r
	batches := s.flow.batches
	s.flow.readers.Go(func() {
		defer close(r.ended)
		r.fault = s.read(r, batches)
		failed(r.fault)
	})
}

// Add reads one more source, now or with Run. It needs Options.Open. The input is then closed by Remove or by Run; with an error
// it stays with the caller: ErrEnded where the run ends, or a source of that id is there. That the input fails for good does not make
// Run fail: Health tells. A source that was removed comes back with its counts.
func (s *Shipper) Add(src Source) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.opt.Open:
		return fmt.Errorf("adding input %q: the inputs of this run are fixed", src.ID)
	case s.over || s.flow != nil && s.flow.reading.Err() != nil:
		return fmt.Errorf("adding input %q: %w", src.ID, ErrEnded)
	case src.Input == nil:
		return fmt.Errorf("adding input %q: the input is missing", src.ID)
	case s.has(src.ID):
		return fmt.Errorf("adding input %q: there is an input of that id", src.ID)
	}
	s.accounting.add(src.ID)
	if s.flow == nil {
		s.early = append(s.early, &src)
		return nil
	}
	s.join(&src, func(error) {})
	return nil
}

// has reports whether a source of that id is there. Called with the lock held.
func (s *Shipper) has(id string) bool {
	if s.flow != nil {
		return s.running[id] != nil
	}
	for i := range s.opt.Sources {
		if s.opt.Sources[i].ID == id {
			return true
		}
	}
	for _, src := range s.early {
		if src.ID == id {
			return true
		}
	}
	return false
}

// Remove takes a source out of the run: no more of it is read, what was read is delivered, and its input is closed. When ctx ends
// before, what is not delivered by then is handed back to the input; returned is the number of these records. The error is
// ErrNoSource, or that of closing the input. The other sources go on.
func (s *Shipper) Remove(ctx context.Context, id string) (returned int64, err error) {
	s.mu.Lock()
	r := s.running[id]
	delete(s.running, id) // Run does not close it then
	s.mu.Unlock()
	if r == nil {
		return 0, fmt.Errorf("removing input %q: %w", id, ErrNoSource)
	}
	before := s.accounting.of(id).Returned
	r.stop(errRemoved)
	giveUp := context.AfterFunc(ctx, func() {
		r.drop(errRemoved)
		r.giveUp(errRemoved)
	})
	<-r.ended
	r.flight.Wait()
	giveUp()
	r.drop(nil)
	r.giveUp(nil)
	if err := r.src.Input.Close(); err != nil {
		return s.accounting.of(id).Returned - before, fmt.Errorf("closing input %q: %w", id, err)
	}
	return s.accounting.of(id).Returned - before, nil
}

// Health tells whether a source of that id is part of the run, whether it is still read, and if not, why it failed for good; nil:
// it is exhausted.
func (s *Shipper) Health(id string) (there, reading bool, fault error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.running[id]
	if r == nil {
		return s.has(id), false, nil
	}
	select {
	case <-r.ended:
		return true, false, r.fault
	default:
		return true, true, nil
	}
}
