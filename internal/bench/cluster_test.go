package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCluster measures what mapping in the shipper saves the cluster: processor time of the engine for 10,000 records that an ingest pipeline
// of its own maps to 40 fields and more, for documents of the same fields that come mapped, and for Trailbeat's whole documents. All
// in turns, on one engine, after rounds for warming up. It needs an OpenSearch with its ingest modules on this machine:
//
//	STACK_JIT=full ../shared/stack/opensearch up --name cluster
//	TRAILBEAT_BENCH_OPENSEARCH_URL=... TRAILBEAT_BENCH_OPENSEARCH_PID=... go test ./internal/bench -run Cluster -v -timeout 30m
//
// TRAILBEAT_BENCH_ROUNDS sets the number of rounds that count (5).
func TestCluster(t *testing.T) {
	c := &cluster{t: t, url: os.Getenv("TRAILBEAT_BENCH_OPENSEARCH_URL"), pid: os.Getenv("TRAILBEAT_BENCH_OPENSEARCH_PID")}
	if c.url == "" || c.pid == "" {
		t.Skip("needs an engine to measure: set TRAILBEAT_BENCH_OPENSEARCH_URL and TRAILBEAT_BENCH_OPENSEARCH_PID, see the comment of TestCluster")
	}
	rounds := 5
	if text := os.Getenv("TRAILBEAT_BENCH_ROUNDS"); text != "" {
		var err error
		rounds, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	c.call(http.MethodPut, "/_ingest/pipeline/bench", ingestPipeline)
	for _, index := range []string{"raw", "same", "whole"} {
		c.forget("/bench-" + index)
		c.call(http.MethodPut, "/bench-"+index, clusterIndex)
	}
	raw, mapped, spent := clusterBodies(t)
	fields := c.pipelineFields(raw)
	t.Logf("the pipeline makes %d fields", len(fields))
	require.GreaterOrEqual(t, len(fields), 40)
	same := reduce(t, mapped, fields)

	kinds := []struct {
		name, path string
		bodies     [][]byte
		used       []float64
	}{
		{"mapped by an ingest pipeline", "/bench-raw/_bulk?pipeline=bench", raw, nil},
		{"the same fields, mapped before", "/bench-same/_bulk", same, nil},
		{"Trailbeat's whole documents", "/bench-whole/_bulk", mapped, nil},
	}
	const warm = 3
	for round := range warm + rounds {
		for i := range kinds {
			k := &kinds[i]
			index, _, _ := strings.Cut(k.path, "/_bulk")
			before := c.cpu()
			for _, body := range k.bodies {
				c.bulk(k.path, body)
			}
			c.call(http.MethodPost, index+"/_refresh", "")
			used := c.cpu() - before
			t.Logf("round %d: %s: %.2f CPU s", round, k.name, used)
			if round >= warm {
				k.used = append(k.used, used)
			}
			c.forget(index) // so that no round pays for merging what former ones wrote
			c.call(http.MethodPut, index, clusterIndex)
		}
	}
	for _, k := range kinds {
		size := 0
		for _, body := range k.bodies {
			size += len(body)
		}
		t.Logf("%-32s %6.2f CPU s of the engine (%.2f of the pipeline's), %d bytes a document, rounds %.2f", k.name, median(k.used),
			median(k.used)/median(kinds[0].used), size/clusterRecords, k.used)
	}
	t.Logf("%-32s %6.2f CPU s of the shipper: unpack, split, map, encode, gzip level 1", "Trailbeat itself", spent)
}

const (
	clusterRecords = 10_000
	clusterBulk    = 1000
)

// clusterBodies gives bulk requests of the same records, raw and mapped, and the processor time of the mapping.
func clusterBodies(t *testing.T) (raw, mapped [][]byte, spent float64) {
	src := source(t)
	corpus := src.Large(clusterRecords * 1300)
	m, err := newMapper()
	require.NoError(t, err)
	text, err := gunzip(corpus.Files[0].Packed)
	require.NoError(t, err)
	var container struct{ Records []json.RawMessage }
	require.NoError(t, json.Unmarshal(text, &container))
	require.GreaterOrEqual(t, len(container.Records), clusterRecords)
	var body []byte
	for i, rec := range container.Records[:clusterRecords] {
		message, err := json.Marshal(string(rec))
		require.NoError(t, err)
		body = append(append(append(body, `{"index":{}}`+"\n"+`{"message":`...), message...), "}\n"...)
		if (i+1)%clusterBulk == 0 {
			raw, body = append(raw, body), nil
		}
	}
	var whole []byte
	_, err = m.file(corpus.Files[0].Packed, func(b []byte) { whole = append(whole, b...) })
	require.NoError(t, err)
	lines := bytes.SplitAfter(whole, []byte("\n"))
	for i := range clusterRecords {
		body = append(append(body, `{"index":{}}`+"\n"...), lines[2*i+1]...)
		if (i+1)%clusterBulk == 0 {
			mapped, body = append(mapped, body), nil
		}
	}
	cases, err := outputCases(nil, t.TempDir())
	require.NoError(t, err)
	var times []float64
	for range 5 {
		r, err := once(&cases[0], corpus, 3)
		require.NoError(t, err)
		times = append(times, r.seconds*clusterRecords)
	}
	return raw, mapped, median(times)
}

// reduce leaves only those fields in the documents that are among fields.
func reduce(t *testing.T, bodies [][]byte, fields map[string]bool) (out [][]byte) {
	for _, body := range bodies {
		var to []byte
		for i, line := range bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n")) {
			if i%2 == 1 {
				var doc map[string]any
				require.NoError(t, json.Unmarshal(line, &doc))
				flat, kept := map[string]any{}, map[string]any{}
				flatten(flat, "", doc)
				for name, v := range flat {
					if fields[name] {
						put(kept, name, v)
					}
				}
				var err error
				line, err = json.Marshal(kept)
				require.NoError(t, err)
			}
			to = append(append(to, line...), '\n')
		}
		out = append(out, to)
	}
	return out
}

// cluster is an engine on this machine.
type cluster struct {
	t        *testing.T
	url, pid string
}

func (c *cluster) do(method, path, media string, body io.Reader) (int, []byte) {
	req, err := http.NewRequest(method, c.url+path, body)
	require.NoError(c.t, err)
	req.Header.Set("Content-Type", media)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(c.t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(c.t, err)
	return resp.StatusCode, answer
}

func (c *cluster) call(method, path, body string) []byte {
	status, answer := c.do(method, path, "application/json", strings.NewReader(body))
	require.Less(c.t, status, 300, "%s %s: %s", method, path, answer)
	return answer
}

func (c *cluster) forget(index string) { c.do(http.MethodDelete, index, "application/json", nil) }

func (c *cluster) bulk(path string, body []byte) {
	status, answer := c.do(http.MethodPost, path, "application/x-ndjson", bytes.NewReader(body))
	require.Equal(c.t, http.StatusOK, status)
	if !bytes.Contains(answer, []byte(`"errors":false`)) {
		require.Fail(c.t, "documents were refused", "%.2000s", answer)
	}
}

// pipelineFields are the names of all fields that the pipeline makes of some records.
func (c *cluster) pipelineFields(bodies [][]byte) map[string]bool {
	var docs []json.RawMessage
	for i, line := range bytes.Split(bodies[0], []byte("\n")) {
		if i%2 == 1 {
			docs = append(docs, json.RawMessage(`{"_source":`+string(line)+`}`))
		}
	}
	request, err := json.Marshal(map[string]any{"docs": docs})
	require.NoError(c.t, err)
	var answer struct {
		Docs []struct {
			Doc struct {
				Source map[string]any `json:"_source"`
			}
			Error any
		}
	}
	require.NoError(c.t, json.Unmarshal(c.call(http.MethodPost, "/_ingest/pipeline/bench/_simulate", string(request)), &answer))
	fields := map[string]bool{}
	for _, d := range answer.Docs {
		require.Nil(c.t, d.Error)
		flat := map[string]any{}
		flatten(flat, "", d.Doc.Source)
		for name := range flat {
			fields[name] = true
		}
	}
	return fields
}

// cpu is the processor time of the engine's process so far, in seconds.
func (c *cluster) cpu() float64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%s/stat", c.pid))
	require.NoError(c.t, err)
	_, after, _ := strings.Cut(string(data), ") ") // the name of the program may hold spaces
	parts := strings.Fields(after)
	user, err := strconv.ParseFloat(parts[11], 64)
	require.NoError(c.t, err)
	system, err := strconv.ParseFloat(parts[12], 64)
	require.NoError(c.t, err)
	return (user + system) / 100 // ticks, which Linux counts in hundredths towards programs
}
