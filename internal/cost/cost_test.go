package cost

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/internal/terminal"
	"github.com/trailbeat/trailbeat/pipeline"
	"github.com/trailbeat/trailbeat/pipeline/condition"
	"github.com/trailbeat/trailbeat/pipeline/processor"
	"github.com/trailbeat/trailbeat/pipeline/routing"
)

// record makes one; more are members of it.
func record(at, source, name string, more ...string) string {
	members := append([]string{fmt.Sprintf(`"eventVersion":"1.11","eventTime":%q,"eventSource":%q,"eventName":%q,"awsRegion":"eu-west-1","recipientAccountId":"111122223333"`, at, source, name)}, more...)
	return "{" + strings.Join(members, ",") + "}"
}

const (
	read     = `"readOnly":true,"eventCategory":"Management"`
	write    = `"readOnly":false,"eventCategory":"Management"`
	dataRead = `"readOnly":true,"eventCategory":"Data"`
	denied   = `"errorCode":"AccessDenied"`
	scanner  = `"userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/scanner/s1","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/scanner"}}}`
	service  = `"userIdentity":{"type":"AWSService","invokedBy":"ecs-tasks.amazonaws.com"}`
	behalf   = `"userIdentity":{"type":"AssumedRole","invokedBy":"s3.amazonaws.com","arn":"arn:aws:sts::111122223333:assumed-role/app/a"}`
	person   = `"userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/amina","userName":"amina"}`
)

// fill maps records into a sample, as the flow does.
func fill(t *testing.T, s *Sample, records ...string) {
	t.Helper()
	p, err := pipeline.New(pipeline.Config{})
	require.NoError(t, err)
	defer p.Close()
	var events []*ecs.Event
	for _, r := range records {
		ev := new(ecs.Event)
		ev.Timestamp = "2026-11-21T00:00:00.000000000Z"
		ev.DataStream.Type, ev.DataStream.Dataset, ev.DataStream.Namespace = "logs", "aws.cloudtrail", "default"
		require.NoError(t, p.Process([]byte(r), ev))
		ev.Meta.Dated = ev.Timestamp != "2026-11-21T00:00:00.000000000Z"
		ev.Meta.Raw = []byte(r)
		events = append(events, ev)
	}
	res, err := s.Write(t.Context(), events)
	require.NoError(t, err)
	require.Equal(t, len(records), res.Stored)
}

func rows(t *testing.T, r *Report, name string) map[string]int64 {
	t.Helper()
	for _, table := range r.Tables {
		if table.Name == name {
			out := map[string]int64{}
			for _, row := range table.Rows {
				out[row.Key] = row.Events
			}
			return out
		}
	}
	t.Fatalf("there is no table %s", name)
	return nil
}

func trail() []string {
	return []string{
		record("2026-11-20T08:00:00Z", "s3.amazonaws.com", "GetObject", dataRead, scanner),
		record("2026-11-20T08:10:00Z", "s3.amazonaws.com", "GetObject", dataRead, scanner),
		record("2026-11-20T08:20:00Z", "s3.amazonaws.com", "GetObject", dataRead, scanner, denied),
		record("2026-11-20T09:00:00Z", "dynamodb.amazonaws.com", "GetItem", dataRead, person),
		record("2026-11-20T09:30:00Z", "ec2.amazonaws.com", "DescribeInstances", read, scanner),
		record("2026-11-20T10:00:00Z", "kms.amazonaws.com", "Decrypt", read, behalf),
		record("2026-11-20T11:00:00Z", "kms.amazonaws.com", "Decrypt", read, person),
		record("2026-11-20T12:00:00Z", "sts.amazonaws.com", "AssumeRole", write, service),
		record("2026-11-20T14:00:00Z", "iam.amazonaws.com", "CreateUser", write, person),
	}
}

func TestReport(t *testing.T) {
	s := New(Options{})
	fill(t, s, trail()...)
	r := s.Report(View{PricePerGB: 2, PriceOf: "raw", Objects: 3})
	assert.EqualValues(t, 9, r.Sample.Events)
	assert.EqualValues(t, len(strings.Join(trail(), "")), r.Sample.Raw)
	assert.Equal(t, map[string]int64{"Management": 5, "Data": 4}, rows(t, r, "category"))
	assert.Equal(t, map[string]int64{"Management:read": 3, "Management:write": 2, "Data:read": 4}, rows(t, r, "access"))
	assert.Equal(t, int64(3), rows(t, r, "service")["s3"])
	assert.Equal(t, int64(2), rows(t, r, "action")["kms:Decrypt"])
	assert.Equal(t, map[string]int64{
		"arn:aws:iam::111122223333:role/scanner": 4, "arn:aws:iam::111122223333:user/amina": 3,
		"arn:aws:sts::111122223333:assumed-role/app/a": 1, "ecs-tasks.amazonaws.com": 1,
	}, rows(t, r, "principal"))
	assert.Equal(t, map[string]int64{"111122223333": 9}, rows(t, r, "account"))
	assert.InDelta(t, 6*3600, r.Sample.SpanSeconds, 1e-9)
	assert.EqualValues(t, 7, r.Sample.Hours)
	assert.EqualValues(t, 6, r.Sample.HoursWithEvents)
	assert.InDelta(t, 36, r.Day.Events, 1e-9, "four times a quarter of a day")
	assert.InDelta(t, 9*4*30, r.Month.Events, 1e-9)
	assert.InDelta(t, r.Month.Raw/1e9*2, *r.Month.Price, 1e-12)
	assert.Contains(t, strings.Join(r.Notes, "\n"), "Only 6 of the 7 hours")
	for _, table := range r.Tables {
		sum := table.Others
		sum.add(table.More)
		for _, row := range table.Rows {
			sum.add(row.Amount)
		}
		assert.Equal(t, r.Sample.Amount, sum, "%s: nothing is lost in a table", table.Name)
	}
}

func finding(r *Report, id string) *Finding {
	for i := range r.Rules {
		if r.Rules[i].ID == id {
			return &r.Rules[i]
		}
	}
	return nil
}

func TestProposedRules(t *testing.T) {
	s := New(Options{})
	fill(t, s, trail()...)
	r := s.Report(View{})
	for id, events := range map[string]int64{
		"data-read-s3": 2, "data-read-dynamodb": 1, "kms-use": 2, "kms-by-services": 1, "assume-role-by-services": 1,
		"read-by-role-scanner": 1, "read-by-user-amina": 1, "read-by-services": 0,
	} {
		f := finding(r, id)
		if events == 0 {
			assert.Nil(t, f, "%s takes the same as another", id)
			continue
		}
		if assert.NotNil(t, f, id) {
			assert.Equal(t, events, f.Alone.Events, "%s; failures stay", id)
		}
	}
	assert.EqualValues(t, 7, r.Together.Alone.Events, "each event once")
	sum := Amount{}
	for _, f := range r.Rules {
		sum.add(f.InOrder)
	}
	assert.Equal(t, r.Together.Alone, sum)
	assert.EqualValues(t, 0, finding(r, "kms-by-services").InOrder.Events, "all key use stands before it")

	assert.Empty(t, New(Options{}).Report(View{}).Rules)
	assert.Len(t, s.Report(View{MinShare: 0.2}).Rules, 2, "s3 and kms")
}

// What two keys share is proposed under two names.
func TestIDsOfRulesDiffer(t *testing.T) {
	s := New(Options{})
	role := `"userIdentity":{"type":"AssumedRole","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::%s:role/a b"}}}`
	fill(t, s,
		record("2026-11-20T08:00:00Z", "ec2.amazonaws.com", "DescribeInstances", read, fmt.Sprintf(role, "111122223333")),
		record("2026-11-20T08:00:01Z", "ec2.amazonaws.com", "DescribeInstances", read, `"requestID":"x"`, fmt.Sprintf(role, "444455556666")),
	)
	r := s.Report(View{})
	assert.NotNil(t, finding(r, "read-by-role-a-b"))
	assert.NotNil(t, finding(r, "read-by-role-a-b-2"))
	assert.EqualValues(t, 2, r.Together.Alone.Events)
}

func TestRange(t *testing.T) {
	from := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	s := New(Options{From: from, To: from.Add(3 * time.Hour)})
	fill(t, s, trail()...)
	fill(t, s, `{"eventName":"NoTime"}`)
	r := s.Report(View{Now: from.AddDate(1, 0, 0)})
	assert.EqualValues(t, 5, r.Sample.Events, "9:00 to before 12:00, and what has no time")
	assert.EqualValues(t, 5, r.Sample.Outside)
	assert.EqualValues(t, 1, r.Sample.Undated)
	assert.Equal(t, "range", r.Sample.SpanFrom)
	assert.InDelta(t, 3*3600, r.Sample.SpanSeconds, 1e-9)
	assert.InDelta(t, 2*3600, s.Report(View{Now: from.Add(2 * time.Hour)}).Sample.SpanSeconds, 1e-9, "the end is not yet")
	assert.InDelta(t, 3600, s.Report(View{Span: time.Hour}).Sample.SpanSeconds, 1e-9)
}

func TestOneEventStandsForNoTime(t *testing.T) {
	s := New(Options{})
	fill(t, s, trail()[0])
	r := s.Report(View{PricePerGB: 1})
	assert.Nil(t, r.Day)
	assert.Contains(t, r.Notes[0], "--span")
	var out bytes.Buffer
	require.NoError(t, r.WriteText(&out, terminal.Style{}))
	assert.NotContains(t, out.String(), "a month")
}

func TestLimit(t *testing.T) {
	told := 0
	s := New(Options{Limit: int64(len(trail()[0])) + 1, Enough: func() { told++ }})
	fill(t, s, trail()...)
	r := s.Report(View{})
	assert.EqualValues(t, 2, r.Sample.Events)
	assert.True(t, r.Sample.Limited)
	assert.Equal(t, 1, told)
}

func TestTableIsBounded(t *testing.T) {
	table := newTable(100)
	for i := range 5000 {
		table.add(key{name: "often"}, Amount{1, 10, 20})
		table.add(key{name: fmt.Sprint("once ", i)}, Amount{1, 1, 2})
	}
	assert.LessOrEqual(t, len(table.rows), 100)
	assert.Equal(t, Amount{5000, 50_000, 100_000}, *table.rows[key{name: "often"}])
	sum := table.others
	for _, row := range table.rows {
		sum.add(*row)
	}
	assert.Equal(t, Amount{10_000, 55_000, 110_000}, sum)
	assert.Positive(t, table.shortBy)

	s := New(Options{})
	s.tables[4] = newTable(2)
	fill(t, s, trail()...)
	assert.Contains(t, strings.Join(s.Report(View{}).Notes, "\n"), `The table by principal was full`)
}

// More principals than there are places for rules: what is proposed stays right.
func TestRulesAreBounded(t *testing.T) {
	s := New(Options{})
	for i := range s.trial.families {
		s.trial.families[i].limit = 1
	}
	fill(t, s,
		record("2026-11-20T08:00:00Z", "s3.amazonaws.com", "GetObject", dataRead),
		record("2026-11-20T08:00:00Z", "dynamodb.amazonaws.com", "GetItem", dataRead),
		record("2026-11-20T09:00:00Z", "s3.amazonaws.com", "GetObject", dataRead),
	)
	r := s.Report(View{})
	require.Len(t, r.Rules, 1)
	assert.EqualValues(t, 2, r.Together.Alone.Events)
	assert.Contains(t, strings.Join(r.Notes, "\n"), "1 events came after all places for rules")
}

func ownChain(t *testing.T) *processor.List {
	t.Helper()
	fields := processor.DefaultAddFields()
	fields.Target, fields.Fields = "data_stream", map[string]any{"namespace": "cheap"}
	fields.When = &condition.Config{Equals: condition.Fields{"event.provider": {"kms.amazonaws.com"}}}
	list, err := processor.Build([]processor.Spec{
		{Options: &processor.DropEvent{Common: processor.Common{ID: "objects", When: &condition.Config{Equals: condition.Fields{"event.action": {"GetObject"}}}}}},
		{Options: &processor.DropEvent{Common: processor.Common{ID: "never", When: &condition.Config{Equals: condition.Fields{"event.action": {"Never"}}}}}},
		{Options: &processor.DropEvent{Common: processor.Common{ID: "raw", When: &condition.Config{Contains: condition.Fields{"event.original": {"GetItem"}}}}}},
		{Options: &processor.DropFields{Fields: []string{"related"}, IgnoreMissing: true}},
		{Options: &fields},
	}, processor.Env{})
	require.NoError(t, err)
	return list
}

func TestOwnRules(t *testing.T) {
	list := ownChain(t)
	s := New(Options{Rules: processor.Join(list)})
	fill(t, s, trail()...)
	o := s.Report(View{RuleStats: list.Stats()}).Own
	require.Len(t, o.Rules, 5)
	assert.EqualValues(t, 3, o.Rules[0].Dropped.Events)
	assert.EqualValues(t, 0, o.Rules[1].Dropped.Events)
	assert.EqualValues(t, 1, o.Rules[2].Dropped.Events, "the record is there for rules, and gone afterwards")
	for i, stat := range list.Stats() {
		assert.Equal(t, stat.Dropped, o.Rules[i].Dropped.Events, stat.ID)
	}
	assert.EqualValues(t, 5, o.Kept.Events)
	assert.EqualValues(t, 4, o.Saved.Events)
	assert.Less(t, o.Rules[0].Dropped.Document+o.Rules[2].Dropped.Document, o.Saved.Document, "fields that go save as well")
	require.Len(t, o.Streams, 2)
	assert.Equal(t, "logs-aws.cloudtrail-cheap", o.Streams[0].Name)
	assert.EqualValues(t, 2, o.Streams[0].Events)
}

func TestOwnRouting(t *testing.T) {
	when := func(action string) *condition.Config {
		return &condition.Config{Equals: condition.Fields{"event.action": {action}}}
	}
	table, err := routing.New(routing.Config{Rules: []routing.Rule{
		{Name: "noise", When: when("Decrypt"), Target: routing.Target{Output: routing.Discard}},
		{Name: "objects", When: when("GetObject"), Target: routing.Target{Output: "cheap", Dataset: "aws.cloudtrail_data"}},
		{Name: "odd", When: when("CreateUser"), Target: routing.Target{Output: routing.DeadLetters}},
	}})
	require.NoError(t, err)
	s := New(Options{Routing: table})
	fill(t, s, trail()...)
	o := s.Report(View{}).Own
	require.Len(t, o.Rules, 1)
	assert.Equal(t, "noise", o.Rules[0].ID)
	assert.EqualValues(t, 2, o.Rules[0].Dropped.Events)
	assert.EqualValues(t, 7, o.Kept.Events)
	var to []string
	for _, d := range o.Streams {
		to = append(to, fmt.Sprint(d.Output, " ", d.Name, " ", d.Events))
	}
	assert.Equal(t, []string{"cheap logs-aws.cloudtrail_data-default 3", "dead_letters  1", "default logs-aws.cloudtrail-default 3"}, to)
}

func TestPages(t *testing.T) {
	list := ownChain(t)
	s := New(Options{Rules: processor.Join(list)})
	fill(t, s, trail()...)
	fill(t, s, record("2026-11-20T14:00:01Z", `<script>alert(1)</script>`, "\\u001b[31mRed"))
	r := s.Report(View{PricePerGB: 0.5, PriceOf: "documents", RuleStats: list.Stats()})
	var page, text, data bytes.Buffer
	require.NoError(t, r.WriteHTML(&page))
	assert.Contains(t, page.String(), "<svg")
	assert.Contains(t, page.String(), "arn:aws:iam::111122223333:role/scanner")
	assert.NotContains(t, page.String(), "<script")
	assert.Contains(t, page.String(), "&lt;script&gt;alert(1)", "it is shown, as text")
	for _, outside := range []string{"http:", "https:", "src=", "url(", "@import", "<link"} {
		assert.NotContains(t, page.String(), outside)
	}
	require.NoError(t, r.WriteText(&text, terminal.Style{}))
	assert.NotContains(t, text.String(), "\x1b")
	assert.Contains(t, text.String(), "What --rules saves")
	assert.Contains(t, text.String(), `aws.cloudtrail.read_only: true`)
	require.NoError(t, json.NewEncoder(&data).Encode(r))
	assert.Contains(t, data.String(), `"proposed_together"`)
}

func TestThousands(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		assert.Equal(t, want, Thousands(n))
	}
	assert.Equal(t, "0.012", Money(0.0123))
	assert.Equal(t, "0.10", Money(0.0999))
	assert.Equal(t, "12.30", Money(12.3))
}
