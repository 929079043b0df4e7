package config

import (
	"slices"
	"strconv"
	"strings"
)

type kind int

const (
	null kind = iota
	scalar
	list
	group
)

// value is a node of the configuration with the place that it was written at.
type value struct {
	kind kind
	// pos is where the value stands, keyPos where its name stands. They are equal where there is no name.
	pos, keyPos Position
	// origin is its dotted name as it was parsed; only Parse sets it.
	origin string

	// text is the scalar's text, after the expansion of variables; raw is the text before, where there were some.
	text, raw string
	// tag is what YAML takes the scalar for: !!str, !!int, !!float, !!bool ...
	tag string

	items   []*value
	names   []string // of members, in the order of their first appearance
	members map[string]*value
}

func newGroup(pos Position) *value {
	return &value{kind: group, pos: pos, keyPos: pos, members: map[string]*value{}}
}

func (v *value) put(name string, member *value) {
	if _, exists := v.members[name]; !exists {
		v.names = append(v.names, name)
	}
	v.members[name] = member
}

func (v *value) remove(name string) {
	delete(v.members, name)
	v.names = slices.DeleteFunc(v.names, func(n string) bool { return n == name })
}

// find walks along a dotted path as far as it exists. It returns the last value on the way, and whether that is the end.
func (v *value) find(path string) (*value, bool) {
	if path == "" {
		return v, true
	}
	// "hosts[1]" is how Go programs like to write what is "hosts.1" here.
	path = strings.NewReplacer("[", ".", "]", "").Replace(path)
	for _, name := range strings.Split(path, ".") {
		var next *value
		switch v.kind {
		case group:
			next = v.members[name]
		case list:
			if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(v.items) {
				next = v.items[i]
			}
		}
		if next == nil {
			return v, false
		}
		v = next
	}
	return v, true
}

// merge lays over on base: groups member by member, anything else is replaced. A group of numbers laid on a list changes
// the elements that it names.
func merge(base, over *value, path string, errs *errorList) *value {
	switch {
	case base == nil:
		return over
	case base.kind == group && over.kind == group:
		for _, name := range over.names {
			base.put(name, merge(base.members[name], over.members[name], join(path, name), errs))
		}
		return base
	case base.kind == list && over.kind == group && len(over.names) > 0 && allNumbers(over.names):
		for _, name := range over.names {
			i, err := strconv.Atoi(name)
			switch {
			case err == nil && i < len(base.items):
				base.items[i] = merge(base.items[i], over.members[name], join(path, name), errs)
			case err == nil && i == len(base.items):
				base.items = append(base.items, over.members[name])
			default:
				errs.add(over.members[name].keyPos, join(path, name),
					"there is no element %s in a list of %d; elements count from 0, and %d adds one", name, len(base.items), len(base.items))
			}
		}
		return base
	default:
		return over
	}
}

func allNumbers(names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool {
		return strings.Trim(name, "0123456789") != ""
	})
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
