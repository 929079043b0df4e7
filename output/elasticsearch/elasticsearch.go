package elasticsearch

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
)

// Options are what the program gives to an output beside its configuration. The zero value works.
type Options struct {
	// Logger for what concerns the whole output, never single events. Nil: nothing is logged.
	Logger *slog.Logger
	// UserAgent of the requests, such as "trailbeat/1.0.0". Empty: "trailbeat".
	UserAgent string
	// Wrap stands around the transport and sees each request as it goes out, body included: a signer for a managed
	// service, or a recorder. Nil: none.
	Wrap func(http.RoundTripper) http.RoundTripper
}

// Output writes to Elasticsearch or OpenSearch. It is safe for concurrent use.
type Output struct {
	conf   Config
	opts   Options
	log    *slog.Logger
	client *client
	index  string

	slots  chan struct{} // one per request that may be under way
	bodies sync.Pool     // of *body
	zips   sync.Pool     // of *gzip.Writer

	// learned is the most bytes in a request, as configured, or less after the server refused more. Zero: no limit.
	learned atomic.Int64
	// accepted says that the server took a document of ours at least once.
	accepted atomic.Bool

	serverMu sync.Mutex
	server   *Server
	names    nameSet
	streams  streams
}

var _ output.Output = (*Output)(nil)

// New makes an output. It reads the files of ssl but sends nothing: a server that is down is no error here.
func New(conf Config, opts Options) (*Output, error) {
	if err := conf.Validate(); err != nil {
		return nil, err
	}
	c, err := newClient(&conf, opts)
	if err != nil {
		return nil, fmt.Errorf("configuring the elasticsearch output: %w", err)
	}
	o := &Output{
		conf: conf, opts: opts, log: opts.Logger, client: c, index: conf.DefaultIndex(),
		slots: make(chan struct{}, conf.workers(len(c.hosts))),
	}
	if o.log == nil {
		o.log = slog.New(slog.DiscardHandler)
	}
	o.learned.Store(conf.BulkMaxBytes)
	o.bodies.New = func() any {
		if conf.Raw {
			return &body{plain: new(ecs.Event)}
		}
		return new(body)
	}
	o.zips.New = func() any {
		// The level was validated, and is the only thing that can be wrong.
		z, _ := gzip.NewWriterLevel(nil, conf.CompressionLevel)
		return z
	}
	return o, nil
}

// DefaultIndex is the data stream or index of events that name none.
func (o *Output) DefaultIndex() string { return o.index }

// Close ends idle connections.
func (o *Output) Close() error {
	if err := o.client.close(context.Background()); err != nil {
		return fmt.Errorf("closing the Elasticsearch client: %w", err)
	}
	return nil
}
