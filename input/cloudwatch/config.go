package cloudwatch

import (
	"errors"
	"fmt"
	"time"

	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/batch"
)

// Config of the aws-cloudwatch input.
type Config struct {
	// AWS is the block of credentials, endpoint and connections. Its api_timeout bounds each call of this input too.
	AWS aws.Config `config:",inline"`

	// LogGroupARN is one log group, which may belong to a source account that is linked to this one. Default empty. Exactly
	// one of LogGroupARN, LogGroupName and LogGroupNamePrefix is needed.
	LogGroupARN string `config:"log_group_arn"`
	// LogGroupName is one log group of this account; needs RegionName. Default empty.
	LogGroupName string `config:"log_group_name"`
	// LogGroupNamePrefix is the start of the names of many log groups; needs RegionName. New ones are found while running.
	// Default empty.
	LogGroupNamePrefix string `config:"log_group_name_prefix"`
	// IncludeLinkedAccounts also takes log groups of source accounts that are linked to this one, with LogGroupNamePrefix.
	// Default false.
	IncludeLinkedAccounts bool `config:"include_linked_accounts_for_prefix_mode"`
	// IncludeLinkedAccountsAlias is another name for the same. Default false.
	IncludeLinkedAccountsAlias bool `config:"include_linked_accounts_with_prefix"`
	// RegionName is that of the log groups. Default empty: with LogGroupARN the ARN says it, else region or default_region
	// must be set.
	RegionName string `config:"region_name"`
	// LogStreams are the names of the log streams to read, at most 100. Default none: all are read.
	LogStreams []string `config:"log_streams"`
	// LogStreamPrefix limits reading to log streams whose names start so. Default empty: all are read. Not with LogStreams.
	LogStreamPrefix string `config:"log_stream_prefix"`

	// StartPosition is where a log group without a checkpoint is begun: beginning (all that it holds), end (what comes after
	// the first start of this input) or lastSync (the same as beginning, for it only differs where checkpoints are not kept by
	// themselves). Default and empty: beginning. A log group with a checkpoint always goes on from there.
	StartPosition string `config:"start_position"`
	// ScanFrequency is the time from one look at a log group to the next, where nothing is left to catch up with. Default 1m;
	// must be above 0.
	ScanFrequency time.Duration `config:"scan_frequency"`
	// APISleep is the least time between two FilterLogEvents calls in one account and region, of all inputs together.
	// Default 200ms, which is AWS's quota of 5 calls a second; 0 sets no floor.
	APISleep time.Duration `config:"api_sleep"`
	// Latency holds reading back by so much, for log groups whose events come late. Default 0: up to now. Overlap finds late
	// events without the delay.
	Latency time.Duration `config:"latency"`
	// Overlap is how far before its end each pass is read again by the next, to find events that came late. Default 15m: three
	// times what CloudTrail needs on average. 0 finds no late events.
	Overlap time.Duration `config:"overlap"`
	// OverlapMax is how far Overlap may grow by itself where log events are seen to be taken in later than that. Default 1h; 0
	// or anything up to Overlap lets it not grow.
	OverlapMax time.Duration `config:"overlap_max"`
	// Workers is how many log groups are read at the same time. Default 1; must be above 0. All of them share the calls that
	// APISleep allows, so more than 5 do not help.
	Workers int `config:"number_of_workers"`

	// WindowMaxPages and WindowMaxBytes end a window early; the next goes on from there. Defaults 32 pages, 16MiB of
	// messages; must be above 0.
	WindowMaxPages int   `config:"window_max_pages"`
	WindowMaxBytes int64 `config:"window_max_bytes,bytes"`
	// SeenMax is how many event ids are remembered for each log group, so that the overlap is not delivered again. Default
	// 200000 (about 8 MiB); 0 remembers none. What is beyond it comes again and is a duplicate by its document id.
	SeenMax int `config:"seen_max"`
	// Flight bounds the batches.
	batch.Flight `config:",inline"`
}

// The values of StartPosition.
const (
	startBeginning = "beginning"
	startEnd       = "end"
	startLastSync  = "lastSync"
)

// DefaultConfig gives the defaults; a log group has none.
func DefaultConfig() Config {
	return Config{
		AWS:            aws.DefaultConfig(),
		StartPosition:  startBeginning,
		ScanFrequency:  time.Minute,
		APISleep:       200 * time.Millisecond,
		Overlap:        15 * time.Minute,
		OverlapMax:     time.Hour,
		Workers:        1,
		WindowMaxPages: 32,
		WindowMaxBytes: 16 << 20,
		SeenMax:        200_000,
		Flight:         batch.DefaultFlight(),
	}
}

// Validate joins all that is wrong.
func (c Config) Validate() error {
	errs := []error{c.AWS.Validate()}
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	c.validateGroups(bad)
	switch c.StartPosition {
	case "", startBeginning, startEnd, startLastSync:
	default:
		bad("start_position: must be beginning, end or lastSync, is %q", c.StartPosition)
	}
	if c.ScanFrequency <= 0 {
		bad("scan_frequency: must be > 0, is %s", c.ScanFrequency)
	}
	for _, d := range []struct {
		name string
		is   time.Duration
	}{{"api_sleep", c.APISleep}, {"latency", c.Latency}, {"overlap", c.Overlap}, {"overlap_max", c.OverlapMax}} {
		if d.is < 0 {
			bad("%s: must be >= 0, is %s", d.name, d.is)
		}
	}
	if c.SeenMax < 0 {
		bad("seen_max: must be >= 0, is %d", c.SeenMax)
	}
	for _, n := range []struct {
		name string
		is   int
	}{{"number_of_workers", c.Workers}, {"window_max_pages", c.WindowMaxPages}} {
		if n.is <= 0 {
			bad("%s: must be > 0, is %d", n.name, n.is)
		}
	}
	if c.WindowMaxBytes <= 0 {
		bad("window_max_bytes: must be > 0, is %d", c.WindowMaxBytes)
	}
	c.Flight.Validate(bad)
	return errors.Join(errs...)
}

func (c Config) validateGroups(bad func(string, ...any)) {
	named := 0
	for _, s := range []string{c.LogGroupARN, c.LogGroupName, c.LogGroupNamePrefix} {
		if s != "" {
			named++
		}
	}
	if named != 1 {
		bad("log_group_arn: exactly one of log_group_arn, log_group_name and log_group_name_prefix is needed, %d are set", named)
	}
	if c.LogGroupARN != "" {
		group, err := aws.ParseLogGroupARN(c.LogGroupARN)
		if err != nil {
			bad("log_group_arn: %w", err)
		} else if c.RegionName != "" && c.RegionName != group.Region {
			bad("region_name: is %q, but log_group_arn says %q; remove region_name", c.RegionName, group.Region)
		}
	} else if c.region() == "" {
		bad("region_name: is needed with log_group_name and log_group_name_prefix")
	}
	if c.linked() && c.LogGroupNamePrefix == "" {
		bad("include_linked_accounts_for_prefix_mode: goes with log_group_name_prefix only; name a log group of another account by log_group_arn")
	}
	if len(c.LogStreams) > 0 && c.LogStreamPrefix != "" {
		bad("log_stream_prefix: cannot go together with log_streams; keep one of them")
	}
	if len(c.LogStreams) > 100 {
		bad("log_streams: AWS takes at most 100 names in one call, there are %d; use log_stream_prefix or a second input", len(c.LogStreams))
	}
	for i, s := range c.LogStreams {
		if s == "" {
			bad("log_streams.%d: must not be empty", i)
		}
	}
}

func (c Config) linked() bool { return c.IncludeLinkedAccounts || c.IncludeLinkedAccountsAlias }

// region of the log groups. Empty where nothing says it.
func (c Config) region() string {
	if c.LogGroupARN != "" {
		if group, err := aws.ParseLogGroupARN(c.LogGroupARN); err == nil {
			return group.Region
		}
	}
	for _, r := range []string{c.RegionName, c.AWS.Region, c.AWS.DefaultRegion} {
		if r != "" {
			return r
		}
	}
	return ""
}
