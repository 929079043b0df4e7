package console

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
	"github.com/trailbeat/trailbeat/output/outputtest"
)

func TestContract(t *testing.T) {
	for name, cfg := range map[string]Config{"lines": DefaultConfig(), "pretty": {Pretty: true}} {
		t.Run(name, func(t *testing.T) {
			outputtest.Run(t, outputtest.Harness{
				Anonymous: true,
				Volatile:  true,
				New: func(*testing.T) outputtest.Storage {
					var screen bytes.Buffer
					return outputtest.Storage{
						Open: func(t *testing.T) output.Output { return mustNew(t, cfg, &screen) },
						Documents: func(t *testing.T) (docs []outputtest.Document) {
							dec := json.NewDecoder(bytes.NewReader(screen.Bytes()))
							for {
								var doc json.RawMessage
								err := dec.Decode(&doc)
								if errors.Is(err, io.EOF) {
									return docs
								}
								require.NoError(t, err)
								docs = append(docs, outputtest.Document{JSON: doc})
							}
						},
					}
				},
			})
		})
	}
}

func mustNew(t *testing.T, cfg Config, w io.Writer) *Output {
	t.Helper()
	require.NoError(t, cfg.Validate())
	o, err := New(cfg, w)
	require.NoError(t, err)
	return o
}

func TestOneDocumentPerLine(t *testing.T) {
	var screen bytes.Buffer
	events := outputtest.NewEvents(0, 3)
	_, err := mustNew(t, DefaultConfig(), &screen).Write(t.Context(), events)
	require.NoError(t, err)
	lines := strings.Split(screen.String(), "\n")
	require.Len(t, lines, 4)
	require.Empty(t, lines[3])
	for i, ev := range events {
		require.Equal(t, string(ev.AppendJSON(nil)), lines[i])
	}
}

func TestPretty(t *testing.T) {
	var screen bytes.Buffer
	_, err := mustNew(t, Config{Pretty: true}, &screen).Write(t.Context(), []*ecs.Event{{Message: "a\nb"}, {Message: "c"}})
	require.NoError(t, err)
	require.Equal(t, "{\n  \"message\": \"a\\nb\"\n}\n{\n  \"message\": \"c\"\n}\n", screen.String())
}

func TestClosedPipe(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer w.Close()
	o := mustNew(t, DefaultConfig(), w)
	_, err = o.Write(t.Context(), outputtest.NewEvents(0, 1))
	require.NoError(t, err)
	_, err = bufio.NewReader(r).ReadString('\n')
	require.NoError(t, err)
	require.NoError(t, r.Close())
	for range 2 {
		res, err := o.Write(t.Context(), outputtest.NewEvents(1, 2))
		require.ErrorIs(t, err, ErrClosed)
		require.True(t, output.IsFatal(err), "nobody will ever read again")
		require.Zero(t, res)
	}
	require.NoError(t, o.Close())
}

func TestOtherClosedStreams(t *testing.T) {
	for _, cause := range []error{io.ErrClosedPipe, os.ErrClosed} {
		o := mustNew(t, DefaultConfig(), &flaky{err: cause, left: 0})
		_, err := o.Write(t.Context(), outputtest.NewEvents(0, 1))
		require.ErrorIs(t, err, ErrClosed)
	}
}

// flaky takes the given number of bytes of one write, returns err, and works from then on.
type flaky struct {
	bytes.Buffer
	err  error
	left int
}

func (f *flaky) Write(p []byte) (int, error) {
	if f.err == nil {
		return f.Buffer.Write(p)
	}
	err := f.err
	f.err = nil
	n, _ := f.Buffer.Write(p[:f.left])
	return n, err
}

func TestBrokenLineStaysApart(t *testing.T) {
	w := &flaky{err: errors.New("no space left"), left: 20}
	o := mustNew(t, DefaultConfig(), w)
	events := outputtest.NewEvents(0, 2)
	res, err := o.Write(t.Context(), events)
	require.ErrorContains(t, err, "writing 2 documents to the console: no space left")
	require.False(t, output.IsFatal(err))
	require.Zero(t, res)
	res, err = o.Write(t.Context(), events)
	require.NoError(t, err)
	require.Equal(t, 2, res.Stored)
	first := string(events[0].AppendJSON(nil))
	require.Equal(t, first[:20]+"\n"+first+"\n"+string(events[1].AppendJSON(nil))+"\n", w.String())
}

func TestFullDiskEndsTheRun(t *testing.T) {
	o := mustNew(t, DefaultConfig(), &flaky{err: full})
	_, err := o.Write(t.Context(), outputtest.NewEvents(0, 2))
	require.True(t, output.IsFatal(err))
	require.ErrorIs(t, err, full)
	require.ErrorContains(t, err, "no room left")
}
