package file

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/internal/needs"
	"github.com/trailbeat/trailbeat/output"
	"github.com/trailbeat/trailbeat/output/outputtest"
)

func config(dir string, change ...func(*Config)) Config {
	cfg := DefaultConfig()
	cfg.Path = dir
	for _, c := range change {
		c(&cfg)
	}
	return cfg
}

func zipped(c *Config)    { c.Compression = Gzip }
func metadata(c *Config)  { c.Metadata = true }
func continued(c *Config) { c.RotateOnStartup = false }

func open(t *testing.T, cfg Config) *Output {
	t.Helper()
	o, err := New(cfg, nil)
	require.NoError(t, err)
	return o
}

func opened(t *testing.T, cfg Config) *Output {
	t.Helper()
	o := open(t, cfg)
	t.Cleanup(func() { require.NoError(t, o.Close()) })
	return o
}

func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	list, err := list(dir, "trailbeat")
	require.NoError(t, err)
	for _, n := range list {
		names = append(names, n.file)
	}
	return names
}

// lines reads all files with what anybody would use: the standard library's idea of gzip and of lines.
func lines(t *testing.T, dir string) (all [][]byte) {
	t.Helper()
	for _, file := range files(t, dir) {
		data, err := os.ReadFile(filepath.Join(dir, file))
		require.NoError(t, err)
		if strings.HasSuffix(file, ".gz") && len(data) > 0 {
			zr, err := gzip.NewReader(bytes.NewReader(data))
			require.NoError(t, err)
			data, err = io.ReadAll(zr)
			require.NoError(t, err)
		}
		if len(data) == 0 {
			continue
		}
		require.Equal(t, byte('\n'), data[len(data)-1], "the last line of %s is whole", file)
		all = append(all, bytes.Split(data[:len(data)-1], []byte("\n"))...)
	}
	return all
}

func documents(t *testing.T, cfg Config) (docs []outputtest.Document) {
	for _, line := range lines(t, cfg.Path) {
		d := outputtest.Document{JSON: line}
		if cfg.Metadata {
			var wrapped struct {
				Index    string          `json:"_index"`
				ID       string          `json:"_id"`
				Document json.RawMessage `json:"document"`
			}
			require.NoError(t, json.Unmarshal(line, &wrapped))
			d = outputtest.Document{Index: wrapped.Index, ID: wrapped.ID, JSON: wrapped.Document}
		}
		docs = append(docs, d)
	}
	return docs
}

func TestContract(t *testing.T) {
	for name, changes := range map[string][]func(*Config){
		"plain":          nil,
		"gzip":           {zipped},
		"metadata":       {metadata},
		"continued":      {continued},
		"continued gzip": {continued, zipped, metadata},
		"small files":    {func(c *Config) { c.RotateEveryKB = 5 }},
	} {
		t.Run(name, func(t *testing.T) {
			outputtest.Run(t, outputtest.Harness{
				Anonymous: !config("", changes...).Metadata,
				New: func(t *testing.T) outputtest.Storage {
					cfg := config(t.TempDir(), changes...)
					return outputtest.Storage{
						Open:      func(t *testing.T) output.Output { return open(t, cfg) },
						Documents: func(t *testing.T) []outputtest.Document { return documents(t, cfg) },
					}
				},
			})
		})
	}
}

func TestConfig(t *testing.T) {
	cfg := config("dir")
	require.NoError(t, cfg.Validate())
	for _, permissions := range []string{"", "0600", "640", "0o644", "0777"} {
		require.NoError(t, (&Config{Path: "d", Filename: "f", Permissions: permissions}).Validate())
	}
	bad := Config{RotateEveryKB: -1, NumberOfFiles: -2, Permissions: "0400", Compression: "zip", CompressionLevel: 11, Filename: "a/b"}
	require.EqualError(t, bad.Validate(), `path: must not be empty; give the directory that the files go to
filename: must be a name without / \ : * ? " < > |, is "a/b"
rotate_every_kb: must be >= 0, is -1
number_of_files: must be >= 0, is -2
permissions: must be octal digits from 0600 to 0777 that let the owner read and write, is "0400"
compression: must be none or gzip, is "zip"
compression_level: must be between 1 and 9, is 11`)
	_, err := New(bad, nil)
	require.ErrorContains(t, err, "rotate_every_kb")
}

func TestMetadataWithoutID(t *testing.T) {
	cfg := config(t.TempDir(), metadata)
	_, err := opened(t, cfg).Write(t.Context(), []*ecs.Event{{Message: "x"}})
	require.NoError(t, err)
	require.Equal(t, `{"_index":"logs-aws.cloudtrail-default","document":{"message":"x"}}`, string(lines(t, cfg.Path)[0]))
}

func TestRotation(t *testing.T) {
	cfg := config(t.TempDir(), func(c *Config) { c.RotateEveryKB = 8; c.NumberOfFiles = 3 })
	o := opened(t, cfg)
	o.now = func() time.Time { return time.Date(2024, 3, 9, 23, 0, 0, 0, time.UTC) }
	foreign := filepath.Join(cfg.Path, "trailbeat-notes.ndjson")
	require.NoError(t, os.WriteFile(foreign, nil, 0o600))
	for n := range 12 { // of about 6 KB: one file each
		_, err := o.Write(t.Context(), outputtest.NewEvents(n*10, 10))
		require.NoError(t, err)
	}
	require.Equal(t, []string{"trailbeat-20240309-0010.ndjson", "trailbeat-20240309-0011.ndjson", "trailbeat-20240309-0012.ndjson"},
		files(t, cfg.Path))
	require.FileExists(t, foreign)
	require.Len(t, lines(t, cfg.Path), 30)

	o.now = func() time.Time { return time.Date(2024, 3, 10, 0, 0, 1, 0, time.UTC) }
	_, err := o.Write(t.Context(), outputtest.NewEvents(500, 40)) // larger than a file may be
	require.NoError(t, err)
	o.now = func() time.Time { return time.Date(2024, 3, 8, 0, 0, 0, 0, time.UTC) }
	_, err = o.Write(t.Context(), outputtest.NewEvents(600, 1))
	require.NoError(t, err)
	require.Equal(t, []string{"trailbeat-20240309-0012.ndjson", "trailbeat-20240310-0001.ndjson", "trailbeat-20240310-0002.ndjson"},
		files(t, cfg.Path), "a clock that goes back does not change the order")
}

func TestAllFilesAreKeptByDefault(t *testing.T) {
	cfg := config(t.TempDir(), func(c *Config) { c.RotateEveryKB = 1 })
	o := opened(t, cfg)
	for n := range 20 {
		_, err := o.Write(t.Context(), outputtest.NewEvents(n*3, 3))
		require.NoError(t, err)
	}
	require.Len(t, files(t, cfg.Path), 20)
	require.Len(t, lines(t, cfg.Path), 60)
}

func TestStartup(t *testing.T) {
	for name, test := range map[string]struct {
		first, second []func(*Config)
		files         int
	}{
		"a new file":             {nil, nil, 2},
		"continued":              {[]func(*Config){continued}, []func(*Config){continued}, 1},
		"other compression":      {[]func(*Config){continued}, []func(*Config){continued, zipped}, 2},
		"continued, compressed":  {[]func(*Config){zipped}, []func(*Config){continued, zipped}, 1},
		"no longer compressed":   {[]func(*Config){zipped}, []func(*Config){continued}, 2},
		"continued as by chance": {[]func(*Config){metadata}, []func(*Config){continued}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for i, changes := range [][]func(*Config){test.first, test.second} {
				o := open(t, config(dir, changes...))
				_, err := o.Write(t.Context(), outputtest.NewEvents(i*5, 5))
				require.NoError(t, err)
				require.NoError(t, o.Close())
			}
			require.Len(t, files(t, dir), test.files)
			require.Len(t, lines(t, dir), 10)
		})
	}
}

func TestPermissions(t *testing.T) {
	needs.Modes(t)
	cfg := config(filepath.Join(t.TempDir(), "sub"))
	_, err := opened(t, cfg).Write(t.Context(), outputtest.NewEvents(0, 1))
	require.NoError(t, err)
	info, err := os.Stat(filepath.Join(cfg.Path, files(t, cfg.Path)[0]))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestOneProcessOnly(t *testing.T) {
	cfg := config(t.TempDir())
	o := open(t, cfg)
	_, err := New(cfg, nil)
	require.ErrorContains(t, err, "another process writes there")
	require.True(t, output.IsFatal(err))
	other := cfg
	other.Filename = "other"
	require.NoError(t, open(t, other).Close())
	require.NoError(t, o.Close())
	require.NoError(t, open(t, cfg).Close())
	_, err = o.Write(t.Context(), outputtest.NewEvents(0, 1))
	require.ErrorIs(t, err, ErrClosed)
}

func TestDirectoryCannotBeMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	_, err := New(config(path), nil)
	require.ErrorContains(t, err, "check output.file.path")
	require.True(t, output.IsFatal(err))
}

// Whatever part of the last batch a crash left, the next start leaves whole batches, or whole lines of it.
func TestHeal(t *testing.T) {
	for name, compression := range map[string]func(*Config){"plain": func(*Config) {}, "gzip": zipped} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			o := open(t, config(dir, compression))
			_, err := o.Write(t.Context(), outputtest.NewEvents(0, 3))
			require.NoError(t, err)
			whole := o.size
			_, err = o.Write(t.Context(), outputtest.NewEvents(3, 2))
			require.NoError(t, err)
			require.NoError(t, o.Close())
			path := filepath.Join(dir, files(t, dir)[0])
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			for size := int64(0); size <= int64(len(data)); size++ {
				for _, garbage := range []string{"", "\x00\x00\x00\x00", "\n"} {
					if garbage == "\n" && size == int64(len(data)) {
						continue // an empty line behind a whole one
					}
					left := append(append([]byte{}, data[:size]...), garbage...)
					_, good, err := healBytes(left, compression)
					require.NoError(t, err)
					require.LessOrEqual(t, good, int64(len(left))) // the garbage may be just what was missing
					if size >= whole {
						require.GreaterOrEqual(t, good, whole)
					}
					if size == int64(len(data)) {
						require.Equal(t, size, good)
					}
					if name == "gzip" {
						require.Contains(t, []int64{0, whole, int64(len(data))}, good)
					} else if good > 0 {
						require.Equal(t, byte('\n'), left[good-1])
						for line := range bytes.Lines(left[:good]) {
							require.True(t, json.Valid(line))
						}
					}
				}
			}
		})
	}
}

func healBytes(data []byte, compression func(*Config)) (int64, int64, error) {
	cfg := DefaultConfig()
	compression(&cfg)
	return heal(&memory{data: data}, cfg.Compression == Gzip)
}

func TestHealIsSaid(t *testing.T) {
	cfg := config(t.TempDir(), continued)
	o := open(t, cfg)
	_, err := o.Write(t.Context(), outputtest.NewEvents(0, 3))
	require.NoError(t, err)
	require.NoError(t, o.Close())
	path := filepath.Join(cfg.Path, files(t, cfg.Path)[0])
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"message":"secret`)
	require.NoError(t, err)
	require.NoError(t, f.Close())

	var log bytes.Buffer
	o, err = New(cfg, slog.New(slog.NewJSONHandler(&log, nil)))
	require.NoError(t, err)
	_, err = o.Write(t.Context(), outputtest.NewEvents(3, 3))
	require.NoError(t, err)
	require.NoError(t, o.Close())
	require.Len(t, lines(t, cfg.Path), 6)
	require.Contains(t, log.String(), `"trailbeat.output.bytes_cut":18`)
	require.NotContains(t, log.String(), "secret")
}

func TestHealLongLines(t *testing.T) {
	long := `{"message":"` + strings.Repeat("x", 300<<10) + `"}` + "\n"
	for name, test := range map[string]struct {
		data string
		want int
	}{
		"empty":                  {"", 0},
		"one":                    {long, len(long)},
		"torn":                   {long + long[:200<<10], len(long)},
		"only torn":              {long[:200<<10], 0},
		"zeros":                  {long + strings.Repeat("\x00", 100<<10), len(long)},
		"zeros and a line feed":  {long + strings.Repeat("\x00", 100<<10) + "\n", len(long)},
		"a boundary of the step": {long + strings.Repeat("{}\n", 64<<10) + "{", len(long) + 3*64<<10},
		"not ours":               {strings.Repeat("text\n", 1000), 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := wholeLines(strings.NewReader(test.data), int64(len(test.data)))
			require.NoError(t, err)
			require.EqualValues(t, test.want, got)
		})
	}
}

// memory is a storage in memory that fails as it is told to.
type memory struct {
	data []byte
	pos  int64

	room                                 int // bytes that Write takes, where writeErr is set
	writeErr, syncErr, truncErr, readErr error
}

func (m *memory) Write(p []byte) (int, error) {
	n := len(p)
	if m.writeErr != nil {
		n = min(n, m.room)
	}
	m.data = append(m.data[:m.pos], p[:n]...)
	m.pos += int64(n)
	return n, m.writeErr
}

func (m *memory) Read(p []byte) (int, error) {
	if m.readErr != nil {
		return 0, m.readErr
	}
	n, err := m.ReadAt(p, m.pos)
	m.pos += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

func (m *memory) ReadAt(p []byte, off int64) (int, error) {
	if m.readErr != nil {
		return 0, m.readErr
	}
	return bytes.NewReader(m.data).ReadAt(p, off)
}

func (m *memory) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekEnd {
		offset += int64(len(m.data))
	}
	m.pos = offset
	return offset, nil
}

func (m *memory) Sync() error  { return m.syncErr }
func (m *memory) Close() error { return nil }

func (m *memory) Truncate(size int64) error {
	if m.truncErr == nil {
		m.data = m.data[:size]
	}
	return m.truncErr
}

func withMemory(t *testing.T, changes ...func(*Config)) (*Output, *memory) {
	o := opened(t, config(t.TempDir(), changes...))
	m := &memory{}
	o.openFile = func(string, int, os.FileMode) (storage, error) { return m, nil }
	return o, m
}

func TestFullDisk(t *testing.T) {
	for name, fail := range map[string]func(m *memory){
		"half a batch":   func(m *memory) { m.writeErr, m.room = syscall.ENOSPC, 700 },
		"nothing of it":  func(m *memory) { m.writeErr, m.room = syscall.ENOSPC, 0 },
		"on the flush":   func(m *memory) { m.syncErr = syscall.ENOSPC },
		"and no way out": func(m *memory) { m.writeErr, m.room, m.truncErr = syscall.ENOSPC, 700, syscall.EIO },
	} {
		t.Run(name, func(t *testing.T) {
			o, m := withMemory(t)
			first, second := outputtest.NewEvents(0, 2), outputtest.NewEvents(2, 3)
			_, err := o.Write(t.Context(), first)
			require.NoError(t, err)
			before := string(m.data)
			fail(m)
			for range 2 {
				res, err := o.Write(t.Context(), second)
				require.Error(t, err)
				require.False(t, output.IsFatal(err), "a full disk passes")
				require.Zero(t, res)
				if m.truncErr == nil {
					require.ErrorIs(t, err, syscall.ENOSPC)
					require.Equal(t, before, string(m.data), "the file is as it was")
				}
			}
			m.writeErr, m.syncErr, m.truncErr = nil, nil, nil
			_, err = o.Write(t.Context(), second)
			require.NoError(t, err)
			scan := bufio.NewScanner(bytes.NewReader(m.data))
			for _, ev := range append(first, second...) {
				require.True(t, scan.Scan())
				require.Equal(t, string(ev.AppendJSON(nil)), scan.Text())
			}
			require.False(t, scan.Scan())
		})
	}
}

func TestRotationFails(t *testing.T) {
	o := opened(t, config(t.TempDir()))
	o.openFile = func(string, int, os.FileMode) (storage, error) { return nil, fs.ErrPermission }
	_, err := o.Write(t.Context(), outputtest.NewEvents(0, 1))
	require.ErrorContains(t, err, "creating a file for output.file")
	require.True(t, output.IsFatal(err), "missing rights do not come by waiting")
	o.openFile = func(string, int, os.FileMode) (storage, error) { return nil, syscall.ENOSPC }
	_, err = o.Write(t.Context(), outputtest.NewEvents(0, 1))
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.False(t, output.IsFatal(err))
	o.openFile = openFile
	_, err = o.Write(t.Context(), outputtest.NewEvents(0, 1))
	require.NoError(t, err)
}

func TestHealCannotRead(t *testing.T) {
	broken := errors.New("device broken")
	for _, gzip := range []bool{false, true} {
		_, _, err := heal(&memory{data: []byte("{}\n"), readErr: broken}, gzip)
		require.ErrorIs(t, err, broken)
	}
}
