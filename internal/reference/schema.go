package reference

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/trailbeat/trailbeat/internal/config"
)

// Schema gives the JSON Schema (draft 2020-12) of a configuration file, for editors. It takes what Trailbeat takes as far as names and
// types go: nested and dotted names, variables, names of Filebeat, and options without an effect, which it calls deprecated. What
// is wrong with values, and with options that exclude each other, only "trailbeat test config" knows.
func (r *Reference) Schema() ([]byte, error) {
	b := &schemaBuilder{r: r, defs: map[string]any{}, names: map[*place]string{}, condition: &place{kind: kindCondition}}
	b.processor = b.processors()
	root := b.tree()
	whole := b.group(root, "")
	whole["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	whole["title"] = "Configuration of Trailbeat"
	whole["$defs"] = b.defs
	text, err := json.MarshalIndent(whole, "", " ")
	if err != nil {
		return nil, fmt.Errorf("printing the schema: %w", err)
	}
	return append(text, '\n'), nil
}

// Kinds of places beyond those of options.
const (
	kindCondition config.Kind = -1 - iota
	kindInput
	kindProcessors
	kindOutputs
)

// place is an option in the tree that the schema is made of.
type place struct {
	kind          config.Kind
	text, initial string
	deprecated    bool
	members       map[string]*place
	element       *place
	// inputs are the elements of trailbeat.inputs by type.
	inputs map[string]*place
}

type schemaBuilder struct {
	r         *Reference
	defs      map[string]any
	names     map[*place]string
	condition *place
	processor *place
}

func newPlace() *place { return &place{kind: config.KindGroup, members: map[string]*place{}} }

// at gives the group with that dotted name, which is made where there is none.
func (p *place) at(path string) *place {
	if path == "" {
		return p
	}
	for name := range strings.SplitSeq(path, ".") {
		if name == "*" {
			p = p.element
			continue
		}
		if p.members[name] == nil {
			p.members[name] = newPlace()
		}
		p = p.members[name]
	}
	return p
}

// tree puts the parts together.
func (b *schemaBuilder) tree() *place {
	root, inputs := newPlace(), &place{kind: kindInput, inputs: map[string]*place{}}
	var common *config.Option
	for i := range b.r.Parts {
		p := &b.r.Parts[i]
		switch {
		case p.Path == ConditionsPath || strings.HasPrefix(p.Path, "processors."):
		case strings.HasPrefix(p.Path, "trailbeat.inputs.") && common == nil:
			common = &p.Group
		case strings.HasPrefix(p.Path, "trailbeat.inputs."):
			if inputs.inputs[p.Type] == nil {
				inputs.inputs[p.Type] = newPlace()
				b.add(inputs.inputs[p.Type], common)
			}
			b.add(inputs.inputs[p.Type], &p.Group)
			b.deprecate(inputs.inputs[p.Type], p.Deprecated)
		default:
			b.add(root.at(p.Path), &p.Group)
		}
	}
	root.at("trailbeat").members["inputs"] = &place{kind: config.KindList, element: inputs, text: "What is read, side by side."}
	if o := root.members["outputs"]; o != nil {
		o.kind, o.element = kindOutputs, root.at("output")
	}
	root.members["processors"] = &place{kind: kindProcessors, text: "Processors of all inputs."}
	for _, p := range b.r.Parts {
		if !strings.Contains(p.Path, "*") {
			b.deprecate(root.at(p.Path), p.Deprecated)
		}
	}
	for other, ours := range b.r.Aliases {
		parent, name := "", other
		if i := strings.LastIndex(other, "."); i >= 0 {
			parent, name = other[:i], other[i+1:]
		}
		root.at(parent).members[name] = root.at(ours)
	}
	root.at("filebeat").members["modules"] = &place{kind: config.KindAny, text: "The module aws with its fileset cloudtrail stands for an input."}
	return root
}

// add puts the options of a group into a place.
func (b *schemaBuilder) add(to *place, group *config.Option) {
	for i := range group.Options {
		o := &group.Options[i]
		if to.members[o.Name] == nil || o.Kind == config.KindGroup {
			to.members[o.Name] = b.place(o, to.members[o.Name])
		}
	}
}

func (b *schemaBuilder) place(o *config.Option, old *place) *place {
	if o.Type == conditionType {
		return b.condition
	}
	if o.Name == "processors" {
		return &place{kind: kindProcessors, text: b.r.Of(o)}
	}
	p := &place{kind: o.Kind, text: strings.ReplaceAll(b.r.Of(o), "`", ""), initial: o.Default}
	switch {
	case o.Kind == config.KindGroup && o.Rest && len(o.Options) == 0:
		p.kind = config.KindAny
	case o.Kind == config.KindGroup:
		if p.members = map[string]*place{}; old != nil {
			p.members = old.members
		}
		b.add(p, o)
	case o.Kind == config.KindList:
		p.element = b.place(o.Element, nil)
	}
	return p
}

// deprecate adds options that have no effect.
func (b *schemaBuilder) deprecate(to *place, list map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(list)) {
		parent, last := "", name
		if i := strings.LastIndex(name, "."); i >= 0 {
			parent, last = name[:i], name[i+1:]
		}
		at := to.at(parent)
		if at.members != nil && at.members[last] == nil {
			at.members[last] = &place{kind: config.KindAny, deprecated: true, text: "Has no effect: " + list[name] + "."}
		}
	}
}

// processors is the element of a list of processors.
func (b *schemaBuilder) processors() *place {
	element := newPlace()
	for i := range b.r.Parts {
		p := &b.r.Parts[i]
		switch {
		case p.Path == ConditionsPath:
			b.condition.members = map[string]*place{}
			b.add(b.condition, &p.Group)
		case strings.HasPrefix(p.Path, "processors."):
			own := newPlace()
			b.add(own, &p.Group)
			element.members[p.Group.Name] = own
		}
	}
	element.members["if"] = b.condition
	element.members["then"] = &place{kind: kindProcessors, text: "Processors for events that meet the condition."}
	element.members["else"] = &place{kind: kindProcessors, text: "Processors for the others."}
	b.deprecate(element, b.r.ForeignProcessors)
	return element
}

// ref gives the schema of a place, by reference where it is more than a line.
func (b *schemaBuilder) ref(p *place, name string) any {
	if known, ok := b.names[p]; ok {
		return map[string]any{"$ref": "#/$defs/" + known}
	}
	for n := 2; b.defs[name] != nil; n++ {
		name = fmt.Sprintf("%s-%d", strings.TrimRight(name, "-0123456789"), n)
	}
	b.names[p] = name
	b.defs[name] = true // taken
	b.defs[name] = b.schema(p, name)
	return map[string]any{"$ref": "#/$defs/" + name}
}

func (b *schemaBuilder) schema(p *place, name string) map[string]any {
	s := b.takes(p, name)
	if p.text != "" {
		s["description"] = p.text
	}
	if p.deprecated {
		s["deprecated"] = true
	}
	if p.initial != "" && p.kind != config.KindList {
		s["default"] = literal(p)
	}
	return s
}

// literal is a default as JSON has it.
func literal(p *place) any {
	var v any
	if json.Unmarshal([]byte(p.initial), &v) == nil {
		return v
	}
	return p.initial
}

const variable = `\$\{`

// takes says which values a place takes. A value that is null is not set.
func (b *schemaBuilder) takes(p *place, name string) map[string]any {
	switch p.kind {
	case config.KindText:
		return map[string]any{"type": []string{"string", "number", "boolean", "null"}}
	case config.KindBool:
		return either("boolean", `^(true|True|TRUE|false|False|FALSE)$`)
	case config.KindInteger:
		return either("integer", `^-?[0-9]+$`)
	case config.KindNumber:
		return either("number", `^-?[0-9.eE+-]+$`)
	case config.KindDuration:
		return either("integer", `^-?([0-9.]+(ns|us|µs|ms|s|m|h)?)+$`)
	case config.KindBytes:
		return either("integer", `^[0-9.]+\s*[A-Za-z]*$`)
	case config.KindMap:
		return map[string]any{"type": []string{"object", "null"}}
	case config.KindList:
		return b.list(p.element, name+".*")
	case kindProcessors:
		return b.list(b.processor, "processor")
	case kindOutputs:
		return map[string]any{"type": []string{"object", "null"}, "additionalProperties": b.ref(p.element, "output")}
	case kindInput:
		return b.inputs(p)
	case config.KindGroup, kindCondition:
		s := b.group(p, name)
		if p.kind == kindCondition {
			s["maxProperties"] = 1
		}
		return s
	}
	return map[string]any{}
}

// either is a type of JSON, or text that stands for it, or null.
func either(kind, pattern string) map[string]any {
	return map[string]any{"type": []string{kind, "string", "null"}, "pattern": pattern + "|" + variable}
}

// list takes an array, a single element, text from a variable, or null.
func (b *schemaBuilder) list(element *place, name string) map[string]any {
	one := b.ref(element, name)
	return map[string]any{"anyOf": []any{map[string]any{"type": "array", "items": one}, one, map[string]any{"type": "null"}}}
}

// inputs is an element of trailbeat.inputs: its type says which options there are. One that is not enabled may be of any type.
func (b *schemaBuilder) inputs(p *place) map[string]any {
	var rules []any
	types := slices.Sorted(maps.Keys(p.inputs))
	for _, name := range types {
		rules = append(rules, map[string]any{
			"if":   map[string]any{"properties": map[string]any{"type": map[string]any{"const": name}}},
			"then": b.ref(p.inputs[name], "input."+name),
		})
	}
	return map[string]any{
		"type": "object", "required": []string{"type"}, "allOf": rules,
		"if":   map[string]any{"not": map[string]any{"required": []string{"enabled"}, "properties": map[string]any{"enabled": map[string]any{"const": false}}}},
		"then": map[string]any{"properties": map[string]any{"type": map[string]any{"enum": types}}},
	}
}

// group takes the members of a place, and those below them by their dotted names.
func (b *schemaBuilder) group(p *place, name string) map[string]any {
	properties, patterns := map[string]any{}, map[string]any{}
	b.members(p, "", name, properties, patterns)
	s := map[string]any{"type": []string{"object", "null"}, "properties": properties, "additionalProperties": false}
	if len(patterns) > 0 {
		s["patternProperties"] = patterns
	}
	return s
}

func (b *schemaBuilder) members(p *place, prefix, name string, properties, patterns map[string]any) {
	for _, member := range slices.Sorted(maps.Keys(p.members)) {
		m, dotted := p.members[member], join(prefix, member)
		properties[dotted] = b.ref(m, join(name, member))
		switch m.kind {
		case config.KindGroup:
			b.members(m, dotted, join(name, member), properties, patterns)
		case config.KindMap, config.KindAny, kindCondition, kindProcessors, kindOutputs:
			patterns["^"+regexp.QuoteMeta(dotted)+`\.`] = true // free names, or names that are checked where they are nested
		}
	}
}
