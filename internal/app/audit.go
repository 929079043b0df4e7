package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/audit"
	"github.com/trailbeat/trailbeat/internal/registry"
	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/internal/terminal"
	"github.com/trailbeat/trailbeat/output"
	"github.com/trailbeat/trailbeat/pipeline/processor"
)

// auditOptions are the flags of audit.
type auditOptions struct {
	timeRange
	late              time.Duration
	accounts, regions []string
	input             string
	repair, hours     bool
	list, dir         string
	json              bool

	targets []string
}

func (a *app) auditCommand() *cobra.Command {
	var opts auditOptions
	cmd := &cobra.Command{
		Use:   "audit [FILE|FOLDER|s3://BUCKET/PREFIX...]",
		Short: "Compare the source with the output, event by event: missing, extra, twice",
		Long: `Audit reads the source once more, without changing anything there or in the checkpoints, and compares its events with the
documents in the output (Elasticsearch, OpenSearch or SQLite), with the dead letters, and with what the rules of the configuration leave
out, by account, region and hour. The source is that of the configured inputs of type file and of those that list a bucket, or what stands
on the command line, read as the configured input would.

With --repair exactly the missing events are shipped, under the ids that they have anyway, and the comparison is made again. A run may
go on meanwhile; a range that has ended only minutes ago is not final.

The exit code is 0 only where nothing is missing and all of the source could be read.`,
		Example: `  trailbeat audit --from 2026-11-20 --to 2026-11-20
  trailbeat audit --from 24h --accounts 111122223333 --regions eu-west-1 s3://my-trail/org
  trailbeat audit /var/log/cloudtrail --repair
  trailbeat audit --from 7d --to 1d -o json | jq .total.missing`,
	}
	format := formatFlag(cmd)
	a.progressFlags(cmd)
	flags := cmd.Flags()
	opts.timeRange.flags(cmd, "", "default: the beginning", "default: the end")
	flags.DurationVar(&opts.late, "late", 24*time.Hour, "`DURATION` of how much later than its events a file in a bucket may be delivered to be looked at")
	flags.StringSliceVar(&opts.accounts, "accounts", nil, "`ACCOUNTS` to compare, with commas or repeated (default: all)")
	flags.StringSliceVar(&opts.regions, "regions", nil, "`REGIONS` to compare, with commas or repeated (default: all)")
	flags.StringVar(&opts.input, "input", "", "`ID` of the input to read, or whose options and rules hold for what the command line names")
	flags.BoolVar(&opts.repair, "repair", false, "ship what is missing, and compare again")
	flags.BoolVar(&opts.hours, "hours", false, "report all hours, and not only those with a difference")
	flags.StringVar(&opts.list, "list", "", "write each difference to this `FILE`, a JSON object a line")
	flags.StringVar(&opts.dir, "temp", "", "`DIR` for temporary files, some 100 bytes an event (default path.data)")
	cmd.RunE = func(cmd *cobra.Command, targets []string) error {
		opts.json, opts.targets = format.json(), targets
		return a.audit(cmd.Context(), &opts)
	}
	return cmd
}

func (o *auditOptions) check(now time.Time) error {
	if err := o.timeRange.check(now); err != nil {
		return usage(err)
	}
	if o.late < 0 {
		return usage(fmt.Errorf("--late must be >= 0, is %s", o.late))
	}
	for _, target := range o.targets {
		if target == "-" || target == "" {
			return usage(errors.New("audit needs names of files, folders or s3://bucket/prefix: standard input cannot be read a second time"))
		}
	}
	return nil
}

// clockSkew is how much earlier than its events a file may seem to be delivered.
const clockSkew = time.Hour

// again is how the inputs are opened.
func (o *auditOptions) again() (again *ReadAgain, until time.Time) {
	again = &ReadAgain{Accounts: o.accounts, Regions: o.regions}
	if !o.start.IsZero() {
		again.From = o.start.Add(-clockSkew)
	}
	if !o.end.IsZero() {
		until = o.end.Add(o.late)
	}
	return again, until
}

// audit compares, repairs where that is wanted, and reports.
func (a *app) audit(ctx context.Context, opts *auditOptions) (err error) {
	if err := opts.check(time.Now()); err != nil {
		return err
	}
	s, err := a.load()
	if err != nil {
		return err
	}
	if err := s.needOutput(); err != nil {
		return err
	}
	notRead, err := a.auditInputs(s, opts)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.Path.Data, 0o700); err != nil {
		return fmt.Errorf("making path.data: %w", err)
	}
	if opts.dir == "" {
		opts.dir = s.Path.Data
	}
	list, err := openDifferences(opts.list)
	if err != nil {
		return err
	}
	report, err := a.compare(ctx, s, opts, list)
	if closed := list.close(); err == nil {
		err = closed
	}
	if report == nil {
		if opts.json {
			err = errors.Join(err, a.printJSON(audit.Failed(err)))
		}
		return err
	}
	report.NotRead = notRead
	if err != nil {
		report.Error = err.Error()
	}
	if opts.json {
		err = errors.Join(err, a.printJSON(report))
	} else {
		err = errors.Join(err, report.WriteText(a.Stdout))
	}
	if err == nil && !report.Complete {
		return errSaid
	}
	return err
}

// compare is what audit does once it is known what is compared with what.
func (a *app) compare(ctx context.Context, s *settings, opts *auditOptions, list *differences) (report *audit.Report, err error) {
	status := a.openStatus(false)
	defer func() { status.Stop() }()
	log, closeLog, err := s.logger(status.Writer(a.Stderr))
	if err != nil {
		return nil, err
	}
	r := &wiring{io: a.IO, log: log, once: true}
	r.onClose(closeLog)
	defer func() { err = errors.Join(err, r.close()) }()
	s.warn(log)
	au, err := a.openAudit(ctx, s, r, opts, list.note())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, au.Close()) }()

	readErrors, err := a.readForAudit(ctx, s, r, au, status)
	if err != nil {
		return nil, err
	}
	status = a.showAudit(status, au)
	report, err = au.Compare(ctx)
	if err != nil {
		return nil, stoppedAudit(ctx, err)
	}
	if opts.repair && report.Total.Missing > 0 {
		status.Stop()
		list.end() // what was missing is told, and not what is missing afterwards
		if report, err = a.repair(ctx, s, r, au, report); report == nil {
			return nil, stoppedAudit(ctx, err)
		}
	}
	report.ReadErrors = readErrors
	report.Complete = report.Complete && readErrors == 0
	return report, err
}

// openAudit opens what is compared, of a range, with inputs that read again.
func (a *app) openAudit(ctx context.Context, s *settings, r *wiring, opts *auditOptions, difference func(audit.Difference) error) (*audit.Audit, error) {
	r.again, r.until = opts.again()
	r.forget()
	if err := s.openPipeline(r); err != nil {
		return nil, err
	}
	search, others, err := s.openSearch(ctx, r)
	if err != nil {
		return nil, err
	}
	bare, err := r.pipeline.With(s.Pipeline.config(retains[0], r.log))
	if err != nil {
		return nil, err
	}
	ds := s.DataStream.stream()
	return audit.New(audit.Options{
		From: opts.start, To: opts.end, Accounts: opts.accounts, Regions: opts.regions,
		Search: search, Index: ds.Type + "-" + ds.Dataset + "-" + ds.Namespace, Others: others,
		Letters: func(ctx context.Context, each func(*shipper.Letter)) error {
			return a.eachLetter(ctx, s, func(l *shipper.Letter, _ error) { each(l) })
		},
		IsDrop: isDrop, RuleOf: ruleOf, Bare: bare, Dir: opts.dir, AllHours: opts.hours, Difference: difference, Logger: r.log,
	})
}

func stoppedAudit(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("stopped before everything was compared; nothing is known of the range")
	}
	return err
}

// ruleOf names the rule that took a record out.
func ruleOf(err error) string {
	var drop *processor.Drop
	if errors.As(err, &drop) {
		return drop.ID()
	}
	return ""
}

// openSearch opens the outputs to be asked what they hold: the first one, which must know, and those of the others that do.
func (s *settings) openSearch(ctx context.Context, r *wiring) (first output.Searcher, others map[string]output.Searcher, err error) {
	others = map[string]output.Searcher{}
	for _, o := range s.allOutputs() {
		out, err := o.kind.Open(ctx, o.options, s.outputEnv(r, o))
		if err != nil {
			return nil, nil, fmt.Errorf("opening %s: %w", o.path(), err)
		}
		r.onClose(out.Close)
		search, ok := out.(output.Searcher)
		switch {
		case o.id != "" && ok:
			others[o.id] = search
		case o.id != "":
		case !ok:
			return nil, nil, usage(fmt.Errorf("%s cannot be asked what it holds; audit compares with Elasticsearch, OpenSearch and SQLite", o.path()))
		default:
			first = search
		}
	}
	return first, others, nil
}

// readForAudit lets the flow of a run have all of the source, with the audit in place of the output.
func (a *app) readForAudit(ctx context.Context, s *settings, r *wiring, au *audit.Audit, status *terminal.Status) (readErrors int64, err error) {
	sources, err := s.openInputs(ctx, r)
	if err != nil {
		return 0, err
	}
	for i := range sources {
		of := sources[i].Processor
		if of == nil {
			of = r.pipeline
		}
		sources[i].Processor = au.Processor(of)
	}
	agent, err := s.agent() // rules may ask for it
	if err != nil {
		return 0, err
	}
	flow, err := shipper.New(shipper.Options{
		Sources: sources, Processor: r.pipeline, IsDrop: isDrop, Identify: identify,
		Output: au.Output(), DeadLetters: au.DeadLetters(), Agent: agent, Config: s.Trailbeat.Config, Logger: r.log,
	})
	if err != nil {
		return 0, err
	}
	if status != nil {
		progress, end := newRunProgress(ctx, sources, flow.Accounting().Snapshot)
		defer end()
		status.Start(newMeter(progress.look, progress.size.Load).text)
		defer status.Stop()
	}
	if err := flow.Run(ctx); err != nil {
		return 0, err
	}
	if ctx.Err() != nil {
		return 0, stoppedAudit(ctx, nil)
	}
	return flow.Accounting().Snapshot().Total.ReadErrors, nil
}

// showAudit shows how far the comparison is, on a status of its own as the first one has ended.
func (a *app) showAudit(before *terminal.Status, au *audit.Audit) *terminal.Status {
	if before == nil {
		return nil
	}
	status := a.openStatus(false)
	status.Start(func() string {
		phase, _, documents, compared := au.Progress()
		if phase == audit.Comparing {
			return terminal.Count(float64(compared)) + " events compared"
		}
		return terminal.Count(float64(documents)) + " documents found in the output"
	})
	return status
}

// repair ships what is missing and compares again, until nothing is missing or it does not get less. The report is nil where nothing is
// known any more.
func (a *app) repair(ctx context.Context, s *settings, r *wiring, au *audit.Audit, report *audit.Report) (*audit.Report, error) {
	done := &audit.Repair{Missing: report.Total.Missing}
	for {
		before := report.Total.Missing
		missing := au.Missing()
		wanted, err := missing.Objects()
		if err != nil {
			return nil, err
		}
		again := *r.again
		again.Wanted = wanted
		var sent shipper.Counts
		shipped := a.ship(ctx, s, shipment{
			once: true, patience: defaultPatience,
			sources: func(ctx context.Context, own *wiring) ([]shipper.Source, error) {
				own.again, own.until = &again, r.until
				own.forget()
				sources, err := s.openInputs(ctx, own)
				for i := range sources {
					sources[i].Input = missing.Only(sources[i].Input)
				}
				return sources, err
			},
			counted: func(c shipper.Snapshot) { sent = c.Total },
		})
		done.Sent += sent.Received
		done.Indexed += sent.Indexed
		done.Duplicate += sent.Duplicate
		done.DeadLettered += sent.DeadLettered
		done.Filtered += sent.Filtered
		done.Returned += sent.Returned
		if report, err = au.Compare(ctx); err != nil {
			return nil, errors.Join(shipped, err)
		}
		done.StillMissing, report.Repair = report.Total.Missing, done
		if shipped != nil || report.Total.Missing == 0 || report.Total.Missing >= before {
			return report, shipped
		}
	}
}

// differences is the file of --list. A nil one takes nothing.
type differences struct {
	file  *os.File
	enc   *json.Encoder
	ended bool
}

func openDifferences(name string) (*differences, error) {
	if name == "" {
		return nil, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("--list: making %q: %w", name, reason(err))
	}
	enc := json.NewEncoder(f)
	enc.SetEscapeHTML(false)
	return &differences{file: f, enc: enc}, nil
}

func (d *differences) note() func(audit.Difference) error {
	if d == nil {
		return nil
	}
	return func(one audit.Difference) error {
		if d.ended {
			return nil
		}
		if err := d.enc.Encode(one); err != nil {
			return fmt.Errorf("--list: writing %q: %w", d.file.Name(), reason(err))
		}
		return nil
	}
}

func (d *differences) end() {
	if d != nil {
		d.ended = true
	}
}

func (d *differences) close() error {
	if d == nil {
		return nil
	}
	return d.file.Close()
}

// forget lets inputs read without checkpoints: what was read before is read again, and nothing is remembered.
func (r *wiring) forget() {
	var memory registry.Memory
	r.store = func(id string) (input.Store, error) { return memory.Input(id), nil }
}
