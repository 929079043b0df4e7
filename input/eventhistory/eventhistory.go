package eventhistory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/account"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/batch"
	"github.com/trailbeat/trailbeat/input/progress"
	"github.com/trailbeat/trailbeat/input/quota"
)

// Type is the name of this input in the configuration.
const Type = "aws-cloudtrail"

// Limits share the quota of LookupEvents among all inputs of a process.
type Limits = quota.Limits

// Deps are what the input needs from outside.
type Deps struct {
	// ID of the input, for its records.
	ID string
	// Store keeps the checkpoints, scoped by the ID.
	Store input.Store
	// Logger gets warnings. nil logs nothing.
	Logger *slog.Logger
	// Once ends the input with io.EOF when all that the event history held when Read was first called was read.
	Once bool
	// Limits are shared by all inputs of the process. nil gives this input its own, which then does not know of the calls
	// of the others.
	Limits *Limits
}

// Input reads the event history. It keeps the contract of input.Input.
//
// With Once, Read returns io.EOF after the last stream, without waiting for acknowledgements. A region that could not be read, or a batch
// that was acknowledged with an error, makes Read return an error before that, where it is known by then, and Close otherwise.
type Input struct {
	cfg     Config
	deps    Deps
	log     *slog.Logger
	session *aws.Session
	account *account.Client
	home    string // region
	stats   stats
	state   progress.Tracker
	faults  progress.Faults

	out       chan *input.Batch
	told      chan error
	slots     chan struct{} // batches in flight
	workers   chan struct{} // streams that are read
	busy      atomic.Int64
	ended     chan struct{} // closed when all was read (Once)
	closed    chan struct{}
	begin     sync.Once
	shut      sync.Once
	stop      context.CancelFunc
	ctx       context.Context // of the goroutines: it ends with Close
	managing  sync.WaitGroup
	streaming sync.WaitGroup
	until     time.Time // the end of what Once reads

	number, owner string // the account, and whose quota it is; of manage

	returned    atomic.Int64 // batches that came back and were not spoken of
	allReturned atomic.Int64
	broken      atomic.Pointer[input.FatalError]

	mu      sync.Mutex
	streams map[string]*stream // by key
	left    []*stream          // whose region is gone
}

// New makes the input. It calls nobody yet; the errors are those of the configuration and of the files that it names.
func New(cfg Config, deps Deps) (*Input, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Store == nil {
		return nil, errors.New("making aws-cloudtrail input: no store was given")
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	if deps.Limits == nil {
		deps.Limits = new(Limits)
	}
	session, err := aws.New(context.Background(), cfg.AWS, deps.Logger)
	if err != nil {
		return nil, err
	}
	in := &Input{
		cfg: cfg, deps: deps, log: deps.Logger, session: session, account: session.Account(), home: session.Region(""),
		faults:  progress.Faults{Quiet: time.Minute},
		out:     make(chan *input.Batch),
		told:    make(chan error, 64),
		slots:   make(chan struct{}, cfg.MaxBatchesInFlight),
		workers: make(chan struct{}, cfg.Workers),
		ended:   make(chan struct{}),
		closed:  make(chan struct{}),
		streams: make(map[string]*stream),
	}
	in.ctx, in.stop = context.WithCancel(context.Background())
	return in, nil
}

// Read gives the next batch. Errors other than io.EOF, those of ctx and *input.FatalError name a region and pass: call it
// again.
func (in *Input) Read(ctx context.Context) (*input.Batch, error) {
	if err := in.over(ctx); err != nil {
		return nil, err
	}
	in.begin.Do(func() {
		in.until = time.Now()
		in.managing.Go(in.manage)
	})
	select {
	case b := <-in.out:
		return b, nil
	case err := <-in.told:
		return nil, err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-in.closed:
		return nil, os.ErrClosed
	case <-in.ended:
		return nil, in.end()
	}
}

// end is what Read says when all was read.
func (in *Input) end() error {
	select {
	case err := <-in.told:
		return err
	default:
	}
	if fatal := in.broken.Load(); fatal != nil {
		return fatal
	}
	if n := in.returned.Swap(0); n > 0 {
		return notDelivered(n)
	}
	return io.EOF
}

func notDelivered(n int64) error {
	return fmt.Errorf("%d batches were not delivered: their regions are not done, run again to send them", n)
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

// fatal ends the input: without checkpoints nothing that it reads could be called done.
func (in *Input) fatal(err error) {
	if in.broken.CompareAndSwap(nil, &input.FatalError{Err: err}) {
		in.log.Error("the input cannot go on", "error.message", err.Error())
	}
	in.state.Failed(in.broken.Load())
	in.queue(in.broken.Load())
	in.state.Ended()
	in.stop()
}

// queue hands an error to Read.
func (in *Input) queue(err error) {
	select {
	case in.told <- err:
	default: // nobody reads; those that wait say enough
	}
}

// Close ends all reading and saves which events of the lookback were delivered.
func (in *Input) Close() error {
	in.stop()
	in.begin.Do(func() {}) // nothing begins from here on
	in.shut.Do(func() { close(in.closed) })
	in.managing.Wait()
	in.streaming.Wait()
	in.state.Ended()
	var errs []error
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, s := range in.streams {
		in.left = append(in.left, s)
	}
	clear(in.streams)
	for _, s := range in.left {
		if err := s.stop(); err != nil {
			errs = append(errs, err)
		}
	}
	in.session.Close()
	if n := in.returned.Swap(0); n > 0 && in.deps.Once {
		errs = append(errs, notDelivered(n))
	}
	return errors.Join(errs...)
}

// hand gives a batch to Read and waits until it is taken. Without records it only notes how far the stream has come.
func (in *Input) hand(s *stream, m *mark, records []input.Record) error {
	if m.n == 0 {
		if !s.give(m) {
			return errReturned
		}
		if err := s.flush(); err != nil {
			in.fatal(err)
			return err
		}
		return nil
	}
	select {
	case in.slots <- struct{}{}:
	case <-s.ctx.Done():
		s.dropUnsent(m)
		return s.ctx.Err()
	}
	if !s.give(m) {
		<-in.slots
		return errReturned
	}
	out := &input.Batch{Records: records, Ack: batch.Once(in.log, func(err error) { in.ack(s, m, err) })}
	select {
	case in.out <- out:
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err() // it stays open, so that nothing of it counts
	}
}

func (in *Input) ack(s *stream, m *mark, err error) {
	if err != nil {
		in.returned.Add(1)
		in.allReturned.Add(1)
		in.stats.returned.Add(int64(m.n))
		in.state.Failed(returnedError{s.name(), err})
	} else {
		in.stats.acked.Add(int64(m.n))
	}
	if storing := s.settle(m, err); storing != nil {
		in.fatal(storing)
	}
	<-in.slots
}

// returnedError is a batch that came back.
type returnedError struct {
	where string
	err   error
}

func (e returnedError) Error() string {
	return fmt.Sprintf("a batch of the event history of %s was not delivered: %v", e.where, e.err)
}
func (e returnedError) Unwrap() error     { return e.err }
func (e returnedError) ErrorKind() string { return input.KindReturned }
func (e returnedError) ErrorHint() string { return "" }
