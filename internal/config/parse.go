package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/trailbeat/trailbeat/internal/lazyregexp"
)

const (
	maxDepth = 64      // groups within groups; no sane configuration has ten
	maxNodes = 200_000 // per file, with aliases counted as often as they are used
)

// parser turns the YAML of one file into values.
type parser struct {
	file  string
	order int
	// shift moves columns of the first line: an override's value begins after its name.
	shift int
	nodes int
	errs  *errorList
}

// parse gives the values of a document, or nil where its YAML cannot be read.
func (p *parser) parse(data []byte) *value {
	doc, err := decodeYAML(data)
	if err != nil {
		if at, name := unknownAnchor(data, err); at > 0 {
			p.errs.add(Position{File: p.file, Line: at, Column: 1, order: p.order}, "",
				"the alias *%s has no anchor; write &%s before what it stands for, further up in this file", name, name)
			return nil
		}
		line, message := yamlFault(err)
		p.errs.add(Position{File: p.file, Line: line, Column: 1, order: p.order}, "",
			"here or just below is no valid YAML: %s", message)
		return nil
	}
	if doc == nil {
		return &value{kind: null, pos: p.at(nil), keyPos: p.at(nil)}
	}
	return p.value(doc, "", 0)
}

// decodeYAML reads the only document of data; nil where there is none.
func decodeYAML(data []byte) (doc *yaml.Node, err error) {
	defer func() {
		// A parser of a format this large is not trusted with a file that someone is just editing.
		if r := recover(); r != nil {
			doc, err = nil, fmt.Errorf("the parser gave up: %v", r)
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	if err := dec.Decode(&first); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, err
	}
	switch err := dec.Decode(&second); {
	case err == nil:
		return nil, fmt.Errorf("yaml: line %d: a second document begins here; a configuration file holds one", second.Line)
	case !errors.Is(err, io.EOF):
		return nil, err
	}
	if len(first.Content) == 0 {
		return nil, nil
	}
	return first.Content[0], nil
}

var anchorFault = lazyregexp.New(`unknown anchor '([^']+)' referenced`)

// unknownAnchor finds the line of an alias that has no anchor, which the parser does not tell. 0: that is not the fault.
func unknownAnchor(data []byte, err error) (line int, name string) {
	m := anchorFault().FindStringSubmatch(err.Error())
	if m == nil {
		return 0, ""
	}
	at := bytes.Index(data, []byte("*"+m[1]))
	if at < 0 {
		return 0, ""
	}
	return 1 + bytes.Count(data[:at], []byte("\n")), m[1]
}

var yamlLine = lazyregexp.New(`^(?s)yaml: (?:(?:unmarshal errors:\s*)?line (\d+): )?(.*)$`)

func yamlFault(err error) (line int, message string) {
	m := yamlLine().FindStringSubmatch(err.Error())
	if m == nil {
		return 1, err.Error()
	}
	line, _ = strconv.Atoi(m[1])
	return max(line, 1), m[2]
}

func (p *parser) at(n *yaml.Node) Position {
	pos := Position{File: p.file, Line: 1, Column: 1, order: p.order}
	if n != nil {
		pos.Line, pos.Column = max(n.Line, 1), max(n.Column, 1)
	}
	if pos.Line == 1 {
		pos.Column += p.shift
	}
	return pos
}

func (p *parser) value(n *yaml.Node, path string, depth int) *value {
	pos := p.at(n)
	v := &value{kind: null, pos: pos, keyPos: pos}
	p.nodes++
	if depth > maxDepth || p.nodes > maxNodes {
		// Said once per file: an alias bomb would say it a million times.
		if p.nodes <= maxNodes || p.nodes == maxNodes+1 {
			p.errs.add(pos, path, "this is nested too deeply or, through aliases, too large; write it flatter")
		}
		return v
	}
	switch n.Kind {
	case yaml.AliasNode:
		if n.Alias == nil {
			p.errs.add(pos, path, "the alias %q has no anchor", n.Value)
			return v
		}
		v = p.value(n.Alias, path, depth+1)
	case yaml.ScalarNode:
		v.tag = n.ShortTag()
		if v.tag == "!!null" {
			return v
		}
		v.kind, v.text = scalar, n.Value
	case yaml.SequenceNode:
		v.kind = list
		for i, item := range n.Content {
			v.items = append(v.items, p.value(item, join(path, strconv.Itoa(i)), depth+1))
		}
	case yaml.MappingNode:
		return p.group(n, path, depth)
	}
	return v
}

func (p *parser) group(n *yaml.Node, path string, depth int) *value {
	v := newGroup(p.at(n))
	written := map[string]Position{}
	var merged *value
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, content := n.Content[i], n.Content[i+1]
		pos := p.at(key)
		switch {
		case key.Kind != yaml.ScalarNode:
			p.errs.add(pos, path, "the name of an option must be plain text, followed by a colon")
			continue
		case key.ShortTag() == "!!merge":
			merged = p.mergeKey(merged, content, path, depth)
			continue
		}
		if first, twice := written[key.Value]; twice {
			p.errs.add(pos, join(path, key.Value), "is set twice, first in line %d; leave one of them", first.Line)
			continue
		}
		written[key.Value] = pos
		names := strings.Split(key.Value, ".")
		if key.Value == "" || strings.Contains("."+key.Value+".", "..") {
			p.errs.add(pos, path, "the name %q has an empty part; names are joined with single dots", key.Value)
			continue
		}
		if depth+len(names) > maxDepth {
			p.errs.add(pos, path, "this is nested too deeply or, through aliases, too large; write it flatter")
			continue
		}
		plain := key.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0
		member := p.value(content, join(path, key.Value), depth+len(names))
		p.set(v, path, names, pos, plain, member)
	}
	if merged != nil && merged.kind == group {
		return merge(merged, v, path, p.errs)
	}
	return v
}

// mergeKey reads the value of a "<<" key: a group, or a list of groups of which the first wins.
func (p *parser) mergeKey(into *value, n *yaml.Node, path string, depth int) *value {
	v := p.value(n, path, depth+1)
	sources := []*value{v}
	if v.kind == list {
		sources = v.items
	}
	for _, source := range sources {
		if source.kind != group {
			p.errs.add(p.at(n), path, "a merge key (<<) takes a group of options, or a list of them")
			continue
		}
		if into == nil {
			into = source
		} else {
			into = merge(source, into, path, p.errs)
		}
	}
	return into
}

// set puts a member under a name that was split at its dots. The same option twice is an error, however it is spelt.
func (p *parser) set(v *value, path string, names []string, pos Position, plain bool, member *value) {
	name := names[0]
	path = join(path, name)
	old := v.members[name]
	if len(names) > 1 {
		switch {
		case old == nil || old.kind == null:
			old = newGroup(pos)
			v.put(name, old)
		case old.kind != group:
			p.twice(pos, path, old)
			return
		}
		rest := pos
		if plain {
			rest.Column += len(name) + 1
		}
		p.set(old, path, names[1:], rest, plain, member)
		return
	}
	member.keyPos = pos
	p.combine(v, path, name, old, member)
}

func (p *parser) combine(v *value, path, name string, old, member *value) {
	switch {
	case old == nil || old.kind == null:
		v.put(name, member)
	case old.kind == group && member.kind == group:
		for _, sub := range member.names {
			p.combine(old, join(path, sub), sub, old.members[sub], member.members[sub])
		}
	case member.kind != null:
		p.twice(member.keyPos, path, old)
	}
}

func (p *parser) twice(pos Position, path string, old *value) {
	p.errs.add(pos, path, "is set twice, first in line %d; leave one of them", old.keyPos.Line)
}
