package app

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/trailbeat/trailbeat/internal/config"
	"github.com/trailbeat/trailbeat/pipeline"
	"github.com/trailbeat/trailbeat/pipeline/condition"
	"github.com/trailbeat/trailbeat/pipeline/processor"
	"github.com/trailbeat/trailbeat/pipeline/routing"
)

// processorReader makes specs of the lists of processors in a configuration.
type processorReader struct {
	s       *settings
	foreign []Foreign
	note    func(error)
	// sections are where the elements stand, by their path.
	sections map[string]*config.Section
}

// resolveProcessors reads the processors of all inputs and the common ones, and looks for fields that documents never have.
func (s *settings) resolveProcessors(components Components, note func(error)) {
	r := &processorReader{s: s, foreign: components.ForeignProcessors, note: note, sections: map[string]*config.Section{}}
	s.processors = r.list(s.Config.Processors, false)
	s.resolveEnrichments(r)
	common := addFields(s.Fields, s.FieldsUnderRoot)
	told := map[string]bool{}
	for i := range s.inputs {
		in := &s.inputs[i]
		in.processors = append(append(slices.Clone(common), addFields(in.Fields, in.FieldsUnderRoot)...), r.list(in.Processors, false)...)
		for _, w := range processor.Check(in.processors, s.processors) {
			r.warn(w, told)
		}
	}
	if len(s.inputs) == 0 {
		for _, w := range processor.Check(s.processors) {
			r.warn(w, told)
		}
	}
}

// addFields is the processor that the options fields and fields_under_root stand for.
func addFields(fields map[string]any, underRoot bool) []processor.Spec {
	if len(fields) == 0 {
		return nil
	}
	o := processor.DefaultAddFields()
	o.Fields = fields
	if underRoot {
		o.Target = ""
	}
	return []processor.Spec{{Path: "fields", Options: &o}}
}

func (r *processorReader) warn(w processor.Warning, told map[string]bool) {
	section := r.sections[w.Path]
	if section == nil || told[w.Path+w.Option] {
		return
	}
	told[w.Path+w.Option] = true
	var at config.Errors
	if errors.As(section.Errorf(w.Option, "%s", w.Text), &at) {
		r.s.notes = append(r.s.notes, at...)
	}
}

// list reads a list of processors. guarded says that it stands in a choice, whose condition may be all that a drop_event
// needs.
func (r *processorReader) list(elements []*config.Section, guarded bool) []processor.Spec {
	var specs []processor.Spec
	for _, e := range elements {
		if e == nil {
			continue // not a group; said already
		}
		if spec, ok := r.element(e, guarded); ok {
			specs = append(specs, spec)
		}
	}
	return specs
}

func (r *processorReader) element(e *config.Section, guarded bool) (processor.Spec, bool) {
	spec := processor.Spec{Path: e.Path()}
	names := e.Names()
	if slices.Contains(names, "if") {
		return spec, r.choice(e, &spec)
	}
	if len(names) != 1 {
		r.note(e.Errorf("", "must hold one processor, such as \"drop_event:\", with its options below it; it holds %s", orNothing(names)))
		return spec, false
	}
	name := names[0]
	options, known := processor.OptionsOf(name)
	if !known {
		r.unknown(e, name)
		return spec, false
	}
	section, err := e.Sub(name)
	if err != nil {
		r.note(err)
		return spec, false
	}
	if drop, ok := options.(*processor.DropEvent); ok {
		drop.Guarded = guarded
	}
	if err := section.Decode(options); err != nil {
		r.note(err)
		return spec, false
	}
	r.sections[spec.Path] = section
	spec.Options = options
	return spec, true
}

func orNothing(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

// choice reads an element with if, then and else.
func (r *processorReader) choice(e *config.Section, spec *processor.Spec) bool {
	var c struct {
		If   *condition.Config `config:"if"`
		Then any               `config:"then"`
		Else any               `config:"else"`
	}
	probe := *e // what is printed later is what is written, and not this struct
	if err := probe.Decode(&c); err != nil {
		r.note(err)
		return false
	}
	if c.If == nil {
		r.note(e.Errorf("if", "has no condition; write one below it, for example equals"))
		return false
	}
	then, err := e.Elements("then")
	if err == nil && len(then) == 0 {
		err = e.Errorf("then", "is missing; list the processors for events that meet the condition")
	}
	otherwise, err2 := e.Elements("else")
	if err = errors.Join(err, err2); err != nil {
		r.note(err)
		return false
	}
	r.sections[spec.Path] = e
	spec.If, spec.Then, spec.Else = c.If, r.list(then, true), r.list(otherwise, true)
	return true
}

// unknown notes that there is no such processor, or that one of another program has no effect.
func (r *processorReader) unknown(e *config.Section, name string) {
	for _, f := range r.foreign {
		if f.Option != name {
			continue
		}
		if f.Refuse == nil {
			r.s.noEffect(e, name, f.Why)
			return
		}
		r.note(e.Errorf(name, "%s", f.Refuse(nil)))
		return
	}
	r.note(e.Errorf(name, "there is no processor %q; %s", name, config.Unknown(name, processor.Names())))
}

// ruleSet is a list of processors that belongs to an input, or to all.
type ruleSet struct {
	input string // id; empty: all
	list  *processor.List
}

// buildProcessors makes the processors of a list and notes them for the counts.
func (r *wiring) buildProcessors(input string, specs []processor.Spec) (*processor.List, error) {
	if len(specs) == 0 {
		return nil, nil
	}
	list, err := processor.Build(specs, processor.Env{Logger: r.log})
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rules = append(r.rules, ruleSet{input, list})
	return list, nil
}

// processorStats are the counts of all processors of the run: those of all inputs first, then those of each. The sum of
// Dropped is the number of filtered records in the accounting, once nothing is in flight.
func (r *wiring) processorStats() []processor.Stat {
	var all []processor.Stat
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, set := range r.rules {
		all = append(all, set.list.Stats()...)
	}
	return all
}

// printRules says which rules took records out, and which processors failed.
func printRules(w io.Writer, stats []processor.Stat) {
	for _, s := range stats {
		if s.Dropped > 0 {
			fmt.Fprintf(w, "  filtered by %s: %d\n", s.ID, s.Dropped)
		}
	}
	for _, s := range stats {
		if s.Failed > 0 {
			fmt.Fprintf(w, "  processor %s (%s) failed %d times; the documents were shipped, see the log\n", s.ID, s.Processor, s.Failed)
		}
	}
}

// mapRules makes the processors and the rules of routing of the configuration for the command map, as far as they are asked for.
func (a *app) mapRules(opts *mapOptions) (list *processor.List, table *routing.Table, err error) {
	if !opts.processors && !opts.routing {
		return nil, nil, nil
	}
	s, err := a.load()
	if err != nil {
		return nil, nil, err
	}
	if opts.processors && len(s.processors) == 0 {
		return nil, nil, usage(fmt.Errorf("--processors: there are no processors%s; list them below \"processors:\"", s.where()))
	}
	if opts.routing && s.Routing.Empty() {
		return nil, nil, usage(fmt.Errorf("--routing: there are no rules%s; list them below \"routing.rules:\"", s.where()))
	}
	log := slog.New(slog.NewTextHandler(a.Stderr, nil))
	s.warn(log)
	if opts.processors {
		if list, err = processor.Build(s.processors, processor.Env{Logger: log}); err != nil {
			return nil, nil, usage(err)
		}
	}
	if opts.routing {
		opts.stream = s.DataStream.stream()
		if table, err = routing.New(s.Routing); err != nil {
			return nil, nil, usage(err)
		}
	}
	return list, table, nil
}

// withProcessors adds processors to a configuration of the mapping.
func withProcessors(cfg pipeline.Config, lists ...*processor.List) pipeline.Config {
	cfg.Processors = processor.Join(lists...)
	return cfg
}
