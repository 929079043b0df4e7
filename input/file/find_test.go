package file

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFind(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"a.json", "b.json.gz", "c.txt", "d.ndjson", "x/e.json", "x/y/f.json", "x/y/g.log", "x/y/README", "z[1].json", "x/h.JSONL"} {
		path := filepath.Join(root, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		write(t, path, "{}")
	}
	cases := []struct {
		name  string
		paths []string
		edit  func(*Config)
		want  []string
		err   error
	}{
		{name: "folder", paths: []string{"."}, want: []string{"a.json", "b.json.gz", "d.ndjson", "x/e.json", "x/h.JSONL", "x/y/f.json", "x/y/g.log", "z[1].json"}},
		{name: "file with any name", paths: []string{"c.txt"}, want: []string{"c.txt"}},
		{name: "name that looks like a pattern", paths: []string{"z[1].json"}, want: []string{"z[1].json"}},
		{name: "pattern", paths: []string{"*.json"}, want: []string{"a.json", "z[1].json"}},
		{name: "pattern of folders", paths: []string{"*/*/*.json"}, want: []string{"x/y/f.json"}},
		{name: "any depth", paths: []string{"**/*.json"}, want: []string{"a.json", "z[1].json", "x/e.json", "x/y/f.json"}},
		{name: "any depth in the middle", paths: []string{"x/**/f.json"}, want: []string{"x/y/f.json"}},
		{name: "any depth at the end", paths: []string{"x/**"}, want: []string{"x/e.json", "x/h.JSONL", "x/y/README", "x/y/f.json", "x/y/g.log"}},
		{name: "no recursion", paths: []string{"**/*.json"}, edit: func(c *Config) { c.RecursiveGlob.Enabled = false }, want: []string{"x/e.json"}},
		{name: "excluded", paths: []string{"."}, edit: func(c *Config) { c.ExcludeFiles = []string{`\.gz$`, `[\\/]y[\\/]`} }, want: []string{"a.json", "d.ndjson", "x/e.json", "x/h.JSONL", "z[1].json"}},
		{name: "no match", paths: []string{"*.parquet"}, err: errNoMatch},
		{name: "missing", paths: []string{"missing.json"}, err: os.ErrNotExist},
		{name: "missing folder in a pattern", paths: []string{"missing/*.json"}, err: errNoMatch},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg := DefaultConfig()
			for _, p := range c.paths {
				cfg.Paths = append(cfg.Paths, filepath.Join(root, filepath.FromSlash(p)))
			}
			if c.edit != nil {
				c.edit(&cfg)
			}
			in, err := New(cfg, Deps{ID: "in", Store: memory()})
			require.NoError(t, err)
			var got []string
			for f := range in.find.all() {
				if f.err != nil {
					require.ErrorIs(t, f.err, c.err)
					continue
				}
				rel, err := filepath.Rel(root, f.path)
				require.NoError(t, err)
				got = append(got, filepath.ToSlash(rel))
			}
			assert.Equal(t, c.want, got)
		})
	}
}

// Every file comes once, however often it is named; what is older than asked for does not come.
func TestWhatIsRead(t *testing.T) {
	dir := t.TempDir()
	old, fresh := filepath.Join(dir, "a.json"), filepath.Join(dir, "b.json")
	write(t, old, `{"Records":[1]}`)
	write(t, fresh, `{"Records":[2]}`)
	require.NoError(t, os.Chtimes(old, time.Time{}, time.Now().Add(-48*time.Hour)))
	res := readAll(t, config(dir, fresh, filepath.Join(dir, "*.json")), memory())
	assert.Equal(t, []string{"1", "2"}, res.raws)
	cfg := config(dir)
	cfg.IgnoreOlder = 24 * time.Hour
	assert.Equal(t, []string{"2"}, readAll(t, cfg, memory()).raws)

	res = readAll(t, config(filepath.Join(dir, "none.json"), filepath.Join(dir, "*.none"), fresh), memory())
	require.Len(t, res.errs, 2)
	assert.ErrorContains(t, res.errs[0], "there is no such file or folder")
	assert.ErrorContains(t, res.errs[1], "no file matches")
	assert.Equal(t, []string{"2"}, res.raws)
}

func TestUnreadable(t *testing.T) {
	if runtime.GOOS == "windows" || os.Getuid() == 0 {
		t.Skip("needs a user who may not read everything: run it as another user than root")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "a.json")
	write(t, path, `{"Records":[1]}`)
	require.NoError(t, os.Chmod(path, 0))
	res := readAll(t, config(dir), memory())
	require.Len(t, res.errs, 1)
	assert.ErrorIs(t, res.errs[0], os.ErrPermission)
}

func TestValidate(t *testing.T) {
	require.NoError(t, config("x").Validate())
	assert.EqualError(t, DefaultConfig().Validate(), "paths: at least one file, folder or pattern is needed")
	bad := Config{
		Paths: []string{"-", "", "-", "a[", "b"}, ExcludeFiles: []string{"("}, Format: "csv", IgnoreOlder: -1, CleanRemovedAfter: -1, MaxRecordBytes: -1,
	}
	err := bad.Validate()
	require.Error(t, err)
	for _, name := range []string{
		"paths.1: must not be empty", "paths.2: standard input", `paths.3: "a["`, "exclude_files.0: ", `format: must be auto or ndjson, is "csv"`, "scan_frequency: must be > 0, is 0s",
		"ignore_older: ", "clean_removed_after: ", "batch_max_records: ", "batch_max_bytes: ", "max_batches_in_flight: ", "max_record_bytes: ",
	} {
		assert.Contains(t, err.Error(), name)
	}
	_, err = New(bad, Deps{Store: memory()})
	require.Error(t, err)
}
