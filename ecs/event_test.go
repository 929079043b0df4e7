package ecs

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sample gives a value that Put takes for a field, and what the document then holds.
func sample(f Field) (put, want any) {
	switch f.Type {
	case "boolean":
		return true, true
	case "long":
		return 12345, 12345.0
	case "geo_point":
		return PointOf(1.5, -2.25), map[string]any{"lat": 1.5, "lon": -2.25}
	case "flattened", "object":
		return map[string]any{"k": []any{"v"}}, map[string]any{"k": []any{"v"}}
	case "group":
		list := []any{map[string]any{"arn": "a", "type": "t", "account_id": "1", "ARNPrefix": "p", "n": 1.0}}
		return list, list
	}
	text := "value of " + f.Name
	switch {
	case f.Value != "":
		text = f.Value
	case f.Type == "date":
		text = "2024-01-31T10:20:30.123456789Z"
	case f.Type == "ip":
		text = "192.0.2.1"
	}
	if f.Array {
		return []string{text, text}, []any{text, text}
	}
	return text, text
}

// at gives the value at a dotted path of a decoded document.
func at(doc map[string]any, path string) any {
	var v any = doc
	for key := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

func document(t testing.TB, e *Event) map[string]any {
	t.Helper()
	var doc map[string]any
	raw := e.AppendJSON(nil)
	require.NoError(t, json.Unmarshal(raw, &doc), "%s", raw)
	return doc
}

// filled gives an event with every declared field set.
func filled(t testing.TB) *Event {
	t.Helper()
	e := &Event{}
	for _, f := range Fields() {
		if !f.InList {
			put, _ := sample(f)
			require.NoError(t, e.Put(f.Name, put), f.Name)
		}
	}
	return e
}

// Each field alone: put, encoded at the right place, read back, deleted.
func TestEachField(t *testing.T) {
	for _, f := range Fields() {
		if f.InList {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			e := &Event{}
			_, ok := e.Get(f.Name)
			assert.False(t, ok)
			assert.False(t, e.Delete(f.Name))

			put, want := sample(f)
			require.NoError(t, e.Put(f.Name, put))
			doc := document(t, e)
			assert.Equal(t, want, at(doc, f.Name))
			assert.NoError(t, CheckDocument(e.AppendJSON(nil)))
			leaf := doc
			for range strings.Count(f.Name, ".") { // nothing beside it
				require.Len(t, leaf, 1)
				for _, v := range leaf {
					leaf = v.(map[string]any)
				}
			}
			require.Len(t, leaf, 1)

			got, ok := e.Get(f.Name)
			require.True(t, ok)
			again := &Event{}
			require.NoError(t, again.Put(f.Name, got), "what Get gives, Put takes")
			assert.Equal(t, doc, document(t, again))

			assert.True(t, e.Delete(f.Name))
			assert.Equal(t, `{}`, string(e.AppendJSON(nil)))
			_, ok = e.Get(f.Name)
			assert.False(t, ok)
		})
	}
}

func TestAllFieldsTogether(t *testing.T) {
	e := filled(t)
	doc := document(t, e)
	for _, f := range Fields() {
		if !f.InList {
			_, want := sample(f)
			assert.Equal(t, want, at(doc, f.Name), f.Name)
		}
	}
	require.NoError(t, CheckDocument(e.AppendJSON(nil)))
	assert.True(t, strings.HasPrefix(string(e.AppendJSON(nil)), `{"@timestamp":"`), "@timestamp comes first")
	assert.Equal(t, "dst", string(e.AppendJSON([]byte("dst"))[:3]))

	viaJSON, err := json.Marshal(e)
	require.NoError(t, err)
	assert.JSONEq(t, string(e.AppendJSON(nil)), string(viaJSON))
}

func TestTypedMembers(t *testing.T) {
	e := &Event{Timestamp: "2024-01-31T10:20:30.000Z", Message: "m", Tags: []string{"a", "b"}}
	e.Source.IP = "192.0.2.1"
	e.Source.AS.Organization.Name = "Example"
	e.UserAgent.OS.Full = "Linux 6"
	e.AWS.CloudTrail.UserIdentity.SessionContext.MFAAuthenticated = "false"
	e.AWS.CloudTrail.Flattened.RequestParameters = RawJSON(`{"a":1}`)
	e.AWS.CloudTrail.VPCEndpointID = "vpce-1"
	e.AWS.CloudTrail.ReadOnly = False
	e.AWS.CloudTrail.ConsoleLogin.AdditionalEventData.MFAUsed = True
	e.AWS.CloudTrail.Resources = []AWSCloudTrailResources{
		{ARN: "arn", Extra: []Member{{"arn", RawJSON(`"shadowed"`)}, {"ARNPrefix", RawJSON(`"p"`)}, {"none", nil}}},
		{},
	}
	e.Event.Original = "{\"a\":\"\xff\"}"
	e.Related.User = []string{"u"}
	e.User.Target.Entity.ID = []string{"x"}
	e.Log.Offset = LongOf(0)
	e.Source.Geo.Location = PointOf(0, 0.5)
	e.Meta = Meta{ID: "id", Index: "index"}
	assert.JSONEq(t, `{
		"@timestamp":"2024-01-31T10:20:30.000Z", "message":"m", "tags":["a","b"],
		"source":{"ip":"192.0.2.1","as":{"organization":{"name":"Example"}},"geo":{"location":{"lat":0,"lon":0.5}}},
		"user_agent":{"os":{"full":"Linux 6"}},
		"aws":{"cloudtrail":{"user_identity":{"session_context":{"mfa_authenticated":"false"}},"flattened":{"request_parameters":{"a":1}},
			"vpc_endpoint_id":"vpce-1","read_only":false,"console_login":{"additional_eventdata":{"mfa_used":true}},
			"resources":[{"arn":"arn","ARNPrefix":"p"},{}]}},
		"event":{"original":"{\"a\":\"\ufffd\"}"}, "related":{"user":["u"]}, "user":{"target":{"entity":{"id":["x"]}}}, "log":{"offset":0}
	}`, string(e.AppendJSON(nil)))
}

func TestReset(t *testing.T) {
	e := filled(t)
	require.NoError(t, e.Put("not.declared", 1))
	e.Meta.ID = "id"
	e.Arena().CopyString("x")
	arena := e.Arena()
	tags, resources := cap(e.Tags), cap(e.AWS.CloudTrail.Resources)
	e.Reset()
	assert.Equal(t, `{}`, string(e.AppendJSON(nil)))
	assert.Zero(t, e.Meta)
	assert.Same(t, arena, e.Arena())
	assert.Equal(t, tags, cap(e.Tags))
	assert.Equal(t, resources, cap(e.AWS.CloudTrail.Resources))
	for _, f := range Fields() {
		_, ok := e.Get(f.Name)
		assert.False(t, ok, f.Name)
	}

	var zero Event
	zero.Reset()
	assert.Equal(t, `{}`, string(zero.AppendJSON(nil)))
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	source := filled(t)
	raw := source.AWS.CloudTrail.Flattened.RequestParameters
	e := &Event{}
	buf := make([]byte, 0, 64<<10)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		e.Reset()
		e.Timestamp = source.Timestamp
		e.Tags = append(e.Tags, "a", "b")
		e.Related.User = append(e.Related.User, e.Arena().Concat("a", "b"))
		e.AWS.CloudTrail.Flattened.RequestParameters = raw
		e.AWS.CloudTrail.Resources = append(e.AWS.CloudTrail.Resources, AWSCloudTrailResources{ARN: "a"})
		e.Log.Offset = LongOf(1)
		buf = e.AppendJSON(buf[:0])
	}))
	assert.Zero(t, testing.AllocsPerRun(100, func() { buf = source.AppendJSON(buf[:0]) }))
}

func TestShareArena(t *testing.T) {
	var arena Arena
	a, b := new(Event), new(Event)
	a.ShareArena(&arena)
	b.ShareArena(&arena)
	a.Message = a.Arena().CopyString("kept")
	b.Arena().CopyString("gone")
	b.Reset()
	b.Message = b.Arena().CopyString("new")
	assert.Equal(t, "kept", a.Message, "another document's Reset leaves it alone")
	assert.Same(t, &arena, b.Arena())
	a.Reset()
	arena.Reset()
	assert.Equal(t, "next", a.Arena().CopyString("next"))
	assert.Len(t, arena.block, 4)

	// What the documents of one Write need together is kept, and no more than that.
	for _, size := range []int{2 << 20, 5 << 20} {
		arena.Grab(size)
		arena.Reset()
	}
	assert.Zero(t, cap(arena.block))
	arena.Grab(2 << 20)
	arena.Reset()
	assert.NotZero(t, cap(arena.block))
}
