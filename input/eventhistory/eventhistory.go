package eventhistory

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/account"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/batch"
	"github.com/trailbeat/trailbeat/input/outlet"
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

	outlet    *outlet.Outlet
	ctx       context.Context // of the outlet
	slots     chan struct{}   // batches in flight
	workers   chan struct{}   // streams that are read
	busy      atomic.Int64
	begin     sync.Once
	managing  sync.WaitGroup
	streaming sync.WaitGroup
	until     time.Time // the end of what Once reads

	number, owner string // the account, and whose quota it is; of manage

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
		slots:   make(chan struct{}, cfg.MaxBatchesInFlight),
		workers: make(chan struct{}, cfg.Workers),
		streams: make(map[string]*stream),
	}
	in.outlet = outlet.New(&in.state, errNotDelivered)
	in.ctx = in.outlet.Context()
	return in, nil
}

// Read gives the next batch. Errors other than io.EOF, those of ctx and *input.FatalError name a region and pass: call it
// again.
func (in *Input) Read(ctx context.Context) (*input.Batch, error) {
	in.begin.Do(func() {
		in.until = time.Now()
		in.managing.Go(in.manage)
	})
	return in.outlet.Read(ctx)
}

var errNotDelivered = errors.New("batches were not delivered: their regions are not done, run again to send them")

// Close ends all reading and saves which events of the lookback were delivered.
func (in *Input) Close() error {
	in.begin.Do(func() {}) // nothing begins from here on
	in.outlet.Close()
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
	if in.deps.Once {
		errs = append(errs, in.outlet.NotDelivered())
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
			in.outlet.Break(err)
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
	return in.outlet.Send(s.ctx, out) // where that fails it stays open, so that nothing of it counts
}

func (in *Input) ack(s *stream, m *mark, err error) {
	if err != nil {
		in.outlet.CameBack()
		in.stats.returned.Add(int64(m.n))
		in.state.Failed(&progress.ReturnedError{What: "a batch of the event history of " + s.name(), Err: err})
	} else {
		in.stats.acked.Add(int64(m.n))
	}
	if storing := s.settle(m, err); storing != nil {
		in.outlet.Break(storing)
	}
	<-in.slots
}
