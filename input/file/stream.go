package file

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/records"
)

// streamed is what comes from a stream: memory with records, or its end.
type streamed struct {
	m   *batchMemory
	err error
}

// stream reads src in the background, as such a read cannot be called off. It has no checkpoints.
func (in *Input) stream(name string, src io.Reader) <-chan streamed {
	out := make(chan streamed)
	origin := &input.Origin{InputID: in.deps.ID, InputType: Type, Path: name}
	opts := records.Options{Name: name, MaxRecordBytes: int(in.cfg.MaxRecordBytes), Eager: true}
	if name == "-" {
		origin.Path, opts.Name = "", "standard input"
	}
	if in.cfg.Format == "ndjson" {
		opts.Format = records.FormatLines
	}
	go func() {
		defer close(out)
		r := records.NewReader(src, opts)
		for {
			m := in.get()
			err := r.Fill(&m.Block, in.cfg.BatchMaxRecords, int(in.cfg.BatchMaxBytes))
			if n := m.Block.Len(); n > 0 {
				m.taken = n
				m.segments = append(m.segments, &segment{to: n, origin: origin})
			}
			select {
			case out <- streamed{m, err}:
			case <-in.closed:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return out
}

// streamed makes a batch of what came from a stream, or nil at its end.
func (in *Input) streamed(s streamed) *input.Batch {
	if s.err != nil {
		in.stdin = nil
		if !errors.Is(s.err, io.EOF) {
			in.faults = append(in.faults, s.err)
		}
	}
	if s.m == nil {
		return nil
	}
	return in.finish(s.m)
}

// nextStream opens the next pipe or the like, where none is being read.
func (in *Input) nextStream() error {
	if in.stdin != nil || len(in.streams) == 0 {
		return nil
	}
	name := in.streams[0]
	in.streams = in.streams[1:]
	file, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("opening %q: %w", name, err)
	}
	in.stdin = in.stream(name, file)
	return nil
}
