package s3object

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input/batch"
)

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestKinds(t *testing.T) {
	const base = "p/AWSLogs/o-abc123/123456789012/"
	for _, test := range []struct {
		name string
		set  func(*Config)
		want map[string]Kind
	}{
		{"defaults", func(*Config) {}, map[string]Kind{
			base + "CloudTrail/us-east-1/2024/05/06/x.json.gz":                 Log,
			base + "CloudTrail-Digest/us-east-1/2024/05/06/x.json.gz":          Digest,
			base + "CloudTrail-Insight/us-east-1/2024/05/06/x.json.gz":         Insight,
			base + "CloudTrail-NetworkActivity/us-east-1/2024/05/06/x.json.gz": Log,
			base + "CloudTrail-Aggregated/us-east-1/2024/05/06/x.json.gz":      Log,
			base + "Config/us-east-1/2024/5/6/x.json.gz":                       Ignored,
			base + "vpcflowlogs/us-east-1/x.log.gz":                            Ignored,
			"AWSLogs/123456789012/elasticloadbalancing/x.log.gz":               Ignored,
			base + "CloudTrail/":   Ignored,
			"my/own/layout/x.json": Log,
			"x.json":               Log,
		}},
		{"own expressions", func(c *Config) { c.CloudTrailRegex, c.DigestRegex, c.InsightRegex = `^mine/`, `-digests/`, "" }, map[string]Kind{
			"mine/x.json": Log, "a-digests/x": Digest, base + "CloudTrail/x": Ignored, base + "CloudTrail-Insight/x": Ignored, "other/x": Ignored,
		}},
		{"no digests and insights", func(c *Config) { c.DigestRegex, c.InsightRegex = "", "" }, map[string]Kind{
			base + "CloudTrail-Digest/x": Ignored, base + "CloudTrail-Insight/x": Ignored, base + "CloudTrail/x": Log, base + "CloudTrail-Aggregated/x": Log,
		}},
		{"selectors", func(c *Config) {
			c.FileSelectors = []FileSelector{{Regex: `/CloudTrail/eu-`}, {Regex: `/CloudTrail-Digest/`}, {Regex: `^Config/`, ExpandEventListFromField: "Records"}}
		}, map[string]Kind{
			base + "CloudTrail/eu-west-1/x": Log, base + "CloudTrail/us-east-1/x": Ignored, base + "CloudTrail-Digest/x": Digest, "Config/x": Log, "x": Ignored,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := DefaultConfig()
			test.set(&cfg)
			require.NoError(t, cfg.Validate())
			s := NewSelector(cfg)
			for key, want := range test.want {
				assert.Equal(t, want.String(), s.Kind(key).String(), key)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	cfg := Config{
		FileSelectors:   []FileSelector{{}, {Regex: "(", ExpandEventListFromField: "a"}},
		CloudTrailRegex: "(", DigestRegex: "(", InsightRegex: "(", ExpandEventListFromField: "x", IncludeS3Metadata: []string{" "},
		Limits: batch.Limits{BatchMaxBytes: -1}, MaxRecordBytes: -1,
	}
	err := cfg.Validate()
	require.Error(t, err)
	for _, option := range []string{
		"file_selectors.0.regex: is missing", "file_selectors.1.regex: ", "file_selectors.1.expand_event_list_from_field: ", "cloudtrail_regex: ",
		"cloudtrail_digest_regex: ", "cloudtrail_insight_regex: ", "expand_event_list_from_field: ", "include_s3_metadata.0: ",
		"batch_max_records: ", "batch_max_bytes: ", "max_record_bytes: ",
	} {
		assert.ErrorContains(t, err, option)
	}
}
