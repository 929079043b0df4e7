package processor_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline/condition"
	"github.com/trailbeat/trailbeat/pipeline/processor"
)

func event(t testing.TB) *ecs.Event {
	ev := &ecs.Event{Timestamp: "2026-11-20T07:30:00.000Z", Tags: []string{"forwarded"}}
	ev.Event.Action, ev.Event.Category, ev.Event.Original = "PutObject", []string{"file"}, `{"ä":"öü"}`
	ev.Cloud.Account.ID = "011122223333"
	ev.Source.IP, ev.Source.Address = "10.1.2.3", "10.1.2.3"
	ev.User.Name, ev.User.Email = "dana", "dana@example.com"
	ev.Related.User = []string{"dana", "eve"}
	ev.AWS.CloudTrail.ReadOnly = ecs.False
	ev.AWS.CloudTrail.Flattened.RequestParameters = ecs.RawJSON(`{"bucket":"logs","n":{"a.b":1,"c":[{"d":2}]},"e":{}}`)
	require.NoError(t, ev.Put("labels.team", "blue"))
	return ev
}

// Each case is a processor with what it makes of the document: members that are new or other, null where they are gone.
func TestProcessors(t *testing.T) {
	sum := func(text string) string {
		h := sha256.Sum256([]byte(text))
		return hex.EncodeToString(h[:])
	}
	mac := hmac.New(sha256.New, []byte("k"))
	mac.Write([]byte("dana"))
	fields := func(pairs ...string) (all []processor.FromTo) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, processor.FromTo{From: pairs[i], To: pairs[i+1]})
		}
		return all
	}
	const failed = `,"tags":["forwarded","processor_error"]`
	for name, c := range map[string]struct {
		options processor.Options
		want    string
	}{
		"drop_fields": {&processor.DropFields{Fields: []string{"event", "user.name", "@timestamp"}}, `{"event":null,"user":{"email":"dana@example.com"}}`},
		"drop_fields by expression": {&processor.DropFields{Fields: []string{"/^user[.]/", "/request_parameters[.](n|x)/", "/^labels/"}},
			`{"user":null,"labels":null,"aws":{"cloudtrail":{"read_only":false,"flattened":{"request_parameters":{"bucket":"logs","e":{}}}}}}`},
		"drop_fields by expression for a key with a dot": {&processor.DropFields{Fields: []string{`/a[.]b/`}},
			`{"aws":{"cloudtrail":{"read_only":false,"flattened":{"request_parameters":{"bucket":"logs","n":{"c":[{"d":2}]},"e":{}}}}}}`},
		"drop_fields by expression for all": {&processor.DropFields{Fields: []string{`/./`}}, `{"aws":null,"cloud":null,"event":null,"labels":null,"related":null,"source":null,"tags":null,"user":null}`},
		"drop_fields, missing":              {&processor.DropFields{Fields: []string{"user.name", "nothing"}}, `{"user":{"email":"dana@example.com"}}`},
		"include_fields": {&processor.IncludeFields{Fields: []string{"event.action", "source", "aws.cloudtrail.flattened.request_parameters.n"}},
			`{"aws":{"cloudtrail":{"flattened":{"request_parameters":{"n":{"a.b":1,"c":[{"d":2}]}}}}},"cloud":null,"event":{"action":"PutObject"},"labels":null,"related":null,"tags":null,"user":null}`},
		"include_fields by expression": {&processor.IncludeFields{Fields: []string{"/^labels/", "/[.]c$/"}},
			`{"aws":{"cloudtrail":{"flattened":{"request_parameters":{"n":{"c":[{"d":2}]}}}}},"cloud":null,"event":null,"related":null,"source":null,"tags":null,"user":null}`},
		"include_fields of nothing": {&processor.IncludeFields{Fields: []string{}}, `{"aws":null,"cloud":null,"event":null,"labels":null,"related":null,"source":null,"tags":null,"user":null}`},

		"add_fields":             {&processor.AddFields{Target: "", Fields: map[string]any{"labels": map[string]any{"env": "prod"}, "cloud": map[string]any{"account": map[string]any{"name": "main"}}}}, `{"labels":{"team":"blue","env":"prod"},"cloud":{"account":{"id":"011122223333","name":"main"}}}`},
		"add_fields with target": {&processor.AddFields{Target: "fields", Fields: map[string]any{"n": int64(1), "list": []any{"a"}}}, `{"fields":{"list":["a"],"n":1}}`},
		"add_fields over a value": {&processor.AddFields{Target: "labels", Fields: map[string]any{"team": map[string]any{"x": "y"}, "z": "1"}},
			`{"labels":{"team":"blue","z":"1"},"error":{"message":["processor add_fields (0) failed: setting labels.team.x: path \"labels.team.x\" leads through \"labels.team\", whose value is no object; delete it first"]}` + failed + `}`},
		"add_labels":         {&processor.AddLabels{Labels: map[string]any{"a": map[string]any{"b": true}, "l": []any{"x", map[string]any{"y": int64(1)}}}}, `{"labels":{"team":"blue","a":{"b":true},"l":{"0":"x","1":{"y":1}}}}`},
		"add_tags":           {&processor.AddTags{Tags: []string{"web", "forwarded"}, Target: "tags"}, `{"tags":["forwarded","web"]}`},
		"add_tags elsewhere": {&processor.AddTags{Tags: []string{"web"}, Target: "labels.groups"}, `{"labels":{"team":"blue","groups":["web"]}}`},
		"add_tags to a text": {&processor.AddTags{Tags: []string{"web"}, Target: "labels.team"}, `{"labels":{"team":["blue","web"]}}`},

		"rename":         {&processor.Rename{Fields: fields("user.name", "labels.who", "aws.cloudtrail.read_only", "labels.reads"), FailOnError: true}, `{"user":{"email":"dana@example.com"},"labels":{"team":"blue","who":"dana","reads":false},"aws":{"cloudtrail":{"flattened":{"request_parameters":{"bucket":"logs","n":{"a.b":1,"c":[{"d":2}]},"e":{}}}}}}`},
		"rename a group": {&processor.Rename{Fields: fields("user", "labels.user"), FailOnError: true}, `{"user":null,"labels":{"team":"blue","user":{"email":"dana@example.com","name":"dana"}}}`},
		"rename, missing": {&processor.Rename{Fields: fields("user.name", "labels.who", "nothing", "labels.x"), FailOnError: true},
			`{"error":{"message":["processor rename (0) failed: renaming nothing to labels.x: there is no such field in the document"]}` + failed + `}`},
		"rename, missing and ignored": {&processor.Rename{Fields: fields("nothing", "labels.x", "user.name", "labels.who"), FailOnError: true, IgnoreMissing: true}, `{"user":{"email":"dana@example.com"},"labels":{"team":"blue","who":"dana"}}`},
		"rename, missing and silent":  {&processor.Rename{Fields: fields("nothing", "labels.x", "user.name", "labels.who")}, `{"user":{"email":"dana@example.com"},"labels":{"team":"blue","who":"dana"}}`},
		"rename to what is there": {&processor.Rename{Fields: fields("related.user", "labels.all", "user.name", "user.email"), FailOnError: true},
			`{"error":{"message":["processor rename (0) failed: renaming user.name to user.email: the new name is taken; drop that field first, or rename it"]}` + failed + `}`},
		"rename to another type": {&processor.Rename{Fields: fields("user.name", "log.offset"), FailOnError: true}, "@log.offset"},

		"copy_fields":          {&processor.CopyFields{Fields: fields("related.user", "labels.users", "user.name", "user.id"), FailOnError: true}, `{"labels":{"team":"blue","users":["dana","eve"]},"user":{"email":"dana@example.com","id":"dana","name":"dana"}}`},
		"copy_fields, failing": {&processor.CopyFields{Fields: fields("user.name", "user.id", "nothing", "x"), FailOnError: true}, `{"error":{"message":["processor copy_fields (0) failed: copying nothing to x: there is no such field in the document"]}` + failed + `}`},

		"truncate_fields by bytes":      {&processor.TruncateFields{Fields: []string{"event.original", "related.user"}, MaxBytes: 3}, `{"event":{"action":"PutObject","category":["file"],"original":"{\""},"related":{"user":["dan","eve"]},"tags":["forwarded","truncated"]}`},
		"truncate_fields by characters": {&processor.TruncateFields{Fields: []string{"event.original"}, MaxCharacters: 3}, `{"event":{"action":"PutObject","category":["file"],"original":"{\"ä"},"tags":["forwarded","truncated"]}`},
		"truncate_fields, short":        {&processor.TruncateFields{Fields: []string{"event.original"}, MaxCharacters: 10}, `{}`},
		"truncate_fields, missing":      {&processor.TruncateFields{Fields: []string{"user.name", "user.id"}, MaxBytes: 1, FailOnError: true}, `{"error":{"message":["processor truncate_fields (0) failed: cutting user.id: there is no such field in the document"]}` + failed + `}`},
		"truncate_fields, ignored":      {&processor.TruncateFields{Fields: []string{"user.name", "user.id"}, MaxBytes: 1, FailOnError: true, IgnoreMissing: true}, `{"user":{"email":"dana@example.com","name":"d"},"tags":["forwarded","truncated"]}`},
		"truncate_fields of a number":   {&processor.TruncateFields{Fields: []string{"aws.cloudtrail.flattened.request_parameters.n"}, MaxBytes: 1, FailOnError: true}, `{"error":{"message":["processor truncate_fields (0) failed: cutting aws.cloudtrail.flattened.request_parameters.n: it is no text"]}` + failed + `}`},

		"fingerprint": {&processor.Fingerprint{Fields: []string{"user.name", "event.action", "user.name"}, Method: "sha256", Encoding: "hex", TargetField: "labels.print"},
			`{"labels":{"team":"blue","print":"` + sum("|event.action|PutObject|user.name|dana|") + `"}}`},
		"fingerprint of other types": {&processor.Fingerprint{Fields: []string{"aws.cloudtrail.read_only", "related.user"}, Method: "sha256", Encoding: "hex", TargetField: "labels.print"},
			`{"labels":{"team":"blue","print":"` + sum("|aws.cloudtrail.read_only|false|related.user|[dana eve]|") + `"}}`},
		"fingerprint, missing": {&processor.Fingerprint{Fields: []string{"user.name", "user.id"}, Method: "md5", Encoding: "base32", TargetField: "labels.print"},
			`{"error":{"message":["processor fingerprint (0) failed: hashing user.id: there is no such field in the document"]}` + failed + `}`},
		"fingerprint, ignored": {&processor.Fingerprint{Fields: []string{"user.name", "user.id"}, Method: "sha256", Encoding: "hex", TargetField: "labels.print", IgnoreMissing: true},
			`{"labels":{"team":"blue","print":"` + sum("|user.name|dana|") + `"}}`},
		"fingerprint of an object": {&processor.Fingerprint{Fields: []string{"aws.cloudtrail.flattened.request_parameters"}, Method: "sha1", Encoding: "base64", TargetField: "labels.print"},
			`{"error":{"message":["processor fingerprint (0) failed: hashing aws.cloudtrail.flattened.request_parameters: it is neither text nor a number"]}` + failed + `}`},

		"redact_fields":          {&processor.RedactFields{Fields: []string{"user.name", "related.user", "user.id", "labels.team"}, Replacement: "x"}, `{"user":{"name":"x","email":"dana@example.com"},"related":{"user":["x","x"]},"labels":{"team":"x"}}`},
		"redact_fields inside":   {&processor.RedactFields{Fields: []string{"aws.cloudtrail.flattened.request_parameters.n"}, Replacement: "x"}, `{"aws":{"cloudtrail":{"read_only":false,"flattened":{"request_parameters":{"bucket":"logs","n":"x","e":{}}}}}}`},
		"redact_fields by hash":  {&processor.RedactFields{Fields: []string{"user.name"}, Method: "sha256", Encoding: "hex"}, `{"user":{"name":"` + sum("dana") + `","email":"dana@example.com"}}`},
		"redact_fields by a key": {&processor.RedactFields{Fields: []string{"user.name"}, Method: "sha256", Encoding: "hex", SecretKey: "k"}, `{"user":{"name":"` + hex.EncodeToString(mac.Sum(nil)) + `","email":"dana@example.com"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			before := event(t)
			ev := event(t)
			list, err := processor.Build([]processor.Spec{{Options: c.options}}, processor.Env{})
			require.NoError(t, err)
			require.NoError(t, processor.Join(list).Run(ev))
			got := ev.AppendJSON(nil)
			if path, ok := strings.CutPrefix(c.want, "@"); ok {
				_, there := ev.Get(path)
				assert.False(t, there)
				assert.Len(t, ev.Error.Message, 1)
				assert.Equal(t, "dana", ev.User.Name)
				return
			}
			want := map[string]any{}
			require.NoError(t, json.Unmarshal(before.AppendJSON(nil), &want))
			var other map[string]any
			require.NoError(t, json.Unmarshal([]byte(c.want), &other))
			for k, v := range other {
				if want[k] = v; v == nil {
					delete(want, k)
				}
			}
			text, err := json.Marshal(want)
			require.NoError(t, err)
			assert.JSONEq(t, string(text), string(got))
		})
	}
}

// What is cut of the record, or copied, is escaped as any other text.
func TestOriginalElsewhere(t *testing.T) {
	for _, o := range []processor.Options{
		&processor.CopyFields{Fields: []processor.FromTo{{From: "event.original", To: "user.id"}}, FailOnError: true},
		&processor.Rename{Fields: []processor.FromTo{{From: "event.original", To: "user.id"}}, FailOnError: true},
		&processor.TruncateFields{Fields: []string{"event.original"}, MaxBytes: 9},
	} {
		ev := event(t)
		ev.Event.Original = `{"eventName":"PutObject"}`
		require.NoError(t, chainOf(t, processor.Env{}, o).Run(ev))
		assert.True(t, json.Valid(ev.AppendJSON(nil)))
	}
}

func TestWrongOptions(t *testing.T) {
	when := processor.Common{When: &condition.Config{Equals: condition.Fields{"a": nil}}}
	for name, c := range map[string]struct {
		options processor.Options
		want    []string
	}{
		"drop_event":      {&processor.DropEvent{}, []string{"when: is missing; without a condition every event would be dropped"}},
		"a condition":     {&processor.DropEvent{Common: when}, []string{"when.equals.a: has no value"}},
		"drop_fields":     {&processor.DropFields{}, []string{"fields: is missing"}},
		"names":           {&processor.DropFields{Fields: []string{"", "a..b", "/(/", "@metadata.x"}}, []string{"fields.0: is empty", `fields.1: "a..b" is no name`, "fields.2: is no regular expression", "fields.3: "}},
		"include_fields":  {&processor.IncludeFields{}, []string{"fields: is missing; list the fields that stay"}},
		"add_fields":      {&processor.AddFields{}, []string{"fields: is missing"}},
		"types":           {&processor.AddFields{Fields: map[string]any{"cloud": map[string]any{"account": map[string]any{"id": int64(1)}}, "source.ip": "x", "n": nil}}, []string{"fields.cloud.account.id: is of type keyword; write the value between quotes", `fields.source.ip: field "source.ip" is of type ip: "x" is no IP address`, "fields.n: has no value"}},
		"metadata":        {&processor.AddFields{Target: "@metadata", Fields: map[string]any{"_id": "x"}}, []string{`target: "@metadata" is no field here`}},
		"data stream":     {&processor.AddFields{Target: "data_stream", Fields: map[string]any{"namespace": "A-b"}}, []string{"fields.namespace: is part of the name of a data stream"}},
		"add_labels":      {&processor.AddLabels{}, []string{"labels: is missing"}},
		"labels":          {&processor.AddLabels{Labels: map[string]any{"a": "x", "a.b": "y"}}, []string{"labels.a.b: "}},
		"add_tags":        {&processor.AddTags{Tags: []string{""}, Target: "source.ip"}, []string{"tags.0: is an empty tag", "target: "}},
		"rename":          {&processor.Rename{Fields: []processor.FromTo{{From: "@timestamp", To: "a"}, {From: "b"}, {From: "c", To: "c"}}}, []string{"fields.0.from: is @timestamp", "fields.1.to: is empty", "fields.2.to: is the field itself"}},
		"copy_fields":     {&processor.CopyFields{}, []string{"fields: is missing"}},
		"truncate_fields": {&processor.TruncateFields{Fields: []string{"source.ip", "event", "labels"}}, []string{"fields.0: is of type ip and cannot be cut", "fields.1: is a group", "fields.2: is of type object", "max_bytes: is missing"}},
		"truncate twice":  {&processor.TruncateFields{Fields: []string{"user.name"}, MaxBytes: 1, MaxCharacters: 1}, []string{"max_characters: is set beside max_bytes"}},
		"fingerprint":     {&processor.Fingerprint{Fields: []string{"event"}, Method: "sha265", Encoding: "hexx", TargetField: "@metadata._id"}, []string{"fields.0: is a group", `method: is "sha265", but must be one of md5`, `encoding: is "hexx"`, `target_field: "@metadata._id" is no field here`}},
		"fingerprint ip":  {&processor.Fingerprint{Fields: []string{"a"}, Method: "sha1", Encoding: "hex", TargetField: "source.ip"}, []string{"target_field: cannot hold a hash"}},
		"redact_fields":   {&processor.RedactFields{Fields: []string{"source.ip"}, SecretKey: "x"}, []string{"fields.0: is of type ip and cannot hold another text: the index would refuse the document; use drop_fields", "replacement: is empty"}},
		"accounts":        {&processor.AddAccountNames{Path: "x.txt", Field: "", TargetField: "source.ip", ReloadInterval: -1}, []string{`path: is "x.txt", but must end in one of .csv`, "field: is empty", "target_field: cannot hold a name", "reload_interval: must be >= 0"}},
		"cloud":           {&processor.AddCloudMetadata{Providers: []string{"gcp"}}, []string{"timeout: must be > 0", "providers: does not hold aws"}},
		"host":            {&processor.AddHostMetadata{Cache: processor.HostCache{TTL: -1}}, []string{"cache.ttl: must be >= 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.options.Validate()
			require.Error(t, err)
			lines := strings.Split(err.Error(), "\n")
			assert.Len(t, lines, len(c.want), err)
			for _, want := range c.want {
				assert.ErrorContains(t, err, want)
			}
			_, err = processor.Build([]processor.Spec{{Path: "processors.7", Options: c.options}}, processor.Env{})
			assert.ErrorContains(t, err, "making processor processors.7: ")
		})
	}
	for _, name := range processor.Names() {
		options, ok := processor.OptionsOf(name)
		require.True(t, ok)
		assert.NotNil(t, options)
	}
	_, ok := processor.OptionsOf("drop_events")
	assert.False(t, ok)
	_, err := processor.Build([]processor.Spec{{}}, processor.Env{})
	assert.ErrorContains(t, err, "has neither options nor a condition")
}

func has(field string) *condition.Config { return &condition.Config{HasFields: []string{field}} }

func drop(id string, when *condition.Config) processor.Spec {
	return processor.Spec{Options: &processor.DropEvent{Common: processor.Common{ID: id, When: when}, Guarded: when == nil}}
}

func tag(name string, when *condition.Config) processor.Spec {
	return processor.Spec{Options: &processor.AddTags{Common: processor.Common{When: when}, Tags: []string{name}, Target: "tags"}}
}

// The first rule that takes an event is counted, and what comes behind it does not run.
func TestChain(t *testing.T) {
	global, err := processor.Build([]processor.Spec{
		tag("second", nil),
		{If: has("user.name"), Then: []processor.Spec{tag("user", nil), drop("users", has("user.email"))}, Else: []processor.Spec{tag("nobody", nil), drop("", has("tags"))}},
		tag("last", nil),
	}, processor.Env{})
	require.NoError(t, err)
	own, err := processor.Build([]processor.Spec{tag("first", has("event.action")), drop("", has("source.ip"))}, processor.Env{})
	require.NoError(t, err)
	chain := processor.Join(nil, own, global)
	assert.Nil(t, processor.Join(nil, nil))
	for _, c := range []struct {
		set  func(*ecs.Event)
		tags []string
		drop string
	}{
		{func(ev *ecs.Event) { ev.Event.Action, ev.User.Name = "A", "u" }, []string{"first", "second", "user", "last"}, ""},
		{func(ev *ecs.Event) { ev.User.Name = "u" }, []string{"second", "user", "last"}, ""},
		{func(ev *ecs.Event) { ev.Source.IP = "::1" }, nil, "1"},
		{func(ev *ecs.Event) { ev.User.Name, ev.User.Email = "u", "e" }, []string{"second", "user"}, "users"},
		{func(ev *ecs.Event) {}, []string{"second", "nobody"}, "1.else.1"},
		{func(ev *ecs.Event) {}, []string{"second", "nobody"}, "1.else.1"},
	} {
		var ev ecs.Event
		c.set(&ev)
		err := chain.Run(&ev)
		assert.Equal(t, c.tags, ev.Tags)
		if c.drop == "" {
			require.NoError(t, err)
			continue
		}
		var d *processor.Drop
		require.ErrorAs(t, err, &d)
		require.ErrorIs(t, err, processor.ErrDrop)
		assert.NotErrorIs(t, err, errors.ErrUnsupported)
		assert.Equal(t, c.drop, d.ID())
		assert.ErrorContains(t, err, c.drop)
	}
	assert.Equal(t, []processor.Stat{{ID: "0", Processor: "add_tags"}, {ID: "1", Processor: "drop_event", Filters: true, Dropped: 1}}, own.Stats())
	var dropped []int64
	for _, s := range global.Stats() {
		dropped = append(dropped, s.Dropped)
	}
	assert.Equal(t, []int64{0, 0, 1, 0, 2, 0}, dropped)
	assert.Nil(t, (*processor.List)(nil).Stats())
}

// A fault is told once a minute, counted each time, and keeps nobody from going on.
func TestFaults(t *testing.T) {
	var log bytes.Buffer
	now := time.Unix(1e9, 0)
	list, err := processor.Build([]processor.Spec{
		{Options: &processor.Rename{Common: processor.Common{ID: "mine"}, Fields: []processor.FromTo{{From: "a", To: "b"}}, FailOnError: true}},
		{Options: &processor.DropFields{Fields: []string{"gone"}}},
		{Options: &processor.IncludeFields{Fields: []string{}}},
		tag("end", nil),
	}, processor.Env{Logger: slog.New(slog.NewTextHandler(&log, nil)), Now: func() time.Time { return now }})
	require.NoError(t, err)
	chain := processor.Join(list)
	for i := range 3 {
		ev := event(t)
		ev.Error.Message = []string{"of before"}
		require.NoError(t, chain.Run(ev))
		assert.Equal(t, []string{"processor rename (mine) failed: renaming a to b: there is no such field in the document"}, ev.Error.Message)
		assert.Equal(t, []string{"end", processor.TagFailed}, ev.Tags)
		assert.NoError(t, ecs.CheckDocument(ev.AppendJSON(nil)))
		assert.Equal(t, 2*min(i+1, 2), strings.Count(log.String(), "processor failed"))
		if i == 0 {
			now = now.Add(time.Minute)
		}
	}
	stats := list.Stats()
	assert.Equal(t, []int64{3, 3, 0, 0}, []int64{stats[0].Failed, stats[1].Failed, stats[2].Failed, stats[3].Failed})
}

func TestCheck(t *testing.T) {
	specs := []processor.Spec{
		drop("", &condition.Config{Or: []condition.Config{*has("event.acton"), *has("eventName"), *has("labels.x"), *has("aws"), *has("json.userIdentity")}}),
		{Path: "p.1", Options: &processor.Rename{Fields: []processor.FromTo{{From: "user.nme", To: "who.is"}}}},
		{Path: "p.2", If: has("who.is"), Then: []processor.Spec{{Path: "p.2.then.0", Options: &processor.DropFields{Fields: []string{"/x/", "who", "type", "nowhere"}}}}},
		{Path: "p.3", Options: &processor.AddFields{Target: "fields", Fields: map[string]any{"a": "b"}}},
	}
	var got []string
	for _, w := range processor.Check(specs, []processor.Spec{{Path: "q", Options: &processor.DropFields{Fields: []string{"fields.a"}}}}) {
		got = append(got, w.Path+" "+w.Option+" "+w.Text)
	}
	assert.Equal(t, []string{
		` when documents have no field "event.acton"; did you mean "event.action"?`,
		` when documents have no field "eventName"; did you mean "event.action"?`,
		` when documents have no field "json.userIdentity"; did you mean "aws.cloudtrail.user_identity"?`,
		`p.1 fields.0.from documents have no field "user.nme"; did you mean "user.name"?`,
		`p.1 fields.0.to "who.is" is not among the fields of the documents: the index template does not declare it`,
		`p.2.then.0 fields.3 documents have no field "nowhere"`,
		`p.3 fields.a "fields.a" is not among the fields of the documents: the index template does not declare it`,
	}, got)
}

// Several goroutines run one chain, each with an event of its own.
func TestConcurrency(t *testing.T) {
	list, err := processor.Build([]processor.Spec{
		{Options: &processor.DropFields{Fields: []string{"/^related/", "/[.]n$/"}}},
		{Options: &processor.IncludeFields{Fields: []string{"event", "user", "tags", "/labels/"}}},
		{Options: &processor.AddLabels{Labels: map[string]any{"env": "prod", "list": []any{"a"}}}},
		{Options: &processor.Fingerprint{Fields: []string{"event.action"}, Method: "sha256", Encoding: "hex", TargetField: "labels.print"}},
		{Options: &processor.RedactFields{Fields: []string{"user.email"}, Replacement: "-"}},
		tag("x", nil), drop("", has("source.ip")), drop("", has("user.domain")),
		{Options: &processor.Rename{Fields: []processor.FromTo{{From: "gone", To: "b"}}, FailOnError: true}},
	}, processor.Env{})
	require.NoError(t, err)
	chain := processor.Join(list)
	want := event(t)
	require.NoError(t, chain.Run(want))
	doc := string(want.AppendJSON(nil))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				ev := event(t)
				if chain.Run(ev) != nil || string(ev.AppendJSON(nil)) != doc {
					t.Errorf("got %s", ev.AppendJSON(nil))
				}
				list.Stats()
			}
		})
	}
	wg.Wait()
	assert.Equal(t, int64(201), list.Stats()[8].Failed)
}
