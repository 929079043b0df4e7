package config

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// maxFile bounds a configuration file, in bytes: whoever gives a log file to -c by mistake is told so at once.
const maxFile = 4 << 20

// Source is a configuration file that was read, or one that has no file.
type Source struct {
	// Name stands in the errors.
	Name string
	Data []byte
}

// Options say how sources become a Tree. The zero value is usable.
type Options struct {
	// Overrides are the -E flags, "name=value", merged after all files in their order.
	Overrides []string
	// Lookup gives variables. Default: os.LookupEnv.
	Lookup func(name string) (string, bool)
	// Aliases maps another name of an option to ours, both dotted: {"filebeat.inputs": "trailbeat.inputs"}.
	Aliases map[string]string
	// Rewrite changes each source after it was parsed, before its aliases are moved and it is merged. Nil: nothing is changed.
	Rewrite func(root Node)
}

// rewrite lets Options.Rewrite change a source.
func (o Options) rewrite(v *value) {
	if o.Rewrite != nil {
		v.remember("")
		o.Rewrite(Node{v})
	}
}

// Tree is a merged configuration with its variables expanded.
type Tree struct{ root *value }

// ReadFiles reads configuration files. The error names the file.
func ReadFiles(names ...string) ([]Source, error) {
	sources := make([]Source, 0, len(names))
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return nil, fmt.Errorf("reading configuration: %w", err)
		}
		if info.IsDir() || info.Size() > maxFile {
			return nil, fmt.Errorf("reading configuration: %s is a directory or larger than %d bytes; -c takes a YAML file", name, maxFile)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading configuration: %w", err)
		}
		sources = append(sources, Source{Name: name, Data: data})
	}
	return sources, nil
}

// Load merges sources and overrides, in this order, and expands variables. The error is an Errors.
func Load(sources []Source, opts Options) (*Tree, error) {
	errs := &errorList{}
	root := newGroup(Position{File: "command line", Line: 1, Column: 1})
	for i, source := range sources {
		p := &parser{file: source.Name, order: i, errs: errs}
		v := p.parse(source.Data)
		switch {
		case v == nil || v.kind == null:
		case v.kind != group:
			errs.add(v.pos, "", "is %s, but must be a group of options, such as \"output.console:\" with options below it", v.describe(false))
		default:
			opts.rewrite(v)
			alias(v, opts.Aliases, errs)
			if i == 0 {
				root.pos, root.keyPos = v.pos, v.keyPos
			}
			root = merge(root, v, "", errs)
		}
		if i == 0 && (v == nil || v.kind != group) {
			root.pos = Position{File: source.Name, Line: 1, Column: 1}
			root.keyPos = root.pos
		}
	}
	for i, text := range opts.Overrides {
		if v := override(text, len(sources)+i, errs); v != nil {
			opts.rewrite(v)
			alias(v, opts.Aliases, errs)
			root = merge(root, v, "", errs)
		}
	}
	lookup := opts.Lookup
	if lookup == nil {
		lookup = os.LookupEnv
	}
	(&expander{root: root, lookup: lookup, errs: errs}).walk(root, "")
	if err := errs.err(); err != nil {
		return nil, err
	}
	return &Tree{root: root}, nil
}

// override parses one -E flag.
func override(text string, order int, errs *errorList) *value {
	name, content, ok := strings.Cut(text, "=")
	name = strings.TrimSpace(name)
	p := &parser{file: "-E " + name, order: order, shift: len(name) + 1, errs: errs}
	pos := Position{File: p.file, Line: 1, Column: 1, order: order}
	if !ok {
		// The text may be the value of a secret whose name was forgotten.
		p.file, pos.File = "-E", "-E"
		errs.add(pos, "", "there is no \"=\" in it; write -E name=value, for example -E output.console.pretty=true")
		return nil
	}
	if name == "" || strings.Contains("."+name+".", "..") || strings.Count(name, ".") > maxDepth {
		errs.add(pos, "", "the name before \"=\" has an empty part; write -E name=value, for example -E output.console.pretty=true")
		return nil
	}
	var v *value
	if content == "" || content == "-" {
		// For YAML these are nothing, and a list of nothing. Whoever types them means the text.
		at := p.at(nil)
		v = &value{kind: scalar, text: content, tag: "!!str", pos: at, keyPos: at}
	} else if v = p.parse([]byte(content)); v == nil {
		return nil
	}
	root := newGroup(pos)
	p.set(root, "", strings.Split(name, "."), pos, true, v)
	return root
}

// alias moves options from their other name to ours.
func alias(root *value, aliases map[string]string, errs *errorList) {
	others := make([]string, 0, len(aliases))
	for other := range aliases {
		others = append(others, other)
	}
	slices.Sort(others)
	for _, other := range others {
		moved, ok := root.find(other)
		if !ok {
			continue
		}
		ours := aliases[other]
		if old, both := root.find(ours); both {
			errs.add(moved.keyPos, other, "is another name of %s, which line %d sets too; leave one of them", ours, old.keyPos.Line)
			continue
		}
		drop(root, strings.Split(other, "."))
		names := strings.Split(ours, ".")
		at := root
		for _, name := range names[:len(names)-1] {
			next := at.members[name]
			if next == nil || next.kind != group {
				next = newGroup(moved.keyPos)
				at.put(name, next)
			}
			at = next
		}
		at.put(names[len(names)-1], moved)
	}
}

// drop removes an option, and the groups that are empty without it.
func drop(v *value, names []string) {
	member := v.members[names[0]]
	if len(names) > 1 {
		drop(member, names[1:])
		if len(member.names) > 0 {
			return
		}
	}
	v.remove(names[0])
}
