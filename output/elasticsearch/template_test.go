package elasticsearch

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func build(t *testing.T, flavour Flavour, out Config, conf TemplateConfig) (Template, map[string]any) {
	t.Helper()
	tpl, err := BuildTemplate(flavour, &out, conf)
	require.NoError(t, err)
	var root map[string]any
	require.NoError(t, json.Unmarshal(tpl.Body, &root))
	return tpl, flatten("", root, map[string]any{})
}

func TestTemplateOfDefaults(t *testing.T) {
	for _, flavour := range []Flavour{Elasticsearch, OpenSearch} {
		tpl, leaves := build(t, flavour, DefaultConfig(), DefaultTemplateConfig())
		assert.Equal(t, "trailbeat-logs-aws.cloudtrail", tpl.Name)
		assert.Equal(t, []any{"logs-aws.cloudtrail-*"}, leaves["index_patterns"])
		assert.Equal(t, managedBy, leaves["_meta.managed_by"])
		assert.Equal(t, tpl.hash, leaves["_meta.hash"])
		assert.Contains(t, leaves, "data_stream")
		assert.Empty(t, tpl.Notes)

		again, _ := build(t, flavour, DefaultConfig(), DefaultTemplateConfig())
		assert.Equal(t, tpl.Body, again.Body, "the same each time, or setup would never come to rest")
	}
}

func TestTemplateOfOptions(t *testing.T) {
	plain, _ := build(t, Elasticsearch, DefaultConfig(), DefaultTemplateConfig())
	out := DefaultConfig()
	out.DataStream.Dataset = "cloudtrail.audit"
	conf := DefaultTemplateConfig()
	conf.Priority = 600
	conf.Settings = map[string]any{"number_of_shards": 2, "index": map[string]any{"codec": "best_compression"}, "index.mapping.total_fields.limit": 3000}
	conf.Lifecycle.DataRetention = "90d"
	tpl, leaves := build(t, Elasticsearch, out, conf)
	assert.Equal(t, "trailbeat-logs-cloudtrail.audit", tpl.Name)
	assert.NotEqual(t, plain.hash, tpl.hash)
	assert.Equal(t, []any{"logs-cloudtrail.audit-*"}, leaves["index_patterns"])
	assert.EqualValues(t, 600, leaves["priority"])
	assert.EqualValues(t, 2, leaves["template.settings.index.number_of_shards"])
	assert.EqualValues(t, 3000, leaves["template.settings.index.mapping.total_fields.limit"])
	assert.Equal(t, "best_compression", leaves["template.settings.index.codec"])
	assert.Equal(t, "90d", leaves["template.lifecycle.data_retention"])

	tpl, leaves = build(t, OpenSearch, out, conf)
	assert.NotContains(t, leaves, "template.lifecycle.data_retention")
	assert.Len(t, tpl.Notes, 1)

	conf.Lifecycle = LifecycleConfig{Policy: "my-policy"}
	_, leaves = build(t, Elasticsearch, out, conf)
	assert.Equal(t, "my-policy", leaves["template.settings.index.lifecycle.name"])

	out.Index = "audit-trail"
	tpl, leaves = build(t, Elasticsearch, out, conf)
	assert.Equal(t, "trailbeat-audit-trail", tpl.Name)
	assert.Equal(t, []any{"audit-trail"}, leaves["index_patterns"])
}

func TestSettingBelowAValue(t *testing.T) {
	out, conf := DefaultConfig(), DefaultTemplateConfig()
	conf.Settings = map[string]any{"mapping.ignore_malformed.x": 1}
	_, err := BuildTemplate(Elasticsearch, &out, conf)
	require.ErrorContains(t, err, "settings.mapping.ignore_malformed.x: stands below a value")
}

func TestDiff(t *testing.T) {
	old := map[string]any{
		"priority": 100.0, "composed_of": []any{}, "data_stream": map[string]any{"hidden": false},
		"template": map[string]any{"settings": map[string]any{"index": map[string]any{"number_of_shards": "2", "codec": "default"}}},
	}
	wanted := map[string]any{
		"priority": 500.0, "data_stream": map[string]any{},
		"template": map[string]any{"settings": map[string]any{"index": map[string]any{"number_of_shards": 2.0, "refresh_interval": "30s"}}},
	}
	assert.Equal(t, "- priority: 100\n+ priority: 500\n- template.settings.index.codec: default\n+ template.settings.index.refresh_interval: 30s\n", diff(old, wanted))
	assert.Empty(t, diff(wanted, wanted))
}

func TestPatterns(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"logs-*", "logs-a-b", true},
		{"logs-*-*", "logs-aws.cloudtrail-default", true},
		{"logs-aws.cloudtrail-*", "logs-aws.cloudtrail-default", true},
		{"logs-aws.cloudtrail-*", "logs-awsxcloudtrail-default", false},
		{"*", "anything", true},
		{"logs-?", "logs-a", false},
		{"exact", "exact", true},
		{"exact", "exactly", false},
		{"[ab]", "a", false},
	} {
		assert.Equal(t, test.want, matches(test.pattern, test.name), "%s %s", test.pattern, test.name)
	}
}

func TestServerVersions(t *testing.T) {
	for _, test := range []struct {
		body     string
		want     Server
		requires bool
		old      bool
	}{
		{versionES, Server{Flavour: Elasticsearch, Version: "8.19.3", Cluster: "fake"}, true, false},
		{versionOS, Server{Flavour: OpenSearch, Version: "3.6.0", Cluster: "fake"}, false, false},
		{`{"version":{"number":"7.17.9"},"tagline":"You Know, for Search"}`, Server{Flavour: Elasticsearch, Version: "7.17.9"}, false, false},
		{`{"version":{"number":"8.12.0"}}`, Server{Flavour: Elasticsearch, Version: "8.12.0"}, false, false},
		{`{"version":{"number":"9.1.0-SNAPSHOT"}}`, Server{Flavour: Elasticsearch, Version: "9.1.0-SNAPSHOT"}, true, false},
		{`{"version":{"number":"7.10.2"},"tagline":"The OpenSearch Project: https://opensearch.org/"}`, Server{Flavour: OpenSearch, Version: "7.10.2"}, false, false},
		{`{"version":{"number":"2.5.0","distribution":"opensearch"}}`, Server{Flavour: OpenSearch, Version: "2.5.0"}, false, true},
		{`{"version":{"number":"7.10.0"}}`, Server{Flavour: Elasticsearch, Version: "7.10.0"}, false, true},
		{`{"version":{"number":"8.11.0","build_flavor":"serverless"}}`, Server{Flavour: Elasticsearch, Version: "8.11.0", Serverless: true}, true, false},
	} {
		got, err := readServer(answer{status: 200, body: []byte(test.body)})
		require.NoError(t, err)
		assert.Equal(t, test.want, got)
		assert.Equal(t, test.requires, got.requiresDataStream(), test.body)
		assert.Equal(t, test.old, got.old(), test.body)
	}
}

func TestOldServerIsRefusedIfAsked(t *testing.T) {
	f := newFake(t)
	f.version = `{"version":{"number":"6.8.0"}}`
	out := open(t, f.URL, func(c *Config) { c.AllowOlderVersions = false })
	defer out.Close()
	_, err := out.Server(t.Context())
	require.ErrorContains(t, err, "allow_older_versions")
}
