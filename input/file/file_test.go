package file

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/records"
	"github.com/trailbeat/trailbeat/internal/needs"
	"github.com/trailbeat/trailbeat/internal/registry"
)

type result struct {
	raws  []string
	paths []string
	errs  []error
}

// readAll reads everything once, acknowledges it, and closes.
func readAll(t *testing.T, cfg Config, store input.Store, stdin ...string) result {
	t.Helper()
	deps := Deps{ID: "in", Store: store, Once: true}
	if len(stdin) > 0 {
		deps.Stdin = strings.NewReader(stdin[0])
	}
	in, err := New(cfg, deps)
	require.NoError(t, err)
	var res result
	for {
		b, err := in.Read(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			res.errs = append(res.errs, err)
			require.Less(t, len(res.errs), 100)
			continue
		}
		for _, r := range b.Records {
			res.raws = append(res.raws, string(r.Raw))
			res.paths = append(res.paths, r.Origin.Path)
		}
		b.Ack(nil)
	}
	require.NoError(t, in.Close())
	return res
}

func config(paths ...string) Config {
	cfg := DefaultConfig()
	cfg.Paths = paths
	return cfg
}

func memory() input.Store { return new(registry.Memory).Input("in") }

func TestFaults(t *testing.T) {
	big := `{"Records":[` + strings.Repeat(`{"a":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},`, 20000) + `{}]}`
	cases := []struct {
		name, file, data string
		is               error
		atLeast          int
	}{
		{"truncated container", "b.json", `{"Records":[{"a":1},{"a":2},{"a"`, records.ErrTruncated, 2},
		{"broken JSON", "b.json", `{"Records":[{"a":1},{"a":2},{"a"}]}`, records.ErrSyntax, 2},
		{"truncated gzip", "b.json.gz", pack(t, big)[:700], records.ErrTruncated, 1},
		{"garbage behind", "b.json", `{"Records":[{"a":1},{"a":2}]} x`, records.ErrTrailing, 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "a.json"), `{"Records":[1]}`)
			write(t, filepath.Join(dir, c.file), c.data)
			write(t, filepath.Join(dir, "c.json"), `{"Records":[3]}`)
			store := memory()
			res := readAll(t, config(dir), store)
			require.Len(t, res.errs, 1)
			require.ErrorIs(t, res.errs[0], c.is)
			assert.Contains(t, res.errs[0].Error(), filepath.Join(dir, c.file))
			assert.False(t, input.IsFatal(res.errs[0]))
			assert.GreaterOrEqual(t, len(res.raws), c.atLeast+2)
			assert.Equal(t, "3", res.raws[len(res.raws)-1], "other files go on")

			res = readAll(t, config(dir), store)
			assert.Empty(t, res.raws, "what was delivered does not come again")
			require.Len(t, res.errs, 1, "but the fault is still there")

			whole := `{"Records":[{"a":1},{"a":2},{"a":3}]}`
			if strings.HasSuffix(c.file, ".gz") {
				whole = pack(t, big)
			}
			write(t, filepath.Join(dir, c.file), whole)
			res = readAll(t, config(dir), store)
			assert.Empty(t, res.errs)
			assert.NotEmpty(t, res.raws, "the rest of the mended file")
			if !strings.HasSuffix(c.file, ".gz") {
				assert.Equal(t, []string{`{"a":3}`}, res.raws)
			}
			res = readAll(t, config(dir), store)
			assert.Empty(t, res)
		})
	}
}

// An input that goes on tells of a fault once for each state of the file, and scans at the pace that was asked for.
func TestScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		broken := filepath.Join(dir, "b.json")
		write(t, broken, `{"Records":[1,`)
		in, err := New(config(dir, filepath.Join(dir, "missing.json")), Deps{ID: "in", Store: memory()})
		require.NoError(t, err)
		b, err := in.Read(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "1", string(b.Records[0].Raw))
		b.Ack(nil)
		_, err = in.Read(t.Context())
		require.ErrorIs(t, err, records.ErrTruncated)
		_, err = in.Read(t.Context())
		require.ErrorIs(t, err, fs.ErrNotExist)

		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 35*time.Second)
		defer cancel()
		_, err = in.Read(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded, "told once")
		assert.Equal(t, 35*time.Second, time.Since(start))

		go func() {
			time.Sleep(2 * time.Second)
			write(t, broken, `{"Records":[1,2]}`)
		}()
		b, err = in.Read(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "2", string(b.Records[0].Raw))
		assert.Equal(t, 40*time.Second, time.Since(start), "with the scan after the change")
		b.Ack(nil)
		require.NoError(t, in.Close())
	})
}

// A line that is being written waits for its end; one that is complete does not.
func TestPartialLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "x.ndjson")
		write(t, path, "{\"a\":1}\n{\"a\":")
		in, err := New(config(path), Deps{ID: "in", Store: memory()})
		require.NoError(t, err)
		read := func(want ...string) {
			t.Helper()
			b, err := in.Read(t.Context())
			require.NoError(t, err)
			require.Len(t, b.Records, len(want))
			for i, r := range b.Records {
				assert.Equal(t, want[i], string(r.Raw))
			}
			b.Ack(nil)
		}
		read(`{"a":1}`)
		add(t, path, "2}")
		read(`{"a":2}`)
		add(t, path, "\n\nx\n")
		read("", "x")
		require.NoError(t, in.Close())
	})
}

func TestChanges(t *testing.T) {
	cases := []struct {
		name, file, first, second string
		want                      []string
	}{
		{"touched", "x.json", `{"Records":[1,2]}`, `{"Records":[1,2]} `, nil},
		{"more containers", "x.json", `{"Records":[1,2]}`, "{\"Records\":[1,2]}\n{\"Records\":[3]}", []string{"3"}},
		{"more in the container", "x.json", `{"Records":[1,2]}`, `{"Records":[1,2,3]}`, []string{"3"}},
		{"one record becomes lines", "x.log", `{"a":1}`, "{\"a\":1}\nx\n", []string{"x"}},
		{"more lines", "x.ndjson", "a\nb\n", "a\nb\nc\n", []string{"c"}},
		{"more lines behind one without end", "x.ndjson", "a\nb", "a\nb\nc", []string{"c"}},
		{"a line that goes on", "x.ndjson", "a\nb", "a\nbb\n", []string{"a", "bb"}},
		{"other lines", "x.ndjson", "a\nb\n", "c\nd\ne\n", []string{"c", "d", "e"}},
		{"shorter", "x.ndjson", "a\nb\nc\n", "a\n", []string{"a"}},
		{"emptied", "x.ndjson", "a\nb\nc\n", "", nil},
		{"was empty", "x.json", "", `{"Records":[1]}`, []string{"1"}},
		{"another container", "x.json", `{"Records":[1,2]}`, `{"Records":[3,4,5]}`, []string{"3", "4", "5"}},
		{"blank lines first, found out", "x.log", "\nx\ny\n", "\nx\ny\nz\n", []string{"z"}},
	}
	for _, c := range cases {
		for _, packed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/packed=%v", c.name, packed), func(t *testing.T) {
				path := filepath.Join(t.TempDir(), c.file)
				if packed {
					path += ".gz"
					c.first, c.second = pack(t, c.first), pack(t, c.second)
				}
				store := memory()
				write(t, path, c.first)
				res := readAll(t, config(path), store)
				require.Empty(t, res.errs)
				assert.Empty(t, readAll(t, config(path), store))
				write(t, path, c.second)
				require.NoError(t, os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)))
				res = readAll(t, config(path), store)
				require.Empty(t, res.errs)
				assert.Equal(t, c.want, res.raws)
				assert.Empty(t, readAll(t, config(path), store))
			})
		}
	}
}

func TestStdin(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.json")
	write(t, file, `{"Records":[1]}`)
	res := readAll(t, config("-", file), memory(), "{\"Records\":[2,3]}")
	assert.ElementsMatch(t, []string{"1", "2", "3"}, res.raws)
	assert.Contains(t, res.paths, "")
	res = readAll(t, config("-"), memory(), pack(t, "{\"a\":1}\nnot json\n"))
	assert.Equal(t, []string{`{"a":1}`, "not json"}, res.raws)
	res = readAll(t, config("-"), memory(), `{"Records":[2,`)
	assert.Equal(t, []string{"2"}, res.raws)
	require.Len(t, res.errs, 1)
	assert.Contains(t, res.errs[0].Error(), "standard input")
	assert.Empty(t, readAll(t, config("-"), memory(), ""))

	in, err := New(config("-"), Deps{ID: "in", Store: memory(), Stdin: strings.NewReader("{}")})
	require.NoError(t, err)
	b, err := in.Read(t.Context())
	require.NoError(t, err)
	b.Ack(nil)
	_, err = in.Read(t.Context())
	require.Equal(t, io.EOF, err, "nothing else can come")
	require.NoError(t, in.Close())
}

func TestStoreFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.json")
	write(t, path, `{"Records":[1,2]}`)
	reg := new(registry.Memory)
	in, err := New(config(path), Deps{ID: "in", Store: reg.Input("in")})
	require.NoError(t, err)
	b, err := in.Read(t.Context())
	require.NoError(t, err)
	full := errors.New("no space left on device")
	reg.Fail(full)
	b.Ack(nil)
	_, err = in.Read(t.Context())
	require.ErrorIs(t, err, full)
	assert.True(t, input.IsFatal(err))
	reg.Fail(nil)
	require.NoError(t, in.Close(), "the last try succeeds")
	assert.Empty(t, readAll(t, config(path), reg.Input("in")))
}

// A batch that came back after the end was read is told by Close.
func TestReturnedAtTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.json")
	write(t, path, `{"Records":[1,2]}`)
	in, err := New(config(path), Deps{ID: "in", Store: memory(), Once: true})
	require.NoError(t, err)
	b, err := in.Read(t.Context())
	require.NoError(t, err)
	_, err = in.Read(t.Context())
	require.Equal(t, io.EOF, err)
	b.Ack(errors.New("down"))
	require.ErrorContains(t, in.Close(), "1 batches were not delivered")
}

func TestBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "x.ndjson")
		write(t, path, "1\n2\n3\n")
		cfg := config(path)
		cfg.BatchMaxRecords, cfg.MaxBatchesInFlight = 1, 2
		in, err := New(cfg, Deps{ID: "in", Store: memory(), Once: true})
		require.NoError(t, err)
		first, err := in.Read(t.Context())
		require.NoError(t, err)
		_, err = in.Read(t.Context())
		require.NoError(t, err)
		third := make(chan error, 1)
		go func() {
			_, err := in.Read(t.Context())
			third <- err
		}()
		synctest.Wait()
		assert.Empty(t, third)
		first.Ack(nil)
		require.NoError(t, <-third)
		require.NoError(t, in.Close())
	})
}

func TestCleanRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		gone, stays := filepath.Join(dir, "a.json"), filepath.Join(dir, "b.json")
		write(t, gone, `{"Records":[1]}`)
		write(t, stays, `{"Records":[2]}`)
		store := memory()
		cfg := config(dir)
		readAll(t, cfg, store)
		require.NoError(t, os.Remove(gone))
		known := func() (n int) {
			require.NoError(t, store.Each(keyPrefix, func(string, json.RawMessage) error { n++; return nil }))
			return n
		}
		for range 72 {
			time.Sleep(time.Hour)
			readAll(t, cfg, store)
			require.Equal(t, 2, known())
		}
		time.Sleep(time.Hour)
		readAll(t, cfg, store)
		assert.Equal(t, 1, known())
	})
}

// The real files, through a real registry, killed again and again.
func TestRealFiles(t *testing.T) {
	dir := needs.Shared(t, "real", "cloudtrail")
	data := filepath.Join(t.TempDir(), registry.FileName)
	cfg := config(dir)
	cfg.BatchMaxRecords = 100
	total := 0
	for life := range 100 {
		reg, err := registry.Open(data)
		require.NoError(t, err)
		in, err := New(cfg, Deps{ID: "in", Store: reg.Input("in"), Once: true})
		require.NoError(t, err)
		for range 3 + life {
			b, err := in.Read(t.Context())
			if errors.Is(err, io.EOF) {
				assert.Equal(t, 2900, total)
				require.NoError(t, in.Close())
				require.NoError(t, reg.Close())
				return
			}
			require.NoError(t, err)
			total += len(b.Records)
			b.Ack(nil)
		}
		b, err := in.Read(t.Context()) // lost with the process
		if err == nil {
			require.NotEmpty(t, b.Records)
		}
		require.NoError(t, reg.Close())
	}
	t.Fatal("it does not come to an end")
}

// A large file takes the memory of the batches in flight and no more.
func TestBoundedMemory(t *testing.T) {
	needs.Long(t, "reads 300 MB")
	record := `{"eventID":"x","pad":"` + strings.Repeat("y", 1000) + `"},`
	many := strings.Repeat(record, 1000)
	pr, pw := io.Pipe()
	go func() {
		_, _ = io.WriteString(pw, `{"Records":[`)
		for range 300 {
			_, _ = io.WriteString(pw, many)
		}
		_, _ = io.WriteString(pw, `{}]}`)
		_ = pw.Close()
	}()
	in, err := New(config("-"), Deps{ID: "in", Store: memory(), Once: true, Stdin: pr})
	require.NoError(t, err)
	// What is alive after a collection says what is held; how large the heap was in between depends on the rest of the machine.
	alive := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, most := alive(), uint64(0)
	n := 0
	for reads := 0; ; reads++ {
		b, err := in.Read(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if n += len(b.Records); reads%50 == 0 {
			most = max(most, alive())
		}
		b.Ack(nil)
	}
	assert.Equal(t, 300_001, n)
	assert.Less(t, most-min(before, most), uint64(24<<20))
	require.NoError(t, in.Close())
}
