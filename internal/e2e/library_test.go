package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const libraryProgram = `package main

import (
	"fmt"
	"os"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline"
)

func main() {
	p, err := pipeline.New(pipeline.Config{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer p.Close()
	var ev ecs.Event
	if err := p.Process([]byte(` + "`" + `{"eventTime":"2026-11-20T07:30:00Z","eventName":"CreateUser","eventSource":"iam.amazonaws.com"}` + "`" + `), &ev); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ev.User.Name = "changed"
	fmt.Println(string(ev.AppendJSON(nil)))
}
`

// A program that imports ecs and pipeline alone builds without the clients and stores that the shipper needs.
func TestLibraryFromOutside(t *testing.T) {
	repository, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	sums, err := os.ReadFile(filepath.Join(repository, "go.sum"))
	require.NoError(t, err)
	requirements, err := os.ReadFile(filepath.Join(repository, "go.mod"))
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(requirements), "\n")
	write("go.mod", "module example.com/outside\n"+rest+
		"\nrequire github.com/trailbeat/trailbeat v0.0.0\nreplace github.com/trailbeat/trailbeat => "+repository+"\n")
	write("go.sum", string(sums))
	write("main.go", libraryProgram)

	command := func(args ...string) string {
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod")
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		require.NoError(t, err, stderr.String())
		return string(out)
	}
	out := command("run", ".")
	assert.Contains(t, out, `"name":"changed"`)
	assert.Contains(t, out, `"action":"CreateUser"`)
	deps := command("list", "-deps", ".")
	assert.Contains(t, deps, "github.com/trailbeat/trailbeat/pipeline\n")
	for _, heavy := range []string{"github.com/aws/", "github.com/elastic/", "sqlite", "trailbeat/input", "trailbeat/output", "cobra"} {
		assert.NotContains(t, deps, heavy)
	}
}
