package file

import (
	"fmt"
	"sync"

	"github.com/trailbeat/trailbeat/input"
)

// segment is the part of a batch that came from one file.
type segment struct {
	run      *run // nil for a stream
	origin   *input.Origin
	from, to int // entries of the block
	settled  bool
	failed   bool

	// The progress of the file when this segment and all before it are acknowledged.
	records, offset int64
	last            string
	lines, packed   bool
}

// run is one reading of one file, from opening it to the last acknowledgement. Guarded by ledger.mu.
type run struct {
	key string
	// state is the progress that was acknowledged without a gap.
	state state
	// open are the segments in flight, in the order of the file.
	open []*segment
	// ended says that reading is over; done or fault say how. Neither: it was given up.
	ended, done bool
	fault       string
	// failed says that a segment came back with an error: nothing from there on counts, and no more is read.
	failed bool
}

// ledger brings the acknowledgements of all files together. Runs are in it only while they are read or in flight.
type ledger struct {
	store input.Store

	mu    sync.Mutex
	runs  map[string]*run
	dirty map[string]state // progress that is not on disk yet
	// committing is progress that is just being put there.
	committing map[string]state
	read       int64 // files that are done

	commit sync.Mutex // one commit at a time, so that an older state never comes after a newer one
}

func newLedger(store input.Store) *ledger {
	return &ledger{store: store, runs: make(map[string]*run), dirty: make(map[string]state)}
}

// begin makes a run, or gives nil where the file is being read or in flight.
func (l *ledger) begin(key string, s state) *run {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.runs[key] != nil {
		return nil
	}
	r := &run{key: key, state: s}
	l.runs[key] = r
	return r
}

func (l *ledger) add(s *segment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.run.open = append(s.run.open, s)
}

// counts gives the files that are read or in flight, and those that are done.
func (l *ledger) counts() (inFlight, done int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int64(len(l.runs)), l.read
}

func (l *ledger) failed(r *run) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return r.failed
}

// busy reports whether a file is read or in flight, or has progress that the store does not know yet: whoever looked there would
// find an old one, and read the file again.
func (l *ledger) busy(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, dirty := l.dirty[key]
	_, committing := l.committing[key]
	return dirty || committing || l.runs[key] != nil
}

// restart begins the file anew, as it is not what it was.
func (l *ledger) restart(r *run) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := r.state
	r.state = state{Size: s.Size, ModTime: s.ModTime}
}

// end says that reading of the run is over.
func (l *ledger) end(r *run, done bool, fault error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.ended, r.done = true, done
	if fault != nil {
		r.fault = fault.Error()
	}
	l.settle(r)
}

// settle moves the progress of a run on, and lets it go when all is said.
func (l *ledger) settle(r *run) {
	for len(r.open) > 0 && r.open[0].settled && !r.open[0].failed {
		s := r.open[0]
		r.open = r.open[1:]
		r.state.Records, r.state.Offset, r.state.Last = s.records, s.offset, s.last
		r.state.Lines, r.state.Packed = r.state.Lines || s.lines, s.packed
		l.dirty[r.key] = r.state
	}
	left := 0
	for _, s := range r.open {
		if !s.settled {
			left++
		}
	}
	if !r.ended || left > 0 {
		return
	}
	if !r.failed {
		r.state.Done, r.state.Error = r.done, r.fault
		if r.done {
			l.read++
		}
		l.dirty[r.key] = r.state
	}
	delete(l.runs, r.key)
}

// ack settles the segments of a batch. With nil their progress is on disk on return.
func (l *ledger) ack(segments []*segment, err error) error {
	l.mu.Lock()
	for _, s := range segments {
		if s.run == nil {
			continue // of a stream
		}
		s.settled = true
		if err != nil {
			s.failed, s.run.failed = true, true
		}
		l.settle(s.run)
	}
	l.mu.Unlock()
	return l.flush()
}

// flush puts all progress on disk that is not there yet, in one commit where the store can do that.
func (l *ledger) flush() error {
	l.commit.Lock()
	defer l.commit.Unlock()
	l.mu.Lock()
	taken := l.dirty
	l.dirty = make(map[string]state)
	l.committing = taken
	l.mu.Unlock()
	if len(taken) == 0 {
		return nil
	}
	err := putAll(l.store, taken)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.committing = nil
	if err == nil {
		return nil
	}
	for key, s := range taken { // kept for the next try, unless there is newer
		if _, ok := l.dirty[key]; !ok {
			l.dirty[key] = s
		}
	}
	return fmt.Errorf("storing the progress of %d files: %w", len(taken), err)
}

func putAll(store input.Store, states map[string]state) error {
	if many, ok := store.(interface{ PutAll(map[string]any) error }); ok {
		values := make(map[string]any, len(states))
		for key, s := range states {
			values[key] = s
		}
		return many.PutAll(values)
	}
	for key, s := range states {
		if err := store.Put(key, s); err != nil {
			return err
		}
	}
	return nil
}
