package records

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

// chunk is how much is read at once, and so how much may be left over between two blocks.
const chunk = 64 << 10

var gzipMagic = []byte{0x1f, 0x8b, 0x08}

// source unpacks gzip where the first bytes say so. It is used again for the next file, as the decompressor is large.
type source struct {
	buf    *bufio.Reader
	gz     *gzip.Reader
	in     io.Reader
	packed bool
	opened bool
}

func (s *source) reset(r io.Reader) {
	if s.buf == nil {
		s.buf = bufio.NewReaderSize(r, chunk)
	} else {
		s.buf.Reset(r)
	}
	s.in, s.packed, s.opened = s.buf, false, false
}

// open looks at the first bytes. It is called by the first read and not by reset, so that making a Reader never blocks.
func (s *source) open() error {
	s.opened = true
	head, _ := s.buf.Peek(len(gzipMagic)) // an error comes again from Read
	if !bytes.Equal(head, gzipMagic) {
		return nil
	}
	s.packed = true
	if s.gz == nil {
		s.gz = new(gzip.Reader)
	}
	if err := s.gz.Reset(s.buf); err != nil {
		return classify(err)
	}
	s.in = s.gz
	return nil
}

// read fills p as far as one read of the source does. n > 0 comes with a nil error.
func (s *source) read(p []byte) (int, error) {
	if !s.opened {
		if err := s.open(); err != nil {
			return 0, err
		}
	}
	for range 100 {
		n, err := s.in.Read(p)
		if n > 0 {
			return n, nil // the error comes again with the next read
		}
		if err == io.EOF {
			return 0, err
		}
		if err != nil {
			return 0, classify(err)
		}
	}
	return 0, io.ErrNoProgress
}

// classify tells damaged data from errors of the reader below, which are passed on.
func classify(err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("%w: %w", ErrTruncated, io.ErrUnexpectedEOF)
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader), errors.As(err, &corrupt):
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return err
}
