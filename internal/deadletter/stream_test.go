package deadletter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/output"
)

const (
	lettersName = "logs-aws.cloudtrail.deadletter-default"
	homeName    = "logs-aws.cloudtrail-default"
)

// memory is a cluster in memory.
type memory struct {
	mu       sync.Mutex
	docs     map[string]Stored
	seq      int64
	down     error
	expires  int // reads after which a cursor is forgotten; 0: never
	noDelete error
}

func (m *memory) Write(_ context.Context, events []*ecs.Event) (output.Result, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var res output.Result
	if m.down != nil {
		return res, m.down
	}
	for _, ev := range events {
		if _, there := m.docs[ev.Meta.ID]; there {
			res.Duplicate++
			continue
		}
		m.seq++
		m.docs[ev.Meta.ID] = Stored{Index: "i", ID: ev.Meta.ID, SeqNo: m.seq, Term: 1, Source: ev.AppendJSON(nil)}
		res.Stored++
	}
	return res, nil
}

func (m *memory) Close() error { return nil }

func (m *memory) Remove(_ context.Context, docs []Stored) (n int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.noDelete != nil {
		return 0, m.noDelete
	}
	for _, d := range docs {
		if m.docs[d.ID].SeqNo == d.SeqNo {
			delete(m.docs, d.ID)
			n++
		}
	}
	return n, nil
}

func (m *memory) ids() (ids []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id := range m.docs {
		ids = append(ids, id)
	}
	return ids
}

type memoryCursor struct {
	m     *memory
	docs  []Stored
	size  int
	reads int
}

func (m *memory) Read(size int) Cursor {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := &memoryCursor{m: m, size: size}
	for _, d := range m.docs {
		c.docs = append(c.docs, d)
	}
	return c
}

func (c *memoryCursor) Next(context.Context) ([]Stored, error) {
	if c.m.expires > 0 && c.reads == c.m.expires {
		c.m.expires = 0
		return nil, fmt.Errorf("reading: %w", ErrExpired)
	}
	c.reads++
	if len(c.docs) == 0 {
		return nil, io.EOF
	}
	n := min(c.size, len(c.docs))
	page := c.docs[:n]
	c.docs = c.docs[n:]
	return page, nil
}

func (c *memoryCursor) Close(context.Context) error { return nil }

func openStream(t *testing.T) (*Stream, *memory) {
	t.Helper()
	m := &memory{docs: map[string]Stored{}}
	return OpenStream(m, lettersName, homeName, nil), m
}

func TestLetterIsADocument(t *testing.T) {
	s, m := openStream(t)
	require.NoError(t, s.Write(t.Context(), []shipper.Letter{letter("id1", `{"eventID":"1"}`)}))
	assert.JSONEq(t, `{
		"@timestamp":"2024-05-06T07:08:09Z",
		"event":{"kind":"pipeline_error","module":"aws","dataset":"aws.cloudtrail.deadletter","original":"{\"eventID\":\"1\"}"},
		"data_stream":{"type":"logs","dataset":"aws.cloudtrail.deadletter","namespace":"default"},
		"error":{"type":"document_parsing_exception","message":["failed to parse <field>"],"code":"400"},
		"tags":["dead_letter","preserve_original_event"],
		"input":{"type":"file"},
		"log":{"offset":77,"file":{"path":"/logs/a"}},
		"aws":{"s3":{"bucket":{"name":"b","arn":"arn:b"},"object":{"key":"k"}},"cloudwatch":{"log_group":"g","log_stream":"s"}},
		"cloud":{"region":"r"},
		"trailbeat":{"dead_letter":{"@timestamp":"2024-05-06T07:08:09Z","id":"id1","index":"logs-aws.cloudtrail-default",
			"error":{"type":"document_parsing_exception","reason":"failed to parse <field>","status":400},
			"input":{"id":"in","type":"file"},
			"origin":{"input_id":"in","input_type":"file","path":"/logs/a","bucket":"b","bucket_arn":"arn:b","key":"k","region":"r",
				"metadata":{"a":"b"},"log_group":"g","log_stream":"s","index":3,"offset":77,"source_id":"src","created":"2024-01-02T03:04:05.006Z"},
			"document":{"event":{"id":"x"}}}}}`, string(m.docs["id1"].Source))
}

func TestLettersComeBackFromTheirDocuments(t *testing.T) {
	s, m := openStream(t)
	for i, raw := range []string{"", "plain", `{"a" : 1 ,"b":"\u00e9"}`, "line\nbreak\r\n", "\x00\x01\x7f", "\xff\xfe not UTF-8", "cut \xe2\x82",
		"\u2028\u2029 <&>", "\ufffd is itself", "\xed\xa0\x80 lone surrogate", strings.Repeat("long ", 100_000)} {
		want := letter(fmt.Sprint(i), raw)
		require.NoError(t, s.Write(t.Context(), []shipper.Letter{want}))
		got, err := letterOf(m.docs[want.ID].Source)
		require.NoError(t, err)
		assert.Equal(t, raw, string(got.Record.Raw))
		got.Record.Raw = want.Record.Raw
		assert.Equal(t, want, got)
	}
}

func TestIDsOfLetters(t *testing.T) {
	s, m := openStream(t)
	elsewhere, nameless := letter("1", "a"), letter("", "a")
	elsewhere.Index = "logs-aws.cloudtrail-other"
	all := []shipper.Letter{letter("1", "a"), elsewhere, nameless, letter("1", "a"), nameless}
	for range 2 {
		require.NoError(t, s.Write(t.Context(), all))
	}
	assert.Len(t, m.ids(), 3)
	assert.Contains(t, m.ids(), "1")
}

func TestLettersThatCannotBeStored(t *testing.T) {
	s, m := openStream(t)
	for _, down := range []error{errors.New("down"), &output.BatchError{Failures: []output.Failure{{Permanent: true}}}, &output.FatalError{Err: errors.New("no")}} {
		m.down = down
		require.ErrorIs(t, s.Write(t.Context(), []shipper.Letter{letter("1", "a")}), down, "the batch is not acknowledged")
	}
}

// replayAll reads all batches and acknowledges each as told.
func replayAll(t *testing.T, r *StreamReplay, ack func(rec *input.Record) error) (raws []string) {
	t.Helper()
	for {
		batch, err := r.Read(t.Context())
		if errors.Is(err, io.EOF) {
			return raws
		}
		require.NoError(t, err)
		var failed error
		for i := range batch.Records {
			raws = append(raws, string(batch.Records[i].Raw))
			failed = errors.Join(failed, ack(&batch.Records[i]))
		}
		batch.Ack(failed)
	}
}

func allDelivered(*input.Record) error { return nil }

func manyLetters(n int) (letters []shipper.Letter) {
	for i := range n {
		letters = append(letters, letter(fmt.Sprint(i), fmt.Sprint("raw ", i)))
	}
	return letters
}

func TestReplayOfAStream(t *testing.T) {
	for _, expires := range []int{0, 1, 2} {
		s, m := openStream(t)
		require.NoError(t, s.Write(t.Context(), manyLetters(1200)))
		m.expires = expires
		r, err := s.Replay()
		require.NoError(t, err)
		_, err = s.Replay()
		require.ErrorContains(t, err, "another replay")
		assert.Len(t, replayAll(t, r, allDelivered), 1200)
		require.NoError(t, r.Close())
		require.NoError(t, r.Close())
		assert.Equal(t, ReplayStats{Letters: 1200, Delivered: 1200}, r.Stats())
		assert.Empty(t, m.ids())
		_, err = r.Read(t.Context())
		require.True(t, input.IsFatal(err))

		again, err := s.Replay()
		require.NoError(t, err)
		assert.Empty(t, replayAll(t, again, allDelivered))
		require.NoError(t, again.Close())
	}
}

func TestReplayKeepsWhatIsNotDelivered(t *testing.T) {
	s, m := openStream(t)
	require.NoError(t, s.Write(t.Context(), manyLetters(10)))
	r, err := s.Replay()
	require.NoError(t, err)
	replayAll(t, r, func(*input.Record) error { return errors.New("stopped") })
	require.NoError(t, r.Close())
	assert.Len(t, m.ids(), 10)
	assert.Zero(t, r.Stats().Delivered)
}

// A record that fails again becomes a letter again, under the _id that it has. It must not go with the old one.
func TestReplayKeepsWhatFailsAgain(t *testing.T) {
	s, m := openStream(t)
	require.NoError(t, s.Write(t.Context(), manyLetters(10)))
	r, err := s.Replay()
	require.NoError(t, err)
	replayAll(t, r, func(rec *input.Record) error {
		if strings.HasSuffix(string(rec.Raw), "7") {
			return s.Write(t.Context(), []shipper.Letter{letter("7", string(rec.Raw))})
		}
		return nil
	})
	require.NoError(t, r.Close())
	assert.Equal(t, []string{"7"}, m.ids())
	assert.Equal(t, ReplayStats{Letters: 10, Delivered: 9}, r.Stats())
}

func TestReplayWithoutTheRightToDelete(t *testing.T) {
	s, m := openStream(t)
	require.NoError(t, s.Write(t.Context(), manyLetters(3)))
	m.noDelete = errors.New("not allowed")
	r, err := s.Replay()
	require.NoError(t, err)
	assert.Len(t, replayAll(t, r, allDelivered), 3)
	require.ErrorContains(t, r.Close(), "not allowed")
}

func TestWhatIsNoLetterStays(t *testing.T) {
	s, m := openStream(t)
	require.NoError(t, s.Write(t.Context(), manyLetters(1)))
	for _, source := range []string{`{"event":{}}`, `{"trailbeat":{"dead_letter":7}}`, `nonsense`} {
		m.docs[source] = Stored{ID: source, Source: json.RawMessage(source)}
	}
	r, err := s.Replay()
	require.NoError(t, err)
	assert.Len(t, replayAll(t, r, allDelivered), 1)
	require.NoError(t, r.Close())
	assert.Equal(t, ReplayStats{Letters: 1, Delivered: 1, Unreadable: 3}, r.Stats())
	assert.Len(t, m.ids(), 3)
}

func TestEachLetter(t *testing.T) {
	for _, expires := range []int{0, 1} {
		s, m := openStream(t)
		require.NoError(t, s.Write(t.Context(), manyLetters(700)))
		m.docs["bad"] = Stored{ID: "bad", Source: []byte(`{}`)}
		m.expires = expires
		good, bad := 0, 0
		require.NoError(t, s.Each(t.Context(), func(_ *shipper.Letter, err error) {
			if err != nil {
				bad++
				return
			}
			good++
		}))
		assert.Equal(t, 700, good)
		assert.Equal(t, 1, bad)
		assert.Len(t, m.ids(), 701)
	}
}
