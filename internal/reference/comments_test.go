package reference

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReadComments(t *testing.T) {
	src := "package s\n\ntype C struct {\n" +
		"\t// MaxSize bounds all; it wins over\n\t// Path, a Path of AWS. Path goes on; see MinSize, the default of Path.\n\tMaxSize int `config:\"max_size,bytes\"`\n" +
		"\t// Path and AWS of a [MaxSize].\n\tPath string `config:\"path\"`\n\tAWS string `config:\"aws,secret\"`\n\n" +
		"\tBare bool `config:\"bare\"`\n\t// Version is none.\n\tVersion string `config:\"-\"`\n\t// In is inline.\n\tIn C `config:\",inline\"`\n}\n"
	got, err := ReadComments(fstest.MapFS{
		"in/s/config.go":      {Data: []byte(src)},
		"in/s/config_test.go": {Data: []byte("package s\ntype T struct {\n// X is one.\nX int `config:\"x\"`\n}\n")},
	})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{
		"in/s.C.MaxSize": "`max_size` bounds all; it wins over `path`, a Path of AWS. Path goes on; see MinSize, the default of `path`.",
		"in/s.C.Path":    "`path` and AWS of a `max_size`.",
		"in/s.C.AWS":     "`path` and AWS of a `max_size`.",
		"in/s.C.Bare":    "",
	}, got)
}
