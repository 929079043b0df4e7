package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/output"
)

// script is an input whose answers are given, then io.EOF. Each batch holds one record.
type script struct {
	answers []error // nil: a batch
	atClose error
	acks    chan error
	reads   int
	block   bool // waits for the end of the run instead of io.EOF
}

func (s *script) Read(ctx context.Context) (*input.Batch, error) {
	if s.reads == len(s.answers) {
		if s.block {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return nil, io.EOF
	}
	err := s.answers[s.reads]
	s.reads++
	if err != nil {
		return nil, err
	}
	return &input.Batch{Records: []input.Record{{Raw: []byte(`{"eventName":"X"}`), Index: int64(s.reads), Origin: &input.Origin{Path: "f"}}},
		Ack: func(err error) { s.acks <- err }}, nil
}

func (s *script) Close() error { return s.atClose }

// refusing is an output that refuses for a while, for good, or not at all.
type refusing struct{ write func() error }

func (r *refusing) Write(_ context.Context, events []*ecs.Event) (output.Result, error) {
	if err := r.write(); err != nil {
		return output.Result{}, err
	}
	return output.Result{Stored: len(events)}, nil
}
func (r *refusing) Close() error { return nil }

// With --once the exit code is 0 only where everything of every input is durable.
func TestOnceIsDoneOnlyWhenAllIsDurable(t *testing.T) {
	fault := errors.New("the bucket cannot be listed")
	for name, c := range map[string]struct {
		first, second *script
		write         func() error
		code          int
		stderr        string
		stdout        string
	}{
		"all is durable":   {&script{answers: []error{nil, nil}}, &script{answers: []error{nil}}, nil, 0, "", "received 3 = 3 indexed"},
		"nothing is there": {&script{}, &script{}, nil, 0, "nothing new to read", "received 0 = "},
		"one input tells a fault, and goes on": {&script{answers: []error{nil, fault, nil}}, &script{answers: []error{nil}}, nil, 1,
			"1 error while reading", "received 3 = 3 indexed"},
		"one input fails for good, the other goes on": {&script{answers: []error{nil, &input.FatalError{Err: fault}}}, &script{answers: []error{nil, nil}}, nil, 1,
			`reading input "first": the bucket cannot be listed`, "received 3 = 3 indexed"},
		"a fault comes with the end of the input": {&script{answers: []error{nil}, atClose: errors.New("3 messages were not delivered")}, &script{}, nil, 1,
			`closing input "first": 3 messages were not delivered`, "received 1 = 1 indexed"},
		"nothing was received and Close fails": {&script{}, &script{atClose: fault}, nil, 1, `closing input "second": the bucket cannot be listed`, "received 0 = "},
		"an end that is wrapped is no end":     {&script{answers: []error{errors.Join(io.EOF, fault)}}, &script{}, nil, 1, "1 error while reading", "received 0 = "},
		"the output refuses for good": {&script{answers: []error{nil}}, &script{}, func() error { return &output.FatalError{Err: errors.New("no such key")} }, 1,
			"no such key", "1 returned"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := runScripts(t, c.write, c.first, c.second)
			assert.Equal(t, c.code, code, stderr)
			assert.Contains(t, stderr, c.stderr)
			assert.Contains(t, stdout, c.stdout)
		})
	}
}

// runScripts runs two scripted inputs once.
func runScripts(t *testing.T, write func() error, first, second *script) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	components := scripted(write, first, second)
	writeScripts(t)
	code = Main([]string{"run", "--once"}, IO{Stdout: &out, Stderr: &errs}, components)
	return code, out.String(), errs.String()
}

func writeScripts(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("trailbeat.yml", []byte("trailbeat.inputs: [{type: script, id: first}, {type: script, id: second}]\noutput.refusing:\n"), 0o600))
}

func scripted(write func() error, first, second *script) Components {
	if write == nil {
		write = func() error { return nil }
	}
	first.acks, second.acks = make(chan error, 10), make(chan error, 10)
	empty := func() struct{} { return struct{}{} }
	return Components{
		Inputs: map[string]Input{"script": NewInput(empty, func(_ context.Context, _ struct{}, env InputEnv) (input.Input, error) {
			return map[string]*script{"first": first, "second": second}[env.ID], nil
		})},
		Outputs: map[string]Output{"refusing": NewOutput(empty, func(context.Context, struct{}, OutputEnv) (output.Output, error) {
			return &refusing{write}, nil
		})},
	}
}

// With several inputs each has an equation of its own, and its own errors.
func TestAccountingOfEachInput(t *testing.T) {
	_, stdout, _ := runScripts(t, nil, &script{answers: []error{nil, errors.New("no")}}, &script{answers: []error{nil, nil}})
	assert.Equal(t, `received 3 = 3 indexed + 0 duplicate + 0 filtered + 0 dead_lettered + 0 returned
  first: received 1 = 1 indexed + 0 duplicate + 0 filtered + 0 dead_lettered + 0 returned, 1 error while reading
  second: received 2 = 2 indexed + 0 duplicate + 0 filtered + 0 dead_lettered + 0 returned
`, stdout)
}

// A run that was to read everything and is stopped has not done so, even where all that it had read is durable.
func TestOnceThatIsStoppedFails(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	first, second := &script{answers: []error{nil}, block: true}, &script{}
	components := scripted(func() error { stop(); return nil }, first, second)
	writeScripts(t)
	var out, errs bytes.Buffer
	a := &app{IO: IO{Stdout: &out, Stderr: &errs}, components: components}
	s, err := a.load()
	require.NoError(t, err)
	err = a.ship(ctx, s, shipment{once: true, sources: s.openInputs})
	require.ErrorContains(t, err, "stopped before everything was read")
	assert.NoError(t, <-first.acks)
	assert.Contains(t, out.String(), "received 1 = 1 indexed")
}

// A run that is stopped from outside is well where all that could not be read is tried again; one that comes to its end by itself is not.
func TestReadErrorsOfAContinuousRun(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	first, second := &script{answers: []error{errors.New("expired"), nil}, block: true}, &script{answers: []error{nil}}
	components := scripted(func() error { return nil }, first, second)
	writeScripts(t)
	var out, errs bytes.Buffer
	a := &app{IO: IO{Stdout: &out, Stderr: &errs}, components: components}
	s, err := a.load()
	require.NoError(t, err)
	go func() {
		assert.NoError(t, <-first.acks)
		assert.NoError(t, <-second.acks)
		stop()
	}()
	require.NoError(t, a.ship(ctx, s, shipment{sources: s.openInputs}))
	assert.Contains(t, out.String(), "received 2 = 2 indexed")
	assert.Contains(t, out.String(), "first: received 1 = 1 indexed + 0 duplicate + 0 filtered + 0 dead_lettered + 0 returned, 1 error while reading")

	components = scripted(nil, &script{answers: []error{errors.New("no such file"), nil}}, &script{})
	a = &app{IO: IO{Stdout: &out, Stderr: &errs}, components: components}
	s, err = a.load()
	require.NoError(t, err)
	require.ErrorContains(t, a.ship(t.Context(), s, shipment{sources: s.openInputs}), "1 error while reading")
}

// telling is a script with a report.
type telling struct {
	*script
	report input.Report
}

func (r *telling) Report() input.Report { return r.report }

// Each input that tells what it did has a line of its own in the summary.
func TestTotalsOfEachInput(t *testing.T) {
	first, second := &script{answers: []error{nil}}, &script{answers: []error{nil}}
	components := scripted(nil, first, second)
	components.Inputs["script"] = NewInput(func() struct{} { return struct{}{} }, func(_ context.Context, _ struct{}, env InputEnv) (input.Input, error) {
		if env.ID == "second" {
			return second, nil
		}
		return &telling{first, input.Report{Unit: input.UnitLogEvent, Listed: 9, Read: 7, Skipped: 1, Failing: 1, Records: 7, Bytes: 700, Calls: 3,
			LastError: "it expired", LastErrorKind: input.KindExpired}}, nil
	})
	writeScripts(t)
	var out, errs bytes.Buffer
	require.Zero(t, Main([]string{"run", "--once"}, IO{Stdout: &out, Stderr: &errs}, components), errs.String())
	assert.Contains(t, out.String(), `
  first: 9 log events listed, 7 read, 1 skipped, 1 still failing, 7 records, 700 bytes, 3 calls
    last error (expired): it expired
`)
	assert.NotContains(t, out.String(), "second: 0")

	out.Reset()
	printFailing(&out, []shipper.Source{{ID: "a", Input: &telling{first, input.Report{Failing: 2, LastError: "no", LastErrorKind: "other"}}}, {ID: "b", Input: second}})
	assert.Equal(t, "input a: 2 could not be read so far and are tried again after the next start; last error (other): no\n", out.String())
}
