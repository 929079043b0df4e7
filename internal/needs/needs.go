// Package needs gives tests what they need beside Go, or skips them and says in the same words what is missing and how to get it. It is
// for tests only.
package needs

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// SharedDir is the folder of the reference data and of the scripts that start servers: TRAILBEAT_SHARED, or else ../shared; a relative
// one is taken from the root of the repository. It may not be there.
func SharedDir() string {
	dir := cmp.Or(os.Getenv("TRAILBEAT_SHARED"), filepath.Join("..", "shared"))
	if filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(Root(), dir)
}

// Root is the folder of the repository, as seen from that of the test.
func Root() string {
	for dir := "."; ; dir = filepath.Join(dir, "..") {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if path, err := filepath.Abs(dir); err != nil || filepath.Dir(path) == path {
			return "."
		}
	}
}

// Shared is the path of a file or folder of the reference data, which is not in the repository.
func Shared(t testing.TB, parts ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{SharedDir()}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		skipShared(t, filepath.Join(parts...))
	}
	return path
}

// SharedFiles are the files of the reference data whose paths match a pattern of filepath.Glob; there is one at least.
func SharedFiles(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(SharedDir(), filepath.FromSlash(pattern)))
	require.NoError(t, err)
	if len(files) == 0 {
		skipShared(t, pattern)
	}
	return files
}

func skipShared(t testing.TB, what string) {
	t.Helper()
	t.Skipf("needs %s of the reference data, which is not in %s: set TRAILBEAT_SHARED to the folder that holds it", filepath.ToSlash(what), SharedDir())
}

// Tool is the path of a program, which the named package of Debian has.
func Tool(t testing.TB, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("needs %s in the PATH: apt-get install %s", name, debian)
	}
	return path
}

// File skips where a file is not there which the named package of Debian has.
func File(t testing.TB, path, debian string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Skipf("needs %s: apt-get install %s", path, debian)
	}
}

// Long skips what takes long or much, in go test -short.
func Long(t testing.TB, why string) {
	t.Helper()
	if testing.Short() {
		t.Skipf("%s: run it without -short", why)
	}
}

// Modes skips where files have no permission bits.
func Modes(t testing.TB) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("needs files with permission bits, which Windows has not: run it on another system")
	}
}

// Program builds the program for the tests of a package, puts its path there, runs them and gives the exit code. It is for TestMain.
func Program(m *testing.M, path *string) int {
	dir, err := os.MkdirTemp("", "trailbeat-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	*path = filepath.Join(dir, "trailbeat")
	if runtime.GOOS == "windows" {
		*path += ".exe"
	}
	if out, err := exec.Command("go", "build", "-o", *path, "github.com/trailbeat/trailbeat/cmd/trailbeat").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the program: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}
