package processor

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline/condition"
)

// Options are those of one processor: a pointer to one of the structs of this package.
type Options interface {
	// Validate joins all that is wrong, each error with the dotted name of its option first.
	Validate() error

	common() *Common
	// names are the fields that are named in the options.
	names() []name
	// changes says what the processor may change.
	changes() scope
	build(env *Env) (runner, error)
}

// runner does the work. An error leaves the event as it was.
type runner interface{ run(ev *ecs.Event) error }

// Common are the options that every processor has.
type Common struct {
	// ID names the processor in counts and messages. Default: its place in the configuration.
	ID string `config:"id"`
	// When must be met, or the processor does nothing. Default, with nil: always.
	When *condition.Config `config:"when"`
}

func (c *Common) common() *Common { return c }

// faults begins the list of what is wrong.
func (c *Common) faults() faults {
	var f faults
	if c.When != nil {
		f.add(c.When.ValidateAt("when"))
	}
	return f
}

// faults gathers what is wrong with options.
type faults []error

func (f *faults) add(err error) {
	if err != nil {
		*f = append(*f, err)
	}
}

func (f *faults) bad(option, format string, args ...any) {
	*f = append(*f, fmt.Errorf("%s: "+format, append([]any{option}, args...)...))
}

func (f faults) err() error { return errors.Join(f...) }

// Env is what processors are made with. The zero Env is usable.
type Env struct {
	// Logger gets what is worth knowing: files that were read, faults once a minute. Nil: nothing is logged.
	Logger *slog.Logger
	// MetadataURL is where the metadata of the instance are. Default: http://169.254.169.254.
	MetadataURL string
	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

func (e *Env) fill() {
	if e.Logger == nil {
		e.Logger = slog.New(slog.DiscardHandler)
	}
	if e.MetadataURL == "" {
		e.MetadataURL = "http://169.254.169.254"
	}
	if e.Now == nil {
		e.Now = time.Now
	}
}

// kinds makes the options of every processor, with their defaults.
var kinds = []struct {
	name string
	make func() Options
}{
	{"add_account_names", func() Options { o := DefaultAddAccountNames(); return &o }},
	{"add_cloud_metadata", func() Options { o := DefaultAddCloudMetadata(); return &o }},
	{"add_fields", func() Options { o := DefaultAddFields(); return &o }},
	{"add_host_metadata", func() Options { o := DefaultAddHostMetadata(); return &o }},
	{"add_labels", func() Options { return new(AddLabels) }},
	{"add_tags", func() Options { o := DefaultAddTags(); return &o }},
	{"copy_fields", func() Options { o := DefaultCopyFields(); return &o }},
	{"drop_event", func() Options { return new(DropEvent) }},
	{"drop_fields", func() Options { return new(DropFields) }},
	{"fingerprint", func() Options { o := DefaultFingerprint(); return &o }},
	{"include_fields", func() Options { return new(IncludeFields) }},
	{"redact_fields", func() Options { o := DefaultRedactFields(); return &o }},
	{"rename", func() Options { o := DefaultRename(); return &o }},
	{"sample", func() Options { o := DefaultSample(); return &o }},
	{"truncate_fields", func() Options { o := DefaultTruncateFields(); return &o }},
}

// Names are the names of all processors, sorted.
func Names() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names
}

// OptionsOf gives a pointer to the defaults of a processor's options; false where there is no such processor.
func OptionsOf(name string) (Options, bool) {
	for _, k := range kinds {
		if k.name == name {
			return k.make(), true
		}
	}
	return nil, false
}

// nameOf is the name of the processor that has such options.
func nameOf(o Options) string {
	for _, k := range kinds {
		if fmt.Sprintf("%T", k.make()) == fmt.Sprintf("%T", o) {
			return k.name
		}
	}
	return "unknown"
}

// name is a field that options name.
type name struct {
	option, field string
	// makes says that the processor makes the field.
	makes bool
}

// scope is a set of fields: all, or those at and below some paths.
type scope struct {
	all   bool
	paths []string
}

// has reports whether the field, or something that it is part of or that is part of it, is in the scope.
func (s scope) has(field string) bool {
	return s.all || slices.ContainsFunc(s.paths, func(p string) bool { return within(field, p) || within(p, field) })
}

// within reports whether field is path or below it.
func within(field, path string) bool {
	rest, ok := strings.CutPrefix(field, path)
	return ok && (rest == "" || rest[0] == '.')
}

func scopeOf(paths ...string) scope { return scope{paths: paths} }

// checkName says what is wrong with a name of a field; empty where nothing is.
func checkName(field string) string {
	switch {
	case field == "":
		return "is empty; name a field, such as event.action"
	case strings.HasPrefix(field, "@metadata"):
		return fmt.Sprintf("%q is no field here: documents have no @metadata. The _id follows from the event, and data_stream.* says where it goes", field)
	case field[0] == '.' || field[len(field)-1] == '.' || strings.Contains(field, ".."):
		return fmt.Sprintf("%q is no name of a field; parts are separated by single dots", field)
	}
	return ""
}

func (f *faults) field(option, field string) bool {
	if problem := checkName(field); problem != "" {
		f.bad(option, "%s", problem)
		return false
	}
	return true
}

func (f *faults) fieldList(option string, fields []string) {
	if len(fields) == 0 {
		f.bad(option, "is missing; list the fields")
	}
	for i, field := range fields {
		f.field(fmt.Sprintf("%s.%d", option, i), field)
	}
}

// listed are the names in a list of fields.
func listed(option string, fields []string) []name {
	var all []name
	for i, field := range fields {
		all = append(all, name{option: fmt.Sprintf("%s.%d", option, i), field: field})
	}
	return all
}
