package ecs

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRef(t *testing.T) {
	var e Event
	e.Event.Action, e.Tags, e.AWS.CloudTrail.ReadOnly, e.Log.Offset = "A", []string{"t"}, False, LongOf(0)
	e.AWS.CloudTrail.Flattened.RequestParameters = RawJSON(`{"a":{"b":1,"c":[]},"d.e":"x"}`)
	e.AWS.CloudTrail.Resources = []AWSCloudTrailResources{{ARN: "arn:1"}, {ARN: "arn:2"}}
	require.NoError(t, e.Put("labels.n", 1.5))
	require.NoError(t, e.Put("labels.list", []any{"x", "y"}))
	require.NoError(t, e.Put("labels.mixed", []any{"x", 1}))
	e.PutRaw("event.provider", RawJSON(`7`))
	for path, want := range map[string]Value{
		"event.action":              {Kind: TextValue, Text: "A"},
		"event.kind":                {},
		"event.provider":            {Kind: LongValue, Long: 7},
		"tags":                      {Kind: ListValue, List: []string{"t"}},
		"aws.cloudtrail.read_only":  {Kind: BoolValue},
		"log.offset":                {Kind: LongValue},
		"labels.n":                  {Kind: OtherValue, Any: 1.5},
		"labels.list":               {Kind: ListValue, List: []string{"x", "y"}},
		"labels.mixed":              {Kind: OtherValue, Any: []any{"x", int64(1)}},
		"labels.none":               {},
		"nowhere":                   {},
		"log":                       {Kind: OtherValue, Any: RawJSON(`{"offset":0}`)},
		"aws.cloudtrail.user_agent": {},
		"aws.cloudtrail.flattened.request_parameters.a.b": {Kind: LongValue, Long: 1},
		"aws.cloudtrail.resources.arn":                    {Kind: ListValue, List: []string{"arn:1", "arn:2"}},
	} {
		r := RefOf(path)
		assert.Equal(t, path, r.Path())
		assert.Equal(t, want, r.Of(&e), path)
		assert.Equal(t, want.Kind != Absent, r.Has(&e), path)
	}
	assert.ElementsMatch(t, []string{"event.action", "tags", "aws.cloudtrail.read_only", "log.offset", "aws.cloudtrail.flattened.request_parameters",
		"aws.cloudtrail.resources", "labels.n", "labels.list", "labels.mixed", "event.provider"}, e.AppendPaths(nil, false))
	assert.ElementsMatch(t, []string{"event.action", "tags", "aws.cloudtrail.read_only", "log.offset", "aws.cloudtrail.flattened.request_parameters.a.b",
		"aws.cloudtrail.flattened.request_parameters.a.c", "aws.cloudtrail.flattened.request_parameters.d.e",
		"aws.cloudtrail.resources", "labels.n", "labels.list", "labels.mixed", "event.provider"}, e.AppendPaths(nil, true))

	e.Reset()
	e.Event.Action = "A"
	action, region := RefOf("event.action"), RefOf("cloud.region")
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if action.Of(&e).Text != "A" || region.Has(&e) {
			t.Fail()
		}
	}))
}
