package elasticsearch

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/trailbeat/trailbeat/internal/tlsconfig"
)

// SSLConfig is the group ssl: how https hosts are trusted, and how we show who we are.
type SSLConfig = tlsconfig.Config

// Config is the group output.elasticsearch. The names are those of Beats. DefaultConfig has the defaults.
type Config struct {
	// Hosts are the nodes: URLs, or host:port to which protocol and path are added. Port 9200 where none is named, also
	// in a URL (443 with aws.sigv4). No default: hosts or cloud.id must be set.
	Hosts []string `config:"hosts"`
	// Protocol of hosts that name none: http or https. Default http.
	Protocol string `config:"protocol"`
	// Path goes before each API path of hosts that name none. Default empty.
	Path string `config:"path"`

	// Username and Password of basic authentication. Default empty: none. They win over user:password in a host.
	Username string `config:"username"`
	Password string `config:"password,secret"`
	// APIKey is id:key, or the same in base64. Default empty: none. Excludes username.
	APIKey string `config:"api_key,secret"`
	// AWS is for clusters of Amazon OpenSearch Service.
	AWS AWSConfig `config:"aws"`
	// Cloud names a deployment of Elastic Cloud. Default empty.
	Cloud CloudConfig `config:"cloud"`

	// Index is where events without an index of their own go. Default empty: the data stream of DataStream. The name must
	// be that of a data stream unless RequireDataStream is off.
	Index string `config:"index"`
	// DataStream makes the default of Index: type-dataset-namespace, logs-aws.cloudtrail-default.
	DataStream DataStreamConfig `config:"data_stream"`
	// RequireDataStream refuses to write to what is not a data stream. Default true. Turn it off to write to a plain index
	// or an alias of your own making; then a misspelt name makes a new index, as in any bulk request.
	RequireDataStream bool `config:"require_data_stream"`
	// DeduplicateAcrossRollover keeps a document that is delivered again from being stored again once its data stream has
	// rolled over. "auto" (the default) does so where the credentials allow to look, and says so in the log where they do
	// not; "required" stops the run there; "off" does not look. Fresh documents cost nothing.
	DeduplicateAcrossRollover string `config:"deduplicate_across_rollover"`
	// Pipeline is an ingest pipeline of the cluster that each document passes. Default empty: none but the index's own.
	Pipeline string `config:"pipeline"`

	// Raw sends the record as it came, in message, as an Elastic Agent does, for a pipeline of the cluster to map: that of
	// Elastic's integration, or the one of the option pipeline. The template of Trailbeat is not installed then, as it has
	// no pipeline. The _id stays the same. Default false: the mapped document is sent.
	Raw bool `config:"raw"`

	// Worker is the number of bulk requests side by side, per host. Default 1; zero means 1.
	Worker int `config:"worker"`
	// Workers is another name of Worker and wins where it is set. Default 0: not set.
	Workers int `config:"workers"`
	// LoadBalance spreads the requests over all hosts. Default true. False sends to one host until it fails.
	LoadBalance bool `config:"loadbalance"`
	// BulkMaxSize is the most events in a request. Default 1600; zero or less: no limit but bulk_max_bytes.
	BulkMaxSize int `config:"bulk_max_size"`
	// BulkMaxBytes is the most bytes in a request before compression; an event larger than that travels alone. Default
	// 5 MiB, where larger requests no longer bring speed and servers with a limit of 10 MB still take them. Zero: no limit.
	BulkMaxBytes int64 `config:"bulk_max_bytes,bytes"`
	// CompressionLevel of gzip, 1 (fast) to 9 (small). Default 1; 0: no compression, which saves CPU in a local network.
	CompressionLevel int `config:"compression_level"`

	// Backoff is for the decorator that sends again. This package does not wait by itself.
	Backoff BackoffConfig `config:"backoff"`
	// Timeout of one request, from connecting to the end of the answer. Default 90s; zero: none.
	Timeout time.Duration `config:"timeout"`
	// IdleConnectionTimeout closes a connection that was not used. Default 3s; zero: never.
	IdleConnectionTimeout time.Duration `config:"idle_connection_timeout"`

	// Headers go with each request. Default none. Values are printed redacted, as they may hold credentials.
	Headers map[string]string `config:"headers,secret"`
	// Parameters are added to the query of each bulk request. Default none.
	Parameters map[string]string `config:"parameters"`
	// ProxyURL is an HTTP proxy. Default empty: what the environment says (HTTPS_PROXY, NO_PROXY). May hold credentials.
	ProxyURL string `config:"proxy_url,secret"`
	// ProxyDisable ignores proxy_url and the environment. Default false.
	ProxyDisable bool `config:"proxy_disable"`
	// SSL of https hosts.
	SSL SSLConfig `config:"ssl"`

	// AllowOlderVersions talks to servers older than Elasticsearch 7.17 and OpenSearch 2.7, where parts of the template do
	// not exist. Default true, with a warning. False stops the run.
	AllowOlderVersions bool `config:"allow_older_versions"`
}

// The values of DeduplicateAcrossRollover.
const (
	DeduplicateAuto     = "auto"
	DeduplicateRequired = "required"
	DeduplicateOff      = "off"
)

// AWSConfig is the group aws.
type AWSConfig struct {
	// SigV4 signs requests with the identity of AWS.
	SigV4 SigV4Config `config:"sigv4"`
}

// SigV4Config is the group aws.sigv4. The credentials come from where the AWS SDK looks: environment, shared files, web
// identity, container, instance.
type SigV4Config struct {
	// Enabled signs each request. Default false. Excludes username, api_key and cloud.auth.
	Enabled bool `config:"enabled"`
	// Region of the domain. Default empty: that of the environment (AWS_REGION) or of the shared configuration.
	Region string `config:"region"`
	// Service is es for a domain, aoss for a collection of OpenSearch Serverless. Default es.
	Service string `config:"service"`
}

// ServiceServerless is the service of OpenSearch Serverless, which tells nothing about itself.
const ServiceServerless = "aoss"

// CloudConfig is the group cloud.
type CloudConfig struct {
	// ID as the console of Elastic Cloud shows it (name:base64). Default empty. Excludes hosts.
	ID string `config:"id"`
	// Auth is user:password, or id:key where ID belongs to an API key. Default empty. Wins over username and password.
	Auth string `config:"auth,secret"`
}

// DataStreamConfig names a data stream: type-dataset-namespace.
type DataStreamConfig struct {
	// Type, default "logs".
	Type string `config:"type"`
	// Dataset, default "aws.cloudtrail". Must not hold a hyphen.
	Dataset string `config:"dataset"`
	// Namespace, default "default". Must not hold a hyphen.
	Namespace string `config:"namespace"`
}

func (d DataStreamConfig) name() string { return d.Type + "-" + d.Dataset + "-" + d.Namespace }

// BackoffConfig bounds the wait before a next try. It doubles from Init to Max.
type BackoffConfig struct {
	// Init is the first wait. Default 1s.
	Init time.Duration `config:"init"`
	// Max is the longest wait. Default 60s.
	Max time.Duration `config:"max"`
}

// DefaultConfig is the configuration of an output for which nothing is set. It lacks hosts.
func DefaultConfig() Config {
	return Config{
		Protocol:                  "http",
		DataStream:                DataStreamConfig{Type: "logs", Dataset: "aws.cloudtrail", Namespace: "default"},
		RequireDataStream:         true,
		DeduplicateAcrossRollover: DeduplicateAuto,
		Worker:                    1,
		LoadBalance:               true,
		BulkMaxSize:               1600,
		BulkMaxBytes:              5 << 20,
		CompressionLevel:          1,
		Backoff:                   BackoffConfig{Init: time.Second, Max: time.Minute},
		Timeout:                   90 * time.Second,
		IdleConnectionTimeout:     3 * time.Second,
		AWS:                       AWSConfig{SigV4: SigV4Config{Service: "es"}},
		SSL:                       tlsconfig.Default(),
		AllowOlderVersions:        true,
	}
}

// DefaultIndex is the data stream or index of events that name none.
func (c *Config) DefaultIndex() string {
	if c.Index != "" {
		return c.Index
	}
	return c.DataStream.name()
}

// workers is the number of requests side by side to n hosts.
func (c *Config) workers(n int) int {
	per := c.Worker
	if c.Workers > 0 {
		per = c.Workers
	}
	return max(per, 1) * max(n, 1)
}

// Validate joins all that is wrong. Each error begins with the dotted name of its option and says how to mend it. No error
// holds a secret.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if _, err := c.endpoints(); err != nil {
		errs = append(errs, err)
	}
	if c.Protocol != "" && c.Protocol != "http" && c.Protocol != "https" {
		bad("protocol: must be http or https, is %q", c.Protocol)
	}
	if c.APIKey != "" {
		if c.Username != "" || c.Cloud.Auth != "" {
			bad("api_key: cannot go together with username or cloud.auth; remove one of them")
		}
		if _, err := encodedAPIKey(c.APIKey); err != nil {
			errs = append(errs, err)
		}
	}
	if c.Username == "" && c.Password != "" {
		bad("password: needs username; set it, or use api_key")
	}
	if c.Cloud.Auth != "" && !strings.Contains(c.Cloud.Auth, ":") {
		bad("cloud.auth: must be user:password")
	}
	if s := c.AWS.SigV4; s.Enabled {
		if c.Username != "" || c.APIKey != "" || c.Cloud.Auth != "" {
			bad("aws.sigv4.enabled: cannot go together with username, api_key or cloud.auth; remove one of them")
		}
		if s.Service != "" && s.Service != "es" && s.Service != ServiceServerless {
			bad("aws.sigv4.service: must be es or aoss, is %q", s.Service)
		}
		if s.Service == ServiceServerless && c.RequireDataStream {
			bad("aws.sigv4.service: OpenSearch Serverless has no data streams; set index and require_data_stream: false too")
		}
	}
	switch c.DeduplicateAcrossRollover {
	case "", DeduplicateAuto, DeduplicateOff:
	case DeduplicateRequired:
		if !c.RequireDataStream {
			bad("deduplicate_across_rollover: cannot be required with require_data_stream: false, as only data streams are looked at")
		}
	default:
		bad("deduplicate_across_rollover: must be auto, required or off, is %q", c.DeduplicateAcrossRollover)
	}
	errs = append(errs, c.validateNames()...)

	if c.Worker < 0 {
		bad("worker: must be >= 1, is %d", c.Worker)
	}
	if c.Workers < 0 {
		bad("workers: must be >= 1, is %d", c.Workers)
	}
	if c.BulkMaxBytes < 0 {
		bad("bulk_max_bytes: must be >= 0 (0: no limit), is %d", c.BulkMaxBytes)
	}
	if c.CompressionLevel < 0 || c.CompressionLevel > 9 {
		bad("compression_level: must be 0 (off) to 9, is %d", c.CompressionLevel)
	}
	if c.Backoff.Init <= 0 {
		bad("backoff.init: must be > 0, is %s", c.Backoff.Init)
	}
	if c.Backoff.Max < c.Backoff.Init {
		bad("backoff.max: must be at least backoff.init (%s), is %s", c.Backoff.Init, c.Backoff.Max)
	}
	if c.Timeout < 0 {
		bad("timeout: must be >= 0 (0: none), is %s", c.Timeout)
	}
	if c.IdleConnectionTimeout < 0 {
		bad("idle_connection_timeout: must be >= 0 (0: never), is %s", c.IdleConnectionTimeout)
	}
	for name := range c.Parameters {
		if name == "filter_path" || name == "require_data_stream" {
			bad("parameters.%s: is set by the output itself, which needs it to account for each document; remove it", name)
		}
	}
	for name := range c.Headers {
		if http.CanonicalHeaderKey(name) == "Content-Encoding" || http.CanonicalHeaderKey(name) == "Content-Type" {
			bad("headers.%s: is set by the output itself; remove it", name)
		}
	}
	if _, err := proxyURL(c.ProxyURL); err != nil {
		errs = append(errs, err)
	}
	errs = append(errs, c.SSL.Validate()...)
	return errors.Join(errs...)
}

func (c *Config) validateNames() []error {
	var errs []error
	if c.Index != "" {
		if err := checkIndexName(c.Index); err != nil {
			errs = append(errs, fmt.Errorf("index: %w", err))
		}
		return errs
	}
	for _, part := range []struct{ option, value string }{
		{"data_stream.type", c.DataStream.Type},
		{"data_stream.dataset", c.DataStream.Dataset},
		{"data_stream.namespace", c.DataStream.Namespace},
	} {
		switch err := checkIndexName(part.value); {
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: %w", part.option, err))
		case strings.Contains(part.value, "-"):
			errs = append(errs, fmt.Errorf("%s: must not contain a hyphen, is %q; use an underscore", part.option, part.value))
		}
	}
	return errs
}

// checkIndexName applies the rules that both engines have for names of indices and data streams.
func checkIndexName(name string) error {
	switch {
	case name == "":
		return errors.New("must not be empty")
	case strings.Contains(name, "%{"):
		return fmt.Errorf("must be a plain name, is %q; what is in %%{} is not expanded, and a data stream begins new indices by itself", name)
	case len(name) > 255:
		return fmt.Errorf("must not be longer than 255 bytes, has %d", len(name))
	case strings.ToLower(name) != name:
		return fmt.Errorf("must be in lower case, is %q", name)
	case strings.ContainsAny(name, "\\/*?\"<>| ,#:") || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }):
		return fmt.Errorf("must not contain spaces or any of \\ / * ? \" < > | , # :, is %q", name)
	case strings.ContainsAny(name[:1], "-_+") || name == "." || name == "..":
		return fmt.Errorf("must not begin with - _ + and not be . or .., is %q", name)
	}
	return nil
}

// encodedAPIKey is the key as the Authorization header wants it.
func encodedAPIKey(key string) (string, error) {
	if strings.Contains(key, ":") {
		return base64.StdEncoding.EncodeToString([]byte(key)), nil
	}
	plain, err := base64.StdEncoding.DecodeString(key)
	if err != nil || !strings.Contains(string(plain), ":") {
		return "", errors.New("api_key: must be id:key, or the base64 form that the API calls \"encoded\"")
	}
	return key, nil
}

// proxyURL parses the option. The parser's own message would show the password.
func proxyURL(text string) (*url.URL, error) {
	if text == "" {
		return nil, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5") {
		return nil, errors.New("proxy_url: must be a URL such as http://proxy.example:3128 (http, https or socks5)")
	}
	return u, nil
}
