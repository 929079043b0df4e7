package file

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/inputtest"
	"github.com/trailbeat/trailbeat/internal/registry"
)

// pack is data as a gzip file.
func pack(t testing.TB, data string) string {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, err := w.Write([]byte(data))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return buf.String()
}

func container(records []string) string { return `{"Records":[` + strings.Join(records, ",") + `]}` }

func lines(records []string) string { return strings.Join(records, "\n") + "\n" }

// seeders put records into a folder, each in its own way.
var seeders = map[string]func(t *testing.T, dir string, n int, records []string){
	"one container each time": func(t *testing.T, dir string, n int, records []string) {
		write(t, filepath.Join(dir, fmt.Sprintf("%04d.json", n)), container(records))
	},
	"one gzip container each time": func(t *testing.T, dir string, n int, records []string) {
		write(t, filepath.Join(dir, fmt.Sprintf("%04d.json.gz", n)), pack(t, container(records)))
	},
	"one record a file": func(t *testing.T, dir string, n int, records []string) {
		for i, r := range records {
			write(t, filepath.Join(dir, fmt.Sprintf("%04d-%04d.json", n, i)), r)
		}
	},
	"a few records a file": func(t *testing.T, dir string, n int, records []string) {
		for i := 0; i < len(records); i += 3 {
			write(t, filepath.Join(dir, fmt.Sprintf("%04d-%04d.json", n, i)), container(records[i:min(i+3, len(records))]))
		}
	},
	"lines that grow": func(t *testing.T, dir string, _ int, records []string) {
		add(t, filepath.Join(dir, "all.ndjson"), lines(records))
	},
	"lines that grow, found out": func(t *testing.T, dir string, _ int, records []string) {
		add(t, filepath.Join(dir, "all.log"), lines(records))
	},
	"containers that grow": func(t *testing.T, dir string, _ int, records []string) {
		add(t, filepath.Join(dir, "all.json"), container(records)+"\n")
	},
	"gzip lines that grow": func(t *testing.T, dir string, _ int, records []string) {
		add(t, filepath.Join(dir, "all.ndjson.gz"), pack(t, lines(records)))
	},
}

func write(t testing.TB, path, data string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(data), 0o600))
}

func add(t testing.TB, path, data string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	_, err = f.WriteString(data)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

func TestContract(t *testing.T) {
	for name, seed := range seeders {
		for _, once := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/once=%v", name, once), func(t *testing.T) {
				t.Parallel()
				inputtest.Run(t, inputtest.Harness{Ends: once, Exact: true, New: func(t *testing.T) inputtest.Source {
					dir, n := t.TempDir(), 0
					store := new(registry.Memory).Input("in")
					cfg := DefaultConfig()
					cfg.Paths = []string{dir}
					cfg.BatchMaxRecords = 7
					cfg.MaxBatchesInFlight = 20
					cfg.ScanFrequency = time.Millisecond
					return inputtest.Source{
						Seed: func(records []string) { seed(t, dir, n, records); n++ },
						Open: func() input.Input {
							in, err := New(cfg, Deps{ID: "in", Store: store, Once: once})
							require.NoError(t, err)
							return in
						},
					}
				}})
			})
		}
	}
}
