package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailbeat/trailbeat/internal/mapper"
	"github.com/trailbeat/trailbeat/internal/shipper"
)

// mapOptions are the flags of map.
type mapOptions struct {
	timestamp string
	tags      []string
	retain    string
	city, asn string
	meta      bool
	// processors applies those of the configuration, routing its rules, to documents that would go to stream without them.
	processors, routing bool
	stream              shipper.DataStream
}

func (a *app) mapCommand() *cobra.Command {
	var opts mapOptions
	cmd := &cobra.Command{
		Use:   "map [FILE...]",
		Short: "Print the documents of CloudTrail files, one a line",
		Long: `Map writes one mapped document a line to standard output, in the order of the records, and nothing else: what the
cluster would have made of them, without _id and without what a shipper adds. It reads CloudTrail log files (plain or
gzip), NDJSON, digest files, or standard input where no FILE is given or FILE is "-". No configuration is read, but for
--processors and --routing: with the first the list "processors" of it changes the documents, with the second its rules of routing
set data_stream.* (and, with --meta, _index and _output), and what they discard or send to the dead letters is left out. stderr says
how many each rule took.

In NDJSON each line is a message of its own; one that is not JSON becomes the document of kind pipeline_error that the
cluster would make of it. Where a file is broken, the documents of all records before the fault are written, the fault is
told on stderr with file and byte offset, and the exit code is 1.`,
		Example: `  trailbeat map 123456789012_CloudTrail_eu-west-1_20260102T0305Z_x.json.gz
  zcat *.json.gz | trailbeat map --tag preserve_original_event --geoip-city GeoLite2-City.mmdb
  trailbeat map --meta --timestamp 2026-01-02T03:04:05Z events.ndjson`,
		RunE: func(cmd *cobra.Command, files []string) error {
			if !cmd.Flags().Changed("tag") {
				opts.tags = append([]string{tagActorTarget}, defaultTags()...)
			}
			return a.mapFiles(cmd.Context(), opts, files)
		},
	}
	a.progressFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&opts.timestamp, "timestamp", "", "`RFC3339` time of reading, which becomes event.created (default now)")
	flags.StringArrayVar(&opts.tags, "tag", nil, "`TAG` that the documents start with; repeatable (default actor_target_mapping, forwarded, aws-cloudtrail)")
	flags.StringVar(&opts.retain, "retain", "all", "which forms of request, response and event data are kept: "+strings.Join(retains, ", "))
	flags.StringVar(&opts.city, "geoip-city", "", "City database `FILE` for source.geo")
	flags.StringVar(&opts.asn, "geoip-asn", "", "ASN database `FILE` for source.as")
	flags.BoolVar(&opts.processors, "processors", false, "apply the processors of the configuration (-c)")
	flags.BoolVar(&opts.routing, "routing", false, "apply the rules of routing of the configuration (-c)")
	flags.BoolVar(&opts.meta, "meta", false, `wrap each document: {"_index":...,"_id":...,"document":{...}}`)
	return cmd
}

func (o *mapOptions) check() error {
	if !slices.Contains(retains, o.retain) {
		return usage(fmt.Errorf("--retain is %q, but must be one of %s", o.retain, strings.Join(retains, ", ")))
	}
	if o.timestamp != "" {
		if _, err := time.Parse(time.RFC3339Nano, o.timestamp); err != nil {
			return usage(fmt.Errorf("--timestamp is %q, but must be a time such as 2026-01-02T03:04:05.123456789Z (RFC 3339)", o.timestamp))
		}
	}
	for _, file := range []struct{ flag, name string }{{"--geoip-city", o.city}, {"--geoip-asn", o.asn}} {
		// In a run a missing database is waited for. Here somebody waits for the answer.
		if file.name != "" && !exists(file.name) {
			return usage(fmt.Errorf("%s: there is no file %q", file.flag, file.name))
		}
	}
	return nil
}

// mapFiles writes the documents of all files. A file that is broken or missing is told, and the next one goes on.
func (a *app) mapFiles(ctx context.Context, opts mapOptions, files []string) (err error) {
	if err := opts.check(); err != nil {
		return err
	}
	list, table, err := a.mapRules(&opts)
	if err != nil {
		return err
	}
	p, err := newMapPipeline(opts, list, table)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if len(files) == 0 {
		files = []string{"-"}
	}
	status := a.openStatus(true)
	stderr := status.Writer(a.Stderr)
	defer status.Stop()
	var failed atomic.Bool
	var bytes atomic.Int64
	m := mapper.New(mapper.Options{
		Append: opts.appendTo(p), Timestamp: opts.timestamps(), Out: a.Stdout,
		Tell: func(err error) {
			failed.Store(true)
			fmt.Fprintf(stderr, "trailbeat: %s\n", err)
		},
	})
	total := sync.OnceValue(func() int64 { return sizeOf(files) })
	status.Start(newMeter(func() done { return mapProgress(m.Records(), bytes.Load(), total()) }, total).text)
	sources := make([]mapper.File, len(files))
	for i, name := range files {
		sources[i] = a.mapSource(name, &bytes)
	}
	if err := m.Run(ctx, sources); err != nil {
		return err
	}
	status.Stop()
	printRules(a.Stderr, list.Stats())
	printRouting(a.Stderr, table.Stats(), nil)
	if failed.Load() {
		return errSaid
	}
	return nil
}

// mapProgress tells how far a map over so many bytes is; 0: nobody knows how many there are.
func mapProgress(events, bytes, total int64) done {
	d := done{events: events, bytes: bytes, part: -1}
	if total > 0 {
		d.part = min(1, float64(bytes)/float64(total))
	}
	return d
}

// sizeOf is the size of all files, 0 where one has none. A file that is missing is told when it is to be read.
func sizeOf(names []string) int64 {
	total := int64(0)
	for _, name := range names {
		info, err := os.Stat(name)
		switch {
		case name == "-" || err == nil && !info.Mode().IsRegular():
			return 0
		case err == nil:
			total += info.Size()
		}
	}
	return total
}

// mapSource is a file, or standard input. What is read of it is added to bytes.
func (a *app) mapSource(name string, bytes *atomic.Int64) mapper.File {
	if name == "-" {
		return mapper.File{Name: name, Waits: func() bool { return true }, Open: func() (io.ReadCloser, error) {
			return io.NopCloser(counted{a.Stdin, bytes}), nil
		}}
	}
	return mapper.File{Name: name, Waits: func() bool {
		info, err := os.Stat(name)
		return err == nil && !info.Mode().IsRegular() // a pipe may have nothing more to say for a long time
	}, Open: func() (io.ReadCloser, error) {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("reading %q: %w", name, reason(err))
		}
		if info, err := f.Stat(); err == nil && info.IsDir() {
			_ = f.Close() // nothing was read
			return nil, fmt.Errorf("reading %q: it is a directory; name its files, or configure an input of type file for it", name)
		}
		return struct {
			io.Reader
			io.Closer
		}{counted{f, bytes}, f}, nil
	}}
}

// reason takes the operation and the path out of an error that names them already.
func reason(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
