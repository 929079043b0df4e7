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
	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/output"
	"github.com/trailbeat/trailbeat/output/outputtest"
)

// world is what outlives a run: the storage, the dead letters, and what the sources still hold.
type world struct {
	rnd    *rand.Rand
	memory *outputtest.Memory
	chaos  *outputtest.Chaos
	box    *letterBox
	want   map[string]bool // records that must be stored or dead-lettered
	dead   map[string]bool // records that can only be dead-lettered
	left   map[string][]fakeBatch
	output func() output.Output
}

// slowly is an output that takes its time.
func slowly(next output.Output) output.Output {
	return &scripted{write: func(ctx context.Context, _ int, evs []*ecs.Event) (output.Result, error) {
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return output.Result{}, err
		}
		return next.Write(ctx, evs)
	}}
}

func newWorld(seed uint64, more ...string) *world {
	rnd := rand.New(rand.NewPCG(seed, 1))
	w := &world{rnd: rnd, memory: &outputtest.Memory{}, want: map[string]bool{}, dead: map[string]bool{}, left: map[string][]fakeBatch{}}
	faults := []outputtest.Fault{outputtest.Refuse, outputtest.Lose, outputtest.LosePart, outputtest.Split, outputtest.Reject, outputtest.Mixed}
	w.chaos = &outputtest.Chaos{Next: w.memory, Plan: outputtest.Random(seed, rnd.Float64(), faults...),
		Poison: func(ev *ecs.Event) bool { return strings.HasPrefix(ev.Event.ID, "poison") }}
	letters := rand.New(rand.NewPCG(seed, 2))
	w.box = &letterBox{fail: func(int) error {
		if letters.IntN(3) == 0 {
			return errors.New("disk full")
		}
		return nil
	}}
	w.output = func() output.Output { return Decorate(slowly(w.chaos), Config{}, testBackoff, nil) }
	kinds := append([]string{"event", "event", "event", "event", "drop", "panic", "fail", "poison"}, more...)
	for source := range 1 + rnd.IntN(3) {
		for batch := range rnd.IntN(12) {
			var raws []string
			for rec := range 1 + rnd.IntN(12) {
				kind := kinds[rnd.IntN(len(kinds))]
				raw := fmt.Sprintf("%s %d-%d-%d", kind, source, batch, rec)
				if kind == "event" && rnd.IntN(8) == 0 {
					raw = "event everywhere" // the same event from several places
				}
				raws = append(raws, raw)
				w.want[raw] = kind != "drop"
				w.dead[raw] = kind == "panic" || kind == "fail" || kind == "poison"
			}
			id := fmt.Sprint(source)
			w.left[id] = append(w.left[id], fakeBatch{raws: raws, index: int64(batch * 100)})
		}
		if id := fmt.Sprint(source); w.left[id] == nil {
			w.left[id] = []fakeBatch{}
		}
	}
	return w
}

// ackSpy tells which batches were acknowledged with nil: only those are gone from the source.
type ackSpy struct {
	*fakeInput
	done func(key string)
}

func (a *ackSpy) Read(ctx context.Context) (*input.Batch, error) {
	batch, err := a.fakeInput.Read(ctx)
	if err != nil {
		return nil, err
	}
	ack, key := batch.Ack, fmt.Sprint(a.origin.InputID, "/", batch.Records[0].Index)
	batch.Ack = func(err error) {
		ack(err)
		if err == nil {
			a.done(key)
		}
	}
	return batch, nil
}

// run is one life of the shipper. It ends by itself or by a signal after stop.
func (w *world) run(t *testing.T, stop time.Duration) {
	var ins []*fakeInput
	for id := range len(w.left) {
		in := newInput(fmt.Sprint(id))
		in.todo = append(in.todo, w.left[fmt.Sprint(id)]...)
		in.redeliver = w.rnd.IntN(3)
		ins = append(ins, in)
	}
	var mu sync.Mutex
	acked := map[string]bool{}
	s := newShipper(t, w.output(), w.box, func(o *Options) {
		o.Config = Config{NumberOfWorkers: 1 + w.rnd.IntN(4), ShutdownTimeout: time.Duration(w.rnd.IntN(3000)) * time.Millisecond}
		o.MaxEvents = 1 + w.rnd.IntN(8)
	}, ins...)
	for i, in := range ins {
		s.opt.Sources[i].Input = &ackSpy{fakeInput: in, done: func(key string) {
			mu.Lock()
			defer mu.Unlock()
			acked[key] = true
		}}
	}
	ctx, cancel := context.WithTimeout(t.Context(), stop)
	defer cancel()
	require.NoError(t, s.Run(ctx))
	for i, in := range ins {
		in.check(t)
		id := fmt.Sprint(i)
		var left []fakeBatch
		for _, b := range w.left[id] {
			if !acked[fmt.Sprint(id, "/", b.index)] {
				left = append(left, b)
			}
		}
		w.left[id] = left
	}
	snap := s.Accounting().Snapshot()
	require.NoError(t, snap.Check())
	assert.Zero(t, snap.Total.InFlight)
}

func TestEveryRecordIsDeliveredOnceInEffect(t *testing.T) {
	for seed := range uint64(150) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(seed)
			for range w.rnd.IntN(4) {
				w.run(t, time.Duration(w.rnd.IntN(5000))*time.Millisecond)
			}
			w.run(t, 1000*time.Hour)
			w.check(t)
		})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func (w *world) check(t *testing.T, others ...*outputtest.Memory) {
	for id, left := range w.left {
		assert.Empty(t, left, "source %s still holds something", id)
	}
	storedIDs, deadIDs := map[string]bool{}, map[string]bool{}
	for _, memory := range append(others, w.memory) {
		for _, id := range ids(memory) {
			assert.False(t, storedIDs[id], "%s is stored twice", id)
			storedIDs[id] = true
		}
	}
	for _, raw := range w.box.raws() {
		assert.NotContains(t, raw, "#", "the bytes are those of the record")
		deadIDs[raw] = true
	}
	for raw, wanted := range w.want {
		switch {
		case !wanted:
			assert.False(t, storedIDs[raw] || deadIDs[raw], "%s was filtered", raw)
		case w.dead[raw]:
			assert.True(t, deadIDs[raw] && !storedIDs[raw], "%s belongs to the dead letters", raw)
		default:
			assert.True(t, deadIDs[raw] != storedIDs[raw], "%s: stored %t, dead letter %t", raw, storedIDs[raw], deadIDs[raw])
		}
	}
	for _, id := range w.chaos.Rejected() {
		assert.True(t, deadIDs[id], "%s was refused for good", id)
	}
	assert.LessOrEqual(t, len(storedIDs)+len(deadIDs), len(w.want))
}
