package elasticsearch

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/output"
)

func TestWhichIndicesMayHoldARecord(t *testing.T) {
	s := &stream{indices: []string{"1", "2", "3", "4"}, until: []string{"2024-01-01T00:00:00", "2024-02-01T00:00:00", "2024-02-01T00:00:00"}}
	for timestamp, want := range map[string]int{
		"2023-05-05T05:05:05.000Z":       0,
		"2024-01-01T00:00:00.999Z":       0,
		"2024-01-01T00:00:01.000Z":       1,
		"2024-02-01T00:00:00.000Z":       1,
		"2024-02-01T00:00:01.000000000Z": 3,
		"2024-02-02T00:00:00Z":           3,
		"":                               0,
		"2024-02-02":                     0,
		"2024-02-02T00:00:00+05:00":      0,
		"20240202 something 123456Z":     0,
		"+12024-02-02T00:00:00Z":         0,
		"9999-12-31T23:59:59.000Z":       3,
	} {
		assert.Equal(t, want, s.from(timestamp), timestamp)
	}
}

func TestAgeOfAnIndex(t *testing.T) {
	assert.Equal(t, "2024-05-06T07:23:09", creation("any", "1714979289500"))
	assert.Equal(t, "2024-05-07T00:15:00", creation(".ds-logs-aws.cloudtrail-default-2024.05.06-000002", ""), "the end of that day")
	assert.Equal(t, after, creation(".ds-logs-aws.cloudtrail-default-000002", ""))
}

// restricted is a server whose data stream has rolled over once, and which refuses some requests.
type restricted struct {
	t       *testing.T
	made    time.Time // of the write index
	refuse  func(*http.Request) bool
	writes  string // the index that takes what is written
	found   bool   // what the earlier index says of each document
	mu      sync.Mutex
	paths   []string
	deletes int
	url     string
}

func (f *restricted) URL() string { return f.url }

func (f *restricted) serve() string {
	server := httptest.NewServer(f)
	f.t.Cleanup(server.Close)
	f.url = server.URL
	return f.url
}

func (f *restricted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.paths = append(f.paths, r.URL.Path)
	w.Header().Set("Content-Type", "application/json")
	if f.refuse != nil && f.refuse(r) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"error":{"type":"security_exception","reason":"unauthorized"},"status":403}`)
		return
	}
	list, ages := streamFake([]string{"old", "new"}, f.made)
	switch {
	case r.URL.Path == "/":
		_, _ = io.WriteString(w, versionES)
	case strings.HasPrefix(r.URL.Path, "/_data_stream/"):
		_, _ = io.WriteString(w, list)
	case strings.Contains(r.URL.Path, "/_settings/"):
		_, _ = io.WriteString(w, ages)
	case strings.HasSuffix(r.URL.Path, "/_mget"):
		body, _ := io.ReadAll(r.Body)
		one := `{"found":false}`
		if f.found && r.URL.Path == "/old/_mget" || r.URL.Path == "/"+f.writes+"/_mget" {
			one = `{"found":true,"_seq_no":3,"_primary_term":1}`
		}
		n := strings.Count(string(body), `"`)/2 - 1
		_, _ = io.WriteString(w, `{"docs":[`+strings.TrimSuffix(strings.Repeat(one+",", n), ",")+`]}`)
	case r.URL.Path == "/_bulk":
		if r.Header.Get("Content-Type") == "application/json" { // deletes
			body, _ := io.ReadAll(r.Body)
			n := strings.Count(string(body), "\n")
			f.deletes += n
			_, _ = io.WriteString(w, `{"errors":false,"items":[`+strings.TrimSuffix(strings.Repeat(`{"delete":{"status":200}},`, n), ",")+`]}`)
			return
		}
		docs, err := readBulk(r)
		assert.NoError(f.t, err)
		_, _ = io.WriteString(w, answerFor(docs, func(sent) string { return `{"create":{"_index":"` + f.writes + `","status":201}}` }))
	}
}

func (f *restricted) count(suffix string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, path := range f.paths {
		if strings.HasSuffix(path, suffix) {
			n++
		}
	}
	return n
}

func TestFreshDocumentsAreNotLookedFor(t *testing.T) {
	now := time.Now()
	f := &restricted{t: t, made: now.Add(-time.Hour), writes: "new"}
	out := open(t, f.serve())
	defer out.Close()
	for range 3 {
		res, err := out.Write(t.Context(), dated(0, 10, now.Add(-30*time.Minute)))
		require.NoError(t, err)
		assert.Equal(t, output.Result{Stored: 10}, res)
	}
	assert.Zero(t, f.count("_mget"))
	assert.Equal(t, 3, f.count("_bulk"))
	assert.Equal(t, 6, len(f.paths), "besides, the version, the data stream and its age, once")

	_, err := out.Write(t.Context(), dated(0, 10, now.Add(-50*time.Minute)))
	require.NoError(t, err)
	assert.Equal(t, 1, f.count("_mget"), "within the margin")
}

func TestFoundDocumentsAreNotSent(t *testing.T) {
	f := &restricted{t: t, made: time.Now(), writes: "new", found: true}
	out := open(t, f.serve())
	defer out.Close()
	res, err := out.Write(t.Context(), dated(0, 10, time.Now()))
	require.NoError(t, err)
	assert.Equal(t, output.Result{Duplicate: 10}, res)
	assert.Equal(t, 10, f.deletes, "the second copy, which lies in the write index")
	assert.Equal(t, 1, f.count("_bulk"), "only to remove it")
}

func TestFoundDocumentsOfSeveralDataStreams(t *testing.T) {
	f := &restricted{t: t, made: time.Now(), writes: "new", found: true}
	out := open(t, f.serve())
	defer out.Close()
	events := dated(0, 30, time.Now())
	for i, ev := range events {
		ev.Meta.Index = []string{"logs-a-b", "logs-c-d", "logs-e-f"}[i%3]
	}
	res, err := out.Write(t.Context(), events)
	require.NoError(t, err)
	assert.Equal(t, output.Result{Duplicate: 30}, res)
	assert.Equal(t, 30, f.deletes)
	assert.Equal(t, 3, f.count("_bulk"), "only to remove second copies")
}

func TestWithoutTheRightToLook(t *testing.T) {
	for what, refuse := range map[string]func(*http.Request) bool{
		"data stream": func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/_data_stream/") },
		"documents":   func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/_mget") },
	} {
		t.Run(what, func(t *testing.T) {
			f := &restricted{t: t, made: time.Now(), writes: "new", refuse: refuse}
			out := open(t, f.serve())
			defer out.Close()
			for range 3 {
				res, err := out.Write(t.Context(), dated(0, 10, time.Now()))
				require.NoError(t, err)
				assert.Equal(t, output.Result{Stored: 10}, res)
			}
			assert.LessOrEqual(t, f.count("_mget"), 1, "it does not try again")

			strict := open(t, f.URL(), func(c *Config) { c.DeduplicateAcrossRollover = DeduplicateRequired })
			defer strict.Close()
			_, err := strict.Write(t.Context(), dated(0, 10, time.Now()))
			require.True(t, output.IsFatal(err), "%v", err)
			require.ErrorContains(t, err, "deduplicate_across_rollover")
		})
	}
}

func TestWithoutTheRightToRemove(t *testing.T) {
	refuse := func(r *http.Request) bool {
		return r.URL.Path == "/_bulk" && r.Header.Get("Content-Type") == "application/json"
	}
	f := &restricted{t: t, made: time.Now(), writes: "new", found: true, refuse: refuse}
	out := open(t, f.serve())
	defer out.Close()
	res, err := out.Write(t.Context(), dated(0, 10, time.Now()))
	require.NoError(t, err)
	assert.Equal(t, output.Result{Duplicate: 10}, res)
	strict := open(t, f.URL(), func(c *Config) { c.DeduplicateAcrossRollover = DeduplicateRequired })
	defer strict.Close()
	_, err = strict.Write(t.Context(), dated(0, 10, time.Now()))
	require.True(t, output.IsFatal(err), "%v", err)
	require.ErrorContains(t, err, "grant delete")
}

// A pipeline of the cluster may send documents to another data stream.
func TestDocumentsThatGoElsewhere(t *testing.T) {
	f := &restricted{t: t, made: time.Now().Add(-time.Hour), writes: "elsewhere"}
	out := open(t, f.serve())
	defer out.Close()
	for range 3 {
		res, err := out.Write(t.Context(), dated(0, 10, time.Now()))
		require.NoError(t, err)
		assert.Equal(t, output.Result{Stored: 10}, res)
	}
	assert.Zero(t, f.count("_mget"))
	assert.Equal(t, 2, f.count(streamName), "once at the start, once as the index is unknown")
}
