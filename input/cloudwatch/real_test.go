package cloudwatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/internal/needs"
	"github.com/trailbeat/trailbeat/internal/registry"
)

// TestRealServer reads six log groups, with late events and a kill, against a server that keeps the quota of 5 calls a second if
// it was started with STACK_QUOTAS=1.
func TestRealServer(t *testing.T) {
	cloud := needs.AWS(t)
	block := aws.DefaultConfig()
	block.Endpoint, block.AccessKeyID, block.SecretAccessKey, block.DefaultRegion = cloud.URL, "test", "test", "us-east-1"
	prefix := fmt.Sprintf("tb-%d-", time.Now().UnixNano())
	var want []string
	for i := range 6 {
		ids, _, err := cloud.Seed(t, nil, "--log-group", fmt.Sprint(prefix, i), "--seed", fmt.Sprint(prefix, i))
		require.NoError(t, err)
		want = append(want, ids...)
	}
	session, err := aws.New(t.Context(), block, nil)
	require.NoError(t, err)
	defer session.Close()
	client := session.CloudWatchLogs("us-east-1")
	late := func(from, n int) {
		for i := from; i < from+n; i++ {
			id := fmt.Sprint("late-", i)
			want = append(want, id)
			group := fmt.Sprint(prefix, i%6)
			name := awssdk.String("late-" + id)
			_, err := client.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: name})
			require.NoError(t, err)
			_, err = client.PutLogEvents(t.Context(), &cloudwatchlogs.PutLogEventsInput{LogGroupName: &group, LogStreamName: name, LogEvents: []types.InputLogEvent{{
				Message: awssdk.String(fmt.Sprintf(`{"eventVersion":"1.09","eventID":%q}`, id)), Timestamp: awssdk.Int64(time.Now().Add(-time.Duration(1+i%10) * time.Minute).UnixMilli()),
			}}})
			require.NoError(t, err)
		}
	}
	cfg := DefaultConfig()
	cfg.AWS, cfg.LogGroupNamePrefix, cfg.RegionName = block, prefix, "us-east-1"
	cfg.ScanFrequency, cfg.Workers = time.Second, 3
	store := new(registry.Memory).Input("in")
	var mu sync.Mutex
	got := map[string]int{}
	count := func() int { mu.Lock(); defer mu.Unlock(); return len(got) }
	run := func(once bool, enough func() bool) *Input {
		in, err := New(cfg, Deps{ID: "in", Store: store, Once: once})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		for !enough() {
			require.NoError(t, ctx.Err(), "%d of %d: %+v", count(), len(want), in.Stats())
			short, cancel := context.WithTimeout(ctx, time.Second) // the last acknowledgement may be enough
			b, err := in.Read(short)
			cancel()
			if errors.Is(err, context.DeadlineExceeded) {
				continue
			}
			if once && errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			go func() {
				mu.Lock()
				for _, r := range b.Records {
					var record struct{ EventID string }
					require.NoError(t, json.Unmarshal(r.Raw, &record))
					assert.Empty(t, r.Fault)
					got[record.EventID]++
				}
				mu.Unlock()
				b.Ack(nil)
			}()
		}
		return in
	}
	in := run(false, func() bool { return count() > len(want)/3 })
	kill(in)
	late(0, 30)
	in = run(false, func() bool { return count() >= len(want)-20 })
	late(30, 30)
	t.Logf("before the stop: %+v", in.Stats())
	require.NoError(t, in.Close())
	in = run(false, func() bool { return count() >= len(want) })
	require.NoError(t, in.Close())
	in = run(true, func() bool { return false })
	t.Logf("once, at the end: %+v", in.Stats())
	require.NoError(t, in.Close())
	names := make([]string, 0, len(got))
	for id := range got {
		names = append(names, id)
	}
	slices.Sort(names)
	slices.Sort(want)
	want = slices.Compact(want)
	assert.Empty(t, missing(want, names))
	assert.Len(t, names, len(want))
	t.Logf("%d distinct events", len(want))

	check, err := New(cfg, Deps{ID: "in", Store: store})
	require.NoError(t, err)
	check.Check(t.Context(), func(s Step) {
		t.Logf("%-20s %s", s.Name, s.Detail)
		assert.NoError(t, s.Err)
	})
	require.NoError(t, check.Close())
}
