package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
)

// TestProcessorGoldens runs all cases of the mapping through a configuration with every processor. A document that the index
// takes stays one that it takes, and some of them are compared with what is expected.
func TestProcessorGoldens(t *testing.T) {
	t.Chdir(filepath.Join("..", "..", "testdata", "processors"))
	inputs, err := filepath.Glob(filepath.Join("..", "cloudtrail", "*", "input.json"))
	require.NoError(t, err)
	require.NotEmpty(t, inputs)
	dir := t.TempDir()
	all := map[string]json.RawMessage{}
	dropped := 0
	shown := []string{"add-permission", "delete-object", "get-bucket-policy-not-found", "delete-virtual-mfa-device", "list-workspaces-error-200", "request-parameters-text", "tag-user-minimal"}
	for _, input := range inputs {
		raw, err := os.ReadFile(input)
		require.NoError(t, err)
		var line bytes.Buffer
		if json.Compact(&line, raw) != nil {
			continue // a text that is no JSON has lines of its own
		}
		file := filepath.Join(dir, "one.ndjson")
		require.NoError(t, os.WriteFile(file, line.Bytes(), 0o600))
		mapped := func(args ...string) string {
			code, stdout, stderr := trailbeat(t, append([]string{"map", "--timestamp", "2026-11-20T08:00:00Z", "--tag", "preserve_original_event", file}, args...)...)
			require.Zero(t, code, stderr)
			return stdout
		}
		doc := mapped("--processors")
		if doc == "" {
			dropped++
			continue
		}
		assert.Equal(t, ecs.CheckDocument([]byte(mapped())) == nil, ecs.CheckDocument([]byte(doc)) == nil, "%s: %v", input, ecs.CheckDocument([]byte(doc)))
		if name := filepath.Base(filepath.Dir(input)); slices.Contains(shown, name) {
			all[name] = json.RawMessage(strings.TrimSpace(doc))
		}
	}
	assert.Greater(t, dropped, 10)
	require.Len(t, all, len(shown))
	got, err := json.MarshalIndent(all, "", "  ")
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile("expected.json", append(got, '\n'), 0o600))
	}
	want, err := os.ReadFile("expected.json")
	require.NoError(t, err)
	assert.JSONEq(t, string(want), string(got), "go test ./cmd/trailbeat -run TestProcessorGoldens -update writes it")
}
