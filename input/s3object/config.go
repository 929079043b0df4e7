package s3object

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/trailbeat/trailbeat/input/batch"
	"github.com/trailbeat/trailbeat/input/records"
)

// The expressions of Elastic's integration.
const (
	DefaultCloudTrailRegex = "/CloudTrail/"
	DefaultDigestRegex     = "/CloudTrail-Digest/"
	DefaultInsightRegex    = "/CloudTrail-Insight/"
)

// Config is what the S3 inputs share, inline in their options.
type Config struct {
	// FileSelectors choose objects by their key; the first that matches counts, and an object that matches none is ignored.
	// Default none: the three expressions below choose.
	FileSelectors []FileSelector `config:"file_selectors"`
	// CloudTrailRegex is what keys of log files match. Default "/CloudTrail/". As long as it is the default, keys of another
	// layout are read too (network activity, aggregated events, buckets without AWSLogs/), but not those of other services
	// below AWSLogs/ACCOUNT/. Any other expression reads only what matches; empty reads no log files.
	CloudTrailRegex string `config:"cloudtrail_regex"`
	// DigestRegex is what keys of digest files match. Default "/CloudTrail-Digest/"; empty ignores those files.
	DigestRegex string `config:"cloudtrail_digest_regex"`
	// InsightRegex is what keys of Insights files match. Default "/CloudTrail-Insight/"; empty ignores those files.
	InsightRegex string `config:"cloudtrail_insight_regex"`
	// IncludeS3Metadata are headers of the object that go to aws.s3.metadata, such as last-modified or x-amz-meta-team.
	// Default none.
	IncludeS3Metadata []string `config:"include_s3_metadata"`
	// ExpandEventListFromField is known to be Records, which is found by itself. Default empty; nothing else is possible.
	ExpandEventListFromField string `config:"expand_event_list_from_field"`

	// Limits bound the batches.
	batch.Limits `config:",inline"`
	// MaxRecordBytes is the longest record in bytes; a longer one is a fault of its object. Default and 0: 16MiB.
	MaxRecordBytes int64 `config:"max_record_bytes,bytes"`
}

// FileSelector chooses objects.
type FileSelector struct {
	// Regex is what the key matches, anywhere in it. Required.
	Regex string `config:"regex"`
	// ExpandEventListFromField is known to be Records, which is found by itself. Default empty; nothing else is possible.
	ExpandEventListFromField string `config:"expand_event_list_from_field"`
}

// DefaultConfig gives the defaults.
func DefaultConfig() Config {
	return Config{
		CloudTrailRegex: DefaultCloudTrailRegex,
		DigestRegex:     DefaultDigestRegex,
		InsightRegex:    DefaultInsightRegex,
		Limits:          batch.DefaultLimits(),
		MaxRecordBytes:  records.DefaultMaxRecordBytes,
	}
}

// Validate joins all that is wrong.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	compiles := func(option, expression string) {
		if _, err := regexp.Compile(expression); err != nil {
			bad("%s: is %q, which is no regular expression (of RE2): %w; write \\ before a sign that is meant as such", option, expression, err)
		}
	}
	expands := func(option, field string) {
		if field != "" && field != "Records" {
			bad("%s: only Records is possible, is %q; remove it, as CloudTrail's files are recognised by their content", option, field)
		}
	}
	for i, s := range c.FileSelectors {
		option := fmt.Sprintf("file_selectors.%d.", i)
		if s.Regex == "" {
			bad("%sregex: is missing", option)
		}
		compiles(option+"regex", s.Regex)
		expands(option+"expand_event_list_from_field", s.ExpandEventListFromField)
	}
	compiles("cloudtrail_regex", c.CloudTrailRegex)
	compiles("cloudtrail_digest_regex", c.DigestRegex)
	compiles("cloudtrail_insight_regex", c.InsightRegex)
	expands("expand_event_list_from_field", c.ExpandEventListFromField)
	for i, name := range c.IncludeS3Metadata {
		if strings.TrimSpace(name) == "" {
			bad("include_s3_metadata.%d: must not be empty", i)
		}
	}
	c.Limits.Validate(bad)
	batch.ValidateRecordBytes(c.MaxRecordBytes, bad)
	return errors.Join(errs...)
}
