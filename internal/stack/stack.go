// Package stack gives tests the real search engines, if there are any. It is for tests only.
//
// The engines are started outside of the tests, once for all of them, and named by environment variables:
//
//	vars=$(../shared/stack/elasticsearch up) && eval "$vars"
//	export TRAILBEAT_TEST_ELASTICSEARCH_URL=$ELASTICSEARCH_URL
//	vars=$(../shared/stack/opensearch up) && eval "$vars"
//	export TRAILBEAT_TEST_OPENSEARCH_URL=$OPENSEARCH_URL
//
// Any other server will do, but the tests delete what has the names that they use: never point them at one in earnest.
// Tests of different packages share the server, so run them with "go test -p 1".
package stack

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The kinds of engines.
const (
	Elasticsearch = "elasticsearch"
	OpenSearch    = "opensearch"
)

// Engine is a running search engine.
type Engine struct {
	// URL without a slash at the end.
	URL string
}

// Find gives the engine of a kind, or skips the test and says how to start one.
func Find(t testing.TB, kind string) Engine {
	t.Helper()
	variable := "TRAILBEAT_TEST_" + strings.ToUpper(kind) + "_URL"
	address := os.Getenv(variable)
	if address == "" {
		t.Skipf("needs a real %s: set %s, for example after vars=$(../shared/stack/%s up) && eval \"$vars\"", kind, variable, kind)
	}
	return Engine{URL: strings.TrimRight(address, "/")}
}

// Do sends a request with a JSON body, which may be empty, and gives the status and the body of the answer.
func (e Engine) Do(t testing.TB, method, path, body string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequest(method, e.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err, "is the engine still running?")
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, data
}

// Must sends a request and fails unless it succeeds.
func (e Engine) Must(t testing.TB, method, path, body string) []byte {
	t.Helper()
	status, data := e.Do(t, method, path, body)
	require.Less(t, status, 300, "%s %s: %s", method, path, data)
	return data
}

// Purge deletes the data streams, indices and templates whose names begin with one of the prefixes.
func (e Engine) Purge(t testing.TB, prefixes ...string) {
	t.Helper()
	for _, prefix := range prefixes {
		// Nothing there is a 404, and as good.
		for _, path := range []string{"/_data_stream/", "/_index_template/"} {
			status, data := e.Do(t, http.MethodDelete, path+prefix+"*", "")
			require.Less(t, status, 500, "DELETE %s%s*: %s", path, prefix, data)
		}
		// Plain indices, one by one, as Elasticsearch refuses to delete them by a pattern.
		var indices map[string]json.RawMessage
		status, data := e.Do(t, http.MethodGet, "/"+prefix+"*/_alias", "")
		if status == http.StatusNotFound {
			continue
		}
		require.NoError(t, json.Unmarshal(data, &indices))
		for name := range indices {
			e.Must(t, http.MethodDelete, "/"+name, "")
		}
	}
}

// Document is one that is stored.
type Document struct {
	// Index is the data stream, or the plain index.
	Index, ID string
	Source    json.RawMessage
}

// Documents gives all that match the pattern of names, at most 10,000.
func (e Engine) Documents(t testing.TB, pattern string) []Document {
	t.Helper()
	const options = "?allow_no_indices=true&ignore_unavailable=true"
	e.Must(t, http.MethodPost, "/"+pattern+"/_refresh"+options, "")
	var found struct {
		Hits struct {
			Hits []struct {
				Index  string          `json:"_index"`
				ID     string          `json:"_id"`
				Source json.RawMessage `json:"_source"`
			} `json:"hits"`
		} `json:"hits"`
	}
	require.NoError(t, json.Unmarshal(e.Must(t, http.MethodPost, "/"+pattern+"/_search"+options, `{"size":10000}`), &found))
	var docs []Document
	for _, hit := range found.Hits.Hits {
		docs = append(docs, Document{Index: streamOf(hit.Index), ID: hit.ID, Source: hit.Source})
	}
	return docs
}

// streamOf is the data stream that a backing index belongs to. ".ds-NAME-2026.01.02-000001" (Elasticsearch) and
// ".ds-NAME-000001" (OpenSearch).
func streamOf(index string) string {
	name, isBacking := strings.CutPrefix(index, ".ds-")
	if !isBacking {
		return index
	}
	name = name[:strings.LastIndexByte(name, '-')]
	if i := strings.LastIndexByte(name, '-'); i >= 0 && len(name)-i == len("-2026.01.02") && strings.Count(name[i:], ".") == 2 {
		name = name[:i]
	}
	return name
}
