package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
)

// echo makes a document that tells its record.
type echo struct{}

func (echo) Process(raw []byte, ev *ecs.Event) error {
	ev.Message = string(raw)
	return nil
}

func manyLines(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "{\"n\":%d}\n", i)
	}
	return text.String()
}

// untold is for files that nothing is to be told of.
func untold(t testing.TB) func(error) {
	return func(err error) { assert.NoError(t, err) }
}

func TestMapperKeepsTheOrder(t *testing.T) {
	for name, sizes := range map[string][]int{
		"large files": {20 * partRecords, 3, 7 * partRecords},
		"small files": append(slices.Repeat([]int{100, 1, 0, 37}, 200), partRecords, partRecords),
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			m := newMapper(echo{}, mapOptions{timestamp: "T"}, &out, untold(t))
			total := 0
			for i, n := range sizes {
				require.NoError(t, m.run(t.Context(), strings.NewReader(manyLines(n)), "a", i%10 == 9))
				total += n
			}
			require.NoError(t, m.finish())
			assert.EqualValues(t, total, m.records.Load())
			lines := strings.SplitAfter(out.String(), "\n")
			require.Len(t, lines, total+1)
			for _, n := range sizes {
				for i := range n {
					require.Equal(t, fmt.Sprintf(`{"@timestamp":"T","message":"{\"n\":%d}"}`+"\n", i), lines[i])
				}
				lines = lines[n:]
			}
		})
	}
}

func TestMapperEndsWhenItCannotWrite(t *testing.T) {
	for name, lines := range map[string]int{"while it reads": 50 * partRecords, "at the end": 1} {
		t.Run(name, func(t *testing.T) {
			m := newMapper(echo{}, mapOptions{}, brokenWriter{}, untold(t))
			var failed *writeError
			if err := m.run(t.Context(), strings.NewReader(manyLines(lines)), "a", false); err != nil {
				assert.ErrorAs(t, err, &failed)
			}
			assert.ErrorAs(t, m.finish(), &failed)
		})
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestMapperTellsWhatItCouldNotRead(t *testing.T) {
	var out strings.Builder
	m := newMapper(echo{}, mapOptions{}, &out, untold(t))
	r := io.MultiReader(strings.NewReader(`{"Records":[{"n":1},{"n":2},`), iotest.ErrReader(errors.New("bad disk")))
	err := m.run(t.Context(), r, "x.json", false)
	assert.ErrorContains(t, err, "x.json")
	assert.ErrorContains(t, err, "bad disk")
	require.NoError(t, m.run(t.Context(), strings.NewReader(manyLines(1)), "y.json", false))
	require.NoError(t, m.finish())
	assert.Equal(t, 3, strings.Count(out.String(), "\n"), "what came before is there, and the next file")

	m = newMapper(echo{}, mapOptions{}, &out, untold(t))
	ctx, stop := context.WithCancel(t.Context())
	stop()
	m.idle = make(chan *part) // so that only the end of the context can be chosen
	assert.ErrorIs(t, m.run(ctx, strings.NewReader("{}"), "y", false), context.Canceled)
	require.NoError(t, m.finish())
}

// spoil is an echo that fails on one record.
type spoil struct{ echo }

func (s spoil) Process(raw []byte, ev *ecs.Event) error {
	if string(raw) == "bad" {
		return errors.New("cannot map")
	}
	return s.echo.Process(raw, ev)
}

func TestMapperEndsOnlyTheFileThatCannotBeMapped(t *testing.T) {
	var out strings.Builder
	var told []string
	m := newMapper(spoil{}, mapOptions{timestamp: "T"}, &out, func(err error) { told = append(told, err.Error()) })
	for i, text := range []string{"1\n2\n", "3\nbad\n" + strings.Repeat("0\n", 50*partRecords), "4\nbad", "5"} {
		require.NoError(t, m.run(t.Context(), strings.NewReader(text), fmt.Sprint("file", i), false))
	}
	require.NoError(t, m.finish())
	want := ""
	for i := 1; i <= 5; i++ {
		want += fmt.Sprintf(`{"@timestamp":"T","message":"%d"}`+"\n", i)
	}
	assert.Equal(t, want, out.String())
	assert.Equal(t, []string{`mapping the record at byte 2 of "file1": cannot map`, `mapping the record at byte 2 of "file2": cannot map`}, told)
}

// first reports the first thing that is written.
type first struct{ seen chan struct{} }

func (f first) Write(p []byte) (int, error) {
	select {
	case f.seen <- struct{}{}:
	default:
	}
	return len(p), nil
}

// A pipe that goes on later must not hold anything back: neither what came from it, nor from the file before.
func TestMapperHoldsNothingBack(t *testing.T) {
	out := first{make(chan struct{}, 1)}
	m := newMapper(echo{}, mapOptions{}, out, untold(t))
	require.NoError(t, m.run(t.Context(), strings.NewReader(manyLines(1)), "a", false))
	r, w := io.Pipe()
	ended := make(chan error)
	go func() { ended <- m.run(t.Context(), r, "-", true) }()
	<-out.seen
	_, err := io.WriteString(w, manyLines(1))
	require.NoError(t, err)
	<-out.seen
	require.NoError(t, w.Close())
	require.NoError(t, <-ended)
	require.NoError(t, m.finish())
}

func BenchmarkMapper(b *testing.B) {
	text := manyLines(100_000)
	b.SetBytes(int64(len(text)))
	m := newMapper(echo{}, mapOptions{timestamp: "T"}, discard{}, untold(b))
	for b.Loop() {
		if err := m.run(b.Context(), strings.NewReader(text), "a", false); err != nil {
			b.Fatal(err)
		}
	}
	require.NoError(b, m.finish())
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
