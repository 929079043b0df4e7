package app

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/config"
)

// foreignConfig are options with a group and a list in them.
type foreignConfig struct {
	Name  string `config:"name"`
	Group struct {
		Wait int `config:"wait"`
	} `config:"group"`
	List []struct {
		Regex string `config:"regex"`
	} `config:"list"`
}

func foreignComponents() Components {
	in := NewInput(func() foreignConfig { return foreignConfig{} }, func(context.Context, foreignConfig, InputEnv) (input.Input, error) {
		return nil, nil
	})
	in.Foreign = []Foreign{
		{Option: "keep", Why: "it is kept"},
		{Option: "group.script", Why: "there are no scripts"},
		{Option: "list.*.encoding", Why: "it is UTF-8"},
		{Option: "old.a", Why: "a is old"},
		{Option: "old.b", Why: "b is old"},
		{Option: "extras", Why: "it is empty", Refuse: func(v any) string {
			if m, ok := v.(map[string]any); ok && len(m) > 0 {
				return "extras are not added"
			}
			return ""
		}},
	}
	out := Output{Config: func() any { return new(fakeConfig) }, Foreign: []Foreign{{Option: "preset", Why: "there are none"}}}
	return Components{
		Inputs: map[string]Input{"fake": in}, Outputs: map[string]Output{"fake": out},
		Foreign: []Foreign{{Option: "queue", Why: "there is none"}, {Option: "setup.ilm", Why: "there is a template"}},
	}
}

func TestForeignOptions(t *testing.T) {
	const input, output = "trailbeat.inputs:\n- type: fake\n", "output.fake:\n"
	for name, c := range map[string]struct {
		config   string
		warnings []string
		errors   string
	}{
		"none":         {input + output, nil, ""},
		"of an input":  {input + "  keep: yes\n" + output, []string{"c.yml:3:9: trailbeat.inputs.0.keep: it is kept"}, ""},
		"a null":       {input + "  keep: ~\n" + output, []string{"c.yml:3:3: trailbeat.inputs.0.keep: it is kept"}, ""},
		"a whole tree": {input + "  keep: {a: [1, {b: c}]}\n" + output, []string{"c.yml:3:3: trailbeat.inputs.0.keep: it is kept"}, ""},
		"beside a known one": {input + "  group: {wait: 3, script.source: x}\n" + output,
			[]string{"c.yml:3:20: trailbeat.inputs.0.group.script: there are no scripts"}, ""},
		"in elements of a list": {input + "  list:\n  - {regex: a, encoding: b}\n  - {regex: c}\n  - {encoding: d}\n" + output, []string{
			"c.yml:4:26: trailbeat.inputs.0.list.0.encoding: it is UTF-8", "c.yml:6:16: trailbeat.inputs.0.list.2.encoding: it is UTF-8"}, ""},
		"a group of nothing else": {input + "  old: {b: 1, a: 2}\n" + output,
			[]string{"c.yml:3:12: trailbeat.inputs.0.old.b: b is old", "c.yml:3:18: trailbeat.inputs.0.old.a: a is old"}, ""},
		"at the top, in the order of the file": {"queue.mem.events: 5\n" + input + output + "  preset: x\nsetup: {ilm.enabled: false}\n", []string{
			"c.yml:1:1: queue: there is none", "c.yml:5:11: output.fake.preset: there are none", "c.yml:6:9: setup.ilm: there is a template"}, ""},
		"by another file's alias": {"filebeat.inputs: [{type: fake, keep: 1}]\n" + output, []string{"c.yml:1:38: trailbeat.inputs.0.keep: it is kept"}, ""},
		"an example that is switched off": {input + "- {type: filestream, enabled: false, paths: [x]}\n" + output,
			[]string{"c.yml:3:10: trailbeat.inputs.1.type: there is no input \"filestream\", and it is not enabled"}, ""},
		"a refused one, empty": {input + "  extras: {}\n" + output, []string{"c.yml:3:3: trailbeat.inputs.0.extras: it is empty"}, ""},

		"a refused one":             {input + "  extras: {a: b}\n" + output, nil, "c.yml:3:3: trailbeat.inputs.0.extras: extras are not added"},
		"with one that is unknown":  {input + "  keep: 1\n  kept: 2\n" + output, nil, `c.yml:4:3: trailbeat.inputs.0.kept: there is no such option; these exist here: `},
		"a group with an unknown":   {input + "  old: {b: 1, c: 2}\n" + output, nil, "c.yml:3:3: trailbeat.inputs.0.old: there is no such option"},
		"a foreign one elsewhere":   {input + output + "  keep: 1\n", nil, "c.yml:4:3: output.fake.keep: there is no such option"},
		"a known one that is wrong": {input + "  keep: 1\n  group: {wait: x}\n" + output, nil, "c.yml:4:17: trailbeat.inputs.0.group.wait: "},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := resolve([]config.Source{{Name: "c.yml", Data: []byte(c.config)}}, nil, foreignComponents())
			if c.errors != "" {
				require.ErrorContains(t, err, c.errors)
				var faults config.Errors
				require.ErrorAs(t, err, &faults)
				assert.Len(t, faults, 1)
				return
			}
			require.NoError(t, err)
			var got []string
			for _, w := range s.warnings {
				got = append(got, w.Error())
			}
			assert.Equal(t, c.warnings, got)
			if name == "beside a known one" {
				assert.Equal(t, 3, s.inputs[0].options.(*foreignConfig).Group.Wait)
			}
		})
	}
}

// An input type that stands for several is chosen by its options, and its faults have a place.
func TestSelect(t *testing.T) {
	components := foreignComponents()
	plain := components.Inputs["fake"]
	both := plain
	both.Select = func(options *config.Section) (Input, error) {
		if !options.Has("name") {
			return Input{}, options.Errorf("", "has no name")
		}
		chosen := plain
		chosen.Foreign = nil
		return chosen, nil
	}
	components.Inputs["fake"] = both
	load := func(text string) error {
		_, err := resolve([]config.Source{{Name: "c.yml", Data: []byte(text)}}, nil, components)
		return err
	}
	require.NoError(t, load("trailbeat.inputs: [{type: fake, name: x}]\n"))
	require.ErrorContains(t, load("trailbeat.inputs: [{type: fake}]\n"), "c.yml:1:20: trailbeat.inputs.0: has no name")
	require.ErrorContains(t, load("trailbeat.inputs: [{type: fake, name: x, keep: 1}]\n"), "trailbeat.inputs.0.keep: there is no such option")
}
