package verify_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input/trailstore"
	"github.com/trailbeat/trailbeat/internal/verify"
	"github.com/trailbeat/trailbeat/internal/verify/verifytest"
)

// testKeys are the keys of CloudTrail in two regions, and one that is nobody's; making them takes a while.
var testKeys = sync.OnceValue(func() [3]*verifytest.Key {
	var list [3]*verifytest.Key
	for i := range list {
		key, err := verifytest.NewKey()
		if err != nil {
			panic(err)
		}
		list[i] = key
	}
	return list
})

// begin is when all trails of these tests begin; digests begin at odd times, as those of CloudTrail do.
var begin = time.Date(2026, 3, 1, 0, 1, 31, 0, time.UTC)

// The name of the first log file is that of the minute in which the range begins, and may be about a delivery before it: it is not missed.
func hour(n int) time.Time { return begin.Add(time.Duration(n) * time.Hour) }

// world is a bucket with trails in it.
type world struct {
	t     *testing.T
	store *verifytest.Store
	keys  verifytest.Keys
	cfg   verify.Config
}

func newWorld(t *testing.T) *world {
	keys := testKeys()
	w := &world{t: t, store: &verifytest.Store{Own: "trail-bucket"}, keys: verifytest.Keys{"eu-west-1": {keys[0]}, "us-east-1": {keys[1]}}}
	w.cfg = verify.Config{Store: w.store, Keys: w.keys, From: begin, To: hour(8), Now: hour(24 * 30)}
	return w
}

func (w *world) trail() *verifytest.Trail {
	return &verifytest.Trail{
		Sink: w.store, Key: testKeys()[0], Bucket: "trail-bucket", Account: "123456789012", Region: "eu-west-1", Name: "management_events",
	}
}

func (w *world) in(region string, key int, change func(*verifytest.Trail)) *verifytest.Trail {
	t := w.trail()
	t.Region, t.Key = region, testKeys()[key]
	if change != nil {
		change(t)
	}
	return t
}

func (w *world) hours(t *verifytest.Trail, from, n int) []*verifytest.Digest {
	w.t.Helper()
	list, err := t.Run(hour(from), n, 3)
	require.NoError(w.t, err)
	return list
}

// outcome is all that a run found.
type outcome struct {
	files  []verify.File
	hours  []verify.Hour
	gaps   []verify.Gap
	faults []verify.Fault
	err    error
}

func (w *world) run() *outcome {
	w.t.Helper()
	v, err := verify.New(w.cfg)
	require.NoError(w.t, err)
	o := &outcome{}
	for item, err := range v.Run(context.Background()) {
		switch {
		case err != nil:
			o.err = err
		case item.File != nil:
			o.files = append(o.files, *item.File)
		case item.Hour != nil:
			o.hours = append(o.hours, *item.Hour)
		case item.Gap != nil:
			o.gaps = append(o.gaps, *item.Gap)
		case item.Fault != nil:
			o.faults = append(o.faults, *item.Fault)
		}
	}
	return o
}

// findings are the files that are not valid, as KIND RESULT REASON NAME.
func (o *outcome) findings() []string {
	list := []string{}
	for _, f := range o.files {
		if f.Result != verify.Valid {
			list = append(list, fmt.Sprintf("%s %s %s %s", f.Kind, f.Result, f.Reason, f.Key[strings.LastIndexByte(f.Key, '/')+1:]))
		}
	}
	return list
}

func (o *outcome) gapList() []string {
	list := []string{}
	for _, g := range o.gaps {
		list = append(list, fmt.Sprintf("%s %g-%g", g.Kind, g.From.Sub(begin).Hours(), g.To.Sub(begin).Hours()))
	}
	return list
}

func (o *outcome) count(kind verify.Kind) int {
	n := 0
	for _, f := range o.files {
		if f.Kind == kind {
			n++
		}
	}
	return n
}

func name(key string) string { return key[strings.LastIndexByte(key, '/')+1:] }

// clean checks that all files were looked at, and nothing was found.
func (o *outcome) clean(t *testing.T, digests, logs int) {
	t.Helper()
	require.NoError(t, o.err)
	assert.Empty(t, o.findings())
	assert.Empty(t, o.faults)
	assert.Equal(t, digests, o.count(verify.KindDigest), "digests")
	assert.Equal(t, logs, o.count(verify.KindLog), "logs")
}

func TestNoFalseAlarm(t *testing.T) {
	t.Run("a chain with hours in which nothing happened", func(t *testing.T) {
		w := newWorld(t)
		tr := w.trail()
		w.hours(tr, 0, 4)
		_, err := tr.Run(hour(4), 3, 0)
		require.NoError(t, err)
		w.hours(tr, 7, 1)
		o := w.run()
		o.clean(t, 8, 15)
		assert.Empty(t, o.gapList())
		require.Len(t, o.hours, 8)
		for _, h := range o.hours {
			assert.True(t, h.OK())
		}
		assert.EqualValues(t, 3, o.hours[0].Logs[verify.Valid])
		assert.False(t, o.hours[0].NewestEvent.IsZero())
		assert.True(t, o.hours[5].NewestEvent.IsZero())
	})
	t.Run("the first digest of a trail", func(t *testing.T) {
		w := newWorld(t)
		w.hours(w.trail(), 3, 5)
		o := w.run()
		o.clean(t, 5, 15)
		assert.Equal(t, []string{"begins 0-3"}, o.gapList())
	})
	t.Run("a part of a chain", func(t *testing.T) {
		w := newWorld(t)
		w.hours(w.trail(), 0, 24)
		w.cfg.From, w.cfg.To = hour(4).Add(20*time.Minute), hour(8)
		o := w.run()
		o.clean(t, 6, 18) // from that with the beginning in it, to two hours behind the end
		assert.Empty(t, o.gapList())
		w.cfg.From, w.cfg.To = hour(23), hour(24)
		w.run().clean(t, 1, 3)
	})
	t.Run("a day ends in the range", func(t *testing.T) {
		w := newWorld(t)
		w.hours(w.trail(), 0, 80)
		w.cfg.To = hour(78)
		o := w.run()
		o.clean(t, 80, 240)
		assert.Empty(t, o.gapList())
	})
	t.Run("logging was off", func(t *testing.T) {
		w := newWorld(t)
		tr := w.trail()
		w.hours(tr, 0, 2)
		tr.Last = nil
		w.hours(tr, 5, 5)
		o := w.run()
		o.clean(t, 7, 21)
		assert.Equal(t, []string{"off 2-5"}, o.gapList())
	})
	t.Run("logging was off for days", func(t *testing.T) {
		w := newWorld(t)
		tr := w.trail()
		w.hours(tr, 0, 2)
		tr.Last = nil
		w.hours(tr, 100, 5)
		w.cfg.To = hour(105)
		o := w.run()
		o.clean(t, 7, 21)
		assert.Equal(t, []string{"off 2-100"}, o.gapList())
	})
	t.Run("several trails in one bucket, two regions, two accounts", func(t *testing.T) {
		w := newWorld(t)
		w.hours(w.trail(), 0, 8)
		w.hours(w.in("eu-west-1", 0, func(tr *verifytest.Trail) { tr.Name, tr.Home = "other-trail", "us-east-1" }), 0, 8)
		w.hours(w.in("us-east-1", 1, nil), 0, 8)
		w.hours(w.in("us-east-1", 1, func(tr *verifytest.Trail) { tr.Account = "210987654321" }), 0, 8)
		o := w.run()
		o.clean(t, 32, 96)
		w.cfg.Filter.Regions = []string{"us-east-1"}
		w.run().clean(t, 16, 48)
		w.cfg.Filter.Accounts = []string{"123456789012"}
		w.run().clean(t, 8, 24)
	})
	t.Run("an organization", func(t *testing.T) {
		w := newWorld(t)
		for _, account := range []string{"123456789012", "210987654321"} {
			w.hours(w.in("us-east-1", 1, func(tr *verifytest.Trail) {
				tr.Prefix, tr.Organization, tr.Account = "org/trails", "o-exampleorgid", account
			}), 0, 8)
		}
		w.hours(w.trail(), 0, 8)
		w.run().clean(t, 16+8, 48+24)
		w.cfg.Filter = trailstore.Filter{Organizations: []string{"o-exampleorgid"}}
		o := w.run()
		o.clean(t, 16, 48)
		assert.Equal(t, "o-exampleorgid", o.files[0].Organization)
		w.cfg.Filter = trailstore.Filter{Prefix: "org/trails/AWSLogs/o-exampleorgid/210987654321/"}
		w.run().clean(t, 8, 24)
	})
	t.Run("the trail was given another bucket, and another prefix", func(t *testing.T) {
		w := newWorld(t)
		tr := w.trail()
		tr.Bucket = "old-bucket"
		w.hours(tr, 0, 3)
		tr.Bucket = "trail-bucket"
		w.hours(tr, 3, 2)
		tr.Prefix = "new"
		w.hours(tr, 5, 3)
		w.cfg.Filter.Prefix = "new/"
		o := w.run()
		o.clean(t, 8, 24)
		assert.Empty(t, o.gapList())
		w.cfg.Filter.Prefix = "" // both folders are found, and walked once
		o = w.run()
		o.clean(t, 8, 24)
	})
	t.Run("another prefix, within an hour", func(t *testing.T) {
		w := newWorld(t)
		tr := w.trail()
		w.hours(tr, 0, 3)
		before, err := tr.Log(hour(3).Add(5 * time.Minute))
		require.NoError(t, err)
		tr.Prefix = "new"
		after, err := tr.Log(hour(3).Add(45 * time.Minute))
		require.NoError(t, err)
		_, err = tr.Digest(hour(3), hour(4), []verifytest.LogFile{before, after})
		require.NoError(t, err)
		w.hours(tr, 4, 4)
		w.run().clean(t, 8, 3*3+2+4*3)
		w.cfg.Filter.Prefix = "new/"
		w.run().clean(t, 8, 3*3+2+4*3)
	})
	t.Run("a backfill digest", func(t *testing.T) {
		w := newWorld(t)
		tr := w.trail()
		w.hours(tr, 0, 8)
		late, err := tr.Log(hour(3).Add(10 * time.Minute))
		require.NoError(t, err)
		_, err = tr.Backfill(hour(3), hour(4), hour(50), []verifytest.LogFile{late})
		require.NoError(t, err)
		o := w.run()
		o.clean(t, 8, 25)
		assert.Equal(t, 1, o.count(verify.KindBackfill))
		assert.Empty(t, o.gapList())
	})
	t.Run("the keys changed", func(t *testing.T) {
		w := newWorld(t)
		tr := w.trail()
		w.hours(tr, 0, 4)
		w.keys["eu-west-1"] = append(w.keys["eu-west-1"], testKeys()[2])
		tr.Key = testKeys()[2]
		w.hours(tr, 4, 4)
		w.run().clean(t, 8, 24)
	})
	t.Run("insights without digests, and files that are none of CloudTrail's", func(t *testing.T) {
		w := newWorld(t)
		tr := w.trail()
		w.hours(tr, 0, 8)
		_, err := tr.LogOf("CloudTrail-Insight", hour(2))
		require.NoError(t, err)
		require.NoError(t, w.store.Put("trail-bucket", tr.Folder("CloudTrail")+"2026/03/01/", nil, nil))
		require.NoError(t, w.store.Put("trail-bucket", "AWSLogs/123456789012/Config/eu-west-1/2026/03/01/x.json.gz", nil, nil))
		w.run().clean(t, 8, 24)
	})
	t.Run("the digest of now is not due", func(t *testing.T) {
		w := newWorld(t)
		tr := w.trail()
		w.hours(tr, 0, 7)
		_, err := tr.Log(hour(7).Add(20 * time.Minute))
		require.NoError(t, err)
		w.cfg.Now = hour(7).Add(40 * time.Minute)
		o := w.run()
		assert.Equal(t, verify.Pending, o.files[len(o.files)-1].Result)
		assert.Len(t, o.findings(), 1)
		assert.Empty(t, o.gapList())
	})
	t.Run("a copy in another bucket", func(t *testing.T) {
		w := newWorld(t)
		w.hours(w.trail(), 0, 8)
		replica := &verifytest.Store{Own: "replica"}
		require.NoError(t, w.store.Copy(bucketOf{replica, "replica"}))
		w.cfg.Store = replica
		assert.Len(t, w.run().findings(), 8+23, "all are elsewhere than they say, and name files in the other bucket")
		w.cfg.OriginalBucket = "trail-bucket"
		w.run().clean(t, 8, 24)
	})
}

// bucketOf puts everything into one bucket.
type bucketOf struct {
	verifytest.Sink
	bucket string
}

func (b bucketOf) Put(_, key string, body []byte, metadata map[string]string) error {
	return b.Sink.Put(b.bucket, key, body, metadata)
}

func TestStringToSign(t *testing.T) {
	sum := sha256.Sum256(nil)
	assert.Equal(t, "2026-03-01T01:01:31Z\nb/k\n"+hex.EncodeToString(sum[:])+"\nnull",
		verify.StringToSign("2026-03-01T01:01:31Z", "b", "k", hex.EncodeToString(sum[:]), ""))
}

func TestWhatCannotBeRead(t *testing.T) {
	w := newWorld(t)
	d := w.hours(w.trail(), 0, 8)
	w.store.OnOpen = func(_, key string) error {
		if key == d[3].Logs[1].Key || key == d[5].Key {
			return errors.New("access denied")
		}
		return nil
	}
	o := w.run()
	require.NoError(t, o.err)
	assert.Contains(t, o.findings(), "log unchecked unreadable "+name(d[3].Logs[1].Key))
	assert.Contains(t, o.findings(), "digest unchecked unreadable "+name(d[5].Key))
	assert.Len(t, o.findings(), 2+3)

	w = newWorld(t)
	w.cfg.Store = &verifytest.Store{Own: "empty"}
	assert.ErrorContains(t, w.run().err, "AWSLogs/")
}

func TestKeysCannotBeHad(t *testing.T) {
	w := newWorld(t)
	w.hours(w.trail(), 0, 2)
	w.cfg.To = hour(2)
	w.cfg.Keys = noKeys{}
	o := w.run()
	assert.Len(t, o.findings(), 2+5)
	assert.Contains(t, o.findings()[0], "digest unchecked unreadable")
}

type noKeys struct{}

func (noKeys) PublicKeys(context.Context, string, time.Time, time.Time) ([]trailstore.PublicKey, error) {
	return nil, errors.New("access denied")
}

// What was done to the bucket that the trail wrote to before is found from the new one.
func TestTheBucketBefore(t *testing.T) {
	for title, c := range map[string]struct {
		do   func(w *world, d []*verifytest.Digest)
		want func(d []*verifytest.Digest) []string
	}{
		"a log file changed": {func(w *world, d []*verifytest.Digest) {
			require.NoError(w.t, w.store.Put("old-bucket", d[1].Logs[0].Key, verifytest.Pack([]byte("x")), nil))
		}, func(d []*verifytest.Digest) []string {
			return []string{"log altered hash_mismatch " + name(d[1].Logs[0].Key)}
		}},
		"its last digest removed": {func(w *world, d []*verifytest.Digest) {
			w.store.Remove("old-bucket", d[2].Key)
		}, func(d []*verifytest.Digest) []string {
			list := []string{"digest missing not_found " + name(d[2].Key)}
			for _, f := range d[2].Logs {
				list = append(list, "log not_covered no_digest "+name(f.Key))
			}
			return list
		}},
		"all of it removed": {func(w *world, d []*verifytest.Digest) {
			for _, x := range d[:3] {
				w.store.Remove("old-bucket", x.Key)
				for _, f := range x.Logs {
					w.store.Remove("old-bucket", f.Key)
				}
			}
		}, func(d []*verifytest.Digest) []string {
			return []string{"digest missing not_found " + name(d[2].Key)}
		}},
	} {
		t.Run(title, func(t *testing.T) {
			w := newWorld(t)
			tr := w.trail()
			tr.Bucket = "old-bucket"
			d := w.hours(tr, 0, 3)
			tr.Bucket = "trail-bucket"
			w.hours(tr, 3, 5)
			c.do(w, d)
			o := w.run()
			require.NoError(t, o.err)
			assert.ElementsMatch(t, c.want(d), o.findings())
		})
	}
}

// Memory must not grow with the range, and results come while the run is on: whoever has enough ends it.
func TestWhoeverHasEnough(t *testing.T) {
	w := newWorld(t)
	w.hours(w.trail(), 0, 60)
	w.cfg.To = hour(60)
	v, err := verify.New(w.cfg)
	require.NoError(t, err)
	n := 0
	for _, err := range v.Run(t.Context()) {
		require.NoError(t, err)
		if n++; n == 10 {
			break
		}
	}
	assert.Equal(t, 10, n)
	assert.Less(t, v.Progress().Logs, int64(180))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	v, err = verify.New(w.cfg)
	require.NoError(t, err)
	for _, err := range v.Run(ctx) {
		assert.ErrorIs(t, err, context.Canceled)
	}
}
