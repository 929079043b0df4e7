package monitor_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/monitor"
	"github.com/trailbeat/trailbeat/internal/monitor/api"
	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/output"
)

var start = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

// scene is a monitor with a clock and an accounting of its own.
type scene struct {
	*monitor.Monitor
	now    time.Time
	counts shipper.Counts
	down   error
}

func newScene(opt monitor.Options, sources ...shipper.Source) *scene {
	s := &scene{now: start}
	opt.Now = func() time.Time { return s.now }
	s.Monitor = monitor.New(opt)
	if sources == nil {
		sources = []shipper.Source{{ID: "trail", Type: "aws-s3"}}
	}
	s.Attach(sources, func() shipper.Snapshot {
		return shipper.Snapshot{Total: s.counts, Inputs: []shipper.InputCounts{{ID: "trail", Counts: s.counts}}}
	})
	s.AttachOutput("", func() (bool, time.Time, error) { return s.down != nil, start, s.down })
	return s
}

var trail = &shipper.Source{ID: "trail", Type: "aws-s3"}

func event(account, region, action string, at time.Time) *ecs.Event {
	ev := &ecs.Event{Timestamp: at.Format(time.RFC3339)}
	ev.Meta.Dated = true
	ev.AWS.CloudTrail.RecipientAccountID = account
	ev.Cloud.Region = region
	ev.Event.Action, ev.Event.Provider = action, "iam.amazonaws.com"
	ev.AWS.CloudTrail.UserIdentity.ARN = "arn:aws:sts::111122223333:assumed-role/deploy/session-1"
	return ev
}

func details() monitor.Options { return monitor.Options{Program: api.Program{Details: true}} }

func TestPassage(t *testing.T) {
	s := newScene(details())
	denied := event("444455556666", "us-east-1", "DeleteUser", start.Add(-400*time.Second))
	denied.AWS.CloudTrail.ErrorCode = "AccessDenied"
	denied.Source.Geo.CountryName = "Iceland"
	events := []*ecs.Event{
		event("111122223333", "eu-west-1", "CreateUser", start.Add(-10*time.Second)),
		event("111122223333", "eu-west-1", "CreateUser", start.Add(-20*time.Second)),
		event("111122223333", "eu-west-1", "refused", start),
		denied,
	}
	refused := &output.BatchError{Failures: []output.Failure{{Index: 2, Permanent: true}}}
	s.Written(trail, events, output.Result{Stored: 3}, refused)
	s.Written(trail, events[:1], output.Result{Duplicate: 1}, nil)
	s.counts = shipper.Counts{Received: 5, Indexed: 3, Duplicate: 1, DeadLettered: 1}
	s.Tick()
	st := s.Status()
	require.Len(t, st.Places, 2)
	first := st.Places[0]
	assert.Equal(t, "111122223333", first.Account)
	assert.EqualValues(t, 3, first.Events, "the refused one is not there, the duplicate is")
	assert.EqualValues(t, 2, first.Lag.Events, "duplicates say nothing about the lag")
	assert.EqualValues(t, 20, first.Lag.Max)
	assert.Equal(t, start.Add(-10*time.Second), first.LastEvent)
	assert.EqualValues(t, 3, first.Minutes[59])
	assert.EqualValues(t, 400, st.Lag.Max)
	assert.True(t, st.Lag.P95 > 60 && st.Lag.P95 <= 400, st.Lag)
	assert.Equal(t, []api.Item{{Name: "CreateUser", Detail: "iam.amazonaws.com", Count: 3}, {Name: "DeleteUser", Detail: "iam.amazonaws.com", Count: 1}}, st.Top.Actions.Items)
	assert.Equal(t, "arn:aws:sts::111122223333:assumed-role/deploy", st.Top.Principals.Items[0].Name, "sessions of a role are one")
	assert.Equal(t, api.List{Total: 4, Items: []api.Item{{Name: "Iceland", Count: 1}}}, st.Top.Countries)
	assert.Equal(t, api.List{Total: 1, Items: []api.Item{{Name: "AccessDenied", Detail: "DeleteUser", Count: 1}}}, st.Top.Errors)
	assert.True(t, st.Flow.Balanced())
	assert.InDelta(t, 2.5, st.Rate.Received, 0.001)
	assert.Equal(t, api.StateRunning, st.State)

	s.now = start.Add(11 * time.Minute)
	s.Written(trail, events[3:], output.Result{Stored: 1}, nil)
	st = s.Status()
	assert.Equal(t, "444455556666", st.Places[1].Account)
	assert.Zero(t, st.Places[0].Lag.Events, "long ago")
	s.now = start.Add(17 * time.Minute)
	s.Written(trail, events[3:], output.Result{Stored: 1}, nil)
	assert.Equal(t, []api.Item{{Name: "DeleteUser", Detail: "iam.amazonaws.com", Count: 2}}, s.Status().Top.Actions.Items, "what is long ago is forgotten")
}

// Whatever passes, the memory is bounded, and so are the labels.
func TestBounded(t *testing.T) {
	s := newScene(details())
	for i := range 1000 {
		ev := event(fmt.Sprintf("%012d", i), "eu-west-1", fmt.Sprint("Action", i), start)
		ev.AWS.CloudTrail.UserIdentity.ARN = strings.Repeat("x", 10_000)
		s.Written(trail, []*ecs.Event{ev}, output.Result{Stored: 1}, nil)
		s.Received(trail, &input.Batch{Records: []input.Record{{Raw: make([]byte, 100), Origin: &input.Origin{Key: fmt.Sprint(i)}}}})
	}
	st := s.Status()
	assert.Len(t, st.Places, api.MaxPlaces)
	assert.EqualValues(t, 1000-api.MaxPlaces+1, st.Places[0].Events)
	assert.Equal(t, api.Other, st.Places[0].Account)
	assert.Len(t, st.Top.Actions.Items, 10)
	assert.Len(t, st.Top.Principals.Items[0].Name, 200)
	stats := s.Stats()
	assert.EqualValues(t, 1000, stats.ObjectsStarted)
	assert.LessOrEqual(t, stats.ObjectsStarted-stats.ObjectsDone, int64(256))
	s.now = s.now.Add(time.Hour)
	s.Tick()
	assert.EqualValues(t, 1000, s.Stats().ObjectsDone)
	assert.EqualValues(t, 1000, s.Stats().Objects.Total())
}

// Of many documents a sample is counted, and the estimate is near.
func TestSampled(t *testing.T) {
	s := newScene(details())
	var events []*ecs.Event
	for i := range 2000 {
		events = append(events, event("111122223333", "eu-west-1", []string{"Often", "Often", "Often", "Seldom"}[i%4], start))
	}
	for range 100 {
		s.now = s.now.Add(10 * time.Millisecond)
		s.Written(trail, events, output.Result{Stored: 2000}, nil)
	}
	top := s.Status().Top.Actions
	assert.InEpsilon(t, 200_000, top.Total, 0.2)
	assert.EqualValues(t, 200_000, s.Status().Places[0].Events, "these are exact")
}

type brokenOutput struct{ err error }

func (o brokenOutput) Write(_ context.Context, events []*ecs.Event) (output.Result, error) {
	return output.Result{Stored: len(events)}, o.err
}
func (brokenOutput) Close() error { return nil }

type lettersFunc func([]shipper.Letter) error

func (f lettersFunc) Write(_ context.Context, l []shipper.Letter) error { return f(l) }

func TestProblems(t *testing.T) {
	before, why := monitor.New(details()).Ready()
	assert.False(t, before)
	assert.Equal(t, "the run is being put together", why[0].Text)
	s := newScene(details())
	ready, _ := s.Ready()
	assert.True(t, ready)
	refused := errors.New("connection refused")
	_, err := s.Output(brokenOutput{refused}).Write(t.Context(), make([]*ecs.Event, 3))
	require.ErrorIs(t, err, refused)
	s.down = refused
	s.ReadFailed(trail, errors.New("odd file"))
	st := s.Status()
	assert.Equal(t, api.StateBlocked, st.State)
	assert.False(t, st.Ready)
	require.Len(t, st.Problems, 1, "an error that passed is no problem of now")
	assert.Equal(t, "connection refused", st.Problems[0].Text)
	assert.Equal(t, "odd file", st.Inputs[0].LastError)
	assert.EqualValues(t, 1, st.Output.FailedBatches)
	ready, why = s.Ready()
	assert.False(t, ready)
	assert.Equal(t, "output", why[0].Where)

	s.down = nil
	s.Ended(trail, errors.New("no such bucket"))
	st = s.Status()
	assert.Equal(t, api.StateDegraded, st.State)
	assert.True(t, st.Ready, "what was read can be delivered")
	assert.Equal(t, "input trail", st.Problems[0].Where)

	full := errors.New("no space left on device")
	box := s.Letters(lettersFunc(func([]shipper.Letter) error { return full }))
	require.ErrorIs(t, box.Write(t.Context(), nil), full)
	ready, _ = s.Ready()
	assert.False(t, ready)
	full = nil
	require.NoError(t, box.Write(t.Context(), nil))
	ready, _ = s.Ready()
	assert.True(t, ready)
	s.Stopping()
	assert.Equal(t, api.StateStopping, s.Status().State)
	ready, _ = s.Ready()
	assert.False(t, ready)
}

func TestLetters(t *testing.T) {
	write := func(opt monitor.Options, letters ...shipper.Letter) api.DeadLetters {
		s := newScene(opt)
		require.NoError(t, s.Letters(lettersFunc(func([]shipper.Letter) error { return nil })).Write(t.Context(), letters))
		return s.Status().DeadLetters
	}
	secret := shipper.Letter{
		Type: "document_parsing_exception", InputID: "trail", Status: 400, ID: "abc",
		Reason: "[1:99] failed to parse field [source.port] of type [long] in document with id 'abc'. Preview of field's value: 'hunter2'",
		Record: input.Record{Raw: []byte("{\"password\":\"hunter2\"\u202e\x00}"), Origin: &input.Origin{Path: "s3://trail/key"}, Index: 7},
	}
	got := write(details(), secret)
	assert.EqualValues(t, 1, got.Total)
	assert.NotContains(t, fmt.Sprint(got), "hunter2", "no value of the event is shown")
	assert.Contains(t, got.Recent[0].Reason, "source.port")
	assert.Equal(t, "s3://trail/key", got.Recent[0].Origin)
	opt := details()
	opt.Sample = 22
	assert.Equal(t, `{"password":"hunter2" …`, write(opt, secret).Recent[0].Sample, "shortened, and without what could mislead")
	opt.Program.Details = false
	assert.Empty(t, write(opt, secret).Recent[0].Sample)
	assert.Empty(t, write(opt, secret).Recent[0].Origin)

	many := make([]shipper.Letter, 100)
	for i := range many {
		many[i] = shipper.Letter{Type: fmt.Sprint("type", i), Reason: strings.Repeat("é", 1000)}
	}
	got = write(details(), many...)
	assert.Len(t, got.Reasons, 32)
	assert.Equal(t, api.Other, got.Reasons[0].Type)
	assert.Len(t, got.Recent, 25)
	assert.Equal(t, strings.Repeat("é", 150)+"…", got.Recent[0].Reason)

	for reason, want := range map[string]string{
		`For input string: "10.0.0.1x" is no number`:         `For input string: "…" is no number`,
		"failed to parse date field [today] with format [x]": "failed to parse date field […] with format [x]",
		"'x' is not an IP string literal.":                   "'…' is not an IP string literal.",
	} {
		assert.Equal(t, want, write(details(), shipper.Letter{Type: "t", Reason: reason}).Recent[0].Reason)
	}
}

// reporting is an input that tells how it is.
type reporting struct{ state input.Report }

func (reporting) Read(context.Context) (*input.Batch, error) { return nil, nil }
func (reporting) Close() error                               { return nil }
func (r reporting) Report() input.Report                     { return r.state }

func TestReport(t *testing.T) {
	r := reporting{input.Report{
		Source: "https://sqs.eu-west-1.amazonaws.com/111122223333/trail", Unit: input.UnitMessage, State: input.StateFailing, Waiting: 12,
		NextPoll: start.Add(time.Minute), Errors: map[string]int64{input.KindAccessDenied: 3, input.KindOther: 0},
		LastError: "access denied", LastErrorHint: "allow sqs:ReceiveMessage", LastErrorTime: start,
	}}
	s := newScene(details(), shipper.Source{ID: "trail", Type: "aws-s3", Input: r})
	st := s.Status()
	in := st.Inputs[0]
	assert.EqualValues(t, 12, in.Waiting)
	assert.Equal(t, map[string]int64{"access_denied": 3}, in.Errors)
	assert.Equal(t, api.Problem{Where: "input trail", Text: "access denied", Hint: "allow sqs:ReceiveMessage", Since: start}, st.Problems[0])
}

func TestSeries(t *testing.T) {
	s := newScene(details())
	for i := range 400 {
		s.now = s.now.Add(2 * time.Second)
		s.counts.Received += 10
		s.counts.Indexed += 10
		if i%2 == 0 {
			s.Written(trail, []*ecs.Event{event("1", "r", "A", s.now.Add(-90*time.Second))}, output.Result{Stored: 1}, nil)
		}
		s.Tick()
	}
	fine, err := s.Series(api.WindowMinutes)
	require.NoError(t, err)
	require.Len(t, fine.Indexed, 300)
	assert.EqualValues(t, 10, fine.Indexed[299])
	assert.EqualValues(t, -1, fine.LagP95[299])
	assert.InDelta(t, 90, fine.LagP95[298], 30)
	day, err := s.Series(api.WindowDay)
	require.NoError(t, err)
	assert.Len(t, day.Indexed, 14)
	assert.EqualValues(t, 300, day.Indexed[5])
	s.now = s.now.Add(time.Minute)
	s.Tick()
	fine, _ = s.Series("")
	assert.EqualValues(t, 0, fine.Indexed[290], "a machine that slept")
	_, err = s.Series("1y")
	require.Error(t, err)
}

// A source that leaves is shown no more, though the accounting keeps its counts, and is as new when it comes back.
func TestSourcesComeAndGo(t *testing.T) {
	s := newScene(details())
	second := &shipper.Source{ID: "second", Type: "aws-s3"}
	s.Join(second)
	s.Ended(second, errors.New("no such bucket"))
	require.Len(t, s.Status().Inputs, 2)
	s.Leave("second")
	s.Leave("trail")
	s.Tick()
	require.Empty(t, s.Status().Inputs)
	s.Join(second)
	inputs := s.Status().Inputs
	require.Len(t, inputs, 1)
	assert.Equal(t, "second", inputs[0].ID)
	assert.Empty(t, inputs[0].LastError)
}
