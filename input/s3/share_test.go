package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/aws/awstest"
	"github.com/trailbeat/trailbeat/input/s3/lease"
	"github.com/trailbeat/trailbeat/internal/registry"
)

// cut is a way to the leases that a crash ends.
type cut struct {
	lease.Objects
	dead atomic.Bool
}

var errCut = errors.New("the process is dead")

func (c *cut) Put(ctx context.Context, key string, body []byte, etag string) (string, error) {
	if c.dead.Load() {
		return "", errCut
	}
	return c.Objects.Put(ctx, key, body, etag)
}

func (c *cut) Delete(ctx context.Context, key string) error {
	if c.dead.Load() {
		return errCut
	}
	return c.Objects.Delete(ctx, key)
}

// fleet is a number of inputs that share a bucket.
type fleet struct {
	t      *testing.T
	b      *fakeBucket
	server *awstest.Server
	cfg    Config
	r      *rand.Rand
	n      int
	want   []string

	mu      sync.Mutex
	ships   []*ship
	got     map[string]int
	overlap int
}

type ship struct {
	in   *Input
	way  *cut
	stop context.CancelFunc
	gone atomic.Bool
	done sync.WaitGroup
}

const leaseTime = 20 * time.Second

func newFleet(t *testing.T, seed uint64) *fleet {
	f := &fleet{t: t, b: newBucket(), server: new(awstest.Server), cfg: testConfig(), r: rand.New(rand.NewPCG(seed, 5)), got: make(map[string]int)}
	f.server.Bucket("leases", "us-east-1")
	f.cfg.BucketListInterval = 10 * time.Second
	f.cfg.Lease.BucketARN, f.cfg.Lease.Duration = "arn:aws:s3:::leases", leaseTime
	return f
}

// inTable puts the leases into a table of DynamoDB.
func (f *fleet) inTable() {
	f.server.Table(2)
	f.cfg.Lease.BucketARN, f.cfg.Lease.DynamoDBTable = "", "leases"
}

// objects is the bucket of the leases, spoken to as S3 is.
func (f *fleet) objects() *cut {
	cfg := aws.DefaultConfig()
	cfg.AccessKeyID, cfg.SecretAccessKey, cfg.DefaultRegion = "AKIDEXAMPLE", "very-secret", "us-east-1"
	cfg.Endpoint, cfg.HTTPClient = "http://127.0.0.1:1", f.server.Client()
	session, err := aws.New(f.t.Context(), cfg, nil)
	require.NoError(f.t, err)
	return &cut{Objects: leaseStore(f.cfg.Lease, session)}
}

// add puts objects into the bucket, of six folders.
func (f *fleet) add(n int) {
	for range n {
		f.n++
		account := []string{"111122223333", "444455556666", "777788889999"}[f.r.IntN(3)]
		region := []string{"eu-west-1", "us-east-1"}[f.r.IntN(2)]
		records := make([]string, 1+f.r.IntN(20))
		for i := range records {
			records[i] = fmt.Sprintf("%s/%s/%d/%d", account, region, f.n, i)
		}
		f.want = append(f.want, records...)
		f.b.put(trailKey(account, region, time.Now(), fmt.Sprint(f.n)), records...)
	}
}

func (f *fleet) open(store input.Store, once bool) *ship {
	in, err := open(f.cfg, Deps{ID: "in", Store: store, Once: once}, f.b, newReader(f.b))
	require.NoError(f.t, err)
	s := &ship{in: in, way: f.objects()}
	in.shareThrough(s.way)
	return s
}

// launch adds an input, and reads from it until it is stopped.
func (f *fleet) launch() *ship {
	s := f.open(new(registry.Memory).Input("in"), false)
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	f.mu.Lock()
	f.ships = append(f.ships, s)
	f.mu.Unlock()
	seed := f.r.Uint64()
	s.done.Go(func() {
		r := rand.New(rand.NewPCG(seed, 6))
		for ctx.Err() == nil {
			b, err := s.in.Read(ctx)
			if err != nil {
				continue
			}
			f.read(s, b)
			time.Sleep(time.Duration(r.IntN(500)) * time.Millisecond)
			if s.gone.Load() {
				return // with a batch in its hands
			}
			var list []string
			for _, rec := range b.Records {
				list = append(list, string(rec.Raw))
			}
			b.Ack(nil)
			f.mu.Lock()
			for _, id := range list {
				f.got[id]++
			}
			f.mu.Unlock()
		}
	})
	return s
}

// read looks whether somebody else has what is read just now.
func (f *fleet) read(s *ship, b *input.Batch) {
	name := "trail/" + b.Records[0].Origin.Key[:strings.Index(b.Records[0].Origin.Key, "/20")+1]
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, other := range f.ships {
		if other != s && !other.gone.Load() && other.in.shared.group.Held(name) != nil && s.in.shared.group.Held(name) != nil {
			f.overlap++
		}
	}
}

// sink kills an input: nothing that it does arrives any more.
func (f *fleet) sink(s *ship) {
	s.gone.Store(true)
	s.way.dead.Store(true)
	s.stop()
	s.in.kill()
	_ = s.in.Close()
	s.done.Wait()
}

// dock ends an input as a run ends.
func (f *fleet) dock(s *ship) {
	s.stop()
	s.done.Wait()
	s.gone.Store(true)
	require.NoError(f.t, s.in.Close())
}

func (f *fleet) complete() {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	missing := 0
	for _, id := range f.want {
		if f.got[id] == 0 {
			missing++
		}
	}
	assert.Zero(f.t, missing, "records that nobody read")
	assert.Zero(f.t, f.overlap, "read while two had it")
}

func (f *fleet) twice() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.got {
		n += c - 1
	}
	return n
}

// Three inputs share a bucket; whoever ends as it should hands over without a file being read twice.
func TestABucketIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 1)
		f.add(300)
		a, b, c := f.launch(), f.launch(), f.launch()
		for range 30 {
			time.Sleep(10 * time.Second)
			f.add(5)
		}
		time.Sleep(3 * leaseTime)
		held := 0
		for _, s := range []*ship{a, b, c} {
			st := s.in.shared.group.Stats()
			assert.Equal(t, 3, st.Members)
			held += st.Held
		}
		assert.Equal(t, 6, held)
		f.complete()
		assert.Zero(t, f.twice(), "read twice although nobody died")
		f.dock(a)
		f.add(50)
		time.Sleep(3 * leaseTime)
		f.dock(b)
		f.add(50)
		time.Sleep(3 * leaseTime)
		f.complete()
		assert.Zero(t, f.twice())
		f.dock(c)
		t.Logf("%d records, none twice; writes of leases: %d", len(f.want), f.server.Calls("PutObject"))
		assert.Empty(t, slices.DeleteFunc(f.server.Keys("leases"), func(k string) bool { return !strings.Contains(k, "/members/") }))
	})
}

// Killed at any moment, with batches in their hands, they lose nothing, and what one left behind the others read.
func TestSharersAreKilled(t *testing.T) {
	seeds := 20
	if testing.Short() {
		seeds = 5
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, uint64(seed))
				if seed%2 == 1 {
					f.inTable()
				}
				f.add(100)
				live := []*ship{f.launch(), f.launch(), f.launch()}
				kills := 0
				for range 40 {
					time.Sleep(time.Duration(f.r.IntN(15_000)) * time.Millisecond)
					f.add(f.r.IntN(10))
					if f.r.IntN(4) == 0 {
						i := f.r.IntN(len(live))
						f.sink(live[i])
						live[i] = f.launch()
						kills++
					}
				}
				time.Sleep(8 * leaseTime)
				f.complete()
				t.Logf("%d records, %d read again, %d kills", len(f.want), f.twice(), kills)
				for _, s := range live {
					f.dock(s)
				}
			})
		})
	}
}

// What an operator sees of the leases: who gives, who takes, whose process fell silent.
func TestReportOfLeases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 1)
		f.add(60)
		a := f.launch()
		leases := func(s *ship) input.Leases { return *s.in.Report().Leases }
		time.Sleep(3 * leaseTime)
		assert.Equal(t, input.Leases{Members: 1, Known: 6, Held: 6, Acquired: 6}, leases(a))
		b := f.launch()
		time.Sleep(3 * leaseTime)
		at := leases(b)
		assert.EqualValues(t, 2, at.Members)
		assert.Equal(t, at.Held, at.Acquired)
		assert.Zero(t, at.TakenOver, "they were given")
		assert.Equal(t, at.Held, leases(a).Released)

		had := leases(a).Held
		f.sink(a)
		time.Sleep(3 * leaseTime)
		at = leases(b)
		assert.EqualValues(t, 1, at.Members)
		assert.EqualValues(t, 6, at.Held)
		assert.Equal(t, had, at.TakenOver, "all that the dead one had")
		assert.Zero(t, at.Lost)

		b.way.dead.Store(true) // the store cannot be reached for longer than a lease
		time.Sleep(3 * leaseTime)
		at = leases(b)
		assert.Zero(t, at.Held)
		assert.EqualValues(t, 6, at.Lost)
		assert.Positive(t, at.RenewalsFailed)
		b.way.dead.Store(false)
		time.Sleep(3 * leaseTime)
		assert.EqualValues(t, 6, leases(b).Held)
		f.dock(b)
	})
}

// Once waits for what a dead one had, and not for what a living one has.
func TestOnceSharesToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 3)
		f.add(60)
		dead := f.launch()
		time.Sleep(2 * time.Second)
		f.sink(dead)
		s := f.open(new(registry.Memory).Input("in"), true)
		for {
			b, err := s.in.Read(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			for _, r := range b.Records {
				f.got[string(r.Raw)]++
			}
			b.Ack(nil)
		}
		require.NoError(t, s.in.Close())
		f.complete()
	})
}

// What this process knew before it shared the bucket is not read again; nor is what the leases know, by one that knows nothing.
func TestTheStateGoesAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 4)
		f.add(60)
		store := new(registry.Memory).Input("in")
		alone := f.cfg
		alone.Lease = defaultLeaseConfig()
		require.Len(t, pass(t, f.b, alone, store), len(f.want))
		f.add(10)
		read := func(store input.Store) (list []string) {
			s := f.open(store, true)
			list, errs := readAll(t, s.in)
			require.Empty(t, errs)
			return list
		}
		first := read(store)
		assert.Less(t, len(first), 250)
		for _, id := range first {
			assert.GreaterOrEqual(t, slices.Index(f.want, id), 0)
		}
		assert.NotEmpty(t, first)
		assert.Empty(t, read(new(registry.Memory).Input("in")))
	})
}

// What is read is put away by whoever has it, after it is stored; a start that is a duration is that of the first.
func TestSharedChoresAndStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(365 * 24 * time.Hour)
		f := newFleet(t, 5)
		f.cfg.DeleteAfterRead, f.cfg.StartTimestamp = true, "24h"
		f.b.put(trailKey("111122223333", "eu-west-1", time.Now().Add(-48*time.Hour), "old"), "too old")
		f.add(40)
		a := f.launch()
		time.Sleep(time.Minute)
		f.dock(a)
		f.complete()
		assert.Equal(t, 1, len(f.b.keys), "only what was not read is left")
		time.Sleep(72 * time.Hour)
		b := f.launch()
		time.Sleep(time.Minute)
		assert.Equal(t, a.in.window.start, b.in.window.start)
		f.dock(b)
		assert.Zero(t, f.got["too old"])
	})
}

func TestLeaseConfig(t *testing.T) {
	cfg := testConfig()
	cfg.Lease.BucketARN = "arn:aws:s3:::leases"
	require.NoError(t, cfg.Validate())
	list, err := cfg.Policy()
	require.NoError(t, err)
	rights := map[string][]string{}
	for _, s := range list {
		for _, a := range s.Actions {
			rights[a] = append(rights[a], s.Resources...)
		}
	}
	assert.Equal(t, []string{"arn:aws:s3:::leases/trailbeat/*"}, rights["s3:PutObject"])
	assert.Contains(t, rights["s3:ListBucket"], "arn:aws:s3:::leases")
	for want, set := range map[string]func(*Config){
		"lease.bucket_arn: must be the ARN": func(c *Config) { c.Lease.BucketARN = "leases" },
		"lease.prefix: must be a folder":    func(c *Config) { c.Lease.Prefix = "x" },
		"lease.duration: must be 4s to 1h":  func(c *Config) { c.Lease.Duration = time.Second },
		"lease.bucket_arn: cannot go":       func(c *Config) { c.Lease.NonAWSBucketName = "x" },
		"lease.dynamodb_table: cannot go":   func(c *Config) { c.Lease.DynamoDBTable = "leases" },
		"be the name of a table, 3 to 255":  func(c *Config) { c.Lease.BucketARN, c.Lease.DynamoDBTable = "", "a b" },
		"an ARN such as arn:aws:dynamodb":   func(c *Config) { c.Lease.BucketARN, c.Lease.DynamoDBTable = "", "arn:aws:s3:::leases" },
		"would count as a lease":            func(c *Config) { c.Lease.BucketARN, c.BucketListPrefix = c.BucketARN, "trailbeat/x" },
	} {
		bad := cfg
		set(&bad)
		assert.ErrorContains(t, bad.Validate(), want)
	}
}
