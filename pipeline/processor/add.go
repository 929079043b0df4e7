package processor

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/trailbeat/trailbeat/ecs"
)

// AddFields sets fields to values that are always the same. What is there is replaced; groups are merged.
type AddFields struct {
	Common `config:",inline"`
	// Target is the group that the fields belong to; empty for the document itself. Default "fields".
	Target string `config:"target"`
	// Fields are the values. Names may be dotted.
	Fields map[string]any `config:"fields"`
}

// DefaultAddFields are the defaults.
func DefaultAddFields() AddFields { return AddFields{Target: "fields"} }

// constant is a field with the value that it gets.
type constant struct {
	option, path string
	value        any
}

// flatten gives the leaves of a group of options, in the order of their names.
func flatten(option, path string, group map[string]any) []constant {
	var all []constant
	for _, key := range slices.Sorted(maps.Keys(group)) {
		o, p := option+"."+key, strings.TrimPrefix(path+"."+key, ".")
		if inner, ok := group[key].(map[string]any); ok {
			all = append(all, flatten(o, p, inner)...)
			continue
		}
		all = append(all, constant{o, p, group[key]})
	}
	return all
}

func (o *AddFields) constants() []constant {
	target := o.Target
	if target == "@metadata" || strings.HasPrefix(target, "@metadata.") {
		target = "" // said by Validate
	}
	return flatten("fields", target, o.Fields)
}

// Validate joins all that is wrong.
func (o *AddFields) Validate() error {
	f := o.faults()
	if o.Target != "" {
		f.field("target", o.Target)
	}
	if len(o.Fields) == 0 {
		f.bad("fields", "is missing; write names with their values below it")
	}
	f.constants(o.constants())
	return f.err()
}

// constants tries the values out.
func (f *faults) constants(all []constant) {
	var ev ecs.Event
	for _, c := range all {
		if !f.field(c.option, c.path) {
			continue
		}
		if c.value == nil {
			f.bad(c.option, "has no value; give it one, or remove its line")
			continue
		}
		if err := ev.Put(c.path, c.value); err != nil {
			f.bad(c.option, "%s", explain(err))
			continue
		}
		if part, ok := strings.CutPrefix(c.path, "data_stream."); ok {
			if text, ok := c.value.(string); !ok || !goodStream(part, text) {
				f.bad(c.option, "is part of the name of a data stream: lower case, at most 100 bytes, without - \\ / * ? \" < > | , # : and space; is %q", c.value)
			}
		}
	}
}

func goodStream(part, text string) bool {
	switch part {
	case "type":
		return text == "logs"
	case "dataset", "namespace":
		return text != "" && text == strings.ToLower(text) && !strings.ContainsAny(text, "-\\/*?\"<>| ,#:") && len(text) <= 100
	}
	return true
}

// explain says what to do about a value of the wrong type.
func explain(err error) string {
	var wrong *ecs.TypeError
	if errors.As(err, &wrong) && strings.HasPrefix(wrong.Reason, "it takes a string, not ") {
		return fmt.Sprintf("is of type %s; write the value between quotes", wrong.Type)
	}
	return err.Error()
}

func (o *AddFields) names() []name  { return made(o.constants()) }
func (o *AddFields) changes() scope { return changed(o.constants()) }

func made(all []constant) []name {
	var names []name
	for _, c := range all {
		names = append(names, name{option: c.option, field: c.path, makes: true})
	}
	return names
}

func changed(all []constant) scope {
	var s scope
	for _, c := range all {
		s.paths = append(s.paths, c.path)
	}
	return s
}

func (o *AddFields) build(*Env) (runner, error) { return constants(o.constants()), nil }

type constants []constant

// run puts each of them. One that cannot be put, as another kind of value stands in its way, leaves the others alone.
func (all constants) run(ev *ecs.Event) error {
	var errs []error
	for _, c := range all {
		if err := ev.Put(c.path, c.value); err != nil {
			errs = append(errs, fmt.Errorf("setting %s: %w", c.path, err))
		}
	}
	return errors.Join(errs...)
}

// AddLabels sets labels. Names are dotted, and lists become members with numbers.
type AddLabels struct {
	Common `config:",inline"`
	// Labels are the values by name.
	Labels map[string]any `config:"labels"`
}

func (o *AddLabels) constants() []constant {
	var all []constant
	var add func(c constant)
	add = func(c constant) {
		list, ok := c.value.([]any)
		if !ok {
			all = append(all, c)
			return
		}
		for i, v := range list {
			n := "." + strconv.Itoa(i)
			if group, ok := v.(map[string]any); ok {
				for _, inner := range flatten(c.option+n, c.path+n, group) {
					add(inner)
				}
				continue
			}
			add(constant{c.option + n, c.path + n, v})
		}
	}
	for _, c := range flatten("labels", "labels", o.Labels) {
		add(c)
	}
	return all
}

// Validate joins all that is wrong.
func (o *AddLabels) Validate() error {
	f := o.faults()
	if len(o.Labels) == 0 {
		f.bad("labels", "is missing; write names with their values below it")
	}
	f.constants(o.constants())
	return f.err()
}

func (o *AddLabels) names() []name              { return made(o.constants()) }
func (o *AddLabels) changes() scope             { return changed(o.constants()) }
func (o *AddLabels) build(*Env) (runner, error) { return constants(o.constants()), nil }

// AddTags adds tags, those that are there already only once.
type AddTags struct {
	Common `config:",inline"`
	// Tags to add.
	Tags []string `config:"tags"`
	// Target is the field that they are added to. Default "tags".
	Target string `config:"target"`
}

// DefaultAddTags are the defaults.
func DefaultAddTags() AddTags { return AddTags{Target: "tags"} }

// Validate joins all that is wrong.
func (o *AddTags) Validate() error {
	f := o.faults()
	if len(o.Tags) == 0 {
		f.bad("tags", "is missing; list the tags")
	}
	for i, tag := range o.Tags {
		if tag == "" {
			f.bad(fmt.Sprintf("tags.%d", i), "is an empty tag; remove it")
		}
	}
	if f.field("target", o.Target) {
		if err := new(ecs.Event).Put(o.Target, o.Tags); err != nil {
			f.bad("target", "%s", explain(err))
		}
	}
	return f.err()
}

func (o *AddTags) names() []name {
	return []name{{option: "target", field: o.Target, makes: true}}
}
func (o *AddTags) changes() scope { return scopeOf(o.Target) }

func (o *AddTags) build(*Env) (runner, error) {
	return &addTags{ecs.RefOf(o.Target), o.Target == "tags", slices.Clone(o.Tags)}, nil
}

type addTags struct {
	ref  ecs.Ref
	own  bool // the field tags, which needs no copy
	tags []string
}

func (a *addTags) run(ev *ecs.Event) error {
	if a.own {
		ev.Tags = appendNew(ev.Tags, a.tags)
		return nil
	}
	v := a.ref.Of(ev)
	var list []string
	switch v.Kind {
	case ecs.Absent:
	case ecs.TextValue:
		list = []string{v.Text}
	case ecs.ListValue:
		list = slices.Clone(v.List)
	default:
		return fmt.Errorf("adding tags to %s: it is no list of texts", a.ref.Path())
	}
	return ev.Put(a.ref.Path(), appendNew(list, a.tags))
}

func appendNew(list, more []string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}
