package mapper

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/input"
)

// File is a source of records.
type File struct {
	// Name is that of errors, and the path of the records' origin.
	Name string
	// Waits says whether it may have nothing to say for a long time, as pipes do. Then what it gave is handed on at once, and it is
	// opened only when all files before it were read, and before all after it. Called once, when its turn comes.
	Waits func() bool
	// Open opens it. The error is told as it is. Called by any goroutine, once.
	Open func() (io.ReadCloser, error)
}

// Options are what a Mapper is made of. All but Workers are required.
type Options struct {
	// Append appends the text of a record to dst. The event is new but for Timestamp. An error ends the file, of which the
	// text before it is written. Called by several goroutines.
	Append func(dst []byte, ev *ecs.Event, rec *input.Record) ([]byte, error)
	// Timestamp is the time of reading, in the form of @timestamp.
	Timestamp func() string
	// Out gets the text, in one Write for each part.
	Out io.Writer
	// Tell gets what is wrong with a file, after its text was written and before that of the next.
	Tell func(error)
	// Workers is how many goroutines cut and map. 0: as many as there are CPUs for them.
	Workers int
}

// Mapper maps files. It is for one Run.
type Mapper struct {
	opt   Options
	queue queue
	// written counts the records whose text was written.
	written atomic.Int64
}

// WriteError is an error of Options.Out.
type WriteError struct{ Err error }

// Error says that nothing can be written any more.
func (e *WriteError) Error() string { return "writing documents: " + e.Err.Error() }

// Unwrap gives the cause.
func (e *WriteError) Unwrap() error { return e.Err }

// New makes a Mapper. Nothing is opened before Run.
func New(opt Options) *Mapper {
	if opt.Workers <= 0 {
		opt.Workers = runtime.GOMAXPROCS(0)
	}
	return &Mapper{opt: opt}
}

// Records is how many records were written so far, those that became no text included. Safe for concurrent use.
func (m *Mapper) Records() int64 { return m.written.Load() }

// Run maps the files. A file that is broken or missing is told, and the others go on. The error is a *WriteError, or that of ctx: then
// no more is read, and what was read is written.
func (m *Mapper) Run(ctx context.Context, files []File) error {
	q := &m.queue
	q.begin(files, m.opt.Workers)
	ignore := context.AfterFunc(ctx, q.stop)
	defer ignore()
	if ctx.Err() != nil {
		q.stop() // at once
	}
	var workers sync.WaitGroup
	for range m.opt.Workers {
		workers.Go(m.work)
	}
	workers.Wait()
	left := q.close()
	switch {
	case q.failed != nil:
		return q.failed
	case left:
		return ctx.Err()
	}
	return nil
}

func (m *Mapper) work() {
	var w worker
	for {
		j, ok := m.queue.take()
		if !ok {
			return
		}
		if j.cut {
			err := j.f.next(&j.p.block)
			j.p.time = m.opt.Timestamp()
			m.queue.cut(j.f, j.p, err)
		} else {
			j.p.err = w.append(m.opt.Append, j.p, j.f)
			m.queue.done(j.p)
		}
		m.write()
	}
}

// worker is what a worker uses for one record after the other.
type worker struct {
	ev  ecs.Event
	rec input.Record
}

// append appends the text of all records of a part, up to the first that cannot be mapped.
func (w *worker) append(record func([]byte, *ecs.Event, *input.Record) ([]byte, error), p *part, f *file) (err error) {
	for i := range p.block.Len() {
		rec := p.block.At(i)
		w.ev.Reset()
		w.ev.Timestamp = p.time
		w.rec = input.Record{Raw: rec.Raw, Origin: &f.origin, Index: rec.Index, Offset: rec.Offset}
		if p.out, err = record(p.out, &w.ev, &w.rec); err != nil {
			return fmt.Errorf("mapping the record at byte %d of %q: %w", rec.Offset, f.Name, err)
		}
	}
	return nil
}

// write writes what can be written, in the order of the records, unless another worker does. So a part is mostly written by the one that made it, and made
// again while its memory is warm: with a goroutine for writing, which has to wait for a CPU, two cores took a tenth more time of theirs for one large file. After an
// error the parts are only taken back.
func (m *Mapper) write() {
	if !m.queue.write() {
		return
	}
	for {
		f, p := m.queue.first()
		switch {
		case f == nil:
			return
		case p == nil: // the file is through
			if f.err != nil && !f.spoilt.Load() && m.queue.failed == nil {
				m.opt.Tell(f.err)
			}
			continue
		case m.queue.failed == nil && !f.spoilt.Load():
			m.writePart(f, p)
		}
		m.written.Add(int64(p.block.Len()))
		m.queue.put(p)
	}
}

func (m *Mapper) writePart(f *file, p *part) {
	if len(p.out) > 0 {
		if _, err := m.opt.Out.Write(p.out); err != nil {
			m.queue.fail(&WriteError{err})
			return
		}
	}
	if p.err != nil {
		f.spoilt.Store(true)
		m.opt.Tell(p.err)
	}
}
