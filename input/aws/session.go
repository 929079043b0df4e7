package aws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/account"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
)

// Session makes the clients of one input. Safe for concurrent use.
type Session struct {
	cfg    Config
	log    *slog.Logger
	base   awssdk.Config
	client *onePass

	renewal renewal

	mu      sync.Mutex
	s3      map[string]*s3.Client
	sqs     map[string]*sqs.Client
	logs    map[string]*cloudwatchlogs.Client
	sts     map[string]*sts.Client
	trail   map[string]*cloudtrail.Client
	buckets map[string]string // regions that were found out
}

// fallbackRegion is used where nothing names a region, as Beats does.
const fallbackRegion = "us-east-1"

// New makes a Session. It reads files and the environment but calls nobody: wrong credentials show with the first call.
// The context is for reading the configuration only. A nil logger logs nothing.
func New(ctx context.Context, cfg Config, log *slog.Logger) (*Session, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Session{
		cfg: cfg, log: log,
		s3:      make(map[string]*s3.Client),
		sqs:     make(map[string]*sqs.Client),
		logs:    make(map[string]*cloudwatchlogs.Client),
		sts:     make(map[string]*sts.Client),
		trail:   make(map[string]*cloudtrail.Client),
		buckets: make(map[string]string),
	}
	transport, err := newTransport(cfg)
	if err != nil {
		return nil, err
	}
	if cfg.SSL.Unverified() {
		log.Warn("server certificates are not verified (ssl.verification_mode: none): anybody on the way can read and change the records")
	}
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(transport),
		config.WithRetryer(cfg.retryer(s.renewal.retry)),
		config.WithAPIOptions([]func(*middleware.Stack) error{
			awsmiddleware.AddUserAgentKeyValue("trailbeat", version(cfg)),
			s.timeout,
		}),
		config.WithLogger(logging.LoggerFunc(func(_ logging.Classification, format string, values ...any) {
			log.Debug("the AWS SDK says", "message", fmt.Sprintf(format, values...))
		})),
		config.WithRequestChecksumCalculation(awssdk.RequestChecksumCalculationWhenRequired), // other makers' S3 knows no other
		config.WithResponseChecksumValidation(awssdk.ResponseChecksumValidationWhenRequired),
	}
	if cfg.Region != "" {
		options = append(options, config.WithRegion(cfg.Region))
	}
	if cfg.CredentialProfileName != "" {
		options = append(options, config.WithSharedConfigProfile(cfg.CredentialProfileName))
	}
	if cfg.SharedCredentialFile != "" {
		if _, err := os.Stat(cfg.SharedCredentialFile); err != nil {
			return nil, fmt.Errorf("shared_credential_file: %w", err)
		}
		options = append(options, config.WithSharedCredentialsFiles([]string{cfg.SharedCredentialFile}))
	}
	if cfg.FIPSEnabled {
		options = append(options, config.WithUseFIPSEndpoint(awssdk.FIPSEndpointStateEnabled))
	}
	load := func(ctx context.Context) (awssdk.Config, error) { return config.LoadDefaultConfig(ctx, options...) }
	chain := &following{files: sharedFiles(cfg), load: load, log: log}
	chain.seen = stamps(chain.files)
	if s.base, err = load(ctx); err != nil {
		return nil, fmt.Errorf("loading the AWS configuration: %w", explainLoad(err))
	}
	chain.inner, s.base.Credentials = s.base.Credentials, chain
	if s.base.Region == "" {
		s.base.Region = cfg.DefaultRegion
	}
	if s.base.Region == "" {
		s.base.Region = fallbackRegion
	}
	// AWS_CA_BUNDLE makes the SDK change its own kind of client, so ours goes around it only now.
	s.client = &onePass{inner: s.base.HTTPClient}
	if cfg.HTTPClient != nil {
		s.client.inner = cfg.HTTPClient
	}
	s.base.HTTPClient = s.client
	s.credentials()
	return s, nil
}

func explainLoad(err error) error {
	var profile config.SharedConfigProfileNotExistError
	if errors.As(err, &profile) {
		return fmt.Errorf("credential_profile_name: there is no profile %q in the shared files; name another one, or the file with shared_credential_file", profile.Profile)
	}
	return err
}

// brokenAnswer has a call tried again whose answer began and broke off, which the SDK alone does not: all calls made here
// may be made twice.
func brokenAnswer(err error) awssdk.Ternary {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return awssdk.TrueTernary
	}
	return awssdk.UnknownTernary
}

// retryer makes what tries calls again: where the SDK does, and where more says so.
func (c Config) retryer(more func(error) awssdk.Ternary) func() awssdk.Retryer {
	return func() awssdk.Retryer {
		standard := func(o *retry.StandardOptions) {
			o.MaxAttempts = c.Retry.MaxAttempts
			o.Retryables = append(slices.Clip(o.Retryables), retry.IsErrorRetryableFunc(brokenAnswer), retry.IsErrorRetryableFunc(more))
		}
		if c.Retry.Mode == "adaptive" {
			return retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
				o.StandardOptions = append(o.StandardOptions, standard)
			})
		}
		return retry.NewStandard(standard)
	}
}

// OneTry is a retryer that makes no call again, for callers who try again by themselves and have to know of each call and each
// refusal. Unlike aws.NopRetryer it still sees what a call failed with, and so has expired keys fetched anew. nil stays nil.
func OneTry(r awssdk.Retryer) awssdk.Retryer {
	if r == nil {
		return nil
	}
	return retry.AddWithMaxAttempts(r, 1)
}

func newTransport(cfg Config) (*awshttp.BuildableClient, error) {
	proxy, err := parseProxy(cfg.ProxyURL)
	if err != nil {
		return nil, fmt.Errorf("proxy_url: %w", err)
	}
	secure, err := cfg.SSL.Client("") // one for all hosts
	if err != nil {
		return nil, err
	}
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		if proxy != nil {
			t.Proxy = http.ProxyURL(proxy)
		}
		t.TLSClientConfig = secure.Clone()
		t.MaxIdleConnsPerHost = 64 // as many as there may be workers, or each call opens a connection
	})
	return client, nil
}

func version(cfg Config) string {
	if cfg.Version != "" {
		return cfg.Version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return strings.Trim(info.Main.Version, "()")
	}
	return "devel"
}

// Config gives the SDK's configuration for a region, for services that have no constructor here. Empty means Region("").
func (s *Session) Config(region string) awssdk.Config {
	cfg := s.base.Copy()
	cfg.Region = s.orDefault(region)
	return cfg
}

func (s *Session) orDefault(region string) string {
	if region != "" {
		return region
	}
	return s.base.Region
}

// Region gives the region to use for a thing that says it is in found: the option region, then found, then the
// environment's, then default_region, then us-east-1.
func (s *Session) Region(found string) string {
	if s.cfg.Region != "" {
		return s.cfg.Region
	}
	return s.orDefault(found)
}

// Settings are the options that the Session was made with.
func (s *Session) Settings() Config { return s.cfg }

// S3 gives the client of a region; empty means Region("").
func (s *Session) S3(region string) *s3.Client {
	region = s.orDefault(region)
	return cached(s, s.s3, region, func() *s3.Client {
		return s3.NewFromConfig(s.Config(region), func(o *s3.Options) {
			s.endpoint("s3", region, &o.BaseEndpoint)
			if o.BaseEndpoint != nil {
				u, err := url.Parse(*o.BaseEndpoint)
				o.UsePathStyle = s.cfg.PathStyle || err == nil && byPath(u)
			} else {
				o.UsePathStyle = s.cfg.PathStyle
			}
			o.UseARNRegion = true
			o.DisableLogOutputChecksumValidationSkipped = true
		})
	})
}

// ObjectURL is the address of an object, for log.file.path.
func (s *Session) ObjectURL(region, bucket, key string) string {
	o := s.S3(region).Options()
	return ObjectURL(awssdk.ToString(o.BaseEndpoint), s.orDefault(region), bucket, key, o.UsePathStyle)
}

// SQS gives the client of a region; empty means Region("").
func (s *Session) SQS(region string) *sqs.Client {
	return s.queueClient(s.orDefault(region), "")
}

// Queue gives the client for a queue: of its region, and of its server where that is not AWS and no endpoint is configured.
func (s *Session) Queue(q Queue) *sqs.Client {
	return s.queueClient(s.Region(q.Region), q.Endpoint)
}

func (s *Session) queueClient(region, server string) *sqs.Client {
	return cached(s, s.sqs, region+" "+server, func() *sqs.Client {
		return sqs.NewFromConfig(s.Config(region), func(o *sqs.Options) {
			s.endpoint("sqs", region, &o.BaseEndpoint)
			if o.BaseEndpoint == nil && server != "" {
				o.BaseEndpoint = &server
			}
		})
	})
}

// CloudWatchLogs gives the client of a region; empty means Region("").
func (s *Session) CloudWatchLogs(region string) *cloudwatchlogs.Client {
	region = s.orDefault(region)
	return cached(s, s.logs, region, func() *cloudwatchlogs.Client {
		return cloudwatchlogs.NewFromConfig(s.Config(region), func(o *cloudwatchlogs.Options) {
			s.endpoint("logs", region, &o.BaseEndpoint)
		})
	})
}

// CloudTrail gives the client of a region; empty means Region("").
func (s *Session) CloudTrail(region string) *cloudtrail.Client {
	region = s.orDefault(region)
	return cached(s, s.trail, region, func() *cloudtrail.Client {
		return cloudtrail.NewFromConfig(s.Config(region), func(o *cloudtrail.Options) {
			s.endpoint("cloudtrail", region, &o.BaseEndpoint)
		})
	})
}

// DynamoDB gives a new client of a region; empty means Region("").
func (s *Session) DynamoDB(region string) *dynamodb.Client {
	region = s.orDefault(region)
	return dynamodb.NewFromConfig(s.Config(region), func(o *dynamodb.Options) {
		s.endpoint("dynamodb", region, &o.BaseEndpoint)
	})
}

// Account gives a new client for the account itself, which is in no region.
func (s *Session) Account() *account.Client {
	return account.NewFromConfig(s.Config(""), func(o *account.Options) {
		s.endpoint("account", o.Region, &o.BaseEndpoint)
	})
}

// STS gives the client of a region; empty means Region("").
func (s *Session) STS(region string) *sts.Client {
	region = s.orDefault(region)
	return cached(s, s.sts, region, func() *sts.Client { return s.newSTS(s.Config(region)) })
}

func (s *Session) newSTS(cfg awssdk.Config) *sts.Client {
	return sts.NewFromConfig(cfg, func(o *sts.Options) { s.endpoint("sts", cfg.Region, &o.BaseEndpoint) })
}

// Identity is who the credentials belong to.
func (s *Session) Identity(ctx context.Context) (account, arn string, err error) {
	out, err := s.STS("").GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", "", Call{Doing: "asking who the credentials belong to", Action: "sts:GetCallerIdentity"}.Explain(err)
	}
	return awssdk.ToString(out.Account), awssdk.ToString(out.Arn), nil
}

func cached[T any](s *Session, clients map[string]T, key string, make func() T) T {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := clients[key]
	if !ok {
		c = make()
		clients[key] = c
	}
	return c
}

// serviceHost are the first labels of hosts by which an endpoint is meant for one service only.
var serviceHost = map[string]string{
	"s3": "s3", "s3-fips": "s3", "sqs": "sqs", "sqs-fips": "sqs", "logs": "logs", "logs-fips": "logs", "sts": "sts", "sts-fips": "sts",
	"cloudtrail": "cloudtrail", "cloudtrail-fips": "cloudtrail", "account": "account",
	"dynamodb": "dynamodb", "dynamodb-fips": "dynamodb",
}

// endpoint puts the configured endpoint in place of the environment's.
func (s *Session) endpoint(service, region string, base **string) {
	e := s.cfg.Endpoint
	if e == "" {
		return
	}
	if !strings.Contains(e, "://") {
		if e == Domain(region) {
			return // what the SDK knows better
		}
		e = "https://" + service + "." + region + "." + e
		*base = &e
		return
	}
	u, err := url.Parse(e)
	if err != nil {
		return // Validate saw to that
	}
	first, _, _ := strings.Cut(u.Hostname(), ".")
	if of, ok := serviceHost[first]; ok && of != service {
		return
	}
	*base = &e
}

// Close lets idle connections go.
func (s *Session) Close() { s.client.closeIdle() }
