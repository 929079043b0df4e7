package cloudtrail_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline/cloudtrail"
)

// shared opens a file of the reference data, which is not part of the repository.
func shared(t *testing.T, name string) []byte {
	t.Helper()
	dir := os.Getenv("TRAILBEAT_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	data, err := os.ReadFile(filepath.Join(dir, name))
	if os.IsNotExist(err) {
		t.Skipf("no reference data: %v; name its folder in TRAILBEAT_SHARED", err)
	}
	require.NoError(t, err)
	return data
}

func lines(data []byte) [][]byte {
	var all [][]byte
	s := bufio.NewScanner(bytes.NewReader(data))
	s.Buffer(nil, 1<<26)
	for s.Scan() {
		all = append(all, bytes.Clone(s.Bytes()))
	}
	return all
}

// without takes from a document what the reference leaves out.
func without(t *testing.T, doc []byte) map[string]any {
	t.Helper()
	var m map[string]any
	require.NoError(t, json.Unmarshal(doc, &m), "%s", doc)
	if ua, ok := m["user_agent"].(map[string]any); ok {
		for _, k := range []string{"name", "version", "os", "device"} {
			delete(ua, k)
		}
	}
	if s, ok := m["source"].(map[string]any); ok {
		delete(s, "geo")
		delete(s, "as")
	}
	return m
}

// Every record of the reference becomes the document that the cluster makes of it.
func TestParity(t *testing.T) {
	records := lines(shared(t, "parity/records.ndjson"))
	expected := lines(shared(t, "parity/expected.ndjson"))
	require.Equal(t, len(expected), len(records))
	m := cloudtrail.NewMapper(cloudtrail.RetainAll, cloudtrail.Hooks{})
	var ev ecs.Event
	for i, raw := range records {
		ev.Reset()
		ev.Timestamp = "2021-11-11T01:02:03.123456789Z"
		ev.Tags = append(ev.Tags, cloudtrail.TagPreserveOriginalEvent, cloudtrail.TagActorTargetMapping)
		m.Map(raw, &ev)
		got := ev.AppendJSON(nil)
		if !assert.Equal(t, without(t, expected[i]), without(t, got), "line %d", i+1) {
			return
		}
		require.NoError(t, ecs.CheckDocument(got), "line %d", i+1)
	}
}
