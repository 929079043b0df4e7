package deadletter

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/shipper"
)

func letter(id, raw string) shipper.Letter {
	return shipper.Letter{
		Time: time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC), ID: id, Index: "logs-aws.cloudtrail-default",
		InputID: "in", InputType: "file", Type: "document_parsing_exception", Reason: "failed to parse <field>", Status: 400,
		Record: input.Record{Raw: []byte(raw), Index: 3, Offset: 77, SourceID: "src", Created: time.Date(2024, 1, 2, 3, 4, 5, 6e6, time.UTC),
			Origin: &input.Origin{InputID: "in", InputType: "file", Path: "/logs/a", Bucket: "b", BucketARN: "arn:b", Key: "k", Region: "r",
				Metadata: json.RawMessage(`{"a":"b"}`), LogGroup: "g", LogStream: "s"}},
		Document: []byte(`{"event":{"id":"x"}}`),
	}
}

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path, nil)
	require.NoError(t, err)
	return s
}

func storePath(t *testing.T) string { return filepath.Join(t.TempDir(), "data", "deadletter.ndjson") }

func write(t *testing.T, s *Store, letters ...shipper.Letter) {
	t.Helper()
	require.NoError(t, s.Write(t.Context(), letters))
}

// all reads the letters of a file.
func all(t *testing.T, path string) (letters []shipper.Letter) {
	t.Helper()
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(t, err)
	defer f.Close()
	r := NewReader(f)
	for {
		l, _, err := r.Next()
		if err != nil {
			require.EqualError(t, err, "EOF")
			return letters
		}
		letters = append(letters, l)
	}
}

func rawsOf(letters []shipper.Letter) (raws []string) {
	for _, l := range letters {
		raws = append(raws, string(l.Record.Raw))
	}
	return raws
}

func TestLettersComeBackAsTheyWere(t *testing.T) {
	path := storePath(t)
	s := open(t, path)
	assert.NoFileExists(t, path, "it comes with the first letter")
	bare := shipper.Letter{Time: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), Type: shipper.TypePanic,
		Record: input.Record{Raw: []byte("x"), Origin: &input.Origin{}}}
	want := []shipper.Letter{letter("1", `{"eventID":"1"}`), bare}
	write(t, s, want...)
	assert.Equal(t, want, all(t, path))
	if runtime.GOOS != "windows" {
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Contains(t, string(data), `"reason":"failed to parse <field>"`, "readable, not escaped for HTML")
	assert.Equal(t, 2, strings.Count(string(data), "\n"))
}

func TestRawBytesAreExact(t *testing.T) {
	path := storePath(t)
	s := open(t, path)
	raws := []string{"", "plain", `{"a" : 1 ,"b":"\u00e9"}`, "line\nbreak\r\n", "\x00\x01\x7f", "\xff\xfe not UTF-8", "cut \xe2\x82",
		"\u2028\u2029 <&>", "\ufffd is itself", "\xed\xa0\x80 lone surrogate", strings.Repeat("long ", 100_000)}
	for i, raw := range raws {
		write(t, s, letter(fmt.Sprint(i), raw))
	}
	assert.Equal(t, raws, rawsOf(all(t, path)))
}

func FuzzRawBytesAreExact(f *testing.F) {
	f.Add([]byte("x"), "id", "reason")
	f.Add([]byte("\xff"), "\xff", "\xff")
	f.Fuzz(func(t *testing.T, raw []byte, id, reason string) {
		l := letter(id, "")
		l.Record.Raw, l.Reason, l.Document, l.Record.Origin.Metadata = raw, reason, raw, raw
		line := lineOf(t, l)
		assert.Equal(t, 1, strings.Count(string(line), "\n"))
		got, err := parseEntry(line)
		require.NoError(t, err)
		assert.Equal(t, string(raw), string(got.Record.Raw))
	})
}

func TestTheSameRecordIsStoredOnce(t *testing.T) {
	path := storePath(t)
	s := open(t, path)
	again := letter("1", "a")
	again.Reason = "another reason"
	write(t, s, letter("1", "a"), letter("2", "b"), again)
	write(t, s, again, letter("3", "c"))
	write(t, open(t, path), letter("2", "b"), letter("3", "c"), letter("4", "d"))
	write(t, s, letter("4", "d"))
	assert.Equal(t, []string{"a", "b", "c", "d"}, rawsOf(all(t, path)))

	// Without an _id the record and its place decide.
	nameless, elsewhere, other := letter("", "e"), letter("", "e"), letter("", "f")
	elsewhere.Record.Index = 4
	write(t, s, nameless, nameless, elsewhere, other)
	assert.Equal(t, []string{"a", "b", "c", "d", "e", "e", "f"}, rawsOf(all(t, path)))
}

func TestTornLastLineIsHealed(t *testing.T) {
	first, second := lineOf(t, letter("1", "a")), lineOf(t, letter("2", "b"))
	tests := map[string]struct {
		content string
		want    []string
	}{
		"empty":              {"", []string{"c"}},
		"whole":              {string(first), []string{"a", "c"}},
		"torn":               {string(first) + string(second[:len(second)/2]), []string{"a", "c"}},
		"torn alone":         {string(first[:10]), []string{"c"}},
		"one byte":           {string(first) + "{", []string{"a", "c"}},
		"newline missing":    {string(first) + strings.TrimSpace(string(second)), []string{"a", "b", "c"}},
		"zeros of a crash":   {string(first) + strings.Repeat("\x00", 9000), []string{"a", "c"}},
		"torn beyond blocks": {string(first) + string(lineOf(t, letter("2", strings.Repeat("b", 300_000))))[:200_000], []string{"a", "c"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, when := range []string{"open", "write"} {
				path := storePath(t)
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
				var s *Store
				if when == "write" { // another process was torn while we had the store open
					s = open(t, path)
				}
				require.NoError(t, os.WriteFile(path, []byte(test.content), 0o600))
				if when == "open" {
					s = open(t, path)
				}
				write(t, s, letter("3", "c"))
				assert.Equal(t, test.want, rawsOf(all(t, path)), when)
			}
		})
	}
}

func TestFailedWriteLeavesTheFileAsItWas(t *testing.T) {
	path := storePath(t)
	s := open(t, path)
	write(t, s, letter("1", "a"))
	s.mu.Lock()
	err := s.append(func(add func(key, []byte) error) error {
		l := letter("2", strings.Repeat("b", 2<<20))
		require.NoError(t, add(keyOf(&l), lineOf(t, l))) // large enough to reach the file before the failure
		return fmt.Errorf("no space left")
	})
	s.mu.Unlock()
	require.ErrorContains(t, err, "no space left")
	assert.Equal(t, []string{"a"}, rawsOf(all(t, path)))
	write(t, s, letter("2", "b"))
	assert.Equal(t, []string{"a", "b"}, rawsOf(all(t, path)), "what failed does not count as stored")
}

func TestWriteErrors(t *testing.T) {
	path := storePath(t)
	s := open(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.Write(ctx, []shipper.Letter{letter("1", "a")}), context.Canceled)
	assert.NoFileExists(t, path)

	require.NoError(t, os.Mkdir(path, 0o700))
	require.ErrorContains(t, s.Write(t.Context(), []shipper.Letter{letter("1", "a")}), "deadletter.ndjson")
	_, err := Open(path, nil)
	require.Error(t, err)
	_, err = Open(filepath.Join(path, "\x00", "x"), nil)
	require.Error(t, err)
	require.NoError(t, s.Close())
}

func TestConcurrentWriters(t *testing.T) {
	path := storePath(t)
	stores := []*Store{open(t, path), open(t, path)} // as two processes
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 25 {
				l := letter(fmt.Sprint(i), fmt.Sprint(i)) // all write the same
				assert.NoError(t, stores[w%2].Write(t.Context(), []shipper.Letter{l}))
			}
		})
	}
	wg.Wait()
	got := rawsOf(all(t, path))
	assert.Len(t, got, 25)
	seen := map[string]bool{}
	for _, raw := range got {
		assert.False(t, seen[raw])
		seen[raw] = true
	}
}

func TestReaderGoesOnBehindABadLine(t *testing.T) {
	first, second := string(lineOf(t, letter("1", "a"))), string(lineOf(t, letter("2", "b")))
	r := NewReader(strings.NewReader(first + "nonsense\n\n{}\n" + strings.TrimSpace(second)))
	_, pos, err := r.Next()
	require.NoError(t, err)
	assert.Equal(t, Position{Line: 1, Offset: 0, Size: int64(len(first))}, pos)
	_, _, err = r.Next()
	var bad *LineError
	require.ErrorAs(t, err, &bad)
	assert.EqualValues(t, 2, bad.Line)
	assert.EqualValues(t, len(first), bad.Offset)
	require.ErrorContains(t, err, "line 2")
	_, _, err = r.Next()
	require.ErrorAs(t, err, &bad)
	require.ErrorContains(t, err, "line 4")
	require.ErrorContains(t, err, "neither record nor record_base64")
	l, _, err := r.Next()
	require.NoError(t, err)
	assert.Equal(t, "b", string(l.Record.Raw))
	_, _, err = r.Next()
	require.EqualError(t, err, "EOF")
}

func lineOf(t *testing.T, l shipper.Letter) []byte {
	t.Helper()
	line, err := lineBytes(l)
	require.NoError(t, err)
	return line
}
