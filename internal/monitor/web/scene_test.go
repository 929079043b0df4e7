package web

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/monitor"
	"github.com/trailbeat/trailbeat/internal/monitor/api"
	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/output"
)

// scene is a monitor whose clock and flow the test drives: the same minutes whenever it runs.
type scene struct {
	*monitor.Monitor
	out     output.Output
	cheap   output.Output
	box     shipper.DeadLetters
	sources []shipper.Source
	rnd     *rand.Rand

	mu     sync.Mutex
	now    time.Time
	counts map[string]shipper.Counts
	down   error
	since  time.Time
}

// told is an input that tells of itself.
type told struct{ report input.Report }

func (told) Read(context.Context) (*input.Batch, error) { return nil, nil }
func (told) Close() error                               { return nil }
func (t *told) Report() input.Report                    { return t.report }

type fakeOutput struct{ s *scene }

func (o fakeOutput) Write(_ context.Context, events []*ecs.Event) (output.Result, error) {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	o.s.now = o.s.now.Add(18 * time.Millisecond)
	if o.s.down != nil {
		return output.Result{}, o.s.down
	}
	return output.Result{Stored: len(events)}, nil
}
func (fakeOutput) Close() error { return nil }

type fakeLetters struct{}

func (fakeLetters) Write(context.Context, []shipper.Letter) error { return nil }

func newScene() *scene {
	s := &scene{now: time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC), counts: map[string]shipper.Counts{}, rnd: rand.New(rand.NewPCG(7, 7))}
	start := s.now
	errs := func() map[string]int64 {
		m := map[string]int64{}
		for _, kind := range input.ErrorKinds() {
			m[kind] = 0
		}
		return m
	}
	s.sources = []shipper.Source{
		{ID: "organisation", Type: "aws-s3", Input: &told{input.Report{
			Source: "https://sqs.eu-west-1.amazonaws.com/111122223333/trail", Unit: input.UnitMessage, State: input.StateReading,
			LastObject:     "s3://org-trail/AWSLogs/o-abc/111122223333/CloudTrail/eu-west-1/2026/11/20/111122223333_CloudTrail_eu-west-1_20261120T0930Z_q7Lw.json.gz",
			LastObjectTime: start, Waiting: 214, InFlight: 6, Read: 4180, Calls: 530, Errors: errs(),
		}}},
		{ID: "audit-account", Type: "aws-s3", Input: &told{input.Report{
			Source: "s3://audit-trail/AWSLogs/", Unit: input.UnitObject, State: input.StateWaiting, Waiting: -1, Read: 312, Skipped: 12,
			LastObject:     "s3://audit-trail/AWSLogs/444455556666/CloudTrail/us-east-1/2026/11/20/444455556666_CloudTrail_us-east-1_20261120T0925Z_b2Kx.json.gz",
			LastObjectTime: start, Calls: 88, Errors: errs(),
			Leases: &input.Leases{Members: 2, Known: 34, Held: 16, Acquired: 21, TakenOver: 4, Released: 5},
		}}},
		{ID: "insights", Type: "aws-cloudwatch", Input: &told{input.Report{
			Source: "arn:aws:logs:eu-west-1:111122223333:log-group:trail", Unit: input.UnitLogEvent, State: input.StateWaiting, Waiting: -1, Read: 960, LastObject: "trail", LastObjectTime: start,
			Calls: 40, Errors: errs(),
		}}},
	}
	s.Monitor = monitor.New(monitor.Options{
		Program: api.Program{
			Name: "trailbeat", Version: "0.1.0", Agent: "collector-1", Hostname: "collector-1", Details: true,
			AgentID: "3f1f9a52-6f3c-4a53-8f5c-8b6d7d3c9a10", EphemeralID: "b0e7b6a4-2d55-4b58-9a9c-2f7a1f0c7d11",
		},
		OutputType: "elasticsearch", LetterPlace: "/var/lib/trailbeat/deadletter.ndjson", Now: s.time,
	})
	s.out, s.box = s.Output(fakeOutput{s}), s.Letters(fakeLetters{})
	s.cheap = s.FurtherOutput("cheap", "file", fakeOutput{s})
	s.AttachOutput("", s.breaker)
	s.AttachOutput("cheap", func() (bool, time.Time, error) { return false, time.Time{}, nil })
	s.AttachRules(s.rules)
	s.Attach(s.sources, s.accounting)
	return s
}

// incomplete is a past in which an hour lacks events and a digest names a file that is not there.
func (s *scene) incomplete() *api.Integrity {
	now := s.time().UTC()
	hour := now.Truncate(time.Hour)
	return &api.Integrity{
		CheckedUntil: hour.Add(-3 * time.Hour), LastCheck: now.Add(-20 * time.Minute), NextCheck: now.Add(40 * time.Minute), Checks: 31, Failed: 1,
		Findings:        []api.IntegrityFindings{{Check: "audit", Complete: 412, Incomplete: 1}, {Check: "verify", Complete: 398, Incomplete: 1}},
		IncompleteHours: 2, Missing: 18, Incomplete: []api.IncompleteHour{
			{Hour: hour.Add(-5 * time.Hour), Check: "audit", Account: "111122223333", Region: "eu-west-1", Missing: 17, Reason: "missing", Since: now.Add(-80 * time.Minute)},
			{Hour: hour.Add(-9 * time.Hour), Check: "verify", Account: "444455556666", Region: "us-east-1", Missing: 1, Reason: "log files missing", Since: now.Add(-20 * time.Minute)},
		},
	}
}

func (s *scene) time() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *scene) accounting() shipper.Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	var snap shipper.Snapshot
	for i := range s.sources {
		c := s.counts[s.sources[i].ID]
		snap.Inputs = append(snap.Inputs, shipper.InputCounts{ID: s.sources[i].ID, Counts: c})
		snap.Total.Received += c.Received
		snap.Total.Indexed += c.Indexed
		snap.Total.Duplicate += c.Duplicate
		snap.Total.Filtered += c.Filtered
		snap.Total.DeadLettered += c.DeadLettered
		snap.Total.InFlight += c.InFlight
		snap.Total.Returned += c.Returned
		snap.Total.ReadErrors += c.ReadErrors
	}
	return snap
}

// rules are those of a configuration that leaves reads of keys out, and sends the rest of the data events somewhere else.
func (s *scene) rules() []api.Rule {
	total := s.accounting().Total
	return []api.Rule{
		{Name: "reads of keys", Kind: "drop_event", Output: "discard", Events: total.Filtered},
		{Name: "data events", Kind: api.RuleOfRouting, Output: "cheap", Dataset: "aws.cloudtrail_data", Events: total.Indexed / 3},
		{Name: "catch_all", Kind: api.RuleOfRouting, Output: "default", Events: total.Indexed - total.Indexed/3},
	}
}

func (s *scene) breaker() (bool, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down != nil, s.since, s.down
}

func (s *scene) add(id string, d shipper.Counts) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts[id]
	c.Received += d.Received
	c.Indexed += d.Indexed
	c.Duplicate += d.Duplicate
	c.Filtered += d.Filtered
	c.DeadLettered += d.DeadLettered
	c.InFlight = d.Received - d.Indexed - d.Duplicate - d.Filtered - d.DeadLettered + c.InFlight
	s.counts[id] = c
}

var (
	sceneActions    = []string{"AssumeRole", "GetObject", "DescribeInstances", "Decrypt", "GetCallerIdentity", "ListBuckets", "PutObject", "CreateLogStream", "RunInstances", "CreateUser"}
	sceneProviders  = []string{"sts", "s3", "ec2", "kms", "sts", "s3", "s3", "logs", "ec2", "iam"}
	scenePrincipals = []string{"assumed-role/deploy", "assumed-role/eks-nodes", "assumed-role/analytics", "user/ci", "assumed-role/security-audit", "user/backup"}
	sceneCountries  = []string{"Ireland", "Germany", "United States", "Iceland", "Japan"}
	scenePlaces     = [][2]string{{"111122223333", "eu-west-1"}, {"111122223333", "us-east-1"}, {"444455556666", "us-east-1"}, {"777788889999", "ap-southeast-2"}, {"444455556666", "eu-central-1"}}
)

// pick takes the first of a list most often.
func (s *scene) pick(n int) int { return min(int(s.rnd.ExpFloat64()*float64(n)/4), n-1) }

func (s *scene) events(n int, id string) []*ecs.Event {
	place := scenePlaces[s.pick(len(scenePlaces))]
	if id == "audit-account" {
		place = scenePlaces[2+s.rnd.IntN(3)]
	}
	events := make([]*ecs.Event, n)
	now := s.time()
	for i := range events {
		ev := &ecs.Event{}
		a := s.pick(len(sceneActions))
		// CloudTrail takes some minutes.
		lag := time.Duration(float64(130*time.Second) * math.Exp(0.45*s.rnd.NormFloat64()))
		ev.Timestamp = now.Add(-lag).Format(time.RFC3339)
		ev.Meta.Dated = true
		ev.AWS.CloudTrail.RecipientAccountID, ev.Cloud.Region = place[0], place[1]
		ev.Event.Action, ev.Event.Provider = sceneActions[a], sceneProviders[a]+".amazonaws.com"
		ev.AWS.CloudTrail.UserIdentity.ARN = "arn:aws:iam::" + place[0] + ":" + scenePrincipals[s.pick(len(scenePrincipals))]
		ev.Source.Geo.CountryName = sceneCountries[s.pick(len(sceneCountries))]
		if s.rnd.IntN(30) == 0 {
			ev.AWS.CloudTrail.ErrorCode = []string{"AccessDenied", "ThrottlingException", "NoSuchKey"}[s.pick(3)]
		}
		events[i] = ev
	}
	return events
}

// step is two seconds of load, or of an output that is down.
func (s *scene) step(i int) {
	s.mu.Lock()
	s.now = s.now.Truncate(time.Second).Add(2 * time.Second)
	s.mu.Unlock()
	base := 260 + 90*math.Sin(float64(i)/38) + 30*s.rnd.NormFloat64()
	for k := range s.sources {
		src := &s.sources[k]
		n := int(base / []float64{1, 5, 16}[k])
		if n <= 0 || k > 0 && i%3 != 0 {
			continue
		}
		recs := make([]input.Record, n)
		origin := &input.Origin{Path: src.Input.(*told).report.LastObject}
		if src.Type == "aws-cloudwatch" {
			origin = &input.Origin{LogGroup: "trail", LogStream: fmt.Sprint("111122223333_CloudTrail_eu-west-1_", 1+i%3)}
		}
		for r := range recs {
			recs[r] = input.Record{Raw: make([]byte, 1200), Origin: origin, Offset: int64(r) * 1201}
		}
		s.settle(src, recs, i)
		src.Input.(*told).report.LastObjectTime, src.Input.(*told).report.NextPoll = s.now, s.now.Add(41*time.Second)
		if k == 0 {
			src.Input.(*told).report.NextPoll = time.Time{}
		}
	}
	s.Tick()
}

func (s *scene) settle(src *shipper.Source, recs []input.Record, i int) {
	n := int64(len(recs))
	if s.down != nil && s.counts[src.ID].InFlight > 1500 {
		return // nobody reads while all workers wait
	}
	s.Received(src, &input.Batch{Records: recs})
	filtered := n / 14
	events := s.events(int(n-filtered), src.ID)
	data := len(events) / 3
	res, err := s.out.Write(context.Background(), events[data:])
	if err == nil { // with the output down nothing is written for long: each batch has a part of both
		part, _ := s.cheap.Write(context.Background(), events[:data])
		res.Stored += part.Stored
	}
	if err != nil {
		s.add(src.ID, shipper.Counts{Received: n, Filtered: filtered})
		return
	}
	c := shipper.Counts{Received: n, Filtered: filtered, Indexed: int64(res.Stored)}
	if i%60 == 7 {
		c.Indexed, c.Duplicate = c.Indexed-40, 40
	}
	if i%47 == 11 {
		c.Indexed--
		c.DeadLettered = 1
		l := shipper.Letter{
			Time: s.time(), InputID: src.ID, ID: "Zk3vYw", Type: "document_parsing_exception", Status: 400, Record: recs[0],
			Reason: "[1:412] failed to parse field [source.port] of type [long] in document with id 'Zk3vYw'. Preview of field's value: 'https'",
		}
		if i%2 == 0 {
			l.Type, l.Reason, l.Status = "damaged_record", "the record was cut off by its source at byte 262144", 0
		}
		_ = s.box.Write(context.Background(), []shipper.Letter{l})
	}
	s.Written(src, events, res, nil)
	s.add(src.ID, c)
}

// minutes lets load pass.
func (s *scene) minutes(n int) {
	for i := range n * 30 {
		s.step(i)
	}
}

// breakOutput takes the output away, and a right of an input.
func (s *scene) breakOutput() {
	s.mu.Lock()
	s.down = errors.New(`sending 1024 documents to https://search-1.example:9200: dial tcp 192.0.2.17:9200: connect: connection refused`)
	s.since = s.now
	r := &s.sources[1].Input.(*told).report
	r.State, r.LastError, r.LastErrorTime = input.StateFailing, "listing s3://audit-trail/AWSLogs/: AccessDenied: not authorized to perform s3:ListBucket", s.now
	r.LastErrorHint, r.LastErrorKind = "allow s3:ListBucket on arn:aws:s3:::audit-trail; trailbeat export iam-policy prints all that is needed", input.KindAccessDenied
	r.Errors[input.KindAccessDenied] = 3
	s.mu.Unlock()
	for i := range 40 {
		s.step(i)
	}
}
