package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/needs"
)

// The completion scripts work in the shells themselves: a shell reads what the binary prints, and asks it what can follow.
func TestCompletionInShells(t *testing.T) {
	const bashCompletion = "/usr/share/bash-completion/bash_completion" // the package that scripts of bash build on
	shells := map[string]struct {
		needs, script string
	}{
		"bash": {bashCompletion, `. ` + bashCompletion + `
. <(trailbeat completion bash)
read -ra COMP_WORDS <<<"$LINE"
case $LINE in *' ') COMP_WORDS+=('') ;; esac
COMP_LINE=$LINE COMP_POINT=${#LINE} COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_TYPE=9
__start_trailbeat 2>/dev/null
printf '%s\n' "${COMPREPLY[@]}"`},
		"fish": {"", `trailbeat completion fish | source
complete -C "$LINE"`},
	}
	dir := t.TempDir()
	require.NoError(t, os.Symlink(binary, filepath.Join(dir, "trailbeat")))
	for name, shell := range shells {
		t.Run(name, func(t *testing.T) {
			path := needs.Tool(t, name, name)
			if shell.needs != "" {
				needs.File(t, shell.needs, "bash-completion")
			}
			for line, want := range map[string][]string{
				"trailbeat te":    {"test"},
				"trailbeat test ": {"config", "input", "output"},
				"trailbeat run -E output.elasticsearch.bu": {"output.elasticsearch.bulk_max_bytes=", "output.elasticsearch.bulk_max_size="},
				"trailbeat completion f":                   {"fish"},
			} {
				cmd := exec.Command(path, "-c", shell.script)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "LINE="+line, "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+dir)
				out, err := cmd.CombinedOutput()
				require.NoError(t, err, "%s", out)
				var got []string
				for answer := range strings.Lines(string(out)) {
					word, _, _ := strings.Cut(strings.TrimSpace(answer), "\t") // fish shows what it is behind a tab
					got = append(got, word)
				}
				assert.ElementsMatch(t, want, got, line)
			}
		})
	}
}
