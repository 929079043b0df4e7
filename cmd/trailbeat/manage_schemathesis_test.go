package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A program that knows nothing but the OpenAPI document sends what the document allows, and what it does not, and compares every answer with
// it.
func TestManageSchemathesis(t *testing.T) {
	program := os.Getenv("TRAILBEAT_TEST_SCHEMATHESIS")
	if program == "" {
		t.Skip("needs schemathesis 4: python3 -m venv DIR && DIR/bin/pip install schemathesis, then set TRAILBEAT_TEST_SCHEMATHESIS=DIR/bin/schemathesis")
	}
	f := newFakeAWS(t)
	f.inManagement(t, strings.Replace(manageFile, "  enabled: true\n", "  enabled: true\n  test_timeout: 1s\n", 1))
	f.putLog(t, "listed", logKey("eu-west-1", "aaaa"), recordsOf(0, 10)...)
	m := startManaged(t)
	create, _ := ownBodies()
	m.succeeds("POST", configAPI, create) // something is there
	examples := os.Getenv("TRAILBEAT_TEST_SCHEMATHESIS_EXAMPLES")
	if examples == "" {
		examples = "25"
	}
	// A source is there, or gone, when its order has succeeded, not when it was taken. And the document is narrower than the program
	// here and there: an endpoint may be any URL, and an option that is not described may be one of docs/config.md.
	cmd := exec.Command(program, "run", m.url+"/api/v1/openapi.json", "--header", "Authorization: Bearer "+manageToken, "--checks", "all", "--exclude-checks", "ensure_resource_availability,use_after_free,negative_data_rejection",
		"--max-examples", examples, "--seed", "1", "--workers", "1", "--no-color")
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	require.NoError(t, err, m.logged())
	assert.NotContains(t, m.logged(), "panic")
	m.stop()
}
