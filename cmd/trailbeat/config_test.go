package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/app"
)

var update = flag.Bool("update", false, "write the expected texts of bad configurations anew")

// trailbeat runs a command within the test.
func trailbeat(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = app.Main(args, app.IO{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs}, components())
	return code, out.String(), errs.String()
}

// TestConfigFiles takes every file of testdata/config: a good one must be taken, a bad one refused with the text beside it.
func TestConfigFiles(t *testing.T) {
	t.Chdir(filepath.Join("..", "..", "testdata", "config"))
	good, err := filepath.Glob("*.good.yml")
	require.NoError(t, err)
	require.NotEmpty(t, good)
	for _, name := range good {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := trailbeat(t, "test", "config", "-c", name)
			assert.Zero(t, code)
			assert.Empty(t, stderr)

			// What export prints is a configuration too, and the same one.
			code, printed, stderr := trailbeat(t, "export", "config", "-c", name)
			require.Zero(t, code, stderr)
			again := filepath.Join(t.TempDir(), "again.yml")
			require.NoError(t, os.WriteFile(again, []byte(printed), 0o600))
			code, second, stderr := trailbeat(t, "export", "config", "-c", again)
			require.Zero(t, code, stderr)
			assert.Equal(t, printed, second)
		})
	}
	pasted, err := filepath.Glob("*.pasted.yml")
	require.NoError(t, err)
	require.Len(t, pasted, 3)
	for _, name := range pasted {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := trailbeat(t, "test", "config", "-c", name)
			assert.Zero(t, code)
			assert.Contains(t, stdout, "Config OK")
			compare(t, strings.TrimSuffix(name, ".yml")+".txt", stderr)

			// What has no effect is gone from what export prints.
			code, printed, stderr := trailbeat(t, "export", "config", "-c", name)
			require.Zero(t, code, stderr)
			for _, text := range []string{"not-a-secret", "keep_null", "notification_parsing_script", "preset", "filebeat.", "queue:", "ilm"} {
				assert.NotContains(t, printed, text)
			}
		})
	}
	bad, err := filepath.Glob("*.bad.yml")
	require.NoError(t, err)
	require.NotEmpty(t, bad)
	for _, name := range bad {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := trailbeat(t, "test", "config", "-c", name)
			assert.Equal(t, 2, code)
			assert.Empty(t, stdout)
			compare(t, strings.TrimSuffix(name, ".yml")+".txt", stderr)
		})
	}
}

// compare takes the text that a file holds.
func compare(t *testing.T, expected, text string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(expected, []byte(text), 0o600))
	}
	want, err := os.ReadFile(expected)
	require.NoError(t, err, "run the test with -update and read what it wrote")
	assert.Equal(t, string(want), text)
}

// TestShippedConfiguration runs what a fresh clone runs first.
func TestShippedConfiguration(t *testing.T) {
	data := t.TempDir()
	t.Chdir(filepath.Join("..", ".."))
	code, stdout, stderr := trailbeat(t, "run", "--once", "--path.data", data)
	require.Zero(t, code, stderr)
	assert.Regexp(t, `^received (\d+) = [1-9]\d* indexed \+ 0 duplicate \+ 0 filtered \+ 0 dead_lettered \+ 0 returned\n`, stdout)
	assert.Contains(t, stdout, "ACTION")
	assert.Contains(t, stdout, "Next: ")
	assert.FileExists(t, filepath.Join(data, "trailbeat.db"))

	code, stdout, _ = trailbeat(t, "run", "--once", "--path.data", data)
	require.Zero(t, code)
	assert.Regexp(t, `^received 0 = `, stdout)
}
