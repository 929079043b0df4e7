package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const engineHint = "needs a search engine: start one (Elasticsearch 8 or OpenSearch) and name its address in %s"

// ask sends a request to an engine and decodes the answer into v.
func ask(t testing.TB, method, url string, v any) int {
	t.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, url, http.NoBody)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	if v != nil && resp.StatusCode < 300 {
		require.NoError(t, json.Unmarshal(body, v), "%s", body)
	}
	return resp.StatusCode
}

// stored counts the documents of a data stream, 0 where there is none yet.
func stored(t testing.TB, url, stream string) int {
	t.Helper()
	ask(t, http.MethodPost, url+"/"+stream+"/_refresh", nil)
	var answer struct{ Count int }
	ask(t, http.MethodGet, url+"/"+stream+"/_count", &answer)
	return answer.Count
}

// Real files into a real engine: all of them, once, none refused, also when the shipper is killed in the middle, and when
// it has forgotten what it read.
func TestRealFilesIntoEngines(t *testing.T) {
	for _, variable := range []string{"TRAILBEAT_TEST_ELASTICSEARCH_URL", "TRAILBEAT_TEST_OPENSEARCH_URL"} {
		t.Run(variable, func(t *testing.T) {
			url := strings.TrimSuffix(os.Getenv(variable), "/")
			if url == "" {
				t.Skipf(engineHint, variable)
			}
			bucket, events := realBucket(t)
			namespace := fmt.Sprintf("e2e%d", os.Getpid())
			stream := "logs-aws.cloudtrail-" + namespace
			t.Cleanup(func() { ask(t, http.MethodDelete, url+"/_data_stream/"+stream, nil) })
			output := fmt.Sprintf("output.elasticsearch:\n  hosts: [%q]\n  bulk_max_size: 50\ndata_stream.namespace: %s", url, namespace)

			killedOnce := config(t, t.TempDir(), bucket, output)
			kills := 0
			for want := 1; want < events && kills < 3; want += events / 3 {
				if !killed(t, func() bool { return stored(t, url, stream) >= want },
					"run", "--once", "-c", killedOnce, "-E", "trailbeat.number_of_workers=1", "-E", "trailbeat.inputs.0.batch_max_records=50") {
					break
				}
				kills++
			}
			require.NotZero(t, kills, "every run ended before it could be killed")
			a := run(t, "run", "--once", "-c", killedOnce)
			assert.Zero(t, a.deadLettered)
			assert.Equal(t, events, stored(t, url, stream))

			forgotten := config(t, t.TempDir(), bucket, output)
			assert.Equal(t, account{received: events, duplicate: events}, run(t, "run", "--once", "-c", forgotten))
			assert.Equal(t, account{}, run(t, "run", "--once", "-c", forgotten), "a third run reads nothing")
			assert.Equal(t, events, stored(t, url, stream))
		})
	}
}
