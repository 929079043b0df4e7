// Package reference describes all options of a configuration for people and for editors: as a page, as a commented file, and
// as a JSON Schema. What an option does is the comment of its field in the source; what it takes and its default come from
// the struct that holds it. "go run ./internal/reference/gen" keeps the comments and the committed copies fresh.
package reference

import (
	"strings"

	"github.com/trailbeat/trailbeat/internal/config"
)

// ConditionsPath is the Path of the part with the conditions of processors, which are no group of the configuration.
const ConditionsPath = "conditions.*"

// conditionType is the Go type of conditions.
const conditionType = "pipeline/condition.Config"

// Part is a group of options that is shown under a heading of its own.
type Part struct {
	// Title of the part: "Input file".
	Title string
	// Text goes before the options.
	Text string
	// Path is the dotted name of the group; "*" stands for the element of a list.
	Path string
	// Type is the value of the option type in an element of a list. Empty: it has none.
	Type string
	// Group has the options.
	Group config.Option
	// Deprecated are names that are taken without an effect, with the reason.
	Deprecated map[string]string
}

// Reference is everything that can be configured.
type Reference struct {
	Parts []Part
	// Aliases are other names of options, with ours.
	Aliases map[string]string
	// ForeignProcessors are processors that are taken without an effect, with the reason.
	ForeignProcessors map[string]string
	// Comments by the Field of an option.
	Comments map[string]string
}

// Of gives what an option does; empty where nobody has said it.
func (r *Reference) Of(o *config.Option) string { return r.Comments[o.Field] }

// leaf is an option that takes a value, with its dotted name.
type leaf struct {
	name string
	*config.Option
}

// leaves lists the options below a group, groups within it written out.
func leaves(prefix string, group *config.Option) []leaf {
	var all []leaf
	for i := range group.Options {
		o := &group.Options[i]
		name := join(prefix, o.Name)
		switch {
		case o.Type == conditionType: // has a part of its own
			all = append(all, leaf{name, o})
		case o.Kind == config.KindGroup && len(o.Options) > 0:
			all = append(all, leaves(name, o)...)
		case o.Kind == config.KindList && o.Element.Kind == config.KindGroup && len(o.Element.Options) > 0 && !o.Element.Rest:
			all = append(append(all, leaf{name, o}), leaves(name+".*", o.Element)...)
		default:
			all = append(all, leaf{name, o})
		}
	}
	return all
}

func join(path, name string) string {
	if path == "" || name == "" {
		return path + name
	}
	return path + "." + name
}

// kindText says what an option takes.
func kindText(o *config.Option) string {
	switch o.Kind {
	case config.KindGroup:
		if o.Type == conditionType {
			return "condition"
		}
		return "group"
	case config.KindText:
		return "text"
	case config.KindBool:
		return "true/false"
	case config.KindInteger:
		return "whole number"
	case config.KindNumber:
		return "number"
	case config.KindDuration:
		return "duration"
	case config.KindBytes:
		return "bytes"
	case config.KindList:
		return "list of " + strings.TrimSuffix(kindText(o.Element), "s") + "s"
	case config.KindMap:
		if o.Element.Kind == config.KindMap {
			return "names with groups"
		}
		return "names with " + kindText(o.Element)
	default:
		return "any"
	}
}

// Summaries are the first sentences on all options that take a value, by their dotted names, in which the element of a list is
// "*". Of an option that several inputs have it is the first one's, and that of each type, whose element is "*{TYPE}".
func (r *Reference) Summaries() map[string]string {
	all := map[string]string{}
	for _, p := range r.Parts {
		prefix := p.Path
		if p.Group.Name != "" {
			prefix = join(prefix, p.Group.Name)
		}
		for _, l := range leaves(prefix, &p.Group) {
			text, _, _ := strings.Cut(strings.ReplaceAll(r.Of(l.Option), "`", ""), ". ")
			name := l.name
			names := []string{name}
			if p.Type != "" {
				names = append(names, p.Path+"{"+p.Type+"}"+strings.TrimPrefix(name, p.Path))
			}
			for _, name := range names {
				if _, known := all[name]; !known && text != "" {
					all[name] = strings.TrimSuffix(text, ".")
				}
			}
		}
	}
	return all
}
