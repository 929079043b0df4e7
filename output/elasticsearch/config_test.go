package elasticsearch

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDefaultConfigNeedsOnlyHosts(t *testing.T) {
	conf := DefaultConfig()
	require.ErrorContains(t, conf.Validate(), "hosts: must not be empty")
	conf.Hosts = []string{"localhost"}
	require.NoError(t, conf.Validate())
	assert.Equal(t, "logs-aws.cloudtrail-default", conf.DefaultIndex())
}

func TestValidateNamesEachOption(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"deduplication", func(c *Config) { c.DeduplicateAcrossRollover = "yes" }, "deduplicate_across_rollover: must be auto, required or off"},
		{"deduplication of an index", func(c *Config) {
			c.DeduplicateAcrossRollover, c.RequireDataStream = DeduplicateRequired, false
		}, "deduplicate_across_rollover: cannot be required with require_data_stream: false"},
		{"signature and password", func(c *Config) { c.AWS.SigV4.Enabled, c.Username, c.Password = true, "elastic", "geheim" }, "aws.sigv4.enabled: cannot go together with username"},
		{"service", func(c *Config) { c.AWS.SigV4 = SigV4Config{Enabled: true, Service: "s3"} }, `aws.sigv4.service: must be es or aoss, is "s3"`},
		{"serverless collection", func(c *Config) { c.AWS.SigV4 = SigV4Config{Enabled: true, Service: "aoss"} }, "aws.sigv4.service: OpenSearch Serverless has no data streams"},
		{"cloud and hosts", func(c *Config) { c.Cloud.ID = "x:eA==" }, "cloud.id: cannot go together with hosts"},
		{"cloud id", func(c *Config) { c.Hosts, c.Cloud.ID = nil, "name:???" }, "cloud.id: the part behind the colon is not base64"},
		{"cloud id without a deployment", func(c *Config) { c.Hosts, c.Cloud.ID = nil, "name:ZXhhbXBsZS5jb20=" }, "cloud.id: names no host and deployment"},
		{"cloud auth", func(c *Config) { c.Cloud.Auth = "elastic" }, "cloud.auth: must be user:password"},
		{"scheme", func(c *Config) { c.Hosts = []string{"a", "ftp://b"} }, "hosts.1: must begin with http:// or https://"},
		{"no colon", func(c *Config) { c.Hosts = []string{"https//es:9200"} }, "hosts.0: must begin with http:// or https:// with a colon"},
		{"one slash", func(c *Config) { c.Hosts = []string{"http:/es:9200"} }, "hosts.0: must begin with http:// or https:// with a colon"},
		{"query", func(c *Config) { c.Hosts = []string{"http://b/?x=1"} }, "hosts.0: must have no query"},
		{"host", func(c *Config) { c.Hosts = []string{"http://user:geheim@:x"} }, "hosts.0: must be a URL or host:port"},
		{"protocol", func(c *Config) { c.Protocol = "tcp" }, `protocol: must be http or https, is "tcp"`},
		{"two identities", func(c *Config) { c.APIKey, c.Username = "id:geheim", "elastic" }, "api_key: cannot go together with username"},
		{"api key", func(c *Config) { c.APIKey = "geheim" }, "api_key: must be id:key"},
		{"password", func(c *Config) { c.Password = "geheim" }, "password: needs username"},
		{"index", func(c *Config) { c.Index = "Logs" }, `index: must be in lower case, is "Logs"`},
		{"index with a hyphen first", func(c *Config) { c.Index = "-logs" }, "index: must not begin with"},
		{"index with a star", func(c *Config) { c.Index = "logs-*" }, "index: must not contain"},
		{"dataset", func(c *Config) { c.DataStream.Dataset = "aws-cloudtrail" }, "data_stream.dataset: must not contain a hyphen"},
		{"namespace", func(c *Config) { c.DataStream.Namespace = "" }, "data_stream.namespace: must not be empty"},
		{"worker", func(c *Config) { c.Worker = -1 }, "worker: must be >= 1, is -1"},
		{"bytes", func(c *Config) { c.BulkMaxBytes = -1 }, "bulk_max_bytes: must be >= 0"},
		{"compression", func(c *Config) { c.CompressionLevel = 10 }, "compression_level: must be 0 (off) to 9, is 10"},
		{"first wait", func(c *Config) { c.Backoff.Init = -time.Second }, "backoff.init: must be > 0, is -1s"},
		{"longest wait", func(c *Config) { c.Backoff.Max = time.Millisecond }, "backoff.max: must be at least backoff.init (1s), is 1ms"},
		{"timeout", func(c *Config) { c.Timeout = -1 }, "timeout: must be >= 0"},
		{"idle", func(c *Config) { c.IdleConnectionTimeout = -1 }, "idle_connection_timeout: must be >= 0"},
		{"parameters", func(c *Config) { c.Parameters = map[string]string{"filter_path": "x"} }, "parameters.filter_path: is set by the output itself"},
		{"headers", func(c *Config) { c.Headers = map[string]string{"content-type": "x"} }, "headers.content-type: is set by the output itself"},
		{"proxy", func(c *Config) { c.ProxyURL = "user:geheim@proxy:99999x" }, "proxy_url: must be a URL"},
		{"verification", func(c *Config) { c.SSL.VerificationMode = "some" }, `ssl.verification_mode: must be full, strict, certificate or none, is "some"`},
		{"certificate without key", func(c *Config) { c.SSL.Certificate = "x" }, "ssl.certificate: goes together with ssl.key"},
		{"protocols", func(c *Config) { c.SSL.SupportedProtocols = []string{"SSLv3"} }, "ssl.supported_protocols.0: must be TLSv1.0"},
		{"protocols with a gap", func(c *Config) { c.SSL.SupportedProtocols = []string{"TLSv1.1", "TLSv1.3"} }, "ssl.supported_protocols: must have no gap"},
		{"fingerprint", func(c *Config) { c.SSL.CATrustedFingerprint = "abcd" }, "ssl.ca_trusted_fingerprint: must be a SHA-256 sum in hex"},
		{"pin", func(c *Config) { c.SSL.CASHA256 = []string{"abcd"} }, "ssl.ca_sha256.0: must be the base64 form"},
	} {
		t.Run(test.name, func(t *testing.T) {
			conf := DefaultConfig()
			conf.Hosts = []string{"localhost"}
			test.change(&conf)
			err := conf.Validate()
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), "geheim")
			for _, line := range strings.Split(err.Error(), "\n") {
				assert.Regexp(t, `^[a-z_0-9.-]+: `, line)
			}
		})
	}
}

func TestValidateJoins(t *testing.T) {
	conf := DefaultConfig()
	conf.Worker, conf.CompressionLevel, conf.Backoff.Init = -1, 11, 0
	assert.Len(t, strings.Split(conf.Validate().Error(), "\n"), 4)
}

func TestEndpoints(t *testing.T) {
	for host, want := range map[string]string{
		"localhost":                      "http://localhost:9200",
		"localhost:9201":                 "http://localhost:9201",
		"10.0.0.1:80":                    "http://10.0.0.1:80",
		"::1":                            "http://[::1]:9200",
		"[::1]:9201":                     "http://[::1]:9201",
		"https://es.example":             "https://es.example:9200",
		"https://es.example:443/":        "https://es.example:443",
		"https://es.example:443/a/b/":    "https://es.example:443/a/b",
		"https://elastic:geheim@es:9200": "https://es:9200",
	} {
		conf := DefaultConfig()
		conf.Hosts = []string{host}
		all, err := conf.endpoints()
		require.NoError(t, err, host)
		assert.Equal(t, want, all[0].String(), host)
	}
	conf := DefaultConfig()
	conf.Hosts, conf.Protocol, conf.Path = []string{"es", "http://other/own"}, "https", "/gateway/"
	all, err := conf.endpoints()
	require.NoError(t, err)
	assert.Equal(t, "https://es:9200/gateway", all[0].String())
	assert.Equal(t, "http://other:9200/own", all[1].String())
}

func TestCloudID(t *testing.T) {
	for plain, want := range map[string]string{
		"example.com$abc$def":           "https://abc.example.com:443",
		"example.com:9243$abc$def":      "https://abc.example.com:9243",
		"example.com:9243$abc:9244$def": "https://abc.example.com:9244",
		"example.com$abc":               "https://abc.example.com:443",
		"example.com$abc$":              "https://abc.example.com:443",
		"eu-central-1.aws.cloud.es.io$0123456789abcdef0123456789abcdef$fedcba9876543210fedcba9876543210": "https://0123456789abcdef0123456789abcdef.eu-central-1.aws.cloud.es.io:443",
	} {
		conf := DefaultConfig()
		conf.Cloud.ID = "my:deployment:" + base64.StdEncoding.EncodeToString([]byte(plain))
		require.NoError(t, conf.Validate())
		all, err := conf.endpoints()
		require.NoError(t, err)
		assert.Equal(t, want, all[0].String())
	}
}

func TestCredentials(t *testing.T) {
	encoded := base64.StdEncoding.EncodeToString([]byte("id:key"))
	for _, test := range []struct {
		change func(*Config)
		want   credentials
	}{
		{func(*Config) {}, credentials{}},
		{func(c *Config) { c.Username, c.Password = "u", "p" }, credentials{username: "u", password: "p"}},
		{func(c *Config) { c.APIKey = "id:key" }, credentials{apiKey: encoded}},
		{func(c *Config) { c.APIKey = encoded }, credentials{apiKey: encoded}},
		{func(c *Config) { c.Cloud.Auth = "u:p:q" }, credentials{username: "u", password: "p:q"}},
		{func(c *Config) { c.Cloud.Auth, c.Username, c.Password = "u:p", "v", "q" }, credentials{username: "u", password: "p"}},
		{func(c *Config) { c.Cloud.Auth = "u:" }, credentials{username: "u"}},
		{func(c *Config) { c.Hosts = []string{"a", "https://u:p%40@b"} }, credentials{username: "u", password: "p@"}},
		{func(c *Config) { c.Hosts, c.Username = []string{"https://u:p@b"}, "v" }, credentials{username: "v"}},
	} {
		conf := DefaultConfig()
		conf.Hosts = []string{"a"}
		test.change(&conf)
		require.NoError(t, conf.Validate())
		got, err := conf.credentials()
		require.NoError(t, err)
		assert.Equal(t, test.want, got)
	}
}

func TestPortsOfAmazonOpenSearchService(t *testing.T) {
	for host, want := range map[string]string{
		"https://d.eu-west-1.es.amazonaws.com":      "https://d.eu-west-1.es.amazonaws.com:443",
		"https://d.eu-west-1.es.amazonaws.com:9200": "https://d.eu-west-1.es.amazonaws.com:9200",
		"http://localhost":                          "http://localhost:9200",
	} {
		conf := DefaultConfig()
		conf.Hosts, conf.AWS.SigV4.Enabled = []string{host}, true
		require.NoError(t, conf.Validate())
		all, err := conf.endpoints()
		require.NoError(t, err)
		assert.Equal(t, want, all[0].String())
	}
}

func TestServerlessCollectionIsNotAsked(t *testing.T) {
	conf := DefaultConfig()
	conf.Hosts, conf.Index, conf.RequireDataStream = []string{"http://localhost:1"}, "logs-aws.cloudtrail-default", false
	conf.AWS.SigV4 = SigV4Config{Enabled: true, Service: ServiceServerless}
	out, err := New(conf, Options{})
	require.NoError(t, err)
	defer out.Close()
	server, err := out.Server(t.Context())
	require.NoError(t, err)
	assert.Equal(t, OpenSearch, server.Flavour)
}

func TestWorkersArePerHost(t *testing.T) {
	conf := DefaultConfig()
	assert.Equal(t, 3, conf.workers(3))
	conf.Worker = 2
	assert.Equal(t, 2, conf.workers(1))
	conf.Workers = 4
	assert.Equal(t, 8, conf.workers(2))
	conf.Worker, conf.Workers = 0, 0
	assert.Equal(t, 1, conf.workers(1))
}

func TestTemplateConfigValidate(t *testing.T) {
	good := DefaultTemplateConfig()
	require.NoError(t, good.Validate())
	for _, test := range []struct {
		change func(*TemplateConfig)
		want   string
	}{
		{func(c *TemplateConfig) { c.Name = "My Template" }, "name: must be in lower case"},
		{func(c *TemplateConfig) { c.Pattern = "*" }, "pattern: must not be * alone"},
		{func(c *TemplateConfig) { c.Pattern = "a,b" }, "pattern: must be one name"},
		{func(c *TemplateConfig) { c.Priority = -1 }, "priority: must be >= 0"},
		{func(c *TemplateConfig) { c.Lifecycle.DataRetention = "1 year" }, "lifecycle.data_retention: must be a number with d, h, m or s"},
		{func(c *TemplateConfig) { c.Lifecycle = LifecycleConfig{"1d", "p"} }, "lifecycle.policy: cannot go together"},
	} {
		conf := DefaultTemplateConfig()
		test.change(&conf)
		require.ErrorContains(t, conf.Validate(), test.want)
	}
}
