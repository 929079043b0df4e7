package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func logsIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	found := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		found[e.Name()] = string(text)
	}
	return found
}

func TestLogFileIsPutAside(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	cfg := LogFilesConfig{RotateEveryBytes: 10, KeepFiles: 2}
	l, err := openLogFile(dir, cfg)
	require.NoError(t, err)
	for n := range 4 {
		for range 2 {
			_, err := fmt.Fprintf(l, "line%d", n)
			require.NoError(t, err)
		}
	}
	require.NoError(t, l.Close())
	assert.Equal(t, map[string]string{logName: "line3line3", logName + ".1": "line2line2", logName + ".2": "line1line1"}, logsIn(t, dir))

	// The size of what was there before counts, and a line that is longer than a file makes one of its own.
	l, err = openLogFile(dir, cfg)
	require.NoError(t, err)
	for _, line := range []string{"a line that is long", "x"} {
		_, err = l.Write([]byte(line))
		require.NoError(t, err)
	}
	require.NoError(t, l.Close())
	assert.Equal(t, map[string]string{logName: "x", logName + ".1": "a line that is long", logName + ".2": "line3line3"}, logsIn(t, dir))
}

// What cannot be put aside is written on, and nothing is lost.
func TestLogFileThatCannotMove(t *testing.T) {
	dir := t.TempDir()
	l, err := openLogFile(dir, LogFilesConfig{RotateEveryBytes: 5, KeepFiles: 1})
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, logName+".1", "in the way"), 0o750))
	for range 3 {
		_, err := l.Write([]byte("line."))
		require.NoError(t, err)
	}
	require.NoError(t, l.Close())
	text, err := os.ReadFile(filepath.Join(dir, logName))
	require.NoError(t, err)
	assert.Equal(t, "line.line.line.", string(text))
}

func TestLogFileBySeveral(t *testing.T) {
	dir := t.TempDir()
	l, err := openLogFile(dir, LogFilesConfig{RotateEveryBytes: 100, KeepFiles: 1000})
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				_, _ = l.Write([]byte("0123456789\n"))
			}
		})
	}
	wg.Wait()
	require.NoError(t, l.Close())
	lines := 0
	for name, text := range logsIn(t, dir) {
		assert.LessOrEqual(t, len(text), 100, name)
		lines += strings.Count(text, "0123456789\n")
	}
	assert.Equal(t, 800, lines)
}

func TestLogFilesConfig(t *testing.T) {
	assert.NoError(t, defaultLogFiles().Validate())
	err := LogFilesConfig{KeepFiles: 1025}.Validate()
	assert.ErrorContains(t, err, "files.rotateeverybytes: must be > 0, is 0")
	assert.ErrorContains(t, err, "files.keepfiles: must be from 1 to 1024, is 1025")
}
