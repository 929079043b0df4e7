package processor

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline/condition"
)

// TagFailed is the tag of documents that a processor failed on.
const TagFailed = "processor_error"

// ErrDrop is what errors.Is tells every *Drop by.
var ErrDrop = errors.New("dropped by a filter")

// Drop is the verdict that the record is taken out on purpose. There is one for each rule: for a drop_event, or for a rule of
// routing.
type Drop struct {
	id, by string
	n      atomic.Int64
}

// NewDrop makes the verdict of a rule of routing.
func NewDrop(rule string) *Drop { return &Drop{id: rule, by: "routing rule "} }

// ID names the rule.
func (d *Drop) ID() string { return d.id }

func (d *Drop) Error() string { return "dropped by " + d.by + d.id }

// Count counts an event that is taken out.
func (d *Drop) Count() { d.n.Add(1) }

// Counted is how many were.
func (d *Drop) Counted() int64 { return d.n.Load() }

// Is makes every Drop an ErrDrop.
func (d *Drop) Is(target error) bool { return target == ErrDrop }

// Spec is one element of a list of processors: a processor, or a choice between two lists.
type Spec struct {
	// Path is where the element stands, such as processors.2: its name where it has no id. Default: its place in the list.
	Path string
	// Options of the processor. Nil: this is a choice.
	Options Options
	// If chooses Then where it is met, and Else where it is not.
	If         *condition.Config
	Then, Else []Spec
}

// List is a list of processors that is ready to run. Make it with Build.
type List struct{ steps []*step }

type step struct {
	id, name string
	when     *condition.Condition // nil: always
	runner   runner
	drop     *Drop
	sample   *sample     // takes only some; nil: all that are met
	branches *[2][]*step // of a choice by when: else, then
	changes  scope
	failed   atomic.Int64
	log      *slog.Logger
	now      func() time.Time
	quiet    atomic.Int64 // no line before this time, in Unix seconds
}

// Build makes the processors of a list. It fails on options that are wrong, and on files that cannot be read.
func Build(specs []Spec, env Env) (*List, error) {
	env.fill()
	steps, err := build("", specs, &env)
	if err != nil {
		return nil, err
	}
	return &List{steps}, nil
}

func build(parent string, specs []Spec, env *Env) ([]*step, error) {
	var steps []*step
	var errs []error
	for i := range specs {
		path := specs[i].Path
		if path == "" {
			path = strings.TrimPrefix(fmt.Sprintf("%s.%d", parent, i), ".")
		}
		s, err := specs[i].build(path, env)
		if err != nil {
			errs = append(errs, fmt.Errorf("making processor %s: %w", path, err))
		}
		steps = append(steps, s)
	}
	return steps, errors.Join(errs...)
}

func (s *Spec) build(path string, env *Env) (*step, error) {
	made := &step{id: path, log: env.Logger, now: env.Now}
	var err error
	if s.Options == nil {
		if s.If == nil {
			return nil, errors.New("has neither options nor a condition")
		}
		if made.when, err = condition.New(s.If); err != nil {
			return nil, err
		}
		then, err1 := build(path+".then", s.Then, env)
		otherwise, err2 := build(path+".else", s.Else, env)
		made.branches = &[2][]*step{otherwise, then}
		return made, errors.Join(err1, err2)
	}
	if err := s.Options.Validate(); err != nil {
		return nil, err
	}
	made.name = nameOf(s.Options)
	c := s.Options.common()
	if c.ID != "" {
		made.id = c.ID
	}
	if c.When != nil {
		if made.when, err = condition.New(c.When); err != nil {
			return nil, err
		}
	}
	if _, drops := s.Options.(*DropEvent); drops {
		made.drop = &Drop{id: made.id, by: "processor "}
		return made, nil
	}
	made.changes = s.Options.changes()
	made.runner, err = s.Options.build(env)
	if some, ok := made.runner.(*sample); ok {
		made.drop, made.sample = &Drop{id: made.id, by: "processor "}, some
	}
	return made, err
}

// Chain runs lists one after the other. Make it with Join.
type Chain struct{ steps []*step }

// Join makes one chain of lists, in their order. Lists that are nil are left out; nil is returned where nothing is left.
func Join(lists ...*List) *Chain {
	var c Chain
	for _, l := range lists {
		if l != nil {
			c.steps = append(c.steps, l.steps...)
		}
	}
	if len(c.steps) == 0 {
		return nil
	}
	return &c
}

// Run changes a document. The error is a *Drop, or nil.
func (c *Chain) Run(ev *ecs.Event) error {
	var failures []string
	if d := run(c.steps, ev, &failures); d != nil {
		return d
	}
	if len(failures) > 0 {
		// At the end, so that no processor takes it out again.
		ev.Error.Message = append(ev.Error.Message, failures...)
		if !slices.Contains(ev.Tags, TagFailed) {
			ev.Tags = append(ev.Tags, TagFailed)
		}
	}
	return nil
}

// run returns the rule that takes the event out, or nil.
func run(steps []*step, ev *ecs.Event, failures *[]string) *Drop {
	for _, s := range steps {
		met := s.when == nil || s.when.Match(ev)
		if s.branches != nil {
			if d := run(s.branch(met), ev, failures); d != nil {
				return d
			}
			continue
		}
		if !met {
			continue
		}
		if s.drop != nil && !s.spares(ev) {
			s.drop.n.Add(1)
			return s.drop
		}
		if err := s.runner.run(ev); err != nil {
			s.fail(err, failures)
		}
	}
	return nil
}

// spares reports whether a step that drops leaves this event.
func (s *step) spares(ev *ecs.Event) bool { return s.sample != nil && s.sample.keeps(ev) }

func (s *step) branch(met bool) []*step {
	if met {
		return s.branches[1]
	}
	return s.branches[0]
}

// harmless is a fault that leaves the document as it was asked for: a field that should go and was not there.
type harmless struct{ error }

// logEvery is how often the faults of a processor are logged at most.
const logEvery = time.Minute

func (s *step) fail(err error, failures *[]string) {
	n := s.failed.Add(1)
	var small harmless
	if !errors.As(err, &small) {
		*failures = append(*failures, fmt.Sprintf("processor %s (%s) failed: %s", s.name, s.id, err))
	}
	now := s.now().Unix()
	if next := s.quiet.Load(); now >= next && s.quiet.CompareAndSwap(next, now+int64(logEvery/time.Second)) {
		s.log.Warn("processor failed", "processor", s.name, "id", s.id, "failures", n, "error.message", err)
	}
}

// Stat is what became of events at one processor.
type Stat struct {
	// ID and Processor name it. The ID is that of the configuration, or its place there.
	ID, Processor string
	// Filters says that it takes events out. Dropped is how many it took.
	Filters bool
	Dropped int64
	// Failed is how often it failed.
	Failed int64
}

// Stats are the counts of all processors as they are now, in the order of the list. The number of them never changes.
func (l *List) Stats() []Stat {
	if l == nil {
		return nil
	}
	var all []Stat
	eachStep(l.steps, func(s *step) {
		stat := Stat{ID: s.id, Processor: s.name, Failed: s.failed.Load()}
		if s.drop != nil {
			stat.Filters, stat.Dropped = true, s.drop.n.Load()
		}
		all = append(all, stat)
	})
	return all
}

func eachStep(steps []*step, do func(*step)) {
	for _, s := range steps {
		if s.branches != nil {
			eachStep(s.branches[1], do)
			eachStep(s.branches[0], do)
			continue
		}
		do(s)
	}
}
