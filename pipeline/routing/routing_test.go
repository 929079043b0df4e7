package routing_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline/condition"
	"github.com/trailbeat/trailbeat/pipeline/processor"
	"github.com/trailbeat/trailbeat/pipeline/routing"
)

func equals(field, value string) *condition.Config {
	return &condition.Config{Equals: condition.Fields{field: {value}}}
}

func event(category, action string) *ecs.Event {
	ev := new(ecs.Event)
	ev.DataStream.Type, ev.DataStream.Dataset, ev.DataStream.Namespace = "logs", "aws.cloudtrail", "default"
	ev.Event.Dataset = "aws.cloudtrail"
	ev.AWS.CloudTrail.EventCategory, ev.Event.Action = category, action
	return ev
}

func example() routing.Config {
	return routing.Config{
		Rules: []routing.Rule{
			{Name: "noise", When: equals("event.action", "Decrypt"), Target: routing.Target{Output: routing.Discard}},
			{Name: "odd", When: equals("event.action", "Odd"), Target: routing.Target{Output: routing.DeadLetters}},
			{When: equals("aws.cloudtrail.event_category", "Data"), Target: routing.Target{Output: "cheap", Dataset: "aws.cloudtrail_data", Retention: "30d"}},
			{Name: "never", When: equals("aws.cloudtrail.event_category", "Data"), Target: routing.Target{Namespace: "never"}},
		},
		CatchAll: routing.Target{Namespace: "rest"},
	}
}

func TestFirstMatchDecides(t *testing.T) {
	table, err := routing.New(example())
	require.NoError(t, err)

	data := event("Data", "GetObject")
	require.NoError(t, table.Route(data))
	assert.Equal(t, "cheap", data.Meta.Output)
	assert.Equal(t, "aws.cloudtrail_data", data.DataStream.Dataset)
	assert.Equal(t, "default", data.DataStream.Namespace, "what the rule does not name stays")
	assert.Equal(t, "aws.cloudtrail", data.Event.Dataset, "what it is does not change with where it lies")

	management := event("Management", "RunInstances")
	require.NoError(t, table.Route(management))
	assert.Empty(t, management.Meta.Output)
	assert.Equal(t, "rest", management.DataStream.Namespace)

	err = table.Route(event("Data", "Decrypt"))
	require.ErrorIs(t, err, processor.ErrDrop)
	assert.ErrorContains(t, err, "noise")

	err = table.Route(event("Data", "Odd"))
	var letter *routing.LetterError
	require.ErrorAs(t, err, &letter)
	require.NotErrorIs(t, err, processor.ErrDrop)
	assert.Equal(t, routing.LetterType, letter.LetterType())
	assert.ErrorContains(t, err, "odd")

	var got []string
	for _, s := range table.Stats() {
		got = append(got, s.Rule+" "+s.To.Output+" "+strings.Repeat("*", int(s.Events)))
	}
	assert.Equal(t, []string{"noise discard *", "odd dead_letters *", "routing.rules.2 cheap *", "never default ", "catch_all default *"}, got)
}

func TestNothingConfigured(t *testing.T) {
	table, err := routing.New(routing.Config{})
	require.NoError(t, err)
	require.Nil(t, table)
	ev := event("Data", "GetObject")
	require.NoError(t, table.Route(ev))
	assert.Equal(t, "aws.cloudtrail", ev.DataStream.Dataset)
	assert.Empty(t, table.Stats())
	assert.Nil(t, table.Early(func(string) bool { return true }))
}

func TestEarlyEndsBeforeWhatIsNotKnown(t *testing.T) {
	known := func(field string) bool { return field == "event.action" }
	discard := routing.Target{Output: routing.Discard}
	action, agent := equals("event.action", "Decrypt"), equals("user_agent.name", "x")
	keep := routing.Target{Namespace: "kept"}
	for name, c := range map[string]struct {
		rules    []routing.Rule
		catchAll routing.Target
		dropped  string // the actions that are dropped early, of Decrypt and Other
		none     bool
	}{
		"a discard":                       {rules: []routing.Rule{{When: action, Target: discard}}, dropped: "Decrypt"},
		"one behind a field of documents": {rules: []routing.Rule{{Name: "a", When: agent, Target: keep}, {Name: "b", When: action, Target: discard}}, none: true},
		"one before it":                   {rules: []routing.Rule{{Name: "a", When: action, Target: discard}, {Name: "b", When: agent, Target: discard}}, dropped: "Decrypt"},
		"one behind a rule that keeps":    {rules: []routing.Rule{{Name: "a", When: action, Target: keep}, {Name: "b", When: action, Target: discard}}, dropped: ""},
		"nothing is let go":               {rules: []routing.Rule{{When: action, Target: keep}}, none: true},
		"the catch-all":                   {rules: []routing.Rule{{When: action, Target: keep}}, catchAll: discard, dropped: "Other"},
		"the catch-all behind a document": {rules: []routing.Rule{{When: agent, Target: keep}}, catchAll: discard, none: true},
	} {
		t.Run(name, func(t *testing.T) {
			table, err := routing.New(routing.Config{Rules: c.rules, CatchAll: c.catchAll})
			require.NoError(t, err)
			early := table.Early(known)
			if c.none {
				assert.Nil(t, early)
				return
			}
			require.NotNil(t, early)
			var dropped []string
			for _, action := range []string{"Decrypt", "Other"} {
				if early.Find(event("Data", action)) != nil {
					dropped = append(dropped, action)
				}
			}
			assert.Equal(t, c.dropped, strings.Join(dropped, " "))
			assert.Nil(t, table.Early(nil), "everything has to wait")
			for _, s := range table.Stats() {
				assert.Zero(t, s.Events, "looking counts nothing")
			}
		})
	}
}

func TestValidateNamesTheOption(t *testing.T) {
	when := equals("event.action", "x")
	rules := func(list ...routing.Rule) routing.Config { return routing.Config{Rules: list} }
	for want, c := range map[string]routing.Config{
		"rules.0.when: is missing":            rules(routing.Rule{Target: routing.Target{Output: "cheap"}}),
		"rules.0.when: is no condition":       rules(routing.Rule{When: new(condition.Config), Target: routing.Target{Output: "cheap"}}),
		"rules.0.output: is missing":          rules(routing.Rule{When: when}),
		"rules.0.dataset: must be lower case": rules(routing.Rule{When: when, Target: routing.Target{Dataset: "Data"}}),
		"rules.0.namespace: must be lower":    rules(routing.Rule{When: when, Target: routing.Target{Namespace: "a-b"}}),
		"rules.0.retention: must be a number": rules(routing.Rule{When: when, Target: routing.Target{Retention: "forever"}}),
		"rules.0.dataset: cannot go together": rules(routing.Rule{When: when, Target: routing.Target{Output: routing.Discard, Dataset: "x"}}),
		"rules.1.name: is \"a\"":              rules(routing.Rule{Name: "a", When: when, Target: routing.Target{Output: "x"}}, routing.Rule{Name: "a", When: when, Target: routing.Target{Output: "x"}}),
		"rules.0.name: is \"catch_all\"":      rules(routing.Rule{Name: routing.CatchAllName, When: when, Target: routing.Target{Output: "x"}}),
		"rules.0.name: must be at most":       rules(routing.Rule{Name: "a\nb", When: when, Target: routing.Target{Output: "x"}}),
		"catch_all.namespace: cannot":         {CatchAll: routing.Target{Output: routing.DeadLetters, Namespace: "x"}},
	} {
		err := c.Validate()
		require.Error(t, err, want)
		assert.True(t, strings.HasPrefix(err.Error(), want), "%s\n%s", want, err)
		_, err = routing.New(c)
		require.Error(t, err)
	}
	c := example()
	require.NoError(t, c.Validate())
	require.NoError(t, c.ValidateOutputs([]string{"cheap"}))
	require.ErrorContains(t, c.ValidateOutputs(nil), `rules.2.output: there is no "cheap" below outputs`)
}

func TestRetention(t *testing.T) {
	for text, good := range map[string]bool{
		"30d": true, "1h": true, "100m": true, "5s": true,
		"": false, "d": false, "0d": false, "01d": false, "30": false, "3 d": false, "-3d": false, "3dd": false, "3D": false, "1.5d": false, "30d\n": false, "3ä": false,
	} {
		when := equals("event.action", "x")
		c := routing.Config{Rules: []routing.Rule{{When: when, Target: routing.Target{Retention: text, Dataset: "x"}}}}
		err := c.Validate()
		if good || text == "" {
			assert.NoError(t, err, text)
		} else {
			assert.ErrorContains(t, err, "rules.0.retention", text)
		}
	}
}
