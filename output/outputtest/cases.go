package outputtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
)

func testEmptyBatch(t *testing.T, s *suite) {
	out := s.open(t)
	write(t, out, nil, 0, 0)
	write(t, out, []*ecs.Event{}, 0, 0)
	s.holds(t, nil)
}

func testStores(t *testing.T, s *suite) {
	out := s.open(t)
	first, second := NewEvents(0, 250), NewEvents(250, 1)
	write(t, out, first, 250, 0)
	s.holds(t, s.wantAll(first))
	write(t, out, second, 1, 0)
	s.holds(t, s.wantAll(append(first, second...)))
}

func testOddCharacters(t *testing.T, s *suite) {
	var events []*ecs.Event
	for i, odd := range []string{
		"quote \" backslash \\ slash /",
		"line\nfeed\r\n\ttab\b\f",
		"\x00\x01\x1f\x7f",
		"line separators \u2028 \u2029, no-break \u00a0, marks \ufeff",
		"Ünïcödé 日本語 🦫 \U0010ffff",
		"invalid \xff\xfe \xc3 bytes",
		`{"index":{}}`,
		"'; drop table documents; --",
		"<script>&amp;</script>",
		strings.Repeat("\n", 100),
	} {
		ev := NewEvent(i)
		ev.Message = odd
		ev.User.Name = odd
		ev.Tags = append(ev.Tags, odd)
		events = append(events, ev)
	}
	for i, id := range []string{
		"with space", "a/b?c=d&e#f", "it's \"quoted\"", "Ünï-日本語", "-_", strings.Repeat("x", 512),
	} {
		ev := NewEvent(100 + i)
		ev.Meta.ID = id
		events = append(events, ev)
	}
	out := s.open(t)
	write(t, out, events, len(events), 0)
	s.holds(t, s.wantAll(events))
	if s.Deduplicates {
		write(t, out, events, 0, len(events))
	}
}

func testLarge(t *testing.T, s *suite) {
	events := NewEvents(0, 5)
	events[1].Message = strings.Repeat("0123456789abcdef", 1<<16)
	events[3].Message = strings.Repeat("é\n", 1<<18)
	out := s.open(t)
	write(t, out, events, len(events), 0)
	s.holds(t, s.wantAll(events))
}

func testAgain(t *testing.T, s *suite) {
	out := s.open(t)
	events := NewEvents(0, 20)
	want := s.wantAll(events)
	write(t, out, events, 20, 0)
	if !s.Deduplicates {
		write(t, out, events, 20, 0)
		s.holds(t, append(want, want...))
		return
	}
	write(t, out, events, 0, 20)
	// What is stored stays as it is, even where the document of an _id has changed.
	mixed := NewEvents(15, 10)
	mixed[0].Message = "another document under a known _id"
	want = append(want, s.wantAll(mixed[5:])...)
	write(t, out, mixed, 5, 5)
	s.holds(t, want)
}

func testTwiceInBatch(t *testing.T, s *suite) {
	out := s.open(t)
	events := append(NewEvents(0, 3), NewEvents(1, 3)...)
	if s.Deduplicates {
		write(t, out, events, 4, 2)
		s.holds(t, s.wantAll(NewEvents(0, 4)))
		return
	}
	write(t, out, events, 6, 0)
	s.holds(t, s.wantAll(events))
}

func testWithoutID(t *testing.T, s *suite) {
	out := s.open(t)
	events := NewEvents(0, 4)
	for _, ev := range events {
		ev.Meta.ID = ""
	}
	events[3] = NewEvent(2)
	events[3].Meta.ID = ""
	write(t, out, events, 4, 0)
	write(t, out, events[:1], 1, 0)
	want := s.wantAll(append(events, events[0]))
	got := s.Documents(t)
	for i := range got {
		if s.GeneratesIDs {
			require.NotEmpty(t, got[i].ID)
			got[i].ID = ""
		}
	}
	require.NoError(t, sameDocuments(want, got))
}

func testDataStreams(t *testing.T, s *suite) {
	out := s.open(t)
	events := NewEvents(0, 3)
	for _, index := range []string{s.OtherIndex, s.DefaultIndex} {
		ev := NewEvent(1)
		ev.Meta.Index = index
		events = append(events, ev)
	}
	if s.Deduplicates {
		// The last is the same document as events[1]: the default data stream by its name.
		write(t, out, events, 4, 1)
		s.holds(t, s.wantAll(events[:4]))
		return
	}
	write(t, out, events, 5, 0)
	s.holds(t, s.wantAll(events))
}

func testEventsAreLeftAlone(t *testing.T, s *suite) {
	out := s.open(t)
	var want []Document
	events := NewEvents(0, 30)
	for round := range 5 {
		for i, ev := range events {
			ev.Reset()
			FillEvent(ev, round*len(events)+i)
			ev.Meta.Index = s.DefaultIndex
		}
		before := s.wantAll(events)
		meta := make([]ecs.Meta, len(events))
		for i, ev := range events {
			meta[i] = ev.Meta
		}
		write(t, out, events, len(events), 0)
		require.Equal(t, before, s.wantAll(events), "Write changed the events")
		for i, ev := range events {
			require.Equal(t, meta[i], ev.Meta, "Write changed the event")
		}
		want = append(want, before...)
		// As the flow does it: the events go back to their pool and are filled again at once.
		for i, ev := range events {
			ev.Reset()
			ev.Message = "overwritten"
			ev.Meta = ecs.Meta{ID: fmt.Sprint("overwritten", i), Index: "overwritten"}
		}
	}
	s.holds(t, want)
}

// batches splits count events into batches of size.
func batches(count, size int) [][]*ecs.Event {
	var all [][]*ecs.Event
	for n := 0; n < count; n += size {
		all = append(all, NewEvents(n, size))
	}
	return all
}

func testConcurrent(t *testing.T, s *suite) {
	out := s.open(t)
	const workers, each, size = 8, 6, 17
	all := batches(workers*each*size, size)
	var wg sync.WaitGroup
	errs := make(chan error, len(all))
	for w := range workers {
		wg.Go(func() {
			for _, events := range all[w*each : (w+1)*each] {
				res, err := out.Write(t.Context(), events)
				if err == nil && res != (output.Result{Stored: size}) {
					err = fmt.Errorf("result is %+v, want %d stored", res, size)
				}
				errs <- err
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	s.holds(t, s.wantAll(NewEvents(0, workers*each*size)))
}

func testConcurrentDuplicates(t *testing.T, s *suite) {
	if !s.Deduplicates {
		t.Skip("the output does not know duplicates")
	}
	out := s.open(t)
	const workers, size = 6, 40
	var wg sync.WaitGroup
	results := make([]output.Result, workers)
	errs := make([]error, workers)
	for w := range workers {
		wg.Go(func() { results[w], errs[w] = out.Write(t.Context(), NewEvents(0, size)) })
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	var sum output.Result
	for _, r := range results {
		sum.Stored += r.Stored
		sum.Duplicate += r.Duplicate
	}
	require.Equal(t, output.Result{Stored: size, Duplicate: (workers - 1) * size}, sum)
	s.holds(t, s.wantAll(NewEvents(0, size)))
}

func testCancelledBefore(t *testing.T, s *suite) {
	out := s.open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	events := NewEvents(0, 10)
	res, err := out.Write(ctx, events)
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, output.IsFatal(err), "the end of a context is not a fault of the output")
	require.Zero(t, res)
	var batch *output.BatchError
	require.False(t, errors.As(err, &batch), "the end of a context says nothing about single events")
	write(t, out, events, 10, 0)
	s.holds(t, s.wantAll(events))
}

// Whatever a cancelled Write has done, sending the batch again delivers it, and nothing is lost or broken.
func testCancelledDuring(t *testing.T, s *suite) {
	out := s.open(t)
	const workers, size = 6, 30
	var wg sync.WaitGroup
	errs := make([]error, workers)
	for w := range workers {
		wg.Go(func() {
			events := NewEvents(w*size, size)
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(w)*200*time.Microsecond)
			defer cancel()
			_, err := out.Write(ctx, events)
			if err == nil {
				return
			}
			if !errors.Is(err, context.DeadlineExceeded) || output.IsFatal(err) {
				errs[w] = fmt.Errorf("cancelled write: %w", err)
				return
			}
			_, errs[w] = out.Write(t.Context(), events)
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	want := s.wantAll(NewEvents(0, workers*size))
	if s.Deduplicates {
		s.holds(t, want)
		return
	}
	// A batch may be there twice where the output does not know duplicates, but no document may be missing.
	stored, err := render(s.Documents(t))
	require.NoError(t, err)
	wanted, err := render(want)
	require.NoError(t, err)
	require.Equal(t, wanted, slices.Compact(stored))
}

func testReopen(t *testing.T, s *suite) {
	out := s.open(t)
	events := NewEvents(0, 25)
	write(t, out, events, 25, 0)
	require.NoError(t, out.Close())
	s.holds(t, s.wantAll(events))
	if s.Volatile {
		return
	}
	again := s.open(t)
	s.holds(t, s.wantAll(events))
	more := NewEvents(20, 10)
	if s.Deduplicates {
		write(t, again, more, 5, 5)
		s.holds(t, s.wantAll(NewEvents(0, 30)))
		return
	}
	write(t, again, more, 10, 0)
	s.holds(t, s.wantAll(append(events, more...)))
}
