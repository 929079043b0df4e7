package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/internal/stack"
)

// Every document of the cases and of the reference is taken under the template that setup installs, no value is left out of
// the index but what is longer than its field allows, and each field has the type that it is declared with.
func TestEnginesTakeEveryDocument(t *testing.T) {
	for _, kind := range []string{stack.Elasticsearch, stack.OpenSearch} {
		t.Run(kind, func(t *testing.T) {
			s := newDocStream(t, kind, "docs")
			docs, refused := goldens(t)
			t.Run("taken", func(t *testing.T) {
				// These have a text where the field wants an object. A flattened of Elasticsearch refuses that, a flat_object
				// of OpenSearch takes it.
				if kind == stack.OpenSearch {
					refused, docs = nil, append(docs, refused...)
				}
				assert.Empty(t, s.create(t, docs), "the template does not fit these documents")
				assert.Len(t, s.create(t, refused), len(refused), "cases with refused: true that the engine takes after all")
				checkIgnored(t, s)
			})
			t.Run("types", func(t *testing.T) { checkTypes(t, s) })
			t.Run("reference", func(t *testing.T) {
				reference := parityDocs(t)
				assert.Empty(t, s.create(t, reference))
				assert.Equal(t, len(docs)+len(reference), len(s.all(t)))
				checkIgnored(t, s)
				checkTypes(t, s) // the documents have not changed any
			})
		})
	}
}

// checkIgnored looks at what the engine stored but did not index. Only what is longer than ignore_above may be among it.
func checkIgnored(t *testing.T, s docStream) {
	t.Helper()
	for _, doc := range s.search(t, `{"size":10000,"query":{"exists":{"field":"_ignored"}}}`).Hits.Hits {
		for _, path := range doc.Ignored {
			field, ok := ecs.Lookup(path)
			if !assert.True(t, ok, "%s: %s is not declared", doc.ID, path) {
				continue
			}
			var tree any
			require.NoError(t, json.Unmarshal(doc.Source, &tree))
			assert.Greater(t, longest(at(tree, strings.Split(path, "."))), field.IgnoreAbove,
				"%s: the engine leaves out %s, which is not too long", doc.ID, path)
		}
	}
}

// at is the value below a path. Lists on the way are looked through.
func at(tree any, path []string) any {
	if len(path) == 0 {
		return tree
	}
	switch tree := tree.(type) {
	case map[string]any:
		return at(tree[path[0]], path[1:])
	case []any:
		var all []any
		for _, member := range tree {
			all = append(all, at(member, path))
		}
		return all
	}
	return nil
}

// longest is the length of the longest text in a value, in the units of Java, which the engines count.
func longest(value any) int {
	n := 0
	switch value := value.(type) {
	case string:
		n = len(utf16.Encode([]rune(value)))
	case []any:
		for _, member := range value {
			n = max(n, longest(member))
		}
	case map[string]any:
		for _, member := range value {
			n = max(n, longest(member))
		}
	}
	return n
}

// mapping is a field or a group of fields as the engine shows it.
type mapping struct {
	Type        string             `json:"type"`
	Properties  map[string]mapping `json:"properties"`
	Fields      map[string]mapping `json:"fields"`
	IgnoreAbove int                `json:"ignore_above"`
	Index       *bool              `json:"index"`
	DocValues   *bool              `json:"doc_values"`
	Value       string             `json:"value"`
}

// mappingOf reads the mapping of the stream's only backing index, by the paths of fields and groups.
func (s docStream) mappingOf(t testing.TB) map[string]mapping {
	t.Helper()
	var indices map[string]struct{ Mappings mapping }
	require.NoError(t, json.Unmarshal(s.Must(t, http.MethodGet, "/"+s.name+"/_mapping", ""), &indices))
	require.Len(t, indices, 1)
	found := map[string]mapping{}
	var walk func(prefix string, group mapping)
	walk = func(prefix string, group mapping) {
		for name, m := range group.Properties {
			found[prefix+name] = m
			walk(prefix+name+".", m)
		}
	}
	for _, index := range indices {
		walk("", index.Mappings)
	}
	return found
}

// shownAs says which types an engine may show for a declared one. Three types of Elasticsearch are modules that its archive
// for integration tests lacks; what stands in for them there shows itself as keyword and text. A complete server shows them
// by their own names. OpenSearch has flat_object for flattened, and its constant_keyword must have its value in the template:
// where any value is fine the template says keyword. No other substitution is accepted.
func shownAs(kind, declared, value string) []string {
	if kind == stack.OpenSearch {
		switch {
		case declared == "flattened":
			return []string{"flat_object"}
		case declared == "constant_keyword" && value == "":
			return []string{"keyword"}
		}
	}
	if kind == stack.Elasticsearch {
		switch declared {
		case "constant_keyword", "wildcard":
			return []string{declared, "keyword"}
		case "match_only_text":
			return []string{declared, "text"}
		}
	}
	return []string{declared}
}

// checkTypes compares the mapping with the declarations, field by field, both ways.
func checkTypes(t *testing.T, s docStream) {
	t.Helper()
	shown := s.mappingOf(t)
	// A server has a type or has a stand-in for it, not now this and now that.
	seen := map[string][]string{}
	note := func(declared, value, is string) {
		if value != "" {
			declared += " with a value"
		}
		if !slices.Contains(seen[declared], is) {
			seen[declared] = append(seen[declared], is)
		}
	}
	var open []string // groups that may have members of any name
	checked := 0
	for _, field := range ecs.Fields() {
		m, ok := shown[field.Name]
		if !assert.True(t, ok, "%s is missing from the mapping", field.Name) {
			continue
		}
		checked++
		if field.Type == "object" || field.Type == "group" {
			assert.Contains(t, []string{"", "object"}, m.Type, field.Name)
			if field.Type == "object" || field.Dynamic {
				open = append(open, field.Name+".")
			}
			continue
		}
		assert.Contains(t, shownAs(s.kind, field.Type, field.Value), m.Type, field.Name)
		note(field.Type, field.Value, m.Type)
		standIn := m.Type != field.Type
		if field.Type == "keyword" {
			assert.Equal(t, field.IgnoreAbove, m.IgnoreAbove, field.Name)
		}
		if field.Type == "constant_keyword" && !standIn && field.Value != "" {
			assert.Equal(t, field.Value, m.Value, field.Name)
		}
		if field.Type != "flattened" && !standIn {
			assert.Equal(t, field.Index, m.Index == nil || *m.Index, "index of %s", field.Name)
		}
		if field.Type == "keyword" {
			assert.Equal(t, field.DocValues, m.DocValues == nil || *m.DocValues, "doc_values of %s", field.Name)
		}
		var names []string
		for _, multi := range field.MultiFields {
			names = append(names, multi.Name)
			as, ok := m.Fields[multi.Name]
			if assert.True(t, ok, "%s.%s is missing from the mapping", field.Name, multi.Name) {
				assert.Contains(t, shownAs(s.kind, multi.Type, ""), as.Type, "%s.%s", field.Name, multi.Name)
				note(multi.Type, "", as.Type)
			}
		}
		for name := range m.Fields {
			assert.Contains(t, names, name, "%s has a multi-field that is not declared", field.Name)
		}
	}
	assert.Equal(t, len(ecs.Fields()), checked)
	for declared, types := range seen {
		assert.Len(t, types, 1, "%s is shown as %v", declared, types)
		if types[0] != strings.TrimSuffix(declared, " with a value") {
			t.Logf("%s: %s is shown as %s", s.kind, declared, types[0])
		}
	}
	for path, m := range shown {
		if m.Properties != nil || m.Type == "object" {
			continue
		}
		_, declared := ecs.Lookup(path)
		below := slices.ContainsFunc(open, func(group string) bool { return strings.HasPrefix(path, group) })
		assert.True(t, declared || below, fmt.Sprintf("%s (%s) is in the mapping and not declared", path, m.Type))
	}
}
