package keystore

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSecretsComeBack(t *testing.T) {
	for _, password := range []string{"", "horse battery"} {
		path := filepath.Join(t.TempDir(), "deep", "trailbeat.keystore")
		s := New(path, password)
		require.NoError(t, s.Set("ES_API_KEY", "id:kéy\n"))
		require.NoError(t, s.Set("aws.secret-key", "wJalr"))
		require.NoError(t, s.Save())
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.NotContains(t, string(data), "wJalr")
		assert.NotContains(t, string(data), "ES_API_KEY")

		s, err = Open(path, password)
		require.NoError(t, err)
		assert.Equal(t, []string{"ES_API_KEY", "aws.secret-key"}, s.Names())
		text, ok := s.Get("ES_API_KEY")
		assert.True(t, ok)
		assert.Equal(t, "id:kéy\n", text)
		assert.True(t, s.Remove("ES_API_KEY"))
		assert.False(t, s.Remove("ES_API_KEY"))
		require.NoError(t, s.Save())
		s, err = Open(path, password)
		require.NoError(t, err)
		assert.Equal(t, []string{"aws.secret-key"}, s.Names())
		_, ok = s.Get("ES_API_KEY")
		assert.False(t, ok)
		left, err := os.ReadDir(filepath.Dir(path))
		require.NoError(t, err)
		assert.Len(t, left, 1, "nothing temporary stays")

		_, err = Open(path, password+"x")
		require.ErrorIs(t, err, ErrPassword)
	}
}

// Each byte of the file counts: one that was changed is found, whatever it is.
func TestChangedFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	s := New(path, "")
	require.NoError(t, s.Set("A", "secret"))
	require.NoError(t, s.Save())
	good, err := os.ReadFile(path)
	require.NoError(t, err)
	var was file
	require.NoError(t, json.Unmarshal(good, &was))
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 1
		require.NoError(t, os.WriteFile(path, bad, 0o600))
		got, err := Open(path, "")
		if err != nil {
			continue
		}
		var is file // space between members, or a bit of base64 that stands for nothing
		require.NoError(t, json.Unmarshal(bad, &is))
		assert.Equal(t, was, is, "byte %d", i)
		assert.Equal(t, []string{"A"}, got.Names())
	}
}

func TestWhatIsNoKeystore(t *testing.T) {
	dir := t.TempDir()
	_, err := Open(filepath.Join(dir, "none"), "")
	require.ErrorIs(t, err, fs.ErrNotExist)
	for text, want := range map[string]string{
		"":     "it is no keystore",
		"[]":   "it is no keystore",
		"{}":   "version 0 with \"\" and 0 rounds is not known here",
		`null`: "is not known here",
		`{"version":2,"kdf":"pbkdf2-sha256","rounds":1}`:           "version 2",
		`{"version":1,"kdf":"pbkdf2-sha256","rounds":99999999999}`: "rounds is not known here",
		`{"version":1,"kdf":"pbkdf2-sha256","rounds":1}`:           ErrPassword.Error(),
	} {
		path := filepath.Join(dir, "k")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := Open(path, "")
		require.ErrorContains(t, err, want, text)
		require.ErrorContains(t, err, path)
	}
	if runtime.GOOS == "windows" {
		return
	}
	path := filepath.Join(dir, "open")
	require.NoError(t, New(path, "").Save())
	require.NoError(t, os.Chmod(path, 0o640))
	_, err = Open(path, "")
	require.ErrorContains(t, err, "chmod 600")
}

func TestNames(t *testing.T) {
	s := New("k", "")
	for _, bad := range []string{"", "1A", "A B", "${A}", "a:b"} {
		require.Error(t, s.Set(bad, "x"), bad)
	}
	require.ErrorContains(t, s.Set("A", ""), "is empty")
	assert.Empty(t, s.Names())
}
