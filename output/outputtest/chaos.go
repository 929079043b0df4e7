package outputtest

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
)

// Fault is what Chaos does to one Write.
type Fault int

const (
	// None lets the Write through.
	None Fault = iota
	// Refuse stores nothing and returns a transient error about the whole batch: a lost connection, a server at its limit.
	Refuse
	// Lose stores the whole batch and returns a transient error: the answer did not arrive.
	Lose
	// LosePart stores the first half of the batch and returns a transient error about the whole: a crash in the middle.
	LosePart
	// Split stores every second event and names the others as transient failures in a *output.BatchError.
	Split
	// Reject names every third event, from the first on, as a permanent failure in a *output.BatchError and stores the
	// others.
	Reject
	// Mixed names every third event as permanent and the one after it as transient, and stores the rest.
	Mixed
	// Fatal stores nothing and returns a *output.FatalError.
	Fatal
)

// ErrChaos is what the errors of Refuse, Lose, LosePart and Fatal wrap.
var ErrChaos = errors.New("injected fault")

// Plan chooses the fault of the n-th Write, from 0. Calls of a plan are serialised by Chaos.
type Plan func(n int) Fault

// Script is a plan that plays the faults in order, and None after the last.
func Script(faults ...Fault) Plan {
	return func(n int) Fault {
		if n < len(faults) {
			return faults[n]
		}
		return None
	}
}

// Random is a plan that gives a share of all Writes, from 0 to 1, a fault chosen evenly from faults. The same seed gives
// the same plan. Without faults it chooses among all that a run survives with every document delivered: Refuse, Lose,
// LosePart and Split.
func Random(seed uint64, share float64, faults ...Fault) Plan {
	if len(faults) == 0 {
		faults = []Fault{Refuse, Lose, LosePart, Split}
	}
	rnd := rand.New(rand.NewPCG(seed, 0))
	return func(int) Fault {
		if rnd.Float64() >= share {
			return None
		}
		return faults[rnd.IntN(len(faults))]
	}
}

// Chaos puts faults before an output. Which ones, says its Plan; Poison adds documents that are never accepted.
type Chaos struct {
	// Next is the output that really stores. Required.
	Next output.Output
	// Plan chooses the fault of each Write. Nil means None always.
	Plan Plan
	// Poison reports events that are a permanent failure in every Write, whatever the plan says. Nil means none.
	Poison func(*ecs.Event) bool

	mu       sync.Mutex
	calls    int
	hits     map[Fault]int
	verdicts map[Key]bool // true: rejected for good; false: let through, and never rejected later
}

var _ output.Output = (*Chaos)(nil)

// Write implements [output.Output]. An event that was once rejected stays rejected, and one that was
// once let through is never rejected.
func (c *Chaos) Write(ctx context.Context, events []*ecs.Event) (output.Result, error) {
	fault := c.next()
	switch fault {
	case Refuse:
		return output.Result{}, ErrChaos
	case Fatal:
		return output.Result{}, &output.FatalError{Err: ErrChaos}
	case LosePart:
		_, _ = c.judge(ctx, None, events[:len(events)/2])
		return output.Result{}, ErrChaos
	case Lose:
		_, _ = c.judge(ctx, None, events)
		return output.Result{}, ErrChaos
	default:
		return c.judge(ctx, fault, events)
	}
}

// Close closes the output below.
func (c *Chaos) Close() error { return c.Next.Close() }

// Rejected lists the _ids that were named as permanent failures, each once and in no particular order.
func (c *Chaos) Rejected() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ids []string
	for k, rejected := range c.verdicts {
		if rejected {
			ids = append(ids, k.ID)
		}
	}
	return ids
}

// Hits counts how often the fault was played, so that a test can tell that its plan had an effect.
func (c *Chaos) Hits(f Fault) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hits[f]
}

func (c *Chaos) next() Fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	fault := None
	if c.Plan != nil {
		fault = c.Plan(c.calls)
	}
	c.calls++
	if c.hits == nil {
		c.hits = make(map[Fault]int)
	}
	c.hits[fault]++
	return fault
}

// judge stores the events that the fault lets through, and names the others.
func (c *Chaos) judge(ctx context.Context, fault Fault, events []*ecs.Event) (output.Result, error) {
	var pass []*ecs.Event
	var origin []int // index in events of each event in pass
	var failures []output.Failure
	for i, ev := range events {
		switch {
		case c.rejects(fault, i, ev):
			failures = append(failures, output.Failure{Index: i, Permanent: true, Status: 400,
				Type: "document_parsing_exception", Reason: "injected permanent failure"})
		case fault == Split && i%2 == 1, fault == Mixed && i%3 == 1:
			failures = append(failures, output.Failure{Index: i, Status: 429,
				Type: "es_rejected_execution_exception", Reason: "injected transient failure"})
		default:
			pass, origin = append(pass, ev), append(origin, i)
		}
	}
	res, err := c.Next.Write(ctx, pass)
	if err != nil {
		var batch *output.BatchError
		if !errors.As(err, &batch) {
			return output.Result{}, err
		}
		for _, f := range batch.Failures {
			f.Index = origin[f.Index]
			failures = append(failures, f)
		}
	}
	if len(failures) == 0 {
		return res, nil
	}
	slices.SortFunc(failures, func(a, b output.Failure) int { return cmp.Compare(a.Index, b.Index) })
	return res, &output.BatchError{Failures: failures}
}

// rejects sticks to its first verdict on a document. One that was let through may be stored, and a server does not
// find fault with what it has.
func (c *Chaos) rejects(fault Fault, i int, ev *ecs.Event) bool {
	key := keyOf(ev)
	poison := c.Poison != nil && c.Poison(ev)
	verdict := poison || ((fault == Reject || fault == Mixed) && i%3 == 0)
	if key.ID == "" {
		return verdict
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if earlier, ok := c.verdicts[key]; ok {
		return earlier
	}
	if c.verdicts == nil {
		c.verdicts = make(map[Key]bool)
	}
	c.verdicts[key] = verdict
	return verdict
}
