package shipper

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
	"github.com/trailbeat/trailbeat/output/outputtest"
)

// scripted is an output that does what a function says, and remembers the _ids of each call.
type scripted struct {
	mu     sync.Mutex
	calls  []string
	active int
	most   int
	write  func(ctx context.Context, n int, events []*ecs.Event) (output.Result, error)
	closed bool
}

func (s *scripted) Write(ctx context.Context, events []*ecs.Event) (output.Result, error) {
	var ids []string
	for _, ev := range events {
		ids = append(ids, ev.Meta.ID)
	}
	s.mu.Lock()
	n := len(s.calls)
	s.calls = append(s.calls, strings.Join(ids, " "))
	s.active++
	s.most = max(s.most, s.active)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.active--
		s.mu.Unlock()
	}()
	return s.write(ctx, n, events)
}

func (s *scripted) Close() error {
	s.closed = true
	return nil
}

func stored(n int) (output.Result, error) { return output.Result{Stored: n}, nil }

// refusal is an answer to n events that names those of the failures.
func refusal(n int, failures ...output.Failure) (output.Result, error) {
	return output.Result{Stored: n - len(failures)}, &output.BatchError{Failures: failures}
}

func again(i int) output.Failure {
	return output.Failure{Index: i, Status: 429, Type: "es_rejected_execution_exception", Reason: "queue full"}
}

func never(i int) output.Failure {
	return output.Failure{Index: i, Permanent: true, Status: 400, Type: "document_parsing_exception", Reason: "bad ip"}
}

func events(ids ...string) []*ecs.Event {
	var evs []*ecs.Event
	for _, id := range ids {
		ev := &ecs.Event{}
		ev.Meta.ID = id
		evs = append(evs, ev)
	}
	return evs
}

// noJitter waits the full ceiling, so that tests can tell the time.
func noJitter(d time.Duration) time.Duration { return d }

var testBackoff = Backoff{Init: time.Second, Max: 8 * time.Second}

var errDown = errors.New("connection refused")

// named gives events without a data stream the default one, as a real output does.
type named struct{ *outputtest.Memory }

func (n named) Write(ctx context.Context, evs []*ecs.Event) (output.Result, error) {
	copies := make([]*ecs.Event, len(evs))
	for i, ev := range evs {
		c := *ev
		c.Meta.Index = cmp.Or(c.Meta.Index, "logs-aws.cloudtrail-default")
		copies[i] = &c
	}
	return n.Memory.Write(ctx, copies)
}

func TestDecoratedOutputKeepsTheContract(t *testing.T) {
	outputtest.Run(t, outputtest.Harness{
		Deduplicates: true,
		New: func(*testing.T) outputtest.Storage {
			memory := &outputtest.Memory{}
			return outputtest.Storage{
				Open: func(*testing.T) output.Output {
					return Decorate(named{memory}, Config{RateLimit: 1_000_000}, DefaultBackoff(), nil)
				},
				Documents: func(*testing.T) []outputtest.Document { return memory.Documents() },
			}
		},
	})
}

func TestRetryWholeBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &scripted{write: func(_ context.Context, n int, evs []*ecs.Event) (output.Result, error) {
			if n < 5 {
				return output.Result{}, errDown
			}
			return stored(len(evs))
		}}
		r := newRetry(out, testBackoff, nil, noJitter)
		start := time.Now()
		res, err := r.Write(t.Context(), events("a", "b"))
		require.NoError(t, err)
		assert.Equal(t, output.Result{Stored: 2}, res)
		assert.Equal(t, []string{"a b", "a b", "a b", "a b", "a b", "a b"}, out.calls)
		assert.Equal(t, (1+2+4+8+8)*time.Second, time.Since(start))
		down, _, _ := r.Down()
		assert.False(t, down)
	})
}

func TestRetryOnlyWhatWasRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &scripted{write: func(_ context.Context, n int, evs []*ecs.Event) (output.Result, error) {
			switch n {
			case 0:
				return refusal(6, again(1), never(2), again(3), again(5))
			case 1: // b d f
				return refusal(3, never(0), again(2))
			default: // f
				return stored(1)
			}
		}}
		r := newRetry(out, testBackoff, nil, noJitter)
		start := time.Now()
		res, err := r.Write(t.Context(), events("a", "b", "c", "d", "e", "f"))
		assert.Equal(t, []string{"a b c d e f", "b d f", "f"}, out.calls)
		assert.Equal(t, 3*time.Second, time.Since(start))
		assert.Equal(t, output.Result{Stored: 4}, res)
		var refused *output.BatchError
		require.ErrorAs(t, err, &refused)
		require.Len(t, refused.Failures, 2)
		assert.Equal(t, 1, refused.Failures[0].Index, "indexes are those of the caller")
		assert.Equal(t, 2, refused.Failures[1].Index)
		assert.True(t, refused.Failures[0].Permanent && refused.Failures[1].Permanent)
	})
}

type politeError struct{}

func (politeError) Error() string             { return "503 for now" }
func (politeError) RetryAfter() time.Duration { return 42 * time.Second }

func TestRetryAfterIsTheLeastWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		patient := again(0)
		patient.RetryAfter = 30 * time.Second
		out := &scripted{write: func(_ context.Context, n int, evs []*ecs.Event) (output.Result, error) {
			switch n {
			case 0:
				return refusal(2, patient)
			case 1:
				return output.Result{}, fmt.Errorf("sending: %w", politeError{})
			default:
				return stored(len(evs))
			}
		}}
		r := newRetry(out, testBackoff, nil, noJitter)
		start := time.Now()
		_, err := r.Write(t.Context(), events("a", "b"))
		require.NoError(t, err)
		assert.Equal(t, 72*time.Second, time.Since(start))
	})
}

func TestOneWorkerProbesWhileTheOutputIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const workers = 8
		start := time.Now()
		out := &scripted{}
		out.write = func(_ context.Context, _ int, evs []*ecs.Event) (output.Result, error) {
			time.Sleep(10 * time.Millisecond)
			if time.Since(start) < time.Minute {
				return output.Result{}, errDown
			}
			return stored(len(evs))
		}
		var buf bytes.Buffer
		r := newRetry(out, testBackoff, slog.New(slog.NewTextHandler(&buf, nil)), noJitter)
		var wg sync.WaitGroup
		for i := range workers {
			wg.Go(func() {
				res, err := r.Write(t.Context(), events(fmt.Sprint(i)))
				assert.NoError(t, err)
				assert.Equal(t, 1, res.Stored)
			})
		}
		time.Sleep(20 * time.Millisecond) // in the bubble's time: all have failed once
		out.mu.Lock()
		assert.Len(t, out.calls, workers)
		out.most = 0
		out.mu.Unlock()
		time.Sleep(50 * time.Second)
		out.mu.Lock()
		assert.Equal(t, 1, out.most, "one try at a time")
		assert.Less(t, len(out.calls), workers+10)
		tried := map[string]bool{}
		for _, id := range out.calls[workers:] {
			tried[id] = true
		}
		assert.Greater(t, len(tried), 5, "the workers take turns: a batch that never goes through must not block the others")
		out.mu.Unlock()
		down, since, err := r.Down()
		assert.True(t, down)
		assert.WithinDuration(t, start, since, time.Second)
		assert.ErrorIs(t, err, errDown)
		wg.Wait()
		assert.Less(t, time.Since(start), 70*time.Second)
		assert.Equal(t, 1, strings.Count(buf.String(), "output is down"), buf.String())
		assert.Equal(t, 1, strings.Count(buf.String(), "output is back"))
	})
}

func TestAllDocumentsRefusedMeansDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &scripted{write: func(_ context.Context, n int, evs []*ecs.Event) (output.Result, error) {
			if n < 3 {
				return refusal(2, again(0), again(1))
			}
			return stored(len(evs))
		}}
		r := newRetry(out, testBackoff, nil, noJitter)
		go func() {
			time.Sleep(time.Millisecond)
			down, _, err := r.Down()
			assert.True(t, down)
			assert.ErrorContains(t, err, "queue full")
		}()
		res, err := r.Write(t.Context(), events("a", "b"))
		require.NoError(t, err)
		assert.Equal(t, 2, res.Stored)
		assert.Len(t, out.calls, 4)
	})
}

func TestRetryLogsALastingFaultOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		refuse := false
		out := &scripted{write: func(_ context.Context, n int, evs []*ecs.Event) (output.Result, error) {
			switch since := time.Since(start); {
			case refuse && since < 10*time.Minute && n > 0 && len(evs) == 1:
				return refusal(1, again(0))
			case refuse && since < 10*time.Minute:
				return refusal(2, again(1))
			case since < 5*time.Minute:
				return output.Result{}, errDown
			}
			return stored(len(evs))
		}}
		var buf bytes.Buffer
		r := newRetry(out, testBackoff, slog.New(slog.NewTextHandler(&buf, nil)), noJitter)
		_, err := r.Write(t.Context(), events("a"))
		require.NoError(t, err)
		assert.Equal(t, 1, strings.Count(buf.String(), "output is down"))
		assert.Equal(t, 4, strings.Count(buf.String(), "output is still down"), buf.String())
		assert.Equal(t, 1, strings.Count(buf.String(), "output is back"))

		buf.Reset()
		refuse = true
		_, err = r.Write(t.Context(), events("a", "b"))
		require.NoError(t, err)
		assert.Equal(t, 1, strings.Count(buf.String(), "refused documents for now"))
		assert.InDelta(t, 4, strings.Count(buf.String(), "still refuses"), 1, buf.String())
		assert.Equal(t, 1, strings.Count(buf.String(), "takes all documents again"))
	})
}

func TestFatalErrorGoesThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &scripted{write: func(_ context.Context, n int, _ []*ecs.Event) (output.Result, error) {
			if n == 0 {
				return output.Result{}, errDown
			}
			return output.Result{}, &output.FatalError{Err: errors.New("401")}
		}}
		r := newRetry(out, testBackoff, nil, noJitter)
		res, err := r.Write(t.Context(), events("a"))
		assert.True(t, output.IsFatal(err))
		assert.Zero(t, res)
	})
}

func TestRetryEndsWithTheContext(t *testing.T) {
	errStop := errors.New("deadline of the shutdown")
	t.Run("nothing durable", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			out := &scripted{write: func(context.Context, int, []*ecs.Event) (output.Result, error) { return output.Result{}, errDown }}
			r := newRetry(out, testBackoff, nil, noJitter)
			ctx, cancel := context.WithCancelCause(t.Context())
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					res, err := r.Write(ctx, events("a", "b"))
					assert.Zero(t, res)
					assert.ErrorIs(t, err, errStop)
					var refused *output.BatchError
					assert.False(t, errors.As(err, &refused))
				})
			}
			time.Sleep(20 * time.Second)
			cancel(errStop)
			wg.Wait()
		})
	})
	t.Run("half durable", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			out := &scripted{write: func(_ context.Context, n int, evs []*ecs.Event) (output.Result, error) {
				if n == 0 {
					return refusal(4, again(0), never(1), again(3))
				}
				return output.Result{}, errDown
			}}
			r := newRetry(out, testBackoff, nil, noJitter)
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(20*time.Second, func() { cancel(errStop) })
			res, err := r.Write(ctx, events("a", "b", "c", "d"))
			assert.Equal(t, output.Result{Stored: 1}, res)
			var refused *output.BatchError
			require.ErrorAs(t, err, &refused)
			require.Len(t, refused.Failures, 3)
			for i, want := range []output.Failure{{Index: 0}, {Index: 1, Permanent: true}, {Index: 3}} {
				assert.Equal(t, want.Index, refused.Failures[i].Index)
				assert.Equal(t, want.Permanent, refused.Failures[i].Permanent)
			}
			assert.Contains(t, refused.Failures[0].Reason, "deadline of the shutdown")
		})
	})
	t.Run("while the output hangs", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			out := &scripted{write: func(ctx context.Context, _ int, _ []*ecs.Event) (output.Result, error) {
				<-ctx.Done()
				return output.Result{}, ctx.Err()
			}}
			r := newRetry(out, testBackoff, nil, noJitter)
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Second, func() { cancel(errStop) })
			_, err := r.Write(ctx, events("a"))
			require.ErrorIs(t, err, errStop)
			down, _, _ := r.Down()
			assert.False(t, down, "the end of the run says nothing about the output")
		})
	})
}

func TestProberThatGoesAwayHandsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var up atomic.Bool
		out := &scripted{write: func(_ context.Context, _ int, evs []*ecs.Event) (output.Result, error) {
			if !up.Load() {
				return output.Result{}, errDown
			}
			return stored(len(evs))
		}}
		r := newRetry(out, Backoff{Init: time.Hour, Max: time.Hour}, nil, noJitter)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := r.Write(ctx, events("prober"))
			assert.ErrorIs(t, err, context.Canceled)
		})
		synctest.Wait()
		for range 3 {
			wg.Go(func() {
				_, err := r.Write(t.Context(), events("waiter"))
				assert.NoError(t, err)
			})
		}
		gone, leave := context.WithCancel(t.Context())
		wg.Go(func() {
			_, err := r.Write(gone, events("queued"))
			assert.ErrorIs(t, err, context.Canceled)
		})
		synctest.Wait()
		cancel()
		leave()
		synctest.Wait()
		up.Store(true)
		wg.Wait()
	})
}

func TestTurnThatIsGivenUpAtTheLastMomentGoesToTheNext(t *testing.T) {
	b := &breaker{backoff: testBackoff, jitter: noJitter, log: orDiscard(nil)}
	b.down(false, errDown, 0)
	first, second := make(chan bool, 1), make(chan bool, 1)
	b.queue = []chan bool{first, second}
	b.promote()
	b.giveUp(first) // its context ended just as it was promoted
	assert.True(t, b.probing)
	assert.Len(t, second, 1)
	b.leave(true)
	assert.False(t, b.probing)
}

func TestOutputThatBreaksItsContractIsFatal(t *testing.T) {
	tests := map[string]func(n int) (output.Result, error){
		"fewer than sent":   func(n int) (output.Result, error) { return output.Result{Stored: n - 1}, nil },
		"more than sent":    func(n int) (output.Result, error) { return output.Result{Stored: n, Duplicate: 1}, nil },
		"negative":          func(n int) (output.Result, error) { return output.Result{Stored: n + 1, Duplicate: -1}, nil },
		"failure uncounted": func(n int) (output.Result, error) { res, err := refusal(n, again(0)); res.Stored++; return res, err },
		"index too high":    func(n int) (output.Result, error) { return refusal(n, again(n)) },
		"index twice":       func(n int) (output.Result, error) { return refusal(n, again(1), again(1)) },
		"index negative":    func(n int) (output.Result, error) { return refusal(n, again(-1)) },
	}
	for name, answer := range tests {
		t.Run(name, func(t *testing.T) {
			out := &scripted{write: func(_ context.Context, _ int, evs []*ecs.Event) (output.Result, error) { return answer(len(evs)) }}
			_, err := NewRetry(out, testBackoff, nil).Write(t.Context(), events("a", "b", "c"))
			require.True(t, output.IsFatal(err), err)
			assert.ErrorContains(t, err, "broke its contract")
		})
	}
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &scripted{write: func(_ context.Context, _ int, evs []*ecs.Event) (output.Result, error) { return stored(len(evs)) }}
		l := NewRateLimit(out, 2)
		start := time.Now()
		for range 5 {
			_, err := l.Write(t.Context(), events("a", "b", "c"))
			require.NoError(t, err)
		}
		assert.Equal(t, 6*time.Second, time.Since(start), "3 documents cost 1.5s, the first batch goes at once")

		time.Sleep(time.Hour)
		start = time.Now()
		_, err := l.Write(t.Context(), events("a"))
		require.NoError(t, err)
		_, err = l.Write(t.Context(), events("a"))
		require.NoError(t, err)
		assert.Equal(t, 500*time.Millisecond, time.Since(start), "idle time is not saved up")

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		calls := len(out.calls)
		_, err = l.Write(ctx, events("a"))
		require.ErrorIs(t, err, context.Canceled)
		assert.Len(t, out.calls, calls)

		free := NewRateLimit(out, 0)
		start = time.Now()
		for range 100 {
			_, err := free.Write(t.Context(), events("a"))
			require.NoError(t, err)
		}
		assert.Zero(t, time.Since(start))
		require.NoError(t, l.Close())
		assert.True(t, out.closed)
	})
}

// A run that is to end does not wait for ever: it tries once more at the end of its patience, and says why it gives up.
func TestPatienceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		down.Store(true)
		out := &scripted{write: func(_ context.Context, _ int, evs []*ecs.Event) (output.Result, error) {
			if down.Load() {
				return output.Result{}, errDown
			}
			return output.Result{Stored: len(evs)}, nil
		}}
		var buf bytes.Buffer
		r := newRetry(out, testBackoff, slog.New(slog.NewTextHandler(&buf, nil)), noJitter)
		r.GiveUpAfter(10 * time.Minute)
		begin := time.Now()
		_, err := r.Write(t.Context(), events("a"))
		assert.True(t, output.IsFatal(err))
		assert.ErrorIs(t, err, errDown)
		assert.ErrorContains(t, err, "giving up, as the output has taken nothing for 10m0s: ")
		assert.Equal(t, 10*time.Minute, time.Since(begin))
		assert.Contains(t, buf.String(), "giving_up_after=10m0s")

		// What comes back in time is waited for, each outage anew.
		for range 2 {
			r = newRetry(out, testBackoff, nil, noJitter)
			r.GiveUpAfter(10 * time.Minute)
			down.Store(true)
			time.AfterFunc(9*time.Minute, func() { down.Store(false) })
			_, err = r.Write(t.Context(), events("a"))
			assert.NoError(t, err)
		}
	})
}
