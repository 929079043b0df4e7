package app

import (
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
)

// The size of the parts that are mapped side by side: large enough that handing them over costs nothing, small enough for
// the cache and for several workers on a small file.
const (
	partRecords = 512
	partBytes   = 256 << 10
)

// mapper maps files with all CPUs and writes the documents in the order of the records.
type mapper struct {
	pipeline  shipper.Processor
	opts      mapOptions
	index     string
	out       io.Writer
	parts     chan *part
	idle      chan *part
	workers   sync.WaitGroup
	reader    *records.Reader
	timestamp func() string
	// records and bytes are what was written and read so far.
	records, bytes atomic.Int64
}

// part is a run of records on its way through the mapper.
type part struct {
	block  records.Block
	origin *input.Origin
	time   string
	out    []byte
	mapped chan error // holds the verdict once the part is mapped
}

// writeError is an error of standard output: no other file can do better.
type writeError struct{ err error }

func (e *writeError) Error() string { return "writing documents: " + e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }

func newMapper(p shipper.Processor, opts mapOptions, out io.Writer) *mapper {
	workers := runtime.GOMAXPROCS(0)
	n := workers + 2 // one is filled and one is written meanwhile
	m := &mapper{
		pipeline: p, opts: opts, out: out,
		index: "logs-" + DefaultConfig().DataStream.Dataset + "-" + DefaultConfig().DataStream.Namespace,
		parts: make(chan *part, n), idle: make(chan *part, n),
		timestamp: func() string { return time.Now().UTC().Format(timestampFormat) },
	}
	if opts.timestamp != "" {
		m.timestamp = func() string { return opts.timestamp }
	}
	for range n {
		m.idle <- &part{mapped: make(chan error, 1)}
	}
	for range workers {
		m.workers.Go(m.work)
	}
	return m
}

func (m *mapper) close() {
	close(m.parts)
	m.workers.Wait()
}

// run maps one source. The error is the fault of the source, or a *writeError.
func (m *mapper) run(ctx context.Context, r io.Reader, name string) error {
	stop := make(chan struct{})
	written := make(chan error, 1)
	inOrder := make(chan *part, cap(m.idle))
	go func() { written <- m.write(inOrder, stop) }()
	readErr := m.read(ctx, r, name, inOrder, stop)
	close(inOrder)
	if err := <-written; err != nil {
		return err
	}
	return readErr
}

// read cuts the source into parts and hands them to the workers, and in their order to the writer.
func (m *mapper) read(ctx context.Context, r io.Reader, name string, inOrder chan<- *part, stop <-chan struct{}) error {
	opts := records.Options{Name: name, Eager: name == "-"}
	r = counted{r, &m.bytes}
	if m.reader == nil {
		m.reader = records.NewReader(r, opts)
	} else {
		m.reader.Reset(r, opts)
	}
	origin := &input.Origin{Path: name}
	for {
		var p *part
		select {
		case p = <-m.idle:
		case <-stop:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
		p.block.Reset()
		err := m.reader.Fill(&p.block, partRecords, partBytes)
		if p.block.Len() == 0 {
			m.idle <- p
		} else {
			p.origin, p.time = origin, m.timestamp()
			inOrder <- p
			m.parts <- p
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// write writes the parts in the order of the records. After an error it only takes them back.
func (m *mapper) write(inOrder <-chan *part, stop chan<- struct{}) (failed error) {
	for p := range inOrder {
		err := <-p.mapped
		if err == nil && failed == nil {
			if _, werr := m.out.Write(p.out); werr != nil {
				err = &writeError{werr}
			}
			m.records.Add(int64(p.block.Len()))
		}
		if err != nil && failed == nil {
			failed = err
			close(stop)
		}
		m.idle <- p
	}
	return failed
}

func (m *mapper) work() {
	var ev ecs.Event
	for p := range m.parts {
		p.mapped <- m.mapPart(p, &ev)
	}
}

func (m *mapper) mapPart(p *part, ev *ecs.Event) error {
	p.out = p.out[:0]
	for i := range p.block.Len() {
		rec := p.block.At(i)
		ev.Reset()
		ev.Timestamp = p.time
		ev.Tags = append(ev.Tags[:0], m.opts.tags...)
		if err := m.pipeline.Process(rec.Raw, ev); isDrop(err) {
			continue
		} else if err != nil {
			return fmt.Errorf("mapping the record at byte %d of %q: %w", rec.Offset, p.origin.Path, err)
		}
		if m.opts.meta {
			identify(ev, &input.Record{Raw: rec.Raw, Origin: p.origin, Index: rec.Index, Offset: rec.Offset})
			p.out = append(p.out, `{"_index":`...)
			p.out = ecs.AppendString(p.out, m.index)
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
