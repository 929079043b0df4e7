package pipeline_test

import (
	"encoding/json"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline"
	"github.com/trailbeat/trailbeat/pipeline/geoip"
	"github.com/trailbeat/trailbeat/pipeline/useragent"
)

const record = `{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/dana",` +
	`"accountId":"111122223333","accessKeyId":"AKIAIOSFODNN7EXAMPLE","userName":"dana"},"eventTime":"2026-11-20T07:30:00Z",` +
	`"eventSource":"iam.amazonaws.com","eventName":"CreateUser","awsRegion":"us-east-1","sourceIPAddress":"203.0.113.7",` +
	`"userAgent":"aws-cli/2.15.0 Python/3.11.6 Linux/6.1.0 botocore/2.4.5","requestParameters":{"userName":"eve"},` +
	`"responseElements":null,"requestID":"r-1","eventID":"e-1","readOnly":false,"eventType":"AwsApiCall","managementEvent":true,` +
	`"recipientAccountId":"111122223333","eventCategory":"Management"}`

func process(t testing.TB, cfg pipeline.Config, raw string) (*ecs.Event, map[string]any) {
	t.Helper()
	p, err := pipeline.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	ev := new(ecs.Event)
	require.NoError(t, p.Process([]byte(raw), ev))
	var doc map[string]any
	require.NoError(t, json.Unmarshal(ev.AppendJSON(nil), &doc))
	return ev, doc
}

func TestDefaults(t *testing.T) {
	ev, _ := process(t, pipeline.Config{}, record)
	assert.Equal(t, []string{"actor_target_mapping", "forwarded", "aws-cloudtrail"}, ev.Tags)
	assert.Empty(t, ev.Event.Original, "the raw record stays only where it is asked for")
	assert.Equal(t, "{userName=eve}", ev.AWS.CloudTrail.RequestParameters)
	assert.JSONEq(t, `{"userName":"eve"}`, string(ev.AWS.CloudTrail.Flattened.RequestParameters))
	assert.Equal(t, []string{"eve"}, ev.Target.Entity.ID)
	assert.Equal(t, "aws-cli", ev.UserAgent.Name)
	assert.Equal(t, "Linux", ev.UserAgent.OS.Name)
	assert.NotEmpty(t, ev.Event.Created, "an event without a time was read now")
	assert.Empty(t, ev.Source.Geo.CountryISOCode)
}

func TestSettings(t *testing.T) {
	no := false
	ev, doc := process(t, pipeline.Config{
		Tags: []string{"mine"}, PreserveOriginalEvent: true, ActorTargetMapping: &no, Retain: "none", GeoIP: geoDatabases(t),
	}, record)
	assert.Equal(t, []string{"preserve_original_event", "mine"}, ev.Tags)
	assert.Equal(t, record, ev.Event.Original)
	assert.NotContains(t, doc, "target")
	assert.Empty(t, ev.AWS.CloudTrail.RequestParameters)
	assert.Empty(t, ev.AWS.CloudTrail.Flattened.RequestParameters)
	assert.Equal(t, "GB-WBK", ev.Source.Geo.RegionISOCode)
	assert.Equal(t, ecs.PointOf(51.75, -1.25), ev.Source.Geo.Location)
	assert.Equal(t, ecs.LongOf(64496), ev.Source.AS.Number)
	assert.Equal(t, "Example Networks", ev.Source.AS.Organization.Name)

	fast := useragent.DefaultConfig()
	fast.Parser = useragent.ParserFast
	ev, _ = process(t, pipeline.Config{UserAgent: &fast, Tags: []string{}}, record)
	assert.Equal(t, "aws-cli", ev.UserAgent.Name)
	assert.Equal(t, []string{"actor_target_mapping"}, ev.Tags)
}

func TestWrongSettings(t *testing.T) {
	agents := useragent.DefaultConfig()
	agents.Parser = "best"
	geo := geoip.DefaultConfig()
	geo.CacheSize = -1
	_, err := pipeline.New(pipeline.Config{Retain: "some", UserAgent: &agents, GeoIP: &geo})
	require.Error(t, err)
	for _, want := range []string{`retain: must be one of all, keyword`, `user_agent.parser: must be`, `geoip.cache_size: must be`} {
		assert.ErrorContains(t, err, want)
	}
}

// What is no JSON is kept, whatever the settings say.
func TestFailureKeepsTheRecord(t *testing.T) {
	ev, doc := process(t, pipeline.Config{}, `{"eventID":`)
	assert.Equal(t, "pipeline_error", ev.Event.Kind)
	assert.Equal(t, `{"eventID":`, ev.Event.Original)
	assert.Contains(t, ev.Tags, "preserve_original_event")
	assert.NotContains(t, doc, "ecs")
	assert.Empty(t, ev.Meta.ID)
	pipeline.SetObjectID(ev, "arn:aws:s3:::trail", "AWSLogs/x.json.gz", 3)
	first := ev.Meta.ID
	assert.Len(t, first, 32)
	pipeline.SetObjectID(ev, "other", "other", 4)
	assert.Equal(t, first, ev.Meta.ID, "an _id that is there stays")
}

// The _id depends on the event and on nothing else.
func TestDocumentID(t *testing.T) {
	id := func(raw string) string { ev, _ := process(t, pipeline.Config{Retain: "none"}, raw); return ev.Meta.ID }
	a := id(`{"eventID":"e","recipientAccountId":"1","awsRegion":"r"}`)
	assert.Equal(t, a, id(`{"awsRegion":"r","eventID":"e","eventName":"X","recipientAccountId":"1"}`))
	for _, other := range []string{
		`{"eventID":"f","recipientAccountId":"1","awsRegion":"r"}`,
		`{"eventID":"e","recipientAccountId":"2","awsRegion":"r"}`,
		`{"eventID":"e","recipientAccountId":"1","awsRegion":"s"}`,
		`{"eventID":"e","recipientAccountId":"1r"}`,
		`{"eventID":"e"}`,
	} {
		assert.NotEqual(t, a, id(other), other)
	}
	assert.Empty(t, id(`{"eventID":5}`))
	assert.Empty(t, id(`[]`))
	ids := map[string]bool{}
	for _, object := range [][2]string{{"b", "k"}, {"bk", ""}, {"", "bk"}} {
		for index := range int64(3) {
			var ev ecs.Event
			pipeline.SetObjectID(&ev, object[0], object[1], index)
			ids[ev.Meta.ID] = true
		}
	}
	assert.Len(t, ids, 9)
}

// An event that brings tags keeps them; those that are nothing to the mapping go.
func TestOwnTags(t *testing.T) {
	p, err := pipeline.New(pipeline.Config{})
	require.NoError(t, err)
	var ev ecs.Event
	ev.Tags = []string{"a", "none", "-", "", "b"}
	require.NoError(t, p.Process([]byte(record), &ev))
	assert.Equal(t, []string{"a", "b"}, ev.Tags)
	assert.Empty(t, ev.Target.Entity.ID)
}

func TestConcurrentUseAndNoAllocations(t *testing.T) {
	p, err := pipeline.New(pipeline.Config{PreserveOriginalEvent: true})
	require.NoError(t, err)
	var want ecs.Event
	want.Timestamp = goldenTime
	require.NoError(t, p.Process([]byte(record), &want))
	doc := string(want.AppendJSON(nil))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var ev ecs.Event
			var buf []byte
			for range 200 {
				ev.Reset()
				ev.Timestamp = goldenTime
				if p.Process([]byte(record), &ev) != nil {
					t.Error("failed")
				}
				if buf = ev.AppendJSON(buf[:0]); string(buf) != doc {
					t.Errorf("got %s", buf)
				}
			}
		})
	}
	wg.Wait()
	if raceEnabled {
		return // the pool of mappers loses entries on purpose
	}
	raw, buf := []byte(record), make([]byte, 0, 1<<16)
	var ev ecs.Event
	assert.Less(t, testing.AllocsPerRun(200, func() {
		ev.Reset()
		ev.Timestamp = goldenTime
		_ = p.Process(raw, &ev)
		buf = ev.AppendJSON(buf[:0])
	}), 0.5)
}
