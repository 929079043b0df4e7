package elasticsearch

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
	"github.com/trailbeat/trailbeat/output/outputtest"
)

// TestWholeRequestFails has faults that say nothing about any document: the error is plain, nothing counts as stored, and
// the next try delivers.
func TestWholeRequestFails(t *testing.T) {
	html := http.Header{"Content-Type": {"text/html; charset=utf-8"}}
	for _, test := range []struct {
		name  string
		fault func(f *fake) func(http.ResponseWriter, *http.Request, []sent) bool
		says  string
		// after is what the next try finds: what the fault had stored already is a duplicate.
		after output.Result
	}{
		{"503", always(status(503, nil, `{"error":{"type":"cluster_block_exception","reason":"no master"},"status":503}`)), "no master", output.Result{Stored: 3}},
		{"429", always(status(429, nil, `{"error":{"type":"es_rejected_execution_exception","reason":"coordinating bytes"},"status":429}`)), "coordinating bytes", output.Result{Stored: 3}},
		{"502 page", always(status(502, html, "<html>Bad gateway</html>")), "of type text/html", output.Result{Stored: 3}},
		{"404", always(status(404, nil, `{"error":"no handler found"}`)), "no handler found", output.Result{Stored: 3}},
		{"blocked cluster", always(status(403, nil, `{"error":{"type":"cluster_block_exception","reason":"read only"},"status":403}`)), "read only", output.Result{Stored: 3}},
		{"page with 200", always(status(200, html, "<html>Sign in</html>")), "of type text/html", output.Result{Stored: 3}},
		{"empty 200", always(status(200, nil, "")), "empty", output.Result{Stored: 3}},
		{"error with 200", always(status(200, nil, `{"error":{"type":"x","reason":"strange"}}`)), "strange", output.Result{Stored: 3}},
		{"items missing", always(status(200, nil, `{"errors":false,"items":[`+created+`]}`)), "1 items for 3 documents", output.Result{Stored: 3}},
		{"no items", always(status(200, nil, `{"errors":false}`)), "0 items for 3 documents", output.Result{Stored: 3}},
		{"stored, and half of the answer", func(f *fake) func(http.ResponseWriter, *http.Request, []sent) bool {
			return func(w http.ResponseWriter, _ *http.Request, docs []sent) bool {
				text := f.store(docs)
				_, _ = io.WriteString(w, text[:len(text)/2])
				return true
			}
		}, "not valid JSON", output.Result{Duplicate: 3}},
		{"stored, and the connection breaks in the answer", func(f *fake) func(http.ResponseWriter, *http.Request, []sent) bool {
			return func(w http.ResponseWriter, _ *http.Request, docs []sent) bool {
				text := f.store(docs)
				w.Header().Set("Content-Length", fmt.Sprint(len(text)))
				_, _ = io.WriteString(w, text[:len(text)/2])
				panic(http.ErrAbortHandler)
			}
		}, "EOF", output.Result{Duplicate: 3}},
		{"stored, and the connection breaks before the answer", func(f *fake) func(http.ResponseWriter, *http.Request, []sent) bool {
			return func(_ http.ResponseWriter, _ *http.Request, docs []sent) bool {
				f.store(docs)
				panic(http.ErrAbortHandler)
			}
		}, "EOF", output.Result{Duplicate: 3}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			fault := test.fault(f)
			var broken atomic.Bool
			broken.Store(true)
			f.bulk = func(w http.ResponseWriter, r *http.Request, docs []sent) bool {
				return broken.Load() && fault(w, r, docs)
			}
			out := open(t, f.URL)
			defer out.Close()
			events := outputtest.NewEvents(0, 3)
			res, err := out.Write(t.Context(), events)
			require.ErrorContains(t, err, test.says)
			var failed *output.BatchError
			assert.NotErrorAs(t, err, &failed)
			assert.False(t, output.IsFatal(err))
			assert.Zero(t, res)
			assert.Len(t, f.seen(), 1, "one attempt only")

			broken.Store(false)
			res, err = out.Write(t.Context(), events)
			require.NoError(t, err)
			assert.Equal(t, test.after, res)
			assert.Equal(t, 3, f.count())
		})
	}
}

func always(h func(http.ResponseWriter, *http.Request, []sent) bool) func(*fake) func(http.ResponseWriter, *http.Request, []sent) bool {
	return func(*fake) func(http.ResponseWriter, *http.Request, []sent) bool { return h }
}

func TestRefusedCredentialsStopTheRun(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request, []sent) bool{
		"401":                status(401, nil, `{"error":{"type":"security_exception","reason":"unable to authenticate"},"status":401}`),
		"401 without a body": status(401, nil, ""),
		"403":                status(403, nil, `{"error":{"type":"security_exception","reason":"action is unauthorized"},"status":403}`),
		"403 of a document":  status(200, nil, `{"errors":true,"items":[`+created+`,`+created+`,{"create":{"status":403,"error":{"type":"security_exception","reason":"action is unauthorized"}}}]}`),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.bulk = answer
			out := open(t, f.URL, func(c *Config) { c.Username, c.Password = "elastic", "geheim" })
			defer out.Close()
			res, err := out.Write(t.Context(), outputtest.NewEvents(0, 3))
			require.True(t, output.IsFatal(err), "%v", err)
			assert.Zero(t, res)
			assert.NotContains(t, err.Error(), "geheim")
		})
	}
}

func TestRetryAfterIsPassedOn(t *testing.T) {
	f := newFake(t)
	f.bulk = status(503, http.Header{"Retry-After": {"7"}}, "")
	out := open(t, f.URL)
	defer out.Close()
	_, err := out.Write(t.Context(), outputtest.NewEvents(0, 3))
	var wish interface{ RetryAfter() time.Duration }
	require.ErrorAs(t, err, &wish)
	assert.Equal(t, 7*time.Second, wish.RetryAfter())
}

func TestRetryAfterForms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for value, want := range map[string]time.Duration{
			"": 0, "0": 0, "120": 2 * time.Minute, "-5": 0, "soon": 0,
			time.Now().Add(time.Minute).UTC().Format(http.TimeFormat):  time.Minute,
			time.Now().Add(-time.Minute).UTC().Format(http.TimeFormat): 0,
		} {
			assert.Equal(t, want, retryAfter(http.Header{"Retry-After": {value}}), value)
		}
	})
}

func TestVerdictPerDocument(t *testing.T) {
	f := newFake(t)
	f.bulk = func(w http.ResponseWriter, _ *http.Request, docs []sent) bool {
		_, _ = io.WriteString(w, answerFor(docs, func(d sent) string {
			switch d.id {
			case "outputtest-00000001":
				return `{"create":{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"queue full"}}}`
			case "outputtest-00000002":
				return `{"create":{"status":400,"error":{"type":"document_parsing_exception","reason":"bad","caused_by":{"type":"x","reason":"worse"}}}}`
			case "outputtest-00000003":
				return `{"create":{"status":409,"error":{"type":"version_conflict_engine_exception","reason":"there"}}}`
			}
			return created
		}))
		return true
	}
	out := open(t, f.URL, func(c *Config) { c.BulkMaxSize = 2 })
	defer out.Close()
	res, err := out.Write(t.Context(), outputtest.NewEvents(0, 5))
	var failed *output.BatchError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, []output.Failure{
		{Index: 1, Status: 429, Type: "es_rejected_execution_exception", Reason: "queue full"},
		{Index: 2, Permanent: true, Status: 400, Type: "document_parsing_exception", Reason: "bad: worse"},
	}, failed.Failures)
	assert.Equal(t, output.Result{Stored: 2, Duplicate: 1}, res)
}

// TestOneRequestOfSeveralFails: what is durable is told apart from what is not.
func TestOneRequestOfSeveralFails(t *testing.T) {
	f := newFake(t)
	f.bulk = func(w http.ResponseWriter, r *http.Request, docs []sent) bool {
		return docs[0].id == "outputtest-00000004" && status(503, http.Header{"Retry-After": {"3"}}, "")(w, r, docs)
	}
	out := open(t, f.URL, func(c *Config) { c.BulkMaxSize = 2 })
	defer out.Close()
	res, err := out.Write(t.Context(), outputtest.NewEvents(0, 10))
	var failed *output.BatchError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, f.count(), res.Stored)
	assert.Equal(t, 10, res.Stored+len(failed.Failures))
	assert.GreaterOrEqual(t, res.Stored, 4)
	failing := map[string]bool{}
	for _, failure := range failed.Failures {
		assert.False(t, failure.Permanent)
		assert.Equal(t, 503, failure.Status)
		assert.Equal(t, 3*time.Second, failure.RetryAfter)
		failing[outputtest.NewEvent(failure.Index).Meta.ID] = true
	}
	for _, id := range ids(10) {
		stored := f.has(id)
		assert.NotEqual(t, failing[id], stored, id)
	}
}

func TestTooLargeRequestsAreSplit(t *testing.T) {
	const limit = 200 << 10
	f := newFake(t)
	f.bulk = func(w http.ResponseWriter, r *http.Request, docs []sent) bool {
		size := 0
		for _, d := range docs {
			size += len(d.source)
		}
		return size > limit && status(413, nil, "")(w, r, docs)
	}
	out := open(t, f.URL)
	defer out.Close()
	events := outputtest.NewEvents(0, 1000)
	events[500].Message = strings.Repeat("x", limit)
	res, err := out.Write(t.Context(), events)
	var failed *output.BatchError
	require.ErrorAs(t, err, &failed)
	require.Len(t, failed.Failures, 1)
	assert.Equal(t, 500, failed.Failures[0].Index)
	assert.True(t, failed.Failures[0].Permanent)
	assert.Equal(t, 413, failed.Failures[0].Status)
	assert.Equal(t, output.Result{Stored: 999}, res)

	f.forget()
	res, err = out.Write(t.Context(), outputtest.NewEvents(1000, 1000))
	require.NoError(t, err)
	assert.Equal(t, 1000, res.Stored)
	for _, size := range f.counts() {
		assert.Less(t, size, 1000, "the limit was learned, so that the same size is not tried again")
	}
}

func TestDocumentThatSpoilsTheRequest(t *testing.T) {
	spoilt := func(w http.ResponseWriter, r *http.Request, docs []sent) bool {
		for _, d := range docs {
			if d.id == "outputtest-00000007" {
				return status(400, nil, `{"error":{"type":"x_content_parse_exception","reason":"spoilt"},"status":400}`)(w, r, docs)
			}
		}
		return false
	}
	f := newFake(t)
	f.bulk = spoilt
	out := open(t, f.URL)
	defer out.Close()
	res, err := out.Write(t.Context(), outputtest.NewEvents(0, 20))
	var failed *output.BatchError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, []output.Failure{{Index: 7, Permanent: true, Status: 400, Type: "x_content_parse_exception", Reason: "spoilt"}}, failed.Failures)
	assert.Equal(t, output.Result{Stored: 19}, res)
}

func TestServerThatRefusesAllRequestsStopsTheRun(t *testing.T) {
	f := newFake(t)
	f.bulk = status(400, nil, `{"error":{"type":"illegal_argument_exception","reason":"unrecognized parameter"},"status":400}`)
	out := open(t, f.URL)
	defer out.Close()
	for _, n := range []int{1, 500} {
		f.forget()
		res, err := out.Write(t.Context(), outputtest.NewEvents(0, n))
		require.True(t, output.IsFatal(err), "%v", err)
		assert.ErrorContains(t, err, "unrecognized parameter")
		assert.Zero(t, res)
		assert.Less(t, len(f.seen()), 40, "it does not try each document")
	}
}

func TestBodiesAreBounded(t *testing.T) {
	f := newFake(t)
	one := len(outputtest.NewEvent(0).AppendJSON(nil))
	out := open(t, f.URL, func(c *Config) { c.BulkMaxSize, c.BulkMaxBytes = 0, int64(one*5) })
	defer out.Close()
	events := outputtest.NewEvents(0, 30)
	events[10].Message = strings.Repeat("x", one*20)
	res, err := out.Write(t.Context(), events)
	require.NoError(t, err)
	assert.Equal(t, 30, res.Stored)
	for _, n := range f.counts() {
		assert.LessOrEqual(t, n, 5)
	}
	assert.Contains(t, f.counts(), 1, "the large document travels alone")
}

func TestRequestsSayWhatTheyMust(t *testing.T) {
	f := newFake(t)
	out := open(t, f.URL, func(c *Config) {
		c.Username, c.Password, c.Pipeline = "elastic", "geheim", "mine"
		c.Headers = map[string]string{"x-tenant": "7"}
		c.Parameters = map[string]string{"timeout": "5s"}
	})
	defer out.Close()
	pretty := outputtest.NewEvent(0)
	pretty.AWS.CloudTrail.Flattened.RequestParameters = ecs.RawJSON("{\n\t\"a\":\n1}")
	other := outputtest.NewEvent(1)
	other.Meta.Index = "logs-other-default"
	_, err := out.Write(t.Context(), []*ecs.Event{pretty, other})
	require.NoError(t, err)
	require.Equal(t, 2, f.count(), "a document on several lines would have spoilt the request")
	r := f.seen()[0]
	query := r.URL.Query()
	assert.Equal(t, "true", query.Get("require_data_stream"))
	assert.Equal(t, "mine", query.Get("pipeline"))
	assert.Equal(t, "5s", query.Get("timeout"))
	assert.Contains(t, query.Get("filter_path"), "items.*.status")
	assert.Equal(t, "gzip", r.Header.Get("Content-Encoding"))
	assert.Equal(t, "7", r.Header.Get("X-Tenant"))
	user, password, _ := r.BasicAuth()
	assert.Equal(t, "elastic geheim", user+" "+password)
	assert.Positive(t, r.ContentLength)
}

func TestOpenSearchIsNotAskedForWhatItRefuses(t *testing.T) {
	f := newFake(t)
	f.version = versionOS
	out := open(t, f.URL, func(c *Config) { c.RequireDataStream = false })
	defer out.Close()
	_, err := out.Write(t.Context(), outputtest.NewEvents(0, 1))
	require.NoError(t, err)
	assert.False(t, f.seen()[0].URL.Query().Has("require_data_stream"))
}

func TestFailover(t *testing.T) {
	dead := httptest.NewServer(nil)
	dead.Close()
	f := newFake(t)
	out := open(t, "", func(c *Config) { c.Hosts = []string{dead.URL, f.URL} })
	defer out.Close()
	stored := 0
	for range 4 { // the decorator's retries
		res, err := out.Write(t.Context(), outputtest.NewEvents(0, 3))
		stored += res.Stored
		if err != nil {
			assert.False(t, output.IsFatal(err))
		}
	}
	assert.Equal(t, 3, stored)
}

func TestTimeout(t *testing.T) {
	f := newFake(t)
	release := make(chan struct{})
	defer close(release)
	f.bulk = func(_ http.ResponseWriter, r *http.Request, _ []sent) bool {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		return true
	}
	out := open(t, f.URL, func(c *Config) { c.Timeout = 50 * time.Millisecond })
	defer out.Close()
	_, err := out.Write(t.Context(), outputtest.NewEvents(0, 3))
	require.ErrorContains(t, err, "no answer within the timeout of 50ms")
	assert.NotErrorIs(t, err, context.DeadlineExceeded, "this is not the end of the caller's context")
}

func TestNothingListens(t *testing.T) {
	dead := httptest.NewServer(nil)
	dead.Close()
	out := open(t, dead.URL)
	defer out.Close()
	res, err := out.Write(t.Context(), outputtest.NewEvents(0, 3))
	require.Error(t, err)
	assert.False(t, output.IsFatal(err))
	assert.Zero(t, res)
}

// TestCredentialsThatMayOnlyWrite: neither the version nor the templates can be seen, and it works all the same.
func TestCredentialsThatMayOnlyWrite(t *testing.T) {
	for version, flavour := range map[string]Flavour{versionES: Elasticsearch, versionOS: OpenSearch} {
		t.Run(string(flavour), func(t *testing.T) {
			f := newFake(t)
			f.version, f.closed = version, true
			f.bulk = func(w http.ResponseWriter, _ *http.Request, docs []sent) bool {
				text := created
				if flavour == OpenSearch {
					text = `{"create":{"_index":".ds-logs-aws.cloudtrail-default-000001","status":201}}`
				}
				_, _ = io.WriteString(w, answerFor(docs, func(sent) string { return text }))
				return true
			}
			out := open(t, f.URL)
			defer out.Close()
			server, err := out.Server(t.Context())
			require.NoError(t, err)
			assert.Equal(t, Server{Flavour: flavour}, server)
			_, err = out.Setup(t.Context(), DefaultTemplateConfig(), SetupOptions{})
			require.True(t, output.IsFatal(err), "%v", err)
			assert.ErrorContains(t, err, "setup.template.enabled")
			require.NoError(t, out.Prepare(t.Context(), DefaultTemplateConfig()))
			res, err := out.Write(t.Context(), outputtest.NewEvents(0, 2))
			require.NoError(t, err)
			assert.Equal(t, 2, res.Stored)
			assert.Equal(t, flavour == Elasticsearch, f.seen()[0].URL.Query().Has("require_data_stream"))
		})
	}
}

func TestDocumentInAPlainIndexStopsTheRun(t *testing.T) {
	f := newFake(t)
	f.version, f.closed = versionOS, true
	f.bulk = func(w http.ResponseWriter, _ *http.Request, docs []sent) bool {
		_, _ = io.WriteString(w, answerFor(docs, func(d sent) string { return `{"create":{"_index":"` + d.index + `","status":201}}` }))
		return true
	}
	out := open(t, f.URL)
	defer out.Close()
	res, err := out.Write(t.Context(), outputtest.NewEvents(0, 2))
	require.True(t, output.IsFatal(err), "%v", err)
	assert.ErrorContains(t, err, "plain index")
	assert.Zero(t, res)
}

func TestNoSecretInErrorsOrLogs(t *testing.T) {
	var logged strings.Builder
	dead := httptest.NewServer(nil)
	dead.Close()
	f := newFake(t)
	f.bulk = status(401, nil, "")
	for _, host := range []string{dead.URL, f.URL, "http://no-such-host.invalid"} {
		conf := DefaultConfig()
		conf.Hosts = []string{strings.Replace(host, "http://", "http://user:geheim@", 1)}
		conf.Headers = map[string]string{"X-Token": "geheim"}
		out, err := New(conf, Options{Logger: slog.New(slog.NewTextHandler(&logged, nil))})
		require.NoError(t, err)
		_, err = out.Write(t.Context(), outputtest.NewEvents(0, 1))
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "geheim")
		for _, step := range out.Test(t.Context()) {
			assert.NotContains(t, fmt.Sprint(step), "geheim")
		}
		require.NoError(t, out.Close())
	}
	assert.NotContains(t, logged.String(), "geheim")
}

// TestAnswerBeforeTheBodyWasRead: net/http may go on reading the body after such an answer, so its memory must not be used
// for the next one. The race detector sees it if it is.
func TestAnswerBeforeTheBodyWasRead(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/" {
			_, _ = io.WriteString(w, versionES)
			return
		}
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer server.Close()
	out := open(t, server.URL, func(c *Config) { c.CompressionLevel, c.Worker = 0, 4 })
	defer out.Close()
	var writers sync.WaitGroup
	for n := range 4 {
		writers.Go(func() {
			for range 10 {
				_, err := out.Write(context.Background(), outputtest.NewEvents(n*1000, 1000))
				assert.Error(t, err)
			}
		})
	}
	writers.Wait()
}
