package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/app"
)

// The page for those who come from Filebeat tells of every option that has no effect, in the words of the program.
func TestForeignInDocs(t *testing.T) {
	const path = "../../docs/from-filebeat.md"
	var taken, refused strings.Builder
	taken.WriteString("| where | Filebeat | why, and what has an effect |\n|---|---|---|\n")
	refused.WriteString("| where | Filebeat | what to do instead |\n|---|---|---|\n")
	for _, group := range []struct {
		where string
		list  []app.Foreign
	}{
		{"at the top", foreignTop()},
		{"inputs that read objects", foreignObjects()},
		{"`aws-s3` with `queue_url`", foreignQueue()[len(foreignObjects()):]},
		{"`aws-s3` with a bucket", foreignBucket()[len(foreignObjects()):]},
		{"`output.elasticsearch`", foreignElasticsearch()[len(foreignSSL()):]},
	} {
		for _, f := range group.list {
			name := strings.ReplaceAll(f.Option, "*", "N")
			if strings.HasPrefix(name, "file_selectors.") {
				continue // the same as without a selector
			}
			if f.Refuse != nil {
				if why := f.Refuse("x"); why != "" {
					fmt.Fprintf(&refused, "| %s | `%s` | %s |\n", group.where, name, why)
					continue
				}
			}
			fmt.Fprintf(&taken, "| %s | `%s` | %s |\n", group.where, name, f.Why)
		}
	}
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	text := between(t, string(data), "<!-- taken:", taken.String())
	text = between(t, text, "<!-- refused:", refused.String())
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return
	}
	assert.Equal(t, text, string(data), "write it anew with -update")
}

// between replaces what stands between the line that begins with mark and the next "<!-- end -->".
func between(t *testing.T, text, mark, content string) string {
	t.Helper()
	before, rest, ok := strings.Cut(text, mark)
	require.True(t, ok, mark)
	line, rest, _ := strings.Cut(rest, "\n")
	_, after, ok := strings.Cut(rest, "<!-- end -->")
	require.True(t, ok, mark)
	return before + mark + line + "\n" + content + "<!-- end -->" + after
}
