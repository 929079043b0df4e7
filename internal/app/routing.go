package app

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/trailbeat/trailbeat/internal/config"
	"github.com/trailbeat/trailbeat/internal/lazyregexp"
	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/pipeline/processor"
	"github.com/trailbeat/trailbeat/pipeline/routing"
)

// outputName is what an output below outputs may be called: it stands in labels of metrics and in dotted names.
var outputName = lazyregexp.New(`^[a-z0-9_-]{1,64}$`)

// validateRouting checks the names of the outputs, and that rules name no others.
func (c *Config) validateRouting() (errs []error) {
	var enabled []string
	for _, name := range slices.Sorted(maps.Keys(c.Outputs)) {
		switch {
		case routing.Reserved(name):
			errs = append(errs, fmt.Errorf("outputs.%s: has a name with a meaning of its own in routing; choose another", name))
		case !outputName().MatchString(name):
			errs = append(errs, fmt.Errorf("outputs.%s: must have a name of lower-case letters, digits, _ and -", name))
		}
		for _, out := range c.Outputs[name] {
			if out != nil && out.Enabled && outputName().MatchString(name) && !routing.Reserved(name) && !slices.Contains(enabled, name) {
				enabled = append(enabled, name)
			}
		}
		if len(c.Outputs[name]) == 0 {
			errs = append(errs, fmt.Errorf("outputs.%s: has no type; write for example \"sqlite: {}\" below it (the first output belongs below \"output\")", name))
		}
	}
	errs = append(errs, prefixed("routing", c.Routing.Validate())...)
	errs = append(errs, prefixed("routing", c.Routing.ValidateOutputs(enabled))...)
	_, err := c.Routing.Streams(c.DataStream.Dataset, c.DataStream.Namespace)
	return append(errs, prefixed("routing", err)...)
}

// checkRouting notes what works and is probably not what was meant: fields that documents never have, outputs that get nothing.
func (s *settings) checkRouting() {
	if s.top == nil {
		return
	}
	note := func(option, format string, args ...any) {
		var at config.Errors
		if errors.As(s.top.Errorf(option, format, args...), &at) {
			s.notes = append(s.notes, at...)
		}
	}
	var specs []processor.Spec
	for i, rule := range s.Routing.Rules {
		if rule.When != nil {
			specs = append(specs, processor.Spec{Path: fmt.Sprintf("routing.rules.%d", i), If: rule.When})
		}
	}
	lists := [][]processor.Spec{s.processors, specs}
	for _, in := range s.inputs {
		lists = append([][]processor.Spec{in.processors}, lists...)
	}
	for _, w := range processor.Check(lists...) {
		if slices.ContainsFunc(specs, func(spec processor.Spec) bool { return spec.Path == w.Path }) {
			note(w.Path+".when", "%s", w.Text)
		}
	}
	for _, o := range s.outputs {
		if !slices.ContainsFunc(s.Routing.Targets(), func(t routing.Target) bool { return t.Output == o.id }) {
			note("outputs."+o.id, "no rule of routing sends anything there; name it in one, or remove it")
		}
	}
}

// printRouting says how many documents each rule sent where, and what each output took.
func printRouting(w io.Writer, stats []routing.Stat, counts []shipper.BranchCounts) {
	for _, s := range stats {
		switch {
		case s.Events == 0:
		case s.To.Output == routing.Discard:
			fmt.Fprintf(w, "  filtered by routing rule %s: %d\n", s.Rule, s.Events)
		default:
			fmt.Fprintf(w, "  routed by %s to %s: %d\n", s.Rule, destination(s.To), s.Events)
		}
	}
	for _, c := range counts {
		name := c.Name
		if name == "" {
			name = routing.Default
		}
		fmt.Fprintf(w, "  output %s: %d indexed + %d duplicate\n", name, c.Stored, c.Duplicate)
	}
}

// destination names where documents go: the output, and the parts of the data stream that are not as always.
func destination(to routing.Target) string {
	text := to.Output
	if to.Dataset != "" {
		text += ", dataset " + to.Dataset
	}
	if to.Namespace != "" {
		text += ", namespace " + to.Namespace
	}
	return text
}
