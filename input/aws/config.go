package aws

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/trailbeat/trailbeat/internal/lazyregexp"
	"github.com/trailbeat/trailbeat/internal/tlsconfig"
)

// Config is the AWS block, which stands inline in the options of each AWS input. The names are those of Beats where Beats
// has the option.
type Config struct {
	// AccessKeyID and SecretAccessKey are static keys. Default empty: the credentials come from elsewhere.
	AccessKeyID     string `config:"access_key_id"`
	SecretAccessKey string `config:"secret_access_key,secret"`
	// SessionToken goes with temporary static keys. Default empty: the keys are permanent.
	SessionToken string `config:"session_token,secret"`
	// CredentialProfileName is a profile of the shared files. Default empty: that of AWS_PROFILE, or "default".
	CredentialProfileName string `config:"credential_profile_name"`
	// SharedCredentialFile is read instead of ~/.aws/credentials, and again whenever it has changed. Default empty: that one.
	SharedCredentialFile string `config:"shared_credential_file"`
	// RoleARN is assumed with the credentials from above. Default empty: they are used as they are.
	RoleARN string `config:"role_arn"`
	// ExternalID is what the trust policy of RoleARN asks for. Default empty: none.
	ExternalID string `config:"external_id"`
	// RoleSessionName names the session in CloudTrail and in the ARN. Default empty: "trailbeat".
	RoleSessionName string `config:"role_session_name"`
	// AssumeRole is about all roles that are assumed.
	AssumeRole AssumeRole `config:"assume_role"`
	// RoleChain are roles that are assumed one with the other, after RoleARN. Default none.
	RoleChain []Role `config:"role_chain"`
	// WebIdentity takes the credentials from a token. Default: as the environment says (AWS_WEB_IDENTITY_TOKEN_FILE).
	WebIdentity WebIdentity `config:"web_identity"`

	// Endpoint is a URL for all services, such as http://127.0.0.1:9000; where its host begins with the name of a service
	// (https://s3.eu-west-1.example.com) for that service only; or a bare domain, to which service and region are added:
	// amazonaws.com.cn. Default empty: what the environment says, or AWS.
	Endpoint string `config:"endpoint"`
	// DefaultRegion is used where neither Region, nor the thing to be read, nor the environment names one. Default empty:
	// us-east-1.
	DefaultRegion string `config:"default_region"`
	// Region wins over the region that a queue URL or the environment names. Default empty: they are right.
	Region string `config:"region"`
	// FIPSEnabled talks to the FIPS endpoints of AWS. Default false.
	FIPSEnabled bool `config:"fips_enabled"`
	// ProxyURL is an HTTP proxy, with user:password@ where it wants them. Default empty: what the environment says
	// (HTTPS_PROXY, NO_PROXY).
	ProxyURL string `config:"proxy_url,secret"`
	// SSL of all connections.
	SSL SSL `config:"ssl"`
	// Retry of single calls.
	Retry Retry `config:"retry"`
	// APITimeout bounds one call with all its tries; where a body is read, the wait for its next bytes. Default 120s; must
	// be above 0.
	APITimeout time.Duration `config:"api_timeout"`
	// PathStyle puts the bucket into the path of the URL instead of the host name. Default false; it is done anyway where
	// the endpoint's host is an address or has no dot.
	PathStyle bool `config:"path_style"`

	// Version goes into the user agent, behind "trailbeat/". Empty: that of the build.
	Version string `config:"-"`
	// HTTPClient carries all calls, for tests and for programs with a transport of their own. proxy_url and ssl do not
	// apply to it. nil: one is made.
	HTTPClient HTTPClient `config:"-"`
}

// SSL is the group ssl: how servers are trusted, and how we show who we are to proxies and gateways.
type SSL = tlsconfig.Config

// HTTPClient is what *http.Client is too.
type HTTPClient interface {
	Do(*http.Request) (*http.Response, error)
}

// AssumeRole is about all roles that are assumed.
type AssumeRole struct {
	// Duration of the credentials: 15m to 12h, at most 1h where one role is assumed with another. Default 15m.
	Duration time.Duration `config:"duration"`
	// ExpiryWindow is how long before their end credentials are fetched anew. Default 5m; zero: when they have expired.
	ExpiryWindow time.Duration `config:"expiry_window"`
}

// Role is one role of a chain.
type Role struct {
	// RoleARN is required.
	RoleARN string `config:"role_arn"`
	// ExternalID is what its trust policy asks for. Default empty: none.
	ExternalID string `config:"external_id"`
	// SessionName of this role. Default empty: role_session_name.
	SessionName string `config:"session_name"`
}

// WebIdentity takes credentials from the token of another identity provider.
type WebIdentity struct {
	// TokenFile is read each time that credentials are fetched. Default empty: no web identity.
	TokenFile string `config:"token_file"`
	// RoleARN is what the token is exchanged for. Required with TokenFile.
	RoleARN string `config:"role_arn"`
}

// Retry of single calls.
type Retry struct {
	// Mode is "standard" or "adaptive", which also slows down by itself when throttled. Default and empty: standard.
	Mode string `config:"mode"`
	// MaxAttempts of a call, the first included. Default 5; must be above 0.
	MaxAttempts int `config:"max_attempts"`
}

// DefaultConfig gives the defaults. They are complete: credentials come from the environment.
func DefaultConfig() Config {
	return Config{
		AssumeRole: AssumeRole{Duration: 15 * time.Minute, ExpiryWindow: 5 * time.Minute},
		SSL:        tlsconfig.Default(),
		Retry:      Retry{Mode: "standard", MaxAttempts: 5},
		APITimeout: 120 * time.Second,
	}
}

var sessionName = lazyregexp.New(`^[\w+=,.@-]{2,64}$`)

// Validate joins all that is wrong. Each error begins with the name of its option; none holds a secret.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if c.AccessKeyID != "" && c.SecretAccessKey == "" {
		bad("secret_access_key: is missing, as access_key_id is set; set both or none")
	}
	if c.AccessKeyID == "" && c.SecretAccessKey != "" {
		bad("access_key_id: is missing, as secret_access_key is set; set both or none")
	}
	if c.SessionToken != "" && c.AccessKeyID == "" {
		bad("session_token: goes with access_key_id and secret_access_key; set them or remove it")
	}
	if (c.WebIdentity.TokenFile == "") != (c.WebIdentity.RoleARN == "") {
		bad("web_identity.role_arn: goes together with web_identity.token_file; set both or none")
	}
	if c.WebIdentity.TokenFile != "" && (c.AccessKeyID != "" || c.CredentialProfileName != "") {
		bad("web_identity.token_file: cannot go together with access_key_id or credential_profile_name; keep one of them")
	}
	checkRole(bad, "web_identity.role_arn", c.WebIdentity.RoleARN)
	checkRole(bad, "role_arn", c.RoleARN)
	if c.ExternalID != "" && c.RoleARN == "" {
		bad("external_id: goes with role_arn; set it or remove external_id")
	}
	checkSessionName(bad, "role_session_name", c.RoleSessionName)
	hops := len(c.RoleChain)
	if c.RoleARN != "" {
		hops++
	}
	for i, r := range c.RoleChain {
		name := fmt.Sprintf("role_chain.%d.", i)
		if r.RoleARN == "" {
			bad("%srole_arn: is missing", name)
		}
		checkRole(bad, name+"role_arn", r.RoleARN)
		checkSessionName(bad, name+"session_name", r.SessionName)
	}
	switch d := c.AssumeRole.Duration; {
	case d < 15*time.Minute || d > 12*time.Hour:
		bad("assume_role.duration: must be 15m to 12h, is %s", d)
	case hops > 1 && d > time.Hour:
		bad("assume_role.duration: AWS allows at most 1h where one role is assumed with another, is %s", d)
	}
	if w := c.AssumeRole.ExpiryWindow; w < 0 || w >= c.AssumeRole.Duration {
		bad("assume_role.expiry_window: must be >= 0 and below assume_role.duration (%s), is %s", c.AssumeRole.Duration, w)
	}
	if err := checkEndpoint(c.Endpoint); err != nil {
		bad("endpoint: %w", err)
	} else if c.Endpoint != "" && c.FIPSEnabled {
		bad("fips_enabled: cannot go together with endpoint; name the FIPS endpoint there and remove fips_enabled")
	}
	if _, err := parseProxy(c.ProxyURL); err != nil {
		bad("proxy_url: %w", err)
	}
	errs = append(errs, c.SSL.Validate()...)
	if m := c.Retry.Mode; m != "" && m != "standard" && m != "adaptive" {
		bad("retry.mode: must be standard or adaptive, is %q", m)
	}
	if c.Retry.MaxAttempts <= 0 {
		bad("retry.max_attempts: must be > 0, is %d", c.Retry.MaxAttempts)
	}
	if c.APITimeout <= 0 {
		bad("api_timeout: must be > 0, is %s", c.APITimeout)
	}
	return errors.Join(errs...)
}

func checkRole(bad func(string, ...any), option, role string) {
	if role == "" {
		return
	}
	a, err := arn.Parse(role)
	if err != nil || a.Service != "iam" || !strings.HasPrefix(a.Resource, "role/") {
		bad("%s: must be the ARN of a role such as arn:aws:iam::123456789012:role/trailbeat, is %q", option, role)
	}
}

func checkSessionName(bad func(string, ...any), option, name string) {
	if name != "" && !sessionName().MatchString(name) {
		bad("%s: must be 2 to 64 letters, digits or any of _+=,.@-, is %q", option, name)
	}
}

func checkEndpoint(endpoint string) error {
	if endpoint == "" {
		return nil
	}
	if !strings.Contains(endpoint, "://") {
		if strings.ContainsAny(endpoint, "/ @:") {
			return errors.New("must be a URL such as https://s3.example.com, or a bare domain such as amazonaws.com")
		}
		return nil
	}
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("must be a URL such as https://s3.example.com, or a bare domain such as amazonaws.com")
	case u.User != nil:
		return errors.New("must not hold a user or password; use access_key_id and secret_access_key")
	}
	return nil
}

// parseProxy parses the option. The parser's own message would show the password.
func parseProxy(text string) (*url.URL, error) {
	if text == "" {
		return nil, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" {
		return nil, errors.New("must be a URL such as http://user:password@proxy.example:3128 (http, https or socks5)")
	}
	return u, nil
}
