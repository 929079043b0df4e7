package outputtest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
)

// named gives events without a data stream the default one, as a real output does.
type named struct{ *Memory }

func (n named) Write(ctx context.Context, events []*ecs.Event) (output.Result, error) {
	copies := make([]*ecs.Event, len(events))
	for i, ev := range events {
		c := *ev
		if c.Meta.Index == "" {
			c.Meta.Index = "logs-aws.cloudtrail-default"
		}
		copies[i] = &c
	}
	return n.Memory.Write(ctx, copies)
}

func harness(wrap func(output.Output) output.Output) Harness {
	return Harness{
		Deduplicates: true,
		New: func(*testing.T) Storage {
			m := &Memory{}
			return Storage{
				Open:      func(*testing.T) output.Output { return wrap(named{m}) },
				Documents: func(*testing.T) []Document { return m.Documents() },
			}
		},
	}
}

func TestMemory(t *testing.T) {
	Run(t, harness(func(o output.Output) output.Output { return o }))
}

func TestChaosWithoutFaults(t *testing.T) {
	Run(t, harness(func(o output.Output) output.Output { return &Chaos{Next: o} }))
}

func TestFaults(t *testing.T) {
	for name, test := range map[string]struct {
		fault           Fault
		stored          int
		transient, perm []int
		whole, fatal    bool
	}{
		"none":      {fault: None, stored: 6},
		"refuse":    {fault: Refuse, whole: true},
		"lose":      {fault: Lose, stored: 6, whole: true},
		"lose part": {fault: LosePart, stored: 3, whole: true},
		"split":     {fault: Split, stored: 3, transient: []int{1, 3, 5}},
		"reject":    {fault: Reject, stored: 4, perm: []int{0, 3}},
		"mixed":     {fault: Mixed, stored: 2, perm: []int{0, 3}, transient: []int{1, 4}},
		"fatal":     {fault: Fatal, whole: true, fatal: true},
	} {
		t.Run(name, func(t *testing.T) {
			m := &Memory{}
			c := &Chaos{Next: m, Plan: Script(test.fault)}
			res, err := c.Write(t.Context(), NewEvents(0, 6))
			require.Equal(t, test.stored, m.Len())
			require.Equal(t, 1, c.Hits(test.fault))
			require.Equal(t, test.fatal, output.IsFatal(err))
			if test.whole {
				require.ErrorIs(t, err, ErrChaos)
				require.Zero(t, res)
			} else {
				require.Equal(t, output.Result{Stored: test.stored}, res)
			}
			var transient, perm []int
			var batch *output.BatchError
			if errors.As(err, &batch) {
				for _, f := range batch.Failures {
					if f.Permanent {
						perm = append(perm, f.Index)
					} else {
						transient = append(transient, f.Index)
					}
				}
			}
			require.Equal(t, test.transient, transient)
			require.Equal(t, test.perm, perm)
			require.Len(t, c.Rejected(), len(perm))
		})
	}
}

func TestVerdictsLast(t *testing.T) {
	m := &Memory{}
	c := &Chaos{Next: m, Plan: Script(Reject, None, Reject)}
	first := NewEvents(0, 3)
	_, err := c.Write(t.Context(), first)
	require.Error(t, err)
	_, err = c.Write(t.Context(), first)
	var batch *output.BatchError
	require.ErrorAs(t, err, &batch, "a rejected document stays rejected")
	require.Len(t, batch.Failures, 1)
	_, err = c.Write(t.Context(), first[1:])
	require.NoError(t, err, "a stored document is never rejected")
}

func TestPoison(t *testing.T) {
	c := &Chaos{Next: &Memory{}, Poison: func(ev *ecs.Event) bool { return ev.Event.Action == "GetObject" }}
	for range 2 {
		_, err := c.Write(t.Context(), NewEvents(0, 5))
		var batch *output.BatchError
		require.ErrorAs(t, err, &batch)
		require.Equal(t, 1, batch.Failures[0].Index)
		require.True(t, batch.Failures[0].Permanent)
	}
	require.Equal(t, []string{NewEvent(1).Meta.ID}, c.Rejected())
}

func TestRandomIsRepeatable(t *testing.T) {
	one, two := Random(7, 0.5), Random(7, 0.5)
	seen := make(map[Fault]bool)
	for n := range 200 {
		f := one(n)
		require.Equal(t, f, two(n))
		seen[f] = true
	}
	require.Len(t, seen, 5)
}

// A flow in small: retry what failed in passing, bury what failed for good. Whatever Chaos does, all is delivered.
func TestDeliveryThroughChaos(t *testing.T) {
	for seed := range uint64(20) {
		m := &Memory{}
		c := &Chaos{Next: m, Plan: Random(seed, 0.6, Refuse, Lose, LosePart, Split, Reject, Mixed)}
		var want []string
		for _, ev := range NewEvents(0, 400) {
			want = append(want, ev.Meta.ID)
		}
		var mu sync.Mutex
		var dead []string
		var wg sync.WaitGroup
		for _, events := range batches(400, 20) {
			wg.Go(func() {
				for len(events) > 0 {
					_, err := c.Write(t.Context(), events)
					var batch *output.BatchError
					switch {
					case err == nil:
						return
					case errors.As(err, &batch):
						var again []*ecs.Event
						for _, f := range batch.Failures {
							if f.Permanent {
								mu.Lock()
								dead = append(dead, events[f.Index].Meta.ID)
								mu.Unlock()
								continue
							}
							again = append(again, events[f.Index])
						}
						events = again
					}
				}
			})
		}
		wg.Wait()
		require.NoError(t, CheckDelivered(want, m.Documents(), dead), "seed %d", seed)
		require.ElementsMatch(t, c.Rejected(), dead)
	}
}

func TestCheckDelivered(t *testing.T) {
	docs := func(ids ...string) (d []Document) {
		for _, id := range ids {
			d = append(d, Document{ID: id})
		}
		return d
	}
	for name, test := range map[string]struct {
		want    []string
		stored  []Document
		dead    []string
		message string
	}{
		"all well":     {want: []string{"a", "b", "b"}, stored: docs("b"), dead: []string{"a", "a"}},
		"lost":         {want: []string{"a", "b"}, stored: docs("b"), message: "1 documents lost: neither stored nor dead-lettered: a"},
		"twice":        {want: []string{"a"}, stored: docs("a", "a"), message: "1 documents stored more than once: a"},
		"both":         {want: []string{"a"}, stored: docs("a"), dead: []string{"a"}, message: "1 documents stored and dead-lettered: a"},
		"foreign":      {stored: docs("x"), message: "1 documents stored or dead-lettered, but never sent: x"},
		"foreign dead": {dead: []string{"x"}, message: "1 documents stored or dead-lettered, but never sent: x"},
	} {
		t.Run(name, func(t *testing.T) {
			err := CheckDelivered(test.want, test.stored, test.dead)
			if test.message == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, test.message)
		})
	}
}

// The suite must find what is wrong with an output, so the comparison that it rests on is tested by itself.
func TestSameDocuments(t *testing.T) {
	a := Document{Index: "i", ID: "a", JSON: []byte(`{"x":1,"y":2}`)}
	b := Document{Index: "i", ID: "b", JSON: []byte(`{"x":1}`)}
	spaced := Document{Index: "i", ID: "a", JSON: []byte("{\"x\": 1,\n \"y\": 2}")}
	changed := Document{Index: "i", ID: "a", JSON: []byte(`{"x":1,"y":3}`)}
	broken := Document{Index: "i", ID: "a", JSON: []byte(`{"x":1`)}
	require.NoError(t, sameDocuments([]Document{a, b}, []Document{b, spaced}))
	for _, got := range [][]Document{{a}, {a, b, b}, {changed, b}, {broken, b}, {a, {Index: "j", ID: "b", JSON: b.JSON}}} {
		require.Error(t, sameDocuments([]Document{a, b}, got))
	}
}
