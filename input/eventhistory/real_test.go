package eventhistory

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
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/quota"
	"github.com/trailbeat/trailbeat/internal/needs"
	"github.com/trailbeat/trailbeat/internal/registry"
)

// all asks the server for everything, page by page, in one go.
func all(t *testing.T, session *aws.Session, region string) (ids []string) {
	t.Helper()
	ask := &cloudtrail.LookupEventsInput{MaxResults: awssdk.Int32(50), EndTime: awssdk.Time(time.Now())}
	limit, pause := new(quota.Limiter), 500*time.Millisecond
	for {
		require.NoError(t, limit.Wait(t.Context(), pause))
		out, err := session.CloudTrail(region).LookupEvents(t.Context(), ask, oneTry)
		if aws.ClassOf(err) == aws.ClassThrottled {
			limit.Throttled(pause)
			continue
		}
		require.NoError(t, err)
		limit.Good(pause)
		for _, e := range out.Events {
			ids = append(ids, *e.EventId)
		}
		if ask.NextToken = out.NextToken; awssdk.ToString(out.NextToken) == "" {
			return ids
		}
	}
}

// TestRealServer reads the event history of two regions, with kills, against a server that keeps the quota of 2 calls a second if it was
// started with STACK_QUOTAS=1.
func TestRealServer(t *testing.T) {
	cloud := needs.AWS(t)
	block := aws.DefaultConfig()
	block.Endpoint, block.AccessKeyID, block.SecretAccessKey, block.DefaultRegion = cloud.URL, "test", "test", "us-east-1"
	regions := []string{"us-east-1", "eu-west-1"}
	name := fmt.Sprintf("tb-%d", time.Now().UnixNano())
	_, _, err := cloud.Seed(t, nil, "--bucket", name, "--seed", name, "--accounts", "123456789012", "--regions", "us-east-1,eu-west-1", "--newest", "now")
	require.NoError(t, err)
	session, err := aws.New(t.Context(), block, nil)
	require.NoError(t, err)
	defer session.Close()
	var want []string
	for _, r := range regions {
		want = append(want, all(t, session, r)...)
	}
	slices.Sort(want)
	require.Greater(t, len(want), 1000)
	require.Len(t, slices.Compact(slices.Clone(want)), len(want))

	cfg := DefaultConfig()
	cfg.AWS, cfg.Regions, cfg.BatchMaxRecords = block, regions, 100
	cfg.Lookback, cfg.LookbackMax = time.Minute, 0 // the data are of an hour
	store := new(registry.Memory).Input("in")
	var mu sync.Mutex
	got, twice := map[string]int{}, 0
	live := func(limit int) *Input { // reads so many batches, or with 0 all
		in, err := New(cfg, Deps{ID: "in", Store: store, Once: true})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		for n := 0; limit == 0 || n < limit; n++ {
			b, err := in.Read(ctx)
			if errors.Is(err, io.EOF) {
				return in
			}
			require.NoError(t, err)
			mu.Lock()
			for _, r := range b.Records {
				var record struct{ EventID string }
				require.NoError(t, json.Unmarshal(r.Raw, &record))
				assert.Equal(t, r.SourceID, record.EventID)
				assert.Empty(t, r.Fault)
				if got[record.EventID]++; got[record.EventID] > 1 {
					twice++
				}
			}
			mu.Unlock()
			b.Ack(nil)
		}
		return in
	}
	kills := 0
	for ; kills < 4; kills++ {
		live(3).outlet.Break(errors.New("killed")) // it does nothing more, and says nothing
	}
	in := live(0)
	stats := in.Stats()
	require.NoError(t, in.Close())
	ids := make([]string, 0, len(got))
	for id := range got {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	assert.Equal(t, want, ids)
	t.Logf("%d events, %d handed out again after %d kills; the last life: %+v", len(want), twice, kills, stats)
	before := len(got) + twice
	require.NoError(t, live(0).Close())
	assert.Equal(t, before, len(got)+twice, "nothing comes again after an orderly stop")

	check, err := New(cfg, Deps{ID: "in", Store: store})
	require.NoError(t, err)
	check.Check(t.Context(), func(s Step) {
		t.Logf("%-20s %s", s.Name, s.Detail)
		assert.NoError(t, s.Err)
	})
	require.NoError(t, check.Close())
}
