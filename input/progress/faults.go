package progress

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

// FaultKind is what Faults counts by: when keys expire all folders and objects fail, and for one reason.
type FaultKind struct {
	// What failed, in words: "objects could not be read".
	What string
	// Kind is one of input.ErrorKinds.
	Kind string
}

// faultCount is a kind that was spoken of.
type faultCount struct {
	said   time.Time
	hidden int   // since then
	last   error // of the hidden ones
	old    bool  // it was there in an earlier pass
	seen   bool  // in this pass
	shown  time.Time
}

// Faults decides which faults are spoken of: the first of each kind, how many more there were in that pass, and after that a
// count now and then for as long as they stay. The zero value is ready for use.
type Faults struct {
	// Quiet is how long a kind must not show until it is over. Zero: for one pass.
	Quiet time.Duration

	mu    sync.Mutex
	kinds map[FaultKind]*faultCount
}

// Note counts a fault, and says whether it is to be spoken of.
func (f *Faults) Note(what string, err error, now time.Time) bool {
	kind, _ := input.Explain(err)
	f.mu.Lock()
	defer f.mu.Unlock()
	key := FaultKind{what, kind}
	if c := f.kinds[key]; c != nil {
		c.hidden, c.last, c.seen, c.shown = c.hidden+1, err, true, now
		return false
	}
	if f.kinds == nil {
		f.kinds = make(map[FaultKind]*faultCount)
	}
	f.kinds[key] = &faultCount{said: now, seen: true, shown: now}
	return true
}

// Pass is the end of a pass over the source, or of some other stretch of time. It gives what is to be said of what was hidden, all of
// it with all, and the kinds that are over.
func (f *Faults) Pass(now time.Time, all bool) (say []error, over []FaultKind) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, c := range f.kinds {
		if c.hidden > 0 && (all || !c.old || now.Sub(c.said) >= saidEvery) {
			say = append(say, fmt.Errorf("%d more %s (%s), they are tried again; the last: %w", c.hidden, key.What, key.Kind, c.last))
			c.hidden, c.last, c.said = 0, nil, now
		}
		if !c.seen && now.Sub(c.shown) >= f.Quiet {
			over = append(over, key)
			delete(f.kinds, key)
		}
		c.old, c.seen = true, false
	}
	slices.SortFunc(say, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return say, over
}
