package routing

import (
	"sync/atomic"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline/condition"
	"github.com/trailbeat/trailbeat/pipeline/processor"
)

// Table holds rules that are ready to be asked. Make it with New. Safe for concurrent use, with an event each. A nil Table
// leaves every document where it is.
type Table struct{ rules []*rule } // the last is the catch-all, and has no condition

type rule struct {
	name   string
	when   *condition.Condition // nil: always
	to     Target
	drop   *processor.Drop // of Discard
	letter *LetterError    // of DeadLetters
	n      atomic.Int64
}

// LetterError is the verdict that a document belongs to the dead letters. There is one for each rule.
type LetterError struct{ rule string }

// LetterType is the type of the dead letter.
const LetterType = "routed"

func (e *LetterError) Error() string { return "sent to the dead letters by routing rule " + e.rule }

// LetterType says what kind of dead letter it is.
func (e *LetterError) LetterType() string { return LetterType }

// New makes the table. It is nil for an empty Config. Its errors are those of Validate.
func New(cfg Config) (*Table, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Empty() {
		return nil, nil
	}
	t := new(Table)
	for i := range cfg.Rules {
		when, err := condition.New(cfg.Rules[i].When)
		if err != nil {
			return nil, err
		}
		t.add(cfg.Place(i), when, cfg.Rules[i].Target)
	}
	t.add(CatchAllName, nil, cfg.CatchAll)
	return t, nil
}

func (t *Table) add(name string, when *condition.Condition, to Target) {
	r := &rule{name: name, when: when, to: to}
	switch to.Output {
	case "":
		r.to.Output = Default
	case Discard:
		r.drop = processor.NewDrop(name)
	case DeadLetters:
		r.letter = &LetterError{name}
	}
	t.rules = append(t.rules, r)
}

// Route decides about a document and counts it for its rule. The error is a *processor.Drop, a *LetterError or nil.
func (t *Table) Route(ev *ecs.Event) error {
	if t == nil {
		return nil
	}
	for _, r := range t.rules {
		if r.when == nil || r.when.Match(ev) {
			return r.apply(ev)
		}
	}
	return nil // not reached: the last rule has no condition
}

func (r *rule) apply(ev *ecs.Event) error {
	if r.drop != nil {
		r.drop.Count()
		return r.drop
	}
	r.n.Add(1)
	if r.letter != nil {
		return r.letter
	}
	if r.to.Dataset != "" {
		ev.DataStream.Dataset = r.to.Dataset
	}
	if r.to.Namespace != "" {
		ev.DataStream.Namespace = r.to.Namespace
	}
	if r.to.Output != Default {
		ev.Meta.Output = r.to.Output
	}
	return nil
}

// Stat is what one rule decided.
type Stat struct {
	// Rule is its name, CatchAllName for the catch-all.
	Rule string
	// To is where it sends documents, with Output never empty.
	To Target
	// Events met it. One that is delivered again is counted again.
	Events int64
}

// Stats are the counts of all rules as they are now, in their order, the catch-all last. The number of them never changes.
func (t *Table) Stats() []Stat {
	if t == nil {
		return nil
	}
	all := make([]Stat, len(t.rules))
	for i, r := range t.rules {
		all[i] = Stat{Rule: r.name, To: r.to, Events: r.n.Load()}
		if r.drop != nil {
			all[i].Events = r.drop.Counted()
		}
	}
	return all
}

// Early are the first rules of a table, as far as they can be decided before the mapping.
type Early struct {
	rules  []*rule
	fields []string
}

// Early gives the rules up to the last that lets go of records, as far as they depend on fields that known says yes to. Nil: none of
// these lets go of any, or known is nil, and everything has to wait.
func (t *Table) Early(known func(field string) bool) *Early {
	if t == nil || known == nil {
		return nil
	}
	e, last := Early{}, 0
rules:
	for _, r := range t.rules {
		if r.when != nil {
			for _, field := range r.when.Fields() {
				if !known(field) {
					break rules
				}
			}
		}
		e.rules = append(e.rules, r)
		if r.drop != nil {
			last = len(e.rules)
		}
	}
	if last == 0 {
		return nil
	}
	e.rules = e.rules[:last]
	for _, r := range e.rules {
		if r.when != nil {
			e.fields = append(e.fields, r.when.Fields()...)
		}
	}
	return &e
}

// Fields are those that the rules depend on; one may be there more than once.
func (e *Early) Fields() []string { return e.fields }

// Find gives the rule that lets go of the event; nil where the document has to be made. Nothing is counted.
func (e *Early) Find(ev *ecs.Event) *processor.Drop {
	for _, r := range e.rules {
		if r.when == nil || r.when.Match(ev) {
			return r.drop
		}
	}
	return nil
}
