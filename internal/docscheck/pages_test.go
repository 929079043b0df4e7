package docscheck

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/needs"
)

const root = "../.."

// binary is the program, built once.
var binary string

func TestMain(m *testing.M) { os.Exit(needs.Program(m, &binary)) }

// page is a document, taken apart.
type page struct {
	path   string // from the root, with slashes
	blocks []block
	prose  []line // without blocks
}

type line struct {
	number int
	text   string
}

// block is what stands between two fences, without the indentation of the first.
type block struct {
	line       int
	kind, text string
}

var fence = regexp.MustCompile("^( *)```(\\w*)$")

func readPage(t *testing.T, path string) page {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	p := page{path: filepath.ToSlash(path)}
	var open *block
	indent := ""
	for i, text := range strings.Split(string(data), "\n") {
		m := fence.FindStringSubmatch(text)
		switch {
		case m != nil && open == nil:
			indent, open = m[1], &block{line: i + 1, kind: m[2]}
		case m != nil:
			p.blocks, open = append(p.blocks, *open), nil
		case open != nil:
			open.text += strings.TrimPrefix(text, indent) + "\n"
		case strings.HasPrefix(text, "    ") && !strings.HasPrefix(strings.TrimSpace(text), "-"):
			p.blocks = append(p.blocks, block{line: i + 1, kind: "indented", text: text[4:] + "\n"})
		default:
			p.prose = append(p.prose, line{i + 1, text})
		}
	}
	require.Nil(t, open, "%s: a block has no end", path)
	return p
}

// pages are all documents of the repository.
func pages(t *testing.T) []page {
	t.Helper()
	var all []page
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "data") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".md") {
			rel, _ := filepath.Rel(root, path)
			all = append(all, readPage(t, rel))
		}
		return nil
	}))
	require.Greater(t, len(all), 15)
	return all
}

var inlineCode = regexp.MustCompile("`([^`]+)`")

// code gives the texts in backquotes of a line.
func code(text string) []string {
	var out []string
	for _, m := range inlineCode.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

// cells are the columns of a row of a table; nil where the line is none.
func cells(text string) []string {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "|") || strings.HasPrefix(text, "|--") || strings.HasPrefix(text, "| --") {
		return nil
	}
	parts := strings.Split(strings.Trim(strings.ReplaceAll(text, `\|`, "\x00"), "|"), "|")
	for i := range parts {
		parts[i] = strings.TrimSpace(strings.ReplaceAll(parts[i], "\x00", "|"))
	}
	return parts
}
