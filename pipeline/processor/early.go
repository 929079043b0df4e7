package processor

import (
	"slices"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline/condition"
)

// Early are the rules of a chain that can be decided before the mapping, because they depend only on fields that are known by
// then and that no processor before them changes.
type Early struct {
	rules  []earlyRule
	fields []string
}

type earlyRule struct {
	guards []guard
	step   *step
}

// guard is a condition on the way to a rule.
type guard struct {
	*condition.Condition
	met bool
}

// Early gives the rules that depend on no other fields than those that known says yes to; nil where there are none. A rule
// behind one that is not among them is not either: the first rule that takes a record is the one that is counted.
func (c *Chain) Early(known func(field string) bool) *Early {
	if c == nil {
		return nil
	}
	f := finder{known: known, seen: map[string]bool{}}
	f.walk(c.steps, nil)
	if len(f.early.rules) == 0 {
		return nil
	}
	return &f.early
}

// Fields are those that the rules depend on.
func (e *Early) Fields() []string { return e.fields }

// Find gives the first rule that takes the event; nil where none does. Nothing is counted.
func (e *Early) Find(ev *ecs.Event) *Drop {
next:
	for i := range e.rules {
		for _, g := range e.rules[i].guards {
			if g.Match(ev) != g.met {
				continue next
			}
		}
		if !e.rules[i].step.spares(ev) {
			return e.rules[i].step.drop
		}
	}
	return nil
}

// Behind gives the fields that rules behind the chain may depend on before the mapping: those that known says yes to and that no
// processor changes. The answer is nil where a rule of the chain itself has to wait for the document, and all behind it too. A nil
// chain changes nothing.
func (c *Chain) Behind(known func(field string) bool) func(field string) bool {
	if c == nil {
		return known
	}
	f := finder{known: known, seen: map[string]bool{}}
	f.walk(c.steps, nil)
	if f.late {
		return nil
	}
	return f.leaves
}

type finder struct {
	known   func(string) bool
	seen    map[string]bool
	early   Early
	changed []scope
	late    bool // a rule was found that has to wait
}

func (f *finder) walk(steps []*step, guards []guard) {
	for _, s := range steps {
		if f.late {
			return
		}
		on := func(met bool) []guard {
			if s.when == nil {
				return guards
			}
			return append(guards[:len(guards):len(guards)], guard{s.when, met})
		}
		switch {
		case s.branches != nil:
			f.walk(s.branches[1], on(true))
			f.walk(s.branches[0], on(false))
		case s.drop != nil:
			f.take(s, on(true))
			f.changed = append(f.changed, s.changes)
		default:
			f.changed = append(f.changed, s.changes)
		}
	}
}

func (f *finder) take(s *step, guards []guard) {
	var fields []string
	for _, g := range guards {
		fields = append(fields, g.Fields()...)
	}
	if s.sample != nil {
		fields = append(fields, s.sample.keyField)
	}
	if slices.ContainsFunc(fields, func(field string) bool { return !f.leaves(field) }) {
		f.late = true
		return
	}
	f.early.rules = append(f.early.rules, earlyRule{guards, s})
	for _, field := range fields {
		if !f.seen[field] {
			f.seen[field] = true
			f.early.fields = append(f.early.fields, field)
		}
	}
}

// leaves reports whether the field is known, and as the mapping will leave it.
func (f *finder) leaves(field string) bool {
	return f.known(field) && !slices.ContainsFunc(f.changed, func(s scope) bool { return s.has(field) })
}
