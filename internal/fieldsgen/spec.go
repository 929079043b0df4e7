package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/trailbeat/trailbeat/internal/lazyregexp"
)

// entry is one element of fields.yml: a group or a field.
type entry struct {
	Name        string       `yaml:"name"`
	Type        string       `yaml:"type"`
	Description string       `yaml:"description"`
	Fields      []*entry     `yaml:"fields"`
	MultiFields []multiField `yaml:"multi_fields"`
	IgnoreAbove int          `yaml:"ignore_above"`
	Index       *bool        `yaml:"index"`
	DocValues   *bool        `yaml:"doc_values"`
	Value       string       `yaml:"value"`
	ObjectType  string       `yaml:"object_type"`
	Normalize   []string     `yaml:"normalize"`
	Dynamic     bool         `yaml:"dynamic"`

	path   string // dotted, from the root
	goPath string // Go selector from an Event, such as User.Target.ID
	inList bool   // a member of a list of objects
}

type multiField struct {
	Name string `yaml:"name"`
	Type string `yaml:"type"`
}

// defaultIgnoreAbove is that of ECS keywords.
const defaultIgnoreAbove = 1024

var (
	leafTypes = []string{
		"keyword", "constant_keyword", "text", "match_only_text", "date", "ip", "boolean", "long", "geo_point", "flattened", "object",
	}
	segment = lazyregexp.New(`^@?[a-z][a-z0-9_]*$`)
)

func (e *entry) group() bool   { return e.Type == "group" }
func (e *entry) array() bool   { return slices.Contains(e.Normalize, "array") }
func (e *entry) list() bool    { return e.group() && e.array() }
func (e *entry) indexed() bool { return e.Index == nil || *e.Index }
func (e *entry) sorted() bool  { return e.DocValues == nil || *e.DocValues }

// ignoreAbove is what the templates say; 0 where the type knows no such limit.
func (e *entry) ignoreAbove() int {
	switch {
	case e.Type != "keyword" || !e.indexed():
		return 0
	case e.IgnoreAbove > 0:
		return e.IgnoreAbove
	default:
		return defaultIgnoreAbove
	}
}

// parse reads fields.yml strictly and fills in the paths.
func parse(src []byte) ([]*entry, error) {
	dec := yaml.NewDecoder(bytes.NewReader(src))
	dec.KnownFields(true)
	var root []*entry
	if err := dec.Decode(&root); err != nil {
		return nil, fmt.Errorf("decoding: %w", err)
	}
	if len(root) == 0 {
		return nil, errors.New("no fields in it")
	}
	var errs []error
	complete(root, "", "", false, &errs)
	return root, errors.Join(errs...)
}

func complete(list []*entry, path, goPath string, inList bool, errs *[]error) {
	for i, e := range list {
		e.path, e.goPath, e.inList = join(path, e.Name), join(goPath, goName(e.Name)), inList
		if i > 0 && list[i-1].Name >= e.Name {
			*errs = append(*errs, fmt.Errorf("%s: stands after %s; names are in alphabetical order, and each stands there once", e.path, list[i-1].Name))
		}
		for _, problem := range e.problems() {
			*errs = append(*errs, fmt.Errorf("%s: %s", e.path, problem))
		}
		complete(e.Fields, e.path, e.goPath, inList || e.list(), errs)
	}
}

func (e *entry) problems() []string {
	var found []string
	say := func(bad bool, format string, args ...any) {
		if bad {
			found = append(found, fmt.Sprintf(format, args...))
		}
	}
	say(!segment().MatchString(e.Name), "the name must match %s", segment())
	say(e.Description == "", "has no description")
	say(!e.group() && !slices.Contains(leafTypes, e.Type), "unknown type %q; known are group, %s", e.Type, strings.Join(leafTypes, ", "))
	say(e.group() && len(e.Fields) == 0, "is a group without fields")
	say(!e.group() && len(e.Fields) > 0, "has fields, so its type must be group")
	say(e.IgnoreAbove != 0 && e.Type != "keyword", "only a keyword has ignore_above")
	say(e.Value != "" && e.Type != "constant_keyword", "only a constant_keyword has a value")
	say(e.ObjectType != "" && e.Type != "object", "only an object has an object_type")
	say(e.Dynamic && !e.list(), "only a list of objects can be dynamic")
	say(e.list() && e.inList, "a list of objects within a list of objects is not supported")
	say(e.inList && !e.group() && goType(e) != "string", "members of a list of objects must be strings")
	say(e.inList && e.group() && !e.list(), "groups within a list of objects are not supported")
	for _, n := range e.Normalize {
		say(n != "array", "normalize knows only array, not %q", n)
	}
	say(e.array() && !e.group() && !slices.Contains(textTypes, e.Type), "a list of type %s is not supported", e.Type)
	for _, m := range e.MultiFields {
		say(m.Name == "" || (m.Type != "text" && m.Type != "match_only_text" && m.Type != "keyword"), "multi-field %q has an unknown type %q", m.Name, m.Type)
	}
	return found
}

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

// walk visits every entry in the order of the file, groups before their members.
func walk(list []*entry, visit func(*entry)) {
	for _, e := range list {
		visit(e)
		walk(e.Fields, visit)
	}
}
