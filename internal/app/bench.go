package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailbeat/trailbeat/internal/sizing"
)

// benchOptions are the flags of bench.
type benchOptions struct {
	mapOptions
	time   time.Duration
	sample bytesFlag
	events []float64
	json   bool
}

func (a *app) benchCommand() *cobra.Command {
	opts := benchOptions{mapOptions: mapOptions{meta: true}}
	cmd := &cobra.Command{
		Use:   "bench FILE...",
		Short: "Measure what one's own files cost, and what machine they need",
		Long: `Bench maps CloudTrail log files (plain or gzip) again and again, sends nothing, and says what a record costs: processor time by
stage, allocations, bytes. From that it works out what a number of events a day needs: cores, memory, network, requests.
Files are kept in memory, so give it some hours of one's own, not a year. No configuration is read.`,
		Example: `  trailbeat bench /var/log/cloudtrail/2026/11/20/*.json.gz
  trailbeat bench --events 250e6 --tag preserve_original_event *.json.gz
  trailbeat bench --output json *.json.gz | jq .cpu_us_per_record`,
	}
	format := formatFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, files []string) error {
		if !cmd.Flags().Changed("tag") {
			opts.tags = append([]string{tagActorTarget}, defaultTags()...)
		}
		opts.json = format.json()
		return a.bench(cmd.Context(), opts, files)
	}
	flags := cmd.Flags()
	flags.DurationVar(&opts.time, "time", 5*time.Second, "processor time to spend at least")
	opts.sample = 256 << 20
	flags.Var(&opts.sample, "sample", "`BYTES` of files to read at most; those after that are left out, and it is said")
	flags.Float64SliceVar(&opts.events, "events", []float64{1e6, 1e7, 1e8, 1e9}, "`NUMBERS` of events a day to plan for")
	flags.Lookup("events").DefValue = "1e6,10e6,100e6,1e9" // and not with six decimals
	flags.StringArrayVar(&opts.tags, "tag", nil, "`TAG` that the documents start with; repeatable (default actor_target_mapping, forwarded, aws-cloudtrail)")
	flags.StringVar(&opts.retain, "retain", "all", "which `FORMS` of request, response and event data are kept: "+strings.Join(retains, ", "))
	flags.StringVar(&opts.city, "geoip-city", "", "City database `FILE` for source.geo")
	flags.StringVar(&opts.asn, "geoip-asn", "", "ASN database `FILE` for source.as")
	return cmd
}

func (o *benchOptions) check(files []string) error {
	switch {
	case len(files) == 0:
		return usage(errors.New("bench needs the names of CloudTrail log files"))
	case o.time < 0:
		return usage(fmt.Errorf("--time must be >= 0, is %s", o.time))
	case o.sample <= 0:
		return usage(fmt.Errorf("--sample must be > 0, is %d", int64(o.sample)))
	}
	for _, n := range o.events {
		if !(n > 0 && n < 1e15) {
			return usage(fmt.Errorf("--events must be numbers above zero and below 1e15, but one is %g", n))
		}
	}
	return o.mapOptions.check()
}

// benchReport is what --output json prints.
type benchReport struct {
	*sizing.Result
	RecordsPerSecond   float64       `json:"records_per_second_and_core"`
	MegabytesPerSecond float64       `json:"unpacked_mb_per_second_and_core"`
	LeftOut            int           `json:"files_left_out"`
	Plans              []sizing.Plan `json:"plans"`
}

func (a *app) bench(ctx context.Context, opts benchOptions, names []string) (err error) {
	if err := opts.check(names); err != nil {
		return err
	}
	files, left, err := benchFiles(names, int64(opts.sample))
	if err != nil {
		return err
	}
	p, err := newMapPipeline(opts.mapOptions, nil, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	result, err := sizing.Measure(ctx, files, sizing.Options{Processor: p, Tags: opts.tags, Time: opts.time})
	if err != nil {
		return fmt.Errorf("measuring: %w", err)
	}
	report := benchReport{Result: result, RecordsPerSecond: result.RecordsPerSecond(), MegabytesPerSecond: result.MegabytesPerSecond(), LeftOut: left}
	for _, n := range opts.events {
		report.Plans = append(report.Plans, result.Plan(n))
	}
	if opts.json {
		return a.printJSON(report)
	}
	return report.write(a.Stdout)
}

// benchFiles reads the files, up to limit bytes. left is how many were not read.
func benchFiles(names []string, limit int64) (files []sizing.File, left int, err error) {
	for i, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return nil, 0, fmt.Errorf("reading %q: %w", name, reason(err))
		}
		if info.IsDir() {
			return nil, 0, usage(fmt.Errorf("%q is a directory; name its files", name))
		}
		if limit -= info.Size(); limit < 0 {
			if i == 0 {
				return nil, 0, usage(fmt.Errorf("%q has %d bytes; raise --sample, or take a smaller file", name, info.Size()))
			}
			return files, len(names) - i, nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, 0, fmt.Errorf("reading %q: %w", name, reason(err))
		}
		files = append(files, sizing.File{Name: name, Data: data})
	}
	return files, 0, nil
}

func (r *benchReport) write(w io.Writer) error {
	n := float64(r.Records)
	fmt.Fprintf(w, "%d records in %d files: %s as files, %s unpacked, %.0f bytes a record\n", r.Records, r.Files, bytesText(float64(r.PackedBytes)),
		bytesText(float64(r.UnpackedBytes)), float64(r.UnpackedBytes)/n)
	fmt.Fprintf(w, "A record becomes a document of %.0f bytes, %.0f sent with gzip level 1.\n", float64(r.BodyBytes)/n, float64(r.SentBytes)/n)
	if r.Dropped > 0 {
		fmt.Fprintf(w, "%d records were dropped by filters.\n", r.Dropped)
	}
	if r.LeftOut > 0 {
		fmt.Fprintf(w, "%d more files were left out: --sample is spent.\n", r.LeftOut)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\nstage\tµs of CPU a record\tshare\t")
	for _, s := range r.Stages {
		fmt.Fprintf(t, "%s\t%.2f\t%.0f %%\t\n", s.Name, s.Microseconds, 100*s.Share)
	}
	fmt.Fprintf(t, "all\t%.2f\t\t\n", r.Microseconds)
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nOne core does %.0f records, %.0f MB of unpacked files, in a second; %.2f allocations a record.\n", r.RecordsPerSecond, r.MegabytesPerSecond, r.Allocations)
	fmt.Fprintf(w, "Medians of %d turns; the slowest and the quickest were %.0f %% apart.\n", r.Turns, 100*r.Spread)
	fmt.Fprintf(w, "\nWhat it means, with %.1f times that work in a whole shipper, a busiest hour of %.0f times the average, and cores busy to %.0f %% then:\n\n",
		sizing.Overhead, sizing.Peak, 100*sizing.Load)
	fmt.Fprintln(t, "events a day\tcores busy on average\tcores\tmemory\tin, peak\tout, peak\tobjects a day\trequests a day\tdocuments a day\t")
	for _, p := range r.Plans {
		fmt.Fprintf(t, "%s\t%.3f\t%d\t%s\t%sbit/s\t%sbit/s\t%s\t%s\t%s\t\n", count(p.EventsPerDay), p.AverageCores, p.Cores, bytesText(float64(p.Memory)),
			count(p.InPerSecond), count(p.OutPerSecond), count(p.ObjectsPerDay), count(p.RequestsPerDay), bytesText(p.StoredPerDay))
	}
	return t.Flush()
}

// count writes a number with three digits and a unit.
func count(v float64) string {
	for _, unit := range []struct {
		of   float64
		name string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if v >= unit.of {
			return fmt.Sprintf("%.3g %s", v/unit.of, unit.name)
		}
	}
	return fmt.Sprintf("%.3g ", v)
}

func bytesText(v float64) string { return count(v) + "B" }
