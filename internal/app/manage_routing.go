package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/trailbeat/trailbeat/internal/config"
	"github.com/trailbeat/trailbeat/internal/lazyregexp"
	"github.com/trailbeat/trailbeat/internal/manage"
	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/pipeline/routing"
)

// outputNames are those below outputs that rules of routing may name.
func (s *settings) outputNames() []string {
	var list []string
	for _, o := range s.outputs {
		list = append(list, o.id)
	}
	return list
}

// routing reads the rules of a source. Those of the configuration follow, unless the source has a catch-all of its own. Nil: it has
// none.
func (e *manageEngine) routing(in manage.Input) (*routing.Config, []string, config.Errors) {
	if len(in.Routing) == 0 {
		return nil, nil, nil
	}
	if at := nullAt("routing", in.Routing); at != "" {
		return nil, nil, config.Errors{{Path: at, Message: "is null; leave it out"}}
	}
	var found struct {
		Routing ownRouting `config:"routing"`
	}
	found.Routing.outputs = e.s.outputNames()
	tree, err := asConfig(map[string]any{"routing": literal(in.Routing)})
	if err == nil {
		err = tree.Decode(&found)
	}
	var faults config.Errors
	if err != nil && !errors.As(err, &faults) {
		faults = config.Errors{{Path: "routing", Message: err.Error()}}
	}
	if len(faults) > 0 {
		return nil, nil, faults
	}
	own := found.Routing.Config
	for _, t := range own.Targets() {
		for _, part := range []string{t.Dataset, t.Namespace} {
			if part != "" && !streamPart().MatchString(part) {
				return nil, nil, config.Errors{{Path: "routing", Message: fmt.Sprintf("names the data stream part %q; write it with lower-case letters, digits, _ and dots, a letter, digit or _ first", part)}}
			}
		}
	}
	if (own.CatchAll == routing.Target{}) {
		own.Rules = append(own.Rules, e.s.Routing.Rules...)
		own.CatchAll = e.s.Routing.CatchAll
	}
	ds := e.s.DataStream
	if _, err := own.Streams(ds.Dataset, ds.Namespace); err != nil {
		return nil, nil, config.Errors{{Path: "routing", Message: err.Error()}}
	}
	if err := own.Validate(); err != nil { // names of rules that the configuration has too
		return nil, nil, config.Errors{{Path: "routing", Message: err.Error()}}
	}
	var warnings []string
	for _, t := range own.Targets() {
		for _, o := range e.s.allOutputs() {
			if t.Retention != "" && cmp.Or(t.Output, routing.Default) == o.label() && o.kind.Setup == nil {
				warnings = append(warnings, fmt.Sprintf("the retention of %s has no effect: %s has no index templates, and keeps everything", t.Retention, o.path()))
			}
		}
	}
	return &own, slices.Compact(warnings), nil
}

// nullAt is the dotted name of the first member below v that is null; empty: there is none.
func nullAt(at string, v any) string {
	switch v := v.(type) {
	case nil:
		return at
	case map[string]any:
		for _, name := range names(v) {
			if found := nullAt(at+"."+name, v[name]); found != "" {
				return found
			}
		}
	case []any:
		for i := range v {
			if found := nullAt(at+"."+strconv.Itoa(i), v[i]); found != "" {
				return found
			}
		}
	}
	return ""
}

// streamPart is narrower than what a configuration may name: whoever sends a request sees no log.
var streamPart = lazyregexp.New(`^[a-z0-9_][a-z0-9_.]{0,99}$`)

// ownRouting is the group routing with the outputs that there are.
type ownRouting struct {
	routing.Config `config:",inline"`
	outputs        []string
}

// Validate joins all that is wrong.
func (c *ownRouting) Validate() error {
	return errors.Join(c.Config.Validate(), c.ValidateOutputs(c.outputs))
}

// Prepare implements manage.Engine.
func (e *manageEngine) Prepare(ctx context.Context, in manage.Input) error {
	found, _, faults := e.routing(in)
	if len(faults) > 0 {
		return faults
	}
	if found == nil {
		return nil
	}
	streams, err := found.Streams(e.s.DataStream.Dataset, e.s.DataStream.Namespace)
	if err != nil {
		return err
	}
	for _, o := range e.s.allOutputs() {
		if o.kind.Setup == nil {
			continue
		}
		env := e.s.outputEnv(e.r, o)
		env.Streams = nil
		for _, s := range streams {
			to := shipper.DataStream{Type: env.DataStream.Type, Dataset: s.Dataset, Namespace: s.Namespace}
			if s.Output == o.label() && (to != env.DataStream || s.Retention != "") {
				env.Streams = append(env.Streams, Stream{to, s.Retention})
			}
		}
		if len(env.Streams) == 0 {
			continue
		}
		if err := o.kind.Setup(ctx, o.options, env, SetupOptions{Start: true, Template: e.s.template, Report: io.Discard}); err != nil {
			return fmt.Errorf("preparing %s: %w", o.path(), err)
		}
	}
	return nil
}

// buildRouting makes the table of one input, and notes it for the counts.
func (r *wiring) buildRouting(cfg routing.Config) (*routing.Table, error) {
	table, err := routing.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("making the rules of routing: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tables = append(r.tables, table)
	return table, nil
}

// routingStats are the counts of all rules of routing; a rule that several inputs have is there once.
func (r *wiring) routingStats() []routing.Stat {
	all := slices.Clone(r.routing.Stats())
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, table := range r.tables {
		for _, s := range table.Stats() {
			i := slices.IndexFunc(all, func(o routing.Stat) bool { return o.Rule == s.Rule && o.To == s.To })
			if i < 0 {
				all = append(all, s)
			} else {
				all[i].Events += s.Events
			}
		}
	}
	return all
}
