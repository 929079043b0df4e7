package mapper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/input"
)

// echo makes a line of a record, and fails on one.
func echo(dst []byte, ev *ecs.Event, rec *input.Record) ([]byte, error) {
	if string(rec.Raw) == "bad" {
		return dst, errors.New("cannot map")
	}
	return fmt.Appendf(dst, "%s %s %d %s\n", ev.Timestamp, rec.Origin.Path, rec.Index, rec.Raw), nil
}

func manyLines(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "{\"n\":%d}\n", i)
	}
	return text.String()
}

// of makes a file of a text.
func of(name, text string) File { return reading(name, strings.NewReader(text)) }

func reading(name string, r io.Reader) File {
	return File{Name: name, Waits: func() bool { return false }, Open: func() (io.ReadCloser, error) { return io.NopCloser(r), nil }}
}

func waiting(f File) File {
	f.Waits = func() bool { return true }
	return f
}

// told is what Tell got.
type told []string

func (t *told) tell(err error) { *t = append(*t, err.Error()) }

func newTest(out io.Writer, t *told, workers int) *Mapper {
	return New(Options{Append: echo, Timestamp: func() string { return "T" }, Out: out, Tell: t.tell, Workers: workers})
}

func TestTheOrderIsKept(t *testing.T) {
	for name, sizes := range map[string][]int{
		"large files": {20 * partRecords, 3, 7 * partRecords},
		"small files": append(slices.Repeat([]int{100, 1, 0, 37}, 200), partRecords, partRecords),
		"both":        slices.Repeat([]int{1, 3 * partRecords, 2, 5*partRecords + 1, 0}, 10),
	} {
		for _, workers := range []int{1, 2, 7} {
			t.Run(fmt.Sprintf("%s, %d workers", name, workers), func(t *testing.T) {
				var files []File
				var want strings.Builder
				total := 0
				for i, n := range sizes {
					f := of(fmt.Sprint("f", i), manyLines(n))
					if i%10 == 9 {
						f = waiting(f)
					}
					files = append(files, f)
					total += n
					for k := range n {
						fmt.Fprintf(&want, "T f%d %d {\"n\":%d}\n", i, k, k)
					}
				}
				var out strings.Builder
				var errs told
				m := newTest(&out, &errs, workers)
				require.NoError(t, m.Run(t.Context(), files))
				require.Equal(t, want.String(), out.String())
				assert.Empty(t, errs)
				assert.EqualValues(t, total, m.Records())
				assert.Len(t, m.queue.idle, 4*workers+1)
				assert.Zero(t, m.queue.bytes)
			})
		}
	}
}

// What is wrong with a file is told between its text and that of the next.
func TestFaultsOfFiles(t *testing.T) {
	for _, workers := range []int{1, 3} {
		var out strings.Builder
		m := New(Options{
			Append: echo, Timestamp: func() string { return "T" }, Out: &out, Workers: workers,
			Tell: func(err error) { out.WriteString("! " + err.Error() + "\n") },
		})
		missing := of("missing", "")
		missing.Open = func() (io.ReadCloser, error) { return nil, errors.New("it is not there") }
		broken := reading("broken", io.MultiReader(strings.NewReader(`{"Records":[{"n":1},{"n":2},`), iotest.ErrReader(errors.New("bad disk"))))
		require.NoError(t, m.Run(t.Context(), []File{
			of("a", "1\n2\n"), missing, broken, of("b", "3\nbad\n"+strings.Repeat("0\n", 50*partRecords)), of("c", "4\nbad"), of("d", "5"),
		}))
		assert.Equal(t, []string{
			"T a 0 1", "T a 1 2",
			"! it is not there",
			`T broken 0 {"n":1}`, `T broken 1 {"n":2}`,
			`! reading "broken": byte 28: bad disk (records delivered before it: 2)`,
			"T b 0 3", `! mapping the record at byte 2 of "b": cannot map`,
			"T c 0 4", `! mapping the record at byte 2 of "c": cannot map`,
			"T d 0 5",
		}, strings.Split(strings.TrimSpace(out.String()), "\n"))
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestNothingMoreIsReadWhenItCannotBeWritten(t *testing.T) {
	for name, lines := range map[string]int{"while it reads": 50 * partRecords, "at the end": 1} {
		t.Run(name, func(t *testing.T) {
			opened := &opening{}
			var errs told
			files := slices.Repeat([]File{opened.file("a", strings.NewReader(manyLines(lines)))}, 1)
			for range 100 {
				files = append(files, opened.file("later", strings.NewReader("1")))
			}
			var failed *WriteError
			assert.ErrorAs(t, newTest(brokenWriter{}, &errs, 2).Run(t.Context(), files), &failed)
			assert.Empty(t, errs)
			assert.Equal(t, opened.opened.Load(), opened.closed.Load())
		})
	}
}

// opening counts what is opened and closed.
type opening struct{ opened, closed, most atomic.Int64 }

type openFile struct {
	io.Reader
	o *opening
}

func (f openFile) Close() error { f.o.closed.Add(1); return nil }

func (o *opening) file(name string, r io.Reader) File {
	return File{Name: name, Waits: func() bool { return false }, Open: func() (io.ReadCloser, error) {
		if now := o.opened.Add(1) - o.closed.Load(); now > o.most.Load() {
			o.most.Store(now)
		}
		return openFile{r, o}, nil
	}}
}

// endless never ends, and stops the run with the third read.
type endless struct {
	reads atomic.Int64
	stop  func()
}

func (e *endless) Read(p []byte) (int, error) {
	if e.reads.Add(1) == 3 {
		e.stop()
	}
	for i := range p {
		p[i] = "1\n"[i%2]
	}
	return len(p), nil
}

func TestTheEndOfTheContext(t *testing.T) {
	for _, workers := range []int{1, 3} {
		ctx, stop := context.WithCancel(t.Context())
		opened, errs := &opening{}, told{}
		var out strings.Builder
		m := newTest(&out, &errs, workers)
		files := []File{opened.file("a", strings.NewReader("0\n")), opened.file("b", &endless{stop: stop}), opened.file("c", strings.NewReader("2\n"))}
		assert.ErrorIs(t, m.Run(ctx, files), context.Canceled)
		lines := strings.SplitAfter(out.String(), "\n")
		assert.EqualValues(t, m.Records(), len(lines)-1, "what was read is written")
		assert.Equal(t, "T a 0 0\n", lines[0])
		assert.NotContains(t, out.String(), "T c", "nothing behind a gap")
		assert.Equal(t, opened.opened.Load(), opened.closed.Load())
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var errs told
	assert.ErrorIs(t, newTest(io.Discard, &errs, 2).Run(ctx, []File{of("a", "1")}), context.Canceled)
}

// slow waits before the first read until it may go on.
type slow struct {
	io.Reader
	once sync.Once
	wait func()
}

func (s *slow) Read(p []byte) (int, error) {
	s.once.Do(s.wait)
	return s.Reader.Read(p)
}

// Where the first file takes its time, the next ones are worked through, as many as there are parts for, and no more are open.
func TestWhatIsDoneAheadIsBounded(t *testing.T) {
	const workers = 3
	opened, errs := &opening{}, told{}
	later := make(chan struct{}, 100)
	files := []File{opened.file("first", &slow{Reader: strings.NewReader(manyLines(3 * partRecords)), wait: func() {
		for range 3 * workers { // so many parts are left to those behind it
			<-later
		}
	}})}
	for range 100 {
		files = append(files, opened.file("later", &slow{Reader: strings.NewReader("1"), wait: func() { later <- struct{}{} }}))
	}
	m := newTest(io.Discard, &errs, workers)
	require.NoError(t, m.Run(t.Context(), files))
	assert.EqualValues(t, 3*partRecords+100, m.Records())
	assert.LessOrEqual(t, opened.most.Load(), int64(3*workers+1))
	assert.EqualValues(t, 101, opened.closed.Load())
}

// seen reports what is written.
type seen chan string

func (s seen) Write(p []byte) (int, error) {
	s <- string(p)
	return len(p), nil
}

// A pipe that goes on later must not hold anything back: neither what came from it, nor from the file before. What is behind it is
// not opened before it has ended, as it may be the same pipe.
func TestNothingIsHeldBack(t *testing.T) {
	out, errs := make(seen, 10), told{}
	m := newTest(out, &errs, 4)
	r, w := io.Pipe()
	var over atomic.Bool
	same := waiting(of("-", "4\n"))
	open := same.Open
	same.Open = func() (io.ReadCloser, error) {
		assert.True(t, over.Load())
		return open()
	}
	ended := make(chan error)
	go func() {
		ended <- m.Run(t.Context(), []File{of("a", "1\n"), waiting(reading("-", r)), same, of("b", "5\n")})
	}()
	assert.Equal(t, "T a 0 1\n", <-out)
	for i, line := range []string{"{\"n\":2}\n", "{\"n\":3}\n"} {
		_, err := io.WriteString(w, line)
		require.NoError(t, err)
		assert.Equal(t, fmt.Sprintf("T - %d %s", i, line), <-out)
	}
	over.Store(true)
	require.NoError(t, w.Close())
	require.NoError(t, <-ended)
	assert.Equal(t, "T - 0 4\n", <-out)
	assert.Equal(t, "T b 0 5\n", <-out)
	assert.Empty(t, errs)
}

func BenchmarkMapper(b *testing.B) {
	text := manyLines(1000)
	b.SetBytes(100 * int64(len(text)))
	for b.Loop() {
		var errs told
		var files []File
		for range 100 {
			files = append(files, of("a", text))
		}
		if err := newTest(io.Discard, &errs, 0).Run(b.Context(), files); err != nil {
			b.Fatal(err)
		}
	}
}
