package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/config"
	"github.com/trailbeat/trailbeat/internal/cost"
	"github.com/trailbeat/trailbeat/internal/registry"
	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/pipeline/processor"
	"github.com/trailbeat/trailbeat/pipeline/routing"
)

// costOptions are the flags of cost.
type costOptions struct {
	*targetFlags
	view   cost.View
	form   string
	rate   int
	sample bytesFlag
	rules  string
	report string
	json   bool
}

func (a *app) costCommand() *cobra.Command {
	var opts costOptions
	cmd := &cobra.Command{
		Use:   "cost FILE|FOLDER|s3://BUCKET/PREFIX...",
		Short: "Show what a sample of records consists of, and what rules would save",
		Long: `Cost reads a sample and sends nothing. It counts events and bytes, as records and as documents, by category, service, action,
principal, account and region, extrapolates them by the time that the sample covers, and proposes rules: each with what it would take
of this sample, tried with the code that the shipper decides with, and as the YAML that a configuration takes. Prices are yours to give.
No configuration is read. Memory is bounded, whatever the size of the sample. In a bucket nothing is changed or remembered.`,
		Example: `  trailbeat cost /var/log/cloudtrail
  trailbeat cost s3://my-trail/AWSLogs/111122223333/CloudTrail/eu-west-1 --from 2026-11-20 --to 2026-11-20
  trailbeat cost s3://my-trail --from 24h --input role_arn=arn:aws:iam::111122223333:role/reader --report cost.html
  trailbeat cost --rules my-rules.yml --price-per-gb 0.55 *.json.gz
  trailbeat cost -o json *.json.gz | jq .proposed_together`,
	}
	format := formatFlag(cmd)
	opts.targetFlags = a.targetFlags(cmd)
	a.progressFlags(cmd)
	flags := cmd.Flags()
	opts.sample = 1 << 30
	flags.Var(&opts.sample, "sample", "`BYTES` of unpacked records that are enough, such as 500MB; 0: all that is there")
	flags.DurationVar(&opts.view.Span, "span", 0, "the `DURATION` that the sample stands for, such as 3h (default: from the first event to the last, or --from to --to)")
	flags.IntVar(&opts.view.Top, "top", 10, "`ROWS` of each table")
	flags.Float64Var(&opts.view.MinShare, "min-share", 0.01, "the least `PART` of all bytes that a proposed rule must take, 0 to 1")
	flags.StringVar(&opts.form, "as", cost.Drop, "what proposed rules `DO`: "+strings.Join(cost.Forms(), ", "))
	flags.IntVar(&opts.rate, "rate", 100, "with --as sample, keep one in `N` events")
	flags.Float64Var(&opts.view.PricePerGB, "price-per-gb", 0, "the `PRICE` that a GB (10^9 bytes) costs you, for a column of prices")
	flags.StringVar(&opts.view.PriceOf, "price-of", "documents", "which `BYTES` --price-per-gb is about: documents or raw")
	flags.StringVar(&opts.rules, "rules", "", "measure the lists \"processors\" and \"routing.rules\" of this configuration `FILE` as well")
	flags.StringVar(&opts.report, "report", "", "write a page with pictures to this `FILE` (HTML that needs nothing else)")
	completeFlag(cmd, "as", cost.Forms()...)
	completeFlag(cmd, "price-of", "documents", "raw")
	cmd.RunE = func(cmd *cobra.Command, targets []string) error {
		opts.json = format.json()
		return a.cost(cmd.Context(), opts, targets)
	}
	return cmd
}

func (o *costOptions) check(targets []string) error {
	v := &o.view
	switch {
	case o.sample < 0:
		return usage(fmt.Errorf("--sample must be >= 0, is %d", int64(o.sample)))
	case v.Span < 0:
		return usage(fmt.Errorf("--span must be > 0, is %s", v.Span))
	case v.Top < 1:
		return usage(fmt.Errorf("--top must be > 0, is %d", v.Top))
	case !(v.MinShare > 0 && v.MinShare <= 1):
		return usage(fmt.Errorf("--min-share must be above 0 and at most 1, is %g", v.MinShare))
	case o.rate < 2:
		return usage(fmt.Errorf("--rate must be > 1, is %d", o.rate))
	case !slices.Contains(cost.Forms(), o.form):
		return usage(fmt.Errorf("--as is %q, but must be one of %s", o.form, strings.Join(cost.Forms(), ", ")))
	case !(v.PricePerGB >= 0 && v.PricePerGB < 1e9):
		return usage(fmt.Errorf("--price-per-gb must be >= 0, is %g", v.PricePerGB))
	case v.PriceOf != "documents" && v.PriceOf != "raw":
		return usage(fmt.Errorf("--price-of is %q, but must be documents or raw", v.PriceOf))
	}
	return needTargets("cost", targets)
}

func (a *app) cost(ctx context.Context, opts costOptions, targets []string) error {
	if err := opts.check(targets); err != nil {
		return err
	}
	s, err := opts.settings(a, targets, "")
	if err != nil {
		return err
	}
	rules, table, err := a.costRules(opts.rules)
	if err != nil {
		return err
	}
	report, failed := a.readSample(ctx, s, opts, rules, table)
	if report == nil || failed != nil && report.Sample.Events == 0 && !opts.json {
		return failed // tables of nothing would hide why
	}
	if opts.report != "" {
		err = createFile(opts.report, func(f *os.File) error { return report.WriteHTML(f) })
	}
	if opts.json {
		return errors.Join(a.printJSON(report), err, failed)
	}
	return errors.Join(report.WriteText(a.Stdout, a.style()), err, failed)
}

// costRules reads the rules to be measured; nil where there are none.
func (a *app) costRules(file string) (*processor.List, *routing.Table, error) {
	if file == "" {
		return nil, nil, nil
	}
	sources, err := config.ReadFiles(file)
	if err != nil {
		return nil, nil, usage(fmt.Errorf("--rules: %w", err))
	}
	s, err := resolve(sources, nil, a.components)
	if err != nil {
		return nil, nil, usage(err)
	}
	s.files = []string{file}
	if len(s.processors) == 0 && s.Routing.Empty() {
		return nil, nil, usage(fmt.Errorf("--rules: there are neither processors nor rules of routing%s; list them below \"processors:\" or \"routing.rules:\"", s.where()))
	}
	log := newLogger(a.Stderr, slog.LevelWarn, false)
	s.warn(log)
	for i := range s.inputs {
		if len(s.inputs[i].Processors) > 0 {
			log.Warn("processors of an input are not measured, those at the top are", "input.id", s.inputs[i].ID)
		}
	}
	list, err := processor.Build(s.processors, processor.Env{Logger: log})
	if err != nil {
		return nil, nil, usage(err)
	}
	table, err := routing.New(s.Routing)
	return list, table, usage(err)
}

// readSample lets the flow of a run have everything, with an output that counts. The report is nil where there is none.
func (a *app) readSample(ctx context.Context, s *settings, opts costOptions, rules *processor.List, table *routing.Table) (report *cost.Report, err error) {
	status := a.openStatus(false)
	stderr := status.Writer(a.Stderr)
	defer status.Stop()
	log, closeLog, err := s.logger(stderr)
	if err != nil {
		return nil, err
	}
	r := &wiring{io: a.IO, log: log, once: true, until: opts.until()}
	r.onClose(closeLog)
	defer func() { err = errors.Join(err, r.close()) }()
	var memory registry.Memory
	r.store = func(id string) (input.Store, error) { return memory.Input(id), nil }
	if err := s.openPipeline(r); err != nil {
		return nil, err
	}
	sources, err := s.openInputs(ctx, r)
	if err != nil {
		return nil, err
	}
	var full atomic.Bool
	sample := cost.New(cost.Options{
		From: opts.start, To: opts.end, Limit: int64(opts.sample), Enough: func() { full.Store(true) },
		Form: opts.form, Rate: opts.rate, Rules: processor.Join(rules), Routing: table,
	})
	bounded := slices.Clone(sources)
	for i := range bounded {
		bounded[i].Input = &boundedInput{bounded[i].Input, &full}
	}
	var letters letterCount
	name, _ := os.Hostname() // as long as that of a shipper
	flow, err := shipper.New(shipper.Options{
		Sources: bounded, Processor: r.pipeline, IsDrop: isDrop, Identify: identify, Output: sample, DeadLetters: &letters,
		Agent:  shipper.Agent{ID: newUUID(), EphemeralID: newUUID(), Name: name, Version: Version()},
		Config: s.Trailbeat.Config, Logger: log,
	})
	if err != nil {
		return nil, err
	}
	if status != nil {
		progress, end := newRunProgress(ctx, sources, flow.Accounting().Snapshot)
		defer end()
		status.Start(newMeter(progress.look, progress.size.Load).text)
	}
	err = flow.Run(ctx)
	status.Stop()
	counts := flow.Accounting().Snapshot()
	err = failedReads(err, counts)
	if ctx.Err() != nil {
		return nil, errors.Join(err, errors.New("stopped before the sample was read"))
	}
	view := opts.view
	view.RuleStats, view.ReadErrors, view.Letters = rules.Stats(), counts.Total.ReadErrors, letters.n.Load()
	for _, source := range sources {
		if told, ok := source.Input.(input.Reporter); ok {
			view.Objects += told.Report().Read
		}
	}
	view.Now = time.Now()
	return sample.Report(view), err
}

// boundedInput ends when enough was read.
type boundedInput struct {
	input.Input
	full *atomic.Bool
}

func (b *boundedInput) Read(ctx context.Context) (*input.Batch, error) {
	if b.full.Load() {
		return nil, io.EOF
	}
	return b.Input.Read(ctx)
}

// letterCount counts dead letters and keeps none.
type letterCount struct{ n atomic.Int64 }

func (c *letterCount) Write(_ context.Context, letters []shipper.Letter) error {
	c.n.Add(int64(len(letters)))
	return nil
}
