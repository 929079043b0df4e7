package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/s3object"
)

// fakeBucket is a bucket in memory. Objects hold one record a line.
type fakeBucket struct {
	mu      sync.Mutex
	keys    []string // in order
	objects map[string]*fakeObject
	calls   map[string]int
	version int
	// listFault and openFault fail calls while they give an error.
	listFault func(listing) error
	openFault func(key string) error
	headFault func(key string) error
	delFault  func(key string) error
	copies    map[string]string
	most      int // of one page
}

type fakeObject struct {
	object
	records []string
	broken  bool // its content ends in a fault
}

func newBucket() *fakeBucket {
	return &fakeBucket{objects: make(map[string]*fakeObject), calls: make(map[string]int), copies: make(map[string]string), most: 1000}
}

func (b *fakeBucket) put(key string, records ...string) {
	b.putAt(time.Now(), key, records...)
}

func (b *fakeBucket) putAt(at time.Time, key string, records ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.version++
	if b.objects[key] == nil {
		i, _ := slices.BinarySearch(b.keys, key)
		b.keys = slices.Insert(b.keys, i, key)
	}
	b.objects[key] = &fakeObject{
		object:  object{Key: key, ETag: fmt.Sprintf(`"%d"`, b.version), Size: int64(len(records)), Modified: at},
		records: records,
	}
}

func (b *fakeBucket) breakContent(key string, broken bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.objects[key].broken = broken
}

func (b *fakeBucket) count(call string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.calls[call]
}

func (b *fakeBucket) has(key string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.objects[key] != nil
}

func (b *fakeBucket) List(ctx context.Context, l listing) (page, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls["list"]++
	if err := ctx.Err(); err != nil {
		return page{}, err
	}
	if b.listFault != nil {
		if err := b.listFault(l); err != nil {
			return page{}, err
		}
	}
	p := page{At: time.Now()}
	most := b.most
	if l.Max > 0 {
		most = int(l.Max)
	}
	from := l.StartAfter
	if l.Token != "" {
		from = l.Token
	}
	i, found := slices.BinarySearch(b.keys, from)
	if found {
		i++
	}
	if j, _ := slices.BinarySearch(b.keys, l.Prefix); j > i {
		i = j
	}
	last := ""
	for ; i < len(b.keys) && strings.HasPrefix(b.keys[i], l.Prefix); i++ {
		key := b.keys[i]
		if l.Delimiter != "" {
			if head, _, ok := strings.Cut(key[len(l.Prefix):], l.Delimiter); ok {
				folder := l.Prefix + head + l.Delimiter
				if folder == last {
					continue
				}
				if len(p.Objects)+len(p.Prefixes) == most {
					p.Next = b.keys[i-1]
					return p, nil
				}
				p.Prefixes, last = append(p.Prefixes, folder), folder
				// Over all that is in it.
				j, _ := slices.BinarySearch(b.keys, folder+"\xff")
				i = j - 1
				continue
			}
		}
		if len(p.Objects)+len(p.Prefixes) == most {
			p.Next = b.keys[i-1]
			return p, nil
		}
		p.Objects = append(p.Objects, b.objects[key].object)
	}
	return p, nil
}

func noKey(key string) error {
	return &aws.Error{Call: aws.Call{Doing: "reading object", Target: key}, Class: aws.ClassNoKey, Err: errors.New("no such key")}
}

func changed(key string) error {
	return &aws.Error{Call: aws.Call{Doing: "reading object", Target: key}, Class: aws.ClassChanged, Err: errors.New("changed")}
}

func transport(key string) error {
	return &aws.Error{Call: aws.Call{Doing: "reading object", Target: key}, Class: aws.ClassServer, Err: errors.New("slow down")}
}

func (b *fakeBucket) Head(_ context.Context, key string) (object, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls["head"]++
	if b.headFault != nil {
		if err := b.headFault(key); err != nil {
			return object{}, err
		}
	}
	if o := b.objects[key]; o != nil {
		return o.object, nil
	}
	return object{}, noKey(key)
}

func (b *fakeBucket) Copy(_ context.Context, key, etag, bucket, newKey string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls["copy"]++
	o := b.objects[key]
	switch {
	case o == nil:
		return noKey(key)
	case o.ETag != etag:
		return changed(key)
	}
	b.copies[bucket+"/"+newKey] = strings.Join(o.records, ",")
	return nil
}

func (b *fakeBucket) Delete(_ context.Context, key string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls["delete"]++
	if b.delFault != nil {
		if err := b.delFault(key); err != nil {
			return err
		}
	}
	if i, found := slices.BinarySearch(b.keys, key); found {
		b.keys = slices.Delete(b.keys, i, i+1)
		delete(b.objects, key)
	}
	return nil
}

// fakeReader reads the objects of a fakeBucket, 7 records a batch.
type fakeReader struct {
	b        *fakeBucket
	selector *s3object.Selector
	stats    s3object.Stats
}

func newReader(b *fakeBucket) *fakeReader {
	return &fakeReader{b: b, selector: s3object.NewSelector(s3object.DefaultConfig())}
}

func (r *fakeReader) Stats() *s3object.Stats { return &r.stats }

func (r *fakeReader) Wanted(key string) bool { return r.selector.Kind(key) != s3object.Ignored }

func (r *fakeReader) Open(ctx context.Context, key string, done func(error)) (objectStream, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.b.mu.Lock()
	defer r.b.mu.Unlock()
	r.b.calls["open"]++
	if r.b.openFault != nil {
		if err := r.b.openFault(key); err != nil {
			return nil, err
		}
	}
	o := r.b.objects[key]
	if o == nil {
		return nil, noKey(key)
	}
	r.stats.ObjectsInFlight.Add(1)
	s := &fakeStream{o: *o, done: done, stats: &r.stats, origin: &input.Origin{InputID: "in", InputType: Type, Bucket: "trail", Key: key}}
	s.pending.Store(1)
	return s, nil
}

type fakeStream struct {
	o       fakeObject
	at      int
	result  error
	origin  *input.Origin
	done    func(error)
	stats   *s3object.Stats
	pending atomic.Int64
	mu      sync.Mutex
	failure error
}

func (s *fakeStream) Info() s3object.Info {
	return s3object.Info{Size: s.o.Size, ETag: s.o.ETag, LastModified: s.o.Modified}
}

func (s *fakeStream) Failed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure != nil
}

func (s *fakeStream) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure == nil {
		s.failure = err
	}
}

func (s *fakeStream) settle() {
	if s.pending.Add(-1) > 0 {
		return
	}
	s.stats.ObjectsInFlight.Add(-1)
	if s.failure == nil {
		s.stats.ObjectsAcked.Add(1)
	} else {
		s.stats.ObjectsFailed.Add(1)
	}
	s.done(s.failure)
}

func (s *fakeStream) end(err error) {
	s.result = err
	if !errors.Is(err, io.EOF) {
		s.fail(err)
	}
	s.settle()
}

func (s *fakeStream) Close() {
	if s.result == nil {
		s.end(s3object.ErrGivenUp)
	}
}

func (s *fakeStream) Next() (*input.Batch, error) {
	if s.result != nil {
		return nil, s.result
	}
	if s.at == len(s.o.records) {
		if s.o.broken {
			s.end(&s3object.ContentError{Err: errors.New("truncated")})
		} else {
			s.end(io.EOF)
		}
		return nil, s.result
	}
	n := min(7, len(s.o.records)-s.at)
	batch := &input.Batch{}
	for i := range n {
		batch.Records = append(batch.Records, input.Record{Raw: []byte(s.o.records[s.at+i]), Origin: s.origin, Index: int64(s.at + i), Offset: int64(s.at+i) * 100})
	}
	s.at += n
	s.stats.EventsCreated.Add(int64(n))
	s.stats.BytesProcessed.Add(int64(n) * 100)
	s.pending.Add(1)
	var acked atomic.Bool
	batch.Ack = func(err error) {
		if acked.Swap(true) {
			return
		}
		if err != nil {
			s.fail(err)
		}
		s.settle()
	}
	return batch, nil
}

// testConfig is that of the tests.
func testConfig() Config {
	cfg := DefaultConfig()
	cfg.BucketARN = "arn:aws:s3:::trail"
	return cfg
}

// testInput opens an input on a fake bucket.
func testInput(t testing.TB, b *fakeBucket, cfg Config, store input.Store, once bool) *Input {
	t.Helper()
	in, err := open(cfg, Deps{ID: "in", Store: store, Once: once}, b, newReader(b))
	require.NoError(t, err)
	t.Cleanup(in.kill)
	return in
}

// kill ends the work of an input as a crash does: nothing is stored any more.
func (in *Input) kill() {
	in.ledger.mu.Lock()
	if in.ledger.broken == nil {
		in.ledger.broken = errors.New("killed")
	}
	in.ledger.mu.Unlock()
	in.outlet.Break(errors.New("killed"))
	in.stop()
	in.work.Wait()
	in.chores.Wait()
}

// trailKey makes the key of a log file.
func trailKey(account, region string, at time.Time, suffix string) string {
	at = at.UTC()
	return fmt.Sprintf("AWSLogs/%s/CloudTrail/%s/%s%s_CloudTrail_%s_%sZ_%s.json.gz",
		account, region, at.Format(dayLayout), account, region, at.Format(minuteLayout), suffix)
}

// readAll reads a pass of a Once input and acknowledges everything. It gives the records and the errors.
func readAll(t testing.TB, in *Input) (list []string, errs []error) {
	t.Helper()
	for {
		b, err := in.Read(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			require.False(t, input.IsFatal(err), "%v", err)
			errs = append(errs, err)
			continue
		}
		for _, r := range b.Records {
			list = append(list, string(r.Raw))
		}
		b.Ack(nil)
	}
	if err := in.Close(); err != nil {
		errs = append(errs, err)
	}
	slices.Sort(list)
	return list, errs
}

// pass makes one pass over the bucket with the state in store.
func pass(t testing.TB, b *fakeBucket, cfg Config, store input.Store) []string {
	t.Helper()
	list, errs := readAll(t, testInput(t, b, cfg, store, true))
	require.Empty(t, errs)
	return list
}

func contextFor(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}
