package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/trailbeat/trailbeat/internal/needs"
	"github.com/trailbeat/trailbeat/internal/stack"
)

// repository is the root of the source tree, seen from this package.
const repository = "../.."

// docStream is a data stream of a test's own in a real engine, under the template that the binary installed.
type docStream struct {
	stack.Engine
	kind, namespace, name string
}

// newDocStream installs the template with the binary and removes the data stream when the test is over. The template
// stays: it is the same for all tests.
func newDocStream(t testing.TB, kind, purpose string) docStream {
	t.Helper()
	s := docStream{Engine: stack.Find(t, kind), kind: kind, namespace: fmt.Sprintf("%s%d", purpose, os.Getpid())}
	s.name = "logs-aws.cloudtrail-" + s.namespace
	out, err := exec.Command(binary, "setup", "-c", config(t, t.TempDir(), t.TempDir(), s.output())).CombinedOutput()
	require.NoError(t, err, "%s", out)
	remove := func() { s.Do(t, http.MethodDelete, "/_data_stream/"+s.name, "") }
	remove()
	t.Cleanup(remove)
	return s
}

// output is the part of a configuration that writes to the stream.
func (s docStream) output() string {
	return fmt.Sprintf("output.elasticsearch:\n  hosts: [%q]\ndata_stream.namespace: %s", s.URL, s.namespace)
}

// storedDoc is a document as the engine gives it back.
type storedDoc struct {
	ID      string          `json:"_id"`
	Source  json.RawMessage `json:"_source"`
	Ignored []string        `json:"_ignored"`
}

// all gives every document of the stream, by _id.
func (s docStream) all(t testing.TB) map[string]storedDoc {
	t.Helper()
	docs := map[string]storedDoc{}
	for _, d := range s.search(t, `{"size":10000}`).Hits.Hits {
		docs[d.ID] = d
	}
	require.Less(t, len(docs), 10000, "more than one search can give")
	return docs
}

// searchAnswer is what these tests look at in the answer to a search.
type searchAnswer struct {
	Hits struct {
		Hits []storedDoc `json:"hits"`
	} `json:"hits"`
	Aggregations map[string]json.RawMessage `json:"aggregations"`
}

func (s docStream) search(t testing.TB, body string) searchAnswer {
	t.Helper()
	s.Must(t, http.MethodPost, "/"+s.name+"/_refresh", "")
	var answer searchAnswer
	require.NoError(t, json.Unmarshal(s.Must(t, http.MethodPost, "/"+s.name+"/_search", body), &answer))
	return answer
}

// namedDoc is a document that a case expects.
type namedDoc struct {
	name string
	json []byte
}

// create sends documents as they stand, and gives the reasons of those that the engine refuses.
func (s docStream) create(t testing.TB, docs []namedDoc) (refused []string) {
	t.Helper()
	const most = 200
	for ; len(docs) > 0; docs = docs[min(most, len(docs)):] {
		part := docs[:min(most, len(docs))]
		var body bytes.Buffer
		for i, d := range part {
			fmt.Fprintf(&body, "{\"create\":{\"_id\":%q}}\n", d.name)
			require.NoError(t, json.Compact(&body, part[i].json), d.name)
			body.WriteByte('\n')
		}
		var answer struct {
			Items []struct {
				Create struct {
					Status int
					Error  json.RawMessage
				}
			}
		}
		require.NoError(t, json.Unmarshal(s.Must(t, http.MethodPost, "/"+s.name+"/_bulk", body.String()), &answer))
		require.Len(t, answer.Items, len(part))
		for i, item := range answer.Items {
			if item.Create.Status != http.StatusCreated {
				refused = append(refused, fmt.Sprintf("%s: status %d: %s", part[i].name, item.Create.Status, item.Create.Error))
			}
		}
	}
	return refused
}

// goldens are the expected documents of the cases in the repository, without those that no index takes, which the second
// list has.
func goldens(t testing.TB) (taken, refused []namedDoc) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(repository, "testdata", "cloudtrail", "*", "expected.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		doc := namedDoc{"golden " + filepath.Base(filepath.Dir(file)), data}
		var conf struct {
			Refused bool `yaml:"refused"`
		}
		if text, err := os.ReadFile(filepath.Join(filepath.Dir(file), "case.yml")); err == nil {
			require.NoError(t, yaml.Unmarshal(text, &conf))
		}
		if conf.Refused {
			refused = append(refused, doc)
		} else {
			taken = append(taken, doc)
		}
	}
	return taken, refused
}

// parityDocs are the expected documents of the reference.
func parityDocs(t testing.TB) []namedDoc {
	t.Helper()
	data, err := os.ReadFile(needs.Shared(t, "parity", "expected.ndjson"))
	require.NoError(t, err)
	var docs []namedDoc
	for i, line := range lines(t, data) {
		docs = append(docs, namedDoc{fmt.Sprintf("parity line %d", i+1), line})
	}
	require.NotEmpty(t, docs)
	return docs
}

// compactCases writes the records of the cases in the repository as one file, a record a line, without those whose document
// no index takes.
func compactCases(t testing.TB) string {
	t.Helper()
	taken, _ := goldens(t)
	var text bytes.Buffer
	for _, doc := range taken {
		raw, err := os.ReadFile(filepath.Join(repository, "testdata", "cloudtrail", strings.TrimPrefix(doc.name, "golden "), "input.json"))
		require.NoError(t, err)
		if json.Valid(raw) { // a broken record is one of the cases
			require.NoError(t, json.Compact(&text, raw))
			text.WriteByte('\n')
		}
	}
	path := filepath.Join(t.TempDir(), "cases.ndjson")
	require.NoError(t, os.WriteFile(path, text.Bytes(), 0o644))
	return path
}

// ship runs the binary once over files or folders, into the stream.
func (s docStream) ship(t testing.TB, paths ...string) account {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trailbeat.yml")
	quoted, err := json.Marshal(paths)
	require.NoError(t, err)
	text := fmt.Sprintf("path.data: %q\ntrailbeat.inputs:\n  - type: file\n    id: documents\n    paths: %s\n    preserve_original_event: true\n%s\n",
		t.TempDir(), quoted, s.output())
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return run(t, "run", "--once", "-c", path)
}
