package config

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A value may be the content of a file, as secrets are mounted.
func TestFileVariable(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.ToSlash(filepath.Join(dir, name))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	key, crlf, empty := write("key", "a: ${b} #c\n\n"), write("crlf", "sesame\r\n"), write("empty", "\n")
	lookup := func(name string) (string, bool) { return filepath.ToSlash(dir), name == "DIR" }
	for name, c := range map[string]struct{ value, want, fault string }{
		"a file":                 {"${file:" + key + "}", "a: ${b} #c\n", ""},
		"within a text":          {"id:${file:" + crlf + "}!", "id:sesame!", ""},
		"a path with a variable": {"${file:${DIR}/crlf}", "sesame", ""},
		"no file":                {"${file:" + dir + "/none}", "", "cannot be read: no such file or directory; make it"},
		"a folder":               {"${file:" + dir + "}", "", "must name a file of at most 1 MiB"},
		"an empty file":          {"${file:" + empty + "}", "", "is empty; write the value into it"},
		"no name":                {"${file:}", "", "names no file"},
		"a device":               {"${file:" + os.DevNull + "}", "", "must name a file"},
	} {
		t.Run(name, func(t *testing.T) {
			tree, err := Load([]Source{{Name: "c.yml", Data: []byte("password: '" + c.value + "'\n")}}, Options{Lookup: lookup})
			if c.fault != "" {
				assert.ErrorContains(t, err, c.fault)
				assert.ErrorContains(t, err, "c.yml:1:11: password: ")
				return
			}
			require.NoError(t, err)
			var s sample
			require.NoError(t, tree.Decode(&s))
			assert.Equal(t, c.want, s.Password)
			printed, err := Marshal(&s)
			require.NoError(t, err)
			assert.NotContains(t, string(printed), c.want)
		})
	}
}
