package shipper

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
)

// Branch is one output of a Split.
type Branch struct {
	// Name is that of Meta.Output. Empty: the output of events that name none.
	Name string
	// Output, most often one made by Decorate: each branch waits and tries again by itself.
	Output output.Output
	// Appends says that it stores an event again that is sent again. It is written to last.
	Appends bool
}

// Split is an output.Output that sends each event to the branch that its Meta.Output names. A batch is durable when the part of
// every branch is.
//
// Branches that know an event again (by its _id) are written to side by side. Those that append are written to one after the
// other, and only when all before them are through: so, as long as anything else is open, nothing was appended that would have
// to be sent again. A *output.FatalError of one branch ends the writes of the others.
type Split struct {
	branches []Branch // those that append last
	byName   map[string]int
	sides    int // how many do not append
	order    []string

	mu     sync.Mutex
	counts map[string]*BranchCounts
}

// BranchCounts are what one branch took in a run.
type BranchCounts struct {
	// Name is that of the branch.
	Name string
	// Stored documents were new, Duplicate ones there already. Refused ones became dead letters, or come again.
	Stored, Duplicate, Refused int64
}

// NewSplit puts branches side by side. It fails where two have the same name.
func NewSplit(branches []Branch) (*Split, error) {
	s := &Split{branches: slices.Clone(branches), byName: map[string]int{}, counts: map[string]*BranchCounts{}}
	for _, b := range branches {
		s.order, s.counts[b.Name] = append(s.order, b.Name), &BranchCounts{Name: b.Name}
	}
	slices.SortStableFunc(s.branches, func(a, b Branch) int { return order(a.Appends) - order(b.Appends) })
	for i, b := range s.branches {
		if _, twice := s.byName[b.Name]; twice {
			return nil, fmt.Errorf("making the outputs: two of them are called %q", b.Name)
		}
		s.byName[b.Name] = i
		if !b.Appends {
			s.sides++
		}
	}
	return s, nil
}

func order(appends bool) int {
	if appends {
		return 1
	}
	return 0
}

// share is the part of a Write that one branch takes.
type share struct {
	events []*ecs.Event
	index  []int // of each event in the original slice
	done   bool
	res    output.Result
	err    error
}

// Write delivers each event to its branch. It returns when every branch has its verdict.
func (s *Split) Write(ctx context.Context, events []*ecs.Event) (output.Result, error) {
	shares := make([]share, len(s.branches))
	used := 0
	for i, ev := range events {
		n, known := s.byName[ev.Meta.Output]
		if !known {
			return output.Result{}, &output.FatalError{Err: fmt.Errorf("there is no output %q; name it below outputs", ev.Meta.Output)}
		}
		sh := &shares[n]
		if len(sh.events) == 0 {
			used++
		}
		sh.events, sh.index = append(sh.events, ev), append(sh.index, i)
	}
	if used == 1 { // nothing to put together
		b := &s.branches[s.byName[events[0].Meta.Output]]
		res, err := b.Output.Write(ctx, events)
		s.count(b.Name, res, err)
		return res, err
	}
	writing, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	write := func(i int) {
		sh := &shares[i]
		sh.res, sh.err = s.branches[i].Output.Write(writing, sh.events)
		sh.err, sh.done = checkResult(sh.res, sh.err, len(sh.events)), true
		s.count(s.branches[i].Name, sh.res, sh.err)
		if output.IsFatal(sh.err) {
			stop(sh.err)
		}
	}
	var side sync.WaitGroup
	for i := range s.sides {
		if len(shares[i].events) > 0 {
			side.Go(func() { write(i) })
		}
	}
	side.Wait()
	for i := s.sides; i < len(shares); i++ {
		if len(shares[i].events) > 0 && allThrough(shares[:i]) {
			write(i)
		}
	}
	return merge(shares)
}

func (s *Split) count(name string, res output.Result, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts[name]
	c.Stored += int64(res.Stored)
	c.Duplicate += int64(res.Duplicate)
	var refused *output.BatchError
	if errors.As(err, &refused) {
		c.Refused += int64(len(refused.Failures))
	}
}

// Counts are those of all branches as they are now, in the order in which NewSplit got them. Where the run ended by a fault of one
// branch, the others may have taken more than the accounting says: that comes again, and is a duplicate then.
func (s *Split) Counts() []BranchCounts {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []BranchCounts
	for _, name := range s.order {
		all = append(all, *s.counts[name])
	}
	return all
}

// allThrough reports whether nothing of these shares has to be sent again.
func allThrough(shares []share) bool {
	for i := range shares {
		var refused *output.BatchError
		switch err := shares[i].err; {
		case len(shares[i].events) == 0 || shares[i].done && err == nil:
		case !errors.As(err, &refused):
			return false
		case slices.ContainsFunc(refused.Failures, func(f output.Failure) bool { return !f.Permanent }):
			return false
		}
	}
	return true
}

// errNotBegun is why a branch that appends was not written to.
var errNotBegun = errors.New("another output has not taken its part of the batch yet, and this one would store it twice")

// merge makes one verdict of those of the branches.
func merge(shares []share) (output.Result, error) {
	var res output.Result
	var failures []output.Failure
	var whole []error // of branches of which nothing is known
	answered := 0
	for i := range shares {
		sh := &shares[i]
		if len(sh.events) > 0 && !sh.done {
			sh.err = errNotBegun
		}
		var refused *output.BatchError
		switch {
		case len(sh.events) == 0:
		case output.IsFatal(sh.err):
			return output.Result{}, sh.err
		case sh.err == nil || errors.As(sh.err, &refused):
			answered++
			res.Stored += sh.res.Stored
			res.Duplicate += sh.res.Duplicate
			if refused != nil {
				for _, f := range refused.Failures {
					f.Index = sh.index[f.Index]
					failures = append(failures, f)
				}
			}
		default:
			whole = append(whole, sh.err)
			for _, at := range sh.index {
				failures = append(failures, output.Failure{Index: at, Type: "unfinished", Reason: sh.err.Error()})
			}
		}
	}
	switch {
	case answered == 0:
		return output.Result{}, errors.Join(whole...)
	case len(failures) == 0:
		return res, nil
	}
	slices.SortFunc(failures, func(a, b output.Failure) int { return cmp.Compare(a.Index, b.Index) })
	return res, &output.BatchError{Failures: failures}
}

// Close closes all branches.
func (s *Split) Close() error {
	var errs []error
	for _, b := range s.branches {
		errs = append(errs, b.Output.Close())
	}
	return errors.Join(errs...)
}
