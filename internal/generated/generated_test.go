package generated

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPut(t *testing.T) {
	var out bytes.Buffer
	w := Writer{Root: t.TempDir(), Command: "make it", Out: &out}
	require.NoError(t, w.Put("a/b.txt", []byte("one")))
	require.NoError(t, w.Put("a/b.txt", []byte("one")))
	assert.Equal(t, "wrote a/b.txt\n", out.String(), "the second time it was fresh")

	w.Check = true
	require.NoError(t, w.Put("a/b.txt", []byte("one")))
	require.EqualError(t, w.Put("a/b.txt", []byte("two")), `a/b.txt is stale; run "make it"`)
	require.EqualError(t, w.Put("c.txt", nil), `c.txt is stale; run "make it"`)
	text, err := os.ReadFile(filepath.Join(w.Root, "a", "b.txt"))
	require.NoError(t, err)
	assert.Equal(t, "one", string(text), "a check writes nothing")
}

func TestRoot(t *testing.T) {
	root, err := Root()
	require.NoError(t, err)
	assert.FileExists(t, filepath.Join(root, "go.mod"))
	t.Chdir(t.TempDir())
	_, err = Root()
	require.ErrorContains(t, err, "run it within the repository")
}
