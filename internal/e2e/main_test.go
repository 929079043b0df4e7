package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/needs"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) { os.Exit(needs.Program(m, &binary)) }

// realBucket is a folder with the real files as CloudTrail delivers them, and the number of their distinct events.
func realBucket(t testing.TB) (dir string, events int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(needs.Shared(t, "real", "cloudtrail"), "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	dir = t.TempDir()
	ids := map[string]bool{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var content struct {
			Records []struct {
				EventID string `json:"eventID"`
			}
		}
		require.NoError(t, json.Unmarshal(data, &content))
		for _, r := range content.Records {
			ids[r.EventID] = true
		}
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, err = w.Write(data)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		name := filepath.Base(file) + ".gz"
		key := filepath.Join(dir, "AWSLogs", "218007301253", "CloudTrail", "us-east-1", "2023", "07", "10", name)
		require.NoError(t, os.MkdirAll(filepath.Dir(key), 0o755))
		require.NoError(t, os.WriteFile(key, packed.Bytes(), 0o644))
	}
	return dir, len(ids)
}

// config writes a configuration that reads dir and writes to output, and keeps its state in data.
func config(t testing.TB, data, dir, output string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trailbeat.yml")
	text := fmt.Sprintf("path.data: %q\ntrailbeat.inputs:\n  - type: file\n    id: real\n    paths: [%q]\n%s\n", data, dir, output)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

// account is the accounting that a run ends with.
type account struct{ received, indexed, duplicate, filtered, deadLettered, returned int }

var accountLine = regexp.MustCompile(`received (\d+) = (\d+) indexed \+ (\d+) duplicate \+ (\d+) filtered \+ (\d+) dead_lettered \+ (\d+) returned`)

// run runs the binary to its end, which must be a good one, and reads the accounting.
func run(t testing.TB, args ...string) account {
	t.Helper()
	out, err := exec.Command(binary, args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	m := accountLine.FindSubmatch(out)
	require.NotNil(t, m, "no accounting in:\n%s", out)
	var n [6]int
	for i := range n {
		n[i], _ = strconv.Atoi(string(m[i+1]))
	}
	a := account{n[0], n[1], n[2], n[3], n[4], n[5]}
	require.Equal(t, a.received, a.indexed+a.duplicate+a.filtered+a.deadLettered+a.returned, "%s", m[0])
	return a
}

// killed starts the binary and kills it as soon as begun says that documents are there. It reports whether the kill came
// before the end of the run.
func killed(t testing.TB, begun func() bool, args ...string) bool {
	t.Helper()
	ended, kill := started(t, args...)
	for {
		select {
		case err := <-ended:
			require.NoError(t, err)
			return false
		default:
		}
		if begun() {
			kill()
			return <-ended != nil
		}
	}
}

// killedAt is the same for something that the test is told.
func killedAt(t testing.TB, begun <-chan struct{}, args ...string) bool {
	t.Helper()
	ended, kill := started(t, args...)
	select {
	case err := <-ended:
		require.NoError(t, err)
		return false
	case <-begun:
		kill()
		return <-ended != nil
	}
}

// started starts the binary. What it ends with has all that it printed.
func started(t testing.TB, args ...string) (ended <-chan error, kill func()) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start())
	done := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out.String())
		}
		done <- err
	}()
	return done, func() { _ = cmd.Process.Kill() }
}
