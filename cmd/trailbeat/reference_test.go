package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/reference"
)

// TestReference fails when what is generated from the config structs is stale: go run ./internal/reference/gen
func TestReference(t *testing.T) {
	root := filepath.Join("..", "..")
	comments, err := reference.ReadComments(os.DirFS(root))
	require.NoError(t, err)
	kept, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(reference.CommentsFile)))
	require.NoError(t, err)
	fresh, err := json.MarshalIndent(comments, "", "  ")
	require.NoError(t, err)
	require.Equal(t, string(fresh)+"\n", string(kept), "run "+reference.Command)

	for name, args := range reference.Files() {
		t.Run(name, func(t *testing.T) {
			code, printed, stderr := trailbeat(t, args...)
			require.Zero(t, code, stderr)
			kept, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
			require.NoError(t, err)
			assert.Equal(t, printed, string(kept), "run "+reference.Command)
		})
	}
}

// TestReferenceNamesOptions takes every line of the commented file as an option.
func TestReferenceNamesOptions(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "trailbeat.reference.yml"))
	require.NoError(t, err)
	live := regexp.MustCompile(`(?m)^#`).ReplaceAll(text, nil)
	name := filepath.Join(t.TempDir(), "live.yml")
	require.NoError(t, os.WriteFile(name, live, 0o600))
	// It cannot be used as a whole: things that exclude each other stand side by side, and what has no default is empty.
	code, _, stderr := trailbeat(t, "test", "config", "-c", name)
	assert.Equal(t, 2, code)
	for _, wrong := range []string{"no such option", "but must be", "no valid YAML", "is set twice", "there is no processor"} {
		assert.NotContains(t, stderr, wrong)
	}
	assert.Contains(t, stderr, "queue_url")
}

// TestReferenceIsComplete wants a word on every option.
func TestReferenceIsComplete(t *testing.T) {
	_, page, _ := trailbeat(t, "export", "reference")
	assert.NotRegexp(t, `(?m)^.*\| +\|$`, page)
	for _, option := range []string{"| `max_record_bytes` | bytes | `16MiB` |", "| `output.elasticsearch.password` | text | `\"\"` |", "| `trailbeat.shutdown_timeout` | duration | `30s` |"} {
		assert.Contains(t, page, option)
	}
}
