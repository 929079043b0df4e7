package pipeline_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline"
	"github.com/trailbeat/trailbeat/pipeline/condition"
	"github.com/trailbeat/trailbeat/pipeline/processor"
)

func dropWhen(c condition.Config) processor.Spec {
	return processor.Spec{Options: &processor.DropEvent{Common: processor.Common{When: &c}}}
}

func sampled(c condition.Config, rate int) processor.Spec {
	o := processor.DefaultSample()
	o.When, o.Rate = &c, rate
	return processor.Spec{Options: &o}
}

func not(c condition.Config) condition.Config { return condition.Config{Not: &c} }

// earlyFields are all fields that a rule may name and be decided before the mapping.
var earlyFields = []string{
	"event.action", "event.provider", "event.id", "cloud.region", "cloud.account.id", "source.address", "source.ip", "user.id", "user.name",
	"aws.cloudtrail.event_category", "aws.cloudtrail.event_type", "aws.cloudtrail.event_version", "aws.cloudtrail.error_code",
	"aws.cloudtrail.error_message", "aws.cloudtrail.api_version", "aws.cloudtrail.request_id", "aws.cloudtrail.recipient_account_id",
	"aws.cloudtrail.read_only", "aws.cloudtrail.management_event", "aws.cloudtrail.user_identity.type", "aws.cloudtrail.user_identity.arn",
	"aws.cloudtrail.user_identity.access_key_id", "aws.cloudtrail.user_identity.invoked_by",
	"aws.cloudtrail.resources.arn", "aws.cloudtrail.resources.account_id", "aws.cloudtrail.resources.type",
	"aws.cloudtrail.user_identity.session_context.session_issuer.type", "aws.cloudtrail.user_identity.session_context.session_issuer.arn",
	"aws.cloudtrail.user_identity.session_context.session_issuer.account_id", "aws.cloudtrail.user_identity.session_context.session_issuer.principal_id",
}

// earlyRules are lists of rules in which every early field is asked for its presence, its absence and its value.
func earlyRules(docs []*ecs.Event) [][]processor.Spec {
	var lists [][]processor.Spec
	for _, field := range earlyFields {
		has := condition.Config{HasFields: []string{field}}
		lists = append(lists, []processor.Spec{dropWhen(has)}, []processor.Spec{dropWhen(not(has))})
		values := condition.Fields{}
		for i, ev := range docs {
			if v, ok := ev.Get(field); ok && i%3 == 0 {
				switch v := v.(type) {
				case []string:
					values[field] = append(values[field], v...)
				case string:
					values[field] = append(values[field], v)
				case bool:
					values[field] = []string{"true"}
				}
			}
		}
		if len(values) > 0 {
			lists = append(lists, []processor.Spec{dropWhen(condition.Config{Equals: values})}, []processor.Spec{dropWhen(not(condition.Config{Equals: values}))})
		}
	}
	reads := condition.Config{Equals: condition.Fields{"aws.cloudtrail.read_only": {"true"}}}
	kms := condition.Config{Equals: condition.Fields{"event.provider": {"kms.amazonaws.com"}}}
	office := condition.Config{Network: condition.Fields{"source.ip": {"203.0.113.0/24", "private"}}}
	return append(lists,
		// The first rule that takes a record is counted, in whatever order they could be decided.
		[]processor.Spec{dropWhen(reads), dropWhen(kms), dropWhen(office)},
		[]processor.Spec{dropWhen(condition.Config{And: []condition.Config{reads, not(kms)}}), dropWhen(condition.Config{Or: []condition.Config{kms, office}})},
		[]processor.Spec{dropWhen(office), dropWhen(condition.Config{HasFields: []string{"user_agent.name"}}), dropWhen(reads)},
		[]processor.Spec{{If: &reads, Then: []processor.Spec{dropWhen(office)}, Else: []processor.Spec{{Options: &processor.DropEvent{Guarded: true}}}}},
		// A field that is changed before the rule is not what the record says.
		[]processor.Spec{
			dropWhen(office),
			{Options: &processor.AddFields{Fields: map[string]any{"event": map[string]any{"provider": "kms.amazonaws.com"}}, Common: processor.Common{When: &reads}}},
			dropWhen(kms),
		},
		// A part of the events, by what tells them apart.
		[]processor.Spec{sampled(reads, 3), dropWhen(kms)},
		[]processor.Spec{sampled(kms, 2), dropWhen(condition.Config{HasFields: []string{"labels.sample_rate"}}), sampled(reads, 2)},
		[]processor.Spec{
			{Options: &processor.AddTags{Tags: []string{"x"}, Target: "tags"}},
			{Options: &processor.Rename{Fields: []processor.FromTo{{From: "event.provider", To: "labels.provider"}}, IgnoreMissing: true}},
			dropWhen(reads), dropWhen(kms),
		},
	)
}

// twins are two pipelines with the same rules, of which one decides after the mapping.
type twins struct{ early, late *pipeline.Pipeline }

func newTwins(t testing.TB, base *pipeline.Pipeline, specs []processor.Spec) twins {
	var p [2]*pipeline.Pipeline
	for i := range p {
		list, err := processor.Build(specs, processor.Env{})
		require.NoError(t, err)
		p[i], err = base.With(pipeline.Config{PreserveOriginalEvent: true, Processors: processor.Join(list)})
		require.NoError(t, err)
	}
	p[1].DecideLate()
	return twins{p[0], p[1]}
}

// fillers are what a shipper knows of a record before the mapping.
var fillers = []func(*ecs.Event){
	func(*ecs.Event) {},
	func(ev *ecs.Event) {
		ev.Cloud.Provider, ev.Cloud.Region, ev.AWS.S3.Bucket.Name = "aws", "eu-north-1", "trail"
	},
	func(ev *ecs.Event) {
		ev.Cloud.Account.ID, ev.Event.Provider, ev.Event.ID, ev.Source.Address = "999999999999", "x", "y", "10.0.0.1"
	},
}

// compare maps raw both ways. The outcomes are the same: the rule, or the document.
func (tw twins) compare(t testing.TB, raw []byte, filler func(*ecs.Event), a, b *ecs.Event) (dropped bool) {
	var errs [2]error
	for i, ev := range []*ecs.Event{a, b} {
		ev.Reset()
		ev.Timestamp = goldenTime
		filler(ev)
		errs[i] = []*pipeline.Pipeline{tw.early, tw.late}[i].Process(raw, ev)
	}
	if errs[0] != nil || errs[1] != nil {
		var x, y *processor.Drop
		require.ErrorAs(t, errs[0], &x, "%s", raw)
		require.ErrorAs(t, errs[1], &y, "%s", raw)
		require.ErrorIs(t, x, pipeline.ErrDrop)
		require.Equal(t, y.ID(), x.ID(), "%s", raw)
		return true
	}
	require.Equal(t, string(b.AppendJSON(nil)), string(a.AppendJSON(nil)))
	require.Equal(t, b.Meta, a.Meta)
	return false
}

func goldenRecords(t testing.TB) [][]byte {
	inputs, err := filepath.Glob(filepath.Join("..", "testdata", "cloudtrail", "*", "input.json"))
	require.NoError(t, err)
	var all [][]byte
	for _, input := range inputs {
		raw, err := os.ReadFile(input)
		require.NoError(t, err)
		all = append(all, compacted(raw))
	}
	return all
}

func mapAll(t testing.TB, p *pipeline.Pipeline, records [][]byte) []*ecs.Event {
	var docs []*ecs.Event
	for _, raw := range records {
		ev := new(ecs.Event)
		require.NoError(t, p.Process(raw, ev))
		docs = append(docs, ev)
	}
	return docs
}

// odd are records about which early and late could differ.
var odd = []string{
	`{"eventName":"A","eventName":"B"}`, `{"eventName":"A","requestParameters":{"x":1,"x":2}}`, `{"eventName":"A"} x`, `{"eventName":"A","a":"\x"}`,
	`{"eventName":"A","userAgent":7,"errorCode":"E","readOnly":true}`, `{"eventName":"-","readOnly":"none"}`, `{"eventName":null}`, `{"eventName":7}`,
	`{"readOnly":"true"}`, `{"readOnly":1}`, `{"managementEvent":true}`, `{"managementEvent":"false"}`, `{"managementEvent":0}`, `{"eventName":"\u0041"}`,
	`{"event\u004eame":"A"}`, "{\"eventName\":\"A\xff\"}", "{\"eventName\":\"A\",\"x\":\"\xff\"}", `[{"eventName":"A"}]`, ``, `null`,
	`{"userIdentity":"x"}`, `{"userIdentity":[]}`, `{"userIdentity":{}}`, `{"userIdentity":null,"recipientAccountId":"1"}`,
	`{"userIdentity":{"accountId":"1"},"recipientAccountId":"2","awsAccountId":"3"}`, `{"recipientAccountId":"2","awsAccountId":"3"}`, `{"awsAccountId":"3"}`,
	`{"userIdentity":{"accountId":5},"recipientAccountId":"2"}`, `{"userIdentity":{"accountId":"-"},"recipientAccountId":"2"}`,
	`{"userIdentity":{"type":"AWSService","invokedBy":"ec2.amazonaws.com","userName":"u","principalId":"p"}}`, `{"userIdentity":{"type":"AWSService","userName":"u","principalId":"p"}}`,
	`{"userIdentity":{"type":"AssumedRole","principalId":"p","userName":"u","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::1:role/aws-service-role/x/y","userName":"i"}}}}`,
	`{"userIdentity":{"type":"AssumedRole","principalId":"p","userName":"u","sessionContext":{"sessionIssuer":{"arn":"a","userName":"i","type":"Role","principalId":"q","accountId":"3"}}}}`,
	`{"userIdentity":{"type":"IdentityCenterUser","onBehalfOf":{"userId":"z"}}}`, `{"userIdentity":{"type":"Root","sessionContext":{"sessionIssuer":"s"}}}`,
	`{"userIdentity":{"type":"AssumedRole","sessionContext":"none"}}`, `{"eventName":"UserAuthentication","additionalEventData":{"UserName":"n"}}`,
	`{"sourceIPAddress":"203.0.113.7"}`, `{"sourceIPAddress":"fe80::1%eth0"}`, `{"sourceIPAddress":"010.0.0.1"}`, `{"sourceIPAddress":"ec2.amazonaws.com"}`,
	`{"eventTime":"x","eventName":"A","readOnly":false}`, `{"eventName":"A","userAgent":null,"errorCode":"E"}`, `{"eventName":"A","userAgent":"","errorCode":"E"}`,
	`{"resources":[{"ARN":"a","accountId":"1","type":"t"},{"ARN":"b"}]}`, `{"resources":[]}`, `{"resources":null}`, `{"resources":{}}`, `{"resources":"x"}`, `{"resources":[null]}`,
	`{"resources":[{}]}`, `{"resources":[ { "ARN" : "a" , "ARNPrefix" : "p" } , {"type":"t"} ] }`, `{"resources":[{"arn":"a"},{"ARN":"b","arn":"c"}]}`, `{"resources":[{"ARN":"-"},{"ARN":"a"}]}`,
	`{"resources":[{"ARN":"a","accountId":"b"},{"ARN":"a_b"},{"ARN":"a","accountId":"b"}]}`, `{"resources":[{"ARN":"a\u0062"}]}`, `{"resources":[{"ARN":"a","type":7}]}`, `{"resources":[["a"]]}`,
	`{"resources":[{"ARN":"a","x":{"y":1}}],"userAgent":5}`, `{"resources":[{"ARN":"a"}],"userAgent":5}`, `{"resources":[{"ARN":"a"}],"resources":[]}`, `{"resources":["a"]}`, `{"resources":[{"ARN":"a"}`,
	`{"resources":[{"ARN":"1"},{"ARN":"2"},{"ARN":"3"},{"ARN":"4"},{"ARN":"5"},{"ARN":"6"},{"ARN":"7"},{"ARN":"8"},{"ARN":"9"}]}`, `{"resources":[{"ARN":"a","accountId":"none"}]}`,
	`{"resources":[{"ARN":"a","account_id":"1"}]}`, `{"resources":[{"ARN":"a"},{"ARN":"a","x":"1"}]}`,
	`{"eventName":"A","a":01}`, `{"eventName":"A","a":[1,]}`, `{"eventName":"A"`, "\n{ \"eventName\" : \"A\" }\n",
}

// A rule takes the same records, and is counted for the same ones, before the mapping and after it.
func TestEarlyIsLate(t *testing.T) {
	base, err := pipeline.New(pipeline.Config{GeoIP: geoDatabases(t)})
	require.NoError(t, err)
	records := goldenRecords(t)
	docs := mapAll(t, base, records)
	for _, raw := range odd {
		records = append(records, []byte(raw))
	}
	var a, b ecs.Event
	dropped, rules, early := 0, earlyRules(docs), 0
	for i, specs := range rules {
		tw := newTwins(t, base, specs)
		if tw.early.Early() {
			early++
		}
		for j, raw := range records {
			if tw.compare(t, raw, fillers[(i+j)%len(fillers)], &a, &b) {
				dropped++
			}
		}
	}
	assert.GreaterOrEqual(t, early, len(rules)-2, "nearly all lists begin with rules that need no mapping")
	assert.Greater(t, dropped, 1000)
	t.Logf("%d lists of rules, %d records, %d drops", len(rules), len(records), dropped)
}

// A rule behind one that has to wait waits too, and so does one on a field that a processor changes.
func TestWhatIsEarly(t *testing.T) {
	reads := condition.Config{Equals: condition.Fields{"aws.cloudtrail.read_only": {"true"}}}
	agent := condition.Config{Equals: condition.Fields{"user_agent.name": {"aws-cli"}}}
	for name, c := range map[string]struct {
		specs []processor.Spec
		early bool
	}{
		"a member":                           {[]processor.Spec{dropWhen(reads)}, true},
		"a field of the mapping":             {[]processor.Spec{dropWhen(agent)}, false},
		"behind one of the mapping":          {[]processor.Spec{dropWhen(agent), dropWhen(reads)}, false},
		"one of both":                        {[]processor.Spec{dropWhen(condition.Config{Or: []condition.Config{agent, reads}})}, false},
		"behind a change elsewhere":          {[]processor.Spec{{Options: &processor.AddTags{Tags: []string{"x"}, Target: "tags"}}, dropWhen(reads)}, true},
		"behind a pattern":                   {[]processor.Spec{{Options: &processor.DropFields{Fields: []string{"/x/"}}}, dropWhen(reads)}, false},
		"behind a change of the group":       {[]processor.Spec{{Options: &processor.DropFields{Fields: []string{"aws"}}}, dropWhen(reads)}, false},
		"behind a change of the member":      {[]processor.Spec{{Options: &processor.DropFields{Fields: []string{"aws.cloudtrail.read_only"}}}, dropWhen(reads)}, false},
		"of a bucket":                        {[]processor.Spec{dropWhen(condition.Config{Equals: condition.Fields{"aws.s3.bucket.name": {"b"}}})}, true},
		"of tags, which the mapping changes": {[]processor.Spec{dropWhen(condition.Config{Contains: condition.Fields{"tags": {"b"}}})}, false},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := processor.Build(c.specs, processor.Env{})
			require.NoError(t, err)
			p, err := pipeline.New(pipeline.Config{Processors: processor.Join(list)})
			require.NoError(t, err)
			assert.Equal(t, c.early, p.Early())
		})
	}
}

// FuzzEarlyIsLate is TestEarlyIsLate with records that nobody thought of.
func FuzzEarlyIsLate(f *testing.F) {
	base, err := pipeline.New(pipeline.Config{})
	require.NoError(f, err)
	records := goldenRecords(f)
	var all []twins
	for _, specs := range earlyRules(mapAll(f, base, records)) {
		all = append(all, newTwins(f, base, specs))
	}
	for i, raw := range records {
		f.Add(raw, uint16(i))
	}
	for i, raw := range odd {
		f.Add([]byte(raw), uint16(i))
	}
	var a, b ecs.Event
	f.Fuzz(func(t *testing.T, raw []byte, choice uint16) {
		for i := range all {
			if i%32 == int(choice)%32 {
				all[i].compare(t, raw, fillers[int(choice)%len(fillers)], &a, &b)
			}
		}
	})
}

// A dropped record costs no memory, and little beside a mapped one: see the benchmark.
func TestDropAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the pools lose entries on purpose under the race detector")
	}
	p := dropping(t, condition.Config{Equals: condition.Fields{"event.action": {"CreateUser"}, "cloud.account.id": {"111122223333"}}})
	var ev ecs.Event
	raw := []byte(record)
	assert.Less(t, testing.AllocsPerRun(200, func() {
		ev.Reset()
		ev.Timestamp = goldenTime
		if !errors.Is(p.Process(raw, &ev), pipeline.ErrDrop) {
			t.Error("not dropped")
		}
	}), 0.5)
}

func dropping(t testing.TB, c condition.Config) *pipeline.Pipeline {
	list, err := processor.Build([]processor.Spec{dropWhen(c)}, processor.Env{})
	require.NoError(t, err)
	p, err := pipeline.New(pipeline.Config{PreserveOriginalEvent: true, Processors: processor.Join(list)})
	require.NoError(t, err)
	require.True(t, p.Early())
	return p
}

// BenchmarkDrop compares a record that is mapped and written with one that a rule takes. Their order of 1 : 0.35 at most is what
// the documentation says.
func BenchmarkDrop(b *testing.B) {
	var records [][]byte
	var size int64
	for _, raw := range goldenRecords(b) {
		if len(raw) > 600 && len(raw) < 6000 {
			records = append(records, raw)
			size += int64(len(raw))
		}
	}
	plain, err := pipeline.New(pipeline.Config{PreserveOriginalEvent: true})
	require.NoError(b, err)
	everything := condition.Config{Not: &condition.Config{Equals: condition.Fields{"event.action": {"Nothing"}, "event.provider": {"nobody"}}}}
	rare := condition.Config{Equals: condition.Fields{"event.action": {"Nothing"}, "event.provider": {"nobody"}}}
	absent := condition.Config{Equals: condition.Fields{"aws.cloudtrail.error_code": {"Nothing"}}}
	account := condition.Config{Not: &condition.Config{Equals: condition.Fields{"cloud.account.id": {"0"}, "user.name": {"nobody"}}}}
	for _, c := range []struct {
		name string
		p    *pipeline.Pipeline
	}{
		{"mapped", plain}, {"dropped", dropping(b, everything)}, {"dropped-by-identity", dropping(b, account)},
		{"kept-by-a-rule", dropping(b, rare)}, {"kept-by-a-rule-on-a-missing-member", dropping(b, absent)},
	} {
		b.Run(c.name, func(b *testing.B) {
			var ev ecs.Event
			var buf []byte
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				for _, raw := range records {
					ev.Reset()
					ev.Timestamp = goldenTime
					if c.p.Process(raw, &ev) == nil {
						buf = ev.AppendJSON(buf[:0])
					}
				}
			}
		})
	}
}
