package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/stack"
)

// The retention of a repo becomes that of its data stream before the first document is sent there.
func TestManageRetention(t *testing.T) {
	engine := stack.Find(t, stack.Elasticsearch)
	const template, stream = "trailbeat-logs-managetest-cold_store", "logs-managetest-cold_store"
	empty := func() { engine.Purge(t, stream, template, "trailbeat-logs-managetest") }
	empty()
	t.Cleanup(empty)
	f := newFakeAWS(t)
	f.inManagement(t, strings.Replace(manageFile, "output.file: {path: out}", "data_stream.dataset: managetest\nsetup.template.settings.number_of_replicas: 0\noutput.elasticsearch.hosts: ["+engine.URL+"]", 1))
	f.putLog(t, "listed", logKey("us-east-1", "aaaa"), recordsOf(0, 5)...)
	create, _ := ownBodies()
	create = strings.Replace(create, `"catch_all": "_logpoint"`, `"catch_all": "Cold-Store", "repos": [{"repo_name": "Cold-Store", "path": "/opt/data", "retention": "30"}]`, 1)
	m := startManaged(t)
	m.succeeds("POST", configAPI, create)
	code, body := engine.Do(t, "GET", "/_index_template/"+template, "")
	require.Equal(t, 200, code, "%s", body)
	assert.Contains(t, string(body), `"data_retention":"30d"`)
	require.Eventually(t, func() bool {
		var found struct{ Count int }
		engine.Do(t, "POST", "/"+stream+"/_refresh", "")
		code, body := engine.Do(t, "GET", "/"+stream+"/_count", "")
		return code == 200 && json.Unmarshal(body, &found) == nil && found.Count == 5
	}, 2*time.Minute, 100*time.Millisecond)
	m.stop()
}
