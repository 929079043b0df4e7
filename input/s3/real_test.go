package s3

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/internal/needs"
	"github.com/trailbeat/trailbeat/internal/registry"
)

// real is a bucket on a real server, filled by another program.
type real struct {
	t      *testing.T
	url    string
	cloud  needs.Cloud
	bucket string
	files  []string
	mu     sync.Mutex
	ids    map[string]bool
}

func newReal(t *testing.T) *real {
	cloud := needs.AWS(t)
	r := &real{t: t, cloud: cloud, url: cloud.URL, files: cloud.Records[:2], ids: make(map[string]bool)}
	r.bucket = fmt.Sprintf("poll-%d", time.Now().UnixNano())
	return r
}

const (
	realAccounts = "111122223333,222233334444,333344445555,444455556666,555566667777"
	realRegions  = "eu-west-1,eu-central-1,us-east-1,us-west-2"
)

// seed puts files into the bucket whose newest is of that time.
func (r *real) seed(word string, newest time.Time, copies int, more ...string) {
	args := append([]string{"--bucket", r.bucket, "--org", "o-abcde12345", "--accounts", realAccounts, "--regions", realRegions, "--seed", word,
		"--copies", fmt.Sprint(copies), "--newest", newest.UTC().Format(time.RFC3339)}, more...)
	ids, _, err := r.cloud.Seed(r.t, r.files, args...)
	if !assert.NoError(r.t, err) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		r.ids[id] = true
	}
}

func (r *real) config(endpoint string) Config {
	cfg := DefaultConfig()
	cfg.BucketARN = "arn:aws:s3:::" + r.bucket
	cfg.Lookback = 5 * 24 * time.Hour // late files go to each of the days
	cfg.BucketListInterval = 300 * time.Millisecond
	cfg.AWS.Endpoint, cfg.AWS.AccessKeyID, cfg.AWS.SecretAccessKey = endpoint, "test", "test"
	cfg.AWS.Retry.MaxAttempts = 2
	cfg.AWS.APITimeout = 10 * time.Second
	cfg.Objects.BatchMaxRecords = 20
	return cfg
}

func (r *real) open(cfg Config, st input.Store, once bool) *Input {
	in, err := New(cfg, Deps{ID: "in", Store: st, Once: once})
	require.NoError(r.t, err)
	r.t.Cleanup(in.kill)
	return in
}

func eventID(t *testing.T, raw []byte) string {
	var record struct {
		EventID string `json:"eventID"`
	}
	require.NoError(t, json.Unmarshal(raw, &record))
	return record.EventID
}

// take reads until io.EOF, or until enough says so. It acknowledges everything and counts the events.
func (r *real) take(in *Input, got map[string]int, enough func() bool) (errs []error) {
	for !enough() {
		ctx, cancel := contextFor(r.t, time.Second)
		b, err := in.Read(ctx)
		cancel()
		switch {
		case errors.Is(err, io.EOF):
			return errs
		case err != nil:
			if ctx.Err() == nil {
				errs = append(errs, err)
			}
			continue
		}
		var ids []string
		for _, rec := range b.Records {
			ids = append(ids, eventID(r.t, rec.Raw))
		}
		b.Ack(nil)
		for _, id := range ids {
			got[id]++
		}
	}
	return errs
}

// faults is a proxy that refuses, breaks and cuts.
func faults(t *testing.T, to string) (address string, count *atomic.Int64, on *atomic.Bool) {
	target, err := url.Parse(to)
	require.NoError(t, err)
	proxy := &httputil.ReverseProxy{
		// The Host that was signed stays.
		Rewrite:  func(p *httputil.ProxyRequest) { p.SetURL(target); p.Out.Host = p.In.Host },
		ErrorLog: log.New(io.Discard, "", 0),
	}
	count, on = new(atomic.Int64), new(atomic.Bool)
	on.Store(true)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !on.Load() {
			proxy.ServeHTTP(w, req)
			return
		}
		switch n := rand.IntN(100); {
		case n < 20:
			count.Add(1)
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>`)
		case n < 25:
			count.Add(1)
			panic(http.ErrAbortHandler) // the connection is reset
		case n < 35:
			count.Add(1)
			proxy.ServeHTTP(&cutter{ResponseWriter: w, left: 500 + rand.IntN(3000)}, req)
		default:
			proxy.ServeHTTP(w, req)
		}
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(server.Close)
	return server.URL, count, on
}

// cutter breaks the connection in the middle of a body.
type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(p []byte) (int, error) {
	if len(p) > c.left {
		_, _ = c.ResponseWriter.Write(p[:c.left])
		_ = http.NewResponseController(c.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	c.left -= len(p)
	return c.ResponseWriter.Write(p)
}

// An organisation on a real server, read to its end while late files arrive: everything once.
func TestRealOrganisation(t *testing.T) {
	r := newReal(t)
	now := time.Now()
	for day := range 3 {
		r.seed(fmt.Sprint("day", day), now.AddDate(0, 0, -day), 20)
	}
	st := new(registry.Memory).Input("in")
	in := r.open(r.config(r.url), st, false)
	got := make(map[string]int)
	var late sync.WaitGroup
	late.Go(func() {
		for i := range 3 {
			r.seed(fmt.Sprint("late", i), now.AddDate(0, 0, -i).Add(-3*time.Hour), 20)
		}
	})
	seeded := make(chan struct{})
	go func() { late.Wait(); close(seeded) }()
	// What comes before the last hour is found by a look at all of the lookback, which follows once an hour: the next start is one.
	errs := r.take(in, got, func() bool {
		select {
		case <-seeded:
			return true
		default:
			return false
		}
	})
	require.Empty(t, errs)
	require.NoError(t, in.Close())
	last := r.open(r.config(r.url), st, true)
	require.Empty(t, r.take(last, got, func() bool { return false }))
	require.NoError(t, last.Close())
	assert.Equal(t, int64(20), last.Stats().Scopes)
	r.compare(got, true)
	_, bytes := stateBytes(t, st)
	t.Logf("%d events of %d objects, %d bytes of state", len(got), in.Stats().ObjectsAcked+last.Stats().ObjectsAcked, bytes)
}

func (r *real) compare(got map[string]int, once bool) {
	r.t.Helper()
	require.NotEmpty(r.t, r.ids)
	var missing, twice []string
	for id := range r.ids {
		if got[id] == 0 {
			missing = append(missing, id)
		}
	}
	for id, n := range got {
		if n > 1 {
			twice = append(twice, id)
		}
		assert.True(r.t, r.ids[id], "%s was never seeded", id)
	}
	assert.Empty(r.t, missing, "%d of %d", len(missing), len(r.ids))
	if once {
		assert.Empty(r.t, twice)
	}
}

// The same through a proxy that answers 503 SlowDown, resets connections and cuts bodies, and killed at 30 moments.
func TestRealFaults(t *testing.T) {
	r := newReal(t)
	now := time.Now()
	for day := range 3 {
		r.seed(fmt.Sprint("day", day), now.AddDate(0, 0, -day), 20)
	}
	address, count, on := faults(t, r.url)
	cfg := r.config(address)
	st := new(registry.Memory).Input("in")
	got := make(map[string]int)
	var late sync.WaitGroup
	late.Go(func() {
		for i := range 3 {
			r.seed(fmt.Sprint("late", i), now.AddDate(0, 0, -i).Add(-3*time.Hour), 20)
		}
	})
	total := 0
	for life := range 30 {
		in := r.open(cfg, st, life%3 == 0)
		left := 1 + rand.IntN(15)
		r.take(in, got, func() bool { left--; return left < 0 })
		in.kill()
		total++
	}
	late.Wait()
	on.Store(false)
	last := r.open(cfg, st, true)
	require.Empty(t, r.take(last, got, func() bool { return false }))
	require.NoError(t, last.Close())
	assert.Positive(t, count.Load())
	r.compare(got, false)
	again := r.open(cfg, st, true)
	require.Empty(t, r.take(again, map[string]int{}, func() bool { return false }))
	require.NoError(t, again.Close())
	assert.Zero(t, again.Stats().ObjectsRequested, "all is done")
	t.Logf("%d lives, %d faults, %d events, %d of them delivered more than once", total, count.Load(), len(got),
		len(slices.DeleteFunc(valuesOf(got), func(n int) bool { return n < 2 })))
}

func valuesOf(m map[string]int) []int {
	list := make([]int, 0, len(m))
	for _, n := range m {
		list = append(list, n)
	}
	return list
}

func TestRealPutAway(t *testing.T) {
	r := newReal(t)
	r.seed("a", time.Now(), 2)
	cfg := r.config(r.url)
	cfg.BackupToBucketARN, cfg.BackupToBucketPrefix, cfg.DeleteAfterBackup = cfg.BucketARN, "copies/a b+c/", true
	st := new(registry.Memory).Input("in")
	in := r.open(cfg, st, true)
	got := make(map[string]int)
	require.Empty(t, r.take(in, got, func() bool { return false }))
	require.NoError(t, in.Close())
	r.compare(got, true)
	assert.Equal(t, in.Stats().ObjectsAcked, in.Stats().ObjectsDeleted)

	// The originals are gone, and the copies can be read.
	again := r.open(cfg, new(registry.Memory).Input("in"), true)
	require.Empty(t, r.take(again, map[string]int{}, func() bool { return false }))
	require.NoError(t, again.Close())
	assert.Zero(t, again.Stats().ObjectsRequested)
	copies := r.config(r.url)
	copies.BucketListPrefix = cfg.BackupToBucketPrefix
	got = make(map[string]int)
	last := r.open(copies, new(registry.Memory).Input("in"), true)
	require.Empty(t, r.take(last, got, func() bool { return false }))
	require.NoError(t, last.Close())
	r.compare(got, true)
}

func TestRealCheck(t *testing.T) {
	r := newReal(t)
	r.seed("a", time.Now().AddDate(0, -3, 0), 1)
	in := r.open(r.config(r.url), new(registry.Memory).Input("in"), true)
	var steps []string
	in.Check(t.Context(), func(s aws.Step) {
		assert.NoError(t, s.Err, s.Name)
		assert.False(t, s.Skipped, s.Name)
		steps = append(steps, s.Name)
		t.Log(s.Name, s.Detail)
	})
	assert.Equal(t, []string{"identity", "list the bucket", "look at one object", "read one object", "decode one record"}, steps)
	require.NoError(t, in.Close())

	cfg := r.config(r.url)
	cfg.BucketARN += "-none"
	in = r.open(cfg, new(registry.Memory).Input("in"), true)
	in.Check(t.Context(), func(s aws.Step) {
		if s.Name == "list the bucket" {
			assert.ErrorContains(t, s.Err, "no such bucket")
		}
	})
	_, err := in.Read(t.Context())
	assert.ErrorContains(t, err, "check the name of the bucket")
	require.NoError(t, in.Close())
}
