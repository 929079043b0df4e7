package records

import (
	"errors"
	"fmt"

	"github.com/trailbeat/trailbeat/input"
)

// What can be wrong with a source; found with errors.Is on an *Error. Errors of the underlying reader are passed on as
// they are.
var (
	// ErrTruncated says that the data ends inside a record, a container or a gzip member.
	ErrTruncated = errors.New("the data ends too early")
	// ErrCorrupt says that the gzip data is damaged (checksum, length, block) or followed by something else.
	ErrCorrupt = errors.New("the gzip data is damaged")
	// ErrSyntax says that the JSON around or between records is broken.
	ErrSyntax = errors.New("broken JSON")
	// ErrTooLong says that a record is longer than Options.MaxRecordBytes.
	ErrTooLong = errors.New("record too long")
	// ErrTrailing says that something follows the last container that is no JSON object or array.
	ErrTrailing = errors.New("unexpected data after the end of the JSON")
)

// Error is a fault of a source. It names the place; the records before it were delivered.
type Error struct {
	// Name is Options.Name: the file or object.
	Name string
	// Offset is the byte of the unpacked data at which the fault was found (for ErrTooLong: at which the record starts).
	Offset int64
	// Delivered is the number of complete records before the fault, those skipped by Options.Skip included.
	Delivered int64
	// Packed says that the source is compressed, so that Offset is not a position in the file itself.
	Packed bool
	// Err is the cause; errors.Is finds one of the sentinels of this package in it, or an error of the reader.
	Err error
}

// Error says what is wrong, where, and what was delivered.
func (e *Error) Error() string {
	name := e.Name
	if name == "" {
		name = "input"
	}
	where := "byte"
	if e.Packed {
		where = "unpacked byte"
	}
	return fmt.Sprintf("reading %q: %s %d: %v (records delivered before it: %d)", name, where, e.Offset, e.Err, e.Delivered)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// IsContent says that err is a fault of the data itself, so that reading it again will not help, and not one of the way to it.
func IsContent(err error) bool {
	for _, is := range []error{ErrTruncated, ErrCorrupt, ErrSyntax, ErrTooLong, ErrTrailing} {
		if errors.Is(err, is) {
			return true
		}
	}
	return false
}

// ErrorKind is the kind of the fault in reports; see input.Explained.
func (e *Error) ErrorKind() string {
	if IsContent(e.Err) {
		return input.KindContent
	}
	kind, _ := input.Explain(e.Err)
	return kind
}

// ErrorHint says how to mend it; empty where that cannot be said.
func (e *Error) ErrorHint() string {
	switch {
	case errors.Is(e.Err, ErrTooLong):
		return "raise max_record_bytes"
	case IsContent(e.Err):
		return ""
	}
	_, hint := input.Explain(e.Err)
	return hint
}
