package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/locked"
	"github.com/trailbeat/trailbeat/internal/stack"
)

// rowTimeout is how long a row of the fault table may take before it counts as hanging.
const rowTimeout = 3 * time.Minute

// scene is one row of the fault table: a trail, an engine, the way between them, and a data stream of its own.
type scene struct {
	t      *testing.T
	ctx    context.Context
	engine stack.Engine
	wire   *wire
	trail  *trail
	data   string // path.data of the shipper
	config string
	stream string
}

// The bulk requests of a row are small, so that there are many, and all waits are short.
const faultOutput = `output.elasticsearch:
  hosts: [%q]
  bulk_max_size: 50
  backoff: {init: 20ms, max: 200ms}
data_stream.namespace: %s
trailbeat.number_of_workers: 2`

// engineKind is the engine that the faults are tried on: Elasticsearch, or OpenSearch where only that is there.
func engineKind() string {
	if os.Getenv("TRAILBEAT_TEST_ELASTICSEARCH_URL") == "" && os.Getenv("TRAILBEAT_TEST_OPENSEARCH_URL") != "" {
		return stack.OpenSearch
	}
	return stack.Elasticsearch
}

// newScene makes a row of that name. The names of data streams hold no hyphen.
func newScene(t *testing.T, name string, tr *trail) *scene {
	t.Helper()
	s := &scene{t: t, engine: stack.Find(t, engineKind()), trail: tr, data: t.TempDir()}
	ctx, cancel := context.WithTimeout(t.Context(), rowTimeout)
	t.Cleanup(cancel)
	s.ctx = ctx
	namespace := fmt.Sprintf("fault_%s_%d", strings.ToLower(name), os.Getpid())
	s.stream = "logs-aws.cloudtrail-" + namespace
	s.wire = newWire(t, s.engine.URL)
	s.config = config(t, s.data, tr.dir, fmt.Sprintf(faultOutput, s.wire.url(), namespace))
	t.Cleanup(func() { s.engine.Do(t, http.MethodDelete, "/_data_stream/"+s.stream, "") })
	return s
}

// until polls a state. The deadline is that of the row.
func (s *scene) until(what string, reached func() bool) {
	s.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !reached() {
		select {
		case <-tick.C:
		case <-s.ctx.Done():
			require.FailNow(s.t, "it never came: "+what)
		}
	}
}

// bulks waits until so many bulk requests have arrived.
func (s *scene) bulks(n int) {
	s.t.Helper()
	s.until(fmt.Sprintf("bulk request %d", n), func() bool { bulks, _, _ := s.wire.seen(); return bulks >= n })
}

// shipping is a run of the shipper.
type shipping struct {
	s     *scene
	cmd   *exec.Cmd
	ended chan struct{}
	err   error // when ended
	text  locked.Buffer
}

// output is what the run wrote so far.
func (p *shipping) output() string { return p.text.String() }

// start starts a command of the shipper, which is killed if it outlives the row.
func (s *scene) start(command string, options ...string) *shipping {
	s.t.Helper()
	args := []string{command, "-c", s.config, "-E", "trailbeat.inputs.0.batch_max_records=200"}
	if command == "run" {
		args = append(args, "--once")
	}
	for _, option := range options {
		args = append(args, "-E", option)
	}
	p := &shipping{s: s, cmd: exec.CommandContext(s.ctx, binary, args...), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.text, &p.text
	require.NoError(s.t, p.cmd.Start())
	go func() {
		defer close(p.ended)
		p.err = p.cmd.Wait()
	}()
	s.t.Cleanup(func() {
		if s.t.Failed() {
			s.t.Logf("the shipper's output:\n%s", p.output())
		}
	})
	return p
}

// hasEnded reports whether the run is over.
func (p *shipping) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// says waits until the log holds a text.
func (p *shipping) says(text string) {
	p.s.t.Helper()
	p.s.until(fmt.Sprintf("%q in the log", text), func() bool {
		if strings.Contains(p.output(), text) {
			return true
		}
		require.False(p.s.t, p.hasEnded(), "the run ended without saying %q", text)
		return false
	})
}

// end waits for the end and reads the accounting, which must balance.
func (p *shipping) end() (account, error) {
	p.s.t.Helper()
	<-p.ended
	require.NoError(p.s.t, p.s.ctx.Err(), "the run hangs")
	m := accountLine.FindStringSubmatch(p.output())
	require.NotNil(p.s.t, m, "the run ended without its accounting")
	var n [6]int
	for i := range n {
		n[i], _ = strconv.Atoi(m[i+1])
	}
	a := account{n[0], n[1], n[2], n[3], n[4], n[5]}
	require.Equal(p.s.t, a.received, a.indexed+a.duplicate+a.filtered+a.deadLettered+a.returned, "%s", m[0])
	require.NotContains(p.s.t, m[0], "in_flight")
	return a, p.err
}

// good waits for the end, which must be a good one.
func (p *shipping) good() account {
	p.s.t.Helper()
	a, err := p.end()
	require.NoError(p.s.t, err)
	assert.Zero(p.s.t, a.returned)
	return a
}

// letters are the eventIDs of the dead letters, each of which must be there once.
func (s *scene) letters() []string {
	s.t.Helper()
	data, err := os.ReadFile(filepath.Join(s.data, "deadletter.ndjson"))
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(s.t, err)
	var ids []string
	seen := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		var letter struct{ Record string }
		var record struct {
			EventID string `json:"eventID"`
		}
		require.NoError(s.t, json.Unmarshal([]byte(line), &letter))
		require.NoError(s.t, json.Unmarshal([]byte(letter.Record), &record))
		require.False(s.t, seen[record.EventID], "record %s is twice among the dead letters", record.EventID)
		seen[record.EventID] = true
		ids = append(ids, record.EventID)
	}
	return ids
}

// indexed are the eventIDs in the data stream, each of which must be there once.
func (s *scene) indexed() []string {
	s.t.Helper()
	count := stored(s.t, s.engine.URL, s.stream)
	var ids []string
	for after := ""; ; {
		query := `{"size":10000,"track_total_hits":false,"_source":false,"docvalue_fields":["event.id"],"sort":[{"event.id":"asc"}]` + after + `}`
		var page struct {
			Hits struct {
				Hits []struct {
					Fields map[string][]string `json:"fields"`
				} `json:"hits"`
			} `json:"hits"`
		}
		require.NoError(s.t, json.Unmarshal(s.engine.Must(s.t, http.MethodPost, "/"+s.stream+"/_search", query), &page))
		if len(page.Hits.Hits) == 0 {
			break
		}
		for _, hit := range page.Hits.Hits {
			require.Len(s.t, hit.Fields["event.id"], 1, "a document without event.id")
			id := hit.Fields["event.id"][0]
			require.False(s.t, len(ids) > 0 && ids[len(ids)-1] == id, "event %s is twice in the data stream", id)
			ids = append(ids, id)
		}
		after = fmt.Sprintf(`,"search_after":[%q]`, ids[len(ids)-1])
	}
	require.Equal(s.t, count, len(ids), "documents and distinct event.id: one is there twice")
	return ids
}

// check is what holds after every fault: index and dead letters together are what was sent, and nothing is there twice.
func (s *scene) check(letters ...string) {
	s.t.Helper()
	dead := s.letters()
	assert.ElementsMatch(s.t, letters, dead, "dead letters")
	missing, where := map[string]bool{}, map[string]string{}
	for _, id := range s.trail.ids {
		missing[id] = true
	}
	for kind, ids := range map[string][]string{"index": s.indexed(), "dead letters": dead} {
		for _, id := range ids {
			assert.Empty(s.t, where[id], "event %s is in the %s too", id, kind)
			where[id] = kind
			delete(missing, id)
		}
	}
	assert.Empty(s.t, missing, "%d of %d events are lost", len(missing), len(s.trail.ids))
	assert.Len(s.t, where, len(s.trail.ids), "there are events that were never sent")
}

// put sends a change to the engine itself, not through the faults.
func (s *scene) put(path, body string) []byte {
	s.t.Helper()
	return s.engine.Must(s.t, http.MethodPut, path, body)
}
