package s3object

import (
	"regexp"
	"strings"

	"github.com/trailbeat/trailbeat/input/records"
	"github.com/trailbeat/trailbeat/internal/lazyregexp"
)

// Kind is what a key says of its object.
type Kind uint8

// The kinds.
const (
	// Ignored objects are not read.
	Ignored Kind = iota
	// Log is a file of records.
	Log
	// Digest is a digest file, which is one record.
	Digest
	// Insight is a file of Insights records.
	Insight
)

var kindNames = [...]string{"ignored", "log", "digest", "insight"}

// String is for logs and metrics.
func (k Kind) String() string { return kindNames[k] }

// Selector decides by its key whether an object is read.
type Selector struct {
	selectors              []*regexp.Regexp
	digest, insight, trail *regexp.Regexp // nil: not read
	others                 bool
}

// NewSelector makes a Selector of valid options.
func NewSelector(cfg Config) *Selector {
	s := &Selector{others: cfg.CloudTrailRegex == DefaultCloudTrailRegex}
	compile := func(expression string) *regexp.Regexp {
		if expression == "" {
			return nil
		}
		return regexp.MustCompile(expression) // Validate compiled it
	}
	s.digest, s.insight, s.trail = compile(cfg.DigestRegex), compile(cfg.InsightRegex), compile(cfg.CloudTrailRegex)
	for _, f := range cfg.FileSelectors {
		s.selectors = append(s.selectors, compile(f.Regex))
	}
	return s
}

var (
	// awsLayout is the layout of all services that log to S3, with the name of the service or of the kind of file.
	awsLayout = lazyregexp.New(`(?:^|/)AWSLogs/(?:o-[a-z0-9]+/)?\d{12}/([^/]+)/`)
	byDefault = lazyregexp.New(DefaultDigestRegex)
	insightBy = lazyregexp.New(DefaultInsightRegex)
)

// Kind tells what to do with the object of a key.
func (s *Selector) Kind(key string) Kind {
	if strings.HasSuffix(key, "/") {
		return Ignored // a folder, made by hand
	}
	if len(s.selectors) > 0 && !matchesAny(s.selectors, key) {
		return Ignored
	}
	switch {
	case s.digest != nil && s.digest.MatchString(key):
		return Digest
	case s.insight != nil && s.insight.MatchString(key):
		return Insight
	case s.trail != nil && s.trail.MatchString(key), len(s.selectors) > 0:
		return Log
	case !s.others || byDefault().MatchString(key) || insightBy().MatchString(key):
		return Ignored
	}
	if m := awsLayout().FindStringSubmatch(key); m != nil && !strings.HasPrefix(m[1], "CloudTrail") {
		return Ignored
	}
	return Log
}

func matchesAny(expressions []*regexp.Regexp, key string) bool {
	for _, e := range expressions {
		if e.MatchString(key) {
			return true
		}
	}
	return false
}

// format is what the name of an object says of its content.
func format(key string) records.Format {
	name := strings.TrimSuffix(strings.ToLower(key), ".gz")
	if strings.HasSuffix(name, ".ndjson") || strings.HasSuffix(name, ".jsonl") {
		return records.FormatLines
	}
	return records.FormatAuto
}
