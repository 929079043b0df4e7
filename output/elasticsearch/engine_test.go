package elasticsearch

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/internal/stack"
	"github.com/trailbeat/trailbeat/output"
	"github.com/trailbeat/trailbeat/output/outputtest"
)

var engines = []string{stack.Elasticsearch, stack.OpenSearch}

// eachEngine runs the test against each real engine that is there, emptied of what these tests make.
func eachEngine(t *testing.T, test func(t *testing.T, engine stack.Engine)) {
	for _, kind := range engines {
		t.Run(kind, func(t *testing.T) {
			engine := stack.Find(t, kind)
			empty := func() { engine.Purge(t, "logs-aws.cloudtrail", "trailbeat-") }
			empty()
			t.Cleanup(empty)
			test(t, engine)
		})
	}
}

// oneNode is a template for a cluster of one node.
func oneNode() TemplateConfig {
	conf := DefaultTemplateConfig()
	conf.Settings = map[string]any{"number_of_replicas": 0}
	return conf
}

func open(t testing.TB, url string, change ...func(*Config)) *Output {
	t.Helper()
	conf := DefaultConfig()
	conf.Hosts = []string{url}
	for _, f := range change {
		f(&conf)
	}
	out, err := New(conf, Options{})
	require.NoError(t, err)
	return out
}

func setup(t testing.TB, engine stack.Engine, conf TemplateConfig) {
	t.Helper()
	out := open(t, engine.URL)
	defer out.Close()
	_, err := out.Setup(t.Context(), conf, SetupOptions{})
	require.NoError(t, err)
}

func TestContract(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine stack.Engine) {
		outputtest.Run(t, outputtest.Harness{
			Deduplicates: true, GeneratesIDs: true,
			New: func(t *testing.T) outputtest.Storage {
				engine.Purge(t, "logs-aws.cloudtrail")
				setup(t, engine, oneNode())
				return outputtest.Storage{
					Open: func(t *testing.T) output.Output { return open(t, engine.URL) },
					Documents: func(t *testing.T) []outputtest.Document {
						var docs []outputtest.Document
						for _, d := range engine.Documents(t, "logs-aws.cloudtrail-*") {
							docs = append(docs, outputtest.Document{Index: d.Index, ID: d.ID, JSON: d.Source})
						}
						return docs
					},
				}
			},
		})
	})
}

// strict is a template in which a value of the wrong type is an error.
const strict = `{"index_patterns":["logs-aws.cloudtrail-*"],"priority":900,"data_stream":{},
	"template":{"settings":{"number_of_replicas":0},"mappings":{"dynamic":false,"properties":{"event":{"properties":{"action":{"type":"long"}}}}}}}`

func TestMappingErrorIsPermanentForOneDocument(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine stack.Engine) {
		engine.Must(t, "PUT", "/_index_template/trailbeat-strict", strict)
		out := open(t, engine.URL)
		defer out.Close()
		events := outputtest.NewEvents(0, 1000)
		for i, ev := range events {
			ev.Event.Action = fmt.Sprint(i)
		}
		events[700].Event.Action = "ConsoleLogin"

		res, err := out.Write(t.Context(), events)
		var failed *output.BatchError
		require.ErrorAs(t, err, &failed)
		require.Len(t, failed.Failures, 1)
		f := failed.Failures[0]
		assert.Equal(t, 700, f.Index)
		assert.True(t, f.Permanent)
		assert.Equal(t, 400, f.Status)
		assert.Contains(t, []string{"document_parsing_exception", "mapper_parsing_exception"}, f.Type)
		assert.Contains(t, f.Reason, "event.action")
		assert.Equal(t, output.Result{Stored: 999}, res)
		assert.Len(t, engine.Documents(t, "logs-aws.cloudtrail-*"), 999)

		res, err = out.Write(t.Context(), events)
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, output.Result{Duplicate: 999}, res)
	})
}

func TestNoTemplateStopsTheRun(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine stack.Engine) {
		out := open(t, engine.URL)
		defer out.Close()
		err := out.CheckReady(t.Context())
		require.True(t, output.IsFatal(err), "%v", err)
		assert.ErrorContains(t, err, "trailbeat setup")

		res, err := out.Write(t.Context(), outputtest.NewEvents(0, 3))
		require.True(t, output.IsFatal(err), "%v", err)
		assert.ErrorContains(t, err, "trailbeat setup")
		assert.Zero(t, res)
		assert.Empty(t, engine.Documents(t, "logs-aws.cloudtrail-*"))

		require.NoError(t, out.Prepare(t.Context(), oneNode()))
		res, err = out.Write(t.Context(), outputtest.NewEvents(0, 3))
		require.NoError(t, err)
		assert.Equal(t, output.Result{Stored: 3}, res)
		require.NoError(t, out.CheckReady(t.Context()))
	})
}

func TestPlainIndexStopsTheRun(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine stack.Engine) {
		engine.Must(t, "PUT", "/logs-aws.cloudtrail.plain", "")
		plain := func(c *Config) { c.Index = "logs-aws.cloudtrail.plain" }
		out := open(t, engine.URL, plain)
		defer out.Close()
		err := out.CheckReady(t.Context())
		require.True(t, output.IsFatal(err), "%v", err)
		_, err = out.Write(t.Context(), outputtest.NewEvents(0, 3))
		require.True(t, output.IsFatal(err), "%v", err)
		assert.ErrorContains(t, err, "require_data_stream")

		willing := open(t, engine.URL, plain, func(c *Config) { c.RequireDataStream = false })
		defer willing.Close()
		require.NoError(t, willing.CheckReady(t.Context()))
		res, err := willing.Write(t.Context(), outputtest.NewEvents(0, 3))
		require.NoError(t, err)
		assert.Equal(t, output.Result{Stored: 3}, res)
	})
}

func TestTemplateThatGoesDuringTheRunStopsIt(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine stack.Engine) {
		setup(t, engine, oneNode())
		out := open(t, engine.URL)
		defer out.Close()
		_, err := out.Write(t.Context(), outputtest.NewEvents(0, 3))
		require.NoError(t, err)
		engine.Purge(t, "logs-aws.cloudtrail", "trailbeat-")
		res, err := out.Write(t.Context(), outputtest.NewEvents(3, 3))
		require.True(t, output.IsFatal(err), "%v", err)
		assert.Zero(t, res)
	})
}

func TestLongIDSpoilsNothing(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine stack.Engine) {
		setup(t, engine, oneNode())
		out := open(t, engine.URL)
		defer out.Close()
		events := outputtest.NewEvents(0, 4)
		events[1].Meta.ID = strings.Repeat("x", 513)
		events[2].Meta.ID = strings.Repeat("é", 256) // 512 bytes
		events[3].Meta.Index = "Not A Name"
		res, err := out.Write(t.Context(), events)
		var failed *output.BatchError
		require.ErrorAs(t, err, &failed)
		require.Len(t, failed.Failures, 2)
		assert.Equal(t, 1, failed.Failures[0].Index)
		assert.Equal(t, "document_id_too_long", failed.Failures[0].Type)
		assert.Equal(t, 3, failed.Failures[1].Index)
		assert.Equal(t, "invalid_index_name", failed.Failures[1].Type)
		assert.Equal(t, output.Result{Stored: 2}, res)
	})
}

func TestBlockedIndexIsTransient(t *testing.T) {
	for _, block := range []struct {
		setting string
		status  int
	}{
		{"index.blocks.write", 403},
		{"index.blocks.read_only_allow_delete", 429},
	} {
		t.Run(block.setting, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, engine stack.Engine) {
				setup(t, engine, oneNode())
				out := open(t, engine.URL)
				defer out.Close()
				_, err := out.Write(t.Context(), outputtest.NewEvents(0, 1))
				require.NoError(t, err)
				set := func(value string) {
					engine.Must(t, "PUT", "/logs-aws.cloudtrail-default/_settings", `{"`+block.setting+`":`+value+`}`)
				}
				set("true")
				defer set("null")
				_, err = out.Write(t.Context(), outputtest.NewEvents(0, 5))
				var failed *output.BatchError
				require.ErrorAs(t, err, &failed)
				assert.Len(t, failed.Failures, 5)
				for _, f := range failed.Failures {
					assert.False(t, f.Permanent)
					assert.Equal(t, block.status, f.Status)
				}
				set("null")
				res, err := out.Write(t.Context(), outputtest.NewEvents(0, 5))
				require.NoError(t, err)
				assert.Equal(t, output.Result{Stored: 4, Duplicate: 1}, res)
			})
		})
	}
}

func TestUnknownParameterStopsTheRun(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine stack.Engine) {
		setup(t, engine, oneNode())
		out := open(t, engine.URL, func(c *Config) { c.Parameters = map[string]string{"no_such_parameter": "1"} })
		defer out.Close()
		_, err := out.Write(t.Context(), outputtest.NewEvents(0, 100))
		require.True(t, output.IsFatal(err), "%v", err)
		assert.ErrorContains(t, err, "no_such_parameter")
	})
}

func TestUnknownPipelineStopsTheRun(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine stack.Engine) {
		setup(t, engine, oneNode())
		out := open(t, engine.URL, func(c *Config) { c.Pipeline = "no-such-pipeline" })
		defer out.Close()
		_, err := out.Write(t.Context(), outputtest.NewEvents(0, 10))
		require.True(t, output.IsFatal(err), "%v", err)
		assert.ErrorContains(t, err, "no-such-pipeline")
	})
}

func TestSetup(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine stack.Engine) {
		out := open(t, engine.URL)
		defer out.Close()
		conf := oneNode()
		run := func(opts SetupOptions) SetupReport {
			t.Helper()
			report, err := out.Setup(t.Context(), conf, opts)
			require.NoError(t, err)
			return report
		}
		report := run(SetupOptions{DryRun: true})
		assert.Equal(t, SetupCreate, report.Action)
		assert.Contains(t, report.Diff, "+ index_patterns: [\"logs-aws.cloudtrail-*\"]\n")
		require.True(t, output.IsFatal(out.CheckReady(t.Context())), "a dry run installs nothing")

		assert.Equal(t, SetupCreate, run(SetupOptions{}).Action)
		require.NoError(t, out.CheckReady(t.Context()))
		report = run(SetupOptions{})
		assert.Equal(t, SetupNothing, report.Action)
		assert.Empty(t, report.Diff)

		conf.Settings["index.codec"] = "best_compression"
		report = run(SetupOptions{DryRun: true})
		assert.Equal(t, SetupUpdate, report.Action)
		lines := strings.Split(strings.TrimSpace(report.Diff), "\n")
		require.Len(t, lines, 3, "the hash before and after, and the setting: %s", report.Diff)
		assert.Equal(t, "+ template.settings.index.codec: best_compression", lines[2])
		assert.Equal(t, SetupUpdate, run(SetupOptions{}).Action)
		assert.Equal(t, SetupNothing, run(SetupOptions{}).Action)
	})
}

func TestSetupLeavesTheTemplatesOfOthersAlone(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine stack.Engine) {
		engine.Must(t, "PUT", "/_index_template/trailbeat-strict", strict)
		out := open(t, engine.URL)
		defer out.Close()
		conf := oneNode()
		conf.Name = "trailbeat-strict"
		_, err := out.Setup(t.Context(), conf, SetupOptions{})
		require.True(t, output.IsFatal(err), "%v", err)
		assert.ErrorContains(t, err, "overwrite")

		// Two templates of the same priority for the same names: the server refuses that.
		conf = oneNode()
		conf.Priority = 900
		_, err = out.Setup(t.Context(), conf, SetupOptions{})
		require.True(t, output.IsFatal(err), "%v", err)
		assert.ErrorContains(t, err, "priority")

		conf = oneNode()
		conf.Name = "trailbeat-strict"
		report, err := out.Setup(t.Context(), conf, SetupOptions{Overwrite: true})
		require.NoError(t, err)
		assert.Equal(t, SetupUpdate, report.Action)
		assert.Contains(t, report.Diff, "- priority: 900\n")
	})
}

func TestRetentionIsInstalled(t *testing.T) {
	engine := stack.Find(t, stack.Elasticsearch)
	engine.Purge(t, "logs-aws.cloudtrail", "trailbeat-")
	conf := oneNode()
	conf.Lifecycle.DataRetention = "30d"
	setup(t, engine, conf)
	defer engine.Purge(t, "logs-aws.cloudtrail", "trailbeat-")
	var found struct {
		Templates []struct {
			Is struct {
				Template struct {
					Lifecycle struct {
						Retention string `json:"data_retention"`
					} `json:"lifecycle"`
				} `json:"template"`
			} `json:"index_template"`
		} `json:"index_templates"`
	}
	require.NoError(t, json.Unmarshal(engine.Must(t, "GET", "/_index_template/trailbeat-logs-aws.cloudtrail", ""), &found))
	assert.Equal(t, "30d", found.Templates[0].Is.Template.Lifecycle.Retention)
	out := open(t, engine.URL)
	defer out.Close()
	report, err := out.Setup(t.Context(), conf, SetupOptions{})
	require.NoError(t, err)
	assert.Equal(t, SetupNothing, report.Action)
}

func TestManyRequestsSideBySide(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine stack.Engine) {
		setup(t, engine, oneNode())
		out := open(t, engine.URL, func(c *Config) { c.BulkMaxSize, c.Worker = 100, 4 })
		defer out.Close()
		events := outputtest.NewEvents(0, 5000)
		events = append(events, events[0], events[4999])
		res, err := out.Write(t.Context(), events)
		require.NoError(t, err)
		assert.Equal(t, output.Result{Stored: 5000, Duplicate: 2}, res)
		docs := engine.Documents(t, "logs-aws.cloudtrail-*")
		require.Len(t, docs, 5000)
		var ev ecs.Event
		outputtest.FillEvent(&ev, 42)
		for _, d := range docs {
			if d.ID == ev.Meta.ID {
				assert.JSONEq(t, string(ev.AppendJSON(nil)), string(d.Source))
			}
		}
	})
}
