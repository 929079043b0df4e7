package deadletter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/inputtest"
	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/output/outputtest"
)

func lineBytes(l shipper.Letter) ([]byte, error) {
	var buf bytes.Buffer
	err := appendEntry(&buf, &l)
	return buf.Bytes(), err
}

func replay(t *testing.T, s *Store) *Replay {
	t.Helper()
	r, err := s.Replay()
	require.NoError(t, err)
	return r
}

// readAll reads every batch and acknowledges each record's batch as verdict says.
func readAll(t *testing.T, r *Replay, verdict func(raw string) error) (raws []string) {
	t.Helper()
	for {
		batch, err := r.Read(t.Context())
		if errors.Is(err, io.EOF) {
			return raws
		}
		require.NoError(t, err)
		var failed error
		for _, rec := range batch.Records {
			raws = append(raws, string(rec.Raw))
			failed = errors.Join(failed, verdict(string(rec.Raw)))
		}
		batch.Ack(failed)
	}
}

func delivered(string) error { return nil }

func files(t *testing.T, path string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".lock") {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestReplayDeliversRecordsAsTheyFirstCame(t *testing.T) {
	s := open(t, storePath(t))
	want := letter("1", `{"eventID": "1"}`)
	write(t, s, want)
	r := replay(t, s)
	batch, err := r.Read(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []input.Record{want.Record}, batch.Records)
	_, err = r.Read(t.Context())
	require.ErrorIs(t, err, io.EOF)
	batch.Ack(nil)
	assert.Equal(t, ReplayStats{Letters: 1, Delivered: 1}, r.Stats())
	require.NoError(t, r.Close())
	assert.Empty(t, files(t, s.Path()), "what was delivered is gone")
}

func TestReplayKeepsTheContract(t *testing.T) {
	inputtest.Run(t, inputtest.Harness{Ends: true, New: func(t *testing.T) inputtest.Source {
		s := open(t, storePath(t))
		var current *Replay
		seeded := 0
		return inputtest.Source{
			Seed: func(records []string) {
				for _, raw := range records {
					seeded++
					write(t, s, letter(fmt.Sprint(seeded), raw))
				}
			},
			Open: func() input.Input {
				if current != nil && !current.closed {
					crash(t, current)
				}
				current = replay(t, open(t, s.Path()))
				current.most = 7
				return current
			},
		}
	}})
}

func TestReplayOfNothing(t *testing.T) {
	s := open(t, storePath(t))
	r := replay(t, s)
	_, err := r.Read(t.Context())
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, r.Close())
	assert.Empty(t, files(t, s.Path()))
}

func TestReplayKeepsWhatWasNotDelivered(t *testing.T) {
	s := open(t, storePath(t))
	for i := range 3 * replayRecords {
		write1(t, s, letter(fmt.Sprint(i), fmt.Sprint(i)), i)
	}
	r := replay(t, s)
	var open []*input.Batch
	for range 3 {
		b, err := r.Read(t.Context())
		require.NoError(t, err)
		assert.Len(t, b.Records, replayRecords)
		open = append(open, b)
	}
	open[1].Ack(errors.New("not now"))
	open[0].Ack(nil)
	// The third is never acknowledged.
	require.NoError(t, r.Close())
	assert.Len(t, all(t, s.Path()), 2*replayRecords)
	assert.Equal(t, []string{"deadletter.ndjson"}, files(t, s.Path()))

	r = replay(t, s)
	got := readAll(t, r, delivered)
	require.NoError(t, r.Close())
	assert.Len(t, got, 2*replayRecords)
	assert.Equal(t, fmt.Sprint(replayRecords), got[0], "in order")
	assert.Empty(t, files(t, s.Path()))
}

// write1 writes many letters with few syncs: it gathers them.
func write1(t *testing.T, s *Store, l shipper.Letter, i int) {
	t.Helper()
	f, err := os.OpenFile(s.Path(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	_, err = f.Write(lineOf(t, l))
	require.NoError(t, errors.Join(err, f.Close()), i)
}

func TestReplayBatchesAreBoundedInBytes(t *testing.T) {
	s := open(t, storePath(t))
	for i := range 5 {
		write1(t, s, letter(fmt.Sprint(i), strings.Repeat("x", replayBytes/2)+fmt.Sprint(i)), i)
	}
	r := replay(t, s)
	batch, err := r.Read(t.Context())
	require.NoError(t, err)
	assert.Len(t, batch.Records, 2)
	require.NoError(t, r.Close())
	assert.Len(t, all(t, s.Path()), 5, "what was not read stays")
}

func TestReplayPassesOverDuplicatesAndKeepsWhatItCannotRead(t *testing.T) {
	path := storePath(t)
	s := open(t, path)
	a, b := string(lineOf(t, letter("1", "a"))), string(lineOf(t, letter("2", "b")))
	require.NoError(t, os.WriteFile(path, []byte(a+"by hand\n"+b+a+"\n"+a), 0o600))
	r := replay(t, s)
	assert.Equal(t, []string{"a", "b"}, readAll(t, r, delivered))
	assert.Equal(t, ReplayStats{Letters: 2, Duplicates: 2, Delivered: 2, Unreadable: 1}, r.Stats())
	require.NoError(t, r.Close())
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "by hand\n", string(data))
}

func TestLettersWrittenDuringAReplayAreNotPartOfIt(t *testing.T) {
	s := open(t, storePath(t))
	live := open(t, s.Path()) // another process that goes on shipping
	write(t, live, letter("1", "a"), letter("2", "b"))
	r := replay(t, s)
	write(t, live, letter("3", "c"))
	got := readAll(t, r, func(raw string) error {
		if raw == "a" { // it fails again: a new letter, and then the batch is done
			l := letter("1", "a")
			l.Reason = "another reason"
			write(t, s, l)
		}
		return nil
	})
	assert.Equal(t, []string{"a", "b"}, got)
	require.NoError(t, r.Close())
	letters := all(t, s.Path())
	assert.Equal(t, []string{"c", "a"}, rawsOf(letters))
	assert.Equal(t, "another reason", letters[1].Reason)
	write(t, live, letter("2", "b"), letter("3", "c"))
	assert.Equal(t, []string{"c", "a", "b"}, rawsOf(all(t, s.Path())), "what was delivered may die again, what is there is there")
}

func TestOneReplayAtATime(t *testing.T) {
	s := open(t, storePath(t))
	write(t, s, letter("1", "a"))
	r := replay(t, s)
	_, err := open(t, s.Path()).Replay()
	require.ErrorContains(t, err, "another replay of")
	require.NoError(t, r.Close())
	r = replay(t, s)
	assert.Equal(t, []string{"a"}, readAll(t, r, delivered))
	require.NoError(t, r.Close())
}

// crash ends a replay as kill -9 does: nothing is put back.
func crash(t *testing.T, r *Replay) {
	t.Helper()
	if r.f != nil {
		require.NoError(t, r.f.Close())
	}
	require.NoError(t, r.lock.Close())
}

func TestCrashDuringAReplayLosesNothing(t *testing.T) {
	path := storePath(t)
	s := open(t, path)
	write(t, s, letter("1", "a"), letter("2", "b"))
	r := replay(t, s)
	readAll(t, r, delivered)
	crash(t, r)

	s = open(t, path)
	write(t, s, letter("3", "c"), letter("1", "a"))
	r = replay(t, s)
	_, err := r.Read(t.Context())
	require.NoError(t, err)
	crash(t, r)
	assert.Len(t, files(t, path), 2, "both lie aside")
	write(t, s, letter("2", "b"))
	name := filepath.Base(path)
	assert.Equal(t, []string{name, name + ".replaying-1", name + ".replaying-2"}, files(t, path))

	r = replay(t, open(t, path))
	assert.Equal(t, []string{"a", "b", "c"}, readAll(t, r, delivered), "each once, though two files hold the first")
	require.NoError(t, r.Close())
	assert.Empty(t, files(t, path))
}

func TestCrashWhilePuttingBackIsNoSecondLetter(t *testing.T) {
	path := storePath(t)
	s := open(t, path)
	write(t, s, letter("1", "a"), letter("2", "b"))
	r := replay(t, s)
	// As if it had copied the first line and been killed before removing the file.
	write(t, s, letter("1", "a"))
	crash(t, r)
	r = replay(t, open(t, path))
	require.NoError(t, r.Close())
	assert.Equal(t, []string{"a", "b"}, rawsOf(all(t, path)))
}

func TestPuttingBackThatFailsKeepsTheFile(t *testing.T) {
	path := storePath(t)
	s := open(t, path)
	write(t, s, letter("1", "a"))
	r := replay(t, s)
	require.NoError(t, os.Mkdir(path, 0o700)) // in the way
	require.ErrorContains(t, r.Close(), "putting back dead letters")
	require.NoError(t, os.Remove(path))
	r = replay(t, open(t, path))
	assert.Equal(t, []string{"a"}, readAll(t, r, delivered))
	require.NoError(t, r.Close())
}

func TestReplayReadEndsWithTheContext(t *testing.T) {
	s := open(t, storePath(t))
	write(t, s, letter("1", "a"))
	r := replay(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := r.Read(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, r.Close())
	assert.Equal(t, []string{"a"}, rawsOf(all(t, s.Path())))
}

type mapping struct{}

func (mapping) Process(raw []byte, ev *ecs.Event) error {
	ev.Event.ID = string(raw)
	ev.Meta.ID = ev.Event.ID
	return nil
}

// The whole way: what the output refuses goes to the file, and a replay after the cause was mended empties it.
func TestReplayThroughTheFlow(t *testing.T) {
	path := storePath(t)
	memory := &outputtest.Memory{}
	refused := map[string]bool{"b": true, "c": true}
	run := func(in input.Input, s *Store) string {
		sh, err := shipper.New(shipper.Options{
			Sources:   []shipper.Source{{ID: "in", Type: "file", Input: in, DataStream: shipper.DataStream{Type: "logs", Dataset: "aws.cloudtrail", Namespace: "default"}}},
			Processor: mapping{}, DeadLetters: s,
			Output: &outputtest.Chaos{Next: memory, Poison: func(ev *ecs.Event) bool { return refused[ev.Event.ID] }},
		})
		require.NoError(t, err)
		require.NoError(t, sh.Run(t.Context()))
		return sh.Accounting().String()
	}
	s := open(t, path)
	first := &once{batch: &input.Batch{Ack: func(err error) { assert.NoError(t, err) }}}
	for i, raw := range []string{"a", "b", "c", "d"} {
		first.batch.Records = append(first.batch.Records, input.Record{Raw: []byte(raw), Origin: &input.Origin{InputID: "in", Path: "/a"}, Index: int64(i)})
	}
	assert.Equal(t, "received=4 indexed=2 duplicate=0 filtered=0 dead_lettered=2 in_flight=0 returned=0", run(first, s))
	assert.Equal(t, []string{"b", "c"}, rawsOf(all(t, path)))

	delete(refused, "b")
	s = open(t, path)
	assert.Equal(t, "received=2 indexed=1 duplicate=0 filtered=0 dead_lettered=1 in_flight=0 returned=0", run(replay(t, s), s))
	assert.Equal(t, []string{"c"}, rawsOf(all(t, path)), "what fails again stays")

	delete(refused, "c")
	assert.Equal(t, "received=1 indexed=1 duplicate=0 filtered=0 dead_lettered=0 in_flight=0 returned=0", run(replay(t, s), s))
	assert.Empty(t, files(t, path))
	assert.Equal(t, 4, memory.Len())
}

type once struct{ batch *input.Batch }

func (o *once) Read(context.Context) (*input.Batch, error) {
	b := o.batch
	o.batch = nil
	if b == nil {
		return nil, io.EOF
	}
	return b, nil
}
func (o *once) Close() error { return nil }
