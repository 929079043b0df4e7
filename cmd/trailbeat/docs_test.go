package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDocExamples runs the commands in the console blocks of some pages, in the order of the page and in one folder, and compares what
// they print. go test ./cmd/trailbeat -run TestDocExamples -update writes it.
func TestDocExamples(t *testing.T) {
	for _, name := range []string{"cost.md", "investigate.md"} {
		t.Run(name, func(t *testing.T) {
			path, err := filepath.Abs(filepath.Join("..", "..", "docs", name))
			require.NoError(t, err)
			samples, err := filepath.Abs(filepath.Join("..", "..", "testdata", "samples"))
			require.NoError(t, err)
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			t.Chdir(t.TempDir())
			require.NoError(t, os.CopyFS(filepath.Join("testdata", "samples"), os.DirFS(samples)))
			writeYAML(t, string(data))
			var page strings.Builder
			commands := 0
			rest := string(data)
			for {
				before, block, found := strings.Cut(rest, "```console\n")
				page.WriteString(before)
				if !found {
					break
				}
				page.WriteString("```console\n")
				block, rest, found = strings.Cut(block, "```\n")
				require.True(t, found)
				for line := range strings.Lines(block) {
					if command, ok := strings.CutPrefix(line, "$ "); ok {
						commands++
						page.WriteString(line + exampleOutput(t, strings.TrimSpace(command)))
					}
				}
				page.WriteString("```\n")
			}
			require.Positive(t, commands)
			if *update {
				require.NoError(t, os.WriteFile(path, []byte(page.String()), 0o644))
				return
			}
			assert.Equal(t, sizeless(string(data)), sizeless(page.String()), "go test ./cmd/trailbeat -run TestDocExamples -update writes it")
		})
	}
}

var namedYAML = regexp.MustCompile("`(\\S+\\.yml)`:\n\n```yaml\n((?s).*?)```")

// writeYAML makes the files that a page shows.
func writeYAML(t *testing.T, page string) {
	t.Helper()
	for _, m := range namedYAML.FindAllStringSubmatch(page, -1) {
		require.NoError(t, os.WriteFile(m[1], []byte(m[2]), 0o600))
	}
}

// exampleOutput is what a user sees: stderr and stdout, through "| head -N" or "| grep -A'N' TEXT".
func exampleOutput(t *testing.T, command string) string {
	t.Helper()
	command, filter, _ := strings.Cut(command, " | ")
	words := shellWords(command)
	require.Equal(t, "trailbeat", words[0])
	code, stdout, stderr := trailbeat(t, words[1:]...)
	require.Zero(t, code, "%s\n%s", command, stderr)
	lines := strings.SplitAfter(stderr+stdout, "\n")
	switch words := shellWords(filter); {
	case len(words) == 0:
	case words[0] == "head":
		n, err := strconv.Atoi(words[1][1:])
		require.NoError(t, err)
		lines = lines[:min(n, len(lines))]
	case words[0] == "grep":
		n, err := strconv.Atoi(strings.TrimPrefix(words[1], "-A"))
		require.NoError(t, err)
		for i, line := range lines {
			if strings.Contains(line, words[2]) {
				lines = lines[i:min(i+n+1, len(lines))]
				break
			}
		}
	default:
		t.Fatal("no such filter: " + filter)
	}
	var out strings.Builder
	for _, line := range lines {
		if line != "" {
			fmt.Fprintln(&out, strings.TrimRight(line, " \n"))
		}
	}
	return out.String()
}

var shellWord = regexp.MustCompile(`'([^']*)'|"([^"]*)"|(\S+)`)

func shellWords(text string) []string {
	var words []string
	for _, m := range shellWord.FindAllStringSubmatch(text, -1) {
		words = append(words, m[1]+m[2]+m[3])
	}
	return words
}

var (
	sizes  = regexp.MustCompile(` +[0-9.]+ [kMG]?B\b| +<?[0-9.]+ %|[█▏▎▍▌▋▊▉]+`)
	spaces = regexp.MustCompile(` +`)
)

// sizeless leaves out sizes, which depend on the names of the machine and of the folder.
func sizeless(text string) string {
	return spaces.ReplaceAllString(sizes.ReplaceAllString(text, " ~"), " ")
}
