package bench

import (
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"

	"github.com/trailbeat/trailbeat/input/records"
)

func readingCases(*closers, string) ([]Case, error) {
	m, err := newMapper()
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
	}, nil
}
