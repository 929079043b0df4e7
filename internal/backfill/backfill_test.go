package backfill_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws/awstest"
	"github.com/trailbeat/trailbeat/input/s3"
	"github.com/trailbeat/trailbeat/input/sqs/notice"
	"github.com/trailbeat/trailbeat/internal/backfill"
	"github.com/trailbeat/trailbeat/internal/backfill/trail"
	"github.com/trailbeat/trailbeat/internal/registry"
)

// past is a bucket with files of some accounts, regions and days, and the state of a backfill of it.
type past struct {
	t      *testing.T
	server *awstest.Server
	state  registry.Memory
	opts   backfill.Options
	prefix string
	ids    []string // of all records
}

var firstDay = time.Date(2024, 2, 27, 0, 0, 0, 0, time.UTC)

func key(account, region string, at time.Time) string {
	return fmt.Sprintf("AWSLogs/o-abcde12345/%s/CloudTrail/%s/%s/%s_CloudTrail_%s_%s_%016d.json.gz",
		account, region, at.Format("2006/01/02"), account, region, at.Format("20060102T1504Z"), at.Unix())
}

func pack(t *testing.T, text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// newPast fills a bucket: so many days, with so many files a day in each of four folders, of two records each.
func newPast(t *testing.T, days, files int) *past {
	p := &past{t: t, server: new(awstest.Server)}
	for _, account := range []string{"111122223333", "222233334444"} {
		for _, region := range []string{"eu-west-1", "us-east-1"} {
			for d := range days {
				for i := range files {
					p.put(account, region, firstDay.AddDate(0, 0, d).Add(time.Duration(i)*(24*time.Hour)/time.Duration(files)), nil)
				}
			}
		}
	}
	p.opts = backfill.Options{To: firstDay.AddDate(0, 0, days)}
	return p
}

func (p *past) put(account, region string, at time.Time, header http.Header) string {
	k := key(account, region, at)
	a, b := k+"-a", k+"-b"
	p.ids = append(p.ids, a, b)
	p.server.Put("trail", k, pack(p.t, fmt.Sprintf(`{"Records":[{"eventID":%q},{"eventID":%q}]}`, a, b)), header)
	return k
}

func (p *past) config() s3.Config {
	cfg := s3.DefaultConfig()
	cfg.BucketARN, cfg.BucketListPrefix = "arn:aws:s3:::trail", p.prefix
	cfg.AWS.AccessKeyID, cfg.AWS.SecretAccessKey, cfg.AWS.DefaultRegion = "AKIDEXAMPLE", "very-secret", "us-east-1"
	cfg.AWS.Endpoint, cfg.AWS.HTTPClient = "http://127.0.0.1:1", p.server.Client()
	cfg.AWS.Retry.MaxAttempts = 2
	return cfg
}

func (p *past) job() *backfill.Job {
	p.t.Helper()
	cfg := p.config()
	cfg.Accounts, cfg.Regions = p.opts.Accounts, p.opts.Regions
	tree, err := trail.OpenTree(cfg, "in", nil)
	require.NoError(p.t, err)
	j, err := backfill.New(tree, p.state.Input("backfill"), p.opts, nil)
	require.NoError(p.t, err)
	require.NoError(p.t, j.MakePlan(p.t.Context(), nil))
	return j
}

// read reads a job to its end, or until enough says so. verdict gives the answer to a batch; nil: it is durable.
func (p *past) read(j *backfill.Job, enough func(n int) bool, verdict func(string) error) (got []string, errs []error) {
	p.t.Helper()
	in := j.Input()
	for enough == nil || !enough(len(got)) {
		b, err := in.Read(p.t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			errs = append(errs, err)
			if input.IsFatal(err) {
				break
			}
			continue
		}
		var ids []string
		for _, r := range b.Records {
			ids = append(ids, strings.Split(string(r.Raw), `"`)[3])
		}
		if verdict != nil {
			if err := verdict(b.Records[0].Origin.Key); err != nil {
				b.Ack(err)
				continue
			}
		}
		b.Ack(nil)
		got = append(got, ids...)
	}
	if err := in.Close(); err != nil {
		errs = append(errs, err)
	}
	return got, errs
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

// same compares sets of ids.
func (p *past) same(want, got []string) {
	p.t.Helper()
	have, wanted := map[string]bool{}, map[string]bool{}
	for _, id := range got {
		have[id] = true
	}
	for _, id := range want {
		wanted[id] = true
	}
	missing, extra := maps.Clone(wanted), maps.Clone(have)
	maps.DeleteFunc(missing, func(id string, _ bool) bool { return have[id] })
	maps.DeleteFunc(extra, func(id string, _ bool) bool { return wanted[id] })
	assert.Empty(p.t, sorted(slices.Collect(maps.Keys(missing)))[:min(3, len(missing))], "%d missing", len(missing))
	assert.Empty(p.t, sorted(slices.Collect(maps.Keys(extra)))[:min(3, len(extra))], "%d too many", len(extra))
}

func dayIn(id string) string { return id[strings.Index(id, "/2024/")+1:][:10] }

func TestAllOfARangeInTheOrderOfItsDays(t *testing.T) {
	for _, newest := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p := newPast(t, 5, 7)
			p.opts.NewestFirst, p.opts.Workers = newest, 1
			j := p.job()
			e := j.Estimate(backfill.Sample{}, false, &backfill.Prices{List: 1, Get: 10})
			assert.EqualValues(t, 140, e.Objects)
			assert.EqualValues(t, 140, e.LeftObjects)
			assert.Equal(t, []int{2, 4, 5}, []int{e.Accounts, e.Folders, e.Days})
			assert.Equal(t, backfill.Requests{List: 20, Get: 140}, e.ToCome)
			require.NotNil(t, e.Cost)
			assert.InDelta(t, float64(e.Planned.List+20)/1000+1.4, *e.Cost, 1e-9)

			got, errs := p.read(j, nil, nil)
			require.Empty(t, errs)
			p.same(p.ids, got)
			var days []string
			for _, id := range got {
				days = append(days, dayIn(id))
			}
			if newest {
				slices.Reverse(days)
			}
			assert.True(t, slices.IsSorted(days), "%v", days)
			r := j.Result()
			assert.True(t, r.Complete)
			assert.EqualValues(t, 140, r.DoneObjects)
			assert.EqualValues(t, 280, r.Records)

			calls := p.server.Calls("GetObject")
			again := p.job()
			assert.False(t, again.Left())
			assert.Equal(t, calls, p.server.Calls("GetObject"))
		})
	}
}

// Runs are killed at any moment: what was read and not stored comes again, and nothing is left out. Most is not read twice.
func TestKilledInTheMiddle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPast(t, 6, 9)
		p.opts.Rate = backfill.Rate{Objects: 30}
		seen := map[string]int{}
		for run := 0; ; run++ {
			require.Less(t, run, 50)
			j := p.job()
			if !j.Left() {
				break
			}
			in := j.Input()
			for n := 0; ; n++ {
				b, err := in.Read(t.Context())
				if errors.Is(err, io.EOF) {
					break
				}
				require.NoError(t, err)
				if n == 100 { // with batches that nobody acknowledges, and no Close that stores anything
					p.state.Fail(errors.New("killed"))
					b.Ack(errors.New("killed"))
					_ = in.Close()
					p.state.Fail(nil)
					break
				}
				for _, r := range b.Records {
					seen[strings.Split(string(r.Raw), `"`)[3]]++
				}
				b.Ack(nil)
			}
			_ = in.Close()
		}
		p.same(p.ids, slices.Collect(maps.Keys(seen)))
		reads := 0
		for _, n := range seen {
			reads += n
		}
		t.Logf("%d records, read %d times", len(p.ids), reads)
		assert.Less(t, reads, 2*len(p.ids))
	})
}

func TestThrottledServersAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPast(t, 3, 10)
		var n atomic.Int64
		j := p.job()
		p.server.Hook(func(call string, _ *http.Request) *awstest.Fault {
			if (call == "GetObject" || call == "ListObjectsV2") && n.Add(1)%5 < 3 {
				return &awstest.Fault{Status: 503, Code: "SlowDown", Message: "Please reduce your request rate."}
			}
			return nil
		})
		got, errs := p.read(j, nil, nil)
		for _, err := range errs {
			assert.False(t, input.IsFatal(err), "%v", err)
		}
		t.Logf("%d of %d records with three of five calls refused, %d objects were left for later", len(got), len(p.ids), len(errs))
		assert.Greater(t, len(got), len(p.ids)*9/10)
		p.server.Hook(nil)
		j = p.job()
		more, errs := p.read(j, nil, nil)
		assert.Empty(t, errs)
		p.same(p.ids, slices.Concat(got, more))
		assert.True(t, j.Complete())
	})
}

func TestTheRateIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPast(t, 2, 10)
		p.opts.Rate = backfill.Rate{Objects: 4}
		start := time.Now()
		_, errs := p.read(p.job(), nil, nil)
		require.Empty(t, errs)
		took := time.Since(start) // the clock of the bubble: nothing else takes time
		assert.InDelta(t, 80/4.0, took.Seconds(), 2)
	})
}

func TestArchivedObjectsAreSkippedOrRestored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPast(t, 2, 3)
		glacier := http.Header{"X-Amz-Storage-Class": {"GLACIER"}}
		deep := http.Header{"X-Amz-Storage-Class": {"INTELLIGENT_TIERING"}, "X-Amz-Archive-Status": {"DEEP_ARCHIVE_ACCESS"}}
		open := slices.Clone(p.ids)
		p.put("111122223333", "eu-west-1", firstDay.Add(time.Hour), glacier)
		p.put("111122223333", "eu-west-1", firstDay.Add(2*time.Hour), http.Header{"X-Amz-Storage-Class": {"DEEP_ARCHIVE"}})
		p.put("222233334444", "us-east-1", firstDay.Add(25*time.Hour), deep)
		j := p.job()
		sample, err := j.TakeSample(t.Context(), 8)
		require.NoError(t, err)
		assert.NotZero(t, sample.Records)
		e := j.Estimate(sample, false, nil)
		assert.EqualValues(t, 2, e.Archived)
		assert.EqualValues(t, 1, e.Tiered)

		got, errs := p.read(j, nil, nil)
		assert.Empty(t, errs)
		p.same(open, got)
		r := j.Result()
		assert.EqualValues(t, 3, r.SkippedArchived)
		assert.True(t, r.Complete, "what was left out on purpose does not count")

		p.opts.Restore = true
		j = p.job()
		got, errs = p.read(j, nil, nil)
		assert.Empty(t, errs)
		r = j.Result()
		assert.EqualValues(t, 3, r.Restoring)
		assert.False(t, r.Complete)
		assert.Equal(t, 3, p.server.Calls("RestoreObject"))
		early := got // those of Intelligent-Tiering that were read before may come again

		j = p.job() // nothing has happened since
		_, errs = p.read(j, nil, nil)
		assert.Empty(t, errs)
		assert.EqualValues(t, 3, j.Result().Restoring)
		assert.Equal(t, 3, p.server.Calls("RestoreObject"), "it is not asked for twice")

		p.server.Restored()
		j = p.job()
		got, errs = p.read(j, nil, nil)
		assert.Empty(t, errs)
		assert.True(t, j.Complete())
		all := slices.Compact(sorted(slices.Concat(open, early, got)))
		assert.Equal(t, sorted(p.ids), all)
		assert.Len(t, got, 6)
	})
}

// A range may begin and end within a day, and be made wider afterwards.
func TestRangesCutDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPast(t, 3, 24)
		p.opts.From, p.opts.To = firstDay.Add(30*time.Hour), firstDay.Add(40*time.Hour)
		got, errs := p.read(p.job(), nil, nil)
		require.Empty(t, errs)
		assert.Len(t, got, 4*10*2)
		for _, id := range got {
			assert.Contains(t, id, "2024/02/28")
		}
		assert.False(t, p.job().Left())

		p.opts.From, p.opts.To = firstDay, firstDay.AddDate(0, 0, 3)
		got, errs = p.read(p.job(), nil, nil)
		require.Empty(t, errs)
		p.same(p.ids, got)

		p.opts.From, p.opts.To = firstDay.Add(30*time.Hour), firstDay.Add(40*time.Hour)
		assert.False(t, p.job().Left(), "what is in a day that is done is done")
		p.opts.Accounts = []string{"222233334444"}
		p.opts.From = time.Time{}
		assert.False(t, p.job().Left())
	})
}

func TestWhatCannotBeReadIsRememberedAndMended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPast(t, 2, 4)
		bad := key("111122223333", "eu-west-1", firstDay.Add(6*time.Hour))
		p.server.Put("trail", bad, pack(t, `{"Records":[{"eventID":"x"}]}`)[:15], nil)
		j := p.job()
		got, errs := p.read(j, nil, nil)
		assert.Len(t, got, len(p.ids)-2)
		require.Len(t, errs, 1)
		assert.ErrorContains(t, errs[0], "content is broken")
		assert.Equal(t, 1, j.Result().Failed)
		assert.False(t, j.Complete())

		p.put("111122223333", "eu-west-1", firstDay.Add(6*time.Hour), nil)
		j = p.job()
		require.True(t, j.Left())
		got, errs = p.read(j, nil, nil)
		assert.Empty(t, errs)
		assert.Len(t, got, 2)
		assert.True(t, j.Complete())
	})
}

func TestWhatIsNotDeliveredComesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPast(t, 2, 4)
		refuse := true
		j := p.job()
		first, errs := p.read(j, nil, func(k string) error {
			if refuse && strings.Contains(k, "us-east-1/2024/02/28") {
				return errors.New("the output is down")
			}
			return nil
		})
		require.NotEmpty(t, errs)
		assert.ErrorContains(t, errors.Join(errs...), "not delivered")
		assert.False(t, j.Complete())
		refuse = false
		j = p.job()
		second, errs := p.read(j, nil, nil)
		assert.Empty(t, errs)
		p.same(p.ids, slices.Concat(first, second))
		assert.True(t, j.Complete())
	})
}

// A right that is missing ends the run instead of filling the memory of failures.
func TestNoRightToRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPast(t, 3, 40)
		j := p.job()
		p.server.Hook(func(call string, _ *http.Request) *awstest.Fault {
			if call == "GetObject" {
				return &awstest.Fault{Status: 403, Code: "AccessDenied", Message: "Access Denied"}
			}
			return nil
		})
		got, errs := p.read(j, nil, nil)
		assert.Empty(t, got)
		require.True(t, input.IsFatal(errs[len(errs)-1]) || input.IsFatal(errs[len(errs)-2]), "%v", errs)
		assert.ErrorContains(t, errors.Join(errs...), "allow s3:GetObject")
		p.server.Hook(nil)
		j = p.job()
		got, errs = p.read(j, nil, nil)
		assert.Empty(t, errs)
		p.same(p.ids, got)
	})
}

func TestAPlanThatBrokeOffGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPast(t, 3, 4)
		p.opts.Workers = 1
		var lists atomic.Int64
		p.server.Hook(func(call string, r *http.Request) *awstest.Fault {
			if call == "ListObjectsV2" && r.URL.Query().Get("delimiter") == "" && lists.Add(1) > 3 {
				return &awstest.Fault{Status: 403, Code: "AccessDenied"}
			}
			return nil
		})
		tree, err := trail.OpenTree(p.config(), "in", nil)
		require.NoError(t, err)
		j, err := backfill.New(tree, p.state.Input("backfill"), p.opts, nil)
		require.NoError(t, err)
		require.ErrorContains(t, j.MakePlan(t.Context(), nil), "s3:ListBucket")
		p.server.Hook(nil)
		tree, err = trail.OpenTree(p.config(), "in", nil)
		require.NoError(t, err)
		j, err = backfill.New(tree, p.state.Input("backfill"), p.opts, nil)
		require.NoError(t, err)
		require.NoError(t, j.MakePlan(t.Context(), nil))
		e := j.Estimate(backfill.Sample{}, false, nil)
		assert.EqualValues(t, 48, e.Objects)
		assert.Less(t, e.Planned.List, int64(20))
	})
}

func TestAQueueIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPast(t, 3, 25)
		p.put("111122223333", "eu-west-1", firstDay.Add(time.Minute), http.Header{"X-Amz-Storage-Class": {"GLACIER"}})
		archived := p.ids[len(p.ids)-1]
		p.server.Send("q", "{}") // makes it
		url := "http://127.0.0.1:1/123456789012/q"
		open := func() (backfill.Queue, *backfill.Job) {
			tree, err := trail.OpenTree(p.config(), "in", nil)
			require.NoError(t, err)
			j, err := backfill.New(tree, p.state.Input("backfill"), p.opts, nil)
			require.NoError(t, err)
			require.NoError(t, j.MakePlan(t.Context(), nil))
			q, err := trail.OpenQueue(p.config().AWS, url, tree, nil)
			require.NoError(t, err)
			return q, j
		}
		p.opts.PerMessage, p.opts.Rate = 4, backfill.Rate{Objects: 100}
		// It breaks off in the middle.
		q, j := open()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		require.Error(t, j.Send(ctx, q))
		cancel()
		first, skipped := len(p.server.Left("q")), j.Result().SkippedArchived
		q, j = open()
		require.NoError(t, j.Send(t.Context(), q))
		assert.True(t, j.Complete())
		assert.EqualValues(t, 1, skipped+j.Result().SkippedArchived)

		left := p.server.Left("q")
		t.Logf("%d messages, %d of them before it broke off", len(left), first)
		var keys []string
		for _, body := range left[1:] {
			n, err := notice.Parse(body)
			require.NoError(t, err)
			assert.LessOrEqual(t, len(n.Objects), 4)
			for _, o := range n.Objects {
				keys = append(keys, o.Key)
			}
		}
		var want []string
		for _, k := range p.server.Keys("trail") {
			if !strings.HasPrefix(archived, k) {
				want = append(want, k)
			}
		}
		p.same(want, keys)
		assert.Less(t, len(keys), len(want)+4*10*5+1, "only what was being sent is sent again")
	})
}

// All memory and all state but the failures is bounded by folders and days.
func TestTheStateDoesNotGrowWithTheObjects(t *testing.T) {
	size := func(files int) (n int) {
		synctest.Test(t, func(t *testing.T) {
			p := newPast(t, 4, files)
			_, errs := p.read(p.job(), nil, nil)
			require.Empty(t, errs)
			for _, value := range p.entries() {
				n += len(value)
			}
		})
		return n
	}
	few, many := size(5), size(100)
	t.Logf("%d bytes of state for 80 objects, %d for 1600", few, many)
	assert.Less(t, many, few+few/4)
}

func (p *past) entries() map[string]string {
	all := map[string]string{}
	_ = p.state.Input("backfill").Each("", func(key string, value json.RawMessage) error {
		all[key] = string(value)
		return nil
	})
	return all
}
