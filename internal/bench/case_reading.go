package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"

	"github.com/trailbeat/trailbeat/input/records"
	"github.com/trailbeat/trailbeat/pipeline"
	"github.com/trailbeat/trailbeat/pipeline/condition"
	"github.com/trailbeat/trailbeat/pipeline/processor"
)

func readingCases(*closers, string) ([]Case, error) {
	m, err := newMapper()
	if err != nil {
		return nil, err
	}
	dropping, err := newDropper()
	if err != nil {
		return nil, err
	}
	var z gzip.Reader
	var src bytes.Reader
	buf := make([]byte, 128<<10)
	return []Case{
		{Group: groupReading, Name: "gunzip", Key: "gunzip", Run: perFile(func(f *File, out *int) (int, error) {
			src.Reset(f.Packed)
			if err := z.Reset(&src); err != nil {
				return 0, err
			}
			for {
				n, err := z.Read(buf)
				*out += n
				if errors.Is(err, io.EOF) {
					return f.Records, nil
				}
				if err != nil {
					return 0, err
				}
			}
		})},
		{Group: groupReading, Name: "gunzip and split into records", Key: "split", Run: perFile(func(f *File, out *int) (int, error) {
			return m.split(f.Packed, func(b *records.Block) error {
				*out += b.Bytes()
				return nil
			})
		})},
		{Group: groupMapping, Name: "**full mapping: file bytes to bulk body**", Key: "full", Run: perFile(func(f *File, out *int) (int, error) {
			return m.file(f.Packed, func(b []byte) { *out += len(b) })
		})},
		{Group: groupMapping, Name: "gunzip, split, and every record dropped by a filter on its members", Key: "drop", Run: perFile(func(f *File, _ *int) (int, error) {
			return dropping.drop(f.Packed)
		})},
	}, nil
}

// newDropper makes a mapper whose filter takes every record: none is of the service that it would keep.
func newDropper() (*mapper, error) {
	drop := &processor.DropEvent{Common: processor.Common{When: &condition.Config{
		Not: &condition.Config{Equals: condition.Fields{"event.provider": {"none.amazonaws.com"}}},
	}}}
	list, err := processor.Build([]processor.Spec{{Options: drop}}, processor.Env{})
	if err != nil {
		return nil, err
	}
	p, err := pipeline.New(pipeline.Config{PreserveOriginalEvent: true, Processors: processor.Join(list)})
	if err != nil {
		return nil, err
	}
	return &mapper{pipeline: p, reader: records.NewReader(nil, records.Options{})}, nil
}

// drop works through a file of which nothing is left.
func (m *mapper) drop(packed []byte) (int, error) {
	return m.split(packed, func(b *records.Block) error {
		for i := range b.Len() {
			m.ev.Reset()
			m.ev.Timestamp = readTime
			if err := m.pipeline.Process(b.At(i).Raw, &m.ev); !errors.Is(err, pipeline.ErrDrop) {
				return fmt.Errorf("a record was to be dropped: %w", err)
			}
		}
		return nil
	})
}
