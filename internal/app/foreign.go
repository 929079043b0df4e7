package app

import (
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/trailbeat/trailbeat/internal/config"
)

// Foreign is an option of another program, most often Filebeat, that has no effect here. It is taken with a warning, so that
// a configuration that was written for that program can be used as it is.
type Foreign struct {
	// Option is its dotted name, relative to the group that it stands in; "*" stands for each element of a list. Whatever stands
	// below it has no effect either.
	Option string
	// Why says in a sentence why it has no effect, and what has one instead.
	Why string
	// Refuse looks at the value as YAML gives it and says what to do instead where leaving it out would change what is read
	// or stored. Empty: it may be left out. Nil: it always may.
	Refuse func(value any) string
}

// warn logs the options that have no effect, or hardly the one that was meant, each on a line of its own.
func (s *settings) warn(log *slog.Logger) {
	for _, w := range s.warnings {
		log.Warn("option has no effect", "option", w.Path, "position", w.Pos.String(), "reason", w.Message)
	}
	for _, w := range s.notes {
		log.Warn("option is probably not what was meant", "option", w.Path, "position", w.Pos.String(), "reason", w.Message)
	}
}

// decodeTop fills the whole configuration.
func (s *settings) decodeTop(tree *config.Tree, foreign []Foreign, note func(error)) {
	var top struct {
		All *config.Section `config:",inline"`
	}
	if err := tree.Decode(&top); err != nil || top.All == nil {
		note(tree.Decode(&s.Config))
		return
	}
	s.top = top.All
	s.decodeOptions(top.All, &s.Config, foreign, note)
}

// decodeOptions fills options from a group. Foreign options in it become warnings, or errors where they must not be left
// out; that the component does not know them is not said then.
func (s *settings) decodeOptions(section *config.Section, options any, foreign []Foreign, note func(error)) {
	var found []Foreign
	for _, f := range elements(section, foreign) {
		if !section.Has(f.Option) {
			continue
		}
		found = append(found, f)
		if f.Refuse != nil {
			if instead := f.Refuse(valueOf(section, f.Option)); instead != "" {
				note(section.Errorf(f.Option, "%s", instead))
				continue
			}
		}
		s.noEffect(section, f.Option, f.Why)
	}
	err := section.Decode(options)
	var faults config.Errors
	if len(found) > 0 && errors.As(err, &faults) {
		faults = slices.DeleteFunc(slices.Clone(faults), func(e *config.Error) bool {
			name := strings.TrimPrefix(strings.TrimPrefix(e.Path, section.Path()), ".")
			return covered(section, name, found)
		})
		if len(faults) == 0 {
			return
		}
		err = faults
	}
	note(err)
}

// noEffect notes a warning about an option of a group.
func (s *settings) noEffect(section *config.Section, option, why string) {
	var here config.Errors
	if errors.As(section.Errorf(option, "%s", why), &here) {
		s.warnings = append(s.warnings, here...)
	}
}

// elements writes each "*" out for the elements that the list has.
func elements(section *config.Section, foreign []Foreign) []Foreign {
	var out []Foreign
	for _, f := range foreign {
		list, member, ok := strings.Cut(f.Option, ".*.")
		if !ok {
			out = append(out, f)
			continue
		}
		for i := 0; section.Has(list + "." + strconv.Itoa(i)); i++ {
			f.Option = list + "." + strconv.Itoa(i) + "." + member
			out = append(out, f)
		}
	}
	return out
}

// covered reports whether an option is foreign, or a group of nothing but foreign ones.
func covered(section *config.Section, name string, foreign []Foreign) bool {
	if slices.ContainsFunc(foreign, func(f Foreign) bool { return f.Option == name }) {
		return true
	}
	if !slices.ContainsFunc(foreign, func(f Foreign) bool { return strings.HasPrefix(f.Option, name+".") }) {
		return false
	}
	group, _ := valueOf(section, name).(map[string]any)
	for member := range group {
		if !covered(section, dotted(name, member), foreign) {
			return false
		}
	}
	return len(group) > 0
}

// valueOf gives the value of an option as YAML has it; nil where it is not set.
func valueOf(section *config.Section, option string) any {
	first, rest, _ := strings.Cut(option, ".")
	// The group is decoded into a struct that knows this one name.
	probe := reflect.New(reflect.StructOf([]reflect.StructField{
		{Name: "Value", Type: reflect.TypeFor[any](), Tag: reflect.StructTag(`config:"` + first + `"`)},
		{Name: "Rest", Type: reflect.TypeFor[*config.Section](), Tag: `config:",inline"`},
	}))
	if section.Decode(probe.Interface()) != nil {
		return nil
	}
	value := probe.Elem().Field(0).Interface()
	for rest != "" {
		first, rest, _ = strings.Cut(rest, ".")
		switch v := value.(type) {
		case map[string]any:
			value = v[first]
		case []any:
			i, err := strconv.Atoi(first)
			if err != nil || i < 0 || i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}

func dotted(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
