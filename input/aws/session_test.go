package aws_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/aws/awstest"
)

const queueURL = "https://sqs.eu-west-1.amazonaws.com/123456789012/q"

func alone(t *testing.T) { // without what the machine has
	t.Helper()
	for _, name := range os.Environ() {
		if name, _, _ = strings.Cut(name, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
			_ = os.Unsetenv(name)
		}
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("HOME", t.TempDir())
}

func static() aws.Config {
	cfg := aws.DefaultConfig()
	cfg.AccessKeyID, cfg.SecretAccessKey = "AKIDEXAMPLE", "very-secret"
	return cfg
}

func open(t *testing.T, cfg aws.Config) *aws.Session {
	t.Helper()
	s, err := aws.New(context.Background(), cfg, nil)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// recorder answers STS and notes what it was asked.
type recorder struct {
	mu   sync.Mutex
	seen []string
	keys atomic.Int64
	life time.Duration
}

func (r *recorder) note(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, text)
}

// who is the access key that a request is signed with.
func who(r *http.Request) string {
	_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	key, _, _ := strings.Cut(rest, "/")
	return key
}

func (r *recorder) assume(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	v, _ := url.ParseQuery(string(body))
	r.note(fmt.Sprintf("%s %s as %s by %s id %q for %s", v.Get("Action"), v.Get("RoleArn"), v.Get("RoleSessionName"), who(req), v.Get("ExternalId"), v.Get("DurationSeconds")))
	action := v.Get("Action")
	fmt.Fprintf(w, `<%[1]sResponse><%[1]sResult><Credentials><AccessKeyId>KEY%[2]d</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>%[3]s</Expiration></Credentials></%[1]sResult></%[1]sResponse>`,
		action, r.keys.Add(1), time.Now().Add(r.life).UTC().Format(time.RFC3339))
}

func (r *recorder) identity(w http.ResponseWriter, req *http.Request) {
	r.note("GetCallerIdentity by " + who(req))
	_, _ = io.WriteString(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>a</Arn><Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
}

func newRecorder(s *awstest.Server) *recorder {
	r := &recorder{life: 15 * time.Minute}
	s.Handle("AssumeRole", r.assume)
	s.Handle("AssumeRoleWithWebIdentity", r.assume)
	s.Handle("GetCallerIdentity", r.identity)
	return r
}

func TestCredentials(t *testing.T) {
	alone(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "ENVKEY")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	dir := t.TempDir()
	file, token := filepath.Join(dir, "credentials"), filepath.Join(dir, "token")
	require.NoError(t, os.WriteFile(file, []byte("[team]\naws_access_key_id=FILEKEY\naws_secret_access_key=s\n"), 0o600))
	require.NoError(t, os.WriteFile(token, []byte("jwt"), 0o600))
	const a, b, c = "arn:aws:iam::111111111111:role/a", "arn:aws:iam::222222222222:role/b", "arn:aws:iam::333333333333:role/c"
	for name, test := range map[string]struct {
		set  func(*aws.Config)
		want []string
	}{
		"the environment": {func(*aws.Config) {}, []string{"GetCallerIdentity by ENVKEY"}},
		"static keys":     {func(c *aws.Config) { c.AccessKeyID, c.SecretAccessKey = "AKID", "s" }, []string{"GetCallerIdentity by AKID"}},
		"a profile":       {func(c *aws.Config) { c.CredentialProfileName, c.SharedCredentialFile = "team", file }, []string{"GetCallerIdentity by FILEKEY"}},
		"static keys before a profile": {func(c *aws.Config) {
			c.CredentialProfileName, c.SharedCredentialFile, c.AccessKeyID, c.SecretAccessKey = "team", file, "AKID", "s"
		}, []string{"GetCallerIdentity by AKID"}},
		"a web identity": {func(c *aws.Config) { c.WebIdentity = aws.WebIdentity{TokenFile: token, RoleARN: a} }, []string{
			"AssumeRoleWithWebIdentity " + a + ` as trailbeat by  id "" for 900`, "GetCallerIdentity by KEY1",
		}},
		"a role": {func(c *aws.Config) {
			c.RoleARN, c.ExternalID, c.RoleSessionName, c.AssumeRole.Duration = a, "ext", "me", time.Hour
		}, []string{"AssumeRole " + a + ` as me by ENVKEY id "ext" for 3600`, "GetCallerIdentity by KEY1"}},
		"a chain": {func(cfg *aws.Config) {
			cfg.AccessKeyID, cfg.SecretAccessKey = "AKID", "s"
			cfg.RoleARN, cfg.RoleChain = a, []aws.Role{{RoleARN: b, ExternalID: "ext"}, {RoleARN: c, SessionName: "third"}}
		}, []string{
			"AssumeRole " + a + ` as trailbeat by AKID id "" for 900`, "AssumeRole " + b + ` as trailbeat by KEY1 id "ext" for 900`,
			"AssumeRole " + c + ` as third by KEY2 id "" for 900`, "GetCallerIdentity by KEY3",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			server := new(awstest.Server)
			r := newRecorder(server)
			cfg := aws.DefaultConfig()
			cfg.HTTPClient = server.Client()
			test.set(&cfg)
			s := open(t, cfg)
			for range 2 { // once fetched, kept
				account, arn, err := s.Identity(t.Context())
				require.NoError(t, err)
				assert.Equal(t, "1 a", account+" "+arn)
			}
			assert.Equal(t, append(test.want, test.want[len(test.want)-1]), r.seen)
		})
	}
	cfg := aws.DefaultConfig()
	cfg.CredentialProfileName, cfg.SharedCredentialFile = "nobody", file
	_, err := aws.New(t.Context(), cfg, nil)
	require.ErrorContains(t, err, `credential_profile_name: there is no profile "nobody"`)
	cfg.SharedCredentialFile = file + "x"
	_, err = aws.New(t.Context(), cfg, nil)
	require.ErrorContains(t, err, "shared_credential_file: ")
}

func TestCredentialsAreFetchedAnew(t *testing.T) {
	alone(t)
	synctest.Test(t, func(t *testing.T) {
		server := new(awstest.Server)
		r := newRecorder(server)
		cfg := static()
		cfg.HTTPClient, cfg.RoleARN = server.Client(), "arn:aws:iam::111111111111:role/a"
		s, err := aws.New(t.Context(), cfg, nil)
		require.NoError(t, err)
		for range 60 {
			_, _, err := s.Identity(t.Context())
			require.NoError(t, err)
			time.Sleep(time.Minute)
		}
		assert.InDelta(t, 6, r.keys.Load(), 1, "each 10 minutes or so, of 15")
	})
}

func TestNoCredentials(t *testing.T) {
	alone(t)
	cfg := aws.DefaultConfig()
	server := new(awstest.Server)
	cfg.HTTPClient = server.Client()
	_, _, err := open(t, cfg).Identity(t.Context())
	assert.Equal(t, aws.ClassCredentials, aws.ClassOf(err), "%v", err)
	assert.ErrorContains(t, err, "set access_key_id")
}

// hosts notes where calls go, and answers none.
type hosts struct{ last *http.Request }

func (h *hosts) Do(r *http.Request) (*http.Response, error) {
	h.last = r
	return nil, fmt.Errorf("no network")
}

func TestEndpoints(t *testing.T) {
	alone(t)
	for name, test := range map[string]struct {
		set           func(t *testing.T, c *aws.Config)
		s3, sqs, sts_ string
	}{
		"AWS": {func(*testing.T, *aws.Config) {},
			"https://trail.s3.eu-west-1.amazonaws.com/k", "https://sqs.eu-west-1.amazonaws.com/", "https://sts.eu-west-1.amazonaws.com/"},
		"FIPS": {func(_ *testing.T, c *aws.Config) { c.FIPSEnabled, c.Region = true, "us-east-1" },
			"https://trail.s3-fips.us-east-1.amazonaws.com/k", "https://sqs-fips.us-east-1.amazonaws.com/", "https://sts-fips.us-east-1.amazonaws.com/"},
		"path style": {func(_ *testing.T, c *aws.Config) { c.PathStyle = true },
			"https://s3.eu-west-1.amazonaws.com/trail/k", "https://sqs.eu-west-1.amazonaws.com/", "https://sts.eu-west-1.amazonaws.com/"},
		"one for all": {func(_ *testing.T, c *aws.Config) { c.Endpoint = "http://localhost:4566" },
			"http://localhost:4566/trail/k", "http://localhost:4566/", "http://localhost:4566/"},
		"one for S3": {func(_ *testing.T, c *aws.Config) { c.Endpoint = "https://s3.eu-west-1.example.com" },
			"https://trail.s3.eu-west-1.example.com/k", "https://sqs.eu-west-1.amazonaws.com/", "https://sts.eu-west-1.amazonaws.com/"},
		"a domain": {func(_ *testing.T, c *aws.Config) { c.Endpoint = "cloud.example" },
			"https://trail.s3.eu-west-1.cloud.example/k", "https://sqs.eu-west-1.cloud.example/", "https://sts.eu-west-1.cloud.example/"},
		"the domain of AWS": {func(_ *testing.T, c *aws.Config) { c.Endpoint = "amazonaws.com" },
			"https://trail.s3.eu-west-1.amazonaws.com/k", "https://sqs.eu-west-1.amazonaws.com/", "https://sts.eu-west-1.amazonaws.com/"},
		"the environment's": {func(t *testing.T, _ *aws.Config) {
			t.Setenv("AWS_ENDPOINT_URL", "http://localhost:1")
			t.Setenv("AWS_ENDPOINT_URL_SQS", "http://localhost:2")
		}, "http://localhost:1/trail/k", "http://localhost:2/", "http://localhost:1/"},
		"ours before the environment's": {func(t *testing.T, c *aws.Config) {
			t.Setenv("AWS_ENDPOINT_URL", "http://localhost:1")
			c.Endpoint = "http://10.0.0.1"
		}, "http://10.0.0.1/trail/k", "http://10.0.0.1/", "http://10.0.0.1/"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, h := static(), new(hosts)
			cfg.HTTPClient, cfg.DefaultRegion, cfg.Retry.MaxAttempts, cfg.Version = h, "eu-west-1", 1, "1.2.3"
			test.set(t, &cfg)
			s := open(t, cfg)
			_, err := s.S3("").GetObject(t.Context(), &s3.GetObjectInput{Bucket: awssdk.String("trail"), Key: awssdk.String("k")})
			require.Error(t, err)
			h.last.URL.RawQuery = ""
			assert.Equal(t, test.s3, h.last.URL.String())
			assert.Contains(t, h.last.Header.Get("User-Agent"), "trailbeat/1.2.3")
			assert.Equal(t, strings.Replace(test.s3, "s3-fips", "s3", 1), s.ObjectURL("", "trail", "k"), "log.file.path")
			_, err = s.SQS("").DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: awssdk.String(queueURL), ReceiptHandle: awssdk.String("h")})
			require.Error(t, err)
			assert.Equal(t, test.sqs, h.last.URL.String())
			_, _, err = s.Identity(t.Context())
			require.Error(t, err)
			assert.Equal(t, test.sts_, h.last.URL.String())
			assert.Same(t, s.S3(""), s.S3(""), "kept")
		})
	}
	cfg, h := static(), new(hosts)
	cfg.HTTPClient, cfg.Retry.MaxAttempts = h, 1
	q, err := aws.ParseQueueURL("http://127.0.0.1:9324/queue/q")
	require.NoError(t, err)
	_, _ = open(t, cfg).Queue(q).DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &q.URL, ReceiptHandle: awssdk.String("h")})
	assert.Equal(t, "127.0.0.1:9324", h.last.URL.Host, "a queue elsewhere is spoken to there")
}

func TestRegion(t *testing.T) {
	alone(t)
	cfg := static()
	assert.Equal(t, "us-east-1", open(t, cfg).Region(""))
	cfg.DefaultRegion = "eu-west-1"
	assert.Equal(t, "eu-west-1", open(t, cfg).Region(""))
	t.Setenv("AWS_REGION", "eu-west-2")
	assert.Equal(t, "eu-west-2", open(t, cfg).Region(""))
	assert.Equal(t, "eu-west-3", open(t, cfg).Region("eu-west-3"), "what the thing itself says")
	cfg.Region = "eu-west-4"
	assert.Equal(t, "eu-west-4", open(t, cfg).Region("eu-west-3"))
}

func TestTimeout(t *testing.T) {
	alone(t)
	synctest.Test(t, func(t *testing.T) {
		server := new(awstest.Server)
		server.Handle("GetCallerIdentity", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		cfg := static()
		cfg.HTTPClient = server.Client()
		s, err := aws.New(t.Context(), cfg, nil)
		require.NoError(t, err)
		begin := time.Now()
		_, _, err = s.Identity(t.Context())
		assert.Equal(t, 2*time.Minute, time.Since(begin))
		assert.Equal(t, aws.ClassNetwork, aws.ClassOf(err))
		require.ErrorContains(t, err, "no answer in time (api_timeout: 2m0s)")
	})
}

func TestTLSAndProxy(t *testing.T) {
	alone(t)
	server := new(awstest.Server)
	newRecorder(server)
	secure := httptest.NewUnstartedServer(server)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}))
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, []byte(ca), 0o600))
	sum := sha256.Sum256(secure.Certificate().RawSubjectPublicKeyInfo)
	pin, otherPin := base64.StdEncoding.EncodeToString(sum[:]), base64.StdEncoding.EncodeToString(make([]byte, 32))
	other := strings.Replace(secure.URL, "127.0.0.1", "localhost", 1)
	for name, test := range map[string]struct {
		url   string
		set   func(*aws.Config)
		fails bool
	}{
		"not trusted":     {secure.URL, func(*aws.Config) {}, true},
		"trusted by file": {secure.URL, func(c *aws.Config) { c.SSL.CertificateAuthorities = []string{file} }, false},
		"trusted by text": {secure.URL, func(c *aws.Config) { c.SSL.CertificateAuthorities = []string{ca} }, false},
		"another name":    {other, func(c *aws.Config) { c.SSL.CertificateAuthorities = []string{ca} }, true},
		"another name is fine": {other, func(c *aws.Config) {
			c.SSL.CertificateAuthorities, c.SSL.VerificationMode = []string{ca}, "certificate"
		}, false},
		"but not any":          {other, func(c *aws.Config) { c.SSL.VerificationMode = "certificate" }, true},
		"a pinned key":         {secure.URL, func(c *aws.Config) { c.SSL.CertificateAuthorities, c.SSL.CASHA256 = []string{ca}, []string{pin} }, false},
		"another pinned key":   {secure.URL, func(c *aws.Config) { c.SSL.CertificateAuthorities, c.SSL.CASHA256 = []string{ca}, []string{otherPin} }, true},
		"pinned, another name": {other, func(c *aws.Config) { c.SSL.CertificateAuthorities, c.SSL.CASHA256 = []string{ca}, []string{pin} }, true},
		"an old protocol only": {secure.URL, func(c *aws.Config) {
			c.SSL.CertificateAuthorities, c.SSL.SupportedProtocols = []string{ca}, []string{"TLSv1.1"}
		}, true},
		"an address, and print": {secure.URL, func(c *aws.Config) { c.SSL.CATrustedFingerprint = strings.Repeat("ab", 32) }, true},
		"switched off":          {other, func(c *aws.Config) { c.SSL.VerificationMode = "none" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := static()
			cfg.Endpoint, cfg.Retry.MaxAttempts = test.url, 1
			test.set(&cfg)
			var said bytes.Buffer
			s, err := aws.New(t.Context(), cfg, slog.New(slog.NewTextHandler(&said, nil)))
			require.NoError(t, err)
			defer s.Close()
			_, _, err = s.Identity(t.Context())
			assert.Equal(t, test.fails, err != nil, "%v", err)
			assert.Equal(t, cfg.SSL.VerificationMode == "none", strings.Contains(said.String(), "certificates are not verified"))
		})
	}

	var asked atomic.Pointer[http.Request]
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r)
		server.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	cfg := static()
	cfg.Endpoint, cfg.ProxyURL = "http://sts.eu-west-1.example.com", strings.Replace(proxy.URL, "http://", "http://user:p4ss@", 1)
	_, _, err := open(t, cfg).Identity(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "Basic dXNlcjpwNHNz", asked.Load().Header.Get("Proxy-Authorization"))
	assert.Equal(t, "sts.eu-west-1.example.com", asked.Load().Host)
	proxy.Close()
	cfg.Retry.MaxAttempts = 1
	_, _, err = open(t, cfg).Identity(t.Context())
	require.Error(t, err)
	assert.Equal(t, aws.ClassNetwork, aws.ClassOf(err), "%v", err)
	assert.NotContains(t, err.Error(), "p4ss")
}

func TestClasses(t *testing.T) {
	alone(t)
	for code, test := range map[string]struct {
		status  int
		class   aws.Class
		passing bool
	}{
		"ThrottlingException": {400, aws.ClassThrottled, true}, "RequestThrottled": {403, aws.ClassThrottled, true}, "KmsThrottled": {400, aws.ClassThrottled, true},
		"AccessDeniedException": {400, aws.ClassAccessDenied, false}, "KMS.AccessDeniedException": {400, aws.ClassAccessDenied, false},
		"ExpiredToken": {400, aws.ClassExpired, true}, "ExpiredTokenException": {403, aws.ClassExpired, true},
		"InvalidClientTokenId": {403, aws.ClassCredentials, false}, "SignatureDoesNotMatch": {403, aws.ClassCredentials, false},
		"QueueDoesNotExist": {400, aws.ClassNoQueue, false}, "AWS.SimpleQueueService.NonExistentQueue": {400, aws.ClassNoQueue, false},
		"KMS.DisabledException": {400, aws.ClassKMS, false}, "InternalFailure": {500, aws.ClassServer, true}, "Whatever": {502, aws.ClassServer, true},
		"Something": {400, aws.ClassOther, false}, "SlowDown": {503, aws.ClassThrottled, true},
	} {
		server := new(awstest.Server)
		server.Hook(func(string, *http.Request) *awstest.Fault {
			return &awstest.Fault{Status: test.status, Code: code, Message: "why"}
		})
		cfg := static()
		cfg.HTTPClient, cfg.Retry.MaxAttempts = server.Client(), 1
		_, err := open(t, cfg).SQS("").ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: awssdk.String(queueURL)})
		require.Error(t, err)
		assert.Equal(t, test.class.String(), aws.ClassOf(err).String(), code)
		assert.Equal(t, test.passing, aws.ClassOf(err).Passing(), code)
		explained := aws.Call{Doing: "receiving", Target: "q", Action: "sqs:ReceiveMessage", Resource: "arn:q"}.Explain(err)
		assert.ErrorContains(t, explained, "receiving q: "+test.class.String()+" ("+code+")")
		assert.ErrorContains(t, explained, "the answer was: why")
		assert.Equal(t, explained, aws.Call{Doing: "more"}.Explain(explained), "once")
	}
	// A server of another maker puts the namespace before the code, in the header for callers of the old protocol.
	server := new(awstest.Server)
	server.Hook(func(string, *http.Request) *awstest.Fault {
		return &awstest.Fault{Status: 400, Code: "QueueDoesNotExist", Header: http.Header{"X-Amzn-Query-Error": {"com.amazonaws.sqs#QueueDoesNotExist;Sender"}}}
	})
	cfg := static()
	cfg.HTTPClient = server.Client()
	_, err := open(t, cfg).SQS("").ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: awssdk.String(queueURL)})
	assert.Equal(t, aws.ClassNoQueue, aws.ClassOf(err), "%v", err)
	assert.Equal(t, "QueueDoesNotExist", aws.CodeOf(err))
	assert.Empty(t, aws.CodeOf(context.Canceled))

	assert.NoError(t, aws.Call{}.Explain(nil))
	assert.Equal(t, aws.ClassCanceled, aws.ClassOf(context.Canceled))
}
