package s3

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/outlet"
	"github.com/trailbeat/trailbeat/input/progress"
	"github.com/trailbeat/trailbeat/input/s3/lease"
	"github.com/trailbeat/trailbeat/input/s3object"
)

// Type is the name of this input in the configuration. It is shared with the input that hears of objects through a queue.
const Type = "aws-s3"

// Deps are what the input needs from outside.
type Deps struct {
	// ID of the input, for its records.
	ID string
	// Store keeps the state, scoped by the ID.
	Store input.Store
	// Logger gets warnings. nil logs nothing.
	Logger *slog.Logger
	// Once ends the input with io.EOF after one pass.
	Once bool
	// Until leaves out objects that were delivered later, by their names or, in another layout than CloudTrail's, by their last change.
	// Listings end there, and the state counts what is left out as done: with another Until goes another ID. Zero: none is left out.
	Until time.Time
	// UntilByName lets Until be about CloudTrail's names alone, as the last change of an object that was copied says nothing about its
	// delivery. Default false.
	UntilByName bool
	// Wanted says by its key whether an object that the options choose is read; the state counts the others as unknown. Nil: all are.
	Wanted func(key string) bool
	// ReadOnly makes no copies and deletes nothing, whatever the options say. Copies that are there are still not read.
	ReadOnly bool
}

// Input reads the objects of a bucket by listing it. It keeps the contract of input.Input.
//
// With Once, Read returns io.EOF when the pass is through, without waiting for acknowledgements. Objects that could not be
// read, or were not delivered, make Read return an error before that, and Close where it was not known by then.
type Input struct {
	cfg     Config
	deps    Deps
	log     *slog.Logger
	bucket  aws.Bucket
	backup  string // bucket of the copies; empty for none
	session *aws.Session
	api     bucketAPI
	objects objectReader
	ledger  *ledger
	shared  *sharing // nil: all of the bucket is this process's
	found   *discovery
	window  window
	layout  string
	warned  bool // that there is nothing to read
	stats   counters
	state   progress.Tracker
	faults  progress.Faults // of listings and objects

	choreFaults progress.Faults

	outlet  *outlet.Outlet
	wake    chan struct{} // there is a chore
	start   sync.Once
	close   sync.Once
	ctx     context.Context // of the outlet: for all work but chores
	choring context.Context
	stop    context.CancelFunc
	work    sync.WaitGroup // the passes
	chores  sync.WaitGroup
	begun   bool // written before any work, read after it
}

// New makes the input. It calls nobody; the errors are those of the configuration and of the stored state.
func New(cfg Config, deps Deps) (*Input, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	log := deps.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	session, err := aws.New(context.Background(), cfg.AWS, log)
	if err != nil {
		return nil, err
	}
	objects, err := s3object.NewReader(cfg.Objects, s3object.Deps{InputID: deps.ID, InputType: Type, Session: session, Logger: log})
	if err != nil {
		return nil, err
	}
	bucket, err := cfg.bucket()
	if err != nil {
		return nil, err
	}
	in, err := open(cfg, deps, &bucketClient{session: session, bucket: bucket}, reader{Reader: objects, bucket: bucket})
	if err != nil {
		session.Close()
		return nil, err
	}
	in.session = session
	if cfg.Lease.on() {
		in.shareThrough(leaseStore(cfg.Lease, session))
	}
	return in, nil
}

// shareThrough makes the input share its work through leases.
func (in *Input) shareThrough(objects lease.Objects) {
	in.shared = newSharing(in.cfg, in.deps.ID, in.bucket.Name, objects, in.ledger.chores, in.log)
}

// open makes the input with a bucket that need not be a real one.
func open(cfg Config, deps Deps, api bucketAPI, objects objectReader) (*Input, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Store == nil {
		return nil, errors.New("making the aws-s3 input: no store was given")
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	in := &Input{
		cfg: cfg, deps: deps, log: deps.Logger, objects: objects,
		wake: make(chan struct{}, 1),
	}
	in.api = counted{bucketAPI: api, stats: &in.stats}
	in.bucket, _ = cfg.bucket()
	in.backup, _ = cfg.backupBucket()
	var err error
	if in.ledger, err = newLedger(deps.Store, in.bucket.Name, !deps.ReadOnly && (in.backup != "" || cfg.deletes()), in.log); err != nil {
		return nil, err
	}
	if err := in.settleStart(time.Now()); err != nil {
		return nil, err
	}
	in.found = &discovery{api: in.api, prefix: cfg.BucketListPrefix, accounts: cfg.Accounts, regions: cfg.Regions, skip: in.skipKind}
	if in.backup == in.bucket.Name {
		in.found.exclude = cfg.BackupToBucketPrefix
	}
	if to, _ := cfg.Lease.bucket(); cfg.Lease.on() && to.Name == in.bucket.Name {
		in.found.leases = cfg.Lease.Prefix
	}
	// They outlive any context of a caller: acks may come, and objects be put away, after a Read has ended.
	in.outlet = outlet.New(&in.state, errNotDelivered)
	in.ctx = in.outlet.Context()
	in.choring, in.stop = context.WithCancel(context.Background())
	return in, nil
}

// skipKind says that the options leave out a kind of files as a whole.
func (in *Input) skipKind(kind string) bool {
	o := in.cfg.Objects
	return len(o.FileSelectors) == 0 && (kind == "CloudTrail-Digest" && o.DigestRegex == "" || kind == "CloudTrail-Insight" && o.InsightRegex == "")
}

// origin is what was decided once for a bucket.
type origin struct {
	// StartTimestamp is the option as it was, Start what it meant then: a duration must not move on with each restart.
	StartTimestamp string    `json:"start_timestamp,omitempty"`
	Start          time.Time `json:"start,omitzero"`
	// Layout is what was found.
	Layout string `json:"layout,omitempty"`
}

const originKey = "origin"

// settleStart takes start_timestamp from the state, where it is still the same option, and the layout where it is to be found out.
func (in *Input) settleStart(now time.Time) error {
	var o origin
	if _, err := in.deps.Store.Get(in.ledger.base+originKey, &o); err != nil {
		return fmt.Errorf("loading the state: %w", err)
	}
	if in.layout = in.cfg.Layout; in.layout == "" || in.layout == layoutAuto {
		in.layout = o.Layout
	}
	if o.StartTimestamp != in.cfg.StartTimestamp {
		start, err := aws.ParseStart(in.cfg.StartTimestamp, now)
		if err != nil {
			return err
		}
		o.StartTimestamp, o.Start = in.cfg.StartTimestamp, start
		if err := in.deps.Store.Put(in.ledger.base+originKey, o); err != nil {
			return fmt.Errorf("storing the state: %w", err)
		}
	}
	in.window = window{start: o.Start, ignoreOlder: in.cfg.IgnoreOlder}
	return nil
}

// decide remembers the layout that was found.
func (in *Input) decide(layout string) error {
	if in.layout == layout {
		return nil
	}
	var o origin
	if _, err := in.deps.Store.Get(in.ledger.base+originKey, &o); err != nil {
		return fmt.Errorf("loading the state: %w", err)
	}
	o.Layout = layout
	if err := in.deps.Store.Put(in.ledger.base+originKey, o); err != nil {
		return fmt.Errorf("storing the state: %w", err)
	}
	in.layout = layout
	in.log.Info("the layout of the bucket was found; it is remembered, the option layout says otherwise", "aws.s3.bucket.name", in.bucket.Name, "layout", layout)
	return nil
}

// Read gives the next batch. Errors other than io.EOF and those of ctx name an object or a listing and are not fatal: call it
// again.
func (in *Input) Read(ctx context.Context) (*input.Batch, error) {
	in.start.Do(in.begin)
	return in.outlet.Read(ctx)
}

var errNotDelivered = errors.New("objects were not delivered: they are not done, run again to send them")

func (in *Input) begin() {
	in.begun = true
	in.work.Go(func() { in.run(in.ctx) })
	if in.ledger.chores {
		for range in.cfg.NumberOfWorkers {
			in.chores.Go(func() { in.doChores(in.choring) })
		}
	}
}

// closeWait is how long Close waits for objects to be copied and deleted. What is left is done after the next start.
const closeWait = 30 * time.Second

// Close ends a Read that is under way, which then returns os.ErrClosed, and releases what the input holds. Acks that come
// after it still count. It returns an error where objects came back that Read did not speak of, or, with Once, where some could not
// be copied or deleted.
func (in *Input) Close() error {
	var err error
	in.close.Do(func() {
		in.start.Do(func() {}) // no work begins any more
		in.outlet.Close()
		in.work.Wait()
		in.state.Ended()
		in.waitForChores()
		in.stop()
		in.chores.Wait()
		left := 0
		for _, l := range in.ledgers() {
			err = errors.Join(err, l.flush())
			_, n := l.openChores()
			left += n
		}
		if in.shared != nil {
			err = errors.Join(err, in.shared.leave())
		}
		if in.deps.Once {
			err = errors.Join(err, in.outlet.NotDelivered())
		}
		if left > 0 && in.deps.Once {
			err = errors.Join(err, fmt.Errorf("%d objects were read but could not be copied or deleted, run again to do that", left))
		}
		if in.session != nil {
			in.session.Close()
		}
	})
	return err
}

func (in *Input) waitForChores() {
	if !in.ledger.chores || !in.begun {
		return
	}
	deadline := time.NewTimer(closeWait)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		untried := 0
		for _, l := range in.ledgers() {
			n, _ := l.openChores()
			untried += n
		}
		if untried == 0 || in.outlet.Broken() != nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return
		}
	}
}
