package mapper

import (
	"io"
	"sync/atomic"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/records"
)

// The size of a part: large enough that taking it costs nothing, small enough for the cache and for several workers on one file.
const (
	partRecords = 512
	partBytes   = 256 << 10
)

// part is a run of records of one file, and the text that is made of them.
type part struct {
	block records.Block
	time  string
	out   []byte
	err   error // of the mapping, which left the rest of the part out
	done  bool  // it can be written; guarded by queue.mu
}

// file is a File that is being mapped.
type file struct {
	File
	origin input.Origin
	waits  bool
	spoilt atomic.Bool // the mapping failed, and the rest of it is neither read nor written

	// Of the worker that cuts it.
	src    io.ReadCloser // nil: not opened yet
	reader *records.Reader

	// Guarded by queue.mu.
	cutting bool    // a worker does
	cut     bool    // to its end
	err     error   // that it ended with, nil for its true end
	parts   []*part // in order, that are not written yet
}

// next cuts a part out of the file. After the last the error is io.EOF.
func (f *file) next(b *records.Block) error {
	if f.spoilt.Load() {
		return io.EOF
	}
	if f.src == nil {
		src, err := f.Open()
		if err != nil {
			return err
		}
		f.src = src
		f.reader.Reset(src, records.Options{Name: f.Name, Eager: f.waits})
	}
	return f.reader.Fill(b, partRecords, partBytes)
}

func (f *file) close() {
	if f.src != nil {
		_ = f.src.Close() // only read
		f.src = nil
	}
}
