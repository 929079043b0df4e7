package routing

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/trailbeat/trailbeat/pipeline/condition"
)

// The values of Target.Output that name no output of the group outputs.
const (
	// Default is the output of the group output.
	Default = "default"
	// DeadLetters keeps the record among the dead letters, with the name of the rule as the reason.
	DeadLetters = "dead_letters"
	// Discard lets go of the record. It counts as filtered.
	Discard = "discard"
)

// Reserved reports whether no output of the group outputs may have this name.
func Reserved(name string) bool { return name == Default || name == DeadLetters || name == Discard }

// Config is the group routing. The zero Config leaves every document where it goes anyway.
type Config struct {
	// Rules are asked in their order; the first that is met decides. Default: none.
	Rules []Rule `config:"rules"`
	// CatchAll is for documents that meet no rule. Default: where they go without rules.
	CatchAll Target `config:"catch_all"`
}

// Rule sends the documents that meet a condition somewhere.
type Rule struct {
	// Name in counts and messages. Default: its place, such as routing.rules.0.
	Name string `config:"name"`
	// When is the condition, as in processors. No default: what meets no rule is for catch_all.
	When *condition.Config `config:"when"`
	// Target is where to.
	Target `config:",inline"`
}

// Target is where documents go. What is empty stays as it is without rules.
type Target struct {
	// Output is default (that of the group output), the name of one below outputs, dead_letters, or discard. Default empty:
	// default.
	Output string `config:"output"`
	// Dataset is the middle part of the name of the data stream. Default empty: that of data_stream.dataset.
	Dataset string `config:"dataset"`
	// Namespace is the last part of the name of the data stream. Default empty: that of data_stream.namespace.
	Namespace string `config:"namespace"`
	// Retention is how long the data stream keeps documents, such as 30d, where the output has index templates. Default empty:
	// as setup.template.lifecycle says. It holds for all documents of that data stream.
	Retention string `config:"retention"`
}

// Empty reports whether nothing is configured.
func (c *Config) Empty() bool { return len(c.Rules) == 0 && c.CatchAll == Target{} }

// Targets are those of all rules and of the catch-all, in their order.
func (c *Config) Targets() []Target {
	var all []Target
	for _, r := range c.Rules {
		all = append(all, r.Target)
	}
	return append(all, c.CatchAll)
}

// Stream is a data stream that documents are sent to.
type Stream struct {
	// Output is the name of its output, Default for that of the group output.
	Output string
	// Dataset and Namespace are parts of its name.
	Dataset, Namespace string
	// Retention is how long it keeps documents. Empty: nothing is said about that.
	Retention string
}

// Streams are all data streams that the rules send documents to, each once, where documents have this dataset and namespace
// without rules. The error names a data stream that is to keep documents for different times.
func (c *Config) Streams(dataset, namespace string) ([]Stream, error) {
	var all []Stream
	var errs []error
	for _, t := range c.Targets() {
		if t.Output == Discard || t.Output == DeadLetters {
			continue
		}
		s := Stream{cmp.Or(t.Output, Default), cmp.Or(t.Dataset, dataset), cmp.Or(t.Namespace, namespace), t.Retention}
		i := slices.IndexFunc(all, func(o Stream) bool {
			return o.Output == s.Output && o.Dataset == s.Dataset && o.Namespace == s.Namespace
		})
		switch {
		case i < 0:
			all = append(all, s)
		case all[i].Retention == "":
			all[i].Retention = s.Retention
		case s.Retention != "" && s.Retention != all[i].Retention:
			errs = append(errs, fmt.Errorf("rules: say both %s and %s for how long the data stream of %s-%s keeps documents; write the same retention, or another dataset or namespace",
				all[i].Retention, s.Retention, s.Dataset, s.Namespace))
		}
	}
	return all, errors.Join(errs...)
}

// Place names the rule i: by its name, or by where it stands.
func (c *Config) Place(i int) string {
	if name := c.Rules[i].Name; name != "" {
		return name
	}
	return fmt.Sprintf("routing.rules.%d", i)
}

// CatchAllName is the name of the catch-all in counts and messages.
const CatchAllName = "catch_all"

// Validate joins all that is wrong, each error with the dotted name of its option first. Whether an output is there is for
// ValidateOutputs.
func (c *Config) Validate() error {
	var f faults
	names := map[string]int{CatchAllName: -1}
	for i := range c.Rules {
		r, at := &c.Rules[i], fmt.Sprintf("rules.%d", i)
		if r.When == nil {
			f.bad(at+".when", "is missing; write a condition, or put what holds for all other documents below catch_all")
		} else if err := r.When.ValidateAt(at + ".when"); err != nil {
			f = append(f, err)
		}
		if other, twice := names[c.Place(i)]; twice {
			where := CatchAllName
			if other >= 0 {
				where = fmt.Sprintf("rules.%d", other)
			}
			f.bad(at+".name", "is %q, as is that of %s; rules are counted by name, so give each one of its own", c.Place(i), where)
		}
		names[c.Place(i)] = i
		if len(r.Name) > maxName || strings.ContainsFunc(r.Name, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			f.bad(at+".name", "must be at most %d bytes without control characters", maxName)
		}
		if (r.Target == Target{}) {
			f.bad(at+".output", "is missing, and so are dataset and namespace; say where the documents go, \"output: %s\" for where they go without rules", Default)
		}
		f.target(at, &r.Target)
	}
	f.target(CatchAllName, &c.CatchAll)
	return errors.Join(f...)
}

// maxName keeps labels of metrics short.
const maxName = 128

// ValidateOutputs says which rules name an output that is not among those of the group outputs.
func (c *Config) ValidateOutputs(names []string) error {
	var f faults
	check := func(at string, t *Target) {
		if t.Output == "" || Reserved(t.Output) || slices.Contains(names, t.Output) {
			return
		}
		f.bad(at+".output", "there is no %q below outputs; there are %s", t.Output,
			strings.Join(append(slices.Clone(names), Default, DeadLetters, Discard), ", "))
	}
	for i := range c.Rules {
		check(fmt.Sprintf("rules.%d", i), &c.Rules[i].Target)
	}
	check(CatchAllName, &c.CatchAll)
	return errors.Join(f...)
}

type faults []error

func (f *faults) bad(option, format string, args ...any) {
	*f = append(*f, fmt.Errorf("%s: "+format, append([]any{option}, args...)...))
}

// period says whether a text is a whole number, not beginning with 0, with d, h, m or s. By hand, as an expression would be compiled at each start of a
// program.
func period(text string) bool {
	if len(text) < 2 || text[0] == '0' || !strings.ContainsRune("dhms", rune(text[len(text)-1])) {
		return false
	}
	return strings.Trim(text[:len(text)-1], "0123456789") == ""
}

func (f *faults) target(at string, t *Target) {
	for _, part := range []struct{ option, value string }{{"dataset", t.Dataset}, {"namespace", t.Namespace}} {
		if v := part.value; v != strings.ToLower(v) || strings.ContainsAny(v, "-\\/*?\"<>| ,#:") || len(v) > 100 {
			f.bad(at+"."+part.option, "must be lower case, at most 100 bytes, without - \\ / * ? \" < > | , # : and space; is %q", v)
		}
	}
	if t.Retention != "" && !period(t.Retention) {
		f.bad(at+".retention", "must be a number with d, h, m or s, such as 30d, is %q", t.Retention)
	}
	if t.Output != Discard && t.Output != DeadLetters {
		return
	}
	for _, part := range []struct{ option, value string }{{"dataset", t.Dataset}, {"namespace", t.Namespace}, {"retention", t.Retention}} {
		if part.value != "" {
			f.bad(at+"."+part.option, "cannot go together with output: %s, which has no data stream; remove one of them", t.Output)
		}
	}
}
