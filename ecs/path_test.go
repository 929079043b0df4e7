package ecs

import (
	"encoding/json"
	"errors"
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What Put takes beside the value of the type itself.
func TestPutConverts(t *testing.T) {
	tests := []struct {
		path string
		put  any
		want string // the document
	}{
		{"tags", "one", `{"tags":["one"]}`},
		{"tags", []any{"a", "b"}, `{"tags":["a","b"]}`},
		{"tags", []string{}, `{}`},
		{"tags", "", `{}`},
		{"user.name", "", `{}`},
		{"user.name", nil, `{}`},
		{"event.created", time.Date(2024, 1, 31, 11, 20, 30, 123456789, time.FixedZone("", 3600)), `{"event":{"created":"2024-01-31T10:20:30.123Z"}}`},
		{"source.ip", netip.MustParseAddr("2001:db8::1"), `{"source":{"ip":"2001:db8::1"}}`},
		{"host.ip", []any{netip.MustParseAddr("192.0.2.1")}, `{"host":{"ip":["192.0.2.1"]}}`},
		{"host.containerized", "true", `{"host":{"containerized":true}}`},
		{"host.containerized", False, `{"host":{"containerized":false}}`},
		{"log.offset", uint8(7), `{"log":{"offset":7}}`},
		{"log.offset", 7.0, `{"log":{"offset":7}}`},
		{"log.offset", json.Number("7"), `{"log":{"offset":7}}`},
		{"log.offset", LongOf(math.MinInt64), `{"log":{"offset":-9223372036854775808}}`},
		{"source.geo.location", map[string]any{"lat": 1, "lon": -2.5}, `{"source":{"geo":{"location":{"lat":1,"lon":-2.5}}}}`},
		{"labels", map[string]string{"a": "<b>"}, `{"labels":{"a":"<b>"}}`},
		{"labels", RawJSON(`{"b":1,"a":2}`), `{"labels":{"b":1,"a":2}}`},
		{"labels.team", "blue", `{"labels":{"team":"blue"}}`},
		{"aws.cloudtrail.flattened.digest.a.b", 1, `{"aws":{"cloudtrail":{"flattened":{"digest":{"a":{"b":1}}}}}}`},
		{"source", map[string]any{"ip": "192.0.2.1", "port": 443, "as": map[string]any{"number": 64500}},
			`{"source":{"as":{"number":64500},"ip":"192.0.2.1","port":443}}`},
		{"aws.cloudtrail.resources", []map[string]any{{"arn": "a", "n": 1}}, `{"aws":{"cloudtrail":{"resources":[{"arn":"a","n":1}]}}}`},
		{"aws.cloudtrail.resources", []AWSCloudTrailResources{{Type: "t"}}, `{"aws":{"cloudtrail":{"resources":[{"type":"t"}]}}}`},
		{"aws.cloudtrail.resources", []any{map[string]any{"arn": 1}}, `{"aws":{"cloudtrail":{"resources":[{"arn":1}]}}}`},
		{"not.declared.at_all", []int{1, 2}, `{"not":{"declared":{"at_all":[1,2]}}}`},
		{"new", "x", `{"new":"x"}`},
	}
	for _, tt := range tests {
		e := &Event{}
		require.NoError(t, e.Put(tt.path, tt.put), tt.path)
		assert.Equal(t, tt.want, string(e.AppendJSON(nil)), tt.path)
	}
}

func TestPutRefuses(t *testing.T) {
	tests := []struct {
		path string
		put  any
		want string
	}{
		{"user.name", 5, `field "user.name" is of type keyword: it takes a string, not int`},
		{"user.name", []string{"a"}, `not []string`},
		{"user.name", time.Now(), `not time.Time`},
		{"tags", 5, `it takes a list of strings`},
		{"tags", []any{"a", 5}, `element: it takes a string, not int`},
		{"related.ip", []string{"192.0.2.1", "x"}, `"x" is no IP address`},
		{"source.ip", "fe80::1%eth0", `is no IP address`},
		{"@timestamp", "31.1.2024", `"31.1.2024" is no date`},
		{"host.containerized", "yes", `"yes" is neither true nor false`},
		{"host.containerized", 1, `it takes a bool, not int`},
		{"log.offset", "7", `it takes an integer, not string`},
		{"log.offset", 7.5, `7.5 is no whole number`},
		{"log.offset", uint64(math.MaxUint64), `no whole number of 64 bits`},
		{"log.offset", 1e300, `no whole number of 64 bits`},
		{"log.offset", json.Number("1.5"), `no whole number of 64 bits`},
		{"source.geo.location", "1,2", `numbers lat and lon`},
		{"source.geo.location", map[string]any{"lat": 1}, `numbers lat and lon`},
		{"source.geo.location", PointOf(math.NaN(), 0), `no place on earth`},
		{"source.geo.location", PointOf(0, 181), `no place on earth`},
		{"labels", "text", `it takes an object, not string`},
		{"labels", RawJSON(`{`), `not valid JSON`},
		{"labels", make(chan int), `unsupported type`},
		{"source", "text", `it takes an object, not string`},
		{"source", make(chan int), `unsupported type`},
		{"source", map[string]any{"ip": "x"}, `field "source.ip"`},
		{"aws.cloudtrail.resources", "x", `it takes a list of objects`},
		{"aws.cloudtrail.resources", []string{"x"}, `an element is something else`},
		{"aws.cloudtrail.resources.arn", "x", `belongs to the objects of a list`},
		{"source.ip.x", 1, `path "source.ip.x" leads through "source.ip", a field of type ip`},
		{"aws.cloudtrail.resources.arn.x", 1, `leads through "aws.cloudtrail.resources", a field of type group`},
		{"", 1, `empty segment`},
		{"a..b", 1, `empty segment`},
		{".a", 1, `empty segment`},
		{"a.", 1, `empty segment`},
		{"new.member", func() {}, `value that JSON can express`},
	}
	for _, tt := range tests {
		e := &Event{}
		err := e.Put(tt.path, tt.put)
		require.ErrorContains(t, err, tt.want, tt.path)
		var typeErr *TypeError
		var pathErr *PathError
		assert.True(t, errors.As(err, &typeErr) || errors.As(err, &pathErr), "%T", err)
		assert.Equal(t, `{}`, string(e.AppendJSON(nil)), "the document is as it was")
	}
}

func TestPutKeepsTheOldValueOnError(t *testing.T) {
	e := filled(t)
	before := string(e.AppendJSON(nil))
	for _, f := range Fields() {
		require.Error(t, e.Put(f.Name, make(chan int)), f.Name)
	}
	assert.Equal(t, before, string(e.AppendJSON(nil)))
}

func TestPutDoesNotShareTheList(t *testing.T) {
	e := &Event{}
	list := []string{"a"}
	require.NoError(t, e.Put("tags", list))
	list[0] = "changed"
	assert.Equal(t, []string{"a"}, e.Tags)
}

func TestPutBelowAnExtraLeaf(t *testing.T) {
	e := &Event{}
	require.NoError(t, e.Put("a", map[string]any{"x": 1}))
	require.NoError(t, e.Put("a.b.c", 2), "an object takes members")
	assert.Equal(t, `{"a":{"x":1,"b":{"c":2}}}`, string(e.AppendJSON(nil)))
	assert.ErrorContains(t, e.Put("a.x.y", 3), `leads through "a.x", whose value is no object`)
	require.NoError(t, e.Put("a", 4), "a value takes the place of the object")
	assert.Equal(t, `{"a":4}`, string(e.AppendJSON(nil)))
}

func TestPutBelowATypedObject(t *testing.T) {
	e := &Event{Labels: RawJSON(`{"a":{"b":1},"c":2}`)}
	require.NoError(t, e.Put("labels.a.d", 3))
	assert.Equal(t, `{"labels":{"a":{"b":1,"d":3},"c":2}}`, string(e.AppendJSON(nil)))
	got, ok := e.Get("labels")
	require.True(t, ok)
	assert.Equal(t, map[string]any{"a": map[string]any{"b": int64(1), "d": int64(3)}, "c": int64(2)}, got)

	require.NoError(t, e.Put("labels", map[string]any{"new": true}), "the whole object is replaced")
	assert.Equal(t, `{"labels":{"new":true}}`, string(e.AppendJSON(nil)))
}

func TestPutRaw(t *testing.T) {
	tests := []struct {
		name string
		do   func(*Event)
		want string
	}{
		{"another type than declared", func(e *Event) {
			e.User.Name = "old"
			e.PutRaw("user.name", RawJSON(`{"a":1}`))
			e.User.ID = "id"
		}, `{"user":{"id":"id","name":{"a":1}}}`},
		{"the typed member wins", func(e *Event) {
			e.PutRaw("user.name", RawJSON(`5`))
			e.User.Name = "typed"
		}, `{"user":{"name":"typed"}}`},
		{"a typed list wins", func(e *Event) {
			e.PutRaw("tags", RawJSON(`5`))
			e.Tags = []string{"a"}
		}, `{"tags":["a"]}`},
		{"Put after it", func(e *Event) {
			e.PutRaw("user.name", RawJSON(`5`))
			require.NoError(t, e.Put("user.name", "a"))
			e.User.Name = ""
		}, `{}`},
		{"a list of objects", func(e *Event) {
			e.AWS.CloudTrail.Resources = []AWSCloudTrailResources{{ARN: "a"}}
			e.PutRaw("aws.cloudtrail.resources", RawJSON(`"text"`))
		}, `{"aws":{"cloudtrail":{"resources":"text"}}}`},
		{"flattened", func(e *Event) { e.PutRaw("aws.cloudtrail.flattened.digest", RawJSON(`[1]`)) },
			`{"aws":{"cloudtrail":{"flattened":{"digest":[1]}}}}`},
		{"a value for a group", func(e *Event) {
			e.Source.IP = "192.0.2.1"
			e.PutRaw("source", RawJSON(`"text"`))
		}, `{"source":"text"}`},
		{"a typed member wins over the group's value", func(e *Event) {
			e.PutRaw("source", RawJSON(`"text"`))
			e.Source.IP = "192.0.2.1"
		}, `{"source":{"ip":"192.0.2.1"}}`},
		{"an object for a group", func(e *Event) {
			e.Source.IP = "192.0.2.1"
			e.PutRaw("source", RawJSON(`{"as":{"number":"text","new":{"x":1}},"port":1}`))
			e.Source.AS.Organization.Name = "o"
		}, `{"source":{"as":{"organization":{"name":"o"},"number":"text","new":{"x":1}},"port":1}}`},
		{"through a field without members", func(e *Event) {
			e.Source.IP = "192.0.2.1"
			e.PutRaw("source.ip.x", RawJSON(`1`))
		}, `{"source":{"ip":{"x":1}}}`},
		{"through a raw value", func(e *Event) {
			e.PutRaw("a", RawJSON(`1`))
			e.PutRaw("a.b", RawJSON(`2`))
		}, `{"a":{"b":2}}`},
		{"order of putting", func(e *Event) {
			for _, p := range []string{"z", "b.y", "b.a", "a"} {
				e.PutRaw(p, RawJSON(`1`))
			}
		}, `{"z":1,"b":{"y":1,"a":1},"a":1}`},
		{"keys are escaped", func(e *Event) { e.PutRaw(`a"b`, RawJSON(`1`)) }, `{"a\"b":1}`},
		{"nothing deletes", func(e *Event) {
			e.User.Name = "a"
			e.PutRaw("user.name", nil)
		}, `{}`},
		{"empty segments are left alone", func(e *Event) { e.PutRaw("a..b", RawJSON(`1`)) }, `{}`},
		{"what is no JSON stays whole", func(e *Event) { e.PutRaw("source", RawJSON(`{"a`)) }, `{"source":{"a}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := &Event{}
			tt.do(e)
			assert.Equal(t, tt.want, string(e.AppendJSON(nil)))
			e.Reset()
			assert.Equal(t, `{}`, string(e.AppendJSON(nil)))
		})
	}
}

// A value without a field of its own, in each group: at its place, whether the rest of the document is empty or full.
func TestPutIntoEachGroup(t *testing.T) {
	groups := map[string]bool{"": true}
	for _, f := range Fields() {
		for end := range dots(f.Name) {
			if isGroup(f.Name[:end]) {
				groups[f.Name[:end]+"."] = true
			}
		}
	}
	require.Greater(t, len(groups), 50)
	full := document(t, filled(t))
	all := filled(t)
	for group := range groups {
		path := group + "not_declared"
		e := &Event{}
		require.NoError(t, e.Put(path, true))
		require.NoError(t, all.Put(path, true))
		assert.Equal(t, true, at(document(t, e), path), path)
		got, ok := e.Get(path)
		assert.True(t, ok && got == true, path)
		assert.True(t, e.Delete(path))
		assert.Equal(t, `{}`, string(e.AppendJSON(nil)))
	}
	doc := document(t, all)
	for group := range groups {
		assert.Equal(t, true, at(doc, group+"not_declared"), group)
		assert.True(t, all.Delete(group+"not_declared"), group)
	}
	assert.Equal(t, full, document(t, all), "the rest is as it was")
}

func TestGet(t *testing.T) {
	e := &Event{Tags: []string{"a"}, Labels: RawJSON(`{"team":"blue","n":{"big":9007199254740993,"f":1.5,"l":[1]}}`)}
	e.Source.IP = "192.0.2.1"
	e.Log.Offset = LongOf(0)
	e.AWS.CloudTrail.ReadOnly = False
	e.AWS.CloudTrail.Resources = []AWSCloudTrailResources{{ARN: "a", Type: "t"}, {ARN: "b"}}
	e.PutRaw("user.id", RawJSON(`7`))
	e.PutRaw("extra.deep", RawJSON(`{"x":[1,"y",null]}`))

	tests := map[string]any{
		"source.ip":                     "192.0.2.1",
		"tags":                          []string{"a"},
		"log.offset":                    int64(0),
		"aws.cloudtrail.read_only":      false,
		"labels.team":                   "blue",
		"labels.n.big":                  int64(9007199254740993),
		"labels.n.f":                    1.5,
		"labels.n.l":                    []any{int64(1)},
		"user.id":                       int64(7),
		"user":                          RawJSON(`{"id":7}`),
		"source":                        RawJSON(`{"ip":"192.0.2.1"}`),
		"aws.cloudtrail.resources":      RawJSON(`[{"arn":"a","type":"t"},{"arn":"b"}]`),
		"aws.cloudtrail.resources.arn":  []string{"a", "b"},
		"aws.cloudtrail.resources.type": []string{"t"},
		"extra":                         map[string]any{"deep": map[string]any{"x": []any{int64(1), "y", nil}}},
		"extra.deep":                    map[string]any{"x": []any{int64(1), "y", nil}},
	}
	for path, want := range tests {
		got, ok := e.Get(path)
		assert.True(t, ok, path)
		assert.Equal(t, want, got, path)
	}
	for _, path := range []string{
		"", "user.name", "host", "labels.none", "labels.team.x", "labels.n.big.x", "source.ip.x", "none", "none.x", "extra.none",
		"aws.cloudtrail.resources.account_id", "aws.cloudtrail.flattened.digest.x", "user.name.text", ".", "source.",
	} {
		_, ok := e.Get(path)
		assert.False(t, ok, path)
	}
}

func TestDelete(t *testing.T) {
	e := filled(t)
	require.NoError(t, e.Put("source.port", 1))
	require.NoError(t, e.Put("extra.a", 1))
	require.NoError(t, e.Put("extra.b", 2))
	e.Labels = RawJSON(`{"a":{"b":1,"c":2},"d":3}`)

	assert.True(t, e.Delete("source"), "a group with all in it")
	_, ok := e.Get("source")
	assert.False(t, ok)
	assert.False(t, e.Delete("source"))
	assert.Equal(t, "value of service.name", e.Service.Name, "others stay")
	assert.NotEmpty(t, e.UserAgent.Name)
	assert.True(t, e.Delete("user"))
	assert.NotEmpty(t, e.UserAgent.Name, "user_agent is no member of user")

	assert.True(t, e.Delete("extra.a"))
	assert.False(t, e.Delete("extra.a"))
	got, _ := e.Get("extra")
	assert.Equal(t, map[string]any{"b": int64(2)}, got)
	assert.True(t, e.Delete("extra.b"))
	_, ok = e.Get("extra")
	assert.False(t, ok, "no empty object stays")

	assert.True(t, e.Delete("labels.a.b"))
	assert.False(t, e.Delete("labels.a.b"))
	assert.False(t, e.Delete("labels.none"))
	got, _ = e.Get("labels")
	assert.Equal(t, map[string]any{"a": map[string]any{"c": int64(2)}, "d": int64(3)}, got)
	require.NoError(t, e.Put("raw", map[string]any{"a": 1, "b": 2}))
	assert.True(t, e.Delete("raw.a"))
	got, _ = e.Get("raw")
	assert.Equal(t, map[string]any{"b": int64(2)}, got)
	assert.True(t, e.Delete("labels"))
	assert.True(t, e.Delete("aws"))
	assert.False(t, e.Delete("aws.cloudtrail.resources.arn"))
	assert.False(t, e.Delete("none.at.all"))
	assert.False(t, e.Delete(""))
}
