package s3object

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/batch"
	"github.com/trailbeat/trailbeat/input/records"
)

// Ref names an object.
type Ref struct {
	Bucket, Key string
	// Region of the bucket as the source of the name says. Empty: the session's.
	Region string
}

// String is the address that people know.
func (r Ref) String() string { return "s3://" + r.Bucket + "/" + r.Key }

// ContentError says that an object is broken, so that reading it again will not help. The records before the fault were
// handed out.
type ContentError struct {
	Ref Ref
	// Err is a *records.Error, which names the place.
	Err error
}

func (e *ContentError) Error() string { return fmt.Sprintf("the content is broken: %v", e.Err) }

// Unwrap gives the cause.
func (e *ContentError) Unwrap() error { return e.Err }

// ErrorKind is the kind of the fault in reports; see input.Explained.
func (e *ContentError) ErrorKind() string { return input.KindContent }

// ErrorHint says how to mend it; empty where that cannot be said.
func (e *ContentError) ErrorHint() string {
	_, hint := input.Explain(e.Err)
	return hint
}

// IsContent says that err, or what it wraps, is about the content of an object.
func IsContent(err error) bool {
	var content *ContentError
	return errors.As(err, &content)
}

// ErrNotDelivered is in the error that done gets when a batch came back; errors of the reading do not have it.
var ErrNotDelivered error = notDelivered{}

type notDelivered struct{}

func (notDelivered) Error() string     { return "the records of the object were not delivered" }
func (notDelivered) ErrorKind() string { return input.KindReturned }
func (notDelivered) ErrorHint() string { return "" }

// ErrGivenUp is what done gets when an object was closed before its end.
var ErrGivenUp = errors.New("reading was given up before the end of the object")

// Deps are what a Reader needs from outside.
type Deps struct {
	// InputID and InputType go into the origin of the records.
	InputID, InputType string
	// Session is required.
	Session *aws.Session
	// Logger gets what happens on the way, such as connections opened again. nil logs nothing.
	Logger *slog.Logger
}

// Reader opens objects. Safe for concurrent use.
type Reader struct {
	cfg      Config
	deps     Deps
	selector *Selector
	pool     batch.Pool
	readers  sync.Pool // of *records.Reader, which are large
	stats    Stats
}

// NewReader makes a Reader. The only errors are those of the options.
func NewReader(cfg Config, deps Deps) (*Reader, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Session == nil {
		return nil, errors.New("making a reader of objects: no session was given")
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	return &Reader{cfg: cfg, deps: deps, selector: NewSelector(cfg)}, nil
}

// Kind says by its key whether an object is read.
func (r *Reader) Kind(key string) Kind { return r.selector.Kind(key) }

// Stats gives the counters.
func (r *Reader) Stats() *Stats { return &r.stats }

// Object is one object that is being read. Next and Close are for one goroutine; acks come from any.
type Object struct {
	r      *Reader
	ref    Ref
	origin *input.Origin
	stream *stream
	in     *records.Reader
	info   Info
	result error // what Next returns from now on

	done    func(error)
	pending atomic.Int64 // batches that are out, and 1 while reading goes on
	mu      sync.Mutex
	failure error
	// returned says that a batch came back with an error.
	returned atomic.Bool
}

// Info is what S3 says of an object.
type Info struct {
	// Size in bytes as stored; -1 where it is not known.
	Size int64
	ETag string
	// LastModified is zero where it is not known.
	LastModified time.Time
	// Region that the bucket was found in.
	Region string
}

// Open asks for an object. Where it returns an error, done is never called. Otherwise done is called exactly once, from any
// goroutine, when the object was read to its end, failed or was closed, and every batch was acknowledged: with nil only where
// all of it is durable. ctx bounds all of the reading.
func (r *Reader) Open(ctx context.Context, ref Ref, done func(error)) (*Object, error) {
	r.stats.ObjectsRequested.Add(1)
	s := newStream(ctx, r, ref)
	if err := s.connect(); err != nil {
		r.stats.ObjectsFailed.Add(1)
		s.close()
		return nil, err
	}
	o := &Object{r: r, ref: ref, stream: s, info: s.info, done: done}
	o.origin = &input.Origin{
		InputID: r.deps.InputID, InputType: r.deps.InputType,
		Path:   r.deps.Session.ObjectURL(s.info.Region, ref.Bucket, ref.Key),
		Bucket: ref.Bucket, BucketARN: bucketARN(s.info.Region, ref.Bucket), Key: ref.Key, Region: s.info.Region,
		Metadata: s.metadata,
	}
	opts := records.Options{Name: ref.String(), Format: format(ref.Key), MaxRecordBytes: int(r.cfg.MaxRecordBytes)}
	if in, ok := r.readers.Get().(*records.Reader); ok {
		in.Reset(s, opts)
		o.in = in
	} else {
		o.in = records.NewReader(s, opts)
	}
	o.pending.Store(1)
	r.stats.ObjectsInFlight.Add(1)
	return o, nil
}

func bucketARN(region, bucket string) string {
	if len(bucket) > 4 && bucket[:4] == "arn:" {
		return bucket // an access point
	}
	return aws.BucketARN(region, bucket)
}

// Info gives what S3 said of the object.
func (o *Object) Info() Info { return o.info }

// Origin is that of the records.
func (o *Object) Origin() *input.Origin { return o.origin }

// Next gives the next batch. io.EOF is the end of the object. Any other error ends it too, and is what done will get.
func (o *Object) Next() (*input.Batch, error) {
	if o.result != nil {
		return nil, o.result
	}
	m := o.r.pool.Get()
	err := o.in.Fill(&m.Block, o.r.cfg.BatchMaxRecords, int(o.r.cfg.BatchMaxBytes))
	var b *input.Batch
	if m.Block.Len() > 0 {
		b = o.batch(m)
	} else {
		o.r.pool.Put(m)
	}
	if err != nil {
		o.end(o.explain(err))
	}
	if b != nil {
		return b, nil
	}
	return nil, o.result
}

// explain tells faults of the content from those of the way to it.
func (o *Object) explain(err error) error {
	if o.stream.failure != nil {
		return o.stream.failure
	}
	if err == io.EOF { //nolint:errorlint // a wrapped one is a broken connection, not the end of the object
		return io.EOF
	}
	return &ContentError{Ref: o.ref, Err: err}
}

// end is the end of the reading.
func (o *Object) end(result error) {
	o.result = result
	o.stream.close()
	o.r.readers.Put(o.in)
	o.in = nil
	if result == io.EOF { //nolint:errorlint // a wrapped one is a broken connection, not the end of the object
		o.r.stats.ObjectsProcessed.Add(1)
	} else {
		o.fail(result)
	}
	o.settle()
}

func (o *Object) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failure == nil {
		o.failure = err
	}
}

// settle takes one from what is pending, and ends the object with the last.
func (o *Object) settle() {
	if o.pending.Add(-1) > 0 {
		return
	}
	o.mu.Lock()
	err := o.failure
	o.mu.Unlock()
	o.r.stats.ObjectsInFlight.Add(-1)
	if err == nil {
		o.r.stats.ObjectsAcked.Add(1)
	} else {
		o.r.stats.ObjectsFailed.Add(1)
	}
	o.done(err)
}

// Failed says that a batch came back with an error, so that reading on is of no use.
func (o *Object) Failed() bool { return o.returned.Load() }

// Close ends the reading. After the end of the object it does nothing; before it, done will get ErrGivenUp. Batches that
// are out stay valid.
func (o *Object) Close() {
	if o.result == nil {
		o.end(ErrGivenUp)
	}
}
