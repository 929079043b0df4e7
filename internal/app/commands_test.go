package app

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func eachCommand(cmd *cobra.Command, fn func(*cobra.Command)) {
	fn(cmd)
	for _, sub := range cmd.Commands() {
		eachCommand(sub, fn)
	}
}

// flagOf matches a flag in an example.
var flagOf = regexp.MustCompile(`^--?[A-Za-z][A-Za-z.-]*`)

// Every command says what it does and shows it, with commands and flags that exist.
func TestEveryCommandHasHelpWithAnExample(t *testing.T) {
	w := &world{}
	a := &app{components: w.components()}
	root := a.rootCommand()
	n := 0
	eachCommand(root, func(cmd *cobra.Command) {
		n++
		path := cmd.CommandPath()
		assert.NotEmpty(t, cmd.Short, path)
		assert.Contains(t, cmd.Example, "trailbeat", path)
		cmd.InheritedFlags() // merges those of the parents
		for line := range strings.Lines(cmd.Example) {
			assert.True(t, strings.HasPrefix(line, "  "), "%s: %q", path, line)
			for _, part := range regexp.MustCompile(`[|()]`).Split(line, -1) {
				words := strings.Fields(part)
				if len(words) == 0 || words[0] != "trailbeat" {
					continue
				}
				found, _, err := root.Find(words[1:])
				require.NoError(t, err, "%s: %q", path, line)
				for _, word := range words[1:] {
					name := flagOf.FindString(word)
					if name == "" {
						continue
					}
					found.InheritedFlags() // as above
					known := found.Flags().Lookup(strings.TrimLeft(name, "-"))
					if !strings.HasPrefix(name, "--") {
						known = found.Flags().ShorthandLookup(name[1:])
					}
					assert.NotNil(t, known, "%s: there is no %s in %q", path, name, line)
				}
			}
		}
	})
	assert.Greater(t, n, 20)
}

func TestManualPages(t *testing.T) {
	w := &world{}
	t.Setenv("SOURCE_DATE_EPOCH", "0")
	dir := filepath.Join(t.TempDir(), "man1")
	code, _, stderr := runApp(t, w, "", "export", "man", dir)
	require.Zero(t, code, stderr)
	root := (&app{components: w.components()}).rootCommand()
	eachCommand(root, func(cmd *cobra.Command) {
		if !cmd.IsAvailableCommand() || cmd.Name() == "help" {
			return
		}
		page, err := os.ReadFile(filepath.Join(dir, strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1"))
		require.NoError(t, err)
		assert.Contains(t, string(page), ".SH EXAMPLE", cmd.CommandPath())
		assert.Contains(t, string(page), "Jan 1970")
	})
}

func TestCompletion(t *testing.T) {
	w := &world{}
	for _, shell := range shells {
		code, stdout, stderr := runApp(t, w, "", "completion", shell)
		require.Zero(t, code, stderr)
		assert.Contains(t, stdout, "__complete", shell)
	}
	code, _, stderr := runApp(t, w, "", "completion", "csh")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, `there is no completion for "csh"`)

	config := configOf("records: [a]", "")
	for _, c := range []struct {
		args string
		want []string
		not  string
	}{
		{"", []string{"run\t", "top\t", "completion\t"}, "__complete"},
		{"-E log", []string{"logging."}, "logging.level"},
		{"-E logging.", []string{"logging.level=", "logging.files."}, "path"},
		{"-E output.", []string{"output.fake."}, "logging"},
		{"-E output.fake.", []string{"output.fake.token=", "output.fake.enabled="}, "logging"},
		{"test input ", []string{"a\n", ":4\n"}, ""},
		{"state show ", []string{"a\n"}, ""},
		{"completion ", []string{"bash\n", "powershell\n"}, ""},
		{"map --retain ", []string{"keyword\n"}, ""},
		{"top --output ", []string{"json\n"}, ""},
		{"version ", []string{":4\n"}, ""},
	} {
		args := append([]string{"__complete"}, strings.Split(c.args, " ")...)
		code, stdout, stderr := runApp(t, w, config, args...)
		require.Zero(t, code, stderr)
		for _, want := range c.want {
			assert.Contains(t, stdout, want, c.args)
		}
		if c.not != "" {
			assert.NotContains(t, stdout, c.not, c.args)
		}
	}
	// A configuration with a fault completes nothing and says nothing.
	var out bytes.Buffer
	require.NoError(t, os.WriteFile("trailbeat.yml", []byte("nonsense: ["), 0o600))
	assert.Zero(t, Main([]string{"__complete", "test", "input", ""}, IO{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out}, w.components()))
	assert.NotContains(t, out.String(), "nonsense")
}
