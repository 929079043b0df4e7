package docscheck

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// groups are the names that a configuration begins with.
var groups = []string{"trailbeat", "filebeat", "output", "processors", "pipeline", "http", "dead_letter", "data_stream", "setup", "logging", "path", "fields", "tags"}

var variable = regexp.MustCompile(`\$\{([A-Z_0-9]+)`)

// Configurations are taken as they are, or, where they are parts, with an input and an output beside them.
func TestConfigurations(t *testing.T) {
	checked := 0
	for _, p := range pages(t) {
		if p.path == "docs/first-ten-minutes.md" {
			continue // has a wrong one on purpose
		}
		for _, b := range p.blocks {
			if b.kind != "yaml" {
				continue
			}
			var tree map[string]any
			if yaml.Unmarshal([]byte(b.text), &tree) != nil {
				var list []any
				assert.NoError(t, yaml.Unmarshal([]byte(b.text), &list), "%s:%d is no YAML", p.path, b.line)
				continue
			}
			isOurs := false
			for name := range tree {
				isOurs = isOurs || slices.Contains(groups, strings.Split(name, ".")[0])
			}
			if !isOurs {
				continue
			}
			checked++
			out, err := testConfig(t, b.text)
			assert.NoError(t, err, "%s:%d\n%s", p.path, b.line, out)
			assert.NotContains(t, out, "warning", "%s:%d", p.path, b.line)
		}
	}
	assert.Greater(t, checked, 12)
}

func testConfig(t *testing.T, text string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	rest := ""
	if !strings.Contains(text, "trailbeat.inputs") && !strings.Contains(text, "filebeat.inputs") {
		rest += "trailbeat.inputs: [{type: file, paths: [/tmp]}]\n"
	}
	needsCluster := strings.Contains(text, "output.elasticsearch") || strings.Contains(text, "output: data_stream")
	switch {
	case needsCluster && !strings.Contains(text, "hosts:") && !strings.Contains(text, "cloud.id"):
		rest += "output.elasticsearch.hosts: [\"https://localhost:9200\"]\n"
	case !needsCluster && !strings.Contains(text, "output."):
		rest += "output.sqlite.enabled: true\n"
	}
	args := []string{"test", "config"}
	for name, content := range map[string]string{"page.yml": text, "rest.yml": rest + "path.home: " + dir + "\n"} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		args = append(args, "-c", path)
	}
	cmd := exec.Command(binary, args...)
	cmd.Dir, cmd.Env = dir, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}
	for _, m := range variable.FindAllStringSubmatch(text, -1) {
		cmd.Env = append(cmd.Env, m[1]+"=stand-in:0123456789abcdef")
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// optionTables are the columns whose names in backquotes are options of ours.
var optionTables = []struct {
	path   string
	header string // first cell of the table's head
	column int
}{
	{"docs/from-filebeat.md", "Filebeat", 1},
	{"docs/from-other-collectors.md", "theirs", 1},
	{"docs/mapping.md", "option", 0},
	{"docs/elasticsearch.md", "below `output.elasticsearch`", 0},
	{"docs/troubleshooting.md", "what you read", 2},
	{"docs/troubleshooting.md", "what you see", 2},
}

// notOptions are other names that stand in these columns: values, names of programs, parts of documents.
var notOptions = []string{"file", "beginning", "add_fields", "drop_event", "add_account_names", "data_stream", "agent.name", "agent.id", "labels.platform", "host.name",
	"observer.name", "add_labels", "hosts", "trailbeat.inputs", "dataset", "namespace", "retention"}

var optionName = regexp.MustCompile(`^\.?[a-z][a-z_0-9]*(\.[a-z_0-9]+)*(\.\*)?$`)

func TestOptions(t *testing.T) {
	known := options(t)
	for _, table := range optionTables {
		header, rows := "", 0
		for _, l := range readPage(t, table.path).prose {
			row := cells(l.text)
			if row == nil {
				if !strings.HasPrefix(l.text, "|") {
					header = ""
				}
				continue
			}
			if header == "" {
				header = row[0]
				continue
			}
			if header != table.header || len(row) <= table.column {
				continue
			}
			rows++
			cell := row[table.column]
			if table.header == "Filebeat" && strings.HasPrefix(cell, "the same") {
				cell = row[0] + " " + cell
			}
			for _, name := range code(cell) {
				if optionName.MatchString(name) && !slices.Contains(notOptions, name) {
					assert.True(t, known(name), "%s:%d: there is no option %s", table.path, l.number, name)
				}
			}
		}
		assert.Greater(t, rows, 1, "%s has no table %q", table.path, table.header)
	}
	assert.True(t, known("output.elasticsearch.bulk_max_size"))
	assert.False(t, known("output.elasticsearch.bulk_max_sise"))
}

// options reports which names the reference has: whole, or behind the name of a group.
func options(t *testing.T) func(name string) bool {
	t.Helper()
	names := map[string]bool{}
	for _, l := range readPage(t, "docs/config.md").prose {
		row := cells(l.text)
		if row == nil || len(code(row[0])) != 1 {
			continue
		}
		names[code(row[0])[0]] = true
	}
	require.Greater(t, len(names), 150)
	return func(name string) bool {
		name, group := strings.CutSuffix(strings.TrimPrefix(name, "."), ".*")
		for full := range names {
			if full == name || strings.HasSuffix(full, "."+name) {
				return true
			}
			if at := strings.Index("."+full, "."+name+"."); at == 0 || group && at > 0 {
				return true
			}
		}
		return false
	}
}
