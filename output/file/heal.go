package file

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
)

// storage is what the output needs of an open file. Tests put faults between.
type storage interface {
	io.Reader
	io.ReaderAt
	io.Writer
	io.Seeker
	io.Closer
	Sync() error
	Truncate(size int64) error
}

// wholeLines gives the size of the file up to its last whole line. A line is whole when it ends in a line feed and is
// a JSON object: the loss of power may leave zero bytes, or old ones, at the end of a file.
func wholeLines(f io.ReaderAt, size int64) (int64, error) {
	const step = 64 << 10
	end := size // of the part that is not judged yet
	var tail []byte
	for end > 0 {
		n := min(end, step)
		head := make([]byte, n, n+int64(len(tail)))
		if _, err := f.ReadAt(head, end-n); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		tail = append(head, tail...)
		end -= n
		for {
			last := bytes.LastIndexByte(tail, '\n')
			if last < 0 {
				tail = nil // all of it belongs to a line that never ended
				break
			}
			begin := bytes.LastIndexByte(tail[:last], '\n') + 1
			if begin == 0 && end > 0 {
				tail = tail[:last+1]
				break // the line begins further to the front
			}
			line := tail[begin:last]
			if len(line) > 1 && line[0] == '{' && json.Valid(line) {
				return end + int64(last) + 1, nil
			}
			tail = tail[:begin]
		}
	}
	return 0, nil
}

// wholeMembers gives the size of the file up to its last whole gzip member.
func wholeMembers(f io.Reader) (int64, error) {
	in := &counter{r: bufio.NewReaderSize(f, 64<<10)}
	var good int64
	var zr gzip.Reader
	for {
		err := zr.Reset(in)
		if err == nil {
			zr.Multistream(false)
			_, err = io.Copy(io.Discard, &zr)
		}
		switch {
		case err == nil:
			good = in.n
		case in.err != nil:
			return 0, in.err
		default:
			return good, nil // the end, or what is no member
		}
	}
}

// counter counts what was read. Being an io.ByteReader, it keeps gzip from reading ahead.
type counter struct {
	r   *bufio.Reader
	n   int64
	err error // other than the end
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, c.note(err)
}

func (c *counter) ReadByte() (byte, error) {
	b, err := c.r.ReadByte()
	if err == nil {
		c.n++
	}
	return b, c.note(err)
}

func (c *counter) note(err error) error {
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return err
}
