package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/records"
	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/pipeline/routing"
)

// The size of the parts that are mapped side by side: large enough that handing them over costs nothing, small enough for
// the cache and for several workers on a small file.
const (
	partRecords = 512
	partBytes   = 256 << 10
)

// mapper maps files with all CPUs and writes the documents in the order of the files and of their records. There is one run
// for each file, and at the end finish. A file does not wait for the one before it: while the last parts of that are mapped, this
// one is read, and files with few records share a part.
type mapper struct {
	pipeline  shipper.Processor
	opts      mapOptions
	index     string
	out       io.Writer
	tell      func(error) // gets what the mapping says of a file, side by side with run
	reader    *records.Reader
	timestamp func() string
	// records and bytes are what was written and read so far.
	records, bytes atomic.Int64

	idle    chan *part // bounds what is in memory
	filling *part      // nil: none
	parts   chan *part // to the workers
	inOrder chan *part // to the writer
	workers sync.WaitGroup
	written chan struct{} // closed when the writer has ended
	stop    chan struct{} // closed when nothing can be written any more; then failed says why
	failed  error
}

// part is a run of records, of one file or of several, on its way through the mapper.
type part struct {
	block  records.Block
	spans  []span
	out    []byte
	mapped chan struct{} // gets one when the part is mapped
}

// span is what a part has of one file.
type span struct {
	file *mapped
	time string
	// The records are those of the block before end, the documents those of out before outEnd, from the end of the span before.
	end, outEnd int
	err         error // of the mapping, which left the rest of the span out
}

// mapped is a file that is being mapped.
type mapped struct {
	origin input.Origin
	spoilt atomic.Bool // the mapping failed, and the rest of it is not written
}

// writeError is an error of standard output: no other file can do better.
type writeError struct{ err error }

func (e *writeError) Error() string { return "writing documents: " + e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }

func newMapper(p shipper.Processor, opts mapOptions, out io.Writer, tell func(error)) *mapper {
	workers := runtime.GOMAXPROCS(0)
	n := workers + 2 // one is filled and one is written meanwhile
	m := &mapper{
		pipeline: p, opts: opts, out: out, tell: tell,
		index: "logs-" + DefaultConfig().DataStream.Dataset + "-" + DefaultConfig().DataStream.Namespace,
		parts: make(chan *part, n), idle: make(chan *part, n), inOrder: make(chan *part, n),
		written: make(chan struct{}), stop: make(chan struct{}),
		timestamp: func() string { return time.Now().UTC().Format(timestampFormat) },
	}
	if opts.timestamp != "" {
		m.timestamp = func() string { return opts.timestamp }
	}
	for range n {
		m.idle <- &part{mapped: make(chan struct{}, 1)}
	}
	for range workers {
		m.workers.Go(m.work)
	}
	go m.write()
	return m
}

// finish waits until all documents are written. The error is a *writeError.
func (m *mapper) finish() error {
	m.flush()
	close(m.parts)
	close(m.inOrder)
	m.workers.Wait()
	<-m.written
	return m.failed
}

// run reads one file and hands it on. What it reads may still be on its way when it returns; with eager everything is handed on at
// once, as there may be nothing more for a long time. The error is what is wrong with the file, or a *writeError.
func (m *mapper) run(ctx context.Context, r io.Reader, name string, eager bool) error {
	if eager {
		m.flush()
	}
	opts := records.Options{Name: name, Eager: eager}
	r = counted{r, &m.bytes}
	if m.reader == nil {
		m.reader = records.NewReader(r, opts)
	} else {
		m.reader.Reset(r, opts)
	}
	file := &mapped{origin: input.Origin{Path: name}}
	for !file.spoilt.Load() {
		if m.filling == nil {
			select {
			case m.filling = <-m.idle:
			case <-m.stop:
				return m.failed
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		p := m.filling
		before := p.block.Len()
		err := m.reader.Fill(&p.block, partRecords, partBytes)
		if n := p.block.Len(); n > before {
			p.spans = append(p.spans, span{file: file, time: m.timestamp(), end: n})
		}
		if err == nil || eager {
			m.flush()
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
	return nil
}

// flush hands the part that is being filled to the workers, and to the writer in the order of the files.
func (m *mapper) flush() {
	if p := m.filling; p != nil {
		m.filling = nil
		m.inOrder <- p
		m.parts <- p
	}
}

// write writes the parts in the order of the records. After an error it only takes them back.
func (m *mapper) write() {
	defer close(m.written)
	for p := range m.inOrder {
		<-p.mapped
		for i, from := 0, 0; i < len(p.spans) && m.failed == nil; i++ {
			s := &p.spans[i]
			if !s.file.spoilt.Load() {
				m.writeSpan(s, p.out[from:s.outEnd])
			}
			from = s.outEnd
		}
		m.records.Add(int64(p.block.Len()))
		p.block.Reset()
		p.spans, p.out = p.spans[:0], p.out[:0]
		m.idle <- p
	}
}

func (m *mapper) writeSpan(s *span, docs []byte) {
	if len(docs) > 0 {
		if _, err := m.out.Write(docs); err != nil {
			m.failed = &writeError{err}
			close(m.stop)
			return
		}
	}
	if s.err != nil {
		s.file.spoilt.Store(true)
		m.tell(s.err)
	}
}

func (m *mapper) work() {
	var ev ecs.Event
	for p := range m.parts {
		from := 0
		for i := range p.spans {
			s := &p.spans[i]
			s.err = m.mapSpan(p, s, from, &ev)
			from, s.outEnd = s.end, len(p.out)
		}
		p.mapped <- struct{}{}
	}
}

// mapSpan maps the records from from to the end of the span, and ends with the first that cannot be mapped.
func (m *mapper) mapSpan(p *part, s *span, from int, ev *ecs.Event) error {
	for i := from; i < s.end; i++ {
		rec := p.block.At(i)
		ev.Reset()
		ev.Timestamp = s.time
		ev.Tags = append(ev.Tags[:0], m.opts.tags...)
		if m.opts.routing {
			ds := &m.opts.stream
			ev.DataStream.Type, ev.DataStream.Dataset, ev.DataStream.Namespace = ds.Type, ds.Dataset, ds.Namespace
		}
		var letter *routing.LetterError
		if err := m.pipeline.Process(rec.Raw, ev); isDrop(err) || errors.As(err, &letter) {
			continue
		} else if err != nil {
			return fmt.Errorf("mapping the record at byte %d of %q: %w", rec.Offset, s.file.origin.Path, err)
		}
		if m.opts.meta {
			identify(ev, &input.Record{Raw: rec.Raw, Origin: &s.file.origin, Index: rec.Index, Offset: rec.Offset})
			p.out = append(p.out, `{"_index":`...)
			if m.opts.routing {
				ds := &ev.DataStream
				p.out = ecs.AppendString(p.out, ds.Type+"-"+ds.Dataset+"-"+ds.Namespace)
				p.out = append(p.out, `,"_output":`...)
				p.out = ecs.AppendString(p.out, cmp.Or(ev.Meta.Output, routing.Default))
			} else {
				p.out = ecs.AppendString(p.out, m.index)
			}
			p.out = append(p.out, `,"_id":`...)
			p.out = ecs.AppendString(p.out, ev.Meta.ID)
			p.out = append(p.out, `,"document":`...)
			p.out = ev.AppendJSON(p.out)
			p.out = append(p.out, '}', '\n')
			continue
		}
		p.out = ev.AppendJSON(p.out)
		p.out = append(p.out, '\n')
	}
	return nil
}
