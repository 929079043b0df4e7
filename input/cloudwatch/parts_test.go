package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/aws/awstest"
	"github.com/trailbeat/trailbeat/input/quota"
)

func TestConfig(t *testing.T) {
	good := func() Config {
		c := DefaultConfig()
		c.LogGroupName, c.RegionName = "trail", "eu-west-1"
		return c
	}
	require.NoError(t, good().Validate())
	for want, change := range map[string]func(*Config){
		"log_group_arn: exactly one of log_group_arn, log_group_name and log_group_name_prefix is needed, 2 are set": func(c *Config) { c.LogGroupNamePrefix = "x" },
		"log_group_arn: exactly one of log_group_arn, log_group_name and log_group_name_prefix is needed, 0 are set": func(c *Config) { c.LogGroupName = "" },
		"region_name: is needed":                        func(c *Config) { c.RegionName = "" },
		"log_group_arn: must be the ARN of a log group": func(c *Config) { c.LogGroupName, c.LogGroupARN = "", "trail" },
		`region_name: is "eu-west-1", but log_group_arn says "us-east-1"`: func(c *Config) {
			c.LogGroupName, c.LogGroupARN = "", "arn:aws:logs:us-east-1:123456789012:log-group:trail"
		},
		"include_linked_accounts_for_prefix_mode: goes with":           func(c *Config) { c.IncludeLinkedAccountsAlias = true },
		"log_stream_prefix: cannot go together":                        func(c *Config) { c.LogStreams, c.LogStreamPrefix = []string{"a"}, "b" },
		"log_streams: AWS takes at most 100":                           func(c *Config) { c.LogStreams = strings.Split(strings.Repeat("a,", 100)+"a", ",") },
		"log_streams.1: must not be empty":                             func(c *Config) { c.LogStreams = []string{"a", ""} },
		`start_position: must be beginning, end or lastSync, is "now"`: func(c *Config) { c.StartPosition = "now" },
		"scan_frequency: must be > 0":                                  func(c *Config) { c.ScanFrequency = 0 },
		"api_sleep: must be >= 0":                                      func(c *Config) { c.APISleep = -1 },
		"latency: must be >= 0":                                        func(c *Config) { c.Latency = -1 },
		"overlap: must be >= 0":                                        func(c *Config) { c.Overlap = -1 },
		"overlap_max: must be >= 0":                                    func(c *Config) { c.OverlapMax = -1 },
		"number_of_workers: must be > 0":                               func(c *Config) { c.Workers = 0 },
		"window_max_pages: must be > 0":                                func(c *Config) { c.WindowMaxPages = 0 },
		"window_max_bytes: must be > 0":                                func(c *Config) { c.WindowMaxBytes = 0 },
		"batch_max_records: must be > 0":                               func(c *Config) { c.BatchMaxRecords = 0 },
		"batch_max_bytes: must be > 0":                                 func(c *Config) { c.BatchMaxBytes = 0 },
		"max_batches_in_flight: must be > 0":                           func(c *Config) { c.MaxBatchesInFlight = 0 },
		"seen_max: must be >= 0":                                       func(c *Config) { c.SeenMax = -1 },
		"api_timeout: must be > 0":                                     func(c *Config) { c.AWS.APITimeout = 0 },
	} {
		t.Run(want, func(t *testing.T) {
			c := good()
			change(&c)
			err := c.Validate()
			require.ErrorContains(t, err, want)
			assert.Equal(t, 0, strings.Count(err.Error(), "\n"), "nothing else: %v", err)
			_, err = New(c, Deps{})
			require.Error(t, err)
		})
	}
	c := good()
	c.RegionName, c.AWS.DefaultRegion = "", "eu-west-2"
	require.NoError(t, c.Validate())
	assert.Equal(t, "eu-west-2", c.region())
	_, err := New(c, Deps{})
	require.ErrorContains(t, err, "no store")
}

func TestPolicy(t *testing.T) {
	c := DefaultConfig()
	c.LogGroupName, c.RegionName = "trail", "cn-north-1"
	assert.Equal(t, []Statement{{Actions: []string{"logs:FilterLogEvents"}, Resources: []string{"arn:aws-cn:logs:cn-north-1:*:log-group:trail:*"}}}, c.Policy())
	c.LogGroupName, c.LogGroupARN = "", "arn:aws:logs:eu-west-1:123456789012:log-group:trail"
	assert.Equal(t, []Statement{{Actions: []string{"logs:FilterLogEvents"}, Resources: []string{"arn:aws:logs:eu-west-1:123456789012:log-group:trail:*"}}}, c.Policy())
	c.LogGroupARN, c.LogGroupNamePrefix, c.RegionName, c.AWS.RoleARN = "", "tr", "eu-west-1", "arn:aws:iam::123456789012:role/r"
	c.AWS.RoleChain = []aws.Role{{RoleARN: "arn:aws:iam::210987654321:role/r"}}
	assert.Equal(t, []Statement{
		{Actions: []string{"logs:FilterLogEvents"}, Resources: []string{"arn:aws:logs:eu-west-1:*:log-group:tr*"}},
		{Actions: []string{"logs:DescribeLogGroups"}, Resources: []string{"arn:aws:logs:eu-west-1:*:log-group:*"}},
		{Actions: []string{"sts:AssumeRole"}, Resources: []string{"arn:aws:iam::123456789012:role/r"}},
		{Actions: []string{"sts:AssumeRole"}, Resources: []string{"arn:aws:iam::210987654321:role/r"}},
	}, c.Policy())
}

func TestKeyOf(t *testing.T) {
	assert.NotEqual(t, keyOf("s", "", "a", 1, 2), keyOf("s", "", "b", 1, 2), "without ids the content counts")
	assert.NotEqual(t, keyOf("s", "", "a", 1, 2), keyOf("t", "", "a", 1, 2))
}

func TestLimiter(t *testing.T) {
	// Three inputs share the quota of an account with somebody else, who takes two calls a second.
	synctest.Test(t, func(t *testing.T) {
		s := newService(1)
		s.quota = 5
		s.create("trail")
		var limits Limits
		ctx, cancel := context.WithCancel(t.Context())
		var good, refused, others atomic.Int64
		call := func() bool {
			_, err := s.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: new("trail")})
			return err == nil
		}
		for range 3 {
			go func() {
				l := limits.Get("account eu-west-1")
				for l.Wait(ctx, 200*time.Millisecond) == nil {
					if call() {
						good.Add(1)
						l.Good(200 * time.Millisecond)
					} else {
						refused.Add(1)
						l.Throttled(200 * time.Millisecond)
					}
				}
			}()
		}
		go func() {
			for range 600 {
				if call() {
					others.Add(1)
				}
				time.Sleep(500 * time.Millisecond)
			}
		}()
		time.Sleep(5 * time.Minute)
		cancel()
		synctest.Wait()
		assert.Greater(t, good.Load(), int64(300), "of the 900 that are left, they get a good part")
		assert.Less(t, refused.Load(), good.Load()/4)
		assert.Greater(t, others.Load(), int64(450), "of 600")
		assert.NotSame(t, limits.Get("account eu-west-1"), limits.Get("account us-east-1"))
	})
	// Alone they use all of it.
	synctest.Test(t, func(t *testing.T) {
		l, n := new(quota.Limiter), 0
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
		defer cancel()
		for l.Wait(ctx, 200*time.Millisecond) == nil {
			n++
			l.Good(200 * time.Millisecond)
		}
		assert.InDelta(t, 500, n, 2)
	})
}

func TestQuotaIsSharedByInputs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var limits Limits
		s := newService(1)
		s.quota, s.pageEvents = 5, 3
		var benches []*bench
		for i := range 3 {
			b := newBench(t)
			b.s, b.deps.API, b.deps.Limits = s, s, &limits
			b.deps.Identity = func(context.Context) (string, string, error) { return "123456789012", "arn", nil }
			b.cfg.LogGroupName = fmt.Sprint("trail-", i)
			for j := range 50 {
				s.put(b.cfg.LogGroupName, "s", fmt.Sprintf(`{"%d":1}`, j), time.Now().Add(-time.Hour), 0)
			}
			b.open()
			defer b.in.Close()
			benches = append(benches, b)
		}
		got := make(chan int)
		for _, b := range benches {
			go func() { got <- len(b.read(10 * time.Minute)) }()
		}
		throttled := int64(0)
		for _, b := range benches {
			assert.Equal(t, 50, <-got)
			throttled += b.in.Stats().Throttled
		}
		assert.Zero(t, throttled, "five calls a second, all of them together")
	})
}

func TestCheck(t *testing.T) {
	steps := func(b *bench) []string {
		b.open()
		return awstest.Steps(b.t.Context(), b.in.Check)
	}
	bubble(t, "all is well", func(t *testing.T, b *bench) {
		b.deps.Identity = func(context.Context) (string, string, error) { return "1", "arn:aws:iam::1:user/u", nil }
		b.cfg.LogGroupName, b.cfg.LogGroupNamePrefix = "", "tr"
		b.s.empty = 0.5
		b.s.put("trail", "s", `{"eventVersion":"1.09","eventName":"GetUser","eventSource":"iam.amazonaws.com"}`, time.Now().Add(-300*24*time.Hour), 0)
		assert.Equal(t, []string{
			"identity: arn:aws:iam::1:user/u", "find log groups: 1, the first is trail", "read one log event: trail/s, 1999-03-07T00:00:00Z",
			"decode one record: GetUser of iam.amazonaws.com, eventVersion 1.09",
		}, steps(b))
	})
	bubble(t, "nothing in it yet", func(t *testing.T, b *bench) {
		assert.Equal(t, []string{
			"find log groups: skipped it is named in the configuration", "read one log event: trail can be read and holds no log event",
			"decode one record: skipped there is no log event yet",
		}, steps(b))
	})
	bubble(t, "other things in it", func(t *testing.T, b *bench) {
		b.put("a", 0, 0)
		assert.Contains(t, strings.Join(steps(b), "\n"), "decode one record: FAILED the log event is JSON but no CloudTrail record")
	})
	bubble(t, "damaged", func(t *testing.T, b *bench) {
		b.s.put("trail", "s", `{"a`, time.Now(), 0)
		assert.Contains(t, strings.Join(steps(b), "\n"), "decode one record: FAILED the log event is truncated")
	})
	bubble(t, "not allowed", func(t *testing.T, b *bench) {
		b.deps.Identity = func(context.Context) (string, string, error) { return "", "", errors.New("no STS here") }
		b.s.onCall = func(*cloudwatchlogs.FilterLogEventsInput) error { return apiError("AccessDeniedException") }
		assert.Equal(t, []string{
			"identity: FAILED no STS here", "find log groups: skipped it is named in the configuration",
			`read one log event: FAILED reading log group "trail" in eu-west-1: access denied (AccessDeniedException); allow logs:FilterLogEvents on arn:aws:logs:eu-west-1:*:log-group:trail:*; the answer was: as the test wants`,
		}, steps(b))
	})
	bubble(t, "no such prefix", func(t *testing.T, b *bench) {
		b.cfg.LogGroupName, b.cfg.LogGroupNamePrefix = "", "x"
		assert.Equal(t, []string{`find log groups: FAILED no log group in eu-west-1 begins with "x": check log_group_name_prefix and region_name`}, steps(b))
	})
}
