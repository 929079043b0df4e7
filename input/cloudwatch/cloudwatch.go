package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/batch"
	"github.com/trailbeat/trailbeat/input/outlet"
	"github.com/trailbeat/trailbeat/input/progress"
	"github.com/trailbeat/trailbeat/input/quota"
)

// Type is the name of this input in the configuration.
const Type = "aws-cloudwatch"

// API is what the input calls of CloudWatch Logs. *cloudwatchlogs.Client has it.
type API interface {
	FilterLogEvents(context.Context, *cloudwatchlogs.FilterLogEventsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error)
	DescribeLogGroups(context.Context, *cloudwatchlogs.DescribeLogGroupsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error)
}

// Limits share the quota of FilterLogEvents among all inputs of a process.
type Limits = quota.Limits

// Deps are what the input needs from outside.
type Deps struct {
	// ID of the input, for its records.
	ID string
	// Store keeps the checkpoints, scoped by the ID.
	Store input.Store
	// Logger gets warnings. nil logs nothing.
	Logger *slog.Logger
	// Once ends the input with io.EOF when all log groups were read up to now less latency.
	Once bool
	// Limits are shared by all inputs of the process. nil gives this input its own, which then does not know of the calls
	// of the others.
	Limits *Limits
	// API and Identity (account and ARN of the caller) are for tests. nil: of the session that the AWS block makes.
	API      API
	Identity func(context.Context) (account, arn string, err error)
}

// Input reads CloudWatch Logs. It keeps the contract of input.Input.
//
// With Once, Read returns io.EOF after the last log group, without waiting for acknowledgements. A log group that could not be read, or a batch
// that was acknowledged with an error, makes Read return an error before that, where it is known by then, and Close otherwise.
type Input struct {
	cfg     Config
	deps    Deps
	log     *slog.Logger
	api     API
	session *aws.Session
	limit   *quota.Limiter // set before the first call
	stats   stats
	state   progress.Tracker

	outlet  *outlet.Outlet
	ctx     context.Context // of the outlet
	slots   chan struct{}   // batches in flight
	wake    chan struct{}
	start   sync.Once
	workers sync.WaitGroup
	until   int64 // the end of what Once reads

	mu     sync.Mutex
	groups map[string]*group // by key
	busy   int
	listed bool // at least once

	unlisted bool // the last listing of log groups failed; of the schedule alone
}

// New makes the input. It calls nobody yet; the errors are those of the configuration and of the files that it names.
func New(cfg Config, deps Deps) (*Input, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Store == nil {
		return nil, errors.New("making aws-cloudwatch input: no store was given")
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	if deps.Limits == nil {
		deps.Limits = new(Limits)
	}
	in := &Input{
		cfg: cfg, deps: deps, log: deps.Logger, api: deps.API,
		slots:  make(chan struct{}, cfg.MaxBatchesInFlight),
		wake:   make(chan struct{}, 1),
		groups: make(map[string]*group),
	}
	if in.api == nil {
		session, err := aws.New(context.Background(), cfg.AWS, deps.Logger)
		if err != nil {
			return nil, err
		}
		in.session, in.api = session, session.CloudWatchLogs(cfg.region())
		in.deps.Identity = session.Identity
	}
	in.outlet = outlet.New(&in.state, errNotDelivered)
	in.ctx = in.outlet.Context()
	return in, nil
}

// Read gives the next batch. Errors other than io.EOF, those of ctx and *input.FatalError name a log group and pass: call it
// again.
func (in *Input) Read(ctx context.Context) (*input.Batch, error) {
	in.start.Do(func() {
		in.until = time.Now().Add(-in.cfg.Latency).UnixMilli()
		in.workers.Go(in.schedule)
	})
	return in.outlet.Read(ctx)
}

var errNotDelivered = errors.New("batches were not delivered: their log groups are not done, run again to send them")

// tell hands an error to Read.
func (in *Input) tell(err error) {
	in.state.Failed(err)
	in.outlet.Tell(err)
}

// Close ends all reading and saves which events of the overlap were delivered.
func (in *Input) Close() error {
	in.start.Do(func() {}) // no schedule from here on
	in.outlet.Close()
	in.workers.Wait()
	in.state.Ended()
	var errs []error
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, g := range in.groups {
		if err := g.stop(); err != nil {
			errs = append(errs, err)
		}
	}
	if in.session != nil {
		in.session.Close()
	}
	if in.deps.Once {
		errs = append(errs, in.outlet.NotDelivered())
	}
	return errors.Join(errs...)
}

// hand gives a batch to Read and waits until it is taken.
func (in *Input) hand(g *group, b *handed, records []input.Record) error {
	select {
	case in.slots <- struct{}{}:
	case <-in.ctx.Done():
		g.dropUnsent(b)
		return in.ctx.Err()
	}
	if !g.give(b) {
		<-in.slots
		return errReturned
	}
	out := &input.Batch{Records: records, Ack: batch.Once(in.log, func(err error) { in.ack(g, b, err) })}
	return in.outlet.Send(in.ctx, out) // where that fails it stays open, so that nothing of it counts
}

func (in *Input) ack(g *group, b *handed, err error) {
	if err != nil {
		in.outlet.CameBack()
		in.stats.eventsReturned.Add(int64(len(b.keys)))
		in.state.Failed(&progress.ReturnedError{What: fmt.Sprintf("a batch of log group %q", g.name), Err: err})
	} else {
		in.stats.acked.Add(int64(len(b.keys)))
	}
	idle, storing := g.settle(b, err)
	if storing != nil {
		in.outlet.Break(storing)
	}
	<-in.slots
	if idle {
		in.nudge()
	}
}

// nudge makes the schedule look again.
func (in *Input) nudge() {
	select {
	case in.wake <- struct{}{}:
	default:
	}
}
