package sigv4_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/output"
	"github.com/trailbeat/trailbeat/output/elasticsearch"
	"github.com/trailbeat/trailbeat/output/elasticsearch/sigv4"
	"github.com/trailbeat/trailbeat/output/outputtest"
)

// identity is what the fake knows of its only user.
type identity struct{ key, secret, token string }

func (i identity) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: i.key, SecretAccessKey: i.secret, SessionToken: i.token}, nil
}

var user = identity{"AKIDEXAMPLE", "a secret of the test", "a token"}

// domain is a cluster that recomputes the signature of each request, from its own reading of the rules, and stores
// documents.
type domain struct {
	t       *testing.T
	host    string // what the client should have signed
	region  string
	service string
	clock   time.Time

	mu      sync.Mutex
	refused []string
	paths   []string
	packed  int
	stored  map[string]bool
}

func newDomain(t *testing.T) (*domain, string) {
	d := &domain{t: t, region: "eu-west-1", service: "es", stored: map[string]bool{}}
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	d.host = strings.TrimPrefix(server.URL, "http://")
	return d, server.URL
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func sha(text []byte) string { sum := sha256.Sum256(text); return hex.EncodeToString(sum[:]) }

// verify says what is wrong with the signature. Empty: nothing.
func (d *domain) verify(r *http.Request, body []byte) string {
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if scheme != "AWS4-HMAC-SHA256" {
		return "there is no signature"
	}
	parts := map[string]string{}
	for _, part := range strings.Split(rest, ", ") {
		name, value, _ := strings.Cut(part, "=")
		parts[name] = value
	}
	at := r.Header.Get("X-Amz-Date")
	made, err := time.Parse("20060102T150405Z", at)
	if err != nil || d.clock.IsZero() == false && made.Sub(d.clock).Abs() > 5*time.Minute {
		return "the signature is of another time"
	}
	scope := at[:8] + "/" + d.region + "/" + d.service + "/aws4_request"
	if parts["Credential"] != user.key+"/"+scope {
		return "the scope is " + parts["Credential"]
	}
	if r.Header.Get("X-Amz-Security-Token") != user.token {
		return "the token is wrong"
	}
	if r.Header.Get("X-Amz-Content-Sha256") != sha(body) {
		return "the body is not the one that was signed"
	}
	names := strings.Split(parts["SignedHeaders"], ";")
	for _, must := range []string{"host", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"} {
		if !slices.Contains(names, must) {
			return must + " is not signed"
		}
	}
	if slices.Contains(names, "content-length") {
		return "a serverless collection refuses a signed content-length"
	}
	var canonical strings.Builder
	path := r.URL.EscapedPath()
	fmt.Fprintf(&canonical, "%s\n%s\n", r.Method, strings.ReplaceAll(path, "%", "%25"))
	var query []string
	for name, values := range r.URL.Query() {
		for _, value := range values {
			query = append(query, awsEscape(name)+"="+awsEscape(value))
		}
	}
	slices.Sort(query)
	fmt.Fprintf(&canonical, "%s\n", strings.Join(query, "&"))
	for _, name := range names {
		value := strings.Join(r.Header.Values(name), ",")
		if name == "host" {
			value = d.host
		}
		fmt.Fprintf(&canonical, "%s:%s\n", name, strings.Join(strings.Fields(value), " "))
	}
	fmt.Fprintf(&canonical, "\n%s\n%s", strings.Join(names, ";"), sha(body))
	text := "AWS4-HMAC-SHA256\n" + at + "\n" + scope + "\n" + sha([]byte(canonical.String()))
	key := mac(mac(mac(mac([]byte("AWS4"+user.secret), at[:8]), d.region), d.service), "aws4_request")
	if parts["Signature"] != hex.EncodeToString(mac(key, text)) {
		return "the signature does not match:\n" + canonical.String()
	}
	return ""
}

func awsEscape(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func (d *domain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	assert.NoError(d.t, err)
	d.mu.Lock()
	defer d.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	d.paths = append(d.paths, r.URL.Path)
	if wrong := d.verify(r, body); wrong != "" {
		d.refused = append(d.refused, wrong)
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"message":"The request signature we calculated does not match the signature you provided."}`)
		return
	}
	switch r.URL.Path {
	case "/":
		_, _ = io.WriteString(w, `{"cluster_name":"fake","version":{"distribution":"opensearch","number":"2.17.0"},"tagline":"The OpenSearch Project"}`)
	case "/_bulk":
		if r.Header.Get("Content-Encoding") == "gzip" {
			d.packed++
			z, err := gzip.NewReader(bytes.NewReader(body))
			assert.NoError(d.t, err)
			body, err = io.ReadAll(z)
			assert.NoError(d.t, err)
		}
		var items []string
		for i, line := range bytes.Split(bytes.TrimSpace(body), []byte("\n")) {
			if i%2 == 0 {
				d.stored[string(line)] = true
				items = append(items, `{"create":{"_index":".ds-logs-aws.cloudtrail-default-000001","status":201}}`)
			}
		}
		_, _ = io.WriteString(w, `{"errors":false,"items":[`+strings.Join(items, ",")+`]}`)
	default:
		_, _ = io.WriteString(w, `{"data_streams":[{"template":"t","indices":[{"index_name":".ds-logs-aws.cloudtrail-default-000001"}]}]}`)
	}
}

func signer(t *testing.T, change ...func(*sigv4.Config)) *sigv4.Signer {
	t.Helper()
	conf := sigv4.Config{Region: "eu-west-1", Credentials: user}
	for _, f := range change {
		f(&conf)
	}
	s, err := sigv4.New(t.Context(), conf)
	require.NoError(t, err)
	return s
}

func open(t *testing.T, s *sigv4.Signer, wrap func(http.RoundTripper) http.RoundTripper, change func(*elasticsearch.Config), hosts ...string) *elasticsearch.Output {
	t.Helper()
	conf := elasticsearch.DefaultConfig()
	conf.Hosts = hosts
	change(&conf)
	out, err := elasticsearch.New(conf, elasticsearch.Options{Wrap: func(next http.RoundTripper) http.RoundTripper {
		if wrap != nil {
			next = wrap(next)
		}
		return s.Wrap(next)
	}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = out.Close() })
	return out
}

func TestEachRequestIsSigned(t *testing.T) {
	for name, change := range map[string]func(*elasticsearch.Config){
		"plain":      func(c *elasticsearch.Config) { c.CompressionLevel = 0 },
		"gzip":       func(c *elasticsearch.Config) { c.CompressionLevel = 1; c.BulkMaxSize = 7 },
		"parameters": func(c *elasticsearch.Config) { c.Parameters = map[string]string{"routing": "a b/ü+&=*~", "x": ""} },
		"headers":    func(c *elasticsearch.Config) { c.Headers = map[string]string{"X-Some": "  two   blanks  "} },
	} {
		t.Run(name, func(t *testing.T) {
			d, url := newDomain(t)
			out := open(t, signer(t), nil, change, url)
			res, err := out.Write(t.Context(), outputtest.NewEvents(0, 50))
			require.NoError(t, err, d.refused)
			assert.Equal(t, output.Result{Stored: 50}, res)
			assert.Len(t, d.stored, 50)
			assert.Empty(t, d.refused)
			assert.Contains(t, d.paths, "/_data_stream/logs-aws.cloudtrail-default")
			if name == "gzip" {
				assert.Equal(t, 8, d.packed)
			}
		})
	}
}

// Each host gets a signature for its own name.
func TestSeveralHosts(t *testing.T) {
	one, first := newDomain(t)
	two, second := newDomain(t)
	out := open(t, signer(t), nil, func(c *elasticsearch.Config) { c.BulkMaxSize = 5 }, first, second)
	_, err := out.Write(t.Context(), outputtest.NewEvents(0, 50))
	require.NoError(t, err)
	assert.Empty(t, one.refused)
	assert.Empty(t, two.refused)
	assert.Len(t, one.stored, 50-len(two.stored))
	assert.NotEmpty(t, one.stored)
	assert.NotEmpty(t, two.stored)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What is changed behind the signature is noticed, which proves that the fake looks.
func TestChangedRequestsAreRefused(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"host":  func(r *http.Request) { r.Host = "another.example" },
		"path":  func(r *http.Request) { r.URL.Path += "/more" },
		"query": func(r *http.Request) { r.URL.RawQuery += "&more=1" },
		"body": func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader("x")), 1
		},
		"header": func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "Signature=", "Signature=0", 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, url := newDomain(t)
			out := open(t, signer(t), func(next http.RoundTripper) http.RoundTripper {
				return roundTripper(func(r *http.Request) (*http.Response, error) {
					change(r)
					if name == "host" {
						d.mu.Lock()
						d.host = r.Host // what reaches the server
						d.mu.Unlock()
					}
					return next.RoundTrip(r)
				})
			}, func(*elasticsearch.Config) {}, url)
			_, err := out.Write(t.Context(), outputtest.NewEvents(0, 1))
			require.True(t, output.IsFatal(err), "%v", err)
			assert.NotEmpty(t, d.refused)
			assert.Empty(t, d.stored)
		})
	}
}

func TestScope(t *testing.T) {
	d, url := newDomain(t)
	d.region, d.service = "us-east-2", "aoss"
	s := signer(t, func(c *sigv4.Config) { c.Region, c.Service = "us-east-2", "aoss" })
	out := open(t, s, nil, func(*elasticsearch.Config) {}, url)
	_, err := out.Write(t.Context(), outputtest.NewEvents(0, 1))
	require.NoError(t, err, d.refused)

	wrong := open(t, signer(t), nil, func(*elasticsearch.Config) {}, url)
	_, err = wrong.Write(t.Context(), outputtest.NewEvents(0, 1))
	require.True(t, output.IsFatal(err), "%v", err)
	assert.Contains(t, d.refused[0], "the scope is")
}

func TestClock(t *testing.T) {
	d, url := newDomain(t)
	d.clock = time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	out := open(t, signer(t, func(c *sigv4.Config) { c.Now = func() time.Time { return d.clock.Add(time.Minute) } }), nil, func(*elasticsearch.Config) {}, url)
	_, err := out.Write(t.Context(), outputtest.NewEvents(0, 1))
	require.NoError(t, err, d.refused)
}

type noCredentials struct{}

func (noCredentials) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{}, errors.New("the role cannot be assumed")
}

// Credentials come from services that fail too: nothing is sent, and the batch is tried again.
func TestCredentialsThatFail(t *testing.T) {
	d, url := newDomain(t)
	out := open(t, signer(t, func(c *sigv4.Config) { c.Credentials = noCredentials{} }), nil, func(*elasticsearch.Config) {}, url)
	_, err := out.Write(t.Context(), outputtest.NewEvents(0, 1))
	require.ErrorContains(t, err, "the role cannot be assumed")
	assert.False(t, output.IsFatal(err))
	assert.Empty(t, d.paths)
}

// A body that can be read only once is signed and sent all the same.
func TestBodyThatIsReadOnce(t *testing.T) {
	d, url := newDomain(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/other", io.NopCloser(strings.NewReader("text")))
	require.NoError(t, err)
	req.SetBasicAuth("someone", "else")
	res, err := signer(t).Wrap(http.DefaultTransport).RoundTrip(req)
	require.NoError(t, err)
	defer res.Body.Close()
	assert.Equal(t, http.StatusOK, res.StatusCode)
	assert.Empty(t, d.refused)
	assert.Empty(t, req.Header.Get("X-Amz-Date"), "the request of the caller is not changed")
}

func TestRegion(t *testing.T) {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", t.TempDir()+"/none")
	_, err := sigv4.New(t.Context(), sigv4.Config{})
	require.ErrorIs(t, err, sigv4.ErrNoRegion)

	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_ACCESS_KEY_ID", user.key)
	t.Setenv("AWS_SECRET_ACCESS_KEY", user.secret)
	t.Setenv("AWS_SESSION_TOKEN", user.token)
	s, err := sigv4.New(t.Context(), sigv4.Config{})
	require.NoError(t, err)
	d, url := newDomain(t)
	out := open(t, s, nil, func(*elasticsearch.Config) {}, url)
	_, err = out.Write(t.Context(), outputtest.NewEvents(0, 1))
	require.NoError(t, err, d.refused)
}

func TestUsualPortIsLeftOut(t *testing.T) {
	for _, host := range []string{"https://d.eu-west-1.es.amazonaws.com", "https://d.eu-west-1.es.amazonaws.com:443"} {
		d, _ := newDomain(t)
		d.host = "d.eu-west-1.es.amazonaws.com"
		var sent *http.Request
		out := open(t, signer(t), func(http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				sent = r
				answer := httptest.NewRecorder()
				if r.Body == nil {
					r.Body = http.NoBody
				}
				d.ServeHTTP(answer, r)
				return answer.Result(), nil
			})
		}, func(c *elasticsearch.Config) { c.AWS.SigV4.Enabled = true }, host)
		_, err := out.Server(t.Context())
		require.NoError(t, err, d.refused)
		assert.Equal(t, d.host, sent.Host)
		assert.Equal(t, d.host+":443", sent.URL.Host)
	}
}
