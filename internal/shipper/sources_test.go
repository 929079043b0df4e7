package shipper

import (
	"context"
	"errors"
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

func endless(id string, batches ...[]string) *fakeInput {
	in := newInput(id, batches...)
	in.endless = true
	return in
}

func sourceOf(in *fakeInput) Source { return Source{ID: in.origin.InputID, Type: "file", Input: in} }

// startOpen runs a shipper that begins with these inputs; end stops it and gives its error.
func startOpen(t *testing.T, out output.Output, ins ...*fakeInput) (s *Shipper, end func() error) {
	t.Helper()
	s = newShipper(t, out, &letterBox{}, func(o *Options) { o.Open = true }, ins...)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return s, func() error { stop(); return <-done }
}

func TestSourcesComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := &outputtest.Memory{}
		s := newShipper(t, memory, &letterBox{}, func(o *Options) { o.Open = true })
		early := endless("early", []string{"a"})
		require.NoError(t, s.Add(sourceOf(early)))
		require.ErrorContains(t, s.Add(sourceOf(endless("early"))), "there is an input of that id")
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		synctest.Wait()
		assert.Equal(t, []string{"a"}, ids(memory))

		late := endless("late", []string{"b"}, []string{"c", "drop 1"})
		require.NoError(t, s.Add(sourceOf(late)))
		synctest.Wait()
		assert.ElementsMatch(t, []string{"a", "b", "c"}, ids(memory))
		there, reading, fault := s.Health("late")
		assert.True(t, there && reading)
		require.NoError(t, fault)

		returned, err := s.Remove(t.Context(), "late")
		require.NoError(t, err)
		assert.Zero(t, returned)
		late.check(t)
		_, err = s.Remove(t.Context(), "late")
		require.ErrorIs(t, err, ErrNoSource)
		there, _, _ = s.Health("late")
		assert.False(t, there)

		again := endless("late", []string{"d"})
		require.NoError(t, s.Add(sourceOf(again)))
		synctest.Wait()
		stop()
		require.NoError(t, <-done)
		again.check(t)
		early.check(t)
		assert.Equal(t, "received=5 indexed=4 duplicate=0 filtered=1 dead_lettered=0 in_flight=0 returned=0", s.Accounting().String())
		counts := s.Accounting().Snapshot().Inputs
		assert.EqualValues(t, 4, counts[1].Received, "it goes on with its counts")
		require.ErrorIs(t, s.Add(sourceOf(endless("x"))), ErrEnded)
	})
}

// An input that is exhausted or fails for good ends neither the run nor the others.
func TestOpenRunOutlivesItsSources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := &outputtest.Memory{}
		s, end := startOpen(t, memory)
		broken := newInput("broken")
		broken.errs = []error{&input.FatalError{Err: errors.New("no such bucket")}}
		require.NoError(t, s.Add(sourceOf(broken)))
		require.NoError(t, s.Add(sourceOf(newInput("short", []string{"a"}))))
		synctest.Wait()
		there, reading, fault := s.Health("broken")
		assert.True(t, there)
		assert.False(t, reading)
		require.ErrorContains(t, fault, "no such bucket")
		_, reading, fault = s.Health("short")
		assert.False(t, reading)
		require.NoError(t, fault)
		_, err := s.Remove(t.Context(), "broken")
		require.NoError(t, err)
		require.NoError(t, end(), "the fault of a source that was added is not that of the run")
		assert.Equal(t, []string{"a"}, ids(memory))
	})
}

// stuck takes nothing until it is let go.
type stuck struct {
	*outputtest.Memory
	free chan struct{}
}

func (s *stuck) Write(ctx context.Context, evs []*ecs.Event) (output.Result, error) {
	select {
	case <-s.free:
		return s.Memory.Write(ctx, evs)
	case <-ctx.Done():
		return output.Result{}, context.Cause(ctx)
	}
}

// What was read is delivered before the input is closed, also what no worker had taken yet.
func TestRemoveWaitsForWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &stuck{&outputtest.Memory{}, make(chan struct{})}
		in := endless("in", []string{"a"}, []string{"b"})
		s := newShipper(t, out, &letterBox{}, func(o *Options) { o.Open, o.Config.NumberOfWorkers = true, 1 }, in)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		synctest.Wait() // one is being written, the other is waiting for a worker
		removed := make(chan int64, 1)
		go func() {
			n, err := s.Remove(t.Context(), "in")
			assert.NoError(t, err)
			removed <- n
		}()
		synctest.Wait()
		require.Empty(t, removed)
		close(out.free)
		assert.Zero(t, <-removed)
		assert.Equal(t, []string{"a", "b"}, ids(out.Memory))
		in.check(t)
		stop()
		require.NoError(t, <-done)
	})
}

// Where the time is over, what is not delivered goes back to its source, and nothing else does.
func TestRemoveGivesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &stuck{&outputtest.Memory{}, make(chan struct{})}
		in, other := endless("in", []string{"a", "b"}), endless("other", []string{"c"})
		s, end := startOpen(t, out, in, other)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		returned, err := s.Remove(ctx, "in")
		require.NoError(t, err)
		assert.EqualValues(t, 2, returned)
		assert.Len(t, in.ackErrors(), 1)
		in.check(t)
		close(out.free)
		synctest.Wait()
		assert.Equal(t, []string{"c"}, ids(out.Memory))
		require.NoError(t, end())
		other.check(t)
	})
}

func TestFixedRunTakesNoSource(t *testing.T) {
	s := newShipper(t, &outputtest.Memory{}, &letterBox{}, nil, newInput("one", []string{"a"}))
	require.ErrorContains(t, s.Add(sourceOf(newInput("two"))), "are fixed")
	require.NoError(t, s.Run(t.Context()))
}

// Sources that come and go while the run ends are closed once, by one of the two.
func TestAddAndRemoveWhileTheRunEnds(t *testing.T) {
	for range 50 {
		s, end := startOpen(t, &outputtest.Memory{}, endless("one", []string{"a"}))
		in := endless("two", []string{"b"})
		result := make(chan error, 1)
		go func() {
			err := s.Add(sourceOf(in))
			if err == nil {
				_, err = s.Remove(t.Context(), "two")
				if errors.Is(err, ErrNoSource) {
					err = nil // Run was quicker
				}
				result <- err
				return
			}
			assert.NoError(t, in.Close())
			if !errors.Is(err, ErrEnded) {
				result <- err
				return
			}
			result <- nil
		}()
		require.NoError(t, end())
		require.NoError(t, <-result)
		in.check(t)
	}
}
