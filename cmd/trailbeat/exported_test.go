package main

import (
	"bufio"
	"database/sql"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/internal/needs"
	"github.com/trailbeat/trailbeat/pipeline/processor"
)

// exportedField is a line of testdata/exported-fields.txt.
type exportedField struct{ name, kind, by string }

// parent is the field of which a multi-field is a further form; of others it is the field itself.
func (f exportedField) parent() string {
	if _, ok := ecs.Lookup(f.name); ok {
		return f.name
	}
	return strings.TrimSuffix(f.name, ".text")
}

func exportedFields(t *testing.T) (list []exportedField) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "exported-fields.txt"))
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 0 && words[0] != "#" {
			require.Len(t, words, 3, line)
			list = append(list, exportedField{words[0], words[1], words[2]})
		}
	}
	require.GreaterOrEqual(t, len(list), 132)
	return list
}

// Every field that Elastic's integration exports is declared with its type, known to the templates of both engines, the page of the fields
// and the rules of processors, can be set, and is filled by what testdata/exported-fields.txt says, which runs here.
func TestExportedFields(t *testing.T) {
	fields := exportedFields(t)
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "fields.md"))
	require.NoError(t, err)
	templates := map[string]map[string]any{}
	for _, engine := range []string{"elasticsearch", "opensearch"} {
		code, stdout, stderr := trailbeat(t, "export", "template", "--engine", engine)
		require.Zero(t, code, stderr)
		var body map[string]any
		require.NoError(t, json.Unmarshal([]byte(stdout), &body))
		templates[engine] = body["template"].(map[string]any)["mappings"].(map[string]any)
	}
	golden := goldenFields(t)
	filled := map[string]map[string]bool{"record": golden, "geoip": golden, "user_agent": golden, "add_cloud_metadata": fieldsOfCloud(t)}
	shipped := fieldsOfRun(t, fields)
	for _, by := range []string{"bucket", "shipper", "add_fields", "add_host_metadata"} {
		filled[by] = shipped
	}
	for _, f := range fields {
		t.Run(f.name, func(t *testing.T) {
			declared, ok := ecs.Lookup(f.parent())
			require.True(t, ok, "it is in fields.yml")
			if f.parent() == f.name {
				assert.Equal(t, f.kind, declared.Type)
			} else {
				assert.Contains(t, declared.MultiFields, ecs.MultiField{Name: "text", Type: f.kind})
			}
			assert.True(t, strings.Contains(string(page), "\n| "+f.parent()+" |"), "docs/fields.md has it")
			for engine, mappings := range templates {
				assert.Equal(t, typeIn(engine, f.kind, declared), typeOf(mappings, f), engine)
			}
			settable(t, declared)
			if filled[f.by] == nil {
				t.Fatalf("nothing fills it: %q is unknown", f.by)
			}
			if !filled[f.by][f.parent()] {
				if why := notOfThisMachine(f.parent()); f.by == "add_host_metadata" && why != "" {
					t.Skipf("needs a machine that tells %s: %s", f.parent(), why)
				}
				t.Errorf("it is not filled by %s", f.by)
			}
		})
	}
}

// typeIn is what a type is called in the template of an engine.
func typeIn(engine, kind string, declared ecs.Field) string {
	switch {
	case engine == "opensearch" && kind == "flattened":
		return "flat_object"
	case engine == "opensearch" && kind == "constant_keyword" && declared.Value == "":
		return "keyword" // OpenSearch wants to know the constant
	}
	return kind
}

// typeOf finds the type of a field in the mappings of a template.
func typeOf(mappings map[string]any, f exportedField) string {
	node := mappings
	for part := range strings.SplitSeq(f.parent(), ".") {
		properties, _ := node["properties"].(map[string]any)
		if node, _ = properties[part].(map[string]any); node == nil {
			return "nothing"
		}
	}
	if f.parent() != f.name {
		multi, _ := node["fields"].(map[string]any)
		if node, _ = multi["text"].(map[string]any); node == nil {
			return "nothing"
		}
	}
	if kind, ok := node["type"].(string); ok {
		return kind
	}
	return "object"
}

// settable puts a value of the field's type into a document, takes it out, and finds it in what is written.
func settable(t *testing.T, f ecs.Field) {
	t.Helper()
	value, ok := map[string]any{
		"date": "2026-11-20T08:00:00.000Z", "ip": "203.0.113.1", "boolean": true, "long": int64(7),
		"geo_point": map[string]any{"lat": 1.5, "lon": 2.5}, "flattened": map[string]any{"a": "b"}, "object": map[string]any{"a": "b"},
	}[f.Type]
	if !ok {
		if value = "x"; f.Value != "" {
			value = f.Value
		}
	}
	var ev ecs.Event
	path := f.Name
	if f.InList { // a list is put as a whole
		at := strings.LastIndexByte(path, '.')
		path, value = path[:at], []any{map[string]any{path[at+1:]: value}}
	}
	if !assert.NoError(t, ev.Put(path, value)) {
		return
	}
	_, has := ev.Get(f.Name)
	assert.True(t, has)
	text := ev.AppendJSON(nil)
	assert.NoError(t, ecs.CheckDocument(text))
	var doc map[string]any
	require.NoError(t, json.Unmarshal(text, &doc))
	paths := map[string]bool{}
	addPaths(paths, "", doc)
	assert.True(t, paths[f.Name], "%s", text)
}

// addPaths notes the dotted names of all that has a value.
func addPaths(to map[string]bool, path string, v any) {
	switch v := v.(type) {
	case nil:
		return
	case map[string]any:
		for name, member := range v {
			addPaths(to, strings.TrimPrefix(path+"."+name, "."), member)
		}
		if len(v) == 0 {
			return
		}
	case []any:
		for _, member := range v {
			addPaths(to, path, member)
		}
		if len(v) == 0 {
			return
		}
	case string:
		if v == "" {
			return
		}
	}
	to[path] = true
}

// goldenFields are the fields that the cases of testdata/cloudtrail show; TestGolden of package pipeline sees to it that the mapping fills them.
func goldenFields(t *testing.T) map[string]bool {
	t.Helper()
	list, err := filepath.Glob(filepath.Join("..", "..", "testdata", "cloudtrail", "*", "expected.json"))
	require.NoError(t, err)
	require.NotEmpty(t, list)
	all := map[string]bool{}
	for _, name := range list {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		var doc map[string]any
		require.NoError(t, json.Unmarshal(text, &doc), name)
		addPaths(all, "", doc)
	}
	return all
}

// fieldsOfCloud runs add_cloud_metadata beside the metadata service of an instance.
func fieldsOfCloud(t *testing.T) map[string]bool {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/latest/api/token":
			fmt.Fprint(w, "token")
		case "/latest/meta-data/tags/instance/Name":
			fmt.Fprint(w, "collector")
		default:
			fmt.Fprint(w, `{"accountId":"111122223333","region":"eu-west-1","availabilityZone":"eu-west-1b","instanceId":"i-1","instanceType":"t3.small","imageId":"ami-1"}`)
		}
	}))
	defer server.Close()
	o := processor.DefaultAddCloudMetadata()
	list, err := processor.Build([]processor.Spec{{Options: &o}}, processor.Env{MetadataURL: server.URL})
	require.NoError(t, err)
	var ev ecs.Event
	require.NoError(t, processor.Join(list).Run(&ev))
	var doc map[string]any
	require.NoError(t, json.Unmarshal(ev.AppendJSON(nil), &doc))
	all := map[string]bool{}
	addPaths(all, "", doc)
	return all
}

// fieldsOfRun ships a log file from a bucket, with the processors that fill the rest. The processors' rules name every field, which
// the configuration takes without a warning.
func fieldsOfRun(t *testing.T, fields []exportedField) map[string]bool {
	t.Helper()
	back, err := os.Getwd()
	require.NoError(t, err)
	f := newFakeAWS(t)
	f.putLog(t, "listed", logKey("us-east-1", "aaaa"), recordsOf(0, 3)...)
	config := strings.Replace(laterTrail, "\noutput.sqlite", "\n    include_s3_metadata: [last-modified]\nprocessors:\n  - add_host_metadata: {}\noutput.sqlite", 1)
	var more strings.Builder
	for _, field := range fields {
		if field.by == "add_fields" {
			value := "x"
			if field.kind == "object" {
				value = "{team: x}"
			}
			fmt.Fprintf(&more, "  - add_fields: {target: '', fields: {%q: %s}}\n", field.name, value)
		}
	}
	for _, field := range fields {
		fmt.Fprintf(&more, "  - drop_event.when.and: [has_fields: [%q], equals.event.action: none]\n", field.parent())
	}
	f.inAWS(t, strings.Replace(config, "\noutput.sqlite", "\n"+more.String()+"output.sqlite", 1))
	defer t.Chdir(back)
	code, _, stderr := trailbeat(t, "test", "config")
	require.Zero(t, code, stderr)
	assert.Empty(t, stderr, "no field is unknown")
	code, stdout, stderr := trailbeat(t, "run", "--once")
	require.Zero(t, code, stderr)
	require.Regexp(t, `^received 3 = 3 indexed`, stdout)
	db, err := sql.Open("sqlite", filepath.Join("data", "trailbeat.db"))
	require.NoError(t, err)
	defer db.Close()
	var text string
	require.NoError(t, db.QueryRow(`SELECT document FROM documents LIMIT 1`).Scan(&text))
	var doc map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &doc))
	all := map[string]bool{}
	addPaths(all, "", doc)
	return all
}

// notOfThisMachine says what is missing for add_host_metadata to know something here; empty where it knows it.
func notOfThisMachine(field string) string {
	exists := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { _, err := os.Stat(name); return err == nil })
	}
	release, _ := os.ReadFile("/etc/os-release")
	switch {
	case field == "host.id" && !exists("/etc/machine-id", "/var/lib/dbus/machine-id"):
		return "apt-get install systemd, or write 32 hexadecimal digits to /etc/machine-id"
	case strings.HasPrefix(field, "host.os.") && len(release) == 0:
		return "apt-get install base-files, which has /etc/os-release"
	case field == "host.os.codename" && !strings.Contains(string(release), "CODENAME"):
		return "VERSION_CODENAME is missing in /etc/os-release, run it on a system that has it, such as Debian"
	case field == "host.os.version" && !strings.Contains(string(release), "VERSION"):
		return "VERSION is missing in /etc/os-release, run it on a system that has it, such as Debian"
	case field == "host.ip" || field == "host.mac":
		if list, err := net.Interfaces(); err != nil || !slices.ContainsFunc(list, func(i net.Interface) bool { return len(i.HardwareAddr) > 0 }) {
			return "there is no network interface with an address, such as a container gets without --network none"
		}
	}
	return ""
}

// The table is that of the integration's own page, where it is at hand.
func TestExportedFieldsAreThose(t *testing.T) {
	file, err := os.Open(needs.SharedFiles(t, "seeds/002*.txt")[0])
	require.NoError(t, err)
	defer file.Close()
	want := map[string]string{}
	lines, table := bufio.NewScanner(file), false
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		switch {
		case len(words) == 0:
		case strings.HasPrefix(lines.Text(), "Field Description Type"):
			table = true
		case strings.HasPrefix(lines.Text(), "An example event"):
			table = false
		case table:
			want[words[0]] = words[len(words)-1]
		}
	}
	require.NoError(t, lines.Err())
	got := map[string]string{}
	for _, f := range exportedFields(t) {
		got[f.name] = f.kind
	}
	assert.Equal(t, want, got)
}
