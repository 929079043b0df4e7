// Package console writes documents to a stream, mostly standard output, one JSON document a line.
//
// It is for looking at documents and for pipes into other programs. A document counts as stored as soon as the operating
// system took it, so what the program at the other end of a pipe does with it is not known here: where that matters, use
// the output file. Documents are not numbered and not compared: a batch that is sent again is printed again, and nothing
// is ever counted as a duplicate.
//
// When the reader of the pipe has gone (as with "| head"), Write returns a [output.FatalError] that wraps [ErrClosed].
// That is the wish of whoever closed the pipe, no failure of the run; the program may end with exit code 0. Note that the
// Go runtime ends a process with SIGPIPE when the broken pipe is standard output or standard error: a program that wants
// to see ErrClosed and finish in order calls signal.Ignore(syscall.SIGPIPE), or signal.Notify, beforehand.
//
// A full disk behind a redirected standard output is a [output.FatalError] too: whoever redirected it sees nothing but silence otherwise.
package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
)

// ErrClosed says that the reader of the stream has gone. Find it with errors.Is.
var ErrClosed = errors.New("the reader of the output has closed it")

// maxKept is the largest buffer, in bytes, that is kept for the next batch.
const maxKept = 8 << 20

// Output writes to a stream. Safe for concurrent use: the documents of one Write stay together.
type Output struct {
	pretty bool

	mu   sync.Mutex
	w    io.Writer
	buf  []byte
	torn bool // the last Write broke off within a line
	gone bool // the reader has closed the stream
}

var _ output.Output = (*Output)(nil)

// New makes an output that writes to w. It does not close w. It never fails; the error is there for the shape that all
// outputs share.
func New(cfg Config, w io.Writer) (*Output, error) {
	return &Output{pretty: cfg.Pretty, w: w}, nil
}

// Write implements [output.Output].
func (o *Output) Write(ctx context.Context, events []*ecs.Event) (output.Result, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return output.Result{}, err
	}
	if o.gone {
		return output.Result{}, closed()
	}
	if len(events) == 0 {
		return output.Result{}, nil
	}
	buf := o.buf[:0]
	if o.torn {
		buf = append(buf, '\n')
	}
	buf = o.encode(buf, events)
	n, err := o.w.Write(buf)
	if cap(buf) <= maxKept {
		o.buf = buf
	}
	switch {
	case err == nil:
		o.torn = false
		return output.Result{Stored: len(events)}, nil
	case isClosed(err):
		o.gone = true
		return output.Result{}, closed()
	case isFull(err):
		return output.Result{}, &output.FatalError{Err: fmt.Errorf(
			"writing %d documents to standard output: there is no room left where it goes; make room or send it elsewhere, and run again: %w", len(events), err)}
	default:
		if n > 0 {
			o.torn = buf[n-1] != '\n'
		}
		return output.Result{}, fmt.Errorf("writing %d documents to the console: %w", len(events), err)
	}
}

// Close implements [output.Output]. The stream stays open: it belongs to the caller.
func (o *Output) Close() error { return nil }

func (o *Output) encode(buf []byte, events []*ecs.Event) []byte {
	var doc []byte
	for _, ev := range events {
		if !o.pretty {
			buf = append(ev.AppendJSON(buf), '\n')
			continue
		}
		doc = ev.AppendJSON(doc[:0])
		indented := bytes.NewBuffer(buf)
		if err := json.Indent(indented, doc, "", "  "); err != nil {
			// Raw members are valid JSON by contract. Should one not be, the document is better shown plain than not at all.
			buf = append(append(buf, doc...), '\n')
			continue
		}
		buf = append(indented.Bytes(), '\n')
	}
	return buf
}

func closed() error {
	return &output.FatalError{Err: fmt.Errorf("writing to the console: %w", ErrClosed)}
}

func isClosed(err error) bool {
	return errors.Is(err, io.ErrClosedPipe) || errors.Is(err, fs.ErrClosed) || isBrokenPipe(err)
}
