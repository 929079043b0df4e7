package e2e

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/stack"
)

// The same records, once into Elasticsearch and once into OpenSearch, are the same documents under the same _id.
func TestEnginesHoldTheSameDocuments(t *testing.T) {
	first := newDocStream(t, stack.Elasticsearch, "same")
	second := newDocStream(t, stack.OpenSearch, "same")
	bucket, _ := realBucket(t)
	paths := []string{bucket, parityRecords(t), repository + "/testdata/samples", compactCases(t)}

	a := first.ship(t, paths...)
	assert.Zero(t, a.deadLettered)
	assert.Equal(t, a, second.ship(t, paths...))
	require.Greater(t, a.indexed, 3000)

	want, got := first.all(t), second.all(t)
	require.Equal(t, len(want), len(got))
	assert.Equal(t, a.indexed, len(want))
	for id, doc := range want {
		other, ok := got[id]
		if !assert.True(t, ok, "%s is in one engine only", id) {
			continue
		}
		if !assert.Equal(t, ofTheRecord(t, doc.Source), ofTheRecord(t, other.Source), "%s", id) {
			return
		}
	}
}

// ofTheRecord is a document without what is of the run that made it: when it was read and sent, and which start of which
// installation did it. Where a record does not say when it happened, @timestamp is the time of reading too.
func ofTheRecord(t testing.TB, source json.RawMessage) map[string]any {
	t.Helper()
	var doc map[string]any
	require.NoError(t, json.Unmarshal(source, &doc))
	event, agent := doc["event"].(map[string]any), doc["agent"].(map[string]any)
	require.NotEmpty(t, event["created"])
	require.NotEmpty(t, event["ingested"])
	if event["created"] == doc["@timestamp"] {
		delete(doc, "@timestamp")
	}
	for _, name := range []string{"created", "ingested"} {
		delete(event, name)
	}
	for _, name := range []string{"id", "ephemeral_id"} {
		require.NotEmpty(t, agent[name])
		delete(agent, name)
	}
	return doc
}
