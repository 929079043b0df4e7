package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/app"
	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/output/elasticsearch"
)

// The templates of further data streams do not get in the way of each other, nor in that of the output's own.
func TestTemplatesOfRoutedStreams(t *testing.T) {
	base := elasticsearch.DefaultConfig()
	base.Hosts = []string{"http://localhost:1"}
	stream := func(dataset, namespace, retention string) app.Stream {
		return app.Stream{DataStream: shipper.DataStream{Type: "logs", Dataset: dataset, Namespace: namespace}, Retention: retention}
	}
	env := app.OutputEnv{DataStream: shipper.DataStream{Type: "logs", Dataset: "aws.cloudtrail", Namespace: "default"}, Streams: []app.Stream{
		stream("aws.cloudtrail", "team", ""), stream("aws.cloudtrail", "short", "7d"), stream("data", "default", ""), stream("data", "other", ""),
		stream("data", "long", "365d"),
	}}
	for _, named := range []string{"", "mine"} {
		template := elasticsearch.DefaultTemplateConfig()
		template.Name, template.Pattern, template.Lifecycle.Policy = named, "", "policy"
		var got [][]any
		require.NoError(t, eachStream(&base, template, env, func(out *elasticsearch.Output, own elasticsearch.TemplateConfig) error {
			var conf elasticsearch.Config
			for _, s := range env.Streams { // the one that it was made for
				if conf, _ = forStream(base, template, s); conf.DefaultIndex() == out.DefaultIndex() {
					break
				}
			}
			built, err := elasticsearch.BuildTemplate(elasticsearch.Elasticsearch, &conf, own)
			require.NoError(t, err)
			var body struct {
				Patterns []string `json:"index_patterns"`
				Priority int      `json:"priority"`
				Template struct {
					Lifecycle struct {
						Retention string `json:"data_retention"`
					} `json:"lifecycle"`
				} `json:"template"`
			}
			require.NoError(t, json.Unmarshal(built.Body, &body))
			got = append(got, []any{built.Name, body.Patterns[0], body.Priority, body.Template.Lifecycle.Retention})
			return nil
		}))
		prefix := "trailbeat-logs-"
		if named != "" {
			prefix = "mine-"
		}
		assert.Equal(t, [][]any{
			{prefix + "aws.cloudtrail-short", "logs-aws.cloudtrail-short", 501, "7d"},
			{prefix + "data", "logs-data-*", 500, ""},
			{prefix + "data-long", "logs-data-long", 501, "365d"},
		}, got)
	}
	assert.Empty(t, base.Index, "the configuration of the output is left alone")
}
