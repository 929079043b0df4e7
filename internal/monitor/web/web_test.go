package web

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/monitor/api"
)

// serve answers one request with the handler of a configuration.
func serve(t *testing.T, opt Options, method, target string, change func(*http.Request)) *http.Response {
	t.Helper()
	if opt.Source == nil {
		opt.Source = newScene().Monitor
	}
	h, err := newHandler(opt)
	require.NoError(t, err)
	r := httptest.NewRequest(method, target, nil)
	r.Host = "localhost:5066"
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(text)
}

func config(change func(*Config)) Options {
	c := DefaultConfig()
	if change != nil {
		change(&c)
	}
	return Options{Config: c}
}

func TestHeaders(t *testing.T) {
	for _, target := range []string{"/", "/page/app.js", "/api/v1/status", "/metrics", "/nothing", "/health"} {
		res := serve(t, config(nil), "GET", target, nil)
		assert.Equal(t, policy, res.Header.Get("Content-Security-Policy"), target)
		assert.Equal(t, "nosniff", res.Header.Get("X-Content-Type-Options"), target)
		assert.Equal(t, "DENY", res.Header.Get("X-Frame-Options"), target)
		assert.Equal(t, "no-store", res.Header.Get("Cache-Control"), target)
		assert.Empty(t, res.Header.Get("Access-Control-Allow-Origin"), target)
	}
	assert.NotContains(t, policy, "unsafe")
}

// The page must need nothing that is not in the binary, and nothing that the policy forbids.
func TestPageIsWhole(t *testing.T) {
	html := func(r *http.Request) { r.Header.Set("Accept", "text/html,*/*") }
	res := serve(t, config(nil), "GET", "/", html)
	assert.Equal(t, "text/html; charset=utf-8", res.Header.Get("Content-Type"))
	text := body(t, res)
	assert.NotRegexp(t, `(?i)<style|\sstyle=|<script>|\son[a-z]+="`, text)
	found := regexp.MustCompile(`(?:href|src)="(/[^"]*)"`).FindAllStringSubmatch(text, -1)
	require.NotEmpty(t, found)
	for _, m := range found {
		res := serve(t, config(nil), "GET", m[1], nil)
		assert.Equal(t, http.StatusOK, res.StatusCode, m[1])
	}
	files, err := filepath.Glob("page/*")
	require.NoError(t, err)
	for _, name := range files {
		raw, err := os.ReadFile(name)
		require.NoError(t, err)
		foreign := regexp.MustCompile(`https?://[^"' )]+`).FindAllString(string(raw), -1)
		for _, url := range foreign {
			assert.Equal(t, "http://www.w3.org/2000/svg", url, name)
		}
		assert.NotContains(t, string(raw), "innerHTML", name)
		res := serve(t, config(nil), "GET", "/"+name, nil)
		assert.Equal(t, http.StatusOK, res.StatusCode, name)
	}
}

func TestAuthentication(t *testing.T) {
	const token = "0123456789abcdef0123"
	cfg := config(func(c *Config) {
		c.Host, c.Auth = "0.0.0.0", AuthConfig{Token: token, Username: "ann", Password: "correct horse"}
	})
	bearer := func(v string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+v) }
	}
	basic := func(u, p string) func(*http.Request) { return func(r *http.Request) { r.SetBasicAuth(u, p) } }
	for _, c := range []struct {
		name   string
		change func(*http.Request)
		want   int
	}{
		{"none", nil, 401},
		{"token", bearer(token), 200},
		{"wrong token", bearer(token + "x"), 401},
		{"empty token", bearer(""), 401},
		{"basic", basic("ann", "correct horse"), 200},
		{"token as a password", basic("token", token), 200},
		{"wrong password", basic("ann", "correct horses"), 401},
		{"colon moved", basic("ann:correct", " horse"), 401},
		{"unknown scheme", func(r *http.Request) { r.Header.Set("Authorization", "Digest x") }, 401},
	} {
		for _, target := range []string{"/", "/metrics", "/stats", "/api/v1/status", "/page/app.js", "/nothing"} {
			want := c.want
			if want == 200 && target == "/nothing" {
				want = 404
			}
			assert.Equal(t, want, serve(t, cfg, "GET", target, c.change).StatusCode, "%s %s", c.name, target)
		}
	}
	s := newScene()
	s.breakOutput()
	cfg.Source = s.Monitor
	assert.Equal(t, 200, serve(t, cfg, "GET", "/health", nil).StatusCode, "probes have no credentials")
	res := serve(t, cfg, "GET", "/ready", nil)
	assert.Equal(t, 503, res.StatusCode)
	assert.JSONEq(t, `{"ready":false}`, body(t, res), "and learn no more than yes or no")
	assert.Contains(t, body(t, serve(t, cfg, "GET", "/ready", bearer(token))), "refused")
	noUser := config(func(c *Config) { c.Auth.Token = token })
	assert.Equal(t, 401, serve(t, noUser, "GET", "/", basic("", "")).StatusCode)
}

// A page of another origin can make a browser ask, with any name that its owner points here.
func TestForeignPages(t *testing.T) {
	host := func(h string) func(*http.Request) { return func(r *http.Request) { r.Host = h } }
	for h, want := range map[string]int{
		"localhost": 200, "localhost:5066": 200, "127.0.0.1:5066": 200, "[::1]:5066": 200, "127.9.9.9": 200, "LOCALHOST:1": 200,
		"evil.example": 403, "evil.example:5066": 403, "localhost.evil.example": 403, "": 403, "10.0.0.1:5066": 403, "127.0.0.1.evil.example": 403,
	} {
		assert.Equal(t, want, serve(t, config(nil), "GET", "/api/v1/status", host(h)).StatusCode, "%q", h)
	}
	assert.Equal(t, 200, serve(t, config(func(c *Config) { c.Host = "unix:///run/x" }), "GET", "/stats", host("whatever")).StatusCode)

	opt := config(nil)
	called := 0
	opt.Routes = []Route{{Pattern: "POST /api/v1/sources", Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called++ })}}
	from := func(origin, site string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Origin", origin)
			r.Header.Set("Sec-Fetch-Site", site)
		}
	}
	assert.Equal(t, 403, serve(t, opt, "POST", "/api/v1/sources", from("https://evil.example", "cross-site")).StatusCode)
	assert.Equal(t, 200, serve(t, opt, "POST", "/api/v1/sources", from("http://localhost:5066", "same-origin")).StatusCode)
	assert.Equal(t, 200, serve(t, opt, "POST", "/api/v1/sources", nil).StatusCode, "no browser")
	assert.Equal(t, 2, called)
	opt.Config.Auth.Token = "0123456789abcdef"
	assert.Equal(t, 401, serve(t, opt, "POST", "/api/v1/sources", nil).StatusCode, "routes of others are behind the same door")
}

func TestReadyAndAPI(t *testing.T) {
	s := newScene()
	s.minutes(3)
	opt := config(nil)
	opt.Source = s.Monitor
	assert.JSONEq(t, `{"ready":true}`, body(t, serve(t, opt, "GET", "/ready", nil)))
	assert.JSONEq(t, `{"status":"alive"}`, body(t, serve(t, opt, "GET", "/health", nil)))
	var st api.Status
	require.NoError(t, json.Unmarshal([]byte(body(t, serve(t, opt, "GET", api.StatusPath, nil))), &st))
	assert.True(t, st.Flow.Balanced())
	assert.Positive(t, st.Flow.Indexed)
	var line api.Series
	require.NoError(t, json.Unmarshal([]byte(body(t, serve(t, opt, "GET", api.SeriesPath+"?window=10m", nil))), &line))
	assert.Len(t, line.Indexed, 90)
	assert.Equal(t, 400, serve(t, opt, "GET", api.SeriesPath+"?window=x", nil).StatusCode)
	assert.Equal(t, 405, serve(t, opt, "POST", api.StatusPath, nil).StatusCode)
	assert.Equal(t, 404, serve(t, opt, "GET", "/debug/pprof/", nil).StatusCode)
	opt.Config.Pprof.Enabled = true
	assert.Equal(t, 200, serve(t, opt, "GET", "/debug/pprof/", nil).StatusCode)
	assert.Equal(t, 404, serve(t, opt, "GET", "/debug/pprof/cmdline", nil).StatusCode)
	assert.Equal(t, 200, serve(t, opt, "GET", "/debug/pprof/goroutine?debug=1", nil).StatusCode)
	assert.Contains(t, body(t, serve(t, opt, "GET", "/", nil)), `"beat":"trailbeat"`, "who does not ask for HTML gets what Beats answer")
}

// number finds a number by its path.
func number(t *testing.T, doc map[string]any, path string) float64 {
	t.Helper()
	var at any = doc
	for name := range strings.SplitSeq(path, ".") {
		group, ok := at.(map[string]any)
		require.True(t, ok, path)
		require.Contains(t, group, name, path)
		at = group[name]
	}
	n, ok := at.(float64)
	require.True(t, ok, path)
	return n
}

// What users of Beats scrape is where they look for it, and says the same as the accounting.
func TestStatsLikeBeats(t *testing.T) {
	s := newScene()
	s.minutes(2)
	opt := config(nil)
	opt.Source = s.Monitor
	var doc map[string]any
	require.NoError(t, json.Unmarshal([]byte(body(t, serve(t, opt, "GET", "/stats", nil))), &doc))
	st := s.Status()
	for path, want := range map[string]int64{
		"libbeat.output.events.dead_letter": st.Flow.DeadLettered, "libbeat.pipeline.events.total": st.Flow.Received,
		"libbeat.pipeline.events.active": st.Flow.InFlight, "libbeat.pipeline.events.filtered": st.Flow.Filtered,
		"filebeat.events.added": st.Flow.Received, "libbeat.output.events.total": st.Output.Sent, "libbeat.output.events.batches": st.Output.Batches,
		"libbeat.pipeline.clients": int64(len(st.Inputs)),
	} {
		assert.EqualValues(t, want, number(t, doc, path), path)
	}
	for _, path := range []string{
		"beat.info.uptime.ms", "beat.cpu.total.value", "beat.memstats.memory_alloc", "beat.memstats.rss", "beat.runtime.goroutines",
		"libbeat.output.events.acked", "libbeat.output.events.active", "libbeat.output.events.failed", "libbeat.output.events.dropped",
		"libbeat.output.events.duplicates", "libbeat.output.write.errors", "libbeat.pipeline.events.published", "libbeat.pipeline.events.retry",
		"filebeat.harvester.open_files", "filebeat.harvester.running", "filebeat.harvester.started", "filebeat.events.done", "system.cpu.cores",
	} {
		assert.GreaterOrEqual(t, number(t, doc, path), 0.0, path)
	}
	state := body(t, serve(t, opt, "GET", "/state", nil))
	assert.Contains(t, state, `"output":{"name":"elasticsearch"}`)
}

func TestMetrics(t *testing.T) {
	s := newScene()
	s.minutes(3)
	s.breakOutput()
	s.AttachIntegrity(s.incomplete)
	opt := config(nil)
	opt.Source = s.Monitor
	text := body(t, serve(t, opt, "GET", "/metrics", nil))
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	require.NoError(t, err)
	assert.Empty(t, problems)

	// The documentation names each of them, and none that is not there.
	doc, err := os.ReadFile("../../../docs/operate.md")
	require.NoError(t, err)
	named := map[string]bool{}
	for _, m := range regexp.MustCompile("\\| `(trailbeat_[a-z_]+)").FindAllStringSubmatch(string(doc), -1) {
		named[m[1]] = true
	}
	_, all := newDescs()
	for _, d := range all {
		name := regexp.MustCompile(`fqName: "([^"]+)"`).FindStringSubmatch(d.String())[1]
		assert.True(t, named[name], "docs/operate.md does not name %s", name)
		assert.Contains(t, text, "# TYPE "+name+" ", "the scene shows every metric")
		delete(named, name)
	}
	assert.Empty(t, named, "docs/operate.md names what is not there")
	// Values balance there too.
	sum := 0.0
	for _, m := range regexp.MustCompile(`(?m)^trailbeat_records(?:_received|_in_flight)?(?:_total)?\{[^}]*\} (\S+)$`).FindAllStringSubmatch(text, -1) {
		v, err := strconv.ParseFloat(m[1], 64)
		require.NoError(t, err)
		if strings.Contains(m[0], "_received") {
			v = -v
		}
		sum += v
	}
	assert.Zero(t, sum)
	assert.Contains(t, text, "trailbeat_ready 0")
}

func TestConfig(t *testing.T) {
	for _, c := range []struct {
		change func(*Config)
		want   string
	}{
		{func(*Config) {}, ""},
		{func(c *Config) { c.Host = "::1" }, ""},
		{func(c *Config) { c.Host = "unix:///run/trailbeat.sock" }, ""},
		{func(c *Config) { c.Host = "0.0.0.0" }, "host: 0.0.0.0 can be reached from other machines; set auth.token"},
		{func(c *Config) { c.Host = "trail.example" }, "host: trail.example can be reached"},
		{func(c *Config) { c.Host, c.AllowUnauthenticated = "0.0.0.0", true }, ""},
		{func(c *Config) { c.Host, c.Auth.Token = "0.0.0.0", "0123456789abcdef" }, ""},
		{func(c *Config) { c.Host = "" }, "host: must not be empty"},
		{func(c *Config) { c.Host = "unix://" }, "host: must name the socket"},
		{func(c *Config) { c.Host = "localhost:5066" }, "without a port"},
		{func(c *Config) { c.Host = "http://localhost" }, "without a port"},
		{func(c *Config) { c.Port = 70000 }, "port: must be 0 to 65535"},
		{func(c *Config) { c.Auth.Token = "short" }, "auth.token: has 5 characters"},
		{func(c *Config) { c.Auth.Token = "with a space in the middle" }, "white space"},
		{func(c *Config) { c.Auth.Username = "ann" }, "need each other"},
		{func(c *Config) { c.Auth.Username, c.Auth.Password = "a:b", "long enough" }, "colon"},
		{func(c *Config) { c.Auth.Username, c.Auth.Password = "a", "short" }, "8 characters"},
		{func(c *Config) { c.SSL.Key = "x" }, "ssl: certificate and key need each other"},
		{func(c *Config) { c.DeadLetterSample = 1 << 20 }, "dead_letter_sample: must be 0 to 2048"},
	} {
		cfg := DefaultConfig()
		c.change(&cfg)
		err := cfg.Validate()
		if c.want == "" {
			assert.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, c.want)
		assert.NotContains(t, err.Error(), "with a space")
	}
	on := true
	cfg := DefaultConfig()
	assert.True(t, cfg.On(true))
	assert.False(t, cfg.On(false))
	cfg.Enabled = &on
	assert.True(t, cfg.On(false))
	cfg.Enabled, cfg.Host, cfg.AllowUnauthenticated = nil, "0.0.0.0", true
	assert.False(t, cfg.On(true), "the default is for this machine alone")
}

func TestServer(t *testing.T) {
	ctx := t.Context()
	opt := config(func(c *Config) { c.Port = 0 })
	opt.Source = newScene().Monitor
	s, err := Listen(ctx, opt)
	require.NoError(t, err)
	client := &api.Client{URL: s.URL()}
	st, err := client.Status(ctx)
	require.NoError(t, err)
	assert.Equal(t, "trailbeat", st.Program.Name)

	_, port, err := net.SplitHostPort(strings.TrimPrefix(s.URL(), "http://"))
	require.NoError(t, err)
	taken := opt
	taken.Config.Port, err = strconv.Atoi(port)
	require.NoError(t, err)
	_, err = Listen(ctx, taken)
	require.ErrorIs(t, err, ErrTaken)

	closing, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	require.NoError(t, s.Close(closing))
	_, err = client.Status(ctx)
	require.ErrorContains(t, err, "is one running")

	opt.Config.Host = "unix://" + filepath.Join(t.TempDir(), "s")
	for range 2 { // the second finds what the first left behind
		s, err = Listen(ctx, opt)
		require.NoError(t, err)
		_, err = Listen(ctx, opt)
		require.ErrorIs(t, err, ErrTaken)
		s.listener.(*net.UnixListener).SetUnlinkOnClose(false)
		require.NoError(t, s.Close(closing))
	}
	opt.Config.Host = "unix://" + filepath.Join("testdata", "..", "doc.go")
	_, err = Listen(ctx, opt)
	require.ErrorContains(t, err, "is no socket")
	opt.Config = DefaultConfig()
	opt.Config.SSL = SSLConfig{Certificate: "none.pem", Key: "none.pem"}
	_, err = Listen(ctx, opt)
	require.ErrorContains(t, err, "http.ssl.certificate")
	opt.Config.Host = "0.0.0.0"
	_, err = Listen(ctx, opt)
	require.ErrorContains(t, err, "other machines")
}

func TestTLS(t *testing.T) {
	lent := httptest.NewTLSServer(nil)
	defer lent.Close()
	cert := lent.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	require.NoError(t, err)
	opt := config(func(c *Config) {
		c.Port, c.Host, c.Auth.Token = 0, "127.0.0.1", "0123456789abcdef"
		c.SSL = SSLConfig{Certificate: filepath.Join(t.TempDir(), "crt"), Key: filepath.Join(t.TempDir(), "key")}
	})
	for name, block := range map[string]*pem.Block{
		opt.Config.SSL.Certificate: {Type: "CERTIFICATE", Bytes: cert.Certificate[0]}, opt.Config.SSL.Key: {Type: "PRIVATE KEY", Bytes: key},
	} {
		require.NoError(t, os.WriteFile(name, pem.EncodeToMemory(block), 0o600))
	}
	opt.Source = newScene().Monitor
	s, err := Listen(t.Context(), opt)
	require.NoError(t, err)
	defer func() { assert.NoError(t, s.Close(context.WithoutCancel(t.Context()))) }()
	client := &api.Client{URL: s.URL(), HTTP: lent.Client(), Token: "0123456789abcdef"}
	_, err = client.Status(t.Context())
	require.NoError(t, err)
	client.Token = ""
	_, err = client.Series(t.Context(), api.WindowMinutes)
	require.ErrorContains(t, err, "it wants http.auth.token")
	lent.Client().CloseIdleConnections()
}
