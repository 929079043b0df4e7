package docscheck

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`^#{1,6} +(.*)$`)
)

func TestLinks(t *testing.T) {
	anchors := map[string]map[string]bool{}
	for _, p := range pages(t) {
		anchors[p.path] = anchorsOf(p)
	}
	for _, p := range pages(t) {
		for _, l := range p.prose {
			for _, m := range link.FindAllStringSubmatch(inlineCode.ReplaceAllString(l.text, "code"), -1) {
				if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
					continue
				}
				file, anchor, hasAnchor := strings.Cut(m[1], "#")
				target := p.path
				if file != "" {
					target = path.Join(path.Dir(p.path), file)
				}
				_, err := os.Stat(filepath.Join(root, target))
				if !assert.NoError(t, err, "%s:%d", p.path, l.number) || !hasAnchor {
					continue
				}
				assert.True(t, anchors[target][anchor], "%s:%d: %s has no heading #%s", p.path, l.number, target, anchor)
			}
		}
	}
}

// anchorsOf are the names that headings get when they are shown.
func anchorsOf(p page) map[string]bool {
	found := map[string]bool{}
	for _, l := range p.prose {
		m := heading.FindStringSubmatch(l.text)
		if m == nil {
			continue
		}
		found[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, m[1])] = true
	}
	return found
}

// The page of contents has every page.
func TestContents(t *testing.T) {
	all := readPage(t, "docs/README.md")
	var text strings.Builder
	for _, l := range all.prose {
		text.WriteString(l.text + "\n")
	}
	for _, p := range pages(t) {
		if path.Dir(p.path) == "docs" && p.path != "docs/README.md" {
			assert.Contains(t, text.String(), "("+path.Base(p.path)+")")
		}
	}
}
