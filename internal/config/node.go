package config

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Node is a place in a configuration that is not decoded yet, for who rewrites one: a migration from another program. Its
// variables are not expanded. The zero Node is no place.
type Node struct{ v *value }

// Parse reads one source as it is written. The error is an Errors.
func Parse(source Source) (Node, error) {
	errs := &errorList{}
	v := (&parser{file: source.Name, errs: errs}).parse(source.Data)
	if v != nil && v.kind == null {
		v = newGroup(v.pos)
	}
	if v != nil && v.kind != group {
		errs.add(v.pos, "", "is %s, but must be a group of options", v.describe(false))
	}
	if err := errs.err(); err != nil {
		return Node{}, err
	}
	v.remember("")
	return Node{v}, nil
}

// remember notes the name of each option as it is written.
func (v *value) remember(path string) {
	v.origin = path
	for _, name := range v.names {
		v.members[name].remember(join(path, name))
	}
	for i, item := range v.items {
		item.remember(join(path, strconv.Itoa(i)))
	}
}

// Group is a new group that stands where like does.
func Group(like Node) Node {
	g := newGroup(like.v.pos)
	g.keyPos, g.origin = like.v.keyPos, like.v.origin
	return Node{g}
}

// Scalar is a new value of a tag of YAML, such as "!!str" or "!!bool", that stands where like does.
func Scalar(like Node, tag, text string) Node {
	return Node{&value{kind: scalar, tag: tag, text: text, pos: like.v.pos, keyPos: like.v.keyPos, origin: like.v.origin}}
}

// Get is the place with that dotted name below n; false where there is none.
func (n Node) Get(path string) (Node, bool) {
	v, ok := n.v.find(path)
	return Node{v}, ok
}

// Name is the dotted name that it was parsed with, whatever it has become since.
func (n Node) Name() string { return n.v.origin }

// Position is where its name is written, or its value where it has none.
func (n Node) Position() Position { return n.v.keyPos }

// IsGroup reports whether it has members.
func (n Node) IsGroup() bool { return n.v.kind == group }

// Names are those of the members, in the order in which they are written.
func (n Node) Names() []string { return append([]string(nil), n.v.names...) }

// Items are the elements of a list; nil for anything else.
func (n Node) Items() []Node {
	var out []Node
	for _, item := range n.v.items {
		out = append(out, Node{item})
	}
	return out
}

// Text is that of a scalar, empty for anything else.
func (n Node) Text() string {
	if n.v.kind != scalar {
		return ""
	}
	return n.v.text
}

// Put sets the member with that dotted name of a group. Groups on the way are made.
func (n Node) Put(path string, member Node) {
	at := n.v
	names := strings.Split(path, ".")
	for _, name := range names[:len(names)-1] {
		next := at.members[name]
		if next == nil || next.kind != group {
			next = newGroup(member.v.keyPos)
			at.put(name, next)
		}
		at = next
	}
	at.put(names[len(names)-1], member.v)
}

// Append adds an element to the list with that dotted name, which is made where there is none.
func (n Node) Append(path string, element Node) {
	at, ok := n.v.find(path)
	if !ok || at.kind != list {
		at = &value{kind: list, pos: element.v.pos, keyPos: element.v.keyPos}
		n.Put(path, Node{at})
	}
	at.items = append(at.items, element.v)
}

// Remove takes out the place with that dotted name, and groups and elements of lists that are empty without it. It reports
// whether there was one.
func (n Node) Remove(path string) bool {
	if _, ok := n.v.find(path); !ok || path == "" {
		return false
	}
	n.v.cut(strings.Split(path, "."))
	return true
}

func (v *value) cut(names []string) {
	index, _ := strconv.Atoi(names[0])
	next := v.members[names[0]]
	if v.kind == list {
		next = v.items[index]
	}
	if len(names) > 1 {
		next.cut(names[1:])
		if len(next.names)+len(next.items) > 0 {
			return
		}
	}
	if v.kind == list {
		v.items = append(v.items[:index:index], v.items[index+1:]...)
		return
	}
	v.remove(names[0])
}

// Alias moves options from their other name to ours, as Load does.
func (n Node) Alias(aliases map[string]string) error {
	errs := &errorList{}
	alias(n.v, aliases, errs)
	return errs.err()
}

// Tree is a copy of the configuration with those of its variables expanded that have a value; the others stay as they are written.
func (n Node) Tree(lookup func(string) (string, bool)) *Tree {
	root := n.v.clone()
	if lookup == nil {
		lookup = os.LookupEnv
	}
	(&expander{root: root, lookup: lookup, errs: &errorList{}}).walk(root, "")
	return &Tree{root: root}
}

func (v *value) clone() *value {
	c := *v
	c.names, c.items = append([]string(nil), v.names...), nil
	for _, item := range v.items {
		c.items = append(c.items, item.clone())
	}
	if v.members != nil {
		c.members = make(map[string]*value, len(v.members))
		for name, member := range v.members {
			c.members[name] = member.clone()
		}
	}
	return &c
}

// HasVariables reports whether a value at or below n is written with a variable.
func (n Node) HasVariables() bool {
	if n.v.kind == scalar {
		return strings.Contains(n.v.source(), "${")
	}
	for _, item := range n.v.items {
		if (Node{item}).HasVariables() {
			return true
		}
	}
	for _, name := range n.v.names {
		if (Node{n.v.members[name]}).HasVariables() {
			return true
		}
	}
	return false
}

// Order puts the members with these names first, in this order.
func (n Node) Order(names ...string) {
	rank := func(name string) int {
		if i := slices.Index(names, name); i >= 0 {
			return i
		}
		return len(names)
	}
	slices.SortStableFunc(n.v.names, func(a, b string) int { return rank(a) - rank(b) })
}

// YAML prints a group as it is written: variables unexpanded, secrets shown. comment gives the comment above an option by its
// dotted name, in which elements of lists are "*"; empty: none. Of an element with a type it is asked for "*{TYPE}" first. Groups whose names are in apart are not nested: their members are written
// with both names.
func (n Node) YAML(comment func(path string) string, apart ...string) ([]byte, error) {
	root := &yaml.Node{Kind: yaml.MappingNode}
	for _, name := range n.v.names {
		member := n.v.members[name]
		if !slices.Contains(apart, name) || member.kind != group {
			member.written(root, name, name, comment)
			continue
		}
		for _, sub := range member.names {
			member.members[sub].written(root, name+"."+sub, name+"."+sub, comment)
		}
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("printing the configuration: %w", err)
	}
	return out.Bytes(), nil
}

// written adds a member to a mapping.
func (v *value) written(to *yaml.Node, name, path string, comment func(string) string) {
	key := stringNode(name)
	key.HeadComment = comment(path)
	to.Content = append(to.Content, key, v.asWritten(path, comment))
}

// typed asks first about the options of an element's own type, which is written behind its place: "trailbeat.inputs.*{file}.paths".
func (v *value) typed(path string, comment func(string) string) func(string) string {
	kind := v.members["type"]
	if v.kind != group || kind == nil || kind.kind != scalar {
		return comment
	}
	return func(of string) string {
		if text := comment(path + "{" + kind.text + "}" + strings.TrimPrefix(of, path)); text != "" {
			return text
		}
		return comment(of)
	}
}

func (v *value) asWritten(path string, comment func(string) string) *yaml.Node {
	switch v.kind {
	case group:
		node := &yaml.Node{Kind: yaml.MappingNode}
		for _, name := range v.names {
			v.members[name].written(node, name, join(path, name), comment)
		}
		if len(v.names) == 0 {
			node.Style = yaml.FlowStyle
		}
		return node
	case list:
		node := &yaml.Node{Kind: yaml.SequenceNode}
		for _, item := range v.items {
			inner := item.asWritten(path+".*", item.typed(path+".*", comment))
			if item.kind == group && len(inner.Content) > 0 {
				inner.Content[0].HeadComment = "" // it would stand behind the dash
			}
			node.Content = append(node.Content, inner)
		}
		if len(v.items) == 0 || v.items[0].kind == scalar {
			node.Style = yaml.FlowStyle
		}
		return node
	case null:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "~"}
	}
	if v.tag == "!!int" || v.tag == "!!float" || v.tag == "!!bool" {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: v.tag, Value: v.source()}
	}
	return stringNode(v.source())
}
