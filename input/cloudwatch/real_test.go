package cloudwatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/internal/registry"
)

// server gives the options for a real server, or skips the test.
func server(t *testing.T) (aws.Config, string) {
	t.Helper()
	url := os.Getenv("TRAILBEAT_TEST_AWS_URL")
	if url == "" {
		t.Skip("needs a server of the AWS APIs: set TRAILBEAT_TEST_AWS_URL, for example after eval \"$(../shared/stack/aws up)\" to $AWS_ENDPOINT_URL")
	}
	shared := os.Getenv("TRAILBEAT_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	if _, err := os.Stat(filepath.Join(shared, "stack", "seed-cloudtrail")); err != nil {
		t.Skipf("needs stack/seed-cloudtrail in TRAILBEAT_SHARED: %v", err)
	}
	cfg := aws.DefaultConfig()
	cfg.Endpoint, cfg.AccessKeyID, cfg.SecretAccessKey, cfg.DefaultRegion = url, "test", "test", "us-east-1"
	return cfg, shared
}

// seed fills a log group and gives the ids of its records.
func seed(t *testing.T, url, shared, group, word string) []string {
	t.Helper()
	ids := filepath.Join(t.TempDir(), "ids")
	cmd := exec.CommandContext(t.Context(), filepath.Join(shared, "stack", "seed-cloudtrail"), "--log-group", group, "--seed", word, "--event-ids", ids,
		filepath.Join(shared, "real", "cloudtrail"))
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+url, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NotContains(t, string(out), "log_events_too_large", "the ids would hold some that are not there")
	text, err := os.ReadFile(ids)
	require.NoError(t, err)
	return strings.Fields(string(text))
}

// TestRealServer reads six log groups, with late events and a kill, against a server that keeps the quota of 5 calls a second if
// it was started with STACK_QUOTAS=1.
func TestRealServer(t *testing.T) {
	block, shared := server(t)
	prefix := fmt.Sprintf("tb-%d-", time.Now().UnixNano())
	var want []string
	for i := range 6 {
		want = append(want, seed(t, block.Endpoint, shared, fmt.Sprint(prefix, i), fmt.Sprint(prefix, i))...)
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
