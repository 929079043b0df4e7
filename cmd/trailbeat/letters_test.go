package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/stack"
)

// TestDeadLettersInTheCluster refuses documents for their mapping, keeps them in the cluster, mends the mapping and replays.
func TestDeadLettersInTheCluster(t *testing.T) {
	for _, kind := range []string{stack.Elasticsearch, stack.OpenSearch} {
		t.Run(kind, func(t *testing.T) {
			engine := stack.Find(t, kind)
			empty := func() { engine.Purge(t, "logs-letterstest", "trailbeat-logs-letterstest", "letterstest") }
			empty()
			t.Cleanup(empty)
			t.Chdir(t.TempDir())

			var records []string
			for i := range 1200 {
				name := "Fine"
				if i%2 == 0 {
					name = "7" // what the mapping below takes for a number
				}
				records = append(records, fmt.Sprintf(`{"eventVersion":"1.08","eventID":"%08d-0000-4000-8000-000000000000","eventTime":"2024-05-06T07:08:09Z",`+
					`"eventSource":"s3.amazonaws.com","eventName":%q,"awsRegion":"eu-west-1","recipientAccountId":"111122223333"}`, i, name))
			}
			require.NoError(t, os.WriteFile("trail.json", []byte(`{"Records":[`+strings.Join(records, ",")+`]}`), 0o600))
			require.NoError(t, os.WriteFile("trailbeat.yml", []byte(`
trailbeat.inputs:
  - type: file
    paths: [trail.json]
data_stream.dataset: letterstest
output.elasticsearch:
  hosts: [`+engine.URL+`]
setup.template:
  enabled: false
  settings.number_of_replicas: 0
dead_letter:
  output: data_stream
  data_stream: logs-letterstest.deadletter-default
`), 0o600))
			mapping := func(kind string) {
				engine.Must(t, "PUT", "/_index_template/letterstest", `{"index_patterns":["logs-letterstest-*"],"priority":900,"data_stream":{},
					"template":{"settings":{"number_of_replicas":0},"mappings":{"dynamic":false,"properties":{"event":{"properties":{"action":{"type":"`+kind+`"}}}}}}}`)
			}
			run := func(args ...string) string {
				t.Helper()
				code, stdout, stderr := trailbeat(t, args...)
				require.Zero(t, code, stderr)
				return stdout
			}
			mapping("long")
			// The template of documents is another's, that of dead letters ours.
			run("setup", "--dry-run", "-E", "setup.template.enabled=true")
			out := run("run", "--once", "-E", "setup.template.enabled=true", "-E", "setup.template.priority=800")
			assert.Contains(t, out, "received 1200 = 600 indexed + 0 duplicate + 0 filtered + 600 dead_lettered + 0 returned")
			letters := engine.Documents(t, "logs-letterstest.deadletter-default")
			require.Len(t, letters, 600)
			assert.Contains(t, string(letters[0].Source), `"dead_letter"`)

			out = run("replay", "--dry-run")
			assert.Contains(t, out, "600 dead letters in data stream logs-letterstest.deadletter-default\n")
			out = run("replay")
			assert.Contains(t, out, "received 600 = 0 indexed + 0 duplicate + 0 filtered + 600 dead_lettered + 0 returned", "the cause stands")
			assert.Len(t, engine.Documents(t, "logs-letterstest.deadletter-default"), 600, "none is lost, none twice")

			mapping("keyword")
			engine.Must(t, "POST", "/logs-letterstest-default/_rollover", "")
			out = run("replay")
			assert.Contains(t, out, "received 600 = 600 indexed + 0 duplicate + 0 filtered + 0 dead_lettered + 0 returned")
			assert.Empty(t, engine.Documents(t, "logs-letterstest.deadletter-default"))
			documents := engine.Documents(t, "logs-letterstest-default")
			ids := map[string]bool{}
			for _, d := range documents {
				ids[d.ID] = true
			}
			assert.Len(t, documents, 1200)
			assert.Len(t, ids, 1200)
			assert.Contains(t, run("replay", "--dry-run"), "0 dead letters in data stream")
		})
	}
}

func TestDeadLettersInTheClusterNeedOne(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("trailbeat.yml", []byte("trailbeat.inputs: [{type: file, paths: ['x.json']}]\noutput.console: {}\ndead_letter.output: data_stream\n"), 0o600))
	code, _, stderr := trailbeat(t, "run", "--once")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "dead_letter.output: data_stream needs output.elasticsearch")
}
