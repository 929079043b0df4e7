package shipper

import (
	"fmt"
	"log/slog"
	"sync"
)

// Counts says what became of records. Every record that was received is in exactly one of the other members, at every
// moment.
type Counts struct {
	// Received records were handed over by an input. A record that a source delivers again is received again.
	Received int64 `json:"received"`
	// Indexed documents were new to the output and are durable.
	Indexed int64 `json:"indexed"`
	// Duplicate documents were in the output already.
	Duplicate int64 `json:"duplicate"`
	// Filtered records were taken out on purpose by a filter.
	Filtered int64 `json:"filtered"`
	// DeadLettered records can never be indexed as they are, and are durable among the dead letters.
	DeadLettered int64 `json:"dead_lettered"`
	// InFlight records are on their way.
	InFlight int64 `json:"in_flight"`
	// Returned records were not durable when their batch was acknowledged with an error: the source delivers them again.
	Returned int64 `json:"returned"`
	// ReadErrors counts the errors of Read that did not stop the input. It is not part of the balance.
	ReadErrors int64 `json:"read_errors"`
}

// Check returns an error when the counts do not balance.
func (c Counts) Check() error {
	sum := c.Indexed + c.Duplicate + c.Filtered + c.DeadLettered + c.InFlight + c.Returned
	if sum != c.Received {
		return fmt.Errorf("the accounting does not balance: %s sums up to %d", c, sum)
	}
	for _, n := range [...]int64{c.Indexed, c.Duplicate, c.Filtered, c.DeadLettered, c.InFlight, c.Returned} {
		if n < 0 {
			return fmt.Errorf("the accounting holds a negative count: %s", c)
		}
	}
	return nil
}

// String is the line that is printed when a run ends.
func (c Counts) String() string {
	return fmt.Sprintf("received=%d indexed=%d duplicate=%d filtered=%d dead_lettered=%d in_flight=%d returned=%d",
		c.Received, c.Indexed, c.Duplicate, c.Filtered, c.DeadLettered, c.InFlight, c.Returned)
}

// LogValue makes one group of the counts.
func (c Counts) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Int64("received", c.Received), slog.Int64("indexed", c.Indexed), slog.Int64("duplicate", c.Duplicate),
		slog.Int64("filtered", c.Filtered), slog.Int64("dead_lettered", c.DeadLettered),
		slog.Int64("in_flight", c.InFlight), slog.Int64("returned", c.Returned), slog.Int64("read_errors", c.ReadErrors))
}

func (c *Counts) add(d Counts) {
	c.Received += d.Received
	c.Indexed += d.Indexed
	c.Duplicate += d.Duplicate
	c.Filtered += d.Filtered
	c.DeadLettered += d.DeadLettered
	c.InFlight += d.InFlight
	c.Returned += d.Returned
	c.ReadErrors += d.ReadErrors
}

// Accounting counts for a whole run. Safe for concurrent use; a snapshot taken at any moment balances, because every
// change moves records from one member to another in one step. It is touched a few times per batch, never per record.
type Accounting struct {
	mu    sync.Mutex
	total Counts
	ids   []string
	byID  map[string]*Counts
	watch func(Snapshot) // for tests: called with every change, under the lock
}

// Snapshot is a copy of the accounting at one moment.
type Snapshot struct {
	// Total is the sum over the inputs.
	Total Counts
	// Inputs holds the counts of each input, in the order of the configuration.
	Inputs []InputCounts
}

// InputCounts are the counts of one input.
type InputCounts struct {
	// ID is the id of the input.
	ID string
	Counts
}

// Check returns an error when the total, the counts of an input, or the two together do not balance.
func (s Snapshot) Check() error {
	var sum Counts
	for _, in := range s.Inputs {
		if err := in.Check(); err != nil {
			return fmt.Errorf("input %q: %w", in.ID, err)
		}
		sum.add(in.Counts)
	}
	if sum != s.Total {
		return fmt.Errorf("the inputs sum up to %s, the total says %s", sum, s.Total)
	}
	return s.Total.Check()
}

// String is the exit line of the run: the total.
func (s Snapshot) String() string { return s.Total.String() }

func newAccounting(ids []string) *Accounting {
	a := &Accounting{ids: ids, byID: make(map[string]*Counts, len(ids))}
	for _, id := range ids {
		a.byID[id] = new(Counts)
	}
	return a
}

// add counts for one more input. One that was there before goes on with its counts.
func (a *Accounting) add(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byID[id] == nil {
		a.byID[id] = new(Counts)
		a.ids = append(a.ids, id)
	}
}

// of gives the counts of one input.
func (a *Accounting) of(id string) Counts {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.byID[id]; c != nil {
		return *c
	}
	return Counts{}
}

// Snapshot returns the counts as they are now.
func (a *Accounting) Snapshot() Snapshot {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.snapshot()
}

// String is the exit line of the run as of now.
func (a *Accounting) String() string { return a.Snapshot().String() }

func (a *Accounting) snapshot() Snapshot {
	s := Snapshot{Total: a.total, Inputs: make([]InputCounts, len(a.ids))}
	for i, id := range a.ids {
		s.Inputs[i] = InputCounts{ID: id, Counts: *a.byID[id]}
	}
	return s
}

// receive counts n records of an input as received and in flight.
func (a *Accounting) receive(id string, n int) {
	a.apply(id, Counts{Received: int64(n), InFlight: int64(n)})
}

// settle moves records from in flight to where d says.
func (a *Accounting) settle(id string, d Counts) {
	d.InFlight -= d.Indexed + d.Duplicate + d.Filtered + d.DeadLettered + d.Returned
	a.apply(id, d)
}

func (a *Accounting) readError(id string) { a.apply(id, Counts{ReadErrors: 1}) }

func (a *Accounting) apply(id string, d Counts) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.byID[id].add(d)
	a.total.add(d)
	if a.watch != nil {
		a.watch(a.snapshot())
	}
}
