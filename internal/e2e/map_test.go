package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/needs"
)

func lines(t testing.TB, data []byte) [][]byte {
	t.Helper()
	var all [][]byte
	s := bufio.NewScanner(bytes.NewReader(data))
	s.Buffer(nil, 1<<26)
	for s.Scan() {
		all = append(all, bytes.Clone(s.Bytes()))
	}
	require.NoError(t, s.Err())
	return all
}

// document is a document without what depends on databases and rules of the day.
func document(t testing.TB, line []byte) map[string]any {
	t.Helper()
	var doc map[string]any
	require.NoError(t, json.Unmarshal(line, &doc), "%s", line)
	if agent, ok := doc["user_agent"].(map[string]any); ok {
		for _, name := range []string{"name", "version", "os", "device"} {
			delete(agent, name)
		}
	}
	if source, ok := doc["source"].(map[string]any); ok {
		delete(source, "geo")
		delete(source, "as")
	}
	return doc
}

// trailbeat map makes of every reference record what the cluster makes of it, in the order of the records.
func TestMapReference(t *testing.T) {
	records := needs.Shared(t, "parity", "records.ndjson")
	want, err := os.ReadFile(needs.Shared(t, "parity", "expected.ndjson"))
	require.NoError(t, err)
	out, err := exec.Command(binary, "map", "--timestamp", "2021-11-11T01:02:03.123456789Z",
		"--tag", "preserve_original_event", "--tag", "actor_target_mapping", records).Output()
	require.NoError(t, err)
	expected, got := lines(t, want), lines(t, out)
	require.Len(t, got, len(expected))
	for i := range expected {
		assert.Equal(t, document(t, expected[i]), document(t, got[i]), "line %d", i+1)
	}
}

// The user agents are parsed as Elasticsearch parses them.
func TestMapReferenceUserAgents(t *testing.T) {
	data, err := os.ReadFile(needs.Shared(t, "parity", "user_agents.ndjson"))
	require.NoError(t, err)
	var records bytes.Buffer
	var expected []map[string]any
	for _, line := range lines(t, data) {
		var agent map[string]any
		require.NoError(t, json.Unmarshal(line, &agent))
		expected = append(expected, agent)
		record, err := json.Marshal(map[string]any{"userAgent": agent["original"]})
		require.NoError(t, err)
		records.Write(append(record, '\n'))
	}
	cmd := exec.Command(binary, "map")
	cmd.Stdin = &records
	out, err := cmd.Output()
	require.NoError(t, err)
	got := lines(t, out)
	require.Len(t, got, len(expected))
	for i := range expected {
		var doc struct {
			Agent map[string]any `json:"user_agent"`
		}
		require.NoError(t, json.Unmarshal(got[i], &doc))
		assert.Equal(t, expected[i], doc.Agent)
	}
}
