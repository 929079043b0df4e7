package elasticsearch

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An older OpenSearch gets types that it knows, a newer one and Elasticsearch those that are declared.
func TestTemplateOfOlderOpenSearch(t *testing.T) {
	for _, c := range []struct {
		server        Server
		text, keyword string // types of a match_only_text and of a constant_keyword
		notes         int
	}{
		{Server{Flavour: OpenSearch, Version: "2.11.1"}, "text", "keyword", 2},
		{Server{Flavour: OpenSearch, Version: "2.13.0"}, "match_only_text", "keyword", 1},
		{Server{Flavour: OpenSearch, Version: "2.14.0"}, "match_only_text", "constant_keyword", 0},
		{Server{Flavour: OpenSearch, Version: "3.6.0"}, "match_only_text", "constant_keyword", 0},
		{Server{Flavour: OpenSearch}, "match_only_text", "constant_keyword", 0},
		{Server{Flavour: Elasticsearch, Version: "7.17.0"}, "match_only_text", "constant_keyword", 0},
	} {
		t.Run(strings.TrimSpace(string(c.server.Flavour)+" "+c.server.Version), func(t *testing.T) {
			out := DefaultConfig()
			tpl, err := buildTemplate(c.server, &out, DefaultTemplateConfig())
			require.NoError(t, err)
			var root map[string]any
			require.NoError(t, json.Unmarshal(tpl.Body, &root))
			leaves := flatten("", root, map[string]any{})
			const properties = "template.mappings.properties."
			assert.Equal(t, c.text, leaves[properties+"message.type"])
			assert.Equal(t, c.text, leaves[properties+"user.properties.name.fields.text.type"])
			assert.Equal(t, c.keyword, leaves[properties+"event.properties.module.type"])
			_, hasValue := leaves[properties+"event.properties.module.value"]
			assert.Equal(t, c.keyword == "constant_keyword", hasValue)
			assert.Len(t, tpl.Notes, c.notes)

			newest, err := BuildTemplate(c.server.Flavour, &out, DefaultTemplateConfig())
			require.NoError(t, err)
			assert.Equal(t, c.notes > 0, newest.hash != tpl.hash, "an upgrade of the server brings the types that it has then")
		})
	}
}
