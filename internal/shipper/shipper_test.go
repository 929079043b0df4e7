package shipper

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/output"
	"github.com/trailbeat/trailbeat/output/outputtest"
)

func ids(m *outputtest.Memory) (ids []string) {
	for _, d := range m.Documents() {
		ids = append(ids, d.ID)
	}
	return ids
}

func TestRunDeliversEverything(t *testing.T) {
	memory, box := &outputtest.Memory{}, &letterBox{}
	one := newInput("one", []string{"a", "b", "drop 1"}, []string{"c", "a"}, []string{"drop 2"})
	two := newInput("two", []string{"d"}, []string{"a", "panic 1", "e", "fail 1", "f"})
	s := newShipper(t, memory, box, nil, one, two)
	require.NoError(t, s.Run(t.Context()))
	assert.ElementsMatch(t, []string{"a", "b", "c", "d", "e", "f"}, ids(memory))
	assert.ElementsMatch(t, []string{"panic 1", "fail 1"}, box.raws())
	assert.Equal(t, "received=12 indexed=6 duplicate=2 filtered=2 dead_lettered=2 in_flight=0 returned=0", s.Accounting().String())
	snap := s.Accounting().Snapshot()
	assert.EqualValues(t, 6, snap.Inputs[0].Received)
	assert.EqualValues(t, 2, snap.Inputs[1].DeadLettered)
	one.check(t)
	two.check(t)
	assert.Empty(t, one.ackErrors())
	assert.Empty(t, two.ackErrors())
}

func TestInputDocument(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := &outputtest.Memory{}
		in := newInput("s3", []string{"a", "elsewhere"})
		in.origin = &input.Origin{InputID: "s3", InputType: "aws-s3", Path: "https://trail.s3.eu-west-1.amazonaws.com/k", Bucket: "trail",
			BucketARN: "arn:aws:s3:::trail", Key: "k", Region: "eu-west-1", Metadata: json.RawMessage(`{"owner":"me"}`)}
		var read string
		s := newShipper(t, memory, &letterBox{}, func(o *Options) {
			o.Processor = processFunc(func(raw []byte, ev *ecs.Event) error {
				read = ev.Timestamp
				assert.Empty(t, ev.Event.Ingested, "only after the mapping")
				return process(raw, ev)
			})
		}, in)
		time.Sleep(123456789 * time.Nanosecond)
		require.NoError(t, s.Run(t.Context()))
		assert.Equal(t, "2000-01-01T00:00:00.123456789Z", read)
		docs := memory.Documents()
		require.Len(t, docs, 2)
		assert.Equal(t, "logs-aws.cloudtrail-default", docs[0].Index)
		assert.Equal(t, "logs-aws.cloudtrail-elsewhere", docs[1].Index, "a filter may send it elsewhere")
		assert.JSONEq(t, `{
			"@timestamp": "2000-01-01T00:00:00.123456789Z",
			"agent": {"ephemeral_id": "ephemeral", "id": "agent-id", "name": "host-1", "type": "trailbeat", "version": "1.2.3"},
			"aws": {"s3": {"bucket": {"arn": "arn:aws:s3:::trail", "name": "trail"}, "metadata": {"owner": "me"}, "object": {"key": "k"}}},
			"cloud": {"provider": "aws", "region": "eu-west-1"},
			"data_stream": {"dataset": "aws.cloudtrail", "namespace": "default", "type": "logs"},
			"event": {"dataset": "aws.cloudtrail", "id": "a", "ingested": "2000-01-01T00:00:00Z", "module": "aws", "original": "a"},
			"input": {"type": "aws-s3"},
			"log": {"file": {"path": "https://trail.s3.eu-west-1.amazonaws.com/k"}, "offset": 0},
			"tags": ["forwarded", "aws-cloudtrail"]}`, string(docs[0].JSON))
		require.NoError(t, ecs.CheckDocument(docs[0].JSON))
	})
}

func TestInputDocumentOfCloudWatch(t *testing.T) {
	var ev ecs.Event
	rec := &input.Record{Offset: 7, Created: time.Date(2024, 1, 2, 3, 4, 5, 6e6, time.UTC),
		Origin: &input.Origin{LogGroup: "g", LogStream: "s", Region: "us-east-1", Path: "g/s"}}
	fill(&ev, &Agent{}, &Source{Type: "aws-cloudwatch"}, rec, "now")
	assert.JSONEq(t, `{"@timestamp":"now","agent":{"type":"trailbeat"},"event":{"module":"aws"},
		"aws":{"cloudwatch":{"log_group":"g","log_stream":"s","ingestion_time":"2024-01-02T03:04:05.006Z"}},
		"cloud":{"provider":"aws","region":"us-east-1"},"input":{"type":"aws-cloudwatch"},"log":{"file":{"path":"g/s"}}}`, string(ev.AppendJSON(nil)))

	ev.Reset()
	fill(&ev, &Agent{}, &Source{}, &input.Record{SourceID: "e", Origin: &input.Origin{InputType: "aws-cloudtrail", Region: "us-east-1"}}, "now")
	assert.JSONEq(t, `{"@timestamp":"now","agent":{"type":"trailbeat"},"event":{"module":"aws"},"cloud":{"provider":"aws","region":"us-east-1"},
		"input":{"type":"aws-cloudtrail"}}`, string(ev.AppendJSON(nil)), "an event of the event history stands in no file")

	ev.Reset()
	fill(&ev, &Agent{}, &Source{Type: "file"}, &input.Record{}, "now")
	assert.JSONEq(t, `{"@timestamp":"now","agent":{"type":"trailbeat"},"event":{"module":"aws"},"input":{"type":"file"},"log":{"offset":0}}`,
		string(ev.AppendJSON(nil)), "no origin, nothing of it")
}

func TestRecordsWithoutAnIdentityAreNamedByTheirPlace(t *testing.T) {
	memory := &outputtest.Memory{}
	s := newShipper(t, memory, &letterBox{}, nil, newInput("one", []string{"a", "nameless"}))
	require.NoError(t, s.Run(t.Context()))
	assert.Equal(t, []string{"a", "/logs/one-1"}, ids(memory))
}

func TestRecordsOfAReplayAreTreatedAsThoseOfTheirSource(t *testing.T) {
	memory := &outputtest.Memory{}
	in := newInput("replay", []string{"a"})
	in.origin = &input.Origin{InputID: "trail"}
	unknown := newInput("unknown", []string{"b"})
	trail := &Source{ID: "trail", Type: "aws-s3", Tags: []string{"mine"}, DataStream: DataStream{"logs", "aws.cloudtrail", "prod"},
		Processor: processFunc(func(raw []byte, ev *ecs.Event) error {
			ev.Message = "by its own"
			return process(raw, ev)
		})}
	s := newShipper(t, memory, &letterBox{}, func(o *Options) {
		o.Sources[0].ID = "replay"
		for i := range o.Sources {
			o.Sources[i].Of = func(origin *input.Origin) *Source {
				if origin.InputID == "trail" {
					return trail
				}
				return nil
			}
		}
	}, in, unknown)
	require.NoError(t, s.Run(t.Context()))
	docs := memory.Documents()
	slices.SortFunc(docs, func(a, b outputtest.Document) int { return strings.Compare(a.ID, b.ID) })
	assert.Equal(t, "logs-aws.cloudtrail-prod", docs[0].Index)
	assert.Contains(t, string(docs[0].JSON), `"tags":["mine"]`)
	assert.Contains(t, string(docs[0].JSON), `"input":{"type":"aws-s3"}`)
	assert.Contains(t, string(docs[0].JSON), `"message":"by its own"`)
	assert.Equal(t, "logs-aws.cloudtrail-default", docs[1].Index)
	assert.NotContains(t, string(docs[1].JSON), "by its own")
	assert.EqualValues(t, 1, s.Accounting().Snapshot().Inputs[0].Indexed, "counted for the input that read it")
}

func TestDeadLettersCarryTheVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chaos := &outputtest.Chaos{Next: &outputtest.Memory{}, Poison: func(ev *ecs.Event) bool { return ev.Event.ID == "poison" }}
		box := &letterBox{}
		in := newInput("one", []string{"a", "drop", "panic x", "poison", "b"})
		var buf bytes.Buffer
		s := newShipper(t, chaos, box, func(o *Options) {
			o.KeepDocument = true
			o.Logger = slog.New(slog.NewTextHandler(&buf, nil))
		}, in)
		require.NoError(t, s.Run(t.Context()))
		require.Len(t, box.letters, 2)
		broken, poison := box.letters[0], box.letters[1]

		assert.Equal(t, TypePanic, broken.Type)
		assert.Equal(t, "the mapping panicked: a fault of the mapping", broken.Reason)
		assert.Equal(t, "panic x", string(broken.Record.Raw))
		assert.EqualValues(t, 2, broken.Record.Index)

		assert.Equal(t, "poison", string(poison.Record.Raw))
		assert.Equal(t, "poison", poison.ID)
		assert.Equal(t, "logs-aws.cloudtrail-default", poison.Index)
		assert.Equal(t, "document_parsing_exception", poison.Type)
		assert.Equal(t, "injected permanent failure", poison.Reason)
		assert.Equal(t, 400, poison.Status)
		assert.Equal(t, "one", poison.InputID)
		assert.Equal(t, "file", poison.InputType)
		assert.EqualValues(t, 3, poison.Record.Index)
		assert.EqualValues(t, 300, poison.Record.Offset)
		assert.Equal(t, "/logs/one", poison.Record.Origin.Path)
		assert.Equal(t, time.Now().UTC(), poison.Time)
		assert.Contains(t, string(poison.Document), `"id":"poison"`)

		assert.Equal(t, "received=5 indexed=2 duplicate=0 filtered=1 dead_lettered=2 in_flight=0 returned=0", s.Accounting().String())
		assert.Contains(t, buf.String(), "stack_trace")
		assert.NotContains(t, buf.String(), "injected permanent failure", "reasons may quote the event")
	})
}

// What an input knows to be damaged is not mapped.
func TestDamagedRecordsAreDeadLetters(t *testing.T) {
	memory, box := &outputtest.Memory{}, &letterBox{}
	in := newInput("one", []string{"a", "cut", "b"})
	s := newShipper(t, memory, box, func(*Options) {}, in)
	require.NoError(t, s.Run(t.Context()))
	require.Len(t, box.letters, 1)
	assert.Equal(t, TypeDamaged, box.letters[0].Type)
	assert.Equal(t, "cut at byte 262144", box.letters[0].Reason)
	assert.Equal(t, "cut", string(box.letters[0].Record.Raw))
	assert.Equal(t, 2, memory.Len())
}

func TestBatchWaitsUntilItsDeadLettersAreStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := &outputtest.Memory{}
		box := &letterBox{fail: func(n int) error {
			if n < 4 {
				return errors.New("disk full")
			}
			return nil
		}}
		in := newInput("one", []string{"a", "fail"})
		var buf bytes.Buffer
		s := newShipper(t, memory, box, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&buf, nil)) }, in)
		require.NoError(t, s.Run(t.Context()))
		assert.Equal(t, 5, box.calls)
		assert.Equal(t, []string{"fail"}, box.raws())
		assert.Empty(t, in.ackErrors())
		assert.Equal(t, 1, memory.Writes(), "only the letters are tried again")
		assert.Equal(t, 1, strings.Count(buf.String(), "dead letters cannot be stored"))
		assert.Equal(t, 1, strings.Count(buf.String(), "dead letters can be stored again"))
	})
}

func TestBatchIsReturnedWhenItsDeadLettersCannotBeStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &letterBox{fail: func(int) error { return errors.New("disk full") }}
		in := newInput("one", []string{"a", "fail"})
		s := newShipper(t, &outputtest.Memory{}, box, nil, in)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Hour, cancel)
		require.NoError(t, s.Run(ctx))
		require.Len(t, in.ackErrors(), 1)
		assert.ErrorContains(t, in.ackErrors()[0], "disk full")
		assert.Equal(t, "received=2 indexed=1 duplicate=0 filtered=0 dead_lettered=0 in_flight=0 returned=1", s.Accounting().String())
	})
}

func TestFatalOutputStopsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chaos := &outputtest.Chaos{Next: &outputtest.Memory{}, Plan: outputtest.Script(outputtest.Fatal)}
		box := &letterBox{}
		in := newInput("one", []string{"a", "fail", "drop"}, []string{"b"}, []string{"c"})
		in.endless = true
		s := newShipper(t, Decorate(chaos, DefaultConfig(), testBackoff, nil), box, func(o *Options) { o.Config.NumberOfWorkers = 1 }, in)
		err := s.Run(t.Context())
		require.Error(t, err)
		assert.True(t, output.IsFatal(err))
		assert.Equal(t, 1, strings.Count(err.Error(), "injected fault"), "said once")
		require.NotEmpty(t, in.ackErrors())
		assert.ErrorContains(t, in.ackErrors()[0], "injected fault")
		assert.Empty(t, box.letters, "nothing floods the dead letters")
		assert.EqualValues(t, 2, s.Accounting().Snapshot().Total.Returned-int64(len(in.acks)-1))
		in.check(t)
	})
}

func TestFatalInputStopsOnlyItself(t *testing.T) {
	memory := &outputtest.Memory{}
	bad, good := newInput("bad", []string{"a"}), newInput("good", []string{"b"}, []string{"c"})
	bad.errs = []error{&input.FatalError{Err: errors.New("access denied")}}
	s := newShipper(t, memory, &letterBox{}, nil, bad, good)
	err := s.Run(t.Context())
	require.ErrorContains(t, err, `reading input "bad": access denied`)
	assert.True(t, input.IsFatal(err))
	assert.ElementsMatch(t, []string{"b", "c"}, ids(memory))
	bad.check(t)
	good.check(t)
}

func TestWrappedEOFIsNotTheEnd(t *testing.T) {
	memory := &outputtest.Memory{}
	in := newInput("one", []string{"a"})
	in.errs = []error{fmt.Errorf("reading object: %w", io.EOF)}
	s := newShipper(t, memory, &letterBox{}, nil, in)
	require.NoError(t, s.Run(t.Context()))
	assert.Equal(t, []string{"a"}, ids(memory))
	assert.EqualValues(t, 1, s.Accounting().Snapshot().Total.ReadErrors)
}

// oddInput hands out what the contract forbids.
type oddInput struct {
	*fakeInput
	odd []*input.Batch
}

func (o *oddInput) Read(ctx context.Context) (*input.Batch, error) {
	if len(o.odd) > 0 {
		b := o.odd[0]
		o.odd = o.odd[1:]
		return b, nil
	}
	return o.fakeInput.Read(ctx)
}

func TestEmptyBatchesDoNoHarm(t *testing.T) {
	memory := &outputtest.Memory{}
	in := newInput("one", []string{"a"})
	acked := 0
	s := newShipper(t, memory, &letterBox{}, nil, in)
	s.opt.Sources[0].Input = &oddInput{fakeInput: in, odd: []*input.Batch{nil, {Ack: func(err error) {
		acked++
		assert.NoError(t, err)
	}}}}
	require.NoError(t, s.Run(t.Context()))
	assert.Equal(t, []string{"a"}, ids(memory))
	assert.Equal(t, 1, acked)
}

func TestPassingReadErrorsAreLoggedOnChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := &outputtest.Memory{}
		in := newInput("one", []string{"a"})
		for range 100 {
			in.errs = append(in.errs, errors.New("list failed"))
		}
		in.errs = append(in.errs, errors.New("file x: truncated gzip at byte 17"), errors.New("file y: truncated gzip at byte 4"))
		var buf bytes.Buffer
		s := newShipper(t, memory, &letterBox{}, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&buf, nil)) }, in)
		start := time.Now()
		require.NoError(t, s.Run(t.Context()))
		assert.Equal(t, []string{"a"}, ids(memory))
		assert.EqualValues(t, 102, s.Accounting().Snapshot().Inputs[0].ReadErrors)
		assert.Equal(t, 3, strings.Count(buf.String(), "reading input failed"), buf.String())
		assert.Equal(t, 1, strings.Count(buf.String(), "still fails"))
		assert.Less(t, time.Since(start), 2*time.Minute)
		assert.Greater(t, time.Since(start), time.Minute, "an error that repeats itself is not a busy loop")
	})
}

func TestGracefulStopFinishesWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &scripted{write: func(ctx context.Context, _ int, evs []*ecs.Event) (output.Result, error) {
			if err := sleep(ctx, 10*time.Second); err != nil {
				return output.Result{}, err
			}
			return stored(len(evs))
		}}
		in := newInput("one", []string{"a"}, []string{"b"}, []string{"c"}, []string{"d"})
		in.endless = true
		s := newShipper(t, slow, &letterBox{}, func(o *Options) { o.Config.NumberOfWorkers = 2 }, in)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		require.NoError(t, s.Run(ctx))
		assert.Equal(t, 10*time.Second, time.Since(start))
		assert.Equal(t, "received=3 indexed=2 duplicate=0 filtered=0 dead_lettered=0 in_flight=0 returned=1", s.Accounting().String(),
			"one batch waited for a worker, the fourth was never read")
		in.check(t)
		assert.True(t, slow.closed)
	})
}

func TestGracefulStopGivesUpAfterTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := &scripted{write: func(context.Context, int, []*ecs.Event) (output.Result, error) { return output.Result{}, errDown }}
		in := newInput("one", []string{"a", "b", "drop"}, []string{"c"})
		in.endless = true
		s := newShipper(t, Decorate(down, DefaultConfig(), testBackoff, nil), &letterBox{}, nil, in)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		start := time.Now()
		require.NoError(t, s.Run(ctx), "a stop is no error")
		assert.Equal(t, time.Minute+30*time.Second, time.Since(start))
		assert.Equal(t, "received=4 indexed=0 duplicate=0 filtered=1 dead_lettered=0 in_flight=0 returned=3", s.Accounting().String())
		for _, err := range in.ackErrors() {
			assert.ErrorIs(t, err, errTime)
			assert.ErrorContains(t, err, "connection refused")
		}
		in.check(t)
	})
}

func TestZeroShutdownTimeoutStopsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := &scripted{write: func(ctx context.Context, _ int, _ []*ecs.Event) (output.Result, error) {
			<-ctx.Done()
			return output.Result{}, ctx.Err()
		}}
		s := newShipper(t, hang, &letterBox{}, func(o *Options) { o.Config.ShutdownTimeout = 0 }, newInput("one", []string{"a"}))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		start := time.Now()
		require.NoError(t, s.Run(ctx))
		assert.Equal(t, time.Minute, time.Since(start))
	})
}

func TestBackPressureIsThatNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		out := &scripted{write: func(_ context.Context, _ int, evs []*ecs.Event) (output.Result, error) {
			<-release
			return stored(len(evs))
		}}
		var batches [][]string
		for i := range 50 {
			batches = append(batches, []string{fmt.Sprint(i)})
		}
		in := newInput("one", batches...)
		s := newShipper(t, out, &letterBox{}, func(o *Options) { o.Config.NumberOfWorkers = 3 }, in)
		go func() { assert.NoError(t, s.Run(t.Context())) }()
		synctest.Wait()
		in.mu.Lock()
		assert.Equal(t, 4, in.open, "three workers and one batch that waits")
		in.mu.Unlock()
		assert.EqualValues(t, 4, s.Accounting().Snapshot().Total.InFlight)
		close(release)
		synctest.Wait()
		assert.EqualValues(t, 50, s.Accounting().Snapshot().Total.Indexed)
		assert.Equal(t, 3, out.most)
	})
}

func TestLargeBatchIsWrittenInParts(t *testing.T) {
	memory := &outputtest.Memory{}
	var raws []string
	for i := range 25 {
		raws = append(raws, fmt.Sprint(i))
	}
	in := newInput("one", raws)
	s := newShipper(t, memory, &letterBox{}, func(o *Options) { o.MaxEvents = 10 }, in)
	require.NoError(t, s.Run(t.Context()))
	assert.Equal(t, 3, memory.Writes())
	assert.Equal(t, raws, ids(memory), "in the order of the records")
}

func TestPartThatFailsReturnsTheRestOfTheBatch(t *testing.T) {
	chaos := &outputtest.Chaos{Next: &outputtest.Memory{}, Plan: outputtest.Script(outputtest.None, outputtest.Split)}
	in := newInput("one", []string{"a", "b", "c", "drop", "d", "e", "f", "g", "h", "i"})
	in.redeliver = 1
	s := newShipper(t, chaos, &letterBox{}, func(o *Options) { o.MaxEvents = 4 }, in)
	err := s.Run(t.Context())
	require.ErrorIs(t, err, ErrReturned, "without retries the caller must hear of it")
	assert.Len(t, in.acks, 2)
	// First delivery: a b c indexed, one filtered; d and f indexed, e and g refused, h and i not tried.
	assert.Equal(t, "received=20 indexed=9 duplicate=5 filtered=2 dead_lettered=0 in_flight=0 returned=4", s.Accounting().String())
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	_, err := New(Options{Config: Config{RateLimit: -1}, Backoff: Backoff{Init: -1}})
	for _, want := range []string{"an input is missing", "processor", "output", "dead letters", "rate_limit: ", "backoff.init: "} {
		require.ErrorContains(t, err, want)
	}
	in := newInput("one")
	_, err = New(Options{Sources: []Source{{ID: "one", Input: in}, {ID: "one"}}, Processor: processFunc(process),
		Output: &outputtest.Memory{}, DeadLetters: &letterBox{}})
	require.ErrorContains(t, err, `two inputs have the id "one"`)
	require.ErrorContains(t, err, `input of source "one" is missing`)
}

// closer fails to close.
type closer struct{ *outputtest.Memory }

func (closer) Close() error { return errors.New("flush failed") }

func TestErrorsOfCloseAreReported(t *testing.T) {
	s := newShipper(t, closer{&outputtest.Memory{}}, &letterBox{}, nil, newInput("one", []string{"a"}))
	require.ErrorContains(t, s.Run(t.Context()), "closing the output: flush failed")
}

func TestWorkerDoesNotAllocatePerRecord(t *testing.T) {
	s := newShipper(t, discard{}, &letterBox{}, func(o *Options) {
		o.Processor = processFunc(func([]byte, *ecs.Event) error { return nil })
		o.Identify = func(ev *ecs.Event, _ *input.Record) { ev.Meta.ID = "id" }
	}, newInput("one"))
	s.accounting.watch = nil
	batch := &input.Batch{Ack: func(error) {}}
	for i := range 500 {
		batch.Records = append(batch.Records, input.Record{Raw: []byte("{}"), Origin: &input.Origin{Region: "eu-west-1"}, Index: int64(i), Created: time.Now()})
	}
	w := &worker{Shipper: s}
	d := delivery{src: &s.opt.Sources[0], batch: batch, readTime: "now"}
	allocs := testing.AllocsPerRun(20, func() { w.ship(t.Context(), d) })
	assert.Less(t, allocs, 10.0, "per batch of 500")
}

type discard struct{}

func (discard) Write(_ context.Context, evs []*ecs.Event) (output.Result, error) {
	return stored(len(evs))
}
func (discard) Close() error { return nil }

func BenchmarkFlow(b *testing.B) {
	s, err := New(Options{Sources: []Source{{ID: "one", Input: newInput("one"), Tags: []string{"forwarded"}}}, Output: discard{}, DeadLetters: &letterBox{},
		Processor: processFunc(func([]byte, *ecs.Event) error { return nil })})
	require.NoError(b, err)
	batch := &input.Batch{Ack: func(error) {}, Records: make([]input.Record, 500)}
	w := &worker{Shipper: s}
	b.ReportAllocs()
	for b.Loop() {
		w.ship(b.Context(), delivery{src: &s.opt.Sources[0], batch: batch, readTime: "now"})
	}
	b.ReportMetric(float64(b.N)*500/b.Elapsed().Seconds(), "records/s")
}

// unfinished ends with an error, as an input does that gets batches back.
type unfinished struct{ *fakeInput }

func (i unfinished) Close() error {
	return errors.Join(i.fakeInput.Close(), errors.New("1 batches were not delivered"))
}

// A fatal error of the output is told once, and not buried under what follows from it.
func TestFatalOutputIsToldOnce(t *testing.T) {
	var log bytes.Buffer
	out := &outputtest.Chaos{Next: &outputtest.Memory{}, Plan: outputtest.Script(outputtest.Fatal)}
	in := newInput("one", []string{"a"}, []string{"b"})
	s := newShipper(t, out, &letterBox{}, func(o *Options) {
		o.Sources[0].Input = unfinished{in}
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	}, in)
	require.EqualError(t, s.Run(t.Context()), outputtest.ErrChaos.Error())
	require.Empty(t, log.String())
}

func TestPartLen(t *testing.T) {
	recs := make([]input.Record, 4)
	for i := range recs {
		recs[i].Raw = make([]byte, 10)
	}
	recs[3].Raw = make([]byte, 100)
	for _, test := range []struct{ from, events, bytes, want int }{
		{0, 10, 1000, 4}, {0, 2, 1000, 2}, {0, 10, 30, 3}, {0, 10, 29, 2}, {0, 10, 1, 1}, {3, 10, 50, 1}, {4, 10, 50, 0},
	} {
		require.Equal(t, test.want, partLen(recs[test.from:], test.events, test.bytes), "%+v", test)
	}
}
