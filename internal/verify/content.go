package verify

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"

	"github.com/trailbeat/trailbeat/input/trailstore"
)

// contentError is about the content of a file, not about the way to it.
type contentError struct {
	reason Reason
	err    error
}

func (e *contentError) Error() string { return e.err.Error() }
func (e *contentError) Unwrap() error { return e.err }

// wayError marks errors of reading, so that they are told from those of unpacking.
type wayError struct{ error }

func (e wayError) Unwrap() error { return e.error }

// way is a reader whose errors are wayErrors.
type way struct{ io.Reader }

func (w way) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = wayError{err}
	}
	return n, err
}

// multi writes to several writers that never fail.
type multi []io.Writer

func (m multi) Write(p []byte) (int, error) {
	for _, w := range m {
		_, _ = w.Write(p)
	}
	return len(p), nil
}

// unpacker is what is needed to unpack one file. They are large, and used again.
type unpacker struct {
	in  *bufio.Reader
	zip gzip.Reader
	buf []byte
}

var unpackers = sync.Pool{New: func() any {
	return &unpacker{in: bufio.NewReaderSize(nil, 32<<10), buf: make([]byte, 64<<10)}
}}

// unpack writes the uncompressed content of a file, limit bytes of it at most where that is above 0. CloudTrail writes one gzip stream and
// nothing behind it: what comes there would be read by others, and is not signed. Downloaded files may be unpacked already.
func (v *Verifier) unpack(file io.Reader, out io.Writer, limit int64) (int64, error) {
	u := unpackers.Get().(*unpacker)
	defer func() {
		u.in.Reset(nil)
		unpackers.Put(u)
	}()
	u.in.Reset(way{file})
	var content io.Reader = &u.zip
	begin, err := u.in.Peek(2)
	var broken wayError
	switch {
	case errors.As(err, &broken):
		return 0, broken.error
	case string(begin) == "\x1f\x8b":
		if err := u.zip.Reset(u.in); err != nil {
			return 0, u.fault(err)
		}
		u.zip.Multistream(false)
	case v.cfg.Downloaded && len(begin) > 0:
		content = u.in
	default:
		return 0, &contentError{ReasonFormat, errors.New("it is not compressed with gzip")}
	}
	if limit > 0 {
		content = io.LimitReader(content, limit+1)
	}
	n, err := io.CopyBuffer(struct{ io.Writer }{out}, struct{ io.Reader }{content}, u.buf)
	if err != nil {
		return n, u.fault(err)
	}
	if limit > 0 && n > limit {
		return n, &contentError{ReasonFormat, fmt.Errorf("it has more than %d bytes", limit)}
	}
	switch _, err := u.in.ReadByte(); {
	case err == nil:
		return n, &contentError{ReasonTrailing, errors.New("there is more behind the end of the compressed content")}
	case err != io.EOF:
		return n, u.fault(err)
	}
	return n, nil
}

func (u *unpacker) fault(err error) error {
	var broken wayError
	if errors.As(err, &broken) {
		return broken.error
	}
	return &contentError{ReasonFormat, fmt.Errorf("it cannot be unpacked: %w", err)}
}

// checkLog compares one log file with what a proven digest says of it.
func (v *Verifier) checkLog(ctx context.Context, d *digest, entry logEntry) *File {
	f := &File{
		Place: placeOf(d.Place, d.Trail), Kind: KindLog, Key: entry.Key, Digest: d.Key, From: d.start, To: d.end, Result: Valid,
	}
	f.Bucket = v.where(entry.Bucket)
	fail := func(result Result, reason Reason, detail string) *File {
		f.Result, f.Reason, f.Detail = result, reason, detail
		return f
	}
	if entry.Algorithm != hashAlgorithm {
		return fail(Unchecked, ReasonAlgorithm, fmt.Sprintf("the digest has a hash of the kind %q", entry.Algorithm))
	}
	file, err := v.cfg.Store.Open(ctx, f.Bucket, entry.Key)
	if errors.Is(err, trailstore.ErrNotExist) {
		return fail(Missing, ReasonNotFound, "")
	}
	if err != nil {
		return fail(Unchecked, ReasonUnreadable, explain(err))
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	f.Bytes, err = v.unpack(file, sum, 0)
	v.progress.bytes.Add(f.Bytes)
	var broken *contentError
	switch got := hex.EncodeToString(sum.Sum(nil)); {
	case errors.As(err, &broken):
		return fail(Altered, broken.reason, broken.Error())
	case err != nil:
		return fail(Unchecked, ReasonUnreadable, explain(err))
	case !strings.EqualFold(got, entry.Hash):
		return fail(Altered, ReasonHash, fmt.Sprintf("its SHA-256 is %s, signed is %s", got, entry.Hash))
	}
	return f
}
