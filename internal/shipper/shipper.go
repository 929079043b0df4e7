package shipper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/output"
)

// Processor maps one raw record into the document that stands in ev already: the read time, tags, origin. It never fails
// a record away for what stands in it. Any error that Options.IsDrop does not know sends the record to the dead letters; a method
// LetterType of it says why it belongs there.
// Safe for concurrent use, with an event each. *pipeline.Pipeline is one.
type Processor interface {
	Process(raw []byte, ev *ecs.Event) error
}

// Source is one configured input.
type Source struct {
	// ID is unique in the run. It is the name in logs and in the accounting.
	ID string
	// Type is the type as in the configuration: input.type of the documents, unless the origin of a record says another.
	Type string
	// Input is read by one goroutine, and closed by Run.
	Input input.Input
	// Processor maps the records of this input. Nil: Options.Processor.
	Processor Processor
	// Tags are those that every document starts with, in this order. Without any the processor may have its own.
	Tags []string
	// DataStream is where the documents go to, unless a filter changes data_stream.* of one.
	DataStream DataStream
	// Of finds the source that a record belongs to by its origin, for an input that hands out the records of several, as a
	// replay does: Type, Processor, Tags and DataStream are then those of that source. It must be quick and safe for
	// concurrent use. Nil, or a nil answer: this source.
	Of func(*input.Origin) *Source
}

// settings are those of the source that a record of s belongs to.
func (s *Source) settings(o *input.Origin) *Source {
	if s.Of != nil && o != nil {
		if of := s.Of(o); of != nil {
			return of
		}
	}
	return s
}

// Options are what a Shipper is made of. Sources, unless it is Open, Processor, Output and DeadLetters are required.
type Options struct {
	// Sources are read side by side.
	Sources []Source
	// Open lets sources come and go while the run is on (Add, Remove): it begins without any too, and goes on when all have ended,
	// until its context does.
	Open bool
	// Processor maps the records of all sources that have none of their own.
	Processor Processor
	// IsDrop tells the error by which the processor says that a filter took the record. Nil: there are no filters.
	IsDrop func(error) bool
	// Identify sets the Meta.ID of a mapped document that has none from the mapping, as its record has no identity of its
	// own. It must give the same for the same record, whenever it is read again. Nil: the output chooses, and nothing
	// tells duplicates of such records.
	Identify func(*ecs.Event, *input.Record)
	// Output takes the documents; most often one made by Decorate. Closed by Run.
	Output output.Output
	// DeadLetters takes what the output refuses for good. Not closed by Run.
	DeadLetters DeadLetters
	// KeepDocument adds the mapped document to its dead letter.
	KeepDocument bool
	// Agent is agent.* of every document.
	Agent Agent
	// Config holds the options that users set.
	Config Config
	// Backoff is for dead letters that cannot be stored. Zero: DefaultBackoff.
	Backoff Backoff
	// MaxEvents bounds how many documents go into one Write; larger batches are written in parts. Each worker keeps as many
	// events in memory, of about 10 KiB each. Zero: 512.
	MaxEvents int
	// MaxBytes bounds the bytes of the raw records of one Write, but for a single record that has more. Their documents are two
	// to three times as long. Zero: 2 MiB.
	MaxBytes int
	// Observer is told what passes. Nil: nobody.
	Observer Observer
	// Logger. Nil: silent.
	Logger *slog.Logger
}

const (
	defaultMaxEvents = 512
	defaultMaxBytes  = 2 << 20
)

// Shipper moves records from its sources to its output. Make it with New, use it for one Run.
type Shipper struct {
	opt        Options
	log        *slog.Logger
	accounting *Accounting
	letterLog  *changeLog
	buried     *burials
	panics     *panics

	fail func(error) // stops the run: set by Run

	mu      sync.Mutex
	flow    *flow               // nil before Run
	over    bool                // no more sources are taken
	early   []*Source           // added before Run
	running map[string]*running // by id
}

// New checks the options.
func New(opt Options) (*Shipper, error) {
	var errs []error
	require := func(ok bool, what string) {
		if !ok {
			errs = append(errs, fmt.Errorf("making the shipper: %s is missing", what))
		}
	}
	require(len(opt.Sources) > 0 || opt.Open, "an input")
	require(opt.Processor != nil, "the processor")
	require(opt.Output != nil, "the output")
	require(opt.DeadLetters != nil, "a place for dead letters")
	var ids []string
	seen := map[string]bool{}
	for i := range opt.Sources {
		src := &opt.Sources[i]
		require(src.Input != nil, fmt.Sprintf("the input of source %q", src.ID))
		if seen[src.ID] {
			errs = append(errs, fmt.Errorf("making the shipper: two inputs have the id %q; give each an id of its own", src.ID))
			continue
		}
		seen[src.ID] = true
		ids = append(ids, src.ID)
	}
	if err := opt.Config.Validate(); err != nil {
		errs = append(errs, err)
	}
	if opt.Backoff == (Backoff{}) {
		opt.Backoff = DefaultBackoff()
	}
	if err := opt.Backoff.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("backoff.%w", err))
	}
	if opt.MaxEvents <= 0 {
		opt.MaxEvents = defaultMaxEvents
	}
	if opt.MaxBytes <= 0 {
		opt.MaxBytes = defaultMaxBytes
	}
	if opt.Observer == nil {
		opt.Observer = unobserved{}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	log := orDiscard(opt.Logger)
	return &Shipper{
		opt: opt, log: log, accounting: newAccounting(ids),
		letterLog: &changeLog{log: log, began: "dead letters cannot be stored, trying again",
			still: "dead letters still cannot be stored", ended: "dead letters can be stored again"},
		buried: &burials{log: log}, panics: &panics{log: log}, running: map[string]*running{},
	}, nil
}

// Accounting returns the counts of the run. Usable before, during and after it.
func (s *Shipper) Accounting() *Accounting { return s.accounting }

// errTime is why writes end at a shutdown.
var errTime = errors.New("the shutdown timeout is over")

// ErrReturned says that a run came to its end while some records could not be delivered; their sources deliver them again.
var ErrReturned = errors.New("some records were not delivered and are returned to their source")

// delivery is a batch with where it came from.
type delivery struct {
	src      *Source
	run      *running
	batch    *input.Batch
	readTime string
}

// Run ships until every input is exhausted and every batch is acknowledged, or until ctx ends: then it stops reading, lets
// what is in flight finish within the shutdown timeout, and hands the rest back. Then it closes the inputs and the
// output. It is called once.
//
// The error joins what went wrong: fatal errors of inputs (the other inputs went on), a fatal error of the output (the run
// stopped at once), ErrReturned, errors of Close, an accounting that does not balance. The end of ctx is none.
func (s *Shipper) Run(ctx context.Context) error {
	reading, stopReading := context.WithCancelCause(ctx)
	defer stopReading(nil)
	writing, stopWriting := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stopWriting(nil)

	var errs errorList
	var once sync.Once
	s.fail = func(err error) {
		once.Do(func() { errs.add(err) }) // told once, by the caller of Run
		stopReading(err)
		stopWriting(err)
	}
	done, stopped := make(chan struct{}), make(chan struct{})
	ignoreStop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		s.log.Info("stopping: no more is read, what is in flight is finished", "timeout", s.opt.Config.ShutdownTimeout,
			"in_flight", s.accounting.Snapshot().Total.InFlight)
		t := time.NewTimer(s.opt.Config.ShutdownTimeout)
		defer t.Stop()
		select {
		case <-t.C:
			stopWriting(errTime)
		case <-done:
		}
	})
	defer func() {
		close(done)
		if !ignoreStop() {
			<-stopped // nothing is written to the log once Run has ended
		}
	}()

	batches := make(chan delivery) // unbuffered: a batch is handed over, never queued
	var readers, workers sync.WaitGroup
	s.begin(&flow{reading: reading, writing: writing, batches: batches, readers: &readers, errs: &errs})
	for range s.opt.Config.workers() {
		workers.Go(func() {
			w := &worker{Shipper: s}
			for d, ok := w.next(batches); ok; d, ok = w.next(batches) {
				w.ship(d.run.writing, d)
				d.run.flight.Done()
			}
		})
	}
	readers.Wait()
	left := s.end()
	close(batches)
	workers.Wait()

	for _, src := range left {
		switch err := src.Input.Close(); {
		case err == nil:
		case output.IsFatal(context.Cause(writing)):
			// That batches came back undelivered is no news then, and would bury the reason.
			s.log.Debug("input ended with an error after that of the output", "input.id", src.ID, "error.message", err)
		default:
			errs.add(fmt.Errorf("closing input %q: %w", src.ID, err))
		}
	}
	if err := s.opt.Output.Close(); err != nil {
		errs.add(fmt.Errorf("closing the output: %w", err))
	}
	counts := s.accounting.Snapshot()
	errs.add(counts.Check())
	if counts.Total.Returned > 0 && ctx.Err() == nil && context.Cause(writing) == nil {
		errs.add(ErrReturned)
	}
	return errs.join()
}

// read hands the batches of one input to the workers until the input ends. It returns fatal errors only.
func (s *Shipper) read(run *running, batches chan<- delivery) error {
	ctx, src := run.reading, run.src
	log := s.log.With("input.id", src.ID)
	faults := readFaults{log: log}
	for {
		batch, err := src.Input.Read(ctx)
		switch {
		case err == nil:
		case err == io.EOF: //nolint:errorlint // one that is wrapped is a broken connection, not the end of the source
			log.Debug("input is exhausted")
			s.opt.Observer.Ended(src, nil)
			return nil
		case ctx.Err() != nil:
			return nil
		case input.IsFatal(err):
			log.Error("input failed for good; the others go on", "error.message", err)
			s.opt.Observer.Ended(src, err)
			return fmt.Errorf("reading input %q: %w", src.ID, err)
		default:
			s.accounting.readError(src.ID)
			s.opt.Observer.ReadFailed(src, err)
			if sleep(ctx, faults.next(err)) != nil {
				return nil
			}
			continue
		}
		if batch == nil {
			continue
		}
		if len(batch.Records) == 0 {
			batch.Ack(nil)
			continue
		}
		faults.same = 0
		s.accounting.receive(src.ID, len(batch.Records))
		s.opt.Observer.Received(src, batch)
		run.flight.Add(1)
		select {
		case batches <- delivery{src: src, run: run, batch: batch, readTime: time.Now().UTC().Format(timestampFormat)}:
		case <-run.handing.Done():
			s.accounting.settle(src.ID, Counts{Returned: int64(len(batch.Records))})
			batch.Ack(fmt.Errorf("not delivered: the run ends: %w", context.Cause(run.handing)))
			run.flight.Done()
			return nil
		}
	}
}

// readFaults logs each new error of an input, and slows down one that says the same again and again.
type readFaults struct {
	log     *slog.Logger
	last    string
	same    int
	lastLog time.Time
}

func (f *readFaults) next(err error) (wait time.Duration) {
	text := err.Error()
	if text != f.last {
		f.last, f.same, f.lastLog = text, 0, time.Now()
		f.log.Error("reading input failed, going on", "error.message", err)
		return 0
	}
	if now := time.Now(); now.Sub(f.lastLog) >= summaryEvery {
		f.lastLog = now
		f.log.Error("reading input still fails", "error.message", err)
	}
	f.same++
	return min(10*time.Millisecond<<min(f.same, 10), time.Second)
}

// errorList gathers errors of several goroutines.
type errorList struct {
	mu   sync.Mutex
	errs []error
}

func (l *errorList) add(err error) {
	if err == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errs = append(l.errs, err)
}

func (l *errorList) join() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.errs...)
}
