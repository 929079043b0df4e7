package sqs

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

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/progress"
	"github.com/trailbeat/trailbeat/input/s3object"
)

// Type is the name of this input in the configuration; the one that lists a bucket has the same.
const Type = "aws-s3"

// Deps are what the input needs from outside.
type Deps struct {
	// ID of the input, for its records.
	ID string
	// Store is not used: the queue remembers what is done. It may be nil.
	Store input.Store
	// Logger gets warnings. nil logs nothing.
	Logger *slog.Logger
	// Once ends the input with io.EOF when two long polls in a row came back empty and nothing is being read. What failed
	// is then released by Close, not before.
	Once bool
	// Version of the program, for the user agent.
	Version string
	// Queue takes the place of the queue. Nil: the one of queue_url.
	Queue Queue
	// Settled is told of each receive of a message, once: its receipt handle, and nil when the message is done and was deleted,
	// or why it was released. It is called from several goroutines. Nil: nobody is told.
	Settled func(handle string, err error)
}

// Queue is what the input asks of SQS. The client of the SDK is one. Somebody else who hands over messages can be one too, as the
// service that calls a Lambda function.
type Queue interface {
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessage(context.Context, *sqs.DeleteMessageInput, ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error)
	ChangeMessageVisibility(context.Context, *sqs.ChangeMessageVisibilityInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error)
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
}

// Input receives messages and reads what they name. It keeps the contract of input.Input.
type Input struct {
	cfg     Config
	deps    Deps
	log     *slog.Logger
	queue   aws.Queue
	session *aws.Session
	client  Queue
	reader  *s3object.Reader
	stats   Stats
	state   progress.Tracker
	told    progress.Faults
	kinds   kinds

	ctx     context.Context // of all work; ended by Close
	stop    context.CancelCauseFunc
	reading <-chan struct{} // of the context of Read, which is the same all the time
	runs    atomic.Int64
	ready   *handoff
	room    room
	start   sync.Once
	close   sync.Once
	work    sync.WaitGroup // receiving and reading
	farther sync.WaitGroup // deleting and releasing

	mu       sync.Mutex
	faults   []error
	messages map[*message]bool
	poll     context.CancelFunc // ends the long poll that is under way
	paused   bool
	fatal    error
	drained  atomic.Bool  // Once: all was read
	failed   atomic.Int64 // messages that were not delivered
}

// errClosed is why work ends at Close.
var errClosed = errors.New("the input was closed")

// New makes the input. It calls nobody yet; the errors are those of the configuration.
func New(cfg Config, deps Deps) (*Input, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	if deps.Version != "" {
		cfg.AWS.Version = deps.Version
	}
	queue, err := aws.ParseQueueURL(cfg.QueueURL)
	if err != nil {
		return nil, fmt.Errorf("queue_url: %w", err)
	}
	session, err := aws.New(context.Background(), cfg.AWS, deps.Logger)
	if err != nil {
		return nil, err
	}
	reader, err := s3object.NewReader(cfg.Object, s3object.Deps{InputID: deps.ID, InputType: Type, Session: session, Logger: deps.Logger})
	if err != nil {
		return nil, err
	}
	in := &Input{
		cfg: cfg, deps: deps, log: deps.Logger.With("queue.name", queue.Name), queue: queue, session: session,
		client: deps.Queue, reader: reader,
		ready:    newHandoff(int(cfg.Object.BatchMaxBytes)),
		messages: make(map[*message]bool),
	}
	if in.client == nil {
		in.client = session.Queue(queue)
	}
	in.room.init(cfg.workers(), cfg.inFlight())
	in.stats.Objects = reader.Stats()
	in.told.Quiet = max(quiet, 2*cfg.VisibilityTimeout) // what failed comes again no later than that
	in.stats.MessagesWaiting.Store(-1)
	in.ctx, in.stop = context.WithCancelCause(context.Background())
	return in, nil
}

// Stats gives the counters.
func (in *Input) Stats() *Stats { return &in.stats }

// region is that of the queue.
func (in *Input) region() string { return in.session.Region(in.queue.Region) }

// Read gives the next batch. Errors other than io.EOF and those of ctx tell of a message, an object or the queue and are not
// fatal: call it again.
func (in *Input) Read(ctx context.Context) (*input.Batch, error) {
	in.start.Do(func() {
		in.work.Go(in.receive)
		in.work.Go(in.watch)
	})
	if done := ctx.Done(); done != in.reading {
		in.reading = done
		run := in.runs.Add(1)
		in.pause(false)
		context.AfterFunc(ctx, func() { // nobody would take what comes then
			if in.runs.Load() == run {
				in.pause(true)
			}
		})
	}
	return in.ready.take(ctx, in.cfg.Object.BatchMaxRecords, in.over)
}

// over is what ends the waiting for batches: a fault to tell, or the end.
func (in *Input) over() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.ctx.Err() != nil {
		return os.ErrClosed
	}
	if len(in.faults) > 0 {
		err := in.faults[0]
		in.faults = in.faults[1:]
		return err
	}
	if len(in.ready.pieces) > 0 {
		return nil
	}
	if in.fatal != nil {
		return in.fatal
	}
	if in.drained.Load() {
		return io.EOF
	}
	return nil
}

// maxFaults bounds the errors that wait to be told; more of them would say the same.
const maxFaults = 100

// quiet is how long a kind of fault must not show until it is over.
const quiet = 10 * time.Minute

// The things that fail, in words.
const (
	whatReceive = "receives failed"
	whatMessage = "messages could not be read to their end"
)

// note counts what went wrong, and makes Read tell it where its kind was not told yet: with a right missing every message fails.
func (in *Input) note(what string, err error) {
	in.state.Failed(err)
	if in.told.Note(what, err, time.Now()) {
		in.queueFault(err)
	}
}

// endFaults tells what was hidden in the last minute, and what is over.
func (in *Input) endFaults() {
	say, over := in.told.Pass(time.Now(), in.deps.Once)
	for _, err := range say {
		in.queueFault(err)
	}
	for _, key := range over {
		in.log.Info("a kind of fault does not show any more", "what", key.What, "error.type", key.Kind)
	}
}

// tell notes an error and makes Read return it.
func (in *Input) tell(err error) {
	in.state.Failed(err)
	in.queueFault(err)
}

func (in *Input) queueFault(err error) {
	in.mu.Lock()
	if len(in.faults) < maxFaults {
		in.faults = append(in.faults, err)
	}
	in.mu.Unlock()
	in.ready.wake()
}

// pause stops receiving, or lets it go on.
func (in *Input) pause(on bool) {
	in.mu.Lock()
	in.paused = on
	poll := in.poll
	in.mu.Unlock()
	if on && poll != nil {
		poll()
	}
	in.room.wake()
}

// Close stops all work, gives up what is being read, and waits for messages to be deleted and released, no longer than
// sqs.shutdown_grace_time. With Once it returns an error where messages were not delivered.
func (in *Input) Close() error {
	var err error
	in.close.Do(func() {
		in.start.Do(func() {}) // not any more
		in.stop(errClosed)
		in.ready.wake()
		in.room.wake()
		in.work.Wait()
		in.state.Ended()
		for _, b := range in.ready.empty() {
			b.Ack(errClosed)
		}
		in.mu.Lock()
		left := make([]*message, 0, len(in.messages))
		for m := range in.messages {
			left = append(left, m)
		}
		in.mu.Unlock()
		for _, m := range left {
			m.abandon(errClosed)
		}
		in.await()
		in.session.Close()
		if n := in.failed.Load(); in.deps.Once && n > 0 {
			err = fmt.Errorf("%d messages were not delivered and are back in the queue, run again to send them", n)
		}
	})
	return err
}

// await waits for messages to be deleted and released.
func (in *Input) await() {
	done := make(chan struct{})
	go func() {
		in.farther.Wait()
		close(done)
	}()
	timer := time.NewTimer(in.cfg.SQS.ShutdownGraceTime)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		in.log.Warn("some messages could not be deleted or released in time, they come again when their visibility timeout ends",
			"sqs.shutdown_grace_time", in.cfg.SQS.ShutdownGraceTime.String())
	}
}
