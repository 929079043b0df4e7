package aws

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestValidate(t *testing.T) {
	require.NoError(t, DefaultConfig().Validate())
	for name, test := range map[string]struct {
		set  func(*Config)
		want string
	}{
		"half of the keys":       {func(c *Config) { c.AccessKeyID = "A" }, "secret_access_key: is missing"},
		"the other half":         {func(c *Config) { c.SecretAccessKey = "S3CRET" }, "access_key_id: is missing"},
		"a token alone":          {func(c *Config) { c.SessionToken = "S3CRET" }, "session_token: goes with"},
		"a role that is none":    {func(c *Config) { c.RoleARN = "trailbeat" }, "role_arn: must be the ARN of a role"},
		"a user as a role":       {func(c *Config) { c.RoleARN = "arn:aws:iam::123456789012:user/x" }, "role_arn: must be the ARN of a role"},
		"an id without a role":   {func(c *Config) { c.ExternalID = "x" }, "external_id: goes with role_arn"},
		"a chain without a role": {func(c *Config) { c.RoleChain = []Role{{}} }, "role_chain.0.role_arn: is missing"},
		"a chain, name":          {func(c *Config) { c.RoleChain = []Role{{RoleARN: role("a"), SessionName: "a b"}} }, "role_chain.0.session_name: must be"},
		"a session name":         {func(c *Config) { c.RoleSessionName = "a b" }, "role_session_name: must be"},
		"a short session":        {func(c *Config) { c.AssumeRole.Duration = time.Minute }, "assume_role.duration: must be 15m to 12h, is 1m0s"},
		"a long chain": {func(c *Config) {
			c.RoleARN, c.RoleChain, c.AssumeRole.Duration = role("a"), []Role{{RoleARN: role("b")}}, 2*time.Hour
		}, "assume_role.duration: AWS allows at most 1h"},
		"a long window":         {func(c *Config) { c.AssumeRole.ExpiryWindow = time.Hour }, "assume_role.expiry_window: must be"},
		"half a web identity":   {func(c *Config) { c.WebIdentity.TokenFile = "t" }, "web_identity.role_arn: goes together"},
		"two identities":        {func(c *Config) { c.WebIdentity = WebIdentity{"t", role("a")}; c.CredentialProfileName = "p" }, "web_identity.token_file: cannot go together"},
		"an endpoint":           {func(c *Config) { c.Endpoint = "host:9000" }, "endpoint: must be a URL"},
		"an endpoint's scheme":  {func(c *Config) { c.Endpoint = "s3://x" }, "endpoint: must be a URL"},
		"an endpoint, password": {func(c *Config) { c.Endpoint = "http://u:S3CRET@x" }, "endpoint: must not hold a user"},
		"FIPS":                  {func(c *Config) { c.Endpoint, c.FIPSEnabled = "http://x", true }, "fips_enabled: cannot go together"},
		"a proxy":               {func(c *Config) { c.ProxyURL = "u:S3CRET@x:1" }, "proxy_url: must be a URL"},
		"a proxy that is none":  {func(c *Config) { c.ProxyURL = "http://u:S3CRET@[x" }, "proxy_url: must be a URL"},
		"TLS":                   {func(c *Config) { c.SSL.VerificationMode = "off" }, "ssl.verification_mode: must be"},
		"half a certificate":    {func(c *Config) { c.SSL.Key = "S3CRET" }, "ssl.certificate: goes together"},
		"retries":               {func(c *Config) { c.Retry = Retry{"legacy", 0} }, "retry.max_attempts: must be > 0"},
		"the way of retries":    {func(c *Config) { c.Retry.Mode = "legacy" }, "retry.mode: must be standard or adaptive"},
		"a timeout":             {func(c *Config) { c.APITimeout = 0 }, "api_timeout: must be > 0"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := DefaultConfig()
			test.set(&cfg)
			err := cfg.Validate()
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), "S3CRET")
		})
	}
}

func role(name string) string { return "arn:aws:iam::123456789012:role/" + name }

func TestParseQueueURL(t *testing.T) {
	for text, want := range map[string]Queue{
		"https://sqs.eu-west-1.amazonaws.com/123456789012/trail":             {Name: "trail", AccountID: "123456789012", Region: "eu-west-1"},
		"https://sqs.eu-west-1.amazonaws.com/123456789012/trail.fifo":        {Name: "trail.fifo", AccountID: "123456789012", Region: "eu-west-1"},
		"https://sqs-fips.us-gov-west-1.amazonaws.com/123456789012/trail":    {Name: "trail", AccountID: "123456789012", Region: "us-gov-west-1"},
		"https://sqs.cn-north-1.amazonaws.com.cn/123456789012/trail":         {Name: "trail", AccountID: "123456789012", Region: "cn-north-1"},
		"https://eu-west-1.queue.amazonaws.com/123456789012/trail":           {Name: "trail", AccountID: "123456789012", Region: "eu-west-1"},
		"https://queue.amazonaws.com/123456789012/trail":                     {Name: "trail", AccountID: "123456789012", Region: "us-east-1"},
		"https://vpce-1a-2b.sqs.us-east-2.vpce.amazonaws.com/123456789012/t": {Name: "t", AccountID: "123456789012", Region: "us-east-2", Endpoint: "https://vpce-1a-2b.sqs.us-east-2.vpce.amazonaws.com"},
		"http://127.0.0.1:1234/123456789012/queue":                           {Name: "queue", AccountID: "123456789012", Endpoint: "http://127.0.0.1:1234"},
		"http://sqs.us-east-1.localhost.example:4566/000000000000/queue":     {Name: "queue", AccountID: "000000000000", Region: "us-east-1", Endpoint: "http://sqs.us-east-1.localhost.example:4566"},
		"http://localhost:9324/queue/q":                                      {Name: "q", AccountID: "queue", Endpoint: "http://localhost:9324"},
	} {
		want.URL = text
		got, err := ParseQueueURL(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got)
	}
	q, _ := ParseQueueURL("http://127.0.0.1:1234/123456789012/queue")
	assert.Equal(t, "arn:aws-cn:sqs:cn-north-1:123456789012:queue", q.ARN("cn-north-1"))
	for _, text := range []string{"", "trail", "sqs.eu-west-1.amazonaws.com/1/q", "https://sqs.eu-west-1.amazonaws.com/", "https://user:S3CRET@x/1/q", "ftp://x/1/q"} {
		_, err := ParseQueueURL(text)
		require.Error(t, err, text)
		assert.NotContains(t, err.Error(), "S3CRET")
	}
}

func TestParseARNs(t *testing.T) {
	b, err := ParseBucketARN("arn:aws-us-gov:s3:::my.trail")
	require.NoError(t, err)
	assert.Equal(t, Bucket{Name: "my.trail", ARN: "arn:aws-us-gov:s3:::my.trail"}, b)
	b, err = ParseAccessPointARN("arn:aws:s3:eu-west-1:123456789012:accesspoint/ap")
	require.NoError(t, err)
	assert.Equal(t, "eu-west-1", b.Region)
	assert.True(t, b.AccessPoint)
	for _, text := range []string{"", "my-trail", "arn:aws:sqs:::x", "arn:aws:s3:::x/y", "arn:aws:s3:::"} {
		_, err := ParseBucketARN(text)
		assert.Error(t, err, text)
		_, err = ParseAccessPointARN(text)
		assert.Error(t, err, text)
	}
	for _, text := range []string{"arn:aws:logs:eu-west-1:123456789012:log-group:/aws/trail", "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/trail:*"} {
		g, err := ParseLogGroupARN(text)
		require.NoError(t, err)
		assert.Equal(t, LogGroup{
			Name: "/aws/trail", Region: "eu-west-1", AccountID: "123456789012", Partition: "aws",
			ARN: "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/trail",
		}, g)
	}
	for _, text := range []string{"", "/aws/trail", "arn:aws:logs:eu-west-1:1:log-group:", "arn:aws:logs:eu-west-1:1:log-group:g:log-stream:s", "arn:aws:logs::1:log-group:g"} {
		_, err := ParseLogGroupARN(text)
		assert.Error(t, err, text)
	}
}

func TestObjectURL(t *testing.T) {
	for _, test := range []struct {
		endpoint, region, bucket, key string
		path                          bool
		want                          string
	}{
		{"", "us-east-1", "trail", "a/b c+d.gz", false, "https://trail.s3.us-east-1.amazonaws.com/a/b%20c+d.gz"},
		{"", "cn-north-1", "trail", "k", false, "https://trail.s3.cn-north-1.amazonaws.com.cn/k"},
		{"", "eu-west-1", "my.trail", "k", false, "https://s3.eu-west-1.amazonaws.com/my.trail/k"},
		{"http://127.0.0.1:9000", "eu-west-1", "trail", "k", false, "http://127.0.0.1:9000/trail/k"},
		{"http://minio:9000", "eu-west-1", "trail", "k", false, "http://minio:9000/trail/k"},
		{"https://s3.example.com", "eu-west-1", "trail", "k", false, "https://trail.s3.example.com/k"},
		{"https://s3.example.com", "eu-west-1", "trail", "k", true, "https://s3.example.com/trail/k"},
		{"", "", "arn:aws:s3:eu-west-1:123456789012:accesspoint/ap", "k", false, "https://ap-123456789012.s3-accesspoint.eu-west-1.amazonaws.com/k"},
	} {
		assert.Equal(t, test.want, ObjectURL(test.endpoint, test.region, test.bucket, test.key, test.path))
	}
}
