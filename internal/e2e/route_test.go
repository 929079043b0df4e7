package e2e

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// store is as much of a search engine as takes documents: each _id once, with 409 for the second. It can be down.
type store struct {
	*httptest.Server
	down atomic.Bool

	mu        sync.Mutex
	tries     int                   // requests, those that were refused as well
	marks     map[int]chan struct{} // closed when so many came
	ids       map[string]bool       // eventIDs
	known     map[string]bool       // data streams with _ids
	duplicate int
}

func newStore(t *testing.T) *store {
	s := &store{marks: map[int]chan struct{}{}, ids: map[string]bool{}, known: map[string]bool{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	w.Header().Set("Content-Type", "application/json")
	s.count()
	switch {
	case s.down.Load():
		w.WriteHeader(http.StatusServiceUnavailable)
	case strings.HasSuffix(r.URL.Path, "/_bulk"):
		s.bulk(w, r)
	default:
		_, _ = io.WriteString(w, `{"cluster_name":"x","version":{"number":"9.1.0","build_flavor":"default"},"tagline":"You Know, for Search"}`)
	}
}

func (s *store) count() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries++
	if mark := s.marks[s.tries]; mark != nil {
		close(mark)
	}
}

// after is closed when so many more requests have come.
func (s *store) after(n int) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	mark := make(chan struct{})
	s.marks[s.tries+n] = mark
	return mark
}

func (s *store) bulk(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	type verdict struct {
		Index  string         `json:"_index"`
		ID     string         `json:"_id"`
		Status int            `json:"status"`
		Error  map[string]any `json:"error,omitempty"`
	}
	answer := struct {
		Errors bool                 `json:"errors"`
		Items  []map[string]verdict `json:"items"`
	}{}
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		packed, err := gzip.NewReader(body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		body = packed
	}
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var action struct {
			Create struct {
				Index string `json:"_index"`
				ID    string `json:"_id"`
			} `json:"create"`
		}
		var doc struct {
			Event struct {
				ID string `json:"id"`
			} `json:"event"`
		}
		if json.Unmarshal(lines.Bytes(), &action) != nil || !lines.Scan() || json.Unmarshal(lines.Bytes(), &doc) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		v := verdict{Index: action.Create.Index, ID: action.Create.ID, Status: http.StatusCreated}
		if key := v.Index + "/" + v.ID; s.known[key] {
			v.Status, answer.Errors = http.StatusConflict, true
			v.Error = map[string]any{"type": "version_conflict_engine_exception", "reason": "there"}
			s.duplicate++
		} else {
			s.known[key], s.ids[doc.Event.ID] = true, true
		}
		answer.Items = append(answer.Items, map[string]verdict{"create": v})
	}
	if lines.Err() != nil { // the shipper was killed in the middle of the request
		return
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *store) all() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]bool{}
	for id := range s.ids {
		all[id] = true
	}
	return all
}

// routes are the outputs by the service of their records.
var routes = []string{"ec2", "s3", "lambda", "kms"}

// Four outputs: two that may be down, a database and files. One of the two is down, and the shipper is killed again and again while
// it waits; then the other; then both are up. Each document is in its output, once, also in the files, which know nothing of what
// they hold.
func TestRouteKilledWhileOneOutputIsDown(t *testing.T) {
	seed := number(t, "TRAILBEAT_TEST_SEED", uint64(time.Now().UnixNano()))
	t.Logf("TRAILBEAT_TEST_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	siem, archive := newStore(t), newStore(t)
	tr := &trail{dir: t.TempDir(), vary: func(n int, record map[string]any) {
		record["eventSource"] = routes[n%len(routes)] + ".amazonaws.com"
	}}
	for range 5 {
		tr.add(t, 400)
	}
	data := t.TempDir()
	outputOf := func(s *store) string {
		return fmt.Sprintf("elasticsearch: {hosts: [%q], require_data_stream: false, backoff: {init: 10ms, max: 50ms}, deduplicate_across_rollover: off}", s.URL)
	}
	conf := config(t, data, tr.dir, fmt.Sprintf(`setup.template.enabled: false
trailbeat.number_of_workers: 2
output:
  %s
outputs:
  archive:
    %s
  local.sqlite: {path: local.db}
  lines.file: {path: lines, rotate_on_startup: false}
routing.rules:
  - {name: objects, when.equals.event.provider: s3.amazonaws.com, output: archive, namespace: archive}
  - {name: functions, when.equals.event.provider: lambda.amazonaws.com, output: local}
  - {name: keys, when.equals.event.provider: kms.amazonaws.com, output: lines}`, outputOf(siem), outputOf(archive)))

	kills := 0
	for _, down := range []*store{siem, archive} {
		down.down.Store(true)
		for range 4 {
			require.True(t, killedAt(t, down.after(1+random.IntN(6)), "run", "-c", conf), "it waits, so it does not end")
			kills++
		}
		assert.Empty(t, linesIn(t, filepath.Join(data, "lines")), "nothing is appended while another output has not taken its part")
		down.down.Store(false)
	}
	last := run(t, "run", "--once", "-c", conf)
	assert.Equal(t, len(tr.ids), last.received, "nothing was acknowledged while one output was down")
	assert.Equal(t, last.received, last.indexed+last.duplicate)
	assert.Equal(t, account{}, run(t, "run", "--once", "-c", conf), "a further run reads nothing")

	want := map[string][]string{}
	for n, id := range tr.ids {
		want[routes[n%len(routes)]] = append(want[routes[n%len(routes)]], id)
	}
	for route, s := range map[string]*store{"ec2": siem, "s3": archive} {
		got := s.all()
		assert.Len(t, got, len(want[route]))
		for _, id := range want[route] {
			assert.True(t, got[id], "%s is missing", id)
		}
		assert.Len(t, s.known, len(want[route]), "none is there under two names")
	}
	assert.Equal(t, len(want["lambda"]), documents(filepath.Join(data, "local.db")))
	assert.ElementsMatch(t, want["kms"], linesIn(t, filepath.Join(data, "lines")), "each line once")
	t.Logf("events %d, kills %d, sent again and known: %d and %d", len(tr.ids), kills, siem.duplicate, archive.duplicate)
}

// linesIn are the eventIDs in the files of a folder, in their order, as often as they are there.
func linesIn(t *testing.T, dir string) (ids []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.ndjson"))
	require.NoError(t, err)
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		for line := range strings.Lines(string(text)) {
			var doc struct {
				Event struct {
					ID string `json:"id"`
				} `json:"event"`
			}
			require.NoError(t, json.Unmarshal([]byte(line), &doc), "%s", line)
			ids = append(ids, doc.Event.ID)
		}
	}
	return ids
}

// One output is down for a while in a run without an end, and comes back: nothing is twice anywhere, and the other outputs got their
// part of each batch once.
func TestRouteOneOutputIsDownForAWhile(t *testing.T) {
	siem, archive := newStore(t), newStore(t)
	tr := &trail{dir: t.TempDir(), vary: func(n int, record map[string]any) {
		record["eventSource"] = routes[n%2] + ".amazonaws.com"
	}}
	for range 4 {
		tr.add(t, 300)
	}
	archive.down.Store(true)
	some := archive.after(5)
	go func() {
		<-some
		archive.down.Store(false)
	}()
	conf := config(t, t.TempDir(), tr.dir, fmt.Sprintf(`setup.template.enabled: false
output.elasticsearch: {hosts: [%q], require_data_stream: false, backoff: {init: 10ms, max: 50ms}}
outputs.archive.elasticsearch: {hosts: [%q], require_data_stream: false, backoff: {init: 10ms, max: 50ms}}
routing.rules: [{when.equals.event.provider: s3.amazonaws.com, output: archive}]`, siem.URL, archive.URL))
	got := run(t, "run", "--once", "-c", conf)
	assert.Equal(t, account{received: len(tr.ids), indexed: len(tr.ids)}, got)
	assert.Len(t, siem.all(), len(tr.ids)/2)
	assert.Len(t, archive.all(), len(tr.ids)/2)
	assert.Zero(t, siem.duplicate, "the output that was up was sent nothing twice")
	assert.Zero(t, archive.duplicate)
}
