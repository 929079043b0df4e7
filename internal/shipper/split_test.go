package shipper

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
	"github.com/trailbeat/trailbeat/output/outputtest"
)

// routed makes events whose _id is the text and whose output is the word behind "to".
func routed(texts ...string) []*ecs.Event {
	var all []*ecs.Event
	for _, text := range texts {
		ev := new(ecs.Event)
		if err := process([]byte(text), ev); err != nil {
			panic(err)
		}
		all = append(all, ev)
	}
	return all
}

func newSplit(t *testing.T, branches ...Branch) *Split {
	t.Helper()
	s, err := NewSplit(branches)
	require.NoError(t, err)
	return s
}

func TestSplitSendsEachEventToItsOutput(t *testing.T) {
	var main, cheap, log outputtest.Memory
	s := newSplit(t, Branch{Output: &main}, Branch{Name: "log", Output: &log, Appends: true}, Branch{Name: "cheap", Output: &cheap})
	res, err := s.Write(t.Context(), routed("a", "to cheap 1", "b", "to log 1", "to cheap 2", "a"))
	require.NoError(t, err)
	assert.Equal(t, output.Result{Stored: 5, Duplicate: 1}, res)
	assert.Equal(t, []string{"a", "b"}, ids(&main))
	assert.Equal(t, []string{"to cheap 1", "to cheap 2"}, ids(&cheap))
	assert.Equal(t, []string{"to log 1"}, ids(&log))

	_, err = s.Write(t.Context(), routed("a", "to nowhere 1"))
	assert.True(t, output.IsFatal(err))
	_, err = NewSplit([]Branch{{Name: "x", Output: &main}, {Name: "x", Output: &log}})
	require.Error(t, err)
}

// Failures keep the place that the event has in the whole batch.
func TestSplitPutsVerdictsTogether(t *testing.T) {
	refuse := func(at int, permanent bool) output.Output {
		return &scripted{write: func(_ context.Context, _ int, evs []*ecs.Event) (output.Result, error) {
			return output.Result{Stored: len(evs) - 1}, &output.BatchError{Failures: []output.Failure{{Index: at, Permanent: permanent, Type: "t"}}}
		}}
	}
	s := newSplit(t, Branch{Output: refuse(1, true)}, Branch{Name: "cheap", Output: refuse(0, true)})
	res, err := s.Write(t.Context(), routed("to cheap 1", "a", "to cheap 2", "b", "c"))
	assert.Equal(t, output.Result{Stored: 3}, res)
	var refused *output.BatchError
	require.ErrorAs(t, err, &refused)
	require.Len(t, refused.Failures, 2)
	assert.Equal(t, 0, refused.Failures[0].Index)
	assert.Equal(t, 3, refused.Failures[1].Index)
	require.NoError(t, errors.Unwrap(checkResult(res, err, 5)))
}

func failing() *scripted {
	return &scripted{write: func(context.Context, int, []*ecs.Event) (output.Result, error) { return output.Result{}, errDown }}
}

func TestSplitAppendsOnlyWhenAllElseIsThrough(t *testing.T) {
	for name, c := range map[string]struct {
		other    output.Output
		appended int
	}{
		"through": {&outputtest.Memory{}, 1},
		"down":    {failing(), 0},
		"refused for good": {&scripted{write: func(_ context.Context, _ int, evs []*ecs.Event) (output.Result, error) {
			return output.Result{}, &output.BatchError{Failures: []output.Failure{{Permanent: true}}}
		}}, 1},
		"refused for now": {&scripted{write: func(_ context.Context, _ int, evs []*ecs.Event) (output.Result, error) {
			return output.Result{}, &output.BatchError{Failures: []output.Failure{{}}}
		}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var log outputtest.Memory
			s := newSplit(t, Branch{Name: "log", Output: &log, Appends: true}, Branch{Output: c.other})
			res, err := s.Write(t.Context(), routed("a", "to log 1"))
			require.NoError(t, contract(res, err, 2))
			assert.Len(t, log.Documents(), c.appended)
		})
	}
	// Where the one that appends is down, it is the others that see their part again, and know it.
	var main outputtest.Memory
	s := newSplit(t, Branch{Output: &main}, Branch{Name: "log", Output: failing(), Appends: true})
	res, err := s.Write(t.Context(), routed("a", "to log 1"))
	assert.Equal(t, output.Result{Stored: 1}, res)
	var refused *output.BatchError
	require.ErrorAs(t, err, &refused)
	assert.False(t, refused.Failures[0].Permanent)
	assert.Equal(t, 1, refused.Failures[0].Index)
}

// contract is nil where the verdict adds up, whatever it is.
func contract(res output.Result, err error, n int) error {
	if err = checkResult(res, err, n); output.IsFatal(err) {
		return err
	}
	return nil
}

// A fault that ends the run must not wait for an output that is down.
func TestSplitFatalEndsTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fatal := &scripted{write: func(context.Context, int, []*ecs.Event) (output.Result, error) {
			return output.Result{}, &output.FatalError{Err: errors.New("no right")}
		}}
		down := NewRetry(failing(), testBackoff, nil)
		_, err := newSplit(t, Branch{Output: down}, Branch{Name: "cheap", Output: fatal}).Write(t.Context(), routed("a", "to cheap 1"))
		require.ErrorContains(t, err, "no right")
		assert.True(t, output.IsFatal(err))
	})
}

func TestSplitClosesAll(t *testing.T) {
	a, b := failing(), failing()
	require.NoError(t, newSplit(t, Branch{Output: a}, Branch{Name: "b", Output: b}).Close())
	assert.True(t, a.closed && b.closed)
}

// A record that a rule sends to the dead letters keeps its type, its _id and where it would have gone.
func TestLettersOfRules(t *testing.T) {
	memory, box := &outputtest.Memory{}, &letterBox{}
	one := newInput("one", []string{"a", "letter 1", "b"})
	s := newShipper(t, memory, box, func(o *Options) {
		o.Processor = processFunc(func(raw []byte, ev *ecs.Event) error {
			ev.Meta.ID = string(raw)
			return process(raw, ev)
		})
	}, one)
	require.NoError(t, s.Run(t.Context()))
	require.Len(t, box.letters, 1)
	l := box.letters[0]
	assert.Equal(t, "letter 1", l.ID)
	assert.Equal(t, "routed", l.Type)
	assert.Equal(t, "sent there by rule x", l.Reason)
	assert.Equal(t, "logs-aws.cloudtrail-default", l.Index)
	assert.Equal(t, "received=3 indexed=2 duplicate=0 filtered=0 dead_lettered=1 in_flight=0 returned=0", s.Accounting().String())
}

// outages lets an output be down from time to time, and for good while a run is on.
func outages(next output.Output, rnd *rand.Rand, long bool) output.Output {
	var mu sync.Mutex
	var until time.Time
	return &scripted{write: func(ctx context.Context, n int, evs []*ecs.Event) (output.Result, error) {
		mu.Lock()
		if n == 0 && long {
			until = time.Now().Add(24 * time.Hour)
		} else if rnd.IntN(5) == 0 {
			until = time.Now().Add(time.Duration(rnd.IntN(60)) * time.Second)
		}
		down := time.Now().Before(until)
		mu.Unlock()
		if down {
			return output.Result{}, errDown
		}
		return next.Write(ctx, evs)
	}}
}

// One output is down for a while, or for as long as a run lives, and runs end at any moment: nothing is lost in any of them, and
// nothing is twice in any of them.
func TestEveryRecordIsInItsOutputOnce(t *testing.T) {
	for seed := range uint64(150) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(seed, "to cheap event", "to cheap event", "to cheap poison")
			var cheap outputtest.Memory
			badly := &outputtest.Chaos{Next: &cheap, Plan: outputtest.Random(seed+1000, w.rnd.Float64()/2), Poison: func(ev *ecs.Event) bool {
				return strings.HasPrefix(ev.Event.ID, "to cheap poison")
			}}
			for raw := range w.want {
				w.dead[raw] = w.dead[raw] || strings.HasPrefix(raw, "to cheap poison")
			}
			downs := rand.New(rand.NewPCG(seed, 3))
			last := false
			w.output = func() output.Output {
				var branches []Branch
				long := downs.IntN(4) // which of them is down for the whole run, if any
				for i, b := range []Branch{{Output: w.chaos}, {Name: "cheap", Output: badly}} {
					own := rand.New(rand.NewPCG(downs.Uint64(), 4))
					b.Output = Decorate(outages(slowly(b.Output), own, long == i && !last), Config{}, testBackoff, nil)
					branches = append(branches, b)
				}
				return newSplit(t, branches...)
			}
			for range w.rnd.IntN(4) {
				w.run(t, time.Duration(w.rnd.IntN(20000))*time.Millisecond)
			}
			last = true
			w.run(t, 1000*time.Hour)
			w.check(t, &cheap)
			for _, id := range ids(&cheap) {
				assert.True(t, strings.HasPrefix(id, "to cheap event"), id)
			}
			for _, id := range ids(w.memory) {
				assert.False(t, strings.HasPrefix(id, "to cheap"), id)
			}
		})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func BenchmarkSplit(b *testing.B) {
	nothing := &scripted{write: func(_ context.Context, _ int, evs []*ecs.Event) (output.Result, error) {
		return output.Result{Stored: len(evs)}, nil
	}}
	s, err := NewSplit([]Branch{{Output: nothing}, {Name: "cheap", Output: nothing}})
	require.NoError(b, err)
	var texts []string
	for i := range 512 {
		texts = append(texts, fmt.Sprint([]string{"to cheap ", "a "}[i%2], i))
	}
	events := routed(texts...)
	for b.Loop() {
		nothing.calls = nothing.calls[:0]
		if _, err := s.Write(b.Context(), events); err != nil {
			b.Fatal(err)
		}
	}
}
