package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/heap"
	"github.com/trailbeat/trailbeat/internal/registry"
	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/internal/terminal"
	"github.com/trailbeat/trailbeat/pipeline"
	"github.com/trailbeat/trailbeat/pipeline/processor"
	"github.com/trailbeat/trailbeat/pipeline/routing"
)

func (a *app) runCommand() *cobra.Command {
	var once bool
	var patience time.Duration
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Read the inputs and ship their documents (the default command)",
		Long: `Run reads the configured inputs, maps their records and ships the documents to the configured output. What was
shipped is remembered in path.data, so that a later run reads nothing twice.

The first SIGINT or SIGTERM stops reading and lets what is in flight finish (trailbeat.shutdown_timeout); a second one
exits at once. SIGHUP loads the configuration anew: one that is invalid changes nothing and is told in the log; with a valid one what
is in flight is finished, and reading goes on where it was. SIGUSR1 prints the accounting. With --once stderr shows how far it is: a
line on a terminal, elsewhere one every 30 seconds. The accounting ends each run:
received = indexed + duplicate + filtered + dead_lettered + returned.`,
		Example: `  trailbeat run --once
  trailbeat run --once --output json | jq .flow
  trailbeat -c trailbeat.yml -E output.elasticsearch.hosts=https://search:9200 run`,
		Args: noArguments,
	}
	format := formatFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s, err := a.load()
		if err != nil {
			return err
		}
		if err := errors.Join(s.needSources(), s.needOutput()); err != nil {
			return usage(err)
		}
		job := func(s *settings) shipment {
			return shipment{once: once, patience: patience, sources: s.openInputs, managed: true, summary: once && !format.json(), watched: true, json: format.json()}
		}
		if once {
			j := job(s)
			j.nothing = "nothing new to read; what was shipped before is remembered in %s"
			return a.ship(cmd.Context(), s, j)
		}
		asked, stop := onHangup()
		defer stop()
		return a.runReloading(cmd.Context(), s, job, asked)
	}
	a.progressFlags(cmd)
	cmd.Flags().BoolVar(&once, "once", false, "end when everything that is there now was shipped")
	cmd.Flags().DurationVar(&patience, "max-wait", defaultPatience, "with --once, the `DURATION` to wait for an output that takes nothing; 0: for ever")
	return cmd
}

// defaultPatience outlasts the restart of a server. Longer than that nobody waits in front of a terminal.
const defaultPatience = 2 * time.Minute

// shipment is what a command ships.
type shipment struct {
	// once ends the run when everything was read.
	once bool
	// patience is how long a run that ends waits for an output that takes nothing. Zero: for ever.
	patience time.Duration
	// until is what is known of when objects of a bucket were delivered, see InputEnv.
	until time.Time
	// sources opens what is read.
	sources func(ctx context.Context, r *wiring) ([]shipper.Source, error)
	// managed reads the sources of the management API too, and serves it.
	managed bool
	// watched serves the status page, if the configuration or a terminal asks for it.
	watched bool
	// summary shows afterwards what lies in the output.
	summary bool
	// begins is told when all is open and reading begins, and gives what is called when it has ended. Nil: nobody is told.
	begins func(*slog.Logger) func()
	// failed is told, beside the error that ship returns, why reading did not begin. Nil: nobody is told.
	failed func(*slog.Logger, error)
	// json prints the accounting for programs.
	json bool
	// result is what the command adds to the JSON of its accounting, as backfill. Nil: nothing.
	result func() any
	// counted is given the accounting instead of having it printed. Nil: it is printed.
	counted func(shipper.Snapshot)
	// nothing is said where there was nothing to read; %s stands for path.data.
	nothing string
}

// wiring is what the parts of a run share while it is put together.
type wiring struct {
	io      IO
	log     *slog.Logger
	once    bool
	until   time.Time
	again   *ReadAgain
	letters *letterStore
	store   func(inputID string) (input.Store, error)
	// processors are those of all inputs.
	processors *processor.List
	// pipeline has the databases and caches that those of the inputs share.
	pipeline *pipeline.Pipeline
	// shared is a pipeline of another wiring whose databases and caches are used. Nil: this one has its own.
	shared *pipeline.Pipeline
	// routing says where documents go. Nil: there are no rules.
	routing *routing.Table
	// registry is open once store was called.
	registry *registry.Registry
	// rules are the processors, for their counts; mu guards them, as sources can come while others run.
	mu      sync.Mutex
	rules   []ruleSet
	tables  []*routing.Table // of single inputs
	closers []func() error
}

func (r *wiring) onClose(fn func() error) { r.closers = append(r.closers, fn) }

// close releases in reverse order what was opened.
func (r *wiring) close() error {
	var errs []error
	for i := len(r.closers) - 1; i >= 0; i-- {
		errs = append(errs, r.closers[i]())
	}
	r.closers = nil
	return errors.Join(errs...)
}

// ship puts a run together, lets it run, and prints its accounting.
func (a *app) ship(ctx context.Context, s *settings, job shipment) (err error) {
	var status *terminal.Status
	if job.once {
		status = a.openStatus(s.toStdout())
	}
	stderr := status.Writer(a.Stderr)
	defer status.Stop()
	log, closeLog, err := s.logger(stderr)
	if err != nil {
		return err
	}
	r := &wiring{io: a.IO, log: log, once: job.once, until: job.until}
	r.onClose(closeLog)
	defer func() { err = errors.Join(err, r.close()) }()
	begun := false
	defer func() {
		if err != nil && !begun && job.failed != nil {
			job.failed(log, err)
		}
	}()
	s.warn(log)

	if err := os.MkdirAll(s.Path.Data, 0o700); err != nil {
		return fmt.Errorf("making path.data: %w", err)
	}
	agent, err := s.agent()
	if err != nil {
		return err
	}
	watch, err := openWatch(ctx, s, r, job, agent, isTerminal(a.Stderr))
	if err != nil {
		return err
	}
	if err := r.openStores(ctx, s); err != nil {
		return err
	}
	if err := s.openPipeline(r); err != nil {
		return err
	}
	outputs, err := s.openOutputs(ctx, r)
	if err != nil {
		return err
	}
	sources, err := job.sources(ctx, r)
	if err != nil {
		return errors.Join(err, outputs.close())
	}
	managed, err := s.openManagement(ctx, r, watch, a.components, job)
	if err != nil {
		for _, source := range sources {
			err = errors.Join(err, source.Input.Close())
		}
		return errors.Join(err, outputs.close())
	}
	sources = append(sources, managed.sources()...)
	out, err := outputs.join(s, job, watch, log)
	if err != nil {
		return errors.Join(err, outputs.close())
	}
	flow, err := shipper.New(shipper.Options{
		Sources: sources, Open: managed != nil && !job.once, Processor: r.pipeline, IsDrop: isDrop, Identify: identify,
		Output: out, DeadLetters: watch.letters(r.letters), KeepDocument: s.DeadLetter.KeepDocument,
		Agent: agent, Config: s.Trailbeat.Config, Backoff: s.output.backoff(), Observer: watch.observer(), Logger: log,
	})
	if err != nil {
		for _, source := range sources {
			err = errors.Join(err, source.Input.Close())
		}
		return errors.Join(err, out.Close())
	}
	watch.attach(sources, flow, outputs, r)
	report := a.Stdout
	if s.toStdout() {
		report = a.Stderr
	}
	stop := onReport(func() {
		printAccounting(stderr, flow.Accounting().Snapshot())
		printRules(stderr, r.processorStats())
		printRouting(stderr, r.routingStats(), outputs.counts())
	})
	begun = true
	ended := func() {}
	if job.begins != nil {
		ended = job.begins(log)
	}
	if status != nil {
		progress, end := newRunProgress(ctx, sources, flow.Accounting().Snapshot)
		defer end()
		status.Start(newMeter(progress.look, progress.size.Load).text)
	}
	settle := managed.run(ctx, flow)
	settleIntegrity := a.watchIntegrity(ctx, s, r, job, watch)
	stopTending := heap.Tend()
	err = flow.Run(ctx)
	stopTending()
	settle()
	settleIntegrity()
	status.Stop()
	stop()
	if err != nil && s.Logging.ToFiles {
		log.Error("the run failed", "error.message", err) // stderr gets it at the end of each command
	}
	if job.once {
		err = errors.Join(err, interrupted(ctx))
	}
	counts := flow.Accounting().Snapshot()
	if job.counted != nil {
		job.counted(counts)
	} else if job.json {
		whole := err
		if job.once || ctx.Err() == nil {
			whole = failedReads(err, counts)
		}
		told := s.reportRun(r, sources, outputs, counts, whole)
		if job.result != nil {
			told.Backfill = job.result()
		}
		err = errors.Join(err, printJSON(report, told))
	} else {
		printAccounting(report, counts)
		printRules(report, r.processorStats())
		printRouting(report, r.routingStats(), outputs.counts())
		if job.once {
			printTotals(report, sources)
		}
	}
	if job.summary && (counts.Total.Indexed > 0 || isTerminal(report)) {
		err = errors.Join(err, s.summarize(context.WithoutCancel(ctx), r, report))
	}
	a.hints(s, job, counts, err)
	stopped := ctx.Err() != nil
	ended()
	if !job.once && stopped {
		// What could not be read was tried again, or is with the next start: the inputs remember it.
		printFailing(a.Stderr, sources)
		return err
	}
	return failedReads(err, counts)
}

// interrupted makes a run fail that was to read everything and was stopped before it had.
func interrupted(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return errors.New("stopped before everything was read; what was shipped is remembered, run again for the rest")
}

// failedReads makes a run fail that came to its end and in which an input could not read something, even though the flow went on.
func failedReads(err error, counts shipper.Snapshot) error {
	if n := counts.Total.ReadErrors; n > 0 {
		return errors.Join(err, fmt.Errorf("%s while reading, see the log above; what was read before each of them is delivered", countOf(n, "error")))
	}
	return err
}

// printAccounting prints the equation that must hold, and that of each input where there are several.
func printAccounting(w io.Writer, counts shipper.Snapshot) {
	fmt.Fprintln(w, equation(counts.Total))
	if len(counts.Inputs) < 2 {
		return
	}
	for _, in := range counts.Inputs {
		errs := ""
		if in.ReadErrors > 0 {
			errs = fmt.Sprintf(", %s while reading", countOf(in.ReadErrors, "error"))
		}
		fmt.Fprintf(w, "  %s: %s%s\n", in.ID, equation(in.Counts), errs)
	}
}

// countOf writes a number with its noun.
func countOf[N int | int64](n N, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

func wereRecords(n int64) string {
	if n == 1 {
		return "1 record was"
	}
	return fmt.Sprintf("%d records were", n)
}

func equation(c shipper.Counts) string {
	flight := ""
	if c.InFlight > 0 {
		flight = fmt.Sprintf(" + %d in_flight", c.InFlight)
	}
	return fmt.Sprintf("received %d = %d indexed + %d duplicate + %d filtered + %d dead_lettered + %d returned%s",
		c.Received, c.Indexed, c.Duplicate, c.Filtered, c.DeadLettered, c.Returned, flight)
}

// hints tell what to do next where that is not plain.
func (a *app) hints(s *settings, job shipment, counts shipper.Snapshot, err error) {
	c := counts.Total
	if c.DeadLettered > 0 {
		fmt.Fprintf(a.Stderr, "%d records could not be indexed; they are in %s with their reasons. Mend the cause, then: trailbeat replay\n",
			c.DeadLettered, s.DeadLetter.place())
	}
	if c.Returned > 0 {
		look := ""
		if err != nil && slices.ContainsFunc(s.allOutputs(), func(o *outputSetting) bool { return o.kind.Test != nil }) {
			look = ". What keeps the output from taking them, step by step: trailbeat test output"
		}
		fmt.Fprintf(a.Stderr, "%s not delivered; the next run reads them again%s\n", wereRecords(c.Returned), look)
	}
	if job.nothing != "" && err == nil && c.Received == 0 && c.ReadErrors == 0 {
		fmt.Fprintf(a.Stderr, job.nothing+"\n", s.Path.Data)
	}
}

// openInputs opens all inputs. Where one fails the others are closed again.
func (s *settings) openInputs(ctx context.Context, r *wiring) ([]shipper.Source, error) {
	var sources []shipper.Source
	for i := range s.inputs {
		source, err := s.openInput(ctx, r, &s.inputs[i])
		if err != nil {
			err = fmt.Errorf("opening input %q: %w", s.inputs[i].ID, err)
			for _, source := range sources {
				err = errors.Join(err, source.Input.Close())
			}
			return nil, err
		}
		sources = append(sources, source)
	}
	return sources, nil
}

func (s *settings) openInput(ctx context.Context, r *wiring, in *inputSetting) (shipper.Source, error) {
	source, err := s.source(r, in)
	if err != nil {
		return source, err
	}
	store, err := r.store(in.ID)
	if err != nil {
		return source, err
	}
	source.Input, err = in.kind.Open(ctx, in.options, InputEnv{
		ID: in.ID, Store: store, Stdin: r.io.Stdin, Once: r.once, Until: r.until, Again: r.again, Logger: r.log.With("input.id", in.ID),
	})
	return source, err
}

// source is what the documents of an input have in common.
func (s *settings) source(r *wiring, in *inputSetting) (shipper.Source, error) {
	source := shipper.Source{ID: in.ID, Type: in.Type, Tags: append(in.documentTags(), s.Tags...), DataStream: s.DataStream.stream()}
	if in.Retain != retains[0] || len(in.processors) > 0 || in.routing != nil {
		list, err := r.buildProcessors(in.ID, in.processors)
		if err != nil {
			return source, err
		}
		cfg := r.mapping(s.Pipeline.config(in.Retain, r.log), list, r.processors)
		if in.routing != nil {
			if cfg.Routing, err = r.buildRouting(*in.routing); err != nil {
				return source, err
			}
		}
		own, err := r.pipeline.With(cfg)
		if err != nil {
			return source, err
		}
		source.Processor = own
	}
	return source, nil
}
