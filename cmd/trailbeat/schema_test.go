package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	_, text, _ := trailbeat(t, "export", "schema")
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("config.schema.json", doc))
	schema, err := c.Compile("config.schema.json")
	require.NoError(t, err)
	return schema
}

func against(t *testing.T, schema *jsonschema.Schema, text []byte) error {
	t.Helper()
	var v any
	require.NoError(t, yaml.Unmarshal(text, &v))
	return schema.Validate(v)
}

// TestSchemaTakesConfigurations validates all good configurations of the repository against the schema for editors.
func TestSchemaTakesConfigurations(t *testing.T) {
	root := filepath.Join("..", "..")
	schema := compiledSchema(t)
	files := []string{filepath.Join(root, "trailbeat.yml")}
	for _, pattern := range []string{"testdata/config/*.good.yml", "testdata/config/*.pasted.yml", "testdata/filebeat/*.migrated.yml"} {
		found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		require.NoError(t, err)
		require.NotEmpty(t, found)
		files = append(files, found...)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			assert.NoError(t, against(t, schema, text))
		})
	}
}

// TestSchemaMarks gives editors something to mark.
func TestSchemaMarks(t *testing.T) {
	schema := compiledSchema(t)
	for name, text := range map[string]string{
		"an unknown name":            "loging.level: info\n",
		"an unknown nested name":     "output: {sqlite: {paht: x}}\n",
		"an unknown dotted name":     "output.sqlite.paht: x\n",
		"an unknown input":           "trailbeat.inputs: [{type: kafka}]\n",
		"an input without a type":    "trailbeat.inputs: [{paths: [a]}]\n",
		"an option of another input": "trailbeat.inputs: [{type: file, queue_url: x}]\n",
		"a word for a number":        "trailbeat.rate_limit: many\n",
		"a wrong duration":           "trailbeat.shutdown_timeout: soon\n",
		"an unknown processor":       "processors: [{drop_events: {}}]\n",
		"an unknown condition":       "processors: [{drop_event: {when: {equal: {a: b}}}}]\n",
		"a list for a group":         "output: [sqlite]\n",
	} {
		t.Run(name, func(t *testing.T) { assert.Error(t, against(t, schema, []byte(text))) })
	}
}
