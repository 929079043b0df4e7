package condition_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline/condition"
)

type fields = condition.Fields

func event(t testing.TB) *ecs.Event {
	ev := &ecs.Event{Timestamp: "2026-11-20T07:30:00.000Z", Tags: []string{"forwarded", "web"}}
	ev.Event.Action, ev.Event.Category = "GetObject", []string{"file", "network"}
	ev.Event.Provider = "s3.amazonaws.com"
	ev.Cloud.Account.ID = "011122223333"
	ev.Source.IP, ev.Source.Address = "10.1.2.3", "10.1.2.3"
	ev.Source.AS.Number = ecs.LongOf(64512)
	ev.Related.IP = []string{"10.1.2.3", "203.0.113.7"}
	ev.AWS.CloudTrail.ReadOnly = ecs.True
	ev.AWS.CloudTrail.Flattened.RequestParameters = ecs.RawJSON(`{"bucket":"logs","size":12,"half":0.5,"on":true,"list":["a",7,true,0.5]}`)
	require.NoError(t, ev.Put("labels.level", "17"))
	ev.PutRaw("event.code", ecs.RawJSON(`404`))
	return ev
}

const params = "aws.cloudtrail.flattened.request_parameters."

func TestMatch(t *testing.T) {
	ev := event(t)
	for name, c := range map[string]struct {
		cfg  condition.Config
		want bool
	}{
		"equals":                        {condition.Config{Equals: fields{"event.action": {"GetObject"}}}, true},
		"equals another":                {condition.Config{Equals: fields{"event.action": {"getobject"}}}, false},
		"equals one of some":            {condition.Config{Equals: fields{"event.action": {"A", "GetObject"}}}, true},
		"equals one of many":            {condition.Config{Equals: fields{"event.action": {"1", "2", "3", "4", "5", "6", "7", "8", "GetObject"}}}, true},
		"equals none of many":           {condition.Config{Equals: fields{"event.action": {"1", "2", "3", "4", "5", "6", "7", "8", "9"}}}, false},
		"equals all fields":             {condition.Config{Equals: fields{"event.action": {"GetObject"}, "aws.cloudtrail.read_only": {"true"}}}, true},
		"equals not all fields":         {condition.Config{Equals: fields{"event.action": {"GetObject"}, "aws.cloudtrail.read_only": {"false"}}}, false},
		"equals an element":             {condition.Config{Equals: fields{"event.category": {"network"}}}, true},
		"equals what is missing":        {condition.Config{Equals: fields{"event.kind": {"event"}}}, false},
		"equals a number":               {condition.Config{Equals: fields{"source.as.number": {"+64512"}}}, true},
		"equals with a leading zero":    {condition.Config{Equals: fields{"cloud.account.id": {"011122223333"}}}, true},
		"equals without a leading zero": {condition.Config{Equals: fields{"cloud.account.id": {"11122223333"}}}, false},
		"equals inside":                 {condition.Config{Equals: fields{params + "bucket": {"logs"}, params + "size": {"12"}, params + "half": {"0.5"}, params + "on": {"true"}}}, true},
		"equals elements inside":        {condition.Config{And: []condition.Config{{Equals: fields{params + "list": {"7"}}}, {Equals: fields{params + "list": {"true"}}}}}, true},
		"equals of another type":        {condition.Config{Equals: fields{"event.code": {"404"}}}, true},

		"contains":            {condition.Config{Contains: fields{"event.provider": {"amazon"}}}, true},
		"contains not":        {condition.Config{Contains: fields{"event.provider": {"Amazon"}}}, false},
		"contains in a list":  {condition.Config{Contains: fields{"tags": {"forward"}}}, true},
		"contains one of":     {condition.Config{Contains: fields{"tags": {"x", "eb"}}}, true},
		"contains in nothing": {condition.Config{Contains: fields{"event.kind": {"e"}}}, false},

		"regexp":                 {condition.Config{Regexp: fields{"event.action": {"^Get[A-Z]"}}}, true},
		"regexp literal":         {condition.Config{Regexp: fields{"event.action": {"^(?:List|Get)"}}}, true},
		"regexp literal, none":   {condition.Config{Regexp: fields{"event.action": {"^(List|Describe)"}}}, false},
		"regexp with dots":       {condition.Config{Regexp: fields{"event.provider": {`^s3\.amazonaws\.com$`}}}, true},
		"regexp, one of several": {condition.Config{Regexp: fields{"event.action": {"^X", "Object$"}}}, true},
		"regexp of a list":       {condition.Config{Regexp: fields{"related.ip": {`^203\.`}}}, true},

		"range":                     {condition.Config{Range: map[string]string{"source.as.number.gte": "64512", "source.as.number.lt": "65535"}}, true},
		"range, outside":            {condition.Config{Range: map[string]string{"source.as.number.gt": "64512"}}, false},
		"range of text":             {condition.Config{Range: map[string]string{"labels.level.lte": "17.5"}}, true},
		"range of other text":       {condition.Config{Range: map[string]string{"event.action.lte": "17.5"}}, false},
		"range of a fraction":       {condition.Config{Range: map[string]string{params + "half.gt": "0.4", params + "half.lt": "0.6"}}, true},
		"range of two fields":       {condition.Config{Range: map[string]string{params + "half.gt": "0.4", "source.as.number.lt": "1"}}, false},
		"range of a missing one":    {condition.Config{Range: map[string]string{"log.offset.gte": "0"}}, false},
		"range of times":            {condition.Config{Range: map[string]string{"@timestamp.gte": "2026-11-20", "@timestamp.lt": "2026-11-20T08:30:00+01:00"}}, false},
		"range of times, inclusive": {condition.Config{Range: map[string]string{"@timestamp.gte": "2026-11-20", "@timestamp.lte": "2026-11-20T08:30:00+01:00"}}, true},

		"network":            {condition.Config{Network: fields{"source.ip": {"10.0.0.0/8"}}}, true},
		"network, unmasked":  {condition.Config{Network: fields{"source.ip": {"10.1.2.250/24"}}}, true},
		"network, other":     {condition.Config{Network: fields{"source.ip": {"192.168.0.0/16"}}}, false},
		"network, a name":    {condition.Config{Network: fields{"source.ip": {"Private"}}}, true},
		"network, one of":    {condition.Config{Network: fields{"source.ip": {"public", "10.1.2.3"}}}, true},
		"network of a list":  {condition.Config{Network: fields{"related.ip": {"public"}}}, true},
		"network of no ip":   {condition.Config{Network: fields{"event.provider": {"0.0.0.0/0", "::/0"}}}, false},
		"network of nothing": {condition.Config{Network: fields{"client.ip": {"0.0.0.0/0"}}}, false},

		"has_fields":          {condition.Config{HasFields: []string{"event.action", "source", "labels.level", "event.code"}}, true},
		"has_fields, not all": {condition.Config{HasFields: []string{"event.action", "event.kind"}}, false},

		"not":       {condition.Config{Not: &condition.Config{HasFields: []string{"event.kind"}}}, true},
		"and":       {condition.Config{And: []condition.Config{{HasFields: []string{"event.action"}}, {HasFields: []string{"event.kind"}}}}, false},
		"or":        {condition.Config{Or: []condition.Config{{HasFields: []string{"event.action"}}, {HasFields: []string{"event.kind"}}}}, true},
		"or, none":  {condition.Config{Or: []condition.Config{{HasFields: []string{"event.kind"}}}}, false},
		"not of or": {condition.Config{Not: &condition.Config{Or: []condition.Config{{HasFields: []string{"tags"}}}}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			cond, err := condition.New(&c.cfg)
			require.NoError(t, err)
			assert.Equal(t, c.want, cond.Match(ev))
			assert.NotEmpty(t, cond.Fields())
		})
	}
}

func TestNamedNetworks(t *testing.T) {
	for name, want := range map[string]string{
		"loopback":                  "127.0.0.1 ::1",
		"unspecified":               "0.0.0.0 ::",
		"private":                   "10.0.0.1 172.16.0.1 192.168.255.255 fd00::1",
		"multicast":                 "224.0.0.1 ff01::1 ff02::1 239.1.2.3",
		"link_local_multicast":      "224.0.0.1 ff02::1",
		"interface_local_multicast": "ff01::1",
		"link_local_unicast":        "169.254.169.254 fe80::1",
		"unicast":                   "10.0.0.1 172.16.0.1 192.168.255.255 fd00::1 203.0.113.7 2001:db8::1 ::ffff:203.0.113.7",
		"global_unicast":            "10.0.0.1 172.16.0.1 192.168.255.255 fd00::1 203.0.113.7 2001:db8::1 ::ffff:203.0.113.7",
		"public":                    "203.0.113.7 2001:db8::1 ::ffff:203.0.113.7 239.1.2.3",
	} {
		cond, err := condition.New(&condition.Config{Network: fields{"source.ip": {name}}})
		require.NoError(t, err)
		var got []string
		for _, ip := range strings.Fields("127.0.0.1 ::1 0.0.0.0 :: 10.0.0.1 172.16.0.1 192.168.255.255 fd00::1 224.0.0.1 ff01::1 ff02::1 239.1.2.3 " +
			"169.254.169.254 fe80::1 255.255.255.255 203.0.113.7 2001:db8::1 ::ffff:203.0.113.7") {
			var ev ecs.Event
			if ev.Source.IP = ip; cond.Match(&ev) {
				got = append(got, ip)
			}
		}
		assert.ElementsMatch(t, strings.Fields(want), got, name)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		cfg  condition.Config
		want []string
	}{
		{condition.Config{}, []string{"when: is no condition; write one of equals, contains"}},
		{condition.Config{Equals: fields{"a": {"b"}}, HasFields: []string{"c"}}, []string{"when: has equals and has_fields side by side"}},
		{condition.Config{Equals: fields{}}, []string{"when.equals: names no field"}},
		{condition.Config{Equals: fields{"a": nil}}, []string{"when.equals.a: has no value"}},
		{condition.Config{Equals: fields{"a..b": {"c"}}}, []string{`when.equals.a..b: "a..b" is no name of a field`}},
		{condition.Config{Equals: fields{"aws.cloudtrail.read_only": {"yes"}}}, []string{`when.equals.aws.cloudtrail.read_only: is of type boolean, which "yes" can never be; write true or false`}},
		{condition.Config{Equals: fields{"source.as.number": {"x"}}}, []string{"when.equals.source.as.number: is of type long"}},
		{condition.Config{Equals: fields{"source.ip": {"10.0.0.0/8"}}}, []string{"when.equals.source.ip: is of type ip", "use network for a range"}},
		{condition.Config{Equals: fields{"labels": {"x"}}}, []string{"when.equals.labels: is of type object"}},
		{condition.Config{Contains: fields{"a": {""}}}, []string{"when.contains.a: is an empty text"}},
		{condition.Config{Regexp: fields{"a": {"(", "ok"}}}, []string{"when.regexp.a: is no regular expression that can be used: missing closing ): `(`"}},
		{condition.Config{Range: map[string]string{}}, []string{"when.range: names no field"}},
		{condition.Config{Range: map[string]string{"a": "1", "b.eq": "1", "c.gt": "x", "@timestamp.lt": "7", "source.ip.gt": "1"}}, []string{
			"when.range.a: does not say how to compare", "when.range.b.eq: does not say", `when.range.c.gt: is compared with numbers, and "x" is none`,
			`when.range.@timestamp.lt: is compared with times, and "7" is none`, "when.range.source.ip.gt: is of type ip, which is no number; use network"}},
		{condition.Config{Network: fields{"source.ip": {"10.0.0.0/33", "privat"}, "aws.cloudtrail.read_only": {"public"}}}, []string{
			`when.network.source.ip: "10.0.0.0/33" is no network`, `"privat" is no network; write CIDR`, "when.network.aws.cloudtrail.read_only: is of type boolean"}},
		{condition.Config{HasFields: []string{}}, []string{"when.has_fields: names no field"}},
		{condition.Config{HasFields: []string{"ok", ".x"}}, []string{"when.has_fields.1: "}},
		{condition.Config{And: []condition.Config{}}, []string{"when.and: is empty"}},
		{condition.Config{Or: []condition.Config{{HasFields: []string{"a"}}, {Not: &condition.Config{}}}}, []string{"when.or.1.not: is no condition"}},
	} {
		err := c.cfg.ValidateAt("when")
		require.Error(t, err)
		for _, want := range c.want {
			assert.ErrorContains(t, err, want)
		}
		assert.Len(t, strings.Split(err.Error(), "\n"), len(c.want)-strings.Count(strings.Join(c.want, ""), "use network for a range"))
		_, err = condition.New(&c.cfg)
		assert.Error(t, err)
	}
}

func TestNoAllocations(t *testing.T) {
	cond, err := condition.New(&condition.Config{And: []condition.Config{
		{Equals: fields{"event.action": {"GetObject"}, "aws.cloudtrail.read_only": {"true"}, "source.as.number": {"64512"}}},
		{Regexp: fields{"event.provider": {`amazonaws\.com$`}}}, {Network: fields{"source.ip": {"10.0.0.0/8"}}},
		{Not: &condition.Config{Network: fields{"event.provider": {"private"}}}},
		{Contains: fields{"tags": {"web"}}}, {HasFields: []string{"event.category"}}, {Range: map[string]string{"source.as.number.gt": "1"}},
	}})
	require.NoError(t, err)
	ev := event(t)
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		if !cond.Match(ev) {
			t.Fail()
		}
	}), 1.0, "the number is written out for equals, the rest costs nothing")
}

// Expressions that are compared as text answer as expressions do.
func FuzzRegexp(f *testing.F) {
	for _, expr := range []string{"^Get", "Get$", "^(Get|List)", `^a\.b$`, "(?:a|b)", "^$", "a|b", "(a)|(b)", `\.`, `a\$`, "(?i)get", "^(a", "()", `^\^`, ".*"} {
		f.Add(expr, "GetObject")
		f.Add(expr, "a.b")
	}
	f.Fuzz(func(t *testing.T, expr, text string) {
		re, err := regexp.Compile(expr)
		cond, ours := condition.New(&condition.Config{Regexp: fields{"event.action": {expr}}})
		require.Equal(t, err == nil, ours == nil, "%q", expr)
		if err != nil || text == "" || strings.Contains(expr, "\uFFFD") {
			return
		}
		text = strings.ToValidUTF8(text, "?")
		ev := &ecs.Event{}
		ev.Event.Action = text
		require.Equal(t, re.MatchString(text), cond.Match(ev), "%q on %q", expr, text)
	})
}

// Whatever is asked of whatever document, there is an answer, and not turns it around.
func FuzzMatch(f *testing.F) {
	f.Add("event.action", "GetObject", byte(0), `{"a":1}`)
	f.Add("source.ip", "10.0.0.0/8", byte(3), `7`)
	f.Add(params+"bucket", "logs", byte(1), `[null]`)
	f.Add("event.code.gte", "1", byte(4), `1e400`)
	f.Fuzz(func(t *testing.T, field, value string, kind byte, raw string) {
		var cfg condition.Config
		switch kind % 6 {
		case 0:
			cfg.Equals = fields{field: {value}}
		case 1:
			cfg.Contains = fields{field: {value}}
		case 2:
			cfg.Regexp = fields{field: {value}}
		case 3:
			cfg.Network = fields{field: {value}}
		case 4:
			cfg.Range = map[string]string{field: value}
		case 5:
			cfg.HasFields = []string{field, value}
		}
		cond, err := condition.New(&cfg)
		if err != nil {
			require.Error(t, cfg.Validate())
			return
		}
		opposite, err := condition.New(&condition.Config{Not: &cfg})
		require.NoError(t, err)
		ev := event(t)
		if json.Valid([]byte(raw)) {
			ev.PutRaw(field, ecs.RawJSON(raw))
		}
		require.NotEqual(t, cond.Match(ev), opposite.Match(ev))
	})
}
