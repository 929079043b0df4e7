package eventhistory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
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
	"github.com/trailbeat/trailbeat/input/aws/awstest"
)

func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		code   string
		kind   string
	}{
		"throttled":   {http.StatusBadRequest, "ThrottlingException", ""},
		"down":        {http.StatusInternalServerError, "InternalFailure", input.KindServer},
		"unavailable": {http.StatusServiceUnavailable, "ServiceUnavailable", input.KindServer},
		"expired":     {http.StatusBadRequest, "ExpiredTokenException", input.KindExpired},
		"wrong keys":  {http.StatusBadRequest, "UnrecognizedClientException", input.KindCredentials},
		"not allowed": {http.StatusBadRequest, "AccessDeniedException", input.KindAccessDenied},
		"broken":      {0, "", input.KindNetwork},
	} {
		bubble(t, name+" for an hour", func(t *testing.T, b *bench) {
			for i := range 700 {
				b.event("us-east-1", time.Duration(i)*time.Minute, 0)
			}
			from := time.Now().Add(4 * time.Second)
			b.cfg.APISleep = 500 * time.Millisecond
			b.server.Hook(func(call string, _ *http.Request) *awstest.Fault {
				if since := time.Since(from); call != "LookupEvents" || since < 0 || since > time.Hour {
					return nil
				}
				return &awstest.Fault{Status: c.status, Code: c.code, Message: "as the test wants", Cut: 20}
			})
			b.open()
			got := b.read(30 * time.Minute)
			assert.Less(t, len(got), 700, "it was in the middle of it")
			r := b.in.Report()
			if c.kind == "" {
				assert.Positive(t, r.Throttled)
				assert.Empty(t, r.LastError, "it is only slow")
			} else {
				assert.Equal(t, input.StateFailing, r.State)
				assert.EqualValues(t, 1, r.Failing)
				assert.Equal(t, c.kind, r.LastErrorKind, r.LastError)
				assert.False(t, r.NextPoll.IsZero())
			}
			got = append(got, b.read(2*time.Hour)...)
			same(t, b.ids, got)
			assert.Zero(t, b.in.Report().Failing)
			require.NoError(t, b.in.Close())
		})
	}
	bubble(t, "once, a region that is denied does not stop the others", func(t *testing.T, b *bench) {
		b.cfg.Regions = []string{"us-east-1", "eu-west-1", "eu-west-2", "eu-west-3"}
		var want []string
		for i := range 100 {
			want = append(want, b.event("us-east-1", time.Duration(i)*time.Hour, 0))
			b.event("eu-west-1", time.Duration(i)*time.Hour, 0)
		}
		b.server.Hook(func(call string, r *http.Request) *awstest.Fault {
			if call == "LookupEvents" && strings.Contains(r.Header.Get("Authorization"), "/eu-west-") {
				return &awstest.Fault{Status: 400, Code: "AccessDeniedException", Message: "with an explicit deny in a service control policy"}
			}
			return nil
		})
		b.deps.Once = true
		b.open()
		var got, told []string
		for {
			batch, err := b.in.Read(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				told = append(told, err.Error())
				continue
			}
			for _, r := range batch.Records {
				got = append(got, r.SourceID)
			}
			batch.Ack(nil)
		}
		same(t, want, got)
		require.Len(t, told, 2, "the first, and the others as a number")
		contains(t, strings.Join(told, "\n"), "allow cloudtrail:LookupEvents on *", "name those to read with the option regions", "2 more event histories could not be read (access_denied)")
		require.NoError(t, b.in.Close())
	})
	bubble(t, "page tokens that expire", func(t *testing.T, b *bench) {
		for i := range 1000 {
			b.event("us-east-1", time.Duration(i/30)*time.Minute, 0) // many at the same time
		}
		var n atomic.Int64
		b.h.Expire = func() bool { return n.Add(1)%4 == 0 }
		same(t, b.ids, b.once())
		assert.Greater(t, b.in.Stats().TokensLost, int64(3))
	})
	bubble(t, "pages out of order", func(t *testing.T, b *bench) {
		for i := range 1000 {
			b.event("us-east-1", time.Duration(i)*10*time.Minute, 0)
		}
		b.h.Shuffle = slices.Reverse[[]awstest.HistoryEvent]
		same(t, b.ids, b.once())
	})
	bubble(t, "no checkpoint can be stored", func(t *testing.T, b *bench) {
		b.event("us-east-1", time.Hour, 0)
		b.open()
		batch, err := b.in.Read(t.Context())
		require.NoError(t, err)
		b.reg.Fail(errors.New("the disk is full"))
		batch.Ack(nil)
		for err == nil || !input.IsFatal(err) {
			_, err = b.in.Read(t.Context())
		}
		contains(t, err.Error(), "storing the checkpoint of the event history of us-east-1", "the disk is full")
		require.Error(t, b.in.Close())
	})
}

func TestFollow(t *testing.T) {
	bubble(t, "new events do not wait for the past", func(t *testing.T, b *bench) {
		for i := range 20_000 { // 400 pages, at 2 calls a second 200 seconds
			b.event("us-east-1", 24*time.Hour+time.Duration(i)*time.Minute, 0)
		}
		b.h.Quota, b.cfg.APISleep = 2, 500*time.Millisecond
		b.open()
		got := b.read(10 * time.Second)
		now := b.event("us-east-1", 0, 0)
		more := b.read(90 * time.Second)
		assert.Contains(t, more, now)
		got = append(got, more...)
		assert.Less(t, len(got), 15_000)
		assert.Positive(t, b.in.Stats().Past)
		got = append(got, b.read(10*time.Minute)...)
		same(t, b.ids, got)
		require.NoError(t, b.in.Close())
	})
	bubble(t, "the lookback grows with the delay", func(t *testing.T, b *bench) {
		b.cfg.Lookback, b.cfg.LookbackMax = 10*time.Minute, time.Hour
		b.open()
		var got []string
		for i := range 60 { // slower and slower: up to 30 minutes
			b.event("us-east-1", 0, time.Duration(i)*30*time.Second)
			got = append(got, b.read(2*time.Minute)...)
		}
		got = append(got, b.read(2*time.Hour)...)
		same(t, b.ids, got)
		assert.Positive(t, b.in.Stats().EventsLate)
		require.NoError(t, b.in.Close())
	})
	bubble(t, "regions come and go", func(t *testing.T, b *bench) {
		b.cfg.Regions, b.h.Regions = nil, []string{"us-east-1"}
		b.open()
		got := b.read(10 * time.Minute)
		b.event("eu-south-2", time.Hour, 0)
		b.h.SetRegions("us-east-1", "eu-south-2")
		got = append(got, b.read(2*time.Hour)...)
		same(t, b.ids, got)
		assert.EqualValues(t, 2, b.in.Stats().Streams)
		b.h.SetRegions("eu-south-2")
		b.read(2 * time.Hour)
		assert.EqualValues(t, 1, b.in.Stats().Streams)
		contains(t, b.log.String(), "a region is no longer enabled")
		// While the account is not asked, nothing is taken away.
		b.refuse("ListRegions", 503, "ServiceUnavailable", func() bool { return true })
		b.read(3 * time.Hour)
		assert.Greater(t, b.in.Stats().Streams, int64(1), "those that every account has, too")
		require.NoError(t, b.in.Close())
	})
	bubble(t, "killed again and again, it goes on", func(t *testing.T, b *bench) {
		b.cfg.Lookback, b.cfg.LookbackMax, b.cfg.BatchMaxRecords = time.Minute, 0, 10
		for i := range 500 {
			b.event("us-east-1", time.Duration(i)*5*time.Second, 0)
		}
		got := map[string]bool{}
		for range 60 { // lives of ten batches each
			b.open()
			for range 10 {
				batch, err := b.in.Read(t.Context())
				require.NoError(t, err)
				for _, r := range batch.Records {
					got[r.SourceID] = true
				}
				batch.Ack(nil)
			}
			b.in.outlet.Break(errors.New("killed"))
			b.in.managing.Wait()
			b.in.streaming.Wait()
			b.event("us-east-1", 0, 0)
			for range 120 { // there is always something new
				b.event("us-east-1", 0, 0)
			}
			if time.Sleep(time.Minute); len(b.checkpointOf("us-east-1/management").Past) == 1 && got["event-00500"] {
				return
			}
		}
		t.Errorf("%d of %d were read, and the oldest was not", len(got), len(b.ids))
	})
	bubble(t, "stopped and started, nothing comes again", func(t *testing.T, b *bench) {
		var got []string
		for i := range 10 {
			for range 20 {
				b.event("us-east-1", time.Duration(i)*time.Second, 0)
			}
			b.open()
			got = append(got, b.read(7*time.Minute)...)
			require.NoError(t, b.in.Close())
			time.Sleep(time.Duration(i) * 4 * time.Minute)
		}
		same(t, b.ids, got)
	})
	bubble(t, "an hour in which nothing ran", func(t *testing.T, b *bench) {
		b.open()
		b.read(10 * time.Minute)
		require.NoError(t, b.in.Close())
		for i := range 200 {
			b.event("us-east-1", -time.Duration(i)*2*time.Minute, 0)
		}
		time.Sleep(7 * time.Hour)
		b.open()
		same(t, b.ids, b.read(10*time.Minute))
		c := b.checkpointOf("us-east-1/management")
		assert.Empty(t, c.Past)
		require.NoError(t, b.in.Close())
	})
}

// Two inputs of one process share the two calls a second, also of one region in two ways.
func TestQuotaIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := new(Limits)
		b, c := newBench(t), newBench(t)
		c.server, c.h, c.cfg.AWS.HTTPClient = b.server, b.h, b.cfg.AWS.HTTPClient
		b.h.Quota = 2
		for i := range 2000 {
			b.event("us-east-1", time.Duration(i)*time.Hour, 0)
		}
		got := make(chan []string)
		for _, x := range []*bench{b, c} {
			x.cfg.APISleep, x.deps.Limits, x.deps.Once = 500*time.Millisecond, limits, true
			x.open()
			go func() { got <- x.read(time.Hour) }()
		}
		same(t, b.ids, <-got)
		same(t, b.ids, <-got)
		assert.Zero(t, b.in.Stats().Throttled+c.in.Stats().Throttled)
		require.NoError(t, b.in.Close())
		require.NoError(t, c.in.Close())
	})
	bubble(t, "somebody else uses it too", func(t *testing.T, b *bench) {
		b.h.Quota, b.cfg.APISleep = 2, 500*time.Millisecond
		for i := range 2000 {
			b.event("us-east-1", time.Duration(i)*time.Hour, 0)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var other sync.WaitGroup
		other.Go(func() {
			for ctx.Err() == nil { // one call a second
				body := strings.NewReader(`{"StartTime":1,"EndTime":2,"MaxResults":1}`)
				r, _ := http.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1:1/", body)
				r.Header.Set("X-Amz-Target", "CloudTrail_20131101.LookupEvents")
				r.Header.Set("Authorization", "Credential=A/1/us-east-1/cloudtrail")
				if answer, err := b.server.Client().Do(r); err == nil {
					_, _ = io.Copy(io.Discard, answer.Body)
					_ = answer.Body.Close()
				}
				time.Sleep(time.Second)
			}
		})
		same(t, b.ids, b.once())
		cancel()
		other.Wait()
		s := b.in.Stats()
		assert.Positive(t, s.Throttled)
		assert.Less(t, s.Throttled, s.APICalls/2, "it slows down")
	})
}

// Whatever fails, comes back or is killed: all events are delivered in the end, and a checkpoint never claims more than that.
func TestNothingIsLost(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { property(t, seed) })
		})
	}
}
