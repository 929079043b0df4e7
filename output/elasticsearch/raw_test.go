package elasticsearch

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/internal/stack"
	"github.com/trailbeat/trailbeat/output"
)

const record = `{"eventVersion":"1.08","eventTime":"2024-05-06T07:08:09Z","eventName":"GetObject", "note":"caf\u00e9 é \"quoted\""}`

// mappedEvent is an event as it leaves the mapping.
func mappedEvent(raw string) *ecs.Event {
	ev := &ecs.Event{}
	ev.Meta.ID, ev.Meta.Raw, ev.Meta.Dated = "0123456789abcdef", []byte(raw), true
	ev.Timestamp, ev.Event.Created = "2024-05-06T07:08:09.000Z", "2024-05-06T07:15:00.123456789Z"
	ev.Event.Action, ev.Event.Ingested, ev.Event.Outcome = "GetObject", "2024-05-06T07:15:01Z", "success"
	ev.Event.Original = raw
	ev.Event.Module, ev.Event.Dataset = "aws", "aws.cloudtrail"
	ev.Tags = []string{"preserve_original_event", "actor_target_mapping", "forwarded", "aws-cloudtrail"}
	ev.DataStream.Type, ev.DataStream.Dataset, ev.DataStream.Namespace = "logs", "aws.cloudtrail", "default"
	ev.Agent.Type, ev.Agent.ID = "trailbeat", "a1"
	ev.Input.Type = "aws-s3"
	ev.Log.File.Path, ev.Log.Offset = "https://b.s3.eu-west-1.amazonaws.com/k", ecs.Long{Value: 7, Set: true}
	ev.AWS.S3.Bucket.Name, ev.AWS.S3.Bucket.ARN, ev.AWS.S3.Object.Key = "b", "arn:aws:s3:::b", "k"
	ev.AWS.CloudTrail.EventCategory = "Data"
	ev.Cloud.Provider, ev.Cloud.Region, ev.Cloud.Account.ID = "aws", "eu-west-1", "111122223333"
	ev.User.Name, ev.Source.IP = "alice", "198.51.100.1"
	ev.ECS.Version = "8.11.0"
	return ev
}

// asAgent is what an Elastic Agent sends for it.
func asAgent(raw string) string {
	message, _ := json.Marshal(raw)
	return `{"@timestamp":"2024-05-06T07:15:00.123456789Z","message":` + string(message) + `,
		"tags":["preserve_original_event","actor_target_mapping","forwarded","aws-cloudtrail"],
		"agent":{"id":"a1","type":"trailbeat"},
		"data_stream":{"type":"logs","dataset":"aws.cloudtrail","namespace":"default"},
		"event":{"module":"aws","dataset":"aws.cloudtrail"},
		"input":{"type":"aws-s3"},
		"log":{"offset":7,"file":{"path":"https://b.s3.eu-west-1.amazonaws.com/k"}},
		"aws":{"s3":{"bucket":{"name":"b","arn":"arn:aws:s3:::b"},"object":{"key":"k"}}},
		"cloud":{"provider":"aws","region":"eu-west-1"}}`
}

func asRaw(c *Config) { c.Raw = true }

func TestRawDocuments(t *testing.T) {
	fake := newFake(t)
	out := open(t, fake.URL, asRaw, func(c *Config) { c.Pipeline = "my-pipeline" })
	defer out.Close()
	noJSON, fromFile, preserved, none := mappedEvent("no JSON at all"), mappedEvent(record), mappedEvent(record), mappedEvent("")
	noJSON.Meta.ID, fromFile.Meta.ID, preserved.Meta.ID, none.Meta.ID = "no-json", "file", "preserved", "none"
	noJSON.Timestamp, noJSON.Event.Created = noJSON.Event.Created, ""
	fromFile.AWS.S3, preserved.Meta.Raw, none.Meta.Raw, none.Event.Original = ecs.AWSS3{}, nil, nil, ""

	res, err := out.Write(t.Context(), []*ecs.Event{mappedEvent(record), noJSON, fromFile, preserved, none})
	var failed *output.BatchError
	require.ErrorAs(t, err, &failed)
	require.Len(t, failed.Failures, 1)
	assert.Equal(t, 4, failed.Failures[0].Index)
	assert.Equal(t, "no_raw_record", failed.Failures[0].Type)
	assert.True(t, failed.Failures[0].Permanent)
	assert.Equal(t, output.Result{Stored: 4}, res)
	assert.Equal(t, "my-pipeline", fake.seen()[0].URL.Query().Get("pipeline"))

	assert.JSONEq(t, asAgent(record), fake.stored["0123456789abcdef"], "the _id is that of the event")
	assert.JSONEq(t, asAgent(record), fake.stored["preserved"])
	assert.JSONEq(t, asAgent("no JSON at all"), fake.stored["no-json"])
	var file map[string]any
	require.NoError(t, json.Unmarshal([]byte(fake.stored["file"]), &file))
	assert.NotContains(t, file, "cloud", "a file has no region")
	assert.NotContains(t, file, "aws")
}

// integration is a template like those of Elastic's integration, with a pipeline of the data stream. The archive of
// Elasticsearch for tests has no processors, so there the records stay as they are.
func integration(t *testing.T, engine stack.Engine, isOpenSearch bool) {
	t.Helper()
	pipeline := `"number_of_replicas":0`
	if isOpenSearch {
		engine.Must(t, "PUT", "/_ingest/pipeline/logs-aws.cloudtrail-test", `{"processors":[
			{"rename":{"field":"message","target_field":"event.original"}},
			{"set":{"field":"event.created","value":"{{{@timestamp}}}"}},
			{"json":{"field":"event.original","target_field":"json"}},
			{"set":{"field":"event.action","value":"{{{json.eventName}}}"}},
			{"date":{"field":"json.eventTime","formats":["ISO8601"]}},
			{"remove":{"field":"json"}}]}`)
		pipeline += `,"default_pipeline":"logs-aws.cloudtrail-test"`
	}
	engine.Must(t, "PUT", "/_index_template/test-raw-integration",
		`{"index_patterns":["logs-aws.cloudtrail-*"],"priority":200,"data_stream":{},"template":{"settings":{`+pipeline+`}}}`)
}

func TestRawRecordsAreMappedInTheCluster(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine stack.Engine) {
		out := open(t, engine.URL, asRaw)
		defer out.Close()
		server, err := out.Server(t.Context())
		require.NoError(t, err)
		isOpenSearch := server.Flavour == OpenSearch

		err = out.Prepare(t.Context(), oneNode())
		require.True(t, output.IsFatal(err), "nothing maps the records: %v", err)
		integration(t, engine, isOpenSearch)
		defer engine.Must(t, "DELETE", "/_index_template/test-raw-integration", "")
		defer engine.Purge(t, "logs-aws.cloudtrail")
		if isOpenSearch {
			defer engine.Must(t, "DELETE", "/_ingest/pipeline/logs-aws.cloudtrail-test", "")
		}
		require.NoError(t, out.Prepare(t.Context(), oneNode()))

		for i, want := range []output.Result{{Stored: 1}, {Duplicate: 1}, {Duplicate: 1}} {
			res, err := out.Write(t.Context(), []*ecs.Event{mappedEvent(record)})
			require.NoError(t, err)
			assert.Equal(t, want, res)
			if i == 1 {
				rollOver(t, engine)
			}
		}
		docs := engine.Documents(t, streamName)
		require.Len(t, docs, 1)
		assert.Equal(t, "0123456789abcdef", docs[0].ID)
		if !isOpenSearch {
			assert.JSONEq(t, asAgent(record), string(docs[0].Source))
			return
		}
		var got struct {
			Timestamp string `json:"@timestamp"`
			Message   string `json:"message"`
			Event     struct{ Original, Action, Created string }
			User      any
		}
		require.NoError(t, json.Unmarshal(docs[0].Source, &got))
		assert.Equal(t, record, got.Event.Original)
		assert.Equal(t, "GetObject", got.Event.Action)
		assert.Equal(t, "2024-05-06T07:08:09.000Z", got.Timestamp)
		assert.Equal(t, "2024-05-06T07:15:00.123456789Z", got.Event.Created)
		assert.Empty(t, got.Message)
		assert.Nil(t, got.User, "nothing of our own mapping")
	})
}

func TestRawDoesNotGoToOurTemplate(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine stack.Engine) {
		setup(t, engine, oneNode())
		out := open(t, engine.URL, asRaw)
		defer out.Close()
		err := out.Prepare(t.Context(), oneNode())
		require.True(t, output.IsFatal(err), "%v", err)
		require.ErrorContains(t, err, "output.elasticsearch.pipeline")

		report, err := out.Setup(t.Context(), oneNode(), SetupOptions{})
		require.NoError(t, err)
		assert.Equal(t, SetupNothing, report.Action)
		assert.Contains(t, report.Notes[0], "raw is on")

		named := open(t, engine.URL, asRaw, func(c *Config) { c.Pipeline = "logs-aws.cloudtrail-8.9.0" })
		defer named.Close()
		require.NoError(t, named.Prepare(t.Context(), oneNode()))
	})
}
