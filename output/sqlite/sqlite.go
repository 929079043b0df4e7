package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
	_ "modernc.org/sqlite" // the driver that the reader opens by name
)

// DefaultDataStream is where events without Meta.Index go.
const DefaultDataStream = "logs-aws.cloudtrail-default"

// maxDocument is the largest document, in bytes, that is tried. SQLite itself ends at a billion bytes for a whole row.
const maxDocument = 512 << 20

// ErrClosed is what Write returns after Close.
var ErrClosed = errors.New("the output is closed")

// Output stores documents in a database file. Safe for concurrent use.
type Output struct {
	path   string
	cfg    Config
	logger *slog.Logger
	reader *sql.DB

	requests chan *request
	quit     chan struct{} // closed by Close: the writer ends
	ended    chan struct{} // closed by the writer
	endErr   error         // of closing the connection; read after ended

	buffers     sync.Pool // *[]byte
	maxDocument int
}

var _ output.Output = (*Output)(nil)

// New opens the database, and makes it where it does not exist. A nil logger discards. Errors say what to do; one that
// will not go by itself is a *output.FatalError.
func New(cfg Config, logger *slog.Logger) (*Output, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("checking the configuration of output.sqlite: %w", err)
	}
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	path, err := filepath.Abs(cfg.Path)
	if err != nil {
		return nil, fmt.Errorf("resolving output.sqlite.path %q: %w", cfg.Path, err)
	}
	if err := makeFile(path); err != nil {
		return nil, &output.FatalError{Err: fmt.Errorf("creating database %q: check output.sqlite.path and the rights of its directory: %w", path, err)}
	}
	c, err := openConn(path, cfg.BusyTimeout)
	if err != nil {
		return nil, explain(path, "opening database", err)
	}
	reader, err := sql.Open("sqlite", dsn(path)+fmt.Sprintf("?_pragma=busy_timeout(%d)&_pragma=query_only(1)", cfg.BusyTimeout.Milliseconds()))
	if err != nil {
		return nil, errors.Join(explain(path, "opening database", err), c.close())
	}
	o := &Output{
		path: path, cfg: cfg, logger: logger, reader: reader,
		requests: make(chan *request), quit: make(chan struct{}), ended: make(chan struct{}),
		maxDocument: maxDocument,
	}
	go o.write(c)
	return o, nil
}

// Path is the absolute path of the database file.
func (o *Output) Path() string { return o.path }

// Write implements [output.Output]. Once its transaction has begun, a Write is carried through even if ctx ends.
func (o *Output) Write(ctx context.Context, events []*ecs.Event) (output.Result, error) {
	if err := ctx.Err(); err != nil {
		return output.Result{}, err
	}
	if len(events) == 0 {
		return output.Result{}, nil
	}
	req := o.encode(events)
	defer o.release(req)
	if len(req.events) > 0 {
		select {
		case o.requests <- req:
			<-req.done
		case <-ctx.Done():
			return output.Result{}, ctx.Err()
		case <-o.ended:
			return output.Result{}, ErrClosed
		}
	}
	switch {
	case req.err != nil:
		return output.Result{}, req.err
	case len(req.tooLarge) > 0:
		return req.result, &output.BatchError{Failures: req.tooLarge}
	default:
		return req.result, nil
	}
}

// Close implements [output.Output]. It empties the log into the database and closes the file.
func (o *Output) Close() error {
	// The last connection to go empties the log, so it must be the one that may write.
	err := o.reader.Close()
	close(o.quit)
	<-o.ended
	if err := errors.Join(err, o.endErr); err != nil {
		return explain(o.path, "closing database", err)
	}
	return nil
}

// encode writes the documents in the goroutine of the caller, so that the one that holds the database has less to do.
func (o *Output) encode(events []*ecs.Event) *request {
	var buf []byte
	if kept, _ := o.buffers.Get().(*[]byte); kept != nil {
		buf = (*kept)[:0]
	}
	req := &request{events: events, ends: make([]int, 0, len(events)), done: make(chan struct{})}
	for i, ev := range events {
		start := len(buf)
		if done := max(i, 8); cap(buf)-start < start/done {
			// Room for all that come, as large as those so far: growing step by step takes five times as much memory in all.
			buf = slices.Grow(buf, (len(events)-i)*(start/done)*9/8)
		}
		buf = ev.AppendJSON(buf)
		if size := len(buf) - start; size > o.maxDocument {
			buf = buf[:start]
			req.reject(i, size, o.maxDocument)
			continue
		}
		if req.tooLarge != nil {
			req.events = append(req.events, ev)
		}
		req.ends = append(req.ends, len(buf))
	}
	req.documents = buf
	return req
}

// release takes the buffer of a request back.
func (o *Output) release(req *request) {
	const maxKept = 16 << 20 // bytes
	if buf := req.documents; cap(buf) <= maxKept {
		o.buffers.Put(&buf)
	}
}
