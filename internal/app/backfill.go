package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailbeat/trailbeat/internal/backfill"
	"github.com/trailbeat/trailbeat/internal/lazyregexp"
	"github.com/trailbeat/trailbeat/internal/registry"
	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/internal/sizing"
	"github.com/trailbeat/trailbeat/internal/terminal"
)

// Past is how a type of input reads what was delivered before.
type Past struct {
	// Bucket is the one that the options name, empty where they name none.
	Bucket func(cfg any) string
	// Open makes the tree. It calls nobody.
	Open func(cfg any, req PastRequest) (backfill.Tree, error)
	// Queue makes a queue that is told of the objects of a tree, with the credentials of the options.
	Queue func(cfg any, url string, of backfill.Tree, log *slog.Logger) (backfill.Queue, error)
	// Policy gives what is needed for that.
	Policy func(cfg any, req PastRequest) ([]Statement, error)
}

// PastRequest says what is wanted. Empty members: what the options say.
type PastRequest struct {
	// ID of the input whose records they are.
	ID                string
	Bucket, Prefix    string
	Accounts, Regions []string
	// QueueURL and Restore are for the Policy.
	QueueURL string
	Restore  bool
	Logger   *slog.Logger
}

// backfillFlags are the flags of backfill.
type backfillFlags struct {
	timeRange
	order, archived, tier, rate, queue, input string
	accounts, regions                         []string
	prices                                    map[string]string
	days, workers, perMessage, sample         int
	plan, replan, restart, policy, json       bool
	patience                                  time.Duration
}

const backfillHelp = `Backfill reads the files that CloudTrail delivered in a range of time, over all accounts and regions below a bucket's AWSLogs/, and ships
their records as run does, with the same document ids: what is there already is counted as a duplicate. What to read is a bucket
(s3://bucket/prefix), or the id of an input whose bucket it is; without one it is the only such input. Tags, processors and
credentials are those of the input that has the bucket, or of --input.

First it plans: it lists the range, says what is there and what it will take, and then begins. --plan ends after that. How far it came is
kept in path.data/backfill, apart from the state of run, so a live run may go on beside it, and a backfill that was ended goes
on with the next call. --to-queue sends notifications of the objects to an SQS queue instead, for any number of shippers that read it.

Exit code 0: all of the range is done. 1: something is left; run it again. 2: wrong usage.`

func (a *app) backfillCommand() *cobra.Command {
	f := backfillFlags{}
	cmd := &cobra.Command{
		Use:   "backfill [s3://BUCKET/PREFIX | INPUT]",
		Short: "Ship a range of the past of a bucket",
		Long:  backfillHelp,
		Example: `  trailbeat backfill s3://my-trail --from 2025-01-01 --to 2025-12-31 --plan
  trailbeat backfill s3://my-trail/prefix --from 90d --accounts 111122223333 --order newest
  trailbeat backfill s3://my-trail --from 2020-01-01 --rate 50MB --archived restore
  trailbeat backfill s3://my-trail --to-queue https://sqs.eu-west-1.amazonaws.com/111122223333/backfill`,
		Args: cobra.MaximumNArgs(1),
	}
	format := formatFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f.json = format.json()
		return a.backfill(cmd.Context(), f, args)
	}
	a.progressFlags(cmd)
	flags := cmd.Flags()
	f.timeRange.flags(cmd, "", "default: the beginning", "default: the end of yesterday")
	flags.StringSliceVar(&f.accounts, "accounts", nil, "`ACCOUNTS` to read, separated by commas; default: what the input says, or all")
	flags.StringSliceVar(&f.regions, "regions", nil, "`REGIONS` to read, separated by commas; default: what the input says, or all")
	flags.BoolVar(&f.plan, "plan", false, "say what is there and what it would take, and end")
	flags.BoolVar(&f.replan, "replan", false, "list again what was listed by an earlier call; what is done stays done")
	flags.BoolVar(&f.restart, "restart", false, "forget what is done, and begin anew")
	flags.StringVar(&f.order, "order", "oldest", "`ORDER` of the days: oldest or newest first")
	flags.StringVar(&f.archived, "archived", "skip", "what to `DO` with objects in GLACIER, DEEP_ARCHIVE or an archive tier: skip, or restore, and read them with a later call")
	flags.IntVar(&f.days, "restore-days", 7, "`DAYS` that a restored copy stays")
	flags.StringVar(&f.tier, "restore-tier", "Bulk", "`TIER` of a restore: Bulk or Standard")
	flags.StringVar(&f.rate, "rate", "", "`RATE` that is not exceeded, by second: objects (200), bytes (20MB) or both (200,20MB)")
	flags.IntVar(&f.workers, "workers", 0, "`NUMBER` of objects that are read at the same time (default 5)")
	flags.StringVar(&f.queue, "to-queue", "", "`URL` of an SQS queue that is told of the objects; nothing is read or shipped then")
	flags.IntVar(&f.perMessage, "per-message", 0, "`NUMBER` of objects in a message of --to-queue (default 10)")
	flags.StringVar(&f.input, "input", "", "`ID` of the input whose tags, processors and credentials are used")
	flags.IntVar(&f.sample, "sample", 8, "`NUMBER` of objects that are read for the estimates; 0: none")
	flags.StringToStringVar(&f.prices, "prices", nil, "`PRICES` of 1000 requests, for the cost: list=0.005,get=0.0004,head=0.0004,restore=0.025,send=0.0004")
	flags.BoolVar(&f.policy, "iam-policy", false, "print the least IAM policy for what the flags say as JSON, and end")
	flags.DurationVar(&f.patience, "max-wait", defaultPatience, "the `DURATION` to wait at the end for an output that takes nothing; 0: for ever")
	completeFlag(cmd, "order", "oldest", "newest")
	completeFlag(cmd, "archived", "skip", "restore")
	completeFlag(cmd, "restore-tier", "Bulk", "Standard")
	return cmd
}

// options checks the flags.
func (f *backfillFlags) options(now time.Time) (backfill.Options, error) {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if err := f.timeRange.check(now); err != nil {
		errs = append(errs, err)
	}
	rate, err := backfill.ParseRate(f.rate)
	if err != nil {
		bad("--rate %w", err)
	}
	if f.order != "oldest" && f.order != "newest" {
		bad("--order must be oldest or newest, is %q", f.order)
	}
	if f.archived != "skip" && f.archived != "restore" {
		bad("--archived must be skip or restore, is %q", f.archived)
	}
	if f.sample < 0 {
		bad("--sample must be >= 0, is %d", f.sample)
	}
	o := backfill.Options{
		From: f.start, To: f.end, Accounts: f.accounts, Regions: f.regions, NewestFirst: f.order == "newest", Restore: f.archived == "restore",
		RestoreDays: f.days, RestoreTier: f.tier, Rate: rate, Workers: f.workers, PerMessage: f.perMessage, Replan: f.replan,
	}
	if len(errs) == 0 {
		if err := o.Validate(); err != nil {
			bad("--%w", err)
		}
	}
	return o, errors.Join(errs...)
}

var priceNames = map[string]func(*backfill.Prices) *float64{
	"list":    func(p *backfill.Prices) *float64 { return &p.List },
	"get":     func(p *backfill.Prices) *float64 { return &p.Get },
	"head":    func(p *backfill.Prices) *float64 { return &p.Head },
	"restore": func(p *backfill.Prices) *float64 { return &p.Restore },
	"send":    func(p *backfill.Prices) *float64 { return &p.Send },
}

func (f *backfillFlags) priceList() (*backfill.Prices, error) {
	if len(f.prices) == 0 {
		return nil, nil
	}
	p := new(backfill.Prices)
	for name, text := range f.prices {
		at, known := priceNames[name]
		if !known {
			return nil, fmt.Errorf("--prices knows list, get, head, restore and send, but not %q", name)
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || v < 0 {
			return nil, fmt.Errorf("--prices: %s must be a price of 1000 requests such as 0.005, is %q", name, text)
		}
		*at(p) = v
	}
	return p, nil
}

// backfillJob is one call of the command.
type backfillJob struct {
	*app
	flags  backfillFlags
	s      *settings
	in     *inputSetting
	req    PastRequest
	opts   backfill.Options
	prices *backfill.Prices
	job    *backfill.Job
}

func (a *app) backfill(ctx context.Context, f backfillFlags, args []string) (err error) {
	b := &backfillJob{app: a, flags: f}
	if b.opts, err = f.options(time.Now()); err != nil {
		return usage(err)
	}
	if b.prices, err = f.priceList(); err != nil {
		return usage(err)
	}
	if b.s, err = a.load(); err != nil {
		return err
	}
	if err := b.choose(args); err != nil {
		return usage(err)
	}
	if f.policy {
		return b.printPolicy()
	}
	if f.queue == "" && !f.plan {
		if err := b.s.needOutput(); err != nil {
			return err
		}
	}
	log, closeLog, err := b.s.logger(a.Stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeLog()) }()
	b.req.Logger = log.With("input.id", b.in.ID)
	tree, err := b.in.kind.Past.Open(b.in.options, b.req)
	if err != nil {
		return usage(err)
	}
	reg, err := b.openState(tree)
	if err != nil {
		tree.Close()
		return err
	}
	defer func() { err = errors.Join(err, reg.Close()) }()
	if b.job, err = backfill.New(tree, reg.Input(backfillStore), b.opts, log); err != nil {
		tree.Close()
		return err
	}
	closed := false
	defer func() {
		if !closed {
			err = errors.Join(err, b.job.Close(0))
		}
	}()
	if err := b.makePlan(ctx, log); err != nil {
		return err
	}
	if f.plan {
		return nil
	}
	if !b.job.Left() {
		fmt.Fprintln(a.Stderr, "nothing is left to do: all of the range is done")
		if f.json {
			return a.printJSON(b.job.Result())
		}
		return nil
	}
	if f.queue != "" {
		err = b.send(ctx, tree)
	} else {
		closed = true // by its input
		err = b.ship(ctx)
	}
	return errors.Join(err, b.end(ctx, err))
}

// choose finds the input and the bucket that are meant.
func (b *backfillJob) choose(args []string) error {
	var with []*inputSetting
	for i := range b.s.inputs {
		if in := &b.s.inputs[i]; in.kind.Past != nil {
			with = append(with, in)
		}
	}
	byID := func(id string) (*inputSetting, error) {
		var ids []string
		for _, in := range with {
			if in.ID == id {
				return in, nil
			}
			ids = append(ids, in.ID)
		}
		if len(ids) == 0 {
			return nil, fmt.Errorf("there is no input %q that reads a bucket%s, nor any other that does; name a bucket, as s3://BUCKET/PREFIX", id, b.s.where())
		}
		return nil, fmt.Errorf("there is no input %q that reads a bucket%s; those that do: %s", id, b.s.where(), strings.Join(ids, ", "))
	}
	b.req.Accounts, b.req.Regions = b.flags.accounts, b.flags.regions
	b.req.QueueURL, b.req.Restore = b.flags.queue, b.opts.Restore
	var err error
	switch {
	case len(args) == 1 && strings.Contains(args[0], "://"):
		u, parseErr := url.Parse(args[0])
		if parseErr != nil || u.Scheme != "s3" || u.Host == "" {
			return fmt.Errorf("%q is no bucket: it must be s3://BUCKET or s3://BUCKET/PREFIX, or the id of an input", args[0])
		}
		b.req.Bucket, b.req.Prefix = u.Host, strings.TrimPrefix(args[0][len("s3://")+len(u.Host):], "/")
		if b.in, err = b.inputOf(with, byID); err != nil {
			return err
		}
	case len(args) == 1:
		if b.in, err = byID(args[0]); err != nil {
			return err
		}
	default:
		var own []*inputSetting
		for _, in := range with {
			if in.kind.Past.Bucket(in.options) != "" {
				own = append(own, in)
			}
		}
		if len(own) == 0 {
			return fmt.Errorf("say what to read: s3://BUCKET/PREFIX, or the id of an input that has a bucket; there is none%s", b.s.where())
		}
		if len(own) > 1 {
			var ids []string
			for _, in := range own {
				ids = append(ids, in.ID)
			}
			return fmt.Errorf("say what to read: s3://BUCKET/PREFIX, or one of the inputs that have a bucket: %s", strings.Join(ids, ", "))
		}
		b.in = own[0]
	}
	if b.req.Bucket == "" && b.in.kind.Past.Bucket(b.in.options) == "" {
		return fmt.Errorf("input %q names no bucket; say which: s3://BUCKET/PREFIX --input %s", b.in.ID, b.in.ID)
	}
	b.req.ID = b.in.ID
	return nil
}

// inputOf is the input whose settings are used for a bucket: the one that was named, the one that has it, or the only one.
func (b *backfillJob) inputOf(with []*inputSetting, byID func(string) (*inputSetting, error)) (*inputSetting, error) {
	if b.flags.input != "" {
		return byID(b.flags.input)
	}
	for _, in := range with {
		if in.kind.Past.Bucket(in.options) == b.req.Bucket {
			return in, nil
		}
	}
	switch len(with) {
	case 1:
		return with[0], nil
	case 0:
		for _, name := range names(b.components.Inputs) {
			if kind := b.components.Inputs[name]; kind.Past != nil {
				in := &inputSetting{kind: kind, options: kind.Config()}
				in.SetDefaults()
				in.Type, in.ID = name, name
				return in, nil
			}
		}
		return nil, errors.New("no type of input reads a bucket")
	}
	return nil, fmt.Errorf("no input has the bucket %q; say whose tags, processors and credentials are used, with --input", b.req.Bucket)
}

const backfillStore = "backfill"

var unsafe = lazyregexp.New(`[^a-zA-Z0-9.-]+`)

// openState opens the state of the job: one file for each bucket, prefix and queue.
func (b *backfillJob) openState(tree backfill.Tree) (*registry.Registry, error) {
	sum := sha256.Sum256([]byte(tree.Name() + "\x00" + tree.Prefix() + "\x00" + b.flags.queue))
	name := unsafe().ReplaceAllString(tree.Name(), "-")
	dir := filepath.Join(b.s.Path.Data, "backfill")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of the state: %w", err)
	}
	path := filepath.Join(dir, name[max(0, len(name)-80):]+"-"+hex.EncodeToString(sum[:4])+".db")
	reg, err := registry.Open(path)
	if err != nil {
		return nil, err
	}
	if b.flags.restart {
		if _, err := reg.Clear(backfillStore); err != nil {
			return nil, errors.Join(err, reg.Close())
		}
	}
	return reg, nil
}

// makePlan lists, measures a sample and says what it found.
func (b *backfillJob) makePlan(ctx context.Context, log *slog.Logger) error {
	status := b.openStatus(false)
	var told atomic.Value
	told.Store(backfill.Planning{})
	status.Start(func() string { return told.Load().(backfill.Planning).Text() })
	err := b.job.MakePlan(ctx, func(p backfill.Planning) { told.Store(p) })
	var sample backfill.Sample
	if err == nil && b.job.Left() {
		sample, err = b.job.TakeSample(ctx, b.flags.sample)
	}
	if err == nil && b.flags.queue == "" && sample.Records > 0 {
		sample.Microseconds, err = b.measure(ctx, log, sample)
	}
	status.Stop()
	if err != nil {
		return err
	}
	e := b.job.Estimate(sample, b.flags.queue != "", b.prices)
	if b.flags.json && b.flags.plan {
		return b.printJSON(e)
	}
	w := b.Stdout
	if b.flags.json || b.s.toStdout() && !b.flags.plan {
		w = b.Stderr
	}
	return e.WriteText(w)
}

// measure maps the sample as the run will, and gives the processor time of a record.
func (b *backfillJob) measure(ctx context.Context, log *slog.Logger, s backfill.Sample) (us float64, err error) {
	r := &wiring{io: b.IO, log: log, once: true}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := b.s.openPipeline(r); err != nil {
		return 0, err
	}
	source, err := b.s.source(r, b.in)
	if err != nil {
		return 0, err
	}
	if source.Processor == nil {
		source.Processor = r.pipeline
	}
	var files []sizing.File
	for _, f := range s.Files {
		files = append(files, sizing.File{Name: f.Key, Data: f.Data})
	}
	result, err := sizing.Measure(ctx, files, sizing.Options{Processor: source.Processor, Tags: source.Tags})
	if err != nil {
		return 0, fmt.Errorf("measuring the sample: %w", err)
	}
	return result.Microseconds, nil
}

// ship reads and ships what was planned.
func (b *backfillJob) ship(ctx context.Context) error {
	in := b.job.Input()
	taken := false
	err := b.app.ship(ctx, b.s, shipment{
		once: true, patience: b.flags.patience, json: b.flags.json, result: func() any { return b.job.Result() },
		sources: func(_ context.Context, r *wiring) ([]shipper.Source, error) {
			source, err := b.s.source(r, b.in)
			if err != nil {
				return nil, err
			}
			source.Input, taken = in, true
			return []shipper.Source{source}, nil
		},
	})
	if !taken { // it did not come to reading
		err = errors.Join(err, in.Close())
	}
	return err
}

// send tells the queue.
func (b *backfillJob) send(ctx context.Context, tree backfill.Tree) error {
	queue, err := b.in.kind.Past.Queue(b.in.options, b.flags.queue, tree, b.req.Logger)
	if err != nil {
		return usage(fmt.Errorf("--to-queue: %w", err))
	}
	defer queue.Close()
	status := b.openStatus(false)
	status.Start(func() string {
		objects, of, _, _ := b.job.Done()
		part := 0.0
		if of > 0 {
			part = float64(objects) / float64(of)
		}
		return fmt.Sprintf("%s %3.0f %%  %s of %s objects sent  %s", terminal.Bar(part, 16), 100*part, terminal.Count(float64(objects)), terminal.Count(float64(of)), b.job.Doing())
	})
	err = b.job.Send(ctx, queue)
	status.Stop()
	if ctx.Err() != nil {
		return errors.New("stopped before everything was sent; what was sent is remembered, run again for the rest")
	}
	return err
}

// end says how far the job has come, and fails where something is left.
func (b *backfillJob) end(ctx context.Context, failed error) error {
	r := b.job.Result()
	var err error
	switch {
	case failed != nil || ctx.Err() != nil:
	case r.Failed > 0:
		err = fmt.Errorf("%s could not be read; the next call tries them first", countOf(r.Failed, "object"))
	case r.Restoring > 0:
		err = fmt.Errorf("%s being restored, which takes hours; run it again then", areObjects(r.Restoring))
	case !r.Complete:
		err = errors.New("not all of the range is done; run it again")
	}
	switch {
	case b.flags.json && b.flags.queue != "":
		return errors.Join(err, b.printJSON(r))
	case b.flags.json:
		return err
	}
	w, did := b.Stdout, "shipped"
	switch {
	case b.flags.queue != "":
		did = "sent"
	case b.s.toStdout():
		w = b.Stderr
	}
	return errors.Join(r.WriteText(w, did), err)
}

func areObjects(n int64) string {
	if n == 1 {
		return "1 object is"
	}
	return fmt.Sprintf("%d objects are", n)
}

func (b *backfillJob) printPolicy() error {
	list, err := b.in.kind.Past.Policy(b.in.options, b.req)
	if err != nil {
		return err
	}
	text, err := policyDocument(list)
	if err != nil {
		return err
	}
	_, err = b.Stdout.Write(text)
	return err
}
