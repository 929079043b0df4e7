package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/seen"
	"github.com/trailbeat/trailbeat/internal/registry"
)

// world is one random history: events that appear in order, late or long ago, in several groups, and lives of the input.
type world struct {
	t     *testing.T
	rng   *rand.Rand
	s     *service
	cfg   Config
	store input.Store
	acks  sync.WaitGroup
	delay time.Duration // the longest that an acknowledgement takes

	mu        sync.Mutex
	delivered map[string]int // acknowledged with nil: how often
	life      map[string]int // the same in this life
	again     int            // acknowledged in this life, and handed out again
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 2)), s: newService(seed), cfg: DefaultConfig(), delivered: make(map[string]int)}
	w.store = new(registry.Memory).Input("in")
	s, r := w.s, w.rng
	s.pageEvents, s.pageBytes, s.quota = 3+r.IntN(60), 500+r.IntN(20_000), 5
	s.failing, s.empty, s.expiring = r.Float64()*0.2, r.Float64()*0.4, r.Float64()*0.2
	w.cfg.RegionName, w.cfg.LogGroupNamePrefix = "eu-west-1", "trail-"
	w.cfg.Workers = 1 + r.IntN(3)
	w.cfg.WindowMaxPages, w.cfg.WindowMaxBytes = 1+r.IntN(8), int64(1000+r.IntN(50_000))
	w.cfg.BatchMaxRecords, w.cfg.MaxBatchesInFlight = 1+r.IntN(40), 1+r.IntN(10)
	w.cfg.Latency = time.Duration(r.IntN(3)) * time.Minute
	w.delay = []time.Duration{time.Second, 10 * time.Second, 4 * time.Minute}[r.IntN(3)]
	if r.IntN(3) == 0 {
		w.cfg.SeenMax = r.IntN(20)
	}
	return w
}

// write makes events for a while of the bubble's time. late is the longest that one takes to be visible.
func (w *world) write(r *rand.Rand, span, late time.Duration) {
	groups := 1 + r.IntN(4)
	for i := range groups {
		w.s.create(fmt.Sprintf("trail-%d", i))
	}
	n := 0
	put := func(at time.Time, after time.Duration) {
		n++
		w.s.put(fmt.Sprintf("trail-%d", r.IntN(groups)), fmt.Sprintf("stream-%d", r.IntN(3)), fmt.Sprintf(`{"eventID":"%06d"}`, n), at.Truncate(time.Duration(1+r.IntN(2000))*time.Millisecond), after)
	}
	for range r.IntN(80) { // long ago
		at := time.Now().Add(-time.Hour - time.Duration(r.Int64N(int64(400*24*time.Hour)))).Truncate(2 * time.Second)
		for range 1 + r.IntN(4) { // of the same millisecond
			put(at, 0)
		}
	}
	for end := time.Now().Add(span); time.Now().Before(end); time.Sleep(time.Duration(r.Int64N(int64(20 * time.Second)))) {
		for range r.IntN(10) {
			d := time.Duration(r.Int64N(int64(late)))
			put(time.Now().Add(-time.Duration(r.Int64N(int64(late-d)))).Add(2*time.Second), d)
		}
		if r.IntN(100) == 0 && groups < 6 {
			w.s.create(fmt.Sprintf("trail-%d", groups))
			groups++
		}
	}
}

// live runs the input for a while. Some batches come back, if spoilt; the end is a kill or an orderly stop.
func (w *world) live(span time.Duration, returned float64, killed bool) {
	in, err := New(w.cfg, Deps{ID: "in", Store: w.store, API: w.s})
	require.NoError(w.t, err)
	w.mu.Lock()
	w.life = make(map[string]int)
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(w.t.Context(), span)
	defer cancel()
	for {
		b, err := in.Read(ctx)
		if ctx.Err() != nil && b == nil {
			break
		}
		if err != nil {
			require.False(w.t, input.IsFatal(err), "%v", err)
			continue
		}
		delay := time.Duration(w.rng.Int64N(int64(w.delay)))
		failed := w.rng.Float64() < returned
		w.acks.Go(func() {
			time.Sleep(delay)
			if failed {
				b.Ack(errDown)
				return
			}
			w.mu.Lock()
			for _, r := range b.Records {
				w.delivered[string(r.Raw)]++
				if w.life[string(r.Raw)]++; w.life[string(r.Raw)] > 1 {
					w.again++
				}
			}
			w.mu.Unlock()
			b.Ack(nil)
		})
	}
	if killed {
		kill(in)
	}
	w.acks.Wait()
	if !killed {
		require.NoError(w.t, in.Close())
	}
}

// kill ends the input as kill -9 would: from here on nothing reaches the registry.
func kill(in *Input) {
	in.mu.Lock()
	for _, g := range in.groups {
		g.mu.Lock()
		g.stopped = true
		g.mu.Unlock()
	}
	in.mu.Unlock()
	in.outlet.Break(errors.New("killed"))
	in.workers.Wait()
}

func missing(want, got []string) []string {
	return slices.DeleteFunc(want, func(s string) bool { _, ok := slices.BinarySearch(got, s); return ok })
}

func (w *world) names() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := []string{}
	for name := range w.delivered {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// TestNothingIsLost: whatever the faults, restarts and acknowledgements, the distinct events delivered are those that exist.
func TestNothingIsLost(t *testing.T) {
	seeds := uint64(40)
	if testing.Short() {
		seeds = 15
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, seed)
				var writer sync.WaitGroup
				late := w.cfg.Overlap + w.cfg.Latency
				writerRng := rand.New(rand.NewPCG(seed, 3))
				writer.Go(func() { w.write(writerRng, 90*time.Minute, late) })
				synctest.Wait()
				for range 3 + w.rng.IntN(6) {
					w.live(time.Duration(w.rng.Int64N(int64(25*time.Minute))), w.rng.Float64()*0.1, w.rng.IntN(2) == 0)
					time.Sleep(time.Duration(w.rng.Int64N(int64(10 * time.Minute)))) // nobody reads
				}
				writer.Wait()
				time.Sleep(late) // until all is visible
				w.s.mu.Lock()
				w.s.failing, w.s.expiring = 0, 0
				w.s.mu.Unlock()
				w.delay = time.Second
				w.live(2*time.Hour, 0, false)
				assert.Empty(t, missing(w.s.messages(), w.names()), "lost")
				if w.cfg.SeenMax == DefaultConfig().SeenMax {
					assert.Zero(t, w.again, "delivered twice in one life")
				}
				w.delivered = make(map[string]int)
				w.live(30*time.Minute, 0, false)
				if len(w.s.messages()) < seen.SavedMax && w.cfg.SeenMax == DefaultConfig().SeenMax {
					assert.Empty(t, w.names(), "delivered again after an orderly stop")
				}
			})
		})
	}
}

// TestOnceReadsAllThatIsThere, up to now less latency, and ends.
func TestOnceReadsAllThatIsThere(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, seed)
			w.s.failing = 0
			w.cfg.Latency = 0
			w.write(rand.New(rand.NewPCG(seed, 3)), time.Minute, time.Minute)
			time.Sleep(2 * time.Minute)
			in, err := New(w.cfg, Deps{ID: "in", Store: w.store, API: w.s, Once: true})
			require.NoError(t, err)
			var later []func(error)
			got := map[string]bool{}
			for {
				b, err := in.Read(t.Context())
				if err != nil {
					require.EqualError(t, err, "EOF")
					break
				}
				for _, r := range b.Records {
					got[string(r.Raw)] = true
				}
				if later = append(later, b.Ack); len(later) == w.cfg.MaxBatchesInFlight {
					for _, ack := range later {
						ack(nil)
					}
					later = nil
				}
			}
			for _, ack := range later {
				ack(nil)
			}
			require.NoError(t, in.Close())
			assert.Len(t, got, len(w.s.messages()))
		})
	}
}
