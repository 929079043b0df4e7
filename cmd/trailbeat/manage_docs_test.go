package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/needs"
)

var (
	docBlock  = regexp.MustCompile("(?ms)^```(sh|json)\n(.*?)^```$")
	docID     = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{4}…`)
	docMarker = "=== next block ===\n"
)

// The commands of docs/management-api.md print what stands below them.
func TestManageDocs(t *testing.T) {
	for _, tool := range []string{"bash", "curl", "jq"} {
		needs.Tool(t, tool, tool)
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "management-api.md"))
	require.NoError(t, err)
	var script strings.Builder
	script.WriteString("set -euo pipefail\n")
	var want []string
	blocks := docBlock.FindAllStringSubmatch(string(page), -1)
	for i, b := range blocks {
		if b[1] != "sh" {
			continue
		}
		require.Less(t, i+1, len(blocks))
		require.Equal(t, "json", blocks[i+1][1], "what it prints follows")
		script.WriteString(b[2] + "printf '" + strings.ReplaceAll(docMarker, "\n", `\n`) + "'\n")
		want = append(want, blocks[i+1][2])
	}
	require.Greater(t, len(want), 3)

	f := newFakeAWS(t)
	f.inManagement(t, "management: {enabled: true, token: \"${MANAGEMENT_TOKEN}\"}\nhttp.port: 0\noutput.sqlite: {}\n")
	t.Setenv("MANAGEMENT_TOKEN", manageToken)
	f.putLog(t, "my-trail", logKey("eu-west-1", "aaaa"), recordsOf(0, 5)...)
	f.putLog(t, "audit", logKey("eu-west-1", "aaaa"), recordsOf(0, 5)...)
	m := startManaged(t)
	m.ask("GET", "/api/v1/orders", "") // it has started
	cmd := exec.Command("bash", "-c", strings.ReplaceAll(script.String(), "http://localhost:5066", m.url))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s\n%s", out, m.logged())
	got := strings.Split(strings.TrimSuffix(string(out), docMarker), docMarker)
	for i := range got {
		assert.Equal(t, docID.ReplaceAllString(want[i], "ID"), docID.ReplaceAllString(got[i], "ID"), "block %d", i)
	}
	assert.Len(t, got, len(want))
	m.stop()
}
