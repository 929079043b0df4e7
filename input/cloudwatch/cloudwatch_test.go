package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/registry"
)

// bench is an input over the fake, inside of a bubble.
type bench struct {
	t     *testing.T
	s     *service
	cfg   Config
	mem   *registry.Memory
	store input.Store
	deps  Deps
	in    *Input
	errs  []error
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, s: newService(1), cfg: DefaultConfig(), mem: new(registry.Memory)}
	b.store = b.mem.Input("in")
	b.cfg.LogGroupName, b.cfg.RegionName = "trail", "eu-west-1"
	b.s.create("trail")
	b.deps = Deps{ID: "in", Store: b.store, API: b.s}
	return b
}

func (b *bench) open() {
	b.t.Helper()
	var err error
	b.in, err = New(b.cfg, b.deps)
	require.NoError(b.t, err)
}

func (b *bench) put(name string, ago, late time.Duration) {
	b.s.put("trail", "stream", fmt.Sprintf("{%q:1}", name), time.Now().Add(-ago), late)
}

// batches reads for a while of the bubble's time.
func (b *bench) batches(span time.Duration) []*input.Batch {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), span)
	defer cancel()
	var list []*input.Batch
	for ctx.Err() == nil {
		batch, err := b.in.Read(ctx)
		switch {
		case batch != nil:
			list = append(list, batch)
		case errors.Is(err, io.EOF) || input.IsFatal(err):
			b.errs = append(b.errs, err)
			return list
		case ctx.Err() == nil:
			b.errs = append(b.errs, err)
		}
	}
	return list
}

// read is the names of what comes, acknowledged.
func (b *bench) read(span time.Duration) []string {
	b.t.Helper()
	names := []string{}
	for _, batch := range b.batches(span) {
		names = append(names, namesOf(batch)...)
		batch.Ack(nil)
	}
	return names
}

func namesOf(batch *input.Batch) []string {
	var names []string
	for _, r := range batch.Records {
		names = append(names, string(r.Raw[2:len(r.Raw)-4]))
	}
	return names
}

func (b *bench) checkpoint(key string) (c checkpoint, ok bool) {
	b.t.Helper()
	ok, err := b.store.Get(key, &c)
	require.NoError(b.t, err)
	return c, ok
}

const trailKey = "group/eu-west-1/trail"

// bubble runs a test in one.
func bubble(t *testing.T, name string, run func(t *testing.T, b *bench)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			defer func() {
				if b.in != nil {
					_ = b.in.Close()
				}
			}()
			run(t, b)
		})
	})
}

func TestRecords(t *testing.T) {
	bubble(t, "what a record says", func(t *testing.T, b *bench) {
		b.put("a", time.Minute, 0)
		b.open()
		list := b.batches(time.Minute)
		require.Len(t, list, 1)
		r := list[0].Records[0]
		assert.Equal(t, `{"a":1}`, string(r.Raw))
		assert.Equal(t, fmt.Sprintf("%056d", 1), r.SourceID)
		assert.Equal(t, time.Now().Add(-time.Minute).UnixMilli(), r.Created.UnixMilli())
		assert.Equal(t, input.Origin{InputID: "in", InputType: "aws-cloudwatch", Path: "trail/stream", Region: "eu-west-1", LogGroup: "trail", LogStream: "stream"}, *r.Origin)
		list[0].Ack(nil)
	})
	for message, want := range map[string]string{
		`{"a":1}`:        "",
		" \n{\"a\":1}\n": "",
		``:               "the log event is empty",
		`hello`:          "the log event is not a JSON object",
		`[{"a":1}]`:      "the log event is not a JSON object",
		`{"a":"bcd`:      "the log event is truncated: its JSON ends in the middle, after 9 bytes",
		`{"a":{"b":1}`:   "the log event is truncated: its JSON ends in the middle, after 12 bytes",
		`{"a":nope}`:     "the log event is not valid JSON at byte 7: invalid character 'o' in literal null (expecting 'u')",
		`{"a":1} and so`: "the log event is not valid JSON at byte 9: invalid character 'a' after top-level value",
		`{"a":1}{"b":2}`: "the log event is not valid JSON at byte 8: invalid character '{' after top-level value",
	} {
		bubble(t, "fault of "+message, func(t *testing.T, b *bench) {
			b.s.put("trail", "stream", message, time.Now().Add(-time.Minute), 0)
			b.open()
			list := b.batches(time.Minute)
			require.Len(t, list, 1)
			assert.Equal(t, message, string(list[0].Records[0].Raw), "as it is")
			assert.Equal(t, want, list[0].Records[0].Fault)
			list[0].Ack(nil)
		})
	}
	bubble(t, "only some streams", func(t *testing.T, b *bench) {
		for _, stream := range []string{"a_1", "a_2", "b_1"} {
			b.s.put("trail", stream, fmt.Sprintf("{%q:1}", stream), time.Now(), 0)
		}
		b.cfg.LogStreamPrefix = "a_"
		b.open()
		assert.ElementsMatch(t, []string{"a_1", "a_2"}, b.read(time.Minute))
		require.NoError(t, b.in.Close())
		b.cfg.LogStreamPrefix, b.cfg.LogStreams = "", []string{"b_1", "a_1"}
		b.open()
		assert.ElementsMatch(t, []string{"a_1", "b_1"}, b.read(time.Minute), "other streams have another checkpoint")
	})
}

func TestCheckpoint(t *testing.T) {
	bubble(t, "it waits for all windows before", func(t *testing.T, b *bench) {
		b.cfg.WindowMaxPages, b.s.pageEvents, b.cfg.StartPosition = 1, 1, "lastSync"
		for i := range 3 {
			b.put(fmt.Sprint(i), time.Duration(10-i)*time.Hour, 0)
		}
		b.open()
		list := b.batches(30 * time.Second)
		require.Len(t, list, 3)
		list[2].Ack(nil)
		list[1].Ack(nil)
		c, _ := b.checkpoint(trailKey)
		assert.Less(t, c.Settled, time.Now().Add(-9*time.Hour-30*time.Minute))
		list[0].Ack(nil)
		c, _ = b.checkpoint(trailKey)
		assert.Equal(t, time.Now().Add(-15*time.Minute-30*time.Second).UnixMilli(), c.Settled.UnixMilli(), "the overlap before the pass")
		assert.Equal(t, 1, c.Version)
	})
	bubble(t, "a batch that was on the way when another came back", func(t *testing.T, b *bench) {
		b.cfg.BatchMaxRecords = 1
		b.put("a", 10*time.Hour, 0)
		b.put("b", 9*time.Hour, 0)
		b.open()
		list := b.batches(30 * time.Second)
		require.Len(t, list, 2)
		list[0].Ack(errDown)
		assert.Empty(t, b.read(time.Hour), "b could come back too")
		list[1].Ack(errDown)
		assert.ElementsMatch(t, []string{"a", "b"}, b.read(time.Hour))
		assert.EqualValues(t, 2, b.in.Stats().BatchesReturned)
	})
	bubble(t, "what was delivered does not come again with what was not", func(t *testing.T, b *bench) {
		b.cfg.BatchMaxRecords = 1
		b.put("a", 10*time.Hour, 0)
		b.put("b", 9*time.Hour, 0)
		b.open()
		list := b.batches(30 * time.Second)
		list[0].Ack(errDown)
		list[1].Ack(nil)
		assert.Equal(t, []string{"a"}, b.read(time.Hour))
	})
	bubble(t, "a window that ends in the middle of a millisecond", func(t *testing.T, b *bench) {
		b.cfg.WindowMaxPages, b.s.pageEvents = 1, 3
		want := []string{"first"}
		b.put("first", 11*time.Hour, 0)
		for i := range 7 {
			b.put(fmt.Sprint(i), 10*time.Hour, 0)
			want = append(want, fmt.Sprint(i))
		}
		b.open()
		assert.ElementsMatch(t, want, b.read(10*time.Second))
		assert.EqualValues(t, 2, b.in.Stats().EventsKnown)
	})
	bubble(t, "a slow output does not let windows pile up", func(t *testing.T, b *bench) {
		b.put("a", time.Hour, 0)
		b.open()
		list := b.batches(10 * time.Hour)
		require.Len(t, list, 1)
		open := func() int {
			g := b.in.groups[trailKey]
			g.mu.Lock()
			defer g.mu.Unlock()
			return len(g.windows)
		}
		assert.Equal(t, 1, open())
		list[0].Ack(nil)
		assert.Zero(t, open())
		c, _ := b.checkpoint(trailKey)
		assert.Greater(t, c.Settled, time.Now().Add(-17*time.Minute))
	})
	bubble(t, "after a kill the overlap comes again, after a stop it does not", func(t *testing.T, b *bench) {
		b.put("old", time.Hour, 0)
		b.put("new", time.Minute, 0)
		b.open()
		assert.Len(t, b.read(5*time.Minute), 2)
		kill(b.in)
		b.open()
		assert.Equal(t, []string{"new"}, b.read(time.Minute))
		require.NoError(t, b.in.Close())
		b.open()
		assert.Empty(t, b.read(time.Minute))
	})
	bubble(t, "the store fails", func(t *testing.T, b *bench) {
		b.put("a", time.Hour, 0)
		b.open()
		list := b.batches(time.Second * 10)
		b.mem.Fail(errors.New("disk full"))
		list[0].Ack(nil)
		_, err := b.in.Read(t.Context())
		require.True(t, input.IsFatal(err))
		assert.EqualError(t, err, `storing the checkpoint of log group "trail": disk full`)
	})
	bubble(t, "of another version", func(t *testing.T, b *bench) {
		require.NoError(t, b.store.Put(trailKey, checkpoint{Version: 2}))
		b.open()
		_, err := b.in.Read(t.Context())
		require.True(t, input.IsFatal(err))
		assert.ErrorContains(t, err, "it has version 2, this program knows 1")
	})
}

func TestStartPosition(t *testing.T) {
	for position, want := range map[string][]string{"": {"old", "new"}, "beginning": {"old", "new"}, "lastSync": {"old", "new"}, "end": {"new"}} {
		bubble(t, "position "+position, func(t *testing.T, b *bench) {
			b.cfg.StartPosition = position
			b.put("old", time.Hour, 0)
			b.put("new", 0, 10*time.Second)
			b.open()
			assert.Equal(t, want, b.read(5*time.Minute))
			require.NoError(t, b.in.Close())
			b.put("between", 0, 0)
			time.Sleep(3 * time.Hour)
			b.open()
			assert.Equal(t, []string{"between"}, b.read(5*time.Minute), "the checkpoint wins over the position")
		})
	}
	bubble(t, "end, killed before the first checkpoint", func(t *testing.T, b *bench) {
		b.cfg.StartPosition = "end"
		b.put("old", time.Hour, 0)
		b.put("new", 0, 0)
		b.open()
		assert.Len(t, b.batches(10*time.Second), 1)
		kill(b.in)
		time.Sleep(time.Hour)
		b.open()
		assert.Equal(t, []string{"new"}, b.read(time.Minute))
	})
}

func TestLateEvents(t *testing.T) {
	bubble(t, "within the overlap", func(t *testing.T, b *bench) {
		b.open()
		b.read(10 * time.Minute)
		b.put("late", 2*time.Minute, 13*time.Minute)
		assert.Equal(t, []string{"late"}, b.read(20*time.Minute))
		assert.EqualValues(t, 1, b.in.Stats().EventsLate)
	})
	bubble(t, "the overlap grows with the delay that is seen", func(t *testing.T, b *bench) {
		b.open()
		b.read(10 * time.Minute)
		b.put("14m", 0, 14*time.Minute)
		assert.Equal(t, []string{"14m"}, b.read(20*time.Minute))
		b.put("27m", 0, 27*time.Minute)
		assert.Equal(t, []string{"27m"}, b.read(40*time.Minute))
		b.put("50m", 0, 50*time.Minute)
		assert.Equal(t, []string{"50m"}, b.read(time.Hour))
		time.Sleep(4 * time.Hour)
		b.read(4 * time.Hour)
		b.put("45m", 0, 45*time.Minute)
		assert.Empty(t, b.read(time.Hour), "by then it has shrunk")
	})
	bubble(t, "latency", func(t *testing.T, b *bench) {
		b.cfg.Latency, b.cfg.Overlap, b.cfg.OverlapMax = 10*time.Minute, 0, 0
		b.open()
		b.read(10 * time.Minute)
		b.put("a", 0, 0)
		assert.Empty(t, b.read(9*time.Minute))
		assert.Equal(t, []string{"a"}, b.read(3*time.Minute))
	})
}

func TestGroups(t *testing.T) {
	prefix := func(b *bench) {
		b.cfg.LogGroupName, b.cfg.LogGroupNamePrefix = "", "tr"
		for i := range 5 {
			b.s.put(fmt.Sprint("tr", i), "s", fmt.Sprintf("{%q:1}", fmt.Sprint(i)), time.Now(), 0)
		}
		b.s.create("other")
	}
	bubble(t, "found while running", func(t *testing.T, b *bench) {
		prefix(b)
		b.cfg.StartPosition = "end"
		b.open()
		assert.ElementsMatch(t, []string{"0", "1", "2", "3", "4"}, b.read(5*time.Minute))
		b.s.put("trnew", "s", `{"n":1}`, time.Now(), 0)
		assert.Equal(t, []string{"n"}, b.read(5*time.Minute))
		assert.EqualValues(t, 7, b.in.Stats().Groups, "with the one named trail")
	})
	bubble(t, "gone and back", func(t *testing.T, b *bench) {
		prefix(b)
		b.open()
		assert.Len(t, b.read(5*time.Minute), 5)
		b.s.remove("tr1")
		b.s.put("tr2", "s", `{"x":1}`, time.Now(), 0)
		assert.Equal(t, []string{"x"}, b.read(5*time.Minute))
		assert.EqualValues(t, 5, b.in.Stats().Groups)
		b.s.put("tr1", "s", `{"y":1}`, time.Now(), 0)
		assert.Equal(t, []string{"y"}, b.read(5*time.Minute))
	})
	bubble(t, "listing fails for a while", func(t *testing.T, b *bench) {
		prefix(b)
		b.s.onList = func() error { return apiError("AccessDeniedException") }
		b.open()
		assert.Empty(t, b.read(3*time.Minute))
		require.NotEmpty(t, b.errs)
		assert.ErrorContains(t, b.errs[0], "allow logs:DescribeLogGroups")
		b.s.mu.Lock()
		b.s.onList = nil
		b.s.mu.Unlock()
		assert.Len(t, b.read(3*time.Minute), 5)
	})
	bubble(t, "linked accounts", func(t *testing.T, b *bench) {
		prefix(b)
		b.cfg.IncludeLinkedAccountsAlias = true
		b.s.onCall = func(ask *cloudwatchlogs.FilterLogEventsInput) error {
			assert.Nil(t, ask.LogGroupName)
			assert.Regexp(t, `^arn:aws:logs:eu-west-1:123456789012:log-group:tr\w+$`, awssdk.ToString(ask.LogGroupIdentifier))
			return nil
		}
		b.open()
		assert.Len(t, b.read(5*time.Minute), 5)
		_, ok := b.checkpoint("group/arn:aws:logs:eu-west-1:123456789012:log-group:tr1")
		assert.True(t, ok)
	})
	bubble(t, "a group by its ARN", func(t *testing.T, b *bench) {
		b.cfg.LogGroupName, b.cfg.RegionName, b.cfg.LogGroupARN = "", "", "arn:aws:logs:eu-west-1:210987654321:log-group:trail:*"
		b.put("a", 0, 0)
		b.open()
		assert.Equal(t, []string{"a"}, b.read(time.Minute))
	})
	bubble(t, "one that cannot be read does not stop the others", func(t *testing.T, b *bench) {
		prefix(b)
		var denied atomic.Bool
		denied.Store(true)
		b.s.onCall = func(ask *cloudwatchlogs.FilterLogEventsInput) error {
			if denied.Load() && awssdk.ToString(ask.LogGroupName) == "tr0" {
				return apiError("AccessDeniedException")
			}
			return nil
		}
		b.open()
		assert.Len(t, b.read(time.Hour), 4)
		require.Len(t, b.errs, 1, "told once")
		assert.ErrorContains(t, b.errs[0], `reading log group "tr0" in eu-west-1: access denied (AccessDeniedException); allow logs:FilterLogEvents on arn:aws:logs:eu-west-1:*:log-group:tr*`)
		denied.Store(false)
		assert.Equal(t, []string{"0"}, b.read(time.Hour))
	})
	bubble(t, "one that does not exist yet", func(t *testing.T, b *bench) {
		b.s.remove("trail")
		b.open()
		assert.Empty(t, b.read(time.Hour))
		require.Len(t, b.errs, 1)
		assert.ErrorContains(t, b.errs[0], "does not exist (ResourceNotFoundException); check its name and region_name; it is tried again")
		b.put("a", 0, 0)
		assert.Equal(t, []string{"a"}, b.read(time.Hour))
	})
}

func TestFaults(t *testing.T) {
	bubble(t, "in the middle of the pages", func(t *testing.T, b *bench) {
		b.s.pageEvents = 2
		want := []string{}
		for i := range 20 {
			b.put(fmt.Sprint(i), time.Duration(40-i)*time.Hour, 0)
			want = append(want, fmt.Sprint(i))
		}
		b.s.onCall = func(*cloudwatchlogs.FilterLogEventsInput) error {
			if b.s.asked%7 > 1 && b.s.asked < 200 {
				return errBroken
			}
			return nil
		}
		b.open()
		assert.Equal(t, want, b.read(3*time.Hour))
		assert.NotZero(t, b.in.Stats().WindowsFailed)
	})
	bubble(t, "page tokens that expire", func(t *testing.T, b *bench) {
		b.s.pageEvents = 2
		want := []string{}
		for i := range 9 {
			b.put(fmt.Sprint(i), time.Duration(40-i)*time.Hour, 0)
			want = append(want, fmt.Sprint(i))
		}
		b.s.onCall = func(ask *cloudwatchlogs.FilterLogEventsInput) error {
			if ask.NextToken != nil && b.s.asked%2 == 0 {
				return apiError("InvalidParameterException")
			}
			return nil
		}
		b.open()
		assert.Equal(t, want, b.read(time.Hour))
		assert.NotZero(t, b.in.Stats().TokensLost)
	})
	bubble(t, "once, with a log group that cannot be read", func(t *testing.T, b *bench) {
		b.deps.Once = true
		b.s.onCall = func(*cloudwatchlogs.FilterLogEventsInput) error { return apiError("InvalidParameterException") }
		b.open()
		assert.Empty(t, b.read(time.Hour))
		require.Len(t, b.errs, 2)
		assert.ErrorContains(t, b.errs[0], "InvalidParameterException")
		assert.ErrorIs(t, b.errs[1], io.EOF)
	})
	bubble(t, "once, with a batch that comes back", func(t *testing.T, b *bench) {
		b.deps.Once = true
		b.put("a", time.Hour, 0)
		b.open()
		list := b.batches(time.Hour)
		list[0].Ack(errDown)
		assert.ErrorContains(t, b.in.Close(), "1 batches were not delivered")
		b.open()
		assert.Equal(t, []string{"a"}, b.read(time.Hour))
		_, err := b.in.Read(t.Context())
		assert.ErrorIs(t, err, io.EOF)
	})
	bubble(t, "events out of order", func(t *testing.T, b *bench) {
		b.cfg.WindowMaxPages = 1
		b.deps.API = backwards{b.s}
		want := []string{}
		for i := range 9 {
			b.put(fmt.Sprint(i), time.Duration(40-i)*time.Hour, 0)
			want = append(want, fmt.Sprint(i))
		}
		b.open()
		assert.ElementsMatch(t, want, b.read(time.Hour))
	})
}

// backwards gives events from the newest to the oldest, four a page.
type backwards struct{ *service }

func (s backwards) FilterLogEvents(ctx context.Context, ask *cloudwatchlogs.FilterLogEventsInput, opts ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	from := 0
	_, _ = fmt.Sscan(awssdk.ToString(ask.NextToken), &from)
	all := *ask
	all.NextToken = nil
	out, err := s.service.FilterLogEvents(ctx, &all, opts...)
	if err != nil {
		return nil, err
	}
	slices.Reverse(out.Events)
	out.Events = out.Events[from:]
	if len(out.Events) > 4 {
		out.Events, out.NextToken = out.Events[:4], awssdk.String(fmt.Sprint(from+4))
	}
	return out, nil
}
