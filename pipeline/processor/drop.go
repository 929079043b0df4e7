package processor

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/trailbeat/trailbeat/ecs"
)

// DropEvent takes out every event that meets the condition.
type DropEvent struct {
	Common `config:",inline"`
	// Guarded says that the processor stands in a choice, whose condition is enough.
	Guarded bool `config:"-"`
}

// Validate joins all that is wrong.
func (o *DropEvent) Validate() error {
	f := o.faults()
	if o.When == nil && !o.Guarded {
		f.bad("when", "is missing; without a condition every event would be dropped")
	}
	return f.err()
}

func (o *DropEvent) names() []name              { return nil }
func (o *DropEvent) changes() scope             { return scope{} }
func (o *DropEvent) build(*Env) (runner, error) { return nil, nil }

// DropFields takes fields out of the document.
type DropFields struct {
	Common `config:",inline"`
	// Fields are names, of fields or of groups, and regular expressions between slashes. @timestamp and type always stay.
	Fields []string `config:"fields"`
	// IgnoreMissing leaves faults uncounted where a field is not there. Default false.
	IgnoreMissing bool `config:"ignore_missing"`
}

// Validate joins all that is wrong.
func (o *DropFields) Validate() error {
	f := o.faults()
	f.patterns("fields", o.Fields)
	return f.err()
}

// mandatory fields are never dropped, as in Beats.
var mandatory = []string{"@timestamp", "type"}

func isPattern(field string) bool {
	return len(field) > 2 && field[0] == '/' && field[len(field)-1] == '/'
}

// patterns checks a list of names and expressions.
func (f *faults) patterns(option string, fields []string) {
	if len(fields) == 0 {
		f.bad(option, "is missing; list the fields")
	}
	for i, field := range fields {
		at := fmt.Sprintf("%s.%d", option, i)
		if !isPattern(field) {
			f.field(at, field)
		} else if _, err := regexp.Compile(field[1 : len(field)-1]); err != nil {
			f.bad(at, "is no regular expression that can be used: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
	}
}

func (o *DropFields) names() []name { return namesOnly("fields", o.Fields) }

// namesOnly are the names in a list that holds expressions too.
func namesOnly(option string, fields []string) []name {
	return slices.DeleteFunc(listed(option, fields), func(n name) bool { return isPattern(n.field) })
}

func (o *DropFields) changes() scope {
	if slices.ContainsFunc(o.Fields, isPattern) {
		return scope{all: true}
	}
	return scopeOf(o.Fields...)
}

func (o *DropFields) build(*Env) (runner, error) {
	d := &dropFields{newSelection(o.Fields), !o.IgnoreMissing}
	d.names = slices.DeleteFunc(d.names, func(n string) bool { return slices.Contains(mandatory, n) })
	return d, nil
}

type dropFields struct {
	*selection
	strict bool
}

func (d *dropFields) run(ev *ecs.Event) error {
	var missing []string
	for _, n := range d.names {
		if !ev.Delete(n) && d.strict {
			missing = append(missing, n)
		}
	}
	for _, n := range d.declared {
		ev.Delete(n)
	}
	if len(d.exprs) > 0 {
		d.each(ev, func(path string) bool { return !d.matches(path) }, true)
	}
	if missing != nil {
		return harmless{errors.New("dropping " + strings.Join(missing, ", ") + ": there is no such field in the document (ignore_missing: true takes that for granted)")}
	}
	return nil
}

// IncludeFields takes out all fields but these. @timestamp, type and data_stream, which says where the document goes, stay.
type IncludeFields struct {
	Common `config:",inline"`
	// Fields are names, of fields or of groups, and regular expressions between slashes. Empty: only what always stays.
	Fields []string `config:"fields"`
}

// Validate joins all that is wrong.
func (o *IncludeFields) Validate() error {
	f := o.faults()
	if o.Fields == nil {
		f.bad("fields", "is missing; list the fields that stay, or write \"fields: []\" for none")
	} else if len(o.Fields) > 0 {
		f.patterns("fields", o.Fields)
	}
	return f.err()
}

func (o *IncludeFields) names() []name  { return namesOnly("fields", o.Fields) }
func (o *IncludeFields) changes() scope { return scope{all: true} }

func (o *IncludeFields) build(*Env) (runner, error) {
	fields := append([]string{"data_stream"}, mandatory...)
	return &includeFields{newSelection(append(fields, o.Fields...))}, nil
}

type includeFields struct{ *selection }

func (in *includeFields) run(ev *ecs.Event) error {
	in.each(ev, func(path string) bool {
		return slices.ContainsFunc(in.names, func(n string) bool { return within(path, n) }) || in.matches(path)
	}, false)
	return nil
}
