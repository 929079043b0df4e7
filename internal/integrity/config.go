package integrity

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Config is the group integrity.
type Config struct {
	// Enabled looks at the past while a run goes on. Default false.
	Enabled bool `config:"enabled"`
	// Verify proves the files of buckets by CloudTrail's digests. Default true; the trail needs log file validation.
	Verify bool `config:"verify"`
	// Audit compares the events of the inputs that can be read again with what the output holds. Default true.
	Audit bool `config:"audit"`
	// Interval is the pause between two checks. Default 1h; at least 1m.
	Interval time.Duration `config:"interval"`
	// Delay is how long ago an hour ended when it is looked at for the first time: CloudTrail delivers files within minutes and digests
	// within the next hour. Default 3h; must be > 0.
	Delay time.Duration `config:"delay"`
	// Start is how far back the first check begins. Default 24h; 0 begins with what ends from then on.
	Start time.Duration `config:"start"`
	// RetryFor is how long an hour that is not complete is looked at again. Default 72h; 0 looks once.
	RetryFor time.Duration `config:"retry_for"`
	// DataStream takes a document for each digest and each hour. Default logs-trailbeat.integrity-default; empty: none are written.
	DataStream string `config:"data_stream"`
}

// DefaultConfig gives the defaults.
func DefaultConfig() Config {
	return Config{
		Verify: true, Audit: true, Interval: time.Hour, Delay: 3 * time.Hour, Start: 24 * time.Hour, RetryFor: 72 * time.Hour,
		DataStream: "logs-trailbeat.integrity-default",
	}
}

// Validate joins all that is wrong.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Enabled && !c.Verify && !c.Audit {
		bad("enabled: needs verify or audit, but both are false")
	}
	if c.Interval < time.Minute {
		bad("interval: must be at least 1m, is %s", c.Interval)
	}
	if c.Delay <= 0 {
		bad("delay: must be > 0, is %s", c.Delay)
	}
	if c.Start < 0 {
		bad("start: must be >= 0, is %s", c.Start)
	}
	if c.RetryFor < 0 {
		bad("retry_for: must be >= 0 (0: an hour is looked at once), is %s", c.RetryFor)
	}
	if s := c.DataStream; s != "" && (strings.Count(s, "-") != 2 || strings.ToLower(s) != s) {
		bad("data_stream: must be TYPE-DATASET-NAMESPACE in lower case, such as logs-trailbeat.integrity-default, is %q", s)
	}
	return errors.Join(errs...)
}
