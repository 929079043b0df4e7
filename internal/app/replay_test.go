package app

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDeadLettersComeBack refuses a document, mends the cause and replays: the document is the one that it would have been.
func TestDeadLettersComeBack(t *testing.T) {
	w := &world{}
	options := "records: ['" + listBuckets + "', 'not JSON']\n    tags: [mine]"
	code, _, stderr := runApp(t, w, configOf(options, "fail: document"), "run", "--once")
	require.Zero(t, code, stderr)
	letters := filepath.Join("data", "deadletter.ndjson")
	require.FileExists(t, letters)
	refused := w.docs
	ids := w.ids
	w.docs, w.ids = nil, nil

	var out, errs bytes.Buffer
	run := func(args ...string) int {
		out.Reset()
		errs.Reset()
		return Main(args, IO{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs}, w.components())
	}
	require.Zero(t, run("replay", "--dry-run"), errs.String())
	assert.Contains(t, out.String(), "2 dead letters in ")
	assert.Contains(t, out.String(), "      2  mapper_parsing_exception: no\n")

	require.NoError(t, os.WriteFile("trailbeat.yml", []byte(configOf(options, "")), 0o600))
	require.Zero(t, run("replay"), errs.String())
	assert.Contains(t, out.String(), "received 2 = 2 indexed + 0 duplicate + 0 filtered + 0 dead_lettered + 0 returned\n")
	assert.Equal(t, ids, w.ids)
	require.Len(t, w.docs, len(refused))
	for _, doc := range w.docs {
		assert.Contains(t, doc, `"tags":["actor_target_mapping","mine"`)
		assert.Contains(t, doc, `"input":{"type":"fake"}`)
	}

	require.Zero(t, run("replay"), errs.String())
	assert.Contains(t, out.String(), "received 0 = ")
	require.Zero(t, run("replay", "--dry-run"), errs.String())
	assert.Contains(t, out.String(), "0 dead letters in ")
}

func TestALineThatIsNoLetterIsTold(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	require.NoError(t, os.Mkdir("data", 0o700))
	require.NoError(t, os.WriteFile(filepath.Join("data", "deadletter.ndjson"), []byte("nonsense\n"), 0o600))
	var out, errs bytes.Buffer
	code := Main([]string{"replay", "--dry-run"}, IO{Stdout: &out, Stderr: &errs}, Components{})
	assert.Equal(t, 1, code)
	assert.Contains(t, errs.String(), "1 lines of")
}
