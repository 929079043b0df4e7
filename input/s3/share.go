package s3

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/s3/lease"
)

// LeaseConfig shares the folders of a bucket with other processes that have the same options.
type LeaseConfig struct {
	// BucketARN is a bucket for small objects that say which process reads which folder, and how far it came. Processes with the same id of
	// the input, bucket and lease options share the work: each folder of an account and region is read by one of them. The bucket should be another one
	// than that of the trail, without versions. Default empty: this process reads all of the bucket, and keeps its state in path.data.
	BucketARN string `config:"bucket_arn"`
	// NonAWSBucketName is the same in another S3-compatible store, which must know If-Match and If-None-Match of PutObject. Default empty.
	NonAWSBucketName string `config:"non_aws_bucket_name"`
	// DynamoDBTable is the name or ARN of a table that is used instead of a bucket, with the partition key "lease" and the sort key "name", both
	// strings. It holds 400 KB an object at most, which is a busy folder with a long lookback. Default empty.
	DynamoDBTable string `config:"dynamodb_table"`
	// Prefix of the keys. Default "trailbeat/"; must not be empty, and ends with a slash.
	Prefix string `config:"prefix"`
	// Duration is how long a process may be silent before others read on in its place. Default 60s; 4s to 1h.
	Duration time.Duration `config:"duration"`
}

func defaultLeaseConfig() LeaseConfig {
	return LeaseConfig{Prefix: "trailbeat/", Duration: time.Minute}
}

// on says that the work is shared.
func (c LeaseConfig) on() bool {
	return c.BucketARN != "" || c.NonAWSBucketName != "" || c.DynamoDBTable != ""
}

// bucket is where the leases are; without a name they are in a table.
func (c LeaseConfig) bucket() (aws.Bucket, error) {
	if c.BucketARN == "" {
		return aws.Bucket{Name: c.NonAWSBucketName}, nil
	}
	return aws.ParseBucketARN(c.BucketARN)
}

func (c LeaseConfig) validate(from string, listed string, bad func(string, ...any)) {
	if !c.on() {
		return
	}
	if c.BucketARN != "" && c.NonAWSBucketName != "" {
		bad("lease.bucket_arn: cannot go together with lease.non_aws_bucket_name; keep one of them")
	}
	if c.DynamoDBTable != "" {
		if c.BucketARN != "" || c.NonAWSBucketName != "" {
			bad("lease.dynamodb_table: cannot go together with a bucket for the leases; keep one of them")
		}
		if _, err := c.table(); err != nil {
			bad("lease.dynamodb_table: %w", err)
		}
	}
	to, err := c.bucket()
	if err != nil {
		bad("lease.bucket_arn: %w", err)
	}
	if c.Prefix == "" || !strings.HasSuffix(c.Prefix, "/") || strings.HasPrefix(c.Prefix, "/") {
		bad("lease.prefix: must be a folder such as trailbeat/, is %q", c.Prefix)
	} else if to.Name == from && listed != "" && strings.HasPrefix(listed, c.Prefix) {
		bad("lease.prefix: bucket_list_prefix (%q) begins with it, so everything that is to be read would count as a lease", listed)
	}
	if c.Duration < 4*time.Second || c.Duration > time.Hour {
		bad("lease.duration: must be 4s to 1h, is %s", c.Duration)
	}
}

// sharing is the work with others.
type sharing struct {
	group   *lease.Group
	objects lease.Objects
	prefix  string
	every   time.Duration
	wake    chan struct{} // something was acquired
	ready   bool          // the start of reading was agreed on
	said    string

	mu    sync.Mutex
	parts map[string]*part // by the key of the source
}

// part is a source that this process has the lease of.
type part struct {
	lease  *lease.Lease
	ledger *ledger
	ctx    context.Context
}

// newSharing makes it. It calls nobody.
func newSharing(cfg Config, id, bucket string, objects lease.Objects, chores bool, log *slog.Logger) *sharing {
	s := &sharing{
		objects: objects, prefix: cfg.Lease.Prefix + url.PathEscape(id) + "/" + url.PathEscape(bucket) + "/", every: cfg.Lease.Duration / 4,
		wake: make(chan struct{}, 1), parts: make(map[string]*part),
	}
	owner, _ := os.Hostname() // for people only
	s.group = lease.New(objects, lease.Config{
		Prefix: s.prefix, Duration: cfg.Lease.Duration, Owner: fmt.Sprintf("%s/%d", owner, os.Getpid()), Sync: chores, Logger: log,
		Acquired: func() {
			select {
			case s.wake <- struct{}{}:
			default:
			}
		},
	})
	return s
}

// agree makes the start of reading the same for all: that of the first of them, as long as the option is the same.
func (s *sharing) agree(ctx context.Context, own origin) (origin, error) {
	key := s.prefix + originKey
	own.Layout = ""
	body, err := json.Marshal(own)
	if err != nil {
		return own, fmt.Errorf("encoding the start of reading: %w", err)
	}
	for {
		there, etag, err := s.objects.Get(ctx, key)
		if err != nil && !errors.Is(err, lease.ErrNone) {
			return own, err
		}
		if err == nil {
			var o origin
			if err := json.Unmarshal(there, &o); err != nil {
				return own, fmt.Errorf("the object %q is none of this program: use another lease.prefix", key)
			}
			if o.StartTimestamp == own.StartTimestamp {
				return o, nil
			}
		}
		if _, err := s.objects.Put(ctx, key, body, etag); !errors.Is(err, lease.ErrConflict) {
			return own, err
		}
	}
}

// agree takes the start of reading from the others, once.
func (in *Input) agree(ctx context.Context) error {
	if in.shared == nil || in.shared.ready {
		return nil
	}
	o, err := in.shared.agree(ctx, origin{StartTimestamp: in.cfg.StartTimestamp, Start: in.window.start})
	if err == nil {
		in.shared.ready, in.window.start = true, o.Start
	}
	return err
}

// acquired says that there is more to read: a folder of another process. Nil, on which nobody ever hears anything, where nothing is shared.
func (in *Input) acquired() <-chan struct{} {
	if in.shared == nil {
		return nil
	}
	return in.shared.wake
}

// share gives those of the sources that this process reads. The cursors of the list are fresh ones.
func (in *Input) share(ctx context.Context, list []*source) ([]*source, error) {
	s := in.shared
	names := make([]string, len(list))
	for i, src := range list {
		names[i] = src.key
	}
	err := s.group.Tend(ctx, names)
	s.group.Start()
	for in.deps.Once && err == nil && !s.group.Settled() { // one that died just now leaves its work to us
		timer := time.NewTimer(s.every)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
		err = s.group.Tend(ctx, names)
	}
	select {
	case <-s.wake: // by ourselves
	default:
	}
	own := list[:0:0]
	for _, src := range list {
		p, partErr := in.part(src)
		if partErr != nil {
			err = errors.Join(err, partErr)
		}
		if p == nil || p.lease.Draining() {
			continue
		}
		c, cursorErr := p.ledger.cursor(src.key, func() cursor { return src.c })
		if cursorErr != nil {
			err = errors.Join(err, cursorErr)
			continue
		}
		src.c, src.ledger, src.ctx = c, p.ledger, p.ctx
		own = append(own, src)
	}
	s.tell(in, len(own))
	return own, err
}

// tell says how the work is shared, when that has changed.
func (s *sharing) tell(in *Input, own int) {
	st := s.group.Stats()
	said := fmt.Sprint(st.Members, own, st.Known)
	if said == s.said {
		return
	}
	s.said = said
	in.log.Info("the folders of the bucket are shared", "aws.s3.bucket.name", in.bucket.Name, "processes", st.Members, "folders", st.Known, "own", own)
}

// part gives the source's own ledger, nil where another process has the lease.
func (in *Input) part(src *source) (*part, error) {
	s := in.shared
	l := s.group.Held(src.key)
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.parts[src.key]
	if p != nil && p.lease == l {
		return p, nil
	}
	delete(s.parts, src.key)
	if l == nil {
		return nil, nil
	}
	if err := in.inherit(src, l); err != nil {
		return nil, err
	}
	led, err := newLedger(l.Store(), in.bucket.Name, in.ledger.chores, in.log)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(in.ctx)
	context.AfterFunc(l.Context(), cancel)
	p = &part{lease: l, ledger: led, ctx: ctx}
	s.parts[src.key] = p
	l.OnIdle(led.idle)
	return p, nil
}

// inherit takes what this process knew of a source before it shared the bucket, where nobody has begun it.
func (in *Input) inherit(src *source, l *lease.Lease) error {
	begun := false
	if err := l.Store().Each("", func(string, json.RawMessage) error { begun = true; return io.EOF }); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if begun {
		return nil
	}
	values := make(map[string]any)
	for _, prefix := range []string{src.key, failedPrefix + src.prefix, afterPrefix + src.prefix} {
		err := in.deps.Store.Each(in.ledger.base+prefix, func(key string, value json.RawMessage) error {
			rest := strings.TrimPrefix(key, in.ledger.base+prefix)
			if prefix != src.key || rest == "" || strings.HasPrefix(rest, partMark) {
				values[key] = value
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("loading the state: %w", err)
		}
	}
	if len(values) == 0 {
		return nil
	}
	in.log.Info("what was read of a folder before it was shared is remembered", "prefix", src.prefix)
	return putAll(l.Store(), values)
}

// ledgers are those that count: the input's own, or one for each lease that is held.
func (in *Input) ledgers() []held {
	if in.shared == nil {
		return []held{{in.ledger, in.ctx}}
	}
	in.shared.mu.Lock()
	defer in.shared.mu.Unlock()
	var list []held
	for _, key := range slices.Sorted(maps.Keys(in.shared.parts)) {
		if p := in.shared.parts[key]; p.ctx.Err() == nil {
			list = append(list, held{p.ledger, p.ctx})
		}
	}
	return list
}

// held is a ledger, and the context of the work on it.
type held struct {
	*ledger
	ctx context.Context
}

// idle says that nothing of a ledger is under way, and lets nothing begin any more.
func (l *ledger) idle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closing = true
	return len(l.busy) == 0
}

// stored takes an error of a ledger: one of a lease that was lost concerns its folder alone.
func (in *Input) stored(err error) {
	switch {
	case err == nil:
	case errors.Is(err, lease.ErrLost):
		in.log.Debug("what was read does not count, as the lease was lost: another process reads it", "error.message", err.Error())
	default:
		in.outlet.Break(err)
	}
}

// report tells how the work is shared.
func (s *sharing) report() *input.Leases {
	st := s.group.Stats()
	return &input.Leases{
		Members: int64(st.Members), Known: int64(st.Known), Held: int64(st.Held),
		Acquired: st.Acquired, TakenOver: st.TakenOver, Released: st.Released, Lost: st.Lost, RenewalsFailed: st.RenewalsFailed,
	}
}

// leave gives back what is held.
func (s *sharing) leave() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	return s.group.Close(ctx)
}
