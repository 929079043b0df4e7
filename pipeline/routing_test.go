package pipeline_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline"
	"github.com/trailbeat/trailbeat/pipeline/condition"
	"github.com/trailbeat/trailbeat/pipeline/processor"
	"github.com/trailbeat/trailbeat/pipeline/routing"
)

var (
	onReads  = condition.Config{Equals: condition.Fields{"aws.cloudtrail.read_only": {"true"}}}
	onAction = condition.Config{Regexp: condition.Fields{"event.action": {"^[A-D]"}}}
	onAgent  = condition.Config{HasFields: []string{"user_agent.name"}}
	onUser   = condition.Config{HasFields: []string{"user.name"}}
)

func rule(name string, when condition.Config, to routing.Target) routing.Rule {
	return routing.Rule{Name: name, When: &when, Target: to}
}

// Rules of routing that let go of records before the mapping take the same ones, and count the same, as after it.
func TestRoutingEarlyIsLate(t *testing.T) {
	base, err := pipeline.New(pipeline.Config{})
	require.NoError(t, err)
	records := goldenRecords(t)
	for _, raw := range odd {
		records = append(records, []byte(raw))
	}
	discard, cheap := routing.Target{Output: routing.Discard}, routing.Target{Output: "cheap", Dataset: "cheap"}
	for name, c := range map[string]struct {
		processors []processor.Spec
		routing    routing.Config
		early      bool
	}{
		"one rule":                     {nil, routing.Config{Rules: []routing.Rule{rule("a", onReads, discard)}}, true},
		"behind one that keeps":        {nil, routing.Config{Rules: []routing.Rule{rule("a", onReads, cheap), rule("b", onAction, discard)}}, true},
		"behind one of the document":   {nil, routing.Config{Rules: []routing.Rule{rule("a", onAgent, cheap), rule("b", onAction, discard)}}, false},
		"the rest is let go":           {nil, routing.Config{Rules: []routing.Rule{rule("a", onReads, cheap)}, CatchAll: discard}, true},
		"behind a drop":                {[]processor.Spec{dropWhen(onReads)}, routing.Config{Rules: []routing.Rule{rule("b", onUser, discard)}}, true},
		"behind a drop of the mapping": {[]processor.Spec{dropWhen(onAgent)}, routing.Config{Rules: []routing.Rule{rule("b", onUser, discard)}, CatchAll: discard}, false},
		"a field that changed": {
			[]processor.Spec{dropWhen(onAction), {Options: &processor.DropFields{Fields: []string{"user.name"}, IgnoreMissing: true}}},
			routing.Config{Rules: []routing.Rule{rule("b", onUser, discard), rule("c", onReads, discard)}}, true, // the drop is
		},
	} {
		t.Run(name, func(t *testing.T) {
			var p [2]*pipeline.Pipeline
			var tables [2]*routing.Table
			for i := range p {
				list, err := processor.Build(c.processors, processor.Env{})
				require.NoError(t, err)
				tables[i], err = routing.New(c.routing)
				require.NoError(t, err)
				p[i], err = base.With(pipeline.Config{Processors: processor.Join(list), Routing: tables[i]})
				require.NoError(t, err)
			}
			assert.Equal(t, c.early, p[0].Early())
			p[1].DecideLate()
			tw, dropped := twins{p[0], p[1]}, 0
			var a, b ecs.Event
			for i, raw := range records {
				if tw.compare(t, raw, fillers[i%len(fillers)], &a, &b) {
					dropped++
				}
			}
			assert.Positive(t, dropped)
			assert.Equal(t, tables[1].Stats(), tables[0].Stats())
		})
	}
}
