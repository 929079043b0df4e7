package docscheck

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// foreignTexts are what others say: Go, the engines, AWS.
var foreignTexts = regexp.MustCompile(`connection refused|no such host|cluster_block_exception|no space left on device`)

// joint is where a text of the source goes on in the next line.
var joint = regexp.MustCompile("[\"`] \\+\\s+[\"`]")

// What the page of symptoms says that one reads, the program says.
func TestTextsOfTheProgram(t *testing.T) {
	var source strings.Builder
	for _, dir := range []string{"cmd", "input", "internal", "output", "pipeline"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			data, err := os.ReadFile(path)
			source.WriteString(joint.ReplaceAllString(string(data), ""))
			return err
		}))
	}
	transcript, err := os.ReadFile(filepath.Join(root, "docs/first-ten-minutes.md"))
	require.NoError(t, err)
	said := source.String() + string(transcript)
	header := ""
	for _, l := range readPage(t, "docs/troubleshooting.md").prose {
		row := cells(l.text)
		if row == nil {
			if !strings.HasPrefix(l.text, "|") {
				header = ""
			}
			continue
		}
		if header == "" {
			header = row[0]
			continue
		}
		if header != "what you read" {
			continue
		}
		for _, text := range code(row[0]) {
			if foreignTexts.MatchString(text) || optionName.MatchString(text) || strings.HasPrefix(text, "(") || strings.HasPrefix(text, "received") {
				continue
			}
			// Numbers, names and what is left out stand for values.
			for _, part := range regexp.MustCompile(`\.\.\.|\b\d\w*\b|text/html|\([A-Za-z]+\)`).Split(text, -1) {
				if part = strings.Trim(part, " "); len(part) > 8 {
					assert.True(t, strings.Contains(said, part), "docs/troubleshooting.md:%d: nothing says %q", l.number, part)
				}
			}
		}
	}
}

// What other systems have is answered in each row: what it is here, and a test or a reason.
func TestEveryRowIsAnswered(t *testing.T) {
	rows := 0
	for _, l := range readPage(t, "docs/from-other-collectors.md").prose {
		if !strings.HasPrefix(l.text, "| ") {
			continue
		}
		rows++
		cells := strings.Split(strings.Trim(l.text, "| "), " | ")
		assert.Len(t, cells, 3, "line %d: %s", l.number, l.text)
	}
	assert.Greater(t, rows, 80)
}
