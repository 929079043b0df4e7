package pipeline_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline"
)

// Whatever a record holds, there is a document, it is valid JSON, it is the same whatever came before, and it is no
// success unless the record could be read.
func FuzzProcess(f *testing.F) {
	inputs, err := filepath.Glob(filepath.Join("..", "testdata", "cloudtrail", "*", "input.json"))
	require.NoError(f, err)
	for _, input := range inputs {
		raw, err := os.ReadFile(input)
		require.NoError(f, err)
		f.Add(compacted(raw), uint8(len(raw)))
	}
	for _, raw := range []string{"", " ", "null", "hello", "[]", "7", `{"eventTime":"-"}`, "\xff{}", `{"a":"\ud800"}`, `{"userIdentity":[]}`} {
		f.Add([]byte(raw), uint8(0))
	}
	retains := []string{"all", "keyword", "flattened", "minimal", "none"}
	var pipelines []*pipeline.Pipeline
	base, err := pipeline.New(pipeline.Config{})
	require.NoError(f, err)
	for _, retain := range retains {
		p, err := base.With(pipeline.Config{Retain: retain, PreserveOriginalEvent: true})
		require.NoError(f, err)
		pipelines = append(pipelines, p)
	}
	var ev, again ecs.Event
	f.Fuzz(func(t *testing.T, raw []byte, choice uint8) {
		at := int(choice) % len(pipelines)
		fresh, err := base.With(pipeline.Config{Retain: retains[at], PreserveOriginalEvent: true})
		require.NoError(t, err)
		ev.Reset()
		ev.Timestamp = goldenTime
		require.NoError(t, fresh.Process(raw, &ev))
		doc := ev.AppendJSON(nil)
		require.True(t, json.Valid(doc), "%q", doc)
		for range 3 { // what was seen before is remembered the first time, noted the second, and used the third
			again.Reset()
			again.Timestamp = goldenTime
			require.NoError(t, pipelines[at].Process(raw, &again))
			require.Equal(t, string(doc), string(again.AppendJSON(nil)))
		}
		require.NotEmpty(t, ev.Event.Kind)
		if !json.Valid(raw) && len(raw) > 0 && ev.ECS.Version != "" {
			for _, c := range raw {
				require.Contains(t, " \t\r\n", string(c), "%q is no JSON and was mapped", raw)
			}
		}
	})
}
