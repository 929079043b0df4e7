package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/generated"
)

func repository(t *testing.T) string {
	t.Helper()
	root, err := generated.Root()
	require.NoError(t, err)
	return root
}

func TestGeneratedFilesAreFresh(t *testing.T) {
	root := repository(t)
	files, err := generate(root)
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		require.NoError(t, err)
		assert.True(t, bytes.Equal(want, got), "%s is stale: run %q in the root of the repository", name, command)
	}
}

// No generated file remains that the generator does not write any more.
func TestNoOrphans(t *testing.T) {
	root := repository(t)
	files, err := generate(root)
	require.NoError(t, err)
	for _, pattern := range []string{"ecs/zz_*", "output/elasticsearch/template/zz_*"} {
		found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		require.NoError(t, err)
		for _, path := range found {
			name, err := filepath.Rel(root, path)
			require.NoError(t, err)
			assert.Contains(t, files, filepath.ToSlash(name))
		}
	}
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	fields := "- name: '@timestamp'\n  type: date\n  description: Time.\n- name: user\n  type: group\n  description: User.\n" +
		"  fields:\n    - name: name\n      type: keyword\n      description: Name.\n"
	path := filepath.Join(dir, "fields.yml")
	require.NoError(t, os.WriteFile(path, []byte(fields), 0o600))
	sub := filepath.Join(dir, "a", "b")
	require.NoError(t, os.MkdirAll(sub, 0o700))
	t.Chdir(sub)

	var out strings.Builder
	require.ErrorContains(t, run(&out, true), `docs/fields.md is stale; run "go run ./internal/fieldsgen"`)
	require.NoError(t, run(&out, false))
	assert.Equal(t, len(generators), strings.Count(out.String(), "wrote "))
	out.Reset()
	require.NoError(t, run(&out, true))
	require.NoError(t, run(&out, false))
	assert.Empty(t, out.String(), "fresh files are left alone")

	require.NoError(t, os.WriteFile(path, []byte("- name: a\n"), 0o600))
	require.ErrorContains(t, run(&out, false), `fields.yml: a: has no description`)
	require.NoError(t, os.Remove(path))
	require.ErrorContains(t, run(&out, false), "no fields.yml here or above")
}

func TestGoName(t *testing.T) {
	for in, want := range map[string]string{
		"@timestamp": "Timestamp", "user_agent": "UserAgent", "id": "ID", "aws": "AWS", "cloudtrail": "CloudTrail", "as": "AS",
		"additional_eventdata": "AdditionalEventData", "mfa_used": "MFAUsed", "vpc_endpoint_id": "VPCEndpointID",
		"ec2_role_delivery": "EC2RoleDelivery", "country_iso_code": "CountryISOCode", "api_version": "APIVersion", "s3": "S3",
	} {
		assert.Equal(t, want, goName(in), in)
	}
}

func TestParseRefuses(t *testing.T) {
	field := func(rest string) string { return "- name: a\n  description: A.\n" + rest }
	tests := map[string]struct{ src, want string }{
		"no YAML":              {"{", "decoding"},
		"nothing":              {"", "decoding"},
		"an empty list":        {"[]", "no fields"},
		"an unknown key":       {field("  typ: keyword\n"), "field typ not found"},
		"no type":              {field(""), `a: unknown type ""`},
		"an unknown type":      {field("  type: string\n"), `a: unknown type "string"; known are group, keyword`},
		"a dotted name":        {"- name: a.b\n  type: date\n  description: A.\n", "a.b: the name must match"},
		"no description":       {"- name: a\n  type: date\n", "a: has no description"},
		"an empty group":       {field("  type: group\n"), "is a group without fields"},
		"a field with fields":  {field("  type: date\n  fields:\n    - {name: b, type: date, description: B.}\n"), "its type must be group"},
		"the wrong order":      {"- {name: b, type: date, description: B.}\n- {name: a, type: date, description: A.}\n", "a: stands after b"},
		"the same name twice":  {"- {name: a, type: date, description: B.}\n- {name: a, type: date, description: A.}\n", "a: stands after a"},
		"ignore_above on date": {field("  type: date\n  ignore_above: 5\n"), "only a keyword has ignore_above"},
		"value on keyword":     {field("  type: keyword\n  value: x\n"), "only a constant_keyword has a value"},
		"object_type":          {field("  type: keyword\n  object_type: x\n"), "only an object has an object_type"},
		"dynamic":              {field("  type: keyword\n  dynamic: true\n"), "only a list of objects can be dynamic"},
		"normalize":            {field("  type: keyword\n  normalize: [lower]\n"), "normalize knows only array"},
		"a list of booleans":   {field("  type: boolean\n  normalize: [array]\n"), "a list of type boolean is not supported"},
		"multi-field":          {field("  type: keyword\n  multi_fields: [{name: x, type: date}]\n"), `multi-field "x" has an unknown type "date"`},
		"long in a list": {field("  type: group\n  normalize: [array]\n  fields:\n    - {name: b, type: long, description: B.}\n"),
			"a.b: members of a list of objects must be strings"},
		"group in a list": {field("  type: group\n  normalize: [array]\n  fields:\n    - name: b\n      type: group\n      description: B.\n" +
			"      fields: [{name: c, type: keyword, description: C.}]\n"), "a.b: groups within a list of objects are not supported"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := parse([]byte(tt.src))
			assert.ErrorContains(t, err, tt.want)
		})
	}
}

// at gives the mapping of a field in a template.
func at(t *testing.T, tpl map[string]any, path string) map[string]any {
	t.Helper()
	m := tpl["template"].(map[string]any)["mappings"].(map[string]any)
	for name := range strings.SplitSeq(path, ".") {
		next, ok := m["properties"].(map[string]any)[name].(map[string]any)
		require.True(t, ok, path)
		m = next
	}
	return m
}

func TestTemplates(t *testing.T) {
	src, err := os.ReadFile(filepath.Join(repository(t), "fields.yml"))
	require.NoError(t, err)
	root, err := parse(src)
	require.NoError(t, err)
	engines := map[string]func([]*entry) ([]byte, error){"elasticsearch": elasticsearchTemplate, "opensearch": openSearchTemplate}
	for name, generator := range engines {
		t.Run(name, func(t *testing.T) {
			out, err := generator(root)
			require.NoError(t, err)
			var tpl map[string]any
			require.NoError(t, json.Unmarshal(out, &tpl))
			assert.Equal(t, []any{"logs-aws.cloudtrail-*"}, tpl["index_patterns"])
			assert.Equal(t, map[string]any{}, tpl["data_stream"])
			assert.Greater(t, tpl["priority"], 250.0)
			assert.Equal(t, "trailbeat", tpl["_meta"].(map[string]any)["managed_by"])

			flattened, namespace := map[string]any{"type": "flat_object"}, map[string]any{"type": "keyword", "ignore_above": 1024.0}
			if name == "elasticsearch" {
				flattened = map[string]any{"type": "flattened", "ignore_above": 8191.0, "depth_limit": 1000.0}
				namespace = map[string]any{"type": "constant_keyword"}
			}
			for path, want := range map[string]map[string]any{
				"@timestamp":            {"type": "date", "ignore_malformed": false},
				"event.created":         {"type": "date"},
				"event.original":        {"type": "keyword", "index": false, "doc_values": false},
				"event.module":          {"type": "constant_keyword", "value": "aws"},
				"data_stream.namespace": namespace,
				"source.ip":             {"type": "ip"},
				"source.geo.location":   {"type": "geo_point"},
				"source.as.number":      {"type": "long"},
				"tags":                  {"type": "keyword", "ignore_above": 1024.0},
				"user.name": {"type": "keyword", "ignore_above": 1024.0,
					"fields": map[string]any{"text": map[string]any{"type": "match_only_text"}}},
				"aws.cloudtrail.request_parameters": {"type": "keyword", "ignore_above": 8191.0,
					"fields": map[string]any{"text": map[string]any{"type": "text"}}},
				"aws.cloudtrail.resources.arn":    {"type": "keyword", "ignore_above": 1024.0},
				"aws.cloudtrail.flattened.digest": flattened,
				"aws.s3.metadata":                 flattened,
				"labels":                          {"type": "object", "dynamic": true},
			} {
				assert.Equal(t, want, at(t, tpl, path), path)
			}
		})
	}
}
