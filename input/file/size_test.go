package file

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
)

// What is done is no longer to be read; what was read then is the size before.
func TestSize(t *testing.T) {
	dir := t.TempDir()
	record := `{"eventID":"1"}` + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.ndjson"), []byte(strings.Repeat(record, 10)), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "b.ndjson"), []byte(strings.Repeat(record, 5)), 0o600))
	store := &input.MemoryStore{}
	cfg := DefaultConfig()
	cfg.Paths = []string{dir}
	in, err := New(cfg, Deps{ID: "x", Store: store, Once: true})
	require.NoError(t, err)
	size, err := in.Size(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 15*len(record), size)
	for {
		batch, err := in.Read(t.Context())
		if err != nil {
			break
		}
		batch.Ack(nil)
	}
	require.NoError(t, in.Close())
	assert.Equal(t, size, in.Report().Bytes)

	require.NoError(t, os.WriteFile(filepath.Join(dir, "c.ndjson"), []byte(record), 0o600))
	again, err := New(cfg, Deps{ID: "x", Store: store, Once: true})
	require.NoError(t, err)
	size, err = again.Size(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, len(record), size)
	require.NoError(t, again.Close())

	cfg.Paths = []string{dir, "-"}
	stream, err := New(cfg, Deps{ID: "x", Store: store, Once: true})
	require.NoError(t, err)
	_, err = stream.Size(t.Context())
	require.ErrorIs(t, err, errEndless)
	require.NoError(t, stream.Close())
}
