package deadletter

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/trailbeat/trailbeat/internal/shipper"
)

// Position is where a line stands in a file of dead letters.
type Position struct {
	// Line counts from 1. Offset is that of its first byte, Size includes the newline.
	Line, Offset, Size int64
}

// LineError says that a line is no dead letter. Reading may go on behind it.
type LineError struct {
	Position
	Err error
}

func (e *LineError) Error() string {
	return fmt.Sprintf("reading dead letter in line %d (byte %d): %v", e.Line, e.Offset, e.Err)
}

// Unwrap gives the cause.
func (e *LineError) Unwrap() error { return e.Err }

// Reader streams dead letters. Not safe for concurrent use.
type Reader struct {
	r    *bufio.Reader
	next Position
}

// NewReader reads from r, which stands at the start of a file.
func NewReader(r io.Reader) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, 64<<10), next: Position{Line: 1}}
}

// Next returns the next letter and where it stands; io.EOF after the last. A *LineError names a line that cannot be read; the
// call after it goes on behind that. Empty lines are passed over.
func (r *Reader) Next() (shipper.Letter, Position, error) {
	for {
		line, pos, err := r.line()
		if err != nil {
			return shipper.Letter{}, pos, err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		l, err := parseEntry(line)
		if err != nil {
			return shipper.Letter{}, pos, &LineError{Position: pos, Err: err}
		}
		return l, pos, nil
	}
}

// line returns one line with its newline, as it stands. A last line may lack the newline.
func (r *Reader) line() ([]byte, Position, error) {
	line, err := r.r.ReadBytes('\n')
	if len(line) == 0 || (err != nil && !errors.Is(err, io.EOF)) {
		return nil, r.next, err
	}
	pos := r.next
	pos.Size = int64(len(line))
	r.next.Line++
	r.next.Offset += pos.Size
	return line, pos, nil
}
