package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// functionBinary builds the program as a release has it, with the interface of AWS Lambda.
func functionBinary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bootstrap")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", path, "../../cmd/trailbeat")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

// The linker leaves out the methods that nobody calls, unless something that is reachable calls methods by name: then it keeps every exported
// method of every type, and the program is half as large again, on the disk and in the memory of each run.
func TestMethodsThatNobodyCallsAreLeftOut(t *testing.T) {
	for name, path := range map[string]string{"without a tag": binary, "as a release has it": functionBinary(t)} {
		t.Run(name, func(t *testing.T) {
			program, err := os.ReadFile(path)
			require.NoError(t, err)
			const client = "github.com/aws/aws-sdk-go-v2/service/s3.(*Client)."
			require.True(t, bytes.Contains(program, []byte(client+"GetObject")), "names of functions are in the program")
			assert.False(t, bytes.Contains(program, []byte(client+"PutBucketVersioning")), "%s is never called, but in the program. "+
				`See what calls methods by name: go build -ldflags=-dumpdep ./cmd/trailbeat 2>&1 | grep ReflectMethod. `+
				"It may be a template (html/template, text/template), net/rpc, reflect.Value.Method, or MethodByName with a name that is no constant",
				client+"PutBucketVersioning")
		})
	}
}
