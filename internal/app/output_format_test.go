package app

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What scripts read is one object, also where a command fails, and its members keep their names.
func TestOutputForPrograms(t *testing.T) {
	good := configOf("records: ['"+listBuckets+"', 'not JSON']", "")
	refusing := configOf("records: ['"+listBuckets+"']", "fail: document")
	for _, c := range []struct {
		name, config string
		args         []string
		code         int
		want         map[string]any
		keys         []string
	}{
		{"version", "", []string{"version", "-o", "json"}, 0, map[string]any{"version": version}, []string{"version", "go", "os", "arch", "commit"}},
		{"a run", good, []string{"run", "--once", "--output", "json"}, 0, map[string]any{
			"ok": true, "output": "fake", "processors": []any{},
			"flow": map[string]any{
				"received": 2.0, "indexed": 2.0, "duplicate": 0.0, "filtered": 0.0, "dead_lettered": 0.0, "in_flight": 0.0, "returned": 0.0, "read_errors": 0.0,
			},
		}, []string{"ok", "flow", "inputs", "processors", "output", "dead_letters"}},
		{"a run without its name", good, []string{"--once", "-o", "json"}, 0, map[string]any{"ok": true}, nil},
		{"a run that fails", configOf("records: ['"+listBuckets+"']", "fail: fatal"), []string{"run", "--once", "-o", "json"}, 1, map[string]any{"ok": false}, []string{
			"ok", "error", "flow", "inputs", "processors", "output", "dead_letters",
		}},
		{"a run that cannot read", configOf("records: ['"+listBuckets+"']\n    fail: read", ""), []string{"run", "--once", "-o", "json"}, 1, map[string]any{
			"ok": false, "error": "1 error while reading, see the log above; what was read before each of them is delivered",
		}, nil},
		{"a good configuration", good, []string{"test", "config", "-o", "json"}, 0, map[string]any{
			"ok": true, "inputs": []any{"a"}, "output": "fake", "errors": []any{}, "warnings": []any{}, "files": []any{"trailbeat.yml"},
		}, []string{"ok", "files", "inputs", "output", "errors", "warnings"}},
		{"a bad configuration", "nonsense: 1\n" + good, []string{"test", "config", "-o", "json"}, 2, map[string]any{"ok": false}, nil},
		{"no input", "output.fake: {}\n", []string{"test", "config", "-o", "json"}, 2, map[string]any{"ok": false, "output": "fake"}, nil},
		{"inputs", good, []string{"test", "input", "-o", "json"}, 0, map[string]any{"ok": true, "inputs": []any{map[string]any{
			"id": "a", "type": "fake", "ok": true, "steps": []any{map[string]any{"name": "open", "state": "ok"}},
		}}}, []string{"ok", "inputs"}},
		{"an output", good, []string{"test", "output", "-o", "json"}, 0, map[string]any{"ok": true, "output": "fake", "steps": []any{
			map[string]any{"name": "talk to the server", "state": "ok", "detail": "it talks"},
		}}, []string{"ok", "output", "steps"}},
		{"a bad output", refusing, []string{"test", "output", "-o", "json"}, 1, map[string]any{"ok": false}, nil},
		{"no state", good, []string{"state", "list", "-o", "json"}, 0, map[string]any{"inputs": []any{}}, []string{"inputs"}},
		{"no letters", good, []string{"replay", "--dry-run", "-o", "json"}, 0, map[string]any{"total": 0.0, "reasons": []any{}}, []string{"place", "total", "faulty", "reasons"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := runApp(t, &world{}, c.config, c.args...)
			assert.Equal(t, c.code, code, stderr)
			var got map[string]any
			require.NoError(t, json.Unmarshal([]byte(stdout), &got), "%s\n%s", stdout, stderr)
			for name, want := range c.want {
				assert.Equal(t, want, got[name], name)
			}
			if c.keys != nil {
				var keys []string
				for key := range got {
					keys = append(keys, key)
				}
				assert.ElementsMatch(t, c.keys, keys)
			}
			if c.code == 0 {
				assert.NotContains(t, stderr, "there are no checkpoints")
			} else {
				assert.NotEmpty(t, stderr, "people are told, too")
			}
		})
	}
	_, stdout, _ := runApp(t, &world{}, "nonsense: 1\n"+good, "test", "config", "-o", "json")
	var report configReport
	require.NoError(t, json.Unmarshal([]byte(stdout), &report))
	require.Len(t, report.Errors, 1)
	assert.Equal(t, []any{"trailbeat.yml", 1, 1, "nonsense"}, []any{report.Errors[0].File, report.Errors[0].Line, report.Errors[0].Column, report.Errors[0].Option})

	code, _, stderr := runApp(t, &world{}, refusing, "run", "--once", "-o", "json")
	require.Zero(t, code, stderr)
	code, stdout, stderr = runApp(t, &world{}, refusing, "run", "--once", "-o", "xml")
	assert.Equal(t, 2, code, stdout)
	assert.Contains(t, stderr, "must be text or json")
}
