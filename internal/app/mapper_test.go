package app

import (
	"context"
	"errors"
	"fmt"
	"io"
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

func TestMapperKeepsTheOrder(t *testing.T) {
	const n = 20 * partRecords
	var out strings.Builder
	m := newMapper(echo{}, mapOptions{timestamp: "T"}, &out)
	require.NoError(t, m.run(t.Context(), strings.NewReader(manyLines(n)), "a"))
	require.NoError(t, m.run(t.Context(), strings.NewReader(manyLines(3)), "b"))
	m.close()
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	require.Len(t, lines, n+3)
	for i, line := range lines {
		require.Equal(t, fmt.Sprintf(`{"@timestamp":"T","message":"{\"n\":%d}"}`, i%n), line)
	}
}

func TestMapperEndsWhenItCannotWrite(t *testing.T) {
	m := newMapper(echo{}, mapOptions{}, brokenWriter{})
	err := m.run(t.Context(), strings.NewReader(manyLines(50*partRecords)), "a")
	m.close()
	var failed *writeError
	assert.ErrorAs(t, err, &failed)
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestMapperTellsWhatItCouldNotRead(t *testing.T) {
	var out strings.Builder
	m := newMapper(echo{}, mapOptions{}, &out)
	defer m.close()
	r := io.MultiReader(strings.NewReader(`{"Records":[{"n":1},{"n":2},`), iotest.ErrReader(errors.New("bad disk")))
	err := m.run(t.Context(), r, "x.json")
	assert.ErrorContains(t, err, "x.json")
	assert.ErrorContains(t, err, "bad disk")
	assert.Equal(t, 2, strings.Count(out.String(), "\n"), "what came before is there")

	ctx, stop := context.WithCancel(t.Context())
	stop()
	m.idle = make(chan *part) // so that only the end of the context can be chosen
	assert.ErrorIs(t, m.run(ctx, strings.NewReader("{}"), "y"), context.Canceled)
}

func BenchmarkMapper(b *testing.B) {
	text := manyLines(100_000)
	b.SetBytes(int64(len(text)))
	m := newMapper(echo{}, mapOptions{timestamp: "T"}, discard{})
	defer m.close()
	for b.Loop() {
		if err := m.run(b.Context(), strings.NewReader(text), "a"); err != nil {
			b.Fatal(err)
		}
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
