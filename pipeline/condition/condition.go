package condition

import (
	"strconv"
	"strings"

	"github.com/trailbeat/trailbeat/ecs"
)

// Condition is a condition that is ready to be asked. Make it with New.
type Condition struct {
	root   node
	fields []string
}

// Match reports whether ev meets the condition.
func (c *Condition) Match(ev *ecs.Event) bool { return c.root.match(ev) }

// Fields are the names of all fields that the answer depends on, sorted.
func (c *Condition) Fields() []string { return c.fields }

type node interface{ match(ev *ecs.Event) bool }

type all []node

func (a all) match(ev *ecs.Event) bool {
	for _, n := range a {
		if !n.match(ev) {
			return false
		}
	}
	return true
}

type anyOf []node

func (o anyOf) match(ev *ecs.Event) bool {
	for _, n := range o {
		if n.match(ev) {
			return true
		}
	}
	return false
}

type not struct{ node }

func (n not) match(ev *ecs.Event) bool { return !n.node.match(ev) }

type has []ecs.Ref

func (h has) match(ev *ecs.Event) bool {
	for _, r := range h {
		if !r.Has(ev) {
			return false
		}
	}
	return true
}

// test is a question about the text of a value.
type test interface{ holds(text string) bool }

// texts asks about a field that is text, or a list of texts. Other values are asked by the text that they are written with.
type texts struct {
	ref  ecs.Ref
	test test
}

func (t *texts) match(ev *ecs.Event) bool {
	v := t.ref.Of(ev)
	switch v.Kind {
	case ecs.TextValue:
		return t.test.holds(v.Text)
	case ecs.ListValue:
		for _, s := range v.List {
			if t.test.holds(s) {
				return true
			}
		}
	case ecs.BoolValue:
		return t.test.holds(strconv.FormatBool(v.Bool))
	case ecs.LongValue:
		return t.test.holds(strconv.FormatInt(v.Long, 10))
	case ecs.OtherValue:
		return t.others(v.Any)
	}
	return false
}

// others asks about what has no type of its own in the event.
func (t *texts) others(v any) bool {
	switch v := v.(type) {
	case float64:
		return t.test.holds(strconv.FormatFloat(v, 'g', -1, 64))
	case string:
		return t.test.holds(v)
	case bool:
		return t.test.holds(strconv.FormatBool(v))
	case int64:
		return t.test.holds(strconv.FormatInt(v, 10))
	case []any:
		for _, item := range v {
			if t.others(item) {
				return true
			}
		}
	}
	return false
}

// equal is a set of texts. Most conditions have a handful, which is compared faster than it is hashed.
type equal struct {
	few  []string
	many map[string]struct{}
}

const fewValues = 8

func newEqual(values []string) *equal {
	if len(values) <= fewValues {
		return &equal{few: values}
	}
	many := make(map[string]struct{}, len(values))
	for _, v := range values {
		many[v] = struct{}{}
	}
	return &equal{many: many}
}

func (e *equal) holds(text string) bool {
	for _, v := range e.few {
		if v == text {
			return true
		}
	}
	if e.many == nil {
		return false
	}
	_, found := e.many[text]
	return found
}

type contain []string

func (c contain) holds(text string) bool {
	for _, v := range c {
		if strings.Contains(text, v) {
			return true
		}
	}
	return false
}

// equals checks what the type of the field says about the values.
func (b *builder) equals(at, field string, values []string) node {
	if f, ok := ecs.Lookup(field); ok {
		var probe ecs.Event
		for i, v := range values {
			switch f.Type {
			case "long":
				n, err := strconv.ParseInt(v, 10, 64)
				if err != nil {
					b.bad(at, "is of type long, which %q can never be; write a whole number", v)
					continue
				}
				values[i] = strconv.FormatInt(n, 10)
			case "boolean":
				if err := probe.Put(field, v); err != nil {
					b.bad(at, "is of type boolean, which %q can never be; write true or false", v)
				}
			case "ip":
				if err := probe.Put(field, v); err != nil || v == "" {
					b.bad(at, "is of type ip, which %q can never be; write an address, or use network for a range of them", v)
				}
			case "flattened", "object", "group", "geo_point":
				b.bad(at, "is of type %s, which equals no text; name one of its members, or use has_fields", f.Type)
			}
		}
	}
	return &texts{b.ref(field), newEqual(values)}
}

func (b *builder) contains(at, field string, values []string) node {
	for _, v := range values {
		if v == "" {
			b.bad(at, "is an empty text, which every value contains; use has_fields to ask whether the field is there")
		}
	}
	return &texts{b.ref(field), contain(values)}
}
