// Package inputtest is the suite that every input has to pass: what package input promises, tried out.
//
// A test of an input gives a Harness that can make sources, put records into them, and open the input again and again
// with the checkpoints that it left. Run does the rest. An input that is opened again without Close stands for a process
// that was killed.
package inputtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
)

// Harness makes sources for the suite.
type Harness struct {
	// New makes an empty source with its own checkpoints.
	New func(t *testing.T) Source
	// Ends says that Read gives io.EOF when all was read. Otherwise the input goes on looking for more, and finds what
	// Seed adds while it is open.
	Ends bool
	// Exact says that a record which was acknowledged, with all before it, does not come again after a restart. Otherwise it
	// may (at least once).
	Exact bool
}

// Source is one source of records.
type Source struct {
	// Seed adds records, behind those that are there.
	Seed func(records []string)
	// Open opens the input with the checkpoints that were left. Its batches must hold 7 records at most, and it must allow 20
	// batches in flight. The input that was open before is forgotten, closed or not.
	Open func() input.Input
}

const total = 60

func made(from, n int) []string {
	list := make([]string, n)
	for i := range list {
		// Odd spacing and escapes: the bytes must come through as they are.
		list[i] = fmt.Sprintf(`{"eventID": "%04d",  "x":"a\"}]\\", "n":[%d ,{}]}`, from+i, i)
	}
	return list
}

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	tests := []struct {
		name string
		run  func(*testing.T, Harness)
	}{
		{"all of it once", testOnce},
		{"nothing is done before the ack", testNoAck},
		{"an ack with an error brings them again", testErrorAck},
		{"acks in any order", testOrder},
		{"a gap in the acks loses nothing", testGap},
		{"a restart in the middle", testRestart},
		{"acks from many goroutines", testConcurrent},
		{"a second ack does no harm", testTwice},
		{"the context ends", testContext},
		{"close", testClose},
		{"more comes later", testLater},
		{"the report", testReport},
		{"the report of what came back", testReportReturned},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, h) })
	}
}

func seeded(t *testing.T, h Harness) (Source, []string) {
	t.Helper()
	s := h.New(t)
	want := made(0, total)
	s.Seed(want)
	return s, want
}

// take reads batches until n records were seen and, where the input ends, until it does. It acknowledges nothing.
func take(t *testing.T, h Harness, in input.Input, n int) []*input.Batch {
	t.Helper()
	return readTo(t, h, in, func(seen []string) bool { return len(seen) >= n }, func(*input.Batch) {})
}

// readTo reads batches until there is enough and hands each to then. Where the input ends, the end is what counts. With
// errTold an input may say that batches came back to it.
func readTo(t *testing.T, h Harness, in input.Input, enough func(seen []string) bool, then func(*input.Batch), tolerated ...error) []*input.Batch {
	t.Helper()
	var batches []*input.Batch
	var seen []string
	for h.Ends || !enough(seen) {
		b, err := in.Read(t.Context())
		if h.Ends && errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !input.IsFatal(err) && len(tolerated) > 0 {
			tolerated = tolerated[1:]
			continue
		}
		require.NoError(t, err)
		check(t, b)
		batches, seen = append(batches, b), append(seen, raws(b)...)
		then(b)
		require.Less(t, len(seen), 10*total, "the input gives the same again and again")
	}
	return batches
}

// check looks at what every batch must be.
func check(t *testing.T, b *input.Batch) {
	t.Helper()
	require.NotNil(t, b)
	require.NotNil(t, b.Ack)
	require.NotEmpty(t, b.Records, "an empty batch")
	require.LessOrEqual(t, len(b.Records), 7, "see Source.Open")
	for i, r := range b.Records {
		require.NotNil(t, r.Origin)
		require.NotEmpty(t, r.Origin.InputType)
		if i > 0 && b.Records[i-1].Origin == r.Origin {
			require.Greater(t, r.Index, b.Records[i-1].Index)
			require.Greater(t, r.Offset, b.Records[i-1].Offset)
		}
	}
}

// raws copies the records: after the ack their bytes are no longer valid.
func raws(batches ...*input.Batch) []string {
	list := []string{}
	for _, b := range batches {
		for _, r := range b.Records {
			list = append(list, string(r.Raw))
		}
	}
	return list
}

const marker = `{"eventID":"the last one"}`

// rest opens the input again and gives what comes, acknowledged, up to a record that it puts behind everything.
func rest(t *testing.T, h Harness, s Source) []string {
	t.Helper()
	s.Seed([]string{marker})
	in := s.Open()
	var list []string
	readTo(t, h, in, func(seen []string) bool { return slices.Contains(seen, marker) }, func(b *input.Batch) {
		list = append(list, raws(b)...)
		b.Ack(nil)
	})
	require.NoError(t, in.Close())
	require.Contains(t, list, marker)
	return slices.DeleteFunc(list, func(r string) bool { return r == marker })
}

// distinct is the set of the records, in order.
func distinct(lists ...[]string) []string {
	list := slices.Concat(lists...)
	slices.Sort(list)
	return slices.Compact(list)
}

var (
	errDown = errors.New("the output is down")
	errTold = errors.New("one error is tolerated")
)

func testOnce(t *testing.T, h Harness) {
	s, want := seeded(t, h)
	in := s.Open()
	var got []string
	readTo(t, h, in, func(seen []string) bool { return len(seen) >= total }, func(b *input.Batch) {
		got = append(got, raws(b)...)
		b.Ack(nil)
	})
	slices.Sort(got)
	assert.Equal(t, want, got)
	if h.Ends {
		_, err := in.Read(t.Context())
		assert.ErrorIs(t, err, io.EOF, "the end stays")
	}
	require.NoError(t, in.Close())
	assert.Empty(t, rest(t, h, s))
}

func testNoAck(t *testing.T, h Harness) {
	s, want := seeded(t, h)
	take(t, h, s.Open(), total)
	assert.Equal(t, want, distinct(rest(t, h, s)), "after a restart")
}

func testErrorAck(t *testing.T, h Harness) {
	s, want := seeded(t, h)
	in := s.Open()
	var delivered []string
	n := 0
	readTo(t, h, in, func(seen []string) bool { return len(distinct(delivered)) == total }, func(b *input.Batch) {
		if n++; n == 2 {
			b.Ack(errDown)
			return
		}
		delivered = append(delivered, raws(b)...)
		b.Ack(nil)
	}, errTold)
	_ = in.Close() // may say that not all was delivered
	assert.Equal(t, want, distinct(delivered, rest(t, h, s)))
}

func testOrder(t *testing.T, h Harness) {
	s, _ := seeded(t, h)
	in := s.Open()
	batches := take(t, h, in, total)
	for i, at := range rand.Perm(len(batches)) {
		if i%2 == 0 { // a round trip between them
			_ = raws(batches[at])
		}
		batches[at].Ack(nil)
	}
	require.NoError(t, in.Close())
	assert.Empty(t, rest(t, h, s))
}

func testGap(t *testing.T, h Harness) {
	for _, gap := range []int{0, 1, 3} {
		s, want := seeded(t, h)
		batches := take(t, h, s.Open(), total)
		require.Greater(t, len(batches), gap)
		var delivered []string
		for i := len(batches) - 1; i >= 0; i-- {
			if i == gap {
				continue
			}
			delivered = append(delivered, raws(batches[i])...)
			batches[i].Ack(nil)
		}
		lost := raws(batches[gap])
		again := rest(t, h, s)
		assert.Subset(t, again, lost)
		assert.Equal(t, want, distinct(delivered, again))
		if h.Exact && gap > 0 {
			assert.NotContains(t, again, want[0], "before the gap")
		}
	}
}

func testRestart(t *testing.T, h Harness) {
	s, want := seeded(t, h)
	var delivered []string
	for range 4 { // four lives, each of which is killed after two acks
		in := s.Open()
		for range 2 {
			b, err := in.Read(t.Context())
			require.NoError(t, err)
			check(t, b)
			delivered = append(delivered, raws(b)...)
			b.Ack(nil)
		}
		_, err := in.Read(t.Context()) // in flight when it is killed
		require.NoError(t, err)
	}
	delivered = append(delivered, rest(t, h, s)...)
	assert.Equal(t, want, distinct(delivered))
	if h.Exact {
		assert.Len(t, delivered, total, "what was acknowledged came again")
	}
}

func testConcurrent(t *testing.T, h Harness) {
	s, want := seeded(t, h)
	in := s.Open()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var got []string
	readTo(t, h, in, func(seen []string) bool { return len(seen) >= total }, func(b *input.Batch) {
		wg.Go(func() {
			list := raws(b)
			b.Ack(nil)
			mu.Lock()
			defer mu.Unlock()
			got = append(got, list...)
		})
	})
	wg.Wait()
	require.NoError(t, in.Close())
	slices.Sort(got)
	assert.Equal(t, want, got)
	assert.Empty(t, rest(t, h, s))
}

func testTwice(t *testing.T, h Harness) {
	s, want := seeded(t, h)
	in := s.Open()
	var first []string
	readTo(t, h, in, func(seen []string) bool { return len(seen) >= total }, func(b *input.Batch) {
		if first == nil {
			first = raws(b)
			b.Ack(nil)
			b.Ack(nil)
			b.Ack(errDown)
		}
	})
	again := rest(t, h, s)
	assert.Equal(t, want, distinct(first, again))
}

func testContext(t *testing.T, h Harness) {
	s, want := seeded(t, h)
	in := s.Open()
	ctx, cancel := context.WithCancel(t.Context())
	b, err := in.Read(ctx)
	require.NoError(t, err)
	cancel()
	_, err = in.Read(ctx)
	require.ErrorIs(t, err, context.Canceled)
	delivered := raws(b)
	b.Ack(nil) // still counts
	require.NoError(t, in.Close())
	again := rest(t, h, s)
	assert.Equal(t, want, distinct(delivered, again))
	if h.Exact {
		assert.NotContains(t, again, delivered[0])
	}
}

func testClose(t *testing.T, h Harness) {
	s, want := seeded(t, h)
	in := s.Open()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for { // until Close: batches that nobody acknowledges fill what may be in flight, or all was read
			if _, err := in.Read(t.Context()); err != nil {
				return
			}
		}
	}()
	require.NoError(t, in.Close())
	<-ended
	assert.Equal(t, want, distinct(rest(t, h, s)))
}

func testLater(t *testing.T, h Harness) {
	s, want := seeded(t, h)
	in := s.Open()
	for _, b := range take(t, h, in, total) {
		b.Ack(nil)
	}
	more := made(total, 5)
	s.Seed(more)
	if h.Ends {
		require.NoError(t, in.Close())
		in = s.Open()
	}
	var got []string
	readTo(t, h, in, func(seen []string) bool { return slices.Contains(seen, more[4]) }, func(b *input.Batch) {
		got = append(got, raws(b)...)
		b.Ack(nil)
	})
	require.NoError(t, in.Close())
	assert.Subset(t, got, more)
	if h.Exact {
		assert.Equal(t, more, distinct(got))
		assert.NotContains(t, got, want[0])
	}
}
