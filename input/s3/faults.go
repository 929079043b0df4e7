package s3

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/input"
)

// saidEvery is the pause between two words on a kind of fault that stays.
const saidEvery = 10 * time.Minute

// The things that fail, in words.
const (
	whatListing = "folders could not be listed"
	whatObject  = "objects could not be read"
	whatFull    = "passes ended early, as too many objects could not be read"
	whatForeign = "folders hold too many objects with names that are not those of CloudTrail"
	whatChore   = "objects that were read could not be copied or deleted"
)

// faultKind is what faults are counted by: when keys expire all folders and objects fail, and for one reason.
type faultKind struct {
	what string
	kind string // one of input.ErrorKinds
}

// faultCount is a kind that was spoken of.
type faultCount struct {
	said   time.Time
	hidden int   // since then
	last   error // of the hidden ones
	old    bool  // it was there in an earlier pass
	seen   bool  // in this pass
}

// faultLog decides which faults are spoken of: the first of each kind, how many more there were in that pass, and after that a
// count now and then for as long as they stay. The zero value is ready for use.
type faultLog struct {
	mu    sync.Mutex
	kinds map[faultKind]*faultCount
}

// note counts a fault, and says whether it is to be spoken of.
func (f *faultLog) note(what string, err error, now time.Time) bool {
	kind, _ := input.Explain(err)
	f.mu.Lock()
	defer f.mu.Unlock()
	key := faultKind{what, kind}
	if c := f.kinds[key]; c != nil {
		c.hidden, c.last, c.seen = c.hidden+1, err, true
		return false
	}
	if f.kinds == nil {
		f.kinds = make(map[faultKind]*faultCount)
	}
	f.kinds[key] = &faultCount{said: now, seen: true}
	return true
}

// pass is the end of a pass. It gives what is to be said of what was hidden, all of it with all, and the kinds that are over:
// of which there was none in this pass.
func (f *faultLog) pass(now time.Time, all bool) (say []error, over []faultKind) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, c := range f.kinds {
		if all && key.what == whatChore {
			continue // Close counts those
		}
		if c.hidden > 0 && (all || !c.old || now.Sub(c.said) >= saidEvery) {
			say = append(say, fmt.Errorf("%d more %s (%s), they are tried again; the last: %w", c.hidden, key.what, key.kind, c.last))
			c.hidden, c.last, c.said = 0, nil, now
		}
		if !c.seen {
			over = append(over, key)
			delete(f.kinds, key)
		}
		c.old, c.seen = true, false
	}
	slices.SortFunc(say, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return say, over
}

// note counts what went wrong, and makes Read tell it where its kind was not told yet.
func (in *Input) note(what string, err error) {
	in.state.Failed(err)
	if in.faults.note(what, err, time.Now()) {
		in.queue(err)
	}
}

// endFaults tells what was hidden in a pass, and what is over.
func (in *Input) endFaults() {
	say, over := in.faults.pass(time.Now(), in.deps.Once)
	for _, err := range say {
		in.queue(err)
	}
	for _, key := range over {
		in.log.Info("a kind of fault did not show in the last pass any more", "what", key.what, "error.type", key.kind)
	}
}

// each gives the errors that errors.Join put together.
func each(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // what is wrapped further down belongs to one error
	switch {
	case err == nil:
		return nil
	case !ok:
		return []error{err}
	}
	var list []error
	for _, one := range joined.Unwrap() {
		list = append(list, each(one)...)
	}
	return list
}
