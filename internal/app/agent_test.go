package app

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAgentID(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.json")
	first, err := agentID(path)
	require.NoError(t, err)
	assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, first)
	again, err := agentID(path)
	require.NoError(t, err)
	assert.Equal(t, first, again, "it stays")

	require.NoError(t, os.WriteFile(path, []byte(`{"uuid":`), 0o600))
	fresh, err := agentID(path)
	require.NoError(t, err, "a torn file does not stop the program")
	assert.NotEqual(t, first, fresh)
	kept, err := agentID(path)
	require.NoError(t, err)
	assert.Equal(t, fresh, kept)

	_, err = agentID(filepath.Join(t.TempDir(), "none", "meta.json"))
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// The id of a seed is what other programs that make UUIDs of names (version 5) have for it: Python's uuid.uuid5 gave this one.
func TestAgentIDOfASeed(t *testing.T) {
	assert.Equal(t, "f0ed584d-29d1-5194-900b-825940f147ea", seededID("super-special-seed-key"))
	assert.NotEqual(t, seededID("a"), seededID("b"))
	s := &settings{Config: DefaultConfig()}
	s.Path.Data, s.Agent.Seed = t.TempDir(), "super-special-seed-key"
	agent, err := s.agent()
	require.NoError(t, err)
	assert.Equal(t, seededID("super-special-seed-key"), agent.ID)
	assert.NoFileExists(t, filepath.Join(s.Path.Data, "meta.json"), "nothing has to be kept")
}

func TestOnlyAClosedStdoutEndsQuietly(t *testing.T) {
	gone := &os.PathError{Op: "write", Path: "|1", Err: brokenPipe}
	a := &app{IO: IO{Stderr: io.Discard}, out: &stdout{w: failing{gone}}}
	assert.Equal(t, exitFailed, a.exitCode(gone), "a connection broke, not standard output")
	_, err := a.out.Write([]byte("x"))
	require.Error(t, err)
	assert.Equal(t, exitDone, a.exitCode(gone))

	full := &stdout{w: failing{errors.New("disk full")}}
	_, err = full.Write([]byte("x"))
	require.Error(t, err)
	assert.False(t, full.gone.Load())
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
