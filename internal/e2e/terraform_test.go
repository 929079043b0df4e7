package e2e

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// terraformed runs Terraform in a copy of a folder of deploy, with the providers that lie in a folder of this machine, as
// "terraform providers mirror" makes it.
func terraformed(t *testing.T, folder string) func(args ...string) string {
	t.Helper()
	plugins := os.Getenv("TRAILBEAT_TEST_TERRAFORM_PLUGINS")
	if plugins == "" {
		t.Skip("needs the providers of Terraform: put them into a folder with terraform providers mirror, and name it in TRAILBEAT_TEST_TERRAFORM_PLUGINS")
	}
	terraform, err := exec.LookPath("terraform")
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "deploy", folder))))
	none := filepath.Join(dir, "rc")
	require.NoError(t, os.WriteFile(none, nil, 0o600))
	command := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), terraform, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+none, "TF_IN_AUTOMATION=1")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return strings.TrimSpace(string(out))
	}
	command("init", "-no-color", "-input=false", "-plugin-dir="+plugins)
	return command
}

func TestTerraformValid(t *testing.T) {
	folders, err := fs.Glob(os.DirFS(filepath.Join("..", "..", "deploy")), "*/*.tf")
	require.NoError(t, err)
	for _, name := range folders {
		folder := filepath.Dir(name)
		t.Run(folder, func(t *testing.T) {
			assert.Contains(t, terraformed(t, folder)("validate", "-no-color"), "Success!")
		})
	}
}
