package eventhistory

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input/aws/awstest"
)

func TestConfig(t *testing.T) {
	require.NoError(t, DefaultConfig().Validate())
	for want, change := range map[string]func(*Config){
		`regions.1: must be the name of a region such as eu-west-1, all or default, is ""`: func(c *Config) { c.Regions = []string{"eu-west-1", ""} },
		"regions.1: eu-west-1 is there twice":                                              func(c *Config) { c.Regions = []string{"eu-west-1", "eu-west-1"} },
		"regions: all goes alone":                                                          func(c *Config) { c.Regions = []string{"eu-west-1", "all"} },
		"event_categories: must name":                                                      func(c *Config) { c.EventCategories = nil },
		`event_categories.0: must be management or insight, is "data"`:                     func(c *Config) { c.EventCategories = []string{"data"} },
		"event_categories.1: insight is there twice":                                       func(c *Config) { c.EventCategories = []string{"insight", "insight"} },
		"lookup_attributes.0.attribute_key: must be one of EventId, ":                      func(c *Config) { c.LookupAttributes = []Attribute{{"eventName", "x"}} },
		"lookup_attributes.0.attribute_value: must have 1 to 2000":                         func(c *Config) { c.LookupAttributes = []Attribute{{"EventName", ""}} },
		"lookup_attributes.0.attribute_value: must be true or false":                       func(c *Config) { c.LookupAttributes = []Attribute{{"ReadOnly", "no"}} },
		"lookup_attributes.1: EventName=x is there twice":                                  func(c *Config) { c.LookupAttributes = []Attribute{{"EventName", "x"}, {"EventName", "x"}} },
		"lookup_attributes.0.attribute_key: AWS looks up insights by": func(c *Config) {
			c.EventCategories, c.LookupAttributes = []string{"insight"}, []Attribute{{"Username", "x"}}
		},
		"start_timestamp: must be beginning, a day":        func(c *Config) { c.StartTimestamp = "soon" },
		"scan_frequency: must be > 0":                      func(c *Config) { c.ScanFrequency = 0 },
		"ignore_older: must be >= 0 and at most 2160h0m0s": func(c *Config) { c.IgnoreOlder = 91 * 24 * time.Hour },
		"lookback: must be >= 0":                           func(c *Config) { c.Lookback = -1 },
		"lookback_max: must be >= 0":                       func(c *Config) { c.LookbackMax = -1 },
		"api_sleep: must be >= 0":                          func(c *Config) { c.APISleep = -1 },
		"number_of_workers: must be > 0":                   func(c *Config) { c.Workers = 0 },
		"seen_max: must be >= 0":                           func(c *Config) { c.SeenMax = -1 },
		"batch_max_records: must be > 0":                   func(c *Config) { c.BatchMaxRecords = 0 },
		"max_batches_in_flight: must be > 0":               func(c *Config) { c.MaxBatchesInFlight = 0 },
		"api_timeout: must be > 0":                         func(c *Config) { c.AWS.APITimeout = 0 },
	} {
		t.Run(want, func(t *testing.T) {
			c := DefaultConfig()
			change(&c)
			err := c.Validate()
			require.ErrorContains(t, err, want)
			assert.Equal(t, 0, strings.Count(err.Error(), "\n"), "nothing else: %v", err)
			_, err = New(c, Deps{})
			require.Error(t, err)
		})
	}
	_, err := New(DefaultConfig(), Deps{})
	require.ErrorContains(t, err, "no store")
}

func TestPolicy(t *testing.T) {
	c := DefaultConfig()
	assert.Equal(t, []Statement{
		{Actions: []string{"cloudtrail:LookupEvents"}, Resources: []string{"*"}},
		{Actions: []string{"account:ListRegions"}, Resources: []string{"arn:aws:account::*:account"}},
	}, c.Policy())
	c.AWS.DefaultRegion, c.AWS.RoleARN = "cn-north-1", "arn:aws-cn:iam::123456789012:role/r"
	assert.Equal(t, []Statement{
		{Actions: []string{"cloudtrail:LookupEvents"}, Resources: []string{"*"}},
		{Actions: []string{"account:ListRegions"}, Resources: []string{"arn:aws-cn:account::*:account"}},
		{Actions: []string{"sts:AssumeRole"}, Resources: []string{"arn:aws-cn:iam::123456789012:role/r"}},
	}, c.Policy())
	c = DefaultConfig()
	c.Regions = []string{"us-gov-west-1", "default"}
	assert.Equal(t, []Statement{{
		Actions: []string{"cloudtrail:LookupEvents"}, Resources: []string{"*"},
		Condition: map[string]map[string][]string{"StringEquals": {"aws:RequestedRegion": {"us-gov-east-1", "us-gov-west-1"}}},
	}}, c.Policy())
}

func TestSource(t *testing.T) {
	c := DefaultConfig()
	assert.Equal(t, "event history of all regions", c.source())
	c.Regions, c.LookupAttributes = []string{"eu-west-1", "default"}, []Attribute{{"EventName", "a"}, {"ReadOnly", "true"}}
	assert.Equal(t, "event history of eu-west-1, default where EventName is a or ReadOnly is true", c.source())
}

func TestCheck(t *testing.T) {
	steps := func(b *bench) []string {
		b.open()
		list := awstest.Steps(b.t.Context(), b.in.Check)
		require.NoError(b.t, b.in.Close())
		return list
	}
	bubble(t, "all is well", func(t *testing.T, b *bench) {
		b.cfg.Regions, b.h.Regions = nil, []string{"us-east-1", "eu-west-1"}
		b.event("eu-west-1", 50*24*time.Hour, 0)
		b.event("us-east-1", 60*24*time.Hour, 0)
		assert.Equal(t, []string{
			"identity: arn:aws:iam::123456789012:user/reader", "find regions: 2 are enabled: eu-west-1, us-east-1",
			"look up events: 2 of 2 regions can be read; the newest event is of 1999-11-12T00:00:00Z in eu-west-1",
			"decode one record: GetUser of iam.amazonaws.com, eventVersion 1.11",
		}, steps(b))
	})
	bubble(t, "nothing yet", func(t *testing.T, b *bench) {
		assert.Equal(t, []string{
			"identity: arn:aws:iam::123456789012:user/reader", "find regions: skipped they are named in the configuration: us-east-1",
			"look up events: 1 of 1 regions can be read; they hold no event", "decode one record: skipped there is no event yet",
		}, steps(b))
	})
	bubble(t, "wrong keys", func(t *testing.T, b *bench) {
		b.cfg.Regions = nil
		b.refuse("ListRegions", 403, "UnrecognizedClientException", func() bool { return true })
		list := steps(b)
		require.Len(t, list, 2)
		assert.Contains(t, list[1], "find regions: FAILED asking which regions are enabled in the account: no valid credentials")
	})
	bubble(t, "one of two is denied", func(t *testing.T, b *bench) {
		b.cfg.Regions = []string{"us-east-1", "eu-west-1"}
		b.server.Hook(func(call string, r *http.Request) *awstest.Fault {
			if call == "LookupEvents" && strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/") {
				return &awstest.Fault{Status: 400, Code: "AccessDeniedException", Message: "no"}
			}
			return nil
		})
		list := steps(b)
		require.Len(t, list, 5)
		assert.Contains(t, list[2], "look up eu-west-1: FAILED looking up the event history of eu-west-1: access denied (AccessDeniedException); allow cloudtrail:LookupEvents on *")
		assert.Equal(t, "look up events: 1 of 2 regions can be read; they hold no event", list[3])
	})
}

func TestPosition(t *testing.T) {
	var p position
	p.leave(span{100, 99}, false)
	assert.Empty(t, p.past, "nothing")
	p.leave(span{100, 199}, false)
	p.leave(span{200, 299}, false)
	assert.Equal(t, []span{{100, 299}}, p.past, "joined")
	p.leave(span{300, 399}, true)
	assert.Equal(t, []span{{100, 299}, {300, 399}}, p.past, "the first is being read")
	p.leave(span{400, 499}, true)
	p.leave(span{600, 699}, true)
	assert.Equal(t, []span{{100, 299}, {300, 499}, {600, 699}}, p.past)
	assert.EqualValues(t, 250, p.forget(350))
	assert.Equal(t, []span{{350, 499}, {600, 699}}, p.past)
	var c checkpoint
	c.put(p)
	assert.True(t, c.position().equal(p))
}
