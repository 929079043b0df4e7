package condition

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/trailbeat/trailbeat/ecs"
)

// Fields are values by dotted field name.
type Fields map[string][]string

// Config is one condition: exactly one of its members is set.
type Config struct {
	// Equals compares with the whole value. Numbers and booleans are compared as they are written.
	Equals Fields `config:"equals"`
	// Contains looks for a text within the value.
	Contains Fields `config:"contains"`
	// Regexp looks for a match of a regular expression (RE2) anywhere in the value, unless it is anchored.
	Regexp Fields `config:"regexp"`
	// Range compares numbers, and on fields of type date times. The name is that of the field with .gt, .gte, .lt or .lte
	// behind it.
	Range map[string]string `config:"range"`
	// Network looks whether an address is in a network: CIDR, or a name such as private.
	Network Fields `config:"network"`
	// HasFields asks for all of these fields.
	HasFields []string `config:"has_fields"`
	// And, Or and Not combine conditions.
	And []Config `config:"and"`
	Or  []Config `config:"or"`
	Not *Config  `config:"not"`
}

// names gives the operators that are set.
func (c *Config) names() []string {
	var names []string
	for _, op := range []struct {
		name string
		set  bool
	}{
		{"equals", c.Equals != nil}, {"contains", c.Contains != nil}, {"regexp", c.Regexp != nil}, {"range", c.Range != nil},
		{"network", c.Network != nil}, {"has_fields", c.HasFields != nil}, {"and", c.And != nil}, {"or", c.Or != nil}, {"not", c.Not != nil},
	} {
		if op.set {
			names = append(names, op.name)
		}
	}
	return names
}

// Validate joins all that is wrong with c, each error with the dotted name of its option first.
func (c *Config) Validate() error { return c.ValidateAt("") }

// ValidateAt is Validate for a condition that is the option with this dotted name.
func (c *Config) ValidateAt(path string) error {
	var b builder
	b.build(path, c)
	return errors.Join(b.errs...)
}

// builder gathers faults and the fields that are read.
type builder struct {
	errs   []error
	fields []string
}

func (b *builder) bad(path, format string, args ...any) {
	b.errs = append(b.errs, fmt.Errorf("%s"+format, append([]any{prefix(path)}, args...)...))
}

func prefix(path string) string {
	if path == "" {
		return ""
	}
	return path + ": "
}

func (b *builder) ref(field string) ecs.Ref {
	b.fields = append(b.fields, field)
	return ecs.RefOf(field)
}

// New makes the condition that c describes. Its errors are those of Validate.
func New(c *Config) (*Condition, error) {
	var b builder
	root := b.build("", c)
	if err := errors.Join(b.errs...); err != nil {
		return nil, err
	}
	slices.Sort(b.fields)
	return &Condition{root: root, fields: slices.Compact(b.fields)}, nil
}

const operators = "equals, contains, regexp, range, network, has_fields, and, or, not"

func (b *builder) build(path string, c *Config) node {
	names := c.names()
	if len(names) == 0 {
		b.bad(path, "is no condition; write one of %s", operators)
		return nil
	}
	if len(names) > 1 {
		b.bad(path, "has %s side by side; say how they belong together: put them below and, or below or, as a list", strings.Join(names, " and "))
		return nil
	}
	at := join(path, names[0])
	switch names[0] {
	case "equals":
		return b.each(at, c.Equals, b.equals)
	case "contains":
		return b.each(at, c.Contains, b.contains)
	case "regexp":
		return b.each(at, c.Regexp, b.regexp)
	case "network":
		return b.each(at, c.Network, b.network)
	case "range":
		return b.ranges(at, c.Range)
	case "has_fields":
		return b.hasFields(at, c.HasFields)
	case "and":
		return all(b.list(at, c.And))
	case "or":
		return anyOf(b.list(at, c.Or))
	default:
		return not{b.build(at, c.Not)}
	}
}

func (b *builder) list(path string, list []Config) []node {
	if len(list) == 0 {
		b.bad(path, "is empty; list the conditions below it, each after \"- \"")
	}
	var nodes []node
	for i := range list {
		nodes = append(nodes, b.build(fmt.Sprintf("%s.%d", path, i), &list[i]))
	}
	return nodes
}

// each makes one node of all fields of a condition, in the order of their names.
func (b *builder) each(path string, fields Fields, one func(at, field string, values []string) node) node {
	if len(fields) == 0 {
		b.bad(path, "names no field; write for example \"event.action: Decrypt\" below it")
		return nil
	}
	var nodes []node
	for _, field := range sortedKeys(fields) {
		at := join(path, field)
		switch values := fields[field]; {
		case !b.goodName(at, field):
		case len(values) == 0:
			b.bad(at, "has no value; give it one, or use has_fields")
		default:
			nodes = append(nodes, one(at, field, values))
		}
	}
	if len(nodes) == 1 {
		return nodes[0]
	}
	return all(nodes)
}

// goodName refuses names that no field can have.
func (b *builder) goodName(at, field string) bool {
	if field == "" || strings.HasPrefix(field, ".") || strings.HasSuffix(field, ".") || strings.Contains(field, "..") {
		b.bad(at, "%q is no name of a field; parts are separated by single dots", field)
		return false
	}
	return true
}

func (b *builder) hasFields(path string, fields []string) node {
	if len(fields) == 0 {
		b.bad(path, "names no field; list the fields that must be there")
	}
	var refs has
	for i, field := range fields {
		if b.goodName(fmt.Sprintf("%s.%d", path, i), field) {
			refs = append(refs, b.ref(field))
		}
	}
	return refs
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
