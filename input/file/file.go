package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/batch"
	"github.com/trailbeat/trailbeat/input/progress"
	"github.com/trailbeat/trailbeat/input/records"
)

// Type is the name of this input in the configuration.
const Type = "file"

// Deps are what the input needs from outside.
type Deps struct {
	// ID of the input, for its records.
	ID string
	// Store keeps the checkpoints, scoped by the ID.
	Store input.Store
	// Logger gets warnings. nil logs nothing.
	Logger *slog.Logger
	// Once ends the input with io.EOF when everything was read once. Without it the input only ends where standard input is
	// all that it reads.
	Once bool
	// Stdin is what "-" in paths reads. nil means os.Stdin.
	Stdin io.Reader
	// Wanted says by its absolute path whether a file that the options choose is read. Nil: all are.
	Wanted func(path string) bool
}

// Input reads files. It keeps the contract of input.Input.
//
// With Once, Read returns io.EOF after the last file, without waiting for acknowledgements. A batch that was acknowledged with an error
// makes Read return an error before that, where it is known by then, and Close otherwise.
type Input struct {
	cfg    Config
	deps   Deps
	log    *slog.Logger
	find   finder
	ledger *ledger
	pool   batch.Pool
	slots  chan struct{}
	closed chan struct{}
	close  sync.Once

	reading sync.Mutex // held by Read; guards what follows
	next    func() (found, bool)
	stop    func()
	cur     *current
	reader  *records.Reader
	faults  []error
	said    map[string]bool // entries of paths and streams that were dealt with once
	rescan  time.Time       // not before
	stdin   <-chan streamed // the stream that is read
	streams []string        // those after it
	ended   bool

	state progress.Tracker
	stats stats

	returned atomic.Int64 // batches that came back with an error and were not spoken of
	broken   atomic.Pointer[input.FatalError]
}

// current is the file that is being read.
type current struct {
	run    *run
	file   *os.File
	origin *input.Origin
	check  string // hash of the record to find first, empty for none
	lines  bool
}

// New makes the input. It reads nothing yet; the only errors are those of the configuration.
func New(cfg Config, deps Deps) (*Input, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Store == nil {
		return nil, errors.New("making file input: no store was given")
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	if deps.Stdin == nil {
		deps.Stdin = os.Stdin
	}
	in := &Input{
		cfg: cfg, deps: deps, log: deps.Logger,
		find:   finder{paths: cfg.Paths, recursive: cfg.RecursiveGlob.Enabled, wanted: deps.Wanted},
		ledger: newLedger(deps.Store),
		slots:  make(chan struct{}, cfg.MaxBatchesInFlight),
		closed: make(chan struct{}),
		reader: records.NewReader(nil, records.Options{}),
		said:   make(map[string]bool),
	}
	for _, e := range cfg.ExcludeFiles {
		in.find.exclude = append(in.find.exclude, regexp.MustCompile(e)) // Validate compiled it
	}
	for _, p := range cfg.Paths {
		if p == "-" {
			in.stdin = in.stream("-", deps.Stdin)
		}
	}
	return in, nil
}

// Read gives the next batch. Errors other than io.EOF and those of ctx name a file and are not fatal: call it again.
func (in *Input) Read(ctx context.Context) (*input.Batch, error) {
	in.reading.Lock()
	defer in.reading.Unlock()
	for {
		if err := in.over(ctx); err != nil {
			return nil, err
		}
		if len(in.faults) > 0 {
			err := in.faults[0]
			in.faults = in.faults[1:]
			return nil, in.failed(err)
		}
		if in.ended {
			return nil, io.EOF
		}
		if err := in.slot(ctx); err != nil {
			return nil, err
		}
		m := in.get()
		more, err := in.fill(ctx, m)
		b := in.finish(m)
		switch {
		case b != nil && err != nil:
			in.faults = append(in.faults, err)
			return b, nil
		case b == nil && err == nil && !more:
			b, err = in.idle(ctx)
		}
		if b != nil {
			return b, nil
		}
		<-in.slots
		if err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			return nil, in.failed(err)
		}
	}
}

func (in *Input) over(ctx context.Context) error {
	if fatal := in.broken.Load(); fatal != nil {
		return fatal
	}
	select {
	case <-in.closed:
		return os.ErrClosed
	default:
		return ctx.Err()
	}
}

// slot waits until another batch may be in flight. The batch gives the slot back.
func (in *Input) slot(ctx context.Context) error {
	select {
	case in.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-in.closed:
		return os.ErrClosed
	}
}

// idle is the end of a scan: it waits for the next one, for standard input, or ends the input.
func (in *Input) idle(ctx context.Context) (*input.Batch, error) {
	if err := in.ledger.flush(); err != nil {
		return nil, in.fatal(err)
	}
	in.clean()
	if err := in.nextStream(); err != nil {
		return nil, err
	}
	if in.stdin == nil && (in.deps.Once || in.find.onlyStdin()) {
		in.ended = true
		in.state.Ended()
		if n := in.returned.Swap(0); n > 0 {
			return nil, notDelivered(n)
		}
		return nil, nil
	}
	var tick <-chan time.Time
	in.state.Waiting(in.polled())
	if !in.deps.Once {
		timer := time.NewTimer(time.Until(in.rescan))
		defer timer.Stop()
		tick = timer.C
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-in.closed:
		return nil, os.ErrClosed
	case <-tick:
		return nil, nil
	case s := <-in.stdin:
		return in.streamed(s), nil
	}
}

func notDelivered(n int64) error {
	return fmt.Errorf("%d batches were not delivered: their files are not done, run again to send them", n)
}

// fill takes records into m until it is full, and goes from file to file for that. more is false at the end of a scan.
func (in *Input) fill(ctx context.Context, m *batchMemory) (more bool, err error) {
	for {
		if in.cur == nil {
			f, ok := in.candidate()
			if !ok {
				return false, nil
			}
			if err := in.open(f); err != nil {
				return true, err
			}
			if in.cur == nil {
				if err := in.over(ctx); err != nil {
					return true, err
				}
				continue
			}
		}
		full, err := in.read(m)
		if full || err != nil {
			return true, err
		}
	}
}

// candidate gives the next file of the scan; false at its end.
func (in *Input) candidate() (found, bool) {
	if in.next == nil {
		if time.Now().Before(in.rescan) {
			return found{}, false
		}
		in.next, in.stop = iter.Pull(in.find.all())
	}
	f, ok := in.next()
	if ok && f.err == nil {
		in.stats.listed.Add(1)
	}
	if !ok {
		in.stop()
		in.next, in.rescan = nil, time.Now().Add(in.cfg.ScanFrequency)
		if in.deps.Once {
			in.rescan = time.Now().Add(1 << 62)
		}
	}
	return f, ok
}

// open makes a file the current one, if there is something to read in it.
func (in *Input) open(f found) error {
	if f.err != nil {
		if in.said[f.source] {
			return nil
		}
		in.said[f.source] = true
		if in.deps.Once || !errors.Is(f.err, errNoMatch) {
			return f.err
		}
		in.log.Warn("no file matches", "path", f.source)
		return nil
	}
	delete(in.said, f.source)
	if f.stream {
		if !in.said[f.path] { // once
			in.said[f.path] = true
			in.streams = append(in.streams, f.path)
		}
		return nil
	}
	if d := in.cfg.IgnoreOlder; d > 0 && time.Since(f.info.ModTime()) > d {
		in.stats.skipped.Add(1)
		return nil
	}
	key := keyPrefix + f.path
	if in.ledger.busy(key) {
		return nil
	}
	var old state
	known, err := in.deps.Store.Get(key, &old)
	if err != nil {
		return in.fatal(fmt.Errorf("reading the progress of %q: %w", f.path, err))
	}
	if known && old.same(f.info) && (old.Done || old.Error != "" && !in.deps.Once) {
		in.stats.skipped.Add(1)
		return nil
	}
	return in.start(f.path, key, old)
}

// start opens a file and moves to where reading goes on.
func (in *Input) start(path, key string, old state) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		in.stats.missing.Add(1)
		return nil // gone since the folder was listed
	}
	var info fs.FileInfo
	if err == nil {
		if info, err = file.Stat(); err != nil {
			_ = file.Close()
		}
	}
	if err != nil {
		err = fmt.Errorf("opening %q: %w", path, err)
		if in.said[path] && !in.deps.Once {
			return nil
		}
		in.said[path] = true
		return err
	}
	old.Size, old.ModTime = info.Size(), info.ModTime().UnixNano()
	old.Done, old.Error, old.Gone = false, "", 0
	c := &current{run: in.ledger.begin(key, old), file: file, origin: &input.Origin{InputID: in.deps.ID, InputType: Type, Path: path}}
	c.lines = in.cfg.Format == "ndjson" || linesName(path)
	in.cur = c
	in.state.Reading()
	in.state.Object(path)
	opts := in.options(c)
	if old.Records > 0 {
		c.check = old.Last
		if opts.Skip = old.Records - 1; old.Lines && !old.Packed {
			if _, err := file.Seek(old.Offset, io.SeekStart); err != nil {
				in.drop(false, err)
				return fmt.Errorf("reading %q: %w", path, err)
			}
			opts.Format, opts.Skip, opts.StartOffset, opts.StartIndex = records.FormatLines, 0, old.Offset, old.Records-1
		}
	}
	in.reader.Reset(counting{file, &in.stats.bytes}, opts)
	return nil
}

func (in *Input) options(c *current) records.Options {
	opts := records.Options{Name: c.origin.Path, MaxRecordBytes: int(in.cfg.MaxRecordBytes), HoldPartialLine: !in.deps.Once}
	if c.lines {
		opts.Format = records.FormatLines
	}
	return opts
}

// read takes records of the current file into m. It reports whether m is full.
func (in *Input) read(m *batchMemory) (full bool, err error) {
	c, b := in.cur, &m.Block
	if in.ledger.failed(c.run) {
		in.drop(false, nil)
		return false, nil
	}
	from := b.Len()
	if c.check != "" {
		err = in.reader.Fill(b, from+1, int(in.cfg.BatchMaxBytes)+b.Bytes())
		if b.Len() > from && hash(b.At(from).Raw) == c.check {
			c.check = ""
			from++
		} else if err == nil && b.Len() == from {
			return true, nil // no room for it
		} else if err == nil || errors.Is(err, io.EOF) {
			return false, in.again()
		}
	}
	if err == nil {
		err = in.reader.Fill(b, in.cfg.BatchMaxRecords+m.skipped(from), int(in.cfg.BatchMaxBytes))
	}
	if to := b.Len(); to > from && c.check == "" {
		last := b.At(to - 1)
		s := &segment{
			run: c.run, from: from, to: to, origin: c.origin, records: last.Index + 1, offset: last.Offset,
			last: hash(last.Raw), lines: in.reader.Layout() == records.LayoutLines, packed: in.reader.Packed(),
		}
		in.ledger.add(s)
		m.segments = append(m.segments, s)
		m.taken += to - from
	}
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, io.EOF):
		in.drop(true, nil)
		return false, nil
	}
	in.drop(false, err)
	return true, err
}

// again reads the current file from the start, as it is not what it was.
func (in *Input) again() error {
	c := in.cur
	in.log.Warn("a file has changed before the place that was reached, it is read from the start", "log.file.path", c.origin.Path)
	in.ledger.restart(c.run)
	c.check = ""
	if _, err := c.file.Seek(0, io.SeekStart); err != nil {
		in.drop(false, err)
		return fmt.Errorf("reading %q: %w", c.origin.Path, err)
	}
	in.reader.Reset(counting{c.file, &in.stats.bytes}, in.options(c))
	return nil
}

// drop ends the reading of the current file. Only what is wrong with its content is remembered: an error of the disk may
// pass.
func (in *Input) drop(done bool, fault error) {
	_ = in.cur.file.Close()
	if !records.IsContent(fault) {
		fault = nil
	}
	in.ledger.end(in.cur.run, done, fault)
	in.cur = nil
}

// fatal makes an error of the store end the run: without checkpoints nothing could be promised.
func (in *Input) fatal(err error) error {
	fatal := &input.FatalError{Err: err}
	in.state.Failed(err)
	in.state.Ended()
	in.broken.CompareAndSwap(nil, fatal)
	return fatal
}

// Close ends a Read that is under way, which then returns os.ErrClosed, and releases what the input holds. Acks that come
// after it still count. It returns an error where batches came back that Read did not speak of.
func (in *Input) Close() error {
	var err error
	in.close.Do(func() {
		close(in.closed)
		in.reading.Lock()
		defer in.reading.Unlock()
		in.state.Ended()
		if in.cur != nil {
			in.drop(false, nil)
		}
		if in.next != nil {
			in.stop()
		}
		if err = in.ledger.flush(); err != nil {
			return
		}
		if n := in.returned.Swap(0); n > 0 && in.deps.Once {
			err = notDelivered(n)
		}
	})
	return err
}
